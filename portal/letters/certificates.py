"""RULES: what a lender seals with: a key, and certificates from its own up to a root; made here, or from PKCS#12."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

YEARS = 5
_SMALLEST_RSA = 2048
# The longest name that a certificate may hold.
_LONGEST_NAME = 64


class CannotSeal(ValueError):
    """What was brought can't seal letters; the text says why."""


@dataclass(frozen=True, slots=True)
class SealPair:
    """A key, and its certificates, own first and root last; all as PEM."""

    key: str = field(repr=False)
    chain: str
    good_until: datetime
    owner: str


def made_for(name: str, *, now: datetime) -> SealPair:
    """Make a root of a lender's own and a certificate under it; the root's key is thrown away, and signs no more."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    since, until = now - timedelta(days=1), now + timedelta(days=365 * YEARS)
    root_name, own_name = _name(f"{name} root"), _name(name)
    root = (
        _builder(root_name, issuer=root_name, key=root_key, since=since, until=until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(root=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    own = (
        _builder(own_name, issuer=root_name, key=key, since=since, until=until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(root=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return _pair(key, (own, root))


def from_pkcs12(content: bytes, *, password: str, now: datetime) -> SealPair:
    """Read a key and its certificates from a PKCS#12 file.

    :raises CannotSeal: if it can't be opened, or what is in it can't seal letters.
    """
    try:
        found = pkcs12.load_pkcs12(content, password.encode() or None)
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise CannotSeal("the file can't be opened: it is no PKCS#12 file, or the password is another one") from problem
    if found.key is None or found.cert is None:
        raise CannotSeal("the file has no key with its certificate")
    key, own = found.key, found.cert.certificate
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CannotSeal("the key is neither RSA nor of an elliptic curve")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _SMALLEST_RSA:
        raise CannotSeal(f"the key has {key.key_size} bits, and {_SMALLEST_RSA} is the least")
    if own.public_key() != key.public_key():
        raise CannotSeal("the certificate belongs to another key")
    if not own.not_valid_before_utc <= now < own.not_valid_after_utc:
        raise CannotSeal(
            f"the certificate is good from {own.not_valid_before_utc:%Y-%m-%d} to {own.not_valid_after_utc:%Y-%m-%d}"
        )
    if not _may_sign(own):
        raise CannotSeal("the certificate is not for signing: its key usage lacks digitalSignature or nonRepudiation")
    return _pair(key, _chain(own, [extra.certificate for extra in found.additional_certs]))


def root_of(chain: str) -> str:
    """Give the root of a chain, as PEM."""
    return x509.load_pem_x509_certificates(chain.encode())[-1].public_bytes(Encoding.PEM).decode()


def _chain(own: x509.Certificate, others: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    chain = [own]
    while chain[-1].issuer != chain[-1].subject:
        above = next((one for one in others if _issued(chain[-1], one)), None)
        if above is None or above in chain:
            raise CannotSeal(
                f"the certificate of {chain[-1].issuer.rfc4514_string()} is missing: bring all up to the root"
            )
        chain.append(above)
    return tuple(chain)


def _issued(lower: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        lower.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _may_sign(own: x509.Certificate) -> bool:
    try:
        usage = own.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    # Without nonRepudiation a verifier of its own mind refuses the seal.
    return usage.content_commitment


def _pair(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, chain: tuple[x509.Certificate, ...]) -> SealPair:
    return SealPair(
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        chain="".join(one.public_bytes(Encoding.PEM).decode() for one in chain),
        good_until=min(one.not_valid_after_utc for one in chain),
        owner=chain[0].subject.rfc4514_string(),
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])


def _builder(
    subject: x509.Name, *, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def _usage(*, root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not root,
        content_commitment=not root,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=root,
        crl_sign=root,
        encipher_only=False,
        decipher_only=False,
    )

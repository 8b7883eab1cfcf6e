"""A sealed letter: one byte changed, one byte more, a change appended: our check and poppler's see each of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.generic import pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pypdf import PdfReader

from portal.letters import certificates, pdf, sealing
from portal.letters.certificates import CannotSeal, SealPair
from portal.letters.sealing import Found
from tests.letters import examples
from tests.letters.examples import ROOT, environment
from tests.sandbox_process import SandboxProcess

NOW = datetime.now(UTC)
PAIR = certificates.made_for("Harbour Lending (Made-up) Ltd", now=NOW)
LARGEST = {"en": 40 * 1024, "zh_Hans": 90 * 1024}
LETTERS = ("receipt.en", "receipt.zh_Hans", "plan.en", "plan.zh_Hans")


def drawn(name: str) -> bytes:
    letter = replace(examples.every_letter()[name], sealed=True)
    return pdf.render_here(
        template=letter.template, letter=letter, environment=environment(letter.language), language=letter.language
    ).pdf


@dataclass
class Files:
    plain: dict[str, bytes]
    sealed: dict[str, bytes]
    authority: str
    authorities: str


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    plain = {name: drawn(name) for name in LETTERS}
    with SandboxProcess().start(delivery="normal") as stand_in:
        authority = f"{stand_in.url}/tsa"
        authorities = urlopen(f"{authority}/root.pem").read().decode()
        sealed = {
            name: sealing.seal(file, key=PAIR.key, chain=PAIR.chain, authority=authority)
            for name, file in plain.items()
        }
        yield Files(plain, sealed, authority, authorities)


def checked(files: Files, content: bytes, *, pair: SealPair = PAIR, authorities: str | None = None) -> Found:
    roots = certificates.root_of(pair.chain)
    return sealing.check(content, roots=roots, at=NOW, authorities=authorities or files.authorities)


def pdfsig(content: bytes, folder: Path, *, trusted: SealPair = PAIR) -> str:
    """What poppler says of a file, with one root trusted."""
    root, roots = folder / "root.pem", folder / "roots"
    roots.mkdir(exist_ok=True)
    root.write_text(certificates.root_of(trusted.chain))
    subprocess.run([sys.executable, "-m", "tests.letters.nss", roots, root], check=True, cwd=ROOT)
    (folder / "letter.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdfsig", "-nssdir", roots, folder / "letter.pdf"], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["receipt.en", "receipt.zh_Hans"])
def test_a_sealed_letter_is_good_to_us_and_to_poppler(files: Files, name: str, tmp_path: Path) -> None:
    sealed = files.sealed[name]
    found = checked(files, sealed)
    assert found.good and found.authority == "Common Name: Made-up time stamp authority"
    assert found.stamped_at is not None and abs(found.stamped_at - NOW) < timedelta(minutes=30)
    said = pdfsig(sealed, tmp_path)
    for words in (
        "Signature is Valid.", "Certificate is Trusted.", "Total document signed", "ETSI.CAdES.detached",
        "Harbour Lending (Made-up) Ltd",
    ):  # fmt: skip
        assert words in said, said
    subprocess.run(["qpdf", "--check", tmp_path / "letter.pdf"], check=True, capture_output=True)


@pytest.mark.parametrize("name", LETTERS)
def test_what_was_drawn_stands_unchanged_at_the_beginning_and_can_be_drawn_again(files: Files, name: str) -> None:
    assert files.sealed[name].startswith(files.plain[name])
    assert drawn(name) == files.plain[name]
    assert len(files.sealed[name]) <= LARGEST[name.partition(".")[2]]


def test_the_seal_is_invisible_and_allows_no_change(files: Files) -> None:
    root = PdfReader(BytesIO(files.sealed["receipt.en"])).trailer["/Root"]
    (field,) = root["/AcroForm"]["/Fields"]
    assert list(field.get_object()["/Rect"]) == [0, 0, 0, 0]
    reference = root["/Perms"]["/DocMDP"]["/Reference"][0].get_object()
    assert (reference["/TransformMethod"], reference["/TransformParams"]["/P"]) == ("/DocMDP", 1)


def test_one_byte_changed_anywhere_is_seen(files: Files, tmp_path: Path) -> None:
    sealed = files.sealed["receipt.en"]
    hidden = sealed.rindex(b"/Contents <") + len(b"/Contents <")
    # Where the seal itself stands nothing covers it: beside it there are only zeros, written in one way.
    beside = [sealed.index(b">", hidden) - 1 - back for back in (0, 1, 100)]
    assert {sealed[at : at + 1] for at in beside} == {b"0"}
    for at in (*range(9, hidden, len(sealed) // 40), *beside, *range(beside[0] + 20, len(sealed), 90)):
        other = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        assert not checked(files, other).good, at
    letter = next(at for at in range(hidden, len(sealed)) if sealed[at : at + 1] in b"ABCDEF")
    assert not checked(files, sealed[:letter] + sealed[letter : letter + 1].lower() + sealed[letter + 1 :]).good
    other = sealed[:3_000] + bytes([sealed[3_000] ^ 1]) + sealed[3_001:]
    assert "Digest Mismatch" in pdfsig(other, tmp_path)


@pytest.mark.parametrize("more", [b"\n", b"0", b"%%EOF\n", b"\0" * 4_096], ids=["line", "sign", "end", "much"])
def test_one_byte_more_is_seen(files: Files, more: bytes) -> None:
    found = checked(files, files.sealed["receipt.en"] + more)
    assert not found.whole and not found.good


def test_a_change_that_is_appended_as_pdf_allows_it_is_seen(files: Files, tmp_path: Path) -> None:
    writer = IncrementalPdfFileWriter(BytesIO(files.sealed["receipt.en"]))
    writer.root["/Lang"] = pdf_string("fr")
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    found = checked(files, out.getvalue())
    assert found.unchanged and not found.whole and not found.good
    assert "Not total document signed" in pdfsig(out.getvalue(), tmp_path)


def test_a_seal_of_somebody_else_is_not_the_lenders(files: Files, tmp_path: Path) -> None:
    other = certificates.made_for("Harbour Lending (Made-up) Ltd", now=NOW)
    forged = sealing.seal(files.plain["receipt.en"], key=other.key, chain=other.chain, authority=None)
    found = checked(files, forged)
    assert (found.unchanged, found.whole, found.by_lender, found.good) == (True, True, False, False)
    said = pdfsig(forged, tmp_path)
    assert "Signature is Valid." in said and "Certificate is Trusted" not in said
    assert not checked(files, files.plain["receipt.en"]).good
    for nonsense in (b"", b"%PDF-1.7", b"hello" * 1_000, files.sealed["receipt.en"][:-700]):
        assert not checked(files, nonsense).good


def test_a_stamp_of_an_authority_that_is_not_trusted_is_no_stamp(files: Files) -> None:
    assert not checked(files, files.sealed["receipt.en"], authorities=certificates.root_of(PAIR.chain)).good


def an_ended_authority() -> tuple[str, DummyTimeStamper]:
    """An authority under a root, whose certificate was good for a year from 2020 on; and the root."""

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(of: rsa.RSAPrivateKey, name: str, years: int, end: x509.ExtensionType) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named("Root"))
            .public_key(of.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2020 + years, 1, 1, tzinfo=UTC))
            .add_extension(end, critical=True)
            .sign(root_key, hashes.SHA256())
        )

    root_key, own_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    root = certificate(root_key, "Root", 80, x509.BasicConstraints(ca=True, path_length=None)).public_bytes(
        Encoding.PEM
    )
    stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    own = certificate(own_key, "Stamps", 1, stamping).public_bytes(Encoding.PEM)
    secret = own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (loaded,) = load_certs_from_pemder_data(own)
    key = load_private_key_from_pemder_data(secret, passphrase=None)
    return root.decode(), DummyTimeStamper(loaded, key, fixed_dt=datetime(2020, 6, 1, tzinfo=UTC))


def test_a_stamp_stays_good_when_the_certificate_of_its_authority_has_ended(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, stamper = an_ended_authority()
    monkeypatch.setattr(sealing, "_stamper", lambda _authority: stamper)
    sealed = sealing.seal(files.plain["receipt.en"], key=PAIR.key, chain=PAIR.chain, authority="http://2020.example")
    found = checked(files, sealed, authorities=root)
    assert found.good and found.stamped_at == datetime(2020, 6, 1, tzinfo=UTC)
    # Who trusts only another authority is given no time at all, whether a letter is stamped or a log.
    assert not checked(files, sealed).good
    assert sealing.stamp(b"x", authority="http://2020.example", authorities=root).at.year == 2020
    with pytest.raises(sealing.NoTime):
        sealing.stamp(b"x", authority="http://2020.example", authorities=files.authorities)


def test_without_an_authority_a_letter_is_sealed_without_a_time(files: Files, tmp_path: Path) -> None:
    sealed = sealing.seal(files.plain["receipt.en"], key=PAIR.key, chain=PAIR.chain, authority=None)
    found = checked(files, sealed)
    assert found.good and found.stamped_at is None
    assert "Signature is Valid." in pdfsig(sealed, tmp_path)


def test_an_authority_that_is_not_there_gives_no_time(files: Files) -> None:
    with pytest.raises(sealing.NoTime):
        sealing.seal(files.plain["receipt.en"], key=PAIR.key, chain=PAIR.chain, authority="http://127.0.0.1:9/tsa")
    with pytest.raises(sealing.NoTime):  # Something answers there, and it is no time stamp.
        elsewhere = files.authority.replace("/tsa", "/_sandbox/health")
        sealing.seal(files.plain["receipt.en"], key=PAIR.key, chain=PAIR.chain, authority=elsewhere)


def package(pair: SealPair, *, password: bytes = b"open", chain: bool = True, key: object = None) -> bytes:
    own, *others = x509.load_pem_x509_certificates(pair.chain.encode())
    with_ = key or load_pem_private_key(pair.key.encode(), None)
    return pkcs12.serialize_key_and_certificates(
        b"seal",
        with_,
        own,
        others if chain else None,
        BestAvailableEncryption(password),  # type: ignore[arg-type]
    )


def test_a_pkcs12_file_brings_the_key_and_all_certificates_up_to_the_root() -> None:
    found = certificates.from_pkcs12(package(PAIR), password="open", now=NOW)
    assert (found.key, found.chain, found.owner) == (PAIR.key, PAIR.chain, "CN=Harbour Lending (Made-up) Ltd")
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize(
    ("content", "password", "now", "why"),
    [
        (b"no such thing", "open", NOW, "can't be opened"),
        (package(PAIR), "wrong", NOW, "can't be opened"),
        (package(PAIR, chain=False), "open", NOW, "bring all up to the root"),
        (package(PAIR), "open", NOW + timedelta(days=366 * 6), "the certificate is good from"),
    ],
    ids=["nonsense", "wrong password", "no root", "too old"],
)
def test_what_cannot_seal_is_refused_with_the_reason(content: bytes, password: str, now: datetime, why: str) -> None:
    with pytest.raises(CannotSeal, match=why):
        certificates.from_pkcs12(content, password=password, now=now)


def test_a_key_that_is_too_short_or_certifies_others_is_refused() -> None:
    def made(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, usage: x509.KeyUsage) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
        own = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=9))
            .add_extension(usage, critical=True).sign(key, certificates.hashes.SHA256())
        )  # fmt: skip
        return pkcs12.serialize_key_and_certificates(b"x", key, own, None, BestAvailableEncryption(b"open"))

    short = made(rsa.generate_private_key(public_exponent=65537, key_size=1024), certificates._usage(root=False))
    with pytest.raises(CannotSeal, match="1024 bits"):
        certificates.from_pkcs12(short, password="open", now=NOW)
    other = made(ec.generate_private_key(ec.SECP256R1()), certificates._usage(root=True))
    with pytest.raises(CannotSeal, match="not for signing"):
        certificates.from_pkcs12(other, password="open", now=NOW)

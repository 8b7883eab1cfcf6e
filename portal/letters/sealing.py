"""The one door to pyHanko: a letter is sealed (PAdES B-T, or B-B without a time), and a sealed file is checked.

Time stamps of anything else (RFC 3161) are asked for and checked here too.

It is read in where a letter is sealed or a seal is checked, and never where pages are made, for that takes a while.
What is drawn stands unchanged at the beginning of what is sealed; the seal is appended, and allows no change after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

from asn1crypto import parser, tsp
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = "Seal"
PATIENCE_SECONDS = 5
# An answer of the same authority, and a signature by the same key, differ by some bytes from the last one.
TO_SPARE = 160
_STAMP = "signature_time_stamp_token"
# What it says while it looks at a broken file is for whoever repairs files.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)


class NoTime(Exception):
    """The time stamp authority did not answer, or not with a time stamp of what it was asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a file's seal is worth: each point by itself, so that what is wrong can be said."""

    unchanged: bool  # Not a byte within what was sealed is another.
    whole: bool  # And nothing stands behind it.
    by_lender: bool  # The certificate leads to a root of the lender.
    stamped_at: datetime | None = None
    stamp_good: bool = (
        True  # Where there is a time stamp: it is of this seal, and of a trusted authority if any is known.
    )
    authority: str | None = None

    @property
    def good(self) -> bool:
        """Say whether the file is exactly what the lender sealed."""
        return self.unchanged and self.whole and self.by_lender and self.stamp_good


NO_SEAL = Found(unchanged=False, whole=False, by_lender=False, stamp_good=False)


def seal(pdf: bytes, *, key: str, chain: str, authority: str | None) -> bytes:
    """Seal a letter with a key and its chain of certificates, own first, both as PEM.

    :raises NoTime: if `authority`, the address of a time stamp authority (RFC 3161), is given and gives no time.
    """
    # Who checks has the root from elsewhere; a root that the file itself brings would prove nothing.
    own, *between, _root = load_certs_from_pemder_data(chain.encode())
    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(between)
    signer = signers.SimpleSigner(
        signing_cert=own,
        signing_key=load_private_key_from_pemder_data(key.encode(), passphrase=None),
        cert_registry=store,
    )
    said = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    stamper = _stamper(authority) if authority else None
    sealed = signers.PdfSigner(said, signer, timestamper=stamper).sign_pdf(
        IncrementalPdfFileWriter(BytesIO(pdf)), bytes_reserved=_room(signer, stamper)
    )
    return bytes(sealed.getbuffer())


def _room(signer: signers.Signer, stamper: HTTPTimeStamper | None) -> int:
    """Say how many signs the seal takes in the file, two a byte: as many as a trial took, and some to spare.

    Left to itself pyHanko keeps half as many again, for nothing.
    """
    trial = signer.async_sign(bytes(32), "sha256", use_pades=True, dry_run=True, timestamper=stamper)
    return 2 * (len(asyncio.run(trial).dump()) + TO_SPARE)


class _Stamper(HTTPTimeStamper):
    """Asks an authority; whatever goes wrong on the way there and back is one thing."""

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        try:
            return await super().async_timestamp(message_digest, md_algorithm)
        except Exception as problem:
            raise NoTime(f"{type(problem).__name__}: {problem}") from problem


@lru_cache(maxsize=8)
def _stamper(authority: str) -> _Stamper:
    # It asks once for a stamp of nothing, to learn how much room one takes, and remembers that.
    return _Stamper(authority, timeout=PATIENCE_SECONDS)


def check(pdf: bytes, *, roots: str, at: datetime, authorities: str | None) -> Found:
    """Say what the seal of a file is worth that is said to have been issued at some time.

    `roots` are the lender's, `authorities` those of time stamp authorities, all as PEM; without the latter a stamp
    must only fit the seal. Whatever can't be read is no seal.
    """
    try:
        return _checked(pdf, roots=roots, at=at, authorities=authorities)
    except Exception:  # A broken file breaks the reading in more ways than anybody has names for.
        return NO_SEAL


def _checked(pdf: bytes, *, roots: str, at: datetime, authorities: str | None) -> Found:
    reader = PdfFileReader(BytesIO(pdf), strict=True)
    if len(reader.embedded_signatures) != 1:
        return NO_SEAL
    (embedded,) = reader.embedded_signatures
    trusted = list(load_certs_from_pemder_data(roots.encode()))
    stamping = list(load_certs_from_pemder_data(authorities.encode())) if authorities else []
    stamps = [each["values"][0] for each in embedded.signer_info["unsigned_attrs"] if each["type"].native == _STAMP]
    status = validate_pdf_signature(
        embedded,
        signer_validation_context=ValidationContext(trust_roots=trusted, moment=at, allow_fetching=False),
        ts_validation_context=ValidationContext(
            trust_roots=stamping, moment=_said_at(stamps[0]["content"]) if stamps else None, allow_fetching=False
        ),
    )
    stamp = status.timestamp_validity
    return Found(
        unchanged=status.intact and status.valid and _nothing_beside(pdf, embedded),
        whole=status.coverage == SignatureCoverageLevel.ENTIRE_FILE and status.docmdp_ok is not False,
        by_lender=bool(status.trusted),
        stamped_at=stamp.timestamp if stamp else None,
        stamp_good=stamp is None or (stamp.intact and stamp.valid and (stamp.trusted or not stamping)),
        authority=stamp.signing_cert.subject.human_friendly if stamp and stamp.signing_cert else None,
    )


def _nothing_beside(pdf: bytes, embedded: Any) -> bool:
    """Say whether the one place that a seal can't cover, where it stands itself, holds the seal and zeros."""
    _start, before, after, _rest = embedded.byte_range
    kept = pdf[before + 1 : after - 1]
    raw = bytes.fromhex(kept.decode("ascii"))
    return bool(kept == raw[: parser.peek(raw)].hex().upper().encode().ljust(len(kept), b"0"))


def _said_at(token: Any) -> datetime:
    """Give the time that a stamp says: an authority's certificate ends long before what it has stamped is of no use."""
    said: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
    return said


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp: the authority's answer as anybody may keep it, the time that it says, and who says so."""

    response: bytes
    at: datetime
    authority: str


def stamp(data: bytes, *, authority: str, authorities: str | None) -> Stamp:
    """Let a time stamp authority say that it has seen the SHA-256 of something.

    :raises NoTime: if it doesn't, says it of something else, or is none of the trusted `authorities` (PEM), if any.
    """
    token = asyncio.run(_stamper(authority).async_timestamp(hashlib.sha256(data).digest(), "sha256"))
    given = {"status": tsp.PKIStatusInfo({"status": "granted"}), "time_stamp_token": token}
    response = tsp.TimeStampResp(given).dump()
    found = check_stamp(response, data, authorities=authorities)
    if found is None:
        raise NoTime("the time stamp is not one of what was asked for, or not of an authority that is trusted here")
    return found


def check_stamp(response: bytes, data: bytes, *, authorities: str | None) -> Stamp | None:
    """Give a time stamp if it is one of exactly this, and of a trusted authority if any is known; else None.

    `authorities` are the certificates of those that are trusted, as PEM.
    """
    trusted = list(load_certs_from_pemder_data(authorities.encode())) if authorities else []
    try:
        signed = tsp.TimeStampResp.load(response, strict=True)["time_stamp_token"]["content"]
        status = asyncio.run(
            validate_tst_signed_data(
                signed,
                ValidationContext(trust_roots=trusted, moment=_said_at(signed), allow_fetching=False),
                lambda name: hashlib.new(name, data).digest(),
            )
        )
    except Exception:  # A broken stamp breaks the reading in more ways than anybody has names for.
        return None
    if not (status["intact"] and status["valid"] and (status["trust_problem_indic"] is None or not trusted)):
        return None
    return Stamp(response, status["timestamp"], status["signing_cert"].subject.human_friendly)

"""Make a package: one ZIP, written to a temporary file as it is read, with a signed list of what is in it.

Invariant: the same facts give the same bytes, to the last one: files stand in one order and bear one time, and the
signature is of a kind that gives the same each time.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from portal.evidence import log
from portal.package.contents import Contents, File, Wanted

GENERATOR: Final = "portal evidence package, form 1"
# The first time that a ZIP can say; none of its files says when it was made.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_PIECE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Made:
    """A package as it lies in a temporary file, which is gone when it is closed."""

    file: IO[bytes]
    sha256: str
    size: int


def make(wanted: Wanted) -> Made:
    """Write the whole package; gives it open at its beginning, with its SHA-256 and how many bytes it has.

    :raises LookupError: if the log's key can't be opened, so that nothing can be signed.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked for it closes it, after it was sent
    try:
        with zipfile.ZipFile(file, "w") as zipped:
            listed = [_put(zipped, each) for each in Contents(wanted).files()]
            manifest = _manifest(wanted, listed)
            note = log.sign_lines(wanted.lender.id, ("evidence package", hashlib.sha256(manifest).hexdigest()))
            _put(zipped, File("manifest.json", iter((manifest,))))
            _put(zipped, File("manifest.note", iter((note.encode(),))))
        size = file.tell()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Made(file, sha256, size)


def _put(zipped: zipfile.ZipFile, file: File) -> dict[str, object]:
    about = zipfile.ZipInfo(file.path, _NO_TIME)
    about.create_system, about.external_attr = 3, 0o644 << 16
    about.compress_type = zipfile.ZIP_STORED if file.packed else zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with zipped.open(about, "w") as out:
        for piece in _joined(file.pieces):
            digest.update(piece)
            size += len(piece)
            out.write(piece)
    return {"path": file.path, "bytes": size, "sha256": digest.hexdigest()}


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    some = bytearray()
    for piece in pieces:
        some += piece
        if len(some) >= _PIECE:
            yield bytes(some)
            some.clear()
    yield bytes(some)


def _manifest(wanted: Wanted, files: list[dict[str, object]]) -> bytes:
    said = {
        "generator": GENERATOR,
        "hash": "SHA-256",
        "lender": wanted.lender.slug,
        "debt": wanted.debt.reference,
        "made_for": "the debtor" if wanted.own else "the lender",
        "log": {"key": wanted.key, "size": wanted.signed.size, "root": wanted.signed.root},
        "checkpoint": wanted.signed.note,
        "files": files,
    }
    return json.dumps(said, ensure_ascii=False, indent=1).encode()

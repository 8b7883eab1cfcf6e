"""RULES  Checkpoints as signed notes: a text that anybody can keep and check without us.

Sources: https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-proof
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_DASH = "\u2014"
PROOF = "c2sp.org/tlog-proof@v1"
GREW = "only grew"


class NotSigned(ValueError):
    """A note is not one of ours: its text, its name or its signature is wrong."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed note says of a tree: whose, how many leaves, its root."""

    origin: str
    size: int
    root: bytes


def new_key() -> tuple[str, str]:
    """Make a key to sign with; gives its secret and its public half, each as base64 of 32 bytes."""
    key = Ed25519PrivateKey.generate()
    return _text(key.private_bytes_raw()), _text(key.public_key().public_bytes_raw())


def verifier_key(origin: str, public_key: str) -> str:
    """Give the public key as one word that names whose it is, as verifiers of such notes read it."""
    public = base64.b64decode(public_key)
    return f"{origin}+{_key_id(origin, public).hex()}+{_text(_ED25519 + public)}"


def sign(checkpoint: Checkpoint, *, signing_key: str, public_key: str) -> str:
    """Give the signed note of a checkpoint."""
    lines = (checkpoint.origin, str(checkpoint.size), _text(checkpoint.root))
    return sign_lines(lines, origin=checkpoint.origin, signing_key=signing_key, public_key=public_key)


def sign_lines(lines: Sequence[str], *, origin: str, signing_key: str, public_key: str) -> str:
    """Give the signed note of some lines; it is a checkpoint only if the first of them is the log's name."""
    body = "".join(f"{line}\n" for line in lines)
    signature = Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing_key)).sign(body.encode())
    key_id = _key_id(origin, base64.b64decode(public_key))
    return f"{body}\n{_DASH} {origin} {_text(key_id + signature)}\n"


def opened(note: str, *, verifier: str) -> Checkpoint:
    """Check a note against a verifier's key, and give what it says.

    :raises NotSigned: if it is not signed by that key, or says nothing of a tree.
    """
    try:
        name, _id, key = verifier.split("+", 2)
        public = base64.b64decode(key, validate=True)[1:]
        body, _, signatures = note.partition("\n\n")
        origin, size, root = (body + "\n").split("\n")[:3]
        start = f"{_DASH} {name} "
        signed = [base64.b64decode(line[len(start) :]) for line in signatures.splitlines() if line.startswith(start)]
        ours = [each[4:] for each in signed if each[:4] == _key_id(name, public)]
        Ed25519PublicKey.from_public_bytes(public).verify(ours[0], (body + "\n").encode())
        said = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
    except (ValueError, IndexError, InvalidSignature) as problem:
        raise NotSigned("this note is not signed by that key") from problem
    if origin != name:
        raise NotSigned("this note is of another log")
    return said


def proof(*, index: int, hashes: Sequence[bytes], note: str) -> str:
    """Give the text that proves a leaf's place in a signed tree."""
    return "\n".join([PROOF, f"index {index}", *map(_text, hashes), "", note])


def grew(*, older: int, hashes: Sequence[bytes], note: str) -> str:
    """Give the text that proves that a signed tree begins with an older one; there is no agreed form for it."""
    return "\n".join([GREW, f"from {older}", *map(_text, hashes), "", note])


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()

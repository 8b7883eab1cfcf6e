"""Checks, without us and offline, that a record stands in a lender's signed log, or that the log only grew.

    python verify.py proof.json --key KEY             a record's proof, as the portal gives it under "prove it"
    python verify.py grew.txt --older older.txt --key KEY    an older checkpoint that you kept, and what came since

KEY is the log's public key, from the lender's page /log/NAME. Needs Python 3.9 and the package `cryptography`.
It ends with 0 if all holds, else with 1 and a sentence. Rules: RFC 9162, section 2.1; c2sp.org/signed-note.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """Something does not hold; the text says what."""


def parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def opened(note: str, key: str) -> tuple[int, bytes]:
    """Check the signature of a checkpoint; gives how many records it speaks of, and the root over them."""
    name, _id, coded = key.split("+", 2)
    public = base64.b64decode(coded)
    body, _, signatures = note.partition("\n\n")
    key_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        raw = base64.b64decode(signature)
        if dash == "\u2014" and signer == name and raw[:4] == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], body.encode() + b"\n")
            except InvalidSignature:
                break
            origin, size, root = body.split("\n")[:3]
            if origin == name:
                return int(size), base64.b64decode(root)
    raise Wrong("The checkpoint is not signed by this key.")


def root_of_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        raise Wrong("The log is smaller than the record's place in it.")
    at, last, result = index, size - 1, leaf
    for hashed in proof:
        if last == 0:
            raise Wrong("The proof is too long.")
        if at & 1 or at == last:
            result = parent(hashed, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = parent(result, hashed)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("The proof is too short.")
    return result


def roots_of_growth(older: int, size: int, older_root: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162, 2.1.4.2."""
    if not 0 < older <= size or (older == size) == bool(proof):
        raise Wrong("The proof does not fit the two checkpoints.")
    if older == size:
        return older_root, older_root
    path = proof if older & (older - 1) else [older_root, *proof]
    at, last = older - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for hashed in path[1:]:
        if last == 0:
            raise Wrong("The proof is too long.")
        if at & 1 or at == last:
            first, second = parent(hashed, first), parent(hashed, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = parent(second, hashed)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("The proof is too short.")
    return first, second


def parts(text: str, kind: str) -> tuple[int, list[bytes], str]:
    """Give the number, the hashes and the checkpoint of a proof."""
    head, _, note = text.partition("\n\n")
    said, number, *hashes = head.split("\n")
    if said != kind:
        raise Wrong(f"This is no proof of the kind {kind}.")
    return int(number.split(" ")[1]), [base64.b64decode(line) for line in hashes], note


def check_record(proof: dict[str, str], key: str) -> str:
    index, hashes, note = parts(proof["proof"], "c2sp.org/tlog-proof@v1")
    size, root = opened(note, key)
    leaf = hashlib.sha256(b"\x00" + bytes.fromhex(proof["salt"]) + proof["entry"].encode()).digest()
    if root_of_inclusion(leaf, index, size, hashes) != root:
        raise Wrong("This record does not stand in the log: its text, its salt or its place is another.")
    return f"The record stands in the log, at place {index} of {size}. It says:\n{proof['entry']}"


def check_growth(grew: str, older_note: str, key: str) -> str:
    older, older_root = opened(older_note, key)
    start, hashes, note = parts(grew, "only grew")
    size, root = opened(note, key)
    if start != older or roots_of_growth(older, size, older_root, hashes) != (older_root, root):
        raise Wrong("The log is not the one that you kept: something before your checkpoint was changed.")
    return f"The log of {size} records begins with the {older} that you kept: nothing of them was changed or taken out."


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("file")
    told.add_argument("--key", required=True)
    told.add_argument("--older")
    given = told.parse_args()
    try:
        with open(given.file, encoding="utf-8", newline="") as file:
            text = file.read()
        if given.older:
            with open(given.older, encoding="utf-8", newline="") as file:
                print(check_growth(text, file.read(), given.key))
        else:
            print(check_record(json.loads(text), given.key))
    except (Wrong, OSError) as problem:
        sys.exit(str(problem))
    except (ValueError, KeyError, IndexError, TypeError):
        sys.exit("This file or key is not what the portal gives.")


if __name__ == "__main__":
    main()

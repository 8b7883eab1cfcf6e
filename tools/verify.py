"""Checks, without us and offline, what a lender's signed log proves: a package, a record, or that it only grew.

    python verify.py evidence.zip --key KEY                  a package: each file, each record, the ledger added up
    python verify.py proof.json --key KEY                    a record's proof, as the portal gives it under "prove it"
    python verify.py grew.txt --older older.txt --key KEY    an older checkpoint that you kept, and what came since

KEY is the log's public key, from the lender's page /log/NAME. Needs Python 3.11 and the package `cryptography`.
Ends with 0 if all holds, else with 1 and a sentence. Rules: RFC 9162, section 2.1; c2sp.org/signed-note.
"""

import argparse
import base64
import csv
import hashlib
import io
import json
import zipfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def signed_lines(note: str, key: str) -> list[str]:
    name, _id, coded = key.split("+", 2)
    body, _, signatures = note.partition("\n\n")
    ours = [line.split(" ")[2] for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(coded)[1:])
    try:
        public.verify(base64.b64decode(ours[0])[4:], body.encode() + b"\n")
    except (InvalidSignature, IndexError):
        raise SystemExit("This is not signed by this key: it was changed, or the key is another.") from None
    return [name, *body.split("\n")]


def opened(note: str, key: str) -> tuple[int, bytes]:
    name, origin, size, root = signed_lines(note, key)[:4]
    if origin != name:
        raise SystemExit("The checkpoint is of another log.")
    return int(size), base64.b64decode(root)


def climb(at: int, last: int, start: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162, 2.1.3.2 and 2.1.4.2; gives the roots of the older tree and of the newer one."""
    first = second = start
    for hashed in proof:
        if last == 0:
            raise SystemExit("The proof is too long.")
        if at & 1 or at == last:
            first, second = sha256(b"\x01", hashed, first), sha256(b"\x01", hashed, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = sha256(b"\x01", second, hashed)
        at, last = at >> 1, last >> 1
    return (first, second) if last == 0 else (b"", b"")


def parts(text: str, kind: str) -> tuple[int, list[bytes], str]:
    head, _, note = text.partition("\n\n")
    said, number, *hashes = head.split("\n")
    if said != kind:
        raise SystemExit(f"This is no proof of the kind {kind}.")
    return int(number.split(" ")[1]), [base64.b64decode(line) for line in hashes], note


def check_record(record: dict[str, str], index: int, proof: list[bytes], tree: tuple[int, bytes]) -> str:
    """A record without its text names somebody else: only its hash is given, and its place is proven all the same."""
    salt, entry = bytes.fromhex(record.get("salt", "")), record.get("entry")
    leaf = bytes.fromhex(record["leaf"]) if entry is None else sha256(b"\x00", salt, entry.encode())
    fits = 0 <= index < tree[0] and len(salt) == (0 if entry is None else 16)
    if not fits or climb(index, tree[0] - 1, leaf, proof)[1] != tree[1]:
        raise SystemExit(f"The record at place {index} does not stand in the log: its text, salt or place is another.")
    return f"The record stands in the log, at place {index} of {tree[0]}. It says:\n{entry or 'no text is given'}"


def check_growth(grew: str, older_note: str, key: str) -> str:
    (older, older_root), (start, proof, note) = opened(older_note, key), parts(grew, "only grew")
    size, root = opened(note, key)
    path = proof if older & (older - 1) else [older_root, *proof]
    at, last = older - 1, size - 1
    while at > 0 and at & 1:
        at, last = at >> 1, last >> 1
    roots = climb(at, last, path[0], path[1:]) if proof else (older_root, older_root)
    if start != older or not 0 < older <= size or roots != (older_root, root):
        raise SystemExit("The log is not the one that you kept: something before your checkpoint was changed.")
    return f"The log of {size} records begins with the {older} that you kept: nothing of them was changed or taken out."


def check_ledger(ledger: io.TextIOWrapper, balances: dict[str, int]) -> None:
    stood = dict.fromkeys(balances, 0)
    for number, line in enumerate(csv.DictReader(ledger), 1):
        for account, amount in ((line["to"], int(line["minor"])), (line["from"], -int(line["minor"]))):
            if account in stood:
                stood[account] += -amount if account == "credit" else amount
        if (line["number"], line["owed_after"]) != (str(number), str(sum(stood.values()) - stood["credit"])):
            raise SystemExit(f"Line {number} of the ledger does not follow from those before it.")
    if stood != balances:
        raise SystemExit("The ledger does not add up to the balances: a line is missing or was changed.")


def check_package(zipped: zipfile.ZipFile, key: str) -> str:
    manifest, note = zipped.read("manifest.json"), zipped.read("manifest.note").decode()
    if signed_lines(note, key)[1:3] != ["evidence package", sha256(manifest).hex()]:
        raise SystemExit("manifest.json was changed: it is not the one that was signed.")
    listed = {each["path"]: each["sha256"] for each in json.loads(manifest)["files"]}
    names = [name for name in zipped.namelist() if name not in ("manifest.json", "manifest.note")]
    if names != list(listed):
        raise SystemExit(f"A file was removed, added or moved: {(sorted(set(names) ^ set(listed)) or names)[0]}.")
    for name, digest in listed.items():
        with suppress(Exception):  # A broken file breaks in many ways.
            if hashlib.file_digest(zipped.open(name), "sha256").hexdigest() == digest:
                continue
        raise SystemExit(f"{name} was changed.")
    tree = opened(zipped.read("01-log/checkpoint.txt").decode(), key)
    for record in map(json.loads, io.TextIOWrapper(zipped.open("01-log/records.jsonl"), "utf-8", newline="\n")):
        proof = [base64.b64decode(each) for each in record["proof"]]
        check_record(record, record["place"], proof, tree)
    ledger = io.TextIOWrapper(zipped.open("04-ledger/ledger.csv"), "utf-8-sig", newline="")
    check_ledger(ledger, json.loads(zipped.read("04-ledger/balances.json"))["minor"])
    return f"The package is whole: {len(listed)} files as signed, each record in the log, a ledger that adds up."


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("file", type=Path)
    told.add_argument("--key", required=True)
    told.add_argument("--older", type=Path)
    given = told.parse_args()
    try:
        if zipfile.is_zipfile(given.file):
            print(check_package(zipfile.ZipFile(given.file), given.key))
        elif given.older:
            print(check_growth(given.file.read_bytes().decode(), given.older.read_bytes().decode(), given.key))
        else:
            record = json.loads(given.file.read_bytes())
            index, proof, note = parts(record["proof"], "c2sp.org/tlog-proof@v1")
            print(check_record(record, index, proof, opened(note, given.key)))
    except Exception:  # Made-up files break the reading in more ways than anybody has names for.
        raise SystemExit("This file or key is not what the portal gives.") from None


if __name__ == "__main__":
    main()

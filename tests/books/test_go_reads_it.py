"""Go's own packages for such logs, sumdb/note and sumdb/tlog, take our checkpoints and proofs, and no changed ones."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, scoped_session

from portal.evidence import log
from tests.books.test_the_log import acts, place, records
from tests.factories import a_lender

PROGRAM = Path(__file__).parent / "check.go"
# Where Debian's golang-golang-x-mod-dev puts sources.
SOURCES = Path("/usr/share/gocode")


def go() -> str:
    found = shutil.which("go")
    if found is None:
        pytest.skip("there is no Go here: apt-get install golang-go golang-golang-x-mod-dev")
    if not (SOURCES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go is here without sumdb/note and tlog: apt-get install golang-golang-x-mod-dev")
    return found


def checked(program: Path, given: dict[str, Any]) -> tuple[int, str]:
    done = subprocess.run([program], input=json.dumps(given), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_go_takes_our_checkpoints_and_proofs(db: scoped_session[Session], tmp_path: Path) -> None:
    program = tmp_path / "check"
    env = os.environ | {"GO111MODULE": "off", "GOPATH": str(SOURCES), "GOPROXY": "off", "GOFLAGS": ""}
    subprocess.run([go(), "build", "-o", program, PROGRAM], env=env, check=True, capture_output=True)
    lender = a_lender()
    acts(lender, 300)
    place(lender)
    older = log.newest(lender.id)
    assert older is not None
    kept, size = older.note, older.size
    acts(lender, 400)
    place(lender)
    given: dict[str, Any] = {"key": log.key_of(lender.id), "older": kept, "grew": log.only_grew(lender.id, older=size)}
    given["records"] = []
    for each in records(lender)[::83]:
        proof = log.prove(lender.id, each.id)
        assert proof is not None
        data = base64.b64encode(bytes.fromhex(each.salt) + each.entry.encode()).decode()
        given["records"].append({"data": data, "proof": proof.text})
    newer = log.newest(lender.id)
    assert newer is not None
    assert checked(program, given) == (0, f"good {len(given['records'])} {size} {newer.size}\n")

    first = given["records"][0]
    changed = {
        "a record": given | {"records": [first | {"data": base64.b64encode(b"another").decode()}]},
        "its place": given | {"records": [first | {"proof": first["proof"].replace("index 0", "index 1")}]},
        "a checkpoint": given | {"older": kept.replace(f"\n{size}\n", f"\n{size - 1}\n")},
        "growth": given | {"grew": given["grew"].replace(f"from {size}", f"from {size - 1}")},
    }
    for what, other in changed.items():
        assert checked(program, other)[0] == 1, what

"""What happened is proven: a file that anybody checks with a short program and a key, and without us."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import uuid
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from portal import sequencer
from portal.evidence import log
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import leaf
from tests.conftest import CheckingClient
from tests.factories import a_debt, a_lender
from tests.journeys.acts import come_in

VERIFIER = Path(__file__).resolve().parents[2] / "tools" / "verify.py"
BASE = "http://localhost"


def verify(*words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-I", str(VERIFIER), *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def loaded() -> ModuleType:
    """The program that checks, inside this process, for many checks."""
    spec = importlib.util.spec_from_file_location("verify_alone", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def newest_record(db: scoped_session[Session], debtor_id: uuid.UUID) -> uuid.UUID:
    query = select(EvidenceRecord.id).where(EvidenceRecord.debtor_id == debtor_id).order_by(EvidenceRecord.id.desc())
    return db.scalars(query.limit(1)).one()


def test_a_record_is_proven_and_the_program_believes_no_other(
    client: CheckingClient,
    app: Flask,
    db: scoped_session[Session],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    lender = a_lender()
    debt = a_debt(lender=lender)
    come_in(client, debt)
    record = newest_record(db, debt.debtor_id)
    shown = client.get("/timeline").text
    assert f"/timeline/{record}" in shown
    assert "has not taken its place" in client.get(f"/timeline/{record}").text
    assert client.get(f"/timeline/{record}/proof.json").status_code == 404
    assert "Nothing is signed yet" in client.get(f"/log/{lender.slug}").text
    assert client.get(f"/log/{lender.slug}/checkpoint.txt").status_code == 404

    sequencer.place_all(base_url=BASE)
    older = client.get(f"/log/{lender.slug}/checkpoint.txt")
    size = older.text.split("\n")[1]
    assert client.get(f"/timeline/{record}").text.count(f"of {size} in a log") == 1
    proof = client.get(f"/timeline/{record}/proof.json")
    key = log.key_of(lender.id) or ""
    assert f"{key}" in client.get(f"/log/{lender.slug}").text
    file, kept = tmp_path / "proof.json", tmp_path / "older.txt"
    file.write_bytes(proof.data)
    kept.write_bytes(older.data)
    code, said = verify(str(file), "--key", key)
    assert (code, "The record stands in the log" in said) == (0, True), said

    # Another text, another salt, another place, another key, and no proof at all.
    good, program = json.loads(proof.text), loaded()
    other_key = key[:-4] + ("AAA=" if not key.endswith("AAA=") else "BBB=")
    wrong = [
        {"entry": good["entry"].replace("signed_in", "signed_up")},
        {"salt": "00" * 16},
        {"proof": good["proof"].replace("index ", "index 1")},
        {"proof": good["proof"].replace(f"\n{size}\n", f"\n{int(size) + 1}\n")},
        {"proof": ""},
        {"proof": 5},
        # A made-up text beside the true hash, and a text whose beginning was moved into the salt.
        {"entry": "They agreed to it.", "salt": "", "leaf": leaf(entry=good["entry"], salt=good["salt"])},
        {"entry": good["entry"][60:], "salt": good["salt"] + good["entry"][:60].encode().hex()},
    ]
    for text in (*(json.dumps(good | change) for change in wrong), "[" * 100_000, "5", "[]", "{", ""):
        file.write_text(text, "utf-8")
        monkeypatch.setattr(sys, "argv", ["verify.py", str(file), "--key", key])
        with pytest.raises(SystemExit) as refused:
            program.main()
        assert isinstance(refused.value.code, str) and refused.value.code.endswith("."), text[:80]
    file.write_bytes(proof.data)
    assert verify(str(file), "--key", other_key)[0] == 1
    assert verify(str(tmp_path / "none.json"), "--key", key)[0] == 1

    # Later somebody holds what was kept against what the log has become.
    come_in(client, debt)
    assert sequencer.place_all(base_url=BASE) > 0
    grew = tmp_path / "grew.txt"
    grew.write_bytes(client.get(f"/log/{lender.slug}/grew.txt?from={size}").data)
    code, said = verify(str(grew), "--older", str(kept), "--key", key)
    assert (code, "begins with" in said) == (0, True), said
    grew.write_text(grew.read_text("utf-8").replace(f"from {size}", "from 1"), "utf-8")
    assert verify(str(grew), "--older", str(kept), "--key", key)[0] == 1
    assert client.get("/log/verify.py").data == VERIFIER.read_bytes()


@pytest.mark.parametrize("asked", ["", "0", "-1", "1.5", "x", "99999", "9" * 40])
def test_no_proof_of_growth_from_what_never_was(
    client: CheckingClient, db: scoped_session[Session], asked: str
) -> None:
    lender = a_lender()
    sequencer.place_all(base_url=BASE)
    assert client.get(f"/log/{lender.slug}/grew.txt?from={asked}").status_code == 404
    assert client.get("/log/nobody").status_code == 404


def test_a_record_of_somebody_else_is_not_there(client: CheckingClient, db: scoped_session[Session]) -> None:
    lender = a_lender()
    mine, theirs = a_debt(lender=lender), a_debt(lender=lender)
    come_in(client, theirs)
    come_in(client, mine)
    record = newest_record(db, theirs.debtor_id)
    sequencer.place_all(base_url=BASE)
    for address in (f"/timeline/{record}", f"/timeline/{record}/proof.json"):
        assert client.get(address).status_code == 404

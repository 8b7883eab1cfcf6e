"""The log is held fast outside: once a day another party's time stamp, which anybody checks with a common program."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session, scoped_session

from portal import sequencer, verify
from portal.db import transaction
from portal.evidence.models import LogCheckpoint, LogStamp
from portal.evidence.record import PORTAL, Act, record
from portal.lenders.models import Lender
from portal.letters import audit, certificates
from portal.verify import Kind
from tests.conftest import CheckingClient, Clock
from tests.factories import a_lender
from tests.journeys.acts import work
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def authority(app: Flask, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    settings = replace(app.config["SETTINGS"], tsa_url=f"{sandbox.url}/tsa")
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    yield sandbox
    sandbox._json("POST", "stamps", {"works": True})


def grow(lender: Lender) -> None:
    with transaction():
        record(Act.SIGNED_IN, by=PORTAL, lender_id=lender.id)
    sequencer.place_all(base_url="http://localhost")


def stamps(db: scoped_session[Session]) -> list[int]:
    db.rollback()
    return list(db.scalars(select(LogStamp.size).order_by(LogStamp.size)))


def newest(db: scoped_session[Session]) -> int:
    return max(db.scalars(select(LogCheckpoint.size)))


def root(authority: SandboxProcess) -> bytes:
    return bytes(urlopen(f"{authority.url}/tsa/root.pem").read())


def test_the_newest_checkpoint_is_stamped_once_a_day_and_openssl_finds_it_good(
    app: Flask,
    client: CheckingClient,
    db: scoped_session[Session],
    clock: Clock,
    authority: SandboxProcess,
    tmp_path: Path,
) -> None:
    lender = a_lender()
    address = f"/log/{lender.slug}"
    grow(lender)
    assert "Nobody outside has put a time" in client.get(address).text
    assert {client.get(f"{address}/{name}").status_code for name in ("stamp.tsr", "stamped.txt")} == {404}
    first = newest(db)
    work(app)
    assert stamps(db) == [first]
    for _ in range(3):
        grow(lender)
        work(app)
    assert stamps(db) == [first]

    shown = client.get(address).text
    assert "Made-up time stamp authority" in shown and "openssl ts -verify" in shown and "is late" not in shown
    response, note = client.get(f"{address}/stamp.tsr"), client.get(f"{address}/stamped.txt")
    assert response.mimetype == "application/timestamp-reply"
    assert note.text.split("\n")[1] == str(first)
    remarks = verify.run(authorities=root(authority).decode()).remarks
    assert any(f"the newest over {first} records" in line for line in remarks)
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there")
    for name, content in (("stamp.tsr", response.data), ("stamped.txt", note.data), ("root.pem", root(authority))):
        (tmp_path / name).write_bytes(content)
    told = ["openssl", "ts", "-verify", "-in", "stamp.tsr", "-data", "stamped.txt", "-CAfile", "root.pem"]
    assert b"Verification: OK" in subprocess.run(told, cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "stamped.txt").write_bytes(note.data + b"\n")
    assert subprocess.run(told, cwd=tmp_path, capture_output=True, check=False).returncode != 0

    # What came later that day is stamped a day after, though nothing else comes.
    clock.at += timedelta(days=1)
    work(app)
    assert stamps(db) == [first, newest(db)]


def test_a_silent_authority_is_asked_again_and_is_no_failure(
    app: Flask, client: CheckingClient, db: scoped_session[Session], clock: Clock, authority: SandboxProcess
) -> None:
    lender = a_lender()
    grow(lender)
    authority._json("POST", "stamps", {"works": False})
    work(app)
    assert stamps(db) == []
    clock.at += timedelta(hours=2)
    work(app)
    assert stamps(db) == []
    assert "The next time stamp is late" in client.get(f"/log/{lender.slug}").text
    checked = verify.run(lender_id=lender.id)
    assert checked.disagreements == () and any("one is late" in line for line in checked.lines())
    authority._json("POST", "stamps", {"works": True})
    clock.at += timedelta(minutes=5)
    work(app)
    assert stamps(db) == [newest(db)]
    assert "is late" not in client.get(f"/log/{lender.slug}").text


def test_without_an_authority_the_log_grows_and_nobody_is_asked(
    app: Flask, db: scoped_session[Session], authority: SandboxProcess, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    lender = a_lender()
    with_one = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", replace(with_one, tsa_url=None))
    grow(lender)
    work(app)
    assert stamps(db) == []
    # One that is named later is asked within an hour.
    monkeypatch.setitem(app.config, "SETTINGS", with_one)
    clock.at += timedelta(hours=1)
    work(app)
    assert stamps(db) == [newest(db)]


def test_a_stamp_of_something_else_is_found(
    app: Flask, db: scoped_session[Session], clock: Clock, authority: SandboxProcess
) -> None:
    lender = a_lender()
    trusted = root(authority).decode()
    for _ in range(2):
        grow(lender)
        work(app)
        clock.at += timedelta(days=1)
    assert verify.run(authorities=trusted).disagreements == ()
    with transaction() as s:
        older = s.scalars(select(LogStamp).order_by(LogStamp.size)).all()[0]
        size, response, at = older.size, older.response, older.stamped_at

    def wrong(**values: object) -> list[str]:
        with transaction() as s:
            s.execute(update(LogStamp).where(LogStamp.size == size).values(**values))
        return [each.counted for each in audit.wrong_stamps(lender.id, audit.Looked(), authorities=trusted)]

    for other in (response[:-1] + bytes([response[-1] ^ 1]), response[:200], b"", response + b"\0"):
        assert wrong(response=other) == ["not of it"]
    assert len(wrong(response=response, stamped_at=at - timedelta(days=3))) == 1
    assert wrong(stamped_at=at) == []
    # A stamp of the newer checkpoint proves nothing of the older one.
    newer = db.scalars(select(LogStamp.response).where(LogStamp.size != size)).one()
    assert wrong(response=newer)[0] == "not of it"
    assert {each.kind for each in verify.run(authorities=trusted).disagreements} == {Kind.STAMP}
    # Nor does one of somebody whom nobody trusts.
    wrong(response=response)
    stranger = certificates.root_of(certificates.made_for("Somebody else", now=datetime.now(UTC)).chain)
    assert len(list(audit.wrong_stamps(lender.id, audit.Looked(), authorities=stranger))) == 2

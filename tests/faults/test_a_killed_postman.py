"""A worker that is killed while the mail server says yes: a code comes again, a reminder never."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock as portal_clock
from portal import jobs, queue
from portal.db import session, transaction
from portal.post import outbox
from portal.post.models import Message
from tests import nursery
from tests.conftest import SECRET_KEY, RealDatabase
from tests.factories import a_debtor, a_lender
from tests.journeys.acts import the_lease_ends
from tests.mail_server import running
from tests.sandbox_process import wait_until

ROOT = Path(__file__).resolve().parents[2]


def state_of(message_id: uuid.UUID) -> str:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Message.state).where(Message.id == message_id)).one()


@pytest.mark.parametrize(("kind", "mails", "state"), [("one_time_code", 2, "sent"), ("reminder", 1, "failed")])
def test_a_worker_killed_between_the_servers_yes_and_our_commit(
    real_app: Flask,
    real_database: RealDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    mails: int,
    state: str,
) -> None:
    # Where the person is, it is noon now, whenever this test runs.
    hour = (12 - datetime.now(UTC).hour) % 24
    zone = f"Etc/GMT-{hour}" if hour <= 12 else f"Etc/GMT+{24 - hour}"
    lender = a_lender(zone=zone, jurisdiction="GB")
    debtor = a_debtor(lender=lender)
    with real_app.app_context(), transaction():
        made = outbox.put(
            lender_id=lender.id,
            debtor_id=debtor.id,
            channel="email",
            address="robin@example.com",
            kind=kind,
            subject="Hello",
            body="Your code is 123456.",
        )
    assert made is not None
    with running() as (server, url):
        server.next = ["never answer"]
        env = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": real_database.url,
            "SECRET_KEY": SECRET_KEY,
            "BASE_URL": "http://localhost",
            "PORTAL_VAR": str(tmp_path),
            "SMTP_URL": url,
            "MAIL_FROM": "no-reply@portal.example",
        }
        worker = nursery.start("-m", "flask", "--app", "wsgi", "worker", env=env)
        try:
            assert wait_until(lambda: server.taken, seconds=90)
        finally:
            worker.close()
        assert state_of(made) == "sending"
        settings = replace(real_app.config["SETTINGS"], smtp_url=url, mail_from="no-reply@portal.example")
        monkeypatch.setitem(real_app.config, "SETTINGS", settings)
        for minutes in (2, 8, 12):
            later = datetime.now(UTC) + timedelta(minutes=minutes)
            monkeypatch.setattr(portal_clock, "_read", lambda later=later: later)
            the_lease_ends()
            while queue.run_one({"post.deliver": jobs.table(real_app)["post.deliver"]}):
                pass
        assert len(server.taken) == mails
    assert state_of(made) == state

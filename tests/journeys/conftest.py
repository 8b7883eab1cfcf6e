"""People of journeys: a debt, a lender whose webhooks arrive, and who takes mail and SMS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from portal.debts.statement import Standing
from portal.lenders.models import Lender
from sandbox import sms
from tests.conftest import Clock
from tests.factories import a_debt, a_lender
from tests.journeys.acts import FROM, SmsStandIn, Stripe
from tests.mail_server import MailServer, running
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def lender(app: Flask) -> Lender:
    """The only lender."""
    return a_lender()


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """900.00 at 18 % a year, 95 days late: plans bear 6 %."""
    return a_debt("900.00", lender=lender)


@pytest.fixture
def stripe(app: Flask, sandbox: SandboxProcess, lender: Lender, clock: Clock) -> Iterator[Stripe]:
    """The stand-in, with the lender's webhooks."""
    sandbox.delivery("normal")
    made = Stripe(app, sandbox, lender, clock)
    yield made
    made.receiver.stop()


@pytest.fixture
def mail(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A real mail server, and the portal set to it."""
    with running() as (server, url):
        settings = replace(app.config["SETTINGS"], smtp_url=url, mail_from=FROM)
        monkeypatch.setitem(app.config, "SETTINGS", settings)
        yield server


@pytest.fixture
def phone(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmsStandIn]:
    """The stand-in for the SMS provider, and the portal set to it."""
    server = sms.make_server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    settings = replace(
        app.config["SETTINGS"],
        twilio_account_sid=sms.SID,
        twilio_auth_token=sms.TOKEN,
        sms_from=sms.FROM,
        twilio_api_base=url,
    )
    monkeypatch.setitem(app.config, "SETTINGS", settings)
    yield SmsStandIn(url)
    server.shutdown()
    server.server_close()
    thread.join()

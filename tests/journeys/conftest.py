"""People of journeys: a debt whose owner is signed in, and a lender whose webhooks arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from portal.debts.statement import Standing
from portal.lenders.models import Lender
from tests.conftest import Clock
from tests.factories import a_debt, a_lender
from tests.journeys.acts import Stripe
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

"""One running stand-in for the whole folder, an account of its own for each test, and somebody who takes webhooks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from portal.money import Money
from portal.payments import stripe_gateway
from portal.payments.rails import Choice
from portal.payments.stripe_gateway import Account, CheckoutPage
from tests.sandbox_process import Receiver, SandboxProcess

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def running() -> Iterator[SandboxProcess]:
    with SandboxProcess().start(delivery="normal") as process:
        yield process


@pytest.fixture
def stand_in(running: SandboxProcess) -> Iterator[SandboxProcess]:
    yield running
    running.reset()


@pytest.fixture
def account(stand_in: SandboxProcess) -> Account:
    return Account(f"sk_test_lender{next(_NUMBERS)}", stand_in.url, (), live=False)


@pytest.fixture
def sdk(account: Account) -> stripe.StripeClient:
    """The official SDK, plain, with the account's key."""
    return stripe.StripeClient(account.secret_key, base_addresses={"api": str(account.api_base)})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taking = Receiver()
    yield taking
    taking.stop()


@pytest.fixture
def listening(account: Account, receiver: Receiver) -> Account:
    """The account, with an endpoint registered and its secret known."""
    return replace(account, webhook_secrets=(stripe_gateway.register_webhook(account, url=receiver.url),))


@pytest.fixture
def opened(account: Account) -> Callable[..., CheckoutPage]:
    """Open a hosted page for 125.50 USD, or as a test says."""

    def open_one(**different: Any) -> CheckoutPage:
        number = next(_NUMBERS)
        values: dict[str, Any] = {
            "reference": f"attempt-{number}",
            "amount": Money(12550, "USD"),
            "description": "Demo Lender, loan 4711",
            "success_url": "http://127.0.0.1:9/result?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://127.0.0.1:9/home",
            "locale": "en",
            "expires_at": datetime.now(UTC) + timedelta(minutes=40),
            "idempotency_key": f"key-{number}",
            "metadata": {"lender": "demo"},
            "choice": Choice(credit_cards=True),
        }
        values |= different
        amount = values.pop("amount")
        values.setdefault("lines", [stripe_gateway.Line(values["description"], amount)])
        return stripe_gateway.open_checkout(account, **values)

    return open_one

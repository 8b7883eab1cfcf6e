"""The gateway's amounts in Stripe's counting, and what it makes of a service that fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portal.money import EXPONENTS, Money
from portal.payments import stripe_gateway as gateway
from portal.payments.stripe_gateway import Account, CheckoutPage, NotChargeable, PaymentRefused, PaymentServiceDown
from sandbox import currencies
from tests.sandbox_process import SandboxProcess

Opened = Callable[..., CheckoutPage]

# From docs.stripe.com/currencies: zero-decimal, three-decimal and special currencies.
COUNTED = [
    ("12.50", "USD", 1250),
    ("500", "JPY", 500),
    ("5", "ISK", 500),
    ("7", "UGX", 700),
    ("1.230", "KWD", 1230),
    ("3", "MGA", 3),
    ("19.90", "HUF", 1990),
    ("19.90", "TWD", 1990),
]


@pytest.mark.parametrize(("amount", "currency", "counted"), COUNTED)
def test_an_amount_is_counted_as_stripe_counts_it(amount: str, currency: str, counted: int) -> None:
    assert gateway.charged(Money.of(amount, currency)) == counted
    assert gateway.money(counted, currency.lower()) == Money.of(amount, currency)


@pytest.mark.parametrize(("amount", "currency"), [("1.234", "KWD"), ("1.50", "MGA"), ("10", "IQD"), ("1", "UYW")])
def test_an_amount_that_stripe_cannot_charge_is_not_rounded(amount: str, currency: str) -> None:
    with pytest.raises(NotChargeable):
        gateway.charged(Money.of(amount, currency))


def test_every_currency_of_the_gateway_is_one_of_ours_and_counted_as_on_the_stand_in() -> None:
    for currency, places in gateway.STRIPE_EXPONENTS.items():
        assert currency in EXPONENTS
        assert currency.lower() in currencies.KNOWN
        assert currencies.decimals(currency.lower()) == places
        # The least is the same too, but for hundredths that ISK and UGX only have on paper.
        least = gateway.charged(gateway.least(currency))
        assert least == max(currencies.least(currency.lower()), 100 if currency in {"ISK", "UGX"} else 0), currency


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", "0.50"), ("HUF", "175.00"), ("JPY", "50"), ("SEK", "3.00"), ("CNY", "0.50")]
)
def test_the_least_charge_is_the_published_one(currency: str, amount: str) -> None:
    assert gateway.least(currency) == Money.of(amount, currency)


def test_the_least_charge_of_a_currency_that_stripe_does_not_take_is_none() -> None:
    with pytest.raises(NotChargeable):
        gateway.least("KPW")


@pytest.mark.parametrize(("amount", "currency"), [("5", "ISK"), ("500", "JPY"), ("1.230", "KWD"), ("9999", "IDR")])
def test_a_payment_in_another_currency_comes_back_as_the_same_amount(
    stand_in: SandboxProcess, account: Account, opened: Opened, amount: str, currency: str
) -> None:
    page = opened(amount=Money.of(amount, currency))
    stand_in.pay(page.url)
    state = gateway.read_checkout(account, session_id=page.session_id)
    paid = gateway.read_payment(account, payment_intent_id=str(state.payment_intent_id))
    assert state.amount == paid.amount_received == Money.of(amount, currency)


@pytest.mark.parametrize("how", ["500", "429", "cut"])
def test_a_service_that_stays_down_is_down_and_nothing_has_happened(
    stand_in: SandboxProcess, account: Account, opened: Opened, how: str
) -> None:
    stand_in.fail_next(how, count=1 if how == "429" else gateway.RETRIES + 1)
    with pytest.raises(PaymentServiceDown):
        opened()
    assert gateway._client(account).v1.checkout.sessions.list().data == []


def test_a_short_failure_is_ridden_out(stand_in: SandboxProcess, opened: Opened) -> None:
    stand_in.fail_next("500")
    assert opened().url


def test_an_answer_that_never_arrived_is_given_again_for_the_same_key(
    stand_in: SandboxProcess, account: Account, opened: Opened
) -> None:
    page = opened()
    stand_in.pay(page.url)
    payment = str(gateway.read_checkout(account, session_id=page.session_id).payment_intent_id)
    stand_in.fail_next("lost_answer", path="/v1/refunds", method="POST")
    made = gateway.refund(account, payment_intent_id=payment, amount=Money(1000, "USD"), idempotency_key=f"{payment}-r")
    assert [one.id for one in gateway.read_payment(account, payment_intent_id=payment).refunds] == [made.id]


def test_nobody_listening_is_a_service_that_is_down() -> None:
    nowhere = Account("sk_test_nowhere", "http://127.0.0.1:9", (), live=False)
    with pytest.raises(PaymentServiceDown) as down:
        gateway.read_checkout(nowhere, session_id="cs_test_x")
    assert down.value.cause == "connection"


def test_a_slow_service_is_given_up(
    stand_in: SandboxProcess, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TIMEOUTS", (1.0, 0.2))
    monkeypatch.setattr(gateway, "RETRIES", 0)
    impatient = Account("sk_test_impatient", stand_in.url, (), live=False)
    stand_in.fail_next("timeout", seconds=0.6)
    with pytest.raises(PaymentServiceDown):
        gateway.read_checkout(impatient, session_id="cs_test_x")


def test_a_wrong_key_and_an_unknown_payment_are_refusals(stand_in: SandboxProcess, account: Account) -> None:
    with pytest.raises(PaymentRefused) as unknown:
        gateway.read_payment(account, payment_intent_id="pi_nothing")
    with pytest.raises(PaymentRefused) as wrong_key:
        gateway.read_payment(Account("sk_live_x", stand_in.url, (), live=True), payment_intent_id="pi_nothing")
    assert unknown.value.code == "resource_missing"
    assert wrong_key.value.code == "invalid_request_error"


def test_an_account_does_not_show_its_keys() -> None:
    shown = repr(Account("sk_live_verysecret1234", None, ("whsec_hidden",), live=True))
    assert "verysecret" not in shown
    assert "whsec" not in shown

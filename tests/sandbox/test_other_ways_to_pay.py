"""The stand-in's other ways to pay: by currency, told days later by its clock, taken back, kept with a mandate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from portal.money import Money
from portal.payments import stripe_gateway as gateway
from portal.payments.rails import VOUCHER_RAN_OUT, Choice
from portal.payments.stripe_gateway import (
    Account,
    CheckoutPage,
    CheckoutPayment,
    CheckoutStatus,
    PaymentFacts,
    PaymentRefused,
    PaymentStatus,
)
from tests.sandbox.test_the_api_of_the_stand_in import PAGE, refusal
from tests.sandbox_process import SandboxProcess

Opened = Callable[..., CheckoutPage]
A_DAY = 86_400


def facts_of(account: Account, page: CheckoutPage) -> PaymentFacts:
    intent_id = gateway.read_checkout(account, session_id=page.session_id).payment_intent_id
    assert intent_id is not None
    return gateway.read_payment(account, payment_intent_id=intent_id)


@pytest.mark.parametrize(
    ("currency", "choice", "ways"),
    [
        ("USD", Choice(), {"card", "us_bank_account", "alipay", "wechat_pay"}),
        ("USD", Choice(pay_later=True), {"card", "us_bank_account", "alipay", "wechat_pay", "klarna"}),
        ("USD", Choice(without=frozenset({"alipay"})), {"card", "us_bank_account", "wechat_pay"}),
        ("MXN", Choice(), {"card", "oxxo"}),
        ("BRL", Choice(), {"card", "pix", "boleto"}),
        ("EUR", Choice(), {"card", "sepa_debit", "alipay", "wechat_pay"}),
        ("JPY", Choice(), {"card", "konbini", "alipay", "wechat_pay"}),
    ],
)
def test_a_page_offers_what_its_currency_has_less_what_is_left_out(
    sdk: stripe.StripeClient, opened: Opened, currency: str, choice: Choice, ways: set[str]
) -> None:
    page = opened(amount=Money.of("1000", currency), choice=choice)
    assert set(sdk.v1.checkout.sessions.retrieve(page.session_id).payment_method_types) == ways


@pytest.mark.parametrize(
    ("different", "param"),
    [
        (
            {"allowed_payment_method_types": ["card"], "excluded_payment_method_types": ["klarna"]},
            "excluded_payment_method_types",
        ),
        ({"excluded_payment_method_types": ["gcash"]}, "excluded_payment_method_types[0]"),
        ({"payment_method_options": {"wechat_pay": {"client": "ios"}}}, "payment_method_options[wechat_pay][client]"),
        ({"payment_method_options": {"oxxo": {"expires_after_days": 8}}}, "payment_method_options[oxxo]"),
        ({"payment_method_options": {"sepa_debit": {"setup_future_usage": "off_session"}}}, "customer"),
    ],
)
def test_what_contradicts_itself_is_refused(sdk: stripe.StripeClient, different: dict[str, Any], param: str) -> None:
    assert refusal(sdk, PAGE | different).param == param


@pytest.mark.parametrize(("currency", "way"), [("MXN", "oxxo"), ("BRL", "boleto"), ("JPY", "konbini")])
@pytest.mark.parametrize("paid", [True, False])
def test_a_voucher_is_paid_days_later_or_runs_out_by_the_clock(
    stand_in: SandboxProcess, account: Account, opened: Opened, currency: str, way: str, paid: bool
) -> None:
    page = opened(amount=Money.of("1000", currency))
    assert stand_in.pay(page.url, way)[0] == 303
    state, facts = gateway.read_checkout(account, session_id=page.session_id), facts_of(account, page)
    assert (state.status, state.payment_status) == (CheckoutStatus.COMPLETE, CheckoutPayment.UNPAID)
    assert (facts.status, facts.method_kind, facts.charge_id) == (PaymentStatus.REQUIRES_ACTION, way, None)
    assert facts.voucher is not None and facts.voucher.until is not None and facts.voucher.url is not None
    days = facts.voucher.until - datetime.now(UTC)
    assert timedelta(days=4, hours=23) < days <= timedelta(days=5), "as long as was asked for"
    status, text = stand_in.page(facts.voucher.url)
    assert status == 200 and "Voucher to pay" in text
    stand_in.advance_clock(5 * A_DAY + 60)
    assert facts_of(account, page).status is PaymentStatus.REQUIRES_ACTION, "shops tell the day after"
    if paid:
        stand_in.settle_payment(facts.payment_intent_id, succeeds=True)
        done = facts_of(account, page)
        assert (done.status, done.method_kind, done.voucher) == (PaymentStatus.SUCCEEDED, way, None)
        with pytest.raises(PaymentRefused):
            gateway.refund(account, payment_intent_id=done.payment_intent_id, amount=None, idempotency_key="back")
    stand_in.advance_clock(A_DAY)
    told = {event["type"] for event in stand_in.events()}
    last = facts_of(account, page)
    if paid:
        assert last.status is PaymentStatus.SUCCEEDED
        assert "checkout.session.async_payment_succeeded" in told
    else:
        assert (last.status, last.failure_code) == (PaymentStatus.REQUIRES_PAYMENT_METHOD, VOUCHER_RAN_OUT)
        assert "checkout.session.async_payment_failed" in told
        assert stand_in.page(facts.voucher.url)[0] == 404


@pytest.mark.parametrize(
    ("way", "status", "disputed"),
    [
        ("bank", PaymentStatus.SUCCEEDED, False),
        ("bank_fails", PaymentStatus.REQUIRES_PAYMENT_METHOD, False),
        ("bank_returns", PaymentStatus.SUCCEEDED, True),
    ],
)
def test_a_debit_is_answered_by_the_clock_and_may_come_back(
    stand_in: SandboxProcess, account: Account, opened: Opened, way: str, status: PaymentStatus, disputed: bool
) -> None:
    page = opened()
    stand_in.pay(page.url, way)
    assert facts_of(account, page).status is PaymentStatus.PROCESSING
    stand_in.advance_clock(3 * A_DAY)
    assert facts_of(account, page).status is PaymentStatus.PROCESSING
    stand_in.advance_clock(A_DAY + 60)
    assert facts_of(account, page).status is status
    stand_in.advance_clock(2 * A_DAY)
    facts = facts_of(account, page)
    assert (facts.status, facts.disputed) == (status, disputed)
    if disputed:
        [dispute] = facts.disputes
        assert (dispute.reason, dispute.status) == ("insufficient_funds", "lost"), "nobody is asked anything"
        assert dispute.moved == (-facts.amount,)


@pytest.mark.parametrize(
    ("way", "kind"), [("sepa_debit", "sepa_debit"), ("bacs_debit", "bacs_debit"), ("bank", "us_bank_account")]
)
def test_an_account_is_saved_with_its_mandate_and_charged_later(
    stand_in: SandboxProcess, account: Account, way: str, kind: str
) -> None:
    customer = gateway.make_customer(account, reference="r", idempotency_key="c")
    page = gateway.open_saving(
        account,
        reference="r",
        customer_id=customer,
        methods=("card", kind),
        description="A lender",
        success_url="http://127.0.0.1:9/back",
        cancel_url="http://127.0.0.1:9/back",
        locale="en",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        idempotency_key="s",
    )
    assert stand_in.pay(page.url, "alipay")[0] == 402
    assert stand_in.pay(page.url, way)[0] == 303
    saved = gateway.read_saving(account, session_id=page.session_id)
    assert saved.method_id is not None and saved.mandate_id is not None
    found = gateway.read_method(account, method_id=saved.method_id, mandate_id=saved.mandate_id)
    assert (found.kind, found.customer_id, found.exp_month) == (kind, customer, None)
    assert found.mandate is not None and found.mandate.holds and found.mandate.accepted_at is not None
    assert bool(found.mandate.reference) == bool(found.mandate.url) == (kind != "us_bank_account")
    currency = {"sepa_debit": "EUR", "bacs_debit": "GBP"}.get(kind, "USD")
    intent = gateway.prepare_charge(
        account,
        reference="p",
        customer_id=customer,
        amount=Money.of("50", currency),
        methods=("card", kind),
        description="A lender",
        idempotency_key="p",
        metadata={},
    )
    gateway.charge(account, payment_intent_id=intent, method_id=saved.method_id, idempotency_key="t")
    facts = gateway.read_payment(account, payment_intent_id=intent)
    assert (facts.status, facts.method_kind, facts.mandate_id) == (PaymentStatus.PROCESSING, kind, saved.mandate_id)
    stand_in.revoke(saved.method_id)
    assert not gateway.mandate_holds(account, mandate_id=saved.mandate_id)

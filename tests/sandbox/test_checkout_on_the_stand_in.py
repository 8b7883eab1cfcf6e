"""A payment through the hosted page, told by the gateway, with the real SDK over HTTP against a real process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from portal.money import Money
from portal.payments import stripe_gateway as gateway
from portal.payments.rails import Choice
from portal.payments.stripe_gateway import (
    Account,
    CheckoutPage,
    CheckoutPayment,
    CheckoutStatus,
    PaymentFacts,
    PaymentRefused,
    PaymentStatus,
    RefundStatus,
)
from tests.sandbox_process import SandboxProcess

Opened = Callable[..., CheckoutPage]


def payment_of(account: Account, page: CheckoutPage) -> PaymentFacts:
    state = gateway.read_checkout(account, session_id=page.session_id)
    assert state.payment_intent_id is not None
    return gateway.read_payment(account, payment_intent_id=state.payment_intent_id)


def test_a_card_that_works_pays_and_leads_back_with_the_session(
    stand_in: SandboxProcess, account: Account, opened: Opened
) -> None:
    page = opened(reference="attempt-A")
    before = gateway.read_checkout(account, session_id=page.session_id)
    status, where, _ = stand_in.pay(page.url)
    state = gateway.read_checkout(account, session_id=page.session_id)
    paid = payment_of(account, page)

    assert (before.status, before.payment_status, before.payment_intent_id) == (
        CheckoutStatus.OPEN,
        CheckoutPayment.UNPAID,
        None,
    )
    assert (status, where) == (303, f"http://127.0.0.1:9/result?session={page.session_id}")
    assert (state.status, state.payment_status) == (CheckoutStatus.COMPLETE, CheckoutPayment.PAID)
    assert state.reference == paid.reference == "attempt-A"
    assert state.amount == paid.amount == paid.amount_received == Money(12550, "USD")
    assert (paid.status, paid.method_kind, paid.last4, paid.funding) == (
        PaymentStatus.SUCCEEDED,
        "card",
        "5556",
        "debit",
    )
    assert dict(paid.metadata) == {"lender": "demo", "attempt": "attempt-A"}
    assert paid.cleared_at is not None
    assert not paid.livemode


def test_a_card_typed_by_hand_pays(stand_in: SandboxProcess, account: Account, opened: Opened) -> None:
    page = opened()
    status, _, _ = stand_in.pay(page.url, "typed", number="4242 4242 4242 4242", expiry="12/34", cvc="123")
    assert status == 303
    assert payment_of(account, page).last4 == "4242"


def test_a_declined_card_takes_nothing_and_the_page_can_be_paid_again(
    stand_in: SandboxProcess, account: Account, opened: Opened
) -> None:
    page = opened()
    status, where, _ = stand_in.pay(page.url, "declined")
    declined = payment_of(account, page)
    _, text = stand_in.page(page.url)
    again, _, _ = stand_in.pay(page.url)

    assert (status, where) == (303, page.url.removeprefix(stand_in.url))
    assert "The card was declined. Nothing was taken." in text
    assert (declined.status, declined.failure_code, declined.amount_received.minor, declined.cleared_at) == (
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        "card_declined",
        0,
        None,
    )
    assert again == 303
    paid = payment_of(account, page)
    assert (paid.status, paid.payment_intent_id) == (PaymentStatus.SUCCEEDED, declined.payment_intent_id)


@pytest.mark.parametrize("yes", [True, False])
def test_the_bank_asks_before_a_second_step_card_pays(
    stand_in: SandboxProcess, account: Account, opened: Opened, yes: bool
) -> None:
    page = opened()
    _, where, _ = stand_in.pay(page.url, "second_step")
    waiting = payment_of(account, page)
    _, asked = stand_in.page(f"{page.url}/second-step")
    stand_in.answer_bank(page.url, yes=yes)
    after = payment_of(account, page)

    assert where.endswith("/second-step")
    assert waiting.status is PaymentStatus.REQUIRES_ACTION
    assert "Your bank asks: is it you?" in asked
    if yes:
        assert after.status is PaymentStatus.SUCCEEDED
    else:
        assert after.failure_code == "payment_intent_authentication_failure"
        assert "Nothing was taken" in stand_in.page(page.url)[1]


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_bank_debit_completes_the_page_unpaid_and_is_decided_later(
    stand_in: SandboxProcess, account: Account, opened: Opened, succeeds: bool
) -> None:
    page = opened()
    stand_in.pay(page.url, "bank")
    state = gateway.read_checkout(account, session_id=page.session_id)
    waiting = payment_of(account, page)
    stand_in.settle_payment(waiting.payment_intent_id, succeeds=succeeds)
    after = payment_of(account, page)
    final = gateway.read_checkout(account, session_id=page.session_id)

    assert (state.status, state.payment_status) == (CheckoutStatus.COMPLETE, CheckoutPayment.UNPAID)
    assert (waiting.status, waiting.amount_received.minor, waiting.cleared_at) == (PaymentStatus.PROCESSING, 0, None)
    assert (after.status is PaymentStatus.SUCCEEDED) is succeeds
    assert final.payment_status is (CheckoutPayment.PAID if succeeds else CheckoutPayment.UNPAID)
    assert after.failure_code == (None if succeeds else "insufficient_funds")


def test_two_presses_of_the_button_pay_once(stand_in: SandboxProcess, account: Account, opened: Opened) -> None:
    page = opened()
    answers: list[tuple[int, str, str]] = []
    presses = [threading.Thread(target=lambda: answers.append(stand_in.pay(page.url))) for _ in range(4)]
    for press in presses:
        press.start()
    for press in presses:
        press.join()

    assert {(status, where) for status, where, _ in answers} == {
        (303, f"http://127.0.0.1:9/result?session={page.session_id}")
    }
    charges = [event for event in stand_in.events("charge.succeeded")
               if event["data"]["object"]["payment_intent"] == payment_of(account, page).payment_intent_id]  # fmt: skip
    assert len(charges) == 1


def test_a_credit_card_is_refused_where_the_lender_blocks_it(
    stand_in: SandboxProcess, account: Account, opened: Opened
) -> None:
    page = opened(choice=Choice())
    status, _, text = stand_in.pay(page.url, "credit")
    typed, _, _ = stand_in.pay(page.url, "typed", number="5555555555554444", expiry="12/34", cvc="123")

    assert (status, typed) == (402, 402)
    assert "Credit cards are not accepted for this payment" in text
    assert gateway.read_checkout(account, session_id=page.session_id).payment_intent_id is None
    assert stand_in.pay(page.url, "works")[0] == 303


def test_an_expired_page_says_so_and_takes_nothing(stand_in: SandboxProcess, account: Account, opened: Opened) -> None:
    page = opened()
    stand_in.advance_clock(41 * 60)
    status, text = stand_in.page(page.url)
    pressed, _, _ = stand_in.pay(page.url)

    assert (status, pressed) == (410, 410)
    assert "This payment page has closed" in text
    assert gateway.read_checkout(account, session_id=page.session_id).status is CheckoutStatus.EXPIRED


def test_a_page_can_be_closed_and_closing_a_paid_one_tells_that_it_is_paid(
    stand_in: SandboxProcess, account: Account, opened: Opened
) -> None:
    closed, paid = opened(), opened()
    stand_in.pay(paid.url)
    assert gateway.close_checkout(account, session_id=closed.session_id).status is CheckoutStatus.EXPIRED
    assert gateway.close_checkout(account, session_id=paid.session_id).payment_status is CheckoutPayment.PAID
    assert stand_in.pay(closed.url)[0] == 410


def test_a_page_is_found_again_by_its_reference(account: Account, opened: Opened) -> None:
    page, other = opened(reference="lost-one"), opened(reference="other")
    now = datetime.now(UTC)
    found = gateway.find_checkouts(
        account, reference="lost-one", opened_from=now - timedelta(hours=1), opened_until=now + timedelta(minutes=1)
    )
    earlier = gateway.find_checkouts(
        account, reference="lost-one", opened_from=now - timedelta(days=2), opened_until=now - timedelta(days=1)
    )
    assert [state.session_id for state in found] == [page.session_id]
    assert other.session_id != page.session_id
    assert earlier == ()


def test_refunds_stop_at_what_was_paid(stand_in: SandboxProcess, account: Account, opened: Opened) -> None:
    page = opened()
    stand_in.pay(page.url)
    intent = payment_of(account, page).payment_intent_id
    part = gateway.refund(account, payment_intent_id=intent, amount=Money(2550, "USD"), idempotency_key=f"{intent}-1")
    with pytest.raises(PaymentRefused) as too_much:
        gateway.refund(account, payment_intent_id=intent, amount=Money(10001, "USD"), idempotency_key=f"{intent}-2")
    rest = gateway.refund(account, payment_intent_id=intent, amount=None, idempotency_key=f"{intent}-3")
    with pytest.raises(PaymentRefused) as nothing_left:
        gateway.refund(account, payment_intent_id=intent, amount=None, idempotency_key=f"{intent}-4")

    assert (part.amount, part.status) == (Money(2550, "USD"), RefundStatus.SUCCEEDED)
    assert too_much.value.param == "amount"
    assert rest.amount == Money(10000, "USD")
    assert nothing_left.value.code == "charge_already_refunded"
    assert [one.id for one in payment_of(account, page).refunds] == [part.id, rest.id]


def test_a_refund_that_comes_back_is_read_as_failed(stand_in: SandboxProcess, account: Account, opened: Opened) -> None:
    page = opened()
    stand_in.pay(page.url)
    intent = payment_of(account, page).payment_intent_id
    made = gateway.refund(account, payment_intent_id=intent, amount=None, idempotency_key=f"{intent}-1")
    stand_in.settle_refund(made.id, succeeds=False)
    (after,) = payment_of(account, page).refunds
    assert (after.status, after.failure_reason) == (RefundStatus.FAILED, "lost_or_stolen_card")


def test_a_dispute_marks_the_payment_and_stops_refunds(
    stand_in: SandboxProcess, account: Account, opened: Opened
) -> None:
    page = opened()
    stand_in.pay(page.url)
    intent = payment_of(account, page).payment_intent_id
    dispute = stand_in.dispute(intent)
    with pytest.raises(PaymentRefused) as refused:
        gateway.refund(account, payment_intent_id=intent, amount=None, idempotency_key=f"{intent}-1")
    stand_in.close_dispute(dispute, won=True)
    assert refused.value.code == "charge_disputed"
    assert payment_of(account, page).disputed


def test_the_same_attempt_asked_again_gives_the_same_page(account: Account, opened: Opened) -> None:
    same = {"reference": "again", "idempotency_key": "again-1", "expires_at": datetime.now(UTC) + timedelta(minutes=35)}
    assert opened(**same) == opened(**same)
    with pytest.raises(PaymentRefused) as refused:
        opened(**same, amount=Money(999, "USD"))
    assert refused.value.code == "idempotency_error"


@pytest.mark.parametrize(
    ("different", "code"),
    [
        ({"amount": Money(49, "USD")}, "amount_too_small"),
        ({"amount": Money(100_000_000, "USD")}, "amount_too_large"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "invalid_request_error"),
        ({"success_url": "result"}, "url_invalid"),
    ],
)
def test_what_stripe_would_refuse_is_refused(opened: Opened, different: dict[str, object], code: str) -> None:
    with pytest.raises(PaymentRefused) as refused:
        opened(**different)
    assert refused.value.code == code


def test_yen_and_chinese_are_shown_as_their_readers_write_them(stand_in: SandboxProcess, opened: Opened) -> None:
    _, text = stand_in.page(opened(amount=Money(12000, "JPY"), locale="zh_Hans").url)
    assert '<html lang="zh-Hans">' in text
    assert "Stripe 替身：不会产生真实扣款" in text
    assert "12,000" in text and "12,000.00" not in text

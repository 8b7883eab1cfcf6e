"""The stand-in's balance: what is booked with which fee, when it is paid out, and what the gateway makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from portal.money import Money
from portal.payments import stripe_gateway
from portal.payments.stripe_gateway import Account, CheckoutPage, Movement, PaymentRefused
from tests.sandbox_process import SandboxProcess

WEEK = timedelta(days=7)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def movements(account: Account, **asked: object) -> list[Movement]:
    now = datetime.now(UTC)
    asked = asked or {"since": now - WEEK, "until": now + WEEK}
    return list(stripe_gateway.movements_page(account, **asked).items)  # type: ignore[arg-type]


@pytest.fixture
def paid(account: Account, stand_in: SandboxProcess, opened: Callable[..., CheckoutPage]) -> str:
    """A payment of 125.50 USD that came; gives its payment intent."""
    page = opened()
    assert stand_in.pay(page.url)[0] == 303
    return stripe_gateway.read_checkout(account, session_id=page.session_id).payment_intent_id or ""


def test_a_payment_a_refund_and_a_dispute_are_booked_as_the_books_name_them(
    account: Account, stand_in: SandboxProcess, paid: str
) -> None:
    refund = stripe_gateway.refund(account, payment_intent_id=paid, amount=usd(2_000), idempotency_key="r")
    dispute = stand_in.dispute(paid)
    stand_in.close_dispute(dispute, won=True)
    found = {one.effect: one for one in movements(account)}
    assert set(found) == {f"{paid}:payment", f"{refund.id}:refund", f"{dispute}:withdrawn:1", f"{dispute}:reinstated:1"}
    came = found[f"{paid}:payment"]
    assert (came.about, came.fee, came.marked, came.payment_intent_id) == (usd(12_550), usd(394), True, paid)
    assert came.net == usd(12_156)
    assert found[f"{refund.id}:refund"].about == usd(-2_000)
    assert all(one.payment_intent_id == paid for one in found.values())
    assert [found[f"{dispute}:{what}:1"].fee for what in ("withdrawn", "reinstated")] == [usd(1_500), usd(-1_500)]


def test_pages_of_events_and_movements_follow_each_other(
    account: Account, stand_in: SandboxProcess, opened: Callable[..., CheckoutPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        stand_in.pay(opened(reference=f"attempt {number}", idempotency_key=f"k{number}").url)
    monkeypatch.setattr(stripe_gateway, "A_PAGE", 2)
    now, after, seen, events = datetime.now(UTC), None, [], []
    span = {"since": now - WEEK, "until": now + WEEK}
    while True:
        page = stripe_gateway.movements_page(account, **span, after=after)  # type: ignore[arg-type]
        seen += [one.id for one in page.items]
        if (after := page.last) is None:
            break
    assert len(seen) == len(set(seen)) == 3
    while True:
        told = stripe_gateway.events_page(account, **span, after=after)  # type: ignore[arg-type]
        events += [(one.id, one.type) for one in told.items]
        if (after := told.last) is None:
            break
    assert len(events) == len(set(events)) and {kind for _id, kind in events} >= {"payment_intent.succeeded"}
    assert "payment_intent.created" not in {kind for _id, kind in events}
    # A span that has passed has nothing in it.
    assert not stripe_gateway.events_page(account, since=now - 2 * WEEK, until=now - WEEK, after=None).items


def test_what_is_available_is_paid_out_once_and_ties_and_can_be_sent_back(
    account: Account, stand_in: SandboxProcess, paid: str
) -> None:
    assert payouts(account) == []
    stand_in.advance_clock(3 * 86_400)
    [payout] = payouts(account)
    assert (payout.amount, payout.status, payout.by_hand, payout.listed) == (usd(12_156), "pending", False, True)
    listed = movements(account, payout=payout.id)
    assert {one.of_payout for one in listed} == {payout.id, None}
    assert sum(one.net.minor for one in listed) == 0
    assert len(payouts(account)) == 1
    stand_in.advance_clock(86_400)
    assert stripe_gateway.read_payout(account, payout_id=payout.id).status == "paid"
    stand_in.send_back(payout.id)
    again = stripe_gateway.read_payout(account, payout_id=payout.id)
    assert (again.status, again.failure) == ("failed", "account_closed")


def payouts(account: Account) -> list[stripe_gateway.PaidOut]:
    now = datetime.now(UTC)
    return list(stripe_gateway.payouts_page(account, since=now - WEEK, until=now + WEEK, after=None).items)


def test_a_payout_by_hand_has_no_list(account: Account, stand_in: SandboxProcess, paid: str) -> None:
    made = stand_in.pay_out_by_hand(paid, 500)
    [payout] = payouts(account)
    assert (payout.id, payout.by_hand, payout.amount) == (made, True, usd(500))
    with pytest.raises(PaymentRefused):
        movements(account, payout="po_nobodys")


def test_an_account_that_is_settled_in_another_currency_says_both(
    account: Account, stand_in: SandboxProcess, paid: str, opened: Callable[..., CheckoutPage]
) -> None:
    stand_in.settle_in(paid, "eur", 0.5)
    stand_in.pay(opened(reference="other", idempotency_key="other").url)
    newest = movements(account)[0]
    assert (newest.about, newest.settled) == (usd(12_550), Money(6_275, "EUR"))
    assert newest.fee.currency == "EUR"


def test_what_else_is_sold_by_the_account_is_not_ours(
    account: Account, stand_in: SandboxProcess, sdk: stripe.StripeClient, paid: str
) -> None:
    sdk.v1.payment_intents.create(
        {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip
    own = stand_in.book(paid, "stripe_fee", amount=-250)
    found = movements(account)
    other = next(one for one in found if one.about == usd(900))
    assert not other.marked and other.reference is None
    assert next(one for one in found if one.id == own).own
    assert stripe_gateway.read_movement(account, transaction_id=own).net == usd(-250)

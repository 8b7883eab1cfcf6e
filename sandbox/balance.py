"""The balance of an account at the stand-in: what is booked on it with which fee, when it is there, and payouts.

Every day what is available is paid out, a payout for each currency, and arrives a day later; both happen when somebody
looks. An account may be settled in another currency than it charges in, at one rate.
"""

from __future__ import annotations

from typing import Any

from sandbox import objects
from sandbox.memory import Body, Memory, new_id

A_DAY = 86_400


def book(
    memory: Memory,
    account: str,
    kind: str,
    source: str | None,
    *,
    amount: int,
    currency: str,
    fee: int,
    description: str | None = None,
) -> Body:
    """Book an amount on the balance, in the currency in which the account is settled; `fee` is in that too."""
    now = memory.now()
    settled, rate = _settled_in(memory, account, currency)
    body = objects.a_balance_transaction(
        kind, source, amount=round(amount * rate), currency=settled, fee=fee, now=now, description=description
    )
    if settled != currency:
        body["exchange_rate"] = rate
    return memory.add(account, "balance_transaction", body)


def settle_in(memory: Memory, account: str, currency: str, rate: float) -> None:
    """Let an account be settled in one currency from now on, whatever it charges in."""
    memory.set_setting(f"settled:{account}", f"{currency.lower()} {rate}")


def _settled_in(memory: Memory, account: str, currency: str) -> tuple[str, float]:
    settled, _, rate = memory.setting(f"settled:{account}", "").partition(" ")
    return (settled, float(rate)) if settled and settled != currency else (currency, 1.0)


def come_true(memory: Memory, account: str) -> None:
    """Let happen what time has brought: bookings are available, are paid out, and payouts arrive."""
    now = memory.now()
    for one in _all(memory, account, "balance_transaction", status="pending"):
        if one["available_on"] <= now:
            memory.save(one | {"status": "available"})
    for payout in (
        *_all(memory, account, "payout", status="pending"),
        *_all(memory, account, "payout", status="in_transit"),
    ):
        if payout["arrival_date"] <= now:
            memory.save(payout | {"status": "paid"})
        elif payout["status"] == "pending":
            memory.save(payout | {"status": "in_transit"})
    waiting: dict[str, list[Body]] = {}
    for one in _all(memory, account, "balance_transaction", status="available", _payout=None):
        waiting.setdefault(one["currency"], []).append(one)
    for currency, bookings in waiting.items():
        net = sum(one["net"] for one in bookings)
        newest = memory.listed(account, "payout", where=(("currency", currency), ("automatic", 1)), limit=1)[0]
        if net > 0 and (not newest or newest[0]["created"] + A_DAY <= now):
            _made(memory, account, net, currency, bookings, by_hand=False)


def pay_out_by_hand(memory: Memory, account: str, amount: int, currency: str) -> Body:
    """Pay an amount out as somebody does at Stripe; it has no list of what is in it."""
    return _made(memory, account, amount, currency, [], by_hand=True)


def send_back(memory: Memory, account: str, payout: Body) -> Body:
    """Let the bank of the account send a payout back, as it may for days."""
    back = objects.a_balance_transaction(
        "payout_failure", payout["id"], amount=payout["amount"], currency=payout["currency"], fee=0, now=memory.now()
    )
    memory.add(account, "balance_transaction", back | {"status": "available"})
    payout |= {
        "status": "failed", "failure_code": "account_closed", "failure_balance_transaction": back["id"],
        "failure_message": "The bank account has been closed.",
    }  # fmt: skip
    return memory.save(payout)


def _made(memory: Memory, account: str, amount: int, currency: str, bookings: list[Body], *, by_hand: bool) -> Body:
    now = memory.now()
    payout = a_payout(amount, currency, by_hand=by_hand, now=now)
    booked = objects.a_balance_transaction("payout", payout["id"], amount=-amount, currency=currency, fee=0, now=now)
    # One by hand is on no payout's list, and neither is what it pays out.
    booked |= {"status": "available", "available_on": now, "_payout": payout["id"]}
    memory.add(account, "balance_transaction", booked)
    payout["balance_transaction"] = booked["id"]
    for one in bookings:
        memory.save(one | {"_payout": payout["id"]})
    return memory.add(account, "payout", payout)


def a_payout(amount: int, currency: str, *, by_hand: bool, now: int) -> Body:
    """Give a payout as it begins."""
    return {
        "id": new_id("po_1"), "object": "payout", "amount": amount, "application_fee": None,
        "application_fee_amount": None, "arrival_date": now + A_DAY, "automatic": not by_hand,
        "balance_transaction": None, "created": now, "currency": currency, "description": "STRIPE PAYOUT",
        "destination": new_id("ba_1"), "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, "livemode": False, "metadata": {}, "method": "standard", "original_payout": None,
        "payout_method": None, "reconciliation_status": "not_applicable" if by_hand else "completed",
        "reversed_by": None, "source_type": "card", "statement_descriptor": None, "status": "pending",
        "trace_id": None, "type": "bank_account",
    }  # fmt: skip


def _all(memory: Memory, account: str, kind: str, **where: Any) -> list[Body]:
    """Give all objects with these values; None is what isn't there."""
    wanted = tuple((name, value) for name, value in where.items() if value is not None)
    absent = [name for name, value in where.items() if value is None]
    found, after, more = [], None, True
    while more:
        page, more = memory.listed(account, kind, where=wanted, after=after, limit=500)
        found += [one for one in page if all(one.get(name) is None for name in absent)]
        after = page[-1]["id"] if page else None
    return found

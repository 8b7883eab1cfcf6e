"""Autopay by its rules alone: every cell of its tables, each day's decision, and random lives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.autopay import rules
from portal.autopay.declines import MOST_TRIES, Decline, kind_of, next_try
from portal.autopay.rules import CallOff, Go, Made, Notice, Situation, Wait, Why
from portal.autopay.states import (
    Auto,
    AutoEvent,
    Charge,
    ChargeEvent,
    Forbidden,
    Moved,
    Repeated,
    auto_after,
    charge_after,
)
from portal.plans.looking import Payment

TODAY = date(2026, 5, 4)
A_DAY = timedelta(days=1)

AUTO = """
    asked save on; on save =; needs_card save on; stopped save no;
    asked lose =; on lose needs_card; needs_card lose =; stopped lose no;
    asked stop stopped; on stop stopped; needs_card stop stopped; stopped stop =
"""
CHARGES = """
    noticed notice =; charging notice no; charged notice no; second_step notice no; refused notice no;
    called_off notice noticed;
    noticed begin charging; charging begin =; charged begin no; second_step begin no; refused begin no;
    called_off begin no;
    noticed succeed charged; charging succeed charged; charged succeed =; second_step succeed charged;
    refused succeed charged; called_off succeed charged;
    noticed try_again no; charging try_again noticed; charged try_again no; second_step try_again no;
    refused try_again no; called_off try_again no;
    noticed ask no; charging ask second_step; charged ask no; second_step ask =; refused ask no; called_off ask no;
    noticed refuse no; charging refuse refused; charged refuse no; second_step refuse no; refused refuse =;
    called_off refuse no;
    noticed call_off called_off; charging call_off called_off; charged call_off no; second_step call_off called_off;
    refused call_off =; called_off call_off =
"""


def cells(text: str) -> list[list[str]]:
    return [cell.split() for cell in text.replace("\n", " ").split(";")]


def said(outcome: Moved | Repeated | Forbidden) -> str:  # type: ignore[type-arg]
    match outcome:
        case Moved(to=to):
            return str(to.value)
        case Repeated():
            return "="
        case Forbidden():
            return "no"


@pytest.mark.parametrize(("state", "event", "then"), cells(AUTO))
def test_each_cell_of_autopay(state: str, event: str, then: str) -> None:
    assert said(auto_after(Auto(state), AutoEvent(event))) == then


@pytest.mark.parametrize(("state", "event", "then"), cells(CHARGES))
def test_each_cell_of_a_charge(state: str, event: str, then: str) -> None:
    assert said(charge_after(Charge(state), ChargeEvent(event))) == then


def test_no_cell_is_left_out() -> None:
    assert len(cells(AUTO)) == len(list(product(Auto, AutoEvent)))
    assert len(cells(CHARGES)) == len(list(product(Charge, ChargeEvent)))


@pytest.mark.parametrize(
    ("code", "decline_code", "kind"),
    [
        ("card_declined", "insufficient_funds", Decline.SOFT),
        ("processing_error", None, Decline.SOFT),
        ("card_declined", "a word of tomorrow", Decline.SOFT),
        ("authentication_required", "authentication_required", Decline.SECOND_STEP),
        ("card_declined", "authentication_required", Decline.SECOND_STEP),
        ("card_declined", "lost_card", Decline.HARD),
        ("card_declined", "stolen_card", Decline.HARD),
        ("expired_card", "expired_card", Decline.HARD),
        ("card_declined", "invalid_account", Decline.HARD),
        ("resource_missing", None, Decline.HARD),
        ("card_declined", "revocation_of_authorization", Decline.REVOKED),
    ],
)
def test_the_kind_of_a_decline(code: str, decline_code: str | None, kind: Decline) -> None:
    assert kind_of(code, decline_code) is kind


def test_three_tries_in_a_week_and_no_more() -> None:
    assert [next_try(TODAY, tries=tries) for tries in (1, 2, 3, 4)] == [
        date(2026, 5, 7),
        date(2026, 5, 8),
        None,
        None,
    ]


def a_payment(seq: int, due_on: date, *, amount: int = 10_000, paid: int = 0) -> Payment:
    return Payment(seq, due_on, amount, paid, 0, kept=paid >= amount)


def a_situation(*payments: Payment, today: date = TODAY, **other: object) -> Situation:
    usual = Situation(
        auto=Auto.ON,
        has_card=True,
        plan="active",
        grace_days=5,
        payments=payments,
        made={},
        held=False,
        debt_open=True,
        on_its_way=0,
        owed=sum(one.missing for one in payments),
        to_come={},
        least=50,
        agreed_most=10_000,
        today=today,
    )
    return replace(usual, **other)  # type: ignore[arg-type]


def noticed(payment: Payment, *, on: date | None = None, left: date | None = None, most: int | None = None) -> Made:
    on = on or payment.due_on
    return Made(
        seq=payment.seq,
        state=Charge.NOTICED,
        on=on,
        due_on=payment.due_on,
        most=payment.missing if most is None else most,
        tries=0,
        noticed_on=left,
        days=rules.DAYS,
    )


DUE = a_payment(1, TODAY + 6 * A_DAY)


def test_notice_is_given_in_time_and_not_before() -> None:
    assert rules.to_notice(a_situation(DUE)) is None
    assert rules.to_notice(a_situation(DUE, today=TODAY + A_DAY)) == Notice(
        1, DUE.due_on, DUE.due_on, 10_000, rules.DAYS
    )
    assert rules.act_on(a_situation(DUE)) == TODAY + A_DAY


def test_more_than_was_agreed_to_is_said_ten_days_before() -> None:
    far = a_payment(1, TODAY + 12 * A_DAY, amount=10_001)
    said_of = rules.to_notice(a_situation(far))
    assert said_of is not None
    assert (said_of.on, said_of.days) == (far.due_on, rules.DAYS_IF_MORE)
    # Too late for that, and beyond the days of grace: it is not taken at all.
    assert rules.to_notice(a_situation(a_payment(1, TODAY + 2 * A_DAY, amount=10_001))) is None


def test_what_is_noticed_late_is_charged_later_while_grace_lasts() -> None:
    said_of = rules.to_notice(a_situation(DUE, today=DUE.due_on - A_DAY))
    assert said_of is not None
    assert said_of.on == DUE.due_on + 2 * A_DAY
    assert rules.to_notice(a_situation(DUE, today=DUE.due_on + A_DAY)) is None, "nothing of the past is charged"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"auto": Auto.STOPPED}, Why.STOPPED),
        ({"auto": Auto.NEEDS_CARD}, Why.NO_CARD),
        ({"has_card": False}, Why.NO_CARD),
        ({"plan": "paused"}, Why.PLAN_WAITS),
        ({"plan": "broken"}, Why.PLAN_WAITS),
        ({"plan": "completed"}, Why.PLAN_OVER),
        ({"plan": "cancelled"}, Why.PLAN_OVER),
        ({"plan": "superseded"}, Why.PLAN_OVER),
        ({"held": True}, Why.HELD),
        ({"debt_open": False}, Why.DEBT_GONE),
        ({"on_its_way": 1}, Why.ON_ITS_WAY),
        ({"owed": 0}, Why.PAID),
        ({"owed": 49}, Why.TOO_LITTLE),
        ({"payments": ()}, Why.PAID),
        ({"payments": (replace(DUE, paid=10_000, kept=True),)}, Why.PAID),
        ({"payments": (replace(DUE, due_on=DUE.due_on + A_DAY),)}, Why.MOVED),
        ({"payments": (replace(DUE, amount=10_100),), "owed": 10_100}, Why.MORE),
        ({"today": DUE.due_on - A_DAY}, Why.NOT_YET),
        ({"today": DUE.due_on + 3 * A_DAY}, Why.TOO_LATE),
    ],
)
def test_what_keeps_a_charge_from_being_made(other: dict[str, object], why: Why) -> None:
    made = noticed(DUE, left=DUE.due_on - rules.DAYS)
    now = a_situation(DUE, today=DUE.due_on, made={1: made})
    assert rules.decide(made, now) == Go(10_000)
    found = rules.decide(made, replace(now, **other))  # type: ignore[arg-type]
    assert isinstance(found, Wait | CallOff)
    assert found.why is why


def test_less_is_charged_when_some_of_it_came_otherwise() -> None:
    paid = replace(DUE, paid=4_000)
    made = noticed(DUE, left=TODAY)
    assert rules.decide(made, a_situation(paid, today=DUE.due_on, made={1: made})) == Go(6_000)


@pytest.mark.parametrize(
    ("left", "found"),
    [
        (None, Wait(Why.NOT_NOTICED)),
        (DUE.due_on - 2 * A_DAY, Wait(Why.NOT_NOTICED)),
        (DUE.due_on - 3 * A_DAY, Go(10_000)),
    ],
)
def test_without_a_notice_that_left_in_time_nothing_is_charged(left: date | None, found: object) -> None:
    made = noticed(DUE, left=left)
    assert rules.decide(made, a_situation(DUE, today=DUE.due_on, made={1: made})) == found
    if left is None:
        later = a_situation(DUE, today=DUE.due_on + rules.LATE, made={1: made})
        assert rules.decide(made, later) == CallOff(Why.NOT_NOTICED)


def test_a_late_night_charges_one_payment_a_day() -> None:
    week = [a_payment(seq, DUE.due_on + (seq - 1) * A_DAY) for seq in (1, 2)]
    made = {one.seq: noticed(one, left=TODAY) for one in week}
    now = a_situation(*week, today=week[1].due_on, made=made)
    assert rules.decide(made[1], now) == Go(10_000)
    after = now.made | {1: replace(made[1], state=Charge.CHARGING, tried_on=now.today)}
    assert rules.decide(made[2], replace(now, made=after)) == Wait(Why.ANOTHER_TODAY)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai", "Pacific/Kiritimati", "Europe/London"])
def test_charges_are_made_by_day(zone: str) -> None:
    place = ZoneInfo(zone)
    for hour in range(48):
        at = datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=hour)
        local = at.astimezone(place)
        assert rules.is_daytime(at, place) == (10 <= local.hour < 18)
        following = rules.next_daytime(at, place)
        assert following > at - timedelta(hours=1)
        assert rules.is_daytime(following, place)
        assert following.astimezone(place).hour == 10


@dataclass
class Life:
    """A plan with autopay, lived a day at a time by its rules alone."""

    payments: list[Payment]
    today: date = TODAY
    auto: Auto = Auto.ON
    plan: str = "active"
    held: bool = False
    made: dict[int, Made] = field(default_factory=dict)
    taken: list[tuple[date, int, int]] = field(default_factory=list)
    stopped_on: date | None = None

    def now(self) -> Situation:
        return a_situation(
            *self.payments, today=self.today, auto=self.auto, plan=self.plan, held=self.held, made=dict(self.made)
        )

    def look(self, *, mail: bool) -> None:
        for seq, made in self.made.items():
            if made.state is Charge.NOTICED and isinstance(rules.decide(made, self.now()), CallOff):
                self.made[seq] = replace(made, state=Charge.CALLED_OFF)
        while (said_of := rules.to_notice(self.now())) is not None:
            left = self.today if mail else None
            self.made[said_of.seq] = Made(
                said_of.seq, Charge.NOTICED, said_of.on, said_of.due_on, said_of.amount, 0, left, said_of.days
            )

    def charge(self, *, soft: bool) -> None:
        for seq, made in list(self.made.items()):
            found = rules.decide(made, self.now()) if made.state is Charge.NOTICED else None
            if not isinstance(found, Go):
                continue
            tried = replace(made, tries=made.tries + 1, tried_on=self.today)
            again = next_try(self.today, tries=tried.tries)
            if soft and again is not None:
                self.made[seq] = replace(
                    tried, on=again, most=found.amount, noticed_on=self.today, days=timedelta(days=2)
                )
            elif soft:
                self.made[seq] = replace(tried, state=Charge.REFUSED)
            else:
                self.made[seq] = replace(tried, state=Charge.CHARGED)
                self.taken.append((self.today, seq, found.amount))
                self.pay(found.amount)
            assert self.made[seq].tries <= MOST_TRIES

    def pay(self, amount: int) -> None:
        for place, one in enumerate(self.payments):
            part = min(one.missing, amount)
            amount -= part
            self.payments[place] = replace(one, paid=one.paid + part, kept=one.paid + part >= one.amount)


def test_a_quiet_life_takes_every_payment_on_its_day() -> None:
    life = Life([a_payment(seq, TODAY + seq * 7 * A_DAY) for seq in (1, 2, 3)])
    for _day in range(30):
        life.today += A_DAY
        life.look(mail=True)
        life.charge(soft=False)
    assert life.taken == [(TODAY + seq * 7 * A_DAY, seq, 10_000) for seq in (1, 2, 3)]


# The days are many, so most of them bring nothing.
DAY = st.sampled_from(
    ["night"] * 8 + ["night, no mail", "no night", "late night", "soft", "pay", "hold", "pause", "go on", "stop"]
)


@given(days=st.lists(DAY, min_size=10, max_size=60), every=st.sampled_from([7, 14, 30]), more=st.booleans())
def test_random_lives_charge_nothing_twice_and_nothing_unsaid(days: list[str], every: int, more: bool) -> None:
    amounts = [10_000, 10_000, 12_500 if more else 10_000, 4_000]
    life = Life([a_payment(seq, TODAY + seq * every * A_DAY, amount=amount) for seq, amount in enumerate(amounts, 1)])
    for what in days:
        life.today += A_DAY
        before = life.now()
        if what == "pay":
            life.pay(3_000)
        elif what == "hold":
            life.held = not life.held
        elif what == "pause":
            life.plan = "paused"
        elif what == "go on":
            life.plan = "active"
        elif what == "stop" and life.auto is Auto.ON:
            life.auto, life.stopped_on = Auto.STOPPED, life.today
        if what != "no night":
            life.look(mail=what != "night, no mail")
        said_of, taken = dict(life.made), len(life.taken)
        life.charge(soft=what == "soft")
        new = life.taken[taken:]
        assert len(new) <= 1, "two on a day"
        for on, seq, amount in new:
            made = said_of[seq]
            assert amount <= made.most
            assert amount <= next(one for one in before.payments if one.seq == seq).missing
            assert made.noticed_on is not None
            assert made.noticed_on + made.days <= on
            assert made.on <= on <= made.on + rules.LATE
            assert (life.held, life.plan) == (False, "active")
            assert life.stopped_on is None
    seqs = [seq for _on, seq, _amount in life.taken]
    assert len(seqs) == len(set(seqs)), "a payment was charged twice"
    assert all(one.paid <= one.amount for one in life.payments)

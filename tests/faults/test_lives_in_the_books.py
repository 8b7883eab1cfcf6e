"""Long random lives of plans in the real books: money, files, holds, changes and nights in any order.

Nothing is pretended but Stripe's own word on a payment. After each step the books are added up by other means, the
records are told again from the first, and what time has brought is held against the pure rules. `make faults`
(FAULTS=all) makes longer lives and more of them.
"""

from __future__ import annotations

import csv
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, case, func, or_, select

from portal import clock as portal_clock
from portal import sweep, verify
from portal.affordability.budget import Budget, Group, Line
from portal.care import requests
from portal.care.holds import days_held, holding
from portal.changes import acts, rules
from portal.db import session, transaction
from portal.debts import intake
from portal.debts.mapping import PortfolioMapping
from portal.debts.mapping_file import parse_mapping
from portal.debts.models import Debt
from portal.debts.statement import Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import OPERATOR, Act, Actor
from portal.ledger import OWED, Account, Book, Posting, Transfer
from portal.lenders.models import Lender
from portal.money import Money
from portal.offers.asked import Asked, DownPayment, Lower, Pause, Settlement, Steps
from portal.payments import credit, settle, stripe_gateway
from portal.payments.models import CreditUse, MoneyEffect, Payment, PaymentPart
from portal.payments.stripe_gateway import PaymentFacts, PaymentStatus, RefundFacts, RefundStatus
from portal.plans import for_a_person, from_file, negotiate, progress, remind
from portal.plans.models import LIVE_STATES, Plan, PlanChange, Quote
from portal.plans.redrawing import Use
from portal.plans.states import TABLE, Keeping, State, standing
from portal.plans.states import Standing as Judged
from portal.points.award import balance_of
from portal.schedules.dates import Frequency
from tests.conftest import STANDARD_INSTANT, Clock
from tests.factories import EVERY_WAY, LIMITS_WITH_EVERY_WAY, a_lender, some_limits
from tests.journeys.acts import work
from tests.settling import a_payment, facts_of
from tests.turns import ALL

ZONE = "America/New_York"
LIMITS = (
    LIMITS_WITH_EVERY_WAY.replace('policy = "frozen"', 'policy = "contract"', 1)
    .replace("most_in_12_months = 3", "most_in_12_months = 30", 1)
    .replace("most_in_all = 6", "most_in_all = 60", 1)
    .replace("moves_in_12_months = 2", "moves_in_12_months = 9", 1)
    .replace("skips_in_12_months = 1", "skips_in_12_months = 9", 1)
    .replace('interest = "frozen"', 'interest = "simple"', 1)
)
# Orders without a plan, in one, once payments are missed, and in a settlement.
ORDERS = (
    ("costs_first", "costs_first", "costs_first", "costs_first"),
    ("costs_first", "by_instalment", "costs_first", "principal_first"),
    ("principal_first", "principal_first", "by_instalment", "by_instalment"),
)
PARTS = ("principal", "interest", "penalty", "fees")
HEADER = ("account", "person", "name", "born", "email", "late_since", *PARTS)
MAPPING = f"""
currency = {{ value = "USD" }}
date_format = "%Y-%m-%d"
person = ["person"]
[fields]
reference = {{ column = "account" }}
name = {{ column = "name" }}
born_on = {{ column = "born" }}
email = {{ column = "email" }}
product = {{ value = "{EVERY_WAY}" }}
late_since = {{ column = "late_since" }}
annual_rate = {{ value = "18" }}
principal = {{ column = "principal" }}
interest = {{ column = "interest" }}
penalty = {{ column = "penalty" }}
fees = {{ column = "fees" }}
"""
NAMES = ("L-1", "L-2")
# What was owed at the beginning, in the order of `PARTS`.
OWED_AT_FIRST = {"L-1": (90_000, 6_000, 2_500, 1_500), "L-2": (30_000, 0, 0, 0)}
LIVES = tuple(State(state) for state in LIVE_STATES)
_STANDS = [account.value for account in OWED] + ["credit"]
EXAMPLES, STEPS = (300, 60) if ALL else (6, 20)


@dataclass
class World:
    """What all lives on one database share."""

    app: Flask
    connection: Connection
    clock: Clock
    folder: Path
    words: dict[str, PaymentFacts] = field(default_factory=dict)
    mapping: PortfolioMapping = field(default_factory=lambda: parse_mapping(MAPPING))


@dataclass
class Paid:
    """One payment as Stripe has it: what is on its way, and what came back of it, by refund."""

    row: Payment
    refunds: dict[str, tuple[int, RefundStatus]] = field(default_factory=dict)
    status: PaymentStatus = PaymentStatus.PROCESSING
    cleared: Any = None

    @property
    def back(self) -> int:
        """What is back with the payer."""
        return sum(minor for minor, status in self.refunds.values() if status is RefundStatus.SUCCEEDED)

    @property
    def left(self) -> int:
        """What could still go back."""
        return self.row.amount_minor - self.back if self.status is PaymentStatus.SUCCEEDED else 0


class Lives(RuleBasedStateMachine):
    """Two debts of one person, and all that can happen to them and to their plans."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.clock.at = STANDARD_INSTANT
        self.inside = self.world.connection.begin_nested()
        self.context = self.world.app.app_context()
        self.context.push()
        self.lender: Lender = a_lender(limits=LIMITS)
        self.figures = dict(OWED_AT_FIRST)
        self.payments: list[Paid] = []
        self.held: list[str] = []
        self.forms = 0
        self.came_by_file = False
        # Debts whose credit paid off something of the other one.
        self.gave_credit: set[uuid.UUID] = set()
        self.bring()
        self.person = session.scalars(select(Debt.debtor_id).where(Debt.lender_id == self.lender.id).limit(1)).one()

    def teardown(self) -> None:
        self.context.pop()
        session.remove()
        self.inside.rollback()

    # What is there now.

    @property
    def today(self) -> date:
        return portal_clock.today(ZONE)

    @property
    def by(self) -> Actor:
        return Actor("debtor", str(self.person))

    def form(self) -> str:
        self.forms += 1
        return f"{self.forms:032x}"

    def debt(self, name: str) -> Standing:
        session.rollback()
        found = select(Debt.id).where(Debt.lender_id == self.lender.id, Debt.reference == name)
        return by_id(lender_id=self.lender.id, debt_id=session.scalars(found).one())

    def is_open(self, name: str) -> bool:
        found = select(Debt.state).where(Debt.lender_id == self.lender.id, Debt.reference == name)
        return session.scalars(found).one() == "open"

    def plan(self, name: str) -> Plan | None:
        return session.scalars(
            select(Plan).where(
                Plan.lender_id == self.lender.id, Plan.debt_id == self.debt(name).id, Plan.state.in_(LIVE_STATES)
            )
        ).one_or_none()

    def plans(self) -> list[Plan]:
        session.rollback()
        session.expire_all()
        return list(session.scalars(select(Plan).where(Plan.lender_id == self.lender.id).order_by(Plan.id)))

    # Time.

    @rule(days=st.sampled_from([1, 1, 2, 5, 6, 10, 28, 40]), hours=st.integers(0, 20))
    def time_passes(self, days: int, hours: int) -> None:
        self.world.clock.forward(days=days, hours=hours)

    def night(self) -> sweep.Night:
        def stuck(one: sweep.Stuck) -> None:
            raise AssertionError(one)

        # No page is left to the slower way, which would hide that the faster one fails.
        with mock.patch.object(sweep.log, "warning", side_effect=AssertionError):
            found = sweep.run(stuck=stuck)
        work(self.world.app, only=remind.WRITE)
        return found

    @rule()
    def a_night(self) -> None:
        """Twice, and the second finds nothing; also whoever looks at a plan whose day has not come."""
        self.night()
        before = self.told()
        assert self.night().looked == 0
        assert self.told() == before
        for plan in self.plans():
            if plan.state in (*LIVE_STATES, State.COMPLETED.value):
                looked = sweep.look_at(lender_id=self.lender.id, plan_id=plan.id)
                assert looked.before == looked.after and not looked.interest and looked.came_up is None
        assert self.told() == before
        self.as_the_rules_say()

    @rule(days=st.integers(2, 20))
    def nights_one_after_the_other(self, days: int) -> None:
        for _ in range(days):
            self.world.clock.forward(days=1)
            self.night()
        self.as_the_rules_say()

    def told(self) -> int:
        """Count what is on record; that a word may not be written is said again each time somebody looks."""
        session.rollback()
        return session.scalars(
            select(func.count())
            .select_from(EvidenceRecord)
            .where(EvidenceRecord.lender_id == self.lender.id, EvidenceRecord.act != Act.MESSAGE_NOT_WRITTEN.value)
        ).one()

    def as_the_rules_say(self) -> None:
        """After a night every living plan stands where the pure rules put it, by its payments and its money."""
        for plan in self.plans():
            if plan.state == "completed" and plan.review_on is None:
                # More that a file brings stands beside what the plan was for; and so does what went back of payments
                # for an earlier plan, and what the plan's money paid on the other debt, as credit, should some of it
                # be owed here again.
                owed = by_id(lender_id=plan.lender_id, debt_id=plan.debt_id).owed
                beside = self.came_by_file or plan.debt_id in self.gave_credit or self.went_back_beside(plan)
                assert beside or not owed, plan.reference
            if State(plan.state) not in LIVES or self.on_its_way(plan):
                continue
            judged, owed = self.judged(plan), self.asked(plan)
            assert judged.keeping is not Keeping.ALL_PAID and owed, (plan.state, judged, owed)
            if plan.state == "agreed":
                continue
            if plan.state == "broken" and judged.keeping is Keeping.AT_RISK:
                # A part of what was missed is there: it stays broken until all of it is.
                continue
            expected = {"kept": "active", "at_risk": "at_risk", "broken": "broken", "grace": "grace"}
            assert plan.state == expected[judged.keeping.value], (plan.state, judged)

    def went_back_beside(self, plan: Plan) -> bool:
        """Say whether money went back that had come on the debt of a plan and not for it."""
        effects = (
            select(MoneyEffect.amount_minor)
            .join(PaymentPart, PaymentPart.payment_id == MoneyEffect.payment_id)
            .where(PaymentPart.debt_id == plan.debt_id, MoneyEffect.amount_minor < 0)
            .where(or_(PaymentPart.plan_id.is_(None), PaymentPart.plan_id != plan.id))
        )
        return bool(session.scalars(effects).all())

    def on_its_way(self, plan: Plan) -> bool:
        sent = select(Payment.id).join(PaymentPart, PaymentPart.payment_id == Payment.id)
        return bool(session.execute(sent.where(PaymentPart.plan_id == plan.id, Payment.state == "processing")).all())

    def asked(self, plan: Plan) -> Money:
        debt = by_id(lender_id=plan.lender_id, debt_id=plan.debt_id)
        open_ = [item.waive_minor for item in progress.items_of(plan) if item.waiver_posting_id is None]
        return debt.owed - min(Money(sum(open_), plan.currency), debt.owed)

    def judged(self, plan: Plan) -> Judged:
        place = portal_clock.zone(ZONE)
        return standing(
            progress._judged(progress.items_of(plan), currency="USD"),
            [(at.astimezone(place).date(), Money(minor, "USD")) for at, minor in self.money_for(plan)],
            today=self.today,
            grace_days=plan.grace_days,
            tolerance=Money(plan.tolerance_minor, "USD"),
            cure_days=plan.cure_days,
            held=days_held(lender_id=plan.lender_id, debtor_id=plan.debtor_id, debt_id=plan.debt_id),
            one_breaks=plan.kind in progress.SETTLEMENTS,
        )

    def money_for(self, plan: Plan) -> Iterator[tuple[datetime, int]]:
        """All money that came for a plan, and as negative what went back, out of the transfers themselves."""
        for effect, settled_at, page_until, source, minor in session.execute(
            select(
                MoneyEffect,
                Payment.settled_at,
                Payment.session_expires_at,
                Transfer.from_account,
                Transfer.amount_minor,
            )
            .join(Payment, Payment.id == MoneyEffect.payment_id)
            .join(PaymentPart, PaymentPart.payment_id == Payment.id)
            .join(Transfer, Transfer.posting_id == MoneyEffect.posting_id)
            .where(PaymentPart.plan_id == plan.id, Transfer.book_id == PaymentPart.debt_id)
        ):
            came = effect.amount_minor > 0 and source != "cash:stripe"
            # What was sent and took days to clear was paid while its page was open.
            paid_at = min(settled_at, page_until) if settled_at else effect.at
            yield paid_at if came and effect.key.endswith(":payment") else effect.at, minor if came else -minor
        for use in session.scalars(select(CreditUse).where(CreditUse.plan_id == plan.id)):
            yield use.used_at, use.amount_minor
            if use.undone_at is not None:
                yield use.undone_at, -use.amount_minor

    # Agreeing.

    def asks(self, kind: str, name: str, *, percent: int) -> Asked:
        debt = self.debt(name)
        owed = debt.owed.minor
        money = lambda minor: Money(max(minor, 100), "USD")  # noqa: E731
        soon = self.today + timedelta(days=5)
        frequency = Frequency.WEEKLY if kind == "weekly" else Frequency.MONTHLY
        each = money(owed * percent // 100)
        regular = negotiate.regular_of(
            debt, payment=each, frequency=frequency, pay_day=3 if kind == "weekly" else 28, today=self.today
        )
        match kind:
            case "steps":
                return Steps(((2, money(each.minor // 2)),), regular)
            case "down_payment":
                return DownPayment(money(owed // 4), soon, regular)
            case "pause":
                return Pause(2, regular)
            case "lower":
                return Lower(3, replace(regular, payment=money(owed // 50)))
            case "settlement":
                return Settlement(money(owed * 8 // 10), soon)
            case "in_parts":
                return Settlement(money(owed * 9 // 10), soon, parts=3)
        return regular

    KINDS = ("regular", "weekly", "steps", "down_payment", "pause", "lower", "settlement", "in_parts")

    @initialize(kind=st.sampled_from(KINDS), percent=st.integers(5, 40), orders=st.sampled_from(ORDERS))
    def agrees_at_first(self, kind: str, percent: int, orders: tuple[str, ...]) -> None:
        without_plan, plan, missed, settlement = orders
        some_limits(
            LIMITS.replace(
                "[card.keeping]",
                f"""[card.allocation]
without_plan = "{without_plan}"
plan = "{plan}"
missed = "{missed}"
settlement = "{settlement}"

[card.keeping]""",
            ),
            lender=self.lender,
        )
        self.agrees("L-1", kind, percent)

    @precondition(lambda self: self.without_a_plan())
    @rule(data=st.data(), kind=st.sampled_from(KINDS), percent=st.integers(5, 40))
    def agrees_where_there_is_no_plan(self, data: st.DataObject, kind: str, percent: int) -> None:
        self.agrees(data.draw(st.sampled_from(self.without_a_plan())), kind, percent)

    @rule(really=st.sampled_from([False, False, True]), kind=st.sampled_from(KINDS), percent=st.integers(5, 40))
    def agrees_to_another_one(self, really: bool, kind: str, percent: int) -> None:
        plan = self.plan("L-1")
        if plan is None or not really:
            return
        plan_id = plan.id
        with transaction():
            found = acts.want_another(lender_id=self.lender.id, plan_id=plan_id, by=self.by)
        if not isinstance(found, rules.Refused):
            self.agrees("L-1", kind, percent)

    def without_a_plan(self) -> list[str]:
        return [name for name in NAMES if self.is_open(name) and self.debt(name).owed and self.plan(name) is None]

    def agrees(self, name: str, kind: str, percent: int) -> None:
        """Ask, hold an offer, and agree to it by two clicks; nothing where the limits or a hold stand against it."""
        number = self.quoted(name, kind, percent)
        if number is None:
            return
        debt = self.debt(name)
        with transaction():
            done = negotiate.agree(debt, number=number, agreed_text="I agree.", by=self.by)
        assert isinstance(done, negotiate.Agreed), done
        with transaction():
            again = negotiate.agree(debt, number=number, agreed_text="I agree.", by=self.by)
        assert isinstance(again, negotiate.AgreedBefore) and again.reference == done.reference

    def quoted(self, name: str, kind: str, percent: int) -> str | None:
        """Ask, and hold the first of what can be agreed to alone; None if that is nothing, or nothing is owed."""
        if not self.debt(name).owed:
            return None
        asked, debt, today = self.asks(kind, name, percent=percent), self.debt(name), self.today
        with transaction():
            negotiate.ask(debt, asked=asked, pay_day=asked.regular.anchor_day, by=self.by, today=today)
            proposal = negotiate.newest_proposal(debt)
            assert proposal is not None
            if negotiate.budget_of(debt) is None:
                lines = (Line(Group.EARNINGS, Money(300_000, "USD")), Line(Group.HOME, Money(150_000, "USD")))
                negotiate.set_budget(
                    debt, proposal=proposal, budget=Budget("USD", lines), complete=True, by=self.by, today=today
                )
            picked = negotiate.choices(negotiate.table_for(debt, proposal=proposal, today=today))
            if not picked:
                return None
            key = next(iter(picked))
            return negotiate.quote(
                debt, proposal=proposal, key=key, arrangement=picked[key], by=self.by, today=today, zone=ZONE
            )

    @rule(name=st.sampled_from(NAMES), really=st.sampled_from([False, False, True, None]))
    def ends_the_plan(self, name: str, really: bool | None) -> None:  # noqa: FBT001
        plan = self.plan(name)
        if plan is not None and really is not False:
            reference, plan_id = plan.reference, plan.id
            with transaction():
                assert progress.end(lender_id=self.lender.id, reference=reference, by=self.by) is State.CANCELLED
            for _twice in range(2 if really is None and plan.state != "paused" else 0):
                with transaction():
                    done = acts.take_back_end(lender_id=self.lender.id, plan_id=plan_id, by=self.by)
                assert isinstance(done, acts.TakenBack)

    # Money.

    AMOUNTS = st.sampled_from(["next", "next", "late", "almost", "all", "more"]) | st.integers(100, 60_000)

    def amount(self, name: str, wanted: str | int) -> int:
        """What a page offers, or what somebody types."""
        plan, owed, today = self.plan(name), self.debt(name).owed.minor, self.today
        if isinstance(wanted, int):
            return wanted
        if plan is None or wanted in ("all", "more"):
            return max(owed, 100) + (777 if wanted == "more" else 0)
        card = progress.alive_plan(lender_id=plan.lender_id, debt_id=plan.debt_id)
        assert card is not None
        view = progress.view_of(card, today=today)
        amount = (view.late_amount if wanted == "late" else view.next_amount).minor
        return max(amount - (50 if wanted == "almost" else 0), 100)

    @rule(
        name=st.sampled_from(["L-1", "L-1", "L-2", "both"]),
        amount=AMOUNTS,
        use=st.sampled_from([None, None, None, Use.SOONER, Use.SMALLER]),
        slow=st.booleans(),
        late=st.sampled_from([0, 0, 0, 1, 8]),
    )
    def pays(self, name: str, amount: str | int, use: Use | None, slow: bool, late: int) -> None:
        """By card at once, or by a way on which the money is some days on its way; we may hear of it late."""
        names = list(NAMES) if name == "both" else [name]
        if not all(self.is_open(one) for one in names):
            return
        parts = []
        for one in names:
            plan, debt = self.plan(one), self.debt(one)
            minor = self.amount(one, amount)
            parts.append((debt, Money(minor, "USD").amount, plan.reference if plan else None))
        (debt, minor, plan_reference), *others = parts
        payment = a_payment(
            debt, amount=minor, plan=plan_reference, use=use.value if use and not others else None, also=others
        )
        paid = Paid(payment, cleared=self.world.clock.at)
        self.payments.append(paid)
        if not slow:
            paid.status = PaymentStatus.SUCCEEDED
            self.world.clock.forward(days=late)
        self.hear(paid)

    @rule(times=st.integers(1, 4), days=st.sampled_from([-1, 0, 0, 3, 7]))
    def keeps_to_it(self, times: int, days: int) -> None:
        """The next payments are made, each about its day, with a night before it."""
        for _ in range(times):
            plan = self.plan("L-1")
            if plan is None or not self.debt("L-1").owed:
                return
            card = progress.alive_plan(lender_id=plan.lender_id, debt_id=plan.debt_id)
            assert card is not None
            coming = progress.view_of(card, today=self.today).next
            if coming is None:
                return
            self.world.clock.forward(days=max((coming.due_on - self.today).days + days, 0))
            self.night()
            self.pays("L-1", "next", None, slow=False, late=0)
        self.as_the_rules_say()

    def hear(self, paid: Paid) -> None:
        """Let Stripe say what is so of a payment, twice."""
        facts = facts_of(paid.row)
        came = paid.status is PaymentStatus.SUCCEEDED
        self.world.words[facts.payment_intent_id] = replace(
            facts,
            status=paid.status,
            amount_received=facts.amount if came else Money.zero("USD"),
            failure_code="insufficient_funds" if paid.status is PaymentStatus.REQUIRES_PAYMENT_METHOD else None,
            cleared_at=paid.cleared if came else None,
            refunds=tuple(
                RefundFacts(
                    id=key,
                    amount=Money(minor, "USD"),
                    status=status,
                    created_at=self.world.clock.at,
                    payment_intent_id=facts.payment_intent_id,
                    failure_reason=None,
                )
                for key, (minor, status) in paid.refunds.items()
            ),
        )
        for _ in range(2):
            settle.settle(lender_id=self.lender.id, payment_id=paid.row.id)

    def some(self, data: st.DataObject, test: Callable[[Paid], bool]) -> Paid | None:
        found = [paid for paid in self.payments if test(paid)]
        return data.draw(st.sampled_from(found)) if found else None

    @precondition(lambda self: any(paid.status is PaymentStatus.PROCESSING for paid in self.payments))
    @rule(data=st.data(), comes=st.sampled_from([True, True, False]))
    def money_on_its_way_comes_or_does_not(self, data: st.DataObject, comes: bool) -> None:
        paid = self.some(data, lambda one: one.status is PaymentStatus.PROCESSING)
        assert paid is not None
        paid.status = PaymentStatus.SUCCEEDED if comes else PaymentStatus.REQUIRES_PAYMENT_METHOD
        paid.cleared = self.world.clock.at
        self.hear(paid)

    @precondition(lambda self: any(paid.left for paid in self.payments))
    @rule(data=st.data(), whole=st.booleans())
    def money_goes_back(self, data: st.DataObject, whole: bool) -> None:
        """The lender gives something back, or the payer's bank takes all of it."""
        paid = self.some(data, lambda one: bool(one.left))
        assert paid is not None
        minor = paid.left if whole else data.draw(st.integers(1, paid.left))
        paid.refunds[f"re_{len(paid.refunds)}_{paid.row.payment_intent_id}"] = (minor, RefundStatus.SUCCEEDED)
        self.hear(paid)

    @precondition(lambda self: any(paid.back for paid in self.payments))
    @rule(data=st.data())
    def what_went_back_comes_again(self, data: st.DataObject) -> None:
        paid = self.some(data, lambda one: bool(one.back))
        assert paid is not None
        gone = [key for key, (_minor, status) in paid.refunds.items() if status is RefundStatus.SUCCEEDED]
        key = data.draw(st.sampled_from(gone))
        paid.refunds[key] = (paid.refunds[key][0], RefundStatus.FAILED)
        self.hear(paid)

    @rule(source=st.sampled_from(NAMES), goal=st.sampled_from(NAMES))
    def uses_credit(self, source: str, goal: str) -> None:
        if not (self.is_open(source) and self.is_open(goal)) or not self.debt(source).credit:
            return
        of, to, form, today = self.debt(source), self.debt(goal), self.form(), self.today
        wanted = min(of.credit, to.owed)
        for _ in range(2):
            with transaction():
                done = credit.use(source=of, target=to, amount=wanted, form_key=form, today=today, by=self.by)
            if isinstance(done, credit.Changed):
                wanted = done.possible
        self.gave_credit.add(of.id)

    # Holds, changes, people.

    @rule(name=st.sampled_from(["L-1", "L-2", None]), kind=st.sampled_from(["wrong_amount", "cant_pay", "complain"]))
    def a_hold_begins(self, name: str | None, kind: str) -> None:
        debt_id, form = self.debt(name).id if name else None, self.form()
        with transaction():
            opened = requests.open_request(
                lender_id=self.lender.id,
                debtor_id=self.person,
                kind=kind,
                debt_id=debt_id,
                words="It is not so.",
                by=self.by,
                key=form,
            )
        if isinstance(opened, requests.Opened):
            self.held.append(opened.number)

    @precondition(lambda self: bool(self.held))
    @rule(answered=st.booleans())
    def a_hold_ends(self, answered: bool) -> None:
        number = self.held.pop(0)
        with transaction():
            if answered:
                requests.answer(lender_id=self.lender.id, number=number, words="It is so.", by=OPERATOR)
            else:
                requests.withdraw(lender_id=self.lender.id, debtor_id=self.person, number=number, by=self.by)

    @rule(name=st.sampled_from(["L-1", "L-1", "L-2"]), data=st.data())
    def changes_the_plan(self, name: str, data: st.DataObject) -> None:
        plan = self.plan(name)
        if plan is None:
            return
        items = progress.items_of(plan)
        asked = data.draw(
            st.one_of(
                st.builds(
                    lambda item, days: rules.Move(item.seq, item.due_on + timedelta(days=days)),
                    st.sampled_from(items),
                    st.integers(-10, 10),
                ),
                st.builds(rules.PayDay, st.integers(1, 7) if plan.frequency == "weekly" else st.integers(1, 31)),
                st.just(rules.Skip()),
                st.builds(rules.Pause, st.integers(1, 2)),
                st.builds(rules.Shrink, st.builds(Money, st.integers(500, 20_000), st.just("USD")), st.integers(1, 3)),
            )
        )
        found = rules.answer(asked, acts.situation_of(plan, today=self.today))
        if isinstance(found, rules.Refused):
            return
        plan_id, shown, form = plan.id, acts.digest(found.payments), self.form()
        made = []
        for _ in range(2):
            with transaction():
                made.append(
                    acts.make(
                        lender_id=self.lender.id, plan_id=plan_id, asked=asked, shown=shown, form_key=form, by=self.by
                    )
                )
        assert isinstance(made[0], acts.Made) and isinstance(made[1], acts.MadeBefore), made

    @rule(name=st.sampled_from(["L-1", "L-1", "L-2"]))
    def takes_the_change_back(self, name: str) -> None:
        plan = self.plan(name)
        if plan is None or not plan.changes:
            return
        found = select(func.max(PlanChange.number)).where(PlanChange.plan_id == plan.id, PlanChange.undone_at.is_(None))
        plan_id, number = plan.id, session.scalar(found)
        if number is not None:
            with transaction():
                acts.take_back(lender_id=self.lender.id, plan_id=plan_id, number=number, by=self.by)

    @rule(ends=st.booleans(), days=st.integers(1, 30))
    def a_person_decides_on_broken_plans(self, ends: bool, days: int) -> None:
        session.rollback()
        waiting = [one.plan for one in for_a_person.waiting(self.lender.id)]
        for reference in waiting:
            mine = {"lender_id": self.lender.id, "reference": reference, "words": "Looked.", "by": OPERATOR}
            with transaction():
                if ends:
                    for_a_person.end_broken(**mine, holding=holding)
                else:
                    for_a_person.more_time(**mine, days=days, holding=holding)
            with transaction():
                for_a_person.looked_at(**mine)

    # The lender's files.

    def bring(self, *, full: bool = False, only: tuple[str, ...] = NAMES) -> None:
        session.rollback()
        path = self.world.folder / "file.csv"
        with path.open("w", newline="", encoding="utf-8") as out:
            lines = csv.writer(out)
            lines.writerow(HEADER)
            for name in only:
                parts = [f"{minor // 100}.{minor % 100:02}" for minor in self.figures[name]]
                lines.writerow([name, "p1", "Robin Example", "1988-07-21", "robin@example.com", "2026-01-01", *parts])
        done = intake.bring_in(
            path,
            lender=self.lender,
            mapping=self.world.mapping,
            report=self.world.folder / "report.csv",
            full=full,
            plans=from_file.FOLLOW,
        )
        assert done.live and not done.refused, done

    @rule(
        name=st.sampled_from(["L-1", "L-1", "L-2"]),
        more=st.tuples(*[st.sampled_from([0, 0, 0, 1_234, 50_000, -900, -20_000, -999_999])] * len(PARTS)),
    )
    def a_file_says_otherwise(self, name: str, more: tuple[int, ...]) -> None:
        """Against what stands in our books, part by part, as a lender has it who knows of all payments."""
        self.came_by_file = True
        parts = self.debt(name).parts
        now = [parts[Account(part)].minor for part in PARTS]
        self.figures[name] = tuple(max(minor + plus, 0) for minor, plus in zip(now, more, strict=True))
        self.bring(only=(name,))

    @rule(name=st.sampled_from(NAMES), really=st.sampled_from([False, False, False, True]))
    def a_file_does_not_have_a_debt_any_more(self, name: str, really: bool) -> None:
        other = "L-2" if name == "L-1" else "L-1"
        if self.is_open(other) and really:
            parts = self.debt(other).parts
            self.figures[other] = tuple(parts[Account(part)].minor for part in PARTS)
            self.bring(full=True, only=(other,))

    # What is so after each step.

    @invariant()
    def the_books_agree(self) -> None:
        session.rollback()
        assert verify.disagreements(self.lender.id) == ()

    @invariant()
    def all_money_is_somewhere(self) -> None:
        """What was owed, more or less by files, interest and what was let off, less what was paid, is owed now."""
        session.rollback()
        signed = case((Transfer.to_account.in_(_STANDS), Transfer.amount_minor), else_=0) - case(
            (Transfer.from_account.in_(_STANDS), Transfer.amount_minor), else_=0
        )
        by_kind = Counter(
            dict(
                session.execute(
                    select(Posting.kind, func.sum(signed))
                    .join(Transfer, Transfer.posting_id == Posting.id)
                    .where(Posting.lender_id == self.lender.id)
                    .group_by(Posting.kind)
                ).all()
            )
        )
        came = sum(paid.row.amount_minor for paid in self.payments if paid.status is PaymentStatus.SUCCEEDED)
        went = sum(paid.back for paid in self.payments)
        assert -(by_kind["payment"] + by_kind["refund"] + by_kind["refund_failed"]) == came - went
        assert by_kind["set_off"] + by_kind["set_off_undone"] == 0
        books = session.scalars(select(Book).where(Book.lender_id == self.lender.id)).all()
        assert sum(book.owed.minor - book.credit.minor for book in books) == sum(by_kind.values())

    @invariant()
    def nothing_is_kept_and_missed(self) -> None:
        for plan in self.plans():
            if State(plan.state) in LIVES:
                kept = {item.seq for item in progress.items_of(plan) if item.kept_at is not None}
                assert not kept & set(self.judged(plan).missed), (plan.reference, kept)

    @invariant()
    def payments_of_a_plan_are_what_was_agreed(self) -> None:
        """Each plan has the principal that was quoted, and lets off what was quoted, once."""
        for plan in self.plans():
            made = session.get_one(Quote, (plan.lender_id, plan.quote_id))
            items = progress.items_of(plan)
            assert sum(item.principal_minor for item in items) == made.total_minor - made.interest_minor
            assert sum(item.waive_minor for item in items) == made.waive_minor
            assert [item.seq for item in items] == list(range(1, len(items) + 1))
            planned = [item.due_on for item in items if item.kind == "payment"]
            assert planned == sorted(set(planned)), planned

    @invariant()
    def told_again_the_records_say_what_is(self) -> None:
        """Payments and state of every plan, and what was paid on every debt, out of nothing but the records."""
        session.rollback()
        told = Retold()
        for entry in session.scalars(
            select(EvidenceRecord.entry).where(EvidenceRecord.lender_id == self.lender.id).order_by(EvidenceRecord.id)
        ):
            told.hear(json.loads(entry))
        for plan in self.plans():
            assert told.state[plan.reference] == plan.state
            assert told.payments[plan.reference] == [
                [item.due_on.isoformat(), item.principal_minor, item.interest_minor] for item in progress.items_of(plan)
            ]
            assert told.let_off[plan.reference] == {
                item.seq for item in progress.items_of(plan) if item.waiver_posting_id is not None
            }
        assert told.points == self.points()
        assert told.came == sum(
            paid.row.amount_minor for paid in self.payments if paid.status is PaymentStatus.SUCCEEDED
        ) - sum(paid.back for paid in self.payments)

    def points(self) -> int:
        return balance_of(lender_id=self.lender.id, debtor_id=self.person)


class Retold:
    """What the records say, told from the first on; what can't follow what was before is a mistake."""

    def __init__(self) -> None:
        self.quotes: dict[str, list[list[Any]]] = {}
        self.payments: dict[str, list[list[Any]]] = {}
        self.state: dict[str, str] = {}
        self.let_off: dict[str, set[int]] = {}
        self.interest: Counter[tuple[str, int]] = Counter()
        self.came = self.points = 0

    def hear(self, entry: dict[str, Any]) -> None:
        facts = entry["facts"]
        plan = facts.get("plan")
        match entry["act"]:
            case Act.QUOTE_MADE:
                self.quotes[facts["quote"]] = facts["items"]
            case Act.PLAN_AGREED:
                self.payments[plan] = [[day, *parts] for _, day, _, *parts in self.quotes[facts["quote"]]]
                self.state[plan], self.let_off[plan] = "agreed", set()
            case Act.PLAN_CHANGED:
                assert self.payments[plan] == [one[1:4] for one in facts["before"]]
                self.payments[plan] = [one[1:4] for one in facts["after"]]
            case Act.PLAN_CHANGE_UNDONE:
                self.payments[plan] = [one[1:4] for one in facts["payments"]]
            case Act.PLAN_MOVED:
                assert self.state[plan] == facts["before"] != facts["after"]
                assert may_become(facts["before"], facts["after"]), facts
                self.state[plan] = facts["after"]
            case Act.WAIVED:
                assert facts["item"] not in self.let_off[plan]
                self.let_off[plan].add(facts["item"])
            case Act.WAIVER_UNDONE:
                self.let_off[plan].remove(facts["item"])
            case Act.INTEREST_POSTED:
                self.interest[plan, facts["item"]] += 1
                assert self.interest[plan, facts["item"]] == 1
            case Act.PAYMENT_SETTLED | Act.PAYMENT_REFUND_FAILED:
                self.came += Money.of(facts["amount"], "USD").minor
            case Act.PAYMENT_REFUNDED:
                self.came -= Money.of(facts["amount"], "USD").minor
            case Act.POINTS_AWARDED | Act.POINTS_TAKEN_BACK:
                self.points += facts["points"]


def may_become(before: str, after: str) -> bool:
    """Say whether events of the table lead from one state to another."""
    reached, new = set[State](), {State(before)}
    while new:
        reached |= new
        new = {to for state in new for to in TABLE[state].values()} - reached
    return State(after) in reached


@pytest.fixture
def world(
    app: Flask, outer_connection: Connection, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    made = World(app, outer_connection, clock, tmp_path)
    monkeypatch.setattr(
        stripe_gateway, "read_payment", lambda _account, *, payment_intent_id: made.words[payment_intent_id]
    )
    return made


def test_whatever_happens_no_money_is_lost_and_no_promise_counts_twice(world: World) -> None:
    life = type("LivesHere", (Lives,), {"world": world})
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # The sample is the same each time and ends soon; all of them look for what nobody has seen.
            derandomize=not ALL,
            phases=tuple(Phase) if ALL else (Phase.explicit, Phase.generate),
        ),
    )

"""A failure of the payment service or of ours makes no plan late: its days count for none."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.care import outages
from portal.care.models import Outage
from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from tests.conftest import Clock
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_in,
    command,
    go_pay,
    pay_form,
    plan_items,
    plan_on,
    points,
    to_pay,
)
from tests.journeys.test_holds_and_lateness import night
from tests.pages import CheckingClient, page_of


def state_after(app: Flask, clock: Clock, debt: Standing, day: int) -> str:
    """Give a plan's state after the night that begins a day of May."""
    night(app, clock, f"2026-05-{day}T01:00-04:00")
    return plan_on(debt).state


def noted(app: Flask, lender: Lender, *, since: str, until: str) -> str:
    done = command(
        app, "outage-note", "--lender", lender.slug, "--cause", "portal", "--from", since, "--until", until,
        "--why", "A disk was full.",
    )  # fmt: skip
    return done.output


def test_who_meets_a_payment_service_that_does_not_answer_is_not_late_for_that_day(
    client: CheckingClient,
    debt: Standing,
    stripe: Stripe,
    app: Flask,
    clock: Clock,
    lender: Lender,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portal.payments.stripe_gateway.RETRIES", 0)
    come_in(client, debt)
    agree(client, debt)
    last = 10 + plan_on(debt).grace_days
    assert state_after(app, clock, debt, last) == "grace"
    clock.set(f"2026-05-{last}T18:00-04:00")
    come_in(client, debt)
    shown = to_pay(client, debt)
    stripe.sandbox.fail_next("500", count=10, path="/v1/checkout/sessions")
    for _turn in range(2):
        down = pay_form(client, shown, debt, amount="50")
        assert down.status_code == 503
        assert page_of(down).says("this day counts for no plan, so nothing becomes late because of it")
    stripe.sandbox.heal()
    assert session.scalar(select(func.count()).select_from(Outage)) == 1
    assert acts_of(lender.id)["outage_noted"] == 1
    # One day more, and no longer.
    assert state_after(app, clock, debt, last + 1) == "grace"
    clock.set(f"2026-05-{last + 1}T18:00-04:00")
    come_in(client, debt)
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    assert plan_items(debt)[0].kept_at is not None and points(debt) == 10
    books_agree()


def test_a_day_that_counts_for_no_plan_is_one_day(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock, lender: Lender
) -> None:
    come_in(client, debt)
    agree(client, debt)
    last = 10 + plan_on(debt).grace_days
    clock.set(f"2026-05-{last}T20:00-04:00")
    assert noted(app, lender, since="2026-05-12 09:00", until="2026-05-12 09:20").startswith("Noted.")
    assert state_after(app, clock, debt, last + 1) == "grace"
    assert state_after(app, clock, debt, last + 2) == "at_risk"


def test_too_many_questions_are_no_outage(
    client: CheckingClient, debt: Standing, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.payments.stripe_gateway.RETRIES", 0)
    come_in(client, debt)
    shown = to_pay(client, debt)
    stripe.sandbox.fail_next("429", count=10, path="/v1/checkout/sessions")
    down = pay_form(client, shown, debt, amount="50")
    assert down.status_code == 503
    assert page_of(down).says("it is not your fault: tell us, and we note it")
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Outage)) == 0


def test_an_outage_that_is_noted_afterwards_undoes_what_it_made_late(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock, lender: Lender
) -> None:
    come_in(client, debt)
    agree(client, debt)
    last = 10 + plan_on(debt).grace_days
    assert state_after(app, clock, debt, last + 1) == "at_risk"
    clock.set(f"2026-05-{last + 1}T10:00-04:00")
    said = noted(app, lender, since="2026-05-10T08:00", until=f"2026-05-{last + 1}T09:30")
    assert said == "Noted. Plans that the next night looks at beside its own: 1.\n"
    assert state_after(app, clock, debt, last + 2) == "active"
    come_in(client, debt)
    page = page_of(client.get(f"/plans/{plan_on(debt).reference}"))
    assert page.says("This day doesn’t count, because paying did not work here then: nothing is late because of it.")
    listed = command(app, "outages", "--lender", lender.slug).output
    [row] = csv.DictReader(io.StringIO(listed))
    assert row == {
        "cause": "portal",
        "from": "2026-05-10T08:00-04:00",
        "until": f"2026-05-{last + 1}T09:30-04:00",
        "why": "A disk was full.",
    }
    books_agree()


def test_noting_the_same_outage_again_only_makes_it_longer(app: Flask, clock: Clock, lender: Lender) -> None:
    clock.set("2026-05-20T12:00-04:00")
    noted(app, lender, since="2026-05-10T08:00", until="2026-05-10T09:00")
    noted(app, lender, since="2026-05-10T08:30", until="2026-05-11T09:00")
    noted(app, lender, since="2026-05-10T08:30", until="2026-05-10T08:40")
    session.rollback()
    [found] = session.scalars(select(Outage))
    assert (found.since, found.until) == (
        datetime(2026, 5, 10, 12, 0, tzinfo=UTC),
        datetime(2026, 5, 11, 13, 0, tzinfo=UTC),
    )
    assert acts_of(lender.id)["outage_noted"] == 3


def test_an_outage_that_goes_on_is_on_record_by_the_quarter_of_an_hour_and_not_at_each_try(
    app: Flask, clock: Clock, lender: Lender
) -> None:
    for at in ("12:01", "12:05", "12:14", "12:16", "12:29", "13:40"):
        clock.set(f"2026-05-20T{at}-04:00")
        outages.noticed(lender_id=lender.id)
    session.rollback()
    [found] = session.scalars(select(Outage))
    entries = session.scalars(
        select(EvidenceRecord.entry).where(EvidenceRecord.act == "outage_noted").order_by(EvidenceRecord.id)
    )
    said = [json.loads(entry)["facts"] for entry in entries]
    ends = [(facts["since"][11:16], facts["until"][11:16]) for facts in said]
    assert ends == [("16:01", "16:01"), ("16:01", "16:16"), ("16:01", "17:40")]
    assert (found.since, found.until) == (
        datetime(2026, 5, 20, 16, 1, tzinfo=UTC),
        datetime(2026, 5, 20, 17, 40, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2026-05-10T08:00", "2026-05-10T07:00", "An outage ends after it begins, and not in the future."),
        ("2026-05-03T08:00", "2026-05-05T08:00", "An outage ends after it begins, and not in the future."),
        ("2026-03-01T08:00", "2026-05-01T08:00", "An outage of more than 31 days is noted in parts."),
        ("yesterday", "2026-05-01T08:00", "'yesterday' does not match the formats"),
    ],
)
def test_what_is_no_outage_is_said(lender: Lender, app: Flask, since: str, until: str, words: str) -> None:
    assert words in noted(app, lender, since=since, until=until)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Outage)) == 0

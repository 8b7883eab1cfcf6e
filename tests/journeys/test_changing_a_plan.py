"""Somebody changes a running plan alone: sees what it does, makes it, takes it back, and the books agree throughout."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.changes import acts, words
from portal.db import session, transaction
from portal.debts.statement import Standing, by_id
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.money import Money
from portal.plans.models import Plan, PlanItem
from tests.conftest import Clock
from tests.factories import LIMITS_WITH_CHANGES, a_debt, a_lender
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    change_form,
    change_plan,
    come_in,
    command,
    go_pay,
    payment_on,
    plan_items,
    plan_on,
    points,
    shown_change,
    work,
)
from tests.pages import CheckingClient, page_of
from tests.settling import a_plan


@pytest.fixture
def lender(app: Flask) -> Lender:
    """A lender whose plans may be changed; they bear 6 % a year."""
    return a_lender(limits=LIMITS_WITH_CHANGES)


def lines(items: list[PlanItem]) -> list[tuple[object, ...]]:
    return [
        (one.seq, one.kind, one.due_on, one.amount_minor, one.principal_minor, one.interest_minor, one.waive_minor)
        for one in items
    ]


def address(plan: Plan, what: str) -> str:
    return f"/plans/{plan.reference}/change/{what}"


def words_of(page: TestResponse) -> str:
    return re.sub(r"\s+", " ", page_of(page).words)


def night(app: Flask, clock: Clock, at: str) -> None:
    clock.set(at)
    done = command(app, "nightly")
    assert done.exit_code == 0, done.output
    work(app)


def test_one_date_moves_is_shown_first_and_can_be_taken_back(
    client: CheckingClient, debt: Standing, lender: Lender
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    before = lines(plan_items(debt))
    shown = shown_change(client, plan, "one-date", seq="1", to="2026-05-18")
    said = words_of(shown)
    assert "up to 10 days" in said and "You have not done it yet." in said
    assert "18 May 2026" in said and "What it does" in said, said
    assert lines(plan_items(debt)) == before
    page = client.post(address(plan, "one-date"), data=change_form(shown), follow_redirects=True)
    assert "You can take it back until" in words_of(page)
    after = lines(plan_items(debt))
    assert after[0][2] == date(2026, 5, 18) and [one[2] for one in after[1:]] == [one[2] for one in before[1:]]
    books_agree()
    number = plan_on(debt).changes
    client.fill(page, to=f"/plans/{plan.reference}/changes/{number}/take-back")
    assert lines(plan_items(debt)) == before
    books_agree()
    counted = acts_of(lender.id)
    assert (counted["plan_changed"], counted["plan_change_undone"]) == (1, 1)
    assert "Taken back" in words_of(client.get(f"/plans/{plan.reference}/changes"))
    # What was taken back counts for nothing.
    assert "You have not done it yet." in words_of(client.get(address(plan, "one-date")))


def test_a_date_too_far_is_refused_with_the_days_that_work(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    page = shown_change(client, plan, "one-date", seq="1", to="2026-06-05")
    assert page.status_code == 422
    assert "too far from the payment’s own day" in words_of(page)
    assert "Any day from 5 May 2026 to 20 May 2026 would work." in words_of(page)
    assert all("shown" not in form.names for form in page_of(page).forms)


def test_a_pay_day_of_31_is_the_last_day_of_each_month(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    change_plan(client, plan, "pay-day", pay_day="31")
    assert [one.due_on for one in plan_items(debt)][:3] == [date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)]
    books_agree()
    # The plan keeps to its new day afterwards.
    change_plan(client, plan, "leave-one-out")
    assert [one.due_on for one in plan_items(debt)][:2] == [date(2026, 6, 30), date(2026, 7, 31)]
    assert plan_items(debt)[-1].due_on.day in (30, 31) or plan_items(debt)[-1].due_on.month == 2
    books_agree()


def test_skipping_twice_by_two_tabs_skips_once(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    tabs = [change_form(shown_change(client, plan, "leave-one-out")) for _ in range(2)]
    assert tabs[0]["form_key"] != tabs[1]["form_key"]
    client.post(address(plan, "leave-one-out"), data=tabs[0], follow_redirects=True)
    once = lines(plan_items(debt))
    second = client.post(address(plan, "leave-one-out"), data=tabs[1], follow_redirects=True)
    assert lines(plan_items(debt)) == once and plan_on(debt).changes == 1
    assert "You have used this as often as it is possible" in words_of(second)
    # The first form again, as by a double click, leads to the plan that it made.
    again = client.post(address(plan, "leave-one-out"), data=tabs[0])
    assert again.status_code == 303 and again.location.endswith(f"/plans/{plan.reference}")
    assert plan_on(debt).changes == 1
    books_agree()


def test_what_was_shown_is_what_is_made_or_it_is_shown_again(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    first = change_form(shown_change(client, plan, "one-date", seq="1", to="2026-05-15"))
    change_plan(client, plan, "leave-one-out")
    once = lines(plan_items(debt))
    second = client.post(address(plan, "one-date"), data=first, follow_redirects=True)
    # The payment of May is gone, so its day can't be that any more.
    assert lines(plan_items(debt)) == once
    assert second.status_code == 422
    moved = change_form(shown_change(client, plan, "one-date", seq="2", to="2026-07-15"))
    change_plan(client, plan, "pay-day", pay_day="12")
    third = client.post(address(plan, "one-date"), data=moved, follow_redirects=True)
    assert "Your plan has changed since you looked." in words_of(third)
    assert plan_on(debt).changes == 2


def test_a_pause_shows_what_it_costs_and_smaller_payments_how_much_later_it_ends(
    client: CheckingClient, debt: Standing
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    pause = shown_change(client, plan, "pause", months="2")
    assert re.search(r"It costs \$\d+\.\d\d of interest more in all\.", words_of(pause)), words_of(pause)
    too_small = shown_change(client, plan, "less-for-a-while", amount="1", months="3")
    assert too_small.status_code == 422 and "less than your lender allows" in words_of(too_small)
    assert "or more would work." in words_of(too_small)
    too_long = words_of(shown_change(client, plan, "less-for-a-while", amount="50", months="60"))
    assert "That is longer than your lender allows for this plan. Up to" in too_long
    # The page says that the usual payment comes back, and after how many.
    shown = words_of(shown_change(client, plan, "less-for-a-while", amount="50", months="3"))
    assert re.search(r"Then each \$100\.00 2 × \$50\.00 \d+ × \$100\.00 Payments to come", shown), shown
    less = change_plan(client, plan, "less-for-a-while", amount="50", months="3")
    assert less.status_code == 200
    assert [one.amount_minor for one in plan_items(debt)][:4] == [5000, 5000, 5000, 10000]
    books_agree()


def pay_extra(client: CheckingClient, stripe: Stripe, plan: Plan, debt: Standing, *, amount: str, use: str) -> None:
    page = shown_change(client, plan, "extra", amount=amount, use=use)
    assert page.status_code == 200, words_of(page)
    form = next(form for form in page_of(page).forms if "exact" in form.names)
    check = client.post(f"/pay?debt={debt.reference}", data=dict(form.fields))
    assert "Check your payment" in words_of(check)
    form = next(form for form in page_of(check).forms if "checked" in form.names)
    sent = client.post(f"/pay?debt={debt.reference}", data=dict(form.fields))
    assert sent.status_code == 303 and "/c/pay/" in sent.location, words_of(sent)
    stripe.pay(sent.location)
    stripe.settle()


@pytest.mark.parametrize("use", ["end_sooner", "smaller_payments"])
def test_extra_money_does_what_was_chosen_and_can_be_taken_back(
    client: CheckingClient, debt: Standing, stripe: Stripe, use: str
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    before = plan_items(debt)
    pay_extra(client, stripe, plan, debt, amount="250", use=use)
    after = plan_items(debt)
    assert (after[0].kind, after[0].amount_minor, after[0].paid_minor) == ("extra", 25000, 25000)
    if use == "end_sooner":
        assert len(after) == len(before) - 2 and after[1].amount_minor == before[0].amount_minor
    else:
        assert len(after) == len(before) + 1 and after[1].amount_minor < before[0].amount_minor
    assert plan_on(debt).state == "active" and plan_on(debt).total_minor < sum(one.amount_minor for one in before)
    # It was no instalment, so it earns no points, and nothing counts as paid ahead.
    assert points(debt) == 0 and [one.paid_minor for one in after[1:]] == [0] * (len(after) - 1)
    books_agree()
    page = client.get(f"/plans/{plan.reference}")
    assert "extra" in words_of(page)
    client.fill(page, to=f"/plans/{plan.reference}/changes/1/take-back")
    assert lines(plan_items(debt)) == lines(before)
    # The money counts for the next payments then.
    assert [one.paid_minor for one in plan_items(debt)][:3] == [10000, 10000, 5000]
    books_agree()


def refund(app: Flask, stripe: Stripe, debt: Standing) -> None:
    done = command(app, "refund", payment_on(debt).reference, "--lender", stripe.slug)
    assert done.exit_code == 0, done.output
    stripe.settle()
    work(app)


def test_extra_money_for_the_next_payments_is_a_payment_like_any_other(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    before = lines(plan_items(debt))
    asks = client.get(f"/plans/{plan.reference}/change/extra")
    said = client.fill(asks, {"amount": "35"})
    assert said.status_code == 200 and not words_of(said).count("Please look again")
    assert page_of(said).says("It counts for your next payments, and nothing else of your plan changes.")
    check = client.fill(said, to="/pay")
    assert page_of(check).says("$35.00") and page_of(check).says("Of the payment on")
    assert lines(plan_items(debt)) == before


def test_extra_money_that_goes_back_makes_nobody_late(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    before = plan_items(debt)
    pay_extra(client, stripe, plan, debt, amount="250", use="end_sooner")
    refund(app, stripe, debt)
    after = plan_items(debt)
    assert plan_on(debt).state in ("agreed", "active")
    assert sum(one.principal_minor for one in after) == sum(one.principal_minor for one in before)
    books_agree()


def test_an_earlier_payment_that_goes_back_does_not_make_the_extra_one_missed(
    client: CheckingClient, debt: Standing, stripe: Stripe, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    earlier = payment_on(debt).reference
    pay_extra(client, stripe, plan, debt, amount="250", use="end_sooner")
    done = command(app, "refund", earlier, "--lender", stripe.slug)
    assert done.exit_code == 0, done.output
    stripe.settle()
    work(app)
    # The extra money pays the first payment now, and 100.00 of itself is missing, which nobody asked for.
    first, extra = plan_items(debt)[:2]
    assert (first.paid_minor, extra.kind, extra.amount_minor - extra.paid_minor) == (10000, "extra", 10000)
    night(app, clock, "2026-05-25T12:00-04:00")
    assert plan_on(debt).state == "active"
    books_agree()


def test_what_was_missed_and_a_plan_that_broke(
    client: CheckingClient, debt: Standing, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt).reference
    shown = change_form(shown_change(client, plan_on(debt), "pay-day", pay_day="20"))
    assert client.get(f"/plans/{plan}/missed").location.endswith(f"/plans/{plan}")
    night(app, clock, "2026-05-12T12:00-04:00")
    come_in(client, debt)
    said = words_of(client.get(f"/plans/{plan}/missed"))
    assert "Missing since May 10, 2026" in said or "Missing since 10 May 2026" in said
    assert "$100.00" in said and "it counts as paid in time" in said
    night(app, clock, "2026-05-20T12:00-04:00")
    come_in(client, debt)
    said = words_of(client.get(f"/plans/{plan}/missed"))
    assert "your plan goes on as before" in said and "Move one payment" in said and "Make another plan" in said
    night(app, clock, "2026-06-20T12:00-04:00")
    assert plan_on(debt).state == "broken"
    come_in(client, debt)
    refused = client.post(f"/plans/{plan}/change/pay-day", data=shown | {"csrf_token": token(client, plan)})
    assert refused.status_code == 422 and "Payments are missing" in words_of(refused)
    # The days to make up for it run from the payment that broke it, on the page as at night.
    said = words_of(client.get(f"/plans/{plan}/missed"))
    assert "$200.00" in said and "If it arrives by 15 July 2026, your plan goes on as before." in said, said
    # As long as nobody has ended it, what comes too late makes up for it all the same, and the page says so.
    clock.set("2026-07-20T12:00-04:00")
    come_in(client, debt)
    said = words_of(client.get(f"/plans/{plan}/missed"))
    assert "has not ended yet. If it arrives before a person has looked at it, your plan goes on as before." in said
    choices = words_of(client.get(f"/plans/{plan}/change"))
    assert "Payments are missing" in choices and "make another plan" in choices
    assert plan_on(debt).changes == 0
    books_agree()


def token(client: CheckingClient, plan: str) -> str:
    return dict(page_of(client.get(f"/plans/{plan}/end")).forms[0].fields)["csrf_token"]


def test_a_plan_is_ended_on_a_page_that_says_what_that_does(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt).reference
    page = client.get(f"/plans/{plan}/end")
    assert "It costs nothing" in words_of(page) and "$900.00" in words_of(page)
    assert plan_on(debt).state == "agreed"
    ended = client.fill(page, to=f"/plans/{plan}/end")
    assert "Your plan has ended. What you paid stays paid." in words_of(ended)
    assert plan_on(debt).state == "cancelled"
    assert client.get(f"/plans/{plan}/end").status_code == 303
    assert client.post(f"/plans/{plan}/end", data=dict(page_of(page).forms[0].fields)).status_code == 303
    books_agree()


def test_the_end_of_a_plan_is_taken_back_for_a_day_and_the_plan_is_judged_as_it_stands_then(
    client: CheckingClient, debt: Standing, lender: Lender, app: Flask, clock: Clock
) -> None:
    come_in(client, debt)
    plan = agree(client, debt).reference
    night(app, clock, "2026-05-12T12:00-04:00")
    assert plan_on(debt).state == "grace"
    before = lines(plan_items(debt))
    come_in(client, debt)
    end = client.get(f"/plans/{plan}/end")
    assert "You can take it back for a day" in words_of(end)
    # Four days of the five of grace are over when it ends; they go on as if it had not.
    clock.set("2026-05-15T22:00-04:00")
    come_in(client, debt)
    ended = client.fill(client.get(f"/plans/{plan}/end"), to="/end")
    assert "You ended your plan. You can take it back until" in words_of(ended)
    night(app, clock, "2026-05-16T12:00-04:00")
    assert plan_on(debt).state == "cancelled"
    come_in(client, debt)
    page = client.get(f"/plans/{plan}")
    for _twice in range(2):
        back = client.fill(page, to="/end/take-back")
        assert "Your plan goes on as it was before." in words_of(back)
    assert plan_on(debt).state == "at_risk" and lines(plan_items(debt)) == before
    moves = [json.loads(entry)["facts"] for entry in session.scalars(
        select(EvidenceRecord.entry).where(EvidenceRecord.act == "plan_moved").order_by(EvidenceRecord.id)
    )]  # fmt: skip
    assert [(facts["before"], facts["after"]) for facts in moves][-3:] == [
        ("grace", "cancelled"), ("cancelled", "grace"), ("grace", "at_risk"),
    ]  # fmt: skip
    books_agree()
    # A day later it has ended.
    client.fill(client.get(f"/plans/{plan}/end"), to="/end")
    clock.forward(hours=25)
    come_in(client, debt)
    shown = client.get(f"/plans/{plan}")
    assert "You ended your plan" not in words_of(shown)
    assert taken_back(plan_on(debt)) == acts.TooLate() and plan_on(debt).state == "cancelled"
    books_agree()


def taken_back(plan: Plan) -> acts.TakenBack | acts.TooLate:
    with transaction():
        return acts.take_back_end(lender_id=plan.lender_id, plan_id=plan.id, by=Actor("debtor", str(plan.debtor_id)))


def test_the_end_of_a_plan_is_not_taken_back_by_somebody_else_or_once_another_is_agreed_to(
    client: CheckingClient, debt: Standing, lender: Lender
) -> None:
    come_in(client, debt)
    plan = agree(client, debt)
    client.fill(client.get(f"/plans/{plan.reference}/end"), to="/end")
    page = client.get(f"/plans/{plan.reference}")
    # Nobody else takes it back.
    come_in(client, a_debt("50.00", lender=lender))
    token = dict(page_of(client.get("/home")).forms[0].fields)["csrf_token"]
    theirs = client.post(f"/plans/{plan.reference}/end/take-back", data={"csrf_token": token})
    assert theirs.status_code == 404 and plan_on(debt).state == "cancelled"
    come_in(client, debt)
    page = client.get(f"/plans/{plan.reference}")
    other = a_plan(by_id(lender_id=debt.lender_id, debt_id=debt.id)).reference
    late = client.fill(page, to="/end/take-back")
    assert "can’t be taken back any more" in words_of(late)
    states = dict(session.execute(select(Plan.reference, Plan.state)).all())
    assert states == {plan.reference: "cancelled", other: "agreed"}
    books_agree()


def test_changes_are_taken_back_in_their_order_the_last_one_first(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    plan = agree(client, debt).reference
    agreed = lines(plan_items(debt))
    change_plan(client, plan_on(debt), "one-date", seq="3", to="2026-07-15")
    moved = lines(plan_items(debt))
    page = change_plan(client, plan_on(debt), "pay-day", pay_day="25")
    here = f"/plans/{plan}/changes"
    fields = dict(next(form for form in page_of(page).forms if "take-back" in form.action).fields)
    early = client.post(f"{here}/1/take-back", data=fields, follow_redirects=True)
    assert "can’t be taken back any more" in words_of(early)
    assert client.post(f"{here}/9/take-back", data=fields).status_code == 404
    for _tap in range(2):
        back = client.post(f"{here}/2/take-back", data=fields, follow_redirects=True)
        assert "Your plan is as it was before." in words_of(back)
        assert lines(plan_items(debt)) == moved
    client.post(f"{here}/1/take-back", data=fields)
    assert lines(plan_items(debt)) == agreed
    assert plan_on(debt).changes == 4
    books_agree()


def test_a_day_later_a_change_stays(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    come_in(client, debt)
    plan = agree(client, debt).reference
    page = change_plan(client, plan_on(debt), "pay-day", pay_day="25")
    fields = dict(next(form for form in page_of(page).forms if "take-back" in form.action).fields)
    after = lines(plan_items(debt))
    clock.forward(hours=25)
    come_in(client, debt)
    assert "You can take it back until" not in words_of(client.get(f"/plans/{plan}"))
    late = client.post(
        f"/plans/{plan}/changes/1/take-back", data=fields | {"csrf_token": token(client, plan)}, follow_redirects=True
    )
    assert "can’t be taken back any more" in words_of(late)
    assert lines(plan_items(debt)) == after
    books_agree()


def test_sizes_of_payments_are_told_one_by_one_as_long_as_they_are_few(app: Flask) -> None:
    def told(*minor: int) -> list[str]:
        return words.then_each([Money(each, "USD") for each in minor])

    with app.test_request_context():
        assert told() == [] and told(7000) == ["$70.00"] == told(7000, 7000)
        assert told(4000, 4000, 7000) == ["2 × $40.00", "1 × $70.00"]
        assert told(1, 2, 3, 2) == ["$0.01 to $0.03"]

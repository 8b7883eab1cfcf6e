"""Home and one debt: what is owed, why, the one next thing, and what pays all of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.care.pages import notices_for, notices_for_me
from portal.debts.pages import mine_or_404, part_words, posting_words
from portal.debts.statement import MONEY_CAME, Line, Standing, debts_of, history
from portal.home.next_thing import Debt, NextThing, next_thing
from portal.home.overview import Owed, one_debt, overview_of
from portal.lenders.models import LenderCard
from portal.money import Money, total
from portal.people.permissions import me, needs_debtor
from portal.plans.models import PlanCard
from portal.plans.payoff import Figure, figures
from portal.plans.progress import alive_plan, interest_not_posted, still_to_waive, view_of
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.formats import percent as percent_words
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_answer

home = Blueprint("home", __name__)

CHANGES_ON_A_PAGE = 20
# How many stretches of days a page of figures shows; what comes after is far away.
MOST_FIGURES = 6


def totals(amounts: Iterable[Money]) -> list[Money]:
    """Add amounts up by currency, leaving out what is nothing."""
    sums: dict[str, Money] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, Money.zero(amount.currency)) + amount
    return [amount for amount in sums.values() if amount]


@home.get("/home", endpoint="home")
@needs_debtor
def home_page() -> ResponseReturnValue:
    """Show what is owed in all, the one next thing, each debt."""
    person = me()
    return render_template(
        "debts/home.html", **home_of(lender=person.lender, debtor_id=person.debtor_id, zone=person.zone)
    )


def home_of(*, lender: LenderCard, debtor_id: uuid.UUID, zone: str) -> dict[str, object]:
    """Give what `debts/home.html` shows to a person, whoever looks at it."""
    mine = {"lender_id": lender.id, "debtor_id": debtor_id}
    found = overview_of(**mine, today=clock.today(zone))
    debts = found.debts
    owed = totals(debt.owed for debt in debts)
    if debts and not owed:
        owed = [Money.zero(debts[0].owed.currency)]
    first = next_thing([_for_next_thing(debt) for debt in debts], answer=found.answered is not None)
    return {
        "total": owed,
        "credit": totals(debt.credit for debt in debts),
        "debts": debts,
        "lender_name": lender.name,
        "first": _first(first, debts),
        "answered": found.answered,
        "notices": notices_for(**mine, zone=zone) if found.anything_stops or not debts else (),
    }


def _for_next_thing(debt: Owed) -> Debt:
    return Debt(
        owed=debt.owed,
        has_plan=debt.plan is not None,
        due_on=debt.due_on,
        coming=debt.coming,
        late=debt.late,
        late_since=debt.plan_late_since,
        under_way=debt.under_way,
        with_person=debt.with_person,
        since=debt.late_since,
    )


def _first(thing: NextThing, debts: tuple[Owed, ...]) -> dict[str, object]:
    return {"kind": thing.kind.value, "debt": None if thing.place is None else debts[thing.place]}


@home.get("/debts/<reference:reference>")
@needs_debtor
def debt(reference: str) -> ResponseReturnValue:
    """Show one debt: its parts, how its interest runs, its changes, who owns it."""
    person = me()
    one = one_debt(lender_id=person.lender_id, debtor_id=person.debtor_id, reference=reference)
    if one is None:
        abort(404)
    found, plan, owed = one.debt, one.plan, one.debt.owed
    lines = history(lender_id=found.lender_id, debt_id=found.id, currency=owed.currency)
    shown, pages = page_of(lines[::-1], request.args.get("page"), size=CHANGES_ON_A_PAGE)
    waived = Money(sum(line.waived.minor for line in lines), owed.currency)
    return render_template(
        "debts/debt.html",
        debt={
            "reference": found.reference,
            "product": found.product,
            "creditor": found.creditor or person.lender.legal_name,
            "owner": person.lender.legal_name,
            "owed": owed,
            "original": found.original,
            "as_of": clock.today(person.zone),
            "opened_on": found.opened_on,
            "late_since": found.late_since if owed else None,
            "rate": found.annual_rate if found.annual_rate else None,
            "plan_reference": plan.reference if plan else None,
            "credit": found.credit if found.credit else None,
            "paid": _paid(lines, owed.currency),
            "waived": waived if waived else None,
        },
        interest_words=_interest_words(found, plan),
        notices=notices_for_me(found.id) if one.anything_stops else (),
        parts=[(part_words(account), part) for account, part in found.parts.items() if part],
        postings=_postings(shown),
        pages=pages,
    )


def _postings(lines: Iterable[Line]) -> list[tuple[date, str, Money, Money]]:
    words = {kind: posting_words(kind) for kind in {line.kind for line in lines}}
    return [(line.on, words[line.kind], line.change or line.owed_change, line.after) for line in lines]


def _paid(lines: Iterable[Line], currency: str) -> Money | None:
    """Give what was paid here so far, less what went back or was used elsewhere; None if nothing was."""
    minor = -sum(line.change.minor for line in lines if line.kind in MONEY_CAME)
    return Money(minor, currency) if minor > 0 else None


def _interest_words(found: Standing, plan: PlanCard | None) -> list[str]:
    """Say how interest runs on a debt, as the books really do it."""
    if plan is not None:
        left = total((item.interest for item in interest_not_posted(plan)), currency=plan.currency)
        if not left:
            return [_("While your plan runs, no interest is added.")]
        return [
            _(
                "While your plan runs, interest comes due with each payment, as your plan says: %(amount)s in all from "
                "now on. Nothing else is added.",
                amount=money_words(left),
            ),
            _("If you pay earlier, you save the interest that has not come due."),
        ]
    if not found.annual_rate:
        return [_("This debt bears no interest.")]
    return [
        _(
            "Your contract says %(rate)s a year, on the borrowed money alone: never on interest, fees or charges.",
            rate=percent_words(found.annual_rate),
        ),
        _(
            "Here nothing is added from day to day. At your lender, interest may go on as your contract says; if it "
            "sends us a new figure, you will see the change below."
        ),
    ]


@home.get("/debts.csv")
@needs_debtor
def debts_csv() -> ResponseReturnValue:
    """Give the list of debts as a file."""
    person = me()
    return csv_answer(
        "debts",
        (_("Reference"), _("Debt"), _("You borrowed from"), _("Left to pay"), _("Paid too much"), _("Currency")),
        (
            (
                each.reference,
                each.product,
                each.creditor or person.lender.legal_name,
                each.owed.amount,
                each.credit.amount,
                each.owed.currency,
            )
            for each in debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
        ),
    )


@home.get("/debts/<reference:reference>/changes.csv")
@needs_debtor
def changes_csv(reference: str) -> ResponseReturnValue:
    """Give every change of a debt as a file."""
    found = mine_or_404(reference)
    return csv_answer(
        f"changes-{_file_name(found.reference)}",
        (_("Date"), _("What happened"), _("Change"), _("Left to pay"), _("Paid too much"), _("Currency")),
        (
            (
                line.on,
                posting_words(line.kind),
                (line.change or line.owed_change).amount,
                line.after.amount,
                line.credit_after.amount,
                line.after.currency,
            )
            for line in reversed(history(lender_id=found.lender_id, debt_id=found.id, currency=found.credit.currency))
        ),
    )


def _file_name(reference: str) -> str:
    """Give a reference as a part of a file's name: letters, digits and dashes alone."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in reference)[:60]


@home.get("/debts/<reference:reference>/pay-off")
@needs_debtor
def pay_off(reference: str) -> ResponseReturnValue:
    """Say what pays all of a debt, until when that holds, and why it changes then."""
    found = mine_or_404(reference)
    if not found.owed:
        return redirect(url_for("home.debt", reference=reference), 303)
    today = clock.today(me().zone)
    plan = alive_plan(lender_id=found.lender_id, debt_id=found.id)
    coming = interest_not_posted(plan) if plan else ()
    waived = still_to_waive(plan) if plan else Money.zero(found.owed.currency)
    owed = found.owed - waived
    if not owed:
        # All that is left is let off once a bank can't take the payment back any more.
        return redirect(url_for("home.debt", reference=reference), 303)
    all_figures = figures(owed=owed, coming=coming, today=today)
    first = all_figures[0]
    return render_template(
        "debts/pay_off.html",
        debt={"reference": found.reference, "product": found.product},
        today=today,
        first=first,
        figures=[_figure(figure) for figure in all_figures[:MOST_FIGURES]],
        more=len(all_figures) > MOST_FIGURES,
        why=_why(first, all_figures, found, plan, waived=waived, today=today),
        saved=all_figures[-1].amount - first.amount if len(all_figures) > 1 else None,
        plan_reference=plan.reference if plan else None,
        form_key=uuid.uuid4().hex,
        notices=notices_for_me(found.id),
    )


def _figure(figure: Figure) -> dict[str, object]:
    return {"days": _days(figure.since, figure.until), "amount": figure.amount}


def _days(since: date, until: date | None) -> str:
    if until is None:
        return _("From %(day)s on", day=day_words(since))
    if until == since:
        return _("On %(day)s", day=day_words(since))
    return _("%(since)s to %(until)s", since=day_words(since), until=day_words(until))


def _why(
    first: Figure,
    all_figures: tuple[Figure, ...],
    found: Standing,
    plan: PlanCard | None,
    *,
    waived: Money,
    today: date,
) -> list[str]:
    """Say until when today's figure holds, and what changes it then."""
    lines = []
    if first.until is not None:
        following = all_figures[1]
        lines.append(
            _(
                "This figure holds until the end of %(day)s. The day after, %(amount)s of interest of your plan comes "
                "due.",
                day=day_words(first.until),
                amount=money_words(following.amount - first.amount),
            )
        )
    elif not waived:
        lines.append(_("This figure has no last day: no interest is added here that would change it."))
    if plan is not None and waived:
        last = view_of(plan, today=today).steps[-1].due_on
        lines.append(
            _(
                "With it %(amount)s is let off, as your plan says. That holds as long as the plan is kept, until its "
                "last payment on %(day)s.",
                amount=money_words(waived),
                day=day_words(last),
            )
        )
    if plan is None and found.annual_rate:
        lines.append(
            _("If your lender sends us a new figure, it changes on that day. You then see why on this debt’s page.")
        )
    lines.append(_("A payment counts on the day that you make it, by your own calendar."))
    return lines

"""The pages on which the books are held against Stripe: line by line, what was paid out, and the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal import clock
from portal.db import session
from portal.finance import chart, journal, lists
from portal.finance.forms import JournalForm, LinesForm
from portal.finance.views import A_PAGE, pages_of, sheets
from portal.finance.words import account_words, line_kind_words, line_words, payout_words
from portal.ledger import Account
from portal.lenders.models import Lender
from portal.money import Money
from portal.payments.matching import WRONG, State
from portal.payments.models import Payout, Reconciliation, ReconciliationLine
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.formats import month as month_words
from portal.web.formats import short_day
from portal.web.languages import gettext as _
from portal.web.paging import all_after, page_after
from portal.web.spreadsheet import csv_stream

reconciliation = Blueprint("reconciliation", __name__, url_prefix="/staff")

WRONG_ONES, EVERY = "wrong", "all"
_MONTHS = 24
# What is shown of a month: what matches, and what a person has to look at.
_FITS = frozenset({State.MATCHED.value, State.SUSPENSE.value, State.FEE.value, State.UNDONE.value})
_WRONG = frozenset(state.value for state in WRONG)


def _months(zone: str) -> list[tuple[str, str]]:
    """Give the months that can be chosen, this one first."""
    first, found = clock.today(zone).replace(day=1), []
    for _month in range(_MONTHS):
        found.append((f"{first:%Y-%m}", month_words(first)))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def _form(zone: str) -> LinesForm:
    form = LinesForm(request.args)
    form.month.choices = _months(zone)
    form.state.choices = [
        (WRONG_ONES, _("What needs a look")),
        (EVERY, _("All")),
        *((state.value, line_words(state.value)[0]) for state in State),
    ]
    if form.month.data not in dict(form.month.choices):
        form.month.data = form.month.choices[0][0]
    if form.state.data not in dict(form.state.choices):
        form.state.data = EVERY
    return form


def _states(said: str) -> tuple[State, ...]:
    if said == WRONG_ONES:
        return WRONG
    return () if said == EVERY else (State(said),)


@reconciliation.get("/reconciliation")
@needs(Permission.SEE_MONEY)
def lines() -> ResponseReturnValue:
    """Show what the books and Stripe say of each movement of a month, and what doesn't fit."""
    who = me()
    zone = session.get_one(Lender, who.lender_id).zone
    form = _form(zone)
    period = journal.month(str(form.month.data), zone)
    if period is None:
        abort(404)
    counted = lists.counts(who.lender_id, first=period.first, end=period.end)
    currencies = sorted({row.currency for row in counted})
    form.currency.choices = [("", _("Every currency")), *((code, code) for code in currencies)]
    if form.currency.data not in currencies:
        form.currency.data = ""
    currency = form.currency.data or None
    counted = [row for row in counted if currency in (None, row.currency)]
    stretches = lists.lines(
        who.lender_id, states=_states(form.state.data), first=period.first, end=period.end, currency=currency
    )
    seen = page_after(stretches, request.args.get("after"), size=A_PAGE)
    by_state = Counter[str]()
    for row in counted:
        by_state[row.state] += row.lines
    here = {"month": form.month.data, "state": form.state.data, "currency": currency}
    return render_template(
        "finance/reconciliation.html",
        sheets=sheets("lines"),
        form=form,
        **pages_of(seen, "reconciliation.lines", **here),
        csv=url_for("reconciliation.lines_csv", **here),
        night=_newest_night(who.lender_id),
        ever=session.scalars(_finished(who.lender_id)).first(),
        days=_days(counted, first=period.first, end=period.end),
        day_names=(short_day(period.first), short_day(period.end - timedelta(days=1))),
        named=month_words(period.first),
        counts=[(line_words(state), by_state[state.value]) for state in State if by_state[state.value]],
        shown=[_shown(row) for row in seen.rows],
    )


def _finished(lender_id: Any) -> Any:
    return (
        select(Reconciliation.finished_at)
        .where(Reconciliation.lender_id == lender_id, Reconciliation.finished_at.is_not(None))
        .order_by(Reconciliation.night.desc())
        .limit(1)
    )


def _newest_night(lender_id: Any) -> Reconciliation | None:
    return session.scalars(
        select(Reconciliation)
        .where(Reconciliation.lender_id == lender_id)
        .order_by(Reconciliation.night.desc())
        .limit(1)
    ).one_or_none()


def _days(counted: Sequence[Any], *, first: date, end: date) -> list[tuple[int, int]]:
    """Give for each day of a month how many lines match, and how many a person has to look at."""
    fits, wrong = Counter[date](), Counter[date]()
    for row in counted:
        if row.state in _FITS:
            fits[row.on] += row.lines
        elif row.state in _WRONG:
            wrong[row.on] += row.lines
    span = [first + timedelta(days=number) for number in range((end - first).days)]
    return [(fits[day], wrong[day]) for day in span]


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def _shown(row: Any) -> tuple[Any, tuple[str, str], str, Money | None, Money | None, Money | None]:
    line: ReconciliationLine = row.ReconciliationLine
    fee = Money(line.fee_minor, line.settled_currency) if line.settled_currency and line.fee_minor else None
    return (
        row,
        line_words(line.state),
        line_kind_words(line.kind),
        _money(line.books_minor, line.currency),
        _money(line.stripe_minor, line.currency) or _money(line.settled_minor, line.settled_currency),
        fee,
    )


@reconciliation.get("/reconciliation.csv")
@needs(Permission.SEE_MONEY)
def lines_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    who = me()
    zone = session.get_one(Lender, who.lender_id).zone
    form = _form(zone)
    period = journal.month(str(form.month.data), zone)
    if period is None:
        abort(404)
    stretches = lists.lines(
        who.lender_id,
        states=_states(form.state.data),
        first=period.first,
        end=period.end,
        currency=request.args.get("currency") or None,
    )
    return csv_stream(
        f"reconciliation-{form.month.data}",
        ("day", "state", "kind", "key", "payment", "in the books", "at Stripe", "currency", "booked as", "fee",
         "booked in", "Stripe", "payout"),
        (_csv_row(row) for row in all_after(stretches)),
    )  # fmt: skip


def _amount(minor: int | None, currency: str | None) -> str | None:
    found = _money(minor, currency)
    return None if found is None else str(found.amount)


def _csv_row(row: Any) -> Sequence[object]:
    line: ReconciliationLine = row.ReconciliationLine
    return (
        line.on.isoformat(),
        line.state,
        line.kind,
        line.key,
        row.payment,
        _amount(line.books_minor, line.currency),
        _amount(line.stripe_minor, line.currency),
        line.currency,
        _amount(line.settled_minor, line.settled_currency),
        _amount(line.fee_minor, line.settled_currency),
        line.settled_currency,
        line.transaction_id,
        line.payout_id,
    )


@reconciliation.get("/payouts")
@needs(Permission.SEE_MONEY)
def payouts() -> ResponseReturnValue:
    """List what Stripe paid out to the lender's bank, and whether what it is made of adds up to it."""
    seen = page_after(lists.payouts(me().lender_id), request.args.get("after"), size=A_PAGE)
    return render_template(
        "finance/payouts.html",
        sheets=sheets("payouts"),
        **pages_of(seen, "reconciliation.payouts"),
        shown=[_payout_shown(row.Payout) for row in seen.rows],
    )


def _payout_shown(row: Payout) -> tuple[Payout, tuple[str, str], Money, Money, Money]:
    amount, ours = Money(row.amount_minor, row.currency), Money(row.ours_minor, row.currency)
    return row, payout_words(row.state, row.status), amount, ours, Money(row.counted_minor, row.currency)


@reconciliation.get("/payouts.csv")
@needs(Permission.SEE_MONEY)
def payouts_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    return csv_stream(
        "payouts",
        ("payout", "arrives", "at Stripe", "state", "amount", "of these books", "adds up to", "currency", "movements",
         "failure"),
        (_payout_row(row.Payout) for row in all_after(lists.payouts(me().lender_id))),
    )  # fmt: skip


def _payout_row(row: Payout) -> Sequence[object]:
    return (
        row.payout_id,
        row.arrives_on.isoformat(),
        row.status,
        row.state,
        _amount(row.amount_minor, row.currency),
        _amount(row.ours_minor, row.currency),
        _amount(row.counted_minor, row.currency),
        row.currency,
        row.movements,
        row.failure,
    )


@reconciliation.get("/journal", endpoint="journal")
@needs(Permission.SEE_MONEY)
def journal_page() -> ResponseReturnValue:
    """Offer the journal of a month, and say what each account is called in it."""
    lender = session.get_one(Lender, me().lender_id)
    form = JournalForm(request.args)
    form.month.choices = _months(lender.zone)
    form.language.choices = [(name, name) for name in chart.LANGUAGES]
    names = journal.names_of(lender.id)
    return render_template(
        "finance/journal.html",
        sheets=sheets("journal"),
        form=form,
        accounts=[(account_words(account.value), chart.name_of(account.value, names)) for account in Account],
    )


@reconciliation.get("/journal/file")
@needs(Permission.SEE_MONEY)
def journal_file() -> ResponseReturnValue:
    """Give the journal of a month, for beancount or hledger, written as it is read."""
    lender = session.get_one(Lender, me().lender_id)
    period = journal.month(request.args.get("month", ""), lender.zone)
    language = chart.LANGUAGES.get(request.args.get("language", ""))
    if period is None or language is None:
        abort(404)
    pieces = journal.written(lender_id=lender.id, title=lender.name, period=period, language=language)
    name = f"{lender.slug}-{period.first:%Y-%m}.{language.suffix}"
    return Response(
        stream_with_context(_bytes(pieces)),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _bytes(pieces: Iterator[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode()

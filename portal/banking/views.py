"""Files of the lender's bank: bring one, see what it would do, say yes, look at each entry, take it back."""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from portal.banking import acts
from portal.banking.acts import Asked, NothingWaits, SentBack
from portal.banking.forms import BankFileForm, SendBackForm
from portal.banking.models import BankEntry
from portal.banking.posting import KNOWN, POSTED, REFUSED, SUSPENSE
from portal.banking.reading import LARGEST, MOST_ENTRIES
from portal.banking.words import is_ours, outcome_words, problem_words, reason_words
from portal.care.requests import plain_words
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.desk.drafts import NotTwoPeople
from portal.files import acts as files
from portal.files.acts import Brought, MayNot, TheSame, TooLate
from portal.files.forms import file_name, new_key, too_large
from portal.files.models import Upload
from portal.files.states import OVER, WORKING, Moved, Repeated, State
from portal.files.words import state_words
from portal.finance.acts import alone_up_to
from portal.finance.views import sheets
from portal.finance.words import tie_words
from portal.helpdesk import opening
from portal.lenders import accounts
from portal.lenders.numbers import grouped
from portal.money import Money
from portal.payments import aside
from portal.payments.models import SetAside
from portal.staff import members
from portal.staff.gates import colleague, me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer, safe_cell

banking = Blueprint("banking", __name__, url_prefix="/staff/bank")
_A_PAGE = 50
_AROUND = 64 * 1024
_LOOKS_AGAIN_AFTER_SECONDS = 3
_OUTCOMES = (POSTED, SUSPENSE, KNOWN, REFUSED)


def install(app: Flask) -> None:
    """Let the form for files be larger than others, for those alone who may bring one, before anything is read."""

    @app.before_request
    def _larger_for_files() -> ResponseReturnValue | None:
        if request.endpoint != "banking.bring" or request.method != "POST":
            return None
        who = colleague()
        if who is None or Permission.BRING_BANK_FILE not in who.may:
            return None
        request.max_content_length = LARGEST + _AROUND
        if (request.content_length or 0) > LARGEST + _AROUND:
            form = BankFileForm(formdata=None)
            form.upload.errors = [too_large()]
            return _bring_page(form, form_key=new_key()), 422
        return None


def _names() -> dict[uuid.UUID, str]:
    return {member.id: member.name for member in members.of(lender_id=me().lender_id)}


def _upload_or_404(number: int) -> Upload:
    found = acts.find(lender_id=me().lender_id, number=number)
    if found is None:
        abort(404)
    return found


def _whole_number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


@banking.get("")
@needs(Permission.SEE_MONEY)
def bank_files() -> ResponseReturnValue:
    """List the files of the bank, newest first, a page at a time by their numbers."""
    who, names = me(), _names()
    found = acts.some(lender_id=who.lender_id, before=_whole_number(request.args.get("before")), most=_A_PAGE + 1)
    return render_template(
        "banking/files.html",
        sheets=sheets("bank_files"),
        rows=[
            {
                "number": one.number,
                "name": one.name,
                "who": names.get(one.brought_by, ""),
                "at": one.brought_at,
                "state": state_words(one.state),
                "counts": (one.result or {}).get("counts", {}),
                "read": (one.result or {}).get("read"),
            }
            for one in found[:_A_PAGE]
        ],
        older=found[_A_PAGE - 1].number if len(found) > _A_PAGE else None,
        brings=Permission.BRING_BANK_FILE in who.may,
        accounts=[
            (grouped(one.number), one.holder, one.currency, one.kind, one.shown)
            for one in accounts.of(lender_id=who.lender_id)
        ],
    )


@banking.get("/files.csv")
@needs(Permission.SEE_MONEY)
def bank_files_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    lender_id, names = me().lender_id, _names()

    def rows() -> Iterator[tuple[object, ...]]:
        before: int | None = None
        while some := acts.some(lender_id=lender_id, before=before, most=500):
            before = some[-1].number
            for one in some:
                counts = (one.result or {}).get("counts", {})
                yield (
                    one.number,
                    one.name,
                    names.get(one.brought_by),
                    one.brought_at.isoformat(timespec="minutes"),
                    one.state,
                    (one.result or {}).get("read"),
                    *(counts.get(outcome, 0) for outcome in _OUTCOMES),
                )

    header = ("number", "file", "by", "at", "state", "entries", "counts", "waits", "here already", "not brought in")
    return csv_answer("bank-files", header, rows())


@banking.route("/bring", methods=["GET", "POST"])
@needs(Permission.BRING_BANK_FILE)
def bring() -> ResponseReturnValue:
    """Take a file of the bank; nothing of it counts."""
    who, form = me(), BankFileForm()
    mappings = files.mappings_of(lender_id=who.lender_id, kind="bank")
    form.offer(accounts.of(lender_id=who.lender_id), mappings)
    if request.method == "GET":
        return _bring_page(form, form_key=new_key()), 200
    given, told = _given(), None
    size = _size(given)
    good = form.validate()
    if form.takes(given, size) and good:
        told = form.told(mappings)
    if given is None or told is None:
        return _bring_page(form, form_key=request.form.get("form_key") or new_key()), 422
    key = request.form.get("form_key", "")
    if len(key) != 32 or not key.isalnum():
        abort(400)
    try:
        with transaction():
            done = acts.bring(
                given.stream,  # type: ignore[arg-type]
                lender_id=who.lender_id,
                name=file_name(given.filename),
                size=size,
                account_id=form.chosen(),
                mapping=told,
                mapping_name="",
                form_key=key,
                by=who.member_id,
            )
    except MayNot:
        abort(403)
    match done:
        case TheSame(number=number):
            flash(_("This very file is here already and waits: it is file %(number)s.", number=number))
        case Brought():
            flash(_("The file is here. Nothing of it counts yet."), "success")
    return redirect(url_for("banking.file", number=done.number), 303)


def _bring_page(form: BankFileForm, *, form_key: str) -> str:
    if form.account.choices is None:
        lender_id = me().lender_id
        form.offer(accounts.of(lender_id=lender_id), files.mappings_of(lender_id=lender_id, kind="bank"))
    return render_template(
        "banking/bring.html",
        form=form,
        form_key=form_key,
        largest=LARGEST // (1024 * 1024),
        most=f"{MOST_ENTRIES:,}",
        days=files.KEPT_FOR.days,
    )


def _given() -> FileStorage | None:
    given = request.files.get("upload")
    return given if given is not None and given.filename else None


def _size(given: FileStorage | None) -> int:
    if given is None:
        return 0
    size = given.stream.seek(0, os.SEEK_END)
    given.stream.seek(0)
    return size


@banking.get("/<int:number>")
@needs(Permission.SEE_MONEY)
def file(number: int) -> ResponseReturnValue:
    """Show one file: what it would do, how far it is, or what became of it."""
    found = _upload_or_404(number)
    answer = make_response(_file_page(found))
    if State(found.state) in WORKING and "still" not in request.args:
        answer.headers["Refresh"] = str(_LOOKS_AGAIN_AFTER_SECONDS)
    return answer


def _file_page(found: Upload) -> str:
    who, names = me(), _names()
    brings = Permission.BRING_BANK_FILE in who.may
    account = acts.account_of(found)
    return render_template(
        "banking/file.html",
        one=found,
        state=state_words(found.state),
        works=State(found.state) in WORKING,
        still="still" in request.args,
        account=None if account is None else f"{grouped(account.number)} · {account.currency}",
        brought_by=names.get(found.brought_by, ""),
        confirmed_by=names.get(found.confirmed_by) if found.confirmed_by else None,
        undone_by=names.get(found.undone_by) if found.undone_by else None,
        problem=problem_words(found.problem) if found.problem else None,
        ours=found.problem is not None and is_ours(found.problem),
        seen=_seen(found.preview) if found.preview and found.state in (State.READY, State.LOOKING) else None,
        result=_told(found.result) if found.result else None,
        says_yes=brings and found.state == State.READY,
        withdraws=brings and State(found.state) not in OVER | WORKING,
        undo_until=acts.undo_until(found) if brings else None,
        days=files.KEPT_FOR.days,
    )


def _told(told: dict[str, Any]) -> dict[str, Any]:
    """Give counts, sums and reasons as a page shows them; the counts add up to what was read."""
    counts, sums = told.get("counts", {}), told.get("sums", {})
    reasons = [(*name.split(":", 1), count) for name, count in told.get("reasons", {}).items()]
    return {
        "read": told.get("read", 0),
        "rows": [
            {
                "outcome": outcome_words(outcome),
                "count": counts.get(outcome, 0),
                "sums": [Money(minor, currency) for currency, minor in sums.get(outcome, {}).items()]
                if outcome != REFUSED
                else [],
            }
            for outcome in _OUTCOMES
        ],
        "reasons": [(reason_words(outcome, why), count) for outcome, why, count in reasons],
        "undone": told.get("undone"),
        "stays": told.get("stays"),
    }


def _seen(seen: dict[str, Any]) -> dict[str, Any]:
    """Give what was seen in a file as a page shows it."""
    return _told(seen) | {
        "statements": [
            {
                "account": grouped(one["account"]),
                "opening": _amount_words(one["opening"], one["currency"]),
                "closing": _amount_words(one["closing"], one["currency"]),
            }
            for one in seen["statements"]
        ],
        "examples": [
            (outcome_words(outcome), [_example(outcome, one) for one in seen["examples"].get(outcome, [])])
            for outcome in _OUTCOMES
            if seen["examples"].get(outcome)
        ],
    }


def _example(outcome: str, one: dict[str, Any]) -> dict[str, Any]:
    return one | {
        "sum": Money(one["minor"], one["currency"]) if one["minor"] is not None else None,
        "on": date.fromisoformat(one["on"]) if one["on"] else None,
        "why_words": reason_words(outcome, one["why"]) if one["why"] else None,
        "by": grouped(one["by"]) if one["by"] and one["by"] != one["debt"] else one["by"],
    }


def _amount_words(text: str, currency: str) -> Money | str:
    try:
        return Money.of(Decimal(text), currency)
    except ValueError:
        return f"{text} {currency}"


@banking.get("/<int:number>/entries")
@needs(Permission.SEE_MONEY)
def entries(number: int) -> ResponseReturnValue:
    """List what became of each entry of a file, a page at a time in the order of the file."""
    found = _upload_or_404(number)
    rows = acts.entries_of(
        lender_id=found.lender_id,
        upload_id=found.id,
        after_place=_whole_number(request.args.get("after")) or 0,
        most=_A_PAGE + 1,
    )
    debts = _debts_of(rows)
    opening.a_list(me(), "bank entries", shown=len(rows[:_A_PAGE]), number=str(number), after=request.args.get("after"))
    return render_template(
        "banking/entries.html",
        one=found,
        rows=[
            {
                "entry": row,
                "sum": None if row.amount_minor is None else Money(row.amount_minor, row.currency),
                "outcome": (_("Taken back"), "plain") if row.undone_at else outcome_words(row.outcome),
                "why": reason_words(row.outcome, row.why) if row.why else None,
                "debt": debts.get(row.debt_id) if row.debt_id else None,
            }
            for row in rows[:_A_PAGE]
        ],
        more=rows[_A_PAGE - 1].place if len(rows) > _A_PAGE else None,
        sees_people=Permission.SEE_PEOPLE in me().may,
    )


def _debts_of(rows: Any) -> dict[uuid.UUID, str]:
    ids = {row.debt_id for row in rows if row.debt_id}
    found = session.execute(select(Debt.id, Debt.reference).where(Debt.lender_id == me().lender_id, Debt.id.in_(ids)))
    return {row.id: row.reference for row in found}


@banking.get("/<int:number>/entries.csv")
@needs(Permission.SEE_MONEY)
def entries_csv(number: int) -> ResponseReturnValue:
    """Give every entry of a file with what became of it, some at a time."""
    of = {"lender_id": me().lender_id, "upload_id": _upload_or_404(number).id}
    opening.a_file(me(), "bank entries", number=str(number))

    def lines() -> Iterator[bytes]:
        head = ("entry", "booked", "value", "counts from", "amount", "currency", "came or went", "outcome", "why",
                "debt", "matched by", "payer", "text", "bank's key", "taken back")  # fmt: skip
        yield b"\xef\xbb\xbf" + _line(head)
        after = 0
        while rows := acts.entries_of(**of, after_place=after, most=500):
            debts = _debts_of(rows)
            after = rows[-1].place
            for row in rows:
                yield _line(_cells(row, debts))

    return Response(
        stream_with_context(lines()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="entries-of-file-{number}.csv"'},
    )


def _cells(row: BankEntry, debts: dict[uuid.UUID, str]) -> tuple[object, ...]:
    return (
        row.place,
        row.booked_on,
        row.value_on,
        row.counts_on,
        row.amount_text,
        row.currency,
        "came" if row.credit else "went",
        row.outcome,
        row.why,
        debts.get(row.debt_id) if row.debt_id else None,
        row.matched_by,
        row.payer,
        row.said,
        row.key,
        row.undone_at.isoformat(timespec="minutes") if row.undone_at else None,
    )


def _line(cells: tuple[object, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(cell) for cell in cells])
    return out.getvalue().encode()


@banking.post("/<int:number>/confirm")
@needs(Permission.BRING_BANK_FILE)
def confirm(number: int) -> ResponseReturnValue:
    """Say that a file is right as it was seen."""
    who, found = me(), _upload_or_404(number)
    try:
        with transaction():
            done = acts.confirm(lender_id=who.lender_id, number=found.number, by=who.member_id)
    except MayNot:
        abort(403)
    _say(done, _("Yes is said. The file is being brought in."))
    return redirect(url_for("banking.file", number=number), 303)


def _say(done: object, words: str) -> None:
    """Say what became of a click."""
    match done:
        case Repeated():
            flash(_("Nothing has changed: it was so already."))
        case TooLate():
            flash(_("It is too late to take it back."), "problem")
        case Moved():
            flash(words, "success")
        case _:
            flash(_("That is not possible any more. Here is how it stands now."), "problem")


@banking.post("/<int:number>/withdraw")
@needs(Permission.BRING_BANK_FILE)
def withdraw(number: int) -> ResponseReturnValue:
    """Let a file never count."""
    who, found = me(), _upload_or_404(number)
    try:
        with transaction():
            done = acts.withdraw(lender_id=who.lender_id, number=found.number, by=who.member_id)
    except MayNot:
        abort(403)
    _say(done, _("The file is withdrawn and deleted. Nothing of it counts."))
    return redirect(url_for("banking.file", number=number), 303)


@banking.route("/<int:number>/undo", methods=["GET", "POST"])
@needs(Permission.BRING_BANK_FILE)
def undo(number: int) -> ResponseReturnValue:
    """Ask once, and let a worker take back what a file did."""
    who, found = me(), _upload_or_404(number)
    if request.method == "POST":
        try:
            with transaction():
                done = acts.ask_to_undo(lender_id=who.lender_id, number=found.number, by=who.member_id)
        except MayNot:
            abort(403)
        _say(done, _("What the file did is being taken back."))
        return redirect(url_for("banking.file", number=number), 303)
    if acts.undo_until(found) is None:
        flash(_("It is too late to take it back."), "problem")
        return redirect(url_for("banking.file", number=number), 303)
    return render_template("banking/undo.html", one=found, counting=acts.counting(found))


# ---------------------------------------------------------------------------------------------------------------------
# Money that nobody could place goes back


@banking.route("/waits/<uuid:aside_id>/send-back", methods=["GET", "POST"])
@needs(Permission.GIVE_BACK)
def send_back(aside_id: uuid.UUID) -> ResponseReturnValue:
    """Say why money goes back from the lender's own bank, and note that it does; above a limit a second one agrees."""
    who, form = me(), SendBackForm()
    row = _waits_or_404(aside_id)
    asked, left = aside.sending_of(row), aside.waiting(row)
    agrees = asked is not None and asked.done_at is None
    if request.method == "POST" and (agrees or form.validate()):
        reason = asked.reason if agrees and asked is not None else plain_words(form.why.data)
        try:
            with transaction():
                done = acts.send_back(
                    lender_id=who.lender_id, aside_id=aside_id, reason=reason, by=who.member_id, name=who.name
                )
        except MayNot:
            abort(403)
        return _sent(done, aside_id)
    return (
        render_template(
            "banking/send_back.html",
            row=row,
            form=form,
            left=left,
            alone=left <= alone_up_to(lender_id=who.lender_id, currency=row.currency),
            asked=asked,
            asked_by=_names().get(asked.asked_by) if asked else None,
            mine=asked is not None and asked.asked_by == who.member_id,
            agrees=agrees,
            counts_on=aside.counts_on(row),
        ),
        422 if form.errors else 200,
    )


def _waits_or_404(aside_id: uuid.UUID) -> SetAside:
    row = session.get(SetAside, (me().lender_id, aside_id))
    if row is None or not aside.at_lender(row):
        abort(404)
    return row


def _sent(done: object, aside_id: uuid.UUID) -> ResponseReturnValue:
    match done:
        case SentBack():
            flash(_("It is noted as sent back and does not wait any more."), "success")
        case Asked():
            flash(_("A second person is asked. Please send nothing back before that."), "success")
        case NotTwoPeople(tie, name):
            flash(tie_words(tie, name), "problem")
        case NothingWaits():
            flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
    return redirect(url_for("finance.aside", aside_id=aside_id), 303)


@banking.post("/waits/<uuid:aside_id>/keep")
@needs(Permission.GIVE_BACK)
def keep(aside_id: uuid.UUID) -> ResponseReturnValue:
    """Let money that was asked to go back wait again."""
    who = me()
    _waits_or_404(aside_id)
    try:
        with transaction():
            done = acts.call_off(lender_id=who.lender_id, aside_id=aside_id, by=who.member_id)
    except MayNot:
        abort(403)
    if done:
        flash(_("It waits again. Nothing goes back."), "success")
    else:
        flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
    return redirect(url_for("finance.aside", aside_id=aside_id), 303)

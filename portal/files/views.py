"""The lender's files: which came, bring one, see what it would do, say yes, and take it back."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import datetime
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
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.db import transaction
from portal.debts import undoing
from portal.debts.models import ImportRun
from portal.files import acts, kept, work
from portal.files.acts import Anew, Brought, MayNot, NotTicked, TheSame, TooLate
from portal.files.forms import BringForm, file_name, new_key, too_large
from portal.files.models import Upload
from portal.files.seeing import LARGEST, MOST_ROWS
from portal.files.states import OVER, WORKING, Moved, Repeated, State
from portal.files.words import (
    alarm_words,
    field_words,
    problem_words,
    reason_words,
    run_words,
    state_words,
    why_words,
)
from portal.ledger import OWED
from portal.money import Money
from portal.staff import members
from portal.staff.gates import colleague, me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_answer

files = Blueprint("files", __name__, url_prefix="/staff/portfolio")
_A_PAGE = 25
# What stands around a file in a form: the other boxes.
_AROUND = 256 * 1024
_LOOKS_AGAIN_AFTER_SECONDS = 3
_MOST_SHOWN = 50


def install(app: Flask) -> None:
    """Let the form for files be larger than others, for those alone who may bring one, before anything is read."""

    @app.before_request
    def _larger_for_files() -> ResponseReturnValue | None:
        if request.endpoint != "files.bring" or request.method != "POST":
            return None
        who = colleague()
        if who is None or Permission.BRING_PORTFOLIO not in who.may:
            return None
        request.max_content_length = LARGEST + _AROUND
        if (request.content_length or 0) > LARGEST + _AROUND:
            # Nothing of it is read: what is said is said at once.
            form = BringForm(formdata=None)
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


def _listed() -> list[dict[str, Any]]:
    """Give every file that came, by hand or by command, newest first."""
    lender_id, names = me().lender_id, _names()
    runs = acts.runs_of(lender_id=lender_id)
    of_upload: dict[uuid.UUID, ImportRun] = {}
    for run in runs:
        if run.upload_id is not None:
            of_upload.setdefault(run.upload_id, run)
    found = [
        _row(upload.name, names.get(upload.brought_by, ""), upload.brought_at, of_upload.get(upload.id), upload)
        for upload in acts.of(lender_id=lender_id)
    ]
    found += [_row(run.file_name, None, run.started_at, run, None) for run in runs if run.upload_id is None]
    return sorted(found, key=lambda row: row["at"], reverse=True)


def _row(name: str, who: str | None, at: datetime, run: ImportRun | None, upload: Upload | None) -> dict[str, Any]:
    state = state_words(upload.state) if upload is not None else run_words("" if run is None else run.state)
    return {
        "name": name,
        "who": who,
        "at": at,
        "run": run,
        "number": upload.number if upload is not None else None,
        "raw_state": upload.state if upload is not None else run.state if run is not None else "",
        "state": state,
    }


@files.get("", endpoint="portfolio")
@needs(Permission.SEE_PORTFOLIO)
def portfolio_page() -> ResponseReturnValue:
    """List the files that came."""
    shown, pages = page_of(_listed(), request.args.get("page"), size=_A_PAGE)
    return render_template(
        "files/portfolio.html", rows=shown, pages=pages, brings=Permission.BRING_PORTFOLIO in me().may
    )


@files.get("/files.csv")
@needs(Permission.SEE_PORTFOLIO)
def portfolio_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    counts = ("rows_read", "accepted", "nothing_owed", "refused", "added", "changed", "unchanged", "recalled")
    return csv_answer(
        "files",
        ("number", "file", "by", "at", "state", *counts),
        (
            (
                row["number"],
                row["name"],
                row["who"] if row["who"] is not None else "command line",
                row["at"].isoformat(timespec="minutes"),
                row["raw_state"],
                *(getattr(row["run"], name, None) for name in counts),
            )
            for row in _listed()
        ),
    )


@files.route("/bring", methods=["GET", "POST"])
@needs(Permission.BRING_PORTFOLIO)
def bring() -> ResponseReturnValue:
    """Take a file and how it is to be read; nothing of it counts."""
    who, form = me(), BringForm()
    mappings = acts.mappings_of(lender_id=who.lender_id)
    form.offer(mappings)
    if request.method == "GET":
        return _bring_page(form, form_key=new_key()), 200
    given, told = _given("upload"), None
    size = _size(given)
    good = form.validate()
    if form.takes(given, size, clock.today(who.zone)) and good:
        told = form.told(mappings, _given("mapping_file"))
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
                mapping=told[0],
                mapping_name=told[1],
                as_of=form.as_of.data,
                whole=bool(form.whole.data),
                form_key=key,
                by=who.member_id,
            )
    except MayNot:
        abort(403)
    match done:
        case TheSame(number=number):
            flash(_("This very file is here already, read in the same way: it is file %(number)s.", number=number))
        case Brought():
            flash(_("The file is here. Nothing of it counts yet."), "success")
    return redirect(url_for("files.file", number=done.number), 303)


def _bring_page(form: BringForm, *, form_key: str) -> str:
    if form.kept.choices is None:
        form.offer(acts.mappings_of(lender_id=me().lender_id))
    return render_template(
        "files/bring.html",
        form=form,
        form_key=form_key,
        largest=LARGEST // (1024 * 1024),
        most_rows=f"{MOST_ROWS:,}",
        days=acts.KEPT_FOR.days,
    )


def _given(name: str) -> FileStorage | None:
    given = request.files.get(name)
    return given if given is not None and given.filename else None


def _size(given: FileStorage | None) -> int:
    if given is None:
        return 0
    size = given.stream.seek(0, os.SEEK_END)
    given.stream.seek(0)
    return size


@files.get("/<int:number>")
@needs(Permission.SEE_PORTFOLIO)
def file(number: int) -> ResponseReturnValue:
    """Show one file: what it would do, how far it is, or what became of it."""
    found = _upload_or_404(number)
    works = State(found.state) in WORKING
    answer = make_response(_file_page(found))
    if works and "still" not in request.args:
        answer.headers["Refresh"] = str(_LOOKS_AGAIN_AFTER_SECONDS)
    return answer


def _file_page(found: Upload, *, not_ticked: bool = False) -> str:
    who, names, run = me(), _names(), acts.run_of(found)
    seen = found.preview or {}
    brings = Permission.BRING_PORTFOLIO in who.may
    return render_template(
        "files/file.html",
        one=found,
        state=state_words(found.state),
        works=State(found.state) in WORKING,
        still="still" in request.args,
        brought_by=names.get(found.brought_by, ""),
        confirmed_by=names.get(found.confirmed_by) if found.confirmed_by else None,
        undone_by=names.get(found.undone_by) if found.undone_by else None,
        problem=problem_words(found.problem) if found.problem else None,
        ours=found.problem is not None and problem_words(found.problem) != found.problem,
        seen=_seen_words(seen) if seen and found.state in (State.READY, State.LOOKING) else None,
        result=found.result,
        reasons=_reasons(found.result or {}),
        report=kept.is_kept(lender_id=found.lender_id, upload_id=found.id, kind="report"),
        stays=kept.is_kept(lender_id=found.lender_id, upload_id=found.id, kind="stays"),
        says_yes=brings and found.state == State.READY,
        withdraws=brings and State(found.state) not in OVER | WORKING,
        undo_until=undoing.until(run)
        if brings and run is not None and found.state == State.LIVE and clock.now() <= undoing.until(run)
        else None,
        not_ticked=not_ticked,
        look_again=not_ticked,
        keep_good=request.form.get("keep_good", ""),
        days=acts.KEPT_FOR.days,
    )


def _reasons(told: dict[str, Any]) -> list[tuple[str, int]]:
    return [(reason_words(reason), count) for reason, count in told.get("reasons", {}).items()]


def _seen_words(seen: dict[str, Any]) -> dict[str, Any]:
    """Give what was seen in a file as a page shows it."""
    counts, currency = seen["counts"], seen["currency"]

    def money(name: str) -> Money:
        return Money(counts.get(name, 0), currency)

    return {
        "as_of": seen["as_of"],
        "columns": [(title, ", ".join(field_words(name) for name in used) or None) for title, *used in seen["columns"]],
        "made": [(field_words(name), how) for name, how in seen["made"]],
        "rows": [{**row, "owed": Money(row["minor"], currency)} for row in seen["rows"]],
        "examples": [(line, column, value, sentence) for line, column, value, _reason, sentence in seen["examples"]],
        "reasons": _reasons(seen),
        "n": {name: counts.get(name, 0) for name in _COUNTED},
        "new": money("new_minor"),
        "before": money("before_minor"),
        "after": money("after_minor"),
        "recalled": money("recalled_minor"),
        "parts": [
            (field_words(part.value), money(f"before_{part.value}_minor"), money(f"after_{part.value}_minor"))
            for part in OWED
            if counts.get(f"before_{part.value}_minor") or counts.get(f"after_{part.value}_minor")
        ],
        "alarms": [alarm_words(alarm, counts) for alarm in seen["alarms"]],
    }


_COUNTED = (
    *("read", "accepted", "nothing_owed", "refused", "new", "known", "changed", "to_zero", "plans"),
    *("recalled", "recalled_plans", "reopened", "open_before"),
)


@files.post("/<int:number>/confirm")
@needs(Permission.BRING_PORTFOLIO)
def confirm(number: int) -> ResponseReturnValue:
    """Say that a file is right as it was seen."""
    who, found = me(), _upload_or_404(number)
    if {request.form.get(box, "") for box in ("keep_good", "meant")} - {"", "yes"}:
        abort(400)
    try:
        with transaction():
            done = acts.confirm(
                lender_id=who.lender_id,
                number=found.number,
                keep_good=request.form.get("keep_good") == "yes",
                meant=request.form.get("meant") == "yes",
                by=who.member_id,
            )
    except MayNot:
        abort(403)
    match done:
        case NotTicked():
            return _file_page(_upload_or_404(number), not_ticked=True), 422
        case Anew():
            flash(problem_words("another_came"), "problem")
        case _:
            _say(done, _("Yes is said. The file is being brought in."))
    return redirect(url_for("files.file", number=number), 303)


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


@files.post("/<int:number>/withdraw")
@needs(Permission.BRING_PORTFOLIO)
def withdraw(number: int) -> ResponseReturnValue:
    """Let a file never count."""
    who, found = me(), _upload_or_404(number)
    try:
        with transaction():
            done = acts.withdraw(lender_id=who.lender_id, number=found.number, by=who.member_id)
    except MayNot:
        abort(403)
    _say(done, _("The file is withdrawn and deleted. Nothing of it counts."))
    return redirect(url_for("files.file", number=number), 303)


@files.get("/<int:number>/rows.csv")
@needs(Permission.SEE_PORTFOLIO)
def report(number: int) -> ResponseReturnValue:
    """Give the refused rows, and debts that changed under a plan, with the reasons."""
    return _kept_csv(_upload_or_404(number), "report", f"rows-of-file-{number}")


@files.get("/<int:number>/stays.csv")
@needs(Permission.SEE_PORTFOLIO)
def stays(number: int) -> ResponseReturnValue:
    """Give the debts that could not be taken back, with the reasons."""
    return _kept_csv(_upload_or_404(number), "stays", f"not-taken-back-of-file-{number}")


def _kept_csv(found: Upload, kind: str, name: str) -> Response:
    """Give what is kept of a kind, piece by piece; the report was made harmless to spreadsheets when it was written."""
    if not kept.is_kept(lender_id=found.lender_id, upload_id=found.id, kind=kind):
        abort(404)
    pieces: Iterator[bytes] = kept.pieces(lender_id=found.lender_id, upload_id=found.id, kind=kind)
    return Response(
        stream_with_context(pieces),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


@files.route("/<int:number>/undo", methods=["GET", "POST"])
@needs(Permission.BRING_PORTFOLIO)
def undo(number: int) -> ResponseReturnValue:
    """Say what can be taken back and what not, ask once, and let a worker do it."""
    who, found = me(), _upload_or_404(number)
    if request.method == "POST":
        try:
            with transaction():
                done = acts.ask_to_undo(lender_id=who.lender_id, number=found.number, by=who.member_id)
        except MayNot:
            abort(403)
        _say(done, _("What the file did is being taken back."))
        return redirect(url_for("files.file", number=number), 303)
    outlook = acts.outlook_of(found) if found.state == State.LIVE else None
    if outlook is None:
        flash(_("It is too late to take it back."), "problem")
        return redirect(url_for("files.file", number=number), 303)
    return render_template(
        "files/undo.html",
        one=found,
        form=None,
        can=outlook.can,
        counts=work.counts_of(outlook),
        stays=[(each.reference, why_words(each.why)) for each in outlook.stays[:_MOST_SHOWN]],
        without_plan=[each.reference for each in outlook.without_plan[:_MOST_SHOWN]],
        most=_MOST_SHOWN,
    )

"""Batches of letters: which there are, a new one, how far one is, and its letters as one file."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Iterator

from flask import (
    Blueprint,
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

from portal.batches import acts
from portal.batches.forms import BatchForm, BeginForm
from portal.batches.making import KINDS
from portal.batches.models import LetterBatch
from portal.batches.states import LEFT_OUT, OVER, WORKING, Event, State
from portal.batches.words import chosen_words, letter_words, state_words, time_words, why_not_words
from portal.care.requests import plain_words
from portal.db import transaction
from portal.helpdesk import opening
from portal.staff import members
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_stream

batches = Blueprint("batches", __name__, url_prefix="/staff/letters")
_A_PAGE = 25
_LOOKS_AGAIN_AFTER_SECONDS = 5
_MOST_SHOWN = 50


def _names() -> dict[uuid.UUID, str]:
    return {member.id: member.name for member in members.of(lender_id=me().lender_id)}


def _batch_or_404(number: int) -> LetterBatch:
    found = acts.find(lender_id=me().lender_id, number=number)
    if found is None:
        abort(404)
    return found


@batches.get("", endpoint="all")
@needs(Permission.SEE_LETTERS)
def all_batches() -> ResponseReturnValue:
    """List the batches."""
    names = _names()
    shown, pages = page_of(acts.of(lender_id=me().lender_id), request.args.get("page"), size=_A_PAGE)
    rows = [
        {
            "number": batch.number,
            "kind": letter_words(batch.kind),
            "state": state_words(batch.state),
            "who": names.get(batch.asked_by, ""),
            "at": batch.asked_at,
            "counts": acts.counts_of(batch),
        }
        for batch in shown
    ]
    return render_template("batches/all.html", rows=rows, pages=pages, makes=Permission.MAKE_LETTERS in me().may)


@batches.route("/new", methods=["GET", "POST"])
@needs(Permission.MAKE_LETTERS)
def new() -> ResponseReturnValue:
    """Take which letters a batch is to have; nothing is made."""
    who, form = me(), BatchForm()
    form.offer([(kind, letter_words(kind)) for kind in KINDS])
    if request.method == "GET":
        form.form_key.data = uuid.uuid4().hex
        return render_template("batches/new.html", form=form)
    good = form.validate()
    listed = form.references(request.files.get("upload")) if good else None
    if listed is None:
        return render_template("batches/new.html", form=form), 422
    key = form.form_key.data or ""
    if len(key) != 32 or not key.isalnum():
        abort(400)
    with transaction():
        number = acts.ask(who, kind=form.kind.data, chosen=form.chosen.data, listed=listed, form_key=key)
    return redirect(url_for("batches.batch", number=number), 303)


@batches.get("/<int:number>")
@needs(Permission.SEE_LETTERS)
def batch(number: int) -> ResponseReturnValue:
    """Show one batch: how many letters it would be, how far it is, or what became of it."""
    found = _batch_or_404(number)
    answer = make_response(_page(found, BeginForm()))
    if State(found.state) in WORKING and "still" not in request.args:
        answer.headers["Refresh"] = str(_LOOKS_AGAIN_AFTER_SECONDS)
    return answer


def _page(found: LetterBatch, form: BeginForm) -> str:
    who, names, state = me(), _names(), State(found.state)
    counts, makes = acts.counts_of(found), Permission.MAKE_LETTERS in who.may
    foreseen = found.counted if state is State.ASKED else counts.all
    still = state is State.RUNNING and acts.stands_still(found)
    seconds = foreseen * acts.SECONDS_A_LETTER if state is State.ASKED else acts.seconds_left(found, counts)
    return render_template(
        "batches/batch.html",
        one=found,
        kind=letter_words(found.kind),
        chosen=chosen_words(found.chosen),
        state=state_words(found.state),
        works=state in WORKING,
        still="still" in request.args,
        stands_still=still,
        counts=counts,
        foreseen=foreseen,
        takes=time_words(seconds) if state is State.ASKED or counts.waiting else None,
        asked_by=names.get(found.asked_by, ""),
        begun_by=names.get(found.begun_by, "") if found.begun_by else None,
        unknown=found.unknown[:_MOST_SHOWN],
        daily=KINDS[found.kind].daily,
        left_out=[(why_not_words(why), many) for why, many in acts.reasons_of(found)] if counts.left_out else [],
        not_made=_not_made(found) if counts.not_made or counts.by_hand else [],
        most=_MOST_SHOWN,
        begins=makes and state is State.ASKED and foreseen > 0,
        pauses=makes and state is State.RUNNING,
        goes_on=makes and (state is State.PAUSED or still),
        calls_off=makes and state not in OVER and state is not State.PREPARING,
        takes_away=Permission.SEE_PEOPLE in who.may and counts.made + counts.there > 0,
        form=form,
    )


def _not_made(found: LetterBatch) -> list[tuple[str, str]]:
    items = acts.items_of(found, only="not_made", at_once=_MOST_SHOWN)
    return [(item.reference, _why(item.state, item.why)) for _n, item in zip(range(_MOST_SHOWN), items, strict=False)]


def _why(state: str, why: str | None) -> str:
    return why_not_words(why) if why else _("a person prepares it by hand") if state == "by_hand" else ""


@batches.post("/<int:number>/begin")
@needs(Permission.MAKE_LETTERS)
def begin(number: int) -> ResponseReturnValue:
    """Let the letters be made."""
    who, found, form = me(), _batch_or_404(number), BeginForm()
    if not form.validate():
        return _page(found, form), 422
    with transaction():
        done = acts.begin(who, batch_id=found.id, why=plain_words(form.why.data))
    return _said(done, _("The letters are being made. You can close this page."), number)


@batches.post("/<int:number>/<what>")
@needs(Permission.MAKE_LETTERS)
def word(number: int, what: str) -> ResponseReturnValue:
    """Pause it, go on with it, or call off the rest."""
    who, found = me(), _batch_or_404(number)
    event, words = {
        "pause": (Event.PAUSE, _("It is paused. What is being drawn at this moment is still finished.")),
        "go-on": (Event.GO_ON, _("It goes on.")),
        "call-off": (Event.CALL_OFF, _("The rest is called off. Letters that are made stay.")),
    }.get(what) or abort(404)
    with transaction():
        done = acts.word(who, batch_id=found.id, event=event)
    return _said(done, words, number)


def _said(done: bool | None, words: str, number: int) -> ResponseReturnValue:
    if done is None:
        flash(_("That is not possible any more. Here is how it stands now."), "problem")
    elif done:
        flash(words, "success")
    else:
        flash(_("Nothing has changed: it was so already."))
    return redirect(url_for("batches.batch", number=number), 303)


@batches.get("/<int:number>/letters.csv")
@needs(Permission.SEE_LETTERS)
def items_csv(number: int) -> ResponseReturnValue:
    """Give what became of each letter as a file; with `which` what could not be made, or which debts were left out."""
    found, only = _batch_or_404(number), request.args.get("which")
    if only not in (None, "not_made", "left_out"):
        abort(404)
    unknown = [] if found.begun_at is None or only == "left_out" else list(found.unknown)

    def rows() -> Iterator[tuple[object, ...]]:
        for item in acts.items_of(found, only=only):
            at = item.done_at.isoformat(timespec="seconds") if item.done_at else ""
            yield item.reference, "left_out" if item.why in LEFT_OUT else item.state, item.letter, at, item.why
        for reference in unknown:
            yield reference, "not_made", None, "", "unknown"

    names = {"not_made": "not-made-of-batch", "left_out": "left-out-of-batch", None: "letters-of-batch"}
    name = f"{names[only]}-{number}"
    return csv_stream(name, ("reference", "state", "letter", "at", "why"), rows())


class _Pieces(io.RawIOBase):
    """A place to write that can't be gone back in, and that gives away what was written."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        taken = bytes(data)  # type: ignore[call-overload]
        self._written += taken
        return len(taken)

    def take(self) -> bytes:
        """Give what was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def zip_of(files: Iterator[tuple[str, str, bytes]]) -> Iterator[bytes]:
    """Give letters as one ZIP file, each as it is read; only their names are kept until the end."""
    out = _Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for reference, number, pdf in files:
            plain = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in reference)
            archive.writestr(f"{plain}-{number}.pdf", pdf)
            yield out.take()
    yield out.take()


@batches.post("/<int:number>/letters.zip")
@needs(Permission.SEE_PEOPLE)
def letters_zip(number: int) -> ResponseReturnValue:
    """Give all letters of a batch as one file; that it was given out is on record."""
    who, found = me(), _batch_or_404(number)
    counts = acts.counts_of(found)
    opening.a_file(who, "letters of a batch", rows=counts.made + counts.there, batch=str(number))
    return Response(
        stream_with_context(zip_of(acts.files_of(found.lender_id, found.id))),
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="letters-of-batch-{number}.zip"'},
    )

"""Drafts of limits on pages: begin one, read it with what speaks against it, its file, send, approve, send back."""

from __future__ import annotations

import uuid
from datetime import date

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.db import transaction
from portal.desk import differences, drafts, versions
from portal.desk.drafts import CALLED_OFF, Changed, MayNot, NotTwoPeople, Released, StillWrong
from portal.desk.flaw_words import flaw_words
from portal.desk.forms import FileForm, FirstDayForm, WordsForm
from portal.desk.models import LimitsDraft
from portal.desk.sentences import card_groups
from portal.desk.states import ALIVE, Event, Forbidden, Moved, Repeated, State, after
from portal.desk.words import Said, beside_words, draft_state, finding_words, tie_words
from portal.limits.cards import LimitsSet
from portal.limits.findings import SAID_BY_BOTH, Finding, Kind, Level
from portal.limits.reading import LimitsError, parse
from portal.limits.writing import starting, write
from portal.plans.allowed import without_card
from portal.plans.models import LimitsVersion
from portal.staff import members
from portal.staff.gates import Colleague, me, needs
from portal.staff.roles import Permission
from portal.web.fields import typed_before
from portal.web.formats import day as day_words
from portal.web.languages import gettext as _

desk_drafts = Blueprint("desk_drafts", __name__, url_prefix="/staff/limits/drafts")


@desk_drafts.errorhandler(LimitsError)
def cannot_be_read(error: LimitsError) -> ResponseReturnValue:
    """Say what can't be read in a draft, or in what would have been saved; nothing was."""
    number = (request.view_args or {}).get("number")
    if request.endpoint != "desk_drafts.draft" or number is None:
        flash(_("Nothing was saved. %(why)s", why=flaw_words(error.flaws[0])), "problem")
        begins = request.endpoint == "desk_drafts.from_version"
        return redirect(url_for("desk.limits") if number is None or begins else draft_url(number), 303)
    who, found = me(), draft_or_404(number)
    return render_template(
        "desk/unreadable.html",
        one=found,
        state=draft_state(found.state),
        problems=[flaw_words(each) for each in error.flaws],
        edits=Permission.WRITE_LIMITS in who.may and isinstance(after(State(found.state), Event.SAVE), Moved),
        takes_back=Permission.WRITE_LIMITS in who.may and found.state == State.SENT,
        withdraws=Permission.WRITE_LIMITS in who.may and State(found.state) in ALIVE,
    ), 200


def today_of(who: Colleague) -> date:
    """Give the day that it is for a lender."""
    return clock.today(who.zone)


def draft_or_404(number: int) -> LimitsDraft:
    """Give a draft of this lender."""
    found = drafts.find(lender_id=me().lender_id, number=number)
    if found is None:
        abort(404)
    return found


def currency() -> str:
    """Give the currency in which this lender's limits are written."""
    return versions.currency_of(me().lender_id)


def revision_given() -> int:
    """Give the revision on which a form was filled in; one that there never was, if none was sent."""
    given = (typed_before() or request.form).get("revision", "")
    return int(given) if given.isdecimal() and given.isascii() and len(given) < 10 else 0


def names() -> dict[uuid.UUID, str]:
    """Give the names of all colleagues."""
    return {member.id: member.name for member in members.of(lender_id=me().lender_id)}


def draft_url(number: int) -> str:
    """Give the address of a draft."""
    return url_for("desk_drafts.draft", number=number)


@desk_drafts.post("/from-version/<int:number>")
@needs(Permission.WRITE_LIMITS)
def from_version(number: int) -> ResponseReturnValue:
    """Begin a draft with what a version says."""
    found = versions.find(lender_id=me().lender_id, number=number)
    if found is None:
        abort(404)
    begun = _begin(found.source, base_id=found.id)
    return redirect(draft_url(begun.number), 303)


def _begin(text: str, *, base_id: uuid.UUID | None) -> LimitsDraft:
    """Begin a draft.

    :raises LimitsError: if the text can't be read.
    """
    key = request.form.get("form_key", "")
    if len(key) != 32 or not key.isalnum():
        abort(400)
    who = me()
    try:
        with transaction():
            return drafts.begin(
                lender_id=who.lender_id,
                currency=currency(),
                text=text,
                base_id=base_id,
                form_key=key,
                by=who.member_id,
            )
    except MayNot:
        abort(403)


@desk_drafts.route("/from-file", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def from_file() -> ResponseReturnValue:
    """Begin a draft with a file."""
    problems: list[str] = []
    form = FileForm()
    if form.validate_on_submit() and form.read(_uploaded()):
        try:
            first_day = parse(form.text.data, currency=currency()).effective_from
            until_then = drafts.in_force(lender_id=me().lender_id, today=max(first_day, today_of(me())))
            begun = _begin(form.text.data, base_id=None if until_then is None else until_then.id)
            return redirect(draft_url(begun.number), 303)
        except LimitsError as error:
            problems = [flaw_words(each) for each in error.flaws]
            form.text.errors = [_("This file can’t be read")]
    return render_template(
        "desk/from_file.html",
        form=form,
        problems=problems,
        form_key=request.form.get("form_key") or uuid.uuid4().hex,
    ), 422 if form.errors or problems else 200


def _uploaded() -> FileStorage | None:
    given = request.files.get("upload")
    return given if given is not None and given.filename else None


def said_of(draft: LimitsDraft, limits: LimitsSet) -> list[Said]:
    """Give all that speaks against a draft, in words; how many debts have no card is counted only if there is a gap."""
    who, of = me(), currency()
    found = drafts.findings_of(draft, currency=of, today=today_of(who))
    return [_said(each, draft, limits, of) for each in found]


def _said(found: Finding, draft: LimitsDraft, limits: LimitsSet, of: str) -> Said:
    who, debts = me(), None
    if found.kind in SAID_BY_BOTH and found.version is not None:
        other = versions.find(lender_id=who.lender_id, number=found.version)
        if other is not None:
            return _beside(found, other, draft, limits, of)
    if found.kind is Kind.GAP:
        debts, _example = without_card(limits, lender_id=who.lender_id, today=today_of(who))
    at = {card.name: place for place, card in enumerate(limits.cards, start=1)}
    return finding_words(found, currency=of, at=at.get, debts=debts)


def _beside(found: Finding, other: LimitsVersion, draft: LimitsDraft, limits: LimitsSet, of: str) -> Said:
    """Say what of another version a draft leaves out, or what of the draft another version does."""
    theirs, base = drafts.read(other, currency=of), drafts.base_of(draft)
    if found.kind is Kind.LEFT_OUT:
        before = None if base is None else drafts.read(base, currency=of)
        mine, whole = limits, drafts.lost_of(limits, base=before, theirs=theirs)
    else:
        until_then = drafts.follows(draft, currency=of, today=today_of(me()))
        before = None if until_then is None else drafts.read(until_then, currency=of)
        mine, whole = theirs, drafts.lost_of(theirs, base=before, theirs=limits)
    return beside_words(
        found,
        first_day=other.effective_from,
        base=None if base is None else base.number,
        lost=() if whole is None else differences.between(whole, mine),
    )


@desk_drafts.get("/<int:number>")
@needs(Permission.SEE_LIMITS)
def draft(number: int) -> ResponseReturnValue:
    """Show a draft, card by card, with what speaks against it and what can be done with it."""
    return _page(draft_or_404(number)), 200


def _page(found: LimitsDraft, *, missing: frozenset[str] = frozenset()) -> str:
    who = me()
    limits = parse(found.source, currency=currency())
    alive = State(found.state) in ALIVE
    said = said_of(found, limits) if alive else []
    base = drafts.base_of(found)
    until_then = drafts.follows(found, currency=currency(), today=today_of(who)) if alive else base
    before = None if until_then is None else drafts.read(until_then, currency=currency())
    became = drafts.version_made_of(found)
    called, writes = names(), Permission.WRITE_LIMITS in who.may
    edits = writes and isinstance(after(State(found.state), Event.SAVE), Moved)
    approves = found.state == State.SENT and Permission.APPROVE_LIMITS in who.may
    tie = drafts.second_person(found, by=who.member_id) if approves else None
    decider = who.member_id if approves else found.decided_by
    invited = (
        drafts.invitations_between(lender_id=who.lender_id, by=decider, authors=drafts.authors_of(found))
        if decider is not None
        else ()
    )
    return render_template(
        "desk/draft.html",
        one=found,
        state=draft_state(CALLED_OFF if became is not None and became.called_off_by else found.state),
        limits=limits,
        cards=[(card.name, card_groups(card)) for card in limits.cards],
        errors=[each for each in said if each.is_error],
        warnings=[each for each in said if not each.is_error],
        missing=missing,
        ticked=request.form.getlist("acknowledged"),
        until_then=until_then,
        takes_over=edits and until_then is not None and found.base_id != until_then.id,
        differing_all=differences.between(before, limits) if before is not None else None,
        # As both would be written, so that notes and spaces are no difference.
        changed=versions.changed_lines(write(before), write(limits)) if before is not None else (),
        author=called.get(found.author_id, ""),
        others=[called.get(each, "") for each in drafts.authors_of(found) if each != found.author_id],
        sent_by=called.get(found.sent_by) if found.sent_by else None,
        decided_by=called.get(found.decided_by) if found.decided_by else None,
        invited=[(called.get(inviter, ""), called.get(member, "")) for inviter, member in invited],
        version=became,
        called_off_by=called.get(became.called_off_by, "") if became is not None and became.called_off_by else None,
        calls_off=became is not None
        and drafts.may_call_off(became, by=who.member_id, permissions=who.may, today=today_of(who)),
        approves_limits=Permission.APPROVE_LIMITS in who.may,
        edits=edits,
        sends=writes and isinstance(after(State(found.state), Event.SEND), Moved),
        takes_back=writes and found.state == State.SENT,
        withdraws=writes and alive,
        approves=approves,
        tie=tie_words(tie) if tie is not None else None,
        too_late=limits.effective_from < today_of(who),
        today=today_of(who),
    )


@desk_drafts.get("/<int:number>.toml")
@needs(Permission.SEE_LIMITS)
def draft_file(number: int) -> ResponseReturnValue:
    """Give a draft as the file that it is."""
    answer = Response(draft_or_404(number).source, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename=limits-draft-{number}.toml"
    return answer


@desk_drafts.route("/<int:number>/file", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def edit_file(number: int) -> ResponseReturnValue:
    """Show the draft as a file, and take another one in its place."""
    problems: list[str] = []
    found, form = draft_or_404(number), FileForm()
    revision, conflict = found.revision, None
    if request.method == "GET":
        form.begin(text=found.source)
        revision = revision_given() or revision
    elif form.validate() and form.read(_uploaded()):
        try:
            done = save(found, form.text.data or "", revision=revision_given())
        except LimitsError as error:
            problems, revision = [flaw_words(each) for each in error.flaws], revision_given()
            form.text.errors = [_("This file can’t be read")]
        else:
            if not isinstance(done, Changed):
                return redirect(draft_url(number), 303)
            found, revision = draft_or_404(number), done.revision
            conflict = conflict_of(found, revision_given())
    else:
        revision = revision_given()
    return render_template(
        "desk/draft_file.html", form=form, one=found, revision=revision, problems=problems, conflict=conflict
    ), 200 if request.method == "GET" else 422


def conflict_of(found: LimitsDraft, revision: int) -> tuple[str, list[str]]:
    """Give who saved last, and the lines that differ from what somebody else had read."""
    by = drafts.saved_by(found, found.revision)
    read = drafts.text_at(found, revision)
    lines = versions.changed_lines(read, found.source) if read is not None else ()
    return names().get(by, "") if by else "", list(lines)


def save(found: LimitsDraft, text: str, *, revision: int) -> Moved | Repeated | Forbidden | Changed:
    """Save a draft's text and say what became of it, unless somebody else saved meanwhile.

    :raises LimitsError: if the text can't be read.
    """
    who = me()
    try:
        with transaction():
            done = drafts.save(
                lender_id=who.lender_id,
                currency=currency(),
                number=found.number,
                revision=revision,
                text=text,
                by=who.member_id,
            )
    except MayNot:
        abort(403)
    if isinstance(done, Moved | Repeated | Forbidden):
        say(done, _("Saved."))
    return done


def say(done: object, words: str) -> None:
    """Say what became of a click: done, done before by somebody, or not possible from where it stands."""
    match done:
        case Repeated():
            flash(_("Nothing has changed: it was so already."))
        case Forbidden():
            flash(_("That is not possible any more. Here is how it stands now."), "problem")
        case Changed():
            flash(_("Somebody saved another text meanwhile. Please look at it again; nothing was changed."), "problem")
        case _:
            flash(words, "success")


@desk_drafts.route("/<int:number>/first-day", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def first_day(number: int) -> ResponseReturnValue:
    """Ask from which day on the limits are to count."""
    found, form = draft_or_404(number), FirstDayForm()
    if request.method == "GET":
        form.begin(day=parse(found.source, currency=currency()).effective_from)
    elif form.validate() and form.day.data is not None:
        if form.day.data < today_of(me()):
            form.day.errors = [_("Limits can’t count from a day that is over. Choose today or a later day.")]
        else:
            text = starting(found.source, form.day.data, currency=currency())
            say_if_changed(save(found, text, revision=revision_given()))
            return redirect(draft_url(number), 303)
    return render_template(
        "desk/first_day.html", form=form, one=found, revision=revision_given() or found.revision
    ), 422 if form.errors or form.day.errors else 200


def say_if_changed(done: object) -> None:
    """Say that somebody else saved meanwhile, if so."""
    if isinstance(done, Changed):
        say(done, "")


@desk_drafts.post("/<int:number>/send")
@needs(Permission.WRITE_LIMITS)
def send(number: int) -> ResponseReturnValue:
    """Ask a second person; warnings that are not ticked are named."""
    who, found = me(), draft_or_404(number)
    try:
        with transaction():
            done = drafts.send(
                lender_id=who.lender_id,
                currency=currency(),
                number=found.number,
                revision=revision_given(),
                acknowledged=request.form.getlist("acknowledged"),
                today=today_of(who),
                by=who.member_id,
            )
    except MayNot:
        abort(403)
    if isinstance(done, StillWrong):
        return _page(draft_or_404(number), missing=frozenset(each.key for each in done.findings)), 422
    say(done, _("It waits for a second person now."))
    return redirect(draft_url(number), 303)


@desk_drafts.post("/<int:number>/take-over")
@needs(Permission.WRITE_LIMITS)
def take_over(number: int) -> ResponseReturnValue:
    """Put into a draft what the version changed that counts until it does."""
    who, found = me(), draft_or_404(number)
    try:
        with transaction():
            done = drafts.take_over(
                lender_id=who.lender_id,
                currency=currency(),
                number=found.number,
                revision=revision_given(),
                today=today_of(who),
                by=who.member_id,
            )
    except MayNot:
        abort(403)
    say(done, _("Taken over. What you had changed yourself stays as it is; below stands what differs now."))
    return redirect(draft_url(number), 303)


@desk_drafts.route("/<int:number>/call-off", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def call_off(number: int) -> ResponseReturnValue:
    """Let an author stop what was approved before it begins, with a reason."""
    version = drafts.version_made_of(draft_or_404(number))
    if version is None:
        abort(404)
    return call_off_page(version, back=draft_url(number))


def call_off_page(version: LimitsVersion, *, back: str) -> ResponseReturnValue:
    """Ask why, say what was written on it, and call a version off."""
    who, form = me(), WordsForm()
    if form.validate_on_submit():
        try:
            with transaction():
                done = drafts.call_off(
                    lender_id=who.lender_id,
                    number=version.number,
                    reason=form.words.data or "",
                    today=today_of(who),
                    by=who.member_id,
                )
        except MayNot:
            abort(403)
        match done:
            case Moved():
                flash(_("Version %(number)s is called off. It will not count.", number=version.number), "success")
            case Repeated():
                flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
            case _:
                flash(_("It counts already. An approver can go back to the version before."), "problem")
        return redirect(back, 303)
    if not drafts.may_call_off(version, by=who.member_id, permissions=who.may, today=today_of(who)):
        flash(_("Version %(number)s can’t be called off by you, or not any more.", number=version.number), "problem")
        return redirect(back, 303)
    instead = drafts.replaced_by(version)
    return render_template(
        "desk/call_off.html",
        form=form,
        one=version,
        instead=instead,
        back=back,
        written_on=drafts.written_on(version),
    ), 422 if form.errors else 200


@desk_drafts.post("/<int:number>/take-back")
@needs(Permission.WRITE_LIMITS)
def take_back(number: int) -> ResponseReturnValue:
    """Take a draft back to write on it."""
    who, found = me(), draft_or_404(number)
    try:
        with transaction():
            done = drafts.take_back(lender_id=who.lender_id, number=found.number, by=who.member_id)
    except MayNot:
        abort(403)
    say(done, _("You can write on it again."))
    return redirect(draft_url(number), 303)


@desk_drafts.route("/<int:number>/withdraw", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def withdraw(number: int) -> ResponseReturnValue:
    """Ask once, and end a draft."""
    who, found = me(), draft_or_404(number)
    if request.method == "GET":
        return render_template("desk/withdraw.html", one=found, form=None)
    try:
        with transaction():
            done = drafts.withdraw(lender_id=who.lender_id, number=found.number, by=who.member_id)
    except MayNot:
        abort(403)
    say(done, _("The draft is withdrawn. Its file can still be read."))
    return redirect(draft_url(number), 303)


@desk_drafts.post("/<int:number>/approve")
@needs(Permission.APPROVE_LIMITS)
def approve(number: int) -> ResponseReturnValue:
    """Make a draft the next version."""
    who, found = me(), draft_or_404(number)
    try:
        with transaction():
            done = drafts.approve(
                lender_id=who.lender_id,
                currency=currency(),
                number=found.number,
                revision=revision_given(),
                today=today_of(who),
                by=who.member_id,
                acknowledged=request.form.getlist("acknowledged"),
            )
    except MayNot:
        abort(403)
    if isinstance(done, StillWrong) and not any(each.level is Level.ERROR for each in done.findings):
        return _page(draft_or_404(number), missing=frozenset(each.key for each in done.findings)), 422
    match done:
        case Released(number=version, first_day=on, wished=None):
            flash(
                _("Approved. It is version %(number)s and counts from %(day)s on.", number=version, day=day_words(on)),
                "success",
            )
        case Released(number=version, first_day=on, wished=date() as wished):
            flash(
                _(
                    "Approved. %(wished)s is over, so it is version %(number)s and counts from today, %(day)s.",
                    wished=day_words(wished),
                    number=version,
                    day=day_words(on),
                ),
                "success",
            )
        case NotTwoPeople():
            flash(tie_words(done), "problem")
        case StillWrong():
            flash(_("Something in it can’t be any more. Please send it back."), "problem")
        case _:
            say(done, "")
    return redirect(draft_url(number), 303)


@desk_drafts.route("/<int:number>/send-back", methods=["GET", "POST"])
@needs(Permission.APPROVE_LIMITS)
def send_back(number: int) -> ResponseReturnValue:
    """Say what is wrong with a draft."""
    who, found, form = me(), draft_or_404(number), WordsForm()
    if form.validate_on_submit():
        try:
            with transaction():
                done = drafts.send_back(
                    lender_id=who.lender_id, number=found.number, words=form.words.data or "", by=who.member_id
                )
        except MayNot:
            abort(403)
        say(done, _("Sent back. Your words stand on its page."))
        return redirect(draft_url(number), 303)
    return render_template("desk/send_back.html", form=form, one=found), 422 if form.errors else 200

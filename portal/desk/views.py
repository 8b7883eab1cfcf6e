"""What the lender allows, as sentences: the versions, one version, its file; and the way back in an emergency."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.db import transaction
from portal.desk import drafts, versions
from portal.desk.drafts import MayNot, Released
from portal.desk.forms import WordsForm
from portal.desk.models import LimitsRelease
from portal.desk.sentences import card_groups
from portal.desk.states import Repeated
from portal.desk.versions import VersionRow
from portal.desk.words import draft_state, version_state
from portal.plans.allowed import version_of
from portal.staff import members
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

desk = Blueprint("desk", __name__, url_prefix="/staff/limits")


def _all() -> list[VersionRow]:
    who = me()
    return list(versions.of(lender_id=who.lender_id, today=clock.today(who.zone)))


def _names() -> dict[uuid.UUID, str]:
    return {member.id: member.name for member in members.of(lender_id=me().lender_id)}


def _decided(release: LimitsRelease | None, names: dict[uuid.UUID, str]) -> str | None:
    """Say who decided that a version counts; None if it was loaded by command."""
    if release is None:
        return None
    decided = names.get(release.decided_by, "")
    if release.back_to_id is not None:
        return _("%(name)s went back: %(reason)s", name=decided, reason=release.reason)
    author = names.get(release.written_by, "") if release.written_by else ""
    return _("Written by %(author)s, approved by %(name)s", author=author, name=decided)


@desk.get("", endpoint="limits")
@needs(Permission.SEE_LIMITS)
def limits_page() -> ResponseReturnValue:
    """List the drafts and the versions."""
    who, listed, names = me(), _all(), _names()
    releases = drafts.releases_of(lender_id=who.lender_id)
    return render_template(
        "desk/limits.html",
        versions=[(one, version_state(one.state), _decided(releases.get(one.id), names)) for one in listed],
        drafts=[
            (one, draft_state(one.state), names.get(one.author_id, "")) for one in drafts.of(lender_id=who.lender_id)
        ],
        writes=Permission.WRITE_LIMITS in who.may,
        tries=Permission.TRY_LIMITS in who.may,
        now=next((one.number for one in listed if one.state == "in_force"), None),
        form_key=uuid.uuid4().hex,
    )


@desk.get("/versions.csv")
@needs(Permission.SEE_LIMITS)
def versions_csv() -> ResponseReturnValue:
    """Give the list of versions as a file, with who decided each."""
    names, releases = _names(), drafts.releases_of(lender_id=me().lender_id)
    numbers = {one.id: one.number for one in _all()}
    found = [(one, releases.get(one.id)) for one in _all()]
    return csv_answer(
        "limits",
        ("version", "counts from", "state", "loaded", "written by", "decided by", "back to version", "reason"),
        (
            (
                one.number,
                one.effective_from.isoformat(),
                one.state,
                one.loaded_at.isoformat(timespec="minutes"),
                names.get(release.written_by) if release is not None and release.written_by else None,
                names.get(release.decided_by) if release is not None else None,
                numbers.get(release.back_to_id) if release is not None and release.back_to_id else None,
                release.reason if release is not None else None,
            )
            for one, release in found
        ),
    )


def _one_or_404(number: int) -> tuple[VersionRow, VersionRow | None]:
    """Give a version and the one before it."""
    found = {one.number: one for one in _all()}
    if number not in found:
        abort(404)
    return found[number], found.get(number - 1)


@desk.get("/<int:number>")
@needs(Permission.SEE_LIMITS)
def version(number: int) -> ResponseReturnValue:
    """Show one version, card by card, as sentences, and what differs from the one before."""
    who, (one, before) = me(), _one_or_404(number)
    read = version_of(one.id, lender_id=who.lender_id, currency=versions.currency_of(who.lender_id))
    release = drafts.releases_of(lender_id=who.lender_id).get(one.id)
    draft_of = {draft.id: draft.number for draft in drafts.of(lender_id=who.lender_id)} if release is not None else {}
    return render_template(
        "desk/version.html",
        one=one,
        state=version_state(one.state),
        name=read.limits.name,
        cards=[(card.name, card_groups(card)) for card in read.limits.cards],
        before=before,
        changed=versions.changed_lines(before.source, one.source) if before else (),
        decided=_decided(release, _names()),
        reason=release.reason if release is not None else None,
        draft=draft_of.get(release.draft_id) if release is not None and release.draft_id else None,
        back=_back_of(number) if Permission.APPROVE_LIMITS in who.may else None,
        writes=Permission.WRITE_LIMITS in who.may,
        form_key=uuid.uuid4().hex,
    )


def _back_of(number: int) -> int | None:
    """Give the number of the version to which one may go back from one; None if it doesn't count, or is the first."""
    who = me()
    now = drafts.in_force(lender_id=who.lender_id, today=clock.today(who.zone))
    if now is None or now.number != number:
        return None
    back = drafts.before(now)
    return None if back is None else back.number


@desk.get("/<int:number>.toml")
@needs(Permission.SEE_LIMITS)
def version_file(number: int) -> ResponseReturnValue:
    """Give the same as the file that it is."""
    one, _before = _one_or_404(number)
    answer = Response(one.source, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename=limits-{number}.toml"
    return answer


@desk.route("/<int:number>/go-back", methods=["GET", "POST"])
@needs(Permission.APPROVE_LIMITS)
def go_back(number: int) -> ResponseReturnValue:
    """Let the version before count again, in an emergency, with a reason."""
    who, form = me(), WordsForm()
    one, _before = _one_or_404(number)
    today = clock.today(who.zone)
    if form.validate_on_submit():
        try:
            with transaction():
                done = drafts.go_back(
                    lender_id=who.lender_id,
                    currency=versions.currency_of(who.lender_id),
                    number=number,
                    reason=form.words.data or "",
                    today=today,
                    by=who.member_id,
                )
        except MayNot:
            abort(403)
        match done:
            case Released(number=version_number):
                flash(_("Version %(number)s counts from now on.", number=version_number), "success")
            case Repeated():
                flash(_("That was done already, perhaps by a colleague. Nothing has changed."))
            case _:
                flash(_("Another version counts by now. Nothing has changed."), "problem")
        return redirect(url_for("desk.limits"), 303)
    back = _back_of(number)
    if back is None:
        # Perhaps a colleague was quicker; the list says how it stands.
        flash(_("There is nothing to go back to from version %(number)s.", number=number), "problem")
        return redirect(url_for("desk.limits"), 303)
    return render_template(
        "desk/go_back.html",
        form=form,
        one=one,
        back=_one_or_404(back)[0],
        to_come=[each for each in _all() if each.state == "to_come"],
    ), 422 if request.method == "POST" else 200

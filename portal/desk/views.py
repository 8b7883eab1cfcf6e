"""What the lender allows, as sentences: the versions, one version, its file; and the way back in an emergency."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.db import transaction
from portal.desk import differences, drafts, versions
from portal.desk.draft_pages import call_off_page
from portal.desk.drafts import MayNot, Released
from portal.desk.forms import WordsForm
from portal.desk.models import LimitsRelease
from portal.desk.sentences import card_groups
from portal.desk.states import Repeated
from portal.desk.versions import VersionRow
from portal.desk.words import draft_state, version_state
from portal.plans.models import LimitsVersion
from portal.staff import members
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

desk = Blueprint("desk", __name__, url_prefix="/staff/limits")


def _names() -> dict[uuid.UUID, str]:
    return {member.id: member.name for member in members.of(lender_id=me().lender_id)}


def _decided(one: VersionRow | LimitsVersion, release: LimitsRelease | None, names: dict[uuid.UUID, str]) -> str | None:
    """Say who decided that a version counts, or not; None if it was loaded by command."""
    if one.called_off_by is not None:
        return _("%(name)s called it off: %(reason)s", name=names.get(one.called_off_by, ""), reason=one.called_off_why)
    if release is None:
        return None
    decided = names.get(release.decided_by, "")
    if release.back_to_id is not None:
        return _("%(name)s went back: %(reason)s", name=decided, reason=release.reason)
    author = names.get(release.written_by, "") if release.written_by else ""
    return _("Written by %(author)s, approved by %(name)s", author=author, name=decided)


def _key(name: str, parts: int) -> tuple[int, ...] | None:
    """Give from where on a list is read, as an address says it: whole numbers; None from the beginning."""
    given = request.args.get(name, "").split("-")
    fits = len(given) == parts and all(each.isascii() and each.isdigit() and len(each) < 10 for each in given)
    return tuple(int(each) for each in given) if fits else None


@desk.get("", endpoint="limits")
@needs(Permission.SEE_LIMITS)
def limits_page() -> ResponseReturnValue:
    """List drafts and versions, some of each at a time."""
    who, names = me(), _names()
    today, here = clock.today(who.zone), who.lender_id
    after, before = _key("drafts", 2), _key("versions", 1)
    listed = versions.page(lender_id=here, today=today, before=before[0] if before else None)
    drafted = drafts.page(lender_id=here, after=(after[0], after[1]) if after else None)
    releases = drafts.releases_of(lender_id=here, versions=[one.id for one in listed])
    newest = drafts.last_of(lender_id=here)
    return render_template(
        "desk/limits.html",
        versions=[(one, version_state(one.state), _decided(one, releases.get(one.id), names)) for one in listed],
        drafts=[(one, draft_state(one.state), names.get(one.author_id, "")) for one in drafted],
        more_drafts="-".join(map(str, drafted[-1].key)) if len(drafted) == drafts.A_PAGE else None,
        more_versions=listed[-1].number if len(listed) == versions.A_PAGE else None,
        goes_on=bool(after or before),
        writes=Permission.WRITE_LIMITS in who.may,
        tries=Permission.TRY_LIMITS in who.may,
        newest=newest,
        is_to_come=newest is not None and newest.effective_from > today,
        form_key=uuid.uuid4().hex,
    )


@desk.get("/versions.csv")
@needs(Permission.SEE_LIMITS)
def versions_csv() -> ResponseReturnValue:
    """Give the list of versions as a file, with who decided each."""
    who, names = me(), _names()
    found = list(versions.all_of(lender_id=who.lender_id, today=clock.today(who.zone)))
    numbers = {one.id: one.number for one in found}
    releases = drafts.releases_of(lender_id=who.lender_id)

    def row(one: VersionRow) -> tuple[object, ...]:
        release = releases.get(one.id)
        off = one.called_off_by is not None
        return (
            one.number,
            one.effective_from.isoformat(),
            one.state,
            one.loaded_at.isoformat(timespec="minutes"),
            names.get(release.written_by) if release is not None and release.written_by else None,
            names.get(release.decided_by) if release is not None else None,
            numbers.get(release.back_to_id) if release is not None and release.back_to_id else None,
            one.called_off_why if off else release.reason if release is not None else None,
            names.get(one.called_off_by) if one.called_off_by is not None else None,
        )

    titles = ("version", "counts from", "state", "loaded", "written by", "decided by", "back to version", "reason")
    return csv_answer("limits", (*titles, "called off by"), map(row, found))


def _one_or_404(number: int) -> LimitsVersion:
    found = versions.find(lender_id=me().lender_id, number=number)
    if found is None:
        abort(404)
    return found


@desk.get("/<int:number>")
@needs(Permission.SEE_LIMITS)
def version(number: int) -> ResponseReturnValue:
    """Show one version, card by card, as sentences, and what differs from the one that it takes the place of."""
    who, one = me(), _one_or_404(number)
    currency, today = versions.currency_of(who.lender_id), clock.today(who.zone)
    limits, before = drafts.read(one, currency=currency), drafts.replaced_by(one)
    release, draft, names = drafts.release_of(one), drafts.draft_of(one), _names()
    base = drafts.base_of(draft) if draft is not None else None
    return render_template(
        "desk/version.html",
        one=one,
        state=version_state(versions.state_of(one, today=today)),
        name=limits.name,
        cards=[(card.name, card_groups(card)) for card in limits.cards],
        before=before,
        differing_all=differences.between(drafts.read(before, currency=currency), limits) if before else (),
        changed=versions.changed_lines(before.source, one.source) if before else (),
        decided=_decided(one, release, names),
        reason=one.called_off_why or (release.reason if release is not None else None),
        draft=draft.number if draft is not None else None,
        called_off_base=base.number if base is not None and base.called_off_by is not None else None,
        calls_off=Permission.APPROVE_LIMITS in who.may
        and drafts.may_call_off(one, by=who.member_id, permissions=who.may, today=today),
        back=_back_of(number) if Permission.APPROVE_LIMITS in who.may else None,
        writes=Permission.WRITE_LIMITS in who.may,
        form_key=uuid.uuid4().hex,
    )


@desk.route("/<int:number>/call-off", methods=["GET", "POST"])
@needs(Permission.APPROVE_LIMITS)
def call_off(number: int) -> ResponseReturnValue:
    """Let an approver stop a version before it begins, with a reason."""
    return call_off_page(_one_or_404(number), back=url_for("desk.version", number=number))


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
    one = _one_or_404(number)
    answer = Response(one.source, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename=limits-{number}.toml"
    return answer


@desk.route("/<int:number>/go-back", methods=["GET", "POST"])
@needs(Permission.APPROVE_LIMITS)
def go_back(number: int) -> ResponseReturnValue:
    """Let the version before count again, in an emergency, with a reason."""
    who, form = me(), WordsForm()
    one = _one_or_404(number)
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
        if one.effective_from > today and one.called_off_by is None:
            # It has not begun, so that there is nothing to leave: it can be called off.
            return redirect(url_for("desk.call_off", number=number), 303)
        # Perhaps a colleague was quicker; the list says how it stands.
        flash(_("There is nothing to go back to from version %(number)s.", number=number), "problem")
        return redirect(url_for("desk.limits"), 303)
    return render_template(
        "desk/go_back.html",
        form=form,
        one=one,
        back=_one_or_404(back),
        to_come=versions.to_come(lender_id=who.lender_id, today=today),
    ), 422 if request.method == "POST" else 200

"""Who works here: list, invite, roles, sessions, an end, and colleagues who wait for a way back in."""

from __future__ import annotations

import uuid

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import transaction
from portal.people.views import key
from portal.staff import entering, members, recovering
from portal.staff.forms import InviteForm, RolesForm, VouchForm
from portal.staff.gates import me, needs
from portal.staff.members import AlreadyHere
from portal.staff.members import Refused as MayNot
from portal.staff.models import StaffMember
from portal.staff.recovering import Gone, LinkSent, NotYours, OneMore
from portal.staff.roles import Permission, Role, permissions_of
from portal.staff.words import permission_words, role_hint, role_words, state_words
from portal.web.languages import LANGUAGES
from portal.web.languages import gettext as _
from portal.web.spreadsheet import csv_answer

staff_team = Blueprint("staff_team", __name__, url_prefix="/staff")


@staff_team.get("/colleagues", endpoint="team")
@needs(Permission.SEE_COLLEAGUES)
def team_page() -> ResponseReturnValue:
    """List everybody who works or worked here."""
    who = me()
    return render_template(
        "staff/team.html",
        members=[
            (member, ", ".join(role_words(role) for role in member.roles), state_words(member.state))
            for member in members.of(lender_id=who.lender_id)
        ],
    )


@staff_team.get("/colleagues.csv")
@needs(Permission.SEE_COLLEAGUES)
def team_csv() -> ResponseReturnValue:
    """Give the same as a file."""
    return csv_answer(
        "colleagues",
        ("name", "email", "roles", "state", "since", "ended"),
        (
            (
                member.name,
                member.email,
                " ".join(member.roles),
                member.state,
                member.created_at.isoformat(),
                member.ended_at.isoformat() if member.ended_at else None,
            )
            for member in members.of(lender_id=me().lender_id)
        ),
    )


@staff_team.route("/colleagues/invite", methods=["GET", "POST"])
@needs(Permission.MANAGE_COLLEAGUES)
def invite() -> ResponseReturnValue:
    """Invite somebody; the link goes to the address alone."""
    who, form = me(), InviteForm()
    form.offer()
    form.language.choices = list(LANGUAGES.items())
    if form.validate_on_submit():
        try:
            with transaction():
                done = members.invite(
                    lender_id=who.lender_id,
                    email=form.email.data or "",
                    name=form.name.data or "",
                    roles=form.chosen(),
                    language=str(form.language.data),
                    key=key(),
                    by=who.actor,
                )
        except MayNot as problem:
            flash(_may_not(problem.why), "problem")
            return redirect(url_for("staff_team.team"), 303)
        if isinstance(done, AlreadyHere):
            form.email.errors = [_("Somebody with this address works here already.")]
        else:
            flash(_("The invitation is on its way to %(email)s.", email=form.email.data), "success")
            return redirect(url_for("staff_team.team"), 303)
    return render_template(
        "staff/invite.html", form=form, hints=_role_hints()
    ), 422 if form.errors or form.email.errors else 200


def _role_hints() -> dict[str, str]:
    return {role.value: role_hint(role) for role in Role}


def _member_or_404(member_id: uuid.UUID) -> StaffMember:
    found = members.one(lender_id=me().lender_id, member_id=member_id)
    if found is None:
        abort(404)
    return found


@staff_team.get("/colleagues/<uuid:member_id>")
@needs(Permission.SEE_COLLEAGUES)
def member(member_id: uuid.UUID) -> ResponseReturnValue:
    """Show one colleague: what they may do and where they are signed in."""
    found = _member_or_404(member_id)
    return render_template(
        "staff/member.html",
        member=found,
        roles=[role_words(role) for role in found.roles],
        may=[permission_words(permission) for permission in sorted(permissions_of(found.roles))],
        state=state_words(found.state),
        sessions=entering.sessions_of(found),
        manages=Permission.MANAGE_COLLEAGUES in me().may and found.id != me().member_id,
    )


@staff_team.route("/colleagues/<uuid:member_id>/roles", methods=["GET", "POST"])
@needs(Permission.MANAGE_COLLEAGUES)
def roles(member_id: uuid.UUID) -> ResponseReturnValue:
    """Give a colleague other roles."""
    found, form, who = _member_or_404(member_id), RolesForm(), me()
    form.offer(found.roles)
    if request.method == "GET":
        form.begin(roles=list(found.roles))
    elif form.validate():
        try:
            with transaction():
                members.set_roles(lender_id=who.lender_id, member_id=member_id, roles=form.chosen(), by=who.actor)
        except MayNot as problem:
            form.roles.errors = [_may_not(problem.why)]
        else:
            flash(_("The roles are changed. They hold from the next click on."), "success")
            return redirect(url_for("staff_team.member", member_id=member_id), 303)
    return render_template(
        "staff/roles.html", form=form, member=found, hints=_role_hints()
    ), 422 if form.errors or form.roles.errors else 200


def _may_not(why: str) -> str:
    return {
        "oneself": _("You can’t change your own roles or end your own account. Ask a colleague."),
        "last": _("Nobody else here can invite colleagues and give roles. Give somebody that role first."),
        "gone": _("You may not do that any more. Nothing has changed."),
        "operator": _("That role is given by whoever runs the portal. Nothing has changed."),
        "ended": _("This account has ended. Invite the person again if they come back."),
    }[why]


@staff_team.route("/colleagues/<uuid:member_id>/end", methods=["GET", "POST"])
@needs(Permission.MANAGE_COLLEAGUES)
def end(member_id: uuid.UUID) -> ResponseReturnValue:
    """Ask once, and let a colleague in no more."""
    found, who = _member_or_404(member_id), me()
    if request.method == "POST":
        try:
            with transaction():
                members.end(lender_id=who.lender_id, member_id=member_id, by=who.actor)
        except MayNot as problem:
            flash(_may_not(problem.why), "problem")
            return redirect(url_for("staff_team.member", member_id=member_id), 303)
        flash(_("%(name)s can’t sign in any more, and is signed out everywhere.", name=found.name), "success")
        return redirect(url_for("staff_team.team"), 303)
    return render_template("staff/end.html", member=found, form=None)


@staff_team.post("/colleagues/<uuid:member_id>/sessions/<uuid:session_id>/end")
@needs(Permission.MANAGE_COLLEAGUES)
def end_session(member_id: uuid.UUID, session_id: uuid.UUID) -> ResponseReturnValue:
    """Sign a colleague out of one browser."""
    who = me()
    with transaction():
        done = entering.end_session(lender_id=who.lender_id, member_id=member_id, session_id=session_id, by=who.actor)
    if not done:
        abort(404)
    flash(_("That device is signed out."), "success")
    return redirect(url_for("staff_team.member", member_id=member_id), 303)


@staff_team.route("/colleagues/ways-back", methods=["GET"])
@needs(Permission.VOUCH)
def ways_back() -> ResponseReturnValue:
    """List who can't sign in any more and waits for two colleagues."""
    who = me()
    return render_template("staff/ways_back.html", waiting=recovering.waiting(lender_id=who.lender_id), who=who)


@staff_team.route("/colleagues/ways-back/<uuid:recovery_id>", methods=["GET", "POST"])
@needs(Permission.VOUCH)
def way_back(recovery_id: uuid.UUID) -> ResponseReturnValue:
    """Say that it is really the colleague, and how one knows."""
    who, form = me(), VouchForm()
    waiting = {recovery.id: (recovery, lost) for recovery, lost in recovering.waiting(lender_id=who.lender_id)}
    if recovery_id not in waiting:
        abort(404)
    recovery, lost = waiting[recovery_id]
    if form.validate_on_submit():
        with transaction():
            done = recovering.vouch(
                lender_id=who.lender_id,
                recovery_id=recovery_id,
                by=who.member_id,
                words=form.words.data or "",
                key=key(),
            )
        match done:
            case OneMore():
                flash(_("Noted. A second colleague has to say so too, and then the link goes out."), "success")
            case LinkSent():
                flash(_("The link is on its way to %(email)s.", email=lost.email), "success")
            case NotYours():
                flash(_("You have said so already, or it is about you. Another colleague is needed."), "problem")
            case Gone():
                flash(_("That was decided a moment ago."), "problem")
        return redirect(url_for("staff_team.ways_back"), 303)
    return render_template(
        "staff/way_back.html", form=form, member=lost, recovery=recovery
    ), 422 if form.errors else 200


@staff_team.post("/colleagues/ways-back/<uuid:recovery_id>/refuse")
@needs(Permission.VOUCH)
def refuse(recovery_id: uuid.UUID) -> ResponseReturnValue:
    """Say that it is not the colleague, or needed no more."""
    who = me()
    with transaction():
        done = recovering.refuse(lender_id=who.lender_id, recovery_id=recovery_id, by=who.member_id)
    if not done:
        abort(404)
    flash(_("Refused. Nothing was sent."), "success")
    return redirect(url_for("staff_team.ways_back"), 303)

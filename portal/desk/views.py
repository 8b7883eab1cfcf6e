"""What the lender allows, as sentences: the versions, one version, its file."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue

from portal import clock
from portal.desk import versions
from portal.desk.sentences import card_groups
from portal.desk.versions import VersionRow
from portal.plans.allowed import version_of
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _

desk = Blueprint("desk", __name__, url_prefix="/staff/limits")


def _all() -> list[VersionRow]:
    who = me()
    return list(versions.of(lender_id=who.lender_id, today=clock.today(who.zone)))


def state_words(state: str) -> tuple[str, str]:
    """Give where a version stands, and the kind of its tag."""
    return {
        "in_force": (_("Counts now"), "good"),
        "to_come": (_("Still to come"), "wait"),
        "before": (_("Before"), "plain"),
    }[state]


@desk.get("", endpoint="limits")
@needs(Permission.SEE_LIMITS)
def limits_page() -> ResponseReturnValue:
    """List the versions."""
    return render_template("desk/limits.html", versions=[(one, state_words(one.state)) for one in _all()])


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
    one, before = _one_or_404(number)
    read = version_of(one.id, lender_id=me().lender_id, currency=versions.currency_of(me().lender_id))
    return render_template(
        "desk/version.html",
        one=one,
        state=state_words(one.state),
        name=read.limits.name,
        cards=[(card.name, card_groups(card)) for card in read.limits.cards],
        before=before,
        changed=versions.changed_lines(before.source, one.source) if before else (),
    )


@desk.get("/<int:number>.toml")
@needs(Permission.SEE_LIMITS)
def version_file(number: int) -> ResponseReturnValue:
    """Give the same as the file that it is."""
    one, _before = _one_or_404(number)
    answer = Response(one.source, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f"attachment; filename=limits-{number}.toml"
    return answer

"""How a lender's letters look: one form for its administrator, and a sample as PDF of what stands in it."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.db import session, transaction
from portal.lenders.brand import Weak
from portal.lenders.models import Lender
from portal.letterhead import acts, sample
from portal.letterhead.forms import LetterheadForm
from portal.letters import logos
from portal.letters.pdf import RenderCrashed
from portal.letters.sheet import MissingGlyph, RenderTimeout, SystemIncomplete
from portal.staff.gates import me, needs
from portal.staff.roles import Permission
from portal.web.languages import gettext as _

letterhead = Blueprint("letterhead", __name__, url_prefix="/staff/letters/settings")


def _lender() -> Lender:
    return session.get_one(Lender, me().lender_id)


@letterhead.route("", methods=["GET", "POST"], endpoint="settings")
@needs(Permission.SET_LETTERS)
def settings() -> ResponseReturnValue:
    """Show how letters look, show a sample of what was typed, or set it."""
    lender, form = _lender(), LetterheadForm()
    form.offer()
    if request.method == "GET":
        form.begin_with(lender)
        return _page(lender, form)
    good = form.validate()
    mark = form.mark(request.files.get("logo"))
    if not good or form.logo.errors:
        return _page(lender, form), 422
    asked, wished = "sample" in request.form, form.wished(mark)
    # What no font can draw would make every letter wait for a person: it is seen here.
    pdf = _drawn(lender, form, wished)
    if pdf is None and (asked or any(field.errors for field in form)):
        return _page(lender, form), 422
    if asked:
        return Response(
            pdf, mimetype="application/pdf", headers={"Content-Disposition": 'inline; filename="sample-letter.pdf"'}
        )
    with transaction():
        done = acts.set_letterhead(me(), wished)
    if isinstance(done, Weak):
        form.accent.errors = [_("Words in this colour can’t be read by everybody. Please take another one.")]
        return _page(lender, form), 422
    if done:
        flash(_("Letters look like this from now on. Those that are there stay as they are."), "success")
    else:
        flash(_("Nothing has changed: it was so already."))
    return redirect(url_for("letterhead.settings"), 303)


def _drawn(lender: Lender, form: LetterheadForm, wished: acts.Letterhead) -> bytes | None:
    """Give the sample of what was typed, or None; what no font has stands at its box then."""
    try:
        return sample.drawn(lender, wished, language=form.sample_language.data)
    except MissingGlyph as missing:
        boxes = (form.legal_name, form.address, form.licence, form.signatory_name, form.signatory_role)
        lacking = " ".join(missing.characters)
        words = _("No font of letters has: %(characters)s. Please write it in another way.", characters=lacking)
        for field in [box for box in boxes if set(missing.characters) & set(box.data or "")] or [form.legal_name]:
            field.errors = [words]
    except (RenderTimeout, RenderCrashed, SystemIncomplete):
        if "sample" in request.form:
            form.sample_language.errors = [_("The sample could not be drawn just now. Please try it again.")]
    return None


def _page(lender: Lender, form: LetterheadForm) -> str:
    return render_template(
        "letterhead/settings.html",
        form=form,
        one=lender,
        most_kb=logos.LARGEST_FILE // 1024,
        width=logos.WIDTH_MM,
        height=logos.HEIGHT_MM,
    )


@letterhead.get("/logo.png")
@needs(Permission.SET_LETTERS)
def logo() -> ResponseReturnValue:
    """Give the logo that letters have now."""
    kept = logos.kept(me().lender_id, _lender().letters_logo)
    if kept is None:
        abort(404)
    answer = Response(kept, mimetype="image/png")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer

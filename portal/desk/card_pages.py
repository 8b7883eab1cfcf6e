"""The cards of a draft on pages: add, change, move, copy and remove one."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.desk import drafts
from portal.desk.card_form import SECTIONS, CardForm, Rows, form_for
from portal.desk.draft_pages import (
    cannot_be_read,
    conflict_of,
    currency,
    draft_or_404,
    draft_url,
    revision_given,
    save,
    say_if_changed,
)
from portal.desk.drafts import Changed
from portal.desk.flaw_words import flaw_words
from portal.desk.models import LimitsDraft
from portal.limits.cards import Card, LimitsSet, When
from portal.limits.reading import LONGEST_NAME, LimitsError, parse
from portal.limits.writing import write
from portal.staff.gates import needs
from portal.staff.roles import Permission
from portal.web.fields import typed_before
from portal.web.languages import gettext as _

desk_cards = Blueprint("desk_cards", __name__, url_prefix="/staff/limits/drafts/<int:number>/cards")
desk_cards.register_error_handler(LimitsError, cannot_be_read)


def _limits_of(found: LimitsDraft, revision: int | None = None) -> LimitsSet:
    """Give what a draft says, or said at the revision on which a form was filled in: what is typed is for that.

    So a form that is sent twice gives the same text twice, and one that was overtaken is refused.
    """
    read = None if revision is None else drafts.text_at(found, revision)
    return parse(found.source if read is None else read, currency=currency())


def _card_or_404(limits: LimitsSet, at: int) -> Card:
    if not 1 <= at <= len(limits.cards):
        abort(404)
    return limits.cards[at - 1]


@desk_cards.route("/add", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def add(number: int) -> ResponseReturnValue:
    """Show the form of a new card, which says what the last one says, and put it above the last one."""
    found = draft_or_404(number)
    like = replace(_limits_of(found).cards[-1], name="", when=When())
    return _form_page(found, like, at=None)


@desk_cards.route("/<int:at>", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def edit(number: int, at: int) -> ResponseReturnValue:
    """Show the form of a card, and take what it is to say."""
    found = draft_or_404(number)
    return _form_page(found, _card_or_404(_limits_of(found), at) if request.method == "GET" else None, at=at)


def _form_page(found: LimitsDraft, card: Card | None, *, at: int | None) -> ResponseReturnValue:
    of, revision, conflict = currency(), found.revision, None
    if request.method == "GET":
        form = form_for(card, currency=of, sent=typed_before())
        revision = revision_given() or revision
    else:
        form, revision = form_for(None, currency=of, sent=request.form), revision_given()
        limits = _limits_of(found, revision)
        if at is not None:
            _card_or_404(limits, at)
        form.validate()
        typed = _typed(form, limits, at)
        if typed is not None:
            done = save(found, write(_with(limits, typed, at)), revision=revision)
            if not isinstance(done, Changed):
                return redirect(draft_url(found.number), 303)
            found, conflict = draft_or_404(found.number), conflict_of(found, revision)
            revision, at = done.revision, _place_now(found, at, limits)
    return render_template(
        "desk/card.html",
        form=form,
        one=found,
        at=at,
        name=form["name"].data,
        sections=SECTIONS,
        hints=_hints(),
        revision=revision,
        conflict=conflict,
        loses_notes="#" in found.source,
    ), 200 if request.method == "GET" else 422


def _typed(form: CardForm, limits: LimitsSet, at: int | None) -> Card | None:
    try:
        card = form.card(currency=currency())
    except LimitsError as error:
        form["name"].errors = [flaw_words(each) for each in error.flaws]
        return None
    if card is not None and any(
        other.name == card.name for place, other in enumerate(limits.cards, start=1) if place != at
    ):
        form["name"].errors = [_("Another card has this name. Findings name cards, so each has its own.")]
        return None
    return card


def _place_now(found: LimitsDraft, at: int | None, read: LimitsSet) -> int | None:
    """Give where a card stands by now that somebody had read; None for a new one, or one that is gone."""
    names = [card.name for card in _limits_of(found).cards]
    name = read.cards[at - 1].name if at is not None else None
    return names.index(name) + 1 if name in names else None


def _with(limits: LimitsSet, card: Card, at: int | None) -> LimitsSet:
    """Put a card into a set: in its place, or a new one above the last, which is usually for everything else."""
    cards = list(limits.cards)
    if at is None:
        cards.insert(len(cards) - (limits.cards[-1].when == When()), card)
    else:
        cards[at - 1] = card
    return replace(limits, cards=tuple(cards))


def _hints() -> dict[str, str]:
    found = {}
    for section in SECTIONS:
        for part in section.parts:
            for entry in part.entries:
                if not isinstance(entry, Rows) and entry.hint is not None:
                    found[entry.key] = str(entry.hint)
    return found


@desk_cards.post("/<int:at>/<what>")
@needs(Permission.WRITE_LIMITS)
def move(number: int, at: int, what: str) -> ResponseReturnValue:
    """Move a card up or down in the order in which cards are tried, or put a copy below it."""
    if what not in ("up", "down", "copy"):
        abort(404)
    found = draft_or_404(number)
    limits = _limits_of(found, revision_given())
    card, cards = _card_or_404(limits, at), list(limits.cards)
    if what == "copy":
        cards.insert(at, replace(card, name=_name_of_copy(card.name, limits)))
    else:
        other = at - 1 + (1 if what == "down" else -1)
        if not 0 <= other < len(cards):
            abort(404)
        cards[at - 1], cards[other] = cards[other], cards[at - 1]
    return _saved(found, replace(limits, cards=tuple(cards)))


def _name_of_copy(name: str, limits: LimitsSet) -> str:
    taken = {card.name for card in limits.cards}
    for count in range(2, len(taken) + 3):
        made = f"{name[: LONGEST_NAME - 6]} ({count})"
        if made not in taken:
            return made
    raise AssertionError(name)


def _saved(found: LimitsDraft, limits: LimitsSet) -> ResponseReturnValue:
    say_if_changed(save(found, write(limits), revision=revision_given()))
    return redirect(draft_url(found.number), 303)


@desk_cards.route("/<int:at>/remove", methods=["GET", "POST"])
@needs(Permission.WRITE_LIMITS)
def remove(number: int, at: int) -> ResponseReturnValue:
    """Ask once, and take a card out of a draft."""
    found = draft_or_404(number)
    limits = _limits_of(found, revision_given() if request.method == "POST" else None)
    card = _card_or_404(limits, at)
    if request.method == "POST" and len(limits.cards) > 1:
        return _saved(found, replace(limits, cards=tuple(each for each in limits.cards if each is not card)))
    return render_template("desk/remove_card.html", one=found, at=at, name=card.name, form=None)

"""What can't both hold in a draft, in the reader's language, with the names that the form of a card has for its boxes.

Invariant: each thing that `portal.limits.checks` can find has a sentence here; a test holds the two together.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final

from babel.dates import get_month_names

from portal.desk.card_form import SECTIONS, Rows, choice_words
from portal.desk.sentences import listed, year_day
from portal.limits.cards import DiscountBand, RateBand, YearDay
from portal.limits.checks import Place, Problem, Share, Value, Why
from portal.money import Money
from portal.web.formats import day as day_words
from portal.web.formats import money, percent
from portal.web.languages import Later, get_locale, lazy_gettext
from portal.web.languages import gettext as _

_SENTENCES: Final[dict[Why, Later]] = {
    Why.ENDS: lazy_gettext("%(k1)s is %(v1)s, below %(k2)s, %(v2)s: no debt fits."),
    Why.ATTRIBUTE_ENDS: lazy_gettext("%(k1)s is %(v1)s, below the number it begins with, %(v2)s: no debt fits."),
    Why.NOBODY_LESS_FOR_THAT: lazy_gettext(
        "%(k1)s looks at something for which nobody may be offered less (%(v1)s). If it means something else, give it "
        "another name in the mapping of the file."
    ),
    Why.NO_DEBT_CAN_PAY: lazy_gettext("%(k1)s is %(v1)s, above %(k2)s, %(v2)s: no debt of this card can pay it."),
    Why.HARDSHIP_ASKS_MORE: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: people in hardship may never be asked for more."
    ),
    Why.TOKEN_ABOVE_PAYMENT: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: a sign of good will may not be more than a payment."
    ),
    Why.HARDSHIP_LESS_TIME: lazy_gettext(
        "%(k1)s is %(v1)s, shorter than %(k2)s, %(v2)s: people in hardship may never be given less time."
    ),
    Why.ALONE_BEYOND_TERM: lazy_gettext("%(k1)s is %(v1)s, longer than %(k2)s, %(v2)s: it can never be reached."),
    Why.STEPS_FILL_TERM: lazy_gettext(
        "%(k1)s is %(v1)s, and %(k2)s is %(v2)s: no payment could go up. Write 0 if none should."
    ),
    Why.OFFER_OUTLIVES_PAYMENT: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: an offer would outlive its own first payment."
    ),
    Why.REDUCED_FILLS_TERM: lazy_gettext(
        "%(k1)s is %(v1)s, and %(k2)s is %(v2)s: the usual payment would never come back."
    ),
    Why.RATE_WITHOUT_MEANING: lazy_gettext("%(k1)s means nothing as long as %(k2)s says: %(v1)s."),
    Why.SEASON_NOT_LOWER: lazy_gettext("%(k1)s is %(v1)s, not below %(k2)s, %(v2)s: it never counts."),
    Why.SEASON_ENDS: lazy_gettext(
        "%(k1)s is %(v1)s, before its first day, %(v2)s: the season never comes. Write one over New Year as two."
    ),
    Why.SEASON_TWICE: lazy_gettext("%(k1)s: another season has the same name."),
    Why.SEASONS_MEET: lazy_gettext("%(k1)s (%(v1)s to %(v2)s) and %(k2)s (%(v3)s to %(v4)s): both count on some days."),
    Why.SEASONAL_WITHOUT_MONTHS: lazy_gettext(
        "%(k1)s offers payments by season, but %(k2)s names no month: the season never comes."
    ),
    Why.MONTHS_WITHOUT_SEASONAL: lazy_gettext(
        "%(k1)s names months, but %(k2)s does not offer payments by season: they never count."
    ),
    Why.TERM_WITHOUT_SEASON: lazy_gettext(
        "%(k1)s and %(k2)s: up to %(v1)s months lie between two of %(v2)s, so in %(v3)s months the season may never "
        "come."
    ),
    Why.FIRST_PAYMENT_WITHOUT_SEASON: lazy_gettext(
        "%(k1)s and %(k2)s: %(v1)s days may hold no day of %(v2)s; it takes up to %(v3)s days."
    ),
    Why.BAND_ENDS: lazy_gettext("%(k1)s is %(v1)s, below the days it begins with, %(v2)s: no debt fits."),
    Why.STAGED_ABOVE_LUMP: lazy_gettext(
        "%(k1)s is %(v1)s, above %(v2)s at once: paying later would be worth more than paying at once. If it is "
        "meant, tick “More may be let off in parts than at once”."
    ),
    Why.STAGED_IN_ONE_PART: lazy_gettext(
        "%(k1)s and %(k2)s: a settlement in parts takes at least two payments, and %(v1)s is allowed."
    ),
    Why.BAND_BEYOND_PERSON: lazy_gettext("%(k1)s is %(v1)s, above %(k2)s, %(v2)s: what is offered would be refused."),
    Why.BANDS_OVERLAP: lazy_gettext("%(k1)s and %(k2)s: both are for some of the same days."),
    Why.BANDS_LEAVE_A_GAP: lazy_gettext(
        "%(k1)s and %(k2)s: from %(v1)s to %(v2)s days late nothing is said. Where nothing should be let off, write 0."
    ),
    Why.BANDS_FOR_OTHER_DEBTS: lazy_gettext(
        "%(k1)s and %(k2)s: no row is for any debt of this card, so nothing is ever let off."
    ),
    Why.NOTHING_TO_LET_OFF: lazy_gettext(
        "%(k1)s and %(k2)s: nothing of any part may be let off, so no discount can ever be given."
    ),
    Why.ALONE_ABOVE_BANDS: lazy_gettext("%(k1)s is %(v1)s, above the most of %(k2)s, %(v2)s: it can never be reached."),
    Why.ALONE_BEYOND_PERSON: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: what is agreed on the spot would be refused."
    ),
    Why.HARDSHIP_BEYOND_PERSON: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: people in hardship would be refused what they may be given."
    ),
    Why.ALONE_WITHOUT_DISCOUNT: lazy_gettext(
        "%(k1)s and %(k2)s: a discount is agreed on the spot, but none is offered."
    ),
    Why.AGENTS_BEYOND_PERSON: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: the helpdesk could grant what the rules refuse."
    ),
    Why.PAUSE_OF_NOTHING: lazy_gettext("%(k2)s is 0, so no pause can be had. Leave all about pauses empty."),
    Why.NEVER_REACHED: lazy_gettext("%(k1)s is %(v1)s, above %(k2)s, %(v2)s: it can never be reached."),
    Why.INTEREST_IN_A_PAUSE: lazy_gettext(
        "%(k1)s and %(k2)s: interest would go on in a pause (%(v1)s) of a plan that bears no interest."
    ),
    Why.PRINCIPAL_LET_OFF: lazy_gettext(
        "%(k1)s names principal: the payments pay the principal, so it can’t be let off with them."
    ),
    Why.DOWN_PAYMENT_NEVER_ASKED: lazy_gettext(
        "%(k1)s is %(v1)s, above %(k2)s, %(v2)s: no debt of this card is ever asked for one."
    ),
    Why.NO_CHANGES: lazy_gettext("%(k1)s: the most of each is 0. Leave all of it empty."),
    Why.NO_MOVES: lazy_gettext("%(k1)s is %(v1)s and %(k2)s is %(v2)s: no date could ever be moved."),
    Why.NO_SECOND_SKIP: lazy_gettext(
        "%(k1)s is %(v1)s and %(k2)s is %(v2)s: in a year there is no second one that it could keep apart."
    ),
    Why.NOTHING_IS_KEPT: lazy_gettext("%(k1)s is 100%%: a payment of which nothing came would count as kept."),
    Why.INSTALMENTS_WITHOUT_PLAN: lazy_gettext(
        "%(k1)s: a debt without a plan has no payments of a plan that could come one after the other."
    ),
    Why.SAME_FIRST_DAY: lazy_gettext(
        "It starts on %(v2)s, and so does version %(v1)s: nobody could tell from the day which of them counts. Choose "
        "another first day."
    ),
    Why.BEFORE_WHAT_COUNTS: lazy_gettext(
        "It starts on %(v2)s, and version %(v1)s counts since %(v3)s: this one would never count. Choose a later "
        "first day."
    ),
}
# Tables of the file that a sentence names as a whole.
_WHOLE: Final[dict[str, Later]] = {
    "when": lazy_gettext("Which debts"),
    "least_payment": lazy_gettext("Least payment a month"),
    "discount": lazy_gettext("Settlements for less"),
    "discount.ceilings": lazy_gettext("the most of each part that is let off"),
    "holiday": lazy_gettext("Pauses"),
    "changes": lazy_gettext("What somebody may change alone"),
    "effective_from": lazy_gettext("First day"),
}


def problem_words(problem: Problem) -> str:
    """Say what can't both hold."""
    found = str(_SENTENCES[problem.why])
    said = {f"k{at}": place_words(place) for at, place in enumerate(problem.places, start=1)}
    said |= {f"v{at}": value_words(value) for at, value in enumerate(problem.values, start=1)}
    return found % said


@cache
def _labels() -> dict[str, Later]:
    found: dict[str, Later] = dict(_WHOLE)
    for section in SECTIONS:
        for part in section.parts:
            for entry in part.entries:
                if isinstance(entry, Rows):
                    found[entry.key] = entry.title
                    found |= {f"{entry.key}.{each.key}": each.label for each in entry.entries}
                else:
                    found[entry.key] = entry.label
    return found


def place_words(place: Place) -> str:
    """Name a box of the form, and its row where it has several."""
    label = f"“{_labels()[place.key]}”"
    match place.row:
        case RateBand():
            return _("%(box)s of the season “%(name)s”", box=label, name=place.row.name)
        case DiscountBand(days_late_to=None):
            return _("%(box)s (from %(first)s days late on)", box=label, first=place.row.days_late_from)
        case DiscountBand():
            return _(
                "%(box)s (%(first)s to %(last)s days late)",
                box=label,
                first=place.row.days_late_from,
                last=place.row.days_late_to,
            )
        case str():
            return _("%(box)s, “%(name)s”", box=label, name=place.row)
    return label


def value_words(value: Value) -> str:
    """Say a value as the sentences of a card do."""
    match value:
        case Money():
            return money(value)
        case Share():
            return percent(Decimal(value.bps) / 100)
        case YearDay():
            return year_day(value)
        case date():
            return day_words(value)
        case Enum():
            return choice_words(value)
        case tuple():
            names: Any = get_month_names("wide", locale=get_locale() or "en")
            return listed([names[month] for month in value])
        case Decimal():
            return f"{value:f}"
    return str(value)

"""What is wrong with a file of limits, in the reader's language; keys and what was typed stand as in the file.

Invariant: each thing that `portal.limits.reading` can find has a sentence here; a test holds the two together.
"""

from __future__ import annotations

from typing import Final

from portal.limits.flaws import Fact, Flaw, Needed, Wanted, Wrong
from portal.web.languages import Later, lazy_gettext
from portal.web.languages import gettext as _

_SENTENCES: Final[dict[Wrong, Later]] = {
    Wrong.NOT_TOML: lazy_gettext("Line %(v2)s can’t be read as TOML: “%(v3)s”"),
    Wrong.TOO_DEEP: lazy_gettext("The file nests too deep: at most %(v1)s tables or lists stand in one another."),
    Wrong.FILE_WITH_TOO_MANY_DIGITS: lazy_gettext(
        "A number in the file has too many digits; %(v1)s before the point and %(v2)s after it are the most."
    ),
    Wrong.MORE: lazy_gettext("And %(v1)s more like these."),
    Wrong.TOO_MANY_CARDS: lazy_gettext("%(v1)s cards are too many; a file has at most %(v2)s."),
    Wrong.OTHER_CURRENCY: lazy_gettext("The amounts are in %(v1)s, but your debts are in %(v2)s."),
    Wrong.SAME_NAME: lazy_gettext("Another card has the same name."),
    Wrong.TOO_LONG: lazy_gettext("%(key)s is %(v2)s signs long; %(v3)s are the most."),
    Wrong.UNSEEN_SIGN: lazy_gettext("%(key)s holds a sign that nobody sees (%(v2)s). Write it without."),
    Wrong.NO_ENDS: lazy_gettext("%(key)s has neither from nor to."),
    Wrong.NO_REDUCED_RATE: lazy_gettext("%(key)s is missing; a reduced policy needs it."),
    Wrong.TWO_SORTS_OF_ENDS: lazy_gettext(
        '%(key)s and from must both be days of a year ("09-01"), or both be dates (2026-09-01).'
    ),
    Wrong.UNKNOWN_KEY: lazy_gettext("%(key)s is not known here. Known are: %(v1)s."),
    Wrong.MISSING: lazy_gettext("%(key)s is missing. It needs %(v1)s."),
    Wrong.TOO_MANY_DIGITS: lazy_gettext(
        "%(key)s is %(v1)s; at most %(v2)s digits before the point and %(v3)s after it can be read."
    ),
    Wrong.NOT_THAT: lazy_gettext("%(key)s is %(v1)s. It needs %(v2)s."),
    Wrong.OUT_OF_BOUNDS: lazy_gettext("%(key)s is %(v1)s; it may be from %(v2)s to %(v3)s."),
    Wrong.NEGATIVE: lazy_gettext("%(key)s is %(v1)s, below zero."),
    Wrong.NOT_ABOVE_ZERO: lazy_gettext("%(key)s must be above zero."),
    Wrong.NO_AMOUNT: lazy_gettext("%(key)s is %(v1)s: more decimals than %(v2)s has, or too large."),
    Wrong.NO_PERCENTAGE: lazy_gettext("%(key)s is %(v1)s; it may be from %(v2)s to %(v3)s percent."),
    Wrong.TOO_FINE: lazy_gettext("%(key)s is %(v1)s; two decimals are the most."),
}
_NEEDED: Final[dict[Needed, Later]] = {
    Needed.TEXT: lazy_gettext("a text in quotes"),
    Needed.TEXTS: lazy_gettext("a list of texts"),
    Needed.TEXTS_OR_ENDS: lazy_gettext("a list of texts, or { from = 1, to = 2 }"),
    Needed.DAY: lazy_gettext("a date like 2026-01-31, without quotes"),
    Needed.WHOLE: lazy_gettext("a whole number"),
    Needed.YES_OR_NO: lazy_gettext("true or false"),
    Needed.NUMBER: lazy_gettext("a number like 5 or 5.5, without quotes"),
    Needed.AMOUNT: lazy_gettext("an amount in %(more)s like 25 or 25.50, without quotes"),
    Needed.RATE: lazy_gettext("a yearly rate in percent like 4.5, without quotes"),
    Needed.PERCENTAGE: lazy_gettext("a percentage like 2.5, without quotes"),
    Needed.ONE_OF: lazy_gettext("one of: %(more)s"),
    Needed.SOME_OF: lazy_gettext("a list of one or more of: %(more)s"),
    Needed.MONTHS: lazy_gettext("a list of months from 1 to 12"),
    Needed.SEASON_END: lazy_gettext('a day of a year like "09-01", or a date like 2026-09-01 without quotes'),
    Needed.TABLE: lazy_gettext("a table"),
    Needed.TABLE_NAMED: lazy_gettext("a table [%(more)s]"),
    Needed.TABLES: lazy_gettext("at least one [[%(more)s]]"),
}


def flaw_words(flaw: Flaw | str) -> str:
    """Say what is wrong, with the card that it is in."""
    if isinstance(flaw, str):
        return flaw
    facts = {f"v{at}": _fact(fact) for at, fact in enumerate(flaw.facts, start=1)}
    said = str(_SENTENCES[flaw.why]) % {"key": flaw.key, **facts}
    if not flaw.card:
        return said
    if isinstance(flaw.card, int):
        return _("Card %(number)s: %(said)s", number=flaw.card, said=said)
    return _("Card “%(name)s”: %(said)s", name=flaw.card, said=said)


def _fact(fact: Fact) -> str:
    return str(_NEEDED[fact.needed]) % {"more": fact.more} if isinstance(fact, Wanted) else str(fact)

"""States, findings and refusals of the desk in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from portal.desk.differences import Differing
from portal.desk.drafts import CALLED_OFF, NotTwoPeople, tied_days
from portal.desk.problem_words import problem_words
from portal.desk.states import State
from portal.desk.two_people import Tie
from portal.limits.findings import MOST_OVERLAPS, Finding, Kind, Level
from portal.limits.precedence import Sample
from portal.money import Money
from portal.web.formats import day, money
from portal.web.languages import gettext as _


def version_state(state: str) -> tuple[str, str]:
    """Give where a version stands, and the kind of its tag."""
    return {
        "in_force": (_("Counts now"), "good"),
        "to_come": (_("Still to come"), "wait"),
        "before": (_("Before"), "plain"),
        "called_off": (_("Called off"), "bad"),
    }[state]


def draft_state(state: str) -> tuple[str, str]:
    """Give where a draft stands, and the kind of its tag."""
    return {
        State.OPEN: (_("Being written"), "plain"),
        State.SENT: (_("Waits for a second person"), "wait"),
        State.SENT_BACK: (_("Sent back"), "bad"),
        State.APPROVED: (_("Approved"), "good"),
        CALLED_OFF: (_("Called off"), "bad"),
        State.WITHDRAWN: (_("Withdrawn"), "plain"),
    }[state]


def tie_words(found: NotTwoPeople) -> str:
    """Say why somebody can't approve a draft, and what would do."""
    return {
        Tie.ONESELF: _("You wrote or sent this draft yourself. Somebody else has to look at it."),
        Tie.SAME_MAILBOX: _(
            "Your address and that of %(name)s lead to one mailbox. Somebody else has to look at this draft.",
            name=found.colleague,
        ),
        Tie.SAME_BROWSER: _(
            "%(name)s, who wrote this draft, signed in on this device too in the last %(days)s days. Somebody on "
            "another device has to look at it.",
            name=found.colleague,
            days=tied_days(),
        ),
        Tie.BROUGHT_IN: _(
            "You and %(name)s, who wrote this draft: one of you invited the other or gave the roles, in the last "
            "%(days)s days. Somebody else has to look at it.",
            name=found.colleague,
            days=tied_days(),
        ),
        Tie.BROUGHT_IN_BY_ONE: _(
            "You and %(name)s, who wrote this draft: one of you invited a colleague, or gave the roles, who did the "
            "same for the other, in the last %(days)s days. Somebody else has to look at it.",
            name=found.colleague,
            days=tied_days(),
        ),
    }[found.tie]


@dataclass(frozen=True, slots=True)
class Said:
    """A finding as a page shows it: `cards` with the number of each."""

    key: str
    is_error: bool
    title: str
    words: str
    cards: tuple[tuple[str, int | None], ...]
    # What would be lost, as it is said now and then; and whether the second person has to tick it too.
    lost: tuple[Differing, ...] = ()
    by_both: bool = False
    version: int | None = None


def beside_words(found: Finding, *, first_day: date, base: int | None, lost: tuple[Differing, ...]) -> Said:
    """Say what of another version would be lost, or what of the draft, each as it stands before and after."""
    values = {"number": found.version, "day": day(first_day)}
    if found.kind is Kind.LEFT_OUT:
        title = _("Version %(number)s says things that this draft leaves out", **values)
        begun = (
            _("The draft was begun on version %(base)s.", base=base)
            if base is not None
            else _("The draft was begun on no version.")
        )
        words = (
            begun
            + " "
            + _("On its first day version %(number)s counts, since %(day)s. This would end with the draft:", **values)
        )
    else:
        title = _("Version %(number)s leaves out what this draft changes", **values)
        words = _("It begins on %(day)s, after the draft. From then on this of the draft would not count:", **values)
    return Said(found.key, False, title, words, (), lost=lost, by_both=True, version=found.version)


def finding_words(found: Finding, *, currency: str, at: Callable[[str], int | None], debts: int | None = None) -> Said:
    """Say what speaks against a draft; `at` finds the number of a card, `debts` counts those that have none."""
    said = problem_words(found.problem) if found.problem is not None else ""
    title, words = {
        Kind.CONTRADICTION: (_("This can’t both hold"), said),
        Kind.NEVER_APPLIES: (
            _("This card can never apply"),
            _("The first card named here gets no debt: the others stand above it and take all that it is for."),
        ),
        Kind.FIRST_DAY: (
            _("The first day does not go"),
            said,
        ),
        Kind.OVERLAP: (_("Two cards fit the same debts"), _overlap(found, currency)),
        Kind.OVERLAPS: (
            _("Too many cards fit the same debts"),
            _(
                "More than %(count)s pairs do, and nobody would look at each. Let cards be for different debts, or put "
                "the special ones above the general ones.",
                count=MOST_OVERLAPS,
            ),
        ),
        Kind.TANGLED: (
            _("Whether all debts have a card is not known"),
            _("The cards look at too many things crosswise. Look at the last card: is it for everything else?"),
        ),
        Kind.GAP: (_("Some debts have no card"), _gap(found, currency, debts)),
    }[found.kind]
    return Said(
        key=found.key,
        is_error=found.level is Level.ERROR,
        title=title,
        words=words,
        cards=tuple((card, at(card)) for card in found.cards),
    )


def _overlap(found: Finding, currency: str) -> str:
    return _(
        "The upper one counts for these, because it stands first. For example: %(debt)s.",
        debt=sample_words(found.sample, currency),
    )


def _gap(found: Finding, currency: str, debts: int | None) -> str:
    words = _(
        "Whoever owes such a debt is led to a person. For example: %(debt)s.",
        debt=sample_words(found.sample, currency),
    )
    if debts is None:
        return words
    return (
        words
        + " "
        + (
            _("Of your debts, %(count)s have no card today.", count=debts)
            if debts
            else _("None of your debts is one today.")
        )
    )


def sample_words(sample: Sample | None, currency: str) -> str:
    """Describe a debt that is an example."""
    if sample is None:
        return ""
    said = [
        _("a balance of %(amount)s", amount=money(Money(sample.balance_minor, currency))),
        _("%(days)s days late", days=sample.days_late),
        _("product %(product)s", product=sample.product) if sample.product else "",
        *(
            _("“%(name)s” is %(value)s", name=name, value=value) if value else _("without “%(name)s”", name=name)
            for name, value in sample.attributes
        ),
    ]
    return _(", ").join(words for words in said if words)

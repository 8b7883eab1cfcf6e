"""States, findings and refusals of the desk in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.desk.drafts import NotTwoPeople, tied_days
from portal.desk.states import State
from portal.desk.two_people import Tie
from portal.limits.findings import Finding, Kind, Level
from portal.limits.precedence import Sample
from portal.money import Money
from portal.web.formats import money
from portal.web.languages import gettext as _


def version_state(state: str) -> tuple[str, str]:
    """Give where a version stands, and the kind of its tag."""
    return {
        "in_force": (_("Counts now"), "good"),
        "to_come": (_("Still to come"), "wait"),
        "before": (_("Before"), "plain"),
    }[state]


def draft_state(state: str) -> tuple[str, str]:
    """Give where a draft stands, and the kind of its tag."""
    return {
        State.OPEN: (_("Being written"), "plain"),
        State.SENT: (_("Waits for a second person"), "wait"),
        State.SENT_BACK: (_("Sent back"), "bad"),
        State.APPROVED: (_("Approved"), "good"),
        State.WITHDRAWN: (_("Withdrawn"), "plain"),
    }[State(state)]


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
    }[found.tie]


@dataclass(frozen=True, slots=True)
class Said:
    """A finding as a page shows it: `cards` with the number of each, `sentence` in the words of the file's language."""

    key: str
    is_error: bool
    title: str
    words: str
    sentence: str
    cards: tuple[tuple[str, int | None], ...]


def finding_words(found: Finding, *, currency: str, at: Callable[[str], int | None], debts: int | None = None) -> Said:
    """Say what speaks against a draft; `at` finds the number of a card, `debts` counts those that have none."""
    title, words = {
        Kind.CONTRADICTION: (_("This can’t both hold"), ""),
        Kind.NEVER_APPLIES: (
            _("This card can never apply"),
            _("The first card named here gets no debt: the others stand above it and take all that it is for."),
        ),
        Kind.FIRST_DAY: (
            _("The first day does not go"),
            _("No two versions start on one day, and none before the one that counts now. Choose another first day."),
        ),
        Kind.OVERLAP: (_("Two cards fit the same debts"), _overlap(found, currency)),
        Kind.GAP: (_("Some debts have no card"), _gap(found, currency, debts)),
    }[found.kind]
    return Said(
        key=found.key,
        is_error=found.level is Level.ERROR,
        title=title,
        words=words,
        sentence=found.sentence,
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

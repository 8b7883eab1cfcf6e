"""What a batch of letters, and each letter of one, is called."""

from __future__ import annotations

from portal.letters.views import kind_words
from portal.web.languages import gettext as _
from portal.web.languages import ngettext


def state_words(state: str) -> tuple[str, str]:
    """Give the state of a batch, and the kind of its tag."""
    return {
        "asked": (_("Waits for a yes"), "wait"),
        "preparing": (_("Is being prepared"), "wait"),
        "running": (_("Letters are being made"), "wait"),
        "paused": (_("Paused"), "wait"),
        "done": (_("Done"), "good"),
        "called_off": (_("Called off"), "plain"),
    }[state]


def chosen_words(chosen: str) -> str:
    """Say for which debts a batch is."""
    return {
        "open": _("All open debts"),
        "plan": _("Those with a plan that runs"),
        "listed": _("Those of a list"),
    }[chosen]


def letter_words(kind: str) -> str:
    """Give the name of a kind of letter as the lender's people call it."""
    return _("Information on the credit record") if kind == "credit-status" else kind_words(kind)


def why_not_words(why: str) -> str:
    """Say why a letter could not be made."""
    return {
        "gone": _("the debt is not here any more"),
        "recalled": _("the debt was recalled"),
        "not_true": _("the letter would say what isn’t so"),
        "still_owed": _("something is still owed"),
        "nothing_paid": _("nothing was paid"),
        "on_its_way": _("a payment is on its way"),
        "may_go_back": _("it is not decided whether a payment goes back"),
        "bank_can_take_back": _("a bank can still take a payment back by itself"),
        "let_off": _("a part was let off, so it was not all paid"),
        "nothing_let_off": _("nothing was let off"),
        "not_agreed": _("there is no plan that runs"),
        "fault": _("something is wrong with the portal itself; whoever runs it finds it in the log"),
    }[why]


def time_words(seconds: float) -> str:
    """Give how long something takes, roughly."""
    minutes = max(round(seconds / 60), 1)
    if minutes < 90:
        return ngettext("about %(num)d minute", "about %(num)d minutes", minutes)
    return ngettext("about %(num)d hour", "about %(num)d hours", round(minutes / 60))

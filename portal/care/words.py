"""How requests are called and told: kinds, states, what stops, needs, and each act for the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from portal import clock
from portal.care.clocks import clock_for
from portal.care.states import Kind, State
from portal.web.formats import day as day_words
from portal.web.languages import gettext as _

# The order in which pages offer them.
NEEDS = (
    "more_time",
    "no_calls",
    "writing_only",
    "large_text",
    "read_aloud",
    "interpreter",
    "helper",
    "specialist",
    "rather_not_say",
)
WISHES = ("smaller_amount", "another_day", "pause", "not_sure")


def kind_words(kind: Kind) -> str:
    """Give the name of a kind of request."""
    return {
        Kind.CANT_PAY: _("I can’t pay"),
        Kind.NOT_MINE: _("This isn’t mine"),
        Kind.WRONG_AMOUNT: _("The amount is wrong"),
        Kind.TALK: _("Talk to a person"),
        Kind.COMPLAIN: _("Complain"),
        Kind.WRONG_PERSON: _("A message reached the wrong person"),
        Kind.CONTACT_CHANGE: _("How you can be reached"),
        Kind.OFFER: _("Your offer for a plan"),
    }[kind]


def state_words(state: State) -> str:
    """Give where a request stands, in a word or two."""
    return {
        State.OPEN: _("We have it"),
        State.WITH_PERSON: _("A person looks at it"),
        State.ANSWERED: _("Answered"),
        State.CLOSED: _("Closed"),
        State.WITHDRAWN: _("Taken back"),
    }[state]


def tag_kind(state: State) -> str:
    """Give the kind of tag that goes with a state."""
    return {State.OPEN: "wait", State.WITH_PERSON: "wait", State.ANSWERED: "good"}.get(state, "plain")


def wish_words(wish: str) -> str:
    """Give what somebody who can't pay said would help."""
    return {
        "smaller_amount": _("Pay less each time"),
        "another_day": _("Pay on another day"),
        "pause": _("A pause for a while"),
        "not_sure": _("I don’t know yet"),
    }[wish]


def need_words(need: str) -> str:
    """Give what makes it easier for somebody to deal with us."""
    return {
        "more_time": _("I need more time for things"),
        "no_calls": _("Please don’t call me"),
        "writing_only": _("Please only write to me"),
        "large_text": _("Letters in large print"),
        "read_aloud": _("Somebody reads things out to me"),
        "interpreter": _("I need another language"),
        "helper": _("A helper speaks for me"),
        "specialist": _("I would like to talk to somebody with experience in difficult situations"),
        "rather_not_say": _("I’d rather not say"),
    }[need]


def needs_agreement() -> str:
    """Give what a page says about keeping what was ticked, word for word; ticking is agreeing to it."""
    return _(
        "What you tick we keep, so that you don’t have to say it twice, and use it for nothing else. You can take it "
        "back at any time."
    )


def stopped_words(stops: frozenset[str], *, until: str | None) -> tuple[str, ...]:
    """Say what a hold stops; `until` is its last day in words, or None where it lasts until the answer."""
    words = []
    if "reminders" in stops:
        words.append(
            _("No reminders until %(day)s.", day=until) if until else _("No reminders until you have an answer.")
        )
    if "collection" in stops:
        words.append(_("No messages or letters that ask for this money."))
    # Every hold does these, whatever else it stops: see `autopay.rules` and `plans.states.counted`.
    words.append(_("If you have automatic payments: nothing is taken by itself in this time."))
    words.append(_("No payment of a plan counts as late in this time."))
    return tuple(words)


def promise(door: Kind, *, jurisdiction: str, zone: str, of_debt: bool) -> dict[str, object]:
    """Give what will stop (`stops`), and by when there is an answer (`answer_by`), before anything is sent."""
    now = clock.now()
    today = now.astimezone(clock.zone(zone)).date()
    row = clock_for(door, jurisdiction=jurisdiction, on=today)
    stops = row.stops if of_debt or not row.only_with_debt else frozenset()
    until = None if row.hold_days is None else day_words(today + timedelta(days=row.hold_days))
    return {"answer_by": row.answer_by(today), "stops": stopped_words(stops, until=until) if stops else ()}


def act_words(act: str, facts: Mapping[str, object]) -> str | None:
    """Say in plain words what an act about a request was, for the timeline; None if it is no act of ours."""
    number = str(facts.get("request", ""))
    return {
        "request_opened": _("You asked us for something. Its number is %(number)s.", number=number),
        "request_taken": _("A person began to look at your request %(number)s.", number=number),
        "request_answered": _("Your request %(number)s was answered.", number=number),
        "request_closed": _("Your request %(number)s was closed.", number=number),
        "request_withdrawn": _("You took your request %(number)s back.", number=number),
        "hold_started": _("Because of your request %(number)s we stopped asking you.", number=number),
        "hold_ended": _("What had stopped because of your request %(number)s goes on.", number=number),
        "needs_told": _("You told us what makes it easier for you."),
        "needs_taken_back": _("You took back what you had told us about what makes it easier for you."),
    }.get(act)

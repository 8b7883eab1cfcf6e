"""May this person be called or written to now, and if not, why not and when: by the gate that guards messages too."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from portal import clock
from portal.contact import facts
from portal.people.reach import SMS, shown
from portal.post import gate
from portal.post.gate import Outcome
from portal.post.kinds import kind_of
from portal.web.languages import gettext as _

# What asks somebody to come in, and nobody asked for: what the gate lets through for it, a call may be about.
_KIND = "invitation"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach a person. `until` is when it opens again, if it does by itself."""

    how: str
    address: str
    open: bool
    why_not: tuple[str, ...]
    until: datetime | None


def ways_to_reach(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, needs: Collection[str], stopped: frozenset[str]
) -> list[Way]:
    """Give every contact on file, each with whether it may be used at this instant; numbers also for calls.

    `needs` are what the person said that helps, `stopped` what holds stop.
    """
    found: list[Way] = []
    now = clock.now()
    for point, known in facts.of_contacts(
        lender_id=lender_id, debtor_id=debtor_id, kind=_KIND, now=now, stopped=stopped
    ):
        if point.channel == SMS:
            # A call is no message: what was said of messages is not about it, and what was said of calls is.
            found.append(_way(_("Call"), point.address, replace(known, allowed=True, bounced=False), now, needs))
            found.append(_way(_("SMS"), point.address, known, now, ()))
        else:
            found.append(_way(_("E-mail"), point.address, known, now, ()))
    return found


def _way(how: str, address: str, known: gate.Facts, now: datetime, needs: Iterable[str]) -> Way:
    decision = gate.decide(known, kind=kind_of(_KIND), now=now, rules=facts.rules())
    why = [_reason_words(reason.value) for reason in decision.reasons]
    asked_not_to = {"no_calls", "writing_only"} & set(needs)
    if asked_not_to:
        why.append(_("They asked not to be called."))
    return Way(
        how=how,
        address=shown(address),
        open=decision.outcome is Outcome.SEND and not asked_not_to,
        why_not=tuple(why),
        until=None if asked_not_to else decision.until,
    )


def _reason_words(reason: str) -> str:
    return {
        "quiet_hours": _("It is night, or a day of rest, where they may be."),
        "own_quiet_time": _("It is the quiet time that they chose."),
        "no_open_hour": _("It is never day in all the places where they may be."),
        "opted_out": _("They switched these messages off."),
        "on_hold": _("Something is being looked into, and until then nobody asks for money."),
        "bounced_before": _("An earlier message came back."),
    }.get(reason, _("Something that must be known first is missing."))

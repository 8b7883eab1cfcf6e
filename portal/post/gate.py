"""RULES  The contact gate: may this message leave now, and if not, when or why not.

Invariant: deny wins; what isn't known keeps back what nobody asked for, and never what somebody asked for just now.
It is asked when a reminder is written and again at the instant of sending. Windows are half-open: [from, until).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.post.kinds import Group, Kind

# Wall clocks stand a multiple of this apart everywhere, and so do all hours here.
QUARTER = timedelta(minutes=15)
LOOK_AHEAD = timedelta(days=8)
REST_OF_THE_WORLD = "*"


class BadHours(Exception):
    """The file of hours can't be used; the text says where."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A time of day, each day, in which nobody is written to; `weekdays` (1 is Monday) are quiet all day."""

    since: time
    until: time
    weekdays: frozenset[int] = frozenset()

    def holds_at(self, local: datetime) -> bool:
        """Say whether a wall clock that shows this is inside."""
        if local.isoweekday() in self.weekdays:
            return True
        at = local.time()
        if self.since <= self.until:
            return self.since <= at < self.until
        return at >= self.since or at < self.until


@dataclass(frozen=True, slots=True)
class Hours:
    """The quiet hours of a jurisdiction."""

    id: str
    jurisdiction: str
    quiet: Quiet
    effective_from: date
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the file of hours."""

    version: str
    at_once: timedelta
    hours: tuple[Hours, ...]

    def for_(self, jurisdiction: str, *, on: date) -> Hours:
        """Give the hours in force for a jurisdiction, else those of everybody."""
        for wanted in (jurisdiction.upper(), REST_OF_THE_WORLD):
            fitting = [each for each in self.hours if each.jurisdiction == wanted and each.effective_from <= on]
            if fitting:
                return max(fitting, key=lambda each: each.effective_from)
        raise BadHours(f"no hours are in force on {on}")


def read_rules(text: str) -> Rules:
    """Read the file of hours.

    :raises BadHours: if a time isn't a full quarter, something is missing, or nobody's hours are there for the rest.
    """
    try:
        given = tomllib.loads(text)
        hours = tuple(
            Hours(
                id=row["id"],
                jurisdiction=row["jurisdiction"],
                quiet=Quiet(
                    _quarter(row["quiet_from"]),
                    _quarter(row["quiet_until"]),
                    frozenset(row.get("quiet_weekdays", ())),
                ),
                effective_from=row["effective_from"],
                source=row["source"],
            )
            for row in given["hours"]
        )
        rules = Rules(given["version"], timedelta(minutes=given["at_once_minutes"]), hours)
    except (KeyError, TypeError, ValueError) as problem:
        raise BadHours(str(problem)) from problem
    if REST_OF_THE_WORLD not in {each.jurisdiction for each in hours}:
        raise BadHours("nobody's hours are there for the rest of the world")
    return rules


def _quarter(text: str) -> time:
    at = time.fromisoformat(text)
    if at.minute % 15 or at.second or at.microsecond:
        raise BadHours(f"{text} is not a full quarter of an hour")
    return at


class Outcome(Enum):
    """What the gate says."""

    SEND = "send"
    HOLD = "hold"
    SUPPRESS = "suppress"


class Reason(Enum):
    """Why a message is not sent, or not yet."""

    QUIET_HOURS = "quiet_hours"
    OWN_QUIET_TIME = "own_quiet_time"
    NO_OPEN_HOUR = "no_open_hour"  # Places too far apart: it is never day in all of them.
    OPTED_OUT = "opted_out"
    ON_HOLD = "on_hold"
    BOUNCED_BEFORE = "bounced_before"
    CONTACT_REMOVED = "contact_removed"
    NO_LONGER_TRUE = "no_longer_true"
    TOO_LATE = "too_late"
    UNKNOWN_ZONE = "unknown_zone"
    UNKNOWN_CHOICE = "unknown_choice"
    UNKNOWN_HOLDS = "unknown_holds"
    UNKNOWN_CONTACT = "unknown_contact"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gate is told. None means that nobody knows."""

    jurisdiction: str
    written_at: datetime
    # When the person did what this message answers; None if they did nothing.
    asked_at: datetime | None
    # Every zone that the person may be in.
    zones: tuple[str, ...]
    own_quiet: Quiet | None
    allowed: bool | None
    on_file: bool | None
    bounced: bool | None
    # What holds stop: "reminders", "collection", …
    stopped: frozenset[str] | None
    still_true: bool | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate said, and by which rules; `until` is for a message that is held."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    rule: str
    version: str
    until: datetime | None = None


def decide(facts: Facts, *, kind: Kind, now: datetime, rules: Rules) -> Decision:
    """Say whether a message may leave at an instant."""
    hours = rules.for_(facts.jurisdiction, on=now.astimezone(UTC).date())
    never = tuple(_never(facts, kind, now))
    if never:
        return Decision(Outcome.SUPPRESS, never, hours.id, rules.version)
    if asked_just_now(facts, kind, now=now, rules=rules):
        return Decision(Outcome.SEND, (), hours.id, rules.version)
    zones = _zones(facts.zones)
    if zones is None:
        return Decision(Outcome.SUPPRESS, (Reason.UNKNOWN_ZONE,), hours.id, rules.version)
    shut = _shut(now, zones, hours.quiet, facts.own_quiet)
    if not shut:
        return Decision(Outcome.SEND, (), hours.id, rules.version)
    until = next_open(now, zones=zones, quiet=hours.quiet, own=facts.own_quiet)
    if until is None:
        return Decision(Outcome.SUPPRESS, (*shut, Reason.NO_OPEN_HOUR), hours.id, rules.version)
    return Decision(Outcome.HOLD, shut, hours.id, rules.version, until)


def to_staff(*, rules: Rules) -> Decision:
    """Let a message to a person of the lender pass: what the gate guards are debtors."""
    return Decision(Outcome.SEND, (), "staff", rules.version)


def asked_just_now(facts: Facts, kind: Kind, *, now: datetime, rules: Rules) -> bool:
    """Say whether a message is one that its reader is waiting for at this moment."""
    return kind.at_once and facts.asked_at is not None and now - facts.asked_at < rules.at_once


def _never(facts: Facts, kind: Kind, now: datetime) -> Iterable[Reason]:
    if kind.life is not None and now - facts.written_at >= kind.life:
        yield Reason.TOO_LATE
    unasked = kind.group in (Group.NEWS, Group.REMINDERS)
    if facts.still_true is False or (facts.still_true is None and kind.group is Group.REMINDERS):
        yield Reason.NO_LONGER_TRUE
    # A code is asked for at this address, and goes where it is asked for.
    if kind.group is not Group.CODE:
        if facts.bounced is not False and (facts.bounced or unasked):
            yield Reason.BOUNCED_BEFORE if facts.bounced else Reason.UNKNOWN_CONTACT
        if facts.allowed is not True and (facts.allowed is False or unasked):
            yield Reason.OPTED_OUT if facts.allowed is False else Reason.UNKNOWN_CHOICE
    if unasked and facts.on_file is not True:
        yield Reason.CONTACT_REMOVED if facts.on_file is False else Reason.UNKNOWN_CONTACT
    if kind.collects:
        if facts.stopped is None:
            yield Reason.UNKNOWN_HOLDS
        elif "collection" in facts.stopped or (kind.group is Group.REMINDERS and "reminders" in facts.stopped):
            yield Reason.ON_HOLD


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _zones(names: tuple[str, ...]) -> tuple[ZoneInfo, ...] | None:
    found = [_zone(name) for name in names]
    known = tuple(zone for zone in found if zone is not None)
    return known if known and len(known) == len(found) else None


def _shut(now: datetime, zones: tuple[ZoneInfo, ...], quiet: Quiet, own: Quiet | None) -> tuple[Reason, ...]:
    reasons = []
    locals_ = [now.astimezone(zone) for zone in zones]
    if any(quiet.holds_at(local) for local in locals_):
        reasons.append(Reason.QUIET_HOURS)
    if own is not None and any(own.holds_at(local) for local in locals_):
        reasons.append(Reason.OWN_QUIET_TIME)
    return tuple(reasons)


def next_open(now: datetime, *, zones: tuple[ZoneInfo, ...], quiet: Quiet, own: Quiet | None) -> datetime | None:
    """Give the first full quarter of an hour from now on that is open in every zone; None if a week has none."""
    at = datetime.fromtimestamp(-(-now.timestamp() // 900) * 900, tz=UTC)
    end = now + LOOK_AHEAD
    while at < end:
        if not _shut(at, zones, quiet, own):
            return at
        at += QUARTER
    return None

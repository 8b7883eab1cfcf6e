"""When a message may leave: quiet hours in every zone, choices, holds, and what isn't known."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.post import gate
from portal.post.gate import BadHours, Facts, Outcome, Quiet, Reason, decide, next_open, read_rules
from portal.post.kinds import KINDS, Group, kind_of

RULES = read_rules(Path(gate.__file__).with_name("contact_hours.toml").read_text("utf-8"))
REMINDER, CODE = KINDS["reminder"], KINDS["one_time_code"]
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
UNKNOWN = {"allowed", "on_file", "bounced", "stopped", "still_true"}
# Zones with and without summer time, on both sides of the day line, and with odd quarters.
ZONES = (
    "UTC",
    "America/New_York",
    "America/Los_Angeles",
    "Europe/London",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "America/St_Johns",
    "Africa/Casablanca",
)
# Days on which clocks change somewhere in those zones, and days beside them.
CHANGES = [
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 9, 27),
    date(2026, 10, 4),
    date(2026, 10, 25),
    date(2026, 11, 1),
]


def some_facts(**values: object) -> Facts:
    known = Facts(
        jurisdiction="CN",
        written_at=NOON - timedelta(hours=1),
        asked_at=None,
        zones=("UTC",),
        own_quiet=None,
        allowed=True,
        on_file=True,
        bounced=False,
        stopped=frozenset(),
        still_true=True,
    )
    return replace(known, **values)  # type: ignore[arg-type]


def local(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("at", "leaves"),
    [("21:59", True), ("22:00", False), ("23:59", False), ("00:00", False), ("07:59", False), ("08:00", True)],
)
def test_the_quiet_hours_are_half_open(at: str, leaves: bool) -> None:
    now = local(f"2026-05-04T{at}", "Asia/Shanghai")
    said = decide(some_facts(zones=("Asia/Shanghai",)), kind=REMINDER, now=now, rules=RULES)
    assert (said.outcome is Outcome.SEND) is leaves
    assert said.rule == "CN-01"
    assert said.version == RULES.version


@pytest.mark.parametrize(
    ("jurisdiction", "at", "leaves"),
    [
        ("MX", "08:00", True),
        ("MX", "07:59", False),
        ("PH", "07:59", False),
        ("VN", "07:59", False),
        ("US", "20:59", True),
        ("US", "21:00", False),
        ("us", "21:00", False),
        ("IN", "19:00", False),
        ("GB", "21:59", True),
        ("", "22:00", False),
    ],
)
def test_each_jurisdiction_has_its_own_hours_and_all_others_those_of_everybody(
    jurisdiction: str, at: str, leaves: bool
) -> None:
    now = local(f"2026-05-04T{at}")
    said = decide(some_facts(jurisdiction=jurisdiction), kind=REMINDER, now=now, rules=RULES)
    assert (said.outcome is Outcome.SEND) is leaves


def test_where_sunday_is_quiet_a_message_of_saturday_night_waits_until_monday() -> None:
    now = local("2026-05-02T20:00", "Asia/Jakarta")
    said = decide(some_facts(jurisdiction="ID", zones=("Asia/Jakarta",)), kind=REMINDER, now=now, rules=RULES)
    assert said.until == local("2026-05-04T08:00", "Asia/Jakarta")


def test_a_reminder_at_night_waits_for_the_morning() -> None:
    said = decide(some_facts(), kind=REMINDER, now=local("2026-05-04T22:00"), rules=RULES)
    assert said.outcome is Outcome.HOLD
    assert said.reasons == (Reason.QUIET_HOURS,)
    assert said.until == local("2026-05-05T08:00")


def test_of_two_zones_each_must_be_open() -> None:
    zones = ("America/New_York", "Asia/Shanghai")
    # 08:00 in Shanghai is 20:00 in New York; at 22:00 there it is over.
    opens = local("2026-05-05T08:00", "Asia/Shanghai")
    for minutes, leaves in ((-1, False), (0, True), (119, True), (120, False)):
        said = decide(some_facts(zones=zones), kind=REMINDER, now=opens + timedelta(minutes=minutes), rules=RULES)
        assert (said.outcome is Outcome.SEND) is leaves, minutes
    evening = decide(
        some_facts(zones=zones), kind=REMINDER, now=local("2026-05-04T13:00", "Asia/Shanghai"), rules=RULES
    )
    # 08:00 in New York is 20:00 in Shanghai.
    assert evening.until == local("2026-05-04T08:00", "America/New_York")


def test_places_too_far_apart_have_no_open_hour() -> None:
    zones = ("America/Los_Angeles", "Asia/Shanghai", "Europe/London")
    said = decide(some_facts(zones=zones), kind=REMINDER, now=NOON, rules=RULES)
    assert said.outcome is Outcome.SUPPRESS
    assert Reason.NO_OPEN_HOUR in said.reasons


@given(
    day=some.sampled_from(CHANGES),
    minute=some.integers(-24 * 60, 48 * 60),
    zones=some.lists(some.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
)
def test_what_is_held_is_released_at_the_first_open_quarter_and_never_at_night(
    day: date, minute: int, zones: list[str]
) -> None:
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    said = decide(some_facts(zones=tuple(zones), written_at=now), kind=REMINDER, now=now, rules=RULES)
    at = now if said.outcome is Outcome.SEND else said.until
    if at is None:
        assert Reason.NO_OPEN_HOUR in said.reasons
        return
    for zone in zones:
        assert time(8) <= at.astimezone(ZoneInfo(zone)).time() < time(22)
    # No earlier minute would have done.
    step = now
    while step < at:
        walls = [step.astimezone(ZoneInfo(zone)).time() for zone in zones]
        assert not all(time(8) <= wall < time(22) for wall in walls)
        step += timedelta(minutes=1)
    again = decide(some_facts(zones=tuple(zones), written_at=now), kind=REMINDER, now=at, rules=RULES)
    assert again.outcome is Outcome.SEND


@given(
    since=some.integers(0, 47), length=some.integers(1, 47), zone=some.sampled_from(ZONES), hour=some.integers(0, 23)
)
def test_a_quiet_time_of_ones_own_is_kept_as_well(since: int, length: int, zone: str, hour: int) -> None:
    until = (since + length) % 48
    own = Quiet(time(since // 2, since % 2 * 30), time(until // 2, until % 2 * 30))
    now = datetime(2026, 5, 4, hour, 7, tzinfo=UTC)
    said = decide(some_facts(zones=(zone,), own_quiet=own), kind=REMINDER, now=now, rules=RULES)
    at = now if said.outcome is Outcome.SEND else said.until
    if at is None:
        assert Reason.NO_OPEN_HOUR in said.reasons
    else:
        assert not own.holds_at(at.astimezone(ZoneInfo(zone)))
        assert time(8) <= at.astimezone(ZoneInfo(zone)).time() < time(22)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.at_once])
def test_what_somebody_asked_for_a_moment_ago_leaves_at_night(name: str) -> None:
    night = local("2026-05-04T03:00")
    fresh = some_facts(asked_at=night - timedelta(minutes=2), written_at=night - timedelta(minutes=2))
    assert decide(fresh, kind=KINDS[name], now=night, rules=RULES).outcome is Outcome.SEND


@pytest.mark.parametrize("name", ["request_received", "payment_received", "new_device", "agreement"])
def test_what_was_asked_for_long_ago_waits_for_the_morning(name: str) -> None:
    night = local("2026-05-04T03:00")
    old = some_facts(asked_at=night - RULES.at_once, written_at=night)
    assert decide(old, kind=KINDS[name], now=night, rules=RULES).outcome is Outcome.HOLD


@pytest.mark.parametrize("name", ["reminder", "missed", "invitation", "request_answered"])
def test_what_nobody_asked_for_never_passes_at_night_even_if_it_says_so(name: str) -> None:
    night = local("2026-05-04T03:00")
    fresh = some_facts(asked_at=night, written_at=night)
    assert decide(fresh, kind=KINDS[name], now=night, rules=RULES).outcome is Outcome.HOLD


def test_a_code_that_is_too_old_to_be_of_use_is_not_sent() -> None:
    old = some_facts(asked_at=NOON, written_at=NOON)
    said = decide(old, kind=CODE, now=NOON + timedelta(minutes=10), rules=RULES)
    assert said.reasons == (Reason.TOO_LATE,)
    assert decide(old, kind=CODE, now=NOON + timedelta(minutes=9, seconds=59), rules=RULES).outcome is Outcome.SEND


@pytest.mark.parametrize(
    ("fact", "value", "reason"),
    [
        ("allowed", False, Reason.OPTED_OUT),
        ("on_file", False, Reason.CONTACT_REMOVED),
        ("bounced", True, Reason.BOUNCED_BEFORE),
        ("stopped", frozenset({"reminders"}), Reason.ON_HOLD),
        ("stopped", frozenset({"collection"}), Reason.ON_HOLD),
        ("still_true", False, Reason.NO_LONGER_TRUE),
        ("allowed", None, Reason.UNKNOWN_CHOICE),
        ("on_file", None, Reason.UNKNOWN_CONTACT),
        ("bounced", None, Reason.UNKNOWN_CONTACT),
        ("stopped", None, Reason.UNKNOWN_HOLDS),
        ("still_true", None, Reason.NO_LONGER_TRUE),
        ("zones", (), Reason.UNKNOWN_ZONE),
        ("zones", ("UTC", "Nowhere/Atall"), Reason.UNKNOWN_ZONE),
    ],
)
def test_one_fact_keeps_a_reminder_back(fact: str, value: object, reason: Reason) -> None:
    said = decide(some_facts(**{fact: value}), kind=REMINDER, now=NOON, rules=RULES)
    assert said.outcome is Outcome.SUPPRESS
    assert said.reasons == (reason,)


def test_deny_wins_and_every_reason_is_named() -> None:
    facts = some_facts(allowed=False, bounced=True, stopped=frozenset({"collection"}))
    said = decide(facts, kind=REMINDER, now=local("2026-05-04T03:00"), rules=RULES)
    assert said.outcome is Outcome.SUPPRESS
    assert set(said.reasons) == {Reason.OPTED_OUT, Reason.BOUNCED_BEFORE, Reason.ON_HOLD}


@pytest.mark.parametrize("fact", sorted(UNKNOWN))
def test_what_is_not_known_never_keeps_a_code_from_whoever_asked_for_it(fact: str) -> None:
    facts = some_facts(**{fact: None}, zones=(), asked_at=NOON, written_at=NOON)
    assert decide(facts, kind=CODE, now=NOON, rules=RULES).outcome is Outcome.SEND


def test_a_hold_on_reminders_lets_an_answer_through_and_one_on_collection_an_agreement() -> None:
    held = some_facts(stopped=frozenset({"reminders", "autopay", "collection"}))
    for name in ("request_answered", "agreement", "payment_received"):
        assert decide(held, kind=KINDS[name], now=NOON, rules=RULES).outcome is Outcome.SEND, name
    invited = decide(held, kind=KINDS["invitation"], now=NOON, rules=RULES)
    assert invited.reasons == (Reason.ON_HOLD,)


def test_a_kind_that_nobody_named_is_news_that_waits_and_is_never_sent_twice() -> None:
    unknown = kind_of("something new")
    assert (unknown.group, unknown.at_once, unknown.again) == (Group.NEWS, False, False)


def test_next_open_is_now_when_it_is_open_on_a_quarter() -> None:
    assert next_open(NOON, zones=(ZoneInfo("UTC"),), quiet=Quiet(time(22), time(8)), own=None) == NOON


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('quiet_from = "22:00"', 'quiet_from = "22:10"'),
        ('jurisdiction = "*"', 'jurisdiction = "XX"'),
        ("[[hours]]", "[["),
    ],
)
def test_a_file_of_hours_that_cannot_be_right_is_refused(wrong: str, right: str) -> None:
    text = Path(gate.__file__).with_name("contact_hours.toml").read_text("utf-8")
    with pytest.raises(BadHours):
        read_rules(text.replace(wrong, right))


def test_every_entry_has_a_source_and_is_in_force() -> None:
    assert all(len(each.source) > 10 for each in RULES.hours)
    assert all(each.effective_from <= date(2026, 11, 1) for each in RULES.hours)
    rows = tomllib.loads(Path(gate.__file__).with_name("contact_hours.toml").read_text("utf-8"))["hours"]
    assert [row["id"] for row in rows if not row.get("seen_at")] == ["GL-QH"]


def test_hours_that_begin_later_do_not_hold_before() -> None:
    later = replace(RULES.hours[0], id="GL-NEW", effective_from=date(2027, 1, 1), quiet=Quiet(time(20), time(9)))
    rules = replace(RULES, hours=(*RULES.hours, later))
    assert rules.for_("GB", on=date(2026, 12, 31)).id == "GL-QH"
    assert rules.for_("GB", on=date(2027, 1, 1)).id == "GL-NEW"

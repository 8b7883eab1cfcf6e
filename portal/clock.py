"""The only reading of the clock: instants are UTC, days belong to somebody's zone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_read: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - tests put another reader here


def now() -> datetime:
    """Give this instant in UTC, with its zone."""
    return _read()


def today(zone: str) -> date:
    """Give the calendar day that it is now in an IANA zone such as `Asia/Shanghai`."""
    return _read().astimezone(ZoneInfo(zone)).date()


def zone(name: str) -> ZoneInfo:
    """Give the zone of an IANA name."""
    return ZoneInfo(name)


def pause(seconds: float) -> None:
    """Let time pass."""
    time.sleep(seconds)

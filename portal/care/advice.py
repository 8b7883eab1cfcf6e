"""RULES  Free advice and somebody to talk to, by country; where we know none, nothing is made up.

Invariant: each entry says how it was checked, and where it was seen; pages name no opening hours and no promises.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

TABLE: Final = Path(__file__).with_name("advice.toml")
WHAT: Final = ("debt", "crisis", "complaint")
FROM_MEMORY: Final = "from memory"
PAGE: Final = "page"


class BadAdvice(Exception):
    """The table says something that can't be."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service: what it is for (debt, crisis or complaint), its own name, how to reach it.

    `checked` is "from memory", "page" (seen at the addresses `seen_at`; nobody has called) or the day of a call.
    """

    place: str
    what: str
    name: str
    phone: str | None
    url: str | None
    checked: str
    seen_at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What we know of one country; `emergency` is the number for danger to life."""

    code: str
    emergency: str | None
    services: tuple[Service, ...]

    def of(self, what: str) -> tuple[Service, ...]:
        """Give the services for one purpose."""
        return tuple(service for service in self.services if service.what == what)


def parse(text: str) -> dict[str, Place]:
    """Read the table.

    :raises BadAdvice: if an entry can't be reached, or does not say how it was checked.
    """
    made = {}
    for code, about in tomllib.loads(text).items():
        services = []
        for row in about.get("service", []):
            reached = row.get("url") or (row.get("phone") and row.get("checked") != FROM_MEMORY)
            if row["what"] not in WHAT or not reached or not _says_how(row):
                raise BadAdvice(f"{code}: {row.get('name')}")
            services.append(
                Service(
                    place=code,
                    what=row["what"],
                    name=row["name"],
                    # A number that nobody has seen is given to nobody in need; the address of a page is.
                    phone=row.get("phone") if row["checked"] != FROM_MEMORY else None,
                    url=row.get("url"),
                    checked=row["checked"],
                    seen_at=tuple(row.get("seen_at", ())),
                )
            )
        made[code] = Place(code=code, emergency=about.get("emergency"), services=tuple(services))
    return made


def _says_how(row: Mapping[str, Any]) -> bool:
    checked, seen = row.get("checked", ""), bool(row.get("seen_at"))
    if checked in (FROM_MEMORY, PAGE):
        return seen == (checked == PAGE)
    try:
        return bool(date.fromisoformat(checked))
    except (TypeError, ValueError):
        return False


@lru_cache(maxsize=1)
def places() -> dict[str, Place]:
    """Give every country that we know something of."""
    return parse(TABLE.read_text("utf-8"))


def place_of(jurisdiction: str) -> Place:
    """Give what we know of a country; an empty place where that is nothing. `US-CA` is read as `US`."""
    code = jurisdiction[:2].upper()
    return places().get(code) or Place(code="", emergency=None, services=())

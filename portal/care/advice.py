"""RULES  Free advice and somebody to talk to, by country; where we know none, nothing is made up.

Invariant: what stands in the table was written from memory and says so; pages name no opening hours and no promises.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_name("advice.toml")
WHAT: Final = ("debt", "crisis", "complaint")


class BadAdvice(Exception):
    """The table says something that can't be."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service: what it is for (debt, crisis or complaint), its own name, how to reach it."""

    place: str
    what: str
    name: str
    phone: str | None
    url: str | None
    checked: str


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
            if row["what"] not in WHAT or not (row.get("phone") or row.get("url")) or not row.get("checked"):
                raise BadAdvice(f"{code}: {row.get('name')}")
            services.append(
                Service(
                    place=code,
                    what=row["what"],
                    name=row["name"],
                    phone=row.get("phone"),
                    url=row.get("url"),
                    checked=row["checked"],
                )
            )
        made[code] = Place(code=code, emergency=about.get("emergency"), services=tuple(services))
    return made


@lru_cache(maxsize=1)
def places() -> dict[str, Place]:
    """Give every country that we know something of."""
    return parse(TABLE.read_text("utf-8"))


def place_of(jurisdiction: str) -> Place:
    """Give what we know of a country; an empty place where that is nothing. `US-CA` is read as `US`."""
    code = jurisdiction[:2].upper()
    return places().get(code) or Place(code="", emergency=None, services=())

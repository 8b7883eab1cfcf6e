"""RULES: find a time zone by a city or a country, as people write them in English or Chinese."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from babel.core import get_global

MOST_FOUND = 30
MOST_CHARACTERS = 80
_LANGUAGES = ("en", "zh_Hans")


@dataclass(frozen=True, slots=True)
class Zone:
    """An IANA zone, with its city and country in one language."""

    name: str
    city: str
    country: str


def _plain(text: str) -> str:
    """Give letters without accents and case: `São Paulo` is `sao paulo`."""
    split = unicodedata.normalize("NFKD", text[:MOST_CHARACTERS])
    return "".join(sign for sign in split if not unicodedata.combining(sign)).casefold().strip()


@lru_cache(maxsize=4)
def every(language: str) -> tuple[Zone, ...]:
    """Give all zones where somebody lives, by the name of their city."""
    locale = Locale.parse(language)
    found = []
    for name, territory in get_global("zone_territories").items():
        if "/" not in name or name.startswith("Etc/"):
            continue
        city = str(locale.time_zones.get(name, {}).get("city") or name.rpartition("/")[2].replace("_", " "))
        found.append(Zone(name=name, city=city, country=locale.territories.get(territory, "")))
    return tuple(sorted(found, key=lambda zone: (zone.city, zone.name)))


@lru_cache(maxsize=1)
def _names() -> dict[str, frozenset[str]]:
    """Give what each zone may be called, in every language."""
    called: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        for zone in every(language):
            own = zone.name.rpartition("/")[2].replace("_", " ")
            called.setdefault(zone.name, set()).update(_plain(word) for word in (zone.city, zone.country, own))
    return {name: frozenset(words) for name, words in called.items()}


def find(text: str, *, language: str) -> tuple[Zone, ...]:
    """Give the zones of a city or a country: those called just so, else those whose name begins with it.

    >>> [zone.name for zone in find("shanghai", language="en")]
    ['Asia/Shanghai']
    """
    wanted = _plain(text)
    if not wanted:
        return ()
    called = _names()
    exact = {name for name, words in called.items() if wanted in words}
    begins = {name for name, words in called.items() if any(word.startswith(wanted) for word in words)}
    return tuple(zone for zone in every(language) if zone.name in (exact or begins))[:MOST_FOUND]


def of(name: str, *, language: str) -> Zone:
    """Give one zone in words; one without a city is its own name."""
    return next((zone for zone in every(language) if zone.name == name), Zone(name, name.replace("_", " "), ""))

"""RULES  What no rule may look at, because nobody may be offered less for it: the closed list in `segments.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_name("segments.toml")
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Segment:
    """Something about a person that may not lower an offer, and the words that give its attributes away."""

    name: str
    words: tuple[str, ...]
    signs: tuple[str, ...]

    def is_named_by(self, attribute: str) -> bool:
        """Tell whether an attribute's name is about it: "customer_age" and "AgeBand" are about age, "mileage" isn't."""
        words = {word.lower() for word in _WORD.findall(attribute)}
        return bool(words & set(self.words)) or any(sign in attribute for sign in self.signs)


@cache
def segments() -> tuple[Segment, ...]:
    """Read the closed list of what no rule may look at."""
    raw = tomllib.loads(TABLE.read_text("utf-8"))
    return tuple(Segment(each["name"], tuple(each["words"]), tuple(each["signs"])) for each in raw["segment"])

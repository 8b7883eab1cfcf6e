"""RULES  Colours: their contrast by WCAG 2.2, and a neighbour of the same hue that has enough of it, found in OKLCH.

The roles of the portal's own colours are those of static/css/tokens.css; which may stand on which is listed here, and
the tests compute every pair in light and in dark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, hypot, sin
from pathlib import Path
from types import MappingProxyType
from typing import Final

TOKENS: Final = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
LIGHT, DARK = "light", "dark"
MODES: Final = (LIGHT, DARK)

# WCAG 2.2: text 1.4.3, parts of controls and pictures 1.4.11.
FOR_TEXT: Final = 4.5
FOR_LINES: Final = 3.0

# Words of this role on ground of that role.
TEXT_ON: Final = (
    *((ink, ground) for ink in ("ink", "soft", "brand", "brand-strong") for ground in ("paper", "card", "brand-wash")),
    ("brand-text", "brand"),
    ("brand-text", "brand-strong"),
    *((kind, ground) for kind in ("good", "wait", "bad") for ground in (f"{kind}-wash", "paper", "card")),
    *(("ink", f"{kind}-wash") for kind in ("good", "wait", "bad")),
    ("card", "good"),
    ("card", "bad"),
)
# Edges of boxes, the ring of what has the focus, and what pictures are drawn with.
LINES_ON: Final = (
    *((line, ground) for line in ("edge", "focus", "good", "wait", "brand", "bad") for ground in ("paper", "card")),
    *(("focus", ground) for ground in ("brand-wash", "good-wash", "wait-wash", "bad-wash")),
    *((f"part-{number}", ground) for number in range(5) for ground in ("paper", "card")),
)
_HEX: Final = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


class NotAColour(ValueError):
    """Something that is not written as #rgb or #rrggbb."""

    def __init__(self, given: str) -> None:
        super().__init__(given)
        self.given = given


@dataclass(frozen=True, slots=True)
class Oklch:
    """A colour as lightness (0 to 1), chroma (0 is grey) and hue (radians)."""

    lightness: float
    chroma: float
    hue: float


def colour_from(text: str) -> str:
    """Give a colour as `#rrggbb`: `#Abc` is `#aabbcc`.

    :raises NotAColour: if it is written in another way.
    """
    plain = text.strip().lower()
    if not _HEX.fullmatch(plain):
        raise NotAColour(text)
    return plain if len(plain) == 7 else "#" + "".join(sign * 2 for sign in plain[1:])


def _linear(colour: str) -> tuple[float, float, float]:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two `#rrggbb` colours, from 1 to 21 (WCAG 2.2, relative luminance).

    >>> round(contrast("#000000", "#ffffff"))
    21
    """

    def luminance(colour: str) -> float:
        red, green, blue = _linear(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def to_oklch(colour: str) -> Oklch:
    """Take a colour apart (matrices: bottosson.github.io/posts/oklab)."""
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return Oklch(lightness, hypot(a, b), atan2(b, a))


def _channels(of: Oklch) -> tuple[float, float, float]:
    a, b = of.chroma * cos(of.hue), of.chroma * sin(of.hue)
    long = (of.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (of.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (of.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def from_oklch(wanted: Oklch) -> str:
    """Give the colour that a screen shows: less strong where it must be, of the same hue and lightness."""
    lightness = min(max(wanted.lightness, 0.0), 1.0)
    low, high = 0.0, wanted.chroma
    found = Oklch(lightness, high, wanted.hue)
    if not _on_screen(found):
        for _ in range(24):
            middle = (low + high) / 2
            low, high = (middle, high) if _on_screen(Oklch(lightness, middle, wanted.hue)) else (low, middle)
        found = Oklch(lightness, low, wanted.hue)
    shown = (min(max(part, 0.0), 1.0) for part in _channels(found))
    parts = (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in shown)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _on_screen(of: Oklch) -> bool:
    return all(-0.0005 <= part <= 1.0005 for part in _channels(of))


def nearest(colour: str, *, passes: Callable[[str], bool]) -> str | None:
    """Give the colour of the same hue whose lightness is nearest to this one's and that passes; None if none does."""
    of = to_oklch(colour)
    if passes(colour):
        return colour
    for step in range(1, 501):
        for sign in (-1, 1):
            lightness = of.lightness + sign * step / 500
            if 0 <= lightness <= 1 and passes(found := from_oklch(Oklch(lightness, of.chroma, of.hue))):
                return found
    return None


@lru_cache(maxsize=4)
def own_roles(mode: str) -> Mapping[str, str]:
    """Give the portal's own colours by role, in light or in dark, as the style sheet has them."""
    light, dark = TOKENS.read_text("utf-8").split("@media (prefers-color-scheme: dark)")
    roles = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", light))
    if mode == DARK:
        roles |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", dark))
    return MappingProxyType(roles)


@dataclass(frozen=True, slots=True)
class TooWeak:
    """A pair of roles that has too little contrast, what it has, and what it needs."""

    role: str
    ground: str
    ratio: float
    needs: float


def too_weak(roles: Mapping[str, str], *, of: Iterable[str] = ()) -> tuple[TooWeak, ...]:
    """Give the pairs of roles with too little contrast, the worst first; `of` asks only for pairs with one of these."""
    asked = frozenset(of)
    found = []
    for pairs, needs in ((TEXT_ON, FOR_TEXT), (LINES_ON, FOR_LINES)):
        for role, ground in pairs:
            if asked and not asked & {role, ground}:
                continue
            ratio = contrast(roles[role], roles[ground])
            if ratio < needs:
                found.append(TooWeak(role, ground, ratio, needs))
    return tuple(sorted(found, key=lambda one: one.ratio / one.needs))

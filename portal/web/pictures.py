"""RULES  Pictures drawn on the server as SVG: a plan as a road of payments, a balance by its parts, balances
falling, what fits day by day and what doesn't.

Plain values in, harmless SVG out: no style of its own (classes only), nothing that a script would need. Each has a name
in words, and the page has the same facts in words beside it. Invariant: whatever is drawn lies inside the view box.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Final

from markupsafe import Markup, escape

from portal.money import Money

# A road turns after twelve stops, a year of months; its stops stand 24 apart, its rows 30. Beside them is room for a
# ring, and where the road turns, for the turn.
A_ROW: Final = 12
_SHORTEST_ROW: Final = 6
_STEP, _ROW, _TOP = 24, 30, 14
_RING, _TURN = 10, 20
PAID, NEXT, LATE, LEFT = "paid", "next", "late", "left"

# A bar is a thousand units wide, and no part that is owed at all is narrower than this.
BAR: Final = 1000
NARROWEST: Final = 12

# The falling balance: the field of the lines, what is owed today above it, the word "today" below it.
WIDE: Final = 320
FALL_TOP, FALL_HEIGHT = 22, 132
_BELOW: Final = 22
_INSET: Final = 8
_MOST_LINES: Final = 4
# A line of more corners than the field has units to show them is thinned out.
_MOST_CORNERS: Final = 64
_MOST_STEPS: Final = 25


# The road.


# Plans of one length have one road.
@lru_cache(maxsize=256)
def stops(count: int) -> tuple[tuple[int, int], ...]:
    """Give where each payment stands: row by row, to the right and back again, as one walks it."""
    columns = _columns(count)
    found = []
    for place in range(count):
        row, at = divmod(place, columns)
        column = at if row % 2 == 0 else columns - 1 - at
        found.append((_side(count) + _STEP * column, _TOP + _ROW * row))
    return tuple(found)


def _columns(count: int) -> int:
    return A_ROW if count > A_ROW else max(count, _SHORTEST_ROW)


def _side(count: int) -> int:
    return _TURN if count > A_ROW else _RING


def road_box(count: int) -> tuple[int, int]:
    """Give width and height of the view box of a road."""
    rows = (count - 1) // _columns(count) + 1
    return 2 * _side(count) + _STEP * (_columns(count) - 1), 2 * _TOP + _ROW * (rows - 1)


@lru_cache(maxsize=512)
def _way(places: tuple[tuple[int, int], ...]) -> str:
    """Give the line from stop to stop; it turns in a half circle at the end of a row."""
    path = [f"M{places[0][0]} {places[0][1]}"]
    for (_x, before), (x, y) in zip(places, places[1:], strict=False):
        half = _ROW // 2
        turns_right = (before - _TOP) // _ROW % 2 == 0
        path.append(f"H{x}" if y == before else f"A{half} {half} 0 0 {int(turns_right)} {x} {y}")
    return "".join(path)


def _dots(places: Sequence[tuple[int, int]]) -> str:
    # Not quite no length: some engines leave a line of no length out, round ends or not.
    return "".join(f"M{x} {y}h.01" for x, y in places)


def road(states: Sequence[str], words: str, ident: str = "road") -> Markup:
    """Draw the payments of a plan in order; each state is paid, next, late or left. No payments, no road."""
    if not states:
        return Markup()
    places = stops(len(states))
    width, height = road_box(len(states))
    of = {kind: [place for place, state in zip(places, states, strict=True) if state == kind] for kind in set(states)}
    gone = max((number for number, state in enumerate(states) if state == PAID), default=-1)
    drawn = [_path("road-way", _way(places))]
    if gone > 0:
        drawn.append(_path("road-way road-gone", _way(places[: gone + 1])))
    if LEFT in of:
        dots = _dots(of[LEFT])
        drawn += [_path("road-stops", dots), _path("road-left", dots)]
    if PAID in of:
        drawn += [_path("road-paid", _dots(of[PAID])), _path("road-tick", _ticks(of[PAID]))]
    drawn += [_mark(kind, of[kind]) for kind in (LATE, NEXT) if kind in of]
    name = f"{escape(ident)}-title"
    box = f'viewBox="0 0 {width} {height}" width="{width * 2}" height="{height * 2}"'
    head = f'<svg {box} role="img" aria-labelledby="{name}"><title id="{name}">{escape(words)}</title>'
    return Markup(f"{head}{''.join(drawn)}</svg>")  # noqa: S704 - what was given is escaped, the rest worked out here


def _ticks(places: Sequence[tuple[int, int]]) -> str:
    return "".join(f"M{x - 3.5} {y}l2.5 2.5 4.5-5" for x, y in places)


def _mark(kind: str, places: Sequence[tuple[int, int]]) -> Markup:
    """Draw the stops that need a look: next is a ring with a dot; what is late waits, a ring with a clock's hands."""
    late = " road-late" if kind == LATE else ""
    rings = "".join(f"M{x - 8} {y}a8 8 0 1 0 16 0a8 8 0 1 0-16 0" for x, y in places)
    inner = "".join(f"M{x} {y - 4}v4.5h3.5" for x, y in places) if kind == LATE else _dots(places)
    inside = "road-hands" if kind == LATE else "road-dot"
    return _path(f"road-ring{late}", rings) + _path(f"{inside}{late}", inner)


def _path(classes: str, path: str) -> Markup:
    return Markup(f'<path class="{classes}" d="{path}"/>')  # noqa: S704 - both are worked out here


@lru_cache(maxsize=8)
def stop(kind: str) -> Markup:
    """Draw one stop alone, for the words under a road."""
    here = [(10, 10)]
    drawn = {
        PAID: lambda: _path("road-paid", _dots(here)) + _path("road-tick", _ticks(here)),
        LEFT: lambda: _path("road-stops", _dots(here)) + _path("road-left", _dots(here)),
    }.get(kind, lambda: _mark(kind, here))()
    return Markup('<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true">') + drawn + Markup("</svg>")


# A balance by its parts.


def widths(amounts: Sequence[int]) -> tuple[int, ...]:
    """Share the bar among amounts above zero, in order; the pieces add up to it, and none is too thin to see."""
    whole = sum(amounts)
    if not whole:
        return ()
    edges = [round(BAR * end / whole) for end in accumulate(amounts)]
    wide = [end - start for start, end in zip([0, *edges], edges, strict=False)]
    # Whatever thin pieces need more, the widest gives.
    for place, width in enumerate(wide):
        if width < NARROWEST:
            widest = max(range(len(wide)), key=wide.__getitem__)
            wide[place] += NARROWEST - width
            wide[widest] -= NARROWEST - width
    return tuple(wide)


def balance_bar(parts: Sequence[tuple[str, Money]]) -> Markup:
    """Draw what a balance is made of; parts of nothing have no piece. The words and figures stand beside it."""
    owed = [money.minor for _words, money in parts if money.minor > 0]
    at, drawn = 0, ""
    for place, wide in enumerate(widths(owed)):
        drawn += f'<rect class="part-{place % 5}" x="{at}" width="{wide}" height="20"/>'
        at += wide
    if not drawn:
        return Markup()
    head = '<svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
    return Markup(f"{head}{drawn}</svg>")  # noqa: S704 - all of it is worked out here


# Balances falling.


Points = Sequence[tuple[date, Money]]


def corners(points: Points, *, first: date, days: int, most: int) -> tuple[tuple[float, float], ...]:
    """Give where a balance stands in the field after each payment: x by the day, y by what is left."""
    if len(points) > _MOST_CORNERS:
        step = (len(points) - 1) / (_MOST_CORNERS - 1)
        points = [points[round(step * place)] for place in range(_MOST_CORNERS)]
    across = WIDE - 2 * _INSET
    return tuple(
        (
            round(_INSET + across * (on - first).days / max(days, 1), 1),
            round(FALL_TOP + FALL_HEIGHT * (1 - left.minor / max(most, 1)), 1),
        )
        for on, left in points
    )


def _falls(places: Sequence[tuple[float, float]]) -> str:
    """Give a line that falls in steps; where there are more steps than an eye tells apart, a slope."""
    steps = len(places) <= _MOST_STEPS
    fall = "".join(f"H{x:g}V{y:g}" if steps else f"L{x:g} {y:g}" for x, y in places[1:])
    return f"M{places[0][0]:g} {places[0][1]:g}{fall}"


def end_mark(number: int) -> Markup:
    """Draw what a line ends in alone, for its words below the picture."""
    return Markup('<svg width="14" height="14" aria-hidden="true">') + _end_mark(number, 7, 7) + Markup("</svg>")


def _end_mark(number: int, x: float, y: float) -> Markup:
    """Draw what a line ends in, a shape of its own: circle, square, triangle, diamond."""
    shape = (
        f"M{x - 5:g} {y:g}a5 5 0 1 0 10 0a5 5 0 1 0-10 0",
        f"M{x - 5:g} {y - 5:g}h10v10h-10z",
        f"M{x:g} {y - 6:g}l6 11h-12z",
        f"M{x:g} {y - 6:g}l6 6l-6 6l-6-6z",
    )[number]
    return _path(f"falling-mark falling-mark-{number}", shape)


def balance_falling(lines: Sequence[Points], words: str, ident: str = "falling", *, today: str, top: str) -> Markup:
    """Draw up to four balances falling step by step, each dashed in its own way; the page says below what each is.

    :raises ValueError: if there are more lines, or one has fewer than two points.
    """
    if not 1 <= len(lines) <= _MOST_LINES or any(len(points) < 2 for points in lines):
        raise ValueError("one to four lines of at least two points")
    first = min(points[0][0] for points in lines)
    days = (max(points[-1][0] for points in lines) - first).days
    most = max(left.minor for points in lines for _on, left in points)
    drawn = [corners(points, first=first, days=days, most=most) for points in lines]
    ground = FALL_TOP + FALL_HEIGHT
    parts = [
        Markup('<text class="falling-soft" x="{0}" y="14">{1}</text>').format(_INSET, top),
        _path("falling-axis", f"M{_INSET} {FALL_TOP}V{ground}H{WIDE - _INSET}"),
        Markup('<text class="falling-soft" x="{0}" y="{1}">{2}</text>').format(_INSET, ground + 16, today),
    ]
    # The first line is drawn last, so that it lies on top where all begin together.
    for number, places in reversed(list(enumerate(drawn))):
        parts.append(_path(f"falling-line falling-{number}", _falls(places)))
        parts.append(_end_mark(number, *places[-1]))
    head = Markup('<svg viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-labelledby="{2}-title">').format(
        WIDE, ground + _BELOW, ident
    )
    title = Markup('<title id="{0}-title">{1}</title>').format(ident, escape(words))
    return head + title + Markup("").join(parts) + Markup("</svg>")


# What fits, day by day, and what doesn't: up from a line, and down from it, so that no colour has to be told apart.
DAYS_TOP, DAYS_UP, DAYS_DOWN = 20, 96, 36
_SMALLEST: Final = 3


def day_columns(days: Sequence[tuple[int, int]]) -> tuple[tuple[float, float, float, float], ...]:
    """Give for each day where its column stands, how wide it is, and how far it goes up and down.

    What there is at all can be seen, however little it is.
    """
    step = (WIDE - 2 * _INSET) / max(len(days), 1)
    up, down = (max((day[side] for day in days), default=0) for side in (0, 1))

    def long(count: int, most: int, room: int) -> float:
        return max(round(room * count / most, 1), _SMALLEST) if count else 0

    return tuple(
        (round(_INSET + step * place, 1), round(step * 0.8, 1), long(fits, up, DAYS_UP), long(not_, down, DAYS_DOWN))
        for place, (fits, not_) in enumerate(days)
    )


def days_matched(days: Sequence[tuple[int, int]], words: str, ident: str = "days", *, first: str, last: str) -> Markup:
    """Draw for each day how many movements match, and below the line how many don't. The page has the figures too."""
    ground = DAYS_TOP + DAYS_UP
    good = bad = ""
    for x, wide, up, down in day_columns(days):
        good += f"M{x:g} {ground}v-{up:g}h{wide:g}v{up:g}z" if up else ""
        bad += f"M{x:g} {ground + 3}v{down:g}h{wide:g}v-{down:g}z" if down else ""
    bottom = ground + 3 + DAYS_DOWN
    parts = [_path("days-good", good)] if good else []
    parts += [_path("days-bad", bad)] if bad else []
    parts.append(_path("falling-axis", f"M{_INSET} {ground + 1.5}H{WIDE - _INSET}"))
    parts.append(Markup('<text class="falling-soft" x="{0}" y="{1}">{2}</text>').format(_INSET, bottom + 16, first))
    parts.append(
        Markup('<text class="falling-soft" x="{0}" y="{1}" text-anchor="end">{2}</text>').format(
            WIDE - _INSET, bottom + 16, last
        )
    )
    head = Markup('<svg viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-labelledby="{2}-title">').format(
        WIDE, bottom + _BELOW, ident
    )
    title = Markup('<title id="{0}-title">{1}</title>').format(ident, escape(words))
    return head + title + Markup("").join(parts) + Markup("</svg>")


@lru_cache(maxsize=2)
def day_mark(*, fits: bool) -> Markup:
    """Draw a piece of a column alone, for the words under the picture."""
    kind, path = ("days-good", "M2 12v-10h10v10z") if fits else ("days-bad", "M2 4v6h10v-6z")
    return Markup('<svg width="14" height="14" aria-hidden="true">') + _path(kind, path) + Markup("</svg>")

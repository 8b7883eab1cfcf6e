"""Check the pictures: everything lies inside its box, nothing lies on anything else, and what is drawn adds up."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.money import Money
from portal.web import pictures

TODAY = date(2026, 5, 4)
COUNTS = st.integers(1, 120)
STATES = st.lists(st.sampled_from(["paid", "next", "late", "left"]), min_size=1, max_size=120)
AMOUNTS = st.lists(st.integers(1, 10**9), min_size=1, max_size=5)


def box(svg: str) -> tuple[float, float]:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found
    return float(found[1]), float(found[2])


def lines(count: int, *, days: int = 30, start: int = 900_000) -> list[tuple[date, Money]]:
    return [
        (TODAY + timedelta(days=days * number), Money(start - start * number // count, "USD"))
        for number in range(count + 1)
    ]


@given(COUNTS)
def test_every_stop_of_a_road_lies_inside_its_box_with_its_ring(count: int) -> None:
    width, height = pictures.road_box(count)
    assert len(pictures.stops(count)) == count
    for x, y in pictures.stops(count):
        # A stop's ring and its line are at most 9.5 from its middle; a turn reaches out 15 and half a line.
        side = 17.5 if count > pictures.A_ROW else 9.5
        assert side <= x <= width - side
        assert 9.5 <= y <= height - 9.5


@given(COUNTS)
def test_no_two_stops_touch_and_each_is_one_step_from_the_one_before(count: int) -> None:
    places = pictures.stops(count)
    assert len(set(places)) == count
    for (x, y), (next_x, next_y) in pairwise(places):
        assert abs(next_x - x) + abs(next_y - y) in {24, 30}
        assert next_y >= y


@given(COUNTS)
def test_a_road_is_narrow_enough_for_the_smallest_phone(count: int) -> None:
    width, _height = pictures.road_box(count)
    # 288 are left on a screen of 320; a stop of 17 is then still 16 wide.
    assert width <= 304


@given(STATES)
def test_a_road_has_a_stop_for_each_payment_and_is_well_formed(states: list[str]) -> None:
    svg = str(pictures.road(states, "3 of 5 <done>", "r1"))
    root = ElementTree.fromstring(svg)
    drawn = {
        "paid": len(re.findall("M", _path(root, "road-paid"))),
        "left": len(re.findall("M", _path(root, "road-left"))),
        "next": len(re.findall("M", _path(root, "road-dot"))),
        "late": len(re.findall("M", _path(root, "road-hands road-late"))),
    }
    assert drawn == {kind: states.count(kind) for kind in drawn}
    assert root.get("role") == "img"
    assert root[0].text == "3 of 5 <done>"
    assert "style" not in svg


def _path(root: ElementTree.Element, classes: str) -> str:
    return "".join(each.get("d", "") for each in root if each.get("class") == classes)


def test_the_way_that_is_walked_ends_at_the_last_payment_that_is_done() -> None:
    svg = str(pictures.road(["paid"] * 3 + ["next", "left"], "words"))
    assert re.search(r'road-gone" d="M10 14H34H58"', svg)


def test_no_payments_no_road() -> None:
    assert pictures.road([], "words") == ""


@given(AMOUNTS)
def test_the_pieces_of_a_balance_add_up_to_the_bar_and_each_can_be_seen(amounts: list[int]) -> None:
    wide = pictures.widths(amounts)
    assert sum(wide) == pictures.BAR
    assert all(width >= pictures.NARROWEST for width in wide)


@given(AMOUNTS)
def test_pieces_show_their_share_but_for_what_the_thinnest_need(amounts: list[int]) -> None:
    wide, whole = pictures.widths(amounts), sum(amounts)
    for amount, width in zip(amounts, wide, strict=True):
        assert abs(width - pictures.BAR * amount / whole) <= 1 + pictures.NARROWEST * (len(amounts) - 1)


@given(st.lists(st.integers(-100, 10**9), max_size=6))
def test_the_drawn_pieces_follow_each_other_without_a_gap(amounts: list[int]) -> None:
    svg = str(pictures.balance_bar([("words", Money(amount, "USD")) for amount in amounts]))
    pieces = [(int(x), int(w)) for x, w in re.findall(r'x="(\d+)" width="(\d+)"', svg)]
    assert len(pieces) == sum(amount > 0 for amount in amounts)
    at = 0
    for x, width in pieces:
        assert x == at
        at += width
    assert at == (pictures.BAR if pieces else 0)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 31), st.integers(1, 10**10)), min_size=1, max_size=4))
def test_balances_fall_inside_their_field(shapes: list[tuple[int, int, int]]) -> None:
    drawn = [lines(count, days=days, start=start) for count, days, start in shapes]
    svg = str(pictures.balance_falling(drawn, "words", today="today", top="$9"))
    width, height = box(svg)
    root = ElementTree.fromstring(svg)
    for text in root.iter("text"):
        assert 0 <= float(text.get("x", "0")) <= width
        assert 0 < float(text.get("y", "0")) <= height - 4
    first = min(points[0][0] for points in drawn)
    days = (max(points[-1][0] for points in drawn) - first).days
    most = max(points[0][1].minor for points in drawn)
    for points in drawn:
        corners = pictures.corners(points, first=first, days=days, most=most)
        assert all(8 <= x <= pictures.WIDE - 8 for x, _y in corners)
        assert all(pictures.FALL_TOP <= y <= pictures.FALL_TOP + pictures.FALL_HEIGHT for _x, y in corners)
        for (x, y), (next_x, next_y) in pairwise(corners):
            assert next_x >= x
            assert next_y >= y
        assert corners[-1][1] == pictures.FALL_TOP + pictures.FALL_HEIGHT


@pytest.mark.parametrize("bad", [[], [lines(1)[:1]], [lines(2)] * 5])
def test_what_is_no_picture_is_refused(bad: list[list[tuple[date, Money]]]) -> None:
    with pytest.raises(ValueError, match="one to four lines"):
        pictures.balance_falling(bad, "words", today="today", top="$9")


# What fits day by day.

DAYS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=31)


@given(DAYS)
def test_every_column_lies_inside_its_box_and_beside_the_next(days: list[tuple[int, int]]) -> None:
    drawn = pictures.day_columns(days)
    assert len(drawn) == len(days)
    for (x, wide, up, down), (fits, not_) in zip(drawn, days, strict=True):
        assert 0 <= x <= x + wide <= pictures.WIDE
        assert (up > 0, down > 0) == (fits > 0, not_ > 0)
        assert up <= pictures.DAYS_UP and down <= pictures.DAYS_DOWN
    for (x, wide, _up, _down), (next_x, *_rest) in pairwise(drawn):
        assert x + wide <= next_x
    svg = pictures.days_matched(days, "a <month>", first="1 May", last="31 May")
    assert ElementTree.fromstring(svg) is not None and "<month>" not in svg
    width, height = box(svg)
    assert (width, height) >= (pictures.WIDE, pictures.DAYS_TOP + pictures.DAYS_UP + pictures.DAYS_DOWN)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_of_two_days_the_one_with_more_is_not_lower(one: int, other: int) -> None:
    (_x, _wide, first, _down), (_nx, _nwide, second, _ndown) = pictures.day_columns([(one, 0), (other, 0)])
    assert (first >= second) if one >= other else (first <= second)

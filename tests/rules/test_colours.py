"""Check colours against published values, and that what a lender chooses is readable or refused with what is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.lenders import brand
from portal.web import colours
from portal.web.colours import DARK, LIGHT, MODES

ANY = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        # WebAIM's well-known limits on white.
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.00),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert colours.contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert colours.contrast(other, one) == colours.contrast(one, other)


@pytest.mark.parametrize(
    ("colour", "lightness", "chroma", "degrees"),
    # CSS Color 4, converted by the reference code of the specification.
    [("#ff0000", 0.628, 0.2577, 29.23), ("#00ff00", 0.8664, 0.2948, 142.5), ("#0000ff", 0.452, 0.3132, 264.05)],
)
def test_oklch_is_that_of_css(colour: str, lightness: float, chroma: float, degrees: float) -> None:
    of = colours.to_oklch(colour)
    assert of.lightness == pytest.approx(lightness, abs=0.001)
    assert of.chroma == pytest.approx(chroma, abs=0.001)
    assert of.hue * 57.29578 % 360 == pytest.approx(degrees, abs=0.1)


@given(ANY)
def test_a_colour_taken_apart_and_put_together_is_the_same(colour: str) -> None:
    again = colours.from_oklch(colours.to_oklch(colour))
    for at in (1, 3, 5):
        assert abs(int(again[at : at + 2], 16) - int(colour[at : at + 2], 16)) <= 1


@pytest.mark.parametrize(("text", "colour"), [("#ABC", "#aabbcc"), (" #17595b ", "#17595b")])
def test_colours_are_read_in_their_two_forms(text: str, colour: str) -> None:
    assert colours.colour_from(text) == colour


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345", "#1234567", "#gggggg", "17595b", "#fff;}", "#１２３"])
def test_anything_else_is_no_colour(text: str) -> None:
    with pytest.raises(colours.NotAColour):
        colours.colour_from(text)


@pytest.mark.parametrize("mode", MODES)
@given(accent=ANY)
@settings(deadline=None)
def test_an_accent_passes_on_every_pair_or_is_refused_with_one_that_does(mode: str, accent: str) -> None:
    weak = brand.checked(accent, mode=mode)
    chosen = weak.instead if weak else accent
    assert chosen is not None
    roles = {**colours.own_roles(mode), **brand.shades(chosen, mode=mode)}
    for role, ground in colours.TEXT_ON:
        assert colours.contrast(roles[role], roles[ground]) >= 4.5, (role, ground)
    for role, ground in colours.LINES_ON:
        assert colours.contrast(roles[role], roles[ground]) >= 3, (role, ground)
    if weak:
        assert weak.worst.ratio < weak.worst.needs


@given(ANY)
@settings(deadline=None)
def test_the_accent_of_dark_pages_that_is_worked_out_always_passes(accent: str) -> None:
    assert brand.checked(brand.dark_of(accent), mode=DARK) is None


def test_the_nearest_is_of_the_same_hue_and_no_further_than_needed() -> None:
    weak = brand.checked("#ff9900", mode=LIGHT)
    assert weak is not None and weak.instead is not None
    before, after = colours.to_oklch("#ff9900"), colours.to_oklch(weak.instead)
    assert after.hue == pytest.approx(before.hue, abs=0.05)
    lighter = colours.from_oklch(colours.Oklch(after.lightness + 0.006, before.chroma, before.hue))
    assert brand.checked(lighter, mode=LIGHT) is not None

"""What of a name is looked for, in any script; and how far two words differ."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.people import names

WORDS = st.text(string.ascii_lowercase, min_size=3, max_size=12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GARCÍA-López,  María", ("garcia", "lopez", "maria")),
        ("Łukasz O’Brien", ("lukasz", "obrien")),
        ("Ｍüller ß", ("muller", "ss")),
        ("王小明", ("王", "小", "明")),
        ("陈示例12", ("陈", "示", "例")),
        ("陳示例", ("陈", "示", "例")),
        ("歐陽後后", ("欧", "阳", "后")),
        ("김철수", ("김", "철", "수")),
        ("Иван Петров", ("иван", "петров")),
        ("Йозеф", ("иозеф",)),
        ("محمّد", ("محمد",)),
        ("हिन्दी", ("हिन्दी",)),
        ("Anna Anna", ("anna",)),
        ("%", ()),
        ("   ", ()),
    ],
)
def test_a_name_becomes_terms(name: str, expected: tuple[str, ...]) -> None:
    assert names.terms(name) == expected


def test_a_first_letter_is_no_term_but_a_chinese_sign_is() -> None:
    assert names.asked("J. Smith") == names.Asked(("smith",), ("j",))
    assert names.asked("王") == names.Asked(("王",), ())
    assert names.asked("x").terms == ()


@given(WORDS, WORDS)
def test_the_distance_is_one_of_a_measure(one: str, other: str) -> None:
    found = names.distance(one, other, most=20)
    assert found == names.distance(other, one, most=20)
    assert (found == 0) == (one == other)
    assert abs(len(one) - len(other)) <= found <= max(len(one), len(other))
    assert names.distance(one, other, most=2) == min(found, 3)


@st.composite
def _slipped(draw: st.DrawFn) -> tuple[str, str]:
    """A word, and the same with as many slips as it may have."""
    word = draw(WORDS)
    slipped = list(word)
    for _slip in range(names.slips(word)):
        place = draw(st.integers(0, len(slipped) - 1))
        match draw(st.sampled_from(["wrong", "missing", "extra", "swapped"])):
            case "wrong":
                slipped[place] = draw(st.sampled_from(string.ascii_lowercase))
            case "missing" if len(slipped) > 3:
                del slipped[place]
            case "extra":
                slipped.insert(place, draw(st.sampled_from(string.ascii_lowercase)))
            case "swapped" if place + 1 < len(slipped):
                slipped[place : place + 2] = slipped[place : place + 2][::-1]
    return word, "".join(slipped)


@given(_slipped())
def test_words_that_differ_by_allowed_slips_have_a_spelling_in_common(words: tuple[str, str]) -> None:
    one, other = words
    if names.distance(one, other, most=2) <= min(names.slips(one), names.slips(other)):
        assert names.spellings(one) & names.spellings(other)


@given(st.lists(WORDS, min_size=1, max_size=4, unique=True), st.randoms())
def test_a_name_fits_itself_in_any_order(parts: list[str], dice: object) -> None:
    turned = list(reversed(parts))
    assert names.fits(names.asked(" ".join(turned)), " ".join(parts)) == 0


@pytest.mark.parametrize(
    ("typed", "name", "slips"),
    [
        ("mraia garica", "María García", 2),
        ("smith j", "John Smith", 0),
        ("o brien", "Sean O'Brien", 1),
        ("smith k", "John Smith", None),
        ("王晓明", "王小明", 3),
        ("李四", "李三", None),
        ("maria garcia lopez", "María García", 3),
        ("maria", "Marta", 1),
        ("anna", "Otto", None),
    ],
)
def test_how_well_a_name_fits(typed: str, name: str, slips: int | None) -> None:
    assert names.fits(names.asked(typed), name) == slips

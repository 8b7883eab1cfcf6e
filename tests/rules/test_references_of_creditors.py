"""References of ISO 11649: the published examples, and what holds for every one of them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.banking.reference import found_in, grouped, is_valid, looks_damaged, made, words_in

SIGNS = string.digits + string.ascii_uppercase
own_parts = st.text(SIGNS, min_size=1, max_size=21)
ours = st.text(string.digits, min_size=12, max_size=12).map(made)


@pytest.mark.parametrize(
    "text",
    # The example of the standard and of its users' guides, with and without the zeros in front.
    ["RF18539007547034", "RF18000000000539007547034", "RF712348231", "RF45G72UUR", "RF6518K5"],
)
def test_published_references_are_valid_and_made_from_their_own_part(text: str) -> None:
    assert is_valid(text) and made(text[4:]) == text
    assert found_in([grouped(text).lower()]) >= {text}


@pytest.mark.parametrize(
    "text",
    ["", "RF", "RF18", "RF1853900754703Y", "RF17539007547034", "RF81539007547034", "rf18539007547034",
     "RF18 5390 0754 7034", "RFX8539007547034", "RF18539007547034539007547034", "RF185390075470３4"],
)  # fmt: skip
def test_what_is_none_is_not_valid(text: str) -> None:
    assert not is_valid(text)


@given(own_parts)
def test_what_is_made_is_valid_and_reads_the_same_in_groups(own: str) -> None:
    text = made(own)
    assert is_valid(text) and grouped(text).replace(" ", "") == text and 2 <= int(text[2:4]) <= 98


@given(own_parts, st.data())
def test_one_wrong_sign_and_two_swapped_ones_are_always_noticed(own: str, data: st.DataObject) -> None:
    text = made(own)
    place = data.draw(st.integers(4, len(text) - 1))
    other = data.draw(st.sampled_from([sign for sign in SIGNS if sign.isdigit() == text[place].isdigit()]))
    wrong = text[:place] + other + text[place + 1 :]
    assert is_valid(wrong) == (wrong == text)
    if place + 1 < len(text) and text[place].isdigit() and text[place + 1].isdigit():
        swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert is_valid(swapped) == (swapped == text)


@given(ours, st.text(max_size=40), st.text(max_size=40), st.sampled_from(["", " ", "-", "\n", "/", "."]), st.booleans())
def test_one_is_found_in_any_text_however_it_is_written(
    text: str, before: str, after: str, between: str, lower: bool
) -> None:
    written = between.join(text[start : start + 4] for start in range(0, len(text), 4))
    assert text in found_in([before + " " + (written.lower() if lower else written) + " " + after])


@given(ours, st.integers(1, 15))
def test_one_that_a_bank_cut_into_two_lines_is_found(text: str, cut: int) -> None:
    assert text in found_in(["Thank you " + text[:cut], text[cut:] + " and bye"])


@given(ours, st.integers(4, 15), st.sampled_from([("0", "O"), ("1", "I"), ("5", "S"), ("8", "B"), ("2", "Z")]))
def test_a_letter_for_a_digit_is_damage_and_is_never_read_as_the_digit(
    text: str, place: int, swap: tuple[str, str]
) -> None:
    digit, letter = swap
    damaged = text[:place] + letter + text[place + 1 :]
    if text[place] == digit:
        assert text not in found_in([grouped(damaged)])
    assert looks_damaged([grouped(damaged)], like=16)


@given(st.text(max_size=200))
def test_any_text_can_be_looked_through(text: str) -> None:
    assert all(is_valid(each) for each in found_in([text]))
    words_in([text])
    looks_damaged([text], like=16)


@pytest.mark.parametrize(
    ("text", "word", "is_one"),
    [
        ("LN-100037", "LN-100037", True),
        ("rate 5, LN-100037. thanks", "LN-100037", True),
        ("2026", "2026", True),  # All of a text is one, whatever it is; a debt has to have it.
        ("rent 2026 for 10115", "10115", False),
        ("loan 00100037", "00100037", True),
        ("order 100037", "100037", False),
    ],
)
def test_a_word_is_the_lenders_reference_only_where_it_stands_out(text: str, word: str, is_one: bool) -> None:
    assert (word in words_in([text])) is is_one


def test_an_own_part_that_is_none_is_refused() -> None:
    for own in ("", "-", "1" * 22, "ä"):
        with pytest.raises(ValueError, match="1 to 21"):
            made(own)

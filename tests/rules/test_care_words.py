"""Words that reach a person first, advice by place, and text as people type it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.care import advice
from portal.care.alarm import is_urgent
from portal.care.requests import plain_words
from portal.web.spreadsheet import csv_text, safe_cell


@pytest.mark.parametrize(
    "words",
    [
        "I want to kill myself",
        "i just WANT   TO\ndie",
        "I don’t want to live any more",
        "maybe suicide is the answer",
        "everyone would be better off without me",
        "我不想活了",
        "我真的活 不 下 去 了",
        "我想自殺",
        "no quiero vivir así",
        "pienso en suicidarme",
        "não quero viver assim",
        "ｋｉｌｌ ｍｙｓｅｌｆ",
        "kill\u200b myself",
    ],
)
def test_words_of_somebody_in_danger_are_seen(words: str) -> None:
    assert is_urgent(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "I can’t pay this month",
        "I lost my job and my skills myself",
        "The lifeline of this family is my job",
        "我这个月付不了",
        "今年生活很难，但我想还钱",
        "The payment date is a killer for me",
        "No puedo pagar",
    ],
)
def test_words_of_everybody_else_are_not(words: str) -> None:
    assert not is_urgent(words)


@given(st.text())
def test_any_text_can_be_looked_at(words: str) -> None:
    assert is_urgent(words) in (True, False)


@given(st.text())
def test_what_was_typed_stays_without_what_no_reader_sees(words: str) -> None:
    plain = plain_words(words)
    assert plain == plain_words(plain)
    assert "\x00" not in plain and "\r" not in plain and "\u202e" not in plain


@pytest.mark.parametrize(
    "words", ["👩‍👩‍👧 мы", "سلام، این مال من نیست", "一，二。三！", "a\nb", "<b>&amp;</b>", "Ａ１"]
)
def test_emoji_scripts_and_markup_stay_as_they_are(words: str) -> None:
    assert plain_words(words) == words


def test_marks_that_turn_the_reading_around_go() -> None:
    assert plain_words("a\u202eb\u2066c\x00\x07\r\nd") == "abc\nd"


def test_every_place_has_somebody_to_talk_to_and_says_how_it_was_checked() -> None:
    assert len(advice.places()) >= 15
    for code, place in advice.places().items():
        assert len(code) == 2 and code.isupper()
        assert place.emergency, code
        assert place.of("crisis"), code
        for service in place.services:
            assert service.url is None or service.url.startswith("https://")
            assert service.phone is None or set(service.phone) <= set("0123456789 -+")
            assert all(re.fullmatch(r"https?://[^\s/]+\.[^\s/]+/\S*", page) for page in service.seen_at), service.name


@pytest.mark.parametrize(("jurisdiction", "code"), [("US", "US"), ("US-CA", "US"), ("gb", "GB"), ("", ""), ("XX", "")])
def test_an_unknown_place_is_an_empty_one(jurisdiction: str, code: str) -> None:
    assert advice.place_of(jurisdiction).code == code


def test_an_entry_that_cannot_be_reached_is_refused() -> None:
    with pytest.raises(advice.BadAdvice):
        advice.parse('[XX]\n[[XX.service]]\nwhat = "debt"\nname = "Nobody"\nchecked = "from memory"')


ADVICE = '[XX]\n[[XX.service]]\nwhat = "debt"\nname = "Somebody"\nphone = "1"\nurl = "https://example.org/"\n'
SEEN_AT = 'seen_at = ["https://example.org/"]\n'


@pytest.mark.parametrize("how", ['checked = "from memory"', f'checked = "page"\n{SEEN_AT}', 'checked = "2026-11-30"'])
def test_an_entry_says_how_it_was_checked(how: str) -> None:
    (service,) = advice.parse(ADVICE + how)["XX"].services
    assert bool(service.seen_at) == (service.checked == advice.PAGE)
    # A number that nobody has seen is given to nobody.
    assert (service.phone is None) == (service.checked == advice.FROM_MEMORY)


def test_a_number_that_nobody_has_seen_reaches_nobody() -> None:
    with pytest.raises(advice.BadAdvice):
        advice.parse(ADVICE.replace('url = "https://example.org/"\n', "") + 'checked = "from memory"')


@pytest.mark.parametrize(
    "how", ["", 'checked = "page"', f'checked = "from memory"\n{SEEN_AT}', 'checked = "surely"', "checked = 1"]
)
def test_an_entry_that_does_not_say_how_it_was_checked_is_refused(how: str) -> None:
    with pytest.raises(advice.BadAdvice):
        advice.parse(ADVICE + how)


@given(st.text() | st.text(alphabet="=+-@;\t\r\n x＝"))
def test_no_cell_becomes_a_formula(text: str) -> None:
    # Whether it is taken as it is, or split where other settings split.
    for cell in re.split(r"[;\t\r\n]", str(safe_cell(text))):
        assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_a_list_is_csv() -> None:
    assert csv_text(("a", "b"), [("=1+1", None), ("x,y", 2)]) == 'a,b\r\n\'=1+1,\r\n"x,y",2\r\n'

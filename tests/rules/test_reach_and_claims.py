"""Rules about addresses, guesses, browsers, zones and pasted messages, with examples from the world and others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.people import browsers, guessing, reach
from portal.people.reach import Address, Problem
from portal.public import claims
from portal.you import zones

# Numbers that are set apart for films and examples where a country has such.
NUMBERS = [
    ("(212) 555-0123", ("US",), "+12125550123"),
    ("212.555.0123", ("US",), "+12125550123"),
    ("1-212-555-0123", ("US",), "+12125550123"),
    ("001 212 555 0123", ("DE",), "+12125550123"),
    ("tel:+1-212-555-0123", ("CN",), "+12125550123"),
    ("１３８００１３８０００", ("CN",), "+8613800138000"),
    ("138 0013 8000", ("US", "CN"), "+8613800138000"),
    ("07911 123456", ("GB",), "+447911123456"),
    ("0176 12345678", ("DE",), "+4917612345678"),
    ("06 12 34 56 78", ("FR",), "+33612345678"),
    ("(11) 96123-4567", ("BR",), "+5511961234567"),
    ("٠١٠٠١٢٣٤٥٦٧", ("EG",), "+201001234567"),
    ("090-1234-5678", ("JP",), "+819012345678"),
    ("\u202a+1\u202d (212)\u00a0555\u20110123\u202c", ("CN",), "+12125550123"),
]


@pytest.mark.parametrize(("typed", "regions", "number"), NUMBERS)
def test_a_number_is_read_as_it_is_written_at_home(typed: str, regions: tuple[str, ...], number: str) -> None:
    assert reach.read(typed, regions=regions) == Address(reach.SMS, number)


@pytest.mark.parametrize(
    "typed", ["robin＠example.com", " robin＠example．com", "robin@example。com", "\u2068robin@example.com\u2069"]
)
def test_an_email_address_is_read_as_any_keyboard_writes_it(typed: str) -> None:
    assert reach.read(typed) == Address(reach.EMAIL, "robin@example.com")


@given(st.sampled_from(NUMBERS))
def test_a_number_as_shown_is_read_again(example: tuple[str, tuple[str, ...], str]) -> None:
    assert reach.read(reach.shown(example[2])) == Address(reach.SMS, example[2])


@given(st.text(max_size=400), st.sampled_from([(), ("US",), ("CN", "GB")]))
def test_whatever_is_typed_there_is_an_answer(typed: str, regions: tuple[str, ...]) -> None:
    match reach.read(typed, regions=regions):
        case Address(channel=reach.SMS, text=text):
            assert text.startswith("+") and text[1:].isdigit()
        case Address(text=text):
            assert "@" in text
        case Problem():
            pass


def test_without_a_country_the_country_is_asked_for() -> None:
    assert reach.read("0176 12345678") is Problem.COUNTRY


def test_addresses_are_the_same_however_they_are_written() -> None:
    assert reach.same("+1 (212) 555-0123", "+12125550123")
    assert reach.same("Robin@Example.com", "robin@example.com")
    assert not reach.same("robin@example.com", "+12125550123")


@given(st.integers(min_value=0, max_value=10_000))
def test_a_wait_never_shrinks_and_is_never_longer_than_a_day(wrong: int) -> None:
    wait = guessing.wait_after(wrong)
    assert timedelta(0) <= wait <= guessing.LONGEST_WAIT
    assert bool(wait) == (wrong > 0 and wrong % guessing.TRIES == 0)
    if wait:
        assert guessing.wait_after(wrong + guessing.TRIES) >= wait


@given(st.ip_addresses())
def test_a_neighbourhood_holds_its_households(address: object) -> None:
    near, far = guessing.networks(str(address))
    assert guessing.networks(near.partition("/")[0])[1] == far


@given(st.text(max_size=80))
def test_what_is_no_address_has_one_neighbourhood(text: str) -> None:
    assert len(guessing.networks(text)) == 2


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 12) Chrome/107 Mobile MicroMessenger/8.0.40 Safari/537", "WeChat, Android"),
        ("curl/8", ""),
        ("", ""),
        ("👻" * 100_000, ""),
    ],
)
def test_a_browser_is_told_in_two_words(said: str, words: str) -> None:
    assert browsers.kind(said) == words


def test_every_zone_has_a_place_and_is_found_by_it() -> None:
    for language in ("en", "zh_Hans"):
        for zone in zones.every(language):
            assert zone.city
            assert zone in zones.find(zone.city, language=language)[: zones.MOST_FOUND]


OURS, NOT_OURS = claims.Link(ours=True), claims.Link(ours=False)


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        # What a browser takes for one host's name.
        ("https://pay.example。cn/i/x", (NOT_OURS,)),
        ("https://pay.example．cn", (NOT_OURS,)),
        ("https://pay.example｡cn", (NOT_OURS,)),
        ("pay.example。cn/i/x", (NOT_OURS,)),
        ("https://pay.example’.evil.example/x", (NOT_OURS,)),
        ("https://pay.example'.evil.example/x", (NOT_OURS,)),
        ("https://pay.example(evil.example)", (NOT_OURS,)),
        ("pay.example’.evil.example/x", (NOT_OURS,)),
        # What is an address although it looks like none, beside a code that somebody really got.
        ("K7-4F2M 203.0.113.7/pay", (NOT_OURS, claims.Code("K7-4F2M"))),
        ("K7-4F2M https:3405803783/pay", (NOT_OURS, claims.Code("K7-4F2M"))),
        ("K7-4F2M evil。example", (NOT_OURS, claims.Code("K7-4F2M"))),
        # And sentences as people write them.
        ("请打开https://pay.example。如果不是您，请致电我们。", (OURS,)),
        ("请打开（https://pay.example），0800 123 以内", (OURS,)),
        ("See ‘https://pay.example’. Thanks", (OURS,)),
        ("(https://pay.example). Then call.", (OURS,)),
        ("pay.example（您的页面）", (OURS,)),
        ("28 Dec 2026, 08:00 (GMT+08:00). Tel:+1 555 0100. pay.example:443/home", (OURS,)),
        ("first.last@pay.example wrote, see https://pay.example", (OURS,)),
    ],
)
def test_what_is_ours_is_what_a_browser_would_open(pasted: str, found: tuple[claims.Link | claims.Code, ...]) -> None:
    assert claims.read(pasted, base_url="https://pay.example") == found


@given(st.text(max_size=5000))
def test_whatever_is_pasted_there_is_an_answer(text: str) -> None:
    for found in claims.read(text, base_url="https://pay.example"):
        if isinstance(found, claims.Link) and found.ours:
            assert "https://pay.example" in text.lower() or "pay.example" in text.lower()

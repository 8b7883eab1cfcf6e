"""Amounts are read as people type them, in one way only, or asked about; whatever is typed has an answer."""

from __future__ import annotations

import unicodedata

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from portal.amounts import LONGEST, Read, TwoWays, Unread, Why, read, written
from portal.money import EXPONENTS, Money

MONEY = st.builds(Money, st.integers(0, 10**12 - 1), st.sampled_from(sorted(EXPONENTS)))


@pytest.mark.parametrize(
    ("currency", "typed", "amount"),
    [
        ("USD", "1,418.63", "1418.63"),
        ("USD", "1.418,63", "1418.63"),
        ("USD", "1 418,63", "1418.63"),
        ("USD", "1\u202f418,63", "1418.63"),
        ("USD", "1'418.63", "1418.63"),
        ("CHF", "CHF 1’418.–", "1418.00"),
        ("USD", "12,34,567", "1234567.00"),
        ("USD", "１，２３４", "1234.00"),
        ("USD", "$5", "5.00"),
        ("USD", "US$ 62.50", "62.50"),
        ("USD", "62,5", "62.50"),
        ("USD", "50 dollars", "50.00"),
        ("EUR", "50,- €", "50.00"),
        ("USD", "\u200f٥٠\u200f", "50.00"),
        ("USD", "١٬٢٣٤٫٥٠", "1234.50"),
        ("INR", "₹१,२३,४५६", "123456.00"),
        ("CNY", "¥100", "100.00"),
        ("CNY", "￥1,234.5", "1234.50"),
        ("CNY", "100元", "100.00"),
        ("CNY", "3块钱", "3.00"),
        ("CNY", "12块5", "12.50"),
        ("CNY", "3元5角2分", "3.52"),
        ("CNY", "五毛", "0.50"),
        ("CNY", "1万2", "12000.00"),
        ("CNY", "1万2千", "12000.00"),
        ("CNY", "1万2345", "12345.00"),
        ("CNY", "1万零2", "10002.00"),
        ("CNY", "1.5万", "15000.00"),
        ("CNY", "一万二", "12000.00"),
        ("CNY", "一百二", "120.00"),
        ("CNY", "一百零二", "102.00"),
        ("CNY", "十二", "12.00"),
        ("CNY", "一千二百三十四元五角六分", "1234.56"),
        ("CNY", "壹万贰仟叁佰元整", "12300.00"),
        ("CNY", "人民币1,234元整", "1234.00"),
        ("JPY", "1万円", "10000"),
        ("JPY", "12.00", "12"),
        ("KWD", "12.5", "12.500"),
        ("KWD", "1.2340", "1.234"),
    ],
)
def test_amounts_in_the_forms_of_many_places(currency: str, typed: str, amount: str) -> None:
    assert read(typed, currency=currency) == Read(Money.of(amount, currency))


@pytest.mark.parametrize(
    ("currency", "typed", "large", "small"),
    [
        ("USD", "1.234", "1234.00", "1.23"),
        ("USD", "1.500", "1500.00", "1.50"),
        ("JPY", "1.234", "1234", "1"),
        ("KWD", "1,234", "1234.000", "1.234"),
        ("KWD", "1.234", "1234.000", "1.234"),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_about(currency: str, typed: str, large: str, small: str) -> None:
    said = read(typed, currency=currency)
    assert said == TwoWays(large=Money.of(large, currency), small=Money.of(small, currency))
    # What is then advised to be written is read in one way.
    for amount in (said.large, said.small):
        assert read(written(amount), currency=currency) == Read(amount)


def test_where_a_comma_is_the_decimal_mark_the_point_is_what_is_asked_about_no_more() -> None:
    assert read("1.234", currency="EUR", decimal_mark=",") == Read(Money.of("1234.00", "EUR"))
    assert isinstance(read("1,234", currency="EUR", decimal_mark=","), TwoWays)


@pytest.mark.parametrize(
    ("currency", "typed", "why"),
    [
        ("USD", "", Why.NOTHING),
        ("USD", " \u200b\u200f ", Why.NOTHING),
        ("USD", "-5", Why.NEGATIVE),
        ("USD", "($5)", Why.NEGATIVE),
        ("USD", "€50", Why.OTHER_CURRENCY),
        ("USD", "50 EUR", Why.OTHER_CURRENCY),
        ("USD", "100元", Why.OTHER_CURRENCY),
        ("CNY", "100美元", Why.OTHER_CURRENCY),
        ("USD", "1.2345", Why.TOO_FINE),
        ("JPY", "12.50", Why.TOO_FINE),
        ("JPY", "5角", Why.TOO_FINE),
        ("USD", "1234567890123456", Why.TOO_LONG),
        ("USD", "9" * 100_000, Why.TOO_LONG),
        *(
            ("USD", typed, Why.NOT_A_NUMBER)
            for typed in (
                "five",
                "50 or 60",
                "50 60",
                "10-20",
                "1e3",
                "5²",
                "½",
                "10%",
                "5k",
                "50 cents",
                "50 a week",
                "0x32",
                "1,234,56",
                "万",
                "1万23",
                "<b>5</b>",
                "5😀",
                "مرحبا",
            )
        ),
    ],
)
def test_what_is_no_amount_says_why(currency: str, typed: str, why: Why) -> None:
    assert read(typed, currency=currency) == Unread(why)


@given(st.text(max_size=2 * LONGEST), st.sampled_from(sorted(EXPONENTS)), st.sampled_from(".,"))
def test_whatever_is_typed_has_an_answer_in_the_currency_that_was_asked_for(
    text: str, currency: str, mark: str
) -> None:
    said = read(text, currency=currency, decimal_mark=mark)
    match said:
        case Read(amount=amount):
            assert amount.currency == currency and amount.minor >= 0
        case TwoWays(large=large, small=small):
            assert large > small and large.currency == currency
        case Unread():
            assert isinstance(said.why, Why)


@given(
    st.text(alphabet="0123456789.,' 万千百十零二五元角分¥$-", max_size=14),
    st.sampled_from(["USD", "CNY", "JPY", "KWD"]),
)
def test_whatever_looks_like_an_amount_is_read_in_one_way_or_asked_about(text: str, currency: str) -> None:
    said = read(text, currency=currency)
    # The same text with other digits, spaces and marks says the same.
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign in "0123456789.,$-" else sign for sign in text)
    assert read(wide, currency=currency) == said
    arabic = "".join(chr(0x0660 + int(sign)) if sign.isascii() and sign.isdigit() else sign for sign in text)
    assert read(f"\u200f {arabic} \u200f", currency=currency) == said
    if isinstance(said, Read):
        assert read(written(said.amount), currency=currency) == said


@given(MONEY, st.sampled_from(".,"))
def test_what_we_write_is_read_as_what_it_says(amount: Money, mark: str) -> None:
    assert read(written(amount, decimal_mark=mark), currency=amount.currency, decimal_mark=mark) == Read(amount)


@given(
    st.integers(0, 10**11),
    st.sampled_from(["en", "de", "fr", "es", "pt_BR", "zh_Hans", "zh_Hant", "it", "sv", "de_CH", "en_IN", "pl", "ru"]),
    st.booleans(),
)
def test_an_amount_with_its_cents_is_read_in_the_form_of_every_place(cents: int, language: str, grouped: bool) -> None:
    amount = Money(cents, "USD")
    text = format_decimal(
        amount.amount, format=None, locale=language, group_separator=grouped, decimal_quantization=False
    )
    if cents % 10 == 0 or not text[-3].isdigit():
        text = format_decimal(amount.amount, format="#,##0.00" if grouped else "0.00", locale=language)
    assert read(text, currency="USD") == Read(amount), (text, unicodedata.name(text[-3]))


def test_no_length_makes_it_slow() -> None:
    for sign in ("1", ",", "1,", " ", "万", "二", "(", "$", "é", "\u200b", "１"):
        assert isinstance(read(sign * 100_000, currency="USD"), Unread)
        assert isinstance(read(sign * LONGEST, currency="USD"), Unread)

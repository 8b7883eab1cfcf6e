"""Money as people read it: our quick way says what Babel says, for every currency and every language to come."""

from copy import copy

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from portal.money import EXPONENTS, Money
from portal.web.formats import NotInThousands, money

LANGUAGES = ("en", "zh_Hans", "zh_Hant", "es", "pt_BR")


@given(
    minor=st.integers(-(10**15), 10**15),
    currency=st.sampled_from(sorted(EXPONENTS)),
    language=st.sampled_from(LANGUAGES),
)
def test_money_reads_as_babel_writes_it_with_the_decimals_of_iso_4217(minor: int, currency: str, language: str) -> None:
    locale = Locale.parse(language)
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (EXPONENTS[currency], EXPONENTS[currency])
    value = Money(minor, currency)
    theirs = pattern.apply(value.amount, locale, currency=currency, currency_digits=False)
    # Ours has a real minus sign where Babel writes a hyphen.
    assert money(value, language=language) == theirs.replace("-", "−")


def test_a_language_that_groups_digits_in_another_way_is_refused_and_not_written_wrong() -> None:
    with pytest.raises(NotInThousands):
        money(Money(12345600, "INR"), language="hi")

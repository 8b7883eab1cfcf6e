"""A file of limits that somebody wrote by hand, or to do harm, is refused in a sentence and costs little time."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from portal.debts.mapping import MappingRefused
from portal.debts.mapping_file import parse_mapping
from portal.limits import findings, precedence
from portal.limits.cards import AttributeRule, When
from portal.limits.findings import Kind, Level
from portal.limits.precedence import TooTangled, sample_outside, unreachable
from portal.limits.reading import MOST_CARDS, LimitsError, parse
from portal.limits.writing import write
from portal.money import Money
from tests.factories import STANDARD_LIMITS
from tests.rules.limits_factory import a_card, a_set

DEEP = "a = " + "[" * 3000
LONG = "a = " + "9" * 5000
HEX = "a = 0x" + "f" * 5000


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(LimitsError) as refused:
        parse(text, currency="USD")
    return refused.value.problems


def with_line(old: str, new: str) -> str:
    assert old in STANDARD_LIMITS
    return STANDARD_LIMITS.replace(old, new, 1)


OUT_OF_BOUNDS = [
    (DEEP, "This file nests too deep"),
    ("a = " + "[" * 200 + "]" * 200, "This file nests too deep"),
    (LONG, "a number has too many digits"),
    (with_line("grace_days = 5", f"grace_days = {'9' * 400}"), "keeping.grace_days: 0x"),
    (with_line("grace_days = 5", f"grace_days = 0x{'f' * 5000}"), "has too many digits"),
    (with_line("grace_days = 5", f"grace_days = [0x{'f' * 5000}]"), "is not a whole number"),
    (with_line("amount = 25", "amount = 6e-3000000"), "least_payment.amount: 6e-3000000: a number has too many"),
    (with_line("amount = 25", "amount = 0e-99999999"), "a number has too many digits"),
    (with_line("amount = 25", "amount = 1e999999999999999999999"), "a number has too many digits"),
    (
        with_line('name = "Small balances"', f'name = "{"a" * 5000}"'),
        "is 5000 signs long; 100 are the most.",
    ),
    (with_line('name = "Small balances"', 'name = "Small\\u202e"'), "a sign that nobody sees (U+202E)"),
]


@pytest.mark.parametrize(
    ("text", "said"),
    OUT_OF_BOUNDS,
    ids=(
        "deep",
        "rather deep",
        "digits",
        "many digits",
        "hexadecimal",
        "in a list",
        "fine",
        "zero",
        "huge",
        "long",
        "turned",
    ),
)
def test_what_is_out_of_bounds_is_one_short_sentence(text: str, said: str) -> None:
    found = problems(text)
    assert said in found[0]
    assert all(len(each) < 400 for each in found)


def test_an_attribute_of_a_hundred_million_digits_is_refused() -> None:
    text = STANDARD_LIMITS.replace(
        "[card.when]", "[card.when.attributes]\nscore = { from = -1e99999999, to = 5 }\n[card.when]", 1
    )
    assert "when.attributes.score.from: -1e99999999: a number has too many digits" in problems(text)[0]


@pytest.mark.parametrize("text", [DEEP, LONG, HEX])
def test_a_mapping_is_refused_in_a_sentence_too(text: str) -> None:
    with pytest.raises(MappingRefused):
        parse_mapping(text)


def test_a_version_that_was_loaded_before_there_were_bounds_goes_on_to_hold() -> None:
    text = with_line('name = "Small balances"', f'name = "{"a" * 5000}"')
    assert parse(text, currency="USD", loaded=True).cards[0].name == "a" * 5000


def test_a_file_has_at_most_so_many_cards() -> None:
    many = [a_card(f"Card {at}", when=When(days_late_from=at, days_late_to=at)) for at in range(MOST_CARDS + 1)]
    assert problems(write(a_set(*many))) == (
        f"card: {MOST_CARDS + 1} cards are too many; a file has at most {MOST_CARDS}.",
    )
    parse(write(a_set(*many[1:])), currency="USD")


def test_as_many_cards_as_there_may_be_are_looked_through_in_little_time() -> None:
    cent = Money(1, "USD")
    cards = [
        a_card(
            f"Card {at}",
            when=When(
                balance_from=Money(1 + 37 * at % 5000, "USD"),
                balance_to=Money(5000 + 53 * at, "USD"),
                days_late_from=7 * at % 60,
                days_late_to=60 + 11 * at % 90,
                attributes=(AttributeRule(f"score {at % 10}", number_from=Decimal(at), number_to=Decimal(at + 5)),),
            ),
            min_payment=cent,
            hardship_min_payment=cent,
            affordability_step=cent,
        )
        for at in range(MOST_CARDS)
    ]
    started = time.process_time()
    kinds = {each.kind for each in findings.of(a_set(*cards))}
    taken = time.process_time() - started
    assert Kind.OVERLAPS in kinds
    # It took 3 seconds for a hundred cards, and twice that for 150, before pairs were compared by stretches.
    assert taken < 1


def test_cards_that_are_made_to_be_looked_through_for_ever_are_not() -> None:
    names = [f"x{at}" for at in range(24)]
    all_texts = tuple(AttributeRule(name, texts=("a", "b")) for name in names)
    one_text = [
        a_card(f"{name}{text}", when=When(attributes=(AttributeRule(name, texts=(text,)),)))
        for name in names
        for text in ("a", "b")
    ]
    # Every debt of the last card has one of the texts of each name: which of two cards is left doubles with each name.
    started = time.process_time()
    assert list(unreachable([*one_text[:2], a_card("All", when=When(attributes=all_texts))])) != []
    list(unreachable([*one_text, a_card("All", when=When(attributes=all_texts))]))
    assert time.process_time() - started < 2


def test_what_cannot_be_looked_through_is_said_and_ticked(monkeypatch: pytest.MonkeyPatch) -> None:
    whens = [When(days_late_from=10 * at, days_late_to=10 * at + 9 if at < 8 else None) for at in range(9)]
    monkeypatch.setattr(precedence, "_MOST_GROUPS", 3)
    with pytest.raises(TooTangled):
        sample_outside(whens)
    found = findings.of(a_set(*(a_card(f"Card {at}", when=when) for at, when in enumerate(whens))))
    assert [(each.kind, each.level) for each in found] == [(Kind.TANGLED, Level.WARNING)]

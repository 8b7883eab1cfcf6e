"""Check what the books and Stripe say of one movement: each outcome has its name, and a unit is never overlooked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.finance import chart
from portal.finance.chart import Balance, Entry
from portal.ledger import Account
from portal.money import Money
from portal.payments import matching
from portal.payments.matching import GRACE, OPEN, WRONG, AtStripe, InBooks, State, state_of, tied

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
AMOUNTS = st.integers(-(10**12), 10**12).filter(bool)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD"])
MONEY = st.builds(Money, AMOUNTS, CURRENCIES)
AGES = st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))
BOOKS = st.builds(InBooks, MONEY, set_aside=st.booleans())
AT_STRIPE = st.builds(
    AtStripe,
    st.none() | MONEY,
    on_its_way=st.booleans(),
    came_to_nothing=st.booleans(),
    own=st.booleans(),
)


def said(books: InBooks | None, stripe: AtStripe | None, age: timedelta) -> State:
    return state_of(books=books, stripe=stripe, began_at=NOW - age, now=NOW)


@given(BOOKS, AT_STRIPE.filter(lambda one: not one.own), AGES)
def test_both_match_only_where_they_are_the_same_to_the_unit(books: InBooks, stripe: AtStripe, age: timedelta) -> None:
    state = said(books, stripe, age)
    assert (state in (State.MATCHED, State.SUSPENSE)) == (stripe.about == books.amount)
    assert (state is State.SUSPENSE) == (stripe.about == books.amount and books.set_aside)


@given(BOOKS, st.integers(-5, 5).filter(bool), AGES)
def test_a_unit_more_or_less_differs(books: InBooks, more: int, age: timedelta) -> None:
    other = Money(books.amount.minor + more, books.amount.currency)
    assert said(books, AtStripe(other), age) is State.DIFFERS


@given(st.none() | BOOKS, AT_STRIPE, AGES)
def test_what_is_young_or_on_its_way_is_never_missing(books: InBooks | None, stripe: AtStripe, age: timedelta) -> None:
    young = min(age, GRACE - timedelta(seconds=1))
    assert books is None or said(books, None, young) is State.WAITING
    assert said(None, stripe, young) not in (State.MISSING, State.EXTRA)
    on_its_way = AtStripe(stripe.about, on_its_way=True)
    assert said(None, on_its_way, age) is State.WAITING


@given(st.none() | BOOKS, st.none() | AT_STRIPE, AGES)
def test_every_pair_has_one_outcome_and_one_side_alone_never_matches(
    books: InBooks | None, stripe: AtStripe | None, age: timedelta
) -> None:
    if books is None and stripe is None:
        with pytest.raises(ValueError, match="a line is of the books"):
            said(books, stripe, age)
        return
    state = said(books, stripe, age)
    if stripe is None:
        assert state in (State.MISSING, State.WAITING)
    elif books is None:
        assert state in (State.EXTRA, State.WAITING, State.UNDONE, State.FEE)
    assert set(WRONG) < OPEN


@given(MONEY, AGES)
def test_time_makes_of_waiting_what_is_wrong_and_of_nothing_else(amount: Money, age: timedelta) -> None:
    old = age + GRACE
    assert said(InBooks(amount, set_aside=False), None, old) is State.MISSING
    assert said(None, AtStripe(amount), old) is State.EXTRA
    assert said(None, AtStripe(amount, came_to_nothing=True), old) is State.UNDONE
    assert said(None, AtStripe(amount, own=True), old) is State.FEE


@given(st.lists(AMOUNTS, max_size=20), st.integers(-3, 3))
def test_a_payout_ties_where_what_is_in_it_is_its_amount(nets: list[int], off: int) -> None:
    amount = Money(sum(nets) + off, "USD")
    assert tied(amount=amount, nets=[Money(net, "USD") for net in nets]) is (off == 0)
    if nets:
        assert not tied(amount=amount, nets=[Money(net, "EUR") for net in nets])


def test_what_is_stripes_own_is_named_once() -> None:
    assert {"stripe_fee", "stripe_fx_fee", "tax_fee"} == matching.OWN


# The journal.

ACCOUNTS = st.sampled_from([account.value for account in Account])
ANY_TEXT = st.text(max_size=60)
MOVES = st.lists(
    st.tuples(ACCOUNTS, ACCOUNTS, st.builds(Money, st.integers(1, 10**12), CURRENCIES), st.none() | ANY_TEXT),
    min_size=1,
)


@given(MOVES)
def test_the_legs_of_a_posting_sum_to_nothing_in_each_currency(
    moves: list[tuple[str, str, Money, str | None]],
) -> None:
    sums: dict[str, int] = {}
    for leg in chart.legs_of(moves, {}):
        sums[leg.amount.currency] = sums.get(leg.amount.currency, 0) + leg.amount.minor
    assert set(sums.values()) <= {0}


@given(MOVES, ANY_TEXT, ANY_TEXT)
def test_no_text_ends_the_line_or_the_quotes_that_it_is_in(
    moves: list[tuple[str, str, Money, str | None]], kind: str, cause: str
) -> None:
    legs = chart.legs_of(moves, {})
    entry = Entry(NOW.date(), NOW.date(), kind, cause, "id", None, legs)
    beans = chart.Beancount().entry(entry).splitlines()
    debts = sum(leg.debt is not None for leg in legs)
    told = 2 + (chart.shown_cause(cause) is not None)
    assert len(beans) == 1 + told + len(legs) + debts + 1
    for line in beans:
        # Quotes that aren't escaped come in pairs, at the two ends of a text.
        assert line.replace("\\\\", "").replace('\\"', "").count('"') in (0, 2)
    hledger = chart.Hledger().entry(entry).splitlines()
    assert len(hledger) == 1 + len(legs) + 1
    assert all(line.count(";") <= 1 for line in hledger)


@given(st.builds(Money, st.integers(-(10**12), 10**12), CURRENCIES))
def test_a_balance_is_asserted_without_a_tolerance(amount: Money) -> None:
    [line] = chart.Beancount().foot([Balance("Assets:Stripe", amount)], NOW.date())
    assert line == f"2026-05-04 balance Assets:Stripe  {amount.amount} ~ 0 {amount.currency}\n"


@pytest.mark.parametrize(
    ("cause", "shown"),
    [("payment:pi_1", True), ("dispute:dp_1:2", True), ("file of Smith.csv:1", False), ("import:Ann Lee", False)],
)
def test_a_cause_is_shown_where_it_is_made_of_ids_alone(cause: str, shown: bool) -> None:  # noqa: FBT001
    assert (chart.shown_cause(cause) == cause) is shown


@pytest.mark.parametrize(
    "name", ["Assets", "assets:Bank", "Assets:", "Assets:bank", "Assets:Bank 1", "Assets:A\nB", "Other:A"]
)
def test_what_no_program_takes_is_no_name(name: str) -> None:
    assert not chart.is_name(name)

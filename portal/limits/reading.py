"""RULES  A lender's limits read from text, with a sentence for each thing that is wrong.

Invariant: a set of limits is one version, read as a whole; with one thing wrong in the text there is none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from portal.limits.cards import Card, InterestPolicy, Limits, LimitsSet, When
from portal.money import Money
from portal.schedules.dates import WITHOUT_SEASON, Frequency

_LONGEST_TERM_MONTHS: Final = 600


class LimitsError(ValueError):
    """The text is not a set of limits; `problems` has a sentence for each thing that is wrong."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(*problems)
        self.problems = problems


def parse(text: str, *, currency: str) -> LimitsSet:
    """Read a set of limits from TOML; amounts are in major units of the lender's currency.

    :raises LimitsError: if the text is not TOML, or any key is unknown, missing, of the wrong kind or out of bounds.
    :raises portal.money.UnknownCurrency: if the currency is not one that we hold.
    """
    Money.zero(currency)
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise LimitsError((f"This is not a TOML file: {error}.",)) from error
    problems: list[str] = []
    top = _Table(raw, "", currency, problems)
    stated = top.text("currency", default=currency)
    if stated != currency:
        problems.append(f"currency: the amounts are in {stated}, but this lender's debts are in {currency}.")
    name = top.text("name")
    effective_from = top.day("effective_from")
    cards = tuple(_card(table) for table in top.tables("card"))
    top.refuse_others()
    seen: set[str] = set()
    for card in cards:
        if card.name and card.name in seen:
            problems.append(f'card "{card.name}": another card has the same name.')
        seen.add(card.name)
    if problems:
        raise LimitsError(tuple(problems))
    return LimitsSet(name=name, effective_from=effective_from, cards=cards)


def _card(table: _Table) -> Card:
    name = table.text("name")
    if name:
        table.place = f'card "{name}": '
    frequencies = table.frequencies("frequencies")
    when = _when(table.table("when", required=False))
    limits = _limits(table, frequencies)
    table.refuse_others()
    return Card(name=name, when=when, limits=limits)


def _when(table: _Table) -> When:
    when = When(
        balance_from=table.money("balance_from") if table.has("balance_from") else None,
        balance_to=table.money("balance_to") if table.has("balance_to") else None,
        days_late_from=table.whole("days_late_from") if table.has("days_late_from") else None,
        days_late_to=table.whole("days_late_to") if table.has("days_late_to") else None,
        products=table.texts("products") if table.has("products") else (),
    )
    if when.balance_from is not None and when.balance_to is not None and when.balance_to < when.balance_from:
        table.say("balance_to", "is below balance_from, so the card fits no debt.")
    if when.days_late_from is not None and when.days_late_to is not None and when.days_late_to < when.days_late_from:
        table.say("days_late_to", "is below days_late_from, so the card fits no debt.")
    table.refuse_others()
    return when


def _limits(card: _Table, frequencies: tuple[Frequency, ...]) -> Limits:
    least = card.table("least_payment")
    term = card.table("longest_term_months")
    interest = card.table("interest")
    keeping = card.table("keeping")
    affordability = card.table("affordability")
    policy = interest.policy("policy")
    limits = Limits(
        min_payment=least.money("amount"),
        min_percent_bps=least.percent_bps("percent_of_balance", default=0),
        hardship_min_payment=least.money("hardship_amount"),
        max_term_months=term.whole("standard", least=1, most=_LONGEST_TERM_MONTHS),
        hardship_max_term_months=term.whole("hardship", least=1, most=_LONGEST_TERM_MONTHS),
        first_payment_within_days=card.whole("first_payment_within_days", least=1, most=366),
        frequencies=frequencies,
        interest_policy=policy,
        reduced_rate=interest.rate("reduced_rate") if interest.has("reduced_rate") else None,
        auto_accept_months=card.whole("accept_alone_up_to_months", most=_LONGEST_TERM_MONTHS),
        grace_days=keeping.whole("grace_days", most=366),
        cure_days=keeping.whole("cure_days", default=30, most=366),
        tolerance=keeping.money("tolerance"),
        offer_validity_days=card.whole("offer_valid_days", least=1, most=366),
        cushion_bps=affordability.percent_bps("keep_back_percent", default=1000),
        affordability_step=affordability.money("round_down_to"),
        step_months=card.whole("step_up_after_months", default=3, most=_LONGEST_TERM_MONTHS),
    )
    # What could not be read stands as a harmless value here, so only what was read well is compared.
    if term.read("standard", "hardship") and limits.hardship_max_term_months < limits.max_term_months:
        term.say(
            "hardship",
            f"{limits.hardship_max_term_months} months is shorter than the standard {limits.max_term_months}; "
            "people in hardship may never be given less time.",
        )
    if least.read("amount", "hardship_amount") and limits.hardship_min_payment > limits.min_payment:
        least.say("hardship_amount", "is above the standard amount; people in hardship may never be asked for more.")
    if not limits.min_payment:
        least.say("amount", "must be above zero.")
    if not limits.affordability_step:
        affordability.say("round_down_to", "must be above zero.")
    if term.read("standard") and limits.auto_accept_months > limits.max_term_months:
        card.say("accept_alone_up_to_months", "is longer than the standard term, so it can never be reached.")
    if policy is InterestPolicy.REDUCED and limits.reduced_rate is None:
        interest.say("reduced_rate", "is missing; a reduced policy needs it.")
    if policy is not InterestPolicy.REDUCED and limits.reduced_rate is not None:
        interest.say("reduced_rate", f"has no meaning while the policy is {policy.value}.")
    for table in (least, term, interest, keeping, affordability):
        table.refuse_others()
    return limits


class _Table:
    """One table of the text while it is read: each reader notes what is wrong and goes on with a harmless value."""

    def __init__(self, raw: dict[str, Any], place: str, currency: str, problems: list[str]) -> None:
        self.raw = raw
        self.place = place
        self._currency = currency
        self._problems = problems
        self._asked: set[str] = set()
        # One sentence a key is enough: what was noted as wrong is not also found to be out of bounds.
        self._wrong: set[str] = set()

    def say(self, key: str, sentence: str) -> None:
        if key not in self._wrong:
            self._wrong.add(key)
            self._problems.append(f"{self.place}{key}: {sentence}")

    def has(self, key: str) -> bool:
        return key in self.raw

    def read(self, *keys: str) -> bool:
        return all(key in self.raw and key not in self._wrong for key in keys)

    def refuse_others(self) -> None:
        for key in self.raw:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self._problems.append(f"{self.place}{key}: this key is not known here. Known are: {known}.")

    def _take(self, key: str, *, fallback: Any, missing: bool, is_right: Callable[[Any], bool], kind: str) -> Any:
        self._asked.add(key)
        if key not in self.raw:
            if missing:
                self.say(key, f"is missing; write {kind}.")
            return fallback
        value = self.raw[key]
        if not is_right(value):
            self.say(key, f"{value!r} is not {kind}.")
            return fallback
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value: str = self._take(
            key,
            fallback=default or "",
            missing=default is None,
            is_right=lambda v: isinstance(v, str) and bool(v.strip()),
            kind="a text in quotes",
        )
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        value: list[str] = self._take(
            key,
            fallback=[],
            missing=False,
            is_right=lambda v: isinstance(v, list) and bool(v) and all(isinstance(each, str) for each in v),
            kind="a list of texts",
        )
        return tuple(value)

    def day(self, key: str) -> date:
        value: date = self._take(
            key,
            fallback=date.min,
            missing=True,
            is_right=lambda v: isinstance(v, date) and not isinstance(v, datetime),
            kind="a date like 2026-01-31, without quotes",
        )
        return value

    def whole(self, key: str, *, default: int | None = None, least: int = 0, most: int | None = None) -> int:
        fallback = least if default is None else default
        value: int = self._take(
            key, fallback=fallback, missing=default is None, is_right=lambda v: type(v) is int, kind="a whole number"
        )
        if value < least or (most is not None and value > most):
            bounds = f"at least {least}" if most is None else f"from {least} to {most}"
            self.say(key, f"{value} is out of bounds; it must be {bounds}.")
            return fallback
        return value

    def _number(self, key: str, default: int | None, kind: str) -> Decimal:
        value = self._take(
            key,
            fallback=default or 0,
            missing=default is None,
            is_right=lambda v: type(v) is int or (isinstance(v, Decimal) and v.is_finite()),
            kind=kind,
        )
        return Decimal(value)

    def money(self, key: str) -> Money:
        value = self._number(key, None, f"an amount in {self._currency} like 25 or 25.50, without quotes")
        if value < 0:
            self.say(key, f"{value} is negative.")
            return Money.zero(self._currency)
        try:
            return Money.of(value, self._currency)
        except ValueError:
            self.say(key, f"{value} has more decimals than {self._currency} has, or is too large.")
            return Money.zero(self._currency)

    def rate(self, key: str) -> Decimal:
        value = self._number(key, None, "a yearly rate in percent like 4.5, without quotes")
        if not 0 <= value <= 1000:
            self.say(key, f"{value} is out of bounds; it must be from 0 to 1000 percent.")
            return Decimal(0)
        return value

    def percent_bps(self, key: str, *, default: int) -> int:
        fallback = Decimal(default) / 100
        value = Decimal(
            self._take(
                key,
                fallback=fallback,
                missing=False,
                is_right=lambda v: type(v) is int or (isinstance(v, Decimal) and v.is_finite()),
                kind="a percentage like 2.5, without quotes",
            )
        )
        if not 0 <= value <= 100:
            self.say(key, f"{value} is out of bounds; it must be from 0 to 100 percent.")
            return default
        if value * 100 != int(value * 100):
            self.say(key, f"{value} has more than two decimals.")
            return default
        return int(value * 100)

    def frequencies(self, key: str) -> tuple[Frequency, ...]:
        # A season needs its months, for which a card has no place.
        known = {each.value: each for each in WITHOUT_SEASON}
        listed = ", ".join(known)
        value: list[str] = self._take(
            key,
            fallback=[Frequency.MONTHLY.value],
            missing=True,
            is_right=lambda v: isinstance(v, list) and bool(v) and all(each in tuple(known) for each in v),
            kind=f"a list of one or more of: {listed}",
        )
        return tuple(dict.fromkeys(known[each] for each in value))

    def policy(self, key: str) -> InterestPolicy:
        known = {each.value: each for each in InterestPolicy}
        value: str = self._take(
            key,
            fallback=InterestPolicy.FROZEN.value,
            missing=True,
            is_right=lambda v: v in tuple(known),
            kind=f"one of: {', '.join(known)}",
        )
        return known[value]

    def table(self, key: str, *, required: bool = True) -> _Table:
        value: dict[str, Any] = self._take(
            key, fallback={}, missing=False, is_right=lambda v: isinstance(v, dict), kind="a table"
        )
        if required and key not in self.raw:
            self.say(key, f"is missing; write a table [card.{key}].")
            # The keys in it would all be missing too, and saying so helps nobody.
            return _Quiet(value, f"{self.place}{key}.", self._currency, [])
        return _Table(value, f"{self.place}{key}.", self._currency, self._problems)

    def tables(self, key: str) -> tuple[_Table, ...]:
        value: list[dict[str, Any]] = self._take(
            key,
            fallback=[],
            missing=True,
            is_right=lambda v: isinstance(v, list) and bool(v) and all(isinstance(each, dict) for each in v),
            kind=f"at least one [[{key}]]",
        )
        return tuple(
            _Table(raw, f"{key} {at}: ", self._currency, self._problems) for at, raw in enumerate(value, start=1)
        )


class _Quiet(_Table):
    """A table that is missing as a whole and has been named once."""

    def say(self, key: str, sentence: str) -> None:
        return

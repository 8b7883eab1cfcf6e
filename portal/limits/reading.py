"""RULES  A lender's limits read from text, with a flaw for each thing that is wrong.

Invariant: a set of limits is one version, read as a whole; with one thing wrong in the text there is none. Whether it
contradicts itself is for `portal.limits.checks`: a draft goes through it, a version that was loaded once doesn't.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeVar

from portal.handwritten import DEEPEST, MOST_DECIMALS, MOST_DIGITS, NotRead, TooLong, Why, read, shown
from portal.limits.cards import (
    AffordabilityModel,
    AgentCaps,
    AttributeRule,
    Card,
    Changes,
    Component,
    Discount,
    DiscountBand,
    DownPayment,
    Holiday,
    InterestPolicy,
    Limits,
    LimitsSet,
    NewPlans,
    Order,
    Orders,
    RateBand,
    ReducedPayment,
    Token,
    Waiver,
    When,
    YearDay,
)
from portal.limits.flaws import Fact, Flaw, Needed, Wanted, Wrong
from portal.money import Money
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps

_LONGEST_TERM_MONTHS: Final = 600
_MOST_DAYS_LATE: Final = 36_600
# A file may have so much of each; a version that was loaded once goes on to hold, whatever it has.
MOST_CARDS: Final = 100
LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 200
_MOST_FLAWS: Final = 50
# Signs that nobody sees: they steer a printer, or turn the direction of what comes after. The two that join or part
# letters are needed to write some languages.
_UNSEEN: Final = ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
_JOINERS: Final = "\u200c\u200d"
# The longest that each month can be.
_DAYS_OF: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_Named = TypeVar("_Named", bound=Enum)


class LimitsError(ValueError):
    """The text is not a set of limits: what is wrong with it, as values; `problems` has a sentence for each.

    What was read well and contradicts itself is a sentence at once: only commands are told it this way.
    """

    def __init__(self, flaws: tuple[Flaw | str, ...]) -> None:
        self.flaws = flaws
        self.problems = tuple(str(each) for each in flaws)
        super().__init__(*self.problems)


def parse(text: str, *, currency: str, loaded: bool = False) -> LimitsSet:
    """Read a set of limits from TOML; amounts are in major units of the lender's currency.

    How many cards there are, and how long names are, matters to a draft only: `loaded` reads a version that holds.

    :raises LimitsError: if the text is not TOML, or any key is unknown, missing, of the wrong kind or out of bounds.
    :raises portal.money.UnknownCurrency: if the currency is not one that we hold.
    """
    Money.zero(currency)
    try:
        raw = read(text)
    except NotRead as error:
        raise LimitsError((_not_read(error, text),)) from error
    problems: list[Flaw] = []
    top = _Table(raw, "", currency, problems, loaded=loaded)
    if not loaded and isinstance(given := raw.get("card"), list) and len(given) > MOST_CARDS:
        raise LimitsError((Flaw(Wrong.TOO_MANY_CARDS, "", "card", (len(given), MOST_CARDS)),))
    stated = top.text("currency", default=currency)
    if stated != currency:
        problems.append(Flaw(Wrong.OTHER_CURRENCY, "", "currency", (stated, currency)))
    name = top.text("name")
    effective_from = top.day("effective_from")
    cards = tuple(_card(table) for table in top.tables("card"))
    top.refuse_others()
    seen: set[str] = set()
    for card in cards:
        if card.name and card.name in seen:
            problems.append(Flaw(Wrong.SAME_NAME, card.name, ""))
        seen.add(card.name)
    if problems:
        raise LimitsError(_first(problems))
    return LimitsSet(name=name, effective_from=effective_from, cards=cards)


def read_card(raw: dict[str, Any], *, currency: str) -> Card:
    """Read one card from its tables, as TOML gives them.

    :raises LimitsError: if any key is unknown, missing, of the wrong kind or out of bounds.
    """
    problems: list[Flaw] = []
    card = _card(_Table(raw, "", currency, problems))
    if problems:
        raise LimitsError(_first(problems))
    return card


def _first(problems: list[Flaw]) -> tuple[Flaw, ...]:
    """Give as many as somebody reads."""
    more = len(problems) - _MOST_FLAWS
    return (*problems[:_MOST_FLAWS], *([Flaw(Wrong.MORE, facts=(more,))] if more > 0 else ()))


def _not_read(error: NotRead, text: str) -> Flaw:
    match error.why:
        case Why.TOO_DEEP:
            return Flaw(Wrong.TOO_DEEP, facts=(DEEPEST,))
        case Why.TOO_MANY_DIGITS:
            return Flaw(Wrong.FILE_WITH_TOO_MANY_DIGITS, facts=(MOST_DIGITS, MOST_DECIMALS))
    row = text.split("\n")[error.line - 1]
    return Flaw(Wrong.NOT_TOML, facts=(error.sentence, error.line, shown(seen(row).strip())))


def seen(text: str) -> str:
    """Give a text without the signs that nobody sees."""
    return "".join(sign for sign in text if unicodedata.category(sign) not in _UNSEEN or sign in _JOINERS)


def _card(table: _Table) -> Card:
    name = table.text("name")
    if name:
        table.card = shown(name)
    when = _when(table.table("when", required=False))
    limits = _limits(table)
    table.refuse_others()
    return Card(name=name, when=when, limits=limits)


def _when(table: _Table) -> When:
    when = When(
        balance_from=table.money("balance_from") if table.has("balance_from") else None,
        balance_to=table.money("balance_to") if table.has("balance_to") else None,
        days_late_from=table.days_late("days_late_from"),
        days_late_to=table.days_late("days_late_to"),
        products=table.texts("products") if table.has("products") else (),
        attributes=_attributes(table.table("attributes", required=False)),
    )
    table.refuse_others()
    return when


def _attributes(table: _Table) -> tuple[AttributeRule, ...]:
    """Read what attributes must be: `region = ["north"]`, or `score = { from = 300, to = 499 }`."""
    rules = []
    for name, wanted in table.raw.items():
        table.look_at(name, name)
        if isinstance(wanted, dict):
            ends = table.table(name)
            rule = AttributeRule(name, number_from=ends.number("from"), number_to=ends.number("to"))
            if not wanted:
                table.say(name, Wrong.NO_ENDS)
            ends.refuse_others()
        else:
            rule = AttributeRule(name, texts=table.texts(name, kind=Needed.TEXTS_OR_ENDS))
        rules.append(rule)
    return tuple(rules)


def _limits(card: _Table) -> Limits:
    least = card.table("least_payment")
    term = card.table("longest_term_months")
    interest = card.table("interest")
    keeping = card.table("keeping")
    affordability = card.table("affordability")
    decide = card.table("decide", required=False)
    freeze = card.optional("interest_freeze")
    moratorium = card.optional("moratorium")
    policy = interest.choice("policy", InterestPolicy, fallback=InterestPolicy.FROZEN)
    limits = Limits(
        min_payment=least.money("amount", above_zero=True),
        min_percent_bps=least.percent_bps("percent_of_balance", default=0),
        hardship_min_payment=least.money("hardship_amount"),
        max_term_months=term.months("standard"),
        hardship_max_term_months=term.months("hardship"),
        first_payment_within_days=card.whole("first_payment_within_days", least=1, most=366),
        frequencies=card.choices("frequencies", Frequency),
        interest_policy=policy,
        reduced_rate=interest.rate("reduced_rate") if interest.has("reduced_rate") else None,
        auto_accept_months=card.whole("accept_alone_up_to_months", most=_LONGEST_TERM_MONTHS),
        grace_days=keeping.whole("grace_days", most=366),
        cure_days=keeping.whole("cure_days", default=30, most=366),
        tolerance=keeping.money("tolerance"),
        tolerance_bps=keeping.percent_bps("tolerance_percent", default=0),
        offer_validity_days=card.whole("offer_valid_days", least=1, most=366),
        cushion_bps=affordability.percent_bps("keep_back_percent", default=1000),
        affordability_step=affordability.money("round_down_to", above_zero=True),
        budget_days=affordability.whole("ask_again_after_days", default=90, least=1, most=366),
        file_days=card.whole("file_no_older_than_days", most=366) if card.has("file_no_older_than_days") else None,
        step_months=card.whole("step_up_after_months", default=3, most=_LONGEST_TERM_MONTHS),
        season=card.months_of_year("seasonal_months"),
        rate_bands=tuple(_rate_band(band) for band in interest.tables("bands", required=False)),
        down_payment=_down_payment(card.optional("down_payment")),
        discount=_discount(card.optional("discount")),
        waiver=_waiver(card.optional("waiver")),
        holiday=_holiday(card.optional("holiday")),
        reduced_payment=_reduced_payment(card.optional("reduced_payment")),
        interest_freeze_months=freeze.months("most_months") if freeze else 0,
        token=_token(card.optional("token")),
        moratorium_days=moratorium.whole("most_days", least=1, most=3660) if moratorium else 0,
        new_plans=_new_plans(card.optional("new_plans")),
        changes=_changes(card.optional("changes")),
        orders=_orders(card.optional("allocation")),
        auto_accept_discount_bps=decide.percent_bps("alone_up_to_discount_percent", default=0),
        person_up_to_months=decide.months("person_up_to_months") if decide.has("person_up_to_months") else None,
        person_up_to_discount_bps=(
            decide.percent_bps("person_up_to_discount_percent", default=0)
            if decide.has("person_up_to_discount_percent")
            else None
        ),
        agents=_agents(card.optional("agents")),
        affordability_model=(
            affordability.choice("model", AffordabilityModel, fallback=AffordabilityModel.FLOOR)
            if affordability.has("model")
            else None
        ),
    )
    if policy is InterestPolicy.REDUCED and limits.reduced_rate is None:
        interest.say("reduced_rate", Wrong.NO_REDUCED_RATE)
    for table in (least, term, interest, keeping, affordability, decide, freeze, moratorium):
        if table is not None:
            table.refuse_others()
    return limits


def _rate_band(table: _Table) -> RateBand:
    name = table.text("name")
    if name:
        table.place = f'{table.place.rpartition("bands ")[0]}band "{name}": '
    band = RateBand(name=name, first=table.season_end("from"), last=table.season_end("to"), rate=table.rate("rate"))
    if table.read("from", "to") and isinstance(band.first, YearDay) is not isinstance(band.last, YearDay):
        table.say("to", Wrong.TWO_SORTS_OF_ENDS)
    table.refuse_others()
    return band


def _down_payment(table: _Table | None) -> DownPayment | None:
    if table is None:
        return None
    read = DownPayment(
        least_bps=table.percent_bps("least_percent", default=None),
        required_from_days_late=table.days_late("required_from_days_late"),
    )
    table.refuse_others()
    return read


def _discount(table: _Table | None) -> Discount | None:
    if table is None:
        return None
    ceilings = table.table("ceilings")
    read = Discount(
        bands=tuple(_discount_band(band) for band in table.tables("bands")),
        ceilings_bps=tuple(
            (component, ceilings.percent_bps(component.value, default=0))
            for component in Component
            if ceilings.has(component.value)
        ),
        most_instalments=table.whole("most_instalments", default=1, least=1, most=_LONGEST_TERM_MONTHS),
        staged_above_lump=table.yes_or_no("staged_above_lump"),
    )
    ceilings.refuse_others()
    table.refuse_others()
    return read


def _discount_band(table: _Table) -> DiscountBand:
    read = DiscountBand(
        days_late_from=table.whole("days_late_from", most=_MOST_DAYS_LATE),
        days_late_to=table.days_late("days_late_to"),
        lump_bps=table.percent_bps("lump_percent", default=None),
        staged_bps=table.percent_bps("staged_percent", default=0),
    )
    table.refuse_others()
    return read


def _waiver(table: _Table | None) -> Waiver | None:
    if table is None:
        return None
    read = Waiver(
        components=table.choices("components", Component),
        vesting=table.choice("vesting", Vesting, fallback=Vesting.ON_LAST_PAYMENT),
    )
    table.refuse_others()
    return read


def _holiday(table: _Table | None) -> Holiday | None:
    if table is None:
        return None
    read = Holiday(
        most_months_in_12=table.whole("most_months_in_12", most=12),
        most_months_running=table.whole("most_months_running", most=12),
        payments_between=table.whole("payments_between", most=600),
        interest=table.choice("interest", Accrual, fallback=Accrual.FROZEN),
        keeps=table.choice("keeps", Keeps, fallback=Keeps.TERM),
    )
    table.refuse_others()
    return read


def _reduced_payment(table: _Table | None) -> ReducedPayment | None:
    if table is None:
        return None
    read = ReducedPayment(
        most_months=table.months("most_months"), least_bps=table.percent_bps("least_percent", default=None)
    )
    table.refuse_others()
    return read


def _token(table: _Table | None) -> Token | None:
    if table is None:
        return None
    read = Token(
        amount=table.money("amount", above_zero=True),
        review_after_months=table.whole("review_after_months", least=1, most=12),
    )
    table.refuse_others()
    return read


def _new_plans(table: _Table | None) -> NewPlans | None:
    if table is None:
        return None
    read = NewPlans(
        most_in_12_months=table.whole("most_in_12_months", most=100),
        most_in_all=table.whole("most_in_all", most=1000),
        days_after_a_break=table.whole("days_after_a_break", default=0, most=366),
    )
    table.refuse_others()
    return read


def _changes(table: _Table | None) -> Changes | None:
    if table is None:
        return None
    read = Changes(
        move_days=table.whole("move_days", default=0, most=31),
        moves_in_12_months=table.whole("moves_in_12_months", default=0, most=100),
        pay_day_changes_in_12_months=table.whole("pay_day_changes_in_12_months", default=0, most=100),
        skips_in_12_months=table.whole("skips_in_12_months", default=0, most=12),
        payments_between_skips=table.whole("payments_between_skips", default=0, most=600),
    )
    table.refuse_others()
    return read


def _orders(table: _Table | None) -> Orders:
    if table is None:
        return Orders()
    usual = Orders()
    read = Orders(
        **{
            key: table.choice(key, Order, fallback=getattr(usual, key)) if table.has(key) else getattr(usual, key)
            for key in ("without_plan", "plan", "missed", "settlement")
        }
    )
    table.refuse_others()
    return read


def _agents(table: _Table | None) -> AgentCaps | None:
    if table is None:
        return None
    read = AgentCaps(
        most_discount_bps=table.percent_bps("most_discount_percent", default=None),
        longest_months=table.months("longest_months"),
    )
    table.refuse_others()
    return read


class _Table:
    """One table of the text while it is read: each reader notes what is wrong and goes on with a harmless value."""

    def __init__(
        self,
        raw: dict[str, Any],
        place: str,
        currency: str,
        problems: list[Flaw],
        *,
        card: str | int = "",
        loaded: bool = False,
    ) -> None:
        self.raw = raw
        self.card = card
        # Within the card, as a flaw has it: "discount." or "discount.bands 1: ".
        self.place = place
        self._loaded = loaded
        self._currency = currency
        self._problems = problems
        self._asked: set[str] = set()
        # One flaw a key is enough: what was noted as wrong is not also found to be out of bounds.
        self._wrong: set[str] = set()

    def say(self, key: str, why: Wrong, *facts: Fact) -> None:
        if key not in self._wrong:
            self._wrong.add(key)
            self._problems.append(Flaw(why, self.card, f"{self.place}{shown(key)}", facts))

    def look_at(self, key: str, text: str, *, longest: int = LONGEST_TEXT) -> None:
        """Note if a name or a text is too long, or holds a sign that nobody sees."""
        if self._loaded:
            return
        named = shown(text) if text.isprintable() else ""
        if len(text) > longest:
            self.say(key, Wrong.TOO_LONG, named, len(text), longest)
        elif (unseen := next((sign for sign in text if not seen(sign)), None)) is not None:
            self.say(key, Wrong.UNSEEN_SIGN, named, f"U+{ord(unseen):04X}")

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self.raw

    def read(self, *keys: str) -> bool:
        return all(key in self.raw and key not in self._wrong for key in keys)

    def refuse_others(self) -> None:
        for key in self.raw:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self._problems.append(Flaw(Wrong.UNKNOWN_KEY, self.card, f"{self.place}{shown(key)}", (known,)))

    def _take(
        self, key: str, *, fallback: Any, missing: bool, is_right: Callable[[Any], bool], kind: Needed | Wanted
    ) -> Any:
        wanted = kind if isinstance(kind, Wanted) else Wanted(kind)
        self._asked.add(key)
        if key not in self.raw:
            if missing:
                self.say(key, Wrong.MISSING, wanted)
            return fallback
        value = self.raw[key]
        if isinstance(value, TooLong):
            self.say(key, Wrong.TOO_MANY_DIGITS, shown(value), MOST_DIGITS, MOST_DECIMALS)
            return fallback
        if not is_right(value):
            self.say(key, Wrong.NOT_THAT, shown(_as_typed(value)), wanted)
            return fallback
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value: str = self._take(
            key,
            fallback=default or "",
            missing=default is None,
            is_right=lambda v: isinstance(v, str) and bool(v.strip()),
            kind=Needed.TEXT,
        )
        self.look_at(key, value.strip(), longest=LONGEST_NAME)
        return value.strip()

    def texts(self, key: str, *, kind: Needed = Needed.TEXTS) -> tuple[str, ...]:
        value: list[str] = self._take(
            key,
            fallback=[],
            missing=False,
            is_right=lambda v: isinstance(v, list) and bool(v) and all(isinstance(each, str) for each in v),
            kind=kind,
        )
        for each in value:
            self.look_at(key, each)
        return tuple(value)

    def day(self, key: str) -> date:
        value: date = self._take(
            key,
            fallback=date.min,
            missing=True,
            is_right=lambda v: isinstance(v, date) and not isinstance(v, datetime),
            kind=Needed.DAY,
        )
        return value

    def whole(self, key: str, *, most: int, default: int | None = None, least: int = 0) -> int:
        fallback = least if default is None else default
        value: int = self._take(
            key, fallback=fallback, missing=default is None, is_right=lambda v: type(v) is int, kind=Needed.WHOLE
        )
        if not least <= value <= most:
            self.say(key, Wrong.OUT_OF_BOUNDS, value, least, most)
            return fallback
        return value

    def months(self, key: str) -> int:
        return self.whole(key, least=1, most=_LONGEST_TERM_MONTHS)

    def days_late(self, key: str) -> int | None:
        return self.whole(key, most=_MOST_DAYS_LATE) if self.has(key) else None

    def yes_or_no(self, key: str) -> bool:
        value: bool = self._take(
            key, fallback=False, missing=False, is_right=lambda v: isinstance(v, bool), kind=Needed.YES_OR_NO
        )
        return value

    def _number(self, key: str, default: int | None, kind: Needed | Wanted) -> Decimal:
        value = self._take(
            key,
            fallback=default or 0,
            missing=default is None,
            is_right=lambda v: type(v) is int or (isinstance(v, Decimal) and v.is_finite()),
            kind=kind,
        )
        return Decimal(value)

    def number(self, key: str) -> Decimal | None:
        return self._number(key, None, Needed.NUMBER) if self.has(key) else None

    def money(self, key: str, *, above_zero: bool = False) -> Money:
        value = self._number(key, None, Wanted(Needed.AMOUNT, self._currency))
        if value < 0:
            self.say(key, Wrong.NEGATIVE, value)
            return Money.zero(self._currency)
        if above_zero and not value:
            self.say(key, Wrong.NOT_ABOVE_ZERO)
        try:
            return Money.of(value, self._currency)
        except ValueError:
            self.say(key, Wrong.NO_AMOUNT, value, self._currency)
            return Money.zero(self._currency)

    def rate(self, key: str) -> Decimal:
        value = self._number(key, None, Needed.RATE)
        if not 0 <= value <= 1000:
            self.say(key, Wrong.NO_PERCENTAGE, value, 0, 1000)
            return Decimal(0)
        return value

    def percent_bps(self, key: str, *, default: int | None) -> int:
        """Read a percentage into basis points; without a default it may not be left out."""
        fallback = default or 0
        value = Decimal(
            self._take(
                key,
                fallback=Decimal(fallback) / 100,
                missing=default is None,
                is_right=lambda v: type(v) is int or (isinstance(v, Decimal) and v.is_finite()),
                kind=Needed.PERCENTAGE,
            )
        )
        if not 0 <= value <= 100:
            self.say(key, Wrong.NO_PERCENTAGE, value, 0, 100)
            return fallback
        if value * 100 != int(value * 100):
            self.say(key, Wrong.TOO_FINE, value)
            return fallback
        return int(value * 100)

    def choice(self, key: str, names: type[_Named], *, fallback: _Named) -> _Named:
        known = {each.value: each for each in names}
        value: str = self._take(
            key,
            fallback=fallback.value,
            missing=True,
            is_right=lambda v: v in tuple(known),
            kind=Wanted(Needed.ONE_OF, ", ".join(known)),
        )
        return known[value]

    def choices(self, key: str, names: type[_Named]) -> tuple[_Named, ...]:
        known = {each.value: each for each in names}
        value: list[str] = self._take(
            key,
            fallback=[next(iter(known))],
            missing=True,
            is_right=lambda v: isinstance(v, list) and bool(v) and all(each in tuple(known) for each in v),
            kind=Wanted(Needed.SOME_OF, ", ".join(known)),
        )
        return tuple(dict.fromkeys(known[each] for each in value))

    def months_of_year(self, key: str) -> tuple[int, ...]:
        value: list[int] = self._take(
            key,
            fallback=[],
            missing=False,
            is_right=lambda v: isinstance(v, list) and all(type(each) is int and 1 <= each <= 12 for each in v),
            kind=Needed.MONTHS,
        )
        return tuple(sorted(set(value)))

    def season_end(self, key: str) -> YearDay | date:
        """Read one end of a season: "09-01" for a day of every year, 2026-09-01 without quotes for one date."""
        value: str | date = self._take(
            key,
            fallback="01-01",
            missing=True,
            is_right=lambda v: (isinstance(v, date) and not isinstance(v, datetime)) or _is_year_day(v),
            kind=Needed.SEASON_END,
        )
        return value if isinstance(value, date) else YearDay(int(value[:2]), int(value[3:]))

    def optional(self, key: str) -> _Table | None:
        """Give a table that may be left out; what it is about is then not offered."""
        return self.table(key) if self.has(key) else None

    def table(self, key: str, *, required: bool = True) -> _Table:
        value: dict[str, Any] = self._take(
            key, fallback={}, missing=False, is_right=lambda v: isinstance(v, dict), kind=Needed.TABLE
        )
        if required and key not in self.raw:
            within = self.place.rpartition(": ")[2]
            self.say(key, Wrong.MISSING, Wanted(Needed.TABLE_NAMED, f"card.{within}{key}"))
        if key in self._wrong:
            # The keys in it would all be missing too, and saying so helps nobody.
            return _Quiet(value, f"{self.place}{key}.", self._currency, [])
        return self._within(value, f"{self.place}{shown(key)}.")

    def tables(self, key: str, *, required: bool = True) -> tuple[_Table, ...]:
        value: list[dict[str, Any]] = self._take(
            key,
            fallback=[],
            missing=required,
            is_right=lambda v: isinstance(v, list) and bool(v) and all(isinstance(each, dict) for each in v),
            kind=Wanted(Needed.TABLES, key),
        )
        return tuple(
            self._within(raw, "", card=at) if key == "card" else self._within(raw, f"{self.place}{key} {at}: ")
            for at, raw in enumerate(value, start=1)
        )

    def _within(self, raw: dict[str, Any], place: str, *, card: int | None = None) -> _Table:
        return _Table(
            raw,
            place,
            self._currency,
            self._problems,
            card=self.card if card is None else card,
            loaded=self._loaded,
        )


class _Quiet(_Table):
    """A table that is missing as a whole and has been named once."""

    def say(self, key: str, why: Wrong, *facts: Fact) -> None:
        return


def _as_typed(value: Any) -> str:
    """Give a value of the file nearly as it stands there."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case list():
            return f"[{', '.join(map(_as_typed, value))}]"
        case dict():
            return f"{{{', '.join(f'{key} = {_as_typed(each)}' for key, each in value.items())}}}"
    return repr(value)


def _is_year_day(value: Any) -> bool:
    found = re.fullmatch(r"([0-9]{2})-([0-9]{2})", value, re.ASCII) if isinstance(value, str) else None
    return found is not None and 1 <= int(found[1]) <= 12 and 1 <= int(found[2]) <= _DAYS_OF[int(found[1]) - 1]

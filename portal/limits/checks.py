"""RULES  What contradicts itself in a draft of limits: what is wrong, where, and with which values; and in sentences.

Invariant: a draft with one contradiction is not loaded. What was loaded before a check was written goes on to hold.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import combinations, pairwise
from typing import Final, TypeAlias

from portal.limits.cards import (
    Component,
    Discount,
    DiscountBand,
    InterestPolicy,
    Limits,
    LimitsSet,
    Order,
    RateBand,
    When,
    YearDay,
)
from portal.limits.precedence import unreachable
from portal.limits.reading import LimitsError, parse
from portal.limits.segments import segments
from portal.money import Money
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual

_LEAP_YEAR: Final = 2028
_WHOLE_BPS: Final = 10_000


class Why(Enum):
    """What is wrong; its value is the sentence with the keys of the file, in which k are places and v values."""

    ENDS = "{k1}: {v1} is below {k2} {v2}; no debt fits."
    ATTRIBUTE_ENDS = "{k1}: {v1} is below from {v2}; no debt fits."
    NOBODY_LESS_FOR_THAT = (
        "{k1}: this looks at {v1}, and nobody may be offered less for that. If it means something else, give it "
        "another name in the mapping of the file."
    )
    NO_DEBT_CAN_PAY = "{k1}: {v1} is above {k2} {v2}; no debt of this card can pay it."
    HARDSHIP_ASKS_MORE = "{k1}: {v1} is above {k2} {v2}; people in hardship may never be asked for more."
    TOKEN_ABOVE_PAYMENT = "{k1}: {v1} is above {k2} {v2}; a sign of good will may not be more than a payment."  # noqa: S105
    HARDSHIP_LESS_TIME = (
        "{k1}: {v1} months is shorter than the standard {v2} ({k2}); people in hardship may never be given less time."
    )
    ALONE_BEYOND_TERM = "{k1}: {v1} is longer than the standard term ({k2}) {v2}; it can never be reached."
    STEPS_FILL_TERM = "{k1}: {v1} leaves nothing of {k2} {v2}; no payment could go up. Write 0 if none should."
    OFFER_OUTLIVES_PAYMENT = "{k1}: {v1} is above {k2} {v2}; an offer would outlive its own first payment."
    REDUCED_FILLS_TERM = "{k1}: {v1} leaves nothing of {k2} {v2}; the usual payment would never come back."
    RATE_WITHOUT_MEANING = "{k1}: has no meaning while the policy is {v1} ({k2})."
    SEASON_NOT_LOWER = "{k1}: {v1} isn't below {k2} {v2}; it never counts."
    SEASON_ENDS = "{k1}: {v1} is before its from {v2}; the season never comes. One over New Year is written as two."
    SEASON_TWICE = "{k1}: another band has the same name."
    SEASONS_MEET = "{k1} ({v1} to {v2}) and {k2} ({v3} to {v4}): both count on some days."
    SEASONAL_WITHOUT_MONTHS = "{k1} and {k2}: seasonal is offered, but no month is named, so the season never comes."
    MONTHS_WITHOUT_SEASONAL = "{k1} and {k2}: months are named, but seasonal isn't offered, so they never count."
    TERM_WITHOUT_SEASON = (
        "{k1} and {k2}: up to {v1} months lie between two of the months {v2}, so in a term of {v3} the season may "
        "never come."
    )
    FIRST_PAYMENT_WITHOUT_SEASON = "{k1} and {k2}: {v1} days may hold no day of the months {v2}; it takes up to {v3}."
    BAND_ENDS = "{k1}: {v1} is below days_late_from {v2}; no debt fits."
    STAGED_ABOVE_LUMP = (
        "{k1}: {v1} is above lump_percent {v2}; paying later would be worth more than paying at once. If it is meant, "
        "write staged_above_lump = true."
    )
    STAGED_IN_ONE_PART = "{k1} and {k2}: a staged settlement takes at least two payments, and {v1} is allowed."
    BAND_BEYOND_PERSON = "{k1}: {v1} is above {k2} {v2}; what is offered would be refused."
    BANDS_OVERLAP = "{k1} and {k2}: these bands overlap."
    BANDS_LEAVE_A_GAP = (
        "{k1} and {k2}: days {v1} to {v2} lie in no band. Where nothing should be let off, write a band of 0."
    )
    BANDS_FOR_OTHER_DEBTS = "{k1} and {k2}: no band is for any debt of this card, so nothing is ever let off."
    NOTHING_TO_LET_OFF = "{k1} and {k2}: no component may be let off, so no discount can ever be given."
    ALONE_ABOVE_BANDS = "{k1}: {v1} is above all {k2} {v2}; it can never be reached."
    ALONE_BEYOND_PERSON = "{k1}: {v1} is above {k2} {v2}; what is agreed alone would be refused."
    HARDSHIP_BEYOND_PERSON = (
        "{k1}: {v1} is above {k2} {v2}; people in hardship would be refused what they may be given."
    )
    ALONE_WITHOUT_DISCOUNT = "{k1} and {k2}: a discount is agreed alone, but none is offered."
    AGENTS_BEYOND_PERSON = "{k1}: {v1} is above {k2} {v2}; agents could grant what the rules refuse."
    PAUSE_OF_NOTHING = (
        "{k1} and {k2}: months without payments are offered, but the most is 0. Leave [card.holiday] out."
    )
    NEVER_REACHED = "{k1}: {v1} is above {k2} {v2}; it can never be reached."
    INTEREST_IN_A_PAUSE = "{k1} and {k2}: interest would go on ({v1}) in a pause of a plan whose interest is frozen."
    PRINCIPAL_LET_OFF = "{k1} and {k2}: the payments pay the principal, so it can't be let off with them."
    DOWN_PAYMENT_NEVER_ASKED = "{k1}: {v1} is above {k2} {v2}; no debt of this card is ever asked for one."
    NO_CHANGES = "{k1}: changes are offered, but the most of each is 0. Leave [card.changes] out."
    NO_MOVES = "{k1}: {v1} goes with {k2} {v2}; no date could ever be moved."
    NO_SECOND_SKIP = "{k1}: {v1} goes with {k2} {v2}; in a year there is no second one that it could keep apart."
    NOTHING_IS_KEPT = "{k1}: 100%; a payment of which nothing came would count as kept."
    INSTALMENTS_WITHOUT_PLAN = "{k1}: by_instalment needs a plan; a debt without one has no instalments."
    SAME_FIRST_DAY = (
        "{k1} and version {v1}: both start on {v2}, so nobody could tell from the day which of them counts. Take "
        "another day."
    )
    BEFORE_WHAT_COUNTS = (
        "{k1} and version {v1}: {v2} is before {v3}, since when version {v1} is in force, so this one would never "
        "count."
    )


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a hundred, in basis points."""

    bps: int

    def __str__(self) -> str:
        return f"{self.bps / 100:g}%"


@dataclass(frozen=True, slots=True)
class Place:
    """A key of the file; in one of several rows it has the row, and how that is written in a sentence."""

    key: str
    row: RateBand | DiscountBand | str | None = None
    written: str = ""

    def __str__(self) -> str:
        return self.written or self.key


Value: TypeAlias = Money | Share | Decimal | int | str | date | YearDay | Enum | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that can't be: why, the keys that can't both hold, and the values that say so."""

    why: Why
    places: tuple[Place, ...] = ()
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return self.why.value.format(
            **{f"k{at}": str(place) for at, place in enumerate(self.places, start=1)},
            **{f"v{at}": _written(value) for at, value in enumerate(self.values, start=1)},
        )


def _written(value: Value) -> str:
    match value:
        case tuple() if not isinstance(value, YearDay):
            return ", ".join(str(each) for each in value)
        case Enum():
            return str(value.value)
    return str(value)


def _at(*keys: str) -> tuple[Place, ...]:
    return tuple(Place(key) for key in keys)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version of the lender's limits that is there already: its number, and the day it starts."""

    number: int
    effective_from: date


def draft(text: str, *, currency: str, loaded: Sequence[Loaded] = (), today: date | None = None) -> LimitsSet:
    """Read a draft and give it if it doesn't contradict itself or the versions that are there.

    :raises LimitsError: if it can't be read, or something in it contradicts something else.
    """
    limits = parse(text, currency=currency)
    problems = problems_of(limits, loaded=loaded, today=today)
    if problems:
        raise LimitsError(problems)
    return limits


def problems_of(limits: LimitsSet, *, loaded: Sequence[Loaded] = (), today: date | None = None) -> tuple[str, ...]:
    """Give a sentence for each contradiction: in each card, then between cards, then with versions loaded before."""
    found = [f'card "{card}": {problem}' for card, problem in contradictions(limits)]
    found += [_taken(card, above) for card, above in unreachable(limits.cards)]
    found += (str(each) for each in clashes_of_versions(limits, loaded, today))
    return tuple(found)


def contradictions(limits: LimitsSet) -> Iterator[tuple[str, Problem]]:
    """Give what contradicts itself in a card: the card's name, and what it is."""
    for card in limits.cards:
        for check in _OF_A_CARD:
            for problem in check(card.when, card.limits):
                yield card.name, problem


def _taken(card: str, above: Sequence[str]) -> str:
    if len(above) == 1:
        return f'card "{card}" and card "{above[0]}": the second is above and takes all debts of the first.'
    names = ", ".join(f'"{each}"' for each in above)
    return f'card "{card}" and cards {names}: those are above and together take all debts of the first.'


def _debts(when: When, _limits: Limits) -> Iterator[Problem]:
    if when.balance_from is not None and when.balance_to is not None and when.balance_to < when.balance_from:
        yield Problem(Why.ENDS, _at("when.balance_to", "when.balance_from"), (when.balance_to, when.balance_from))
    if when.days_late_from is not None and when.days_late_to is not None and when.days_late_to < when.days_late_from:
        yield Problem(
            Why.ENDS,
            _at("when.days_late_to", "when.days_late_from"),
            (when.days_late_to, when.days_late_from),
        )
    for rule in when.attributes:
        name = f"when.attributes.{rule.name}"
        if rule.number_from is not None and rule.number_to is not None and rule.number_to < rule.number_from:
            place = Place("when.attributes.to", rule.name, f"{name}.to")
            yield Problem(Why.ATTRIBUTE_ENDS, (place,), (rule.number_to, rule.number_from))
        for segment in segments():
            if segment.is_named_by(rule.name):
                place = Place("when.attributes", rule.name, name)
                yield Problem(Why.NOBODY_LESS_FOR_THAT, (place,), (segment.name,))


def _least_payment(when: When, limits: Limits) -> Iterator[Problem]:
    least, hardship, token = limits.min_payment, limits.hardship_min_payment, limits.token
    if when.balance_to is not None and least > when.balance_to:
        yield Problem(Why.NO_DEBT_CAN_PAY, _at("least_payment.amount", "when.balance_to"), (least, when.balance_to))
    if hardship > least:
        yield Problem(
            Why.HARDSHIP_ASKS_MORE, _at("least_payment.hardship_amount", "least_payment.amount"), (hardship, least)
        )
    if token is not None and token.amount > hardship:
        yield Problem(
            Why.TOKEN_ABOVE_PAYMENT, _at("token.amount", "least_payment.hardship_amount"), (token.amount, hardship)
        )


def _terms(_when: When, limits: Limits) -> Iterator[Problem]:
    standard, hardship = limits.max_term_months, limits.hardship_max_term_months
    if hardship < standard:
        yield Problem(
            Why.HARDSHIP_LESS_TIME,
            _at("longest_term_months.hardship", "longest_term_months.standard"),
            (hardship, standard),
        )
    if limits.auto_accept_months > standard:
        yield Problem(
            Why.ALONE_BEYOND_TERM,
            _at("accept_alone_up_to_months", "longest_term_months.standard"),
            (limits.auto_accept_months, standard),
        )
    if limits.step_months >= standard and limits.step_months:
        yield Problem(
            Why.STEPS_FILL_TERM,
            _at("step_up_after_months", "longest_term_months.standard"),
            (limits.step_months, standard),
        )
    if limits.offer_validity_days > limits.first_payment_within_days:
        yield Problem(
            Why.OFFER_OUTLIVES_PAYMENT,
            _at("offer_valid_days", "first_payment_within_days"),
            (limits.offer_validity_days, limits.first_payment_within_days),
        )
    if limits.reduced_payment is not None and limits.reduced_payment.most_months >= hardship:
        yield Problem(
            Why.REDUCED_FILLS_TERM,
            _at("reduced_payment.most_months", "longest_term_months.hardship"),
            (limits.reduced_payment.most_months, hardship),
        )


def _season(band: RateBand, key: str = "") -> Place:
    written = f'interest.band "{band.name}"'
    return Place(f"interest.bands.{key}" if key else "interest.bands", band, f"{written}.{key}" if key else written)


def _interest(_when: When, limits: Limits) -> Iterator[Problem]:
    policy, reduced = limits.interest_policy, limits.reduced_rate
    if policy is not InterestPolicy.REDUCED and reduced is not None:
        yield Problem(Why.RATE_WITHOUT_MEANING, _at("interest.reduced_rate", "interest.policy"), (policy,))
    for band in limits.rate_bands:
        if policy is InterestPolicy.FROZEN:
            yield Problem(Why.RATE_WITHOUT_MEANING, (_season(band), Place("interest.policy")), (policy,))
        if policy is InterestPolicy.REDUCED and reduced is not None and band.rate >= reduced:
            yield Problem(
                Why.SEASON_NOT_LOWER, (_season(band, "rate"), Place("interest.reduced_rate")), (band.rate, reduced)
            )
        if type(band.first) is type(band.last) and band.last < band.first:  # type: ignore[operator]
            yield Problem(Why.SEASON_ENDS, (_season(band, "to"),), (band.last, band.first))
    for one, other in combinations(limits.rate_bands, 2):
        if one.name == other.name:
            yield Problem(Why.SEASON_TWICE, (_season(one),))
        if _meet(one, other):
            yield Problem(
                Why.SEASONS_MEET, (_season(one), _season(other)), (one.first, one.last, other.first, other.last)
            )


def _meet(one: RateBand, other: RateBand) -> bool:
    """Tell whether two seasons share a day, in whatever year."""
    if isinstance(one.first, YearDay) is isinstance(other.first, YearDay):
        return one.first <= other.last and other.first <= one.last  # type: ignore[operator]
    yearly, dated = (one, other) if isinstance(one.first, YearDay) else (other, one)
    if not (isinstance(dated.first, date) and isinstance(dated.last, date)) or dated.last < dated.first:
        return False
    if dated.last.toordinal() - dated.first.toordinal() >= 366:
        return True
    return any(
        yearly.covers(date.fromordinal(day)) for day in range(dated.first.toordinal(), dated.last.toordinal() + 1)
    )


def _seasons(_when: When, limits: Limits) -> Iterator[Problem]:
    months, seasonal = limits.season, Frequency.SEASONAL in limits.frequencies
    if seasonal and not months:
        yield Problem(Why.SEASONAL_WITHOUT_MONTHS, _at("frequencies", "seasonal_months"))
    if months and not seasonal:
        yield Problem(Why.MONTHS_WITHOUT_SEASONAL, _at("seasonal_months", "frequencies"))
    if not (months and seasonal):
        return
    gaps = [(later - earlier) % 12 or 12 for earlier, later in pairwise((*months, months[0]))]
    if max(gaps) > limits.max_term_months:
        yield Problem(
            Why.TERM_WITHOUT_SEASON,
            _at("seasonal_months", "longest_term_months.standard"),
            (max(gaps), months, limits.max_term_months),
        )
    wait = max(_days_between(earlier, later) for earlier, later in pairwise((*months, months[0])))
    if wait > limits.first_payment_within_days:
        yield Problem(
            Why.FIRST_PAYMENT_WITHOUT_SEASON,
            _at("first_payment_within_days", "seasonal_months"),
            (limits.first_payment_within_days, months, wait),
        )


def _days_between(earlier: int, later: int) -> int:
    """Give the days from the last of one month to the first of another that follows, in a leap year."""
    months = range(earlier + 1, earlier + ((later - earlier) % 12 or 12))
    return 1 + sum(calendar.monthrange(_LEAP_YEAR, (month - 1) % 12 + 1)[1] for month in months)


def _band(band: DiscountBand, key: str = "") -> Place:
    written = f"discount.bands {band.days_late_from} to {_end(band.days_late_to)}"
    return Place(f"discount.bands.{key}" if key else "discount.bands", band, f"{written}, {key}" if key else written)


def _discounts(when: When, limits: Limits) -> Iterator[Problem]:
    discount = limits.discount
    if discount is None:
        return
    bands = sorted(discount.bands, key=lambda band: band.days_late_from)
    for band in bands:
        if band.days_late_to is not None and band.days_late_to < band.days_late_from:
            yield Problem(Why.BAND_ENDS, (_band(band, "days_late_to"),), (band.days_late_to, band.days_late_from))
        if band.staged_bps > band.lump_bps and not discount.staged_above_lump:
            yield Problem(
                Why.STAGED_ABOVE_LUMP,
                (_band(band, "staged_percent"),),
                (Share(band.staged_bps), Share(band.lump_bps)),
            )
        if band.staged_bps and discount.most_instalments < 2:
            yield Problem(
                Why.STAGED_IN_ONE_PART,
                (_band(band, "staged_percent"), Place("discount.most_instalments")),
                (discount.most_instalments,),
            )
        most = max(band.lump_bps, band.staged_bps)
        if limits.person_up_to_discount_bps is not None and most > limits.person_up_to_discount_bps:
            yield Problem(
                Why.BAND_BEYOND_PERSON,
                (_band(band), Place("decide.person_up_to_discount_percent")),
                (Share(most), Share(limits.person_up_to_discount_bps)),
            )
    for one, other in pairwise(bands):
        if one.days_late_to is None or other.days_late_from <= one.days_late_to:
            yield Problem(Why.BANDS_OVERLAP, (_band(one), _band(other)))
        elif other.days_late_from > one.days_late_to + 1:
            yield Problem(
                Why.BANDS_LEAVE_A_GAP,
                (_band(one), _band(other)),
                (one.days_late_to + 1, other.days_late_from - 1),
            )
    yield from _ceilings(discount, limits)
    if not any(_share_days(when, band.days_late_from, band.days_late_to) for band in bands):
        yield Problem(Why.BANDS_FOR_OTHER_DEBTS, _at("discount.bands", "when"))


def _ceilings(discount: Discount, limits: Limits) -> Iterator[Problem]:
    if not any(bps for _, bps in discount.ceilings_bps) and any(
        band.lump_bps or band.staged_bps for band in discount.bands
    ):
        yield Problem(Why.NOTHING_TO_LET_OFF, _at("discount.ceilings", "discount.bands"))
    most = max(max(band.lump_bps, band.staged_bps) for band in discount.bands)
    if limits.auto_accept_discount_bps > most:
        yield Problem(
            Why.ALONE_ABOVE_BANDS,
            _at("decide.alone_up_to_discount_percent", "discount.bands"),
            (Share(limits.auto_accept_discount_bps), Share(most)),
        )


def _decisions(_when: When, limits: Limits) -> Iterator[Problem]:
    months, discount, agents = limits.person_up_to_months, limits.person_up_to_discount_bps, limits.agents
    if months is not None and limits.auto_accept_months > months:
        yield Problem(
            Why.ALONE_BEYOND_PERSON,
            _at("accept_alone_up_to_months", "decide.person_up_to_months"),
            (limits.auto_accept_months, months),
        )
    if months is not None and limits.hardship_max_term_months > months:
        yield Problem(
            Why.HARDSHIP_BEYOND_PERSON,
            _at("longest_term_months.hardship", "decide.person_up_to_months"),
            (limits.hardship_max_term_months, months),
        )
    if discount is not None and limits.auto_accept_discount_bps > discount:
        yield Problem(
            Why.ALONE_BEYOND_PERSON,
            _at("decide.alone_up_to_discount_percent", "decide.person_up_to_discount_percent"),
            (Share(limits.auto_accept_discount_bps), Share(discount)),
        )
    if limits.auto_accept_discount_bps and limits.discount is None:
        yield Problem(Why.ALONE_WITHOUT_DISCOUNT, _at("decide.alone_up_to_discount_percent", "discount"))
    if agents is None:
        return
    if months is not None and agents.longest_months > months:
        yield Problem(
            Why.AGENTS_BEYOND_PERSON,
            _at("agents.longest_months", "decide.person_up_to_months"),
            (agents.longest_months, months),
        )
    if discount is not None and agents.most_discount_bps > discount:
        yield Problem(
            Why.AGENTS_BEYOND_PERSON,
            _at("agents.most_discount_percent", "decide.person_up_to_discount_percent"),
            (Share(agents.most_discount_bps), Share(discount)),
        )


def _pauses(when: When, limits: Limits) -> Iterator[Problem]:
    holiday, waiver, down, plans = limits.holiday, limits.waiver, limits.down_payment, limits.new_plans
    if holiday is not None:
        for key, months in (
            ("most_months_in_12", holiday.most_months_in_12),
            ("most_months_running", holiday.most_months_running),
        ):
            if not months:
                yield Problem(Why.PAUSE_OF_NOTHING, _at("holiday", f"holiday.{key}"))
        if holiday.most_months_running > holiday.most_months_in_12:
            yield Problem(
                Why.NEVER_REACHED,
                _at("holiday.most_months_running", "holiday.most_months_in_12"),
                (holiday.most_months_running, holiday.most_months_in_12),
            )
        if limits.interest_policy is InterestPolicy.FROZEN and holiday.interest is not Accrual.FROZEN:
            yield Problem(Why.INTEREST_IN_A_PAUSE, _at("holiday.interest", "interest.policy"), (holiday.interest,))
    if waiver is not None and Component.PRINCIPAL in waiver.components:
        yield Problem(Why.PRINCIPAL_LET_OFF, _at("waiver.components", "least_payment"))
    if (
        down is not None
        and down.required_from_days_late is not None
        and when.days_late_to is not None
        and not _share_days(when, down.required_from_days_late, None)
    ):
        yield Problem(
            Why.DOWN_PAYMENT_NEVER_ASKED,
            _at("down_payment.required_from_days_late", "when.days_late_to"),
            (down.required_from_days_late, when.days_late_to),
        )
    if plans is not None and plans.most_in_12_months > plans.most_in_all:
        yield Problem(
            Why.NEVER_REACHED,
            _at("new_plans.most_in_12_months", "new_plans.most_in_all"),
            (plans.most_in_12_months, plans.most_in_all),
        )


def _changes(_when: When, limits: Limits) -> Iterator[Problem]:
    changes = limits.changes
    if changes is None:
        return
    if not (changes.moves_in_12_months or changes.pay_day_changes_in_12_months or changes.skips_in_12_months):
        yield Problem(Why.NO_CHANGES, _at("changes"))
    if bool(changes.move_days) is not bool(changes.moves_in_12_months):
        yield Problem(
            Why.NO_MOVES,
            _at("changes.move_days", "changes.moves_in_12_months"),
            (changes.move_days, changes.moves_in_12_months),
        )
    if changes.payments_between_skips and changes.skips_in_12_months < 2:
        yield Problem(
            Why.NO_SECOND_SKIP,
            _at("changes.payments_between_skips", "changes.skips_in_12_months"),
            (changes.payments_between_skips, changes.skips_in_12_months),
        )


def _keeping(_when: When, limits: Limits) -> Iterator[Problem]:
    if limits.tolerance_bps == _WHOLE_BPS:
        yield Problem(Why.NOTHING_IS_KEPT, _at("keeping.tolerance_percent"))


def _orders(_when: When, limits: Limits) -> Iterator[Problem]:
    if limits.orders.without_plan is Order.BY_INSTALMENT:
        yield Problem(Why.INSTALMENTS_WITHOUT_PLAN, _at("allocation.without_plan"))


_OF_A_CARD: Final[tuple[Callable[[When, Limits], Iterator[Problem]], ...]] = (
    _debts,
    _least_payment,
    _terms,
    _interest,
    _seasons,
    _discounts,
    _decisions,
    _pauses,
    _changes,
    _keeping,
    _orders,
)


def clashes_of_versions(limits: LimitsSet, loaded: Sequence[Loaded], today: date | None) -> Iterator[Problem]:
    """Give why a set can't start on its day beside the versions that are there."""
    starts, place = limits.effective_from, Place("effective_from")
    for version in loaded:
        if version.effective_from == starts:
            yield Problem(Why.SAME_FIRST_DAY, (place,), (version.number, starts))
    in_force = [version for version in loaded if today is not None and version.effective_from <= today]
    newest = max(in_force, key=lambda version: version.effective_from, default=None)
    if newest is not None and starts < newest.effective_from:
        yield Problem(Why.BEFORE_WHAT_COUNTS, (place,), (newest.number, starts, newest.effective_from))


def _share_days(when: When, first: int, last: int | None) -> bool:
    return (when.days_late_to is None or first <= when.days_late_to) and (
        last is None or when.days_late_from is None or last >= when.days_late_from
    )


def _end(days: int | None) -> str:
    return "…" if days is None else str(days)

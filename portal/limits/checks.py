"""RULES  What contradicts itself in a draft of limits, in sentences that name both rules.

Invariant: a draft with one contradiction is not loaded. What was loaded before a check was written goes on to hold.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from typing import Final

from portal.limits.cards import (
    Component,
    Discount,
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
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual

_LEAP_YEAR: Final = 2028
_WHOLE_BPS: Final = 10_000


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
    found = [f'card "{card}": {sentence}' for card, sentence in contradictions(limits)]
    found += [_taken(card, above) for card, above in unreachable(limits.cards)]
    found += clashes_of_versions(limits, loaded, today)
    return tuple(found)


def contradictions(limits: LimitsSet) -> Iterator[tuple[str, str]]:
    """Give what contradicts itself in a card: the card's name, and a sentence with both keys in it."""
    for card in limits.cards:
        for check in _OF_A_CARD:
            for sentence in check(card.when, card.limits):
                yield card.name, sentence


def _taken(card: str, above: Sequence[str]) -> str:
    if len(above) == 1:
        return f'card "{card}" and card "{above[0]}": the second is above and takes all debts of the first.'
    names = ", ".join(f'"{each}"' for each in above)
    return f'card "{card}" and cards {names}: those are above and together take all debts of the first.'


def _debts(when: When, _limits: Limits) -> Iterator[str]:
    if when.balance_from is not None and when.balance_to is not None and when.balance_to < when.balance_from:
        yield _both("when.balance_to", when.balance_to, "is below when.balance_from", when.balance_from, "no debt fits")
    if when.days_late_from is not None and when.days_late_to is not None and when.days_late_to < when.days_late_from:
        yield _both(
            "when.days_late_to", when.days_late_to, "is below when.days_late_from", when.days_late_from, "no debt fits"
        )
    for rule in when.attributes:
        if rule.number_from is not None and rule.number_to is not None and rule.number_to < rule.number_from:
            yield _both(
                f"when.attributes.{rule.name}.to", rule.number_to, "is below from", rule.number_from, "no debt fits"
            )
        for segment in segments():
            if segment.is_named_by(rule.name):
                yield (
                    f"when.attributes.{rule.name}: this looks at {segment.name}, and nobody may be offered less for "
                    "that. If it means something else, give it another name in the mapping of the file."
                )


def _least_payment(when: When, limits: Limits) -> Iterator[str]:
    least, hardship, token = limits.min_payment, limits.hardship_min_payment, limits.token
    if when.balance_to is not None and least > when.balance_to:
        yield _both(
            "least_payment.amount",
            least,
            "is above when.balance_to",
            when.balance_to,
            "no debt of this card can pay it",
        )
    if hardship > least:
        yield _both(
            "least_payment.hardship_amount",
            hardship,
            "is above least_payment.amount",
            least,
            "people in hardship may never be asked for more",
        )
    if token is not None and token.amount > hardship:
        yield _both(
            "token.amount",
            token.amount,
            "is above least_payment.hardship_amount",
            hardship,
            "a sign of good will may not be more than a payment",
        )


def _terms(_when: When, limits: Limits) -> Iterator[str]:
    standard, hardship = limits.max_term_months, limits.hardship_max_term_months
    if hardship < standard:
        yield (
            f"longest_term_months.hardship: {hardship} months is shorter than the standard {standard} "
            "(longest_term_months.standard); people in hardship may never be given less time."
        )
    if limits.auto_accept_months > standard:
        yield _both(
            "accept_alone_up_to_months",
            limits.auto_accept_months,
            "is longer than the standard term (longest_term_months.standard)",
            standard,
            "it can never be reached",
        )
    if limits.step_months >= standard and limits.step_months:
        yield _both(
            "step_up_after_months",
            limits.step_months,
            "leaves nothing of longest_term_months.standard",
            standard,
            "no payment could go up. Write 0 if none should",
        )
    if limits.offer_validity_days > limits.first_payment_within_days:
        yield _both(
            "offer_valid_days",
            limits.offer_validity_days,
            "is above first_payment_within_days",
            limits.first_payment_within_days,
            "an offer would outlive its own first payment",
        )
    if limits.reduced_payment is not None and limits.reduced_payment.most_months >= hardship:
        yield _both(
            "reduced_payment.most_months",
            limits.reduced_payment.most_months,
            "leaves nothing of longest_term_months.hardship",
            hardship,
            "the usual payment would never come back",
        )


def _interest(_when: When, limits: Limits) -> Iterator[str]:
    policy, reduced = limits.interest_policy, limits.reduced_rate
    if policy is not InterestPolicy.REDUCED and reduced is not None:
        yield f"interest.reduced_rate: has no meaning while the policy is {policy.value} (interest.policy)."
    for band in limits.rate_bands:
        if policy is InterestPolicy.FROZEN:
            yield f'interest.band "{band.name}": has no meaning while the policy is frozen (interest.policy).'
        if policy is InterestPolicy.REDUCED and reduced is not None and band.rate >= reduced:
            yield _both(
                f'interest.band "{band.name}".rate',
                band.rate,
                "isn't below interest.reduced_rate",
                reduced,
                "it never counts",
            )
        if type(band.first) is type(band.last) and band.last < band.first:  # type: ignore[operator]
            yield _both(
                f'interest.band "{band.name}".to',
                band.last,
                "is before its from",
                band.first,
                "the season never comes. One over New Year is written as two",
            )
    for one, other in combinations(limits.rate_bands, 2):
        if one.name == other.name:
            yield f'interest.band "{one.name}": another band has the same name.'
        if _meet(one, other):
            yield (
                f'interest.band "{one.name}" ({one.first} to {one.last}) and interest.band "{other.name}" '
                f"({other.first} to {other.last}): both count on some days."
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


def _seasons(_when: When, limits: Limits) -> Iterator[str]:
    months, seasonal = limits.season, Frequency.SEASONAL in limits.frequencies
    if seasonal and not months:
        yield "frequencies and seasonal_months: seasonal is offered, but no month is named, so the season never comes."
    if months and not seasonal:
        yield "seasonal_months and frequencies: months are named, but seasonal isn't offered, so they never count."
    if not (months and seasonal):
        return
    gaps = [(later - earlier) % 12 or 12 for earlier, later in pairwise((*months, months[0]))]
    if max(gaps) > limits.max_term_months:
        yield (
            f"seasonal_months and longest_term_months.standard: up to {max(gaps)} months lie between two of the months "
            f"{_listed(months)}, so in a term of {limits.max_term_months} the season may never come."
        )
    wait = max(_days_between(earlier, later) for earlier, later in pairwise((*months, months[0])))
    if wait > limits.first_payment_within_days:
        yield (
            f"first_payment_within_days and seasonal_months: {limits.first_payment_within_days} days may hold no day "
            f"of the months {_listed(months)}; it takes up to {wait}."
        )


def _days_between(earlier: int, later: int) -> int:
    """Give the days from the last of one month to the first of another that follows, in a leap year."""
    months = range(earlier + 1, earlier + ((later - earlier) % 12 or 12))
    return 1 + sum(calendar.monthrange(_LEAP_YEAR, (month - 1) % 12 + 1)[1] for month in months)


def _discounts(when: When, limits: Limits) -> Iterator[str]:
    discount = limits.discount
    if discount is None:
        return
    bands = sorted(discount.bands, key=lambda band: band.days_late_from)
    names = {band: f"discount.bands {band.days_late_from} to {_end(band.days_late_to)}" for band in bands}
    for band in bands:
        if band.days_late_to is not None and band.days_late_to < band.days_late_from:
            yield _both(
                f"{names[band]}, days_late_to",
                band.days_late_to,
                "is below days_late_from",
                band.days_late_from,
                "no debt fits",
            )
        if band.staged_bps > band.lump_bps and not discount.staged_above_lump:
            yield _both(
                f"{names[band]}, staged_percent",
                _percent(band.staged_bps),
                "is above lump_percent",
                _percent(band.lump_bps),
                "paying later would be worth more than paying at once. If it is meant, write staged_above_lump = true",
            )
        if band.staged_bps and discount.most_instalments < 2:
            yield (
                f"{names[band]}, staged_percent and discount.most_instalments: a staged settlement takes at least two "
                f"payments, and {discount.most_instalments} is allowed."
            )
        most = max(band.lump_bps, band.staged_bps)
        if limits.person_up_to_discount_bps is not None and most > limits.person_up_to_discount_bps:
            yield _both(
                names[band],
                _percent(most),
                "is above decide.person_up_to_discount_percent",
                _percent(limits.person_up_to_discount_bps),
                "what is offered would be refused",
            )
    for one, other in pairwise(bands):
        if one.days_late_to is None or other.days_late_from <= one.days_late_to:
            yield f"{names[one]} and {names[other]}: these bands overlap."
        elif other.days_late_from > one.days_late_to + 1:
            yield (
                f"{names[one]} and {names[other]}: days {one.days_late_to + 1} to {other.days_late_from - 1} lie in no "
                "band. Where nothing should be let off, write a band of 0."
            )
    yield from _ceilings(discount, limits)
    if not any(_share_days(when, band.days_late_from, band.days_late_to) for band in bands):
        yield "discount.bands and when: no band is for any debt of this card, so nothing is ever let off."


def _ceilings(discount: Discount, limits: Limits) -> Iterator[str]:
    if not any(bps for _, bps in discount.ceilings_bps) and any(
        band.lump_bps or band.staged_bps for band in discount.bands
    ):
        yield "discount.ceilings and discount.bands: no component may be let off, so no discount can ever be given."
    most = max(max(band.lump_bps, band.staged_bps) for band in discount.bands)
    if limits.auto_accept_discount_bps > most:
        yield _both(
            "decide.alone_up_to_discount_percent",
            _percent(limits.auto_accept_discount_bps),
            "is above all discount.bands",
            _percent(most),
            "it can never be reached",
        )


def _decisions(_when: When, limits: Limits) -> Iterator[str]:
    months, discount, agents = limits.person_up_to_months, limits.person_up_to_discount_bps, limits.agents
    if months is not None and limits.auto_accept_months > months:
        yield _both(
            "accept_alone_up_to_months",
            limits.auto_accept_months,
            "is above decide.person_up_to_months",
            months,
            "what is agreed alone would be refused",
        )
    if months is not None and limits.hardship_max_term_months > months:
        yield _both(
            "longest_term_months.hardship",
            limits.hardship_max_term_months,
            "is above decide.person_up_to_months",
            months,
            "people in hardship would be refused what they may be given",
        )
    if discount is not None and limits.auto_accept_discount_bps > discount:
        yield _both(
            "decide.alone_up_to_discount_percent",
            _percent(limits.auto_accept_discount_bps),
            "is above decide.person_up_to_discount_percent",
            _percent(discount),
            "what is agreed alone would be refused",
        )
    if limits.auto_accept_discount_bps and limits.discount is None:
        yield "decide.alone_up_to_discount_percent and discount: a discount is agreed alone, but none is offered."
    if agents is None:
        return
    if months is not None and agents.longest_months > months:
        yield _both(
            "agents.longest_months",
            agents.longest_months,
            "is above decide.person_up_to_months",
            months,
            "agents could grant what the rules refuse",
        )
    if discount is not None and agents.most_discount_bps > discount:
        yield _both(
            "agents.most_discount_percent",
            _percent(agents.most_discount_bps),
            "is above decide.person_up_to_discount_percent",
            _percent(discount),
            "agents could grant what the rules refuse",
        )


def _pauses(when: When, limits: Limits) -> Iterator[str]:
    holiday, waiver, down, plans = limits.holiday, limits.waiver, limits.down_payment, limits.new_plans
    if holiday is not None:
        for key, months in (
            ("most_months_in_12", holiday.most_months_in_12),
            ("most_months_running", holiday.most_months_running),
        ):
            if not months:
                yield (
                    f"holiday and holiday.{key}: months without payments are offered, but the most is 0. "
                    "Leave [card.holiday] out."
                )
        if holiday.most_months_running > holiday.most_months_in_12:
            yield _both(
                "holiday.most_months_running",
                holiday.most_months_running,
                "is above holiday.most_months_in_12",
                holiday.most_months_in_12,
                "it can never be reached",
            )
        if limits.interest_policy is InterestPolicy.FROZEN and holiday.interest is not Accrual.FROZEN:
            yield (
                f"holiday.interest and interest.policy: interest would go on ({holiday.interest.value}) in a pause of "
                "a plan whose interest is frozen."
            )
    if waiver is not None and Component.PRINCIPAL in waiver.components:
        yield "waiver.components and least_payment: the payments pay the principal, so it can't be let off with them."
    if (
        down is not None
        and down.required_from_days_late is not None
        and not _share_days(when, down.required_from_days_late, None)
    ):
        yield _both(
            "down_payment.required_from_days_late",
            down.required_from_days_late,
            "is above when.days_late_to",
            when.days_late_to,
            "no debt of this card is ever asked for one",
        )
    if plans is not None and plans.most_in_12_months > plans.most_in_all:
        yield _both(
            "new_plans.most_in_12_months",
            plans.most_in_12_months,
            "is above new_plans.most_in_all",
            plans.most_in_all,
            "it can never be reached",
        )


def _changes(_when: When, limits: Limits) -> Iterator[str]:
    changes = limits.changes
    if changes is None:
        return
    if not (changes.moves_in_12_months or changes.pay_day_changes_in_12_months or changes.skips_in_12_months):
        yield "changes: changes are offered, but the most of each is 0. Leave [card.changes] out."
    if bool(changes.move_days) is not bool(changes.moves_in_12_months):
        yield _both(
            "changes.move_days",
            changes.move_days,
            "goes with changes.moves_in_12_months",
            changes.moves_in_12_months,
            "no date could ever be moved",
        )
    if changes.payments_between_skips and changes.skips_in_12_months < 2:
        yield _both(
            "changes.payments_between_skips",
            changes.payments_between_skips,
            "goes with changes.skips_in_12_months",
            changes.skips_in_12_months,
            "in a year there is no second one that it could keep apart",
        )


def _keeping(_when: When, limits: Limits) -> Iterator[str]:
    if limits.tolerance_bps == _WHOLE_BPS:
        yield "keeping.tolerance_percent: 100%; a payment of which nothing came would count as kept."


def _orders(_when: When, limits: Limits) -> Iterator[str]:
    if limits.orders.without_plan is Order.BY_INSTALMENT:
        yield "allocation.without_plan: by_instalment needs a plan; a debt without one has no instalments."


_OF_A_CARD: Final[tuple[Callable[[When, Limits], Iterator[str]], ...]] = (
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


def clashes_of_versions(limits: LimitsSet, loaded: Sequence[Loaded], today: date | None) -> Iterator[str]:
    """Give why a set can't start on its day beside the versions that are there."""
    starts = limits.effective_from
    for version in loaded:
        if version.effective_from == starts:
            yield (
                f"effective_from and version {version.number}: both start on {starts}, so nobody could tell from the "
                "day which of them counts. Take another day."
            )
    in_force = [version for version in loaded if today is not None and version.effective_from <= today]
    newest = max(in_force, key=lambda version: version.effective_from, default=None)
    if newest is not None and starts < newest.effective_from:
        yield (
            f"effective_from and version {newest.number}: {starts} is before {newest.effective_from}, since when "
            f"version {newest.number} is in force, so this one would never count."
        )


def _share_days(when: When, first: int, last: int | None) -> bool:
    return (when.days_late_to is None or first <= when.days_late_to) and (
        last is None or when.days_late_from is None or last >= when.days_late_from
    )


def _both(key: str, value: object, relation: str, other: object, so: str) -> str:
    return f"{key}: {value} {relation} {other}; {so}."


def _percent(bps: int) -> str:
    return f"{bps / 100:g}%"


def _end(days: int | None) -> str:
    return "…" if days is None else str(days)


def _listed(months: Sequence[int]) -> str:
    return ", ".join(str(month) for month in months)

"""Limits with defaults, for tests: those of the published negotiation examples unless told otherwise."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from portal.limits.cards import Card, InterestPolicy, Limits, LimitsSet, Orders, RateBand, When, YearDay
from portal.money import Money
from portal.schedules.dates import WITHOUT_SEASON


def some_limits(*, currency: str = "USD", **changes: Any) -> Limits:
    """Return limits: least 50, 24 months (60 in hardship), cushion 10%, steps of 1, steps up after 3 months."""
    values: dict[str, Any] = {
        "min_payment": Money.of(50, currency),
        "min_percent_bps": 0,
        "hardship_min_payment": Money.of(10, currency),
        "max_term_months": 24,
        "hardship_max_term_months": 60,
        "first_payment_within_days": 31,
        "frequencies": WITHOUT_SEASON,
        "interest_policy": InterestPolicy.CONTRACT,
        "reduced_rate": None,
        "auto_accept_months": 24,
        "grace_days": 5,
        "cure_days": 30,
        "tolerance": Money.of(1, currency),
        "offer_validity_days": 14,
        "cushion_bps": 1000,
        "affordability_step": Money.of(1, currency),
        "step_months": 3,
        **changes,
    }
    if isinstance(values["reduced_rate"], str):
        values["reduced_rate"] = Decimal(values["reduced_rate"])
    return Limits(**values)


def a_card(name: str = "All", *, when: When | None = None, **changes: Any) -> Card:
    """Return a card for every debt unless told otherwise, with the limits above."""
    return Card(name=name, when=when or When(), limits=some_limits(**changes))


def a_set(*cards: Card) -> LimitsSet:
    """Return one version with these cards, or with one for every debt."""
    return LimitsSet(name="Test", effective_from=date(2026, 3, 1), cards=cards or (a_card(),))


def as_toml(limits: LimitsSet) -> str:
    """Write a set of limits as its lender would, every key of it."""
    tables = ({"name": limits.name, "effective_from": limits.effective_from}, *map(_card, limits.cards))
    text, *cards = ("\n".join(_lines(table, ("card",))) for table in tables)
    return "\n".join((text, *(f"[[card]]\n{card}" for card in cards)))


class _Inline(dict[str, Any]):
    """A table that is written in one line, so that it keeps its place among the others."""


def _card(card: Card) -> dict[str, Any]:
    limits = card.limits
    table: dict[str, Any] = {
        "name": card.name,
        "frequencies": limits.frequencies,
        "first_payment_within_days": limits.first_payment_within_days,
        "accept_alone_up_to_months": limits.auto_accept_months,
        "offer_valid_days": limits.offer_validity_days,
        "step_up_after_months": limits.step_months,
        "when": {
            **{
                key: getattr(card.when, key) for key in ("balance_from", "balance_to", "days_late_from", "days_late_to")
            },
            "products": card.when.products or None,
            "attributes": {
                rule.name: rule.texts or _Inline({"from": rule.number_from, "to": rule.number_to})
                for rule in card.when.attributes
            },
        },
        "least_payment": {
            "amount": limits.min_payment,
            "percent_of_balance": _percent(limits.min_percent_bps),
            "hardship_amount": limits.hardship_min_payment,
        },
        "longest_term_months": {"standard": limits.max_term_months, "hardship": limits.hardship_max_term_months},
        "interest": {
            "policy": limits.interest_policy,
            "reduced_rate": limits.reduced_rate,
            "bands": [_band(band) for band in limits.rate_bands],
        },
        "keeping": {
            "grace_days": limits.grace_days,
            "tolerance": limits.tolerance,
            "tolerance_percent": _percent(limits.tolerance_bps or None),
            "cure_days": limits.cure_days,
        },
        "affordability": {
            "keep_back_percent": _percent(limits.cushion_bps),
            "round_down_to": limits.affordability_step,
            "model": limits.affordability_model,
            "ask_again_after_days": limits.budget_days,
        },
        "decide": {
            "alone_up_to_discount_percent": _percent(limits.auto_accept_discount_bps),
            "person_up_to_months": limits.person_up_to_months,
            "person_up_to_discount_percent": _percent(limits.person_up_to_discount_bps),
        },
    }
    if limits.file_days is not None:
        table["file_no_older_than_days"] = limits.file_days
    if limits.season:
        table["seasonal_months"] = limits.season
    if limits.interest_freeze_months:
        table["interest_freeze"] = {"most_months": limits.interest_freeze_months}
    if limits.moratorium_days:
        table["moratorium"] = {"most_days": limits.moratorium_days}
    if (down := limits.down_payment) is not None:
        table["down_payment"] = {
            "least_percent": _percent(down.least_bps),
            "required_from_days_late": down.required_from_days_late,
        }
    if (discount := limits.discount) is not None:
        table["discount"] = {
            "most_instalments": discount.most_instalments,
            "staged_above_lump": discount.staged_above_lump,
            "bands": [
                {
                    "days_late_from": band.days_late_from,
                    "days_late_to": band.days_late_to,
                    "lump_percent": _percent(band.lump_bps),
                    "staged_percent": _percent(band.staged_bps),
                }
                for band in discount.bands
            ],
            "ceilings": {component.value: _percent(bps) for component, bps in discount.ceilings_bps},
        }
    if (waiver := limits.waiver) is not None:
        table["waiver"] = {"components": waiver.components, "vesting": waiver.vesting}
    if (holiday := limits.holiday) is not None:
        table["holiday"] = {
            "most_months_in_12": holiday.most_months_in_12,
            "most_months_running": holiday.most_months_running,
            "payments_between": holiday.payments_between,
            "interest": holiday.interest,
            "keeps": holiday.keeps,
        }
    if (reduced := limits.reduced_payment) is not None:
        table["reduced_payment"] = {
            "most_months": reduced.most_months,
            "least_percent": _percent(reduced.least_bps),
        }
    if (token := limits.token) is not None:
        table["token"] = {"amount": token.amount, "review_after_months": token.review_after_months}
    if (plans := limits.new_plans) is not None:
        table["new_plans"] = {
            "most_in_12_months": plans.most_in_12_months,
            "most_in_all": plans.most_in_all,
            "days_after_a_break": plans.days_after_a_break,
        }
    if (changes := limits.changes) is not None:
        table["changes"] = {
            "move_days": changes.move_days,
            "moves_in_12_months": changes.moves_in_12_months,
            "pay_day_changes_in_12_months": changes.pay_day_changes_in_12_months,
            "skips_in_12_months": changes.skips_in_12_months,
            "payments_between_skips": changes.payments_between_skips,
        }
    if limits.orders != Orders():
        table["allocation"] = {
            "without_plan": limits.orders.without_plan,
            "plan": limits.orders.plan,
            "missed": limits.orders.missed,
            "settlement": limits.orders.settlement,
        }
    if (agents := limits.agents) is not None:
        table["agents"] = {
            "most_discount_percent": _percent(agents.most_discount_bps),
            "longest_months": agents.longest_months,
        }
    return table


def _band(band: RateBand) -> dict[str, Any]:
    return {"name": band.name, "from": band.first, "to": band.last, "rate": band.rate}


def _percent(bps: int | None) -> Decimal | None:
    return None if bps is None else Decimal(bps) / 100


def _lines(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Write plain values first, then the tables, as TOML wants it."""
    for key, value in table.items():
        if value is not None and not _is_table(value):
            yield f"{_text(key)} = {_value(value)}"
    for key, value in table.items():
        if _is_table(value):
            name = ".".join((*path, _text(key)))
            for each in value if isinstance(value, list) else [value]:
                yield f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
                yield from _lines(each, (*path, _text(key)))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict | list) and not isinstance(value, _Inline)


def _value(value: Any) -> str:
    match value:
        case _Inline():
            return f"{{ {', '.join(f'{key} = {_value(end)}' for key, end in value.items() if end is not None)} }}"
        case bool():
            return str(value).lower()
        case Money():
            return str(value.amount)
        case Enum():
            return _text(value.value)
        case YearDay() | str():
            return _text(str(value))
        case tuple():
            return f"[{', '.join(map(_value, value))}]"
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)


def _text(value: str) -> str:
    escaped = "".join(f"\\u{ord(sign):04x}" if sign in '"\\' or ord(sign) < 32 else sign for sign in value)
    return f'"{escaped}"'

"""RULES  A set of limits as the text of its file, and the same text with another first day.

Invariant: what is written is read back as the same values; a property test holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from portal.limits.cards import Card, LimitsSet, Orders, RateBand, When, YearDay
from portal.limits.reading import LimitsError, parse
from portal.money import Money

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_FIRST_DAY: Final = re.compile(r"^(effective_from[ \t]*=[ \t]*)[0-9]{4}-[0-9]{2}-[0-9]{2}", re.MULTILINE)


def write(limits: LimitsSet) -> str:
    """Write a set of limits as its lender would: a name, a first day, then card by card what each says."""
    first = "\n".join(_lines({"name": limits.name, "effective_from": limits.effective_from}, ()))
    cards = ("\n".join(_lines(card_table(card), ("card",))) for card in limits.cards)
    return "\n\n\n".join((first, *(f"[[card]]\n{card}" for card in cards))) + "\n"


def starting(text: str, first_day: date, *, currency: str) -> str:
    """Give the same limits with another first day: the file as it was typed where that line can be changed alone.

    :raises LimitsError: if the text can't be read.
    """
    limits = replace(parse(text, currency=currency), effective_from=first_day)
    changed = _FIRST_DAY.sub(rf"\g<1>{first_day}", text, count=1)
    try:
        if parse(changed, currency=currency) == limits:
            return changed
    except LimitsError:
        pass
    return write(limits)


class _Inline(dict[str, Any]):
    """A table that is written in one line, so that it keeps its place among the others."""


def card_table(card: Card) -> dict[str, Any]:
    """Give a card as the tables of its file, with values of the rules in them; what is not offered is not there."""
    limits = card.limits
    table: dict[str, Any] = {
        "name": card.name,
        "frequencies": limits.frequencies,
        "first_payment_within_days": limits.first_payment_within_days,
        "accept_alone_up_to_months": limits.auto_accept_months,
        "offer_valid_days": limits.offer_validity_days,
        "step_up_after_months": limits.step_months,
        "when": _when(card.when),
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
            "alone_up_to_discount_percent": _percent(limits.auto_accept_discount_bps or None),
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
    for key in ("when", "decide"):
        if all(value is None for value in table[key].values()):
            del table[key]
    return table


def _when(when: When) -> dict[str, Any]:
    table = {key: getattr(when, key) for key in ("balance_from", "balance_to", "days_late_from", "days_late_to")}
    table["products"] = when.products or None
    if when.attributes:
        table["attributes"] = {
            rule.name: rule.texts or _Inline({"from": rule.number_from, "to": rule.number_to})
            for rule in when.attributes
        }
    return table


def _band(band: RateBand) -> dict[str, Any]:
    return {"name": band.name, "from": band.first, "to": band.last, "rate": band.rate}


def _percent(bps: int | None) -> Decimal | None:
    return None if bps is None else Decimal(bps) / 100


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Write plain values first, then the tables, as TOML wants it."""
    for key, value in table.items():
        if value is not None and not _is_table(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        if _is_table(value):
            name = ".".join((*path, _key(key)))
            for each in value if isinstance(value, list) else [value]:
                yield f"\n[[{name}]]" if isinstance(value, list) else f"\n[{name}]"
                yield from _lines(each, (*path, _key(key)))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict | list) and not isinstance(value, _Inline)


def _value(value: Any) -> str:
    match value:
        case _Inline():
            return f"{{ {', '.join(f'{_key(key)} = {_value(end)}' for key, end in value.items() if end is not None)} }}"
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


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    escaped = "".join(f"\\u{ord(sign):04x}" if sign in '"\\\x7f' or ord(sign) < 32 else sign for sign in value)
    return f'"{escaped}"'

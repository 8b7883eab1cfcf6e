"""Sums in Chinese capital numerals, as certificates have them beside the figures."""

from __future__ import annotations

from itertools import groupby

from babel import Locale

from portal.money import EXPONENTS, Money

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("仟", "佰", "拾", "")
_GROUPS = ("", "万", "亿")
_MOST = 10 ** (4 * len(_GROUPS))


def capitals(value: Money) -> str | None:
    """Write a sum in capital numerals, with the name of its currency; None where there is no way to write it.

    12,300.05 yuan are 人民币壹万贰仟叁佰元零伍分, 100.00 are 人民币壹佰元整. None for sums below zero, from 万亿 on,
    or of a currency with three decimals. Source: 支付结算办法 (People's Bank of China),
    annex 1, 正确填写票据和结算凭证的基本规定.
    """
    decimals = EXPONENTS[value.currency]
    whole, part = divmod(value.minor, 10**decimals)
    if value.minor < 0 or decimals not in (0, 2) or whole >= _MOST:
        return None
    tenths, hundredths = divmod(part, 10) if decimals else (0, 0)
    found = f"{_whole(whole)}元" if whole or not part else ""
    if not part:
        found += "整"
    elif tenths:
        found += f"{_DIGITS[tenths]}角"
    elif whole:
        found += "零"
    if hundredths:
        found += f"{_DIGITS[hundredths]}分"
    return _name(value.currency) + found


def _name(currency: str) -> str:
    return str(Locale("zh").currencies.get(currency, currency))


def _whole(number: int) -> str:
    if not number:
        return _DIGITS[0]
    found, gap = "", False
    for power in reversed(range(len(_GROUPS))):
        four = number // 10_000**power % 10_000
        if not four:
            gap = bool(found)
            continue
        gap = bool(found) and (gap or four < 1000)
        found += (_DIGITS[0] if gap else "") + _four(four) + _GROUPS[power]
        gap = False
    return found


def _four(number: int) -> str:
    """Write a number from 1 to 9999; zeros within are one, and those at its ends are left to the caller."""
    signs = "".join(
        _DIGITS[int(digit)] + place if digit != "0" else "0"
        for digit, place in zip(f"{number:04}", _PLACES, strict=True)
    )
    return "".join("零" if zero else "".join(run) for zero, run in groupby(signs.strip("0"), lambda sign: sign == "0"))

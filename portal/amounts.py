"""RULES  Amounts as people type them anywhere: `1,418.63`, `1.418,63`, `1 418,63`, `￥１，２３４`, `1万2`, `١٬٢٣٤٫٥٠`.

Invariant: what can be read in one way is read; what can be read in two is asked about and never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from portal.money import EXPONENTS, Money

# Longer than any amount with its words; what is longer isn't looked at any closer.
LONGEST: Final = 60
MOST_DIGITS: Final = 12


class Why(Enum):
    """Why what was typed is no amount."""

    NOTHING = "nothing was typed"
    NOT_A_NUMBER = "no number that could be read"
    NEGATIVE = "below zero"
    OTHER_CURRENCY = "the sign or word of another currency"
    TOO_FINE = "a smaller part than the currency has"
    TOO_LONG = "longer than any amount"


@dataclass(frozen=True, slots=True)
class Read:
    """There is one way to read it."""

    amount: Money


@dataclass(frozen=True, slots=True)
class TwoWays:
    """It can be read in two ways: `1.234` is a thousand and more to one half of the world, and one and a bit to us."""

    large: Money
    small: Money


@dataclass(frozen=True, slots=True)
class Unread:
    """It is no amount, and this is why."""

    why: Why


_DOLLARS: Final = frozenset(
    [
        "USD",
        "CAD",
        "AUD",
        "NZD",
        "HKD",
        "SGD",
        "TWD",
        "MXN",
        "ARS",
        "CLP",
        "COP",
        "UYU",
        "BBD",
        "BSD",
        "BZD",
        "BMD",
        "BND",
        "CVE",
        "DOP",
        "FJD",
        "GYD",
        "JMD",
        "KYD",
        "LRD",
        "NAD",
        "NIO",
        "SBD",
        "SRD",
        "TTD",
        "XCD",
    ]
)
_YUAN: Final = frozenset({"CNY", "HKD", "MOP", "SGD", "TWD"})
_PESOS: Final = frozenset({"ARS", "CLP", "COP", "CUP", "DOP", "MXN", "PHP", "UYU"})
_KRONER: Final = frozenset({"CZK", "DKK", "ISK", "NOK", "SEK"})
_RUPEES: Final = frozenset({"INR", "LKR", "MUR", "NPR", "PKR", "SCR"})

# What may stand beside a number: the currencies that it can mean. Every ISO 4217 code comes on top.
_WORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(("$", "dollar", "dollars", "buck", "bucks", "دولار"), _DOLLARS),
        **dict.fromkeys(("us$", "$us", "美元", "美金"), frozenset({"USD"})),
        **dict.fromkeys(("c$", "ca$", "can$", "加元"), frozenset({"CAD"})),
        **dict.fromkeys(("a$", "au$", "澳元"), frozenset({"AUD"})),
        "nz$": frozenset({"NZD"}),
        **dict.fromkeys(("hk$", "港元", "港币", "港幣"), frozenset({"HKD"})),
        **dict.fromkeys(("s$", "sg$", "新元"), frozenset({"SGD"})),
        **dict.fromkeys(("nt$", "新台币", "新臺幣", "台币", "臺幣"), frozenset({"TWD"})),
        "mx$": frozenset({"MXN"}),
        **dict.fromkeys(("r$", "real", "reais"), frozenset({"BRL"})),
        **dict.fromkeys(("€", "euro", "euros", "欧元", "歐元"), frozenset({"EUR"})),
        **dict.fromkeys(("£", "pound", "pounds", "quid", "英镑", "英鎊"), frozenset({"GBP"})),
        "¥": frozenset({"CNY", "JPY"}),
        **dict.fromkeys(("元", "圆", "圓", "块", "塊"), _YUAN),
        **dict.fromkeys(("人民币", "人民幣", "rmb", "yuan", "renminbi"), frozenset({"CNY"})),
        **dict.fromkeys(("円", "yen", "日元", "日圆", "日圓"), frozenset({"JPY"})),
        **dict.fromkeys(("₩", "원", "won"), frozenset({"KRW"})),
        **dict.fromkeys(("₹", "rupee", "rupees", "रुपये"), frozenset({"INR"})),
        **dict.fromkeys(("rs", "rs."), _RUPEES),
        **dict.fromkeys(("kr", "kr."), _KRONER),
        **dict.fromkeys(("peso", "pesos"), _PESOS),
        **dict.fromkeys(("zł", "zl"), frozenset({"PLN"})),
        **dict.fromkeys(("₽", "руб", "руб.", "р."), frozenset({"RUB"})),
        **dict.fromkeys(("₺", "tl"), frozenset({"TRY"})),
        **dict.fromkeys(("fr", "fr.", "sfr", "sfr."), frozenset({"CHF"})),
        **dict.fromkeys(("₫", "đ"), frozenset({"VND"})),
        **dict.fromkeys(("฿", "baht"), frozenset({"THB"})),
        "₱": frozenset({"PHP"}),
        "rp": frozenset({"IDR"}),
        "rm": frozenset({"MYR"}),
        "₪": frozenset({"ILS"}),
        "₦": frozenset({"NGN"}),
        "درهم": frozenset({"AED", "MAD"}),
        "ريال": frozenset({"SAR", "OMR", "QAR", "YER", "IRR"}),
        "دينار": frozenset({"KWD", "BHD", "IQD", "JOD", "LYD", "TND", "DZD"}),
    }
)

_SAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys("，،﹐︐", ","),
        **dict.fromkeys("．﹒٫", "."),
        **dict.fromkeys("’‘ʼ´`＇٬", "'"),
        **dict.fromkeys("−–—－﹣‐‑", "-"),
        **dict.fromkeys("＄﹩", "$"),
        **dict.fromkeys("￥", "¥"),
        "￡": "£",
        "￦": "₩",
        "＋": "+",
        "（": "(",
        "）": ")",
    }
)


def _plain(text: str) -> str:
    """Give every digit of every script as 0 to 9, every kind of space, mark and dash as one, and nothing invisible.

    A small raised 2 is not a digit of the number before it, so nothing else is made alike.
    """
    found = []
    for sign in text:
        kind = unicodedata.category(sign)
        if kind == "Cf":
            continue
        digit = unicodedata.decimal(sign, None)
        if digit is not None:
            found.append(str(digit))
        elif kind.startswith("Z") or sign in "\t\r\n":
            found.append(" ")
        elif kind.startswith("L"):
            found.append(unicodedata.normalize("NFKC", sign).lower())
        else:
            found.append(_SAME.get(sign, sign))
    return "".join(found).strip()


_CHINESE_DIGITS: Final = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    **{sign: value for value, sign in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2,
    "兩": 2,
    "貳": 2,
    "叄": 3,
    "參": 3,
    "陸": 6,
}
_CHINESE_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_TEN_THOUSANDS: Final = (("亿", 10**8), ("億", 10**8), ("万", 10**4), ("萬", 10**4))
_OF_NUMBERS: Final = "".join((*_CHINESE_DIGITS, *_CHINESE_UNITS, *(sign for sign, _value in _TEN_THOUSANDS), "点點"))
_CHINESE: Final = re.compile(rf"[{_OF_NUMBERS}角毛分]|[元圆圓块塊][0-9]")
_AROUND: Final = re.compile(
    rf"(?P<before>[^0-9.,'{_OF_NUMBERS}]*)"
    rf"(?P<core>[.,]?[0-9{_OF_NUMBERS}][0-9.,'\s{_OF_NUMBERS}]*)"
    rf"(?P<after>.*)",
    re.DOTALL,
)
# `50,-` and `50.--` are whole amounts in the north of Europe.
_WHOLE_DASH: Final = re.compile(r"^-{1,2}(?=\s|\D|$)")
_JIAO_FEN: Final = re.compile(
    rf"(?P<unit>元|圆|圓|块|塊)(?:(?P<jiao>[0-9{''.join(_CHINESE_DIGITS)}])(?:[角毛]|$))?"
    rf"(?:零?(?P<fen>[0-9{''.join(_CHINESE_DIGITS)}])分)?"
)
_SMALL_ALONE: Final = re.compile(rf"(?P<number>[0-9]+|[{''.join(_CHINESE_DIGITS)}])(?P<unit>[角毛分])")
_WHOLE: Final = r"[0-9]+|[1-9][0-9]{{0,2}}(?:(?P<mark>[{group}' ])[0-9]{{3}})(?:(?P=mark)[0-9]{{3}})*"
# Two digits a group after the first three from the right, as in India: 12,34,567.
_LAKHS: Final = r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
_BY_MARK: Final = {
    ".": re.compile(rf"(?P<whole>{_WHOLE.format(group=',')}{_LAKHS})?(?:\.(?P<part>[0-9]*))?"),
    ",": re.compile(rf"(?P<whole>{_WHOLE.format(group='.')})?(?:,(?P<part>[0-9]*))?"),
}


def read(text: str, *, currency: str, decimal_mark: str = ".") -> Read | TwoWays | Unread:
    """Read an amount of a currency; `decimal_mark` is the one of the language in which it was asked for.

    In English and in USD `62,50` is 62.50 because no thousands end in two digits, `1,234` is 1234, and `1.234` is asked
    about: it isn't an amount of ours, and somebody from Berlin would mean 1234. In KWD, with three decimals, `1,234`
    is asked about too.
    """
    if not text.strip():
        return Unread(Why.NOTHING)
    if len(text.strip()) > LONGEST:
        return Unread(Why.TOO_LONG)
    plain = _plain(text)
    if not plain:
        return Unread(Why.NOTHING)
    found = _AROUND.fullmatch(plain)
    if found is None:
        return Unread(Why.NOT_A_NUMBER)
    before, core, after = found["before"].strip(), found["core"].strip(), found["after"].strip()
    if core and core[-1] in ".,":
        after = _WHOLE_DASH.sub("", after).strip()
    if (before.startswith("(") and after.endswith(")")) or "-" in before:
        return Unread(Why.NEGATIVE if _words(before.strip("(- "), currency) is not None else Why.NOT_A_NUMBER)
    if before == "+":
        before = ""
    if re.search(r"[元圆圓块塊]", after) or re.search(rf"[{_OF_NUMBERS}]", core) or re.search("[角毛分]", after):
        return _chinese(before, core + after, currency=currency, decimal_mark=decimal_mark)
    return _checked(before, after, _number(core, currency=currency, decimal_mark=decimal_mark), currency)


def _checked(before: str, after: str, number: Read | TwoWays | Unread, currency: str) -> Read | TwoWays | Unread:
    """Give the number if the words beside it are words of money, and of the right money."""
    fits = [_words(words, currency) for words in (before, after)]
    if None in fits:
        return Unread(Why.NOT_A_NUMBER)
    if isinstance(number, Unread):
        return number
    return number if all(fits) else Unread(Why.OTHER_CURRENCY)


def _words(words: str, currency: str) -> bool | None:
    """Say whether words of money can mean a currency; None if they are no words of money."""
    fits = True
    for word in words.split():
        if word in _WORDS:
            fits = fits and currency in _WORDS[word]
        elif word.upper() in EXPONENTS:
            fits = fits and word.upper() == currency
        elif word in ("钱", "錢", "整", "正"):
            continue
        else:
            # `usd$50` and `hk$` without a space between.
            head = next((size for size in (3, 2) if word[:size].upper() in EXPONENTS and word[size:] in _WORDS), None)
            if head is None:
                return None
            fits = fits and word[:head].upper() == currency and currency in _WORDS[word[head:]]
    return fits


def _number(core: str, *, currency: str, decimal_mark: str) -> Read | TwoWays | Unread:
    exponent = EXPONENTS[currency]
    if core[-1] in ".," and len(core) > 1:
        core = core[:-1]
    if sum(sign.isdigit() for sign in core) > MOST_DIGITS + exponent + 1:
        return Unread(Why.TOO_LONG)
    other = "," if decimal_mark == "." else "."
    ours = _by_mark(core, decimal_mark, exponent=exponent, more_zeros=True)
    theirs = _by_mark(core, other, exponent=exponent, more_zeros=False)
    if isinstance(ours, int) and isinstance(theirs, int):
        if ours == theirs:
            return _kept(ours, currency)
        return TwoWays(large=Money(max(ours, theirs), currency), small=Money(min(ours, theirs), currency))
    if isinstance(ours, int):
        return _kept(ours, currency)
    if isinstance(theirs, int):
        if ours is None:
            return _kept(theirs, currency)
        return TwoWays(large=Money(theirs, currency), small=Money(int(ours), currency))
    return Unread(Why.NOT_A_NUMBER if ours is None and theirs is None else Why.TOO_FINE)


def _kept(minor: int, currency: str) -> Read | Unread:
    if minor >= 10 ** (MOST_DIGITS + EXPONENTS[currency]):
        return Unread(Why.TOO_LONG)
    return Read(Money(minor, currency))


def _by_mark(core: str, mark: str, *, exponent: int, more_zeros: bool) -> int | Decimal | None:
    """Read a number whose decimal mark is known: minor units, or with a fraction of one; None if it isn't one.

    `more_zeros` lets zeros stand where the currency has no digits any more.
    """
    found = _BY_MARK[mark].fullmatch(core)
    if found is None or not (found["whole"] or found["part"]):
        return None
    whole = re.sub(r"[^0-9]", "", found["whole"] or "")
    part = found["part"] or ""
    if more_zeros and len(part) > exponent:
        part = part[:exponent] + part[exponent:].rstrip("0")
    minor = Decimal(f"{whole or '0'}.{part or '0'}").scaleb(exponent)
    # The whole units of what is finer come back as a Decimal, so that nobody takes it for an amount.
    return int(minor) if len(part) <= exponent else minor


def _chinese(before: str, rest: str, *, currency: str, decimal_mark: str) -> Read | TwoWays | Unread:
    """Read `1万2`, `一千二百元`, `12块5`, `3元5角2分`, `100元整`: a number with Chinese words in it or behind it."""
    rest = rest.replace(" ", "").rstrip("整正钱錢")
    exponent = EXPONENTS[currency]
    alone = _SMALL_ALONE.fullmatch(rest)
    if alone is not None:
        minor = _digit_or_number(alone["number"]) * (1 if alone["unit"] == "分" else 10)
        number: Read | TwoWays | Unread = _kept(minor, currency)
        return _checked(before, "元", number, currency) if exponent == 2 else Unread(Why.TOO_FINE)
    head = re.match(rf"[0-9.,'{_OF_NUMBERS}]+", rest)
    if head is None:
        return Unread(Why.NOT_A_NUMBER)
    tail = rest[head.end() :]
    if re.search(f"[{_OF_NUMBERS}]", head[0]):
        value = _chinese_number(head[0])
        if value is None:
            return Unread(Why.NOT_A_NUMBER)
        minor_exactly = value * 10**exponent
        if minor_exactly.denominator != 1:
            return Unread(Why.TOO_FINE)
        number = _kept(int(minor_exactly), currency)
    else:
        number = _number(head[0], currency=currency, decimal_mark=decimal_mark)
    small = _JIAO_FEN.fullmatch(tail)
    if small is not None and (small["jiao"] or small["fen"]):
        if not isinstance(number, Read) or exponent != 2 or number.amount.minor % 100:
            return Unread(Why.NOT_A_NUMBER)
        more = _digit_or_number(small["jiao"] or "0") * 10 + _digit_or_number(small["fen"] or "0")
        number, tail = Read(number.amount + Money(more, currency)), small["unit"]
    return _checked(before, tail, number, currency)


def _digit_or_number(text: str) -> int:
    return _CHINESE_DIGITS[text] if text in _CHINESE_DIGITS else int(text)


def _chinese_number(text: str) -> Fraction | None:
    """Read a number of Chinese words, or of digits and words: `1万2` is 12,000 as people say it, `1万零2` is 10,002."""
    whole, point, part = re.sub("點", "点", text).partition("点")
    if point:
        digits = [_CHINESE_DIGITS.get(sign, int(sign) if sign.isdigit() else -1) for sign in part]
        found = _chinese_number(whole) if whole else None
        if found is None or not digits or -1 in digits:
            return None
        return found + sum((Fraction(digit, 10 ** (at + 1)) for at, digit in enumerate(digits)), Fraction(0))
    total, last = Fraction(0), 0
    for sign, value in _TEN_THOUSANDS:
        if sign not in whole:
            continue
        head, _sign, whole = whole.partition(sign)
        if head[:1] in ("零", "〇"):
            head = head[1:]
        found = _below_ten_thousand(head)
        if found is None or not found or (last and found * value >= last):
            return None
        total, last = total + found * value, value
    if not last:
        return _below_ten_thousand(whole)
    if not whole:
        return total
    if len(whole) == 1:
        digit = _CHINESE_DIGITS.get(whole, int(whole) if whole.isdigit() else None)
        return None if not digit else total + Fraction(digit * last, 10)
    skips = whole[0] in "零〇"
    rest = _below_ten_thousand(whole[1:] if skips else whole)
    # A place that is empty is said (一万零二十); without it, what follows must be the next place: 1万2千, 1万2345.
    if rest is None or rest >= last or (not skips and rest * 10 < last):
        return None
    return total + rest


_UNITS: Final = re.compile(
    "(?:(?P<thousands>{d})[千仟])?(?P<z1>零)?(?:(?P<hundreds>{d})[百佰])?(?P<z2>零)?"
    "(?:(?P<tens>{d})?(?P<ten>[十拾]))?(?P<z3>零)?(?P<one>{d})?".format(
        d=f"[0-9{''.join(sign for sign, value in _CHINESE_DIGITS.items() if value)}]"
    )
)


def _below_ten_thousand(text: str) -> Fraction | None:
    """Read what stands before 万 or alone: digits with a point, Chinese digits one by one, or 千, 百 and 十."""
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?|[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?", text):
        return Fraction(text.replace(",", ""))
    if text and all(sign in _CHINESE_DIGITS for sign in text):
        return Fraction(int("".join(str(_CHINESE_DIGITS[sign]) for sign in text)))
    found = _UNITS.fullmatch(text.replace("〇", "零"))
    if found is None or not text:
        return None
    thousands, hundreds = found["thousands"], found["hundreds"]
    total = 1_000 * _digit_or_number(thousands or "0") + 100 * _digit_or_number(hundreds or "0")
    if found["ten"]:
        total += 10 * _digit_or_number(found["tens"] or "1")
    one = _digit_or_number(found["one"] or "0")
    if one and not found["ten"] and not (found["z1"] or found["z2"] or found["z3"]) and (thousands or hundreds):
        # 一百二 is what people say for 120.
        one *= 10 if hundreds else 100
    return Fraction(total + one)


def written(amount: Money, *, decimal_mark: str = ".") -> str:
    """Write an amount so that it is read in one way only, for a form that is filled in beforehand and for advice.

    1234.00 is `1234`, 62.50 is `62.50`, and 1.234 KWD is `1.2340`, because `1.234` would be asked about.
    """
    text = f"{amount.amount:f}"
    if "." in text and not text.partition(".")[2].strip("0"):
        text = text.partition(".")[0]
    text = text.replace(".", decimal_mark)
    said = read(text, currency=amount.currency, decimal_mark=decimal_mark)
    return text if said == Read(amount) else f"{text}0"

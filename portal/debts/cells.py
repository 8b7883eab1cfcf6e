"""RULES  Read one cell of a lender's file as text, a number or a date, or refuse it with a reason and a sentence."""

import re
import unicodedata
import zoneinfo
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any


class Reason(StrEnum):
    """Why a row was refused."""

    RAGGED_ROW = "ragged_row"
    BROKEN_ROW = "broken_row"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    FORMULA = "formula"
    SPREADSHEET_ERROR = "spreadsheet_error"
    DAMAGED_REFERENCE = "damaged_reference"
    DUPLICATE_REFERENCE = "duplicate_reference"
    NOT_A_NUMBER = "not_a_number"
    WRONG_DECIMALS = "wrong_decimals"
    NEGATIVE_AMOUNT = "negative_amount"
    ABSURD_AMOUNT = "absurd_amount"
    ABSURD_RATE = "absurd_rate"
    NOT_A_DATE = "not_a_date"
    NO_SUCH_DATE = "no_such_date"
    DATE_IN_FUTURE = "date_in_future"
    IMPOSSIBLE_BIRTH_DATE = "impossible_birth_date"
    UNKNOWN_CURRENCY = "unknown_currency"
    CURRENCY_NOT_HELD = "currency_not_held"
    BAD_EMAIL = "bad_email"
    BAD_PHONE = "bad_phone"
    BAD_LANGUAGE = "bad_language"
    BAD_ZONE = "bad_zone"
    NOT_IN_LIST = "not_in_list"
    NOT_COMPUTABLE = "not_computable"


class CellRefused(Exception):
    """Say why one cell was refused; whoever knows the column and the cell fills them in."""

    def __init__(self, reason: Reason, sentence: str, *, column: str = "", value: str | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.column = column
        self.value = value


# ---------------------------------------------------------------------------------------------------------------------
# Text

SUSPICIOUS = frozenset("=+-@#＝＋－＠")
_SHEET_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})
_SIGNED_NUMBER = re.compile(r"[+-][\d\s().,/-]*")
# They turn the order of letters round, so that a name reads as another one.
_TURNS_LETTERS_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_BREAKS = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")


def text_reader(*, most: int, line_breaks: bool = False) -> Callable[[str], str]:
    """Return a reader of text of at most `most` characters: trimmed, inner spaces single, in Unicode's composed form.

    With `line_breaks` they become spaces; without, they are refused like other control characters.
    """

    def read(cell: str) -> str:
        return cell if is_plain(cell, most) else _careful_text(cell, most=most, line_breaks=line_breaks)

    return read


def is_plain(cell: str, most: int) -> bool:
    """Say whether text is fine as it stands, which nearly every cell is, so that few are looked at letter by letter."""
    return (
        cell.isprintable()
        and 0 < len(cell) <= most
        and cell[0] not in SUSPICIOUS
        and cell[0] != " "
        and cell[-1] != " "
        and "  " not in cell
        and (cell.isascii() or (unicodedata.is_normalized("NFC", cell) and "\ufffd" not in cell))
    )


def _careful_text(cell: str, *, most: int, line_breaks: bool) -> str:
    for sign in cell:
        if sign in _LINE_BREAKS and line_breaks:
            continue
        if sign in _TURNS_LETTERS_ROUND or sign == "\ufffd" or unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs"):
            raise CellRefused(
                Reason.CONTROL_CHARACTER,
                f"There is an invisible character in it that text must not have (U+{ord(sign):04X}).",
            )
    text = unicodedata.normalize("NFC", " ".join(cell.split()))
    if len(text) > most:
        raise CellRefused(Reason.TOO_LONG, f"It has {len(text):,} characters; at most {most:,} are kept.")
    refuse_formula(text)
    return text


def refuse_formula(text: str) -> None:
    """Refuse what a spreadsheet would calculate instead of showing it.

    :raises CellRefused: if it is a formula, could become one, or is a spreadsheet's error.
    """
    if text in _SHEET_ERRORS:
        raise CellRefused(Reason.SPREADSHEET_ERROR, f"The spreadsheet shows an error here ({text}).")
    if text[:1] in ("=", "@", "＝", "＠") and len(text) > 1:
        raise CellRefused(Reason.FORMULA, "There is a formula in the cell; write its result.")
    if text[:1] in ("+", "-", "＋", "－") and len(text) > 1 and not _SIGNED_NUMBER.fullmatch(text):
        raise CellRefused(Reason.FORMULA, f"It begins with {text[0]!r} like a formula; write plain text.")


_DAMAGED_REFERENCE = re.compile(r"\d(?:[.,]\d+)?[Ee]\+\d+")


def reference_reader(*, most: int) -> Callable[[str], str]:
    """Return a reader of the lender's own reference, which also notices one that a spreadsheet has rounded."""
    read_text = text_reader(most=most)

    def read(cell: str) -> str:
        text = read_text(cell)
        if "+" in text and _DAMAGED_REFERENCE.fullmatch(text):
            raise CellRefused(
                Reason.DAMAGED_REFERENCE,
                "A spreadsheet has rounded this reference; format the column as text and export again.",
            )
        return text

    return read


_EMAIL = re.compile(r"[^\s@,;<>\"()]{1,64}@[^\s@,;<>\"()]+\.[^\s@,;<>\"().]{2,63}")
_EXTENSION = re.compile(r"\s*(?:ext\.?|x|#)\s*\d{1,6}$", re.IGNORECASE)
_PHONE_SIGNS = str.maketrans("", "", " \u00a0-./()")


def read_email(cell: str) -> str:
    """Return an e-mail address that could exist; whether it does, the first message shows.

    :raises CellRefused: if nobody could have this address.
    """
    text = cell.strip()
    if len(text) > 254 or not _EMAIL.fullmatch(text) or ".." in text or not text.isprintable() or text[0] == "=":
        refuse_formula(text)
        raise CellRefused(Reason.BAD_EMAIL, "This cannot be an e-mail address.")
    return text


def read_phone(cell: str) -> str:
    """Return a phone number as digits, with a leading + where it has one.

    :raises CellRefused: if it has letters, fewer than 5 digits or more than 15.
    """
    text = cell.strip()
    number = text.replace(" ", "").replace("-", "")
    if not number[1:].isdecimal():
        number = text.translate(_PHONE_SIGNS)
    digits = number[1:] if number[:1] == "+" else number
    if not (digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 15):
        refuse_formula(text)
        shorter = _EXTENSION.sub("", text)
        if shorter != text:
            return read_phone(shorter)
        raise CellRefused(Reason.BAD_PHONE, "This cannot be a phone number: it needs 5 to 15 digits.")
    return number


plain_email = _EMAIL.fullmatch  # Says nothing of two points side by side, nor of invisible characters.


def quick_email(careful: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a reader that passes a plain address as it stands and leaves the rest to `careful`."""

    def read(cell: str) -> Any:
        if (
            plain_email(cell)
            and ".." not in cell
            and len(cell) <= 254
            and cell.isprintable()
            and cell[0] not in SUSPICIOUS
        ):
            return cell
        return careful(cell)

    return read


def quick_phone(careful: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a reader of numbers written with spaces and hyphens only, which leaves the rest to `careful`."""

    def read(cell: str) -> Any:
        number = cell.replace(" ", "").replace("-", "")
        digits = number[1:] if number[:1] == "+" else number
        if 5 <= len(digits) <= 15 and digits.isdecimal() and digits.isascii():
            return number
        return careful(cell)

    return read


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


def read_language(cell: str) -> str:
    """Return a language tag with underscores, as `zh_Hans`.

    :raises CellRefused: if it has not the shape of a tag.
    """
    text = cell.strip()
    if not _LANGUAGE.fullmatch(text):
        raise CellRefused(Reason.BAD_LANGUAGE, "This is no language tag such as en or zh-Hans.")
    return text.replace("-", "_")


@cache
def _zones() -> frozenset[str]:
    """Return the names of all zones, looked up when a file names one."""
    return frozenset(zoneinfo.available_timezones())


def read_zone(cell: str) -> str:
    """Return the name of a time zone.

    :raises CellRefused: if there is none of this name.
    """
    text = cell.strip()
    if text not in _zones():
        raise CellRefused(Reason.BAD_ZONE, "This is no time zone such as Europe/Berlin.")
    return text


# ---------------------------------------------------------------------------------------------------------------------
# Numbers

_SPACES = "\u0020\u00a0\u202f\u2009"
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[Ee][+-]?\d+")
MOST_DIGITS = 28


def number_reader(*, decimal_mark: str = ".", thousands_mark: str = "") -> Callable[[str], Decimal]:
    """Return a reader of numbers written with these marks, as exact decimals.

    With "." and ",": "1,234.50" is 1234.50. Groups must have three digits (two before the last group, as in
    12,34,567), so a decimal comma is not taken for a thousands mark. A leading sign, a trailing minus and brackets
    (12.50) are read; all but + mean less than nothing.
    """
    spaced = f"[{_SPACES}]" if thousands_mark.isspace() else re.escape(thousands_mark)
    grouped = rf"\d{{1,3}}(?:{spaced}\d{{2,3}})*{spaced}\d{{3}}|" if thousands_mark else ""
    mark = re.escape(decimal_mark)
    shape = re.compile(rf"(?P<whole>{grouped}\d+|(?={mark}\d))(?:{mark}(?P<part>\d*))?")
    drop = re.compile(r"\D")

    def read(cell: str) -> Decimal:
        text = cell.strip()
        refuse_formula(text)
        negative = False
        if text[:1] in ("-", "\u2212"):
            text, negative = text[1:].lstrip(), True
        elif text[:1] == "+":
            text = text[1:].lstrip()
        elif text[-1:] == "-":
            text, negative = text[:-1].rstrip(), True
        elif text[:1] == "(" and text[-1:] == ")":
            text, negative = text[1:-1].strip(), True
        found = shape.fullmatch(text)
        if found is None or len(text) > MOST_DIGITS:
            raise _not_a_number(text, decimal_mark, thousands_mark)
        number = Decimal(f"{drop.sub('', found['whole']) or '0'}.{found['part'] or '0'}")
        part = found["part"]
        if not part:
            number = number.quantize(Decimal(1))
        return -number if negative and number else number

    return read


def _not_a_number(text: str, decimal_mark: str, thousands_mark: str) -> CellRefused:
    if len(text) > MOST_DIGITS and re.fullmatch(r"[\d.,\s]+", text):
        return CellRefused(Reason.NOT_A_NUMBER, f"This number has more than {MOST_DIGITS} signs.")
    if _SCIENTIFIC.fullmatch(text):
        return CellRefused(Reason.NOT_A_NUMBER, "A spreadsheet has shortened this number; write all its digits.")
    marks = f"the decimal mark is {decimal_mark!r}"
    marks += f" and the thousands mark is {thousands_mark!r}" if thousands_mark else " and there is no thousands mark"
    if re.fullmatch(rf"[\d.,'{_SPACES}]+", text):
        return CellRefused(Reason.NOT_A_NUMBER, f"This is no number as the mapping reads them: {marks}.")
    return CellRefused(Reason.NOT_A_NUMBER, "This is not a number.")


# ---------------------------------------------------------------------------------------------------------------------
# Dates

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_DATE_PARTS = {
    "Y": r"(?P<year>\d{4})",
    "m": r"(?P<month>\d{1,2})",
    "d": r"(?P<day>\d{1,2})",
    "b": r"(?P<name>[A-Za-z]{3,9})\.?",
    "B": r"(?P<name>[A-Za-z]{3,9})\.?",
    "H": r"\d{1,2}",
    "M": r"\d{2}",
    "S": r"\d{2}(?:\.\d{1,9})?",
    "p": r"(?:[AaPp]\.?[Mm]\.?)",
    "%": "%",
}
EARLIEST = date(1900, 1, 1)


def date_shape(written: str) -> re.Pattern[str]:
    """Return the shape of a date format such as "%d.%m.%Y"; without %d the first of the month is meant.

    Years have four digits: nobody can tell what 03/04/05 was.

    :raises ValueError: if the format has a part that is not read, or no year and month.
    """
    shape, used, place = "", set(), 0
    while place < len(written):
        sign = written[place]
        if sign != "%":
            shape += re.escape(sign)
            place += 1
            continue
        part = written[place + 1 : place + 2]
        if part not in _DATE_PARTS or (part in used and part != "%"):
            read = "%Y %m %d %b %B %H %M %S %p"
            raise ValueError(f"the date format {written!r} has %{part}; only {read} are read, once each")
        after = written[place + 2 : place + 3]
        touching = after == "%" or (place >= 2 and written[place - 2] == "%")
        shape += r"(?P<month>\d{2})" if touching and part == "m" else ""
        shape += r"(?P<day>\d{2})" if touching and part == "d" else ""
        shape += "" if touching and part in "md" else _DATE_PARTS[part]
        used.add(part)
        place += 2
    if "Y" not in used or not used & {"m", "b", "B"} or len(used & {"m", "b", "B"}) > 1:
        raise ValueError(f"the date format {written!r} needs a year (%Y) and one month (%m or %b)")
    return re.compile(shape)


def date_reader(*formats: str, dates_as_iso: bool = False) -> Callable[[str], date]:
    """Return a reader of dates in the first of these formats that fits.

    With `dates_as_iso` 2026-01-31 is read first, because that is how a spreadsheet's own dates arrive.
    """
    iso = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S") if dates_as_iso else ()
    shapes = tuple(date_shape(written) for written in (*iso, *formats))
    shown = " or ".join(formats)

    def read(cell: str) -> date:
        text = cell.strip()
        missing = False
        for shape in shapes:
            found = shape.fullmatch(text)
            if found is None:
                continue
            parts = found.groupdict()
            name = parts.get("name")
            month = int(parts["month"]) if name is None else _MONTHS.get(name.lower(), 0)
            try:
                day = date(int(parts["year"]), month, int(parts.get("day") or 1))
            except ValueError:
                missing = True
                continue
            if day < EARLIEST:
                raise CellRefused(Reason.NOT_A_DATE, f"This date lies before {EARLIEST.isoformat()}.")
            return day
        if missing:
            raise CellRefused(Reason.NO_SUCH_DATE, f"This date does not exist (read as {shown}).")
        refuse_formula(text)
        raise CellRefused(Reason.NOT_A_DATE, f"This is not a date written as {shown}.")

    return read

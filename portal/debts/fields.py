"""RULES  How each field of a debt is read: from the cells of its column, from the row by an expression, or once."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from portal.debts import columns
from portal.debts.cells import (
    SUSPICIOUS,
    CellRefused,
    Reason,
    date_reader,
    is_plain,
    number_reader,
    quick_email,
    quick_phone,
    read_email,
    read_language,
    read_phone,
    read_zone,
    reference_reader,
    text_reader,
)
from portal.debts.expressions import Binding, Expression, Kind, compile_expression
from portal.debts.mapping import FIELDS, MONEY, REQUIRED, MappingRefused, PortfolioMapping, Rounding, Source
from portal.money import EXPONENTS

LONGEST_REFERENCE = 64
LONGEST_NAME = 200
LONGEST_TEXT = 200
HIGHEST_RATE = Decimal(1_000)  # percent a year
LEAST_AGE, MOST_AGE = 14, 120
_CACHE = 32_768
# Remembering what such cells became would cost more than reading them; amounts have a quick way of their own.
_PLAIN_TEXT = {"reference": LONGEST_REFERENCE, "name": LONGEST_NAME}
_CAREFUL_STARTS = SUSPICIOUS | {" "}
_RARELY_TWICE = frozenset({"reference", "name", "email", "phone", *MONEY})


class _Cache(dict[str, Any]):
    """Remember what a cell became, up to a bound; a column of dates or products has few different cells."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, cell: str) -> Any:
        value = self.read(cell)
        if len(self) >= _CACHE:
            self.clear()
        self[cell] = value
        return value


@dataclass(frozen=True, slots=True)
class Field:
    """How one field is made: from the cell of its column, from the row by an expression, or once (`by_row` is None)."""

    title: str
    slot: str
    source: Source
    read: Callable[[Any], Any]
    read_column: columns.ReadColumn
    by_row: bool | None


class FieldReaders:
    """Make the readers of the fields of one file."""

    def __init__(
        self, mapping: PortfolioMapping, *, places: Mapping[str, int], as_of: date, native_dates: bool
    ) -> None:
        self.mapping = mapping
        self.as_of = as_of
        self.native_dates = native_dates
        self.number = number_reader(decimal_mark=mapping.decimal_mark, thousands_mark=mapping.thousands_mark)
        self.binding = Binding(
            places=places,
            empty=mapping.empty,
            number=self.number,
            day=_Cache(self.dates(mapping.date_formats)).__getitem__,
            tables=mapping.tables,
            as_of=as_of,
        )

    def dates(self, formats: tuple[str, ...]) -> Callable[[str], date]:
        return date_reader(*(formats or self.mapping.date_formats), dates_as_iso=self.native_dates)

    def field(self, title: str, source: Source, currency: str) -> Field:
        """Return how a field is made."""
        required = title in REQUIRED
        slot = {"days_late": "late_since"}.get(title, f"{title}_minor" if title in MONEY else title)
        missing = 0 if title in MONEY[1:] else None
        if source.expression is not None:
            finish, kind = self.finisher(title, currency), FIELDS[title]
            read_row = self.whole_row(source, kind, finish, required=required, missing=missing)
            return Field(title, slot, source, read_row, columns.one_by_one(read_row), True)
        read = self.cell(self.cell_reader(title, source, currency), required=required, missing=missing)
        if title not in _RARELY_TWICE:
            read = _Cache(read).__getitem__
        column = columns.one_by_one(read)
        if title in MONEY:
            read = self.quick_money(read, currency)
            mark, exponent, largest = self.mapping.decimal_mark, EXPONENTS[currency], self.largest(currency)
            column = columns.amounts(read, mark=mark, exponent=exponent, largest=largest)
        if title == "email":
            read = quick_email(read)
            column = columns.emails(read)
        if title == "phone":
            read = quick_phone(read)
            column = columns.phones(read)
        if title in _PLAIN_TEXT:
            most = _PLAIN_TEXT[title]
            read = self.quick_text(read, most)
            column = columns.texts(read, most=most, empty=self.mapping.empty)
        return Field(title, slot, source, read, column, None if source.value is not None else False)

    def constant(self, title: str, made: Field) -> Any:
        try:
            return made.read(made.source.value)
        except CellRefused as refused:
            raise MappingRefused(
                f"the value of {title} cannot be {made.source.value!r}: {refused.sentence}"
            ) from refused

    def cell(self, read: Callable[[str], Any], *, required: bool, missing: Any) -> Callable[[str], Any]:
        empty = self.mapping.empty

        def from_cell(cell: str) -> Any:
            cell = cell.strip()
            if cell in empty:
                if required:
                    raise CellRefused(Reason.EMPTY, "This must not be empty.")
                return missing
            return read(cell)

        return from_cell

    def whole_row(
        self, source: Source, kind: Kind, finish: Callable[[Any], Any], *, required: bool, missing: Any = None
    ) -> Callable[[Sequence[str]], Any]:
        """Return a reader of a whole row, for an expression (or for a column as if it were one)."""
        expression = source.expression or Expression("", _as_column(source.place), (source.place,))
        act = compile_expression(expression, want=kind, binding=self.binding, optional=True)
        empty = self.mapping.empty

        def from_row(row: Sequence[str]) -> Any:
            value = act(row)
            if value is None or (kind is Kind.TEXT and value.strip() in empty):
                if required:
                    raise CellRefused(Reason.EMPTY, "This must not be empty.")
                return missing
            return finish(value)

        return from_row

    def cell_reader(self, title: str, source: Source, currency: str) -> Callable[[str], Any]:
        """Return the reader of a filled cell: what the text says, then what its field asks of it."""
        kind, finish = FIELDS[title], self.finisher(title, currency)
        if kind is Kind.TEXT:
            return finish
        parse: Callable[[str], Any] = self.dates(source.date_formats) if kind is Kind.DATE else self.number
        if source.value is not None and kind is Kind.NUMBER:
            parse = number_reader()  # A mapping writes its own numbers with a point.
        if title == "annual_rate":
            return lambda cell: finish(parse(cell.removesuffix("%").rstrip()))
        return lambda cell: finish(parse(cell))

    def finisher(self, title: str, currency: str) -> Callable[[Any], Any]:
        """Return what a field asks of its value once it is text, a number or a date."""
        if title in MONEY:
            return self.to_minor(currency)
        made: dict[str, Callable[[Any], Any]] = {
            "reference": reference_reader(most=LONGEST_REFERENCE),
            "name": text_reader(most=LONGEST_NAME),
            "email": read_email,
            "phone": read_phone,
            "language": read_language,
            "zone": read_zone,
            "born_on": self.birth_date,
            "opened_on": self.past_date,
            "late_since": self.past_date,
            "days_late": self.since,
            "annual_rate": _rate,
        }
        return made.get(title) or text_reader(most=LONGEST_TEXT)

    def birth_date(self, day: date) -> date:
        if day > self.as_of:
            raise CellRefused(Reason.IMPOSSIBLE_BIRTH_DATE, "This birth date is still to come.")
        age = self.as_of.year - day.year - ((self.as_of.month, self.as_of.day) < (day.month, day.day))
        if not LEAST_AGE <= age <= MOST_AGE:
            raise CellRefused(
                Reason.IMPOSSIBLE_BIRTH_DATE,
                f"This person would be {age}; debts are taken in for people from {LEAST_AGE} to {MOST_AGE}.",
            )
        return day

    def past_date(self, day: date) -> date:
        if day > self.as_of:
            told = self.as_of.isoformat()
            raise CellRefused(Reason.DATE_IN_FUTURE, f"This date lies after {told}, the day of which the file tells.")
        return day

    def since(self, days: Decimal) -> date | None:
        if days != days.to_integral_value() or days > 36_500:
            raise CellRefused(Reason.NOT_A_NUMBER, "Days late are a whole number of at most 36,500.")
        return self.as_of - timedelta(days=int(days)) if days > 0 else None

    def largest(self, currency: str) -> int:
        most: int = 10 ** EXPONENTS[currency]
        return int(self.mapping.largest_amount) * most

    def to_minor(self, currency: str) -> Callable[[Decimal], int]:
        """Return the function from an amount to whole minor units, by the mapping's rounding.

        Half up, in euros: 12.345 becomes 1235 cents; exact refuses it and takes 12.340.
        """
        exponent, largest, rounding = EXPONENTS[currency], self.largest(currency), self.mapping.rounding
        way = ROUND_HALF_EVEN if rounding is Rounding.HALF_EVEN else ROUND_HALF_UP

        def minor_of(amount: Decimal) -> int:
            if amount < 0:
                raise CellRefused(Reason.NEGATIVE_AMOUNT, "This amount is below zero.")
            scaled = amount.scaleb(exponent)
            if scaled > largest:
                raise absurd(currency, largest)
            whole = scaled.to_integral_value(way)
            if rounding is Rounding.EXACT and whole != scaled:
                raise CellRefused(
                    Reason.WRONG_DECIMALS,
                    f"{currency} has {exponent} decimals; this has more, and the mapping asks for exact amounts.",
                )
            return int(whole)

        return minor_of

    def quick_money(self, careful: Callable[[str], Any], currency: str) -> Callable[[str], Any]:
        """Return a reader that reads plain amounts (123.45) without a Decimal and leaves the others to `careful`."""
        exponent, mark, largest = EXPONENTS[currency], self.mapping.decimal_mark, self.largest(currency)
        scale = {places: 10 ** (exponent - places) for places in range(exponent + 1)}

        def read(cell: str) -> Any:
            whole, _, part = cell.partition(mark)
            digits = whole + part
            if len(digits) < 18 and len(part) <= exponent and digits.isdecimal():
                minor = int(digits) * scale[len(part)]
                if minor <= largest:
                    return minor
            return careful(cell)

        return read

    def quick_text(self, careful: Callable[[str], Any], most: int) -> Callable[[str], Any]:
        """Return a reader that passes plain text as it stands and leaves the rest to `careful`."""
        empty = self.mapping.empty

        def read(cell: str) -> Any:
            # `is_plain` for ASCII is written out here, because it is asked of every name and reference.
            if (
                cell.isascii()
                and cell.isprintable()
                and cell not in empty
                and len(cell) <= most
                and cell[0] not in _CAREFUL_STARTS
                and cell[-1] != " "
                and "  " not in cell
                and "E+" not in cell
            ):
                return cell
            return cell if cell not in empty and "E+" not in cell and is_plain(cell, most) else careful(cell)

        return read


def _rate(percent: Decimal) -> Decimal:
    if not 0 <= percent <= HIGHEST_RATE:
        raise CellRefused(Reason.ABSURD_RATE, f"A yearly rate is from 0 to {HIGHEST_RATE} percent.")
    return percent


def _as_column(title: str) -> ast.expr:
    return ast.Call(ast.Name("col", ast.Load()), [ast.Constant(title)], [])


def absurd(currency: str, largest: int) -> CellRefused:
    """Return the refusal of an amount beyond what one debt may be."""
    most = Decimal(largest).scaleb(-EXPONENTS[currency])
    return CellRefused(
        Reason.ABSURD_AMOUNT,
        f"This is more than {most:,f} {currency}, the most that one debt may be (largest_amount in the mapping).",
    )

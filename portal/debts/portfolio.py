"""RULES  Turn the rows of a lender's file into debts, or into refusals that name row, column, value and reason.

Invariant: every row that is read becomes exactly one of `DebtRow`, `NothingOwed` or a tuple of `Refusal`s.
A mapping is compiled once for a file; after that a row costs a handful of calls.
"""

import re
import tomllib
import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Any

from portal.debts.cells import (
    CellRefused,
    Reason,
    date_reader,
    date_shape,
    number_reader,
    read_email,
    read_language,
    read_phone,
    reference_reader,
    text_reader,
    zone_reader,
)
from portal.debts.expressions import (
    Binding,
    Expression,
    ExpressionRefused,
    Kind,
    compile_expression,
    parse_expression,
)
from portal.debts.tables import (
    BrokenRow,
    FileLimits,
    FileProblem,
    FileRefused,
    Table,
    encoding_named,
    open_table,
    refuse_missing_columns,
    separator_named,
)
from portal.money import EXPONENTS

LONGEST_REFERENCE = 64
LONGEST_NAME = 200
LONGEST_TEXT = 200
LONGEST_ATTRIBUTE = 500
LONGEST_VALUE_SHOWN = 80
MOST_ATTRIBUTES = 30
LARGEST_AMOUNT = Decimal(1_000_000_000)  # whole units of the currency; a mapping may state another one
HIGHEST_RATE = Decimal(1_000)  # percent a year
LEAST_AGE, MOST_AGE = 14, 120
_CACHE = 32_768


# ---------------------------------------------------------------------------------------------------------------------
# What a row becomes


@dataclass(slots=True, frozen=True)
class DebtRow:
    """One debt as the lender's file has it; amounts are whole minor units of `currency`, and their sum is above zero."""

    line: int
    reference: str
    person_key: str
    name: str
    born_on: date | None
    email: str | None
    phone: str | None
    language: str | None
    zone: str | None
    product: str
    currency: str
    original_minor: int | None
    principal_minor: int
    interest_minor: int
    penalty_minor: int
    fees_minor: int
    costs_minor: int
    opened_on: date | None
    late_since: date | None
    annual_rate: Decimal | None
    original_creditor: str | None
    attributes: dict[str, str]

    @property
    def total_minor(self) -> int:
        """Return all that is owed, in minor units."""
        return self.principal_minor + self.interest_minor + self.penalty_minor + self.fees_minor + self.costs_minor


@dataclass(slots=True, frozen=True)
class NothingOwed:
    """A row that is no debt: its amounts are zero, or a [[skip]] rule of the mapping says so."""

    line: int
    reference: str
    why: str


@dataclass(slots=True, frozen=True)
class Refusal:
    """One thing that is wrong with one row; `value` is clipped to `LONGEST_VALUE_SHOWN` characters."""

    line: int
    column: str
    value: str
    reason: Reason
    sentence: str


RowResult = DebtRow | NothingOwed | tuple[Refusal, ...]
ReadRow = Callable[[int, Sequence[str]], RowResult]
ADDS_UP_TO_ZERO = "The amounts add up to zero."
REPORT_HEADER = ("row", "column", "value", "reason", "what is wrong")


def report_line(refusal: Refusal) -> tuple[str, str, str, str, str]:
    """Return a refusal as a line of the report, safe to open in a spreadsheet."""
    return (
        str(refusal.line),
        _harmless(refusal.column),
        _harmless(refusal.value),
        refusal.reason.value,
        _harmless(refusal.sentence),
    )


def _harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: the value in a report is the lender's own and may be one."""
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def duplicate_refusal(*, line: int, other_line: int, reference: str, column: str) -> Refusal:
    """Return the refusal of a row whose reference another row of the same file has.

    Finding them is left to the unique key of the staging table: a set of a million references would not be flat memory.
    Both rows are to be refused, because nobody can tell which of the two is right.
    """
    return Refusal(
        line,
        column,
        _clipped(reference),
        Reason.DUPLICATE_REFERENCE,
        f"Row {other_line} has the same reference; nobody can tell which is right.",
    )


@dataclass(slots=True)
class Tally:
    """Count what became of the rows, so that read = accepted + nothing owed + refused."""

    read: int = 0
    accepted: int = 0
    nothing_owed: Counter[str] = field(default_factory=Counter)
    refused: Counter[Reason] = field(default_factory=Counter)  # By the first reason of each row, so that it adds up.

    def add(self, result: RowResult) -> None:
        """Count one row."""
        self.read += 1
        if type(result) is DebtRow:
            self.accepted += 1
        elif isinstance(result, NothingOwed):
            self.nothing_owed[result.why] += 1
        elif isinstance(result, tuple):
            self.refused[result[0].reason] += 1

    @property
    def agrees(self) -> bool:
        """Say whether the parts add up to what was read."""
        return self.read == self.accepted + self.nothing_owed.total() + self.refused.total()


# ---------------------------------------------------------------------------------------------------------------------
# The mapping


class MappingRefused(Exception):
    """Say in one sentence what is wrong with a mapping file."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Rounding(StrEnum):
    """What happens to more decimals than the currency has."""

    EXACT = "exact"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field comes from: exactly one of a column, a constant or an expression."""

    column: str | None = None
    value: str | None = None
    expression: Expression | None = None
    date_formats: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are read for this field."""
        if self.column is not None:
            return (self.column,)
        return self.expression.columns if self.expression is not None else ()

    @property
    def place(self) -> str:
        """Return what a report names as the column."""
        return ", ".join(self.columns)


@dataclass(frozen=True, slots=True)
class Skip:
    """Rows that are no debts."""

    when: Expression
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioMapping:
    """How one lender's file is to be read; made by `load_mapping` and checked there."""

    name: str
    currency: Source
    fields: Mapping[str, Source]
    attributes: Mapping[str, Source]
    person: tuple[str, ...]
    skips: tuple[Skip, ...]
    tables: Mapping[str, Mapping[str, str]]
    date_formats: tuple[str, ...]
    decimal_mark: str
    thousands_mark: str
    rounding: Rounding
    as_of: date | None
    empty: frozenset[str]
    largest_amount: Decimal
    encoding: str | None
    separator: str | None
    sheet: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that the file must have."""
        sources = [self.currency, *self.fields.values(), *self.attributes.values()]
        named = [title for source in sources for title in source.columns]
        named += [title for skip in self.skips for title in skip.when.columns]
        return tuple(dict.fromkeys((*named, *self.person)))


_MONEY = ("original", "principal", "interest", "penalty", "fees", "costs")
FIELDS: Mapping[str, Kind] = {
    "reference": Kind.TEXT,
    "name": Kind.TEXT,
    "born_on": Kind.DATE,
    "email": Kind.TEXT,
    "phone": Kind.TEXT,
    "language": Kind.TEXT,
    "zone": Kind.TEXT,
    "product": Kind.TEXT,
    **dict.fromkeys(_MONEY, Kind.NUMBER),
    "opened_on": Kind.DATE,
    "late_since": Kind.DATE,
    "days_late": Kind.NUMBER,
    "annual_rate": Kind.NUMBER,
    "original_creditor": Kind.TEXT,
}
REQUIRED = ("reference", "name", "product", "principal")
_TOP = frozenset(
    "currency fields attributes person skip tables date_format decimal_mark thousands_mark rounding as_of empty "
    "largest_amount encoding separator sheet".split()
)


def load_mapping(path: Path | str) -> PortfolioMapping:
    """Read a mapping file.

    :raises MappingRefused: if it cannot be read or says something that is not understood.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MappingRefused(f"The mapping {path.name} cannot be opened: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise MappingRefused(f"The mapping {path.name} is not in utf-8.") from error
    return parse_mapping(text, name=path.name)


def parse_mapping(text: str, *, name: str = "mapping") -> PortfolioMapping:
    """Read the text of a mapping and check all of it that can be checked without the file.

    :raises MappingRefused: if it says something that is not understood.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingRefused(f"The mapping {name} is not TOML: {error}.") from error
    try:
        mapping = _mapping(name, told)
        _try_out(mapping)
    except (ExpressionRefused, FileRefused, MappingRefused) as error:
        sentence = error.sentence
        raise MappingRefused(sentence if sentence.startswith("The mapping") else f"The mapping {name}: {sentence}") from error
    return mapping


def _mapping(name: str, told: dict[str, Any]) -> PortfolioMapping:
    _refuse_unknown(told, _TOP, "the mapping")
    fields = {title: _source(title, given) for title, given in _table(told, "fields").items()}
    _refuse_unknown(fields, FIELDS.keys(), "[fields]")
    missing = [title for title in REQUIRED if title not in fields]
    if missing or "currency" not in told:
        raise MappingRefused(f"it does not say where {_and([*missing, *([] if 'currency' in told else ['currency'])])} comes from.")
    if "late_since" in fields and "days_late" in fields:
        raise MappingRefused("it gives both late_since and days_late; one is enough.")
    attributes = {title: _source(title, given) for title, given in _table(told, "attributes").items()}
    if len(attributes) > MOST_ATTRIBUTES:
        raise MappingRefused(f"it has {len(attributes)} attributes; at most {MOST_ATTRIBUTES} are kept.")
    currency = told["currency"]
    encoding_named(_text(told, "encoding"))
    separator_named(_text(told, "separator"))
    decimal_mark = _text(told, "decimal_mark") or "."
    thousands_mark = _text(told, "thousands_mark") or ""
    if decimal_mark not in (".", ",") or thousands_mark not in ("", ".", ",", "'", "’", " ") or decimal_mark == thousands_mark:
        raise MappingRefused('decimal_mark is "." or ","; thousands_mark is none, ".", ",", "\'" or " ", and another sign.')
    rounding = _text(told, "rounding") or "exact"
    if rounding not in set(Rounding):
        raise MappingRefused(f"rounding is {_and(list(Rounding), 'or')}, not {rounding!r}.")
    as_of = told.get("as_of")
    if as_of is not None and type(as_of) is not date:
        raise MappingRefused("as_of is a date without quotation marks, as as_of = 2026-01-31.")
    return PortfolioMapping(
        name=name,
        currency=Source(value=currency) if isinstance(currency, str) else _source("currency", currency),
        fields=fields,
        attributes=attributes,
        person=_texts(told, "person"),
        skips=tuple(_skip(given) for given in _list(told, "skip")),
        tables={title: _entries(title, given) for title, given in _table(told, "tables").items()},
        date_formats=_formats(told) or ("%Y-%m-%d",),
        decimal_mark=decimal_mark,
        thousands_mark=thousands_mark,
        rounding=Rounding(rounding),
        as_of=as_of,
        empty=frozenset(("", *_texts(told, "empty"))),
        largest_amount=_largest(told),
        encoding=_text(told, "encoding"),
        separator=_text(told, "separator"),
        sheet=_text(told, "sheet"),
    )


def _source(title: str, given: object) -> Source:
    if not isinstance(given, dict):
        raise MappingRefused(f'{title} must be {{ column = "…" }}, {{ value = "…" }} or {{ expression = "…" }}.')
    _refuse_unknown(given, ("column", "value", "expression", "date_format"), title)
    ways = [way for way in ("column", "value", "expression") if way in given]
    if len(ways) != 1:
        raise MappingRefused(f"{title} needs exactly one of column, value and expression.")
    formats = _formats(given)
    if formats and FIELDS.get(title) is not Kind.DATE:
        raise MappingRefused(f"{title} is no date and has a date_format.")
    if "value" in given:
        value = given["value"]
        if isinstance(value, bool) or not isinstance(value, str | int | date):
            raise MappingRefused(f"The value of {title} must be text, a whole number or a date; write amounts as text.")
        return Source(value=value.isoformat() if isinstance(value, date) else str(value), date_formats=("%Y-%m-%d",))
    written = given[ways[0]]
    if not isinstance(written, str) or not written.strip():
        raise MappingRefused(f"The {ways[0]} of {title} must be text.")
    if "column" in given:
        return Source(column=" ".join(written.split()), date_formats=formats)
    return Source(expression=parse_expression(written), date_formats=formats)


def _skip(given: object) -> Skip:
    match given:
        case {"when": str(when), "reason": str(why), **rest} if not rest and why.strip():
            return Skip(parse_expression(when), why.strip())
    raise MappingRefused('each [[skip]] needs when = "…" and reason = "…", and nothing else.')


def _formats(told: Mapping[str, Any]) -> tuple[str, ...]:
    given = told.get("date_format", [])
    formats = [given] if isinstance(given, str) else given
    if not isinstance(formats, list) or not all(isinstance(each, str) for each in formats):
        raise MappingRefused('date_format is one format or a list of them, as "%d.%m.%Y".')
    for each in formats:
        try:
            date_shape(each)
        except ValueError as error:
            raise MappingRefused(f"{error}.") from error
    return tuple(formats)


def _largest(told: Mapping[str, Any]) -> Decimal:
    given = told.get("largest_amount", int(LARGEST_AMOUNT))
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= 10**14:
        raise MappingRefused("largest_amount is a whole number of the currency's units, as 50000.")
    return Decimal(given)


def _text(told: Mapping[str, Any], title: str) -> str | None:
    given = told.get(title)
    if given is not None and not isinstance(given, str):
        raise MappingRefused(f"{title} must be text in quotation marks.")
    return given


def _texts(told: Mapping[str, Any], title: str) -> tuple[str, ...]:
    given = told.get(title, [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise MappingRefused(f'{title} must be a list of texts, as ["a", "b"].')
    return tuple(" ".join(each.split()) for each in given)


def _table(told: Mapping[str, Any], title: str) -> dict[str, Any]:
    given = told.get(title, {})
    if not isinstance(given, dict):
        raise MappingRefused(f"[{title}] must be a table.")
    return given


def _list(told: Mapping[str, Any], title: str) -> list[Any]:
    given = told.get(title, [])
    if not isinstance(given, list):
        raise MappingRefused(f"each {title} rule begins with [[{title}]].")
    return given


def _entries(title: str, given: object) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(each, str | int) for each in given.values()):
        raise MappingRefused(f'[tables.{title}] holds lines as "from" = "to".')
    return {entry: str(answer) for entry, answer in given.items()}


def _refuse_unknown(told: Iterable[str], known: Collection[str], where: str) -> None:
    unknown = [title for title in told if title not in known]
    if unknown:
        raise MappingRefused(f"{_and(unknown)} is not known in {where}; known are {_and(sorted(known))}.")


def _and(words: Sequence[str], joined: str = "and") -> str:
    return f" {joined} ".join(filter(None, (", ".join(words[:-1]), words[-1] if words else "")))


def _try_out(mapping: PortfolioMapping) -> None:
    """Compile once against a file that has just the columns needed: what is wrong shows now and not with the file."""
    compile_mapping(mapping, header=mapping.columns, today=date.today(), currencies=None)  # noqa: DTZ011


# ---------------------------------------------------------------------------------------------------------------------
# From the mapping to a function


class _Cache(dict[str, Any]):
    """Remember what a cell became; a column of dates or products has few different cells. It never grows beyond a bound."""

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
class _Field:
    """How one field is made from a cell (of a column) or from a whole row (by an expression)."""

    title: str
    slot: str
    source: Source
    read: Callable[[Any], Any]
    by_row: bool


def compile_mapping(
    mapping: PortfolioMapping,
    *,
    header: Sequence[str],
    today: date,
    currencies: Collection[str] | None,
    native_dates: bool = False,
    as_of: date | None = None,
    separator: str = "",
) -> ReadRow:
    """Return the function that turns (line, cells) of a file with this header into what the row becomes.

    `currencies` are those that the lender holds (None: any). `as_of` replaces the mapping's; without both it is `today`,
    and it is never later than `today`.

    :raises FileRefused: if the header lacks a column, or the one currency of the file is not held.
    :raises MappingRefused: if a constant or the as-of date cannot be.
    :raises ExpressionRefused: if an expression gives another kind of value than its field needs.
    """
    refuse_missing_columns(wanted=mapping.columns, header=header, separator=separator)
    as_of = as_of or mapping.as_of or today
    if as_of > today:
        raise MappingRefused(f"as_of is {as_of.isoformat()}, which is still to come.")
    return _Maker(mapping, header, as_of, currencies, native_dates).reader()


class _Maker:
    """Build the readers of one file; it lives only while a mapping is compiled and while currencies turn up."""

    def __init__(
        self,
        mapping: PortfolioMapping,
        header: Sequence[str],
        as_of: date,
        currencies: Collection[str] | None,
        native_dates: bool,
    ) -> None:
        self.mapping = mapping
        self.width = len(header)
        self.places = {title: place for place, title in enumerate(header)}
        self.as_of = as_of
        self.currencies = currencies
        self.native_dates = native_dates
        self.number = number_reader(decimal_mark=mapping.decimal_mark, thousands_mark=mapping.thousands_mark)
        self.binding = Binding(
            places=self.places,
            empty=mapping.empty,
            number=self.number,
            date=_Cache(self.dates(mapping.date_formats)).__getitem__,
            tables=mapping.tables,
            as_of=as_of,
        )

    def dates(self, formats: tuple[str, ...]) -> Callable[[str], date]:
        return date_reader(*(formats or self.mapping.date_formats), dates_as_iso=self.native_dates)

    def reader(self) -> ReadRow:
        """Return the function for a row: with one currency for the file, or with the currency of each row."""
        source = self.mapping.currency
        if source.value is not None:
            try:
                self.check_currency(source.value)
            except CellRefused as refused:
                if refused.reason is Reason.UNKNOWN_CURRENCY:
                    raise MappingRefused(f"{source.value!r} is not the code of a currency.") from refused
                raise FileRefused(FileProblem.CURRENCY_NOT_HELD, f"This lender does not hold {source.value}.") from refused
            return self.reader_in(source.value)
        readers: dict[str, ReadRow] = {}
        width, place = self.width, source.place
        code_of = self.whole_row(source, Kind.TEXT, lambda text: text.strip().upper(), required=True)

        def read(line: int, row: Sequence[str]) -> RowResult:
            if len(row) != width:
                return _wrong_length(line, row, width)
            try:
                code = code_of(row)
                reader = readers.get(code)
                if reader is None:
                    self.check_currency(code)
                    reader = readers[code] = self.reader_in(code)
            except CellRefused as refused:
                # Without a currency no amount can be judged, so this is the row's only refusal.
                return (self.refusal(line, place, row, refused),)
            return reader(line, row)

        return read

    def check_currency(self, code: str) -> None:
        if code not in EXPONENTS:
            raise CellRefused(Reason.UNKNOWN_CURRENCY, "This is not the code of a currency, such as EUR.", value=code)
        if self.currencies is not None and code not in self.currencies:
            held = ", ".join(sorted(self.currencies))
            raise CellRefused(Reason.CURRENCY_NOT_HELD, f"This lender holds {held} and not {code}.", value=code)

    def reader_in(self, currency: str) -> ReadRow:
        """Return the function for rows in this currency."""
        fields = self.fields_in(currency)
        by_cell = [each for each in fields if not each.by_row]
        by_row = [each for each in fields if each.by_row]
        ordered = [*by_cell, *by_row]
        cell_readers = tuple(each.read for each in by_cell)
        row_readers = tuple(each.read for each in by_row)
        cells_of = _several([self.places[each.source.column or ""] for each in by_cell])
        slots = {each.slot: place for place, each in enumerate(ordered)}
        constants: dict[str, Any] = {
            "currency": currency,
            "product": "",
            **dict.fromkeys((f"{part}_minor" for part in _MONEY[1:]), 0),
        }
        spare = [constants.get(slot) for slot in _SLOTS if slot not in slots]
        spared = iter(range(len(ordered), len(ordered) + len(spare)))
        arranged = itemgetter(*(slots[slot] if slot in slots else next(spared) for slot in _SLOTS))
        parts = _several([slots[f"{part}_minor"] for part in _MONEY[1:] if f"{part}_minor" in slots])
        reference_at = slots["reference"]
        width = self.width
        person_key = self.person_key()
        attributes = self.attributes()
        skips = self.skips()
        largest = int(self.mapping.largest_amount.scaleb(EXPONENTS[currency]))

        def collected(line: int, row: Sequence[str]) -> RowResult:
            """Read a troubled row once more, slowly, and name everything that is wrong with it."""
            refusals, values = [], {}
            for each in fields:
                given = row if each.by_row else row[self.places[each.source.column or ""]]
                try:
                    values[each.slot] = each.read(given)
                except CellRefused as refused:
                    refusals.append(self.refusal(line, each.source.place or each.title, row, refused))
            try:
                attributes(row)
            except CellRefused as refused:
                refusals.append(self.refusal(line, refused.column, row, refused))
            if not refusals:
                total = sum(values.get(f"{part}_minor", 0) for part in _MONEY[1:])
                refusals.append(_absurd_total(line, total, currency))
            return tuple(refusals)

        def read(line: int, row: Sequence[str]) -> RowResult:
            if len(row) != width:
                return _wrong_length(line, row, width)
            try:
                if skips:
                    for when, why in skips:
                        if when(row):
                            reference: str = ordered[reference_at].read(
                                row if ordered[reference_at].by_row else row[self.places[ordered[reference_at].source.place]]
                            )
                            return NothingOwed(line, reference, why)
                values = [read_cell(cell) for read_cell, cell in zip(cell_readers, cells_of(row), strict=True)]
                for read_row in row_readers:
                    values.append(read_row(row))
                total = sum(parts(values))
                if not total:
                    return NothingOwed(line, values[reference_at], ADDS_UP_TO_ZERO)
                if total > largest:
                    return collected(line, row)
                more = attributes(row)
                key = person_key(row) or f"reference:{values[reference_at]}"
            except CellRefused as refused:
                found = collected(line, row)
                # The trouble may lie in a [[skip]] rule and in no field.
                return found if _names_trouble(found) else (self.refusal(line, refused.column, row, refused),)
            return DebtRow(line, *arranged(values + spare), more, key)  # type: ignore[misc]

        return read

    def skips(self) -> tuple[tuple[Callable[[Sequence[str]], bool], str], ...]:
        return tuple(
            (compile_expression(skip.when, want=Kind.TRUTH, binding=self.binding), skip.why) for skip in self.mapping.skips
        )

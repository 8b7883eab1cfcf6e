"""RULES  Turn the rows of a lender's file into debts, or into refusals that name row, column, value and reason.

Invariant: every row that is read becomes exactly one of `DebtRow`, `NothingOwed` or a tuple of `Refusal`s.
A mapping is compiled once for a file; after that a row costs a handful of calls.
"""

import ast
import tomllib
import unicodedata
import zoneinfo
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from portal.debts.cells import (
    SUSPICIOUS,
    CellRefused,
    Reason,
    date_reader,
    date_shape,
    is_plain,
    number_reader,
    quick_email,
    quick_phone,
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


class DebtRow(NamedTuple):
    """One debt as the lender's file has it; amounts are minor units of `currency`, and their sum is above zero.

    It is a named tuple because a frozen dataclass of its size takes five times as long to make: a fifth of the time
    that a row takes. Refusals come as a plain tuple, so ask `isinstance(result, DebtRow)` first.
    """

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
        if isinstance(result, DebtRow):
            self.accepted += 1
        elif isinstance(result, NothingOwed):
            self.nothing_owed[result.why] += 1
        else:
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
_HOW = ("encoding", "separator", "sheet", "date_format", "decimal_mark", "thousands_mark", "rounding", "empty")
_TOP = frozenset({*_HOW, "as_of", "currency", "largest_amount", "person", "fields", "attributes", "tables", "skip"})


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
        raise MappingRefused(f"The mapping {name}: {error.sentence}") from error
    return mapping


def _mapping(name: str, told: dict[str, Any]) -> PortfolioMapping:
    _refuse_unknown(told, _TOP, "the mapping")
    fields = {title: _source(title, given) for title, given in _table(told, "fields").items()}
    _refuse_unknown(fields, FIELDS.keys(), "[fields]")
    missing = [title for title in REQUIRED if title not in fields] + [
        title for title in ["currency"] if title not in told
    ]
    if missing:
        raise MappingRefused(f"it does not say where {_and(missing)} comes from.")
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
    marks = ("", ".", ",", "'", "’", " ")
    if decimal_mark not in (".", ",") or thousands_mark not in marks or decimal_mark == thousands_mark:
        raise MappingRefused(
            'decimal_mark is "." or ","; thousands_mark is another of ".", ",", "\'" and " ", or none.'
        )
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
    # The last day there is: whether as_of is still to come is asked when a file is read.
    compile_mapping(mapping, header=mapping.columns, today=date.max, currencies=None)


# ---------------------------------------------------------------------------------------------------------------------
# From the mapping to a function


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


def compile_mapping(
    mapping: PortfolioMapping,
    *,
    header: Sequence[str],
    today: date,
    currencies: Collection[str] | None,
    native_dates: bool = False,
    as_of: date | None = None,
) -> ReadRow:
    """Return the function that turns (line, cells) of a file with this header into what the row becomes.

    `currencies` are those that the lender holds (None: any). `as_of` replaces the mapping's; without both it is
    `today`, and it is never later than `today`.

    :raises FileRefused: if the header lacks a column, or the one currency of the file is not held.
    :raises MappingRefused: if a constant or the as-of date cannot be.
    :raises ExpressionRefused: if an expression gives another kind of value than its field needs.
    """
    refuse_missing_columns(wanted=mapping.columns, header=header)
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
            day=_Cache(self.dates(mapping.date_formats)).__getitem__,
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
                sentence = f"This lender does not hold {source.value}."
                raise FileRefused(FileProblem.CURRENCY_NOT_HELD, sentence) from refused
            return self.reader_in(source.value)
        # One is made at once, so that a mistake in the mapping shows before the first row.
        first = min(self.currencies or ("EUR",))
        readers: dict[str, ReadRow] = {first: self.reader_in(first)}
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
        sources = dict(self.mapping.fields)
        fields, constants = [], dict(_MISSING) | {"currency": currency}
        for title, source in sources.items():
            made = self.field(title, source, currency)
            if made.by_row is None:
                constants[made.slot] = self.constant(title, made)
            else:
                fields.append(made)
        fields.sort(key=lambda each: bool(each.by_row))
        by_cell = [each for each in fields if not each.by_row]
        cell_readers = tuple(each.read for each in by_cell)
        row_readers = tuple(each.read for each in fields if each.by_row)
        cells_of = _several([self.places[each.source.place] for each in by_cell])
        # The values of a row stand as they were made: cells, expressions, constants, then person and attributes.
        made_slots = [each.slot for each in fields]
        spare = [(slot, value) for slot, value in constants.items() if slot not in made_slots]
        order = [*made_slots, *(slot for slot, _ in spare), "person_key", "attributes", "line"]
        spare_values = [value for _, value in spare]
        arranged = itemgetter(*(order.index(slot) for slot in _SLOTS))
        amounts_of = _several([order.index(f"{part}_minor") for part in _MONEY[1:]])
        reference_at = order.index("reference")
        read_reference = next((each for each in fields if each.slot == "reference"), None)
        width, person_key, attributes, skips = self.width, self.person_key(), self.attributes(), self.skips()
        largest, as_debt = self.largest(currency), DebtRow._make

        def collected(line: int, row: Sequence[str], first: Refusal) -> tuple[Refusal, ...]:
            """Read a troubled row once more, slowly, and name everything that is wrong with it."""
            refusals = []
            for each in fields:
                try:
                    each.read(row if each.by_row else row[self.places[each.source.place]])
                except CellRefused as refused:
                    refusals.append(self.refusal(line, each.source.place or each.title, row, refused))
            try:
                attributes(row)
            except CellRefused as refused:
                refusals.append(self.refusal(line, refused.column, row, refused))
            # The trouble may lie in a [[skip]] rule or in the sum and in no field.
            return tuple(refusals) or (first,)

        def read(line: int, row: Sequence[str]) -> RowResult:
            if len(row) != width:
                return _wrong_length(line, row, width)
            try:
                for when, why in skips:
                    if when(row):
                        if read_reference is None:
                            return NothingOwed(line, constants["reference"], why)
                        given = row if read_reference.by_row else row[self.places[read_reference.source.place]]
                        return NothingOwed(line, read_reference.read(given), why)
                values = [read_cell(cell) for read_cell, cell in zip(cell_readers, cells_of(row))]  # noqa: B905  # Hot.
                if row_readers:
                    values += [read_row(row) for read_row in row_readers]
                values += spare_values
                total = sum(amounts_of(values))
                if total > largest:
                    raise _absurd(currency, largest)
                key = person_key(row) or f"reference:{values[reference_at]}"
                values += key, attributes(row), line
            except CellRefused as refused:
                return collected(line, row, self.refusal(line, refused.column, row, refused))
            if not total:
                return NothingOwed(line, values[reference_at], ADDS_UP_TO_ZERO)
            return as_debt(arranged(values))

        return read

    def skips(self) -> tuple[tuple[Callable[[Sequence[str]], bool], str], ...]:
        rules = self.mapping.skips
        return tuple((compile_expression(rule.when, want=Kind.TRUTH, binding=self.binding), rule.why) for rule in rules)

    def field(self, title: str, source: Source, currency: str) -> "_Field":
        """Return how a field is made."""
        required = title in REQUIRED
        slot = {"days_late": "late_since"}.get(title, f"{title}_minor" if title in _MONEY else title)
        missing = 0 if title in _MONEY[1:] else None
        if source.expression is not None:
            finish, kind = self.finisher(title, currency), FIELDS[title]
            read_row = self.whole_row(source, kind, finish, required=required, missing=missing)
            return _Field(title, slot, source, read_row, True)
        read = self.cell(self.cell_reader(title, source, currency), required=required, missing=missing)
        if title not in _RARELY_TWICE:
            read = _Cache(read).__getitem__
        if title in _MONEY:
            read = self.quick_money(read, currency)
        if title == "email":
            read = quick_email(read)
        if title == "phone":
            read = quick_phone(read)
        if title in _PLAIN_TEXT:
            read = self.quick_text(read, _PLAIN_TEXT[title])
        return _Field(title, slot, source, read, None if source.value is not None else False)

    def constant(self, title: str, made: "_Field") -> Any:
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
        if title in _MONEY:
            return self.to_minor(currency)
        made: dict[str, Callable[[Any], Any]] = {
            "reference": reference_reader(most=LONGEST_REFERENCE),
            "name": text_reader(most=LONGEST_NAME),
            "email": read_email,
            "phone": read_phone,
            "language": read_language,
            "zone": zone_reader(_ZONES),
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
                raise _absurd(currency, largest)
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

    def person_key(self) -> Callable[[Sequence[str]], str]:
        """Return the function that gives two rows of one person the same text, and "" where a part of it is empty.

        An empty part must not join strangers: such a row is a person of its own.
        """
        places, empty = [self.places[title] for title in self.mapping.person], self.mapping.empty
        if not places:
            return lambda row: ""
        if len(places) == 1:
            only = places[0]
            return lambda row: "" if (cell := row[only].strip()) in empty else same_person(cell)

        cells_of, joints = itemgetter(*places), len(places) - 1

        def key(row: Sequence[str]) -> str:
            cells = cells_of(row)
            if empty.isdisjoint(cells):
                joined = "|".join(cells)
                # Nothing to trim and no bar in a cell: the whole is normal once its letters are small.
                if (
                    joined.isascii()
                    and joined.isprintable()
                    and "  " not in joined
                    and " |" not in joined
                    and "| " not in joined
                    and " " not in (joined[0], joined[-1])
                    and joined.count("|") == joints
                ):
                    return joined.lower()
            parts = [cell.strip() for cell in cells]
            return "" if any(part in empty for part in parts) else "|".join(same_person(part) for part in parts)

        return key

    def attributes(self) -> Callable[[Sequence[str]], dict[str, str]]:
        read_text = text_reader(most=LONGEST_ATTRIBUTE, line_breaks=True)
        made: list[tuple[str, str, Callable[[Sequence[str]], str | None]]] = []
        fixed: dict[str, str] = {}
        for title, source in self.mapping.attributes.items():
            if source.value is not None:
                fixed[title] = source.value
            else:
                made.append((title, source.place, self.whole_row(source, Kind.TEXT, read_text, required=False)))
        if not made:
            return lambda row: dict(fixed)

        def attributes(row: Sequence[str]) -> dict[str, str]:
            found = dict(fixed)
            for title, place, read in made:
                try:
                    value = read(row)
                except CellRefused as refused:
                    refused.column = refused.column or place or title
                    raise
                if value is not None:
                    found[title] = value
            return found

        return attributes

    def refusal(self, line: int, place: str, row: Sequence[str], refused: CellRefused) -> Refusal:
        column, value = refused.column or place, refused.value
        if value is None:
            titles = [column] if column in self.places else [each for each in column.split(", ") if each in self.places]
            value = "; ".join(row[self.places[each]] for each in titles)
        return Refusal(line, column, _clipped(value), refused.reason, refused.sentence)


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is made: from the cell of its column, from the row by an expression, or once (`by_row` is None)."""

    title: str
    slot: str
    source: Source
    read: Callable[[Any], Any]
    by_row: bool | None


_SLOTS = DebtRow._fields
_MISSING: Mapping[str, Any] = {
    **{slot: None for slot in _SLOTS if slot not in ("line", "person_key", "attributes")},
    **{f"{part}_minor": 0 for part in _MONEY[1:]},
}
# Remembering what such cells became would cost more than reading them; amounts have a quick way of their own.
_PLAIN_TEXT = {"reference": LONGEST_REFERENCE, "name": LONGEST_NAME}
_CAREFUL_STARTS = SUSPICIOUS | {" "}
_RARELY_TWICE = frozenset({"reference", "name", "email", "phone", *_MONEY})
_ZONES = frozenset(zoneinfo.available_timezones())


def same_person(cell: str) -> str:
    """Return text in which two ways to write one name are equal: "  ÅSA  Berg" and "åsa berg"."""
    if cell.isascii():
        if "  " not in cell and "|" not in cell and cell.isprintable():
            return cell.strip().lower()
    else:
        cell = unicodedata.normalize("NFKC", cell)
    return " ".join(cell.replace("|", "\u00a6").split()).casefold()


def _rate(percent: Decimal) -> Decimal:
    if not 0 <= percent <= HIGHEST_RATE:
        raise CellRefused(Reason.ABSURD_RATE, f"A yearly rate is from 0 to {HIGHEST_RATE} percent.")
    return percent


def _as_column(title: str) -> ast.expr:
    return ast.Call(ast.Name("col", ast.Load()), [ast.Constant(title)], [])


def _several(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return an itemgetter that gives a tuple for one place and for none as well."""
    if not places:
        return lambda row: ()
    if len(places) == 1:
        only = places[0]
        return lambda row: (row[only],)
    return itemgetter(*places)


def _absurd(currency: str, largest: int) -> CellRefused:
    most = Decimal(largest).scaleb(-EXPONENTS[currency])
    return CellRefused(
        Reason.ABSURD_AMOUNT,
        f"This is more than {most:,f} {currency}, the most that one debt may be (largest_amount in the mapping).",
    )


def _wrong_length(line: int, row: Sequence[str], width: int) -> tuple[Refusal, ...]:
    if isinstance(row, BrokenRow):
        reason = Reason.TOO_LONG if row.too_long else Reason.BROKEN_ROW
        return (Refusal(line, "", _clipped(row.value), reason, row.sentence),)
    few = "fewer" if len(row) < width else "more"
    return (
        Refusal(
            line,
            "",
            _clipped(" | ".join(row)),
            Reason.RAGGED_ROW,
            f"This row has {len(row)} cells and the header has {width}, so it has {few}; is a cell with the separator "
            "in it without quotation marks?",
        ),
    )


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE_SHOWN else text[: LONGEST_VALUE_SHOWN - 1] + "…"


# ---------------------------------------------------------------------------------------------------------------------
# A file and its mapping together


class Portfolio:
    """A lender's file, opened with its mapping; `results()` can be walked once."""

    def __init__(self, *, table: Table, read: ReadRow) -> None:
        self.table = table
        self._read = read

    @property
    def bytes_read(self) -> int:
        """Return roughly how much of `bytes_total` was read, for a progress bar."""
        return self.table.bytes_read

    @property
    def bytes_total(self) -> int:
        """Return how much there is to read."""
        return self.table.bytes_total

    def results(self) -> Iterator[RowResult]:
        """Return what each row becomes, in the order of the file, without holding more than one.

        :raises FileRefused: if the rest of the file turns out to be unreadable or too long.
        """
        return starmap(self._read, self.table.rows())

    def __enter__(self) -> "Portfolio":
        return self

    def __exit__(self, *_: object) -> None:
        self.table.close()


def open_portfolio(
    path: Path | str,
    *,
    mapping: PortfolioMapping,
    today: date,
    currencies: Collection[str] | None,
    as_of: date | None = None,
    limits: FileLimits | None = None,
) -> Portfolio:
    """Open a lender's file with its mapping; see `compile_mapping` for `currencies` and `as_of`.

    :raises FileRefused: if the file as a whole cannot be read so.
    :raises MappingRefused: if the as-of date is still to come.
    """
    table = open_table(path, encoding=mapping.encoding, separator=mapping.separator, sheet=mapping.sheet, limits=limits)
    try:
        read = compile_mapping(
            mapping,
            header=table.header,
            today=today,
            currencies=currencies,
            native_dates=table.native_dates,
            as_of=as_of,
        )
    except BaseException:
        table.close()
        raise
    return Portfolio(table=table, read=read)

"""RULES  Turn the rows of a lender's file into debts, or into refusals that name row, column, value and reason.

Invariant: every row that is read becomes exactly one of `DebtRow`, `NothingOwed` or a tuple of `Refusal`s.
A mapping is compiled once for a file. Rows are read many at a time, column by column; where one of them is troubled,
they are read row by row, so that the report names everything that is wrong with it.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from operator import itemgetter
from typing import Any, Protocol

from portal.debts.cells import CellRefused, Reason, text_reader
from portal.debts.columns import lowered
from portal.debts.expressions import Kind, compile_expression
from portal.debts.fields import Field, FieldReaders, absurd
from portal.debts.mapping import MONEY, MappingRefused, PortfolioMapping
from portal.debts.results import ADDS_UP_TO_ZERO, DebtRow, NothingOwed, Refusal, RowResult, clipped
from portal.debts.tables import BrokenRow, FileProblem, FileRefused, Numbered, refuse_missing_columns
from portal.money import EXPONENTS

LONGEST_ATTRIBUTE = 500
# So few rows are read one by one when one of them is troubled; more are halved, because most of them are not.
_FEW = 16
_SLOTS = DebtRow._fields
_MISSING: Mapping[str, Any] = {
    **{slot: None for slot in _SLOTS if slot not in ("line", "person_key", "attributes")},
    **{f"{part}_minor": 0 for part in MONEY[1:]},
}
Row = Sequence[str]


class RowReader(Protocol):
    """What a mapping becomes for one file."""

    def __call__(self, line: int, row: Row) -> RowResult:
        """Return what one row becomes."""

    def many(self, numbered: Sequence[Numbered]) -> list[RowResult]:
        """Return what each of many rows becomes."""


def compile_mapping(
    mapping: PortfolioMapping,
    *,
    header: Sequence[str],
    today: date,
    currencies: Collection[str] | None,
    native_dates: bool = False,
    as_of: date | None = None,
) -> RowReader:
    """Return the reader that turns (line, cells) of a file with this header into what the row becomes.

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
        self.currencies = currencies
        self.readers = FieldReaders(mapping, places=self.places, as_of=as_of, native_dates=native_dates)

    def reader(self) -> RowReader:
        """Return the reader of rows: with one currency for the file, or with the currency of each row."""
        source = self.mapping.currency
        if source.value is None:
            return _InSeveralCurrencies(self)
        try:
            self.check_currency(source.value)
        except CellRefused as refused:
            if refused.reason is Reason.UNKNOWN_CURRENCY:
                raise MappingRefused(f"{source.value!r} is not the code of a currency.") from refused
            sentence = f"This lender does not hold {source.value}."
            raise FileRefused(FileProblem.CURRENCY_NOT_HELD, sentence) from refused
        return _InOneCurrency(self, source.value)

    def check_currency(self, code: str) -> None:
        if code not in EXPONENTS:
            raise CellRefused(Reason.UNKNOWN_CURRENCY, "This is not the code of a currency, such as EUR.", value=code)
        if self.currencies is not None and code not in self.currencies:
            held = ", ".join(sorted(self.currencies))
            raise CellRefused(Reason.CURRENCY_NOT_HELD, f"This lender holds {held} and not {code}.", value=code)

    def skips(self) -> tuple[tuple[Callable[[Row], bool], str], ...]:
        rules, binding = self.mapping.skips, self.readers.binding
        return tuple((compile_expression(rule.when, want=Kind.TRUTH, binding=binding), rule.why) for rule in rules)

    def person_keys(self) -> Callable[[Sequence[Row]], Sequence[str]]:
        """Return the function that gives rows of one person the same text, and "" where a part of it is empty.

        An empty part must not join strangers: such a row is a person of its own.
        """
        places, empty = [self.places[title] for title in self.mapping.person], self.mapping.empty
        if not places:
            return lambda rows: [""] * len(rows)
        cells_of = _several(places)

        def key(cells: Sequence[str]) -> str:
            parts = [cell.strip() for cell in cells]
            return "" if any(part in empty for part in parts) else "|".join(map(same_person, parts))

        def keys(rows: Sequence[Row]) -> Sequence[str]:
            cells = list(map(cells_of, rows))
            plain = [column for each in zip(*cells, strict=True) if (column := lowered(each, empty)) is not None]
            return list(map("|".join, zip(*plain, strict=True))) if len(plain) == len(places) else list(map(key, cells))

        return keys

    def attributes(self) -> Callable[[Row], dict[str, str]]:
        read_text = text_reader(most=LONGEST_ATTRIBUTE, line_breaks=True)
        made: list[tuple[str, str, Callable[[Row], str | None]]] = []
        fixed: dict[str, str] = {}
        for title, source in self.mapping.attributes.items():
            if source.value is not None:
                fixed[title] = source.value
            else:
                read = self.readers.whole_row(source, Kind.TEXT, read_text, required=False)
                made.append((title, source.place, read))
        if not made:
            return lambda row: dict(fixed)

        def attributes(row: Row) -> dict[str, str]:
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

    def refusal(self, line: int, place: str, row: Row, refused: CellRefused) -> Refusal:
        column, value = refused.column or place, refused.value
        if value is None:
            titles = [column] if column in self.places else [each for each in column.split(", ") if each in self.places]
            value = "; ".join(row[self.places[each]] for each in titles)
        return Refusal(line, column, clipped(value), refused.reason, refused.sentence)


class _InOneCurrency:
    """Read rows whose amounts are all in one currency."""

    def __init__(self, made_by: _Maker, currency: str) -> None:
        self._refusal, self._places, self._width = made_by.refusal, made_by.places, made_by.width
        self._currency = currency
        self._fields: list[Field] = []
        constants = dict(_MISSING) | {"currency": currency}
        for title, source in made_by.mapping.fields.items():
            made = made_by.readers.field(title, source, currency)
            if made.by_row is None:
                constants[made.slot] = made_by.readers.constant(title, made)
            else:
                self._fields.append(made)
        self._fields.sort(key=lambda each: bool(each.by_row))
        self._by_cell = [each for each in self._fields if not each.by_row]
        self._by_row = [each for each in self._fields if each.by_row]
        self._cells_of = _several([self._places[each.source.place] for each in self._by_cell])
        # The values of rows stand as they were made: cells, expressions, constants, then person and attributes.
        made_slots = [each.slot for each in self._fields]
        spare = [(slot, value) for slot, value in constants.items() if slot not in made_slots]
        order = [*made_slots, *(slot for slot, _ in spare), "person_key", "attributes", "line"]
        self._spare = [value for _, value in spare]
        self._arranged = itemgetter(*(order.index(slot) for slot in _SLOTS))
        self._amounts_of = _several([order.index(f"{part}_minor") for part in MONEY[1:]])
        self._reference_at = order.index("reference")
        self._reference: str = constants["reference"]
        self._read_reference = next((each for each in self._fields if each.slot == "reference"), None)
        self._person_keys, self._attributes, self._skips = made_by.person_keys(), made_by.attributes(), made_by.skips()
        self._largest = made_by.readers.largest(currency)

    def __call__(self, line: int, row: Row) -> RowResult:
        """Return what one row becomes."""
        if len(row) != self._width:
            return _wrong_length(line, row, self._width)
        try:
            return self._together([(line, row)])[0]
        except CellRefused as refused:
            return self._everything_wrong(line, row, self._refusal(line, refused.column, row, refused))

    def many(self, numbered: Sequence[Numbered]) -> list[RowResult]:
        """Return what each of many rows becomes."""
        if {len(row) for _line, row in numbered} == {self._width}:
            try:
                return self._together(numbered)
            except CellRefused:
                pass
        if len(numbered) <= _FEW:
            return [self(line, row) for line, row in numbered]
        half = len(numbered) // 2
        return self.many(numbered[:half]) + self.many(numbered[half:])

    def _together(self, numbered: Sequence[Numbered]) -> list[RowResult]:
        """Return what rows of the right width become.

        :raises CellRefused: if one of them is to be refused.
        """
        if not self._skips:
            return self._debts(numbered)
        whys = [self._skipped(row) for _line, row in numbered]
        owed: Iterator[RowResult] = iter(
            self._debts([each for each, why in zip(numbered, whys, strict=True) if why is None])
        )
        return [
            next(owed) if why is None else NothingOwed(line, self._reference_in(row), why)
            for (line, row), why in zip(numbered, whys, strict=True)
        ]

    def _skipped(self, row: Row) -> str | None:
        for when, why in self._skips:
            if when(row):
                return why
        return None

    def _reference_in(self, row: Row) -> str:
        field = self._read_reference
        if field is None:
            return self._reference
        reference: str = field.read(row if field.by_row else row[self._places[field.source.place]])
        return reference

    def _debts(self, numbered: Sequence[Numbered]) -> list[RowResult]:
        if not numbered:
            return []
        lines, rows = zip(*numbered, strict=True)
        columns: list[Any] = [
            field.read_column(cells)
            for field, cells in zip(self._by_cell, zip(*map(self._cells_of, rows), strict=True), strict=True)
        ]
        columns += [field.read_column(rows) for field in self._by_row]
        columns += [[value] * len(rows) for value in self._spare]
        totals = list(map(sum, zip(*self._amounts_of(columns), strict=True)))
        if max(totals) > self._largest:
            raise absurd(self._currency, self._largest)
        references = columns[self._reference_at]
        keys = [
            key or f"reference:{reference}" for key, reference in zip(self._person_keys(rows), references, strict=True)
        ]
        columns += keys, list(map(self._attributes, rows)), lines
        # As `DebtRow._make`, without a call of Python for each row.
        debts: list[RowResult] = list(map(partial(tuple.__new__, DebtRow), zip(*self._arranged(columns), strict=True)))
        if min(totals):
            return debts
        return [
            debt if total else NothingOwed(line, reference, ADDS_UP_TO_ZERO)
            for debt, total, line, reference in zip(debts, totals, lines, references, strict=True)
        ]

    def _everything_wrong(self, line: int, row: Row, first: Refusal) -> tuple[Refusal, ...]:
        """Read a troubled row once more, slowly, and name everything that is wrong with it."""
        refusals = []
        for field in self._fields:
            try:
                field.read(row if field.by_row else row[self._places[field.source.place]])
            except CellRefused as refused:
                refusals.append(self._refusal(line, field.source.place or field.title, row, refused))
        try:
            self._attributes(row)
        except CellRefused as refused:
            refusals.append(self._refusal(line, refused.column, row, refused))
        # The trouble may lie in a [[skip]] rule or in the sum and in no field.
        return tuple(refusals) or (first,)


class _InSeveralCurrencies:
    """Read rows that name their currency."""

    def __init__(self, made_by: _Maker) -> None:
        self._made_by, self._place = made_by, made_by.mapping.currency.place
        # One is made at once, so that a mistake in the mapping shows before the first row.
        first = min(made_by.currencies or ("EUR",))
        self._readers: dict[str, RowReader] = {first: _InOneCurrency(made_by, first)}
        self._code_of = made_by.readers.whole_row(
            made_by.mapping.currency, Kind.TEXT, lambda text: text.strip().upper(), required=True
        )

    def __call__(self, line: int, row: Row) -> RowResult:
        """Return what one row becomes."""
        if len(row) != self._made_by.width:
            return _wrong_length(line, row, self._made_by.width)
        try:
            reader = self._reader(row)
        except CellRefused as refused:
            # Without a currency no amount can be judged, so this is the row's only refusal.
            return (self._made_by.refusal(line, self._place, row, refused),)
        return reader(line, row)

    def many(self, numbered: Sequence[Numbered]) -> list[RowResult]:
        """Return what each of many rows becomes; nearly always they are all in one currency."""
        if {len(row) for _line, row in numbered} == {self._made_by.width}:
            try:
                readers = {id(reader): reader for reader in map(self._reader, self._samples(numbered))}
            except CellRefused:
                readers = {}
            if len(readers) == 1:
                return readers.popitem()[1].many(numbered)
        if len(numbered) <= _FEW:
            return [self(line, row) for line, row in numbered]
        half = len(numbered) // 2
        return self.many(numbered[:half]) + self.many(numbered[half:])

    def _samples(self, numbered: Sequence[Numbered]) -> Iterable[Row]:
        """Return a row for each way in which a currency is written among many."""
        if self._made_by.mapping.currency.column is None:
            return (row for _line, row in numbered)
        place = self._made_by.places[self._place]
        return {row[place]: row for _line, row in numbered}.values()

    def _reader(self, row: Row) -> RowReader:
        code = self._code_of(row)
        reader = self._readers.get(code)
        if reader is None:
            self._made_by.check_currency(code)
            reader = self._readers[code] = _InOneCurrency(self._made_by, code)
        return reader


def same_person(cell: str) -> str:
    """Return text in which two ways to write one name are equal: "  ÅSA  Berg" and "åsa berg"."""
    if cell.isascii():
        if "  " not in cell and "|" not in cell and cell.isprintable():
            return cell.strip().lower()
    else:
        cell = unicodedata.normalize("NFKC", cell)
    return " ".join(cell.replace("|", "\u00a6").split()).casefold()


def _several(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return an itemgetter that gives a tuple for one place and for none as well."""
    if not places:
        return lambda row: ()
    if len(places) == 1:
        only = places[0]
        return lambda row: (row[only],)
    return itemgetter(*places)


def _wrong_length(line: int, row: Row, width: int) -> tuple[Refusal, ...]:
    if isinstance(row, BrokenRow):
        reason = Reason.TOO_LONG if row.too_long else Reason.BROKEN_ROW
        return (Refusal(line, "", clipped(row.value), reason, row.sentence),)
    few = "fewer" if len(row) < width else "more"
    return (
        Refusal(
            line,
            "",
            clipped(" | ".join(row)),
            Reason.RAGGED_ROW,
            f"This row has {len(row)} cells and the header has {width}, so it has {few}; is a cell with the separator "
            "in it without quotation marks?",
        ),
    )

"""RULES  A list of transfers or of cash as a table (CSV, XLSX), read by a small mapping, as a stream of entries."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from portal.banking.entries import LONGEST_TEXT, Entry, named
from portal.banking.problems import BankFileRefused, Problem
from portal.debts.cells import CellRefused, date_reader, date_shape, number_reader
from portal.debts.csv_tables import encoding_named, separator_named
from portal.debts.opening import open_table
from portal.debts.tables import BrokenRow, FileLimits, FileRefused, refuse_missing_columns

# What an entry is made of. A file whose titles are these needs no mapping.
_ONE: Final = ("booked", "value", "amount", "credit", "debit", "currency", "payer", "payer_account", "entry")
_MANY: Final = "text"
_HOW: Final = ("date_format", "decimal_mark", "thousands_mark", "encoding", "separator", "sheet")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapping:
    """Which column has what, and how cells are written."""

    columns: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    decimal_mark: str = "."
    thousands_mark: str = ""
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """Give every column that the file must have."""
        return (*self.columns.values(), *self.texts)


def parse_mapping(text: str) -> TableMapping:
    """Read a mapping.

    :raises BankFileRefused: if it says something that is not understood.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise BankFileRefused(Problem.BAD_MAPPING, str(problem)) from problem
    entries = told.pop("entries", None)
    if not isinstance(entries, dict) or not entries:
        raise BankFileRefused(Problem.BAD_MAPPING, "[entries]")
    if unknown := [*(told.keys() - set(_HOW)), *(entries.keys() - {*_ONE, _MANY})]:
        raise BankFileRefused(Problem.BAD_MAPPING, ", ".join(sorted(unknown)))
    formats = told.pop("date_format", "%Y-%m-%d")
    formats = [formats] if isinstance(formats, str) else formats
    texts = entries.pop(_MANY, [])
    texts = [texts] if isinstance(texts, str) else texts
    given = {**told, **entries}
    if wrong := [name for name, value in given.items() if not isinstance(value, str)]:
        raise BankFileRefused(Problem.BAD_MAPPING, ", ".join(wrong))
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise BankFileRefused(Problem.BAD_MAPPING, _MANY)
    marks = told.get("decimal_mark", "."), told.get("thousands_mark", "")
    if marks[0] not in (".", ",") or marks[1] not in ("", ".", ",", "'", "’", " ") or marks[0] == marks[1]:
        raise BankFileRefused(Problem.BAD_MAPPING, "decimal_mark, thousands_mark")
    try:
        for each in formats:
            date_shape(each)
        encoding_named(told.get("encoding"))
        separator_named(told.get("separator"))
    except (ValueError, TypeError, AttributeError) as problem:
        raise BankFileRefused(Problem.BAD_MAPPING, "date_format") from problem
    except FileRefused as problem:
        raise BankFileRefused(Problem.BAD_MAPPING, problem.sentence) from problem
    return _checked(
        TableMapping(
            columns={name: " ".join(title.split()) for name, title in entries.items()},
            texts=tuple(" ".join(each.split()) for each in texts),
            date_formats=tuple(formats),
            decimal_mark=marks[0],
            thousands_mark=marks[1],
            encoding=told.get("encoding"),
            separator=told.get("separator"),
            sheet=told.get("sheet"),
        )
    )


def plain_mapping(header: Sequence[str]) -> TableMapping:
    """Give the mapping of a file whose titles are the names of what an entry is made of, in any capitals.

    :raises BankFileRefused: if what must be there has no column.
    """
    names = {"_".join(title.replace("-", " ").split()).lower(): title for title in header}
    return _checked(
        TableMapping(
            columns={name: names[name] for name in _ONE if name in names},
            texts=(names[_MANY],) if _MANY in names else (),
        )
    )


def _checked(mapping: TableMapping) -> TableMapping:
    has = mapping.columns
    lacks = [
        *(["booked"] if "booked" not in has and "value" not in has else []),
        *(["amount"] if ("amount" in has) == ("credit" in has) else []),
        *(["text"] if not mapping.texts else []),
    ]
    if lacks:
        raise BankFileRefused(Problem.NO_COLUMN, ", ".join(lacks))
    return mapping


def read(
    path: Path, mapping: TableMapping | None, *, account: str, currency: str, limits: FileLimits
) -> Iterator[Entry]:
    """Give the entries of a table in their order; `currency` is the account's, where no column says one.

    :raises BankFileRefused: if it can't be read by the mapping.
    :raises portal.debts.tables.FileRefused: if it can't be opened, or is no table.
    """
    how = mapping or TableMapping()
    with open_table(path, encoding=how.encoding, separator=how.separator, sheet=how.sheet, limits=limits) as table:
        if mapping is None:
            how = plain_mapping(table.header)
        refuse_missing_columns(wanted=how.wanted, header=table.header)
        places = {name: table.header.index(title) for name, title in how.columns.items()}
        texts = [table.header.index(title) for title in how.texts]
        day = _or_none(date_reader(*how.date_formats, dates_as_iso=table.native_dates))
        number = _or_none(number_reader(decimal_mark=how.decimal_mark, thousands_mark=how.thousands_mark))
        said: dict[tuple[object, ...], int] = {}
        for place, (_line, cells) in enumerate(table.rows(), start=1):
            broken = isinstance(cells, BrokenRow) or len(cells) != len(table.header)
            row = _Row(() if broken else cells, places)
            amount, credit = _amount(row, number)
            key = (*cells,)
            nth = said[key] = said.get(key, 0) + 1 if not row.cell("entry") else 1
            yield Entry(
                place=place,
                account=account,
                reference=named(row.cell("entry")),
                nth=nth,
                booked=day(row.cell("booked")),
                value=day(row.cell("value")),
                sent=None,
                amount=amount,
                currency=(row.cell("currency").upper() or currency)[:3],
                credit=credit,
                reversal=False,
                is_booked=True,
                texts=() if broken else tuple(dict.fromkeys(t for each in texts if (t := _tidy(cells[each])))),
                payer=_tidy(row.cell("payer"))[:140] or None,
                payer_account="".join(row.cell("payer_account").split())[-4:] or None,
                collective=False,
                broken=broken,
            )


@dataclass(frozen=True, slots=True)
class _Row:
    cells: Sequence[str]
    places: Mapping[str, int]

    def cell(self, name: str) -> str:
        """Give the text of a cell, or nothing where there is no such column."""
        place = self.places.get(name)
        return self.cells[place].strip() if place is not None and self.cells else ""


def _tidy(text: str) -> str:
    return " ".join(text.split())[:LONGEST_TEXT]


def _amount(row: _Row, number: Callable[[str], Decimal | None]) -> tuple[Decimal | None, bool]:
    """Give how much moved, and whether it came; one signed column, or one for what came and one for what went."""
    if "amount" in row.places:
        amount = number(row.cell("amount"))
        return (None if amount is None else abs(amount)), amount is None or amount >= 0
    came = row.cell("credit")
    if not came and row.cell("debit"):
        went = number(row.cell("debit"))
        return (None if went is None else abs(went)), False
    return number(came), True


def _or_none(read_cell: Callable[[str], Any]) -> Callable[[str], Any]:
    def read_or_none(cell: str) -> Any:
        try:
            return read_cell(cell) if cell else None
        except CellRefused:
            return None

    return read_or_none

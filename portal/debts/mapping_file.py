"""RULES  Read a mapping file (TOML), and check all of it that can be checked without the lender's file."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from portal.debts.cells import date_shape
from portal.debts.csv_tables import encoding_named, separator_named
from portal.debts.expressions import ExpressionRefused, Kind, parse_expression
from portal.debts.mapping import FIELDS, REQUIRED, MappingRefused, PortfolioMapping, Rounding, Skip, Source
from portal.debts.row_reader import compile_mapping
from portal.debts.tables import FileRefused
from portal.handwritten import NotRead, read

MOST_ATTRIBUTES = 30
LARGEST_AMOUNT = Decimal(1_000_000_000)  # whole units of the currency; a mapping may state another one
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
        told = read(text)
    except NotRead as error:
        raise MappingRefused(f"The mapping {name} is not TOML that can be read. {error.sentence}") from error
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

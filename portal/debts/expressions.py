"""RULES  The closed list of expressions that a mapping may use; they are compiled to closures and nothing is evaluated.

Python's parser is only the reader: whatever is not on the list below is refused when the mapping is loaded.
"""

import ast
import calendar
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal, DecimalException
from enum import StrEnum
from typing import Any

from portal.debts.cells import CellRefused, Reason

Value = str | Decimal | date | bool | None
Row = Sequence[str]
Compiled = Callable[[Row], Any]

LONGEST = 2_000
DEEPEST = 40
# A number that a mapping writes itself, as days or as places after the point, stays within what a date can bear.
MOST_STEPS = 100_000


class Kind(StrEnum):
    """What an expression gives."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TRUTH = "yes or no"


class ExpressionRefused(Exception):
    """Say why an expression in a mapping is not understood."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Where the columns of one file stand, and how its cells are read."""

    places: Mapping[str, int]
    empty: frozenset[str]
    number: Callable[[str], Decimal]
    day: Callable[[str], date]
    tables: Mapping[str, Mapping[str, str]]
    as_of: date


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read, and the columns that it uses."""

    source: str
    tree: ast.expr
    columns: tuple[str, ...]


def parse_expression(source: str) -> Expression:
    """Read an expression.

    :raises ExpressionRefused: if it is not written as the closed list allows.
    """
    source = source.strip().replace("\r", " ").replace("\n", " ")
    if len(source) > LONGEST:
        raise ExpressionRefused(f"The expression has more than {LONGEST:,} characters.")
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = getattr(error, "msg", error)
        raise ExpressionRefused(f"The expression {source!r} is not understood: {said}.") from error
    if _depth(tree) > DEEPEST:
        raise ExpressionRefused(f"The expression {source!r} is nested more than {DEEPEST} deep.")
    columns: dict[str, None] = {}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        title = _column_title(node)
        if title is not None and id(node) not in called:
            columns[title] = None
    return Expression(source, tree, tuple(columns))


def _depth(tree: ast.AST) -> int:
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))
    return deepest


def _column_title(node: ast.AST) -> str | None:
    """Return the column that a node names: plainly (loan_id) or as col("Loan no.")."""
    if isinstance(node, ast.Name) and node.id not in _WORDS:
        return node.id
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "col":
        match node.args:
            case [ast.Constant(value=str(title))] if not node.keywords:
                return " ".join(title.split())
        raise ExpressionRefused('col takes the name of one column in quotation marks, as col("Loan no.").')
    return None


def compile_expression(expression: Expression, *, want: Kind, binding: Binding, optional: bool = False) -> Compiled:
    """Return a function from a row to a value of the kind wanted; with `optional` it may give None.

    The function raises `CellRefused` where a cell cannot be read so.

    :raises ExpressionRefused: if the expression gives something else, or uses what is not on the list.
    """
    return _Compiler(expression.source, binding).compiled(expression.tree, want, optional=optional)


# ---------------------------------------------------------------------------------------------------------------------
# The functions of the closed list


def _whole_months(start: date, end: date) -> Decimal:
    """Return the completed months; one is complete on the same day of the month, or on the last of a shorter one."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if end.day < start.day and end.day != calendar.monthrange(end.year, end.month)[1]:
        months -= 1
    return Decimal(months)


def _steps(number: Decimal) -> int:
    if number != number.to_integral_value() or abs(number) > MOST_STEPS:
        raise CellRefused(Reason.NOT_COMPUTABLE, f"A whole number of at most {MOST_STEPS:,} is needed, not {number}.")
    return int(number)


def _add_months(day: date, number: Decimal) -> date:
    months = day.year * 12 + day.month - 1 + _steps(number)
    year, month = months // 12, months % 12 + 1
    if not 1 <= year <= 9999:
        raise CellRefused(Reason.NOT_COMPUTABLE, "The date that comes out is beyond the calendar.")
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _add_days(day: date, number: Decimal) -> date:
    try:
        return day + timedelta(days=_steps(number))
    except OverflowError as error:
        raise CellRefused(Reason.NOT_COMPUTABLE, "The date that comes out is beyond the calendar.") from error


def _last_day(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _rounded(rounding: str) -> Callable[[Decimal, Decimal], Decimal]:
    def rounded(number: Decimal, places: Decimal) -> Decimal:
        return number.quantize(Decimal(1).scaleb(-min(max(_steps(places), 0), 12)), rounding=rounding)

    return rounded


def _divided(one: Decimal, other: Decimal) -> Decimal:
    if not other:
        raise CellRefused(Reason.NOT_COMPUTABLE, "This would divide by zero.")
    return one / other


@dataclass(frozen=True, slots=True)
class _Function:
    takes: tuple[Kind, ...]
    gives: Kind
    act: Callable[..., Value]
    any_number: bool = False  # The last kind may repeat.


_T, _N, _D = Kind.TEXT, Kind.NUMBER, Kind.DATE
FUNCTIONS: Mapping[str, _Function] = {
    # numbers
    "sum": _Function((_N,), _N, lambda *parts: sum(parts, Decimal(0)), True),
    "min": _Function((_N,), _N, lambda *parts: min(parts), True),
    "max": _Function((_N,), _N, lambda *parts: max(parts), True),
    "max0": _Function((_N,), _N, lambda number: max(number, Decimal(0))),
    "percent_of": _Function((_N, _N), _N, lambda rate, amount: rate * amount / 100),
    "round": _Function((_N, _N), _N, _rounded(ROUND_HALF_UP)),
    "round_up": _Function((_N, _N), _N, _rounded(ROUND_UP)),
    "round_down": _Function((_N, _N), _N, _rounded(ROUND_DOWN)),
    "months_between": _Function((_D, _D), _N, _whole_months),
    "days_between": _Function((_D, _D), _N, lambda start, end: Decimal((end - start).days)),
    # dates
    "add_months": _Function((_D, _N), _D, _add_months),
    "add_days": _Function((_D, _N), _D, _add_days),
    "last_day": _Function((_D,), _D, _last_day),
    "earliest": _Function((_D,), _D, lambda *days: min(days), True),
    "latest": _Function((_D,), _D, lambda *days: max(days), True),
    # text
    "concat": _Function((_T,), _T, lambda *parts: "".join(parts), True),
    "left": _Function((_T, _N), _T, lambda text, places: text[: max(_steps(places), 0)]),
    "right": _Function((_T, _N), _T, lambda text, places: text[max(len(text) - max(_steps(places), 0), 0) :]),
    "strip": _Function((_T,), _T, lambda text: text.strip()),
    "upper": _Function((_T,), _T, lambda text: text.upper()),
    "lower": _Function((_T,), _T, lambda text: text.lower()),
}
# Those that the compiler writes itself, because they take a column's name, a table's name or what may be empty.
SPECIAL_FUNCTIONS = ("col", "coalesce", "empty", "lookup", "date")
_WORDS = frozenset({"as_of", "nothing"})
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divided,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


# ---------------------------------------------------------------------------------------------------------------------
# From the tree to closures


class _Compiler:
    def __init__(self, source: str, binding: Binding) -> None:
        self.source = source
        self.binding = binding

    def refused(self, sentence: str) -> ExpressionRefused:
        return ExpressionRefused(f"In {self.source!r}: {sentence}")

    def kind(self, node: ast.expr) -> Kind | None:
        """Return what a node gives, and None for a column, which is what it is needed as."""
        match node:
            case ast.Constant(value=bool()):
                return Kind.TRUTH
            case ast.Constant(value=str()):
                return Kind.TEXT
            case ast.Constant(value=int() | float()) | ast.BinOp() | ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return Kind.NUMBER
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return Kind.TRUTH
            case ast.Name(id="as_of"):
                return Kind.DATE
            case ast.IfExp(body=body, orelse=orelse):
                return self.kind(body) or self.kind(orelse)
            case ast.Call(func=ast.Name(id="coalesce"), args=args):
                return next((kind for kind in map(self.kind, args) if kind is not None), None)
            case ast.Call(func=ast.Name(id="empty")):
                return Kind.TRUTH
            case ast.Call(func=ast.Name(id="date")):
                return Kind.DATE
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                return FUNCTIONS[name].gives
        return None

    def compiled(self, node: ast.expr, want: Kind, *, optional: bool = False) -> Compiled:
        match node:
            case ast.Constant(value=str(text)):
                return self.given(want, Kind.TEXT, lambda row: text)
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                # The text as written, because 0.1 as Python reads it is not a tenth.
                written = ast.get_source_segment(self.source, node) or ""
                try:
                    number = Decimal(written)
                except DecimalException as error:
                    raise self.refused(f"{written} is not a plain number.") from error
                return self.given(want, Kind.NUMBER, lambda row: number)
            case ast.Name(id="as_of"):
                day = self.binding.as_of
                return self.given(want, Kind.DATE, lambda row: day)
            case ast.Name(id="nothing"):
                if not optional:
                    raise self.refused("nothing can only stand where a value may be missing.")
                return lambda row: None
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                act = _ARITHMETIC[type(op)]
                left, right = self.compiled(node.left, Kind.NUMBER), self.compiled(node.right, Kind.NUMBER)
                return self.given(want, Kind.NUMBER, lambda row: act(left(row), right(row)))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self.compiled(operand, Kind.NUMBER)
                return self.given(want, Kind.NUMBER, lambda row: -inner(row))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.compiled(operand, Kind.TRUTH)
                return self.given(want, Kind.TRUTH, lambda row: not truth(row))
            case ast.BoolOp(op=ast.And() | ast.Or() as op, values=values):
                tests = tuple(self.compiled(value, Kind.TRUTH) for value in values)
                if isinstance(op, ast.And):
                    return self.given(want, Kind.TRUTH, lambda row: all(test(row) for test in tests))
                return self.given(want, Kind.TRUTH, lambda row: any(test(row) for test in tests))
            case ast.Compare():
                return self.given(want, Kind.TRUTH, self.comparison(node))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                decide = self.compiled(test, Kind.TRUTH)
                then = self.compiled(body, want, optional=optional)
                otherwise = self.compiled(orelse, want, optional=optional)
                return lambda row: then(row) if decide(row) else otherwise(row)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(node, name, args, want, optional=optional)
        title = _column_title(node)
        if title is not None:
            return self.column(title, want, optional=optional)
        raise self.refused(f"{ast.unparse(node)[:60]!r} is not on the list of what a mapping may use.")

    def given(self, want: Kind, have: Kind, act: Compiled) -> Compiled:
        if want is have:
            return act
        if want is Kind.TEXT and have is Kind.NUMBER:
            return lambda row: format(act(row).normalize(), "f")
        raise self.refused(f"a {want} is needed, and this gives a {have}.")

    def column(self, title: str, want: Kind, *, optional: bool) -> Compiled:
        place = self.binding.places[title]
        empty = self.binding.empty
        if want is Kind.TRUTH:
            raise self.refused(f"the column {title!r} is no yes or no; compare it with something.")
        if want is Kind.TEXT:
            missing = None if optional else ""

            def text(row: Row) -> str | None:
                cell = row[place].strip()
                return missing if cell in empty else cell

            return text
        read: Callable[[str], Value] = self.binding.number if want is Kind.NUMBER else self.binding.day

        def parsed(row: Row) -> Value:
            cell = row[place].strip()
            if cell in empty:
                if optional:
                    return None
                raise CellRefused(Reason.EMPTY, f"A {want} is needed and the cell is empty.", column=title, value=cell)
            try:
                return read(cell)
            except CellRefused as refused:
                refused.column, refused.value = title, cell
                raise

        return parsed

    def comparison(self, node: ast.Compare) -> Compiled:
        if len(node.ops) != 1:
            raise self.refused("compare two things at a time, joined by and.")
        op, one, other = node.ops[0], node.left, node.comparators[0]
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(other, ast.List | ast.Tuple):
                raise self.refused('in needs a list, as in status in ["A", "B"].')
            texts = []
            for item in other.elts:
                if not (isinstance(item, ast.Constant) and isinstance(item.value, str)):
                    raise self.refused("a list holds texts in quotation marks.")
                texts.append(item.value)
            known, wanted = frozenset(texts), isinstance(op, ast.In)
            text = self.compiled(one, Kind.TEXT)
            return lambda row: (text(row) in known) is wanted
        if type(op) not in _COMPARISONS:
            raise self.refused("only ==, !=, <, <=, >, >=, in and not in compare.")
        kind = self.kind(one) or self.kind(other) or Kind.TEXT
        if kind is Kind.TEXT and not isinstance(op, ast.Eq | ast.NotEq):
            hint = "of two columns write a + 0 < b (numbers) or add_days(a, 0) < b (dates)"
            raise self.refused(f"texts are only equal or not; {hint}.")
        act, left, right = _COMPARISONS[type(op)], self.compiled(one, kind), self.compiled(other, kind)
        return lambda row: act(left(row), right(row))

    def call(self, node: ast.expr, name: str, args: list[ast.expr], want: Kind, *, optional: bool) -> Compiled:
        if name == "col":
            return self.column(_column_title(node) or "", want, optional=optional)
        if name == "coalesce":
            return self.coalesce(args, want, optional=optional)
        if name == "empty":
            if len(args) != 1:
                raise self.refused("empty takes one column.")
            inner = self.compiled(args[0], self.kind(args[0]) or Kind.TEXT, optional=True)
            return self.given(want, Kind.TRUTH, lambda row: inner(row) in (None, ""))
        if name == "lookup":
            return self.given_of_table(args, want)
        if name == "date":
            return self.given(want, Kind.DATE, self.fixed_date(args))
        function = FUNCTIONS.get(name)
        if function is None:
            known = ", ".join(sorted((*FUNCTIONS, *SPECIAL_FUNCTIONS)))
            raise self.refused(f"there is no function {name!r}; there are {known}.")
        takes = function.takes
        if function.any_number and len(args) >= 1:
            takes = (*takes, *takes[-1:] * (len(args) - len(takes)))
        if len(args) != len(takes):
            raise self.refused(f"{name} takes {len(function.takes)} values, not {len(args)}.")
        parts = tuple(self.compiled(arg, kind) for arg, kind in zip(args, takes, strict=True))
        act = function.act
        return self.given(want, function.gives, lambda row: act(*[part(row) for part in parts]))

    def coalesce(self, args: list[ast.expr], want: Kind, *, optional: bool) -> Compiled:
        if len(args) < 2:
            raise self.refused("coalesce takes a value and what stands in for it when it is empty.")
        first = tuple(self.compiled(arg, want, optional=True) for arg in args[:-1])
        last = self.compiled(args[-1], want, optional=optional)

        def coalesced(row: Row) -> Value:
            for part in first:
                value: Value = part(row)
                if value is not None and value != "":
                    return value
            return last(row)

        return coalesced

    def given_of_table(self, args: list[ast.expr], want: Kind) -> Compiled:
        match args:
            case [key, ast.Constant(value=str(name)), *rest] if len(rest) <= 1 and name in self.binding.tables:
                table = self.binding.tables[name]
            case _:
                names = ", ".join(repr(name) for name in self.binding.tables) or "none"
                raise self.refused(f'lookup takes a column and a table, as lookup(status, "names"); tables: {names}.')
        text = self.compiled(key, Kind.TEXT)
        title = _column_title(key) or ""
        other = self.compiled(rest[0], want) if rest else None
        answers: dict[str, Value] = {}
        for entry, answer in table.items():
            try:
                answers[entry] = self.entry(answer, want)
            except (CellRefused, DecimalException, ValueError) as error:
                raise self.refused(f"the table {name!r} has {answer!r}, and a {want} is needed.") from error

        def looked_up(row: Row) -> Value:
            entry = text(row)
            if entry in answers:
                return answers[entry]
            if other is not None:
                return other(row)
            missing = f"The mapping's table {name!r} has no entry for this."
            raise CellRefused(Reason.NOT_IN_LIST, missing, column=title, value=entry)

        return looked_up

    def entry(self, answer: str, want: Kind) -> Value:
        if want is Kind.NUMBER:
            return Decimal(answer)
        if want is Kind.DATE:
            return date.fromisoformat(answer)
        if want is Kind.TRUTH:
            raise ValueError(answer)
        return answer

    def fixed_date(self, args: list[ast.expr]) -> Compiled:
        match args:
            case [ast.Constant(value=str(written))]:
                try:
                    day = date.fromisoformat(written)
                except ValueError as error:
                    raise self.refused(f"{written!r} is no date; write it as 2026-01-31.") from error
                return lambda row: day
        raise self.refused('date takes one date in quotation marks, as date("2026-01-31").')

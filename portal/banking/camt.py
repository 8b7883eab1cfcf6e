"""RULES  A bank's statement as XML (camt.053 of ISO 20022, any version) as a stream of entries, whatever its size.

Invariant: no entity and no document type is ever read, a statement that doesn't add up is refused, and what is in hand
at a time is one entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final
from xml.parsers import expat

from portal.banking.entries import Entry, named
from portal.banking.problems import BankFileRefused, Problem
from portal.lenders.numbers import number_of

# No bank nests deeper, writes a longer text, or puts more into one entry than the payments of a day.
_DEEPEST: Final = 40
_LONGEST: Final = 20_000
_LARGEST_ENTRY: Final = 400_000
_AMOUNT: Final = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,9})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Parts of a statement that are read as a whole; all else is passed over.
_KEPT: Final = frozenset({"Acct", "Bal", "Ntry", "Id"})
_OPENING, _CLOSING = ("OPBD", "PRCD", "ITBD"), ("CLBD", "ITBD")


@dataclass(slots=True)
class _Node:
    """An element with what is in it, by names without their namespace."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[_Node] = field(default_factory=list)

    def all(self, *path: str) -> list[_Node]:
        """Give the elements at a path."""
        found = [self]
        for name in path:
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def at(self, *path: str) -> _Node | None:
        """Give the first element at a path."""
        return next(iter(self.all(*path)), None)

    def words(self, *path: str) -> str:
        """Give the text of the first element at a path, or nothing."""
        found = self.at(*path)
        return "" if found is None else " ".join(found.text.split())


@dataclass(slots=True)
class _Statement:
    """What is known of the statement that is being read; amounts in the account's currency."""

    id: str = ""
    account: str = ""
    balances: dict[str, list[Decimal]] = field(default_factory=dict)
    currency: str = ""
    moved: Decimal = Decimal(0)
    said: dict[tuple[object, ...], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """A statement ended, and its entries lead from its opening to its closing balance."""

    account: str
    currency: str
    opening: Decimal
    closing: Decimal


class _Reader:
    """Builds what is in hand from what the parser tells; `ready` is what can be given out."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.building: list[_Node] = []
        self.size = 0
        self.place = 0
        self.statement: _Statement | None = None
        self.statements = 0
        self.ready: list[Entry | Closed] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse_doctype
        self.parser.EntityDeclHandler = _refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self.path.append(name)
        if len(self.path) > _DEEPEST:
            raise BankFileRefused(Problem.TOO_DEEP)
        if len(self.path) == 1 and name != "Document":
            raise BankFileRefused(Problem.NOT_CAMT, name)
        if len(self.path) == 2 and name != "BkToCstmrStmt":
            raise BankFileRefused(Problem.OTHER_CAMT if name.startswith("BkToCstmr") else Problem.NOT_CAMT, name)
        if len(self.path) == 3 and name == "Stmt":
            self.statement = _Statement()
            self.statements += 1
        if self.building or (len(self.path) == 4 and self.statement is not None and name in _KEPT):
            node = _Node(name, {key.rpartition(" ")[2]: value for key, value in attributes.items()})
            self.size += 1
            if self.size > _LARGEST_ENTRY:
                raise BankFileRefused(Problem.TOO_LONG)
            if self.building:
                self.building[-1].children.append(node)
            self.building.append(node)

    def _text(self, text: str) -> None:
        if self.building:
            node = self.building[-1]
            if len(node.text) + len(text) > _LONGEST:
                raise BankFileRefused(Problem.TOO_LONG)
            node.text += text

    def _end(self, tag: str) -> None:
        del tag
        name = self.path.pop()
        if self.building:
            done = self.building.pop()
            if not self.building and self.statement is not None:
                self.size = 0
                self._take(self.statement, done)
        elif name == "Stmt" and len(self.path) == 2 and self.statement is not None:
            self.ready.append(_closed(self.statement))
            self.statement = None

    def _take(self, statement: _Statement, node: _Node) -> None:
        if node.name == "Id":
            statement.id = node.text.strip()
        elif node.name == "Acct":
            statement.account = number_of(node.words("Id", "IBAN") or node.words("Id", "Othr", "Id"))
            statement.currency = node.words("Ccy") or statement.currency
        elif node.name == "Bal":
            _balance(statement, node)
        else:
            for entry in _entries(statement, node, place=self.place):
                self.place = entry.place
                self.ready.append(entry)


def read(pieces: Iterable[bytes]) -> Iterator[Entry | Closed]:
    """Give the entries of a file in their order, and after those of each statement that it is closed.

    :raises BankFileRefused: if it is no such file, or one that says something impossible; what was given until then
        must not be used.
    """
    reader = _Reader()
    try:
        for piece in pieces:
            reader.parser.Parse(piece, False)
            yield from reader.ready
            reader.ready.clear()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as problem:
        raise BankFileRefused(Problem.NOT_XML, str(problem.lineno)) from problem
    yield from reader.ready
    if not reader.statements:
        raise BankFileRefused(Problem.NO_STATEMENT)


def _refuse_doctype(*_said: object) -> None:
    raise BankFileRefused(Problem.DOCTYPE)


def _amount(node: _Node | None) -> Decimal | None:
    text = "" if node is None else node.text.strip()
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def _day(node: _Node, *path: str) -> date | None:
    found = node.at(*path)
    text = "" if found is None else found.words("Dt") or found.words("DtTm") or " ".join(found.text.split())
    if not _DAY.match(text):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _balance(statement: _Statement, node: _Node) -> None:
    amount = _amount(node.at("Amt"))
    if amount is None:
        raise BankFileRefused(Problem.BALANCE_UNREADABLE, statement.id)
    statement.currency = statement.currency or (node.all("Amt")[0].attributes.get("Ccy", ""))
    sign = -1 if node.words("CdtDbtInd") == "DBIT" else 1
    statement.balances.setdefault(node.words("Tp", "CdOrPrtry", "Cd"), []).append(sign * amount)


def _closed(statement: _Statement) -> Closed:
    """Give the end of a statement.

    :raises BankFileRefused: if its balances are missing, or its entries don't lead from one to the other.
    """
    if not statement.account:
        raise BankFileRefused(Problem.NO_ACCOUNT, statement.id)
    opening = next((statement.balances[code][0] for code in _OPENING if code in statement.balances), None)
    closing = next((statement.balances[code][-1] for code in _CLOSING if code in statement.balances), None)
    if opening is None or closing is None:
        raise BankFileRefused(Problem.NO_BALANCE, statement.id)
    if opening + statement.moved != closing:
        raise BankFileRefused(
            Problem.DOES_NOT_ADD_UP,
            statement.id, f"{opening:f}", f"{statement.moved:f}", f"{closing:f}", f"{opening + statement.moved:f}",
        )  # fmt: skip
    return Closed(statement.account, statement.currency, opening, closing)


def _entries(statement: _Statement, node: _Node, *, place: int) -> Iterator[Entry]:
    """Give what an entry consists of: itself, or each payment of a collective one that says how much each is."""
    if not statement.account:
        raise BankFileRefused(Problem.NO_ACCOUNT, statement.id)
    amount, credit = _amount(node.at("Amt")), node.words("CdtDbtInd") == "CRDT"
    if node.words("CdtDbtInd") not in ("CRDT", "DBIT"):
        raise BankFileRefused(Problem.NO_DIRECTION, str(place + 1))
    booked = (node.words("Sts", "Cd") or node.words("Sts")) == "BOOK"
    if booked:
        if amount is None:
            raise BankFileRefused(Problem.AMOUNT_UNREADABLE, str(place + 1))
        statement.moved += amount if credit else -amount
    parts = node.all("NtryDtls", "TxDtls")
    amounts = [_amount(part.at("Amt") or part.at("AmtDtls", "TxAmt", "Amt")) for part in parts]
    known = [each for each in amounts if each is not None]
    said_otherwise = any(part.words("CdtDbtInd") not in ("", node.words("CdtDbtInd")) for part in parts)
    splits = len(parts) > 1 and len(known) == len(parts) and sum(known) == amount and not said_otherwise
    several = len(parts) > 1 or int(_digits(node.words("NtryDtls", "Btch", "NbOfTxs")) or 0) > 1
    whole = named(node.words("AcctSvcrRef"))
    for number, (part, its_amount) in enumerate(zip(parts, known, strict=True) if splits else ((None, amount),), 1):
        details = [part] if part is not None else parts
        reference = whole and (f"{whole}/{number}" if splits else whole)
        if reference is None:
            own = [named(each.words("Refs", "AcctSvcrRef")) or named(each.words("Refs", "TxId")) for each in details]
            reference = own[0] if len(own) == 1 else None
        texts = tuple(dict.fromkeys(text for each in details for text in _texts(each)))
        extra = " ".join(node.words("AddtlNtryInf").split())
        entry = Entry(
            place=place + number,
            account=statement.account,
            reference=reference,
            nth=1,
            booked=_day(node, "BookgDt"),
            value=_day(node, "ValDt"),
            sent=next((day for each in details if (day := _day(each, "RltdDts", "AccptncDtTm"))), None),
            amount=its_amount,
            currency=(node.at("Amt") or node).attributes.get("Ccy", "")[:3],
            credit=credit,
            reversal=node.words("RvslInd") == "true" or any(each.at("RtrInf") is not None for each in details),
            is_booked=booked,
            texts=(*texts, *([extra] if extra and not splits else [])),
            payer=next((name for each in details if (name := _payer(each, credit=credit))), None),
            payer_account=next((its for each in details if (its := _payer_account(each, credit=credit))), None),
            collective=several and not splits,
        )
        yield _numbered(statement, entry)


def _numbered(statement: _Statement, entry: Entry) -> Entry:
    """Tell entries apart that say the same and that the bank gave no reference."""
    if entry.reference is not None:
        return entry
    said = (entry.booked, entry.value, entry.amount, entry.credit, entry.payer, entry.payer_account, entry.texts)
    nth = statement.said[said] = statement.said.get(said, 0) + 1
    return entry if nth == 1 else _again(entry, nth)


def _again(entry: Entry, nth: int) -> Entry:
    return Entry(**{name: getattr(entry, name) for name in Entry.__slots__} | {"nth": nth})


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 10 else ""


def _texts(part: _Node) -> Iterator[str]:
    """Give everything of a payment in which a payer may have written a reference."""
    lines = [" ".join(each.text.split()) for each in part.all("RmtInf", "Ustrd")]
    yield from (
        *(" ".join(each.text.split()) for each in part.all("RmtInf", "Strd", "CdtrRefInf", "Ref")),
        *(" ".join(each.text.split()) for each in part.all("RmtInf", "Strd", "AddtlRmtInf")),
        *lines,
        *([text] if (text := named(part.words("Refs", "EndToEndId"))) else []),
        *([text] if (text := part.words("AddtlTxInf")) else []),
    )


def _payer(part: _Node, *, credit: bool) -> str | None:
    who = "Dbtr" if credit else "Cdtr"
    name = part.words("RltdPties", who, "Nm") or part.words("RltdPties", who, "Pty", "Nm")
    return name[:140] or None


def _payer_account(part: _Node, *, credit: bool) -> str | None:
    who = "DbtrAcct" if credit else "CdtrAcct"
    number = part.words("RltdPties", who, "Id", "IBAN") or part.words("RltdPties", who, "Id", "Othr", "Id")
    return number_of(number)[-4:] or None

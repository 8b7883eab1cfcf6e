"""One box for all: who is meant by a name, a reference, a number, a phone or an e-mail address, as somebody says it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, bindparam, select, union_all

from portal.bulk import Among
from portal.care.models import CareRequest
from portal.db import read, table_of
from portal.debts.models import Debt, keys_near, keys_of
from portal.lenders.models import LenderCard
from portal.letters.models import IssuedLetter, LetterByHand
from portal.payments.models import Payment
from portal.people import found_by, names
from portal.people.models import ContactChange, ContactPoint, Debtor
from portal.plans.models import Plan, Quote
from portal.post import phones
from portal.web.numbers import number_in

MOST = 20
LONGEST = 120
_FEWEST_DIGITS = 7
_FEWEST_OF_NUMBER = 3
# Of those who are found some may be of a file that is still being read.
_MAY_BE_STAGED = 5
_SIGNS_OF_NUMBERS = frozenset("+-().·/ \u00a0\u2010\u2011\u2013")
_DEBT, _DEBTOR, _CONTACT = table_of(Debt).c, table_of(Debtor).c, table_of(ContactPoint).c


class By(StrEnum):
    """What somebody was found by; what was typed itself is kept nowhere."""

    REFERENCE = "reference"
    NUMBER = "number"
    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"
    # Perhaps: none has the reference, and some have one that differs by a slip.
    NEARLY = "nearly"


class Refused(StrEnum):
    """Why a search is not made."""

    NOTHING = "nothing"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was found; `near`: the name only resembles what was typed."""

    id: uuid.UUID
    name: str
    near: bool
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who was found and by what, at most twenty; whether there are more."""

    people: tuple[Person, ...]
    more: bool
    by: By


def _by_number() -> Select[Any]:
    """Give a select of the debtor of whatever has a number that we gave it."""
    parts = []
    for model, column in (
        (Plan, "reference"),
        (Quote, "number"),
        (Payment, "reference"),
        (CareRequest, "number"),
        (ContactChange, "number"),
        (IssuedLetter, "number"),
        (LetterByHand, "number"),
    ):
        table = table_of(model).c
        parts.append(
            select(table.debtor_id).where(
                table.lender_id == bindparam("lender_id"),
                table[column] == bindparam("number"),
                table.debtor_id.is_not(None),
            )
        )
    return select(union_all(*parts).subquery().c.debtor_id)


_BY_NUMBER = _by_number()
_BY_REFERENCE = select(_DEBT.debtor_id).where(
    _DEBT.lender_id == bindparam("lender_id"), _DEBT.reference_key == bindparam("key"), _DEBT.state != "staged"
)
# How many keys are looked up at once, and how many people a slip may show: of references that follow each other each
# has many that are like it.
_AT_ONCE, _MOST_NEAR = 500, 5
_NEAR_REFERENCE = select(_DEBT.debtor_id, _DEBT.reference_key).where(
    _DEBT.lender_id == bindparam("lender_id"), Among(_DEBT.reference_key, "keys", of="text"), _DEBT.state != "staged"
)
# Whoever has only debts of a file that is still being read is nobody yet.
_CARDS = (
    select(_DEBTOR.id, _DEBTOR.name, _DEBT.reference)
    .join_from(
        table_of(Debtor), table_of(Debt), (_DEBT.lender_id == _DEBTOR.lender_id) & (_DEBT.debtor_id == _DEBTOR.id)
    )
    .where(_DEBTOR.lender_id == bindparam("lender_id"), Among(_DEBTOR.id, "ids"), _DEBT.state != "staged")
    .order_by(_DEBT.reference)
)
_ADDRESSES = select(_CONTACT.debtor_id, _CONTACT.channel, _CONTACT.address).where(
    _CONTACT.lender_id == bindparam("lender_id"), Among(_CONTACT.debtor_id, "ids")
)


def find(typed: str, *, lender: LenderCard, alike: bool = False) -> Answer | Refused:
    """Find people of a lender by what somebody typed; `alike`: also names like it where there is the name itself."""
    text = " ".join(typed.split())
    if not text:
        return Refused.NOTHING
    if len(text) > LONGEST:
        return Refused.TOO_LONG
    for by, ids in _exactly(text, lender=lender):
        if ids and (people := _cards(ids, lender_id=lender.id)):
            return Answer(people[:MOST], len(people) > MOST, by)
    near, more = _nearly(text, lender=lender)
    if near and (people := _cards(near, lender_id=lender.id, near=set(near))):
        return Answer(people, more, By.NEARLY)
    if not names.asked(text).terms:
        # What has the length of a number is one that nobody here has.
        is_number = sum(sign.isalnum() for sign in text) >= _FEWEST_OF_NUMBER
        return Answer((), False, By.NUMBER) if is_number else Refused.TOO_SHORT
    found = found_by.people_named(text, lender_id=lender.id, most=MOST + _MAY_BE_STAGED, alike=alike)
    slips = {named.id: named.slips for named in found.people}
    people = _cards(slips, lender_id=lender.id, near={id_ for id_, count in slips.items() if count})
    return Answer(people[:MOST], found.more or len(people) > MOST, By.NAME)


def _exactly(text: str, *, lender: LenderCard) -> Iterable[tuple[By, list[uuid.UUID]]]:
    """Give whom a text names by something that isn't a name, kind by kind, in the order in which it is likely."""
    if "@" in text:
        yield By.EMAIL, _at("email", text, lender=lender)
        return
    for key in keys_of(text):
        yield By.REFERENCE, [row.debtor_id for row in read(_BY_REFERENCE, {"lender_id": lender.id, "key": key})]
    rows = read(_BY_NUMBER, {"lender_id": lender.id, "number": number_in(text)})
    yield By.NUMBER, [row.debtor_id for row in rows]
    digits = sum(sign.isdigit() for sign in text)
    if digits >= _FEWEST_DIGITS and all(sign.isdigit() or sign in _SIGNS_OF_NUMBERS for sign in text):
        yield By.PHONE, _at("sms", text, lender=lender)


def _nearly(text: str, *, lender: LenderCard) -> tuple[list[uuid.UUID], bool]:
    """Give whose reference differs from a text by one slip, the likeliest slip first, and whether there are more."""
    keys = keys_near(text)
    whose: dict[str, uuid.UUID] = {}
    for start in range(0, len(keys), _AT_ONCE):
        rows = read(_NEAR_REFERENCE, {"lender_id": lender.id, "keys": list(keys[start : start + _AT_ONCE])})
        whose |= {row.reference_key: row.debtor_id for row in rows}
        if len(set(whose.values())) > _MOST_NEAR:
            break
    found = list(dict.fromkeys(whose[key] for key in keys if key in whose))
    return found[:_MOST_NEAR], len(found) > _MOST_NEAR


def _at(channel: str, address: str, *, lender: LenderCard) -> list[uuid.UUID]:
    """Give who may be reached there, whatever the form in which the number is written."""
    ids = found_by.at_address(channel, address, lender_id=lender.id)
    if not ids:
        return []
    wanted = _same(channel, address, lender=lender)
    rows = read(_ADDRESSES, {"lender_id": lender.id, "ids": list(ids)})
    return [
        row.debtor_id for row in rows if row.channel == channel and _same(channel, row.address, lender=lender) == wanted
    ]


def _same(channel: str, address: str, *, lender: LenderCard) -> str:
    if channel == "email":
        return address.casefold()
    digits = "".join(sign for sign in address if sign.isdigit() or sign == "+")
    return phones.international(digits, jurisdiction=lender.jurisdiction[:2]) or digits


def _cards(
    ids: Iterable[uuid.UUID], *, lender_id: uuid.UUID, near: frozenset[uuid.UUID] | set[uuid.UUID] = frozenset()
) -> tuple[Person, ...]:
    """Give people in the order of their ids here, each with the references of the debts."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return ()
    called: dict[uuid.UUID, str] = {}
    references: dict[uuid.UUID, list[str]] = {}
    for row in read(_CARDS, {"lender_id": lender_id, "ids": wanted}):
        called[row.id] = row.name
        references.setdefault(row.id, []).append(row.reference)
    return tuple(Person(id_, called[id_], id_ in near, tuple(references[id_])) for id_ in wanted if id_ in called)

"""What people are found by: the terms of their names, their numbers and addresses, in one table that is read by key.

The id of a row is made of what it says: 13 hexadecimal digits for what somebody is found by, then the 19 of the
debtor's id that say when it was made. So the primary key is the only index, and a search reads a page of it, however
many people there are. For a name each term stands with each other one, so that two common names together are as quick
to find as a rare one; a name of more terms stands there as a whole too.

Beside it stand the terms of all names of a lender, each under its spellings: see `names.spellings`. There are far fewer
terms than people. What is found is compared with the name itself, so a key that two terms share does no harm.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from sqlalchemy import Select, bindparam, delete, select, union_all

from portal.bulk import Among, Same, insert_columns
from portal.db import Model, read, session, table_of
from portal.people import names
from portal.people.models import ContactPoint, Debtor, FoundBy, NameSpelling

_FOUND, _SPELLING, _DEBTOR = table_of(FoundBy).c, table_of(NameSpelling).c, table_of(Debtor).c
# How many rows of one key are read where more has to fit than the key says.
LOOKED_AT = 400
# How many ways of writing one term are tried, how many of all together, and how many people are looked at for each.
_WRITINGS = 8
_TRIED = 16
_OF_EACH = 16
# Terms that are spelled alike when letters are left out; few but the shortest have more.
_ALIKE = 256
# The last digits of a number are the same in every form in which it is written.
_DIGITS = 7
_A_PAIR = 2
_SIZES = (1, 2, 4, 8, 16, 32)
_EMPTY = "f" * 32, "0" * 32


@lru_cache(maxsize=65_536)
def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _order(debtor: str) -> str:
    """Give the digits of an id (UUIDv7) that say when it was made, and count those of one instant."""
    return debtor[:12] + debtor[13:20]


def _pair(one: str, other: str) -> str:
    """Give the digits of two terms, or of one alone; those of the first begin with its own eight."""
    return _hash(one)[:8] + (_hash(other)[:5] if other else "00000")


def _whole(terms: Collection[str]) -> str:
    """Give the digits of all terms of a name together, in whatever order it is said."""
    return _hash("whole:" + " ".join(sorted(terms)))[:13]


def _keys(name: str, *, as_written: bool = False) -> list[str]:
    """Give the digits of all that a name is found by."""
    terms = names.terms(name, as_written=as_written)
    keys = [_pair(one, other) for one, other in names.pairs(terms)]
    return [*keys, _whole(terms)] if len(terms) > _A_PAIR else keys


def _address_key(channel: str, address: str) -> str | None:
    if channel == "email":
        return _hash(f"email:{address.casefold()}")[:13]
    digits = "".join(filter(str.isdigit, address))
    return _hash(f"phone:{digits[-_DIGITS:]}")[:13] if len(digits) >= _DIGITS else None


def add_names(
    people: Collection[tuple[str, str]], *, lender_id: uuid.UUID, known: set[str], unless_there: bool = False
) -> None:
    """Let new people, each a hexadecimal id with a name, be found by their names, in the running transaction.

    `known` are terms that were seen to be there before; what is written now is added to them.
    """
    rows: list[tuple[str, str]] = []
    seen: set[str] = set()
    for debtor, name in people:
        terms = names.terms(name)
        seen.update(terms)
        order = _order(debtor)
        rows += [(key + order, debtor) for key in _keys(name)]
    _put(rows, lender_id=lender_id, unless_there=unless_there)
    _add_terms({term for term in seen - known if names.slips(term)}, lender_id=lender_id)
    known |= seen


def add_addresses(contacts: Iterable[tuple[str, str, str]], *, lender_id: uuid.UUID, new: bool = False) -> None:
    """Let people be found by addresses, each a hexadecimal id of a debtor, a channel and an address.

    Of `new` people nobody has any yet, and they are written faster.
    """
    rows = {
        (key + _order(debtor), debtor)
        for debtor, channel, address in contacts
        if (key := _address_key(channel, address)) is not None
    }
    _put(rows, lender_id=lender_id, unless_there=not new)


def _put(rows: Collection[tuple[str, str]], *, lender_id: uuid.UUID, unless_there: bool) -> None:
    if not rows:
        return
    # In the order of the key, so that what lies together is written together.
    ids, debtors = zip(*sorted(rows), strict=True)
    columns: Mapping[str, Any] = {"lender_id": Same(lender_id.hex), "id": ids, "debtor_id": debtors}
    insert_columns(table_of(FoundBy), columns, unless_there=unless_there)


_THERE = select(_SPELLING.term).where(_SPELLING.lender_id == bindparam("lender_id"), Among(_SPELLING.id, "ids"))


def _spelling_id(spelling: str, term: str) -> str:
    return _hash(spelling) + _hash(term)


def _add_terms(new: Collection[str], *, lender_id: uuid.UUID) -> None:
    if not new:
        return
    ids = [_spelling_id(term[: names.SPELLED], term) for term in new]
    there = {row.term for row in read(_THERE, {"lender_id": lender_id, "ids": ids})}
    rows = sorted(
        (_spelling_id(spelling, term), term) for term in new if term not in there for spelling in names.spellings(term)
    )
    if rows:
        spellings, terms = zip(*rows, strict=True)
        columns: Mapping[str, Any] = {"lender_id": Same(lender_id.hex), "id": spellings, "term": terms}
        # Another import may bring the same names at the same time.
        insert_columns(table_of(NameSpelling), columns, unless_there=True)


def forget(
    people: Sequence[tuple[uuid.UUID, str]],
    addresses: Iterable[tuple[uuid.UUID, str, str]],
    *,
    lender_id: uuid.UUID,
) -> None:
    """Let people not be found any more, by their names or addresses, because they are about to be deleted."""
    # Who came before traditional signs were found by simplified ones is kept under what was written.
    ids = [
        uuid.UUID(key + _order(debtor_id.hex))
        for debtor_id, name in people
        for key in {*_keys(name), *_keys(name, as_written=True)}
    ]
    ids += [
        uuid.UUID(key + _order(debtor_id.hex))
        for debtor_id, channel, address in addresses
        if (key := _address_key(channel, address)) is not None
    ]
    _delete(FoundBy, ids, lender_id=lender_id)
    # Nor does anything stay of names that nobody has any more.
    gone = [
        term
        for term in {term for _id, name in people for term in names.terms(name)}
        if names.slips(term) and not _debtors([_hash(term)[:8]], lender_id=lender_id, most=1)
    ]
    spelled = [uuid.UUID(_spelling_id(spelling, term)) for term in gone for spelling in names.spellings(term)]
    _delete(NameSpelling, spelled, lender_id=lender_id)


def _delete(model: type[FoundBy] | type[NameSpelling], ids: Sequence[uuid.UUID], *, lender_id: uuid.UUID) -> None:
    for start in range(0, len(ids), LOOKED_AT):
        session.execute(
            delete(model).where(model.lender_id == lender_id, model.id.in_(ids[start : start + LOOKED_AT])),
            execution_options={"synchronize_session": False},
        )


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody who was found, and by how many slips the name differs from what was typed."""

    id: uuid.UUID
    name: str
    slips: int


@dataclass(frozen=True, slots=True)
class Found:
    """Who was found; whether there are more, so that typing more helps."""

    people: tuple[Named, ...]
    more: bool


@lru_cache(maxsize=32)
def _in_ranges(model: type[Model], column: str, count: int, most: int) -> Select[Any]:
    """Give a select of what stands in `column`, in so many ranges of ids, with at most so many rows of each."""
    table = table_of(model).c
    parts = [
        select(
            select(table[column])
            .where(
                table.lender_id == bindparam("lender_id"),
                table.id >= bindparam(f"low_{number}", type_=table.id.type),
                table.id <= bindparam(f"high_{number}", type_=table.id.type),
            )
            .order_by(table.id)
            .limit(most)
            .subquery()
        )
        for number in range(count)
    ]
    whole = (union_all(*parts) if count > 1 else parts[0]).subquery()
    return select(whole.c[0].label("said"))


def _read_ranges(model: type[Model], column: str, keys: Sequence[str], *, lender_id: uuid.UUID, most: int) -> list[Any]:
    """Give what stands in `column` of the rows whose ids begin with any of these digits."""
    rows: list[Any] = []
    for start in range(0, len(keys), _SIZES[-1]):
        some = keys[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(some))
        values: dict[str, object] = {"lender_id": lender_id}
        # Of the places that are left over each asks for an empty range.
        for number in range(size):
            low, high = (some[number].ljust(32, "0"), some[number].ljust(32, "f")) if number < len(some) else _EMPTY
            values[f"low_{number}"] = uuid.UUID(low)
            values[f"high_{number}"] = uuid.UUID(high)
        rows += read(_in_ranges(model, column, size, most), values)
    return rows


def _debtors(keys: Sequence[str], *, lender_id: uuid.UUID, most: int) -> list[uuid.UUID]:
    rows = _read_ranges(FoundBy, "debtor_id", keys, lender_id=lender_id, most=most)
    return [row.said for row in rows]


_PEOPLE = select(_DEBTOR.id, _DEBTOR.name).where(_DEBTOR.lender_id == bindparam("lender_id"), Among(_DEBTOR.id, "ids"))


def _names(ids: Iterable[uuid.UUID], *, lender_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    wanted = list(dict.fromkeys(ids))
    return [(row.id, row.name) for row in read(_PEOPLE, {"lender_id": lender_id, "ids": wanted})] if wanted else []


def at_address(channel: str, address: str, *, lender_id: uuid.UUID) -> tuple[uuid.UUID, ...]:
    """Give the debtors who may be reached at an address; compare it with theirs, since a key says too much."""
    key = _address_key(channel, address)
    return tuple(_debtors([key], lender_id=lender_id, most=_OF_EACH)) if key is not None else ()


def people_named(typed: str, *, lender_id: uuid.UUID, most: int, alike: bool = False) -> Found:
    """Find people by what somebody types of a name: who is called so; if nobody is, or with `alike`, also nearly so."""
    wanted = names.asked(typed)
    if not wanted.terms:
        return Found((), more=False)
    found, all_seen = _called(wanted, lender_id=lender_id, most=most)
    for slips in (1, 2):
        if len(found) > most or (found and not alike):
            break
        there = {named.id for named in found}
        nearly = _called_nearly(wanted.terms, lender_id=lender_id, slips=slips)
        found += _who_fits(wanted, (id_ for id_ in nearly if id_ not in there), lender_id=lender_id)
    found.sort(key=lambda named: (named.slips, names.fold(named.name), named.id))
    return Found(tuple(found[:most]), more=len(found) > most or not all_seen)


def _who_fits(wanted: names.Asked, ids: Iterable[uuid.UUID], *, lender_id: uuid.UUID) -> list[Named]:
    return [
        Named(id_, name, slips)
        for id_, name in _names(ids, lender_id=lender_id)
        if (slips := names.fits(wanted, name)) is not None
    ]


def _called(wanted: names.Asked, *, lender_id: uuid.UUID, most: int) -> tuple[list[Named], bool]:
    """Give who has these very terms in the name, and whether that is all of them.

    Is somebody called so as a whole, whoever has more names than these is not looked for.
    """
    terms, some = wanted.terms, most + 1
    if not wanted.initials and len(terms) != 1:
        key = _pair(*terms) if len(terms) == _A_PAIR else _whole(terms)
        ids = _debtors([key], lender_id=lender_id, most=some)
        found = _who_fits(wanted, ids, lender_id=lender_id)
        if found or len(terms) == _A_PAIR:
            return found, len(ids) < some
    # What a key of one term finds fits; of the rest more has to be looked at.
    if len(terms) == 1:
        looked_at = LOOKED_AT if wanted.initials else some
        ids = _debtors([_hash(terms[0])[:8]], lender_id=lender_id, most=looked_at)
        return _who_fits(wanted, ids, lender_id=lender_id), len(ids) < looked_at
    ids = []
    # Long terms are rare ones, mostly; the first pair of which there aren't too many tells of all.
    for one, other in combinations(sorted(terms, key=len, reverse=True)[:3], 2):
        ids = _debtors([_pair(one, other)], lender_id=lender_id, most=LOOKED_AT)
        if len(ids) < LOOKED_AT:
            return _who_fits(wanted, ids, lender_id=lender_id), True
    return _who_fits(wanted, ids, lender_id=lender_id), False


def _called_nearly(terms: Sequence[str], *, lender_id: uuid.UUID, slips: int) -> list[uuid.UUID]:
    """Give who has terms in the name that differ by so many slips at most; of three or more, one may be missing."""
    written = {term: _writings(term, lender_id=lender_id, slips=slips) for term in terms}
    if len(terms) == 1:
        keys = [_hash(term)[:8] for _slips, term in written[terms[0]]]
        return _debtors(keys, lender_id=lender_id, most=_OF_EACH)
    tried = sorted(
        (one_slips + other_slips, _pair(one_term, other_term))
        for one, other in combinations(terms, 2)
        for one_slips, one_term in written[one]
        for other_slips, other_term in written[other]
    )
    keys = [key for _slips, key in tried[: _TRIED * (len(terms) - 1)]]
    return _debtors(keys, lender_id=lender_id, most=_OF_EACH)


def _writings(term: str, *, lender_id: uuid.UUID, slips: int) -> list[tuple[int, str]]:
    """Give the terms of this lender's people that a term may stand for, with how many slips, the nearest first."""
    most = min(names.slips(term), slips)
    if not most:
        return [(0, term)]
    keys = [_hash(spelling) for spelling in names.spellings(term, most=most)]
    said = {row.said for row in _read_ranges(NameSpelling, "term", keys, lender_id=lender_id, most=_ALIKE)}
    near = [(names.distance(term, other, most=min(most, names.slips(other))), other) for other in said]
    good = [(count, other) for count, other in near if count <= min(most, names.slips(other))]
    # People seldom miss the first letter.
    good.sort(key=lambda one: (one[0], one[1][0] != term[0], one[1]))
    return good[:_WRITINGS]


def index_everybody(*, lender_id: uuid.UUID, after: uuid.UUID | None = None, at_once: int = 1_000) -> uuid.UUID | None:
    """Let the next so many people be found who came before there was anything to find them by.

    Gives the last of them, to go on after; None when nobody is left. Who can be found already stays so.
    """
    query = select(Debtor.id, Debtor.name).where(Debtor.lender_id == lender_id).order_by(Debtor.id).limit(at_once)
    people = session.execute(query if after is None else query.where(Debtor.id > after)).all()
    if not people:
        return None
    reached = session.execute(
        select(ContactPoint.debtor_id, ContactPoint.channel, ContactPoint.address).where(
            ContactPoint.lender_id == lender_id, ContactPoint.debtor_id.in_([row.id for row in people])
        )
    )
    add_names([(row.id.hex, row.name) for row in people], lender_id=lender_id, known=set(), unless_there=True)
    add_addresses(((row.debtor_id.hex, row.channel, row.address) for row in reached), lender_id=lender_id)
    last: uuid.UUID = people[-1].id
    return last

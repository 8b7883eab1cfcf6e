"""Build a lender's tree again from its records, and hold against it what is kept of it and what was signed.

Invariant: the tree is built by other means than the one that lets it grow; it only reads, in bounded memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, TextClause, Uuid, bindparam, text

from portal.db import session
from portal.evidence import merkle, notes
from portal.evidence.log import key_of

_A_TIME = 4_096

_HEAD = text("select size from log_head where lender_id = :lender")
_LEAVES = text("""
select l.seq, l.id, r.hash
from log_leaf l left join evidence_record r on r.lender_id = l.lender_id and r.id = l.id
where l.lender_id = :lender
order by l.seq
""")
_CHECKPOINTS = text("select size, root, note from log_checkpoint where lender_id = :lender order by size")
_TILE = text("select hashes from log_tile where lender_id = :lender and level = :level and number = :number")
_TILE_COUNT = text("select count(*) from log_tile where lender_id = :lender")


@dataclass(frozen=True, slots=True)
class Wrong:
    """What of a log is kept as one thing and counted as another."""

    what: str
    kept: str
    counted: str


class _Tiles:
    """The tiles as they come out when leaf after leaf is put in; each is held against the one that is kept."""

    def __init__(self, lender_id: uuid.UUID) -> None:
        self._lender_id = lender_id
        self._rows: list[list[bytes]] = []
        self._full: list[int] = []
        self.count = 0

    def put(self, leaf: bytes) -> Iterator[Wrong]:
        """Put a leaf in; gives what is wrong with the tiles that it fills."""
        hashed, level = leaf, 0
        while True:
            if level == len(self._rows):
                self._rows.append([])
                self._full.append(0)
            row = self._rows[level]
            row.append(hashed)
            if len(row) < merkle.WIDTH:
                return
            yield from self._compared(level)
            hashed, self._rows[level] = merkle.folded(row), []
            self._full[level] += 1
            level += 1

    def rest(self) -> Iterator[Wrong]:
        """Give what is wrong with the tiles that are not full."""
        for level, row in enumerate(self._rows):
            if row:
                yield from self._compared(level)

    def _compared(self, level: int) -> Iterator[Wrong]:
        self.count += 1
        number, counted = self._full[level], b"".join(self._rows[level])
        query = _TILE.bindparams(bindparam("lender", type_=Uuid))
        kept = session.scalar(query, {"lender": self._lender_id, "level": level, "number": number})
        if kept is None or bytes(kept) != counted:
            shown = "none" if kept is None else merkle.leaf_hash(bytes(kept)).hex()[:16]
            yield Wrong(f"hashes of tile {number} of level {level}", shown, merkle.leaf_hash(counted).hex()[:16])


def wrong(lender_id: uuid.UUID) -> Iterator[Wrong]:
    """Give what of a lender's log does not agree; nothing where there is no log yet."""
    given = {"lender": lender_id}

    def asked(query: TextClause) -> TextClause:
        return query.bindparams(bindparam("lender", type_=Uuid))

    size = session.scalar(asked(_HEAD), given)
    if size is None:
        return
    verifier = key_of(lender_id) or ""
    growing, tiles = merkle.Growing(), _Tiles(lender_id)
    leaves = asked(_LEAVES).columns(id=Uuid)
    bit_by_bit = {"yield_per": _A_TIME}
    with (
        session.execute(leaves, given, execution_options=bit_by_bit) as rows,
        session.execute(asked(_CHECKPOINTS), given, execution_options=bit_by_bit) as checkpoints,
    ):
        signed = next(checkpoints, None)
        for row in rows:
            if row.seq != growing.size:
                yield Wrong(f"place of record {row.id} in the log", str(row.seq), str(growing.size))
                return
            if row.hash is None:
                yield Wrong(f"record {row.id} at place {row.seq} of the log", "in the log", "no record")
                return
            leaf = bytes.fromhex(row.hash)
            growing.put((leaf,))
            yield from tiles.put(leaf)
            if signed is not None and signed.size == growing.size:
                yield from _as_signed(signed, growing.root(), verifier)
                signed = next(checkpoints, None)
        while signed is not None:
            yield Wrong(f"records in the log at checkpoint {signed.size}", str(signed.size), str(growing.size))
            signed = next(checkpoints, None)
    yield from tiles.rest()
    if growing.size != size:
        yield Wrong("records in the log", str(size), str(growing.size))
    kept = session.scalar(asked(_TILE_COUNT), given) or 0
    if kept != tiles.count:
        yield Wrong("tiles of the log", str(kept), str(tiles.count))


def _as_signed(row: Row[Any], root: bytes, verifier: str) -> Iterator[Wrong]:
    if row.root != root.hex():
        yield Wrong(f"root of the log at checkpoint {row.size}", row.root, root.hex())
        return
    try:
        said = notes.opened(row.note, verifier=verifier)
    except notes.NotSigned:
        yield Wrong(f"signature of checkpoint {row.size}", "signed", "not by the log's key")
        return
    if (said.size, said.root) != (row.size, root):
        yield Wrong(f"what checkpoint {row.size} says", f"{said.size} {said.root.hex()}", f"{row.size} {root.hex()}")

"""The log of a lender: records take their places in its tree, batch by batch, and each batch is signed.

Invariant: who acts only writes a record and waits for nobody. One sequencer at a time lets a lender's tree grow: it
holds the row of the head, and a record that is in the tree is never put there again.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, select

from portal import clock, queue
from portal.bulk import insert_columns, new_ids
from portal.db import insert_unless_there, session, table_of, transaction
from portal.evidence import merkle, notes
from portal.evidence.merkle import Place
from portal.evidence.models import EvidenceRecord, LogCheckpoint, LogHead, LogLeaf, LogStamp, LogTile
from portal.evidence.notes import Checkpoint

AT_ONCE = 4_096
_READ_AT_ONCE = 256
# Records come in the order of their commits, not of their ids: it is looked back as long as an act may take.
USUAL = timedelta(minutes=1)
THOROUGH = timedelta(days=2)
_MILLISECOND = timedelta(milliseconds=1)
# The work of asking somebody outside for a time stamp over the newest checkpoint, and how long it is before the next.
STAMP = "log.stamp"
BETWEEN_STAMPS = timedelta(days=1)
_LATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Proven:
    """What proves a record: its place in the log, how many there are, when that was signed, and the proof itself."""

    place: int
    size: int
    note: str
    text: str


def open_log(lender_id: uuid.UUID, *, origin: str) -> None:
    """Begin the log of a lender under a name, with a key of its own; in a transaction. One that is there stays."""
    secret, public = notes.new_key()
    session.execute(
        insert_unless_there(LogHead)
        .values(
            lender_id=lender_id, id=lender_id, origin=origin, size=0, signing_key=secret, public_key=public
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def place(lender_id: uuid.UUID, *, origin: str, back: timedelta = USUAL) -> int:
    """Put a lender's new records into its tree, in batches of one transaction each; gives how many.

    Where another sequencer is at work, it is left to that one. `back` is how far to look back for records that were
    committed late.
    """
    placed, after = 0, None
    while True:
        if not _anything(lender_id, after=after, back=back):
            return placed
        with transaction():
            done = _place_some(lender_id, origin=origin, after=after, back=back)
        if done is None or done[0] == 0:
            return placed
        placed += done[0]
        after = done[1]


def _anything(lender_id: uuid.UUID, *, after: uuid.UUID | None, back: timedelta) -> bool:
    reached = session.scalar(select(LogHead.reached).where(LogHead.lender_id == lender_id, LogHead.id == lender_id))
    found = session.execute(_waiting(lender_id, after or _from(reached, back), most=1)).first()
    session.rollback()
    return found is not None


def _place_some(
    lender_id: uuid.UUID, *, origin: str, after: uuid.UUID | None, back: timedelta
) -> tuple[int, uuid.UUID] | None:
    open_log(lender_id, origin=origin)
    head = session.scalar(
        select(LogHead).where(LogHead.lender_id == lender_id, LogHead.id == lender_id).with_for_update(skip_locked=True)
    )
    if head is None:
        return None
    rows = session.execute(_waiting(lender_id, after or _from(head.reached, back), most=AT_ONCE)).all()
    if not rows:
        return None
    hashes = [bytes.fromhex(row.hash) for row in rows]
    insert_columns(
        table_of(LogLeaf),
        {
            "lender_id": [lender_id.hex] * len(rows),
            "id": [row.id.hex for row in rows],
            "seq": list(range(head.size, head.size + len(rows))),
        },
    )
    tiles = Tiles(lender_id)
    tiles.put(merkle.grown(head.size, hashes, tiles.tile))
    head.size += len(rows)
    head.reached = max([row.id for row in rows] + ([head.reached] if head.reached else []))
    root = merkle.root(head.size, tiles.node)
    note = _signed(head, root)
    session.add(LogCheckpoint(lender_id=lender_id, size=head.size, root=root.hex(), signed_at=clock.now(), note=note))
    _stamp_later(lender_id)
    return len(rows), rows[-1].id


def _stamp_later(lender_id: uuid.UUID) -> None:
    """Let what is signed after the newest stamp be stamped a day after that one, in one piece of work."""
    last = newest_stamp(lender_id)
    size, due = (0, clock.now()) if last is None else (last.size, last.kept_at + BETWEEN_STAMPS)
    queue.later(STAMP, lender_id=lender_id, payload={}, once=f"{STAMP}:{lender_id}:{size}", at=due)


def _signed(head: LogHead, root: bytes) -> str:
    if head.signing_key is None:
        raise LookupError("the key of this log can't be opened with this SECRET_KEY")
    said = Checkpoint(head.origin, head.size, root)
    return notes.sign(said, signing_key=head.signing_key, public_key=head.public_key)


def _from(reached: uuid.UUID | None, back: timedelta) -> uuid.UUID:
    """Give the smallest id (UUIDv7) that a record of so long before another one can have."""
    if reached is None:
        return uuid.UUID(int=0)
    return uuid.UUID(int=max((reached.int >> 80) - back // _MILLISECOND, 0) << 80)


def _waiting(lender_id: uuid.UUID, after: uuid.UUID, *, most: int) -> Any:
    there = (
        select(LogLeaf.id)
        .where(LogLeaf.lender_id == EvidenceRecord.lender_id, LogLeaf.id == EvidenceRecord.id)
        .exists()
    )
    return (
        select(EvidenceRecord.id, EvidenceRecord.hash)
        .where(EvidenceRecord.lender_id == lender_id, EvidenceRecord.id > after, ~there)
        .order_by(EvidenceRecord.id)
        .limit(most)
    )


class Tiles:
    """The tiles of a lender's tree, each read once."""

    def __init__(self, lender_id: uuid.UUID) -> None:
        self._lender_id = lender_id
        self._read: dict[Place, bytes] = {}

    def tile(self, place: Place) -> bytes:
        """Give the hashes of a tile as far as they are there."""
        if place not in self._read:
            found = session.scalar(
                select(LogTile.hashes).where(
                    LogTile.lender_id == self._lender_id, LogTile.level == place.level, LogTile.number == place.index
                )
            )
            self._read[place] = found or b""
        return self._read[place]

    def node(self, level: int, index: int) -> bytes:
        """Give the hash of a complete subtree."""
        place, first, end = merkle.tile_of(level, index)
        size = merkle.SIZE_OF_HASH
        found = merkle.cut(self.tile(place)[first * size : end * size])
        if len(found) != end - first:
            raise LookupError(f"the log has lost hashes of level {place.level}, tile {place.index}")
        return merkle.folded(found)

    def put(self, changed: dict[Place, bytes]) -> None:
        """Keep tiles as they are now."""
        for (place, hashes), id_ in zip(changed.items(), new_ids(len(changed)), strict=True):
            put = insert_unless_there(LogTile).values(
                lender_id=self._lender_id, id=uuid.UUID(id_), level=place.level, number=place.index, hashes=hashes
            )
            session.execute(
                put.on_conflict_do_update(
                    index_elements=["lender_id", "level", "number"], set_={"hashes": put.excluded.hashes}
                )
            )
            self._read[place] = hashes


def newest(lender_id: uuid.UUID) -> LogCheckpoint | None:
    """Give the newest checkpoint of a lender's log."""
    size = select(LogHead.size).where(LogHead.lender_id == lender_id, LogHead.id == lender_id).scalar_subquery()
    return session.scalar(select(LogCheckpoint).where(LogCheckpoint.lender_id == lender_id, LogCheckpoint.size == size))


def newest_stamp(lender_id: uuid.UUID, *, most: int | None = None) -> LogStamp | None:
    """Give the newest time stamp over a checkpoint of a lender's log, of one of at most so many records."""
    stamps = select(LogStamp).where(LogStamp.lender_id == lender_id, LogStamp.size > 0)
    if most is not None:
        stamps = stamps.where(LogStamp.size <= most)
    return session.scalar(stamps.order_by(LogStamp.size.desc()).limit(1))


def stamp_is_late(lender_id: uuid.UUID) -> bool:
    """Say whether something was signed that should have its time stamp by now."""
    signed, last = newest(lender_id), newest_stamp(lender_id)
    if signed is None or (last is not None and last.size >= signed.size):
        return False
    if last is not None:
        return clock.now() > last.kept_at + BETWEEN_STAMPS + _LATE
    ours = select(LogCheckpoint.signed_at).where(LogCheckpoint.lender_id == lender_id, LogCheckpoint.size > 0)
    return clock.now() > session.scalars(ours.order_by(LogCheckpoint.size).limit(1)).one() + _LATE


def checkpoint_at(lender_id: uuid.UUID, size: int) -> LogCheckpoint | None:
    """Give what was signed of a lender's log when it had so many records."""
    return session.scalar(select(LogCheckpoint).where(LogCheckpoint.lender_id == lender_id, LogCheckpoint.size == size))


def key_of(lender_id: uuid.UUID) -> str | None:
    """Give the key by which anybody checks a lender's checkpoints; None while there are none."""
    head = session.get(LogHead, (lender_id, lender_id))
    return None if head is None else notes.verifier_key(head.origin, head.public_key)


def prove(lender_id: uuid.UUID, record_id: uuid.UUID) -> Proven | None:
    """Prove that a record is in the log as it was last signed; None if it has not taken its place yet."""
    seq = session.scalar(select(LogLeaf.seq).where(LogLeaf.lender_id == lender_id, LogLeaf.id == record_id))
    signed = newest(lender_id)
    if seq is None or signed is None or seq >= signed.size:
        return None
    hashes = merkle.inclusion(seq, signed.size, Tiles(lender_id).node)
    return Proven(seq, signed.size, signed.note, notes.proof(index=seq, hashes=hashes, note=signed.note))


@dataclass(frozen=True, slots=True)
class Placed:
    """A record with its place in the log as it was signed, and the hashes that lead from it to the root."""

    record: EvidenceRecord
    place: int
    hashes: tuple[str, ...]


def placed(lender_id: uuid.UUID, which: ColumnElement[bool], *, size: int, proven: bool = True) -> Iterator[Placed]:
    """Give the records of a condition that are in the log as it was signed at a size, in its order.

    `proven`: each with the hashes of its proof. They are read as they are asked for, of the tree what lies near.
    """
    # Those that lie near share most of their proofs.
    node = cache(Tiles(lender_id).node)
    query = (
        select(EvidenceRecord, LogLeaf.seq)
        .join(LogLeaf, (LogLeaf.lender_id == EvidenceRecord.lender_id) & (LogLeaf.id == EvidenceRecord.id))
        .where(EvidenceRecord.lender_id == lender_id, LogLeaf.seq < size, which)
        .order_by(LogLeaf.seq)
        .execution_options(yield_per=_READ_AT_ONCE)
    )
    for number, (record, seq) in enumerate(session.execute(query), 1):
        hashes = merkle.inclusion(seq, size, node) if proven else ()
        yield Placed(record, seq, tuple(base64.b64encode(each).decode() for each in hashes))
        session.expunge(record)
        if number % _READ_AT_ONCE == 0:
            node = cache(Tiles(lender_id).node)


def sign_lines(lender_id: uuid.UUID, lines: Sequence[str]) -> str:
    """Give lines signed with the key of a lender's log, as a note.

    :raises LookupError: if there is no log yet, or its key can't be opened.
    """
    head = session.get(LogHead, (lender_id, lender_id))
    if head is None or head.signing_key is None:
        raise LookupError("the key of this log can't be opened with this SECRET_KEY")
    return notes.sign_lines(lines, origin=head.origin, signing_key=head.signing_key, public_key=head.public_key)


def only_grew(lender_id: uuid.UUID, *, older: int, signed: LogCheckpoint | None = None) -> str | None:
    """Prove that the log as it is signed now, or was once, begins with what it was at an older size; None: it can't be.

    The text has the older size, a hash a line, and the checkpoint.
    """
    signed = signed or newest(lender_id)
    if signed is None or not 0 < older <= signed.size:
        return None
    hashes = merkle.consistency(older, signed.size, Tiles(lender_id).node)
    return notes.grew(older=older, hashes=hashes, note=signed.note)

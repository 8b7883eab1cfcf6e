"""The log of records: each takes one place, what is done to it later is found, and anybody can check a proof."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.orm import Session, scoped_session

import portal.db
from portal import sequencer, verify
from portal.db import transaction
from portal.evidence import log, merkle, notes
from portal.evidence.erasing import erase
from portal.evidence.models import EvidenceRecord, LogCheckpoint, LogHead, LogLeaf, LogTile
from portal.evidence.record import PORTAL, Act, record
from portal.lenders.models import Lender
from portal.verify import Kind
from tests.conftest import RealDatabase
from tests.factories import a_lender

BASE = "https://portal.example"


def acts(lender: Lender, count: int) -> None:
    with transaction():
        for number in range(count):
            record(Act.SIGNED_IN, by=PORTAL, lender_id=lender.id, facts={"number": number})


def place(lender: Lender, *, back: timedelta = log.USUAL) -> int:
    return log.place(lender.id, origin="portal.example/log/one", back=back)


def records(lender: Lender) -> list[EvidenceRecord]:
    found = portal.db.session.scalars(select(EvidenceRecord).where(EvidenceRecord.lender_id == lender.id))
    return sorted(found, key=lambda each: each.id)


def proven(lender: Lender, each: EvidenceRecord) -> bool:
    """Check a proof as an outsider does, with the key and nothing else of ours."""
    proof = log.prove(lender.id, each.id)
    assert proof is not None
    verifier = log.key_of(lender.id)
    assert verifier is not None
    head, _, note = proof.text.partition("\n\n")
    kind, index, *hashes = head.split("\n")
    assert kind == notes.PROOF
    said = notes.opened(note, verifier=verifier)
    leaf = merkle.leaf_hash(bytes.fromhex(each.salt) + each.entry.encode())
    lines = [notes.base64.b64decode(line) for line in hashes]
    return merkle.root_of_inclusion(leaf, int(index.split()[1]), said.size, lines) == said.root


def test_records_take_their_places_in_batches_and_each_can_be_proven(db: scoped_session[Session]) -> None:
    lender = a_lender()
    before = len(records(lender))
    assert place(lender) == before
    older = log.newest(lender.id)
    assert older is not None
    acts(lender, 300)
    assert place(lender) == 300
    assert place(lender) == 0
    assert all(proven(lender, each) for each in records(lender)[::37])
    assert verify.disagreements(lender.id) == ()
    grew = log.only_grew(lender.id, older=older.size)
    assert grew is not None
    newer = log.newest(lender.id)
    assert newer is not None
    head, _, note = grew.partition("\n\n")
    hashes = [notes.base64.b64decode(line) for line in head.split("\n")[2:]]
    assert note == newer.note
    roots = merkle.roots_of_consistency(older.size, newer.size, bytes.fromhex(older.root), hashes)
    assert [each.hex() for each in roots] == [older.root, newer.root]


def test_what_has_not_taken_its_place_has_no_proof_yet(db: scoped_session[Session]) -> None:
    lender = a_lender()
    assert log.prove(lender.id, records(lender)[0].id) is None
    assert log.newest(lender.id) is None
    assert log.key_of(lender.id) is None
    assert log.only_grew(lender.id, older=1) is None
    place(lender)
    assert log.prove(lender.id, uuid.uuid4()) is None
    assert log.only_grew(lender.id, older=10_000) is None


def test_a_record_that_is_committed_late_takes_its_place_when_it_is_looked_further_back(
    db: scoped_session[Session],
) -> None:
    lender = a_lender()
    acts(lender, 1)
    late = records(lender)[-1]
    place(lender)
    with transaction() as s:
        hour = timedelta(hours=1) // timedelta(milliseconds=1)
        values = {column.name: getattr(late, column.name) for column in EvidenceRecord.__table__.columns}
        s.add(EvidenceRecord(**values | {"id": uuid.UUID(int=late.id.int - (hour << 80)), "hash": "ab" * 32}))
    assert place(lender) == 0
    assert place(lender, back=log.THOROUGH) == 1


def test_two_lenders_have_two_logs_with_two_keys(db: scoped_session[Session]) -> None:
    one, other = a_lender(), a_lender()
    assert sequencer.place_all(base_url=BASE) == len(records(one)) + len(records(other))
    keys = {log.key_of(one.id), log.key_of(other.id)}
    assert len(keys) == 2
    note = log.newest(one.id)
    assert note is not None
    assert note.note.startswith(f"portal.example/log/{one.slug}\n")
    with pytest.raises(notes.NotSigned):
        notes.opened(note.note, verifier=log.key_of(other.id) or "")


def test_a_log_that_can_not_grow_keeps_no_other_waiting(db: scoped_session[Session]) -> None:
    broken, sound = a_lender(name="A broken one"), a_lender(name="B sound one")
    sequencer.place_all(base_url=BASE)
    with transaction() as s:
        s.get_one(LogHead, (broken.id, broken.id)).signing_key = None
    acts(broken, 1)
    acts(sound, 1)
    assert sequencer.place_all(base_url=BASE) == 1
    assert log.prove(sound.id, records(sound)[-1].id) is not None
    assert log.prove(broken.id, records(broken)[-1].id) is None
    assert verify.disagreements() == ()


AT = 260


def _change(statement: str) -> Callable[[Lender], None]:
    def do(lender: Lender) -> None:
        with transaction() as s:
            query = text(statement).bindparams(bindparam("lender", type_=Uuid))
            s.execute(query, {"lender": lender.id} | ({"at": AT} if ":at" in statement else {}))

    return do


def _rewrite(lender: Lender) -> None:
    """Write another record and give it the hash that fits, as somebody does who knows how it is made."""
    with transaction() as s:
        leaf = s.scalars(select(LogLeaf).where(LogLeaf.lender_id == lender.id, LogLeaf.seq == AT)).one()
        row = s.get_one(EvidenceRecord, (lender.id, leaf.id))
        row.entry = row.entry.replace('"number":', '"numbers":')
        row.hash = merkle.leaf_hash(bytes.fromhex(row.salt) + row.entry.encode()).hex()


OF_RECORD = "where lender_id = :lender and id = (select id from log_leaf where lender_id = :lender and seq = :at)"
OF_SIGNED = "where lender_id = :lender and size > :at"
TAMPERING = {
    "a record's text": _change(f"update evidence_record set entry = replace(entry, 'signed', 'swam') {OF_RECORD}"),
    "a record's text and its hash": _rewrite,
    "one put elsewhere": _change("update log_leaf set seq = 99999 where lender_id = :lender and seq = :at"),
    "the newest ones forgotten": _change("delete from log_leaf where lender_id = :lender and seq >= :at"),
    "one forgotten": _change("delete from log_leaf where lender_id = :lender and seq = :at"),
    "hashes of the tree": _change("update log_tile set level = 5 where lender_id = :lender and level = 1"),
    "a root": _change(f"update log_checkpoint set root = '{'cd' * 32}' {OF_SIGNED}"),
    "a signed text": _change(f"update log_checkpoint set note = replace(note, '/log/', '/lug/') {OF_SIGNED}"),
    "the head": _change("update log_head set size = :at where lender_id = :lender"),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_whatever_is_changed_in_it_afterwards_is_found(db: scoped_session[Session], what: str) -> None:
    lender = a_lender()
    acts(lender, 300)
    place(lender)
    assert verify.disagreements(lender.id) == ()
    TAMPERING[what](lender)
    found = {each.kind for each in verify.disagreements(lender.id)}
    assert found
    assert found <= {Kind.LOG, Kind.EVIDENCE}


def test_two_sequencers_and_people_who_act_meanwhile(real_database: RealDatabase) -> None:
    lender = a_lender()
    placed: list[int] = []
    done = threading.Event()

    def sequence() -> None:
        while not done.is_set():
            placed.append(place(lender))
        placed.append(place(lender, back=log.THOROUGH))
        portal.db.session.remove()

    def act() -> None:
        for _ in range(40):
            acts(lender, 2)
        portal.db.session.remove()

    sequencers, people = [[threading.Thread(target=each) for _ in range(2)] for each in (sequence, act)]
    for each in sequencers + people:
        each.start()
    for each in people:
        each.join()
    done.set()
    for each in sequencers:
        each.join()
    count = len(records(lender))
    assert sum(placed) == count
    seqs = portal.db.session.scalars(select(LogLeaf.seq).where(LogLeaf.lender_id == lender.id)).all()
    assert sorted(seqs) == list(range(count))
    assert verify.disagreements(lender.id) == ()
    sizes = portal.db.session.scalars(select(LogCheckpoint.size).where(LogCheckpoint.lender_id == lender.id)).all()
    assert max(sizes) == count == portal.db.session.scalar(select(LogHead.size))
    assert portal.db.session.scalar(select(func.count()).select_from(LogTile)) == 1


def test_what_was_erased_says_nothing_and_the_tree_stays_as_it_was_signed(db: scoped_session[Session]) -> None:
    lender = a_lender()
    person = uuid.uuid4()
    with transaction():
        for _ in range(3):
            record(Act.SIGNED_IN, by=PORTAL, lender_id=lender.id, debtor_id=person, facts={"said": "something"})
    acts(lender, 20)
    place(lender)
    before = log.newest(lender.id)
    assert before is not None
    size, root = before.size, before.root
    theirs = [each.id for each in records(lender) if each.debtor_id == person]
    with transaction():
        assert erase(theirs, why="asked for", by=PORTAL, lender_id=lender.id) == 3
        assert erase(theirs, why="asked for", by=PORTAL, lender_id=lender.id) == 0
    place(lender)
    gone = [each for each in records(lender) if each.id in theirs]
    assert all((each.entry, each.salt, each.debtor_id, each.actor_id) == ("", "", None, "") for each in gone)
    assert all(proven(lender, each) for each in records(lender) if each.id not in theirs)
    checked = verify.run(lender_id=lender.id)
    assert checked.disagreements == ()
    assert any(line.startswith(f"erased: {lender.slug}: 3 records") for line in checked.lines())
    # Their places are still proven, by their hashes alone.
    proof = log.prove(lender.id, theirs[0])
    assert proof is not None
    lines = [notes.base64.b64decode(line) for line in proof.text.partition("\n\n")[0].split("\n")[2:]]
    newer = log.newest(lender.id)
    assert newer is not None
    leaf = bytes.fromhex(gone[0].hash)
    assert merkle.root_of_inclusion(leaf, proof.place, newer.size, lines).hex() == newer.root
    assert merkle.root(size, log.Tiles(lender.id).node).hex() == root


def test_what_nobody_says_was_erased_was_taken_away(db: scoped_session[Session]) -> None:
    lender = a_lender()
    acts(lender, 5)
    place(lender)
    away = records(lender)[-1]
    with transaction() as s:
        s.get_one(EvidenceRecord, (lender.id, away.id)).entry = ""
        s.get_one(EvidenceRecord, (lender.id, away.id)).salt = ""
    (found,) = verify.disagreements(lender.id)
    assert (found.kind, found.counted) == (Kind.EVIDENCE, "no record says so")


MANY = 100_000
DONE_TO_MANY: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "changed": lambda leaves: [*leaves[:70_000], b"\0" * 32, *leaves[70_001:]],
    "removed": lambda leaves: leaves[:70_000] + leaves[70_001:],
    "reordered": lambda leaves: [*leaves[:70_000], leaves[70_001], leaves[70_000], *leaves[70_002:]],
    "truncated": lambda leaves: leaves[:-1],
    "removed, and one put behind": lambda leaves: [*leaves[:70_000], *leaves[70_001:], b"\0" * 32],
}


def test_one_of_a_hundred_thousand_entries_can_not_be_touched() -> None:
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(MANY)]

    def root_of(these: list[bytes]) -> bytes:
        growing = merkle.Growing()
        growing.put(these)
        return growing.root()

    secret, public = notes.new_key()
    verifier = notes.verifier_key("portal.example/log/many", public)
    said = notes.Checkpoint("portal.example/log/many", MANY, root_of(leaves))
    signed = notes.opened(notes.sign(said, signing_key=secret, public_key=public), verifier=verifier)
    for what, do in DONE_TO_MANY.items():
        # Whoever touches it lets it grow again, for it would be too short.
        other = [*do(leaves), *leaves[:9]][:MANY]
        assert root_of(other) != signed.root, what
    assert root_of([*leaves, *leaves[:9]][:MANY]) == signed.root

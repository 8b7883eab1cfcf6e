"""The signed log at some sizes: placing records, its root, one proof, one proof of growth, building it all again."""

from __future__ import annotations

import gc
import random
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
from sqlalchemy import select

from benchmarks import portfolio
from benchmarks.databases import Databases
from benchmarks.machine import SECRET_KEY
from portal import db
from portal.db import session, transaction
from portal.evidence import audit, log, merkle
from portal.evidence.models import LogLeaf
from portal.evidence.record import PORTAL, Act, Happened, record_many
from portal.lenders import settings as lenders
from portal.planner import count_anew
from portal.verify import run as verify

_AT_ONCE = 5_000
_PROOFS = 200


@dataclass(frozen=True, slots=True)
class Logged:
    """What a log of so many records takes, in seconds; `writing` and `placing` are of all of them together.

    `memory`: so many bytes more than before were held while the log was built again, at most.
    """

    records: int
    writing: float
    placing: float
    root: float
    proof: float
    growth: float
    audit: float
    bytes_of_proof: int
    memory: int


def measure(databases: Databases, *, kind: str, records: int) -> Logged:
    """Write so many records, let them take their places, and ask for everything that a log is asked for."""
    url = databases.empty(kind)
    portfolio.add_lender(url)
    db.Sealed.use(SECRET_KEY)
    db.connect(url)
    lender = lenders.by_slug(portfolio.SLUG)
    before = log.place(lender.id, origin="bench.example/log/bench", back=log.THOROUGH)
    happened = [
        Happened(Act.SIGNED_IN, uuid.uuid4().hex, uuid.uuid4().hex, {"number": number}) for number in range(_AT_ONCE)
    ]

    def write() -> None:
        for _ in range(records // _AT_ONCE):
            with transaction():
                record_many(happened, by=PORTAL, lender_id=lender.id)

    writing = _took(write)
    placing = _took(lambda: log.place(lender.id, origin="bench.example/log/bench", back=log.THOROUGH))
    with transaction():
        count_anew(LogLeaf)
    dice = random.Random(3)  # noqa: S311 - the same places each time
    ids = []
    for _ in range(_PROOFS):
        seq = dice.randrange(before + records)
        ids.append(session.scalars(select(LogLeaf.id).where(LogLeaf.lender_id == lender.id, LogLeaf.seq == seq)).one())
    session.rollback()
    size = before + records
    proof = statistics.median(_took(lambda id_=id_: log.prove(lender.id, id_)) for id_ in ids)  # type: ignore[misc]
    growth = statistics.median(_took(lambda: log.only_grew(lender.id, older=dice.randrange(1, size))) for _ in ids)
    root = statistics.median(_took(lambda: merkle.root(size, log.Tiles(lender.id).node)) for _ in range(20))
    with _memory() as held:
        auditing = _took(lambda: list(audit.wrong(lender.id)))
    given = log.prove(lender.id, ids[0])
    if given is None or verify(lender_id=lender.id).disagreements:
        raise AssertionError("the log does not agree")
    session.remove()
    databases.drop(url)
    return Logged(records, writing, placing, root, proof, growth, auditing, len(given.text), held())


@contextmanager
def _memory() -> Iterator[Callable[[], int]]:
    """Look every 20 ms how much memory this process holds; gives by how much it grew at most."""
    gc.collect()
    process, done = psutil.Process(), threading.Event()
    seen = [process.memory_info().rss]

    def look() -> None:
        while not done.wait(0.02):
            seen.append(process.memory_info().rss)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield lambda: max(seen) - seen[0]
    finally:
        done.set()
        looking.join()


def _took(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    took = time.perf_counter() - began
    session.rollback()
    return took

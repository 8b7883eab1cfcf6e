"""One letter, warm: drawn by us, sealed and stamped, against WeasyPrint alone on the same HTML with nothing reused."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import weasyprint
from sqlalchemy import func, select
from weasyprint.text.fonts import FontConfiguration

from benchmarks.databases import Databases
from benchmarks.machine import environment as own_environment
from benchmarks.machine import measured
from portal import clock, queue
from portal.app import create_app
from portal.batches import acts
from portal.batches.models import LetterBatch, LetterBatchItem
from portal.db import new_id, session, transaction
from portal.evidence.record import OPERATOR
from portal.letters import certificates, drawing, pdf, sealing, seals
from portal.staff import members
from portal.staff.roles import Role
from tests.factories import a_debt, a_lender
from tests.letters.examples import environment, every_letter
from tests.sandbox_process import SandboxProcess

LETTERS = ("receipt.en", "plan.en", "receipt.zh_Hans", "plan.zh_Hans")


@dataclass(frozen=True, slots=True)
class Compared:
    """How long one letter takes in each way, in seconds, and how many bytes it has."""

    name: str
    alone: float
    drawn: float
    sealed: float
    stamped: float
    drawn_bytes: int
    stamped_bytes: int


def compare(*, rounds: int) -> Iterator[Compared]:
    """Measure each letter, its ways in turns; medians of rounds."""
    pair = certificates.made_for("A lender", now=datetime.now(UTC))
    with SandboxProcess().start(delivery="normal") as stand_in:
        for name in LETTERS:
            yield _one(name, pair, f"{stand_in.url}/tsa", rounds=rounds)


def _one(name: str, pair: certificates.SealPair, authority: str, *, rounds: int) -> Compared:
    letter = replace(every_letter()[name], sealed=True)
    words = environment(letter.language)

    def sheet() -> drawing.Sheet:
        return pdf._sheet(template=letter.template, letter=letter, environment=words, language=letter.language)

    html = sheet().html
    plain = drawing.draw(sheet()).pdf
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: _alone(html),
        lambda: drawing.draw(sheet()).pdf,
        lambda: sealing.seal(plain, key=pair.key, chain=pair.chain, authority=None),
        lambda: sealing.seal(plain, key=pair.key, chain=pair.chain, authority=authority),
    )
    last = [way() for way in ways]
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for seconds, way in zip(taken, ways, strict=True):
            start = time.perf_counter()
            way()
            seconds.append(time.perf_counter() - start)
    alone, drawn, sealed, stamped = (statistics.median(seconds) for seconds in taken)
    return Compared(name, alone, drawn, drawn + sealed, drawn + stamped, len(plain), len(last[-1]))


def _alone(html: str) -> bytes:
    """What WeasyPrint's own documentation says, without data attached and with no check of glyphs."""
    fonts = FontConfiguration()
    style = weasyprint.CSS(filename=str(drawing.STYLESHEET), font_config=fonts)
    done: bytes = weasyprint.HTML(string=html).write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/a-3a")
    return done


@dataclass(frozen=True, slots=True)
class Batch:
    """Letters of a batch in a second, sealed, by the number of processes; from the first letter to the last."""

    kind: str
    letters: int
    by_processes: dict[int, float]


def batch(databases: Databases, *, kind: str, folder: Path, letters: int) -> Batch:
    """Let workers make one batch with one process, and another one with two."""
    found = {}
    for processes in (1, 2):
        url = databases.empty(kind)
        words = (sys.executable, "-m", "benchmarks.lettering", str(letters), str(processes))
        said = measured(*words, env=own_environment(url=url, folder=folder)).said
        found[processes] = float(json.loads(said.splitlines()[-1]))
        databases.drop(url)
    return Batch(kind, letters, found)


def _made_by_workers(letters: int, processes: int) -> float:
    """Begin a batch, let `flask worker` make it, and give how many letters it made in a second once it was warm."""
    app = create_app()
    with app.app_context():
        lender = a_lender()
        for _ in range(letters):
            a_debt(lender=lender)
        with transaction():
            seals.set_seal(lender, certificates.made_for(lender.name, now=clock.now()), by=OPERATOR)
            invited = members.invite(
                lender_id=lender.id,
                email="bench@lender.example",
                name="Bench",
                roles=[Role.FINANCE],
                language="en",
                key=app.config["SECRET_KEY"],
                by=OPERATOR,
            )
            assert isinstance(invited, members.Invited)
            now = clock.now()
            who = {"asked_by": invited.member_id, "begun_by": invited.member_id}
            when = {"asked_at": now, "begun_at": now, "moved_at": now}
            asked = {"kind": "statement-of-account", "chosen": "open", "listed": [], "unknown": [], "counted": letters}
            made = LetterBatch(
                lender_id=lender.id, id=new_id(), number=1, state="preparing", form_key="b", **who, **when, **asked
            )
            session.add(made)
            queue.later(acts.PREPARE, lender_id=lender.id, payload={"batch_id": str(made.id)})
        session.remove()
        words = (sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--count", str(processes))
        with subprocess.Popen(words) as worker:
            state = select(LetterBatch.state)
            while session.scalar(state) != "done":
                session.remove()
                time.sleep(0.2)
            worker.terminate()
        # Each process has to read its fonts in first.
        first, last, count = session.execute(
            select(func.min(LetterBatchItem.done_at), func.max(LetterBatchItem.done_at), func.count())
        ).one()
        return (count - 1) / (last - first).total_seconds()  # type: ignore[no-any-return]


if __name__ == "__main__":
    print(json.dumps(_made_by_workers(int(sys.argv[1]), int(sys.argv[2]))))

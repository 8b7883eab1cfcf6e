"""One letter, warm: drawn by us, sealed and stamped, against WeasyPrint alone on the same HTML with nothing reused."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import weasyprint
from weasyprint.text.fonts import FontConfiguration

from portal.letters import certificates, drawing, pdf, sealing
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

"""A letter becomes a PDF that is PDF/A-3a and PDF/UA-1 at once, drawn in processes of their own.

The same letter, fonts and libraries give the same bytes, on any machine and in any process. Nothing in a letter can
fetch, link to or embed anything: text is escaped, and no addresses are followed but `data:` addresses.
"""

import atexit
import ctypes
import importlib
import multiprocessing
import multiprocessing.connection
import os
import tempfile
import threading
from base64 import b64encode
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import jinja2
import segno
from markupsafe import Markup

from portal.letters.contents import Letter
from portal.letters.sheet import Rendered, RenderTimeout, Sheet, SystemIncomplete

STATIC: Final = Path(__file__).resolve().parents[2] / "static"

FONTS: Final = STATIC / "fonts"

FONT_FILES: Final = (
    "latin-400.ttf",
    "latin-700.ttf",
    "chinese-400.ttf",
    "chinese-700.ttf",
    "chinese-rare-400.ttf",
    "traditional-400.ttf",
    "traditional-700.ttf",
)

# Shared library, and the package that holds it on Debian and Ubuntu.
LIBRARIES: Final = (
    ("libgobject-2.0.so.0", "libpangoft2-1.0-0"),
    ("libfontconfig.so.1", "libpangoft2-1.0-0"),
    ("libharfbuzz.so.0", "libpangoft2-1.0-0"),
    ("libpango-1.0.so.0", "libpango-1.0-0"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0-0"),
    # Without it WeasyPrint only warns, is up to 29 times slower, and the same letter has other bytes each second.
    ("libharfbuzz-subset.so.0", "libharfbuzz-subset0"),
)

DEFAULT_TIMEOUT: Final = 30.0
WORKERS: Final = min(2, os.cpu_count() or 1)


class RenderCrashed(Exception):
    """The process that was drawing died twice; nothing was issued."""


class UnsafeEnvironment(ValueError):
    """A Jinja environment that would print a debtor's name as markup."""


class WrongLanguage(ValueError):
    """A letter that would be written in another language than its own data says."""


def check_system(*, libraries: tuple[tuple[str, str], ...] = LIBRARIES, fonts: Path = FONTS) -> list[str]:
    """Return a plain sentence for each thing that letters need and this machine lacks; an empty list means ready."""
    missing = _missing(libraries, fonts)
    if not missing and (problem := _drawing().PROBLEM) is not None:
        missing.append(problem)
    return missing


def _missing(libraries: tuple[tuple[str, str], ...], fonts: Path) -> list[str]:
    missing = []
    for library, package in libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(f"Letters need the system library {library}: run `apt-get install {package}`.")
    for name in FONT_FILES:
        if not (fonts / name).is_file():
            missing.append(f"Letters need the font file {fonts / name}: restore it, or run tools/make_fonts.py.")
    return missing


def render(
    *,
    template: str,
    letter: Letter,
    environment: jinja2.Environment,
    language: str,
    beside: jinja2.Environment | None = None,
    logo: bytes | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Rendered:
    """Write a letter as PDF in a process of its own, at most `timeout` seconds after it was asked for.

    The environment has gettext in `language` and the filters `money`, `day`, `stamp` and `percent`; `beside` is the
    environment of the letter's second language, for a letter that has one, and `logo` the picture that it names. It may
    be called from any thread; the drawing processes are started when first needed and ended with this process.

    :raises SystemIncomplete: if a shared library or a font is missing.
    :raises MissingGlyph: if a character of the letter is in none of the fonts.
    :raises BrokenTemplate: if the template asks for something that may not be loaded.
    :raises RenderTimeout: if it takes longer.
    :raises RenderCrashed: if the drawing process died twice.
    :raises UnsafeEnvironment: if the environment does not escape text.
    :raises WrongLanguage: if `language` is not the letter's, or its second language has no environment.
    """
    _demand_system()
    sheet = _sheet(
        template=template, letter=letter, environment=environment, language=language, beside=beside, logo=logo
    )
    for _ in range(2):
        executor = POOL.executor()
        try:
            waiting: Future[Rendered] = executor.submit(_draw_within, sheet, timeout)
        except BrokenProcessPool:
            POOL.drop(executor)
            continue
        try:
            # The second is for the process to start and to say that its own time is up.
            return waiting.result(timeout=timeout + 1)
        except TimeoutError as late:
            waiting.cancel()
            raise RenderTimeout(timeout) from late
        except BrokenProcessPool:
            POOL.drop(executor)
    raise RenderCrashed


def render_here(
    *,
    template: str,
    letter: Letter,
    environment: jinja2.Environment,
    language: str,
    beside: jinja2.Environment | None = None,
    logo: bytes | None = None,
) -> Rendered:
    """Write a letter as PDF in this very process and thread, however long it takes; for commands and tests.

    :raises SystemIncomplete: and the others of `render`, except for the two about time and processes.
    """
    _demand_system()
    return _drawing().draw(
        _sheet(template=template, letter=letter, environment=environment, language=language, beside=beside, logo=logo)
    )


def write_html(
    *,
    template: str,
    letter: Letter,
    environment: jinja2.Environment,
    language: str,
    beside: jinja2.Environment | None = None,
    logo: bytes | None = None,
) -> str:
    """Return the HTML that a letter is drawn from: in its language, and behind that in its second one.

    :raises UnsafeEnvironment: if an environment does not escape text.
    :raises WrongLanguage: if `language` is not the letter's, or its second language has no environment.
    """
    if language != letter.language or (letter.beside is not None and beside is None):
        raise WrongLanguage(language, letter.language, letter.beside)
    again = ""
    if letter.beside is not None and beside is not None:
        again = _written(template, letter, beside, language=letter.beside, logo=logo, second=True)
    return _written(template, letter, environment, language=language, logo=logo, again=again)


def _written(
    template: str,
    letter: Letter,
    environment: jinja2.Environment,
    *,
    language: str,
    logo: bytes | None,
    again: str = "",
    second: bool = False,
) -> str:
    escapes = environment.autoescape
    if not (escapes(template) if callable(escapes) else escapes):
        raise UnsafeEnvironment(template)
    return environment.get_template(template).render(
        second=second,
        again=Markup(again),  # noqa: S704  written by a template that escapes
        letter=letter,
        details=letter.details,
        language_tag=_tag(language),
        issued_utc=_utc(letter.issued_at),
        gap="" if language.startswith("zh") else " ",  # What stands between two sentences.
        qr=None if second else _qr(letter),
        logo=f"data:image/png;base64,{b64encode(logo).decode()}" if logo else None,
    )


def close() -> None:
    """End the drawing processes; the next letter starts new ones."""
    POOL.close()


def _drawing() -> Any:
    """Read the drawing in, with WeasyPrint; where pages are made, only a process of its own does that."""
    return importlib.import_module("portal.letters.drawing")


def _draw_within(sheet: Sheet, seconds: float) -> Rendered:
    return cast(Rendered, _drawing().draw_within(sheet, seconds))


def _set_up_process(scratch: str) -> None:
    _drawing().set_up_process(scratch)


@cache
def _demand_system() -> None:
    if sentences := _missing(LIBRARIES, FONTS):
        raise SystemIncomplete(tuple(sentences))


def _sheet(
    *,
    template: str,
    letter: Letter,
    environment: jinja2.Environment,
    language: str,
    beside: jinja2.Environment | None = None,
    logo: bytes | None = None,
) -> Sheet:
    elsewhere = {"Art": letter.beside, "BlockQuote": getattr(letter.details, "told_in", None)}
    return Sheet(
        html=write_html(
            template=template, letter=letter, environment=environment, language=language, beside=beside, logo=logo
        ),
        data=letter.to_json(),
        file_name=f"{letter.number}.json",
        issued_at=letter.issued_at,
        languages={kind: _tag(name) for kind, name in elsewhere.items() if name is not None},
        logo=logo,
    )


def _tag(language: str) -> str:
    return language.replace("_", "-")


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _qr(letter: Letter) -> Markup | None:
    if letter.verify_url is None:
        return None
    code = segno.make(letter.verify_url, error="m", micro=False)
    # A figure without a title has no alternative text, and the letter would no longer be PDF/UA.
    drawing = code.svg_inline(title=f"QR: {letter.verify_url}", border=0, omitsize=True, svgclass="qr", lineclass=None)
    return Markup(drawing)  # noqa: S704  segno escapes the title, and the rest is its own.


class _Pool:
    """The drawing processes of this process: started at the first letter, replaced when one of them died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._owner = 0

    def executor(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None or self._owner != os.getpid():
                self._owner = os.getpid()
                self._scratch = tempfile.TemporaryDirectory(prefix="letters-", ignore_cleanup_errors=True)
                self._executor = ProcessPoolExecutor(
                    max_workers=WORKERS,
                    # A plain fork would copy the threads' locks of a web server in whatever state they are.
                    mp_context=multiprocessing.get_context("forkserver"),
                    initializer=_set_up_process,
                    initargs=(self._scratch.name,),
                )
            return self._executor

    def drop(self, executor: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._executor is not executor:
                return  # Somebody else saw the same death first.
            scratch, self._executor, self._scratch = self._scratch, None, None
        executor.shutdown(wait=False, cancel_futures=True)
        if scratch is not None:
            scratch.cleanup()

    def close(self) -> None:
        with self._lock:
            executor, self._executor = self._executor, None
            scratch, self._scratch = self._scratch, None
            if self._owner != os.getpid():
                return
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)
        if scratch is not None:
            scratch.cleanup()


POOL: Final = _Pool()
atexit.register(close)

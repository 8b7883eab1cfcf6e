"""The one door to WeasyPrint: a letter becomes a PDF that is PDF/A-3a and PDF/UA-1 at once.

The same letter, fonts and libraries give the same bytes, on any machine and in any process. Nothing in a letter can
fetch, link to or embed anything: text is escaped, and no addresses are followed but `data:` addresses.
"""

import atexit
import contextlib
import ctypes
import io
import json
import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Final

import jinja2
import segno
from markupsafe import Markup

from portal.letters.contents import Letter

try:
    # WeasyPrint prints and warns when a shared library is missing; check_system() says it in a sentence.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration
        from weasyprint.urls import FatalURLFetchingError, URLFetcher
except (ImportError, OSError) as problem:
    IMPORT_PROBLEM: str | None = str(problem).partition("\n")[0]
else:
    IMPORT_PROBLEM = None

STATIC: Final = Path(__file__).resolve().parents[2] / "static"
STYLESHEET: Final = STATIC / "css" / "letter.css"
FONTS: Final = STATIC / "fonts"
NO_SYSTEM_FONTS: Final = FONTS / "fonts.conf"
FONT_FILES: Final = ("latin-400.ttf", "latin-700.ttf", "chinese-400.ttf", "chinese-700.ttf", "chinese-rare-400.ttf")

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

LOGGER: Final = logging.getLogger("weasyprint")
NOTDEF: Final = re.compile(r"\.notdef glyph rendered .*\(U\+([0-9A-F]+)\)$", re.DOTALL)

# WeasyPrint writes the PDF/A mark into the metadata; this adds that the same file is PDF/UA-1, with the extension
# schema that PDF/A asks for. Its own option `xmp_metadata` appends after the end of the RDF and so fails validation.
PDF_UA_MARK: Final = (
    b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">'
    b"<pdfuaid:part>1</pdfuaid:part></rdf:Description>"
    b'<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
    b' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
    b' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    b'<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    b"<pdfaSchema:schema>PDF/UA Universal Accessibility Schema</pdfaSchema:schema>"
    b"<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>"
    b"<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>"
    b'<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">'
    b"<pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType>"
    b"<pdfaProperty:category>internal</pdfaProperty:category>"
    b"<pdfaProperty:description>Part of ISO 14289</pdfaProperty:description>"
    b"</rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)


class SystemIncomplete(Exception):
    """Something outside Python is missing; `sentences` say what and how to install it."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__(sentences)
        self.sentences = sentences


class MissingGlyph(Exception):
    """None of the letter fonts can draw `characters`; an empty box in a name must not go out."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        super().__init__(characters)
        self.characters = characters


class BrokenTemplate(Exception):
    """The letter asked for something that could not be loaded or understood; `messages` are WeasyPrint's."""

    def __init__(self, messages: tuple[str, ...]) -> None:
        super().__init__(messages)
        self.messages = messages


class RenderTimeout(Exception):
    """The letter was not ready within `seconds`; nothing was issued and it can be asked for again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class RenderCrashed(Exception):
    """The process that was drawing died twice; nothing was issued."""


class UnsafeEnvironment(ValueError):
    """A Jinja environment that would print a debtor's name as markup."""


class WrongLanguage(ValueError):
    """A letter that would be written in another language than its own data says."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished letter."""

    pdf: bytes
    pages: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a drawing process is given: finished HTML, and the data to attach."""

    html: str
    data: str
    file_name: str
    issued_at: datetime


def check_system(*, libraries: tuple[tuple[str, str], ...] = LIBRARIES, fonts: Path = FONTS) -> list[str]:
    """Return a plain sentence for each thing that letters need and this machine lacks; an empty list means ready."""
    missing = []
    for library, package in libraries:
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(f"Letters need the system library {library}: run `apt-get install {package}`.")
    for name in FONT_FILES:
        if not (fonts / name).is_file():
            missing.append(f"Letters need the font file {fonts / name}: restore it, or run tools/make_fonts.py.")
    if IMPORT_PROBLEM is not None and not missing:
        missing.append(f"WeasyPrint does not start ({IMPORT_PROBLEM}): run `pip install -r requirements.txt` again.")
    return missing


def render(
    *,
    template: str,
    letter: Letter,
    environment: jinja2.Environment,
    language: str,
    timeout: float = DEFAULT_TIMEOUT,
) -> Rendered:
    """Write a letter as PDF in a process of its own, at most `timeout` seconds after it was asked for.

    The environment has gettext in `language` and the filters `money`, `day`, `stamp` and `percent`. It may be called
    from any thread; the drawing processes are started when first needed and ended with this process.

    :raises SystemIncomplete: if a shared library or a font is missing.
    :raises MissingGlyph: if a character of the letter is in none of the fonts.
    :raises BrokenTemplate: if the template asks for something that may not be loaded.
    :raises RenderTimeout: if it takes longer.
    :raises RenderCrashed: if the drawing process died twice.
    :raises UnsafeEnvironment: if the environment does not escape text.
    :raises WrongLanguage: if `language` is not the letter's.
    """
    _demand_system()
    sheet = _sheet(template=template, letter=letter, environment=environment, language=language)
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


def render_here(*, template: str, letter: Letter, environment: jinja2.Environment, language: str) -> Rendered:
    """Write a letter as PDF in this very process and thread, however long it takes; for commands and tests.

    :raises SystemIncomplete: and the others of `render`, except for the two about time and processes.
    """
    _demand_system()
    return _draw(_sheet(template=template, letter=letter, environment=environment, language=language))


def write_html(*, template: str, letter: Letter, environment: jinja2.Environment, language: str) -> str:
    """Return the HTML that a letter is drawn from.

    :raises UnsafeEnvironment: if the environment does not escape text.
    :raises WrongLanguage: if `language` is not the letter's.
    """
    escapes = environment.autoescape
    if not (escapes(template) if callable(escapes) else escapes):
        raise UnsafeEnvironment(template)
    if language != letter.language:
        raise WrongLanguage(language, letter.language)
    return environment.get_template(template).render(
        letter=letter,
        details=letter.details,
        language_tag=language.replace("_", "-"),
        issued_utc=_utc(letter.issued_at),
        gap="" if language.startswith("zh") else " ",  # What stands between two sentences.
        qr=_qr(letter),
    )


def close() -> None:
    """End the drawing processes; the next letter starts new ones."""
    POOL.close()


@cache
def _demand_system() -> None:
    if sentences := check_system():
        raise SystemIncomplete(tuple(sentences))


def _sheet(*, template: str, letter: Letter, environment: jinja2.Environment, language: str) -> Sheet:
    html = write_html(template=template, letter=letter, environment=environment, language=language)
    return Sheet(html=html, data=letter.to_json(), file_name=f"{letter.number}.json", issued_at=letter.issued_at)


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _qr(letter: Letter) -> Markup | None:
    if letter.verify_url is None:
        return None
    code = segno.make(letter.verify_url, error="m", micro=False)
    # A figure without a title has no alternative text, and the letter would no longer be PDF/UA.
    drawing = code.svg_inline(title=f"QR: {letter.verify_url}", border=0, omitsize=True, svgclass="qr", lineclass=None)
    return Markup(drawing)  # noqa: S704  segno escapes the title, and the rest is its own.


# What follows runs in the drawing processes, or in the thread that called render_here.


class _Desk(threading.local):
    """What one thread draws with: sharing a FontConfiguration between threads corrupts memory."""

    def __init__(self) -> None:
        with _only_our_fonts():
            self.fonts: Any = FontConfiguration()
            self.style: Any = weasyprint.CSS(
                filename=str(STYLESHEET),
                font_config=self.fonts,
                url_fetcher=URLFetcher(allowed_protocols=("file",), allow_redirects=False, fail_on_errors=True),
            )


_FONTCONFIG = threading.Lock()


@contextlib.contextmanager
def _only_our_fonts() -> Iterator[None]:
    """Hide the fonts of this machine, so that a character we cannot draw is noticed and not drawn by chance."""
    with _FONTCONFIG:
        before = os.environ.get("FONTCONFIG_FILE")
        os.environ["FONTCONFIG_FILE"] = str(NO_SYSTEM_FONTS)
        try:
            yield
        finally:
            if before is None:
                del os.environ["FONTCONFIG_FILE"]
            else:
                os.environ["FONTCONFIG_FILE"] = before


@cache
def _desk() -> _Desk:
    return _Desk()


class _Complaints(logging.Handler):
    """Collects what WeasyPrint logs about the letter that this thread is drawing."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.thread_id = threading.get_ident()
        self.characters: dict[str, None] = {}
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self.thread_id:
            return
        message = record.getMessage()
        if found := NOTDEF.match(message):
            self.characters[chr(int(found[1], 16))] = None
        else:
            self.messages.append(message)


def _draw(sheet: Sheet) -> Rendered:
    desk = _desk()
    complaints = _Complaints()
    LOGGER.addHandler(complaints)
    try:
        options: dict[str, Any] = {
            "pdf_variant": "pdf/a-3a",
            "attachments": [
                weasyprint.Attachment(
                    string=sheet.data,
                    name=sheet.file_name,
                    description=json.dumps({"data of": sheet.file_name.removesuffix(".json")}),
                    created=sheet.issued_at.astimezone(UTC),
                    modified=sheet.issued_at.astimezone(UTC),
                    relationship="Data",
                )
            ],
        }
        page = weasyprint.HTML(
            string=sheet.html, url_fetcher=URLFetcher(allowed_protocols=("data",), allow_redirects=False)
        )
        document = page.render(font_config=desk.fonts, stylesheets=[desk.style], **options)
        with warnings.catch_warnings():
            # WeasyPrint leaves its colour profile open until the garbage collector finds it.
            warnings.simplefilter("ignore", ResourceWarning)
            pdf = document.write_pdf(finisher=_mark_as_pdf_ua, **options)
    except FatalURLFetchingError as fatal:  # A BaseException, so no `except Exception` further up would see it.
        raise BrokenTemplate((str(fatal),)) from fatal
    finally:
        LOGGER.removeHandler(complaints)
    if complaints.characters:
        raise MissingGlyph(tuple(complaints.characters))
    if complaints.messages:
        raise BrokenTemplate(tuple(complaints.messages))
    return Rendered(pdf=pdf, pages=len(document.pages))


def _mark_as_pdf_ua(_document: object, pdf: Any) -> None:
    for item in pdf.objects:
        if getattr(item, "extra", None) and item.extra.get("Type") == "/Metadata":
            whole = b"".join(part if isinstance(part, bytes) else part.encode() for part in item.stream)
            item.stream = [whole.replace(b"</rdf:RDF>", PDF_UA_MARK + b"</rdf:RDF>", 1)]


class _TimeIsUp(BaseException):
    """Raised by the alarm; not an Exception, so that nothing on the way swallows it."""


def _draw_within(sheet: Sheet, seconds: float) -> Rendered:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return _draw(sheet)
    except _TimeIsUp:
        raise RenderTimeout(seconds) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _alarm(_signal: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp


def _set_up_process(scratch: str) -> None:
    """Make a drawing process ready: fonts and style read once, time kept, and no life beyond its parent's."""
    tempfile.tempdir = scratch  # WeasyPrint copies the fonts there.
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its processes in order.
    threading.Thread(target=_follow_parent, args=(scratch,), daemon=True).start()
    _desk()


def _follow_parent(scratch: str) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(0)


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
atexit.register(_desk.cache_clear)  # While Python still works, so that the fonts copied for render_here are removed.

"""The one door to WeasyPrint: HTML becomes a PDF that is PDF/A-3a and PDF/UA-1 at once.

It is read in where a letter is drawn, and never where pages are made, for that takes half a second.
"""

import atexit
import contextlib
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
from collections.abc import Iterator, Mapping
from datetime import UTC
from functools import cache, partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

from portal.letters.sheet import BrokenTemplate, MissingGlyph, Rendered, RenderTimeout, Sheet, SystemIncomplete

try:
    # WeasyPrint prints and warns when a shared library is missing; check_system() says it in a sentence.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import weasyprint
        from weasyprint.text.fonts import FontConfiguration
        from weasyprint.urls import FatalURLFetchingError, URLFetcher

        from portal.letters.lean import make_lean
except (ImportError, OSError) as problem:
    PROBLEM: str | None = (
        f"WeasyPrint does not start ({str(problem).partition(chr(10))[0]}): "
        "run `pip install -r requirements.txt` again."
    )
else:
    PROBLEM = None

STATIC: Final = Path(__file__).resolve().parents[2] / "static"
STYLESHEET: Final = STATIC / "css" / "letter.css"
NO_SYSTEM_FONTS: Final = STATIC / "fonts" / "fonts.conf"
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


def draw(sheet: Sheet) -> Rendered:
    """Draw a letter, however long it takes.

    :raises SystemIncomplete: if WeasyPrint does not start.
    :raises MissingGlyph: if a character is in none of the fonts.
    :raises BrokenTemplate: if the letter asks for something that may not be loaded.
    """
    if PROBLEM is not None:
        raise SystemIncomplete((PROBLEM,))
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
            pdf = document.write_pdf(finisher=partial(_finish, languages=sheet.languages, logo=sheet.logo), **options)
    except FatalURLFetchingError as fatal:  # A BaseException, so no `except Exception` further up would see it.
        raise BrokenTemplate((str(fatal),)) from fatal
    finally:
        LOGGER.removeHandler(complaints)
    if complaints.characters:
        raise MissingGlyph(tuple(complaints.characters))
    if complaints.messages:
        raise BrokenTemplate(tuple(complaints.messages))
    return Rendered(pdf=pdf, pages=len(document.pages))


def _finish(_document: object, pdf: Any, *, languages: Mapping[str, str], logo: bytes | None) -> None:
    make_lean(pdf, languages=languages, logo=logo)
    for item in pdf.objects:
        if getattr(item, "extra", None) and item.extra.get("Type") == "/Metadata":
            whole = b"".join(part if isinstance(part, bytes) else part.encode() for part in item.stream)
            item.stream = [whole.replace(b"</rdf:RDF>", PDF_UA_MARK + b"</rdf:RDF>", 1)]


class _TimeIsUp(BaseException):
    """Raised by the alarm; not an Exception, so that nothing on the way swallows it."""


def draw_within(sheet: Sheet, seconds: float) -> Rendered:
    """Draw a letter in a drawing process.

    :raises SystemIncomplete: if WeasyPrint does not start; and MissingGlyph, BrokenTemplate and RenderTimeout.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return draw(sheet)
    except _TimeIsUp:
        raise RenderTimeout(seconds) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _alarm(_signal: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp


def set_up_process(scratch: str) -> None:
    """Make a drawing process ready: fonts and style read once, time kept, and no life beyond its parent's."""
    tempfile.tempdir = scratch  # WeasyPrint copies the fonts there.
    signal.signal(signal.SIGALRM, _alarm)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its processes in order.
    threading.Thread(target=_follow_parent, args=(scratch,), daemon=True).start()
    if PROBLEM is None:
        _desk()


def _follow_parent(scratch: str) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(0)


atexit.register(_desk.cache_clear)  # While Python still works, so that the fonts copied for one process are removed.

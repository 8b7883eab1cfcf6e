"""When something is first seen over slow 3G on a slow phone: our home page, and its content on two well-known kits.

The three pages say the same; they come from one bare server, page as gzip and files as brotli, into an empty cache.
Pico is its classless sheet, which needs no other markup than ours; GOV.UK Frontend comes as its guide says: sheet,
script and its fonts.
"""

from __future__ import annotations

import gzip
import re
import statistics
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import brotli
from playwright.sync_api import Browser, sync_playwright

from benchmarks.audit import KITS
from tests.browser.gallery import Gallery
from tests.browser.phone import open_browser
from tests.browser.views import View
from tests.debtor_pages import named

# Slow 3G as browsers' own tools have it.
NETWORK = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SLOWER = 4
SCREEN = View(390, "light", True, "en")
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
GOVUK = "govuk-frontend/dist/govuk"


@dataclass(frozen=True, slots=True)
class Painted:
    """Medians of one page: seconds until something is seen and until all is there; what came over the wire."""

    who: str
    first: float
    loaded: float
    requests: int
    bytes: int


def compare(gallery: Gallery, *, rounds: int) -> tuple[Painted, ...]:
    """Open each page some times, in turns."""
    with sync_playwright() as playwright:
        browser = open_browser(playwright)
        page, files = _ours(browser, gallery)
        sites = {
            "ours": (page, files),
            "Pico": _on_pico(page),
            "GOV.UK": _on_govuk(page),
        }
        turns: dict[str, list[Painted]] = {who: [] for who in sites}
        with _served(sites) as base:
            for _ in range(rounds):
                for who in sites:
                    turns[who].append(_opened(browser, f"{base}/{_slug(who)}/", who))
        browser.close()
    return tuple(
        Painted(
            who=who,
            first=statistics.median(each.first for each in found),
            loaded=statistics.median(each.loaded for each in found),
            requests=found[0].requests,
            bytes=round(statistics.median(each.bytes for each in found)),
        )
        for who, found in turns.items()
    )


def _slug(who: str) -> str:
    return who.lower().replace(".", "")


def _ours(browser: Browser, gallery: Gallery) -> tuple[str, dict[str, bytes]]:
    """Take the home page and its files as they are served."""
    files: dict[str, bytes] = {}
    context = browser.new_context(locale="en-US")
    shown = named("home, on a plan")
    context.add_cookies([{"name": "portal", "value": gallery.cookie(shown, language="en"), "url": gallery.portal.url}])
    html = context.request.get(gallery.address(shown)).text()
    for address in re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', html):
        files[address] = context.request.get(f"{gallery.portal.url}{address}").body()
    context.close()
    return html, files


def _bare(html: str) -> str:
    """Give the content of a page, pictures and icon included, without its own sheets and scripts."""
    return re.sub(r"<link rel=\"stylesheet\"[^>]*>|<script.*?</script>", "", html, flags=re.DOTALL)


def _on_pico(html: str) -> tuple[str, dict[str, bytes]]:
    sheet = (KITS / "@picocss" / "pico" / "css" / "pico.classless.min.css").read_bytes()
    page = re.sub(r' class="[^"]*"', "", _bare(html))
    return page.replace("</head>", '<link rel="stylesheet" href="/pico/pico.css"></head>'), {"/pico/pico.css": sheet}


def _on_govuk(html: str) -> tuple[str, dict[str, bytes]]:
    """Give the page as the kit wants it: its classes on the same elements, its sheet, its script, its fonts."""
    page = _bare(html)
    page = re.sub(r'class="button[^"]*"', 'class="govuk-button"', page)
    page = re.sub(r' class="(?!govuk-)[^"]*"', "", page)
    for tag, name in (
        ("h1", "govuk-heading-xl"),
        ("h2", "govuk-heading-l"),
        ("h3", "govuk-heading-m"),
        ("p", "govuk-body"),
        ("ul", "govuk-list"),
        ("main", "govuk-main-wrapper"),
        ("body", "govuk-template__body"),
    ):
        page = re.sub(rf"<{tag}(?=[ >])", f'<{tag} class="{name}"', page)
    page = re.sub(r"<a (?!class)", '<a class="govuk-link" ', page)
    page = page.replace("<html ", '<html class="govuk-template" ')
    head = '<link rel="stylesheet" href="/govuk/govuk.css"></head>'
    script = (
        '<script type="module" src="/govuk/govuk.js"></script>'
        '<script type="module" src="/govuk/start.js"></script></body>'
    )
    files = {
        # Where its guide puts fonts, seen from this page.
        "/govuk/govuk.css": (KITS / GOVUK / "govuk-frontend.min.css").read_bytes(),
        "/govuk/govuk.js": (KITS / GOVUK / "govuk-frontend.min.js").read_bytes(),
        "/govuk/start.js": b'import { initAll } from "/govuk/govuk.js"; initAll()',
    }
    for font in (KITS / GOVUK / "assets" / "fonts").glob("*.woff2"):
        files[f"/assets/fonts/{font.name}"] = font.read_bytes()
    return page.replace("</head>", head).replace("</body>", script), files


@contextmanager
def _served(sites: Mapping[str, tuple[str, dict[str, bytes]]]) -> Iterator[str]:
    """Serve all pages and files from memory, compressed beforehand."""
    ready: dict[str, tuple[str, str, bytes]] = {}
    for who, (page, files) in sites.items():
        ready[f"/{_slug(who)}/"] = ("text/html; charset=utf-8", "gzip", gzip.compress(page.encode(), 6))
        for address, content in files.items():
            kind = KINDS.get(Path(address).suffix, "application/octet-stream")
            packed = kind != "font/woff2"
            ready[address] = (kind, "br" if packed else "", brotli.compress(content) if packed else content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802 - the name that http.server asks for
            kind, encoding, body = ready.get(self.path, ("text/plain", "", b""))
            self.send_response(200 if self.path in ready else 404)
            self.send_header("Content-Type", kind)
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _opened(browser: Browser, address: str, who: str) -> Painted:
    """Open a page once, in a browser that has never been here."""
    context = browser.new_context(
        viewport={"width": SCREEN.width, "height": SCREEN.height}, is_mobile=True, device_scale_factor=2
    )
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    taken: list[float] = []
    cdp.on("Network.loadingFinished", lambda event: taken.append(event["encodedDataLength"]))
    cdp.send("Network.enable")
    cdp.send("Network.emulateNetworkConditions", NETWORK)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address, wait_until="load", timeout=120_000)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length", timeout=60_000)
    page.wait_for_load_state("networkidle")
    first, loaded = page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " performance.getEntriesByType('navigation')[0].loadEventEnd]"
    )
    context.close()
    return Painted(who=who, first=first / 1_000, loaded=loaded / 1_000, requests=len(taken), bytes=int(sum(taken)))

"""Weigh every page of the table as a phone does that has never been here: page and files, compressed, with headers."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from werkzeug.test import TestResponse

from tests.debtor_pages import PAGES, DebtorPage
from tests.guards.conftest import Served
from tests.guards.test_pages import open_page
from tests.scene import LANGUAGES

MOST_BYTES = 14 * 1024
# A form with a box for every key of the language of limits, for staff at a desk: cut into pages, nobody would see what
# belongs together. It has a budget of its own.
HEAVIER = {"staff, a card": 17 * 1024, "staff, a new card": 17 * 1024}
MOST_REQUESTS = 4
MOST_SCRIPT_BYTES = 4 * 1024
AS_A_BROWSER = {"Accept-Encoding": "gzip, deflate, br"}


class Files(HTMLParser):
    """The files that a page names and a browser fetches by itself."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        rel = set(given.get("rel", "").split())
        if tag == "link" and rel & {"stylesheet", "icon", "preload", "modulepreload", "manifest", "apple-touch-icon"}:
            self.found[given["href"]] = tag
        elif tag in {"script", "img", "iframe", "audio", "video", "source", "embed"} and given.get("src"):
            self.found[given["src"]] = tag
        elif tag == "use" and not given.get("href", "#").startswith("#"):
            self.found[given["href"].partition("#")[0]] = tag


@dataclass(frozen=True)
class Visit:
    """A first visit of one page: bytes by file, page first, each with its headers."""

    files: dict[str, int]
    script: int

    @property
    def weight(self) -> int:
        return sum(self.files.values())


def wire_bytes(answer: TestResponse) -> int:
    """Count what an answer takes on the wire: the line of its status, headers, body as sent."""
    head = sum(len(f"{name}: {value}\r\n".encode()) for name, value in answer.headers)
    return len(f"HTTP/1.1 {answer.status}\r\n\r\n") + head + len(answer.data)


def first_visit(served: Served, page: DebtorPage, *, language: str) -> Visit:
    visitor = served.scene.visitor(page.who, language=language, strong=page.strong)
    opened = visitor.get(served.scene.path(page.path, page.who), headers=AS_A_BROWSER)
    named = Files(open_page(served, page, language=language).get_data(as_text=True)).found
    files, script = {page.path: wire_bytes(opened)}, 0
    for address, tag in named.items():
        if not address.startswith("data:"):
            known = served.weighed.get(address)
            if known is None:
                answer = visitor.get(address, headers=AS_A_BROWSER)
                assert answer.status_code == 200, (page.name, address)
                known = (wire_bytes(answer), len(answer.data))
                if address.startswith("/static/"):
                    served.weighed[address] = known
            files[address] = known[0]
            script += known[1] if tag == "script" else 0
    return Visit(files, script)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_within_its_budget(served: Served, language: str) -> None:
    heavy, heaviest = [], 0
    for page in PAGES:
        if page.typed is not None or page.ours:
            continue
        visit = first_visit(served, page, language=language)
        heaviest = max(heaviest, visit.weight if page.name not in HEAVIER else 0)
        if visit.weight > HEAVIER.get(page.name, MOST_BYTES):
            heavy.append(f"{page.name}: {visit.weight} bytes: {visit.files}")
        if len(visit.files) > MOST_REQUESTS:
            heavy.append(f"{page.name}: {len(visit.files)} requests: {list(visit.files)}")
        if visit.script > MOST_SCRIPT_BYTES:
            heavy.append(f"{page.name}: {visit.script} bytes of JavaScript")
    assert heavy == [], "\n".join(heavy)
    # A page of nothing would pass too.
    assert heaviest > 2_000


def test_every_file_of_a_page_is_found() -> None:
    html = (
        '<link rel="stylesheet" href="/a.css"><link rel="icon" href="/i.svg"><link rel="next" href="/no">'
        '<script src="/b.js"></script><img src="/c.png"><svg><use href="/d.svg#x"/></svg><a href="/no">no</a>'
    )
    assert set(Files(html).found) == {"/a.css", "/i.svg", "/b.js", "/c.png", "/d.svg"}

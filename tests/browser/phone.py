"""A phone in somebody's hand: it taps and types, and looks hard at each page that it comes to."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Playwright, Request, ViewportSize

from tests.browser.portal_process import Person, PortalProcess
from tests.browser.views import Scheme, View

# A usual small phone.
SMALL: ViewportSize = {"width": 360, "height": 740}
MOST_BYTES = 14 * 1024
MOST_REQUESTS = 4
# The first that is there. Chromium without its window looks at a page in three fifths of the time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def open_browser(playwright: Playwright) -> Browser:
    """Start Chromium; without one the test fails, because a skipped walk would look like one that was made."""
    program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if program is None and not Path(playwright.chromium.executable_path).exists():
        pytest.fail("There is no Chromium on this machine: `make setup` installs it, or install the package chromium.")
    # A browser that runs as root, as in a container, refuses to start with its own sandbox.
    # A page is looked at once: what the engine's best compilers make of its scripts takes longer than it saves.
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--js-flags=--no-turbofan --no-maglev"]
    environment = {**os.environ, "FONTCONFIG_FILE": str(Path(__file__).parent / "fonts.conf")}
    return playwright.chromium.launch(executable_path=program, args=flags, env=environment)


@dataclass
class Phone:
    """One visitor. `problems` collects what is wrong with pages; `taps` counts what the thumb does, typing aside."""

    portal: PortalProcess
    context: BrowserContext
    page: Page
    cdp: CDPSession
    size: ViewportSize
    taps: int = 0
    problems: list[str] = field(default_factory=list)
    weights: dict[str, tuple[int, int]] = field(default_factory=dict)

    def tap(self, selector: str) -> None:
        """Touch one thing, and wait for the page that comes."""
        self.taps += 1
        with self.page.expect_navigation():
            self.page.locator(selector).first.tap()

    def type(self, name: str, text: str) -> None:
        """Fill in one field by its name."""
        self.page.fill(f"main [name={name}]", text)

    def date_of_birth(self, person: Person) -> None:
        """Type the three parts of a date of birth."""
        for name, part in zip(("year", "month", "day"), person.date_of_birth.split("-"), strict=True):
            self.type(name, part)

    def newest_code(self) -> str:
        """Read the code as a visitor of the demo does: on the page of sent messages, in another tab."""
        with self.another_tab() as tab:
            tab.goto(f"{self.portal.url}/outbox")
            code = tab.locator(".amount-figure").first.inner_text()
        assert re.fullmatch(r"\d{6}", code), code
        return code

    @contextmanager
    def another_tab(self) -> Iterator[Page]:
        """Open a second tab with the same cookies."""
        tab = self.context.new_page()
        yield tab
        tab.close()

    def until_nothing_waits(self) -> None:
        """Do what the page of a payment asks for while the worker is busy: look again."""
        until = time.monotonic() + 30
        while self.page.locator("main .notice-wait").count() and time.monotonic() < until:
            self.page.wait_for_timeout(500)
            self.tap("main .buttons a")

    def look(self) -> None:
        """Look at the page as it stands: no wider than the screen, with a title and one heading.

        Everything else about a page is looked at in `test_pages.py`.
        """
        where = self._where()
        assert self.page.title(), where
        assert self.page.locator("h1").count() == 1, where
        wider = self.page.evaluate(WIDER)
        if wider > 0:
            self.problems.append(f"{where}: {wider} px too wide at {self.size['width']} px")

    def weigh(self) -> None:
        """Open the page again as if for the first time, and count what comes over the wire, in bytes and requests."""
        taken: list[int] = []
        asked: list[str] = []
        self.cdp.send("Network.clearBrowserCache")

        def took(event: dict[str, float]) -> None:
            taken.append(int(event["encodedDataLength"]))

        def ask(request: Request) -> None:
            asked.append(request.url)

        self.cdp.on("Network.loadingFinished", took)
        self.page.on("request", ask)
        self.page.goto(self.page.url.partition("#")[0])
        # The icon is asked for after the page has loaded.
        self.page.wait_for_timeout(100)
        self.cdp.remove_listener("Network.loadingFinished", took)
        self.page.remove_listener("request", ask)
        where, weight, requests = self._where(), sum(taken), len(asked)
        self.weights[where] = weight, requests
        if weight > MOST_BYTES:
            self.problems.append(f"{where}: {weight} bytes on a first visit")
        if requests > MOST_REQUESTS or len(taken) > MOST_REQUESTS:
            self.problems.append(f"{where}: {max(requests, len(taken))} requests on a first visit: {asked}")

    def _where(self) -> str:
        return re.sub(r"[A-Z]+-[A-Z0-9-]+", "…", urlsplit(self.page.url).path)


@contextmanager
def phone(
    browser: Browser,
    portal: PortalProcess,
    *,
    locale: str,
    javascript: bool = True,
    size: ViewportSize = SMALL,
    scheme: Scheme = "light",
) -> Iterator[Phone]:
    """Open a phone with nothing in its memory; whatever its console says, or leaves this machine, is a problem.

    A wide screen is one of a computer that can be touched.
    """
    context = browser.new_context(
        viewport=size,
        device_scale_factor=2,
        is_mobile=size["width"] < 1_000,
        color_scheme=scheme,
        has_touch=True,
        locale=locale,
        java_script_enabled=javascript,
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    made = Phone(portal=portal, context=context, page=page, cdp=cdp, size=size)
    ours = {urlsplit(portal.url).netloc, f"127.0.0.1:{portal.stand_in_port}"}

    def ask(request: Request) -> None:
        if urlsplit(request.url).netloc not in ours and not request.url.startswith("data:"):
            made.problems.append(f"asked another host: {request.url}")

    page.on("request", ask)
    page.on("pageerror", lambda error: made.problems.append(f"script error: {error}"))
    # What the policy forbids is said on the console as an error.
    page.on("console", lambda said: made.problems.append(f"console: {said.text}") if said.type in {"error"} else None)
    yield made
    context.close()


def phone_of(browser: Browser, portal: PortalProcess, view: View) -> AbstractContextManager[Phone]:
    """Open a phone, or a computer, that looks in one of the ways of `views.py`."""
    return phone(
        browser,
        portal,
        locale=view.locale,
        javascript=view.javascript,
        size={"width": view.width, "height": view.height},
        scheme=view.scheme,
    )

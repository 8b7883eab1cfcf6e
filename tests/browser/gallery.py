"""Opens any page of the table in a running portal, in any view, as the person of the table."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
)

from tests.browser import examine, views
from tests.browser.portal_process import Person, PortalProcess
from tests.browser.views import View
from tests.debtor_pages import DebtorPage
from tests.scene import HALF_WAY_IN

# Before a session that nobody used has ended; a colleague's password alone is good for less.
FRESH_SECONDS = 10 * 60
HALF_WAY_SECONDS = 3 * 60


@dataclass
class Tab:
    """A tab of a browser that stays open: a browser's process for each page would take half of its time."""

    context: BrowserContext
    page: Page
    cdp: CDPSession
    ours: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Note what the console says, and what is asked of other hosts."""
        self.page.on("request", self._note_request)
        self.page.on("pageerror", lambda error: self.problems.append(f"script error: {error}"))
        self.page.on("console", self._note_console)

    def _note_request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.ours and not request.url.startswith(("data:", "about:")):
            self.problems.append(f"asked another host: {request.url}")

    def _note_console(self, said: ConsoleMessage) -> None:
        # The browser itself notes every answer of 4xx; what the policy forbids is said as an error too.
        if said.type == "error" and "status of 4" not in said.text:
            self.problems.append(f"console: {said.text}")


@dataclass
class Opened:
    """A page that is open, and what went wrong on the way."""

    page: Page
    cdp: CDPSession
    status: int
    problems: list[str]


class Gallery:
    """The pages of one running portal."""

    def __init__(self, portal: PortalProcess) -> None:
        self.portal = portal
        self.places: dict[str, dict[str, str]] = {}
        self._cookies: dict[tuple[str, str, bool], str] = {}
        self._told_at = 0.0
        self._walkers: dict[str, list[Person]] = {}
        self._tabs: dict[tuple[str, bool], Tab] = {}

    def walker(self, language: str) -> Person:
        """Give somebody who reads a language and has done nothing yet."""
        if language not in self._walkers:
            self._walkers[language] = self.portal.walkers(language)
        return self._walkers[language].pop()

    def _freshen(self, who: str) -> None:
        lasts = HALF_WAY_SECONDS if who == HALF_WAY_IN else FRESH_SECONDS
        if not self.places:
            told = self.portal.scene()
            self.places = told["places"]
            self._keep(told["cookies"])
        elif time.monotonic() - self._told_at > lasts:
            self._keep(self.portal.scene(again=self.places)["cookies"])

    def _keep(self, cookies: list[dict[str, Any]]) -> None:
        self._cookies = {(each["who"], each["language"], each["strong"]): each["cookie"] for each in cookies}
        self._told_at = time.monotonic()

    def address(self, page: DebtorPage) -> str:
        """Give the whole address of a page."""
        self._freshen(page.who)
        return self.portal.url + page.path.format_map(self.places[page.who])

    def cookie(self, page: DebtorPage, *, language: str) -> str:
        """Give the cookie of the person of a page."""
        self._freshen(page.who)
        return self._cookies[page.who, language, page.strong]

    def _tab(self, browser: Browser, view: View) -> Tab:
        """Give the tab for pages of a language, on a phone or not; nothing of the page before is left in it."""
        key = (view.language, view.mobile)
        tab = self._tabs.get(key)
        if tab is None or tab.context.browser is not browser:
            context = browser.new_context(
                device_scale_factor=1,
                is_mobile=view.mobile,
                has_touch=view.mobile,
                locale=view.locale,
                reduced_motion="reduce",
            )
            context.set_default_timeout(20_000)
            page = context.new_page()
            ours = urlsplit(self.portal.url).netloc
            tab = self._tabs[key] = Tab(context, page, context.new_cdp_session(page), ours)
        else:
            tab.context.clear_cookies()
            tab.problems.clear()
        tab.page.set_viewport_size({"width": view.width, "height": view.height})
        tab.page.emulate_media(color_scheme=view.scheme)
        examine.scripts(tab.cdp, on=view.javascript)
        return tab

    @contextmanager
    def open(self, browser: Browser, shown: DebtorPage, view: View) -> Iterator[Opened]:
        """Open a page as its person; what the console says or asks of other hosts is a problem."""
        address = self.address(shown)
        key = (shown.who, view.language, shown.strong)
        tab = self._tab(browser, view)
        tab.context.add_cookies([{"name": "portal", "value": self._cookies[key], "url": self.portal.url}])
        try:
            yield Opened(tab.page, tab.cdp, self._opened(tab.page, shown, address), tab.problems)
        finally:
            # The portal may have made the cookie anew.
            for cookie in tab.context.cookies():
                if cookie.get("name") == "portal":
                    self._cookies[key] = str(cookie.get("value"))

    def _opened(self, page: Page, shown: DebtorPage, address: str) -> int:
        answer = page.goto(address)
        if shown.code_sent and not page.locator("main [name=code]").count():
            answer = _pressed(page, page.locator("main button[name=again]"))
        if shown.typed:
            answer = _sent(page, shown.typed)
        return answer.status if answer else 0

    def problems(self, browser: Browser, shown: DebtorPage, view: View) -> list[str]:
        """Look at a page in one view, at everything."""
        with self.open(browser, shown, view) as opened:
            page, found = opened.page, []
            if opened.status != shown.status:
                found.append(f"{opened.status} instead of {shown.status}")
            language = page.locator("html").get_attribute("lang")
            if language != view.language.replace("_", "-"):
                found.append(f"in {language!r}")
            if shown.wrong != bool(re.match("Please look again · |请再看一下 · ", page.title())):
                found.append(f"the title is {page.title()!r}")
            # Focus moves alike in every view, and alike on a page with something to put right on it.
            followed = not shown.ours and (views.everything() or not shown.wrong)
            found += examine.findings(page, width=view.width, height=view.height, keyboard=followed)
            if not views.everything():
                found += examine.overflow(page, widths=[width for width in views.WIDTHS if width != view.width])
                page.set_viewport_size({"width": view.width, "height": view.height})
            if not view.javascript:
                examine.scripts(opened.cdp, on=True)
            # A page for those who build shows headers and footers many times over.
            found += [said for said in examine.by_axe(page) if not (shown.ours and "landmark-unique" in said)]
            return [f"{shown.name} ({view}): {said}" for said in (*opened.problems, *found)]


def _sent(page: Page, typed: Mapping[str, str]) -> Response | None:
    """Fill in the form that has these fields, and send it."""
    names = list(typed)
    form = page.locator("main form", has=page.locator(f'[name="{names[0]}"]')).first
    # What is folded is opened by whoever fills it in.
    form.evaluate("form => form.querySelectorAll('details').forEach(each => { each.open = true })")
    for name, value in typed.items():
        control = form.locator(f'[name="{name}"]').first
        kind = control.get_attribute("type")
        if kind == "radio":
            form.locator(f'[name="{name}"][value="{value}"]').check()
        elif kind == "hidden":
            # It only says which form is meant.
            continue
        elif kind == "checkbox":
            control.set_checked(bool(value))
        elif control.evaluate("control => control.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
    return _pressed(page, form.locator("button"))


def _pressed(page: Page, button: Locator) -> Response | None:
    with page.expect_navigation() as answer:
        button.first.click()
    return answer.value

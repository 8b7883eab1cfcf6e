"""The main job on a phone: from a link to an agreed plan with its first payment, points, and the PDFs to keep.

Each walk runs against the real processes. With scripts switched off it is the same walk. On one of them every page on
the way is weighed: bytes and requests of a first visit, as they come over the wire.
"""

from __future__ import annotations

import time
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from tests.browser import views
from tests.browser.phone import Phone, phone_of
from tests.browser.portal_process import Person, PortalProcess
from tests.browser.views import View

pytestmark = pytest.mark.browser

# Buttons and links that are touched between opening the link and the button of the hosted payment page.
MOST_TAPS = 7
VIEWS = (
    View(390, "light", True, "en"),
    View(320, "dark", False, "zh_Hans"),
    View(390, "light", False, "en"),
    View(320, "dark", True, "zh_Hans"),
)
# The first two of them on each database: in both languages, with scripts and without. With BROWSER=all it is all four.
FIRST = {"sqlite": 0, "postgresql": 2}
TURNS = range(len(VIEWS) if views.everything() else 2)

WORDS = {
    "en-US": {
        "lang": "en",
        "plan": "Thank you. You have a plan",
        "paid": "Thank you. Your payment has arrived",
        "points": "10 points",
        "agreement": "Your repayment plan",
        "receipt": "We have received your payment",
    },
    "zh-CN": {
        "lang": "zh-Hans",
        "plan": "谢谢，您的计划定好了",
        "paid": "谢谢，您的还款已到账",
        "points": "10 积分",
        "agreement": "您的还款计划",
        "receipt": "我们已收到您的付款",
    },
}


@pytest.mark.parametrize("turn", TURNS)
def test_from_a_link_to_a_paid_instalment_with_proof(
    browser: Browser,
    portal: PortalProcess,
    people: tuple[Person, ...],
    database: str,
    tmp_path: Path,
    turn: int,
) -> None:
    who = (FIRST[database] + turn) % len(VIEWS)
    view = VIEWS[who]
    words = WORDS[view.locale]
    # Pages weigh the same on both databases; with scripts is the heavier way.
    weighed = database == "sqlite" and view.javascript and view.language == "en"
    with phone_of(browser, portal, view) as her:
        page = her.page

        def stop() -> None:
            assert page.locator("html").get_attribute("lang") == words["lang"], page.url
            her.look()
            if weighed:
                her.weigh()

        page.goto(people[who].invite_url)
        stop()
        her.date_of_birth(people[who])
        her.tap("main form button")
        stop()

        her.tap(f"main a[href*='{people[who].reference}/what-can-you-afford']")
        stop()
        her.type("amount", "1500")
        her.tap("main form button")
        stop()
        her.type("pay_day", "28")
        her.tap("main form button")
        stop()
        her.tap("main button[name=choose]")
        # The code is on its way, and looking at the page again sends no other one.
        stop()
        her.type("code", her.newest_code())
        her.tap("main form button")
        assert page.locator("h1").inner_text() == words["plan"]
        stop()

        _to_the_hosted_page(her)
        assert her.taps <= MOST_TAPS, her.taps
        her.page.check("input[value=works]")
        her.tap("form button")
        page.wait_for_url(f"{portal.url}/pay/result/**")
        her.until_nothing_waits()
        assert page.locator("h1").inner_text() == words["paid"]
        stop()

        page.goto(f"{portal.url}/points")
        assert page.locator(".amount-figure").inner_text() == words["points"]
        stop()
        letters = _letters(her, count=2)
        stop()
        texts = [_text_of(her, letter, tmp_path) for letter in letters]
        assert any(words["agreement"] in text for text in texts), texts
        assert any(words["receipt"] in text for text in texts), texts
        assert all(people[who].reference in text for text in texts), texts

        for path in ("/home", f"/debts/{people[who].reference}", "/help", "/pay"):
            page.goto(portal.url + path)
            stop()
        page.goto(f"{portal.url}/home")
        her.tap("main a[href*='/plans/']")
        stop()
        assert her.problems == []


def _to_the_hosted_page(her: Phone) -> None:
    """Go from the agreed plan to the hosted page, in as few taps as the pages ask for."""
    her.tap("main form button, main a[href*='/pay']")
    if her.page.url.startswith(f"{her.portal.url}/pay"):
        her.look()
        her.tap("main form button")
    her.page.wait_for_url(f"http://127.0.0.1:{her.portal.stand_in_port}/**")


def _letters(her: Phone, *, count: int) -> list[str]:
    """Wait until the worker has made so many letters; give their addresses."""
    until = time.monotonic() + 20
    while True:
        her.page.goto(f"{her.portal.url}/letters")
        links = [str(link.get_attribute("href")) for link in her.page.locator("main a[href$='.pdf']").all()]
        if len(links) >= count or time.monotonic() > until:
            assert len(links) == count, links
            return links
        her.page.wait_for_timeout(250)


def _text_of(her: Phone, href: str, folder: Path) -> str:
    with her.page.expect_download() as started:
        her.page.locator(f"main a[href='{href}']").tap()
    file = folder / started.value.suggested_filename
    started.value.save_as(file)
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(file.read_bytes())).pages)

"""What the one script does in a browser, and that nothing of it is missed where there is none."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.gallery import Gallery
from tests.browser.phone import WIDER, Phone, phone
from tests.browser.portal_process import Person, PortalProcess

SIZES = ((320, "100%"), (360, "200%"), (390, "200%"), (768, "100%"), (1280, "200%"), (1280, "400%"))

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def portal(gallery: Gallery) -> PortalProcess:
    """A script knows nothing of the database behind its page."""
    return gallery.portal


@pytest.fixture(scope="module")
def people(portal: PortalProcess) -> tuple[Person, ...]:
    return portal.people()


def sign_in(her: Phone, person: Person) -> None:
    her.page.goto(person.invite_url)
    her.date_of_birth(person)
    her.tap("main form button")


def test_every_component_fits_every_screen_and_text_size(browser: Browser, portal: PortalProcess) -> None:
    with phone(browser, portal, locale="zh-CN") as her:
        her.page.goto(f"{portal.url}/design")
        for wide, text in SIZES:
            her.page.set_viewport_size({"width": wide, "height": 740})
            her.page.evaluate("size => { document.documentElement.style.fontSize = size }", text)
            assert her.page.evaluate(WIDER) <= 0, (wide, text)
        assert her.problems == []


def test_a_form_is_sent_once_however_often_it_is_tapped(browser: Browser, portal: PortalProcess) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.goto(f"{portal.url}/sign-in")
        # Whatever reaches the window would have been sent.
        sent, busy = her.page.evaluate(
            """() => { let sent = 0; const button = document.querySelector('main form .button');
            window.addEventListener('submit', e => { if (!e.defaultPrevented) sent += 1; e.preventDefault(); });
            button.click(); button.click(); button.click();
            return [sent, button.getAttribute('aria-busy')]; }"""
        )
        assert (sent, busy) == (1, "true")
        # Coming back to the page, it can be sent again.
        her.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow'))")
        expect(her.page.locator("main form .button")).not_to_have_attribute("aria-busy", "true")


def test_a_pasted_sentence_leaves_its_code(browser: Browser, portal: PortalProcess) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.goto(f"{portal.url}/design/code_input")
        box = her.page.locator("input[autocomplete=one-time-code]").first
        box.evaluate(
            """box => { const data = new DataTransfer(); data.setData('text', 'Your code is 493 027. Tell nobody.');
            box.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, cancelable: true, bubbles: true})); }"""
        )
        expect(box).to_have_value("493027")


def test_a_number_can_be_copied_with_a_script_and_read_without(browser: Browser, portal: PortalProcess) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.goto(f"{portal.url}/design/copy_text")
        button = her.page.locator("[data-copy]").first
        expect(button).to_be_visible()
        button.tap()
        expect(button).to_contain_text("Copied")
    with phone(browser, portal, locale="en-US", javascript=False) as her:
        her.page.goto(f"{portal.url}/design/copy_text")
        expect(her.page.locator("[data-copy]").first).to_be_hidden()
        expect(her.page.locator(".copy-text strong").first).to_be_visible()


def test_what_has_to_be_put_right_is_read_first(browser: Browser, portal: PortalProcess) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.goto(f"{portal.url}/sign-in")
        her.tap("main form .button")
        expect(her.page.locator(".error-summary")).to_be_focused()


def idle(page: Page, minutes: int) -> None:
    page.clock.fast_forward(minutes * 60_000)


def test_somebody_who_may_have_left_is_asked_and_stays_with_one_tap(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.clock.install()
        sign_in(her, people[2])
        question = her.page.locator(".idle-warning")
        expect(question).to_be_hidden()
        idle(her.page, 24)
        expect(question).to_be_hidden()
        idle(her.page, 2)
        expect(question).to_be_visible()
        with her.page.expect_request(f"{portal.url}/home"):
            question.locator("button").tap()
        expect(question).to_be_hidden()
        idle(her.page, 24)
        expect(question).to_be_hidden()


def test_somebody_who_is_typing_is_not_disturbed(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.clock.install()
        sign_in(her, people[2])
        idle(her.page, 24)
        her.page.clock.fast_forward(30_000)
        her.page.keyboard.press("Shift")
        with her.page.expect_request(f"{portal.url}/home"):
            her.page.clock.fast_forward(45_000)
        expect(her.page.locator(".idle-warning")).to_be_hidden()


def test_nobody_is_asked_who_is_not_signed_in(browser: Browser, portal: PortalProcess) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.goto(portal.url)
        expect(her.page.locator(".idle-warning")).to_have_count(0)


def test_what_an_amount_would_be_is_shown_while_it_is_typed(
    browser: Browser, gallery: Gallery, portal: PortalProcess
) -> None:
    person = portal.invite(gallery.walker("en"))
    with phone(browser, portal, locale="en-US") as her:
        sign_in(her, person)
        her.page.goto(f"{portal.url}/debts/{person.reference}/what-can-you-afford")
        shown = her.page.locator("[data-preview]")
        expect(shown).to_be_empty()
        her.page.fill("#amount", "1")
        expect(shown).to_contain_text("It would take longer than your lender allows in a usual plan.")
        her.page.fill("#amount", "1000")
        expect(shown).to_contain_text("Yes, what you asked for works.")
        expect(shown).to_contain_text("You pay in all")
        her.page.fill("#amount", "x")
        expect(shown).to_be_empty()

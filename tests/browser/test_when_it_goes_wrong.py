"""What a visitor sees when something is wrong: each page says why and what would work, and can be read by everybody."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.phone import Phone, phone
from tests.browser.portal_process import Person, PortalProcess

pytestmark = pytest.mark.browser


def _wrong(her: Phone, *, field: str = "") -> None:
    """Check a page that sends somebody back: it says so in its title, on top, and beside the field."""
    assert re.match("Please look again · ", her.page.title()), her.page.title()
    expect(her.page.locator(".error-summary")).to_be_visible()
    if field:
        expect(her.page.locator(f"main [name={field}]").first).to_have_attribute("aria-invalid", "true")
    her.look()
    # The browser itself notes every answer of 422 and 404 on its console; nothing else may stand there.
    her.problems = [said for said in her.problems if "status of 4" not in said]


def test_wrong_answers_lead_on_and_never_end_the_walk(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    # The third person's second debt: the walks use the first.
    with phone(browser, portal, locale="en-US") as her:
        page = her.page
        page.goto(people[2].invite_url)
        her.tap("main form button")
        _wrong(her, field="day")
        her.date_of_birth(people[2])
        her.type("year", "1950")
        her.tap("main form button")
        _wrong(her, field="day")
        her.date_of_birth(people[2])
        her.tap("main form button")

        debt = page.locator("main a[href*=what-can-you-afford]").last.get_attribute("href")
        page.goto(f"{portal.url}{debt}")
        her.type("amount", "a little")
        her.tap("main form button")
        _wrong(her, field="amount")
        her.type("amount", "3")
        her.tap("main form button")
        her.type("pay_day", "40")
        her.tap("main form button")
        _wrong(her, field="pay_day")
        her.type("pay_day", "28")
        her.tap("main form button")
        # Never "no" without why and what would work.
        assert "What would work" in page.locator("main .notice").inner_text()
        assert page.locator("main button[name=choose]").count() >= 1
        her.tap("main button[name=choose]")
        her.type("code", "000000")
        her.tap("main form button")
        _wrong(her, field="code")

        page.goto(f"{portal.url}/pay?debt={str(debt).split('/')[2]}")
        # Nothing is chosen beforehand where the only choice would be the dearest.
        assert page.locator("main input[type=radio]:checked").count() == 0
        her.tap("main form button")
        _wrong(her)
        page.check("input[value=other]")
        her.type("amount", "0.20")
        her.tap("main form button")
        _wrong(her, field="amount")
        her.type("amount", "5")
        her.tap("main form button")
        assert page.locator("h1").inner_text() == "Check your payment"
        her.look()
        her.tap("main form button")
        page.check("input[value=declined]")
        her.tap("form button")
        her.tap(".back a")
        assert page.locator("h1").inner_text() == "Nothing was paid"
        her.look()
        assert "points" not in page.locator("main").inner_text().lower()
        for path in ("/nothing-here", "/i/no-such-link", "/letters", "/outbox"):
            page.goto(portal.url + path)
            her.look()
        assert [said for said in her.problems if "status of 4" not in said] == []


def test_the_box_for_another_amount_is_there_only_when_it_counts(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    with phone(browser, portal, locale="en-US", javascript=False) as her:
        her.page.goto(people[2].invite_url)
        her.date_of_birth(people[2])
        her.tap("main form button")
        her.page.goto(f"{portal.url}/pay")
        her.tap("main .card a.button[href*='debt=']")
        box = her.page.locator("main [name=amount]")
        her.page.check("input[value=all]")
        expect(box).to_be_hidden()
        her.page.check("input[value=other]")
        expect(box).to_be_visible()


def test_the_other_doors_are_as_large_as_paying(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    with phone(browser, portal, locale="en-US") as her:
        her.page.goto(people[2].invite_url)
        her.date_of_birth(people[2])
        her.tap("main form button")
        pay = her.page.locator("main a[href*='/pay?']").first.bounding_box()
        doors = [door.bounding_box() for door in her.page.locator(".doors a").all()]
        assert pay is not None and len(doors) == 5
        assert all(door is not None and door["height"] >= pay["height"] for door in doors)

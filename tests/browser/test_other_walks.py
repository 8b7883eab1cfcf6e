"""The other walks: by reference, I can't pay, this is wrong, pay extra, a new contact, automatic; each in three views.

`make browser` makes each of them in all 24. What every page of them looks like is checked in `test_pages.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser import views
from tests.browser.gallery import Gallery
from tests.browser.phone import Phone, phone_of
from tests.browser.portal_process import Person
from tests.browser.views import View

pytestmark = pytest.mark.browser

NUMBER = re.compile(r"R-\w{4}-\w{4}-\w{2}")
# What a thumb does at most, typing aside, from opening the link.
MOST_TAPS = {
    "reference": 8,
    "can't pay": 3,
    "wrong amount": 3,
    "not mine": 3,
    "pay extra": 5,
    "new contact": 8,
    "automatic": 4,
}


def come_in(her: Phone, gallery: Gallery, person: Person) -> None:
    """Open a link and give the date of birth."""
    her.page.goto(gallery.portal.invite(person).invite_url)
    her.look()
    her.date_of_birth(person)
    her.tap("main form button")
    assert her.page.url.endswith("/home"), her.page.url
    her.look()


def make_plan(her: Phone) -> None:
    """Go from home to an agreed plan."""
    her.tap("main a[href*=what-can-you-afford]")
    her.look()
    her.type("amount", "600")
    her.tap("main form button")
    her.look()
    her.type("pay_day", "15")
    her.tap("main form button")
    her.look()
    her.tap("main button[name=choose]")
    her.look()
    if her.page.locator("main [name=code]").count():
        her.type("code", her.newest_code())
    her.tap("main form button:not([name=again])")
    assert "/plans/" in her.page.url, her.page.url
    her.look()


def by_reference(her: Phone, gallery: Gallery, person: Person) -> str:
    """From the reference on a letter to an agreed plan: one code, at the door."""
    her.page.goto(f"{gallery.portal.url}/sign-in")
    her.look()
    her.type("reference", person.reference.lower())
    her.date_of_birth(person)
    her.tap("main form button")
    if not her.page.locator("main [name=code]").count():
        her.tap("main button[name=again]")
    her.look()
    her.type("code", her.newest_code())
    her.tap("main form button:not([name=again])")
    assert her.page.url.endswith("/home"), her.page.url
    make_plan(her)
    return "reference"


def cannot_pay(her: Phone, gallery: Gallery, person: Person) -> str:
    """One door, one button: a number, what has stopped, and the way back."""
    come_in(her, gallery, person)
    her.tap("nav a[href*='/help/cant-pay']")
    her.look()
    her.tap("main form button")
    taps = her.taps
    her.look()
    number = _number(her)
    her.page.goto(f"{gallery.portal.url}/requests")
    assert number in her.page.locator("main").inner_text()
    her.look()
    her.tap("main a.button[href*='/requests/']")
    her.tap("main form[action$='/withdraw'] button")
    her.look()
    assert not her.page.locator("main form[action$='/withdraw']").count()
    her.taps = taps
    return "can't pay"


def wrong_amount(her: Phone, gallery: Gallery, person: Person) -> str:
    """A dispute in one's own words, from the page of the debt."""
    come_in(her, gallery, person)
    her.page.goto(f"{gallery.portal.url}/debts/{person.reference}")
    her.look()
    _dispute(her, "wrong-amount", "I paid 200 in May <b>&</b> it is not there. 我还过了。")
    # Paying is still possible, and says what is being looked into.
    her.page.goto(f"{gallery.portal.url}/pay?debt={person.reference}")
    her.look()
    return "wrong amount"


def not_mine(her: Phone, gallery: Gallery, person: Person) -> str:
    """The other dispute, from the doors of every page."""
    come_in(her, gallery, person)
    _dispute(her, "not-mine", "")
    return "not mine"


def _dispute(her: Phone, door: str, words: str) -> None:
    her.tap(f"a[href*='/help/{door}']")
    her.look()
    if words:
        her.type("words", words)
    her.tap("main form button")
    her.look()
    _number(her)
    # What has stopped stands there as something good, and the words come back as they were typed.
    assert her.page.locator("main .notice-success").count() == 1
    if words:
        her.page.locator("main details summary").last.click()
        assert words in her.page.locator("main").inner_text()


def pay_extra(her: Phone, gallery: Gallery, person: Person) -> str:
    """With a plan, any amount at any time; a check page stands before the page that takes the money."""
    come_in(her, gallery, person)
    make_plan(her)
    plan = her.page.url.partition("?")[0]
    her.page.goto(plan)
    her.taps = 0
    her.tap("main a[href$='/change/extra']")
    her.look()
    her.type("amount", "35")
    her.page.check("main input[value=next_payments]")
    her.tap("main form button")
    her.look()
    her.tap("main form button")
    her.look()
    her.tap("main form button")
    her.page.wait_for_url(f"http://127.0.0.1:{gallery.portal.stand_in_port}/**")
    assert her.taps <= MOST_TAPS["pay extra"]
    taps = her.taps
    her.page.check("input[value=works]")
    her.tap("form button")
    her.page.wait_for_url(f"{gallery.portal.url}/pay/result/**")
    her.until_nothing_waits()
    her.look()
    assert not her.page.locator("main .notice-bad, main .notice-wait").count(), her.page.locator("main").inner_text()
    her.page.goto(plan)
    her.look()
    assert re.search(r"\$35\.00", her.page.locator("main").inner_text())
    her.taps = taps
    return "pay extra"


def new_contact(her: Phone, gallery: Gallery, person: Person) -> str:
    """A new e-mail address: a code to the new one and one to the old one, and both are told."""
    come_in(her, gallery, person)
    her.page.goto(f"{gallery.portal.url}/you/contacts")
    her.look()
    her.tap("main a[href$='/change']")
    her.look()
    her.type("address", f"new-{person.reference.lower()}@example.com")
    her.tap("main form button")
    her.look()
    for side in ("new", "old"):
        her.tap(f"main button[name=send_{side}]")
        her.look()
        her.page.wait_for_timeout(1_500)  # Until the message stands in the outbox.
        her.type(f"{side}_code", her.newest_code())
        her.tap(f"main form:has([name={side}_code]) button")
        her.look()
    her.page.goto(f"{gallery.portal.url}/you/contacts")
    assert "@example.com" in her.page.locator("main").inner_text()
    return "new contact"


def automatic(her: Phone, gallery: Gallery, person: Person) -> str:
    """The payments of a plan taken from a card: what that is, what is agreed to, the card; and stopped in two taps."""
    come_in(her, gallery, person)
    make_plan(her)
    her.taps = 0
    her.tap("main a[href$='/autopay']")
    her.tap("main a[href$='/turn-on']")
    her.look()
    her.tap("main button[value=save]")
    her.page.wait_for_url(f"http://127.0.0.1:{gallery.portal.stand_in_port}/**")
    her.page.check("input[value=works]")
    her.tap("form button")
    her.page.wait_for_url(f"{gallery.portal.url}/plans/*/autopay?back=1")
    taps = her.taps
    her.until_nothing_waits()
    assert "5556" in her.page.locator("main").inner_text()
    her.page.goto(her.page.url.partition("/autopay")[0])
    her.taps = 0
    her.tap("main a[href$='/autopay/stop']")
    her.look()
    her.tap("main form button")
    assert her.taps == 2
    assert not her.page.locator("main a[href$='/autopay/stop']").count()
    her.taps = taps
    return "automatic"


Walk = Callable[[Phone, Gallery, Person], str]
WALKS: tuple[Walk, ...] = (by_reference, cannot_pay, wrong_amount, not_mine, pay_extra, new_contact, automatic)


def _number(her: Phone) -> str:
    found = NUMBER.search(her.page.locator("main").inner_text())
    assert found, her.page.url
    return found[0]


@pytest.mark.parametrize("turn", range(len(views.of(0))))
@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
def test_somebody_gets_there(browser: Browser, passers: Gallery, walk: Walk, turn: int) -> None:
    view: View = views.of(WALKS.index(walk))[turn]
    person = passers.walker(view.language)
    with phone_of(browser, passers.portal, view) as her:
        name = walk(her, passers, person)
        assert her.page.locator("html").get_attribute("lang") == view.language.replace("_", "-")
        assert her.taps <= MOST_TAPS[name], her.taps
        assert her.problems == [], "\n".join(her.problems)

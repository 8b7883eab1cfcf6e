"""Staff in a real browser: invited and joined, a lost app helped by two colleagues, limits written and approved."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FilePayload

from portal.staff import totp
from tests.browser.gallery import Gallery
from tests.browser.phone import Phone, phone_of
from tests.browser.test_other_walks import come_in
from tests.browser.views import View

pytestmark = pytest.mark.browser

PASSWORD = "seven quiet lamps under water"
# Whom the demo has at the desk.
HELPDESK_NAME = "Helpdesk (made up)"
# The walks of a debtor are in many views; these are on one phone with a script, and on one without.
WITH_AND_WITHOUT = [View(390, "light", True, "en"), View(320, "dark", False, "zh_Hans")]  # noqa: FBT003 - as in views


@contextmanager
def somebody(browser: Browser, passers: Gallery, view: View) -> Iterator[Phone]:
    """Give another browser."""
    with phone_of(browser, passers.portal, view) as phone:
        yield phone


def code(her: Phone, secret: str) -> None:
    """Give the code of an app; one that was used a moment ago is waited for to change."""
    for _try in range(3):
        her.type("code", totp.code_at(secret, at=datetime.now(UTC)))
        her.tap("main form button")
        if not her.page.locator("main [name=code]").count():
            return
        time.sleep(31 - datetime.now(UTC).second % 30)
    raise AssertionError("no code of the app was taken")


def sign_in(her: Phone, passers: Gallery, email: str, password: str, secret: str) -> None:
    her.page.goto(f"{passers.portal.url}/staff/sign-in")
    her.look()
    her.type("email", email)
    her.type("password", password)
    her.tap("main form button")
    her.look()
    code(her, secret)
    assert urlsplit(her.page.url).path == "/staff", her.page.url
    her.look()


def join(her: Phone, link: str) -> str:
    """Follow a link, choose a password and set up an app; gives its secret."""
    her.page.goto(link)
    her.look()
    her.type("password", PASSWORD)
    her.type("again", PASSWORD)
    her.tap("main form button")
    her.look()
    secret = her.page.locator("main code").inner_text().replace(" ", "")
    code(her, secret)
    assert urlsplit(her.page.url).path == "/staff", her.page.url
    her.look()
    return secret


def newest_link(her: Phone, passers: Gallery, kind: str, email: str) -> str:
    told = her.page.request.get(f"{passers.portal.url}/outbox?format=json").json()
    body = next(one["body"] for one in told if one["kind"] == kind and one["to"] == email)
    found = re.search(r"http\S+/join/\S+", body)
    assert found is not None, body
    return found[0]


@pytest.mark.parametrize("view", WITH_AND_WITHOUT, ids=str)
def test_somebody_is_invited_loses_the_app_and_comes_back(browser: Browser, passers: Gallery, view: View) -> None:
    staff = {one["role"]: one for one in passers.portal.staff()}
    boss, helper = (staff[role] for role in ("lender_administrator", "helpdesk"))
    email = f"newcomer-{view.width}@staff.example"
    with somebody(browser, passers, view) as her:
        sign_in(her, passers, boss["email"], boss["password"], boss["totp_secret"])
        her.tap("nav a[href='/staff/colleagues']")
        her.look()
        her.tap("main a[href='/staff/colleagues/invite']")
        her.look()
        her.type("name", "Newcomer Example")
        her.type("email", email)
        her.page.check("main input[value=helpdesk]")
        her.tap("main form button")
        her.look()
        with somebody(browser, passers, view) as new:
            join(new, newest_link(her, passers, "staff_invited", email))
            new.tap("nav a[href='/staff/requests']")
            new.look()
            new.tap("header form button")
            # The phone is gone, and with it the app.
            new.page.goto(f"{passers.portal.url}/staff/lost")
            new.look()
            new.type("email", email)
            new.tap("main form button")
            new.look()
            vouch(her, passers)
            with somebody(browser, passers, view) as other:
                sign_in(other, passers, helper["email"], helper["password"], helper["totp_secret"])
                vouch(other, passers)
            join(new, newest_link(her, passers, "staff_way_back", email))


def vouch(her: Phone, passers: Gallery) -> None:
    """Say that it is really the colleague."""
    her.page.goto(f"{passers.portal.url}/staff/colleagues/ways-back")
    her.look()
    her.tap("main .card:has-text('Newcomer Example') a.button")
    her.look()
    her.type("words", "I called the number on our list.")
    her.tap("main form button >> nth=0")
    her.look()


MOST_TABS = 250


def tab_to(her: Phone, selector: str) -> None:
    """Come to something with the tab key alone, from wherever the page has put the focus."""
    wanted = her.page.locator(selector).first.element_handle()
    for _stop in range(MOST_TABS):
        her.page.keyboard.press("Tab")
        if her.page.evaluate("wanted => document.activeElement === wanted", wanted):
            return
    raise AssertionError(f"the tab key does not reach {selector}")


def by_keyboard(her: Phone, selector: str) -> None:
    """Come to a link or a button with the tab key and press it."""
    tab_to(her, selector)
    with her.page.expect_navigation():
        her.page.keyboard.press("Enter")
    her.look()


def type_by_keyboard(her: Phone, name: str, text: str) -> None:
    """Come to a box with the tab key, and write over what stands in it."""
    tab_to(her, f"main [name='{name}']")
    her.page.keyboard.press("ControlOrMeta+a")
    her.page.keyboard.type(text)


def to_the_check(her: Phone, passers: Gallery) -> None:
    """Let a debtor come in and go on until all is there to be agreed to."""
    come_in(her, passers, passers.walker("en"))
    her.tap("main a[href*=what-can-you-afford]")
    for name, value in (("amount", "600"), ("pay_day", "15")):
        her.type(name, value)
        her.tap("main form button")
    her.tap("main button[name=choose]")
    her.look()


def days_of_grace(her: Phone) -> int:
    """Give how late a payment may come, as the page says that is agreed to."""
    found = re.search(r"You have (\d+) more days? after each date", her.page.locator("main").text_content() or "")
    assert found is not None
    return int(found[1])


def test_an_author_writes_limits_and_an_approver_lets_them_count(browser: Browser, passers: Gallery) -> None:
    view = WITH_AND_WITHOUT[0]
    staff = {one["role"]: one for one in passers.portal.staff()}
    author, approver = staff["rule_author"], staff["approver"]
    with somebody(browser, passers, view) as her, somebody(browser, passers, view) as him:
        sign_in(her, passers, author["email"], author["password"], author["totp_secret"])
        by_keyboard(her, "nav a[href='/staff/limits']")
        by_keyboard(her, "main form[action*='from-version'] button")
        draft = urlsplit(her.page.url).path
        by_keyboard(her, "main a.button[href$='/cards/1']")
        type_by_keyboard(her, "keeping.grace_days", "8")
        by_keyboard(her, "main button:has-text('Save the card')")
        assert her.page.get_by_text("A payment that comes 8 days late still counts as kept.").count()
        # The other cards too, so that whoever asks meets it.
        links = her.page.locator("main a").evaluate_all("all => all.map(each => each.getAttribute('href'))")
        for link in sorted({each for each in links if re.search(r"/cards/[2-9]$", each or "")}):
            her.page.goto(f"{passers.portal.url}{link}")
            her.page.fill("main [name='keeping.grace_days']", "8")
            her.tap("main button:has-text('Save the card')")
        assert urlsplit(her.page.url).path == draft, her.page.url
        by_keyboard(her, "main form[action$='/send'] button")
        # What somebody would be offered is asked of the draft before anybody else has looked at it.
        her.page.goto(f"{passers.portal.url}/staff/limits/try")
        her.look()
        type_by_keyboard(her, "balance", "3600")
        type_by_keyboard(her, "payment", "100")
        her.page.select_option("main [name=draft]", index=1)
        her.tap("main form button")
        her.look()
        assert her.page.get_by_text("Which card counts").count() == 2
        with somebody(browser, passers, view) as asked_before, somebody(browser, passers, view) as asks_after:
            to_the_check(asked_before, passers)
            counted = days_of_grace(asked_before)
            assert counted != 8
            sign_in(him, passers, approver["email"], approver["password"], approver["totp_secret"])
            him.page.goto(f"{passers.portal.url}{draft}")
            him.look()
            by_keyboard(him, "main form[action$='/approve'] button")
            him.tap("nav a[href='/staff/limits']")
            him.look()
            assert him.page.get_by_text("Counts now").count() == 1
            assert him.page.get_by_text("Written by").count()
            # Whoever has an offer keeps it as it was made; who asks from now on is answered by the new limits.
            asked_before.page.reload()
            assert days_of_grace(asked_before) == counted
            to_the_check(asks_after, passers)
            assert days_of_grace(asks_after) == 8


def test_a_colleague_makes_a_plan_with_somebody_who_says_yes_alone(browser: Browser, passers: Gallery) -> None:
    view = WITH_AND_WITHOUT[1]
    staff = {one["role"]: one for one in passers.portal.staff()}
    helper, person = staff["helpdesk"], passers.walker(view.language)
    with somebody(browser, passers, view) as him, somebody(browser, passers, view) as her:
        sign_in(him, passers, helper["email"], helper["password"], helper["totp_secret"])
        him.tap("nav a[href='/staff/people']")
        him.type("typed", person.reference)
        him.tap("main form button")
        him.look()
        him.tap("main a[href^='/staff/people/']")
        him.look()
        him.tap("main a.button[href$='/act']")
        him.look()
        him.page.check("main input[value=phone]")
        him.type("about", "A plan for the loan.")
        him.tap("main form button")
        him.look()
        him.tap(f"main a[href*='/act/plan/{person.reference}/']")
        him.look()
        him.type("amount", "600")
        him.tap("main form button")
        him.look()
        him.type("pay_day", "15")
        him.tap("main form button")
        him.look()
        him.tap("main button[name=choose]")
        him.look()
        # What is read out is in the language of the person, and nothing is agreed by it.
        assert him.page.locator(f"main [lang='{view.language.replace('_', '-')}']").count() == 1
        him.page.check("main [name=heard]")
        him.tap("main form:has([name=heard]) button")
        him.look()

        told = her.page.request.get(f"{passers.portal.url}/outbox?format=json").json()
        links = (re.search(r"http\S+/i/\S+\?to=plan", one["body"]) for one in told)
        her.page.goto(next(found[0] for found in links if found is not None))
        her.look()
        her.date_of_birth(person)
        her.tap("main form button")
        assert "/check-your-plan/" in her.page.url, her.page.url
        her.look()
        her.tap("main button[name=again]")
        her.type("code", her.newest_code())
        her.tap("main form button:not([name=again])")
        assert "/plans/" in her.page.url, her.page.url
        her.look()
        plan = re.search(r"PL-[\w-]+", her.page.url)
        assert plan is not None
        her.page.goto(f"{passers.portal.url}/timeline")
        her.look()
        agreed = her.page.locator("main li", has_text=plan[0]).first.inner_text()
        assert HELPDESK_NAME in agreed, agreed


ROWS = """reference,name,born_on,email,product,principal,late_since,remark
WALK-1,Walker One (made up),1988-07-21,one@example.com,Card,100.00,2026-05-01,by hand
WALK-2,=1+1,1988-07-21,two@example.com,Card,200.00,,a formula
WALK-3,Walker Three (made up),1988-13-01,three@example.com,Card,300.00,,no such day
WALK-4,Walker Four (made up),1988-07-21,four@example.com,Card,-4.00,,less than nothing
WALK-5,Walker Five (made up),1988-07-21,five@example.com,Card,500.00,,
"""


def test_a_file_with_bad_rows_is_seen_its_good_rows_come_in_and_go_again(browser: Browser, passers: Gallery) -> None:
    staff = {one["role"]: one for one in passers.portal.staff()}
    boss = staff["lender_administrator"]
    # Without a script: the page of a file looks again by itself all the same.
    with somebody(browser, passers, View(320, "dark", False, "en")) as her:  # noqa: FBT003 - as in views
        sign_in(her, passers, boss["email"], boss["password"], boss["totp_secret"])
        her.tap("nav a[href='/staff/portfolio']")
        her.look()
        her.tap("main a.button[href='/staff/portfolio/bring']")
        her.look()
        file = FilePayload(name="walk.csv", mimeType="text/csv", buffer=ROWS.encode())
        her.page.set_input_files("main [name=upload]", file)
        her.tap("main form button")
        her.look()
        her.page.wait_for_selector("main form[action$='/confirm']")
        her.look()
        seen = her.page.locator("main").inner_text()
        assert "5 rows read = 2 taken in + 0 with nothing owed + 3 refused" in seen and "Not read" in seen
        for reason in ("A formula: 1", "There is no such day: 1", "Less than zero: 1"):
            assert reason in seen
        her.page.check("main [name=keep_good]")
        her.tap("main form[action$='/confirm'] button")
        her.page.wait_for_selector("main a[href$='/undo']")
        her.look()
        assert "New debts\n2" in her.page.locator("main").inner_text()
        url = her.page.locator("main a[href$='/rows.csv']").get_attribute("href")
        refused = her.page.request.get(f"{passers.portal.url}{url}").text()
        assert "'=1+1" in refused and "\n4,born_on,1988-13-01,no_such_date" in refused
        her.tap("main a[href$='/undo']")
        her.look()
        her.tap("main form button")
        her.page.wait_for_selector("main h2:has-text('What was taken back')")
        her.look()
        assert "New debts that are gone\n2" in her.page.locator("main").inner_text()

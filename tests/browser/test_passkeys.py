"""Passkeys in a real browser, with a keeper of keys that the browser itself plays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import examine
from tests.browser.gallery import Gallery
from tests.browser.phone import SMALL
from tests.browser.portal_process import Person, PortalProcess

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
MOST_SCRIPT = 4 * 1024


@pytest.fixture(scope="module")
def portal(passers: Gallery) -> PortalProcess:
    """The portal on one kind of database: what passkeys keep is tested on both in the journeys."""
    return passers.portal


@pytest.fixture(scope="module")
def people(portal: PortalProcess) -> tuple[Person, ...]:
    return portal.people()


def opened(browser: Browser, problems: list[str], *, javascript: bool = True) -> tuple[BrowserContext, Page]:
    context = browser.new_context(
        viewport=SMALL,  # type: ignore[arg-type]
        is_mobile=True,
        has_touch=True,
        java_script_enabled=javascript,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    return context, page


def come_in(page: Page, person: Person) -> None:
    page.goto(person.invite_url)
    for name, part in zip(("year", "month", "day"), person.date_of_birth.split("-"), strict=True):
        page.fill(f"main [name={name}]", part)
    page.click("main form button")
    page.wait_for_url("**/home")


def give_code(context: BrowserContext, page: Page, portal: PortalProcess) -> None:
    page.goto(f"{portal.url}/code")
    page.click("main button[name=again]")
    page.wait_for_selector("main [name=code]")
    told = context.request.get(f"{portal.url}/outbox?format=json").json()
    code = next(re.findall(r"\d{6}", one["body"])[0] for one in told if one["kind"] == "one_time_code")
    page.fill("main [name=code]", code)
    page.click("main form button >> nth=0")
    page.wait_for_url("**/home")


def test_a_passkey_is_added_and_signs_in_with_one_tap(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    problems: list[str] = []
    context, page = opened(browser, problems)
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    keeper = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": keeper})["authenticatorId"]
    come_in(page, people[0])
    give_code(context, page, portal)
    page.goto(f"{portal.url}/you/passkeys/add")
    problems += examine.by_axe(page)
    assert not page.locator(".passkey-needs").is_visible()
    page.fill("main [name=name]", "我的手机")
    page.click(".passkey-form button")
    page.wait_for_selector("text=The passkey is added.")
    assert page.locator("h2", has_text="我的手机").is_visible()
    assert len(cdp.send("WebAuthn.getCredentials", {"authenticatorId": made})["credentials"]) == 1

    page.click("header form button")
    page.goto(f"{portal.url}/letters")
    page.wait_for_url("**/sign-in")
    page.click("main a[href$='/sign-in/passkey']")
    page.wait_for_url("**/sign-in/passkey")
    page.click(".passkey-form button")
    # As good as a code: the page that was wanted opens at once.
    page.wait_for_url("**/letters")

    # A device that doesn't know its owner gives nothing, and the page says so calmly.
    page.click("header form button")
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": False})
    page.goto(f"{portal.url}/sign-in/passkey")
    page.click(".passkey-form button")
    page.wait_for_selector(".passkey-failed:visible")
    assert page.locator(".passkey-form button").is_enabled()
    assert problems == []
    context.close()


def test_without_scripts_the_pages_say_calmly_what_needs_them(
    browser: Browser, portal: PortalProcess, people: tuple[Person, ...]
) -> None:
    context, page = opened(browser, [], javascript=False)
    page.goto(f"{portal.url}/sign-in/passkey")
    assert page.locator(".passkey-needs").is_visible()
    assert not page.locator(".passkey-form").is_visible()
    come_in(page, people[1])
    give_code(context, page, portal)
    page.goto(f"{portal.url}/you/passkeys/add")
    assert page.locator(".passkey-needs").is_visible()
    assert not page.locator(".passkey-form").is_visible()
    context.close()


def test_the_script_is_small() -> None:
    script = next((ROOT / "static" / "build").glob("passkeys.*.js.br"))
    assert script.stat().st_size <= MOST_SCRIPT

"""Walk every address with a reference in it as somebody else: it isn't there, and nothing changes.

The addresses and forms are found on the pages of their owner, so a new route is tried by itself; one that no page leads
to fails here until a page does, or it is named below with a reason.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from portal.lenders.models import Lender
from tests.debtor_pages import PAGES
from tests.journeys.acts import Stripe, rows
from tests.pages import CheckingClient, Page, page_of
from tests.scene import Scene

# Addresses with a gap that holds no reference of a person, each with why.
NOBODYS = {
    "log.log": "the public page of a lender's log",
    "log.checkpoint": "as log.log",
    "log.grew": "as log.log",
    "log.stamp": "as log.log",
    "log.stamped": "as log.log",
    "letter_check.letter": "the number of a letter, which anybody may check; whose it is is not said",
    "letter_check.roots": "the short name of a lender; certificates are public",
    "webhooks.stripe": "the short name of a lender; what comes there is signed",
    "people.invitation": "a secret that opens the door, and not a thing behind it",
    "not_me.ask": "the same secret",
    "post.stop": "a secret from a message",
    "post.stop_by_one_click": "the same secret",
    "contacts.undo": "a secret from a message",
    "brand.logo": "a lender's picture",
    "brand.sheet": "a lender's colours",
    "care.sent": "the name of a door",
    "design.one": "the name of a component",
    "you.data_file": "the kind of a file",
    "staff.join": "a secret from a message, and the short name of a lender",
    "staff.join_app": "the same secret",
}
# Addresses that no page of the scene leads to, tried elsewhere.
ELSEWHERE = {
    "plans.granted": "nobody there was granted a plan: test_what_is_somebody_elses.py",
    "autopay.confirm": "no bank there wants to hear from anybody: test_autopay.py",
    "changes.take_back_end": "nobody there has ended a plan: test_changing_a_plan.py",
}
MOST_PAGES = 250
LANGUAGE_AND_END = ("/language", "/sign-out")


@dataclass
class Found:
    """What the pages of one person lead to: addresses, and forms with what stands in them."""

    addresses: set[str] = field(default_factory=set)
    forms: dict[tuple[str, tuple[str, ...]], list[tuple[str, str]]] = field(default_factory=dict)


def everything_of(scene: Scene, who: str) -> Found:
    """Open all pages of a person that the table names or a link leads to; takes down links and forms."""
    visitor = scene.visitor(who, strong=True)
    start = [scene.path(page.path, who) for page in PAGES if page.who == who]
    found, waiting = Found(set(start)), deque(start)
    looked_at: set[str] = set()
    while waiting and len(looked_at) < MOST_PAGES:
        address = waiting.popleft()
        if urlsplit(address).path in looked_at or _of_the_demo(scene.app, address):
            continue
        looked_at.add(urlsplit(address).path)
        answer = visitor.get(address)
        if answer.mimetype != "text/html" or answer.status_code != 200:
            continue
        page = page_of(answer)
        for href, _words in page.links:
            _note(href, address, found, waiting)
        for form in page.forms:
            target = urljoin(address, form.action or address)
            if urlsplit(target).path in LANGUAGE_AND_END:
                continue
            found.addresses.add(target)
            if form.method == "post":
                buttons = form.buttons[:1]
                found.forms[target, tuple(sorted(form.names))] = form.fields + buttons
    return found


def _of_the_demo(app: Flask, address: str) -> bool:
    """Say whether it is a page such as the outbox of a demo, where everybody's messages lie open."""
    route = route_of(app, address)
    return route is not None and getattr(app.view_functions[route[0]], "gate", "") == "demo only"


def _note(href: str, at: str, found: Found, waiting: deque[str]) -> None:
    target = urlsplit(urljoin(f"http://localhost{at}", href))
    if target.netloc != "localhost" or target.scheme != "http":
        return
    address = target.path + (f"?{target.query}" if target.query else "")
    if address not in found.addresses:
        found.addresses.add(address)
        waiting.append(address)


def route_of(app: Flask, address: str, method: str = "GET") -> tuple[str, dict[str, object]] | None:
    try:
        endpoint, values = app.url_map.bind("localhost").match(urlsplit(address).path, method=method)
    except MethodNotAllowed:
        return route_of(app, address, "POST") if method == "GET" else None
    except (HTTPException, RequestRedirect):
        return None
    return str(endpoint), dict(values)


@pytest.fixture
def scene(app: Flask, lender: Lender, stripe: Stripe) -> Scene:
    return Scene(app, lender=lender, sandbox=stripe.sandbox)


def test_what_belongs_to_somebody_else_is_not_there(app: Flask, scene: Scene) -> None:
    others = [who for who in scene.debts if who != "with two debts"]
    me, mine = scene.visitor("with two debts", strong=True), everything_of(scene, "with two debts")
    token = _token(me)
    references = {value for who in others for value in scene.places[who].values()}
    tried, wrong = set(), []
    for who in others:
        theirs = everything_of(scene, who)
        references |= {
            str(value)
            for address in theirs.addresses - mine.addresses
            for route in [route_of(app, address)]
            if route and route[0] not in NOBODYS
            for value in route[1].values()
        } - {value for address in mine.addresses for value in re.findall(r"[^/?=&]+", address)}
        before = rows()
        for address in sorted(theirs.addresses - mine.addresses):
            if not _names(address, references):
                continue
            route = route_of(app, address)
            if route and route[0] in NOBODYS:
                continue
            tried.add(route[0] if route else address)
            if route and "GET" in _methods(app, address) and not _as_if_it_were_not(me, address, references):
                wrong.append(f"GET {address}: {me.get(address).status_code}")
        for (address, _names_of_form), fields in theirs.forms.items():
            # `next` is only where one goes afterwards, and is asked for again there.
            said = [value for name, value in fields if name != "next"]
            if not _names(address, references) and not any(_names(value, references) for value in said):
                continue
            data = {**dict(fields), "csrf_token": token}
            status = me.post(address, data=data).status_code
            if status != 404:
                wrong.append(f"POST {address} {sorted(data)}: {status}")
        after = rows()
        wrong += [
            f"{who}: {table} {before[table]} → {after[table]}" for table in after if after[table] != before[table]
        ]
    assert wrong == [], "\n".join(wrong)
    views = app.view_functions
    # What is the staff's has its own test: test_staff_may_do_only_theirs.py.
    with_gaps = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.arguments and getattr(views[rule.endpoint], "gate", None) != "staff"
    }
    assert sorted(with_gaps - tried - NOBODYS.keys() - ELSEWHERE.keys()) == []


def _as_if_it_were_not(me: CheckingClient, address: str, references: set[str]) -> bool:
    """Say whether an address is not there; behind the question mark, whether it is read as if it named nothing."""
    answer = me.get(address)
    if answer.status_code == 404:
        return True
    path, _mark, query = address.partition("?")
    if _names(path, references) or not query:
        return False
    nothing = me.get(f"{path}?" + "&".join(f"{part.partition('=')[0]}=NO-SUCH-THING" for part in query.split("&")))
    return answer.status_code == nothing.status_code and page_of(answer).words == page_of(nothing).words


def _names(text: str, references: set[str]) -> bool:
    return bool(references & set(re.split(r"[/?=&.]", text)) or references & {text})


def _methods(app: Flask, address: str) -> set[str]:
    return set(app.url_map.bind("localhost").allowed_methods(urlsplit(address).path))


def _token(client: CheckingClient) -> str:
    page: Page = page_of(client.get("/home"))
    return next(value for form in page.forms for name, value in form.fields if name == "csrf_token")

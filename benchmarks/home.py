"""The signed-in home page and its first visit, against the floor of `floor.py`, on both databases."""

from __future__ import annotations

import http.client
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import portfolio
from benchmarks.databases import Databases
from benchmarks.load import Round, ask, fetch, median
from benchmarks.machine import serving
from benchmarks.portfolio import SignIn

DEBTS = 5_000
_WARM_UP_SECONDS = 1.0


class PagesDiffer(Exception):
    """The floor doesn't show what the portal shows, so that comparing them would say nothing."""


class NotSignedIn(Exception):
    """Signing in did not lead to the home page."""


# The portal first, then its two floors.
APPS = {"portal": "wsgi:app", "floor": "benchmarks.floor:app", "driver": "benchmarks.floor:driver_app"}


@dataclass(frozen=True, slots=True)
class Compared:
    """The medians of each, and the ratios of the portal to each floor in each turn, from the worst to the best."""

    medians: dict[str, Round]
    ratios: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file of a first visit: bytes of its body as sent, and of the lines before it."""

    path: str
    body: int
    head: int
    encoding: str


def compare(databases: Databases, *, kind: str, folder: Path, rounds: int, seconds: float) -> Compared:
    """Measure the portal's home page against the floor, in turns.

    :raises PagesDiffer: if the floor shows other words than the portal.
    """
    url = databases.empty(kind)
    portfolio.add_lender(url)
    person = portfolio.fill(url, debts=DEBTS, folder=folder)
    databases.settle(url)
    turns: dict[str, list[Round]] = {name: [] for name in APPS}
    with ExitStack() as servers:
        at = {name: servers.enter_context(serving(app, url=url, folder=folder)) for name, app in APPS.items()}
        bare = {"Cookie": sign_in(at["portal"].port, person)}
        as_browser = bare | {"Accept-Encoding": "gzip, deflate, br", "Accept-Language": "en"}
        page = fetch(at["portal"].port, "/home", bare)[1].decode()
        for server in at.values():
            same_words(page, fetch(server.port, "/home", bare)[1].decode())
            ask(server, "/home", as_browser, seconds=_WARM_UP_SECONDS)
        for _ in range(rounds):
            for name, server in at.items():
                turns[name].append(ask(server, "/home", as_browser, seconds=seconds))
    databases.drop(url)
    floors = [name for name in APPS if name != "portal"]
    return Compared(
        medians={name: median(found) for name, found in turns.items()},
        ratios={
            name: tuple(sorted(a.rate / b.rate for a, b in zip(turns["portal"], turns[name], strict=True)))
            for name in floors
        },
    )


def first_visit(databases: Databases, *, folder: Path) -> Sequence[Fetched]:
    """Fetch the signed-in home page and every file that it names, as a browser that has been here never before."""
    url = databases.empty("sqlite")
    portfolio.add_lender(url)
    person = portfolio.fill(url, debts=50, folder=folder)
    with serving(APPS["portal"], url=url, folder=folder) as server:
        headers = {"Cookie": sign_in(server.port, person)}
        page = fetch(server.port, "/home", headers)[1].decode()
        files = re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', page)
        found = [_fetched(server.port, path, headers) for path in ("/home", *files)]
    databases.drop(url)
    return found


def _fetched(port: int, path: str, headers: dict[str, str]) -> Fetched:
    response, body = fetch(port, path, headers | {"Accept-Encoding": "br"})
    head = sum(len(name) + len(value) + 4 for name, value in response.getheaders())
    return Fetched(path=path, body=len(body), head=head, encoding=response.getheader("Content-Encoding") or "none")


def sign_in(port: int, person: SignIn) -> str:
    """Sign in by link and date of birth as a person would; gives the cookie.

    :raises NotSignedIn: if that doesn't lead to the home page.
    """
    address = f"/i/{person.token}"
    asked, page = fetch(port, address, {})
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.decode())
    if token is None:
        raise NotSignedIn(asked.status)
    form = {
        "csrf_token": token[1],
        "day": person.born_on.day,
        "month": person.born_on.month,
        "year": person.born_on.year,
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "POST",
        address,
        body=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Cookie": _cookie(asked)},
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 303 or answer.getheader("Location") != "/home":
        raise NotSignedIn(answer.status)
    # The page itself may add to the cookie once; after that it stays as it is.
    first, _ = fetch(port, "/home", {"Cookie": _cookie(answer)})
    return _cookie(first) or _cookie(answer)


def _cookie(response: http.client.HTTPResponse) -> str:
    return (response.getheader("Set-Cookie") or "").partition(";")[0]


def same_words(ours: str, theirs: str) -> None:
    """Compare what two pages show and which elements they are made of.

    :raises PagesDiffer: if that isn't the same.
    """
    for mine, other in zip(_shown(ours), _shown(theirs), strict=False):
        if mine != other:
            raise PagesDiffer(f"the portal has {mine!r} where the floor has {other!r}")
    if len(_shown(ours)) != len(_shown(theirs)):
        raise PagesDiffer("one of the pages is longer")


def _shown(page: str) -> list[str]:
    page = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    parts = re.split(r"<(/?[a-z0-9]+)[^>]*>", page)
    return [" ".join(unescape(part).split()) for part in parts if part.strip()]

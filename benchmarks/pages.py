"""Pages of somebody who has a plan, one of them as a colleague sees it, each against its floor; a first visit."""

from __future__ import annotations

import http.client
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import colleague, portfolio
from benchmarks.databases import Databases
from benchmarks.load import Round, WrongAnswer, ask, fetch, median
from benchmarks.machine import Server, serving
from benchmarks.portfolio import SignIn

DEBTS = 5_000
_WARM_UP_SECONDS = 1.0


class PagesDiffer(Exception):
    """The floor doesn't show what the portal shows, so that comparing them would say nothing."""


class NotSignedIn(Exception):
    """Signing in did not lead to the home page."""


APPS = {"portal": "wsgi:app", "floor": "benchmarks.floor:app"}
# The measured pages, with what stands in their addresses.
PAGES = {
    "home": "/home",
    "debt": "/debts/{debt}",
    "plan": "/plans/{plan}",
    "change": "/plans/{plan}/change/leave-one-out",
    "preview": "/debts/{other}/preview?amount={payment}&frequency=monthly",
    "person": "/staff/people/{debtor}",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One page: medians of portal and floor, and the ratio of their rates in each turn, from the worst to the best."""

    page: str
    portal: Round
    floor: Round
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Give how many of the floor's answers the portal gives in the same time."""
        return statistics.median(self.ratios)

    @property
    def ratio_by_processor(self) -> float:
        """Give the same by what the servers' processor did; others on the machine change it least."""
        return self.floor.cost / self.portal.cost


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file of a first visit: bytes of its body as sent, and of the lines before it."""

    path: str
    body: int
    head: int
    encoding: str


def compare(databases: Databases, *, kind: str, folder: Path, rounds: int, seconds: float) -> Iterator[Compared]:
    """Measure each page of the portal against its floor, in turns.

    :raises PagesDiffer: if a floor shows other words than the portal.
    """
    url = databases.empty(kind)
    portfolio.add_lender(url)
    person = portfolio.fill(url, debts=DEBTS, folder=folder)
    databases.settle(url)
    with ExitStack() as servers:
        at = {name: servers.enter_context(serving(app, url=url, folder=folder)) for name, app in APPS.items()}
        cookies = {
            "debtor": {"Cookie": sign_in(at["portal"].port, person)},
            "colleague": {"Cookie": colleague.cookie(url, folder=folder)},
        }
        for page, address in PAGES.items():
            path = address.format(
                debt=person.debt, plan=person.plan, other=person.other, payment=person.payment, debtor=person.debtor
            )
            cookie = cookies["colleague" if page == "person" else "debtor"]
            same_words(*(read(server.port, path, cookie) for server in at.values()))
            yield _measured(page, path, at, cookie, rounds=rounds, seconds=seconds)
    databases.drop(url)


def _measured(
    page: str, path: str, at: Mapping[str, Server], cookie: Mapping[str, str], *, rounds: int, seconds: float
) -> Compared:
    asked = {**cookie, "Accept-Encoding": "gzip, deflate, br", "Accept-Language": "en"}
    for server in at.values():
        ask(server, path, asked, seconds=_WARM_UP_SECONDS)
    turns = [{name: ask(server, path, asked, seconds=seconds) for name, server in at.items()} for _ in range(rounds)]
    return Compared(
        page=page,
        portal=median([turn["portal"] for turn in turns]),
        floor=median([turn["floor"] for turn in turns]),
        ratios=tuple(sorted(turn["portal"].rate / turn["floor"].rate for turn in turns)),
    )


def first_visit(databases: Databases, *, folder: Path) -> Sequence[Fetched]:
    """Fetch the signed-in home page and every file that it names, as a browser that has been here never before."""
    url = databases.empty("sqlite")
    portfolio.add_lender(url)
    person = portfolio.fill(url, debts=50, folder=folder)
    with serving(APPS["portal"], url=url, folder=folder) as server:
        headers = {"Cookie": sign_in(server.port, person)}
        page = read(server.port, "/home", headers)
        files = re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', page)
        found = [_fetched(server.port, path, headers) for path in ("/home", *files)]
    databases.drop(url)
    return found


def _fetched(port: int, path: str, headers: dict[str, str]) -> Fetched:
    response, body = fetch(port, path, headers | {"Accept-Encoding": "gzip, br"})
    head = sum(len(name) + len(value) + 4 for name, value in response.getheaders())
    return Fetched(path=path, body=len(body), head=head, encoding=response.getheader("Content-Encoding") or "none")


def read(port: int, path: str, headers: Mapping[str, str]) -> str:
    """Give a page as text.

    :raises WrongAnswer: if the answer isn't 200.
    """
    answer, body = fetch(port, path, headers)
    if answer.status != 200:
        raise WrongAnswer(f"{path}: {answer.status}")
    return body.decode()


def sign_in(port: int, person: SignIn) -> str:
    """Sign in by link and date of birth as a person would; gives the cookies.

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
    cookies = _cookies(asked)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "POST",
        address,
        body=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Cookie": _sent(cookies)},
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 303 or answer.getheader("Location") != "/home":
        raise NotSignedIn(answer.status)
    cookies |= _cookies(answer)
    # The page itself may add to the cookie once; after that it stays as it is.
    first, _ = fetch(port, "/home", {"Cookie": _sent(cookies)})
    return _sent(cookies | _cookies(first))


def _cookies(response: http.client.HTTPResponse) -> dict[str, str]:
    lines = response.headers.get_all("Set-Cookie") or ()
    return dict(line.partition(";")[0].split("=", 1) for line in lines)


def _sent(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


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

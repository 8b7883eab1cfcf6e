"""The helpdesk's search over many people against the same over few: a fixed mix of what is said on the phone."""

from __future__ import annotations

import random
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path

from benchmarks import colleague, portfolio
from benchmarks.databases import Databases
from portal import clock, db
from portal.bulk import Same, insert_columns, new_ids
from portal.db import session, table_of, transaction
from portal.debts.models import Debt, ImportRun, key_of
from portal.helpdesk import finding
from portal.helpdesk.finding import Answer
from portal.ledger import Book
from portal.lenders import settings as lenders
from portal.lenders.models import LenderCard
from portal.people import found_by
from portal.people.models import ContactPoint, Debtor, FoundBy, NameSpelling
from portal.planner import count_anew

FEW = 10_000
MOST_TIMES = 1.5
_AT_ONCE = 5_000
_QUERIES = 400
_SYLLABLES = (
    "ka",
    "ro",
    "vi",
    "ben",
    "sto",
    "mar",
    "lin",
    "de",
    "hor",
    "zu",
    "pe",
    "tan",
    "gri",
    "os",
    "wel",
    "fa",
    "ny",
)
_SURNAMES = 100_000
_GIVEN = 2_000
_SIGNS = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
_SECOND_SIGNS = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志文斌宇浩然子轩晨欣怡梓涵雨佳慧琳雪梅春秋东南北中山水"
)


class NotFound(Exception):
    """A search that was to find somebody found nobody, so its time says nothing."""


@dataclass(frozen=True, slots=True)
class Compared:
    """95 of 100 searches took at most so many milliseconds, over few and over many people; how long it took to fill.

    `shown` is what a colleague waits for, the page with the answer; `found` the finding in it.
    """

    shown: tuple[float, float]
    found: tuple[float, float]
    filled: float
    by_kind: dict[str, tuple[tuple[float, float], tuple[float, float]]]

    @property
    def ratio(self) -> float:
        """Give how many times as long a search over many takes as one over few."""
        return self.shown[1] / self.shown[0]


def _vocabulary(count: int, dice: random.Random) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(dice.choices(_SYLLABLES, k=dice.choice((2, 3, 4, 4, 5))))] = None
    return list(found)


def _names(count: int, dice: random.Random) -> list[str]:
    """Make names as people have them: a few are very common, most are rare; one in five is Chinese."""

    def spread(words: Sequence[str]) -> list[str]:
        weights = list(accumulate(1 / (place + 10) for place in range(len(words))))
        return dice.choices(words, cum_weights=weights, k=count)

    given, family = spread(_vocabulary(_GIVEN, dice)), spread(_vocabulary(_SURNAMES, dice))
    first, second, third = spread(_SIGNS), spread(_SECOND_SIGNS), spread(_SECOND_SIGNS)
    return [
        first[at] + second[at] + (third[at] if at % 3 else "") if at % 5 == 0 else f"{given[at]} {family[at]}".title()
        for at in range(count)
    ]


def fill(url: str, *, people: int) -> None:
    """Write so many people, each with a debt, an e-mail address and a number, as an import leaves them."""
    portfolio.add_lender(url)
    db.connect(url)
    lender, now, today = lenders.by_slug(portfolio.SLUG), clock.now(), date(2026, 1, 2)
    own, run = Same(lender.id.hex), uuid.uuid4()
    with transaction() as s:
        s.add(
            ImportRun(
                lender_id=lender.id, id=run, file_name="made up", file_sha256="0" * 64, as_of=today, state="live",
                started_at=now, touched_at=now,
            )
        )  # fmt: skip
    names = _names(people, random.Random(7))  # noqa: S311 - the same people each time
    known: set[str] = set()
    for start in range(0, people, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, people))
        ids, debts = new_ids(len(numbers)), new_ids(len(numbers))
        at = {"lender_id": own, "created_at": Same(now)}
        contacts = [
            (id_, channel, address)
            for id_, number in zip(ids, numbers, strict=True)
            for channel, address in (("email", f"p{number}@mail.example"), ("sms", f"+1212{2_000_000 + number}"))
        ]
        with transaction():
            insert_columns(
                table_of(Debtor),
                at
                | {
                    "id": ids,
                    "person_key": [f"p{number}" for number in numbers],
                    "name": [names[number] for number in numbers],
                    "language": Same("en"),
                    "zone": Same(lender.zone),
                },
            )
            owners, channels, addresses = zip(*contacts, strict=True)
            insert_columns(
                table_of(ContactPoint),
                at | {"id": new_ids(len(contacts)), "debtor_id": owners, "channel": channels, "address": addresses},
            )
            minor = ("principal", "interest", "penalty", "fees", "costs", "credit")
            insert_columns(
                table_of(Book),
                {"lender_id": own, "id": debts, "currency": Same("USD")} | {f"{name}_minor": Same(0) for name in minor},
            )
            references = [f"LN-{number:07}" for number in numbers]
            insert_columns(
                table_of(Debt),
                at
                | {
                    "id": debts,
                    "debtor_id": ids,
                    "reference": references,
                    "reference_key": list(map(key_of, references)),
                    "state": Same("open"),
                    "product": Same("Personal loan"),
                    "currency": Same("USD"),
                    "annual_rate_ppm": Same(0),
                    "as_of": Same(today),
                    "attributes": Same({}),
                    "import_run_id": Same(run.hex),
                    "line": list(numbers),
                },
            )
            found_by.add_names(
                [(id_, names[number]) for id_, number in zip(ids, numbers, strict=True)],
                lender_id=lender.id,
                known=known,
            )
            found_by.add_addresses(contacts, lender_id=lender.id, new=True)
    with transaction():
        count_anew(Debtor, ContactPoint, Book, Debt, FoundBy, NameSpelling)
    session.remove()


def _slipped(name: str, dice: random.Random) -> str:
    """Swap two letters of the longest word, as one hears or types it."""
    words = name.split()
    longest = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[longest]
    at = dice.randrange(1, len(word) - 1)
    words[longest] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)


def _queries(people: int) -> list[tuple[str, str]]:
    """Give what is typed, each with its kind: people spread over all of them, asked for in turns in every way."""
    names, dice = _names(people, random.Random(7)), random.Random(11)  # noqa: S311 - the same each time
    made = []
    while len(made) < _QUERIES:
        number = dice.randrange(people)
        name = names[number]
        if number % 5 == 0:
            made.append(("Chinese name", name))
            continue
        kind = ("full name", "family name", "name with a slip", "reference", "phone", "e-mail")[len(made) % 6]
        made.append(
            (
                kind,
                {
                    "full name": name,
                    "family name": name.split()[1],
                    "name with a slip": _slipped(name, dice),
                    "reference": f"LN-{number:07}",
                    "phone": f"(212) {2_000_000 + number:,}".replace(",", ""),
                    "e-mail": f"p{number}@mail.example",
                }[kind],
            )
        )
    return made


class _Asked:
    """One portfolio, asked as a colleague asks: by the box, with the answer as a page; and what finding alone takes."""

    def __init__(self, url: str, *, people: int, folder: Path) -> None:
        self._url = url
        self._queries = _queries(people)
        self._app = colleague.application(url, folder=folder)
        self._browser, _user = colleague.signed_in(self._app)
        self._token = colleague.token_of(self._browser.get("/staff/people").text)
        lender = lenders.by_slug(portfolio.SLUG)
        self._lender = LenderCard(**{name: getattr(lender, name) for name in LenderCard.__dataclass_fields__})
        session.remove()

    def found(self) -> list[tuple[str, float]]:
        """Give what finding takes, query by query, in milliseconds."""
        return self._round(self._find)

    def shown(self) -> list[tuple[str, float]]:
        """Give what a page with the answer takes, from what is sent to the last byte."""
        return self._round(self._show)

    def _find(self, typed: str) -> bool:
        answer = finding.find(typed, lender=self._lender)
        session.rollback()
        return isinstance(answer, Answer) and bool(answer.people)

    def _show(self, typed: str) -> bool:
        page = self._browser.post("/staff/people", data={"csrf_token": self._token, "typed": typed})
        return "Nobody was found" not in page.text and "/staff/people/" in page.text

    def _round(self, ask: Callable[[str], bool]) -> list[tuple[str, float]]:
        db.connect(self._url)
        # A server has read its first pages long ago.
        for _kind, typed in self._queries[:20]:
            ask(typed)
        took = []
        for kind, typed in self._queries:
            begun = time.perf_counter()
            there = ask(typed)
            took.append((kind, (time.perf_counter() - begun) * 1000))
            if not there:
                raise NotFound(kind, typed)
        session.remove()
        return took


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def compare(databases: Databases, *, kind: str, many: int, rounds: int, folder: Path) -> Compared:
    """Search in a small and in a large portfolio in turns; gives medians of what 95 of 100 searches took."""
    urls = {FEW: databases.empty(kind), many: databases.empty(kind)}
    begun = time.perf_counter()
    for people, url in urls.items():
        fill(url, people=people)
        databases.settle(url)
    filled = time.perf_counter() - begun
    asked = {people: _Asked(url, people=people, folder=folder) for people, url in urls.items()}
    shown: dict[int, list[list[tuple[str, float]]]] = {people: [] for people in urls}
    found: dict[int, list[list[tuple[str, float]]]] = {people: [] for people in urls}
    for _ in range(rounds):
        for people, one in asked.items():
            shown[people].append(one.shown())
            found[people].append(one.found())

    def p95(took: dict[int, list[list[tuple[str, float]]]], of: str | None = None) -> tuple[float, float]:
        few, much = (
            statistics.median(_p95([time_ for name, time_ in one if of in (None, name)]) for one in took[people])
            for people in urls
        )
        return few, much

    kinds = dict.fromkeys(name for name, _typed in _queries(FEW))
    made = Compared(p95(shown), p95(found), filled, {name: (p95(shown, name), p95(found, name)) for name in kinds})
    for url in urls.values():
        databases.drop(url)
    return made

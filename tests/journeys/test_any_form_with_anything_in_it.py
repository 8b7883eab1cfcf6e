"""Send every form of every page with what nobody should send: a clear sentence comes back, and nothing is written.

Forms are found on the pages of the table. Words that people may write freely, in areas of text, are another matter:
they may be taken, and must come out again harmless.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import wtforms
from flask import Flask
from sqlalchemy import Connection, event

import portal.db
from portal.app import LARGEST_FORM
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from tests.conftest import Clock
from tests.debtor_pages import PAGES, DebtorPage
from tests.journeys.acts import Stripe, come_by_link, come_in
from tests.journeys.test_any_reference_of_somebody_else import route_of
from tests.pages import CheckingClient, FormOnPage, Page, page_of
from tests.scene import Scene
from tests.turns import ALL, turn

MARK = "zq7"
A_LETTER = "a hundred thousand"
BAD = {
    "nothing": "",
    "spaces": "   ",
    "too much": f"{MARK} " + "9" * 5_000,
    "markup": f"<script>alert('{MARK}')</script>\"'><img src=x onerror={MARK}>",
    "a template": f"{{{{ {MARK} }}}} %s %(name)s {{0}} ${{x}}",
    "emoji": f"{MARK} 😭💸👨‍👩‍👧",
    "right to left": f"{MARK} ديون ‮עברית‬",
    "signs that no database keeps": f"{MARK}\x00\x1b\ufffe\u200b",
    "half a sign": f"{MARK}\ud83d",
    "minus": "-1",
    "no number": "NaN",
    "a number beyond all": "1e400",
    "a year beyond all": "99999999999999999999",
    A_LETTER: f"{MARK} " + "x" * 100_000,
}
# What one database may refuse and another take; all else is answered before any is asked.
OF_A_DATABASE = {
    "nothing",
    "too much",
    "emoji",
    "signs that no database keeps",
    "half a sign",
    "a number beyond all",
    "a year beyond all",
}
# Sentences of the library's own, which name nothing and are nobody's to read.
LIBRARYS = {
    said
    for path in Path(wtforms.__file__).parent.rglob("*.py")
    for said in re.findall(r'gettext\(\s*"([^"%]{9,})', path.read_text())
}
# Fields that a form needs to be itself; they are kept.
OWN = {"csrf_token", "form_key"}
# Lines of text in which everybody may write what they like.
FREE = {
    "name": "what somebody calls a passkey",
    "password": "any sign may be in one",
    "again": "the same",
    "reason": "why a colleague opens a page, in whatever words",
    "about": "what a call was about, in whatever words",
}
# What is looked for may be anything; that nobody is found is an answer.
SEARCHES = {"typed"}
# Kinds of boxes that take any text.
WRITTEN = {"text", "textarea", "email", "tel", "search", "url"}
# Forms that are everywhere, checked with their features.
ELSEWHERE = ("/language", "/sign-out")
A_WRITE = re.compile(r'\s*(?:insert into|delete from)\s+"?(\w+)', re.IGNORECASE)
A_SENTENCE = re.compile(r"\w+ \w+ \w+|[\u4e00-\u9fff]{4}")
# What may be written although an answer was refused: a wrong try is counted, a look is noted.
MAY_GROW = {"sign_in_attempt", "job", "evidence_record", "message"}


@pytest.fixture
def scene(app: Flask, lender: Lender, stripe: Stripe) -> Scene:
    return Scene(app, lender=lender, sandbox=stripe.sandbox)


@contextmanager
def taken_back(connection: Connection) -> Iterator[None]:
    """Let whatever is written inside be gone afterwards."""
    portal.db.session.remove()
    nested = connection.begin_nested()
    yield
    portal.db.session.remove()
    nested.rollback()


@contextmanager
def written_to(connection: Connection) -> Iterator[set[str]]:
    """Give the tables that get or lose rows inside; counting them all after each answer would take most of the time.

    What is tried and undone, as a page does that shows what an act would do, leaves nothing.
    """
    found: set[str] = set()
    before: dict[str, set[str]] = {}

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if (said := A_WRITE.match(statement)) is not None:
            found.add(said[1])

    def begun(_c: object, name: str) -> None:
        before[name] = set(found)

    def undone(_c: object, name: str, _context: object) -> None:
        found.intersection_update(before.pop(name, set()))

    listening = {"before_cursor_execute": note, "savepoint": begun, "rollback_savepoint": undone}
    for name, listener in listening.items():
        event.listen(connection, name, listener)
    try:
        yield found
    finally:
        for name, listener in listening.items():
            event.remove(connection, name, listener)


class Controls(Page):
    """A page that also knows the kind of each control."""

    def kinds(self) -> dict[str, str]:
        return {given["name"]: given.get("type", tag) for tag, given in self.controls if given.get("name")}


def shown_forms(visitor: CheckingClient, address: str) -> list[tuple[str, FormOnPage, dict[str, str]]]:
    """Give the forms of a page that somebody types into or chooses from, each with where it goes and its controls."""
    page = Controls(visitor.get(address).get_data(as_text=True))
    found = []
    for form in page.forms:
        target = urljoin(address, form.action or address)
        typed = {name: kind for name, kind in page.kinds().items() if name in form.names - OWN}
        if typed and form.method == "post" and urlsplit(target).path not in ELSEWHERE:
            found.append((target, form, typed))
    return found


def test_every_form_answers_whatever_is_sent_and_every_page_has_a_head_and_neither_writes(
    app: Flask, scene: Scene, outer_connection: Connection, database: str
) -> None:
    wrong: list[str] = []
    tried: set[tuple[str, ...]] = set()
    bad = BAD if database == "sqlite" else {what: value for what, value in BAD.items() if what in OF_A_DATABASE}
    for page in PAGES:
        if page.typed is not None or page.ours:
            continue
        wrong += _by_its_head(page, scene, outer_connection)
        if page.status != 200:
            continue
        visitor = scene.visitor(page.who, strong=page.strong)
        address = scene.path(page.path, page.who)
        with taken_back(outer_connection):
            if page.code_sent:
                visitor.fill(visitor.get(address), {"again": "1"})
            for target, form, typed in shown_forms(visitor, address):
                # Many pages of the table show the same form to different people.
                route = route_of(app, target, "POST")
                same = (route[0] if route else target, *sorted(form.names))
                if same in tried:
                    continue
                tried.add(same)
                for what, value in _in_turn(bad, number=len(tried)):
                    for into in _one_box_each(typed) if what == A_LETTER else (_as_many_as_fit(typed, value),):
                        with taken_back(outer_connection), written_to(outer_connection) as tables:
                            found = _sent(visitor, target, form, into, value, tables)
                        wrong += [f"{page.name}: {sorted(into)} with {what}: {said}" for said in found]
    assert wrong == [], "\n".join(wrong)
    assert len(tried) >= 30


def _in_turn(bad: dict[str, str], *, number: int) -> list[tuple[str, str]]:
    """Give every third of what may be sent, so that three forms in a row get all of it; with FAULTS=all, everything."""
    return [each for place, each in enumerate(bad.items()) if ALL or (place + number + turn()) % 3 == 0]


def _by_its_head(page: DebtorPage, scene: Scene, connection: Connection) -> list[str]:
    """Look only at the head of a page, as scanners of mail do, and browsers that look ahead."""
    visitor = scene.visitor(page.who, strong=page.strong)
    with taken_back(connection), written_to(connection) as tables:
        answer = visitor.head(scene.path(page.path, page.who))
    # A page about a payment may have Stripe asked about it.
    if answer.status_code != page.status or answer.data or tables - {"job"}:
        return [f"{page.name}, its head: {answer.status_code}, {sorted(tables)}"]
    return []


def _one_box_each(typed: dict[str, str]) -> Iterator[dict[str, str]]:
    """Give each box that is written in, with a thing chosen beside it: nobody pastes a letter into two of them."""
    one = dict([(name, kind) for name, kind in typed.items() if kind == "radio"][:1])
    return ({name: kind, **one} for name, kind in typed.items() if kind in WRITTEN or kind == "number")


def _as_many_as_fit(typed: dict[str, str], value: str) -> dict[str, str]:
    """Give the first boxes that all hold a value before a form is too much at once; only a few forms have more."""
    return dict(list(typed.items())[: max(1, LARGEST_FORM // (len(_quoted(value)) + 200))])


def _sent(
    visitor: CheckingClient, target: str, form: FormOnPage, typed: dict[str, str], value: str, tables: set[str]
) -> list[str]:
    """Send a form with one value in everything that is typed or chosen; gives what is wrong with the answer."""
    data = {**dict(form.fields), **dict.fromkeys(typed, value)}
    body = "&".join(f"{name}={_quoted(text)}" for name, text in data.items())
    answer = visitor.post(target, data=body.encode(), content_type="application/x-www-form-urlencoded")
    free = any(kind == "textarea" or name in FREE for name, kind in typed.items())
    if answer.status_code >= 500:
        return [f"{answer.status_code}"]
    if 300 <= answer.status_code < 400:
        # Some answers are right: words in an area of text, or a form whose fields may all stay empty.
        if value.strip() and not free:
            return [f"was taken, and leads to {answer.location}"]
        return _harmless(visitor.get(answer.location).get_data(as_text=True))
    found = []
    text = answer.get_data(as_text=True)
    page = page_of(answer)
    if answer.status_code == 200 and not SEARCHES & typed.keys():
        found.append("200, as if it were right")
    if not A_SENTENCE.search(page.words):
        found.append("no sentence")
    if answer.status_code == 413:
        found.append("everything is lost")
    found += [f"says {said!r}" for said in LIBRARYS if said in page.words]
    if answer.status_code == 422 and "error-summary" not in text and 'class="field-error"' not in text:
        found.append("does not say what is wrong")
    found += _harmless(text)
    typing = [name for name, kind in typed.items() if kind in WRITTEN]
    if answer.status_code == 422 and MARK in value and typing and "\x00" not in value and "\ud83d" not in value:
        kept = {name: text for other in page.forms for name, text in other.fields}
        lost = [name for name in typing if MARK not in kept.get(name, "")]
        found += [f"what was typed in {name} is lost" for name in lost]
    return found + [f"writes into {table}" for table in sorted(tables - MAY_GROW)]


def _harmless(text: str) -> list[str]:
    """Look for what was sent as markup and came back as markup."""
    raw = f"<script>alert('{MARK}" in text or f"<img src=x onerror={MARK}" in text
    return ["comes back as markup"] if raw else []


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def test_a_sign_that_no_database_keeps_does_no_harm_in_an_address_or_a_hidden_field(
    client: CheckingClient, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    for address in ("/help?debt=%00", "/pay?debt=%00", "/help/complain?debt=%00", "/requests/%00", "/?%00=1"):
        assert client.get(address).status_code == 404, address
    shown = [client.get(address) for address in ("/you/contacts/add", "/help/complain", "/help/talk-to-a-person")]
    for page in shown:
        hidden = "\x00" * 32
        assert client.fill(page, {"form_key": hidden}).status_code in (200, 422), page.request.path
    # What is typed when the time is up is kept, without it.
    clock.forward(minutes=31)
    client.fill(shown[0], {"address": "robin\x00@example"})
    back = come_by_link(client, debt)
    assert (
        dict(next(form for form in page_of(back).forms if "address" in form.names).fields)["address"] == "robin@example"
    )


def test_an_answer_that_was_not_offered_is_told_by_its_question(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    for language, said in (
        ("en", "Choose one of the answers under “How often?”."),
        ("zh_Hans", "请在“多久还一次？”下面的选项中选一个。"),
    ):
        client.fill(client.get("/help"), {"language": language, "next": "/help"}, to="/language")
        answer = client.fill(
            client.get(f"/debts/{debt.reference}/what-can-you-afford"), {"amount": "50", "frequency": "hourly"}
        )
        assert answer.status_code == 422
        assert page_of(answer).says(said), page_of(answer).words


def test_what_is_wrong_with_one_of_several_sums_says_with_which(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    client.fill(client.get(f"/debts/{debt.reference}/what-can-you-afford"), {"amount": "50"})
    page = client.get(f"/debts/{debt.reference}/your-budget")
    answer = client.fill(page, {"earnings": "some", "food": "400 quid or so"})
    summary = answer.get_data(as_text=True).partition('class="error-summary"')[2].partition("</ul>")[0]
    assert answer.status_code == 422
    assert "Pay from work: Enter the amount in numbers" in summary
    assert "Food and household: Enter the amount in numbers" in summary


def test_what_takes_long_to_look_at_is_not_looked_at(client: CheckingClient, lender: Lender) -> None:
    """Signs on which a pattern or Unicode's own order of marks works by the square of their number."""
    shown = client.get("/help/talk-to-a-person")
    marks = "a" + "\u0301\u0323" * 50_000
    for typed, said in (
        ({"contact": "a@" + "." * 90_000 + " x"}, "“Your phone number or e-mail” is too long"),
        ({"contact": "a@b.example", "words": marks}, "it has 100001 now"),
        ({"contact": "a@b.example", "reference": marks}, "is too long. Shorten it to 80 characters."),
    ):
        began = time.process_time()
        answer = client.fill(shown, typed, to="/help/talk-to-a-person")
        assert time.process_time() - began < 3
        assert answer.status_code == 422 and page_of(answer).says(said), page_of(answer).words


def test_more_than_any_form_has_is_too_much_at_once(client: CheckingClient, lender: Lender) -> None:
    for body in (b"a&" * 1_001, b"a=" + b"x" * 1_100_000):
        answer = client.post("/sign-in", data=body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413
        assert page_of(answer).says("That was too much at once")


def test_a_stranger_sees_the_same_care(client: CheckingClient, lender: Lender) -> None:
    """Half a form, another kind of form and a form that is none: words come back, never a fault."""
    for kind, body in (
        ("application/json", b"{"),
        ("multipart/form-data; boundary=x", b"--x\r\nnothing"),
        ("multipart/form-data", b"no boundary"),
        ("text/plain", b"\xff\xfe"),
        ("application/x-www-form-urlencoded", b"%zz&=&=&;" + b"a=&" * 2_000),
    ):
        answer = client.post("/sign-in", data=body, content_type=kind)
        assert 400 <= answer.status_code < 500, (kind, answer.status_code)
        assert A_SENTENCE.search(page_of(answer).words), kind

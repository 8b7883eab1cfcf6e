"""A lender makes letters for many debts at once: counted first, begun with a reason, each once, and what can't be."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal import jobs, queue
from portal.batches import acts as batches
from portal.batches.models import LetterBatch, LetterBatchItem
from portal.db import session, transaction
from portal.debts.models import Debt
from portal.debts.statement import Standing
from portal.lenders.models import Lender
from portal.letters import issue
from portal.letters.contents import Letter
from portal.letters.models import IssuedLetter
from portal.letters.sheet import MissingGlyph, Rendered
from portal.queue import QueuedJob
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt, a_lender
from tests.journeys.acts import acts_of, agree, come_in, work
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.journeys.test_letters_of_the_end import arrives
from tests.pages import CheckingClient, page_of
from tests.settling import SETTLEMENTS, a_plan, a_settlement

REASON = "A bank asks for them."


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let letters take no time to draw; gives the references of the debts that they were drawn for.

    One whose reference begins with H has a character that no font has, one with F fails.
    """
    done: list[str] = []

    def blank(letter: Letter, **_more: object) -> Rendered:
        if letter.debt_reference.startswith("H"):
            raise MissingGlyph(("ส",))
        done.append(letter.debt_reference)
        if letter.debt_reference.startswith("F"):
            raise RuntimeError("a mistake of ours")
        return Rendered(f"%PDF of {letter.debt_reference}".encode(), 1)

    monkeypatch.setattr(issue, "drawn", blank)
    return done


@pytest.fixture
def finance(app: Flask, lender: Lender) -> CheckingClient:
    browser = a_client(app)
    come_to_work(browser, a_worker(app, lender, Role.FINANCE))
    return browser


def ask(browser: CheckingClient, **values: str) -> int:
    """Ask for a batch; gives its number."""
    shown = browser.fill(browser.get("/staff/letters/new"), {"chosen": "open", **values})
    return int(shown.request.path.rpartition("/")[2])


def begin(browser: CheckingClient, number: int) -> None:
    browser.fill(browser.get(f"/staff/letters/{number}"), {"why": REASON})


def states(number: int) -> dict[str, str]:
    session.rollback()
    item = LetterBatchItem
    return {
        row.reference: row.state
        for row in session.execute(
            select(item.reference, item.state)
            .join(LetterBatch, (LetterBatch.lender_id == item.lender_id) & (LetterBatch.id == item.batch_id))
            .where(LetterBatch.number == number)
        )
    }


def make_one(app: Flask, name: str = batches.MAKE) -> bool:
    return queue.run_one({name: jobs.table(app)[name]})


def test_a_batch_is_counted_then_made_once_with_what_cannot_be_made_and_why(
    app: Flask, lender: Lender, finance: CheckingClient, drawn: list[str], clock: Clock
) -> None:
    for reference in ("A-1", "=A-2", "H-3", "F-4", "R-5"):
        a_debt(lender=lender, reference=reference)
    assert page_of(finance.get("/staff/letters")).says("No batch yet")
    nothing = finance.fill(finance.get("/staff/letters/new"), {"chosen": "listed"})
    assert nothing.status_code == 422 and page_of(nothing).says("List the references")
    form = finance.get("/staff/letters/new")
    listed = {"chosen": "listed", "listed": 'Reference;Name\nA-1;"X"\n=A-2\nH-3\nF-4\nR-5\nA-1\nNO-6'}
    shown = finance.fill(form, listed)
    # The same form a second time is the same batch.
    assert finance.fill(form, listed).request.path == shown.request.path == "/staff/letters/1"
    assert page_of(shown).says("5 letters · about 1 minute") and page_of(shown).says("NO-6")
    assert states(1) == {} and drawn == []
    assert finance.fill(shown, {"why": " "}).status_code == 422
    assert page_of(finance.fill(shown, {"why": REASON})).says("The letters are being made")
    assert page_of(finance.fill(shown, {"why": REASON})).says("it was so already")
    work(app, only=batches.PREPARE)
    running = finance.get("/staff/letters/1")
    assert page_of(running).says("0 of 5 letters") and running.headers["Refresh"] == "5"
    assert "Refresh" not in finance.get("/staff/letters/1?still=1").headers
    with transaction() as s:
        s.execute(update(Debt).where(Debt.reference == "R-5").values(state="recalled"))
    work(app)
    assert states(1) == {"A-1": "made", "=A-2": "made", "H-3": "by_hand", "F-4": "not_made", "R-5": "not_made"}
    # A mistake of ours is tried three times, and stops nobody.
    assert sorted(drawn) == ["=A-2", "A-1", "F-4", "F-4", "F-4"]
    done = finance.get("/staff/letters/1")
    assert page_of(done).says("Done") and page_of(done).says("the debt was recalled")
    assert page_of(done).says("a person prepares it by hand") and "Refresh" not in done.headers
    rows = finance.get("/staff/letters/1/letters.csv").get_data(as_text=True)
    assert len(rows.splitlines()) == 7 and "'=A-2,made,LT" in rows and "NO-6,not_made,,,unknown" in rows
    assert "A-1,made" not in finance.get("/staff/letters/1/letters.csv?which=not_made").get_data(as_text=True)
    answer = finance.fill(done, to="letters.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        found = {name.partition("-LT")[0]: archive.read(name).decode() for name in archive.namelist()}
    assert found == {"A-1": "%PDF of A-1", "-A-2": "%PDF of =A-2"}
    acts = acts_of(lender.id)
    assert acts["letter_issued"] == 2 and acts["staff_looked"] == 1
    assert {name: acts[f"letter_batch_{name}"] for name in ("asked", "begun", "done")} == {
        "asked": 1,
        "begun": 1,
        "done": 1,
    }
    clock.forward(minutes=1)
    # On the same day there is no second letter: another batch has the one that is there.
    again = ask(finance)
    begin(finance, again)
    work(app)
    assert states(again) == {"A-1": "there", "=A-2": "there", "H-3": "by_hand", "F-4": "not_made"}
    assert session.scalar(select(func.count()).select_from(IssuedLetter)) == 2


def test_a_batch_is_paused_gone_on_with_and_called_off_and_other_work_goes_first(
    app: Flask, lender: Lender, finance: CheckingClient, drawn: list[str], clock: Clock
) -> None:
    for number in range(12):
        a_debt(lender=lender, reference=f"P-{number:02}")
    number = ask(finance)
    begin(finance, number)
    assert make_one(app, batches.PREPARE)
    with transaction():
        queue.later("post.deliver", lender_id=lender.id, payload={})
    # Something else waits: one letter, and then that has its turn.
    assert make_one(app) and len(drawn) == 1
    with transaction() as s:
        s.execute(update(QueuedJob).where(QueuedJob.name == "post.deliver").values(state="done"))
    # A whole lane.
    assert make_one(app) and len(drawn) == 4
    page = finance.get(f"/staff/letters/{number}")
    assert page_of(finance.fill(page, to="/pause")).says("It is paused")
    assert page_of(finance.fill(page, to="/pause")).says("it was so already")
    work(app)
    assert len(drawn) == 4
    assert page_of(finance.get(f"/staff/letters/{number}")).says("4 of 12 letters")
    page = finance.get(f"/staff/letters/{number}")
    assert page_of(finance.fill(page, to="/go-on")).says("It goes on")
    assert make_one(app)
    made = len(drawn)
    assert 4 < made < 12
    finance.fill(finance.get(f"/staff/letters/{number}"), to="/call-off")
    work(app)
    assert len(drawn) == made == len(set(drawn))
    shown = page_of(finance.get(f"/staff/letters/{number}"))
    assert shown.says("Called off")
    assert page_of(finance.fill(page, to="/go-on")).says("not possible any more")
    clock.forward(minutes=1)
    # Where no worker came for long, somebody can begin it anew.
    second = ask(finance)
    begin(finance, second)
    assert make_one(app, batches.PREPARE)
    with transaction() as s:
        s.execute(update(QueuedJob).values(state="dead"))
    assert not page_of(finance.get(f"/staff/letters/{second}")).says("No letter was made for a while")
    clock.forward(minutes=21)
    page = finance.get(f"/staff/letters/{second}")
    assert page_of(page).says("No letter was made for a while")
    finance.fill(page, to="/go-on")
    work(app)
    assert set(states(second).values()) == {"made", "there"} and len(drawn) == 12 == len(set(drawn))


def test_a_letter_of_a_batch_is_drawn_and_the_person_finds_it(
    app: Flask, lender: Lender, debt: Standing, finance: CheckingClient, client: CheckingClient
) -> None:
    come_in(client, debt)
    agree(client, debt)
    begin(finance, ask(finance, chosen="plan"))
    work(app)
    assert page_of(client.get("/letters")).says("Statement of account")
    assert session.scalars(select(IssuedLetter.pdf)).one().startswith(b"%PDF-")
    assert page_of(client.get("/timeline")).says("We made a statement of account")


def test_only_who_may_and_only_of_the_own_lender(app: Flask, lender: Lender, finance: CheckingClient) -> None:
    a_debt(lender=lender)
    number = ask(finance)
    agent, auditor = a_client(app), a_client(app)
    come_to_work(agent, a_worker(app, lender, Role.HELPDESK, email="hel@linden.example"))
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR, email="aud@linden.example"))
    assert agent.get("/staff/letters").status_code == 403
    assert agent.get(f"/staff/letters/{number}").status_code == 403
    assert auditor.get("/staff/letters/new").status_code == 403
    assert not [form for form in page_of(auditor.get(f"/staff/letters/{number}")).forms if "/letters/" in form.action]
    other = a_lender()
    worker = a_worker(app, other, Role.FINANCE, email="oth@linden.example")
    stranger = a_client(app)
    step = stranger.fill(
        stranger.get(f"/staff/sign-in?lender={other.slug}"),
        {"lender": other.slug, "email": worker.email, "password": "seven quiet lamps under water"},
    )
    stranger.fill(step, {"code": worker.code()})
    assert stranger.get("/staff/letters").status_code == 200
    for path in (f"/staff/letters/{number}", f"/staff/letters/{number}/letters.csv"):
        assert stranger.get(path).status_code == 404


def test_every_kind_is_made_for_whom_it_is_true_and_the_others_are_left_out_with_the_reason(
    app: Flask, drawn: list[str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lender = a_lender(limits=STANDARD_LIMITS + SETTLEMENTS)
    finance = a_client(app)
    come_to_work(finance, a_worker(app, lender, Role.FINANCE))
    debts = {name: a_debt("800.00", lender=lender, reference=name) for name in ("OWES", "PAID", "DEBIT", "PLAN")}
    debts["LESS"] = a_debt("800.00", lender=lender, reference="LESS", interest="12.00")
    arrives(app, debts["PAID"], monkeypatch, amount="800.00")
    arrives(app, debts["DEBIT"], monkeypatch, amount="800.00", by="us_bank_account")
    arrives(app, debts["LESS"], monkeypatch, amount="806.00", plan=a_settlement(debts["LESS"], pays="806.00").reference)
    a_plan(debts["PLAN"])
    left, out = "left_out", dict.fromkeys(debts, "left_out")
    made = {
        "paid-in-full": out | {"PAID": "made"},
        "settlement-satisfied": out | {"LESS": "made"},
        "plan-agreement": out | {"PLAN": "made"},
        "credit-status": dict.fromkeys(debts, "made"),
    }
    reasons = {
        "paid-in-full": {"OWES": "still_owed", "DEBIT": "bank_can_take_back", "LESS": "let_off", "PLAN": "still_owed"},
        "settlement-satisfied": {"PAID": "nothing_let_off", "OWES": "still_owed"},
        "plan-agreement": {"PAID": "not_agreed", "OWES": "not_agreed"},
        "credit-status": {},
    }
    for kind, expected in made.items():
        before = len(drawn)
        number = ask(finance, kind=kind)
        asked = page_of(finance.get(f"/staff/letters/{number}"))
        assert asked.says("At most 5 letters") != (kind == "credit-status")
        begin(finance, number)
        work(app)
        rows = finance.get(f"/staff/letters/{number}/letters.csv").get_data(as_text=True).splitlines()[1:]
        found = {row.split(",")[0]: row.split(",") for row in rows}
        assert {name: row[1] for name, row in found.items()} == expected, kind
        assert {name: found[name][4] for name in reasons[kind]} == reasons[kind]
        assert sorted(drawn[before:]) == sorted(name for name, state in expected.items() if state == "made")
        done = page_of(finance.get(f"/staff/letters/{number}"))
        assert done.says("Why debts were left out") == (left in expected.values())
        assert not done.says("What could not be made")
        only = finance.get(f"/staff/letters/{number}/letters.csv?which=left_out").get_data(as_text=True)
        assert len(only.splitlines()) == 1 + [*expected.values()].count(left)
        assert finance.get(f"/staff/letters/{number}/letters.csv?which=else").status_code == 404
        # The next batch has the letter of this one.
        clock.forward(minutes=1)
        again = ask(finance, kind=kind)
        begin(finance, again)
        work(app)
        others = {"not_made"} if left in expected.values() else set()
        assert set(states(again).values()) == {"there"} | others
    # What makes letters by itself comes after, and finds them there.
    work(app, letters=True)
    causes = session.scalars(select(IssuedLetter.cause)).all()
    assert len(causes) == len(set(causes))

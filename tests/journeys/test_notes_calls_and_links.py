"""What the helpdesk writes down and sends during a call: notes, calls, links; and requests that go to somebody else."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest
from portal.db import session
from portal.debts.statement import Standing
from portal.helpdesk.models import PersonCall, PersonNote
from portal.lenders.models import Lender
from portal.people.models import Invitation
from portal.post.models import Message
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import BORN_ON, a_debt, a_debtor
from tests.journeys.acts import acts_of, come_in, rows
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def worker(app: Flask, lender: Lender) -> CheckingClient:
    """The browser of somebody of the helpdesk."""
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, name="Hel Desk"))
    return client


@pytest.fixture
def path(debt: Standing) -> str:
    """Where the person's pages begin."""
    return f"/staff/people/{debt.debtor_id}"


def test_a_note_is_corrected_by_another_and_never_edited(
    client: CheckingClient, worker: CheckingClient, debt: Standing, path: str
) -> None:
    form = worker.get(f"{path}/notes/new")
    page = worker.fill(form, {"text": "Works nights."})
    assert page_of(page).says("Works nights.")
    worker.fill(form, {"text": "Works nights."})
    [first] = session.scalars(select(PersonNote)).all()
    corrected = worker.fill(worker.get(f"{path}/notes/new?instead={first.id}"), {"text": "Works days."})
    assert "<s>Works nights.</s>" in corrected.get_data(as_text=True)
    assert page_of(corrected).says("Works days.")
    # Two at once correct a note once.
    late = worker.fill(worker.get(f"{path}/notes/new?instead={first.id}"), {"text": "Works evenings."})
    assert page_of(late).says("That note was corrected or taken back just now.")
    assert [note.text for note in session.scalars(select(PersonNote).order_by(PersonNote.id))] == [
        "Works nights.",
        "Works days.",
    ]
    assert acts_of(debt.lender_id)["note_written"] == 2
    come_in(client, debt)
    timeline = page_of(client.get("/timeline"))
    assert timeline.says("Hel Desk wrote a note about you")
    assert not timeline.says("Works nights.")
    csv = worker.get(f"{path}/notes.csv").get_data(as_text=True)
    assert "Works days." in csv


def test_a_note_is_taken_back_by_its_writer_within_ten_minutes(
    app: Flask, lender: Lender, worker: CheckingClient, path: str, clock: Clock
) -> None:
    shown = worker.fill(worker.get(f"{path}/notes/new"), {"text": "Typed into the wrong page."})
    other = a_client(app)
    come_to_work(other, a_worker(app, lender, Role.HELPDESK, email="two@linden.example", name="Two"))
    assert not any(form.action.endswith("/take-back") for form in page_of(other.get(f"{path}/notes")).forms)
    assert page_of(worker.fill(shown, to="/take-back")).says("The note is taken back.")
    assert not page_of(worker.get(f"{path}/notes")).says("Typed into the wrong page.")
    kept = worker.fill(worker.get(f"{path}/notes/new"), {"text": "This one stays."})
    clock.forward(minutes=10)
    assert page_of(worker.fill(kept, to="/take-back")).says("It can’t be taken back any more.")
    assert page_of(worker.get(f"{path}/notes")).says("This one stays.")


def test_a_call_is_written_down_once(worker: CheckingClient, debt: Standing, path: str) -> None:
    form = worker.get(f"{path}/calls/new")
    refused = worker.fill(form, {"about": "The letter"})
    assert refused.status_code == 422
    assert page_of(refused).says("Say who called.")
    assert "The letter" in refused.get_data(as_text=True)
    said = {"direction": "out", "reached": "no", "agreed": "not_asked", "about": "=The letter"}
    for _click in range(2):
        assert page_of(worker.fill(form, said)).says("We called them")
    assert len(session.scalars(select(PersonCall)).all()) == 1
    assert acts_of(debt.lender_id)["call_noted"] == 1
    assert "'=The letter" in worker.get(f"{path}/calls.csv").get_data(as_text=True)


@pytest.mark.parametrize(("to", "leads"), [("page", "/home"), ("pay", "/pay")])
def test_a_link_goes_to_a_contact_on_file_and_is_seen_by_nobody_else(
    client: CheckingClient, worker: CheckingClient, debt: Standing, path: str, to: str, leads: str
) -> None:
    form = worker.get(f"{path}/link")
    for _click in range(2):
        done = worker.fill(form, {"to": to})
        assert page_of(done).says("The link is on its way")
    [message] = session.scalars(select(Message).where(Message.kind == "link_asked_for")).all()
    assert message.address == "robin@example.com"
    assert len(session.scalars(select(Invitation)).all()) == 1
    link = re.search(r"http://localhost(/i/\S+)", message.body)
    assert link is not None
    for tab in ("", "/letters", "/timeline", "/notes"):
        assert link[1].partition("?")[0] not in worker.get(path + tab).get_data(as_text=True)
    born = {"day": str(BORN_ON.day), "month": str(BORN_ON.month), "year": str(BORN_ON.year)}
    arrived = client.fill(client.get(link[1]), born)
    assert arrived.request.path == leads
    assert page_of(client.get("/timeline")).says("Hel Desk sent you a link")


def test_where_nothing_may_be_sent_nothing_is(worker: CheckingClient, lender: Lender) -> None:
    nobody = a_debt(lender=lender, debtor=a_debtor(lender=lender, email=None))
    before = rows()
    said = worker.fill(worker.get(f"/staff/people/{nobody.debtor_id}/link"), {"to": "pay"})
    assert page_of(said).says("No link was sent")
    assert {name for name, count in rows().items() if count != before[name]} == {"evidence_record"}


def test_an_auditor_reads_notes_and_writes_none(app: Flask, lender: Lender, worker: CheckingClient, path: str) -> None:
    worker.fill(worker.get(f"{path}/notes/new"), {"text": "Works nights."})
    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR, email="a@linden.example", name="Aud"))
    page = page_of(auditor.get(f"{path}/notes"))
    assert page.says("Works nights.")
    assert not page.says("Write a note")
    for ending in ("/notes/new", "/calls/new", "/link"):
        assert auditor.get(path + ending).status_code == 403


def test_a_request_is_handed_to_a_colleague_or_back(
    app: Flask, client: CheckingClient, worker: CheckingClient, lender: Lender, debt: Standing
) -> None:
    come_in(client, debt)
    client.fill(client.get(f"/help/cant-pay?debt={debt.reference}"), {"words": "I lost my job."})
    other = a_worker(app, lender, Role.SENIOR, email="senior@linden.example", name="Sen Ior")
    a_worker(app, lender, Role.AUDITOR, email="aud@linden.example", name="Aud Itor")
    session.rollback()
    number = session.scalars(select(CareRequest.number)).one()
    page = worker.get(f"/staff/requests/{number}/hand-over")
    assert "Aud Itor" not in page.get_data(as_text=True)
    assert worker.fill(page, {"to": str(other.id), "why": " "}).status_code == 422
    handed = page_of(worker.fill(page, {"to": str(other.id), "why": "Needs a yes above my cap."}))
    assert handed.says("It is handed over.")
    assert handed.says("Needs a yes above my cap.")
    session.rollback()
    assert session.scalars(select(CareRequest.taken_by)).one() == str(other.id)
    back = worker.get(f"/staff/requests/{number}/hand-over")
    worker.fill(back, {"to": "", "why": "On leave from tomorrow."})
    session.rollback()
    request = session.scalars(select(CareRequest)).one()
    assert (request.state, request.taken_by) == ("open", None)
    assert acts_of(lender.id)["request_handed_over"] == 2
    timeline = page_of(client.get("/timeline"))
    assert timeline.says(f"Your request {number} went to another person")
    assert not timeline.says("above my cap")


def test_what_was_typed_on_a_page_that_was_opened_too_long_ago_waits_for_the_reason(
    app: Flask, client: CheckingClient, lender: Lender, debt: Standing, path: str, clock: Clock
) -> None:
    come_in(client, debt)
    door = f"/help/cant-pay?debt={debt.reference}"
    client.fill(client.get(door), {"words": "", "need_large_text": "y"}, to="/help/cant-pay")
    worker, browser = a_worker(app, lender, Role.HELPDESK, name="Hel Desk"), a_client(app)
    come_to_work(browser, worker)
    browser.fill(browser.get(f"{path}/reason"), {"reason": "They called."})
    pages = {
        "notes/new": {"text": "Works nights."},
        "calls/new": {"direction": "in", "reached": "yes", "agreed": "yes", "about": "A later day."},
        "link": {"to": "page"},
    }
    shown = {page: browser.get(f"{path}/{page}") for page in pages}
    for _half_hour in range(9):
        clock.forward(minutes=29)
        browser.get("/staff")
    for page, typed in pages.items():
        late = browser.fill(shown[page], typed, to=page)
        assert late.status_code == 422 and page_of(late).says("What you typed is kept"), page_of(late).words
    assert rows()["person_note"] == rows()["person_call"] == 0
    # Without a reason it waits on; with it, it goes on, and twice is once.
    still = browser.fill(late, {"reason": " "}, to="/link")
    assert still.status_code == 422 and page_of(still).says("Say in a few words why you open this page.")
    for _press in range(2):
        done = browser.fill(still, {"reason": "They called again."}, to="/link")
        assert page_of(done).says("The link is on its way"), page_of(done).words
    assert len(session.scalars(select(Message.id).where(Message.kind == "link_asked_for")).all()) == 1
    assert page_of(browser.fill(shown["notes/new"], pages["notes/new"])).says("Works nights.")
    come_in(client, debt)
    assert page_of(client.get("/timeline")).says("They called again.")


def test_no_text_keeps_the_number_of_a_card(worker: CheckingClient, path: str) -> None:
    form = worker.get(f"{path}/notes/new")
    answer = worker.fill(form, {"text": "Paid by card ４２４２ 4242-4242 4242, she says."})
    assert answer.status_code == 422
    assert page_of(answer).says("looks like the number of a card")
    kept = worker.fill(answer, {"text": "Reference 4242 4242 4242 4241 on the letter."})
    assert page_of(kept).says("4242 4242 4242 4241")

"""A colleague acts for somebody who agreed to it: for half an hour, on record, and the person is told."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.care.models import CareRequest, Need
from portal.db import session
from portal.debts.statement import Standing
from portal.evidence.models import EvidenceRecord
from portal.helpdesk import acting
from portal.helpdesk.models import Consent
from portal.lenders.models import Lender
from portal.post.models import Message
from portal.staff import members
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.journeys.acts import come_in, rows
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


def agreed(worker: CheckingClient, debt: Standing, *, how: str = "phone") -> str:
    """Write down that the person agreed; gives the address of the page."""
    address = f"/staff/people/{debt.debtor_id}/act"
    done = worker.fill(worker.get(address), {"how": how, "about": "To say that paying is hard."}, to="/act")
    assert page_of(done).says("You act for this person until"), page_of(done).words
    return address


def test_what_is_asked_for_somebody_is_marked_and_the_person_is_told(
    client: CheckingClient, worker: CheckingClient, debt: Standing
) -> None:
    address = agreed(worker, debt)
    page = worker.get(f"{address}/ask?door=cant-pay")
    # The questions are those of the person's own page.
    come_in(client, debt)
    own = page_of(client.get(f"/help/cant-pay?debt={debt.reference}"))
    for words in ("What would help most?", "Nobody asks for proof here.", "Tick what helps."):
        assert page_of(page).says(words) and own.says(words)
    sent = worker.fill(page, {"words": "The job is gone.", "need_large_text": "y"}, to="/ask")
    assert page_of(sent).says("It is asked for them, number R-"), page_of(sent).words
    [request] = session.scalars(select(CareRequest)).all()
    assert (request.kind, request.debt_id, request.debtor_id) == ("cant_pay", debt.id, debt.debtor_id)
    assert session.scalars(select(Need.need)).all() == ["large_text"]
    [opened] = session.scalars(select(EvidenceRecord).where(EvidenceRecord.act == "request_opened")).all()
    assert opened.actor_kind == "staff" and '"helper":"Hel Desk"' in opened.entry
    [told] = session.scalars(select(Message).where(Message.kind == "done_for_you")).all()
    assert "Hel Desk" in str(told.body) and request.number in str(told.body) and "job" not in str(told.body)
    timeline = page_of(client.get("/timeline"))
    assert timeline.says(f"Hel Desk asked us something for you, number {request.number}")
    assert timeline.says("Hel Desk wrote down that you agreed on the phone that they act for you")
    assert timeline.says("Hel Desk wrote down for you what helps you")
    # It is the person's own, and says who wrote it down.
    own = page_of(client.get(f"/requests/{request.number}"))
    assert own.says("The job is gone.") and own.says("Written down for you by Hel Desk I can’t pay")
    assert own.says("Hel Desk wrote it down for you") and not own.says("You told us")
    # Somebody who told us what helps is looked at with a reason.
    shown = worker.fill(worker.get(f"/staff/requests/{request.number}"), {"reason": "To see that it is there"})
    assert page_of(shown).says("Asked for them by Hel Desk")


def test_the_same_form_twice_is_one_request_and_one_message(worker: CheckingClient, debt: Standing) -> None:
    page = worker.get(f"{agreed(worker, debt)}/ask?door=complain")
    for _press in range(2):
        assert page_of(worker.fill(page, {"words": "Nobody called back."}, to="/ask")).says("It is asked for them")
    assert rows()["care_request"] == 1
    assert len(session.scalars(select(Message).where(Message.kind == "done_for_you")).all()) == 1


def test_without_consent_after_half_an_hour_or_its_end_nothing_is_done(
    worker: CheckingClient, debt: Standing, clock: Clock
) -> None:
    ask = f"/staff/people/{debt.debtor_id}/act/ask?door=talk-to-a-person"
    assert page_of(worker.get(ask, follow_redirects=True)).says("Nothing is agreed any more")
    agreed(worker, debt)
    page = worker.get(ask)
    clock.forward(minutes=29)
    assert page_of(worker.get(ask)).says("Read them out as they stand.")
    clock.forward(minutes=1)
    late = worker.fill(page, {"words": "Call me."}, to="/ask")
    assert page_of(late).says("Nothing is agreed any more"), page_of(late).words
    address = agreed(worker, debt, how="writing")
    page = worker.get(ask)
    ended = worker.fill(worker.get(address), to="/act/end")
    assert page_of(ended).says("You don’t act for this person any more.")
    assert page_of(worker.fill(page, {"words": "Call me."}, to="/ask")).says("Nothing is agreed any more")
    assert rows()["care_request"] == 0
    kept = session.scalars(select(Consent).order_by(Consent.id)).all()
    assert [(one.how, one.ended_at is None) for one in kept] == [("phone", True), ("writing", False)]


def test_consent_is_for_one_colleague_and_has_words(
    app: Flask, worker: CheckingClient, lender: Lender, debt: Standing
) -> None:
    address = f"/staff/people/{debt.debtor_id}/act"
    empty = worker.fill(worker.get(address), {"about": " "}, to="/act")
    assert empty.status_code == 422 and page_of(empty).says("Say how they agreed.")
    assert page_of(empty).says("Say what they want you to do.")
    agreed(worker, debt)
    other = a_client(app)
    come_to_work(other, a_worker(app, lender, Role.SENIOR, name="Two", email="two@linden.example"))
    assert page_of(other.get(f"{address}/ask?door=complain", follow_redirects=True)).says("Nothing is agreed any more")
    auditor = a_client(app)
    come_to_work(auditor, a_worker(app, lender, Role.AUDITOR, name="Aud", email="aud@linden.example"))
    assert auditor.get(address).status_code == 403
    assert worker.get(f"{address}/ask?door=offer").status_code == 404


def test_a_role_taken_away_while_an_act_is_on_its_way_refuses_it(
    app: Flask, lender: Lender, debt: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, client = a_worker(app, lender, Role.HELPDESK, email="gone@linden.example"), a_client(app)
    come_to_work(client, member)
    address = agreed(client, debt)
    ask = client.get(f"{address}/ask?door=complain")
    there = client.get(address)
    lock = members.locked

    def gone_meanwhile(**of: Any) -> StaffMember:
        # The administrator is quicker: the page let somebody in whose role is gone when the act takes its lock.
        found = lock(**of)
        found.roles = []
        return found

    monkeypatch.setattr(acting.members, "locked", gone_meanwhile)
    before = rows()
    token = next(value for form in page_of(there).forms for name, value in form.fields if name == "csrf_token")
    again = {"csrf_token": token, "how": "phone", "about": "Once more.", "form_key": "another"}
    assert client.post(address, data=again).status_code == 403
    assert client.fill(ask, {"words": "Nobody called back."}, to="/ask").status_code == 403
    assert client.fill(there, to="/act/end").status_code == 403
    assert rows() == before

"""What one person got approved is not lost by what another writes; and what was approved can be stopped in time."""

from __future__ import annotations

import json
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.desk.models import LimitsDraft
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.plans.allowed import limits_in_force
from portal.plans.models import LimitsVersion
from portal.post.models import Message
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.journeys.test_limits_at_the_desk import DRAFT, Desk, ticked, token
from tests.pages import CheckingClient, page_of

LATER = STANDARD_LIMITS.replace("2026-01-01", "2026-12-15").replace("grace_days = 5", "grace_days = 7")
SECOND = "/staff/limits/drafts/2"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def desk(app: Flask, lender: Lender) -> Desk:
    return Desk(app, lender)


def approved(desk: Desk) -> None:
    """Version 2 is approved for 15 December: Ada wrote it, Kim said yes."""
    desk.ready(LATER)
    desk.kim.fill(desk.kim.get(DRAFT), to="/approve")
    assert versions()[-1] == (2, date(2026, 12, 15), False)


def versions() -> list[tuple[int, date, bool]]:
    session.rollback()
    rows = session.scalars(select(LimitsVersion).order_by(LimitsVersion.number))
    return [(row.number, row.effective_from, row.called_off_at is not None) for row in rows]


def source_of(number: int) -> str:
    session.rollback()
    return session.scalars(select(LimitsDraft.source).where(LimitsDraft.number == number)).one()


def begin_on(client: CheckingClient, number: int) -> None:
    form_key = f"{number}".rjust(32, "a")
    made = client.post(f"/staff/limits/drafts/from-version/{number}", data=token(client) | {"form_key": form_key})
    assert made.status_code == 303


def set_first_day(client: CheckingClient, day: str, *, at: str = SECOND) -> None:
    client.fill(client.get(f"{at}/first-day"), {"day": day})


def test_a_new_draft_begins_with_what_was_approved_last(desk: Desk) -> None:
    approved(desk)
    assert page_of(desk.bo.get("/staff/limits")).says("A new draft begins with version 2, which counts from")
    desk.bo.fill(desk.bo.get("/staff/limits"), to="/from-version/2")
    set_first_day(desk.bo, "2026-12-16")
    desk.bo.post(
        f"{SECOND}/file",
        data=token(desk.bo) | {"revision": "2", "text": source_of(2).replace("cure_days = 30", "cure_days = 31")},
    )
    shown = page_of(desk.bo.get(SECOND))
    assert not shown.says("leaves out")
    assert shown.says("What differs from version 2")
    assert shown.says("A missed payment can be made up for during 31 days.")
    desk.bo.fill(desk.bo.get(SECOND), ticked(desk.bo.get(SECOND)), to="/send")
    desk.kim.fill(desk.kim.get(SECOND), to="/approve")
    newest = desk.ada.get("/staff/limits/3.toml").get_data(as_text=True)
    assert "grace_days = 7" in newest
    assert "cure_days = 31" in newest


def test_a_draft_begun_before_says_what_of_another_version_would_be_lost(desk: Desk) -> None:
    begin_on(desk.bo, 1)
    session.rollback()
    desk.ada.fill(desk.ada.get("/staff/limits"), to="/from-version/1")
    desk.ada.post(f"{SECOND}/file", data=token(desk.ada) | {"revision": "1", "text": LATER})
    desk.ada.fill(desk.ada.get(SECOND), ticked(desk.ada.get(SECOND)), to="/send")
    desk.kim.fill(desk.kim.get(SECOND), to="/approve")
    # The first draft is of before, and starts a day later.
    text = STANDARD_LIMITS.replace("2026-01-01", "2026-12-16").replace("cure_days = 30", "cure_days = 31")
    desk.bo.post(f"{DRAFT}/file", data=token(desk.bo) | {"revision": "1", "text": text})
    shown = desk.bo.get(DRAFT)
    assert page_of(shown).says("Version 2 says things that this draft leaves out")
    assert page_of(shown).says("A payment that comes 7 days late still counts as kept.")
    assert not page_of(shown).says("Nothing speaks against it.")
    assert desk.bo.fill(shown, to="/send").status_code == 422
    # Whoever means it says so, and so does whoever approves.
    desk.bo.fill(shown, ticked(shown), to="/send")
    waits = desk.kim.get(DRAFT)
    refused = desk.kim.fill(waits, to="/approve")
    assert refused.status_code == 422
    assert page_of(refused).says("Tick this, or send the draft back:")
    assert len(versions()) == 2
    desk.kim.fill(waits, ticked(waits), to="/approve")
    assert versions()[-1] == (3, date(2026, 12, 16), False)
    session.rollback()
    entries = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "limits_approved"))
    facts = [json.loads(entry)["facts"] for entry in entries]
    assert sorted(fact["acknowledged_by_approver"] for fact in facts) == [[], ["left_out:2"]]


def test_what_another_version_changed_is_taken_over(desk: Desk) -> None:
    begin_on(desk.bo, 1)
    text = STANDARD_LIMITS.replace("2026-01-01", "2026-12-16").replace("cure_days = 30", "cure_days = 31")
    desk.bo.post(f"{DRAFT}/file", data=token(desk.bo) | {"revision": "1", "text": text})
    desk.ada.fill(desk.ada.get("/staff/limits"), to="/from-version/1")
    desk.ada.post(f"{SECOND}/file", data=token(desk.ada) | {"revision": "1", "text": LATER})
    desk.ada.fill(desk.ada.get(SECOND), ticked(desk.ada.get(SECOND)), to="/send")
    desk.kim.fill(desk.kim.get(SECOND), to="/approve")
    page = desk.bo.get(DRAFT)
    for _ in range(2):
        done = page_of(desk.bo.fill(page, to="/take-over"))
    assert not done.says("leaves out")
    source = source_of(1)
    assert "grace_days = 7" in source
    assert "cure_days = 31" in source
    assert "effective_from = 2026-12-16" in source


def test_a_draft_that_begins_before_another_version_says_what_ends_with_that(desk: Desk) -> None:
    approved(desk)
    begin_on(desk.bo, 1)
    text = STANDARD_LIMITS.replace("2026-01-01", "2026-12-01").replace("cure_days = 30", "cure_days = 31")
    desk.bo.post(f"{SECOND}/file", data=token(desk.bo) | {"revision": "1", "text": text})
    shown = page_of(desk.bo.get(SECOND))
    assert shown.says("Version 2 leaves out what this draft changes")
    assert shown.says("A missed payment can be made up for during 31 days.")
    # Only what the draft changes, not what the later version does.
    assert "still counts as kept" not in shown.words.partition("Ask a second person")[0]


@pytest.mark.parametrize("who", ["kim", "ada"])
def test_an_approved_version_is_called_off_before_it_begins_and_the_other_is_told(desk: Desk, who: str) -> None:
    approved(desk)
    client = desk.kim if who == "kim" else desk.ada
    address = "/staff/limits/2/call-off" if who == "kim" else f"{DRAFT}/call-off"
    assert (address, "Call it off before it begins") in page_of(client.get(DRAFT)).links
    page = client.get(address)
    assert page_of(page).says("Version 1 goes on to count.")
    assert client.fill(page, {"words": " "}).status_code == 422
    assert versions()[-1] == (2, date(2026, 12, 15), False)
    done = client.fill(page, {"words": "The court asked us to wait."})
    assert page_of(done).says("Version 2 is called off. It will not count.")
    again = client.fill(page, {"words": "Once more."})
    assert page_of(again).says("That was done already")
    assert versions()[-1] == (2, date(2026, 12, 15), True)
    listed = page_of(desk.bo.get("/staff/limits"))
    assert listed.says(f"{who.title()} called it off: The court asked us to wait.")
    assert page_of(desk.bo.get(DRAFT)).says(f"{who.title()} called it off before it began")
    session.rollback()
    told = session.scalars(select(Message.address).where(Message.kind == "limits_called_off")).all()
    assert told == [f"{'ada' if who == 'kim' else 'kim'}@linden.example"]
    assert listed.says("Called off")
    assert desk.bo.get("/staff/limits/try").status_code == 200
    record = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "limits_called_off")).one()
    assert json.loads(record)["facts"]["reason"] == "The court asked us to wait."


def test_a_version_that_is_called_off_never_counts_and_comes_back_by_a_draft(
    app: Flask, desk: Desk, clock: Clock, debt: Standing
) -> None:
    approved(desk)
    desk.kim.fill(desk.kim.get("/staff/limits/2/call-off"), {"words": "Not yet."})
    # Its day is free again, and what it said can be approved anew.
    desk.bo.fill(desk.bo.get("/staff/limits/2"), to="/from-version/2")
    shown = desk.bo.get(SECOND)
    assert page_of(shown).says("What differs from version 1")
    desk.bo.fill(shown, ticked(shown), to="/send")
    desk.kim.fill(desk.kim.get(SECOND), ticked(desk.kim.get(SECOND)), to="/approve")
    assert versions()[1:] == [(2, date(2026, 12, 15), True), (3, date(2026, 12, 15), False)]
    desk.kim.fill(desk.kim.get("/staff/limits/3/call-off"), {"words": "Not yet, really."})
    clock.set("2026-12-20T12:00+00:00")
    with app.app_context(), transaction():
        assert limits_in_force(debt, today=date(2026, 12, 20)).number == 1


def test_what_was_written_on_a_version_that_is_called_off_says_so(desk: Desk) -> None:
    approved(desk)
    desk.bo.fill(desk.bo.get("/staff/limits"), to="/from-version/2")
    set_first_day(desk.bo, "2026-12-20")
    page = desk.kim.get("/staff/limits/2/call-off")
    assert page_of(page).says("Written on this version")
    assert (SECOND, "Draft 2") in page_of(page).links
    desk.kim.fill(page, {"words": "Not yet."})
    left = page_of(desk.bo.get(SECOND))
    assert left.says("Version 1 says things that this draft leaves out")
    assert left.says("The draft was begun on version 2.")
    desk.bo.fill(desk.bo.get(SECOND), to="/take-over")
    assert "grace_days = 5" in source_of(2)


def test_only_an_approver_or_who_wrote_it_calls_it_off_and_only_before_it_begins(desk: Desk, clock: Clock) -> None:
    approved(desk)
    bo = page_of(desk.bo.get(f"{DRAFT}/call-off", follow_redirects=True))
    assert bo.says("can’t be called off by you")
    assert desk.bo.post(f"{DRAFT}/call-off", data=token(desk.bo) | {"words": "No."}).status_code == 403
    assert desk.bo.get("/staff/limits/2/call-off").status_code == 403
    page = desk.kim.get("/staff/limits/2/call-off")
    assert desk.kim.get("/staff/limits/2/go-back").location == "/staff/limits/2/call-off"
    clock.set("2026-12-15T12:00+00:00")
    come_to_work(desk.kim, desk.people["kim"])
    page = desk.kim.get("/staff/limits/1/call-off")
    assert page.status_code == 303
    late = desk.kim.post("/staff/limits/2/call-off", data=token(desk.kim) | {"words": "Late."}, follow_redirects=True)
    assert page_of(late).says("It counts already.")
    assert versions()[-1] == (2, date(2026, 12, 15), False)


def test_who_was_invited_through_one_other_is_no_second_person(app: Flask, lender: Lender, clock: Clock) -> None:
    both = (Role.RULE_AUTHOR, Role.LENDER_ADMINISTRATOR)
    ada = a_worker(app, lender, *both, email="ada@linden.example", name="Ada")
    zoe = a_worker(app, lender, *both, email="zoe@linden.example", name="Zoe", by=Actor("staff", str(ada.id)))
    two = a_worker(app, lender, Role.APPROVER, email="two@linden.example", name="Two", by=Actor("staff", str(zoe.id)))
    author, approver = a_client(app), a_client(app)
    come_to_work(author, ada)
    come_to_work(approver, two)
    begin_on(author, 1)
    author.fill(author.get(DRAFT), ticked(author.get(DRAFT)), to="/send")
    shown = page_of(approver.get(DRAFT))
    assert shown.says("one of you invited a colleague, or gave the roles, who did the same for the other")
    assert shown.says("Zoe invited Two.")
    assert shown.says("Ada invited Zoe.")
    approver.post(f"{DRAFT}/approve", data=token(approver) | {"revision": "1"})
    assert len(versions()) == 1
    # A month later it is a sign no more, and stands on the page and on record.
    clock.forward(days=31)
    come_to_work(approver, two)
    page = approver.get(DRAFT)
    assert page_of(page).says("Ada invited Zoe.")
    approver.fill(page, to="/approve")
    assert len(versions()) == 2
    record = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "limits_approved")).one()
    assert [set(each.values()) for each in json.loads(record)["facts"]["invited"]] == [
        {str(ada.id), str(zoe.id)},
        {str(zoe.id), str(two.id)},
    ]


def test_whoever_was_invited_by_the_same_administrator_is_named_and_may_approve(app: Flask, lender: Lender) -> None:
    admin = a_worker(app, lender, Role.LENDER_ADMINISTRATOR, email="admin@linden.example", name="Adam")
    by = Actor("staff", str(admin.id))
    people = [
        a_worker(app, lender, role, email=f"{name}@linden.example", name=name.title(), by=by)
        for name, role in (("bea", Role.RULE_AUTHOR), ("cy", Role.APPROVER))
    ]
    author, approver = a_client(app), a_client(app)
    come_to_work(author, people[0])
    come_to_work(approver, people[1])
    begin_on(author, 1)
    author.fill(author.get(DRAFT), ticked(author.get(DRAFT)), to="/send")
    page = approver.get(DRAFT)
    assert page_of(page).says("Adam invited Bea.")
    assert page_of(page).says("Adam invited Cy.")
    approver.fill(page, to="/approve")
    assert len(versions()) == 2


def test_lists_are_read_some_at_a_time_and_without_texts(app: Flask, desk: Desk) -> None:
    for number in range(1, 24):
        desk.ada.post("/staff/limits/drafts/from-version/1", data=token(desk.ada) | {"form_key": f"{number:032}"})
    desk.ada.fill(desk.ada.get("/staff/limits/drafts/2/withdraw"), to="/withdraw")
    first = page_of(desk.ada.get("/staff/limits"))
    assert "Draft 23" in first.words
    assert "Draft 3 " not in f"{first.words} "
    [more] = [to for to, words in first.links if words == "More drafts"]
    second = page_of(desk.ada.get(more))
    # Those on which somebody works come first, also before older ones that are done.
    assert [words for _to, words in second.links if words.startswith("Draft ")] == ["Draft 3", "Draft 1", "Draft 2"]
    assert page_of(desk.ada.get("/staff/limits?drafts=x-9&versions=-1")).says("Draft 23")


def test_a_draft_that_cannot_be_read_any_more_is_shown_and_can_be_mended(app: Flask, desk: Desk) -> None:
    desk.begin()
    bad = STANDARD_LIMITS.replace(
        "[card.when]", "[card.when.attributes]\nscore = { from = -1e99999999, to = 5 }\n\n[card.when]", 1
    )
    refused = desk.write(desk.ada, bad)
    assert refused.status_code == 422
    assert "at most 15 digits before the point and 9 after it" in page_of(refused).words
    # As it was kept before there were bounds.
    with app.app_context(), transaction():
        session.execute(LimitsDraft.__table__.update().values(source=bad))  # type: ignore[attr-defined]
    for client in (desk.ada, desk.kim):
        shown = client.get(DRAFT)
        assert shown.status_code == 200
        assert page_of(shown).says("This file can’t be read")
    assert desk.ada.get(f"{DRAFT}/cards/1").status_code == 303
    assert desk.ada.get(f"{DRAFT}/first-day").status_code == 303
    desk.write(desk.ada, STANDARD_LIMITS)
    assert page_of(desk.ada.get(DRAFT)).says("The cards")
    assert session.scalars(select(func.count()).select_from(LimitsDraft)).one() == 1

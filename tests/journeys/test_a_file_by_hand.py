"""The lender's people bring a file: seen before anything counts, asked before much changes, brought in, taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal import queue
from portal.db import new_id, session, transaction
from portal.debts import intake, undoing
from portal.debts.models import Debt, ImportBefore, ImportRun
from portal.debts.runs import UNDO_LIFE
from portal.debts.statement import by_id
from portal.evidence.models import EvidenceRecord
from portal.files import acts, seeing, views
from portal.files import work as file_work
from portal.files.models import Upload, UploadPart
from portal.lenders.models import Lender
from portal.people.models import ContactPoint
from portal.plans.models import Plan
from portal.post.models import Message
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.journeys.acts import acts_of, agree, books_agree, come_in, rows, the_lease_ends, usd, work
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work
from tests.journeys.test_a_lenders_file import MAPPING, debt_called
from tests.pages import CheckingClient, Page, page_of

PLAIN = ("reference", "name", "born_on", "email", "product", "principal", "interest", "remark")


def line(number: int = 1, **different: str) -> list[str]:
    good = {
        "reference": f"A-{number}",
        "name": f"Person {number} (made up)",
        "born_on": "1988-07-21",
        "email": f"p{number}@example.com",
        "product": "card",
        "principal": "900.00",
        "interest": "10.00",
        "remark": "x",
    }
    return list((good | different).values())


def table(*lines: list[str], header: tuple[str, ...] = PLAIN) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *lines])
    return out.getvalue().encode()


@dataclass
class Office:
    """Somebody of the lender who may bring files, at a browser."""

    app: Flask
    client: CheckingClient
    lender: Lender
    worker: Worker

    def send(self, content: bytes, *, name: str = "may.csv", **more: Any) -> TestResponse:
        """Fill the form in as a browser does, with a file."""
        shown = page_of(self.client.get("/staff/portfolio/bring"))
        fields = {n: v for form in shown.forms if "form_key" in form.names for n, v in form.fields}
        return self.client.post(
            "/staff/portfolio/bring",
            data={**fields, "upload": (io.BytesIO(content), name), **more},
            content_type="multipart/form-data",
            follow_redirects=True,
        )

    def look(self, number: int) -> TestResponse:
        work(self.app)
        return self.client.get(f"/staff/portfolio/{number}")

    def say_yes(self, number: int, said: Mapping[str, str] | None = None) -> TestResponse:
        shown = self.look(number)
        return self.client.fill(shown, dict(said or {}), to=f"/staff/portfolio/{number}/confirm")

    def bring(self, content: bytes, said: Mapping[str, str] | None = None, **more: Any) -> Page:
        """Send a file, say yes, and give the page of what became of it."""
        sent = self.send(content, **more)
        assert sent.status_code == 200, page_of(sent).words
        number = int(sent.request.path.rsplit("/", 1)[1])
        self.say_yes(number, said)
        return page_of(self.look(number))

    def take_back(self, number: int) -> Page:
        shown = self.client.get(f"/staff/portfolio/{number}/undo")
        self.client.fill(shown, to=f"/staff/portfolio/{number}/undo")
        return page_of(self.look(number))


@pytest.fixture
def office(app: Flask, client: CheckingClient, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> Office:
    cheap(monkeypatch)
    monkeypatch.setattr("portal.files.work._TELL_EVERY_SECONDS", 0)
    worker = a_worker(app, lender, Role.LENDER_ADMINISTRATOR)
    come_to_work(client, worker)
    return Office(app, client, lender, worker)


def upload(number: int) -> Upload:
    session.rollback()
    return session.scalars(select(Upload).where(Upload.number == number)).one()


def csv_at(client: CheckingClient, url: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(client.get(url).get_data().decode("utf-8-sig"))))


def test_a_file_is_seen_before_anything_counts_and_its_good_rows_are_kept(office: Office) -> None:
    assert page_of(office.client.get("/staff/portfolio")).says("No file has come yet")
    content = table(line(1), line(2, principal="-5"), line(3, name="=1+1"), line(4))
    before = rows()
    sent = page_of(office.send(content, name="../../may <1>.csv"))
    assert sent.says("Being looked at") and sent.says("Nothing of it counts")
    assert office.client.get("/staff/portfolio/1").headers["Refresh"] == "3"
    assert "Refresh" not in office.client.get("/staff/portfolio/1?still=1").headers
    seen = page_of(office.look(1))
    assert "Refresh" not in office.client.get("/staff/portfolio/1").headers
    assert seen.says("4 rows read = 2 taken in + 0 with nothing owed + 2 refused")
    assert seen.says("2 · $1,820.00") and seen.says("Less than zero: 1") and seen.says("A formula: 1")
    assert seen.says("remark") and seen.says("Not read") and seen.says("Person 1 (made up)") and seen.says("may 1.csv")
    # Nothing but the file itself was written.
    assert {name for name, count in rows().items() if count != before[name]} <= {
        *("upload", "upload_part", "job", "evidence_record"),
    }
    # Without keeping the good rows nothing comes in, and a second click changes nothing.
    office.say_yes(1)
    nothing = page_of(office.look(1))
    assert nothing.says("Nothing brought in") and session.scalar(select(func.count(Debt.id))) == 0
    done = office.bring(content, {"keep_good": "yes"})
    assert done.says("4 rows read = 2 taken in + 0 with nothing owed + 2 refused") and done.says("Brought in")
    head, *refused = csv_at(office.client, "/staff/portfolio/2/rows.csv")
    assert head[0] == "row" and {each[3] for each in refused} == {"negative_amount", "formula"}
    assert not any(cell[:1] in ("=", "+", "-", "@") for each in refused for cell in each)
    assert debt_called(office.lender, "A-1").owed == usd("910.00")
    imported = session.scalars(select(EvidenceRecord).where(EvidenceRecord.act == "portfolio_imported")).one()
    assert (imported.actor_kind, imported.actor_id) == ("staff", str(office.worker.id))
    listed = csv_at(office.client, "/staff/portfolio/files.csv")
    assert [(each[0], each[4], each[5], each[8]) for each in listed[1:]] == [
        ("2", "live", "4", "2"),
        ("1", "nothing", "4", "2"),
    ]
    books_agree()


def test_the_same_file_twice_says_so_and_a_double_click_is_one_file(office: Office) -> None:
    content = table(line(1))
    shown = page_of(office.client.get("/staff/portfolio/bring"))
    fields = {n: v for form in shown.forms if "form_key" in form.names for n, v in form.fields}
    for _click in range(2):
        office.client.post(
            "/staff/portfolio/bring",
            data={**fields, "upload": (io.BytesIO(content), "may.csv")},
            content_type="multipart/form-data",
        )
    assert page_of(office.send(content)).says("This very file is here already")
    office.say_yes(1)
    work(office.app)
    assert page_of(office.send(content)).says("read in the same way: it is file 1.")
    assert session.scalar(select(func.count(Upload.id))) == 1
    # After another file it says something again, and may come.
    office.bring(table(line(1, principal="905.00")))
    again = office.bring(content)
    assert again.says("Brought in") and debt_called(office.lender, "A-1").owed == usd("910.00")
    assert acts_of(office.lender.id)["portfolio_imported"] == 3
    books_agree()


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("José".encode("latin-1"), {}, "utf-8"),
        (b"reference;name\nA-1;Bo\n", {}, "lacks product, principal"),
        (table(line(1), header=(*PLAIN[:5], "amount", *PLAIN[6:])), {}, "lacks principal"),
        (table(line(1)).replace(b",", b"!"), {}, "Without a mapping"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, {}, "not a table"),
        (table(), {}, "not a single row"),
        (table(line(1)), {"mapping": MAPPING}, "no column"),
    ],
    ids=["encoding", "too few", "column", "separator", "picture", "only a header", "another mapping"],
)
def test_a_file_that_cannot_be_read_says_why_on_its_page(
    office: Office, content: bytes, more: dict[str, Any], said: str
) -> None:
    if said == "utf-8":
        content = table(line(1)).replace(b"Person", content)
    office.send(content, **more)
    shown = page_of(office.look(1))
    assert shown.says("This file can’t be read") and said in shown.words, shown.words
    assert not any("confirm" in (form.action or "") for form in shown.forms)
    office.client.fill(office.client.get("/staff/portfolio/1"), to="/withdraw")
    assert upload(1).state == "withdrawn" and session.scalar(select(func.count(UploadPart.id))) == 0


def test_what_is_no_file_or_too_large_is_said_at_once_and_what_was_typed_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = office.client.post(
        "/staff/portfolio/bring", data={**_token(office), "kept": "", "mapping": "x", "form_key": "a" * 32}
    )
    assert answer.status_code == 422 and page_of(answer).says("Choose the file with the debts.")
    bad = office.send(table(line(1)), mapping="this is [not toml")
    assert bad.status_code == 422 and page_of(bad).says("is not TOML") and "this is [not toml" in bad.text
    assert office.send(b"").status_code == 422
    assert office.send(table(line(1)), as_of="2030-01-01").status_code == 422
    monkeypatch.setattr("portal.files.forms.LARGEST", 10)
    assert page_of(office.send(table(line(1)))).says("This file is larger than")
    monkeypatch.setattr(views, "_AROUND", 0)
    monkeypatch.setattr(views, "LARGEST", 2_000)
    large = office.send(b"x" * 5_000)
    assert large.status_code == 422 and page_of(large).says("This file is larger than")
    # Nobody else may send so much: it is refused before it is looked at.
    monkeypatch.setitem(office.app.config, "MAX_CONTENT_LENGTH", 1_000)
    sent = {"upload": (io.BytesIO(b"x" * 1_500), "a.csv"), "csrf_token": "a"}
    assert a_client(office.app).post("/staff/portfolio/bring", data=sent).status_code == 413
    assert session.scalar(select(func.count(Upload.id))) == 0


def _token(office: Office) -> dict[str, str]:
    shown = page_of(office.client.get("/staff/portfolio/bring"))
    return {n: v for form in shown.forms if "form_key" in form.names for n, v in form.fields if n == "csrf_token"}


def test_a_file_that_halves_all_balances_is_asked_for_by_itself(office: Office) -> None:
    many = [line(number) for number in range(1, 13)]
    office.bring(table(*many))
    halved = table(*[line(number, principal="450.00", interest="5.00") for number in range(1, 13)])
    office.send(halved)
    seen = page_of(office.look(2))
    assert seen.says("12 of 12 known debts") and seen.says("$10,920.00") and seen.says("$5,460.00")
    assert seen.says("falls by a third or more")
    refused = office.say_yes(2)
    assert refused.status_code == 422 and page_of(refused).says("Tick this if it is meant")
    assert upload(2).state == "ready" and debt_called(office.lender, "A-1").owed == usd("910.00")
    office.say_yes(2, {"meant": "yes"})
    assert page_of(office.look(2)).says("Brought in") and debt_called(office.lender, "A-1").owed == usd("455.00")
    # All debts but one would be recalled: asked for as well; a correction of one debt is not.
    office.send(table(many[0]), whole="y")
    assert page_of(office.look(3)).says("More than half of all your debts would be gone")
    office.send(table(line(1, principal="1.00")))
    assert not page_of(office.look(4)).says("This changes very much")
    books_agree()


def test_parts_that_change_places_and_halves_among_rises_are_seen_and_asked_for(office: Office) -> None:
    with_fees = (*PLAIN[:-1], "fees")

    def rows_of(*parts: tuple[str, str]) -> bytes:
        lines = [line(n, principal=principal, remark=fees) for n, (principal, fees) in enumerate(parts, 1)]
        return table(*lines, header=with_fees)

    office.bring(rows_of(*[("1482.50", "25.00")] * 12))
    office.send(rows_of(*[("25.00", "1482.50")] * 12))
    seen = page_of(office.look(2))
    assert seen.says("Changed balances 12 of 12 known debts")
    assert seen.says("In 12 of 12 known debts a third or more of what is owed goes from one part to another")
    assert seen.says("Principal $17,790.00 $300.00") and seen.says("Fees $300.00 $17,790.00"), seen.words
    assert office.say_yes(2).status_code == 422
    assert debt_called(office.lender, "A-1").owed == usd("1517.50")
    # Half of all debts fall and the others rise by as much, so that what they come to is the same.
    office.send(rows_of(*[("741.25", "25.00"), ("2223.75", "25.00")] * 6))
    seen = page_of(office.look(3))
    assert seen.says("$18,210.00") and seen.says("12 of 12 known debts in this file rise or fall by a third or more.")
    assert office.say_yes(3).status_code == 422
    # An ordinary month: interest on all, two that paid much.
    office.send(table(*[line(n, principal="400.00" if n < 3 else "1482.50", interest="21.00", remark="25.00")
                        for n in range(1, 13)], header=with_fees))  # fmt: skip
    seen = page_of(office.look(4))
    assert seen.says("12 of 12 known debts") and not seen.says("This changes very much")
    office.say_yes(4)
    assert page_of(office.look(4)).says("Changed balances 12")
    books_agree()


def test_a_worker_that_is_killed_half_way_leaves_nothing_and_the_file_comes_in_later(
    office: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.send(table(line(1), line(2)))
    office.say_yes(1)
    with monkeypatch.context() as patch:
        # As after a power cut: nothing of the end of the run happens.
        patch.setattr(intake, "switch", _die)
        patch.setattr(intake, "discard", lambda *_words: None)
        with pytest.raises(_PowerCut):
            work(office.app)
    session.rollback()
    assert upload(1).state == "bringing" and set(session.scalars(select(Debt.state))) == {"staged"}
    work(office.app)
    assert upload(1).state == "bringing", "the job was not given back yet"
    for _wait in range(3):
        clock.forward(seconds=150)
        the_lease_ends()
        work(office.app)
    assert upload(1).state == "live" and set(session.scalars(select(Debt.state))) == {"open"}
    assert [run.state for run in session.scalars(select(ImportRun).order_by(ImportRun.id))] == ["abandoned", "live"]
    # A second try of a job that is done finds it done.
    with transaction() as s:
        s.execute(update(queue.QueuedJob).where(queue.QueuedJob.name == acts.BRING).values(state="ready"))
    work(office.app)
    assert acts_of(office.lender.id)["portfolio_imported"] == 1
    books_agree()


@pytest.mark.parametrize("where", ["see", "switch"])
def test_a_mistake_of_the_portal_ends_the_waiting_with_a_sentence(
    office: Office, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.send(table(line(1), line(2)))
    if where == "see":
        monkeypatch.setattr(seeing, "see", _fail)
    else:
        office.say_yes(1)
        monkeypatch.setattr(intake, "switch", _fail)
    assert page_of(office.look(1)).says("Something is wrong with the portal itself")
    assert upload(1).state == "unreadable" and not session.scalars(select(Debt.id)).all()
    books_agree()


def _fail(*_words: object, **_more: object) -> None:
    raise ZeroDivisionError


class _PowerCut(BaseException):
    pass


def _die(*_words: object, **_more: object) -> None:
    raise _PowerCut


def test_a_role_that_is_taken_away_meanwhile_brings_nothing_in_and_two_colleagues_do_not_meet(
    app: Flask, office: Office, lender: Lender, clock: Clock
) -> None:
    boss = a_worker(app, lender, Role.LENDER_ADMINISTRATOR, email="boss@linden.example")
    his = Office(app, a_client(app), lender, boss)
    come_to_work(his.client, boss)
    office.send(table(line(1)))
    his.send(table(line(1, principal="5.00")), name="his.csv")
    office.look(2)
    clock.forward(minutes=1)
    office.say_yes(1)
    his.say_yes(2)
    # His was seen before hers came in, so it is looked at anew before it may count.
    shown = page_of(his.look(2))
    assert upload(2).state == "ready" and shown.says("1 of 1 known debts")
    assert debt_called(lender, "A-1").owed == usd("910.00")
    his.say_yes(2, {"meant": "yes"})
    with transaction() as s:
        s.get_one(StaffMember, (lender.id, boss.id)).roles = []
    work(app)
    assert upload(2).state == "ready" and debt_called(lender, "A-1").owed == usd("910.00")
    assert page_of(office.client.get("/staff/portfolio/2")).says("Whoever said yes may not bring files in any more")
    assert his.client.get("/staff/portfolio").status_code == 403
    auditor = a_worker(app, lender, Role.AUDITOR, email="auditor@linden.example")
    hers = a_client(app)
    come_to_work(hers, auditor)
    read = page_of(hers.get("/staff/portfolio/2"))
    assert read.says("What it would do") and not any("portfolio" in (form.action or "") for form in read.forms)
    assert hers.get("/staff/portfolio/bring").status_code == 403
    books_agree()


def test_a_file_is_taken_back_debt_by_debt_where_nothing_has_happened(
    app: Flask, office: Office, lender: Lender, clock: Clock
) -> None:
    office.bring(table(*[line(number) for number in range(1, 4)]))
    clock.forward(hours=30)
    come_to_work(office.client, office.worker)
    shown = {1: "700.00", 2: "800.00"}
    second = [
        line(number, principal=amount, product="loan", email=f"new{number}@example.com")
        for number, amount in shown.items()
    ]
    office.bring(table(*second, line(4), line(5), line(6)), whole="y")
    session.rollback()
    assert session.scalars(select(Debt.state).where(Debt.reference == "A-3")).one() == "recalled"
    clock.forward(minutes=1)
    # One changed debt gets a plan, one new one's owner only signs in, another agrees.
    somebody, her, him = a_client(app), a_client(app), a_client(app)
    for browser, reference, agrees in ((somebody, "A-2", True), (her, "A-5", False), (him, "A-6", True)):
        debt = debt_called(lender, reference)
        come_in(browser, debt)
        if agrees:
            agree(browser, debt)
    looked = page_of(office.client.get("/staff/portfolio/2/undo"))
    assert looked.says("A-2") and looked.says("A-6") and looked.says("A plan was asked for or changed")
    done = office.take_back(2)
    assert done.says("Taken back") and done.says("What was taken back")
    back = debt_called(lender, "A-1")
    assert (back.owed, back.product) == (usd("910.00"), "card")
    assert "new1@example.com" not in set(session.scalars(select(ContactPoint.address)))
    assert debt_called(lender, "A-2").owed == usd("810.00") and debt_called(lender, "A-6").owed == usd("910.00")
    states = {row.reference: row.state for row in session.execute(select(Debt.reference, Debt.state))}
    assert states == {"A-1": "open", "A-2": "open", "A-3": "open", "A-5": "recalled", "A-6": "open"}
    recalled = session.scalars(select(Debt).where(Debt.reference == "A-5")).one()
    assert by_id(lender_id=lender.id, debt_id=recalled.id).owed == usd("0.00")
    assert csv_at(office.client, "/staff/portfolio/2/stays.csv")[1:] == [
        ["A-2", "stays", "plan"],
        ["A-6", "stays", "plan"],
    ]
    assert acts_of(lender.id)["debt_returned"] == 1
    assert session.scalar(select(func.count(ImportBefore.id))) == 0
    # Once more is nothing more, and the file may come again, right this time.
    assert office.client.get("/staff/portfolio/2/undo").status_code == 303
    again = office.bring(table(line(4, name="Right Name (made up)"), line(5)))
    assert again.says("Brought in") and debt_called(lender, "A-5").owed == usd("910.00")
    books_agree()


def test_debtors_with_plans_are_told_when_a_file_is_taken_back_and_after_a_day_it_is_too_late(
    app: Flask, office: Office, lender: Lender, clock: Clock
) -> None:
    office.bring(table(line(1), line(2)))
    clock.forward(hours=2)
    browser = a_client(app)
    for reference in ("A-1", "A-2"):
        debt = debt_called(lender, reference)
        come_in(browser, debt)
        agree(browser, debt)
    clock.forward(hours=2)
    come_to_work(office.client, office.worker)
    office.bring(table(line(1, principal="950.00")), whole="y")
    clock.forward(minutes=1)
    assert [plan.state for plan in session.scalars(select(Plan).order_by(Plan.reference))].count("voided") == 1
    assert page_of(office.client.get("/staff/portfolio/2/undo")).says("Plans that ended do not come back")
    office.take_back(2)
    session.rollback()
    told = list(session.scalars(select(Message.kind).where(Message.kind == "amount_changed")))
    assert len(told) == 2, "once for the file, and once when it was taken back"
    assert csv_at(office.client, "/staff/portfolio/2/stays.csv")[1:] == [["A-2", "back", "its plan has ended"]]
    assert debt_called(lender, "A-2").open
    clock.forward(seconds=UNDO_LIFE.total_seconds())
    come_to_work(office.client, office.worker)
    assert office.client.get("/staff/portfolio/1/undo").status_code == 303
    assert not page_of(office.client.get("/staff/portfolio/1")).says("It can be taken back until")
    books_agree()


def test_the_file_is_gone_after_the_time_that_its_page_states(office: Office, clock: Clock) -> None:
    office.bring(table(line(1), line(2, principal="-1")), {"keep_good": "yes"})
    office.send(table(line(7)))
    clock.forward(days=8)
    work(office.app)
    assert session.scalar(select(func.count(UploadPart.id))) == 0
    first, second = upload(1), upload(2)
    assert (first.state, second.state) == ("live", "withdrawn")
    assert first.preview is not None and first.preview["rows"] == first.preview["examples"] == []
    assert acts_of(office.lender.id)["portfolio_forgotten"] == 2


def test_a_workbook_with_dates_of_its_own_is_read_as_well(office: Office) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Reference", "Name", "Born on", "Product", "Principal"])
    sheet.append(["X-1", "Bo (made up)", date(1988, 7, 21), "Loan", 75.5])
    book.save(out)
    done = office.bring(out.getvalue(), name="may.xlsx")
    assert done.says("Brought in") and debt_called(office.lender, "X-1").owed == usd("75.50")


def test_a_mapping_is_kept_for_the_next_file(office: Office) -> None:
    header = ("account", "person", "name", "born", "email", "currency", "principal", "interest", "late_since", "rate")
    cells = ["B-1", "p", "Bo (made up)", "1988-07-21", "bo@example.com", "USD", "50.00", "0", "", "9"]
    office.send(table(cells, header=header), mapping_file=(io.BytesIO(MAPPING.encode()), "ours.toml"))
    assert page_of(office.look(1)).says("Tells people apart")
    cells[6] = "60.00"
    office.bring(table(cells, header=header), kept="1")
    assert debt_called(office.lender, "B-1").owed == usd("60.00") and upload(2).mapping_name == "ours.toml"


def test_two_workers_at_one_file_bring_it_in_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.send(table(line(1)))
    office.say_yes(1)
    job = queue.Job(new_id(), office.lender.id, {"upload_id": str(upload(1).id)}, 1)
    begins = intake.begin

    def meanwhile(*words: Any, **more: Any) -> Any:
        # The other one has taken the same file in hand, and is done a moment before this one begins.
        monkeypatch.setattr(intake, "begin", begins)
        file_work.bring(job)
        return begins(*words, **more)

    monkeypatch.setattr(intake, "begin", meanwhile)
    with office.app.app_context():
        file_work.bring(job)
    assert upload(1).state == "live" and acts_of(office.lender.id)["portfolio_imported"] == 1
    assert [run.state for run in session.scalars(select(ImportRun).order_by(ImportRun.id))] == ["live", "abandoned"]
    books_agree()


def test_a_worker_that_is_killed_while_new_debts_are_deleted_goes_on_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.bring(table(line(1), line(2)))
    shown = office.client.get("/staff/portfolio/1/undo")
    office.client.fill(shown, to="/staff/portfolio/1/undo")
    with monkeypatch.context() as patch:
        patch.setattr(undoing, "delete_debts", _die)
        with pytest.raises(_PowerCut):
            work(office.app)
    session.rollback()
    # Taken back for everybody, and only not deleted yet.
    assert upload(1).state == "undone" and set(session.scalars(select(Debt.state))) == {"staged"}
    assert office.bring(table(line(1, name="Right Name (made up)"))).says("Brought in")
    assert list(session.scalars(select(Debt.reference))) == ["A-1"]
    books_agree()

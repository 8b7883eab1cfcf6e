"""Limits at the desk: a draft is written, sent, approved by a second person or sent back; a version comes back."""

from __future__ import annotations

import html
import io
import re
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.desk.models import LimitsDraft, LimitsDraftRevision, LimitsRelease
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.plans.models import LimitsVersion, Proposal, Quote
from portal.staff import members
from portal.staff.roles import Role
from tests.conftest import Clock
from tests.factories import STANDARD_LIMITS, a_debt
from tests.journeys.acts import come_in, plan_on, rows, sign, to_check, to_choices
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work, row
from tests.pages import CheckingClient, page_of

DRAFT = "/staff/limits/drafts/1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


class Desk:
    """A lender with an author, a second author and an approver, each at a device of their own."""

    def __init__(self, app: Flask, lender: Lender) -> None:
        self.lender = lender
        self.people: dict[str, Worker] = {}
        self.ada = self._somebody(app, "ada", Role.RULE_AUTHOR)
        self.bo = self._somebody(app, "bo", Role.RULE_AUTHOR)
        self.kim = self._somebody(app, "kim", Role.APPROVER)

    def _somebody(self, app: Flask, name: str, *roles: Role) -> CheckingClient:
        worker = a_worker(app, self.lender, *roles, email=f"{name}@linden.example", name=name.title())
        client = a_client(app)
        come_to_work(client, worker)
        self.people[name] = worker
        return client

    def begin(self) -> TestResponse:
        return self.ada.fill(self.ada.get("/staff/limits"), to="/from-version/1")

    def write(self, client: CheckingClient, text: str, *, revision: int | None = None) -> TestResponse:
        page = client.get(f"{DRAFT}/file")
        given = {"text": text} | ({} if revision is None else {"revision": str(revision)})
        return client.fill(page, given, to="/file")

    def ready(self, text: str | None = None) -> None:
        self.begin()
        if text is not None:
            self.write(self.ada, text)
        self.ada.fill(self.ada.get(DRAFT), ticked(self.ada.get(DRAFT)), to="/send")


def ticked(page: TestResponse) -> dict[str, list[str]]:
    """Tick all warnings of a page."""
    found = re.findall(r'name="acknowledged" value="([^"]*)"', page.get_data(as_text=True))
    return {"acknowledged": [html.unescape(each) for each in found]} if found else {}


@pytest.fixture
def desk(app: Flask, lender: Lender) -> Desk:
    return Desk(app, lender)


def draft() -> LimitsDraft:
    session.rollback()
    return session.scalars(select(LimitsDraft)).one()


def versions() -> list[tuple[int, date]]:
    session.rollback()
    rows = session.scalars(select(LimitsVersion).order_by(LimitsVersion.number))
    return [(row.number, row.effective_from) for row in rows]


LATER = STANDARD_LIMITS.replace("2026-01-01", "2026-06-01").replace("grace_days = 5", "grace_days = 6")


def test_a_draft_goes_from_its_author_to_a_second_person_and_counts(desk: Desk, clock: Clock) -> None:
    shown = page_of(desk.begin())
    assert shown.says("Being written")
    assert page_of(desk.write(desk.ada, LATER)).says("Saved.")
    desk.ada.fill(desk.ada.get(DRAFT), ticked(desk.ada.get(DRAFT)), to="/send")
    assert draft().state == "sent"
    seen = page_of(desk.kim.get(DRAFT))
    assert seen.says("Say yes or no")
    assert "+grace_days = 6" in seen.words
    done = page_of(desk.kim.fill(desk.kim.get(DRAFT), to="/approve"))
    assert done.says("Approved. It is version 2 and counts from 1 June 2026 on.")
    assert versions()[-1] == (2, date(2026, 6, 1))
    listed = page_of(desk.ada.get("/staff/limits"))
    assert listed.says("Written by Ada, approved by Kim")
    assert "Written by Ada" in page_of(desk.ada.get("/staff/limits/2")).words
    record = session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.act == "limits_approved")).one()
    assert str(desk.people["ada"].id) in record
    assert str(desk.people["kim"].id) in record
    release = session.scalars(select(LimitsRelease)).one()
    assert (release.written_by, release.decided_by) == (desk.people["ada"].id, desk.people["kim"].id)
    # A second click finds it done.
    assert desk.kim.get(DRAFT).status_code == 200
    assert "kim" in desk.kim.get("/staff/limits/versions.csv").get_data(as_text=True).casefold()


def test_an_approval_after_the_first_day_counts_from_today(desk: Desk, clock: Clock) -> None:
    desk.ready(STANDARD_LIMITS.replace("grace_days = 5", "grace_days = 6"))
    assert page_of(desk.kim.get(DRAFT)).says("The first day is over.")
    done = page_of(desk.kim.fill(desk.kim.get(DRAFT), to="/approve"))
    assert done.says("1 January 2026 is over, so it is version 2 and counts from today")
    session.rollback()
    newest = session.scalars(select(LimitsVersion).order_by(LimitsVersion.number.desc())).first()
    assert newest is not None
    assert f"effective_from = {newest.effective_from}" in newest.source


def test_two_authors_at_once_lose_nothing(desk: Desk) -> None:
    desk.begin()
    desk.write(desk.ada, LATER)
    other = STANDARD_LIMITS.replace("grace_days = 5", "grace_days = 9")
    refused = desk.write(desk.bo, other, revision=1)
    assert refused.status_code == 422
    page = page_of(refused)
    assert page.says("Ada saved another text meanwhile")
    assert "+grace_days = 6" in page.words
    assert "grace_days = 9" in page.words
    assert draft().source == LATER
    # Whoever has looked may save over it, and both texts are kept.
    assert page_of(desk.bo.fill(refused, to="/file")).says("Saved.")
    assert draft().source.strip() == other.strip()
    session.rollback()
    assert len(session.scalars(select(LimitsDraftRevision)).all()) == 3


def test_the_same_click_twice_is_once(desk: Desk) -> None:
    page = desk.ada.get("/staff/limits")
    first, second = (desk.ada.fill(page, to="/from-version/1") for _ in range(2))
    assert first.request.path == second.request.path == DRAFT
    file = desk.ada.get(f"{DRAFT}/file")
    for _ in range(2):
        desk.ada.fill(file, {"text": LATER}, to="/file")
    assert draft().revision == 2
    card = desk.ada.get(f"{DRAFT}/cards/add")
    for _ in range(2):
        assert desk.ada.fill(card, {"name": "Special"}, to="/add").request.path == DRAFT
    assert draft().source.count('name = "Special"') == 1
    moving = desk.ada.get(DRAFT)
    for _ in range(2):
        desk.ada.fill(moving, to="/cards/2/up")
    assert draft().revision == 4


def test_nobody_approves_their_own_draft_not_even_with_both_roles(app: Flask, desk: Desk) -> None:
    desk.ready(LATER)
    with app.app_context(), transaction():
        members.set_roles(
            lender_id=desk.lender.id,
            member_id=desk.people["ada"].id,
            roles=(Role.RULE_AUTHOR, Role.APPROVER),
            by=Actor("operator", "command line"),
        )
    shown = page_of(desk.ada.get(DRAFT))
    assert shown.says("You wrote or sent this draft yourself.")
    assert not any(form.action.endswith("/approve") for form in shown.forms)
    refused = page_of(
        desk.ada.post(f"{DRAFT}/approve", data=token(desk.ada) | {"revision": "2"}, follow_redirects=True)
    )
    assert refused.says("You wrote or sent this draft yourself.")
    assert draft().state == "sent"
    assert len(versions()) == 1


def fields_of(shown: TestResponse) -> list[tuple[str, str]]:
    return [field for form in page_of(shown).forms for field in form.fields]


def token(client: CheckingClient) -> dict[str, str]:
    fields = (field for form in page_of(client.get("/staff/you")).forms for field in form.fields)
    return {"csrf_token": next(value for name, value in fields if name == "csrf_token")}


@pytest.mark.parametrize("how", ["mailbox", "invited", "browser"])
def test_nobody_approves_their_own_draft_through_a_second_account(app: Flask, desk: Desk, how: str) -> None:
    desk.ready(LATER)
    email = {"mailbox": "a.da+two@linden.example"}.get(how, "two@linden.example")
    if how == "invited":
        with app.app_context(), transaction():
            members.set_roles(
                lender_id=desk.lender.id,
                member_id=desk.people["ada"].id,
                roles=(Role.RULE_AUTHOR, Role.LENDER_ADMINISTRATOR),
                by=Actor("operator", "command line"),
            )
        second = a_worker(app, desk.lender, email=email, name="Two")
        with app.app_context(), transaction():
            members.set_roles(
                lender_id=desk.lender.id,
                member_id=second.id,
                roles=(Role.APPROVER,),
                by=Actor("staff", str(desk.people["ada"].id)),
            )
    else:
        second = a_worker(app, desk.lender, Role.APPROVER, email=email, name="Two")
    client = desk.ada if how == "browser" else a_client(app)
    come_to_work(client, second)
    shown = page_of(client.get(DRAFT))
    words = {"mailbox": "lead to one mailbox", "invited": "one of you invited the other", "browser": "on this device"}
    assert words[how] in " ".join(shown.words.split())
    client.post(f"{DRAFT}/approve", data=token(client) | {"revision": "2"})
    assert draft().state == "sent"
    assert len(versions()) == 1
    # A third colleague can.
    desk.kim.fill(desk.kim.get(DRAFT), to="/approve")
    assert draft().state == "approved"


def test_a_draft_that_is_sent_back_says_why_and_can_be_mended(desk: Desk) -> None:
    desk.ready(LATER)
    empty = desk.kim.fill(desk.kim.get(f"{DRAFT}/send-back"), {"words": "  "})
    assert empty.status_code == 422
    desk.kim.fill(desk.kim.get(f"{DRAFT}/send-back"), {"words": "Six days are too many."})
    shown = page_of(desk.ada.get(DRAFT))
    assert shown.says("Kim sent it back")
    assert shown.says("Six days are too many.")
    desk.write(desk.ada, LATER.replace("grace_days = 6", "grace_days = 4"))
    assert draft().state == "open"


def test_a_sent_draft_can_be_taken_back_and_withdrawn_but_not_written_on(desk: Desk) -> None:
    desk.ready(LATER)
    refused = page_of(
        desk.ada.post(
            f"{DRAFT}/file",
            data=token(desk.ada) | {"revision": "2", "text": STANDARD_LIMITS},
            follow_redirects=True,
        )
    )
    assert refused.says("That is not possible any more.")
    assert draft().source == LATER
    desk.ada.fill(desk.ada.get(DRAFT), to="/take-back")
    assert draft().state == "open"
    desk.ada.fill(desk.ada.get(f"{DRAFT}/withdraw"), to="/withdraw")
    assert draft().state == "withdrawn"
    assert desk.ada.get(f"{DRAFT}.toml").get_data(as_text=True) == LATER


def test_a_role_that_is_taken_away_decides_nothing_any_more(app: Flask, desk: Desk) -> None:
    desk.ready(LATER)
    page = desk.kim.get(DRAFT)
    with app.app_context(), transaction():
        members.set_roles(
            lender_id=desk.lender.id,
            member_id=desk.people["kim"].id,
            roles=(Role.AUDITOR,),
            by=Actor("operator", "command line"),
        )
    assert desk.kim.fill(page, to="/approve").status_code == 403
    assert draft().state == "sent"
    assert row(desk.lender, desk.people["kim"]).roles == ["auditor"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "Line 1 can’t be read as TOML: “name =”"),
        (
            LATER.replace("grace_days = 6", 'grace_days = "six"', 1),
            "Card “Small balances”: keeping.grace_days is 'six'. It needs a whole number.",
        ),
        ("", "Paste the file, or choose one."),
    ],
    ids=("no TOML", "no number", "nothing"),
)
def test_a_file_that_cannot_be_read_is_named_and_kept_as_it_was_typed(desk: Desk, text: str, words: str) -> None:
    desk.begin()
    refused = desk.write(desk.ada, text)
    assert refused.status_code == 422
    assert words in page_of(refused).words
    assert draft().revision == 1
    assert any(name == "text" and value.strip() == text.strip() for name, value in fields_of(refused))


def test_a_file_that_cannot_be_read_is_named_in_chinese_too(desk: Desk) -> None:
    desk.ada.fill(desk.ada.get("/staff"), {"language": "zh_Hans"}, to="/language")
    bad = LATER.replace("grace_days = 6", "grace_dayz = 6", 1)
    page = desk.ada.get("/staff/limits/drafts/from-file")
    refused = page_of(desk.ada.fill(page, {"text": bad}, to="/from-file"))
    assert refused.says("规则卡“Small balances”：缺少 keeping.grace_days，应为整数。")
    assert refused.says("规则卡“Small balances”：这里没有 keeping.grace_dayz 这一项。")
    lost = page_of(desk.ada.get("/staff/limits/drafts/99"))
    assert lost.says("员工") and not lost.says("我还不上")


def test_a_file_is_brought_and_taken_away(desk: Desk) -> None:
    page = desk.ada.get("/staff/limits/drafts/from-file")
    [form] = [form for form in page_of(page).forms if "form_key" in form.names]
    given = dict(form.fields) | {"text": "", "upload": (io.BytesIO(LATER.encode("utf-8-sig")), "limits.toml")}
    made = desk.ada.post(
        "/staff/limits/drafts/from-file", data=given, content_type="multipart/form-data", follow_redirects=True
    )
    assert made.request.path == DRAFT
    assert desk.kim.get(f"{DRAFT}.toml").get_data(as_text=True) == LATER


def test_what_contradicts_itself_is_not_sent_and_names_its_card(desk: Desk) -> None:
    desk.begin()
    wrong = LATER.replace("hardship_amount = 1", "hardship_amount = 99999", 1)
    assert wrong != LATER
    desk.write(desk.ada, wrong)
    shown = page_of(desk.ada.get(DRAFT))
    assert shown.says("This has to be put right")
    assert shown.says("This can’t both hold")
    assert ("#card-1", "Small balances") in shown.links
    assert not any(form.action.endswith("/send") for form in shown.forms)
    refused = desk.ada.post(f"{DRAFT}/send", data=token(desk.ada) | {"revision": "2"})
    assert refused.status_code == 422
    assert draft().state == "open"


def test_warnings_are_ticked_by_name_and_shown_to_the_second_person(desk: Desk) -> None:
    desk.begin()
    # Nothing for everything else: some debts have no card.
    first = LATER.index("[[card]]")
    second = LATER.index("[[card]]", first + 1)
    desk.write(desk.ada, LATER[:second])
    page = desk.ada.get(DRAFT)
    assert page_of(page).says("Some debts have no card")
    refused = desk.ada.fill(page, to="/send")
    assert refused.status_code == 422
    assert page_of(refused).says("Tick this, or change the draft:")
    assert draft().state == "open"
    desk.ada.fill(page, ticked(page), to="/send")
    assert draft().state == "sent"
    assert page_of(desk.kim.get(DRAFT)).says("Ada has looked at it: it is meant.")


def test_in_an_emergency_one_person_goes_back_and_everybody_sees_why(desk: Desk, clock: Clock) -> None:
    desk.ready(STANDARD_LIMITS.replace("grace_days = 5", "grace_days = 6"))
    desk.kim.fill(desk.kim.get(DRAFT), to="/approve")
    desk.ada.fill(desk.ada.get("/staff/limits"), to="/from-version/2")
    page = desk.kim.get("/staff/limits/2/go-back")
    assert page_of(page).says("it only ever leads back to what was approved or loaded before")
    assert desk.kim.fill(page, {"words": ""}).status_code == 422
    for _ in range(2):
        done = desk.kim.fill(page, {"words": "Far too many pauses."})
    assert page_of(done).says("That was done already")
    assert len(versions()) == 3
    listed = page_of(desk.ada.get("/staff/limits"))
    assert listed.says("Kim went back: Far too many pauses.")
    assert "grace_days = 5" in desk.ada.get("/staff/limits/3.toml").get_data(as_text=True)
    # A draft on which somebody works says that something else counts now.
    second = page_of(desk.ada.get("/staff/limits/drafts/2"))
    assert second.says("Version 3 says things that this draft leaves out")
    assert second.says("The draft was begun on version 2.")
    # From a version that went back there is nothing further back here: version 1 was the first.
    nothing = page_of(desk.kim.get("/staff/limits/3/go-back", follow_redirects=True))
    assert nothing.says("There is nothing to go back to from version 3.")


def test_an_author_may_not_go_back(desk: Desk) -> None:
    assert desk.ada.get("/staff/limits/1/go-back").status_code == 403


def test_what_a_made_up_debt_would_be_offered_under_both_and_what_differs(desk: Desk) -> None:
    desk.begin()
    desk.write(desk.ada, LATER.replace("amount = 25", "amount = 90"))
    page = desk.ada.get("/staff/limits/try")
    given = {"balance": "3,600", "days_late": "40", "payment": "100", "often": "monthly", "draft": "1"}
    counts = counted()
    shown = desk.ada.fill(page, given, to="")
    assert shown.status_code == 200
    tried = page_of(shown)
    assert tried.says("Version 1, which counts now")
    assert tried.says("“Small balances” does not fit: it is for other debts. Balance of $500.00 or less.")
    assert tried.says("“Everything else” counts.")
    assert tried.says("Least payment by the amount for a month")
    assert tried.says("Differs")
    assert counted() == counts
    empty = desk.ada.fill(page, {"balance": "", "payment": "100"}, to="")
    assert empty.status_code == 422
    assert page_of(empty).says("Enter the reference of a debt, or what a made-up one comes to.")
    wrong = desk.ada.fill(page, given | {"attributes": "no colon"}, to="")
    assert page_of(wrong).says("Write each on a line of its own, such as region: north.")


def counted() -> dict[str, int]:
    found = rows()
    session.rollback()
    return found


def test_a_look_at_a_real_debt_is_on_its_owners_timeline(desk: Desk, debt: Standing) -> None:
    page = desk.ada.get("/staff/limits/try")
    shown = page_of(desk.ada.fill(page, {"reference": debt.reference, "payment": "50"}, to=""))
    assert shown.says("Which card counts")
    record = session.scalars(select(EvidenceRecord).where(EvidenceRecord.act == "staff_looked")).one()
    assert (record.debtor_id, record.debt_id) == (debt.debtor_id, debt.id)
    unknown = desk.ada.fill(page, {"reference": "NO-SUCH-1", "payment": "50"}, to="")
    assert unknown.status_code == 422
    assert page_of(unknown).says("No open debt has this reference.")


def test_one_debtor_meets_the_new_limits_while_another_with_an_open_quote_keeps_the_old(
    app: Flask, desk: Desk, lender: Lender, debt: Standing, client: CheckingClient
) -> None:
    come_in(client, debt)
    check = to_check(client, debt, amount="60")
    desk.ready(STANDARD_LIMITS.replace("amount = 25", "amount = 90"))
    desk.kim.fill(desk.kim.get(DRAFT), to="/approve")
    # Whoever begins now is answered under the new version.
    other, newcomer = a_debt("900.00", lender=lender), a_client(app)
    come_in(newcomer, other)
    answered = page_of(to_choices(newcomer, other, amount="60"))
    assert "$90.00" in answered.words
    assert "Yes, what you asked for works." not in answered.words
    # The quote that was shown before is honoured, and the plan that comes of it is under the old one.
    assert sign(client, check).request.path.startswith("/plans/")
    session.rollback()
    numbers = {row.id: row.number for row in session.scalars(select(LimitsVersion))}
    quoted = session.scalars(select(Quote).where(Quote.debt_id == debt.id)).one()
    proposed = session.scalars(select(Proposal).where(Proposal.debt_id == other.id)).one()
    assert (numbers[quoted.limits_version_id], numbers[proposed.limits_version_id]) == (1, 2)
    assert plan_on(debt).state in ("agreed", "active")


def test_what_a_person_looks_at_first_is_not_said_to_be_agreed_on_the_spot(desk: Desk) -> None:
    page = desk.ada.get("/staff/limits/try")
    given = {"balance": "3,600", "days_late": "40", "payment": "100", "often": "monthly"}
    tried = page_of(desk.ada.fill(page, given, to=""))
    assert tried.says("A plan this long is looked at by a person first.")
    assert tried.says("Not on the spot: it is within the limits, and a person looks at it first.")
    assert not tried.says("Yes, on the spot.")
    assert tried.says("(a person looks at it first)")
    # Every step says what went into it, as the command does.
    assert tried.says("by the longest plan: $100.00")
    assert tried.says("payments in a year: 12")
    alone = page_of(desk.ada.fill(page, given | {"payment": "300"}, to=""))
    assert alone.says("Yes, on the spot.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"way": "steps", "first": "50", "count": "3"}, "3 payments of $50.00, then $300.00 a month"),
        (
            {"way": "down_payment", "first": "500"},
            "What is asked for: amount $500.00, paid by 11 May 2026, then $300.00",
        ),
        ({"way": "pause", "count": "2"}, "Months of pause: 0"),
        ({"way": "lower", "count": "2"}, "What is asked for: months 2, then $300.00"),
        (
            {"way": "settle_in_parts", "count": "3", "payment": "2000"},
            "What is asked for: amount $2,000.00, paid by 11 May 2026, parts 3",
        ),
    ],
    ids=lambda value: value.get("way") if isinstance(value, dict) else "",
)
def test_every_kind_of_arrangement_is_answered(desk: Desk, typed: dict[str, str], said: str) -> None:
    page = desk.ada.get("/staff/limits/try")
    given = {"balance": "3,600", "days_late": "40", "payment": "300", "often": "monthly"} | typed
    shown = desk.ada.fill(page, given, to="")
    assert shown.status_code == 200
    assert page_of(shown).says(said)
    missing = desk.ada.fill(page, given | {"first": "", "count": ""}, to="")
    assert missing.status_code == 422

"""One box finds a person by whatever somebody says of him or her; each search that shows people is on record."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from portal.db import session, transaction
from portal.debts.models import Debt
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.people import found_by, names
from portal.people.models import FoundBy, NameSpelling
from portal.plans.models import Plan
from portal.staff.roles import Role
from tests.factories import a_debt, a_debtor, a_lender
from tests.journeys.acts import agree, come_in, command, rows
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import CheckingClient, page_of

Search = Callable[[str], TestResponse]


@pytest.fixture
def search(app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Let somebody of the helpdesk type something into the box."""
    cheap(monkeypatch)
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, name="Hel Desk"))
    return lambda typed: client.fill(client.get("/staff/people"), {"typed": typed})


def somebody(lender: Lender, name: str, **values: str) -> None:
    a_debt(lender=lender, debtor=a_debtor(lender=lender, name=name, **values))


def searches() -> list[dict[str, object]]:
    session.rollback()
    query = select(EvidenceRecord.entry).where(EvidenceRecord.act == "staff_searched").order_by(EvidenceRecord.id)
    entries = session.scalars(query)
    return [json.loads(entry)["facts"] for entry in entries]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("María García-López", ("garcia", "lopez maria", "MRAIA GARICA", "maria garcia lopez")),
        ("Łukasz O’Brien", ("obrien", "lukasz obrian", "o'brien, L.")),
        ("王小明", ("王小明", "小明", "王晓明", "王")),
        ("刘丽华", ("劉麗華", "麗華", "劉", "刘麗", "劉麗花")),
        ("陳國榮", ("陈国荣", "陳國榮", "国荣", "陈", "陈国")),
        ("Иван Петров", ("петров", "Петрав Иван")),
        ("محمد علي", ("محمد",)),
    ],
)
def test_a_name_is_found_in_any_script_and_order_and_with_slips(
    search: Search, lender: Lender, name: str, typed: tuple[str, ...]
) -> None:
    somebody(lender, name)
    somebody(lender, "Xenia Quartz")
    for text in typed:
        page = page_of(search(text))
        assert page.says(name), text
        assert not page.says("Xenia Quartz"), text


def test_a_person_is_found_by_every_number_and_address(client: CheckingClient, search: Search, lender: Lender) -> None:
    debtor = a_debtor(lender=lender, name="Robin Found", email="Robin.Found@Example.com", phone="+12125550123")
    debt = a_debt(lender=lender, debtor=debtor)
    come_in(client, debt)
    agree(client, debt)
    session.rollback()
    plan = session.scalars(select(Plan.reference)).one()
    for typed in (
        debt.reference,
        f" {debt.reference.lower()} ",
        debt.reference.replace("-", ""),
        f"{debt.reference.replace('-', ' ')} ".lower(),
        plan,
        plan.lower(),
        plan.replace("-", ""),
        plan.replace("-", " ").lower(),
        "robin.found@example.com",
        "(212) 555-0123",
        "+1 212 555 0123",
        "212.555.0123",
    ):
        assert page_of(search(typed)).says("Robin Found"), typed
    assert not page_of(search("+44 212 555 0123")).says("Robin Found")
    assert [said["by"] for said in searches()] == [*["reference"] * 4, *["number"] * 4, "email", *["phone"] * 3]


def test_a_reference_with_one_slip_finds_it_as_perhaps(search: Search, lender: Lender) -> None:
    def with_reference(reference: str, name: str) -> None:
        a_debt(lender=lender, debtor=a_debtor(lender=lender, name=name), reference=reference)

    with_reference("LN-583172", "Robin Near")
    # Swapped, wrong, one too few, one too many; with other marks too.
    for typed in ("LN-581372", "ln 583112", "LN-58317", "ln5831722", "LN-5831172", "583172", "LN-0583172"):
        page = page_of(search(typed))
        if typed == "583172":
            assert page.says("Nobody was found")
        else:
            assert page.says("Robin Near") and page.says("Perhaps: nobody has this reference"), typed
    # Two slips are another reference, and a whole one is nobody else's.
    for typed in ("LN-581371", "LN-5831", "LN-999999"):
        assert page_of(search(typed)).says("Nobody was found"), typed
    with_reference("LN-583171", "Robin Whole")
    page = page_of(search("LN-583171"))
    assert page.says("Robin Whole") and not page.says("Robin Near")
    # Swapped digits come before wrong ones, and of many like it a few are shown.
    for at in range(9):
        with_reference(f"LN-77310{at}", f"Row {at}")
    with_reference("LN-771309", "Sam Swapped")
    page = page_of(search("LN-773109"))
    assert page.says("Sam Swapped") and page.words.count("Row ") == 4 and page.says("There are more than these.")
    assert [said["by"] for said in searches()] == [*["nearly"] * 6, "reference", "nearly"]
    for typed in ("%' or 1", "1" * 119, "٣٤٥٦٧", "LN-" + "²³⁴⁵⁶"):
        assert search(typed).status_code in (200, 422)


def test_a_search_is_on_record_without_what_was_typed(search: Search, lender: Lender) -> None:
    somebody(lender, "Zora Neale")
    search("zora")
    search("nobody of this name")
    [said] = searches()
    assert said == {"name": "Hel Desk", "by": "name", "shown": 1, "more": False}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type a name, a reference"),
        ("   ", "Type a name, a reference"),
        ("%", "Type at least two letters"),
        ("_", "Type at least two letters"),
        ("x", "Type at least two letters"),
        ("a" * 10_000, "at most 120 characters"),
        ("' or 1=1 --" * 20, "at most 120 characters"),
    ],
)
def test_what_can_not_be_looked_for_is_answered_calmly(
    search: Search, lender: Lender, typed: str, sentence: str
) -> None:
    somebody(lender, "Xenia Quartz")
    before = rows()
    answer = search(typed)
    assert answer.status_code == 422
    assert page_of(answer).says(sentence)
    assert not page_of(answer).says("Xenia")
    assert rows() == before


def test_a_name_of_many_shows_twenty_and_asks_for_more(search: Search, lender: Lender) -> None:
    for number in range(25):
        somebody(lender, f"Common {chr(97 + number) * 3}")
    somebody(lender, "Commen Slip")
    page = page_of(search("common"))
    assert not page.says("Commen Slip")
    assert page.words.count("Common ") == 20
    assert page.says("There are more than these.")
    assert not page_of(search("common bbb")).says("There are more than these.")


def test_people_of_another_lender_and_of_a_file_being_read_are_not_found(search: Search, lender: Lender) -> None:
    other = a_lender(slug="other")
    a_debt(lender=other, debtor=a_debtor(lender=other, name="Yara Elsewhere", email="yara@example.com"))
    staged = a_debt(lender=lender, debtor=a_debtor(lender=lender, name="Yara Staged"))
    with transaction() as s:
        s.get_one(Debt, (lender.id, staged.id)).state = "staged"
    for typed in ("yara", "yara@example.com", staged.reference):
        assert page_of(search(typed)).says("Nobody was found"), typed


def test_names_like_it_are_shown_too_when_asked_for(app: Flask, search: Search, lender: Lender) -> None:
    somebody(lender, "Marta Weiss")
    somebody(lender, "Maria Weiss")
    assert not page_of(search("maria weiss")).says("Marta Weiss")
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.HELPDESK, email="two@linden.example"))
    both = page_of(client.fill(client.get("/staff/people"), {"typed": "maria weiss", "alike": "y"}))
    assert both.says("Marta Weiss")
    assert both.words.index("Maria Weiss") < both.words.index("Marta Weiss")
    assert both.says("a name like it")


def test_people_from_before_are_found_once_the_command_has_run(app: Flask, search: Search, lender: Lender) -> None:
    somebody(lender, "Maria Before", email="before@example.com")
    with transaction() as s:
        s.execute(delete(FoundBy))
        s.execute(delete(NameSpelling))
    assert page_of(search("maria before")).says("Nobody was found")
    for _run in range(2):
        assert command(app, "people-index").exit_code == 0
    for typed in ("maria before", "marja befroe", "before@example.com"):
        assert page_of(search(typed)).says("Maria Before"), typed


def test_who_was_kept_in_traditional_signs_before_is_found_and_forgotten_in_both(
    app: Flask, search: Search, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(names, "_simplified", lambda sign: sign)
        debtor = a_debtor(lender=lender, name="陳小龍", email="chen@example.com")
        a_debt(lender=lender, debtor=debtor)
    assert page_of(search("陈小龙")).says("Nobody was found")
    assert command(app, "people-index").exit_code == 0
    for typed in ("陈小龙", "陳小龍"):
        assert page_of(search(typed)).says("陳小龍"), typed
    with transaction() as s:
        addresses = [(debtor.id, "email", "chen@example.com")]
        found_by.forget([(debtor.id, debtor.name)], addresses, lender_id=lender.id)
        left = s.scalars(select(FoundBy.id).where(FoundBy.debtor_id == debtor.id)).all()
    assert left == []

"""Every page of the staff with every role, and with what is another lender's: refused, and nothing has changed."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule

from portal.care import requests
from portal.db import session, transaction
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Actor
from portal.lenders.models import Lender
from portal.staff import recovering
from portal.staff.models import StaffMember, StaffRecovery, StaffSession
from portal.staff.roles import READS_ONLY, ROLES, Permission, Role, permissions_of
from tests.conftest import SECRET_KEY
from tests.factories import a_debt, a_lender
from tests.journeys.acts import rows
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work, row
from tests.pages import CheckingClient, page_of
from tests.settling import a_plan

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


def staff_rules(app: Flask) -> list[tuple[Rule, Permission | None]]:
    """Give the addresses of the staff, each with the permission that it asks for."""
    return [
        (rule, getattr(app.view_functions[rule.endpoint], "permission", None))
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "gate", None) == "staff"
    ]


def things_of(app: Flask, lender: Lender, somebody: Worker) -> dict[str, uuid.UUID | str]:
    """Give what stands in the gaps of addresses: a member, its session, a way back that waits, a plan, …"""
    lost = a_worker(app, lender, Role.HELPDESK, email=f"lost@{lender.slug}.example")
    with app.test_request_context(), transaction():
        recovering.ask(lender_id=lender.id, email=lost.email, address="", key=SECRET_KEY)
    come_to_work_at(app, lender, somebody)
    with app.test_request_context(), transaction():
        asked = requests.open_request(
            lender_id=lender.id,
            debtor_id=None,
            kind="talk_to_a_person",
            debt_id=None,
            words="Please call.",
            by=Actor("visitor", "somebody"),
            key=lender.slug,
        )
        assert isinstance(asked, requests.Opened)
    recovery = session.scalars(select(StaffRecovery.id).where(StaffRecovery.lender_id == lender.id)).one()
    their_session = session.scalars(select(StaffSession.id).where(StaffSession.lender_id == lender.id)).first()
    assert their_session is not None
    session.rollback()
    debt = a_debt(lender=lender)
    with app.test_request_context():
        plan = a_plan(debt).reference
    session.rollback()
    return {
        "member_id": somebody.id,
        "session_id": their_session,
        "recovery_id": recovery,
        "passkey_id": uuid.uuid4(),
        "number": asked.number,
        "note_id": uuid.uuid4(),
        "aside_id": uuid.uuid4(),
        "debtor_id": debt.debtor_id,
        "reference": debt.reference,
        "plan": plan,
        "way": "pause-first",
        "autopay_id": uuid.uuid4(),
    }


def come_to_work_at(app: Flask, lender: Lender, worker: Worker) -> CheckingClient:
    """Sign in where there are several lenders."""
    client = a_client(app)
    page = client.get(f"/staff/sign-in?lender={lender.slug}")
    several = {"lender": lender.slug} if any("lender" in form.names for form in page_of(page).forms) else {}
    step = client.fill(page, several | {"email": worker.email, "password": "seven quiet lamps under water"})
    assert client.fill(step, {"code": worker.code()}).request.path == "/staff"
    return client


def filled(rule: Rule, things: dict[str, uuid.UUID | str]) -> dict[str, object]:
    """Fill the gaps of an address; versions and drafts are counted anew for each lender, so one that nobody has."""
    counted = rule.endpoint.startswith(("desk", "files", "banking"))
    of_the_desk = {"number": 99, "at": 1, "what": "up"} if counted else {}
    # A reference is a plan's where plans are kept, and else a debt's.
    here = {**things, "reference": things["plan"]} if rule.endpoint.startswith("staff_plans") else things
    return {gap: of_the_desk.get(gap) or here[gap] for gap in rule.arguments}


def state() -> tuple[dict[str, int], list[tuple[object, ...]]]:
    """Give how many rows there are, and what of the staff's own could have changed."""
    counted = rows()
    told = session.execute(
        select(StaffMember.id, StaffMember.state, StaffMember.password_hash).order_by(StaffMember.id)
    ).all()
    told += session.execute(select(StaffSession.id, StaffSession.ended_at).order_by(StaffSession.id)).all()
    told += session.execute(select(StaffRecovery.id, StaffRecovery.state).order_by(StaffRecovery.id)).all()
    roles = [tuple(found) for found in session.scalars(select(StaffMember.roles).order_by(StaffMember.id))]
    session.rollback()
    return counted, [tuple(row) for row in told] + roles


def token_of(client: CheckingClient) -> str:
    return next(v for form in page_of(client.get("/staff/you")).forms for n, v in form.fields if n == "csrf_token")


def test_each_page_is_for_a_permission_or_for_everybody_of_the_staff(app: Flask) -> None:
    found = staff_rules(app)
    assert len(found) >= 15
    for_all = {rule.endpoint for rule, permission in found if permission is None}
    assert for_all == {
        "staff.home",
        "staff.sign_out",
        "staff_own.add_passkey",
        "staff_own.end_others",
        "staff_own.end_session",
        "staff_own.own",
        "staff_own.passkey_options",
        "staff_own.password",
        "staff_own.remove_passkey",
    }


def test_the_auditor_reads_only_and_the_operator_sees_nothing_of_a_lender() -> None:
    assert ROLES[Role.AUDITOR] <= READS_ONLY
    assert ROLES[Role.PLATFORM_OPERATOR] == {Permission.ADD_LENDERS}
    assert set(ROLES) == set(Role)
    assert permissions_of(["no such role", "auditor"]) == ROLES[Role.AUDITOR]


@pytest.mark.parametrize("role", [*Role, None])
def test_who_lacks_the_permission_is_refused_and_nothing_changes(app: Flask, lender: Lender, role: Role | None) -> None:
    roles = (role,) if role else ()
    worker = a_worker(app, lender, *roles, email="worker@linden.example")
    things = things_of(app, lender, a_worker(app, lender, Role.LENDER_ADMINISTRATOR, email="boss@linden.example"))
    client = come_to_work_at(app, lender, worker)
    may = permissions_of(role.value for role in roles)
    token, before, tried = token_of(client), state(), 0
    for rule, permission in staff_rules(app):
        if permission is None or permission in may:
            continue
        with app.test_request_context():
            built = rule.build(filled(rule, things))
        assert built is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            data = {
                "csrf_token": token,
                "words": "words",
                "roles": "lender_administrator",
                "name": "x",
                "revision": "1",
            }
            answer = client.open(built[1], method=method, data=data if method in WRITES else None)
            assert answer.status_code == 403, (rule.rule, method, answer.status_code)
            tried += 1
    assert tried > 0 or role is Role.LENDER_ADMINISTRATOR
    assert state() == before


def test_what_is_another_lenders_is_not_there_and_stays_as_it_is(app: Flask, lender: Lender) -> None:
    boss = a_worker(app, lender, *Role, email="boss@linden.example")
    client = come_to_work_at(app, lender, boss)
    other = a_lender(slug="other", name="Other Bank")
    theirs = things_of(app, other, a_worker(app, other, Role.LENDER_ADMINISTRATOR, email="boss@other.example"))
    token, before, tried = token_of(client), state(), 0
    for rule, _permission in staff_rules(app):
        if not rule.arguments:
            continue
        with app.test_request_context():
            built = rule.build(filled(rule, theirs))
        assert built is not None
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            data = {"csrf_token": token, "words": "words", "roles": "lender_administrator"}
            answer = client.open(built[1], method=method, data=data if method in WRITES else None)
            assert answer.status_code == 404, (rule.rule, method, answer.status_code)
            tried += 1
    assert tried >= 8
    assert state() == before


def test_every_act_of_the_staff_is_on_record_with_who_did_it(app: Flask, lender: Lender) -> None:
    boss = a_worker(app, lender, Role.LENDER_ADMINISTRATOR, email="boss@linden.example")
    client = a_client(app)
    come_to_work(client, boss)
    other = a_worker(app, lender, Role.HELPDESK, email="h@linden.example")
    client.fill(client.get(f"/staff/colleagues/{other.id}/end"), to="/end")
    ended = session.scalars(select(EvidenceRecord).where(EvidenceRecord.act == "staff_ended")).one()
    assert (ended.actor_kind, ended.actor_id) == ("staff", str(boss.id))
    assert row(lender, other).state == "ended"

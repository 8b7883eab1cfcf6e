"""Every page of the staff with every role, with what is another lender's, and somebody else's: nothing changes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule, UUIDConverter

from portal import clock
from portal.db import Model, new_id, session, transaction
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.staff.models import StaffPasskey, StaffSession
from portal.staff.roles import READS_ONLY, ROLES, Permission, Role, permissions_of
from tests.factories import a_lender
from tests.journeys.acts import Stripe
from tests.journeys.staff import Worker, a_client, a_worker, cheap, come_to_work, row
from tests.pages import CheckingClient, page_of
from tests.scene import COLLEAGUE, Scene

WRITES = {"POST", "PUT", "PATCH", "DELETE"}

# Pages of what is there, and that still have nothing to show: asked for without a door, or of a file that left none.
NOTHING_WITHOUT_MORE = {"helpdesk_people.act_ask", "files.report", "files.stays", "desk_drafts.call_off"}


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


def things_of(scene: Scene) -> dict[str, str]:
    """Give what stands in the gaps of addresses, of what is really there; a key with a dot is for one feature alone."""
    places, here = scene.places[COLLEAGUE], {"lender_id": scene.lender.id}
    colleague = uuid.UUID(places["colleague"])
    with scene.app.test_request_context(), transaction() as s:
        passkey = StaffPasskey(
            **here,
            id=new_id(),
            member_id=uuid.UUID(places["oneself"]),
            credential_id="of a key",
            public_key=b"",
            sign_count=0,
            name="Key",
            created_at=clock.now(),
        )
        s.add(passkey)
        entered = StaffSession(
            **here,
            id=new_id(),
            member_id=colleague,
            came_by="code",
            browser="",
            network="",
            device="",
            created_at=clock.now(),
            seen_at=clock.now(),
        )
        s.add(entered)
    return {
        "member_id": str(colleague),
        "session_id": str(entered.id),
        "recovery_id": places["recovery"],
        "passkey_id": str(passkey.id),
        "number": places["number"],
        "helpdesk_offers.number": places["offer"],
        "desk.number": places["version"],
        "desk_drafts.number": places["draft"],
        "desk_drafts.from_version.number": places["version"],
        "desk_cards.number": places["draft"],
        "files.number": places["file_ready"],
        "batches.number": places["batch"],
        "batches.what": "pause",
        "banking.number": places["bank_live"],
        "banking.aside_id": places["aside_at_the_bank"],
        "finance.number": places["refund"],
        "finance.give_back.number": places["paid"],
        "finance.give_back.debtor_id": places["payer"],
        "at": "1",
        "what": "up",
        "aside_id": places["aside"],
        "debtor_id": places["person"],
        "helpdesk_people.frame.page": "home",
        "note_id": places["note"],
        "autopay_id": places["automatic"],
        "helpdesk_people.stop_autopay.debtor_id": places["paying_by_itself"],
        "helpdesk_plans.debtor_id": places["agreeing"],
        "helpdesk_plans.reference": places["agreeing_debt"],
        "helpdesk_plans.number": places["prepared"],
        "staff_plans.reference": places["plan_waiting"],
        "way": "pause-first",
    }


def come_to_work_at(app: Flask, lender: Lender, worker: Worker) -> CheckingClient:
    """Sign in where there are several lenders."""
    client = a_client(app)
    page = client.get(f"/staff/sign-in?lender={lender.slug}")
    several = {"lender": lender.slug} if any("lender" in form.names for form in page_of(page).forms) else {}
    step = client.fill(page, several | {"email": worker.email, "password": "seven quiet lamps under water"})
    assert client.fill(step, {"code": worker.code()}).request.path == "/staff"
    return client


def filled(rule: Rule, things: dict[str, str]) -> dict[str, str]:
    """Fill the gaps of an address with what is meant there: a number is that of a draft, a file or a request."""
    feature = rule.endpoint.partition(".")[0]
    return {
        gap: things.get(f"{rule.endpoint}.{gap}") or things.get(f"{feature}.{gap}") or things[gap]
        for gap in rule.arguments
    }


def address_of(app: Flask, rule: Rule, things: dict[str, str]) -> str:
    """Give the address of a page; what stands in it is of the kind that the rule takes."""
    with app.test_request_context():
        given = {
            gap: rule._converters[gap].to_python(value) if isinstance(rule._converters[gap], UUIDConverter) else value
            for gap, value in filled(rule, things).items()
        }
        built = rule.build(given)
    assert built is not None, rule.endpoint
    return built[1]


def tries(app: Flask, rules: Iterable[Rule], things: dict[str, str]) -> Iterator[tuple[Rule, str, str]]:
    """Give each rule with its address and each way to ask for it."""
    for rule in rules:
        address = address_of(app, rule, things)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, address, method


def state() -> dict[str, tuple[int, str]]:
    """Give of each table how many rows it has and what they hash to, with all that stands in them."""
    session.rollback()
    told = {}
    for table in Model.metadata.sorted_tables:
        # When somebody was last seen changes with each click, and is no act.
        columns = [column for column in table.columns if column.name != "seen_at"]
        found = sorted(repr(tuple(row)) for row in session.execute(select(*columns)))
        told[table.name] = (len(found), hashlib.sha256("\n".join(found).encode()).hexdigest())
    session.rollback()
    return told


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


@pytest.fixture
def scene(app: Flask, lender: Lender, stripe: Stripe) -> Scene:
    """A lender with everything that a page can show."""
    return Scene(app, lender=lender, sandbox=stripe.sandbox)


def _sent(token: str) -> dict[str, str]:
    return {"csrf_token": token, "words": "words", "roles": "lender_administrator", "name": "x", "revision": "1"}


def test_the_state_sees_a_row_that_changed(lender: Lender) -> None:
    before = state()
    with transaction() as s:
        s.get_one(Lender, lender.id).phone = "another"
    after = state()
    assert {name for name in after if after[name] != before[name]} == {"lender"}


def test_who_lacks_the_permission_is_refused_and_nothing_changes(app: Flask, lender: Lender, scene: Scene) -> None:
    things = things_of(scene)
    for role in (*Role, None):
        roles = (role,) if role else ()
        client = come_to_work_at(app, lender, a_worker(app, lender, *roles, email=f"{role}@linden.example"))
        may = permissions_of(each.value for each in roles)
        refused = [rule for rule, permission in staff_rules(app) if permission is not None and permission not in may]
        token, before, tried = token_of(client), state(), 0
        for rule, address, method in tries(app, refused, things):
            answer = client.open(address, method=method, data=_sent(token) if method in WRITES else None)
            assert answer.status_code == 403, (role, rule.rule, method, answer.status_code)
            tried += 1
        assert tried > 0
        assert state() == before, role


def test_what_is_another_lenders_is_not_there_and_stays_as_it_is(app: Flask, scene: Scene) -> None:
    theirs = things_of(scene)
    # Their own see all of it: what is refused to others is really there.
    own = scene.visitor(COLLEAGUE)
    with_gaps = [rule for rule, _permission in staff_rules(app) if rule.arguments]
    for rule, address, method in tries(app, with_gaps, theirs):
        if method == "GET" and rule.endpoint not in NOTHING_WITHOUT_MORE:
            assert own.get(address).status_code in (200, 303), address
    ours = a_lender(slug="ours", name="Our Bank")
    client = come_to_work_at(app, ours, a_worker(app, ours, *Role, email="boss@ours.example"))
    token, before, tried = token_of(client), state(), 0
    for rule, address, method in tries(app, with_gaps, theirs):
        answer = client.open(address, method=method, data=_sent(token) if method in WRITES else None)
        assert answer.status_code == 404, (rule.rule, method, answer.status_code)
        tried += 1
    assert tried > 100
    assert state() == before


def test_what_is_another_persons_is_not_there_and_stays_as_it_is(app: Flask, scene: Scene) -> None:
    """On the page of one person, with what is really there and somebody else's of the same lender."""
    places, things = scene.places[COLLEAGUE], things_of(scene)
    other = scene.debts["with every way"]
    # This person's page, on which the colleague may act, with everything else of others.
    mixed = {
        **{gap: value for gap, value in things.items() if not gap.endswith(".debtor_id")},
        "debtor_id": places["agreeing"],
        "helpdesk_plans.reference": other.reference,
        "helpdesk_people.frame.page": f"debts/{other.reference}",
        "helpdesk_plans.number": scene.places["with every way"]["number"],
        # A session of a colleague, on the page of another one.
        "member_id": places["oneself"],
    }
    rules = [
        rule
        for rule, _permission in staff_rules(app)
        if {"debtor_id", "member_id"} & set(rule.arguments) and len(rule.arguments) > 1
    ]
    client = scene.visitor(COLLEAGUE)
    # That somebody looks at this person is no change here.
    client.get(f"/staff/people/{places['agreeing']}")
    token, before, tried = token_of(client), state(), 0
    for rule, address, method in tries(app, rules, mixed):
        answer = client.open(address, method=method, data=_sent(token) if method in WRITES else None)
        assert answer.status_code == 404, (rule.rule, method, answer.status_code)
        tried += 1
    assert tried > 15
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

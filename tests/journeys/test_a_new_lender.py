"""A lender comes by one form or one command, with keys that nobody sees again; under its own host it is alone."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.db import session, transaction
from portal.evidence.models import EvidenceRecord
from portal.lenders import settings
from portal.lenders.models import Lender
from portal.people import sign_in
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from tests.conftest import SECRET_KEY
from tests.factories import BORN_ON, a_debt, a_debtor, a_lender, an_invitation
from tests.journeys.acts import acts_of, command, rows
from tests.journeys.staff import Worker, a_client, a_worker, cheap, choose, come_to_work, newest_link, set_up_app
from tests.pages import CheckingClient, page_of

NEW = {
    "name": "Harbour Bank",
    "slug": "harbour",
    "address": "1 Quay\nPort Town",
    "jurisdiction": "gb",
    "currency": "gbp",
    "zone": "Europe/London",
    "host": "pay.harbour.example",
    "accent": "#8a3b6b",
    "stripe_key": "sk_test_harbourkey",
    "stripe_webhook_secret": "whsec_harbour",
    "admin_name": "Kim Harbour",
    "admin_email": "kim@harbour.example",
}


@pytest.fixture
def operator(app: Flask, client: CheckingClient, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> Worker:
    cheap(monkeypatch)
    worker = a_worker(app, lender, Role.PLATFORM_OPERATOR, email="op@platform.example")
    come_to_work(client, worker)
    return worker


def test_a_lender_comes_by_one_form_and_its_administrator_joins(
    app: Flask, client: CheckingClient, operator: Worker
) -> None:
    shown = client.get("/staff/lenders/new")
    for _click in range(2):
        done = client.fill(shown, NEW)
        assert done.request.path == "/staff/lenders", page_of(done).words
    listed = page_of(done)
    assert listed.says("Harbour Bank") and listed.says("pay.harbour.example") and listed.says("Has a key")
    assert "harbourkey" not in done.text + client.get("/staff/lenders/lenders.csv").text
    session.rollback()
    made = session.scalars(select(Lender).where(Lender.slug == "harbour")).one()
    assert (made.jurisdiction, made.currency, made.languages) == ("GB", "GBP", ["en", "zh-Hans"])
    assert made.brand is not None and made.brand["accent"] == "#8a3b6b"
    assert (made.stripe_secret_key, made.stripe_webhook_secret) == ("sk_test_harbourkey", "whsec_harbour")
    kept = session.execute(text("select stripe_secret_key, stripe_webhook_secret from lender where slug = 'harbour'"))
    assert all("harbour" not in str(each) for each in kept.one())
    facts = " ".join(session.scalars(select(EvidenceRecord.entry).where(EvidenceRecord.lender_id == made.id)))
    assert "harbourkey" not in facts and str(operator.id) in facts
    assert acts_of(made.id)["lender_added"] == acts_of(made.id)["staff_invited"] == 1
    kim = session.scalars(select(StaffMember).where(StaffMember.lender_id == made.id)).one()
    assert kim.roles == ["lender_administrator"]
    joins = a_client(app)
    _secret, inside = set_up_app(joins, choose(joins, newest_link("staff_invited")))
    assert inside.request.path == "/staff" and page_of(inside).says("Hello, Kim Harbour")
    # The operator has no page of anybody's people.
    assert client.get("/staff/people").status_code == client.get("/staff/portfolio").status_code == 403


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "Harbour Bank"}, "Small letters a to z"),
        ({"slug": "taken"}, "There is a lender with this short name already."),
        ({"jurisdiction": "XQ"}, "Enter the two letters of a country"),
        ({"currency": "POUND"}, "Enter the three letters of a currency"),
        ({"zone": "London"}, "Enter a time zone by its name"),
        ({"host": "https://pay.harbour.example/x"}, "Enter the name of a host alone"),
        ({"host": "taken.example"}, "Another lender has this host."),
        ({"accent": "#ffff00"}, "can’t be read by everybody. The nearest that can is"),
        ({"accent": "green"}, "Enter a colour such as"),
        ({"stripe_key": "pk_test_public"}, "A secret key of Stripe begins with sk_ or rk_."),
        ({"stripe_webhook_secret": "sk_test_x"}, "begins with whsec_"),
        ({"admin_email": "kim"}, "Enter an e-mail address such as"),
        ({"name": ""}, "Enter the name."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: CheckingClient, operator: Worker, wrong: dict[str, str], said: str
) -> None:
    del operator
    a_lender(slug="taken", host="taken.example", limits=None)
    before = rows()
    answer = client.fill(client.get("/staff/lenders/new"), NEW | wrong)
    assert answer.status_code == 422 and page_of(answer).says(said), page_of(answer).words
    assert "kim" in answer.text and "sk_test_harbourkey" not in answer.text
    assert rows() == before


def test_a_role_that_was_taken_away_meanwhile_adds_no_lender(
    client: CheckingClient, lender: Lender, operator: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = client.get("/staff/lenders/new")
    from_page = settings.add

    def taken_away(**values: object) -> Lender:
        raise AssertionError(f"{values} was added")

    monkeypatch.setattr("portal.staff.opening.lenders.add", taken_away)
    monkeypatch.setattr("portal.staff.opening.permissions_of", lambda _roles: frozenset())
    assert client.fill(shown, NEW).status_code == 403
    assert from_page is not taken_away and lender.slug != "harbour"


def test_one_command_does_the_same_and_keys_are_given_again_unseen(app: Flask, lender: Lender) -> None:
    words = ("lender", "add", "--slug", "harbour", "--name", "Harbour Bank", "--currency", "GBP", "--zone", "UTC")
    more = ("--host", "Pay.Harbour.Example", "--accent", "#8a3b6b", "--admin-email", "kim@harbour.example")
    done = command(app, *words, *more, "--language", "en")
    assert done.exit_code == 0 and "/staff/harbour/join/" in done.output, done.output
    made = settings.by_slug("harbour")
    assert (made.host, made.languages) == ("pay.harbour.example", ["en"])
    assert command(app, *words).exit_code == 1
    assert command(app, *words[:3], "other", *words[4:], "--host", "pay.harbour.example").exit_code == 1
    with app.app_context():
        runner = app.test_cli_runner()
        wrong = runner.invoke(args=["lender", "stripe", "harbour"], input="pk_test_1234\n")
        right = runner.invoke(args=["lender", "stripe", "harbour"], input="rk_test_newkey\n")
        hook = runner.invoke(args=["lender", "stripe", "harbour", "--webhook"], input="whsec_new1\n")
    assert (wrong.exit_code, right.exit_code, hook.exit_code) == (1, 0, 0)
    assert "newkey" not in right.output and "new1" not in hook.output
    session.rollback()
    session.expire_all()
    made = settings.by_slug("harbour")
    assert (made.stripe_secret_key, made.stripe_webhook_secret) == ("rk_test_newkey", "whsec_new1")
    assert acts_of(made.id)["lender_keys_set"] == 2
    assert command(app, "lender", "host", "harbour", "--none").exit_code == 0
    assert command(app, "lender", "host", lender.slug, "localhost").exit_code == 1
    session.rollback()
    session.expire_all()
    assert settings.by_slug("harbour").host is None


def test_under_its_own_host_a_lender_is_alone(app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)
    harbour = a_lender(slug="harbour", name="Harbour Bank", host="pay.harbour.example")
    theirs, hers = "http://pay.harbour.example", a_debtor(lender=harbour)
    a_debt(lender=harbour, debtor=hers, reference="H-1")
    ours = a_debt(lender=lender, reference="L-1")
    links = {
        one.id: an_invitation(lender_id=one.id, debtor_id=debtor_id, key=SECRET_KEY)
        for one, debtor_id in ((harbour, hers.id), (lender, ours.debtor_id))
    }
    visitor = a_client(app)
    for path in ("/", "/sign-in", "/help", "/is-this-really-you", "/staff/sign-in", "/staff/lost", "/help/talk"):
        shown = visitor.get(path, base_url=theirs)
        assert page_of(shown).says("Harbour Bank") and lender.name not in shown.text, path
    assert lender.name in visitor.get("/sign-in").text and "Harbour Bank" in visitor.get("/sign-in").text
    # Links and addresses of the other lender are not there; its own are.
    assert visitor.get(f"/i/{links[lender.id]}", base_url=theirs).status_code == 404
    assert visitor.get(f"/staff/{lender.slug}/join/x", base_url=theirs).status_code == 404
    assert visitor.get(f"/i/{links[harbour.id]}", base_url=theirs).status_code == 200
    with app.test_request_context(base_url=theirs):
        assert isinstance(sign_in.look_at_link(links[lender.id], key=SECRET_KEY), sign_in.LinkGone)
    answer = page_of(visitor.get("/sign-in", base_url=theirs))
    assert not any("lender" in form.names and form.names.count("lender") > 1 for form in answer.forms)
    # Whoever is signed in elsewhere is nobody here, even with that very cookie.
    day = {"day": str(BORN_ON.day), "month": str(BORN_ON.month), "year": str(BORN_ON.year)}
    person = a_client(app)
    person.fill(person.get(f"/i/{links[lender.id]}"), day)
    assert page_of(person.get("/home")).says(lender.name)
    cookie = person.get_cookie("portal")
    assert cookie is not None
    person.set_cookie("portal", cookie.value, domain="pay.harbour.example")
    assert person.get("/home", base_url=theirs).status_code == 303
    worker = a_worker(app, lender, Role.HELPDESK)
    at_work = a_client(app)
    with transaction() as s:
        s.get_one(Lender, harbour.id).host = None
    sent = at_work.fill(
        at_work.get(f"/staff/sign-in?lender={lender.slug}"),
        {"lender": lender.slug, "email": worker.email, "password": "seven quiet lamps under water"},
    )
    assert at_work.fill(sent, {"code": worker.code()}).request.path == "/staff"
    with transaction() as s:
        s.get_one(Lender, harbour.id).host = "pay.harbour.example"
    cookie = at_work.get_cookie("portal")
    assert cookie is not None
    at_work.set_cookie("portal", cookie.value, domain="pay.harbour.example")
    assert at_work.get("/staff", base_url=theirs).status_code == 303
    assert at_work.get("/staff").status_code == 200

"""Two colleagues, or one with two clicks, press at the same moment: one decision, one consent, one of each thing."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.db import session, transaction
from portal.debts.statement import Standing
from portal.desk import drafts
from portal.desk.states import Forbidden, Moved, Repeated
from portal.evidence.record import Actor
from portal.helpdesk import acting, deciding, notes, sending
from portal.helpdesk.models import Consent, OfferDecision, PersonCall, PersonNote
from portal.lenders.models import Lender
from portal.money import Money
from portal.people.models import Invitation
from portal.people.sign_in import Device
from portal.plans import granting, negotiate
from portal.plans.models import LimitsVersion, Quote
from portal.post.models import Message
from portal.schedules.dates import Frequency
from portal.staff import entering, gates, members
from portal.staff.gates import Colleague
from portal.staff.roles import Role
from tests.conftest import SECRET_KEY
from tests.factories import a_debt, a_lender
from tests.faults.test_two_at_once import at_once
from tests.journeys.acts import acts_of, books_agree
from tests.journeys.staff import a_worker, cheap
from tests.journeys.test_beyond_the_usual import limits_with

TODAY = "America/New_York"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def lender(real_app: Flask) -> Lender:
    """A lender whose agents grant up to 30 months alone; its commits stay."""
    made = a_lender(limits=limits_with(months=30))
    session.remove()
    return made


@pytest.fixture
def debt(lender: Lender) -> Standing:
    """What somebody of that lender owes."""
    made = a_debt("900.00", lender=lender)
    session.remove()
    return made


def at_work(app: Flask, lender: Lender, role: Role, name: str) -> Colleague:
    """Give a colleague as the pages see one who is signed in."""
    worker = a_worker(app, lender, role, name=name, email=f"{name.lower()}@linden.example")
    with app.test_request_context():
        with transaction():
            member = members.one(lender_id=lender.id, member_id=worker.id)
            assert member is not None
            entered = entering.open_session(member, came_by="code", device=Device(id=name))
        found = gates.load(f"staff:{entered.lender_id.hex}:{entered.session_id.hex}")
        assert found is not None
        session.remove()
    return found


def problems(answers: list[object]) -> list[object]:
    return [one for one in answers if isinstance(one, Exception)]


def test_two_colleagues_decide_one_asked_question_once(real_app: Flask, lender: Lender, debt: Standing) -> None:
    helper = at_work(real_app, lender, Role.HELPDESK, "Hel")
    seniors = [at_work(real_app, lender, Role.SENIOR, name) for name in ("Sen", "Sue")]
    by, today = Actor("debtor", str(debt.debtor_id)), clock.today(TODAY)
    with real_app.test_request_context():
        with transaction():
            negotiate.propose(debt, payment=Money.of("35.00", "USD"), frequency=Frequency.MONTHLY, by=by, today=today)
            proposal = negotiate.newest_proposal(debt)
            assert proposal is not None
            negotiate.choose_pay_day(debt, proposal=proposal, pay_day=10, today=today)
            opened = negotiate.send_to_person(debt, proposal=proposal, by=by)
        number = getattr(opened, "number", "")
        given = {"number": number, "name": "nearest", "words": "Yes."}
        session.remove()
    # Two who ask at once, or one who asks twice, ask once.
    asked = at_once(real_app, *[lambda: deciding.ask_colleague(helper, **given, reason="Two children.")] * 3)
    assert sorted(map(str, asked)) == ["False", "False", "True"], asked
    with real_app.test_request_context():
        seen = granting.mark_of(granting.offered(lender_id=lender.id, number=number).every["nearest"])
        session.remove()
    answers = at_once(
        real_app,
        *[lambda who=who: deciding.say_yes(who, **given, seen=seen, reason="") for who in seniors],
        *[lambda who=who: deciding.decline(who, number=number, words="No.") for who in seniors],
        lambda: deciding.take_back(helper, number=number),
    )
    # A yes after a no is a yes of its own, with its own question or none; a no after a yes finds nothing to say no to.
    yes = [one for one in answers if isinstance(one, str)]
    assert len(yes) == 1, answers
    assert all(isinstance(one, granting.NoSuchOffer) for one in problems(answers)), answers
    with real_app.test_request_context():
        kept = session.scalars(select(OfferDecision)).all()
        assert "open" not in Counter(one.state for one in kept), kept
        assert session.scalars(select(Quote.number).where(Quote.kind == granting.GRANTED)).all() == yes
        acts = acts_of(lender.id)
        assert acts["request_answered"] == 1 and acts["colleague_asked"] == 1
        assert acts["colleague_answered"] == sum(one is True for one in answers) <= 1
        books_agree()
        session.remove()


def test_consent_that_is_begun_twice_is_one(real_app: Flask, lender: Lender, debt: Standing) -> None:
    helper = at_work(real_app, lender, Role.HELPDESK, "Hel")

    def agreed(form_key: str) -> None:
        acting.give_consent(helper, debtor_id=debt.debtor_id, how="phone", about="A plan.", form_key=form_key)

    # One form twice, and two tabs.
    answers = at_once(real_app, *[lambda: agreed("a" * 32)] * 2, *[lambda: agreed("b" * 32)] * 2)
    assert problems(answers) == []
    assert acts_of(lender.id)["consent_given"] == 1
    # What ends while something is asked under it is ended before or after, and never half.
    ended = at_once(real_app, *[lambda: acting.end_consent(helper, debtor_id=debt.debtor_id)] * 3)
    assert sorted(map(str, ended)) == ["False", "False", "True"]
    with real_app.test_request_context():
        assert len(session.scalars(select(Consent.id)).all()) == 1
        session.remove()


def test_what_is_sent_by_a_double_click_is_there_once(real_app: Flask, lender: Lender, debt: Standing) -> None:
    helper, form = at_work(real_app, lender, Role.HELPDESK, "Hel"), "f" * 32
    about = {"debtor_id": debt.debtor_id, "form_key": form}
    answers = at_once(
        real_app,
        *[lambda: notes.write_note(helper, **about, text="Works nights.")] * 3,
        *[lambda: notes.note_call(helper, **about, direction="in", reached=True, agreed="yes", about="A day.")] * 3,
        *[lambda: sending.send_link(helper, debtor_id=debt.debtor_id, to="page", once=form, key=SECRET_KEY)] * 3,
    )
    assert problems(answers) == [] and answers.count(True) == 6, answers
    acts = acts_of(lender.id)
    assert (acts["note_written"], acts["call_noted"], acts["link_sent"]) == (1, 1, 1)
    with real_app.test_request_context():
        for table in (PersonNote, PersonCall, Invitation):
            assert len(session.scalars(select(table)).all()) == 1, table
        assert len(session.scalars(select(Message.id).where(Message.kind == "link_asked_for")).all()) == 1
        [note] = session.scalars(select(PersonNote.id))
        session.remove()
    # Two who correct one note, and one who takes it back: one of them.
    corrected = at_once(
        real_app,
        *[
            lambda key=key: notes.write_note(helper, debtor_id=debt.debtor_id, text="Days.", form_key=key, strikes=note)
            for key in ("g" * 32, "h" * 32)
        ],
        lambda: notes.take_back_note(helper, debtor_id=debt.debtor_id, note_id=note),
    )
    assert problems(corrected) == [] and corrected.count(True) == 1, corrected


def test_a_plan_that_is_made_together_by_a_double_click_is_one_quote_and_one_link(
    real_app: Flask, lender: Lender, debt: Standing
) -> None:
    helper = at_work(real_app, lender, Role.HELPDESK, "Hel")
    today = clock.today(TODAY)
    with real_app.test_request_context():
        with transaction():
            acting.give_consent(helper, debtor_id=debt.debtor_id, how="phone", about="A plan.", form_key="a" * 32)
            consent = acting.allowed(helper, debtor_id=debt.debtor_id)
            done_by = {"helper": helper.name, "consent": consent.id}
            by = {"by": helper.actor, "today": today, "done_by": done_by}
            negotiate.propose(debt, payment=Money.of("50.00", "USD"), frequency=Frequency.MONTHLY, **by)
            proposal = negotiate.newest_proposal(debt)
            assert proposal is not None
            negotiate.choose_pay_day(debt, proposal=proposal, pay_day=10, **by)
            table = negotiate.table_for(debt, proposal=proposal, today=today)
            key, picked = next(iter(negotiate.choices(table).items()))
        session.remove()

    def quoted() -> str:
        acting.allowed(helper, debtor_id=debt.debtor_id)
        again = negotiate.newest_proposal(debt)
        assert again is not None
        return negotiate.quote(debt, proposal=again, key=key, arrangement=picked, zone=TODAY, **by)

    numbers = at_once(real_app, quoted, quoted, quoted)
    assert problems(numbers) == [] and len(set(numbers)) == 1, numbers
    number = str(numbers[0])

    def sent() -> object:
        return acting.send_plan(helper, debt, number=number, text="I agree.", form_key="s" * 32, key=SECRET_KEY)

    ending = at_once(real_app, sent, sent, lambda: acting.end_consent(helper, debtor_id=debt.debtor_id), sent)
    # Whoever came after the end of the consent did nothing.
    assert all(isinstance(one, acting.NoConsent) for one in problems(ending)), ending
    sends = sum(one is True for one in ending) > 1
    with real_app.test_request_context():
        assert acts_of(lender.id)["link_sent"] == sends
        [made] = session.scalars(select(Quote))
        assert ("read_out" in made.terms) == sends
        session.remove()
    agreed = {"number": number, "agreed_text": "I agree.", "by": Actor("debtor", str(debt.debtor_id))}
    answers = at_once(real_app, *[lambda: negotiate.agree(debt, **agreed)] * 3)
    assert Counter(type(one).__name__ for one in answers) == {"Agreed": 1, "AgreedBefore": 2}, answers


def test_two_who_decide_on_one_draft_decide_once(real_app: Flask, lender: Lender) -> None:
    author, one, two = (
        at_work(real_app, lender, role, name)
        for role, name in (
            (Role.RULE_AUTHOR, "Aut"),
            (Role.APPROVER, "One"),
            (Role.APPROVER, "Two"),
        )
    )
    here, today = {"lender_id": lender.id, "currency": "USD"}, clock.today(TODAY)
    for round_, acts in enumerate(
        (
            lambda approve, back: (approve(one), approve(two), approve(one)),
            lambda approve, back: (approve(one), back(two), approve(two), back(one)),
        )
    ):
        with real_app.test_request_context():
            with transaction():
                base = drafts.in_force(lender_id=lender.id, today=today)
                assert base is not None
                draft = drafts.begin(
                    **here,
                    text=limits_with(months=31).replace("2026-01-01", (today + timedelta(days=1 + round_)).isoformat()),
                    base_id=base.id,
                    form_key=uuid.uuid4().hex,
                    by=author.member_id,
                )
                number = draft.number
                warnings = [each.key for each in drafts.findings_of(draft, currency="USD", today=today)]
            with transaction():
                sent = drafts.send(
                    **here, number=number, revision=1, acknowledged=warnings, today=today, by=author.member_id
                )
            assert isinstance(sent, Moved), sent
            before = len(session.scalars(select(LimitsVersion.id)).all())
            session.remove()

        def approve(who: Colleague, number: int = number) -> object:
            return lambda: drafts.approve(**here, number=number, revision=1, today=today, by=who.member_id)

        def back(who: Colleague, number: int = number) -> object:
            return lambda: drafts.send_back(lender_id=lender.id, number=number, words="No.", by=who.member_id)

        answers = at_once(real_app, *acts(approve, back))
        assert problems(answers) == [], answers
        decided = [each for each in answers if isinstance(each, drafts.Released | Moved)]
        assert len(decided) == 1, answers
        assert all(isinstance(each, Repeated | Forbidden) for each in answers if each not in decided), answers
        with real_app.test_request_context():
            versions = session.scalars(select(LimitsVersion.id)).all()
            assert len(versions) - before == isinstance(decided[0], drafts.Released)
            session.remove()

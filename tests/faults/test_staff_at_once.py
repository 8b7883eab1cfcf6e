"""Staff, and whoever wants to be it, press at the same moment: one link, one code, one voice, each counts once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.care import requests
from portal.care.states import Moved, Repeated
from portal.db import session, transaction
from portal.evidence.record import OPERATOR, Actor
from portal.lenders.models import Lender
from portal.people.guessing import TRIES
from portal.people.models import SignInAttempt
from portal.people.sign_in import Device
from portal.post.models import Message
from portal.staff import entering, members, recovering, totp
from portal.staff.models import StaffLink, StaffMember, StaffRecovery, StaffSession
from portal.staff.roles import Role
from tests.conftest import SECRET_KEY
from tests.factories import a_lender
from tests.faults.test_two_at_once import at_once
from tests.journeys.acts import acts_of
from tests.journeys.staff import PASSWORD, Worker, a_worker, cheap

ADMINISTRATOR = Role.LENDER_ADMINISTRATOR


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap(monkeypatch)


@pytest.fixture
def lender(real_app: Flask) -> Lender:
    """The lender of a test whose commits stay."""
    made = a_lender()
    session.remove()
    return made


# Who acts meanwhile; a test waits for them at its end.
_others: list[threading.Thread] = []


def meanwhile(monkeypatch: pytest.MonkeyPatch, app: Flask, name: str, act: Callable[[], object]) -> None:
    """Let somebody else act right before (`locked`) or after (`find`) the first call of a function of `members`.

    SQLite lets nobody write beside a writer: there the other one waits, and acts afterwards.
    """
    real: Callable[..., Any] = getattr(members, name)
    first = threading.Lock()
    _others.clear()

    def other() -> None:
        with app.test_request_context(), transaction():
            act()
        session.remove()

    def called(*args: Any, **values: Any) -> Any:
        mine = first.acquire(blocking=False)
        found = real(*args, **values) if name == "find" or not mine else None
        if mine:
            _others.append(threading.Thread(target=other))
            _others[0].start()
            _others[0].join(1.5)
        return found if name == "find" or not mine else real(*args, **values)

    monkeypatch.setattr(members, name, called)


def others_are_done() -> None:
    for thread in _others:
        thread.join(35)


def joining(app: Flask, lender: Lender, *, roles: tuple[Role, ...] = (Role.HELPDESK,)) -> tuple[str, str, StaffMember]:
    """Invite somebody who has chosen a password; gives the token, the secret of the app, and the row."""
    with app.test_request_context(), transaction():
        invited = members.invite(
            lender_id=lender.id,
            email="new@linden.example",
            name="New",
            roles=roles,
            language="en",
            key=SECRET_KEY,
            by=OPERATOR,
        )
        assert isinstance(invited, members.Invited)
        members.choose_password(invited.token, lender_id=lender.id, new_hash="a hash", key=SECRET_KEY)
        member = session.get_one(StaffMember, (lender.id, invited.member_id))
        secret = members.new_secret(member, key=SECRET_KEY)
        assert secret is not None
    session.remove()
    return invited.token, secret, member


def row(lender: Lender, member_id: Any) -> StaffMember:
    session.remove()
    return session.get_one(StaffMember, (lender.id, member_id))


def now_of(secret: str) -> str:
    return totp.code_at(secret, at=clock.now())


def test_one_link_opens_one_account_once(real_app: Flask, lender: Lender) -> None:
    token, secret, _member = joining(real_app, lender)
    code = now_of(secret)
    answers = at_once(
        real_app, *[lambda: members.join(token, lender_id=lender.id, code=code, key=SECRET_KEY) for _tab in range(4)]
    )
    assert sum(isinstance(one, StaffMember) for one in answers) == 1, answers
    assert sum(isinstance(one, members.LinkGone) for one in answers) == 3, answers
    with real_app.test_request_context():
        assert acts_of(lender.id)["staff_joined"] == 1


def test_whoever_is_ended_while_joining_does_not_work_here(
    real_app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, secret, member = joining(real_app, lender)
    meanwhile(
        monkeypatch,
        real_app,
        "locked",
        lambda: members.end(lender_id=lender.id, member_id=member.id, by=OPERATOR),
    )
    with real_app.test_request_context(), transaction():
        joined = members.join(token, lender_id=lender.id, code=now_of(secret), key=SECRET_KEY)
        if isinstance(joined, StaffMember):
            entering.open_session(joined, came_by="link", device=Device())
    others_are_done()
    kept = row(lender, member.id)
    assert (kept.state, kept.password_hash, kept.totp_secret) == ("ended", None, None)
    assert session.scalars(select(StaffSession.id).where(StaffSession.ended_at.is_(None))).all() == []


def test_whoever_joins_while_invited_again_keeps_one_account_and_no_second_link(
    real_app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, secret, member = joining(real_app, lender)
    meanwhile(
        monkeypatch,
        real_app,
        "find",
        lambda: members.join(token, lender_id=lender.id, code=now_of(secret), key=SECRET_KEY),
    )
    with real_app.test_request_context(), transaction():
        members.invite(
            lender_id=lender.id,
            email=member.email,
            name="New",
            roles=[Role.AUDITOR],
            language="en",
            key=SECRET_KEY,
            by=OPERATOR,
        )
    others_are_done()
    kept = row(lender, member.id)
    live = select(StaffLink.id).where(StaffLink.used_at.is_(None), StaffLink.withdrawn_at.is_(None))
    opened = kept.state == "active" and kept.roles == ["helpdesk"] and not session.scalars(live).all()
    # On SQLite the invitation was first: the old link is worth nothing.
    waits = kept.state == "invited" and kept.roles == ["auditor"] and len(session.scalars(live).all()) == 1
    assert opened or waits, (kept.state, kept.roles)


def test_one_address_invited_twice_at_once_is_one_account_with_one_link(real_app: Flask, lender: Lender) -> None:
    def invite(email: str) -> object:
        return members.invite(
            lender_id=lender.id, email=email, name="New", roles=(), language="en", key=SECRET_KEY, by=OPERATOR
        )

    answers = at_once(
        real_app, *[lambda said=said: invite(said) for said in ("new@linden.example", "New@Linden.example") * 2]
    )
    assert {type(one) for one in answers} == {members.Invited}, answers
    with real_app.test_request_context():
        assert session.scalar(select(func.count()).select_from(StaffMember)) == 1
        live = select(StaffLink.id).where(StaffLink.withdrawn_at.is_(None))
        assert len(session.scalars(live).all()) == 1


@pytest.mark.parametrize("act", ["end", "demote"])
def test_the_last_two_administrators_cant_remove_each_other(real_app: Flask, lender: Lender, act: str) -> None:
    two = [
        a_worker(real_app, lender, ADMINISTRATOR, email=f"{name}@linden.example", name=name) for name in ("one", "two")
    ]

    def remove(by: Worker, whom: Worker) -> object:
        mine = {"lender_id": lender.id, "member_id": whom.id, "by": Actor("staff", str(by.id))}
        return members.end(**mine) if act == "end" else members.set_roles(**mine, roles=[Role.AUDITOR])

    session.remove()
    answers = at_once(real_app, lambda: remove(two[0], two[1]), lambda: remove(two[1], two[0]))
    assert sum(isinstance(one, members.Refused) for one in answers) == 1, answers
    with real_app.test_request_context():
        left = session.scalars(select(StaffMember).where(StaffMember.state == "active")).all()
        assert sum(ADMINISTRATOR.value in one.roles for one in left) == 1


def test_guesses_sent_together_are_counted_one_by_one(real_app: Flask, lender: Lender) -> None:
    worker = a_worker(real_app, lender)
    with real_app.test_request_context():
        wrong = entering.check(lender_id=lender.id, email=worker.email, password="wrong")
        right = entering.check(lender_id=lender.id, email=worker.email, password=PASSWORD)
    session.remove()

    def give(checked: entering.Checked) -> object:
        return entering.give_password(checked, lender_id=lender.id, address="203.0.113.7", key=SECRET_KEY)

    at_once(real_app, *[lambda: give(wrong) for _guess in range(4 * TRIES)])
    answers = at_once(real_app, lambda: give(right))
    assert isinstance(answers[0], entering.Locked), answers
    with real_app.test_request_context():
        # Each is counted for the person, both networks, and all together.
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == TRIES * 4


def test_one_code_lets_in_once_and_codes_sent_together_are_counted(real_app: Flask, lender: Lender) -> None:
    worker = a_worker(real_app, lender)
    with real_app.test_request_context():
        mark = entering.mark_of(session.get_one(StaffMember, (lender.id, worker.id)), key=SECRET_KEY)
    session.remove()

    def give(code: str) -> Callable[[], object]:
        return lambda: entering.give_code(
            lender_id=lender.id, member_id=worker.id, mark=mark, code=code, key=SECRET_KEY, device=Device()
        )

    answers = at_once(real_app, *[give(worker.code())] * 4)
    assert sum(isinstance(one, entering.Entered) for one in answers) == 1, answers
    at_once(real_app, *[give("000000")] * (2 * TRIES))
    with real_app.test_request_context():
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == TRIES
        assert session.scalar(select(func.count()).select_from(StaffSession)) == 1


def test_nobody_stays_in_who_is_ended_while_signing_in(real_app: Flask, lender: Lender) -> None:
    worker = a_worker(real_app, lender)
    with real_app.test_request_context():
        mark = entering.mark_of(session.get_one(StaffMember, (lender.id, worker.id)), key=SECRET_KEY)
    session.remove()
    answers = at_once(
        real_app,
        lambda: members.end(lender_id=lender.id, member_id=worker.id, by=OPERATOR),
        *[
            lambda: entering.give_code(
                lender_id=lender.id, member_id=worker.id, mark=mark, code=worker.code(), key=SECRET_KEY, device=Device()
            )
        ]
        * 2,
    )
    assert not [one for one in answers if isinstance(one, Exception)], answers
    with real_app.test_request_context():
        assert session.scalars(select(StaffSession.id).where(StaffSession.ended_at.is_(None))).all() == []


def test_one_colleagues_voice_counts_once(real_app: Flask, lender: Lender) -> None:
    lost, colleague = (a_worker(real_app, lender, Role.HELPDESK, email=f"{n}@linden.example") for n in ("lost", "one"))
    session.remove()
    asked = at_once(
        real_app,
        *[lambda: recovering.ask(lender_id=lender.id, email=lost.email, address="203.0.113.7", key=SECRET_KEY)] * 3,
    )
    assert asked == [None] * 3
    with real_app.test_request_context():
        recovery_id = session.scalars(select(StaffRecovery.id)).one()
    session.remove()
    answers = at_once(
        real_app,
        *[
            lambda: recovering.vouch(
                lender_id=lender.id, recovery_id=recovery_id, by=colleague.id, words="I called.", key=SECRET_KEY
            )
        ]
        * 3,
    )
    assert sorted(type(one).__name__ for one in answers) == ["NotYours", "NotYours", "OneMore"], answers
    with real_app.test_request_context():
        kinds = session.scalars(select(Message.kind).where(Message.address == lost.email)).all()
        assert "staff_way_back" not in kinds
        assert kinds.count("staff_recovery_asked") == 1


def test_a_request_has_one_answer(real_app: Flask, lender: Lender) -> None:
    with real_app.test_request_context(), transaction():
        opened = requests.open_request(
            lender_id=lender.id,
            debtor_id=None,
            kind="talk_to_a_person",
            debt_id=None,
            words="Please call.",
            by=Actor("visitor", "somebody"),
            key="0" * 32,
        )
    assert isinstance(opened, requests.Opened)
    session.remove()

    def answer(words: str) -> Callable[[], object]:
        return lambda: requests.answer(lender_id=lender.id, number=opened.number, words=words, by=Actor("staff", words))

    answers = at_once(real_app, answer("One."), answer("Two."), answer("Three."))
    assert sorted(type(one).__name__ for one in answers) == [Moved.__name__, Repeated.__name__, Repeated.__name__]
    with real_app.test_request_context():
        assert acts_of(lender.id)["request_answered"] == 1

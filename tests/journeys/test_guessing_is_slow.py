"""Guessing birth dates, references and codes: slow, one answer and one work for all, the person told, nobody lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.db import session, transaction
from portal.debts.statement import Standing, owner_of_reference
from portal.lenders.models import Lender
from portal.people import guessing, sign_in
from portal.people.models import Debtor, UserSession
from portal.people.sign_in import Locked, SignedIn, Wrong
from portal.post.models import Message
from tests.asked import telling
from tests.authenticator import Authenticator
from tests.conftest import SECRET_KEY, Clock
from tests.factories import BORN_ON, a_debt
from tests.journeys.acts import ask_for_code, birthday, come_by_link, come_in, give_code, newest_code, work
from tests.journeys.test_passkeys import add, enter
from tests.pages import CheckingClient, page_of


def guess(lender: Lender, reference: str, *, born_on: date, address: str = "198.51.100.1") -> SignedIn | Wrong | Locked:
    """Try one date of birth from one network address, as the sign-in page does."""
    lender_id = lender.id
    with transaction():
        return sign_in.by_reference(
            lender_id=lender_id,
            reference=reference,
            debtor_id=owner_of_reference(lender_id, reference),
            born_on=born_on,
            address=address,
            key=SECRET_KEY,
        )


def days(number: int) -> list[date]:
    """Dates of birth that a guesser tries; the true one comes late."""
    return [date(1970, 1, 1) + timedelta(days=one) for one in range(number - 1)] + [BORN_ON]


def test_two_hundred_tries_from_fifty_addresses_do_not_get_in_and_lock_nobody_out(
    client: CheckingClient, app: Flask, debt: Standing, lender: Lender, clock: Clock
) -> None:
    come_in(client, debt)
    give_code(client)
    phone = Authenticator()
    add(client, phone)
    answers: Counter[str] = Counter()
    for number, born_on in enumerate(days(200)):
        clock.forward(seconds=10)
        address = f"203.0.{number % 50}.7"
        answers[type(guess(lender, debt.reference, born_on=born_on, address=address)).__name__] += 1
    assert answers == {"Wrong": 4 + 4, "Locked": 192}
    # The true person still gets in by link and by passkey, at once.
    assert come_by_link(client, debt).request.path == "/home"
    client.fill(client.get("/home"), to="/sign-out")
    assert enter(client, phone).request.path == "/home"
    # And by reference when the stated wait is over, which is never longer than a day.
    locked = guess(lender, debt.reference, born_on=BORN_ON, address="192.0.2.200")
    assert isinstance(locked, Locked) and locked.until - clock.at <= guessing.LONGEST_WAIT
    clock.set(locked.until)
    assert isinstance(guess(lender, debt.reference, born_on=BORN_ON, address="192.0.2.200"), SignedIn)
    # The person was told, once a day for each door.
    work(app)
    session.rollback()
    told = session.scalars(select(Message).where(Message.kind == "door_locked")).all()
    assert [message.address for message in told] == ["robin@example.com"]
    assert debt.reference not in told[0].body


def test_each_wait_is_stated_and_longer_than_the_one_before(lender: Lender, debt: Standing, clock: Clock) -> None:
    waits = []
    for _turn in range(5):
        for left in (4, 3, 2, 1):
            assert guess(lender, debt.reference, born_on=date(1970, 1, 1)) == Wrong(left=left)
        locked = guess(lender, debt.reference, born_on=date(1970, 1, 1))
        assert isinstance(locked, Locked)
        waits.append((locked.until - clock.at) / timedelta(hours=1))
        # What is refused meanwhile does not count, and even the true answer waits.
        assert guess(lender, debt.reference, born_on=BORN_ON, address="192.0.2.9") == locked
        clock.set(locked.until)
    assert waits == [0.5, 1, 2, 4, 8]


def test_the_page_states_the_wait_and_the_other_ways_in(client: CheckingClient, debt: Standing) -> None:
    page = client.get("/sign-in")
    for _turn in range(5):
        answer = client.fill(page, {"reference": debt.reference, **birthday(date(1970, 1, 1))})
    assert answer.status_code == 429
    assert page_of(answer).says("You can try again from 4 May 2026, 05:30")
    assert page_of(answer).says("While you wait here, the link in our message and a passkey still work.")


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Note each statement that goes to the database."""
    said: list[str] = []

    def note(statement: str, _values: object) -> None:
        if "SAVEPOINT" not in statement:
            said.append(" ".join(statement.split())[:90])

    with telling(session.get_bind(), note):
        yield said


def test_known_and_unknown_references_get_the_same_answer_and_the_same_work(
    app: Flask, lender: Lender, debt: Standing, clock: Clock
) -> None:
    answers, work_done = [], []
    for reference, born_on in ((debt.reference, date(1970, 1, 1)), ("D-NOBODY", BORN_ON)):
        with counted(app) as said:
            tries = [guess(lender, reference, born_on=born_on) for _turn in range(6)]
        answers.append([one.until - clock.at if isinstance(one, Locked) else one for one in tries])
        work_done.append(said)
        # What this network tried before is forgotten.
        clock.forward(hours=1)
    assert answers[0] == answers[1]
    assert work_done[0] == work_done[1]


def test_unknown_and_withdrawn_links_take_the_same_work(app: Flask, debt: Standing) -> None:
    with transaction():
        token = sign_in.invite(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY)
        sign_in.withdraw(lender_id=debt.lender_id, debtor_id=debt.debtor_id)
    work_done = []
    for one in (token, "nobody has this token"):
        session.rollback()
        session.expunge_all()
        with counted(app) as said:
            assert sign_in.look_at_link(one, key=SECRET_KEY) == sign_in.LinkGone()
        work_done.append([statement for statement in said if statement.startswith("SELECT")])
    # A token that is there names its invitation; one that is not asks for one that nobody has.
    assert work_done[0] == work_done[1]


def test_a_neighbourhood_of_addresses_has_a_limit_of_its_own(lender: Lender) -> None:
    for number in range(guessing.TRIES_FROM_ONE_NETWORK):
        guess(lender, f"D-{number}", born_on=BORN_ON, address=f"203.0.113.{number}")
    assert isinstance(guess(lender, "D-NEXT", born_on=BORN_ON, address="203.0.113.250"), Locked)
    assert isinstance(guess(lender, "D-NEXT", born_on=BORN_ON, address="198.51.100.9"), Wrong)


def test_a_flood_from_everywhere_stops_strangers_and_not_those_who_came_before(
    client: CheckingClient, lender: Lender, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    assert session.scalars(select(UserSession.network)).one()
    for number in range(guessing.BRAKE_TRIES):
        guess(lender, f"D-{number}", born_on=BORN_ON, address=f"10.{number // 250}.{number % 250}.1")
    stranger = guess(lender, debt.reference, born_on=BORN_ON, address="192.0.2.1")
    assert isinstance(stranger, Locked) and stranger.until - clock.at <= guessing.BRAKE_MEMORY
    assert isinstance(guess(lender, debt.reference, born_on=BORN_ON, address="127.0.0.1"), SignedIn)
    clock.forward(minutes=10)
    assert isinstance(guess(lender, debt.reference, born_on=BORN_ON, address="192.0.2.1"), SignedIn)


def test_dates_of_birth_behind_a_link_wait_longer_each_time_and_the_person_is_told(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    with transaction():
        token = sign_in.invite(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY)
    waits = []
    for _round in range(3):
        for _turn in range(5):
            with transaction():
                answer = sign_in.open_link(token, born_on=date(1970, 1, 1), key=SECRET_KEY)
        assert isinstance(answer, Locked)
        waits.append((answer.until - clock.at) / timedelta(hours=1))
        clock.set(answer.until)
    assert waits == [0.5, 1, 2]
    with transaction():
        assert isinstance(sign_in.open_link(token, born_on=BORN_ON, key=SECRET_KEY), SignedIn)
    work(app)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message).where(Message.kind == "door_locked")) == 1


def test_wrong_codes_make_the_next_code_wait_and_the_person_is_told(
    client: CheckingClient, app: Flask, debt: Standing, clock: Clock
) -> None:
    come_in(client, debt)
    for _round in range(2):
        page = ask_for_code(client)
        wrong = f"{(int(newest_code()) + 1) % 10**6:06d}"
        for _turn in range(5):
            client.fill(page, {"code": wrong})
        clock.forward(seconds=31)
    page = ask_for_code(client)
    assert page_of(page).says("You can ask for the next one from")
    clock.forward(minutes=25)
    client.get("/home")
    clock.forward(minutes=6)
    give_code(client)
    assert client.get("/letters").status_code == 200
    work(app)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message).where(Message.kind == "door_locked")) == 1


@pytest.mark.parametrize("reference", ["", "D-1", "👻", "‮D-1", "<b>", "' or 1=1", "x" * 60_000])
def test_whatever_is_typed_as_a_reference_the_form_answers(
    client: CheckingClient, debt: Standing, reference: str
) -> None:
    answer = client.fill(client.get("/sign-in"), {"reference": reference, **birthday()})
    assert answer.status_code == 422


def test_nobody_is_told_of_a_reference_that_is_nobodys(app: Flask, lender: Lender, debt: Standing) -> None:
    for _turn in range(5):
        guess(lender, "D-NOBODY", born_on=BORN_ON)
    work(app)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_one_of_two_debts_locks_the_person_and_not_the_reference(lender: Lender, debt: Standing) -> None:
    debtor = session.get_one(Debtor, (debt.lender_id, debt.debtor_id))
    second = a_debt(lender=lender, debtor=debtor)
    for _turn in range(5):
        guess(lender, debt.reference, born_on=date(1970, 1, 1))
    assert isinstance(guess(lender, second.reference, born_on=BORN_ON), Locked)

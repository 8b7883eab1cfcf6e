"""The public page that says how we write, and whether what was pasted is ours, without saying whose it is."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import session
from portal.debts.statement import Standing
from portal.people import guessing
from portal.post.models import Message
from tests.conftest import SECRET_KEY, Clock
from tests.factories import an_invitation
from tests.journeys.acts import ask_for_code, come_in, rows
from tests.pages import CheckingClient, page_of

YES, NO, UNSURE = "Yes, this is ours", "No, this is not ours", "We can’t confirm this"


def check(client: CheckingClient, pasted: str) -> TestResponse:
    return client.fill(client.get("/is-this-really-you"), {"message": pasted})


@pytest.fixture
def token(debt: Standing) -> str:
    return an_invitation(lender_id=debt.lender_id, debtor_id=debt.debtor_id, key=SECRET_KEY)


def test_the_page_says_how_we_write_and_what_we_never_ask(client: CheckingClient, debt: Standing) -> None:
    page = page_of(client.get("/is-this-really-you"))
    for words in ("http://localhost/", "+1 555 0100", "gift cards", "a card number by phone", "call your bank now"):
        assert page.says(words), words


def test_a_link_of_ours_is_ours_and_nobody_is_named(client: CheckingClient, debt: Standing, token: str) -> None:
    answer = page_of(check(client, f"Hello, see http://localhost/i/{token}. Bye"))
    assert answer.says(YES)
    for word in ("Robin", debt.reference, "900", "example.com,"):
        assert not answer.says(word)


def test_unknown_and_expired_links_get_the_same_answer(
    client: CheckingClient, debt: Standing, token: str, clock: Clock
) -> None:
    clock.forward(hours=73)
    expired, unknown = (check(client, f"http://localhost/i/{one}") for one in (token, "A" * len(token)))
    assert expired.status_code == unknown.status_code == 200
    assert page_of(expired).says(UNSURE)
    words = [page_of(answer).words.replace(token, "").replace("A" * len(token), "") for answer in (expired, unknown)]
    assert words[0] == words[1]


def test_a_locked_link_is_ours_all_the_same(client: CheckingClient, token: str) -> None:
    for _turn in range(5):
        client.fill(client.get(f"/i/{token}"), {"day": "1", "month": "1", "year": "1970"})
    assert page_of(check(client, f"http://localhost/i/{token}")).says(YES)


@pytest.mark.parametrize(
    "pasted",
    [
        "http://localhost.evil.example/i/{token}",
        "http://localhost@evil.example/i/{token}",
        "https://localhost/i/{token}",
        "http://localhost:8080/i/{token}",
        "http:/\\localhost/i/{token}",
        "http://lоcalhost/i/{token}",
        "evil.example/i/{token}",
        "javascript:alert(1)",
        "http://localhost/i/{token} and http://evil.example/",
    ],
)
def test_what_only_looks_like_us_is_not_ours(client: CheckingClient, token: str, pasted: str) -> None:
    assert page_of(check(client, pasted.format(token=token))).says(NO)


def test_a_message_code_is_looked_up_where_messages_are_kept(client: CheckingClient, debt: Standing) -> None:
    come_in(client, debt)
    ask_for_code(client)
    code = session.scalars(select(Message.check_code)).one()
    assert code is not None
    for written in (code, code.lower().replace("-", ""), f" {code.replace('-', ' ')} ", f"Good day. {code}"):
        assert page_of(check(client, written)).says(YES), written
    other = code[:-1] + ("2" if code[-1] != "2" else "3")
    assert page_of(check(client, other)).says(UNSURE)


@pytest.mark.parametrize(
    "pasted", ["", "   ", "hello", "👻👻", "‮hello", "<b>hello</b>", "مرحبا", "x" * 5000, "x" * 100_000]
)
def test_what_says_nothing_is_asked_for_again(client: CheckingClient, debt: Standing, pasted: str) -> None:
    assert check(client, pasted).status_code == 422


def test_many_questions_wait_a_stated_while(client: CheckingClient, debt: Standing, clock: Clock) -> None:
    for _turn in range(guessing.QUESTIONS):
        assert check(client, "K7-4F2M").status_code == 200
    answer = check(client, "K7-4F2M")
    assert answer.status_code == 429
    assert page_of(answer).says("You can ask again from 4 May 2026, 05:10")
    before = rows()
    check(client, "K7-4F2M")
    assert rows() == before
    clock.forward(minutes=10)
    assert check(client, "K7-4F2M").status_code == 200


def test_without_any_lender_the_page_is_still_there(client: CheckingClient) -> None:
    assert client.get("/is-this-really-you").status_code == 200
    assert page_of(check(client, "http://evil.example/")).says(NO)

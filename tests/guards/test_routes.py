"""Check every address of the portal: closed unless it says otherwise, and under strict headers."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.pages import CheckingClient

# Whoever adds a page that strangers may see adds it here, and so says it aloud.
OPEN = {
    "care.ask",
    "brand.logo",
    "brand.sheet",
    "care.help",
    "care.sent",
    "contacts.undo",
    "letter_check.check",
    "letter_check.letter",
    "letter_check.roots",
    "log.checkpoint",
    "log.grew",
    "log.log",
    "log.stamp",
    "log.stamped",
    "log.verifier",
    "not_me.ask",
    "not_me.take_back",
    "not_me.thanks",
    "people.invitation",
    "people.language",
    "people.passkey",
    "people.passkey_options",
    "people.sign_in",
    "people.signed_out",
    "post.stop",
    "public.alive",
    "public.really_us",
    "public.start",
    "staff.join",
    "staff.join_app",
    "staff.lost",
    "staff.lost_noted",
    "staff.passkey",
    "staff.passkey_options",
    "staff.second_step",
    "staff.sign_in",
}
SIGNED_BY_SENDER = {"post.stop_by_one_click", "sms_webhooks.answered", "sms_webhooks.status", "webhooks.stripe"}
DEMO_ONLY = {"design.all", "design.one", "post.outbox"}
GATES = {"open", "signed by sender", "demo only", "debtor", "code", "staff"}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


def gates(app: Flask) -> dict[str, str]:
    return {endpoint: getattr(view, "gate", "none") for endpoint, view in app.view_functions.items()}


def addresses(app: Flask) -> list[tuple[Rule, str]]:
    """Every address with something made up in its gaps."""
    made_up = {"string": "made-up", "integer": 1, "uuid": "01a20000-0000-7000-8000-000000000000"}
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values: dict[str, Any] = {}
            for gap, converter in rule._converters.items():
                values[gap] = made_up.get(type(converter).__name__.replace("Converter", "").lower(), "made-up")
            built = rule.build(values)
            assert built is not None, rule
            found.append((rule, built[1]))
    return found


def test_every_route_has_a_gate(app: Flask) -> None:
    assert {endpoint: gate for endpoint, gate in gates(app).items() if gate not in GATES} == {}


def test_the_pages_that_strangers_may_see_are_one_list(app: Flask) -> None:
    found = gates(app)
    assert {endpoint for endpoint, gate in found.items() if gate == "open"} == OPEN
    assert {endpoint for endpoint, gate in found.items() if gate == "signed by sender"} == SIGNED_BY_SENDER
    assert {endpoint for endpoint, gate in found.items() if gate == "demo only"} == DEMO_ONLY


def test_a_stranger_is_led_to_the_sign_in_page_by_every_other_page(app: Flask, client: CheckingClient) -> None:
    found = gates(app)
    closed = [(rule, url) for rule, url in addresses(app) if found[rule.endpoint] in {"debtor", "code", "staff"}]
    assert len(closed) >= 10
    for rule, url in closed:
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = client.open(url, method=method)
            # A form without its token is refused before anybody asks who sends it.
            expected = 400 if method in WRITES else 303
            assert answer.status_code == expected, (method, url, answer.status_code)
            if expected == 303:
                assert answer.location.endswith("/sign-in")


def test_every_form_needs_its_token(app: Flask, client: CheckingClient) -> None:
    for rule, url in addresses(app):
        if gates(app)[rule.endpoint] == "signed by sender":
            continue
        for method in (rule.methods or set()) & WRITES:
            assert client.open(url, method=method).status_code == 400, (method, url)


def test_a_view_without_a_gate_is_not_served(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.view_functions, "public.alive", lambda: "forgotten")
    assert client.get("/alive").status_code == 404


@pytest.mark.parametrize("path", ["/", "/sign-in", "/help", "/not-there", "/home"])
def test_no_page_may_run_or_load_what_is_not_ours(client: CheckingClient, path: str) -> None:
    answer = client.get(path)
    policy = {
        part.split()[0]: part.split()[1:]
        for part in answer.headers["Content-Security-Policy"].split(";")
        if part.strip()
    }
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "*" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"


def test_two_answers_never_have_the_same_token_and_their_size_says_nothing(client: CheckingClient) -> None:
    answers = [client.get("/sign-in", headers={"Accept-Encoding": "gzip, br"}) for _ in range(6)]
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert len({len(answer.data) for answer in answers}) > 1
    plain = [client.get("/sign-in").get_data(as_text=True) for _ in range(2)]
    assert plain[0] != plain[1]


def test_a_browser_that_refuses_gzip_gets_the_page_as_it_is(client: CheckingClient) -> None:
    answer = client.get("/sign-in", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "Content-Encoding" not in answer.headers

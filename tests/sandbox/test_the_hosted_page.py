"""What the hosted page is made of: one heading, labelled inputs, nothing from elsewhere, no card number kept."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from portal.payments.stripe_gateway import CheckoutPage
from tests.sandbox_process import SandboxProcess

Opened = Callable[..., CheckoutPage]


def head_of(address: str) -> tuple[int, dict[str, str]]:
    parts = urlsplit(address)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        line.request("GET", parts.path)
        answer = line.getresponse()
        answer.read()
        return answer.status, dict(answer.getheaders())
    finally:
        line.close()


def test_the_page_allows_no_script_and_forms_only_to_itself_and_the_portal(
    stand_in: SandboxProcess, opened: Opened
) -> None:
    page = opened()
    status, head = head_of(page.url)
    _, text = stand_in.page(page.url)
    assert status == 200
    assert head["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http://127.0.0.1:9; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert head["Cache-Control"] == "no-store"
    assert "<script" not in text and "style=" not in text and "<style" not in text


@pytest.mark.parametrize("locale", ["en", "zh_Hans"])
def test_every_page_has_one_heading_a_title_a_mark_and_a_label_for_each_input(
    stand_in: SandboxProcess, opened: Opened, locale: str
) -> None:
    page = opened(locale=locale)
    wrong = stand_in.pay(page.url, "typed", number="1", expiry="x", cvc="")[2]
    stand_in.pay(page.url, "second_step")
    bank = stand_in.page(f"{page.url}/second-step")[1]
    first = stand_in.page(page.url)[1]
    stand_in.expire(page.session_id)
    for text in (first, wrong, bank, stand_in.page(page.url)[1], stand_in.page(f"{stand_in.url}/c/pay/cs_none")[1]):
        assert len(re.findall("<h1", text)) == 1
        assert re.search(r"<title>[^<]{5,}</title>", text)
        assert 'class="banner"' in text
        identifiers = re.findall(r'\bid="([^"]+)"', text)
        assert len(identifiers) == len(set(identifiers))
        for name in re.findall(r'<input id="([^"]+)"', text):
            assert f'<label for="{name}">' in text


def test_a_number_that_is_no_test_card_is_refused_and_not_repeated(stand_in: SandboxProcess, opened: Opened) -> None:
    page = opened()
    status, _, text = stand_in.pay(page.url, "typed", number="4111111111111111", expiry="01/20", cvc="1234")
    assert status == 422
    assert "not one of the test cards" in text
    assert "past its expiry date" in text
    assert "4111111111111111" not in text


def test_a_form_without_a_choice_is_asked_again(stand_in: SandboxProcess, opened: Opened) -> None:
    status, _, text = stand_in.pay(opened().url, "gold")
    assert status == 422
    assert "Choose how you want to pay." in text


def test_an_unknown_page_and_a_paid_page_are_calm(stand_in: SandboxProcess, opened: Opened) -> None:
    page = opened()
    stand_in.pay(page.url)
    status, text = stand_in.page(page.url)
    assert (status, stand_in.page(f"{stand_in.url}/c/pay/cs_test_nothing")[0]) == (200, 404)
    assert "This payment is done" in text


def test_a_description_with_markup_is_only_text(stand_in: SandboxProcess, opened: Opened) -> None:
    _, text = stand_in.page(opened(description='<img src=x onerror="a()">').url)
    assert "<img" not in text
    assert "&lt;img" in text

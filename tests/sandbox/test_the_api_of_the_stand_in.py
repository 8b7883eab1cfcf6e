"""The stand-in refuses what the SDK's types do not know, keeps accounts apart, and answers all that they promise."""

from __future__ import annotations

import http.client
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from portal.payments import stripe_gateway
from portal.payments.stripe_gateway import Account
from sandbox.contract import missing_fields
from sandbox.objects import SDK_TYPES
from tests.sandbox_process import SandboxProcess

PAGE: dict[str, Any] = {
    "mode": "payment",
    "line_items": [
        {"price_data": {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Loan"}}, "quantity": 1}
    ],
    "success_url": "http://127.0.0.1:9/ok",
}


def refusal(sdk: stripe.StripeClient, given: dict[str, Any]) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.checkout.sessions.create(given)  # type: ignore[arg-type]
    assert refused.value.http_status == 400
    return refused.value


@pytest.mark.parametrize(
    ("different", "code", "param"),
    [
        ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"ui_mode": "hosted"}, "parameter_invalid_enum", "ui_mode"),
        ({"adaptive_pricing": {"enable": True}}, "parameter_unknown", "adaptive_pricing[enable]"),
        ({"adaptive_pricing": {"enabled": "maybe"}}, "parameter_invalid_boolean", "adaptive_pricing[enabled]"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"line_items": "all"}, "parameter_invalid_array", "line_items"),
        ({"metadata": "all"}, "parameter_invalid_object", "metadata"),
        ({"client_reference_id": ""}, "parameter_invalid_empty", "client_reference_id"),
        (
            {"line_items": [{"price_data": {"unit_amount": 500, "product_data": {"name": "Loan"}}}]},
            "parameter_missing",
            "line_items[0][price_data][currency]",
        ),
        (
            {"payment_method_options": {"card": {"restrictions": {"funding_types_blocked": ["gold"]}}}},
            "parameter_invalid_enum",
            "payment_method_options[card][restrictions][funding_types_blocked][0]",
        ),
    ],
)
def test_a_parameter_that_the_sdk_does_not_know_is_refused(
    sdk: stripe.StripeClient, different: dict[str, Any], code: str, param: str
) -> None:
    error = refusal(sdk, PAGE | different)
    assert (error.code, error.param) == (code, param)


@pytest.mark.parametrize("lacks", ["mode", "line_items", "success_url"])
def test_what_a_page_needs_must_be_there(sdk: stripe.StripeClient, lacks: str) -> None:
    assert refusal(sdk, {name: value for name, value in PAGE.items() if name != lacks}).code == "parameter_missing"


def test_a_payment_goes_only_from_states_that_allow_it(sdk: stripe.StripeClient) -> None:
    intents = sdk.v1.payment_intents
    paid = intents.create({"amount": 900, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True})
    canceled = intents.cancel(intents.create({"amount": 900, "currency": "eur"}).id)
    assert (paid.status, canceled.status) == ("succeeded", "canceled")
    for act in (
        lambda: intents.confirm(paid.id),
        lambda: intents.cancel(paid.id),
        lambda: intents.confirm(canceled.id),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            act()
        assert refused.value.code == "payment_intent_unexpected_state"


def test_a_page_that_is_over_cannot_be_expired(sdk: stripe.StripeClient) -> None:
    session = sdk.v1.checkout.sessions.create(PAGE)  # type: ignore[arg-type]
    assert sdk.v1.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.checkout.sessions.expire(session.id)


def test_a_saved_card_is_declined_with_the_payment_in_the_error(sdk: stripe.StripeClient) -> None:
    customer = sdk.v1.customers.create({"name": "Made Up"})
    setup = sdk.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_visa_debit", "confirm": True}
    )
    off_session: Any = {"amount": 900, "currency": "usd", "customer": customer.id, "off_session": True, "confirm": True}
    paid = sdk.v1.payment_intents.create(off_session | {"payment_method": str(setup.payment_method)})
    assert paid.status == "succeeded"
    for token, code in (
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_authenticationRequired", "authentication_required"),
    ):
        with pytest.raises(stripe.CardError) as declined:
            sdk.v1.payment_intents.create(off_session | {"payment_method": token})
        assert declined.value.code == code
        error: Any = declined.value.error
        kept = sdk.v1.payment_intents.retrieve(error.payment_intent.id)
        assert kept.status == "requires_payment_method"


@pytest.mark.parametrize("key", ["", "sk_live_abcdef", "pk_test_abcdef", "nonsense"])
def test_a_wrong_key_is_refused(stand_in: SandboxProcess, key: str) -> None:
    parts = urlsplit(stand_in.url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    line.request("GET", "/v1/events", headers={"Authorization": f"Bearer {key}"} if key else {})
    status = line.getresponse().status
    line.close()
    assert status == 401


def test_one_accounts_objects_are_unknown_to_another(stand_in: SandboxProcess, sdk: stripe.StripeClient) -> None:
    other = stripe.StripeClient("sk_test_somebodyelse", base_addresses={"api": stand_in.url})
    session = sdk.v1.checkout.sessions.create(PAGE)  # type: ignore[arg-type]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        other.v1.checkout.sessions.retrieve(session.id)
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
    assert other.v1.checkout.sessions.list().data == []
    assert [one.id for one in sdk.v1.checkout.sessions.list().data] == [session.id]


def test_an_idempotency_key_gives_the_first_result_again(sdk: stripe.StripeClient) -> None:
    asked: Any = {"amount": 900, "currency": "usd"}
    first = sdk.v1.payment_intents.create(asked, {"idempotency_key": "one"})
    again = sdk.v1.payment_intents.create(asked, {"idempotency_key": "one"})
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.payment_intents.create({**asked, "amount": 901}, {"idempotency_key": "one"})
    assert first.id == again.id
    assert len(sdk.v1.payment_intents.list().data) == 1


def test_an_error_is_the_result_of_its_key_too_but_not_a_request_that_never_fitted(
    stand_in: SandboxProcess, account: Account, sdk: stripe.StripeClient
) -> None:
    declined: Any = {"amount": 900, "currency": "usd", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    identifiers = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as error:
            sdk.v1.payment_intents.create(declined, {"idempotency_key": "declined"})
        told: Any = error.value.error
        identifiers.append(told.payment_intent.id)
    assert identifiers[0] == identifiers[1]

    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.create({"amount": 900}, {"idempotency_key": "unfit"})  # type: ignore[typeddict-item]
    assert sdk.v1.payment_intents.create({"amount": 900, "currency": "usd"}, {"idempotency_key": "unfit"}).id

    stand_in.fail_next("500_saved")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            sdk.v1.payment_intents.create({"amount": 900, "currency": "usd"}, {"idempotency_key": "broken"})


def test_the_same_key_at_the_same_time_is_a_conflict(stand_in: SandboxProcess, sdk: stripe.StripeClient) -> None:
    # Longer than a busy machine may need to begin the second question.
    stand_in.fail_next("slow", seconds=3)
    results: list[str] = []

    def ask() -> None:
        try:
            results.append(sdk.v1.customers.create({"name": "Made Up"}, {"idempotency_key": "twice"}).object)
        except stripe.StripeError as error:
            results.append(str(error.http_status))

    both = [threading.Thread(target=ask) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(results) == ["409", "customer"]


def test_lists_go_page_by_page_and_by_time(sdk: stripe.StripeClient) -> None:
    made = [sdk.v1.payment_intents.create({"amount": 900, "currency": "usd"}).id for _ in range(5)]
    first = sdk.v1.payment_intents.list({"limit": 2})
    assert [one.id for one in first.data] == made[:2:-1]
    assert first.has_more
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    assert sdk.v1.payment_intents.list({"created": {"gt": 4_000_000_000}}).data == []
    assert len(sdk.v1.events.list({"type": "payment_intent.*"}).data) == 5


def test_links_are_expanded_where_asked(sdk: stripe.StripeClient) -> None:
    asked: Any = {
        "amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True,
        "expand": ["latest_charge.balance_transaction"],
    }  # fmt: skip
    charge: Any = sdk.v1.payment_intents.create(asked).latest_charge
    assert (charge.balance_transaction.amount, charge.balance_transaction.source) == (900, charge.id)
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.payment_intents.list({"expand": ["data.amount"]})


def test_every_kind_of_answer_holds_what_the_sdk_promises(
    stand_in: SandboxProcess, account: Account, sdk: stripe.StripeClient
) -> None:
    sdk.v1.customers.create({"name": "Made Up"})
    session = sdk.v1.checkout.sessions.create(PAGE)  # type: ignore[arg-type]
    stand_in.pay(str(session.url))
    payment = sdk.v1.checkout.sessions.retrieve(session.id).payment_intent
    sdk.v1.refunds.create({"payment_intent": str(payment), "amount": 100})
    sdk.v1.setup_intents.create({"payment_method": "pm_card_visa", "confirm": True})
    stripe_gateway.register_webhook(account, url="http://127.0.0.1:9/hook")
    dispute = stand_in.dispute(str(payment))
    v1 = sdk.v1
    answers: list[Any] = [
        v1.customers.list().data[0], v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]}),
        v1.payment_intents.retrieve(str(payment), {"expand": ["payment_method", "latest_charge"]}),
        v1.charges.list().data[0], v1.refunds.list().data[0], v1.balance_transactions.list().data[0],
        v1.disputes.retrieve(dispute), v1.webhook_endpoints.list().data[0], v1.payment_methods.list().data[0],
        *v1.events.list({"limit": 100}).data,
    ]  # fmt: skip
    assert len({answer.object for answer in answers}) == 10
    for answer in answers:
        body = answer.to_dict()
        assert missing_fields(body, SDK_TYPES[body["object"]]) == ()
        if body["object"] == "event":
            about = body["data"]["object"]
            assert missing_fields(about, SDK_TYPES[about["object"]]) == ()
    assert all(not name.startswith("_") for answer in answers for name in answer.to_dict())


def test_a_lacking_field_would_be_noticed(sdk: stripe.StripeClient) -> None:
    body = sdk.v1.payment_intents.create({"amount": 900, "currency": "usd"}).to_dict()
    del body["amount_received"]
    body["livemode"] = "no"
    assert missing_fields(body, stripe.PaymentIntent) == (
        "payment_intent.amount_received",
        "payment_intent.livemode (wrong type)",
    )


def test_a_restart_forgets_nothing(tmp_path: Any) -> None:
    process = SandboxProcess().start(data=tmp_path / "memory.sqlite", delivery="normal")
    try:
        client = stripe.StripeClient("sk_test_restart", base_addresses={"api": process.url})
        asked: Any = {"amount": 900, "currency": "usd"}
        intent = client.v1.payment_intents.create(asked, {"idempotency_key": "before"})
        process.kill()
        process.start(delivery="normal")
        client = stripe.StripeClient("sk_test_restart", base_addresses={"api": process.url})
        assert client.v1.payment_intents.retrieve(intent.id).amount == 900
        assert client.v1.payment_intents.create(asked, {"idempotency_key": "before"}).id == intent.id
    finally:
        process.stop()

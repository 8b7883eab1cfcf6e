"""Events arrive signed, in every disorder that the open network knows, and only on this machine."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import stripe

from portal.payments import stripe_gateway as gateway
from portal.payments.stripe_gateway import Account, BadSignature, CheckoutPage, PaymentRefused
from tests.sandbox_process import Receiver, SandboxProcess

Opened = Callable[..., CheckoutPage]

PAID = ["payment_intent.succeeded", "checkout.session.completed"]


def kinds(receiver: Receiver) -> list[str]:
    return [json.loads(body)["type"] for body, _ in receiver.taken]


def test_a_payment_is_told_signed_and_complete(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    page = opened(reference="attempt-W")
    stand_in.pay(page.url)
    stand_in.wait_idle()
    assert kinds(receiver) == PAID
    payment, session = (gateway.verified_event(body, header, account=listening) for body, header in receiver.taken)
    assert (payment.object_kind, payment.reference, payment.session_id) == ("payment_intent", "attempt-W", None)
    assert payment.object_id == payment.payment_intent_id == session.payment_intent_id
    assert (session.object_kind, session.session_id, session.reference) == (
        "checkout.session",
        page.session_id,
        "attempt-W",
    )
    assert session.api_version == gateway.API_VERSION
    assert not session.livemode
    whole = stripe.Webhook.construct_event(*receiver.taken[0], listening.webhook_secrets[0])
    assert (whole.object, whole.pending_webhooks, whole.data.object["amount"]) == ("event", 1, 12550)


def test_a_changed_late_unsigned_or_foreign_webhook_is_refused(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    stand_in.pay(opened().url)
    stand_in.wait_idle()
    body, header = receiver.taken[0]
    secret = listening.webhook_secrets[0]
    sign = stripe.WebhookSignature.generate_signature_header
    late = sign(body.decode(), secret, int(time.time()) - 301)
    for reason, account, payload, signature in (
        ("signature", listening, body.replace(b"12550", b"99999"), header),
        ("signature", listening, body, None),
        ("signature", listening, body, "t=now,v1=none"),
        ("signature", listening, body, late),
        ("signature", replace(listening, webhook_secrets=("whsec_other",)), body, header),
        ("signature", replace(listening, webhook_secrets=()), body, header),
        ("unreadable", listening, b"\xff\xfe", header),
        ("unreadable", listening, b"not json", sign("not json", secret, int(time.time()))),
        ("unreadable", listening, b"[]", sign("[]", secret, int(time.time()))),
        ("unreadable", listening, b'{"object": "v2.core.event"}', sign('{"object": "v2.core.event"}', secret)),
        ("wrong_mode", replace(listening, live=True), body, header),
    ):
        with pytest.raises(BadSignature) as refused:
            gateway.verified_event(payload, signature, account=account)
        assert refused.value.reason == reason
    rolled = replace(listening, webhook_secrets=("whsec_new", secret))
    assert gateway.verified_event(body, header, account=rolled).type == PAID[0]


def test_hostile_delivery_doubles_disorders_and_loses_but_never_all(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    stand_in.delivery("hostile")
    orders = set()
    for _ in range(6):
        receiver.taken.clear()
        stand_in.pay(opened().url)
        stand_in.wait_idle()
        counted = Counter(kinds(receiver))
        assert len(counted) == 1 and set(counted.values()) == {2}
        orders |= set(counted)
    assert orders == set(PAID)


def test_out_of_order_delivery_reverses(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    stand_in.delivery("out_of_order")
    stand_in.pay(opened().url)
    stand_in.wait_idle()
    assert kinds(receiver) == PAID[::-1]


def test_doubled_delivery_carries_the_same_event_twice(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    stand_in.delivery("doubled")
    stand_in.pay(opened().url)
    stand_in.wait_idle()
    told = Counter(json.loads(body)["id"] for body, _ in receiver.taken)
    assert sorted(told.values()) == [2, 2]


def test_a_lost_event_comes_only_when_it_is_sent_again(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    stand_in.delivery("lost")
    page = opened()
    stand_in.pay(page.url)
    stand_in.wait_idle()
    assert receiver.taken == []
    (event,) = [one for one in stand_in.events(PAID[1]) if one["data"]["object"]["id"] == page.session_id]
    stand_in.redeliver(event["id"])
    stand_in.wait_idle()
    assert kinds(receiver) == [PAID[1]]


def test_a_delayed_event_waits(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    stand_in.delivery("delayed", seconds=0.4)
    begun = time.monotonic()
    stand_in.pay(opened().url)
    stand_in.wait_idle()
    assert kinds(receiver) == PAID
    assert time.monotonic() - begun > 0.35


def test_a_failed_delivery_is_tried_again(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    receiver.answers = [500, 302]
    stand_in.pay(opened().url)
    stand_in.wait_idle()
    assert Counter(kinds(receiver)) == {PAID[0]: 2, PAID[1]: 2}


def test_refunds_delays_failures_and_expiry_are_told(
    stand_in: SandboxProcess, listening: Account, receiver: Receiver, opened: Opened
) -> None:
    def told_of(act: Callable[[], object]) -> list[str]:
        receiver.taken.clear()
        act()
        stand_in.wait_idle()
        return kinds(receiver)

    def payment(page: CheckoutPage) -> str:
        return str(gateway.read_checkout(listening, session_id=page.session_id).payment_intent_id)

    card, arrives, fails, left = opened(), opened(), opened(), opened()
    assert told_of(lambda: stand_in.pay(card.url)) == PAID
    paid = payment(card)
    assert told_of(
        lambda: gateway.refund(listening, payment_intent_id=paid, amount=None, idempotency_key=f"{paid}-r")
    ) == ["refund.created", "charge.refunded", "refund.updated"]
    assert told_of(lambda: stand_in.pay(arrives.url, "bank")) == [
        "payment_intent.processing",
        "checkout.session.completed",
    ]
    assert told_of(lambda: stand_in.settle_payment(payment(arrives), succeeds=True)) == [
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]
    stand_in.pay(fails.url, "bank")
    stand_in.wait_idle()
    assert told_of(lambda: stand_in.settle_payment(payment(fails), succeeds=False)) == [
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    assert told_of(lambda: stand_in.pay(left.url, "declined")) == ["payment_intent.payment_failed"]
    assert told_of(lambda: gateway.close_checkout(listening, session_id=left.session_id)) == [
        "payment_intent.canceled",
        "checkout.session.expired",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1:9/hook",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/hook",
        "http://user@127.0.0.1/hook",
        "http://0.0.0.0/hook",
        "http://127.0.0.1:nine/hook",
    ],
)
def test_nothing_is_delivered_outside_this_machine(account: Account, url: str) -> None:
    with pytest.raises(PaymentRefused) as refused:
        gateway.register_webhook(account, url=url)
    assert refused.value.code == "url_invalid"


def test_registering_again_replaces_the_endpoint(
    account: Account, listening: Account, receiver: Receiver, sdk: stripe.StripeClient
) -> None:
    secret = gateway.register_webhook(account, url=receiver.url)
    (endpoint,) = sdk.v1.webhook_endpoints.list().data
    assert secret.startswith("whsec_") and secret not in listening.webhook_secrets
    assert (endpoint.url, endpoint.api_version) == (receiver.url, stripe.api_version)
    assert getattr(endpoint, "secret", None) is None

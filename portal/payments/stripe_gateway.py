"""The only door to Stripe: our words and amounts in, Stripe's answer out as values of our own.

Invariant: no object of the SDK leaves this file, nothing here opens a transaction, and each call that moves money
carries an idempotency key made by the caller, so that asking again after a failure asks for the same thing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import stripe
from stripe import params

from portal.money import EXPONENTS, Money
from portal.payments import rails
from portal.payments.matching import OWN
from portal.payments.rails import Choice

Item = TypeVar("Item")

API_VERSION: Final = stripe.api_version
# The most that Stripe gives of a list at once.
A_PAGE: Final = 100

# Seconds to connect and to wait for an answer; the SDK's own 80 would hold a page for longer than anybody waits.
TIMEOUTS: Final = (3.0, 10.0)
# Further tries by the SDK after a broken line, a 409 or a 5xx, each with the same idempotency key.
RETRIES: Final = 1

# The id of our attempt travels in the metadata of the session and of the payment under this name; the rest of the
# metadata is the caller's.
REFERENCE: Final = "attempt"
# The id of a refund of ours travels in its metadata.
REFUND: Final = "refund"

# What a lender's endpoint hears of; everything else Stripe knows is of no use to a repayment.
EVENTS: Final = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "setup_intent.succeeded",
    "setup_intent.setup_failed",
    "payment_method.automatically_updated",
    "payment_method.updated",
    "payment_method.detached",
    "mandate.updated",
)

# How Stripe counts each currency, kept apart from ISO 4217 because the two differ: MGA has two decimals in ISO and none
# at Stripe; ISK and UGX have none in ISO and two at Stripe, for old callers' sake. Compared in November 2026 with
# docs.stripe.com/currencies, "Zero-decimal currencies", "Special cases" and "Three-decimal currencies".
_NO_DECIMALS: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE_DECIMALS: Final = "BHD JOD KWD OMR TND"
_TWO_DECIMALS: Final = """
USD AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY COP CRC CVE CZK
DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD KES KGS KHR KYD KZT LAK
LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX UYU UZS WST XCD XCG YER ZAR
ZMW
"""
STRIPE_EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(_TWO_DECIMALS.split(), 2),
        **dict.fromkeys(_NO_DECIMALS.split(), 0),
        **dict.fromkeys(_THREE_DECIMALS.split(), 3),
    }
)

# The least that can be charged where the lender is paid out in the same currency, in Stripe's counting; 0.50 for those
# that the same page names and that don't stand here. Compared with its "Minimum and maximum charge amounts" then.
_LEAST: Final[Mapping[str, int]] = MappingProxyType(
    {
        "AED": 200, "CZK": 1500, "DKK": 250, "GBP": 30, "HKD": 400, "HUF": 17500, "JPY": 50, "MXN": 1000, "MYR": 200,
        "NOK": 300, "PLN": 200, "RON": 200, "SEK": 300, "THB": 1000,
    }
)  # fmt: skip

# Of these vouchers we say how long they can be paid; of Multibanco Stripe does.
_VOUCHERS_WITH_DAYS: Final = frozenset({"oxxo", "boleto", "konbini"})
PIX_SECONDS: Final = 3600

# Tells Stripe's servers how we fare and keeps an id on disk; neither is ours to give.
stripe.enable_telemetry = False


class PaymentServiceDown(Exception):
    """No final answer: broken line, time-out, too many requests, trouble at Stripe. Ask again with the same key."""

    def __init__(self, cause: str, request_id: str | None = None) -> None:
        super().__init__(cause, request_id)
        self.cause = cause
        self.request_id = request_id

    @property
    def asked_already(self) -> bool:
        """Say whether Stripe is just answering the same question, asked with the same key."""
        return self.cause == "status_409"

    @property
    def out_of_order(self) -> bool:
        """Say whether nobody can pay just now: no line, or trouble at Stripe, and not something about one question."""
        return self.cause == "connection" or self.cause.startswith("status_5")


class PaymentRefused(Exception):
    """A final answer, and it is no: Stripe's code, the parameter it is about, the fact in Stripe's words (for logs)."""

    def __init__(
        self,
        code: str,
        fact: str,
        *,
        param: str | None = None,
        decline_code: str | None = None,
        payment_intent_id: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(code, fact)
        self.code = code
        self.fact = fact
        self.param = param
        self.decline_code = decline_code
        self.payment_intent_id = payment_intent_id
        self.request_id = request_id


class BadSignature(Exception):
    """A webhook that is not from Stripe, is too old, is unreadable, or is of the other mode (test or live)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotChargeable(ValueError):
    """An amount that Stripe cannot charge exactly: a currency it does not take, or a fraction it does not count."""

    def __init__(self, amount: Money) -> None:
        super().__init__(amount)
        self.amount = amount


@dataclass(frozen=True)
class Account:
    """A lender's Stripe account; `api_base` is the stand-in's address or None for Stripe itself."""

    secret_key: str
    api_base: str | None
    webhook_secrets: tuple[str, ...]
    live: bool

    def __repr__(self) -> str:
        # A traceback or a log line must not carry the keys.
        return f"Account(key=…{self.secret_key[-4:]}, api_base={self.api_base!r}, live={self.live})"


class CheckoutStatus(Enum):
    """Whether a hosted page still takes a payment."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class CheckoutPayment(Enum):
    """What a hosted page has brought; a delayed payment leaves a complete page unpaid for days."""

    PAID = "paid"
    UNPAID = "unpaid"
    NOT_NEEDED = "no_payment_required"


class PaymentStatus(Enum):
    """Where a payment stands; only SUCCEEDED is money."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_CAPTURE = "requires_capture"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(Enum):
    """Where a refund stands; FAILED and CANCELED mean that the money came back to the lender."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Line:
    """One line of a hosted page: what is paid, in words that the payer reads, and how much."""

    words: str
    amount: Money


@dataclass(frozen=True)
class CheckoutPage:
    """A hosted page that was opened for one payment attempt."""

    session_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class CheckoutState:
    """A hosted page as it is now."""

    session_id: str
    status: CheckoutStatus
    payment_status: CheckoutPayment
    payment_intent_id: str | None
    amount: Money
    reference: str | None
    url: str | None
    created_at: datetime
    expires_at: datetime
    metadata: Mapping[str, str]
    livemode: bool


@dataclass(frozen=True)
class SavingState:
    """A page that saves a card, as it is now; `method_id` is what was saved, None while nothing is."""

    session_id: str
    status: CheckoutStatus
    method_id: str | None
    url: str | None
    mandate_id: str | None = None


@dataclass(frozen=True)
class MandateFacts:
    """What somebody agreed to at Stripe: the network's reference of it and the address of its text, if it has them."""

    id: str
    holds: bool
    reference: str | None
    url: str | None
    accepted_at: datetime | None


@dataclass(frozen=True)
class MethodFacts:
    """A saved way to pay as it is now; `customer_id` None: it is saved no more. `number` is never here, nor at ours.

    Of an account, `brand` is its bank.
    """

    id: str
    kind: str
    customer_id: str | None
    brand: str | None
    last4: str | None
    exp_month: int | None
    exp_year: int | None
    funding: str | None
    mandate: MandateFacts | None = None


@dataclass(frozen=True)
class VoucherFacts:
    """What is paid in a shop or at a bank: the page that shows it, and until when it can be paid."""

    url: str | None
    until: datetime | None


@dataclass(frozen=True)
class RefundFacts:
    """A refund as it is now."""

    id: str
    amount: Money
    status: RefundStatus
    created_at: datetime
    payment_intent_id: str | None
    failure_reason: str | None
    # The id of our own row that it was asked for by, if it was.
    ours: str | None = None


@dataclass(frozen=True)
class DisputeFacts:
    """A dispute as it is now; `moved` is what the bank took (below zero) and gave back, in the order of their days."""

    id: str
    amount: Money
    reason: str
    status: str
    created_at: datetime
    evidence_by: datetime | None
    moved: tuple[Money, ...]


@dataclass(frozen=True)
class PaymentFacts:
    """A payment as it is now; `cleared_at` is when Stripe booked the money, None while it has not."""

    payment_intent_id: str
    status: PaymentStatus
    amount: Money
    amount_received: Money
    refunds: tuple[RefundFacts, ...]
    charge_id: str | None
    method_id: str | None
    method_kind: str | None
    brand: str | None
    last4: str | None
    funding: str | None
    created_at: datetime
    cleared_at: datetime | None
    failure_code: str | None
    decline_code: str | None
    disputed: bool
    reference: str | None
    metadata: Mapping[str, str]
    livemode: bool
    disputes: tuple[DisputeFacts, ...] = ()
    voucher: VoucherFacts | None = None
    # When the payer's bank was asked for it; a voucher has no such instant before it is paid.
    sent_at: datetime | None = None
    mandate_id: str | None = None


@dataclass(frozen=True)
class Event:
    """What Stripe says has happened, and to what; the object itself is read anew, because order is not guaranteed."""

    id: str
    type: str
    created: datetime
    livemode: bool
    api_version: str | None
    object_id: str
    object_kind: str
    payment_intent_id: str | None
    session_id: str | None
    reference: str | None
    method_id: str | None


@dataclass(frozen=True)
class Movement:
    """One booking on the balance at Stripe. `settled` and `fee` are as it was booked, below zero for what went.

    `about` is the same in the currency of what was paid, None where it can't be said exactly. `effect` is how the books
    name it ("pi_1:payment"), None for what is no payment's; `own` is a fee of Stripe's. `marked` says that it names us.
    """

    id: str
    kind: str
    booked_at: datetime
    settled: Money
    fee: Money
    about: Money | None
    effect: str | None
    payment_intent_id: str | None
    reference: str | None
    marked: bool
    on_its_way: bool
    came_to_nothing: bool
    own: bool
    disputed: bool
    of_payout: str | None

    @property
    def net(self) -> Money:
        """Give what it leaves on the balance."""
        return self.settled - self.fee


@dataclass(frozen=True)
class PaidOut:
    """What Stripe paid out to the lender's bank; `listed` says that it is settled what is in it."""

    id: str
    amount: Money
    status: str
    by_hand: bool
    listed: bool
    arrives_on: date
    made_at: datetime
    failure: str | None


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list of Stripe's, newest first; `last` is asked for the next one, None where there is none."""

    items: tuple[Item, ...]
    last: str | None


def charged(amount: Money) -> int:
    """Return an amount as Stripe counts it: 12.50 USD is 1250, 500 JPY is 500, 5 ISK is 500, 1.230 KWD is 1230.

    :raises NotChargeable: if Stripe does not take the currency, or the amount cannot be said exactly (1.234 KWD,
        because three-decimal amounts must end in 0; 1.50 MGA, because Stripe counts no part of an ariary).
    """
    places = STRIPE_EXPONENTS.get(amount.currency)
    if places is None:
        raise NotChargeable(amount)
    shift = places - EXPONENTS[amount.currency]
    if shift >= 0:
        counted = amount.minor * int(10**shift)
    else:
        counted, left = divmod(amount.minor, int(10**-shift))
        if left:
            raise NotChargeable(amount)
    if places == 3 and counted % 10:
        raise NotChargeable(amount)
    return counted


def least(currency: str) -> Money:
    """Return the least that Stripe charges in a currency: 0.50 USD, 175.00 HUF, 50 JPY.

    Where Stripe names no least, it is half of one unit, or 50 where Stripe counts no parts. A payment that has to be
    converted must also reach the least of the lender's own currency, which only Stripe can tell.

    :raises NotChargeable: if Stripe does not take the currency.
    """
    if currency not in STRIPE_EXPONENTS:
        raise NotChargeable(Money.zero(currency))
    places = STRIPE_EXPONENTS[currency]
    counted = _LEAST.get(currency, 500 if places == 3 else 50)
    # ISK and UGX are counted in hundredths that do not exist.
    whole = int(10 ** max(places - EXPONENTS[currency], 0))
    return money(-(-counted // whole) * whole, currency)


def money(counted: int, currency: str) -> Money:
    """Return what Stripe counts as an amount of ours: 1250 in "usd" is 12.50 USD, 500 in "isk" is 5 ISK.

    :raises NotChargeable: if it is a fraction that the currency does not have.
    """
    code = currency.upper()
    shift = STRIPE_EXPONENTS.get(code, EXPONENTS.get(code, 2)) - EXPONENTS.get(code, 2)
    if shift <= 0:
        return Money(counted * int(10**-shift), code)
    minor, left = divmod(counted, int(10**shift))
    if left:
        raise NotChargeable(Money(minor, code))
    return Money(minor, code)


def open_checkout(
    account: Account,
    *,
    reference: str,
    lines: Sequence[Line],
    description: str,
    success_url: str,
    cancel_url: str,
    locale: str,
    expires_at: datetime,
    idempotency_key: str,
    metadata: Mapping[str, str],
    choice: Choice,
    keep_for: str | None = None,
) -> CheckoutPage:
    """Open Stripe's hosted page for one payment attempt, in the currency of the debts; each line is a debt.

    `description` is of the payment as a whole.
    `reference` is the id of our attempt; `success_url` may hold `{CHECKOUT_SESSION_ID}`; `expires_at` must be 30
    minutes to 24 hours from now by Stripe's clock, so leave a minute. After a crash between this call and keeping its
    answer, call again with the same values: for 24 hours the same key gives the same page. Later, `find_checkouts`.
    Which ways to pay are on it, the currency and the lender's account decide, less what its `choice` leaves out.
    With `keep_for`, a customer, the card or account that is paid with is kept for charges without its owner, and there
    are only ways that can be.

    :raises NotChargeable: if Stripe cannot charge the amount exactly.
    :raises PaymentRefused: if Stripe says no (amount too small, key used for something else, ...).
    :raises PaymentServiceDown: if there was no final answer.
    """
    noted = {**metadata, REFERENCE: reference}
    session: params.checkout.SessionCreateParams = {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "line_items": [
            {
                "price_data": {
                    "currency": line.amount.currency.lower(),
                    "unit_amount": charged(line.amount),
                    "product_data": {"name": line.words},
                },
                "quantity": 1,
            }
            for line in lines
        ],
        "client_reference_id": reference,
        "metadata": noted,
        "payment_intent_data": {"description": description, "metadata": noted},
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
        # The debt is in its own currency and is paid in it; no page may offer another rate.
        "adaptive_pricing": {"enabled": False},
        "submit_type": "pay",
        "locale": checkout_locale(locale),
    }
    currency = lines[0].amount.currency
    options: Any = {}
    if not choice.credit_cards:
        # Card schemes restrict paying a debt with a credit card; debit and prepaid cards are money that is there.
        options["card"] = {"restrictions": {"funding_types_blocked": ["credit"]}}
    if keep_for is not None:
        session["customer"] = keep_for
        kept = rails.kept_for(currency, choice)
        # For each alone: said for all of them, those that can't be kept would not be offered.
        options |= {name: {**options.get(name, {}), "setup_future_usage": "off_session"} for name in kept}
        allowed: Any = list(kept)
        session["allowed_payment_method_types"] = allowed
    else:
        left_out: Any = list(rails.excluded(choice))
        session["excluded_payment_method_types"] = left_out
        options |= _options_of(currency, choice)
    if options:
        session["payment_method_options"] = options
    with _answers():
        opened = _client(account).v1.checkout.sessions.create(session, {"idempotency_key": idempotency_key})
        if opened.url is None:
            # A replayed key of a page that is closed by now.
            raise PaymentRefused("session_not_open", opened.status or "", request_id=None)
        return CheckoutPage(opened.id, opened.url, _instant(opened.expires_at))


def _options_of(currency: str, choice: Choice) -> dict[str, Any]:
    """Give what has to be said of some ways to pay, where they may be offered; what is said here pages can show."""
    found: dict[str, Any] = {}
    for rail in rails.offered(currency, choice):
        if rail.name == "wechat_pay":
            found[rail.name] = {"client": "web"}
        elif rail.name == "pix":
            # As long as our page is open: whoever comes back after it begins anew.
            found[rail.name] = {"expires_after_seconds": PIX_SECONDS}
        elif rail.name in _VOUCHERS_WITH_DAYS:
            found[rail.name] = {"expires_after_days": rail.voucher_days}
    return found


def make_customer(account: Account, *, reference: str, idempotency_key: str) -> str:
    """Make whom cards are saved for, and return its id. Stripe learns nothing of the person but our reference.

    :raises PaymentServiceDown: if there was no final answer; ask again with the same key.
    """
    with _answers():
        made = _client(account).v1.customers.create(
            {"metadata": {REFERENCE: reference}}, {"idempotency_key": idempotency_key}
        )
        return made.id


def open_saving(
    account: Account,
    *,
    reference: str,
    customer_id: str,
    methods: Sequence[str],
    description: str,
    success_url: str,
    cancel_url: str,
    locale: str,
    expires_at: datetime,
    idempotency_key: str,
) -> CheckoutPage:
    """Open Stripe's hosted page that saves a card or an account for charges without its owner, and takes no money.

    `reference` is the id of what it is saved for; `methods` are the ways that can be charged later. Of an account the
    page shows the network's mandate, and Stripe keeps what was agreed to.

    :raises PaymentRefused: if Stripe says no.
    :raises PaymentServiceDown: if there was no final answer; ask again with the same key.
    """
    allowed: Any = list(methods)
    session: params.checkout.SessionCreateParams = {
        "mode": "setup",
        "ui_mode": "hosted_page",
        "customer": customer_id,
        "allowed_payment_method_types": allowed,
        "client_reference_id": reference,
        "metadata": {REFERENCE: reference},
        "setup_intent_data": {"description": description, "metadata": {REFERENCE: reference}},
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
        "locale": checkout_locale(locale),
    }
    with _answers():
        opened = _client(account).v1.checkout.sessions.create(session, {"idempotency_key": idempotency_key})
        if opened.url is None:
            raise PaymentRefused("session_not_open", opened.status or "", request_id=None)
        return CheckoutPage(opened.id, opened.url, _instant(opened.expires_at))


def read_saving(account: Account, *, session_id: str) -> SavingState:
    """Return a page that saves a card as it is now.

    :raises PaymentRefused: if this account has no such page.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        session = _client(account).v1.checkout.sessions.retrieve(session_id, {"expand": ["setup_intent"]})
        setup: Any = session.setup_intent
        saved = setup is not None and setup.status == "succeeded"
        method_id = _id_of(setup.payment_method) if saved else None
        mandate_id = _id_of(setup.mandate) if saved else None
        return SavingState(session.id, CheckoutStatus(session.status), method_id, session.url, mandate_id)


def read_method(account: Account, *, method_id: str, mandate_id: str | None = None) -> MethodFacts:
    """Return a saved way to pay as it is now, with the mandate of it whose id is given.

    :raises PaymentRefused: if this account has no such method.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        found = _client(account).v1.payment_methods.retrieve(method_id)
        its: Any = getattr(found, found.type, None)
        mandate = read_mandate(account, mandate_id=mandate_id) if mandate_id is not None else None
        return MethodFacts(
            id=found.id,
            kind=found.type,
            customer_id=_id_of(found.customer),
            brand=getattr(its, "brand", None) or getattr(its, "bank_name", None),
            last4=getattr(its, "last4", None),
            exp_month=getattr(its, "exp_month", None),
            exp_year=getattr(its, "exp_year", None),
            funding=getattr(its, "funding", None),
            mandate=mandate,
        )


def read_mandate(account: Account, *, mandate_id: str) -> MandateFacts:
    """Return what somebody agreed to, as it is now.

    :raises PaymentRefused: if this account has no such mandate.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        found = _client(account).v1.mandates.retrieve(mandate_id)
        its: Any = getattr(found.payment_method_details, found.payment_method_details.type, None)
        accepted = found.customer_acceptance.accepted_at
        return MandateFacts(
            id=found.id,
            holds=found.status != "inactive",
            reference=getattr(its, "reference", None),
            url=getattr(its, "url", None),
            accepted_at=_instant(accepted) if accepted else None,
        )


def mandate_holds(account: Account, *, mandate_id: str) -> bool:
    """Say whether a mandate is still in force.

    :raises PaymentRefused: if this account has no such mandate.
    :raises PaymentServiceDown: if there was no answer.
    """
    return read_mandate(account, mandate_id=mandate_id).holds


def forget_method(account: Account, *, method_id: str) -> None:
    """Let Stripe save a way to pay no more; one that is gone already is no error.

    :raises PaymentServiceDown: if there was no final answer.
    """
    try:
        with _answers():
            _client(account).v1.payment_methods.detach(method_id)
    except PaymentRefused:
        return


def prepare_charge(
    account: Account,
    *,
    reference: str,
    customer_id: str,
    amount: Money,
    methods: Sequence[str],
    description: str,
    idempotency_key: str,
    metadata: Mapping[str, str],
) -> str:
    """Make a payment that a saved method can be charged for, and return its id; no money moves before `charge`.

    `methods` are the ways of which the saved one is, or may be by the time of a later try.

    :raises NotChargeable: if Stripe cannot charge the amount exactly.
    :raises PaymentRefused: if Stripe says no (amount too small, ...).
    :raises PaymentServiceDown: if there was no final answer. One that was made and not kept is never charged.
    """
    allowed: Any = list(methods)
    asked: params.PaymentIntentCreateParams = {
        "amount": charged(amount),
        "currency": amount.currency.lower(),
        "customer": customer_id,
        "allowed_payment_method_types": allowed,
        "description": description,
        "metadata": {**metadata, REFERENCE: reference},
    }
    with _answers():
        return _client(account).v1.payment_intents.create(asked, {"idempotency_key": idempotency_key}).id


def change_charge(account: Account, *, payment_intent_id: str, amount: Money) -> None:
    """Let a payment that was not charged ask for another amount.

    :raises PaymentRefused: if it is on its way or done.
    :raises PaymentServiceDown: if there was no final answer; asking again asks for the same.
    """
    with _answers():
        _client(account).v1.payment_intents.update(payment_intent_id, {"amount": charged(amount)})


def charge(account: Account, *, payment_intent_id: str, method_id: str, idempotency_key: str) -> None:
    """Charge a saved method without its owner. What came of it, `read_payment` says.

    One payment succeeds once at most, however often and with whatever key this is called.

    :raises PaymentRefused: if it was declined, or is on its way or done (`payment_intent_unexpected_state`).
    :raises PaymentServiceDown: if there was no final answer: read it.
    """
    with _answers():
        _client(account).v1.payment_intents.confirm(
            payment_intent_id,
            {"payment_method": method_id, "off_session": True},
            {"idempotency_key": idempotency_key},
        )


def read_checkout(account: Account, *, session_id: str) -> CheckoutState:
    """Return a hosted page as it is now.

    :raises PaymentRefused: if this account has no such page.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        return _checkout_state(_client(account).v1.checkout.sessions.retrieve(session_id))


def find_checkouts(
    account: Account, *, reference: str, opened_from: datetime, opened_until: datetime
) -> tuple[CheckoutState, ...]:
    """Return the pages that were opened for a reference in a span of time, newest first.

    For an attempt whose answer was never kept and whose idempotency key is older than a day.

    :raises PaymentServiceDown: if there was no answer.
    """
    span = {"gte": int(opened_from.timestamp()), "lte": int(opened_until.timestamp())}
    with _answers():
        pages = _client(account).v1.checkout.sessions.list(
            {"created": {"gte": span["gte"], "lte": span["lte"]}, "limit": 100}
        )
        return tuple(
            _checkout_state(session) for session in pages.auto_paging_iter() if session.client_reference_id == reference
        )


def close_checkout(account: Account, *, session_id: str) -> CheckoutState:
    """Close a hosted page that is still open, so that it cannot be paid any more, and return it as it is now.

    A page that was paid or closed in the meantime is no error: the answer says so.

    :raises PaymentRefused: if this account has no such page.
    :raises PaymentServiceDown: if there was no final answer.
    """
    try:
        with _answers():
            return _checkout_state(_client(account).v1.checkout.sessions.expire(session_id))
    except PaymentRefused:
        return read_checkout(account, session_id=session_id)


def read_payment(account: Account, *, payment_intent_id: str) -> PaymentFacts:
    """Return a payment as it is now, with all its refunds and disputes, oldest first.

    :raises PaymentRefused: if this account has no such payment.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        client = _client(account)
        intent = client.v1.payment_intents.retrieve(
            payment_intent_id, {"expand": ["latest_charge.balance_transaction", "payment_method"]}
        )
        refunds = client.v1.refunds.list({"payment_intent": payment_intent_id, "limit": 100})
        found = tuple(_refund_facts(one) for one in refunds.auto_paging_iter())[::-1]
        disputes: tuple[DisputeFacts, ...] = ()
        charge: Any = intent.latest_charge
        if charge is not None and charge.disputed:
            listed = client.v1.disputes.list({"payment_intent": payment_intent_id, "limit": 100})
            disputes = tuple(_dispute_facts(one) for one in listed.auto_paging_iter())[::-1]
        return _payment_facts(intent, found, disputes)


def refund(
    account: Account, *, payment_intent_id: str, amount: Money | None, idempotency_key: str, ours: str | None = None
) -> RefundFacts:
    """Give back a payment, wholly (amount None: what is left of it) or in part; `ours` is the id of our own row.

    :raises NotChargeable: if Stripe cannot say the amount exactly.
    :raises PaymentRefused: if there is nothing to give back, or less than asked (`charge_already_refunded`, ...).
    :raises PaymentServiceDown: if there was no final answer; ask again with the same key.
    """
    asked: params.RefundCreateParams = {"payment_intent": payment_intent_id, "reason": "requested_by_customer"}
    if amount is not None:
        asked["amount"] = charged(amount)
    if ours is not None:
        asked["metadata"] = {REFUND: ours}
    with _answers():
        return _refund_facts(_client(account).v1.refunds.create(asked, {"idempotency_key": idempotency_key}))


def events_page(account: Account, *, since: datetime, until: datetime, after: str | None) -> Page[Event]:
    """Return a page of what happened in a span of time, of the last 30 days: older ones Stripe has forgotten.

    :raises PaymentRefused: if `after` is forgotten by now.
    :raises PaymentServiceDown: if there was no answer.
    """
    asked: params.EventListParams = {
        "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
        "limit": A_PAGE,
    }
    if after is not None:
        asked["starting_after"] = after
    with _answers():
        listed = _client(account).v1.events.list(asked)
        found = []
        for one in listed.data:
            # What no webhook would have told is left out, whatever else it lacks.
            if one.type in EVENTS and one.livemode is account.live:
                found.append(_event(one.to_dict(for_json=True)))
        return Page(tuple(found), _last_of(listed))


def movements_page(
    account: Account,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    payout: str | None = None,
    after: str | None = None,
) -> Page[Movement]:
    """Return a page of what was booked on the balance, in a span of time or in one payout.

    :raises PaymentRefused: if this account has no such payout.
    :raises PaymentServiceDown: if there was no answer.
    """
    asked: params.BalanceTransactionListParams = {"limit": A_PAGE, "expand": ["data.source"]}
    if since is not None and until is not None:
        asked["created"] = {"gte": int(since.timestamp()), "lte": int(until.timestamp())}
    if payout is not None:
        asked["payout"] = payout
    if after is not None:
        asked["starting_after"] = after
    with _answers():
        listed = _client(account).v1.balance_transactions.list(asked)
        return Page(tuple(_movement(one) for one in listed.data), _last_of(listed))


def read_movement(account: Account, *, transaction_id: str) -> Movement:
    """Return one booking as it is now.

    :raises PaymentRefused: if this account has no such booking.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        return _movement(_client(account).v1.balance_transactions.retrieve(transaction_id, {"expand": ["source"]}))


def payouts_page(account: Account, *, since: datetime, until: datetime, after: str | None) -> Page[PaidOut]:
    """Return a page of what was paid out to the lender's bank in a span of time.

    :raises PaymentServiceDown: if there was no answer.
    """
    asked: params.PayoutListParams = {
        "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
        "limit": A_PAGE,
    }
    if after is not None:
        asked["starting_after"] = after
    with _answers():
        listed = _client(account).v1.payouts.list(asked)
        return Page(tuple(_paid_out(one) for one in listed.data), _last_of(listed))


def read_payout(account: Account, *, payout_id: str) -> PaidOut:
    """Return what was paid out as it is now.

    :raises PaymentRefused: if this account has no such payout.
    :raises PaymentServiceDown: if there was no answer.
    """
    with _answers():
        return _paid_out(_client(account).v1.payouts.retrieve(payout_id))


def register_webhook(account: Account, *, url: str) -> str:
    """Make Stripe tell this address what happens, in this SDK's API version, and return the secret of its signatures.

    An earlier endpoint with the same address is removed after the new one stands: its secret cannot be read again.

    :raises PaymentRefused: if Stripe does not take the address.
    :raises PaymentServiceDown: if there was no final answer.
    """
    with _answers():
        client = _client(account)
        earlier = [
            one.id for one in client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter() if one.url == url
        ]
        endpoint = client.v1.webhook_endpoints.create(_endpoint_params(url))
        for identifier in earlier:
            client.v1.webhook_endpoints.delete(identifier)
        if not endpoint.secret:
            raise PaymentRefused("no_webhook_secret", endpoint.id)
        return endpoint.secret


def verified_event(payload: bytes, header: str | None, *, account: Account) -> Event:
    """Return what a webhook says, if one of the account's secrets signed it within the last five minutes.

    `payload` is the raw body. Several secrets are tried, so that one can be replaced without a gap.

    :raises BadSignature: with reason "signature" (missing, wrong or too old), "unreadable" or "wrong_mode".
    """
    given: Any = None
    for secret in account.webhook_secrets:
        try:
            # The tolerance is named: None or 0 would switch the check of the age off.
            stripe.WebhookSignature.verify_header(payload, header, secret, stripe.Webhook.DEFAULT_TOLERANCE)
            # The library takes a time to come for right; a signature of tomorrow would hold for longer than it says.
            if _signed_at(header) > time.time() + stripe.Webhook.DEFAULT_TOLERANCE:
                continue
            given = json.loads(payload)
            break
        except stripe.SignatureVerificationError:
            continue
        except (ValueError, RecursionError) as unreadable:
            raise BadSignature("unreadable") from unreadable
    else:
        raise BadSignature("signature")
    try:
        event = _event(given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as unreadable:
        raise BadSignature("unreadable") from unreadable
    if event.livemode is not account.live:
        raise BadSignature("wrong_mode")
    return event


def _signed_at(header: str | None) -> int:
    """Give the time that a signature which has been verified names, in seconds."""
    return int(next(part[2:] for part in (header or "").split(",") if part.startswith("t=")))


def checkout_locale(language: str) -> str:
    """Return Stripe's name for one of our languages: zh_Hans is zh, zh_Hant is zh-TW; unknown ones are "auto"."""
    name = language.replace("_", "-")
    return {
        "en": "en", "en-GB": "en-GB", "zh": "zh", "zh-Hans": "zh", "zh-CN": "zh", "zh-SG": "zh", "zh-Hant": "zh-TW",
        "zh-TW": "zh-TW", "zh-HK": "zh-HK", "es": "es", "es-419": "es-419", "es-MX": "es-419", "pt": "pt",
        "pt-BR": "pt-BR",
    }.get(name, "auto")  # fmt: skip


@contextmanager
def _answers() -> Iterator[None]:
    """Turn the SDK's errors into ours; the difference that matters is whether there was a final answer."""
    try:
        yield
    except stripe.APIConnectionError as trouble:
        raise PaymentServiceDown("connection") from trouble
    except stripe.RateLimitError as trouble:
        raise PaymentServiceDown("rate_limit", trouble.request_id) from trouble
    except stripe.StripeError as refusal:
        status = refusal.http_status or 500
        if status == 409 or status >= 500 or status < 400:
            raise PaymentServiceDown(f"status_{status}", refusal.request_id) from refusal
        raise _refusal(refusal) from refusal
    except (AttributeError, KeyError, ValueError) as lacking:
        # An answer that lacks what the SDK's version of the API promises, or says what we cannot know, decides nothing.
        raise PaymentServiceDown("unreadable_answer") from lacking


def _refusal(refusal: stripe.StripeError) -> PaymentRefused:
    body = refusal.json_body if isinstance(refusal.json_body, Mapping) else {}
    error = body.get("error") or {}
    intent = error.get("payment_intent") or {}
    return PaymentRefused(
        str(error.get("code") or error.get("type") or f"status_{refusal.http_status}"),
        str(error.get("message") or refusal.user_message or ""),
        param=error.get("param"),
        decline_code=error.get("decline_code"),
        payment_intent_id=intent.get("id") if isinstance(intent, Mapping) else None,
        request_id=refusal.request_id,
    )


def _client(account: Account) -> stripe.StripeClient:
    return _kept_client(account.secret_key, account.api_base)


@lru_cache(maxsize=64)
def _kept_client(secret_key: str, api_base: str | None) -> stripe.StripeClient:
    # Kept, because its connections are: a new one for each call would cost a handshake with Stripe each time.
    session = None
    if api_base is not None and urlsplit(api_base).hostname in ("127.0.0.1", "localhost", "::1"):
        # The stand-in is on this machine. A proxy from the environment would not find it.
        session = requests.Session()
        session.trust_env = False
    http_client = stripe.RequestsClient(timeout=TIMEOUTS, session=session)
    if api_base is None:
        return stripe.StripeClient(secret_key, max_network_retries=RETRIES, http_client=http_client)
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base.rstrip("/")},
        max_network_retries=RETRIES,
        http_client=http_client,
    )


def _endpoint_params(url: str) -> params.WebhookEndpointCreateParams:
    # The SDK types its own version as a plain string and the parameter as one of a list.
    version: Any = API_VERSION
    return {"url": url, "enabled_events": list(EVENTS), "api_version": version}


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _noted(metadata: Any) -> Mapping[str, str]:
    return MappingProxyType(dict(metadata.to_dict()) if metadata is not None else {})


def _id_of(linked: Any) -> str | None:
    """Return the id of a linked object, which Stripe gives as its id or, expanded, whole."""
    if linked is None or isinstance(linked, str):
        return linked
    return str(linked["id"])


def _checkout_state(session: stripe.checkout.Session) -> CheckoutState:
    noted = _noted(session.metadata)
    return CheckoutState(
        session_id=session.id,
        status=CheckoutStatus(session.status),
        payment_status=CheckoutPayment(session.payment_status),
        payment_intent_id=_id_of(session.payment_intent),
        amount=money(session.amount_total or 0, session.currency or "usd"),
        reference=session.client_reference_id or noted.get(REFERENCE),
        url=session.url,
        created_at=_instant(session.created),
        expires_at=_instant(session.expires_at),
        metadata=noted,
        livemode=session.livemode,
    )


def _payment_facts(
    intent: stripe.PaymentIntent, refunds: tuple[RefundFacts, ...], disputes: tuple[DisputeFacts, ...]
) -> PaymentFacts:
    charge: Any = intent.latest_charge
    details = charge.payment_method_details.to_dict() if charge is not None and charge.payment_method_details else {}
    chosen: Any = intent.payment_method
    # Before there is a charge, what was chosen is the method alone: of a voucher until it is paid.
    kind = details.get("type") or getattr(chosen, "type", None)
    method = details.get(kind) or {}
    booked: Any = charge.balance_transaction if charge is not None else None
    problem = intent.last_payment_error
    noted = _noted(intent.metadata)
    return PaymentFacts(
        payment_intent_id=intent.id,
        status=PaymentStatus(intent.status),
        amount=money(intent.amount, intent.currency),
        amount_received=money(intent.amount_received, intent.currency),
        refunds=refunds,
        charge_id=charge.id if charge is not None else None,
        method_id=_id_of(intent.payment_method),
        method_kind=kind,
        brand=method.get("brand"),
        last4=method.get("last4"),
        funding=method.get("funding"),
        created_at=_instant(intent.created),
        cleared_at=_instant(booked.created) if booked is not None and intent.status == "succeeded" else None,
        failure_code=problem.code if problem is not None else None,
        decline_code=getattr(problem, "decline_code", None),
        disputed=bool(charge.disputed) if charge is not None else False,
        reference=noted.get(REFERENCE),
        metadata=noted,
        livemode=intent.livemode,
        disputes=disputes,
        voucher=_voucher(intent),
        sent_at=_instant(charge.created) if charge is not None else None,
        mandate_id=_id_of(method.get("mandate")),
    )


def _voucher(intent: stripe.PaymentIntent) -> VoucherFacts | None:
    """Give what an open voucher says; each kind has words of its own for the same."""
    action: Any = intent.next_action
    shown = None if action is None else getattr(action, action.type, None)
    url = getattr(shown, "hosted_voucher_url", None)
    until = getattr(shown, "expires_after", None) or getattr(shown, "expires_at", None)
    return VoucherFacts(url, _instant(until) if until else None) if url else None


def _refund_facts(given: stripe.Refund) -> RefundFacts:
    return RefundFacts(
        id=given.id,
        amount=money(given.amount, given.currency),
        status=RefundStatus(given.status),
        created_at=_instant(given.created),
        payment_intent_id=_id_of(given.payment_intent),
        failure_reason=getattr(given, "failure_reason", None),
        ours=_noted(given.metadata).get(REFUND),
    )


def _dispute_facts(given: stripe.Dispute) -> DisputeFacts:
    amount = money(given.amount, given.currency)
    due = given.evidence_details.due_by if given.evidence_details is not None else None
    moved = []
    for booked in sorted(given.balance_transactions or [], key=lambda one: one.created):
        # What is booked in the lender's own currency moved all of it; how much that is there is no matter of the debt.
        same = booked.currency == given.currency
        some = money(abs(booked.amount), booked.currency) if same else amount
        moved.append(some if booked.amount > 0 else -some)
    return DisputeFacts(
        id=given.id,
        amount=amount,
        reason=given.reason,
        status=given.status,
        created_at=_instant(given.created),
        evidence_by=_instant(due) if due else None,
        moved=tuple(moved),
    )


def _last_of(listed: Any) -> str | None:
    return str(listed.data[-1].id) if listed.has_more and listed.data else None


def _paid_out(given: stripe.Payout) -> PaidOut:
    return PaidOut(
        id=given.id,
        amount=money(given.amount, given.currency),
        status=given.status,
        by_hand=not given.automatic,
        listed=given.reconciliation_status != "in_progress",
        arrives_on=_instant(given.arrival_date).date(),
        made_at=_instant(given.created),
        failure=given.failure_code,
    )


_NOT_YET: Final = frozenset({"pending", "requires_action"})
_NEVER: Final = frozenset({"failed", "canceled"})


def _movement(given: stripe.BalanceTransaction) -> Movement:
    source: Any = given.source
    about: Any = None if isinstance(source, str) else source
    kind = None if about is None else about.object
    effect = on_its_way = came_to_nothing = None
    if kind == "charge":
        effect, on_its_way = _of_charge(given, about), about.status == "pending"
    elif kind == "refund":
        failed = given.type in ("refund_failure", "payment_failure_refund")
        effect = f"{about.id}:{'refund_failed' if failed else 'refund'}"
        on_its_way, came_to_nothing = about.status in _NOT_YET, about.status in _NEVER
    elif kind == "dispute":
        effect = _of_dispute(given, about)
    noted = _noted(getattr(about, "metadata", None))
    return Movement(
        id=given.id,
        kind=given.type,
        booked_at=_instant(given.created),
        settled=_nearest(given.amount, given.currency),
        fee=_nearest(given.fee, given.currency),
        about=_about(given, about),
        effect=effect,
        payment_intent_id=_id_of(getattr(about, "payment_intent", None)),
        reference=noted.get(REFERENCE),
        marked=REFERENCE in noted or REFUND in noted,
        on_its_way=bool(on_its_way),
        came_to_nothing=bool(came_to_nothing),
        own=given.type in OWN,
        disputed=kind == "dispute" or given.reporting_category.startswith("dispute"),
        of_payout=str(about.id) if kind == "payout" else None,
    )


def _of_charge(given: stripe.BalanceTransaction, charge: Any) -> str | None:
    intent_id = _id_of(charge.payment_intent)
    if given.type in ("charge", "payment"):
        return None if intent_id is None else f"{intent_id}:payment"
    # What else moves about a charge is no effect that the books know: it is extra where the charge is ours.
    return f"{given.id}:{given.type}"


def _of_dispute(given: stripe.BalanceTransaction, dispute: Any) -> str:
    """Name what a bank took or gave back, as `disputes.heed` does: by its turn among those of its kind."""
    booked = sorted(dispute.balance_transactions or [], key=lambda one: one.created)
    taken = given.amount < 0
    same = [one.id for one in booked if (one.amount < 0) is taken]
    turn = same.index(given.id) + 1 if given.id in same else len(same) + 1
    return f"{dispute.id}:{'withdrawn' if taken else 'reinstated'}:{turn}"


def _about(given: stripe.BalanceTransaction, about: Any) -> Money | None:
    """Give the amount of a booking in the currency of what was paid; None where that can't be said exactly."""
    try:
        if about is None or getattr(about, "currency", given.currency) == given.currency:
            return money(given.amount, given.currency)
        # Booked in the lender's own currency: the whole of it moved.
        whole = money(about.amount, about.currency)
    except NotChargeable:
        return None
    return whole if given.amount >= 0 else -whole


def _nearest(counted: int, currency: str) -> Money:
    """Return what Stripe counts, to the nearest of our units: of a currency without cents it may count parts."""
    try:
        return money(counted, currency)
    except NotChargeable:
        code = currency.upper()
        return Money(round(counted / 10 ** (STRIPE_EXPONENTS[code] - EXPONENTS[code])), code)


def _event(given: Any) -> Event:
    about = given["data"]["object"]
    kind = about["object"]
    noted = about.get("metadata") or {}
    intent = about["id"] if kind == "payment_intent" else about.get("payment_intent")
    # Expanded or not, as the endpoint was set up.
    intent_id = intent.get("id") if isinstance(intent, Mapping) else intent
    reference = (about.get("client_reference_id") if kind == "checkout.session" else None) or noted.get(REFERENCE)
    method = about["id"] if kind == "payment_method" else about.get("payment_method")
    method_id = method.get("id") if isinstance(method, Mapping) else method
    return Event(
        id=_text(given["id"]),
        type=_text(given["type"]),
        created=_instant(int(given["created"])),
        livemode=given["livemode"] is True,
        api_version=given.get("api_version"),
        object_id=_text(about["id"]),
        object_kind=_text(kind),
        payment_intent_id=_text(intent_id) if intent_id is not None else None,
        session_id=_text(about["id"]) if kind == "checkout.session" else None,
        reference=_text(reference) if reference is not None else None,
        method_id=_text(method_id) if method_id is not None else None,
    )


def _text(value: object) -> str:
    # Stripe's own are plain; some signs are kept by no database, and what can't be kept would be sent again for days.
    if not isinstance(value, str) or not 0 < len(value) <= 255 or not value.isprintable():
        raise ValueError(value)
    return value

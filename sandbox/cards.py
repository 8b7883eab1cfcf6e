"""The test cards and other ways to pay: what each is and what happens when somebody pays with it.

No other number of a card is taken. Which ways a page has, its currency decides, less what the caller leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Outcome(Enum):
    """What paying with a method leads to."""

    SUCCEEDS = "succeeds"
    DECLINED = "declined"
    SECOND_STEP = "second_step"
    DELAYED = "delayed"
    VOUCHER = "voucher"


@dataclass(frozen=True)
class Method:
    """One way to pay on the stand-in; `token` is the name that Stripe's own test mode uses, where there is one."""

    kind: str
    outcome: Outcome
    number: str = ""
    funding: str = "debit"
    brand: str = "visa"
    decline_code: str | None = None
    # What happens when it is charged after it was saved, where that is something else.
    fate: str | None = None
    tokens: tuple[str, ...] = ()
    # In which currencies it is offered; empty for every one. What becomes of a delayed one by itself: arrives, fails or
    # returns, which is to arrive and to be taken back by the bank afterwards.
    currencies: tuple[str, ...] = ()
    ends: str = "arrives"

    @property
    def last4(self) -> str:
        return self.number[-4:]


WORKS_DEBIT = Method("card", Outcome.SUCCEEDS, "4000056655665556", tokens=("pm_card_visa_debit",))
WORKS_CREDIT = Method("card", Outcome.SUCCEEDS, "4242424242424242", "credit", tokens=("pm_card_visa",))
# Stripe calls these two credit cards. Here they are debit cards, so that they can be tried where credit is refused.
DECLINED = Method(
    "card",
    Outcome.DECLINED,
    "4000000000000002",
    decline_code="generic_decline",
    tokens=("pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"),
)
SECOND_STEP = Method("card", Outcome.SECOND_STEP, "4000002500003155", tokens=("pm_card_authenticationRequired",))
ASKS_EACH_TIME = Method("card", Outcome.SUCCEEDS, "4000002760003184", fate="second_step")
SAVED_AND_DECLINED = Method(
    "card", Outcome.SUCCEEDS, "4000000000000341", fate="generic_decline", tokens=("pm_card_chargeCustomerFail",)
)
BANK_DEBIT = Method(
    "us_bank_account", Outcome.DELAYED, "000123456789", tokens=("pm_usBankAccount",), currencies=("usd",)
)
# Numbers of Stripe's own test mode: one that fails days later, and one that is taken back after it arrived.
BANK_FAILS = Method("us_bank_account", Outcome.DELAYED, "000222222227", currencies=("usd",), ends="fails")
BANK_RETURNS = Method("us_bank_account", Outcome.DELAYED, "000000004954", currencies=("usd",), ends="returns")
SEPA_DEBIT = Method("sepa_debit", Outcome.DELAYED, "AT611904300234573201", currencies=("eur",))
BACS_DEBIT = Method("bacs_debit", Outcome.DELAYED, "00012345", currencies=("gbp",))
ALIPAY = Method(
    "alipay", Outcome.SUCCEEDS,
    currencies=("aud", "cad", "cny", "eur", "gbp", "hkd", "jpy", "myr", "nzd", "sgd", "usd"),
)  # fmt: skip
WECHAT_PAY = Method(
    "wechat_pay", Outcome.SUCCEEDS, currencies=("aud", "cad", "cny", "eur", "gbp", "hkd", "jpy", "sgd", "usd")
)
PIX = Method("pix", Outcome.SUCCEEDS, currencies=("brl",))
PAYNOW = Method("paynow", Outcome.SUCCEEDS, currencies=("sgd",))
OXXO = Method("oxxo", Outcome.VOUCHER, currencies=("mxn",))
BOLETO = Method("boleto", Outcome.VOUCHER, currencies=("brl",))
KONBINI = Method("konbini", Outcome.VOUCHER, currencies=("jpy",))
KLARNA = Method("klarna", Outcome.SUCCEEDS, currencies=("usd", "eur", "gbp", "sek"))
OTHERS = (
    BANK_DEBIT, BANK_FAILS, BANK_RETURNS, SEPA_DEBIT, BACS_DEBIT, ALIPAY, WECHAT_PAY, PIX, PAYNOW, OXXO, BOLETO,
    KONBINI, KLARNA,
)  # fmt: skip
# Of these the stand-in keeps a mandate, so that they can be charged again.
KEPT = ("card", "us_bank_account", "sepa_debit", "bacs_debit")
DAYS_UNDER_WAY = {"us_bank_account": 4, "sepa_debit": 5, "bacs_debit": 7}
# What a voucher lives where the caller says nothing, by Stripe's documentation.
VOUCHER_DAYS = {"oxxo": 3, "boleto": 3, "konbini": 3}

METHODS = (
    WORKS_DEBIT,
    WORKS_CREDIT,
    DECLINED,
    SECOND_STEP,
    *OTHERS,
    # It is saved without a question, and its bank asks each time that it is charged.
    ASKS_EACH_TIME,
    # It is saved, and no charge of it goes through.
    SAVED_AND_DECLINED,
    Method("card", Outcome.SUCCEEDS, "5555555555554444", "credit", "mastercard", tokens=("pm_card_mastercard",)),
    Method("card", Outcome.SUCCEEDS, "5200828282828210", "debit", "mastercard", tokens=("pm_card_mastercard_debit",)),
    Method(
        "card",
        Outcome.DECLINED,
        "4000000000009995",
        decline_code="insufficient_funds",
        tokens=("pm_card_visa_chargeDeclinedInsufficientFunds",),
    ),
    Method(
        "card",
        Outcome.DECLINED,
        "4000000000000069",
        decline_code="expired_card",
        tokens=("pm_card_chargeDeclinedExpiredCard",),
    ),
)
BY_NUMBER = {method.number: method for method in METHODS if method.kind == "card"}
BY_TOKEN = {token: method for method in METHODS for token in method.tokens}


def types_for(currency: str | None, *, allowed: list[str] | None, excluded: list[str] | None) -> list[str]:
    """Give the ways that are offered in a currency, by Stripe's names: cards, and what the currency has."""
    there = ["card", *(one.kind for one in OTHERS if currency is None or currency in one.currencies)]
    return [
        kind for kind in dict.fromkeys(there) if (allowed is None or kind in allowed) and kind not in (excluded or ())
    ]


DECLINE_MESSAGES = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "expired_card": ("expired_card", "Your card has expired."),
    "lost_card": ("card_declined", "Your card was declined."),
    "stolen_card": ("card_declined", "Your card was declined."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "revocation_of_authorization": ("card_declined", "Your card was declined."),
}


def later(method: Method, fate: str | None) -> Method:
    """Give a method as it behaves once it is saved: by what a test said of it, else by what its number stands for."""
    fate = fate or method.fate
    if fate is None:
        return method
    if fate == "second_step":
        return replace(method, outcome=Outcome.SECOND_STEP)
    return replace(method, outcome=Outcome.DECLINED, decline_code=fate)


def looks_like_a_card(number: str) -> bool:
    """Tell whether digits pass the Luhn check that every card number passes."""
    if not number.isascii() or not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0

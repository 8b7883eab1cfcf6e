"""RULES  The ways on which money comes: in which currency, when it arrives, until when its bank can take it back.

Invariant: a way that isn't in the table isn't offered, and what came on one all the same waits as the longest does.
Each number has its source beside it, or "ours", which can be changed here alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final


class Kind(Enum):
    """How money moves on a way."""

    CARD = "card"
    WALLET = "wallet"  # An app or one's bank says yes at once.
    DEBIT = "debit"  # The payer's bank is asked for it, and answers days later.
    VOUCHER = "voucher"  # Paid in a shop or at a bank, some days later.
    LATER = "later"  # Somebody else lends it.


@dataclass(frozen=True, slots=True)
class Rail:
    """A way to pay, by Stripe's name.

    `currencies` is empty for every one. `working_days` is how long a debit takes to be answered, `voucher_days` how
    many days a voucher can be paid on after its own, `told_days` how many working days later Stripe says that it was.
    `returns` is for how many days after its arrival the payer's bank takes money back without asking the lender.
    `kept`: it can be charged again without its owner. `credit`: what pays may be borrowed, and Stripe has no switch.
    """

    name: str
    kind: Kind
    currencies: frozenset[str] = frozenset()
    working_days: int = 0
    voucher_days: int = 0
    told_days: int = 0
    returns: int = 0
    kept: bool = False
    credit: bool = False

    @property
    def delayed(self) -> bool:
        """Say whether its money comes days after it was sent."""
        return self.kind in (Kind.DEBIT, Kind.VOUCHER)


# Stripe's word for a voucher that nobody paid in time.
VOUCHER_RAN_OUT: Final = "payment_intent_payment_attempt_expired"

# How long money waits where a bank may ask for it back for years, or nobody knows how long: ours.
LONGEST_WAIT: Final = 60
# A card's bank may ask for 120 days and more. Nothing waits for that (cross-border.md, "Local payment rails"): a letter
# says that it holds as long as the payment does, and is marked if it no longer does.

# Currencies: docs.stripe.com, the page of each way ("Presentment currency"), as libraries.md 1.5 has them.
# Working days: docs.stripe.com, November 2026: ACH "up to 4 business days", SEPA "typically 5", Bacs 7 with a new
# mandate, BECS "up to 2"; Canada and New Zealand from memory, so ours.
# Returns: ACH 60 days (Nacha, cross-border.md; from memory), SEPA 8 weeks "no questions asked" (Stripe's support page),
# Canada 90 days (Payments Canada, rule H1; from memory); Bacs has no end, BECS 7 years, New Zealand months:
# LONGEST_WAIT, ours.
_DEBITS: Final = f"""
    us_bank_account  USD  4  60
    sepa_debit       EUR  5  56
    bacs_debit       GBP  7  {LONGEST_WAIT}
    acss_debit       CAD  5  90
    au_becs_debit    AUD  2  {LONGEST_WAIT}
    nz_bank_account  NZD  2  {LONGEST_WAIT}
"""
# Days to pay: what we ask Stripe for, ours, so that a week-end is among them; of Multibanco Stripe sets it. Told: OXXO
# "by the next business day", Boleto "after 1 business day" (docs.stripe.com), the others soon; and one more for a
# holiday that we know nothing of: ours. Payers can't dispute any of them (docs.stripe.com).
_VOUCHERS: Final = """
    oxxo        MXN  5  2
    boleto      BRL  5  2
    konbini     JPY  5  1
    multibanco  EUR  7  1
"""
# At once, or within minutes. Pix can be taken back for fraud alone, which is a dispute.
_WALLETS: Final = """
    alipay      AUD CAD CNY EUR GBP HKD JPY MYR NZD SGD USD
    wechat_pay  AUD CAD CHF CNY DKK EUR GBP HKD JPY NOK SEK SGD USD
    pix         BRL
    paynow      SGD
    promptpay   THB
    grabpay     MYR SGD
    fpx         MYR
    upi         INR
    payto       AUD
    pay_by_bank EUR GBP
    ideal       EUR
    bancontact  EUR
    eps         EUR
    bizum       EUR
    mb_way      EUR
    satispay    EUR
    p24         EUR PLN
    blik        PLN
    twint       CHF
    swish       SEK
    mobilepay   DKK EUR NOK SEK
    cashapp     USD
    revolut_pay EUR GBP
"""
# Behind these a credit card or an instalment may stand, and Stripe can't be told to refuse it.
_MAYBE_CREDIT: Final = """
    paypal      AUD CAD CHF CZK DKK EUR GBP HKD NOK NZD PLN SEK SGD USD
    amazon_pay  AUD CHF DKK EUR GBP HKD JPY NOK NZD SEK USD ZAR
    kr_card     KRW
    kakao_pay   KRW
    naver_pay   KRW
    payco       KRW
    samsung_pay KRW
    paypay      JPY
"""
# A debt isn't paid with a new one.
_LATER: Final = "affirm afterpay_clearpay alma billie klarna scalapay sequra sunbit zip"
# Coins whose worth moves, a balance that is filled by transfers, and what is gone: not offered.
NOT_OFFERED: Final = ("crypto", "customer_balance", "giropay", "sofort")
# Of these the networks keep a mandate whose text Stripe shows and keeps.
_KEPT: Final = frozenset({"card", *(row.split()[0] for row in _DEBITS.strip().splitlines())})


def _table() -> Iterator[Rail]:
    yield Rail("card", Kind.CARD, kept=True)
    yield Rail("link", Kind.CARD)
    for row in _DEBITS.strip().splitlines():
        name, currency, days, returns = row.split()
        yield Rail(name, Kind.DEBIT, frozenset({currency}), working_days=int(days), returns=int(returns), kept=True)
    for row in _VOUCHERS.strip().splitlines():
        name, currency, days, told = row.split()
        yield Rail(name, Kind.VOUCHER, frozenset({currency}), voucher_days=int(days), told_days=int(told))
    for rows, credit in ((_WALLETS, False), (_MAYBE_CREDIT, True)):
        for row in rows.strip().splitlines():
            name, *currencies = row.split()
            yield Rail(name, Kind.WALLET, frozenset(currencies), credit=credit)
    for name in _LATER.split():
        yield Rail(name, Kind.LATER, credit=True)


TABLE: Final[Mapping[str, Rail]] = MappingProxyType({rail.name: rail for rail in _table()})
# Somebody made this way known to Stripe after us: it waits as long as any does.
_UNKNOWN: Final = Rail("", Kind.WALLET, returns=LONGEST_WAIT)


def rail_of(name: str | None) -> Rail:
    """Return a way to pay by Stripe's name; of one that we don't know, or don't know yet, the most careful."""
    return TABLE.get(name or "", _UNKNOWN)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a lender lets debts be paid with: nothing that is borrowed, unless it says so."""

    credit_cards: bool = False
    pay_later: bool = False
    without: frozenset[str] = frozenset()


def excluded(choice: Choice) -> tuple[str, ...]:
    """Return the ways that Stripe must not offer, whatever the lender's account has turned on."""
    found = {
        rail.name
        for rail in TABLE.values()
        if (rail.kind is Kind.LATER and not choice.pay_later)
        or (rail.kind is Kind.WALLET and rail.credit and not choice.credit_cards)
    }
    # Without cards nothing could be paid in most places, and Link isn't named here by Stripe.
    return tuple(sorted(found | set(NOT_OFFERED) | (choice.without - {"card", "link"})))


def offered(currency: str, choice: Choice) -> tuple[Rail, ...]:
    """Return the ways that may be offered for a currency; which of them are, the lender's account at Stripe decides."""
    gone = frozenset(excluded(choice))
    return tuple(
        rail
        for rail in TABLE.values()
        if rail.name not in gone and (not rail.currencies or currency in rail.currencies)
    )


def kept_for(currency: str, choice: Choice) -> tuple[str, ...]:
    """Return the ways that can be kept and charged again in a currency, cards first."""
    return tuple(rail.name for rail in offered(currency, choice) if rail.kept)


def working_day_after(day: date, days: int) -> date:
    """Return the day that is so many working days later; Saturday and Sunday are none, holidays aren't known.

    >>> working_day_after(date(2026, 5, 7), 4), working_day_after(date(2026, 5, 9), 0)
    (datetime.date(2026, 5, 13), datetime.date(2026, 5, 9))
    """
    for _day in range(days):
        day += timedelta(days=1)
        while day.weekday() >= 5:
            day += timedelta(days=1)
    return day


def _working_days_before(instant: datetime, days: int) -> datetime:
    for _day in range(days):
        instant -= timedelta(days=1)
        while instant.weekday() >= 5:
            instant -= timedelta(days=1)
    return instant


def paid_at(
    rail: Rail, *, told_at: datetime, page_until: datetime, made_at: datetime | None, voucher_until: datetime | None
) -> datetime:
    """Return when a payment counts: what is sent in time is in time, however long a bank takes.

    A voucher counts on the day on which it was paid. Stripe doesn't name that day, so it is the earliest that it can
    have been: in favour of whoever paid, never before the voucher was made, nor after it could be paid.
    All else was sent while its page was open.
    """
    if rail.kind is not Kind.VOUCHER:
        return min(told_at, page_until)
    earliest = _working_days_before(told_at, rail.told_days)
    latest = told_at if voucher_until is None else min(told_at, voucher_until)
    return min(max(earliest, made_at or earliest), latest)


def returnable_until(rail: Rail, *, arrived: date) -> date | None:
    """Return the last day on which the payer's bank can take a payment back by itself; None if it can't."""
    return arrived + timedelta(days=rail.returns) if rail.returns else None


def expected_on(rail: Rail, *, sent: date, voucher_until: date | None) -> date | None:
    """Return the day by which we have usually heard of money on its way."""
    match rail.kind:
        case Kind.DEBIT:
            return working_day_after(sent, rail.working_days)
        case Kind.VOUCHER if voucher_until is not None:
            return working_day_after(voucher_until, rail.told_days)
        case _:
            return None


class Step(Enum):
    """What somebody sees of money that takes days, in this order."""

    VOUCHER_MADE = "voucher_made"
    VOUCHER_PAID = "voucher_paid"
    SENT = "sent"
    AT_THE_BANK = "at_the_bank"
    ARRIVED = "arrived"
    FOR_GOOD = "for_good"


@dataclass(frozen=True, slots=True)
class Shown:
    """One step: the day on which it was or by which it is, and whether it is `done`, `now` or `later`."""

    step: Step
    on: date | None
    state: str


def steps_of(
    rail: Rail,
    *,
    sent: date,
    today: date,
    voucher_until: date | None = None,
    paid: date | None = None,
    arrived: date | None = None,
    returnable: date | None = None,
) -> tuple[Shown, ...]:
    """Return the way of money that takes days, step by step; nothing for money that comes at once.

    `paid` is known once the money has `arrived`; `returnable` is the last day on which a bank can take it back.
    """
    if not rail.delayed:
        return ()
    by = expected_on(rail, sent=sent, voucher_until=voucher_until)
    here = arrived is not None
    if rail.kind is Kind.VOUCHER:
        found = [
            Shown(Step.VOUCHER_MADE, sent, "done"),
            Shown(Step.VOUCHER_PAID, paid if here else voucher_until, "done" if here else "now"),
        ]
    else:
        found = [Shown(Step.SENT, sent, "done"), Shown(Step.AT_THE_BANK, None, "done" if here else "now")]
    found.append(Shown(Step.ARRIVED, arrived or by, "done" if here else "later"))
    last = returnable
    if last is None and not here and by is not None:
        last = returnable_until(rail, arrived=by)
    if last is not None:
        state = "later" if not here else "now" if today <= last else "done"
        found.append(Shown(Step.FOR_GOOD, last + timedelta(days=1), state))
    return tuple(found)


def for_good(amounts: Collection[tuple[int, date | None]], *, today: date) -> int:
    """Return how much of what came can't be taken back by a bank any more: amounts with their last day, or None."""
    return sum(minor for minor, last in amounts if last is None or last < today)

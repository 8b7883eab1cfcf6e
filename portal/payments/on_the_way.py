"""Ways to pay and money that takes days, in words of the pages: before it is sent, while it is under way, and after."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from portal import clock
from portal.db import session
from portal.payments import rails
from portal.payments.models import Payment, PaymentPart
from portal.payments.rails import Choice, Kind, Rail, Shown, Step
from portal.people.permissions import is_debtor, me
from portal.plans.models import Plan
from portal.web.formats import day as day_words
from portal.web.languages import gettext as _
from portal.web.languages import ngettext, pgettext

# As the ways call themselves, in every language.
_NAMES: Mapping[str, str] = {
    "link": "Link", "pix": "Pix", "paynow": "PayNow", "promptpay": "PromptPay", "grabpay": "GrabPay", "fpx": "FPX",
    "upi": "UPI", "payto": "PayTo", "ideal": "iDEAL", "bancontact": "Bancontact", "eps": "EPS", "bizum": "Bizum",
    "mb_way": "MB WAY", "satispay": "Satispay", "p24": "Przelewy24", "blik": "BLIK", "twint": "TWINT",
    "swish": "Swish", "mobilepay": "MobilePay", "cashapp": "Cash App", "revolut_pay": "Revolut Pay",
    "paypal": "PayPal", "amazon_pay": "Amazon Pay", "kakao_pay": "KakaoPay", "naver_pay": "Naver Pay",
    "payco": "PAYCO", "samsung_pay": "Samsung Pay", "paypay": "PayPay", "affirm": "Affirm",
    "afterpay_clearpay": "Afterpay", "alma": "Alma", "billie": "Billie", "klarna": "Klarna", "scalapay": "Scalapay",
    "sequra": "seQura", "sunbit": "Sunbit", "zip": "Zip", "oxxo": "OXXO", "boleto": "Boleto", "konbini": "Konbini",
    "multibanco": "Multibanco",
}  # fmt: skip


def name_of(rail: Rail, *, credit_cards: bool) -> str:
    """Name a way to pay as people know it."""
    match rail.name:
        case "card":
            return _("Card") if credit_cards else _("Debit card")
        case "alipay":
            return pgettext("a way to pay", "Alipay")
        case "wechat_pay":
            return pgettext("a way to pay", "WeChat Pay")
        case "kr_card":
            return _("Korean card")
        case "pay_by_bank":
            return _("Pay by bank")
        case _ if rail.kind is Kind.DEBIT:
            return _("Bank debit")
    return _NAMES.get(rail.name, _("Another way to pay"))


def before(currency: str, choice: Choice) -> list[tuple[str, list[str]]]:
    """Say which ways to pay there may be for a currency, each with when its money arrives and until when it can go."""
    ways = rails.offered(currency, choice)
    at_once = [name_of(rail, credit_cards=choice.credit_cards) for rail in ways if not rail.delayed]
    found = [(", ".join(at_once), [_("It arrives at once, or within minutes.")])]
    for rail in ways:
        if rail.kind is Kind.DEBIT:
            found.append(
                (
                    name_of(rail, credit_cards=False),
                    [
                        ngettext(
                            "Your bank usually answers within %(num)s working day.",
                            "Your bank usually answers within %(num)s working days.",
                            rail.working_days,
                        ),
                        _("It counts from the day on which you send it."),
                        ngettext(
                            "Your bank can take it back for %(num)s day after it arrived.",
                            "Your bank can take it back for %(num)s days after it arrived.",
                            rail.returns,
                        ),
                    ],
                )
            )
        elif rail.kind is Kind.VOUCHER:
            found.append(
                (
                    name_of(rail, credit_cards=False),
                    [
                        ngettext(
                            "You get a voucher, and pay it at a shop or bank within %(num)s day.",
                            "You get a voucher, and pay it at a shop or bank within %(num)s days.",
                            rail.voucher_days,
                        ),
                        _("It counts on the day on which you pay it there."),
                        ngettext(
                            "We hear of it up to %(num)s working day later.",
                            "We hear of it up to %(num)s working days later.",
                            rail.told_days,
                        ),
                    ],
                )
            )
    return found


def _day(instant: datetime | None, zone: str) -> date | None:
    return None if instant is None else instant.astimezone(clock.zone(zone)).date()


def steps(payment: Payment, *, zone: str) -> list[tuple[str, str, None]]:
    """Give the way of a payment that takes days, step by step, each in words with its day; nothing for others."""
    sent = _day(payment.sent_at, zone)
    if sent is None:
        return []
    shown = rails.steps_of(
        rails.rail_of(payment.method),
        sent=sent,
        today=clock.today(zone),
        voucher_until=_day(payment.voucher_until, zone),
        paid=_day(payment.paid_at, zone),
        arrived=_day(payment.settled_at, zone),
        returnable=payment.returns_end_on,
    )
    return [(_words(one, voucher=payment.voucher_until is not None), one.state, None) for one in shown]


def _words(shown: Shown, *, voucher: bool) -> str:
    day = day_words(shown.on) if shown.on is not None else ""
    done = shown.state == "done"
    match shown.step:
        case Step.SENT:
            return _("You sent it on %(day)s. It counts from that day.", day=day)
        case Step.AT_THE_BANK:
            return _("Your bank has answered.") if done else _("Your bank is working on it.")
        case Step.VOUCHER_MADE:
            return _("You made the voucher on %(day)s.", day=day)
        case Step.VOUCHER_PAID if done:
            return _("It counts as paid on %(day)s.", day=day)
        case Step.VOUCHER_PAID:
            return _("Pay it by %(day)s. It counts on the day on which you pay it.", day=day) if day else _("Pay it.")
        case Step.ARRIVED if done:
            return _("It arrived on %(day)s.", day=day)
        case Step.ARRIVED if voucher:
            return _("We hear of it by %(day)s at the latest.", day=day)
        case Step.ARRIVED:
            return _("It usually arrives by %(day)s.", day=day)
    if done:
        return _("Since %(day)s your bank can’t take it back by itself any more.", day=day)
    return _("From %(day)s on your bank can’t take it back by itself any more.", day=day)


def voucher_of(payment: Payment, *, zone: str) -> dict[str, object] | None:
    """Give an open voucher: where it is, the last day on which it can be paid, and whether that is over."""
    if payment.state != "processing" or payment.voucher_until is None:
        return None
    return {
        "url": payment.voucher_url,
        "until": _day(payment.voucher_until, zone),
        "over": payment.voucher_until <= clock.now(),
    }


def bank_until(*, lender_id: uuid.UUID, plan_id: uuid.UUID) -> date | None:
    """Give the last day on which a bank can take back by itself what was paid for a plan; None if none can."""
    return session.scalar(
        select(func.max(Payment.returns_end_on))
        .join(PaymentPart, (PaymentPart.lender_id == Payment.lender_id) & (PaymentPart.payment_id == Payment.id))
        .where(
            Payment.lender_id == lender_id,
            PaymentPart.plan_id == plan_id,
            Payment.refunded_minor < Payment.amount_minor,
        )
    )


def bank_until_of_plan(reference: str) -> date | None:
    """Give the same of the signed-in person's plan, for pages of features below this one."""
    if not is_debtor():
        return None
    person = me()
    plan_id = session.scalar(
        select(Plan.id).where(
            Plan.lender_id == person.lender_id, Plan.debtor_id == person.debtor_id, Plan.reference == reference
        )
    )
    return None if plan_id is None else bank_until(lender_id=person.lender_id, plan_id=plan_id)


def template_words() -> dict[str, Any]:
    """Give what templates of other features use of this one."""
    return {"bank_until_of": bank_until_of_plan}

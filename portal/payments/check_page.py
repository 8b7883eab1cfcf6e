"""What was chosen is shown to be checked; once it was, off to the hosted page."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import amounts
from portal.db import session
from portal.debts.statement import Standing
from portal.lenders.hosts import address_here
from portal.lenders.models import Lender
from portal.money import Money, total
from portal.payments import checkout, on_the_way, stripe_gateway
from portal.payments.payable import Payable, effects_of, on_its_way
from portal.people.permissions import Person
from portal.plans.redrawing import Use
from portal.web.languages import chosen
from portal.web.languages import gettext as _

_FORM_KEY = re.compile(r"[0-9a-f]{32}")
_MINOR = re.compile(r"[0-9]{1,15}", re.ASCII)


def form_key_given() -> str | None:
    """Give the key of the form that was sent, which makes a second tap the same as the first; None if it is none."""
    given = request.form.get("form_key", "")
    return given if _FORM_KEY.fullmatch(given) else None


def exact_amount(given: str, currency: str) -> Money | None:
    """Read an amount that a page of ours wrote in whole minor units."""
    return Money(int(given), currency) if _MINOR.fullmatch(given) and int(given) else None


def _use() -> Use | None:
    """Give what an extra payment is for, if it was chosen on the page of changing a plan."""
    given = request.form.get("use")
    return Use(given) if given in (Use.SOONER.value, Use.SMALLER.value) else None


def checked_and_paid(
    person: Person, chosen_shares: Sequence[tuple[Payable, Money]], *, change: str
) -> ResponseReturnValue:
    """Show what was chosen to be checked; once it was, lead to the hosted page."""
    form_key = form_key_given()
    if form_key and request.form.get("checked") == "1":
        return _go(person, chosen_shares, form_key, again=change)
    choice = checkout.choice_of(session.get_one(Lender, person.lender_id))
    return render_template(
        "payments/check.html",
        rows=[
            {
                "product": found.debt.product,
                "creditor": found.debt.creditor or person.lender.name,
                "reference": found.debt.reference,
                "amount": amount,
                "left": found.owed - amount,
                "effects": effects_of(found, amount, use=_use()),
            }
            for found, amount in chosen_shares
        ],
        in_all=_sum(chosen_shares),
        kept=_kept(chosen_shares),
        form_key=form_key or uuid.uuid4().hex,
        underway=[words for found, _amount in chosen_shares if (words := on_its_way(found.debt))],
        change=change,
        ways=on_the_way.before(chosen_shares[0][1].currency, choice),
        choice=choice,
    )


def _sum(shares: Iterable[tuple[Payable, Money]]) -> Money:
    parts = [amount for _found, amount in shares]
    return total(parts, currency=parts[0].currency)


def _kept(shares: Sequence[tuple[Payable, Money]]) -> list[tuple[str, str]]:
    """Give the hidden fields that say the same again."""
    if "debt" in request.args:
        use = _use()
        return [("exact", str(shares[0][1].minor)), *([("use", use.value)] if use else [])]
    return [
        ("amount", amounts.written(_sum(shares))),
        *((field_of(found.debt), amounts.written(amount)) for found, amount in shares),
    ]


def field_of(debt: Standing) -> str:
    """Name the field that holds the share of a debt."""
    return f"share_{debt.id.hex}"


def _go(
    person: Person, chosen_shares: Sequence[tuple[Payable, Money]], form_key: str, *, again: str
) -> ResponseReturnValue:
    base = address_here()
    use = _use() if len(chosen_shares) == 1 else None
    try:
        lender = session.get_one(Lender, person.lender_id)
        account = checkout.account_of(lender, api_base=current_app.config["STRIPE_API_BASE"])
        going = checkout.start(
            [
                checkout.Share(
                    debt=found.debt,
                    plan_id=found.view.id if found.view else None,
                    amount=amount,
                    words=f"{found.debt.product} {found.debt.reference}",
                )
                for found, amount in chosen_shares
            ],
            lender=lender,
            account=account,
            form_key=form_key,
            result_url=base + url_for("payments.result", reference="REFERENCE"),
            back_url=base + url_for("payments.result", reference="REFERENCE", left=1),
            language=chosen(),
            by=person.actor,
            use=use.value if use else None,
        )
    except checkout.NoPaymentsYet:
        flash(_("Paying online isn’t possible yet. Please call us, and we tell you how to pay."), "wait")
        return redirect(again, 303)
    except stripe_gateway.PaymentRefused:
        current_app.logger.exception("Stripe refused to open a payment page")
        flash(_("This amount can’t be paid online. Please choose another one, or talk to us."), "problem")
        return redirect(again, 303)
    except stripe_gateway.PaymentServiceDown as down:
        return render_template("payments/service_down.html", again_url=again, noted=down.out_of_order), 503
    match going:
        case checkout.GoPay(url=url):
            return redirect(url, 303)
        case checkout.Underway(reference=reference):
            return redirect(url_for("payments.result", reference=reference), 303)

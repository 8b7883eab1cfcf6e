"""Money that somebody has with us: what it can be used for."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.care.pages import paying_all_the_same
from portal.db import transaction
from portal.debts.pages import mine_or_404
from portal.debts.statement import debts_of
from portal.payments import credit as credits
from portal.payments.check_page import exact_amount, form_key_given
from portal.payments.pages import payments
from portal.payments.payable import disputed_of, effects_of, on_its_way, payable_of
from portal.people.permissions import me, needs_debtor
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _


@payments.get("/credit")
@needs_debtor
def credit() -> ResponseReturnValue:
    """Show the money that a person has with us, debt by debt, and what it can be used for."""
    person = me()
    mine = debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    disputed = disputed_of(person, mine)
    return render_template(
        "payments/credit.html",
        credits=[
            {
                "product": one.product,
                "creditor": one.creditor or person.lender.name,
                "reference": one.reference,
                "amount": one.credit,
                # Whoever says that a debt is wrong is not asked to pay it.
                "for": [
                    {
                        "product": other.product,
                        "reference": other.reference,
                        "owed": other.owed,
                        "url": url_for("payments.use_credit", reference=one.reference, other=other.reference),
                    }
                    for other in mine
                    if credits.possible(credit=one.credit, owed=other.owed) and other.id not in disputed
                ],
            }
            for one in mine
            if one.credit
        ],
    )


@payments.route("/debts/<reference:reference>/use-credit-for/<reference:other>", methods=["GET", "POST"])
@needs_debtor
def use_credit(reference: str, other: str) -> ResponseReturnValue:
    """Show what using the money of one debt for another does; once that was checked, use it."""
    person = me()
    source, target = mine_or_404(reference), mine_or_404(other)
    found = payable_of(person, target)
    amount = credits.possible(credit=source.credit, owed=found.owed)
    form_key, exact = form_key_given(), exact_amount(request.form.get("exact", ""), source.credit.currency)
    changed = False
    if request.method == "POST" and form_key is not None and exact is not None:
        with transaction():
            done = credits.use(
                source=source,
                target=target,
                amount=exact,
                form_key=form_key,
                today=clock.today(person.zone),
                by=person.actor,
            )
        if not isinstance(done, credits.Changed):
            flash(
                _("%(amount)s is used for %(debt)s.", amount=money_words(done.amount), debt=target.product), "success"
            )
            return redirect(url_for("home.debt", reference=other), 303)
        changed, amount = True, done.possible
    if not amount:
        flash(_("There is nothing left to use for this debt. Here is how things stand."))
        return redirect(url_for("payments.credit"), 303)
    return (
        render_template(
            "payments/use_credit.html",
            source=source,
            target=target,
            used=amount,
            left=found.owed - amount,
            still=source.credit - amount,
            effects=effects_of(found, amount),
            underway=on_its_way(target),
            disputed=target.id in disputed_of(person, [target]),
            all_the_same=paying_all_the_same(),
            changed=changed,
            form_key=uuid.uuid4().hex,
        ),
        422 if request.method == "POST" else 200,
    )

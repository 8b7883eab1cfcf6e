"""Letters: the list, and each as a PDF. Seeing documents needs a one-time code."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import clock
from portal.db import transaction
from portal.debts.pages import mine_or_404
from portal.debts.statement import Standing, debts_of, references_of
from portal.letters import caring, endings, issue, spoken
from portal.letters.conditions import NotYet, Why
from portal.letters.kept import awaited_of, by_hand_of, day_in, letter_of, letters_of, no_longer_true, replaced
from portal.letters.kinds import Kind
from portal.money import Money
from portal.people.models import Debtor
from portal.people.permissions import me, needs_code
from portal.plans.progress import coming_of
from portal.web.formats import day as day_words
from portal.web.languages import LETTER_LANGUAGES
from portal.web.languages import gettext as _
from portal.web.paging import page_of
from portal.web.spreadsheet import csv_answer

letters = Blueprint("letters", __name__)

LETTERS_ON_A_PAGE = 20


def kind_words(kind: str) -> str:
    """Give the name of a kind of letter."""
    return {
        "plan-agreement": _("Plan agreement"),
        "payment-receipt": _("Payment receipt"),
        "statement-of-account": _("Statement of account"),
        "dispute-acknowledgement": _("Dispute acknowledgement"),
        "breathing-space": _("Breathing space confirmation"),
        "granted-pause": _("Confirmation of a pause"),
        "deferral-confirmation": _("Deferral confirmation"),
        "goodwill-statement": _("Statement of circumstances"),
        "credit-status": _("Your credit record: information"),
        "credit-correction": _("Notice to correct a credit record"),
        "settlement-offer": _("Settlement offer"),
        "settlement-satisfied": _("Settlement kept"),
        "paid-in-full": _("Paid in full"),
        "plan-ended": _("Your plan has ended"),
    }[kind]


def gone_words(kind: str) -> str:
    """Say why a letter is no longer true."""
    return {
        "dispute-acknowledgement": _("You took the dispute back, so this letter no longer holds."),
        "granted-pause": _("The pause ended early, so this letter no longer holds."),
        "deferral-confirmation": _("You took the change back, so this letter no longer holds."),
        "settlement-offer": _("This offer can’t be agreed to any more. You can ask for a new one."),
    }.get(kind, _("The payment was given back, so this letter is no longer true."))


def refused_words(refused: NotYet) -> str:
    """Say why a letter that was asked for can't be made now, and from when on it can."""
    why = {
        Why.DISPUTED: _("This letter says what is in our books, and you told us that they are wrong."),
        Why.NOTHING_PAID: _("This letter says what was paid. No payment has arrived yet: it can be made when one has."),
    }.get(refused.why, _("This letter can’t be made now."))
    if refused.since is None:
        return why
    return why + " " + _("It can be made when you have our answer, by %(day)s.", day=day_words(refused.since))


@dataclass(frozen=True, slots=True)
class Listed:
    """One letter as the list shows it; `state` is valid, withdrawn, being_made, by_hand or sent_by_hand.

    `gone` says why it is no longer true.
    """

    title: str
    number: str
    at: datetime
    made_on: date
    state: str
    debt: str
    url: str | None
    gone: str = ""


def _listed() -> list[Listed]:
    person = me()
    return listed(lender_id=person.lender_id, debtor_id=person.debtor_id, zone=person.zone)


def listed(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, zone: str) -> list[Listed]:
    """Give a person's letters, newest first, with those that are being made."""
    mine = {"lender_id": lender_id, "debtor_id": debtor_id}
    gone = no_longer_true(**mine)
    issued = letters_of(**mine)
    older = replaced(issued, gone)
    names = references_of(**mine)

    def one(kind: str, number: str, at: datetime, state: str, debt_id: uuid.UUID, url: str | None = None) -> Listed:
        day = day_in(zone, at)
        why = gone_words(kind) if state == "withdrawn" else ""
        return Listed(kind_words(kind), number, at, day, state, names.get(debt_id, ""), url, why)

    found = [
        one(
            letter.kind,
            letter.number,
            letter.issued_at,
            "withdrawn" if letter.cause in gone else "superseded" if letter.number in older else "valid",
            letter.debt_id,
            url_for("letters.download", number=letter.number),
        )
        for letter in issued
    ]
    found += [
        one(
            letter.kind,
            letter.number,
            letter.asked_at,
            "by_hand" if letter.done_at is None else "sent_by_hand",
            letter.debt_id,
        )
        for letter in by_hand_of(**mine)
    ]
    found += [
        one(letter.kind, letter.number, letter.since, "being_made", letter.debt_id)
        for letter in awaited_of(**mine)
        if letter.happened
    ]
    return sorted(found, key=lambda letter: letter.at, reverse=True)


def state_words(state: str) -> str:
    """Say how a letter stands."""
    return {
        "valid": _("Valid"),
        "superseded": _("Replaced by a newer one"),
        "withdrawn": _("Taken back"),
        "being_made": _("Being made"),
        "by_hand": _("A person prepares it"),
        "sent_by_hand": _("Sent to you"),
    }[state]


@letters.get("/letters", endpoint="letters")
@needs_code
def letters_page() -> ResponseReturnValue:
    """Show every letter with its state, which can be asked for, and which are not there yet and why."""
    person = me()
    debts = debts_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    shown, pages = page_of(_listed(), request.args.get("page"), size=LETTERS_ON_A_PAGE)
    return render_template(
        "letters/letters.html",
        letters=[(letter, state_words(letter.state)) for letter in shown],
        pages=pages,
        debts=debts,
        on_demand=_on_demand(),
        offers=[(made.number, debt, Money(made.total_minor, made.currency)) for made, debt in endings.offers_of(debts)],
        not_yet=_not_yet(debts),
        spoken=spoken.chosen_by(lender_id=person.lender_id, debtor_id=person.debtor_id),
        choices=LETTER_LANGUAGES,
    )


def _on_demand() -> list[tuple[str, str, str]]:
    """Give the kinds that can be asked for beside the statement: kind, name, and what it is."""
    what = {
        Kind.GOODWILL: _(
            "It says what our books say: since when, what was paid and when, how plans were kept. You can show it to "
            "anybody. It changes no credit record."
        ),
        Kind.CREDIT_STATUS: _(
            "It says what a credit bureau may be told of this debt, for how long it is kept, how to see your report "
            "for nothing, and what to do if something in it is wrong."
        ),
    }
    return [(kind.value, kind_words(kind.value), what[kind]) for kind in caring.ON_DEMAND]


def _not_yet(debts: Sequence[Standing]) -> list[tuple[str, str]]:
    """Give the letters that can't be made yet, each with when it can."""
    person = me()
    names = {debt.id: f"{debt.product} ({debt.reference})" for debt in debts}
    awaited = awaited_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    lines = [
        (
            _("Receipt of payment %(number)s", number=letter.number),
            _("Your bank is still working on this payment. The receipt is made on the day that it arrives."),
        )
        for letter in awaited
        if not letter.happened
    ]
    coming = coming_of(lender_id=person.lender_id, debtor_id=person.debtor_id, today=clock.today(person.zone))
    planned = {plan.debt_id for plan in coming}
    lines += [
        (
            _("Plan agreement for %(debt)s", debt=names[debt.id]),
            _("It is made within a minute after you agree to a plan."),
        )
        for debt in debts
        if debt.owed and debt.id not in planned
    ]
    lines += [
        (_("%(letter)s: %(debt)s", letter=kind_words(one.kind.value), debt=names[one.debt.id]), _against(one.against))
        for one in endings.coming_of(debts, today=clock.today(person.zone))
    ]
    return lines


def _against(against: NotYet | None) -> str:
    """Say why a letter isn't there yet, and when it comes."""
    if against is None:
        return _("It will be here in a minute. Open this page again.")
    since = day_words(against.since) if against.since else ""
    match against.why:
        case Why.STILL_OWED | Why.NOTHING_PAID:
            return _("It is made by itself when nothing is left to pay, and no bank can take a payment back by itself.")
        case Why.BANK_CAN_TAKE_BACK:
            return _(
                "It is made by itself on %(day)s. Until then your bank can take a payment back by itself.", day=since
            )
        case Why.ON_ITS_WAY:
            return _("A payment is on its way. The letter is made when it has arrived. We look again every day.")
        case Why.MAY_GO_BACK:
            return _("It is not decided yet whether a payment goes back. We look again every day.")
        case Why.LET_OFF:
            return _(
                "A part of this debt was let off, so no letter says that it was paid in full. That you kept what was "
                "agreed is in the letter about the settlement."
            )
        case Why.DISPUTED:
            return _("You said that something is wrong with this debt. While we look at it, there is no offer.")
    return _("This offer can’t be agreed to any more. You can ask for a new one.")


@letters.post("/letters/language", endpoint="language")
@needs_code
def choose_language() -> ResponseReturnValue:
    """Choose the language of the letters that are made from now on."""
    person, wanted = me(), request.form.get("language", "")
    if wanted not in LETTER_LANGUAGES:
        abort(400)
    with transaction() as s:
        new = spoken.choose(s.get_one(Debtor, (person.lender_id, person.debtor_id)), wanted)
    if new:
        flash(_("New letters are in %(language)s from now on.", language=LETTER_LANGUAGES[wanted]), "success")
    return redirect(url_for("letters.letters"), 303)


@letters.post("/letters/ask")
@needs_code
def ask() -> ResponseReturnValue:
    """Ask for a letter on a debt: the statement of account, or one of those that ask for nothing."""
    person = me()
    debt = mine_or_404(request.form.get("debt", ""))
    wanted = next((kind for kind in caring.ON_DEMAND if kind.value == request.form.get("kind")), None)
    with transaction():
        if wanted is None:
            new: bool | NotYet = issue.ask_for_statement(debt, zone=person.zone, by=person.actor)
        else:
            new = caring.ask_for(wanted, debt, zone=person.zone, by=person.actor)
    if isinstance(new, NotYet):
        flash(refused_words(new), "info")
    elif new:
        flash(_("We are making it. It will be here in a minute: open this page again."), "success")
    else:
        flash(_("You have asked for this one today already. There is one a day, and it is here or on its way."), "info")
    return redirect(url_for("letters.letters"), 303)


@letters.post("/letters/ask-for-offer")
@needs_code
def ask_for_offer() -> ResponseReturnValue:
    """Ask for an offer to settle a debt for less in writing."""
    person = me()
    debt = mine_or_404(request.form.get("debt", ""))
    with transaction():
        done = endings.ask_for_offer(debt, number=request.form.get("quote", ""), zone=person.zone, by=person.actor)
    if isinstance(done, NotYet):
        flash(_against(done), "info")
    elif done:
        flash(_("We are making it. It will be here in a minute: open this page again."), "success")
    else:
        flash(_("You have asked for this offer already. It is here, or on its way."), "info")
    return redirect(url_for("letters.letters"), 303)


@letters.get("/letters.csv")
@needs_code
def letters_csv() -> ResponseReturnValue:
    """Give the list of letters as a file."""
    return csv_answer(
        "letters",
        (_("Number"), _("Letter"), _("Debt"), _("Made on"), _("State")),
        ((letter.number, letter.title, letter.debt, letter.made_on, state_words(letter.state)) for letter in _listed()),
    )


@letters.get("/letters/<number>.pdf")
@needs_code
def download(number: str) -> ResponseReturnValue:
    """Give a letter as it was issued."""
    person = me()
    letter = letter_of(lender_id=person.lender_id, debtor_id=person.debtor_id, number=number)
    if letter is None:
        abort(404)
    return Response(
        letter.pdf,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{letter.kind}-{letter.number}.pdf"'},
    )

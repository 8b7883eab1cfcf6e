"""Every act in plain words, as the person whom it was about reads it, and who did it.

Invariant: there are words for each act that leaves a record; a test holds this table against the list of acts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from portal.money import EXPONENTS, Money
from portal.web.formats import day as day_words
from portal.web.formats import money as money_words
from portal.web.languages import gettext as _
from portal.web.languages import pgettext


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a record, read with care: an old record may lack what a new one has."""

    found: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Give a fact as text; nothing if it isn't there."""
        value = self.found.get(name)
        return "" if value is None else str(value)

    def amount(self, name: str = "amount") -> str:
        """Give an amount with its currency, as people read it."""
        try:
            return money_words(Money.of(Decimal(self.text(name)), self.text("currency")))
        except (InvalidOperation, ValueError):
            return ""

    def day(self, name: str) -> str:
        """Give a day as people read it; as it stands there if it isn't one."""
        try:
            return day_words(date.fromisoformat(self.text(name)))
        except ValueError:
            return self.text(name)

    def minor(self, name: str, currency: str) -> str:
        """Give an amount that stands there in whole minor units."""
        value = self.found.get(name)
        return money_words(Money(value, currency)) if isinstance(value, int) and currency in EXPONENTS else ""


Words = Callable[[Facts], str]


def _plan_moved(facts: Facts) -> str:
    return {
        "agreed": _("Your plan goes on as agreed"),
        "active": _("Your plan goes on as agreed"),
        "grace": _("A payment of your plan was a little late"),
        "at_risk": _("A payment of your plan is missing"),
        "broken": _("Several payments of your plan are missing"),
        "paused": _("Your plan was paused"),
        "completed": _("Your plan is done. We look again together on %(day)s", day=facts.day("review_on"))
        if facts.text("review_on")
        else _("Your plan is done"),
        "cancelled": _("Your plan was ended, as you asked"),
        "superseded": _("Your plan was replaced by another one"),
        "voided": _("Your plan was taken back"),
        "expired": _("Your plan did not start"),
        "ended_broken": _("Your plan has ended"),
    }.get(facts.text("after"), _("Your plan changed"))


def _not_made(facts: Facts) -> str:
    return {
        "failed": _("A payment did not go through; no money was taken"),
        "expired": _("A payment page ended without a payment"),
        "cancelled": _("A payment was not made"),
    }.get(facts.text("after"), _("A payment was not made"))


def _dispute_moved(facts: Facts) -> str:
    return {
        "won": _("Your bank’s question about a payment was answered: the payment counts"),
        "lost": _("Your bank’s question about a payment was answered: it keeps the money"),
        "over": _("Your bank’s question about a payment is over"),
    }.get(facts.text("after"), _("Your bank’s question about a payment went on"))


def _not_written(facts: Facts) -> str:
    gate = facts.found.get("gate")
    if isinstance(gate, Mapping) and "opted_out" in gate.get("reasons", ()):
        return _("A message to you was not written, because you asked for none")
    if facts.text("why") == "taken_by_itself":
        return _("A reminder was not written, because the payment is taken by itself")
    if facts.text("why") == "no_longer_true":
        return _("A message to you was not written, because it was not needed any more")
    return _("A message to you was not written")


def _message(facts: Facts) -> str:
    return {
        "email": _("We wrote you an e-mail"),
        "sms": _("We wrote you a text message"),
    }.get(facts.text("channel"), _("We wrote you a message"))


def _letter(facts: Facts) -> str:
    return {
        "plan-agreement": _("We made the letter of your plan, number %(number)s", number=facts.text("letter")),
        "payment-receipt": _("We made a receipt, number %(number)s", number=facts.text("letter")),
        "statement-of-account": _("We made a statement of account, number %(number)s", number=facts.text("letter")),
        "dispute-acknowledgement": _(
            "We confirmed in a letter that we have your dispute, number %(number)s", number=facts.text("letter")
        ),
        "granted-pause": _("We confirmed your pause in a letter, number %(number)s", number=facts.text("letter")),
        "deferral-confirmation": _(
            "We confirmed the new dates of your plan in a letter, number %(number)s", number=facts.text("letter")
        ),
        "credit-correction": _(
            "We wrote to a credit bureau that something has to be corrected, number %(number)s",
            number=facts.text("letter"),
        ),
        "settlement-offer": _("We wrote down an offer, letter number %(number)s", number=facts.text("letter")),
        "settlement-satisfied": _(
            "We confirmed your settlement, letter number %(number)s", number=facts.text("letter")
        ),
        "paid-in-full": _("We confirmed that all was paid, letter number %(number)s", number=facts.text("letter")),
        "plan-ended": _("We wrote that your plan ended, letter number %(number)s", number=facts.text("letter")),
    }.get(facts.text("kind"), _("We made a letter, number %(number)s", number=facts.text("letter")))


def _contact_decided(facts: Facts) -> str:
    if facts.found.get("wrong"):
        return _("A contact that was said to be wrong is not used any more")
    return _("A contact that was said to be wrong is used again")


def _looked(facts: Facts) -> str:
    name, reason = facts.text("name"), facts.text("reason")
    if debt := facts.text("tried"):
        what = _("%(name)s looked at what you would be offered for %(debt)s", name=name, debt=debt)
    elif number := facts.text("request"):
        what = _("%(name)s looked at what you wrote in request %(number)s", name=name, number=number)
    elif plan := facts.text("plan"):
        what = _("%(name)s looked at your plan %(plan)s", name=name, plan=plan)
    elif facts.text("refund"):
        what = _("%(name)s looked at money that goes back to you", name=name)
    elif facts.text("aside"):
        what = _("%(name)s looked at money of yours that waits to be placed", name=name)
    elif reason:
        return _("%(name)s opened your page. The reason given: %(reason)s", name=name, reason=reason)
    else:
        return _("%(name)s opened your page", name=name)
    return _("%(what)s. The reason given: %(reason)s", what=what, reason=reason) if reason else what


def _call(facts: Facts) -> str:
    name = facts.text("name")
    if facts.text("direction") == "in":
        return _("%(name)s wrote down that you called", name=name)
    if facts.found.get("reached"):
        return _("%(name)s wrote down a call to you", name=name)
    return _("%(name)s wrote down a call that did not reach you", name=name)


def _link(facts: Facts) -> str:
    name = facts.text("name")
    match facts.text("to"):
        case "pay":
            return _("%(name)s sent you a link to pay", name=name)
        case "plan":
            return _(
                "%(name)s read a plan out to you, number %(number)s, and sent you a link to agree to it",
                name=name,
                number=facts.text("quote"),
            )
    return _("%(name)s sent you a link to your page", name=name)


def _package(facts: Facts) -> str:
    name, debt = facts.text("name"), facts.text("debt")
    if not name:
        return _("You took everything about %(debt)s along as one file", debt=debt)
    return _(
        "%(name)s took everything about %(debt)s along as one file. The reason given: %(reason)s",
        name=name,
        debt=debt,
        reason=facts.text("reason"),
    )


def _proposed(facts: Facts) -> str:
    helper, amount = facts.text("helper"), facts.amount("payment")
    if helper and facts.text("payment"):
        return _("%(name)s wrote down for you what you can pay: %(amount)s", name=helper, amount=amount)
    if helper:
        return _("%(name)s wrote down for you a day for paying", name=helper)
    if facts.text("payment"):
        return _("You said what you can pay: %(amount)s", amount=amount)
    return _("You chose a day for paying")


def _agreed(facts: Facts) -> str:
    number, prepared = facts.text("plan"), facts.found.get("prepared")
    if isinstance(prepared, Mapping):
        return _(
            "You agreed to a plan, number %(number)s, that %(name)s put together with you",
            number=number,
            name=str(prepared.get("helper", "")),
        )
    return _("You agreed to a plan, number %(number)s", number=number)


def _people_of(facts: Facts) -> dict[str, str]:
    return {"name": facts.text("name"), "other": facts.text("asked_by"), "number": facts.text("request")}


# By the value of the act, in the order of the list of acts. They are functions: a text is in the reader's language.
WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "lender_added": lambda _f: _("Your lender came to this site"),
        "limits_loaded": lambda _f: _("Your lender changed what it allows"),
        "limits_draft_begun": lambda _f: _("Your lender began to write down what it will allow"),
        "limits_draft_saved": lambda _f: _("Your lender went on writing down what it will allow"),
        "limits_draft_sent": lambda _f: _("Somebody of your lender asked a colleague to look at what it will allow"),
        "limits_draft_taken_back": lambda _f: _("Somebody of your lender went on with what it will allow"),
        "limits_draft_sent_back": lambda _f: _("Somebody of your lender asked for changes in what it will allow"),
        "limits_draft_withdrawn": lambda _f: _("Somebody of your lender gave up a change of what it allows"),
        "limits_approved": lambda _f: _("Your lender changed what it allows"),
        "limits_called_off": lambda _f: _("Your lender called off a change of what it allows, before it began"),
        "limits_went_back": lambda _f: _("Your lender went back to what it allowed before"),
        "staff_looked": _looked,
        "note_written": lambda f: (
            _("%(name)s corrected a note about you", name=f.text("name"))
            if f.text("strikes")
            else _("%(name)s wrote a note about you", name=f.text("name"))
        ),
        "note_taken_back": lambda f: _("%(name)s took a note about you back", name=f.text("name")),
        "call_noted": _call,
        "link_sent": _link,
        "request_handed_over": lambda f: _("Your request %(number)s went to another person", number=f.text("request")),
        "offer_granted": lambda f: (
            _("%(name)s and %(other)s said yes to your offer %(number)s", **_people_of(f))
            if f.text("asked_by")
            else _("%(name)s said yes to your offer %(number)s", **_people_of(f))
        ),
        "colleague_asked": lambda f: _("%(name)s asked a colleague about your offer %(number)s", **_people_of(f)),
        "colleague_answered": lambda f: (
            _("%(name)s took back what was asked of a colleague about your offer %(number)s", **_people_of(f))
            if f.text("answer") == "taken_back"
            else _("%(name)s answered a colleague about your offer %(number)s", **_people_of(f))
        ),
        "consent_given": lambda f: (
            _("%(name)s wrote down that you agreed in writing that they act for you", name=f.text("name"))
            if f.text("how") == "writing"
            else _("%(name)s wrote down that you agreed on the phone that they act for you", name=f.text("name"))
        ),
        "consent_ended": lambda f: _("%(name)s does not act for you any more", name=f.text("name")),
        "staff_searched": lambda _f: _("Somebody of your lender looked for a person"),
        "staff_invited": lambda _f: _("Somebody was invited to work for your lender"),
        "staff_joined": lambda _f: _("Somebody began to work for your lender"),
        "staff_roles_changed": lambda _f: _("What somebody of your lender may do was changed"),
        "staff_ended": lambda _f: _("Somebody does not work for your lender any more"),
        "staff_language_chosen": lambda _f: _("Somebody of your lender chose a language"),
        "staff_password_chosen": lambda _f: _("Somebody of your lender chose a password"),
        "staff_passkey_added": lambda _f: _("Somebody of your lender added a passkey"),
        "staff_passkey_removed": lambda _f: _("Somebody of your lender removed a passkey"),
        "staff_signed_in": lambda _f: _("Somebody of your lender signed in"),
        "staff_sign_in_refused": lambda _f: _("Somebody tried to sign in to your lender’s pages, and was not let in"),
        "staff_session_ended": lambda _f: _("Somebody of your lender was signed out"),
        "staff_recovery_asked": lambda _f: _("Somebody of your lender could not sign in any more"),
        "staff_vouched": lambda _f: _("Somebody of your lender vouched for a colleague"),
        "staff_recovery_refused": lambda _f: _("Somebody of your lender did not vouch for a colleague"),
        "staff_recovered": lambda _f: _("Somebody of your lender can sign in again"),
        "lender_branded": lambda _f: _("Your lender changed how this site looks"),
        "lender_seal_set": lambda _f: _("Your lender said with what its letters are sealed"),
        "lender_letters_set": lambda _f: _("Your lender said how its letters look"),
        "lender_ways_set": lambda _f: _("Your lender said with what debts can be paid"),
        "lender_urgent_email_set": lambda _f: _("Your lender said who is told when something can’t wait"),
        "letter_batch_asked": lambda _f: _("Somebody of your lender asked for a batch of letters"),
        "letter_batch_begun": lambda _f: _("Somebody of your lender began a batch of letters"),
        "letter_batch_paused": lambda _f: _("Somebody of your lender paused a batch of letters"),
        "letter_batch_goes_on": lambda _f: _("Somebody of your lender let a batch of letters go on"),
        "letter_batch_called_off": lambda _f: _("Somebody of your lender called off the rest of a batch of letters"),
        "letter_batch_done": lambda _f: _("A batch of letters of your lender is done"),
        "portfolio_imported": lambda _f: _("Your lender sent us its debts"),
        "portfolio_undone": lambda _f: _("Your lender took back what it had sent us"),
        "balance_adjusted": lambda _f: _("Your lender corrected the amount"),
        "debt_recalled": lambda _f: _("Your lender took this debt back; it is not handled here any more"),
        "debt_returned": lambda _f: _("Your lender had taken this debt back by mistake; it is handled here again"),
        "portfolio_brought": lambda _f: _("Somebody of your lender brought a file of debts"),
        "portfolio_confirmed": lambda _f: _("Somebody of your lender said that a file of debts is right"),
        "portfolio_withdrawn": lambda _f: _("Somebody of your lender withdrew a file of debts"),
        "portfolio_forgotten": lambda _f: _("A file of debts was deleted; what came of it stays"),
        "portfolio_undoing": lambda _f: _("Somebody of your lender asked to take back what a file had changed"),
        "lender_account_set": lambda _f: _("Your lender changed the account that you can transfer money to"),
        "lender_host_set": lambda _f: _("Your lender changed at which address it is found"),
        "lender_keys_set": lambda _f: _("Your lender changed by which account it is paid"),
        "invited": lambda _f: _("A link for you was made"),
        "invitation_withdrawn": lambda _f: _("A link for you was taken back"),
        "sign_in_refused": lambda _f: _("Somebody tried to sign in as you with a wrong answer, and was not let in"),
        "signed_in": lambda f: (
            _("You came in by a link") if f.text("came_by") == "link" else _("You came in with your reference")
        ),
        "code_sent": lambda f: (
            _("A code was sent to %(to)s", to=f.text("to")) if f.text("to") else _("A code was sent")
        ),
        "code_accepted": lambda _f: _("You gave the code"),
        "code_refused": lambda _f: _("A wrong code was given"),
        "signed_out": lambda _f: _("You signed out"),
        "letter_language_chosen": lambda _f: _("You chose a language for letters"),
        "language_chosen": lambda _f: _("You chose a language"),
        "budget_given": lambda f: (
            _("%(name)s wrote down for you what you live on", name=f.text("helper"))
            if f.text("helper")
            else _("You told us what you live on")
        ),
        "plan_proposed": _proposed,
        "offer_sent_to_person": lambda f: (
            _(
                "%(name)s sent us an offer of %(amount)s for you",
                name=f.text("helper"),
                amount=f.amount("payment"),
            )
            if f.text("helper")
            else _("You sent us an offer of %(amount)s", amount=f.amount("payment"))
        ),
        "quote_made": lambda f: (
            _(
                "%(name)s put a plan together with you, number %(number)s",
                name=f.text("helper"),
                number=f.text("quote"),
            )
            if f.text("helper")
            else _("A plan was put together for you, number %(number)s", number=f.text("quote"))
        ),
        "plan_agreed": _agreed,
        "plan_moved": _plan_moved,
        "plan_changed": lambda _f: _("Your plan was changed"),
        "plan_change_undone": lambda _f: _("A change of your plan was taken back"),
        "another_plan_wanted": lambda _f: _("You wanted another plan in place of yours"),
        "plan_check_opened": lambda _f: _("We asked a person to look at your plan"),
        "plan_check_closed": lambda _f: _("Nobody has to look at that part of your plan any more"),
        "plan_more_time": lambda f: _(
            "You were given more time to make up for what is missing, until %(day)s", day=f.day("until")
        ),
        "waived": lambda f: _("%(amount)s was let off: you don’t owe it any more", amount=f.amount()),
        "waiver_undone": lambda f: _("%(amount)s that was let off is owed again", amount=f.amount()),
        "interest_posted": lambda _f: _("Interest of your plan came due"),
        "payment_started": lambda f: (
            _("A payment of %(amount)s, taken by itself, was prepared", amount=f.amount())
            if f.found.get("by_itself")
            else _("You began a payment of %(amount)s", amount=f.amount())
        ),
        "payment_settled": lambda f: _("Your payment of %(amount)s arrived", amount=f.amount()),
        "payment_not_made": _not_made,
        "payment_set_aside": lambda _f: _("Money came that we could not place by itself; a person looks at it"),
        "payment_placed": lambda f: _("A person found where %(amount)s belongs: to this debt", amount=f.amount()),
        "payment_transferred": lambda f: _("%(amount)s that you paid to your lender arrived", amount=f.amount()),
        "payment_transfer_undone": lambda f: _(
            "Your lender had entered %(amount)s by mistake and took it out again", amount=f.amount()
        ),
        "payment_sent_back_asked": lambda _f: _("A person wants to send money back that nobody could place"),
        "payment_sent_back": lambda _f: _("Money that nobody could place was sent back to whoever paid it"),
        "payment_sent_back_called_off": lambda _f: _("Money that was to be sent back waits again"),
        "bank_file_brought": lambda _f: _("Somebody of your lender brought a file of its bank"),
        "bank_file_confirmed": lambda _f: _("Somebody of your lender said that a file of its bank is right"),
        "bank_file_withdrawn": lambda _f: _("Somebody of your lender withdrew a file of its bank"),
        "bank_file_forgotten": lambda _f: _("A file of your lender’s bank was deleted; what came of it stays"),
        "bank_file_came_in": lambda _f: _("A file of your lender’s bank was entered"),
        "bank_file_undoing": lambda _f: _(
            "Somebody of your lender asked to take back what a file of its bank had done"
        ),
        "bank_file_undone": lambda _f: _("What a file of your lender’s bank had done was taken back"),
        "payment_noted": lambda _f: _("A person noted something about money that waits to be placed"),
        "dispute_opened": lambda _f: _("Your bank asked about a payment"),
        "dispute_moved": _dispute_moved,
        "dispute_took": lambda f: _("Your bank took %(amount)s of a payment back", amount=f.amount()),
        "dispute_gave_back": lambda f: _("Your bank gave %(amount)s to your lender again", amount=f.amount()),
        "refund_asked": lambda f: _("Your lender wants to give %(amount)s back to you", amount=f.amount()),
        "refund_decided": lambda f: (
            _("A second person said yes to giving it back")
            if f.text("after") == "approved"
            else _("It is not given back this way, after all")
        ),
        "refund_sent": lambda f: _("%(amount)s is on its way back to you", amount=f.amount()),
        "refund_refused": lambda f: _("%(amount)s could not be given back to you", amount=f.amount()),
        "refund_limit_set": lambda _f: _("Your lender set how much one person gives back alone"),
        "fees_booked": lambda _f: _("Your lender booked what its payment service costs it"),
        "payout_booked": lambda _f: _("Your lender booked what its payment service paid out to it"),
        "payout_came_back": lambda _f: _("Your lender booked that money paid out to it came back"),
        "records_erased": lambda _f: _("Entries were erased; only their fingerprints are left"),
        "accounts_named": lambda _f: _("Your lender named the accounts of its books"),
        "payment_refunded": lambda f: _("%(amount)s was given back to you", amount=f.amount()),
        "payment_refund_failed": lambda f: _(
            "%(amount)s could not be given back to you, so it counts as paid again", amount=f.amount()
        ),
        "credit_used": lambda f: (
            _("%(amount)s was counted for what you owe", amount=f.amount())
            if f.found.get("placed")
            else _("You used %(amount)s of the money that you had with us", amount=f.amount())
        ),
        "credit_use_undone": lambda f: _(
            "%(amount)s that you had used is owed again, because the payment it came from was given back",
            amount=f.amount(),
        ),
        "autopay_agreed": lambda f: _(
            "You agreed that the payments of your plan %(number)s are taken by themselves", number=f.text("plan")
        ),
        "autopay_card_saved": lambda f: _("Your card ending in %(last4)s pays your plan now", last4=f.text("last4")),
        "autopay_card_changed": lambda f: _(
            "The bank sent new details of your card, which now ends in %(last4)s", last4=f.text("last4")
        ),
        "autopay_card_gone": lambda f: _("Your card ending in %(last4)s is not used any more", last4=f.text("last4")),
        "autopay_noticed": lambda f: _(
            "We wrote that we take %(amount)s on %(day)s", amount=f.amount(), day=f.day("on")
        ),
        "autopay_charging": lambda f: _("We began to take %(amount)s", amount=f.amount()),
        "autopay_declined": lambda _f: _("Your card was declined; no money was taken, and it costs nothing"),
        "autopay_called_off": lambda _f: _("A payment was not taken by itself"),
        "autopay_stopped": lambda f: (
            _(
                "%(name)s stopped the automatic payments of your plan %(number)s for you",
                name=f.text("helper"),
                number=f.text("plan"),
            )
            if f.text("helper")
            else _("Automatic payments of your plan %(number)s stopped", number=f.text("plan"))
        ),
        "points_awarded": lambda _f: _("You got points for a kept payment"),
        "points_taken_back": lambda _f: _("Points were taken back, because the payment went back"),
        "letter_asked": lambda f: (
            _(
                "%(name)s found that something reported of your debt is wrong, and asked for it to be corrected",
                name=f.text("name"),
            )
            if f.text("kind") == "credit-correction"
            else _("You asked for a letter")
        ),
        "letter_issued": _letter,
        "letter_waits_for_person": lambda _f: _("A letter for you is being prepared by a person"),
        "letter_sent_by_hand": lambda _f: _("A person sent you a letter"),
        "message_written": _message,
        "message_not_written": _not_written,
        "message_let_through": lambda _f: _("We checked that we may write to you now"),
        "message_held": lambda _f: _("A message to you waits"),
        "message_sent": lambda _f: _("A message to you was sent"),
        "message_not_sent": lambda _f: _("A message to you was not sent"),
        "message_arrived": lambda _f: _("A message to you arrived"),
        "message_bounced": lambda _f: _("A message to you came back"),
        "messages_chosen": lambda _f: _("You chose which messages you want"),
        "request_opened": lambda f: (
            _("%(name)s asked us something for you, number %(number)s", name=f.text("helper"), number=f.text("request"))
            if f.text("helper")
            else _("You asked us something, number %(number)s", number=f.text("request"))
        ),
        "request_taken": lambda f: _("A person looks at your request %(number)s", number=f.text("request")),
        "request_answered": lambda f: _("Your request %(number)s was answered", number=f.text("request")),
        "request_closed": lambda f: _("Your request %(number)s is closed", number=f.text("request")),
        "request_withdrawn": lambda f: _("You took your request %(number)s back", number=f.text("request")),
        # Why something stops is nobody's business who reads over a shoulder.
        "outage_noted": lambda _f: _("We noted a time in which paying did not work"),
        "hold_started": lambda _f: _("We stopped reminding you for now"),
        "hold_ended": lambda _f: _("What had stopped goes on again"),
        "needs_told": lambda f: (
            _("%(name)s wrote down for you what helps you", name=f.text("helper"))
            if f.text("helper")
            else _("You told us what helps you")
        ),
        "needs_taken_back": lambda _f: _("You took back what you told us helps you"),
        "contact_change_asked": lambda _f: _("A change of your contact was asked for"),
        "contact_change_with_staff": lambda _f: _("A person looks at the change of your contact"),
        "contact_change_ended": lambda _f: _("A change of your contact was not made"),
        "contact_changed": lambda _f: _("Your contact was changed"),
        "contact_change_undone": lambda _f: _("A change of your contact was undone"),
        "contact_said_wrong": lambda _f: _("Somebody said that our message reached the wrong person"),
        "contact_said_wrong_undone": lambda _f: _("It was taken back that our message reached the wrong person"),
        "contact_said_wrong_decided": _contact_decided,
        "device_ended": lambda _f: _("You ended a device’s session"),
        "sessions_ended": lambda _f: _("Your sessions were ended"),
        "passkey_added": lambda _f: _("You added a passkey"),
        "passkey_named": lambda _f: _("You named a passkey"),
        "passkey_removed": lambda _f: _("You removed a passkey"),
        "passkey_refused": lambda _f: _("A passkey was refused"),
        "zone_chosen": lambda _f: _("You chose your time zone"),
        "own_data_taken": lambda _f: _("You took a copy of your data"),
        "package_taken": _package,
    }
)


def what(act: str, facts: Mapping[str, Any]) -> str:
    """Say in plain words what was done."""
    words = WORDS.get(act)
    return words(Facts(facts)) if words else _("Something was noted")


def who(kind: str) -> str:
    """Say who did it."""
    return {
        "debtor": pgettext("who did it", "You"),
        "visitor": _("Somebody who was not signed in"),
        "phone": _("A text message from your number"),
        "stripe": _("Our payment service, Stripe"),
        "provider": _("The service that carries our messages"),
        "portal": _("This site, automatically"),
        "operator": _("A person at your lender"),
        "staff": _("A person at your lender"),
    }.get(kind, _("Somebody else"))

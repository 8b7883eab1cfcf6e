"""What our messages say, in the language in force. Subjects and SMS name no amount and no debt: others see them.

Each function gives the words of one kind of message; `url` is where its one link leads.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from portal.money import Money
from portal.post.compose import Link, Words
from portal.web import formats
from portal.web.languages import gettext as _

# Six digits that stand alone. Chinese leaves no space around them, and a check code or a number has letters or dashes.
_CODE = re.compile(r"(?<![\w#-])\d{6}(?![\w-])", re.ASCII)


def code_in(text: str) -> str | None:
    """Give the one-time code that stands in a text, or None.

    >>> code_in("您的验证码是123456，10 分钟内有效。")
    '123456'
    """
    found = _CODE.search(text)
    return found[0] if found else None


def without_codes(text: str) -> str:
    """Give a text with its codes made unreadable."""
    return _CODE.sub("••••••", text)


def one_time_code(*, lender: str, code: str, offer: str | None = None) -> Words:
    """Give a one-time code; it has no link, because links beside codes are what thieves send.

    `offer` is the number of what the code agrees to: it is said, so that nobody signs by reading a code aloud.
    """
    return Words(
        subject=_("Your code for %(lender)s", lender=lender),
        paragraphs=(
            _("%(code)s is your code to agree to the plan in offer %(offer)s.", code=code, offer=offer)
            if offer
            else _("Your code is %(code)s.", code=code),
            _("It works for 10 minutes. We will never ask you to tell it to anybody."),
            _("If you did not ask for it, you don’t have to do anything."),
        ),
        sms=_(
            "%(lender)s: %(code)s is your code to agree to the plan in offer %(offer)s. It works for 10 minutes. "
            "We will never ask you to tell it to anybody.",
            lender=lender,
            code=code,
            offer=offer,
        )
        if offer
        else _(
            "%(lender)s: your code is %(code)s. It works for 10 minutes. We will never ask you to tell it to anybody.",
            lender=lender,
            code=code,
        ),
    )


def invitation(*, name: str, lender: str, url: str) -> Words:
    """Invite somebody to look at what the lender has on file."""
    return Words(
        subject=_("%(lender)s has something for you to look at", lender=lender),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "%(lender)s uses this site so that you can see where things stand, choose a plan that you can keep, "
                "or tell us that something is wrong. It is free, and there is no account to create.",
                lender=lender,
            ),
            _("The link works for 72 hours and asks for your date of birth. You don’t have to decide anything today."),
        ),
        sms=_("You can see where things stand and tell us what suits you. We ask for your date of birth."),
        link=Link(_("Have a look"), url),
    )


def link_asked_for(*, name: str, lender: str, url: str, to_pay: bool) -> Words:
    """Send a link that somebody asked for on the phone: to sign in, to see a plan, or to pay."""
    if to_pay:
        first = _("as you asked, here is the link to pay. You choose the amount, and type your card only on that page.")
        sms = _("As you asked: the link to pay. We ask for your date of birth.")
    else:
        first = _("as you asked, here is the link to your page: what you owe, your plan, and what you can do.")
        sms = _("As you asked: the link to your page. We ask for your date of birth.")
    return Words(
        subject=_("Your link from %(lender)s", lender=lender),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            first,
            _("The link works for 72 hours and asks for your date of birth. You don’t have to decide anything today."),
            _("If you did not ask for it, you can leave it: nothing happens."),
        ),
        sms=sms,
        link=Link(_("Pay") if to_pay else _("Have a look"), url),
    )


def plan_prepared(*, name: str, helper: str, lender: str, url: str) -> Words:
    """Send the link to a plan that a colleague went through with somebody: only they agree to it; no figures in it."""
    return Words(
        subject=_("Your plan waits for your yes"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "%(helper)s of %(lender)s went through a plan with you, as you had allowed. Here is the link to it. "
                "Please read every date and amount, and agree there with a code that you give to nobody.",
                helper=helper,
                lender=lender,
            ),
            _("Nothing is agreed until you do. The link works for 72 hours and asks for your date of birth."),
            _("Not what you talked about, or you talked to nobody? Leave it, and call us: nothing happens."),
        ),
        sms=_("Your plan waits for your yes. Nothing is agreed until you agree there. We ask for your date of birth."),
        link=Link(_("See your plan"), url),
    )


def done_for_you(*, name: str, helper: str, lender: str, number: str, answer_by: date, url: str) -> Words:
    """Say that a colleague asked something for somebody who agreed to that; not what it was."""
    return Words(
        subject=_("%(helper)s asked something for you", helper=helper),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "%(helper)s of %(lender)s asked something for you, as you had agreed. Its number is %(number)s. "
                "You get an answer by %(day)s.",
                helper=helper,
                lender=lender,
                number=number,
                day=formats.day(answer_by),
            ),
            _("If you did not agree to that, take it back on its page, or call us."),
        ),
        sms=_(
            "%(helper)s asked something for you, number %(number)s. Not agreed? Take it back or call us.",
            helper=helper,
            number=number,
        ),
        link=Link(_("Have a look"), url),
    )


def agreement(*, name: str, plan: str, first_on: date, first: Money, url: str) -> Words:
    """Say that a plan is agreed, and when it begins."""
    return Words(
        subject=_("Your plan is agreed"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("Your plan %(plan)s is agreed. As long as you keep to it, so do we.", plan=plan),
            _("The first payment is %(amount)s on %(day)s.", amount=formats.money(first), day=formats.day(first_on)),
            _("Your agreement with every date is among your letters. If something changes for you, tell us early."),
        ),
        sms=_("Your plan is agreed. Your agreement with every date is among your letters."),
        link=Link(_("See your plan"), url),
    )


def payment_received(*, name: str, amount: Money, left: Money, url: str, taken: bool = False) -> Words:
    """Say that money has come; `taken` is what was taken from a saved card."""
    return Words(
        subject=_("Thank you, your payment has arrived"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("As agreed, we took %(amount)s. Thank you.", amount=formats.money(amount))
            if taken
            else _("Your payment of %(amount)s has arrived. Thank you.", amount=formats.money(amount)),
            _("%(amount)s is left.", amount=formats.money(left)) if left else _("Nothing is left to pay here."),
            _("The receipt is among your letters."),
        ),
        sms=_("Thank you, your payment has arrived. The receipt is among your letters."),
        link=Link(_("See your receipt"), url),
    )


def payment_on_its_way(*, name: str, amount: Money, by: date | None, url: str) -> Words:
    """Say that a payment was sent and takes days, so that nobody pays it twice."""
    return Words(
        subject=_("Your payment is on its way"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your payment of %(amount)s was sent. Your bank usually answers by %(day)s.",
                amount=formats.money(amount),
                day=formats.day(by),
            )
            if by is not None
            else _("Your payment of %(amount)s was sent. It takes some days.", amount=formats.money(amount)),
            _("It counts from the day on which you sent it. There is nothing to do, and please don’t pay it again."),
        ),
        sms=_("Your payment was sent and takes some days. It counts from today. Please don’t pay it again."),
        link=Link(_("See how it stands"), url),
    )


def voucher_made(*, name: str, amount: Money, until: date, url: str) -> Words:
    """Say until when a voucher can be paid, and where it is."""
    return Words(
        subject=_("Your voucher can be paid until %(day)s", day=formats.day(until)),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your voucher of %(amount)s can be paid until %(day)s. You find it on the page below.",
                amount=formats.money(amount),
                day=formats.day(until),
            ),
            _("It counts on the day on which you pay it at the shop or bank. We hear of it some days later."),
            _("If you pay in another way meanwhile, leave the voucher: it ends by itself and costs nothing."),
        ),
        sms=_("Your voucher can be paid until %(day)s. It counts on the day you pay it.", day=formats.short_day(until)),
        link=Link(_("See your voucher"), url),
    )


def voucher_ran_out(*, name: str, amount: Money, url: str) -> Words:
    """Say that a voucher can't be paid any more; that is a fact and no reproach."""
    return Words(
        subject=_("Your voucher has ended"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your voucher of %(amount)s was not paid in time, so it has ended. Nothing was taken.",
                amount=formats.money(amount),
            ),
            _("You can make a new one, or pay another way. If you did pay it, tell us: we look for the money."),
            _("If paying is difficult just now, tell us. We can look for another way together."),
        ),
        sms=_("Your voucher was not paid in time and has ended. You can make a new one, or tell us."),
        link=Link(_("See what you can do"), url),
    )


def payment_failed(*, name: str, amount: Money, url: str) -> Words:
    """Say that a payment did not go through; that is a fact and no reproach."""
    return Words(
        subject=_("Your payment did not go through"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your payment of %(amount)s did not go through, so no money has left your account.",
                amount=formats.money(amount),
            ),
            _("This happens. You can try again, with another card if you like."),
            _("If paying is difficult just now, tell us. We can look for another way together."),
        ),
        sms=_("Your payment did not go through; no money was taken. You can try again, or tell us."),
        link=Link(_("See what you can do"), url),
    )


def autopay_on(*, name: str, card: str, first: tuple[date, Money] | None, url: str) -> Words:
    """Say that the payments of a plan are taken from a card from now on, what comes first, and how to stop it."""
    return Words(
        subject=_("Automatic payments are on"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("The payments of your plan are now taken on their days from %(card)s.", card=card),
            _("The first is %(amount)s on %(day)s.", amount=formats.money(first[1]), day=formats.day(first[0]))
            if first
            else _("There is nothing to take at the moment."),
            _("Before each one you hear from us. You can stop it at any time, in two taps, on the page of your plan."),
            _("If that was not you, stop it there now, and tell us."),
        ),
        sms=_("The payments of your plan are now taken by themselves. You can stop it any time. Not you? Tell us."),
        link=Link(_("See or stop it"), url),
    )


def autopay_notice(*, name: str, amount: Money, on: date, card: str, url: str) -> Words:
    """Give notice of what will be taken from a card: how much, when, which card, and how to stop or move it."""
    return Words(
        subject=_("On %(day)s a payment is taken by itself", day=formats.day(on)),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "On %(day)s, from ten in the morning, we take %(amount)s from %(card)s.",
                day=formats.day(on),
                amount=formats.money(amount),
                card=card,
            ),
            _("If you pay some of it before that day, we take only what is left."),
            _("It does not suit you? Until then you can stop it or move the payment, on the page of your plan."),
        ),
        sms=_("On %(day)s a payment of your plan is taken by itself.", day=formats.short_day(on)),
        link=Link(_("See, move or stop it"), url),
    )


def autopay_again(*, name: str, amount: Money, on: date, card: str, url: str) -> Words:
    """Say that a card was declined for now, and on which day it is tried once more."""
    return Words(
        subject=_("Your bank said no for now; we try again on %(day)s", day=formats.day(on)),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your bank did not let us take %(amount)s from %(card)s.",
                amount=formats.money(amount),
                card=card,
            ),
            _("We try once more on %(day)s, from ten in the morning. It costs you nothing.", day=formats.day(on)),
            _(
                "You can pay it yourself before that, stop it, or use another card or account. If money is short, tell "
                "us."
            ),
        ),
        sms=_(
            "Your bank said no for now. We try again on %(day)s. You can pay or stop it before.",
            day=formats.short_day(on),
        ),
        link=Link(_("See what you can do"), url),
    )


def autopay_second_step(*, name: str, amount: Money, card: str, url: str) -> Words:
    """Say that the bank wants to hear from its customer, and where that is done."""
    return Words(
        subject=_("Your bank asks you to confirm a payment"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your bank wants to hear from you before it pays %(amount)s from your card: %(card)s.",
                amount=formats.money(amount),
                card=card,
            ),
            _("Please make this payment yourself: the page of our payment service asks your bank. It takes a minute."),
            _("We do not try this payment again by ourselves. It costs you nothing."),
        ),
        sms=_("Your bank asks you to confirm a payment of your plan. Please make it yourself; it takes a minute."),
        link=Link(_("Make the payment"), url),
    )


def autopay_refused(*, name: str, amount: Money, card: str, another: bool, url: str) -> Words:
    """Say that a payment could not be taken and is not tried again; `another`: this card can't be used any more."""
    return Words(
        subject=_("A payment could not be taken"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your bank did not let us take %(amount)s from %(card)s.",
                amount=formats.money(amount),
                card=card,
            ),
            _("It can’t be used any more, so nothing is taken until you choose another card or account.")
            if another
            else _("We do not try this payment again by ourselves. The next ones are taken as agreed."),
            _("You can pay it yourself. It costs you nothing. If paying is difficult just now, tell us."),
        ),
        sms=_("A payment could not be taken. See what you can do."),
        link=Link(_("See what you can do"), url),
    )


def autopay_not_taken(*, name: str, due_on: date, url: str) -> Words:
    """Say that a payment of which notice was given is not taken by itself after all."""
    return Words(
        subject=_("We do not take your payment of %(day)s by ourselves", day=formats.day(due_on)),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("We wrote that we take your payment of %(day)s. We do not.", day=formats.day(due_on)),
            _("Either something stood in the way on that day, or what is due has changed. You see it on your page."),
            _("If it is still due, you can pay it yourself there."),
        ),
        sms=_("A payment that we announced is not taken. See what you can do."),
        link=Link(_("See your plan"), url),
    )


def autopay_stopped(*, name: str, plan: str, on_its_way: Money | None, url: str) -> Words:
    """Say that nothing more is taken from a card for a plan, and what happens to what is on its way."""
    return Words(
        subject=_("Automatic payments are stopped"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("Nothing more is taken by itself for your plan %(plan)s.", plan=plan),
            *(
                (
                    _(
                        "%(amount)s was on its way already. If it arrives, it counts as paid.",
                        amount=formats.money(on_its_way),
                    ),
                )
                if on_its_way
                else ()
            ),
            _("Your plan goes on. Please pay its next payments yourself; we remind you before each."),
        ),
        sms=_("Automatic payments are stopped. Your plan goes on; please pay its next payments yourself."),
        link=Link(_("See your plan"), url),
    )


def _about_money(subject: str, *said: str, name: str, sms: str, url: str) -> Words:
    return Words(
        subject=subject,
        paragraphs=(_("Hello %(name)s,", name=name), *said),
        sms=sms,
        link=Link(_("See how things stand"), url),
    )


def money_given_back(*, name: str, amount: Money, url: str) -> Words:
    """Say that money was given back, and what that does."""
    return _about_money(
        _("Money was given back to you"),
        _("%(amount)s of what you paid was given back to you.", amount=formats.money(amount)),
        _("It goes to the card or account from which it came, often within ten days."),
        _("What you owe and your plan have changed by as much. You can see both on your page."),
        name=name,
        sms=_("Money was given back to you. Your page shows what it changes."),
        url=url,
    )


def money_came_back(*, name: str, amount: Money, url: str) -> Words:
    """Say that a refund did not arrive, so that the payment counts again."""
    return _about_money(
        _("Money could not be given back to you"),
        _("%(amount)s that we gave back did not arrive, so your lender has it again.", amount=formats.money(amount)),
        _("It counts as paid, as before. If you should have got it, tell us: we look for another way."),
        name=name,
        sms=_("Money that we gave back did not arrive and counts as paid again. If that is not right, tell us."),
        url=url,
    )


def money_placed(*, name: str, amount: Money, url: str) -> Words:
    """Say that money which waited was found to be for a debt."""
    return _about_money(
        _("We found where your money belongs"),
        _("%(amount)s that had waited counts for your debt now.", amount=formats.money(amount)),
        _("If that is not right, tell us, and a person looks at it."),
        name=name,
        sms=_("Money of yours that had waited counts for your debt now. Your page shows it."),
        url=url,
    )


def transfer_undone(*, name: str, amount: Money, url: str) -> Words:
    """Say that the lender had entered money by mistake and took it out again."""
    return _about_money(
        _("A payment was entered by mistake"),
        _("Your lender had entered %(amount)s as paid by you. That was a mistake, and it was taken out again.",
          amount=formats.money(amount)),
        _("If you did send this money, tell us, and a person looks for it. It is not lost."),
        name=name,
        sms=_("A payment was entered by mistake and taken out again. If you did send it, tell us."),
        url=url,
    )  # fmt: skip


def bank_took_back(*, name: str, amount: Money, url: str) -> Words:
    """Say what a dispute at the bank means for now; it is somebody's good right, and no reproach."""
    return _about_money(
        _("Your bank took a payment back"),
        _("Your bank took %(amount)s of a payment back and is looking into it.", amount=formats.money(amount)),
        _("Until it has decided, that money does not count as paid. If the payment was yours, your bank can tell you "
          "how to say so."),
        _("If it was not yours, there is nothing to do: tell us, and we look into it too."),
        name=name,
        sms=_("Your bank took a payment back and is looking into it. Your page shows what it means for now."),
        url=url,
    )  # fmt: skip


def bank_gave_back(*, name: str, amount: Money, url: str) -> Words:
    """Say that the payment counts again."""
    return _about_money(
        _("Your payment counts again"),
        _("Your bank has decided about %(amount)s: your lender has it, and it counts as paid.",
          amount=formats.money(amount)),
        _("There is nothing to do."),
        name=name,
        sms=_("Your bank has decided: your payment counts again. There is nothing to do."),
        url=url,
    )  # fmt: skip


def bank_keeps(*, name: str, amount: Money, url: str) -> Words:
    """Say that the money is with the person again, and that what it had paid is owed."""
    return _about_money(
        _("Your bank gave you a payment back"),
        _("Your bank has decided about %(amount)s: you have it back, and it does not count as paid.",
          amount=formats.money(amount)),
        _("Your page shows what you owe now. If your plan does not fit any more, tell us: we look for another way."),
        name=name,
        sms=_("Your bank gave you a payment back, so it does not count as paid. Your page shows how things stand."),
        url=url,
    )  # fmt: skip


def debit_returned(*, name: str, amount: Money, url: str) -> Words:
    """Say that a debit came back from the bank after all; that is a fact and no reproach."""
    return _about_money(
        _("Your bank did not pay after all"),
        _("We had counted %(amount)s as paid. Your bank has sent the debit back, so it does not count any more.",
          amount=formats.money(amount)),
        _("This happens. You can pay another way, or on another day."),
        _("If paying is difficult just now, tell us. We can look for another way together."),
        name=name,
        sms=_("Your bank sent a payment back, so it does not count. You can pay another way, or tell us."),
        url=url,
    )  # fmt: skip


def reminder(*, name: str, amount: Money, due_on: date, url: str) -> Words:
    """Remind of a payment that is due in some days."""
    return Words(
        subject=_("Your next payment is on %(day)s", day=formats.day(due_on)),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("Your next payment of %(amount)s is on %(day)s.", amount=formats.money(amount), day=formats.day(due_on)),
            _("If you have paid in the meantime, there is nothing to do."),
            _("If it does not suit you this time, tell us before that day. We can look for another way together."),
        ),
        sms=_("Your next date is %(day)s. If it does not suit you, tell us.", day=formats.short_day(due_on)),
        link=Link(_("See your plan"), url),
    )


def missed(*, name: str, amount: Money, due_on: date, url: str) -> Words:
    """Say kindly, and once, that a payment has not come."""
    return Words(
        subject=_("About %(day)s: how are you?", day=formats.day(due_on)),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "We have not seen your payment of %(amount)s, which was planned for %(day)s.",
                amount=formats.money(amount),
                day=formats.day(due_on),
            ),
            _("It can happen to anybody. You can pay it now, move things, or tell us that you can’t."),
            _("If it is on its way already, thank you; there is nothing to do. We will not write about it again."),
        ),
        sms=_("Something did not come as planned. It can happen to anybody. See what you can do, or talk to us."),
        link=Link(_("See what you can do"), url),
    )


def amount_changed(*, name: str, url: str) -> Words:
    """Say that a lender's file changed what is owed under a plan, and that the plan is as it was."""
    return Words(
        subject=_("What you owe has changed"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("Your lender sent us a new figure for what you owe. Your plan stays as it was agreed."),
            _("On the page of your plan you see what is different. If you think that it is wrong, tell us."),
        ),
        sms=_("Your lender sent us a new figure. Your plan stays as it was agreed. If you think it is wrong, tell us."),
        link=Link(_("See your plan"), url),
    )


def plan_taken_back(*, name: str, plan: str, url: str) -> Words:
    """Say that a plan ended because the lender took the debt back, and that what was paid stays."""
    return Words(
        subject=_("Your plan has ended"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Your lender took this debt back, so your plan %(plan)s has ended. Please pay nothing more here.",
                plan=plan,
            ),
            _("What you paid stays yours in any case: it is always taken off what you owe."),
            _("Your lender can tell you how it goes on. If you have questions, you can ask us too."),
        ),
        sms=_("Your lender took this back, so your plan has ended here. What you paid stays yours. You can ask us."),
        link=Link(_("See your plan"), url),
    )


def plan_ended(*, name: str, plan: str, url: str) -> Words:
    """Say that a plan has ended after its payments were missing for long, what stays, and what is possible now."""
    return Words(
        subject=_("Your plan has ended"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("Your plan %(plan)s has ended, because payments were missing for a longer time.", plan=plan),
            _("What you paid stays yours in any case: it is always taken off what you owe."),
            _("It can happen to anybody. You can ask for another plan that fits better, or talk to a person."),
        ),
        sms=_("Your plan has ended. What you paid stays yours. You can ask for another plan, or talk to us."),
        link=Link(_("See what you can do"), url),
    )


def plan_more_time(*, name: str, until: date, url: str) -> Words:
    """Say until when somebody can make up for what is missing of a plan, after a person looked at it."""
    return Words(
        subject=_("You have more time"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "A person looked at your plan. You can make up for what is missing until %(day)s, and it goes on as "
                "before.",
                day=formats.day(until),
            ),
            _("If that does not suit you, tell us. We can look for another way together."),
        ),
        sms=_("You have more time for your plan, until %(day)s. See what you can do.", day=formats.short_day(until)),
        link=Link(_("See your plan"), url),
    )


def request_received(*, name: str, number: str, answer_by: date | None, url: str) -> Words:
    """Say that a request has come and has a number."""
    until = (_("You hear from us by %(day)s.", day=formats.day(answer_by)),) if answer_by else ()
    return Words(
        subject=_("We have your request %(number)s", number=number),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("We have what you told us. Its number is %(number)s.", number=number),
            *until,
            _("You can see what happens with it, and add to it, at any time."),
        ),
        sms=_("We have your request %(number)s and will answer it.", number=number),
        link=Link(_("See your request"), url),
    )


def request_answered(*, name: str, number: str, url: str) -> Words:
    """Say that a request has an answer; the answer itself is read after signing in."""
    return Words(
        subject=_("There is an answer to your request %(number)s", number=number),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("There is an answer to your request %(number)s.", number=number),
            _("If it does not help, you can say so on the same page."),
        ),
        sms=_("There is an answer to your request %(number)s.", number=number),
        link=Link(_("Read the answer"), url),
    )


def contact_changed(*, name: str, url: str) -> Words:
    """Say that how we reach somebody has changed; it goes to the old contact and the new one."""
    return Words(
        subject=_("How we reach you has changed"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _("A phone number or e-mail address of yours was changed with us."),
            _("If that was you, there is nothing to do. If it was not, tell us now, and we will stop it."),
        ),
        sms=_("A phone number or e-mail address of yours was changed with us. If that was not you, tell us now."),
        link=Link(_("See what we have on file"), url),
    )


def new_device(*, name: str, at: datetime, zone: str, url: str) -> Words:
    """Say that somebody signed in on a device that we had not seen."""
    return Words(
        subject=_("You signed in on a new device"),
        paragraphs=(
            _("Hello %(name)s,", name=name),
            _(
                "Somebody signed in as you on a device that we had not seen before: %(when)s.",
                when=formats.instant(at, zone),
            ),
            _("If that was you, there is nothing to do. If it was not, sign that device out and tell us."),
        ),
        sms=_("Somebody signed in as you on a new device. If that was not you, sign it out and tell us."),
        link=Link(_("See your devices"), url),
    )

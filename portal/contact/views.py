"""Pages about messages: the outbox of a demo, what a person chooses, the stop link that needs no signing in."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.contact import choices
from portal.contact.choices import Wish
from portal.contact.facts import wish_of
from portal.contact.forms import MessagesForm
from portal.db import session, transaction
from portal.lenders.models import Lender
from portal.people.permissions import me, needs_debtor
from portal.people.sign_in import masked
from portal.post.kinds import Group, kind_of
from portal.post.models import Message
from portal.post.outbox import link_behind, newest
from portal.post.segments import segments
from portal.post.words import code_in
from portal.web.languages import gettext as _
from portal.web.languages import tag
from portal.web.security import demo_only, open_page, signed_by_sender

post = Blueprint("post", __name__)
ANY = "any"


def state_words(state: str) -> str:
    """Give the state of a message in words."""
    return {
        "waiting": _("waiting"),
        "held": _("held"),
        "sending": _("on its way"),
        "sent": _("sent"),
        "delivered": _("delivered"),
        "bounced": _("came back"),
        "failed": _("not sent"),
        "suppressed": _("not sent"),
    }[state]


def reason_words(reason: str | None) -> str:
    """Give in words why a message is where it is; nothing if there is nothing to say."""
    known = {
        "quiet_hours": _("It waits for the morning: we don’t write at night."),
        "own_quiet_time": _("It waits until your own quiet time is over."),
        "no_open_hour": _("It is never day in all the places where you may be."),
        "opted_out": _("These messages are switched off."),
        "on_hold": _("While something is being looked into, we don’t ask for anything."),
        "bounced_before": _("An earlier message to this address came back."),
        "contact_removed": _("This address is no longer on file."),
        "no_longer_true": _("It was no longer needed."),
        "too_late": _("It would have come too late to be of use."),
        "nobody_there": _("There is nobody at this address."),
        "outcome_unknown": _("The line broke; it may have arrived. We don’t send it twice."),
        "provider_not_now": _("It could not be sent just now and will be tried again."),
        "tries_used_up": _("It could not be sent, although we tried for a day."),
        "refused": _("It was refused on the way."),
        "not_arrived": _("It did not arrive."),
        "no_channel": _("Nobody is set up to send it."),
    }
    unknown = _("Something that we must know before we write is missing.")
    return " ".join(known.get(each, unknown) for each in (reason or "").split())


@post.get("/outbox")
@demo_only
def outbox() -> ResponseReturnValue:
    """Show the newest messages, as a page or as JSON; in demo mode only."""
    if not current_app.config["DEMO"]:
        return render_template("errors/404.html"), 404
    channel = request.args.get("channel")
    channel = channel if channel in choices.CHANNELS else None
    messages = newest(channel=channel)
    if request.args.get("format") == "json":
        return [_as_json(message) for message in messages]
    return render_template("post/outbox.html", messages=[_as_shown(message) for message in messages], channel=channel)


def _as_json(message: Message) -> dict[str, object]:
    return {
        "at": message.written_at.isoformat(),
        "channel": message.channel,
        "to": message.address,
        "kind": message.kind,
        "subject": message.subject,
        "body": message.body,
        "html": message.html,
        "language": message.language,
        "state": message.state,
        "reason": message.reason,
        "held_until": message.held_until.isoformat() if message.held_until else None,
        "left_at": message.left_at.isoformat() if message.left_at else None,
        "check_code": message.check_code,
        "segments": segments(message.body) if message.channel == "sms" else None,
    }


def _as_shown(message: Message) -> dict[str, object]:
    return {
        "to": message.address,
        "channel": message.channel,
        "subject": message.subject,
        "body": message.body,
        "html": message.html,
        "sent_at": message.written_at,
        "state": message.state,
        "state_words": state_words(message.state),
        "reason": reason_words(message.reason),
        "held_until": message.held_until if message.state == "held" else None,
        "segments": segments(message.body) if message.channel == "sms" else None,
        "code": code_in(message.body) if kind_of(message.kind).group is Group.CODE else None,
    }


@post.route("/you/messages", methods=["GET", "POST"])
@needs_debtor
def preferences() -> ResponseReturnValue:
    """Let a person choose which messages come, where and when, and see what was written lately."""
    person = me()
    points = choices.points_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    on = choices.choices_of(lender_id=person.lender_id, debtor_id=person.debtor_id)
    wish = choices.kept(wish_of(lender_id=person.lender_id, debtor_id=person.debtor_id))
    by_name = {point.id.hex: (point.channel, point.address) for point, _bounced in points}
    chosen = next((name for name, contact in by_name.items() if contact == wish.contact), ANY)
    form = MessagesForm()
    form.offer_times()
    form.contact.choices = [
        (ANY, _("Either: e-mail if we have it, otherwise SMS")),
        *((point.id.hex, masked(point.address)) for point, _bounced in points),
    ]
    if form.validate_on_submit():
        wanted = {
            (channel, group): bool(form[f"{channel}_{group.value}"].data)
            for channel in {point.channel for point, _bounced in points}
            for group in choices.CHOOSABLE
        }
        with transaction():
            choices.choose(
                lender_id=person.lender_id, debtor_id=person.debtor_id, wanted=wanted, how="page", by=person.actor
            )
            choices.wish(
                lender_id=person.lender_id,
                debtor_id=person.debtor_id,
                wanted=Wish(by_name.get(form.contact.data), form.quiet()),
                by=person.actor,
            )
        flash(_("Saved. This is how we write to you from now on."), "success")
        return redirect(url_for("post.preferences"), 303)
    if request.method == "GET":
        for (channel, group), allowed in on.items():
            form[f"{channel}_{group.value}"].data = allowed
        form.show(wish, chosen=chosen)
    lately = choices.messages_to(lender_id=person.lender_id, debtor_id=person.debtor_id)
    return render_template(
        "post/preferences.html",
        form=form,
        channels=[each for each in choices.CHANNELS if each in {point.channel for point, _bounced in points}],
        bounced=[masked(point.address) for point, bounced in points if bounced],
        messages=[_told(message) for message in lately],
    ), 422 if form.errors else 200


def _told(message: Message) -> dict[str, object]:
    return {
        "at": message.written_at,
        # A code is nobody's business a day later, and its subject says what it was.
        "subject": message.subject,
        "language": tag(message.language),
        "to": masked(message.address),
        "state": state_words(message.state),
        "reason": reason_words(message.reason),
    }


@post.route("/stop/<token>", methods=["GET", "POST"])
@open_page
def stop(token: str) -> ResponseReturnValue:
    """Ask once whether to stop messages to an address, then do it; without signing in, and it can be taken back."""
    link = link_behind(token)
    if link is None:
        return render_template("post/stop_unknown.html"), 404
    lender = session.get_one(Lender, link.lender_id)
    if request.method == "POST":
        undo = "undo" in request.form
        with transaction():
            (choices.start if undo else choices.stop)(link, how="link")
        return redirect(url_for("post.stop", token=token), 303)
    return render_template(
        "post/stop.html",
        channel=link.channel,
        address=masked(link.address),
        from_name=lender.name,
        stopped=choices.is_stopped(link),
        can_undo=choices.can_start(link),
    )


@post.post("/stop/<token>/one-click")
@signed_by_sender
def stop_by_one_click(token: str) -> ResponseReturnValue:
    """Stop as a mail program does by one click of its own (RFC 8058): no page, no question, no cookie."""
    link = link_behind(token)
    if link is None:
        return "", 404
    if request.form.get("List-Unsubscribe") != "One-Click":
        return "", 400
    with transaction():
        choices.stop(link, how="one click")
    return "", 200

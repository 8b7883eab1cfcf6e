"""You: language, contacts, messages, passkeys, devices, time zone, one's own data; staying signed in, and out."""

from __future__ import annotations

import json
import uuid

from flask import Blueprint, Response, abort, current_app, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import logout_user

from portal import clock
from portal.autopay import reading as autopay
from portal.autopay.states import Auto
from portal.db import transaction
from portal.people import contacts, devices, passkeys, sign_in
from portal.people.permissions import load, me, needs_code, needs_debtor, touch
from portal.people.views import onward, passkey_site
from portal.web.formats import clock_time
from portal.web.languages import gettext as _
from portal.web.languages import page_language
from portal.you import my_data, zones
from portal.you.forms import PlaceForm, ZoneForm

you = Blueprint("you", __name__)


def mine() -> dict[str, uuid.UUID]:
    """Give lender and person, as acts want them."""
    person = me()
    return {"lender_id": person.lender_id, "debtor_id": person.debtor_id}


@you.get("/you", endpoint="you")
@needs_debtor
def you_page() -> ResponseReturnValue:
    """Show the few things that are one's own to set, each with how it stands."""
    person = me()
    return render_template(
        "you/you.html",
        name=person.name,
        contacts=[sign_in.masked(contact.address) for contact in contacts.live(**mine())],
        passkeys=len(passkeys.of(**mine())),
        passkeys_here=passkey_site(lender_name=person.lender.name) is not None,
        devices=len(devices.of(**mine(), this=person.session_id)),
        automatic=sum(one.state is not Auto.ASKED for one in autopay.of_person(**mine())),
        zone=zones.of(person.zone, language=page_language()),
        now=clock.now(),
        messages_url=url_for("post.preferences") if "post.preferences" in current_app.view_functions else None,
    )


@you.route("/you/stay", methods=["POST"])
@needs_debtor
def stay() -> ResponseReturnValue:
    """Stay signed in for another while; a script is told until when, and a page leads back."""
    person = me()
    touch(person.lender_id, person.session_id)
    fresh = load(person.get_id())
    until = fresh.idle_until if fresh else person.idle_until
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        return {"until": until.isoformat(), "words": clock_time(until, person.zone)}
    flash(_("You stay signed in until %(time)s.", time=clock_time(until, person.zone)), "success")
    cookie["back"] = request.form.get("next", "")
    return redirect(onward("back", otherwise=url_for("you.you")), 303)


@you.get("/you/devices", endpoint="devices")
@needs_debtor
def devices_page() -> ResponseReturnValue:
    """Show where one is signed in."""
    return render_template("you/devices.html", devices=devices.of(**mine(), this=me().session_id))


@you.post("/you/devices/<uuid:device_id>/end")
@needs_debtor
def end_device(device_id: uuid.UUID) -> ResponseReturnValue:
    """Sign out one device; this one too."""
    person = me()
    with transaction():
        ended = devices.end(**mine(), session_id=device_id, by=person.actor)
    if not ended:
        abort(404)
    if device_id == person.session_id:
        return _out()
    flash(_("That device is signed out."), "success")
    return redirect(url_for("you.devices"), 303)


@you.post("/you/devices/end-others")
@needs_debtor
def end_others() -> ResponseReturnValue:
    """Sign out every device but this one."""
    person = me()
    with transaction():
        devices.end_all(**mine(), by=person.actor, why="asked", but=person.session_id)
    flash(_("All other devices are signed out."), "success")
    return redirect(url_for("you.devices"), 303)


@you.post("/you/devices/end-all")
@needs_debtor
def end_all() -> ResponseReturnValue:
    """Sign out everywhere."""
    person = me()
    with transaction():
        devices.end_all(**mine(), by=person.actor, why="asked")
    return _out()


def _out() -> ResponseReturnValue:
    language = cookie.get("language")
    logout_user()
    cookie.clear()
    if language:
        cookie["language"] = language
    return redirect(url_for("people.signed_out"), 303)


@you.route("/you/time-zone", methods=["GET", "POST"])
@needs_debtor
def time_zone() -> ResponseReturnValue:
    """Say where one lives, so that days and times are one's own; first the place, then which of those found."""
    person, language = me(), page_language()
    place, pick = PlaceForm(), ZoneForm()
    found: tuple[zones.Zone, ...] = ()
    if request.method == "POST" and "zone" in request.form:
        known = {zone.name for zone in zones.every(language)}
        if pick.zone.data in known:
            wanted = str(pick.zone.data)
            with transaction():
                sign_in.keep_zone(**mine(), zone=wanted)
            flash(_("Your time zone is now %(place)s.", place=zones.of(wanted, language=language).city), "success")
            return redirect(url_for("you.you"), 303)
        pick.zone.errors = [_("Choose one of the places.")]
    elif place.validate_on_submit():
        found = zones.find(place.place.data or "", language=language)
        if not found:
            place.place.errors = [
                _("We can’t find this place. Try the nearest large city, or the name of the country in English.")
            ]
    pick.zone.choices = [(zone.name, _named(zone)) for zone in found]
    pick.zone.data = found[0].name if len(found) == 1 else None
    return render_template(
        "you/time_zone.html",
        form=place,
        pick=pick,
        found=found,
        zone=zones.of(person.zone, language=language),
        now=clock.now(),
    ), 422 if place.errors or pick.zone.errors else 200


def _named(zone: zones.Zone) -> str:
    place = f"{zone.city}, {zone.country}" if zone.country and zone.country != zone.city else zone.city
    return _("%(place)s – now %(time)s", place=place, time=clock_time(clock.now(), zone.name))


def table_words(table: str) -> str:
    """Say what a table holds."""
    return _all_tables().get(table) or _("Other records: %(name)s", name=table.replace("_", " "))


def _all_tables() -> dict[str, str]:
    """Give the words for each table, in the order in which somebody reads them: first who one is, then what is owed."""
    return {
        "debtor": _("Who you are: name, date of birth, language, time zone"),
        "contact_point": _("Phone numbers and e-mail addresses"),
        "contact_change": _("Changes of phone numbers and e-mail addresses"),
        "debt": _("Your debts, as your lender told us"),
        "book": _("What is owed on each debt"),
        "transfer": _("Each change of what is owed"),
        "proposal": _("What you said you can pay"),
        "quote": _("Plans that were offered to you"),
        "plan": _("Plans you agreed to"),
        "plan_item": _("The payments of your plans"),
        "plan_change": _("Changes of your plans"),
        "payment": _("Payments you made or began"),
        "points_entry": _("Points"),
        "autopay": _("For which plans payments are taken by themselves, and what you agreed to"),
        "autopay_charge": _("What is taken or was taken by itself"),
        "saved_card": _("Cards that our payment service keeps for you, without their numbers"),
        "payer": _("Your number at our payment service"),
        "payment_part": _("Which debt each payment went to"),
        "bank_entry": _("What your lender’s bank listed and that was found to be yours"),
        "transfer_reference": _("References for your bank transfers"),
        "credit_use": _("What you paid too much and used for a debt"),
        "refund": _("Money that was to go back to you"),
        "dispute": _("Payments that your bank asked about"),
        "letter": _("Letters; the files are on the page Letters"),
        "letter_by_hand": _("Letters that a person sends you"),
        "message": _("Messages that we wrote to you"),
        "stop_link": _("Links by which you can stop messages"),
        "contact_choice": _("Which messages you want"),
        "contact_wish": _("Where and when you would rather hear from us"),
        "care_request": _("What you asked us or told us"),
        "care_hold": _("Times in which we stop asking you"),
        "need": _("What you said helps you"),
        "person_note": _("Notes that people of your lender wrote about you"),
        "person_call": _("Calls that people of your lender wrote down"),
        "consent": _("When you let somebody of your lender act for you"),
        "offer_decision": _("Which offers people of your lender decided on"),
        "found_by": _("Keys by which your lender finds you: made of your name and your addresses"),
        "invitation": _("Links that were made for you"),
        "one_time_code": _("When codes were sent, without the codes"),
        "user_session": _("When you signed in, and with which kind of browser"),
        "passkey": _("Passkeys: their names and when they were used"),
        "kept_form": _("What you typed when the time was up, kept for a day"),
        "wrong_person": _("When somebody said that a link was not for them"),
        "evidence_record": _("What was done, when and by whom"),
    }


@you.get("/you/data")
@needs_code
def data() -> ResponseReturnValue:
    """Say in plain words what is held, and offer all of it as a file."""
    place = {table: number for number, table in enumerate(_all_tables())}
    everything = sorted(my_data.held(**mine()), key=lambda one: place.get(one.table, len(place)))
    return render_template(
        "you/data.html", held=[(table_words(one.table), len(one.rows)) for one in everything], form=None
    )


@you.get("/you/data.json", defaults={"form": "json"})
@you.get("/you/data.csv", defaults={"form": "csv"})
@needs_code
def data_file(form: str) -> ResponseReturnValue:
    """Give everything that is held about the person, as a file."""
    with transaction():
        everything = my_data.take(**mine(), form=form, by=me().actor)
    if form == "json":
        text, kind = json.dumps(everything, ensure_ascii=False, indent=1, default=str), "application/json"
    else:
        text, kind = "".join(my_data.as_csv(everything)), "text/csv; charset=utf-8"
    return Response(text, content_type=kind, headers={"Content-Disposition": f'attachment; filename="my-data.{form}"'})

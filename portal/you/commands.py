"""`flask contact`: what a person of the lender decides about contacts."""

from __future__ import annotations

import click
from flask import current_app

from portal.db import transaction
from portal.people import contacts, wrong_person
from portal.people.contacts import Changed, ChangeOver, NotConfirmed
from portal.people.sign_in import masked
from portal.web.spreadsheet import csv_text


@click.group("contact")
def contact_group() -> None:
    """Contacts of debtors that wait for a person."""


@contact_group.command("list")
def list_command() -> None:
    """List what waits for a person, as CSV; addresses are masked."""
    changes = [
        (
            change.number,
            change.kind,
            masked(change.address or ""),
            "yes" if change.new_given_at else "no",
            change.created_at.isoformat(),
        )
        for change in contacts.waiting_for_staff()
    ]
    wrong = [
        (said.number, "wrong person", "", "", said.said_at.isoformat()) for said in wrong_person.waiting_for_staff()
    ]
    click.echo(csv_text(("number", "what", "address", "confirmed by code", "since"), [*changes, *wrong]), nl=False)


@contact_group.command("approve")
@click.argument("number")
@click.option("--unconfirmed", is_flag=True, help="Even though nobody gave the code sent to the new address.")
def approve_command(number: str, unconfirmed: bool) -> None:  # noqa: FBT001 - a flag on the command line
    """Make the change that somebody asked for; for a wrong person, take the contact off."""
    _decide(number, approve=True, unconfirmed=unconfirmed)


@contact_group.command("refuse")
@click.argument("number")
def refuse_command(number: str) -> None:
    """Leave everything as it was; for a wrong person, the contact is good again."""
    _decide(number, approve=False, unconfirmed=False)


def _decide(number: str, *, approve: bool, unconfirmed: bool) -> None:
    with transaction():
        if number.startswith("W-"):
            done = wrong_person.decide(number=number, approve=approve)
            sentence = {None: "There is no request {}.", False: "{} is decided already.", True: ""}[done]
        else:
            match contacts.decide(
                number=number, approve=approve, key=str(current_app.config["SECRET_KEY"]), unconfirmed=unconfirmed
            ):
                case Changed():
                    sentence = ""
                case ChangeOver(state=state):
                    sentence = "{} doesn't wait for a person: it is " + state.replace("_", " ") + "."
                case NotConfirmed():
                    sentence = "Nobody has given the code sent to the new address of {}; --unconfirmed does it anyway."
                case _:
                    sentence = "There is no request {}."
    if sentence:
        raise click.ClickException(sentence.format(number))
    click.echo(f"{number} is {'approved' if approve else 'refused'}.")

"""Commands about messages."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from portal.db import session
from portal.lenders.models import Lender
from portal.people.sign_in import masked
from portal.post import bounces
from portal.post.models import Message
from portal.post.states import State
from portal.web.spreadsheet import csv_text

# What a mail server takes for "try again later" (EX_TEMPFAIL of sysexits.h).
TRY_AGAIN = 75
NEEDS_A_LOOK = (State.BOUNCED.value, State.FAILED.value)


@click.command("messages")
@click.option("--lender", "slug", required=True, help="The lender's short name.")
@click.option("--state", "states", multiple=True, type=click.Choice([state.value for state in State]))
def messages_command(slug: str, states: tuple[str, ...]) -> None:
    """List messages that came back or were not sent, as CSV: when, kind, channel, masked address, state, why."""
    rows = session.scalars(
        select(Message)
        .join(Lender, Lender.id == Message.lender_id)
        .where(Lender.slug == slug, Message.state.in_(states or NEEDS_A_LOOK))
        .order_by(Message.written_at)
    )
    lines = [
        (
            message.written_at.isoformat(timespec="minutes"),
            message.kind,
            message.channel,
            masked(message.address),
            message.state,
            message.reason,
            (message.detail or "").replace("\n", " "),
            message.tries,
        )
        for message in rows
    ]
    header = ("written", "kind", "channel", "to", "state", "reason", "detail", "tries")
    click.echo(csv_text(header, lines), nl=False)


@click.command("bounces")
@click.argument("places", nargs=-1, type=click.Path(exists=True, path_type=Path))
def bounces_command(places: tuple[Path, ...]) -> None:
    """Read mails that came back: one from standard input, or those in files or Maildir folders.

    What is read of a Maildir moves from its `new` to its `cur`. What is no report, or about no message of ours, changes
    nothing and is no error: a mail server that pipes it in here must not send it back once more.
    """
    became: Counter[bounces.Heeded] = Counter()
    try:
        if not places:
            became[bounces.heed(_some_of(sys.stdin.buffer))] += 1
        for path in _mails(places):
            with path.open("rb") as file:
                became[bounces.heed(_some_of(file))] += 1
            if path.parent.name == "new":
                path.rename(path.parent.parent / "cur" / f"{path.name}:2,S")
    except SQLAlchemyError as problem:
        click.echo(f"The database can't be asked now: {type(problem).__name__}.", err=True)
        raise click.exceptions.Exit(TRY_AGAIN) from problem
    told = ", ".join(f"{count} {what.value}" for what, count in became.items())
    click.echo(f"{became.total()} mails read{': ' if told else ''}{told}.")


def _mails(places: tuple[Path, ...]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(each for each in (place / "new").glob("*") if each.is_file())
        else:
            yield place


def _some_of(file: BinaryIO) -> bytes:
    """Give a mail up to a little more than a report can be, and let the rest go by, or the pipe would break."""
    raw = file.read(bounces.LARGEST + 1)
    while file.read(bounces.LARGEST):
        pass
    return raw

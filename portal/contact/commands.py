"""Commands about messages."""

from __future__ import annotations

import csv
import sys

import click
from sqlalchemy import select

from portal.db import session
from portal.lenders.models import Lender
from portal.people.sign_in import masked
from portal.post.models import Message
from portal.post.states import State

NEEDS_A_LOOK = (State.BOUNCED.value, State.FAILED.value)


@click.command("messages")
@click.option("--lender", "slug", required=True, help="The lender's short name.")
@click.option("--state", "states", multiple=True, type=click.Choice([state.value for state in State]))
def messages_command(slug: str, states: tuple[str, ...]) -> None:
    """List messages that came back or were not sent, as CSV: when, kind, channel, masked address, state, why."""
    writer = csv.writer(sys.stdout)
    writer.writerow(("written", "kind", "channel", "to", "state", "reason", "detail", "tries"))
    rows = session.scalars(
        select(Message)
        .join(Lender, Lender.id == Message.lender_id)
        .where(Lender.slug == slug, Message.state.in_(states or NEEDS_A_LOOK))
        .order_by(Message.written_at)
    )
    for message in rows:
        detail = (message.detail or "").replace("\n", " ")
        writer.writerow(
            (
                message.written_at.isoformat(timespec="minutes"),
                message.kind,
                message.channel,
                masked(message.address),
                message.state,
                message.reason or "",
                f"'{detail}" if detail[:1] in "=+-@" else detail,
                message.tries,
            )
        )

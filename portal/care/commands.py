"""The queue of requests for a lender's people, as `flask requests …`, until they have pages of their own."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable

import click
from sqlalchemy import select

from portal.care import requests
from portal.care.models import CareRequest
from portal.care.requests import Waiting
from portal.care.states import Forbidden, Moved, Repeated
from portal.db import session, transaction
from portal.evidence.record import Actor
from portal.lenders import settings as lenders
from portal.web.spreadsheet import csv_text

HEADER = (
    "number",
    "urgent",
    "late",
    "due",
    "answer by",
    "kind",
    "state",
    "lender",
    "person",
    "debt",
    "answer through",
    "contact typed",
    "reference typed",
    "wish",
    "with",
    "opened",
    "words",
)
Outcome = Moved | Repeated | Forbidden | requests.NoSuchRequest


@click.group("requests")
def requests_group() -> None:
    """See and answer what people asked for beside paying."""


@requests_group.command("list")
@click.option("--lender", "slug", default=None, help="Only this lender.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, with the words that people wrote.")
def requests_list(slug: str | None, *, as_csv: bool) -> None:
    """List what waits for a person: what can't wait first, then by the clock; LATE where the day has passed."""
    waiting = requests.queue(lender_id=_lender_id(slug))
    if as_csv:
        sys.stdout.write(csv_text(HEADER, [_row(each) for each in waiting]))
        return
    for each in waiting:
        click.echo(line_of(each))
    click.echo(f"{len(waiting)} waiting, {sum(each.late for each in waiting)} of them late.")


def _row(each: Waiting) -> tuple[object, ...]:
    return (
        each.number,
        "URGENT" if each.urgent else "",
        "late" if each.late else "",
        each.due.isoformat(),
        each.answer_by.isoformat(),
        each.kind.value,
        each.state.value,
        each.lender,
        each.person or "a visitor",
        each.debt,
        each.reply_by,
        each.contact,
        each.claimed_reference,
        each.wish,
        each.taken_by,
        each.opened_at.isoformat(timespec="minutes"),
        each.words,
    )


def line_of(each: Waiting) -> str:
    """Give one request as a line; without the words, which are for whoever takes it."""
    marks = "".join(mark for mark, on in (("URGENT ", each.urgent), ("LATE ", each.late)) if on)
    about = f", debt {each.debt}" if each.debt else ""
    taken = f", with {each.taken_by}" if each.taken_by else ""
    return f"{marks}{each.number}  due {each.due}  {each.kind.value}  {each.person or 'a visitor'}{about}{taken}"


def late_lines() -> tuple[str, ...]:
    """Give what is late or urgent, for the nightly report."""
    return tuple(line_of(each) for each in requests.queue() if each.late or each.urgent)


_who = click.option("--by", "who", default="command line", show_default=True, help="Who does it; kept on record.")
_of = click.option("--lender", "slug", default=None, help="Whose request it is, if two lenders have the number.")


@requests_group.command("take")
@click.argument("number")
@_of
@_who
def requests_take(number: str, slug: str | None, who: str) -> None:
    """Take a request, and show all of it. From then on the person can't take it back."""
    lender_id = _of_number(number, slug)
    _did(number, lambda: requests.take(lender_id=lender_id, number=number, by=_staff(who)))
    for each in requests.queue(lender_id=lender_id, number=number):
        for name, value in zip(HEADER, _row(each), strict=True):
            if value:
                click.echo(f"{name}: {value}")


@requests_group.command("answer")
@click.argument("number")
@click.option("--words", default=None, help="The answer, as the person reads it; read from standard input if left out.")
@_of
@_who
def requests_answer(number: str, words: str | None, slug: str | None, who: str) -> None:
    """Answer a request. The person is told by message that there is an answer; what waited for it goes on."""
    lender_id = _of_number(number, slug)
    text = requests.plain_words(sys.stdin.read() if words is None else words)
    if not text:
        raise click.ClickException("An answer has words.")
    _did(number, lambda: requests.answer(lender_id=lender_id, number=number, words=text, by=_staff(who)))
    found = requests.queue(lender_id=lender_id, number=number)[0]
    if found.person is None:
        click.echo(f"A visitor sent it: tell {found.contact} the answer yourself.")
    elif found.reply_by == "call":
        click.echo("The person asked to be called.")


@requests_group.command("close")
@click.argument("number")
@_of
@_who
def requests_close(number: str, slug: str | None, who: str) -> None:
    """Close a request that was answered; every hold of it ends."""
    lender_id = _of_number(number, slug)
    _did(number, lambda: requests.close(lender_id=lender_id, number=number, by=_staff(who)))


def _staff(who: str) -> Actor:
    return Actor("operator", who)


def _lender_id(slug: str | None) -> uuid.UUID | None:
    if slug is None:
        return None
    try:
        return lenders.by_slug(slug).id
    except lenders.NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {slug!r}.") from problem


def _of_number(number: str, slug: str | None) -> uuid.UUID:
    query = select(CareRequest.lender_id).where(CareRequest.number == number)
    if (lender_id := _lender_id(slug)) is not None:
        query = query.where(CareRequest.lender_id == lender_id)
    found = session.scalars(query).all()
    if not found:
        raise click.ClickException(f"There is no request {number!r}.")
    if len(found) > 1:
        raise click.ClickException(f"Two lenders have a request {number!r}: say which with --lender.")
    return found[0]


def _did(number: str, act: Callable[[], Outcome]) -> None:
    with transaction():
        done = act()
    match done:
        case Moved(to=state):
            click.echo(f"{number} is {state.value.replace('_', ' ')}.")
        case Repeated(state=state):
            click.echo(f"{number} was {state.value.replace('_', ' ')} already; nothing changed.")
        case Forbidden(state=state, event=event):
            raise click.ClickException(
                f"{number} is {state.value.replace('_', ' ')}; it can't {event.value} from there."
            )
        case _:
            raise click.ClickException(f"There is no request {number!r}.")

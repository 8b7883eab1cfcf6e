"""The `flask` commands about plans: the night, what of plans waits for a person, and what that person decides."""

from __future__ import annotations

import csv
import sys
from datetime import datetime, timedelta
from typing import IO

import click

from portal import clock, sweep
from portal.care import outages, requests
from portal.care.holds import holding
from portal.care.states import Cause
from portal.db import transaction
from portal.evidence.record import OPERATOR, Actor
from portal.lenders import settings as lenders
from portal.plans import for_a_person, granting, progress
from portal.plans.allowed import NoLimits
from portal.plans.for_a_person import Listed, Waiting
from portal.plans.offer_cards import scheduled
from portal.plans.states import State
from portal.schedules.arrangements import Arrangement
from portal.sweep import Night, Stuck
from portal.terminal import Sentence, bar, no_such_lender, of_lender, plainly
from portal.web.spreadsheet import safe_cell

_MINUTES = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
_LONGEST_OUTAGE = timedelta(days=31)
HEADER = ("why", "lender", "plan", "debt", "person", "since", "state", "more")
_plainly = plainly({lenders.NoSuchLender: no_such_lender})


def night(file: IO[str]) -> tuple[Night, int]:
    """Run the night, and write what needs a person as CSV; gives what happened, and how many lines that are."""
    writer = csv.writer(file)
    writer.writerow(HEADER)
    lines = 0

    def stuck(one: Stuck) -> None:
        nonlocal lines
        lines += 1
        writer.writerow(map(safe_cell, ("stuck", one.lender, one.plan, "", "", "", "", one.problem)))

    found = sweep.run(stuck=stuck, progress_bar=bar("plans"))
    for lender in lenders.all_lenders():
        for each in for_a_person.waiting(lender.id):
            lines += 1
            writer.writerow(_row(each))
    return found, lines


def _row(each: Waiting) -> list[object]:
    return [
        safe_cell(value)
        for value in (each.why.value, each.lender, each.plan, each.debt, each.person, each.day, each.state, "")
    ]


@click.command("plan-end")
@click.argument("reference")
@of_lender
@_plainly
def plan_end(reference: str, slug: str) -> None:
    """End a plan because its debtor asks for it; what was paid stays paid."""
    lender_id = lenders.by_slug(slug).id
    with transaction():
        state = progress.end(lender_id=lender_id, reference=reference, by=OPERATOR)
    if state is None:
        raise Sentence(f"{slug} has no plan {reference!r}.")
    click.echo(f"The plan is {state.value}.")


@click.command("offer-grant")
@click.argument("number")
@of_lender
@click.option("--plan", "name", default=None, help="What to say yes to; what may be granted is listed without it.")
@click.option("--words", default=None, help="The answer, as the person reads it.")
@click.option("--by", "who", default="command line", show_default=True, help="Who does it; kept on record.")
@_plainly
def offer_grant(number: str, slug: str, name: str | None, words: str | None, who: str) -> None:
    """List what may be granted of an offer that waits for a person, or say yes to one; its debtor then agrees to it."""
    lender_id = lenders.by_slug(slug).id
    try:
        if name is None:
            for key, each in granting.offered(lender_id=lender_id, number=number).may.items():
                click.echo(f"{key}: {_paid(each)}")
            return
        said = requests.plain_words(words)
        if not said:
            raise Sentence("An answer has words: --words.")
        with transaction():
            made = granting.grant(lender_id=lender_id, number=number, name=name, words=said, by=Actor("operator", who))
    except granting.NoSuchOffer as problem:
        raise Sentence(f"No offer {number!r} of {slug} waits for a person.") from problem
    except granting.NotGranted as problem:
        may = " or ".join(problem.may) or "nothing: answer it in words (`flask requests answer`)"
        raise Sentence(f"The card doesn't allow {name!r} now. What may be granted: {may}.") from problem
    except NoLimits as problem:
        raise Sentence("No card of the lender's limits fits this debt.") from problem
    click.echo(f"Granted as {made}; the person is told that there is an answer.")


def _paid(arrangement: Arrangement) -> str:
    schedule = scheduled(arrangement)
    steps = ", ".join(f"{count} x {amount.amount}" for count, amount in schedule.steps)
    days = f"{schedule.starts_on} to {schedule.ends_on}"
    return f"{steps}, {schedule.frequency.value}, {schedule.total} in all, {days} ({arrangement.kind.value})"


_why = click.option("--why", "words", required=True, help="What you found when you looked; kept with the plan.")


def _told(found: object, *, reference: str, slug: str) -> None:
    """Say in a sentence why nothing was done, if nothing was."""
    match found:
        case for_a_person.NoSuchPlan():
            raise Sentence(f"{slug} has no plan {reference!r}.")
        case for_a_person.NothingWaits(state):
            raise Sentence(f"Nothing about {reference} waits for this; the plan is {state}.")


@click.command("plans")
@of_lender
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only plans in this state.")
@click.option("--needs-a-person", "waits", is_flag=True, help="Only plans about which something waits for a person.")
@click.option("--search", default="", help="A plan's or debt's reference, or a part of the person's name.")
@_plainly
def plans_command(slug: str, state: str | None, waits: bool, search: str) -> None:  # noqa: FBT001
    """List a lender's plans as CSV: how each stands, and what about it waits for a person."""
    lender = lenders.by_slug(slug)
    writer = csv.writer(sys.stdout)
    writer.writerow(_PLANS)
    for each in for_a_person.plans_of(lender.id, state=state, waits=waits, search=search):
        writer.writerow(map(safe_cell, _plan_row(each)))


_PLANS = ("plan", "debt", "person", "kind", "state", "agreed", "total", "paid", "currency", "looked at", "waits for")


def _plan_row(each: Listed) -> list[object]:
    return [
        each.plan,
        each.debt,
        each.person,
        each.kind,
        each.state,
        each.agreed_at.isoformat(timespec="minutes"),
        each.total.amount,
        each.paid.amount,
        each.total.currency,
        each.look_on,
        " ".join(each.waits_for),
    ]


@click.command("plan-end-cure")
@click.argument("reference")
@of_lender
@_why
@_plainly
def plan_end_cure(reference: str, slug: str, words: str) -> None:
    """End a broken plan whose days to make up for it are over, once somebody looked whether the person needs help."""
    lender_id = lenders.by_slug(slug).id
    with transaction():
        found = for_a_person.end_broken(
            lender_id=lender_id, reference=reference, words=words, by=OPERATOR, holding=holding
        )
    _told(found, reference=reference, slug=slug)
    click.echo(f"{reference} has ended; what was paid stays paid, and another plan can be asked for.")


@click.command("plan-more-time")
@click.argument("reference")
@of_lender
@click.option("--days", type=click.IntRange(1, 366), required=True, help="From today on.")
@_why
@_plainly
def plan_more_time(reference: str, slug: str, days: int, words: str) -> None:
    """Give more days to make up for what is missing of a broken plan; its debtor is told."""
    lender_id = lenders.by_slug(slug).id
    with transaction():
        found = for_a_person.more_time(
            lender_id=lender_id, reference=reference, days=days, words=words, by=OPERATOR, holding=holding
        )
    _told(found, reference=reference, slug=slug)
    if isinstance(found, for_a_person.MoreTime):
        click.echo(f"What is missing of {reference} can be made up for until {found.until}.")


@click.command("plan-looked-at")
@click.argument("reference")
@of_lender
@_why
@_plainly
def plan_looked_at(reference: str, slug: str, words: str) -> None:
    """Note that you looked at a plan whose day of review has come."""
    lender_id = lenders.by_slug(slug).id
    with transaction():
        found = for_a_person.looked_at(lender_id=lender_id, reference=reference, words=words, by=OPERATOR)
    _told(found, reference=reference, slug=slug)
    click.echo(f"Noted; nothing about {reference} waits any more.")


@click.command("outage-note")
@of_lender
@click.option("--cause", type=click.Choice([each.value for each in Cause]), required=True)
@click.option("--from", "since", type=click.DateTime(_MINUTES), required=True, help="By the lender's own clock.")
@click.option("--until", type=click.DateTime(_MINUTES), required=True, help="The last minute of it.")
@_why
@_plainly
def outage_note(slug: str, cause: str, since: datetime, until: datetime, words: str) -> None:
    """Note a time in which people could not pay: its days count for no plan, and all plans are looked at again."""
    lender = lenders.by_slug(slug)
    place = clock.zone(lender.zone)
    first, last = since.replace(tzinfo=place), until.replace(tzinfo=place)
    if not first <= last <= clock.now():
        raise Sentence("An outage ends after it begins, and not in the future.")
    if last - first > _LONGEST_OUTAGE:
        raise Sentence(f"An outage of more than {_LONGEST_OUTAGE.days} days is noted in parts.")
    lender_id = lender.id
    with transaction():
        outages.note(lender_id=lender_id, cause=Cause(cause), since=first, until=last, words=words, by=OPERATOR)
        plans = progress.look_again(lender_id)
    click.echo(f"Noted. Plans that the next night looks at beside its own: {plans}.")


@click.command("outages")
@of_lender
@_plainly
def outages_command(slug: str) -> None:
    """List the times in which people could not pay as CSV."""
    lender = lenders.by_slug(slug)
    place = clock.zone(lender.zone)
    writer = csv.writer(sys.stdout)
    writer.writerow(("cause", "from", "until", "why"))
    for each in outages.of_lender(lender.id):
        times = (at.astimezone(place).isoformat(timespec="minutes") for at in (each.since, each.until))
        writer.writerow(map(safe_cell, (each.cause, *times, each.words)))


def register(group: click.Group) -> None:
    """Put the commands into a group."""
    for command in (
        plans_command,
        plan_end,
        plan_end_cure,
        plan_more_time,
        plan_looked_at,
        outage_note,
        outages_command,
        offer_grant,
    ):
        group.add_command(command)

"""The `flask` commands about plans: the night, what of plans waits for a person, and what that person decides."""

from __future__ import annotations

import csv
from typing import IO

import click

from portal import sweep
from portal.contact.facts import Holds
from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.lenders import settings as lenders
from portal.plans import for_a_person, progress
from portal.plans.for_a_person import Waiting
from portal.sweep import Night, Stuck
from portal.terminal import Sentence, bar, no_such_lender, of_lender, plainly
from portal.web.spreadsheet import safe_cell

HEADER = ("why", "lender", "plan", "debt", "person", "since", "state", "more")
_plainly = plainly({lenders.NoSuchLender: no_such_lender})


def night(file: IO[str], *, holding: Holds) -> tuple[Night, int]:
    """Run the night, and write what needs a person as CSV; gives what happened, and how many lines that are."""
    writer = csv.writer(file)
    writer.writerow(HEADER)
    lines = 0

    def stuck(one: Stuck) -> None:
        nonlocal lines
        lines += 1
        writer.writerow(map(safe_cell, ("stuck", one.lender, one.plan, "", "", "", "", one.problem)))

    found = sweep.run(holding=holding, stuck=stuck, progress_bar=bar("plans"))
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


def register(group: click.Group) -> None:
    """Put the commands into a group."""
    for command in (plan_end,):
        group.add_command(command)

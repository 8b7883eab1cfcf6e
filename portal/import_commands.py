"""The `flask` commands that bring a lender's file in and take it back; apart, so that they start without the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from portal.db import new_id
from portal.debts import intake, undoing
from portal.debts.mapping import MappingRefused
from portal.debts.mapping_file import load_mapping
from portal.debts.runs import AnotherImportRuns, RunWasEnded
from portal.debts.tables import FileRefused
from portal.lenders import settings as lenders
from portal.plans import from_file
from portal.terminal import Sentence, bar, no_such_lender, of_lender, plainly, settings_in_use

_plainly = plainly(
    {
        lenders.NoSuchLender: no_such_lender,
        FileRefused: lambda problem: problem.sentence,
        MappingRefused: lambda problem: problem.sentence,
        AnotherImportRuns: lambda _: "A file of this lender is being read right now; try again when it is done.",
        RunWasEnded: lambda _: "Another import took this one for dead and ended it; nothing was brought in.",
        undoing.CannotUndo: lambda _: (
            "This import can't be undone: there is none of the last 24 hours, or something has happened on one of its "
            "debts since."
        ),
    }
)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@of_lender
@click.option("--mapping", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that the figures are of.")
@click.option("--keep-good", is_flag=True, help="Take the good rows in even if others are refused.")
@click.option("--full", is_flag=True, help="The file has all debts: those that it lacks are recalled.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Where refused rows are written as CSV."
)
@_plainly
def import_command(
    file: Path, slug: str, mapping: Path, as_of: Any, keep_good: bool, full: bool, report: Path | None
) -> None:
    """Bring a lender's file in: all of it, or with --keep-good what is right; nothing is left half done."""
    lender = lenders.by_slug(slug)
    if not file.name.isprintable():
        raise Sentence("The name of the file can't be written as text (UTF-8). Rename it, and try again.")
    for kept in (file, mapping):
        if report is not None and report.exists() and report.samefile(kept):
            raise Sentence(f"The report would be written over {kept}. Give it another name.")
    report = report or settings_in_use().folder / f"import-{slug}-{new_id().hex[-6:]}.csv"
    try:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.touch()
    except OSError as problem:
        raise Sentence(f"The report can't be written to {report}: {problem.strerror}.") from problem
    summary = intake.bring_in(
        file,
        lender=lender,
        mapping=load_mapping(mapping),
        as_of=as_of.date() if as_of else None,
        keep_good=keep_good,
        full=full,
        report=report,
        plans=from_file.FOLLOW,
        progress=bar(file.name),
    )
    click.echo(
        f"{summary.read} rows read = {summary.accepted} accepted + {summary.nothing_owed} with nothing owed "
        f"+ {summary.refused} refused"
    )
    for reason, count in summary.reasons.most_common():
        click.echo(f"  refused: {reason.value}: {count}")
    if summary.live:
        click.echo(
            f"{summary.added} new, {summary.changed} changed, {summary.unchanged} unchanged, "
            f"{summary.recalled} recalled."
        )
    if summary.plans_ended:
        click.echo(f"{summary.plans_ended} plans ended with the debts that were recalled; their debtors are told.")
    if summary.under_plans:
        click.echo(f"{summary.under_plans} debts changed under a plan, which stays as it was; they are in {report}.")
    if summary.refused:
        click.echo(f"The refused rows are in {report}.")
    if full and summary.live and summary.refused:
        click.echo("No debt was recalled, because nobody can tell which debts the refused rows were about.")
    if not summary.live:
        click.echo("Nothing was brought in. Mend the file, or use --keep-good to bring in the rows that are right.")
        raise click.exceptions.Exit(1)


@click.command("import-undo")
@of_lender
@_plainly
def import_undo(slug: str) -> None:
    """Take a lender's last import back, within 24 hours and as long as nothing has happened on its debts."""
    done = undoing.undo(lender_id=lenders.by_slug(slug).id, plans=from_file.FOLLOW)
    click.echo(
        f"The last import was undone: {done.gone + done.recalled} new debts are gone, {done.back} are as before, "
        f"{done.returned} are back."
    )
    if done.without_plan:
        click.echo(f"{len(done.without_plan)} debts are back without the plans that ended with that file.")


def register(group: click.Group) -> None:
    """Put the commands into a group."""
    group.add_command(import_command)
    group.add_command(import_undo)

"""What finance does by command: up to how much one person gives back alone, names of accounts, the journal."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click

from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.finance import acts, chart, journal
from portal.ledger import Account
from portal.lenders.settings import NoSuchLender, by_slug
from portal.money import Money


@click.command("refund-limit")
@click.argument("amount")
@click.argument("currency")
@click.option("--lender", "slug", required=True, help="The lender's short name.")
def refund_limit_command(amount: str, currency: str, slug: str) -> None:
    """Set up to how much one person gives back alone, such as 200.00 USD; above it, and without it, there are two."""
    try:
        limit = Money.of(amount, currency.upper())
        if limit.minor < 0:
            raise ValueError(amount)
        with transaction():
            acts.set_limit(lender_id=by_slug(slug).id, limit=limit, by=OPERATOR)
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    except (ArithmeticError, LookupError, ValueError) as problem:
        raise click.ClickException(f"{amount!r} is not an amount in {currency}, of zero or more.") from problem
    click.echo(f"{slug}: one person gives back up to {limit} alone.")


@click.command("account-names")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--lender", "slug", required=True, help="The lender's short name.")
def account_names_command(file: Path | None, slug: str) -> None:
    """Print what the accounts of the books are called in a lender's journal, as TOML; with such a FILE, set it."""
    try:
        lender_id = by_slug(slug).id
        if file is not None:
            with transaction():
                journal.name_accounts(lender_id=lender_id, names=tomllib.loads(file.read_text("utf-8")), by=OPERATOR)
        names = journal.names_of(lender_id)
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    except journal.NoSuchName as problem:
        raise click.ClickException(
            f"{problem.account!r} can't be called {problem.name!r}: a name is Assets, Liabilities, Equity, Income or "
            "Expenses, and parts of letters, digits and - after colons, each with a capital or a digit first."
        ) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise click.ClickException(f"That is no TOML: {problem}") from problem
    for account in Account:
        click.echo(f'"{account.value}" = "{chart.name_of(account.value, names)}"')


@click.command("journal")
@click.argument("month")
@click.option("--lender", "slug", required=True, help="The lender's short name.")
@click.option("--for", "program", type=click.Choice(list(chart.LANGUAGES)), default="beancount", show_default=True)
def journal_command(month: str, slug: str, program: str) -> None:
    """Write the books of a MONTH, such as 2026-05, as a journal for a lender's accounting."""
    try:
        lender = by_slug(slug)
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    period = journal.month(month, lender.zone)
    if period is None:
        raise click.ClickException(f"{month!r} is no month, such as 2026-05.")
    language = chart.LANGUAGES[program]
    for piece in journal.written(lender_id=lender.id, title=lender.name, period=period, language=language):
        click.echo(piece, nl=False)

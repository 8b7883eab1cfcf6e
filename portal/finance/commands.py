"""Up to how much one person of a lender gives back alone."""

from __future__ import annotations

import click

from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.finance import acts
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

"""The `flask migrate` command, and what `flask start` needs done before anybody sees a page."""

from __future__ import annotations

import sys

import click

from portal.lenders.settings import all_lenders
from portal.migrate import migrate
from portal.start import LIVE_KEYS
from portal.terminal import settings_in_use


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database's tables to today's."""
    migrate(settings_in_use().database_url)
    click.echo("The database is up to date.")


@click.command("prepare", hidden=True)
def prepare_command() -> None:
    """Bring the tables to today's, and tell by the exit status whether a lender has a key that moves real money."""
    migrate(settings_in_use().database_url)
    if any((lender.stripe_secret_key or "").startswith(("sk_live_", "rk_live_")) for lender in all_lenders()):
        sys.exit(LIVE_KEYS)


def register(group: click.Group) -> None:
    """Put the commands into a group."""
    group.add_command(migrate_command)
    group.add_command(prepare_command)

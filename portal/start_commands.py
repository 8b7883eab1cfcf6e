"""The `flask start` command; apart from the others, so that a page is there before all of the portal is read in."""

from __future__ import annotations

import click

from portal import start
from portal.terminal import plainly, settings_in_use


@click.command("start")
@plainly({start.DidNotStart: str})
def start_command() -> None:
    """Start the portal on this machine: web, worker, and a stand-in for Stripe where there is no key."""
    settings = settings_in_use()
    start.migrate(settings.database_url)
    start.everything(settings)


def register(group: click.Group) -> None:
    """Put the command into a group."""
    group.add_command(start_command)

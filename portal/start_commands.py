"""The `flask start` command, in an application that has read nothing else in: a page is there sooner."""

from __future__ import annotations

import click
from flask import Flask

from portal import config, start
from portal.terminal import plainly, settings_in_use


@click.command("start")
@plainly({start.DidNotStart: str})
def start_command() -> None:
    """Start the portal on this machine: web, worker, and a stand-in for Stripe where there is no key."""
    start.everything(settings_in_use())


def create_app() -> Flask:
    """Make an application that can do nothing but start all the others.

    :raises portal.config.BadSetting: if the environment holds a setting that can't be used.
    """
    app = Flask("portal", static_folder=None)
    app.config["SETTINGS"] = config.from_environment()
    register(app.cli)
    return app


def register(group: click.Group) -> None:
    """Put the command into a group."""
    group.add_command(start_command)

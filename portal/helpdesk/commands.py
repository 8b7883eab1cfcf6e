"""`flask people-index`: lets people be found who came before there was anything to find them by."""

from __future__ import annotations

import click

from portal.db import session, transaction
from portal.lenders.settings import all_lenders
from portal.people import found_by


@click.command("people-index")
def people_index_command() -> None:
    """Let everybody be found by name and address; needed once, for people from before revision 0013."""
    for lender in all_lenders():
        slug, lender_id, count = lender.slug, lender.id, 0
        last = None
        while True:
            with transaction():
                last = found_by.index_everybody(lender_id=lender_id, after=last)
            if last is None:
                break
            count += 1
            session.expunge_all()
        click.echo(f"{slug}: done, in {count} parts.")

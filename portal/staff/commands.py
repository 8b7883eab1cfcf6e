"""`flask staff …`: the first accounts of a lender, and what an operator does when nobody else can."""

from __future__ import annotations

import sys

import click
from email_validator import EmailNotValidError, validate_email
from flask import current_app

from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.lenders import settings as lenders
from portal.lenders.models import Lender
from portal.staff import members
from portal.staff.members import AlreadyHere
from portal.staff.members import Refused as MayNot
from portal.staff.models import StaffMember
from portal.staff.roles import Role
from portal.web.languages import DEFAULT, LANGUAGES
from portal.web.spreadsheet import csv_text

_WHY_NOT = {
    "last": "Nobody else there can give roles. Give somebody the role lender_administrator first.",
    "ended": "This account has ended. Invite the person again.",
    "oneself": "Nobody changes their own roles.",
    "gone": "Whoever asks may not do that any more.",
    "operator": "That role is for operators alone to give.",
}
_roles = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in Role]),
    multiple=True,
    help="May be given several times.",
)


@click.group("staff")
def staff_group() -> None:
    """Accounts of a lender's people; from the first administrator on they have pages for it at /staff."""


def _lender(slug: str) -> Lender:
    try:
        return lenders.by_slug(slug)
    except lenders.NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem


def _member(lender: Lender, email: str) -> StaffMember:
    found = members.find(lender_id=lender.id, email=email)
    if found is None:
        raise click.ClickException(f"{lender.slug} has nobody with the address {email}.")
    return found


@staff_group.command("invite")
@click.argument("email")
@click.option("--lender", "slug", required=True)
@click.option("--name", required=True)
@_roles
@click.option("--language", type=click.Choice(list(LANGUAGES)), default=DEFAULT, show_default=True)
def invite_command(email: str, slug: str, name: str, roles: tuple[str, ...], language: str) -> None:
    """Invite somebody by e-mail, and print the link; it works for 72 hours."""
    key, base_url = str(current_app.config["SECRET_KEY"]), current_app.config["BASE_URL"]
    try:
        email = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as problem:
        raise click.ClickException(f"{email!r} is no e-mail address.") from problem
    with transaction():
        lender = _lender(slug)
        done = members.invite(
            lender_id=lender.id,
            email=email,
            name=name,
            roles=[Role(role) for role in roles],
            language=language,
            key=key,
            by=OPERATOR,
        )
    if isinstance(done, AlreadyHere):
        raise click.ClickException(f"{email} works at {slug} already.")
    click.echo(f"{base_url}/staff/{slug}/join/{done.token}")


@staff_group.command("way-back")
@click.argument("email")
@click.option("--lender", "slug", required=True)
def way_back_command(email: str, slug: str) -> None:
    """Send somebody a way back in, and print the link, where no two colleagues can: make sure that it is them first."""
    with transaction():
        lender_id = _lender(slug).id
        token = members.open_way_back(lender_id=lender_id, email=email, key=str(current_app.config["SECRET_KEY"]))
    if token is None:
        raise click.ClickException(f"Nobody with the address {email} works at {slug}.")
    click.echo(f"{current_app.config['BASE_URL']}/staff/{slug}/join/{token}")


@staff_group.command("list")
@click.option("--lender", "slug", required=True)
def list_command(slug: str) -> None:
    """List a lender's people as CSV."""
    found = members.of(lender_id=_lender(slug).id)
    rows = [(one.name, one.email, " ".join(one.roles), one.state, one.created_at.isoformat()) for one in found]
    sys.stdout.write(csv_text(("name", "email", "roles", "state", "since"), rows))


@staff_group.command("roles")
@click.argument("email")
@click.option("--lender", "slug", required=True)
@_roles
def roles_command(email: str, slug: str, roles: tuple[str, ...]) -> None:
    """Give somebody these roles and no others."""
    try:
        with transaction():
            member = _member(_lender(slug), email)
            members.set_roles(
                lender_id=member.lender_id, member_id=member.id, roles=[Role(role) for role in roles], by=OPERATOR
            )
    except MayNot as problem:
        raise click.ClickException(_WHY_NOT[problem.why]) from problem
    click.echo(f"{email}: {', '.join(roles) or 'no roles'}.")


@staff_group.command("end")
@click.argument("email")
@click.option("--lender", "slug", required=True)
def end_command(email: str, slug: str) -> None:
    """Let somebody in no more, at once."""
    try:
        with transaction():
            member = _member(_lender(slug), email)
            members.end(lender_id=member.lender_id, member_id=member.id, by=OPERATOR)
    except MayNot as problem:
        raise click.ClickException(_WHY_NOT[problem.why]) from problem
    click.echo(f"{email} can't sign in any more.")

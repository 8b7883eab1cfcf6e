"""`flask lender brand`, `urgent` and `account`: how pages look, who is told at once, where people transfer money to."""

from __future__ import annotations

from pathlib import Path

import click

from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.lenders import accounts, numbers
from portal.lenders import brand as brands
from portal.lenders.brand import CORNERS, LARGEST_LOGO, BadLogo, Logo, Weak
from portal.lenders.models import Lender
from portal.lenders.settings import NoSuchLender, by_slug, tell_urgent
from portal.web.colours import LIGHT, NotAColour

_GROUNDS = {
    "paper": "the page",
    "card": "a card",
    "brand-wash": "its own wash",
    "brand": "a button",
    "brand-strong": "a pressed button",
}


def _weak_words(weak: Weak) -> str:
    pair = weak.worst
    if pair.role == "brand-text":
        where = f"as the ground of words on {_GROUNDS[pair.ground]}"
    elif pair.role.startswith("brand"):
        where = f"on {_GROUNDS.get(pair.ground, pair.ground)}"
    else:
        where = f"as the ground of {pair.role} words"
    instead = (
        f"The nearest that passes is {weak.instead}."
        if weak.instead
        else "No colour of this hue passes; please take another one."
    )
    option = "--accent" if weak.mode == LIGHT else "--accent-dark"
    return (
        f"{weak.accent} is too weak for {weak.mode} pages: {where} its contrast is {pair.ratio:.2f}, and "
        f"{pair.needs:g} is needed to be read by everybody. {instead} Try {option} {weak.instead or '…'}."
    )


def _logo_words(bad: BadLogo) -> str:
    return {
        "not-svg-or-png": "The logo is no SVG or PNG that can be read.",
        "unsafe": f"The logo has more in it than a drawing needs: {bad.what}. Please export it as plain SVG.",
        "too-large": (
            f"The logo has {bad.what}, and {LARGEST_LOGO:,} is the most: a first visit may take 14 KB in all. "
            "A simpler SVG is usually a few hundred bytes."
        ),
        "too-many-pixels": f"The logo has more than {bad.what} pixels on a side; twice 32 is enough.",
    }[bad.why]


@click.command("brand")
@click.argument("slug")
@click.option("--accent", help="The colour of buttons and links on light pages, as #rrggbb.")
@click.option("--accent-dark", help="The same for dark pages; worked out from --accent if left out.")
@click.option("--corners", type=click.Choice(list(CORNERS)), default="round", show_default=True)
@click.option("--name", help="The name beside the mark; the lender's own if left out.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="SVG or PNG.")
@click.option("--no-logo", is_flag=True, help="Take the logo away.")
@click.option("--default", "default", is_flag=True, help="Go back to the portal's own look.")
def brand_command(
    slug: str,
    accent: str | None,
    accent_dark: str | None,
    corners: str,
    name: str | None,
    logo: Path | None,
    no_logo: bool,
    default: bool,
) -> None:
    """Set how a lender's pages look: an accent, a logo, corners, a name. What can't be read by everybody is refused."""
    drawn: Logo | BadLogo | None = brands.logo_from(logo.read_bytes()) if logo else None
    if isinstance(drawn, BadLogo):
        raise click.ClickException(_logo_words(drawn))
    if not default and not accent:
        raise click.ClickException('Give --accent "#rrggbb", or --default for the portal\'s own look.')
    if name is not None and not 0 < len(name.strip()) <= brands.LONGEST_NAME:
        raise click.ClickException(f"The name may have 1 to {brands.LONGEST_NAME} characters.")
    try:
        with transaction():
            lender = by_slug(slug)
            if default or not accent:
                brands.drop_brand(lender, by=OPERATOR)
                done = None
            else:
                done = brands.set_brand(
                    lender,
                    accent=accent,
                    accent_dark=accent_dark,
                    corners=corners,
                    name=name.strip() if name else None,
                    logo=drawn,
                    keep_logo=not no_logo,
                    by=OPERATOR,
                )
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    except NotAColour as problem:
        raise click.ClickException(f"{problem.given!r} is no colour such as #17595b.") from problem
    if isinstance(done, Weak):
        raise click.ClickException(_weak_words(done))
    click.echo(f"{slug} has the portal's own look." if done is None else f"{slug}: {done.accent}, dark {done.dark}.")


def email_address(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    """Take an e-mail address, or none.

    :raises click.BadParameter: if it can't be one.
    """
    if given is not None and ("@" not in given.strip("@") or any(sign.isspace() for sign in given)):
        raise click.BadParameter(f"{given!r} is no e-mail address.")
    return given


@click.command("urgent")
@click.argument("slug")
@click.option("--email", callback=email_address, help="Who is told at once; a mailbox that somebody reads at any hour.")
@click.option("--default", "default", is_flag=True, help="Tell the lender's own address again.")
def urgent_command(slug: str, email: str | None, *, default: bool) -> None:
    """Set or show who gets an e-mail at once when a request can't wait, because somebody may be in danger."""
    try:
        with transaction():
            lender = by_slug(slug)
            if default or email:
                tell_urgent(lender, address=None if default else email, by=OPERATOR)
            told = lender.urgent_email or lender.email
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    click.echo(f"{slug}: {told} is told." if told else f"{slug}: nobody is told. Give --email.")


_WRONG = {
    numbers.Wrong.NUMBER: "The number has 4 to 34 letters and digits.",
    numbers.Wrong.CHECK_DIGITS: "The check digits of this IBAN don't fit it: please compare it with a statement.",
    numbers.Wrong.BIC: "A BIC has 8 or 11 letters and digits, such as COBADEFFXXX.",
    numbers.Wrong.HOLDER: f"The holder is a name of 1 to {numbers.LONGEST_NAME} characters.",
    numbers.Wrong.CURRENCY: "The currency is no code of ISO 4217.",
}


@click.command("account")
@click.argument("slug")
@click.option("--number", help="IBAN, or what the bank calls it; a name of your own for a desk that takes cash.")
@click.option("--holder", default="", help="Whose account it is; the lender's legal name if left out.")
@click.option("--bank", default="", help="The name of the bank.")
@click.option("--bic", default="", help="Of the bank, where transfers from abroad need it.")
@click.option("--currency", help="ISO 4217; the lender's if left out.")
@click.option("--cash", is_flag=True, help="It is a desk for cash: its lists come in by hand, and nobody is shown it.")
@click.option("--hidden", is_flag=True, help="Its files are read, and people who owe are not shown it.")
def account_command(
    slug: str,
    number: str | None,
    holder: str,
    bank: str,
    bic: str,
    currency: str | None,
    *,
    cash: bool,
    hidden: bool,
) -> None:
    """Set an account that people transfer money to, or list them. One account a currency is shown to who owes."""
    try:
        with transaction():
            lender = by_slug(slug)
            if number is not None:
                _set_account(lender, number, holder, bank, bic, currency, cash=cash, show=not (cash or hidden))
            for one in accounts.of(lender_id=lender.id):
                shown = "shown" if one.shown else "cash" if one.kind == "cash" else "hidden"
                click.echo(f"{numbers.grouped(one.number)}, {one.holder}, {one.currency}: {shown}")
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem


def _set_account(
    lender: Lender,
    number: str,
    holder: str,
    bank: str,
    bic: str,
    currency: str | None,
    *,
    cash: bool,
    show: bool,
) -> None:
    plain, code = numbers.number_of(number), (currency or lender.currency).upper()
    name, bic_code = holder or lender.legal_name, numbers.number_of(bic)
    wrong = numbers.wrong_with(number=plain, holder=name, bic=bic_code, currency=code)
    if wrong is not None:
        raise click.ClickException(_WRONG[wrong])
    try:
        done = accounts.put(
            lender,
            number=plain,
            holder=name,
            bank=bank,
            bic=bic_code,
            currency=code,
            kind="cash" if cash else "bank",
            show=show,
            by=OPERATOR,
        )
    except ValueError as problem:
        raise click.ClickException("This account is known in another currency, or as cash; it stays that.") from problem
    if isinstance(done, accounts.AnotherIsShown):
        raise click.ClickException(
            f"People who owe {code} are shown {numbers.grouped(done.number)}. Set that one with --hidden first."
        )

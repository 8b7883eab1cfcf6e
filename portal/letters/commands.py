"""`flask lender seal` and `letters`: with what a lender's letters are sealed, in which languages, who answers."""

from __future__ import annotations

from pathlib import Path

import click

from portal import clock
from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.lenders.settings import NoSuchLender, by_slug, set_letters
from portal.letters import certificates, seals
from portal.web.tags import LETTER_LANGUAGES


@click.command("seal")
@click.argument("slug")
@click.option(
    "--pkcs12", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A key with its certificates."
)
@click.option(
    "--password-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Else it is asked for."
)
@click.option(
    "--make", is_flag=True, help="Make a key with a root of its own, which nobody knows until you publish it."
)
@click.option("--none", "none", is_flag=True, help="Let letters leave unsealed; they say so.")
@click.option("--roots", is_flag=True, help="Print all roots that its letters lead to, as PEM.")
def seal_command(
    slug: str, *, pkcs12: Path | None, password_file: Path | None, make: bool, none: bool, roots: bool
) -> None:
    """Set or show with what a lender's letters are sealed: a key and certificates of its own."""
    if sum((pkcs12 is not None, make, none, roots)) > 1:
        raise click.ClickException("Give one of --pkcs12, --make, --none and --roots.")
    try:
        pair = _brought(pkcs12, password_file) if pkcs12 else None
        with transaction():
            lender = by_slug(slug)
            if make:
                pair = certificates.made_for(lender.legal_name, now=clock.now())
            if pair is not None:
                seals.set_seal(lender, pair, by=OPERATOR)
            elif none:
                seals.end_seal(lender, by=OPERATOR)
            if roots:
                click.echo(seals.roots_of(lender.id) or "", nl=False)
                return
            now = seals.seal_of(lender.id)
            said = f"{now.owner}, good until {now.good_until:%Y-%m-%d}" if now else "letters are not sealed, and say so"
            if now is not None and seals.usable(lender.id) is None:
                said += "; it can't be used, so letters are not sealed"
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    except certificates.CannotSeal as problem:
        raise click.ClickException(f"This can't seal letters: {problem}.") from problem
    click.echo(f"{slug}: {said}.")


def _brought(file: Path, password_file: Path | None) -> certificates.SealPair:
    if password_file is not None:
        password = password_file.read_text("utf-8").rstrip("\n")
    else:
        password = click.prompt("Password of the file", hide_input=True, default="", show_default=False)
    return certificates.from_pkcs12(file.read_bytes(), password=password, now=clock.now())


@click.command("letters")
@click.argument("slug")
@click.option(
    "--beside", type=click.Choice(sorted(LETTER_LANGUAGES)), help="A second language behind the person's own."
)
@click.option("--name", help="Who answers for the letters, printed at their end.")
@click.option("--role", help="What that person is: Head of repayments.")
@click.option("--default", "default", is_flag=True, help="One language a letter, and nobody's name.")
def lender_letters_command(slug: str, *, beside: str | None, name: str | None, role: str | None, default: bool) -> None:
    """Set or show a second language that a lender's letters have, and who answers for them."""
    try:
        with transaction():
            lender = by_slug(slug)
            if default or beside or name or role:
                set_letters(
                    lender,
                    given={
                        "letters_beside": beside or (None if default else lender.letters_beside),
                        "signatory_name": name or (None if default else lender.signatory_name),
                        "signatory_role": role or (None if default else lender.signatory_role),
                    },
                    by=OPERATOR,
                )
            second = LETTER_LANGUAGES[lender.letters_beside] if lender.letters_beside else "no second language"
            signs = ", ".join(filter(None, (lender.signatory_name, lender.signatory_role))) or "nobody's name"
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    click.echo(f"{slug}: {second}, {signs}.")

"""`flask lender ways`: what debts may be paid with."""

from __future__ import annotations

import click

from portal.db import transaction
from portal.evidence.record import OPERATOR
from portal.lenders.settings import NoSuchLender, by_slug, set_ways
from portal.payments import rails
from portal.payments.checkout import choice_of


def _known(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Take names of ways to pay as Stripe has them.

    :raises click.BadParameter: if one isn't known, or is what everything else needs.
    """
    for name in given:
        if name not in rails.TABLE or name in ("card", "link"):
            raise click.BadParameter(f"{name!r} is no way to pay that can be left out; known are {', '.join(_NAMES)}.")
    return given


_NAMES = sorted(set(rails.TABLE) - {"card", "link"})


@click.command("ways")
@click.argument("slug")
@click.option("--credit-cards/--no-credit-cards", default=None, help="Whether a debt may be paid with a credit card.")
@click.option("--pay-later/--no-pay-later", default=None, help="Whether with a service that lends the money.")
@click.option("--without", multiple=True, callback=_known, help="A way that is not offered, as Stripe names it.")
@click.option("--with-all", is_flag=True, help="Offer every way again that was left out.")
def ways_command(
    slug: str, *, credit_cards: bool | None, pay_later: bool | None, without: tuple[str, ...], with_all: bool
) -> None:
    """Set or show with what debts may be paid: by default with nothing that is borrowed."""
    try:
        with transaction():
            lender = by_slug(slug)
            before = choice_of(lender)
            if credit_cards is not None or pay_later is not None or without or with_all:
                set_ways(
                    lender,
                    credit_cards=before.credit_cards if credit_cards is None else credit_cards,
                    pay_later=before.pay_later if pay_later is None else pay_later,
                    without=without if with_all else (*before.without, *without),
                    by=OPERATOR,
                )
            choice, currency = choice_of(lender), lender.currency
    except NoSuchLender as problem:
        raise click.ClickException(f"There is no lender called {problem.slug!r}.") from problem
    click.echo(
        f"{slug}: credit cards {'are' if choice.credit_cards else 'are not'} taken, "
        f"pay-later services {'are' if choice.pay_later else 'are not'}."
    )
    click.echo(f"May be offered for {currency}: {', '.join(rail.name for rail in rails.offered(currency, choice))}.")

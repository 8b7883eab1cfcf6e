"""A letter that is none: a made-up person's statement, with a lender's settings as somebody has just typed them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask import current_app

from portal import clock
from portal.db import session
from portal.lenders.models import Lender
from portal.letterhead.acts import Letterhead
from portal.letters import issue, logos, spoken
from portal.letters.contents import (
    PLAIN_BRAND,
    SAMPLE,
    Amounts,
    Entry,
    Help,
    Letter,
    Party,
    Statement,
    StatementLine,
)
from portal.money import Money

# In the scripts that letters are written in; nobody is called so.
_NAMES: Final = {"zh_Hans": "王某某", "zh_Hant": "王某某", "es": "Ana Ejemplo", "pt_BR": "Ana Exemplo"}
_SECONDS: Final = 20.0


def sample_of(lender: Lender, wished: Letterhead, *, language: str) -> Letter:
    """Give the letter as it would look."""
    now, columns, mark = clock.now(), wished.columns, wished.mark
    own = spoken.as_in(language, lender)
    second = spoken.as_in(columns["letters_beside"], lender) if columns["letters_beside"] else None
    kept = None if wished.no_logo else lender.letters_logo
    return Letter(
        number=SAMPLE,
        issued_at=now,
        as_at=now,
        zone=lender.zone,
        language=own,
        languages=(),
        lender=Party(
            name=lender.name,
            legal_name=columns["legal_name"],
            address=tuple(columns["address"]),
            licence=columns["licence"] or None,
            phone=lender.phone or None,
            email=lender.email or None,
            website=lender.website or None,
            signatory=columns["signatory_name"],
            signatory_role=columns["signatory_role"],
        ),
        help=Help(
            website=current_app.config["BASE_URL"],
            query_days=issue.QUERY_DAYS,
            complaint_days=issue.COMPLAINT_DAYS,
            phone=lender.phone or None,
        ),
        debtor_name=_NAMES.get(language, "Alex Example"),
        debt_reference="SAMPLE-0000",
        masked_account="•••• 0000",
        details=_statement(lender),
        brand_colour=wished.accent or (lender.brand["accent"] if lender.brand else PLAIN_BRAND),
        beside=second if second != own else None,
        logo=mark.sha256 if mark else kept,
    )


def _statement(lender: Lender) -> Statement:
    today, zero = clock.today(lender.zone), Money.zero(lender.currency)
    owed, paid = Money(125_000, lender.currency), Money(15_000, lender.currency)
    nothing = Amounts(principal=zero, interest=zero, penalty=zero, fees=zero, costs=zero)
    return Statement(
        since=today - timedelta(days=60),
        until=today,
        opening=nothing,
        opening_credit=zero,
        lines=(
            StatementLine(
                on=today - timedelta(days=60), entry=Entry.OPENING, reference="OPENING", amount=owed, owed=owed
            ),
            StatementLine(
                on=today - timedelta(days=30), entry=Entry.PAYMENT, reference="PAYMENT", amount=-paid, owed=owed - paid
            ),
        ),
        closing=Amounts(principal=owed - paid, interest=zero, penalty=zero, fees=zero, costs=zero),
        closing_credit=zero,
    )


def drawn(lender: Lender, wished: Letterhead, *, language: str) -> bytes:
    """Give a sample as PDF.

    :raises portal.letters.sheet.MissingGlyph: if a character of it is in none of the fonts.
    """
    letter = sample_of(lender, wished, language=language)
    logo = wished.mark.content if wished.mark else logos.kept(lender.id, letter.logo)
    # Nothing stays open while it is drawn: it takes a while.
    session.rollback()
    return issue.drawn(letter, logo=logo, seconds=_SECONDS).pdf

"""RULES: which language a letter is in, and which it has beside that.

A person's letters are in the language that they chose for letters, else in that of their pages. What a lender wants
beside comes behind it in the same file, unless it is the same language.
"""

from __future__ import annotations

import uuid
from contextlib import suppress

from babel import Locale, UnknownLocaleError

from portal.db import session
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.people.models import Debtor

# Spanish is written in one way and counts in two: 1.418,63 in Spain, 1,418.63 in Mexico.
_BY_COUNTRY = frozenset({"es"})


def language_of(debtor: Debtor, lender: Lender) -> str:
    """Give the language of a person's letters, with the lender's country where amounts depend on that: `es_MX`."""
    return as_in(debtor.letter_language or debtor.language, lender)


def beside(debtor: Debtor, lender: Lender) -> str | None:
    """Give the second language of a person's letters, or None for one language."""
    if lender.letters_beside is None:
        return None
    second = as_in(lender.letters_beside, lender)
    return second if second != language_of(debtor, lender) else None


def chosen_by(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> str:
    """Give the language that a person's letters are in, as they chose it."""
    debtor = session.get_one(Debtor, (lender_id, debtor_id))
    return debtor.letter_language or debtor.language


def choose(debtor: Debtor, language: str) -> bool:
    """Let a person's letters be in a language from now on; gives whether they weren't. That of pages follows those."""
    wanted = language if language != debtor.language else None
    if wanted == debtor.letter_language:
        return False
    record(
        Act.LETTER_LANGUAGE_CHOSEN,
        by=Actor("debtor", str(debtor.id)),
        lender_id=debtor.lender_id,
        debtor_id=debtor.id,
        facts={"before": debtor.letter_language or debtor.language, "after": language},
    )
    debtor.letter_language = wanted
    return True


def as_in(language: str, lender: Lender) -> str:
    """Give a language with the lender's country where amounts depend on that."""
    if language in _BY_COUNTRY:
        with suppress(UnknownLocaleError):
            return str(Locale(language, lender.jurisdiction[:2].upper()))
    return language

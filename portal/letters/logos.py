"""A lender's logo for its letters: really decoded, laid on white, made small, and written anew as a plain PNG.

Invariant: what is kept was written here, pixel by pixel. Of the file that came nothing else is left.
"""

from __future__ import annotations

import hashlib
import importlib
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from portal import clock
from portal.db import insert_unless_there, new_id, session
from portal.letters.models import LetterLogo

LARGEST_FILE: Final = 256 * 1024
# Decoded they take 32 MB.
MOST_PIXELS: Final = 8_000_000
# So much is left of what a bank takes: 40 KB for a sealed plan agreement, 90 KB in Chinese.
LARGEST_KEPT: Final = 1850
# Where it stands on paper, as in letter.css.
WIDTH_MM: Final = 45
HEIGHT_MM: Final = 11


class Refused(StrEnum):
    """Why a file can't be the logo of letters."""

    NO_PICTURE = "it is no PNG and no JPEG"
    TOO_LARGE = "it has too many bytes"
    TOO_MANY_PIXELS = "it has too many pixels"
    EMPTY = "nothing of it would be seen on white"
    TOO_FINE = "it can't be made small enough"


@dataclass(frozen=True, slots=True)
class LetterMark:
    """A logo as letters have it: a PNG with a palette, without transparency or anything beside its pixels."""

    content: bytes

    @property
    def sha256(self) -> str:
        """Give what letters name it by."""
        return hashlib.sha256(self.content).hexdigest()


def mark_from(content: bytes) -> LetterMark | Refused:
    """Read a picture that somebody gives, and draw it anew, or say why it can't be.

    What comes of it is at most 45 by 11 mm on paper, and 1,850 bytes.
    """
    made: LetterMark | Refused = importlib.import_module("portal.letters.pictures").mark_from(content)
    return made


def keep(lender_id: uuid.UUID, mark: LetterMark) -> str:
    """Keep a logo for the letters that will have it, once, and for ever; gives its name."""
    session.execute(
        insert_unless_there(LetterLogo)
        .values(lender_id=lender_id, id=new_id(), sha256=mark.sha256, content=mark.content, set_at=clock.now())
        .on_conflict_do_nothing(index_elements=["lender_id", "sha256"])
    )
    return mark.sha256


def kept(lender_id: uuid.UUID, name: str | None) -> bytes | None:
    """Give the logo that a letter of a lender names, or None for none.

    :raises sqlalchemy.exc.NoResultFound: if the lender has none of that name.
    """
    if name is None:
        return None
    return session.scalars(
        select(LetterLogo.content).where(LetterLogo.lender_id == lender_id, LetterLogo.sha256 == name)
    ).one()

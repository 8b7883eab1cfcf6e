"""A lender's logo for its letters: really decoded, laid on white, made small, and written anew as a plain PNG.

Invariant: what is kept was written here, pixel by pixel. Of the file that came nothing else is left.
"""

from __future__ import annotations

import hashlib
import io
import uuid
import warnings
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from portal import clock
from portal.db import insert_unless_there, new_id, session
from portal.letters.models import LetterLogo

LARGEST_FILE: Final = 512 * 1024
# Decoded they take 32 MB.
MOST_PIXELS: Final = 8_000_000
# So much is left of what a bank takes: 40 KB for a sealed plan agreement, 90 KB in Chinese.
LARGEST_KEPT: Final = 2000
# Where it stands on paper, as in letter.css.
WIDTH_MM: Final = 45
HEIGHT_MM: Final = 11
# Points for each millimetre of that, finest first (8 are 203 to the inch), each with so many colours.
_FINENESS: Final = (8.0, 6.5, 5.75, 5.0, 4.0)
_COLOURS: Final = (32, 16)


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
    """Read a picture that somebody gives, and draw it anew, at most 45 by 11 mm and 2,000 bytes; or say why it can't be."""
    # Only where somebody gives a logo: pages do without it.
    from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

    if len(content) > LARGEST_FILE:
        return Refused.TOO_LARGE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Nothing but its head is read here.
            picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if picture.width * picture.height > MOST_PIXELS:
            return Refused.TOO_MANY_PIXELS
        picture.load()
        if picture.mode.startswith("I"):
            # 16 bits a point; nothing else that a PNG can be is wider than 8.
            picture = picture.point(lambda value: value / 256).convert("L")
        seen = ImageOps.exif_transpose(picture).convert("RGBA")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Refused.TOO_MANY_PIXELS
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, MemoryError):
        return Refused.NO_PICTURE
    flat = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    # A margin of its own would push it away from the edge that everything else begins at.
    box = ImageChops.invert(flat).convert("L").point(lambda value: 255 if value > 4 else 0).getbbox()
    if box is None:
        return Refused.EMPTY
    flat = flat.crop(box)
    for fineness in _FINENESS:
        scale = min(WIDTH_MM * fineness / flat.width, HEIGHT_MM * fineness / flat.height, 1.0)
        size = (max(round(flat.width * scale), 1), max(round(flat.height * scale), 1))
        small = flat.resize(size, Image.Resampling.LANCZOS)
        for colours in _COLOURS:
            out = io.BytesIO()
            # The median cut mixes colours that few points have with others; a logo is made of such.
            few = small.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
            few.save(out, format="PNG", optimize=True, bits=4 if colours <= 16 else 8)
            if len(out.getvalue()) <= LARGEST_KEPT:
                return LetterMark(out.getvalue())
    return Refused.TOO_FINE


def keep(lender_id: uuid.UUID, mark: LetterMark) -> str:
    """Keep a logo for the letters that will have it, once, and for ever; gives its name."""
    session.execute(
        insert_unless_there(LetterLogo)
        .values(lender_id=lender_id, id=new_id(), sha256=mark.sha256, content=mark.content, set_at=clock.now())
        .on_conflict_do_nothing(index_elements=["lender_id", "sha256"])
    )
    return mark.sha256


def kept(sha256: str) -> bytes:
    """Give the logo that a letter names; whoever of the lenders keeps it, a name stands for the same bytes.

    :raises sqlalchemy.exc.NoResultFound: if nobody has it.
    """
    return session.scalars(select(LetterLogo.content).where(LetterLogo.sha256 == sha256).limit(1)).one()

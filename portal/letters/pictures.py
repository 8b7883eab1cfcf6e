"""The one door to Pillow, which is read in where somebody gives a logo, and never where pages are made."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PIL import Image, ImageChops, ImageFile, ImageOps, UnidentifiedImageError

from portal.letters.logos import HEIGHT_MM, LARGEST_FILE, LARGEST_KEPT, MOST_PIXELS, WIDTH_MM, LetterMark, Refused

# Points for each millimetre on paper, finest first (8 are 203 to the inch), each with so many colours.
_FINENESS: Final = (8.0, 6.5, 5.75, 5.0, 4.0)
_COLOURS: Final = (32, 16)


def mark_from(content: bytes) -> LetterMark | Refused:
    """Read a picture, and draw it anew as `logos.mark_from` says."""
    if len(content) > LARGEST_FILE:
        return Refused.TOO_LARGE
    seen = _decoded(content)
    if isinstance(seen, Refused):
        return seen
    flat = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    # A margin of its own would push it away from the edge that everything else begins at.
    box = ImageChops.invert(flat).convert("L").point(lambda value: 255 if value > 4 else 0).getbbox()
    return Refused.EMPTY if box is None else _small(flat.crop(box))


def _decoded(content: bytes) -> Image.Image | Refused:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # Nothing but its head is read here.
            picture: Image.Image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if picture.width * picture.height > MOST_PIXELS:
            return Refused.TOO_MANY_PIXELS
        with _whole_only():
            picture.load()
        if picture.mode.startswith("I"):
            # 16 bits a point; nothing else that a PNG can be is wider than 8.
            picture = picture.point(lambda value: value / 256).convert("L")
        return ImageOps.exif_transpose(picture).convert("RGBA")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Refused.TOO_MANY_PIXELS
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, MemoryError):
        return Refused.NO_PICTURE


@contextmanager
def _whole_only() -> Iterator[None]:
    # WeasyPrint lets Pillow make grey of what is missing of a picture, in whichever process it was read in.
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _small(flat: Image.Image) -> LetterMark | Refused:
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

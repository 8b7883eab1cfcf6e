"""A lender's brand: a handful of tokens that its pages take on, checked for contrast before anybody sees them.

Invariant: whatever is kept here passes; what does not is refused with the nearest colour that does.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree

import brotli
from sqlalchemy import delete, select

from portal.db import session
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender, LenderCard, LenderLogo
from portal.web import colours, static_files
from portal.web.colours import DARK, LIGHT, MODES, Oklch, TooWeak

BRANDED: Final = ("brand", "brand-strong", "brand-text", "brand-wash")
CORNERS: Final[Mapping[str, tuple[str, str]]] = {
    "round": (".75rem", "1rem"),
    "soft": (".375rem", ".5rem"),
    "square": ("0", "0"),
}
# As sent. A first visit may take 14 KB in all, and the logo is the icon of the page too.
LARGEST_LOGO: Final = 1536
LARGEST_FILE: Final = 64 * 1024
LONGEST_NAME: Final = 60
_SVG: Final = "{http://www.w3.org/2000/svg}"
_SVG_TAGS: Final = frozenset(
    """svg g path circle rect ellipse line polyline polygon title defs linearGradient radialGradient stop
    """.split()  # noqa: SIM905 - a list of eighty words in quotes is read by nobody
)
_SVG_ATTRIBUTES: Final = frozenset(
    """id viewBox width height x y x1 y1 x2 y2 cx cy r rx ry d points transform fill fill-rule fill-opacity clip-rule
    opacity stroke stroke-width stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray stroke-opacity offset
    stop-color stop-opacity gradientUnits gradientTransform spreadMethod preserveAspectRatio
    """.split()  # noqa: SIM905
)
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_PARTS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
MOST_PIXELS: Final = 1024


# Colours.


@dataclass(frozen=True, slots=True)
class Weak:
    """An accent that can't be used: in which mode, what is too weak, and the nearest that can; None if none can."""

    accent: str
    mode: str
    worst: TooWeak
    instead: str | None


def shades(accent: str, *, mode: str) -> Mapping[str, str]:
    """Give the roles that follow from an accent: itself, a stronger one under a finger, words on it, a wash of it."""
    of = colours.to_oklch(accent)
    if mode == LIGHT:
        strong = Oklch(of.lightness - 0.08, of.chroma, of.hue)
        wash, text = Oklch(0.945, min(of.chroma, 0.02), of.hue), "#ffffff"
    else:
        strong = Oklch(of.lightness + 0.06, of.chroma, of.hue)
        wash = Oklch(0.31, min(of.chroma, 0.03), of.hue)
        text = colours.from_oklch(Oklch(0.25, min(of.chroma, 0.04), of.hue))
    return {
        "brand": accent,
        "brand-strong": colours.from_oklch(strong),
        "brand-text": text,
        "brand-wash": colours.from_oklch(wash),
    }


def _problems(accent: str, *, mode: str) -> tuple[TooWeak, ...]:
    roles = {**colours.own_roles(mode), **shades(accent, mode=mode)}
    return colours.too_weak(roles, of=BRANDED)


def checked(accent: str, *, mode: str) -> Weak | None:
    """Say why an accent can't be used in a mode, with the nearest of its hue that can, or None if it can."""
    problems = _problems(accent, mode=mode)
    if not problems:
        return None
    instead = colours.nearest(accent, passes=lambda other: not _problems(other, mode=mode))
    return Weak(accent=accent, mode=mode, worst=problems[0], instead=instead)


def weak_accent(accent: str) -> Weak | None:
    """Say why an accent can't be used, on light pages or as the one that goes with it on dark ones; None if it can.

    :raises portal.web.colours.NotAColour: if it is not written as #rgb or #rrggbb.
    """
    light = colours.colour_from(accent)
    both = zip(MODES, (light, dark_of(light)), strict=True)
    return next((weak for mode, colour in both if (weak := checked(colour, mode=mode)) is not None), None)


def dark_of(accent: str) -> str:
    """Give the accent of dark pages that goes with a light one: the same hue, calmer, as light as it must be."""
    of = colours.to_oklch(accent)
    calm = colours.from_oklch(Oklch(0.8, min(of.chroma, 0.09), of.hue))
    return colours.nearest(calm, passes=lambda other: not _problems(other, mode=DARK)) or calm


# Logos.


@dataclass(frozen=True, slots=True)
class BadLogo:
    """A logo that can't be used: not-svg-or-png, unsafe, too-large or too-many-pixels; `what` names the part of it."""

    why: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo with nothing in it but shapes or pixels: kind is svg or png."""

    kind: str
    content: bytes

    @property
    def hash(self) -> str:
        """Give what its address carries."""
        return hashlib.sha256(self.content).hexdigest()[:12]


def logo_from(content: bytes) -> Logo | BadLogo:
    """Read a logo, and leave out whatever could do more than be seen."""
    if len(content) > LARGEST_FILE:
        return BadLogo("too-large", f"{len(content):,} bytes")
    made = _png(content) if content.startswith(_PNG) else _svg(content)
    if isinstance(made, Logo):
        sent = len(made.content) if made.kind == "png" else len(brotli.compress(made.content, quality=11))
        if sent > LARGEST_LOGO:
            return BadLogo("too-large", f"{sent:,} bytes as sent")
    return made


def _svg(content: bytes) -> Logo | BadLogo:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return BadLogo("not-svg-or-png")
    # Entities and document types can grow without end or fetch files; no drawing needs them.
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        return BadLogo("unsafe", "<!DOCTYPE>")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities there is nothing to expand
    except ElementTree.ParseError:
        return BadLogo("not-svg-or-png")
    if root.tag != f"{_SVG}svg":
        return BadLogo("not-svg-or-png")
    for parent in root.iter():
        tag = parent.tag.removeprefix(_SVG) if isinstance(parent.tag, str) else "?"
        if tag not in _SVG_TAGS:
            return BadLogo("unsafe", f"<{tag}>")
        for name, value in list(parent.attrib.items()):
            if name.startswith(("{", "aria-", "data-")) or name in {"class", "version", "role"}:
                # What only an editor or a style sheet reads is left out; a link is not.
                if name.endswith("}href"):
                    return BadLogo("unsafe", "href")
                del parent.attrib[name]
            elif name not in _SVG_ATTRIBUTES or ("(" in value and not _harmless(name, value)):
                return BadLogo("unsafe", name)
    if not root.get("viewBox"):
        return BadLogo("unsafe", "no viewBox")
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    return Logo("svg", ElementTree.tostring(root, encoding="unicode").encode())


def _harmless(name: str, value: str) -> bool:
    return name in {"transform", "gradientTransform"} or value.startswith(("url(#", "rgb("))


def _png(content: bytes) -> Logo | BadLogo:
    at, kept, seen = len(_PNG), [_PNG], []
    while at + 12 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        part = content[at : at + 12 + size]
        if len(part) < 12 + size or zlib.crc32(part[4 : 8 + size]) != struct.unpack(">I", part[-4:])[0]:
            return BadLogo("not-svg-or-png")
        if kind == b"IHDR" and max(struct.unpack(">II", part[8:16])) > MOST_PIXELS:
            return BadLogo("too-many-pixels", f"{MOST_PIXELS}")
        seen.append(kind)
        # Texts, dates, places and whatever else a camera or an editor wrote stay out.
        if kind in _PNG_PARTS:
            kept.append(part)
        at += 12 + size
        if kind == b"IEND":
            break
    if not seen or seen[0] != b"IHDR" or b"IDAT" not in seen or seen[-1] != b"IEND":
        return BadLogo("not-svg-or-png")
    return Logo("png", b"".join(kept))


# The act.


@dataclass(frozen=True, slots=True)
class Branded:
    """The brand is set; `dark` is the accent that dark pages use."""

    accent: str
    dark: str


def set_brand(
    lender: Lender,
    *,
    accent: str,
    accent_dark: str | None = None,
    corners: str = "round",
    name: str | None = None,
    logo: Logo | None = None,
    keep_logo: bool = True,
    by: Actor,
) -> Branded | Weak:
    """Set a lender's brand, or say which colour is too weak; with `keep_logo` the one before stays if none is given.

    :raises portal.web.colours.NotAColour: if a colour is not written as #rgb or #rrggbb.
    """
    light = colours.colour_from(accent)
    dark = colours.colour_from(accent_dark) if accent_dark else dark_of(light)
    for mode, colour in zip(MODES, (light, dark), strict=True):
        if (weak := checked(colour, mode=mode)) is not None:
            return weak
    before = lender.brand or {}
    tokens = {"accent": light, "accent_dark": dark, "corners": corners}
    lender.brand = {
        **tokens,
        "name": name,
        "style": hashlib.sha256(repr(sorted(tokens.items())).encode()).hexdigest()[:12],
        "logo": f"{logo.hash}.{logo.kind}" if logo else (before.get("logo") if keep_logo else None),
    }
    if logo is not None or not keep_logo:
        session.execute(delete(LenderLogo).where(LenderLogo.lender_id == lender.id))
    if logo is not None:
        session.add(LenderLogo(lender_id=lender.id, kind=logo.kind, hash=logo.hash, content=logo.content))
    record(Act.LENDER_BRANDED, by=by, lender_id=lender.id, facts={"before": before, "after": lender.brand})
    return Branded(accent=light, dark=dark)


def drop_brand(lender: Lender, *, by: Actor) -> None:
    """Give a lender the portal's own look again."""
    before = lender.brand
    lender.brand = None
    session.execute(delete(LenderLogo).where(LenderLogo.lender_id == lender.id))
    record(Act.LENDER_BRANDED, by=by, lender_id=lender.id, facts={"before": before, "after": None})


# What pages show of it.


@dataclass(frozen=True, slots=True)
class Look:
    """What a page needs of a brand: the name and address parts of its style sheet and its logo."""

    slug: str
    style: str
    logo: str | None
    name: str | None


def look_of(lender: Lender | LenderCard | None) -> Look | None:
    """Give the look of a lender with a brand of its own, or None."""
    if lender is None or not lender.brand:
        return None
    brand = lender.brand
    return Look(
        slug=lender.slug,
        style=_sheet(brand["accent"], brand["accent_dark"], brand["corners"]).hash,
        logo=brand["logo"],
        name=brand["name"],
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A style sheet as it is sent: the portal's own with the brand's tokens behind it, plain and compressed."""

    hash: str
    plain: bytes
    brotli: bytes
    gzip: bytes


def sheet_of(lender: Lender) -> Sheet | None:
    """Give a lender's whole style sheet: one file, so that a first visit asks for no more than without a brand."""
    brand = lender.brand
    return _sheet(brand["accent"], brand["accent_dark"], brand["corners"]) if brand else None


@lru_cache(maxsize=256)
def _sheet(accent: str, accent_dark: str, corners: str) -> Sheet:
    tokens = tokens_css(accent=accent, accent_dark=accent_dark, corners=corners)
    plain = static_files.content("app.css") + tokens.encode()
    packer = zlib.compressobj(9, wbits=31)
    return Sheet(
        hash=hashlib.sha256(plain).hexdigest()[:12],
        plain=plain,
        brotli=brotli.compress(plain, quality=9),
        gzip=packer.compress(plain) + packer.flush(),
    )


def tokens_css(*, accent: str, accent_dark: str, corners: str) -> str:
    """Give the tokens of a brand as CSS; paper has no brand, so they hold on screens only."""
    round_, card = CORNERS[corners]
    light, dark = (
        "".join(f"--{role}:{colour};" for role, colour in shades(colour, mode=mode).items())
        for mode, colour in ((LIGHT, accent), (DARK, accent_dark))
    )
    return (
        f"@media screen{{:root{{{light}--round:{round_};--round-card:{card}}}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def logo_of(lender: Lender) -> Logo | None:
    """Give a lender's logo, or None."""
    found = session.scalars(select(LenderLogo).where(LenderLogo.lender_id == lender.id)).one_or_none()
    return Logo(found.kind, found.content) if found is not None else None

"""What a letter's PDF need not carry is taken out before it is written, so that it stays small to keep and to send.

Four things, none of which changes what is seen, read aloud or copied: of the structure the layers that say nothing
(half of it), of the embedded fonts the tables that only text editors read, of the colour profile its long tables, in
the place of which stand the formulas that they were worked out from, and of a logo its points written out as colours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pydyf
from fontTools.ttLib import TTFont

# ISO 32000-1, 9.9: what a font that is used by the numbers of its glyphs consists of.
FONT_TABLES: Final = frozenset({"glyf", "head", "hhea", "hmtx", "loca", "maxp", "cvt ", "fpgm", "prep"})
# sRGB as IEC 61966-2-1 has it, by parameters (ICC.1:2004-10); made with LittleCMS, which asks for no licence.
SRGB: Final = Path(__file__).with_name("srgb.icc").read_bytes()
# What groups text and says nothing of it, and what may hold text itself.
_HOLLOW: Final = frozenset({"/Span", "/NonStruct"})
_HOLDS_TEXT: Final = frozenset({"/P", "/H1", "/H2", "/H3", "/TD", "/TH", "/LBody", "/Lbl", *_HOLLOW})
_REFERENCE: Final = re.compile(rb"(\d+) 0 R")


def make_lean(pdf: pydyf.PDF, *, languages: Mapping[str, str], logo: bytes | None = None) -> None:
    """Take out of a PDF that is about to be written what it need not carry, and say which language parts of it are in.

    `logo`: the PNG with a palette that is its one picture. `languages`: of kinds of structure elements, as `Art`, the
    BCP 47 tag of what stands in them.
    """
    _structure(pdf, languages)
    for item in pdf.objects:
        if isinstance(item, pydyf.Stream):
            if "Length1" in item.extra:
                item.stream = [_font(item.stream[0])]
                item.extra["Length1"] = len(item.stream[0])
            elif item.extra.get("N") == 3:
                item.stream = [SRGB]
            elif logo is not None and item.extra.get("Subtype") == "/Image":
                _with_palette(item, logo)


def _with_palette(picture: pydyf.Stream, logo: bytes) -> None:
    """Let a picture be as it is in its PNG: numbers of colours and a palette, a third of all points as colours."""
    parts = list(_parts(logo))
    [palette] = [content for kind, content in parts if kind == b"PLTE"]
    colours = pydyf.Array(["/Indexed", "/DeviceRGB", len(palette) // 3 - 1, f"<{palette.hex()}>"])
    picture.stream = [b"".join(content for kind, content in parts if kind == b"IDAT")]
    picture.extra["ColorSpace"] = colours
    picture.extra["DecodeParms"]["Colors"] = 1
    # The head of a PNG: width and height in four bytes each, then how many bits a point has.
    picture.extra["BitsPerComponent"] = picture.extra["DecodeParms"]["BitsPerComponent"] = parts[0][1][8]


def _parts(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the kind and the content of each part of a PNG that `logos` has written."""
    at = 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += size + 12


def _structure(pdf: pydyf.PDF, languages: Mapping[str, str]) -> None:
    elements = {item.reference: item for item in pdf.objects if _type(item) == "/StructElem"}
    gone: dict[bytes, bytes] = {}

    def kids_of(element: pydyf.Dictionary) -> list[Any]:
        found: list[Any] = []
        for kid in element["K"]:
            child = elements.get(kid) if isinstance(kid, bytes) else None
            if child is None:
                found.append(kid)
                continue
            inner = kids_of(child)
            if not (child["S"] in _HOLLOW and element["S"] in _HOLDS_TEXT and child.keys() <= _SAYS_NOTHING):
                found.append(kid)
                continue
            gone[kid] = element.reference
            found += [_moved(each, child, element, elements) for each in inner]
        element["K"] = pydyf.Array(found)
        return found

    below = {kid for element in elements.values() for kid in element["K"] if isinstance(kid, bytes)}
    for reference, element in elements.items():
        if reference not in below:
            kids_of(element)
    for item in pdf.objects:
        if _type(item) == "/StructTreeRoot":
            tree = next(each for each in pdf.objects if each.reference == item["ParentTree"])
            for held in tree["Nums"][1::2]:
                held[:] = [_last(gone, each) for each in held]
    for element in elements.values():
        _head(element, within=elements.get(element["P"]), elements=elements)
        if (language := languages.get(element["S"].removeprefix("/"))) is not None:
            element["Lang"] = pydyf.String(language)
        del element["Type"]
        if not any(isinstance(kid, int) for kid in element["K"]):
            element.pop("Pg", None)
        if len(element["K"]) == 1:
            (element["K"],) = element["K"]
    _without(pdf, gone)


_SAYS_NOTHING: Final = frozenset({"Type", "S", "K", "Pg", "P"})


def _head(cell: pydyf.Dictionary, *, within: Any, elements: Mapping[bytes, Any]) -> None:
    """Let the head of a column or row say that it is one, in the place of every cell naming its heads."""
    if cell["S"] == "/TH":
        cell.pop("ID", None)
        above = elements.get(within["P"]) if within else None
        cell["A"]["Scope"] = "/Column" if above and above["S"] == "/THead" else "/Row"
    elif cell["S"] == "/TD":
        cell["A"].pop("Headers", None)
        if cell["A"].keys() == {"O"}:
            del cell["A"]


def _type(item: pydyf.Object) -> str | None:
    return item.get("Type") if isinstance(item, pydyf.Dictionary) else None


def _moved(kid: Any, child: pydyf.Dictionary, element: pydyf.Dictionary, elements: Mapping[bytes, Any]) -> Any:
    """Give what stood in a child as it stands in the element itself: text of another page names its page."""
    if isinstance(kid, bytes) and kid in elements:
        elements[kid]["P"] = element.reference
    elif isinstance(kid, int) and child.get("Pg") != element.get("Pg"):
        return pydyf.Dictionary({"Type": "/MCR", "Pg": child["Pg"], "MCID": kid})
    return kid


def _last(gone: Mapping[bytes, bytes], reference: bytes) -> bytes:
    while reference in gone:
        reference = gone[reference]
    return reference


def _without(pdf: pydyf.PDF, gone: Iterable[bytes]) -> None:
    """Take objects out that nothing names any more, and number the others anew."""
    leaving = frozenset(gone)
    kept = [item for item in pdf.objects if item.reference not in leaving]
    new = {item.reference: f"{number} 0 R".encode() for number, item in enumerate(kept)}
    for number, item in enumerate(kept):
        item.number = number
        _renamed(item.extra if isinstance(item, pydyf.Stream) else item, new.__getitem__)
    pdf.objects[:] = kept


def _renamed(value: Any, new: Callable[[bytes], bytes]) -> Any:
    """Put new references in the place of old ones, in whatever holds them."""
    if isinstance(value, bytes | str):
        raw = value.encode() if isinstance(value, str) else value
        return _REFERENCE.sub(lambda found: new(found[0]), raw) if _REFERENCE.fullmatch(raw) else value
    if isinstance(value, dict):
        for key in value:
            value[key] = _renamed(value[key], new)
    elif isinstance(value, list):
        value[:] = [_renamed(each, new) for each in value]
    return value


def _font(content: bytes) -> bytes:
    with TTFont(BytesIO(content), lazy=True, recalcTimestamp=False, recalcBBoxes=False) as font:
        for tag in set(font.keys()) - FONT_TABLES - {"GlyphOrder"}:
            del font[tag]
        made = BytesIO()
        font.save(made)
    return made.getvalue()

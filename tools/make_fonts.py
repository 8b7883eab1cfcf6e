"""Rebuild the fonts of the letters in static/fonts from the npm packages of Noto Sans, Noto Sans SC and Noto Sans TC.

Run by hand when a version changes (`.venv/bin/python tools/make_fonts.py`), never at set-up. Needs the npm client and
fontTools. Two runs give the same bytes, so `git status` shows at once whether anything changed.

WeasyPrint embeds one file for each family and weight, so a family is never split over several files.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = Path(__file__).resolve().parent.parent / "static" / "fonts"
LATIN = ("@expo-google-fonts/noto-sans", "0.4.2")
CHINESE = ("@expo-google-fonts/noto-sans-sc", "0.4.3")
TRADITIONAL = ("@expo-google-fonts/noto-sans-tc", "0.4.3")
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "liga", "tnum", "lnum", "case"]


def between(*ranges: tuple[int, int]) -> frozenset[int]:
    """Return every code point of the ranges, both ends included."""
    return frozenset(point for first, last in ranges for point in range(first, last + 1))


def in_two_bytes(encoding: str, rows: Iterable[int], cells: Iterable[int]) -> Iterator[int]:
    """Give the code points that an encoding writes in two bytes of some range."""
    cells = tuple(cells)
    for row in rows:
        for cell in cells:
            try:
                yield ord(bytes((row, cell)).decode(encoding))
            except UnicodeDecodeError:
                continue


def gb2312() -> Iterator[int]:
    """Give the code points of GB 2312-80: 6,763 Han characters and 682 signs."""
    return in_two_bytes("gb2312", range(0xA1, 0xF8), range(0xA1, 0xFF))


def big5() -> Iterator[int]:
    """Give the code points of Big5: 13,053 Han characters, and signs."""
    return in_two_bytes("big5", range(0xA1, 0xFA), (*range(0x40, 0x7F), *range(0xA1, 0xFF)))


# Latin with its extensions, combining accents, Greek, Cyrillic, Vietnamese, punctuation, currency signs and № ™ ℓ.
WESTERN = between(
    (0x20, 0x24F),
    (0x259, 0x259),
    (0x2BB, 0x2C9),
    (0x300, 0x338),
    (0x370, 0x3FF),
    (0x400, 0x52F),
    (0x1E00, 0x1EFF),
    (0x2000, 0x206F),
    (0x2070, 0x209C),
    (0x20A0, 0x20C0),
    (0x2100, 0x214F),
    (0x2190, 0x2193),
    (0x2212, 0x2212),
)
HAN = between(
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x3007, 0x3007), (0x2E80, 0x2FDF)
)
COMMON_CHINESE = frozenset(gb2312()) | between(
    (0x3000, 0x303F), (0xFF00, 0xFFEF), (0x2000, 0x206F), (0x20, 0x7E), (0xA0, 0xA0)
)
# All of it in both weights: a bold face with fewer counts as one for another language, and is passed over.
COMMON_TRADITIONAL = frozenset(big5()) | between(
    (0x3000, 0x303F), (0xFF00, 0xFFEF), (0x2000, 0x206F), (0x20, 0x7E), (0xA0, 0xA0)
)
# A space or a comma beside a rare character is drawn with the same font, so that one needs them too.
BESIDE = between((0x20, 0x7E), (0xA0, 0xA0), (0xB7, 0xB7), (0x2010, 0x2027), (0x3000, 0x303F), (0xFF00, 0xFFEF))
RARE_CHINESE = (HAN - COMMON_CHINESE) | BESIDE


@dataclass(frozen=True)
class Cut:
    """One file to write: from which package and which file in it, which characters."""

    package: tuple[str, str]
    source: str
    target: str
    characters: frozenset[int]


CUTS = (
    Cut(LATIN, "400Regular/NotoSans_400Regular.ttf", "latin-400.ttf", WESTERN),
    Cut(LATIN, "700Bold/NotoSans_700Bold.ttf", "latin-700.ttf", WESTERN),
    Cut(CHINESE, "400Regular/NotoSansSC_400Regular.ttf", "chinese-400.ttf", COMMON_CHINESE),
    Cut(CHINESE, "700Bold/NotoSansSC_700Bold.ttf", "chinese-700.ttf", COMMON_CHINESE),
    Cut(CHINESE, "400Regular/NotoSansSC_400Regular.ttf", "chinese-rare-400.ttf", RARE_CHINESE),
    Cut(TRADITIONAL, "400Regular/NotoSansTC_400Regular.ttf", "traditional-400.ttf", COMMON_TRADITIONAL),
    Cut(TRADITIONAL, "700Bold/NotoSansTC_700Bold.ttf", "traditional-700.ttf", COMMON_TRADITIONAL),
)
LICENCES = (
    (LATIN, "OFL-noto-sans.txt"),
    (CHINESE, "OFL-noto-sans-sc.txt"),
    (TRADITIONAL, "OFL-noto-sans-tc.txt"),
)


def unpacked(package: tuple[str, str], folder: Path) -> Path:
    """Fetch one version of one npm package and return the folder it was unpacked to."""
    name, version = package
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    target = folder / name.rpartition("/")[2]
    with tarfile.open(folder / packed) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def cut(source: Path, target: Path, characters: Iterable[int]) -> None:
    """Write the characters of a font to a file of their own, without hinting and without a new time stamp."""
    options = Options()
    options.hinting = False
    options.layout_features = FEATURES
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.recalc_timestamp = False
    font = TTFont(source, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.save(target)


def main() -> None:
    """Rebuild every font file and print its size and digest."""
    FONTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {package: unpacked(package, Path(scratch)) for package, _name in LICENCES}
        for each in CUTS:
            target = FONTS / each.target
            cut(folders[each.package] / each.source, target, each.characters)
            digest = hashlib.sha256(target.read_bytes()).hexdigest()
            print(f"{each.target:24} {target.stat().st_size:>9,} bytes  sha256 {digest}")
        for package, name in LICENCES:
            (FONTS / name).write_bytes((folders[package] / "LICENSE_FONT").read_bytes())


if __name__ == "__main__":
    sys.exit(main())

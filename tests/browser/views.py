"""In what ways a page is looked at: how wide, light or dark, with scripts or without, in which language."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Literal

from tests.debtor_pages import PAGES, DebtorPage
from tests.scene import LANGUAGES

WIDTHS = {320: 640, 390: 844, 1280: 800}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
TURNS = 3


@dataclass(frozen=True)
class View:
    """One way to look."""

    width: int
    scheme: Scheme
    javascript: bool
    language: str

    @property
    def height(self) -> int:
        """Give the height of such a screen."""
        return WIDTHS[self.width]

    @property
    def mobile(self) -> bool:
        """Say whether it is a phone."""
        return self.width < 1_000

    @property
    def locale(self) -> str:
        """Give what such a browser says of its language."""
        return {"en": "en-US", "zh_Hans": "zh-CN"}[self.language]

    def __str__(self) -> str:
        """Name it for a person."""
        return f"{self.width} {self.scheme} {self.language} {'js' if self.javascript else 'no js'}"


ALL = tuple(View(*each) for each in product(WIDTHS, SCHEMES, (True, False), LANGUAGES))


def everything() -> bool:
    """Say whether all there is shall be looked at."""
    return os.environ.get("BROWSER") == "all"


@lru_cache(maxsize=1)
def turn() -> int:
    """Give whose turn it is, 0 to 2: as BROWSER_TURN says, else by the commit, so that all come up."""
    said = os.environ.get("BROWSER_TURN")
    if said is None:
        root = Path(__file__).resolve().parents[2]
        asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True)
        said = str(int(asked.stdout[:8], 16)) if asked.returncode == 0 else "0"
    return int(said) % TURNS


def pages() -> Sequence[DebtorPage]:
    """Give the pages to look at: all with BROWSER=all, else the main ones and every third of the others in turns."""
    if everything():
        return PAGES
    others = [page for page in PAGES if not page.main]
    return [page for page in PAGES if page.main or others.index(page) % TURNS == turn()]


def of(number: int) -> tuple[View, ...]:
    """Give the ways to look at the page of a number: all with BROWSER=all, else one; 24 in a row have them all."""
    if everything():
        return ALL
    view = View(
        width=tuple(WIDTHS)[number % 3],
        scheme=SCHEMES[number % 2],
        language=LANGUAGES[number // 2 % 2],
        javascript=number // 4 % 2 == 0,
    )
    return (view,)

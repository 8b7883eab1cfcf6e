"""In what ways a page is looked at: how wide, light or dark, with scripts or without, in which language."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from tests.debtor_pages import PAGES, DebtorPage
from tests.scene import LANGUAGES
from tests.turns import turn

WIDTHS = {320: 640, 390: 844, 1280: 800}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
TURNS = 5


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


def pages() -> Sequence[DebtorPage]:
    """Give the pages to look at: all with BROWSER=all, else the main ones and every fifth of the others in turns."""
    if everything():
        return PAGES
    others = [page for page in PAGES if not page.main]
    return [page for page in PAGES if page.main or others.index(page) % TURNS == turn() % TURNS]


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

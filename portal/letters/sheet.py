"""What the drawing of a letter is given and gives back, and what can stand in its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


class SystemIncomplete(Exception):
    """Something outside Python is missing; `sentences` say what and how to install it."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__(sentences)
        self.sentences = sentences


class MissingGlyph(Exception):
    """None of the letter fonts can draw `characters`; an empty box in a name must not go out."""

    def __init__(self, characters: tuple[str, ...]) -> None:
        super().__init__(characters)
        self.characters = characters


class BrokenTemplate(Exception):
    """The letter asked for something that could not be loaded or understood; `messages` are WeasyPrint's."""

    def __init__(self, messages: tuple[str, ...]) -> None:
        super().__init__(messages)
        self.messages = messages


class RenderTimeout(Exception):
    """The letter was not ready within `seconds`; nothing was issued and it can be asked for again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished letter."""

    pdf: bytes
    pages: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that a drawing process is given: finished HTML, the data to attach, and which parts are in which language.

    `languages`: the BCP 47 tag of what stands in `article` (`Art`) and `blockquote` (`BlockQuote`), if it is another.
    `logo`: the PNG that is its one picture.
    """

    html: str
    data: str
    file_name: str
    issued_at: datetime
    languages: Mapping[str, str] = field(default_factory=dict)
    logo: bytes | None = None

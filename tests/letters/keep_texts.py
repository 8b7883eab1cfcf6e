"""What each made-up letter says in each language, word for word, as it is kept in `tests/letters/texts`.

Run `python -m tests.letters.keep_texts` after words or templates were changed on purpose, and read what is different.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from portal.letters import pdf
from portal.letters.contents import Letter
from portal.web.languages import LETTER_LANGUAGES
from tests.letters import examples

FOLDER = Path(__file__).with_name("texts")
# The others say the same with more lines.
NAMES = tuple(name for name in examples.MAKERS if not name.endswith("-of-60"))


def letter_of(name: str, language: str) -> Letter:
    """The letter of a maker in a language, sealed, with an address to check it at."""
    return examples.a_letter_in(
        language,
        examples.MAKERS[name](),
        sealed=True,
        verify_url="https://pay.harbour.example/check-a-letter/LT-7K3M-2Q9P",
    )


def text_of(letter: Letter) -> str:
    """What a letter says: a line for each paragraph, item and row, with bars between the cells."""
    page = pdf.write_html(
        template=letter.template,
        letter=letter,
        environment=examples.environment(letter.language),
        language=letter.language,
    )
    page = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    page = re.sub(r"\s+", " ", page)
    page = re.sub(r"</t[dh]>\s*(?=<t[dh])", " | ", page)
    page = re.sub(r"</(?:tr|p|h\d|li|title|div|span)>|<br>|<(?:ul|ol)\b[^>]*>", "\n", page)
    lines = (" ".join(html.unescape(re.sub(r"<[^>]*>", "", line)).split()) for line in page.split("\n"))
    return "".join(f"{line}\n" for line in lines if line)


def kept(name: str) -> dict[str, str]:
    """The kept texts of a letter by language."""
    return {language: (FOLDER / f"{name}.{language}.txt").read_text("utf-8") for language in LETTER_LANGUAGES}


def keep() -> None:
    """Write all texts as they are now, and nothing else into the folder."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name in NAMES:
        for language in LETTER_LANGUAGES:
            (FOLDER / f"{name}.{language}.txt").write_text(text_of(letter_of(name, language)), "utf-8")


if __name__ == "__main__":
    keep()

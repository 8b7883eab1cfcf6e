"""Language tags: which of our languages fits one. Apart, because a file of debts needs this and no page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}
# Letters are in more languages than pages: theirs have a catalogue with the words of letters and nothing else.
LETTER_LANGUAGES = {**LANGUAGES, "zh_Hant": "繁體中文", "es": "Español", "pt_BR": "Português (Brasil)"}


def best(tags: Iterable[str]) -> str | None:
    """Give the first of our languages that fits one of some BCP 47 tags, or None.

    `zh-CN`, `zh-SG` and plain `zh` are Simplified Chinese; `zh-TW` is not, and is left to the next tag.
    """
    for tag in tags:
        if (ours := _ours(tag)) is not None:
            return ours
    return None


@lru_cache(maxsize=256)
def only_of_letters(tag: str) -> str | None:
    """Give the language of letters, and not of pages, that fits a BCP 47 tag: `zh-TW` is Traditional Chinese."""
    wanted = _parsed(tag)
    if wanted is None or _ours(tag) is not None:
        return None
    return {"zh": "zh_Hant", "es": "es", "pt": "pt_BR"}.get(wanted.language)


def _parsed(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, LookupError, UnknownLocaleError):
        # Browsers exist in languages that Babel has never heard of.
        return None


# Babel looks for the language's files each time, and a portfolio asks a million times. Bounded: visitors send tags too.
@lru_cache(maxsize=256)
def _ours(tag: str) -> str | None:
    wanted = _parsed(tag)
    if wanted is None:
        return None
    if wanted.language == "zh" and (wanted.script or "Hans") == "Hans":
        return "zh_Hans"
    return wanted.language if wanted.language in LANGUAGES else None

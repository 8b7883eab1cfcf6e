"""Language tags: which of our languages fits one. Apart, because a file of debts needs this and no page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}


def best(tags: Iterable[str]) -> str | None:
    """Give the first of our languages that fits one of some BCP 47 tags, or None.

    `zh-CN`, `zh-SG` and plain `zh` are Simplified Chinese; `zh-TW` is not, and is left to the next tag.
    """
    for tag in tags:
        if (ours := _ours(tag)) is not None:
            return ours
    return None


# Babel looks for the language's files each time, and a portfolio asks a million times. Bounded: visitors send tags too.
@lru_cache(maxsize=256)
def _ours(tag: str) -> str | None:
    try:
        wanted = Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, LookupError, UnknownLocaleError):
        # Browsers exist in languages that Babel has never heard of.
        return None
    if wanted is None:
        return None
    if wanted.language == "zh" and (wanted.script or "Hans") == "Hans":
        return "zh_Hans"
    return wanted.language if wanted.language in LANGUAGES else None

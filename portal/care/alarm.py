"""RULES  Whether words should reach a person at once, because somebody may be in danger. A person decides, not this."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

LIST: Final = Path(__file__).with_name("alarm.toml")


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = "".join(sign for sign in folded if unicodedata.category(sign) != "Cf")
    return re.sub(r"\s+", " ", re.sub("[’‘ʼ`´]", "'", folded))


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    lists = tomllib.loads(LIST.read_text("utf-8"))
    beginnings = {_plain(word) for word in lists.pop("beginnings")}
    parts = []
    for words in lists.values():
        for word in map(_plain, words):
            if re.search("[㐀-鿿]", word):
                # Chinese has no spaces between words, and people put some in.
                parts.append(r"\s*".join(map(re.escape, word)))
            else:
                parts.append(rf"\b{re.escape(word)}" + ("" if word in beginnings else r"\b"))
    return re.compile("|".join(parts))


def is_urgent(words: str) -> bool:
    """Say whether a person should read these words before everything else."""
    return _pattern().search(_plain(words)) is not None

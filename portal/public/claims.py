"""RULES: what somebody pasted who asks "is this really you?": addresses, a message's code, or neither."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from portal.post.compose import ALPHABET

MOST_CHARACTERS = 4000
# As a message may end with it: `K7-4F2M`.
_CODE = re.compile(rf"(?<![\w-])[{ALPHABET}]{{2}}-[{ALPHABET}]{{4}}(?![\w-])", re.IGNORECASE)
# Without its dash a code looks like a word, so it must stand alone.
_CODE_ALONE = re.compile(rf"\s*[{ALPHABET}]{{2}}[\s-]*[{ALPHABET}]{{4}}\s*", re.IGNORECASE)
# Signs that end an address in a sentence; browsers take some of them for a part of the host's name.
_ENDS = "'“”‘’（）()，。"
# So they end none where more of a name follows: https://ours.example’.evil.example leads elsewhere.
_NAME_GOES_ON = rf"[{_ENDS}]+(?=[A-Za-z0-9-]*\.[A-Za-z0-9-])"
_PATH = rf"(?:[/?#][^\s<>\"{_ENDS}]*)?"
# Times and telephone numbers are none: "GMT+08:00", "Tel:+1 555 0100".
_WITH_SCHEME = re.compile(
    r"(?<![a-z0-9+.-])(?:https?:|(?!tel:)[a-z][a-z0-9+.-]{1,20}:(?!\d))/*"
    rf"(?:[^\s<>\"/?#{_ENDS}]|{_NAME_GOES_ON})+{_PATH}",
    re.IGNORECASE,
)
_WITHOUT_SCHEME = re.compile(
    rf"(?<![\w@./-])(?:(?:[\w-]+\.)+[^\W\d_]{{2,}}(?![\w.-]*@)|(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?=[:/]))"
    rf"(?:{_NAME_GOES_ON}[\w.-]*)*(?::\d+)?{_PATH}"
)
# Browsers take the full stops of Chinese and Japanese for a dot: https://ours。cn leads to ours.cn.
_ASIAN_DOT = re.compile(r"(?<=[A-Za-z0-9-])[。．｡](?=[A-Za-z0-9-])")
_INVITATION = re.compile(r"/i/([A-Za-z0-9_-]{16,128})")


@dataclass(frozen=True, slots=True)
class Link:
    """An address. `ours`: it leads to us and nowhere else; `token` is that of an invitation, if it is one."""

    ours: bool
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """The code of a message, in one form: `K7-4F2M`."""

    text: str


def read(text: str, *, base_url: str) -> tuple[Link | Code, ...]:
    """Give every address and code in what was pasted, at most twenty of them.

    `base_url` is where the portal is reached. An address is ours only with that very scheme, host and port, no name
    or password before the host, and no sign in the host that looks like another.
    """
    text = _ASIAN_DOT.sub(".", unicodedata.normalize("NFC", text[:MOST_CHARACTERS]))
    links: list[Link | Code] = []
    rest = text
    for pattern, begin in ((_WITH_SCHEME, ""), (_WITHOUT_SCHEME, urlsplit(base_url).scheme + "://")):
        for found in pattern.findall(rest):
            links.append(_link(begin + found.rstrip(".,;:!?)]}»'’”）"), base_url=base_url))
        rest = pattern.sub(" ", rest)
    written = [rest] if _CODE_ALONE.fullmatch(rest) else _CODE.findall(rest)
    codes = [Code(f"{raw[:2]}-{raw[2:]}") for raw in (re.sub(r"[\s-]", "", code).upper() for code in written)]
    return tuple(dict.fromkeys([*links, *codes]))[:20]


def _link(url: str, *, base_url: str) -> Link:
    ours = urlsplit(base_url)
    if "\\" in url or any(unicodedata.category(sign).startswith("C") for sign in url):
        return Link(ours=False)
    try:
        parts = urlsplit(url)
        same = (
            parts.scheme.lower() == ours.scheme
            and parts.netloc.isascii()
            and "@" not in parts.netloc
            and (parts.hostname or "") == (ours.hostname or "")
            and (parts.port or _usual(parts.scheme)) == (ours.port or _usual(ours.scheme))
            and url[len(parts.scheme) :].startswith("://")
            and not url[len(parts.scheme) :].startswith(":///")
        )
    except ValueError:
        return Link(ours=False)
    if not same:
        return Link(ours=False)
    token = _INVITATION.fullmatch(parts.path)
    return Link(ours=True, token=token[1] if token else None)


def _usual(scheme: str) -> int:
    return 443 if scheme.lower() == "https" else 80

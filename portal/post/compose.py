"""Put a message together: what it says, who it is from, how to check that it is ours, how to stop it.

Invariant: the plain and the HTML part of an e-mail are drawn from one list of blocks, so they say the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app
from jinja2.utils import urlize
from markupsafe import Markup

from portal.lenders.models import Lender
from portal.post.segments import plainer, segments
from portal.web.languages import gettext as _
from portal.web.languages import page_language, tag

MOST_SEGMENTS = 2
# Without letters and figures that are taken for each other.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_CODE = re.compile(rf"[{ALPHABET}]{{2}}-[{ALPHABET}]{{4}}")
# The page where anybody checks a message.
REALLY_US = "/is-this-really-you"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a message leads."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says: an e-mail's subject and paragraphs, an SMS's short text, the one link of both."""

    subject: str
    paragraphs: tuple[str, ...]
    sms: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of an e-mail: words, and for a link the address that is shown below them."""

    kind: str
    words: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """A message as it leaves; an SMS has no HTML."""

    subject: str
    body: str
    html: str | None


def new_check_code() -> str:
    """Make a check code such as `K7-4F2M`."""
    signs = [secrets.choice(ALPHABET) for _sign in range(6)]
    return "".join(signs[:2]) + "-" + "".join(signs[2:])


def hashed(*parts: str) -> str:
    """Give a keyed SHA-256, hexadecimal, so that the database alone reveals no code or token."""
    key = str(current_app.config["SECRET_KEY"])
    return hmac.new(key.encode(), "\x00".join(("post", *parts)).encode(), hashlib.sha256).hexdigest()


def mail_name(message_id: uuid.UUID) -> str:
    """Give the name of an e-mail in its Message-ID: its id, and a token by which we know that the name is ours.

    Short, so that the header stays on one line.
    """
    token = bytes.fromhex(hashed("mail", message_id.hex))[:8]
    return f"{_base32(message_id.bytes)}.{_base32(token)}"


def message_named(name: str) -> uuid.UUID | None:
    """Give the id of the message that we gave this name, or None if it is none of ours."""
    try:
        message_id = uuid.UUID(bytes=base64.b32decode(name.partition(".")[0].upper() + "======"))
    except ValueError:
        return None
    return message_id if hmac.compare_digest(name.encode(), mail_name(message_id).encode()) else None


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def base_url() -> str:
    """Give the address of the portal as people type it."""
    return str(current_app.config["BASE_URL"])


def email(words: Words, *, lender: Lender, check_code: str, stop_url: str | None) -> Parts:
    """Give both parts of an e-mail in the language in force."""
    blocks = [Block("text", text) for text in words.paragraphs]
    if words.link is not None:
        blocks.append(Block("link", words.link.words, words.link.url))
    blocks.append(Block("line", ""))
    blocks.append(
        Block("small", "\n".join(line for line in (lender.legal_name, *lender.address, lender.phone) if line))
    )
    blocks.append(
        Block(
            "small",
            _(
                "Check that this message is from us: type %(address)s into your browser and enter the code %(code)s. "
                "You don’t have to use a link in a message.",
                address=base_url() + REALLY_US,
                code=check_code,
            ),
        )
    )
    if stop_url is not None:
        blocks.append(Block("small", _("No more e-mails like this: %(address)s", address=stop_url)))
    return Parts(
        subject=" ".join(words.subject.split()),
        body=_plain(blocks),
        html=current_app.jinja_env.get_template("post/mail.html").render(
            subject=words.subject, blocks=blocks, linked=_linked, language_tag=tag(page_language())
        ),
    )


def _linked(line: str) -> Markup:
    """Give a line made harmless, its addresses as links in the colour of the text: a dark screen stays readable."""
    return Markup(urlize(line).replace("<a ", '<a style="color:inherit" '))  # noqa: S704 - what urlize has escaped


def _plain(blocks: Sequence[Block]) -> str:
    pieces = []
    for block in blocks:
        match block.kind:
            case "line":
                pieces.append("-- ")
            case "link":
                pieces.append(f"{block.words}:\n{block.url}")
            case _:
                pieces.append(block.words)
    return "\n\n".join(pieces) + "\n"


def sms(words: Words, *, lender: Lender, check_code: str, stop_url: str | None) -> Parts:
    """Give an SMS of at most two segments: name and link first, then the text, how to stop, how to check.

    What must be there always is; the longer way to say it is taken where it fits.
    """
    place = urlsplit(base_url()).netloc + REALLY_US
    checks = (
        _("Is this really us? %(place)s, code %(code)s", place=place, code=check_code),
        _("Check code %(code)s", code=check_code),
    )
    stops: tuple[str, ...] = ("",)
    if stop_url is not None:
        stops = (_("No more SMS: reply STOP or open %(address)s", address=stop_url), _("No more SMS: reply STOP"))
    names = (lender.name, _shorter(lender.name, 20), _shorter(lender.name, 12))
    whole = ""
    # Where to check is worth more than a whole name.
    for check in checks:
        for name in names:
            for stop in stops:
                whole = plainer("\n".join(part for part in (_head(words, name, lender), stop, check) if part))
                if segments(whole) <= MOST_SEGMENTS:
                    return Parts(subject=words.subject, body=whole, html=None)
    return Parts(subject=words.subject, body=whole, html=None)


def _shorter(name: str, most: int) -> str:
    """Give the beginning of a name, cut between words where it has several."""
    if len(name) <= most:
        return name
    whole_words = name[: most + 1].rpartition(" ")[0].rstrip(" ,.&-")
    if whole_words.count("(") > whole_words.count(")"):
        whole_words = whole_words.rpartition("(")[0].rstrip(" ,.&-")
    return whole_words or name[:most]


def _head(words: Words, name: str, lender: Lender) -> str:
    # Some languages put the name in brackets of their own.
    if words.sms.find(lender.name) in (0, 1):
        return words.sms.replace(lender.name, name, 1)
    if words.link is None:
        return f"{name}: {words.sms}"
    return f"{name}, {words.link.url}\n{words.sms}"

"""Read mails that say that a message of ours was not delivered (RFC 3464), and heed them.

Invariant: a report counts only if it carries the name that we gave the message, which nobody can guess; so whoever
makes one up learns nothing and silences nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message as Mail
from email.parser import BytesParser, HeaderParser
from enum import Enum

from portal.db import session
from portal.lenders.settings import all_lenders
from portal.post import compose
from portal.post.deliver import heard
from portal.post.models import Message
from portal.post.smtp import NoSuchAddress, ascii_address, says_nobody_there
from portal.post.states import Word

# A report has our mail in it, which is small.
LARGEST = 1_000_000
_NAME = re.compile(r"\b([a-z2-7]{26}\.[a-z2-7]{13})@")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY = re.compile(r"\b(5\d\d)\b")
# A mail server that took a message and then found no host to bring it to.
_NO_SUCH_HOST = ("5.1.2", "5.4.4")


class Heeded(Enum):
    """What became of a mail."""

    NO_REPORT = "no report of a delivery"
    NOT_OURS = "about no message of ours"
    STILL_TRYING = "still trying"
    NOT_ARRIVED = "not arrived"
    NOBODY_THERE = "nobody there"
    KNOWN = "known before"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a report says of one address: `for_good` once nobody tries any more."""

    addresses: frozenset[str]
    code: str
    diagnostic: str
    for_good: bool

    @property
    def nobody_there(self) -> bool:
        """Say whether it speaks of the address, and for good: of a full or slow mailbox it doesn't."""
        if not self.code.startswith("5."):
            return False
        # Some servers give a general status, and the one that they were told only in the words of the other server.
        told = _STATUS.search(self.diagnostic) if self.code.endswith(".0.0") else None
        enhanced = told[1] if told else self.code
        if enhanced in _NO_SUCH_HOST:
            return True
        reply = _REPLY.search(self.diagnostic)
        words = "" if enhanced.endswith(".0.0") else enhanced
        return says_nobody_there(int(reply[1]) if reply else 0, words, about_address=True)


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail says of a message: the names in it that may be ours, and what became of each address."""

    names: tuple[str, ...]
    failures: tuple[Failure, ...]


def read_report(raw: bytes) -> Report | None:
    """Read a mail; None if it is no report of a delivery, whatever else it is."""
    if len(raw) > LARGEST:
        return None
    try:
        mail = BytesParser().parsebytes(raw)
        if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
            return None
        parts = [part for part in mail.get_payload() if isinstance(part, Mail)]
        names = [name for part in parts for name in _names_in_copy(part)]
        names += _names(mail, "In-Reply-To", "References")
        failures = [failure for part in parts for failure in _failures(part)]
    # What strangers send may be anything, and the parser is known to stumble over some of it.
    except (MessageError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None
    return Report(tuple(dict.fromkeys(names)), tuple(failures)) if failures else None


def _names_in_copy(part: Mail) -> list[str]:
    """Give what may be our name in the copy of our mail, or of its headers, that a report brings back."""
    match part.get_content_type():
        case "message/rfc822" | "message/global":
            copies = part.get_payload()
            copy = copies[0] if isinstance(copies, list) and copies else None
            return _names(copy, "Message-ID") if isinstance(copy, Mail) else []
        case "text/rfc822-headers" | "message/global-headers":
            text = part.get_payload(decode=True)
            headers = text.decode("utf-8", "replace") if isinstance(text, bytes) else ""
            return _names(HeaderParser().parsestr(headers), "Message-ID")
    return []


def _names(mail: Mail, *headers: str) -> list[str]:
    return [name for header in headers for value in mail.get_all(header, []) for name in _NAME.findall(str(value))]


def _failures(part: Mail) -> Iterator[Failure]:
    blocks = part.get_payload()
    if part.get_content_type() != "message/delivery-status" or not isinstance(blocks, list):
        return
    for block in blocks:
        if not isinstance(block, Mail):
            continue
        action = str(block.get("Action", "")).strip().lower()
        status = _STATUS.search(str(block.get("Status", "")))
        if not action or status is None or status[1].startswith("2."):
            continue
        addresses = {
            str(value).rpartition(";")[2].strip().strip("<>").lower()
            for header in ("Original-Recipient", "Final-Recipient")
            for value in block.get_all(header, [])
        }
        diagnostic = " ".join(str(block.get("Diagnostic-Code", "")).split())
        yield Failure(frozenset(addresses), status[1], diagnostic, for_good=action == "failed")


def heed(raw: bytes) -> Heeded:
    """Take a mail: note that a message did not arrive, and that there is nobody at its address if it says so.

    Each report counts once. One about another address, as after forwarding, says nothing about ours.
    """
    report = read_report(raw)
    if report is None:
        return Heeded.NO_REPORT
    found = next((message for name in report.names if (message := _named(name)) is not None), None)
    if found is None:
        return Heeded.NOT_OURS
    gone = [failure for failure in report.failures if failure.for_good]
    if not gone:
        return Heeded.STILL_TRYING
    ours = _forms_of(found.address)
    about_us = [failure for failure in gone if failure.addresses & ours]
    nobody_there = any(failure.nobody_there for failure in about_us)
    said = next((failure for failure in about_us if failure.nobody_there), (about_us or gone)[0])
    new = heard(
        lender_id=found.lender_id,
        message_id=found.id,
        provider_id=compose.mail_name(found.id),
        word=Word.NOT_ARRIVED,
        code=said.code,
        nobody_there=nobody_there,
    )
    if not new:
        return Heeded.KNOWN
    return Heeded.NOBODY_THERE if nobody_there else Heeded.NOT_ARRIVED


def _named(name: str) -> Message | None:
    """Give the e-mail with a name, if the name is one that we gave."""
    message_id = compose.message_named(name)
    if message_id is None:
        return None
    rows = (session.get(Message, (lender.id, message_id)) for lender in all_lenders())
    return next((message for message in rows if message is not None and message.channel == "email"), None)


def _forms_of(address: str) -> frozenset[str]:
    """Give an address as we have it and as a mail server writes it."""
    try:
        written = ascii_address(address)
    except NoSuchAddress:
        written = address
    return frozenset({address.strip().lower(), written.lower()})

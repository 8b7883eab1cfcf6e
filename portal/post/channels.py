"""What a message is handed to: a mail server, an SMS provider, or nobody (the outbox page of a demo)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a provider gets it."""

    lender_id: uuid.UUID
    id: uuid.UUID
    # What stands before the @ of an e-mail's Message-ID; a report about it brings it back.
    name: str
    to: str
    sender: str
    reply_to: str | None
    subject: str
    body: str
    html: str | None
    language: str
    check_code: str | None
    stop_url: str | None
    written_at: datetime
    # There was a try before, and nobody knows what became of it.
    lost_before: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider took it."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotNow:
    """The provider can't take it now; it surely did not leave."""

    detail: str


@dataclass(frozen=True, slots=True)
class NobodyThere:
    """The provider says that there is nobody at this address."""

    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider won't ever take this message; the address may be good."""

    detail: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The provider knows that this person wants no more messages from us."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The line broke after the message was handed over: it may have left."""

    detail: str


Answer = Taken | NotNow | NobodyThere | Refused | Stopped | Unknown


@dataclass(frozen=True, slots=True)
class Channel:
    """Who takes messages of a channel, and how."""

    provider: str
    hand_over: Callable[[Outgoing], Answer]


Channels = Mapping[str, Channel]


def shown_only(_message: Outgoing) -> Answer:
    """Take a message without sending it: in a demo it stands on the outbox page."""
    return Taken()


def nobody(_message: Outgoing) -> Answer:
    """Refuse: outside a demo there must be somebody who sends."""
    return Refused("no provider is set for this channel")

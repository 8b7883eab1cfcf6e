"""Whether the code at the end of a message is one of ours; whoever asks learns nothing more."""

from __future__ import annotations

from portal.db import session
from portal.post.compose import hashed
from portal.post.models import MessageCheck


def sent_by_us(code: str) -> bool:
    """Say whether a message with this check code was written here; `code` looks like `K7-4F2M`."""
    return session.get(MessageCheck, hashed("check", code)) is not None

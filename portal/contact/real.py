"""Say whether a message code or a link is ours, and nothing about whose it is."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import current_app

from portal.db import session
from portal.people.models import LinkToken
from portal.people.sign_in import hashed as link_hash
from portal.post import compose
from portal.post.models import MessageCheck, StopLink
from portal.web.fields import tidy

LONGEST = 2000


def sent_by_us(code_or_link: str) -> bool:
    """Say whether a code stands in a message of ours, or a link leads to a page of ours.

    Of a link with a token in it we must have sent the very token. Case, spaces and a missing dash don't matter.
    """
    text = tidy(code_or_link)[:LONGEST]
    if "/" in text or "." in text:
        return _is_our_link(text)
    signs = re.sub(r"[\s-]", "", text).upper()
    if len(signs) != 6:
        return False
    code = f"{signs[:2]}-{signs[2:]}"
    if not compose.CHECK_CODE.fullmatch(code):
        return False
    return session.get(MessageCheck, compose.hashed("check", code)) is not None


def _is_our_link(text: str) -> bool:
    base = urlsplit(compose.base_url())
    # People leave out https://, and a browser adds it.
    try:
        parts = urlsplit(text if "://" in text else f"{base.scheme}://{text}")
        there = parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.hostname != base.hostname or there != base.port:
        return False
    if parts.scheme != base.scheme or "\\" in text:
        return False
    match parts.path.rstrip("/").split("/")[1:]:
        case ["i", token]:
            key = str(current_app.config["SECRET_KEY"])
            return session.get(LinkToken, link_hash("link", token, key=key)) is not None
        case ["stop", token, *_rest]:
            return session.get(StopLink, compose.hashed("stop-link", token.lower())) is not None
    return True

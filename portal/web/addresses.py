"""Addresses of our pages, as templates ask for them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import flask
from flask import has_request_context, request
from werkzeug.routing import Map


def url_for(endpoint: str, *, _anchor: str | None = None, **values: Any) -> str:
    """Give the address of a page of ours; what was asked for lately is not worked out again, and a page asks twenty."""
    if not has_request_context():
        return flask.url_for(endpoint, _anchor=_anchor, **values)
    return _lately(request.script_root, endpoint, _anchor, *values.items())


@lru_cache(maxsize=4096)
def _lately(_root: str, endpoint: str, anchor: str | None, *values: tuple[str, Any]) -> str:
    """Give an address below the root where the application stands, which is part of what is remembered."""
    return flask.url_for(endpoint, _anchor=anchor, **dict(values))


# Where a door led before each had a page of its own.
_DOORS_BEFORE = {
    "cant-pay": "cannot-pay",
    "not-mine": "not-mine",
    "wrong-amount": "wrong-amount",
    "talk-to-a-person": "person",
    "complain": "person",
}


def door(kind: str, debt: str | None = None) -> str:
    """Give the address of one of the other doors, which knows the debt that the page is about."""
    about = {"debt": debt} if debt else {}
    if "care.ask" in flask.current_app.view_functions:
        return url_for("care.ask", kind=kind, **about)
    return url_for("care.help", _anchor=_DOORS_BEFORE[kind], **about)


def page_at(path: str) -> str | None:
    """Give the address of the page with this path, or None where the portal has no such page."""
    endpoint = _pages(flask.current_app.url_map).get(path)
    return url_for(endpoint) if endpoint else None


@lru_cache(maxsize=8)
def _pages(pages: Map) -> dict[str, str]:
    return {rule.rule: rule.endpoint for rule in pages.iter_rules() if "GET" in (rule.methods or ())}

"""Addresses of our pages, as templates ask for them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import flask
from flask import has_request_context, request


def url_for(endpoint: str, *, _anchor: str | None = None, **values: Any) -> str:
    """Give the address of a page of ours; what was asked for lately is not worked out again, and a page asks twenty."""
    if not has_request_context():
        return flask.url_for(endpoint, _anchor=_anchor, **values)
    return _lately(request.script_root, endpoint, _anchor, *values.items())


@lru_cache(maxsize=4096)
def _lately(_root: str, endpoint: str, anchor: str | None, *values: tuple[str, Any]) -> str:
    """Give an address below the root where the application stands, which is part of what is remembered."""
    return flask.url_for(endpoint, _anchor=anchor, **dict(values))

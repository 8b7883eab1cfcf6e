"""Addresses of our pages, as templates ask for them."""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import flask
from flask import Flask, has_request_context, request

# Below which path the application stands, for the page that is being made: a page asks for it some thirty times.
_root: ContextVar[str] = ContextVar("root")


def install(app: Flask) -> None:
    """Note for each page where the application stands."""

    @app.before_request
    def note() -> None:
        _root.set(request.script_root)


def root() -> str:
    """Give the path below which the application stands; it is part of what is remembered of a page."""
    return _root.get("")


def url_for(endpoint: str, *, _anchor: str | None = None, **values: Any) -> str:
    """Give the address of a page of ours; what was asked for lately is not worked out again, and a page asks twenty."""
    if not has_request_context():
        return flask.url_for(endpoint, _anchor=_anchor, **values)
    return _lately(root(), endpoint, _anchor, *values.items())


@lru_cache(maxsize=4096)
def _lately(_root: str, endpoint: str, anchor: str | None, *values: tuple[str, Any]) -> str:
    return flask.url_for(endpoint, _anchor=anchor, **dict(values))


def door(kind: str, debt: str | None = None) -> str:
    """Give the address of one of the other doors, which knows the debt that the page is about."""
    return url_for("care.ask", kind=kind, debt=debt) if debt else url_for("care.ask", kind=kind)

"""What a person sees, for a colleague to look at: the person's own views and templates, and nothing to do on them.

A view is called as the person would call it, without the gate that asks the person to sign in. Only pages that read are
among these, and of what they show only the main part is taken: links lead on among these pages or nowhere, and forms
and buttons are off. The answer says so to the browser too, which sends, runs and opens nothing of it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit
from uuid import UUID

from flask import abort, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from portal import clock
from portal.helpdesk.person import Subject
from portal.people.permissions import Person
from portal.staff.gates import Colleague
from portal.web.languages import force_locale
from portal.web.languages import gettext as _

# Pages that show and change nothing.
READ = frozenset(
    {
        "home.home",
        "home.debt",
        "home.pay_off",
        "plans.plan",
        "changes.history",
        "letters.letters",
        "points.points",
        "care.requests",
        "care.request",
    }
)
# Runs nothing, sends nothing, opens nothing, and stands on no page but ours.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)
_MAIN = re.compile(r"<main\b.*</main>", re.DOTALL)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_LINK = re.compile(r'(<a\b[^>]*?)\shref="([^"]*)"')
_OFF = re.compile(r"<(form|button|input|select|textarea)\b")


def screen(who: Colleague, subject: Subject, page: str) -> ResponseReturnValue:
    """Give a page as the person sees it, in the person's language; `page` is its path without the first slash."""
    endpoint, values = _readable(f"/{page}") or abort(404)
    with force_locale(subject.language), _seen_by(_person(who, subject)):
        answer = make_response(inspect.unwrap(current_app.view_functions[endpoint])(**values))
    if answer.location is not None:
        return redirect(_inside(subject, answer.location) or abort(404), 303)
    html = answer.get_data(as_text=True)
    main, title = _MAIN.search(html), _TITLE.search(html)
    if main is None or title is None:
        raise LookupError("a page has no main part")
    with force_locale(subject.language):
        shown = render_template(
            "helpdesk/frame.html",
            # Rendered by the person's own template a moment ago.
            main=Markup(_only_to_look_at(subject, main[0])),  # noqa: S704
            title=unescape(title[1]),
            sheets=_sheets(subject, endpoint),
        )
    framed = make_response(shown)
    framed.headers["Content-Security-Policy"] = POLICY
    return framed


def _sheets(subject: Subject, here: str) -> list[tuple[str, str, bool]]:
    return [
        (words, _address(subject, url_for(endpoint)), endpoint == here)
        for endpoint, words in (
            ("home.home", _("What you owe")),
            ("letters.letters", _("Letters")),
            ("points.points", _("Points")),
            ("care.requests", _("Your requests")),
        )
    ]


def _readable(path: str) -> tuple[str, dict[str, object]] | None:
    """Give view and values of a path, if it is one of the pages that are shown here."""
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, values = adapter.match(path, method="GET") if adapter else ("", {})
    except HTTPException:
        return None
    return (endpoint, dict(values)) if endpoint in READ else None


def _person(who: Colleague, subject: Subject) -> Person:
    """Give the person as if signed in by a link: enough to read, and no session that anybody could go on with."""
    now = clock.now()
    return Person(
        lender_id=subject.lender_id,
        debtor_id=subject.debtor_id,
        session_id=UUID(int=0),
        strength=1,
        name=subject.name,
        language=subject.language,
        zone=subject.zone,
        lender=who.lender,
        turn=0,
        idle_until=now + timedelta(minutes=1),
        ends_at=now + timedelta(minutes=1),
    )


@contextmanager
def _seen_by(person: Person) -> Iterator[None]:
    """Let a view find the person where it looks for who is asking; the colleague again afterwards."""
    colleague = current_user._get_current_object()
    put = current_app.login_manager._update_request_context_with_user  # type: ignore[attr-defined]
    put(person)
    try:
        yield
    finally:
        put(colleague)


def _address(subject: Subject, path: str) -> str:
    return url_for("helpdesk_people.frame", debtor_id=subject.debtor_id, page=path.removeprefix("/"))


def _inside(subject: Subject, address: str) -> str | None:
    """Give where a link of the person's page leads here, or None if it leads to what is not shown."""
    parts = urlsplit(address)
    if parts.netloc and parts.netloc != request.host:
        return None
    if not parts.path or parts.path == request.path:
        return address
    path = parts.path.removeprefix(request.script_root)
    if _readable(path) is None:
        return None
    more = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return _address(subject, path) + more


def _only_to_look_at(subject: Subject, main: str) -> str:
    def link(found: re.Match[str]) -> str:
        there = _inside(subject, unescape(found[2]))
        return f'{found[1]} href="{escape(there)}"' if there else f'{found[1]} role="link" aria-disabled="true"'

    return _OFF.sub(lambda found: f"<{found[1]} {'inert' if found[1] == 'form' else 'disabled'}", _LINK.sub(link, main))

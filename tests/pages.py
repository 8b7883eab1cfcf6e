"""What every page must have, checked on each page that a test fetches; and a browser without JavaScript for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from lxml import etree
from werkzeug.test import TestResponse

WITHOUT_LABEL = {"hidden", "submit", "button", "image", "reset"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class BadPage(AssertionError):
    """A page lacks what every page must have."""


@dataclass
class FormOnPage:
    """One form: where it goes, and what a browser would send if nobody touched it."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page:
    """A page taken apart: its headings, labels, ids, forms, links and words."""

    def __init__(self, html: str) -> None:
        self.language = ""
        self.title = ""
        self.headings: list[str] = []
        self.ids: Counter[str] = Counter()
        self.labelled: set[str] = set()
        self.controls: list[tuple[str, dict[str, str]]] = []
        self.forms: list[FormOnPage] = []
        self.links: list[tuple[str, str]] = []
        self.inline: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self._heard: list[str] = []
        self._in_label = 0
        self._select: str | None = None
        self._chosen: str | None = None
        self._area: str | None = None
        # Thousands of pages are taken apart in a run: the parser in C takes a sixth of the time of the one in Python.
        parser = etree.HTMLParser(target=self, encoding="utf-8")
        parser.feed(html.encode("utf-8", "surrogatepass"))
        parser.close()

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        """Take the start of an element."""
        self._take_words()
        if tag not in VOID:
            self._open.append(tag)
        if "id" in given:
            self.ids[given["id"]] += 1
        self._note_inline(tag, given)
        match tag:
            case "html":
                self.language = given.get("lang", "")
            case "h1":
                self.headings.append("")
            case "label":
                self._in_label += 1
                self.labelled.add(given.get("for", ""))
            case "a":
                self.links.append((given.get("href", ""), ""))
            case "form":
                self.forms.append(FormOnPage(given.get("action", ""), given.get("method", "get").lower()))
            case "input" | "select" | "textarea" | "button":
                self._note_control(tag, given)
            case "option" if self._select is not None and ("selected" in given or self._chosen is None):
                self._chosen = given.get("value", "")

    def _note_inline(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(f"<{tag}>")
        for name, value in given.items():
            if name == "style" or name.startswith("on") or value.strip().lower().startswith("javascript:"):
                self.inline.append(f'<{tag} {name}="{value}">')

    def _note_control(self, tag: str, given: Mapping[str, str]) -> None:
        kind = given.get("type", "text" if tag == "input" else "submit" if tag == "button" else tag)
        if kind not in WITHOUT_LABEL:
            named = self._in_label or given.get("aria-label") or given.get("aria-labelledby")
            self.controls.append((tag, {**given, **({"labelled": "yes"} if named else {})}))
        if not self.forms or "form" not in self._open or not given.get("name") or "disabled" in given:
            return
        form, name = self.forms[-1], given["name"]
        form.names.add(name)
        if tag == "select":
            self._select, self._chosen = name, None
        elif tag == "textarea":
            self._area = name
            form.fields.append((name, ""))
        elif kind in {"submit", "button", "image", "reset"}:
            form.buttons.append((name, given.get("value", "")))
        elif kind not in {"checkbox", "radio"} or "checked" in given:
            form.fields.append((name, given.get("value", "on" if kind in {"checkbox", "radio"} else "")))

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        self._take_words()
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "label":
            self._in_label = max(self._in_label - 1, 0)
        elif tag == "select" and self._select is not None:
            self.forms[-1].fields.append((self._select, self._chosen or ""))
            self._select = None
        elif tag == "textarea":
            self._area = None

    def data(self, data: str) -> None:
        """Take some words; a sign that was escaped comes on its own."""
        self._heard.append(data)

    def _take_words(self) -> None:
        if not self._heard:
            return
        data = "".join(self._heard)
        self._heard.clear()
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        if "h1" in self._open:
            self.headings[-1] += data
        if "a" in self._open and self.links:
            href, words = self.links[-1]
            self.links[-1] = (href, words + data)
        if self._area is not None:
            name, value = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, value + data)
        if "body" in self._open and not {"script", "style"} & set(self._open):
            self.words += f" {data}"

    def close(self) -> None:
        """There is nothing left to do at the end."""

    def problems(self) -> list[str]:
        """Say what every page must have and this one hasn't."""
        found = []
        if not self.language:
            found.append("<html> has no lang")
        if not self.title.strip():
            found.append("no title")
        if len(self.headings) != 1 or not "".join(self.headings).strip():
            found.append(f"not one h1 but {self.headings}")
        found += [f"id {name!r} is there {times} times" for name, times in self.ids.items() if times > 1]
        found += [f"inline style or script: {where}" for where in self.inline]
        found += [
            f"<{tag} name={given.get('name')!r}> has no label"
            for tag, given in self.controls
            if "labelled" not in given and given.get("id", "") not in self.labelled
        ]
        return found

    def says(self, text: str) -> bool:
        """Say whether a reader finds this text, wherever its lines break."""
        return " ".join(text.split()) in " ".join(self.words.split())


def page_of(response: TestResponse) -> Page:
    """Take the page of an answer apart, once: three readers of one answer see the same page."""
    taken = response.__dict__.get("page")
    if taken is None:
        taken = response.__dict__["page"] = Page(response.get_data(as_text=True))
    return taken


class CheckingClient(FlaskClient):
    """A test client that checks each page it fetches, and sends forms as a browser without JavaScript does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        # Nobody reads the body of a redirect, and a compressed page is another one's concern.
        shown = response.data and not 300 <= response.status_code < 400 and "Content-Encoding" not in response.headers
        if response.mimetype == "text/html" and shown and (problems := page_of(response).problems()):
            raise BadPage(f"{response.request.path}: " + "; ".join(problems))
        # All of it has been read: a file behind it is closed.
        response.close()
        return response

    def fill(
        self,
        shown: TestResponse,
        values: Mapping[str, str | Sequence[str]] | None = None,
        *,
        to: str = "",
        follow: bool = True,
    ) -> TestResponse:
        """Fill in a form on a page that was fetched, and send it.

        The form is the first that has all of the fields; `to` names the end of its address where two have them. What is
        ticked several times is given as several values.

        :raises LookupError: if no form of the page has these fields.
        """
        values = dict(values or {})
        # Where a form names no address, a browser sends it to the page's own, query and all.
        address = shown.request.full_path.rstrip("?")
        for form in page_of(shown).forms:
            target = urljoin(address, form.action or address)
            if not urlsplit(target).path.endswith(to) or (not to and form.method != "post"):
                continue
            if values.keys() <= form.names:
                break
        else:
            there = [sorted(form.names) for form in page_of(shown).forms]
            raise LookupError(f"no form on {address} has {sorted(values)}, only {there}")
        sent = [(name, value) for name, value in form.fields if name not in values]
        sent += list(values.items())
        data: dict[str, list[str]] = {}
        for name, value in sent:
            data.setdefault(name, []).extend([value] if isinstance(value, str) else value)
        if form.method == "get":
            return self.get(target, query_string=data, follow_redirects=follow)
        return self.post(target, data=data, follow_redirects=follow)

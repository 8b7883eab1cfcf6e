"""Which language a page is in (what the visitor chose, else the person's, the browser's, the lender's), and its texts.

Texts are gettext's: `gettext("Pay %(amount)s", amount=...)` in views; templates have theirs put in when compiled. They
are asked for thirty times a page, and Flask-Babel looks up the request several times for each, so which language it is
in stands in one place here, and is found out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel
from flask_login import current_user
from markupsafe import Markup

from portal.web.tags import LANGUAGES, LETTER_LANGUAGES, best

DEFAULT = "en"
CATALOGUES = Path(__file__).resolve().parents[2] / "translations"
__all__ = ["DEFAULT", "LANGUAGES", "LETTER_LANGUAGES", "best", "chosen"]


class _Page:
    """A page that is being made; its language is None until somebody asks."""

    __slots__ = ("before", "language")

    def __init__(self, before: _Page | None, language: str | None = None) -> None:
        self.before = before
        self.language = language


_page: ContextVar[_Page | None] = ContextVar("page", default=None)


def install(app: Flask) -> None:
    """Set up Flask-Babel, and find out the language anew for each page."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(CATALOGUES)
    Babel(app, locale_selector=get_locale)

    @app.before_request
    def begin() -> None:
        _page.set(_Page(_page.get()))

    @app.teardown_request
    def end(_problem: BaseException | None) -> None:
        page = _page.get()
        _page.set(page and page.before)


def page_language() -> str:
    """Give the language in force: of the page that is being made, or what was put in its place; English elsewhere."""
    page = _page.get()
    if page is None:
        return chosen()
    if page.language is None:
        page.language = chosen()
    return page.language


def get_locale() -> Locale:
    """Give the same as a locale."""
    return locale_of(page_language())


@contextmanager
def force_locale(language: str) -> Iterator[None]:
    """Put a language in the place of the page's, as for a message to somebody else."""
    before = _page.get()
    _page.set(_Page(before, language))
    try:
        yield
    finally:
        _page.set(before)


def tag(language: str) -> str:
    """Give the BCP 47 tag of a language: `zh_Hans` is `zh-Hans`."""
    return language.replace("_", "-")


def chosen() -> str:
    """Choose the language for who is asking."""
    if not has_request_context():
        return DEFAULT
    if (known := session.get("language")) in LANGUAGES:
        return str(known)
    if (own := getattr(current_user, "language", None)) in LANGUAGES:
        return str(own)
    if (accepted := best(tag for tag, _ in request.accept_languages)) is not None:
        return accepted
    lender = g.get("lender")
    return best(lender.languages) or DEFAULT if lender is not None else DEFAULT


@lru_cache(maxsize=16)
def locale_of(language: str) -> Locale:
    """Give the locale of a language."""
    return Locale.parse(language)


@lru_cache(maxsize=16)
def _catalogue(language: str) -> NullTranslations:
    """Give the texts of a language, read once; Flask-Babel has none for who asks outside of an application."""
    return Translations.load(CATALOGUES, [language])


def gettext(text: str, **values: object) -> str:
    """Give a text in the language in force, with values filled in."""
    found = _catalogue(page_language()).gettext(text)
    return found % values if values else found


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Give a text that depends on a number, `num` in it."""
    return _catalogue(page_language()).ngettext(one, many, num) % {"num": num, **values}


def pgettext(context: str, text: str, **values: object) -> str:
    """Give a text that means something else in another context."""
    found = str(_catalogue(page_language()).pgettext(context, text))
    return found % values if values else found


class Later:
    """A text that is looked up each time when it is shown, as that of a form's field: its form is made before."""

    __slots__ = ("_given", "_of")

    def __init__(self, of: Callable[..., str], *given: object) -> None:
        self._of = of
        self._given = given

    def __str__(self) -> str:
        return self._of(*self._given)

    def __mod__(self, values: object) -> str:
        """Fill in values, as WTForms does with what it shows."""
        return str(self) % values


def lazy_gettext(text: str) -> Later:
    """Give a text for later."""
    return Later(gettext, text)


def text_of(text: str, *, language: str) -> Markup:
    """Give a text of a template in a language, with its places for values still in it."""
    return Markup(_catalogue(language).gettext(text))  # noqa: S704 - our own texts


def translated(text: str, *, language: str, **values: object) -> Markup:
    """Give a text of a template in a language, with values filled in and made harmless."""
    # Both read %% as a percent sign; plain text does it much faster, and most texts have no values.
    return text_of(text, language=language) % (values or ())


def translated_by_number(one: str, many: str, num: int, *, language: str, **values: object) -> Markup:
    """Give a text that depends on a number, `num` in it."""
    return Markup(_catalogue(language).ngettext(one, many, num)) % {"num": num, **values}  # noqa: S704 - our own texts

"""Which language a page is in: what the visitor chose, else the person's, else the browser's, else the lender's."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale
from babel.support import Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import force_locale, get_domain, get_locale
from flask_login import current_user
from markupsafe import Markup

LANGUAGES = {"en": "English", "zh_Hans": "简体中文"}
DEFAULT = "en"
__all__ = ["DEFAULT", "LANGUAGES", "best", "chosen", "force_locale"]


def best(tags: Iterable[str]) -> str | None:
    """Give the first of our languages that fits one of some BCP 47 tags, or None.

    `zh-CN`, `zh-SG` and plain `zh` are Simplified Chinese; `zh-TW` is not, and is left to the next tag.
    """
    for tag in tags:
        if (ours := _ours(tag)) is not None:
            return ours
    return None


# Babel looks for the language's files each time, and a portfolio asks a million times. Bounded: visitors send tags too.
@lru_cache(maxsize=256)
def _ours(tag: str) -> str | None:
    try:
        wanted = Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, LookupError):
        return None
    if wanted is None:
        return None
    if wanted.language == "zh" and (wanted.script or "Hans") == "Hans":
        return "zh_Hans"
    return wanted.language if wanted.language in LANGUAGES else None


def tag(language: str) -> str:
    """Give the BCP 47 tag of a language: `zh_Hans` is `zh-Hans`."""
    return language.replace("_", "-")


def chosen() -> str:
    """Give the language of the page that is being made."""
    if not has_request_context():
        return DEFAULT
    if (known := session.get("language")) in LANGUAGES:
        return str(known)
    if current_user.is_authenticated and current_user.language in LANGUAGES:
        return str(current_user.language)
    if (accepted := best(tag for tag, _ in request.accept_languages)) is not None:
        return accepted
    lender = g.get("lender")
    return best(lender.languages) or DEFAULT if lender is not None else DEFAULT


@lru_cache(maxsize=16)
def _catalogue(_locale: Locale) -> Translations:
    """Give the texts of a language; its files are read once, as Flask-Babel itself does."""
    return get_domain().get_translations()


def translated(text: str, **values: object) -> Markup:
    """Give a text of a template in the language of the page, with values filled in and made harmless."""
    found = _catalogue(get_locale()).ugettext(text)
    # Both read %% as a percent sign; plain text does it much faster, and most texts have no values.
    return Markup(found) % values if values else Markup(found % ())  # noqa: S704 - our own texts


def translated_by_number(one: str, many: str, num: int, **values: object) -> Markup:
    """Give a text that depends on a number, `num` in it."""
    return Markup(_catalogue(get_locale()).ungettext(one, many, num)) % {"num": num, **values}  # noqa: S704 - as above


def install(app: Flask) -> None:
    """Give templates our two functions for texts: Jinja's own call five others for each of a page's thirty texts."""
    app.jinja_env.globals.update(_=translated, gettext=translated, ngettext=translated_by_number)

"""Which language a page is in: what the visitor chose, else the person's, else the browser's, else the lender's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import g, has_request_context, request, session
from flask_babel import Domain, force_locale, get_locale
from flask_login import current_user
from markupsafe import Markup

from portal.web.tags import LANGUAGES, best

DEFAULT = "en"
CATALOGUES = Path(__file__).resolve().parents[2] / "translations"
__all__ = ["DEFAULT", "LANGUAGES", "best", "chosen", "force_locale"]


def tag(language: str) -> str:
    """Give the BCP 47 tag of a language: `zh_Hans` is `zh-Hans`."""
    return language.replace("_", "-")


def chosen() -> str:
    """Give the language of the page that is being made."""
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


def chosen_locale() -> Locale:
    """Give the same as a locale."""
    return locale_of(chosen())


@lru_cache(maxsize=16)
def locale_of(language: str) -> Locale:
    """Give the locale of a language."""
    return Locale.parse(language)


@lru_cache(maxsize=16)
def _catalogue(language: str) -> NullTranslations:
    """Give the texts of a language; its files are read once."""
    return Translations.load(CATALOGUES, [language])


class Texts(Domain):
    """The texts of all languages, found without a locale's name: that takes longer to write than a text to find."""

    def __init__(self) -> None:
        super().__init__()
        self._by_locale: dict[tuple[str, str | None, str | None], NullTranslations] = {}

    def get_translations(self) -> NullTranslations:
        """Give the texts of the language in force."""
        locale = get_locale()
        if locale is None:
            return NullTranslations()
        key = locale.language, locale.script, locale.territory
        found = self._by_locale.get(key)
        if found is None:
            found = self._by_locale[key] = super().get_translations()
        return found


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

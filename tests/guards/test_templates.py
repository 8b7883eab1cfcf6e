"""Templates are compiled once per language, with their texts in them; what they show must be what they say."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale
from jinja2 import DictLoader

from portal.web.languages import LANGUAGES
from portal.web.templates import ComponentNameTaken, PageTemplates

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def shown(app: Flask, source: str, language: str, **values: object) -> str:
    with app.test_request_context(), force_locale(language):
        return app.jinja_env.from_string(source).render(**values)


@pytest.mark.parametrize(
    ("language", "text"), [("en", "You owe nothing here"), ("zh_Hans", "您在这里没有欠款")], ids=["english", "chinese"]
)
def test_one_template_is_there_in_each_language_at_the_same_time(app: Flask, language: str, text: str) -> None:
    assert shown(app, "{{ _('You owe nothing here') }}", language) == text


def test_values_in_a_text_are_made_harmless_and_the_text_is_not(app: Flask) -> None:
    source = "{{ _('<b>%(who)s</b> pays 10%%', who=who) }}"
    assert shown(app, source, "en", who="<i>") == "<b>&lt;i&gt;</b> pays 10%"


def test_a_text_that_is_not_written_in_the_template_is_still_looked_up(app: Flask) -> None:
    assert shown(app, "{{ _(text) }}", "zh_Hans", text="Home") == shown(app, "{{ _('Home') }}", "zh_Hans")


def test_a_number_chooses_its_form(app: Flask) -> None:
    source = "{{ ngettext('Your debt', 'Your %(num)s debts', n) }}"
    assert [shown(app, source, "en", n=n) for n in (1, 3)] == ["Your debt", "Your 3 debts"]


def test_every_component_is_there_under_its_own_name(app: Flask) -> None:
    for language, file in product(LANGUAGES, (TEMPLATES / "components").iterdir()):
        assert callable(app.jinja_env.in_language(language).globals[file.stem])  # type: ignore[attr-defined]


def test_two_components_of_one_name_are_a_mistake_that_shows() -> None:
    app = Flask("two")
    templates = PageTemplates(app, autoescape=True)
    macro = "{% macro card() %}{% endmacro %}"
    templates.loader = DictLoader({"components/a.html": macro, "components/b.html": macro})
    with pytest.raises(ComponentNameTaken):
        templates.in_language("en")

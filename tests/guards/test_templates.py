"""Templates are compiled once per language, with their texts in them; what they show must be what they say."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import DictLoader, UndefinedError

from portal.web.languages import LANGUAGES, force_locale
from portal.web.templates import ComponentNameTaken, PageTemplates

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def made_for(app: Flask, language: str) -> PageTemplates:
    assert isinstance(app.jinja_env, PageTemplates)
    return app.jinja_env.in_language(language)


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


def test_a_text_with_a_percent_sign_beside_its_values_stays_as_it_is(app: Flask) -> None:
    source = "{{ _('100%% of %(what)s, %%(what)s, %(what)s', what=what) }}"
    assert shown(app, source, "en", what="a&b") == "100% of a&amp;b, %(what)s, a&amp;b"


MACRO = "{% macro told(what, how='well') %}{{ what }} {{ how }}{{ caller() if caller is defined }}{% endmacro %}"


def test_a_macro_makes_what_it_is_given_harmless_and_what_it_gives_is_not_made_so_again(app: Flask) -> None:
    assert shown(app, MACRO + "{{ told(what) }}", "en", what="<i>") == "&lt;i&gt; well"
    assert shown(app, MACRO + "{{ told(told(what), how='<b>') }}", "en", what="<i>") == "&lt;i&gt; well &lt;b&gt;"
    assert (
        shown(app, MACRO + "{% call told(1) %}<p>{{ what }}</p>{% endcall %}", "en", what="&") == "1 well<p>&amp;</p>"
    )


@pytest.mark.parametrize(
    ("call", "problem"),
    [("told()", UndefinedError), ("told(1, 2, 3, 4)", TypeError), ("told(1, why=2)", TypeError)],
    ids=["what it needs is missing", "too much", "a name that it has not"],
)
def test_a_macro_called_wrongly_is_a_mistake_that_shows(app: Flask, call: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        shown(app, f"{MACRO}{{{{ {call} }}}}", "en")


def test_nothing_that_templates_call_asks_for_what_is_around_it(app: Flask) -> None:
    """Calls are written without it (`PageCode`), so whatever asked would take its first value for it."""
    with app.test_request_context():
        for name, each in made_for(app, "en").globals.items():
            assert not hasattr(each, "jinja_pass_arg"), name


def test_a_number_chooses_its_form(app: Flask) -> None:
    source = "{{ ngettext('Your debt', 'Your %(num)s debts', n) }}"
    assert [shown(app, source, "en", n=n) for n in (1, 3)] == ["Your debt", "Your 3 debts"]


def test_every_component_is_there_under_its_own_name(app: Flask) -> None:
    for language, file in product(LANGUAGES, (TEMPLATES / "components").iterdir()):
        assert callable(made_for(app, language).globals[file.stem])


def test_two_components_of_one_name_are_a_mistake_that_shows() -> None:
    app = Flask("two")
    templates = PageTemplates(app, autoescape=True)
    macro = "{% macro card() %}{% endmacro %}"
    templates.loader = DictLoader({"components/a.html": macro, "components/b.html": macro})
    with pytest.raises(ComponentNameTaken):
        templates.in_language("en")

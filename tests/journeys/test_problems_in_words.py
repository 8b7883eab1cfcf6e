"""What can't both hold is said with the labels of the form, in the reader's language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from portal.desk import problem_words as words
from portal.desk.given_words import NAMES
from portal.limits import checks
from portal.limits.checks import Why
from portal.web.languages import force_locale
from tests.rules import test_limits_checks as cases

BAD = [mark.args[1] for mark in cases.test_a_contradiction_is_one_sentence_that_names_both_rules.pytestmark][0]


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_problem_is_said_without_a_key_of_the_file(app: Flask, language: str) -> None:
    seen = set()
    with app.test_request_context(), force_locale(language):
        for card, _sentence in BAD:
            for _name, problem in checks.contradictions(cases.a_set(card)):
                said = words.problem_words(problem)
                seen.add(problem.why)
                assert not re.search(r"[a-z]+_[a-z]+|%\(|[a-z]+\.[a-z]+", said), said
                if language != "en":
                    assert not re.search(r"[a-z]{5}", re.sub("Harvest|Late harvest|score", "", said)), said
    assert seen >= set(Why) - {
        Why.SAME_FIRST_DAY,
        Why.BEFORE_WHAT_COUNTS,
        Why.NOBODY_LESS_FOR_THAT,
        Why.ALONE_BEYOND_PERSON,
    }


def test_every_value_of_a_step_has_a_name() -> None:
    given: set[str] = set()
    for path in Path("portal/offers").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add":
                given |= {each.arg for each in call.keywords if each.arg is not None}
    assert len(given) > 30
    assert given <= set(NAMES)


def test_every_problem_has_words() -> None:
    assert set(words._SENTENCES) == set(Why)

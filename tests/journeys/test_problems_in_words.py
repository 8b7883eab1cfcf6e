"""What can't both hold is said with the labels of the form, in the reader's language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from portal.desk import flaw_words
from portal.desk import problem_words as words
from portal.desk.given_words import NAMES
from portal.limits import checks
from portal.limits.checks import Why
from portal.limits.flaws import Flaw, Needed, Wanted, Wrong
from portal.limits.reading import LimitsError, parse
from portal.web.languages import force_locale
from tests.rules import test_limits, test_limits_bounds, test_limits_language
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
    assert set(flaw_words._SENTENCES) == set(Wrong)
    assert set(flaw_words._NEEDED) == set(Needed)


def flaws_of(text: str) -> tuple[Flaw | str, ...]:
    try:
        parse(text, currency="USD")
    except LimitsError as refused:
        return refused.flaws
    return ()


WHOLE, CARD, STANDARD = test_limits_language.WHOLE, test_limits.CARD, test_limits.STANDARD
WRONG_TEXTS = [
    *(WHOLE.replace(old, new, 1) for old, new, _ in test_limits_language.WRONG),
    *(CARD.replace(old, new, 1) for old, new, _ in test_limits.WRONG),
    *(text for text, _ in test_limits_bounds.OUT_OF_BOUNDS),
    STANDARD * 40,
    CARD + CARD[CARD.index("[[card]]") :],
    "\n".join(f"key_{at} = 1" for at in range(60)),
    CARD[: CARD.index("[[card]]")] + "[[card]]\n" * 101,
    CARD + "[card.token]\namount = [1, { a = 2026-01-01 }]\n",
    CARD.replace('name = "All"', 'name = "All"\ntoken = 1'),
]


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_flaw_of_a_file_is_said_in_the_readers_language(app: Flask, language: str) -> None:
    seen: set[object] = set()
    with app.test_request_context(), force_locale(language):
        for text in WRONG_TEXTS:
            for flaw in flaws_of(text):
                said = flaw_words.flaw_words(flaw)
                seen |= {flaw.why, *(each.needed for each in flaw.facts if isinstance(each, Wanted))}
                assert "%(" not in said and str(flaw.card) in said, said
                if language != "en":
                    assert re.search("[\u4e00-\u9fff]", said), said
    assert seen >= {*Wrong, *Needed}

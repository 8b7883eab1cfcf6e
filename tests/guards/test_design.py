"""Check the page of all components: every component has examples, and every example stands in every language."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from portal.design.views import names, states
from portal.web.languages import LANGUAGES
from tests.pages import CheckingClient

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = sorted(path.stem for path in (ROOT / "templates" / "components").glob("*.html"))


def test_every_component_has_a_file_of_examples_and_every_file_a_component() -> None:
    examples = sorted(path.stem for path in (ROOT / "templates" / "design").glob("*.html"))
    assert examples == COMPONENTS


def test_every_example_calls_its_component_in_each_language(app: Flask, db: object) -> None:
    with app.test_request_context():
        assert names() == COMPONENTS
        found = {name: states(name) for name in COMPONENTS}
    for name, examples in found.items():
        assert examples, name
        for state in examples:
            by_language = state["languages"]
            assert isinstance(by_language, dict)
            assert set(by_language) == {language.replace("_", "-") for language in LANGUAGES}
        assert f"{name}(" in (ROOT / "templates" / "design" / f"{name}.html").read_text("utf-8")


def test_the_page_of_all_components_is_a_good_page(client: CheckingClient) -> None:
    assert client.get("/design").status_code == 200


def test_each_component_has_a_page_of_its_own(client: CheckingClient) -> None:
    for name in COMPONENTS:
        assert client.get(f"/design/{name}").status_code == 200, name


def test_a_component_that_is_none_is_not_found(client: CheckingClient) -> None:
    assert client.get("/design/../layouts/base").status_code == 404
    assert client.get("/design/nothing").status_code == 404


def test_without_the_demo_there_is_no_such_page(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "DEMO", False)
    assert client.get("/design").status_code == 404
    assert client.get("/design/button").status_code == 404

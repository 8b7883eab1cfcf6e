"""Every page of the table in every width, scheme and language, with scripts and without: nothing to stumble over.

A page is looked at in three views, which have every width, scheme, language and script mode between them;
`make browser` looks at it in all 24.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser import views
from tests.browser.gallery import Gallery
from tests.debtor_pages import PAGES, DebtorPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("shown", PAGES, ids=lambda page: page.name)
def test_there_is_nothing_to_stumble_over_on(browser: Browser, gallery: Gallery, shown: DebtorPage) -> None:
    problems = [problem for view in views.of(PAGES.index(shown)) for problem in gallery.problems(browser, shown, view)]
    assert problems == [], "\n".join(problems)


def test_three_views_of_a_page_have_everything_once_and_the_table_has_every_pair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    seen = set()
    for number in range(len(PAGES)):
        chosen = views.of(number)
        seen |= set(chosen)
        for part in ("width", "scheme", "javascript", "language"):
            assert len({getattr(view, part) for view in chosen}) == (3 if part == "width" else 2)
    assert seen == set(views.ALL)
    monkeypatch.setenv("BROWSER", "all")
    assert len(views.of(0)) == 24

"""Every page of the table in every width, scheme and language, with scripts and without: nothing to stumble over.

A page is looked at in one view, and at the other two widths for what doesn't fit; pages in a row take turns through all
24 views. `make browser` looks at every page in all of them.
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


def test_a_page_is_looked_at_in_one_view_and_24_pages_in_a_row_have_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    for first in range(len(PAGES) - len(views.ALL) + 1):
        seen = [view for number in range(first, first + len(views.ALL)) for view in views.of(number)]
        assert sorted(seen, key=str) == sorted(views.ALL, key=str)
    monkeypatch.setenv("BROWSER", "all")
    assert len(views.of(0)) == 24

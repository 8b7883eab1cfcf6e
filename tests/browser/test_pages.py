"""The pages of the table in every width, scheme and language, with scripts and without: nothing to stumble over.

A fifth of the pages have their turn, TURN=0 to 4, and change with the commit. A page is looked at in one
view, and at the other two widths for what doesn't fit; pages in a row take turns through all 24 views. `make browser`
looks at every page in all of them.
"""

from __future__ import annotations

from itertools import combinations

import pytest
from playwright.sync_api import Browser

from tests import turns
from tests.browser import views
from tests.browser.gallery import Gallery
from tests.debtor_pages import PAGES, DebtorPage

SHOWN = views.pages()

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("shown", SHOWN, ids=lambda page: page.name)
def test_there_is_nothing_to_stumble_over_on(browser: Browser, gallery: Gallery, shown: DebtorPage) -> None:
    problems = [problem for view in views.of(SHOWN.index(shown)) for problem in gallery.problems(browser, shown, view)]
    assert problems == [], "\n".join(problems)


def test_a_page_is_looked_at_in_one_view_and_24_pages_in_a_row_have_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    for first in range(len(SHOWN) - len(views.ALL) + 1):
        seen = [view for number in range(first, first + len(views.ALL)) for view in views.of(number)]
        assert sorted(seen, key=str) == sorted(views.ALL, key=str)
    monkeypatch.setenv("BROWSER", "all")
    assert len(views.of(0)) == 24


def test_every_page_has_its_turn_and_the_main_ones_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROWSER", raising=False)
    seen = []
    for number in range(views.TURNS):
        monkeypatch.setenv("TURN", str(number))
        turns.turn.cache_clear()
        seen.append({page.name for page in views.pages()})
    turns.turn.cache_clear()
    names, main = {page.name for page in PAGES}, {page.name for page in PAGES if page.main}
    assert set.union(*seen) == names
    assert all(one & other == main for one, other in combinations(seen, 2))
    assert max(map(len, seen)) <= len(main) + (len(names) - len(main)) / views.TURNS + 1

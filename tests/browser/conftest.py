"""What browser tests stand on: a running portal for each kind of database, and one browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.gallery import Gallery
from tests.browser.phone import open_browser
from tests.browser.portal_process import Person, PortalProcess
from tests.databases import KINDS, Databases
from tests.turns import turn


@pytest.fixture(scope="session")
def portal(databases: Databases, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    """The portal on an empty database of one kind, filled with the demo's made-up people."""
    url = databases.empty(database)
    running = PortalProcess(database_url=url, folder=tmp_path_factory.mktemp("portal"))
    running.start()
    yield running
    running.stop()
    databases.drop(url)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser; each test opens its own phone in it."""
    with sync_playwright() as playwright:
        opened = open_browser(playwright)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def people(portal: PortalProcess) -> tuple[Person, ...]:
    """Two people who read English and two who read Chinese; the last two have two debts each."""
    return portal.people()


@contextmanager
def _gallery(databases: Databases, folder: Path, *, kind: str) -> Iterator[Gallery]:
    url = databases.clone(kind)
    # Browsers make no passkeys for a bare IP address.
    running = PortalProcess(database_url=url, folder=folder, host="localhost")
    running.start()
    yield Gallery(running)
    running.stop()
    databases.drop(url)


@pytest.fixture(scope="session")
def gallery(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A portal with the people of the scene, for pages; on one database, and walks on the other, in turns."""
    with _gallery(databases, tmp_path_factory.mktemp("gallery"), kind=KINDS[turn() % 2]) as made:
        yield made


@pytest.fixture(scope="session")
def passers(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Another portal, for walks: all that one process looks at would take it longer than all others together."""
    with _gallery(databases, tmp_path_factory.mktemp("passers"), kind=KINDS[(turn() + 1) % 2]) as made:
        yield made

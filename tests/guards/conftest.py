"""What guards of pages stand on: the scene, served from one database that is never rolled back and only read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask, has_request_context, request
from sqlalchemy import Engine
from werkzeug.test import TestResponse

import portal.db
from portal import clock
from tests.asked import telling
from tests.conftest import _unbind, make_app
from tests.databases import Databases
from tests.factories import a_lender
from tests.sandbox_process import SandboxProcess
from tests.scene import Scene


@dataclass(frozen=True)
class Served:
    """An application on a database of its own, with the people of the scene in it."""

    app: Flask
    scene: Scene
    engine: Engine
    # Every select that a page of a debtor asked of the database, with values to ask it again.
    selects: dict[str, object]
    opened: dict[tuple[str, str], TestResponse] = field(default_factory=dict)
    # Of each file that is the same for everybody, what it takes on the wire and what is in it.
    weighed: dict[str, tuple[int, int]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def _served_once(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, _one_sandbox: SandboxProcess
) -> Iterator[Served]:
    # Another test may have left its own time there.
    _one_sandbox.reset()
    _one_sandbox.set_clock(int(clock.now().timestamp()))
    url = databases.clone("sqlite")
    app = make_app(url, folder=tmp_path_factory.mktemp("served"), stripe=_one_sandbox.url)
    engine = portal.db.session.get_bind()
    assert isinstance(engine, Engine)
    selects: dict[str, object] = {}

    def note(statement: str, values: object) -> None:
        asked_by_a_page = has_request_context() and not request.path.startswith("/outbox")
        if asked_by_a_page and statement.lstrip().upper().startswith("SELECT"):
            selects.setdefault(statement, values)

    with telling(engine, note):
        yield Served(app, Scene(app, lender=a_lender(), sandbox=_one_sandbox), engine, selects)
    _unbind()
    engine.dispose()
    databases.drop(url)


@pytest.fixture
def served(_served_once: Served) -> Iterator[Served]:
    """The scene; pages are the same on both databases, so one is enough for what is about pages alone."""
    portal.db.bind(_served_once.engine)
    yield _served_once
    _unbind()

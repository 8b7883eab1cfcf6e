"""What all tests stand on: both databases, the application, a client that checks pages, the clock, and no network."""

from __future__ import annotations

import gc
import ipaddress
import os
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, scoped_session

import portal.db
from portal import clock as portal_clock
from portal import config as portal_config
from portal.app import create_app
from tests.databases import KINDS, Databases, new_run
from tests.pages import CheckingClient
from tests.sandbox_process import SandboxProcess

SECRET_KEY = "a key for tests only, never for people"
# A Monday morning, in the middle of nothing: tests that need another day set the clock.
STANDARD_INSTANT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
PROVIDERS = ("SMTP_URL", "MAIL_FROM", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "SMS_FROM", "TWILIO_API_BASE")
RAN_ON = pytest.StashKey[Counter[str]]()
# Costly things that a process makes once; tests that share one stay in one process.
MADE_ONCE = {
    "gallery": "gallery",
    "passers": "passers",
    "browser": "walks",
    "files": "letters",
    "_served_once": "pages",
}


# As many tests on PostgreSQL as on SQLite, or the run fails.


def pytest_configure(config: pytest.Config) -> None:
    # Thousands of tests are made, and none is rubbish.
    gc.disable()
    config.stash[RAN_ON] = Counter()
    # How long an example may take is no fact about the code: a busy machine takes longer.
    settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("portal")
    # A setting of whoever runs the tests must not change what they find.
    for name in (
        "DATABASE_URL",
        "SECRET_KEY",
        "BASE_URL",
        "PORT",
        "PORTAL_DEMO",
        "STRIPE_API_BASE",
        "PORTAL_VAR",
        *PROVIDERS,
    ):
        os.environ.pop(name, None)


def pytest_itemcollected(item: pytest.Item) -> None:
    kind = getattr(item, "callspec", None) and item.callspec.params.get("database")  # type: ignore[attr-defined]
    if kind in KINDS:
        item.user_properties.append(("database", kind))
    for fixture, group in MADE_ONCE.items():
        if fixture in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(group))
            break


class Counting:
    """Counts the tests that ran on each database, in whichever process."""

    def __init__(self, config: pytest.Config) -> None:
        self._ran = config.stash[RAN_ON]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A skipped test has no call, so a database that is skipped shows up as missing.
        if report.when == "call" and not report.skipped:
            for name, value in report.user_properties:
                if name == "database":
                    self._ran[str(value)] += 1


def pytest_collection_finish(session: pytest.Session) -> None:
    if getattr(session.config.option, "loadgroup", False):
        grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
        assert all("@" in item.nodeid for item in grouped), "what is made once for many tests would be made twice"
    # Thousands of tests that stay to the end need not be looked through for rubbish again and again.
    gc.collect()
    gc.freeze()
    # Most of what a test leaves is gone without it.
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Counting(session.config), "counting")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK and _unequal(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    ran = config.stash[RAN_ON]
    if ran:
        line = ", ".join(f"{kind}: {ran[kind]}" for kind in KINDS)
        terminalreporter.write_line(f"Tests on each database: {line}.")
    if _unequal(config):
        terminalreporter.write_line("FAILED: not as many tests ran on PostgreSQL as on SQLite.", red=True)


def _unequal(config: pytest.Config) -> bool:
    ran = config.stash[RAN_ON]
    chosen = config.option.keyword or any("::" in argument for argument in config.args)
    return not chosen and ran["sqlite"] != ran["postgresql"]


# No network.


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        real = socket.socket.connect

        def connect(self: socket.socket, address: object) -> None:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _on_this_machine(address):
                raise AssertionError(f"a test reached for the network: {address}")
            real(self, address)  # type: ignore[arg-type]

        patch.setattr(socket.socket, "connect", connect)
        yield


def _on_this_machine(address: object) -> bool:
    host = address[0] if isinstance(address, tuple) else ""
    try:
        return host == "localhost" or ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


# Databases.


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The templates and clones of this process."""
    worker = getattr(request.config, "workerinput", {})
    # Not every test that writes a lender makes an application before.
    portal.db.Sealed.use(SECRET_KEY)
    made = Databases(
        folder=tmp_path_factory.mktemp("databases"),
        process=worker.get("workerid", "gw"),
        run=worker.get("testrunuid", new_run())[:8],
    )
    yield made
    made.close()


@pytest.fixture(scope="session", params=KINDS)
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database: every test that asks for it runs on each."""
    return str(request.param)


class Prepared:
    """One database and one application a kind, made when the first test needs them and kept for all others."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self._databases = databases
        self._folder = folder
        self._urls: dict[str, str] = {}
        self._engines: dict[str, Engine] = {}
        self._apps: dict[str, Flask] = {}

    def url(self, kind: str) -> str:
        """Give the URL of the database that all rolled-back tests share."""
        if kind not in self._urls:
            self._urls[kind] = self._databases.clone(kind)
        return self._urls[kind]

    def engine(self, kind: str) -> Engine:
        """Give its engine."""
        if kind not in self._engines:
            self._engines[kind] = portal.db.make_engine(self.url(kind))
        return self._engines[kind]

    def app(self, kind: str) -> Flask:
        """Give its application."""
        if kind not in self._apps:
            self._apps[kind] = make_app(self.url(kind), folder=self._folder)
        return self._apps[kind]

    def close(self) -> None:
        """Give all connections back."""
        for engine in self._engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def prepared(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """What is made once for all tests that are rolled back."""
    made = Prepared(databases, tmp_path_factory.mktemp("var"))
    yield made
    made.close()


def make_app(url: str, *, folder: Path, stripe: str | None = None) -> Flask:
    """Make the application on a database, as a demo; it never listens."""
    app = create_app(
        portal_config.Settings(
            database_url=url,
            secret_key=SECRET_KEY,
            base_url="http://localhost",
            port=8000,
            demo=True,
            # Nobody listens there: a test that pays asks for the fixture `sandbox`.
            stripe_api_base=stripe or "http://127.0.0.1:9",
            folder=folder,
        )
    )
    app.testing = True
    app.test_client_class = CheckingClient
    return app


@pytest.fixture
def outer_connection(prepared: Prepared, database: str) -> Iterator[Connection]:
    """The connection that a rolled-back test works on; its outer transaction is never committed."""
    with prepared.engine(database).connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def db(outer_connection: Connection, clock: Clock) -> Iterator[scoped_session[Session]]:
    """The sessions of one test, inside an outer transaction that is rolled back: whatever commits, nothing stays.

    One thread only. Where several threads or processes meet, ask for `real_database`.
    """
    portal.db.bind(outer_connection)
    yield portal.db.session
    _unbind()


def _unbind() -> None:
    """Let a test that forgot to ask for a database fail instead of writing into somebody else's."""
    portal.db.session.remove()
    portal.db._sessions.configure(bind=None)


@dataclass(frozen=True)
class RealDatabase:
    """A database of one test's own, where commits stay; its URL is for other processes."""

    kind: str
    url: str
    engine: Engine


@pytest.fixture
def real_database(databases: Databases, database: str) -> Iterator[RealDatabase]:
    """A database that is this test's alone, for several threads or processes. The clock is the real one."""
    url = databases.clone(database)
    engine = portal.db.connect(url)
    yield RealDatabase(kind=database, url=url, engine=engine)
    _unbind()
    engine.dispose()
    databases.drop(url)


# Application, client, clock, stand-in for Stripe.


@pytest.fixture
def app(prepared: Prepared, database: str, outer_connection: Connection, db: scoped_session[Session]) -> Flask:
    """The application, in demo mode, on the database of this test."""
    app = prepared.app(database)
    # Making an application binds the sessions to its own engine.
    portal.db.bind(outer_connection)
    return app


@pytest.fixture
def real_app(real_database: RealDatabase, tmp_path: Path) -> Iterator[Flask]:
    """An application on a database that is this test's alone."""
    app = make_app(real_database.url, folder=tmp_path)
    made_by_app = portal.db.session.get_bind()
    portal.db.bind(real_database.engine)
    yield app
    if isinstance(made_by_app, Engine):
        made_by_app.dispose()


@pytest.fixture
def client(app: Flask) -> CheckingClient:
    """A browser without JavaScript; every page that it fetches is checked."""
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client


class Clock:
    """The portal's clock, standing still until a test moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def set(self, at: datetime | str) -> None:
        """Set the clock: an instant with its zone, or text such as `2026-05-04T09:00+08:00`."""
        self.at = datetime.fromisoformat(at) if isinstance(at, str) else at
        if self.at.tzinfo is None:
            raise ValueError("an instant needs a zone")

    def forward(self, **by: float) -> None:
        """Let time pass: `clock.forward(days=3, minutes=1)`."""
        self.at += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The portal's clock, at a standard instant."""
    clock = Clock(STANDARD_INSTANT)
    monkeypatch.setattr(portal_clock, "_read", lambda: clock.at.astimezone(UTC))
    return clock


@pytest.fixture(scope="session")
def _one_sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture
def sandbox(
    _one_sandbox: SandboxProcess, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SandboxProcess]:
    """The stand-in for Stripe, empty, at the time of the portal's clock, with the application pointed at it."""
    _one_sandbox.reset()
    _one_sandbox.set_clock(int(clock.at.timestamp()))
    monkeypatch.setitem(app.config, "STRIPE_API_BASE", _one_sandbox.url)
    yield _one_sandbox

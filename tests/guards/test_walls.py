"""The second wall, on PostgreSQL alone: a query that forgot its lender finds no row of another, in any table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import Engine, exc, select, text
from sqlalchemy.engine import make_url

import portal.db
from portal import walls
from portal.db import see, seeing, transaction
from portal.migrate import migrate
from portal.models import metadata
from portal.people.models import Debtor
from portal.queue import Job, later, run_one
from portal.web.security import gate
from tests.conftest import _unbind, make_app
from tests.databases import Databases
from tests.factories import Standing, a_debt, a_debtor, a_lender
from tests.journeys.acts import come_in

OF_LENDERS = {table.name for table in metadata.sorted_tables if table.name == "lender" or "lender_id" in table.c}
SEEN = "select current_setting('app.lender_id', true)"


@dataclass(frozen=True)
class Two:
    """Two lenders on one PostgreSQL, with a person each."""

    app: Flask
    engine: Engine
    ours: Standing
    theirs: Standing


@pytest.fixture(scope="module")
def two(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    url = databases.clone("postgresql")
    app = make_app(url, folder=tmp_path_factory.mktemp("walls"))
    engine = portal.db.session.get_bind()
    assert isinstance(engine, Engine)
    standing = [
        a_debt(lender=lender, debtor=a_debtor(lender=lender, name=name))
        for name in ("Ours", "Theirs")
        for lender in [a_lender()]
    ]
    yield Two(app, engine, *standing)
    _unbind()
    engine.dispose()
    databases.drop(url)


@pytest.fixture(autouse=True)
def _as_before(two: Two) -> Iterator[None]:
    portal.db.bind(two.engine)
    yield
    see(None)


def names() -> list[str]:
    return sorted(portal.db.session.scalars(select(Debtor.name)))


def test_every_table_of_lenders_has_its_policy_and_it_binds_the_owner(two: Two) -> None:
    with two.engine.connect() as connection:
        assert walls.holds(connection)
        found = connection.execute(
            text(
                "select c.relname from pg_class c join pg_policy p on p.polrelid = c.oid "
                "where c.relrowsecurity and c.relforcerowsecurity and p.polcmd = '*' and p.polpermissive"
            )
        )
        assert set(found.scalars()) == OF_LENDERS


def test_one_lender_sees_its_own_and_work_for_all_sees_everybody(two: Two) -> None:
    assert names() == ["Ours", "Theirs"]
    with seeing(two.ours.lender_id):
        assert names() == ["Ours"]
        assert [row.name for row in portal.db.read(select(Debtor.__table__.c.name), {})] == ["Ours"]
        with seeing(two.theirs.lender_id):
            assert names() == ["Theirs"]
        assert names() == ["Ours"]
    assert names() == ["Ours", "Theirs"]


def test_nothing_of_another_lender_can_be_written_or_changed(two: Two) -> None:
    with seeing(two.ours.lender_id):
        with pytest.raises(exc.ProgrammingError, match="row-level security"), transaction() as s:
            s.add(Debtor(lender_id=two.theirs.lender_id, name="Smuggled in"))
        with transaction() as s:
            s.execute(text("update debtor set name = 'Renamed'"))
    assert names() == ["Renamed", "Theirs"]
    with transaction() as s:
        s.execute(text("update debtor set name = 'Ours' where name = 'Renamed'"))


def test_a_connection_that_says_nothing_finds_nothing(two: Two) -> None:
    import psycopg  # noqa: PLC0415 - as somebody with the portal's password and another program

    plain = make_url(str(two.engine.url.render_as_string(hide_password=False))).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False)) as connection:
        for table in sorted(OF_LENDERS):
            counted = connection.execute(
                f'select count(*) from "{table}" where {"id" if table == "lender" else "lender_id"} is not null'
            )  # noqa: S608, E501
            assert counted.fetchone() == (0,), table


def test_what_was_seen_goes_back_to_the_pool_with_nothing_left(two: Two) -> None:
    with seeing(two.ours.lender_id):
        names()
    with two.engine.connect() as connection:
        assert connection.scalar(text(SEEN)) == "*"
    raw = two.engine.raw_connection()
    assert raw.cursor().execute(SEEN).fetchone()[0] in {"", None}
    raw.close()


def test_a_page_behind_a_gate_sees_one_lender_and_a_door_sees_all(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def note(**_values: object) -> str:
        seen.append(names())
        return ""

    client = two.app.test_client()
    come_in(client, two.ours)
    places = two.app.url_map.bind("localhost")
    for address in ("/timeline", "/help"):
        endpoint, _values = places.match(address)
        guard = two.app.view_functions[endpoint].gate  # type: ignore[attr-defined]
        monkeypatch.setitem(two.app.view_functions, endpoint, gate(guard)(lambda **values: note(**values)))
        client.open(address, method="GET")
    assert seen == [["Ours"], ["Ours", "Theirs"]]
    assert names() == ["Ours", "Theirs"]


def test_work_put_off_for_a_lender_sees_that_lender(two: Two) -> None:
    seen = []
    with transaction():
        later("look", lender_id=two.theirs.lender_id, payload={})
        later("look", lender_id=None, payload={})

    def look(_job: Job) -> None:
        seen.append(names())

    while run_one({"look": look}):
        pass
    assert sorted(seen) == [["Ours", "Theirs"], ["Theirs"]]


def test_an_act_that_turns_to_another_lender_sees_it_at_once(two: Two) -> None:
    with seeing(two.ours.lender_id), transaction():
        assert names() == ["Ours"]
        with seeing(None):
            assert names() == ["Ours", "Theirs"]
        assert names() == ["Ours"]


def test_a_savepoint_that_goes_back_does_not_leave_another_view(two: Two) -> None:
    with transaction() as s:
        with pytest.raises(RuntimeError), s.begin_nested():
            see(two.ours.lender_id)
            assert names() == ["Ours"]
            raise RuntimeError
        see(two.ours.lender_id)
        assert names() == ["Ours"]


def test_on_sqlite_there_is_no_such_wall(databases: Databases) -> None:
    url = databases.clone("sqlite")
    engine = portal.db.make_engine(url)
    with engine.connect() as connection:
        walls.stand(connection)
        assert not walls.holds(connection)
    engine.dispose()
    databases.drop(url)


def test_a_role_that_policies_do_not_bind_is_told_so_when_the_tables_are_made(
    two: Two, databases: Databases, capsys: pytest.CaptureFixture[str]
) -> None:
    url = two.engine.url.render_as_string(hide_password=False)
    migrate(url)
    assert capsys.readouterr().err == ""
    migrate(databases.as_superuser(url))
    assert "bypass row-level security" in capsys.readouterr().err

"""The commands that bring a file in and take it back start a portal without pages; everything else has them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from portal.db import session
from portal.debts.models import Debt, ImportRun
from portal.start import LIVE_KEYS, Children, DidNotStart, until_told_to_stop
from tests.conftest import SECRET_KEY, RealDatabase
from tests.factories import a_lender
from tests.journeys.acts import books_agree
from tests.journeys.test_a_lenders_file import HEADER, MAPPING, row

ROOT = Path(__file__).resolve().parents[2]


def told_by(*words: str, url: str, folder: Path) -> str:
    """Give what a Python of its own says, which has to end well."""
    env = os.environ | {"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY, "PORTAL_VAR": str(folder)}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "PORT must be a number from 1 to 65535"),
        ("DATABASE_URL", "mysql://a", "DATABASE_URL must begin with"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing", "the database can't be reached"),
    ],
)
@pytest.mark.parametrize("words", [("verify",), ("prepare",)])
def test_a_setting_that_is_wrong_is_a_sentence(
    name: str, value: str, said: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    env = os.environ | {"PORTAL_VAR": str(tmp_path), "SECRET_KEY": SECRET_KEY, name: value}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and said in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 3


def test_a_stand_in_that_ends_comes_back_and_another_part_that_ends_ends_everything() -> None:
    children, started = Children(), []

    def start(seconds: int) -> subprocess.Popen[bytes]:
        started.append(children.start(sys.executable, "-c", f"import time; time.sleep({seconds})"))
        return started[-1]

    start(3)
    with pytest.raises(DidNotStart):
        until_told_to_stop(children, start(0), lambda: start(60))
    assert len(started) == 3, "the stand-in alone was started again"
    children.stop()


def test_a_file_comes_in_is_changed_and_taken_back(
    real_database: RealDatabase, real_app: Flask, tmp_path: Path
) -> None:
    lender = a_lender()
    mapping, file = tmp_path / "mapping.toml", tmp_path / "file.csv"
    mapping.write_text(MAPPING, encoding="utf-8")

    def flask(*words: str) -> str:
        session.rollback()
        lines = ("-m", "flask", "--app", "wsgi", *words, "--lender", lender.slug)
        return told_by(*lines, url=real_database.url, folder=tmp_path)

    def bring(*lines: list[str], options: tuple[str, ...] = ()) -> str:
        with file.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([HEADER, *lines])
        return flask("import", str(file), "--mapping", str(mapping), *options)

    assert "3 new, 0 changed, 0 unchanged, 0 recalled." in bring(row(1), row(2), row(3))
    assert "1 new, 1 changed, 1 unchanged, 1 recalled." in bring(
        row(1), row(2, principal="7.00"), row(4), options=("--full",)
    )
    books_agree()
    assert "3 new, 0 changed" in bring(row(5), row(6), row(7))
    undone = "The last import was undone: 3 new debts are gone, 0 are as before, 0 are back.\n"
    assert flask("import-undo") == undone
    session.rollback()
    assert set(session.scalars(select(Debt.reference))) == {"A-1", "A-2", "A-3", "A-4"}
    assert sorted(session.scalars(select(ImportRun.state))) == ["live", "live", "undone"]
    books_agree()


@pytest.mark.parametrize(
    ("line", "pages"),
    [
        ("flask --app wsgi import file.csv --lender linden", False),
        ("flask -A wsgi --debug import-undo --lender linden", False),
        ("flask import --help", False),
        ("flask --app wsgi start", False),
        ("flask --app wsgi prepare", False),
        ("flask --app wsgi lender add --slug import", True),
        ("granian --interface wsgi --port 8000 wsgi:app", True),
    ],
)
def test_only_what_brings_a_file_in_does_without(line: str, pages: bool, tmp_path: Path) -> None:
    code = "import sys; sys.argv = sys.argv[1:]; import wsgi; print('home.home' in wsgi.app.view_functions)"
    said = told_by("-c", code, *line.split(), url=f"sqlite:///{tmp_path / 'none.sqlite'}", folder=tmp_path)
    assert said == f"{pages}\n"


@pytest.mark.parametrize(("key", "status"), [(None, 0), ("sk_test_1", 0), ("sk_live_1", LIVE_KEYS)])
def test_a_start_learns_whether_a_lender_takes_real_money(
    real_database: RealDatabase, real_app: Flask, tmp_path: Path, key: str | None, status: int
) -> None:
    a_lender(stripe_secret_key=key)
    session.rollback()
    env = os.environ | {"DATABASE_URL": real_database.url, "SECRET_KEY": SECRET_KEY, "PORTAL_VAR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "prepare"], cwd=ROOT, env=env)
    assert done.returncode == status


def test_a_server_shows_nothing_while_the_tables_are_not_ready(tmp_path: Path) -> None:
    starting = tmp_path / "starting"
    starting.touch()
    env = os.environ | {"PORTAL_STARTING": str(starting), "SECRET_KEY": SECRET_KEY, "PORTAL_VAR": str(tmp_path)}
    waits = subprocess.Popen([sys.executable, "-c", "import wsgi"], cwd=ROOT, env=env)
    with pytest.raises(subprocess.TimeoutExpired):
        waits.wait(timeout=8)
    starting.unlink()
    assert waits.wait(timeout=60) == 0

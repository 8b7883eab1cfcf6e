"""A thousand histories of payments on each database, on PostgreSQL with four workers; the tests live a sample.

`make faults` (FAULTS=all) lives all of them; HISTORY=seed lives one alone, SOME=count so many.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import RealDatabase
from tests.faults.histories import a_place, run_all
from tests.faults.test_kills_and_races import environment
from tests.sandbox_process import SandboxProcess
from tests.turns import ALL

ONE = os.environ.get("HISTORY")
AT_A_TIME = 50 if ALL else int(os.environ.get("SOME", "10"))
RUNS = 20 if ALL and not ONE else 1
WORKERS = {"sqlite": 1, "postgresql": 4}
SIDE_BY_SIDE = {"sqlite": 4, "postgresql": 8}


@pytest.mark.parametrize("run", range(RUNS))
def test_whatever_happens_the_books_are_what_stripe_has(
    real_database: RealDatabase, real_app: Flask, tmp_path: Path, run: int
) -> None:
    kind = real_database.kind
    seeds = [int(ONE)] if ONE else list(range(run * AT_A_TIME, (run + 1) * AT_A_TIME))
    with SandboxProcess().start(seed=run) as sandbox:
        real_app.config["STRIPE_API_BASE"] = sandbox.url
        env = environment(real_database, real_app)
        with a_place(real_app, real_database, sandbox, workers=WORKERS[kind], folder=tmp_path, env=env) as place:
            kill_every = 6.0 if WORKERS[kind] > 1 else None
            broken = run_all(place, seeds, side_by_side=SIDE_BY_SIDE[kind], kill_every=kill_every)
        said = place.said()
    assert not broken, "\n\n".join([*broken, said[-4000:]])
    # Work may be put off, and a worker may be killed; but nothing fails.
    assert "Traceback" not in said, said[-8000:]

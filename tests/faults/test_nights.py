"""A night that is killed, or of which two run at once, leaves what one night leaves."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock, sweep, verify
from portal.db import session
from portal.evidence.models import EvidenceRecord
from portal.lenders.models import Lender
from portal.plans import remind
from portal.plans.models import Plan, PlanItem
from portal.post.models import Message
from tests import nursery
from tests.conftest import SECRET_KEY, RealDatabase
from tests.factories import STANDARD_LIMITS, a_debt, a_lender
from tests.faults.test_kills_and_races import at_once, fresh, killed
from tests.journeys.acts import work
from tests.scene import the_clock_moved
from tests.settling import a_plan

PLANS = 5
# A night that does a page of two plans, and stands still in the next when some of it is written and nothing committed.
HELD = """
import sys, time
from datetime import timedelta
from pathlib import Path
from portal import only_time, sweep
from tests.conftest import make_app
from tests.scene import the_clock_moved

real, changed = only_time.update_columns, []

def hold(*args, ids, **named):
    real(*args, ids=ids, **named)
    changed.extend(ids)
    if len(changed) == 4:
        print("held", flush=True)
        time.sleep(60)

only_time.update_columns, sweep.AT_ONCE = hold, 2
app = make_app(sys.argv[1], folder=Path(sys.argv[2]))
with app.app_context(), the_clock_moved(timedelta(days=int(sys.argv[3]))):
    sweep.run(stuck=print)
"""


@pytest.fixture
def lender(real_app: Flask) -> Lender:
    lender = a_lender(limits=STANDARD_LIMITS)
    with real_app.app_context():
        for _each in range(PLANS):
            a_plan(a_debt("500.00", lender=lender))
    return lender


def days_to_the_first_reminder() -> int:
    session.rollback()
    first = session.scalars(select(func.min(PlanItem.due_on))).one()
    return (first - timedelta(days=3) - clock.today("America/New_York")).days


def a_night(app: Flask, *, days: int) -> sweep.Night:
    with the_clock_moved(timedelta(days=days)):
        return one_of_them(app)


def written(app: Flask, kind: str, *, days: int) -> object:
    """Count the messages of a kind, after the worker wrote what the nights put off."""
    with the_clock_moved(timedelta(days=days)):
        work(app, only=remind.WRITE)
    return fresh(select(func.count()).select_from(Message).where(Message.kind == kind))


def moved() -> object:
    return fresh(select(func.count()).select_from(EvidenceRecord).where(EvidenceRecord.act == "plan_moved"))


def test_a_night_killed_half_way_leaves_nothing_half_done_and_the_next_does_the_rest(
    real_database: RealDatabase, real_app: Flask, lender: Lender
) -> None:
    days = days_to_the_first_reminder()
    folder = str(real_app.config["SETTINGS"].folder)
    env = os.environ | {"SECRET_KEY": SECRET_KEY}
    words = ("-c", HELD, real_database.url, folder, str(days))
    child = nursery.start(*words, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        assert killed(child)
    finally:
        child.close()
    assert written(real_app, "reminder", days=days) == 2
    assert a_night(real_app, days=days).looked == PLANS - 2
    assert written(real_app, "reminder", days=days) == PLANS
    assert a_night(real_app, days=days).looked == 0
    assert verify.disagreements() == ()


def test_two_nights_at_once_do_each_thing_once(real_app: Flask, lender: Lender) -> None:
    days = days_to_the_first_reminder()
    nights = [lambda: one_of_them(real_app)] * 2
    # The clock is the same for all threads.
    with the_clock_moved(timedelta(days=days)):
        at_once(*nights)
    assert written(real_app, "reminder", days=days) == PLANS
    # Five days past the day and its days of grace they all are at risk, by one record each.
    with the_clock_moved(timedelta(days=days + 20)):
        at_once(*nights)
    assert fresh(select(func.count()).select_from(Plan).where(Plan.state == "at_risk")) == PLANS
    assert moved() == PLANS
    assert written(real_app, "missed", days=days + 20) == PLANS
    assert verify.disagreements() == ()


def one_of_them(app: Flask) -> sweep.Night:
    with app.app_context():
        return sweep.run(stuck=lambda one: pytest.fail(str(one)))

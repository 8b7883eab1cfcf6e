"""A process that is killed at one named point: before or after a commit, before or after a call to Stripe.

It reads the portal in once and makes a fork for each order, so that every point of a piece of work can be tried. The
fork counts the points that it reaches, and at the one that was ordered it gets SIGKILL, as from a machine that fails:
nothing of it runs any more. `Dying` is the test's end of it; `python -m tests.faults.dying` the process itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from flask import Flask

from portal import jobs, queue
from portal.db import session
from portal.letters import issue
from portal.letters.sheet import Rendered
from tests import nursery
from tests.conftest import RealDatabase, make_app

ROOT = Path(__file__).resolve().parents[2]
# Drawing letters and sending mail have tests of their own; neither stands between "pay" and "posted".
BESIDE = ("letters.issue", "post.deliver")


@dataclass(frozen=True)
class Told:
    """How an order ended: the points that were reached, and whether the process was killed at the last of them."""

    reached: tuple[str, ...]
    killed: bool


class Dying:
    """Gives orders to the process; as a context, it ends with it."""

    def __init__(self, database: RealDatabase, app: Flask) -> None:
        words = (database.url, str(app.config["SETTINGS"].folder), app.config["STRIPE_API_BASE"])
        self._process = nursery.start(
            "-m", "tests.faults.dying", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Dying:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _no: BaseException | None, _at: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    def work(self, *, kill_at: int, blank_letters: bool = False) -> Told:
        """Let a worker do what is due, and kill it at its so-manieth point; perhaps letters take no time to draw."""
        return self._order({"act": "work", "kill_at": kill_at, "blank_letters": blank_letters})

    def post(self, path: str, *, kill_at: int, cookies: dict[str, str] | None = None, **sent: Any) -> Told:
        """Send a request to the portal, whose process is killed at its so-manieth point."""
        return self._order({"act": "post", "path": path, "cookies": cookies or {}, "kill_at": kill_at, "sent": sent})

    def _order(self, order: dict[str, Any]) -> Told:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        if told["status"] not in (0, -signal.SIGKILL):
            raise AssertionError(f"{order} ended with {told}")
        return Told(tuple(told["reached"]), killed=told["status"] != 0)


class Points:
    """Counts what is reached, and ends this process at the one that was ordered."""

    def __init__(self, *, kill_at: int, tell: int) -> None:
        self._left = kill_at
        self._tell = tell

    def reach(self, name: str) -> None:
        os.write(self._tell, f"{name}\n".encode())
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, act: Callable[[], Any]) -> Any:
        self.reach(f"before {name}")
        done = act()
        self.reach(f"after {name}")
        return done

    def watch(self) -> None:
        """Stand around each commit and each call from now on."""
        dialect: Any = session.get_bind().dialect
        commit, send = dialect.do_commit, requests.Session.send
        dialect.do_commit = lambda connection: self.around("commit", lambda: commit(connection))

        def sent(line: requests.Session, asked: requests.PreparedRequest, **more: Any) -> requests.Response:
            what = f"{asked.method} {urlsplit(asked.url or '').path}"
            done: requests.Response = self.around(what, lambda: send(line, asked, **more))
            return done

        # For good: this process lives for one piece of work, and is killed in it.
        mock.patch.object(requests.Session, "send", sent).start()


def _do(app: Flask, order: dict[str, Any]) -> None:
    if order["act"] == "work":
        if order["blank_letters"]:
            mock.patch.object(issue, "drawn", lambda _letter, **_more: Rendered(b"%PDF", 1)).start()
        todo = {name: run for name, run in jobs.table(app).items() if name not in BESIDE}
        while queue.run_one(todo):
            pass
        return
    client = app.test_client()
    for name, value in order["cookies"].items():
        client.set_cookie(name, value)
    answer = client.post(order["path"], **order["sent"])
    if answer.status_code not in (200, 303):
        raise AssertionError(answer.status)


def main() -> None:
    """Do as ordered, each time in a fork."""
    url, folder, stripe = sys.argv[1:]
    # Not one connection is opened before the fork: two processes on one would read each other's answers.
    app = make_app(url, folder=Path(folder), stripe=stripe)
    for line in sys.stdin:
        order = json.loads(line)
        reading, telling = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                Points(kill_at=order["kill_at"], tell=telling).watch()
                _do(app, order)
                status = 0
            finally:
                os._exit(status)
        os.close(telling)
        with os.fdopen(reading) as told:
            reached = told.read().splitlines()
        _child, ended = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"status": os.waitstatus_to_exitcode(ended), "reached": reached}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

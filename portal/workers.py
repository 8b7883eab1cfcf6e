"""Several workers under one process: each a fork of it, another in the place of one that ends, all ended together."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_AGAIN_SECONDS = 1.0
log = logging.getLogger(__name__)


def work_until_told(work: Callable[[threading.Event], None]) -> None:
    """Work until SIGTERM or SIGINT; what is begun is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work(stop)


def several(count: int, work: Callable[[threading.Event], None]) -> None:
    """Let so many processes work until this one is told to stop, or is gone.

    They share what was read in before. Nobody may have connected to a database yet: two processes on one connection
    would read each other's answers.
    """
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: told.append(number))
    # Whoever reads at the one end learns when nobody holds the other one any more.
    reading, held = os.pipe()
    alive: dict[int, float] = {}
    while not told:
        while len(alive) < count:
            child = os.fork()
            if child == 0:
                os.close(held)
                _be_one(work, parent=reading)
            alive[child] = time.monotonic()
        ended = _ended()
        for child, status in ended:
            log.error("worker %d ended by itself (%s); another one takes its place", child, status)
            if time.monotonic() - alive.pop(child, 0.0) < _AGAIN_SECONDS:
                # What can't even start would be started for ever as fast as the machine can.
                time.sleep(_AGAIN_SECONDS)
        if not ended:
            time.sleep(0.1)
    for child in alive:
        os.kill(child, signal.SIGTERM)
    for child in alive:
        os.waitpid(child, 0)


def _ended() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while (told := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((told[0], os.waitstatus_to_exitcode(told[1])))
    return found


def _be_one(work: Callable[[threading.Event], None], *, parent: int) -> None:
    """Work as one of several, and never come back."""

    def until_alone(stop: threading.Event) -> None:
        os.read(parent, 1)
        stop.set()

    def watched(stop: threading.Event) -> None:
        threading.Thread(target=until_alone, args=(stop,), daemon=True).start()
        work(stop)

    status = 1
    try:
        work_until_told(watched)
        status = 0
    except Exception:
        log.exception("a worker ended")
    finally:
        # Nothing of the parent's is to be done twice.
        os._exit(status)

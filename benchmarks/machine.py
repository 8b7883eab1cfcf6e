"""What this was measured on, and the processes that a measurement starts."""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
SECRET_KEY = "a key for benchmarks only, never for people"
_PATIENCE_SECONDS = 30.0


class DidNotWork(Exception):
    """A process of a measurement failed; the text is what it said."""


def line(*, postgresql: str) -> str:
    """Give the machine in one line."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB RAM, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, PostgreSQL {postgresql}"
    )


def environment(*, url: str, folder: Path, port: int = 8000) -> dict[str, str]:
    """Give the environment of a process of the portal (or of the floor) on a database; nothing of a person's own settings."""
    settings = {
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET_KEY,
        "PORTAL_VAR": str(folder),
        "PORTAL_DEMO": "0",
        "PORT": str(port),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "STRIPE_API_BASE": "http://127.0.0.1:9",  # Nobody pays here.
    }
    return {**os.environ, **settings}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds of wall clock and of processor, and the most memory that it held, in bytes."""

    seconds: float
    processor: float
    peak: int
    said: str


def measured(*words: str, env: Mapping[str, str]) -> Cost:
    """Run a process to its end and say what it took.

    :raises DidNotWork: if it fails.
    """
    start = time.perf_counter()
    child = subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert child.stdout is not None
    said = child.stdout.read()
    _pid, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise DidNotWork(said)
    return Cost(seconds=seconds, processor=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * 1024, said=said)


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(app: str, *, url: str, folder: Path) -> Iterator[int]:
    """Serve an application as `flask start` does, until the block ends; gives its port.

    :raises DidNotWork: if it doesn't start.
    """
    port = free_port()
    words = ["granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "1", "--log-level", "warning"]
    child = subprocess.Popen(
        [str(Path(sys.executable).parent / words[0]), *words[1:], "--port", str(port), app],
        cwd=ROOT,
        env=environment(url=url, folder=folder, port=port),
    )
    try:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not _listens(port):
            if child.poll() is not None or time.monotonic() > end:
                raise DidNotWork(f"{app} did not start")
            time.sleep(0.05)
        yield port
    finally:
        child.terminate()
        child.wait(timeout=10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

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
    """Give the environment of a process of the portal or of the floor; a person's own settings don't get through."""
    settings = {
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET_KEY,
        "PORTAL_VAR": str(folder),
        "PORTAL_DEMO": "0",
        "PORT": str(port),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "STRIPE_API_BASE": "http://127.0.0.1:9",  # Nobody pays here.
    }
    # An installed program finds its modules compiled; where writing them is forbidden, the compiler would be measured.
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return own | settings


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


@dataclass(frozen=True, slots=True)
class Server:
    """A web server that was started here."""

    port: int
    pid: int

    def processor(self) -> float:
        """Give the seconds of processor that it and its workers have used."""
        parent = psutil.Process(self.pid)
        times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
        return sum(each.user + each.system for each in times)


@contextmanager
def serving(app: str, *, url: str, folder: Path) -> Iterator[Server]:
    """Serve an application as `flask start` does, until the block ends.

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
        yield Server(port=port, pid=child.pid)
    finally:
        if child.poll() is None:
            _stop(psutil.Process(child.pid))
        child.wait()


def _stop(server: psutil.Process) -> None:
    """End a server of ours and its workers; one that was told to while a worker still starts may not listen."""
    workers = server.children(recursive=True)
    server.terminate()
    _gone, alive = psutil.wait_procs([server, *workers], timeout=5)
    for process in alive:
        process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

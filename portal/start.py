"""Start everything on one machine: database, stand-in for Stripe, worker, web server; stop it all together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from alembic import command
from alembic.config import Config

from portal import db
from portal.config import Settings
from portal.lenders.settings import all_lenders

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 60.0
_ENDED = "A part of the portal ended by itself; the lines above say why."


class DidNotStart(Exception):
    """A part of the portal did not start; the text says which."""


def migrate(url: str) -> None:
    """Bring a database's tables to today's."""
    config = Config(str(ROOT / "alembic.ini"))
    config.cmd_opts = None
    engine = db.make_engine(url)
    with db.connect_to_write(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def stand_in_port(settings: Settings) -> int:
    """Give the port of the stand-in for Stripe."""
    return int(os.environ.get("STAND_IN_PORT", settings.port + 1))


def running_at(settings: Settings) -> str:
    """Give the address of the portal that was started last here, else the configured one."""
    kept = settings.folder / "running_at"
    return kept.read_text().strip() if kept.exists() and "BASE_URL" not in os.environ else settings.base_url


def stand_in_beside(settings: Settings) -> str | None:
    """Give where the stand-in of a portal that was started here is, for a command beside it."""
    kept = settings.folder / "stand_in_at"
    return kept.read_text().strip() if kept.exists() else None


class Children:
    """The processes that were started here; they end together."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process with this Python's programs."""
        # A group of its own: Ctrl-C reaches only us, and we can end a server with all its workers.
        child = subprocess.Popen(words, cwd=ROOT, start_new_session=True)  # noqa: S603 - our own words, no shell
        self._all.append(child)
        return child

    def finish(self, *words: str) -> None:
        """Start a process that ends by itself, and wait for its end.

        :raises DidNotStart: if it ends badly, or another one has ended meanwhile.
        """
        child = self.start(*words)
        while child.poll() is None:
            time.sleep(0.05)
        self._all.remove(child)
        if child.returncode or self.ended():
            raise DidNotStart(_ENDED)

    def stop(self) -> None:
        """End all of them, newest first, and wait."""
        for child in reversed(self._all):
            if child.poll() is None:
                child.terminate()
        for child in reversed(self._all):
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)

    def ended(self) -> bool:
        """Say whether one of them has ended by itself."""
        return any(child.poll() is not None for child in self._all)


def answers(url: str) -> bool:
    """Say whether something answers at an address, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - our own http address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait_for(url: str, *, what: str, children: Children) -> None:
    """Wait until something answers at an address.

    :raises DidNotStart: if nothing does in time.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        if answers(url):
            return
        if children.ended():
            break
        time.sleep(0.05)
    raise DidNotStart(f"{what} did not start at {url}. Is the port taken? Choose another one, for example PORT=8100.")


def everything(settings: Settings) -> None:
    """Start all parts, web first so that a page is there at once, and wait for the end.

    What needs most of the portal read in, such as filling an empty database, is done by `flask get-ready` beside it.

    :raises DidNotStart: if a part doesn't start.
    """
    children = Children()
    programs = Path(sys.executable).parent
    flask = (sys.executable, "-m", "flask", "--app", "wsgi")
    # From here on being told to stop means to stop the children as well.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        refuse_taken(settings.port)
        stand_in = None
        if settings.stripe_api_base is None and not _live_keys():
            refuse_taken(stand_in_port(settings))
            stand_in = os.environ["STRIPE_API_BASE"] = f"http://127.0.0.1:{stand_in_port(settings)}"
            settings.folder.mkdir(parents=True, exist_ok=True)
            (settings.folder / "stand_in_at").write_text(stand_in)
        children.start(
            str(programs / "granian"),
            "--interface",
            "wsgi",
            "--host",
            os.environ.get("HOST", "127.0.0.1"),
            "--port",
            str(settings.port),
            "--workers",
            "2",
            "--blocking-threads",
            "4",
            "--log-level",
            "warning",
            "wsgi:app",
        )
        wait_for(f"http://127.0.0.1:{settings.port}/alive", what="The portal", children=children)
        if stand_in is not None:
            children.start(
                sys.executable,
                "-m",
                "sandbox",
                "--port",
                str(stand_in_port(settings)),
                "--data",
                str(settings.folder / "stand-in.sqlite"),
            )
            wait_for(stand_in, what="The stand-in for Stripe", children=children)
        (settings.folder / "running_at").write_text(settings.base_url)
        children.finish(*flask, "get-ready")
        children.start(*flask, "worker")
        _until_told_to_stop(children)
    except _ToldToStop:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        children.stop()


def _live_keys() -> bool:
    return any((lender.stripe_secret_key or "").startswith(("sk_live_", "rk_live_")) for lender in all_lenders())


def refuse_taken(port: int) -> None:
    """Make sure that nothing listens on a port here: two servers on one port would both answer.

    :raises DidNotStart: if something does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        if tried.connect_ex(("127.0.0.1", port)) == 0:
            raise DidNotStart(
                f"Port {port} is taken by another program. Choose another one, for example PORT={port + 100}."
            )


class _ToldToStop(Exception):
    """Somebody asked for the end: Ctrl-C, or a signal."""


def _stop(_signal: int, _frame: object) -> None:
    raise _ToldToStop


def _until_told_to_stop(children: Children) -> None:
    while not children.ended():
        time.sleep(0.3)
    raise DidNotStart(_ENDED)

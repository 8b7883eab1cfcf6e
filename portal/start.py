"""Start everything on one machine: database, stand-in for Stripe, worker, web server; stop it all together.

It reads nothing of the portal but its settings: what needs more runs beside it, at the same time.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from portal.config import Settings

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 60.0
# How `flask prepare` ends where a lender has a key that moves real money.
LIVE_KEYS = 3
_ENDED = "A part of the portal ended by itself; the lines above say why."


class DidNotStart(Exception):
    """A part of the portal did not start; the text says which."""


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

    def start(self, *words: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a process with this Python's programs; `more` is added to its environment."""
        # A group of its own: Ctrl-C reaches only us, and we can end a server with all its workers.
        child = subprocess.Popen(words, cwd=ROOT, env=os.environ | more, start_new_session=True)  # noqa: S603 - our own words, no shell
        self._all.append(child)
        return child

    def finish(self, *words: str) -> int:
        """Start a process that ends by itself, wait for its end, and give how it ended: 0 or `LIVE_KEYS`.

        :raises DidNotStart: if it ends badly, or another one has ended meanwhile.
        """
        child = self.start(*words)
        while child.poll() is None:
            time.sleep(0.05)
        self._all.remove(child)
        if child.returncode not in {0, LIVE_KEYS} or self.ended():
            raise DidNotStart(_ENDED)
        return child.returncode

    def stop(self, *, patience: float = 10) -> None:
        """End all of them, newest first, and wait so many seconds for those that have work to finish."""
        for child in reversed(self._all):
            if child.poll() is None:
                child.terminate()
        for child in reversed(self._all):
            try:
                child.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        self._all.clear()

    def forget(self, child: subprocess.Popen[bytes]) -> None:
        """Leave one that has ended out of those that end together."""
        self._all.remove(child)

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

    While the server reads the portal in, `flask prepare` brings the tables to today's; no page is shown before that.
    What needs most of the portal, such as filling an empty database, is done by `flask get-ready` afterwards.

    :raises DidNotStart: if a part doesn't start.
    """
    children = Children()
    flask = (sys.executable, "-m", "flask", "--app", "wsgi")
    # From here on being told to stop means to stop the children as well.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    settings.folder.mkdir(parents=True, exist_ok=True)
    starting = settings.folder / "starting"
    try:
        refuse_taken(settings.port)
        stand_in = None
        if settings.stripe_api_base is None:
            stand_in = os.environ["STRIPE_API_BASE"] = f"http://127.0.0.1:{stand_in_port(settings)}"
            if settings.tsa_url is None and settings.demo:
                # Made-up letters are stamped by the stand-in; its time is this machine's, and proves nothing.
                os.environ["TSA_URL"] = f"{stand_in}/tsa"
        starting.touch()
        _start_web(children, settings, starting)
        if children.finish(*flask, "prepare") == LIVE_KEYS and stand_in is not None:
            # Real money goes to Stripe itself: the server starts again, before it has shown anything.
            children.stop(patience=0)
            stand_in = None
            del os.environ["STRIPE_API_BASE"]
            if settings.tsa_url is None:
                os.environ.pop("TSA_URL", None)
            _start_web(children, settings, starting)
        starting.unlink()
        wait_for(f"http://127.0.0.1:{settings.port}/alive", what="The portal", children=children)
        start_stand_in = partial(_start_stand_in, children, settings, url=stand_in or "")
        pays = None if stand_in is None else start_stand_in()
        (settings.folder / "running_at").write_text(settings.base_url)
        children.finish(*flask, "get-ready")
        children.start(*flask, "worker")
        until_told_to_stop(children, pays, start_stand_in)
    except _ToldToStop:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        children.stop()
        starting.unlink(missing_ok=True)


def _start_web(children: Children, settings: Settings, starting: Path) -> None:
    children.start(
        str(Path(sys.executable).parent / "granian"),
        "--interface",
        "wsgi",
        "--host",
        os.environ.get("HOST", "127.0.0.1"),
        "--port",
        str(settings.port),
        # One process is soonest there. Its threads mostly wait, as for a payment service that doesn't answer.
        "--workers",
        "1",
        "--blocking-threads",
        "12",
        "--log-level",
        "error",
        "wsgi:app",
        PORTAL_STARTING=str(starting),
    )


def _start_stand_in(children: Children, settings: Settings, *, url: str) -> subprocess.Popen[bytes]:
    port = stand_in_port(settings)
    refuse_taken(port)
    (settings.folder / "stand_in_at").write_text(url)
    data = str(settings.folder / "stand-in.sqlite")
    child = children.start(sys.executable, "-m", "sandbox", "--port", str(port), "--data", data)
    wait_for(url, what="The stand-in for Stripe", children=children)
    return child


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


def until_told_to_stop(
    children: Children, stand_in: subprocess.Popen[bytes] | None, start_stand_in: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """Wait; a stand-in that ends comes back, as Stripe would, and meanwhile the portal goes on without it.

    :raises DidNotStart: if another part ends by itself.
    """
    while True:
        if stand_in is not None and stand_in.poll() is not None:
            sys.stderr.write("The stand-in for Stripe ended by itself; it is started again.\n")
            children.forget(stand_in)
            stand_in = start_stand_in()
        if children.ended():
            raise DidNotStart(_ENDED)
        time.sleep(0.3)

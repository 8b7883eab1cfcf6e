"""Processes of the portal and of the stand-in that begin as a fork of one that has read everything in already.

Reading the portal in takes seconds, and tests of kills and races start hundreds of processes. What is killed here is a
process like any other: it has its own number, environment, output, and whatever it opens. `start` is the test's end of
it; `python -m tests.nursery` the process that forks, which ends with the one that asked.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
_LONGEST_ORDER = 200_000


class Child:
    """A process that was started; as much of `subprocess.Popen` as tests ask for, with bytes or text at its ends."""

    def __init__(self, status: int, *, stdin: IO[Any] | None, stdout: IO[Any] | None) -> None:
        self._status = os.fdopen(status, "r", encoding="ascii")
        self.pid = int(self._status.readline())
        self.stdin, self.stdout = stdin, stdout
        self._ended: int | None = None

    def poll(self) -> int | None:
        """Give how it ended, as `Popen` does: the code, or the signal with a minus; None while it lives."""
        try:
            return self.wait(timeout=0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends."""
        if self._ended is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self._ended = int(self._status.readline())
            self._status.close()
        return self._ended

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Kill it if it lives, and let go of its ends."""
        self.kill()
        self.wait(timeout=10)
        for end in (self.stdin, self.stdout):
            if end is not None:
                end.close()


def start(
    *words: str,
    env: dict[str, str] | None = None,
    stdin: int | None = None,
    stdout: IO[Any] | int | None = None,
    stderr: int | None = None,
    text: bool = False,
) -> Child:
    """Start what `python WORDS` would: `-m MODULE …` or `-c PROGRAM …`, at the root of the tree.

    `stdin` and `stdout` may be `subprocess.PIPE`, `stdout` a file too, and `stderr` `subprocess.STDOUT`; what is not
    said is this process's own.
    """
    mode = "" if text else "b"
    theirs: list[int] = []
    given: IO[Any] | None = None
    made: IO[Any] | None = None
    incoming = 0
    if stdin == subprocess.PIPE:
        incoming, ours = os.pipe()
        theirs.append(incoming)
        given = os.fdopen(ours, f"w{mode}")
    if stdout == subprocess.PIPE:
        ours, outgoing = os.pipe()
        theirs.append(outgoing)
        made = os.fdopen(ours, f"r{mode}")
    elif stdout is None:
        outgoing = 1
    else:
        assert not isinstance(stdout, int)
        outgoing = stdout.fileno()
    status, told = os.pipe()
    theirs.append(told)
    order = json.dumps({"words": words, "env": dict(os.environ) if env is None else env}).encode()
    errors = outgoing if stderr == subprocess.STDOUT else 2
    socket.send_fds(_nursery(), [order], [incoming, outgoing, errors, told])
    for end in theirs:
        os.close(end)
    return Child(status, stdin=given, stdout=made)


@cache
def _nursery() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        # Nobody waits for it: it ends when nobody can ask it for anything any more.
        command = [sys.executable, "-m", "tests.nursery", str(theirs.fileno())]
        os.posix_spawn(
            sys.executable,
            command,
            os.environ | {"PYTHONPATH": str(ROOT)},
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), theirs.fileno())],
        )
    atexit.register(ours.close)
    return ours


def _serve(asked: socket.socket) -> dict[str, Any]:
    """Fork at each order; comes back only in a fork, with its order."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, ends, _flags, _from = socket.recv_fds(asked, _LONGEST_ORDER, 4)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            incoming, outgoing, errors, told = ends
            child = os.fork()
            if child == 0:
                asked.close()
                os.close(told)
                for number, end in enumerate((incoming, outgoing, errors)):
                    os.dup2(end, number)
                    os.close(end)
                order: dict[str, Any] = json.loads(message)
                return order
            # Who stays tells how the other one ends, and holds nothing else of it.
            for end in (incoming, outgoing, errors):
                os.close(end)
            os.write(told, f"{child}\n".encode())
            os.write(told, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())
            os._exit(0)
        for end in ends:
            os.close(end)


def _be(order: dict[str, Any]) -> None:
    """Be the process that was asked for; whatever is raised ends it as it would end any other."""
    how, what, *rest = order["words"]
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = [what if how == "-m" else "-c", *rest]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    import tests.conftest  # noqa: F401 - read in for those that come

    gc.collect()
    gc.freeze()
    _be(_serve(socket.socket(fileno=int(sys.argv[1]))))

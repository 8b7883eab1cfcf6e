"""Ask a server again and again over connections that stay open, and keep how long each answer took.

The client does as little as it can (send, read to the end of the body, look at the clock), because it shares the
machine with the server: what it costs itself would make every server look alike.
"""

from __future__ import annotations

import http.client
import itertools
import re
import selectors
import socket
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.machine import Server

CONNECTIONS = 4
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class WrongAnswer(Exception):
    """A server answered with something other than 200."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round of asking: answers a second, how long they took, and what they cost the server, in milliseconds each.

    The cost is the server's own processor time, so it tells the same on a machine where others are at work.
    """

    rate: float
    p50: float
    p99: float
    cost: float


def fetch(port: int, path: str, headers: Mapping[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
    """Ask once."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def ask(server: Server, path: str, headers: Mapping[str, str], *, seconds: float) -> Round:
    """Ask for a page over four connections at once for some seconds.

    :raises WrongAnswer: if an answer isn't 200.
    """
    asked_for = {"Host": f"127.0.0.1:{server.port}", **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in asked_for.items())]
    return send(server, itertools.repeat(("\r\n".join(lines) + "\r\n\r\n").encode()), seconds=seconds)


def send(server: Server, questions: Iterator[bytes], *, seconds: float) -> Round:
    """Send whole requests over four connections at once for some seconds, the next one once one was answered.

    :raises WrongAnswer: if an answer isn't 200.
    """
    took: list[float] = []
    spent = server.processor()
    with selectors.DefaultSelector() as waiting:
        asked: dict[int, float] = {}
        read: dict[int, bytes] = {}
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(connection, selectors.EVENT_READ, connection)
            asked[connection.fileno()], read[connection.fileno()] = time.perf_counter(), b""
            connection.sendall(next(questions))
        start = now = time.perf_counter()
        while now - start < seconds:
            for key, _events in waiting.select(timeout=10):
                connection = key.data
                read[key.fd] += connection.recv(65_536)
                if not _whole(read[key.fd]):
                    continue
                now = time.perf_counter()
                took.append(now - asked[key.fd])
                asked[key.fd], read[key.fd] = now, b""
                connection.sendall(next(questions))
        for key in list(waiting.get_map().values()):
            key.data.close()
    took.sort()
    return Round(
        rate=len(took) / (now - start),
        p50=took[len(took) // 2] * 1_000,
        p99=took[len(took) * 99 // 100] * 1_000,
        cost=(server.processor() - spent) / len(took) * 1_000,
    )


def _whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not answer or (found and not head.startswith(b"HTTP/1.1 200 ")):
        raise WrongAnswer(head.decode("latin-1"))
    length = _LENGTH.search(head + b"\r\n")
    return bool(found) and length is not None and len(body) >= int(length[1])


def median(rounds: Sequence[Round]) -> Round:
    """Give the medians of some rounds."""
    return Round(
        rate=statistics.median(each.rate for each in rounds),
        p50=statistics.median(each.p50 for each in rounds),
        p99=statistics.median(each.p99 for each in rounds),
        cost=statistics.median(each.cost for each in rounds),
    )

"""A real mail server for tests, on a port of its own, that fails, delays and hangs up when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


class MailServer:
    """Keeps what it takes. `next` says what to do with the messages to come, one word each:

    `451` or `550 5.1.1` at the address, `data 452` or `data 554` after the text, `hang up` before taking it, `drop`:
    take it and hang up without an answer, `slow`: answer late, `never answer`: take it, and not within a minute.
    """

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.next: list[str] = []
        self.tries = 0
        self._doing = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        self.tries += 1
        self._doing = self.next.pop(0) if self.next else ""
        if self._doing[:1].isdigit():
            return f"{self._doing} so the test says"
        if self._doing == "hang up":
            server.transport.close()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self._doing.startswith("data "):
            return f"{self._doing.removeprefix('data ')} so the test says"
        if self._doing == "slow":
            await asyncio.sleep(0.5)
        found = message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        self.taken.append(found)
        if self._doing == "drop":
            server.transport.close()
        if self._doing == "never answer":
            await asyncio.sleep(60)
        return "250 OK"


class _OnAFreePort(Controller):
    """A controller that learns which port it was given before it asks there whether it runs."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running() -> Iterator[tuple[MailServer, str]]:
    """Run a mail server; gives it and its address as a setting has it."""
    server = MailServer()
    controller = _OnAFreePort(server, hostname="127.0.0.1", port=0)
    controller.start()
    port = controller.port
    try:
        yield server, f"smtp://127.0.0.1:{port}?tls=none"
    finally:
        controller.stop()

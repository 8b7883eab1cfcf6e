"""Signed events, carried to the endpoints from a thread of their own, with a bounded number of further tries.

Invariant: nothing leaves this machine; an address that is not its own loopback is refused before a connection.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import stripe

from sandbox import objects
from sandbox.acts import Acts
from sandbox.memory import Body, Memory

_LOG = logging.getLogger(__name__)
_PATIENCE = 10.0
_OWN_NAMES = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}


def own_address(url: str) -> tuple[str, int, str] | None:
    """Return host, port and path of an address on this machine, or None for every other address."""
    try:
        parts = urlsplit(url)
        host = _OWN_NAMES.get(parts.hostname or "")
        port = parts.port or 80
    except ValueError:
        return None
    if parts.scheme != "http" or host is None or parts.username is not None:
        return None
    return host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def signed(event: Body, endpoint: Body) -> tuple[bytes, str]:
    """Return the body and the signature header of one delivery, in the API version of its endpoint."""
    version = endpoint["api_version"] or objects.API_VERSION
    payload = json.dumps(event | {"api_version": version}, indent=2, ensure_ascii=False)
    # A receiver judges the age of a signature by the real clock, whatever the clock of the stand-in says.
    header = stripe.WebhookSignature.generate_signature_header(payload, endpoint["_secret"], int(time.time()))
    return payload.encode(), str(header)


class Courier(threading.Thread):
    """Carries what is due: in turn where the mode says so, else several at once; also expires overdue sessions."""

    def __init__(self, memory: Memory, acts: Acts, *, retry_seconds: float, most_tries: int) -> None:
        super().__init__(name="courier", daemon=True)
        self._memory = memory
        self._acts = acts
        self._retry_seconds = retry_seconds
        self._most_tries = most_tries
        self._wake = threading.Event()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="carrier")

    def poke(self) -> None:
        """Say that something may be due now."""
        self._wake.set()

    def stop(self) -> None:
        """Take no more on; what was not delivered is still planned at the next start."""
        self._over.set()
        self._wake.set()
        self.join(timeout=2)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def run(self) -> None:
        next_look = 0.0
        while not self._over.is_set():
            if time.monotonic() >= next_look:
                with self._memory.transaction():
                    self._acts.expire_overdue()
                next_look = time.monotonic() + 1
            due = self._memory.take_due(time.time())
            if due is None:
                soonest = self._memory.next_due()
                wait = 1.0 if soonest is None else min(1.0, max(0.005, soonest - time.time()))
                self._wake.wait(wait)
                self._wake.clear()
            elif due["in_turn"]:
                self._carry(dict(due))
            else:
                self._pool.submit(self._carry, dict(due))

    def _carry(self, delivery: Body) -> None:
        try:
            self._deliver(delivery)
        except Exception:
            # One delivery that goes wrong must not end the thread that carries all others.
            _LOG.exception("Delivery %s of event %s failed", delivery["id"], delivery["event_id"])

    def _deliver(self, delivery: Body) -> None:
        event = self._memory.get(delivery["account"], "event", delivery["event_id"])
        endpoint = self._memory.get(delivery["account"], "webhook_endpoint", delivery["endpoint_id"])
        if event is None or endpoint is None:
            self._memory.finish(delivery["id"], state="dropped", answer="endpoint deleted")
            return
        answer = self._post(endpoint["url"], *signed(event, endpoint))
        if answer.startswith("2"):
            with self._memory.transaction():
                self._memory.finish(delivery["id"], state="delivered", answer=answer)
                event = self._memory.get(delivery["account"], "event", delivery["event_id"])
                if event and event["pending_webhooks"]:
                    event["pending_webhooks"] -= 1
                    self._memory.save(event)
        elif delivery["tries"] + 1 >= self._most_tries:
            self._memory.finish(delivery["id"], state="given_up", answer=answer)
        else:
            wait = min(60.0, self._retry_seconds * 2 ** delivery["tries"])
            self._memory.finish(delivery["id"], state="waiting", answer=answer, due=time.time() + wait)

    def _post(self, url: str, body: bytes, signature: str) -> str:
        address = own_address(url)
        if address is None:
            return "refused: not an address on this machine"
        host, port, path = address
        connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE)
        try:
            connection.request(
                "POST",
                path,
                body,
                {
                    "Content-Type": "application/json; charset=utf-8",
                    "Stripe-Signature": signature,
                    "User-Agent": "Stripe/1.0 (+stand-in for Stripe; https://stripe.com/docs/webhooks)",
                    "Connection": "close",
                },
            )
            return str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as trouble:
            return f"{type(trouble).__name__}: {trouble}"
        finally:
            connection.close()

"""Starts and steers the stand-in for Stripe as a process of its own, for every test that needs a payment."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
import weakref
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests import nursery
from tests.nursery import Child


class SandboxProcess:
    """One running stand-in; with `with`, or `start()` and `stop()`. Stopped and started again it remembers."""

    def __init__(self) -> None:
        self.url = ""
        self.data: Path | None = None
        self._process: Child | None = None

    def start(
        self,
        port: int = 0,
        data: str | Path | None = None,
        delivery: str = "hostile",
        *,
        seed: int = 1,
        retry_seconds: float = 0.1,
        most_tries: int = 8,
    ) -> SandboxProcess:
        """Start on a free port (or the one given) and wait until it answers; return self."""
        if data is None and self.data is None:
            folder = tempfile.mkdtemp(prefix="sandbox-")
            # It must outlive a stop, for the next start to remember; it goes with this object.
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            data = Path(folder) / "stripe.sqlite"
        self.data = Path(data) if data is not None else self.data
        words = {
            "--port": port,
            "--data": self.data,
            "--delivery": delivery,
            "--seed": seed,
            "--retry-seconds": retry_seconds,
            "--most-tries": most_tries,
        }
        told = [str(part) for pair in words.items() for part in pair]
        self._process = nursery.start("-m", "sandbox", *told, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        # It prints one line, once it listens; without one it has ended.
        line = self._process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            self.stop()
            raise RuntimeError(f"The stand-in did not start: {line!r}")
        self.url = found[0]
        return self

    def stop(self) -> None:
        """End it as an operator would (SIGTERM) and wait; its memory stays until the object is gone."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.close()
        self._process = None

    def __enter__(self) -> SandboxProcess:
        return self if self._process is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # The control, see sandbox/control.py.

    def health(self) -> Any:
        return self._json("GET", "health")

    # With `key`, a lender's secret key, each is about that account alone.

    def delivery(self, mode: str, *, seconds: float = 2.0, key: str = "") -> None:
        """Set how webhooks go out: normal, hostile, out_of_order, doubled, delayed or lost."""
        self._json("POST", "delivery", {"mode": mode, "seconds": seconds, "key": key})

    def fail_next(
        self,
        how: str = "500",
        *,
        count: int = 1,
        seconds: float = 25.0,
        path: str = "",
        method: str = "",
        key: str = "",
    ) -> None:
        """Let the next API calls go wrong: 500, 500_saved, 429, timeout, cut, lost_answer or slow."""
        given = {"how": how, "count": count, "seconds": seconds, "path": path, "method": method, "key": key}
        self._json("POST", "faults", given)

    def heal(self) -> None:
        """Take back every failure that still waits."""
        self._json("DELETE", "faults", {})

    def events(self, kind: str = "", *, key: str = "") -> list[Any]:
        """Return the events, newest first, each with its deliveries."""
        found: list[Any] = self._json("GET", f"events?type={kind}&key={key}")
        return found

    def redeliver(self, event_id: str) -> None:
        self._json("POST", f"events/{event_id}/redeliver", {})

    def wait_idle(self, timeout: float = 5.0, *, key: str = "") -> None:
        """Wait until no delivery is under way."""
        self._json("GET", f"idle?timeout={timeout}&key={key}")

    def settle_payment(self, payment_intent_id: str, *, succeeds: bool) -> None:
        """Let a delayed payment arrive, or fail."""
        self._json("POST", f"payments/{payment_intent_id}/{'succeed' if succeeds else 'fail'}", {})

    def settle_refund(self, refund_id: str, *, succeeds: bool) -> None:
        """Let a refund arrive, or come back to the lender."""
        self._json("POST", f"refunds/{refund_id}/{'succeed' if succeeds else 'fail'}", {})

    def dispute(self, payment_intent_id: str, *, reason: str = "fraudulent") -> str:
        """Let the debtor's bank take a payment back; return the dispute's id."""
        return str(self._json("POST", f"payments/{payment_intent_id}/dispute", {"reason": reason})["id"])

    def close_dispute(self, dispute_id: str, *, won: bool) -> None:
        self._json("POST", f"disputes/{dispute_id}/close", {"won": won})

    def settle_in(self, payment_intent_id: str, currency: str, rate: float) -> None:
        """Let the account that took a payment be settled in one currency from now on."""
        self._json("POST", f"balance/{payment_intent_id}", {"settled_in": currency, "rate": rate})

    def book(self, payment_intent_id: str, kind: str, *, amount: int, fee: int = 0, currency: str = "usd") -> str:
        """Book something of its own on the balance of the account that took a payment; return its id."""
        given = {"type": kind, "amount": amount, "fee": fee, "currency": currency}
        return str(self._json("POST", f"balance/{payment_intent_id}", given)["id"])

    def pay_out_by_hand(self, payment_intent_id: str, amount: int, currency: str = "usd") -> str:
        """Pay an amount of the account that took a payment out, as somebody does at Stripe; return the payout's id."""
        given = {"pay_out": amount, "currency": currency}
        return str(self._json("POST", f"balance/{payment_intent_id}", given)["id"])

    def send_back(self, payout_id: str) -> None:
        """Let the bank send a payout back."""
        self._json("POST", f"payouts/{payout_id}/send-back", {})

    def change_method(self, method_id: str, **given: object) -> None:
        """Say what becomes of a saved card when it is charged (fate=), or what its network brings (last4=, ...)."""
        self._json("POST", f"methods/{method_id}", given)

    def revoke(self, method_id: str) -> None:
        """Let somebody take back at the bank what they agreed to."""
        self._json("POST", f"methods/{method_id}/revoke", {})

    def expire(self, session_id: str) -> None:
        self._json("POST", f"sessions/{session_id}/expire", {})

    def advance_clock(self, seconds: int) -> None:
        self._json("POST", "clock", {"advance": seconds})

    def set_clock(self, epoch: int | None) -> None:
        """Set the stand-in's clock to an instant, or (None) back to the real one."""
        self._json("POST", "clock", {"real": True} if epoch is None else {"at": epoch})

    def reset(self) -> None:
        """Forget everything, endpoints and settings included."""
        self._json("POST", "reset", {})

    # The hosted page, as a browser without JavaScript uses it.

    def page(self, page_url: str) -> tuple[int, str]:
        """Fetch a hosted page; return status and text."""
        status, _, text = self._page("GET", page_url)
        return status, text

    def pay(self, page_url: str, choice: str = "works", **typed: str) -> tuple[int, str, str]:
        """Send the form: works, credit, declined, second_step, bank, alipay, ... or typed (number=, expiry=, cvc=).

        Return status, where it leads (or "") and the text. 303 to success_url is a payment that is on its way or done.
        """
        return self._page("POST", page_url, {"choice": choice, **typed})

    def answer_bank(self, page_url: str, *, yes: bool) -> tuple[int, str, str]:
        """Answer the bank's question after `pay(url, "second_step")`."""
        return self._page("POST", f"{page_url}/second-step", {"answer": "yes" if yes else "no"})

    def _page(self, method: str, page_url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        status, location, body = self._send(method, urlsplit(page_url).path, urlencode(form or {}), headers)
        return status, location, body.decode()

    def _json(self, method: str, path: str, given: Any = None) -> Any:
        body = json.dumps(given) if given is not None else ""
        headers = {"Content-Type": "application/json"} if given is not None else {}
        status, _, answer = self._send(method, f"/_sandbox/{path}", body, headers)
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {answer.decode()}")
        return json.loads(answer)

    def _send(self, method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        parts = urlsplit(self.url)
        with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as line:
            line.request(method, path, body or None, headers)
            answer = line.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read()


class Receiver:
    """Takes webhooks on a port of its own and keeps raw body and signature; answers what a test wants."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.append((body, self.headers["Stripe-Signature"]))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe/demo"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def wait_until(fact: Any, *, seconds: float = 30.0) -> bool:
    """Ask again and again until a fact holds or the time is over; return whether it holds."""
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True

"""A stand-in for Twilio's messages on this machine: `python -m sandbox.sms --port 0`. It remembers nothing on a disk.

It takes what Twilio takes, refuses what Twilio refuses, goes wrong when told to, and signs what it would call back. It
calls nobody by itself: `/_sandbox/callbacks` gives what it would send, signed, and a test delivers it in any order.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SID, TOKEN = "AC" + "0" * 31 + "1", "a token for the stand-in only"
FROM = "+12125550100"
_E164 = re.compile(r"\+[1-9]\d{5,14}")
# Numbers that Twilio itself refuses are chosen here by their last digits.
_BY_ENDING = {"0001": (400, 21211), "0002": (400, 21610), "0003": (400, 21614)}
_TAKEN = {"To", "From", "MessagingServiceSid", "Body", "StatusCallback"}
_LONGEST = 1600


def signature(url: str, form: Mapping[str, str]) -> str:
    """Sign a call as Twilio does: HMAC-SHA1 over the address and the sorted form."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Memory:
    """What was taken, what to do wrong next, and what would be called back."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.messages: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.callbacks: list[dict[str, Any]] = []
        self.came = 0

    def take(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Take a message."""
        with self.lock:
            message: dict[str, Any] = {
                "sid": f"SM{len(self.messages) + 1:032x}",
                "account_sid": SID,
                "to": form["To"],
                "from": form.get("From", FROM),
                "body": form["Body"],
                "status": "queued",
                "date_sent": formatdate(time.time()),
                "date_created": formatdate(time.time()),
                "error_code": None,
                "status_callback": form.get("StatusCallback"),
            }
            self.messages.append(message)
            return message

    def come_in(self, number: str, body: str, url: str) -> None:
        """Let somebody answer: it would be called back to `url`, the incoming address of the number."""
        with self.lock:
            self.came += 1
            sid = f"SM{'f' * 16}{self.came:016x}"
            form = {"MessageSid": sid, "From": number, "To": FROM, "Body": body, "AccountSid": SID, "NumMedia": "0"}
            self.callbacks.append({"url": url, "form": form, "signature": signature(url, form)})

    def say(self, sid: str, status: str, error: str | None) -> None:
        """Let something become of a message."""
        with self.lock:
            message = next(each for each in self.messages if each["sid"] == sid)
            message["status"] = status
            url = message["status_callback"]
            form = {"MessageSid": sid, "MessageStatus": status, "To": message["to"], "AccountSid": SID}
            if error:
                form["ErrorCode"] = error
            if url:
                self.callbacks.append({"url": url, "form": form, "signature": signature(url, form)})


class Handler(BaseHTTPRequestHandler):
    """Twilio's one resource, and the control beside it."""

    protocol_version = "HTTP/1.1"
    memory: Memory

    def do_POST(self) -> None:
        """Take a message, or an order of a test."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        if self.path.startswith("/_sandbox/"):
            self._control(json.loads(raw or "{}"))
            return
        if not self._known():
            return
        form = {name: values[-1] for name, values in parse_qs(raw, keep_blank_values=True).items()}
        fault = self.memory.faults.pop(0) if self.memory.faults else ""
        if fault in {"timeout", "cut", "500", "429", "slow"} and not self._go_wrong(fault):
            return
        refused = self._refusal(form)
        if refused is not None:
            self._error(*refused)
            return
        message = self.memory.take(form)
        match fault:
            case "saved_500":
                self._error(500, 20500)
            case "saved_cut":
                self.close_connection = True
                self.connection.close()
            case _:
                self._json(201, message)

    def do_GET(self) -> None:
        """List messages, or say what a test asks for."""
        parts = urlsplit(self.path)
        if parts.path == "/_sandbox/messages":
            self._json(200, self.memory.messages)
        elif parts.path == "/_sandbox/callbacks":
            taken, self.memory.callbacks = self.memory.callbacks, []
            self._json(200, taken)
        elif self._known():
            wanted = parse_qs(parts.query).get("To", [""])[0]
            found = [each for each in reversed(self.memory.messages) if each["to"] == wanted]
            self._json(200, {"messages": found, "page": 0, "next_page_uri": None})

    def _control(self, order: Mapping[str, Any]) -> None:
        match self.path.removeprefix("/_sandbox/"):
            case "reset":
                self.memory.reset()
            case "faults":
                self.memory.faults += [order["how"]] * int(order.get("count", 1))
            case "say":
                self.memory.say(order["sid"], order["status"], order.get("error"))
            case "come_in":
                self.memory.come_in(order["number"], order["body"], order["url"])
            case _:
                self._json(404, {})
                return
        self._json(200, {})

    def _known(self) -> bool:
        wanted = f"/2010-04-01/Accounts/{SID}/Messages.json"
        given = self.headers.get("Authorization", "")
        if given != "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode():
            self._error(401, 20003)
            return False
        if urlsplit(self.path).path != wanted:
            self._error(404, 20404)
            return False
        return True

    def _go_wrong(self, fault: str) -> bool:
        """Go wrong before anything is taken; says whether to go on after all."""
        match fault:
            case "timeout":
                time.sleep(2)
                self.close_connection = True
                self.connection.close()
            case "cut":
                self.close_connection = True
                self.connection.close()
            case "500":
                self._error(500, 20500)
            case "429":
                self._error(429, 20429)
            case _:
                time.sleep(0.3)
                return True
        return False

    def _refusal(self, form: Mapping[str, str]) -> tuple[int, int] | None:
        if set(form) - _TAKEN or not form.get("To") or not (form.get("From") or form.get("MessagingServiceSid")):
            return 400, 21604
        if not form.get("Body"):
            return 400, 21602
        if len(form["Body"]) > _LONGEST:
            return 400, 21617
        if not _E164.fullmatch(form["To"]):
            return 400, 21211
        return _BY_ENDING.get(form["To"][-4:])

    def _error(self, status: int, code: int) -> None:
        self._json(status, {"code": code, "message": f"The stand-in says {code}.", "status": status, "more_info": ""})

    def _json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def make_server(port: int = 0, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Make a server with an empty memory; `serve_forever` runs it."""
    mine = type("MyHandler", (Handler,), {"memory": Memory()})
    return ThreadingHTTPServer((host, port), mine)


def main() -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.sms", description="A stand-in for Twilio's messages.")
    parser.add_argument("--port", type=int, default=8421, help="0 takes a free one")
    given = parser.parse_args()
    server = make_server(given.port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    sys.stdout.write(f"Stand-in for Twilio at http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

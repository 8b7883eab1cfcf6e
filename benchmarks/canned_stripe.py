"""Stripe's answers to reading one payment, made once and given at once: what is measured is what the portal does.

Every payment is of 10.00 USD, came, and carries its own id in the ids of its objects. With `PORT SECONDS` as its words
this answers each call after so many seconds, as a far server does.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox import objects
from sandbox.cards import WORKS_DEBIT

AMOUNT = 1_000
_HEX, _DASHED = "f" * 32, "ffffffff-ffff-ffff-ffff-ffffffffffff"


def session_of(payment: str) -> str:
    """Give the id of the page of a payment, by the payment's id as hexadecimal text."""
    return f"cs_test_{payment}"


def intent_of(payment: str) -> str:
    """Give the id of what was paid."""
    return f"pi_{payment}"


def told(kind: str, payment: str, *, number: int, dashed: str) -> str:
    """Give the event that tells of a payment, as its text; `number` makes it one of its own."""
    page, intent = _made()
    about = intent if kind.startswith("payment_intent") else page
    made = objects.an_event(
        kind, about, request={"id": None, "idempotency_key": None}, waiting=1, previous=None, now=int(time.time())
    )
    made |= {"id": f"evt_{number:024}", "api_version": objects.API_VERSION}
    return json.dumps(made, indent=2).replace(_DASHED, dashed).replace(_HEX, payment)


def _made() -> tuple[objects.Body, objects.Body]:
    now = int(time.time())
    noted = {"payment": _DASHED, "attempt": _DASHED, "lender": _DASHED, "reference": "P-0000-0000"}
    item = objects.a_line_item(
        {"price_data": {"currency": "usd", "unit_amount": AMOUNT, "product_data": {"name": "Linden · Card 1"}}}, now
    )
    given = {"mode": "payment", "success_url": "http://127.0.0.1/", "client_reference_id": _DASHED, "metadata": noted}
    page = objects.a_session(given, [item], url_root="http://127.0.0.1", now=now)
    intent = objects.a_payment_intent({"amount": AMOUNT, "currency": "usd", "metadata": noted}, now)
    method = objects.a_payment_method(WORKS_DEBIT, customer=None, now=now)
    charge = objects.a_charge(intent, method, status="succeeded", failure=None, now=now)
    booked = objects.a_balance_transaction("charge", charge["id"], amount=AMOUNT, currency="usd", fee=59, now=now)
    charge |= {
        "paid": True,
        "captured": True,
        "amount_captured": AMOUNT,
        "balance_transaction": booked,
        "id": f"ch_{_HEX}",
    }
    intent |= {
        "id": intent_of(_HEX), "status": "succeeded", "amount_received": AMOUNT, "payment_method": method["id"],
        "latest_charge": charge,
    }  # fmt: skip
    charge["payment_intent"] = intent["id"]
    page |= {
        "id": session_of(_HEX), "status": "complete", "payment_status": "paid", "url": None,
        "payment_intent": intent["id"],
    }  # fmt: skip
    return objects.public(page), objects.public(intent)


def main() -> None:
    """Answer until ended."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    page, intent = (json.dumps(each) for each in _made())
    none = json.dumps(objects.a_list([], "/v1/refunds"))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer; otherwise the other side would wait for the rest of it.
        wbufsize = -1

        def do_GET(self) -> None:
            time.sleep(seconds)
            path = self.path.partition("?")[0]
            name = path.rpartition("/")[2].rpartition("_")[2]
            text = none if path == "/v1/refunds" else page if "/checkout/" in path else intent
            dashed = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
            body = text.replace(_DASHED, dashed).replace(_HEX, name).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Request-Id", "req_0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()

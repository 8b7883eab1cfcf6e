"""The doors for tests under /_sandbox: JSON in, JSON out, for callers on this machine only.

GET  health                                   -> {ok, api_version, sdk, delivery, unfinished, now}
POST delivery {mode, seconds?, key?}          normal | hostile | out_of_order | doubled | delayed | lost
POST faults {how, count=1, seconds=25, path="", method="", key=""}   the next calls of the API go wrong:
       500 (before anything is done) | 500_saved (and kept under the key) | 429 | timeout | cut (no answer) |
       lost_answer (done, but no answer arrives) | slow (answers after `seconds`, if it has an idempotency key)
DELETE faults
GET  events?type=&limit=&key=                 -> every event, newest first, each with its deliveries
POST events/<evt>/redeliver · GET idle?timeout=5&key=   waits until no delivery is under way
POST payments/<pi>/succeed | fail             a delayed payment arrives or not, a voucher was paid or ran out; left
       alone, the clock does it: a debit after 4 to 7 days, a voucher the day after its last
POST payments/<pi>/authenticate | refuse      the bank's question, for a payment without a hosted page
POST payments/<pi>/dispute {reason?}          · POST disputes/<dp>/close {won}
POST methods/<pm> {fate?, last4?, exp_month?, exp_year?}   what becomes of a saved card when it is charged: null,
       second_step or a decline code; or what its network brings   · POST methods/<pm>/revoke   its mandate ends
POST balance/<pi> {settled_in, rate} | {type, amount, fee, currency} | {pay_out, currency}   of the account that took
       this payment: in which currency it is settled from now on; a booking of its own; a payout by hand
POST payouts/<po>/send-back                   the bank sends a payout back
POST refunds/<re>/succeed | fail              · POST sessions/<cs>/expire
POST stamps {"works": bool}                    the time stamp authority at /tsa answers, or 503
POST clock {advance: s} | {at: epoch} | {real: true}     · POST reset
With `key`, the secret key of an account, it is about that account alone.
"""

from __future__ import annotations

import ipaddress
import time
from typing import Any

import stripe
from flask import Blueprint, Response, current_app, jsonify, request

from sandbox import balance, objects
from sandbox.acts import MODES, Acts, Caller, Refused
from sandbox.api import Fault, Faults, account_of
from sandbox.memory import Body

control = Blueprint("control", __name__, url_prefix="/_sandbox")


@control.before_request
def _own_machine_only() -> None:
    if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:
        raise Refused("The control is for callers on this machine.", status=403)
    # A web page elsewhere can send a form to this machine but, unasked, no JSON.
    if request.method != "GET" and not request.is_json:
        raise Refused("Send JSON.", status=415)


@control.errorhandler(Refused)
def _refused(refused: Refused) -> tuple[Response, int]:
    return jsonify({"error": refused.error}), refused.status


def _acts() -> Acts:
    found: Acts = current_app.config["ACTS"]
    return found


def _faults() -> Faults:
    found: Faults = current_app.config["FAULTS"]
    return found


def _given() -> dict[str, Any]:
    given = request.get_json()
    if not isinstance(given, dict):
        raise Refused("Send a JSON object.")
    return given


def _found(kind: str, identifier: str) -> tuple[Caller, Body]:
    account = _acts().memory.owner(kind, identifier)
    if account is None:
        raise Refused(f"No such {kind}: '{identifier}'", code="resource_missing", status=404)
    by = Caller(account)
    return by, _acts().found(by, kind, identifier)


def _asked_about() -> str | None:
    key = request.args.get("key")
    return account_of(key) if key else None


def _told(body: Body) -> Response:
    current_app.config["COURIER"].poke()
    return jsonify(objects.public(body))


@control.get("/health")
def health() -> Response:
    memory = _acts().memory
    return jsonify(
        ok=True,
        api_version=objects.API_VERSION,
        sdk=stripe.VERSION,
        delivery=memory.setting("mode", _acts().default_mode),
        unfinished=memory.unfinished(),
        now=memory.now(),
    )


@control.post("/delivery")
def delivery() -> Response:
    given = _given()
    if given.get("mode") not in MODES:
        raise Refused(f"mode must be one of {', '.join(MODES)}", param="mode")
    whose = f":{account_of(given['key'])}" if given.get("key") else ""
    with _acts().memory.transaction():
        _acts().memory.set_setting(f"mode{whose}", given["mode"])
        _acts().memory.set_setting(f"late{whose}", str(float(given.get("seconds", 2))))
    return jsonify(mode=given["mode"])


@control.post("/faults")
def put_fault() -> Response:
    given = _given()
    _faults().put(
        Fault(
            how=str(given.get("how", "500")),
            left=int(given.get("count", 1)),
            seconds=float(given.get("seconds", 25)),
            path=str(given.get("path", "")),
            method=str(given.get("method", "")),
            account=account_of(given["key"]) if given.get("key") else "",
        )
    )
    return jsonify(ok=True)


@control.delete("/faults")
def clear_faults() -> Response:
    _faults().clear()
    return jsonify(ok=True)


@control.get("/events")
def events() -> Response:
    memory = _acts().memory
    kind = request.args.get("type")
    where = (("type", kind),) if kind else ()
    found, _ = memory.listed(_asked_about(), "event", where=where, limit=request.args.get("limit", 1000, type=int))
    return jsonify([event | {"deliveries": memory.deliveries(event["id"])} for event in found])


@control.post("/events/<identifier>/redeliver")
def redeliver(identifier: str) -> Response:
    by, event = _found("event", identifier)
    with _acts().memory.transaction():
        count = _acts().tell_again(by, event)
    current_app.config["COURIER"].poke()
    return jsonify(deliveries=count)


@control.get("/idle")
def idle() -> tuple[Response, int]:
    until = time.monotonic() + min(30.0, request.args.get("timeout", 5.0, type=float))
    while left := _acts().memory.unfinished(_asked_about()):
        if time.monotonic() > until:
            return jsonify(idle=False, unfinished=left), 503
        time.sleep(0.02)
    return jsonify(idle=True), 200


@control.post("/payments/<identifier>/<outcome>")
def payment(identifier: str, outcome: str) -> Response:
    with _acts().memory.transaction():
        by, intent = _found("payment_intent", identifier)
        if outcome == "succeed" and intent["status"] == "succeeded" and intent.get("_ends"):
            # It arrived by the clock, before anybody said so.
            return _told(intent)
        if outcome in ("succeed", "fail"):
            return _told(_acts().settle_delayed(by, intent, succeeds=outcome == "succeed"))
        if outcome == "dispute":
            return _told(_acts().open_dispute(by, intent, str(_given().get("reason", "fraudulent"))))
        if outcome in ("authenticate", "refuse"):
            return _told(_acts().authenticate(by, intent, yes=outcome == "authenticate"))
    raise Refused("succeed, fail, authenticate, refuse or dispute", status=404)


@control.post("/disputes/<identifier>/close")
def dispute(identifier: str) -> Response:
    with _acts().memory.transaction():
        by, found = _found("dispute", identifier)
        return _told(_acts().close_dispute(by, found, won=bool(_given().get("won"))))


@control.post("/refunds/<identifier>/<outcome>")
def refund(identifier: str, outcome: str) -> Response:
    if outcome not in ("succeed", "fail"):
        raise Refused("succeed or fail", status=404)
    with _acts().memory.transaction():
        by, found = _found("refund", identifier)
        return _told(_acts().settle_refund(by, found, succeeds=outcome == "succeed"))


@control.post("/balance/<identifier>")
def of_the_balance(identifier: str) -> Response:
    given, memory = _given(), _acts().memory
    with memory.transaction():
        by, _intent = _found("payment_intent", identifier)
        if "settled_in" in given:
            balance.settle_in(memory, by.account, str(given["settled_in"]), float(given["rate"]))
            return jsonify(ok=True)
        if "pay_out" in given:
            return _told(balance.pay_out_by_hand(memory, by.account, int(given["pay_out"]), str(given["currency"])))
        return _told(
            balance.book(
                memory, by.account, str(given["type"]), None,
                amount=int(given["amount"]), currency=str(given["currency"]), fee=int(given.get("fee", 0)),
            )
        )  # fmt: skip


@control.post("/payouts/<identifier>/send-back")
def payout(identifier: str) -> Response:
    with _acts().memory.transaction():
        by, found = _found("payout", identifier)
        return _told(balance.send_back(_acts().memory, by.account, found))


@control.post("/methods/<identifier>")
def method(identifier: str) -> Response:
    with _acts().memory.transaction():
        by, found = _found("payment_method", identifier)
        return _told(_acts().change_method(by, found, _given()))


@control.post("/methods/<identifier>/revoke")
def revoke(identifier: str) -> Response:
    with _acts().memory.transaction():
        by, found = _found("payment_method", identifier)
        return _told(_acts().end_mandate(by, found))


@control.post("/sessions/<identifier>/expire")
def session(identifier: str) -> Response:
    with _acts().memory.transaction():
        by, found = _found("checkout.session", identifier)
        return _told(_acts().expire_session(by, found))


@control.post("/stamps")
def stamps() -> Response:
    """Let the time stamp authority answer, or not."""
    current_app.config["AUTHORITY"].works = bool(_given()["works"])
    return jsonify({})


@control.post("/clock")
def clock() -> Response:
    given = _given()
    memory = _acts().memory
    with memory.transaction():
        if given.get("real"):
            memory.move_clock(0)
        elif "at" in given:
            memory.move_clock(int(given["at"]) - int(time.time()))
        else:
            memory.move_clock(memory.now() - int(time.time()) + int(given.get("advance", 0)))
        _acts().expire_overdue()
    current_app.config["COURIER"].poke()
    return jsonify(now=memory.now())


@control.post("/reset")
def reset() -> Response:
    _faults().clear()
    _acts().memory.forget_everything()
    return jsonify(ok=True)

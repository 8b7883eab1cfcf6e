"""The API under /v1: who calls, what fits, what was asked before, and then the act.

Each route names the SDK type of its parameters; nothing outside that type passes. Results of writes are kept under
their idempotency key as Stripe keeps them: once an act has begun, its answer is the answer for 24 hours, errors
included; a request that never fitted leaves no trace.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import stripe
from flask import Blueprint, Request, Response, current_app, request
from stripe import params
from stripe.params import checkout as checkout_params

from sandbox import balance, contract, delivery, objects
from sandbox.acts import Acts, Caller, Declined, Refused
from sandbox.memory import Body, Memory, new_id

api = Blueprint("api", __name__)

_KEY = re.compile(r"[sr]k_test_[A-Za-z0-9_]{4,}")
_FAULTS = ("500", "500_saved", "429", "timeout", "cut", "lost_answer", "slow")


@dataclass
class Fault:
    """Something that goes wrong for the next requests, set by a test."""

    how: str
    left: int
    seconds: float
    path: str = ""
    method: str = ""


@dataclass
class Faults:
    """What is set to go wrong, and which idempotency keys are at work; lives as long as the process."""

    waiting: list[Fault] = field(default_factory=list)
    at_work: set[tuple[str, str]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, fault: Fault) -> None:
        if fault.how not in _FAULTS:
            raise Refused(f"how must be one of {', '.join(_FAULTS)}", param="how")
        with self.lock:
            self.waiting.append(fault)

    def clear(self) -> None:
        with self.lock:
            self.waiting.clear()

    def take(self, asked: Request) -> Fault | None:
        with self.lock:
            for fault in self.waiting:
                if asked.path.startswith(fault.path) and fault.method in ("", asked.method):
                    fault.left -= 1
                    if fault.left < 1:
                        self.waiting.remove(fault)
                    return fault
        return None


@dataclass(frozen=True)
class Route:
    """One path and method of the API: its parameters' SDK type and what it does."""

    kind: type
    act: Callable[[Desk, Body, tuple[str, ...]], Body]


@dataclass(frozen=True)
class Desk:
    """What an act needs at hand."""

    acts: Acts
    by: Caller
    url_root: str

    @property
    def memory(self) -> Memory:
        return self.acts.memory

    def one(self, kind: str, identifier: str, name: str | None = None) -> Body:
        return self.acts.found(self.by, kind, identifier, name=name)

    def several(self, kind: str, given: Body, url: str, *fields: str, **where: Any) -> Body:
        limit = given.get("limit", 10)
        if not 1 <= limit <= 100:
            raise Refused("Limit must be between 1 and 100", code="parameter_invalid_integer", param="limit")
        for name in ("starting_after", "ending_before"):
            if name in given:
                self.one(kind, given[name])
        supported = {*fields, "created", "limit", "starting_after", "ending_before", "expand", *where}
        beyond = sorted(set(given) - supported)
        if beyond:
            raise Refused(f"The stand-in cannot filter by {', '.join(beyond)} yet.", param=beyond[0])
        wanted = [(name, given[name]) for name in fields if name in given]
        found, more = self.memory.listed(
            self.by.account, kind, where=(*wanted, *where.items()), created=given.get("created"),
            after=given.get("starting_after"), before=given.get("ending_before"), limit=limit,
        )  # fmt: skip
        return objects.a_list(found, url, more)


def _session_list(desk: Desk, given: Body, _: tuple[str, ...]) -> Body:
    desk.acts.expire_overdue()
    return desk.several("checkout.session", given, "/v1/checkout/sessions", "customer", "payment_intent", "status")


def _session(desk: Desk, given: Body, ids: tuple[str, ...]) -> Body:
    desk.acts.expire_overdue()
    return desk.one("checkout.session", ids[0], "checkout.session")


def _session_items(desk: Desk, given: Body, ids: tuple[str, ...]) -> Body:
    session = desk.one("checkout.session", ids[0], "checkout.session")
    return objects.a_list(session["_items"], f"/v1/checkout/sessions/{ids[0]}/line_items")


def _session_expire(desk: Desk, given: Body, ids: tuple[str, ...]) -> Body:
    desk.acts.expire_overdue()
    return desk.acts.expire_session(desk.by, desk.one("checkout.session", ids[0], "checkout.session"))


def _event_list(desk: Desk, given: Body, _: tuple[str, ...]) -> Body:
    kinds = given.pop("types", None) or ([given.pop("type")] if "type" in given else None)
    listed = desk.several("event", given | {"limit": 100} if kinds else given, "/v1/events")
    if kinds:
        patterns = [re.compile(re.escape(kind).replace(r"\*", ".*")) for kind in kinds]
        fitting = [one for one in listed["data"] if any(pattern.fullmatch(one["type"]) for pattern in patterns)]
        limit = given.get("limit", 10)
        listed |= {"data": fitting[:limit], "has_more": len(fitting) > limit or listed["has_more"]}
    return listed


def _endpoint_create(desk: Desk, given: Body, _: tuple[str, ...]) -> Body:
    if delivery.own_address(given["url"]) is None:
        raise Refused("The stand-in delivers only to http addresses on this machine.", code="url_invalid", param="url")
    if given.get("connect"):
        raise Refused("The stand-in has no Connect.", param="connect")
    version = given.get("api_version")
    if version and version != objects.API_VERSION:
        raise Refused(f"The stand-in speaks only {objects.API_VERSION}.", param="api_version")
    endpoint = desk.memory.add(desk.by.account, "webhook_endpoint", objects.an_endpoint(given, desk.memory.now()))
    # The secret is told once, here, and never again.
    return endpoint | {"secret": endpoint["_secret"]}


def _endpoint_delete(desk: Desk, given: Body, ids: tuple[str, ...]) -> Body:
    endpoint = desk.one("webhook_endpoint", ids[0])
    desk.memory.remove(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def _customer_create(desk: Desk, given: Body, _: tuple[str, ...]) -> Body:
    customer = desk.memory.add(desk.by.account, "customer", objects.a_customer(given, desk.memory.now()))
    desk.acts.tell(desk.by, [("customer.created", customer)])
    return customer


def _bookings(desk: Desk, given: Body, _: tuple[str, ...]) -> Body:
    balance.come_true(desk.memory, desk.by.account)
    where = {"_payout": desk.one("payout", given.pop("payout"))["id"]} if "payout" in given else {}
    return desk.several("balance_transaction", given, "/v1/balance_transactions", "type", "source", "currency", **where)


def _payouts(desk: Desk, given: Body, _: tuple[str, ...]) -> Body:
    balance.come_true(desk.memory, desk.by.account)
    return desk.several("payout", given, "/v1/payouts", "status")


def _payout(desk: Desk, given: Body, ids: tuple[str, ...]) -> Body:
    balance.come_true(desk.memory, desk.by.account)
    return desk.one("payout", ids[0])


def _of(kind: str, name: str | None = None) -> Callable[[Desk, Body, tuple[str, ...]], Body]:
    return lambda desk, given, ids: desk.one(kind, ids[0], name)


def _list_of(kind: str, url: str, *fields: str) -> Callable[[Desk, Body, tuple[str, ...]], Body]:
    return lambda desk, given, ids: desk.several(kind, given, url, *fields)


ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("POST", "customers", Route(params.CustomerCreateParams, _customer_create)),
    ("GET", "customers", Route(params.CustomerListParams, _list_of("customer", "/v1/customers", "email"))),
    ("GET", "customers/*", Route(params.CustomerRetrieveParams, _of("customer"))),
    ("POST", "checkout/sessions", Route(
        checkout_params.SessionCreateParams,
        lambda desk, given, ids: desk.acts.open_session(desk.by, given, url_root=desk.url_root))),
    ("GET", "checkout/sessions", Route(checkout_params.SessionListParams, _session_list)),
    ("GET", "checkout/sessions/*", Route(checkout_params.SessionRetrieveParams, _session)),
    ("GET", "checkout/sessions/*/line_items", Route(checkout_params.SessionListLineItemsParams, _session_items)),
    ("POST", "checkout/sessions/*/expire", Route(checkout_params.SessionExpireParams, _session_expire)),
    ("POST", "payment_intents", Route(
        params.PaymentIntentCreateParams, lambda desk, given, ids: desk.acts.open_payment(desk.by, given))),
    ("GET", "payment_intents", Route(
        params.PaymentIntentListParams, _list_of("payment_intent", "/v1/payment_intents", "customer"))),
    ("GET", "payment_intents/*", Route(params.PaymentIntentRetrieveParams, _of("payment_intent"))),
    ("POST", "payment_intents/*", Route(
        params.PaymentIntentUpdateParams,
        lambda desk, given, ids: desk.acts.change_payment(desk.by, desk.one("payment_intent", ids[0]), given))),
    ("POST", "payment_intents/*/confirm", Route(
        params.PaymentIntentConfirmParams,
        lambda desk, given, ids: desk.acts.confirm_payment(desk.by, desk.one("payment_intent", ids[0]), given))),
    ("POST", "payment_intents/*/cancel", Route(
        params.PaymentIntentCancelParams,
        lambda desk, given, ids: desk.acts.cancel_payment(
            desk.by, desk.one("payment_intent", ids[0]), given.get("cancellation_reason")))),
    ("GET", "charges", Route(params.ChargeListParams, _list_of("charge", "/v1/charges", "customer", "payment_intent"))),
    ("GET", "charges/*", Route(params.ChargeRetrieveParams, _of("charge"))),
    ("POST", "refunds", Route(
        params.RefundCreateParams, lambda desk, given, ids: desk.acts.refund(desk.by, given))),
    ("GET", "refunds", Route(params.RefundListParams, _list_of("refund", "/v1/refunds", "charge", "payment_intent"))),
    ("GET", "refunds/*", Route(params.RefundRetrieveParams, _of("refund"))),
    ("GET", "disputes", Route(
        params.DisputeListParams, _list_of("dispute", "/v1/disputes", "charge", "payment_intent"))),
    ("GET", "disputes/*", Route(params.DisputeRetrieveParams, _of("dispute"))),
    ("POST", "setup_intents", Route(
        params.SetupIntentCreateParams, lambda desk, given, ids: desk.acts.open_setup(desk.by, given))),
    ("GET", "setup_intents/*", Route(params.SetupIntentRetrieveParams, _of("setup_intent"))),
    ("POST", "setup_intents/*/confirm", Route(
        params.SetupIntentConfirmParams,
        lambda desk, given, ids: desk.acts.confirm_setup(desk.by, desk.one("setup_intent", ids[0]), given))),
    ("GET", "mandates/*", Route(params.MandateRetrieveParams, _of("mandate"))),
    ("POST", "payment_methods", Route(
        params.PaymentMethodCreateParams, lambda desk, given, ids: desk.acts.add_method(desk.by, given))),
    ("GET", "payment_methods", Route(
        params.PaymentMethodListParams, _list_of("payment_method", "/v1/payment_methods", "customer", "type"))),
    ("GET", "payment_methods/*", Route(params.PaymentMethodRetrieveParams, _of("payment_method", "PaymentMethod"))),
    ("POST", "payment_methods/*/attach", Route(
        params.PaymentMethodAttachParams,
        lambda desk, given, ids: desk.acts.attach_method(desk.by, ids[0], given.get("customer", "")))),
    ("POST", "payment_methods/*/detach", Route(
        params.PaymentMethodDetachParams,
        lambda desk, given, ids: desk.acts.detach_method(
            desk.by, desk.one("payment_method", ids[0], "PaymentMethod")))),
    ("GET", "balance_transactions", Route(params.BalanceTransactionListParams, _bookings)),
    ("GET", "balance_transactions/*", Route(params.BalanceTransactionRetrieveParams, _of("balance_transaction"))),
    ("GET", "payouts", Route(params.PayoutListParams, _payouts)),
    ("GET", "payouts/*", Route(params.PayoutRetrieveParams, _payout)),
    ("GET", "events", Route(params.EventListParams, _event_list)),
    ("GET", "events/*", Route(params.EventRetrieveParams, _of("event"))),
    ("POST", "webhook_endpoints", Route(params.WebhookEndpointCreateParams, _endpoint_create)),
    ("GET", "webhook_endpoints", Route(
        params.WebhookEndpointListParams, _list_of("webhook_endpoint", "/v1/webhook_endpoints"))),
    ("GET", "webhook_endpoints/*", Route(params.WebhookEndpointRetrieveParams, _of("webhook_endpoint"))),
    ("DELETE", "webhook_endpoints/*", Route(params.WebhookEndpointDeleteParams, _endpoint_delete)),
)  # fmt: skip

_TABLE: tuple[tuple[str, re.Pattern[str], Route], ...] = tuple(
    (method, re.compile(re.escape(path).replace(r"\*", "([A-Za-z0-9_]+)")), route) for method, path, route in ROUTES
)


@api.route("/v1/<path:path>", methods=["GET", "POST", "DELETE"])
def call(path: str) -> Response:
    """Answer one call of the SDK."""
    request_id = new_id("req_", 14)
    faults: Faults = current_app.config["FAULTS"]
    fault = faults.take(request)
    if fault and fault.how != "lost_answer":
        spoiled = _spoiled(fault, request_id)
        if spoiled is not None:
            return spoiled
    try:
        response = _answer(path, request_id, faults, fault)
    except Refused as refused:
        response = _json({"error": refused.error}, refused.status, request_id)
    if fault and fault.how == "lost_answer":
        return _cut(request_id)
    return response


def _answer(path: str, request_id: str, faults: Faults, fault: Fault | None) -> Response:
    account = _account()
    route, ids = _route(path)
    version = request.headers.get("Stripe-Version", objects.API_VERSION)
    if version != objects.API_VERSION:
        raise Refused(f"Invalid Stripe API version: {version}. The stand-in speaks only {objects.API_VERSION}.")
    sent = request.get_data(as_text=True) if request.method == "POST" else request.query_string.decode()
    key = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
    if len(key) > 255:
        raise Refused("Idempotency keys may be at most 255 characters.", kind="idempotency_error")
    by = Caller(account, request_id, key or None)
    desk = Desk(current_app.config["ACTS"], by, current_app.config["PUBLIC_URL"] or request.host_url.rstrip("/"))
    print_of_request = hashlib.sha256(f"{request.method} {path} {sent}".encode()).hexdigest()
    if not key:
        return _act(desk, route, sent, ids, request_id)
    with faults.lock:
        if (account, key) in faults.at_work:
            raise Refused(
                "There is currently another in-progress request using this Idempotency Key.",
                code="idempotency_key_in_use", status=409, kind="idempotency_error",
            )  # fmt: skip
        faults.at_work.add((account, key))
    try:
        if fault and fault.how == "slow":
            time.sleep(fault.seconds)
        known = desk.memory.remembered(account, key)
        if known is not None:
            if known["request"] != print_of_request:
                raise Refused(
                    f"Keys for idempotent requests can only be used with the same parameters they were first used "
                    f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            replay = Response(known["answer"], known["status"], content_type="application/json")
            replay.headers["Request-Id"] = request_id
            replay.headers["Idempotent-Replayed"] = "true"
            return replay
        if fault and fault.how == "500_saved":
            response = _trouble(request_id)
            desk.memory.remember(account, key, print_of_request, 500, response.get_data(as_text=True))
            return response
        return _act(desk, route, sent, ids, request_id, remember=(key, print_of_request))
    finally:
        with faults.lock:
            faults.at_work.discard((account, key))


def _act(
    desk: Desk,
    route: Route,
    sent: str,
    ids: tuple[str, ...],
    request_id: str,
    remember: tuple[str, str] | None = None,
) -> Response:
    try:
        given = contract.fitted(contract.tree_of(sent), route.kind)
    except contract.Unfit as unfit:
        raise Refused(unfit.message, code=unfit.code, param=unfit.param) from unfit
    with desk.memory.transaction():
        answer: Body
        try:
            with desk.memory.all_or_nothing():
                try:
                    found = route.act(desk, given, ids)
                    answer, status = _expanded(desk, objects.public(found), given.get("expand") or []), 200
                    _promised(answer)
                except Declined as declined:
                    # A decline is a result: what it left behind is kept.
                    answer, status = {"error": declined.error}, declined.status
        except Refused as refused:
            answer, status = {"error": refused.error}, refused.status
        response = _json(answer, status, request_id)
        if remember:
            key, print_of_request = remember
            desk.memory.remember(desk.by.account, key, print_of_request, status, response.get_data(as_text=True))
    current_app.config["COURIER"].poke()
    return response


def _account() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic" and request.authorization:
        key = request.authorization.username or ""
    if not key:
        raise Refused("You did not provide an API key.", status=401)
    if not _KEY.fullmatch(key.strip()):
        shown = key[:8] + "*" * max(0, len(key) - 12) + key[-4:] if len(key) > 12 else "****"
        raise Refused(f"Invalid API Key provided: {shown}", status=401)
    # An account is known by its key; the key itself is not kept.
    return "acct_" + hashlib.sha256(key.strip().encode()).hexdigest()[:16]


def _route(path: str) -> tuple[Route, tuple[str, ...]]:
    for method, pattern, route in _TABLE:
        match = pattern.fullmatch(path)
        if match and method == request.method:
            return route, match.groups()
    raise Refused(
        f"Unrecognized request URL ({request.method}: /v1/{path}). The stand-in does not have it.", status=404
    )


def _expanded(desk: Desk, body: Body, wanted: list[str]) -> Body:
    for path in wanted:
        if path.count(".") > 3:
            raise Refused("You cannot expand more than 4 levels.", param="expand")
        _expand(desk, body, path.split("."), path)
    return body


def _expand(desk: Desk, body: Body, steps: list[str], whole: str) -> None:
    step, rest = steps[0], steps[1:]
    cannot = Refused(f"This property cannot be expanded ({whole}).", param="expand")
    if body.get("object") == "list" and step == "data":
        if not rest:
            raise cannot
        for at, part in enumerate(body["data"]):
            body["data"][at] = objects.public(part)
            _expand(desk, body["data"][at], rest, whole)
        return
    if body.get("object") == "checkout.session" and step == "line_items":
        items = desk.one("checkout.session", body["id"])["_items"]
        body[step] = objects.a_list(items, f"/v1/checkout/sessions/{body['id']}/line_items")
        return
    if body.get("object") == "charge" and step == "refunds":
        found, more = desk.memory.listed(desk.by.account, "refund", where=(("charge", body["id"]),), limit=10)
        body[step] = objects.a_list(found, f"/v1/charges/{body['id']}/refunds", more)
        return
    if step not in body:
        raise cannot
    if isinstance(body[step], str):
        linked = desk.memory.get(desk.by.account, None, body[step])
        if linked is None:
            raise cannot
        body[step] = objects.public(linked)
    elif body[step] is not None and not (isinstance(body[step], dict) and (rest or "object" in body[step])):
        raise cannot
    if rest and isinstance(body[step], dict):
        _expand(desk, body[step], rest, whole)


def _promised(answer: Body) -> None:
    """Hold an answer against the SDK's own type for it; the stand-in must not promise less than Stripe does."""
    if answer.get("deleted"):
        return
    for body in answer["data"] if answer["object"] == "list" else [answer]:
        lacks = contract.missing_fields(objects.public(body), objects.SDK_TYPES[body["object"]])
        if lacks:
            raise RuntimeError(f"The stand-in's answer lacks what the SDK {stripe.VERSION} promises: {lacks}")


def _json(body: Body, status: int, request_id: str) -> Response:
    if body.get("object") == "list":
        body = body | {"data": [objects.public(part) for part in body["data"]]}
    response = Response(json.dumps(body, indent=2, ensure_ascii=False), status, content_type="application/json")
    response.headers["Request-Id"] = request_id
    response.headers["Stripe-Version"] = objects.API_VERSION
    return response


def _spoiled(fault: Fault, request_id: str) -> Response | None:
    if fault.how == "500":
        return _trouble(request_id)
    if fault.how == "429":
        error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}
        return _json({"error": error}, 429, request_id)
    if fault.how == "timeout":
        time.sleep(fault.seconds)
        return _cut(request_id)
    if fault.how == "cut":
        return _cut(request_id)
    return None


def _trouble(request_id: str) -> Response:
    return _json(
        {"error": {"type": "api_error", "message": "The stand-in was told to be in trouble."}}, 500, request_id
    )


def _cut(request_id: str) -> Response:
    """Close the connection without an answer, as when a line breaks or a server dies."""
    line = request.environ.get("werkzeug.socket")
    if line is not None:
        line.shutdown(socket.SHUT_RDWR)
    return _json({"error": {"type": "api_error", "message": "cut"}}, 500, request_id)

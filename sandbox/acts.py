"""What happens at the stand-in: a session opens and expires, a payment succeeds or fails, money goes back.

Invariant: an object changes together with the events that tell of it, in the caller's transaction; an act that the
object's state does not allow raises `Refused` and changes nothing.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from typing import Any

from sandbox import balance, currencies, objects
from sandbox.cards import (
    BY_NUMBER,
    BY_TOKEN,
    DAYS_UNDER_WAY,
    DECLINE_MESSAGES,
    KEPT,
    METHODS,
    SECOND_STEP,
    VOUCHER_DAYS,
    Method,
    Outcome,
    later,
)
from sandbox.memory import Body, Memory

HALF_AN_HOUR = 30 * 60
A_DAY = 86_400
MODES = ("normal", "hostile", "out_of_order", "doubled", "delayed", "lost")


class Refused(Exception):
    """An answer in Stripe's form that is not a success: the HTTP status and what stands in `error`."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        error: Body = {"type": kind, "message": message}
        if code:
            error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"}
        if param:
            error["param"] = param
        self.error = error | more


@dataclass(frozen=True)
class Caller:
    """Whose key a request carries, and what the events it causes say about it."""

    account: str
    request_id: str | None = None
    idempotency_key: str | None = None

    @property
    def request(self) -> Body:
        return {"id": self.request_id, "idempotency_key": self.idempotency_key}


class Acts:
    """The acts, over one memory."""

    def __init__(self, memory: Memory, *, default_mode: str = "normal", seed: int = 1) -> None:
        self.memory = memory
        self.default_mode = default_mode
        self._random = random.Random(seed)

    # Finding.

    def found(self, by: Caller, kind: str, identifier: str, *, name: str | None = None) -> Body:
        """Return an object of this account; another account's is as unknown as one that never was."""
        body = self.memory.get(by.account, kind, identifier)
        if body is None:
            shown = name or kind.split(".")[-1]
            raise Refused(
                f"No such {shown}: '{identifier}'", code="resource_missing", param=shown.replace(".", "_"), status=404
            )
        return body

    # Checkout.

    def open_session(self, by: Caller, given: Body, *, url_root: str) -> Body:
        now = self.memory.now()
        mode = given.get("mode")
        if mode is None:
            raise Refused("Missing required param: mode.", code="parameter_missing", param="mode")
        if mode not in ("payment", "setup"):
            raise Refused(f"The stand-in has no Checkout in mode '{mode}', only 'payment' and 'setup'.", param="mode")
        if given.get("ui_mode", "hosted_page") != "hosted_page":
            raise Refused("The stand-in has only the hosted page: ui_mode 'hosted_page'.", param="ui_mode")
        if mode == "setup":
            self._fits_setup(given)
        elif not given.get("line_items"):
            raise Refused("Missing required param: line_items.", code="parameter_missing", param="line_items")
        elif given.get("setup_intent_data"):
            raise Refused("You can only use `setup_intent_data` in `setup` mode.", param="setup_intent_data")
        if not given.get("success_url"):
            raise Refused("Missing required param: success_url.", code="parameter_missing", param="success_url")
        for name in ("success_url", "cancel_url"):
            self._web_address(given.get(name), name)
        if given.get("customer"):
            self.found(by, "customer", given["customer"])
        said = given.get("payment_method_options") or {}
        keeps = any((one or {}).get("setup_future_usage") for one in said.values())
        if given.get("allowed_payment_method_types") and given.get("excluded_payment_method_types"):
            raise Refused(
                "You may only specify one of these parameters: allowed_payment_method_types, "
                "excluded_payment_method_types.",
                param="excluded_payment_method_types",
            )
        if "wechat_pay" in said and (said["wechat_pay"] or {}).get("client") != "web":
            raise Refused("The hosted page needs client 'web'.", param="payment_method_options[wechat_pay][client]")
        for name, most in (("oxxo", 7), ("boleto", 60), ("konbini", 60)):
            days = (said.get(name) or {}).get("expires_after_days")
            if days is not None and not 0 <= days <= most:
                raise Refused(f"Must be between 0 and {most}.", param=f"payment_method_options[{name}]")
        if keeps and not given.get("customer"):
            # Stripe would make a customer of its own; whoever keeps a card says for whom.
            raise Refused("The stand-in keeps cards only for a customer.", code="parameter_missing", param="customer")
        if given.get("customer") and given.get("customer_email"):
            raise Refused("You may only specify one of these parameters: customer, customer_email.", param="customer")
        if len(given.get("client_reference_id") or "") > 200:
            raise Refused("client_reference_id must be at most 200 characters.", param="client_reference_id")
        self._metadata(given.get("metadata"), "metadata")
        intent = given.get("payment_intent_data") or {}
        self._metadata(intent.get("metadata"), "payment_intent_data[metadata]")
        items = []
        for at, item in enumerate(given.get("line_items") or ()):
            price = item.get("price_data")
            here = f"line_items[{at}][price_data]"
            if price is None:
                raise Refused(
                    f"No such price: '{item.get('price')}'", code="resource_missing", param=f"line_items[{at}][price]"
                )
            if price.get("unit_amount") is None or "product_data" not in price:
                lacks = "unit_amount" if price.get("unit_amount") is None else "product_data"
                raise Refused(f"Missing required param: {here}[{lacks}].", code="parameter_missing", param=here)
            if price["unit_amount"] < 0 or (item.get("quantity") or 1) < 1:
                raise Refused("Invalid integer: below zero", code="parameter_invalid_integer", param=here)
            if price.get("recurring"):
                raise Refused("You can't use recurring prices in `payment` mode.", param=f"{here}[recurring]")
            items.append(objects.a_line_item(item, now))
        if len({item["currency"] for item in items}) > 1:
            raise Refused("All line items must have the same currency.", param="line_items")
        if items:
            self._amount(sum(item["amount_total"] for item in items), items[0]["currency"], "line_items")
        expires = given.get("expires_at")
        if expires is not None and not now + HALF_AN_HOUR <= expires <= now + A_DAY:
            raise Refused(
                "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session "
                "creation.",
                param="expires_at",
            )
        body = objects.a_session(given, items, url_root=url_root, now=now)
        body |= {"_items": items, "_intent": intent}
        if mode == "setup":
            data = given.get("setup_intent_data") or {}
            setup = objects.a_setup_intent({**data, "customer": given["customer"]}, now) | {"_session": body["id"]}
            self.memory.add(by.account, "setup_intent", setup)
            body["setup_intent"] = setup["id"]
            self.tell(by, [("setup_intent.created", dict(setup))])
        return self.memory.add(by.account, "checkout.session", body)

    def _fits_setup(self, given: Body) -> None:
        for name in ("line_items", "payment_intent_data", "submit_type", "adaptive_pricing"):
            if given.get(name):
                raise Refused(f"You can not pass `{name}` in `setup` mode.", param=name)
        if not given.get("customer"):
            raise Refused("The stand-in saves cards only for a customer.", code="parameter_missing", param="customer")
        if not given.get("currency") and not given.get("allowed_payment_method_types"):
            raise Refused(
                "You must pass `currency` or `allowed_payment_method_types` in `setup` mode.",
                code="parameter_missing", param="currency",
            )  # fmt: skip
        data = given.get("setup_intent_data") or {}
        self._metadata(data.get("metadata"), "setup_intent_data[metadata]")

    def save_on_session(self, by: Caller, session: Body, method: Method) -> Body:
        """Save a method on an open page that takes no money, and return its setup intent, whatever became of it."""
        if session["status"] != "open" or session["mode"] != "setup":
            raise Refused("This Checkout Session is no longer open.", param="session")
        self._offered(session, method)
        setup = self.found(by, "setup_intent", session["setup_intent"])
        chosen = objects.a_payment_method(method, customer=None, now=self.memory.now())
        self.memory.add(by.account, "payment_method", chosen)
        setup |= {"payment_method": chosen["id"], "last_setup_error": None, "next_action": None}
        if method.outcome is Outcome.SECOND_STEP:
            setup |= {
                "status": "requires_action",
                "next_action": {
                    "type": "redirect_to_url",
                    "redirect_to_url": {"return_url": None, "url": f"{session['url']}/second-step"},
                },
            }
            self.memory.save(setup)
            self.tell(by, [("setup_intent.requires_action", dict(setup))])
            return setup
        if method.outcome is Outcome.DECLINED:
            code, message = DECLINE_MESSAGES[method.decline_code or "generic_decline"]
            self.tell(by, self._not_saved(setup, code, message, method.decline_code))
            return setup
        self.tell(by, [*self._saved(by, setup), *self._complete(session, paid=True)])
        return setup

    def answer_for_saving(self, by: Caller, session: Body, *, yes: bool) -> Body:
        """Take the bank's question as answered for a page that saves a card."""
        setup = self.found(by, "setup_intent", session["setup_intent"])
        if session["status"] != "open" or setup["status"] != "requires_action":
            raise self._wrong_state("authenticate", setup)
        if yes:
            chosen = self.found(by, "payment_method", setup["payment_method"])
            self.memory.save(chosen | {"_asked": True})
            self.tell(by, [*self._saved(by, setup), *self._complete(session, paid=True)])
        else:
            words = "The provided PaymentMethod has failed authentication."
            self.tell(by, self._not_saved(setup, "setup_intent_authentication_failure", words, None))
        return setup

    def _saved(self, by: Caller, setup: Body) -> list[tuple[str, Body]]:
        chosen = self.found(by, "payment_method", setup["payment_method"])
        mandate = objects.a_mandate(chosen, self.memory.now())
        self.memory.add(by.account, "mandate", mandate)
        setup |= {"status": "succeeded", "next_action": None, "last_setup_error": None, "mandate": mandate["id"]}
        self.memory.save(setup)
        chosen |= {"customer": setup["customer"], "_mandate": mandate["id"]}
        self.memory.save(chosen)
        return [("payment_method.attached", chosen), ("setup_intent.succeeded", setup)]

    def _not_saved(self, setup: Body, code: str, message: str, decline_code: str | None) -> list[tuple[str, Body]]:
        error: Body = {"code": code, "message": message, "type": "card_error"}
        if decline_code:
            error["decline_code"] = decline_code
        setup |= {
            "status": "requires_payment_method", "payment_method": None, "next_action": None, "last_setup_error": error,
        }  # fmt: skip
        self.memory.save(setup)
        return [("setup_intent.setup_failed", setup)]

    def _offered(self, session: Body, method: Method) -> None:
        if method.kind not in session["payment_method_types"]:
            raise Refused("This way to pay is not offered here.", code="payment_method_not_available", status=402)

    def expire_session(self, by: Caller, session: Body) -> Body:
        if session["status"] != "open":
            raise Refused(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of {session['status']}.",
                param="session",
            )
        session |= {"status": "expired", "url": None}
        self.memory.save(session)
        told = [("checkout.session.expired", session)]
        if session["setup_intent"]:
            setup = self.found(by, "setup_intent", session["setup_intent"])
            setup["status"] = "canceled"
            told.insert(0, ("setup_intent.canceled", self.memory.save(setup)))
        if session["payment_intent"]:
            intent = self.found(by, "payment_intent", session["payment_intent"])
            if intent["status"] not in ("succeeded", "processing", "canceled"):
                told.insert(0, ("payment_intent.canceled", self._canceled(intent, "expired")))
        self.tell(by, told)
        return session

    def expire_overdue(self) -> int:
        """Let time do what it does: called every second and before a session is read.

        Pages and vouchers expire, debits arrive or not, and what arrived is taken back where its number says so.
        """
        overdue = 0
        for account, due in self.memory.due():
            if due["status"] in ("processing", "requires_action"):
                self.settle_delayed(Caller(account), due, succeeds=due["_ends"] in ("arrives", "returns"))
            else:
                due["_waits"] = False
                self.memory.save(due)
                if (
                    due["status"] == "succeeded"
                    and not self.found(Caller(account), "charge", due["latest_charge"])["disputed"]
                ):
                    self.open_dispute(Caller(account), due, "insufficient_funds")
            overdue += 1
        for session in self.memory.listed(None, "checkout.session", where=(("status", "open"),), limit=500)[0]:
            if session["expires_at"] <= self.memory.now():
                owner = self.memory.owner("checkout.session", session["id"])
                self.expire_session(Caller(str(owner)), session)
                overdue += 1
        return overdue

    def pay_session(self, by: Caller, session: Body, method: Method) -> Body:
        """Pay an open session with a method and return its payment intent, whatever became of it."""
        if session["status"] != "open" or session["mode"] != "payment":
            raise Refused("This Checkout Session is no longer open.", param="session")
        self._offered(session, method)
        options = session["payment_method_options"]["card"].get("restrictions") or {}
        if method.kind == "card" and method.funding in (options.get("funding_types_blocked") or ()):
            raise Refused("This kind of card is not accepted here.", code="card_not_supported", status=402)
        told: list[tuple[str, Body]] = []
        if session["payment_intent"]:
            intent = self.found(by, "payment_intent", session["payment_intent"])
        else:
            intent = objects.a_payment_intent(
                {
                    "amount": session["amount_total"],
                    "currency": session["currency"],
                    "customer": session["customer"],
                    "allowed_payment_method_types": session["payment_method_types"],
                    **{name: value for name, value in session["_intent"].items() if name != "metadata"},
                    "metadata": session["_intent"].get("metadata") or {},
                },
                self.memory.now(),
            )
            intent["_session"] = session["id"]
            self.memory.add(by.account, "payment_intent", intent)
            session["payment_intent"] = intent["id"]
            told.append(("payment_intent.created", dict(intent)))
            self.memory.save(session)
        chosen = objects.a_payment_method(method, customer=None, now=self.memory.now())
        self.memory.add(by.account, "payment_method", chosen)
        told += self._attempt(by, intent, chosen, method)
        voucher = intent["status"] == "requires_action" and method.outcome is Outcome.VOUCHER
        if intent["status"] in ("succeeded", "processing") or voucher:
            told += self._kept_for_later(by, session, chosen)
            told += self._complete(session, paid=intent["status"] == "succeeded")
        self.tell(by, told)
        return intent

    def answer_second_step(self, by: Caller, session: Body, *, yes: bool) -> Body:
        """Take the bank's question "is it you?" as answered and return the payment intent."""
        intent = self.found(by, "payment_intent", session["payment_intent"] or "")
        if session["status"] != "open" or intent["status"] != "requires_action":
            raise self._wrong_state("authenticate", intent)
        told = self._second_step(by, intent, yes=yes)
        if intent["status"] == "succeeded":
            chosen = self.found(by, "payment_method", intent["payment_method"])
            chosen["_asked"] = True
            told += self._kept_for_later(by, session, chosen)
            told += self._complete(session, paid=True)
        self.tell(by, told)
        return intent

    def _kept_for_later(self, by: Caller, session: Body, chosen: Body) -> list[tuple[str, Body]]:
        """Attach what was paid with to the customer, where the page was opened to keep it."""
        said = session["_options"].get(chosen["type"]) or {}
        if chosen["type"] not in KEPT or not said.get("setup_future_usage"):
            return []
        if chosen["type"] != "card":
            mandate = self.memory.add(by.account, "mandate", objects.a_mandate(chosen, self.memory.now()))
            chosen["_mandate"] = mandate["id"]
            for charge in self.memory.listed(by.account, "charge", where=(("payment_method", chosen["id"]),))[0]:
                charge["payment_method_details"][chosen["type"]]["mandate"] = mandate["id"]
                self.memory.save(charge)
        chosen["customer"] = session["customer"]
        return [("payment_method.attached", self.memory.save(chosen))]

    def authenticate(self, by: Caller, intent: Body, *, yes: bool) -> Body:
        """Take the bank's question as answered for a payment intent without a Checkout Session."""
        if intent["status"] != "requires_action" or intent.get("_session"):
            raise self._wrong_state("authenticate", intent)
        self.tell(by, self._second_step(by, intent, yes=yes))
        return intent

    def _complete(self, session: Body, *, paid: bool) -> list[tuple[str, Body]]:
        session |= {
            "status": "complete",
            "payment_status": "no_payment_required" if session["mode"] == "setup" else "paid" if paid else "unpaid",
            "url": None,
            "customer_details": {
                "address": objects.NO_ADDRESS, "business_name": None, "email": session["customer_email"],
                "individual_name": None, "name": None, "phone": None, "tax_exempt": "none", "tax_ids": [],
            },
        }  # fmt: skip
        self.memory.save(session)
        return [("checkout.session.completed", session)]

    # Payments.

    def open_payment(self, by: Caller, given: Body) -> Body:
        self._amount(given["amount"], given["currency"].lower(), "amount")
        self._metadata(given.get("metadata"), "metadata")
        if given.get("capture_method") == "manual":
            raise Refused("The stand-in has no manual capture.", param="capture_method")
        exclusive = ("automatic_payment_methods", "allowed_payment_method_types", "payment_method_configuration")
        if sum(name in given for name in exclusive) > 1:
            raise Refused(f"You may only specify one of these parameters: {', '.join(exclusive)}.", param=exclusive[1])
        if given.get("customer"):
            self.found(by, "customer", given["customer"])
        if given.get("off_session") and not given.get("confirm"):
            raise Refused("off_session can only be used together with confirm=true.", param="off_session")
        intent = objects.a_payment_intent(given, self.memory.now())
        if given.get("payment_method"):
            chosen, _ = self._method(by, given["payment_method"])
            intent |= {"payment_method": chosen["id"], "status": "requires_confirmation"}
        self.memory.add(by.account, "payment_intent", intent)
        self.tell(by, [("payment_intent.created", dict(intent))])
        return self.confirm_payment(by, intent, given) if given.get("confirm") else intent

    def confirm_payment(self, by: Caller, intent: Body, given: Body) -> Body:
        """Confirm a payment intent; a decline is the error of a card, with the intent in it, as Stripe answers it."""
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise self._wrong_state("confirm", intent)
        if intent.get("_session"):
            raise Refused("A PaymentIntent of a Checkout Session is confirmed on its page.", param="intent")
        named = given.get("payment_method") or intent["payment_method"]
        if not named:
            raise Refused(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code="payment_intent_unexpected_state", payment_intent=objects.public(intent),
            )  # fmt: skip
        chosen, method = self._method(by, named)
        saved = named not in BY_TOKEN
        if saved and given.get("off_session") and (not intent["customer"] or chosen["customer"] != intent["customer"]):
            raise Refused(
                f"The customer does not have a payment method with the ID {chosen['id']}. The payment method must be "
                "attached to the customer.",
                code="resource_missing", param="payment_method",
            )  # fmt: skip
        self.tell(by, self._attempt(by, intent, chosen, method, off_session=bool(given.get("off_session"))))
        error = intent["last_payment_error"]
        if error:
            more = {name: value for name, value in error.items() if name not in ("type", "message", "code", "doc_url")}
            raise Declined(
                error["message"], code=error["code"], status=402, kind="card_error",
                payment_intent=objects.public(intent), **more,
            )  # fmt: skip
        return intent

    def change_payment(self, by: Caller, intent: Body, given: Body) -> Body:
        """Change what a payment intent asks for, which is possible until it is confirmed, and again after a decline."""
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise self._wrong_state("update", intent)
        beyond = sorted(set(given) - {"amount", "metadata", "description"})
        if beyond:
            raise Refused(f"The stand-in cannot change {', '.join(beyond)} yet.", param=beyond[0])
        if "amount" in given:
            self._amount(given["amount"], intent["currency"], "amount")
        self._metadata(given.get("metadata"), "metadata")
        intent |= given
        return self.memory.save(intent)

    def cancel_payment(self, by: Caller, intent: Body, reason: str | None) -> Body:
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise self._wrong_state("cancel", intent)
        if intent.get("_session"):
            raise Refused("A PaymentIntent of a Checkout Session is canceled by expiring the session.", param="intent")
        self._canceled(intent, reason)
        self.tell(by, [("payment_intent.canceled", intent)])
        return intent

    def _canceled(self, intent: Body, reason: str | None) -> Body:
        intent |= {
            "status": "canceled",
            "canceled_at": self.memory.now(),
            "cancellation_reason": reason,
            "next_action": None,
        }
        return self.memory.save(intent)

    def settle_delayed(self, by: Caller, intent: Body, *, succeeds: bool) -> Body:
        """Let a payment that was on its way arrive, or fail: a debit, or a voucher that was paid or that ran out."""
        voucher = intent["status"] == "requires_action" and intent.get("_waits")
        if intent["status"] != "processing" and not voucher:
            raise self._wrong_state("settle", intent)
        session = self.memory.get(by.account, "checkout.session", intent.get("_session") or "")
        intent["_waits"] = succeeds and intent["_ends"] == "returns"
        intent["_due"] = self.memory.now() + A_DAY
        if voucher:
            intent["next_action"] = None
        if voucher and succeeds:
            chosen = self.found(by, "payment_method", intent["payment_method"])
            charge = objects.a_charge(intent, chosen, status="pending", failure=None, now=self.memory.now())
            self.memory.add(by.account, "charge", charge)
        elif not voucher:
            charge = self.found(by, "charge", intent["latest_charge"])
        if succeeds:
            told = self._arrived(by, intent, charge)
            if session:
                session["payment_status"] = "paid"
                told.append(("checkout.session.async_payment_succeeded", self.memory.save(session)))
        elif voucher:
            ran_out = ("payment_intent_payment_attempt_expired", "The payment attempt has expired.")
            told = self._failed(by, intent, ran_out, None, None)
            if session:
                told.append(("checkout.session.async_payment_failed", session))
        else:
            failure = ("insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
            charge |= {
                "status": "failed", "failure_code": failure[0], "failure_message": failure[1], "paid": False,
            }  # fmt: skip
            self.memory.save(charge)
            told = [("charge.failed", charge), *self._failed(by, intent, failure, None, charge)]
            if session:
                told.append(("checkout.session.async_payment_failed", session))
        self.tell(by, told)
        return intent

    def _attempt(
        self, by: Caller, intent: Body, chosen: Body, method: Method, *, off_session: bool = False
    ) -> list[tuple[str, Body]]:
        intent |= {"payment_method": chosen["id"], "last_payment_error": None, "next_action": None}
        now = self.memory.now()
        if method.outcome is Outcome.DECLINED:
            code, message = DECLINE_MESSAGES[method.decline_code or "generic_decline"]
            charge = objects.a_charge(intent, chosen, status="failed", failure=(code, message), now=now)
            self.memory.add(by.account, "charge", charge)
            intent["latest_charge"] = charge["id"]
            return [
                ("charge.failed", charge),
                *self._failed(by, intent, (code, message), method.decline_code, charge),
            ]
        if method.outcome is Outcome.SECOND_STEP:
            if off_session:
                code, message = "authentication_required", "Your card was declined. It requires authentication."
                return self._failed(by, intent, (code, message), code, None)
            session = self.memory.get(by.account, "checkout.session", intent.get("_session") or "")
            intent |= {
                "status": "requires_action",
                "next_action": {
                    "type": "redirect_to_url",
                    "redirect_to_url": {"return_url": None, "url": f"{session['url']}/second-step"},
                }
                if session
                else {"type": "use_stripe_sdk", "use_stripe_sdk": {}},
            }
            self.memory.save(intent)
            return [("payment_intent.requires_action", dict(intent))]
        if method.outcome is Outcome.DELAYED:
            charge = objects.a_charge(intent, chosen, status="pending", failure=None, now=now)
            self.memory.add(by.account, "charge", charge)
            intent |= {
                "status": "processing", "latest_charge": charge["id"], "_waits": True, "_ends": method.ends,
                "_due": now + DAYS_UNDER_WAY[method.kind] * A_DAY,
            }  # fmt: skip
            self.memory.save(intent)
            return [("charge.pending", charge), ("payment_intent.processing", intent)]
        if method.outcome is Outcome.VOUCHER:
            session = self.memory.get(by.account, "checkout.session", intent.get("_session") or "")
            said = (session["_options"].get(method.kind) or {}) if session else {}
            days = said.get("expires_after_days", VOUCHER_DAYS[method.kind])
            due = now + days * A_DAY
            url = f"{session['url']}/voucher" if session else ""
            intent |= {
                "status": "requires_action", "next_action": objects.a_voucher(method, expires=due, url=url),
                # Shops tell the day after; until then it isn't known whether it was paid.
                "_waits": True, "_ends": "fails", "_due": due + A_DAY,
            }  # fmt: skip
            self.memory.save(intent)
            return [("payment_intent.requires_action", dict(intent))]
        charge = objects.a_charge(intent, chosen, status="pending", failure=None, now=now)
        self.memory.add(by.account, "charge", charge)
        return self._arrived(by, intent, charge)

    def _second_step(self, by: Caller, intent: Body, *, yes: bool) -> list[tuple[str, Body]]:
        intent["next_action"] = None
        if not yes:
            failure = (
                "payment_intent_authentication_failure",
                "The provided PaymentMethod has failed authentication.",
            )
            return self._failed(by, intent, failure, None, None)
        chosen = self.found(by, "payment_method", intent["payment_method"])
        charge = objects.a_charge(intent, chosen, status="pending", failure=None, now=self.memory.now())
        self.memory.add(by.account, "charge", charge)
        return self._arrived(by, intent, charge)

    def _arrived(self, by: Caller, intent: Body, charge: Body) -> list[tuple[str, Body]]:
        amount = intent["amount"]
        # A made-up tariff: 2.9 per cent and thirty of the smallest unit, rounded up.
        transaction = balance.book(
            self.memory, by.account, "charge", charge["id"], amount=amount, currency=intent["currency"],
            fee=-(-amount * 29 // 1000) + 30, description=intent["description"],
        )  # fmt: skip
        charge |= {
            "status": "succeeded", "paid": True, "captured": True, "amount_captured": amount,
            "balance_transaction": transaction["id"],
        }  # fmt: skip
        self.memory.save(charge)
        intent |= {"status": "succeeded", "amount_received": amount, "latest_charge": charge["id"]}
        self.memory.save(intent)
        return [("charge.succeeded", charge), ("payment_intent.succeeded", intent)]

    def _failed(
        self, by: Caller, intent: Body, failure: tuple[str, str], decline_code: str | None, charge: Body | None
    ) -> list[tuple[str, Body]]:
        chosen = self.memory.get(by.account, "payment_method", intent["payment_method"])
        error = {
            "code": failure[0],
            "doc_url": f"https://docs.stripe.com/error-codes/{failure[0].replace('_', '-')}",
            "message": failure[1],
            "payment_method": objects.public(chosen) if chosen else None,
            "type": "card_error",
        }
        if decline_code:
            error["decline_code"] = decline_code
        if charge:
            error["charge"] = charge["id"]
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": error,
            "payment_method": None,
            "next_action": None,
        }
        self.memory.save(intent)
        return [("payment_intent.payment_failed", intent)]

    def _method(self, by: Caller, named: str) -> tuple[Body, Method]:
        if named in BY_TOKEN:
            method = BY_TOKEN[named]
            chosen = objects.a_payment_method(method, customer=None, now=self.memory.now())
            return self.memory.add(by.account, "payment_method", chosen), method
        chosen = self.found(by, "payment_method", named, name="PaymentMethod")
        number = chosen["_number"]
        method = BY_NUMBER.get(number) or next(
            one for one in METHODS if (one.kind, one.number) == (chosen["type"], number)
        )
        if method is SECOND_STEP and chosen.get("_asked") and not chosen.get("_fate"):
            # Its bank has asked its owner while it was saved, and asks no more.
            method = replace(method, outcome=Outcome.SUCCEEDS)
        return chosen, later(method, chosen.get("_fate"))

    def _wrong_state(self, act: str, intent: Body) -> Refused:
        return Refused(
            f"You cannot {act} this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=objects.public(intent),
        )

    # Saved methods.

    def add_method(self, by: Caller, given: Body) -> Body:
        if given.get("type") != "card" or not (given.get("card") or {}).get("number"):
            raise Refused("The stand-in makes card payment methods from test numbers only.", param="type")
        method = BY_NUMBER.get(given["card"]["number"])
        if method is None:
            raise Refused("Your card number is incorrect.", code="incorrect_number", status=402, kind="card_error")
        body = objects.a_payment_method(method, customer=None, now=self.memory.now())
        return self.memory.add(by.account, "payment_method", body)

    def attach_method(self, by: Caller, named: str, customer: str) -> Body:
        self.found(by, "customer", customer)
        chosen, _ = self._method(by, named)
        if chosen["customer"] not in (None, customer):
            raise Refused("The payment method you provided has already been attached to a customer.")
        chosen["customer"] = customer
        self.memory.save(chosen)
        self.tell(by, [("payment_method.attached", chosen)])
        return chosen

    def detach_method(self, by: Caller, chosen: Body) -> Body:
        if chosen["customer"] is None:
            raise Refused("The payment method you provided is not attached to a customer so detachment is impossible.")
        chosen["customer"] = None
        self.memory.save(chosen)
        self.tell(by, [("payment_method.detached", chosen)])
        return chosen

    def change_method(self, by: Caller, chosen: Body, given: Body) -> Body:
        """Let a saved card meet a fate, or its network bring it new digits and another expiry, as happens by itself."""
        if "fate" in given:
            if given["fate"] not in (None, "second_step", *DECLINE_MESSAGES):
                raise Refused("fate must be null, second_step or a decline code", param="fate")
            chosen["_fate"] = given["fate"]
        news = {name: given[name] for name in ("last4", "exp_month", "exp_year") if name in given}
        chosen["card"] |= news
        self.memory.save(chosen)
        if news:
            self.tell(by, [("payment_method.automatically_updated", chosen)])
        return chosen

    def end_mandate(self, by: Caller, chosen: Body) -> Body:
        """Let whoever gave a mandate take it back at the bank."""
        [mandate] = self.memory.listed(by.account, "mandate", where=(("payment_method", chosen["id"]),))[0]
        mandate["status"] = "inactive"
        self.memory.save(mandate)
        self.tell(by, [("mandate.updated", mandate)])
        return mandate

    def open_setup(self, by: Caller, given: Body) -> Body:
        if given.get("customer"):
            self.found(by, "customer", given["customer"])
        self._metadata(given.get("metadata"), "metadata")
        setup = self.memory.add(by.account, "setup_intent", objects.a_setup_intent(given, self.memory.now()))
        self.tell(by, [("setup_intent.created", dict(setup))])
        return self.confirm_setup(by, setup, given) if given.get("confirm") else setup

    def confirm_setup(self, by: Caller, setup: Body, given: Body) -> Body:
        named = given.get("payment_method") or setup["payment_method"]
        if setup["status"] in ("succeeded", "canceled") or not named:
            raise Refused(
                f"You cannot confirm this SetupIntent because it has a status of {setup['status']} or no method.",
                code="setup_intent_unexpected_state", setup_intent=objects.public(setup),
            )  # fmt: skip
        chosen, method = self._method(by, named)
        if method.outcome is Outcome.DECLINED:
            error = {
                "code": "card_declined", "decline_code": method.decline_code, "message": "Your card was declined.",
                "type": "card_error",
            }  # fmt: skip
            setup |= {"status": "requires_payment_method", "last_setup_error": error}
            self.memory.save(setup)
            self.tell(by, [("setup_intent.setup_failed", setup)])
            raise Declined(
                "Your card was declined.", code="card_declined", status=402, kind="card_error",
                decline_code=method.decline_code, setup_intent=objects.public(setup),
            )  # fmt: skip
        setup |= {"status": "succeeded", "payment_method": chosen["id"], "last_setup_error": None}
        if setup["customer"]:
            chosen["customer"] = setup["customer"]
            self.memory.save(chosen)
        self.memory.save(setup)
        self.tell(by, [("setup_intent.succeeded", setup)])
        return setup

    # Money that goes back.

    def refund(self, by: Caller, given: Body) -> Body:
        self._metadata(given.get("metadata") or None, "metadata")
        if not given.get("payment_intent") and not given.get("charge"):
            raise Refused("One of the following params should be provided: payment_intent or charge.", param="charge")
        if given.get("charge"):
            charge = self.found(by, "charge", given["charge"])
        else:
            intent = self.found(by, "payment_intent", given["payment_intent"])
            if intent["status"] != "succeeded":
                raise Refused(
                    f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                    param="payment_intent",
                )
            charge = self.found(by, "charge", intent["latest_charge"])
        if charge["status"] != "succeeded":
            raise Refused(f"Charge {charge['id']} has not been paid.", param="charge")
        if charge["disputed"]:
            raise Refused(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
        left = charge["amount_captured"] - charge["amount_refunded"]
        if left == 0:
            raise Refused(
                f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", param="charge"
            )
        amount = given.get("amount", left)
        if amount < 1:
            raise Refused("Invalid positive integer", code="parameter_invalid_integer", param="amount")
        if amount > left:
            raise Refused(
                f"Refund amount ({currencies.shown(amount, charge['currency'], 'en')}) is greater than unrefunded "
                f"amount on charge ({currencies.shown(left, charge['currency'], 'en')})",
                param="amount",
            )
        if charge["currency"] in currencies.THREE_DECIMALS and amount % 10:
            raise Refused("Three-decimal amounts must end in 0.", code="parameter_invalid_integer", param="amount")
        if charge["payment_method_details"]["type"] in VOUCHER_DAYS:
            raise Refused("Payments by voucher can't be refunded.", code="charge_not_refundable", param="charge")
        status = "succeeded" if charge["payment_method_details"]["type"] == "card" else "pending"
        refund = objects.a_refund(charge, amount=amount, given=given, status=status, now=self.memory.now())
        transaction = balance.book(
            self.memory, by.account, "refund", refund["id"], amount=-amount, currency=charge["currency"], fee=0
        )
        refund["balance_transaction"] = transaction["id"]
        self.memory.add(by.account, "refund", refund)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self.memory.save(charge)
        self.tell(by, [("refund.created", refund), ("charge.refunded", charge), ("refund.updated", refund)])
        return refund

    def settle_refund(self, by: Caller, refund: Body, *, succeeds: bool) -> Body:
        """Let a refund arrive, or come back (the bank would not take it), as can happen days later."""
        if refund["status"] not in ("pending", "succeeded") or (succeeds and refund["status"] != "pending"):
            raise Refused(f"This refund has a status of {refund['status']}.")
        refund["pending_reason"] = None
        if succeeds:
            refund["status"] = "succeeded"
            self.memory.save(refund)
            self.tell(by, [("refund.updated", refund)])
            return refund
        charge = self.found(by, "charge", refund["charge"])
        transaction = balance.book(
            self.memory, by.account, "refund_failure", refund["id"], amount=refund["amount"],
            currency=refund["currency"], fee=0,
        )  # fmt: skip
        refund |= {
            "status": "failed",
            "failure_reason": "lost_or_stolen_card",
            "failure_balance_transaction": transaction["id"],
        }
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        self.memory.save(charge)
        self.memory.save(refund)
        self.tell(by, [("refund.failed", refund), ("refund.updated", refund)])
        return refund

    def open_dispute(self, by: Caller, intent: Body, reason: str) -> Body:
        if intent["status"] != "succeeded":
            raise self._wrong_state("dispute", intent)
        charge = self.found(by, "charge", intent["latest_charge"])
        if charge["disputed"]:
            raise Refused("This charge is disputed already.")
        dispute = objects.a_dispute(charge, reason=reason, transactions=[], now=self.memory.now())
        transaction = balance.book(
            self.memory, by.account, "adjustment", dispute["id"], amount=-charge["amount"],
            currency=charge["currency"], fee=1500, description=f"Chargeback withdrawal for {charge['id']}",
        )  # fmt: skip
        dispute["balance_transactions"].append(transaction)
        # A debit that comes back is final: nobody is asked anything.
        final = charge["payment_method_details"]["type"] in DAYS_UNDER_WAY
        if final:
            dispute["status"] = "lost"
        charge["disputed"] = True
        self.memory.save(charge)
        self.memory.add(by.account, "dispute", dispute)
        told = [("charge.dispute.created", dispute), ("charge.dispute.funds_withdrawn", dispute)]
        self.tell(by, [*told, ("charge.dispute.closed", dispute)] if final else told)
        return dispute

    def close_dispute(self, by: Caller, dispute: Body, *, won: bool) -> Body:
        if dispute["status"] in ("won", "lost"):
            raise Refused(f"This dispute has a status of {dispute['status']}.")
        dispute["status"] = "won" if won else "lost"
        told = [("charge.dispute.closed", dispute)]
        if won:
            # A made-up tariff here too: the fee of a dispute that is won comes back.
            transaction = balance.book(
                self.memory, by.account, "adjustment", dispute["id"], amount=dispute["amount"],
                currency=dispute["currency"], fee=-1500, description=f"Chargeback reversal for {dispute['charge']}",
            )  # fmt: skip
            dispute["balance_transactions"].append(transaction)
            told.append(("charge.dispute.funds_reinstated", dispute))
        self.memory.save(dispute)
        self.tell(by, told)
        return dispute

    # Telling: one event for each thing that happened, and its planned deliveries.

    def tell(self, by: Caller, told: list[tuple[str, Body]]) -> None:
        """Keep the events of one act and plan their deliveries in the mode in force.

        In "hostile" everything that the open network does happens at once: each event goes out twice, in any order,
        late by up to 0.3 s, and of the events of one act that a receiver could learn the same from, one is lost for
        good, each time another one. Never are all lost, so that a careful receiver always learns what happened.
        """
        endpoints = self.memory.listed(by.account, "webhook_endpoint")[0]
        mode = self.memory.setting("mode", self.default_mode)
        late = float(self.memory.setting("late", "2"))
        now = time.time()
        act = int(self.memory.setting("acts", "0"))
        self.memory.set_setting("acts", str(act + 1))
        for endpoint in endpoints:
            wanted = [
                (kind, about)
                for kind, about in told
                if "*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"]
            ]
            # Telling the start twice is not telling the end, so what merely announces does not count as a witness.
            witnesses = [
                kind for kind, _ in wanted if not kind.endswith((".created", ".pending")) or kind == "refund.created"
            ]
            lost = witnesses[act % len(witnesses)] if mode == "hostile" and len(witnesses) > 1 else None
            endpoint["_plan"] = {}
            for at, (kind, _) in enumerate(wanted):
                if mode == "hostile":
                    dues = [now + self._random.random() * 0.3 for _ in range(2)]
                elif mode == "out_of_order":
                    dues = [now + 0.05 * (len(wanted) - at)]
                elif mode == "doubled":
                    dues = [now, now]
                else:
                    dues = [now + late if mode == "delayed" else now]
                endpoint["_plan"][kind] = (dues, mode == "lost" or kind == lost)
        for kind, about in told:
            planned = [(endpoint, endpoint["_plan"][kind]) for endpoint in endpoints if kind in endpoint["_plan"]]
            event = objects.an_event(
                kind, about, request=by.request, waiting=len(planned), previous=None, now=self.memory.now()
            )
            self.memory.add(by.account, "event", event)
            for endpoint, (dues, is_lost) in planned:
                for due in dues:
                    self.memory.plan(
                        by.account, event["id"], endpoint["id"], due=due,
                        in_turn=mode in ("normal", "out_of_order", "delayed"), lost=is_lost,
                    )  # fmt: skip

    def tell_again(self, by: Caller, event: Body) -> int:
        """Plan one more delivery of an event to each endpoint; return to how many."""
        endpoints = self.memory.listed(by.account, "webhook_endpoint")[0]
        for endpoint in endpoints:
            self.memory.plan(by.account, event["id"], endpoint["id"], due=time.time(), in_turn=True, lost=False)
        return len(endpoints)

    # Checks that the types of a request cannot make.

    def _amount(self, amount: int, currency: str, param: str) -> None:
        if currency not in currencies.KNOWN:
            raise Refused(f"Invalid currency: {currency}", code="parameter_invalid_currency", param="currency")
        if amount < currencies.least(currency):
            shown = currencies.shown(currencies.least(currency), currency, "en")
            raise Refused(f"Amount must be at least {shown} {currency}", code="amount_too_small", param=param)
        if amount > currencies.MOST:
            raise Refused("Amount must be no more than 999,999.99", code="amount_too_large", param=param)
        if currency in currencies.THREE_DECIMALS and amount % 10:
            raise Refused("Three-decimal amounts must end in 0.", code="parameter_invalid_integer", param=param)
        if currency in currencies.WHOLE_UNITS_ONLY and amount % 100:
            raise Refused("Fractions of this currency can't be charged.", code="parameter_invalid_integer", param=param)

    def _metadata(self, given: Body | None, param: str) -> None:
        if given is None:
            return
        if len(given) > 50:
            raise Refused("You can have up to 50 metadata keys.", param=param)
        for key, value in given.items():
            if len(key) > 40:
                raise Refused(f"Metadata keys must be under 40 characters: {key}", param=param)
            if len(value) > 500:
                raise Refused(f"Metadata values must be under 500 characters: {key}", param=param)

    def _web_address(self, given: str | None, param: str) -> None:
        if given is not None and not given.startswith(("http://", "https://")):
            raise Refused("Not a valid URL", code="url_invalid", param=param)


class Declined(Refused):
    """A payment that was tried and did not succeed: the answer is an error, and what happened is kept."""

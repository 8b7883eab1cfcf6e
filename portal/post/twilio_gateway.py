"""Hand an SMS to Twilio and read what it says back; the only module that knows Twilio's library.

Twilio has no idempotency key for messages. Before a second try after a lost answer we look whether the first one is
there: each SMS holds a check code of its own, so the text alone tells.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from portal.config import Settings
from portal.post.channels import Answer, NobodyThere, NotNow, Outgoing, Refused, Stopped, Taken, Unknown

SECONDS = 15.0
API = "https://api.twilio.com"
# Twilio's own error numbers. 30003 and 30008 may pass, so they say nothing about the address.
_NOBODY = frozenset({21211, 21214, 21217, 21614, 30005, 30006, 30011})
_STOPPED = frozenset({21610})
# Twilio's words, as `portal.post.states.Word` has them.
_WORDS = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "delivered": "arrived",
    "read": "arrived",
    "undelivered": "not_arrived",
    "failed": "not_arrived",
    "canceled": "not_arrived",
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account at Twilio; `sender` is a number, a name or a messaging service."""

    sid: str
    token: str
    sender: str
    api_base: str = API

    def __repr__(self) -> str:
        """Name it without its token."""
        return f"Account({self.sid})"


def account_of(settings: Settings) -> Account | None:
    """Give the account that the settings name, or None."""
    if not (settings.twilio_account_sid and settings.twilio_auth_token and settings.sms_from):
        return None
    return Account(
        sid=settings.twilio_account_sid,
        token=settings.twilio_auth_token,
        sender=settings.sms_from,
        api_base=settings.twilio_api_base or API,
    )


class _HttpClient(TwilioHttpClient):
    """Twilio's own client with our time-outs, at the address that the settings name."""

    def __init__(self, api_base: str) -> None:
        super().__init__(timeout=SECONDS, pool_connections=False)
        self._base = urlsplit(api_base)

    def request(self, method: str, url: str, *args: Any, **values: Any) -> Response:
        """Send a request, to the stand-in if there is one."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" == API:
            url = urlunsplit((self._base.scheme, self._base.netloc, parts.path, parts.query, ""))
        return super().request(method, url, *args, **values)


def _client(account: Account) -> Client:
    return Client(account.sid, account.token, http_client=_HttpClient(account.api_base))


def hand_over(message: Outgoing, *, account: Account, callback: str | None) -> Answer:
    """Hand an SMS over, and say what became of it. `callback` is where Twilio tells us more later."""
    client = _client(account)
    try:
        if message.lost_before and (found := _sent_before(client, message)) is not None:
            return Taken(found)
    except (TwilioException, requests.RequestException) as problem:
        return NotNow(f"cannot be looked up: {type(problem).__name__}")
    sender = {"messaging_service_sid" if account.sender.startswith("MG") else "from_": account.sender}
    try:
        made = client.messages.create(
            to=message.to, body=message.body, **sender, **({"status_callback": callback} if callback else {})
        )
    except TwilioRestException as problem:
        return _refusal(problem)
    except requests.ConnectTimeout as problem:
        return NotNow(f"{type(problem).__name__}")
    except requests.ConnectionError as problem:
        # Only a line that never stood surely carried nothing.
        never_stood = "NewConnectionError" in repr(problem) or "NameResolution" in repr(problem)
        return NotNow("no connection") if never_stood else Unknown("the line broke")
    except (TwilioException, requests.RequestException) as problem:
        return Unknown(f"no answer: {type(problem).__name__}")
    return Taken(made.sid)


def _sent_before(client: Client, message: Outgoing) -> str | None:
    for found in client.messages.list(to=message.to, date_sent_after=message.written_at, limit=20):
        if found.body == message.body:
            return str(found.sid)
    # A message that Twilio holds has no day of sending yet.
    for found in client.messages.list(to=message.to, limit=20):
        if found.body == message.body:
            return str(found.sid)
    return None


def _refusal(problem: TwilioRestException) -> Answer:
    detail = f"{problem.status} {problem.code}: {problem.msg}"[:300]
    if problem.code in _NOBODY:
        return NobodyThere(detail)
    if problem.code in _STOPPED:
        return Stopped(detail)
    if problem.status == 429 or problem.code in (20429, 14107):
        return NotNow(detail)
    if problem.status >= 500:
        # It may have been taken and then gone wrong.
        return Unknown(detail)
    # A wrong token or an empty account is the operator's to mend; the message waits.
    return NotNow(detail) if problem.status in (401, 403) else Refused(detail)


@dataclass(frozen=True, slots=True)
class Said:
    """What Twilio says of a message later: one of our words, and whether the address is dead."""

    lender_id: uuid.UUID
    message_id: uuid.UUID
    provider_id: str
    word: str
    code: str | None
    nobody_there: bool


def is_signed(account: Account, *, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Say whether Twilio sent this form to this address of ours."""
    return bool(RequestValidator(account.token).validate(url, dict(form), signature))


def read_status(form: Mapping[str, str], *, about: Mapping[str, str]) -> Said | None:
    """Read what Twilio says of a message, or None if it isn't about one of ours or nothing we know."""
    try:
        lender_id, message_id = uuid.UUID(about.get("l", "")), uuid.UUID(about.get("m", ""))
    except ValueError:
        return None
    sid, word = form.get("MessageSid", ""), _WORDS.get(form.get("MessageStatus", ""))
    if not sid or word is None:
        return None
    code = form.get("ErrorCode") or None
    number = int(code) if code and code.isdigit() else 0
    dead = word == "not_arrived" and number in _NOBODY
    return Said(lender_id, message_id, sid, word, code, nobody_there=dead)

"""Take what the SMS provider sends: what became of a message, what people answer. Its signature comes first."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from markupsafe import escape

from portal.config import Settings
from portal.contact import answers
from portal.db import transaction
from portal.post import deliver, phones, twilio_gateway
from portal.post.states import Word
from portal.web.security import signed_by_sender

sms_webhooks = Blueprint("sms_webhooks", __name__)


def _is_from_provider() -> bool:
    settings: Settings = current_app.config["SETTINGS"]
    account = twilio_gateway.account_of(settings)
    if account is None:
        return False
    # The address as the provider knows it, whatever a proxy made of it.
    url = settings.base_url + request.full_path.rstrip("?")
    return twilio_gateway.is_signed(
        account, url=url, form=request.form, signature=request.headers.get("X-Twilio-Signature", "")
    )


@sms_webhooks.post("/webhooks/sms")
@signed_by_sender
def status() -> ResponseReturnValue:
    """Keep what became of a message, once each, in any order."""
    if not _is_from_provider():
        return "", 403
    said = twilio_gateway.read_status(request.form, about=request.args)
    if said is not None:
        deliver.heard(
            lender_id=said.lender_id,
            message_id=said.message_id,
            provider_id=said.provider_id,
            word=Word(said.word),
            code=said.code,
            nobody_there=said.nobody_there,
        )
    return "", 204


@sms_webhooks.post("/webhooks/sms/in")
@signed_by_sender
def answered() -> ResponseReturnValue:
    """Take what people answer: keywords, and words for a person to read."""
    if not _is_from_provider():
        return "", 403
    number = phones.international(request.form.get("From", ""), jurisdiction="")
    answer = None
    if number is not None:
        name = request.form.get("MessageSid") or uuid.uuid4().hex
        with transaction():
            answer = answers.heed(number=number, text=request.form.get("Body", ""), name=name)
    said = f"<Response><Message>{escape(answer)}</Message></Response>" if answer else "<Response/>"
    return Response(said, mimetype="text/xml")

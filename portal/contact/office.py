"""Put together what delivering messages needs: the providers that the settings name, the gate's rules and facts."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from portal.config import Settings
from portal.contact import choices, facts
from portal.contact.facts import Holds, StillTrue
from portal.post import smtp, twilio_gateway
from portal.post.channels import Answer, Channel, Channels, Outgoing, nobody, shown_only
from portal.post.deliver import Office


def office(settings: Settings, *, holding: Holds, still_true: StillTrue) -> Office:
    """Give what the job that delivers needs.

    :raises portal.post.smtp.BadServer: if the mail server's address can't be used.
    """
    return Office(
        channels=channels(settings),
        rules=facts.rules(),
        facts=partial(facts.of_message, holding=holding, still_true=still_true),
        stopped=choices.stopped_at_provider,
    )


def channels(settings: Settings) -> Channels:
    """Give who takes e-mail and SMS. Where nobody is set, a demo shows messages on its page, and others fail."""
    without = Channel("demo", shown_only) if settings.demo else Channel("none", nobody)
    email = sms = without
    if settings.smtp_url and settings.mail_from:
        server = smtp.server_of(settings.smtp_url, sender=settings.mail_from)
        email = Channel("smtp", partial(smtp.hand_over, server=server))
    account = twilio_gateway.account_of(settings)
    if account is not None:
        base = settings.base_url

        def hand_over(message: Outgoing) -> Answer:
            about = urlencode({"l": message.lender_id, "m": message.id})
            # Twilio refuses an address that it can't reach.
            callback = f"{base}/webhooks/sms?{about}" if _reachable(settings) else None
            return twilio_gateway.hand_over(message, account=account, callback=callback)

        sms = Channel("twilio", hand_over)
    return {"email": email, "sms": sms}


def _reachable(settings: Settings) -> bool:
    return settings.secure or settings.twilio_api_base is not None

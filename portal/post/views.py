"""The outbox page of a demo: what would have gone out by e-mail and SMS, codes included."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from portal.post.outbox import newest
from portal.web.security import demo_only

post = Blueprint("post", __name__)


@post.get("/outbox")
@demo_only
def outbox() -> ResponseReturnValue:
    """Show the newest messages, as a page or as JSON; in demo mode only."""
    if not current_app.config["DEMO"]:
        abort(404)
    messages = newest()
    if request.args.get("format") == "json":
        return [
            {
                "at": message.written_at.isoformat(),
                "channel": message.channel,
                "to": message.address,
                "kind": message.kind,
                "subject": message.subject,
                "body": message.body,
            }
            for message in messages
        ]
    return render_template(
        "post/outbox.html",
        messages=[
            {
                "to": message.address,
                "channel": message.channel,
                "subject": message.subject,
                "body": message.body,
                "sent_at": message.written_at,
            }
            for message in messages
        ],
    )

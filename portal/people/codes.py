"""Send a one-time code: the code, its message and its record in one act. It is what its reader just asked for."""

from __future__ import annotations

import uuid

from flask_babel import gettext as _

from portal.people import sign_in
from portal.post import outbox


def send(
    *, lender_id: uuid.UUID, lender_name: str, debtor_id: uuid.UUID, key: str
) -> sign_in.CodeSent | sign_in.NoContact | sign_in.TooManyCodes:
    """Make a code and write its message, in the language of the page that asks for it."""
    made = sign_in.make_code(lender_id=lender_id, debtor_id=debtor_id, key=key)
    if isinstance(made, sign_in.CodeSent):
        outbox.put(
            lender_id=lender_id,
            debtor_id=debtor_id,
            channel=made.contact.channel,
            address=made.contact.address,
            kind="one_time_code",
            subject=_("Your code for %(lender)s", lender=lender_name),
            body=_(
                "%(lender)s: your code is %(code)s. It works for 10 minutes. "
                "We will never ask you to tell it to anybody.",
                lender=lender_name,
                code=made.code,
            ),
        )
    return made

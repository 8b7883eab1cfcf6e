"""Send a one-time code: the code, its message and its record in one act. It is what its reader just asked for."""

from __future__ import annotations

import uuid

from portal.people import sign_in
from portal.post import outbox, words


def send(
    *, lender_id: uuid.UUID, lender_name: str, debtor_id: uuid.UUID, key: str
) -> sign_in.CodeSent | sign_in.NoContact | sign_in.TooManyCodes:
    """Make a code and write its message, in the language of the page that asks for it."""
    made = sign_in.make_code(lender_id=lender_id, debtor_id=debtor_id, key=key)
    if isinstance(made, sign_in.CodeSent):
        said = words.one_time_code(lender=lender_name, code=made.code)
        outbox.put(
            lender_id=lender_id,
            debtor_id=debtor_id,
            channel=made.contact.channel,
            address=made.contact.address,
            kind="one_time_code",
            subject=said.subject,
            body=said.paragraphs,
            sms=said.sms,
        )
    return made

"""Send a one-time code: the code, its message and its record in one act. It is what its reader just asked for."""

from __future__ import annotations

from portal.people import sign_in
from portal.post import outbox, words
from portal.web.languages import gettext as _


def send(
    good_for: sign_in.For,
    *,
    lender_name: str,
    key: str,
    offer: str | None = None,
    most: int = sign_in.CODES_IN_A_ROW,
) -> sign_in.CodeSent | sign_in.CodeUnderway | sign_in.NoContact | sign_in.TooManyCodes:
    """Make a code and write its message, in the language of the page that asks for it.

    The message says what the code does, so that nobody signs by reading one aloud: `offer` is the number of what it
    agrees to. The code stands first, where phones look for it.
    """
    made = sign_in.make_code(good_for, key=key, most=most)
    if isinstance(made, sign_in.CodeSent):
        said = words.one_time_code(lender=lender_name, code=made.code, offer=offer)
        outbox.put(
            lender_id=good_for.lender_id,
            debtor_id=good_for.debtor_id,
            channel=made.contact.channel,
            address=made.contact.address,
            kind="one_time_code",
            subject=said.subject,
            body=said.paragraphs,
            sms=said.sms,
        )
    return made


def send_for_change(
    good_for: sign_in.For, *, to: sign_in.Reach, number: str, lender_name: str, key: str
) -> sign_in.CodeSent | sign_in.CodeUnderway | sign_in.NoContact | sign_in.TooManyCodes:
    """Send a code that confirms one side of a change of contact; `number` is the change's."""
    made = sign_in.make_code(good_for, key=key, to=to)
    if isinstance(made, sign_in.CodeSent):
        values = {"lender": lender_name, "code": made.code, "number": number}
        outbox.put(
            lender_id=good_for.lender_id,
            debtor_id=good_for.debtor_id,
            channel=to.channel,
            address=to.address,
            kind="contact_code",
            subject=_("Your code for %(lender)s", lender=lender_name),
            body=_(
                "%(lender)s: %(code)s is the code to change how we reach you, request %(number)s. It works for "
                "10 minutes. If you did not ask for this, don’t give it to anybody and call us.",
                **values,
            )
            if good_for.step == "old"
            else _(
                "%(lender)s: %(code)s is the code to confirm this new contact, request %(number)s. It works for "
                "10 minutes. If you don’t know about this, do nothing.",
                **values,
            ),
        )
    return made

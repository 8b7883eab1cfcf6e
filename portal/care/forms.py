"""What people write when paying is not the answer: as little as possible, and nothing that must be typed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wtforms import BooleanField, HiddenField, RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Optional, StopValidation

from portal.care.requests import LONGEST_WORDS, plain_words
from portal.care.words import NEEDS
from portal.web.fields import Form, Text, at_most, no_card_number
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

_FORM_KEY = re.compile(r"[0-9a-f]{32}")
# A person calls it, so it only has to look like a number: five digits of any script, with what people put between them.
_NUMBER_TO_CALL = re.compile(r"(?i)(?:tel:?)?(?=(?:\D*\d){5})[\d\s+()（）.,/·‐-―−-]{5,40}(?:(?:ext|x)\W{0,2}\d{1,6})?")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}")


class Words(TextAreaField):
    """Free text as it was typed, without what no reader sees."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the first value."""
        self.data = plain_words(valuelist[0]) if valuelist else ""

    def pre_validate(self, form: object) -> None:
        """Refuse what is too long, and say by how much; and the number of a card.

        :raises StopValidation: if it is longer than a request can be.
        """
        if len(self.data or "") > LONGEST_WORDS:
            raise StopValidation(
                _(
                    "This is longer than we can take here. Shorten it to 2,000 characters; it has %(count)s now.",
                    count=len(self.data or ""),
                )
            )
        no_card_number(form, self)


class AskForm(Form):
    """What somebody who is signed in asks for; all of it may stay as it is."""

    words = Words(lazy_gettext("In your own words"))
    wish = RadioField(lazy_gettext("What would help most?"), [Optional()], validate_choice=True)
    reply_by = RadioField(
        lazy_gettext("How may we answer you?"), [InputRequired(lazy_gettext("Choose how we may answer you."))]
    )
    form_key = HiddenField()

    def key(self) -> str | None:
        """Give the form's own key, or None if it is none of ours."""
        return self.form_key.data if _FORM_KEY.fullmatch(self.form_key.data or "") else None


class CantPayForm(AskForm):
    """What somebody who can't pay may add: what makes it easier to deal with us. Nothing is ticked beforehand."""

    def needs(self) -> tuple[str, ...]:
        """Give what was ticked."""
        return tuple(need for need in NEEDS if self[f"need_{need}"].data)


for _need in NEEDS:
    setattr(CantPayForm, f"need_{_need}", BooleanField())


def _reachable(_form: object, field: Text) -> None:
    given = field.data or ""
    if not (_NUMBER_TO_CALL.fullmatch(given) or _ADDRESS.fullmatch(given)):
        raise StopValidation(_("Enter a phone number or an e-mail address that reaches you."))


class VisitorForm(Form):
    """What somebody asks who can't or won't sign in: how to be reached, and what it is about."""

    lender = SelectField(lazy_gettext("Who wrote to you?"))
    contact = Text(
        lazy_gettext("Your phone number or e-mail"),
        [
            InputRequired(lazy_gettext("Enter a phone number or an e-mail address that reaches you.")),
            at_most(200),
            _reachable,
        ],
    )
    reference = Text(lazy_gettext("Reference in our message, if there is one"), [at_most(80)])
    words = Words(lazy_gettext("In your own words"))
    form_key = HiddenField()

    def key(self) -> str | None:
        """Give the form's own key, or None if it is none of ours."""
        return self.form_key.data if _FORM_KEY.fullmatch(self.form_key.data or "") else None

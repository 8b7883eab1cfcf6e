"""What somebody of the lender says who takes a package along."""

from __future__ import annotations

from wtforms import RadioField
from wtforms.validators import InputRequired

from portal.helpdesk.forms import LONGEST_REASON
from portal.staff.forms import Filled
from portal.web.fields import Form, Text, at_most, no_card_number
from portal.web.languages import lazy_gettext


class PackageForm(Form):
    """Of which debt, and why; the person reads it."""

    debt = RadioField(lazy_gettext("Of which debt?"), [InputRequired(lazy_gettext("Choose the debt."))])
    reason = Text(
        lazy_gettext("Why do you take it along?"),
        [
            Filled(lazy_gettext("Say in a few words why you take it along. The person reads it.")),
            at_most(LONGEST_REASON),
            no_card_number,
        ],
    )

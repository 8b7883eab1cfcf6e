"""What a person says about messages."""

from __future__ import annotations

from wtforms import BooleanField, RadioField, SelectField
from wtforms.validators import Optional, ValidationError

from portal.contact.choices import Wish
from portal.web.fields import Form
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

NONE = "none"
_HALF_HOURS = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 24 * 60, 30)]


class MessagesForm(Form):
    """Which messages by which channel, where, and at which times not."""

    email_news = BooleanField(lazy_gettext("News about your payments, plans and requests"))
    email_reminders = BooleanField(lazy_gettext("Reminders before a payment day, and when a payment did not come"))
    sms_news = BooleanField(lazy_gettext("News about your payments, plans and requests"))
    sms_reminders = BooleanField(lazy_gettext("Reminders before a payment day, and when a payment did not come"))
    contact = RadioField(lazy_gettext("Where should we write to?"), validate_choice=True)
    quiet_from = SelectField(lazy_gettext("From"), [Optional()])
    quiet_until = SelectField(lazy_gettext("Until"), [Optional()])

    def offer_times(self) -> None:
        """Offer half hours, in the page's language."""
        for field in (self.quiet_from, self.quiet_until):
            field.choices = [(NONE, _("none")), *((at, at) for at in _HALF_HOURS)]

    def validate_quiet_until(self, field: SelectField) -> None:
        """Take both ends of a time, or none, and never the whole day.

        :raises wtforms.validators.ValidationError: if only one end was chosen, or both are the same.
        """
        since, until = self.quiet_from.data, field.data
        if (since == NONE) is not (until == NONE):
            raise ValidationError(_("Choose both when your quiet time begins and when it ends, or neither."))
        if since != NONE and since == until:
            raise ValidationError(_("Choose an end that differs from the beginning."))

    def quiet(self) -> tuple[int, int] | None:
        """Give the quiet time in minutes after midnight, or None."""
        if self.quiet_from.data == NONE:
            return None
        return _minute(self.quiet_from.data), _minute(self.quiet_until.data)

    def show(self, wish: Wish, *, chosen: str) -> None:
        """Fill the form with what is kept."""
        self.contact.data = chosen
        since, until = wish.quiet or (None, None)
        self.quiet_from.data = NONE if since is None else clock_of(since)
        self.quiet_until.data = NONE if until is None else clock_of(until)


def _minute(text: str) -> int:
    hour, _colon, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def clock_of(minute: int) -> str:
    """Give minutes after midnight as a clock shows them."""
    return f"{minute // 60:02}:{minute % 60:02}"

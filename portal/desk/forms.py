"""What is typed at the desk: a file of limits, a first day, words to a colleague, a reason."""

from __future__ import annotations

from collections.abc import Sequence

from werkzeug.datastructures import FileStorage
from wtforms import DateField, FileField, SelectField, TextAreaField

from portal.desk.boxes import Line, Lines, Share, Sum, Whole
from portal.money import Money
from portal.offers.asked import Way
from portal.schedules.dates import Frequency
from portal.staff.forms import LONGEST_WORDS, Filled
from portal.web.fields import Amount, Form, Text, at_most, no_card_number
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

# A lender with hundreds of cards writes less.
LONGEST_FILE = 90_000


class FileForm(Form):
    """A file of limits, pasted or chosen; a chosen one counts."""

    text = TextAreaField(lazy_gettext("The file"), [at_most(LONGEST_FILE)])
    upload = FileField(lazy_gettext("Or choose a file"))

    def read(self, given: FileStorage | None) -> bool:
        """Put a chosen file into the box; says whether there is anything to read now."""
        if given is not None:
            content = given.stream.read(LONGEST_FILE + 1)
            try:
                self.text.data = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                self.upload.errors = [_("This file is no text in UTF-8. Choose the file of limits itself.")]
                return False
            if len(content) > LONGEST_FILE:
                self.upload.errors = [_("This file is too large for limits.")]
                return False
        # Browsers send a line break as two signs.
        self.text.data = (self.text.data or "").replace("\r\n", "\n")
        if not self.text.data.strip():
            self.text.errors = [_("Paste the file, or choose one.")]
            return False
        return True


class FirstDayForm(Form):
    """From which day on limits count."""

    day = DateField(lazy_gettext("First day"))


class WordsForm(Form):
    """What somebody says to a colleague, or why something is done."""

    words = TextAreaField(
        lazy_gettext("In your words"),
        [Filled(lazy_gettext("Write in a sentence why.")), at_most(LONGEST_WORDS), no_card_number],
    )


class TryForm(Form):
    """A real debt by its reference or a made-up one, and what somebody offers to pay for it."""

    reference = Line(lazy_gettext("Reference of a debt"))
    balance = Sum(lazy_gettext("Balance"), 1)
    days_late = Whole(lazy_gettext("Days late"), 0, 36_600)
    product = Line(lazy_gettext("Product"))
    rate = Share(lazy_gettext("Interest by contract, percent a year"), 1000, 3)
    attributes = Lines(lazy_gettext("Something else in your file"))
    affordable = Sum(lazy_gettext("Left over for this debt in a month"))
    payment = Amount(lazy_gettext("What the person offers to pay"))
    often = SelectField(lazy_gettext("How often"))
    way = SelectField(lazy_gettext("What comes first, or instead"))
    first = Sum(lazy_gettext("The first payment, or each payment of the first step"), 1)
    count = Whole(lazy_gettext("For so many months, payments or parts"), 1, 600)
    draft = SelectField(lazy_gettext("Beside this draft"))
    # Asked for where the owner of the debt needs care.
    reason = Text(lazy_gettext("Why do you look at it?"), [at_most(200), no_card_number])

    def offer(self, currency: str, drafts: Sequence[int]) -> None:
        """Offer rhythms and drafts, and name the currency to whatever takes an amount."""
        self.balance.currency = self.affordable.currency = self.payment.currency = currency
        self.first.currency = currency
        self.way.choices = [
            ("", _("nothing: the same each time")),
            (Way.STEPS.value, _("starting with other payments")),
            (Way.DOWN_PAYMENT.value, _("a first, larger payment")),
            (Way.PAUSE.value, _("months without payments")),
            (Way.LOWER.value, _("less than usual for some months")),
            (Way.SETTLE_IN_PARTS.value, _("so much in all and nothing more, in parts")),
        ]
        self.often.choices = [
            (Frequency.MONTHLY.value, _("monthly")),
            (Frequency.WEEKLY.value, _("weekly")),
            (Frequency.FORTNIGHTLY.value, _("every two weeks")),
            (Frequency.FOUR_WEEKLY.value, _("every four weeks")),
            (Frequency.TWICE_A_MONTH.value, _("twice a month")),
            (Frequency.QUARTERLY.value, _("quarterly")),
            (Frequency.SEASONAL.value, _("by season")),
            ("once", _("once, and nothing after it")),
        ]
        self.draft.choices = [("", "–"), *((str(number), _("Draft %(number)s", number=number)) for number in drafts)]

    @staticmethod
    def amount_of(box: Sum, currency: str) -> Money | None:
        """Give what a box took as money; None if it is empty."""
        return None if box.kept is None else Money.of(box.kept, currency)

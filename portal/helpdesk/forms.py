"""What somebody of the helpdesk types."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, DateField, HiddenField, IntegerField, RadioField, SelectField, TextAreaField
from wtforms.validators import InputRequired, StopValidation

from portal.care.forms import AskForm, CantPayForm
from portal.care.requests import LONGEST_WORDS, plain_words
from portal.letters.caring_contents import Fault, Reported
from portal.staff.forms import Filled
from portal.web.fields import Form, Text, at_most, between, no_card_number
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

LONGEST_REASON = 200
LONGEST_VALUE = 120


class AnswerForm(Form):
    """An answer, as the person reads it."""

    words = TextAreaField(
        lazy_gettext("Your answer"),
        [
            InputRequired(lazy_gettext("Write the answer, as the person reads it.")),
            at_most(LONGEST_WORDS),
            no_card_number,
        ],
    )

    def validate_words(self, field: TextAreaField) -> None:
        """Take what is left without signs that nobody sees.

        :raises StopValidation: if that is nothing.
        """
        field.data = plain_words(field.data)
        if not field.data:
            raise StopValidation(_("Write the answer, as the person reads it."))


class YesForm(AnswerForm):
    """Yes to a plan; `seen` is the mark of the plan that the page showed, and `reason` is for colleagues alone."""

    seen = HiddenField()
    reason = TextAreaField(lazy_gettext("Why"), [at_most(LONGEST_WORDS), no_card_number])


class NoForm(Form):
    """No to what a colleague asked."""

    why_not = TextAreaField(
        lazy_gettext("Why not"),
        [Filled(lazy_gettext("Say why not, for the colleague.")), at_most(LONGEST_WORDS), no_card_number],
    )


class SearchForm(Form):
    """The one box."""

    typed = Text(lazy_gettext("Find a person"))
    alike = BooleanField(lazy_gettext("Also names that are only like it"))


class ReasonForm(Form):
    """Why a page is opened, as the person reads it."""

    reason = Text(
        lazy_gettext("Why do you open it?"),
        [
            Filled(lazy_gettext("Say in a few words why you open this page. The person reads it.")),
            at_most(LONGEST_REASON),
            no_card_number,
        ],
    )


class NoteForm(Form):
    """A note about a person."""

    form_key = HiddenField()
    text = TextAreaField(
        lazy_gettext("Note"), [Filled(lazy_gettext("Write the note.")), at_most(LONGEST_WORDS), no_card_number]
    )


class CallForm(Form):
    """A call with a person."""

    form_key = HiddenField()
    direction = RadioField(
        lazy_gettext("Who called?"),
        [InputRequired(lazy_gettext("Say who called."))],
    )
    reached = RadioField(
        lazy_gettext("Was the person reached?"),
        [InputRequired(lazy_gettext("Say whether the person was reached."))],
    )
    agreed = RadioField(
        lazy_gettext("Did they agree to speak about it now?"),
        [InputRequired(lazy_gettext("Say whether they agreed to speak."))],
    )
    about = TextAreaField(
        lazy_gettext("What about?"),
        [Filled(lazy_gettext("Say what the call was about.")), at_most(LONGEST_WORDS), no_card_number],
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        yes, no = ("yes", _("Yes")), ("no", _("No"))
        self.direction.choices = [("in", _("They called us")), ("out", _("We called them"))]
        self.reached.choices = [yes, no]
        self.agreed.choices = [yes, no, ("not_asked", _("They were not asked"))]


class LinkForm(Form):
    """Which link is sent."""

    form_key = HiddenField()
    to = RadioField(
        lazy_gettext("Where does it lead?"),
        [InputRequired(lazy_gettext("Choose where the link leads."))],
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.to.choices = [
            ("page", _("To their page: what they owe, their plan, everything else")),
            ("pay", _("To pay")),
        ]


class CorrectForm(Form):
    """What was reported to a credit bureau and is not right."""

    form_key = HiddenField()
    debt = SelectField(lazy_gettext("Which debt?"))
    bureau = Text(
        lazy_gettext("Name of the credit bureau"),
        [Filled(lazy_gettext("Say which credit bureau.")), at_most(LONGEST_VALUE), no_card_number],
    )
    reported = SelectField(lazy_gettext("What was reported?"))
    fault = RadioField(
        lazy_gettext("What is wrong with it?"), [InputRequired(lazy_gettext("Say what is wrong with it."))]
    )
    current = Text(
        lazy_gettext("As it stands in the record"),
        [Filled(lazy_gettext("Say what the record says.")), at_most(LONGEST_VALUE), no_card_number],
    )
    correct = Text(
        lazy_gettext("As it has to be"),
        [Filled(lazy_gettext("Say what it has to say.")), at_most(LONGEST_VALUE), no_card_number],
    )
    discovered_on = DateField(lazy_gettext("Found on"), [InputRequired(lazy_gettext("Say when it was found."))])
    reason = Text(
        lazy_gettext("How do you know?"),
        [
            Filled(lazy_gettext("Say in a few words how you know. The person reads it.")),
            at_most(LONGEST_REASON),
            no_card_number,
        ],
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.reported.choices = [
            (Reported.OWED.value, _("The amount that is owed")),
            (Reported.LATE_AMOUNT.value, _("The amount that is late")),
            (Reported.LATE_SINCE.value, _("Since when payments are late")),
            (Reported.PAID_ON.value, _("When the debt was paid")),
            (Reported.STATE.value, _("How the debt stands")),
            (Reported.WHOSE.value, _("Whose debt it is")),
        ]
        self.fault.choices = [
            (Fault.INACCURATE.value, _("It is not true.")),
            (Fault.INCOMPLETE.value, _("Something is missing.")),
            (Fault.OUT_OF_DATE.value, _("It is no longer so.")),
        ]


class ConsentForm(Form):
    """That somebody lets a colleague act for them."""

    form_key = HiddenField()
    how = RadioField(
        lazy_gettext("How did they agree?"),
        [InputRequired(lazy_gettext("Say how they agreed."))],
    )
    about = TextAreaField(
        lazy_gettext("What may you do for them?"),
        [Filled(lazy_gettext("Say what they want you to do.")), at_most(LONGEST_WORDS), no_card_number],
    )

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.how.choices = [("phone", _("On the phone, just now")), ("writing", _("In writing"))]


class SendPlanForm(Form):
    """That a plan was read out and is wanted."""

    form_key = HiddenField()
    heard = BooleanField(lazy_gettext("I read all of it out, and they want this plan"))

    def validate_heard(self, field: BooleanField) -> None:
        """Take the tick of the page and nothing else: it says what somebody did.

        :raises StopValidation: if it isn't there.
        """
        if field.raw_data != ["y"]:
            raise StopValidation(_("Read it out first, and ask whether they want it."))


ALL_DEBTS = "all"
_which = RadioField(lazy_gettext("Which debt is it about?"), [InputRequired(lazy_gettext("Choose what it is about."))])


class AskForThemForm(AskForm):
    """What a colleague asks for somebody, with the debt that it is about."""

    debt = _which


class CantPayForThemForm(CantPayForm):
    """The same for somebody who can't pay."""

    debt = _which


class HandOverForm(Form):
    """To whom a request goes, and why."""

    to = SelectField(lazy_gettext("To whom?"))
    why = TextAreaField(
        lazy_gettext("What they need to know"),
        [
            Filled(lazy_gettext("Say in a few words why, for whoever goes on with it.")),
            at_most(LONGEST_WORDS),
            no_card_number,
        ],
    )


class PlansForm(Form):
    """Which plans are listed."""

    show = SelectField(lazy_gettext("Show"))
    find = Text(lazy_gettext("Number of a plan or a debt"))


class FoundForm(Form):
    """What somebody found who looked at a plan."""

    found = TextAreaField(
        lazy_gettext("What did you find?"),
        [
            Filled(lazy_gettext("Say in a few words what you found, for colleagues.")),
            at_most(LONGEST_WORDS),
            no_card_number,
        ],
    )


class MoreTimeForm(FoundForm):
    """How many days more there are to make up for what is missing."""

    days = IntegerField(
        lazy_gettext("How many days from today?"),
        [between(1, 366, lazy_gettext("Enter a number of days, 1 to 366."))],
    )

"""What a lender says of its letters: who they are from, who answers for them, their colour and logo."""

from __future__ import annotations

from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, FileField, SelectField, TextAreaField
from wtforms.validators import StopValidation

from portal.lenders.brand import weak_accent
from portal.lenders.models import Lender
from portal.letterhead.acts import Letterhead
from portal.letters import logos
from portal.letters.logos import LetterMark, Refused
from portal.staff.forms import LONGEST_NAME, Filled
from portal.web.colours import NotAColour, colour_from
from portal.web.fields import Form, Text, at_most
from portal.web.languages import LETTER_LANGUAGES, get_locale, lazy_gettext
from portal.web.languages import gettext as _

_LONGEST_LINE = 200


class LetterheadForm(Form):
    """Everything about letters that is the lender's to say, and in which language a sample is."""

    legal_name = Text(
        lazy_gettext("Registered name"), [Filled(lazy_gettext("Enter the name.")), at_most(_LONGEST_LINE)]
    )
    address = TextAreaField(lazy_gettext("Address, a line each"), [at_most(400)])
    licence = Text(lazy_gettext("Licence"), [at_most(_LONGEST_LINE)])
    signatory_name = Text(lazy_gettext("Who answers for the letters"), [at_most(LONGEST_NAME)])
    signatory_role = Text(lazy_gettext("What that person is"), [at_most(LONGEST_NAME)])
    letters_beside = SelectField(lazy_gettext("Second language"))
    accent = Text(lazy_gettext("Accent colour"), [at_most(20)])
    logo = FileField(lazy_gettext("Logo of letters"))
    no_logo = BooleanField(lazy_gettext("Letters have no logo"))
    sample_language = SelectField(lazy_gettext("Language of the sample"))

    def offer(self) -> None:
        """Offer the languages of letters."""
        self.sample_language.choices = list(LETTER_LANGUAGES.items())
        self.letters_beside.choices = [("", _("None")), *LETTER_LANGUAGES.items()]

    def begin_with(self, lender: Lender) -> None:
        """Begin with what is set now."""
        self.begin(
            legal_name=lender.legal_name,
            address="\n".join(lender.address),
            licence=lender.licence,
            signatory_name=lender.signatory_name,
            signatory_role=lender.signatory_role,
            letters_beside=lender.letters_beside or "",
            accent=accent_of(lender),
            sample_language=str(get_locale()) if str(get_locale()) in LETTER_LANGUAGES else "en",
        )

    def validate_signatory_role(self, field: Text) -> None:
        """Look whether it is anybody's.

        :raises StopValidation: if nobody is named.
        """
        if field.data and not self.signatory_name.data:
            raise StopValidation(_("Say who answers for the letters, or leave this empty too."))

    def validate_accent(self, field: Text) -> None:
        """Look at the colour.

        :raises StopValidation: if it is none, or words in it can't be read by everybody.
        """
        if not field.data:
            return
        try:
            field.data = colour_from(field.data)
        except NotAColour:
            raise StopValidation(_("Enter a colour such as #17595b, or leave it empty.")) from None
        if (weak := weak_accent(field.data)) is None:
            return
        if weak.instead is None:
            raise StopValidation(_("Words in this colour can’t be read by everybody. Please take another one."))
        words = _(
            "Words in this colour can’t be read by everybody. The nearest that can is %(colour)s.", colour=weak.instead
        )
        raise StopValidation(words)

    def mark(self, given: FileStorage | None) -> LetterMark | None:
        """Read the picture that was chosen, if any; why it can't be the logo stands at its box then."""
        if given is None or not given.filename:
            return None
        made = logos.mark_from(given.stream.read(logos.LARGEST_FILE + 1))
        if isinstance(made, LetterMark):
            return made
        self.logo.errors = [refused_words(made)]
        return None

    def wished(self, mark: LetterMark | None) -> Letterhead:
        """Give how letters are to look."""
        lines = [line.strip() for line in (self.address.data or "").splitlines()]
        columns = {
            "legal_name": self.legal_name.data,
            "address": [line for line in lines if line],
            "licence": self.licence.data or "",
            "signatory_name": self.signatory_name.data or None,
            "signatory_role": self.signatory_role.data or None,
            "letters_beside": self.letters_beside.data or None,
        }
        return Letterhead(columns, self.accent.data or "", mark, bool(self.no_logo.data))


def accent_of(lender: Lender) -> str:
    """Give the colour that a lender has said, or nothing."""
    return str(lender.brand["accent"]) if lender.brand else ""


def refused_words(why: Refused) -> str:
    """Say why a file can't be the logo of letters, and what would do."""
    return {
        Refused.NO_PICTURE: _("This file is no PNG and no JPEG. Choose one; drawings such as SVG are not taken here."),
        Refused.TOO_LARGE: _(
            "This file is too large. A logo has at most %(most)s KB.", most=logos.LARGEST_FILE // 1024
        ),
        Refused.TOO_MANY_PIXELS: _("This picture has too many pixels. 2,000 by 2,000 are more than enough."),
        Refused.EMPTY: _("On white paper nothing of this picture would be seen."),
        Refused.TOO_FINE: _(
            "This picture is too fine for a letter that banks take by e-mail. Choose one with few colours and shapes."
        ),
    }[why]

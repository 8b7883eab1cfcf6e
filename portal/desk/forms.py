"""What is typed at the desk: a file of limits, a first day, words to a colleague, a reason."""

from __future__ import annotations

from werkzeug.datastructures import FileStorage
from wtforms import DateField, FileField, TextAreaField

from portal.staff.forms import LONGEST_WORDS, Filled
from portal.web.fields import Form, at_most
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

# A lender with hundreds of cards writes less.
LONGEST_FILE = 500_000


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
        lazy_gettext("In your words"), [Filled(lazy_gettext("Write in a sentence why.")), at_most(LONGEST_WORDS)]
    )

"""What somebody gives for a batch: which kind of letter, for which debts, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence

from werkzeug.datastructures import FileStorage
from wtforms import FileField, HiddenField, RadioField, SelectField, TextAreaField

from portal.batches.words import chosen_words
from portal.care.requests import LONGEST_WORDS
from portal.staff.forms import Filled
from portal.web.fields import Form, at_most, no_card_number, tidy
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

MOST_LISTED = 20_000
_LONGEST_LIST = 400_000
_NEXT_CELL = re.compile(r"[,;\t]")


def references_in(text: str) -> list[str]:
    """Give the first cell of each line, without a title and without what is empty; each once.

    >>> references_in('reference;name\\nLN-1;Ada\\n"LN-2"\\n\\nLN-1')
    ['LN-1', 'LN-2']
    """
    cells = [tidy(_NEXT_CELL.split(line, maxsplit=1)[0].strip().strip('"')) for line in text.splitlines()]
    if cells and cells[0].lower() in {"reference", "references"}:
        del cells[0]
    return list(dict.fromkeys(cell for cell in cells if cell))


class BatchForm(Form):
    """Which letters."""

    form_key = HiddenField()
    kind = SelectField(lazy_gettext("Which letter"))
    chosen = RadioField(lazy_gettext("For which debts"), default="open")
    listed = TextAreaField(lazy_gettext("References of the debts, one a line"), [at_most(_LONGEST_LIST)])
    upload = FileField(lazy_gettext("Or a file with them (CSV, the reference first)"))

    def offer(self, kinds: Sequence[tuple[str, str]]) -> None:
        """Offer the kinds of letters that are made in a batch, and for which debts."""
        self.kind.choices = list(kinds)
        self.chosen.choices = [(chosen, chosen_words(chosen)) for chosen in ("open", "plan", "listed")]

    def references(self, given: FileStorage | None) -> list[str] | None:
        """Give the references that were listed, none for a choice that needs no list; None if they can't be used."""
        if self.chosen.data != "listed":
            return []
        text = self.listed.data or ""
        if given is not None and given.filename:
            try:
                text = given.stream.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.upload.errors = [_("This file is no text in UTF-8.")]
                return None
        found = references_in(text)
        if not found:
            self.listed.errors = [_("List the references of the debts, or choose a file with them.")]
        elif len(found) > MOST_LISTED:
            self.listed.errors = [_("At most %(most)s references at once. Make two lists.", most=f"{MOST_LISTED:,}")]
        return None if self.listed.errors else found


class BeginForm(Form):
    """Why they are made."""

    why = TextAreaField(
        lazy_gettext("Why"),
        [
            Filled(lazy_gettext("Say why, for colleagues and for whoever checks later.")),
            at_most(LONGEST_WORDS),
            no_card_number,
        ],
    )

"""What somebody gives with a file of the bank, and why money goes back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from werkzeug.datastructures import FileStorage
from wtforms import FileField, SelectField, TextAreaField

from portal.banking.problems import BankFileRefused
from portal.banking.reading import LARGEST
from portal.banking.tables import parse_mapping
from portal.care.requests import LONGEST_WORDS
from portal.files.forms import too_large
from portal.lenders.models import BankAccount
from portal.lenders.numbers import grouped
from portal.staff.forms import Filled
from portal.web.fields import Form, at_most
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

LONGEST_MAPPING = 10_000


class BankFileForm(Form):
    """A file, of which account it is where it does not say so, and how its columns are read."""

    upload = FileField(lazy_gettext("The file (camt.053, CSV or XLSX)"))
    account = SelectField(lazy_gettext("Account"))
    kept = SelectField(lazy_gettext("How its columns are read"))
    mapping = TextAreaField(lazy_gettext("Another mapping (TOML)"), [at_most(LONGEST_MAPPING)])

    def offer(self, accounts: Sequence[BankAccount], mappings: Sequence[tuple[int, str, str]]) -> None:
        """Offer the lender's accounts, and what earlier files were read by."""
        self.account.choices = [
            ("", _("The file says it itself (camt.053)")),
            *((str(one.id), f"{grouped(one.number)} · {one.holder} · {one.currency}") for one in accounts),
        ]
        self.kept.choices = [
            ("", _("By the titles of its columns, or by a mapping below")),
            *((str(number), _("As file %(number)s", number=number)) for number, _name, _text in mappings),
        ]

    def told(self, mappings: Sequence[tuple[int, str, str]]) -> str | None:
        """Give the text of the mapping, empty for none; None if it can't be used."""
        text = (self.mapping.data or "").replace("\r\n", "\n").strip()
        if not text:
            return {str(number): each for number, _name, each in mappings}.get(str(self.kept.data), "")
        try:
            parse_mapping(text)
        except BankFileRefused as problem:
            what = problem.said[0] if problem.said else ""
            self.mapping.errors = [
                _("The mapping says something that is not understood: %(what)s.", what=what)
                if problem.problem.value == "bad_mapping"
                else _("The mapping does not say which column has: %(names)s.", names=what)
            ]
            return None
        return text

    def takes(self, given: FileStorage | None, size: int) -> bool:
        """Say whether there is a file that is neither empty nor too large."""
        if given is None:
            self.upload.errors = [_("Choose the file of your bank.")]
        elif not size:
            self.upload.errors = [_("This file is empty.")]
        elif size > LARGEST:
            self.upload.errors = [too_large()]
        return not self.upload.errors

    def chosen(self) -> uuid.UUID | None:
        """Give the account that was chosen, if any."""
        return uuid.UUID(self.account.data) if self.account.data else None


class SendBackForm(Form):
    """Why money that nobody could place goes back."""

    why = TextAreaField(
        lazy_gettext("Why does it go back?"),
        [Filled(lazy_gettext("Say why, for colleagues and for whoever checks later.")), at_most(LONGEST_WORDS)],
    )

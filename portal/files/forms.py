"""What somebody gives with a file: how it is read, of which day it is, and whether it has all debts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import PurePath

from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, DateField, FileField, SelectField, TextAreaField
from wtforms.validators import Optional as MayBeEmpty

from portal.debts.mapping import MappingRefused
from portal.debts.mapping_file import parse_mapping
from portal.files.seeing import LARGEST
from portal.web.fields import Form, at_most, tidy
from portal.web.languages import gettext as _
from portal.web.languages import lazy_gettext

LONGEST_MAPPING = 60_000
_LONGEST_NAME = 100


def file_name(given: str | None) -> str:
    """Give the name of a file as it is kept: its last part, of visible signs that no system minds.

    >>> file_name("C:\\\\debts\\\\mai <1>.csv"), file_name("../../etc/passwd"), file_name("")
    ('mai 1.csv', 'passwd', 'file')
    """
    last = PurePath(tidy(given).replace("\\", "/")).name
    plain = "".join(sign for sign in last if sign.isalnum() or sign in " ._-()").strip(" .")
    return plain[-_LONGEST_NAME:].strip(" .") or "file"


class BringForm(Form):
    """A file and its mapping."""

    upload = FileField(lazy_gettext("The file (CSV or XLSX)"))
    kept = SelectField(lazy_gettext("How its columns are read"))
    mapping = TextAreaField(lazy_gettext("Another mapping (TOML)"), [at_most(LONGEST_MAPPING)])
    mapping_file = FileField(lazy_gettext("Or choose a mapping"))
    as_of = DateField(lazy_gettext("Day of the figures"), [MayBeEmpty()])
    whole = BooleanField(lazy_gettext("The file has all debts: recall those that it lacks"))

    def offer(self, mappings: Sequence[tuple[int, str, str]]) -> None:
        """Offer what earlier files were read by."""
        self.kept.choices = [
            ("", _("By the titles of its columns, or by a mapping below")),
            *(
                (str(number), _("As file %(number)s: %(name)s", number=number, name=name or _("a mapping")))
                for number, name, _text in mappings
            ),
        ]

    def told(self, mappings: Sequence[tuple[int, str, str]], given: FileStorage | None) -> tuple[str, str] | None:
        """Give the text and the name of the mapping that was given, both empty for none; None if it can't be used."""
        text, name = (self.mapping.data or "").replace("\r\n", "\n").strip(), ""
        if given is not None:
            content = given.stream.read(LONGEST_MAPPING + 1)
            try:
                text, name = content.decode("utf-8-sig"), file_name(given.filename)
            except UnicodeDecodeError:
                self.mapping_file.errors = [_("This mapping is no text in UTF-8.")]
                return None
            if len(content) > LONGEST_MAPPING:
                self.mapping_file.errors = [_("This file is too large for a mapping.")]
                return None
        if text:
            try:
                parse_mapping(text, name=name or "mapping")
            except MappingRefused as problem:
                where = self.mapping if given is None else self.mapping_file
                where.errors = [problem.sentence]
                return None
            return text, name
        chosen = {str(number): (each, called) for number, called, each in mappings}
        return chosen.get(str(self.kept.data), ("", ""))

    def takes(self, given: FileStorage | None, size: int, today: date) -> bool:
        """Say whether there is a file that is not too large, of a day that is not to come."""
        if given is None:
            self.upload.errors = [_("Choose the file with the debts.")]
        elif not size:
            self.upload.errors = [_("This file is empty.")]
        elif size > LARGEST:
            self.upload.errors = [too_large()]
        if self.as_of.data is not None and self.as_of.data > today:
            self.as_of.errors = [_("Figures can’t be of a day that is still to come.")]
        return not self.upload.errors and not self.as_of.errors


def too_large() -> str:
    """Say how large a file may be, and what to do with a larger one."""
    return _(
        "This file is larger than %(most)d MB, the most that is taken here. "
        "Cut it into several files, or ask your engineer to bring it in by command.",
        most=LARGEST // (1024 * 1024),
    )


def new_key() -> str:
    """Give the key of a form: what is sent twice with it is done once."""
    return uuid.uuid4().hex

"""RULES  A file whose titles are those of the fields needs no mapping: here one is written for it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from portal.debts.mapping import FIELDS, REQUIRED, MappingRefused

_TOP = ("currency", "person")
# Who has the same name and the same birth date is one person, where no column says it.
_SAME_PERSON = ("name", "born_on")


def field_named(title: str) -> str | None:
    """Give the field that a title names, in any capitals, with spaces or lines below between its words.

    >>> field_named("Born on"), field_named("REFERENCE"), field_named("Remark")
    ('born_on', 'reference', None)
    """
    name = "_".join(title.replace("-", " ").split()).lower()
    return name if name in FIELDS or name in _TOP else None


def plain_mapping(header: Sequence[str], *, currency: str) -> str:
    """Give the text of a mapping for a file with these titles; `currency` is the lender's, where no column has it.

    :raises MappingRefused: if a field that must be there has no column.
    """
    columns: dict[str, str] = {}
    for title in header:
        field = field_named(title)
        if field is not None:
            columns.setdefault(field, title)
    missing = [field for field in REQUIRED if field not in columns]
    if missing:
        raise MappingRefused(
            f"Without a mapping a file needs columns named {', '.join(REQUIRED)}; this one lacks "
            f"{', '.join(missing)}. Choose a mapping, or name the columns so."
        )
    if "late_since" in columns:
        columns.pop("days_late", None)
    # A text of JSON is a text of TOML.
    person = [columns["person"]] if "person" in columns else [columns[each] for each in _SAME_PERSON if each in columns]
    if len(person) < len(_SAME_PERSON) and "person" not in columns:
        person = []
    lines = [
        f"currency = {{ column = {json.dumps(columns['currency'])} }}"
        if "currency" in columns
        else f"currency = {json.dumps(currency)}",
        f"person = {json.dumps(person, ensure_ascii=False)}",
        "[fields]",
        *(
            f"{field} = {{ column = {json.dumps(title, ensure_ascii=False)} }}"
            for field, title in columns.items()
            if field in FIELDS
        ),
    ]
    return "\n".join(lines) + "\n"

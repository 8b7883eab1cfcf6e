"""Leave the lender's people out of what a debtor takes along: names, addresses and ids become what they are."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from portal.db import session
from portal.people.models import Debtor
from portal.staff.models import StaffMember
from portal.timeline.words import who

# In the facts of what staff did, these are people.
_PEOPLE = frozenset({"name", "helper", "asked_by"})


class Naming:
    """What is said of the lender's people: with `hides` false, all."""

    def __init__(self, *, lender_id: uuid.UUID, debtor_id: uuid.UUID, hides: bool) -> None:
        self.hides = hides
        self._role = who("staff")
        own = session.scalar(select(Debtor.name).where(Debtor.lender_id == lender_id, Debtor.id == debtor_id))
        members = session.execute(
            select(StaffMember.id, StaffMember.name, StaffMember.email).where(StaffMember.lender_id == lender_id)
        ).all()
        said = {text for row in members for text in (str(row.id), row.id.hex, row.name, row.email) if text} - {own}
        # As they stand in JSON as well.
        said |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in said}
        longest_first = sorted(said, key=lambda text: (-len(text), text))
        self._found = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def names(self, text: str) -> bool:
        """Say whether a text names somebody who is to be left out."""
        return self.hides and self._found.search(text) is not None

    def plain(self, value: Any) -> Any:
        """Give a value, however deep, without names that are to be left out."""
        if not self.hides or value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str):
            return self._found.sub(self._role, value)
        if isinstance(value, Mapping):
            return {key: self.plain(one) for key, one in value.items()}
        return [self.plain(one) for one in value] if isinstance(value, list | tuple) else value

    def facts(self, by: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the facts of a record, as words are made of them."""
        if not self.hides:
            return facts
        people = {key: self._role for key, value in facts.items() if by == "staff" and key in _PEOPLE and value}
        return {**self.plain(facts), **people}

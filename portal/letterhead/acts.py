"""What an administrator of a lender does with its letters: say how they look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.db import session
from portal.lenders import brand
from portal.lenders.models import Lender
from portal.lenders.settings import set_letters
from portal.letters import logos
from portal.letters.logos import LetterMark
from portal.staff import members
from portal.staff.gates import Colleague, NotAllowed
from portal.staff.roles import Permission, permissions_of


@dataclass(frozen=True, slots=True)
class Letterhead:
    """How letters are to look; `columns` are the lender's own.

    Without a `mark` the logo stays, or goes with `no_logo`; without an `accent` the colour stays.
    """

    columns: Mapping[str, Any]
    accent: str = ""
    mark: LetterMark | None = None
    no_logo: bool = False


def set_letterhead(who: Colleague, wished: Letterhead) -> bool | brand.Weak:
    """Set how letters look from now on; those that are there stay as they are. Gives whether anything is new.

    A colour that can't be read by everybody changes nothing at all.

    :raises NotAllowed: if the colleague may not any more.
    """
    member = members.locked(lender_id=who.lender_id, member_id=who.member_id)
    if member.state != "active" or Permission.SET_LETTERS not in permissions_of(member.roles):
        raise NotAllowed
    lender = session.execute(
        select(Lender).where(Lender.id == who.lender_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one()
    before = lender.brand or {}
    new_accent = bool(wished.accent) and wished.accent != before.get("accent")
    if new_accent:
        done = brand.set_brand(
            lender,
            accent=wished.accent,
            corners=before.get("corners", "round"),
            name=before.get("name"),
            by=who.actor,
        )
        if isinstance(done, brand.Weak):
            return done
    logo = None if wished.no_logo else lender.letters_logo
    if wished.mark is not None:
        logo = logos.keep(lender.id, wished.mark)
    return set_letters(lender, given={**wished.columns, "letters_logo": logo}, by=who.actor) or new_accent

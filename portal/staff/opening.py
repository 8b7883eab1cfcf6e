"""A new lender comes by one act: its row, its look, its host, its keys sealed, and its first administrator invited."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select

from portal import clock
from portal.db import session
from portal.evidence.record import OPERATOR, Act, Actor, record
from portal.lenders import brand as brands
from portal.lenders import settings as lenders
from portal.lenders.brand import Weak
from portal.lenders.models import Lender
from portal.staff import members
from portal.staff.models import StaffMember
from portal.staff.roles import Permission, Role, permissions_of

# The same lender by the same name in so short a time is a second click.
_A_SECOND_CLICK: Final = timedelta(minutes=5)


class MayNot(Exception):
    """Whoever acts may not add lenders any more; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Look:
    """The accent and the corners of a lender's pages."""

    accent: str
    corners: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The lender is there; the token of its administrator's link is kept nowhere, and None on a second click."""

    slug: str
    token: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """Another lender has this short name or this host: `what` is "slug" or "host"."""

    what: str


def open_lender(
    *,
    values: Mapping[str, Any],
    look: Look | None,
    administrator: tuple[str, str] | None,
    language: str,
    key: str,
    operator: tuple[uuid.UUID, uuid.UUID] | None = None,
) -> Opened | Taken | Weak:
    """Add a lender whose row has these values, all of it or nothing; `administrator` is a name and an e-mail address.

    `operator` is the lender and the member who does it, None for a command.

    :raises MayNot: if that member may not any more.
    :raises portal.web.colours.NotAColour: if the accent is no colour.
    """
    by = OPERATOR if operator is None else _operator(*operator)
    there = session.scalars(select(Lender).where(Lender.slug == values["slug"])).one_or_none()
    if there is not None:
        again = there.name == values["name"] and there.created_at > clock.now() - _A_SECOND_CLICK
        return Opened(there.slug, None) if again and operator is not None else Taken("slug")
    if values.get("host") and session.scalars(select(Lender.id).where(Lender.host == values["host"])).first():
        return Taken("host")
    if look is not None and (weak := brands.weak_accent(look.accent)) is not None:
        return weak
    lender = lenders.add(values=values, by=by)
    if look is not None:
        brands.set_brand(lender, accent=look.accent, corners=look.corners, by=by)
    token = None
    if administrator is not None:
        invited = members.invite(
            lender_id=lender.id,
            email=administrator[1],
            name=administrator[0],
            roles=[Role.LENDER_ADMINISTRATOR],
            language=language,
            key=key,
            by=by,
        )
        token = invited.token if isinstance(invited, members.Invited) else None
    return Opened(lender.slug, token)


def _operator(lender_id: uuid.UUID, member_id: uuid.UUID) -> Actor:
    """Give an operator as who acts, as long as that is what the member is.

    :raises MayNot: if not.
    """
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True)).scalar_one()
    who = session.get(StaffMember, (lender_id, member_id), populate_existing=True)
    if who is None or who.state != "active" or Permission.ADD_LENDERS not in permissions_of(who.roles):
        raise MayNot
    # Not of the new lender's staff, so that no right of its staff is asked for.
    return Actor("operator", str(member_id))


def set_keys(lender: Lender, *, secret_key: str | None, webhook_secret: str | None, by: Actor) -> None:
    """Give a lender other keys of Stripe; None leaves one as it is. What they are stands in no record."""
    if secret_key is not None:
        lender.stripe_secret_key = secret_key
    if webhook_secret is not None:
        lender.stripe_webhook_secret = webhook_secret
    record(
        Act.LENDER_KEYS_SET,
        by=by,
        lender_id=lender.id,
        facts={"secret_key": secret_key is not None, "webhook_secret": webhook_secret is not None},
    )

"""What a person chooses about messages: on a page, by a link without signing in, by one click, or by an SMS."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from portal import clock
from portal.contact import facts
from portal.contact.models import ContactChoice, ContactWish
from portal.db import insert_unless_there, new_id, session
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.people.models import ContactPoint
from portal.post import phones
from portal.post.kinds import Group
from portal.post.models import Message, StopLink
from portal.post.outbox import links_to

# What a person may switch on and off; news about signing in and contacts ends only with STOP by SMS.
CHOOSABLE = (Group.NEWS, Group.REMINDERS)
CHANNELS = ("email", "sms")


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a person would rather be written to, and the time of day in which not, in minutes after midnight."""

    contact: tuple[str, str] | None
    quiet: tuple[int, int] | None


def choices_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> dict[tuple[str, Group], bool]:
    """Give what is on, by channel and group."""
    return {
        (channel, group): facts.allowed(lender_id=lender_id, debtor_id=debtor_id, channel=channel, group=group)
        for channel in CHANNELS
        for group in CHOOSABLE
    }


def choose(
    *, lender_id: uuid.UUID, debtor_id: uuid.UUID, wanted: Mapping[tuple[str, Group], bool], how: str, by: Actor
) -> bool:
    """Switch groups of messages on or off. Says whether anything changed; what is so already leaves no record."""
    changed = {}
    for (channel, group), on in sorted(wanted.items(), key=lambda pair: (pair[0][0], pair[0][1].value)):
        if facts.allowed(lender_id=lender_id, debtor_id=debtor_id, channel=channel, group=group) is on:
            continue
        values = {"allowed": on, "how": how, "changed_at": clock.now()}
        session.execute(
            insert_unless_there(ContactChoice)
            .values(lender_id=lender_id, id=new_id(), debtor_id=debtor_id, channel=channel, kinds=group.value, **values)
            .on_conflict_do_update(index_elements=["lender_id", "debtor_id", "channel", "kinds"], set_=values)
        )
        changed[f"{channel} {group.value}"] = on
    if changed:
        record(
            Act.MESSAGES_CHOSEN, by=by, lender_id=lender_id, debtor_id=debtor_id, facts={"how": how, "after": changed}
        )
    return bool(changed)


def wish(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, wanted: Wish, by: Actor) -> bool:
    """Keep where and when a person would rather be written to. Says whether anything changed."""
    there = facts.wish_of(lender_id=lender_id, debtor_id=debtor_id)
    if kept(there) == wanted:
        return False
    channel, address = wanted.contact or (None, None)
    since, until = wanted.quiet or (None, None)
    values = {
        "channel": channel,
        "address": address,
        "quiet_from_minute": since,
        "quiet_to_minute": until,
        "changed_at": clock.now(),
    }
    session.execute(
        insert_unless_there(ContactWish)
        .values(lender_id=lender_id, id=new_id(), debtor_id=debtor_id, **values)
        .on_conflict_do_update(index_elements=["lender_id", "debtor_id"], set_=values)
    )
    record(
        Act.MESSAGES_CHOSEN,
        by=by,
        lender_id=lender_id,
        debtor_id=debtor_id,
        facts={"how": "page", "channel": channel, "quiet": wanted.quiet},
    )
    return True


def kept(there: ContactWish | None) -> Wish:
    """Give a person's wish as it is kept."""
    if there is None:
        return Wish(None, None)
    contact = (there.channel, there.address) if there.channel and there.address else None
    quiet = (
        (there.quiet_from_minute, there.quiet_to_minute)
        if there.quiet_from_minute is not None and there.quiet_to_minute is not None
        else None
    )
    return Wish(contact, quiet)


def stop(link: StopLink, *, how: str) -> bool:
    """Stop what nobody asked for, for whom a link stands. Twice is once.

    An address that is not on file any more gets nothing as it is, and whoever has it says nothing for the person.
    """
    return _by_link(link, on=False, groups=CHOOSABLE, how=how)


def start(link: StopLink, *, how: str) -> bool:
    """Take a stop back; what the person switched off on the page of messages stays off."""
    return _by_link(link, on=True, groups=CHOOSABLE, how=how)


def is_stopped(link: StopLink) -> bool:
    """Say whether everything that a link stops is off."""
    return not _on_file(link) or not any(
        facts.allowed(lender_id=link.lender_id, debtor_id=link.debtor_id, channel=link.channel, group=group)
        for group in CHOOSABLE
    )


def can_start(link: StopLink) -> bool:
    """Say whether taking a stop back brings anything back."""
    return _on_file(link) and bool(_stopped_here(link))


def _on_file(whose: StopLink | Message) -> bool:
    """Say whether an address is still the person's; one that waits because somebody called it wrong is, too."""
    jurisdiction = session.get_one(Lender, whose.lender_id).jurisdiction

    def one_form(address: str) -> str:
        return (whose.channel == "sms" and phones.international(address, jurisdiction=jurisdiction)) or address

    there = session.scalars(
        select(ContactPoint.address).where(
            ContactPoint.lender_id == whose.lender_id,
            ContactPoint.debtor_id == whose.debtor_id,
            ContactPoint.channel == whose.channel,
            ContactPoint.removed_at.is_(None),
        )
    )
    return one_form(whose.address) in map(one_form, there)


def _stopped_here(link: StopLink) -> frozenset[Group]:
    """Give what was switched off from outside: by a link, one click, an SMS or the provider."""
    off = session.scalars(
        select(ContactChoice.kinds).where(
            ContactChoice.lender_id == link.lender_id,
            ContactChoice.debtor_id == link.debtor_id,
            ContactChoice.channel == link.channel,
            ContactChoice.allowed.is_(False),
            ContactChoice.how != "page",
        )
    )
    return frozenset(Group(each) for each in off)


def _by_link(link: StopLink, *, on: bool, groups: Iterable[Group], how: str) -> bool:
    if not _on_file(link):
        return False
    wanted = _stopped_here(link).intersection(groups) if on else groups
    return choose(
        lender_id=link.lender_id,
        debtor_id=link.debtor_id,
        wanted={(link.channel, group): on for group in wanted},
        how=how,
        by=Actor("debtor", str(link.debtor_id)),
    )


def by_number(number: str, *, on: bool) -> int:
    """Stop everything but codes that are asked for by SMS to a number, or bring it back.

    Gives for how many people something changed: a number may belong to several, and it is the number that says stop.
    """
    groups = (*CHOOSABLE, Group.SECURITY)
    return sum(_by_link(link, on=on, groups=groups, how="sms") for link in links_to(channel="sms", address=number))


def stopped_at_provider(message: Message) -> None:
    """Heed a provider that knows of a stop which never reached us; one of a former number says nothing for the new."""
    if message.debtor_id is None or not _on_file(message):
        return
    choose(
        lender_id=message.lender_id,
        debtor_id=message.debtor_id,
        wanted={(message.channel, group): False for group in (*CHOOSABLE, Group.SECURITY)},
        how="provider",
        by=Actor("debtor", str(message.debtor_id)),
    )


def points_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID) -> list[tuple[ContactPoint, bool]]:
    """Give the contacts on file, each with whether it bounced."""
    return [
        (point, facts.has_bounced(lender_id=lender_id, channel=point.channel, address=point.address))
        for point in facts.contacts(lender_id=lender_id, debtor_id=debtor_id)
    ]


def messages_to(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, limit: int = 50) -> list[Message]:
    """Give what was written to a person lately, newest first."""
    return list(
        session.scalars(
            select(Message)
            .where(Message.lender_id == lender_id, Message.debtor_id == debtor_id)
            .order_by(Message.written_at.desc(), Message.id.desc())
            .limit(limit)
        )
    )

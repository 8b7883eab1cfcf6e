"""Drafts of limits: written, sent to a second person, approved or sent back; and the return to the version before.

Invariant: each text that a draft had is kept, and nothing is written over what somebody else saved meanwhile. Who may
is looked at under the lock, so that a role that was taken away a moment ago decides nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, select

from portal import clock
from portal.db import new_id, session
from portal.desk import states
from portal.desk.models import LimitsDraft, LimitsDraftRevision, LimitsRelease
from portal.desk.states import ALIVE, Event, Forbidden, Moved, Repeated, State
from portal.desk.two_people import TIED_FOR, Account, Tie, tie_between
from portal.evidence.models import EvidenceRecord
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender
from portal.limits import findings
from portal.limits.cards import LimitsSet
from portal.limits.checks import Loaded
from portal.limits.findings import Finding, Level
from portal.limits.reading import parse
from portal.limits.writing import starting
from portal.plans.allowed import keep_version
from portal.plans.models import LimitsVersion
from portal.staff.models import StaffMember, StaffSession
from portal.staff.roles import Permission, permissions_of


class MayNot(Exception):
    """Whoever acts may not do that any more; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody saved another text meanwhile; the draft has `revision` now, and nothing was written over it."""

    revision: int


@dataclass(frozen=True, slots=True)
class StillWrong:
    """Something in the draft can't be, or a warning was not ticked; it was not sent, or not approved."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class NotTwoPeople:
    """The account is not a second person for this draft, as far as the portal can know."""

    tie: Tie
    colleague: str


@dataclass(frozen=True, slots=True)
class Released:
    """A version counts from a day on; `wished` is the day that its file had, if that was over already."""

    number: int
    first_day: date
    wished: date | None = None


@dataclass(frozen=True, slots=True)
class NothingBefore:
    """There is no version to go back to from the one that counts now, or another one counts by now."""


def lock(lender_id: uuid.UUID) -> None:
    """Let one act at a time decide on a lender's limits, and none while somebody's roles are changed."""
    session.execute(select(Lender.id).where(Lender.id == lender_id).with_for_update(key_share=True)).scalar_one()


def _allowed(lender_id: uuid.UUID, by: uuid.UUID, permission: Permission) -> Actor:
    """Give somebody as who acts, as long as they may.

    :raises MayNot: if not.
    """
    who = session.get(StaffMember, (lender_id, by), populate_existing=True)
    if who is None or who.state != "active" or permission not in permissions_of(who.roles):
        raise MayNot
    return Actor("staff", str(by))


def find(*, lender_id: uuid.UUID, number: int) -> LimitsDraft | None:
    """Give a draft by its number."""
    return session.scalars(
        select(LimitsDraft).where(LimitsDraft.lender_id == lender_id, LimitsDraft.number == number)
    ).one_or_none()


def of(*, lender_id: uuid.UUID) -> Sequence[LimitsDraft]:
    """Give all drafts of a lender, those on which somebody works first, and the newest of them at the top."""
    found = session.scalars(
        select(LimitsDraft).where(LimitsDraft.lender_id == lender_id).order_by(LimitsDraft.number.desc())
    ).all()
    return sorted(found, key=lambda draft: State(draft.state) not in ALIVE)


def text_at(draft: LimitsDraft, revision: int) -> str | None:
    """Give the text that a draft had at a revision; None if there is no such one."""
    found = _revision(draft, revision)
    return None if found is None else found.source


def _revision(draft: LimitsDraft, number: int) -> LimitsDraftRevision | None:
    return session.scalars(
        select(LimitsDraftRevision).where(
            LimitsDraftRevision.lender_id == draft.lender_id,
            LimitsDraftRevision.draft_id == draft.id,
            LimitsDraftRevision.number == number,
        )
    ).one_or_none()


def saved_by(draft: LimitsDraft, revision: int) -> uuid.UUID | None:
    """Give who wrote the text that a draft had at a revision."""
    found = _revision(draft, revision)
    return None if found is None else found.by_id


def authors_of(draft: LimitsDraft) -> frozenset[uuid.UUID]:
    """Give everybody who began, changed or sent a draft."""
    wrote = session.scalars(
        select(LimitsDraftRevision.by_id).where(
            LimitsDraftRevision.lender_id == draft.lender_id, LimitsDraftRevision.draft_id == draft.id
        )
    )
    return frozenset({draft.author_id, *wrote, *({draft.sent_by} if draft.sent_by else ())})


def base_number(draft: LimitsDraft) -> int | None:
    """Give the number of the version on which a draft was begun."""
    return session.scalars(
        select(LimitsVersion.number).where(
            LimitsVersion.lender_id == draft.lender_id, LimitsVersion.id == draft.base_id
        )
    ).one_or_none()


def begin(
    *, lender_id: uuid.UUID, currency: str, text: str, base_id: uuid.UUID | None, form_key: str, by: uuid.UUID
) -> LimitsDraft:
    """Begin a draft from a text that can be read; the same form again gives the same draft.

    :raises portal.limits.reading.LimitsError: if the text can't be read.
    :raises MayNot: if whoever begins it may not write drafts any more.
    """
    parse(text, currency=currency)
    lock(lender_id)
    actor = _allowed(lender_id, by, Permission.WRITE_LIMITS)
    here = LimitsDraft.lender_id == lender_id
    before = session.scalars(select(LimitsDraft).where(here, LimitsDraft.form_key == form_key)).one_or_none()
    if before is not None:
        return before
    now = clock.now()
    draft = LimitsDraft(
        lender_id=lender_id,
        id=new_id(),
        number=1 + (session.scalars(select(func.max(LimitsDraft.number)).where(here)).one() or 0),
        base_id=base_id,
        author_id=by,
        state=State.OPEN.value,
        revision=0,
        source=text,
        acknowledged=[],
        form_key=form_key,
        created_at=now,
        changed_at=now,
    )
    session.add(draft)
    session.flush()
    _keep(draft, text, by=by)
    record(Act.LIMITS_DRAFT_BEGUN, by=actor, lender_id=lender_id, facts={"draft": draft.number})
    return draft


def _keep(draft: LimitsDraft, text: str, *, by: uuid.UUID) -> None:
    """Make a text the draft's own, and keep it as its next revision."""
    draft.source, draft.revision, draft.changed_at = text, draft.revision + 1, clock.now()
    session.add(
        LimitsDraftRevision(
            lender_id=draft.lender_id,
            id=new_id(),
            draft_id=draft.id,
            number=draft.revision,
            source=text,
            by_id=by,
            saved_at=draft.changed_at,
        )
    )


def _under_lock(
    lender_id: uuid.UUID, number: int, event: Event, by: uuid.UUID, permission: Permission
) -> tuple[LimitsDraft, Actor, Moved | Repeated | Forbidden]:
    """Lock, look who acts, and say what would come of it; the state is not changed yet.

    :raises MayNot: if whoever acts may not any more.
    """
    lock(lender_id)
    actor = _allowed(lender_id, by, permission)
    draft = session.execute(
        select(LimitsDraft)
        .where(LimitsDraft.lender_id == lender_id, LimitsDraft.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    return draft, actor, states.after(State(draft.state), event)


def save(
    *, lender_id: uuid.UUID, currency: str, number: int, revision: int, text: str, by: uuid.UUID
) -> Moved | Repeated | Forbidden | Changed:
    """Give a draft another text, written on the revision that was read; the same text again changes nothing.

    :raises portal.limits.reading.LimitsError: if the text can't be read.
    :raises MayNot: if whoever saves may not write drafts any more.
    """
    parse(text, currency=currency)
    draft, actor, done = _under_lock(lender_id, number, Event.SAVE, by, Permission.WRITE_LIMITS)
    if not isinstance(done, Moved):
        return done
    if draft.source == text:
        return Repeated(State(draft.state))
    if draft.revision != revision:
        return Changed(draft.revision)
    draft.state = done.to.value
    _keep(draft, text, by=by)
    record(
        Act.LIMITS_DRAFT_SAVED,
        by=actor,
        lender_id=lender_id,
        facts={"draft": draft.number, "revision": draft.revision},
    )
    return done


def loaded_of(lender_id: uuid.UUID) -> list[Loaded]:
    """Give the versions that a lender has."""
    rows = session.execute(
        select(LimitsVersion.number, LimitsVersion.effective_from)
        .where(LimitsVersion.lender_id == lender_id)
        .order_by(LimitsVersion.number)
    )
    return [Loaded(number=row.number, effective_from=row.effective_from) for row in rows]


def findings_of(draft: LimitsDraft, *, currency: str, today: date) -> tuple[Finding, ...]:
    """Give all that speaks against a draft, as if it were approved today: errors first, then warnings."""
    limits = _as_of(parse(draft.source, currency=currency), today)
    return findings.of(limits, loaded=loaded_of(draft.lender_id), today=today)


def _as_of(limits: LimitsSet, today: date) -> LimitsSet:
    """Give a set as it would start: not before today."""
    return replace(limits, effective_from=max(limits.effective_from, today))


def send(
    *,
    lender_id: uuid.UUID,
    currency: str,
    number: int,
    revision: int,
    acknowledged: Sequence[str],
    today: date,
    by: uuid.UUID,
) -> Moved | Repeated | Forbidden | Changed | StillWrong:
    """Ask a second person to approve a draft; no error may be left in it, and each warning has to be ticked.

    :raises MayNot: if whoever sends may not write drafts any more.
    """
    draft, actor, done = _under_lock(lender_id, number, Event.SEND, by, Permission.WRITE_LIMITS)
    if not isinstance(done, Moved):
        return done
    if draft.revision != revision:
        return Changed(draft.revision)
    found = findings_of(draft, currency=currency, today=today)
    left = tuple(each for each in found if each.level is Level.ERROR or each.key not in acknowledged)
    if left:
        return StillWrong(left)
    draft.state, draft.sent_by, draft.sent_at = done.to.value, by, clock.now()
    draft.acknowledged = [each.key for each in found]
    record(
        Act.LIMITS_DRAFT_SENT,
        by=actor,
        lender_id=lender_id,
        facts={"draft": draft.number, "revision": draft.revision, "acknowledged": draft.acknowledged},
    )
    return done


def take_back(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    """Take a draft back that was sent, to write on it.

    :raises MayNot: if whoever does it may not write drafts any more.
    """
    return _end_sending(lender_id, number, Event.TAKE_BACK, by)


def withdraw(*, lender_id: uuid.UUID, number: int, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    """End a draft that nobody needs any more; its texts stay.

    :raises MayNot: if whoever does it may not write drafts any more.
    """
    return _end_sending(lender_id, number, Event.WITHDRAW, by)


def _end_sending(lender_id: uuid.UUID, number: int, event: Event, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    draft, actor, done = _under_lock(lender_id, number, event, by, Permission.WRITE_LIMITS)
    if isinstance(done, Moved):
        draft.state, draft.changed_at = done.to.value, clock.now()
        act = Act.LIMITS_DRAFT_WITHDRAWN if event is Event.WITHDRAW else Act.LIMITS_DRAFT_TAKEN_BACK
        record(act, by=actor, lender_id=lender_id, facts={"draft": draft.number})
    return done


def send_back(*, lender_id: uuid.UUID, number: int, words: str, by: uuid.UUID) -> Moved | Repeated | Forbidden:
    """Say what is wrong with a draft, so that its authors can mend it; an author may do so too.

    :raises MayNot: if whoever does it may not approve drafts any more.
    """
    draft, actor, done = _under_lock(lender_id, number, Event.SEND_BACK, by, Permission.APPROVE_LIMITS)
    if isinstance(done, Moved):
        draft.state, draft.decided_by, draft.decided_at, draft.words = done.to.value, by, clock.now(), words
        record(Act.LIMITS_DRAFT_SENT_BACK, by=actor, lender_id=lender_id, facts={"draft": draft.number, "words": words})
    return done


def approve(
    *, lender_id: uuid.UUID, currency: str, number: int, revision: int, today: date, by: uuid.UUID
) -> Released | Repeated | Forbidden | Changed | StillWrong | NotTwoPeople:
    """Make a draft the next version, by a second person; it counts from its first day on, and not before today.

    :raises MayNot: if whoever approves may not any more.
    """
    draft, actor, done = _under_lock(lender_id, number, Event.APPROVE, by, Permission.APPROVE_LIMITS)
    if not isinstance(done, Moved):
        return done
    if draft.revision != revision:
        return Changed(draft.revision)
    if (tie := second_person(draft, by=by)) is not None:
        return tie
    errors = tuple(each for each in findings_of(draft, currency=currency, today=today) if each.level is Level.ERROR)
    if errors:
        return StillWrong(errors)
    wished = parse(draft.source, currency=currency).effective_from
    first_day = max(wished, today)
    text = draft.source if first_day == wished else starting(draft.source, first_day, currency=currency)
    version = keep_version(text, lender_id=lender_id, first_day=first_day)
    draft.state, draft.decided_by, draft.decided_at, draft.words = done.to.value, by, clock.now(), None
    session.add(
        LimitsRelease(
            lender_id=lender_id,
            id=new_id(),
            version_id=version.id,
            draft_id=draft.id,
            written_by=draft.author_id,
            decided_by=by,
            decided_at=draft.decided_at,
        )
    )
    record(
        Act.LIMITS_APPROVED,
        by=actor,
        lender_id=lender_id,
        facts={
            "draft": draft.number,
            "version": version.number,
            "sha256": version.sha256,
            "effective_from": first_day,
            "wished": wished,
            "written_by": sorted(str(author) for author in authors_of(draft)),
            "approved_by": by,
            "acknowledged": draft.acknowledged,
        },
    )
    return Released(version.number, first_day, wished if first_day != wished else None)


def second_person(draft: LimitsDraft, *, by: uuid.UUID) -> NotTwoPeople | None:
    """Give why somebody is not a second person for a draft, as far as the portal knows; None if they are."""
    return tied(lender_id=draft.lender_id, by=by, authors=authors_of(draft))


def tied(*, lender_id: uuid.UUID, by: uuid.UUID, authors: frozenset[uuid.UUID]) -> NotTwoPeople | None:
    """Give why somebody is not a second person for what some did; None if they are, as far as the portal knows."""
    since = clock.now() - TIED_FOR
    found = tie_between(
        _account(lender_id, by, since),
        [_account(lender_id, author, since) for author in sorted(authors)],
        _brought_in(lender_id, authors | {by}, since),
    )
    if found is None:
        return None
    return NotTwoPeople(found[0], session.get_one(StaffMember, (lender_id, found[1])).name)


def _account(lender_id: uuid.UUID, member_id: uuid.UUID, since: object) -> Account:
    member = session.get_one(StaffMember, (lender_id, member_id))
    browsers = session.scalars(
        select(StaffSession.device).where(
            StaffSession.lender_id == lender_id,
            StaffSession.member_id == member_id,
            StaffSession.created_at > since,
            StaffSession.device != "",
        )
    )
    return Account(member.id, member.email, frozenset(browsers))


def _brought_in(lender_id: uuid.UUID, members: frozenset[uuid.UUID], since: object) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Give who of some colleagues invited another one or gave the roles, since a moment."""
    entries = session.execute(
        select(EvidenceRecord.actor_id, EvidenceRecord.entry).where(
            EvidenceRecord.lender_id == lender_id,
            EvidenceRecord.debtor_id.is_(None),
            EvidenceRecord.at > since,
            EvidenceRecord.act.in_([Act.STAFF_INVITED.value, Act.STAFF_ROLES_CHANGED.value]),
            EvidenceRecord.actor_kind == "staff",
            EvidenceRecord.actor_id.in_([str(member) for member in members]),
        )
    )
    return {(uuid.UUID(actor), uuid.UUID(json.loads(entry)["facts"]["member"])) for actor, entry in entries}


def releases_of(*, lender_id: uuid.UUID) -> dict[uuid.UUID, LimitsRelease]:
    """Give how each version came to count that was decided on these pages, by the version."""
    found = session.scalars(select(LimitsRelease).where(LimitsRelease.lender_id == lender_id))
    return {release.version_id: release for release in found}


def in_force(*, lender_id: uuid.UUID, today: date) -> LimitsVersion | None:
    """Give the version that counts on a day."""
    return _newest(LimitsVersion.lender_id == lender_id, LimitsVersion.effective_from <= today)


def _newest(*conditions: ColumnElement[bool]) -> LimitsVersion | None:
    return session.scalars(
        select(LimitsVersion)
        .where(*conditions)
        .order_by(LimitsVersion.effective_from.desc(), LimitsVersion.number.desc())
        .limit(1)
    ).one_or_none()


def before(version: LimitsVersion) -> LimitsVersion | None:
    """Give the version to which one goes back from one that counts; from one that went back itself, the one further on.

    Only what counted once is gone back to: it was loaded or approved before.
    """
    releases, found = releases_of(lender_id=version.lender_id), version
    while (release := releases.get(found.id)) is not None and release.back_to_id is not None:
        found = session.get_one(LimitsVersion, (version.lender_id, release.back_to_id))
    return _newest(
        LimitsVersion.lender_id == version.lender_id,
        (LimitsVersion.effective_from < found.effective_from)
        | ((LimitsVersion.effective_from == found.effective_from) & (LimitsVersion.number < found.number)),
    )


def go_back(
    *, lender_id: uuid.UUID, currency: str, number: int, reason: str, today: date, by: uuid.UUID
) -> Released | Repeated | NothingBefore:
    """Let the version before count again from today on: in an emergency, by one person, with a reason.

    `number` is the version that counts as whoever decides has seen it; that it was left already is a repetition.

    :raises MayNot: if whoever does it may not approve drafts any more.
    """
    lock(lender_id)
    actor = _allowed(lender_id, by, Permission.APPROVE_LIMITS)
    now = in_force(lender_id=lender_id, today=today)
    if now is not None and now.number != number:
        release = releases_of(lender_id=lender_id).get(now.id)
        left = (
            None
            if release is None or release.from_id is None
            else session.get(LimitsVersion, (lender_id, release.from_id))
        )
        return Repeated(State.APPROVED) if left is not None and left.number == number else NothingBefore()
    back = None if now is None else before(now)
    if now is None or back is None:
        return NothingBefore()
    version = keep_version(starting(back.source, today, currency=currency), lender_id=lender_id, first_day=today)
    session.add(
        LimitsRelease(
            lender_id=lender_id,
            id=new_id(),
            version_id=version.id,
            decided_by=by,
            from_id=now.id,
            back_to_id=back.id,
            reason=reason,
            decided_at=clock.now(),
        )
    )
    record(
        Act.LIMITS_WENT_BACK,
        by=actor,
        lender_id=lender_id,
        facts={
            "version": version.number,
            "from": now.number,
            "back_to": back.number,
            "sha256": version.sha256,
            "effective_from": today,
            "reason": reason,
        },
    )
    return Released(version.number, today)


def tied_days() -> int:
    """Give for how many days an account that somebody brought in is not a second person for them."""
    return TIED_FOR // timedelta(days=1)

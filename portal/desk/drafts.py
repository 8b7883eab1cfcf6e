"""Drafts of limits: written, sent to a second person, approved or sent back; and the return to the version before.

Invariant: each text that a draft had is kept, and nothing is written over what somebody else saved meanwhile. Who may
is looked at under the lock, so that a role that was taken away a moment ago decides nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, case, func, select

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
from portal.limits.findings import SAID_BY_BOTH, Finding, Kind, Level
from portal.limits.merging import Prefer, merged
from portal.limits.reading import parse
from portal.limits.writing import starting, write
from portal.plans.allowed import keep_version, version_of
from portal.plans.models import LimitsVersion
from portal.staff import tell
from portal.staff.models import StaffMember, StaffSession
from portal.staff.roles import Permission, permissions_of

# How far the record of an act lies from the moment that its rows name.
_ONE_ACT = timedelta(minutes=1)


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
class BegunAlready:
    """The version counts since a day that has come, or did once: it can be left for the one before, not called off."""


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


_WORKED_ON = case((LimitsDraft.state.in_([state.value for state in ALIVE]), 1), else_=0)
_ITS_RELEASE = (LimitsRelease.lender_id == LimitsDraft.lender_id) & (LimitsRelease.draft_id == LimitsDraft.id)
_ITS_VERSION = (LimitsVersion.lender_id == LimitsRelease.lender_id) & (LimitsVersion.id == LimitsRelease.version_id)
# How a draft is shown whose version was called off: it was approved, and doesn't count.
CALLED_OFF = "called_off"
A_PAGE = 20


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One draft as a list shows it; `key` is where the list goes on after it."""

    number: int
    state: str
    author_id: uuid.UUID
    changed_at: datetime
    key: tuple[int, int]


def page(*, lender_id: uuid.UUID, after: tuple[int, int] | None = None, size: int = A_PAGE) -> Sequence[DraftRow]:
    """Give some drafts of a lender, without texts: those on which somebody works first, and the newest at the top."""
    asked = (
        select(
            LimitsDraft.number,
            LimitsDraft.state,
            LimitsDraft.author_id,
            LimitsDraft.changed_at,
            _WORKED_ON,
            LimitsVersion.called_off_at,
        )
        .outerjoin(LimitsRelease, _ITS_RELEASE)
        .outerjoin(LimitsVersion, _ITS_VERSION)
        .where(LimitsDraft.lender_id == lender_id)
    )
    if after is not None:
        asked = asked.where((after[0] > _WORKED_ON) | ((after[0] >= _WORKED_ON) & (LimitsDraft.number < after[1])))
    rows = session.execute(asked.order_by(_WORKED_ON.desc(), LimitsDraft.number.desc()).limit(size))
    return [
        DraftRow(number, CALLED_OFF if off is not None else state, author_id, changed_at, (worked_on, number))
        for number, state, author_id, changed_at, worked_on, off in rows
    ]


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


def base_of(draft: LimitsDraft) -> LimitsVersion | None:
    """Give the version on which a draft was begun, or whose changes it took over since."""
    return None if draft.base_id is None else session.get(LimitsVersion, (draft.lender_id, draft.base_id))


def follows(draft: LimitsDraft, *, currency: str, today: date) -> LimitsVersion | None:
    """Give the version that counts until a draft does: the newest that begins before it, also one still to come."""
    first_day = _as_of(parse(draft.source, currency=currency), today).effective_from
    return in_force(lender_id=draft.lender_id, today=first_day)


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
        .where(LimitsVersion.lender_id == lender_id, LimitsVersion.called_off_at.is_(None))
        .order_by(LimitsVersion.number)
    )
    return [Loaded(number=row.number, effective_from=row.effective_from) for row in rows]


def findings_of(draft: LimitsDraft, *, currency: str, today: date) -> tuple[Finding, ...]:
    """Give all that speaks against a draft, as if it were approved today: errors first, then warnings."""
    limits = _as_of(parse(draft.source, currency=currency), today)
    found = findings.of(limits, loaded=loaded_of(draft.lender_id), today=today)
    return (*found, *_beside_others(draft, limits, currency=currency, today=today))


def _beside_others(draft: LimitsDraft, limits: LimitsSet, *, currency: str, today: date) -> Iterator[Finding]:
    """Find what others approved and the draft would undo, and what those would undo of it that begin after it."""
    until_then = in_force(lender_id=draft.lender_id, today=limits.effective_from)
    if until_then is None:
        return
    if until_then.id != draft.base_id:
        base = base_of(draft)
        taken_over = lost_of(
            limits,
            base=None if base is None else read(base, currency=currency),
            theirs=read(until_then, currency=currency),
        )
        if taken_over is not None:
            yield Finding(Kind.LEFT_OUT, version=until_then.number)
    later = session.scalars(
        select(LimitsVersion)
        .where(
            LimitsVersion.lender_id == draft.lender_id,
            LimitsVersion.effective_from > limits.effective_from,
            LimitsVersion.called_off_at.is_(None),
        )
        .order_by(LimitsVersion.effective_from, LimitsVersion.number)
        .limit(A_PAGE)
    )
    for version in later:
        before_it = read(until_then, currency=currency)
        if lost_of(read(version, currency=currency), base=before_it, theirs=limits) is not None:
            yield Finding(Kind.NOT_IN_LATER, version=version.number)


def read(version: LimitsVersion, *, currency: str) -> LimitsSet:
    """Give what a version says."""
    return version_of(version.id, lender_id=version.lender_id, currency=currency).limits


def lost_of(mine: LimitsSet, *, base: LimitsSet | None, theirs: LimitsSet) -> LimitsSet | None:
    """Give one's own set as it would be with all that somebody else changed; None if it has that already."""
    whole = merged(base or replace(theirs, cards=()), mine=mine, theirs=theirs, prefer=Prefer.THEIRS)
    return None if whole == mine else whole


def take_over(
    *, lender_id: uuid.UUID, currency: str, number: int, revision: int, today: date, by: uuid.UUID
) -> Moved | Repeated | Forbidden | Changed:
    """Put into a draft what the version changed that counts until its first day; what both changed stays as it is.

    :raises MayNot: if whoever does it may not write drafts any more.
    """
    draft, actor, done = _under_lock(lender_id, number, Event.SAVE, by, Permission.WRITE_LIMITS)
    if not isinstance(done, Moved):
        return done
    until_then = follows(draft, currency=currency, today=today)
    if until_then is None or until_then.id == draft.base_id:
        return Repeated(State(draft.state))
    if draft.revision != revision:
        return Changed(draft.revision)
    base, theirs = base_of(draft), read(until_then, currency=currency)
    text = write(
        merged(
            replace(theirs, cards=()) if base is None else read(base, currency=currency),
            mine=parse(draft.source, currency=currency),
            theirs=theirs,
            prefer=Prefer.MINE,
        )
    )
    parse(text, currency=currency)
    draft.state, draft.base_id = done.to.value, until_then.id
    _keep(draft, text, by=by)
    record(
        Act.LIMITS_DRAFT_SAVED,
        by=actor,
        lender_id=lender_id,
        facts={"draft": draft.number, "revision": draft.revision, "took_over": until_then.number},
    )
    return done


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
    *,
    lender_id: uuid.UUID,
    currency: str,
    number: int,
    revision: int,
    today: date,
    by: uuid.UUID,
    acknowledged: Sequence[str] = (),
) -> Released | Repeated | Forbidden | Changed | StillWrong | NotTwoPeople:
    """Make a draft the next version, by a second person; it counts from its first day on, and not before today.

    What somebody else approved and it would undo has to be ticked by the second person too.

    :raises MayNot: if whoever approves may not any more.
    """
    draft, actor, done = _under_lock(lender_id, number, Event.APPROVE, by, Permission.APPROVE_LIMITS)
    if not isinstance(done, Moved):
        return done
    if draft.revision != revision:
        return Changed(draft.revision)
    if (tie := second_person(draft, by=by)) is not None:
        return tie
    left = tuple(
        each
        for each in findings_of(draft, currency=currency, today=today)
        if each.level is Level.ERROR or (each.kind in SAID_BY_BOTH and each.key not in acknowledged)
    )
    if left:
        return StillWrong(left)
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
            "acknowledged_by_approver": list(acknowledged),
            "invited": [
                {"by": inviter, "member": member}
                for inviter, member in invitations_between(lender_id=lender_id, by=by, authors=authors_of(draft))
            ],
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
        _brought_in(lender_id, since),
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


def _brought_in(lender_id: uuid.UUID, since: object) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Give who of the colleagues invited another one or gave the roles, since a moment."""
    entries = session.execute(
        select(EvidenceRecord.actor_id, EvidenceRecord.entry).where(
            EvidenceRecord.lender_id == lender_id,
            EvidenceRecord.debtor_id.is_(None),
            EvidenceRecord.at > since,
            EvidenceRecord.act.in_([Act.STAFF_INVITED.value, Act.STAFF_ROLES_CHANGED.value]),
            EvidenceRecord.actor_kind == "staff",
        )
    )
    return {(uuid.UUID(actor), uuid.UUID(json.loads(entry)["facts"]["member"])) for actor, entry in entries}


def invitations_between(
    *, lender_id: uuid.UUID, by: uuid.UUID, authors: frozenset[uuid.UUID]
) -> tuple[tuple[uuid.UUID, uuid.UUID], ...]:
    """Give the invitations by which somebody and the authors of a draft hang together, however old: who, and whom."""
    up, found = _invited_by(lender_id, by), dict[tuple[uuid.UUID, uuid.UUID], None]()
    for author in sorted(authors - {by}):
        other = _invited_by(lender_id, author)
        shared = next((each for each in up if each in other), None)
        if shared is not None:
            for way in (up, other):
                path = way[: way.index(shared) + 1]
                found |= {(inviter, member): None for member, inviter in reversed(list(pairwise(path)))}
    return tuple(found)


def _invited_by(lender_id: uuid.UUID, member_id: uuid.UUID) -> list[uuid.UUID]:
    """Give a member, who invited it, who invited that one, and so on up to whom an operator invited."""
    found = [member_id]
    while True:
        member = session.get_one(StaffMember, (lender_id, found[-1]))
        # The record of an invitation is written in the act that makes the account.
        near = EvidenceRecord.at.between(member.created_at - _ONE_ACT, member.created_at + _ONE_ACT)
        entries = session.execute(
            select(EvidenceRecord.actor_id, EvidenceRecord.entry).where(
                EvidenceRecord.lender_id == lender_id,
                EvidenceRecord.debtor_id.is_(None),
                near,
                EvidenceRecord.act == Act.STAFF_INVITED.value,
                EvidenceRecord.actor_kind == "staff",
            )
        )
        inviter = next((uuid.UUID(who) for who, said in entries if _is_about(said, member.id)), None)
        if inviter is None or inviter in found:
            return found
        found.append(inviter)


def _is_about(entry: str, member_id: uuid.UUID) -> bool:
    return uuid.UUID(json.loads(entry)["facts"]["member"]) == member_id


def releases_of(*, lender_id: uuid.UUID, versions: Sequence[uuid.UUID] | None = None) -> dict[uuid.UUID, LimitsRelease]:
    """Give how some versions, or all, came to count, of those that were decided on these pages."""
    asked = select(LimitsRelease).where(LimitsRelease.lender_id == lender_id)
    found = session.scalars(asked if versions is None else asked.where(LimitsRelease.version_id.in_(versions)))
    return {release.version_id: release for release in found}


def release_of(version: LimitsVersion) -> LimitsRelease | None:
    """Give how a version came to count; None if it was loaded by command."""
    return releases_of(lender_id=version.lender_id, versions=[version.id]).get(version.id)


def version_made_of(draft: LimitsDraft) -> LimitsVersion | None:
    """Give the version that a draft became; None if it became none."""
    return session.scalars(
        select(LimitsVersion)
        .join(LimitsRelease, _ITS_VERSION)
        .where(LimitsRelease.lender_id == draft.lender_id, LimitsRelease.draft_id == draft.id)
    ).one_or_none()


def draft_of(version: LimitsVersion) -> LimitsDraft | None:
    """Give the draft that became a version; None if it was no draft."""
    release = release_of(version)
    return (
        None
        if release is None or release.draft_id is None
        else session.get_one(LimitsDraft, (version.lender_id, release.draft_id))
    )


def written_on(version: LimitsVersion) -> Sequence[tuple[int, str, int | None]]:
    """Give the drafts that were begun on a version and count or may: number, state, and number of the version."""
    rows = session.execute(
        select(LimitsDraft.number, LimitsDraft.state, LimitsVersion.number.label("became"))
        .outerjoin(LimitsRelease, _ITS_RELEASE)
        .outerjoin(LimitsVersion, _ITS_VERSION)
        .where(
            LimitsDraft.lender_id == version.lender_id,
            LimitsDraft.base_id == version.id,
            LimitsVersion.called_off_at.is_(None),
            LimitsDraft.state.in_([*(state.value for state in ALIVE), State.APPROVED.value]),
        )
        .order_by(LimitsDraft.number)
        .limit(A_PAGE)
    )
    return [(row.number, row.state, row.became) for row in rows]


def in_force(*, lender_id: uuid.UUID, today: date) -> LimitsVersion | None:
    """Give the version that counts on a day."""
    return _newest(LimitsVersion.lender_id == lender_id, LimitsVersion.effective_from <= today)


def last_of(*, lender_id: uuid.UUID) -> LimitsVersion | None:
    """Give the version that counts in the end, of those that are approved today: perhaps one still to come."""
    return _newest(LimitsVersion.lender_id == lender_id)


def _newest(*conditions: ColumnElement[bool]) -> LimitsVersion | None:
    return session.scalars(
        select(LimitsVersion)
        .where(*conditions, LimitsVersion.called_off_at.is_(None))
        .order_by(LimitsVersion.effective_from.desc(), LimitsVersion.number.desc())
        .limit(1)
    ).one_or_none()


def before(version: LimitsVersion) -> LimitsVersion | None:
    """Give the version to which one goes back from one that counts; from one that went back itself, the one further on.

    Only what counted once is gone back to: it was loaded or approved before.
    """
    found = version
    while (release := release_of(found)) is not None and release.back_to_id is not None:
        found = session.get_one(LimitsVersion, (version.lender_id, release.back_to_id))
    return replaced_by(found)


def replaced_by(version: LimitsVersion) -> LimitsVersion | None:
    """Give the version that counts, or counted, until another one does."""
    return _newest(
        LimitsVersion.lender_id == version.lender_id,
        (LimitsVersion.effective_from < version.effective_from)
        | ((LimitsVersion.effective_from == version.effective_from) & (LimitsVersion.number < version.number)),
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
        release = release_of(now)
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


def may_call_off(version: LimitsVersion, *, by: uuid.UUID, permissions: Collection[Permission], today: date) -> bool:
    """Tell whether somebody may stop a version before it begins: an approver any, an author what they wrote."""
    if version.called_off_at is not None or version.effective_from <= today:
        return False
    if Permission.APPROVE_LIMITS in permissions:
        return True
    draft = draft_of(version)
    return draft is not None and Permission.WRITE_LIMITS in permissions and by in authors_of(draft)


def call_off(
    *, lender_id: uuid.UUID, number: int, reason: str, today: date, by: uuid.UUID
) -> Moved | Repeated | BegunAlready:
    """Stop a version before its first day, so that it never counts; whoever else wrote or approved it is told.

    :raises MayNot: if whoever does it neither approves limits nor wrote this one.
    """
    lock(lender_id)
    who = session.get(StaffMember, (lender_id, by), populate_existing=True)
    version = session.scalars(
        select(LimitsVersion)
        .where(LimitsVersion.lender_id == lender_id, LimitsVersion.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if who is None or who.state != "active" or version is None:
        raise MayNot
    if version.called_off_at is not None:
        return Repeated(State.APPROVED)
    if version.effective_from <= today:
        return BegunAlready()
    if not may_call_off(version, by=by, permissions=permissions_of(who.roles), today=today):
        raise MayNot
    version.called_off_at, version.called_off_by, version.called_off_why = clock.now(), by, reason
    draft, told = draft_of(version), set[uuid.UUID]()
    if draft is not None:
        told = {*authors_of(draft), *({draft.decided_by} if draft.decided_by else ())} - {by}
    record(
        Act.LIMITS_CALLED_OFF,
        by=Actor("staff", str(by)),
        lender_id=lender_id,
        facts={
            "version": number,
            "draft": None if draft is None else draft.number,
            "effective_from": version.effective_from,
            "reason": reason,
            "written_on_it": [became for _number, _state, became in written_on(version) if became is not None],
        },
    )
    for member_id in sorted(told):
        member = session.get_one(StaffMember, (lender_id, member_id))
        if member.state == "active":
            tell.limits_called_off(member, number=number, first_day=version.effective_from, by=who.name, reason=reason)
    return Moved(State.APPROVED)


def tied_days() -> int:
    """Give for how many days an account that somebody brought in is not a second person for them."""
    return TIED_FOR // timedelta(days=1)

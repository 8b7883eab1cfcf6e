"""Write down an act in the transaction that performs it: who, for whom, what, with which facts."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal import clock
from portal.bulk import Same, dashed, insert_columns, new_ids
from portal.db import new_id, session, table_of
from portal.evidence.models import EvidenceRecord


class Act(StrEnum):
    """Every act that leaves a record; the timeline will say each in plain words."""

    LENDER_ADDED = "lender_added"
    LENDER_BRANDED = "lender_branded"
    LENDER_URGENT_EMAIL_SET = "lender_urgent_email_set"
    LENDER_WAYS_SET = "lender_ways_set"
    LENDER_SEAL_SET = "lender_seal_set"
    LENDER_LETTERS_SET = "lender_letters_set"
    LIMITS_LOADED = "limits_loaded"
    LIMITS_DRAFT_BEGUN = "limits_draft_begun"
    LIMITS_DRAFT_SAVED = "limits_draft_saved"
    LIMITS_DRAFT_SENT = "limits_draft_sent"
    LIMITS_DRAFT_TAKEN_BACK = "limits_draft_taken_back"
    LIMITS_DRAFT_SENT_BACK = "limits_draft_sent_back"
    LIMITS_DRAFT_WITHDRAWN = "limits_draft_withdrawn"
    LIMITS_APPROVED = "limits_approved"
    LIMITS_WENT_BACK = "limits_went_back"
    LIMITS_CALLED_OFF = "limits_called_off"
    PORTFOLIO_IMPORTED = "portfolio_imported"
    PORTFOLIO_UNDONE = "portfolio_undone"
    BALANCE_ADJUSTED = "balance_adjusted"
    DEBT_RECALLED = "debt_recalled"
    DEBT_RETURNED = "debt_returned"
    PORTFOLIO_BROUGHT = "portfolio_brought"
    PORTFOLIO_CONFIRMED = "portfolio_confirmed"
    PORTFOLIO_WITHDRAWN = "portfolio_withdrawn"
    PORTFOLIO_FORGOTTEN = "portfolio_forgotten"
    PORTFOLIO_UNDOING = "portfolio_undoing"
    LENDER_KEYS_SET = "lender_keys_set"
    LENDER_HOST_SET = "lender_host_set"
    LENDER_ACCOUNT_SET = "lender_account_set"
    INVITED = "invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_IN = "signed_in"
    CODE_SENT = "code_sent"
    CODE_ACCEPTED = "code_accepted"
    CODE_REFUSED = "code_refused"
    SIGNED_OUT = "signed_out"
    LANGUAGE_CHOSEN = "language_chosen"
    LETTER_LANGUAGE_CHOSEN = "letter_language_chosen"
    PLAN_PROPOSED = "plan_proposed"
    BUDGET_GIVEN = "budget_given"
    OFFER_SENT_TO_PERSON = "offer_sent_to_person"
    QUOTE_MADE = "quote_made"
    PLAN_AGREED = "plan_agreed"
    PLAN_MOVED = "plan_moved"
    PLAN_CHANGED = "plan_changed"
    PLAN_CHANGE_UNDONE = "plan_change_undone"
    ANOTHER_PLAN_WANTED = "another_plan_wanted"
    PLAN_CHECK_OPENED = "plan_check_opened"
    PLAN_CHECK_CLOSED = "plan_check_closed"
    PLAN_MORE_TIME = "plan_more_time"
    INTEREST_POSTED = "interest_posted"
    WAIVED = "waived"
    WAIVER_UNDONE = "waiver_undone"
    PAYMENT_STARTED = "payment_started"
    PAYMENT_SETTLED = "payment_settled"
    PAYMENT_NOT_MADE = "payment_not_made"
    PAYMENT_SET_ASIDE = "payment_set_aside"
    PAYMENT_REFUNDED = "payment_refunded"
    PAYMENT_REFUND_FAILED = "payment_refund_failed"
    PAYMENT_PLACED = "payment_placed"
    PAYMENT_NOTED = "payment_noted"
    PAYMENT_TRANSFERRED = "payment_transferred"
    PAYMENT_TRANSFER_UNDONE = "payment_transfer_undone"
    PAYMENT_SENT_BACK = "payment_sent_back"
    PAYMENT_SENT_BACK_ASKED = "payment_sent_back_asked"
    PAYMENT_SENT_BACK_CALLED_OFF = "payment_sent_back_called_off"
    BANK_FILE_BROUGHT = "bank_file_brought"
    BANK_FILE_CONFIRMED = "bank_file_confirmed"
    BANK_FILE_WITHDRAWN = "bank_file_withdrawn"
    BANK_FILE_FORGOTTEN = "bank_file_forgotten"
    BANK_FILE_CAME_IN = "bank_file_came_in"
    BANK_FILE_UNDOING = "bank_file_undoing"
    BANK_FILE_UNDONE = "bank_file_undone"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_MOVED = "dispute_moved"
    DISPUTE_TOOK = "dispute_took"
    DISPUTE_GAVE_BACK = "dispute_gave_back"
    REFUND_ASKED = "refund_asked"
    REFUND_DECIDED = "refund_decided"
    REFUND_SENT = "refund_sent"
    REFUND_REFUSED = "refund_refused"
    REFUND_LIMIT_SET = "refund_limit_set"
    FEES_BOOKED = "fees_booked"
    PAYOUT_BOOKED = "payout_booked"
    PAYOUT_CAME_BACK = "payout_came_back"
    ACCOUNTS_NAMED = "accounts_named"
    CREDIT_USED = "credit_used"
    CREDIT_USE_UNDONE = "credit_use_undone"
    AUTOPAY_AGREED = "autopay_agreed"
    AUTOPAY_CARD_SAVED = "autopay_card_saved"
    AUTOPAY_CARD_CHANGED = "autopay_card_changed"
    AUTOPAY_CARD_GONE = "autopay_card_gone"
    AUTOPAY_NOTICED = "autopay_noticed"
    AUTOPAY_CHARGING = "autopay_charging"
    AUTOPAY_DECLINED = "autopay_declined"
    AUTOPAY_CALLED_OFF = "autopay_called_off"
    AUTOPAY_STOPPED = "autopay_stopped"
    POINTS_AWARDED = "points_awarded"
    POINTS_TAKEN_BACK = "points_taken_back"
    LETTER_ASKED = "letter_asked"
    LETTER_ISSUED = "letter_issued"
    LETTER_WAITS_FOR_PERSON = "letter_waits_for_person"
    LETTER_SENT_BY_HAND = "letter_sent_by_hand"
    LETTER_BATCH_ASKED = "letter_batch_asked"
    LETTER_BATCH_BEGUN = "letter_batch_begun"
    LETTER_BATCH_PAUSED = "letter_batch_paused"
    LETTER_BATCH_GOES_ON = "letter_batch_goes_on"
    LETTER_BATCH_CALLED_OFF = "letter_batch_called_off"
    LETTER_BATCH_DONE = "letter_batch_done"
    MESSAGE_WRITTEN = "message_written"
    CONTACT_CHANGE_ASKED = "contact_change_asked"
    CONTACT_CHANGE_WITH_STAFF = "contact_change_with_staff"
    CONTACT_CHANGE_ENDED = "contact_change_ended"
    CONTACT_CHANGED = "contact_changed"
    CONTACT_CHANGE_UNDONE = "contact_change_undone"
    CONTACT_SAID_WRONG = "contact_said_wrong"
    CONTACT_SAID_WRONG_UNDONE = "contact_said_wrong_undone"
    CONTACT_SAID_WRONG_DECIDED = "contact_said_wrong_decided"
    DEVICE_ENDED = "device_ended"
    SESSIONS_ENDED = "sessions_ended"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_NAMED = "passkey_named"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_REFUSED = "passkey_refused"
    ZONE_CHOSEN = "zone_chosen"
    OWN_DATA_TAKEN = "own_data_taken"
    PACKAGE_TAKEN = "package_taken"
    REQUEST_OPENED = "request_opened"
    REQUEST_TAKEN = "request_taken"
    REQUEST_ANSWERED = "request_answered"
    REQUEST_CLOSED = "request_closed"
    REQUEST_WITHDRAWN = "request_withdrawn"
    HOLD_STARTED = "hold_started"
    HOLD_ENDED = "hold_ended"
    OUTAGE_NOTED = "outage_noted"
    NEEDS_TOLD = "needs_told"
    NEEDS_TAKEN_BACK = "needs_taken_back"
    MESSAGE_NOT_WRITTEN = "message_not_written"
    MESSAGE_LET_THROUGH = "message_let_through"
    MESSAGE_HELD = "message_held"
    MESSAGE_SENT = "message_sent"
    MESSAGE_NOT_SENT = "message_not_sent"
    MESSAGE_ARRIVED = "message_arrived"
    MESSAGE_BOUNCED = "message_bounced"
    MESSAGES_CHOSEN = "messages_chosen"
    STAFF_LOOKED = "staff_looked"
    STAFF_SEARCHED = "staff_searched"
    NOTE_WRITTEN = "note_written"
    NOTE_TAKEN_BACK = "note_taken_back"
    CALL_NOTED = "call_noted"
    LINK_SENT = "link_sent"
    REQUEST_HANDED_OVER = "request_handed_over"
    OFFER_GRANTED = "offer_granted"
    COLLEAGUE_ASKED = "colleague_asked"
    COLLEAGUE_ANSWERED = "colleague_answered"
    CONSENT_GIVEN = "consent_given"
    CONSENT_ENDED = "consent_ended"
    STAFF_INVITED = "staff_invited"
    STAFF_JOINED = "staff_joined"
    STAFF_ROLES_CHANGED = "staff_roles_changed"
    STAFF_ENDED = "staff_ended"
    STAFF_LANGUAGE_CHOSEN = "staff_language_chosen"
    STAFF_PASSWORD_CHOSEN = "staff_password_chosen"  # noqa: S105 - the name of an act
    STAFF_PASSKEY_ADDED = "staff_passkey_added"
    STAFF_PASSKEY_REMOVED = "staff_passkey_removed"
    STAFF_SIGNED_IN = "staff_signed_in"
    STAFF_SIGN_IN_REFUSED = "staff_sign_in_refused"
    STAFF_SESSION_ENDED = "staff_session_ended"
    STAFF_RECOVERY_ASKED = "staff_recovery_asked"
    STAFF_VOUCHED = "staff_vouched"
    STAFF_RECOVERY_REFUSED = "staff_recovery_refused"
    STAFF_RECOVERED = "staff_recovered"
    RECORDS_ERASED = "records_erased"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a debtor, a lender's staff or system, Stripe, or the portal itself."""

    kind: str
    id: str


PORTAL = Actor(kind="portal", id="portal")
STRIPE = Actor(kind="stripe", id="stripe")
OPERATOR = Actor(kind="operator", id="command line")


# Made once: `json.dumps` makes one for each text.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def canonical(value: Mapping[str, object]) -> str:
    """Give the one text of a record: keys sorted, no spaces, money and ids as strings."""
    return _CANONICAL.encode(value)


def leaf(*, entry: str, salt: str) -> str:
    """Give the salted SHA-256 of a record, hexadecimal; without the salt nobody can guess what is behind it.

    The prefix byte is that of a leaf in RFC 9162, section 2.1.1.
    """
    return hashlib.sha256(b"\x00" + bytes.fromhex(salt) + entry.encode()).hexdigest()


def record(
    act: Act,
    *,
    by: Actor,
    lender_id: uuid.UUID,
    debtor_id: uuid.UUID | None = None,
    debt_id: uuid.UUID | None = None,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Write one record into the running transaction."""
    at = clock.now()
    record_id = new_id()
    entry = _entry(
        act,
        at=at.isoformat(),
        by=by,
        lender=str(lender_id),
        debtor=None if debtor_id is None else str(debtor_id),
        debt=None if debt_id is None else str(debt_id),
        facts=facts or {},
        record_id=str(record_id),
    )
    salt = secrets.token_hex(16)
    session.add(
        EvidenceRecord(
            lender_id=lender_id,
            id=record_id,
            at=at,
            act=act.value,
            actor_kind=by.kind,
            actor_id=by.id,
            debtor_id=debtor_id,
            debt_id=debt_id,
            entry=entry,
            salt=salt,
            hash=leaf(entry=entry, salt=salt),
        )
    )


def _entry(
    act: Act,
    *,
    at: str,
    by: Actor,
    lender: str,
    debtor: str | None,
    debt: str | None,
    facts: Mapping[str, object],
    record_id: str,
) -> str:
    return canonical(
        {
            "act": act.value,
            "at": at,
            "by": {"kind": by.kind, "id": by.id},
            "debt": debt,
            "debtor": debtor,
            "facts": dict(facts),
            "id": record_id,
            "lender": lender,
        }
    )


@dataclass(frozen=True, slots=True)
class Happened:
    """One of many records: an act with its facts, and whom and which debt it is about, by hexadecimal ids."""

    act: Act
    debtor: str
    debt: str
    facts: Mapping[str, object]


def record_many(happened: Sequence[Happened], *, by: Actor, lender_id: uuid.UUID) -> None:
    """Write many records into the running transaction, in their order, as `record` writes each."""
    at, lender = clock.now(), str(lender_id)
    ids, salts = new_ids(len(happened)), [secrets.token_hex(16) for _each in happened]
    entries = [
        _entry(
            each.act,
            at=at.isoformat(),
            by=by,
            lender=lender,
            debtor=dashed(each.debtor),
            debt=dashed(each.debt),
            facts=each.facts,
            record_id=dashed(id_),
        )
        for each, id_ in zip(happened, ids, strict=True)
    ]
    insert_columns(
        table_of(EvidenceRecord),
        {
            "lender_id": Same(lender_id.hex),
            "id": ids,
            "at": Same(at),
            "act": [each.act.value for each in happened],
            "actor_kind": Same(by.kind),
            "actor_id": Same(by.id),
            "debtor_id": [each.debtor for each in happened],
            "debt_id": [each.debt for each in happened],
            "entry": entries,
            "salt": salts,
            "hash": [leaf(entry=entry, salt=salt) for entry, salt in zip(entries, salts, strict=True)],
        },
    )

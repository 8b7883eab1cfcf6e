"""Take a package along: it is made, and who took it, of which debt, why and with which fingerprint is on record.

Invariant: no package leaves without its record; the record is written when the file is whole, and before it is sent.
"""

from __future__ import annotations

import uuid

from sqlalchemy import select

from portal.db import session, transaction
from portal.debts.models import Debt
from portal.evidence import log
from portal.evidence.record import Act, Actor, record
from portal.lenders.models import Lender, LenderCard
from portal.package import building
from portal.package.building import Made
from portal.package.contents import Wanted


class NotSignedYet(Exception):
    """The lender's log has not been signed yet, or can't be; nothing was made."""


def debt_of(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, reference: str) -> Debt | None:
    """Give somebody's debt by its reference, also one that the lender took back; None if it is not theirs."""
    return session.scalars(
        select(Debt).where(
            Debt.lender_id == lender_id,
            Debt.debtor_id == debtor_id,
            Debt.reference == reference,
            Debt.state != "staged",
        )
    ).one_or_none()


def take(
    debt: Debt,
    *,
    lender: LenderCard,
    log_address: str,
    by: Actor,
    own: bool,
    name: str | None = None,
    reason: str | None = None,
) -> Made:
    """Make the package of a debt, and write down who took it. `own`: the debtor, without names of the lender's people.

    :raises NotSignedYet: if the log has no signed checkpoint, or its key can't be opened.
    """
    signed, key = log.newest(lender.id), log.key_of(lender.id)
    if signed is None or key is None:
        raise NotSignedYet
    legal_name = session.get_one(Lender, lender.id).legal_name
    debt_id, debtor_id, reference = debt.id, debt.debtor_id, debt.reference
    try:
        made = building.make(Wanted(lender, legal_name, debt, signed, key, log_address, own))
    except LookupError as problem:
        raise NotSignedYet from problem
    facts: dict[str, object] = {"debt": reference, "sha256": made.sha256, "bytes": made.size, "log": signed.size}
    said = {"name": name, "reason": reason}
    try:
        with transaction():
            record(
                Act.PACKAGE_TAKEN,
                by=by,
                lender_id=lender.id,
                debtor_id=debtor_id,
                debt_id=debt_id,
                facts=facts | {key: value for key, value in said.items() if value},
            )
    except BaseException:
        made.file.close()
        raise
    return made

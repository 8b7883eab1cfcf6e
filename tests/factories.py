"""Rows for tests, written through the portal's own acts; each function has defaults and a plain name.

What comes back is detached from the session: it says what was written, and never changes by itself. Every factory may
be called inside a transaction or outside of one.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

import portal.db
from portal import clock, ledger
from portal.db import new_id, transaction
from portal.debts.models import Debt, ImportRun, key_of
from portal.debts.statement import Standing, debt_of
from portal.ledger import Account
from portal.lenders import settings
from portal.lenders.models import Lender
from portal.money import Money
from portal.people import found_by, sign_in
from portal.people.models import ContactPoint, Debtor
from portal.plans import negotiate
from portal.plans.models import LimitsVersion

ROOT = Path(__file__).resolve().parents[1]
STANDARD_LIMITS = (ROOT / "limits" / "standard.toml").read_text("utf-8")
# What a debt has that may be paid in every way.
EVERY_WAY = "Farm loan"
_MAY_CHANGE = """[card.new_plans]
most_in_12_months = 3
most_in_all = 6
days_after_a_break = 0

[card.changes]
move_days = 10
moves_in_12_months = 2
pay_day_changes_in_12_months = 2
skips_in_12_months = 1

[card.keeping]"""
LIMITS_WITH_EVERY_WAY = STANDARD_LIMITS.replace("[card.keeping]", _MAY_CHANGE).replace(
    "[[card]]",
    f"""[[card]]
name = "Every way"
frequencies = ["weekly", "fortnightly", "monthly", "seasonal"]
seasonal_months = [9, 10]
first_payment_within_days = 366
accept_alone_up_to_months = 36
offer_valid_days = 14
step_up_after_months = 6

[card.when]
products = ["{EVERY_WAY}"]

[card.least_payment]
amount = 10
percent_of_balance = 0
hardship_amount = 5

[card.longest_term_months]
standard = 36
hardship = 84

[card.interest]
policy = "frozen"

[card.down_payment]
least_percent = 10

[card.discount]
most_instalments = 6

[[card.discount.bands]]
days_late_from = 0
lump_percent = 30
staged_percent = 20

[card.discount.ceilings]
penalty = 100
fees = 100
interest = 100
principal = 40

[card.holiday]
most_months_in_12 = 3
most_months_running = 2
payments_between = 3
interest = "frozen"
keeps = "instalment"

[card.reduced_payment]
most_months = 6
least_percent = 25

[card.token]
amount = 1
review_after_months = 6

{_MAY_CHANGE}
grace_days = 5
tolerance = 1
cure_days = 30

[card.affordability]
keep_back_percent = 10
round_down_to = 1
model = "guidelines"

[card.decide]
alone_up_to_discount_percent = 20
person_up_to_discount_percent = 50


[[card]]""",
    1,
)
# The same with caps for the lender's people on the usual card: agents go to 40 months alone, those above them to 60.
LIMITS_WITH_CAPS = (
    LIMITS_WITH_EVERY_WAY.rstrip("\n")
    + """

[card.decide]
person_up_to_months = 60

[card.agents]
most_discount_percent = 20
longest_months = 40
"""
)
# The standard limits, and on every card what somebody may change of a plan.
LIMITS_WITH_CHANGES = STANDARD_LIMITS.replace('policy = "frozen"', 'policy = "contract"').replace(
    "[card.keeping]",
    """[card.holiday]
most_months_in_12 = 3
most_months_running = 2
payments_between = 3
interest = "simple"
keeps = "instalment"

[card.reduced_payment]
most_months = 3
least_percent = 25

"""
    + _MAY_CHANGE,
)
BORN_ON = date(1988, 7, 21)
_numbers = itertools.count(1)


@contextmanager
def _act() -> Iterator[Session]:
    """Work in the transaction that is open, or in one of our own."""
    if portal.db._writing.get():
        yield portal.db.session()
    else:
        with transaction() as session:
            yield session


def _let_go(row: Any) -> Any:
    portal.db.session.flush()
    portal.db.session.expunge(row)
    return row


def a_lender(*, slug: str | None = None, limits: str | None = STANDARD_LIMITS, **values: Any) -> Lender:
    """A lender with limits in force and keys for the stand-in; `limits=None` for one without."""
    number = next(_numbers)
    columns: dict[str, Any] = {
        "slug": slug or f"lender-{number}",
        "name": f"Lender {number}",
        "legal_name": f"Lender {number} Limited (made up)",
        "address": ["1 Example Street", "Example Town"],
        "licence": "Made up, no licence",
        "phone": "+1 555 0100",
        "email": f"help@lender-{number}.example",
        "website": f"https://lender-{number}.example",
        "jurisdiction": "US",
        "currency": "USD",
        "zone": "America/New_York",
        "languages": ["en", "zh-Hans"],
        "stripe_secret_key": f"sk_test_madeup{number}",
        "stripe_webhook_secret": None,
        "made_up": True,
    }
    with _act():
        lender = settings.add(values=columns | values)
        if limits is not None:
            negotiate.load_limits(limits, lender_id=lender.id, currency=lender.currency)
        return _let_go(lender)


def some_limits(text: str = STANDARD_LIMITS, *, lender: Lender) -> LimitsVersion:
    """A further version of a lender's limits, which starts a day later than the first."""
    text = text.replace("effective_from = 2026-01-01", "effective_from = 2026-01-02")
    with _act():
        return _let_go(negotiate.load_limits(text, lender_id=lender.id, currency=lender.currency))


def a_debtor(
    *,
    lender: Lender,
    name: str = "Robin Example (made up)",
    born_on: date | None = BORN_ON,
    email: str | None = "robin@example.com",
    phone: str | None = None,
    language: str = "en",
    zone: str | None = None,
) -> Debtor:
    """A person who can get a one-time code by e-mail (or SMS, with `phone`)."""
    now = clock.now()
    debtor = Debtor(
        lender_id=lender.id,
        id=new_id(),
        person_key=f"person-{next(_numbers)}",
        name=name,
        born_on=born_on,
        language=language,
        zone=zone or lender.zone,
        created_at=now,
    )
    with _act() as session:
        session.add(debtor)
        session.flush()
        for channel, address in (("email", email), ("sms", phone)):
            if address:
                session.add(
                    ContactPoint(
                        lender_id=lender.id, debtor_id=debtor.id, channel=channel, address=address, created_at=now
                    )
                )
        found_by.add_names([(debtor.id.hex, name)], lender_id=lender.id, known=set())
        reached = [(debtor.id.hex, channel, at) for channel, at in (("email", email), ("sms", phone)) if at]
        found_by.add_addresses(reached, lender_id=lender.id)
        return _let_go(debtor)


def a_debt(
    owed: str = "900.00",
    *,
    lender: Lender | None = None,
    debtor: Debtor | None = None,
    interest: str = "0",
    penalty: str = "0",
    fees: str = "0",
    costs: str = "0",
    annual_rate: str = "18",
    reference: str | None = None,
    product: str = "card",
    creditor: str | None = None,
    days_late: int = 95,
    state: str = "open",
) -> Standing:
    """A debt in the books: `owed` is its principal, other parts come on top; with a lender and a person of its own."""
    number = next(_numbers)
    today = clock.today((lender or debtor).zone) if lender or debtor else clock.now().date()
    with _act() as session:
        lender = lender or (session.get_one(Lender, debtor.lender_id) if debtor else a_lender())
        debtor = debtor or a_debtor(lender=lender)
        run = ImportRun(
            lender_id=lender.id,
            id=new_id(),
            file_name="by a test",
            file_sha256="0" * 64,
            as_of=today,
            state="live",
            rows_read=1,
            accepted=1,
            added=1,
            started_at=clock.now(),
            touched_at=clock.now(),
            finished_at=clock.now(),
        )
        session.add(run)
        session.flush()
        parts = {
            account: Money.of(amount, lender.currency).minor
            for account, amount in {
                Account.PRINCIPAL: owed,
                Account.INTEREST: interest,
                Account.PENALTY: penalty,
                Account.FEES: fees,
                Account.COSTS: costs,
            }.items()
        }
        debt = Debt(
            lender_id=lender.id,
            id=new_id(),
            debtor_id=debtor.id,
            reference=(name := reference or f"D-{number:05}"),
            reference_key=key_of(name),
            state=state,
            product=product,
            creditor=creditor,
            currency=lender.currency,
            original_minor=parts[Account.PRINCIPAL],
            annual_rate_ppm=int(Decimal(annual_rate) * 10_000),
            opened_on=today - timedelta(days=700),
            late_since=today - timedelta(days=days_late) if days_late else None,
            as_of=today,
            attributes={},
            import_run_id=run.id,
            line=1,
            created_at=clock.now(),
        )
        ledger.open_books(
            lender_id=lender.id,
            debts=[debt.id.hex],
            currencies=[lender.currency],
            parts={account: [minor] for account, minor in parts.items()},
            on=today,
        )
        session.add(debt)
        session.flush()
        lender_id, debtor_id = lender.id, debtor.id
        found = debt_of(lender_id=lender_id, debtor_id=debtor_id, reference=name) if state == "open" else None
    return found or _standing(debt)


def _standing(debt: Debt) -> Standing:
    """Give a debt that the portal itself wouldn't show."""
    book = portal.db.session.get_one(ledger.Book, (debt.lender_id, debt.id))
    return Standing(
        id=debt.id,
        lender_id=debt.lender_id,
        debtor_id=debt.debtor_id,
        reference=debt.reference,
        product=debt.product,
        creditor=debt.creditor,
        original=None,
        annual_rate=Decimal(debt.annual_rate_ppm) / 10_000,
        opened_on=debt.opened_on,
        late_since=debt.late_since,
        as_of=debt.as_of,
        parts={account: book.standing(account) for account in ledger.OWED},
        credit=book.credit,
    )


def some_credit(debt: Standing, amount: str) -> None:
    """Money that the owner of a debt has with us, as where a file says that too much was paid."""
    figures = {account: part.minor for account, part in debt.parts.items()}
    with _act():
        ledger.restate(
            lender_id=debt.lender_id,
            figures=[
                ledger.Figures(
                    debt_id=debt.id,
                    currency=debt.owed.currency,
                    parts=figures | {Account.CREDIT: Money.of(amount, debt.owed.currency).minor},
                )
            ],
            cause=f"by-a-test-{next(_numbers)}",
            on=debt.as_of,
        )


def an_invitation(*, lender_id: uuid.UUID, debtor_id: uuid.UUID, key: str) -> str:
    """A link for a person; gives the token, which stands in the address `/i/<token>`."""
    with _act():
        return sign_in.invite(lender_id=lender_id, debtor_id=debtor_id, key=key)

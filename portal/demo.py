"""A lender that doesn't exist, with debts that nobody owes: generated, so that anybody can try the portal.

Balances and rates are spread as in public files of real consumer loans (OpenIntro and LendingClub, 2018): quartiles of
about 7,800, 13,400 and 21,500 with a few small ones, contract rates from 6.72 to 23.88 percent, late charges from 15 to
45. Lateness runs from 8 to 400 days. Names and addresses say that they are made up.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from portal import clock
from portal.db import session, transaction
from portal.debts import intake
from portal.debts.mapping_file import parse_mapping
from portal.debts.models import Debt
from portal.evidence.record import OPERATOR
from portal.lenders import accounts
from portal.lenders import settings as lenders
from portal.lenders.models import Lender
from portal.letters import certificates, seals
from portal.people import sign_in
from portal.people.models import Debtor
from portal.plans import negotiate
from portal.staff import members, passwords
from portal.staff.roles import Role

SLUG = "linden"
STAND_IN_KEY = "sk_test_standin_linden"
HOW_MANY = 240

_BALANCES = ((0.05, 280), (0.10, 1_450), (0.25, 4_450), (0.50, 7_840), (0.75, 13_390), (0.90, 21_490), (1.0, 33_600))
_RATES = ("6.72", "9.43", "11.99", "13.67", "16.02", "20.39", "23.88")
_PRODUCTS = ("Personal loan", "Credit card", "Car loan", "Home improvement loan")
_GIVEN = (
    "Ada",
    "Ben",
    "Carla",
    "Dev",
    "Elena",
    "Farid",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Liam",
    "Mona",
    "Noor",
)
_FAMILY = ("Example", "Madeup", "Sample", "Specimen", "Nobody", "Invented")
_CHINESE = ("示例", "样本", "虚构")
_CHINESE_FAMILY = ("陈", "林", "王", "李", "周")
HEADER = [
    "account",
    "person",
    "name",
    "born",
    "email",
    "phone",
    "language",
    "product",
    "currency",
    "opened",
    "late_since",
    "original",
    "principal",
    "interest",
    "late_charges",
    "fees",
    "rate",
]
MAPPING = """
currency = { column = "currency" }
date_format = "%Y-%m-%d"
rounding = "exact"
person = ["person"]
[fields]
reference = { column = "account" }
name = { column = "name" }
born_on = { column = "born" }
email = { column = "email" }
phone = { column = "phone" }
language = { column = "language" }
product = { column = "product" }
original = { column = "original" }
principal = { column = "principal" }
interest = { column = "interest" }
penalty = { column = "late_charges" }
fees = { column = "fees" }
opened_on = { column = "opened" }
late_since = { column = "late_since" }
annual_rate = { column = "rate" }
"""
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to sign in as one made-up person."""

    name: str
    reference: str
    date_of_birth: str
    invite_url: str


def rows(*, today: date, how_many: int = HOW_MANY) -> list[list[str]]:
    """Make the rows of a portfolio; the same day gives the same rows. Amounts are in major units.

    The first four people are those whose sign-ins are printed: two who read English and two who read Chinese.
    """
    dice = random.Random(20261122)  # noqa: S311 - a fixed seed, so that everybody sees the same people
    made: list[list[str]] = []
    person = 0
    while len(made) < how_many:
        person += 1
        chinese = person in (2, 4) or (person > 4 and person % 5 == 0)
        name = (
            f"{dice.choice(_CHINESE_FAMILY)}{_CHINESE[person % 3]}{person}"
            if chinese
            else f"{_GIVEN[person % len(_GIVEN)]} {dice.choice(_FAMILY)} {person}"
        )
        born = date(1960 + dice.randrange(42), 1 + dice.randrange(12), 1 + dice.randrange(28))
        for _debt in range(2 if person in (3, 4) or person % 7 == 0 else 1):
            made.append(_row(dice, len(made) + 1, person, name, born, chinese=chinese, today=today))
    return made[:how_many]


def _row(
    dice: random.Random, number: int, person: int, name: str, born: date, *, chinese: bool, today: date
) -> list[str]:
    share = dice.random()
    below, bound = 120, 0
    for part, bound in _BALANCES:
        if share <= part:
            break
        below = bound
    cents = dice.randrange(below * 100, bound * 100)
    if number == 1:
        # The first person's debt is small and late enough for every kind of answer.
        cents = 148_250
    late = dice.choice((8, 12, 21, 28, 45, 75, 110, 150, 210, 400)) if number > 1 else 97
    interest = cents * dice.randrange(0, 60) // 1_000
    penalty = dice.choice((0, 0, 1_500, 1_992, 3_000, 4_512))
    fees = dice.choice((0, 0, 0, 2_500))
    return [
        f"LN-{100_000 + number * 37}",
        f"person-{person}",
        name,
        born.isoformat(),
        f"person{person}@example.com",
        f"+1 555 01{person % 100:02d}",
        "zh-CN" if chinese else "en",
        dice.choice(_PRODUCTS),
        "USD",
        (today - timedelta(days=late + dice.randrange(200, 1_200))).isoformat(),
        (today - timedelta(days=late)).isoformat(),
        _major(cents + cents // 3),
        _major(cents),
        _major(interest),
        _major(penalty),
        _major(fees),
        dice.choice(_RATES),
    ]


def _major(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def fill(*, folder: Path, limits: Path) -> None:
    """Add the made-up lender, its limits and its portfolio, through the same doors as a real one."""
    folder.mkdir(parents=True, exist_ok=True)
    with transaction():
        lender = lenders.add(
            values={
                "slug": SLUG,
                "name": "Linden Savings (made up)",
                "legal_name": "Linden Savings Example Company",
                "address": ["1 Example Street", "Springfield", "United States"],
                "licence": "EXAMPLE-0001",
                "phone": "+1 555 0100",
                "email": "help@linden.example",
                "website": "https://linden.example",
                "jurisdiction": "US",
                "currency": "USD",
                "zone": "America/New_York",
                "languages": ["en", "zh-Hans"],
                "stripe_secret_key": STAND_IN_KEY,
                "made_up": True,
            }
        )
        negotiate.load_limits(limits.read_text(encoding="utf-8"), lender_id=lender.id, currency=lender.currency)
        seals.set_seal(lender, certificates.made_for(lender.legal_name, now=clock.now()), by=OPERATOR)
        accounts.put(
            lender,
            number="0000123456",
            holder=lender.legal_name,
            bank="Example Bank (made up)",
            bic="",
            currency=lender.currency,
            kind="bank",
            show=True,
            by=OPERATOR,
        )
    lender = lenders.by_slug(SLUG)
    today = clock.today(lender.zone)
    file = folder / "made-up-portfolio.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        writer.writerows(rows(today=today))
    intake.bring_in(
        file, lender=lender, mapping=parse_mapping(MAPPING), as_of=today, report=folder / "made-up-portfolio-report.csv"
    )


@dataclass(frozen=True, slots=True)
class StaffSignIn:
    """How to sign in as one made-up member of the staff."""

    role: str
    email: str
    password: str
    totp_secret: str


def staff(*, key: str) -> tuple[StaffSignIn, ...]:
    """Make one member of the staff for each role, unless there is one, and say how to sign in as each.

    Passwords and secrets come from the installation's key, so that they can be said again.
    """
    lender_id = lenders.by_slug(SLUG).id
    found = []
    for role in Role:
        made_from = hmac.new(key.encode(), f"made-up staff: {role}".encode(), hashlib.sha256).digest()
        one = StaffSignIn(
            role=role.value,
            email=f"{role.value.replace('_', '-')}@staff.example",
            password=f"demo-{made_from[:8].hex()}",
            totp_secret=base64.b32encode(made_from[12:32]).decode(),
        )
        found.append(one)
        if members.find(lender_id=lender_id, email=one.email) is not None:
            continue
        # Outside of the transaction: hashing takes long.
        password_hash = passwords.hashed(one.password)
        with transaction():
            members.open_made_up(
                lender_id=lender_id,
                email=one.email,
                name=f"{role.value.replace('_', ' ').capitalize()} (made up)",
                role=role,
                password_hash=password_hash,
                secret=one.totp_secret,
                key=key,
            )
    return tuple(found)


def sign_ins(*, base_url: str, key: str) -> tuple[SignIn, ...]:
    """Make fresh links for the first made-up people, and say how to sign in as each."""
    lender: Lender = lenders.by_slug(SLUG)
    lender_id = lender.id
    people = session.execute(
        select(Debtor.id, Debtor.name, Debtor.born_on, Debt.reference)
        .join(Debt, (Debt.lender_id == Debtor.lender_id) & (Debt.debtor_id == Debtor.id))
        .where(Debtor.lender_id == lender_id, Debtor.person_key.in_([f"person-{n}" for n in range(1, _SHOWN + 1)]))
        .order_by(Debt.reference)
    ).all()
    first = {row.id: row for row in reversed(people)}
    made = []
    with transaction():
        for row in sorted(first.values(), key=lambda row: row.reference):
            token = sign_in.invite(lender_id=lender_id, debtor_id=row.id, key=key)
            made.append(
                SignIn(
                    name=row.name,
                    reference=row.reference,
                    date_of_birth=row.born_on.isoformat() if row.born_on else "",
                    invite_url=f"{base_url}/i/{token}",
                )
            )
    return tuple(made)

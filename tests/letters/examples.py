"""Made-up letters of each kind, and a Jinja environment that writes them in each language."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import jinja2
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from portal.letters.caring_contents import (
    BreathingSpace,
    CameOrWent,
    CreditCorrection,
    CreditStatus,
    DatedPayment,
    Deferral,
    Deferred,
    DisputeAcknowledgement,
    Disputed,
    DuringPause,
    Fault,
    GoodwillStatement,
    GrantedPause,
    KeptSince,
    PlanKept,
    PlanOutcome,
    RecordKept,
    ReplyBy,
    Reported,
    Stop,
)
from portal.letters.contents import (
    Adviser,
    Amounts,
    Component,
    Details,
    Entry,
    Frequency,
    Help,
    Instalment,
    InterestTerms,
    Letter,
    Method,
    Party,
    PaymentReceipt,
    PlanAgreement,
    PlanItemPaid,
    Statement,
    StatementLine,
    Told,
    Treatment,
)
from portal.letters.credit_records import table
from portal.letters.ending_contents import (
    Because,
    PaidInFull,
    PaidOn,
    PlanEnded,
    SettlementOffer,
    SettlementSatisfied,
)
from portal.money import Money, level, split
from portal.web import formats

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en", "zh_Hans")
NOW = datetime(2026, 11, 22, 9, 30, 12, tzinfo=UTC)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def amounts(
    principal: str = "0",
    interest: str = "0",
    penalty: str = "0",
    fees: str = "0",
    costs: str = "0",
    currency: str = "USD",
) -> Amounts:
    given = {"principal": principal, "interest": interest, "penalty": penalty, "fees": fees, "costs": costs}
    return Amounts(**{part: Money.of(amount, currency) for part, amount in given.items()})


def the_lender(**changes: Any) -> Party:
    given: dict[str, Any] = {
        "name": "Harbour Lending",
        "legal_name": "Harbour Lending (Made-up) Ltd",
        "address": ("14 Example Quay", "Springfield, EX 01234"),
        "licence": "EX-0001-2020",
        "phone": "+1 555 0100",
        "email": "help@harbour.example",
        "website": "https://harbour.example",
    }
    return Party(**{**given, **changes})


def a_letter(details: Details, **changes: Any) -> Letter:
    given: dict[str, Any] = {
        "number": "LT-7K3M-2Q9P",
        "issued_at": NOW,
        "as_at": NOW - timedelta(seconds=4),
        "zone": "America/New_York",
        "language": "en",
        "languages": ("English", "简体中文"),
        "lender": the_lender(),
        "help": Help(
            website="https://pay.harbour.example",
            phone="+1 555 0100",
            query_days=15,
            complaint_days=15,
            advice=(
                Adviser(name="Example Debt Advice (made-up)", phone="+1 555 0199", website="https://advice.example"),
            ),
        ),
        "debtor_name": "Ana María Núñez O’Brien",
        "debt_reference": "D-4821-KQ7",
        "masked_account": "•••• 4821",
        "details": details,
    }
    return Letter(**{**given, **changes})


def instalments(sums: tuple[Money, ...], first: date = date(2026, 12, 10)) -> tuple[Instalment, ...]:
    left = sum(sums[1:], sums[0])
    made = []
    for number, amount in enumerate(sums, start=1):
        left = left - amount
        months = first.month - 1 + number - 1
        due = date(first.year + months // 12, months % 12 + 1, first.day)
        made.append(Instalment(number=number, due=due, amount=amount, left=left))
    return tuple(made)


def a_plan(payments: int = 24, balance: Amounts | None = None, **changes: Any) -> PlanAgreement:
    balance = balance or amounts("3240.00", "310.17", "25.00", "24.83")
    given: dict[str, Any] = {
        "plan_reference": "P-93TF-05",
        "quote_number": "Q-5H2C-81",
        "rules_version": "2026-11-01/3",
        "agreed_at": NOW - timedelta(seconds=9),
        "balance_on": date(2026, 11, 22),
        "balance": balance,
        "frequency": Frequency.MONTHLY,
        "instalments": instalments(level(balance.total, payments)),
        "interest": InterestTerms(
            treatment=Treatment.FROZEN, added=Money.zero(balance.total.currency), rate_after=Decimal("18.25")
        ),
        "fee": Money.zero(balance.total.currency),
        "grace_days": 5,
        "tolerance": Money(100, balance.total.currency),
        "cure_days": 30,
        "allocation_order": tuple(Component),
    }
    return PlanAgreement(**{**given, **changes})


def a_plan_with_interest() -> PlanAgreement:
    balance = amounts("4800.00", "200.00")
    return a_plan(
        balance=balance,
        instalments=instalments(tuple(usd("250.00") for _ in range(22)) + (usd("106.76"),)),
        interest=InterestTerms(
            treatment=Treatment.CONTINUES,
            added=usd("606.76"),
            rate=Decimal("12"),
            rate_after=Decimal("12"),
            day_count="ACT/365F",
        ),
        bureaus=("Example Bureau (made-up)",),
        told=(
            Told(title=None, lines=("Number of payments\t23", "You pay in all\t$5,606.76")),
            Told(title="The rate in a year", lines=("11.97% a year (APR).",)),
        ),
    )


def a_receipt(**changes: Any) -> PaymentReceipt:
    given: dict[str, Any] = {
        "payment_reference": "PY-8W2K-4D",
        "method": Method.CARD,
        "method_detail": "Visa •••• 4242",
        "amount": usd("150.00"),
        "received_at": NOW - timedelta(minutes=2),
        "cleared_at": NOW - timedelta(minutes=1),
        "balance_before": amounts("3240.00", "310.17", "25.00", "24.83"),
        "allocation": amounts("0", "100.17", "25.00", "24.83"),
        "balance_after": amounts("3240.00", "210.00"),
        "to_credit": usd("0"),
        "credit_after": usd("0"),
        "plan_items": (
            PlanItemPaid(
                plan_reference="P-93TF-05",
                number=1,
                of=24,
                due=date(2026, 12, 10),
                applied=usd("150.00"),
                still_due=usd("0"),
            ),
        ),
    }
    return PaymentReceipt(**{**given, **changes})


def a_last_receipt() -> PaymentReceipt:
    return a_receipt(
        amount=usd("160.00"),
        balance_before=amounts("150.00"),
        allocation=amounts("150.00"),
        balance_after=amounts(),
        to_credit=usd("10.00"),
        credit_after=usd("10.00"),
    )


def a_statement(lines: int = 9, **changes: Any) -> Statement:
    kinds = (
        (Entry.OPENING, "3550.17"),
        (Entry.INTEREST, "44.50"),
        (Entry.PENALTY, "25.00"),
        (Entry.PAYMENT, "-150.00"),
        (Entry.FEE, "24.83"),
        (Entry.WAIVER, "-24.83"),
        (Entry.PAYMENT, "150.00"),
        (Entry.ADJUSTMENT, "-0.50"),
        (Entry.PAYMENT, "-200.00"),
    )
    since = date(2026, 1, 1)
    owed = usd("0")
    made = []
    for index in range(lines):
        entry, amount = kinds[index] if index < len(kinds) else (Entry.INTEREST, f"1{index % 10}.{index % 90 + 10}")
        owed = owed + usd(amount)
        made.append(
            StatementLine(
                on=since + timedelta(days=3 * index),
                entry=entry,
                reference=f"TX-{1000 + index}",
                amount=usd(amount),
                owed=owed,
            )
        )
    given: dict[str, Any] = {
        "since": since,
        "until": date(2026, 11, 21),
        "opening": amounts(),
        "opening_credit": usd("0"),
        "lines": tuple(made),
        "closing": amounts(f"{owed.amount:f}"),
        "closing_credit": usd("0"),
        "rate": Decimal("18.25"),
        "day_count": "ACT/365F",
        "next_due": Instalment(number=3, due=date(2026, 12, 10), amount=usd("150.00"), left=usd("3269.17")),
        "overdue": usd("42.00"),
    }
    return Statement(**{**given, **changes})


def a_chinese_letter(details: Details, **changes: Any) -> Letter:
    given: dict[str, Any] = {
        "language": "zh_Hans",
        "zone": "Asia/Shanghai",
        "debtor_name": "欧阳喆垚",
        "lender": the_lender(
            name="海港贷款",
            legal_name="海港小额贷款（虚构）有限公司",
            address=("示例市港湾路 14 号", "邮编 000000"),
            licence="示例金监许 0001 号",
            phone="400 000 0100",
        ),
        "help": Help(
            website="https://pay.harbour.example",
            phone="400 000 0100",
            query_days=20,
            complaint_days=15,
            advice=(Adviser(name="示例债务咨询（虚构）", phone="000 0000", website="https://advice.example"),),
        ),
        "brand_colour": "#0b6e4f",
    }
    return a_letter(details, **{**given, **changes})


def an_acknowledgement(**changes: Any) -> DisputeAcknowledgement:
    given: dict[str, Any] = {
        "request_number": "R-7K3M-2QXP-9T",
        "received_at": NOW - timedelta(seconds=20),
        "disputed": Disputed.AMOUNT,
        "of_all_debts": False,
        "stops": (Stop.REMINDERS, Stop.COLLECTION, Stop.AUTOPAY),
        "look_by": date(2026, 11, 23),
        "answer_by": date(2026, 12, 7),
        "reply_by": ReplyBy.EMAIL,
        "clock": "*/wrong_amount/2026-01-01",
        "owed": usd("3600.00"),
    }
    return DisputeAcknowledgement(**{**given, **changes})


def a_breathing_space(**changes: Any) -> BreathingSpace:
    given: dict[str, Any] = {
        "number": "BS-0001",
        "law": "Example Respite Act 2020 (made-up)",
        "since": date(2026, 11, 23),
        "until": date(2027, 1, 21),
        "review_on": date(2026, 12, 22),
        "owed": usd("3600.00"),
    }
    return BreathingSpace(**{**given, **changes})


def a_granted_pause(**changes: Any) -> GrantedPause:
    given: dict[str, Any] = {
        "request_number": "R-7K3M-2QXP-9T",
        "since": date(2026, 11, 22),
        "until": date(2026, 12, 21),
        "review_on": date(2026, 11, 27),
        "of_all_debts": True,
        "stops": (Stop.REMINDERS,),
        "interest": DuringPause.CONTINUES,
        "rate": Decimal("18.25"),
        "principal": usd("3240.00"),
        "cost": usd("48.60"),
        "owed": usd("3600.00"),
    }
    return GrantedPause(**{**given, **changes})


def dated(*payments: tuple[date, str]) -> tuple[DatedPayment, ...]:
    return tuple(DatedPayment(due=due, amount=usd(amount)) for due, amount in payments)


def a_deferral(**changes: Any) -> Deferral:
    first, second, third, fourth = (date(2026, month, 10) for month in (9, 10, 11, 12))
    given: dict[str, Any] = {
        "plan_reference": "P-93TF-05",
        "change": 2,
        "what": Deferred.SKIP,
        "agreed_at": NOW - timedelta(seconds=9),
        "before": dated((first, "100.00"), (second, "100.00"), (third, "100.00")),
        "after": dated((first, "100.00"), (third, "100.00"), (fourth, "101.25")),
        "cost": usd("1.25"),
        "take_back_until": NOW + timedelta(days=1),
    }
    return Deferral(**{**given, **changes})


def a_goodwill_statement(**changes: Any) -> GoodwillStatement:
    given: dict[str, Any] = {
        "known_since": date(2026, 1, 5),
        "owed_at_first": usd("1000.00"),
        "late_since": date(2025, 10, 10),
        "payments": (
            CameOrWent(on=date(2026, 3, 10), amount=usd("150.00")),
            CameOrWent(on=date(2026, 3, 12), amount=usd("-150.00")),
            CameOrWent(on=date(2026, 4, 10), amount=usd("300.00")),
        ),
        "paid": usd("300.00"),
        "let_off": usd("20.00"),
        "owed": usd("680.00"),
        "plans": (
            PlanKept(
                reference="P-93TF-05", agreed_on=date(2026, 2, 1), outcome=PlanOutcome.RUNNING, of=10, due=4, kept=3
            ),
        ),
        "record": RecordKept(jurisdiction="US", years=7, since=KeptSince.FIRST_LATE),
    }
    return GoodwillStatement(**{**given, **changes})


def a_credit_sheet(jurisdiction: str = "CN", **changes: Any) -> CreditStatus:
    rules = table().rules_for(jurisdiction, on=NOW.date())
    one_off = table().one_off_for(jurisdiction, on=NOW.date())
    currency = "CNY" if jurisdiction == "CN" else "USD"
    given: dict[str, Any] = {
        "jurisdiction": jurisdiction,
        "owed": Money.of("680.00", currency),
        "late_since": date(2025, 10, 10),
        "let_off": Money.zero(currency),
        "one_off": one_off,
    }
    if rules is not None:
        given |= {
            "rules_since": rules.effective_from,
            "record": rules.record,
            "objection_days": rules.objection_days,
            "complaint_days": rules.complaint_days,
            "free_reports_a_year": rules.free_reports_a_year,
            "report_at": rules.report_at,
        }
    return CreditStatus(**{**given, **changes})


def a_correction(**changes: Any) -> CreditCorrection:
    given: dict[str, Any] = {
        "bureau": "Example Bureau (made-up)",
        "reported": Reported.OWED,
        "fault": Fault.OUT_OF_DATE,
        "current": "$3,600.00",
        "correct": "$680.00",
        "discovered_on": date(2026, 11, 20),
        "owed": usd("680.00"),
        "answer_by": date(2026, 12, 22),
    }
    return CreditCorrection(**{**given, **changes})


def an_offer(**changes: Any) -> SettlementOffer:
    given: dict[str, Any] = {
        "quote_number": "Q-5H2C-81",
        "rules_version": "2026-11-01/3",
        "made_on": date(2026, 11, 22),
        "good_until": NOW + timedelta(days=14),
        "balance": amounts("3240.00", "310.17", "25.00", "24.83"),
        "waived": amounts("390.00", "160.17", "25.00", "24.83"),
        "interest": usd("0"),
        "instalments": (
            Instalment(number=1, due=date(2026, 12, 10), amount=usd("1500.00"), left=usd("1500.00")),
            Instalment(number=2, due=date(2027, 1, 10), amount=usd("1500.00"), left=usd("0"), waived=usd("600.00")),
        ),
        "void_on": date(2026, 12, 10),
        "told": (Told(title="Your credit record", lines=("Your lender reports it as paid for less.",)),),
    }
    return SettlementOffer(**{**given, **changes})


_OVER: dict[str, Any] = {
    "since": date(2026, 1, 1),
    "opening": amounts("3240.00", "310.17"),
    "added": amounts("0", "20.00"),
    "corrected": amounts("-40.00"),
    "settled_on": date(2026, 9, 10),
    "final_since": date(2026, 11, 10),
    "product": "Personal loan",
    "original": usd("5000.00"),
    "opened_on": date(2024, 2, 1),
}


def paid_in_full(**changes: Any) -> PaidInFull:
    given: dict[str, Any] = {
        **_OVER,
        "paid": amounts("3200.00", "330.17"),
        "payments": (
            PaidOn(on=date(2026, 8, 10), entry=Entry.PAYMENT, amount=usd("2000.00")),
            PaidOn(on=date(2026, 8, 12), entry=Entry.REFUND, amount=usd("-500.00")),
            PaidOn(on=date(2026, 9, 10), entry=Entry.CREDIT_USED, amount=usd("2030.17")),
        ),
        "let_off": usd("0"),
    }
    return PaidInFull(**{**given, **changes})


def satisfied(**changes: Any) -> SettlementSatisfied:
    given: dict[str, Any] = {
        **_OVER,
        "paid": amounts("2700.00", "300.00"),
        "waived": amounts("500.00", "30.17"),
        "payments": (
            PaidOn(on=date(2026, 8, 10), entry=Entry.PAYMENT, amount=usd("1500.00")),
            PaidOn(on=date(2026, 9, 10), entry=Entry.PAYMENT, amount=usd("1500.00")),
        ),
        "plan_reference": "P-93TF-05",
        "quote_number": "Q-5H2C-81",
        "agreed_at": NOW - timedelta(days=120),
        "told": (Told(title="Your credit record", lines=("Your lender reports it as paid for less.",)),),
    }
    return SettlementSatisfied(**{**given, **changes})


def an_ended_plan(**changes: Any) -> PlanEnded:
    given: dict[str, Any] = {
        "plan_reference": "P-93TF-05",
        "agreed_at": NOW - timedelta(days=200),
        "ended_at": NOW - timedelta(days=1),
        "because": Because.MISSING,
        "planned": usd("3000.00"),
        "paid": usd("450.00"),
        "owed": amounts("2840.00", "310.17"),
        "let_off": usd("0"),
        "not_let_off": usd("600.17"),
        "rate": Decimal("18.25"),
        "told": (Told(title="If you miss a payment", lines=("You owe $3,600.17 again, less what you have paid.",)),),
    }
    return PlanEnded(**{**given, **changes})


MAKERS: dict[str, Callable[[], Details]] = {
    "plan": a_plan,
    "plan-with-interest": a_plan_with_interest,
    "plan-of-60": lambda: a_plan(instalments=instalments(split(usd("3600.00"), 60))),
    "receipt": a_receipt,
    "last-receipt": a_last_receipt,
    "statement": a_statement,
    "settlement-offer": an_offer,
    "settlement-satisfied": satisfied,
    "paid-in-full": paid_in_full,
    "plan-ended": an_ended_plan,
    "statement-of-60": lambda: a_statement(lines=60),
    "acknowledgement": an_acknowledgement,
    "breathing-space": a_breathing_space,
    "granted-pause": a_granted_pause,
    "deferral": a_deferral,
    "goodwill": a_goodwill_statement,
    "credit-status": a_credit_sheet,
    "credit-correction": a_correction,
}


def a_letter_in(language: str, details: Details, **changes: Any) -> Letter:
    """A letter in any language of letters, to somebody whose name fits."""
    names = {"zh_Hant": "歐陽靜宜", "es": "Ana María Núñez", "pt_BR": "João da Conceição"}
    if language == "zh_Hans":
        return a_chinese_letter(details, **changes)
    given = {"language": language, "debtor_name": names.get(language[:7], "Ana María Núñez O’Brien")}
    return a_letter(details, **{**given, "languages": (), **changes})


def every_letter() -> dict[str, Letter]:
    """One letter of each maker in each language, by name."""
    return {
        f"{name}.{language}": (a_letter if language == "en" else a_chinese_letter)(maker())
        for name, maker in MAKERS.items()
        for language in LANGUAGES
    }


@cache
def catalogue(language: str) -> Catalog | None:
    if language == "en":
        return None
    for name in (language, language.partition("_")[0]):
        path = ROOT / "translations" / name / "LC_MESSAGES/messages.po"
        if path.exists():
            with path.open("rb") as file:
                return read_po(file, locale=name)
    raise LookupError(language)


class _Compiled(jinja2.BytecodeCache):
    """Templates as they were compiled for one language, for the others: compiling takes longest."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@cache
def environment(language: str) -> jinja2.Environment:
    """An environment as the portal has it: strict, escaping, with gettext and the four formats in one language."""
    words = catalogue(language)

    def gettext(message: str) -> str:
        found = words[message].string if words is not None and message in words else ""
        return str(found or message)

    def ngettext(one: str, many: str, count: int) -> str:
        found = words[(one, many)].string if words is not None and (one, many) in words else (one, many)
        return str(found[0] if count == 1 else found[-1])

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=_COMPILED,
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]

    for form in formats.FILTERS:
        made.filters[form.__name__] = partial(form, language=language)
    return made

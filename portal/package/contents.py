"""The files of a package, part by part, each given piece by piece as it is read: nothing is held whole but one letter.

Invariant: the same facts give the same files: rows stand in the order of their ids, and nothing says when it was made.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true

from portal.autopay.models import Autopay, AutopayCharge
from portal.banking.models import BankEntry
from portal.care.models import CareHold, CareRequest, Need
from portal.db import Model, session, table_of
from portal.debts.models import Debt, ImportRun
from portal.evidence import log
from portal.evidence.models import EvidenceRecord, LogCheckpoint
from portal.helpdesk.models import Consent, OfferDecision, PersonCall, PersonNote
from portal.ledger import OF_A_DEBT, Book, Posting, Transfer
from portal.lenders.models import LenderCard
from portal.letters import seals
from portal.letters.models import IssuedLetter, LetterByHand
from portal.package import words
from portal.package.naming import Naming
from portal.payments.models import CreditUse, Dispute, MoneyEffect, Payment, PaymentPart, Refund, SetAside
from portal.people.models import Invitation, OneTimeCode, Passkey, UserSession
from portal.plans.models import LimitsVersion, Plan, PlanChange, PlanCheck, PlanItem, Proposal, Quote
from portal.post.models import DeliveryWord, Message
from portal.timeline.words import what, who
from portal.web.spreadsheet import csv_text, safe_cell
from portal.you.my_data import plain_row, shown

_VERIFIER = Path(__file__).resolve().parents[2] / "tools" / "verify.py"
_READ_AT_ONCE = 100
# Why a colleague gave money back is how the lender decides; that it went back is in it.
_OF_THE_LENDER = frozenset({"reason", "decided_words", "foreseen", "asked_by", "decided_by"})
_OWED = tuple(account.value for account in OF_A_DEBT if account.value != "credit")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a package. `packed`: it is small already, as a PDF is."""

    path: str
    pieces: Iterator[bytes]
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which debt a package is about, for whom, and as of which checkpoint of the log.

    `key` is the log's public key, and `own` says that the debtor takes it.
    """

    lender: LenderCard
    legal_name: str
    debt: Debt
    signed: LogCheckpoint
    key: str
    log_address: str
    own: bool


class Contents:
    """The files of one package."""

    def __init__(self, wanted: Wanted) -> None:
        self._of = wanted
        self._lender, self._debt = wanted.lender.id, wanted.debt.id
        self._debtor = wanted.debt.debtor_id
        self._naming = Naming(lender_id=self._lender, debtor_id=self._debtor, hides=wanted.own)
        self._rows = 0

    def files(self) -> Iterator[File]:
        """Give all files in their order; each is read before the next is asked for."""
        for part, files in zip(words.parts(), self._parts(), strict=True):
            self._rows = 0
            yield from files
            counted = None if part.folder in ("13-certificate", "14-verify") else self._rows
            yield _text(f"{part.folder}/about.txt", words.about(part, rows=counted))

    def _parts(self) -> tuple[Iterator[File], ...]:
        return (
            self._log(),
            self._identity(),
            self._origin(),
            self._books(),
            self._messages(),
            self._calls(),
            self._agreement(),
            self._budgets(),
            self._letters(),
            self._payments(),
            self._care(),
            self._people(),
            self._certificate(),
            self._verify(),
        )

    # 1 to 3.

    def _records(self, *, proven: bool = False) -> Iterator[log.Placed]:
        about = and_(
            EvidenceRecord.debtor_id == self._debtor,
            or_(EvidenceRecord.debt_id == self._debt, EvidenceRecord.debt_id.is_(None)),
        )
        yield from log.placed(self._lender, about, size=self._of.signed.size, proven=proven)

    def _log(self) -> Iterator[File]:
        if self._of.own:
            yield _text("01-log/left-out.txt", words.left_out() + "\n")
        yield _text("01-log/checkpoint.txt", self._of.signed.note)
        yield _text("01-log/key.txt", self._of.key + "\n")
        yield from self._outside()
        yield File("01-log/records.jsonl", self._proofs())
        header = ("place", "at", "act", "what", "who", "record")
        yield File("01-log/timeline.csv", _csv(header, (self._line(each) for each in self._records())))

    def _outside(self) -> Iterator[File]:
        signed = self._of.signed
        stamp = log.newest_stamp(self._lender, most=signed.size)
        stamped = log.checkpoint_at(self._lender, stamp.size) if stamp else None
        if stamp is None or stamped is None:
            return
        yield File("01-log/stamp.tsr", iter((stamp.response,)))
        yield _text("01-log/stamped.txt", stamped.note)
        yield _text("01-log/grew.txt", log.only_grew(self._lender, older=stamp.size, signed=signed) or "")

    def _proofs(self) -> Iterator[bytes]:
        for each in self._records(proven=True):
            record = each.record
            said: dict[str, object] = {"place": each.place, "proof": each.hashes}
            # Whatever staff did has their id in it.
            if self._of.own and (record.actor_kind == "staff" or self._naming.names(record.entry)):
                said["leaf"] = record.hash
            else:
                said |= {"entry": record.entry, "salt": record.salt}
            self._rows += 1
            yield _json(said).encode() + b"\n"

    def _line(self, each: log.Placed) -> tuple[object, ...]:
        record = each.record
        facts = self._naming.facts(record.actor_kind, json.loads(record.entry).get("facts") or {})
        said = what(record.act, facts)
        return each.place, record.at.isoformat(), record.act, said, who(record.actor_kind), str(record.id)

    def _identity(self) -> Iterator[File]:
        for name, model in (
            ("sign-ins", UserSession),
            ("codes", OneTimeCode),
            ("links", Invitation),
            ("passkeys", Passkey),
        ):
            yield self._list(f"02-identity/{name}.json", model, self._of_person(model))

    def _origin(self) -> Iterator[File]:
        yield self._list("03-origin/debt.json", Debt, table_of(Debt).c.id == self._debt)
        run = table_of(ImportRun).c.id == self._of.debt.import_run_id
        yield self._list("03-origin/file.json", ImportRun, run)

    # 4: the books.

    def _books(self) -> Iterator[File]:
        balances: dict[str, object] = {}
        yield File("04-ledger/ledger.csv", self._ledger(balances))
        yield _text("04-ledger/balances.json", _json(balances) + "\n")
        debt = self._of.debt
        used = select(Quote.limits_version_id).where(Quote.lender_id == self._lender, Quote.debt_id == self._debt)
        versions = session.scalars(
            select(LimitsVersion)
            .where(LimitsVersion.lender_id == self._lender, LimitsVersion.id.in_(used))
            .order_by(LimitsVersion.number)
        ).all()
        said = {
            "annual_rate_ppm": debt.annual_rate_ppm,
            "rules": [
                {"number": each.number, "from": each.effective_from.isoformat(), "sha256": each.sha256}
                for each in versions
            ],
            "day_counts_and_rates_of_plans": "07-agreement/quotes.json, terms",
        }
        yield _text("04-ledger/rules.json", _json(said) + "\n")
        # What a lender allows is its own affair; that it was this version is proven by the fingerprint.
        for each in versions if not self._of.own else ():
            yield _text(f"04-ledger/rules-{each.number}.txt", each.source)

    def _ledger(self, balances: dict[str, object]) -> Iterator[bytes]:
        """Give the lines, and put what the book says into `balances`: both by one statement, so that they agree."""
        kept = [table_of(Book).c[f"{account.value}_minor"] for account in OF_A_DEBT]
        rows = session.execute(
            select(
                Book.currency.label("of"),
                *kept,
                Posting.id,
                Posting.at,
                Posting.on,
                Posting.kind,
                Posting.cause,
                Posting.corrects_id,
                Transfer.from_account,
                Transfer.to_account,
                Transfer.amount_minor,
            )
            .outerjoin(Transfer, and_(Transfer.lender_id == Book.lender_id, Transfer.book_id == Book.id))
            .outerjoin(Posting, and_(Posting.lender_id == Transfer.lender_id, Posting.id == Transfer.posting_id))
            .where(Book.lender_id == self._lender, Book.id == self._debt)
            .order_by(Posting.at, Posting.id, Transfer.id)
            .execution_options(yield_per=_READ_AT_ONCE)
        )

        def lines() -> Iterator[tuple[object, ...]]:
            owed = 0
            for number, row in enumerate(rows, 1):
                balances["currency"] = row.of
                balances["minor"] = {account.value: getattr(row, f"{account.value}_minor") for account in OF_A_DEBT}
                if row.id is None:
                    continue
                owed += row.amount_minor * ((row.to_account in _OWED) - (row.from_account in _OWED))
                self._rows += 1
                yield (
                    number,
                    row.id,
                    row.at.isoformat(),
                    row.on.isoformat(),
                    row.kind,
                    row.cause,
                    row.corrects_id,
                    row.from_account,
                    row.to_account,
                    row.amount_minor,
                    row.of,
                    owed,
                )

        header = ("number", "posting", "at", "on", "kind", "cause", "corrects", "from", "to", "minor", "currency")
        yield from _csv((*header, "owed_after"), lines())

    # 5 to 8.

    def _messages(self) -> Iterator[File]:
        about = self._of_person(Message)
        yield self._list("05-messages/messages.json", Message, about)
        sent = select(Message.id).where(Message.lender_id == self._lender, about)
        yield self._list("05-messages/delivery.json", DeliveryWord, table_of(DeliveryWord).c.message_id.in_(sent))

    def _calls(self) -> Iterator[File]:
        yield self._list("06-calls/calls.json", PersonCall, self._of_person(PersonCall))

    def _agreement(self) -> Iterator[File]:
        yield self._list("07-agreement/proposals.json", Proposal, self._of_debt(Proposal))
        yield self._list("07-agreement/quotes.json", Quote, self._of_debt(Quote))
        yield self._list("07-agreement/plans.json", Plan, self._of_debt(Plan))
        for model, name in ((PlanItem, "payments"), (PlanChange, "changes")):
            yield self._list(f"07-agreement/{name}.json", model, self._of_plans(model))
        yield self._list("07-agreement/automatic-payments.json", Autopay, self._of_debt(Autopay))
        plans = select(Plan.reference, Plan.agreed_text).where(
            Plan.lender_id == self._lender, Plan.debt_id == self._debt
        )
        for reference, text in session.execute(plans.order_by(Plan.id)).all():
            yield _text(f"07-agreement/agreed-{reference}.txt", self._naming.plain(text))

    def _budgets(self) -> Iterator[File]:
        def said() -> Iterator[dict[str, object]]:
            for row in session.execute(
                select(Proposal.id, Proposal.made_at, Proposal.budget, Proposal.budget_minor, Proposal.currency)
                .where(Proposal.lender_id == self._lender, Proposal.debt_id == self._debt)
                .order_by(Proposal.id)
            ):
                if row.budget is not None or row.budget_minor is not None:
                    yield {
                        "proposal": str(row.id),
                        "at": row.made_at.isoformat(),
                        "declared": row.budget,
                        "left_over_minor": row.budget_minor,
                        "currency": row.currency,
                    }

        yield File("08-affordability/budgets.json", self._array(said()))

    # 9: letters.

    def _letters(self) -> Iterator[File]:
        about = self._of_debt(IssuedLetter)
        yield self._list("09-letters/letters.json", IssuedLetter, about)
        yield self._list("09-letters/by-hand.json", LetterByHand, self._of_debt(LetterByHand))
        if roots := seals.roots_of(self._lender):
            yield _text("09-letters/roots.pem", roots)
        numbers = select(IssuedLetter.id, IssuedLetter.number).where(IssuedLetter.lender_id == self._lender, about)
        for id_, number in session.execute(numbers.order_by(IssuedLetter.id)).all():
            yield File(f"09-letters/{number}.pdf", self._pdf(id_), packed=True)

    def _pdf(self, id_: uuid.UUID) -> Iterator[bytes]:
        pdf = select(IssuedLetter.pdf).where(IssuedLetter.lender_id == self._lender, IssuedLetter.id == id_)
        yield session.scalars(pdf).one()

    # 10 to 12.

    def _payments(self) -> Iterator[File]:
        mine = select(PaymentPart.payment_id).where(
            PaymentPart.lender_id == self._lender, PaymentPart.debt_id == self._debt
        )
        yield self._list("10-payments/payments.json", Payment, table_of(Payment).c.id.in_(mine))
        yield self._list("10-payments/parts.json", PaymentPart, self._of_debt(PaymentPart))
        for model, name in ((MoneyEffect, "effects"), (Dispute, "bank-disputes"), (Refund, "given-back")):
            yield self._list(f"10-payments/{name}.json", model, table_of(model).c.payment_id.in_(mine))
        charges = self._of_plans(AutopayCharge)
        yield self._list("10-payments/automatic-charges.json", AutopayCharge, charges)
        uses = table_of(CreditUse).c
        yield self._list(
            "10-payments/credit.json", CreditUse, or_(uses.from_debt_id == self._debt, uses.to_debt_id == self._debt)
        )
        if not self._of.own:
            # Whoever paid may be somebody else.
            placed = table_of(SetAside).c.placed_debt_id == self._debt
            yield self._list("10-payments/placed-by-hand.json", SetAside, placed)
            yield self._list("10-payments/bank-entries.json", BankEntry, self._of_debt(BankEntry))

    def _care(self) -> Iterator[File]:
        yield self._list("11-care/requests.json", CareRequest, self._of_person(CareRequest))
        yield self._list("11-care/holds.json", CareHold, self._of_person(CareHold))
        yield self._list("11-care/needs.json", Need, self._of_person(Need))

    def _people(self) -> Iterator[File]:
        header = ("place", "at", "act", "what", "who", "record")
        done = (self._line(each) for each in self._records() if each.record.actor_kind in ("staff", "operator"))
        yield File("12-people/done.csv", _csv(header, self._counted(done)))
        yield self._list("12-people/consents.json", Consent, self._of_person(Consent))
        yield self._list("12-people/looked-at.json", PlanCheck, self._of_plans(PlanCheck))
        yield self._list("12-people/notes.json", PersonNote, self._of_person(PersonNote))
        if not self._of.own:
            requests = select(CareRequest.id).where(CareRequest.lender_id == self._lender, self._of_person(CareRequest))
            decided = table_of(OfferDecision).c.request_id.in_(requests)
            yield self._list("12-people/decisions.json", OfferDecision, decided)

    # 13 and 14.

    def _certificate(self) -> Iterator[File]:
        text = words.certificate(
            lender=self._of.lender,
            legal_name=self._of.legal_name,
            debt=self._of.debt.reference,
            size=self._of.signed.size,
            root=self._of.signed.root,
        )
        yield _text("13-certificate/certificate.txt", text)
        yield _text("13-certificate/explanation.txt", words.explanation())

    def _verify(self) -> Iterator[File]:
        yield _text("14-verify/verify.py", _VERIFIER.read_text("utf-8"))
        yield _text("14-verify/instructions.txt", words.instructions(address=self._of.log_address))

    # How rows become files.

    def _of_person(self, model: type[Model]) -> ColumnElement[bool]:
        """Give the condition for rows of the person: of this debt, or of none."""
        of = table_of(model).c
        about = or_(of.debt_id == self._debt, of.debt_id.is_(None)) if "debt_id" in of else true()
        return and_(of.debtor_id == self._debtor, about)

    def _of_debt(self, model: type[Model]) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = table_of(model).c.debt_id == self._debt
        return condition

    def _of_plans(self, model: type[Model]) -> ColumnElement[bool]:
        plans = select(Plan.id).where(Plan.lender_id == self._lender, Plan.debt_id == self._debt)
        return table_of(model).c.plan_id.in_(plans)

    def _list(self, path: str, model: type[Model], which: ColumnElement[bool]) -> File:
        return File(path, self._array(self._plain(model, which)))

    def _plain(self, model: type[Model], which: ColumnElement[bool]) -> Iterator[dict[str, object]]:
        table = table_of(model)
        out = _OF_THE_LENDER if self._of.own and model is Refund else frozenset()
        query = select(*shown(table)).where(table.c.lender_id == self._lender, which).order_by(table.c.id)
        for row in session.execute(query.execution_options(yield_per=_READ_AT_ONCE)).mappings():
            yield {name: value for name, value in plain_row(table, row).items() if name not in out}

    def _counted(self, rows: Iterator[Any]) -> Iterator[Any]:
        for row in rows:
            self._rows += 1
            yield row

    def _array(self, rows: Iterator[dict[str, object]]) -> Iterator[bytes]:
        """Give rows as a list of JSON, a row a line."""
        before = "[\n"
        for row in self._counted(rows):
            yield f"{before}{_json(self._naming.plain(row))}".encode()
            before = ",\n"
        yield b"[]\n" if before == "[\n" else b"\n]\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _text(path: str, text: str) -> File:
    return File(path, iter((text.encode(),)))


def _csv(header: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> Iterator[bytes]:
    yield csv_text(header, ()).encode("utf-8-sig")
    for row in rows:
        yield csv_text([str(safe_cell(value)) for value in row], ()).encode()

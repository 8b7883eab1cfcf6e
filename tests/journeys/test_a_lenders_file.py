"""A lender's file comes in whole, or as its good rows, or not at all; and every refusal says why in one sentence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from portal.db import session
from portal.debts import intake
from portal.debts.models import Debt, ImportRun, StagedChange
from portal.debts.statement import Standing, debt_of
from portal.debts.tables import FileLimits
from portal.ledger import Posting
from portal.lenders.models import Lender
from portal.people import found_by
from portal.people.models import ContactPoint, Debtor
from tests.conftest import Clock
from tests.factories import some_credit
from tests.journeys.acts import (
    Stripe,
    acts_of,
    agree,
    books_agree,
    come_by_link,
    come_in,
    command,
    go_pay,
    now,
    rows,
    usd,
)
from tests.pages import CheckingClient, page_of

MAPPING = """
currency = { column = "currency" }
date_format = "%Y-%m-%d"
person = ["person"]
[fields]
reference = { column = "account" }
name = { column = "name" }
born_on = { column = "born" }
email = { column = "email" }
product = { value = "card" }
principal = { column = "principal" }
interest = { column = "interest" }
late_since = { column = "late_since" }
annual_rate = { column = "rate" }
"""
HEADER = ("account", "person", "name", "born", "email", "currency", "principal", "interest", "late_since", "rate")


def row(number: int = 1, **different: str) -> list[str]:
    """Give one good row, or one that differs."""
    good = {
        "account": f"A-{number}",
        "person": f"p{number}",
        "name": f"Person {number} (made up)",
        "born": "1988-07-21",
        "email": f"p{number}@example.com",
        "currency": "USD",
        "principal": "900.00",
        "interest": "10.00",
        "late_since": "2026-02-01",
        "rate": "18",
    }
    return list((good | different).values())


@dataclass
class Desk:
    """Where a lender's engineer types the commands."""

    app: Flask
    folder: Path
    slug: str

    def write(self, *lines: list[str], name: str = "file.csv", separator: str = ",", header: object = HEADER) -> Path:
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out, delimiter=separator).writerows([header, *lines])  # type: ignore[list-item]
        return path

    def bring(self, path: Path, *options: str, mapping: str = MAPPING) -> Result:
        told = self.folder / "mapping.toml"
        told.write_text(mapping, encoding="utf-8")
        words = ("import", str(path), "--lender", self.slug, "--mapping", str(told), "--report", str(self.report))
        return command(self.app, *words, *options)

    @property
    def report(self) -> Path:
        return self.folder / "report.csv"

    def refused(self) -> list[list[str]]:
        with self.report.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.reader(file))


@pytest.fixture
def desk(app: Flask, lender: Lender, tmp_path: Path) -> Desk:
    return Desk(app=app, folder=tmp_path, slug=lender.slug)


def debt_called(lender: Lender, reference: str) -> Standing:
    owner = session.scalars(select(Debt.debtor_id).where(Debt.reference == reference)).one()
    found = debt_of(lender_id=lender.id, debtor_id=owner, reference=reference)
    assert found is not None
    return found


def only_a_note(before: dict[str, int], after: dict[str, int]) -> bool:
    """Say whether nothing but the note of the run itself was written."""
    return {name for name in after if after[name] != before[name]} <= {"import_run"}


def test_a_file_becomes_debts_that_their_owners_see(desk: Desk, lender: Lender, client: CheckingClient) -> None:
    done = desk.bring(desk.write(row(1), row(2), row(3, principal="0", interest="0")))
    assert done.exit_code == 0, done.output
    assert "3 rows read = 2 accepted + 1 with nothing owed + 0 refused" in done.output
    assert "2 new, 0 changed, 0 unchanged, 0 recalled." in done.output
    assert page_of(come_by_link(client, debt_called(lender, "A-1"))).says("$910.00")
    assert acts_of(lender.id)["portfolio_imported"] == 1
    books_agree()


@pytest.mark.parametrize(
    ("different", "reason", "column"),
    [
        ({"principal": "-5"}, "negative_amount", "principal"),
        ({"principal": "99999999999"}, "absurd_amount", "principal"),
        ({"principal": "12.345"}, "wrong_decimals", "principal"),
        ({"principal": "many"}, "", "principal"),
        ({"late_since": "2026-02-30"}, "", "late_since"),
        ({"born": "1988-13-01"}, "", "born"),
        ({"currency": "EUR"}, "currency_not_held", "currency"),
        ({"currency": "XXZ"}, "unknown_currency", "currency"),
        ({"name": '=HYPERLINK("http://evil.example")'}, "", "name"),
        ({"account": "=1+1"}, "", "account"),
        ({"account": ""}, "empty", "account"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_one_bad_row_keeps_everything_out_and_is_named(
    desk: Desk, different: dict[str, str], reason: str, column: str, kind: str
) -> None:
    lines = [row(1), row(2, **different), row(3)]
    if kind == "csv":
        path = desk.write(*lines)
    else:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for line in (HEADER, *lines):
            sheet.append(list(line))
        for cells in sheet.iter_rows():
            for cell in cells:
                # As text, as a lender's export writes it; a formula would otherwise be one for the library too.
                cell.data_type = "s"
        path = desk.folder / "file.xlsx"
        book.save(path)
    before = rows()
    done = desk.bring(path)
    assert done.exit_code == 1
    assert "3 rows read = 2 accepted + 0 with nothing owed + 1 refused" in done.output
    assert "Nothing was brought in." in done.output
    assert only_a_note(before, rows())
    head, *refused = desk.refused()
    assert head == ["row", "column", "value", "reason", "what is wrong"]
    assert {line[0] for line in refused} == {"3"}
    assert column in {line[1] for line in refused}
    assert reason in {line[3] for line in refused} or not reason
    # Nothing in the report is a formula to whoever opens it.
    assert not any(cell[:1] in ("=", "+", "-", "@") for line in refused for cell in line)
    books_agree()


def latin(desk: Desk) -> Path:
    path = desk.folder / "latin.csv"
    path.write_bytes((",".join(HEADER) + "\n" + ",".join(row(1, name="Jos\u00e9"))).encode("latin-1"))
    return path


def picture(desk: Desk) -> Path:
    path = desk.folder / "picture.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    return path


def page(desk: Desk) -> Path:
    path = desk.folder / "page.csv"
    path.write_text("<!doctype html><html><body>Please sign in</body></html>")
    return path


def empty(desk: Desk) -> Path:
    path = desk.folder / "empty.csv"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (latin, "utf-8"),
        (lambda desk: desk.write(row(1), header=HEADER[:-1] + ("interest_rate",)), "rate"),
        (lambda desk: desk.write(row(1), separator="!"), ""),
        (lambda desk: desk.write(header=HEADER), "not a single row"),
        (lambda desk: desk.write(row(1), header=(*HEADER[:-1], "name")), "name"),
        (picture, "not a table"),
        (page, "not a table"),
        (empty, "is empty"),
    ],
    ids=["encoding", "column", "separator", "only a header", "twice the same column", "picture", "page", "empty"],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(
    desk: Desk, make: Callable[[Desk], Path], said: str
) -> None:
    path = make(desk)
    before = rows()
    done = desk.bring(path)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output and done.output.startswith("Error: ")
    assert rows() == before


def test_a_file_over_a_limit_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk.write(*(row(number) for number in range(1, 30)))
    before = rows()
    with monkeypatch.context() as patch:
        from_limits = intake.open_portfolio
        patch.setattr(intake, "open_portfolio", lambda *a, **k: from_limits(*a, **k, limits=_small_limits()))
        done = desk.bring(path)
    assert done.exit_code == 1
    assert "10 rows" in done.output, done.output
    # It turned out in the middle of the file; what was staged until then is gone.
    assert only_a_note(before, rows())


def _small_limits() -> object:
    return FileLimits(rows=10)


def test_a_wrong_mapping_or_lender_is_one_sentence(desk: Desk) -> None:
    path = desk.write(row(1))
    before = rows()
    assert desk.bring(path, mapping="this is [not toml").exit_code == 1
    assert desk.bring(path, mapping=MAPPING.replace("principal =", "principle =")).exit_code == 1
    assert desk.bring(path, "--as-of", "2027-01-01").exit_code == 1
    desk.slug = "nobody"
    done = desk.bring(path)
    assert (done.exit_code, done.output) == (1, "Error: There is no lender called 'nobody'.\n")
    assert rows() == before


def test_the_good_rows_come_in_if_asked_for(desk: Desk, lender: Lender) -> None:
    done = desk.bring(desk.write(row(1), row(2, principal="-1"), row(3)), "--keep-good")
    assert done.exit_code == 0, done.output
    assert "3 rows read = 2 accepted + 0 with nothing owed + 1 refused" in done.output
    assert sorted(session.scalars(select(Debt.reference))) == ["A-1", "A-3"]
    books_agree()


@pytest.mark.parametrize("far_apart", [False, True])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("times", [2, 3])
def test_a_reference_that_comes_twice_is_refused_each_time(
    desk: Desk, lender: Lender, far_apart: bool, known: bool, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 4)
    if known:
        assert desk.bring(desk.write(row(1))).exit_code == 0
    between = [row(number) for number in range(10, 16)] if far_apart else []
    lines = [row(1, principal="100.00")]
    for time in range(1, times):
        lines += [*between, row(1, principal=f"{time + 1}00.00")]
        between = [row(number + 10 * time) for number in range(20, 26)] if far_apart else []
    good = len(lines) - times
    before = rows()
    done = desk.bring(desk.write(row(2), *lines))
    assert done.exit_code == 1
    assert f"{len(lines) + 1} rows read = {good + 1} accepted + 0 with nothing owed + {times} refused" in done.output
    assert only_a_note(before, rows())
    assert len([line for line in desk.refused() if line[3] == "duplicate_reference"]) == times
    kept = desk.bring(desk.write(row(2), *lines), "--keep-good")
    assert kept.exit_code == 0, kept.output
    references = set(session.scalars(select(Debt.reference).where(Debt.state == "open")))
    assert ("A-1" in references) == known
    if known:
        assert debt_called(lender, "A-1").owed == usd("910.00")
    books_agree()


@pytest.mark.parametrize("far_apart", [False, True])
@pytest.mark.parametrize("zero_first", [False, True])
def test_a_reference_on_which_nothing_is_owed_and_something_is_refused_both_times(
    desk: Desk, lender: Lender, far_apart: bool, zero_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 4)
    pair = [row(1, principal="0", interest="0"), row(1)]
    first, second = pair if zero_first else pair[::-1]
    between = [row(number) for number in range(10, 16)] if far_apart else []
    path = desk.write(row(2), row(3, principal="0", interest="0"), first, *between, second)
    done = desk.bring(path)
    read = len(between) + 4
    assert f"{read} rows read = {read - 3} accepted + 1 with nothing owed + 2 refused" in done.output
    lines = [line for line in desk.refused() if line[3] == "duplicate_reference"]
    assert sorted(line[:3] for line in lines) == sorted(
        [[str(number), "account", "A-1"] for number in (4, len(between) + 5)]
    )
    assert desk.bring(path, "--keep-good").exit_code == 0
    assert "A-1" not in set(session.scalars(select(Debt.reference)))
    books_agree()


def test_a_report_is_never_written_over_the_file_or_its_mapping(desk: Desk, lender: Lender) -> None:
    path = desk.write(row(1), row(2))
    kept = path.read_bytes()
    for name in ("file.csv", "mapping.toml", "../" + desk.folder.name + "/file.csv"):
        done = desk.bring(path, "--report", str(desk.folder / name))
        assert done.exit_code == 1 and "Give it another name" in done.output
    assert path.read_bytes() == kept
    assert "can't be written" in desk.bring(path, "--report", str(path / "below.csv")).output


def test_a_file_whose_name_is_no_text_is_refused(desk: Desk, lender: Lender) -> None:
    path = desk.write(row(1)).rename(desk.folder / "caf\udce9.csv")
    done = desk.bring(path)
    assert done.exit_code == 1 and "Rename it" in done.output


@pytest.mark.parametrize("far_apart", [False, True])
@pytest.mark.parametrize("second", ["a-1", "A-1 ", "Ab-1", "Éa-1"])
def test_a_reference_that_differs_only_by_capital_letters_is_refused_the_second_time(
    desk: Desk, lender: Lender, second: str, far_apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BATCH", 4)
    first = second.strip().swapcase() if second != "A-1 " else "a-1"
    between = [row(number) for number in range(10, 16)] if far_apart else []
    path = desk.write(row(1, account=first), *between, row(2, account=second), row(3, account="B-3"))
    before = rows()
    done = desk.bring(path)
    assert done.exit_code == 1
    assert f"{len(between) + 3} rows read = {len(between) + 2} accepted" in done.output
    assert only_a_note(before, rows())
    (refused,) = desk.refused()[1:]
    assert refused[:4] == [str(len(between) + 3), "account", second.strip(), "duplicate_reference"]
    assert refused[4].startswith(
        f"Row 2 has the reference {first}, which differs only by capitals or width of letters;"
    )
    assert desk.bring(path, "--keep-good").exit_code == 0
    open_ones = set(session.scalars(select(Debt.reference).where(Debt.state == "open")))
    assert {first, "B-3"} <= open_ones and second.strip() not in open_ones
    books_agree()


@pytest.mark.parametrize("held", ["A-1", "a-1", "Ab-1", "éA-1"])
def test_a_reference_that_is_held_in_other_capital_letters_is_refused(desk: Desk, lender: Lender, held: str) -> None:
    assert desk.bring(desk.write(row(1, account=held))).exit_code == 0
    twin = row(1, account=held.swapcase(), principal="5.00", email="other@example.com")
    done = desk.bring(desk.write(twin, row(2)), "--keep-good", "--full")
    assert done.exit_code == 0, done.output
    assert "2 rows read = 1 accepted + 0 with nothing owed + 1 refused" in done.output
    assert desk.refused()[1][4].startswith(f"A debt that is held already has the reference {held}, which differs only")
    assert debt_called(lender, held).owed == usd("910.00")
    assert addresses(lender) == ["p1@example.com", "p2@example.com"]
    assert session.scalars(select(StagedChange.id)).all() == []
    books_agree()


def test_signs_that_mean_something_to_a_database_come_in_as_they_stand(desk: Desk, lender: Lender) -> None:
    odd = r"\N O\'Neil \t {\"x\"} \\. 陈, %s ? :name"
    mapping = MAPPING + '[attributes]\nnote = { column = "name" }\nempty = { column = "late_since" }\n'
    lines = [row(1, account=r"A\1", person=r"p\1", name=odd, late_since=""), *(row(n) for n in range(2, 60))]
    done = desk.bring(desk.write(*lines), mapping=mapping)
    assert done.exit_code == 0, done.output
    debt = session.scalars(select(Debt).where(Debt.line == 2)).one()
    assert (debt.reference, debt.attributes, debt.late_since) == (r"A\1", {"note": odd}, None)
    person = session.get_one(Debtor, (lender.id, debt.debtor_id))
    assert (person.name, person.person_key) == (odd, r"p\1")
    again = desk.bring(desk.write(*lines), mapping=mapping)
    assert "0 new, 0 changed, 59 unchanged" in again.output
    books_agree()


def test_the_same_file_again_changes_nothing(desk: Desk, lender: Lender) -> None:
    path = desk.write(row(1), row(2))
    assert desk.bring(path).exit_code == 0
    before = rows()
    done = desk.bring(path)
    assert "0 new, 0 changed, 2 unchanged, 0 recalled." in done.output
    after = rows()
    assert {name for name in after if after[name] != before[name]} == {"import_run", "evidence_record"}
    books_agree()


def test_new_figures_are_posted_as_their_difference(desk: Desk, lender: Lender, client: CheckingClient) -> None:
    desk.bring(desk.write(row(1), row(2)))
    done = desk.bring(desk.write(row(1, principal="850.00", interest="12.50"), row(2)))
    assert "0 new, 1 changed, 1 unchanged" in done.output
    debt = debt_called(lender, "A-1")
    assert debt.owed == usd("862.50")
    assert [posting.kind for posting in session.scalars(select(Posting).order_by(Posting.id))].count("adjustment") == 1
    come_in(client, debt)
    assert page_of(client.get("/debts/A-1")).says("Your lender corrected the amount")
    assert acts_of(lender.id)["balance_adjusted"] == 1
    books_agree()


def test_credit_that_was_used_after_the_day_of_the_figures_stays_used(
    desk: Desk, lender: Lender, client: CheckingClient, clock: Clock
) -> None:
    two = row(1), row(2, person="p1", name="Person 1 (made up)", email="p1@example.com")
    desk.bring(desk.write(*two))
    card, loan = debt_called(lender, "A-1"), debt_called(lender, "A-2")
    some_credit(card, "40.00")
    clock.forward(days=3)
    come_in(client, card)
    shown = client.get("/debts/A-1/use-credit-for/A-2")
    client.fill(shown, to=shown.request.path)
    assert (now(card).credit, now(loan).owed) == (usd("0.00"), usd("870.00"))
    # A file of the day before knows nothing of it.
    assert desk.bring(desk.write(*two), "--as-of", "2026-05-06").exit_code == 0
    assert (now(card).credit, now(loan).owed) == (usd("0.00"), usd("870.00"))
    books_agree()


def test_a_debt_that_the_new_file_says_is_paid_is_owed_no_more(desk: Desk, lender: Lender) -> None:
    desk.bring(desk.write(row(1), row(2)))
    path = desk.write(row(1, principal="0", interest="0"), row(2))
    done = desk.bring(path)
    assert done.exit_code == 0, done.output
    assert debt_called(lender, "A-1").owed == usd("0.00")
    books_agree()
    before = rows()
    desk.bring(path)
    assert {name for name, count in rows().items() if count != before[name]} == {"import_run", "evidence_record"}
    books_agree()


def test_what_a_debtor_pays_while_a_file_is_read_is_not_lost(
    desk: Desk, lender: Lender, client: CheckingClient, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bring(desk.write(row(1), row(2)))
    debt = debt_called(lender, "A-1")
    come_in(client, debt)
    url = go_pay(client, debt, amount="50")
    switch = intake.switch

    def meanwhile(*words: object, **more: object) -> None:
        stripe.pay(url)
        stripe.settle()
        assert now(debt).owed == usd("860.00")
        switch(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "switch", meanwhile)
    assert desk.bring(desk.write(row(1, interest="15.00"), row(2))).exit_code == 0
    # The file was made before the payment: its new interest counts, and so does the money.
    assert now(debt).owed == usd("865.00")
    books_agree()


def test_what_was_paid_after_the_day_of_the_figures_still_counts(
    desk: Desk, lender: Lender, client: CheckingClient, stripe: Stripe, clock: Clock
) -> None:
    desk.bring(desk.write(row(1)))
    debt = debt_called(lender, "A-1")
    clock.forward(days=2)
    stripe.sandbox.set_clock(int(clock.at.timestamp()))
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.settle()
    assert desk.bring(desk.write(row(1)), "--as-of", "2026-05-05").exit_code == 0
    assert now(debt).owed == usd("860.00")
    clock.forward(days=2)
    # A later file has the payment in its own figure.
    assert desk.bring(desk.write(row(1, principal="850.00", interest="10.00"))).exit_code == 0
    assert now(debt).owed == usd("860.00")
    books_agree()


def test_without_a_day_the_figures_are_of_the_moment_at_which_the_import_begins(
    desk: Desk, lender: Lender, client: CheckingClient, stripe: Stripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bring(desk.write(row(1), row(2)))
    debt = debt_called(lender, "A-1")
    come_in(client, debt)
    stripe.pay(go_pay(client, debt, amount="50"))
    stripe.settle()
    during = go_pay(client, debt, amount="20")
    assert now(debt).owed == usd("860.00")
    stripe.clock.forward(minutes=1)
    switch = intake.switch

    def meanwhile(*words: object, **more: object) -> None:
        stripe.pay(during)
        stripe.settle()
        switch(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "switch", meanwhile)
    # The lender has the first payment in its figures already; of the second, made meanwhile, it can’t know.
    assert "as_of" not in MAPPING
    assert desk.bring(desk.write(row(1, principal="850.00", interest="10.00"), row(2))).exit_code == 0
    assert now(debt).owed == usd("840.00")
    books_agree()


def test_a_full_file_recalls_what_it_lacks_and_a_recalled_debt_can_come_back(
    desk: Desk, lender: Lender, client: CheckingClient, stripe: Stripe
) -> None:
    desk.bring(desk.write(row(1), row(2)))
    debt = debt_called(lender, "A-2")
    come_in(client, debt)
    agree(client, debt)
    stripe.pay(go_pay(client, debt, choice="next"))
    stripe.settle()
    done = desk.bring(desk.write(row(1)), "--full")
    assert "1 recalled." in done.output
    assert acts_of(lender.id)["debt_recalled"] == 1
    # It is gone from home; what was agreed and paid can still be looked at.
    assert not page_of(client.get("/home")).says("A-2")
    assert client.get("/debts/A-2").status_code == 404
    assert client.get("/points").status_code == 200
    done = desk.bring(desk.write(row(1), row(2, principal="810.00", interest="0")))
    assert "0 new" in done.output
    assert debt_called(lender, "A-2").owed == usd("810.00")
    books_agree()


def test_without_full_a_missing_debt_stays(desk: Desk, lender: Lender) -> None:
    desk.bring(desk.write(row(1), row(2)))
    desk.bring(desk.write(row(1)))
    assert debt_called(lender, "A-2").owed == usd("910.00")


def test_a_debt_whose_row_was_refused_is_not_taken_for_missing(desk: Desk, lender: Lender) -> None:
    desk.bring(desk.write(row(1), row(2)))
    desk.bring(desk.write(row(1), row(2, principal="-1")), "--full", "--keep-good")
    assert debt_called(lender, "A-2").owed == usd("910.00")
    books_agree()


def test_an_import_can_be_undone_while_nothing_has_happened(desk: Desk, lender: Lender) -> None:
    before = rows()
    desk.bring(desk.write(row(1), row(2)))
    assert len(found_by.people_named("person", lender_id=lender.id, most=9).people) == 2
    done = command(desk.app, "import-undo", "--lender", lender.slug)
    assert done.exit_code == 0, done.output
    changed = {name for name, count in rows().items() if count != before[name]}
    assert changed == {"import_run", "evidence_record"}
    assert found_by.people_named("person", lender_id=lender.id, most=9).people == ()
    assert acts_of(lender.id)["portfolio_undone"] == 1
    books_agree()
    assert desk.bring(desk.write(row(1))).exit_code == 0


def test_undoing_takes_adjustments_back_as_corrections(desk: Desk, lender: Lender) -> None:
    desk.bring(desk.write(row(1)))
    desk.bring(desk.write(row(1, principal="100.00")))
    assert command(desk.app, "import-undo", "--lender", lender.slug).exit_code == 0
    assert debt_called(lender, "A-1").owed == usd("910.00")
    books_agree()


def test_an_import_cannot_be_undone_once_something_has_happened(
    desk: Desk, lender: Lender, client: CheckingClient
) -> None:
    desk.bring(desk.write(row(1), row(2)))
    debt = debt_called(lender, "A-1")
    come_in(client, debt)
    agree(client, debt)
    before = rows()
    done = command(desk.app, "import-undo", "--lender", lender.slug)
    assert done.exit_code == 1
    assert "This import can't be undone" in done.output
    assert rows() == before
    books_agree()


def test_two_rows_of_one_person_are_one_person(desk: Desk, lender: Lender) -> None:
    desk.bring(desk.write(row(1, person="P 1"), row(2, person="p  1")))
    assert len(list(session.scalars(select(Debtor.id)))) == 1


def test_a_run_leaves_nothing_staged(desk: Desk, lender: Lender) -> None:
    desk.bring(desk.write(row(1)))
    desk.bring(desk.write(row(1, principal="5"), row(2), row(3, principal="-1")))
    assert list(session.scalars(select(StagedChange.id))) == []
    assert list(session.scalars(select(Debt.id).where(Debt.state == "staged"))) == []
    assert [run.state for run in session.scalars(select(ImportRun).order_by(ImportRun.id))] == ["live", "abandoned"]


def test_a_second_import_of_the_same_lender_waits_and_a_dead_one_is_cleaned_up(
    desk: Desk, lender: Lender, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.write(row(1), row(2))
    with monkeypatch.context() as patch:
        # As after a power cut: nothing of the end of the run happens.
        patch.setattr(intake, "switch", _die)
        patch.setattr(intake, "discard", lambda *_words: None)
        with pytest.raises(_PowerCut):
            raise desk.bring(path).exception or AssertionError
    assert len(list(session.scalars(select(Debt.id).where(Debt.state == "staged")))) == 2
    done = desk.bring(path)
    assert done.exit_code == 1
    assert "A file of this lender is being read right now" in done.output
    clock.forward(minutes=3)
    assert desk.bring(path).exit_code == 0
    assert set(session.scalars(select(Debt.state))) == {"open"}
    books_agree()


class _PowerCut(BaseException):
    pass


def _die(*_words: object, **_more: object) -> None:
    raise _PowerCut


def addresses(lender: Lender) -> list[str]:
    return sorted(session.scalars(select(ContactPoint.address).where(ContactPoint.lender_id == lender.id)))


def test_a_refused_file_leaves_no_new_way_to_reach_anybody(desk: Desk, lender: Lender) -> None:
    assert desk.bring(desk.write(row(1))).exit_code == 0
    before = addresses(lender)
    new_debt = row(7, person="p1", email="thief@example.com")
    known_debt = row(1, email="other@example.com")
    assert desk.bring(desk.write(new_debt, known_debt, row(8, principal="-1"))).exit_code == 1
    assert addresses(lender) == before == ["p1@example.com"]


def test_a_new_address_of_a_person_on_file_comes_with_the_switch(desk: Desk, lender: Lender) -> None:
    assert desk.bring(desk.write(row(1))).exit_code == 0
    told = desk.write(row(1, email="new@example.com"), row(7, person="p1", email="p1@example.com"))
    assert desk.bring(told).exit_code == 0
    assert addresses(lender) == ["new@example.com", "p1@example.com"]
    assert session.scalars(select(StagedChange.id)).all() == []


def test_two_new_addresses_of_one_person_in_one_file_are_both_kept(desk: Desk, lender: Lender) -> None:
    assert desk.bring(desk.write(row(1))).exit_code == 0
    told = desk.write(row(1, email="first@example.com"), row(7, person="p1", email="second@example.com"))
    assert desk.bring(told).exit_code == 0
    assert addresses(lender) == ["first@example.com", "p1@example.com", "second@example.com"]


def test_a_duplicate_of_a_known_persons_new_debt_is_taken_out_whole(desk: Desk, lender: Lender) -> None:
    assert desk.bring(desk.write(row(1))).exit_code == 0
    many = [row(100 + number) for number in range(2_100)]
    twice = row(7, person="p1", email="once@example.com")
    done = desk.bring(desk.write(twice, *many, twice), "--keep-good")
    assert "2 refused" in done.output
    assert "once@example.com" not in addresses(lender)
    assert session.scalars(select(Debt.id).where(Debt.reference == "A-7")).all() == []

"""Statements of banks (camt.053): every version by the same names, sums that lead from one balance to the other."""

from __future__ import annotations

import re
import tracemalloc
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.banking import camt
from portal.banking.camt import Closed
from portal.banking.entries import Entry, Good, Refused, judged, key_of, named
from portal.banking.problems import BankFileRefused, Problem
from tests.bank_files import IBAN, Ntry, statement

amounts = st.decimals("0.01", "99999.99", places=2).map(str)
ntries = st.builds(Ntry, amounts, credit=st.booleans(), text=st.text(max_size=30).map(lambda text: _xml_safe(text)))


def _xml_safe(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable() and sign != "|")


def read(content: bytes, *, piece: int = 7) -> list[Entry | Closed]:
    pieces = (content[start : start + piece] for start in range(0, len(content), piece))
    return list(camt.read(pieces))


@pytest.mark.parametrize("version", [f"{number:02}" for number in range(2, 14)])
def test_each_version_is_read_by_the_same_names(version: str) -> None:
    content = statement(Ntry("50.00", "rate", ref="B-1"), version=version)
    if int(version) >= 8:
        # Later ones have the state and the payer one level further down.
        content = content.replace(b"<Sts>BOOK</Sts>", b"<Sts><Cd>BOOK</Cd></Sts>")
        content = content.replace(b"<Dbtr><Nm>Ada Example</Nm></Dbtr>", b"<Dbtr><Pty><Nm>Ada Example</Nm></Pty></Dbtr>")
    entry, closed = read(content)
    assert isinstance(entry, Entry) and isinstance(closed, Closed)
    assert (entry.amount, entry.payer, entry.payer_account, entry.texts) == (
        Decimal("50.00"), "Ada Example", "2051", ("rate",)
    )  # fmt: skip
    assert entry.is_booked and entry.booked == entry.value == date(2026, 5, 4) and entry.account == IBAN
    assert (closed.opening, closed.closing) == (Decimal(1000), Decimal(1050))


@given(st.lists(ntries, max_size=12), st.integers(1, 400))
def test_entries_come_in_their_order_and_lead_from_one_balance_to_the_other(entries: list[Ntry], piece: int) -> None:
    *found, closed = read(statement(*entries), piece=piece)
    assert isinstance(closed, Closed) and [each.place for each in found] == list(range(1, len(entries) + 1))
    moved = sum((Decimal(one.amount) * (1 if one.credit else -1) for one in entries), Decimal(0))
    assert closed.closing - closed.opening == moved
    keys = [key_of(each) for each in found if isinstance(each, Entry)]
    assert len(set(keys)) == len(keys)
    # The same entries in another file have the same keys.
    again = [key_of(each) for each in read(statement(*entries, id="another"))[:-1]]
    assert again == keys


@given(st.lists(ntries, min_size=1, max_size=6), st.decimals("-50", "50", places=2).filter(bool))
def test_one_unit_more_or_less_is_noticed(entries: list[Ntry], wrong: Decimal) -> None:
    right = read(statement(*entries))[-1]
    assert isinstance(right, Closed)
    with pytest.raises(BankFileRefused) as refused:
        read(statement(*entries, closing=str(right.closing + wrong)))
    assert refused.value.problem is Problem.DOES_NOT_ADD_UP


def test_balances_by_other_names_and_several_statements_in_a_file() -> None:
    first = statement(Ntry("5.00"), id="1").replace(b"OPBD", b"PRCD")
    second = statement(Ntry("6.00"), id="2", opening="-20.00")
    body = re.search(rb"<Stmt>.*</Stmt>", second)
    assert body is not None
    found = read(first.replace(b"</Stmt>", b"</Stmt>" + body[0]))
    assert [each.closing for each in found if isinstance(each, Closed)] == [Decimal(1005), Decimal(-14)]
    assert [each.place for each in found if isinstance(each, Entry)] == [1, 2]


def test_a_collective_entry_is_taken_apart_only_where_its_parts_sum_to_it() -> None:
    parts = (("25.00", "a"), ("35.00", "b"))
    found = read(statement(Ntry("60.00", ref="B", parts=parts), Ntry("61.00", ref="C", parts=parts)))
    assert [(each.amount, each.reference, each.collective) for each in found if isinstance(each, Entry)] == [
        (Decimal("25.00"), "B/1", False),
        (Decimal("35.00"), "B/2", False),
        (Decimal("61.00"), "C", True),
    ]


@pytest.mark.parametrize("cut", [10, 200, 700, 970])
def test_a_file_that_is_cut_off_is_refused_wherever(cut: int) -> None:
    with pytest.raises(BankFileRefused):
        read(statement(Ntry("5.00", "x"))[:cut])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_name(content: bytes) -> None:
    with pytest.raises(BankFileRefused):
        read(content)


def _entry(**more: object) -> Entry:
    (entry, _closed) = read(statement(Ntry("5.00", "x")))
    assert isinstance(entry, Entry)
    return Entry(**{name: getattr(entry, name) for name in Entry.__slots__} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"credit": False}, Refused.DEBIT),
        ({"credit": False, "reversal": True}, Refused.REVERSED),
        ({"is_booked": False}, Refused.NOT_BOOKED),
        ({"currency": "EUR"}, Refused.CURRENCY),
        ({"amount": Decimal("5.001")}, Refused.DECIMALS),
        ({"amount": Decimal(0)}, Refused.NOT_ABOVE_ZERO),
        ({"amount": Decimal(-5)}, Refused.NOT_ABOVE_ZERO),
        ({"amount": Decimal(10) ** 12}, Refused.ABSURD),
        ({"amount": None}, Refused.NOT_A_NUMBER),
        ({"booked": None, "value": None}, Refused.NO_DATE),
        ({"booked": date(2027, 1, 1), "value": date(2027, 1, 1)}, Refused.TO_COME),
        ({"broken": True}, Refused.BROKEN_ROW),
    ],
)
def test_what_is_wrong_with_an_entry_has_a_name(more: dict[str, object], why: Refused) -> None:
    assert judged(_entry(**more), currency="USD", today=date(2026, 5, 4)) is why


def test_three_decimals_are_right_where_the_currency_has_them() -> None:
    good = judged(_entry(amount=Decimal("5.001"), currency="KWD"), currency="KWD", today=date(2026, 5, 4))
    assert isinstance(good, Good) and good.amount.minor == 5001


def test_a_reference_that_says_nothing_is_none() -> None:
    assert [named(each) for each in ("NONREF", "notprovided", " ", None, "B 1")] == [None, None, None, None, "B 1"]


def test_a_large_file_is_read_with_a_small_one_in_hand() -> None:
    def peak(count: int) -> int:
        content = statement(*[Ntry("1.00", f"entry {number}", ref=f"B-{number}") for number in range(count)])
        pieces = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]
        del content
        tracemalloc.start()
        try:
            assert sum(1 for _each in camt.read(pieces)) == count + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(500), peak(5_000)
    assert large < small * 1.5, (small, large)

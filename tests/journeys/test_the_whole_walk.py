"""From the link to a paid instalment, points and letters, in English and in Chinese, with webhooks in disorder."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from flask import Flask

from portal.lenders.models import Lender
from portal.plans.key_facts import told_in
from tests.factories import a_debt, a_debtor
from tests.journeys.acts import (
    Stripe,
    acts_of,
    books_agree,
    come_by_link,
    go_pay,
    newest_code,
    now,
    payment_on,
    plan_items,
    plan_on,
    read_pdf,
    work,
)
from tests.pages import CheckingClient, page_of


@dataclass(frozen=True)
class Words:
    """What a reader finds in one language; the amounts stand as they are written there."""

    language: str
    works: str
    owed: str
    payment: str
    agreed: str
    arrived: str
    points: str
    agreement: tuple[str, ...]
    receipt: tuple[str, ...]


ENGLISH = Words(
    language="en",
    works="Yes, what you asked for works.",
    owed="$900.00",
    payment="$100.00",
    agreed="You have a plan",
    arrived="Thank you. Your payment has arrived",
    points="10 points",
    agreement=("Robin Example", "$900.00", "Every payment", "10 May 2026"),
    receipt=("Robin Example", "$100.00"),
)
CHINESE = Words(
    language="zh_Hans",
    works="可以",
    owed="US$900.00",
    payment="US$100.00",
    agreed="您",
    arrived="谢谢",
    points="10",
    agreement=("陈示例", "US$900.00", "2026年5月10日"),
    receipt=("陈示例", "US$100.00"),
)


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_the_whole_walk(words: Words, app: Flask, client: CheckingClient, lender: Lender, stripe: Stripe) -> None:
    stripe.sandbox.delivery("hostile")
    chinese = words.language == "zh_Hans"
    name = "陈示例（虚构）" if chinese else "Robin Example (made up)"
    debt = a_debt("900.00", lender=lender, debtor=a_debtor(lender=lender, name=name, language=words.language))

    home = come_by_link(client, debt)
    assert page_of(home).language == words.language.replace("_", "-")
    assert page_of(home).says(words.owed)

    afford = client.get(f"/debts/{debt.reference}/what-can-you-afford")
    day = client.fill(afford, {"amount": "100", "frequency": "monthly"})
    assert day.request.path.endswith("/which-day-suits-you")
    choose = client.fill(day, {"pay_day": "10"})
    assert choose.request.path.endswith("/choose-a-plan")
    assert page_of(choose).says(words.works)
    check = client.fill(choose, {"choose": "own"})
    shown = shown_items(check.get_data(as_text=True))
    assert len(shown) == 10
    agreed = client.fill(check, {"code": newest_code()})
    plan = plan_on(debt)
    assert agreed.request.path == f"/plans/{plan.reference}"
    assert page_of(agreed).says(words.agreed)

    # What was shown is what was agreed, and it was kept word for word.
    items = plan_items(debt)
    assert [item.amount_minor for item in items] == shown
    assert f"{plan.total_minor / 100:.2f}" in plan.agreed_text
    assert sum(item.amount_minor for item in items) == plan.total_minor

    page = go_pay(client, debt, choice="next")
    status, hosted = stripe.sandbox.page(page)
    assert status == 200
    assert ("zh" in hosted[:200]) == chinese
    back = stripe.pay(page)
    stripe.deliver()
    work(app, letters=True)
    result = client.get(back)
    assert page_of(result).says(words.arrived)
    assert page_of(result).says(words.payment)

    assert payment_on(debt).state == "succeeded"
    # Interest of a plan is charged on its day and not before.
    assert now(debt).owed.minor == 80_000
    assert page_of(client.get("/points")).says(words.points)
    listed = page_of(client.get("/letters"))
    letters = [read_pdf(client.get(href).data) for href, _words in listed.links if href.endswith(".pdf")]
    assert len(letters) == 2
    (agreement,) = (text for text in letters if payment_on(debt).reference not in text)
    for part in words.agreement:
        assert any(part in text for text in letters), (part, letters)
    for part in words.receipt:
        assert any(part in text and payment_on(debt).reference in text for text in letters), (part, letters)
    # What was said before is in the agreement, in the same words.
    told = [line for paragraph in told_in(plan.agreed_text) for line in paragraph]
    assert len(told) > 10
    for line in told:
        assert "".join(line.split()) in "".join(agreement.split()), line

    found = acts_of(lender.id)
    for act in (
        "signed_in",
        "plan_proposed",
        "quote_made",
        "code_sent",
        "code_accepted",
        "plan_agreed",
        "payment_started",
        "payment_settled",
        "points_awarded",
    ):
        assert found[act] >= 1, act
    assert found["plan_agreed"] == found["payment_settled"] == found["points_awarded"] == 1
    assert found["letter_issued"] == 2
    books_agree()


def shown_items(html: str) -> list[int]:
    """Give the payments in the table of the page, in minor units, as a reader sees them."""
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    lines = re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)
    amounts = [re.findall(r'<td class="number">[^<\d]*([\d.,]+)</td>', line)[0] for line in lines]
    return [int(amount.replace(",", "").replace(".", "")) for amount in amounts]

"""The form of a card: every key of the file's language has a box, and what is sent as it was shown is the same card."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from portal.desk.card_form import CardForm, Entry, Rows, entries, form_for
from portal.lenders.models import Lender
from portal.limits.cards import Card
from portal.limits.reading import parse
from portal.limits.writing import card_table
from portal.money import Money
from portal.staff.roles import Role
from portal.web.languages import force_locale
from tests.factories import LIMITS_WITH_EVERY_WAY, STANDARD_LIMITS
from tests.journeys.staff import a_client, a_worker, cheap, come_to_work
from tests.pages import page_of
from tests.rules.test_limits_round_trip import TEXT, limits_of, whens

DRAFT = "/staff/limits/drafts/1"


def as_sent(form: CardForm) -> MultiDict[str, str]:
    """Give what a browser sends for a form that nobody touched."""
    sent: MultiDict[str, str] = MultiDict()
    for box in form:
        if isinstance(box.data, bool):
            if box.data:
                sent.add(box.name, "y")
        else:
            for value in box.data if isinstance(box.data, list) else [box.data or ""]:
                sent.add(box.name, value)
    return sent


MOST_MINOR = 10**9
CURRENCIES = st.sampled_from(("JPY", "USD", "KWD"))


@st.composite
def cards(draw: st.DrawFn) -> Card:
    currency = draw(CURRENCIES)
    # A box takes no longer amounts, as nowhere in the portal.
    money = st.integers(0, MOST_MINOR).map(lambda minor: Money(minor, currency))
    return draw(st.builds(Card, name=TEXT, when=whens(money), limits=limits_of(currency, MOST_MINOR)))


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(card=cards(), language=st.sampled_from(("en", "zh_Hans")))
def test_a_form_that_is_sent_as_it_was_shown_gives_the_same_card(app: Flask, card: Card, language: str) -> None:
    currency = card.limits.min_payment.currency
    with app.test_request_context(), force_locale(language):
        shown = form_for(card, currency=currency)
        read = form_for(None, currency=currency, sent=as_sent(shown))
        assert read.validate(), read.errors
        assert read.card(currency=currency) == card, read.errors


def keys_of(table: dict[str, object], within: str = "") -> set[str]:
    found = set()
    for key, value in table.items():
        name = f"{within}{key}"
        if isinstance(value, dict) and name != "when.attributes":
            found |= keys_of(value, f"{name}.")
        else:
            found.add(name)
    return found


def test_every_key_that_a_card_can_have_has_a_box(app: Flask) -> None:
    with app.app_context():
        written = keys_of(card_table(parse(LIMITS_WITH_EVERY_WAY, currency="USD").cards[0]))
    boxes = {key for key, _entry in entries()}
    assert written - boxes == set()
    assert sum(isinstance(entry, Entry) for _key, entry in entries()) > 60
    assert {key for key, entry in entries() if isinstance(entry, Rows)} == {
        "when.attributes",
        "interest.bands",
        "discount.bands",
    }


@pytest.fixture
def author(app: Flask, lender: Lender, monkeypatch: pytest.MonkeyPatch):
    cheap(monkeypatch)
    client = a_client(app)
    come_to_work(client, a_worker(app, lender, Role.RULE_AUTHOR))
    client.fill(client.get("/staff/limits"), to="/from-version/1")
    return client


def test_a_card_is_changed_added_copied_moved_and_removed(author) -> None:
    page = author.get(f"{DRAFT}/cards/1")
    assert page_of(page).says("The card “Small balances”")
    changed = page_of(author.fill(page, {"keeping.grace_days": "9", "holiday.most_months_in_12": ""}, to="/cards/1"))
    assert changed.says("A payment that comes 9 days late still counts as kept.")
    author.fill(
        author.get(f"{DRAFT}/cards/add"),
        {"name": "Tractors", "when.products": "Tractor\nPlough", "when.days_late_from": "90"},
        to="/add",
    )
    text = author.get(f"{DRAFT}.toml").get_data(as_text=True)
    names = [card.name for card in parse(text, currency="USD").cards]
    # Above the one for everything else.
    assert names == ["Small balances", "Long overdue", "Tractors", "Everything else"]
    assert parse(text, currency="USD").cards[2].when.products == ("Tractor", "Plough")
    author.fill(author.get(DRAFT), to="/cards/3/up")
    author.fill(author.get(DRAFT), to="/cards/1/copy")
    author.fill(author.get(f"{DRAFT}/cards/4/remove"), to="/remove")
    text = author.get(f"{DRAFT}.toml").get_data(as_text=True)
    assert [card.name for card in parse(text, currency="USD").cards] == [
        "Small balances",
        "Small balances (2)",
        "Tractors",
        "Everything else",
    ]
    assert text != STANDARD_LIMITS


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"keeping.grace_days": "five"}, "Enter a whole number from 0 to 366."),
        ({"least_payment.amount": "-5"}, "Enter an amount above zero."),
        ({"least_payment.amount": ""}, "“Least payment a month” is missing."),
        ({"interest.reduced_rate": "2000"}, "Enter a number from 0 to 1000, with at most 3 digits after the point."),
        ({"name": ""}, "“Name of the card” is missing."),
        ({"name": "Everything else"}, "Another card has this name."),
        ({"token.amount": "3"}, "“Looked at again after so many months” is missing."),
        ({"discount.bands.0.lump_percent": "30"}, "“From so many days late” is missing in this row."),
        ({"discount.most_instalments": "3"}, "Say for which debts so much is let off"),
        ({"interest.bands.0.name": "Harvest", "interest.bands.0.from": "13-40"}, "Enter a day of every year"),
        ({"when.attributes.0.name": "region"}, "Say which texts it may be"),
        ({"interest.policy": "reduced", "interest.reduced_rate": ""}, "“Reduced rate, percent a year” is missing."),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_said_at_its_box_and_kept(author, given: dict[str, str], words: str) -> None:
    refused = author.fill(author.get(f"{DRAFT}/cards/1"), given, to="/cards/1")
    assert refused.status_code == 422
    page = page_of(refused)
    assert words in " ".join(page.words.split())
    sent = {name: value.strip() for form in page.forms for name, value in form.fields}
    assert given.items() <= sent.items()
    assert author.get(f"{DRAFT}.toml").get_data(as_text=True) == STANDARD_LIMITS

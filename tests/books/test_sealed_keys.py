"""Keys of Stripe stand sealed in the database, and are plain where they are used."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text, update

from portal import sealed
from portal.db import Sealed, session, table_of, transaction
from portal.lenders.models import Lender
from portal.payments.checkout import NoPaymentsYet, account_of
from tests.conftest import SECRET_KEY
from tests.factories import a_lender


def kept(lender: Lender) -> str:
    found = session.execute(text("select stripe_secret_key from lender where slug = :slug"), {"slug": lender.slug})
    return str(found.scalar_one())


def fresh(lender: Lender) -> Lender:
    session.rollback()
    session.expunge_all()
    return session.get_one(Lender, lender.id)


def test_a_key_is_sealed_in_the_database_and_plain_in_use(app: Flask) -> None:
    lender = a_lender(stripe_secret_key="sk_test_very_secret")
    assert "very_secret" not in kept(lender)
    assert account_of(fresh(lender), api_base=None).secret_key == "sk_test_very_secret"


def test_a_key_from_before_is_read_as_it_stands(app: Flask) -> None:
    lender = a_lender()
    with transaction() as s:
        s.execute(text("update lender set stripe_secret_key = 'sk_test_plain'"))
    assert fresh(lender).stripe_secret_key == "sk_test_plain"


def test_another_installation_or_column_can_not_open_it(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    lender = a_lender(stripe_secret_key="sk_test_very_secret")
    of_other = sealed.seal("sk_test_stolen", of="lender.stripe_webhook_secret", key=SECRET_KEY)
    with transaction() as s:
        s.execute(text("update lender set stripe_webhook_secret = stripe_secret_key"))
    assert fresh(lender).stripe_webhook_secret is None
    with transaction() as s:
        s.execute(text("update lender set stripe_secret_key = :other"), {"other": of_other})
    with pytest.raises(NoPaymentsYet):
        account_of(fresh(lender), api_base=None)
    with transaction() as s:
        s.execute(update(table_of(Lender)).values(stripe_secret_key="sk_test_again"))
    assert fresh(lender).stripe_secret_key == "sk_test_again"
    monkeypatch.setattr(Sealed, "_key", "another key, as long as keys have to be")
    assert fresh(lender).stripe_secret_key is None

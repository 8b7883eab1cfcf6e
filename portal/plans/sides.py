"""Who sits at the table when a plan is made: the person whose debt it is, or a colleague whom the person allowed to.

The pages, acts and rules are the same for both. What differs is here: whose name stands under an act, and where the
pages are.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.care.requests import Opened, TooMany
from portal.care.states import Kind
from portal.db import transaction
from portal.debts.statement import Standing
from portal.evidence.record import Actor
from portal.lenders.models import LenderCard
from portal.people.permissions import me


@dataclass(frozen=True)
class Side:
    """The person's own side; `helper` is the name of a colleague who sits there for the person."""

    lender: LenderCard
    debtor_id: uuid.UUID
    zone: str
    actor: Actor
    helper: str | None = None

    def at(self, page: str, **values: object) -> str:
        """Give the address of a page of making a plan."""
        return url_for(f"plans.{page}", **values)  # type: ignore[arg-type]

    def page(self, template: str, **values: object) -> str:
        """Give a page of making a plan, as it looks from this side."""
        return render_template(template, at=self.at, helper=self.helper, **values)

    @contextmanager
    def act(self) -> Iterator[Mapping[str, object]]:
        """Begin one act; gives what its record says of a colleague who does it for the person."""
        with transaction():
            yield {}

    def told(self, opened: Opened | TooMany | None) -> None:
        """Tell the person, in the act, what somebody else asked for them; who asks oneself is told by the page."""

    def nothing_to_plan(self, debt: Standing, *, plan: str | None) -> ResponseReturnValue:
        """Lead away where nothing is left to pay, or to the plan that there is, if one is named."""
        if plan is None:
            return redirect(url_for("home.debt", reference=debt.reference), 303)
        return redirect(url_for("plans.plan", reference=plan), 303)

    def asked(self, debt: Standing, opened: Opened | TooMany | None, *, kind: Kind) -> ResponseReturnValue:
        """Lead to where one reads what became of what was asked of a person."""
        if kind is Kind.OFFER:
            return redirect(self.at("sent_to_person", reference=debt.reference), 303)
        if isinstance(opened, Opened):
            return redirect(url_for("care.request", number=opened.number), 303)
        # After too many requests in a day its own page says what was told already, and how to call.
        return redirect(url_for("care.ask", kind=kind.slug, debt=debt.reference), 303)


def own_side() -> Side:
    """Give the side of whoever is signed in."""
    person = me()
    return Side(person.lender, person.debtor_id, person.zone, person.actor)

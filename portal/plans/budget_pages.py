"""Pages of a budget: what comes in and goes out, in short; and what is left over, with how that was reckoned."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from babel.numbers import get_decimal_symbol
from flask import redirect, request
from flask.typing import ResponseReturnValue

from portal import amounts
from portal.affordability.budget import Budget, Every, Group, Household
from portal.affordability.surplus import Surplus, TraceLine, What
from portal.debts.statement import Standing
from portal.limits.cards import AffordabilityModel
from portal.money import Money
from portal.plans import negotiate
from portal.plans.budgets import Leftover
from portal.plans.forms import ASKED_GROUPS, GROUPS_COMING_IN, GROUPS_OF_LIFE, GROUPS_TO_PAY, BudgetForm
from portal.plans.pages import about_a_plan, plans
from portal.plans.sides import Side
from portal.web.fields import typed_before
from portal.web.formats import money as money_words
from portal.web.languages import get_locale, lazy_gettext
from portal.web.languages import gettext as _

_GROUPS: Final = {
    Group.EARNINGS: lazy_gettext("Pay from work"),
    Group.BENEFITS: lazy_gettext("Benefits"),
    Group.PENSION_INCOME: lazy_gettext("Pension"),
    Group.OTHER_INCOME: lazy_gettext("Anything else that comes in"),
    Group.HOME: lazy_gettext("Rent or home loan"),
    Group.UTILITIES: lazy_gettext("Heating, light, water, phone"),
    Group.WATER: lazy_gettext("Water"),
    Group.HEALTH: lazy_gettext("Doctors, medicine, care"),
    Group.TRANSPORT: lazy_gettext("Bus, train, car"),
    Group.SCHOOL: lazy_gettext("School and childcare"),
    Group.INSURANCE: lazy_gettext("Insurance and saving for old age"),
    Group.PROFESSIONAL: lazy_gettext("Fees for advice or a profession"),
    Group.OTHER_ESSENTIAL: lazy_gettext("Other things that must be paid"),
    Group.TAXES: lazy_gettext("Taxes and insurance"),
    Group.PRIORITY_DEBTS: lazy_gettext("Other debts that come first"),
    Group.LEISURE: lazy_gettext("Free time"),
    Group.FOOD: lazy_gettext("Food and household"),
    Group.PERSONAL: lazy_gettext("Clothes and personal things"),
}


def group_words(group: Group) -> str:
    """Give the name of one line of a budget."""
    return str(_GROUPS[group])


_EVERY: Final = {
    Every.WEEK: lazy_gettext("a week"),
    Every.FORTNIGHT: lazy_gettext("every two weeks"),
    Every.FOUR_WEEKS: lazy_gettext("every four weeks"),
    Every.MONTH: lazy_gettext("a month"),
    Every.YEAR: lazy_gettext("a year"),
}


def every_words(every: Every) -> str:
    """Give how often something comes, as an answer to choose."""
    return str(_EVERY[every])


@plans.route("/debts/<reference:reference>/your-budget", methods=["GET", "POST"])
@about_a_plan
def your_budget(side: Side, debt: Standing, today: date) -> ResponseReturnValue:
    """Ask what comes in, what must be paid and what life costs; it can be saved half-way, and left out."""
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(side.at("what_can_you_afford", reference=debt.reference), 303)
    form = BudgetForm()
    for group in ASKED_GROUPS:
        form[group.value].currency = debt.owed.currency
        form[group.value].label.text = group_words(group)
        form[f"{group.value}_every"].choices = [(each.value, every_words(each)) for each in Every]
        form[f"{group.value}_every"].label.text = _("%(what)s: how often", what=group_words(group))
    if request.method == "GET":
        kept = negotiate.budget_of(debt)
        if kept is not None and not typed_before():
            _fill(form, kept.budget)
    elif form.validate():
        budget = Budget(
            currency=debt.owed.currency,
            lines=form.lines(),
            household=Household(adults=form.adults.data or 1, children=form.children.data or 0),
        )
        complete = "save" not in request.form
        with side.act() as done_by:
            again = negotiate.newest_proposal(debt)
            if again is not None:
                negotiate.set_budget(
                    debt,
                    proposal=again,
                    budget=budget,
                    complete=complete,
                    by=side.actor,
                    today=today,
                    done_by=done_by,
                )
        after = "what_is_left" if complete else "choose"
        return redirect(side.at(after, reference=debt.reference), 303)
    parts = (
        (_("What comes in"), GROUPS_COMING_IN),
        (_("What must be paid"), GROUPS_TO_PAY),
        (_("What life costs"), GROUPS_OF_LIFE),
    )
    return (
        side.page(
            "plans/your_budget.html",
            debt=debt,
            form=form,
            parts=[
                (title, [(form[group.value], form[f"{group.value}_every"]) for group in groups])
                for title, groups in parts
            ],
        ),
        422 if form.errors else 200,
    )


def _fill(form: BudgetForm, budget: Budget) -> None:
    """Write what was saved into the boxes, so that somebody goes on where they stopped."""
    mark = get_decimal_symbol(get_locale())
    form.adults.data, form.children.data = budget.household.adults, budget.household.children
    for line in budget.lines:
        if line.group in ASKED_GROUPS:
            text = amounts.written(line.low, decimal_mark=mark)
            if line.high is not None:
                text += f" - {amounts.written(line.high, decimal_mark=mark)}"
            form[line.group.value].data = text
            form[f"{line.group.value}_every"].data = line.every.value


@plans.get("/debts/<reference:reference>/what-is-left")
@about_a_plan
def what_is_left(side: Side, debt: Standing, today: date) -> ResponseReturnValue:
    """Show what a budget leaves over in a month, line by line, and what of it goes to each debt."""
    kept = negotiate.budget_of(debt)
    if kept is None:
        return redirect(side.at("your_budget", reference=debt.reference), 303)
    found = negotiate.leftover(debt, budget=kept.budget, today=today)
    return side.page("plans/what_is_left.html", debt=debt, found=None if found is None else _found(found, debt))


def _found(found: Leftover, debt: Standing) -> dict[str, object]:
    surplus, nothing = found.surplus, Money.zero(debt.owed.currency)
    mine = next((share.amount for share in found.shares if share.reference == debt.reference), nothing)
    return {
        "how": _model_words(found.model),
        "rows": [(_line_words(line), line.counted, _note(line)) for line in surplus.trace],
        "amount": surplus.amount,
        "left": max(surplus.amount, nothing),
        "range": surplus.up_to if surplus.up_to != surplus.amount else None,
        "decides": found.means is not None,
        "affordable": found.affordable,
        "kept_back": mine - found.affordable,
        "shares": [(share.reference, share.amount) for share in found.shares if not share.planned],
        "planned": [(share.reference, share.amount) for share in found.shares if share.planned],
        "notes": tuple(_notes(surplus)),
    }


def _model_words(model: AffordabilityModel) -> str:
    return {
        AffordabilityModel.GUIDELINES: _(
            "We take what comes in and subtract what you told us that you pay. All of it counts as you say it."
        ),
        AffordabilityModel.STANDARDS: _(
            "We take what comes in and subtract what a household like yours is allowed for food, clothes and free "
            "time, whatever you spend, and your other costs."
        ),
        AffordabilityModel.FLOOR: _(
            "We take what comes in and subtract what a household like yours needs to live, or what you told us if that "
            "is more."
        ),
    }[model]


def _line_words(line: TraceLine) -> str:
    match line.what:
        case What.STANDARD:
            return _("Allowed for food, clothes and free time")
        case What.FLOOR:
            return _("What a household like yours needs to live")
        case What.ABOVE_FLOOR:
            return _("What you told us beyond that")
        case What.SAVINGS:
            return _("Put by for what nobody plans")
    return group_words(line.group) if line.group is not None else _("Other things that must be paid")


def _note(line: TraceLine) -> str | None:
    if line.what is What.COST and line.stated != -line.counted:
        return _("You told us %(amount)s; so much of it counts without a reason.", amount=money_words(line.stated))
    return None


def _notes(surplus: Surplus) -> Iterable[str]:
    if surplus.up_to != surplus.amount:
        yield _("You gave ranges, so we counted carefully: the least that comes in, the most that goes out.")
    if surplus.questions:
        yield _("Some costs are more than usual. That is fine: if it matters, a person asks you why, and no more.")
    if surplus.benchmark_only:
        yield _("These figures are for comparing only. They decide nothing.")

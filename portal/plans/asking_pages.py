"""Pages that ask: which way to pay, how much, which day suits; and what that would be, shown before it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from babel.numbers import get_currency_symbol, get_decimal_symbol
from flask import abort, redirect, request
from flask.typing import ResponseReturnValue

from portal import amounts
from portal.debts.statement import Standing
from portal.limits.cards import Limits
from portal.money import Money
from portal.offers.asked import Asked, DownPayment, Lower, Pause, Regular, Settlement, Steps, Way
from portal.people.permissions import needs_debtor
from portal.plans import granting, negotiate
from portal.plans.forms import (
    FORM_OF,
    AffordForm,
    DayOfMonthForm,
    DayOfWeekForm,
    PreviewForm,
    how_often,
    weekday,
)
from portal.plans.negotiate import NoLimits
from portal.plans.offer_cards import in_short
from portal.plans.pages import about_a_plan, debt_with_background, elsewhere, no_limits, plans, waiting_words
from portal.plans.sides import Side, own_side
from portal.plans.words import amount_every, answer_words, asked_words, way_lead, way_title
from portal.schedules.dates import Frequency
from portal.web.fields import MOST_KEPT, Form
from portal.web.languages import get_locale, page_language

# The ends of their addresses, in the order in which one reads them in a menu.
SLUGS = {
    Way.STEPS: "start-low",
    Way.DOWN_PAYMENT: "more-at-first",
    Way.PAUSE: "pause-first",
    Way.LOWER: "less-for-a-while",
    Way.SETTLE_AT_ONCE: "pay-less-and-be-done",
    Way.SETTLE_IN_PARTS: "pay-less-in-parts",
    Way.SEASON: "after-the-harvest",
}
_WAYS = {slug: way for way, slug in SLUGS.items()}


def _prefix(debt: Standing) -> str:
    return get_currency_symbol(debt.owed.currency, get_locale())


def _set_up(form: Form, debt: Standing, *, limits: Limits, today: date) -> None:
    """Tell the fields of a form the currency, today, and how often one may pay."""
    for field in form:
        match field.type:
            case "Amount":
                field.currency = debt.owed.currency
            case "Day":
                field.today = today
            case "RadioField":
                field.choices = list(_rhythms(_frequencies(limits), page_language()))


@lru_cache(maxsize=256)
def _rhythms(frequencies: tuple[Frequency, ...], _language: str) -> tuple[tuple[str, str], ...]:
    """Give how often one may pay, as answers to choose in the language of the page; a card's are few and stay."""
    return tuple((frequency.value, how_often(frequency)) for frequency in frequencies)


class Box(NamedTuple):
    """A field as a page shows it, if nothing is wrong with what was typed."""

    name: str
    data: str
    choices: Sequence[tuple[str, str]] = ()
    errors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What its label names."""
        return self.name


class Typed(NamedTuple):
    """How much and how often, read without a form; `errors` are none."""

    amount: Box
    frequency: Box
    payment: Money
    errors: Mapping[str, Sequence[str]] = MappingProxyType({})


def _typed(debt: Standing, *, limits: Limits) -> Typed | None:
    """Give what was typed if it can be read at once, as nearly always; None where a form has to say what is wrong.

    While somebody types this is asked for at each pause, and a form takes as long as the answer itself.
    """
    typed, often = request.args.get("amount", "").strip(), request.args.get("frequency", "")
    choices = _rhythms(_frequencies(limits), page_language())
    if request.args.get("pay_day") or len(typed) > MOST_KEPT or not any(often == value for value, _words in choices):
        return None
    said = amounts.read(typed, currency=debt.owed.currency, decimal_mark=get_decimal_symbol(get_locale()))
    if not isinstance(said, amounts.Read) or not said.amount:
        return None
    return Typed(Box("amount", typed), Box("frequency", often, choices), said.amount)


def _frequencies(limits: Limits) -> tuple[Frequency, ...]:
    """Give how often one may pay; a season has a page of its own unless there is nothing else."""
    usual = tuple(frequency for frequency in limits.frequencies if frequency is not Frequency.SEASONAL)
    return usual or limits.frequencies


def _usual(limits: Limits) -> str:
    found = _frequencies(limits)
    return (Frequency.MONTHLY if Frequency.MONTHLY in found else found[0]).value


def _other_ways(debt: Standing, *, today: date) -> tuple[Way, ...]:
    """Give the ways that have a page of their own, if the lender's card offers more than regular payments."""
    return tuple(way for way in negotiate.ways_for(debt, today=today) if way in SLUGS)


@plans.route("/debts/<reference:reference>/what-can-you-afford", methods=["GET", "POST"])
@about_a_plan
def what_can_you_afford(side: Side, debt: Standing, today: date) -> ResponseReturnValue:
    """Ask how much, and how often."""
    limits = negotiate.limits_in_force(debt, today=today).limits
    before = negotiate.newest_proposal(debt)
    form = AffordForm()
    _set_up(form, debt, limits=limits, today=today)
    if request.method == "GET":
        form.begin(frequency=_usual(limits))
        if before is not None and before.kind == Way.REGULAR.value:
            written = str(Money(before.amount_minor, before.currency).amount)
            form.begin(frequency=before.frequency, amount=written)
    elif form.validate() and form.amount.money is not None:
        if "show" in request.form:
            asked = {"amount": form.amount.data, "frequency": form.frequency.data}
            return redirect(side.at("preview", reference=debt.reference, **asked), 303)
        with side.act() as done_by:
            negotiate.propose(
                debt,
                payment=form.amount.money,
                frequency=Frequency(form.frequency.data),
                by=side.actor,
                today=today,
                done_by=done_by,
            )
        return redirect(side.at("which_day", reference=debt.reference), 303)
    least = negotiate.least_payment(debt, limits=limits, today=today)
    return (
        side.page(
            "plans/what_can_you_afford.html",
            debt=debt,
            form=form,
            prefix=_prefix(debt),
            least=amount_every(least, Frequency.MONTHLY) if least else None,
            other_ways=bool(_other_ways(debt, today=today)),
            # Who made a plan with somebody is told of it here, however they came.
            waiting=None if before is None else waiting_words(granting.waiting(debt)),
        ),
        422 if form.errors else 200,
    )


@plans.get("/debts/<reference:reference>/preview")
@needs_debtor
def preview(reference: str) -> ResponseReturnValue:
    """Show what regular payments would be, and keep nothing."""
    side = own_side()
    debt, background, today = debt_with_background(side, reference)
    if (away := elsewhere(side, debt, background)) is not None:
        return away
    try:
        in_force = negotiate.limits_in_force(debt, today=today, attributes=background.attributes)
    except NoLimits:
        return no_limits(side, debt)
    form: Form | Typed
    payment, pay_day = None, None
    typed = _typed(debt, limits=in_force.limits)
    if typed is not None:
        form, payment = typed, typed.payment
    else:
        form = (PreviewForm if request.args.get("pay_day") else AffordForm)(formdata=request.args)
        _set_up(form, debt, limits=in_force.limits, today=today)
        if form.validate():
            payment, pay_day = form.amount.money, form.pay_day.data if "pay_day" in form else None
    shown = None
    if payment is not None:
        frequency = Frequency(form.frequency.data)
        if pay_day is not None and not 1 <= pay_day <= (7 if frequency.by_weekday else 31):
            pay_day = None
        asked = negotiate.regular_of(
            debt, payment=payment, frequency=frequency, pay_day=pay_day, today=today, in_force=in_force
        )
        table = negotiate.preview(debt, background, asked=asked, in_force=in_force, today=today)
        choices = negotiate.choices(table)
        title, lines = answer_words(table.answer, choices)
        key = next(iter(choices), None)
        shown = {
            "title": title,
            "lines": lines,
            "offer": in_short(key, choices[key]) if key else None,
        }
    return (
        side.page("plans/preview.html", debt=debt, form=form, prefix=_prefix(debt), shown=shown),
        422 if form.errors else 200,
    )


@plans.get("/debts/<reference:reference>/ways-to-pay")
@about_a_plan
def ways_to_pay(side: Side, debt: Standing, today: date) -> ResponseReturnValue:
    """Show every way to pay that the lender offers for a debt."""
    ways = negotiate.ways_for(debt, today=today)
    return side.page(
        "plans/ways_to_pay.html",
        debt=debt,
        ways=[(way_title(way), way_lead(way), _address(side, way, debt.reference)) for way in ways],
    )


def _address(side: Side, way: Way, reference: str) -> str:
    if way in SLUGS:
        return side.at("way_to_pay", reference=reference, way=SLUGS[way])
    return side.at("what_can_you_afford", reference=reference)


@plans.route("/debts/<reference:reference>/ways-to-pay/<way>", methods=["GET", "POST"])
@about_a_plan
def way_to_pay(side: Side, debt: Standing, today: date, way: str) -> ResponseReturnValue:
    """Ask what one way to pay needs to be known."""
    if way not in _WAYS:
        abort(404)
    chosen = _WAYS[way]
    limits = negotiate.limits_in_force(debt, today=today).limits
    offered = chosen in negotiate.ways_for(debt, today=today)
    if not offered:
        return redirect(side.at("ways_to_pay", reference=debt.reference), 303)
    form = FORM_OF[chosen]()
    _set_up(form, debt, limits=limits, today=today)
    if request.method == "GET" and "frequency" in form:
        form.begin(frequency=_usual(limits))
    if form.validate_on_submit():
        with side.act() as done_by:
            asked = _asked_of(form, chosen, debt, today=today)
            negotiate.ask(debt, asked=asked, by=side.actor, today=today, done_by=done_by)
        after = "choose" if isinstance(asked, Settlement) else "which_day"
        return redirect(side.at(after, reference=debt.reference), 303)
    return (
        side.page(
            "plans/way_to_pay.html",
            debt=debt,
            form=form,
            prefix=_prefix(debt),
            title=way_title(chosen),
            lead=way_lead(chosen),
            day_follows=chosen not in (Way.SETTLE_AT_ONCE, Way.SETTLE_IN_PARTS),
        ),
        422 if form.errors else 200,
    )


def _asked_of(form: Form, way: Way, debt: Standing, *, today: date) -> Asked:
    """Give what a filled-in form asks for."""
    data = form.data
    if way is Way.SETTLE_AT_ONCE:
        return Settlement(form.amount.money, form.pay_by.data)
    if way is Way.SETTLE_IN_PARTS:
        frequency = Frequency(data["frequency"])
        day = form.pay_by.data
        return Settlement(form.amount.money, day, data["parts"], frequency, None if frequency.by_weekday else day.day)
    frequency = Frequency.SEASONAL if way is Way.SEASON else Frequency(data["frequency"])
    then: Regular = negotiate.regular_of(
        debt, payment=form.amount.money, frequency=frequency, pay_day=None, today=today
    )
    match way:
        case Way.STEPS:
            return Steps(((data["count"], form.start.money),), then)
        case Way.DOWN_PAYMENT:
            return DownPayment(form.first.money, form.pay_by.data, then)
        case Way.PAUSE:
            return Pause(data["months"], then)
        case Way.LOWER:
            return Lower(data["months"], then)
    return then


@plans.route("/debts/<reference:reference>/which-day-suits-you", methods=["GET", "POST"])
@about_a_plan
def which_day(side: Side, debt: Standing, today: date) -> ResponseReturnValue:
    """Ask for the pay day."""
    proposal = negotiate.newest_proposal(debt)
    if proposal is None:
        return redirect(side.at("what_can_you_afford", reference=debt.reference), 303)
    asked = negotiate.asked_in(proposal, today=today)
    if isinstance(asked, Settlement):
        # Its day was said with it.
        return redirect(side.at("choose", reference=debt.reference), 303)
    form: DayOfMonthForm | DayOfWeekForm
    if Frequency(proposal.frequency).by_weekday:
        form = DayOfWeekForm()
        form.pay_day.choices = [(number, weekday(number)) for number in range(1, 8)]
    else:
        form = DayOfMonthForm()
    if request.method == "GET" and proposal.pay_day:
        form.begin(pay_day=proposal.pay_day)
    if form.validate_on_submit():
        with side.act() as done_by:
            again = negotiate.newest_proposal(debt)
            if again is not None:
                negotiate.choose_pay_day(
                    debt,
                    proposal=again,
                    pay_day=int(form.pay_day.data),
                    today=today,
                    by=side.actor,
                    done_by=done_by,
                )
        return redirect(side.at("choose", reference=debt.reference), 303)
    return (
        side.page(
            "plans/which_day.html",
            debt=debt,
            form=form,
            asked=asked_words(asked),
            back=_address(side, asked.way, debt.reference),
        ),
        422 if form.errors else 200,
    )

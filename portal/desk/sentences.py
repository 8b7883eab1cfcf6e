"""What a card allows, as sentences that a person reads who has never seen the file.

Invariant: nothing in a card is left unsaid; a test changes one thing after another and expects other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import get_month_names

from portal.limits.cards import (
    AffordabilityModel,
    AttributeRule,
    Card,
    Component,
    DiscountBand,
    InterestPolicy,
    Limits,
    Order,
    RateBand,
    When,
    YearDay,
)
from portal.money import Money
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from portal.web.formats import day as day_words
from portal.web.formats import money, percent
from portal.web.languages import get_locale, ngettext
from portal.web.languages import gettext as _


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences about one subject."""

    title: str
    sentences: tuple[str, ...]


def card_groups(card: Card) -> tuple[Group, ...]:
    """Give all that a card says, by subject; subjects about which it says nothing are left out."""
    found = (
        Group(_("Which debts"), tuple(_when(card.when))),
        Group(_("What is agreed on the spot"), tuple(_alone(card.limits))),
        Group(_("Payments"), tuple(_payments(card.limits))),
        Group(_("Interest"), tuple(_interest(card.limits))),
        Group(_("Letting off"), tuple(_letting_off(card.limits))),
        Group(_("When it is hard"), tuple(_hard(card.limits))),
        Group(_("While a plan runs"), tuple(_running(card.limits))),
        Group(_("What money pays off first"), tuple(_orders(card.limits))),
        Group(_("Kept to ourselves"), tuple(_kept(card.limits))),
    )
    return tuple(group for group in found if group.sentences)


def _bps(bps: int) -> str:
    return percent(Decimal(bps) / 100)


def _months(count: int) -> str:
    return ngettext("%(num)s month", "%(num)s months", count)


def _days(count: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", count)


def listed(words: Sequence[str]) -> str:
    """Give some words in a row, the last two joined by `or`."""
    if len(words) < 2:
        return "".join(words)
    return _("%(first)s or %(last)s", first=_(", ").join(words[:-1]), last=words[-1])


def _when(when: When) -> Iterator[str]:
    least, most = when.balance_from, when.balance_to
    if least is not None and most is not None:
        yield _("Balance from %(least)s to %(most)s.", least=money(least), most=money(most))
    elif least is not None:
        yield _("Balance of %(least)s or more.", least=money(least))
    elif most is not None:
        yield _("Balance of %(most)s or less.", most=money(most))
    first, last = when.days_late_from, when.days_late_to
    if first is not None and last is not None:
        yield _("From %(first)s to %(last)s days late.", first=first, last=last)
    elif first is not None:
        yield _("%(first)s days late or more.", first=first)
    elif last is not None:
        yield _("At most %(last)s days late.", last=last)
    if when.products:
        yield _("The product is %(products)s.", products=listed(when.products))
    for rule in when.attributes:
        yield _attribute(rule)
    if when == When():
        yield _("All debts that no card above fits.")


def _attribute(rule: AttributeRule) -> str:
    if rule.texts:
        return _("“%(name)s” in your file is %(texts)s.", name=rule.name, texts=listed(rule.texts))
    if rule.number_from is None:
        return _("“%(name)s” in your file is %(last)s or less.", name=rule.name, last=rule.number_to)
    if rule.number_to is None:
        return _("“%(name)s” in your file is %(first)s or more.", name=rule.name, first=rule.number_from)
    return _(
        "“%(name)s” in your file is from %(first)s to %(last)s.",
        name=rule.name,
        first=rule.number_from,
        last=rule.number_to,
    )


def _alone(limits: Limits) -> Iterator[str]:
    if limits.auto_accept_months:
        yield _("Plans of up to %(months)s.", months=_months(limits.auto_accept_months))
    else:
        yield _("No plan: a person looks at every one.")
    if limits.discount is not None:
        if limits.auto_accept_discount_bps:
            yield _("Settlements with up to %(share)s let off.", share=_bps(limits.auto_accept_discount_bps))
        else:
            yield _("No settlement: a person looks at every one.")
    yield _("An offer that was shown stays good for %(days)s.", days=_days(limits.offer_validity_days))
    if limits.file_days is not None:
        yield _("A balance that is older than %(days)s is looked up by a person first.", days=_days(limits.file_days))


def _payments(limits: Limits) -> Iterator[str]:
    if limits.min_percent_bps:
        yield _(
            "At least %(amount)s a month, or %(share)s of the balance where that is more.",
            amount=money(limits.min_payment),
            share=_bps(limits.min_percent_bps),
        )
    else:
        yield _("At least %(amount)s a month.", amount=money(limits.min_payment))
    yield _("For up to %(months)s.", months=_months(limits.max_term_months))
    yield _("Paid %(how_often)s.", how_often=listed([_frequency(one) for one in limits.frequencies]))
    if limits.season:
        names = get_month_names("wide", locale=get_locale() or "en")
        yield _("Seasonal payments fall in %(months)s.", months=listed([names[month] for month in limits.season]))
    yield _("The first payment is at most %(days)s away.", days=_days(limits.first_payment_within_days))
    if limits.step_months:
        yield _("Somebody may start with less for %(months)s.", months=_months(limits.step_months))
    else:
        yield _("Nobody may start with less.")
    if limits.down_payment is not None:
        yield _("A first, larger payment is at least %(share)s.", share=_bps(limits.down_payment.least_bps))
        if limits.down_payment.required_from_days_late is not None:
            yield _("It is asked for from %(days)s late on.", days=_days(limits.down_payment.required_from_days_late))


def _frequency(frequency: Frequency) -> str:
    return {
        Frequency.WEEKLY: _("weekly"),
        Frequency.FORTNIGHTLY: _("every two weeks"),
        Frequency.FOUR_WEEKLY: _("every four weeks"),
        Frequency.TWICE_A_MONTH: _("twice a month"),
        Frequency.MONTHLY: _("monthly"),
        Frequency.QUARTERLY: _("quarterly"),
        Frequency.SEASONAL: _("by season"),
    }[frequency]


def _interest(limits: Limits) -> Iterator[str]:
    match limits.interest_policy:
        case InterestPolicy.FROZEN:
            yield _("No interest while a plan runs.")
        case InterestPolicy.CONTRACT:
            yield _("Interest goes on as in the contract.")
        case InterestPolicy.REDUCED:
            yield _(
                "%(rate)s a year while a plan runs, or the contract’s rate where that is lower.",
                rate=percent(limits.reduced_rate or Decimal(0)),
            )
    for band in limits.rate_bands:
        yield _(
            "“%(name)s”: %(rate)s a year from %(first)s to %(last)s.",
            name=band.name,
            rate=percent(band.rate),
            first=_end_of(band, first=True),
            last=_end_of(band, first=False),
        )
    if limits.interest_freeze_months:
        yield _("On request, interest stands still for %(months)s.", months=_months(limits.interest_freeze_months))


def _end_of(band: RateBand, *, first: bool) -> str:
    end: YearDay | date = band.first if first else band.last
    return year_day(end) if isinstance(end, YearDay) else day_words(end)


def year_day(day: YearDay) -> str:
    """Say a day of every year."""
    names = get_month_names("wide", locale=get_locale() or "en")
    return _("%(day)s %(month)s each year", day=day.day, month=names[day.month])


def _letting_off(limits: Limits) -> Iterator[str]:
    if limits.discount is not None:
        for band in limits.discount.bands:
            yield _discount(band)
        for component, ceiling in limits.discount.ceilings_bps:
            yield _("At most %(share)s of the %(part)s.", share=_bps(ceiling), part=component_words(component))
        yield ngettext(
            "A staged settlement has at most %(num)s payment.",
            "A staged settlement has at most %(num)s payments.",
            limits.discount.most_instalments,
        )
        if limits.discount.staged_above_lump:
            yield _("More may be let off in parts than at once.")
    if limits.waiver is not None:
        parts = listed([component_words(one) for one in limits.waiver.components])
        if limits.waiver.vesting is Vesting.ON_LAST_PAYMENT:
            yield _("With the last payment of a plan the %(parts)s is let off.", parts=parts)
        else:
            yield _("With each payment of a plan a part of the %(parts)s is let off.", parts=parts)


def _discount(band: DiscountBand) -> str:
    values = {"first": band.days_late_from, "lump": _bps(band.lump_bps), "staged": _bps(band.staged_bps)}
    if band.days_late_to is None:
        return _("From %(first)s days late: up to %(lump)s off at once, %(staged)s in parts.", **values)
    return _(
        "From %(first)s to %(last)s days late: up to %(lump)s off at once, %(staged)s in parts.",
        last=band.days_late_to,
        **values,
    )


def component_words(component: Component) -> str:
    """Name a part of what is owed inside a sentence."""
    return {
        Component.PENALTY: _("late charges"),
        Component.FEES: _("fees"),
        Component.INTEREST: _("interest"),
        Component.PRINCIPAL: _("principal"),
        Component.COSTS: _("costs"),
    }[component]


def _hard(limits: Limits) -> Iterator[str]:
    if limits.holiday is not None:
        yield _(
            "A pause of up to %(running)s, %(all)s in any twelve, with %(between)s payments between two.",
            running=_months(limits.holiday.most_months_running),
            all=limits.holiday.most_months_in_12,
            between=limits.holiday.payments_between,
        )
        yield {
            Accrual.FROZEN: _("Interest stands still in a pause."),
            Accrual.SIMPLE: _("Interest of a pause is added at its end."),
            Accrual.COMPOUND: _("Interest of a pause is added, and bears interest itself."),
        }[limits.holiday.interest]
        yield {
            Keeps.TERM: _("After a pause there are as many payments left, each a little larger."),
            Keeps.INSTALMENT: _("After a pause payments are as large as before, and the plan is longer."),
        }[limits.holiday.keeps]
    if limits.reduced_payment is not None:
        yield _(
            "Less for up to %(months)s, at least %(share)s of the usual payment.",
            months=_months(limits.reduced_payment.most_months),
            share=_bps(limits.reduced_payment.least_bps),
        )
    if limits.token is not None:
        yield _(
            "A sign of good will of %(amount)s, looked at again after %(months)s.",
            amount=money(limits.token.amount),
            months=_months(limits.token.review_after_months),
        )
    if limits.moratorium_days:
        yield _("In hardship nothing is asked for %(days)s.", days=_days(limits.moratorium_days))
    if limits.affordability_model is not None:
        yield {
            AffordabilityModel.GUIDELINES: _("What is affordable is worked out by spending guidelines."),
            AffordabilityModel.STANDARDS: _("What is affordable is worked out by national standards."),
            AffordabilityModel.FLOOR: _("What is affordable is what is left above a floor."),
        }[limits.affordability_model]
    yield _("Of what is left over, %(share)s stays with the person.", share=_bps(limits.cushion_bps))
    yield _("It is rounded down to whole %(step)s.", step=money(limits.affordability_step))
    yield _("A budget is taken for so for %(days)s.", days=_days(limits.budget_days))


def _running(limits: Limits) -> Iterator[str]:
    yield _("A payment that comes %(days)s late still counts as kept.", days=_days(limits.grace_days))
    if limits.tolerance_bps:
        yield _(
            "If %(amount)s and %(share)s of a payment are missing, it still counts as kept.",
            amount=money(limits.tolerance),
            share=_bps(limits.tolerance_bps),
        )
    elif limits.tolerance:
        yield _("If no more than %(amount)s is missing, it still counts as kept.", amount=money(limits.tolerance))
    yield _("A missed payment can be made up for during %(days)s.", days=_days(limits.cure_days))
    if limits.changes is not None:
        changes = limits.changes
        yield _(
            "Alone, and in any twelve months: a date moved %(moves)s times by up to %(days)s, the pay day changed "
            "%(pay_days)s times, %(skips)s payments left out with %(between)s between two.",
            moves=changes.moves_in_12_months,
            days=_days(changes.move_days),
            pay_days=changes.pay_day_changes_in_12_months,
            skips=changes.skips_in_12_months,
            between=changes.payments_between_skips,
        )
    if limits.new_plans is not None:
        yield _(
            "Another plan in place of one: %(year)s in any twelve months, %(all)s in all, and %(days)s after a break.",
            year=limits.new_plans.most_in_12_months,
            all=limits.new_plans.most_in_all,
            days=_days(limits.new_plans.days_after_a_break),
        )


def _orders(limits: Limits) -> Iterator[str]:
    orders = limits.orders
    yield _("Without a plan: %(order)s.", order=_order(orders.without_plan))
    yield _("In a plan: %(order)s.", order=_order(orders.plan))
    yield _("In a plan that missed a payment: %(order)s.", order=_order(orders.missed))
    yield _("In a settlement: %(order)s.", order=_order(orders.settlement))


def _order(order: Order) -> str:
    return {
        Order.COSTS_FIRST: _("costs, then interest, then principal"),
        Order.PRINCIPAL_FIRST: _("principal, then interest, then costs"),
        Order.BY_INSTALMENT: _("one payment of the plan after the other"),
    }[order]


def _kept(limits: Limits) -> Iterator[str]:
    """Say what is never shown to anybody who owes."""
    yield _(
        "In hardship, payments from %(amount)s a month for up to %(months)s.",
        amount=money(limits.hardship_min_payment),
        months=_months(limits.hardship_max_term_months),
    )
    if limits.person_up_to_months is not None:
        yield _("A person may agree to up to %(months)s.", months=_months(limits.person_up_to_months))
    else:
        yield _("A person may agree to a plan of any length.")
    if limits.person_up_to_discount_bps is not None:
        yield _("A person may let off up to %(share)s.", share=_bps(limits.person_up_to_discount_bps))
    if limits.agents is not None:
        yield _(
            "Somebody of the helpdesk may grant up to %(months)s and %(share)s off.",
            months=_months(limits.agents.longest_months),
            share=_bps(limits.agents.most_discount_bps),
        )


def unfit(
    when: When, *, balance: Money, days_late: int, product: str, attributes: Mapping[str, str]
) -> tuple[str, ...]:
    """Give the sentences of a card that a debt does not fit; none if it is one of the card's."""
    parts = [
        When(balance_from=when.balance_from, balance_to=when.balance_to),
        When(days_late_from=when.days_late_from, days_late_to=when.days_late_to),
        When(products=when.products),
        *(When(attributes=(rule,)) for rule in when.attributes),
    ]
    return tuple(
        sentence
        for part in parts
        if not part.fits(balance=balance, days_late=days_late, product=product, attributes=attributes)
        for sentence in _when(part)
    )

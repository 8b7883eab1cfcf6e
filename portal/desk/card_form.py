"""The form of one card: every key of the file's language as a box, in the order and under the titles of its sentences.

Invariant: what a card says is what its form shows, and a form that is sent as it was shown gives the same card; a test
holds the boxes against the language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from babel.dates import get_month_names
from werkzeug.datastructures import MultiDict

from portal.desk.boxes import Line, Lines, OneOf, SeasonEnd, Share, SomeOf, Sum, Whole, YesNo
from portal.desk.sentences import component_words
from portal.limits.cards import AffordabilityModel, Card, Component, InterestPolicy, Order
from portal.limits.reading import LONGEST_NAME, read_card
from portal.limits.writing import card_table
from portal.schedules.arrangements import Vesting
from portal.schedules.dates import Frequency
from portal.schedules.pauses import Accrual, Keeps
from portal.web.fields import Form
from portal.web.languages import Later, get_locale, lazy_gettext
from portal.web.languages import gettext as _

# Rows beyond those that a card has; whoever wants more saves and comes back, and a file may hold any number.
_SPARE_ROWS: Final = 1
_MOST_ROWS: Final = 60
_TERM: Final = {"least": 1, "most": 600}
_DAYS_LATE: Final = {"most": 36_600}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key as a box: `needed` has to be there, in its table or at all; `offers` are the choices."""

    key: str
    label: Later
    box: type[Any] = Whole
    options: Mapping[str, Any] | None = None
    needed: bool = False
    hint: Later | None = None
    offers: type[Enum] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Keys that come several times: a list of tables, or the attributes of a debt by their names."""

    key: str
    title: Later
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Boxes that belong together; one with a title is folded, as long as it says nothing."""

    entries: tuple[Entry | Rows, ...]
    title: Later | None = None
    hint: Later | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """All about one subject."""

    title: Later
    parts: tuple[Part, ...]


def _months(key: str, label: Later, **more: Any) -> Entry:
    return Entry(key, label, Whole, _TERM, **more)


SECTIONS: Final = (
    Section(
        lazy_gettext("Which debts"),
        (
            Part(
                (
                    Entry("name", lazy_gettext("Name of the card"), Line, {"longest": LONGEST_NAME}, needed=True),
                    Entry(
                        "when.balance_from",
                        lazy_gettext("Balance from"),
                        Sum,
                        hint=lazy_gettext("Empty: any. Both ends belong to it."),
                    ),
                    Entry("when.balance_to", lazy_gettext("Balance up to"), Sum),
                    Entry("when.days_late_from", lazy_gettext("Days late from"), Whole, _DAYS_LATE),
                    Entry("when.days_late_to", lazy_gettext("Days late up to"), Whole, _DAYS_LATE),
                    Entry(
                        "when.products",
                        lazy_gettext("Products, one a line"),
                        Lines,
                        hint=lazy_gettext("Empty: all products."),
                    ),
                )
            ),
            Part(
                (
                    Rows(
                        "when.attributes",
                        lazy_gettext("Something else in your file"),
                        (
                            Entry("name", lazy_gettext("What it is called in your file"), Line),
                            Entry("texts", lazy_gettext("It is one of these, one a line"), Lines),
                            Entry(
                                "from",
                                lazy_gettext("Or a number from"),
                                Share,
                                {"least": -(10**9), "most": 10**9, "decimals": 6},
                            ),
                            Entry(
                                "to",
                                lazy_gettext("Up to the number"),
                                Share,
                                {"least": -(10**9), "most": 10**9, "decimals": 6},
                            ),
                        ),
                    ),
                ),
                lazy_gettext("By something else in your file"),
            ),
        ),
    ),
    Section(
        lazy_gettext("What is agreed on the spot"),
        (
            Part(
                (
                    Entry(
                        "accept_alone_up_to_months",
                        lazy_gettext("Plans of up to so many months"),
                        Whole,
                        {"most": 600},
                        needed=True,
                        hint=lazy_gettext("0: a person looks at every plan."),
                    ),
                    Entry(
                        "offer_valid_days",
                        lazy_gettext("An offer stays good for so many days"),
                        Whole,
                        {"least": 1, "most": 366},
                        needed=True,
                    ),
                )
            ),
            Part(
                (
                    Entry(
                        "decide.alone_up_to_discount_percent",
                        lazy_gettext("Settlements with up to so many percent off"),
                        Share,
                    ),
                    Entry(
                        "file_no_older_than_days",
                        lazy_gettext("A balance older than so many days is looked up first"),
                        Whole,
                        {"most": 366},
                    ),
                ),
                lazy_gettext("Settlements and old balances"),
            ),
        ),
    ),
    Section(
        lazy_gettext("Payments"),
        (
            Part(
                (
                    Entry(
                        "least_payment.amount", lazy_gettext("Least payment a month"), Sum, {"least": 1}, needed=True
                    ),
                    Entry(
                        "least_payment.percent_of_balance",
                        lazy_gettext("Or so many percent of the balance, where that is more"),
                        Share,
                    ),
                    _months("longest_term_months.standard", lazy_gettext("Longest plan, in months"), needed=True),
                    Entry("frequencies", lazy_gettext("How often may be paid"), SomeOf, needed=True, offers=Frequency),
                    Entry(
                        "first_payment_within_days",
                        lazy_gettext("The first payment is at most so many days away"),
                        Whole,
                        {"least": 1, "most": 366},
                        needed=True,
                    ),
                )
            ),
            Part(
                (
                    Entry("seasonal_months", lazy_gettext("Months of seasonal payments"), SomeOf, {"whole": True}),
                    Entry(
                        "step_up_after_months",
                        lazy_gettext("Somebody may start with less for so many months"),
                        Whole,
                        {"most": 600},
                        hint=lazy_gettext("0: nobody. Empty: 3."),
                    ),
                    Entry(
                        "down_payment.least_percent",
                        lazy_gettext("A first, larger payment: at least so many percent"),
                        Share,
                        needed=True,
                    ),
                    Entry(
                        "down_payment.required_from_days_late",
                        lazy_gettext("It is asked for from so many days late on"),
                        Whole,
                        _DAYS_LATE,
                        hint=lazy_gettext("Empty: nobody is made to."),
                    ),
                ),
                lazy_gettext("Seasons, steps and first payments"),
            ),
        ),
    ),
    Section(
        lazy_gettext("Interest"),
        (
            Part(
                (
                    Entry(
                        "interest.policy", lazy_gettext("While a plan runs"), OneOf, needed=True, offers=InterestPolicy
                    ),
                    Entry(
                        "interest.reduced_rate",
                        lazy_gettext("Reduced rate, percent a year"),
                        Share,
                        {"most": 1000, "decimals": 3},
                        hint=lazy_gettext("Only with a reduced rate. The contract’s rate counts where it is lower."),
                    ),
                )
            ),
            Part(
                (
                    Rows(
                        "interest.bands",
                        lazy_gettext("A season with a rate of its own"),
                        (
                            Entry(
                                "name", lazy_gettext("Name of the season"), Line, {"longest": LONGEST_NAME}, needed=True
                            ),
                            Entry("from", lazy_gettext("First day"), SeasonEnd, needed=True),
                            Entry("to", lazy_gettext("Last day"), SeasonEnd, needed=True),
                            Entry(
                                "rate",
                                lazy_gettext("Percent a year"),
                                Share,
                                {"most": 1000, "decimals": 3},
                                needed=True,
                            ),
                        ),
                    ),
                    _months(
                        "interest_freeze.most_months",
                        lazy_gettext("On request, interest stands still for so many months"),
                    ),
                ),
                lazy_gettext("Seasons with a rate, and interest that stands still"),
            ),
        ),
    ),
    Section(
        lazy_gettext("Letting off"),
        (
            Part(
                (
                    Rows(
                        "discount.bands",
                        lazy_gettext("Off the balance, by how late the debt is"),
                        (
                            Entry(
                                "days_late_from", lazy_gettext("From so many days late"), Whole, _DAYS_LATE, needed=True
                            ),
                            Entry("days_late_to", lazy_gettext("To so many days late"), Whole, _DAYS_LATE),
                            Entry("lump_percent", lazy_gettext("Percent off, paid at once"), Share, needed=True),
                            Entry("staged_percent", lazy_gettext("Percent off, paid in parts"), Share),
                        ),
                    ),
                    *(
                        Entry(f"discount.ceilings.{part.value}", label, Share)
                        for part, label in (
                            (Component.PENALTY, lazy_gettext("Most percent off late charges")),
                            (Component.FEES, lazy_gettext("Most percent off fees")),
                            (Component.INTEREST, lazy_gettext("Most percent off interest")),
                            (Component.PRINCIPAL, lazy_gettext("Most percent off principal")),
                            (Component.COSTS, lazy_gettext("Most percent off costs")),
                        )
                    ),
                    _months("discount.most_instalments", lazy_gettext("Most payments of a settlement in parts")),
                    Entry(
                        "discount.staged_above_lump", lazy_gettext("More may be let off in parts than at once"), YesNo
                    ),
                ),
                lazy_gettext("Settlements for less"),
                lazy_gettext("Leave all of it empty if nothing is settled for less."),
            ),
            Part(
                (
                    Entry(
                        "waiver.components",
                        lazy_gettext("What is let off with a plan that is kept"),
                        SomeOf,
                        needed=True,
                        offers=Component,
                    ),
                    Entry("waiver.vesting", lazy_gettext("When it counts"), OneOf, needed=True, offers=Vesting),
                ),
                lazy_gettext("Letting off with a plan that is kept"),
            ),
        ),
    ),
    Section(
        lazy_gettext("When it is hard"),
        (
            Part(
                (
                    Entry(
                        "affordability.keep_back_percent",
                        lazy_gettext("Of what is left over, so many percent stay with the person"),
                        Share,
                    ),
                    Entry(
                        "affordability.round_down_to",
                        lazy_gettext("It is rounded down to whole"),
                        Sum,
                        {"least": 1},
                        needed=True,
                    ),
                    Entry(
                        "affordability.model",
                        lazy_gettext("How it is worked out what is affordable"),
                        OneOf,
                        offers=AffordabilityModel,
                    ),
                    Entry(
                        "affordability.ask_again_after_days",
                        lazy_gettext("A budget is taken for so for so many days"),
                        Whole,
                        {"least": 1, "most": 366},
                    ),
                )
            ),
            Part(
                (
                    Entry(
                        "holiday.most_months_in_12",
                        lazy_gettext("Most months of pause in any twelve"),
                        Whole,
                        {"most": 12},
                        needed=True,
                    ),
                    Entry(
                        "holiday.most_months_running",
                        lazy_gettext("Most months of one pause"),
                        Whole,
                        {"most": 12},
                        needed=True,
                    ),
                    Entry(
                        "holiday.payments_between",
                        lazy_gettext("Payments between two pauses"),
                        Whole,
                        {"most": 600},
                        needed=True,
                    ),
                    Entry("holiday.interest", lazy_gettext("Interest in a pause"), OneOf, needed=True, offers=Accrual),
                    Entry("holiday.keeps", lazy_gettext("After a pause"), OneOf, needed=True, offers=Keeps),
                ),
                lazy_gettext("Pauses"),
                lazy_gettext("Leave all of it empty if there are none."),
            ),
            Part(
                (
                    _months(
                        "reduced_payment.most_months", lazy_gettext("Less than usual for so many months"), needed=True
                    ),
                    Entry(
                        "reduced_payment.least_percent",
                        lazy_gettext("At least so many percent of the usual payment"),
                        Share,
                        needed=True,
                    ),
                    Entry("token.amount", lazy_gettext("A sign of good will of"), Sum, {"least": 1}, needed=True),
                    Entry(
                        "token.review_after_months",
                        lazy_gettext("Looked at again after so many months"),
                        Whole,
                        {"least": 1, "most": 12},
                        needed=True,
                    ),
                    Entry(
                        "moratorium.most_days",
                        lazy_gettext("In hardship nothing is asked for so many days"),
                        Whole,
                        {"least": 1, "most": 3660},
                    ),
                ),
                lazy_gettext("Less for a while, or nothing"),
            ),
        ),
    ),
    Section(
        lazy_gettext("While a plan runs"),
        (
            Part(
                (
                    Entry(
                        "keeping.grace_days",
                        lazy_gettext("A payment so many days late still counts as kept"),
                        Whole,
                        {"most": 366},
                        needed=True,
                    ),
                    Entry(
                        "keeping.tolerance",
                        lazy_gettext("So much may be missing and it still counts"),
                        Sum,
                        needed=True,
                    ),
                    Entry("keeping.tolerance_percent", lazy_gettext("And so many percent of a payment"), Share),
                    Entry(
                        "keeping.cure_days",
                        lazy_gettext("A missed payment can be made up for during so many days"),
                        Whole,
                        {"most": 366},
                    ),
                )
            ),
            Part(
                (
                    Entry(
                        "changes.move_days", lazy_gettext("A date may move by up to so many days"), Whole, {"most": 31}
                    ),
                    Entry(
                        "changes.moves_in_12_months",
                        lazy_gettext("So many times in any twelve months"),
                        Whole,
                        {"most": 100},
                    ),
                    Entry(
                        "changes.pay_day_changes_in_12_months",
                        lazy_gettext("The pay day changes so many times in any twelve months"),
                        Whole,
                        {"most": 100},
                    ),
                    Entry(
                        "changes.skips_in_12_months",
                        lazy_gettext("Payments left out in any twelve months"),
                        Whole,
                        {"most": 12},
                    ),
                    Entry(
                        "changes.payments_between_skips",
                        lazy_gettext("Payments between two that are left out"),
                        Whole,
                        {"most": 600},
                    ),
                ),
                lazy_gettext("What somebody may change alone"),
            ),
            Part(
                (
                    Entry(
                        "new_plans.most_in_12_months",
                        lazy_gettext("Plans in any twelve months"),
                        Whole,
                        {"most": 100},
                        needed=True,
                    ),
                    Entry("new_plans.most_in_all", lazy_gettext("Plans in all"), Whole, {"most": 1000}, needed=True),
                    Entry(
                        "new_plans.days_after_a_break",
                        lazy_gettext("Days after a plan was broken"),
                        Whole,
                        {"most": 366},
                    ),
                ),
                lazy_gettext("Another plan in place of one"),
            ),
        ),
    ),
    Section(
        lazy_gettext("What money pays off first"),
        (
            Part(
                (
                    Entry("allocation.without_plan", lazy_gettext("Without a plan"), OneOf, offers=Order),
                    Entry("allocation.plan", lazy_gettext("In a plan"), OneOf, offers=Order),
                    Entry("allocation.missed", lazy_gettext("In a plan that missed a payment"), OneOf, offers=Order),
                    Entry("allocation.settlement", lazy_gettext("In a settlement"), OneOf, offers=Order),
                ),
                lazy_gettext("The order of what is paid off"),
                lazy_gettext("Nothing chosen: costs, then interest, then principal."),
            ),
        ),
    ),
    Section(
        lazy_gettext("Kept to ourselves"),
        (
            Part(
                (
                    Entry(
                        "least_payment.hardship_amount",
                        lazy_gettext("Least payment a month in hardship"),
                        Sum,
                        needed=True,
                    ),
                    _months(
                        "longest_term_months.hardship", lazy_gettext("Longest plan in hardship, in months"), needed=True
                    ),
                )
            ),
            Part(
                (
                    _months("decide.person_up_to_months", lazy_gettext("A person may agree to up to so many months")),
                    Entry(
                        "decide.person_up_to_discount_percent",
                        lazy_gettext("A person may let off up to so many percent"),
                        Share,
                    ),
                    _months(
                        "agents.longest_months",
                        lazy_gettext("Somebody of the helpdesk may grant up to so many months"),
                        needed=True,
                    ),
                    Entry(
                        "agents.most_discount_percent",
                        lazy_gettext("Somebody of the helpdesk may let off up to so many percent"),
                        Share,
                        needed=True,
                    ),
                ),
                lazy_gettext("What our people may grant"),
                lazy_gettext("Empty: a person may agree to anything, and the helpdesk grants nothing by itself."),
            ),
        ),
    ),
)
# What a table of the file needs although no box of it is filled: these stand in every card.
_ALWAYS: Final = frozenset({"", "least_payment", "longest_term_months", "interest", "keeping", "affordability"})


def _offered(kind: type[Enum] | None, key: str) -> list[tuple[str, str]]:
    """Give what can be chosen, in words."""
    if key == "seasonal_months":
        return [(str(month), name) for month, name in get_month_names("wide", locale=get_locale() or "en").items()]
    return [(each.value, choice_words(each)) for each in kind or ()]


def choice_words(choice: Enum) -> str:
    """Say something that can be chosen, as the form does."""
    words: dict[Enum, str] = {
        Frequency.WEEKLY: _("weekly"),
        Frequency.FORTNIGHTLY: _("every two weeks"),
        Frequency.FOUR_WEEKLY: _("every four weeks"),
        Frequency.TWICE_A_MONTH: _("twice a month"),
        Frequency.MONTHLY: _("monthly"),
        Frequency.QUARTERLY: _("quarterly"),
        Frequency.SEASONAL: _("by season"),
        InterestPolicy.FROZEN: _("no interest"),
        InterestPolicy.CONTRACT: _("interest as in the contract"),
        InterestPolicy.REDUCED: _("a reduced rate"),
        Vesting.ON_LAST_PAYMENT: _("with the last payment"),
        Vesting.WITH_EACH_PAYMENT: _("a part with each payment"),
        AffordabilityModel.GUIDELINES: _("by spending guidelines"),
        AffordabilityModel.STANDARDS: _("by national standards"),
        AffordabilityModel.FLOOR: _("what is left above a floor"),
        Accrual.FROZEN: _("stands still"),
        Accrual.SIMPLE: _("is added at its end"),
        Accrual.COMPOUND: _("is added, and bears interest itself"),
        Keeps.TERM: _("as many payments, each a little larger"),
        Keeps.INSTALMENT: _("payments as large as before, and a longer plan"),
        Order.COSTS_FIRST: _("costs, then interest, then principal"),
        Order.PRINCIPAL_FIRST: _("principal, then interest, then costs"),
        Order.BY_INSTALMENT: _("one payment of the plan after the other"),
        **{component: component_words(component) for component in Component},
    }
    return words[choice]


def entries() -> Iterator[tuple[str, Entry | Rows]]:
    """Give every box or row of boxes with its key."""
    for section in SECTIONS:
        for part in section.parts:
            for entry in part.entries:
                yield entry.key, entry


class CardForm(Form):
    """The boxes of a card; made for one card by `form_for`, because how many rows there are depends on it."""

    def of_part(self, part: Part) -> list[tuple[Later | None, list[Any]]]:
        """Give the boxes of a part in their order; those of a row together, under its title."""
        found: list[tuple[Later | None, list[Any]]] = []
        for entry in part.entries:
            if isinstance(entry, Rows):
                found += [
                    (entry.title, [self[f"{entry.key}.{at}.{each.key}"] for each in entry.entries])
                    for at in range(self.rows[entry.key])
                ]
            else:
                found.append((None, [self[entry.key]]))
        return found

    def says_something(self, part: Part) -> bool:
        """Tell whether anything is filled in, or wrong, in a part."""
        return any(box.data or box.errors for _title, boxes in self.of_part(part) for box in boxes)

    def card(self, *, currency: str) -> Card | None:
        """Give the card that was typed; None, with what is missing said at its box, if it is not complete.

        :raises LimitsError: if it is complete and still none; a test knows of no such case.
        """
        raw = self._raw()
        self._say_what_is_missing(raw)
        if any(field.errors for field in self):
            return None
        return read_card(raw, currency=currency)

    def _raw(self) -> dict[str, Any]:
        """Give what was typed as the tables of a file."""
        raw: dict[str, Any] = {}
        for key, entry in entries():
            if isinstance(entry, Rows):
                rows = [
                    {
                        each.key: kept
                        for each in entry.entries
                        if (kept := self[f"{key}.{at}.{each.key}"].kept) is not None
                    }
                    for at in range(self.rows[key])
                ]
                if any(rows):
                    _put(raw, key, [row for row in rows if row])
            elif (kept := self[key].kept) is not None:
                _put(raw, key, kept)
        if attributes := raw.get("when", {}).get("attributes"):
            raw["when"]["attributes"] = {
                row.get("name", ""): row.get("texts") or {end: row[end] for end in ("from", "to") if end in row}
                for row in attributes
            }
        if "discount" in raw:
            raw["discount"].setdefault("ceilings", {})
        return raw

    def _say_what_is_missing(self, raw: Mapping[str, Any]) -> None:
        for key, entry in entries():
            table = key.rpartition(".")[0]
            if isinstance(entry, Rows):
                self._look_at_rows(entry)
            elif entry.needed and self[key].kept is None and not self[key].errors:
                if table in _ALWAYS:
                    self[key].errors = [_("“%(what)s” is missing.", what=entry.label)]
                elif raw.get(table):
                    self[key].errors = [
                        _("“%(what)s” is missing. Fill it in, or leave all that belongs to it empty.", what=entry.label)
                    ]
        bands = self["discount.bands.0.days_late_from"]
        if raw.get("discount") and "bands" not in raw["discount"] and not bands.errors:
            bands.errors = [_("Say for which debts so much is let off, or leave all about settlements empty.")]
        policy, reduced = self["interest.policy"], self["interest.reduced_rate"]
        if policy.data == InterestPolicy.REDUCED.value and reduced.kept is None and not reduced.errors:
            reduced.errors = [_("“%(what)s” is missing.", what=reduced.label.text)]

    def _look_at_rows(self, rows: Rows) -> None:
        seen: set[str] = set()
        for at in range(self.rows[rows.key]):
            boxes = {entry.key: self[f"{rows.key}.{at}.{entry.key}"] for entry in rows.entries}
            if all(box.kept is None for box in boxes.values()):
                continue
            for entry in rows.entries:
                if entry.needed and boxes[entry.key].kept is None and not boxes[entry.key].errors:
                    boxes[entry.key].errors = [_("“%(what)s” is missing in this row.", what=entry.label)]
            if rows.key == "interest.bands":
                ends = [boxes[end].kept for end in ("from", "to")]
                if None not in ends and isinstance(ends[0], str) is not isinstance(ends[1], str):
                    boxes["to"].errors = [_("Both days have to be of every year, or both of one year.")]
            if rows.key == "when.attributes":
                self._look_at_attribute(boxes, seen)

    @staticmethod
    def _look_at_attribute(boxes: Mapping[str, Any], seen: set[str]) -> None:
        name, numbers = boxes["name"], [boxes[end].kept is not None for end in ("from", "to")]
        if name.kept is None:
            name.errors = [_("“%(what)s” is missing in this row.", what=name.label.text)]
        elif name.kept in seen:
            name.errors = [_("“%(what)s” stands here twice. Put both into one row.", what=name.kept)]
        elif boxes["texts"].kept is None and not any(numbers):
            boxes["texts"].errors = [_("Say which texts it may be, or between which numbers it lies.")]
        elif boxes["texts"].kept is not None and any(numbers):
            boxes["texts"].errors = [_("It is either one of some texts or a number. Leave the other empty.")]
        seen.add(name.kept or "")


def form_for(card: Card | None, *, currency: str, sent: MultiDict[str, str] | None = None) -> CardForm:
    """Give the form of a card: filled with what it says, or with what was sent."""
    table = card_table(card) if card is not None else {}
    rows = {
        entry.key: _rows_in(sent, entry.key) if sent is not None else len(_rows_of(table, entry)) + _SPARE_ROWS
        for _key, entry in entries()
        if isinstance(entry, Rows)
    }
    boxes: dict[str, Any] = {"rows": rows}
    for key, entry in entries():
        if isinstance(entry, Rows):
            for at in range(rows[key]):
                for each in entry.entries:
                    name = f"{key}.{at}.{each.key}"
                    boxes[name] = _box(each, name)
        else:
            boxes[key] = _box(entry, key)
    form = type("CardForm", (CardForm,), boxes)(formdata=sent)
    for field in form:
        if isinstance(field, Sum):
            field.currency = currency
    for key, entry in entries():
        if isinstance(entry, Entry) and entry.box in (OneOf, SomeOf):
            form[key].choices = [*([("", "–")] if entry.box is OneOf else []), *_offered(entry.offers, key)]
    if sent is None:
        _show(form, table)
    assert isinstance(form, CardForm)  # noqa: S101 - it is made of one
    return form


def _box(entry: Entry, name: str) -> Any:
    return entry.box(entry.label, id=name.replace(".", "-"), **(entry.options or {}))


def _show(form: CardForm, table: Mapping[str, Any]) -> None:
    for key, entry in entries():
        if isinstance(entry, Rows):
            for at, row in enumerate(_rows_of(table, entry)):
                for each in entry.entries:
                    form[f"{key}.{at}.{each.key}"].show(row.get(each.key))
        else:
            form[key].show(_get(table, key))


def _rows_of(table: Mapping[str, Any], rows: Rows) -> Sequence[Mapping[str, Any]]:
    found = _get(table, rows.key) or ()
    if isinstance(found, Mapping):
        return [
            {"name": name, **(wanted if isinstance(wanted, Mapping) else {"texts": wanted})}
            for name, wanted in found.items()
        ]
    return list(found)


def _rows_in(sent: MultiDict[str, str], key: str) -> int:
    """Count the rows of a form that was sent."""
    places = [name.removeprefix(f"{key}.").partition(".")[0] for name in sent if name.startswith(f"{key}.")]
    return max((int(place) + 1 for place in places if place.isdecimal() and int(place) < _MOST_ROWS), default=1)


def _get(table: Mapping[str, Any], key: str) -> Any:
    found: Any = table
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _put(raw: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    for name in tables:
        raw = raw.setdefault(name, {})
    raw[last] = value

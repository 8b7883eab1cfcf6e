"""Every box in which somebody may write anything: the number of a card is refused in each."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module

from flask import Flask
from werkzeug.datastructures import MultiDict
from wtforms import StringField, TextAreaField

import portal
from portal.web.fields import Form, Text

CARD = "4242 4242 4242 4242"
# Boxes whose words are kept nowhere, or that take nothing but a value of one shape. Whoever adds one says it here.
NOT_FOR_WORDS = {
    # A file of the lender, which its own reader looks through.
    "FileForm.text",
    "BankFileForm.mapping",
    "BringForm.mapping",
    # Looked for, or looked at, and kept nowhere.
    "FindForm.typed",
    "PlansForm.find",
    "SearchForm.typed",
    "ReallyUsForm.message",
    "PlaceForm.place",
    "TryForm.attributes",
    # A reference of a lender may be sixteen digits that add up by chance.
    "PlaceForm.debt",
    # As above; of those that no debt has, what could be a card is not kept.
    "BatchForm.listed",
    "SignInForm.reference",
    "VisitorForm.reference",
    # The number of a letter is looked for and kept nowhere.
    "CheckNumberForm.number",
    # What has one shape: an address, a phone number, a code.
    "AddressForm.address",
    "InviteForm.email",
    "LostForm.email",
    "StaffSignInForm.email",
    "VisitorForm.contact",
}
# What a lender says of itself stands on every page of its own.
OF_THE_LENDER = {"LenderForm", "LetterheadForm"}


def forms() -> Iterator[type[Form]]:
    """Give every form of the portal."""
    for module in pkgutil.walk_packages(portal.__path__, "portal."):
        if "form" in module.name.rpartition(".")[2]:
            import_module(module.name)
    waiting = list(Form.__subclasses__())
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        # A test may have made forms of its own; those on the page of all components are sent nowhere; and a form that
        # was made for one card, whose boxes are names of products and values of attributes, is no form of its module.
        of_the_portal = getattr(sys.modules[form.__module__], form.__name__, None) is form
        if of_the_portal and form.__module__.startswith("portal.") and not form.__module__.startswith("portal.design."):
            yield form


def boxes(form: type[Form]) -> Iterator[str]:
    """Give the names of boxes for lines and words."""
    for name in dir(form):
        kind = getattr(getattr(form, name), "field_class", None)
        if kind is not None and (kind in (StringField, Text) or issubclass(kind, TextAreaField)):
            yield name


def test_no_box_for_words_takes_the_number_of_a_card(app: Flask) -> None:
    tried, takes = set(), set()
    with app.test_request_context():
        for form in forms():
            for name in boxes(form):
                called = f"{form.__name__}.{name}"
                tried.add(called)
                if called in NOT_FOR_WORDS or form.__name__ in OF_THE_LENDER:
                    continue
                filled = form(formdata=MultiDict({name: f"Take it from {CARD}."}))
                filled[name].validate(filled)
                if not any("number of a card" in str(said) for said in filled[name].errors):
                    takes.add(called)
    assert not takes
    assert tried >= NOT_FOR_WORDS, "an exception for a box that is gone"
    assert len(tried) > 30

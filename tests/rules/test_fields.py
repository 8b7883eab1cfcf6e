"""Attributes of fields: written by us as WTForms writes them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from wtforms.widgets import html_params

from portal.web.fields import attributes

NAMES = ("class_", "id", "data_a_b", "aria_describedby", "required", "value")
VALUES = st.one_of(st.booleans(), st.integers(), st.text(), st.text().map(Markup), st.none())


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_attributes_are_those_of_wtforms_to_the_letter(attributes_given: dict[str, object]) -> None:
    assert attributes(**attributes_given) == html_params(**attributes_given)

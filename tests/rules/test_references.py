"""A lender's reference survives the way into an address and back, whatever signs it holds."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.routing import Map, Rule

from portal.web.references import ReferenceConverter

MAP = Map(
    [Rule("/debts/<reference:reference>/check", endpoint="check")], converters={"reference": ReferenceConverter}
).bind("localhost")


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
def test_a_reference_comes_back_as_it_was(reference: str) -> None:
    address = MAP.build("check", {"reference": reference})
    assert address.count("/") == 3
    from_wire = address.encode().decode()
    endpoint, values = MAP.match(unquoted(from_wire))
    assert endpoint == "check"
    assert values == {"reference": reference}


def test_a_slash_and_a_question_mark_are_part_of_the_reference() -> None:
    assert MAP.build("check", {"reference": "2024/0012?a"}) == "/debts/2024~2F0012~3Fa/check"


def unquoted(address: str) -> str:
    """What a server makes of the address before the routes see it."""
    return unquote(address)

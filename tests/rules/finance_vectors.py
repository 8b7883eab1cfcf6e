"""Worked examples of other people's making, each with its source, from vectors/finance.json."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

_ALL = json.loads((Path(__file__).parent / "vectors" / "finance.json").read_text(), parse_float=Decimal)


def vectors(kind: str) -> list[Any]:
    """Return the examples of a kind, as pytest parameters named by their id."""
    return [each for each in _ALL if each["kind"] == kind]


def named(vector: dict[str, Any]) -> str:
    """Return a vector's id, for pytest."""
    return str(vector["id"])

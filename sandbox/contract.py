"""What a request may hold and an answer must hold, read from the request and answer types of the installed SDK.

So the stand-in refuses what the real service would not know, without a second list that could drift from the first.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

# Parts of a request that travel in its head and not in its body.
_HEADERS = frozenset(RequestOptions.__annotations__)
_KEY = re.compile(r"\[([^\[\]]*)\]")
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", re.ASCII)


class Unfit(Exception):
    """A request that the SDK's own types do not allow: which parameter, and the code that Stripe gives it."""

    def __init__(self, code: str, param: str, message: str) -> None:
        super().__init__(code, param, message)
        self.code = code
        self.param = param
        self.message = message


def tree_of(encoded: str) -> dict[str, Any]:
    """Return the nested form of a form-encoded body or query: `a[b][0]=c` is `{"a": {"b": {"0": "c"}}}`.

    :raises Unfit: if a name is used both for a value and for a part, or the nesting is deeper than ten.
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, max_num_fields=2000):
        head, _, _ = name.partition("[")
        parts = [head, *_KEY.findall(name)]
        if len(parts) > 10:
            raise Unfit("parameter_unknown", name, f"Received unknown parameter: {name}")
        at = tree
        for part in parts[:-1]:
            below = at.setdefault(part, {})
            if not isinstance(below, dict):
                raise Unfit("parameter_invalid_object", name, f"Invalid object: {name}")
            at = below
        last = parts[-1] or str(len(at))
        if isinstance(at.get(last), dict):
            raise Unfit("parameter_invalid_object", name, f"Invalid object: {name}")
        at[last] = value
    return tree


def fitted(given: Mapping[str, Any], params: type) -> dict[str, Any]:
    """Return a request with its values as Python values (int, bool, list, dict), or say what does not fit.

    :raises Unfit: if a parameter is unknown, missing or of the wrong type, at any depth.
    """
    return _object(given, params, "")


def _object(given: Any, params: type, path: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Unfit("parameter_invalid_object", path, f"Invalid object: {path}")
    known = _fields(params)
    found = {}
    for name, value in given.items():
        here = f"{path}[{name}]" if path else name
        if name not in known:
            if name == "payment_method_types":
                raise Unfit(
                    "payment_method_types_no_longer_supported",
                    here,
                    "payment_method_types is no longer supported. Use dynamic payment methods.",
                )
            raise Unfit("parameter_unknown", here, f"Received unknown parameter: {here}")
        found[name] = _value(value, known[name][0], params, here)
    for name, (_, required) in known.items():
        if required and name not in found:
            here = f"{path}[{name}]" if path else name
            raise Unfit("parameter_missing", here, f"Missing required param: {here}.")
    return found


@cache
def _fields(params: type) -> Mapping[str, tuple[Any, bool]]:
    known = {}
    for name, kind in params.__annotations__.items():
        if name in _HEADERS:
            continue
        required = True
        kind = _resolved(kind, params)
        if str(get_origin(kind)).endswith("NotRequired"):
            required = False
            kind = _resolved(get_args(kind)[0], params)
        known[name] = (kind, required)
    return known


def _resolved(kind: Any, owner: type) -> Any:
    if isinstance(kind, ForwardRef):
        kind = kind.__forward_arg__
    if isinstance(kind, str):
        try:
            # The text is the SDK's own annotation, evaluated among the names of the SDK's own module.
            return eval(kind, vars(sys.modules[owner.__module__]))
        except NameError:
            # Imported by the SDK for its type checker only: a linked object, given by its id or whole.
            return ForwardRef(kind)
    return kind


def _choices(kind: Any, owner: type) -> list[Any]:
    kind = _resolved(kind, owner)
    if get_origin(kind) in (Union, types.UnionType):
        return [choice for part in get_args(kind) for choice in _choices(part, owner)]
    return [kind]


def _value(value: Any, kind: Any, owner: type, path: str) -> Any:
    choices = _choices(kind, owner)
    words = [word for choice in choices if get_origin(choice) is Literal for word in get_args(choice)]
    # The SDK writes an open set as Literal[...] | str. What it does not list, the installed version does not know.
    closed = any(word != "" for word in words)
    if isinstance(value, str) and value in words:
        return value
    first: Unfit | None = None
    for choice in choices:
        if get_origin(choice) is Literal or choice is type(None) or (choice is str and closed):
            continue
        try:
            return _one(value, choice, owner, path)
        except Unfit as wrong:
            # A wrong part inside the right shape says more than "some other shape was expected".
            first = first if first is not None and len(first.param) >= len(wrong.param) else wrong
    if closed and (isinstance(value, str) or first is None):
        shown = ", ".join(sorted(str(word) for word in words)[:12])
        raise Unfit("parameter_invalid_enum", path, f"Invalid {path}: must be one of {shown}")
    raise first or Unfit("parameter_invalid_string", path, f"Invalid string: {path}")


def _one(value: Any, kind: Any, owner: type, path: str) -> Any:
    if is_typeddict(kind):
        return _object(value, kind, path)
    origin = get_origin(kind)
    if origin is list:
        if not isinstance(value, Mapping):
            raise Unfit("parameter_invalid_array", path, f"Invalid array: {path}")
        if sorted(value) != sorted(str(at) for at in range(len(value))):
            raise Unfit("parameter_invalid_array", path, f"Invalid array: {path}")
        inner = get_args(kind)[0]
        return [_value(value[str(at)], inner, owner, f"{path}[{at}]") for at in range(len(value))]
    if origin is dict:
        if not isinstance(value, Mapping):
            raise Unfit("parameter_invalid_object", path, f"Invalid object: {path}")
        inner = get_args(kind)[1]
        return {str(key): _value(part, inner, owner, f"{path}[{key}]") for key, part in value.items()}
    if not isinstance(value, str):
        raise Unfit("parameter_invalid_string", path, f"Invalid string: {path}")
    if kind is bool:
        if value not in ("true", "false"):
            raise Unfit("parameter_invalid_boolean", path, f"Invalid boolean: {path}")
        return value == "true"
    if kind is int:
        if not _INTEGER.fullmatch(value):
            raise Unfit("parameter_invalid_integer", path, f"Invalid integer: {value}")
        return int(value)
    if kind is str:
        if not value:
            raise Unfit(
                "parameter_invalid_empty",
                path,
                f"You passed an empty string for '{path}'. Leave the parameter out instead.",
            )
        return value
    if getattr(kind, "__name__", "") in ("Decimal", "float"):
        if not _NUMBER.fullmatch(value):
            raise Unfit("parameter_invalid_decimal", path, f"Invalid decimal: {value}")
        return value
    # What is left are the SDK's own containers for free-form data, which its Dict alternative covers.
    raise Unfit("parameter_invalid_object", path, f"Invalid object: {path}")


def missing_fields(answer: Any, kind: type, path: str = "") -> tuple[str, ...]:
    """Return the names of fields that an SDK object type promises (annotated without Optional) and an answer lacks."""
    if not isinstance(answer, Mapping):
        return (path or kind.__name__,)
    return tuple(_missing(answer, kind, path or str(answer.get("object", kind.__name__))))


def _missing(answer: Mapping[str, Any], kind: type, path: str) -> Iterable[str]:
    for name, annotation in _annotations(kind).items():
        here = f"{path}.{name}"
        choices = _choices(annotation, kind)
        if name not in answer or answer[name] is None:
            if type(None) not in choices:
                yield here
            continue
        value = answer[name]
        if not any(_looks_like(value, choice) for choice in choices):
            yield f"{here} (wrong type)"
            continue
        for choice in choices:
            if isinstance(choice, type) and isinstance(value, Mapping) and _is_object_type(choice):
                yield from _missing(value, choice, here)
            elif get_origin(choice) is list and isinstance(value, list):
                inner = get_args(choice)[0]
                for at, part in enumerate(value):
                    if isinstance(inner, type) and isinstance(part, Mapping) and _is_object_type(inner):
                        yield from _missing(part, inner, f"{here}[{at}]")


@cache
def _annotations(kind: type) -> Mapping[str, Any]:
    found = {}
    for name, annotation in kind.__annotations__.items():
        if name.startswith("_") or name == "deleted" or "ClassVar" in str(annotation):
            continue
        found[name] = _resolved(annotation, kind)
    return found


def _is_object_type(kind: type) -> bool:
    return any(base.__name__ == "StripeObject" for base in kind.__mro__) and bool(kind.__annotations__)


def _looks_like(value: Any, choice: Any) -> bool:
    if isinstance(choice, (ForwardRef, str)):
        # A linked object: either its id or, expanded, the whole of it.
        return isinstance(value, (str, Mapping))
    origin = get_origin(choice)
    if origin is Literal:
        return value in get_args(choice)
    if origin is list:
        return isinstance(value, list)
    if origin is dict:
        return isinstance(value, Mapping)
    if choice in (int, bool, str):
        return type(value) is choice
    if choice is type(None):
        return value is None
    if isinstance(origin or choice, type) and any(
        base.__name__ == "StripeObject" for base in (origin or choice).__mro__
    ):
        return isinstance(value, Mapping)
    # Any, decimals and the like.
    return not isinstance(choice, type) or choice.__name__ in ("Decimal", "float", "object")

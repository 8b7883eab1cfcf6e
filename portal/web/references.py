"""A lender's own references in addresses: whatever signs they hold, one reference is one part of a path."""

from __future__ import annotations

import re
from urllib.parse import quote

from werkzeug.routing import BaseConverter, ValidationError

# These would end the part, the path, or mean something to a browser or proxy even when they are escaped.
_AWKWARD = re.compile(r"[~/\\?#%;]|^\.|^\s|\s$")
_WRITTEN = re.compile(r"~([0-9A-F]{2})")


class ReferenceConverter(BaseConverter):
    """Writes `2024/0012` as `2024~2F0012`, and reads it back."""

    regex = r"[^/]{1,200}"

    def to_python(self, value: str) -> str:
        """Read a reference from an address.

        :raises werkzeug.routing.ValidationError: if it was not written by us.
        """
        if re.search(r"~(?![0-9A-F]{2})", value):
            raise ValidationError
        return _WRITTEN.sub(lambda found: chr(int(found[1], 16)), value)

    def to_url(self, value: str) -> str:
        """Write a reference for an address."""
        return quote(_AWKWARD.sub(lambda found: f"~{ord(found[0]):02X}", value), safe="~")

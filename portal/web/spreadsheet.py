"""Lists to take away: CSV that spreadsheets open in the right script, and in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from flask import Response

# At the beginning, and where a spreadsheet that splits at semicolons, tabs or line breaks would begin another cell.
_BEGINS_A_FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@＝＋－＠])")


def safe_cell(value: object) -> object:
    """Give a cell that a spreadsheet shows and never runs; numbers stay numbers.

    >>> safe_cell("=1+1"), safe_cell("paid;=1+1"), safe_cell(-7), safe_cell(None)
    ("'=1+1", "paid;'=1+1", -7, '')
    """
    if isinstance(value, str):
        return _BEGINS_A_FORMULA.sub(r"\1\2'", value)
    return "" if value is None else value


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Give a table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue()


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Give a table as a file to download; the mark at its beginning tells spreadsheets that it is UTF-8."""
    return Response(
        csv_text(header, rows).encode("utf-8-sig"),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )

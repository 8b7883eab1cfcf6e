"""Lists to take away: CSV that spreadsheets open in the right script, and in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from flask import Response, stream_with_context

# At the beginning, and where a spreadsheet that splits at semicolons, tabs or line breaks would begin another cell.
_BEGINS_A_FORMULA = re.compile(r"(^|[;\t\r\n])(\s*)(?=[=+\-@＝＋－＠])")


_ROWS_OF_A_PIECE = 200


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


def csv_stream(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Give a table without end as a file to download, written as it is read."""
    return Response(
        stream_with_context(_pieces(header, rows)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _pieces(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    yield csv_text(header, ()).encode("utf-8-sig")
    some: list[Sequence[object]] = []
    for row in rows:
        some.append(row)
        if len(some) == _ROWS_OF_A_PIECE:
            yield _text_of(some)
            some = []
    yield _text_of(some)


def _text_of(rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([safe_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()

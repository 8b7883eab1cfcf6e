"""A lender's file and its mapping together: each row that is read becomes a debt, nothing owed, or refusals."""

from collections.abc import Collection, Iterator
from datetime import date
from itertools import chain, islice
from pathlib import Path

from portal.debts.mapping import PortfolioMapping
from portal.debts.opening import open_table
from portal.debts.results import RowResult
from portal.debts.row_reader import RowReader, compile_mapping
from portal.debts.tables import FileLimits, FileRefused, Numbered, Table

_AT_ONCE = 500


class Portfolio:
    """A lender's file, opened with its mapping; `results()` can be walked once."""

    def __init__(self, *, table: Table, read: RowReader) -> None:
        self.table = table
        self._read = read

    @property
    def bytes_read(self) -> int:
        """Return roughly how much of `bytes_total` was read, for a progress bar."""
        return self.table.bytes_read

    @property
    def bytes_total(self) -> int:
        """Return how much there is to read."""
        return self.table.bytes_total

    def results(self) -> Iterator[RowResult]:
        """Return what each row becomes, in the order of the file, without holding more than a few hundred.

        :raises FileRefused: if the rest of the file turns out to be unreadable or too long.
        """
        return chain.from_iterable(self._parts())

    def _parts(self) -> Iterator[list[RowResult]]:
        rows = self.table.rows()
        while True:
            part: list[Numbered] = []
            try:
                part.extend(islice(rows, _AT_ONCE))
            except FileRefused:
                # What came before the trouble stays in the list, and is told first.
                if part:
                    yield self._read.many(part)
                raise
            if not part:
                return
            yield self._read.many(part)

    def __enter__(self) -> "Portfolio":
        return self

    def __exit__(self, *_: object) -> None:
        self.table.close()


def open_portfolio(
    path: Path | str,
    *,
    mapping: PortfolioMapping,
    today: date,
    currencies: Collection[str] | None,
    as_of: date | None = None,
    limits: FileLimits | None = None,
) -> Portfolio:
    """Open a lender's file with its mapping; see `compile_mapping` for `currencies` and `as_of`.

    :raises FileRefused: if the file as a whole cannot be read so.
    :raises MappingRefused: if the as-of date is still to come.
    """
    table = open_table(path, encoding=mapping.encoding, separator=mapping.separator, sheet=mapping.sheet, limits=limits)
    try:
        read = compile_mapping(
            mapping,
            header=table.header,
            today=today,
            currencies=currencies,
            native_dates=table.native_dates,
            as_of=as_of,
        )
    except BaseException:
        table.close()
        raise
    return Portfolio(table=table, read=read)

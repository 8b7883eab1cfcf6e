"""Read a CSV file as a stream of rows of text."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from portal.debts.tables import (
    BrokenRow,
    FileLimits,
    FileProblem,
    FileRefused,
    Numbered,
    Table,
    broken_row,
    only_a_header,
    read_header,
    too_many_rows,
)

_ENCODINGS = {
    "utf8": "utf-8-sig",
    "utf8sig": "utf-8-sig",
    "ascii": "utf-8-sig",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "latin1": "latin-1",
    "iso88591": "latin-1",
    "windows1252": "windows-1252",
    "cp1252": "windows-1252",
}
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# Encodings in which nearly any bytes can be read, as other letters.
_READS_ANYTHING = frozenset({"gb18030", "latin-1", "windows-1252"})
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_SEPARATOR_WORDS = {word: sign for sign, word in SEPARATORS.items()} | {"pipe": "|", "\\t": "\t"}


def encoding_named(name: str | None) -> str:
    """Return the codec for an encoding that a mapping may declare; UTF-8 for none.

    :raises FileRefused: if it is not one of those that are read.
    """
    if name is None:
        return "utf-8-sig"
    codec = _ENCODINGS.get(re.sub(r"[^a-z0-9]", "", name.lower()))
    if codec is None:
        raise FileRefused(
            FileProblem.UNKNOWN_ENCODING,
            f"The encoding {name!r} is not read. Choose utf-8, gb18030, utf-16, windows-1252 or latin-1.",
        )
    return codec


def separator_named(name: str | None) -> str | None:
    """Return the one character for a separator that a mapping may declare as itself or as a word ("tab").

    :raises FileRefused: if it is not one of those that are read.
    """
    if name is None or name in SEPARATORS:
        return name
    sign = _SEPARATOR_WORDS.get(name.strip().lower())
    if sign is None:
        raise FileRefused(
            FileProblem.UNKNOWN_SEPARATOR,
            f"The separator {name!r} is not read. Choose comma, semicolon, tab or bar.",
        )
    return sign


def open_csv(
    path: Path, *, declared: str | None, separator: str | None, limits: FileLimits, size: int, head: bytes
) -> Table:
    """Open a CSV file of so many bytes that begins with `head`; `declared` is the mapping's encoding.

    :raises FileRefused: if the file as a whole cannot be read.
    """
    codec = encoding_named(declared)
    _check_bytes(path, codec, declared=declared, head=head)
    # The csv module knows one limit for the whole process; nothing else in it reads CSV with longer cells.
    csv.field_size_limit(limits.cell)
    with path.open("r", encoding=codec, newline="") as stream:
        sample = stream.read(262_144)
    sign = _separator(path.name, sample, declared=separator_named(separator))
    raw = path.open("rb")
    lines = io.TextIOWrapper(raw, encoding=codec, newline="")
    try:
        rows = _csv_rows(path.name, lines, separator=sign, limits=limits)
        found = next(rows, None)
        if found is None:
            raise FileRefused(FileProblem.EMPTY, f"{path.name} is empty.")
        if isinstance(found[1], BrokenRow):
            raise FileRefused(FileProblem.DAMAGED, f"The header of {path.name} cannot be read: {found[1].sentence}")
        header = read_header(path.name, found[1], limits=limits)
        first = next(rows, None)
        if first is None:
            raise only_a_header(path.name)
    except BaseException:
        lines.close()
        raise
    return Table(
        header=header,
        rows=chain((first,), rows),
        bytes_total=size,
        position=lambda: size if raw.closed else raw.tell(),
        close=lines.close,
        kind="csv",
        separator=sign,
    )


def _csv_rows(name: str, lines: io.TextIOWrapper, *, separator: str, limits: FileLimits) -> Iterator[Numbered]:
    """Yield the header and the rows; the number is the line on which a row begins."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    line, left = 0, limits.rows + 1
    while True:
        try:
            for row in reader:
                first, line = line + 1, reader.line_num
                # A line without a single filled cell is the gap at the end of an exported sheet and not a row.
                if row and (row[0] or any(row)):
                    left -= 1
                    if left < 0:
                        raise too_many_rows(name, limits)
                    yield first, row
            return
        except csv.Error as error:
            first, line = line + 1, reader.line_num
            said = str(error)
            # A broken row of one line is that row's trouble; over several lines it has swallowed its neighbours.
            if line > first or "unexpected end of data" in said:
                raise FileRefused(
                    FileProblem.QUOTE_NOT_CLOSED,
                    f"A quotation mark opens on line {first} of {name} and is not closed rightly by line {line}. "
                    'A quotation mark inside a cell is written twice ("").',
                ) from error
            left -= 1
            if left < 0:
                raise too_many_rows(name, limits) from error
            if "field larger than field limit" in said:
                yield first, broken_row(sentence=f"A cell has more than {limits.cell:,} characters.", too_long=True)
            else:
                yield first, broken_row(sentence='A quotation mark inside a cell must be written twice ("").')
        except UnicodeDecodeError as error:
            # The bytes were checked before; they changed under our hands.
            raise FileRefused(FileProblem.DAMAGED, f"{name} changed while it was read.") from error


def _check_bytes(path: Path, codec: str, *, declared: str | None, head: bytes) -> None:
    """Read the bytes once: a wrong encoding on the last line must not be found after the first million rows."""
    tried = declared or "utf-8"
    wide = looks_utf16(head)
    if wide is not None and not codec.startswith("utf-16"):
        raise _wrong_encoding(path.name, tried, offset=0, line=1, better=wide)
    if codec.startswith("utf-16") and wide is None:
        raise _wrong_encoding(path.name, tried, offset=0, line=1, better=_better_encoding(path, codec))
    decoder = codecs.getincrementaldecoder(codec)("strict")
    # Any bytes can be read so; those that make sense as UTF-8 from the first to the last are UTF-8.
    as_utf8 = codecs.getincrementaldecoder("utf-8")("strict") if codec in _READS_ANYTHING else None
    accent: int | None = None
    read = 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(1 << 20)
            read += len(chunk)
            if not codec.startswith("utf-16") and b"\0" in chunk:
                offset = read - len(chunk) + chunk.index(b"\0")
                raise FileRefused(
                    FileProblem.NUL_BYTE,
                    f"{path.name} has a NUL byte on line {_line_at(path, offset)} (byte {offset:,}). "
                    "The file is damaged or is not text.",
                )
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                offset = read - len(error.object) + error.start
                raise _wrong_encoding(
                    path.name,
                    tried,
                    offset=offset,
                    line=_line_at(path, offset),
                    better=_better_encoding(path, codec),
                ) from error
            if as_utf8 is not None:
                try:
                    as_utf8.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    as_utf8 = None
                if accent is None and (first := _NOT_ASCII.search(chunk)) is not None:
                    accent = read - len(chunk) + first.start()
            if not chunk:
                break
    if as_utf8 is not None and accent is not None:
        raise FileRefused(
            FileProblem.WRONG_ENCODING,
            f"The mapping says that {path.name} is in {tried}, but it is in utf-8 (see line {_line_at(path, accent)}). "
            'Write encoding = "utf-8".',
        )


def _wrong_encoding(name: str, tried: str, *, offset: int, line: int, better: str | None) -> FileRefused:
    sentence = f"{name} is not in {tried}: line {line} (byte {offset:,}) cannot be read so."
    if better is not None:
        sentence += f' {better} fits: write encoding = "{better}" in the mapping, or save the file as utf-8.'
    else:
        sentence += " No other encoding that is read fits; save the file as utf-8."
    return FileRefused(FileProblem.WRONG_ENCODING, sentence)


def looks_utf16(head: bytes) -> str | None:
    """Say which kind of UTF-16 the bytes are, if any."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[: len(head) // 2 * 2][:4096]
    for places, name in ((sample[1::2], "utf-16-le"), (sample[0::2], "utf-16-be")):
        if len(places) >= 4 and places.count(0) > len(places) * 3 // 5:
            return name
    return None


def _better_encoding(path: Path, failed: str) -> str | None:
    """Suggest the encoding that decodes the file, told by the shape of its high bytes."""
    candidates = [codec for codec in ("utf-8", "gb18030", "windows-1252", "latin-1") if codec != failed]
    with path.open("rb") as stream:
        sample = stream.read(4 << 20)
    # In GB text the second byte of a pair is nearly always high too; an accented Latin letter mostly stands alone.
    pairs = re.findall(rb"[\x81-\xfe][\x40-\xfe]", sample)
    chinese = bool(pairs) and sum(pair[1] >= 0xA1 for pair in pairs) > len(pairs) * 4 // 5
    if not chinese:
        candidates = [codec for codec in candidates if codec != "gb18030"]
    for codec in candidates:
        try:
            codecs.getincrementaldecoder(codec)("strict").decode(sample)
        except UnicodeDecodeError:
            continue
        return codec
    return None


def _line_at(path: Path, offset: int) -> int:
    lines = 1
    with path.open("rb") as stream:
        while offset > 0:
            chunk = stream.read(min(offset, 1 << 20))
            if not chunk:
                break
            lines += chunk.count(b"\n")
            offset -= len(chunk)
    return lines


def _separator(name: str, sample: str, *, declared: str | None) -> str:
    widths = {sign: _widths(sample, sign) for sign in SEPARATORS}
    # A separator that cuts the first row as it cuts the header is the right one, whatever else stands in the titles.
    best = max(SEPARATORS, key=lambda sign: (1 < widths[sign][0] == widths[sign][1], widths[sign][0]))
    if declared is None:
        return best
    if widths[declared][0] <= 1 < widths[best][0]:
        raise FileRefused(
            FileProblem.WRONG_SEPARATOR,
            f"With the separator {SEPARATORS[declared]} the header of {name} is a single column; "
            f"with {SEPARATORS[best]} it has {widths[best][0]} columns. "
            f'Write separator = "{SEPARATORS[best]}" in the mapping.',
        )
    return declared


def _widths(sample: str, sign: str) -> tuple[int, int]:
    widths = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=sign):
            if row and any(row):
                widths.append(len(row))
            if len(widths) == 2:
                break
    except csv.Error:
        pass  # The reading itself meets the same trouble and names the line.
    return (*widths, 0, 0)[:2]  # type: ignore[return-value]

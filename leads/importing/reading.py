"""Records of a CSV file, each with the line it begins on: a broken one never takes its neighbors with it."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from leads.importing.decoding import BadFile, Decoded, examine
from leads.wire.refusals import Refusal

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MAX_CELL: Final = 131_072
MAX_LINE: Final = 1_000_000
# A quote that nobody closes would otherwise swallow the rest of the file.
MAX_LINES_OF_A_RECORD: Final = 1_000
MAX_COLUMNS: Final = 1_000
SAMPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its cells as written, or why it can't be read. `raw` is its text in the file."""

    line: int
    cells: tuple[str, ...]
    raw: str
    refusal: Refusal | None = None


class _Cut(str):
    """The beginning of a line that is longer than any record; the rest was read past."""


@dataclass
class _Lines:
    """Physical lines with their numbers; some can be given back."""

    stream: TextIO
    number: int = 0
    given_back: deque[tuple[int, str]] = field(default_factory=deque)

    def next(self) -> tuple[int, str] | None:
        if self.given_back:
            return self.given_back.popleft()
        line = self.stream.readline(MAX_LINE)
        if not line:
            return None
        self.number += 1
        if len(line) < MAX_LINE or line.endswith(("\n", "\r")):
            return self.number, line
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = self.stream.readline(MAX_LINE)
        return self.number, _Cut(line[:100])


@dataclass(frozen=True)
class Table:
    """A CSV file that can be read: how it is encoded and divided, and its header."""

    path: Path
    decoded: Decoded
    delimiter: str
    header: tuple[str, ...]
    header_line: int

    def records(self) -> Iterator[Record]:
        """Every record below the header, blank lines left out. May be called again; each time reads the file anew.

        A quote that is never closed, and a record of several lines with the wrong number of cells, costs its first
        line only: the next is read as a new record.
        """
        with _opened(self.path, self.decoded) as stream:
            for record in _records(_Lines(stream), self.delimiter, width=len(self.header)):
                if record.line > self.header_line and (record.refusal or any(cell.strip() for cell in record.cells)):
                    yield record

    def count(self) -> int:
        """How many records there are."""
        return sum(1 for _ in self.records())


def open_table(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Look at a file and find its header. Raises BadFile where there is nothing to import in it."""
    decoded = examine(path, encoding=encoding)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise BadFile('A delimiter is one character, such as "," or ";", or a tab.')
    try:
        with _opened(path, decoded) as stream:
            lines = _Lines(stream)
            first = _first_line(lines)
            declared = first[1].strip(" \r\n") if first else ""
            if declared.lower().startswith("sep=") and len(declared) == 5:
                # The line by which a spreadsheet is told the delimiter.
                delimiter, first = delimiter or declared[4], _first_line(lines)
        if first is None:
            raise BadFile(f"{path} is empty. Export it again with its header line and at least one row.")
        if isinstance(first[1], _Cut):
            raise BadFile(f"The first line of {path} is no header: it is longer than {MAX_LINE:,} characters.")
        chosen = delimiter or _sniffed(path, decoded, start=first[0])
        with _opened(path, decoded) as stream:
            records = _records(_Lines(stream), chosen, width=None)
            header = next(record for record in records if record.line >= first[0])
    except UnicodeError:
        raise BadFile(f"{path} can't be read as {decoded.encoding}. Save it as UTF-8, or name its encoding.") from None
    cells = tuple(" ".join(cell.split()) for cell in header.cells)
    if header.refusal is not None:
        raise BadFile(f"The header in line {header.line} can't be read. {header.refusal.sentence}")
    if len(cells) > MAX_COLUMNS:
        raise BadFile(f"{path} has {len(cells):,} columns; at most {MAX_COLUMNS:,} can be imported.")
    last_line = header.line + header.raw.rstrip("\r\n").count("\n")
    return Table(path, decoded, chosen, cells, last_line)


def _opened(path: Path, decoded: Decoded) -> TextIO:
    return path.open(encoding=decoded.encoding, errors=decoded.errors, newline="")


def _first_line(lines: _Lines) -> tuple[int, str] | None:
    while (found := lines.next()) is not None:
        if found[1].strip(" \t\r\n,;|\ufeff"):
            return found
    return None


def _sniffed(path: Path, decoded: Decoded, *, start: int) -> str:
    """The delimiter by which the first records have the same number of cells, and as many as possible."""
    best, best_rank = ",", (0, 0.0)
    for delimiter in DELIMITERS:
        widths = []
        with _opened(path, decoded) as stream:
            for record in _records(_Lines(stream), delimiter, width=None):
                if record.line >= start:
                    widths.append(len(record.cells))
                if len(widths) >= SAMPLE:
                    break
        if not widths or widths[0] < 2:
            continue
        alike = sum(width == widths[0] for width in widths) / len(widths)
        rank = (widths[0] if alike > 0.5 else 1, alike)
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _records(lines: _Lines, delimiter: str, *, width: int | None) -> Iterator[Record]:
    while (first := lines.next()) is not None:
        yield _record(first, lines, delimiter, width=width)


def _record(first: tuple[int, str], lines: _Lines, delimiter: str, *, width: int | None) -> Record:
    """One record that begins with this line, and with what follows as far as its quotes reach."""
    number, text = first
    if isinstance(text, _Cut):
        sentence = f"The line is longer than {MAX_LINE:,} characters."
        return Record(number, (), text, Refusal("line_too_long", sentence))
    taken = [first]
    try:
        cells = tuple(next(csv.reader(_feed(taken, lines), delimiter=delimiter, strict=True)))
    except StopIteration:
        cells = ()
    except csv.Error as error:
        return _alone(taken, lines, delimiter, error, width=width)
    if len(taken) > 1 and width is not None and not _fits(cells, width):
        return _alone(taken, lines, delimiter, None, width=width)
    return _checked(number, cells, "".join(line for _, line in taken), width=width)


def _feed(taken: list[tuple[int, str]], lines: _Lines) -> Iterator[str]:
    yield taken[0][1]
    while len(taken) < MAX_LINES_OF_A_RECORD and (line := lines.next()) is not None:
        taken.append(line)
        yield line[1]


def _alone(
    taken: list[tuple[int, str]], lines: _Lines, delimiter: str, error: csv.Error | None, *, width: int | None
) -> Record:
    """Read the first line by itself, as leniently as it goes; those after it are read anew."""
    number, text = taken[0]
    lines.given_back.extendleft(reversed(taken[1:]))
    if error is not None and "field larger" in str(error) and len(taken) == 1:
        sentence = f"A cell holds more than {MAX_CELL:,} characters."
        return Record(number, (), text, Refusal("cell_too_large", sentence))
    if text.count('"') % 2:
        sentence = "A quotation mark is opened in this line and closed nowhere in the record."
        return Record(number, (), text, Refusal("open_quote", sentence))
    try:
        cells = tuple(next(csv.reader([text], delimiter=delimiter), ()))
    except csv.Error:
        return Record(number, (), text, Refusal("unreadable", "The quotation marks of this line make no sense."))
    return _checked(number, cells, text, width=width)


def _fits(cells: tuple[str, ...], width: int) -> bool:
    return len(cells) == width or (len(cells) > width and not any(cell.strip() for cell in cells[width:]))


def _checked(number: int, cells: tuple[str, ...], raw: str, *, width: int | None) -> Record:
    """Refuse what would land in the wrong columns or in no database. Trailing empty cells may be left out."""
    if "\0" in raw:
        return Record(number, cells, raw, Refusal("nul_character", "A cell holds a NUL character."))
    if not raw.isascii() and any("\ud800" <= character <= "\udfff" for character in raw):
        sentence = "The row holds bytes that are no text in the file's encoding. Save the file as UTF-8."
        return Record(number, cells, raw, Refusal("not_text", sentence))
    if width is not None and len(cells) > width:
        if any(cell.strip() for cell in cells[width:]):
            sentence = f"The row has {len(cells)} cells, the header has {width}. Quote cells that hold the delimiter."
            return Record(number, cells, raw, Refusal("too_many_cells", sentence))
        cells = cells[:width]
    if width is not None and len(cells) < width:
        cells += ("",) * (width - len(cells))
    return Record(number, cells, raw)

"""The report of refused rows as a file: to be opened in a spreadsheet, corrected, and imported again."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType

from leads.importing.decoding import BadFile
from leads.importing.mapping import REPORTED
from leads.importing.reading import Record, Table
from leads.receipts import RefusedEntry

# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defused(cell: str) -> str:
    """A cell no spreadsheet runs: an apostrophe before what looks like a formula. Importing takes it off again."""
    text = "".join(c if c != "\0" and not "\ud800" <= c <= "\udfff" else "\ufffd" for c in cell)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


class Report:
    """A CSV file of refused rows: line, reason, and the row as it was. UTF-8 with its mark, as spreadsheets want it."""

    def __init__(self, path: Path, table: Table) -> None:
        if path.resolve() == table.path.resolve():
            raise BadFile("The report would overwrite the file itself. Give it another name.")
        try:
            self._stream = path.open("w", encoding="utf-8-sig", newline="")
        except OSError as error:
            raise BadFile(f"The report {path} can't be written: {error.strerror}.") from None
        self._writer = csv.writer(self._stream, delimiter=table.delimiter)
        self._writer.writerow([*REPORTED, *map(defused, table.header)])

    def tell(self, entry: RefusedEntry, record: Record) -> None:
        """Add one refused row."""
        cells = record.cells or (record.raw.rstrip("\r\n"),)
        self._writer.writerow([entry.index, entry.sentence, *map(defused, cells)])

    def __enter__(self) -> Report:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

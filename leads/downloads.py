"""Files that people download: CSV in which whatever comes from outside is text, and no formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Final

from django.http import HttpResponse

# What a spreadsheet takes for the beginning of a formula.
RUNS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, header: Iterable[object], rows: Iterable[Iterable[object]]) -> HttpResponse:
    """The table as a file of this name; numbers stay numbers, words that would run are defused."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")  # by this mark spreadsheets know UTF-8
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(map(_inert, header))
    writer.writerows(map(_inert, row) for row in rows)
    return response


def _inert(cell: object) -> object:
    if isinstance(cell, (int, float)):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(RUNS) else text

"""Files that people upload: kept until they are imported, read through a file that is gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from leads.importing.decoding import BadFile
from leads.importing.mapping import IGNORE, TRAIT, Mapping, map_columns
from leads.importing.reading import Table, open_table
from leads.importing.run import begin
from leads.models import Job, Upload, User
from leads.transactions import business
from leads.wire import as_email

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_ROWS: Final = 20_000
KEPT_FOR: Final = timedelta(days=1)
SHOWN_ROWS: Final = 4
REHEARSED: Final = 1_000
BY_COMMAND: Final = "Larger files go in by the command: manage.py import_leads."


@dataclass(frozen=True)
class Column:
    """One column as it will be read: its field, a trait of its own, or not at all; and what stands in it."""

    name: str
    field: str
    examples: Sequence[str]


@dataclass(frozen=True)
class Preview:
    """What an import would do."""

    columns: list[Column]
    total: int
    rehearsed: int
    report: dict[str, Any]


@business
def keep(name: str, content: bytes, *, now: datetime, by: User) -> Upload:
    """Keep a file for a day. Raises BadFile for one that is too large, or no CSV file."""
    if len(content) > MAX_BYTES:
        raise BadFile(f"A file may have {MAX_BYTES // 1024 // 1024} MB here. {BY_COMMAND}")
    Upload.objects.filter(uploaded_at__lt=now - KEPT_FOR).delete()
    plain = "".join(sign for sign in Path(name.replace("\\", "/")).name if sign.isprintable() and sign not in "/\0")
    made = Upload(name=plain.strip(" .")[-100:] or "file.csv", content=content, by=by, uploaded_at=now)
    with _table(made):
        made.save()
    return made


def preview(upload: Upload, overrides: Sequence[str] = (), *, day_first: bool | None = None, now: datetime) -> Preview:
    """How the file would be read, and what would become of its first thousand rows. Writes nothing. Raises BadFile."""
    with _table(upload) as table:
        mapping = map_columns(table.header, overrides)
        run = begin(table, mapping, tell=lambda entry, record: None, now=now, day_first=day_first, rehearsal=True)
        if run.total > MAX_ROWS:
            raise BadFile(f"The file has {run.total:,} rows; {MAX_ROWS:,} can be taken in here. {BY_COMMAND}")
        while run.done < REHEARSED and run.step(now=now):
            pass
        return Preview(_columns(table, mapping), run.total, run.done, run.report())


def columns(upload: Upload) -> list[Column]:
    """How its columns would be read, also where none says who it is: somebody may know which one does.

    None of a file whose first line is a row already.
    """
    with _table(upload) as table:
        if any(as_email(name) for name in table.header):
            return []
        return _columns(table, map_columns(table.header, needs_key=False))


def take_in(
    upload: Upload, overrides: Sequence[str] = (), *, day_first: bool | None = None, now: datetime, by: User
) -> Job:
    """Import the file, each batch in its own transaction; returns the job with its report. Raises BadFile."""
    with _table(upload) as table:
        mapping = map_columns(table.header, overrides)
        if table.count() > MAX_ROWS:
            raise BadFile(f"The file has more than {MAX_ROWS:,} rows. {BY_COMMAND}")
        run = begin(table, mapping, tell=lambda entry, record: None, now=now, by=by, day_first=day_first)
        state = Job.State.FAILED
        try:
            while run.step(now=now):
                pass
            state = Job.State.DONE
        finally:
            run.end(state, now=now)
    Upload.objects.filter(pk=upload.pk).delete()
    if run.job is None:
        raise AssertionError("Only a rehearsal has no job.")
    return run.job


@contextmanager
def _table(upload: Upload) -> Iterator[Table]:
    """The file, opened as a table. A refusal speaks of it by its name alone."""
    with tempfile.TemporaryDirectory(prefix="baton-import-") as folder:
        path = Path(folder) / upload.name
        path.write_bytes(bytes(upload.content))
        try:
            yield open_table(path)
        except BadFile as refused:
            raise BadFile(str(refused).replace(str(path), upload.name)) from None


def _columns(table: Table, mapping: Mapping) -> list[Column]:
    of_place = {place: field for field, place in mapping.fields.items()}
    records = table.records()
    sample = [record.cells for record, _ in zip(records, range(SHOWN_ROWS), strict=False) if not record.refusal]
    return [
        Column(
            name,
            of_place.get(place) or (TRAIT if place in mapping.traits else IGNORE),
            list(_filled(cells[place] for cells in sample if place < len(cells))),
        )
        for place, name in enumerate(table.header)
        if name
    ]


def _filled(cells: Iterable[str]) -> Iterator[str]:
    for cell in cells:
        text = " ".join(cell.split())
        if text:
            yield text[:60]

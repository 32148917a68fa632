"""One import from beginning to end, batch by batch, with its job: how far it is, and what became of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from leads.importing.decoding import BadFile
from leads.importing.mapping import Mapping
from leads.importing.reading import Record, Table
from leads.importing.rows import Reader, Row
from leads.importing.taking import FileId, Taken, rehearse, take
from leads.models import Job, Organization, Source, User
from leads.receipts import RefusedEntry
from leads.sources import create_source
from leads.wire.refusals import Refusal

BATCH: Final = 500
SOURCE: Final = "File import"
KEPT_REFUSALS: Final = 100

# Called with each refused row and its record.
Tell = Callable[[RefusedEntry, Record], None]


@dataclass
class Import:
    """One file on its way in. `job` is `None` for a rehearsal, which writes nothing."""

    table: Table
    mapping: Mapping
    reader: Reader
    file: FileId
    total: int
    source: Source | None
    job: Job | None
    tell: Tell
    batch: int
    done: int = 0
    sum: Taken = field(default_factory=Taken)
    refused: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    cut: Counter[tuple[str, int]] = field(default_factory=Counter)
    _records: Iterator[Record] = iter(())

    def step(self, *, now: datetime) -> bool:
        """Take in the next batch; False when there was none left.

        Raises BadFile where the file can't be read on, and OperationalError where the database is away.
        """
        try:
            records = list(islice(self._records, self.batch))
        except (UnicodeError, OSError) as error:
            raise BadFile(f"{self.table.path} can't be read any further ({type(error).__name__}).") from None
        if not records:
            return False
        rows, refused = self._read(records, now=now)
        if self.source is None:
            taken = rehearse(rows, refused, file=self.file)
        else:
            taken = take(rows, refused, file=self.file, source=self.source, now=now)
        self._count(taken, records)
        return True

    def is_cancelled(self) -> bool:
        """True where somebody asked this job to end."""
        return self.job is not None and Job.objects.filter(pk=self.job.pk, cancel_requested_at__isnull=False).exists()

    def end(self, state: Job.State, *, now: datetime) -> None:
        """Write down how it ended."""
        if self.job is None:
            return
        self.job.state, self.job.finished_at = state, max(now, self.job.started_at)
        self.job.save(update_fields=["state", "finished_at"])

    def _read(self, records: list[Record], *, now: datetime) -> tuple[list[Row], list[RefusedEntry]]:
        rows, refused = [], []
        for record in records:
            try:
                rows.append(self.reader.read(record, now=now))
            except Refusal as no:
                body = record.raw.encode("utf-8", "surrogatepass" if self._is_wide() else "surrogateescape")
                refused.append(RefusedEntry(record.line, no.code, no.sentence, body, self.file.message_id(record.line)))
        return rows, refused

    def _is_wide(self) -> bool:
        return self.table.decoded.errors == "surrogatepass"

    def _count(self, taken: Taken, records: list[Record]) -> None:
        of_line = {record.line: record for record in records}
        self.done += len(records)
        self.refused += len(taken.refused)
        for entry in taken.refused:
            self.tell(entry, of_line[entry.index])
        kept = (self.sum.refused + taken.refused)[:KEPT_REFUSALS]
        self.left_out.update(taken.ignored)
        self.cut.update(taken.cut)
        self.sum = replace(self.sum + taken, refused=kept, ignored=(), cut=())
        if self.job is not None:
            self.job.done, self.job.refused, self.job.report = self.done, self.refused, self.report()
            self.job.save(update_fields=["done", "refused", "report"])

    def report(self) -> dict[str, Any]:
        """What became of it so far; of refused rows the first hundred."""
        return {
            "file": self.file.name,
            "created": self.sum.created,
            "updated": self.sum.updated,
            "repeated": self.sum.repeated,
            "already_imported": self.sum.duplicates,
            "refused": self.refused,
            "refusals": [{"line": one.index, "code": one.code, "sentence": one.sentence} for one in self.sum.refused],
            "cells_left_out": dict(self.left_out),
            "cells_cut": {name: [count, length] for (name, length), count in self.cut.items()},
            "columns": self.mapping.said(self.table.header),
            "read_as": {
                "digest": self.file.digest,
                "delimiter": self.table.delimiter,
                "columns": list(self.table.header),
            },
        }


def begin(
    table: Table,
    mapping: Mapping,
    *,
    tell: Tell,
    now: datetime,
    by: User | None = None,
    day_first: bool | None = None,
    rehearsal: bool = False,
    batch: int = BATCH,
) -> Import:
    """Begin to import a file: count its rows and open its job. `rehearsal` writes nothing, not even the job.

    Dates without a zone are the organization's. Raises BadFile where the file has no rows, or imports are turned off.
    """
    try:
        total = table.count()
    except UnicodeError:
        raise BadFile(f"{table.path} can't be read as {table.decoded.encoding}. Save it as UTF-8.") from None
    if not total:
        raise BadFile(f"{table.path} has a header and no rows. Export it again with its rows.")
    zone = ZoneInfo(Organization.objects.values_list("time_zone", flat=True).get(pk=1))
    source = None if rehearsal else _source()
    job = None
    if not rehearsal:
        title = f"Import {table.path.name}"[:200]
        job = Job.objects.create(kind="import", title=title, by=by, total=total, started_at=now)
    return Import(
        table=table,
        mapping=mapping,
        reader=Reader(table.header, mapping, zone, day_first),
        file=FileId(table.path.name, _digest(table, mapping, day_first)),
        total=total,
        source=source,
        job=job,
        tell=tell,
        batch=batch,
        _records=table.records(),
    )


def _digest(table: Table, mapping: Mapping, day_first: bool | None) -> str:
    """The same bytes read in the same way: read in another way, a file says something else."""
    read = (table.decoded.digest, table.decoded.encoding, table.delimiter, day_first)
    said = (sorted(mapping.fields.items()), sorted(mapping.traits.items()))
    return blake2b(repr((read, said)).encode(), digest_size=16).hexdigest()


def _source() -> Source:
    """The source all files come from."""
    found = Source.objects.filter(name=SOURCE).first() or create_source(SOURCE, kind=Source.Kind.IMPORT)[0]
    if found.kind != Source.Kind.IMPORT:
        raise BadFile(f'The source "{SOURCE}" is one of requests, not of files. Rename it in the admin.')
    if not found.is_active:
        raise BadFile(f'The source "{SOURCE}" is turned off. Turn it on in the admin to import files.')
    return found

"""`manage.py import_leads FILE`: takes in a CSV file of leads, with progress, and ends cleanly on Ctrl-C."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError

from leads import clock
from leads.errors import Refused
from leads.importing.mapping import Mapping, map_columns
from leads.importing.reading import DELIMITERS, Record, Table, open_table
from leads.importing.reporting import Report
from leads.importing.run import BATCH, Import, begin
from leads.models import Job
from leads.receipts import RefusedEntry

SHOWN_REFUSALS = 20
INTERRUPTED = 130  # what a shell answers for Ctrl-C


class Command(BaseCommand):
    """Exit code 0 also where rows were refused, 1 where the file can't be imported, 130 after Ctrl-C."""

    help = "Import leads from a CSV file. Nothing in it counts as news: no clock starts. See docs/import.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="A CSV file with a header line.")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            dest="overrides",
            help='What a column means, such as "Work mail=email"; FIELD may be trait or ignore. May be repeated.',
        )
        parser.add_argument("--dry-run", action="store_true", help="Read and report; write nothing.")
        parser.add_argument("--report", type=Path, metavar="FILE.csv", help="Write the refused rows to this file.")
        parser.add_argument("--dates", choices=("day-first", "month-first"), help="How to read dates such as 4/5/2026.")
        parser.add_argument("--encoding", help="The file's encoding, where it isn't found rightly (such as cp1252).")
        parser.add_argument(
            "--delimiter", help='The sign between cells, where it isn\'t found rightly ("tab" for tab).'
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        self.shown, self.interrupted, self.told_at = 0, False, 0.0
        try:
            delimiter = options["delimiter"]
            table = open_table(
                file, encoding=options["encoding"], delimiter="\t" if delimiter in ("tab", r"\t") else delimiter
            )
            mapping = map_columns(table.header, options["overrides"])
            self._introduce(table, mapping)
            with ExitStack() as stack:
                report = stack.enter_context(Report(options["report"], table)) if options["report"] else None
                run = begin(
                    table,
                    mapping,
                    tell=lambda entry, record: self._refused(entry, record, report),
                    now=clock.now(),
                    day_first={"day-first": True, "month-first": False}.get(options["dates"] or ""),
                    rehearsal=options["dry_run"],
                    batch=BATCH,
                )
                self._carry_out(run)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped before anything was taken in.", returncode=INTERRUPTED) from None

    def _carry_out(self, run: Import) -> None:
        """Batch after batch until the end, a Ctrl-C, or a failure; the job says which."""
        state, began = Job.State.FAILED, time.monotonic()
        before = signal.signal(signal.SIGINT, self._interrupt)
        try:
            while not (self.interrupted or run.is_cancelled()):
                if not run.step(now=clock.now()):
                    state = Job.State.DONE
                    break
                self._progress(run, began)
            else:
                state = Job.State.CANCELLED
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                f"The database went away after {run.done:,} of {run.total:,} rows: {type(error).__name__}. "
                "Run the same command again: what was taken in is not taken in twice."
            ) from None
        except KeyboardInterrupt:
            state = Job.State.CANCELLED
            raise CommandError(self._stopped(run), returncode=INTERRUPTED) from None
        finally:
            signal.signal(signal.SIGINT, before)
            self._end(run, state)
        self._conclude(run, time.monotonic() - began)
        if state == Job.State.CANCELLED:
            raise CommandError(self._stopped(run), returncode=INTERRUPTED)

    def _end(self, run: Import, state: Job.State) -> None:
        try:
            run.end(state, now=clock.now())
        except (OperationalError, InterfaceError):
            self.stderr.write("The job could not be closed: the database is away.")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """The first Ctrl-C lets the present batch finish, the second gives it up."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self.stderr.write("Finishing the present batch … (Ctrl-C again gives it up)")

    def _introduce(self, table: Table, mapping: Mapping) -> None:
        name = DELIMITERS.get(table.delimiter, f'"{table.delimiter}"')
        self.stdout.write(f"{table.path}: {table.decoded.encoding}, cells divided by {name}.")
        for line in mapping.said(table.header):
            self.stdout.write(f"  {line}")
        if mapping.traits:
            self.stdout.write(f"  kept as traits: {', '.join(mapping.traits.values())}")

    def _refused(self, entry: RefusedEntry, record: Record, report: Report | None) -> None:
        if report is not None:
            report.tell(entry, record)
        self.shown += 1
        if self.shown <= SHOWN_REFUSALS:
            self.stdout.write(f"  line {entry.index}: {entry.sentence}")
        elif self.shown == SHOWN_REFUSALS + 1:
            self.stdout.write("  … further refused rows are not shown; --report FILE.csv writes all of them.")

    def _progress(self, run: Import, began: float) -> None:
        present = time.monotonic()
        if present - self.told_at < 1 and run.done < run.total:
            return
        self.told_at = present
        speed = run.done / max(present - began, 0.001)
        self.stdout.write(
            f"{100 * run.done // run.total:>3}%  {run.done:,} of {run.total:,} rows  "
            f"{speed:,.0f} rows/s  {run.refused:,} refused"
        )

    def _conclude(self, run: Import, seconds: float) -> None:
        verb = "Would make" if run.job is None else "Made"
        self.stdout.write(
            f"{verb} {run.sum.created:,} new leads and {'update' if run.job is None else 'updated'} "
            f"{run.sum.updated:,} rows of known ones in {seconds:.1f} s; "
            f"{run.sum.repeated:,} further rows of the same new people, "
            f"{run.sum.duplicates:,} rows were imported before, {run.refused:,} refused."
        )
        for name, count in sorted(run.left_out.items()):
            self.stdout.write(f"  {count:,} cells of {name} could not be read and were left out.")
        for name, (count, length) in sorted(run.report()["cells_cut"].items()):
            self.stdout.write(f"  {count:,} cells of {name} were longer than {length} characters and cut there.")
        if run.job is None:
            self.stdout.write("A dry run: nothing was written.")

    def _stopped(self, run: Import) -> str:
        kept = "nothing was written" if run.job is None else "what was taken in stays"
        return (
            f"Stopped after {run.done:,} of {run.total:,} rows; {kept}. Run the same command again to take in the rest."
        )

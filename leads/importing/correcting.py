"""The refused rows of an import, as they are kept: to be opened in a spreadsheet, corrected, and imported again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from leads.importing.mapping import REPORTED
from leads.importing.reporting import defused
from leads.models import Job, RefusedItem


@dataclass(frozen=True)
class Refused:
    """What a job refused: the file's columns, and line, reason and cells of each row that is still known."""

    header: list[str]
    digest: str
    delimiter: str

    @classmethod
    def of(cls, job: Job) -> Refused | None:
        """None where it refused nothing, or its report does not say which file it was."""
        said: dict[str, Any] = job.report.get("read_as") or {}
        if not job.refused or not said:
            return None
        return cls([*REPORTED, *map(defused, said["columns"])], said["digest"], said["delimiter"])

    def rows(self) -> Iterator[list[str]]:
        """Row by row, in the order of the file; of a person who was erased only the line and the reason are left."""
        kept = RefusedItem.objects.filter(message_id__startswith=f"{self.digest}:").order_by("index", "pk")
        for line, sentence, body in kept.values_list("index", "sentence", "body").iterator():
            text = bytes(body).decode("utf-8", "replace").rstrip("\r\n")
            yield [str(line), sentence, *map(defused, self._cells(text))]

    def _cells(self, text: str) -> list[str]:
        try:
            cells = next(csv.reader([text], delimiter=self.delimiter, strict=True), [])
        except csv.Error:
            return [text]
        return cells if len(cells) <= len(self.header) - len(REPORTED) else [text]

"""The bench's report: a page to read, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import connection

from sla.bench.intake import Taken
from sla.bench.offers import Delays
from sla.bench.rescoring import Rescored

SETTINGS: Final = (
    "server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "work_mem",
    "max_parallel_workers_per_gather",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """All of one run."""

    leads: int
    activities: int
    settings: dict[str, str]
    rescored: list[Rescored]
    taken: Taken
    delays: dict[str, Delays]

    def as_json(self) -> dict[str, Any]:
        """Plain values; who was never offered makes the delay null."""
        found = asdict(self) | {"ratios": {each.name: round(each.ratio, 2) for each in self.rescored}}
        for delays in found["delays"].values():
            delays.update({name: None for name, value in delays.items() if value == float("inf")})
        return found

    def lines(self) -> Iterator[str]:
        """The page."""
        yield from self._server()
        yield ""
        yield from self._intake()
        yield ""
        for each in self.rescored:
            yield from self._rescoring(each)
            yield ""
        yield from self._offers()

    def _server(self) -> Iterator[str]:
        yield f"{self.leads:,} leads with {self.activities:,} activities, PostgreSQL {self.settings['server_version']}"
        yield "  " + ", ".join(f"{name} {self.settings[name]}" for name in SETTINGS[1:])
        if not self.is_durable:
            yield "  NOT DURABLE: this server acknowledges what is not on disk; the figures of intake mean nothing."

    @property
    def is_durable(self) -> bool:
        return all(self.settings[name] == "on" for name in ("fsync", "synchronous_commit", "full_page_writes"))

    def _intake(self) -> Iterator[str]:
        t = self.taken
        yield f"Intake of {t.activities:,} activities, {t.clients} clients, {t.batch} events a batch"
        yield f"  through HTTP          {t.http:>10,.0f} activities/s   a transaction and an answer 200 for each batch"
        waits = f"median {t.answer_median * 1000:,.0f} ms, p95 {t.answer_p95 * 1000:,.0f} ms"
        yield f"                                                   to an answer: {waits}"
        yield f"  multi-row INSERT      {t.insert:>10,.0f} activities/s   one connection, {t.batch} rows a transaction"
        yield f"  COPY                  {t.copy:>10,.0f} activities/s   one connection, one transaction"
        yield f"  leads not yet scored when the last answer came: {t.marks_left:,}"

    def _rescoring(self, r: Rescored) -> Iterator[str]:
        yield f"Re-scoring all {self.leads:,} leads, {r.name}: {r.criteria} criteria, {r.meets:,} leads meet them"
        yield f"  floor                 {r.floor:>10.2f} s"
        yield f"  computing             {r.computing:>10.2f} s   {r.ratio:.2f} × the floor"
        for seconds, when in ((r.storing_new, "the first time, every score written"), (r.storing_same, "again, none")):
            both = f"{seconds:.2f} s with computing, in one statement"
            yield f"  storing               {max(seconds - r.computing, 0):>10.2f} s   {when}; {both}"
        for what, head in r.plans.items():
            yield f"  plan of the {what}:"
            yield from (f"    {line[:140]}" for line in head)

    def _offers(self) -> Iterator[str]:
        yield "From HTTP 200 to the offer"
        for name, delays in self.delays.items():
            yield (
                f"  {name:<21} p50 {delays.p50 * 1000:>6,.0f} ms   p95 {delays.p95 * 1000:>6,.0f} ms   "
                f"max {delays.worst * 1000:>6,.0f} ms   {delays.offered} of {delays.sent} hot leads offered"
            )


def settings_of_server() -> dict[str, str]:
    """As the server says, not as anybody meant to set them."""
    found = {}
    with connection.cursor() as cursor:
        for name in SETTINGS:
            cursor.execute(f"SHOW {name}")
            found[name] = str(cursor.fetchone()[0])
    return found

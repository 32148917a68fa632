"""The cost of clocks: finding what is due among few and many, and firing it, beside the same rows by plain SQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.models import Notification
from sla import clocks, clockwork
from sla.bench import children, cpu, many, plain
from sla.clocks import escalation
from sla.models import Clock, ClockStep, Target

PROCESSES: Final = 2
FIRES: Final = 3000
FEW: Final = 10_000
LOOKS: Final = 300


@dataclass(frozen=True)
class Found:
    """What a page of due ids costs with so many open clocks."""

    clocks: int
    seconds: float
    plan: list[str]


@dataclass(frozen=True)
class Rate:
    """How fast clocks were fired; CPU seconds are of our processes and, where they can be seen, of the database's."""

    clocks: int
    seconds: float
    ours: float
    database: float | None

    @property
    def per_second(self) -> float:
        return self.clocks / self.seconds

    def __str__(self) -> str:
        """Clocks per second, and the CPU time that one took: on a busy machine this is what to go by."""
        parts = [f"ours {self.ours / self.clocks * 1000:.2f} ms"]
        if self.database is not None:
            parts.append(f"the database's {self.database / self.clocks * 1000:.2f} ms")
        return f"{self.per_second:>10,.0f} clocks/s   CPU of each: {', '.join(parts)}"


@dataclass(frozen=True)
class Cost:
    """All of one run."""

    found: list[Found]
    verb: Rate
    plain_together: Rate
    plain_each: Rate
    rows_each: float
    questions_of_one: int
    questions_of_page: int

    @property
    def ratio(self) -> float:
        """How much longer a page takes among many than among few."""
        return self.found[-1].seconds / self.found[0].seconds

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": round(self.ratio, 2)}

    def lines(self) -> Iterator[str]:
        """The page."""
        yield f"Finding what is due: a page of {clockwork.PAGE} ids, best of {LOOKS}"
        for each in self.found:
            yield f"  {each.clocks:>9,} open clocks   {each.seconds * 1000:>8.3f} ms"
            yield from (f"    {line[:140]}" for line in each.plan)
        yield f"  ratio               {self.ratio:>10.2f}"
        yield (
            f"Firing {self.verb.clocks:,} breaches that tell rep and manager, {PROCESSES} processes; "
            f"{self.rows_each:.1f} rows each"
        )
        size = clockwork.TOGETHER
        yield f"  the verb, {size} a transaction   {self.verb}"
        yield f"  plain SQL, {size} a transaction  {self.plain_together}"
        yield f"  plain SQL, one by one       {self.plain_each}"
        yield (
            f"  questions: {self.questions_of_one} for one clock, {self.questions_of_page} for {size}, "
            f"{self.questions_of_page / size:.2f} each"
        )


def measure(open_clocks: int) -> Cost:
    """Fill an empty house with open clocks, and measure. What stands in it afterwards is not real."""
    now = clock.now()
    model = many.model(now=now - timedelta(hours=3))
    many.multiply(model, 3 * FIRES + clockwork.TOGETHER + 1, now=now)
    due = list(Clock.objects.filter(target=Target.ACCEPT).order_by("pk").values_list("pk", flat=True))
    found = []
    for wanted in (FEW, open_clocks):
        missing = wanted - Clock.objects.filter(verdict="").count()
        if missing > 0:
            many.multiply(model, -(-missing // len(many.TARGETS)), now=now, waits=True)
        found.append(_look())
    fired, spare = due[:FIRES], due[FIRES:]
    one, page = spare[:1], spare[1 : clockwork.TOGETHER + 1]
    questions = [_questions(part) for part in (one, page)]
    together, each = spare[len(one + page) :][:FIRES], spare[len(one + page) :][FIRES : 2 * FIRES]
    Clock.objects.filter(pk__in=spare).update(next_step_at=now + many.FOREVER)
    before = _rows()
    verb = _fire(len(fired))
    rows_each = (_rows() - before) / len(fired) + 1  # and the clock itself
    asked = plain.statements(fired[0])
    return Cost(
        found,
        verb,
        _by_sql(together, asked, together=clockwork.TOGETHER),
        _by_sql(each, asked, together=1),
        rows_each,
        *questions,
    )


def fire_all() -> dict[str, Any]:
    """What one process of the measurement does: fire until nothing is due. Returns how many, and what it took."""
    served_by, done = cpu.backend(), 0
    ours, theirs = time.process_time(), cpu.seconds_of(served_by)
    while fired := clockwork.fire_due(clock.now):
        done += fired
    return {"fired": done, "ours": time.process_time() - ours, "database": cpu.since(theirs, served_by)}


def _look() -> Found:
    """The best of many questions for a page of due ids, and its plan."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE sla_clock")
    best, now = float("inf"), clock.now()
    for _ in range(LOOKS):
        began = time.perf_counter()
        clocks.due_page(now=now, limit=clockwork.PAGE)
        best = min(best, time.perf_counter() - began)
    page = Clock.objects.filter(next_step_at__lte=now, verdict="").order_by("next_step_at", "id")[: clockwork.PAGE]
    plan = page.values("id").explain(analyze=True, buffers=True).splitlines()
    return Found(Clock.objects.filter(verdict="").count(), best, plan)


def _questions(clock_ids: list[int]) -> int:
    """How many statements one transaction of these clocks is, its beginning and its end among them."""
    with CaptureQueriesContext(connection) as asked:
        escalation.fire_page(clock_ids, now=clock.now)
    return len(asked)


def _fire(expected: int) -> Rate:
    """Several processes at once."""
    told, took = children.at_once(["bench_clocks", "--fire"], PROCESSES)
    fired = sum(each["fired"] for each in told)
    if fired < expected:  # the model's own clock and the canary may be among them
        raise RuntimeError(f"{fired} clocks fired, of {expected}.")
    return Rate(fired, took, sum(each["ours"] for each in told), cpu.total([each["database"] for each in told]))


def _by_sql(ids: list[int], asked: list[str], *, together: int) -> Rate:
    """The same rows by as many connections, each with its part."""
    spent: list[float | None] = []

    def write(part: list[int]) -> None:
        served_by = cpu.backend()
        before = cpu.seconds_of(served_by)
        plain.write(part, asked, together=together)
        spent.append(cpu.since(before, served_by))

    ours = time.process_time()
    took = children.in_threads([ids[place::PROCESSES] for place in range(PROCESSES)], write)
    return Rate(len(ids), took, time.process_time() - ours, cpu.total(spent))


def _rows() -> int:
    return ClockStep.objects.count() + Notification.objects.count()

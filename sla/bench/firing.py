"""The cost of clocks: finding what is due among few and many, and firing it, beside the same rows by plain SQL."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Thread
from typing import Any, Final

from django.conf import settings
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.models import Lead, Notification, Stage, Team
from scoring import episodes
from scoring.models import DefinitionVersion, EpisodeChange, Lane, OpenedBy, Tier
from sla import clocks, clockwork, handoffs, publishing
from sla.clocks import escalation
from sla.models import (
    Clock,
    ClockStep,
    HandoffChange,
    LadderStep,
    Policy,
    Rep,
    Target,
)

PROCESSES: Final = 2
FIRES: Final = 3000
FEW: Final = 10_000
LOOKS: Final = 300
TARGETS: Final = (Target.ACCEPT, Target.FIRST_TOUCH, Target.DEPTH, Target.QUALIFY)
FOREVER: Final = timedelta(days=3650)


@dataclass(frozen=True)
class Found:
    """What a page of due ids costs with so many open clocks."""

    clocks: int
    seconds: float
    plan: list[str]


@dataclass(frozen=True)
class Cost:
    """All of one run."""

    found: list[Found]
    fired: int
    verb: float
    plain: float
    rows_each: float
    questions_each: int

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
        yield f"Firing {self.fired:,} breaches that tell rep and manager, {PROCESSES} processes, a transaction each"
        yield f"  the verb            {self.verb:>10,.0f} clocks/s   {self.questions_each} questions each"
        yield f"  the same by SQL     {self.plain:>10,.0f} clocks/s   {self.rows_each:.1f} rows each"


def measure(many: int) -> Cost:
    """Fill an empty house with open clocks, and measure. What stands in it afterwards is not real."""
    now = clock.now()
    model = _model(now=now - timedelta(hours=3))
    _multiply(model, 2 * FIRES, now=now)
    due = list(Clock.objects.filter(target=Target.ACCEPT).order_by("pk").values_list("pk", flat=True))
    found = []
    for wanted in (FEW, many):
        missing = wanted - Clock.objects.filter(verdict="").count()
        if missing > 0:
            _multiply(model, -(-missing // len(TARGETS)), now=now, waits=True)
        found.append(_look(now=now))
    fired, spare = due[:FIRES], due[FIRES : 2 * FIRES]
    with CaptureQueriesContext(connection) as asked:
        escalation.fire(spare.pop(), now=clock.now)
    Clock.objects.filter(pk__in=spare).update(next_step_at=now + FOREVER)
    before = _rows()
    verb = _fire(len(fired))
    rows_each = (_rows() - before) / len(fired) + 1  # and the clock itself
    plain = _by_sql(spare, fired[0])
    return Cost(found, len(fired), verb, plain, rows_each, len(asked))


def fire_all() -> int:
    """What one process of the measurement does: fire until nothing is due."""
    done = 0
    while fired := clockwork.fire_due(clock.now):
        done += fired
    return done


def _model(*, now: datetime) -> Clock:
    """One lead on offer, made by the verbs, under a policy whose breach tells rep and manager: what is multiplied."""
    version = publishing.draft_policy(Policy.objects.get())
    version.steps.all().delete()
    version.targets.all().update(hours="always", outside_seconds=None)
    for action in (LadderStep.Action.TELL_REP, LadderStep.Action.TELL_MANAGER):
        LadderStep.objects.create(version=version, target=Target.ACCEPT, share=100, action=action)
    publishing.publish_policy(version, now=now, by=None)
    team = Team.objects.filter(desk__isnull=False).order_by("pk").first()
    rep = Rep.objects.filter(user__memberships__team=team).select_related("user").order_by("pk").first()
    judged = DefinitionVersion.objects.select_related("definition").first()
    if team is None or rep is None or judged is None:
        raise ValueError("The bench's company has no team, rep or definition.")
    lead = Lead.objects.create(stage=Stage.LEAD, stage_at=now, created_at=now, first_name="Alex", last_name="Reed")
    episode = episodes.open_episode(
        lead,
        qualification=None,
        definition=judged.definition,
        version=judged,
        tier=Tier.HOT,
        lane=Lane.NORMAL,
        opened_by=OpenedBy.EVIDENCE,
        opened_at=now,
        now=now,
    )
    trace = {"why": "bench", "rules": []}
    offer = handoffs.offer(
        episode, rep=rep, team=team, rule=None, policy_version=version, now=now, why="bench", trace=trace
    )
    return Clock.objects.select_related("handoff__episode__lead").get(handoff=offer, target=Target.ACCEPT)


def _multiply(model: Clock, times: int, *, now: datetime, waits: bool = False) -> None:
    """So many more leads on offer like this one: due by now, or with a clock for each target that waits for years."""
    handoff = model.handoff
    if handoff is None:
        raise ValueError("An accept clock has a hand-off.")
    episode = handoff.episode
    with transaction.atomic():
        _trust()
        leads = _clone(episode.lead, f"generate_series(1, {times}) AS made(id)", {"public_id": "gen_random_uuid()"})
        matters = _clone(episode, f"leads_lead AS made WHERE {leads}", {"lead_id": "made.id", **_ANEW})
        offers = _clone(handoff, f"scoring_episode AS made WHERE {matters}", {"episode_id": "made.id", **_ANEW})
        first, opened = (
            HandoffChange.objects.get(handoff=handoff),
            EpisodeChange.objects.filter(episode=episode).first(),
        )
        _clone(first, f"sla_handoff AS made WHERE {offers}", {"handoff_id": "made.id"})
        if opened is not None:
            _clone(opened, f"scoring_episode AS made WHERE {matters}", {"episode_id": "made.id"})
        own = {"handoff_id": "made.id", "episode_id": "made.episode_id"}
        if waits:
            later = {"due_at": f"'{(now + FOREVER).isoformat()}'", "next_step_at": f"'{(now + FOREVER).isoformat()}'"}
            names = ", ".join(f"'{target.value}'" for target in TARGETS)
            source = f"sla_handoff AS made CROSS JOIN unnest(ARRAY[{names}]) AS target(name) WHERE {offers}"
            _clone(model, source, own | later | {"target": "target.name"})
            return
        made = _clone(model, f"sla_handoff AS made WHERE {offers}", own)
        _clone(model.timings.get(), f"sla_clock AS made WHERE {made}", {"clock_id": "made.id"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _trust() -> None:
    """Within this transaction, check no foreign key of the millions of copies, where the server lets us say so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")


_ANEW: Final = {"public_id": "gen_random_uuid()"}


def _clone(row: models.Model, source: str, anew: Mapping[str, str]) -> str:
    """Insert a copy of a row for each of the source, with some columns anew; returns what finds the copies."""
    table = row._meta.db_table
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(anew.get(column, f"model.{column}") for column in columns)
    # The copied row is joined in front, so that a condition of the source stays last.
    relation, _, condition = source.partition(" WHERE ")
    where = f" WHERE {condition}" if condition else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608 (our own tables)
        (last,) = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 (our own tables and columns)
            f"SELECT {values} FROM (SELECT * FROM {table} WHERE id = %s) AS model CROSS JOIN {relation}{where}",
            [row.pk],
        )
    return f"made.id > {last}"


def _look(*, now: datetime) -> Found:
    """The best of many questions for a page of due ids, and its plan."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE sla_clock")
    best = float("inf")
    for _ in range(LOOKS):
        began = time.perf_counter()
        clocks.due_page(now=now, limit=clockwork.PAGE)
        best = min(best, time.perf_counter() - began)
    page = Clock.objects.filter(next_step_at__lte=now, verdict="").order_by("next_step_at", "id")[: clockwork.PAGE]
    plan = page.values("id").explain(analyze=True, buffers=True).splitlines()
    return Found(Clock.objects.filter(verdict="").count(), best, plan)


def _fire(expected: int) -> float:
    """Clocks per second, by several processes at once; what they take to start is not counted."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "bench_clocks", "--fire"]
    children: list[Any] = [_process(command) for _ in range(PROCESSES)]
    for child in children:
        if child.stdout.readline().strip() != "ready":
            raise RuntimeError("A process of the measurement did not start.")
    began = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    fired = [json.loads(child.stdout.readline()) for child in children]
    took = time.perf_counter() - began
    for child in children:
        child.communicate()
    if sum(fired) < expected:  # the model's own clock and the canary may be among them
        raise RuntimeError(f"{fired} clocks fired, of {expected}.")
    return float(sum(fired)) / took


def _process(command: list[str]) -> Any:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own)


def _by_sql(ids: list[int], like: int) -> float:
    """Transactions per second that write what firing wrote for one clock, copied row by row, by as many connections."""
    notes = Notification.objects.filter(effect_key__startswith=f"clock:{like}:").order_by("pk")
    steps = [_insert(step, {"clock_id": "%(clock)s"}) for step in ClockStep.objects.filter(clock=like)]
    letters = [
        _insert(note, {"public_id": "gen_random_uuid()", "effect_key": f"'sql:' || %(clock)s || ':{number}'"})
        for number, note in enumerate(notes)
    ]

    def write(part: list[int]) -> None:
        with connection.cursor() as cursor:
            for each in part:
                with transaction.atomic():
                    values = {"clock": each}
                    cursor.execute(
                        "UPDATE sla_clock SET breached_at = due_at, next_step_at = NULL WHERE id = %(clock)s", values
                    )
                    for statement in (*steps, *letters):
                        cursor.execute(statement, values)
        connection.close()

    return len(ids) / _together([ids[place::PROCESSES] for place in range(PROCESSES)], write)


def _insert(row: models.Model, anew: Mapping[str, str]) -> str:
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(anew.get(column, column) for column in columns)
    return (
        f"INSERT INTO {row._meta.db_table} ({', '.join(columns)}) "  # noqa: S608 (our own tables and columns)
        f"SELECT {values} FROM {row._meta.db_table} WHERE id = {row.pk}"
    )


def _together(parts: list[list[int]], write: Callable[[list[int]], None]) -> float:
    threads = [Thread(target=write, args=(part,)) for part in parts]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _rows() -> int:
    return ClockStep.objects.count() + Notification.objects.count()

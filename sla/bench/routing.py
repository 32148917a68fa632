"""The cost of routing: waiting leads offered to two hundred reps by the verbs, beside the same rows by plain SQL."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.models import HolderChange, Notification
from scoring.models import Episode, EpisodeChange
from sla import routing
from sla.bench import children, floor
from sla.bench.copies import insert
from sla.models import Clock, FairnessTurn, Handoff, HandoffChange, RoutingTrace
from sla.routing import rounds

LEADS: Final = 3000
REPS: Final = 200
TEAMS: Final = 10
PROCESSES: Final = 2

Values = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """All of one run."""

    routed: int
    reps: int
    teams: int
    verb: float
    seconds_each: float
    questions_each: float
    plain: float
    rows_each: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """The page."""
        yield f"Routing {self.routed:,} leads to {self.reps} reps in {self.teams} teams, {PROCESSES} processes"
        cost = f"{self.questions_each:.1f} questions and {self.seconds_each * 1000:.1f} ms of Python each"
        yield f"  the verb            {self.verb:>10,.0f} leads/s    {cost}"
        yield f"  the same by SQL     {self.plain:>10,.0f} leads/s    {self.rows_each} rows each"


def measure(leads: int = LEADS, *, reps: int = REPS, teams: int = TEAMS) -> Cost:
    """Hire reps for an empty house, let leads wait, and measure. What stands in it afterwards is not real."""
    now = clock.now()
    floor.hire(reps, teams=teams, now=now)
    few = len(floor.wait(rounds.PAGE, teams=teams, now=now)) + 1  # with the one they are copies of
    with CaptureQueriesContext(connection) as asked:
        routing.route_waiting(clock.now)
    floor.wait(leads, teams=teams, now=clock.now())
    verb, seconds = _by_verb(leads + 1)
    spare = floor.wait(leads, teams=teams, now=clock.now())
    plain, rows = _by_sql(spare, now=clock.now())
    return Cost(leads, reps, teams, verb, seconds, len(asked) / few, plain, rows)


def route_all() -> dict[str, float]:
    """What one process of the measurement does: route until nobody waits."""
    began = time.process_time()
    return {"routed": routing.route_waiting(clock.now), "seconds": time.process_time() - began}


def _by_verb(expected: int) -> tuple[float, float]:
    """Leads per second by all processes, and the seconds of Python that each lead took."""
    said, took = children.at_once(["bench_routing", "--route"], PROCESSES)
    routed = int(sum(each["routed"] for each in said))
    if routed != expected:
        raise RuntimeError(f"{routed} leads were routed, of {expected}.")
    return routed / took, sum(each["seconds"] for each in said) / routed


def _by_sql(episode_ids: Sequence[int], *, now: datetime) -> tuple[float, int]:
    """Leads per second of which as many connections write what routing wrote for one, copied row by row; a page of them
    in each transaction, as the verb does. And how many rows that is for each.
    """
    like = Handoff.objects.select_related("episode__lead").filter(turn__isnull=False).latest("pk")
    first, *others = _statements(like)
    leads = dict(Episode.objects.filter(pk__in=episode_ids).values_list("pk", "lead_id"))
    clocks = _inserted_clocks(like)

    def write(part: Sequence[int]) -> None:
        for start in range(0, len(part), rounds.AT_ONCE):
            with transaction.atomic(), connection.cursor() as cursor:
                for episode_id in part[start : start + rounds.AT_ONCE]:
                    values: Values = {"episode": episode_id, "lead": leads[episode_id], "now": now}
                    cursor.execute(first, values)
                    values["handoff"] = cursor.fetchone()[0]
                    for clock_row, timing in clocks:
                        cursor.execute(clock_row, values)
                        cursor.execute(timing, values | {"clock": cursor.fetchone()[0]})
                    for statement in others:
                        cursor.execute(statement, values)

    took = children.in_threads([episode_ids[place::PROCESSES] for place in range(PROCESSES)], write)
    return len(episode_ids) / took, 1 + 2 * len(clocks) + len(others)


def _statements(like: Handoff) -> list[str]:
    """What routing wrote for this hand-off, once more for another episode; the hand-off itself first."""
    of_handoff, of_lead = {"handoff_id": "%(handoff)s"}, {"lead_id": "%(lead)s"}
    anew = {"public_id": "gen_random_uuid()"}
    copies: list[tuple[models.Model, dict[str, str]]] = [
        (HandoffChange.objects.get(handoff=like), of_handoff),
        (RoutingTrace.objects.get(handoff=like), of_handoff),
        (EpisodeChange.objects.filter(episode=like.episode_id).latest("pk"), {"episode_id": "%(episode)s"}),
        (HolderChange.objects.filter(lead=like.episode.lead_id).latest("pk"), of_lead),
        (FairnessTurn.objects.get(handoff=like), of_handoff | {"number": "%(handoff)s"}),
        (
            Notification.objects.get(effect_key=f"handoff:{like.public_id}:new_lead"),
            anew | of_lead | {"effect_key": "'sql:' || %(handoff)s"},
        ),
    ]
    return [
        insert(like, anew | {"episode_id": "%(episode)s"}, returning="id"),
        *(insert(row, changed) for row, changed in copies),
        "UPDATE scoring_episode SET phase = 'offered', waiting_since = NULL WHERE id = %(episode)s",
        f"UPDATE leads_lead SET holder_id = {like.user_id}, holder_team_id = {like.team_id} WHERE id = %(lead)s",  # noqa: S608
        "UPDATE sla_clock SET met_at = %(now)s, verdict = 'met', next_step_at = NULL "
        "WHERE episode_id = %(episode)s AND target = 'assign'",
    ]


def _inserted_clocks(like: Handoff) -> list[tuple[str, str]]:
    """Its clocks, each with its timing."""
    own = {"handoff_id": "%(handoff)s", "episode_id": "%(episode)s"}
    return [
        (insert(each, own, returning="id"), insert(each.timings.get(), {"clock_id": "%(clock)s"}))
        for each in Clock.objects.filter(handoff=like)
    ]

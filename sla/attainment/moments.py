"""How the floor stood, kept each quarter of an hour, so that a number of now has one of a week before beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q, QuerySet

from leads.models import Team
from leads.transactions import business
from scoring.models import Episode, Phase
from sla.attainment import counting, reporting
from sla.attainment.asking import Asked
from sla.attainment.counting import NONE, Counted
from sla.attainment.weeks import WEEK
from sla.models import FloorMoment, Handoff, Target
from sla.shadow import standing

QUARTER: Final = timedelta(minutes=15)
HOUR: Final = timedelta(hours=1)
KEPT_FOR: Final = 2 * WEEK + timedelta(days=1)
# How old the last one may be and still be of now: the clock process may have been down.
STILL_NOW: Final = 2 * QUARTER
NUMBERS: Final = ("late", "soon", "hour", "waiting", "met", "missed")


@dataclass(frozen=True)
class Stood:
    """The numbers of some teams at one moment, in sum, as they were counted then or a little later."""

    at: datetime
    counted_at: datetime
    late: int
    soon: int
    hour: int
    waiting: int
    first_touch: Counted


@dataclass(frozen=True)
class Compared:
    """Now and a week before, as far as both are known; and the goals that these teams have set, in percent."""

    now: Stood | None
    before: Stood | None
    goals: tuple[int, ...]


def quarter_of(now: datetime) -> datetime:
    """The quarter of an hour that has begun."""
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)


@business
def keep(*, now: datetime) -> int:
    """Count the floor as it stands, once in each quarter of an hour; returns how many rows were written.

    Of two processes that come at once the later one's are dropped. What is older than fifteen days goes.
    """
    at = quarter_of(now)
    if FloorMoment.objects.filter(at=at).exists():
        return 0
    found: dict[int | None, dict[str, int]] = defaultdict(dict, {None: {}})
    for team in Team.objects.filter(desk__isnull=False).values_list("pk", flat=True):
        found[team] = {}
    for row in _open(now):
        found[row.pop("team")] |= row
    waiting = Episode.objects.filter(phase=Phase.WAITING).exclude(standing.on_paper()).order_by()
    for team, size in waiting.values_list("lead__holder_team").annotate(Count("pk")):
        found[team]["waiting"] = size
    week = reporting.this_week(now=now)
    for team, counted in counting.by("team", Asked(), week, target=Target.FIRST_TOUCH, now=now).items():
        found[team] |= {"met": counted.met, "missed": counted.missed}
    rows = [FloorMoment(team_id=team, at=at, counted_at=now, **numbers) for team, numbers in found.items()]
    FloorMoment.objects.bulk_create(rows, ignore_conflicts=True)
    FloorMoment.objects.filter(at__lt=now - KEPT_FOR).delete()
    return len(rows)


def _open(now: datetime) -> list[dict[str, Any]]:
    soon, hour = now + QUARTER, now + HOUR
    due = Handoff.objects.open().filter(next_due_at__lt=hour).order_by().values("team")
    counted = due.annotate(
        late=Count("pk", filter=Q(next_due_at__lt=now)),
        soon=Count("pk", filter=Q(next_due_at__gte=now, next_due_at__lt=soon)),
        hour=Count("pk", filter=Q(next_due_at__gte=now)),
    )
    return [dict(row) for row in counted]


def compared(teams: QuerySet[Team] | None, *, chosen: Team | None, now: datetime) -> Compared:
    """The last moment and the one a week before it, of these teams (None: all) or the chosen one, in one question.

    Who waits for someone is of all these teams and of none: nobody has them.
    """
    spans = Q()
    for until in (now, now - WEEK):
        spans |= Q(at__gt=until - STILL_NOW, at__lte=until)
    rows = FloorMoment.objects.filter(spans).order_by("-at")
    if teams is not None:
        rows = rows.filter(Q(team__in=teams) | Q(team=None))
    read = list(rows.values("team", "at", "counted_at", "team__desk__goal", *NUMBERS))
    newest = max((row["at"] for row in read if row["at"] > now - WEEK), default=None)
    earlier = max((row["at"] for row in read if row["at"] <= now - WEEK), default=None)
    mine = [row for row in read if chosen is None or row["team"] == chosen.pk]
    goals = {row["team__desk__goal"] for row in mine if row["at"] == newest} - {None}
    return Compared(_stood(newest, mine, read), _stood(earlier, mine, read), tuple(sorted(goals)))


def _stood(at: datetime | None, mine: Iterable[dict[str, Any]], every: Iterable[dict[str, Any]]) -> Stood | None:
    if at is None:
        return None
    then = [row for row in mine if row["at"] == at]
    sums = {name: sum(row[name] for row in then) for name in NUMBERS}
    waiting = sum(row["waiting"] for row in every if row["at"] == at)
    touches = Counted(sums["met"], sums["missed"]) if then else NONE
    counted_at = max(row["counted_at"] for row in every if row["at"] == at)
    return Stood(at, counted_at, sums["late"], sums["soon"], sums["hour"], waiting, touches)

"""The manager's numbers: a week's promises, week by week, how fast, whose time; each number opens its list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads import clock
from leads.downloads import csv_file
from leads.models import Lead, User
from leads.viewer import signed_in, viewer_of
from scoring.models import Definition, Tier
from sla.attainment import asking, counting, reporting, tables
from sla.attainment.asking import Asked
from sla.attainment.pictures import columns, shares
from sla.attainment.speed import SECOND
from sla.attainment.weeks import WEEK
from sla.models import Clock, Target
from sla.views.looking import Look, people_of

PAGE: Final = 50
PEOPLE_SHOWN: Final = 500


@signed_in
@require_GET
def attainment(request: HttpRequest) -> HttpResponse:
    """The numbers of a week within what the viewer may read; `?as=csv&of=…` is one of the tables as a file."""
    look = Look.of(request.GET, viewer_of(request), now=clock.now())
    told = reporting.report(look.asked, look.week, target=look.target, now=look.now)
    if request.GET.get("as") == "csv":
        table = tables.of(told, request.GET.get("of", "targets"))
        if table is None:
            raise Http404
        return csv_file(f"attainment-{table.name}-{look.week.first}", table.columns, table.rows)
    return render(request, "sla/attainment.html", _page(look, told))


@signed_in
@require_GET
def leads(request: HttpRequest) -> HttpResponse:
    """The promises behind one number: whose, when due, and how they ended; the first due first."""
    viewer, now = viewer_of(request), clock.now()
    look = Look.of(request.GET, viewer, now=now)
    verdict = request.GET.get("verdict", "")
    rows = counting.due_in(look.asked, look.week, look.target)
    if verdict in counting.VERDICTS:
        rows = rows.filter(counting.within(verdict, now=now))
    related = ("handoff__user", "handoff__team", "episode__lead__account")
    rows = rows.select_related(*related).order_by("due_at", "pk")
    if request.GET.get("as") == "csv":
        named = _named(list(rows[: tables.AT_MOST]), viewer, look)
        return csv_file(f"attainment-promises-{look.week.first}", tables.PROMISE, map(_cells, named))
    found = list(_after(rows, request.GET.get("after", ""))[: PAGE + 1])
    page = {
        "look": look,
        "verdict": verdict if verdict in counting.VERDICTS else "",
        "verdicts": counting.VERDICTS,
        "rows": _named(found[:PAGE], viewer, look),
        "after": f"{found[PAGE - 1].due_at.isoformat()},{found[PAGE - 1].pk}" if len(found) > PAGE else "",
        "target": Target(look.target).label,
        "here": look.here,
    }
    return render(request, "sla/attainment_leads.html", page)


@dataclass(frozen=True)
class Promise:
    """One promise of the list; `lead` where the viewer may read them now, `rep` where they may see whose it is."""

    clock: Clock
    lead: Lead | None
    rep: User | None
    verdict: str

    @property
    def word(self) -> str:
        return counting.VERDICTS[self.verdict]

    @property
    def tier(self) -> str:
        of = self.clock.handoff or self.clock.episode
        return of.get_tier_display()

    @property
    def late_by(self) -> float | None:
        """Seconds by which it was met late."""
        met, due = self.clock.met_at, self.clock.due_at
        return (met - due).total_seconds() if met is not None and met > due else None


def _named(clocks: Iterable[Clock], viewer: User, look: Look) -> list[Promise]:
    listed = list(clocks)
    seen = set(
        Lead.objects.visible_to(viewer).filter(pk__in=[c.episode.lead_id for c in listed]).values_list("pk", flat=True)
    )
    return [
        Promise(
            each,
            each.episode.lead if each.episode.lead_id in seen else None,
            each.handoff.user if each.handoff is not None and look.asked.by_people else None,
            _verdict(each, look.now),
        )
        for each in listed
    ]


def _verdict(each: Clock, now: datetime) -> str:
    """As `counting.within` has it."""
    if each.verdict == Clock.Verdict.VOIDED:
        return "out"
    if each.verdict == Clock.Verdict.MET:
        return "met" if each.due_at < now else "early"
    return "running" if each.verdict == "" and each.due_at >= now else "missed"


def _cells(each: Promise) -> tuple[object, ...]:
    made = each.clock
    return (
        each.lead.public_id if each.lead is not None else "",
        each.lead.name if each.lead is not None else "",
        made.handoff.team if made.handoff is not None else "",
        each.rep.email if each.rep is not None else "",
        *(made.target, made.started_at.isoformat(), made.due_at.isoformat()),
        *(made.met_at.isoformat() if made.met_at is not None else "", each.verdict),
    )


def _after(rows: QuerySet[Clock], place: str) -> QuerySet[Clock]:
    """What comes after this place; a place that can't be read is none."""
    due, _, pk = place.partition(",")
    try:
        at = datetime.fromisoformat(due)
        if at.tzinfo is None or not pk.isascii() or not pk.isdecimal() or len(pk) > 18:
            return rows
    except ValueError:
        return rows
    return rows.filter(Q(due_at__gt=at) | Q(due_at=at, pk__gt=int(pk)))


class Row:
    """A row of a table, with the query of the numbers that it narrows to."""

    def __init__(self, of: object, query: str) -> None:
        self.of, self.query = of, query

    def __getattr__(self, name: str) -> Any:
        return getattr(self.of, name)


def _page(look: Look, told: reporting.Report) -> dict[str, Any]:
    mine = Asked(look.asked.teams, look.asked.only, look.asked.by_people)
    people = people_of(mine).order_by("full_name", "pk")[:PEOPLE_SHOWN]
    sources = {group.value: group.label for group in told.groups["source"] if group.value}
    if chosen := look.values.get("source"):
        sources.setdefault(chosen, "unknown" if chosen == reporting.UNKNOWN else chosen)
    picture = columns(told)
    return {
        "look": look,
        "told": told,
        "here": look.here,
        "targets": [Row(each, look.address(target=each.target)) for each in tables.targets(told)],
        "picture": picture,
        "weeks": [Row(each, look.address(week=each.week.first.isoformat())) for each in picture.columns[::-1]],
        "whose": shares(told.speed),
        "speeds": [
            ("By the wall clock", told.speed.wall_at(0.5), told.speed.wall_at(0.9)),
            ("In working time", told.speed.working_at(0.5), told.speed.working_at(0.9)),
        ],
        "paused": [(name, spent / SECOND) for name, spent in told.paused_by],
        "target_label": Target(look.target).label,
        "groups": [
            (
                name,
                tables.WORDS[name],
                [Row(each, look.address(**{name: each.value}) if each.value else "") for each in rows],
            )
            for name, rows in told.groups.items()
            if _tells(name, look, rows)
        ],
        "choices": {
            "team": [(str(pk), name) for pk, name in asking.teams_of(mine).values_list("pk", "name")],
            "rep": [(str(each.public_id), str(each)) for each in people],
            "tier": Tier.choices,
            "source": sorted(sources.items(), key=lambda each: each[1].casefold()),
            "definition": [(str(each.public_id), str(each)) for each in Definition.objects.all()],
        },
        "earlier": look.address(week=(look.week.first - WEEK).isoformat()),
        "later": look.address(week=(look.week.first + WEEK).isoformat()) if look.week.until_at <= look.now else None,
    }


def _tells(name: str, look: Look, rows: Sequence[Any]) -> bool:
    """A breakdown of one value that was chosen says nothing new."""
    return bool(rows) and name not in look.values and not (name in ("team", "rep") and look.asked.only is not None)

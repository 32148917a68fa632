"""The fairness ledger's page: by team, tier and span, who was due and got how many leads. Open to everybody."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads.downloads import csv_file
from leads.viewer import signed_in
from sla.models import FairnessPool, FairnessSpan
from sla.routing import ledger
from sla.routing.ledger import Ledger
from sla.views.turns import Turns, bars, leads

SHOWN: Final = 60


@signed_in
@require_GET
def fairness(request: HttpRequest) -> HttpResponse:
    """One span of one rotation with its picture and table; `?format=csv` is the table as a file."""
    rotations = list(ledger.pools())
    pool = _chosen(rotations, request.GET.get("pool", ""))
    span = _span(pool, request.GET.get("span", "")) if pool is not None else None
    told = ledger.of(span) if span is not None else None
    if told is not None and request.GET.get("format") == "csv":
        return _csv(told)
    page: dict[str, Any] = {
        "pools": rotations,
        "pool": pool,
        "spans": list(ledger.spans(pool)[:SHOWN]) if pool is not None else [],
        "told": told,
        "rows": _rows(told) if told is not None else [],
        "bars": bars([Turns(str(each.rep), each.given, each.quota) for each in told.lines]) if told is not None else [],
    }
    return render(request, "sla/fairness.html", page)


def _chosen(rotations: list[FairnessPool], asked: str) -> FairnessPool | None:
    if not asked:
        return rotations[0] if rotations else None
    found = next((each for each in rotations if str(each.pk) == asked), None)
    if found is None:
        raise Http404
    return found


def _span(pool: FairnessPool, asked: str) -> FairnessSpan:
    rows = ledger.spans(pool).select_related("pool__desk__team")
    number = int(asked) if asked.isdecimal() and len(asked) < 9 else None
    found = rows.filter(number=number).first() if number is not None else None if asked else rows.first()
    if found is None:
        raise Http404
    return found


def _rows(told: Ledger) -> list[dict[str, Any]]:
    return [
        {
            "rep": line.rep,
            "weight": line.weight,
            "given": line.given,
            "quota": leads(line.quota),
            "difference": leads(line.difference),
            "carried": leads(line.carried),
            "beside": [(way, line.beside.get(way, 0)) for way in told.ways],
        }
        for line in told.lines
    ]


def _csv(told: Ledger) -> HttpResponse:
    span = told.span
    header = ("Rep", "Weight", "Given", "Quota", "Difference", "Carried in", *told.ways)
    rows = (
        (line.rep, line.weight, line.given)
        + tuple(round(float(number), 6) for number in (line.quota, line.difference, line.carried))
        + tuple(line.beside.get(way, 0) for way in told.ways)
        for line in told.lines
    )
    return csv_file(f"fairness-{span.pool.pk}-span-{span.number}", header, rows)

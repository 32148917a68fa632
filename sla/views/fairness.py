"""The fairness ledger's page: by team, tier and span, who was due and got how many leads. Open to everybody."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from leads.viewer import signed_in
from sla.models import FairnessPool, FairnessSpan
from sla.routing import ledger
from sla.routing.ledger import Ledger

WIDE: Final = 980
SHOWN: Final = 60
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Bar:
    """One rep in the picture: what was given as a bar, the quota as a mark, in thousandths of its width."""

    name: str
    says: str
    given: int
    quota: str
    width: float
    mark: float


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
        "bars": _bars(told) if told is not None else [],
    }
    return render(request, "sla/fairness.html", page)


def leads(number: Fraction) -> str:
    """A number of leads as people read it: “2”, “1.67”, “−0.33”."""
    text = f"{float(abs(number)):.2f}".rstrip("0").rstrip(".")
    return f"−{text}" if number < 0 and text != "0" else text


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


def _bars(told: Ledger) -> list[Bar]:
    most = max([Fraction(1), *(max(line.quota, Fraction(line.given)) for line in told.lines)])
    scale = WIDE / float(most)
    return [
        Bar(
            str(line.rep),
            f"{line.rep}: {line.given} given, {leads(line.quota)} due",
            line.given,
            leads(line.quota),
            round(line.given * scale, 1),
            round(max(0.0, float(line.quota)) * scale, 1),
        )
        for line in told.lines
    ]


def _csv(told: Ledger) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    pool = told.span.pool
    name = f"fairness-{pool.pk}-span-{told.span.number}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    write = csv.writer(response)
    write.writerow(["Rep", "Weight", "Given", "Quota", "Difference", "Carried in", *map(_safe, told.ways)])
    for line in told.lines:
        exact = [f"{float(number):.6f}" for number in (line.quota, line.difference, line.carried)]
        beside = [line.beside.get(way, 0) for way in told.ways]
        write.writerow([_safe(str(line.rep)), line.weight, line.given, *exact, *beside])
    return response


def _safe(text: str) -> str:
    """No spreadsheet takes a name for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text

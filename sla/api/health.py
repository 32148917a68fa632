"""`/healthz` for machines: how the house is, the whole and each part."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from leads import clock
from sla.watching import health, rounds
from sla.watching.health import RED, Health, Part

AWAY = {"status": RED, "database": "away"}


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while promises hold, 503 where they break: the database is away, or a part is red."""
    found = _examine()
    if found is None:
        return JsonResponse(AWAY, status=503)
    parts = {part.name: _told(part) for part in found.parts}
    return JsonResponse(
        {"status": found.state, "database": "ok", "parts": parts}, status=503 if found.state == RED else 200
    )


@require_safe
def healthz_part(request: HttpRequest, name: str) -> JsonResponse:
    """One part: 503 where it is red. `web` is for what stands before the web: it asks the database and nothing else."""
    found = _examine()
    if found is None:
        return JsonResponse(AWAY, status=503)
    part = found.part(name)
    if part is None:
        raise Http404
    return JsonResponse({"database": "ok"} | _told(part), status=503 if part.state == RED else 200)


def _examine() -> Health | None:
    try:
        return health.examine(has_broker=rounds.broker_answers(), now=clock.now())
    except (DatabaseError, InterfaceError):
        return None


def _told(part: Part) -> dict[str, object]:
    return {"status": part.state, "says": part.says, "numbers": dict(part.numbers)}

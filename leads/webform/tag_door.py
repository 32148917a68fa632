"""The door of the page tag: one small script for each website."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from leads.models import Source

FRESH_FOR: Final = 300  # seconds a browser keeps it, and so for which a source that was turned off still sends


@require_safe
def tag(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The page tag of a browser's source, with its key in it and whether it waits for consent."""
    active = Source.objects.filter(public_id=public_id, kind=Source.Kind.BROWSER, is_active=True)
    asks_consent = active.values_list("asks_consent", flat=True).first()
    if asks_consent is None:
        raise Http404
    script = _script().replace("{{key}}", str(public_id)).replace("{{waits}}", str(int(asks_consent)))
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={FRESH_FOR}"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@cache
def _script() -> str:
    """As it stands beside this file, without the blanks that only its readers need."""
    lines = (Path(__file__).parent / "tag.js").read_text().splitlines()
    return "\n".join(line.strip() for line in lines)

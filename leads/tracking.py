"""The doors clients send to, as Segment's HTTP Tracking API has them: one event, or a batch of them."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from leads import clock
from leads.intake import Receipted, take_in
from leads.models import Source
from leads.sources import source_of
from leads.wire import (
    MAX_BATCH_BYTES,
    MAX_EVENT_BYTES,
    Envelope,
    Event,
    Item,
    Refusal,
    TooLarge,
    Unreadable,
    inflate,
    read_item,
    split_batch,
    split_single,
)

log = structlog.get_logger(__name__)

# The last part of the path, long or as browsers send it, and what it carries: a kind of event, or a batch of them.
CALLS: Final = {
    **{kind: kind for kind in ("identify", "track", "page", "screen", "group", "alias")},
    **{"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"},
    **{"batch": None, "b": None, "import": None},
}
TRY_AGAIN_AFTER: Final = 5  # seconds
# Any page may send: the key says for whom. A star would not cover Authorization.
CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, AnonymousId, X-Retry-Count",
    "Access-Control-Expose-Headers": "Retry-After",
    "Access-Control-Max-Age": "86400",
}


@csrf_exempt
def tracking(request: HttpRequest, call: str) -> HttpResponse:
    """Take in what a client sent: 200 with what became of each item, once it is stored.

    400 if the body can't be read, 401 without a known write key, 413 if it is too large, 503 with Retry-After while
    the database is away. What is wrong with one event never fails the request: clients drop what gets a 4xx.
    """
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
    elif request.method != "POST":
        response = _error(405, "method_not_allowed", "Send events with POST.")
        response["Allow"] = "POST, OPTIONS"
    else:
        response = _posted(request, call)
    for name, value in CORS.items():
        response[name] = value
    return response


def _posted(request: HttpRequest, call: str) -> HttpResponse:
    try:
        return _take(request, call)
    except TooLarge as error:
        return _error(413, error.code, error.sentence)
    except Unreadable as error:
        return _error(400, error.code, error.sentence)
    except UnreadablePostError:
        return _error(400, "incomplete_body", "The body ended too early.")
    except (OperationalError, InterfaceError) as error:
        log.warning("intake_away", error=str(error)[:200])
        response = _error(503, "try_again", "The events could not be stored now. Send them again.")
        response["Retry-After"] = str(TRY_AGAIN_AFTER)
        return response


def _take(request: HttpRequest, call: str) -> HttpResponse:
    kind = CALLS[call]
    limit = MAX_EVENT_BYTES if kind else MAX_BATCH_BYTES
    shown = _shown_key(request)
    source = source_of(shown) if shown else None
    body = inflate(_body(request, limit), limit=limit)
    envelope = split_single(body) if kind else split_batch(body)
    if source is None and envelope.write_key:
        source = source_of(envelope.write_key)
    if source is None:
        response = _error(401, "unknown_write_key", "The write key is missing or not known.")
        response["WWW-Authenticate"] = 'Basic realm="write key"'
        return response
    return JsonResponse(_answer(_taken(kind, envelope, source, origin="import" if call == "import" else "api")))


def _taken(kind: str | None, envelope: Envelope, source: Source, *, origin: str) -> Receipted:
    now = clock.now()
    events = [_read(kind, item, envelope, now) for item in envelope.items]
    return take_in(events, source=source, now=now, bodies=[item.raw for item in envelope.items], origin=origin)


def _read(kind: str | None, item: Item, envelope: Envelope, now: datetime) -> Event | Refusal:
    try:
        return read_item(kind, item, envelope, received_at=now)
    except Refusal as refusal:
        return refusal


def _answer(receipted: Receipted) -> dict[str, object]:
    return {
        "success": True,
        "accepted": receipted.accepted,
        "duplicate": receipted.duplicate,
        "refused": [{"index": item.index, "code": item.code} for item in receipted.refused],
    }


def _body(request: HttpRequest, limit: int) -> bytes:
    """The body as sent, read no further than one byte beyond the limit; also one sent in chunks."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isascii() and length.isdecimal() and int(length[:20]) > limit:
        raise TooLarge(f"A body may hold {limit} bytes; this one is larger.")
    chunked = not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated")
    return request.META["wsgi.input"].read(limit + 1) if chunked else request.read(limit + 1)


def _shown_key(request: HttpRequest) -> str | None:
    """The write key of the Authorization header: Basic's user, with its colon or without."""
    scheme, _, rest = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    rest = rest.strip()
    if scheme.lower() != "basic" or len(rest) > 1_000:
        return None
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text.partition(":")[0] or None


def _error(status: int, code: str, sentence: str) -> JsonResponse:
    return JsonResponse({"success": False, "code": code, "message": sentence}, status=status)

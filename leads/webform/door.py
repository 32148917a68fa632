"""The door of a website's form: plain HTML posts, and scripts of the sites it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from django.core.cache import cache
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from leads import clock
from leads.models import WebForm
from leads.webform import fields, marks, taking
from leads.webform.origins import may_go, origin_of
from leads.wire import Refusal, parse_value

log = structlog.get_logger(__name__)

MAX_BYTES: Final = 64 * 1024
TRY_AGAIN_AFTER: Final = 5  # seconds
BOT: Final = "The field that people do not see was filled in."
AGAIN: Final = "Please send it once more: that shows us that a person does."

Posted = dict[str, list[str]]


class _Unreadable(Exception):
    """The body can't be read as a form."""


@csrf_exempt
def form(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show a form of its own to who opens the address; take in what is posted to it, from wherever.

    A page gets a page or is sent on to the thank-you page; who asks for JSON gets JSON: 200, 404 without such a form,
    413 if it is too large, 422 naming the fields, 429 and 503 with Retry-After.
    """
    found = _form(public_id)
    if found is None:
        return _not_found(request)
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
    elif request.method in ("GET", "HEAD"):
        response = _page(request, found, {"is_fresh": True})
    elif request.method == "POST":
        response = _posted(request, found)
    else:
        response = HttpResponse(status=405, headers={"Allow": "GET, POST, OPTIONS"})
    return _allow(request, response, found)


@require_http_methods(["GET", "HEAD", "OPTIONS"])
def opened(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The mark of time for a form that was just opened on one of the source's sites: the page tag asks for it."""
    found = _form(public_id)
    if found is None:
        return _not_found(request)
    response = JsonResponse({"token": marks.mark(found, now=clock.now())})
    add_never_cache_headers(response)
    return _allow(request, response, found)


@require_safe
def thanks(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Our own thank-you page, for who has none."""
    found = _form(public_id)
    return render(request, "leads/form_thanks.html", {"form": found}) if found is not None else _not_found(request)


def _posted(request: HttpRequest, found: WebForm) -> HttpResponse:
    if not _is_in_time(found):
        return _error(request, found, 429, "too_many", "Too many people send this form just now. Try in a minute.")
    try:
        posted = _read(request)
    except _Unreadable:
        return _error(request, found, 400, "unreadable", "The form can't be read. Send it as a form, or as JSON.")
    except OverflowError:
        return _error(request, found, 413, "too_large", "The form is too large. Shorten what you wrote.")
    sent = fields.read(posted, came_from=request.headers.get("Referer", "")[:2_000])
    try:
        return _taken(request, found, posted, sent)
    except (OperationalError, InterfaceError) as error:
        log.warning("form_away", error=str(error)[:200])
        return _error(request, found, 503, "try_again", "It could not be stored now. Please send it again.")


def _taken(request: HttpRequest, found: WebForm, posted: Posted, sent: fields.Sent) -> HttpResponse:
    now = clock.now()
    if sent.is_bot:
        # Whoever filled it in is told nothing: it looks as if it had worked.
        taking.keep_aside(found, sent, code="honeypot", sentence=BOT, now=now)
        return _done(request, found, sent)
    if sent.errors:
        return _again(request, found, sent, dict(sent.errors))
    if found.min_seconds:
        word = (posted.get(fields.TOKEN) or [""])[0][:500]
        if not marks.is_slow_enough(found, word, now=now):
            return _again(request, found, sent, {}, told=AGAIN)
    taking.take(found, sent, now=now, user_agent=request.headers.get("User-Agent", "")[:1_000])
    return _done(request, found, sent)


def _form(public_id: UUID) -> WebForm | None:
    active = WebForm.objects.filter(is_active=True, source__is_active=True).select_related("source")
    return active.filter(public_id=public_id).first()


def _is_in_time(found: WebForm) -> bool:
    """Whether this form may be sent once more in this minute. Without a cache it always may."""
    key = f"form:{found.pk}:{int(clock.now().timestamp()) // 60}"
    cache.add(key, 0, 120)
    try:
        return cache.incr(key) <= found.per_minute
    except ValueError:  # it went between the two
        return True


def _read(request: HttpRequest) -> Posted:
    """What was posted, as text by name. Raises OverflowError where it is too much, _Unreadable where it is no form."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdecimal() or int(length[:20]) > MAX_BYTES:
        raise OverflowError
    try:
        if request.content_type == "application/json":
            return _read_json(request.read(MAX_BYTES + 1))
        if request.encoding not in (None, "utf-8", "UTF-8"):
            request.encoding = "utf-8"
        return dict(request.POST.lists())
    except (SuspiciousOperation, MultiPartParserError, UnreadablePostError, UnicodeError, LookupError) as error:
        raise _Unreadable from error


def _read_json(body: bytes) -> Posted:
    try:
        value = parse_value(body, limit=MAX_BYTES)
    except Refusal as error:
        raise _Unreadable from error
    if not isinstance(value, dict):
        raise _Unreadable
    return {name: _texts(each) for name, each in value.items() if each is not None}


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for each in value[: fields.MAX_FIELDS] for text in _texts(each)]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [value if isinstance(value, str) else json.dumps(value)]


def _done(request: HttpRequest, found: WebForm, sent: fields.Sent) -> HttpResponse:
    """On to where the form's own page wants people, if that is one of its sites; else the thank-you page."""
    where = sent.onwards if may_go(sent.onwards, _sites(found)) else found.thank_you_url
    if _wants_json(request):
        return JsonResponse({"success": True, "next": where or None})
    response = HttpResponseRedirect(where or reverse("form-thanks", args=[found.public_id]))
    response.status_code = 303
    return response


def _again(
    request: HttpRequest, found: WebForm, sent: fields.Sent, errors: Mapping[str, str], *, told: str = ""
) -> HttpResponse:
    """The form once more, with what was typed, and what is to be done about it."""
    if _wants_json(request):
        said = {name or "form": sentence for name, sentence in errors.items()}
        return JsonResponse(
            {
                "success": False,
                "code": "invalid" if said else "not_yet",
                "message": told or errors.get("") or "Some fields need another value.",
                "errors": said,
            },
            status=422,
        )
    page = {
        "rows": _rows(sent.fields, errors),
        "told": errors.get("") or told,
        "is_simple": not errors,
        "browser": sent.browser,
        "page": sent.page,
        "onwards": sent.onwards,
    }
    return _page(request, found, page, status=422)


def _rows(given: Sequence[tuple[str, str]], errors: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = [{"name": name, "value": value, "error": errors.get(name, "")} for name, value in given[: fields.MAX_FIELDS]]
    known = {name for name, _ in given}
    missing = [
        {"name": name, "value": "", "error": error} for name, error in errors.items() if name not in known | {""}
    ]
    return [*missing, *rows]


def _page(request: HttpRequest, found: WebForm, page: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    more = {"form": found, "honeypot": fields.HONEYPOT, "token": marks.mark(found, now=clock.now())}
    response = render(request, "leads/form.html", {**more, **page}, status=status)
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex"
    # Browsers hold the way onwards, too, against where a page's forms may lead.
    response._csp_update = {"form-action": sorted(_sites(found))}  # type: ignore[attr-defined]
    return response


def _error(request: HttpRequest, found: WebForm, status: int, code: str, sentence: str) -> HttpResponse:
    if _wants_json(request):
        response: HttpResponse = JsonResponse({"success": False, "code": code, "message": sentence}, status=status)
    else:
        response = render(request, "leads/form_thanks.html", {"form": found, "refused": sentence}, status=status)
    if status in (429, 503):
        response["Retry-After"] = str(60 if status == 429 else TRY_AGAIN_AFTER)
    return response


def _not_found(request: HttpRequest) -> HttpResponse:
    sentence = "There is no such form, or it was turned off."
    if _wants_json(request):
        return JsonResponse({"success": False, "code": "no_form", "message": sentence}, status=404)
    return render(request, "leads/form_thanks.html", {"refused": sentence}, status=404)


def _sites(found: WebForm) -> set[str]:
    own = origin_of(found.thank_you_url) if found.thank_you_url else None
    return {*found.source.origins, *([own] if own else [])}


def _wants_json(request: HttpRequest) -> bool:
    return request.content_type == "application/json" or "application/json" in request.headers.get("Accept", "")


def _allow(request: HttpRequest, response: HttpResponse, found: WebForm) -> HttpResponse:
    """Let scripts of the source's sites, and no others, read the answer."""
    patch_vary_headers(response, ["Origin", "Accept"])
    origin = request.headers.get("Origin", "")
    if origin and origin in found.source.origins:
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Content-Type, Accept"
        response["Access-Control-Max-Age"] = "3600"
    return response

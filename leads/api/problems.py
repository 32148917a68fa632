"""Errors as problem details (RFC 9457): what happened, with which field, and the way out."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from leads.errors import Refused


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into problem details; None lets an unexpected one become a 500."""
    if isinstance(error, Refused):
        body = {
            "type": "about:blank",
            "title": error.title,
            "status": error.status,
            "detail": str(error),
            "code": error.code,
        }
        if "field" in error.state:
            body["errors"] = {error.state["field"]: [str(error)]}  # as where a field could not be read at all
        return Response(body | error.state, status=error.status, content_type="application/problem+json")
    response = exception_handler(error, context)
    if response is None:
        return None
    body = {"type": "about:blank", "title": _title(error), "status": response.status_code}
    if isinstance(error, Http404):
        what = _thing(context["view"])
        body |= {"detail": f"There is no such {what}, or it isn’t yours to see.", "code": "not_found"}
    elif isinstance(error, exceptions.ValidationError):
        body |= {"detail": "Some fields need another value.", "errors": response.data}
    else:
        body |= {"detail": str(response.data.get("detail", "")), "code": getattr(error, "default_code", "error")}
    response.data = body
    response.content_type = "application/problem+json"
    return response


def nothing_here(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No door has this address: programs are told so in their way, people by a page."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    hint = "Ids are UUIDs." if request.path.endswith("/") else f"Write it with its last slash: {request.path}/."
    body = {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
        "detail": f"There is nothing at this address. {hint} Every address stands at /api/docs/.",
        "code": "no_such_address",
    }
    return JsonResponse(body, status=404, content_type="application/problem+json")


def _thing(view: Any) -> str:
    known = getattr(view, "queryset", None)
    return str(known.model._meta.verbose_name) if isinstance(known, QuerySet) else "thing"


def _title(error: Exception) -> str:
    if isinstance(error, Http404 | exceptions.NotFound):
        return "Not found"
    if isinstance(error, PermissionDenied | exceptions.PermissionDenied):
        return "Not allowed"
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        return "Not signed in"
    return "Not accepted"

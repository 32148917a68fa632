"""Idempotency-Key: a verdict sent twice is done once, and the second sender is told the first answer."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from leads import clock
from leads.errors import Invalid, Refused
from leads.models import User
from leads.transactions import business
from sla.models import AnsweredRequest, Handoff

Door = Callable[..., Response]


class KeyReused(Refused):
    """The key was used for another request."""

    status = 422
    title = "Idempotency-Key used before"
    code = "idempotency_key_reused"


def idempotent(door: Door) -> Door:
    """Answer a repeated request with the first answer, which is kept with what the verb did, or not at all."""

    @functools.wraps(door)
    def run(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return door(view, request, *args, **kwargs)
        if len(key) > 200 or not key.isprintable():
            raise Invalid("An Idempotency-Key has at most 200 characters, all of them printable.")
        user: User = request.user  # type: ignore[assignment]
        print_of = hashlib.sha256(f"{request.method} {request.path}\n".encode() + _body(request)).hexdigest()
        known = _known(user, key, print_of)
        if known is not None:
            return known

        @business
        def once() -> Response:
            response = door(view, request, *args, **kwargs)
            AnsweredRequest.objects.create(
                user=user,
                key=key,
                fingerprint=print_of,
                handoff=_spoken_of(response, **kwargs),
                status=response.status_code,
                body=json.loads(JSONRenderer().render(response.data)),  # to the microsecond
                at=clock.now(),
            )
            return response

        try:
            return once()
        except IntegrityError:
            # The same request, sent twice at once: the other one was first.
            again = _known(user, key, print_of)
            if again is None:
                raise
            return again

    run.takes_key = True  # type: ignore[attr-defined]
    return run


def _known(user: User, key: str, print_of: str) -> Response | None:
    answered = AnsweredRequest.objects.filter(user=user, key=key).first()
    if answered is None:
        return None
    if answered.fingerprint != print_of:
        raise KeyReused("This Idempotency-Key was used for another request. Use a new one.")
    return Response(answered.body, status=answered.status, headers={"Idempotent-Replayed": "true"})


def _spoken_of(response: Response, public_id: UUID | None = None) -> Handoff | None:
    """The hand-off that the answer names, or else that was asked about; what it says is erased with its person."""
    named = response.data.get("handoff") if isinstance(response.data, dict) else None
    if isinstance(named, dict):
        named = named["public_id"]
    asked = named or public_id
    return Handoff.objects.filter(public_id=asked).first() if asked else None


def _body(request: Request) -> bytes:
    return repr(sorted(request.data.items()) if isinstance(request.data, dict) else request.data).encode()

"""JSON as strict at this door as at the tracking doors: what could not be stored is refused here, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from leads.wire.refusals import Refusal
from leads.wire.values import parse_value

MAX_BODY = 256 * 1024  # bytes; the longest body a door of the API has a use for is far below


class BodyTooLarge(APIException):
    """More than any door has a use for; read no further than that."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"A body may hold {MAX_BODY} bytes; this one is larger."
    default_code = "too_large"


class StrictJSONParser(BaseParser):
    """Refuses NUL, lone surrogates, NaN, numbers beyond 64 bits and deep nesting with 400, huge bodies with 413."""

    media_type = "application/json"
    renderer_class = JSONRenderer
    unique_keys = False

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise BodyTooLarge
        try:
            return parse_value(body, limit=MAX_BODY, unique_keys=self.unique_keys)
        except Refusal as refusal:
            raise ParseError(refusal.sentence.replace("The event", "The body"), code=refusal.code) from None


class UniqueKeysJSONParser(StrictJSONParser):
    """Refuses a key that stands twice in one object as well: which of the two was meant would be a guess."""

    unique_keys = True

"""What the OpenAPI document says of every operation beside its own: the key it takes, and how it says no."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated

NO: Final = {
    "400": "Some fields, filters or the body need another value; `errors` names them.",
    "401": "No key, or one that is not known or was revoked.",
    "403": "Not for the role of this key.",
    "404": "There is no such thing, or it isn’t yours to see.",
    "409": "As it stands this can’t be done; the body says how it stands.",
    "422": "What it asks for can’t be: `detail` says why. Or its Idempotency-Key was used for another request.",
}
KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="A repeat with the same key is told the first answer, for seven days. At most 200 characters.",
)


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, and the way out.")
    code = serializers.CharField(required=False, help_text="The same for programs.")
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="By field, where fields need another value."
    )


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A key made in the admin, which acts as its user."""

    target_class = "leads.api.auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A key made in the admin: `ak_…`"}


class DescribedSchema(AutoSchema):
    """The first sentence of a door's docstring is its summary; each way to say no is told."""

    def get_summary(self) -> str | None:
        return self.get_description().replace("\n", " ").partition(". ")[0].rstrip(".") or None

    def get_override_parameters(self) -> list[Any]:
        return [KEY] if self._takes_key() else []

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        content = {"application/problem+json": {"schema": self.resolve_serializer(ProblemSerializer, "response").ref}}
        for code in self._refusals(operation):
            operation["responses"].setdefault(code, {"description": NO[code], "content": content})
        operation["responses"] = dict(sorted(operation["responses"].items()))
        return operation

    def _refusals(self, operation: dict[str, Any]) -> list[str]:
        reads, names_one = self.method == "GET", "{" in self.path
        may = {
            "400": not reads or not names_one,
            "401": True,
            "403": [*self.view.permission_classes] != [IsAuthenticated],
            "404": names_one,
            "409": not reads and (hasattr(self.view, "queryset") or self._takes_key()),
            "422": not reads,
        }
        return [code for code, is_possible in may.items() if is_possible]

    def _takes_key(self) -> bool:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(getattr(self.view, name, None), "takes_key", False)

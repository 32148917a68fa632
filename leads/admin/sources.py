"""What comes in at the door: sources with their keys, and what was refused, with why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from leads.admin.roles import RoleAdmin
from leads.models import RefusedItem, Role, Source
from leads.sources import create_source, renew_key


@admin.register(Source)
class SourceAdmin(RoleAdmin):
    """Who may send activities."""

    about = (
        "Where activities and profiles come from. A server's key is a secret and may identify and merge; a "
        "browser's key is public and may record and fill what is empty. A new key is shown once, right after it is "
        "made."
    )
    icon = "sensors"
    editors = frozenset({Role.REVOPS})
    addable = changeable = True
    list_display = ("name", "kind", "write_key_prefix", "is_active", "created_at")
    actions = ("renew",)

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("name", "kind")
        return ("name", "kind", "write_key_prefix", "is_active", "public_id", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> tuple[str, ...]:
        return () if obj is None else ("kind", "write_key_prefix", "public_id", "created_at")

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made, key = create_source(obj.name, kind=obj.kind)
        obj.pk, obj.public_id, obj._state.adding = made.pk, made.public_id, False
        self._show(request, key)

    @admin.action(description="Make another key: the present one stops working at once", permissions=["act"])
    def renew(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in queryset:
            key = self.attempt(request, renew_key, source)
            if key:
                self._show(request, key, of=source.name)

    def _show(self, request: HttpRequest, key: str, of: str = "") -> None:
        if key:
            told = f" of {of}" if of else ""
            messages.warning(request, f"The write key{told} is {key} — copy it now, it is never shown again.")


@admin.register(RefusedItem)
class RefusedItemAdmin(RoleAdmin):
    """What was not taken in."""

    about = (
        "Items that were sent and not taken in, whole, each with the reason why. Mend the sender and send them again."
    )
    icon = "block"
    readers = frozenset({Role.REVOPS, Role.MARKETING})
    list_display = ("received_at", "source", "code", "sentence", "message_id")
    list_filter = ("code", "source")
    list_select_related = ("source",)
    ordering = ("-received_at", "-id")
    fields = ("received_at", "source", "index", "code", "sentence", "message_id", "body_shown")

    @admin.display(description="Body, as it was received")
    def body_shown(self, obj: RefusedItem) -> SafeString:
        return format_html(
            '<pre class="max-w-4xl overflow-auto whitespace-pre-wrap">{}</pre>',
            bytes(obj.body).decode("utf-8", "replace"),
        )

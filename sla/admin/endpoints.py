"""Endpoints: which addresses outside are told of which events."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from leads import endpoints
from leads.admin.roles import History, RoleAdmin, now_and_by
from leads.delivering import reaching
from leads.errors import Refused
from leads.models import Endpoint, EndpointChange, Role
from sla.telling import events


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An address outside, judged before it is saved, and never shown whole again."""

    url = forms.CharField(
        label="Address",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Shown this once: whoever knows a chat's address can post there.",
    )
    events = forms.MultipleChoiceField(
        choices=[(name, name) for name in events.EVENTS],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="What it is told of. An event not chosen is never sent there.",
    )

    class Meta:
        model = Endpoint
        fields = ("name", "kind", "url", "events", "team", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and "url" in self.fields:
            self.initial["url"] = ""
            self.fields["url"].label, self.fields["url"].required = "Another address", False
            self.fields["url"].help_text = f"Now {self.instance.shown_url}. Left empty, it stays."

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"]).strip()
        if not url and self.instance.pk is not None:
            return str(self.instance.url)
        try:
            reaching.judge(url, may_reach=settings.WEBHOOKS_MAY_REACH)
        except (Refused, reaching.Unreachable) as refusal:
            raise ValidationError(str(refusal)) from refusal
        return url


class Changes(History):
    """What was done to it, by whom."""

    model = EndpointChange
    fields = ("at", "what", "said", "by")
    verbose_name_plural = "what was done to it"


@admin.register(Endpoint)
class EndpointAdmin(RoleAdmin):
    """Who outside is told what."""

    about = (
        "Addresses outside that are told of hand-offs and clocks: a program's webhook, signed after Standard "
        "Webhooks, or a channel in Slack, Teams or Mattermost. A signing secret is shown once, right after it is made; "
        "an address is shown by its host and its last letters. "
        "One that fails is tried again with growing pauses; one that answers 410 or fails for three days is switched "
        "off."
    )
    icon = "webhook"
    editors = frozenset({Role.REVOPS})
    addable = changeable = True
    form = EndpointForm
    list_display = ("name", "kind", "shown_url", "team", "is_active", "failures", "held_until", "last_error")
    list_filter = ("kind", "is_active")
    list_select_related = ("team",)
    search_fields = ("name",)
    actions = ("renew_secret",)

    def get_inlines(self, request: HttpRequest, obj: Endpoint | None) -> list[type[History]]:
        return [] if obj is None else [Changes]

    @admin.display(description="address")
    def shown_url(self, obj: Endpoint) -> str:
        return obj.shown_url

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # A list that could be narrowed by the address would tell it, letter by letter.
        return not lookup.startswith("url") and bool(super().lookup_allowed(lookup, value, request))

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[Any, ...]:
        if obj is None:
            return ("name", "kind", "url", "events", "team")
        state = (("failures", "failing_since", "held_until"), "last_error", ("disabled_at", "disabled_why"))
        return ("name", "kind", "url", "events", "team", "is_active", *state, ("created_at", "created_by"))

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        told = ("failures", "failing_since", "held_until", "last_error", "disabled_at", "disabled_why")
        return ("kind", *told, "created_at", "created_by")

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        given: dict[str, Any] = {"name": obj.name, "url": obj.url, "events": obj.events, "team": obj.team}
        if change:
            endpoints.change(obj.pk, is_active=obj.is_active, **given, **now_and_by(request))
            return
        made, secret = endpoints.add(kind=obj.kind, **given, **now_and_by(request))
        obj.pk, obj.public_id, obj._state.adding = made.pk, made.public_id, False
        self._show(request, secret, of=made.name)

    @admin.action(description="Make another secret: the present one signs beside it for a day", permissions=["act"])
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            secret = self.attempt(request, endpoints.renew_secret, endpoint, **now_and_by(request))
            self._show(request, secret or "", of=endpoint.name)

    def _show(self, request: HttpRequest, secret: str, of: str) -> None:
        if secret:
            messages.warning(request, f"The secret of {of} is {secret} — copy it now, it is never shown again.")

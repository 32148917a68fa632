"""What comes in at the door: sources with their keys, and what was refused, with why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from leads.admin.roles import RoleAdmin
from leads.errors import Invalid
from leads.models import RefusedItem, Role, Source, WebForm
from leads.sources import create_source, renew_key
from leads.webform import markup
from leads.webform.origins import origin_of, read_origins

CODE = '<pre class="max-w-4xl overflow-auto whitespace-pre-wrap select-all">{}</pre>'


class SourceForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_origins(self) -> list[str]:
        try:
            return read_origins(self.cleaned_data["origins"])
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


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
    form = SourceForm
    list_display = ("name", "kind", "write_key_prefix", "is_active", "created_at")
    actions = ("renew",)

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("name", "kind")
        of_websites = ("origins", "asks_consent", "tag", "forms_said") if obj.kind == Source.Kind.BROWSER else ()
        return ("name", "kind", "write_key_prefix", "is_active", *of_websites, "public_id", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> tuple[str, ...]:
        return () if obj is None else ("kind", "write_key_prefix", "tag", "forms_said", "public_id", "created_at")

    @admin.display(description="Page tag, for the head of each page")
    def tag(self, obj: Source) -> SafeString:
        return format_html(CODE, markup.tag_html(obj))

    @admin.display(description="Forms, ready to copy")
    def forms_said(self, obj: Source) -> SafeString:
        shown = [(form.name, markup.form_html(form)) for form in obj.forms.filter(is_active=True)]
        none = "None yet. Add one under web forms."
        return format_html_join("", "<p>{}</p>" + CODE, shown) if shown else format_html("{}", none)

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


class WebFormForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("thank_you_url") and origin_of(cleaned["thank_you_url"]) is None:
            self.add_error("thank_you_url", "Write a whole address, such as https://www.example.com/thanks.")
        return cleaned


@admin.register(WebForm)
class WebFormAdmin(RoleAdmin):
    """Forms of websites."""

    about = (
        "Forms on your website that post straight to Baton. Copy the HTML below; the fields are known by their names, "
        "others become traits. What is sent records the activity, and fills only what is empty."
    )
    icon = "article"
    called = "Web forms"
    editors, readers = frozenset({Role.REVOPS, Role.MARKETING}), frozenset({Role.MANAGER})
    addable = changeable = True
    form = WebFormForm
    list_display = ("name", "source", "activity", "is_active")
    list_select_related = ("source",)
    fields = (
        ("name", "source"), "activity", "thank_you_url", ("min_seconds", "per_minute"), "is_active", "html", "opens",
    )  # fmt: skip
    readonly_fields = ("html", "opens")

    def get_fields(self, request: HttpRequest, obj: WebForm | None = None) -> Any:
        return self.fields if obj is not None else self.fields[:-2]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Forms are public: only a browser's source says what they may do."""
        if db_field.name == "source":
            kwargs["queryset"] = Source.objects.filter(kind=Source.Kind.BROWSER).order_by("name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="HTML to copy")
    def html(self, obj: WebForm) -> SafeString:
        return format_html(CODE, markup.form_html(obj))

    @admin.display(description="Try it")
    def opens(self, obj: WebForm) -> SafeString:
        here = reverse("form", args=[obj.public_id])
        return format_html('<a class="underline" href="{}">Open the form on a page of its own</a>', here)


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

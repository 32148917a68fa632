"""Versions in the admin: what each said, who made it and why, any two compared, and the way back to an old one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from leads.admin.roles import RoleAdmin, now_and_by, page_of
from leads.errors import Refused
from sla import publishing
from sla.publishing import Edition
from sla.publishing.differences import differences

WHY = "One sentence for whoever reads the history: what it is to achieve, or who asked for it."


class WhyField(forms.CharField):
    """Why somebody changes what is in force."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
        super().__init__(**{"label": "Why", "max_length": 150, "widget": widget, "help_text": WHY} | kwargs)


class SeenForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that is refused where somebody else has saved since it was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "seen" in self.fields and self.instance.pk:
            self.initial["seen"] = self.newest()

    def newest(self) -> str:
        """A mark of the newest version of what is edited, as it is stored."""
        return str(type(self.instance)._default_manager.values_list("version", flat=True).get(pk=self.instance.pk))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen = cleaned.get("seen")
        if self.instance.pk and seen:
            # Held to the end of the request: nobody can save in between.
            type(self.instance)._default_manager.select_for_update().get(pk=self.instance.pk)
            if seen != self.newest():
                self.add_error(None, f"{self.overtaken(seen)} Open it again, and make your change on top of theirs.")
        return cleaned

    def overtaken(self, seen: str) -> str:
        """Who was quicker, and what they changed."""
        told = publishing.editions(type(self.instance)._default_manager.get(pk=self.instance.pk))
        before = next((each for each in told if str(each.number) == seen), None)
        changed = "; ".join(told[0].since(before))
        by = told[0].by or "Somebody"
        return f"{by} has made version {told[0].number} since you opened this page{f' ({changed})' if changed else ''}."


class WhyForm(SeenForm):
    """One whose author also says why, unless the row is new."""

    why = WhyField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "why" in self.fields:
            self.fields["why"].required = self.instance.pk is not None


class VersionedAdmin(RoleAdmin):
    """An admin page whose history shows versions: each with what it changed, any two compared, and the way back."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All versions; `?from=2&to=5` compares two; `?back=3` asks whether to go back to one, and a POST does."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        told = publishing.editions(row)
        if wanted := _number(request, "back"):
            return self._back(request, row, told, wanted)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Versions of {row}",
            "row_url": page_of(row),
            "editions": [(each, each.since(former)) for each, former in zip(told, [*told[1:], None], strict=True)],
            "compared": _compared(told, _number(request, "from"), _number(request, "to")),
            "may_edit": self.may_edit(request),
        }
        return TemplateResponse(request, "admin/versions.html", context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one row; what a verb refuses in the last moment is said on it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]
        except Refused as refusal:
            messages.error(request, str(refusal))
            return self.redirect(request.path)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, in which rows can be dragged into order."""
        try:
            return super().changelist_view(request, extra_context)  # type: ignore[no-any-return]
        except Refused as refusal:
            messages.error(request, str(refusal))
            return self.redirect(request.path)

    def _back(self, request: HttpRequest, row: Any, told: list[Edition], number: int) -> HttpResponse:
        old = next((each for each in told if each.number == number), None)
        if old is None or not self.may_edit(request):
            raise Http404
        history = f"{page_of(row).removesuffix('change/')}history/"
        if request.method == "POST":
            why = request.POST.get("why", "").strip()
            made = self.attempt(request, publishing.back_to, row, number, why=why, **now_and_by(request))
            if made is not None:
                messages.success(request, f"Version {made} is in force and reads as version {number} does.")
            return self.redirect(history)
        now = next((each for each in told if each.is_in_force), None)
        changes = old.since(now) or ["Both read the same."]
        sentences = [
            f"A new version will read as version {number} does. Nothing is taken out of the history.",
            *changes,
        ]
        title = f"{row}: back to version {number}"
        return self.confirm(request, title, sentences, button=f"Back to version {number}", back=history, ask="Why")


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 9 else None


def _compared(told: list[Edition], one: int | None, other: int | None) -> dict[str, Any] | None:
    found = {each.number: each for each in told}
    if one not in found or other not in found:
        return None
    old, new = found[min(one, other)], found[max(one, other)]
    return {"old": old, "new": new, "changes": differences(old.said, new.said)}

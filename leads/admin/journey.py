"""Leads, accounts and conflicts of identity: read here, changed only by verbs."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from leads import conflicts, erasing, merging
from leads.admin.roles import DESK, History, RoleAdmin, now_and_by
from leads.models import Account, Identity, IdentityConflict, Lead, Outcome, Role, StageChange
from leads.querysets import LeadQuerySet

OPERATORS = frozenset({Role.REVOPS})


class Identities(History):
    model = Identity
    fields = ("kind", "value", "bound_at")


class StageChanges(History):
    model = StageChange
    fields = ("at", "from_stage", "to_stage", "cause", "by", "note")
    ordering = ("-at", "-id")
    per_page = 20


class Outcomes(History):
    model = Outcome
    fk_name = "lead"
    fields = ("at", "kind", "reason_label", "amount", "currency", "via", "by", "withdrawn_at")
    ordering = ("-at", "-id")
    per_page = 20


@admin.register(Lead)
class LeadAdmin(RoleAdmin):
    """Leads: found here, worked at the desk."""

    about = (
        "Everyone we know. Reps and managers work leads at the desk; here they are looked up, merged where two are "
        "one person, and erased where a person asks to be forgotten."
    )
    icon = "contact_page"
    readers, editors = DESK, OPERATORS
    lead_path = "pk"
    list_display = ("name", "email", "account", "stage", "holder", "source", "test", "created_at")
    list_filter = ("stage", "domain_kind", "seniority", "is_test", ("merged_into", admin.EmptyFieldListFilter))
    list_select_related = ("account", "holder")
    search_fields = ("email", "first_name", "last_name")
    search_help_text = "Name, e-mail address or company"
    ordering = ("-created_at", "-id")
    actions = ("merge_selected", "erase_selected")
    inlines = (Identities, StageChanges, Outcomes)
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), ("email", "phone"), ("title", "seniority"), "account")}),
        ("Where they came from", {"fields": (("source", "campaign"), ("country", "domain_kind"), "traits")}),
        ("Permission", {"fields": (("email_permission", "phone_permission"),)}),
        (
            "Where they stand",
            {
                "fields": (
                    ("stage", "stage_at"),
                    ("holder", "holder_team"),
                    ("rest_until", "evidence_from"),
                    ("callback_at", "callback_user"),
                    ("is_test", "created_at"),
                    ("merged_into", "erased_at"),
                    "public_id",
                )
            },
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lead], search_term: str
    ) -> tuple[QuerySet[Lead], bool]:
        """As the desk finds them; each condition of `search_fields` alone would read a million leads."""
        return cast(LeadQuerySet, queryset).named(search_term), False

    @admin.display(description="Test")
    def test(self, obj: Lead) -> str:
        return "test" if obj.is_test else ""

    @admin.action(description="Merge the two selected leads …", permissions=["act"])
    def merge_selected(self, request: HttpRequest, queryset: QuerySet[Lead]) -> HttpResponse | None:
        pair = list(queryset.order_by("created_at", "pk")[:3])
        if len(pair) != 2:
            messages.error(request, "Select exactly two leads that are one person.")
            return None
        older, newer = pair
        if not request.POST.get("confirmed"):
            return self.confirm(
                request,
                "Merge two leads",
                [
                    f"{newer.name} ({newer.email or 'no address'}) becomes part of {older.name} "
                    f"({older.email or 'no address'}), unless only the former has a user id.",
                    "Activities, identities, touches and outcomes move; attributes that are empty are filled. "
                    "Of two open episodes the older one stays.",
                    "This can't be undone.",
                ],
                button="Merge them",
                hidden=_again(request, "merge_selected", pair),
            )
        if self.attempt(request, merging.merge, older.pk, newer.pk, prefer=None, **now_and_by(request)):
            messages.success(request, "Merged. The one that was merged away now leads to the other.")
        return None

    @admin.action(description="Erase the selected persons …", permissions=["act"])
    def erase_selected(self, request: HttpRequest, queryset: QuerySet[Lead]) -> HttpResponse | None:
        chosen = list(queryset.order_by("pk")[:101])
        if len(chosen) > 100:
            messages.error(request, "Erase up to a hundred at a time.")
            return None
        if not request.POST.get("confirmed"):
            names = ", ".join(f"{lead.name} ({lead.email or 'no address'})" for lead in chosen[:10])
            more = f" and {len(chosen) - 10} more" if len(chosen) > 10 else ""
            return self.confirm(
                request,
                "Erase persons",
                [
                    f"Everything personal about {names}{more} is erased: names, addresses, traits, activities, notes "
                    "and mails.",
                    "Counts and times stay, and late events do not bring them back. Open episodes close. "
                    "This can't be undone.",
                ],
                button=f"Erase {len(chosen)} person{'' if len(chosen) == 1 else 's'}",
                hidden=_again(request, "erase_selected", chosen),
            )
        for lead in chosen:
            self.attempt(request, erasing.erase, lead.pk, **now_and_by(request))
        erased = Lead.objects.filter(pk__in=[lead.pk for lead in chosen], erased_at__isnull=False).count()
        messages.success(request, f"Erased: {erased}.")
        return None


def _again(request: HttpRequest, action: str, chosen: list[Any]) -> dict[str, Any]:
    """What a confirmed action posts back: itself and its rows."""
    return {"action": action, "_selected_action": [each.pk for each in chosen]}


@admin.register(Account)
class AccountAdmin(RoleAdmin):
    """Companies."""

    about = (
        "Companies, known by their domain or by an id of our own. Intake fills and changes them; here they are read."
    )
    icon = "domain"
    readers = DESK
    list_display = ("name", "domain", "group_id", "industry", "employees", "country", "owner")
    list_filter = ("industry", "country")
    list_select_related = ("owner",)
    search_fields = ("name", "domain", "group_id")
    ordering = ("name", "domain", "id")
    fields = (
        ("name", "domain", "group_id"), ("industry", "employees"), ("country", "intent"), "traits", "owner",
        "created_at",
    )  # fmt: skip


@admin.register(IdentityConflict)
class IdentityConflictAdmin(RoleAdmin):
    """Two ids that name two leads."""

    about = (
        "A user id and an address that name two leads which may not be merged by themselves. Look at both: merge "
        "them under leads if they are one person, and say here that it is settled."
    )
    icon = "call_split"
    readers, editors = frozenset({Role.MARKETING}), OPERATORS
    list_display = ("noticed_at", "kind", "lead", "other", "settled_at", "settled_by")
    list_filter = (("settled_at", admin.EmptyFieldListFilter), "kind")
    list_select_related = ("lead", "other", "settled_by")
    fields = ("noticed_at", "kind", "lead", "other", "settled_at", "settled_by")
    ordering = ("-noticed_at", "-id")
    actions = ("settle",)

    @admin.action(description="Settled: nothing more to do", permissions=["act"])
    def settle(self, request: HttpRequest, queryset: QuerySet[IdentityConflict]) -> None:
        settled = conflicts.settle(queryset.values_list("pk", flat=True), **now_and_by(request))
        messages.success(request, f"Settled: {settled}.")

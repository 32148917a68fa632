"""People on our side: users with their roles, teams, the organization, and the keys of programs."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelect2Widget

from leads import clock, logins
from leads.admin.roles import DESK, Lines, RoleAdmin, now_and_by, page_of, person
from leads.keys import digest, new_key
from leads.models import ApiKey, Organization, Role, Team, TeamMembership, User

LABELS = dict(Role.choices)


class ZoneField(forms.ChoiceField):
    """A time zone, chosen by its name."""

    def __init__(self, **kwargs: Any) -> None:
        zones = [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones()) if "/" in name]
        super().__init__(choices=[("UTC", "UTC"), *zones], widget=UnfoldAdminSelect2Widget(), **kwargs)


class RolesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """The five roles; each is a group of the same name."""

    def __init__(self, **kwargs: Any) -> None:
        roles = Group.objects.filter(name__in=Role.values).order_by("pk")
        super().__init__(queryset=roles, widget=UnfoldAdminCheckboxSelectMultipleWidget(), **kwargs)

    def label_from_instance(self, obj: Group) -> str:
        return LABELS.get(obj.name, obj.name)


class NewUserForm(UserCreationForm):  # type: ignore[misc]
    """A new person, with their roles and, unless they log in otherwise, a first password."""

    groups = RolesField(label="Roles", required=True)
    time_zone = ZoneField(initial="UTC")

    class Meta:
        model = User
        fields = ("email", "full_name", "time_zone", "groups")

    def clean_email(self) -> str:
        return _free_address(self.cleaned_data["email"], None)


class UserForm(UserChangeForm):  # type: ignore[misc]
    """Who somebody is and what they may do."""

    groups = RolesField(label="Roles", required=False)
    time_zone = ZoneField(help_text="Every page shows times in this zone.")

    class Meta:
        model = User
        fields = ("email", "full_name", "time_zone", "groups", "password")

    def clean_email(self) -> str:
        return _free_address(self.cleaned_data["email"], self.instance)


def _free_address(typed: str, owner: User | None) -> str:
    """Addresses are kept in lower case, so two that differ by case alone are one."""
    email = typed.strip().lower()
    if User.objects.filter(email=email).exclude(pk=(owner.pk if owner else None) or 0).exists():
        raise ValidationError(f"Somebody already logs in with {email}.")
    return email


@admin.register(User)
class UserAdmin(RoleAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Log-ins and roles."""

    about = (
        "Everyone who logs in to Baton, and the roles that say what they may do. A role other than rep opens this "
        "admin."
    )
    icon = "person"
    readers, editors, addable, changeable = frozenset({Role.REVOPS}), frozenset(), True, True
    form, add_form, change_password_form = UserForm, NewUserForm, AdminPasswordChangeForm
    list_display = ("full_name", "email", "roles_said", "teams_said", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("full_name", "email")
    ordering = ("full_name", "email")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("full_name", "email", "time_zone")}),
        ("What they may do", {"fields": ("groups", "is_active")}),
        ("Log-in", {"fields": ("password", "last_login", "joined_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("full_name", "email", "time_zone", "groups")}),
        ("First password", {"fields": ("usable_password", "password1", "password2")}),
    )
    readonly_fields = ("is_active", "last_login", "joined_at")
    actions_detail = ("close_login", "reopen_login")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "teams")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what they did stays theirs; take them out of use instead

    @admin.display(description="Roles")
    def roles_said(self, obj: User) -> str:
        said = [LABELS.get(group.name, group.name) for group in obj.groups.all()]
        return ", ".join(said + (["Admin (superuser)"] if obj.is_superuser else []))

    @admin.display(description="Teams")
    def teams_said(self, obj: User) -> str:
        return ", ".join(team.name for team in obj.teams.all())

    @action(description="Close the log-in", url_path="close", permissions=["act"], icon="lock")  # type: ignore[untyped-decorator]
    def close_login(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = User.objects.get(pk=object_id)
        if request.method == "POST":
            if self.attempt(request, logins.close, user.pk, **now_and_by(request)) is not None:
                messages.success(request, f"{user} can't log in any more.")
            return self.to(user)
        told = [
            f"{user} can't log in any more, and their API keys stop working. What they did stays theirs.",
            "If they receive leads, everything open with them moves on by the routing rules. To see where, or to "
            "choose who takes over, take them out on the team page first.",
        ]
        return self.confirm(request, f"Close the log-in of {user}", told, button="Close the log-in", back=page_of(user))

    @action(description="Open the log-in again", url_path="reopen", permissions=["act"], icon="lock_open")  # type: ignore[untyped-decorator]
    def reopen_login(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = User.objects.get(pk=object_id)
        if request.method == "POST":
            if self.attempt(request, logins.reopen, user.pk, **now_and_by(request)) is not None:
                messages.success(request, f"{user} can log in again.")
            return self.to(user)
        told = [f"{user} can log in again. What they had held stays where it went."]
        return self.confirm(request, f"Open the log-in of {user}", told, button="Open it again", back=page_of(user))

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """One of the two, by how things stand."""
        unwanted = "reopen_login" if User.objects.filter(pk=object_id, is_active=True).exists() else "close_login"
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return [each for each in offered if not each.action_name.endswith(f"_{unwanted}")]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles decide who may open the admin: everyone but reps."""
        super().save_related(request, form, formsets, change)
        user: User = form.instance
        names = set(user.groups.values_list("name", flat=True))
        is_staff = user.is_superuser or bool(names - {Role.REP.value})
        if user.is_staff != is_staff:
            user.is_staff = is_staff
            user.save(update_fields=["is_staff"])


class Members(Lines):
    model = TeamMembership
    fields = ("user", "is_manager")
    autocomplete_fields = ("user",)
    verbose_name_plural = "members"


@admin.register(Team)
class TeamAdmin(RoleAdmin):
    """Teams and who is in them."""

    about = (
        "Groups of people who work leads together. A manager of a team sees and may decide all its leads. Hours "
        "and rotation of a team stand under its desk, who gets which leads under routing rules."
    )
    icon = "groups"
    readers, editors = frozenset({Role.MANAGER, Role.MARKETING}), frozenset({Role.REVOPS})
    addable = changeable = True
    list_display = ("name", "managers_said", "members_said")
    search_fields = ("name",)
    inlines = (Members,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).prefetch_related("memberships__user")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Who is taken off the list leaves the team, and keeps nothing of its leads."""
        formset.save(commit=False)
        for leaver in formset.deleted_objects:
            self.attempt(request, logins.leave_team, leaver.user_id, leaver.team, **now_and_by(request))
        for membership, _ in formset.changed_objects:
            membership.save()
        for membership in formset.new_objects:
            membership.save()
        formset.save_m2m()

    @admin.display(description="Managers")
    def managers_said(self, obj: Team) -> str:
        return ", ".join(str(each.user) for each in obj.memberships.all() if each.is_manager)

    @admin.display(description="Members")
    def members_said(self, obj: Team) -> str:
        return ", ".join(str(each.user) for each in obj.memberships.all() if not each.is_manager)


class OrganizationForm(forms.ModelForm):  # type: ignore[type-arg]
    time_zone = ZoneField(help_text="Days, weeks and months in reports and criteria.")


@admin.register(Organization)
class OrganizationAdmin(RoleAdmin):
    """The one organization."""

    about = "The organization this installation serves. Its zone says where a day begins in reports and criteria."
    icon = "apartment"
    called = "Organization"
    readers, editors, changeable = DESK, frozenset({Role.REVOPS}), True
    form = OrganizationForm
    list_display = ("name", "time_zone", "currency")
    fields = ("name", "time_zone", "currency", "first_weekday", "lost_rest_days", "next_step_days", "contest_days")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self.to(Organization.objects.get(pk=1)) if self.may_read(request) else super().changelist_view(request)


@admin.register(ApiKey)
class ApiKeyAdmin(RoleAdmin):
    """Keys with which programs act as a user."""

    about = (
        "Keys with which programs use the API in the name of one user, with that user's rights. A new key is shown "
        "once, right after it is made; only its hash is kept."
    )
    icon = "key"
    called = "API keys"
    editors, addable = frozenset({Role.REVOPS}), True
    list_display = ("name", "user", "prefix", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    fields = ("name", "user")
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "user") if obj is None else self.list_display

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Nobody but an admin makes a key that may do what an admin may."""
        if db_field.name == "user":
            people = User.objects.filter(is_active=True).order_by("full_name", "email")
            if not person(request).has_role(Role.ADMIN):
                people = people.exclude(Q(is_superuser=True) | Q(groups__name=Role.ADMIN.value))
            kwargs["queryset"] = people
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        key = new_key("ak")
        obj.prefix, obj.key_hash = key[:8], digest(key)
        super().save_model(request, obj, form, change)
        messages.warning(request, f"The key is {key} — copy it now, it is never shown again.")

    @admin.action(description="Revoke: the key stops working at once", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = queryset.filter(revoked_at=None).update(revoked_at=clock.now())
        messages.success(request, f"Revoked: {revoked}.")

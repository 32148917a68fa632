"""Who may open and change what in the admin: said by role, in code, for every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, ParamSpec, TypeVar, cast

from django.contrib import messages
from django.contrib.admin import site
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from leads import clock
from leads.errors import Refused
from leads.models import Lead, Role, User

P = ParamSpec("P")
R = TypeVar("R")

DESK = frozenset({Role.MANAGER, Role.MARKETING, Role.REVOPS})


def person(request: HttpRequest) -> User:
    """Who is asking; the admin is open to people who are signed in only."""
    return cast(User, request.user)


class Named(NamedTuple):
    """Somebody on a page that asks: their name, their page, and what is said beside."""

    name: str
    url: str
    beside: str


class RoleAdmin(ModelAdmin):  # type: ignore[misc]
    """A page of the admin that roles open: `readers` may look, `editors` may change, admins may both.

    `about` is the sentence at its top. Adding and deleting are off unless said otherwise: most rows are history, or
    history hangs on them. `lead_path` leads to the lead of a row; a manager sees those of their teams only.
    """

    about: ClassVar[str] = ""
    icon: ClassVar[str] = "circle"
    called: ClassVar[str] = ""  # in the sidebar, where the model's own plural is not what people say
    in_sidebar: ClassVar[bool] = True
    readers: ClassVar[frozenset[Role]] = frozenset()
    editors: ClassVar[frozenset[Role]] = frozenset()
    addable: ClassVar[bool] = False
    changeable: ClassVar[bool] = False
    deletable: ClassVar[bool] = False
    lead_path: ClassVar[str] = ""

    list_before_template = "admin/about.html"
    change_form_outer_before_template = "admin/about.html"
    list_per_page = 50
    list_filter_sheet = False
    show_full_result_count = False
    warn_unsaved_form = True

    def may_read(self, request: HttpRequest) -> bool:
        """Whether this person's roles open the page."""
        return person(request).has_role(Role.ADMIN, *self.readers, *self.editors)

    def may_edit(self, request: HttpRequest) -> bool:
        """Whether this person's roles let them change what the page shows."""
        return person(request).has_role(Role.ADMIN, *self.editors)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may_read(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_read(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.addable and self.may_edit(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.changeable and self.may_edit(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.deletable and self.may_edit(request)

    def has_act_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For actions: those of editors, also where the rows themselves are not typed by hand."""
        return self.may_edit(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if self.lead_path and not person(request).has_role(Role.ADMIN, Role.REVOPS, Role.MARKETING):
            visible = Lead.objects.visible_to(person(request))
            return rows.filter(**{f"{self.lead_path}__in": visible.values("pk")})
        return rows

    def attempt(self, request: HttpRequest, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Call one verb for this person; a refusal becomes a message, and None."""
        try:
            return verb(*args, **kwargs)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return None

    def confirm(
        self,
        request: HttpRequest,
        title: str,
        sentences: list[str],
        *,
        button: str,
        hidden: dict[str, Any] | None = None,
        back: str = "",
        ask: str = "",
        people: Mapping[str, Sequence[Named]] | None = None,
    ) -> HttpResponse:
        """The page that names what is about to happen and asks once; `hidden` is posted back with the answer.

        `ask` is the label of a line in which the person says why; it is posted as `why`. `people` are whom it would
        be about, under a heading each.
        """
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": title,
            "sentences": sentences,
            "button": button,
            "hidden": [(name, each) for name, value in (hidden or {}).items() for each in _listed(value)],
            "back": back or self.list_url(),
            "ask": ask,
            "people": [(heading, named) for heading, named in (people or {}).items() if named],
        }
        return TemplateResponse(request, "admin/confirm.html", context)

    def list_url(self) -> str:
        """Where all rows are listed."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def redirect(self, url: str) -> HttpResponseRedirect:
        """On to another page of the admin."""
        return HttpResponseRedirect(url)

    def to(self, obj: Model) -> HttpResponseRedirect:
        """On to the page of one row, of whatever kind."""
        return HttpResponseRedirect(page_of(obj))


class RoleInline:
    """Lines within a page: whoever may change the page may change them, unless they are `frozen`."""

    frozen: ClassVar[bool] = False
    extra = 0

    def _parent(self) -> RoleAdmin:
        return cast(RoleAdmin, site._registry[self.parent_model])  # type: ignore[attr-defined]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._parent().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if self.frozen:
            return False
        parent = self._parent()
        return parent.has_change_permission(request, obj) if obj else parent.has_add_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


class Lines(RoleInline, TabularInline):  # type: ignore[misc]
    """Lines of a table."""

    hide_title = True


class Blocks(RoleInline, StackedInline):  # type: ignore[misc]
    """Lines that need more room than a row."""


class History(Lines):
    """Lines that verbs write and nobody types."""

    frozen = True
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return list(self.fields)


def page_of(obj: Model) -> str:
    """Where one row is shown in the admin."""
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])


def now_and_by(request: HttpRequest) -> dict[str, Any]:
    """What every verb is told: the moment and the person."""
    return {"now": clock.now(), "by": person(request)}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]

"""What leaves the house, and the progress of long work."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action

from leads import clock, invitations, jobs, outbox
from leads.admin.roles import DESK, History, RoleAdmin, now_and_by, page_of
from leads.delivering import words
from leads.models import DeliveryStep, Job, Notification, Role


class Steps(History):
    """What became of one message, attempt by attempt."""

    model = DeliveryStep
    fields = ("at", "what", "attempt", "status", "said", "by")
    verbose_name_plural = "what became of it"


@admin.register(Notification)
class NotificationAdmin(RoleAdmin):
    """The outbox."""

    about = (
        "Every mail and every event Baton sends, and what became of it: queued, sent, put into a digest, given up, or "
        "unknown where the connection broke at the end of an at-most-once mail. What was given up stays here and can "
        "be sent again, under the same id."
    )
    icon = "outgoing_mail"
    editors = frozenset({Role.REVOPS})
    list_display = (
        *("created_at", "kind", "recipient", "endpoint", "subject", "state", "attempts", "settled_at", "last_error"),
    )
    list_filter = ("state", "kind", "endpoint")
    list_select_related = ("recipient", "endpoint")
    search_fields = ("subject", "to_address")
    ordering = ("-created_at", "-id")
    fields = (
        ("created_at", "not_before", "settled_at"), ("state", "attempts", "promise"), "last_error", "kind",
        ("recipient", "to_address", "endpoint"), "carrier", "lead", "subject", "words", "effect_key",
    )  # fmt: skip
    readonly_fields = ("words",)
    inlines = (Steps,)
    actions = ("send_again",)

    @admin.display(description="text")
    def words(self, message: Notification) -> str:
        if message.kind == invitations.KIND:
            return "Not shown: the link in it lets its reader in."
        return words.of(message).text

    @admin.action(description="Send again what was given up", permissions=["act"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        queued = self.attempt(request, outbox.requeue, queryset.values_list("pk", flat=True), **now_and_by(request))
        if queued:
            messages.success(request, f"Queued again: {queued}.")
        elif queued == 0:
            messages.error(request, "Only what was given up can be sent again.")


@admin.register(Job)
class JobAdmin(RoleAdmin):
    """Long work."""

    about = "Long work, such as imports: how far it is while it runs, and its report when it is done."
    icon = "hourglass_empty"
    readers, editors = DESK, frozenset({Role.REVOPS})
    actions_detail = ("stop",)
    list_display = ("started_at", "title", "kind", "state", "done", "total", "refused", "by", "finished_at")
    list_filter = ("state", "kind")
    list_select_related = ("by",)
    ordering = ("-started_at", "-id")
    fields = (
        "title", ("kind", "state", "by"), ("total", "done", "refused"), "report",
        ("started_at", "finished_at", "cancel_requested_at"),
    )  # fmt: skip

    @action(description="Stop", permissions=["act"], icon="stop_circle")  # type: ignore[untyped-decorator]
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = Job.objects.get(pk=object_id)
        if request.method == "POST":
            if self.attempt(request, jobs.ask_to_stop, job.pk, now=clock.now()):
                messages.success(request, f"“{job}” ends after its present step.")
            return self.to(job)
        told = ["What it has done so far stays. It can be begun again."]
        return self.confirm(request, f"Stop “{job}”", told, button="Stop", back=page_of(job))

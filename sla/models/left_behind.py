"""What a rep who is away or gone leaves behind: accepted hand-offs that somebody else has to take, or decide on."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models import User
from sla.models.handoff import Handoff
from sla.models.people import Absence, Rep


class LeftBehind(models.Model):
    """One hand-off whose rep is away or gone. Due at the end of the grace; without a due time a manager decides."""

    class Settled(models.TextChoices):
        REOFFERED = "reoffered", "Offered to the next rep"
        COVERED = "covered", "Taken over by the covering rep"
        GIVEN = "given", "Given to another rep by a manager"
        KEPT = "kept", "Kept with the rep by a manager"
        BACK = "back", "The rep was back in time"
        ENDED = "ended", "Answered meanwhile"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handoff = models.ForeignKey(Handoff, models.PROTECT, related_name="left_behind")
    absence = models.ForeignKey(
        Absence, models.PROTECT, null=True, blank=True, related_name="left_behind", help_text="Empty: the rep is gone."
    )
    since = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, help_text="End of the grace; empty: a manager decides.")
    note = models.CharField(max_length=200, blank=True, help_text="Why a manager has to decide.")
    held_back_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="It failed then; it is tried again a minute later.",
    )
    held_back_why = models.CharField(max_length=300, blank=True, editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_as = models.CharField(max_length=9, choices=Settled.choices, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name_plural = "left behind"
        constraints = [
            models.UniqueConstraint(
                fields=["absence", "handoff"], condition=Q(absence__isnull=False), name="left_behind_once_per_absence"
            ),
            models.UniqueConstraint(
                fields=["handoff"], condition=Q(settled_at__isnull=True), name="left_behind_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_as="")
                | Q(
                    settled_at__isnull=False,
                    settled_as__in=["reoffered", "covered", "given", "kept", "back", "ended"],
                ),
                name="left_behind_settled_or_not",
            ),
            models.CheckConstraint(
                condition=Q(absence__isnull=False) | Q(due_at__isnull=True), name="the_gone_have_no_grace"
            ),
        ]
        indexes = [
            # Reader: runclock, in due order.
            models.Index(
                fields=["due_at", "id"],
                name="left_behind_due",
                condition=Q(settled_at__isnull=True, due_at__isnull=False),
            ),
            # Reader: the board, and routing, which leaves what a manager decides.
            models.Index(
                fields=["handoff"],
                name="left_behind_to_decide",
                condition=Q(settled_at__isnull=True, due_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handoff} left behind"


class RepChange(models.Model):
    """One change of whether a rep receives leads: history, never changed."""

    class What(models.TextChoices):
        TAKEN_OUT = "taken_out", "Taken out"
        BROUGHT_BACK = "brought_back", "Brought back"
        LEFT_TEAM = "left_team", "Left a team"

    rep = models.ForeignKey(Rep, models.PROTECT, related_name="changes")
    what = models.CharField(max_length=12, choices=What.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True, help_text="Where what was open went.")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(what__in=["taken_out", "brought_back", "left_team"]), name="rep_change_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rep}: {self.get_what_display().lower()}"

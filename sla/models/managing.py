"""What managers do on the floor beside verdicts: reassign, take over, nudge, look over a shoulder. One row each."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models import User
from sla.models.handoff import Handoff


class ManagerAct(models.Model):
    """One thing a manager did with a rep's hand-off, or with a rep. The reason can be erased, nothing else changes."""

    class What(models.TextChoices):
        REASSIGNED = "reassigned", "Reassigned"
        ROUTED = "routed", "Given back to the rules"
        TAKEN = "taken", "Taken over"
        NUDGED = "nudged", "Nudged"
        VIEWED = "viewed", "Viewed as"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    what = models.CharField(max_length=10, choices=What.choices)
    handoff = models.ForeignKey(Handoff, models.PROTECT, null=True, related_name="acts")
    rep = models.ForeignKey(User, models.PROTECT, related_name="+", help_text="Whose hand-off, or whose desk.")
    to = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", help_text="Who has it from then on.")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(what__in=["reassigned", "routed", "taken", "nudged", "viewed"]), name="manager_act_what"
            ),
            models.CheckConstraint(
                condition=Q(what="viewed", handoff=None) | (~Q(what="viewed") & Q(handoff__isnull=False)),
                name="manager_act_is_of_a_handoff",
            ),
        ]
        indexes = [
            # Reader: who looked at whose desk, and when last.
            models.Index(fields=["rep", "at"], name="viewed_as", condition=Q(what="viewed")),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} by {self.by}"

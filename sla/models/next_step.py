"""What comes next with an accepted lead, and until when a row is out of sight: every change of either."""

from __future__ import annotations

from django.db import models

from leads.models import User
from sla.models.handoff import Handoff


class NextStepChange(models.Model):
    """One change of a hand-off's next step or snooze: history, as it stood afterwards. Only its words can be erased."""

    class Why(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        TOUCH = "touch", "After a touch"
        MEETING = "meeting", "A meeting was booked"
        HAND_RAISE = "hand-raise", "Raised a hand"
        RETIMED = "re-timed", "Its promise was timed anew"
        SET = "set", "Set by hand"
        SNOOZED = "snoozed", "Snoozed"
        WOKEN = "woken", "Brought back"
        CUT = "cut", "Cut to the next warning"
        UNDO = "undo", "Undone"

    handoff = models.ForeignKey(Handoff, models.CASCADE, related_name="next_steps")
    why = models.CharField(max_length=10, choices=Why.choices)
    step_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=120, blank=True)
    is_own = models.BooleanField(default=False, help_text="A person set it; the cadence leaves it alone until then.")
    snoozed_until = models.DateTimeField(null=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    why__in=[
                        *("accepted", "touch", "meeting", "hand-raise", "re-timed", "set"),
                        *("snoozed", "woken", "cut", "undo"),
                    ]
                ),
                name="next_step_why",
            )
        ]

    def __str__(self) -> str:
        return self.step or self.get_why_display()

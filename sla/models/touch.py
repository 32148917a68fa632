"""Evidence that a person on our side reached out."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, JSONField, Q, Value

from leads.models import Lead, User
from sla.models.handoff import Handoff


class Touch(models.Model):
    """One call, mail, message or meeting with a lead. Automated ones are kept and stop nothing."""

    class Means(models.TextChoices):
        CALL = "call", "Call"
        EMAIL = "email", "E-mail"
        MESSAGE = "message", "Message"
        MEETING = "meeting", "Meeting"

    class Direction(models.TextChoices):
        OUTBOUND = "outbound", "We reached out"
        INBOUND = "inbound", "They reached out and we answered"

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached"
        NO_ANSWER = "no_answer", "No answer"
        LEFT_MESSAGE = "left_message", "Left a message"
        SENT = "sent", "Sent"
        BOOKED = "booked", "Meeting booked"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="touches")
    handoff = models.ForeignKey(Handoff, models.PROTECT, null=True, blank=True, related_name="touch_rows")
    means = models.CharField(max_length=7, choices=Means.choices)
    direction = models.CharField(max_length=8, choices=Direction.choices, default=Direction.OUTBOUND)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    performed_by = models.ForeignKey(User, models.PROTECT, related_name="touches_performed")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    counts_at = models.DateTimeField(help_text="Occurred, or recorded where it was logged later than the grace.")
    logged_later = models.BooleanField(default=False)
    automated = models.BooleanField(default=False)
    by_machine = models.BooleanField(default=False, help_text="Brought by a dialler or sequencer over the API.")
    external_id = models.CharField(max_length=200, blank=True)
    note = models.TextField(max_length=2000, blank=True)
    meeting_at = models.DateTimeField(null=True, blank=True, help_text="When the meeting is that was booked.")
    before = models.JSONField(
        default=dict,
        db_default=Value({}, JSONField()),
        editable=False,
        help_text="What taking it back restores: clocks, next step, what it accepted or answered on paper.",
    )

    class Meta:
        verbose_name_plural = "touches"
        constraints = [
            models.UniqueConstraint(
                fields=["recorded_by", "external_id"], condition=~Q(external_id=""), name="touch_taken_in_once"
            ),
            models.CheckConstraint(
                condition=Q(meeting_at__isnull=True) | Q(outcome="booked", meeting_at__gt=F("occurred_at")),
                name="a_booked_meeting_is_to_come",
            ),
        ]
        # Reader: the lead's timeline.
        indexes = [models.Index(fields=["lead", "occurred_at"], name="touch_of_lead")]

    def __str__(self) -> str:
        return f"{self.get_means_display()} at {self.occurred_at:%Y-%m-%d %H:%M}"


class TakenBackTouch(models.Model):
    """A touch that its recorder took back within seconds: the touch is gone, and this says that there was one.

    It counts nowhere. What was written with it is gone as well.
    """

    id = models.BigIntegerField(primary_key=True, editable=False, help_text="The touch's own.")
    public_id = models.UUIDField(unique=True, editable=False, help_text="The touch's own.")
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="taken_back_touches")
    handoff = models.ForeignKey(Handoff, models.PROTECT, null=True, blank=True, related_name="+")
    means = models.CharField(max_length=7, choices=Touch.Means.choices)
    direction = models.CharField(max_length=8, choices=Touch.Direction.choices)
    outcome = models.CharField(max_length=12, choices=Touch.Outcome.choices)
    performed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    by = models.ForeignKey(User, models.PROTECT, related_name="+", help_text="Who recorded it, and took it back.")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    at = models.DateTimeField(help_text="When it was taken back.")

    class Meta:
        verbose_name_plural = "taken back touches"
        constraints = [models.CheckConstraint(condition=Q(at__gte=F("recorded_at")), name="taken_back_after_recording")]
        # Reader: the lead's timeline.
        indexes = [models.Index(fields=["lead", "at"], name="taken_back_touch_of_lead")]

    def __str__(self) -> str:
        return f"{self.get_means_display()} taken back at {self.at:%Y-%m-%d %H:%M}"

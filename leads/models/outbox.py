"""What leaves the house, and the progress of long work."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models.people import User


class Notification(models.Model):
    """One message to one person: a row of the outbox. Its effect key makes it one, however often it is written."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        DEAD = "dead", "Given up"
        UNKNOWN = "unknown", "Unknown"
        CANCELLED = "cancelled", "Cancelled"

    class Promise(models.TextChoices):
        AT_LEAST_ONCE = "at_least_once", "At least once"
        AT_MOST_ONCE = "at_most_once", "At most once"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    effect_key = models.CharField(max_length=200, unique=True)
    promise = models.CharField(max_length=13, choices=Promise.choices, default=Promise.AT_LEAST_ONCE)
    kind = models.CharField(max_length=40, help_text="new lead, warning, breach …")
    recipient = models.ForeignKey(User, models.PROTECT, null=True, related_name="notifications")
    to_address = models.CharField(max_length=254)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    lead = models.ForeignKey("leads.Lead", models.SET_NULL, null=True, related_name="notifications")
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True, help_text="When it was sent, given up or cancelled.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending"], settled_at__isnull=True)
                | Q(state__in=["sent", "dead", "unknown", "cancelled"], settled_at__isnull=False),
                name="notification_settled_once",
            ),
        ]
        indexes = [
            # Reader: delivery, in the order it may leave.
            models.Index(fields=["not_before", "id"], name="outbox_queue", condition=Q(state="queued")),
            # Reader: the sweep that finds what a dead worker left in the middle.
            models.Index(fields=["not_before"], name="outbox_sending", condition=Q(state="sending")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to_address}"


class Job(models.Model):
    """Progress of long work, such as an import: shown while it runs, kept with its report."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    total = models.BigIntegerField(null=True, blank=True)
    done = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running") | Q(finished_at__isnull=False), name="job_ends_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.title

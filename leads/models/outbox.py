"""What leaves the house, and the progress of long work."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from leads.models.endpoints import Endpoint
from leads.models.people import User


class Topic(models.TextChoices):
    """What people may choose to be told at once, in a digest, or not by mail."""

    NEW_LEAD = "new_lead", "A new lead"
    WARNING = "warning", "A due time comes near"
    BREACH = "breach", "A due time has passed"
    NEWS = "news", "News of a lead I have"
    OPERATIONS = "operations", "Baton itself"  # always told, and at once


class Notification(models.Model):
    """One message to one person or one endpoint: a row of the outbox. Its effect key makes it one, however often it
    is written. A mail that went out within a digest points to the one that carried it."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        DEAD = "dead", "Given up"
        UNKNOWN = "unknown", "Unknown"
        CANCELLED = "cancelled", "Cancelled"
        DIGESTED = "digested", "In a digest"

    class Promise(models.TextChoices):
        AT_LEAST_ONCE = "at_least_once", "At least once"
        AT_MOST_ONCE = "at_most_once", "At most once"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    effect_key = models.CharField(max_length=200, unique=True)
    promise = models.CharField(max_length=13, choices=Promise.choices, default=Promise.AT_LEAST_ONCE)
    kind = models.CharField(max_length=40, help_text="new lead, warning, breach, or the event an endpoint is told of.")
    topic = models.CharField(max_length=10, choices=Topic.choices, default=Topic.OPERATIONS)
    is_urgent = models.BooleanField(default=False, help_text="Passes quiet hours.")
    recipient = models.ForeignKey(User, models.PROTECT, null=True, related_name="notifications")
    endpoint = models.ForeignKey(Endpoint, models.PROTECT, null=True, related_name="notifications")
    to_address = models.CharField(max_length=254)
    subject = models.CharField(max_length=250)
    text = models.TextField(help_text="The mail's text, or the body an endpoint is sent.")
    html = models.TextField(blank=True)
    template = models.CharField(
        max_length=60, blank=True, help_text="Instead of words: the letter that is written at sending, out of `data`."
    )
    data = models.JSONField(
        default=dict, blank=True, help_text="What the letter says, as it was when it was queued. Can be erased."
    )
    lead = models.ForeignKey("leads.Lead", models.SET_NULL, null=True, related_name="notifications")
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    settled_at = models.DateTimeField(null=True, help_text="When it was sent, given up or cancelled.")
    for_digest = models.BooleanField(default=False, help_text="Waits to leave together with others.")
    carrier = models.ForeignKey("self", models.PROTECT, null=True, related_name="carried", editable=False)

    due_at: datetime  # in memory alone, while it is being sent: when it was due

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending"], settled_at__isnull=True)
                | Q(state__in=["sent", "dead", "unknown", "cancelled", "digested"], settled_at__isnull=False),
                name="notification_settled_once",
            ),
            models.CheckConstraint(
                condition=Q(endpoint__isnull=True) | Q(recipient__isnull=True), name="to_a_person_or_an_endpoint"
            ),
            models.CheckConstraint(condition=Q(template="") | Q(text="", html=""), name="words_or_a_letter_to_write"),
            models.CheckConstraint(
                condition=Q(state="digested", carrier__isnull=False) | (~Q(state="digested") & Q(carrier__isnull=True)),
                name="digested_by_a_carrier",
            ),
        ]
        indexes = [
            # Reader: delivery, in the order mail may leave.
            models.Index(
                fields=["not_before", "id"], name="outbox_queue", condition=Q(state="queued", endpoint__isnull=True)
            ),
            # Reader: delivery, for each endpoint by itself.
            models.Index(
                fields=["endpoint", "not_before", "id"],
                name="outbox_of_endpoint",
                condition=Q(state="queued", endpoint__isnull=False),
            ),
            # Reader: delivery, how much one person has been sent lately.
            models.Index(
                fields=["recipient", "settled_at"],
                name="outbox_sent_to",
                condition=Q(state="sent", endpoint__isnull=True),
            ),
            # Reader: the sweep that finds what a dead worker left in the middle.
            models.Index(fields=["not_before"], name="outbox_sending", condition=Q(state="sending")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.endpoint or self.to_address}"


class DeliveryStep(models.Model):
    """One thing that became of a message: an attempt with its answer, or a decision. History, never changed."""

    class What(models.TextChoices):
        SENT = "sent", "Sent"
        LATER = "later", "Failed, to be tried again"
        DEAD = "dead", "Given up"
        UNKNOWN = "unknown", "Unknown whether it arrived"
        LOST = "lost", "Left behind by a process that ended"
        CANCELLED = "cancelled", "Cancelled"
        DIGESTED = "digested", "Put into a digest"
        HELD = "held", "Held back"
        AGAIN = "again", "Queued again by a person"

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="steps")
    what = models.CharField(max_length=9, choices=What.choices)
    at = models.DateTimeField()
    attempt = models.IntegerField(default=0)
    status = models.IntegerField(null=True, help_text="As SMTP or HTTP answered.")
    said = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    what__in=["sent", "later", "dead", "unknown", "lost", "cancelled", "digested", "held", "again"]
                ),
                name="delivery_step_what",
            ),
        ]

    def __str__(self) -> str:
        return self.get_what_display()


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

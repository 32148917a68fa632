"""Addresses outside that are told of events: a program's webhook, or a channel of a chat."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leads.delivering.masks import masked
from leads.models.people import Team, User


class Endpoint(models.Model):
    """One address outside, and the events it is told of. Its signing secret is derived, and stored nowhere."""

    class Kind(models.TextChoices):
        STANDARD = "standard", "Webhook, signed after Standard Webhooks"
        SLACK = "slack", "Slack channel"
        TEAMS = "teams", "Microsoft Teams channel"
        MATTERMOST = "mattermost", "Mattermost channel"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.STANDARD)
    url = models.CharField("address", max_length=2000)
    events = ArrayField(models.CharField(max_length=60), help_text="What it is told of.")
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="endpoints", help_text="Empty is every team."
    )
    is_active = models.BooleanField(default=True)
    secret_number = models.IntegerField(default=1, editable=False, help_text="Counts up with every new secret.")
    former_secret_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Until then the former secret signs beside the new one."
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_why = models.CharField(max_length=300, blank=True)
    held_until = models.DateTimeField(null=True, blank=True, help_text="It failed: nothing is sent before then.")
    failures = models.IntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["standard", "slack", "teams", "mattermost"]), name="endpoint_kind"
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_at__isnull=True) | Q(is_active=False), name="disabled_is_inactive"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_url(self) -> str:
        """The address as people and programs are shown it: never whole."""
        return masked(self.url)


class EndpointChange(models.Model):
    """One thing a person or Baton did to an endpoint. History, never changed; it holds no address."""

    class What(models.TextChoices):
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        RENEWED = "renewed", "Given a new secret"
        OFF = "off", "Switched off"
        ON = "on", "Switched on"

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="changes")
    what = models.CharField(max_length=7, choices=What.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    said = models.CharField("what exactly", max_length=300, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(what__in=["added", "changed", "renewed", "off", "on"]), name="endpoint_change_known"
            ),
        ]

    def __str__(self) -> str:
        return self.get_what_display()


class MailRelay(models.Model):
    """The one relay all mail goes through: while it is away nothing is tried, and no message's attempts are counted."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    held_until = models.DateTimeField(null=True, blank=True)
    failures = models.IntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="only_one_mail_relay")]

    def __str__(self) -> str:
        return "The mail relay"

"""How one person wants to be told: by topic, in which hours, and when a digest comes."""

from __future__ import annotations

from datetime import time

from django.db import models
from django.db.models import Q

from leads.models.outbox import Topic
from leads.models.people import User


class MailPreference(models.Model):
    """What one person wants of one topic; where there is no row, it is told at once."""

    class How(models.TextChoices):
        AT_ONCE = "at_once", "At once"
        DIGEST = "digest", "In a daily digest"
        OFF = "off", "Not by mail"

    user = models.ForeignKey(User, models.CASCADE, related_name="mail_preferences")
    topic = models.CharField(max_length=10, choices=[each for each in Topic.choices if each[0] != Topic.OPERATIONS])
    how = models.CharField(max_length=7, choices=How.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "topic"], name="one_preference_per_topic"),
            models.CheckConstraint(condition=~Q(topic="operations"), name="baton_itself_is_always_told"),
            models.CheckConstraint(condition=Q(how__in=["at_once", "digest", "off"]), name="preference_how"),
        ]

    def __str__(self) -> str:
        return f"{self.get_topic_display()}: {self.get_how_display().lower()}"


class MailHours(models.Model):
    """One person's quiet hours and the time of their digest, in their own zone."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="mail_hours")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    digest_at = models.TimeField(default=time(8, 0))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=models.F("quiet_until"))),
                name="quiet_hours_begin_and_end",
            ),
        ]

    def __str__(self) -> str:
        return f"Quiet from {self.quiet_from} until {self.quiet_until}" if self.quiet_from else "No quiet hours"

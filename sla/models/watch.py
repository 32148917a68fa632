"""Who watches the watch: the signs of life of every process, the canaries, and the incidents that were told."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class Heartbeat(models.Model):
    """One living part of one process, written every few seconds by the thread that does the work."""

    class Part(models.TextChoices):
        WEB = "web", "Web"
        WORKER = "worker", "Worker"
        CLOCK = "clock", "Clock"
        SWEEP = "sweep", "Sweeper"

    part = models.CharField(max_length=6, choices=Part.choices)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    started_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["part", "host", "pid"], name="one_heart_per_process")]

    def __str__(self) -> str:
        return f"{self.get_part_display()} on {self.host}, process {self.pid}"


class Canary(models.Model):
    """A clock that is nobody's: armed each minute, fired by the loop that fires every clock and after all that was due
    before it, and told through the outbox to no one. Where it is late, promises are."""

    minute = models.DateTimeField(unique=True, help_text="One is armed in each.")
    armed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(fired_at__isnull=True) | Q(fired_at__gte=F("due_at")), name="no_canary_before_it_is_due"
            )
        ]
        indexes = [
            # Reader: runclock, after each page of clocks.
            models.Index(fields=["due_at"], name="canary_due", condition=Q(fired_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"Canary of {self.minute:%Y-%m-%d %H:%M}"

    @property
    def effect_key(self) -> str:
        """The name of its message in the outbox."""
        return f"canary:{self.pk}"


class Incident(models.Model):
    """A part that failed: told to the admins once when it began and once when it was over."""

    part = models.CharField(max_length=12)
    says = models.CharField(max_length=300, help_text="What was wrong when it began.")
    opened_at = models.DateTimeField()
    well_since = models.DateTimeField(null=True, help_text="Since when it looks mended; not yet believed.")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["part"], condition=Q(closed_at__isnull=True), name="one_open_incident_per_part"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")),
                name="incident_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.part}: {self.says}"

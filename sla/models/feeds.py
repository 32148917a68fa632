"""A rep's own calendar elsewhere, read by its iCal address."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.models import User
from sla.models.people import Rep


class CalendarFeed(models.Model):
    """The iCal address of one rep, and how reading it went. The address is a secret: who has it reads the calendar."""

    class Takes(models.TextChoices):
        OUT_OF_OFFICE = "out", "Out of office, and whole days that block"
        ALL_BUSY = "busy", "Everything that is busy, by the hour"

    rep = models.OneToOneField(Rep, models.CASCADE, related_name="feed")
    address = models.CharField(max_length=2000)
    takes = models.CharField(max_length=4, choices=Takes.choices, default=Takes.OUT_OF_OFFICE)
    keeps_titles = models.BooleanField(default=False)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    next_at = models.DateTimeField(help_text="When it is read again.")
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read well.")
    whole_at = models.DateTimeField(null=True, blank=True, help_text="When its whole text was last read.")
    stretches = models.IntegerField(default=0, help_text="Busy stretches found in its window.")
    passed_over = models.IntegerField(default=0, help_text="Series that could not be read.")
    failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    failed_why = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(takes__in=["out", "busy"]), name="feed_takes_known"),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since__isnull=True) | Q(failures__gte=1, failing_since__isnull=False),
                name="feed_fails_since_a_time",
            ),
        ]
        # Reader: the task that reads what is due.
        indexes = [models.Index(fields=["next_at"], name="feed_due")]

    def __str__(self) -> str:
        return f"Calendar of {self.rep}"

"""Orders to release standing leads: all of a part, or so many per rep and day; what each day gave, and each lead."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from leads.models import Team, User
from scoring.models import Definition, Qualification, Tier


class ReleaseOrder(models.Model):
    """A standing order of a manager, run by the sweep, the best first, until nothing is left, a day, or it is stopped.

    Its filter never changes: stop it, and give another.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        STOPPED = "stopped", "Stopped"
        DONE = "done", "Done"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(
        Team, models.PROTECT, related_name="+", help_text="Its reps are counted, its hours say what a working day is."
    )
    definition = models.ForeignKey(Definition, models.PROTECT, null=True, blank=True, related_name="+")
    tier = models.CharField(max_length=4, choices=Tier.choices, blank=True)
    source = models.CharField(max_length=120, blank=True)
    total_min = models.BigIntegerField(null=True, blank=True, help_text="Thousandths of a point.")
    total_max = models.BigIntegerField(null=True, blank=True, help_text="Thousandths of a point.")
    within_days = models.PositiveIntegerField(null=True, blank=True, help_text="Qualified within so many days.")
    per_rep_and_day = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: all at once.")
    until_date = models.DateField(null=True, blank=True, help_text="The last day on which it releases.")
    why = models.CharField(max_length=200)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.RUNNING)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", ended_at=None) | Q(state__in=["stopped", "done"], ended_at__isnull=False),
                name="release_order_runs_or_ended",
            ),
            models.CheckConstraint(
                condition=Q(per_rep_and_day=None) | Q(per_rep_and_day__gte=1), name="release_at_least_one_a_day"
            ),
        ]

    def __str__(self) -> str:
        pace = f"{self.per_rep_and_day} per rep and day" if self.per_rep_and_day else "all at once"
        return f"{self.team}: {pace}"

    @property
    def last_day(self) -> ReleaseDay | None:
        """The last day on which it released; of a prefetched order without a question."""
        return max(self.days.all(), key=lambda day: day.date, default=None)


class ReleaseOrderChange(models.Model):
    """Given, stopped, resumed, done: history, never changed."""

    order = models.ForeignKey(ReleaseOrder, models.CASCADE, related_name="changes")
    what = models.CharField(max_length=10, help_text="given, stopped, resumed, done")
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.what


class ReleaseDay(models.Model):
    """What an order may release on one day, and did. The day of a team's calendar."""

    order = models.ForeignKey(ReleaseOrder, models.CASCADE, related_name="days")
    date = models.DateField()
    quota = models.PositiveIntegerField(help_text="Leads per rep, times the reps who worked; the most it was that day.")
    released = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint(fields=["order", "date"], name="one_release_day"),
            models.CheckConstraint(condition=Q(released__lte=F("quota")), name="no_more_than_the_quota"),
        ]

    def __str__(self) -> str:
        return f"{self.date}: {self.released} of {self.quota}"


class OrderedRelease(models.Model):
    """One standing lead that an order came to: released, or passed over with why."""

    order = models.ForeignKey(ReleaseOrder, models.CASCADE, related_name="releases")
    qualification = models.ForeignKey(Qualification, models.CASCADE, related_name="+")
    date = models.DateField(null=True)
    at = models.DateTimeField()
    passed_over = models.CharField(max_length=200, blank=True, help_text="Why it was not released.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "qualification"], name="an_order_comes_to_each_once")]

    def __str__(self) -> str:
        return self.passed_over or "released"

"""The clock: one promise of one episode or hand-off, every timing of it, every pause, every step that fired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import models
from django.db.models import F, Q

from leads.models import User
from scoring.models import Episode
from sla.models.handoff import Handoff
from sla.models.policy import LadderStep, PolicyVersion, Target


class Clock(models.Model):
    """Runs until met or voided. `breached_at` is a mark, not an end. Met iff met_at ≤ due_at: arithmetic."""

    class Verdict(models.TextChoices):
        MET = "met", "Met"
        MISSED = "missed", "Missed"
        VOIDED = "voided", "Voided"

    episode = models.ForeignKey(Episode, models.PROTECT, related_name="clocks")
    handoff = models.ForeignKey(Handoff, models.PROTECT, null=True, blank=True, related_name="clocks")
    target = models.CharField(max_length=11, choices=Target.choices)
    cause = models.CharField(max_length=40, help_text="offer, opened, hop:<n>, or activity:<id> of a hand-raise.")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    next_step_at = models.DateTimeField(
        null=True, help_text="Next warning, breach or ladder step: what runclock reads."
    )
    breached_at = models.DateTimeField(null=True, blank=True)
    met_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=60, blank=True)
    verdict = models.CharField(max_length=6, choices=Verdict.choices, blank=True)
    held_back_at = models.DateTimeField(
        null=True, blank=True, help_text="Its last step failed; reported and tried again later."
    )
    held_back_why = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(target="assign", handoff__isnull=True) | (~Q(target="assign") & Q(handoff__isnull=False)),
                name="assign_is_of_the_episode",
            ),
            models.CheckConstraint(
                condition=Q(verdict="", met_at__isnull=True, voided_at__isnull=True)
                | Q(verdict="met", met_at__isnull=False, voided_at__isnull=True, met_at__lte=F("due_at"))
                | Q(verdict="missed", met_at__isnull=False, voided_at__isnull=True, met_at__gt=F("due_at"))
                | Q(verdict="missed", met_at__isnull=True, voided_at__isnull=False, voided_at__gt=F("due_at"))
                | Q(verdict="voided", met_at__isnull=True, voided_at__isnull=False, voided_at__lte=F("due_at")),
                name="verdict_is_arithmetic",
            ),
            models.CheckConstraint(
                condition=Q(verdict="") | Q(next_step_at__isnull=True), name="ended_clocks_do_not_step"
            ),
            models.UniqueConstraint(
                fields=["handoff", "target", "cause"], condition=Q(handoff__isnull=False), name="one_clock_per_cause"
            ),
            models.UniqueConstraint(
                fields=["handoff", "target"],
                condition=Q(handoff__isnull=False, verdict=""),
                name="one_running_clock_per_target",
            ),
            models.UniqueConstraint(
                fields=["episode"], condition=Q(target="assign", verdict=""), name="one_running_assign_clock"
            ),
            models.UniqueConstraint(
                fields=["episode", "cause"], condition=Q(target="assign"), name="one_assign_clock_per_cause"
            ),
        ]
        indexes = [
            # Reader: runclock, in due order; its cost does not grow with the clocks that are not due.
            models.Index(fields=["next_step_at", "id"], name="clock_due", condition=Q(next_step_at__isnull=False)),
            # Reader: boards and inboxes, what runs out first.
            # Reader: boards and inboxes, what runs out first.
            models.Index(fields=["due_at"], name="clock_running", condition=Q(verdict="")),
            # Reader: attainment, what fell due in a week.
            models.Index(fields=["due_at"], include=["target", "verdict"], name="clock_fell_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_target_display()} due {self.due_at:%Y-%m-%d %H:%M}"

    @property
    def is_running(self) -> bool:
        return self.verdict == ""

    # A relation fetched ahead builds a manager and two querysets each time it is read; lists read many, and take these.

    @property
    def all_timings(self) -> Sequence[ClockTiming]:
        """How it was counted; of one fetched for a list without a question."""
        at_hand: Sequence[ClockTiming] | None = self.__dict__.get("timings_at_hand")
        return list(self.timings.all()) if at_hand is None else at_hand

    @property
    def all_pauses(self) -> Sequence[ClockPause]:
        """When it stood still; of one fetched for a list without a question."""
        at_hand: Sequence[ClockPause] | None = self.__dict__.get("pauses_at_hand")
        return list(self.pauses.all()) if at_hand is None else at_hand


class ClockTiming(models.Model):
    """How a deadline was counted: start, budget, calendars, policy. Never changed; the last timing counts."""

    clock = models.ForeignKey(Clock, models.CASCADE, related_name="timings")
    number = models.IntegerField(default=1)
    start_at = models.DateTimeField()
    budget_seconds = models.BigIntegerField(null=True)
    business_days = models.IntegerField(null=True)
    calendar_versions = models.JSONField(
        help_text="Ids of the calendar versions in all of which time must be open; [] is round the clock."
    )
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    target_amount_of = models.CharField(max_length=10, help_text="The lane or tier whose target this is.")
    why = models.CharField(max_length=60, help_text="offer, tier rose, hand-raise, reopened, extended …")
    told = models.CharField(
        max_length=200, blank=True, help_text="What else shaped it: arrived outside hours, spread over the rep's queue."
    )
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clock", "number"], name="timing_number_once"),
            models.CheckConstraint(
                condition=Q(budget_seconds__isnull=False, business_days__isnull=True)
                | Q(budget_seconds__isnull=True, business_days__isnull=False),
                name="timing_in_one_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.why}: due {self.due_at:%Y-%m-%d %H:%M}"

    @property
    def policy_told(self) -> str:
        """The name and number of its policy; of one fetched for a list without a question."""
        name: str | None = self.__dict__.get("policy_name")
        return str(self.policy_version) if name is None else f"{name} v{self.__dict__['policy_number']}"

    @property
    def is_agreed(self) -> bool:
        """Whether it is more than the policy's own: extended by a manager, or spread over the rep's queue."""
        return self.why == "extended" or "come first" in self.told


class ClockPause(models.Model):
    """An agreed pause of depth or qualify, always with an end; it may be ended before. The reason can be erased."""

    clock = models.ForeignKey(Clock, models.CASCADE, related_name="pauses")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="It was ended before its time.")
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["from_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(from_at__lt=F("until_at")), name="pause_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(
                    ended_at__isnull=False,
                    ended_by__isnull=False,
                    ended_at__gte=F("from_at"),
                    ended_at__lte=F("until_at"),
                ),
                name="pause_ended_by_somebody_in_time",
            ),
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def counts_until(self) -> datetime:
        """Until when the clock stood still, or will."""
        return self.ended_at or self.until_at


class ClockExtension(models.Model):
    """More time, given once by a manager with a reason: the timing that it made. The reason can be erased."""

    clock = models.OneToOneField(Clock, models.CASCADE, primary_key=True, related_name="extension")
    timing = models.OneToOneField(ClockTiming, models.CASCADE, related_name="extension")
    seconds = models.PositiveIntegerField(help_text="Of working time, in the hours of the clock.")
    reason = models.CharField(max_length=200)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.reason


class ClockStep(models.Model):
    """One step that fired: the breach mark, or a step of the ladder. One row each, never two."""

    clock = models.ForeignKey(Clock, models.CASCADE, related_name="fired")
    key = models.CharField(max_length=40, help_text="breach, or step:<ladder step id>.")
    step = models.ForeignKey(LadderStep, models.PROTECT, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(help_text="When it was to fire.")
    fired_at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["fired_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["clock", "key"], name="step_fires_once"),
            models.CheckConstraint(condition=Q(fired_at__gte=F("due_at")), name="no_step_before_it_is_due"),
        ]

    def __str__(self) -> str:
        return self.key

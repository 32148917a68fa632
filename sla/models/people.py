"""Whose time it is: calendars in versions, team desks, reps and their absences."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from leads.models import Team, User


class Calendar(models.Model):
    """The working time of a team or a rep. What counts stands in its versions; the last one is in force."""

    name = models.CharField(max_length=120, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def current(self) -> CalendarVersion:
        """The version in force."""
        return self.versions.latest("number")


class CalendarVersion(models.Model):
    """Weekly hours, zone, breaks and holidays as sla.worktime reads them. A change makes the next version."""

    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    spec = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "number"], name="calendar_version_once")]

    def __str__(self) -> str:
        return f"{self.calendar} v{self.number}"


class Desk(models.Model):
    """A team's place in the relay: its calendar, and where its rotation stands. Its row is the rotation's lock."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="desk")
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="desks")
    last_rep = models.ForeignKey("sla.Rep", models.SET_NULL, null=True, blank=True, related_name="+", editable=False)

    def __str__(self) -> str:
        return f"Desk of {self.team}"


class Rep(models.Model):
    """A user who can receive leads."""

    user = models.OneToOneField(User, models.PROTECT, related_name="rep")
    calendar = models.ForeignKey(
        Calendar, models.PROTECT, null=True, blank=True, related_name="reps", help_text="Own hours; empty: the team's."
    )
    capacity = models.PositiveIntegerField(
        default=20, help_text="Hand-offs offered, or accepted and not yet touched, at once."
    )
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return str(self.user)


class Absence(models.Model):
    """Time off. A rep who is away is offered nothing."""

    rep = models.ForeignKey(Rep, models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    why = models.CharField(max_length=120, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When its beginning was acted on.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="absence_ends_after_it_starts"),
            ExclusionConstraint(
                name="absences_do_not_overlap",
                expressions=[
                    ("rep", RangeOperators.EQUAL),
                    (
                        Func(
                            "starts_at",
                            "ends_at",
                            RangeBoundary(),
                            function="tstzrange",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="This rep is already away in that time.",
            ),
        ]
        # Reader: runclock, for absences whose beginning has come.
        indexes = [models.Index(fields=["starts_at"], name="absence_begins", condition=Q(begun_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.rep} away from {self.starts_at:%Y-%m-%d %H:%M}"

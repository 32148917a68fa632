"""Whose time it is: calendars in versions, team desks, reps and their absences."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q

from leads.models import Team, User


class Calendar(models.Model):
    """The working time of a team or a rep. What counts stands in its versions; the last one is in force."""

    name = models.CharField(max_length=120, unique=True)
    public_id = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False)

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
    plan = models.JSONField(
        default=dict,
        db_default={},
        help_text="Whose public holidays it takes by itself, as sla.holidays.plans reads it.",
    )
    holidays_until = models.DateField(null=True, help_text="The last date that its plan has written.")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200, blank=True, help_text="Why it was changed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "number"], name="calendar_version_once"),
            models.CheckConstraint(
                condition=Q(plan={}, holidays_until__isnull=True) | (~Q(plan={}) & Q(holidays_until__isnull=False)),
                name="calendar_plan_says_until_when",
            ),
        ]
        # Reader: the sweep that rolls holidays on.
        indexes = [
            models.Index(fields=["holidays_until"], name="calendar_runs_out", condition=Q(holidays_until__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.calendar} v{self.number}"


class Desk(models.Model):
    """A team's place in the relay: its calendar. Its row is the lock of the team's rotation."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="desk")
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="desks")
    goal = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Percent of its first touches that the team means to make in time; empty: no goal.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(goal__isnull=True) | Q(goal__gte=1, goal__lte=100),
                name="goal_from_1_to_100",
                violation_error_message="A goal is 1 to 100 percent.",
            ),
        ]

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
    daily_cap = models.PositiveIntegerField(
        null=True, blank=True, help_text="Offers in one day of the organization; empty: no limit."
    )
    weight = models.PositiveIntegerField(
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Share of the leads that go by turn: 100 is a full one, 50 half of it.",
    )
    skills = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Separated by commas.")
    languages = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="As leads and rules write them."
    )
    booking_link = models.CharField(
        max_length=200,
        blank=True,
        validators=[RegexValidator(r"\Ahttps://[^\s<>\"]+\Z", "A booking link begins with https://.")],
        help_text="Where leads can pick a time with them; drafts may name it.",
    )
    closes = models.BooleanField(
        "closes deals",
        default=False,
        db_default=False,
        help_text="May be chosen as the next owner of a lead that somebody converts. Takes no room of theirs.",
    )
    is_active = models.BooleanField(default=True)
    cover = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="covers",
        help_text="Who takes over what they are in the middle of while they are away; empty: their manager decides.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(cover__isnull=True) | ~Q(cover=F("id")),
                name="nobody_covers_themself",
                violation_error_message="Nobody covers for themself. Choose somebody else, or leave it empty.",
            ),
            models.CheckConstraint(condition=Q(weight__gte=1, weight__lte=1000), name="rep_weight_from_1_to_1000"),
        ]

    def __str__(self) -> str:
        return str(self.user)


class Absence(models.Model):
    """Time off. A rep who is away is offered nothing. Written by the verbs of sla.people.absences alone."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    rep = models.ForeignKey(Rep, models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    why = models.CharField(max_length=120, blank=True, help_text="Read by the rep and their managers.")
    cover = models.ForeignKey(
        Rep,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="covers_absences",
        help_text="Who takes over what the rep is in the middle of; empty: the rep's usual cover.",
    )
    feed = models.ForeignKey(
        "sla.CalendarFeed",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="absences",
        editable=False,
        help_text="The calendar it was read from; empty: told by a person.",
    )
    told_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When Baton was told, where it had begun by then."
    )
    begun_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When its beginning was acted on.")
    held_back_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Its beginning failed then; it is tried again a minute later.",
    )
    held_back_why = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="absence_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(cover__isnull=True) | ~Q(cover=F("rep")), name="nobody_covers_their_own_absence"
            ),
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

    @property
    def entered_late(self) -> bool:
        """Whether it had begun before anybody told Baton; until then the rep counted as there."""
        return self.told_at is not None

    @property
    def counts_from(self) -> datetime:
        """From when on nothing is counted against the rep: the beginning, or when Baton was told of it."""
        return self.starts_at if self.told_at is None else max(self.starts_at, self.told_at)


class AbsenceChange(models.Model):
    """One thing that was done to an absence: history, never changed, and there after the absence is cancelled."""

    class What(models.TextChoices):
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        BEGUN = "begun", "Begun"
        ENDED = "ended", "Ended early"
        CANCELLED = "cancelled", "Cancelled"

    rep = models.ForeignKey(Rep, models.PROTECT, related_name="absence_changes")
    absence = models.UUIDField(help_text="The absence's public id; no key, since one that is cancelled goes.")
    what = models.CharField(max_length=9, choices=What.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField(help_text="As it stood afterwards, as are the others.")
    ends_at = models.DateTimeField()
    why = models.CharField(max_length=120, blank=True)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(what__in=["added", "changed", "begun", "ended", "cancelled"]), name="absence_change_known"
            )
        ]
        # Reader: the rep's page and the invariants, one absence after the other.
        indexes = [models.Index(fields=["absence", "id"], name="history_of_absence")]

    def __str__(self) -> str:
        return f"{self.get_what_display()} {self.at:%Y-%m-%d %H:%M}"

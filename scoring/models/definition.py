"""What makes a qualified lead: definitions, their immutable versions, and the criteria of each."""

from __future__ import annotations

import uuid
from dataclasses import fields

from django.db import models
from django.db.models import F, Q

from leads.models import User
from scoring.compiler import CriterionSpec, GridCell, VersionSpec

# Columns that the compiler reads as they are.
VERSION_COLUMNS = [f.name for f in fields(VersionSpec) if f.name not in ("criteria", "grid", "time_zone")]
CRITERION_COLUMNS = [f.name for f in fields(CriterionSpec) if f.name != "activities"]

THOUSANDTHS = "In thousandths of a point."


class Tier(models.TextChoices):
    """How hot a qualified lead is."""

    HOT = "hot", "Hot"
    WARM = "warm", "Warm"
    COOL = "cool", "Cool"


class Axis(models.TextChoices):
    FIT = "fit", "Fit (who they are)"
    ENGAGEMENT = "engagement", "Engagement (what they did)"


class Definition(models.Model):
    """What both teams call a qualified lead: a series of immutable versions."""

    class Kind(models.TextChoices):
        MQL = "mql", "Marketing-qualified lead"
        PQL = "pql", "Product-qualified lead"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=3, choices=Kind.choices, default=Kind.MQL)
    position = models.IntegerField(
        default=0, help_text="Of two that a lead meets at once, the lower one opens the episode."
    )

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class DefinitionVersion(models.Model):
    """One version of a definition. A draft can be edited; a published one never changes, not even in the database."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    class TierBy(models.TextChoices):
        TOTAL = "total", "Thresholds on the total"
        ENGAGEMENT = "engagement", "Thresholds on engagement"
        GRID = "grid", "A grid of fit and engagement"

    definition = models.ForeignKey(Definition, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    note = models.CharField(max_length=300, blank=True, help_text="What changed, and why, in one sentence.")

    fit_min = models.BigIntegerField(default=0, help_text=THOUSANDTHS)
    engagement_min = models.BigIntegerField(default=0, help_text=THOUSANDTHS)
    total_min = models.BigIntegerField(default=0, help_text=THOUSANDTHS)
    fit_leave = models.BigIntegerField(
        null=True, blank=True, help_text="Below this a waiting lead has cooled; empty: as the minimum."
    )
    engagement_leave = models.BigIntegerField(null=True, blank=True)
    total_leave = models.BigIntegerField(null=True, blank=True)
    fit_cap = models.BigIntegerField(null=True, blank=True, help_text=THOUSANDTHS)
    engagement_cap = models.BigIntegerField(null=True, blank=True)
    total_cap = models.BigIntegerField(null=True, blank=True)
    group_caps = models.JSONField(
        default=dict, blank=True, help_text='Cap of each group: {"web": 20000}, in thousandths.'
    )

    tier_by = models.CharField(max_length=10, choices=TierBy.choices, default=TierBy.TOTAL)
    hot_min = models.BigIntegerField(null=True, blank=True)
    warm_min = models.BigIntegerField(null=True, blank=True)
    grid = models.JSONField(
        default=list,
        blank=True,
        help_text='First match wins: [{"fit_min": 20000, "engagement_min": 40000, "tier": "hot"}, …]; '
        "none matching is cool.",
    )

    audience = models.JSONField(
        default=dict, blank=True, help_text="Only leads that meet this condition; empty is everyone."
    )
    fresh_within = models.IntegerField(
        default=86400, help_text="Seconds between an act and our knowing it, within which it is news."
    )
    step = models.BigIntegerField(default=1000, help_text="A score is stored anew when it changed by more than this.")

    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["definition", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["definition", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["definition"], condition=Q(state="published"), name="one_published_version"
            ),
            models.UniqueConstraint(fields=["definition"], condition=Q(state="draft"), name="one_draft_version"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="published_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(fit_leave__isnull=True) | Q(fit_leave__lte=F("fit_min")), name="leave_fit_not_above"
            ),
            models.CheckConstraint(
                condition=Q(engagement_leave__isnull=True) | Q(engagement_leave__lte=F("engagement_min")),
                name="leave_engagement_not_above",
            ),
            models.CheckConstraint(
                condition=Q(total_leave__isnull=True) | Q(total_leave__lte=F("total_min")), name="leave_total_not_above"
            ),
            models.CheckConstraint(condition=Q(fresh_within__gt=0) & Q(step__gte=0), name="fresh_and_step_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.definition} v{self.number}"

    def to_spec(self, time_zone: str) -> VersionSpec:
        """The version as the compiler reads it; days are those of `time_zone`, the organization's."""
        return VersionSpec(
            criteria=tuple(criterion.to_spec() for criterion in self.criteria.all()),
            grid=tuple(
                GridCell(str(cell.get("tier", "")), cell.get("fit_min"), cell.get("engagement_min"))
                for cell in self.grid
            ),
            time_zone=time_zone,
            **{name: getattr(self, name) for name in VERSION_COLUMNS},
        )


class Criterion(models.Model):
    """One line of a version: a condition on who the lead is or on what they did, and its points."""

    class Measure(models.TextChoices):
        OCCURRENCES = "occurrences", "Times"
        DAYS = "days", "Distinct days"
        SESSIONS = "sessions", "Sessions (30 minutes apart)"
        DISTINCT = "distinct", "Distinct values of a property"
        SUM = "sum", "Sum of a number property"

    class Mode(models.TextChoices):
        ONCE = "once", "Once"
        PER_OCCURRENCE = "per_occurrence", "Per occurrence"

    class Decay(models.TextChoices):
        NONE = "none", "None"
        HALF_LIFE = "half_life", "Half-life"
        LINEAR = "linear", "Linear over the window"

    version = models.ForeignKey(DefinitionVersion, models.CASCADE, related_name="criteria")
    position = models.IntegerField(default=0)
    key = models.CharField(max_length=60, help_text="Stable name in shares and reports, such as pricing_page.")
    label = models.CharField(max_length=160)
    axis = models.CharField(max_length=10, choices=Axis.choices)
    group = models.CharField(max_length=60, blank=True, help_text="Criteria of one group share a cap.")
    points = models.BigIntegerField(default=0, help_text=THOUSANDTHS)
    cap = models.BigIntegerField(null=True, blank=True, help_text=THOUSANDTHS)
    is_required = models.BooleanField(default=False, help_text="No qualification without it, whatever the points.")
    disqualifies = models.BooleanField(default=False, help_text="Where it is met, the lead can't qualify.")
    is_hand_raise = models.BooleanField(default=False, help_text="Replaces the thresholds: fast lane, hottest tier.")
    hand_raise_fit_min = models.BigIntegerField(
        null=True, blank=True, help_text="Fit minimum of this fast lane; empty: the version's."
    )

    condition = models.JSONField(
        default=dict,
        blank=True,
        help_text="Fit: on attributes of lead, account and traits. Engagement: on the activity's properties.",
    )
    activities = models.JSONField(default=list, blank=True, help_text="Engagement: names of the activities counted.")
    measure = models.CharField(max_length=11, choices=Measure.choices, default=Measure.OCCURRENCES)
    measured_property = models.CharField(max_length=160, blank=True)
    at_least = models.DecimalField(max_digits=14, decimal_places=3, default=1)
    at_most = models.DecimalField(max_digits=14, decimal_places=3, null=True, blank=True)
    within = models.BigIntegerField(null=True, blank=True, help_text="Seconds; empty is ever.")
    not_since = models.CharField(
        max_length=200, blank=True, help_text="Counts only what no such activity has followed."
    )
    mode = models.CharField(max_length=14, choices=Mode.choices, default=Mode.ONCE)
    decay = models.CharField(max_length=9, choices=Decay.choices, default=Decay.NONE)
    half_life = models.BigIntegerField(null=True, blank=True, help_text="Seconds.")

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "criteria"
        constraints = [
            models.UniqueConstraint(fields=["version", "key"], name="criterion_key_once"),
            models.CheckConstraint(condition=Q(axis__in=["fit", "engagement"]), name="criterion_axis"),
            models.CheckConstraint(condition=Q(axis="fit") | ~Q(activities=[]), name="engagement_names_activities"),
            models.CheckConstraint(condition=~Q(decay="half_life") | Q(half_life__gt=0), name="half_life_has_a_length"),
            models.CheckConstraint(
                condition=~Q(decay="linear") | Q(within__isnull=False), name="linear_decay_has_a_window"
            ),
            models.CheckConstraint(condition=Q(within__isnull=True) | Q(within__gt=0), name="window_is_positive"),
            models.CheckConstraint(
                condition=~Q(measure__in=["distinct", "sum"]) | ~Q(measured_property=""),
                name="measure_names_its_property",
            ),
            models.CheckConstraint(
                condition=Q(axis="engagement") | Q(is_hand_raise=False), name="only_behavior_raises_a_hand"
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def to_spec(self) -> CriterionSpec:
        """The criterion as the compiler reads it."""
        return CriterionSpec(
            activities=tuple(self.activities), **{name: getattr(self, name) for name in CRITERION_COLUMNS}
        )

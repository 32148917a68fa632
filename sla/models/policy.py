"""What sales has promised: policies in versions, their targets and the ladder of each target."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.models import User


class Target(models.TextChoices):
    """The five promises; DESIGN's table says what each belongs to, starts and is met at."""

    ASSIGN = "assign", "Assign"
    ACCEPT = "accept", "Accept"
    FIRST_TOUCH = "first_touch", "First touch"
    DEPTH = "depth", "Follow-up depth"
    QUALIFY = "qualify", "Qualify"


class Heat(models.TextChoices):
    """For whom a target holds: the hand-raise lane, or a tier."""

    HAND_RAISE = "hand_raise", "Hand-raise"
    HOT = "hot", "Hot"
    WARM = "warm", "Warm"
    COOL = "cool", "Cool"


class Policy(models.Model):
    """A named set of promises. The first by position whose condition holds is chosen, at opening and at each offer."""

    name = models.CharField(max_length=120, unique=True)
    position = models.IntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One version of a policy. A draft can be edited; a published one never changes."""

    class VersionState(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    state = models.CharField(max_length=9, choices=VersionState.choices, default=VersionState.DRAFT)
    condition = models.JSONField(default=dict, blank=True, help_text="Empty holds for every episode.")
    grace = models.PositiveIntegerField(
        default=900, help_text="Seconds within which a touch typed by hand counts when it occurred."
    )
    max_hops = models.PositiveIntegerField(default=3, help_text="Offers before the lead waits in the pool.")
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
            models.UniqueConstraint(fields=["policy"], condition=Q(state="published"), name="one_published_policy"),
            models.UniqueConstraint(fields=["policy"], condition=Q(state="draft"), name="one_draft_policy"),
            models.CheckConstraint(condition=Q(max_hops__gte=1), name="at_least_one_hop"),
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class PolicyTarget(models.Model):
    """By when: one target for the hand-raise lane or a tier, as a length of working time or in business days."""

    class Hours(models.TextChoices):
        TEAM = "team", "The team's hours"
        REP = "rep", "The rep's hours"
        BOTH = "both", "Hours of team and rep alike"
        ROUND_THE_CLOCK = "always", "Round the clock"

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="targets")
    target = models.CharField(max_length=11, choices=Target.choices)
    heat = models.CharField(max_length=10, choices=Heat.choices)
    seconds = models.PositiveIntegerField(null=True, blank=True)
    business_days = models.PositiveIntegerField(null=True, blank=True)
    hours = models.CharField(max_length=6, choices=Hours.choices, default=Hours.TEAM)
    touches = models.PositiveIntegerField(null=True, blank=True, help_text="Follow-up depth: how many touches.")

    class Meta:
        ordering = ["target", "heat"]
        constraints = [
            models.UniqueConstraint(fields=["version", "target", "heat"], name="one_target_per_heat"),
            models.CheckConstraint(
                condition=Q(seconds__isnull=False, business_days__isnull=True)
                | Q(seconds__isnull=True, business_days__isnull=False, business_days__gte=1),
                name="target_in_one_unit",
                violation_error_message="Give either a length of time or business days.",
            ),
            models.CheckConstraint(condition=~Q(target="depth") | Q(touches__gte=1), name="depth_counts_touches"),
            models.CheckConstraint(
                condition=~Q(target="assign") | Q(hours__in=["team", "always"]), name="assign_has_no_rep"
            ),
            models.CheckConstraint(condition=~Q(target="accept", heat="hand_raise"), name="fast_lane_has_no_accept"),
        ]

    def __str__(self) -> str:
        return f"{self.get_target_display()}, {self.get_heat_display().lower()}"


class LadderStep(models.Model):
    """What happens at a share of a target's budget: 75 % warns, 100 % is the due time, more comes after the breach."""

    class Action(models.TextChoices):
        TELL_REP = "tell_rep", "Tell the rep"
        TELL_MANAGER = "tell_manager", "Tell the manager"
        HOP = "hop", "Offer to the next rep"

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="steps")
    target = models.CharField(max_length=11, choices=Target.choices)
    share = models.PositiveIntegerField(help_text="Percent of the budget, in working time.")
    action = models.CharField(max_length=12, choices=Action.choices)

    class Meta:
        ordering = ["target", "share", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "target", "share", "action"], name="ladder_step_once"),
            models.CheckConstraint(condition=Q(share__gte=1, share__lte=1000), name="ladder_share"),
            models.CheckConstraint(
                condition=~Q(action="hop") | Q(share__gte=100, target__in=["accept", "first_touch"]),
                name="hop_after_the_breach",
                violation_error_message="A lead moves on only at or after a missed accept or first touch.",
            ),
            models.CheckConstraint(condition=~Q(action="tell_rep", target="assign"), name="assign_has_no_rep_to_tell"),
        ]

    def __str__(self) -> str:
        return f"{self.share} %: {self.get_action_display()}"

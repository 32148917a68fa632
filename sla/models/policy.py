"""What sales has promised: policies in versions, their targets and the ladder of each target."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.models import Endpoint, Team, User
from leads.words import length


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

    class PauseBy(models.TextChoices):
        REP = "rep", "The rep, or a manager"
        MANAGER = "manager", "A manager only"

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    state = models.CharField(max_length=9, choices=VersionState.choices, default=VersionState.DRAFT)
    condition = models.JSONField(default=dict, blank=True, help_text="Empty holds for every episode.")
    grace = models.PositiveIntegerField(
        default=900, help_text="Seconds within which a touch typed by hand counts when it occurred."
    )
    absence_grace = models.PositiveIntegerField(
        default=4 * 3600,
        help_text="Seconds of the team's working time for which an accepted lead stays with a rep who is away.",
    )
    max_hops = models.PositiveIntegerField(default=3, help_text="Offers before the lead waits in the pool.")
    minutes_each = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Minutes of work that a lead takes. With it, what is offered to one rep is due one after another, "
        "so that no promise is impossible when it is made. Empty: every promise stands for itself.",
    )
    pause_budget = models.PositiveIntegerField(
        default=14 * 86_400, help_text="Seconds that the pauses of one promise may last in all, by the wall clock."
    )
    pause_by = models.CharField(
        max_length=7, choices=PauseBy.choices, default=PauseBy.REP, help_text="Who may pause depth and qualify."
    )
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    retired_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=200, blank=True, help_text="Why it was published.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
            models.UniqueConstraint(fields=["policy"], condition=Q(state="published"), name="one_published_policy"),
            models.UniqueConstraint(fields=["policy"], condition=Q(state="draft"), name="one_draft_policy"),
            models.CheckConstraint(condition=Q(max_hops__gte=1), name="at_least_one_hop"),
            models.CheckConstraint(
                condition=Q(minutes_each__isnull=True) | Q(minutes_each__gte=1, minutes_each__lte=480),
                name="a_lead_takes_minutes",
                violation_error_message="A lead takes from 1 to 480 minutes of work; or leave it empty.",
            ),
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
    outside_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Instead, for what arrives outside these hours: so long after they open."
    )
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
            models.CheckConstraint(
                condition=Q(outside_seconds__isnull=True) | ~Q(hours="always"),
                name="outside_of_some_hours",
                violation_error_message="Round the clock nothing arrives outside hours. Name hours, or leave it empty.",
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
    """What happens on the way to a due time, at it, or after it.

    Its moment is a share of the budget (75 % warns, 100 % is the due time), or a length before or after the due time:
    working time in the clock's hours, or by the wall clock where it says round the clock.
    """

    class Action(models.TextChoices):
        TELL_REP = "tell_rep", "Tell the rep"
        TELL_MANAGER = "tell_manager", "Tell the manager"
        TELL_TEAM = "tell_team", "Tell the whole team"
        WEBHOOK = "webhook", "Tell an endpoint"
        HOP = "hop", "Offer to the next rep"
        POOL = "pool", "Put into the pool"
        TEAM = "team", "Ask another team as well"

    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="steps")
    target = models.CharField(max_length=11, choices=Target.choices)
    share = models.PositiveIntegerField(null=True, blank=True, help_text="Percent of the budget, in working time.")
    from_due = models.IntegerField(
        null=True, blank=True, help_text="Seconds after the due time; before it, where negative."
    )
    round_the_clock = models.BooleanField(default=False, help_text="Nights and days off count, too.")
    action = models.CharField(max_length=12, choices=Action.choices)
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="+", help_text="Which other team is asked."
    )
    endpoint = models.ForeignKey(
        Endpoint, models.PROTECT, null=True, blank=True, related_name="+", help_text="Which webhook or chat is told."
    )

    class Meta:
        ordering = ["target", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "target", "share", "from_due", "round_the_clock", "action", "team", "endpoint"],
                name="ladder_step_once",
                nulls_distinct=False,
                violation_error_message="This step stands in the ladder already.",
            ),
            models.CheckConstraint(
                condition=Q(share__isnull=False, share__gte=1, share__lte=1000, from_due__isnull=True)
                | Q(share__isnull=True, from_due__isnull=False, from_due__gte=-31_622_400, from_due__lte=31_622_400),
                name="ladder_step_at_one_moment",
                violation_error_message=(
                    "Give a share from 1 to 1000 percent, or a length of up to 366 days before or after."
                ),
            ),
            models.CheckConstraint(
                condition=Q(round_the_clock=False) | Q(from_due__isnull=False),
                name="shares_are_of_working_time",
                violation_error_message="Only a length before or after the due time can be counted round the clock.",
            ),
            models.CheckConstraint(
                condition=~Q(action__in=["hop", "pool"])
                | Q(target="assign", action="pool")
                | Q(target__in=["accept", "first_touch"], share__isnull=False, share__gte=100)
                | Q(target__in=["accept", "first_touch"], from_due__isnull=False, from_due__gte=0),
                name="moves_after_the_breach",
                violation_error_message="A lead moves on only at or after a missed accept or first touch.",
            ),
            models.CheckConstraint(
                condition=~Q(action="tell_rep", target="assign"),
                name="assign_has_no_rep_to_tell",
                violation_error_message="While a lead waits for a rep there is no rep to tell. Tell the manager.",
            ),
            models.CheckConstraint(
                condition=Q(action="team", target="assign", team__isnull=False)
                | (~Q(action="team") & Q(team__isnull=True)),
                name="other_team_of_assign",
                violation_error_message="Another team is asked, and named, only while a lead waits for a rep.",
            ),
            models.CheckConstraint(
                condition=Q(action="webhook", endpoint__isnull=False)
                | (~Q(action="webhook") & Q(endpoint__isnull=True)),
                name="endpoint_of_webhook",
                violation_error_message="Name the endpoint that this step tells, and only for a step that tells one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.moment}: {self.get_action_display()}"

    @property
    def moment(self) -> str:
        """When it fires: "75 %", "10 m before", "at the due time", "2 h after, round the clock"."""
        if self.from_due is None:
            return f"{self.share} %"
        if self.from_due == 0:
            return "at the due time"
        said = f"{length(self.from_due)} {'before' if self.from_due < 0 else 'after'}"
        return f"{said}, round the clock" if self.round_the_clock else said

    @property
    def warns(self) -> bool:
        """Whether it comes before the due time."""
        return self.share < 100 if self.share is not None else (self.from_due or 0) < 0

    @property
    def moves(self) -> bool:
        """Whether it takes the lead away from its rep."""
        return self.action in (self.Action.HOP, self.Action.POOL)

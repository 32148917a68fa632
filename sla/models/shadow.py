"""Shadow: what runs on paper for a while, and the matters that were routed and timed there with nobody told."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models import Team, User
from scoring.models import Episode, Lane, Tier
from sla.models.policy import PolicyVersion, Target
from sla.models.rules import RoutingRule


class Shadow(models.Model):
    """One time during which a rule, a team, or (where neither is named) the whole installation runs on paper.

    The row is the history, too: who began it and why, who ended it and what became of what stood on paper.
    """

    class Ending(models.TextChoices):
        STAND = "stand", "Stand in the release list"
        ROUTE = "route", "Are all routed now"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="shadows")
    rule = models.ForeignKey(RoutingRule, models.PROTECT, null=True, blank=True, related_name="shadows")
    began_at = models.DateTimeField()
    began_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ending = models.CharField(max_length=5, choices=Ending.choices, blank=True)

    class Meta:
        ordering = ["-began_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(team__isnull=True) | Q(rule__isnull=True), name="shadow_of_one_thing"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ending="")
                | (Q(ended_at__gte=models.F("began_at")) & Q(ending__in=["stand", "route"])),
                name="shadow_ends_some_way",
            ),
            models.UniqueConstraint(
                fields=["team", "rule"],
                nulls_distinct=False,
                condition=Q(ended_at__isnull=True),
                name="one_shadow_at_a_time",
                violation_error_message="This already runs in shadow.",
            ),
        ]

    def __str__(self) -> str:
        if self.rule is not None:
            return f"Rule {self.rule}"
        return f"Team {self.team}" if self.team is not None else "Everything"


class PaperMatter(models.Model):
    """An episode while it is on paper: it waits for nobody, no clock of it runs, and nobody hears of it."""

    class EndedAs(models.TextChoices):
        CLOSED = "closed", "The matter ended"
        STOOD = "stood", "Went to the release list"
        ROUTED = "routed", "Routed for real at going live"
        LIVE = "live", "A rule or team that is live took it"

    episode = models.ForeignKey(Episode, models.CASCADE, related_name="paper")
    shadow = models.ForeignKey(Shadow, models.PROTECT, related_name="matters")
    began_at = models.DateTimeField()
    nobody_looks = models.PositiveIntegerField(default=0, help_text="How often nobody could take it when it was asked.")
    nobody_since = models.DateTimeField(null=True, help_text="When nobody could take it for the first time.")
    nobody_ends = models.CharField(max_length=9, blank=True, help_text="How the last such look ended.")
    nobody_why = models.JSONField(default=dict, help_text="Codes and counts of it; no name and no word of the lead's.")
    nobody_team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_as = models.CharField(max_length=6, choices=EndedAs.choices, blank=True)

    class Meta:
        constraints = [
            # Reader too: routing, the pool, the board and the invariants, for what is on paper now.
            models.UniqueConstraint(
                fields=["episode"], condition=Q(ended_at__isnull=True), name="on_paper_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_as="") | (Q(ended_at__isnull=False) & ~Q(ended_as="")),
                name="paper_ends_some_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.episode} on paper"


class PaperOffer(models.Model):
    """Whom a matter would have been offered to, and why: what a hand-off would have said, had anybody been told."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    matter = models.OneToOneField(PaperMatter, models.CASCADE, related_name="offer")
    user = models.ForeignKey(User, models.PROTECT, related_name="paper_offers")
    team = models.ForeignKey(Team, models.PROTECT, related_name="paper_offers")
    rule = models.ForeignKey(RoutingRule, models.PROTECT, null=True, related_name="+")
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    lane = models.CharField(max_length=6, choices=Lane.choices)
    tier = models.CharField(max_length=4, choices=Tier.choices)
    why = models.CharField(max_length=60)
    override = models.CharField(max_length=60, blank=True, help_text="Why a full rep would have got one more.")
    trace = models.JSONField(
        help_text="As a hand-off keeps it: rules tried, chosen, next, and a reason for each other."
    )
    decided_at = models.DateTimeField()
    load_until = models.DateTimeField(null=True, help_text="When it is due to be touched: no load on paper after that.")
    answered_at = models.DateTimeField(null=True, help_text="Accepted or rejected, as far as paper can know it.")
    first_touched_at = models.DateTimeField(null=True, help_text="First touch of the lead by a person from then on.")
    settled_at = models.DateTimeField(null=True, help_text="No load any more: touched, decided elsewhere, or ended.")

    class Meta:
        indexes = [
            # Reader: routing in shadow, for a rep's load on paper.
            models.Index(fields=["user"], name="paper_load", condition=Q(settled_at__isnull=True)),
            # Reader: the report, by the week in which it was decided.
            models.Index(fields=["decided_at"], name="paper_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.matter} for {self.user}"


class PaperPromise(models.Model):
    """What would have been promised, with all it is counted from. Never changed: what is re-timed is a further row."""

    offer = models.ForeignKey(PaperOffer, models.CASCADE, related_name="promises")
    target = models.CharField(max_length=11, choices=Target.choices)
    number = models.IntegerField(default=1, help_text="The last one of a target counts.")
    start_at = models.DateTimeField()
    budget_seconds = models.BigIntegerField(null=True)
    business_days = models.IntegerField(null=True)
    calendar_versions = models.JSONField(help_text="As of a clock's timing; [] is round the clock.")
    target_amount_of = models.CharField(max_length=10)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    why = models.CharField(max_length=60)
    told = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField()
    ladder = models.JSONField(default=list, help_text="When each step would have fired if nobody had kept it.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["offer", "target", "number"]
        constraints = [models.UniqueConstraint(fields=["offer", "target", "number"], name="paper_promise_once")]

    def __str__(self) -> str:
        return f"{self.get_target_display()} by {self.due_at:%Y-%m-%d %H:%M}"

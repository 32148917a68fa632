"""The episode: one matter from its opening to its end."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models import Account, Lead, Stage, User
from scoring.models.definition import Definition, DefinitionVersion, Tier
from scoring.models.judgement import Qualification


class Phase(models.TextChoices):
    """Where an open episode is: written downwards by sla's verbs in the transaction that changes the hand-off."""

    WAITING = "waiting", "Waiting for a rep"
    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"


class ClosedAs(models.TextChoices):
    CONVERTED = "converted", "Converted"
    REJECTED = "rejected", "Rejected"
    RETURNED = "returned", "Returned"
    BOUGHT = "bought", "Bought"
    COOLED = "cooled", "Cooled"
    WITHDRAWN = "withdrawn", "Withdrawn"
    MERGED = "merged", "Merged"
    ERASED = "erased", "Erased"


class OpenedBy(models.TextChoices):
    EVIDENCE = "evidence", "Evidence"
    HAND_RAISE = "hand_raise", "Hand-raise"
    DATE = "date", "A date the person named"
    RELEASE = "release", "Released by a person"
    SPLIT = "split", "Split off a colleague's"
    SIGNAL = "signal", "Signal of somebody known"


class Lane(models.TextChoices):
    NORMAL = "normal", "Normal"
    FAST = "fast", "Fast (hand-raise)"
    SIGNAL = "signal", "Signal (to the owner)"


class Episode(models.Model):
    """One matter: this lead, from qualifying to its end. At most one is open per lead."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="episodes", help_text="The principal.")
    account = models.ForeignKey(Account, models.SET_NULL, null=True, blank=True, related_name="episodes")
    qualification = models.ForeignKey(
        Qualification, models.PROTECT, null=True, related_name="+", help_text="What opened it; by date: the last one."
    )
    definition = models.ForeignKey(Definition, models.PROTECT, related_name="episodes")
    version = models.ForeignKey(DefinitionVersion, models.PROTECT, related_name="+")
    tier = models.CharField(max_length=4, choices=Tier.choices, help_text="The hottest reached; never lowered.")
    lane = models.CharField(max_length=6, choices=Lane.choices, default=Lane.NORMAL)
    opened_by = models.CharField(max_length=10, choices=OpenedBy.choices)
    split_from = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="beside",
        help_text="A colleague's matter that was open: the same rep is to have both.",
    )
    opened_at = models.DateTimeField(help_text="Receipt of the deciding fact, release, or the named date.")
    stage_before = models.CharField(max_length=12, choices=Stage.choices)
    phase = models.CharField(max_length=8, choices=Phase.choices, blank=True, default=Phase.WAITING)
    waiting_since = models.DateTimeField(null=True)
    route_not_before = models.DateTimeField(null=True, blank=True)
    cooled_at = models.DateTimeField(null=True, blank=True, help_text="Fell below leave while with a rep.")
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="Disqualified while accepted: the rep decides."
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_as = models.CharField(max_length=9, choices=ClosedAs.choices, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_as="", phase__in=["waiting", "offered", "accepted"])
                | (Q(closed_at__isnull=False, phase="") & ~Q(closed_as="")),
                name="episode_open_or_closed",
            ),
            models.CheckConstraint(
                condition=~Q(phase="waiting") | Q(waiting_since__isnull=False), name="waiting_since_a_time"
            ),
        ]
        indexes = [
            # Reader: routing, hand-raises first, then the hottest, then the longest waiting.
            models.Index(fields=["waiting_since"], name="episode_waiting", condition=Q(phase="waiting")),
            # Reader: attainment, the matters that opened in a week.
            models.Index(fields=["opened_at"], name="episode_opened"),
        ]

    def __str__(self) -> str:
        return f"Episode {self.pk}"


class EpisodeMember(models.Model):
    """A lead in an episode, principal included: unique per lead where open."""

    episode = models.ForeignKey(Episode, models.CASCADE, related_name="members")
    lead = models.ForeignKey(Lead, models.PROTECT, related_name="memberships")
    joined_at = models.DateTimeField()
    stage_before = models.CharField(max_length=12, choices=Stage.choices)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # The promise: at most one open episode per lead.
            models.UniqueConstraint(
                fields=["lead"], condition=Q(left_at__isnull=True), name="one_open_episode_per_lead"
            ),
        ]

    def __str__(self) -> str:
        return f"lead {self.lead_id} in episode {self.episode_id}"


class EpisodeChange(models.Model):
    """One thing that happened to an episode: history, never changed."""

    episode = models.ForeignKey(Episode, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    what = models.CharField(
        max_length=30, help_text="opened, phase, tier_rose, hand_raised, joined, left, cooled, closed …"
    )
    from_phase = models.CharField(max_length=8, blank=True)
    to_phase = models.CharField(max_length=8, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%Y-%m-%d %H:%M}"

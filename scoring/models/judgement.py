"""What was judged: the score as it stands, and each moment at which a lead met a definition."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models import Lead, User
from scoring.models.definition import Definition, DefinitionVersion, Tier


class Score(models.Model):
    """How good a lead is by one definition, as last stored. Its history is recomputed, not stored."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="scores", db_index=False)
    definition = models.ForeignKey(Definition, models.CASCADE, related_name="scores")
    version = models.ForeignKey(DefinitionVersion, models.PROTECT, related_name="+")
    as_of = models.DateTimeField()
    fit = models.BigIntegerField()
    engagement = models.BigIntegerField()
    engagement_ever = models.BigIntegerField(help_text="With spent evidence counted in.")
    total = models.BigIntegerField()
    tier = models.CharField(max_length=4, choices=Tier.choices, blank=True)
    shares = models.JSONField(help_text="Points of each criterion by key, in thousandths.")
    meets = models.BooleanField(
        help_text="Every threshold and requirement is met and no disqualifier; rest and stage apart."
    )
    hand_raised = models.CharField(max_length=60, blank=True, help_text="Key of the fast-lane criterion that is met.")
    is_cooled = models.BooleanField(help_text="Below the leave thresholds, disqualified or out of the audience.")
    disqualified_by = models.CharField(max_length=60, blank=True)
    missing = models.JSONField(default=list, help_text="Unset attributes that alone stand in the way (needs data).")
    reassess_at = models.DateTimeField(null=True, help_text="The next instant at which time alone can change it.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lead", "definition"], name="one_score_per_definition")]
        indexes = [
            # Reader: the sweep that marks what time alone has changed.
            models.Index(fields=["reassess_at"], name="score_reassess", condition=Q(reassess_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.total / 1000:g}"


class Qualification(models.Model):
    """A lead met a version at a moment, for these reasons. A fact: only whether it still waits may change."""

    class Kind(models.TextChoices):
        LIVE = "live", "Live"
        STANDING = "standing", "Standing"

    class Settled(models.TextChoices):
        RELEASED = "released", "Released"
        DISMISSED = "dismissed", "Dismissed"
        OVERTAKEN = "overtaken", "Overtaken by an episode"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey(Lead, models.CASCADE, related_name="qualifications")
    version = models.ForeignKey(DefinitionVersion, models.PROTECT, related_name="qualifications")
    definition = models.ForeignKey(Definition, models.PROTECT, related_name="qualifications")
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    is_hand_raise = models.BooleanField(default=False)
    tier = models.CharField(max_length=4, choices=Tier.choices)
    fit = models.BigIntegerField()
    engagement = models.BigIntegerField()
    total = models.BigIntegerField()
    sentence = models.CharField(max_length=600, help_text="Why, in one sentence, without a name or an address.")
    reasons = models.JSONField(help_text="Per criterion: key, label, points, attribute value or activity ids counted.")
    deciding = models.JSONField(help_text="The fact that decided: kind, activity id or attribute, when known.")
    evidence_at = models.DateTimeField(null=True, help_text="Newest counted positive activity.")
    received_at = models.DateTimeField(help_text="When the deciding fact reached us: the buyer's wait starts here.")
    episode = models.ForeignKey("scoring.Episode", models.PROTECT, null=True, blank=True, related_name="qualifications")
    waiting = models.BooleanField(default=False, help_text="Standing, and nobody has released or dismissed it yet.")
    settled_as = models.CharField(max_length=9, choices=Settled.choices, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["lead", "definition"], condition=Q(waiting=True), name="one_standing_waits"
            ),
            models.CheckConstraint(condition=Q(waiting=False) | Q(kind="standing"), name="only_standing_waits"),
        ]

    def __str__(self) -> str:
        return self.sentence

"""What leads did, append-only, the catalog of its names, and the marks of who must be judged again."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q, Value

from leads.models.intake import Source
from leads.models.lead import Lead


class ActivityType(models.Model):
    """The catalog row of an activity name, made when the name is first seen."""

    class FunnelStage(models.TextChoices):
        TOP = "top", "Top of the funnel"
        MIDDLE = "middle", "Middle"
        BOTTOM = "bottom", "Bottom of the funnel"

    name = models.CharField(max_length=200, unique=True)
    label = models.CharField(max_length=200, blank=True, help_text="What people read; empty shows the name.")
    funnel_stage = models.CharField(max_length=8, choices=FunnelStage.choices, blank=True)
    is_shown = models.BooleanField(default=True, help_text="Shown on the lead's timeline.")
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.label or self.name


class Origin(models.TextChoices):
    """How a fact came in: only what came live is news."""

    API = "api", "Live"
    IMPORT = "import", "Import"
    REPLAY = "replay", "Replay"


class ActivityFields(models.Model):
    """What an activity and one whose lead is not yet known have in common."""

    type = models.ForeignKey(ActivityType, models.PROTECT, related_name="+", db_index=False)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    properties = models.JSONField(default=dict)
    context = models.JSONField(default=dict, help_text="Page, campaign, ip, agent: as far as it was sent.")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+", db_index=False)
    message_id = models.CharField(max_length=100)
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.API)
    clamped = models.BooleanField(default=False, help_text="The sender's time lay in the future; receipt was taken.")

    class Meta:
        abstract = True


class Activity(ActivityFields):
    """Something the lead did. Nothing has a foreign key to it, so that it can be partitioned by an operator."""

    lead = models.ForeignKey(Lead, models.CASCADE, related_name="activities", db_index=False)
    known_at = models.DateTimeField(help_text="When we knew it was this lead; joining and merging set it anew.")
    discounted_at = models.DateTimeField(null=True, blank=True)
    discount_reason = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name_plural = "activities"
        # Readers: scoring (one lead, all leads), the timeline.
        indexes = [models.Index(fields=["lead", "type", "occurred_at"], name="activity_of_lead")]

    def __str__(self) -> str:
        return f"{self.type_id} at {self.occurred_at:%Y-%m-%d %H:%M}"


class AnonymousActivity(ActivityFields):
    """Something an unnamed browser did; it moves to Activity on identify, or goes after 90 days."""

    anonymous_id = models.CharField(max_length=255)

    class Meta:
        verbose_name_plural = "anonymous activities"
        indexes = [
            # Reader: identify, which moves a browser's history to the lead.
            models.Index(fields=["anonymous_id"], name="anonymous_activity_of"),
            # Reader: the sweep that forgets what was never joined.
            models.Index(fields=["received_at"], name="anonymous_activity_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type_id} by {self.anonymous_id}"


# Numbers that never come again: a mark taken down and raised anew is another.
NEXT_MARK = Func(Value("leads_mark_seq"), function="nextval", output_field=models.BigIntegerField())


class AwaitingAssessment(models.Model):
    """The mark that a lead must be judged again. Each raising has a number of its own; it is taken down only at the
    number that was seen, and only by who looked at a moment when all its reasons were known."""

    lead = models.OneToOneField(Lead, models.CASCADE, primary_key=True, related_name="awaiting_assessment")
    seq = models.BigIntegerField(db_default=NEXT_MARK)
    since = models.DateTimeField(help_text="How long it waits.")
    known_at = models.DateTimeField(help_text="When the newest of its reasons was known.")

    class Meta:
        # Reader: assessment takes the longest waiting first; the sweep asks what is older than 10 s.
        indexes = [models.Index(fields=["since"], name="awaiting_since")]
        constraints = [models.CheckConstraint(condition=Q(seq__gte=1), name="mark_seq_counts_up")]

    def __str__(self) -> str:
        return f"lead {self.lead_id} since {self.since:%H:%M:%S}"

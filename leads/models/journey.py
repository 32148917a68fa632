"""Where a lead stands and what became of it: stages, rests, holders and outcomes, each with its history."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from leads.models.people import Team, User


class Stage(models.TextChoices):
    """The lead's stage; MQL and SAL exist only with an open episode."""

    SUBSCRIBER = "SUBSCRIBER", "Subscriber"
    LEAD = "LEAD", "Lead"
    MQL = "MQL", "Marketing-qualified"
    SAL = "SAL", "Sales-accepted"
    SQL = "SQL", "Sales-qualified"
    OPPORTUNITY = "OPPORTUNITY", "Opportunity"
    CUSTOMER = "CUSTOMER", "Customer"
    NURTURE = "NURTURE", "Nurture"
    DISQUALIFIED = "DISQUALIFIED", "Disqualified"


class StageChange(models.Model):
    """One move of one lead's stage: history, never changed."""

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="stage_changes")
    from_stage = models.CharField(max_length=12, choices=Stage.choices)
    to_stage = models.CharField(max_length=12, choices=Stage.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    cause = models.CharField(max_length=40, help_text="One word: qualification, verdict, purchase, import, undo …")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        # Reader: stage as of a moment.
        indexes = [models.Index(fields=["lead", "at", "id"], name="stage_of_lead")]

    def __str__(self) -> str:
        return f"{self.from_stage} → {self.to_stage}"


class RestChange(models.Model):
    """The lead's rest, spent evidence and named date after one verb changed any of them: history, never changed."""

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="rest_changes")
    at = models.DateTimeField()
    rest_until = models.DateTimeField(null=True)
    evidence_from = models.DateTimeField(null=True)
    callback_at = models.DateTimeField(null=True)
    callback_user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    cause = models.CharField(max_length=40)

    class Meta:
        # Reader: rest and evidence as of a moment.
        indexes = [models.Index(fields=["lead", "at", "id"], name="rest_of_lead")]

    def __str__(self) -> str:
        return f"{self.cause} at {self.at:%Y-%m-%d}"


class HolderChange(models.Model):
    """Who held the lead, and since when: history, never changed. Reps may read what they once held."""

    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="holder_changes")
    holder = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        # Reader: Lead.objects.visible_to(rep).
        indexes = [models.Index(fields=["holder", "lead"], name="held_by")]

    def __str__(self) -> str:
        return f"lead {self.lead_id} held by {self.holder_id}"


class Outcome(models.Model):
    """What became of a lead, by verdict, API or import. Scoring learns from nothing else."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"
        RETURNED = "returned", "Returned"
        CONVERTED = "converted", "Converted"
        OPENED = "opened", "Opportunity opened"
        AMOUNT = "amount", "Amount"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    class Via(models.TextChoices):
        VERDICT = "verdict", "Verdict"
        API = "api", "API"
        IMPORT = "import", "Import"
        HAND = "hand", "By hand"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    lead = models.ForeignKey("leads.Lead", models.CASCADE, related_name="outcomes")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    reason_code = models.CharField(max_length=40, blank=True)
    reason_label = models.CharField(max_length=120, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    via = models.CharField(max_length=8, choices=Via.choices)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    matter = models.UUIDField(
        null=True, blank=True, help_text="Public id of the episode it ended, where there was one."
    )
    is_colleague = models.BooleanField(
        default=False, help_text="Followed the verdict on a colleague of the same matter: counted once, with that one."
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="Undone, reopened or overturned.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(kind="amount") | Q(amount__isnull=False), name="amount_has_an_amount"),
        ]
        indexes = [models.Index(fields=["matter"], name="outcome_of_matter", condition=Q(matter__isnull=False))]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:%Y-%m-%d}"


class StageRule(models.Model):
    """An activity that moves a lead's stage forward: SUBSCRIBER to LEAD, or on to OPPORTUNITY or CUSTOMER."""

    class To(models.TextChoices):
        LEAD = "LEAD", "Lead"
        OPPORTUNITY = "OPPORTUNITY", "Opportunity"
        CUSTOMER = "CUSTOMER", "Customer"

    name = models.CharField(max_length=120, unique=True)
    position = models.IntegerField(default=0)
    activity = models.CharField(max_length=200, help_text="Name of the activity, such as Subscription Started.")
    condition = models.JSONField(default=dict, blank=True, help_text="On the activity's properties; empty is always.")
    to_stage = models.CharField(max_length=12, choices=To.choices)
    is_active = models.BooleanField(default=True)
    is_shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(to_stage__in=["LEAD", "OPPORTUNITY", "CUSTOMER"]), name="stage_rules_go_forward"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.activity} → {self.get_to_stage_display()}"

"""Which team gets which leads, and the reasons a rep may give for a no."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.models import Team, User

COUNTED = "The number of its newest version: the database counts it up with every change."


class RoutingRule(models.Model):
    """An ordered line: leads that meet the condition go to this team. The first that matches and can, wins."""

    class Strategy(models.TextChoices):
        ROUND_ROBIN = "round_robin", "Round robin"

    name = models.CharField(max_length=120, unique=True)
    position = models.IntegerField(default=0)
    condition = models.JSONField(default=dict, blank=True, help_text="On lead, account and episode; empty is always.")
    team = models.ForeignKey(Team, models.PROTECT, related_name="routing_rules")
    strategy = models.CharField(max_length=12, choices=Strategy.choices, default=Strategy.ROUND_ROBIN)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text=COUNTED)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Reason(models.Model):
    """A reason for saying no: where it may be given, what must come first, and what follows from it."""

    class Needs(models.TextChoices):
        NOTHING = "nothing", "Nothing"
        TOUCH = "touch", "A touch"
        DEPTH = "depth", "The full follow-up depth"

    class Follows(models.TextChoices):
        RECYCLE = "recycle", "Rests, then may come back on new evidence"
        DATE = "date", "Comes back on a date the person named"
        DISQUALIFY = "disqualify", "Never comes back by itself"
        REROUTE = "reroute", "Goes to another rep; nothing is spent"

    code = models.SlugField(max_length=40, unique=True)
    label = models.CharField(max_length=120)
    on_reject = models.BooleanField(
        default=False, help_text="May be given before accepting: did not meet the definition."
    )
    on_return = models.BooleanField(
        default=False, help_text="May be given after accepting: what the conversation showed."
    )
    needs = models.CharField(max_length=7, choices=Needs.choices, default=Needs.NOTHING, help_text="Before a return.")
    follows = models.CharField(max_length=10, choices=Follows.choices)
    rest_days = models.PositiveIntegerField(null=True, blank=True, help_text="How long a recycled lead rests.")
    counts_on_merit = models.BooleanField(default=True, help_text="Counts against the definition in acceptance.")
    position = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)
    is_shipped = models.BooleanField(default=False, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False, help_text=COUNTED)

    class Meta:
        ordering = ["position", "label"]
        constraints = [
            models.CheckConstraint(condition=Q(on_reject=True) | Q(on_return=True), name="reason_stands_somewhere"),
            models.CheckConstraint(
                condition=~Q(follows="recycle") | Q(rest_days__isnull=False, rest_days__gt=0),
                name="recycling_rests",
                violation_error_message="A reason that recycles needs a rest in days.",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class RowVersion(models.Model):
    """What a row said from one moment on: written by the database whenever the row changes, and never changed."""

    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="Every column of the row.")
    why = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True


class RuleVersion(RowVersion):
    """One version of a routing rule."""

    rule = models.ForeignKey(RoutingRule, models.PROTECT, related_name="versions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once")]

    def __str__(self) -> str:
        return f"{self.rule} v{self.number}"


class ReasonVersion(RowVersion):
    """One version of a reason."""

    reason = models.ForeignKey(Reason, models.PROTECT, related_name="versions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reason", "number"], name="reason_version_once")]

    def __str__(self) -> str:
        return f"{self.reason} v{self.number}"

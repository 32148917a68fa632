"""Which team gets which leads, and the reasons a rep may give for a no."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leads.models import Team, User

COUNTED = "The number of its newest version: the database counts it up with every change."


class RoutingRule(models.Model):
    """An ordered line: leads that meet the condition go to this team. The first that matches and can, wins."""

    class Previous(models.TextChoices):
        """Whoever had this person before."""

        ANYONE = "anyone", "Anyone may get them"
        FIRST = "first", "First the one who had them last, unless they rejected them"
        NOT_REJECTED = "not_rejected", "Never again one who rejected them"

    class Strategy(models.TextChoices):
        ROUND_ROBIN = "round_robin", "Weighted round robin"
        LEAST_LOADED = "least_loaded", "Least loaded"

    class LeadLanguage(models.TextChoices):
        REQUIRED = "required", "Only who speaks it"
        PREFERRED = "preferred", "Rather who speaks it"

    class OutsideHours(models.TextChoices):
        OFFER = "offer", "Offer at once; the clock goes on at opening"
        WAIT = "wait", "Only to who is at work"

    class IfNobody(models.TextChoices):
        NEXT_RULE = "next_rule", "Try the next rule"
        HOLD = "hold", "Hold until somebody can"
        FALLBACK = "fallback", "Offer to the fallback team"
        POOL = "pool", "Into the pool, for who asks for the next one"

    name = models.CharField(max_length=120, unique=True)
    position = models.IntegerField(default=0)
    condition = models.JSONField(default=dict, blank=True, help_text="On lead, account and episode; empty is always.")
    team = models.ForeignKey(Team, models.PROTECT, related_name="routing_rules")
    owner_first = models.BooleanField(
        "account owner first", default=False, help_text="Who owns the account gets it, if they can take it."
    )
    previous = models.CharField(max_length=12, choices=Previous.choices, default=Previous.ANYONE)
    strategy = models.CharField(max_length=12, choices=Strategy.choices, default=Strategy.ROUND_ROBIN)
    needs_skills = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Only reps who have all of these."
    )
    prefers_skills = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Rather those who have most of these."
    )
    needs_languages = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Only reps who speak all of these."
    )
    prefers_languages = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="Rather those who speak most of these."
    )
    language_of = models.CharField(
        "language of the lead",
        max_length=200,
        blank=True,
        help_text="The field that says it, such as trait.language. Where it is not set, any rep will do.",
    )
    lead_language = models.CharField(max_length=9, choices=LeadLanguage.choices, default=LeadLanguage.REQUIRED)
    outside_hours = models.CharField(max_length=5, choices=OutsideHours.choices, default=OutsideHours.OFFER)
    if_nobody = models.CharField("if nobody can", max_length=9, choices=IfNobody.choices, default=IfNobody.NEXT_RULE)
    fallback_team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False, help_text=COUNTED)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(if_nobody="fallback") | Q(fallback_team__isnull=False),
                name="fallback_names_a_team",
                violation_error_message="Name the fallback team, or choose something else to do if nobody can.",
            ),
        ]

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
        BACK = "back", "Given by the next owner alone: goes back to the rep who converted it"

    class Evidence(models.TextChoices):
        NONE = "none", "Asks for none"
        TEXT = "text", "Asks for a few words"
        LINK = "link", "Asks for a link"

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
    evidence = models.CharField(
        max_length=4, choices=Evidence.choices, default=Evidence.NONE, help_text="What must be given with it."
    )
    evidence_prompt = models.CharField(
        max_length=120, blank=True, help_text="How it asks, such as: Which of our competitors?"
    )
    counts_on_merit = models.BooleanField(default=True, help_text="Counts against the definition in acceptance.")
    gives_turn_back = models.BooleanField(
        default=False, help_text="The lead was none: whoever got it by turn is owed another."
    )
    position = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)
    is_shipped = models.BooleanField(default=False, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False, help_text=COUNTED)

    class Meta:
        ordering = ["position", "label"]
        constraints = [
            models.CheckConstraint(condition=Q(on_reject=True) | Q(on_return=True), name="reason_stands_somewhere"),
            models.CheckConstraint(
                condition=~Q(follows="back") | Q(on_reject=True, on_return=False, gives_turn_back=False),
                name="only_an_offer_goes_back",
                violation_error_message="What goes back to the rep who converted it is said before accepting only.",
            ),
            models.CheckConstraint(
                condition=~Q(follows="recycle") | Q(rest_days__isnull=False, rest_days__gt=0),
                name="recycling_rests",
                violation_error_message="A reason that recycles needs a rest in days.",
            ),
            models.CheckConstraint(
                condition=Q(evidence="none") | ~Q(evidence_prompt=""),
                name="evidence_is_asked_for",
                violation_error_message="Say how the reason asks for its evidence.",
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

"""The hand-off: one offer of one episode to one person, its legal moves, and its history."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from leads.models import Team, User
from scoring.models import Episode, Lane, Tier
from sla.models.people import Rep
from sla.models.policy import PolicyVersion
from sla.models.rules import Reason, RoutingRule
from sla.querysets import HandoffQuerySet

if TYPE_CHECKING:
    from sla.models.clock import Clock


class State(models.TextChoices):
    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    CONVERTED = "converted", "Converted"
    RETURNED = "returned", "Returned"
    REJECTED = "rejected", "Rejected"
    MOVED = "moved", "Moved on"
    WITHDRAWN = "withdrawn", "Withdrawn"


OPEN_STATES = (State.OFFERED, State.ACCEPTED)

# (from, to, undo): every legal move. The CHECK on HandoffChange is made from this table.
LEGAL_MOVES: tuple[tuple[str, str, bool], ...] = (
    ("", State.OFFERED, False),
    ("", State.ACCEPTED, False),  # the fast lane: accepted by Baton in the moment of the offer
    (State.OFFERED, State.ACCEPTED, False),
    (State.OFFERED, State.REJECTED, False),
    (State.OFFERED, State.MOVED, False),
    (State.OFFERED, State.WITHDRAWN, False),
    (State.ACCEPTED, State.CONVERTED, False),
    (State.ACCEPTED, State.RETURNED, False),
    (State.ACCEPTED, State.MOVED, False),
    (State.ACCEPTED, State.WITHDRAWN, False),
    (State.ACCEPTED, State.OFFERED, True),
    (State.REJECTED, State.OFFERED, True),
    (State.RETURNED, State.ACCEPTED, True),
    (State.CONVERTED, State.ACCEPTED, True),
    (State.MOVED, State.OFFERED, True),
    (State.MOVED, State.ACCEPTED, True),
)


class Leg(models.TextChoices):
    """Which stretch of the relay: sales brings a lead to SQL; closing asks the next owner to take it from there."""

    SALES = "sales", "Sales"
    CLOSING = "closing", "Closing"


class Handoff(models.Model):
    """One offer of one episode to one user. Reassignment makes the next one: a hop."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    episode = models.ForeignKey(Episode, models.PROTECT, related_name="handoffs")
    user = models.ForeignKey(User, models.PROTECT, related_name="handoffs")
    team = models.ForeignKey(Team, models.PROTECT, related_name="handoffs")
    leg = models.CharField(max_length=7, choices=Leg.choices, default=Leg.SALES)
    hop = models.IntegerField(default=1)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OFFERED)
    version = models.IntegerField(default=1, help_text="Counts up with every move: what a page saw.")
    tier = models.CharField(max_length=4, choices=Tier.choices)
    lane = models.CharField(max_length=6, choices=Lane.choices)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    rule = models.ForeignKey(RoutingRule, models.PROTECT, null=True, blank=True, related_name="+")
    rule_version = models.PositiveIntegerField(null=True, blank=True, help_text="The rule as it read then.")
    offered_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    first_touched_at = models.DateTimeField(null=True, blank=True, help_text="First touch by a person, as it counts.")
    touches = models.IntegerField(default=0, help_text="Touches by a person since accepting.")
    closed_at = models.DateTimeField(null=True, blank=True)
    reason = models.ForeignKey(Reason, models.PROTECT, null=True, blank=True, related_name="+")
    evidence = models.CharField(max_length=500, blank=True, help_text="What the reason asks for; a text or a link.")
    note = models.TextField(blank=True, max_length=2000)
    named_date = models.DateTimeField(null=True, blank=True)
    bant = models.JSONField("BANT", default=dict, blank=True, help_text="On convert: budget, authority, need, timing.")
    source = models.CharField(
        max_length=120, blank=True, help_text="Where the lead came from first, as it was known at the offer."
    )
    next_due_at = models.DateTimeField(
        null=True, editable=False, help_text="Of its running clocks the nearest due: kept by a trigger on the clocks."
    )
    next_step_at = models.DateTimeField(null=True, blank=True, help_text="When the next step is due, once accepted.")
    next_step = models.CharField(max_length=120, blank=True, default="", db_default="")
    next_step_is_own = models.BooleanField(
        default=False, db_default=False, help_text="A person set it, not the cadence."
    )
    is_undone = models.BooleanField(
        default=False, db_default=False, help_text="What made it was taken back: as if it had never been."
    )
    snoozed_until = models.DateTimeField(null=True, blank=True, help_text="Until then the inbox keeps it out of sight.")

    objects = HandoffQuerySet.as_manager()

    class Meta:
        verbose_name = "hand-off"
        constraints = [
            models.UniqueConstraint(
                fields=["episode"], condition=Q(state__in=["offered", "accepted"]), name="one_open_handoff_per_episode"
            ),
            models.UniqueConstraint(fields=["episode", "hop"], name="hops_count_up"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="handoff_state"),
            models.CheckConstraint(
                condition=Q(state__in=["offered", "accepted"], closed_at__isnull=True)
                | Q(state__in=["converted", "returned", "rejected", "moved", "withdrawn"], closed_at__isnull=False),
                name="handoff_open_or_closed",
            ),
            models.CheckConstraint(
                condition=~Q(state="offered") | Q(accepted_at__isnull=True), name="offered_is_not_accepted"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "converted", "returned"]) | Q(accepted_at__isnull=False),
                name="accepted_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["rejected", "returned"]) | Q(reason__isnull=False), name="a_no_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(rule__isnull=True, rule_version__isnull=True)
                | Q(rule__isnull=False, rule_version__isnull=False),
                name="a_rule_has_its_version",
            ),
            models.CheckConstraint(
                condition=~Q(state="offered") | Q(next_step_at__isnull=True), name="an_offer_has_no_next_step"
            ),
            models.CheckConstraint(condition=Q(is_undone=False) | Q(state="withdrawn"), name="the_undone_is_withdrawn"),
            models.CheckConstraint(
                condition=Q(leg="sales") | (Q(leg="closing", lane="normal", hop__gt=1) & ~Q(state="returned")),
                name="closing_follows_sales",
            ),
        ]
        indexes = [
            # Reader: the rep's inbox and load, and their place on the board: what of theirs runs out first.
            models.Index(
                fields=["user", "next_due_at", "id"],
                include=["state", "team", "tier", "source"],
                name="handoff_of_rep",
                condition=Q(state__in=["offered", "accepted"]),
            ),
            # Reader: routing, how much each rep has still to decide or to touch.
            models.Index(
                fields=["user"],
                name="handoff_load",
                condition=(Q(state="offered") | Q(state="accepted", first_touched_at__isnull=True))
                & ~Q(lane="signal")
                & Q(leg="sales"),
            ),
            # Reader: routing, how many offers a rep got today.
            models.Index(fields=["user", "offered_at"], name="handoff_offered"),
            # Reader: routing, whether anybody has room again.
            models.Index(fields=["closed_at"], name="handoff_closed", condition=Q(closed_at__isnull=False)),
            models.Index(
                fields=["first_touched_at"], name="handoff_touched", condition=Q(first_touched_at__isnull=False)
            ),
            # Reader: done today.
            models.Index(fields=["user", "-closed_at"], name="handoff_done", condition=Q(closed_at__isnull=False)),
            # Reader: the board, what runs out first and how much of what; all that it filters by stands in the index.
            models.Index(
                fields=["next_due_at", "id"],
                include=["team", "user", "tier", "source", "state"],
                name="handoff_board",
                condition=Q(state__in=["offered", "accepted"]),
            ),
            # Reader: the board of a few teams, of each what runs out first and how much of what.
            models.Index(
                fields=["team", "next_due_at", "id"],
                include=["user", "tier", "source", "state"],
                name="handoff_of_team",
                condition=Q(state__in=["offered", "accepted"]),
            ),
            # Reader: boards, what is adrift: accepted, and nothing comes next; all they narrow by stands in the index.
            models.Index(
                fields=["team", "next_step_at"],
                include=["user", "tier", "source"],
                name="handoff_next_step",
                condition=Q(state="accepted"),
            ),
        ]

    def __str__(self) -> str:
        return f"Hand-off {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def all_clocks(self) -> Sequence[Clock]:
        """Its clocks; of one fetched for a list without a question, see `Clock.all_timings`."""
        at_hand: Sequence[Clock] | None = self.__dict__.get("clocks_at_hand")
        return list(self.clocks.all()) if at_hand is None else at_hand

    @property
    def is_closing(self) -> bool:
        return self.leg == Leg.CLOSING


def legal_moves() -> Q:
    """The CHECK on the history of hand-offs, made from the table above."""
    legal = Q()
    for from_state, to_state, undo in LEGAL_MOVES:
        legal |= Q(from_state=from_state, to_state=to_state, is_undo=undo)
    return legal


class HandoffChange(models.Model):
    """One move of one hand-off: history, never changed."""

    handoff = models.ForeignKey(Handoff, models.CASCADE, related_name="changes")
    from_state = models.CharField(max_length=9, blank=True)
    to_state = models.CharField(max_length=9, choices=State.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    performed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    is_undo = models.BooleanField(default=False)
    why = models.CharField(
        max_length=60, blank=True, help_text="verdict, touch, fast lane, breach, absence, closed_as …"
    )
    before = models.JSONField(default=dict, blank=True, help_text="What undo restores: stage, rest, evidence, clocks.")

    class Meta:
        verbose_name = "hand-off change"
        ordering = ["at", "id"]
        constraints = [models.CheckConstraint(condition=legal_moves(), name="handoff_moves_are_legal")]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class RoutingTrace(models.Model):
    """Why this rep: rules tried, the chosen one and the next three with their numbers, a code for each other."""

    handoff = models.OneToOneField(Handoff, models.CASCADE, primary_key=True, related_name="trace")
    trace = models.JSONField()

    def __str__(self) -> str:
        return f"Trace of hand-off {self.handoff_id}"


class CapacityOverride(models.Model):
    """An offer that passed capacity, and why it was allowed."""

    handoff = models.OneToOneField(Handoff, models.CASCADE, primary_key=True, related_name="override")
    rep = models.ForeignKey(Rep, models.CASCADE, related_name="overrides")
    open_load = models.IntegerField(help_text="Before this offer.")
    capacity = models.IntegerField()
    today = models.IntegerField(null=True, help_text="Offers of that day before this one.")
    daily_cap = models.IntegerField(null=True)
    why = models.CharField(max_length=60)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.why


class AnsweredRequest(models.Model):
    """The answer given to a verdict request with an Idempotency-Key, so that a repeat is told the same."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(
        max_length=64, help_text="Of method, path and body: another request may not use the key."
    )
    handoff = models.ForeignKey(
        Handoff, models.CASCADE, null=True, related_name="+", help_text="The one the answer speaks of."
    )
    status = models.IntegerField()
    body = models.JSONField(encoder=DjangoJSONEncoder)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_key")]
        indexes = [models.Index(fields=["at", "id"], name="answers_by_age")]

    def __str__(self) -> str:
        return self.key

"""Whose turn it was: the leads that weights decided, by team and tier, kept so that anyone can count them again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from sla.models.handoff import Handoff
from sla.models.people import Desk, Rep
from sla.models.policy import Heat
from sla.models.shadow import PaperOffer, Shadow


class FairnessPool(models.Model):
    """The rotation of one team for hand-raises or one tier, as it stands. Locked by the desk's row.

    What runs in shadow has rotations of its own, which begin with it: turns on paper change no live balance.
    Reps are keys as text; balances in `owed` are millionths of a lead, as they were when the span began.
    """

    desk = models.ForeignKey(Desk, models.CASCADE, related_name="pools")
    shadow = models.ForeignKey(
        Shadow, models.CASCADE, null=True, blank=True, related_name="pools", help_text="Of turns taken on paper only."
    )
    heat = models.CharField(max_length=10, choices=Heat.choices)
    span = models.OneToOneField("sla.FairnessSpan", models.SET_NULL, null=True, related_name="+")
    given = models.JSONField(default=dict, help_text="Leads given in the span, by rep.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["desk", "heat", "shadow"], nulls_distinct=False, name="one_pool_per_desk_heat_and_shadow"
            )
        ]

    def __str__(self) -> str:
        return f"{self.desk}, {self.get_heat_display().lower()}"


class FairnessSpan(models.Model):
    """A time in which those who could take leads, and their weights, did not change. Never changed once written."""

    pool = models.ForeignKey(FairnessPool, models.CASCADE, related_name="spans")
    number = models.IntegerField()
    began_at = models.DateTimeField()
    weights = models.JSONField(help_text="Everybody who could take a lead, with their weight.")
    owed = models.JSONField(help_text="What everybody of the pool was owed when it began, in millionths of a lead.")
    carry = models.JSONField(help_text="What of it was carried into this span.")

    class Meta:
        ordering = ["pool", "number"]
        constraints = [models.UniqueConstraint(fields=["pool", "number"], name="span_number_once")]

    def __str__(self) -> str:
        return f"{self.pool}, span {self.number}"


class FairnessTurn(models.Model):
    """One lead that the weights decided. Never changed once written."""

    span = models.ForeignKey(FairnessSpan, models.CASCADE, related_name="turns")
    number = models.IntegerField(help_text="Counts from 1 in its span.")
    rep = models.ForeignKey(Rep, models.CASCADE, related_name="turns")
    handoff = models.OneToOneField(Handoff, models.CASCADE, null=True, related_name="turn")
    paper_offer = models.OneToOneField(PaperOffer, models.CASCADE, null=True, related_name="turn")
    at = models.DateTimeField()

    class Meta:
        ordering = ["span", "number"]
        constraints = [
            models.UniqueConstraint(fields=["span", "number"], name="turn_number_once"),
            models.CheckConstraint(
                condition=Q(handoff__isnull=False, paper_offer__isnull=True)
                | Q(handoff__isnull=True, paper_offer__isnull=False),
                name="turn_of_an_offer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.span}, turn {self.number}"


class GivenBack(models.Model):
    """A turn that was none, such as a duplicate: the rep is owed another. `span` is the first that counts it."""

    turn = models.OneToOneField(FairnessTurn, models.CASCADE, primary_key=True, related_name="given_back")
    pool = models.ForeignKey(FairnessPool, models.CASCADE, related_name="+")
    at = models.DateTimeField()
    span = models.ForeignKey(FairnessSpan, models.CASCADE, null=True, related_name="given_back")

    class Meta:
        # Reader: routing, for what the next turn has to count.
        indexes = [models.Index(fields=["pool"], name="given_back_waits", condition=Q(span__isnull=True))]

    def __str__(self) -> str:
        return f"{self.turn}, given back"

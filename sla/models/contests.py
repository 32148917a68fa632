"""Contests: marketing says once why a rejection was wrong, and a manager decides."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q

from leads.models import Lead, Role, TeamMembership, User
from sla.models.handoff import Handoff


class ContestQuerySet(models.QuerySet["Contest"]):
    """Contests."""

    def open(self) -> ContestQuerySet:
        """Nobody has decided yet."""
        return self.filter(decision="")

    def visible_to(self, user: User) -> ContestQuerySet:
        """Of the leads this user may read."""
        return self.filter(handoff__episode__lead__in=Lead.objects.visible_to(user))

    def decidable_by(self, user: User) -> ContestQuerySet:
        """Those of the teams this user manages; to an admin also those of teams that nobody manages."""
        managers = TeamMembership.objects.filter(is_manager=True, user__is_active=True)
        theirs = Q(handoff__team__in=managers.filter(user=user).values("team"))
        if not user.has_role(Role.ADMIN):
            return self.filter(theirs)
        return self.filter(theirs | Q(~Exists(managers.filter(team=OuterRef("handoff__team")))))

    def with_matter(self) -> ContestQuerySet:
        """With what they are about, who contested it, and who had rejected it."""
        return self.select_related(
            "by", "handoff__user", "handoff__team", "handoff__reason", "handoff__episode__lead__account"
        )

    def with_all(self) -> ContestQuerySet:
        """With their decision as well."""
        return self.with_matter().select_related("decided_by", "hop__user")


class Contest(models.Model):
    """One rejection contested, once. Decided it never changes any more; its words can be erased, nothing else."""

    class Decision(models.TextChoices):
        UPHELD = "upheld", "Upheld"
        OVERTURNED = "overturned", "Overturned"

    class Became(models.TextChoices):
        OFFERED = "offered", "Offered again"
        WAITS = "waits", "Waits for a rep"
        FREED = "freed", "At rest no more; offered to nobody"
        RECORDED = "recorded", "Only the record was corrected"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    handoff = models.OneToOneField(Handoff, models.PROTECT, related_name="contest")
    words = models.TextField(max_length=2000, blank=True, help_text="Why marketing holds the rejection to be wrong.")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True, default="")
    why = models.TextField(max_length=2000, blank=True, default="", help_text="Why the manager decided so.")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    became = models.CharField(
        max_length=8, choices=Became.choices, blank=True, default="", help_text="Of the lead, where it was overturned."
    )
    hop = models.OneToOneField(
        Handoff,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="offered_by_contest",
        help_text="The offer that overturning it led to at once.",
    )

    objects = ContestQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision="", decided_at=None, decided_by=None)
                | Q(decision__in=["upheld", "overturned"], decided_at__isnull=False, decided_by__isnull=False),
                name="contest_open_or_decided",
            ),
            models.CheckConstraint(
                condition=Q(decision="overturned", became__in=["offered", "waits", "freed", "recorded"])
                | (~Q(decision="overturned") & Q(became="")),
                name="contest_says_what_became_of_it",
            ),
            models.CheckConstraint(
                condition=Q(became="offered", hop__isnull=False) | (~Q(became="offered") & Q(hop=None)),
                name="contest_names_its_offer",
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None) | Q(decided_at__gte=models.F("at")), name="contest_decided_after"
            ),
        ]
        indexes = [
            # Reader: the board, what waits for a decision, the oldest first.
            models.Index(fields=["at", "id"], name="contest_open", condition=Q(decision="")),
        ]

    def __str__(self) -> str:
        return f"Contest of {self.handoff}"

    @property
    def is_open(self) -> bool:
        return not self.decision

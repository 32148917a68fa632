"""How the floor stood, each quarter of an hour: what the numbers of the board are compared with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.models import Team


class FloorMoment(models.Model):
    """The numbers of one team at one quarter of an hour, as they were counted then; no team: what no team holds.

    `met` and `missed` are first touches that fell due in the week until then.
    """

    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField(help_text="The quarter of an hour for which it was counted.")
    counted_at = models.DateTimeField()
    late = models.PositiveIntegerField(default=0)
    soon = models.PositiveIntegerField(default=0, help_text="Due within 15 minutes.")
    hour = models.PositiveIntegerField(default=0, help_text="Due within the hour.")
    waiting = models.PositiveIntegerField(default=0, help_text="For someone: matters nobody has.")
    met = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # Reader too: the board, the numbers of now and of a week before.
            models.UniqueConstraint(fields=["at", "team"], name="one_moment_per_team", nulls_distinct=False),
            models.CheckConstraint(condition=Q(soon__lte=models.F("hour")), name="soon_is_within_the_hour"),
            models.CheckConstraint(condition=Q(counted_at__gte=models.F("at")), name="no_moment_before_its_time"),
        ]

    def __str__(self) -> str:
        return f"{self.team or 'No team'} at {self.at:%Y-%m-%d %H:%M}"

"""Why an episode waits, as routing found it when it last looked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leads.models import Team
from scoring.models import Episode
from sla.models.rules import RoutingRule


class LastLook(models.Model):
    """What came of the last look at a waiting episode that nobody was offered; it is not looked at again too soon."""

    class Ends(models.TextChoices):
        HELD = "held", "Held"
        POOL = "pool", "In the pool"
        NO_RULE = "no_rule", "No rule holds"
        NOBODY = "nobody", "Nobody can"
        NO_POLICY = "no_policy", "Nothing can be promised"

    episode = models.OneToOneField(Episode, models.CASCADE, primary_key=True, related_name="last_look")
    ends = models.CharField(max_length=9, choices=Ends.choices)
    why = models.JSONField(default=dict, help_text="Codes and counts; no name and no word of the lead's.")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    rule = models.ForeignKey(RoutingRule, models.SET_NULL, null=True, related_name="+")
    looked_at = models.DateTimeField()
    again_at = models.DateTimeField(help_text="Not before then, unless somebody has room again or it was raised.")

    class Meta:
        # Reader: who asks for the next one.
        indexes = [models.Index(fields=["team"], name="last_look_in_pool", condition=Q(ends="pool"))]

    def __str__(self) -> str:
        return f"{self.episode}: {self.get_ends_display().lower()}"

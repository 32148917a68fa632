"""Forms on websites that post straight to Baton, for those without an SDK."""

from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from leads.models.intake import Source

LONGEST_WAIT = 60  # seconds; who has typed for a minute is a person


class WebForm(models.Model):
    """One form on a website: what is recorded when somebody sends it, and where they go then."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source = models.ForeignKey(Source, models.PROTECT, related_name="forms")
    name = models.CharField(max_length=120, help_text="Where it stands or what it is for; people read it.")
    activity = models.CharField(
        max_length=200,
        default="Requested Demo",
        help_text="The activity that is recorded. It raises a hand where the definition says that this activity does.",
    )
    thank_you_url = models.CharField(
        "thank-you page", max_length=500, blank=True, help_text="Where people go afterwards; empty: a page of Baton's."
    )
    min_seconds = models.PositiveSmallIntegerField(
        "fill time",
        default=0,
        validators=[MaxValueValidator(LONGEST_WAIT)],
        help_text="Seconds a person takes at least; sent sooner, or from nowhere, it is asked again. Needs the page "
        "tag beside the form, or one more click. 0: not looked at.",
    )
    per_minute = models.PositiveSmallIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(6000)],
        help_text="How often it may be sent in a minute, by everybody together.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["source", "name"], name="form_name_once_in_a_source"),
            models.CheckConstraint(condition=~Q(activity=""), name="form_records_an_activity"),
            models.CheckConstraint(condition=Q(per_minute__gte=1), name="form_may_be_sent"),
            models.CheckConstraint(condition=Q(min_seconds__lte=LONGEST_WAIT), name="form_waits_a_minute_at_most"),
        ]

    def __str__(self) -> str:
        return self.name

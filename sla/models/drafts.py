"""Templates of the first words to a lead."""

from __future__ import annotations

from typing import Final

from django.core.validators import RegexValidator
from django.db import models

from scoring.models import Definition, Tier


class DraftTemplate(models.Model):
    """A first letter that a rep may open in their own mail program; Baton itself never sends it."""

    ENGLISH: Final = "en"

    name = models.CharField(max_length=80, unique=True, help_text="What reps choose it by.")
    subject = models.CharField(max_length=160)
    body = models.TextField(max_length=1500)
    tier = models.CharField(max_length=4, choices=Tier.choices, blank=True, help_text="Empty: for every tier.")
    definition = models.ForeignKey(
        Definition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only for leads that qualified by this one; empty: by any.",
    )
    language = models.CharField(
        max_length=2,
        default=ENGLISH,
        validators=[RegexValidator(r"\A[a-z]{2}\Z", "A language is two letters, such as en or de.")],
        help_text="Two letters. Leads whose trait “language” or “locale” says so get it first.",
    )
    position = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)
    is_shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name

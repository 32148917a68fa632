"""What sales wants to know before a lead counts as sales-qualified: checklists, and what is known so far."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from leads.models import User
from scoring.models import Definition, Episode


class Checklist(models.Model):
    """A list of questions, such as BANT. The first in use for the definition is taken, else the first for any."""

    name = models.CharField(max_length=80, unique=True)
    definition = models.ForeignKey(
        Definition,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="For leads that qualify by this one; empty: by any that has no list of its own.",
    )
    position = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)
    is_shipped = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class ChecklistItem(models.Model):
    """One question of a checklist."""

    checklist = models.ForeignKey(Checklist, models.CASCADE, related_name="items")
    key = models.SlugField(
        max_length=40,
        validators=[RegexValidator(r"\A[a-z][a-z0-9_]*\Z", "A key is lower-case letters, digits and underscores.")],
        help_text="How programs name it. Answers are kept under it.",
    )
    label = models.CharField(max_length=80)
    asks = models.CharField(max_length=160, blank=True, help_text="What there is to find out.")
    position = models.IntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["checklist", "key"],
                name="checklist_item_once",
                violation_error_message="This checklist has an item of that key already.",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class ChecklistAnswer(models.Model):
    """What is known of one question about one matter, as it was said last. Converting freezes it into the hand-off."""

    episode = models.ForeignKey(Episode, models.CASCADE, related_name="checklist_answers")
    key = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            # The upsert's target.
            models.UniqueConstraint(fields=["episode", "key"], name="one_answer_per_question"),
            models.CheckConstraint(condition=~Q(text=""), name="an_answer_says_something"),
        ]

    def __str__(self) -> str:
        return self.key

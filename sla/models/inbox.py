"""What one person keeps of their inbox: filters by name."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from leads.models import User


class SavedFilter(models.Model):
    """A filter of the inbox under a name of its owner's; `query` is its address, as the inbox writes it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=500)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint("user", Lower("name"), name="one_filter_of_a_name"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(query=""), name="filters_have_name_and_query"),
        ]

    def __str__(self) -> str:
        return self.name

"""How people of ours come in: invitations by mail; and files on their way in."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from leads.models.people import Role, Team, User


class Invitation(models.Model):
    """Somebody is asked to join, by a link that works once. Sending it again makes a new link; the former stops."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(max_length=254)
    full_name = models.CharField(max_length=200)
    role = models.CharField(max_length=10, choices=Role.choices)
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="invitations")
    capacity = models.PositiveIntegerField(default=20, help_text="Of a rep: open hand-offs at once.")
    invited_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    invited_at = models.DateTimeField()
    letters = models.PositiveIntegerField(default=1, help_text="How often it was sent; only the last link works.")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="invitation")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invited_email_is_lower_case"),
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at__isnull=True),
                name="accepted_by_somebody",
            ),
            models.CheckConstraint(condition=~Q(role="rep") | Q(team__isnull=False), name="a_rep_joins_a_team"),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} <{self.email}>"


class Upload(models.Model):
    """A CSV file between its upload and its import; gone after either the import or a day."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    content = models.BinaryField()
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    uploaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

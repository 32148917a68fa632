"""Rows that every database needs, upserted after each migration: the organization and the role groups."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

from leads.derived import ship_lists
from leads.lifecycle import ship_rules
from leads.models import MailRelay, Organization, Role


def ship(**kwargs: Any) -> None:
    """Make sure the rows that Baton relies on are there; what people changed stays as they left it."""
    using = kwargs.get("using", "default")
    Organization.objects.using(using).get_or_create(id=1)
    MailRelay.objects.using(using).get_or_create(id=1)
    for role in Role:
        Group.objects.using(using).get_or_create(name=role.value)
    ship_rules(using)
    ship_lists(using)

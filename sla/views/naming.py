"""What a form or an address names, by public ids that may be anything a browser sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.http import Http404

from leads.errors import Invalid
from leads.models import User

BY_RULES: Final = "rules"


def key_of(text: str) -> UUID | None:
    """The public id in this text, or None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def key_or_404(text: str) -> UUID:
    """The public id in this text. Raises 404 where it is none."""
    key = key_of(text)
    if key is None:
        raise Http404
    return key


def person(text: str, *, otherwise: str) -> User:
    """Who works here by this public id. Raises Invalid, with this sentence, where there is nobody."""
    key = key_of(text)
    found = User.objects.filter(public_id=key, is_active=True).first() if key is not None else None
    if found is None:
        raise Invalid(otherwise, field="to")
    return found


def person_or_rules(text: str) -> User | None:
    """The chosen rep, or None where the rules are to decide. Raises Invalid."""
    return None if text == BY_RULES else person(text, otherwise="Choose a rep, or let the rules decide.")


def versions_seen(items: Iterable[str]) -> dict[UUID, int | None]:
    """Hand-offs as `key:version`, each with the version that the page showed. What can't be read is left out."""
    seen = {}
    for item in items:
        name, _, version = item.partition(":")
        if (key := key_of(name)) is not None:
            seen[key] = int(version) if version.isdecimal() and len(version) < 10 else None
    return seen

"""Saved filters: kept under a name, renamed, deleted; each is its owner's alone."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from leads.errors import Invalid, Refused
from leads.models import User
from leads.transactions import business
from leads.words import one_line
from sla.models import SavedFilter

LONGEST_NAME: Final = 40
LONGEST_QUERY: Final = 500
MOST: Final = 20


class NoSuchFilter(Refused):
    """There is no such filter, or it is somebody else's; both sound alike."""

    status = 404
    title = "Not found"
    code = "not_found"


@business
def save(user: User, *, name: str, query: str, now: datetime) -> SavedFilter:
    """Keep a filter under a name; one of that name says from now on what this one says. Raises Invalid."""
    if not query or len(query) > LONGEST_QUERY:
        raise Invalid("Choose what to filter by, then save it.", field="name")
    called = _name(name)
    mine = _mine(user)
    known = next((each for each in mine if each.name.lower() == called.lower()), None)
    if known is None and len(mine) >= MOST:
        raise Invalid(f"You have {MOST} saved filters. Delete one first.", field="name")
    saved = known or SavedFilter(user=user, created_at=now)
    saved.name, saved.query = called, query
    saved.save()
    return saved


@business
def rename(user: User, public_id: UUID, *, name: str) -> SavedFilter:
    """Give a saved filter another name. Raises Invalid where another has it, NoSuchFilter."""
    called, mine = _name(name), _mine(user)
    if any(each.name.lower() == called.lower() and each.public_id != public_id for each in mine):
        raise Invalid(f"Another filter of yours is called “{called}”. Choose another name.", field="name")
    saved = _of(mine, public_id)
    saved.name = called
    saved.save(update_fields=["name"])
    return saved


@business
def delete(user: User, public_id: UUID) -> str:
    """Forget a saved filter; returns its name. Raises NoSuchFilter."""
    saved = _of(_mine(user), public_id)
    saved.delete()
    return saved.name


def _mine(user: User) -> list[SavedFilter]:
    """All of this person's, one change at a time."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return list(SavedFilter.objects.filter(user=user))


def _of(mine: list[SavedFilter], public_id: UUID) -> SavedFilter:
    found = next((each for each in mine if each.public_id == public_id), None)
    if found is None:
        raise NoSuchFilter("There is no such filter.")
    return found


def _name(name: str) -> str:
    called = one_line(name, at_most=200)
    if not called or len(called) > LONGEST_NAME:
        raise Invalid(f"Give the filter a name of at most {LONGEST_NAME} letters.", field="name")
    return called

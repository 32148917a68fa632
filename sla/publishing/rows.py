"""Routing rules and reasons: rows whose every change the database keeps as a version, signed with who and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection
from django.db.models import ForeignKey

from leads.models import User
from leads.transactions import business
from sla import matching
from sla.models import Reason, RoutingRule, RowVersion
from sla.publishing.refusals import ChangedMeanwhile, NotPublishable

Row = TypeVar("Row", bound=RoutingRule | Reason)


@business
def put(row: Row, *, why: str, now: datetime, by: User | None) -> Row:
    """Put a rule or a reason in force as it stands here, new or changed; its version says who and why.

    A rule that no longer serves is put with `is_active` off: rows are never deleted. Raises Invalid naming the
    field, and ChangedMeanwhile where the row was changed since the caller read it (`row.version`).
    """
    if row.pk is not None:
        _check_seen(row)
    check(row)
    with signed(why=why, now=now, by=by):
        row.save()
    row.refresh_from_db(fields=["version"])
    return row


def check(row: RoutingRule | Reason) -> None:
    """Raise Invalid where the row would not hold: a field, or a condition nobody can read or no lead can meet.

    One that is out of use may be impossible, so that it can be taken out of use.
    """
    if isinstance(row, RoutingRule):
        matching.check(row.condition, may_be_impossible=not row.is_active)
    try:
        row.full_clean()
    except ValidationError as error:
        raise _refusal(row, error) from error


@contextmanager
def signed(*, why: str, now: datetime, by: User | None) -> Iterator[None]:
    """Tell the database who changes rows here, when and why, for the versions it writes."""
    _say(why[:200], now.isoformat(), str(by.pk) if by is not None else "")
    yield
    _say("", "", "")


def content_of(version: RowVersion, model: type[Row]) -> Row:
    """The row as a version tells it, not saved. Columns that came later have their default."""
    row = model()
    for field in model._meta.concrete_fields:
        if field.column in version.content:
            setattr(row, field.attname, field.to_python(version.content[field.column]))
    return row


def _check_seen(row: RoutingRule | Reason) -> None:
    stored = type(row)._default_manager.select_for_update().get(pk=row.pk)
    if stored.version != row.version:
        last = stored.versions.select_related("by").latest("number")
        raise ChangedMeanwhile(
            f"{last.by or 'Somebody'} has made version {last.number} of {stored} since you opened it. "
            "Open it again, and make your change on top of theirs.",
            version=stored.version,
        )


def _refusal(row: RoutingRule | Reason, error: ValidationError) -> NotPublishable:
    name, told = next(iter(error.message_dict.items()))
    if name == NON_FIELD_ERRORS:
        return NotPublishable(told[0])
    field = row._meta.get_field(name)
    called = str(getattr(field, "verbose_name", name)).capitalize()
    gone = isinstance(field, ForeignKey) and getattr(row, field.attname) is not None
    return NotPublishable(f"{called}: {'that one is gone. Choose another.' if gone else told[0]}", field=name)


def _say(why: str, at: str, by: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('baton.why', %s, true), set_config('baton.at', %s, true), "
            "set_config('baton.by', %s, true)",
            [why, at, by],
        )

"""The versions of rules, reasons, calendars and policies alike: who made each, why, and what it says.

Putting an old one in force again makes a new version equal to it; nothing is taken out of the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leads.errors import Invalid
from leads.models import User
from leads.transactions import business
from sla.models import Calendar, CalendarVersion, Policy, PolicyVersion, Reason, RoutingRule
from sla.publishing import wording
from sla.publishing.calendars import calendar_again
from sla.publishing.differences import Said, differences, said_by_calendar
from sla.publishing.policies import VersionState, draft_policy, publish_policy
from sla.publishing.refusals import NotPublishable
from sla.publishing.rows import content_of, put

Versioned = RoutingRule | Reason | Calendar | Policy


@dataclass(frozen=True)
class Edition:
    """One version as people read it. `at` is None while it is a draft."""

    number: int
    said: Said
    why: str
    at: datetime | None
    by: User | None
    is_in_force: bool
    is_draft: bool = False

    def since(self, former: Edition | None) -> list[str]:
        """What it says otherwise than a former one."""
        return differences(former.said, self.said) if former is not None else []


def editions(of: Versioned) -> list[Edition]:
    """All versions, the newest first."""
    if isinstance(of, Calendar):
        return _of_calendar(of)
    return _of_policy(of) if isinstance(of, Policy) else _of_row(of)


@business
def back_to(of: Versioned, number: int, *, now: datetime, by: User | None, why: str = "") -> int:
    """Make a new version equal to this old one, and return its number.

    Raises NotPublishable where it is in force already, or would not hold today, with what stands in the way.
    """
    made = f"Back to version {number}{f': {why}' if why else ''}"
    old = next((each for each in editions(of) if each.number == number and not each.is_draft), None)
    if old is None:
        raise NotPublishable(f"{of} has no version {number} to go back to.")
    if old.is_in_force:
        raise NotPublishable(f"Version {number} of {of} is in force already.")
    try:
        return _again(of, number, why=made, now=now, by=by)
    except Invalid as refusal:
        raise NotPublishable(f"Version {number} would not hold today. {refusal}", **refusal.state) from refusal


def _again(of: Versioned, number: int, *, why: str, now: datetime, by: User | None) -> int:
    if isinstance(of, Calendar):
        return calendar_again(of, number, now=now, by=by, why=why).number
    if isinstance(of, Policy):
        draft = draft_policy(of, like=of.versions.get(number=number))
        return publish_policy(draft, now=now, by=by, why=why).number
    return _row_again(of, number, why=why, now=now, by=by)


def _row_again(of: RoutingRule | Reason, number: int, *, why: str, now: datetime, by: User | None) -> int:
    stored = type(of)._default_manager.select_for_update().get(pk=of.pk)
    old = content_of(stored.versions.get(number=number), type(of))
    old.pk, old.version, old._state.adding = stored.pk, stored.version, False
    return put(old, why=why, now=now, by=by).version


def _of_row(row: RoutingRule | Reason) -> list[Edition]:
    versions = row.versions.select_related("by").order_by("-number")
    return [
        Edition(
            each.number,
            wording.said_by_row(content_of(each, type(row))),
            each.why,
            each.at,
            each.by,
            is_in_force=index == 0,
        )
        for index, each in enumerate(versions)
    ]


def _of_calendar(calendar: Calendar) -> list[Edition]:
    versions = CalendarVersion.objects.filter(calendar=calendar).select_related("created_by").order_by("-number")
    return [
        Edition(
            each.number,
            said_by_calendar(each.spec) | wording.said_by_plan(each.plan),
            each.why,
            each.created_at,
            each.created_by,
            index == 0,
        )
        for index, each in enumerate(versions)
    ]


def _of_policy(policy: Policy) -> list[Edition]:
    versions = PolicyVersion.objects.filter(policy=policy).select_related("published_by").order_by("-number")
    return [
        Edition(
            each.number,
            wording.said_by_policy(each),
            each.why,
            each.published_at,
            each.published_by,
            is_in_force=each.state == VersionState.PUBLISHED,
            is_draft=each.state == VersionState.DRAFT,
        )
        for each in versions.prefetch_related("targets", "steps")
    ]

"""Nurture: rests, spent evidence and named dates, each with its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from leads import lifecycle
from leads.errors import Invalid
from leads.marking import mark
from leads.models import Lead, RestChange, Stage, User
from leads.transactions import business

FIELDS: Final = ("rest_until", "evidence_from", "callback_at", "callback_user_id")
PAGE: Final = 1000

END_RESTS = """
WITH ended AS (
    SELECT id FROM leads_lead
    WHERE (rest_until <= %(now)s OR callback_at <= %(now)s)
      AND NOT (callback_at IS NOT NULL AND merged_into_id IS NULL AND erased_at IS NULL AND stage = ANY(%(opening)s))
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), changed AS (
    UPDATE leads_lead AS lead
    SET rest_until = CASE WHEN lead.rest_until > %(now)s THEN lead.rest_until END,
        callback_at = NULL, callback_user_id = NULL
    FROM ended WHERE lead.id = ended.id
    RETURNING lead.id, lead.rest_until, lead.evidence_from
), written AS (
    INSERT INTO leads_restchange (lead_id, at, rest_until, evidence_from, callback_at, callback_user_id, by_id, cause)
    SELECT id, GREATEST(%(now)s, (SELECT max(at) FROM leads_restchange WHERE lead_id = changed.id)),
           rest_until, evidence_from, NULL, NULL, NULL, 'rest ended'
    FROM changed ORDER BY id
)
SELECT id FROM changed
"""


@business
def recycle(
    lead: Lead,
    *,
    rest_until: datetime | None,
    spend: bool,
    now: datetime,
    by: User | None = None,
    cause: str,
    spent_to: datetime | None = None,
) -> None:
    """Send a lead back to nurture: it rests until a moment, if one is given, and its evidence is spent if asked.

    The lead is locked by the caller. `spent_to` is the moment up to which evidence is spent, `now` by default;
    evidence once spent stays so. A date the person named before is forgotten.
    Raises lifecycle.IllegalMove where the cause may not move the lead to nurture.
    """
    evidence_from = _later(lead.evidence_from, min(spent_to or now, now)) if spend else lead.evidence_from
    _write(lead, now=now, by=by, cause=cause, rest_until=rest_until, evidence_from=evidence_from, callback_at=None)
    lifecycle.move(lead, Stage.NURTURE, cause=cause, now=now, by=by)


@business
def spend(lead: Lead, *, now: datetime, by: User | None = None, cause: str) -> None:
    """Spend the lead's evidence up to now: positive engagement so far gives nothing from here on."""
    _write(lead, now=now, by=by, cause=cause, evidence_from=_later(lead.evidence_from, now))


@business
def promise_callback(
    lead: Lead, *, at: datetime, user: User, now: datetime, by: User | None = None, cause: str = "named date"
) -> None:
    """Keep the date the person named: until then they rest, then they come back to this user without new evidence.

    A lead in nurture gets the new date instead of the old one. Evidence up to now is spent.
    Raises Invalid for a date that isn't ahead, lifecycle.IllegalMove outside an episode and nurture.
    """
    if at <= now:
        raise Invalid("The date to call back must lie ahead.")
    _write(
        lead,
        now=now,
        by=by,
        cause=cause,
        rest_until=at,
        evidence_from=_later(lead.evidence_from, now),
        callback_at=at,
        callback_user_id=user.pk,
    )
    lifecycle.move(lead, Stage.NURTURE, cause=cause, now=now, by=by)


@business
def end_rest(lead: Lead, *, now: datetime, by: User | None = None, cause: str) -> bool:
    """End the rest and forget the named date; spent evidence stays spent. False if there was neither."""
    return _write(lead, now=now, by=by, cause=cause, rest_until=None, callback_at=None)


@business
def take_over(winner: Lead, loser: Lead, *, now: datetime, by: User | None = None) -> None:
    """Of two leads that become one: the later rest, the later spent evidence, the later date the person named."""
    named = max(
        (lead for lead in (winner, loser) if lead.callback_at is not None),
        key=lambda lead: lead.callback_at or now,
        default=winner,
    )
    _write(
        winner,
        now=now,
        by=by,
        cause="merge",
        rest_until=max(filter(None, (winner.rest_until, loser.rest_until)), default=None),
        evidence_from=max(filter(None, (winner.evidence_from, loser.evidence_from)), default=None),
        callback_at=named.callback_at,
        callback_user_id=named.callback_user_id,
    )


def snapshot(lead: Lead) -> dict[str, Any]:
    """Where the lead stands, as plain data for `restore`: stage, rest, spent evidence, named date."""
    lead.refresh_from_db(fields=["stage", *FIELDS[:3], "callback_user"])
    return {
        "stage": lead.stage,
        "rest_until": lead.rest_until and lead.rest_until.isoformat(),
        "evidence_from": lead.evidence_from and lead.evidence_from.isoformat(),
        "callback_at": lead.callback_at and lead.callback_at.isoformat(),
        "callback_user": lead.callback_user_id,
    }


@business
def restore(lead: Lead, snapshot: dict[str, Any], *, now: datetime, by: User | None = None, cause: str) -> None:
    """Put back what a verdict changed: stage, rest, spent evidence and named date, as they stood before it.

    Raises lifecycle.IllegalMove where the lead has moved on since, for instance bought.
    """
    user_id = snapshot["callback_user"]
    named = user_id is not None and User.objects.filter(pk=user_id).exists()
    _write(
        lead,
        now=now,
        by=by,
        cause=cause,
        rest_until=_read(snapshot["rest_until"]),
        evidence_from=_read(snapshot["evidence_from"]),
        callback_at=_read(snapshot["callback_at"]) if named else None,
        callback_user_id=user_id if named else None,
    )
    lifecycle.move(lead, snapshot["stage"], cause=cause, now=now, by=by)


def due_callbacks(*, now: datetime, limit: int) -> list[int]:
    """Leads whose named date has come and who may be offered again, the longest due first."""
    leads = Lead.objects.live().filter(callback_at__lte=now, stage__in=lifecycle.OPENING)
    return list(leads.order_by("callback_at", "id").values_list("id", flat=True)[:limit])


def ended_rests(*, now: datetime, limit: int) -> list[int]:
    """Leads whose rest is over and who named no date, the longest over first."""
    leads = Lead.objects.live().filter(rest_until__lte=now).exclude(_comes_back_by_date())
    return list(leads.order_by("rest_until", "id").values_list("id", flat=True)[:limit])


@business
def mark_ended_rests(*, now: datetime) -> int:
    """End the rests that are over, and mark these leads for assessment; returns how many, at most 1,000 a call.

    A lead that named a date waits for `due_callbacks`; where no episode may open any more, its date lapses.
    Leads that another transaction holds are left to the next call.
    """
    with connection.cursor() as cursor:
        cursor.execute(END_RESTS, {"now": now, "opening": sorted(lifecycle.OPENING), "limit": PAGE})
        ids = [lead_id for (lead_id,) in cursor.fetchall()]
    mark(ids, now=now)
    return len(ids)


def _comes_back_by_date() -> Q:
    return Q(callback_at__isnull=False, stage__in=lifecycle.OPENING)


def _write(lead: Lead, *, now: datetime, by: User | None, cause: str, **changed: Any) -> bool:
    """Write these fields of a locked lead and one history row, and mark it; False if nothing changes."""
    lead.refresh_from_db(fields=[*FIELDS[:3], "callback_user"])
    if changed.get("callback_at", ...) is None:
        changed["callback_user_id"] = None
    if all(getattr(lead, field) == value for field, value in changed.items()):
        return False
    for field, value in changed.items():
        setattr(lead, field, value)
    lead.save(update_fields=[field.removesuffix("_id") for field in changed])
    last = lead.rest_changes.order_by("-id").values_list("at", flat=True).first()
    present = {field: getattr(lead, field) for field in FIELDS}
    RestChange.objects.create(lead=lead, at=max(now, last or now), by=by, cause=cause, **present)
    mark([lead.pk], now=now)
    return True


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

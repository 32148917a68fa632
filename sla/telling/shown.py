"""How an event shows its subjects to programs: a lead, a matter, a hop, a contest, a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.conf import settings

from leads.models import Lead, User
from scoring.models import Episode
from sla.models import Contest, Handoff

LONGEST: Final = 200


def lead(lead: Lead) -> dict[str, Any]:
    """Who it is about."""
    return {
        "id": str(lead.public_id),
        "name": lead.name[:LONGEST],
        "email": lead.email,
        "company": str(lead.account)[:LONGEST] if lead.account is not None else None,
        "is_test": lead.is_test,
        "url": f"{settings.BASE_URL}/leads/{lead.public_id}/",
    }


def episode(episode: Episode) -> dict[str, Any]:
    """The matter, and how it ended."""
    return {
        "id": str(episode.public_id),
        "tier": episode.tier,
        "lane": episode.lane,
        "opened_by": episode.opened_by,
        "opened_at": episode.opened_at.isoformat(),
        "phase": episode.phase or None,
        "closed_at": moment(episode.closed_at),
        "closed_as": episode.closed_as or None,
    }


def handoff(handoff: Handoff) -> dict[str, Any]:
    """One hop, as it stands."""
    return {
        "id": str(handoff.public_id),
        "state": handoff.state,
        "version": handoff.version,
        "hop": handoff.hop,
        "leg": handoff.leg,
        "tier": handoff.tier,
        "lane": handoff.lane,
        "rep": person(handoff.user),
        "team": handoff.team.name,
        "offered_at": handoff.offered_at.isoformat(),
        "accepted_at": moment(handoff.accepted_at),
        "closed_at": moment(handoff.closed_at),
        "reason": handoff.reason.code if handoff.reason is not None else None,
        "named_date": moment(handoff.named_date),
    }


def contest(contest: Contest) -> dict[str, Any]:
    """What marketing said of a rejection, and what was decided."""
    return {
        "id": str(contest.public_id),
        "by": person(contest.by),
        "at": contest.at.isoformat(),
        "words": contest.words,
        "decision": contest.decision or None,
        "decided_by": person(contest.decided_by) if contest.decided_by is not None else None,
        "decided_at": moment(contest.decided_at),
        "why": contest.why or None,
        "became": contest.became or None,
        "offer": str(contest.hop.public_id) if contest.hop is not None else None,
    }


def person(user: User) -> dict[str, str]:
    """Somebody of ours."""
    return {"email": user.email, "name": user.full_name}


def moment(at: datetime | None) -> str | None:
    """An instant, as programs read it."""
    return at.isoformat() if at is not None else None

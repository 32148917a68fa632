"""After going live: what stood on paper is cleared, matter by matter; whoever comes by goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db.models import QuerySet

from leads.locks import LeadGone
from leads.transactions import business
from scoring import episodes, standing
from scoring.models import Lane, OpenedBy, Phase
from sla.handoffs import moves
from sla.models import PaperMatter, Shadow
from sla.routing import looks, on_paper
from sla.shadow import paper

log = structlog.get_logger(__name__)

PAGE = 200
SHADOW = "shadow"


def settle(clock: Callable[[], datetime]) -> int:
    """Clear what stands on paper of shadows that have ended, one transaction each; returns how many were cleared."""
    done = 0
    for matter_id in _left().order_by("episode__lead", "pk").values_list("pk", flat=True)[:PAGE]:
        try:
            done += clear(matter_id, now=clock())
        except Exception:
            log.exception("clearing_failed", matter=matter_id)
    return done


@business
def clear(matter_id: int, *, now: datetime) -> bool:
    """Clear one matter as its shadow ended: it stands for release, or is routed from now on. True if it stood there.

    Where something else that runs in shadow would route it, it stays on paper.
    """
    known = _left().select_related("episode", "shadow__ended_by").filter(pk=matter_id).first()
    if known is None:
        return False
    try:
        lead = episodes.lock_matter(known.episode.lead_id)
    except LeadGone:
        return False
    episode = episodes.lock(known.episode_id)
    matter = _left().select_for_update(of=("self",)).filter(pk=matter_id).first()
    if matter is None or episode.lead_id != lead.pk or episode.phase != Phase.WAITING:
        return False
    episode.lead, by = lead, known.shadow.ended_by
    now = max(now, *moves.last_rows(episode, None))
    other = on_paper.shadow_of(episode, now=now)
    if other is not None:
        matter.shadow = other
        matter.save(update_fields=["shadow"])
        return True
    asked_for = episode.lane == Lane.SIGNAL or episode.opened_by == OpenedBy.DATE
    if known.shadow.ending == Shadow.Ending.ROUTE or asked_for:
        episodes.begin_anew(episode, why="live", now=now, by=by)
        paper.go_live(episode, ended_as=paper.EndedAs.ROUTED, why="going live", now=now)
        looks.look_again(now=now, episode=episode)
    else:
        paper.leave(episode, ended_as=paper.EndedAs.STOOD, now=now)
        standing.stand_down(episode, why=SHADOW, now=now, by=by)
    return True


def _left() -> QuerySet[PaperMatter]:
    return PaperMatter.objects.filter(ended_at=None, shadow__ended_at__isnull=False)

"""Hand-offs: one offer is made, taken away, or withdrawn. Many stand in `offering`, the answers in `verdicts`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from leads import holding
from leads.models import Lead, Team, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Phase
from sla.clocks import targets
from sla.handoffs import closing
from sla.handoffs.moves import Matter, last_rows
from sla.handoffs.offering import Offer, offer_all
from sla.models import Handoff, PolicyVersion, Rep, RoutingRule, State
from sla.telling import mails


@business
def offer(
    episode: Episode,
    *,
    rep: Rep,
    team: Team,
    rule: RoutingRule | None,
    policy_version: PolicyVersion,
    now: datetime,
    why: str,
    trace: dict[str, Any],
    override: str | None = None,
) -> Handoff:
    """Offer a waiting episode to one rep: the assign clock is met, accept and first touch start, the rep is told.

    In the fast lane Baton accepts at once: no accept clock, stage SAL, and no acceptance is recorded. Lead, episode
    and rep are locked by the caller. `override` says why a full rep is given one more; a rep at capacity without it
    raises OverCapacity. Raises InactiveRep, AwayRep, AlreadyDecided where the episode does not wait.
    """
    episode.lead = Lead.objects.select_for_update().get(pk=episode.lead_id)
    made = Offer(episode, rep, team, rule, policy_version, why, trace, override)
    return offer_all([made], now=now)[0]


@business
def move_on(
    handoff: Handoff,
    *,
    why: str,
    now: datetime,
    by: User | None = None,
    as_of: datetime | None = None,
    note: str = "",
) -> None:
    """Take the lead away from this rep: the episode waits for the next hop. Its clocks are voided, missed ones stay.

    A closing leg goes back to the rep who converted it: no rule routes it.
    The lead is locked by the caller. `why` is a word or two: breach, absence, reassigned. `as_of` is when the cause
    arose, where that was noticed later: what fell due in between is not counted against the rep.
    `note` says why in somebody's own words.
    """
    matter = matter_of(handoff, now=now)
    matter.expect(State.OFFERED, State.ACCEPTED, seen_version=None)
    if matter.is_closing:
        closing.give_back(matter, why=why, by=by, as_of=as_of, note=note)
        handoff.refresh_from_db()
        return
    now = matter.now
    matter.become(State.MOVED, closed_at=now, note=note or matter.handoff.note)
    targets.void(matter.handoff, why=f"moved: {why}", now=now, as_of=as_of)
    episodes.set_phase(matter.episode, Phase.WAITING, now=now, by=by, detail={"why": why})
    targets.start_assign(matter.episode, matter.lead, cause=f"hop:{handoff.hop}", start_at=now, why=why, now=now, by=by)
    matter.hold(None, None)
    matter.record(by=by, why=why[:60], performed_by=False)
    handoff.refresh_from_db()


@business
def withdraw(handoff: Handoff, *, why: str, now: datetime, by: User | None = None, is_undone: bool = False) -> None:
    """The episode ended under the hand-off: it is withdrawn, its clocks are voided, and the rep is told.

    The lead is locked by the caller, and the episode has been closed; or what made the hand-off `is_undone`.
    """
    matter = matter_of(handoff, now=now)
    matter.expect(State.OFFERED, State.ACCEPTED, seen_version=None)
    matter.become(State.WITHDRAWN, closed_at=matter.now, is_undone=is_undone)
    targets.void(matter.handoff, why=why, now=matter.now)
    holding.hold(matter.lead, user=None, team=None, now=matter.now)
    matter.record(by=by, why=why[:60], performed_by=False)
    mails.news(matter.handoff, why, now=matter.now)
    handoff.refresh_from_db()


def matter_of(handoff: Handoff, *, now: datetime, episode: Episode | None = None) -> Matter:
    """The hand-off's matter, locked anew under the lead's lock; on the caller's own episode, if given."""
    lead = Lead.objects.select_for_update().get(pk=handoff.episode.lead_id)
    episode = episodes.lock(handoff.episode_id) if episode is None else episode
    fresh = Handoff.objects.select_for_update(of=("self",)).select_related("user", "team").get(pk=handoff.pk)
    now = max(now, *last_rows(episode, fresh))
    return Matter.of(lead, episode, fresh, now=now)

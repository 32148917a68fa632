"""A shadow with matters that stand on paper, stood there, and are live: what the invariants' test breaks on purpose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scoring.models import Tier
from sla import publishing, routing, touches
from sla.models import PaperMatter, PaperOffer, RoutingRule, Shadow
from sla.shadow import settling, switches
from tests import desk

MINUTE = timedelta(minutes=1)

# By the check that must find it, as BREAKS of tests/test_invariants.py; the ids are those of `relay`.
BREAKS: dict[str, tuple[str, ...]] = {
    "on paper nobody has it": ("UPDATE scoring_episode SET phase = 'offered' WHERE id = {paper_episode}",),
    "on paper nothing runs": (
        "UPDATE sla_clock SET verdict = '', voided_at = NULL WHERE episode_id = {paper_episode} AND target = 'assign'",
    ),
    "on paper before anybody": (
        "UPDATE sla_papermatter SET ended_at = ended_at + interval '9 days' WHERE id = {routed_matter}",
    ),
    "on paper nobody is told": (
        "UPDATE leads_notification SET lead_id = {paper_lead}, created_at = (SELECT began_at + interval '1 second'"
        " FROM sla_papermatter WHERE id = {paper_matter}) WHERE id = (SELECT max(id) FROM leads_notification)",
    ),
    "promises on paper recompute": (
        "UPDATE sla_paperpromise SET due_at = due_at + interval '1 microsecond'"
        " WHERE offer_id = {paper_offer} AND target = 'accept'",
    ),
    "times on paper run forwards": (
        "UPDATE sla_paperoffer SET first_touched_at = decided_at - interval '1 second' WHERE id = {touched_offer}",
    ),
    "offers on paper are explained": ("UPDATE sla_paperoffer SET trace = trace - 'others' WHERE id = {paper_offer}",),
    "capacity holds on paper": (
        "UPDATE sla_paperoffer SET trace = jsonb_set(trace, '{{chosen,load}}', '99') WHERE id = {paper_offer}",
    ),
    "load on paper ends": ("UPDATE sla_paperoffer SET settled_at = NULL WHERE id = {touched_offer}",),
}


def relay(house: desk.Company, *, at: datetime) -> dict[str, Any]:
    """One rule in shadow, live again, and in shadow once more; with what was routed then, and the ids of it."""
    rule = RoutingRule(
        name="Hot ones",
        team=house.team,
        position=-1,
        condition={"field": "episode.tier", "op": "is", "value": "hot"},
    )
    publishing.put(rule, why="Hot ones first", now=at, by=None)
    routed = _on_paper(house, rule, at=at)
    switches.go_live(routed.matter.shadow_id, ending=Shadow.Ending.ROUTE, now=at + 2 * MINUTE, by=house.manager)
    assert settling.settle(lambda: at + 2 * MINUTE) == 1
    assert routing.route(routed.matter.episode_id, now=at + 3 * MINUTE) is not None

    stands = _on_paper(house, rule, at=at + 4 * MINUTE)
    touched = _on_paper(house, rule, at=at + 5 * MINUTE)
    reached = at + 7 * MINUTE
    touches.record(
        touched.matter.episode.lead_id,
        means="call",
        outcome="reached",
        performed_by=house.manager,
        recorded_by=house.manager,
        occurred_at=reached,
        now=reached,
    )
    return {
        "routed_matter": routed.matter_id,
        "paper_episode": stands.matter.episode_id,
        "paper_lead": stands.matter.episode.lead_id,
        "paper_matter": stands.matter_id,
        "paper_offer": stands.pk,
        "touched_offer": touched.pk,
    }


def _on_paper(house: desk.Company, rule: RoutingRule, *, at: datetime) -> PaperOffer:
    """A hot matter that waits, goes into shadow with its rule, and is offered there."""
    waits = house.episode(house.lead(now=at), now=at, tier=Tier.HOT)
    if not PaperMatter.objects.filter(episode=waits, ended_at=None).exists():
        switches.begin(rule=rule, why="To try it", now=at, by=house.manager)
    assert routing.route(waits.pk, now=at + MINUTE) is None
    return PaperOffer.objects.get(matter__episode=waits, matter__ended_at=None)

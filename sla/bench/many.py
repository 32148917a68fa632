"""Many leads on offer, all alike: one is made by the verbs and multiplied by the database, with a clock for each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from leads.models import Team
from scoring.models import EpisodeChange
from sla import handoffs, publishing
from sla.bench.copies import ANEW, clone, trust
from sla.bench.floor import opened
from sla.models import Clock, HandoffChange, LadderStep, Policy, Rep, Target

TARGETS: Final = (Target.ACCEPT, Target.FIRST_TOUCH, Target.DEPTH, Target.QUALIFY)
FOREVER: Final = timedelta(days=3650)


def model(*, now: datetime) -> Clock:
    """One lead on offer, made by the verbs, under a policy whose breach tells rep and manager: what is multiplied."""
    version = publishing.draft_policy(Policy.objects.get())
    version.steps.all().delete()
    version.targets.all().update(hours="always", outside_seconds=None)
    for action in (LadderStep.Action.TELL_REP, LadderStep.Action.TELL_MANAGER):
        LadderStep.objects.create(version=version, target=Target.ACCEPT, share=100, action=action)
    publishing.publish_policy(version, now=now, by=None)
    team = Team.objects.filter(desk__isnull=False).order_by("pk").first()
    rep = Rep.objects.filter(user__memberships__team=team).select_related("user").order_by("pk").first()
    if team is None or rep is None:
        raise ValueError("The bench's company has no team or rep.")
    episode = opened(now=now)
    trace = {"why": "bench", "rules": []}
    offer = handoffs.offer(
        episode, rep=rep, team=team, rule=None, policy_version=version, now=now, why="bench", trace=trace
    )
    return Clock.objects.select_related("handoff__episode__lead").get(handoff=offer, target=Target.ACCEPT)


def multiply(model: Clock, times: int, *, now: datetime, waits: bool = False) -> None:
    """So many more leads on offer like this one: due by now, or with a clock for each target that waits for years."""
    handoff = model.handoff
    if handoff is None:
        raise ValueError("An accept clock has a hand-off.")
    episode = handoff.episode
    with transaction.atomic():
        trust()
        leads = clone(episode.lead, f"generate_series(1, {times}) AS made(id)", ANEW)
        matters = clone(episode, f"leads_lead AS made WHERE {leads}", {"lead_id": "made.id", **ANEW})
        offers = clone(handoff, f"scoring_episode AS made WHERE {matters}", {"episode_id": "made.id", **ANEW})
        first, opened = (
            HandoffChange.objects.get(handoff=handoff),
            EpisodeChange.objects.filter(episode=episode).first(),
        )
        clone(first, f"sla_handoff AS made WHERE {offers}", {"handoff_id": "made.id"})
        if opened is not None:
            clone(opened, f"scoring_episode AS made WHERE {matters}", {"episode_id": "made.id"})
        own = {"handoff_id": "made.id", "episode_id": "made.episode_id"}
        if waits:
            later = {"due_at": f"'{(now + FOREVER).isoformat()}'", "next_step_at": f"'{(now + FOREVER).isoformat()}'"}
            names = ", ".join(f"'{target.value}'" for target in TARGETS)
            source = f"sla_handoff AS made CROSS JOIN unnest(ARRAY[{names}]) AS target(name) WHERE {offers}"
            clone(model, source, own | later | {"target": "target.name"})
            return
        made = clone(model, f"sla_handoff AS made WHERE {offers}", own)
        clone(model.timings.get(), f"sla_clock AS made WHERE {made}", {"clock_id": "made.id"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

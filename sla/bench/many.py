"""Many leads on offer, all alike: one is made by the verbs and multiplied by the database, with a clock for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, models, transaction

from leads.models import Lead, Stage, Team
from scoring import episodes
from scoring.models import DefinitionVersion, EpisodeChange, Lane, OpenedBy, Tier
from sla import handoffs, publishing
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
    judged = DefinitionVersion.objects.select_related("definition").first()
    if team is None or rep is None or judged is None:
        raise ValueError("The bench's company has no team, rep or definition.")
    lead = Lead.objects.create(stage=Stage.LEAD, stage_at=now, created_at=now, first_name="Alex", last_name="Reed")
    episode = episodes.open_episode(
        lead,
        qualification=None,
        definition=judged.definition,
        version=judged,
        tier=Tier.HOT,
        lane=Lane.NORMAL,
        opened_by=OpenedBy.EVIDENCE,
        opened_at=now,
        now=now,
    )
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
        _trust()
        leads = _clone(episode.lead, f"generate_series(1, {times}) AS made(id)", {"public_id": "gen_random_uuid()"})
        matters = _clone(episode, f"leads_lead AS made WHERE {leads}", {"lead_id": "made.id", **_ANEW})
        offers = _clone(handoff, f"scoring_episode AS made WHERE {matters}", {"episode_id": "made.id", **_ANEW})
        first, opened = (
            HandoffChange.objects.get(handoff=handoff),
            EpisodeChange.objects.filter(episode=episode).first(),
        )
        _clone(first, f"sla_handoff AS made WHERE {offers}", {"handoff_id": "made.id"})
        if opened is not None:
            _clone(opened, f"scoring_episode AS made WHERE {matters}", {"episode_id": "made.id"})
        own = {"handoff_id": "made.id", "episode_id": "made.episode_id"}
        if waits:
            later = {"due_at": f"'{(now + FOREVER).isoformat()}'", "next_step_at": f"'{(now + FOREVER).isoformat()}'"}
            names = ", ".join(f"'{target.value}'" for target in TARGETS)
            source = f"sla_handoff AS made CROSS JOIN unnest(ARRAY[{names}]) AS target(name) WHERE {offers}"
            _clone(model, source, own | later | {"target": "target.name"})
            return
        made = _clone(model, f"sla_handoff AS made WHERE {offers}", own)
        _clone(model.timings.get(), f"sla_clock AS made WHERE {made}", {"clock_id": "made.id"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _trust() -> None:
    """Within this transaction, check no foreign key of the millions of copies, where the server lets us say so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")


_ANEW: Final = {"public_id": "gen_random_uuid()"}


def _clone(row: models.Model, source: str, anew: Mapping[str, str]) -> str:
    """Insert a copy of a row for each of the source, with some columns anew; returns what finds the copies."""
    table = row._meta.db_table
    columns = [str(field.column) for field in row._meta.concrete_fields if not field.primary_key]
    values = ", ".join(anew.get(column, f"model.{column}") for column in columns)
    # The copied row is joined in front, so that a condition of the source stays last.
    relation, _, condition = source.partition(" WHERE ")
    where = f" WHERE {condition}" if condition else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608 (our own tables)
        (last,) = cursor.fetchone()
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 (our own tables and columns)
            f"SELECT {values} FROM (SELECT * FROM {table} WHERE id = %s) AS model CROSS JOIN {relation}{where}",
            [row.pk],
        )
    return f"made.id > {last}"

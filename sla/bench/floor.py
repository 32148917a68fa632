"""A sales floor for the bench: many reps in teams by territory, and leads of all tiers that wait for them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib.auth.models import Group
from django.db import connection, transaction

from leads.models import Lead, Role, Stage, StageChange, Team, TeamMembership, User
from scoring import episodes
from scoring.models import DefinitionVersion, Episode, EpisodeChange, EpisodeMember, Lane, OpenedBy, Tier
from sla import publishing
from sla.bench.copies import ANEW, clone, trust
from sla.models import Calendar, Clock, Desk, Rep, RoutingRule

ROOM: Final = 1_000_000


def hire(reps: int, *, teams: int, now: datetime) -> list[Team]:
    """So many reps in teams of one size, each team with its hours and the rule of its territory, before all others."""
    hours = {"time_zone": "UTC", "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), [["08:00", "18:00"]])}
    made = []
    for number in range(1, teams + 1):
        team = Team.objects.create(name=f"Territory {number}")
        calendar = Calendar.objects.create(name=f"Territory {number}")
        publishing.publish_calendar(calendar, hours, why="Bench", now=now, by=None)
        Desk.objects.create(team=team, calendar=calendar)
        condition = {"field": "lead.country", "op": "is", "value": country(number)}
        rule = RoutingRule(name=f"Territory {number}", position=number - teams, condition=condition, team=team)
        publishing.put(rule, why="Bench", now=now, by=None)
        users = User.objects.bulk_create(
            User(email=f"rep{number}-{each}@bench.example", full_name=f"Rep {number} {each}")
            for each in range(reps // teams)
        )
        TeamMembership.objects.bulk_create(TeamMembership(team=team, user=user) for user in users)
        Group.objects.get(name=Role.REP).user_set.add(*users)
        Rep.objects.bulk_create(
            Rep(user=user, capacity=ROOM, weight=100 + 10 * (place % 3)) for place, user in enumerate(users)
        )
        made.append(team)
    return made


def country(number: int) -> str:
    """The country of a territory."""
    return f"Country {number}"


def opened(*, now: datetime, country: str = "") -> Episode:
    """One waiting episode, opened by the verb under the company's definition: what is copied."""
    version = DefinitionVersion.objects.select_related("definition").filter(state="published").first()
    if version is None:
        raise ValueError("The bench's company has no definition.")
    lead = Lead.objects.create(
        stage=Stage.LEAD, stage_at=now, created_at=now, first_name="Alex", last_name="Reed", country=country
    )
    return episodes.open_episode(
        lead,
        qualification=None,
        definition=version.definition,
        version=version,
        tier=Tier.HOT,
        lane=Lane.NORMAL,
        opened_by=OpenedBy.EVIDENCE,
        opened_at=now,
        now=now,
    )


def wait(times: int, *, teams: int, now: datetime) -> list[int]:
    """So many leads that wait for a rep, in turn from each territory and of each tier; the ids of their episodes.

    One is opened by the verbs; the others are copies of it.
    """
    episode = opened(now=now, country=country(1))
    _multiply(episode, times, teams=teams)
    waiting = Episode.objects.filter(phase="waiting").exclude(pk=episode.pk)
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def _multiply(episode: Episode, times: int, *, teams: int) -> None:
    """Copies of a waiting episode and of all that opening it wrote."""
    assign = Clock.objects.get(episode=episode)
    tiers = ", ".join(f"'{tier.value}'" for tier in Tier)
    with transaction.atomic():
        trust()
        source = f"generate_series(1, {times}) AS made(id)"
        leads = clone(episode.lead, source, ANEW | {"country": f"'Country ' || (1 + mod(made.id, {teams}))"})
        moved = StageChange.objects.get(lead=episode.lead)
        clone(moved, f"leads_lead AS made WHERE {leads}", {"lead_id": "made.id"})
        tier = f"(ARRAY[{tiers}])[1 + mod(made.id / {teams}, {len(Tier)})]"
        opened = clone(episode, f"leads_lead AS made WHERE {leads}", ANEW | {"lead_id": "made.id", "tier": tier})
        source = f"scoring_episode AS made WHERE {opened}"
        clone(EpisodeMember.objects.get(episode=episode), source, {"lead_id": "made.lead_id", "episode_id": "made.id"})
        for change in EpisodeChange.objects.filter(episode=episode):
            clone(change, source, {"episode_id": "made.id"})
        clocks = clone(assign, source, {"episode_id": "made.id"})
        clone(assign.timings.get(), f"sla_clock AS made WHERE {clocks}", {"clock_id": "made.id"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

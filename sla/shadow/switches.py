"""Into shadow, and live: the two verbs, and what stands on paper, seen before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

from leads.errors import Invalid, Refused
from leads.locks import LeadGone, lock_lead
from leads.models import Role, Team, User
from leads.transactions import business
from leads.wake import wake
from scoring import episodes
from scoring.models import Episode, Lane, OpenedBy, Phase
from sla.models import Desk, Handoff, PaperMatter, RoutingRule, Shadow
from sla.querysets import managed_teams
from sla.routing import on_paper
from sla.shadow import standing

# What somebody asked for by name rests on no bar, so it can't stand in the release list: it is routed.
ASKED_FOR: Final = Q(episode__lane=Lane.SIGNAL) | Q(episode__opened_by=OpenedBy.DATE)


class CannotSwitch(Refused):
    """This can't go into shadow, or live, now; the sentence says why."""

    code = "cannot_switch"


@dataclass(frozen=True)
class OfTeam:
    """What stands on paper of one team; None is what no team could be named for."""

    team: str | None
    offered: int
    nobody: int


@dataclass(frozen=True)
class Preview:
    """What going live would find: how many matters stand on paper, by team, and how many were asked for by name."""

    shadow: Shadow
    teams: Sequence[OfTeam]
    asked_for: int

    @property
    def total(self) -> int:
        return sum(each.offered + each.nobody for each in self.teams)

    @property
    def could_stand(self) -> int:
        """How many would go to the release list, if they still meet their definition."""
        return self.total - self.asked_for


def may_switch(user: User, shadow: Shadow) -> bool:
    """RevOps may switch everything, a manager the teams they manage."""
    if user.has_role(Role.REVOPS, Role.ADMIN):
        return True
    return shadow.team_id is not None and managed_teams(user).filter(pk=shadow.team_id).exists()


def visible_to(user: User) -> QuerySet[Shadow]:
    """The shadows whose report this user reads: RevOps all; a manager those that route to teams of theirs."""
    found = Shadow.objects.select_related("team", "rule__team", "began_by", "ended_by")
    if user.has_role(Role.REVOPS, Role.ADMIN):
        return found
    teams = managed_teams(user).values("pk")
    if not user.has_role(Role.MANAGER):
        return found.none()
    return found.filter(Q(team__in=teams) | Q(rule__team__in=teams) | Q(team=None, rule=None))


@business
def begin(
    *, team: Team | None = None, rule: RoutingRule | None = None, why: str, now: datetime, by: User | None
) -> Shadow:
    """From this moment what this rule gives, or what this team gets, or everything, is routed on paper.

    What people have stays theirs, whatever becomes of it. What waits and was never handed over goes on paper too.
    Raises Invalid for both a team and a rule, CannotSwitch where it runs in shadow already or routes nothing.
    """
    check(team, rule)
    shadow = Shadow(team=team, rule=rule, why=why.strip()[:200], began_at=now, began_by=by)
    waiting = _lock_waiting()
    _still(team, rule)
    shadow.save(force_insert=True)
    for episode in waiting:
        on_paper.begins(episode, now=now)
    return shadow


@business
def go_live(shadow_id: int, *, ending: str, now: datetime, by: User | None) -> Shadow:
    """From this moment what qualifies is routed for real. Nothing that stands on paper starts a clock in the past.

    With STAND it closes as withdrawn and waits in the release list, where it still meets its definition; with ROUTE it
    is routed now, as if it had come now. Signals and named dates are routed either way. It is done matter by matter,
    right after. Raises Invalid, CannotSwitch where it is live already.
    """
    if ending not in Shadow.Ending.values:
        raise Invalid(f"Ending is one of {', '.join(Shadow.Ending.values)}.", field="ending")
    shadow = Shadow.objects.select_for_update(of=("self",)).select_related("team", "rule").get(pk=shadow_id)
    if shadow.ended_at is not None:
        raise CannotSwitch(f"{shadow} is live already.")
    _still(shadow.team, shadow.rule)
    shadow.ended_at, shadow.ended_by, shadow.ending = max(now, shadow.began_at), by, ending
    shadow.save(update_fields=["ended_at", "ended_by", "ending"])
    wake("route")
    return shadow


def preview(shadow: Shadow) -> Preview:
    """What stands on paper in this shadow now, by team. Writes nothing."""
    matters = PaperMatter.objects.filter(shadow=shadow, ended_at=None)
    counted = (
        matters.annotate(team=Coalesce("offer__team__name", "nobody_team__name"))
        .values("team")
        .annotate(offered=Count("pk", filter=Q(offer__isnull=False)), nobody=Count("pk", filter=Q(offer__isnull=True)))
        .order_by("team")
    )
    teams = [OfTeam(row["team"], row["offered"], row["nobody"]) for row in counted]
    return Preview(shadow, teams, matters.filter(ASKED_FOR).count())


def check(team: Team | None, rule: RoutingRule | None) -> None:
    """Refuse what can't go into shadow now. Raises Invalid, CannotSwitch."""
    if team is not None and rule is not None:
        raise Invalid("Name a team or a rule, or neither for everything.", field="rule")
    standing_now = standing.read()
    known = standing_now.whole
    if team is not None:
        known = standing_now.teams.get(team.pk)
    elif rule is not None:
        known = standing_now.rules.get(rule.pk)
    if known is not None:
        raise CannotSwitch(f"{known} runs in shadow already.")
    if rule is not None and not rule.is_active:
        raise CannotSwitch(f"{rule} is not active: it routes nothing. Switch it on first.")
    if team is not None and not Desk.objects.filter(team=team).exists():
        raise CannotSwitch(f"{team} has no desk, so it takes no leads. Give it one under Desks.")


def _lock_waiting() -> list[Episode]:
    """What waits and was never handed over, locked with its leads, in key order."""
    handed = Handoff.objects.values("episode")
    ids = Episode.objects.filter(phase=Phase.WAITING).exclude(pk__in=handed).exclude(standing.on_paper())
    found = []
    for episode_id, lead_id in ids.order_by("lead_id").values_list("pk", "lead_id"):
        try:
            lead = lock_lead(lead_id)
        except LeadGone:
            continue
        episode = episodes.lock(episode_id)
        if episode.phase == Phase.WAITING and episode.lead_id == lead.pk:
            episode.lead = lead
            found.append(episode)
    return found


def _still(team: Team | None, rule: RoutingRule | None) -> None:
    """Let no offer be made meanwhile: the rotations of all whom it may concern stand still until the end."""
    desks = Desk.objects.select_for_update(of=("self",)).order_by("pk")
    if team is not None:
        desks = desks.filter(team=team)
    list(desks)

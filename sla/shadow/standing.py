"""What runs in shadow now, and which episodes stand on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from scoring.models import Lane
from sla.models import Handoff, PaperMatter, PaperOffer, Shadow


@dataclass(frozen=True)
class Shadows:
    """The shadows that stand: of the whole installation, by team, by rule."""

    whole: Shadow | None = None
    teams: Mapping[int, Shadow] = field(default_factory=dict)
    rules: Mapping[int, Shadow] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.whole is not None or bool(self.teams) or bool(self.rules)

    def of(self, rule_id: int | None, team_id: int | None) -> Shadow | None:
        """The one that covers what this rule gives to this team: the widest, if there are more."""
        found = self.whole
        if found is None and team_id is not None:
            found = self.teams.get(team_id)
        if found is None and rule_id is not None:
            found = self.rules.get(rule_id)
        return found


def read() -> Shadows:
    """What runs in shadow now."""
    rows = list(Shadow.objects.filter(ended_at=None).select_related("team", "rule").order_by("pk"))
    return Shadows(
        next((each for each in rows if each.team_id is None and each.rule_id is None), None),
        {each.team_id: each for each in rows if each.team_id is not None},
        {each.rule_id: each for each in rows if each.rule_id is not None},
    )


def on_paper(episode: str = "pk") -> Exists:
    """Of an episode: it stands on paper."""
    return Exists(PaperMatter.objects.filter(episode=OuterRef(episode), ended_at=None))


def out_of_line(episode: str = "pk") -> Exists:
    """Of an episode: it stands on paper and waits for nothing: decided, or its shadow has ended and it is cleared."""
    done = Q(offer__isnull=False) | Q(shadow__ended_at__isnull=False)
    return Exists(PaperMatter.objects.filter(done, episode=OuterRef(episode), ended_at=None))


def matter_of(episode_id: int | None) -> PaperMatter | None:
    """What stands of this episode on paper now, with its offer if there is one."""
    if episode_id is None:
        return None
    found = PaperMatter.objects.filter(episode=episode_id, ended_at=None)
    return found.select_related("shadow__team", "shadow__rule", "offer__user", "offer__team", "offer__rule").first()


def began_live(episode_id: int | None) -> bool:
    """Whether this matter was handed to somebody already, so that it goes on as it began."""
    return episode_id is not None and Handoff.objects.filter(episode=episode_id).exists()


def loads(user_ids: list[int], *, now: datetime) -> dict[int, int]:
    """The open load of these users on paper: not touched, decided or ended, and not past the due time of the touch."""
    return _counted(PaperOffer.objects.filter(_still_to_do(now), user__in=user_ids))


def offered_since(midnight: datetime, user_ids: list[int]) -> dict[int, int]:
    """How many offers on paper these users got since then, whatever became of them."""
    return _counted(PaperOffer.objects.filter(user__in=user_ids, decided_at__gte=midnight)) if user_ids else {}


def _counted(offers: QuerySet[PaperOffer]) -> dict[int, int]:
    found = offers.exclude(lane=Lane.SIGNAL).order_by()
    return dict(found.values_list("user").annotate(Count("pk")))


def _still_to_do(now: datetime) -> Q:
    return Q(settled_at=None) & (Q(load_until=None) | Q(load_until__gt=now))

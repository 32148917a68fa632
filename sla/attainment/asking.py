"""What is asked for: within what one may read, narrowed by team, rep, tier, source and definition."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import BigIntegerField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from leads.models import Role, Team, User
from scoring.models import ClosedAs, Episode
from sla.models import Clock, Handoff, PaperMatter, Target
from sla.querysets import managed_teams


@dataclass(frozen=True)
class Asked:
    """`teams` and `user` are what one may read at most (None: all); the others narrow it."""

    teams: frozenset[int] | None = None
    only: int | None = None
    by_people: bool = True
    team: int | None = None
    rep: int | None = None
    tier: str = ""
    source: str | None = None
    definition: int | None = None

    @classmethod
    def by(cls, viewer: User) -> Asked | None:
        """All that this person may read: RevOps, admins and marketing everything (marketing nobody's own numbers),
        managers what their teams were offered, reps what they were; None for anybody else.
        """
        if viewer.has_role(Role.REVOPS, Role.ADMIN):
            return cls()
        if viewer.has_role(Role.MANAGER):
            return cls(teams=frozenset(managed_teams(viewer).values_list("pk", flat=True)))
        if viewer.has_role(Role.MARKETING):
            return cls(by_people=False)
        return cls(only=viewer.pk) if viewer.has_role(Role.REP) else None

    def narrowed(self, **to: object) -> Asked:
        """The same, narrowed by more."""
        return replace(self, **to)  # type: ignore[arg-type]

    @property
    def is_everything(self) -> bool:
        """Whether also what nobody was offered yet belongs to it."""
        return self.teams is None and self.only is None and self.team is None and self.rep is None

    def of(self, team: str, user: str, tier: str, source: str) -> Q:
        """What this leaves, by these columns."""
        found = Q()
        if self.teams is not None:
            found &= Q(**{f"{team}__in": self.teams})
        for column, value in ((user, self.only), (team, self.team), (user, self.rep), (source, self.source)):
            if value is not None:
                found &= Q(**{column: value})
        return found & Q(**{tier: self.tier}) if self.tier else found


def teams_of(asked: Asked) -> QuerySet[Team]:
    """The teams one may read."""
    if asked.only is not None:
        return Team.objects.none()
    return Team.objects.all() if asked.teams is None else Team.objects.filter(pk__in=asked.teams)


def promises(asked: Asked, *targets: str) -> QuerySet[Clock]:
    """The promises that are in figures, of these kinds where some are named.

    None is of a test lead or of a matter that was merged into another. What stands on paper has no clock that runs.
    To find somebody is the promise of the team and person whose offer ended that wait; before that it is nobody's.
    """
    rows = Clock.objects.filter(episode__lead__is_test=False).exclude(episode__closed_as=ClosedAs.MERGED)
    if targets:
        rows = rows.filter(target__in=targets)
    if asked.definition is not None:
        rows = rows.filter(episode__definition=asked.definition)
    return rows.annotate(**_whose(*targets)).filter(asked.of("of_team", "of_user", "of_tier", "of_source"))


def _whose(*targets: str) -> dict[str, F | Coalesce]:
    """Whose a promise is; all but one kind are a hand-off's, which costs less to ask for."""
    if targets and Target.ASSIGN not in targets:
        return {f"of_{name}": F(f"handoff__{name}") for name in ("team", "user", "tier", "source")}
    answer = Handoff.objects.filter(episode=OuterRef("episode"), offered_at__gte=OuterRef("started_at")).order_by("hop")
    return {
        "of_team": _first("handoff__team", Subquery(answer.values("team")[:1])),
        "of_user": _first("handoff__user", Subquery(answer.values("user")[:1])),
        "of_tier": Coalesce("handoff__tier", "episode__tier"),
        "of_source": Coalesce("handoff__source", "episode__lead__source"),
    }


def matters(asked: Asked) -> QuerySet[Episode]:
    """The matters in figures that were offered to anybody of what is asked; of everything also those not offered."""
    rows = Episode.objects.filter(lead__is_test=False).exclude(closed_as=ClosedAs.MERGED)
    rows = rows.exclude(Exists(PaperMatter.objects.filter(episode=OuterRef("pk"))))
    if asked.definition is not None:
        rows = rows.filter(definition=asked.definition)
    if asked.is_everything and not asked.tier and asked.source is None:
        return rows
    offered = Handoff.objects.filter(asked.of("team", "user", "tier", "source"), episode=OuterRef("pk"))
    if not asked.is_everything:
        return rows.filter(Exists(offered))
    alone = Q(tier=asked.tier) if asked.tier else Q()
    if asked.source is not None:
        alone &= Q(lead__source=asked.source)
    return rows.filter(Exists(offered) | (alone & ~Exists(Handoff.objects.filter(episode=OuterRef("pk")))))


def _first(*keys: str | Subquery) -> Coalesce:
    return Coalesce(*keys, output_field=BigIntegerField())

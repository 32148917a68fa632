"""Questions about hand-offs, as words that chain into sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Count, Exists, F, Func, OuterRef, Prefetch, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from leads.models import Lead, Role, Team, TeamMembership, User
from scoring.models import EpisodeChange, EpisodeMember

if TYPE_CHECKING:
    from sla.models import Clock, Handoff  # noqa: F401  (named in the base class as a string)

Found = TypeVar("Found", bound=models.Model)
OPEN = ("offered", "accepted")
# What runs out within the same quarter of an hour runs out at once; value decides which comes first.
QUARTERS, MICROSECONDS = "/ 900", "* 1000000"
# Where no clock runs: after all that is due.
NEVER = 2**62
RAISED = Case(When(lane__in=["fast", "signal"], then=0), default=1)
HEAT = Case(When(tier="hot", then=0), When(tier="warm", then=1), default=2)
SCORE = -Coalesce(F("episode__qualification__total"), 0)


def _called(user: str) -> tuple[str, str]:
    """What a user is called by."""
    return f"{user}__full_name", f"{user}__email"


# What a row reads of each (see `sla.shown`); anything more would cost every row.
OF_A_ROW = (
    *("public_id", "version", "leg", "lane", "tier", "state", "source", "reason__label", "accepted_at", "closed_at"),
    *("next_step", "next_step_at", "snoozed_until", "first_touched_at", "episode__qualification__total"),
    "episode__qualification__reasons",
    *(f"episode__lead__{field}" for field in ("public_id", "first_name", "last_name", "email", "title")),
    *(f"episode__lead__account__{field}" for field in ("name", "domain", "group_id")),
)
OF_ROWS = ("reason", "episode__lead__account", "episode__qualification")
# And a line of the board beside it.
OF_A_LINE = (*OF_A_ROW, "hop", "next_due_at", *_called("user"))
# Of a policy its name and number are told; what it asks for was read when the clock was started.
UNREAD = tuple(
    f"policy_version__{field}"
    for field in ("condition", "grace", "absence_grace", "max_hops", "minutes_each", "pause_budget", "pause_by")
    + ("state", "published_at", "published_by", "retired_at", "why")
)


def _count(moment: str, unit: str = "") -> Func:
    """A moment as a whole number, counted from 1970: of seconds, or of another unit made of them."""
    template = f"floor(extract(epoch FROM %(expressions)s) {unit})::bigint"
    return Func(F(moment), template=template, output_field=models.BigIntegerField())


def is_adrift(now: datetime) -> Q:
    """Accepted, and nothing comes next: no next step was set, or its moment has passed."""
    return Q(state="accepted") & (Q(next_step_at=None) | Q(next_step_at__lt=now))


class HandoffQuerySet(models.QuerySet["Handoff"]):
    """Hand-offs."""

    def open(self) -> HandoffQuerySet:
        """Somebody has it: offered or accepted."""
        return self.filter(state__in=OPEN)

    def last_in_play(self) -> HandoffQuerySet:
        """Of one episode: the one somebody has, else what ended last: a later hop may have been taken back."""
        return self.order_by(F("closed_at").desc(nulls_first=True), "-hop")

    def standing(self) -> HandoffQuerySet:
        """Without those whose making was undone."""
        return self.filter(is_undone=False)

    def of_sales(self) -> HandoffQuerySet:
        """Offers to qualify and work a lead, without closing legs and what was undone."""
        return self.standing().filter(leg="sales")

    def to_decide(self) -> HandoffQuerySet:
        """Offered, and nobody has answered yet."""
        return self.filter(state="offered")

    def to_follow_up(self) -> HandoffQuerySet:
        """Accepted, and worked on."""
        return self.filter(state="accepted")

    def adrift(self, now: datetime) -> HandoffQuerySet:
        """Accepted, and nothing comes next: no next step was set, or its moment has passed."""
        return self.filter(is_adrift(now))

    def snoozed(self, now: datetime) -> HandoffQuerySet:
        """Open, and out of sight until a moment to come."""
        return self.open().filter(snoozed_until__gt=now)

    def in_sight(self, now: datetime) -> HandoffQuerySet:
        """Not snoozed, or its time has come."""
        return self.filter(Q(snoozed_until=None) | Q(snoozed_until__lte=now))

    def closed_since(self, at: datetime) -> HandoffQuerySet:
        """Ended at that instant or later, however they ended."""
        return self.standing().filter(closed_at__gte=at)

    def of_user(self, user: User) -> HandoffQuerySet:
        """Offered to this person."""
        return self.filter(user=user)

    def of_teams(self, teams: Iterable[Team] | models.QuerySet[Team]) -> HandoffQuerySet:
        """Offered within these teams."""
        return self.filter(team__in=teams)

    def visible_to(self, user: User) -> HandoffQuerySet:
        """Of the leads this user may read."""
        return self.filter(episode__lead__in=Lead.objects.visible_to(user))

    def late(self, now: datetime) -> HandoffQuerySet:
        """A running clock of theirs is past due."""
        return self.filter(next_due_at__lt=now)

    def most_urgent_first(self) -> HandoffQuerySet:
        """What runs out first; those on which no clock runs come last, and of equals the one offered first."""
        return self.order_by(F("next_due_at").asc(nulls_last=True), "pk")

    def most_pressing_first(self) -> HandoffQuerySet:
        """What runs out first, by the quarter of an hour; within one a raised hand, the hotter tier, the higher score.

        Those on which no clock runs come last; of equals the one offered first.
        """
        quarter = Coalesce(_count("next_due_at", QUARTERS), Value(NEVER))
        return self.in_places(quarter, RAISED, HEAT, SCORE, F("pk"))

    def next_step_first(self) -> HandoffQuerySet:
        """Whose next step comes first; those without one before all others, and of equals the one offered first."""
        return self.in_places(Coalesce(_count("next_step_at"), Value(0)), F("pk"))

    def first_back_first(self) -> HandoffQuerySet:
        """Of snoozed ones, what comes back first; of equals the one offered first."""
        return self.in_places(_count("snoozed_until"), F("pk"))

    def last_closed_first(self) -> HandoffQuerySet:
        """What ended last comes first; of equals the newer one."""
        return self.in_places(-_count("closed_at", MICROSECONDS), -F("pk"))

    def in_places(self, *parts: models.expressions.Combinable) -> HandoffQuerySet:
        """In this order, with `place`: numbers that compare as the rows do, so that a page can begin after one."""
        numbers = ArrayField(models.BigIntegerField())
        place = Func(*parts, template="ARRAY[%(expressions)s]::bigint[]", output_field=numbers)
        return self.annotate(place=place).order_by("place")

    def after(self, place: Sequence[int]) -> HandoffQuerySet:
        """Of what stands in places those that come after this one."""
        return self.filter(Q(("place__gt", list(place))))

    def places(self, limit: int) -> list[tuple[int, Sequence[int]]]:
        """The keys of the first so many with their places."""
        return list(cast("models.QuerySet[Any]", self).values_list("pk", "place")[:limit])

    def with_colleagues(self) -> HandoffQuerySet:
        """With `colleagues`: how many joined the matter while it is open, or null."""
        joined = EpisodeMember.objects.filter(episode=OuterRef("episode"), left_at=None).exclude(
            lead=F("episode__lead")
        )
        counted = joined.order_by().values("episode").annotate(n=Count("pk")).values("n")
        return self.annotate(colleagues=Subquery(counted, output_field=models.IntegerField()))

    def for_rows(self) -> HandoffQuerySet:
        """With all that a row shows, in a fixed number of questions."""
        from sla.models import Clock

        clocks = with_timers(Clock.objects.order_by("due_at", "pk").select_related("extension__by"))
        return (
            self.with_colleagues()
            .select_related("user", "team", "reason", "episode__lead__account", "episode__qualification")
            .prefetch_related(Prefetch("clocks", queryset=clocks, to_attr="clocks_at_hand"))
        )

    def for_board(self) -> HandoffQuerySet:
        """With what a line of the board shows and nothing else."""
        return self.select_related("user", *OF_ROWS).only(*OF_A_LINE)

    def for_inbox(self) -> HandoffQuerySet:
        """With what a row of an inbox shows and nothing else."""
        return self.with_colleagues().select_related(*OF_ROWS).only(*OF_A_ROW)


def with_timers(clocks: models.QuerySet[Clock]) -> models.QuerySet[Clock]:
    """With all their timings and pauses, in two questions; for lists see `sla.at_hand`."""
    from sla.models import ClockPause, ClockTiming

    timings = ClockTiming.objects.select_related("policy_version__policy").order_by("number")
    pauses = ClockPause.objects.select_related("by", "ended_by")
    return clocks.prefetch_related(
        Prefetch("timings", queryset=timings.defer(*UNREAD), to_attr="timings_at_hand"),
        Prefetch("pauses", queryset=pauses, to_attr="pauses_at_hand"),
    )


def first_of(rows: models.QuerySet[Found], most: int, *, shown: models.QuerySet[Found]) -> list[Found]:
    """The first so many in their order, each as `shown` reads it, in two questions; in one where there is none.

    Finding them and all that is shown of them in one would be planned for longer than both take.
    """
    keys = list(rows.values_list("pk", flat=True)[:most])
    found = shown.in_bulk(keys) if keys else {}
    return [found[key] for key in keys if key in found]


def managed_teams(user: User) -> models.QuerySet[Team]:
    """The teams whose board this user sees: those they manage; RevOps and admins see all."""
    if user.has_role(Role.REVOPS, Role.ADMIN):
        return Team.objects.all()
    return Team.objects.filter(memberships__user=user, memberships__is_manager=True)


def left_to_a_manager() -> Exists:
    """Of an episode: its last rep is gone, and a manager is to say where it goes; not once a hand is raised again."""
    from sla.models import Handoff, LeftBehind

    later = Handoff.objects.standing().filter(episode=OuterRef("handoff__episode"), hop__gt=OuterRef("handoff__hop"))
    raised = EpisodeChange.objects.filter(
        episode=OuterRef("handoff__episode"), what="hand_raised", at__gte=OuterRef("since")
    )
    left = LeftBehind.objects.filter(handoff__episode=OuterRef("pk"), absence=None, due_at=None, settled_at=None)
    return Exists(left.exclude(Exists(later)).exclude(Exists(raised)))


def managers_of(team: Team | None) -> list[User]:
    """Who is told about a team's leads: its managers; every manager where there is no team or it has none."""
    return managers_of_each([team])[team]


def managers_of_each(teams: Collection[Team | None]) -> dict[Team | None, list[User]]:
    """The same for several teams, in two questions."""
    found = members_of_each([team for team in teams if team is not None], is_manager=True)
    told = {team: found.get(team, []) if team is not None else [] for team in teams}
    if not all(told.values()):
        active = User.objects.filter(is_active=True).order_by("id")
        every = list(active.filter(groups__name=Role.MANAGER).distinct())
        told = {team: own or every for team, own in told.items()}
    return told


def members_of_each(teams: Collection[Team], **which: bool) -> dict[Team, list[User]]:
    """The people who work in each of these teams, in one question; teams without any are left out."""
    memberships = TeamMembership.objects.filter(team__in=teams, user__is_active=True, **which)
    of_team: dict[int, list[User]] = {}
    for membership in memberships.select_related("user").order_by("user_id"):
        of_team.setdefault(membership.team_id, []).append(membership.user)
    return {team: of_team[team.pk] for team in teams if team.pk in of_team}

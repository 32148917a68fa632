"""Reps who leave for good, or leave a team: nothing open stays with them. Where it goes is seen before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, TextChoices

from leads.errors import Invalid, Refused
from leads.models import Team, TeamMembership, User
from leads.transactions import business
from leads.wake import wake
from leads.words import one_line
from scoring import episodes
from sla import routing
from sla.models import OPEN_STATES, Handoff, LeftBehind, Rep, RepChange
from sla.people.beginning import move_on
from sla.routing import standins

GONE = "gone"
LEFT_TEAM = "left team"
TAKES_OVER = "takes over"
REHEARSED = 50

What = RepChange.What


class NextOwner(TextChoices):
    """Where what is open goes."""

    ROUTE = "route", "To the next reps, by the routing rules"
    COVER = "cover", "To one rep who takes over"
    MANAGER = "manager", "Nowhere yet: a manager decides, lead by lead"


@dataclass(frozen=True)
class Move:
    """One open hand-off of somebody who leaves, and where it goes."""

    handoff: Handoff
    to: str


@dataclass(frozen=True)
class Preview:
    """What would happen. Only the first are rehearsed where there are many; the others go the same way."""

    moves: Sequence[Move]
    others: int


class NotActive(Refused):
    """The rep receives no leads, or receives them already."""

    code = "not_active"


def held_by(rep: Rep, *, team: Team | None = None) -> QuerySet[Handoff]:
    """The open hand-offs of a rep, of one team or of all, in the order in which their leads are locked."""
    held = Handoff.objects.filter(user=rep.user_id, state__in=OPEN_STATES)
    return (held if team is None else held.filter(team=team)).order_by("episode__lead_id", "id")


@business
def preview(
    rep: Rep, *, next_owner: str, cover: Rep | None, team: Team | None = None, now: datetime, by: User | None
) -> Preview:
    """Where each open hand-off would go: the act itself, rehearsed and taken back. Raises what the act would."""
    held = held_by(rep, team=team)
    rows = list(held.select_related("episode__lead__account", "team").prefetch_related("clocks")[:REHEARSED])
    with transaction.atomic():
        if team is None:
            leave(rep.pk, next_owner=next_owner, cover=cover, now=now, by=by)
        else:
            leave_team(rep.pk, team, next_owner=next_owner, cover=cover, now=now, by=by)
            TeamMembership.objects.filter(team=team, user=rep.user_id).delete()
        if next_owner == NextOwner.ROUTE:
            for row in rows:
                routing.route(row.episode_id, now=now)
        went = {
            each.episode_id: str(each.user)
            for each in Handoff.objects.filter(
                episode__in=[row.episode_id for row in rows], state__in=OPEN_STATES
            ).select_related("user")
        }
        transaction.set_rollback(True)
    nowhere = "a manager decides" if next_owner == NextOwner.MANAGER else "nobody can take it now; it waits"
    return Preview([Move(row, went.get(row.episode_id, nowhere)) for row in rows], max(0, held.count() - len(rows)))


@business
def leave(
    rep_id: int,
    *,
    next_owner: str = NextOwner.ROUTE,
    cover: Rep | None = None,
    why: str = "",
    now: datetime,
    by: User | None,
) -> int:
    """A rep receives no leads any more: everything open moves on, accepted hand-offs too. Returns how many.

    What they were to close goes back to who converted it.
    It goes by the rules, to one covering rep, or waits for a manager's decision. Raises NotActive, Invalid.
    """
    rep = Rep.objects.select_related("user").get(pk=rep_id)
    if not rep.is_active:
        raise NotActive(f"{rep} receives no leads already.")
    moved = _go(rep, next_owner=next_owner, cover=cover, team=None, now=now, by=by)
    rep.is_active = False
    rep.save(update_fields=["is_active"])
    detail = {"moved": moved, "next_owner": str(next_owner), "cover": cover.pk if cover is not None else None}
    RepChange.objects.create(rep=rep, what=What.TAKEN_OUT, at=now, by=by, why=one_line(why, at_most=200), detail=detail)
    wake("route")
    return moved


@business
def come_back(rep_id: int, *, now: datetime, by: User | None) -> Rep:
    """A rep receives leads again, from now on; what they had stays where it went. Raises NotActive, Invalid."""
    rep = Rep.objects.select_for_update(of=("self",)).select_related("user").get(pk=rep_id)
    if rep.is_active:
        raise NotActive(f"{rep} receives leads already.")
    if not rep.user.is_active:
        raise Invalid(f"{rep} can't log in. Open their log-in first, then bring them back.", field="user")
    rep.is_active = True
    rep.save(update_fields=["is_active"])
    RepChange.objects.create(rep=rep, what=What.BROUGHT_BACK, at=now, by=by)
    wake("route")
    return rep


@business
def leave_team(
    rep_id: int,
    team: Team,
    *,
    next_owner: str = NextOwner.ROUTE,
    cover: Rep | None = None,
    now: datetime,
    by: User | None,
) -> int:
    """What a rep holds for one team moves on, since they leave it. Returns how many; the membership is the caller's."""
    rep = Rep.objects.select_related("user").get(pk=rep_id)
    moved = _go(rep, next_owner=next_owner, cover=cover, team=team, now=now, by=by)
    detail = {"moved": moved, "next_owner": str(next_owner), "team": team.pk}
    RepChange.objects.create(rep=rep, what=What.LEFT_TEAM, at=now, by=by, why=team.name[:200], detail=detail)
    wake("route")
    return moved


@business
def let_go(user: User, *, now: datetime, by: User | None) -> int:
    """Whatever somebody holds moves on by the rules, whether they are a rep or not. Returns how many."""
    held = Handoff.objects.filter(user=user, state__in=OPEN_STATES).order_by("episode__lead_id", "id")
    return sum(move_on(each.pk, now=now, why=GONE, states=OPEN_STATES, by=by) for each in held)


def _go(rep: Rep, *, next_owner: str, cover: Rep | None, team: Team | None, now: datetime, by: User | None) -> int:
    """Move everything on, then lock the rep and move what was offered in between; then hand it to who takes over."""
    _check(rep, next_owner, cover)
    moved = _move_all(rep, next_owner=next_owner, cover=cover, team=team, now=now, by=by)
    Rep.objects.select_for_update(of=("self",)).get(pk=rep.pk)
    return moved + _move_all(rep, next_owner=next_owner, cover=cover, team=team, now=now, by=by)


def _move_all(
    rep: Rep, *, next_owner: str, cover: Rep | None, team: Team | None, now: datetime, by: User | None
) -> int:
    why = GONE if team is None else LEFT_TEAM
    moved = [each for each in held_by(rep, team=team) if move_on(each.pk, now=now, why=why, states=OPEN_STATES, by=by)]
    # What was on offer to close has gone back to who converted it.
    for handoff in [each for each in moved if not each.is_closing]:
        if next_owner == NextOwner.COVER and cover is not None:
            where = standins.team_of(cover.user, first=handoff.team)
            standins.offer(episodes.lock(handoff.episode_id), cover.user, where, why=TAKES_OVER, by=by, now=now)
        elif next_owner == NextOwner.MANAGER:
            _leave_to_a_manager(handoff, rep, now=now)
    return len(moved)


def _leave_to_a_manager(handoff: Handoff, rep: Rep, *, now: datetime) -> None:
    unsettled = LeftBehind.objects.filter(handoff=handoff, settled_at=None)
    unsettled.update(settled_at=now, settled_as=LeftBehind.Settled.ENDED)
    LeftBehind.objects.create(handoff=handoff, absence=None, since=now, note=f"{rep} has left."[:200])


def _check(rep: Rep, next_owner: str, cover: Rep | None) -> None:
    if next_owner not in NextOwner.values:
        raise Invalid("Say where what is open goes: by the rules, to one rep, or to a manager.", field="next_owner")
    if next_owner != NextOwner.COVER:
        return
    if cover is None:
        raise Invalid("Say who takes over, or let the rules decide.", field="cover")
    if cover.pk == rep.pk:
        raise Invalid(f"{rep} leaves, so somebody else has to take over.", field="cover")
    if not (cover.is_active and cover.user.is_active):
        raise Invalid(f"{cover} receives no leads any more. Choose somebody else.", field="cover")

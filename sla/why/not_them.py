"""Why not them: for any rep of the team that was asked, and for managers any rep at all."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from leads.models import Role, TeamMembership, User
from sla.models import Handoff, Rep
from sla.people import spans
from sla.why.sentences import Told, why


@dataclass(frozen=True)
class Chooser:
    """Whom somebody may ask about, and the answer about one of them."""

    handoff: Handoff
    compared: list[Rep]
    beyond: list[Rep]
    asked: Rep | None = None
    says: str = ""


def choices(handoff: Handoff, viewer: User) -> Chooser:
    """Everybody whom routing compared for this offer; for who runs the floor, everybody else beside them."""
    told = _told(handoff)
    compared = Rep.objects.filter(pk__in=told.lines).select_related("user").order_by("user__full_name", "pk")
    beyond = Rep.objects.none()
    if viewer.has_role(Role.MANAGER, Role.REVOPS, Role.ADMIN):
        beyond = Rep.objects.exclude(pk__in=told.lines).filter(is_active=True).select_related("user")
    return Chooser(handoff, list(compared), list(beyond.order_by("user__full_name", "pk")))


def ask(chooser: Chooser, viewer: User, public_id: UUID | None) -> Chooser | None:
    """The answer about this rep; without one about the viewer, if compared. None for whom they may not ask."""
    wanted = public_id or viewer.public_id
    there = [*chooser.compared, *chooser.beyond]
    rep = next((each for each in there if each.user.public_id == wanted), None)
    if rep is None:
        return chooser if public_id is None else None
    told = _told(chooser.handoff)
    teams: list[tuple[int, str]] = []
    if rep.pk not in told.lines:
        mine = TeamMembership.objects.filter(user=rep.user_id).order_by("team__name")
        teams = list(mine.values_list("team_id", "team__name"))
    says = f"{rep.user}: {why(rep.pk, told, zone=spans.zone_of(viewer.time_zone), teams=teams)}."
    return Chooser(chooser.handoff, chooser.compared, chooser.beyond, rep, says)


def _told(handoff: Handoff) -> Told:
    return Told.of_trace(handoff.trace.trace, got_it=str(handoff.user), team=str(handoff.team))

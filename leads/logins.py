"""Log-ins closed and opened again, and people who leave a team: whatever they hold is taken care of in the same act."""

from __future__ import annotations

from datetime import datetime

from leads.errors import Invalid, Refused
from leads.models import Role, Team, TeamMembership, User
from leads.signals import left_team, login_closed
from leads.transactions import business


class NotClosed(Refused):
    """It stands that way already."""

    code = "already_so"


@business
def close(user_id: int, *, now: datetime, by: User | None) -> User:
    """Somebody can't log in any more, and their keys stop working; whoever answers the bell takes their work from them.

    What they did stays theirs. Raises Invalid for one's own log-in and for that of the last admin.
    """
    # No key lock: rows that name the user may be written meanwhile, but nothing may be given to them.
    user = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user_id)
    if not user.is_active:
        raise NotClosed(f"{user} can't log in already.")
    if by is not None and by.pk == user.pk:
        raise Invalid("Nobody closes their own log-in. Ask another admin.", field="user")
    admins = User.objects.filter(is_active=True).exclude(pk=user.pk)
    if user.has_role(Role.ADMIN) and not (
        admins.filter(is_superuser=True).exists() or admins.filter(groups__name=Role.ADMIN).exists()
    ):
        raise Invalid(f"{user} is the only admin. Make somebody else one first.", field="user")
    login_closed.send(User, user=user, by=by, now=now)
    user.is_active = False
    user.save(update_fields=["is_active"])
    return user


@business
def reopen(user_id: int, *, now: datetime, by: User | None) -> User:
    """Somebody can log in again. What they had held stays where it went."""
    user = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    if user.is_active:
        raise NotClosed(f"{user} can log in already.")
    user.is_active = True
    user.save(update_fields=["is_active"])
    return user


@business
def leave_team(user_id: int, team: Team, *, now: datetime, by: User | None) -> None:
    """Somebody leaves a team; whoever answers the bell takes from them what they hold for it."""
    membership = TeamMembership.objects.select_related("user").filter(team=team, user=user_id).first()
    if membership is None:
        raise NotClosed("They are in that team no more.")
    left_team.send(Team, user=membership.user, team=team, by=by, now=now)
    TeamMembership.objects.filter(pk=membership.pk).delete()

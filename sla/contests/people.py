"""Who may contest a rejection, and who decides about it."""

from __future__ import annotations

from leads.models import Role, Team, TeamMembership, User
from sla.models import Contest


def may_contest(user: User) -> bool:
    """Marketing, and admins."""
    return user.has_role(Role.MARKETING, Role.ADMIN)


def may_decide(contest: Contest, user: User) -> bool:
    """A manager of the team of the rep who rejected it; an admin where that team has none."""
    return Contest.objects.filter(pk=contest.pk).decidable_by(user).exists()


def deciders(team: Team) -> list[User]:
    """Who decides about the rejections of this team: its managers, else the admins."""
    memberships = TeamMembership.objects.filter(team=team, is_manager=True, user__is_active=True)
    managers = [each.user for each in memberships.select_related("user").order_by("user")]
    return managers or list(User.objects.filter(is_active=True, groups__name=Role.ADMIN).distinct().order_by("pk"))

"""Who keeps whose time: reps their own, managers that of their members, RevOps and admins everybody's."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from leads.errors import Refused
from leads.models import Role, User
from sla.models import Rep
from sla.querysets import managed_teams


class NotYourRep(Refused):
    """There is no such rep, or the one who asks doesn't keep their time; both sound alike."""

    status = 404
    title = "Not found"
    code = "not_found"


def kept_by(user: User) -> QuerySet[Rep]:
    """The reps whose time this user keeps, with their users."""
    reps = Rep.objects.select_related("user")
    if user.has_role(Role.REVOPS, Role.ADMIN):
        return reps
    members = Rep.objects.filter(user__memberships__team__in=managed_teams(user)).values("pk")
    return reps.filter(Q(user=user) | Q(pk__in=members))


def check_keeps(rep: Rep, by: User | None) -> None:
    """Raise NotYourRep where this user does not keep the rep's time; Baton (None) keeps everybody's."""
    if by is not None and not kept_by(by).filter(pk=rep.pk).exists():
        raise NotYourRep("There is no such rep, or their time isn't yours to keep.")

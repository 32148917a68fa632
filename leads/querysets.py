"""Questions about leads, as words that chain into sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from leads.models import Lead, User  # noqa: F401  (Lead is named in the base class as a string)

# Who is one of these reads more than a rep does, and works what they read.
ABOVE_REPS = ("manager", "marketing", "revops", "admin")


class LeadQuerySet(models.QuerySet["Lead"]):
    """Leads."""

    def live(self) -> LeadQuerySet:
        """Neither merged away nor erased."""
        return self.filter(merged_into__isnull=True, erased_at__isnull=True)

    def named(self, text: str) -> LeadQuerySet:
        """Each of the first five words stands in the name, the address or the company."""
        found = self
        for word in text.split()[:5]:
            found = found.filter(
                Q(first_name__icontains=word)
                | Q(last_name__icontains=word)
                | Q(email__icontains=word)
                | Q(account__name__icontains=word)
                | Q(account__domain__icontains=word)
            )
        return found

    def visible_to(self, user: User) -> LeadQuerySet:
        """What this user may read.

        Marketing, RevOps and admins: all. A manager: what their teams hold and what no team holds, and their own.
        A rep: what they hold or held, and the other leads of accounts on which they hold one. Whoever owns an account:
        its leads.
        """
        from leads.models import Role

        if user.is_active and user.has_role(Role.REP) and not user.has_role(*ABOVE_REPS):
            on_account = self.model._default_manager.filter(holder=user, account__isnull=False).values("account")
            return self.filter(_own(user) | Q(account__in=on_account))
        return self.workable_by(user)

    def workable_by(self, user: User) -> LeadQuerySet:
        """What this user may read and work: of a rep, without the other leads of accounts on which they hold one."""
        from leads.models import Role, TeamMembership

        if not user.is_active:
            return self.none()
        if user.has_role(Role.MARKETING, Role.REVOPS, Role.ADMIN):
            return self
        if user.has_role(Role.MANAGER):
            managed = TeamMembership.objects.filter(user=user, is_manager=True).values("team")
            return self.filter(_own(user) | Q(holder_team__in=managed) | Q(holder_team__isnull=True))
        if user.has_role(Role.REP):
            return self.filter(_own(user))
        return self.filter(account__owner=user)


def _own(user: User) -> Q:
    """What they hold or held, and what is of an account of theirs."""
    from leads.models import HolderChange

    held = Exists(HolderChange.objects.filter(lead=OuterRef("pk"), holder=user))
    return Q(holder=user) | held | Q(account__owner=user)

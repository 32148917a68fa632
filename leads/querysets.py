"""Questions about leads, as words that chain into sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Coalesce

if TYPE_CHECKING:
    from leads.models import Lead, User  # noqa: F401  (Lead is named in the base class as a string)

# Who is one of these reads more than a rep does, and works what they read.
ABOVE_REPS = ("manager", "marketing", "revops", "admin")


# More companies than this are not read one by one.
FEW = 500


def words_of_lead() -> Func:
    """What a lead is found by, beside its company; the index has it in capitals."""
    return _in_a_row(F("first_name"), F("last_name"), F("email"))


def words_of_account(of: str = "") -> Func:
    """What a company is found by, also from a lead; the index has it in capitals."""
    return _in_a_row(F(f"{of}name"), Coalesce(F(f"{of}domain"), Value("")))


def _in_a_row(*parts: models.expressions.Combinable) -> Func:
    # In this order: to migrations another one would be another index.
    return Func(*parts, arg_joiner=" || ' ' || ", output_field=models.TextField(), template="(%(expressions)s)")


class LeadQuerySet(models.QuerySet["Lead"]):
    """Leads."""

    def live(self) -> LeadQuerySet:
        """Neither merged away nor erased."""
        return self.filter(merged_into__isnull=True, erased_at__isnull=True)

    def known_as(self, public_id: UUID) -> LeadQuerySet:
        """The lead of this id; of one that was merged away, the one it was merged into."""
        from leads.models import Lead

        return self.filter(pk__in=Lead.objects.filter(public_id=public_id).values(now=Coalesce("merged_into", "pk")))

    def named(self, text: str) -> LeadQuerySet:
        """Each of the first five words stands in the name, the address or the company.

        A word's companies are read first where they are few: their ids and the trigrams of the names can be looked
        up together, which a condition on two tables can't.
        """
        from leads.models import Account

        words = text.split()[:5]
        found = self.alias(words=words_of_lead(), company=words_of_account("account__")) if words else self
        for word in words:
            companies = Account.objects.alias(words=words_of_account()).filter(words__icontains=word)
            few = list(companies.values_list("pk", flat=True)[: FEW + 1])
            of_company = Q(account__in=few) if len(few) <= FEW else Q(company__icontains=word)
            found = found.filter(Q(words__icontains=word) | of_company)
        return found

    def seen_from(self, user: User) -> LeadQuerySet:
        """The same as `visible_to`, put together from the person's side: for looking through all there is.

        A rep's leads are few among all; of a single lead `visible_to` is asked.
        """
        from leads.models import HolderChange, Role

        if not user.is_active or user.has_role(*ABOVE_REPS):
            return self.visible_to(user)
        every = self.model._default_manager
        parts: list[models.QuerySet[Any, Any]] = [every.filter(account__owner=user).values("pk")]
        if user.has_role(Role.REP):
            held = every.filter(holder=user)
            on_account = held.filter(account__isnull=False).values("account")
            before = HolderChange.objects.filter(holder=user).values("lead")
            parts += [held.values("pk"), before, every.filter(account__in=on_account).values("pk")]
        return self.filter(pk__in=parts[0].union(*parts[1:]))

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

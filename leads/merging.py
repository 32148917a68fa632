"""Merging: two leads turn out to be one person; one stays, the other redirects to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final

from django.db.models import Q

from leads import bulk, holding, lifecycle, nurture, signals
from leads.errors import Refused
from leads.history import write_history
from leads.locks import LeadGone
from leads.marking import mark
from leads.models import ExternalId, Identity, IdentityConflict, Lead, Outcome, Stage, User
from leads.transactions import business

# Where no episode is open, the first of these that one of the two stands at.
FURTHEST: Final = (
    Stage.CUSTOMER,
    Stage.OPPORTUNITY,
    Stage.SQL,
    Stage.DISQUALIFIED,
    Stage.NURTURE,
    Stage.LEAD,
    Stage.SUBSCRIBER,
)
FILLED: Final = ("first_name", "last_name", "phone", "country", "source", "campaign")
# What is derived goes with what it is derived from.
FILLED_TOGETHER: Final = {"email": "domain_kind", "title": "seniority"}
PERMISSIONS: Final = ("email_permission", "phone_permission")
STRICTER: Final = (Lead.Permission.UNKNOWN, Lead.Permission.GRANTED, Lead.Permission.REFUSED)

LOCK_IDENTITIES: Final = "SELECT id FROM leads_identity WHERE lead_id = ANY(%s) ORDER BY kind, value FOR UPDATE"
MOVE_ACTIVITIES: Final = "UPDATE leads_activity SET lead_id = %s, known_at = GREATEST(known_at, %s) WHERE lead_id = %s"


class AlreadyMerged(Refused):
    """Both are one lead by now."""

    title: ClassVar[str] = "Already merged"
    code: ClassVar[str] = "already_merged"


@business
def merge(winner_id: int, loser_id: int, *, now: datetime, by: User | None = None, prefer: int | None = None) -> Lead:
    """Make two leads one and return the one that stays, whichever of the two was named first.

    The lead with a user id wins; of two with, or two without, the one that `prefer` names, else the older. What the
    other did, its keys and its outcomes move over, known from now on; empty attributes are filled; the later rest,
    the later `evidence_from` and the stricter permission win. The stage is that of the episode that stays open, else
    the furthest. The floors above answer `leads_merged` in the same transaction.
    Raises AlreadyMerged where both are one already, LeadGone where one was erased or is not known.
    """
    winner, loser = _winner_first(_lock(winner_id, loser_id), prefer=prefer)
    now = max(now, winner.stage_at, loser.stage_at)
    _move_history(winner, loser, now=now)
    _fill(winner, loser, now=now)
    nurture.take_over(winner, loser, now=now, by=by)
    lifecycle.move(winner, _stage(winner, loser), cause="merge", now=now, by=by)
    _settle_conflicts(winner, loser, now=now, by=by)
    Lead.objects.filter(Q(pk=loser.pk) | Q(merged_into=loser)).order_by("pk").update(merged_into=winner)
    Lead.objects.filter(pk=loser.pk).update(merged_at=now)
    loser.merged_into, loser.merged_at = winner, now
    mark([winner.pk, loser.pk], now=now)
    signals.leads_merged.send(Lead, winner=winner, loser=loser, by=by, now=now)
    _hold(winner, loser, now=now)
    return winner


def lock_identities(lead_ids: Iterable[int]) -> None:
    """Lock all keys of these leads in key order: they come before the leads themselves."""
    bulk.run(LOCK_IDENTITIES, [sorted(lead_ids)])


def _lock(one_id: int, other_id: int) -> list[Lead]:
    """Both leads, locked in the order of their ids; a tombstone stands for the lead it redirects to."""
    into = dict(Lead.objects.filter(pk__in=[one_id, other_id]).values_list("id", "merged_into"))
    if one_id not in into or other_id not in into:
        raise LeadGone("This lead no longer exists.")
    ids = {into[pk] or pk for pk in (one_id, other_id)}
    if len(ids) < 2:
        raise AlreadyMerged("These two are one lead already.", lead=min(ids))
    lock_identities(ids)
    leads = list(Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk"))
    if any(lead.erased_at for lead in leads):
        raise LeadGone("This lead no longer exists.")
    if any(lead.merged_into_id in ids for lead in leads):
        raise AlreadyMerged("These two are one lead already.")
    if any(lead.merged_into_id for lead in leads):
        raise AlreadyMerged("One of the two was just merged with a third. Look again.")
    return leads


def _winner_first(leads: list[Lead], *, prefer: int | None) -> tuple[Lead, Lead]:
    known = Identity.objects.filter(lead__in=leads, kind=Identity.Kind.USER_ID)
    with_user_id = set(known.values_list("lead_id", flat=True))
    one, other = sorted(
        leads, key=lambda lead: (lead.pk not in with_user_id, lead.pk != prefer, lead.created_at, lead.pk)
    )
    return one, other


def _move_history(winner: Lead, loser: Lead, *, now: datetime) -> None:
    """Keys, behaviour and outcomes, each in one statement, however many there are."""
    Identity.objects.filter(lead=loser).update(lead=winner)
    ExternalId.objects.filter(lead=loser).update(lead=winner)
    bulk.run(MOVE_ACTIVITIES, [winner.pk, now, loser.pk], fetch=False)
    Outcome.objects.filter(lead=loser).update(lead=winner)


def _fill(winner: Lead, loser: Lead, *, now: datetime) -> None:
    """Fill what the winner lacks, with a row of history for each attribute that changed."""
    filled: dict[str, Any] = {name: getattr(loser, name) for name in FILLED if not getattr(winner, name)}
    for name, derived in FILLED_TOGETHER.items():
        if not getattr(winner, name) and getattr(loser, name):
            filled |= {name: getattr(loser, name), derived: getattr(loser, derived)}
    if winner.account_id is None:
        filled["account_id"] = loser.account_id
    for name in PERMISSIONS:
        filled[name] = max(getattr(winner, name), getattr(loser, name), key=STRICTER.index)
    filled = {name: value for name, value in filled.items() if value != getattr(winner, name)}
    missing = {name: value for name, value in loser.traits.items() if winner.traits.get(name) is None}
    missing = {name: value for name, value in missing.items() if value is not None}
    for name, value in filled.items():
        setattr(winner, name, value)
    winner.traits = winner.traits | missing
    winner.created_at = min(winner.created_at, loser.created_at)
    winner.save(update_fields=[*(name.removesuffix("_id") for name in filled), "traits", "created_at"])
    changes = [(winner.pk, name.removesuffix("_id"), value) for name, value in filled.items()]
    changes += [(winner.pk, f"trait.{name}", value) for name, value in missing.items()]
    write_history("lead", changes, now=now)


def _stage(winner: Lead, loser: Lead) -> str:
    """The stage of the one with an open episode, else the furthest. Of two open episodes scoring decides."""
    stages = [winner.stage, loser.stage]
    worked = [stage for stage in stages if stage in lifecycle.WORKED]
    return worked[0] if worked else min(stages, key=lambda stage: FURTHEST.index(Stage(stage)))


def _hold(winner: Lead, loser: Lead, *, now: datetime) -> None:
    """Nobody is held under a tombstone: who still holds the loser holds the winner, unless somebody does."""
    winner.refresh_from_db(fields=["holder", "holder_team"])
    loser.refresh_from_db(fields=["holder", "holder_team"])
    if winner.holder_id is None and winner.holder_team_id is None:
        holding.hold(winner, user=loser.holder, team=loser.holder_team, now=now)
    holding.hold(loser, user=None, team=None, now=now)


def _settle_conflicts(winner: Lead, loser: Lead, *, now: datetime, by: User | None) -> None:
    """A conflict between the two is settled by this; one with a third is the winner's from now on."""
    opened = IdentityConflict.objects.filter(settled_at=None)
    for conflict in opened.filter(Q(lead=loser) | Q(other=loser)).order_by("pk"):
        lead_id, other_id = (winner.pk if pk == loser.pk else pk for pk in (conflict.lead_id, conflict.other_id))
        same = opened.filter(lead=lead_id, other=other_id, kind=conflict.kind).exclude(pk=conflict.pk)
        if lead_id == other_id or same.exists():
            conflict.settled_at, conflict.settled_by = now, by
        else:
            conflict.lead_id, conflict.other_id = lead_id, other_id
        conflict.save()

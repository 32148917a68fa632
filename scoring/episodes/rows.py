"""What every verb about an episode is made of: its locks, who belongs to it, and the one history row.

Whoever joins a matter holds the principal's lock; whoever leaves it, their own. So a verb that holds the principal and
everyone who joined sees a membership that stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Max, Q, QuerySet

from leads import derived
from leads.errors import Refused
from leads.locks import lock_lead
from leads.models import Account, Lead, Stage, User
from scoring.models import Episode, EpisodeChange, EpisodeMember, Lane, Qualification, Tier

HOTTER: Final = {Tier.COOL: 0, Tier.WARM: 1, Tier.HOT: 2}
OPENS_FROM: Final = frozenset({Stage.SUBSCRIBER, Stage.LEAD, Stage.NURTURE})


class EpisodeRefused(Refused):
    """The episode can't do that now."""

    code = "episode_refused"


def is_hotter(tier: str, than: str) -> bool:
    """Whether the one tier is hotter than the other."""
    return HOTTER[Tier(tier)] > HOTTER[Tier(than)]


def open_for(lead_id: int) -> Episode | None:
    """The open episode the lead is in, as principal or joined, locked; of a principal's the colleagues first."""
    found = EpisodeMember.objects.filter(lead=lead_id, left_at=None, episode__closed_at=None)
    known = found.values_list("episode_id", "episode__lead_id").first()
    if known is None:
        return None
    episode_id, principal_id = known
    if principal_id == lead_id:
        _lock_leads(_joined(episode_id))
    return (
        Episode.objects.select_for_update(of=("self",))
        .filter(pk=episode_id, members__lead_id=lead_id, members__left_at=None, closed_at=None)
        .first()
    )


def lock(episode_id: int) -> Episode:
    """One episode, locked, and before it those who joined. The principal's lock comes first."""
    _lock_leads(_joined(episode_id))
    return Episode.objects.select_for_update(of=("self",)).get(pk=episode_id)


def lock_waiting(episode_ids: Sequence[int], *, wait: bool = True) -> dict[int, Episode]:
    """These episodes with their leads, and before them those who joined, locked; whatever is gone is left out.

    Where it is not to wait, what somebody else is at in this moment is left out as well.
    """
    known = dict(Episode.objects.filter(pk__in=episode_ids).values_list("pk", "lead_id"))
    principals = _alive(known.values(), wait=wait)
    members = EpisodeMember.objects.filter(episode__in=known, left_at=None).exclude(lead=F("episode__lead"))
    joined = list(members.values_list("episode_id", "lead_id"))
    locked = _alive((lead_id for _, lead_id in joined), wait=wait) if joined else set()
    busy = {episode_id for episode_id, lead_id in joined if lead_id not in locked}
    mine = [pk for pk, lead_id in known.items() if lead_id in principals and pk not in busy]
    rows = Episode.objects.select_for_update(of=("self",)).select_related("definition", "qualification")
    found = rows.select_related("lead__account__owner").filter(pk__in=mine).order_by("pk") if mine else []
    return {episode.pk: episode for episode in found if episode.lead_id == known[episode.pk]}


def _alive(lead_ids: Iterable[int], *, wait: bool) -> set[int]:
    """Lock these leads in key order, but for the merged away and the erased."""
    rows = Lead.objects.select_for_update(of=("self",), skip_locked=not wait)
    rows = rows.filter(pk__in=set(lead_ids), merged_into=None, erased_at=None).order_by("pk")
    return set(rows.values_list("pk", flat=True))


def lock_matter(lead_id: int, *, ended: int | None = None) -> Lead:
    """Lock a lead, and with it in key order those who joined its open episode. Raises LeadGone.

    `ended` is an episode that is to open again: who was in it to the end is locked as well.
    """
    members = Q(episode__lead=lead_id, episode__closed_at=None, left_at=None)
    if ended is not None:
        members |= Q(episode=ended, left_at=F("episode__closed_at"))
    _lock_leads(EpisodeMember.objects.filter(members), lead_id)
    return lock_lead(lead_id)


def lock_to_qualify(lead_id: int) -> Lead:
    """Lock all that qualifying a lead may change: its company, then itself and the matters it may join, in key order.

    Of two colleagues who qualify at once, so, the second sees what the first has opened. Raises LeadGone.
    """
    account_id = Lead.objects.filter(pk=lead_id).values_list("account_id", flat=True).first()
    own = Q(episode__lead=lead_id)
    if account_id is not None:
        _lock_account(account_id)
        own |= Q(episode__account=account_id, episode__lead=F("lead"))
    others = EpisodeMember.objects.filter(own, episode__closed_at=None, left_at=None)
    _lock_leads(others, lead_id)
    return lock_lead(lead_id)


def colleagues(episode: Episode) -> list[Lead]:
    """Those who joined the open episode, in key order, the principal left out. `lock` holds their locks."""
    joined = Lead.objects.filter(memberships__episode=episode, memberships__left_at=None)
    return list(joined.exclude(pk=episode.lead_id).select_related("holder", "holder_team").order_by("pk"))


def colleagues_of(episodes: Iterable[Episode]) -> dict[int, list[Lead]]:
    """The same for many open episodes, by episode; whom nobody joined is left out."""
    joined = EpisodeMember.objects.filter(episode__in=episodes, left_at=None).exclude(lead=F("episode__lead"))
    found: dict[int, list[Lead]] = {}
    for member in joined.select_related("lead__holder", "lead__holder_team").order_by("lead"):
        found.setdefault(member.episode_id, []).append(member.lead)
    return found


def host_for(lead: Lead) -> Episode | None:
    """The open matter of the lead's company that it would join, the oldest, locked; None where there is none.

    Only a real company has colleagues: a domain that gives addresses to anyone never makes one. Who is a test joins
    tests only. A signal is nobody's to join.
    """
    account = lead.account
    if account is None or (account.domain and not derived.lists().makes_account(account.domain)):
        return None
    _lock_account(account.pk)
    opened = Episode.objects.filter(account=account, closed_at=None, lead__account=account, lead__is_test=lead.is_test)
    opened = opened.exclude(lead=lead).exclude(lane=Lane.SIGNAL)
    for episode_id, principal_id in opened.order_by("opened_at", "pk").values_list("pk", "lead_id"):
        lock_lead(principal_id)
        episode = opened.select_for_update(of=("self",)).filter(pk=episode_id).first()
        if episode is not None:
            return episode
    return None


def settle(qualification: Qualification, episode: Episode, *, now: datetime, by: User | None) -> None:
    """Tie a qualification to the episode it led to; a waiting one waits no longer."""
    qualification.episode = episode
    fields = ["episode"]
    if qualification.waiting:
        qualification.waiting = False
        qualification.settled_as = Qualification.Settled.RELEASED if by is not None else Qualification.Settled.OVERTAKEN
        qualification.settled_at, qualification.settled_by = now, by
        fields += ["waiting", "settled_as", "settled_at", "settled_by"]
    qualification.save(update_fields=fields)


def write(
    episode: Episode,
    what: str,
    *,
    now: datetime,
    by: User | None = None,
    from_phase: str | None = None,
    to_phase: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """The one history row of a verb; its phases are the present one where the verb changes none."""
    row(episode, what, now=now, by=by, from_phase=from_phase, to_phase=to_phase, detail=detail).save()


def row(
    episode: Episode,
    what: str,
    *,
    now: datetime,
    by: User | None = None,
    from_phase: str | None = None,
    to_phase: str | None = None,
    detail: dict[str, Any] | None = None,
) -> EpisodeChange:
    """The same, not yet saved."""
    return EpisodeChange(
        episode=episode,
        what=what,
        at=now,
        by=by,
        from_phase=episode.phase if from_phase is None else from_phase,
        to_phase=episode.phase if to_phase is None else to_phase,
        detail=detail or {},
    )


def not_before(episode: Episode, now: datetime) -> datetime:
    """`now`, or the moment of the episode's last history row where that is later."""
    last: datetime | None = episode.changes.aggregate(at=Max("at"))["at"]
    return now if last is None else max(now, last)


def _joined(episode_id: int) -> QuerySet[EpisodeMember]:
    return EpisodeMember.objects.filter(episode=episode_id, left_at=None).exclude(lead=F("episode__lead"))


def _lock_leads(members: QuerySet[EpisodeMember], *more: int) -> None:
    """Lock these leads in key order, where there are others than the one that the caller locks next."""
    ids = {*members.values_list("lead_id", flat=True), *more}
    if ids - {*more}:
        list(Lead.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk").values_list("pk"))


def _lock_account(account_id: int) -> None:
    """Against others who qualify at this company; who only refers to it isn't held up."""
    list(Account.objects.select_for_update(no_key=True).filter(pk=account_id).values_list("pk"))

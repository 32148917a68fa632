"""What becomes of accepted hand-offs whose rep is away or gone: re-offered, covered, or decided by a manager.

Untouched ones are offered to the next rep once the policy's grace is over; touched ones go to the covering rep, if one
is able, and else wait for the manager. A rep who is back before the grace ends keeps everything.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.errors import Refused
from leads.locks import LeadGone, lock_lead
from leads.models import Team, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode, Phase
from sla import handoffs
from sla.handoffs import graces
from sla.models import OPEN_STATES, Absence, Handoff, LeftBehind, Rep, State
from sla.people import absences, holding_back
from sla.people.keeping import NotYourRep
from sla.querysets import managed_teams
from sla.routing import standins
from sla.telling import left_behind as letters

Settled = LeftBehind.Settled

ABSENCE = "absence"
DECIDED = "manager"
COVERING = "covering"


class AlreadySettled(Refused):
    """Somebody, or the rep's answer, was quicker."""

    code = "already_settled"


@business
def leave(handoff_id: int, absence: Absence, *, now: datetime) -> bool:
    """The rep of an accepted hand-off is away: it stays with them for the grace of its policy. True where this is new.

    The grace counts in the team's working time, from the moment the absence counts; see `graces` for what has none.
    """
    handoff = Handoff.objects.select_related("episode", "policy_version").get(pk=handoff_id)
    try:
        lock_lead(handoff.episode.lead_id)
    except LeadGone:
        return False
    handoff.refresh_from_db(fields=["state"])
    known = LeftBehind.objects.filter(Q(settled_at=None) | Q(absence=absence), handoff=handoff)
    if handoff.state != State.ACCEPTED or known.exists():
        return False
    graces.begin(handoff, absence, from_at=absence.counts_from, now=now)
    return True


def due_page(*, now: datetime, limit: int) -> list[tuple[datetime, int]]:
    """What has come to the end of its grace, with when, the longest ago first; what failed rests for a minute."""
    due = LeftBehind.objects.filter(holding_back.ready(now=now), settled_at=None, due_at__lte=now)
    due = due.order_by("due_at", "id")
    return [(at, pk) for at, pk in due.values_list("due_at", "id")[:limit] if at is not None]


def act(left_id: int, *, now: datetime) -> str:
    """The grace is over: re-offer, cover, or leave it to the manager; says what came of it, "" where nothing was due.

    May be called any number of times. Where it fails it is held back for a minute, and the failure is raised.
    """
    with holding_back.where_it_fails(LeftBehind.objects.filter(pk=left_id, settled_at=None), now=now):
        return _act(left_id, now=now)


@business
def _act(left_id: int, *, now: datetime) -> str:
    left = _lock(left_id)
    if left is None or left.settled_at is not None or left.due_at is None or left.due_at > now:
        return ""
    handoff, rep = left.handoff, Rep.objects.select_related("user").get(user=left.handoff.user_id)
    if handoff.state != State.ACCEPTED:
        return _settle(left, Settled.ENDED, now=now)
    if not (absences.is_away(rep.pk, at=left.due_at) and absences.is_away(rep.pk, at=now)):
        return _settle(left, Settled.BACK, now=now)
    if handoff.first_touched_at is None:
        handoffs.move_on(handoff, why=ABSENCE, now=now, as_of=left.due_at)
        return _settle(left, Settled.REOFFERED, now=now)
    cover = (left.absence.cover if left.absence is not None else None) or rep.cover
    return _cover(left, rep, cover, now=now)


def to_decide(user: User) -> QuerySet[LeftBehind]:
    """What waits for a decision of this manager, the oldest first; RevOps and admins see all."""
    return undecided().filter(handoff__team__in=managed_teams(user)).order_by("since", "pk")


def with_matter() -> QuerySet[LeftBehind]:
    """What was left behind, with all that is shown of it."""
    return LeftBehind.objects.select_related(
        "handoff__user", "handoff__team", "handoff__episode__lead__account", "absence"
    )


def undecided() -> QuerySet[LeftBehind]:
    """What waits for a manager: the hand-off is still with somebody who is away, or its episode with nobody."""
    later = Handoff.objects.standing().filter(episode=OuterRef("handoff__episode"), hop__gt=OuterRef("handoff__hop"))
    with_nobody = Q(absence=None, handoff__episode__phase=Phase.WAITING) & ~Exists(later)
    return LeftBehind.objects.filter(settled_at=None, due_at=None).filter(
        with_nobody | Q(absence__isnull=False, handoff__state=State.ACCEPTED)
    )


@business
def give(left_id: int, *, rep: User, by: User, now: datetime) -> Handoff:
    """The manager gives it to another rep of theirs; it may pass capacity, with an override row that says so.

    Raises NotYourRep, AlreadySettled, or standins.NotAble with why that rep can't take it.
    """
    left = _lock_to_decide(left_id, by)
    team = standins.team_of(rep, managed_teams(by))
    given = _hand_over(left, rep, team, why=DECIDED, now=now, by=by)
    _settle(left, Settled.GIVEN, now=now, by=by)
    return given


@business
def keep(left_id: int, *, by: User, now: datetime) -> None:
    """It stays with the rep until they are back. Raises NotYourRep, AlreadySettled, also where the rep is gone."""
    left = _lock_to_decide(left_id, by)
    if left.handoff.state not in OPEN_STATES:
        raise AlreadySettled("The rep is gone. Give it to somebody, or let the rules decide.")
    _settle(left, Settled.KEPT, now=now, by=by)


@business
def route(left_id: int, *, by: User, now: datetime) -> None:
    """The manager lets the routing rules find the next rep. Raises NotYourRep, AlreadySettled."""
    left = _lock_to_decide(left_id, by)
    if left.handoff.state in OPEN_STATES:
        handoffs.move_on(left.handoff, why=ABSENCE, now=now, by=by)
    _settle(left, Settled.REOFFERED, now=now, by=by)


@business
def settle_ended(*, now: datetime, limit: int = 200) -> int:
    """What was answered, given or ended by other ways is settled; returns how many."""
    over = LeftBehind.objects.filter(settled_at=None).exclude(pk__in=undecided().values("pk"))
    over = over.filter(Q(due_at=None) | ~Q(handoff__state=State.ACCEPTED)).order_by("pk")
    locked = list(over.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True)[:limit])
    return LeftBehind.objects.filter(pk__in=locked).update(
        settled_at=now, settled_as=Settled.ENDED, **holding_back.NOT_HELD
    )


def _lock(left_id: int) -> LeftBehind | None:
    """Lead, episode, hand-off and the row itself, locked in that order; None where the lead is gone."""
    known = LeftBehind.objects.select_related("handoff__episode").filter(pk=left_id).first()
    if known is None:
        return None
    try:
        lead = lock_lead(known.handoff.episode.lead_id)
    except LeadGone:
        return None
    episode = episodes.lock(known.handoff.episode_id)
    episode.lead = lead
    handoff = Handoff.objects.select_for_update(of=("self",)).select_related("user", "team").get(pk=known.handoff_id)
    handoff.episode = episode
    left = LeftBehind.objects.select_for_update(of=("self",)).select_related("absence__cover__user").get(pk=left_id)
    left.handoff = handoff
    return left


def _lock_to_decide(left_id: int, by: User) -> LeftBehind:
    if not to_decide(by).filter(pk=left_id).exists():
        mine = LeftBehind.objects.filter(pk=left_id, handoff__team__in=managed_teams(by))
        if mine.exists():
            raise AlreadySettled("This is settled already.")
        raise NotYourRep("There is no such lead to decide on, or it isn't yours.")
    left = _lock(left_id)
    if left is None or not undecided().filter(pk=left_id).exists():
        raise AlreadySettled("This was settled a moment ago.")
    return left


def _cover(left: LeftBehind, rep: Rep, cover: Rep | None, *, now: datetime) -> str:
    """Hand it to the covering rep; where nobody covers or the one who would is not able, the manager decides."""
    why = f"Nobody covers for {rep}."
    if cover is not None:
        try:
            team = standins.team_of(cover.user, first=left.handoff.team)
            with transaction.atomic():
                _hand_over(left, cover.user, team, why=COVERING, now=now)
        except Refused as refusal:
            why = str(refusal)
        else:
            return _settle(left, Settled.COVERED, now=now)
    left.due_at, left.note, left.held_back_at, left.held_back_why = None, why[:200], None, ""
    left.save(update_fields=["due_at", "note", "held_back_at", "held_back_why"])
    letters.to_decide(left, rep, now=now)
    return DECIDED


def _hand_over(left: LeftBehind, user: User, team: Team, *, why: str, now: datetime, by: User | None = None) -> Handoff:
    """Take it from the rep who is away, if they still have it, and offer it to this one."""
    episode = left.handoff.episode
    standins.check(team, user, episode, now=now)
    if left.handoff.state in OPEN_STATES:
        handoffs.move_on(left.handoff, why=ABSENCE, now=now, by=by)
        episode = _again(episode)
    return standins.offer(episode, user, team, why=why, by=by, now=now)


def _again(episode: Episode) -> Episode:
    fresh = episodes.lock(episode.pk)
    fresh.lead = episode.lead
    return fresh


def _settle(left: LeftBehind, how: Settled, *, now: datetime, by: User | None = None) -> str:
    left.settled_at, left.settled_as, left.settled_by = max(now, left.since), how, by
    left.held_back_at, left.held_back_why = None, ""
    left.save(update_fields=["settled_at", "settled_as", "settled_by", "held_back_at", "held_back_why"])
    return how.value

"""What sla does when a bell of a lower floor rings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.dispatch import receiver

from leads import holding, lifecycle
from leads.models import Invitation, Lead, Outcome, Role, Stage, Team, User
from leads.signals import (
    invitation_accepted,
    lead_erased,
    leads_merged,
    left_team,
    login_closed,
    outcome_recorded,
)
from scoring.models import ClosedAs, Episode, Lane, OpenedBy, Phase
from scoring.signals import episode_changed, episode_closed, episode_opened
from sla import clocks, handoffs, routing
from sla.clocks import targets
from sla.handoffs import closing, effects, verdicts
from sla.models import (
    OPEN_STATES,
    AnsweredRequest,
    ChecklistAnswer,
    ClockExtension,
    ClockPause,
    Contest,
    Handoff,
    ManagerAct,
    NextStepChange,
    Rep,
    State,
    TakenBackTouch,
    Target,
    Touch,
)
from sla.nextsteps import keeping
from sla.people import leaving
from sla.routing import beside, on_paper, signaling
from sla.shadow import answering, paper
from sla.telling import mails

LEAVING_IS_NEWS = ("bought", "deal", "disqualified")
# Ends that are the rep's doing where they had accepted the lead.
CREDITED = (ClosedAs.BOUGHT, ClosedAs.CONVERTED)


@receiver(episode_opened, dispatch_uid="sla.episode_opened")
def start_to_assign(episode: Episode, now: datetime, **kwargs: Any) -> None:
    """The promise to find a rep runs from the opening: receipt, release or the named date.

    What stands beside a colleague's matter goes to the same rep at once, if there is one who can; a signal to whoever
    has the lead. What runs in shadow goes on paper instead.
    """
    if on_paper.begins(episode, now=now):
        return
    targets.start_assign(episode, episode.lead, cause="opened", start_at=episode.opened_at, why="opened", now=now)
    if episode.lane == Lane.SIGNAL:
        signaling.hand_over(episode, episode.lead, now=now)
        return
    offered = beside.offer(episode, now=now)
    if offered is None and episode.opened_by == OpenedBy.SPLIT:
        holding.hold(episode.lead, user=None, team=None, now=now)


@receiver(episode_changed, dispatch_uid="sla.episode_changed")
def answer_change(episode: Episode, what: str, detail: dict[str, Any], now: datetime, **kwargs: Any) -> None:
    """The open matter changed: due times may come closer, and the rep who has it is told."""
    if what == "tier_rose":
        _tier_rose(episode, now=now)
    elif what == "hand_raised":
        _hand_raised(episode, activity_id=detail["activity_id"], now=now)
    elif what == "joined":
        _joined(episode, detail["member"], now=now)
    elif what == "left":
        _left(episode, detail["member"], why=detail["why"], now=now)
    elif what in ("cooled", "disqualified"):
        handoff = _open_handoff(episode)
        if handoff is not None and (handoff.state == State.ACCEPTED or handoff.is_closing):
            mails.news(handoff, what, now=now)


def _tier_rose(episode: Episode, *, now: datetime) -> None:
    """Each unmet target is due no later than a fresh one of the new tier would be."""
    if episode.phase == Phase.WAITING:
        if not answering.stands_hotter(episode, why="tier rose", now=now):
            targets.tighten_assign(episode, episode.lead, why="tier rose", now=now)
        return
    handoff = _open_handoff(episode)
    if handoff is None:
        return
    _stands_hotter(handoff, episode)
    targets.tighten(handoff, why="tier rose", cause=f"tier:{episode.tier}", now=now)
    keeping.retimed(handoff, now=now, by=None)
    mails.news(handoff, "tier_rose", now=now, once=episode.tier)


def _hand_raised(episode: Episode, *, activity_id: int, now: datetime) -> None:
    """First in line while it waits; on offer, accepted by Baton; accepted, the first touch comes closer or anew."""
    if episode.phase == Phase.WAITING:
        if not answering.stands_hotter(episode, why="hand-raise", now=now):
            targets.tighten_assign(episode, episode.lead, why="hand-raise", now=now)
        return
    handoff = _open_handoff(episode)
    if handoff is None:
        return
    if handoff.is_closing:
        mails.news(handoff, "hand_raised", now=now, once=str(activity_id))
        return
    _stands_hotter(handoff, episode)
    cause = f"activity:{activity_id}"
    if handoff.state == State.OFFERED and episode.lane != Lane.SIGNAL:
        matter = handoffs.matter_of(handoff, episode=episode, now=now)
        verdicts.accept_by_hand_raise(matter)
        handoff, now = matter.handoff, matter.now
    if targets.running(handoff, Target.FIRST_TOUCH) or handoff.first_touched_at is None:
        targets.tighten(handoff, Target.FIRST_TOUCH, why="hand-raise", cause=cause, now=now)
    else:
        targets.start(handoff, Target.FIRST_TOUCH, cause=cause, start_at=now, why="hand-raise", now=now)
    keeping.raised(handoff, now=now)
    mails.news(handoff, "hand_raised", now=now, once=str(activity_id))


def _joined(episode: Episode, lead: Lead, *, now: datetime) -> None:
    """A colleague qualified: whoever has the matter holds that one as well, and what was accepted is accepted of it."""
    handoff = _open_handoff(episode)
    if handoff is None:
        return
    holding.hold(lead, user=handoff.user, team=handoff.team, now=now)
    if handoff.state == State.ACCEPTED:
        lifecycle.move(lead, Stage.SAL, cause=effects.VERDICT, now=now, note="Joined what was accepted")
    elif handoff.is_closing:
        closing.join(handoffs.matter_of(handoff, episode=episode, now=now), lead, now=now)
    mails.news(handoff, "joined", now=now, once=str(lead.pk))


def _left(episode: Episode, lead: Lead, *, why: str, now: datetime) -> None:
    """A colleague is out of the matter, which goes on: nobody holds that one any more, and its rep is told."""
    holding.hold(lead, user=None, team=None, now=now)
    handoff = _open_handoff(episode)
    if handoff is not None and handoff.state == State.ACCEPTED and why in LEAVING_IS_NEWS:
        mails.news(handoff, "left", now=now, once=str(lead.pk))


@receiver(episode_changed, dispatch_uid="sla.look_again")
def look_again(episode: Episode, now: datetime, **kwargs: Any) -> None:
    """What nobody could take a moment ago is another matter now: routing looks at it in the next round."""
    if episode.phase == Phase.WAITING:
        routing.look_again(episode=episode, now=now)


@receiver(episode_closed, dispatch_uid="sla.episode_closed")
def end_handoff(episode: Episode, closed_as: str, now: datetime, by: User | None = None, **kwargs: Any) -> None:
    """The matter ended: nobody has to be found any more, and an open hand-off ends with it.

    A purchase, or a deal opened elsewhere, counts for the rep who had accepted; every other end withdraws the lead.
    """
    assign = targets.running_assign(episode)
    if assign is not None:
        clocks.void(assign, why=closed_as, now=now)
    paper.leave(episode, ended_as=paper.EndedAs.CLOSED, now=now)
    handoff = _open_handoff(episode)
    if handoff is None:
        return
    _let_go(episode, now=now)
    if (handoff.state == State.ACCEPTED or handoff.is_closing) and closed_as in CREDITED:
        matter = handoffs.matter_of(handoff, episode=episode, now=now)
        if handoff.is_closing:
            closing.credit(matter, why=closed_as)
        else:
            verdicts.credit(matter, by=None)
            matter.record(by=None, why=closed_as)
        mails.news(matter.handoff, f"credited_{closed_as}", now=matter.now)
    else:
        handoffs.withdraw(handoff, why=closed_as, now=now)


@receiver(outcome_recorded, dispatch_uid="sla.outcome_recorded")
def answer_on_paper(outcome: Outcome, now: datetime, **kwargs: Any) -> None:
    """What became of a lead, as another system tells it, answers what stands on paper."""
    answering.decided(outcome, now=now)


@receiver(leads_merged, dispatch_uid="sla.leads_merged")
def move_touches(winner: Lead, loser: Lead, **kwargs: Any) -> None:
    """Touches go with the person."""
    Touch.objects.filter(lead=loser).update(lead=winner)
    TakenBackTouch.objects.filter(lead=loser).update(lead=winner)


@receiver(lead_erased, dispatch_uid="sla.lead_erased")
def empty_notes(lead: Lead, **kwargs: Any) -> None:
    """Free text about an erased person goes; counts and times stay, and what is known of others."""
    Touch.objects.filter(lead=lead).update(note="", external_id="")
    Handoff.objects.filter(episode__lead=lead).update(bant={}, source="")
    ChecklistAnswer.objects.filter(episode__lead=lead).delete()
    spoken = list(_may_speak_of(lead).values_list("pk", flat=True))
    Handoff.objects.filter(pk__in=spoken).update(note="", evidence="", next_step="")
    for reasons in (ClockPause.objects, ClockExtension.objects):
        beside = Q(clock__handoff=None, clock__episode__members__lead=lead)
        reasons.filter(Q(clock__handoff__in=spoken) | beside).update(reason="")
    Contest.objects.filter(handoff__in=spoken).update(words="", why="")
    ManagerAct.objects.filter(handoff__in=spoken).update(reason="")
    NextStepChange.objects.filter(handoff__in=spoken).update(step="")
    AnsweredRequest.objects.filter(handoff__in=spoken).delete()


@receiver(login_closed, dispatch_uid="sla.login_closed")
def take_out(user: User, by: User | None, now: datetime, **kwargs: Any) -> None:
    """Who can't log in holds nothing: everything open moves on by the rules, signals of people without leads, too."""
    rep = Rep.objects.filter(user=user, is_active=True).first()
    if rep is not None:
        leaving.leave(rep.pk, why="Log-in closed", now=now, by=by)
    leaving.let_go(user, now=now, by=by)


@receiver(left_team, dispatch_uid="sla.left_team")
def hand_back(user: User, team: Team, by: User | None, now: datetime, **kwargs: Any) -> None:
    """Who leaves a team keeps nothing of its leads."""
    rep = Rep.objects.filter(user=user).first()
    if rep is not None:
        leaving.leave_team(rep.pk, team, now=now, by=by)


def _may_speak_of(lead: Lead) -> QuerySet[Handoff]:
    """The hand-offs of their own matters, and of a colleague's what was with a rep while they took part."""
    before_they_left = Q(episode__members__left_at=None) | Q(episode__members__left_at__gt=F("offered_at"))
    after_they_came = Q(closed_at=None) | Q(closed_at__gt=F("episode__members__joined_at"))
    return Handoff.objects.filter(
        Q(episode__lead=lead) | (before_they_left & after_they_came), episode__members__lead=lead
    )


def _open_handoff(episode: Episode) -> Handoff | None:
    """The episode's open hand-off, locked."""
    handoff = (
        Handoff.objects.select_for_update(of=("self",))
        .select_related("user", "team", "policy_version")
        .filter(episode=episode, state__in=OPEN_STATES)
        .first()
    )
    if handoff is not None:
        handoff.episode = episode
    return handoff


def _let_go(episode: Episode, *, now: datetime) -> None:
    """The matter ended without a verdict: nobody holds the colleagues who had joined it."""
    joined = Lead.objects.filter(memberships__episode=episode, memberships__left_at=episode.closed_at)
    for lead in joined.exclude(pk=episode.lead_id).order_by("pk"):
        holding.hold(lead, user=None, team=None, now=now)


def _stands_hotter(handoff: Handoff, episode: Episode) -> None:
    """The policy is chosen anew, and the hand-off reads its targets by the new lane and tier."""
    version = targets.policy(episode, episode.lead)
    if version is not None:
        handoff.policy_version = version
    handoff.tier = episode.tier
    if episode.lane == Lane.FAST and not handoff.is_closing:
        handoff.lane = Lane.FAST
    handoff.save(update_fields=["policy_version", "tier", "lane"])


@receiver(invitation_accepted, dispatch_uid="sla.invitation_accepted")
def receive_leads(invitation: Invitation, user: User, **kwargs: Any) -> None:
    """Who was invited as a rep can be given leads from now on."""
    if invitation.role == Role.REP:
        Rep.objects.create(user=user, capacity=invitation.capacity)

"""What a step of a ladder does: it tells people, or it takes the lead to somebody else.

A step whose target is gone does nothing, and its row says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from leads import outbox
from leads.models import Endpoint, Team, User
from leads.wake import wake
from scoring.models import Episode
from sla import handoffs, matching
from sla.clocks.ladder import Step
from sla.models import OPEN_STATES, Clock, Desk, LadderStep, Rep
from sla.querysets import managers_of
from sla.routing import waiting
from sla.telling import events, mails

Action = LadderStep.Action

BREACH: Final = "breach"
POOL: Final = "pool"


def tell(clock: Clock, step: Step, *, now: datetime) -> dict[str, Any]:
    """Tell whom the step names, and return what its row keeps: the effects, or why it was skipped."""
    rung = step.ladder_step
    if rung is None:
        return {"noticed_by": "clock", "told": events.tell("clock.breached", clock=clock, now=now)}
    told: list[str] = []
    if rung.warns:
        told += events.tell("clock.warning", clock=clock, now=now, once=_moment(rung))
    if rung.action in _RECIPIENTS:
        recipients, why_not = _RECIPIENTS[rung.action](clock)
        told += [_write(clock, step, rung, recipient, now=now) for recipient in recipients]
        why_not = "" if recipients else why_not
    else:
        why_not = _why_not(clock, rung)
    if rung.endpoint is not None and not why_not:
        event = "clock.warning" if rung.warns else "clock.breached"
        told += events.tell(event, clock=clock, now=now, once=step.key, only=rung.endpoint)
    detail = {"action": rung.action, "moment": rung.moment, "told": told}
    return detail | {"skipped": why_not} if why_not else detail


def move(clock: Clock, rung: LadderStep, *, now: datetime) -> None:
    """Take the lead where the step says. What was told before stands."""
    if rung.action == Action.TEAM:
        wake("route")
    if not rung.moves:
        return
    if clock.handoff is not None:
        handoffs.move_on(clock.handoff, why=BREACH if rung.action == Action.HOP else POOL, now=now)
    if waiting.is_pooled(Episode.objects.get(pk=clock.episode_id)):
        hop = f"hop:{clock.handoff.hop}" if clock.handoff is not None else clock.cause
        events.tell("episode.pooled", episode=clock.episode, now=now, once=hop)


def _write(clock: Clock, step: Step, rung: LadderStep, recipient: User, *, now: datetime) -> str:
    """Write to one person; returns the effect key."""
    key = f"clock:{clock.pk}:{step.key}:{recipient.pk}"
    outbox.queue([mails.of_step(clock, rung, recipient, effect_key=key, now=now)])
    return key


def _moment(rung: LadderStep) -> str:
    """The moment of a step, as an effect key names it: steps of one moment are one warning to the world outside."""
    return f"share:{rung.share}" if rung.share is not None else f"due{rung.from_due:+d}"


def team_of(clock: Clock) -> Team | None:
    """The team whose promise it is: the one that has the lead, or would get it."""
    return clock.handoff.team if clock.handoff is not None else matching.team_of(clock.episode)


Told = tuple[list[User], str]


def _rep(clock: Clock) -> Told:
    rep = clock.handoff.user if clock.handoff is not None else None
    return ([rep] if rep is not None and rep.is_active else []), "the rep works here no more"


def _managers(clock: Clock) -> Told:
    return managers_of(team_of(clock)), "there is no manager"


def _team(clock: Clock) -> Told:
    team = team_of(clock)
    people = User.objects.filter(is_active=True, memberships__team=team).order_by("id") if team is not None else []
    return list(people), "there is nobody in the team"


_RECIPIENTS: Final[dict[str, Callable[[Clock], Told]]] = {
    Action.TELL_REP: _rep,
    Action.TELL_MANAGER: _managers,
    Action.TELL_TEAM: _team,
}


def _why_not(clock: Clock, rung: LadderStep) -> str:
    """Why a step that takes the lead elsewhere can't; empty where it can."""
    if clock.handoff is not None and clock.handoff.state not in OPEN_STATES:
        return "the rep has it no more"
    if rung.team is not None and not takes_leads(rung.team):
        return f"{rung.team} takes no leads any more"
    if rung.endpoint_id is not None and not Endpoint.objects.filter(pk=rung.endpoint_id, is_active=True).exists():
        return f"the endpoint {rung.endpoint} is switched off"
    return ""


def takes_leads(team: Team) -> bool:
    """Whether a team has a desk and somebody at it."""
    reps = Rep.objects.filter(is_active=True, user__is_active=True, user__memberships__team=team)
    return Desk.objects.filter(team=team).exists() and reps.exists()

"""What a step of a ladder does: it tells people, or it takes the lead to somebody else.

A step whose target is gone does nothing, and its row says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from leads.models import Notification, User
from leads.wake import wake
from scoring.models import Episode
from sla import handoffs
from sla.clocks.audience import Audience
from sla.clocks.ladder import BREACH, Step
from sla.models import OPEN_STATES, Clock, LadderStep
from sla.routing import waiting
from sla.telling import events, mails

Action = LadderStep.Action

POOL: Final = "pool"

Told = tuple[list[User], str]


class Telling(NamedTuple):
    """What a step's row keeps, the effects or why it was skipped; and the messages that are those effects."""

    detail: dict[str, Any]
    messages: list[Notification]


def tell(clock: Clock, step: Step, audience: Audience, *, now: datetime) -> Telling:
    """Whom a step tells and what; nothing is queued yet."""
    rung = step.ladder_step
    if rung is None:
        heard = _heard("clock.breached", clock, audience, now=now)
        return Telling({"noticed_by": "clock", "told": _keys(heard)}, heard)
    messages: list[Notification] = []
    stays = rung.moves and not takes_away(clock, rung)
    action = Action.TELL_MANAGER if stays else rung.action
    if rung.warns:
        messages += _heard("clock.warning", clock, audience, now=now, once=_moment(rung))
    if action in _RECIPIENTS:
        recipients, why_not = _RECIPIENTS[action](clock, audience)
        messages += [_letter(clock, step, rung, recipient, now=now) for recipient in recipients]
        why_not = "" if recipients else why_not
    else:
        why_not = _why_not(clock, rung, audience)
    if rung.endpoint_id is not None and not why_not and (endpoint := audience.endpoint(rung.endpoint_id)) is not None:
        event = "clock.warning" if rung.warns else "clock.breached"
        messages += events.messages(event, [endpoint], clock=clock, now=now, once=step.key)
    detail = {"action": rung.action, "moment": rung.moment, "told": _keys(messages)}
    if stays:
        detail["instead"] = action
    return Telling(detail | {"skipped": why_not} if why_not else detail, messages)


def takes_away(clock: Clock, rung: LadderStep) -> bool:
    """Whether the step takes the lead from who has it. A closing leg goes to nobody by a rule: its manager decides."""
    return rung.moves and not (clock.handoff is not None and clock.handoff.is_closing)


def move(clock: Clock, rung: LadderStep, *, now: datetime) -> None:
    """Take the lead where the step says. What was told before stands."""
    if rung.action == Action.TEAM:
        wake("route")
    if not takes_away(clock, rung):
        return
    if clock.handoff is not None:
        handoffs.move_on(clock.handoff, why=BREACH if rung.action == Action.HOP else POOL, now=now)
    if waiting.is_pooled(Episode.objects.get(pk=clock.episode_id)):
        hop = f"hop:{clock.handoff.hop}" if clock.handoff is not None else clock.cause
        events.tell("episode.pooled", episode=clock.episode, now=now, once=hop)


def _heard(event: str, clock: Clock, audience: Audience, *, now: datetime, once: str = "") -> list[Notification]:
    return events.messages(event, audience.listeners(event, clock), clock=clock, now=now, once=once)


def _letter(clock: Clock, step: Step, rung: LadderStep, recipient: User, *, now: datetime) -> Notification:
    key = f"clock:{clock.pk}:{step.key}:{recipient.pk}"
    return mails.of_step(clock, rung, recipient, effect_key=key, now=now)


def _keys(messages: list[Notification]) -> list[str]:
    return [message.effect_key for message in messages]


def _moment(rung: LadderStep) -> str:
    """The moment of a step, as an effect key names it: steps of one moment are one warning to the world outside."""
    return f"share:{rung.share}" if rung.share is not None else f"due{rung.from_due:+d}"


def _rep(clock: Clock, audience: Audience) -> Told:
    rep = clock.handoff.user if clock.handoff is not None else None
    return ([rep] if rep is not None and rep.is_active else []), "the rep works here no more"


def _managers(clock: Clock, audience: Audience) -> Told:
    return audience.managers(clock), "there is no manager"


def _team(clock: Clock, audience: Audience) -> Told:
    return audience.members(clock), "there is nobody in the team"


_RECIPIENTS: Final[dict[str, Callable[[Clock, Audience], Told]]] = {
    Action.TELL_REP: _rep,
    Action.TELL_MANAGER: _managers,
    Action.TELL_TEAM: _team,
}


def _why_not(clock: Clock, rung: LadderStep, audience: Audience) -> str:
    """Why a step that takes the lead elsewhere can't; empty where it can."""
    if clock.handoff is not None and clock.handoff.state not in OPEN_STATES:
        return "the rep has it no more"
    if rung.team is not None and not audience.takes_leads(rung.team):
        return f"{rung.team} takes no leads any more"
    if rung.endpoint_id is not None and audience.endpoint(rung.endpoint_id) is None:
        return f"the endpoint {rung.endpoint} is switched off"
    return ""

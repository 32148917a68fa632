"""Events: what endpoints outside are told of, each a row of the outbox written in the transaction of its cause.

Payloads are described in docs/telling.md; fields are only ever added within a version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from leads import outbox
from leads.delivering import formats
from leads.letters import inert
from leads.models import Endpoint, Notification
from scoring.models import Episode
from sla.models import Clock, Contest, Handoff, Target
from sla.telling import shown, sums

VERSION: Final = 1

# Every event an endpoint may be told of, and how a chat says it. {rep} and {target} are filled in.
EVENTS: Final[dict[str, str]] = {
    "handoff.offered": "Offered to {rep}",
    "handoff.accepted": "Accepted by {rep}",
    "handoff.rejected": "Rejected by {rep}",
    "handoff.converted": "Converted by {rep}",
    "handoff.returned": "Returned by {rep}",
    "handoff.moved": "Moved on from {rep}",
    "handoff.withdrawn": "Withdrawn from {rep}",
    "handoff.undone": "Verdict taken back by {rep}",
    "rejection.contested": "Contested: {rep} rejected it",
    "rejection.decided": "Decided: {rep} had rejected it",
    "episode.waiting": "Waits for a rep",
    "episode.pooled": "Waits in the pool",
    "clock.warning": "Runs out soon: {target}",
    "clock.breached": "Late: {target}",
}

_LONGEST = 200


def tell(
    event: str,
    *,
    handoff: Handoff | None = None,
    episode: Episode | None = None,
    clock: Clock | None = None,
    contest: Contest | None = None,
    now: datetime,
    once: str = "",
    not_before: datetime | None = None,
    only: Endpoint | None = None,
) -> list[str]:
    """Queue one event for every endpoint that listens to it, once per subject and `once`; returns the effect keys.

    The subject is the clock, the hand-off or the episode, the narrowest given. An endpoint of a team hears of that
    team's hand-offs and clocks alone. `only` tells one endpoint, subscribed or not.
    Raises ValueError for an event that is not in the catalog.
    """
    handoff = handoff or (clock.handoff if clock is not None else None)
    told = [only] if only is not None else outbox.listeners(event, team_id=handoff.team_id if handoff else None)
    about = {"handoff": handoff, "episode": episode, "clock": clock, "contest": contest}
    made = messages(event, told, **about, now=now, once=once, not_before=not_before)  # type: ignore[arg-type]
    outbox.queue(made)
    return [message.effect_key for message in made]


def messages(
    event: str,
    endpoints: Sequence[Endpoint],
    *,
    handoff: Handoff | None = None,
    episode: Episode | None = None,
    clock: Clock | None = None,
    contest: Contest | None = None,
    now: datetime,
    once: str = "",
    not_before: datetime | None = None,
) -> list[Notification]:
    """What `tell` queues for these endpoints."""
    if event not in EVENTS:
        raise ValueError(f"There is no event {event!r}; one of {', '.join(EVENTS)}.")
    handoff = handoff or (clock.handoff if clock is not None else None)
    subject = clock or handoff or episode
    if subject is None:
        raise ValueError("Say what the event is about: a clock, a hand-off or an episode.")
    if not endpoints:
        return []
    episode = episode or (handoff.episode if handoff is not None else clock.episode if clock is not None else None)
    if episode is None:
        raise AssertionError("unreachable")
    base = ":".join(part for part in (_name(subject), event, once) if part)
    told = payload(event, episode=episode, handoff=handoff, clock=clock, contest=contest, now=now)
    said = word(event, episode=episode, handoff=handoff, clock=clock, contest=contest)
    return [
        outbox.event_for(
            endpoint,
            f"{base}:endpoint:{endpoint.pk}",
            event=event,
            subject=said.headline,
            body=formats.body(endpoint.kind, event=told, word=said),
            lead=episode.lead,
            now=now,
            not_before=not_before,
        )
        for endpoint in endpoints
    ]


def moved(handoff: Handoff, *, now: datetime, not_before: datetime | None = None) -> None:
    """Tell of the state a hand-off has come to, once per version of it."""
    tell(f"handoff.{handoff.state}", handoff=handoff, now=now, once=f"v{handoff.version}", not_before=not_before)


def all_offered(handoffs: Sequence[Handoff], *, not_before: datetime | None = None) -> None:
    """`moved` for many new hops, each at its offer; who listens is asked once."""
    hearing = outbox.hearing()
    made: list[Notification] = []
    for handoff in handoffs if hearing else ():
        event = f"handoff.{handoff.state}"
        told = outbox.listeners(event, team_id=handoff.team_id, among=hearing)
        made += messages(
            event, told, handoff=handoff, now=handoff.offered_at, once=f"v{handoff.version}", not_before=not_before
        )
    outbox.queue(made)


def taken_back(handoff: Handoff, *, to_state: str, version: int, now: datetime) -> None:
    """A verdict was undone: what was to be told of it is cancelled; who was told already hears that it is undone."""
    about = f"{_name(handoff)}:handoff.{to_state}:v{version}:"
    outbox.cancel(about, now=now)
    outbox.cancel(f"{_name(handoff.episode)}:episode.waiting:hop:{handoff.hop}:", now=now)
    for endpoint in outbox.told_already(about):
        tell("handoff.undone", handoff=handoff, now=now, once=f"v{version}", only=endpoint)


def heard_of(handoff: Handoff) -> bool:
    """Whether any endpoint was told of this hand-off, or may have been."""
    found = Notification.objects.filter(effect_key__startswith=f"{_name(handoff)}:", endpoint__isnull=False)
    return found.exclude(state__in=[Notification.State.QUEUED, Notification.State.CANCELLED]).exists()


def silence(handoff: Handoff, *, now: datetime) -> None:
    """Nothing of this hand-off is told that has not left: no event, and no letter."""
    outbox.cancel(f"{_name(handoff)}:", now=now)


def payload(
    event: str,
    *,
    episode: Episode,
    handoff: Handoff | None,
    clock: Clock | None,
    contest: Contest | None = None,
    now: datetime,
) -> dict[str, Any]:
    """The event as programs read it: type, timestamp, version, and how its subjects stand."""
    lead = episode.lead
    data: dict[str, Any] = {"lead": shown.lead(lead), "episode": shown.episode(episode)}
    if handoff is not None:
        data["handoff"] = shown.handoff(handoff)
    if clock is not None:
        data["clock"] = {
            "target": clock.target,
            "started_at": clock.started_at.isoformat(),
            "due_at": clock.due_at.isoformat(),
            "breached_at": shown.moment(clock.breached_at),
            "verdict": clock.verdict or None,
        } | sums.for_programs(clock)
    if contest is not None:
        data["contest"] = shown.contest(contest)
    return {"type": event, "timestamp": now.isoformat(), "version": VERSION, "data": data}


def word(
    event: str, *, episode: Episode, handoff: Handoff | None, clock: Clock | None, contest: Contest | None = None
) -> formats.Word:
    """The event as people read it in a chat; whatever comes from the lead is inert."""
    lead = episode.lead
    rep = inert(str(handoff.user)) if handoff is not None else "nobody"
    target = Target(clock.target).label.lower() if clock is not None else ""
    company = f" ({inert(str(lead.account))})" if lead.account is not None else ""
    lines = [f"{inert(lead.name)}{company}", f"{episode.get_tier_display()}"]
    if handoff is not None and not event.startswith(("handoff.", "rejection.")):
        lines.append(f"With {rep}")
    if handoff is not None and handoff.reason is not None:
        lines.append(f"Reason: {handoff.reason.label}")
    if contest is not None:
        lines.append(f"{inert(str(contest.by))}: {inert(contest.words, _LONGEST)}")
    if contest is not None and contest.decided_by is not None:
        decided = f"{contest.get_decision_display()} by {inert(str(contest.decided_by))}"
        lines.append(f"{decided}: {inert(contest.why, _LONGEST)}")
    if clock is not None:
        counted = sums.sum_of_hours(clock)
        lines += [f"Due {counted.due}", *counted.lines]
    headline = EVENTS[event].format(rep=rep, target=target)
    return formats.Word(headline, lines, f"{settings.BASE_URL}/leads/{lead.public_id}/")


def _name(subject: Clock | Handoff | Episode) -> str:
    """How an effect key names its subject."""
    if isinstance(subject, Clock):
        return f"clock:{subject.pk}"
    kind = "handoff" if isinstance(subject, Handoff) else "episode"
    return f"{kind}:{subject.public_id}"

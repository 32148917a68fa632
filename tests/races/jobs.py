"""What a racer can do: one verb each, as a door would call it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError

from leads import clock, merging
from leads.intake import take_in
from leads.models import Source, User
from leads.turns import work_off
from leads.wire import read_item, split_batch
from scoring import assessment, qualification
from sla import contests, handoffs, routing, touches, untouching
from sla.clocks import escalation, pausing
from sla.people import absences, beginning, leaving, left_behind
from sla.routing import assigning, handing_over


def user(pk: int) -> User:
    return User.objects.get(pk=pk)


def accept(now: datetime, *, handoff: int, by: int) -> str:
    return handoffs.accept(handoff, by=user(by), now=now).state


def reject(now: datetime, *, handoff: int, by: int) -> str:
    return handoffs.reject(handoff, reason="bad_contact", by=user(by), now=now).state


def give_back(now: datetime, *, handoff: int, by: int) -> str:
    """The next owner says no."""
    return handoffs.reject(handoff, reason="not_ready", by=user(by), now=now).state


def convert_to(now: datetime, *, handoff: int, to: int, by: int) -> str:
    return handoffs.convert(handoff, to=user(to), by=user(by), now=now).state


def reroute(now: datetime, *, handoff: int, by: int) -> str:
    """It is somebody else's: no verdict on the lead."""
    return handoffs.reject(handoff, reason="wrong_territory", by=user(by), now=now).state


def hand_over(now: datetime, *, handoff: int, to: int, by: int) -> int:
    return handing_over.hand_over(handoff, to=user(to), why="Her region", by=user(by), now=now).user_id


def contest(now: datetime, *, handoff: int, by: int) -> int:
    return contests.contest(handoff, words="It is right", by=user(by), now=now).by_id


def uphold(now: datetime, *, contest: int, by: int) -> str:
    return contests.uphold(contest, why="It bounced", by=user(by), now=now).decision


def overturn(now: datetime, *, contest: int, to: int | None, by: int) -> str:
    rep = user(to) if to is not None else None
    return contests.overturn(contest, why="It is right", to=rep, by=user(by), now=now).decision


def undo(now: datetime, *, handoff: int, by: int) -> str:
    return handoffs.undo(handoff, by=user(by), now=now).state


def touch(now: datetime, *, lead: int, by: int) -> str:
    rep = user(by)
    made = touches.record(
        lead, means="call", outcome="reached", performed_by=rep, recorded_by=rep, occurred_at=now, now=now
    )
    return str(made.means)


def take_touch_back(now: datetime, *, touch: int, by: int) -> int:
    return untouching.take_back(touch, by=user(by), now=now).pk


def dial(now: datetime, *, lead: int, by: int, occurred_at: str) -> int | None:
    """A dialler tells of a call a little later; the hand-off it answers, if any."""
    made = touches.record(
        lead,
        means="call",
        outcome="reached",
        performed_by=user(by),
        recorded_by=None,
        occurred_at=datetime.fromisoformat(occurred_at),
        now=now,
        by_machine=True,
    )
    return made.handoff_id


def fire(now: datetime, *, clock: int) -> bool:
    return escalation.fire(clock, now=now)


def fire_by_the_wall(_: datetime, *, clock_id: int) -> bool:
    """As the clock process does it: the time is asked once the locks are had."""
    return escalation.fire(clock_id, now=clock.now)


def extend(now: datetime, *, clock: int, seconds: int, by: int) -> str:
    return pausing.extend(clock, seconds=seconds, reason="They asked for it", by=user(by), now=now).why


def route(now: datetime, *, episode: int) -> bool:
    return routing.route(episode, now=now) is not None


def route_each(now: datetime, *, episodes: Sequence[int]) -> int:
    """One after the other, however often they are named; how many offers that made.

    As in the sweep, who found the line blocked for too long comes by again.
    """
    offered, line = 0, deque(episodes)
    while line:
        episode = line.popleft()
        try:
            offered += routing.route(episode, now=now) is not None
        except OperationalError:
            line.append(episode)
    return offered


def route_all(now: datetime) -> int:
    return routing.route_waiting(lambda: now)


def wake_up(now: datetime, *, wakes: Sequence[int | None], in_turn: bool) -> int:
    """Wake-ups one after the other, each for all that waits, or for one episode; how many offers that made.

    A worker takes its turn, and leaves the line to whoever has it; the sweep of a clock process asks nobody.
    """
    sweep = route_in_turn if in_turn else route_all
    return sum(sweep(now) if episode is None else route_each(now, episodes=[episode]) for episode in wakes)


def route_in_turn(now: datetime) -> int:
    offered = 0

    def once() -> int:
        nonlocal offered
        made = route_all(now)
        offered += made
        return made

    work_off("route", once)
    return offered


def pull(now: datetime, *, by: int) -> int | None:
    rep = user(by)
    handoff = routing.take_next(rep, now=now, by=rep)
    return handoff.episode_id if handoff is not None else None


def give(now: datetime, *, episode: int, rep: int, by: int) -> int:
    return assigning.give(episode, rep=user(rep), by=user(by), now=now).user_id


def be_away(now: datetime, *, rep: int) -> int:
    """Away from now on, and acted upon at once."""
    absence = absences.add(rep, starts_at=now, ends_at=now + timedelta(days=1), now=now, by=None)
    return beginning.begin(absence.pk, now=now)


def begin(now: datetime, *, absence: int) -> int:
    return beginning.begin(absence, now=now)


def act(now: datetime, *, left: int) -> str:
    return left_behind.act(left, now=now)


def decide(now: datetime, *, left: int, rep: int, by: int) -> int:
    return left_behind.give(left, rep=user(rep), by=user(by), now=now).user_id


def leave(now: datetime, *, rep: int) -> int:
    return leaving.leave(rep, now=now, by=None)


def assess(now: datetime) -> int:
    return assessment.assess(now=now)


def qualify(now: datetime, *, lead: int) -> None:
    qualification.qualify(lead, now=now)


def merge(now: datetime, *, winner: int, loser: int) -> int:
    return merging.merge(winner, loser, now=now).pk


def send(now: datetime, *, source: int, body: str) -> list[int]:
    envelope = split_batch(body.encode())
    read = [read_item(None, item, envelope, received_at=now) for item in envelope.items]
    receipted = take_in(read, source=Source.objects.get(pk=source), now=now, bodies=[i.raw for i in envelope.items])
    return [receipted.accepted, receipted.duplicate, len(receipted.refused)]


JOBS: dict[str, Callable[..., Any]] = {
    job.__name__: job
    for job in (
        accept,
        reject,
        reroute,
        contest,
        uphold,
        overturn,
        give_back,
        convert_to,
        undo,
        touch,
        take_touch_back,
        dial,
        fire,
        fire_by_the_wall,
        extend,
        route,
        route_each,
        route_all,
        wake_up,
        pull,
    )
    + (hand_over, give, be_away, begin, act, decide, leave, assess, qualify, merge, send)
}

"""The clocks of new hops: what each of them promises, worked out for many at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from leads.models import User
from scoring.models import Lane
from sla.clocks import policies, promising
from sla.clocks.promising import Promise
from sla.clocks.starting import Start, start_all
from sla.models import ClockTiming, Handoff, PolicyTarget, Rep, State, Target
from sla.people import calendars
from sla.worktime import remaining

ON_ACCEPT = (Target.DEPTH, Target.QUALIFY)


def on_offer(handoff: Handoff) -> tuple[Target, ...]:
    """What runs from the offer on: an answer and a first touch; of a closing leg the answer alone."""
    if handoff.is_closing:
        return (Target.ACCEPT,)
    return (Target.FIRST_TOUCH,) if handoff.state == State.ACCEPTED else (Target.ACCEPT, Target.FIRST_TOUCH)


def on_accept(handoff: Handoff) -> tuple[Target, ...]:
    """What runs from accepting on: follow-up depth and qualify; nothing of a signal, which promises an answer alone,
    and of a closing leg, which accepting ends.
    """
    return () if handoff.is_closing or handoff.lane == Lane.SIGNAL else ON_ACCEPT


def start_offered(handoffs: Sequence[Handoff], *, why: str, by: User | None = None) -> list[ClockTiming]:
    """Start the clocks of new hops from their offers, in the order given: accept and first touch, one lead after
    another where the policy says how long one takes; accept has none where it is accepted already, and those of
    accepting run as well. Returns what each was counted from. Raises NotCountable.
    """
    promises = _Promises(handoffs)
    starts = []
    for handoff in handoffs:
        now, accepted = handoff.offered_at, handoff.state == State.ACCEPTED
        made = [("offer", each) for each in promises.one_by_one(handoff, on_offer(handoff))]
        if accepted:
            made += [("accept", each) for each in promises.each(handoff, on_accept(handoff))]
        starts += [
            Start(handoff.episode, handoff, each.target.target, cause, now, each, why, now, by) for cause, each in made
        ]
    return start_all(starts)


def lock_queues(handoffs: Collection[Handoff]) -> None:
    """Where promises of one rep are made one after another, they are made by one at a time: lock the reps."""
    users = [handoff.user_id for handoff in handoffs if handoff.policy_version.minutes_each is not None]
    if users:
        list(Rep.objects.select_for_update().filter(user__in=users).order_by("pk").values_list("pk"))


class _Promises:
    """What is promised to some hand-offs: calendars and queues are read once, equal promises are counted once."""

    def __init__(self, handoffs: Sequence[Handoff]) -> None:
        lock_queues(handoffs)
        self._calendars = calendars.Known(handoffs)
        self._made: dict[tuple[int, datetime, datetime | None, tuple[int, ...]], Promise] = {}
        queued = [each for each in handoffs if each.policy_version.minutes_each is not None]
        self._queues: dict[int, list[datetime]] = {}
        if queued:
            users = {each.user_id for each in queued}
            self._queues = promising.promised_by(users, leave_out=[each.pk for each in handoffs])

    def each(self, handoff: Handoff, wanted: Sequence[str], *, arrived_at: datetime | None = None) -> list[Promise]:
        """What the policy promises of these targets, each by itself, counted from the offer."""
        heat = policies.heat_of(handoff)
        lines = [policies.target_for(handoff.policy_version, target, heat) for target in wanted]
        return [self._promise(handoff, line, arrived_at) for line in lines if line is not None]

    def one_by_one(self, handoff: Handoff, wanted: Sequence[str]) -> list[Promise]:
        """The same, after all that the rep has promised before; and from now on they have promised this."""
        now = handoff.offered_at
        made = self.each(handoff, wanted, arrived_at=handoff.episode.opened_at if handoff.hop == 1 else now)
        queue = self._queues.setdefault(handoff.user_id, [])
        if handoff.policy_version.minutes_each is not None:
            hours = self._calendars.hours_of_rep(handoff)
            made = promising.after(sorted(remaining(hours, now, due) for due in queue), made, hours, now=now)
        if made:
            queue.append(min(each.due_at for each in made))
        return made

    def _promise(self, handoff: Handoff, line: PolicyTarget, arrived_at: datetime | None) -> Promise:
        versions = self._calendars.versions(handoff, line.hours)
        arrived_at = arrived_at if line.outside_seconds is not None else None
        key = (line.pk, handoff.offered_at, arrived_at, tuple(versions))
        if key not in self._made:
            start_at = handoff.offered_at
            self._made[key] = promising.promise_in(versions, line, start_at=start_at, arrived_at=arrived_at)
        return self._made[key]

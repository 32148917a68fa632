"""The floor: what happens on it, in the order of time, and what must be true after each of it.

One queue holds what people will do; the clocks hold what is due. Whichever comes first happens next, by the real verb,
then the waiting are routed, and the lookout looks. Nothing here asks what time it is: the seed decides everything.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from leads.errors import Refused
from scoring.models import Episode, Phase
from sla import routing
from sla.clocks import escalation
from sla.models import Clock, Handoff
from tests.year.company import House
from tests.year.lookout import Lookout

Happening = Callable[[], object]
SWEEP = "the sweep"
STUCK_FOR = timedelta(hours=6)
LOOK_AT_EVERYTHING_EVERY = timedelta(days=28)


class Floor:
    """A clock that leaps from one happening to the next."""

    def __init__(self, house: House, *, seed: int, begins_at: datetime, ends_at: datetime) -> None:
        self.house, self.dice = house, random.Random(seed)
        self.now, self.ends_at = begins_at, ends_at
        self.clocks_down_until = begins_at
        self.lookout = Lookout()
        self.counted: Counter[str] = Counter()
        self.told = hashlib.sha256()
        self.on_offer: list[Callable[[Handoff], None]] = []
        self._plans: list[tuple[datetime, int, str, Happening]] = []
        self._numbers = itertools.count()
        self._last_offer = Handoff.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self._stuck: dict[int, datetime] = {}
        self._sweep_at = begins_at
        self.say: Callable[[str], None] = lambda sentence: None

    def plan(self, at: datetime, what: str, happening: Happening) -> None:
        """Let this happen then."""
        heapq.heappush(self._plans, (at, next(self._numbers), what, happening))

    def run(self, *, look: bool = True) -> None:
        """Go on until the end, looking after every step."""
        everything_at = self.now + LOOK_AT_EVERYTHING_EVERY
        while (what := self._step()) is not None:
            self._route()
            self._tell(what)
            if look:
                self.lookout.look(f"step {self.steps}: {what} at {self.now}")
            if look and self.now >= everything_at:
                self.lookout.look_at_everything(f"step {self.steps}, at {self.now}")
                everything_at = self.now + LOOK_AT_EVERYTHING_EVERY
                self.say(f"  {self.now:%d %B %Y}: {self.steps:,} steps, all invariants hold everywhere")
        self._nothing_was_lost()

    @property
    def steps(self) -> int:
        return sum(self.counted.values())

    def _step(self) -> str | None:
        """The next happening: a clock's or a person's. None at the end."""
        due = Clock.objects.filter(next_step_at__isnull=False).order_by("next_step_at", "id").first()
        fires_at = max(due.next_step_at, self.clocks_down_until) if due is not None and due.next_step_at else None
        planned = self._plans[0][0] if self._plans else None
        first = min((at for at in (fires_at, planned) if at is not None), default=None)
        if first is None or first > self.ends_at:
            return None
        assert first >= self.now or fires_at != first or self.now == self.clocks_down_until, f"{due} was due at {first}"
        self.now = max(self.now, first)
        if due is not None and fires_at == first:
            assert escalation.fire(due.pk, now=self.now), f"{due} has a step due that does not fire"
            return self._count(f"clock: {due.target}")
        _, _, what, happening = heapq.heappop(self._plans)
        try:
            happening()
        except Refused as refused:
            what = f"{what}, refused: {refused.code}"
        return self._count(what)

    def ask_again(self, episode_id: int) -> None:
        """Somebody may be able to take it now, whoever could not before."""
        self._stuck.pop(episode_id, None)

    def _route(self) -> None:
        """What the sweep does; whom nobody could take is asked again a while later, as things then stand."""
        waiting = dict(Episode.objects.filter(phase=Phase.WAITING).values_list("pk", "route_not_before"))
        self._stuck = {pk: until for pk, until in self._stuck.items() if pk in waiting}
        free = (pk for pk, not_before in waiting.items() if not_before is None or not_before <= self.now)
        asked = {pk for pk in free if self._stuck.get(pk, self.now) <= self.now}
        line = routing.waiting_page(now=self.now, limit=100_000) if asked else []
        for episode_id in (pk for pk in line if pk in asked):
            asked.discard(episode_id)
            if routing.route(episode_id, now=self.now) is None:
                self._stuck[episode_id] = self.now + STUCK_FOR
            else:
                self._stuck.pop(episode_id, None)
        self._stuck |= dict.fromkeys(asked, self.now + STUCK_FOR)  # in the pool, or a manager's to decide
        if self._stuck and self._sweep_at <= self.now:
            self._sweep_at = self.now + STUCK_FOR
            self.plan(self._sweep_at, SWEEP, lambda: None)
        offers = Handoff.objects.filter(pk__gt=self._last_offer).select_related("user", "episode__lead").order_by("pk")
        for handoff in offers:
            self._last_offer = handoff.pk
            self._tell(f"offer to {handoff.user.full_name}, hop {handoff.hop}, of {handoff.episode.lead.last_name}")
            for answer in self.on_offer:
                answer(handoff)

    def _nothing_was_lost(self) -> None:
        late = Clock.objects.filter(next_step_at__lt=self.now, held_back_at=None)
        assert not late.exists() or self.now < self.clocks_down_until, [str(clock) for clock in late[:5]]

    def _count(self, what: str) -> str:
        self.counted[what] += 1
        return what

    def _tell(self, what: str) -> None:
        self.told.update(f"{self.now.isoformat()} {what}\n".encode())

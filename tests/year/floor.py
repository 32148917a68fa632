"""The floor: what happens on it, in the order of time, and what must be true after each of it.

One queue holds what people will do; the clocks hold what is due. Whichever comes first happens next, by the real verb
or, as the clock process does it, by the page; then those who wait are routed by the page, and the lookout looks.
Nothing here asks what time it is: the seed decides everything.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from leads.errors import Refused
from scoring.models import Episode, Phase
from sla import routing
from sla.clocks import due_page
from sla.clockwork import PAGE, fire_due
from sla.models import Clock, Handoff
from sla.routing import pages
from sla.routing.books import Books
from sla.routing.rounds import AT_ONCE, REFUSED
from tests.year.company import House
from tests.year.lookout import Lookout

Happening = Callable[[], object]
A_WEEK = timedelta(days=7)


class Floor:
    """A clock that leaps from one happening to the next."""

    def __init__(self, house: House, *, seed: int, begins_at: datetime, ends_at: datetime) -> None:
        self.house, self.dice = house, random.Random(seed)
        self.now, self.ends_at = begins_at, ends_at
        self.clocks_down_until = begins_at
        self.lookout = Lookout()
        self.steps = 0
        self.counted: Counter[str] = Counter()
        self.told = hashlib.sha256()
        self.on_offer: list[Callable[[Handoff], None]] = []
        self.on_no: list[Callable[[int], None]] = []
        self.on_opening: list[Callable[[Episode], None]] = []
        self._plans: list[tuple[datetime, int, str, Happening]] = []
        self._numbers = itertools.count()
        self._last_offer = Handoff.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self._last_opened = Episode.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self._stuck: set[int] = set()
        self.say: Callable[[str], None] = lambda sentence: None

    def plan(self, at: datetime, what: str, happening: Happening) -> None:
        """Let this happen then."""
        heapq.heappush(self._plans, (at, next(self._numbers), what, happening))

    def run(self, *, look: bool = True) -> None:
        """Go on until the end, looking after every step."""
        everything_at = self.now + A_WEEK
        while self.step(look=look):
            if look and self.now >= everything_at and self.lookout.is_rested:
                self.lookout.look_at_everything(f"step {self.steps}, at {self.now}")
                everything_at = self.now + A_WEEK
                self.say(f"  {self.now:%d %B %Y}: {self.steps:,} steps, all invariants hold everywhere")
        self._nothing_was_lost()

    def step(self, *, look: bool) -> bool:
        """What happens next, what the sweep of the waiting makes of it, and a look at both; False at the end."""
        what = self._next()
        if what is None:
            return False
        self.steps += 1
        self._route()
        self._tell(what)
        if look:
            self.lookout.look(f"step {self.steps}: {what} at {self.now}")
        return True

    def _next(self) -> str | None:
        """The next happening: a person's, or a page of clocks. None at the end."""
        steps = Clock.objects.filter(next_step_at__isnull=False).order_by("next_step_at", "id")
        due = steps.values_list("next_step_at", flat=True).first()
        fires_at = max(due, self.clocks_down_until) if due is not None else None
        planned = self._plans[0][0] if self._plans else None
        first = min((at for at in (fires_at, planned) if at is not None), default=None)
        if first is None or first > self.ends_at:
            return None
        assert first >= self.now or fires_at != first or self.now == self.clocks_down_until, (
            f"a clock was due at {first}"
        )
        self.now = max(self.now, first)
        if fires_at == first:
            return self._fire()
        _, _, what, happening = heapq.heappop(self._plans)
        try:
            happening()
        except Refused as refused:
            what = f"{what}, refused: {refused.code}"
        self.counted[what] += 1
        return what

    def _fire(self) -> str:
        """A page of what is due, as the clock process fires it."""
        page = dict(Clock.objects.filter(pk__in=due_page(now=self.now, limit=PAGE)).values_list("pk", "target"))
        fired = fire_due(lambda: self.now)
        assert fired, f"{page} have steps due that do not fire"
        failed = Clock.objects.filter(pk__in=page, held_back_at__isnull=False)
        assert not failed, [(str(clock), clock.held_back_why) for clock in failed]
        self.counted.update(f"clock: {target}" for target in page.values())
        return f"clocks: {sorted(page.values())}"

    def ask_again(self) -> None:
        """As things stand now, somebody may be able to take those whom nobody could take before."""
        self._stuck.clear()

    def has_said_no(self, handoff_id: int) -> None:
        """A rep has rejected or returned it, for good."""
        for answer in self.on_no:
            answer(handoff_id)

    def _route(self) -> None:
        """What a woken worker does; whom nobody could take is asked for again by the next sweep of everything."""
        waiting = dict(Episode.objects.filter(phase=Phase.WAITING).values_list("pk", "route_not_before"))
        if waiting:
            self._opened()
        self._stuck &= waiting.keys()
        free = {pk for pk, not_before in waiting.items() if not_before is None or not_before <= self.now}
        asked = free - self._stuck
        line = routing.waiting_page(now=self.now, limit=len(asked), only=asked) if asked else []
        made = self._offer(line)
        self._stuck |= asked - made  # in the pool, a manager's to decide, or nobody is there
        offers = Handoff.objects.filter(pk__gt=self._last_offer).select_related("user", "episode__lead").order_by("pk")
        for handoff in offers:
            self._last_offer = handoff.pk
            self._tell(f"offer to {handoff.user.full_name}, hop {handoff.hop}, of {handoff.episode.lead.last_name}")
            for answer in self.on_offer:
                answer(handoff)

    def _offer(self, line: Sequence[int]) -> set[int]:
        """Offer those who wait a page at a time, and where one of it is refused each by itself; who was offered."""
        made: set[int] = set()
        books = Books(self.now)
        for start in range(0, len(line), AT_ONCE):
            page = line[start : start + AT_ONCE]
            try:
                made |= pages.route(page, now=self.now, books=books).made.keys()
            except REFUSED:
                made |= {pk for pk in page if routing.route(pk, now=self.now, books=books) is not None}
        return made

    def _opened(self) -> None:
        """Matters that have opened, however that came about."""
        opened = Episode.objects.filter(pk__gt=self._last_opened).select_related("lead").order_by("pk")
        for episode in opened:
            self._last_opened = episode.pk
            self._tell(f"{episode.opened_by} opens for {episode.lead.last_name}, {episode.tier}")
            for answer in self.on_opening:
                answer(episode)

    def _nothing_was_lost(self) -> None:
        late = Clock.objects.filter(next_step_at__lt=self.now, held_back_at=None)
        assert not late.exists() or self.now < self.clocks_down_until, [str(clock) for clock in late[:5]]

    def _tell(self, what: str) -> None:
        self.told.update(f"{self.now.isoformat()} {what}\n".encode())

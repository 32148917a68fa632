"""The funnel: who hears of the company, what they do over weeks, and how that comes in through the doors.

Most only look around and are never qualified. A tracker sends what they did some hours at a time, a raised hand comes
at once, at whatever hour, and the list of a trade fair as a file. What they did is scored by the definition in force,
fades with time, and opens a matter where it suffices: nothing here qualifies anybody by hand.
"""

from __future__ import annotations

import csv
import heapq
import io
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from leads import intake, wire
from leads.importing import uploads
from leads.models import AwaitingAssessment, Lead, Source
from leads.sources import create_source
from scoring.assessment import assess
from tests.year.floor import Floor

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AT_MOST = 200  # messages that a tracker sends at once
A_LIST = 40  # of so many people one comes by a file, and not by the site
ARTICLE, PRICING, WEBINAR, TRIAL = "Read Article", "Visited Pricing Page", "Attended Webinar", "Started Free Trial"
CAREERS, DEMO, OPTS_OUT = "Visited Careers Page", "Requested Demo", "Unsubscribed"
# How often, and what they do: of those who only look around, and of those who mean it.
LOOK_AROUND: tuple[tuple[int, tuple[str, ...]], ...] = (
    (60, ()),
    (20, (ARTICLE, ARTICLE)),
    (10, (ARTICLE, PRICING)),
    (7, (WEBINAR, CAREERS)),
    (3, (TRIAL, CAREERS, ARTICLE)),
)
MEAN_IT: tuple[tuple[int, tuple[str, ...]], ...] = (
    (4, (ARTICLE, PRICING, WEBINAR, PRICING)),
    (4, (PRICING, TRIAL)),
    (3, (WEBINAR, PRICING, TRIAL, PRICING)),
    (2, (PRICING, DEMO)),
)
COME_BACK: tuple[str, ...] = (PRICING, TRIAL, PRICING)
SENIOR, JUNIOR = ("VP of Sales", "Director of Operations", "CEO"), ("Account Manager", "Intern", "Sales Assistant")


@dataclass(frozen=True)
class Person:
    """Somebody who may become a customer."""

    number: int
    title: str
    country: str

    @property
    def key(self) -> str:
        return f"person-{self.number}"

    @property
    def email(self) -> str:
        return f"iris{self.number}@floor{self.number}.example"


class Funnel:
    """Everybody who will ever be heard of, and the doors they come by."""

    def __init__(self, floor: Floor) -> None:
        self.floor, self.dice = floor, floor.dice
        self.source, _ = create_source("Website", kind=Source.Kind.SERVER)
        self.people: dict[str, Person] = {}
        self.taken_in = 0
        self._numbers = itertools.count(1)
        self._unsent: list[tuple[datetime, int, dict[str, Any]]] = []

    def invite(self, *, leads: int, mean_it: float) -> None:
        """Plan who will be heard of and what they do; a share of them means it."""
        span = (self.floor.ends_at - self.floor.now).total_seconds() * 0.9
        listed: list[Person] = []
        for number in range(leads):
            serious = self.dice.random() < mean_it
            title = self.dice.choice(SENIOR if self.dice.random() < (0.9 if serious else 0.15) else JUNIOR)
            person = Person(number, title, self.dice.choice(list(self.floor.house.teams)))
            begins = self.floor.now + timedelta(seconds=self.dice.random() * span)
            kinds = MEAN_IT if serious else LOOK_AROUND
            (steps,) = self.dice.choices([steps for _, steps in kinds], [weight for weight, _ in kinds])
            self.people[person.email] = person
            if number % A_LIST == 0:
                listed.append(person)
            if number % A_LIST != 0 or steps:
                self._say(begins, person, {"type": "identify", "traits": traits(person)})
            self.acts(person, steps, since=begins)
        self._lists(listed, span)

    def acts(self, person: Person, steps: Iterable[str], *, since: datetime, within: timedelta = 6 * DAY) -> None:
        """They do this, one after the other, some time apart."""
        at = since
        for name in steps:
            at += timedelta(seconds=self.dice.uniform(60, within.total_seconds()))
            if name == DEMO:
                self.floor.plan(at, "hand-raise", lambda at=at: self.raises_hand(person))
            else:
                self._say(at, person, {"type": "track", "event": name})

    def raises_hand(self, person: Person) -> None:
        """They ask for us, in the middle of the night as well: a message of its own, judged at once."""
        said = [{"type": "identify", "traits": traits(person)}, {"type": "track", "event": DEMO}]
        self._send([self._message(self.floor.now, person, each) for each in said])
        judge(self.floor)

    def flush(self) -> None:
        """The tracker sends what people did since the last time; whoever it was is scored."""
        due: list[dict[str, Any]] = []
        while self._unsent and self._unsent[0][0] <= self.floor.now:
            due.append(heapq.heappop(self._unsent)[-1])
        for start in range(0, len(due), AT_MOST):
            self._send(due[start : start + AT_MOST])

    def person_of(self, lead: Lead) -> Person:
        """Who this lead is."""
        return self.people[lead.email or ""]

    def _say(self, at: datetime, person: Person, said: dict[str, Any]) -> None:
        heapq.heappush(self._unsent, (at, next(self._numbers), self._message(at, person, said)))

    def _message(self, at: datetime, person: Person, said: dict[str, Any]) -> dict[str, Any]:
        message_id = f"floor-{next(self._numbers)}"
        return said | {"userId": person.key, "messageId": message_id, "timestamp": at.isoformat()}

    def _send(self, messages: Sequence[dict[str, Any]]) -> None:
        """One body, as it comes over the wire; none of it is refused."""
        envelope = wire.split_batch(json.dumps({"batch": messages}).encode())
        read = [wire.read_item(None, item, envelope, received_at=self.floor.now) for item in envelope.items]
        bodies = [item.raw for item in envelope.items]
        taken = intake.take_in(read, source=self.source, now=self.floor.now, bodies=bodies)
        assert (taken.accepted, taken.refused) == (len(messages), ()), taken
        self.taken_in += taken.accepted

    def _lists(self, listed: Sequence[Person], span: float) -> None:
        """Files of the people met at fairs, some at a time."""
        for number, start in enumerate(range(0, len(listed), A_LIST), 1):
            some = listed[start : start + A_LIST]
            at = self.floor.now + timedelta(seconds=self.dice.random() * span)
            self.floor.plan(at, "list", lambda some=some, number=number: self._import(some, number))

    def _import(self, people: Sequence[Person], number: int) -> None:
        """A manager uploads a list."""
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(("Email", "First name", "Last name", "Job title", "Country"))
        rows.writerows((each.email, "Iris", f"Vale {each.number}", each.title, each.country) for each in people)
        now, by = self.floor.now, self.floor.house.manager
        upload = uploads.keep(f"fair-{number}.csv", text.getvalue().encode(), now=now, by=by)
        job = uploads.take_in(upload, now=now, by=by)
        assert (job.done, job.refused) == (len(people), 0), job.report
        judge(self.floor)


def judge(floor: Floor) -> None:
    """What a woken worker does: whoever is marked is scored, and who reaches the bar qualifies. Nobody fails."""
    while assess(now=floor.now):
        pass
    left = list(AwaitingAssessment.objects.values_list("lead", flat=True)[:5])
    assert not left, f"Leads {left} could not be judged"


def traits(person: Person) -> dict[str, Any]:
    """What an identify call says of a person."""
    name = {"firstName": "Iris", "lastName": f"Vale {person.number}", "title": person.title}
    return {"email": person.email, "address": {"country": person.country}, **name}

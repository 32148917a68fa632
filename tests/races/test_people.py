"""Reps go on leave or leave for good while leads are offered, pulled and accepted: nothing stays with who is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from leads.models import TeamMembership
from sla import handoffs, routing, touches
from sla.models import Absence, Handoff, HandoffChange, LeftBehind, Rep, RoutingRule, State
from sla.people import absences, beginning, left_behind
from tests.desk import Company, person
from tests.races.conftest import PATIENCE, SOME, refused, routed, waiting
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)

Rounds = Callable[[int], Iterator[int]]


@pytest.fixture
def mornings(now: datetime, without_ada: Company, rounds: Rounds) -> Iterator[datetime]:
    """One a round, two days apart; Ben has nothing left, is there, and nobody else is."""

    def each() -> Iterator[datetime]:
        for number in rounds(SOME):
            at = now + (2 * number + 1) * DAY
            Rep.objects.filter(pk=without_ada.ben.pk).update(is_active=True)
            yield at
            done = at + DAY
            for absence in Absence.objects.filter(ends_at__gt=done):
                absences.end_early(absence.pk, now=done, by=None)
            for handoff in Handoff.objects.open().select_related("user"):
                answer = handoffs.reject if handoff.state == State.OFFERED else handoffs.return_
                answer(handoff.pk, reason="bad_contact", by=handoff.user, now=done)
            Rep.objects.filter(pk=without_ada.ada.pk).update(is_active=False)

    return each()


def moves(handoff: Handoff, to_state: str) -> int:
    return HandoffChange.objects.filter(handoff=handoff, to_state=to_state).count()


class TestAnAbsence:
    def test_against_an_acceptance_leaves_it_behind_or_moves_it_on(
        self, track: Track, house: Company, mornings: Iterator[datetime]
    ) -> None:
        for at in mornings:
            handoff = routed(house, now=at)
            answers = track.race(
                {"do": "accept", "handoff": handoff.pk, "by": house.ben.user_id, "now": at + SECOND},
                {"do": "be_away", "rep": house.ben.pk, "now": at + SECOND},
            )
            handoff.refresh_from_db()
            assert refused(answers) == (["already_decided"] if handoff.state == "moved" else [])
            assert moves(handoff, "accepted") == (handoff.state == "accepted")
            assert LeftBehind.objects.filter(handoff=handoff).count() == (handoff.state == "accepted")
            assert Absence.objects.get(rep=house.ben, ends_at__gt=at + DAY).begun_at is not None

    def test_against_an_offer_leaves_nothing_with_who_is_away(
        self, track: Track, house: Company, mornings: Iterator[datetime], now: datetime
    ) -> None:
        line = iter(waiting(house, now=now))
        for at in mornings:
            answers = track.race(
                {"do": "route", "episode": next(line), "now": at + SECOND - timedelta(milliseconds=1)},
                {"do": "be_away", "rep": house.ben.pk, "now": at + SECOND},
            )
            assert answers[1]["answer"] == answers[0]["answer"], "what was offered in time has moved on"
            assert not Handoff.objects.open().exists()

    def test_that_ends_its_grace_twice_at_once_moves_it_on_once(
        self, track: Track, house: Company, mornings: Iterator[datetime]
    ) -> None:
        for at in mornings:
            handoff, left, due_at = self.left(house, at=at)
            job = {"do": "act", "left": left.pk, "now": due_at}
            answers = track.race(job, job)
            assert sorted(answer["answer"] for answer in answers) == ["", "reoffered"]
            assert moves(handoff, "moved") == 1

    def test_that_two_managers_decide_is_decided_once(
        self, track: Track, house: Company, mornings: Iterator[datetime]
    ) -> None:
        other = person("manager", "Nils Aden")
        TeamMembership.objects.create(team=house.team, user=other, is_manager=True)
        for at in mornings:
            handoff, left, due_at = self.left(house, at=at, touched=True)
            assert left_behind.act(left.pk, now=due_at) == "manager"
            Rep.objects.filter(pk=house.ada.pk).update(is_active=True)
            job = {"do": "decide", "left": left.pk, "rep": house.ada.user_id, "now": due_at + SECOND}
            answers = track.race({**job, "by": house.manager.pk}, {**job, "by": other.pk})
            assert refused(answers) == ["already_settled"]
            assert Handoff.objects.filter(episode=handoff.episode_id).count() == 2

    def left(self, house: Company, *, at: datetime, touched: bool = False) -> tuple[Handoff, LeftBehind, datetime]:
        """What Ben has accepted and leaves behind, and when its grace ends."""
        handoff = routed(house, now=at)
        handoffs.accept(handoff.pk, by=house.ben.user, now=at)
        if touched:
            lead = handoff.episode.lead_id
            rep = house.ben.user
            touches.record(
                lead, means="call", outcome="reached", performed_by=rep, recorded_by=rep, occurred_at=at, now=at
            )
        absence = absences.add(house.ben.pk, starts_at=at, ends_at=at + 30 * DAY, now=at, by=None)
        beginning.begin(absence.pk, now=at)
        left = LeftBehind.objects.get(handoff=handoff)
        assert left.due_at is not None
        LeftBehind.objects.filter(pk=left.pk).update(due_at=at + SECOND)
        return handoff, left, at + SECOND


class TestLeaving:
    def test_against_an_acceptance_moves_it_on_all_the_same(
        self, track: Track, house: Company, mornings: Iterator[datetime]
    ) -> None:
        for at in mornings:
            handoff = routed(house, now=at)
            answers = track.race(
                {"do": "accept", "handoff": handoff.pk, "by": house.ben.user_id, "now": at + SECOND},
                {"do": "leave", "rep": house.ben.pk, "now": at + SECOND},
            )
            handoff.refresh_from_db()
            assert (handoff.state, answers[1]["answer"]) == ("moved", 1)
            assert refused(answers) == (["already_decided"] if not moves(handoff, "accepted") else [])

    def test_against_an_offer_leaves_nothing_with_who_is_gone(
        self, track: Track, house: Company, mornings: Iterator[datetime], now: datetime
    ) -> None:
        line = iter(waiting(house, now=now))
        for at in mornings:
            answers = track.race(
                {"do": "route", "episode": next(line), "now": at + SECOND},
                {"do": "leave", "rep": house.ben.pk, "now": at + SECOND},
            )
            assert answers[1]["answer"] == answers[0]["answer"], "what was offered in time has moved on"
            assert not Handoff.objects.open().exists()

    def test_against_a_pull_leaves_nothing_with_who_is_gone(
        self, track: Track, house: Company, mornings: Iterator[datetime], now: datetime
    ) -> None:
        RoutingRule.objects.update(if_nobody=RoutingRule.IfNobody.POOL)
        Rep.objects.update(is_active=False)
        for episode in waiting(house, now=now):
            assert routing.route(episode, now=now) is None
        for at in mornings:
            answers = track.race(
                {"do": "pull", "by": house.ben.user_id, "now": at + SECOND},
                {"do": "leave", "rep": house.ben.pk, "now": at + SECOND},
            )
            assert answers[1]["answer"] == (0 if refused(answers) else 1)
            assert refused(answers) in ([], ["cannot_pull"], ["inactive_rep"])
            assert not Handoff.objects.open().exists()

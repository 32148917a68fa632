"""A rejection is contested once and decided once, whoever is quicker; and nobody is offered the lead twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from leads.models import Outcome, Role, TeamMembership
from sla import contests, handoffs
from sla.models import Contest, Handoff
from tests.desk import Company, person
from tests.races.conftest import PATIENCE, SOME, offers, refused
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

HOUR = timedelta(hours=1)

Rounds = Callable[[int], Iterator[int]]


@pytest.fixture
def line(without_ada: Company, now: datetime, rounds: Rounds) -> Iterator[Handoff]:
    """Leads that Ben has rejected, one a round."""
    found = offers(without_ada, now=now)
    for handoff in found:
        handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=now)
    return (found[number] for number in rounds(SOME))


class TestTwoMarketers:
    def test_contest_a_rejection_once(self, track: Track, line: Iterator[Handoff], now: datetime) -> None:
        theo, rhea = person(Role.MARKETING, "Theo Marsh"), person(Role.MARKETING, "Rhea Vane")
        for handoff in line:
            job = {"do": "contest", "handoff": handoff.pk, "now": now + HOUR}
            answers = track.race({**job, "by": theo.pk}, {**job, "by": rhea.pk})
            assert refused(answers) == ["cannot_contest"]
            winner = next(answer["answer"] for answer in answers if "answer" in answer)
            assert Contest.objects.get(handoff=handoff).by_id == winner


class TestTwoManagers:
    def test_decide_once(self, track: Track, house: Company, line: Iterator[Handoff], now: datetime) -> None:
        theo, olga = person(Role.MARKETING, "Theo Marsh"), person(Role.MANAGER, "Olga East")
        TeamMembership.objects.create(team=house.team, user=olga, is_manager=True)
        for handoff in line:
            made = contests.contest(handoff.pk, words="No", by=theo, now=now + HOUR)
            at = now + 2 * HOUR
            answers = track.race(
                {"do": "uphold", "contest": made.pk, "by": olga.pk, "now": at},
                {"do": "overturn", "contest": made.pk, "to": house.ben.user_id, "by": house.manager.pk, "now": at},
            )
            assert refused(answers) == ["already_decided"]
            made.refresh_from_db()
            hops = Handoff.objects.filter(episode=handoff.episode_id).count()
            counts = Outcome.objects.filter(
                matter=handoff.episode.public_id, kind="rejected", withdrawn_at=None
            ).exists()
            assert (made.decision, hops, counts) in (("upheld", 1, True), ("overturned", 2, False))

    def test_give_it_back_once(self, track: Track, house: Company, line: Iterator[Handoff], now: datetime) -> None:
        theo = person(Role.MARKETING, "Theo Marsh")
        for handoff in line:
            made = contests.contest(handoff.pk, words="No", by=theo, now=now + HOUR)
            job = {"do": "overturn", "contest": made.pk, "to": house.ben.user_id, "now": now + 2 * HOUR}
            answers = track.race({**job, "by": house.manager.pk}, {**job, "by": house.manager.pk})
            assert refused(answers) == ["already_decided"]
            assert Handoff.objects.open().filter(episode=handoff.episode_id).count() == 1

"""Two workers at the same work: one hand-off, nobody over capacity, one episode, one lead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from leads import marking
from leads.models import Activity, AwaitingAssessment, Identity, Lead, Receipt, Source, Stage
from leads.sources import create_source
from scoring.models import Episode, Qualification
from sla import routing
from sla.handoffs import open_load
from sla.models import CapacityOverride, Handoff, Rep
from tests.desk import Company, act
from tests.races.conftest import PATIENCE, SOME, refused, routed, waiting
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

Rounds = Callable[[int], Iterator[int]]

SECOND = timedelta(seconds=1)
_numbers = count(1)


class TestRouting:
    def test_of_one_episode_offers_it_once(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        line = waiting(house, now=now)
        for number in rounds(SOME):
            job = {"do": "route", "episode": line[number], "now": now + SECOND}
            answers = track.race(job, job)
            assert sorted(answer["answer"] for answer in answers) == [False, True]
            assert Handoff.objects.filter(episode=line[number]).count() == 1

    def test_of_many_never_passes_capacity(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        for number in rounds(max(3, SOME // 3)):
            Rep.objects.update(capacity=number + 1)
            waiting(house, 4, now=now)
            job = {"do": "route_all", "now": now + SECOND}
            answers = track.race(job, job)
            assert {open_load(rep) for rep in Rep.objects.all()} == {number + 1}
            assert sum(answer["answer"] for answer in answers) == 2
        assert not CapacityOverride.objects.exists()

    def test_of_two_for_one_room_offers_one(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        line = waiting(house, 2 * SOME, now=now)
        for number in rounds(SOME):
            Rep.objects.filter(pk=house.ben.pk).update(capacity=number + 1)
            pair = line[2 * number : 2 * number + 2]
            answers = track.race(*({"do": "route", "episode": each, "now": now + SECOND} for each in pair))
            assert sorted(answer["answer"] for answer in answers) == [False, True]

    def test_against_an_answer_never_passes_capacity(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        """Room that a rep's no makes is used once."""
        Rep.objects.update(capacity=1)
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        for step in rounds(SOME // 2):
            at = now + timedelta(minutes=step)
            handoff = Handoff.objects.open().first() or routed(house, now=at)
            house.episode(house.lead(now=at), now=at)
            track.race(
                {"do": "reject", "handoff": handoff.pk, "by": house.ben.user_id, "now": at + SECOND},
                {"do": "route_all", "now": at + SECOND},
            )
            assert open_load(house.ben) <= 1
        assert not CapacityOverride.objects.exists()


class TestIntake:
    PEOPLE = 25

    @pytest.fixture
    def source(self, transactional_db: None) -> Source:
        return create_source("Backend", kind="server")[0]

    def batch(self, users: list[str], *, event: str, mark: str) -> str:
        calls: list[dict[str, Any]] = []
        for user in users:
            traits = {"email": f"{user}@brightforge.example", "company": {"name": "Brightforge"}}
            calls.append({"type": "identify", "userId": user, "traits": traits, "messageId": f"{mark}-i-{user}"})
            calls.append({"type": "track", "userId": user, "event": event, "messageId": f"{mark}-t-{user}"})
        return json.dumps({"batch": calls})

    def test_of_batches_in_opposite_order_loses_nothing(
        self, track: Track, source: Source, now: datetime, rounds: Rounds
    ) -> None:
        everyone: set[str] = set()
        wanted = max(2, SOME // 4)
        for step in rounds(wanted):
            users = [f"u{step}-{number}" for number in range(self.PEOPLE)]
            everyone |= set(users)
            answers = track.race(
                {
                    "do": "send",
                    "source": source.pk,
                    "body": self.batch(users, event="Viewed", mark=f"a{step}"),
                    "now": now,
                },
                {
                    "do": "send",
                    "source": source.pk,
                    "body": self.batch(users[::-1], event="Bought", mark=f"b{step}"),
                    "now": now,
                },
            )
            assert [answer["answer"] for answer in answers] == [[2 * self.PEOPLE, 0, 0]] * 2
        assert set(Identity.objects.filter(kind="user_id").values_list("value", flat=True)) == everyone
        assert Lead.objects.live().count() == len(everyone)
        assert Activity.objects.count() == 2 * len(everyone)
        assert Receipt.objects.count() == 4 * len(everyone)
        assert AwaitingAssessment.objects.count() == len(everyone)

    def test_of_the_same_batch_twice_stores_it_once(
        self, track: Track, source: Source, now: datetime, rounds: Rounds
    ) -> None:
        wanted = max(2, SOME // 4)
        for step in rounds(wanted):
            users = [f"v{step}-{number}" for number in range(self.PEOPLE)]
            body = self.batch(users, event="Viewed", mark=f"c{step}")
            job = {"do": "send", "source": source.pk, "body": body, "now": now}
            answers = [answer["answer"] for answer in track.race(job, job)]
            assert [sum(counts) for counts in zip(*answers, strict=True)] == [2 * self.PEOPLE, 2 * self.PEOPLE, 0]
        assert Activity.objects.count() == wanted * self.PEOPLE


class TestAssessment:
    def test_of_the_same_marks_opens_each_matter_once(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        for _ in rounds(max(2, SOME // 4)):
            leads = [house.lead(now=now) for _ in range(5)]
            for lead in leads:
                act(lead, "Started Free Trial", at=now)
            job = {"do": "assess", "now": now + SECOND}
            track.race(job, job)
            assert not AwaitingAssessment.objects.exists()
            for lead in leads:
                assert Qualification.objects.filter(lead=lead).count() == 1
                assert Episode.objects.get(lead=lead).phase == "waiting"

    def test_of_two_colleagues_opens_one_matter_for_both(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        for _ in rounds(SOME):
            one = house.lead(now=now)
            other = house.colleague(one, now=now)
            for lead in (one, other):
                act(lead, "Visited Pricing Page", at=now)
            track.race(
                {"do": "qualify", "lead": one.pk, "now": now + SECOND},
                {"do": "qualify", "lead": other.pk, "now": now + SECOND},
            )
            episode = Episode.objects.get(account=one.account)
            assert episode.members.filter(left_at=None).count() == 2
            AwaitingAssessment.objects.all().delete()

    def test_of_a_colleague_against_a_verdict_leaves_nobody_behind(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        """Either they joined in time and follow it, or they stand alone after it."""
        for _ in rounds(SOME):
            one = house.lead(now=now)
            other = house.colleague(one, now=now)
            assert routing.route(house.episode(one, now=now).pk, now=now)
            handoff = Handoff.objects.get(episode__lead=one)
            act(other, "Visited Pricing Page", at=now)
            answers = track.race(
                {"do": "reject", "handoff": handoff.pk, "by": handoff.user_id, "now": now + 2 * SECOND},
                {"do": "qualify", "lead": other.pk, "now": now + SECOND},
            )
            assert refused(answers) == []
            other.refresh_from_db()
            followed = other.memberships.filter(episode=handoff.episode_id).exists()
            assert other.stage == (Stage.NURTURE if followed else Stage.MQL)
            AwaitingAssessment.objects.all().delete()

    def test_loses_no_mark_that_comes_meanwhile(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        source = create_source("Backend", kind="server")[0]
        for _ in rounds(SOME):
            lead = house.lead(now=now)
            user = f"m{next(_numbers)}"
            Identity.objects.create(kind="user_id", value=user, lead=lead, bound_at=now)
            act(lead, "Read Article", at=now)
            event = {"type": "track", "userId": user, "event": "Started Free Trial", "messageId": user}
            track.race(
                {"do": "assess", "now": now + SECOND},
                {"do": "send", "source": source.pk, "body": json.dumps({"batch": [event]}), "now": now},
            )
            track.race({"do": "assess", "now": now + SECOND}, {"do": "assess", "now": now + SECOND})
            assert Episode.objects.filter(lead=lead).count() == 1


class TestMerging:
    def pair(self, house: Company, now: datetime) -> tuple[Lead, Lead]:
        one, other = house.lead(now=now), house.lead(now=now)
        act(other, "Started Free Trial", at=now)
        return one, other

    def settle(self, house: Company, track: Track, one: Lead, other: Lead, now: datetime) -> Lead:
        """Judge what the merge has marked, and return the lead that stays with its one open episode."""
        marking.mark([one.pk, other.pk], now=now)
        track.race({"do": "assess", "now": now + 2 * SECOND}, {"do": "assess", "now": now + 2 * SECOND})
        winner = Lead.objects.live().get(pk__in=[one.pk, other.pk])
        assert Episode.objects.filter(lead__in=[one, other], closed_at=None).count() == 1
        assert Episode.objects.get(lead__in=[one, other], closed_at=None).lead_id == winner.pk
        return winner

    def test_against_a_qualification_leaves_one_episode(
        self, track: Track, house: Company, now: datetime, rounds: Rounds
    ) -> None:
        for _ in rounds(SOME):
            one, other = self.pair(house, now)
            answers = track.race(
                {"do": "merge", "winner": one.pk, "loser": other.pk, "now": now + SECOND},
                {"do": "qualify", "lead": other.pk, "now": now + SECOND},
            )
            assert refused(answers) == []
            assert self.settle(house, track, one, other, now).pk == one.pk

    def test_from_both_ends_happens_once(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        for _ in rounds(SOME):
            one, other = self.pair(house, now)
            answers = track.race(
                {"do": "merge", "winner": one.pk, "loser": other.pk, "now": now + SECOND},
                {"do": "merge", "winner": other.pk, "loser": one.pk, "now": now + SECOND},
            )
            assert refused(answers) == ["already_merged"]
            self.settle(house, track, one, other, now)

    def test_against_an_acceptance_keeps_it(self, track: Track, house: Company, now: datetime, rounds: Rounds) -> None:
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        for _ in rounds(SOME):
            one, handoff = house.lead(now=now), routed(house, now=now)
            other = handoff.episode.lead
            answers = track.race(
                {"do": "merge", "winner": one.pk, "loser": other.pk, "now": now + SECOND},
                {"do": "accept", "handoff": handoff.pk, "by": house.ben.user_id, "now": now + SECOND},
            )
            assert refused(answers) == []
            handoff.refresh_from_db()
            assert handoff.state == "accepted"
            assert Lead.objects.get(pk=one.pk).stage == Stage.SAL

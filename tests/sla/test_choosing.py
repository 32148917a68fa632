"""Which policy holds: the first whose condition does, asked at opening and again at each offer, rise and hand-raise."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads.models import Lead
from scoring import episodes
from sla import handoffs, publishing
from sla.handoffs import answers
from sla.models import Clock, Handoff, Policy, PolicyTarget, PolicyVersion, Target
from tests.desk import Company, assign_clock, clock_of, company

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def before_all(house: Company, field: str, value: str, *, now: datetime, place: int = 0) -> PolicyVersion:
    """The house's policy again for some, asked before it; everything within a minute, and one touch is the depth."""
    policy = Policy.objects.create(name=f"{field} {value}", position=-1_000_000 + place)
    condition = {"field": field, "op": "is", "value": value}
    version = PolicyVersion.objects.create(policy=policy, number=1, condition=condition)
    for line in house.policy.targets.all():
        touches = 1 if line.target == Target.DEPTH else None
        PolicyTarget.objects.create(
            version=version, target=line.target, heat=line.heat, seconds=60, hours="always", touches=touches
        )
    return publishing.publish_policy(version, now=now, by=None)


def policy_of(clock: Clock) -> PolicyVersion:
    return clock.timings.latest("number").policy_version


def test_at_opening(house: Company, now: datetime) -> None:
    germans = before_all(house, "lead.country", "Germany", now=now)
    german = assign_clock(house.episode(house.lead(now=now, country="Germany"), now=now))
    other = assign_clock(house.episode(house.lead(now=now, country="France"), now=now))

    assert (policy_of(german), policy_of(other)) == (germans, house.policy)
    assert german.due_at < other.due_at


def test_by_the_first_that_holds(house: Company, now: datetime) -> None:
    before_all(house, "lead.country", "Germany", now=now, place=2)
    first = before_all(house, "episode.tier", "warm", now=now, place=1)

    assert policy_of(assign_clock(house.episode(house.lead(now=now, country="Germany"), now=now))) == first


def test_again_at_each_offer(house: Company, now: datetime) -> None:
    germans = before_all(house, "lead.country", "Germany", now=now)
    lead = house.lead(now=now)
    episode = house.episode(lead, now=now)
    first = house.offer(episode, now=now)
    Lead.objects.filter(pk=lead.pk).update(country="Germany")
    handoffs.move_on(first, why="absence", now=now + HOUR)
    episode.refresh_from_db()
    episode.lead.refresh_from_db()
    second = house.offer(episode, now=now + HOUR, rep=house.ada)

    assert (first.policy_version, second.policy_version) == (house.policy, germans)
    assert policy_of(clock_of(second, Target.ACCEPT)) == germans


def test_again_when_the_tier_rises(house: Company, now: datetime) -> None:
    hot = before_all(house, "episode.tier", "hot", now=now)
    handoff = house.offered(now=now)
    assert handoff.policy_version == house.policy
    assert episodes.raise_tier(handoff.episode, "hot", now=now + HOUR)

    assert Handoff.objects.get(pk=handoff.pk).policy_version == hot
    for target in (Target.ACCEPT, Target.FIRST_TOUCH):
        clock = clock_of(handoff, target)
        assert policy_of(clock) == hot
        assert clock.due_at == now + HOUR + timedelta(seconds=60)


def test_again_when_a_hand_is_raised(house: Company, now: datetime) -> None:
    fast = before_all(house, "episode.lane", "fast", now=now)
    handoff = house.offered(now=now)
    assert episodes.raise_hand(handoff.episode, activity_id=7, now=now + HOUR)

    assert Handoff.objects.get(pk=handoff.pk).policy_version == fast
    assert policy_of(clock_of(handoff, Target.FIRST_TOUCH)) == fast
    assert answers.depth_of(handoff) == 1  # the depth of the policy that holds now, not of the one before

"""Policies and calendars: which one holds, what may be published, and what every installation starts with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from leads.errors import Invalid
from scoring.models import Lane, Tier
from sla import matching, publishing, shipped
from sla.clocks import policies
from sla.models import (
    Calendar,
    CalendarVersion,
    Heat,
    LadderStep,
    Policy,
    PolicyTarget,
    PolicyVersion,
    Target,
)
from tests.desk import Company, company

pytestmark = pytest.mark.django_db

GERMANY = {"field": "lead.country", "op": "is", "value": "Germany"}


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def fresh(**fields: Any) -> PolicyVersion:
    """A draft that could be published: everybody is promised an assignment and a first touch."""
    policy = Policy.objects.create(name=f"Fresh {Policy.objects.count()}", position=fields.pop("position", 0))
    version = PolicyVersion.objects.create(policy=policy, number=1, **fields)
    for target, seconds in ((Target.ASSIGN, 60), (Target.FIRST_TOUCH, 3600)):
        for heat in Heat:
            PolicyTarget.objects.create(version=version, target=target, heat=heat, seconds=seconds)
    return version


class TestChoose:
    @pytest.mark.parametrize(("country", "chosen"), [("germany ", "first"), ("France", "standing"), ("", "standing")])
    def test_takes_the_first_whose_condition_holds(
        self, house: Company, now: datetime, country: str, chosen: str
    ) -> None:
        first = publishing.publish_policy(fresh(position=-1_000_000, condition=GERMANY), now=now, by=None)
        lead = house.lead(now=now, country=country)
        version = policies.choose(house.episode(lead, now=now), lead)

        assert version == (first if chosen == "first" else house.policy)

    def test_reads_only_what_is_published(self, house: Company, now: datetime) -> None:
        fresh(position=-1_000_000)
        lead = house.lead(now=now)

        assert policies.choose(house.episode(lead, now=now), lead) == house.policy

    def test_says_that_none_holds(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now)
        episode = house.episode(lead, now=now)
        with transaction.atomic():
            PolicyVersion.objects.filter(state="published").update(state="retired")
            with pytest.raises(policies.NoPolicy, match="empty condition"):
                policies.choose(episode, lead)

    @pytest.mark.parametrize(
        ("tier", "lane", "heat"),
        [
            (Tier.HOT, Lane.FAST, Heat.HAND_RAISE),
            (Tier.COOL, Lane.FAST, Heat.HAND_RAISE),
            (Tier.HOT, Lane.NORMAL, Heat.HOT),
            (Tier.COOL, Lane.NORMAL, Heat.COOL),
        ],
    )
    def test_reads_the_lane_before_the_tier(
        self, house: Company, now: datetime, tier: str, lane: str, heat: Heat
    ) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        episode.tier, episode.lane = tier, lane

        assert policies.heat_of(episode) == heat


class TestConditions:
    def test_are_checked_before_they_count(self) -> None:
        matching.check({})
        matching.check({"any": [GERMANY, {"field": "trait.plan", "op": "is_set"}]})
        for wrong in ({"field": "lead.shoe_size", "op": "is", "value": 44}, {"field": "lead.country"}, {"x": 1}):
            with pytest.raises(Invalid, match="can't be read"):
                matching.check(wrong)


class TestPublishPolicy:
    def test_puts_a_draft_in_force_and_retires_the_former(self, house: Company, now: datetime) -> None:
        version = publishing.draft_policy(house.policy.policy)
        assert publishing.draft_policy(house.policy.policy) == version
        assert version.targets.count() == house.policy.targets.count()
        assert version.steps.count() == house.policy.steps.count()
        assert (version.number, version.max_hops, version.state) == (2, 2, "draft")
        publishing.publish_policy(version, now=now, by=house.manager)

        version.refresh_from_db()
        former = PolicyVersion.objects.get(pk=house.policy.pk)
        assert (version.state, version.published_at, version.published_by) == ("published", now, house.manager)
        assert (former.state, former.retired_at) == ("retired", now)
        assert house.policy.targets.count() == version.targets.count()

    def test_publishes_no_version_twice(self, house: Company, now: datetime) -> None:
        with pytest.raises(publishing.NotPublishable, match="already published"):
            publishing.publish_policy(house.policy, now=now, by=None)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda v: v.targets.filter(target="first_touch").delete(), "No first-touch target for hand-raise, hot"),
            (lambda v: v.targets.filter(target="first_touch", heat="cool").delete(), "first-touch target for cool"),
            (lambda v: v.targets.filter(target="assign", heat="warm").delete(), "No assign target for warm"),
            (
                lambda v: PolicyTarget.objects.create(version=v, target="accept", heat="hot", seconds=60),
                "No accept target for warm and cool",
            ),
            (
                lambda v: v.targets.filter(target="first_touch", heat="hand_raise").update(seconds=7200),
                "First touch gives hand-raise leads more time than hot ones",
            ),
            (
                lambda v: LadderStep.objects.create(version=v, target="qualify", share=100, action="tell_rep"),
                "a step for qualify, but nothing is promised",
            ),
            (
                lambda v: PolicyVersion.objects.filter(pk=v.pk).update(condition={"field": "x", "op": "is"}),
                "The condition can't be read",
            ),
        ],
    )
    def test_says_what_to_change(self, now: datetime, change: Any, sentence: str) -> None:
        version = fresh()
        publishing.check_policy(version)
        change(version)

        with pytest.raises(Invalid, match=sentence):
            publishing.publish_policy(version, now=now, by=None)
        assert PolicyVersion.objects.get(pk=version.pk).state == "draft"

    def test_is_final_in_the_database_too(self, house: Company) -> None:
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            house.policy.targets.update(seconds=1)
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            PolicyVersion.objects.filter(pk=house.policy.pk).update(max_hops=9)


class TestPublishCalendar:
    def test_makes_the_next_version_in_its_normal_form(self, house: Company, now: datetime) -> None:
        calendar = Calendar.objects.create(name="Berlin")
        spec = {"weekly": {"tue": [["13:00", "17:00"], ["09:00", "12:00"]], "wed": []}, "time_zone": "Europe/Berlin"}
        first = publishing.publish_calendar(calendar, spec, now=now, by=house.manager)
        again = publishing.publish_calendar(calendar, spec | {"holidays": []}, now=now, by=house.manager)
        second = publishing.publish_calendar(calendar, spec | {"holidays": ["2026-12-25"]}, now=now, by=None)

        assert first.spec == {
            "time_zone": "Europe/Berlin",
            "weekly": {"tue": [["09:00", "12:00"], ["13:00", "17:00"]]},
        }
        assert again == first
        assert (first.number, second.number, first.created_by) == (1, 2, house.manager)
        assert calendar.current() == second

    def test_says_what_is_wrong(self, now: datetime) -> None:
        calendar = Calendar.objects.create(name="Nowhere")
        with pytest.raises(publishing.NotPublishable, match="is not a time zone") as refused:
            publishing.publish_calendar(calendar, {"time_zone": "Nowhere", "weekly": {}}, now=now, by=None)

        assert refused.value.state == {"field": "time_zone"}
        assert not calendar.versions.exists()


class TestShipped:
    def test_starts_with_a_calendar_and_a_policy_that_could_be_published(self) -> None:
        policy = PolicyVersion.objects.get(policy__name=shipped.POLICY, state="published")
        publishing.check_policy(policy)
        version = CalendarVersion.objects.get(calendar__name=shipped.CALENDAR)

        assert version.spec == shipped.WEEKDAYS
        assert policy.condition == {}
        first_touch = {line.heat: line.seconds for line in policy.targets.filter(target="first_touch")}
        assert first_touch == {"hand_raise": 900, "hot": 3600, "warm": 14_400, "cool": None}
        assert policies.target_for(policy, "first_touch", "cool").business_days == 1  # type: ignore[union-attr]
        assert policies.target_for(policy, "accept", "hand_raise") is None

    def test_leaves_alone_what_people_made(self) -> None:
        versions = list(PolicyVersion.objects.values_list("pk", flat=True))
        calendars = list(CalendarVersion.objects.values_list("pk", flat=True))
        shipped.ship()

        assert list(PolicyVersion.objects.values_list("pk", flat=True)) == versions
        assert list(CalendarVersion.objects.values_list("pk", flat=True)) == calendars

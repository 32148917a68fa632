"""What can't hold is refused before it is in force, naming the field and the way out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from leads import endpoints
from leads.errors import Invalid
from sla import publishing
from sla.models import LadderStep, PolicyTarget, PolicyVersion, Rep, RoutingRule
from tests import desk

pytestmark = pytest.mark.django_db
NINE_TO_NOON = [["09:00", "12:00"]]


@pytest.fixture
def house(now: datetime) -> desk.Company:
    return desk.company(now)


class TestCalendars:
    @pytest.mark.parametrize(
        ("spec", "field", "way_out"),
        [
            ({"time_zone": "UTC", "weekly": {}}, "weekly", "never open. Give at least one day hours"),
            (
                {"time_zone": "UTC", "weekly": {"mon": NINE_TO_NOON}, "weekly_breaks": {"mon": NINE_TO_NOON}},
                "weekly",
                "never open. Give at least one day hours that breaks do not cover",
            ),
            (
                {"time_zone": "UTC", "weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
                "weekly",
                "11:00-13:00 overlaps 09:00-12:00. End one where the other begins, or join them",
            ),
            (
                {"time_zone": "UTC", "weekly": {"mon": [["22:00", "06:00"]], "tue": [["05:00", "09:00"]]}},
                "weekly",
                "05:00-09:00 overlaps 22:00-06:00 of mon",
            ),
            (
                {"time_zone": "Mars/Olympus", "weekly": {"mon": NINE_TO_NOON}},
                "time_zone",
                "not a time zone. Give a name",
            ),
            ({"weekly": {"mon": NINE_TO_NOON}}, "time_zone", "is missing. Give a name"),
            ({"time_zone": "UTC", "weekly": {"mon": NINE_TO_NOON}, "holiday": []}, "holiday", "Its parts are"),
        ],
    )
    def test_that_cannot_be_are_never_in_force(
        self, spec: dict[str, Any], field: str, way_out: str, house: desk.Company, now: datetime
    ) -> None:
        calendar = house.team.desk.calendar
        with pytest.raises(Invalid, match=way_out) as refused:
            publishing.publish_calendar(calendar, spec, now=now, by=None)
        assert refused.value.state["field"] == field
        assert calendar.versions.count() == 1


class TestWebhooks:
    @pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.8", "[fd00::1]", "169.254.169.254"])
    def test_into_a_private_network_are_never_told_anything(
        self, host: str, house: desk.Company, now: datetime
    ) -> None:
        with pytest.raises(Invalid, match="private network.*give a public https address") as refused:
            endpoints.add(
                name="Ours",
                kind="standard",
                url=f"https://{host}/in",
                events=["clock.breached"],
                now=now,
                by=house.manager,
            )
        assert refused.value.state["field"] == "url"


class TestPolicies:
    def no_targets(self, draft: PolicyVersion, house: desk.Company) -> None:
        draft.steps.all().delete()
        draft.targets.all().delete()

    def none_for_hot(self, draft: PolicyVersion, house: desk.Company) -> None:
        draft.targets.filter(target="first_touch", heat="hot").delete()

    def slower_for_hot(self, draft: PolicyVersion, house: desk.Company) -> None:
        draft.targets.filter(target="accept", heat="hot").update(seconds=9 * 3600)

    def step_without_target(self, draft: PolicyVersion, house: desk.Company) -> None:
        draft.targets.filter(target="qualify").delete()

    def hop_to_nobody(self, draft: PolicyVersion, house: desk.Company) -> None:
        Rep.objects.exclude(pk=house.ben.pk).update(is_active=False)

    def unreadable(self, draft: PolicyVersion, house: desk.Company) -> None:
        PolicyVersion.objects.filter(pk=draft.pk).update(condition={"field": "lead.land", "op": "is", "value": "x"})

    @pytest.mark.parametrize(
        ("spoil", "field", "way_out"),
        [
            ("no_targets", "targets", "No first-touch target for .*Say by when"),
            ("none_for_hot", "targets", "No first-touch target for hot. Say by when"),
            ("slower_for_hot", "targets", "Give the hotter ones the shorter time"),
            ("step_without_target", "ladder", "Add the target or remove the step"),
            ("hop_to_nobody", "ladder", "Add a second rep"),
            ("unreadable", "condition", "no field “lead.land”"),
        ],
    )
    def test_that_cannot_be_kept_are_never_published(
        self, spoil: str, field: str, way_out: str, house: desk.Company, now: datetime
    ) -> None:
        RoutingRule.objects.exclude(team=house.team).update(is_active=False)
        draft = publishing.draft_policy(house.policy.policy)
        getattr(self, spoil)(draft, house)
        with pytest.raises(Invalid, match=way_out) as refused:
            publishing.publish_policy(draft, now=now, by=None)
        assert refused.value.state["field"] == field
        assert PolicyVersion.objects.get(pk=draft.pk).state == "draft"

    def test_keep_what_was_promised_before(self, house: desk.Company, now: datetime) -> None:
        draft = publishing.draft_policy(house.policy.policy)
        PolicyTarget.objects.filter(version=draft).delete()
        LadderStep.objects.filter(version=draft).delete()
        with pytest.raises(Invalid):
            publishing.publish_policy(draft, now=now, by=None)
        assert PolicyVersion.objects.get(pk=house.policy.pk).state == "published"

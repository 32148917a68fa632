"""The ladder in full: when each step is, what it does, and what may be published."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from leads.models import Endpoint, Notification, Team, User
from sla import clocks, publishing, routing
from sla.admin.moments import Moment, read_moment, say_moment
from sla.clocks import escalation
from sla.clocks.soundness import LadderRefused
from sla.models import Calendar, Clock, Desk, Handoff, LadderStep, PolicyVersion, Rep, Target
from sla.routing import why_waiting
from tests.desk import Company, assign_clock, clock_of, company, rep_in

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def climbing(house: Company, *steps: dict[str, Any], now: datetime, hours: str = "always") -> PolicyVersion:
    """The house's policy with these steps instead of its own."""
    version = publishing.draft_policy(house.policy.policy)
    version.steps.all().delete()
    version.targets.all().update(hours=hours)
    for step in steps:
        LadderStep.objects.create(version=version, **{"target": Target.ACCEPT} | step)
    return publishing.publish_policy(version, now=now, by=None)


def other_team(house: Company, name: str = "East") -> Team:
    team = Team.objects.create(name=name)
    Desk.objects.create(team=team, calendar=Calendar.objects.filter(desks__team=house.team).get())
    rep_in(team, "Ole Berg")
    return team


class TestMoments:
    @pytest.mark.parametrize(
        ("typed", "moment", "said"),
        [
            ("75 %", (75, None, False), "75 %"),
            ("150%", (150, None, False), "150 %"),
            ("10 min before", (None, -600, False), "10 min before"),
            ("1 h 30 min before", (None, -5400, False), "90 min before"),
            ("At the due time", (None, 0, False), "at the due time"),
            ("2 h after", (None, 7200, False), "2 h after"),
            ("2 h after, round the clock", (None, 7200, True), "2 h after, round the clock"),
            ("0 min after", (None, 0, False), "at the due time"),
        ],
    )
    def test_are_read_and_said_back(self, typed: str, moment: tuple[Any, ...], said: str) -> None:
        assert read_moment(typed) == Moment(*moment)
        assert say_moment(Moment(*moment)) == said

    @pytest.mark.parametrize(
        "typed", ["", "soon", "75", "0 %", "1001 %", "75 %, round the clock", "x before", "5 after"]
    )
    def test_are_refused_with_an_example(self, typed: str) -> None:
        with pytest.raises(ValueError, match=r"75 %|1000 %|working time"):
            read_moment(typed)

    @pytest.mark.parametrize(
        ("step", "sentence"),
        [
            ({"share": 75, "from_due": 60, "action": "tell_rep"}, "Give a share"),
            ({"action": "tell_rep"}, "Give a share"),
            ({"share": 75, "round_the_clock": True, "action": "tell_rep"}, "counted round the clock"),
            ({"from_due": -60, "action": "hop"}, "only at or after"),
            ({"share": 99, "action": "pool"}, "only at or after"),
            ({"share": 100, "action": "hop", "target": "assign"}, "only at or after"),
            ({"share": 100, "action": "tell_rep", "target": "assign"}, "no rep to tell"),
            ({"share": 100, "action": "team", "target": "assign"}, "Another team"),
        ],
    )
    def test_are_one_and_possible(self, house: Company, step: dict[str, Any], sentence: str) -> None:
        version = publishing.draft_policy(house.policy.policy)
        with pytest.raises(ValidationError, match=sentence):
            LadderStep(version=version, **{"target": "accept"} | step).validate_constraints()


class TestSchedule:
    def test_counts_lengths_in_the_hours_of_the_clock(self, house: Company, now: datetime) -> None:
        # Tuesday 15:00, Mon–Fri 9–17: accept within two hours is due at closing time.
        climbing(
            house,
            {"from_due": -1800, "action": "tell_rep"},
            {"from_due": 0, "action": "tell_manager"},
            {"from_due": 3600, "action": "tell_manager"},
            {"from_due": 3600, "round_the_clock": True, "action": "tell_manager"},
            now=now,
            hours="team",
        )
        clock = clock_of(house.offered(now=now), Target.ACCEPT)
        said = [(f"{step.at:%d %H:%M}", str(step.ladder_step or step.key)) for step in clocks.unfired(clock)]

        assert said == [
            ("10 16:30", "30 m before: Tell the rep"),
            ("10 17:00", "breach"),
            ("10 17:00", "at the due time: Tell the manager"),
            ("10 18:00", "1 h after, round the clock: Tell the manager"),
            ("11 10:00", "1 h after: Tell the manager"),
        ]

    def test_leaves_out_what_would_come_before_the_start(self, house: Company, now: datetime) -> None:
        climbing(
            house,
            {"from_due": -3600, "action": "tell_rep"},
            {"from_due": -3600, "round_the_clock": True, "action": "tell_manager"},
            now=now,
        )
        hot, cool = (clock_of(house.offered(now=now, tier=tier), Target.ACCEPT) for tier in ("hot", "cool"))

        assert [step.key for step in clocks.unfired(hot)] == ["breach"]  # half an hour in all
        assert [step.at for step in clocks.unfired(cool)] == [now + 3 * HOUR, now + 3 * HOUR, now + 4 * HOUR]

    def test_lets_everybody_be_told_before_the_lead_is_taken(self, house: Company, now: datetime) -> None:
        climbing(
            house,
            {"share": 100, "action": "hop"},
            {"share": 100, "action": "tell_manager"},
            {"from_due": 0, "action": "tell_rep"},
            now=now,
        )
        clock = clock_of(house.offered(now=now), Target.ACCEPT)
        escalation.fire(clock.pk, now=clock.due_at)

        assert [step.step.action for step in clock.fired.order_by("id") if step.step] == [
            "tell_manager",
            "tell_rep",
            "hop",
        ]
        assert Notification.objects.filter(kind="breach").count() == 2
        assert Handoff.objects.get(pk=clock.handoff_id).state == "moved"


class TestActions:
    def fired(self, house: Company, *steps: dict[str, Any], now: datetime) -> Clock:
        climbing(house, *steps, now=now)
        clock = clock_of(house.offered(now=now), Target.ACCEPT)
        escalation.fire(clock.pk, now=clock.due_at)
        return clock

    def test_tell_the_whole_team(self, house: Company, now: datetime) -> None:
        clock = self.fired(house, {"share": 100, "action": "tell_team"}, now=now)

        told = {row.recipient for row in Notification.objects.filter(effect_key__startswith=f"clock:{clock.pk}:")}
        assert told == {house.manager, house.ben.user, house.ada.user}

    def test_put_the_lead_into_the_pool_at_once(self, house: Company, now: datetime) -> None:
        clock = self.fired(house, {"share": 100, "action": "pool"}, now=now)
        handoff = Handoff.objects.get(pk=clock.handoff_id)
        later = clock.due_at + HOUR

        assert (handoff.state, handoff.episode.phase) == ("moved", "waiting")
        assert routing.route(handoff.episode_id, now=later) is None
        told = why_waiting(handoff.episode, now=later)
        assert told is not None
        assert (told.code, "ladder" in told.sentence) == ("pool", True)

    def test_skip_what_has_no_target_any_more_and_say_so(self, house: Company, now: datetime) -> None:
        climbing(house, {"share": 100, "action": "tell_rep"}, {"share": 100, "action": "tell_manager"}, now=now)
        clock = clock_of(house.offered(now=now), Target.ACCEPT)
        User.objects.update(is_active=False)
        assert escalation.fire(clock.pk, now=clock.due_at)

        said = [step.detail.get("skipped") for step in clock.fired.exclude(step=None).order_by("step__id")]
        assert said == ["the rep works here no more", "there is no manager"]
        assert not Notification.objects.filter(kind="breach").exists()

    def test_write_once_whoever_fires_again(self, house: Company, now: datetime) -> None:
        clock = self.fired(house, {"share": 100, "action": "tell_team"}, now=now)
        assert not escalation.fire(clock.pk, now=clock.due_at + HOUR)

        assert clock.fired.count() == 2
        assert Notification.objects.filter(kind="breach").count() == 3


class TestAssign:
    def waiting(self, house: Company, *steps: dict[str, Any], now: datetime) -> Clock:
        """A lead for which there is nobody: both reps are full."""
        climbing(house, *({"target": Target.ASSIGN} | step for step in steps), now=now)
        Rep.objects.update(capacity=0)
        return assign_clock(house.episode(house.lead(now=now), now=now))

    def test_asks_another_team_as_well(self, house: Company, now: datetime) -> None:
        east = other_team(house)
        clock = self.waiting(house, {"share": 100, "action": "team", "team": east}, now=now)
        Rep.objects.filter(user__memberships__team=east).update(capacity=5)
        assert routing.route(clock.episode_id, now=clock.due_at) is None
        escalation.fire(clock.pk, now=clock.due_at)

        handoff = routing.route(clock.episode_id, now=clock.due_at + MINUTE)
        assert handoff is not None
        assert (handoff.team, handoff.rule) == (east, None)

    def test_puts_it_into_the_pool_until_somebody_raises_a_hand(self, house: Company, now: datetime) -> None:
        clock = self.waiting(house, {"from_due": 60, "action": "pool"}, now=now)
        escalation.fire(clock.pk, now=clock.due_at + MINUTE)
        Rep.objects.update(capacity=5)
        assert routing.route(clock.episode_id, now=clock.due_at + HOUR) is None
        clock.refresh_from_db()
        assert clock.is_running

        at = clock.due_at + HOUR
        clock.episode.changes.create(what="hand_raised", at=at, detail={"activity_id": 1})
        assert routing.route(clock.episode_id, now=at + MINUTE) is not None

    def test_skips_a_team_that_takes_no_leads_any_more(self, house: Company, now: datetime) -> None:
        east = other_team(house)
        clock = self.waiting(house, {"share": 100, "action": "team", "team": east}, now=now)
        Rep.objects.filter(user__memberships__team=east).update(is_active=False)
        escalation.fire(clock.pk, now=clock.due_at)

        assert clock.fired.get(step__isnull=False).detail["skipped"] == "East takes no leads any more"


class TestPublishing:
    @pytest.mark.parametrize(
        ("steps", "sentence", "field"),
        [
            ([{"share": 120, "action": "hop"}, {"share": 150, "action": "tell_manager"}], "never happens", "ladder"),
            ([{"from_due": 60, "action": "pool"}, {"share": 150, "action": "tell_rep"}], "never happens", "ladder"),
            ([{"from_due": -14_400, "action": "tell_rep"}], "before the clock starts", "ladder"),
        ],
    )
    def test_says_what_can_never_happen(
        self, house: Company, now: datetime, steps: list[dict[str, Any]], sentence: str, field: str
    ) -> None:
        with pytest.raises(LadderRefused, match=sentence) as refused:
            climbing(house, *steps, now=now)
        assert refused.value.state["field"] == field

    def test_lets_a_ladder_be_longer_on_one_moment(self, house: Company, now: datetime) -> None:
        climbing(house, {"share": 100, "action": "hop"}, {"share": 100, "action": "tell_manager"}, now=now)

    def test_refuses_a_ladder_that_offers_to_nobody(self, house: Company, now: datetime) -> None:
        house.ada.is_active = False
        house.ada.save()
        with pytest.raises(LadderRefused, match="only one rep gets leads by the routing rules. Add a second rep"):
            climbing(house, {"share": 150, "action": "hop"}, now=now)

    def test_refuses_a_hop_where_only_one_offer_is_allowed(self, house: Company, now: datetime) -> None:
        version = publishing.draft_policy(house.policy.policy)
        PolicyVersion.objects.filter(pk=version.pk).update(max_hops=1)
        with pytest.raises(LadderRefused, match="Allow at least two") as refused:
            publishing.publish_policy(version, now=now, by=None)
        assert refused.value.state["field"] == "max_hops"

    def test_refuses_a_team_without_anybody(self, house: Company, now: datetime) -> None:
        empty = Team.objects.create(name="Nobody yet")
        with pytest.raises(LadderRefused, match="Nobody yet has no desk or no active rep"):
            climbing(house, {"target": "assign", "share": 100, "action": "team", "team": empty}, now=now)


def test_the_clock_that_fires_asks_little_of_the_database(
    house: Company, now: datetime, django_assert_num_queries: Any
) -> None:
    climbing(house, {"share": 100, "action": "tell_rep"}, {"share": 100, "action": "tell_manager"}, now=now)
    first, second = (clock_of(house.offered(now=now), Target.ACCEPT) for _ in range(2))
    escalation.fire(first.pk, now=first.due_at)
    with django_assert_num_queries(10):
        escalation.fire(second.pk, now=second.due_at)


class TestEndpoints:
    def step(self, house: Company, now: datetime, **fields: Any) -> tuple[Clock, Endpoint]:
        endpoint = Endpoint.objects.create(name="Room", url="https://chat.example/in", events=[], created_at=now)
        climbing(house, {"share": 100, "action": "webhook", "endpoint": endpoint} | fields, now=now)
        return clock_of(house.offered(now=now), Target.ACCEPT), endpoint

    @pytest.mark.parametrize(("share", "event"), [(75, "clock.warning"), (100, "clock.breached")])
    def test_are_told_once_subscribed_or_not(self, house: Company, now: datetime, share: int, event: str) -> None:
        clock, endpoint = self.step(house, now, share=share)
        for _ in range(2):
            escalation.fire(clock.pk, now=clock.due_at)

        told = Notification.objects.get(endpoint=endpoint)
        assert told.kind == event
        assert told.effect_key in clock.fired.get(step__isnull=False).detail["told"]

    def test_that_are_switched_off_are_passed_over(self, house: Company, now: datetime) -> None:
        clock, endpoint = self.step(house, now)
        Endpoint.objects.update(is_active=False)
        escalation.fire(clock.pk, now=clock.due_at)

        assert clock.fired.get(step__isnull=False).detail["skipped"] == "the endpoint Room is switched off"
        assert not Notification.objects.filter(endpoint=endpoint).exists()

    def test_must_be_named_and_in_use(self, house: Company, now: datetime) -> None:
        version = publishing.draft_policy(house.policy.policy)
        with pytest.raises(ValidationError, match="Name the endpoint"):
            LadderStep(version=version, target="accept", share=100, action="webhook").validate_constraints()
        off = Endpoint.objects.create(
            name="Off", url="https://chat.example/in", events=[], created_at=now, is_active=False
        )
        with pytest.raises(LadderRefused, match="Switch it on, or name another"):
            climbing(house, {"share": 100, "action": "webhook", "endpoint": off}, now=now)

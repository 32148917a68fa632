"""Clocks: what a deadline is counted from, and the arithmetic of its verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from scoring.models import Episode
from sla import clocks
from sla.models import (
    Calendar,
    CalendarVersion,
    Clock,
    ClockPause,
    ClockStep,
    Handoff,
    Heat,
    LadderStep,
    Policy,
    PolicyTarget,
    PolicyVersion,
    Rep,
    Target,
)
from tests.desk import Company, clock_of, company

pytestmark = pytest.mark.django_db

Hours = PolicyTarget.Hours
HOUR = timedelta(hours=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def handoff(house: Company, now: datetime) -> Handoff:
    return house.offered(now=now)


@pytest.fixture
def clock(handoff: Handoff) -> Clock:
    """First touch of a warm lead: four hours round the clock, from 15:00; its ladder is one step at 100 %."""
    return clock_of(handoff, Target.FIRST_TOUCH)


def draft(**fields: object) -> PolicyVersion:
    """A policy version of its own, with the ladder 75 % warn, 100 % tell the manager, 150 % hop, for accept."""
    version = PolicyVersion.objects.create(policy=Policy.objects.create(name=f"Of its own {fields}"), number=1)
    action = LadderStep.Action
    for share, act in ((75, action.TELL_REP), (100, action.TELL_MANAGER), (150, action.HOP)):
        LadderStep.objects.create(version=version, target=Target.FIRST_TOUCH, share=share, action=act)
    return version


def promised(version: PolicyVersion, *, heat: str = Heat.WARM, **fields: object) -> PolicyTarget:
    values = {"hours": Hours.TEAM} | fields
    return PolicyTarget.objects.create(version=version, target=Target.FIRST_TOUCH, heat=heat, **values)


def started(handoff: Handoff, target: PolicyTarget, *, at: datetime, cause: str = "test") -> Clock:
    """Another first-touch clock of this hand-off; the one it has is voided to make room."""
    for running in Clock.objects.filter(handoff=handoff, target=target.target, verdict=""):
        clocks.void(running, why="test", now=at)
    clock = clocks.start(
        episode=handoff.episode,
        handoff=handoff,
        target=target.target,
        cause=cause,
        start_at=at,
        policy_target=target,
        why="test",
        now=at,
    )
    assert clock is not None
    return clock


def calendar_of(spec: dict[str, object], now: datetime) -> Calendar:
    calendar = Calendar.objects.create(name=f"Hours {spec}"[:120])
    CalendarVersion.objects.create(calendar=calendar, number=1, spec=spec, created_at=now)
    return calendar


class TestStart:
    def test_keeps_all_that_the_deadline_was_counted_from(self, clock: Clock, now: datetime, house: Company) -> None:
        timing = clock.timings.get()

        assert clock.due_at == now + 4 * HOUR
        assert (timing.start_at, timing.budget_seconds, timing.calendar_versions) == (now, 4 * 3600, [])
        assert (timing.policy_version, timing.target_amount_of) == (house.policy, "warm")
        assert timing.due_at == clock.due_at == clocks.recompute(clock)

    def test_is_nothing_where_nothing_is_promised(self, handoff: Handoff, now: datetime) -> None:
        made = clocks.start(
            episode=handoff.episode,
            handoff=handoff,
            target=Target.DEPTH,
            cause="x",
            start_at=now,
            policy_target=None,
            why="x",
            now=now,
        )
        assert made is None

    def test_counts_in_the_hours_of_the_team(self, handoff: Handoff, now: datetime) -> None:
        # Tuesday 15:00, Mon–Fri 9–17: two of four hours today, the other two tomorrow.
        clock = started(handoff, promised(draft(), seconds=4 * 3600), at=now)

        assert clock.due_at == datetime(2026, 3, 11, 11, 0, tzinfo=UTC)
        assert clock.timings.get().calendar_versions == [handoff.team.desk.calendar.current().pk]

    def test_counts_business_days_by_their_budget(self, handoff: Handoff, now: datetime) -> None:
        clock = started(handoff, promised(draft(), business_days=1), at=now)

        assert clock.due_at == now + timedelta(days=1)
        # 75 % of the eight hours that the day is worth: two hours today, four tomorrow.
        assert clock.next_step_at == datetime(2026, 3, 11, 13, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("hours", "due", "calendars"),
        [
            (Hours.REP, (11, 18), 1),  # four of six hours on Tuesday from 16, two on Wednesday
            (Hours.BOTH, (12, 17), 2),  # both are open from 16 to 17 only
            (Hours.ROUND_THE_CLOCK, (10, 18), 0),
        ],
    )
    def test_counts_in_the_hours_the_target_names(
        self, handoff: Handoff, now: datetime, hours: str, due: tuple[int, int], calendars: int
    ) -> None:
        spec = {"time_zone": "UTC", "weekly": dict.fromkeys(("tue", "wed", "thu"), [["16:00", "20:00"]])}
        Rep.objects.filter(user=handoff.user).update(calendar=calendar_of(spec, now))
        budget = 6 * 3600 if hours == Hours.REP else 3 * 3600
        clock = started(handoff, promised(draft(), seconds=budget, hours=hours), at=now)

        day, hour = due
        assert clock.due_at == datetime(2026, 3, day, hour, 0, tzinfo=UTC)
        assert len(clock.timings.get().calendar_versions) == calendars

    def test_gives_a_rep_without_own_hours_the_teams(self, handoff: Handoff, now: datetime) -> None:
        target = promised(draft(), seconds=4 * 3600, hours=Hours.REP)

        assert started(handoff, target, at=now).due_at == datetime(2026, 3, 11, 11, 0, tzinfo=UTC)

    def test_keeps_the_hours_it_was_counted_by(self, handoff: Handoff, now: datetime) -> None:
        clock = started(handoff, promised(draft(), seconds=4 * 3600), at=now)
        spec = {"time_zone": "UTC", "weekly": {"mon": [["09:00", "10:00"]]}}
        CalendarVersion.objects.create(calendar=handoff.team.desk.calendar, number=2, spec=spec, created_at=now)

        assert clocks.recompute(clock) == clock.due_at

    def test_counts_in_the_teams_hours_where_team_and_rep_have_none_in_common(
        self, handoff: Handoff, now: datetime
    ) -> None:
        spec = {"time_zone": "UTC", "weekly": {"sat": [["09:00", "10:00"]]}}
        Rep.objects.filter(user=handoff.user).update(calendar=calendar_of(spec, now))
        clock = started(handoff, promised(draft(), seconds=60, hours=Hours.BOTH), at=now)

        assert clock.due_at == now + timedelta(minutes=1)
        assert clock.timings.get().calendar_versions == [handoff.team.desk.calendar.current().pk]

    def test_starts_one_clock_per_target_at_a_time(self, handoff: Handoff, clock: Clock, now: datetime) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            clocks.start(
                episode=handoff.episode,
                handoff=handoff,
                target=Target.FIRST_TOUCH,
                cause="again",
                start_at=now,
                policy_target=promised(draft(), seconds=60),
                why="x",
                now=now,
            )

    def test_counts_an_episode_in_the_hours_of_the_team_it_would_go_to(self, house: Company, now: datetime) -> None:
        episode: Episode = house.episode(house.lead(now=now), now=now)
        version = draft()
        target = PolicyTarget.objects.create(
            version=version, target=Target.ASSIGN, heat=Heat.WARM, seconds=4 * 3600, hours=Hours.TEAM
        )
        clocks.void(Clock.objects.get(episode=episode), why="test", now=now)
        clock = clocks.start(
            episode=episode,
            handoff=None,
            target=Target.ASSIGN,
            cause="test",
            start_at=now,
            policy_target=target,
            why="x",
            now=now,
        )

        assert clock is not None
        assert clock.due_at == datetime(2026, 3, 11, 11, 0, tzinfo=UTC)


class TestNextStep:
    def test_is_the_first_rung_of_the_ladder(self, handoff: Handoff, now: datetime) -> None:
        clock = started(handoff, promised(draft(), seconds=4 * 3600, hours=Hours.ROUND_THE_CLOCK), at=now)

        assert clock.next_step_at == now + 3 * HOUR
        assert [step.at for step in clocks.unfired(clock)] == [
            now + 3 * HOUR,  # 75 %
            now + 4 * HOUR,  # the breach
            now + 4 * HOUR,  # 100 %
            now + 6 * HOUR,  # 150 %
        ]
        assert clocks.unfired(clock)[1].key == clocks.BREACH

    def test_counts_shares_in_working_time(self, handoff: Handoff, now: datetime) -> None:
        clock = started(handoff, promised(draft(), seconds=4 * 3600), at=now)

        assert [f"{step.at:%d %H:%M}" for step in clocks.unfired(clock)] == [
            "11 10:00",
            "11 11:00",
            "11 11:00",
            "11 13:00",
        ]

    def test_passes_over_what_has_fired(self, clock: Clock, now: datetime) -> None:
        clocks.mark_breach(clock, now=now + 4 * HOUR, noticed_by="clock")
        clocks.wind(clock)

        assert [step.key for step in clocks.unfired(clock)][0].startswith("step:")
        assert clock.next_step_at == now + 4 * HOUR

    def test_finds_the_page_of_what_is_due(self, clock: Clock, now: datetime) -> None:
        just_before = now + 4 * HOUR - timedelta(microseconds=1)

        assert clock.pk not in clocks.due_page(now=just_before, limit=50)
        assert clock.pk in clocks.due_page(now=now + 4 * HOUR, limit=50)
        assert clocks.next_step_after(now=now + timedelta(hours=3)) == now + 4 * HOUR

    def test_leaves_alone_for_a_minute_what_failed(self, clock: Clock, now: datetime) -> None:
        failed_at = now + 5 * HOUR
        Clock.objects.filter(pk=clock.pk).update(held_back_at=failed_at, held_back_why="boom")

        assert clock.pk not in clocks.due_page(now=failed_at + timedelta(seconds=59), limit=50)
        assert clock.pk in clocks.due_page(now=failed_at + timedelta(seconds=60), limit=50)


class TestMeet:
    @pytest.mark.parametrize(
        ("late_by", "verdict", "breaches"),
        [
            (timedelta(microseconds=-1), "met", 0),
            (timedelta(0), "met", 0),  # on the instant is in time
            (timedelta(microseconds=1), "missed", 1),
            (timedelta(hours=9), "missed", 1),
        ],
    )
    def test_is_arithmetic(self, clock: Clock, late_by: timedelta, verdict: str, breaches: int) -> None:
        at = clock.due_at + late_by
        clocks.meet(clock, at=at, now=at)

        clock.refresh_from_db()
        assert (clock.verdict, clock.met_at, clock.next_step_at) == (verdict, at, None)
        assert clock.fired.filter(key="breach").count() == breaches
        assert (clock.breached_at is not None) == bool(breaches)

    def test_counts_when_it_happened_and_not_when_it_was_noticed(self, clock: Clock) -> None:
        clocks.mark_breach(clock, now=clock.due_at + HOUR, noticed_by="clock")
        clocks.meet(clock, at=clock.due_at - HOUR, now=clock.due_at + 2 * HOUR)

        clock.refresh_from_db()
        assert clock.verdict == "met"
        assert clock.breached_at == clock.due_at  # what was told stays in the history

    def test_leaves_an_ended_clock_as_it_ended(self, clock: Clock, now: datetime) -> None:
        clocks.meet(clock, at=now, now=now)
        clocks.meet(clock, at=now + HOUR, now=now + HOUR)

        clock.refresh_from_db()
        assert clock.met_at == now

    def test_reads_the_row_again(self, clock: Clock, now: datetime) -> None:
        stale = Clock.objects.get(pk=clock.pk)
        clocks.void(clock, why="withdrawn", now=now)
        clocks.meet(stale, at=now, now=now)

        assert stale.verdict == "voided"

    def test_is_marked_once_whoever_noticed(self, clock: Clock) -> None:
        at = clock.due_at + HOUR
        assert clocks.mark_breach(clock, now=at, noticed_by="clock")
        assert not clocks.mark_breach(clock, now=at, noticed_by="verb")
        clocks.meet(clock, at=at, now=at)

        assert ClockStep.objects.filter(clock=clock, key="breach").count() == 1


class TestVoid:
    def test_ends_a_promise_nobody_has_to_keep(self, clock: Clock, now: datetime) -> None:
        clocks.void(clock, why="rejected", now=now + HOUR)

        assert (clock.verdict, clock.void_reason, clock.breached_at) == ("voided", "rejected", None)

    def test_leaves_missed_what_was_past_due(self, clock: Clock) -> None:
        clocks.void(clock, why="rejected", now=clock.due_at + HOUR)

        assert clock.verdict == "missed"
        assert clock.breached_at == clock.due_at
        assert clock.fired.get().detail == {"noticed_by": "verb"}


class TestUnmeet:
    @pytest.mark.parametrize("ended_by", ["met", "voided"])
    def test_runs_again_with_the_same_due_instant(self, clock: Clock, now: datetime, ended_by: str) -> None:
        due_at = clock.due_at
        if ended_by == "met":
            clocks.meet(clock, at=now, now=now)
        else:
            clocks.void(clock, why="rejected", now=now)
        clocks.unmeet(clock, now=now + timedelta(seconds=10))

        clock.refresh_from_db()
        assert (clock.verdict, clock.met_at, clock.voided_at, clock.void_reason) == ("", None, None, "")
        assert clock.due_at == due_at
        assert clock.next_step_at == due_at


class TestTighten:
    def test_is_due_earlier_as_a_new_timing(self, clock: Clock, house: Company, now: datetime) -> None:
        hot = house.policy.targets.get(target=Target.FIRST_TOUCH, heat=Heat.HOT)
        risen_at = now + HOUR
        assert clocks.tighten(clock, hot, why="tier rose", now=risen_at)

        assert clock.due_at == risen_at + HOUR
        assert [timing.why for timing in clock.timings.order_by("number")] == ["offer", "tier rose"]
        assert clocks.recompute(clock) == clock.due_at
        assert clock.next_step_at == clock.due_at

    def test_never_loosens(self, clock: Clock, house: Company, now: datetime) -> None:
        hot = house.policy.targets.get(target=Target.FIRST_TOUCH, heat=Heat.HOT)
        due_at = clock.due_at

        assert not clocks.tighten(clock, hot, why="tier rose", now=due_at - HOUR)  # the same instant: nothing new
        assert not clocks.tighten(clock, hot, why="tier rose", now=due_at - HOUR / 2)
        assert (clock.due_at, clock.timings.count()) == (due_at, 1)

    def test_leaves_ended_clocks_alone(self, clock: Clock, house: Company, now: datetime) -> None:
        hot = house.policy.targets.get(target=Target.FIRST_TOUCH, heat=Heat.HOT)
        clocks.meet(clock, at=now, now=now)

        assert not clocks.tighten(clock, hot, why="tier rose", now=now)


class TestExplain:
    def test_shows_the_sum_gapless(self, handoff: Handoff, now: datetime) -> None:
        clock = started(handoff, promised(draft(), seconds=4 * 3600), at=now)
        told = clocks.explain(clock)

        assert [(f"{a:%d %H}", f"{b:%d %H}") for a, b, _ in told.counted] == [("10 15", "10 17"), ("11 09", "11 11")]
        assert [why for _, _, why in told.uncounted] == ["outside hours"]
        assert told.due_at == clock.due_at

    def test_tells_how_it_stood_at_a_moment(self, clock: Clock, house: Company, now: datetime) -> None:
        before = clock.due_at
        hot = house.policy.targets.get(target=Target.FIRST_TOUCH, heat=Heat.HOT)
        clocks.tighten(clock, hot, why="tier rose", now=now + HOUR)

        assert clocks.explain(clock, now=now).due_at == before
        assert clocks.explain(clock, now=now + HOUR).due_at == clock.due_at

    def test_counts_no_agreed_pause(self, clock: Clock, house: Company, now: datetime) -> None:
        ClockPause.objects.create(
            clock=clock, from_at=now + HOUR, until_at=now + 2 * HOUR, reason="Agreed", by=house.manager, at=now
        )

        assert clocks.recompute(clock) == now + 5 * HOUR

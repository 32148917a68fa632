"""Running clocks keep what they were started by, until a person who saw what follows re-times them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import jobs
from leads.models import Job, Notification
from sla import clocks, publishing
from sla.clocks import escalation, retiming
from sla.clocks.retiming import Effect
from sla.models import Clock, ClockTiming, Handoff, LadderStep, PolicyTarget, PolicyVersion
from tests import desk

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(now: datetime) -> desk.Company:
    return desk.company(now)


def published(house: desk.Company, *, now: datetime, **changes: Any) -> PolicyVersion:
    """The next version of the policy, with another accept target for warm leads."""
    draft = publishing.draft_policy(house.policy.policy)
    PolicyTarget.objects.filter(version=draft, target="accept", heat="warm").update(**changes)
    return publishing.publish_policy(draft, now=now, by=house.manager, why="Agreed")


def accept_clock(handoff: Handoff) -> Clock:
    return desk.clock_of(handoff, "accept")


class TestPolicies:
    @pytest.mark.parametrize(
        ("seconds", "after", "effect"),
        [
            (3600, timedelta(hours=1), Effect.EARLIER),
            (4 * 3600, timedelta(hours=4), Effect.LATER),
            (7200, timedelta(hours=2), Effect.SAME),
            (31 * 60, timedelta(minutes=31), Effect.LATE),
        ],
    )
    def test_count_anew_from_the_same_start(
        self, seconds: int, after: timedelta, effect: Effect, house: desk.Company, now: datetime
    ) -> None:
        clock = accept_clock(house.offered(now=now))
        version = published(house, now=now + 40 * MINUTE, seconds=seconds)
        assert retiming.retime(clock.pk, version, now=now + 40 * MINUTE, by=house.manager) == effect
        clock.refresh_from_db()
        assert clock.due_at == now + after == clocks.recompute(clock)
        first, last = clock.timings.order_by("number")
        assert (first.budget_seconds, first.policy_version) == (7200, house.policy)
        assert (last.number, last.budget_seconds, last.policy_version, last.by) == (2, seconds, version, house.manager)
        assert last.why == f"retimed to {version}"
        assert retiming.retime(clock.pk, version, now=now + 41 * MINUTE, by=None) == Effect.LEFT
        assert clock.timings.count() == 2, "once is enough"

    def test_never_take_a_breach_back(self, house: desk.Company, now: datetime) -> None:
        clock = accept_clock(house.offered(now=now))
        late = now + timedelta(hours=2, minutes=1)
        version = published(house, now=late, seconds=4 * 3600)
        assert retiming.retime(clock.pk, version, now=late, by=None) == Effect.LEFT
        clock.refresh_from_db()
        assert (clock.due_at, clock.timings.count()) == (now + timedelta(hours=2), 1)

    def test_leave_alone_what_is_promised_no_more(self, house: desk.Company, now: datetime) -> None:
        clock = desk.clock_of(house.accepted(now=now), "qualify")
        draft = publishing.draft_policy(house.policy.policy)
        draft.steps.filter(target="qualify").delete()
        draft.targets.filter(target="qualify").delete()
        version = publishing.publish_policy(draft, now=now, by=None)
        assert retiming.retime(clock.pk, version, now=now, by=None) == Effect.LEFT

    def test_tell_nobody_twice(self, house: desk.Company, now: datetime) -> None:
        draft = publishing.draft_policy(house.policy.policy)
        LadderStep.objects.create(version=draft, target="accept", share=50, action=LadderStep.Action.TELL_REP)
        publishing.publish_policy(draft, now=now, by=None)
        clock = accept_clock(house.offered(now=now))
        assert escalation.fire(clock.pk, now=now + 61 * MINUTE)
        told = Notification.objects.filter(kind="warning").count()
        assert told == 1
        version = published(house, now=now + 62 * MINUTE, seconds=100 * 60)
        retiming.retime(clock.pk, version, now=now + 62 * MINUTE, by=None)
        assert not escalation.fire(clock.pk, now=now + 63 * MINUTE)
        assert Notification.objects.filter(kind="warning").count() == told


class TestCalendars:
    def test_take_the_place_of_their_former_versions(self, house: desk.Company, now: datetime) -> None:
        draft = publishing.draft_policy(house.policy.policy)
        PolicyTarget.objects.filter(version=draft).update(hours=PolicyTarget.Hours.TEAM)
        publishing.publish_policy(draft, now=now, by=None)
        clock = accept_clock(house.offered(now=now))  # a Tuesday, 15:00: two hours to 17:00
        assert clock.due_at == now + timedelta(hours=2)
        calendar = house.team.desk.calendar
        spec = calendar.current().spec
        shorter = spec | {"date_overrides": {f"{now:%Y-%m-%d}": [["09:00", "16:00"]]}}
        version = publishing.publish_calendar(calendar, shorter, now=now, by=house.manager)
        assert clocks.recompute(clock) == clock.due_at, "a running clock keeps its calendar"
        assert retiming.retime(clock.pk, version, now=now, by=house.manager) == Effect.LATER
        clock.refresh_from_db()
        assert clock.due_at == datetime(now.year, now.month, now.day + 1, 10, tzinfo=now.tzinfo)
        assert clock.timings.latest("number").calendar_versions == [version.pk]


class TestPreview:
    def test_says_what_follows_and_changes_nothing(self, house: desk.Company, now: datetime) -> None:
        past = accept_clock(house.offered(now=now - timedelta(hours=3)))
        early = accept_clock(house.offered(now=now - 30 * MINUTE))
        house.offered(now=now, tier="hot")
        version = published(house, now=now, seconds=3600)
        before = list(ClockTiming.objects.order_by("pk").values_list("pk", flat=True))
        told = retiming.preview(version, now=now, shown=50)
        running = Clock.objects.filter(verdict="").count()
        assert (told.total, told.looked_at) == (running, running)
        effects = {row.clock.pk: row.effect for row in told.rows}
        assert (effects[past.pk], effects[early.pk]) == (Effect.LEFT, Effect.EARLIER)
        assert told.counts[Effect.EARLIER] == 1
        assert sum(told.counts.values()) == running
        assert list(ClockTiming.objects.order_by("pk").values_list("pk", flat=True)) == before


class TestTheJob:
    def test_goes_on_page_by_page_to_its_end(
        self, house: desk.Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retiming, "PAGE", 3)
        for _ in range(2):
            house.offered(now=now)
        version = published(house, now=now, seconds=3600)
        job = retiming.begin(version, now=now, by=house.manager)
        assert (job.total, job.state) == (4, Job.State.RUNNING)
        assert retiming.go_on(lambda: now) == 3
        job.refresh_from_db()
        assert (job.done, job.state) == (3, Job.State.RUNNING)
        assert retiming.go_on(lambda: now) == 1
        job.refresh_from_db()
        assert (job.done, job.state) == (4, Job.State.DONE)
        assert job.report["effects"] == {"earlier": 2, "the same instant": 2}
        assert not retiming.concerned(version).exists()
        assert retiming.go_on(lambda: now) == 0

    def test_ends_where_a_person_stops_it(
        self, house: desk.Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retiming, "PAGE", 1)
        house.offered(now=now)
        version = published(house, now=now, seconds=3600)
        job = retiming.begin(version, now=now, by=house.manager)
        retiming.go_on(lambda: now)
        jobs.ask_to_stop(job.pk, now=now)
        assert retiming.go_on(lambda: now) == 0
        job.refresh_from_db()
        assert (job.state, job.done) == (Job.State.CANCELLED, 1)
        assert retiming.concerned(version).count() == 1
        with pytest.raises(jobs.NotRunning):
            jobs.ask_to_stop(job.pk, now=now)

    def test_goes_on_where_one_clock_fails(
        self, house: desk.Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        house.offered(now=now)
        version = published(house, now=now, seconds=3600)
        failing = Clock.objects.filter(verdict="").earliest("pk").pk
        count = retiming._count

        def fail(clock: Clock, *args: Any, **kwargs: Any) -> Any:
            if clock.pk == failing:
                raise ValueError
            return count(clock, *args, **kwargs)

        monkeypatch.setattr(retiming, "_count", fail)
        job = retiming.begin(version, now=now, by=None)
        retiming.go_on(lambda: now)
        job.refresh_from_db()
        assert job.state == Job.State.DONE
        assert job.report["effects"]["failed"] == 1

"""Spreading: no promise is impossible when it is made, by arithmetic and by a slow oracle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla import clocks, handoffs, publishing
from sla.clocks.spreading import earliest
from sla.models import Clock, PolicyTarget, PolicyVersion, Target
from tests.desk import Company, clock_of, company

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def kept(queue: Sequence[int], each: int) -> set[int]:
    """Which promises somebody keeps who does one after another, the earliest due first: their places in the queue.

    What is due at one moment is kept together or not at all, since nobody says which of them comes first.
    """
    order = sorted(range(len(queue)), key=lambda place: queue[place])
    done, at = set(), 0
    for due in sorted(set(queue)):
        same = [place for place in order if queue[place] == due]
        at += each * len(same)
        if at <= due:
            done |= set(same)
    return done


def slowly(queue: Sequence[int], wanted: int, each: int) -> int:
    """The first whole moment at which one more promise is kept and everybody who kept theirs still does."""
    before = kept(queue, each)
    due = wanted
    while not (before | {len(queue)}) <= kept([*queue, due], each):
        due += 1
    return due


class TestEarliest:
    @pytest.mark.parametrize(
        ("queue", "wanted", "due"),
        [
            ([], 15, 15),
            ([], 3, 5),  # nobody is quicker than the work itself
            ([5, 10, 15], 15, 20),  # full until 15
            ([5, 10, 60], 15, 15),  # there is room before the last
            ([30, 30, 30, 30, 30, 30], 15, 35),  # six in half an hour: a seventh would harm one of them
            ([30, 30, 30, 30, 30], 15, 15),
            ([-20, -10, 40], 15, 15),  # what is late already comes first
            ([-20, -10, 15], 15, 20),  # the third was lost before; it takes its time all the same
        ],
    )
    def test_is_the_first_that_can_be_kept(self, queue: list[int], wanted: int, due: int) -> None:
        assert earliest(queue, wanted, 5) == due

    @given(
        st.lists(st.integers(-20, 80), max_size=9),
        st.integers(-5, 60),
        st.integers(1, 9),
    )
    def test_agrees_with_a_slow_oracle(self, queue: list[int], wanted: int, each: int) -> None:
        assert earliest(queue, wanted, each) == slowly(queue, wanted, each)

    @given(st.lists(st.integers(1, 120), min_size=1, max_size=40), st.integers(1, 9))
    def test_makes_every_promise_possible(self, wanted: list[int], each: int) -> None:
        made: list[float] = []
        for want in wanted:
            made.append(earliest(made, want, each))
        assert kept([int(due) for due in made], each) == set(range(len(made)))


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def policy(house: Company, *, now: datetime, minutes: int | None, **targets: object) -> PolicyVersion:
    version = publishing.draft_policy(house.policy.policy)
    PolicyVersion.objects.filter(pk=version.pk).update(minutes_each=minutes)
    version.targets.all().update(**{"hours": "team"} | targets)
    return publishing.publish_policy(version, now=now, by=None)


@pytest.mark.django_db
class TestNight:
    """Leads that arrive at night for one rep; Mon to Fri 9 to 17."""

    @pytest.fixture
    def night(self) -> datetime:
        return datetime(2026, 3, 11, 2, 0, tzinfo=UTC)

    def dues(self, house: Company, tiers: Sequence[str], *, at: datetime) -> list[tuple[Clock, Clock]]:
        made = [house.offered(now=at + MINUTE * place, tier=tier) for place, tier in enumerate(tiers)]
        return [(clock_of(each, Target.ACCEPT), clock_of(each, Target.FIRST_TOUCH)) for each in made]

    def test_promises_the_impossible_where_nothing_is_said(
        self, house: Company, night: datetime, now: datetime
    ) -> None:
        policy(house, now=now, minutes=None)
        made = self.dues(house, ["hot"] * 8, at=night)

        assert {f"{accept.due_at:%H:%M}" for accept, _ in made} == {"09:30"}

    def test_spreads_what_one_person_has_to_do(self, house: Company, night: datetime, now: datetime) -> None:
        policy(house, now=now, minutes=10)
        made = self.dues(house, ["hot"] * 8, at=night)

        assert [f"{accept.due_at:%H:%M}" for accept, _ in made] == [
            "09:30", "09:30", "09:30", "09:40", "09:50", "10:00", "10:10", "10:20",
        ]  # fmt: skip
        assert [f"{touch.due_at:%H:%M}" for _, touch in made][:6] == ["10:00"] * 6
        told = [accept.timings.get().told for accept, _ in made]
        assert told[:4] == ["", "", "", "3 promises of the rep come first, 10 min each"]
        for accept, touch in made:
            assert clocks.recompute(accept) == accept.due_at
            assert clocks.recompute(touch) == touch.due_at

    def test_lets_a_hotter_newcomer_in_where_there_is_room(
        self, house: Company, night: datetime, now: datetime
    ) -> None:
        policy(house, now=now, minutes=10)
        made = self.dues(house, ["cool"] * 8 + ["hot"], at=night)

        assert {f"{accept.due_at:%H:%M}" for accept, _ in made[:8]} == {"13:00"}
        assert f"{made[8][0].due_at:%H:%M}" == "09:30"

    def test_never_moves_what_was_promised(self, house: Company, night: datetime, now: datetime) -> None:
        policy(house, now=now, minutes=60)
        first = self.dues(house, ["cool"] * 4, at=night)
        before = [accept.due_at for accept, _ in first]
        (last,) = self.dues(house, ["hot"], at=night + HOUR)

        assert [Clock.objects.get(pk=accept.pk).due_at for accept, _ in first] == before
        assert f"{last[0].due_at:%H:%M}" == "14:00"  # four hours are full of promises

    def test_tightens_no_further_than_can_be_kept(self, house: Company, night: datetime, now: datetime) -> None:
        version = policy(house, now=now, minutes=20)
        made = self.dues(house, ["cool"] + ["hot"] * 3, at=night)
        cool = made[0][0]
        hot = version.targets.select_related("version").get(target=Target.ACCEPT, heat="hot")
        assert [f"{accept.due_at:%H:%M}" for accept, _ in made[1:]] == ["09:30", "09:40", "10:00"]
        assert clocks.tighten(cool, hot, why="tier rose", now=night + HOUR)

        assert f"{cool.due_at:%H:%M}" == "10:20"
        assert clocks.recompute(cool) == cool.due_at

    def test_counts_in_hours_that_are_closed_when_the_turn_comes(
        self, house: Company, night: datetime, now: datetime
    ) -> None:
        policy(house, now=now, minutes=120)
        made = self.dues(house, ["hot"] * 6, at=night)
        dues = [accept.due_at for accept, _ in made]

        assert [f"{due:%d %H:%M}" for due in dues] == [
            "11 11:00", "11 13:00", "11 15:00", "11 17:00", "12 11:00", "12 13:00",
        ]  # fmt: skip
        assert all(later - earlier >= 2 * HOUR for earlier, later in pairwise(dues))

    def test_asks_no_room_of_what_was_touched(self, house: Company, night: datetime, now: datetime) -> None:
        policy(house, now=now, minutes=10)
        for accept, touch in self.dues(house, ["hot"] * 8, at=night):
            handoffs.accept(accept.handoff_id or 0, by=house.ben.user, now=night + HOUR)
            clocks.meet(touch, at=night + HOUR, now=night + HOUR)
        (last,) = self.dues(house, ["hot"], at=night + 2 * HOUR)

        assert f"{last[0].due_at:%H:%M}" == "09:30"


@pytest.mark.django_db
class TestOutsideHours:
    """First touch within 15 minutes; an hour after opening for what arrives outside hours (Mon to Fri 9 to 17)."""

    @pytest.mark.parametrize(
        ("opened", "offered", "due", "told"),
        [
            ("10 15:00", "10 15:00", "10 15:15", ""),
            ("10 16:59:59", "10 16:59:59", "11 09:14:59", ""),
            ("10 17:00", "10 17:00", "11 10:00", "arrived outside hours"),  # closing time is closed
            ("11 02:00", "11 02:00", "11 10:00", "arrived outside hours"),
            ("11 02:00", "11 09:00", "11 10:00", "arrived outside hours"),  # held until opening
            ("11 02:00", "11 09:45", "11 10:00", ""),  # as late as by day
            ("11 02:00", "11 11:00", "11 11:15", ""),
            ("10 16:50", "10 17:30", "11 10:00", "arrived outside hours"),
            ("13 18:00", "13 18:00", "16 10:00", "arrived outside hours"),  # over the weekend
        ],
    )
    def test_count_from_opening(
        self, house: Company, now: datetime, opened: str, offered: str, due: str, told: str
    ) -> None:
        policy(house, now=now, minutes=None)
        version = publishing.draft_policy(house.policy.policy)
        version.targets.filter(target=Target.ACCEPT).delete()
        version.steps.filter(target=Target.ACCEPT).delete()
        version.targets.filter(target=Target.FIRST_TOUCH).update(seconds=900, outside_seconds=3600)
        publishing.publish_policy(version, now=now, by=None)
        opened_at, offered_at = (datetime.fromisoformat(f"2026-03-{at}+00:00") for at in (opened, offered))
        episode = house.episode(house.lead(now=opened_at), now=opened_at)
        clock = clock_of(house.offer(episode, now=offered_at), Target.FIRST_TOUCH)

        assert clock.due_at == datetime.fromisoformat(f"2026-03-{due}+00:00")
        assert clock.timings.get().told == told
        assert clocks.recompute(clock) == clock.due_at

    def test_hold_for_a_second_hop_by_its_own_offer(self, house: Company, now: datetime) -> None:
        policy(house, now=now, minutes=None, outside_seconds=7200)
        night, day = datetime(2026, 3, 11, 2, 0, tzinfo=UTC), datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
        handoff = house.offered(now=night, tier="hot")
        assert f"{clock_of(handoff, Target.ACCEPT).due_at:%H:%M}" == "11:00"
        handoffs.move_on(handoff, why="breach", now=day)
        handoff.episode.refresh_from_db()
        again = house.offer(handoff.episode, now=day, rep=house.ada)

        assert f"{clock_of(again, Target.ACCEPT).due_at:%H:%M}" == "10:00"

    def test_are_none_round_the_clock(self, house: Company) -> None:
        with pytest.raises(Exception, match="Round the clock nothing arrives outside hours"):
            PolicyTarget(
                version=publishing.draft_policy(house.policy.policy),
                target=Target.ASSIGN,
                heat="hot",
                seconds=60,
                hours="always",
                outside_seconds=60,
            ).validate_constraints()

"""Speed to lead: every second between qualifying and the first touch has one owner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.models import Team
from sla import handoffs
from sla.attainment import owners, reporting
from sla.attainment.asking import Asked
from sla.attainment.owners import OWNERS, Hold, Pause, nearest_rank, parts
from sla.attainment.speed import SECOND, speed
from sla.attainment.weeks import weeks_until
from sla.clocks import pausing
from sla.models import Handoff, LastLook, Target
from sla.worktime import Calendar, Hours
from tests.desk import clock_of, company
from tests.numbers import NOW, floor, moved_on, touch

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = Hours.of(Calendar.from_spec({"time_zone": "America/New_York", "weekly": {"tue": [["09:00", "17:00"]]}}))
ALWAYS = Hours.always()


class TestOwners:
    begins = 1_772_000_000 * SECOND
    instants = st.integers(begins, begins + 20 * 86_400 * SECOND)
    pauses = st.lists(st.builds(Pause, instants, instants, st.integers(1, 3)), max_size=3)
    holds = st.builds(Hold, instants, st.none() | instants, st.sampled_from([OFFICE, ALWAYS]), st.booleans(), pauses)

    @settings(deadline=None, max_examples=60)
    @given(begun=instants, ended=instants, holds=st.lists(holds, max_size=3), nobody_until=st.none() | instants)
    def test_sum_up_to_the_wall_clock(
        self, begun: int, ended: int, holds: list[Hold], nobody_until: int | None
    ) -> None:
        begun, ended = sorted((begun, ended))
        found = parts(begun, ended, holds, nobody_until=nobody_until)
        assert sum(found.of.values()) == ended - begun
        assert min(found.of.values()) >= 0
        assert sum(found.paused_by.values()) == found.of[owners.PAUSED]
        assert set(found.of) == set(OWNERS)

    def test_each_have_their_part(self) -> None:
        holds = [Hold(10, 30, ALWAYS, False), Hold(50, None, ALWAYS, True, [Pause(60, 65, 7), Pause(62, 70, 8)])]
        found = parts(0, 100, holds, nobody_until=40)
        assert found.of == {"finding": 20, "room": 10, "former": 20, "rep": 40, "paused": 10, "hours": 0}
        assert found.paused_by == {7: 5, 8: 5}

    def test_closed_hours_are_nobodys_delay(self) -> None:
        week = 7 * 86_400 * SECOND
        found = parts(0, week, [Hold(0, None, OFFICE, True)])
        assert found.of["rep"] == 8 * 3600 * SECOND
        assert found.of["hours"] == week - found.of["rep"]

    def test_a_look_before_or_after_the_wait_says_nothing_of_it(self) -> None:
        holds = [Hold(20, 30, ALWAYS, True)]
        assert parts(10, 30, holds, nobody_until=5).of["room"] == 0
        assert parts(10, 30, holds, nobody_until=25).of["room"] == 0

    @pytest.mark.parametrize(
        ("values", "share", "found"),
        [([], 0.5, None), ([7], 0.9, 7), ([1, 2], 0.5, 1), ([1, 2, 3], 0.5, 2), (list(range(1, 11)), 0.9, 9)],
    )
    def test_a_percentile_is_a_value_that_was_seen(self, values: list[int], share: float, found: int | None) -> None:
        assert nearest_rank(values, share) == found


@pytest.mark.django_db
class TestSpeed:
    def test_is_the_buyers_wait_over_all_hops(self) -> None:
        firm = company(NOW - 30 * DAY)
        begun = NOW - DAY  # Tuesday 15:00
        episode = firm.episode(firm.lead(now=begun), now=begun)
        first = firm.offer(episode, now=begun + timedelta(minutes=10))
        touch(first, begun + 20 * HOUR)  # Wednesday 11:00; open 9 to 17
        told = speed(Asked(), reporting.this_week(now=NOW), now=NOW)
        (line,) = told.lines
        assert line.wall == 20 * 3600 * SECOND
        assert line.working == 4 * 3600 * SECOND
        assert line.parts.of["finding"] == 600 * SECOND
        assert line.parts.of["rep"] == (4 * 3600 - 600) * SECOND
        assert line.parts.of["hours"] == 16 * 3600 * SECOND
        assert told.wall == sum(told.of.values())

    def test_time_at_reps_before_is_told_apart(self) -> None:
        firm = company(NOW - 30 * DAY)
        first = firm.offered(now=NOW - 5 * HOUR)
        second = moved_on(firm, first, at=NOW - 3 * HOUR)
        touch(second, NOW - HOUR)
        told = speed(Asked(), reporting.this_week(now=NOW), now=NOW)
        (line,) = told.lines
        assert (line.parts.of["former"], line.parts.of["rep"]) == (2 * 3600 * SECOND, 2 * 3600 * SECOND)
        assert line.handoff.user == firm.ada.user
        assert speed(Asked(rep=firm.ben.user.pk), reporting.this_week(now=NOW), now=NOW).lines == []

    def test_ends_with_the_first_touch_of_several(self) -> None:
        firm = company(NOW - 30 * DAY)
        first = firm.offered(now=NOW - 5 * HOUR)
        touch(first, NOW - 4 * HOUR)
        touch(moved_on(firm, first, at=NOW - 3 * HOUR), NOW - HOUR)
        (line,) = speed(Asked(), reporting.this_week(now=NOW), now=NOW).lines
        assert line.handoff.user == firm.ben.user
        assert line.wall == 3600 * SECOND

    def test_says_who_paused_and_when_nobody_could_take_it(self) -> None:
        firm = company(NOW - 30 * DAY)
        begun = NOW - 5 * HOUR
        episode = firm.episode(firm.lead(now=begun), now=begun)
        LastLook.objects.create(episode=episode, ends="nobody", looked_at=begun + HOUR, again_at=begun + HOUR)
        handoff = firm.offer(episode, now=begun + 2 * HOUR)
        handoffs.accept(handoff.pk, by=firm.ben.user, now=begun + 2 * HOUR)
        depth = clock_of(handoff, Target.DEPTH)
        pausing.pause(depth.pk, until_at=begun + 4 * HOUR, reason="They asked", by=firm.manager, now=begun + 3 * HOUR)
        touch(handoff, begun + 5 * HOUR)
        told = speed(Asked(), reporting.this_week(now=NOW + HOUR), now=NOW + HOUR)
        hours = {owner: spent / SECOND / 3600 for owner, spent in told.of.items()}
        assert hours == {"room": 1, "finding": 1, "rep": 2, "paused": 1, "former": 0, "hours": 0}
        assert told.paused_by == {firm.manager.pk: 3600 * SECOND}

    def test_says_who_waits_and_who_ended_untouched(self) -> None:
        firm = company(NOW - 30 * DAY)
        waits = firm.offered(now=NOW - HOUR)
        ended = firm.offered(now=NOW - HOUR)
        handoffs.reject(ended.pk, reason="bad_contact", note="", by=firm.ben.user, now=NOW)
        firm.episode(firm.lead(now=NOW, is_test=True), now=NOW - HOUR)
        told = speed(Asked(), reporting.this_week(now=NOW), now=NOW)
        assert (len(told.lines), told.waiting, told.ended) == (0, 1, 1)
        assert told.longest_since == waits.episode.opened_at
        assert told.wall_at(0.5) is None

    @pytest.mark.parametrize("seed", [3])
    def test_parts_sum_up_on_any_floor(self, seed: int) -> None:
        firm = floor(seed, NOW)
        reached = 0
        for week in weeks_until(reporting.this_week(now=NOW), 6, zone="UTC"):
            told = speed(Asked(), week, now=NOW)
            assert all(sum(line.parts.of.values()) == line.wall for line in told.lines)
            split = [speed(Asked(team=team.pk), week, now=NOW) for team in Team.objects.all()]
            assert sum(len(each.lines) for each in split) == len(told.lines)
            narrow = [speed(Asked(source=source), week, now=NOW) for source in ("", "linkedin", "webinar")]
            assert sum(len(each.lines) + each.waiting + each.ended for each in narrow) == (
                len(told.lines) + told.waiting + told.ended
            )
            reached += len(told.lines)
        touched = Handoff.objects.filter(episode__lead__is_test=False, first_touched_at__isnull=False)
        assert reached == touched.exclude(episode__closed_as="merged").values("episode").distinct().count() > 2
        assert firm.team is not None

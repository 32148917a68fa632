"""What leaves now, together, later, or not at all: by tables."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.delivering import backing_off, pacing
from leads.delivering.pacing import PACE, STORM, Due, Wishes, plan

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)


def dues(many: int, **fields: object) -> list[Due]:
    return [Due(number, "news", **fields) for number in range(many)]  # type: ignore[arg-type]


class TestPlan:
    @pytest.mark.parametrize(
        ("many", "lately", "minutes_ago", "leave", "together", "wait"),
        [
            (1, 0, None, 1, 0, 0),
            (STORM, 0, None, STORM, 0, 0),
            (STORM + 1, 0, None, 0, STORM + 1, 0),
            (2, STORM - 2, 0, 2, 0, 0),
            (2, STORM - 1, 0, 0, 2, 0),
            (2, STORM, 1, 0, 0, 2),
            (2, STORM, 2, 0, 2, 0),
            (1, STORM, 2, 1, 0, 0),  # one alone needs no digest
        ],
    )
    def test_paces(self, many: int, lately: int, minutes_ago: int | None, leave: int, together: int, wait: int) -> None:
        last = NOW - timedelta(minutes=minutes_ago) if minutes_ago is not None else None
        made = plan(dues(many), Wishes(sent_lately=lately, last_sent_at=last), now=NOW)
        assert (len(made.leave), len(made.together), len(made.wait)) == (leave, together, wait)

    def test_drops_what_is_not_wanted_and_keeps_what_baton_says_itself(self) -> None:
        made = plan([Due(1, "news"), Due(2, "breach"), Due(3, "operations")], Wishes(how={"news": "off"}), now=NOW)
        assert (made.drop, made.leave) == ([1], [2, 3])

    def test_keeps_for_the_digest_what_is_wanted_there_save_the_urgent(self) -> None:
        wishes = Wishes(zone="Europe/Berlin", how={"news": "digest"}, digest_at=time(8))
        made = plan([Due(1, "news"), Due(2, "news", is_urgent=True)], wishes, now=NOW)
        assert made.wait == {1: datetime(2026, 3, 11, 7, 0, tzinfo=UTC)}
        assert made.leave == [2]

    def test_sends_the_digest_together_when_its_time_has_come(self) -> None:
        made = plan(dues(2, for_digest=True), Wishes(how={"news": "digest"}), now=NOW)
        assert made.together == [0, 1]

    def test_is_quiet_in_the_persons_zone_save_for_the_urgent_and_baton_itself(self) -> None:
        wishes = Wishes(zone="Asia/Kathmandu", quiet_from=time(20), quiet_until=time(7, 30))
        made = plan([Due(1, "news"), Due(2, "breach", is_urgent=True), Due(3, "operations")], wishes, now=NOW)
        assert made.wait == {1: datetime(2026, 3, 11, 1, 45, tzinfo=UTC)}
        assert made.leave == [2, 3]

    def test_never_puts_a_second_try_into_a_digest(self) -> None:
        made = plan([Due(9, "news", alone=True), *dues(8)], Wishes(), now=NOW)
        assert made.leave == [9]
        assert len(made.together) == 8

    @given(
        st.lists(
            st.builds(
                Due,
                st.integers(),
                st.sampled_from(["news", "breach", "operations"]),
                st.booleans(),
                st.booleans(),
                st.booleans(),
            ),
            unique_by=lambda due: due.id,
        ),
        st.builds(
            Wishes,
            zone=st.sampled_from(["UTC", "America/New_York", "nowhere"]),
            how=st.dictionaries(st.sampled_from(["news", "breach"]), st.sampled_from(["at_once", "digest", "off"])),
            quiet_from=st.just(time(14)),
            quiet_until=st.sampled_from([time(13), time(23)]),
            sent_lately=st.integers(0, 9),
            last_sent_at=st.just(NOW - timedelta(seconds=30)),
        ),
    )
    def test_forgets_none_and_takes_none_twice(self, due: list[Due], wishes: Wishes) -> None:
        made = plan(due, wishes, now=NOW)
        every = [*made.leave, *made.together, *made.wait, *made.drop]
        assert sorted(every) == sorted(each.id for each in due)
        assert all(until > NOW for until in made.wait.values())
        assert len(made.together) != 1


class TestQuietHours:
    @pytest.mark.parametrize(
        ("begin", "end", "at", "ends"),
        [
            ("20:00", "07:00", "2026-03-10T19:59", None),
            ("20:00", "07:00", "2026-03-10T20:00", "2026-03-11T07:00"),
            ("20:00", "07:00", "2026-03-11T06:59", "2026-03-11T07:00"),
            ("20:00", "07:00", "2026-03-11T07:00", None),
            ("12:00", "13:00", "2026-03-10T12:30", "2026-03-10T13:00"),
        ],
    )
    def test_begin_and_end(self, begin: str, end: str, at: str, ends: str | None) -> None:
        wishes = Wishes(quiet_from=time.fromisoformat(begin), quiet_until=time.fromisoformat(end))
        found = pacing.quiet_end(wishes, now=datetime.fromisoformat(at).replace(tzinfo=UTC))
        assert found == (datetime.fromisoformat(ends).replace(tzinfo=UTC) if ends else None)

    def test_end_on_the_wall_when_the_clocks_change(self) -> None:
        wishes = Wishes(zone="Europe/Berlin", quiet_from=time(22), quiet_until=time(7))
        before = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # the night in which an hour is missing
        assert pacing.quiet_end(wishes, now=before) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


class TestBackingOff:
    def test_doubles_up_to_an_hour_and_spreads(self) -> None:
        waits = [backing_off.wait(n, spread=0).total_seconds() for n in range(1, 12)]
        assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        assert backing_off.wait(1, spread=0.5) == timedelta(seconds=11)
        assert backing_off.wait(10**6, spread=0) == timedelta(hours=1)

    @pytest.mark.parametrize(
        ("said", "seconds"),
        [
            ("120", 120),
            ("0", 0),
            ("99999999", 86400),
            ("Tue, 10 Mar 2026 15:10:00 GMT", 600),
            ("Tue, 10 Mar 2020 15:10:00 GMT", 0),
            ("soon", None),
            ("", None),
            ("-5", None),
            ("1" * 50, None),
        ],
    )
    def test_reads_retry_after(self, said: str, seconds: int | None) -> None:
        asked = backing_off.asked_for(said, now=NOW)
        assert asked == (timedelta(seconds=seconds) if seconds is not None else None)

    def test_paces_are_shorter_than_the_window(self) -> None:
        assert PACE < pacing.WINDOW

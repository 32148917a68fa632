"""Who is first gets the lead, and whoever comes second is told; a breach and an answer never contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads.models import Outcome, Stage
from scoring.models import Episode
from sla import touches
from sla.handoffs.moves import UNDO_FOR
from sla.models import Clock, Handoff, HandoffChange, Rep, Target, Touch
from sla.routing.handing_over import hand_over
from tests.desk import Company, clock_of
from tests.races.conftest import PATIENCE, SOME, offers, refused
from tests.races.track import Track

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

SECOND = timedelta(seconds=1)

Rounds = Callable[[int], Iterator[int]]


@pytest.fixture
def line(without_ada: Company, now: datetime, rounds: Rounds) -> Iterator[Handoff]:
    """Leads that are all on offer to Ben, one a round."""
    found = offers(without_ada, now=now)
    return (found[number] for number in rounds(SOME))


def changes_to(handoff: Handoff, state: str) -> int:
    return HandoffChange.objects.filter(handoff=handoff, to_state=state).count()


class TestTwoPeople:
    def job(self, do: str, handoff: Handoff, by: int, now: datetime) -> dict[str, Any]:
        return {"do": do, "handoff": handoff.pk, "by": by, "now": now + SECOND}

    def test_who_accept_accept_once(self, track: Track, house: Company, line: Iterator[Handoff], now: datetime) -> None:
        for handoff in line:
            answers = track.race(
                self.job("accept", handoff, house.ben.user_id, now),
                self.job("accept", handoff, house.manager.pk, now),
            )
            assert [answer["answer"] for answer in answers] == ["accepted", "accepted"]
            assert changes_to(handoff, "accepted") == 1
            assert Outcome.objects.filter(matter=handoff.episode.public_id, kind="accepted").count() == 1

    def test_of_whom_one_has_no_say_leave_it_to_the_other(
        self, track: Track, house: Company, line: Iterator[Handoff], now: datetime
    ) -> None:
        for handoff in line:
            answers = track.race(
                self.job("accept", handoff, house.ada.user_id, now),
                self.job("accept", handoff, house.ben.user_id, now),
            )
            assert (answers[0].get("refused"), answers[1].get("answer")) == ("not_found", "accepted")

    def test_who_disagree_are_told_who_was_first(
        self, track: Track, house: Company, line: Iterator[Handoff], now: datetime
    ) -> None:
        for handoff in line:
            answers = track.race(
                self.job("accept", handoff, house.ben.user_id, now),
                self.job("reject", handoff, house.manager.pk, now),
            )
            handoff.refresh_from_db()
            loser = next(answer for answer in answers if "refused" in answer)
            assert refused(answers) == ["already_decided"]
            assert loser["state"] == handoff.state
            assert changes_to(handoff, "accepted") + changes_to(handoff, "rejected") == 1

    def test_of_whom_one_touches_accept_once(
        self, track: Track, house: Company, line: Iterator[Handoff], now: datetime
    ) -> None:
        for handoff in line:
            lead = handoff.episode.lead_id
            touch = {"do": "touch", "lead": lead, "by": house.ben.user_id, "now": now + SECOND}
            answers = track.race(touch, self.job("accept", handoff, house.manager.pk, now))
            assert refused(answers) == []
            assert changes_to(handoff, "accepted") == 1
            assert Touch.objects.get(lead=lead).handoff_id == handoff.pk
            assert clock_of(handoff, Target.FIRST_TOUCH).verdict == "met"


class TestHandingOver:
    def test_while_another_answers_leaves_one_of_the_two(
        self, track: Track, house: Company, line: Iterator[Handoff], now: datetime
    ) -> None:
        """A manager says no while the rep hands it over: one of the two is told that it came too late."""
        for handoff in line:
            Rep.objects.filter(pk=house.ada.pk).update(is_active=True)
            at = now + SECOND
            answers = track.race(
                {"do": "hand_over", "handoff": handoff.pk, "to": house.ada.user_id, "by": house.ben.user_id, "now": at},
                {"do": "reject", "handoff": handoff.pk, "by": house.manager.pk, "now": at},
            )
            handoff.refresh_from_db()
            assert refused(answers) == ["already_decided"]
            hops = Handoff.objects.filter(episode=handoff.episode_id)
            assert (handoff.state, hops.count()) in (("moved", 2), ("rejected", 1))

    def test_is_taken_back_or_answered_and_never_both(
        self, track: Track, house: Company, line: Iterator[Handoff], now: datetime
    ) -> None:
        """The colleague accepts in the very moment in which it is taken back."""
        Rep.objects.filter(pk=house.ada.pk).update(is_active=True)
        for handoff in line:
            ada, ben = house.ada.user, house.ben.user
            made = hand_over(handoff.pk, to=ada, why="Her region", by=ben, now=now + SECOND)
            at = now + 3 * SECOND
            answers = track.race(
                {"do": "undo", "handoff": handoff.pk, "by": ben.pk, "now": at},
                {"do": "accept", "handoff": made.pk, "by": ada.pk, "now": at},
            )
            states = set(Handoff.objects.filter(episode=handoff.episode_id).values_list("pk", "state"))
            if refused(answers) == ["cannot_undo"]:
                assert states == {(handoff.pk, "moved"), (made.pk, "accepted")}
            else:
                assert refused(answers) == ["already_decided"]
                assert states == {(handoff.pk, "offered"), (made.pk, "withdrawn")}

    def test_of_the_last_room_gives_it_to_one(
        self, track: Track, house: Company, now: datetime, line: Iterator[Handoff]
    ) -> None:
        first, second = next(line), next(line)
        Rep.objects.filter(pk=house.ada.pk).update(is_active=True, capacity=1)
        job = {"do": "hand_over", "to": house.ada.user_id, "by": house.ben.user_id, "now": now + SECOND}
        answers = track.race({**job, "handoff": first.pk}, {**job, "handoff": second.pk})
        assert refused(answers) == ["over_capacity"]
        assert Handoff.objects.open().filter(user=house.ada.user_id).count() == 1


class TestTakingATouchBack:
    @pytest.fixture
    def touched(self, house: Company, line: Iterator[Handoff], now: datetime) -> Iterator[tuple[Handoff, Touch]]:
        """Leads that Ben has accepted by reaching out, one a round."""
        given: dict[str, Any] = {"means": "call", "outcome": "reached", "occurred_at": None}
        ben = house.ben.user
        return (
            (each, touches.record(each.episode.lead_id, performed_by=ben, recorded_by=ben, now=now + SECOND, **given))
            for each in line
        )

    def test_twice_at_once_takes_it_back_once(
        self, track: Track, house: Company, touched: Iterator[tuple[Handoff, Touch]], now: datetime
    ) -> None:
        for handoff, touch in touched:
            job = {"do": "take_touch_back", "touch": touch.pk, "by": house.ben.user_id, "now": now + 2 * SECOND}
            answers = track.race(job, job)
            assert [answer.get("answer") for answer in answers] == [touch.pk, touch.pk]
            handoff.refresh_from_db()
            assert (handoff.state, changes_to(handoff, "offered")) == ("offered", 2)

    def test_comes_before_another_one_or_not_at_all(
        self, track: Track, house: Company, touched: Iterator[tuple[Handoff, Touch]], now: datetime
    ) -> None:
        """They reach out again in the very moment in which the first one is taken back."""
        for handoff, touch in touched:
            at, ben = now + 2 * SECOND, house.ben.user_id
            answers = track.race(
                {"do": "take_touch_back", "touch": touch.pk, "by": ben, "now": at},
                {"do": "touch", "lead": handoff.episode.lead_id, "by": ben, "now": at},
            )
            handoff.refresh_from_db()
            stands = Touch.objects.filter(pk=touch.pk).exists()
            assert (refused(answers), handoff.state, handoff.touches) == (
                (["cannot_undo"], "accepted", 2) if stands else ([], "accepted", 1)
            )


class TestAcceptAgainstTheClock:
    def test_at_the_hop_either_the_rep_has_it_or_it_moved(
        self, track: Track, house: Company, line: Iterator[Handoff]
    ) -> None:
        for handoff in line:
            clock = clock_of(handoff, Target.ACCEPT)
            late = clock.due_at + (clock.due_at - clock.started_at)
            answers = track.race(
                {"do": "accept", "handoff": handoff.pk, "by": house.ben.user_id, "now": late},
                {"do": "fire", "clock": clock.pk, "now": late},
            )
            handoff.refresh_from_db()
            clock.refresh_from_db()
            assert handoff.state == ("moved" if refused(answers) else "accepted")
            assert refused(answers) in ([], ["already_decided"])
            assert handoff.episode.lead.stage_changes.latest("id").to_stage in (Stage.MQL, Stage.SAL)
            assert clock.verdict == "missed"
            assert clock.fired.filter(key="breach").count() == 1
        assert not Clock.objects.filter(handoff__state="moved", verdict="").exists()


class TestTouchAgainstTheClock:
    def test_a_call_told_late_counts_when_it_was_made_or_came_too_late_for_this_offer(
        self, track: Track, house: Company, line: Iterator[Handoff]
    ) -> None:
        """The dialler tells of a call before the due time while the clock moves the lead on."""
        for handoff in line:
            clock = clock_of(handoff, Target.ACCEPT)
            late = clock.due_at + (clock.due_at - clock.started_at)
            called_at = clock.due_at - SECOND
            answers = track.race(
                {
                    "do": "dial",
                    "lead": handoff.episode.lead_id,
                    "by": house.ben.user_id,
                    "occurred_at": called_at.isoformat(),
                    "now": late,
                },
                {"do": "fire", "clock": clock.pk, "now": late},
            )
            handoff.refresh_from_db()
            first_touch = clock_of(handoff, Target.FIRST_TOUCH)
            touch = Touch.objects.get(lead=handoff.episode.lead_id)
            assert (refused(answers), touch.counts_at) == ([], called_at)
            if handoff.state == "accepted":
                assert (touch.handoff_id, first_touch.verdict, first_touch.met_at) == (handoff.pk, "met", called_at)
            else:
                assert (handoff.state, touch.handoff_id, first_touch.verdict) == ("moved", None, "voided")
            assert changes_to(handoff, "accepted") + changes_to(handoff, "moved") == 1


class TestExtensionAgainstTheClock:
    def test_either_there_is_more_time_or_it_is_missed(
        self, track: Track, house: Company, line: Iterator[Handoff]
    ) -> None:
        for handoff in line:
            clock = clock_of(handoff, Target.ACCEPT)
            due_at = clock.due_at
            answers = track.race(
                {"do": "extend", "clock": clock.pk, "seconds": 600, "by": house.manager.pk, "now": due_at},
                {"do": "fire", "clock": clock.pk, "now": due_at},
            )
            clock.refresh_from_db()
            if refused(answers):
                assert (refused(answers), answers[1]["answer"]) == (["not_extendable"], True)
                assert (clock.due_at, clock.breached_at) == (due_at, due_at)
                assert clock.fired.filter(key="breach").count() == 1
            else:
                assert answers[1]["answer"] is False
                assert (clock.due_at, clock.breached_at) == (due_at + timedelta(seconds=600), None)
                assert not clock.fired.exists()


class TestUndoAgainstTheNextOffer:
    def test_either_the_rep_has_it_again_or_it_is_offered_on(
        self, track: Track, house: Company, line: Iterator[Handoff], now: datetime
    ) -> None:
        at = now + SECOND + UNDO_FOR
        for handoff in line:
            Rep.objects.filter(pk=house.ada.pk).update(is_active=True)
            assert track.race({"do": "reroute", "handoff": handoff.pk, "by": house.ben.user_id, "now": now + SECOND})
            answers = track.race(
                {"do": "undo", "handoff": handoff.pk, "by": house.ben.user_id, "now": at},
                {"do": "route", "episode": handoff.episode_id, "now": at},
            )
            handoff.refresh_from_db()
            hops = Handoff.objects.filter(episode=handoff.episode_id)
            if refused(answers):
                assert (refused(answers), answers[1]["answer"]) == (["cannot_undo"], True)
                assert (handoff.state, hops.count(), hops.latest("hop").user_id) == ("rejected", 2, house.ada.user_id)
            else:
                assert (answers[1]["answer"], handoff.state, hops.count()) == (False, "offered", 1)
            assert Episode.objects.get(pk=handoff.episode_id).phase == "offered"

"""Who is first gets the lead, and whoever comes second is told; a breach and an answer never contradict each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads.models import Outcome, Stage
from sla.models import Clock, Handoff, HandoffChange, Target, Touch
from tests.desk import Company, clock_of
from tests.races.conftest import ROUNDS, Track, refused, routed

pytestmark = pytest.mark.slow


def offers(house: Company, now: datetime) -> list[Handoff]:
    """Leads that are all on offer to Ben, since Ada takes none for now."""
    house.ada.is_active = False
    house.ada.save()
    return [routed(house, now=now) for _ in range(ROUNDS)]


def changes_to(handoff: Handoff, state: str) -> int:
    return HandoffChange.objects.filter(handoff=handoff, to_state=state).count()


class TestTwoPeople:
    def job(self, do: str, handoff: Handoff, by: int, now: datetime) -> dict[str, Any]:
        return {"do": do, "handoff": handoff.pk, "by": by, "now": now + timedelta(seconds=1)}

    def test_who_accept_accept_once(self, track: Track, house: Company, now: datetime) -> None:
        for handoff in offers(house, now):
            answers = track.race(
                self.job("accept", handoff, house.ben.user_id, now),
                self.job("accept", handoff, house.manager.pk, now),
            )
            assert [answer["answer"] for answer in answers] == ["accepted", "accepted"]
            assert changes_to(handoff, "accepted") == 1
            assert Outcome.objects.filter(matter=handoff.episode.public_id, kind="accepted").count() == 1

    def test_of_whom_one_has_no_say_leave_it_to_the_other(self, track: Track, house: Company, now: datetime) -> None:
        for handoff in offers(house, now):
            answers = track.race(
                self.job("accept", handoff, house.ada.user_id, now),
                self.job("accept", handoff, house.ben.user_id, now),
            )
            assert (answers[0].get("refused"), answers[1].get("answer")) == ("not_found", "accepted")

    def test_who_disagree_are_told_who_was_first(self, track: Track, house: Company, now: datetime) -> None:
        for handoff in offers(house, now):
            answers = track.race(
                self.job("accept", handoff, house.ben.user_id, now),
                self.job("reject", handoff, house.manager.pk, now),
            )
            handoff.refresh_from_db()
            loser = next(answer for answer in answers if "refused" in answer)
            assert refused(answers) == ["already_decided"]
            assert loser["state"] == handoff.state
            assert changes_to(handoff, "accepted") + changes_to(handoff, "rejected") == 1

    def test_of_whom_one_touches_accept_once(self, track: Track, house: Company, now: datetime) -> None:
        for handoff in offers(house, now):
            lead = handoff.episode.lead_id
            touch = {"do": "touch", "lead": lead, "by": house.ben.user_id, "now": now + timedelta(seconds=1)}
            answers = track.race(touch, self.job("accept", handoff, house.manager.pk, now))
            assert refused(answers) == []
            assert changes_to(handoff, "accepted") == 1
            assert Touch.objects.get(lead=lead).handoff_id == handoff.pk
            assert clock_of(handoff, Target.FIRST_TOUCH).verdict == "met"


class TestAcceptAgainstTheClock:
    def test_at_its_due_time_the_verdict_is_arithmetic(self, track: Track, house: Company, now: datetime) -> None:
        for number, handoff in enumerate(offers(house, now)):
            clock = clock_of(handoff, Target.ACCEPT)
            accepted_at = clock.due_at + timedelta(milliseconds=(-1, 0, 1)[number % 3])
            answers = track.race(
                {"do": "accept", "handoff": handoff.pk, "by": house.ben.user_id, "now": accepted_at},
                {"do": "fire", "clock": clock.pk, "now": clock.due_at},
            )
            clock.refresh_from_db()
            assert answers[0] == {"answer": "accepted"}
            assert clock.met_at is not None
            assert clock.verdict == ("met" if clock.met_at <= clock.due_at else "missed")
            assert abs(clock.met_at - accepted_at) <= timedelta(milliseconds=1)
            assert (clock.breached_at is not None) or clock.verdict == "met"

    def test_at_the_hop_either_the_rep_has_it_or_it_moved(self, track: Track, house: Company, now: datetime) -> None:
        for handoff in offers(house, now):
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

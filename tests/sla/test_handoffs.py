"""Offering, moving on, withdrawing: the hand-off's life apart from its verdicts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from leads.delivering import words
from leads.models import Lead, Notification, Outcome, Stage
from scoring import episodes
from scoring.models import ClosedAs, Phase
from sla import handoffs
from sla.models import Clock, Handoff, HandoffChange, State, Target
from tests.desk import ACCEPT, FIRST_TOUCH, Company, assign_clock, clock_of, company

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


class TestOffer:
    def test_meets_the_assign_clock_and_starts_accept_and_first_touch(self, house: Company, now: datetime) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        later = now + timedelta(minutes=3)
        handoff = house.offer(episode, now=later)
        assert (handoff.state, handoff.hop, handoff.offered_at) == (State.OFFERED, 1, later)
        assert (assign_clock(episode).verdict, assign_clock(episode).met_at) == ("met", later)
        assert clock_of(handoff, Target.ACCEPT).due_at == later + timedelta(seconds=ACCEPT["warm"])
        assert clock_of(handoff, Target.FIRST_TOUCH).due_at == later + timedelta(seconds=FIRST_TOUCH["warm"])
        assert handoff.clocks.count() == 2

    def test_writes_phase_holder_trace_and_one_history_row(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoff.episode.refresh_from_db()
        lead = Lead.objects.get(pk=handoff.episode.lead_id)
        assert handoff.episode.phase == Phase.OFFERED
        assert (lead.holder, lead.holder_team, lead.stage) == (house.ben.user, house.team, Stage.MQL)
        assert handoff.trace.trace == {"rules": []}
        change = HandoffChange.objects.get(handoff=handoff)
        assert (change.from_state, change.to_state, change.why) == ("", State.OFFERED, "round robin")

    def test_writes_to_the_rep_once(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        letter = Notification.objects.get(recipient=house.ben.user)
        assert letter.kind == "new lead"
        assert letter.effect_key == f"handoff:{handoff.public_id}:new_lead"
        assert "Iris" in letter.subject
        assert "Accept or reject by: Tue 10 Mar, 17:00 (UTC)" in words.of(letter).text
        assert f"/leads/{handoff.episode.lead.public_id}/" in words.of(letter).html

    def test_in_the_fast_lane_is_accepted_by_baton_without_an_accept_clock(self, house: Company, now: datetime) -> None:
        episode = house.episode(house.lead(now=now), now=now, fast=True)
        handoff = house.offer(episode, now=now)
        assert (handoff.state, handoff.accepted_at) == (State.ACCEPTED, now)
        assert set(handoff.clocks.values_list("target", flat=True)) == {"first_touch", "depth", "qualify"}
        assert clock_of(handoff, Target.FIRST_TOUCH).due_at == now + timedelta(minutes=15)
        assert Lead.objects.get(pk=episode.lead_id).stage == Stage.SAL
        assert episode.phase == Phase.ACCEPTED
        assert not Outcome.objects.exists()
        change = HandoffChange.objects.get(handoff=handoff)
        assert (change.to_state, change.why, change.by) == (State.ACCEPTED, "fast lane", None)

    def test_refuses_a_rep_who_is_full_unless_told_why(self, house: Company, now: datetime) -> None:
        house.ada.capacity = 1
        house.ada.save()
        house.offered(now=now, rep=house.ada)
        second = house.episode(house.lead(now=now), now=now)
        with pytest.raises(handoffs.OverCapacity):
            house.offer(second, now=now, rep=house.ada)
        handoff = house.offer(second, now=now, rep=house.ada, override="hand-raise")
        assert (handoff.override.open_load, handoff.override.capacity) == (1, 1)
        assert handoff.override.why == "hand-raise"

    def test_refuses_what_does_not_wait(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        with pytest.raises(handoffs.AlreadyDecided):
            house.offer(handoff.episode, now=now, rep=house.ada)

    def test_refuses_an_inactive_rep_in_words_and_in_the_database(self, house: Company, now: datetime) -> None:
        house.ada.is_active = False
        house.ada.save()
        episode = house.episode(house.lead(now=now), now=now)
        with pytest.raises(handoffs.InactiveRep):
            house.offer(episode, now=now, rep=house.ada)
        house.ada.is_active = True  # only in memory
        with pytest.raises(IntegrityError), transaction.atomic():
            house.offer(episode, now=now, rep=house.ada)


class TestMoveOn:
    def test_voids_the_clocks_and_lets_the_episode_wait_for_the_next_hop(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        later = now + timedelta(minutes=5)
        handoffs.move_on(handoff, why="absence", now=later)
        assert (handoff.state, handoff.closed_at) == (State.MOVED, later)
        assert set(handoff.clocks.values_list("verdict", flat=True)) == {"voided"}
        assert handoff.episode.phase == Phase.WAITING
        assert (assign_clock(handoff.episode).cause, assign_clock(handoff.episode).verdict) == ("hop:1", "")
        assert Lead.objects.get(pk=handoff.episode.lead_id).holder is None

    def test_leaves_missed_what_was_past_due(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.move_on(handoff, why="breach", now=now + timedelta(hours=3))
        assert clock_of(handoff, Target.ACCEPT).verdict == "missed"
        assert clock_of(handoff, Target.FIRST_TOUCH).verdict == "voided"

    def test_starts_the_next_hop_with_fresh_clocks(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        later = now + timedelta(hours=3)
        handoffs.move_on(handoff, why="breach", now=later)
        second = house.offer(episodes.lock(handoff.episode_id), now=later, rep=house.ada)
        assert second.hop == 2
        assert clock_of(second, Target.ACCEPT).due_at == later + timedelta(seconds=ACCEPT["warm"])
        assert Lead.objects.get(pk=second.episode.lead_id).holder == house.ada.user

    def test_leaves_the_stage_alone(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        handoffs.move_on(handoff, why="reassigned", by=house.manager, now=now)
        assert Lead.objects.get(pk=handoff.episode.lead_id).stage == Stage.SAL
        assert handoff.changes.last().by == house.manager

    def test_refuses_what_has_ended(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.move_on(handoff, why="breach", now=now)
        with pytest.raises(handoffs.AlreadyDecided, match="moved on"):
            handoffs.move_on(handoff, why="breach", now=now)


class TestWithdraw:
    def test_ends_the_handoff_with_its_episode_and_tells_the_rep(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        episode = episodes.lock(handoff.episode_id)
        episodes.close(episode, ClosedAs.WITHDRAWN, now=now)
        handoff.refresh_from_db()
        assert (handoff.state, handoff.closed_at) == (State.WITHDRAWN, now)
        assert not Clock.objects.filter(episode=episode, verdict="").exists()
        lead = Lead.objects.get(pk=episode.lead_id)
        assert (lead.stage, lead.holder) == (Stage.LEAD, None)
        assert Notification.objects.filter(kind="withdrawn", recipient=house.ben.user).count() == 1

    def test_says_nothing_of_a_person_who_was_erased(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        episodes.close(episodes.lock(handoff.episode_id), ClosedAs.ERASED, now=now)
        letter = words.of(Notification.objects.get(kind="erased"))
        assert "Iris" not in letter.subject + letter.text + letter.html
        assert "Vale" not in letter.subject + letter.text + letter.html


class TestTheDatabase:
    def test_lets_no_second_open_handoff_stand_on_an_episode(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        with pytest.raises(IntegrityError), transaction.atomic():
            Handoff.objects.create(
                episode=handoff.episode,
                user=house.ada.user,
                team=house.team,
                hop=2,
                tier="warm",
                lane="normal",
                policy_version=house.policy,
                offered_at=now,
            )

    def test_refuses_an_illegal_move_in_the_history(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        with pytest.raises(IntegrityError), transaction.atomic():
            HandoffChange.objects.create(handoff=handoff, from_state="rejected", to_state="accepted", at=now)

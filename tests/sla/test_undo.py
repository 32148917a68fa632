"""Undo within seconds, reopening later: everything is as it was before the verdict."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import outcomes
from leads.errors import Invalid
from leads.models import Lead, Notification, Outcome, Stage
from scoring import episodes
from scoring.models import Episode, Phase, Tier
from sla import clocks, clockwork, handoffs, touches
from sla.models import Clock, Handoff, LeftBehind, State, Target
from tests.desk import Company, away, clock_of, company

pytestmark = pytest.mark.django_db
FIVE = timedelta(seconds=5)
LATER = timedelta(minutes=20)
GRACE = timedelta(hours=20)  # four working hours, with a night in between
LEAD = ("stage", "rest_until", "evidence_from", "callback_at", "callback_user_id", "holder_id", "holder_team_id")
EPISODE = ("phase", "closed_at", "closed_as", "tier", "lane", "route_not_before")
HANDOFF = ("state", "accepted_at", "closed_at", "reason_id", "note", "named_date", "bant", "touches")


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def picture(handoff: Handoff) -> dict[str, Any]:
    """All that undo promises to put back."""
    lead = Lead.objects.get(pk=handoff.episode.lead_id)
    episode = Episode.objects.get(pk=handoff.episode_id)
    fresh = Handoff.objects.get(pk=handoff.pk)
    return {
        "lead": {name: getattr(lead, name) for name in LEAD},
        "episode": {name: getattr(episode, name) for name in EPISODE},
        "members": list(episode.members.filter(left_at=None).values_list("lead_id", flat=True)),
        "handoff": {name: getattr(fresh, name) for name in HANDOFF},
        "running": sorted(
            Clock.objects.filter(episode=episode, verdict="").values_list("pk", "target", "due_at", "next_step_at")
        ),
        "outcomes": sorted(
            Outcome.objects.filter(matter=episode.public_id, withdrawn_at=None).values_list("kind", flat=True)
        ),
    }


class TestUndo:
    @pytest.mark.parametrize("verdict", ["accept", "bad_contact", "student", "wrong_territory", "named date"])
    def test_of_an_answer_to_an_offer_leaves_it_as_if_nothing_had_happened(
        self, house: Company, now: datetime, verdict: str
    ) -> None:
        handoff = house.offered(now=now)
        before = picture(handoff)
        at = now + LATER
        ben = house.ben.user
        if verdict == "accept":
            handoffs.accept(handoff.pk, by=ben, now=at)
        elif verdict == "named date":
            date = at + timedelta(days=9)
            handoffs.return_(handoff.pk, reason="timing", named_date=date, note="On the 3rd", by=ben, now=at)
        else:
            handoffs.reject(handoff.pk, reason=verdict, note="No", by=ben, now=at)
        assert picture(handoff) != before
        undone = handoffs.undo(handoff.pk, by=ben, now=at + FIVE)
        assert picture(handoff) == before
        last = undone.changes.last()
        assert (last.is_undo, last.to_state, last.by) == (True, State.OFFERED, ben)

    @pytest.mark.parametrize("verdict", ["convert", "student", "wrong_territory", "timing"])
    def test_of_what_followed_accepting_leaves_it_accepted(self, house: Company, now: datetime, verdict: str) -> None:
        handoff = house.accepted(now=now)
        before = picture(handoff)
        at = now + LATER
        if verdict == "convert":
            handoffs.convert(handoff.pk, bant={"need": "Now"}, by=house.manager, now=at)
        else:
            date = at + timedelta(days=9) if verdict == "timing" else None
            handoffs.return_(handoff.pk, reason=verdict, named_date=date, by=house.ben.user, now=at)
        handoffs.undo(handoff.pk, by=house.ben.user, now=at + FIVE)
        assert picture(handoff) == before
        assert before["outcomes"] == ["accepted"]

    def test_lets_the_same_verdict_be_given_again(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        ben = house.ben.user
        for number in range(3):
            handoffs.accept(handoff.pk, by=ben, now=now + number * FIVE)
            handoffs.undo(handoff.pk, by=ben, now=now + number * FIVE)
            handoffs.reject(handoff.pk, reason="wrong_territory", by=ben, now=now + number * FIVE)
            handoffs.undo(handoff.pk, by=ben, now=now + number * FIVE)
        got = handoffs.accept(handoff.pk, by=ben, now=now + LATER)
        assert got.state == State.ACCEPTED
        assert sorted(got.clocks.filter(verdict="").values_list("target", flat=True)) == [
            "depth",
            "first_touch",
            "qualify",
        ]

    def test_never_moves_a_due_instant_even_past_it(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        clock = clock_of(handoff, Target.ACCEPT)
        at = clock.due_at - timedelta(seconds=2)
        handoffs.accept(handoff.pk, by=house.ben.user, now=at)
        handoffs.undo(handoff.pk, by=house.ben.user, now=at + FIVE)
        again = Clock.objects.get(pk=clock.pk)
        assert (again.is_running, again.due_at) == (True, clock.due_at)
        assert clock.pk in clocks.due_page(now=at + FIVE, limit=9)

    def test_is_over_after_fifteen_seconds(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        with pytest.raises(handoffs.CannotUndo, match="15 seconds"):
            handoffs.undo(handoff.pk, by=house.ben.user, now=now + handoffs.UNDO_FOR + timedelta(microseconds=1))
        handoffs.undo(handoff.pk, by=house.ben.user, now=now + handoffs.UNDO_FOR)

    def test_is_given_once(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        handoffs.undo(handoff.pk, by=house.ben.user, now=now)
        with pytest.raises(handoffs.CannotUndo, match="no verdict"):
            handoffs.undo(handoff.pk, by=house.ben.user, now=now)

    def test_takes_nothing_back_that_baton_did(self, house: Company, now: datetime) -> None:
        fast = house.offer(house.episode(house.lead(now=now), now=now, fast=True), now=now)
        with pytest.raises(handoffs.CannotUndo):
            handoffs.undo(fast.pk, by=house.ben.user, now=now)

    @pytest.mark.parametrize("newer", ["touch", "tier", "stage", "episode", "hop"])
    def test_is_refused_once_something_newer_stands(self, house: Company, now: datetime, newer: str) -> None:
        ben = house.ben.user
        if newer in ("touch", "tier", "stage"):
            handoff = house.accepted(now=now)
        else:
            handoff = house.offered(now=now)
            reason = "wrong_territory" if newer == "hop" else "bad_contact"
            handoffs.reject(handoff.pk, reason=reason, by=ben, now=now)
        episode = episodes.lock(handoff.episode_id)
        lead = episode.lead
        if newer == "touch":
            _call(handoff, at=now)
        elif newer == "tier":
            episodes.raise_tier(episode, Tier.HOT, now=now)
        elif newer == "stage":
            outcomes.record(lead, "opened", at=now, now=now, via="api")
        elif newer == "episode":
            house.episode(lead, now=now, fast=True)
        else:
            house.offer(episode, now=now, rep=house.ada)
        with pytest.raises(handoffs.CannotUndo):
            handoffs.undo(handoff.pk, by=ben, now=now + FIVE)

    def test_is_not_stopped_by_a_mark_of_cooling(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        episodes.cool(episodes.lock(handoff.episode_id), now=now)
        assert handoffs.undo(handoff.pk, by=house.ben.user, now=now).state == State.OFFERED

    def test_is_for_the_rep_and_the_manager_only(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        with pytest.raises(handoffs.NotYours):
            handoffs.undo(handoff.pk, by=house.ada.user, now=now)
        assert handoffs.undo(handoff.pk, by=house.manager, now=now).state == State.OFFERED

    def test_writes_down_that_a_rep_is_over_capacity_by_it(self, house: Company, now: datetime) -> None:
        house.ben.capacity = 1
        house.ben.save()
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        house.offered(now=now)
        undone = handoffs.undo(handoff.pk, by=house.ben.user, now=now)
        assert (undone.override.why, undone.override.open_load) == ("undo", 1)


def _call(handoff: Handoff, *, at: datetime) -> None:
    touches.record(
        handoff.episode.lead_id,
        means="call",
        outcome="reached",
        performed_by=handoff.user,
        recorded_by=handoff.user,
        occurred_at=at,
        now=at,
    )


class TestReopen:
    @pytest.mark.parametrize("verdict", ["bad_contact", "student", "wrong_territory"])
    def test_after_a_reject_is_a_new_accepted_hop_of_the_same_rep(
        self, house: Company, now: datetime, verdict: str
    ) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason=verdict, by=house.ben.user, now=now)
        at = now + timedelta(days=2)
        hop = handoffs.reopen(handoff.pk, by=house.manager, why="The address was right", now=at)
        lead, episode = Lead.objects.get(pk=hop.episode.lead_id), Episode.objects.get(pk=hop.episode_id)
        assert (hop.hop, hop.state, hop.user, hop.accepted_at) == (2, State.ACCEPTED, house.ben.user, at)
        assert (lead.stage, lead.rest_until, lead.evidence_from) == (Stage.SAL, None, None)
        assert lead.holder == house.ben.user
        assert (episode.phase, episode.closed_at) == (Phase.ACCEPTED, None)
        standing = Outcome.objects.filter(matter=episode.public_id, withdrawn_at=None)
        assert list(standing.values_list("kind", flat=True)) == ["accepted"]
        assert not Clock.objects.filter(episode=episode, target=Target.ASSIGN, verdict="").exists()
        assert set(hop.clocks.filter(verdict="").values_list("target", flat=True)) == {
            "first_touch",
            "depth",
            "qualify",
        }
        assert Notification.objects.filter(kind="reopened", recipient=house.ben.user).count() == 1

    def test_after_converting_puts_the_stage_back(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        handoffs.convert(handoff.pk, by=house.ben.user, now=now)
        hop = handoffs.reopen(handoff.pk, by=house.manager, why="Too early", now=now + LATER)
        assert Lead.objects.get(pk=hop.episode.lead_id).stage == Stage.SAL
        standing = Outcome.objects.filter(withdrawn_at=None)
        assert list(standing.values_list("kind", flat=True)) == ["accepted"]

    def test_keeps_the_reason_where_erasing_finds_it(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        handoffs.convert(handoff.pk, by=house.ben.user, now=now)
        hop = handoffs.reopen(handoff.pk, by=house.manager, why="Iris called again", now=now + LATER)
        assert hop.note == "Iris called again"
        assert "Iris" not in str(list(hop.episode.changes.values_list("detail", flat=True)))

    def test_is_the_managers_and_needs_a_reason(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        with pytest.raises(handoffs.NotYours):
            handoffs.reopen(handoff.pk, by=house.ben.user, why="Please", now=now)
        with pytest.raises(Invalid, match="why it is reopened"):
            handoffs.reopen(handoff.pk, by=house.manager, why="  ", now=now)

    def test_is_refused_where_the_lead_has_moved_on(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        lead = Lead.objects.get(pk=handoff.episode.lead_id)
        outcomes.record(lead, "won", at=now, now=now, via="api")
        with pytest.raises(handoffs.CannotReopen, match="stands at Customer"):
            handoffs.reopen(handoff.pk, by=house.manager, why="Wrong", now=now)

    def test_is_refused_where_another_rep_has_it(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="wrong_territory", by=house.ben.user, now=now)
        house.offer(episodes.lock(handoff.episode_id), now=now, rep=house.ada)
        with pytest.raises(handoffs.CannotReopen):
            handoffs.reopen(handoff.pk, by=house.manager, why="Wrong", now=now)

    def test_is_refused_for_a_rep_who_has_left(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        house.ben.is_active = False
        house.ben.save()
        with pytest.raises(handoffs.InactiveRep):
            handoffs.reopen(handoff.pk, by=house.manager, why="Wrong", now=now)

    def test_is_refused_where_no_verdict_stands(self, house: Company, now: datetime) -> None:
        with pytest.raises(handoffs.CannotReopen):
            handoffs.reopen(house.accepted(now=now).pk, by=house.manager, why="Wrong", now=now)

    def test_begins_the_grace_of_a_rep_who_is_away(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        away(house.ben, now=now + LATER)
        clockwork.run_once(lambda: now + LATER)
        hop = handoffs.reopen(handoff.pk, by=house.manager, why="Wrong", now=now + 2 * LATER)
        left = LeftBehind.objects.get(handoff=hop)
        assert (left.since, left.due_at) == (now + 2 * LATER, now + 2 * LATER + GRACE)
        clockwork.run_once(lambda: left.due_at)
        hop.refresh_from_db()
        assert hop.state == State.MOVED


class TestWhoseAbsenceBeginsMeanwhile:
    """An absence of a rep begins, and is acted on, within the seconds in which they may undo."""

    def test_gets_no_offer_back(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        away(house.ben, now=now)
        clockwork.run_once(lambda: now + FIVE)
        with pytest.raises(handoffs.CannotUndo, match="Ben Keller is away"):
            handoffs.undo(handoff.pk, by=house.ben.user, now=now + FIVE)

    def test_gets_back_what_they_had_accepted_for_its_grace(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        handoffs.convert(handoff.pk, by=house.ben.user, now=now)
        away(house.ben, now=now)
        clockwork.run_once(lambda: now + FIVE)
        assert not LeftBehind.objects.exists()
        handoffs.undo(handoff.pk, by=house.ben.user, now=now + FIVE)
        assert LeftBehind.objects.get(handoff=handoff).due_at == now + FIVE + GRACE

    def test_is_left_behind_once(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        away(house.ben, now=now)
        clockwork.run_once(lambda: now)
        handoffs.convert(handoff.pk, by=house.ben.user, now=now)
        handoffs.undo(handoff.pk, by=house.ben.user, now=now + FIVE)
        assert LeftBehind.objects.filter(handoff=handoff).count() == 1

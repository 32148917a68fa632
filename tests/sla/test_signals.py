"""Signals: somebody known raises a hand, and whoever has them is told by a clock that runs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from leads import erasing, holding, merging, nurture, outcomes
from leads.errors import Invalid
from leads.models import Account, Activity, Lead, Notification, Outcome, Role, Stage, StageChange
from scoring import assessment
from scoring.models import ClosedAs, Episode, Lane, OpenedBy, Phase, Qualification
from sla import clocks, handoffs, routing
from sla.clocks import escalation
from sla.handoffs import open_load
from sla.models import Handoff, State, Target
from sla.people import leaving
from sla.routing import signaling
from tests import desk
from tests.desk import Company, act, clock_of, person
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


def known(house: Company, *, now: datetime, stage: str = Stage.CUSTOMER, **fields: object) -> Lead:
    """Somebody with a deal, a customer, or a person who was disqualified; Ben has them."""
    values = {"holder": house.ben.user, "holder_team": house.team} | fields
    lead = house.lead(now=now)
    if stage in (Stage.SQL, Stage.DISQUALIFIED):
        handoff = house.offer(house.episode(lead, now=now), now=now)
        if stage == Stage.SQL:
            handoffs.accept(handoff.pk, by=house.ben.user, now=now)
            handoffs.convert(handoff.pk, by=house.ben.user, now=now)
        else:
            handoffs.reject(handoff.pk, reason="competitor", by=house.ben.user, now=now)
    else:
        kind = "won" if stage == Stage.CUSTOMER else "opened"
        outcomes.record(lead, kind, at=now, now=now, via=Outcome.Via.API)
    lead.refresh_from_db()
    assert lead.stage == stage
    hold(lead, **values, now=now)
    return lead


def hold(lead: Lead, *, holder: object, holder_team: object, now: datetime) -> None:
    holding.hold(lead, user=holder, team=holder_team, now=now)  # type: ignore[arg-type]
    lead.refresh_from_db()


def raise_hand(lead: Lead, *, now: datetime, origin: str = "api") -> Activity:
    made = act(lead, "Requested Demo", at=now, origin=origin)
    assessment.assess(now=now)
    lead.refresh_from_db()
    return made


def signal_of(lead: Lead) -> Handoff:
    return Handoff.objects.filter(episode__lead=lead, lane=Lane.SIGNAL).latest("pk")


class TestOpening:
    @pytest.mark.parametrize("stage", [Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.DISQUALIFIED])
    def test_goes_to_whoever_has_them_and_moves_no_stage(self, house: Company, now: datetime, stage: str) -> None:
        lead = known(house, now=now - HOUR, stage=stage)
        moves = StageChange.objects.filter(lead=lead).count()
        raise_hand(lead, now=now)
        handoff = signal_of(lead)
        assert (handoff.user, handoff.state, handoff.team) == (house.ben.user, State.OFFERED, house.team)
        assert (handoff.episode.opened_by, handoff.episode.opened_at) == (OpenedBy.SIGNAL, now)
        assert (lead.stage, StageChange.objects.filter(lead=lead).count()) == (stage, moves)
        clock = clock_of(handoff, Target.FIRST_TOUCH)
        assert clock.due_at == now + timedelta(seconds=desk.FIRST_TOUCH["hand_raise"])
        assert [each.target for each in handoff.clocks.all()] == [Target.FIRST_TOUCH]
        assert Notification.objects.filter(kind="new lead", recipient=house.ben.user, lead=lead).exists()
        assert_sound(leaving_out=("offers are explained",))  # the test's own first offer

    def test_goes_to_the_owner_of_the_account_who_need_not_be_a_rep(self, house: Company, now: datetime) -> None:
        owner = person(Role.MARKETING, "Olga Hart")
        account = Account.objects.create(name="Brightforge", owner=owner, created_at=now)
        lead = known(house, now=now - HOUR, holder=None, holder_team=None)
        Lead.objects.filter(pk=lead.pk).update(account=account)
        raise_hand(lead, now=now)
        assert signal_of(lead).user == owner
        client = Client()
        client.force_login(owner)
        assert "Signal" in client.get("/inbox/").content.decode()
        assert "asked for you" in client.get(f"/leads/{lead.public_id}/promise/").content.decode()
        assert_sound()

    @pytest.mark.parametrize("why", ["away", "inactive", "nobody"])
    def test_else_to_a_manager(self, house: Company, now: datetime, why: str) -> None:
        lead = known(house, now=now - HOUR)
        if why == "away":
            desk.away(house.ben, now=now)
        elif why == "inactive":
            leaving.leave(house.ben.pk, now=now, by=house.manager)
            house.ben.user.is_active = False
            house.ben.user.save()
        else:
            hold(lead, holder=None, holder_team=None, now=now)
        raise_hand(lead, now=now)
        assert signal_of(lead).user == house.manager

    def test_waits_where_nobody_is_there(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR, holder=None, holder_team=None)
        house.manager.is_active = False
        house.manager.save()
        raise_hand(lead, now=now)
        signal = Episode.objects.get(lead=lead, lane=Lane.SIGNAL)
        assert signal.phase == Phase.WAITING
        assert desk.assign_clock(signal).is_running
        house.manager.is_active = True
        house.manager.save()
        routed = routing.route(signal.pk, now=now + MINUTE)
        assert routed is not None
        assert routed.user == house.manager

    def test_takes_no_room_and_no_turn(self, house: Company, now: datetime) -> None:
        house.ben.capacity = 0
        house.ben.save()
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        assert signal_of(lead).user == house.ben.user
        assert open_load(house.ben) == 0
        assert not hasattr(signal_of(lead), "override")

    def test_answers_what_is_news_alone(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now, origin="import")
        assert not Episode.objects.filter(lead=lead, lane=Lane.SIGNAL).exists()
        fresh = house.lead(now=now)
        raise_hand(fresh, now=now)
        handoff = routing.route(Episode.objects.get(lead=fresh).pk, now=now + MINUTE)
        assert handoff is not None
        handoffs.convert(handoff.pk, by=handoff.user, now=now + 2 * MINUTE)
        act(fresh, "Read Article", at=now + 3 * MINUTE)
        assessment.assess(now=now + 3 * MINUTE)
        assert Episode.objects.filter(lead=fresh).count() == 1  # that hand was answered


class TestAnswering:
    @pytest.mark.parametrize("how", ["reject", "convert", "return"])
    def test_moves_nothing_and_closes_it(self, house: Company, now: datetime, how: str) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        before = Lead.objects.filter(pk=lead.pk).values().get()
        handoff, ben = signal_of(lead), house.ben.user
        if how == "reject":
            handoffs.reject(handoff.pk, reason="customer", by=ben, now=now + MINUTE)
        else:
            handoffs.accept(handoff.pk, by=ben, now=now + MINUTE)
            if how == "convert":
                handoffs.convert(handoff.pk, by=ben, now=now + 2 * MINUTE)
            else:
                handoffs.return_(handoff.pk, reason="bad_contact", by=ben, now=now + 2 * MINUTE)
        assert Lead.objects.filter(pk=lead.pk).values().get() == before
        assert not Outcome.objects.filter(via=Outcome.Via.VERDICT).exists()
        handoff.episode.refresh_from_db()
        assert handoff.episode.closed_as in (ClosedAs.REJECTED, ClosedAs.CONVERTED, ClosedAs.RETURNED)
        assert_sound()
        handoffs.undo(handoff.pk, by=ben, now=now + 2 * MINUTE + timedelta(seconds=5)) if how != "reject" else None
        assert_sound()

    def test_can_be_reopened_by_a_manager(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        handoffs.reject(signal_of(lead).pk, reason="customer", by=house.ben.user, now=now + MINUTE)
        hop = handoffs.reopen(signal_of(lead).pk, by=house.manager, why="Call her.", now=now + HOUR)
        assert (hop.state, hop.user) == (State.ACCEPTED, house.ben.user)
        lead.refresh_from_db()
        assert (lead.stage, Outcome.objects.filter(via=Outcome.Via.VERDICT).exists()) == (Stage.CUSTOMER, False)
        assert_sound()

    def test_takes_no_date(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        with pytest.raises(Invalid, match="no date"):
            handoffs.return_(
                signal_of(lead).pk, reason="timing", named_date=now + 99 * HOUR, by=house.ben.user, now=now
            )

    def test_a_reroute_goes_to_the_manager(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        first = signal_of(lead)
        handoffs.reject(first.pk, reason="wrong_territory", by=house.ben.user, now=now + MINUTE)
        second = routing.route(first.episode_id, now=now + 2 * MINUTE)
        assert second is not None
        assert (second.user, second.hop) == (house.manager, 2)
        lead.refresh_from_db()
        assert lead.holder == house.ben.user
        assert_sound()


class TestWhileItIsOpen:
    def test_another_hand_brings_the_due_time_closer_or_starts_another(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        due = clock_of(signal_of(lead), Target.FIRST_TOUCH).due_at
        raise_hand(lead, now=now + MINUTE)
        assert Episode.objects.filter(lead=lead, lane=Lane.SIGNAL).count() == 1
        handoff = signal_of(lead)
        assert (handoff.state, handoff.episode.lane) == (State.OFFERED, Lane.SIGNAL)
        assert clock_of(handoff, Target.FIRST_TOUCH).due_at == due
        assert Qualification.objects.filter(episode=handoff.episode).count() == 2
        assert_sound()

    def test_a_purchase_leaves_it_open(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR, stage=Stage.OPPORTUNITY)
        raise_hand(lead, now=now)
        outcomes.record(lead, "won", at=now, now=now, via=Outcome.Via.API)
        assert (signal_of(lead).state, lead.stage) == (State.OFFERED, Stage.CUSTOMER)
        assert_sound()

    def test_what_qualifies_behind_it_is_looked_at_once_it_is_answered(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR, stage=Stage.OPPORTUNITY)
        raise_hand(lead, now=now)
        outcomes.record(lead, "lost", at=now + MINUTE, now=now + MINUTE, via=Outcome.Via.API)
        assert lead.stage == Stage.NURTURE
        nurture.end_rest(lead, now=now + MINUTE, cause="test")
        act(lead, "Visited Pricing Page", at=now + 2 * MINUTE)
        assessment.assess(now=now + 2 * MINUTE)
        assert Episode.objects.filter(lead=lead, closed_at=None).get().lane == Lane.SIGNAL
        handoffs.reject(signal_of(lead).pk, reason="customer", by=house.ben.user, now=now + 3 * MINUTE)
        assessment.assess(now=now + 4 * MINUTE)
        assert Episode.objects.filter(lead=lead, closed_at=None).get().lane != Lane.SIGNAL
        assert_sound()

    def test_a_breach_tells_the_manager(self, house: Company, now: datetime) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        late = clock_of(signal_of(lead), Target.FIRST_TOUCH).due_at + MINUTE
        for clock_id in clocks.due_page(now=late, limit=9):
            escalation.fire(clock_id, now=late)
        assert Notification.objects.filter(kind="breach", recipient=house.manager, lead=lead).count() == 1

    def test_who_left_hands_it_to_the_manager(self, house: Company, now: datetime) -> None:
        owner = person(Role.MARKETING, "Olga Hart")
        lead = known(house, now=now - HOUR, holder=owner, holder_team=house.team)
        raise_hand(lead, now=now)
        gone = person(Role.MARKETING, "Gone Long")
        gone.is_active = False
        gone.save()
        with pytest.raises(IntegrityError, match="active person"), transaction.atomic():
            Handoff.objects.filter(pk=signal_of(lead).pk).update(user=gone)
        owner.is_active = False
        owner.save()
        assert signaling.take_back(now=now + MINUTE) == 1
        routing.route(signal_of(lead).episode_id, now=now + 2 * MINUTE)
        assert signal_of(lead).user == house.manager
        assert_sound()

    @pytest.mark.parametrize("end", ["erased", "merged"])
    def test_ends_with_the_person(self, house: Company, now: datetime, end: str) -> None:
        lead = known(house, now=now - HOUR)
        raise_hand(lead, now=now)
        handoff = signal_of(lead)
        if end == "erased":
            erasing.erase(lead.pk, now=now + MINUTE, by=house.manager)
        else:
            other = house.lead(now=now - 9 * HOUR)
            house.episode(other, now=now)
            merging.merge(other.pk, lead.pk, now=now + MINUTE, prefer=other.pk)
        handoff.refresh_from_db()
        assert (handoff.state, handoff.episode.lane) == (State.WITHDRAWN, Lane.SIGNAL)
        assert Episode.objects.get(pk=handoff.episode_id).closed_as == end
        assert_sound()

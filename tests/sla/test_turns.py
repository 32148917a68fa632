"""Turns as the database keeps them, and what a rule may ask of whoever gets a lead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, transaction

from leads.models import Account, Organization, Team
from scoring import episodes
from scoring.models import Episode, Tier
from sla import handoffs, routing
from sla.models import (
    Absence,
    Calendar,
    CalendarVersion,
    CapacityOverride,
    Desk,
    FairnessPool,
    FairnessSpan,
    FairnessTurn,
    GivenBack,
    Handoff,
    LastLook,
    PolicyTarget,
    Rep,
    RoutingRule,
)
from sla.routing import Ends, decide
from sla.routing.invariants import recount
from tests import desk
from tests.desk import Company, rep_in

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


@pytest.fixture
def waits(house: Company, now: datetime) -> Callable[..., Episode]:
    def make(*, tier: str = Tier.WARM, fast: bool = False, at: datetime = now, **fields: Any) -> Episode:
        return house.episode(house.lead(now=at, **fields), now=at, tier=tier, fast=fast)

    return make


def routed(episode: Episode, *, now: datetime) -> Handoff:
    handoff = routing.route(episode.pk, now=now)
    assert handoff is not None
    return handoff


def rule(**fields: Any) -> None:
    RoutingRule.objects.update(**fields)


def assert_recounts() -> None:
    for pool in FairnessPool.objects.select_related("desk__team", "span"):
        assert list(recount(pool)) == []


def other_team(house: Company, name: str = "East") -> Team:
    team = Team.objects.create(name=name)
    Desk.objects.create(team=team, calendar=Desk.objects.get(team=house.team).calendar)
    return team


def hours(name: str, opens: str, closes: str, *, now: datetime) -> Calendar:
    calendar = Calendar.objects.create(name=name)
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), [[opens, closes]])
    CalendarVersion.objects.create(
        calendar=calendar, number=1, spec={"time_zone": "UTC", "weekly": week}, created_at=now
    )
    return calendar


class TestTurns:
    def test_follow_the_weights_per_tier_and_are_kept_to_be_counted_again(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.filter(pk=house.ada.pk).update(weight=50)
        made = [routed(waits(), now=now).user_id for _ in range(6)]
        b, a = house.ben.user_id, house.ada.user_id
        assert made == [b, b, a, b, b, a]
        assert routed(waits(tier=Tier.HOT), now=now).user_id == b  # another rotation

        span = FairnessSpan.objects.get(pool__heat="warm")
        assert span.weights == {str(house.ben.pk): 100, str(house.ada.pk): 50}
        assert list(span.turns.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
        assert FairnessPool.objects.count() == 2
        assert_recounts()

    def test_begin_a_new_span_when_the_line_changes_and_owe_on(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        routed(waits(), now=now)  # Ben; Ada is owed half a lead
        Absence.objects.create(rep=house.ada, starts_at=now, ends_at=now + DAY)
        for _ in range(4):
            routed(waits(), now=now)
        back = [routed(waits(), now=now + DAY).user_id for _ in range(4)]

        assert back == [house.ada.user_id, house.ben.user_id] * 2
        assert FairnessSpan.objects.count() == 3
        assert_recounts()

    def test_are_not_those_of_owners_and_gifts(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        rule(owner_first=True)
        account = Account.objects.create(name="Brightforge", owner=house.ada.user, created_at=now)
        handoff = routed(waits(account=account), now=now)

        assert (handoff.user, handoff.trace.trace["why"]) == (house.ada.user, "account owner")
        assert not FairnessTurn.objects.exists()
        assert routed(waits(), now=now).user == house.ben.user

    @pytest.mark.parametrize("undone", [False, True])
    def test_are_owed_again_for_a_lead_that_was_none_unless_that_is_undone(
        self, house: Company, waits: Callable[..., Episode], now: datetime, undone: bool
    ) -> None:
        first = routed(waits(), now=now)
        handoffs.reject(first.pk, reason="bad_contact", by=house.ben.user, now=now)
        assert GivenBack.objects.count() == 1
        if undone:
            handoffs.undo(first.pk, by=house.ben.user, now=now + timedelta(seconds=5))
            assert not GivenBack.objects.exists()
        later = now + MINUTE
        made = [routed(waits(at=later), now=later).user_id for _ in range(3)]

        b, a = house.ben.user_id, house.ada.user_id
        assert made == ([a, b, a] if undone else [b, a, b])
        assert_recounts()

    def test_of_a_usual_reason_are_not(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        handoffs.reject(routed(waits(), now=now).pk, reason="student", by=house.ben.user, now=now)
        assert not GivenBack.objects.exists()

    def test_are_never_changed(self, waits: Callable[..., Episode], now: datetime) -> None:
        routed(waits(), now=now)
        for row in (FairnessTurn, FairnessSpan):
            with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
                row.objects.update(number=9)

    def test_that_someone_else_took_do_not_count_again(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        routed(waits(), now=now)
        pool = FairnessPool.objects.get()
        pool.given = {str(house.ada.pk): 1}
        assert len(list(recount(pool))) == 1


class TestCaps:
    def test_on_the_day_hold_until_the_organizations_midnight(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Organization.objects.update_or_create(pk=1, defaults={"time_zone": "Asia/Kathmandu"})
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        Rep.objects.filter(pk=house.ben.pk).update(daily_cap=1)
        first = routed(waits(), now=now)
        handoffs.move_on(first, why="absence", now=now)  # an offer counts, whatever became of it
        second = waits()
        assert routing.route(second.pk, now=now) is None
        why = routing.why_waiting(Episode.objects.get(pk=second.pk), now=now)
        assert why is not None
        assert "1 at the daily cap" in why.sentence

        midnight = datetime.fromisoformat("2026-03-11T00:00+05:45")
        assert routing.route(second.pk, now=midnight - MINUTE) is None
        assert routed(second, now=midnight).user == house.ben.user

    def test_on_the_day_are_passed_by_a_hand_raise_with_a_row(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.update(daily_cap=0)
        routed(waits(fast=True), now=now)
        override = CapacityOverride.objects.get()
        assert (override.today, override.daily_cap, override.why) == (0, 0, "hand-raise")


class TestStrategy:
    def test_least_loaded_goes_to_who_has_least_to_do_for_their_capacity(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        rule(strategy=RoutingRule.Strategy.LEAST_LOADED)
        Rep.objects.filter(pk=house.ben.pk).update(capacity=2)
        made = [routed(waits(), now=now) for _ in range(4)]
        b, a = house.ben.user_id, house.ada.user_id
        assert [each.user_id for each in made] == [b, a, a, a]
        assert made[0].trace.trace["why"] == "least loaded"
        assert not FairnessTurn.objects.exists()

    def test_previous_is_first_unless_they_rejected_the_person(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        rule(previous=RoutingRule.Previous.FIRST)
        before = house.offered(now=now, rep=house.ada)
        lead = before.episode.lead
        handoffs.accept(before.pk, by=house.ada.user, now=now)
        episodes.close(Episode.objects.get(pk=before.episode_id), "withdrawn", now=now)
        lead.refresh_from_db()
        again = routed(house.episode(lead, now=now + DAY), now=now + DAY)
        assert (again.user, again.trace.trace["why"]) == (house.ada.user, "previous rep")

        handoffs.reject(again.pk, reason="wrong_territory", by=house.ada.user, now=now + DAY)
        episodes.close(Episode.objects.get(pk=again.episode_id), "withdrawn", now=now + DAY)
        lead.refresh_from_db()
        third = routed(house.episode(lead, now=now + 2 * DAY), now=now + 2 * DAY)
        assert third.user == house.ben.user
        assert [each["code"] for each in third.trace.trace["others"]] == ["said_no"]

    def test_needs_skills_and_the_language_of_the_lead(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        rule(needs_skills=["Enterprise"], language_of="trait.language")
        Rep.objects.filter(pk=house.ada.pk).update(skills=["enterprise "], languages=["German", "English"])
        Rep.objects.filter(pk=house.ben.pk).update(languages=["German"])
        handoff = routed(waits(traits={"language": "german"}), now=now)
        assert handoff.user == house.ada.user
        assert handoff.trace.trace["others"][0]["code"] == "no_skill"

        rule(needs_skills=[])
        french = waits(traits={"language": "French"})
        assert routing.route(french.pk, now=now) is None
        assert LastLook.objects.get(episode=french).why["nobody"][str(house.team.pk)] == {"no_language": 2}
        rule(lead_language=RoutingRule.LeadLanguage.PREFERRED)
        assert routing.route(french.pk, now=now) is not None

    def test_prefers_skills_and_languages(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        rule(prefers_skills=["security", "enterprise"], prefers_languages=["german"])
        Rep.objects.filter(pk=house.ada.pk).update(skills=["security"], languages=["german"])
        assert [routed(waits(), now=now).user for _ in range(2)] == [house.ada.user] * 2
        Rep.objects.filter(pk=house.ada.pk).update(capacity=2)
        assert routed(waits(), now=now).user == house.ben.user


class TestIfNobodyCan:
    @pytest.mark.parametrize("mode", RoutingRule.IfNobody.values)
    def test_the_rule_says_what_happens(
        self, house: Company, waits: Callable[..., Episode], now: datetime, mode: str
    ) -> None:
        Rep.objects.update(capacity=0)
        east, north = other_team(house), other_team(house, "North")
        olga, nils = rep_in(east, "Olga Far"), rep_in(north, "Nils Berg")
        rule(if_nobody=mode, fallback_team=east)
        RoutingRule.objects.create(name="Last", team=north, position=9)
        decision = decide(episode := waits(), episode.lead, now=now)

        expected = {
            "next_rule": (Ends.OFFER, nils),
            "hold": (Ends.HELD, None),
            "fallback": (Ends.OFFER, olga),
            "pool": (Ends.POOL, None),
        }[mode]
        assert (decision.ends, decision.chosen.rep if decision.chosen else None) == expected

    def test_a_rule_for_who_is_at_work_holds_until_the_first_opening(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        rule(outside_hours=RoutingRule.OutsideHours.WAIT, if_nobody=RoutingRule.IfNobody.HOLD)
        night = now.replace(hour=20)
        Rep.objects.filter(pk=house.ada.pk).update(calendar=hours("Early", "06:00", "14:00", now=now))
        episode = waits(at=night)
        assert routing.route_waiting(lambda: night) == 0
        look = LastLook.objects.get()
        opening = datetime.fromisoformat("2026-03-11T06:00Z")
        assert (look.ends, look.again_at) == ("held", night + MINUTE)
        why = routing.why_waiting(Episode.objects.get(pk=episode.pk), now=night)
        assert why is not None
        assert why.sentence == f"Held until 11 Mar, 06:00 UTC. {house.team}: 2 outside their hours."
        assert routed(episode, now=opening).user == house.ada.user

    def test_what_nobody_could_take_is_looked_at_again_when_there_is_room_or_a_minute_has_passed(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        Rep.objects.filter(pk=house.ben.pk).update(capacity=1)
        first, second = routed(waits(), now=now), waits()
        assert routing.route_waiting(lambda: now) == 0

        def line(seconds: int) -> list[int]:
            return routing.waiting_page(now=now + timedelta(seconds=seconds), limit=9)

        assert line(1) == []
        assert line(60) == [second.pk]
        handoffs.move_on(first, why="absence", now=now + timedelta(seconds=2))
        assert line(3) == [second.pk, first.episode_id]

    def test_is_looked_at_again_when_it_is_raised(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.update(capacity=0)
        episode = waits()
        assert routing.route_waiting(lambda: now) == 0
        episodes.raise_hand(Episode.objects.get(pk=episode.pk), activity_id=1, now=now + timedelta(seconds=1))
        assert routing.route_waiting(lambda: now + timedelta(seconds=2)) == 1


class TestEarliestPromise:
    @pytest.mark.parametrize("fast", [False, True])
    def test_hot_leads_and_hand_raises_go_to_who_can_keep_it_and_the_others_stay_owed(
        self, house: Company, waits: Callable[..., Episode], now: datetime, fast: bool
    ) -> None:
        late = now.replace(hour=20)
        desk.promise(now=now, hours=PolicyTarget.Hours.REP)
        Rep.objects.filter(pk=house.ada.pk).update(calendar=hours("Late", "18:00", "23:00", now=now))
        made = [routed(waits(at=late, tier=Tier.HOT, fast=fast), now=late) for _ in range(2)]
        assert {each.user for each in made} == {house.ada.user}
        assert made[0].trace.trace["next"][0]["rep"] == house.ben.pk

        # Ten minutes before Ada closes there is no time left for it today, and Ben opens first tomorrow.
        closing = (late + DAY).replace(hour=22, minute=50)
        assert routed(waits(at=closing, tier=Tier.HOT, fast=fast), now=closing).user == house.ben.user
        assert routed(waits(at=closing), now=closing).user == house.ben.user  # a warm lead goes by turn

"""Routing: whose turn it is, who can, and why this rep and no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from leads.models import Lead, RestChange, Stage, Team, TeamMembership, User
from scoring import episodes
from scoring.models import Episode, EpisodeChange, Lane, OpenedBy, Phase, Tier
from sla import handoffs, publishing, routing
from sla.models import (
    Absence,
    CapacityOverride,
    Clock,
    Desk,
    Handoff,
    PolicyVersion,
    Reason,
    Rep,
    RoutingRule,
    RoutingTrace,
    State,
)
from sla.routing import deciding, reach, rounds
from sla.routing.deciding import Decision
from sla.routing.matters import Matter
from tests.desk import Company, assign_clock, company, rep_in

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def waits(house: Company, now: datetime) -> Callable[..., Episode]:
    """Makes an episode that waits, of a new lead with these attributes."""

    def make(*, tier: str = Tier.WARM, fast: bool = False, **fields: Any) -> Episode:
        return house.episode(house.lead(now=now, **fields), now=now, tier=tier, fast=fast)

    return make


def routed(episode: Episode, *, now: datetime) -> Handoff:
    handoff = routing.route(episode.pk, now=now)
    assert handoff is not None
    return handoff


def users(handoffs: list[Handoff]) -> list[int]:
    return [handoff.user_id for handoff in handoffs]


def another_team(house: Company) -> Team:
    team = Team.objects.create(name="East")
    Desk.objects.create(team=team, calendar=Desk.objects.get(team=house.team).calendar)
    return team


def miss(handoff: Handoff, *, now: datetime) -> None:
    handoffs.move_on(handoff, why="breach", now=now)


def away(rep: Rep, *, since: datetime, until: datetime) -> Absence:
    return Absence.objects.create(rep=rep, starts_at=since, ends_at=until)


class TestRoute:
    def test_offers_to_a_rep_and_meets_the_assign_clock(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        episode = waits()
        at = now + timedelta(seconds=1)
        handoff = routed(episode, now=at)

        episode.refresh_from_db()
        assert (handoff.user, handoff.team, handoff.state) == (house.ben.user, house.team, State.OFFERED)
        assert handoff.policy_version == house.policy
        assert episode.phase == Phase.OFFERED
        assert assign_clock(episode).met_at == at
        assert Lead.objects.get(pk=episode.lead_id).holder == house.ben.user

    def test_goes_round(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        cleo = rep_in(house.team, "Cleo Marsh")
        made = [routed(waits(), now=now) for _ in range(5)]

        b, a, c = house.ben.user_id, house.ada.user_id, cleo.user_id
        assert users(made) == [b, a, c, b, a]

    def test_offers_once_however_often_it_is_woken(self, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        made = [routing.route(episode.pk, now=now) for _ in range(5)]

        assert [handoff is not None for handoff in made] == [True, False, False, False, False]
        assert Handoff.objects.filter(episode=episode).count() == 1

    def test_waits_until_the_undo_time_is_over(self, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        Episode.objects.filter(pk=episode.pk).update(route_not_before=now + MINUTE)

        assert routing.route(episode.pk, now=now) is None
        assert episode.pk not in routing.waiting_page(now=now, limit=10)
        assert routing.route(episode.pk, now=now + MINUTE) is not None

    def test_knows_no_episode_that_has_gone(self, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        episodes.close(episode, "cooled", now=now)

        assert routing.route(episode.pk, now=now) is None
        assert routing.route(0, now=now) is None


class TestEligibility:
    @pytest.mark.parametrize("reason", ["inactive rep", "inactive user", "away", "full"])
    def test_passes_over_who_can_not(
        self, house: Company, waits: Callable[..., Episode], now: datetime, reason: str
    ) -> None:
        if reason == "inactive rep":
            Rep.objects.filter(pk=house.ben.pk).update(is_active=False)
        elif reason == "inactive user":
            User.objects.filter(pk=house.ben.user_id).update(is_active=False)
        elif reason == "away":
            away(house.ben, since=now, until=now + DAY)
        else:
            Rep.objects.filter(pk=house.ben.pk).update(capacity=0)
        handoff = routed(waits(), now=now)

        code = {"inactive rep": "inactive", "inactive user": "inactive"}.get(reason, reason)
        assert handoff.user == house.ada.user
        (other,) = RoutingTrace.objects.get(handoff=handoff).trace["others"]
        assert (other["rep"], other["code"]) == (house.ben.pk, code)

    @pytest.mark.parametrize(("since", "until"), [(-2 * DAY, timedelta(0)), (MINUTE, DAY)])
    def test_takes_who_was_or_will_be_away(
        self, house: Company, waits: Callable[..., Episode], now: datetime, since: timedelta, until: timedelta
    ) -> None:
        away(house.ben, since=now + since, until=now + until)

        assert routed(waits(), now=now).user == house.ben.user

    def test_counts_what_is_offered_and_what_is_accepted_and_untouched(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.update(capacity=2)
        first, second = routed(waits(), now=now), routed(waits(), now=now)
        third, fourth = routed(waits(), now=now), routed(waits(), now=now)
        assert users([first, second, third, fourth]) == [house.ben.user_id, house.ada.user_id] * 2
        full = waits()
        assert routing.route(full.pk, now=now) is None

        handoffs.accept(first.pk, by=house.ben.user, now=now)
        assert routing.route(full.pk, now=now) is None  # accepted and not yet touched is load
        Handoff.objects.filter(pk=first.pk).update(first_touched_at=now)
        assert routed(full, now=now).user == house.ben.user

    def test_offers_to_nobody_twice_while_others_can(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        episode = waits()
        first = routed(episode, now=now)
        miss(first, now=now + MINUTE)
        Rep.objects.filter(pk=house.ben.pk).update(weight=1000)  # it is Ben's turn again
        second = routed(episode, now=now + MINUTE)

        assert users([first, second]) == [house.ben.user_id, house.ada.user_id]
        assert second.hop == 2
        trace = RoutingTrace.objects.get(handoff=second).trace
        assert trace["next"][0]["rep"] == house.ben.pk  # he could have it again, after all others

    def test_offers_again_where_nobody_else_can(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        episode = waits()
        first = routed(episode, now=now)
        miss(first, now=now + MINUTE)
        away(house.ada, since=now, until=now + DAY)

        assert routed(episode, now=now + MINUTE).user == first.user

    def test_never_offers_to_who_said_no(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        Reason.objects.create(code="test-reroute", label="Not mine", on_reject=True, follows=Reason.Follows.REROUTE)
        episode = waits()
        first = routed(episode, now=now)
        handoffs.reject(first.pk, reason="test-reroute", by=first.user, now=now)
        away(house.ada, since=now, until=now + DAY)
        later = now + MINUTE

        assert routing.route(episode.pk, now=later) is None
        why = routing.why_waiting(Episode.objects.get(pk=episode.pk), now=later)
        assert why is not None
        assert why.code == "nobody"
        assert "1 said no to this lead" in why.sentence
        assert "1 away" in why.sentence


class TestRules:
    def rule(self, team: Team, position: int, condition: dict[str, Any], name: str = "") -> RoutingRule:
        return RoutingRule.objects.create(
            name=name or f"Rule {position}", team=team, position=position, condition=condition
        )

    @pytest.mark.parametrize(
        ("condition", "goes_east"),
        [
            ({"field": "lead.country", "op": "is", "value": "Germany"}, True),
            ({"field": "lead.country", "op": "is", "value": "France"}, False),
            ({"field": "episode.tier", "op": "is", "value": "warm"}, True),
            ({"field": "episode.lane", "op": "is", "value": "fast"}, False),
            ({"field": "trait.plan", "op": "is", "value": "pro"}, True),
            ({"field": "account.employees", "op": "gte", "value": 50}, False),
            ({"field": "account_trait.x", "op": "is_not_set"}, True),
            ({"all": [{"field": "lead.campaign", "op": "is_set"}]}, False),
            ({"field": "lead.shoe_size", "op": "is", "value": "44"}, False),  # can't be read: never holds
        ],
    )
    def test_are_asked_in_the_condition_language(
        self,
        house: Company,
        waits: Callable[..., Episode],
        now: datetime,
        condition: dict[str, Any],
        goes_east: bool,
    ) -> None:
        east = another_team(house)
        rep_in(east, "Eve Stone")
        self.rule(east, -1, condition)
        handoff = routed(waits(country="Germany", traits={"plan": "pro"}), now=now)

        assert handoff.team == (east if goes_east else house.team)

    def test_give_way_to_the_next_where_the_team_can_not(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        east = another_team(house)
        eve = rep_in(east, "Eve Stone", capacity=1)
        off = self.rule(house.team, -3, {}, name="Switched off")
        RoutingRule.objects.filter(pk=off.pk).update(is_active=False)
        no = self.rule(east, -2, {"field": "lead.country", "op": "is", "value": "France"})
        first = self.rule(east, -1, {})
        made = [routed(waits(), now=now) for _ in range(2)]

        assert users(made) == [eve.user_id, house.ben.user_id]
        trace = RoutingTrace.objects.get(handoff=made[1]).trace
        catch_all = made[1].rule
        assert catch_all is not None
        assert [(tried["rule"], tried["result"]) for tried in trace["rules"]] == [
            (no.pk, "does not hold"),
            (first.pk, "nobody eligible"),
            (catch_all.pk, "chosen"),
        ]

    def test_leave_waiting_who_meets_none(self, waits: Callable[..., Episode], now: datetime) -> None:
        RoutingRule.objects.update(is_active=False)
        episode = waits()

        assert routing.route(episode.pk, now=now) is None
        why = routing.why_waiting(episode, now=now)
        assert why is not None
        assert why.code == "no_rule"


class TestTrace:
    def test_keeps_the_next_three_with_numbers_and_a_reason_for_each_other(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        more = [rep_in(house.team, f"Rep{number} Hill", capacity=5) for number in range(4)]
        away(more[3], since=now, until=now + DAY)
        routed(waits(), now=now)  # Ben has one
        handoff = routed(waits(), now=now)
        trace = RoutingTrace.objects.get(handoff=handoff).trace

        assert trace["why"] == "round robin"
        assert trace["team"] == house.team.pk
        assert trace["chosen"] == {
            "rep": house.ada.pk,
            "user": house.ada.user_id,
            "load": 0,
            "capacity": 20,
            "position": 1,
            "owed": 0.2,
            "weight": 100,
        }
        assert [(each["rep"], each["position"]) for each in trace["next"]] == [
            (more[0].pk, 2),
            (more[1].pk, 3),
            (more[2].pk, 4),
        ]
        assert trace["others"] == [
            {"rep": house.ben.pk, "code": "later", "load": 1, "capacity": 20, "owed": -0.8, "weight": 100},
            {
                "rep": more[3].pk,
                "code": "away",
                "load": 0,
                "capacity": 5,
                "away_until": (now + DAY).isoformat(),
            },
        ]

    def test_names_nobody(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        handoff = routed(waits(first_name="Zebediah"), now=now)
        kept = str(RoutingTrace.objects.get(handoff=handoff).trace)

        assert "Zebediah" not in kept
        assert "@" not in kept
        assert "Keller" not in kept


class TestHandRaise:
    def test_is_first_in_line_then_the_hottest_then_the_longest_waiting(
        self, waits: Callable[..., Episode], now: datetime
    ) -> None:
        cool = waits(tier=Tier.COOL)
        warm, second_warm = waits(), waits()
        hot = waits(tier=Tier.HOT)
        asked = waits(fast=True)
        Episode.objects.filter(pk=second_warm.pk).update(waiting_since=now - MINUTE)

        line = routing.waiting_page(now=now, limit=10)
        assert line == [asked.pk, hot.pk, second_warm.pk, warm.pk, cool.pk]
        assert routing.waiting_page(now=now, limit=2, skip=1) == line[1:3]
        assert routing.waiting_page(now=now, limit=9, waited_for=MINUTE) == [second_warm.pk]

    def test_passes_capacity_with_a_row_that_says_so(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.update(capacity=0)
        assert routing.route(waits().pk, now=now) is None
        handoff = routed(waits(fast=True), now=now)

        override = CapacityOverride.objects.get()
        assert (override.handoff, override.open_load, override.capacity) == (handoff, 0, 0)
        assert override.why == "hand-raise"
        assert handoff.state == State.ACCEPTED

    def test_goes_to_who_has_room_first(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        Rep.objects.filter(pk=house.ben.pk).update(capacity=0)

        assert routed(waits(fast=True), now=now).user == house.ada.user
        assert not CapacityOverride.objects.exists()

    def out_of_nurture(self, house: Company, lead: Lead, *, now: datetime, opened_by: str) -> Episode:
        """A new matter of a lead that rested."""
        Lead.objects.filter(pk=lead.pk).update(stage=Stage.NURTURE, rest_until=None)
        fast = opened_by == OpenedBy.HAND_RAISE
        return episodes.open_episode(
            Lead.objects.get(pk=lead.pk),
            qualification=None,
            definition=house.definition,
            version=house.version,
            tier=Tier.HOT,
            lane=Lane.FAST if fast else Lane.NORMAL,
            opened_by=opened_by,
            opened_at=now,
            now=now,
        )

    @pytest.mark.parametrize(("state", "same"), [(State.RETURNED, True), (State.REJECTED, False), (State.MOVED, True)])
    def test_out_of_nurture_goes_to_the_previous_rep_unless_they_rejected_the_person(
        self, house: Company, waits: Callable[..., Episode], now: datetime, state: str, same: bool
    ) -> None:
        before = house.offered(now=now, rep=house.ada)
        reason = Reason.objects.create(
            code="test-no", label="No", on_reject=True, on_return=True, follows="recycle", rest_days=30
        )
        Handoff.objects.filter(pk=before.pk).update(state=state, accepted_at=now, closed_at=now, reason=reason)
        episodes.close(Episode.objects.get(pk=before.episode_id), "withdrawn", now=now)
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        episode = self.out_of_nurture(house, before.episode.lead, now=now + DAY, opened_by=OpenedBy.HAND_RAISE)
        handoff = routed(episode, now=now + DAY)

        assert handoff.user == (house.ada.user if same else house.ben.user)
        trace = RoutingTrace.objects.get(handoff=handoff).trace
        assert trace["why"] == ("previous rep" if same else "round robin")
        assert CapacityOverride.objects.filter(handoff=handoff, why="hand-raise").exists() == same

    @pytest.mark.parametrize("gone", [False, True])
    def test_on_a_named_date_the_same_rep_calls_or_a_successor(self, house: Company, now: datetime, gone: bool) -> None:
        lead = house.lead(now=now)
        RestChange.objects.create(
            lead=lead, at=now, rest_until=now + DAY, callback_at=now + DAY, callback_user=house.ada.user, cause="x"
        )
        RestChange.objects.create(lead=lead, at=now, cause="rest ended")
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        if gone:
            away(house.ada, since=now, until=now + 7 * DAY)
        episode = self.out_of_nurture(house, lead, now=now + DAY, opened_by=OpenedBy.DATE)
        handoff = routed(episode, now=now + DAY)

        assert handoff.user == (house.ben.user if gone else house.ada.user)
        assert handoff.state == State.OFFERED
        assert CapacityOverride.objects.filter(handoff=handoff, why="named date").exists() == (not gone)

    def test_goes_to_the_same_rep_only_at_first(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now)
        RestChange.objects.create(lead=lead, at=now, callback_at=now, callback_user=house.ada.user, cause="x")
        episode = self.out_of_nurture(house, lead, now=now, opened_by=OpenedBy.DATE)
        miss(routed(episode, now=now), now=now + MINUTE)

        assert routed(episode, now=now + MINUTE).user == house.ben.user


class TestPool:
    def test_holds_who_went_by_unanswered_as_often_as_the_policy_allows(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        episode = waits()
        assert house.policy.max_hops == 2
        for hop in (1, 2):
            miss(routed(episode, now=now + hop * MINUTE), now=now + hop * MINUTE)
        later = now + 5 * MINUTE

        assert routing.route(episode.pk, now=later) is None
        assert episode.pk not in routing.waiting_page(now=later, limit=10)
        why = routing.why_waiting(Episode.objects.get(pk=episode.pk), now=later)
        assert why is not None
        assert why == (
            "pool",
            "Offered 2 times without an answer. It waits in the pool for whoever asks for the next one.",
        )
        assert Clock.objects.filter(episode=episode, target="assign", verdict="").count() == 1

    def test_lets_go_of_who_raises_a_hand(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        for hop in (1, 2):
            miss(routed(episode, now=now + hop * MINUTE), now=now + hop * MINUTE)
        EpisodeChange.objects.create(episode=episode, what="hand_raised", at=now)  # an earlier one does not count
        assert routing.route(episode.pk, now=now + 3 * MINUTE) is None
        episodes.raise_hand(Episode.objects.get(pk=episode.pk), activity_id=7, now=now + 3 * MINUTE)

        assert routed(episode, now=now + 4 * MINUTE).state == State.ACCEPTED

    def test_does_not_count_absences(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        for hop in (1, 2, 3):
            handoffs.move_on(routed(episode, now=now + hop * MINUTE), why="absence", now=now + hop * MINUTE)

        assert routing.route(episode.pk, now=now + 4 * MINUTE) is not None


class TestWhyWaiting:
    def test_says_nothing_of_who_does_not_wait(self, house: Company, now: datetime) -> None:
        assert routing.why_waiting(house.offered(now=now).episode, now=now) is None

    def test_says_who_is_next(self, waits: Callable[..., Episode], now: datetime) -> None:
        why = routing.why_waiting(waits(), now=now)
        assert why is not None
        assert why.code == "next"

    def test_says_that_nothing_can_be_promised(self, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        PolicyVersion.objects.filter(state="published").update(state="retired")

        assert routing.route(episode.pk, now=now) is None
        why = routing.why_waiting(episode, now=now)
        assert why is not None
        assert why.code == "no_policy"

    def test_says_when_it_is_held(self, waits: Callable[..., Episode], now: datetime) -> None:
        episode = waits()
        episode.route_not_before = now + MINUTE
        why = routing.why_waiting(episode, now=now)
        assert why is not None
        assert why.code == "held"

    def test_counts_why_nobody_can(self, house: Company, waits: Callable[..., Episode], now: datetime) -> None:
        Rep.objects.filter(pk=house.ben.pk).update(capacity=0)
        away(house.ada, since=now, until=now + DAY)
        why = routing.why_waiting(waits(), now=now)

        assert why is not None
        assert why.code == "nobody"
        assert f"{house.team}: 1 at capacity, 1 away." in why.sentence

    @pytest.mark.parametrize("missing", ["desk", "reps"])
    def test_says_what_a_team_lacks(
        self, house: Company, waits: Callable[..., Episode], now: datetime, missing: str
    ) -> None:
        if missing == "desk":
            Desk.objects.all().delete()
        else:
            TeamMembership.objects.filter(user__rep__isnull=False).delete()
        why = routing.why_waiting(waits(), now=now)

        assert why is not None
        assert why.code == "nobody"
        assert ("no desk" if missing == "desk" else "no reps") in why.sentence


class TestRouteWaiting:
    def test_routes_everyone_and_stops_at_who_can_not(
        self, house: Company, waits: Callable[..., Episode], now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rounds, "PAGE", 2)
        RoutingRule.objects.update(condition={"field": "lead.country", "op": "is", "value": "Germany"})
        stuck = [waits(tier=Tier.HOT) for _ in range(3)]
        able = [waits(country="Germany") for _ in range(3)]

        assert routing.route_waiting(lambda: now) == 3
        waiting = set(Episode.objects.filter(phase=Phase.WAITING).values_list("pk", flat=True))
        assert waiting == {episode.pk for episode in stuck}
        assert Handoff.objects.filter(episode__in=able).count() == 3
        assert routing.route_waiting(lambda: now) == 0

    def test_leaves_out_who_fails_and_offers_the_rest_of_the_page(
        self, waits: Callable[..., Episode], now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad, *others = waits(tier=Tier.HOT), waits(tier=Tier.HOT), waits(), waits()
        real = deciding.look

        def look(matter: Matter, *, now: datetime) -> Decision:
            if matter.episode.pk == bad.pk:
                raise RuntimeError("boom")
            return real(matter, now=now)

        monkeypatch.setattr(deciding, "look", look)
        with capture_logs() as logs:
            assert routing.route_waiting(lambda: now) == 3
        assert set(Handoff.objects.values_list("episode", flat=True)) == {episode.pk for episode in others}
        assert [log["episode"] for log in logs if log["event"] == "routing_failed"] == [bad.pk]

    def test_asks_as_many_questions_of_a_page_whatever_stands_in_it(
        self, waits: Callable[..., Episode], now: datetime
    ) -> None:
        def asked(many: int) -> int:
            for _ in range(many):
                waits()
            with CaptureQueriesContext(connection) as questions:
                assert routing.route_waiting(lambda: now) == many
            return len(questions)

        asked(1)  # what is read once in a process
        few, many = asked(3), asked(20)
        assert many == few
        assert few <= 75

    def test_decides_one_after_the_other_as_if_each_were_alone(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        Rep.objects.filter(pk=house.ben.pk).update(capacity=2, weight=300)
        Rep.objects.filter(pk=house.ada.pk).update(daily_cap=1)
        line = [waits(tier=tier) for tier in (Tier.HOT, Tier.WARM, Tier.WARM, Tier.COOL)]
        assert routing.route_waiting(lambda: now) == 3

        offers = {offer.episode_id: offer for offer in Handoff.objects.select_related("trace")}
        b, a = house.ben.user_id, house.ada.user_id
        assert [offers[episode.pk].user_id for episode in line[:3]] == [b, b, a]
        loads = [offers[episode.pk].trace.trace["chosen"]["load"] for episode in line[:3]]
        assert loads == [0, 1, 0]
        assert not CapacityOverride.objects.exists()
        assert routing.why_all_wait([line[3]], now=now)[line[3].pk].code == "nobody"

    def test_offers_what_goes_further_than_its_first_team(
        self, house: Company, waits: Callable[..., Episode], now: datetime
    ) -> None:
        """No skill in the first team, and room in the next: its desk is locked when it comes to that."""
        east = Team.objects.create(name="East")
        Desk.objects.create(team=east, calendar=Desk.objects.get(team=house.team).calendar)
        rep_in(east, "Cleo Hart", capacity=100)
        RoutingRule.objects.update(needs_skills=["sailing"], if_nobody=RoutingRule.IfNobody.NEXT_RULE)
        publishing.put(RoutingRule(name="Rest", team=east, position=100), why="Everyone", now=now, by=None)
        episodes = [waits() for _ in range(3)]

        assert routing.route_waiting(lambda: now) == 3
        assert {offer.team_id for offer in Handoff.objects.filter(episode__in=episodes)} == {east.pk}


class TestLines:
    def test_hold_whoever_may_come_to_one_team_in_the_order_given(self) -> None:
        reached = [("a", {1}), ("b", {2}), ("c", {1, 3}), ("d", {4}), ("e", {3, 2}), ("f", {4})]
        lines = reach.lines((item, frozenset(teams)) for item, teams in reached)
        assert sorted((sorted(teams), items) for teams, items in lines) == [
            ([1, 2, 3], ["a", "b", "c", "e"]),
            ([4], ["d", "f"]),
        ]

    def test_are_one_of_all_who_come_to_no_team(self) -> None:
        assert reach.lines([("a", frozenset()), ("b", frozenset())]) == [(set(), ["a", "b"])]

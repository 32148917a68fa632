"""Give me the next one: a rep with room takes the top of the pool among what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.models import Role, Team, User
from scoring.models import Episode, Lane, OpenedBy, Tier
from sla import handoffs, routing
from sla.models import (
    Absence,
    AnsweredRequest,
    ClockStep,
    Desk,
    FairnessTurn,
    Handoff,
    LadderStep,
    LastLook,
    Rep,
    RoutingRule,
)
from sla.routing import CannotPull, ledger, take_next, waits_for
from tests import desk
from tests.desk import Company, assign_clock, person, rep_in
from tests.sla.asking import api, ask
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
Pools = Callable[..., Episode]


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


@pytest.fixture
def east(house: Company) -> Rep:
    """Olga, of another team with a desk."""
    team = Team.objects.create(name="East")
    Desk.objects.create(team=team, calendar=Desk.objects.get(team=house.team).calendar)
    return rep_in(team, "Olga Far")


@pytest.fixture
def pools(house: Company, now: datetime) -> Pools:
    """Puts a lead into the pool by its rule, at a moment when nobody could take it."""

    def make(*, tier: str = Tier.WARM, fast: bool = False, at: datetime = now, **fields: object) -> Episode:
        RoutingRule.objects.update(if_nobody=RoutingRule.IfNobody.POOL)
        everyone = User.objects.filter(rep__isnull=False)
        everyone.update(is_active=False)
        episode = house.episode(house.lead(now=at, **fields), now=at, tier=tier, fast=fast)
        assert routing.route(episode.pk, now=at) is None
        everyone.update(is_active=True)
        assert LastLook.objects.get(episode=episode).ends == "pool"
        return episode

    return make


def pulled(rep: Rep, *, now: datetime) -> Handoff | None:
    return take_next(rep.user, now=now, by=rep.user)


def missed(house: Company, episode: Episode, *, now: datetime, rep: Rep | None = None) -> None:
    """Every offer that its policy allows went by unanswered."""
    for _ in range(2):
        handoffs.move_on(house.offer(episode, now=now, rep=rep), why="breach", now=now)
        episode.refresh_from_db()


class TestTakesTheTop:
    def test_hand_raises_then_the_hottest_then_who_waits_longest(
        self, house: Company, pools: Pools, now: datetime
    ) -> None:
        young, cool = pools(at=now - MINUTE), pools(tier=Tier.COOL, at=now - 5 * MINUTE)
        hot, old = pools(tier=Tier.HOT, at=now - MINUTE), pools(at=now - 3 * MINUTE)
        raised = pools(fast=True, at=now)
        order = [raised, hot, old, young, cool]
        assert waits_for(house.ada.user, now=now) == 5
        taken = [pulled(house.ada, now=now) for _ in order]

        assert [each.episode_id for each in taken if each] == [each.pk for each in order]
        assert [each.state for each in taken if each] == ["accepted", *["offered"] * 4]
        assert waits_for(house.ada.user, now=now) == 0
        assert pulled(house.ada, now=now) is None
        assert_sound()

    def test_with_a_trace_and_its_promises_and_as_load_not_as_a_turn(
        self, house: Company, pools: Pools, now: datetime
    ) -> None:
        first = routing.route(house.episode(house.lead(now=now), now=now).pk, now=now)
        assert first is not None
        given = FairnessTurn.objects.get().rep
        other = house.ada if given == house.ben else house.ben
        episode = pools()
        handoff = pulled(given, now=now)

        assert handoff is not None
        trace = handoff.trace.trace
        assert (trace["why"], trace["by"], trace["team"]) == ("pulled", given.user_id, house.team.pk)
        assert (trace["chosen"]["load"], trace["chosen"]["rep"]) == (1, given.pk)
        assert [each["rep"] for each in trace["next"]] == [other.pk]
        assert [rule["result"] for rule in trace["rules"]] == ["chosen"]
        assert handoff.rule == RoutingRule.objects.get()
        assert assign_clock(episode).verdict == "met"
        assert set(handoff.clocks.values_list("target", flat=True)) == {"accept", "first_touch"}
        assert FairnessTurn.objects.count() == 1
        told = ledger.of(ledger.spans(ledger.pools().get())[0])
        assert {line.rep.pk: dict(line.beside) for line in told.lines}[given.pk] == {"pulled": 1}
        assert_sound()

    def test_what_went_by_unanswered_from_the_whole_team_and_again_from_who_let_it_go(
        self, house: Company, now: datetime
    ) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        missed(house, episode, now=now)
        assert [waits_for(rep.user, now=now) for rep in (house.ben, house.ada)] == [1, 1]
        handoff = pulled(house.ben, now=now)
        assert handoff is not None
        assert handoff.hop == 3

        handoffs.move_on(handoff, why="breach", now=now + MINUTE)
        again = pulled(house.ada, now=now + 2 * MINUTE)
        assert again is not None
        assert (again.episode_id, again.hop) == (episode.pk, 4)

    def test_what_a_ladder_put_there(self, house: Company, now: datetime) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        assert waits_for(house.ben.user, now=now) == 0
        step = LadderStep.objects.create(
            version=desk.promise(now=now).policy.versions.create(number=9), target="assign", share=100, action="pool"
        )
        ClockStep.objects.create(clock=assign_clock(episode), key="step:1", step=step, due_at=now, fired_at=now)
        handoff = pulled(house.ben, now=now + MINUTE)
        assert handoff is not None
        assert handoff.episode_id == episode.pk


class TestWhatIsTheirs:
    def test_comes_by_the_rules_that_hold(self, house: Company, pools: Pools, east: Rep, now: datetime) -> None:
        german = {"field": "lead.country", "op": "is", "value": "Germany"}
        RoutingRule.objects.create(
            name="East", team=east.user.memberships.get().team, condition=german, position=-1, if_nobody="pool"
        )
        here, there = pools(country="France"), pools(country="Germany")
        assert [waits_for(rep.user, now=now) for rep in (house.ben, east)] == [1, 1]
        for rep, episode in ((house.ben, here), (east, there)):
            handoff = pulled(rep, now=now)
            assert handoff is not None
            assert (handoff.episode_id, handoff.user) == (episode.pk, rep.user)

    def test_goes_to_the_fallback_team_as_well(self, house: Company, pools: Pools, east: Rep, now: datetime) -> None:
        pools()
        assert pulled(east, now=now) is None
        RoutingRule.objects.update(if_nobody="fallback", fallback_team=east.user.memberships.get().team)
        handoff = pulled(east, now=now)
        assert handoff is not None
        assert handoff.team == east.user.memberships.get().team

    def test_goes_to_who_had_it_last_where_no_rule_holds(self, house: Company, east: Rep, now: datetime) -> None:
        missed(house, house.episode(house.lead(now=now), now=now), now=now)
        RoutingRule.objects.update(is_active=False)
        assert [waits_for(rep.user, now=now) for rep in (house.ben, east)] == [1, 0]
        handoff = pulled(house.ben, now=now)
        assert handoff is not None
        assert handoff.rule is None

    @pytest.mark.parametrize(
        "fields", [{"needs_skills": ["security"]}, {"needs_languages": ["German"]}, {"language_of": "trait.language"}]
    )
    def test_asks_for_skills_and_languages(
        self, house: Company, pools: Pools, now: datetime, fields: dict[str, object]
    ) -> None:
        RoutingRule.objects.update(**fields)
        Rep.objects.filter(pk=house.ada.pk).update(skills=["Security"], languages=["german"])
        episode = pools(traits={"language": "German"})
        assert waits_for(house.ben.user, now=now) == 0
        assert pulled(house.ben, now=now) is None
        handoff = pulled(house.ada, now=now)
        assert handoff is not None
        assert handoff.episode_id == episode.pk

    def test_is_never_what_they_said_no_to(self, house: Company, pools: Pools, now: datetime) -> None:
        said_no = house.offered(now=now)
        handoffs.reject(said_no.pk, reason="wrong_territory", by=house.ben.user, now=now)
        later = now + MINUTE
        missed(house, Episode.objects.get(pk=said_no.episode_id), now=later, rep=house.ada)
        below = pools(tier=Tier.COOL)
        handoff = pulled(house.ben, now=later)
        assert handoff is not None
        assert handoff.episode_id == below.pk

    def test_is_nothing_that_rests_is_held_or_is_a_signal(self, house: Company, pools: Pools, now: datetime) -> None:
        episode = pools()
        whole = {"lead__rest_until": None, "route_not_before": None, "lane": Lane.NORMAL}
        assert waits_for(house.ben.user, now=now) == 1
        lead = episode.lead
        lead.rest_until = now + MINUTE
        lead.save(update_fields=["rest_until"])
        assert pulled(house.ben, now=now) is None
        Episode.objects.filter(pk=episode.pk).update(opened_by=OpenedBy.DATE)
        assert waits_for(house.ben.user, now=now) == 1
        for fields in ({"route_not_before": now + MINUTE}, {"lane": Lane.SIGNAL}):
            Episode.objects.filter(pk=episode.pk).update(**fields)
            assert pulled(house.ben, now=now) is None
            Episode.objects.filter(pk=episode.pk).update(**{key: whole[key] for key in fields})
        assert waits_for(house.ben.user, now=now) == 1

    def test_is_nothing_that_can_not_be_promised(self, house: Company, pools: Pools, now: datetime) -> None:
        pools()
        house.policy.policy.versions.update(state="retired")
        type(house.policy).objects.filter(state="published").update(state="retired")
        assert pulled(house.ben, now=now) is None


class TestRefuses:
    def no(self, rep: Rep, *, now: datetime) -> str:
        with pytest.raises(CannotPull) as refused:
            pulled(rep, now=now)
        return str(refused.value)

    def test_who_has_no_room(self, house: Company, pools: Pools, now: datetime) -> None:
        pools()
        house.offered(now=now, rep=house.ada)
        Rep.objects.filter(pk=house.ada.pk).update(capacity=1)
        assert self.no(house.ada, now=now) == "You have no room: 1 open of 1. Answer one first."
        Rep.objects.filter(pk=house.ada.pk).update(capacity=9, daily_cap=1)
        assert self.no(house.ada, now=now) == "You have no room: 1 offers today, at most 1 a day. Ask tomorrow."
        assert waits_for(house.ada.user, now=now) == 1

    def test_who_is_away_or_receives_no_leads(self, house: Company, pools: Pools, now: datetime) -> None:
        pools()
        away = Absence.objects.create(rep=house.ada, starts_at=now, ends_at=now + timedelta(days=2), why="vacation")
        told = self.no(house.ada, now=now)
        assert told.startswith("You are away: Tue 10")
        assert told.endswith("(vacation). End your time off first.")
        assert pulled(house.ada, now=away.ends_at) is not None
        Rep.objects.filter(pk=house.ben.pk).update(is_active=False)
        assert self.no(house.ben, now=now).startswith("You receive no leads any more.")
        with pytest.raises(CannotPull, match="You receive no leads"):
            take_next(house.manager, now=now, by=house.manager)
        assert waits_for(house.manager, now=now) is None

    def test_who_asks_for_somebody_else(self, house: Company, pools: Pools, now: datetime) -> None:
        pools()
        with pytest.raises(CannotPull, match="from the board"):
            take_next(house.ben.user, now=now, by=house.manager)


class TestOnTheInbox:
    @pytest.fixture
    def now(self) -> datetime:
        return clock.now()

    def client(self, rep: Rep) -> Client:
        client = Client()
        client.force_login(rep.user)
        return client

    def test_a_button_counts_and_takes_without_scripts(self, house: Company, pools: Pools, now: datetime) -> None:
        episode, client = pools(), self.client(house.ben)
        assert "Give me the next one</button>" in client.get("/inbox/").content.decode()
        assert client.get("/inbox/pool/").content.decode() == "1 waits in the pool."
        shown = client.post("/inbox/next/", follow=True).content.decode()
        assert f"Yours to decide: {episode.lead.name}" in shown
        assert f'id="row-{Handoff.objects.get().public_id}"' in shown
        assert client.get("/inbox/pool/").content.decode() == "The pool is empty for you."
        assert "Nothing in the pool is for you" in client.post("/inbox/next/", follow=True).content.decode()

    def test_a_part_of_a_page_gets_a_toast_and_draws_the_list_anew(
        self, house: Company, pools: Pools, now: datetime
    ) -> None:
        pools()
        answer = self.client(house.ben).post("/inbox/next/", headers={"HX-Request": "true"})
        assert "inbox-changed" in answer["HX-Trigger"]
        assert "Yours to decide" in answer.content.decode()
        Rep.objects.update(capacity=0)
        refused = self.client(house.ben).post("/inbox/next/", headers={"HX-Request": "true"})
        assert refused.status_code == 409
        assert "You have no room: 1 open of 0." in refused.content.decode()

    def test_only_reps_have_it_and_nobody_takes_by_looking(self, house: Company, pools: Pools, now: datetime) -> None:
        pools()
        client = Client()
        client.force_login(house.manager)
        assert "Give me the next one" not in client.get("/inbox/").content.decode()
        assert self.client(house.ben).get("/inbox/next/").status_code == 405
        assert Client().post("/inbox/next/").url.startswith("/accounts/login/")
        assert not Handoff.objects.exists()

    def test_asks_the_database_as_often_for_many_as_for_few(self, house: Company, pools: Pools, now: datetime) -> None:
        counted = []
        for more in (1, 15):
            for _ in range(more):
                pools(country="France")
            RoutingRule.objects.update(condition={"field": "lead.country", "op": "is", "value": "France"})
            with CaptureQueriesContext(
                connection,
            ) as asked:
                waits_for(house.ben.user, now=now)
            counted.append(len(asked))
        assert counted[0] == counted[1] <= 9


class TestOverTheApi:
    @pytest.fixture
    def now(self) -> datetime:
        return clock.now()

    def test_answers_with_the_hand_off_and_repeats_it_for_the_same_key(
        self, house: Company, pools: Pools, now: datetime
    ) -> None:
        pools(), pools()
        client = api(house.ben.user)
        first, again = (client.post("/api/v1/pull/", HTTP_IDEMPOTENCY_KEY="k1") for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert first.json()["handoff"]["rep"] == house.ben.user.email
        assert AnsweredRequest.objects.get().handoff == Handoff.objects.get()

    def test_says_why_there_is_none(self, house: Company, pools: Pools, east: Rep, now: datetime) -> None:
        pools()
        none = ask(api(east.user), "pull", {})
        assert (none.status_code, none.json()["handoff"]) == (200, None)
        assert none.json()["sentence"].startswith("Nothing in the pool is for you")
        for user in (house.manager, person(Role.MARKETING, "Theo M")):
            refused = ask(api(user), "pull", {})
            assert (refused.status_code, refused.json()["code"]) == (409, "cannot_pull")

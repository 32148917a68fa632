"""Shadow: what is routed and timed on paper, with nobody told."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from leads.models import Endpoint, Notification, Stage, Team
from scoring import episodes
from scoring.models import Episode, Lane, OpenedBy, Tier
from sla import handoffs, routing
from sla.models import Clock, Desk, FairnessTurn, Handoff, PaperMatter, PaperOffer, RoutingRule, Shadow
from sla.routing import pages, waits_for
from sla.routing.books import Books
from tests import desk
from tests.desk import Company, assign_clock, rep_in
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


def shadow(now: datetime, **of: object) -> Shadow:
    return Shadow.objects.create(began_at=now, why="To try it", **of)


def routed(house: Company, *, now: datetime, tier: str = Tier.WARM, fast: bool = False, **fields: object) -> Episode:
    """A matter that opened and that routing has looked at."""
    episode = house.episode(house.lead(now=now, **fields), now=now, tier=tier, fast=fast)
    routing.route(episode.pk, now=now)
    episode.refresh_from_db()
    return episode


class TestEverythingInShadow:
    def test_is_routed_and_timed_and_nobody_is_told(self, house: Company, now: datetime) -> None:
        heard = ["episode.waiting", "handoff.offered"]
        Endpoint.objects.create(name="CRM", url="https://crm.example/hook", events=heard, created_at=now)
        began = shadow(now)
        episode = routed(house, now=now, tier=Tier.HOT)

        offer = PaperOffer.objects.get()
        assert (offer.matter.episode, offer.matter.shadow, offer.team) == (episode, began, house.team)
        assert offer.user in (house.ben.user, house.ada.user)
        assert offer.trace["chosen"]["user"] == offer.user_id
        due = {each.target: (each.due_at - now, len(each.ladder)) for each in offer.promises.all()}
        assert due == {"assign": (10 * MINUTE, 2), "accept": (30 * MINUTE, 3), "first_touch": (HOUR, 2)}
        assert (episode.phase, episode.lead.holder) == ("waiting", None)
        assert not Handoff.objects.exists()
        assert not Clock.objects.exists()
        assert not Notification.objects.exists()
        assert_sound()

    def test_leaves_what_was_handed_over_once_as_it_began(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        shadow(now)
        handoffs.move_on(handoff, why="breach", now=now + MINUTE)
        again = routing.route(handoff.episode_id, now=now + MINUTE)

        assert again is not None
        assert not PaperMatter.objects.exists()
        assert_sound(leaving_out=("offers are explained",))

    def test_takes_one_turn_at_a_time_in_whatever_page(self, house: Company, now: datetime) -> None:
        waits = [house.episode(house.lead(now=now), now=now).pk for _ in range(4)]
        shadow(now)
        pages.route(waits, now=now, books=Books(now))
        assert PaperOffer.objects.get().matter.episode_id == waits[0]
        routing.route_waiting(lambda: now)

        assert PaperOffer.objects.count() == 4
        assert set(Counter(PaperOffer.objects.values_list("user", flat=True)).values()) == {2}
        assert_sound()

    def test_is_in_nobodys_pool(self, house: Company, now: datetime) -> None:
        RoutingRule.objects.update(if_nobody=RoutingRule.IfNobody.POOL)
        shadow(now)
        desk.away(house.ben, now=now)
        desk.away(house.ada, now=now)
        episode = routed(house, now=now)
        matter = PaperMatter.objects.get()

        assert (matter.nobody_looks, matter.nobody_ends, matter.nobody_team) == (1, "pool", house.team)
        assert waits_for(house.ben.user, now=now) == 0
        told = routing.why_waiting(episode, now=now)
        assert told is not None
        assert told.code == "paper"
        assert "2 away" in told.sentence
        assert_sound()


class TestOneRuleInShadow:
    def test_leaves_the_others_live(self, house: Company, now: datetime) -> None:
        rule = RoutingRule.objects.create(
            name="Hot ones",
            team=house.team,
            position=-1,
            condition={"field": "episode.tier", "op": "is", "value": "hot"},
        )
        shadow(now, rule=rule)
        on_paper, live = routed(house, now=now, tier=Tier.HOT), routed(house, now=now)

        assert PaperOffer.objects.get().rule == rule
        assert (on_paper.phase, live.phase) == ("waiting", "offered")
        assert not Clock.objects.filter(episode=on_paper).exists()
        assert assign_clock(live).verdict == "met"
        assert Notification.objects.filter(lead=live.lead).exists()
        assert not Notification.objects.filter(lead=on_paper.lead).exists()
        assert FairnessTurn.objects.filter(span__pool__shadow=None).count() == 1
        assert_sound()


class TestOneTeamInShadow:
    def test_takes_turns_of_its_own_and_counts_load_on_paper(self, house: Company, now: datetime) -> None:
        live = [routed(house, now=now) for _ in range(3)]
        shadow(now, team=house.team)
        for rep in (house.ben, house.ada):
            rep.capacity = 3
            rep.save()
        on_paper = [routed(house, now=now) for _ in range(4)]

        assert [each.phase for each in live] == ["offered"] * 3
        users = [offer.user for offer in PaperOffer.objects.order_by("pk")]
        open_now = {user: Handoff.objects.filter(user=user).count() + users.count(user) for user in set(users)}
        assert len(users) == 3
        assert set(open_now.values()) == {3}
        assert PaperMatter.objects.get(episode=on_paper[3]).nobody_looks == 1
        assert_sound()

    def test_leaves_the_other_teams_live(self, house: Company, now: datetime) -> None:
        east = Team.objects.create(name="East")
        Desk.objects.create(team=east, calendar=Desk.objects.get(team=house.team).calendar)
        rep_in(east, "Olga Far")
        shadow(now, team=east)
        assert routed(house, now=now).phase == "offered"

    def test_writes_signals_on_paper_too(self, house: Company, now: datetime) -> None:
        shadow(now, team=house.team)
        lead = house.lead(now=now, stage=Stage.CUSTOMER, holder=house.ben.user, holder_team=house.team)
        episodes.open_episode(
            lead,
            qualification=None,
            definition=house.definition,
            version=house.version,
            tier=Tier.HOT,
            lane=Lane.SIGNAL,
            opened_by=OpenedBy.SIGNAL,
            opened_at=now,
            now=now,
        )

        assert not Handoff.objects.exists()
        assert PaperOffer.objects.get().user == house.ben.user
        assert not Notification.objects.exists()
        assert_sound(leaving_out=("holders as their history says",))

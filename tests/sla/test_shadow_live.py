"""Into shadow and live again: from that moment, with no flood and no clock in the past."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import outcomes
from leads.errors import Invalid
from leads.models import Lead, Notification, Outcome
from scoring import standing
from scoring.models import Episode, OpenedBy, Qualification, Tier
from sla import routing, touches
from sla.models import Clock, FairnessTurn, Handoff, PaperMatter, PaperOffer, PaperPromise, RoutingRule, Shadow
from sla.routing import assigning
from sla.routing.books import Books
from sla.shadow import settling, switches
from sla.shadow.switches import CannotSwitch
from tests import desk
from tests.desk import Company, act, assign_clock, judge
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STAND, ROUTE = Shadow.Ending.STAND, Shadow.Ending.ROUTE


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


def begin(now: datetime, **of: Any) -> Shadow:
    return switches.begin(**of, why="To try it", now=now, by=None)


def live(shadow: Shadow, ending: str, *, now: datetime, house: Company) -> int:
    """Go live, and clear what stood on paper."""
    switches.go_live(shadow.pk, ending=ending, now=now, by=house.manager)
    return settling.settle(lambda: now)


def routed(house: Company, *, now: datetime, tier: str = Tier.WARM) -> Episode:
    episode = house.episode(house.lead(now=now), now=now, tier=tier)
    routing.route(episode.pk, now=now)
    episode.refresh_from_db()
    return episode


def qualified(house: Company, *, now: datetime) -> Lead:
    """A lead that qualifies by what it does, and that routing has looked at."""
    lead = house.lead(now=now)
    act(lead, "Visited Pricing Page", at=now)
    judge(now=now)
    routing.route_waiting(lambda: now)
    return lead


class TestBegin:
    def test_takes_what_waits_along_and_leaves_what_people_have(self, house: Company, now: datetime) -> None:
        held = routed(house, now=now)
        waits = house.episode(house.lead(now=now), now=now)
        begun = begin(now + MINUTE)

        matter = PaperMatter.objects.get()
        assert (matter.episode, matter.shadow) == (waits, begun)
        clock = assign_clock(waits)
        assert (clock.verdict, clock.void_reason) == ("voided", "on paper")
        assert Handoff.objects.get(episode=held).is_open
        assert_sound()

    def test_takes_along_only_what_it_routes(self, house: Company, now: datetime) -> None:
        rule = RoutingRule.objects.create(
            name="Hot", team=house.team, position=-1, condition={"field": "episode.tier", "op": "is", "value": "hot"}
        )
        hot = house.episode(house.lead(now=now), now=now, tier=Tier.HOT)
        warm = house.episode(house.lead(now=now), now=now)
        begin(now, rule=rule)

        assert PaperMatter.objects.get().episode == hot
        assert not assign_clock(warm).verdict

    def test_counts_also_for_who_had_read_the_rules_before(self, house: Company, now: datetime) -> None:
        books = Books(now)
        assert not books.shadows
        episode = house.episode(house.lead(now=now), now=now)
        begin(now)
        PaperMatter.objects.all().delete()  # as if it had opened a moment later
        assert routing.route(episode.pk, now=now, books=books) is None
        assert not Handoff.objects.exists()
        assert not PaperOffer.objects.exists()
        routing.route_waiting(lambda: now)
        assert PaperOffer.objects.get().matter.episode == episode

    def test_is_refused_twice_and_where_it_routes_nothing(self, house: Company, now: datetime) -> None:
        rule = RoutingRule.objects.get()
        begin(now, team=house.team)
        with pytest.raises(CannotSwitch, match="runs in shadow already"):
            begin(now, team=house.team)
        with pytest.raises(Invalid, match="a team or a rule"):
            begin(now, team=house.team, rule=rule)
        RoutingRule.objects.update(is_active=False)
        rule.refresh_from_db()
        with pytest.raises(CannotSwitch, match="not active"):
            begin(now, rule=rule)

    def test_keeps_managers_from_giving_by_hand(self, house: Company, now: datetime) -> None:
        begin(now)
        episode = routed(house, now=now)
        with pytest.raises(assigning.CannotGive, match="on paper"):
            assigning.give(episode.pk, rep=house.ben.user, by=house.manager, now=now)


class TestOnPaper:
    def test_a_touch_meets_or_misses_and_ends_the_load(self, house: Company, now: datetime) -> None:
        begin(now)
        early, late = routed(house, now=now), routed(house, now=now)
        for episode, after in ((early, HOUR), (late, 5 * HOUR)):
            touches.record(
                episode.lead_id,
                means="call",
                outcome="reached",
                performed_by=house.manager,
                recorded_by=None,
                occurred_at=now + after,
                now=now + after,
                by_machine=True,
            )

        offers = PaperOffer.objects.in_bulk(field_name="matter_id")
        first, second = (offers[PaperMatter.objects.get(episode=each).pk] for each in (early, late))
        assert (first.first_touched_at, first.answered_at) == (now + HOUR, None)
        assert second.first_touched_at == now + 5 * HOUR
        assert (first.settled_at, second.settled_at) == (now + HOUR, now + 5 * HOUR)
        assert_sound()

    def test_a_touch_by_the_rep_on_paper_accepts_and_an_automated_one_does_nothing(
        self, house: Company, now: datetime
    ) -> None:
        begin(now)
        episode = routed(house, now=now)
        offer = PaperOffer.objects.get()
        given: dict[str, Any] = {"means": "email", "outcome": "sent", "recorded_by": None, "now": now + MINUTE}
        touches.record(episode.lead_id, **given, occurred_at=None, performed_by=offer.user, automated=True)
        offer.refresh_from_db()
        assert offer.first_touched_at is None
        touches.record(episode.lead_id, **given, occurred_at=None, performed_by=offer.user)
        offer.refresh_from_db()

        assert (offer.first_touched_at, offer.answered_at) == (now + MINUTE, now + MINUTE)
        episode.refresh_from_db()
        assert episode.phase == "waiting"

    def test_an_outcome_from_elsewhere_answers(self, house: Company, now: datetime) -> None:
        begin(now)
        episode = routed(house, now=now)
        lead = Lead.objects.select_for_update().get(pk=episode.lead_id)
        outcomes.record(lead, "accepted", at=now + MINUTE, now=now + HOUR, via=Outcome.Via.API)

        offer = PaperOffer.objects.get()
        assert (offer.answered_at, offer.settled_at) == (now + MINUTE, now + HOUR)

    def test_load_ends_when_the_touch_is_due(self, house: Company, now: datetime) -> None:
        for rep in (house.ben, house.ada):
            rep.capacity = 1
            rep.save()
        begin(now)
        for _ in range(3):
            routed(house, now=now)
        assert PaperOffer.objects.count() == 2
        routing.route_waiting(lambda: now + HOUR)
        assert PaperOffer.objects.count() == 2
        routing.route_waiting(lambda: now + 5 * HOUR)
        assert PaperOffer.objects.count() == 3
        assert_sound()

    def test_a_hotter_tier_brings_the_promises_closer(self, house: Company, now: datetime) -> None:
        from scoring import episodes

        begin(now)
        episode = routed(house, now=now)
        episodes.raise_tier(episodes.lock(episode.pk), Tier.HOT, now=now + MINUTE)

        touch = PaperPromise.objects.filter(target="first_touch").order_by("number")
        assert [(each.number, each.due_at - now) for each in touch] == [(1, 4 * HOUR), (2, HOUR + MINUTE)]
        assert not Clock.objects.exists()
        assert not Notification.objects.exists()
        assert_sound()

    def test_turns_go_round_as_they_would_live(self, house: Company, now: datetime) -> None:
        house.ada.weight = 50
        house.ada.save()
        tiers = [Tier.HOT, Tier.WARM, Tier.WARM, Tier.HOT, Tier.COOL, Tier.WARM] * 4

        def stream() -> None:
            for number, tier in enumerate(tiers):
                routed(house, now=now + number * MINUTE, tier=tier)

        shadow = begin(now)
        stream()
        on_paper = list(PaperOffer.objects.order_by("pk").values_list("user", flat=True))
        assert not FairnessTurn.objects.filter(span__pool__shadow=None).exists()
        live(shadow, STAND, now=now + 30 * MINUTE, house=house)
        stream()
        really = list(Handoff.objects.order_by("pk").values_list("user", flat=True))

        assert on_paper == really
        assert (
            Counter(on_paper)[house.ben.user.pk] == 17
        )  # two thirds of 24 in three rotations, each to less than a lead
        assert_sound()


class TestGoLive:
    def test_lets_what_stood_on_paper_wait_for_release(self, house: Company, now: datetime) -> None:
        shadow = begin(now)
        lead = qualified(house, now=now)
        episode = Episode.objects.get(lead=lead)
        assert switches.preview(shadow).total == 1
        assert live(shadow, STAND, now=now + DAY, house=house) == 1
        judge(now=now + DAY)
        routing.route_waiting(lambda: now + DAY)

        episode.refresh_from_db()
        lead.refresh_from_db()
        assert (episode.closed_as, lead.stage) == ("withdrawn", "LEAD")
        assert episode.changes.get(what="closed").detail["why"] == "shadow"
        stands = Qualification.objects.get(lead=lead, waiting=True)
        assert stands.kind == "standing"
        assert PaperMatter.objects.get().ended_as == "stood"
        assert not Handoff.objects.exists()
        assert not Notification.objects.exists()
        assert_sound()

        opened = standing.release(stands.pk, now=now + 2 * DAY, by=house.manager)
        assert routing.route(opened.pk, now=now + 2 * DAY) is not None
        assert_sound()

    def test_takes_new_evidence_after_it_as_news(self, house: Company, now: datetime) -> None:
        shadow = begin(now)
        lead = qualified(house, now=now)
        live(shadow, STAND, now=now + DAY, house=house)
        judge(now=now + DAY)
        act(lead, "Started Free Trial", at=now + 2 * DAY)
        judge(now=now + 2 * DAY)
        routing.route_waiting(lambda: now + 2 * DAY)

        handoff = Handoff.objects.get()
        assert handoff.episode.opened_at == now + 2 * DAY
        assert not Qualification.objects.filter(waiting=True).exists()
        assert_sound()

    def test_routes_all_of_it_from_that_moment_where_asked_to(self, house: Company, now: datetime) -> None:
        shadow = begin(now)
        episodes = [routed(house, now=now) for _ in range(3)]
        assert live(shadow, ROUTE, now=now + DAY, house=house) == 3
        routing.route_waiting(lambda: now + DAY)

        assert Handoff.objects.count() == 3
        assert not Clock.objects.filter(started_at__lt=now + DAY).exists()
        assert {assign_clock(each).verdict for each in episodes} == {"met"}
        assert set(PaperMatter.objects.values_list("ended_as", flat=True)) == {"routed"}
        assert Notification.objects.count() == 3
        assert_sound()

    def test_routes_named_dates_either_way(self, house: Company, now: datetime) -> None:
        shadow = begin(now)
        episode = routed(house, now=now)
        Episode.objects.filter(pk=episode.pk).update(opened_by=OpenedBy.DATE)
        seen = switches.preview(shadow)
        assert (seen.total, seen.asked_for, seen.could_stand) == (1, 1, 0)
        live(shadow, STAND, now=now + DAY, house=house)
        routing.route_waiting(lambda: now + DAY)
        assert Handoff.objects.get().episode == episode

    def test_leaves_on_paper_what_something_else_keeps_in_shadow(self, house: Company, now: datetime) -> None:
        of_team, whole = begin(now, team=house.team), None
        routed(house, now=now)
        whole = begin(now + MINUTE)
        live(of_team, ROUTE, now=now + HOUR, house=house)

        matter = PaperMatter.objects.get()
        assert (matter.shadow, matter.ended_at) == (whole, None)
        assert not Handoff.objects.exists()
        assert_sound()

    def test_is_refused_twice_and_unknown_ends(self, house: Company, now: datetime) -> None:
        shadow = begin(now)
        with pytest.raises(Invalid, match="Ending is one of"):
            switches.go_live(shadow.pk, ending="flood", now=now, by=None)
        live(shadow, STAND, now=now, house=house)
        with pytest.raises(CannotSwitch, match="live already"):
            switches.go_live(shadow.pk, ending=ROUTE, now=now, by=None)

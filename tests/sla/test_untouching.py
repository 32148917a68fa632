"""Taking a touch back within seconds: everything is as it was before anybody had reached out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from leads import erasing, merging, outcomes
from leads.models import Lead, Notification, Outcome, Role, Stage
from scoring import episodes
from scoring.models import Tier
from sla import handoffs, publishing, routing, touches, untouching
from sla.clocks import pausing
from sla.handoffs import open_load
from sla.models import (
    Handoff,
    PaperOffer,
    RoutingRule,
    State,
    TakenBackTouch,
    Target,
    Touch,
)
from sla.nextsteps import changing
from sla.shadow import switches
from tests.desk import TOUCHES, Company, away, clock_of, company, joined, person
from tests.sla.test_events import listen, told
from tests.sla.test_signals import known, raise_hand, signal_of
from tests.sla.test_undo import picture as verdict_picture
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
FIVE, MINUTE, HOUR, DAY = timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HTMX: Final = {"headers": {"HX-Request": "true"}}
COUNTED = (
    "first_touched_at",
    "touches",
    "next_step",
    "next_step_at",
    "next_step_is_own",
    "snoozed_until",
    "next_due_at",
)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def picture(handoff: Handoff) -> dict[str, Any]:
    """All that taking a touch back promises to put back."""
    fresh = Handoff.objects.get(pk=handoff.pk)
    ended = fresh.clocks.exclude(verdict="").exclude(void_reason="undone")
    return verdict_picture(handoff) | {
        "counted": {name: getattr(fresh, name) for name in COUNTED},
        "ended": sorted(ended.values_list("pk", "verdict", "met_at")),
        "load": open_load(handoff.user.rep) if hasattr(handoff.user, "rep") else 0,
        "touches": Touch.objects.filter(lead=fresh.episode.lead_id).count(),
    }


def call(handoff: Handoff, *, now: datetime, **fields: Any) -> Touch:
    values: dict[str, Any] = {
        "means": "call",
        "outcome": "reached",
        "performed_by": handoff.user,
        "recorded_by": handoff.user,
        "occurred_at": now,
    }
    return touches.record(handoff.episode.lead_id, **values | fields, now=now)


def sound() -> None:
    assert_sound(leaving_out=("offers are explained",))


def _accepted(house: Company, now: datetime) -> Handoff:
    return house.accepted(now=now)


def _one_short_of_depth(house: Company, now: datetime) -> Handoff:
    handoff = house.accepted(now=now)
    for _ in range(TOUCHES - 1):
        call(handoff, now=now)
    return handoff


def _snoozed(house: Company, now: datetime) -> Handoff:
    handoff = house.accepted(now=now)
    return changing.snooze(handoff.pk, until=now + HOUR, by=handoff.user, now=now)


def _own_step(house: Company, now: datetime) -> Handoff:
    handoff = house.accepted(now=now)
    return changing.set_step(handoff.pk, at=now + DAY, what="Send the deck", by=handoff.user, now=now)


def _closing(house: Company, now: datetime) -> Handoff:
    return house.to_close(house.closer(), now=now)


def _signal(house: Company, now: datetime) -> Handoff:
    lead = known(house, now=now)
    raise_hand(lead, now=now)
    return signal_of(lead)


def _offered(house: Company, now: datetime) -> Handoff:
    return house.offered(now=now)


def _fast(house: Company, now: datetime) -> Handoff:
    return house.offer(house.episode(house.lead(now=now), now=now, fast=True), now=now)


def _with_a_colleague(house: Company, now: datetime) -> Handoff:
    handoff = house.offered(now=now)
    joined(house, handoff, now=now)
    return handoff


CASES: list[tuple[str, Callable[[Company, datetime], Handoff], dict[str, Any]]] = [
    # the clocks of accept and first touch, and all that accepting started
    ("what it accepted is on offer again", _offered, {}),
    ("a manager takes it back who recorded it for the rep", _offered, {"recorded_by": "manager"}),
    # those who joined follow the acceptance both ways
    ("who joined follows", _with_a_colleague, {}),
    ("a first touch is owed again", _accepted, {}),
    ("so it is in the fast lane", _fast, {}),
    ("full follow-up is not yet reached", _one_short_of_depth, {}),
    ("a booked meeting is no next step", _accepted, {"outcome": "booked", "meeting_at": "in two days"}),
    ("nor of what it accepted", _offered, {"outcome": "booked", "meeting_at": "in two days"}),
    ("what was out of sight is again", _snoozed, {}),
    ("the rep's own step stands again", _own_step, {"occurred_at": "now"}),
    ("logged later", _accepted, {"occurred_at": "an hour ago"}),
    ("before the offer", _offered, {"occurred_at": "before"}),
    ("by a colleague of the rep, which accepts nothing", _offered, {"performed_by": "ada", "recorded_by": "manager"}),
    ("a closing leg that it took up", _closing, {}),
    ("a signal, which moves no stage", _signal, {}),
]


class TestTakingBack:
    @pytest.mark.parametrize(("name", "make", "fields"), CASES, ids=[name for name, _, _ in CASES])
    def test_leaves_everything_as_if_nobody_had_reached_out(
        self,
        house: Company,
        now: datetime,
        name: str,
        make: Callable[[Company, datetime], Handoff],
        fields: dict[str, Any],
    ) -> None:
        handoff = make(house, now)
        at = now + 2 * HOUR
        before = picture(handoff)
        words = {
            "manager": house.manager,
            "ada": house.ada.user,
            "in two days": at + 2 * DAY,
            "now": at,
            "an hour ago": at - HOUR,
            "before": now - MINUTE,
        }
        given = {key: words.get(value, value) for key, value in fields.items()}
        touch = call(handoff, now=at, note="She sounded keen", external_id="call-7", **given)
        assert picture(handoff) != before
        by = touch.recorded_by
        assert by is not None
        taken = untouching.take_back(touch.pk, by=by, now=at + FIVE)
        assert picture(handoff) == before
        assert (taken.public_id, taken.outcome, taken.by, taken.at) == (touch.public_id, touch.outcome, by, at + FIVE)
        assert not Touch.objects.filter(pk=touch.pk).exists()
        sound()

    def test_marks_the_acceptance_it_made_as_undone(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        touch = call(handoff, now=now)
        untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)
        last = handoff.changes.last()
        assert (last.is_undo, last.from_state, last.to_state, last.by) == (True, "accepted", "offered", handoff.user)
        assert Outcome.objects.get(kind="accepted").withdrawn_at == now + FIVE
        assert Lead.objects.get(pk=handoff.episode.lead_id).stage == Stage.MQL

    def test_of_one_touch_that_was_all_of_the_depth_leaves_no_clock_that_was_met(
        self, house: Company, now: datetime
    ) -> None:
        version = publishing.draft_policy(house.policy.policy)
        version.targets.filter(target=Target.DEPTH).update(touches=1)
        publishing.publish_policy(version, why="One is enough", now=now, by=None)
        handoff = house.offered(now=now)
        touch = call(handoff, now=now)
        assert clock_of(handoff, Target.DEPTH).verdict == "met"
        untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)
        assert clock_of(handoff, Target.DEPTH).verdict == "voided"
        assert sorted(handoff.clocks.filter(verdict="").values_list("target", flat=True)) == ["accept", "first_touch"]

    def test_of_a_late_one_keeps_the_breach_and_the_due_instant(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        due = clock_of(handoff, Target.FIRST_TOUCH).due_at
        touch = call(handoff, now=due + MINUTE)
        untouching.take_back(touch.pk, by=handoff.user, now=due + MINUTE + FIVE)
        clock = clock_of(handoff, Target.FIRST_TOUCH)
        assert (clock.is_running, clock.due_at, clock.breached_at) == (True, due, due)
        sound()

    def test_lets_the_same_be_recorded_again_under_its_id(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        for number in range(3):
            touch = call(handoff, now=now + number * FIVE, external_id="call-9")
            untouching.take_back(touch.pk, by=handoff.user, now=now + number * FIVE)
        call(handoff, now=now + MINUTE, external_id="call-9")
        fresh = Handoff.objects.get(pk=handoff.pk)
        assert (fresh.state, fresh.touches, TakenBackTouch.objects.count()) == (State.ACCEPTED, 1, 3)
        sound()

    def test_lets_the_verdict_before_it_be_undone(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        before = picture(handoff)
        handoffs.accept(handoff.pk, by=handoff.user, now=now)
        touch = call(handoff, now=now + FIVE)
        with pytest.raises(handoffs.CannotUndo):
            handoffs.undo(handoff.pk, by=handoff.user, now=now + FIVE)
        untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)
        handoffs.undo(handoff.pk, by=handoff.user, now=now + 2 * FIVE)
        assert picture(handoff) == before

    def test_asked_twice_is_answered_alike(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now)
        first = untouching.take_back(touch.pk, by=handoff.user, now=now)
        assert untouching.take_back(touch.pk, by=handoff.user, now=now + MINUTE) == first
        with pytest.raises(touches.NotTheirs):
            untouching.take_back(touch.pk, by=house.manager, now=now)
        assert TakenBackTouch.objects.count() == 1

    def test_writes_down_that_a_rep_is_over_capacity_by_it(self, house: Company, now: datetime) -> None:
        house.ben.capacity = 1
        house.ben.save()
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now)
        house.offered(now=now)
        untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)
        handoff = Handoff.objects.get(pk=handoff.pk)
        assert (handoff.override.why, handoff.override.open_load) == ("undo", 1)
        sound()

    def test_of_one_without_a_matter_is_only_gone(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now, holder=house.ben.user, holder_team=house.team)
        ben = house.ben.user
        given: dict[str, Any] = {"means": "email", "outcome": "sent", "performed_by": ben, "recorded_by": ben}
        touch = touches.record(lead.pk, **given, occurred_at=now, now=now)
        assert untouching.take_back(touch.pk, by=ben, now=now).handoff is None
        assert not Touch.objects.exists()

    def test_of_a_colleagues_leaves_the_matter_alone(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        olaf = joined(house, handoff, now=now)
        before = picture(handoff)
        ben = house.ben.user
        given: dict[str, Any] = {"means": "call", "outcome": "reached", "performed_by": ben, "recorded_by": ben}
        touch = touches.record(olaf.pk, **given, occurred_at=now, now=now)
        assert touch.handoff is not None
        untouching.take_back(touch.pk, by=ben, now=now + FIVE)
        assert picture(handoff) == before
        assert olaf.taken_back_touches.count() == 1


class TestOnPaper:
    def test_waits_for_an_answer_again(self, house: Company, now: datetime) -> None:
        offer, touch = on_paper(house, now)
        assert (offer.first_touched_at, offer.answered_at, offer.settled_at) != (None, None, None)
        untouching.take_back(touch.pk, by=house.manager, now=now + MINUTE + FIVE)
        offer.refresh_from_db()
        assert (offer.first_touched_at, offer.answered_at, offer.settled_at) == (None, None, None)
        assert_sound()

    def test_stays_once_an_outcome_has_answered(self, house: Company, now: datetime) -> None:
        offer, touch = on_paper(house, now)
        lead = Lead.objects.get(pk=touch.lead_id)
        outcomes.record(lead, "accepted", at=now + MINUTE, now=now + MINUTE, via=Outcome.Via.API)
        with pytest.raises(handoffs.CannotUndo, match="newer"):
            untouching.take_back(touch.pk, by=house.manager, now=now + MINUTE + FIVE)


def on_paper(house: Company, now: datetime) -> tuple[PaperOffer, Touch]:
    """A matter that was offered on paper, and touched by a manager."""
    rule = RoutingRule.objects.get(team=house.team)
    switches.begin(rule=rule, why="To try it", now=now, by=house.manager)
    episode = house.episode(house.lead(now=now), now=now)
    assert routing.route(episode.pk, now=now) is None
    at = now + MINUTE
    boss = house.manager
    given: dict[str, Any] = {"means": "call", "outcome": "reached", "performed_by": boss, "recorded_by": boss}
    touch = touches.record(episode.lead_id, **given, occurred_at=at, now=at)
    return PaperOffer.objects.get(), touch


class TestRefusal:
    def test_after_fifteen_seconds(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now)
        with pytest.raises(handoffs.CannotUndo, match="15 seconds"):
            untouching.take_back(touch.pk, by=handoff.user, now=now + handoffs.UNDO_FOR + timedelta(microseconds=1))
        untouching.take_back(touch.pk, by=handoff.user, now=now + handoffs.UNDO_FOR)

    @pytest.mark.parametrize(
        "newer",
        ["touch", "verdict", "hop", "step", "snooze", "hand-raise", "tier", "stage", "bought", "paused"],
    )
    def test_once_something_newer_stands_on_it(self, house: Company, now: datetime, newer: str) -> None:
        handoff = house.offered(now=now)
        touch = call(handoff, now=now)
        episode, ben = episodes.lock(handoff.episode_id), house.ben.user
        depth = clock_of(handoff, Target.DEPTH)
        {
            "touch": lambda: call(handoff, now=now),
            "verdict": lambda: handoffs.convert(handoff.pk, by=ben, now=now),
            "hop": lambda: handoffs.move_on(handoffs.matter_of(handoff, now=now).handoff, why="absence", now=now),
            "step": lambda: changing.set_step(handoff.pk, at=now + HOUR, by=ben, now=now),
            "snooze": lambda: changing.snooze(handoff.pk, until=now + MINUTE, by=ben, now=now),
            "hand-raise": lambda: episodes.raise_hand(episode, activity_id=7, now=now),
            "tier": lambda: episodes.raise_tier(episode, Tier.HOT, now=now),
            "stage": lambda: outcomes.record(episode.lead, "opened", at=now, now=now, via="api"),
            "paused": lambda: pausing.pause(depth.pk, until_at=now + DAY, reason="Away", by=ben, now=now),
            "bought": lambda: outcomes.record(episode.lead, "won", at=now, now=now, via="api"),
        }[newer]()
        with pytest.raises(handoffs.CannotUndo, match="newer"):
            untouching.take_back(touch.pk, by=ben, now=now + FIVE)
        assert Touch.objects.filter(pk=touch.pk).exists()

    def test_once_they_are_hotter_though_no_clock_or_step_tells(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        changing.set_step(handoff.pk, at=now + DAY, by=handoff.user, now=now)
        touch = call(handoff, now=now)
        episodes.raise_tier(episodes.lock(handoff.episode_id), Tier.HOT, now=now)
        with pytest.raises(handoffs.CannotUndo, match="newer"):
            untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)

    def test_once_the_lead_stands_elsewhere(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        touch = call(handoff, now=now)
        Lead.objects.filter(pk=touch.lead_id).update(evidence_from=now)
        with pytest.raises(handoffs.CannotUndo, match="newer"):
            untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)

    def test_once_they_were_reached_again_where_nobody_has_the_lead(self, house: Company, now: datetime) -> None:
        lead, ben = house.lead(now=now, holder=house.ben.user, holder_team=house.team), house.ben.user
        given: dict[str, Any] = {"means": "email", "outcome": "sent", "performed_by": ben, "recorded_by": ben}
        first, second = (touches.record(lead.pk, **given, occurred_at=now, now=now) for _ in range(2))
        with pytest.raises(handoffs.CannotUndo, match="newer"):
            untouching.take_back(first.pk, by=ben, now=now)
        untouching.take_back(second.pk, by=ben, now=now)
        untouching.take_back(first.pk, by=ben, now=now)

    def test_is_not_asked_of_a_mark_of_cooling(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now)
        episodes.cool(episodes.lock(handoff.episode_id), now=now)
        untouching.take_back(touch.pk, by=handoff.user, now=now)

    def test_to_everybody_but_who_recorded_it(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        by_ben = call(handoff, now=now)
        for other in (house.ada.user, house.manager, person(Role.ADMIN, "Zoe Hart")):
            with pytest.raises(touches.NotTheirs) as refused:
                untouching.take_back(by_ben.pk, by=other, now=now)
            assert refused.value.status == 404
        by_maya = call(handoff, now=now, recorded_by=house.manager)
        with pytest.raises(touches.NotTheirs):
            untouching.take_back(by_maya.pk, by=house.ben.user, now=now)

    @pytest.mark.parametrize("fields", [{"by_machine": True}, {"by_machine": True, "automated": True}])
    def test_of_what_a_machine_brought(self, house: Company, now: datetime, fields: dict[str, bool]) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now, **fields)
        with pytest.raises(handoffs.CannotUndo, match="machine"):
            untouching.take_back(touch.pk, by=handoff.user, now=now)

    def test_where_the_rep_is_away_by_now(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        touch = call(handoff, now=now)
        away(house.ben, now=now)
        with pytest.raises(handoffs.CannotUndo, match="is away"):
            untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)


class TestWhatLeavesTheHouse:
    def test_waits_until_it_can_be_taken_back_no_more(self, house: Company, now: datetime) -> None:
        ear = listen(now, "handoff.accepted", "handoff.undone")
        handoff = house.offered(now=now)
        touch = call(handoff, now=now)
        assert told(ear) == ["handoff.accepted"]
        assert Notification.objects.get(endpoint=ear).not_before == now + handoffs.UNDO_FOR
        untouching.take_back(touch.pk, by=handoff.user, now=now + FIVE)
        assert (told(ear), told(ear, "cancelled")) == ([], ["handoff.accepted"])

    def test_the_news_that_a_next_owner_took_it_waits_as_well(self, house: Company, now: datetime) -> None:
        leg = house.to_close(house.closer(), now=now)
        touch = call(leg, now=now)
        news = Notification.objects.get(kind="taken up")
        assert news.not_before == now + handoffs.UNDO_FOR
        untouching.take_back(touch.pk, by=leg.user, now=now + FIVE)
        news.refresh_from_db()
        assert news.state == "cancelled"


class TestTheTrace:
    def test_goes_with_the_person_where_two_are_one(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now)
        untouching.take_back(touch.pk, by=handoff.user, now=now)
        winner = house.lead(now=now)
        merging.merge(winner.pk, handoff.episode.lead_id, now=now + MINUTE, prefer=winner.pk)
        assert winner.taken_back_touches.count() == 1

    def test_holds_nothing_of_an_erased_person(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        touch = call(handoff, now=now, note="Call Iris at home", external_id="iris-home")
        untouching.take_back(touch.pk, by=handoff.user, now=now)
        assert not any("ris" in str(value) for value in TakenBackTouch.objects.values().get().values())
        erasing.erase(handoff.episode.lead_id, now=now + MINUTE, by=None)
        assert TakenBackTouch.objects.count() == 1

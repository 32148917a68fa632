"""What comes next with an accepted lead: by the cadence, as its rep says, out of sight until then, and undone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction

from leads import erasing
from leads.errors import Invalid
from leads.models import Organization, Role
from scoring.models import Tier
from sla import clocks, handoffs, touches
from sla.clocks import pausing
from sla.handoffs.moves import AlreadyDecided, NotYours
from sla.models import Clock, Handoff, LadderStep, NextStepChange, State, Target
from sla.nextsteps import changing, choices
from sla.nextsteps.changing import NothingToUndo, NotSnoozed
from tests import sound
from tests.desk import Company, act, clock_of, company, judge, person

pytestmark = pytest.mark.django_db


def assert_sound() -> None:
    """Every invariant holds, but nobody routed these offers."""
    sound.assert_sound(leaving_out=("offers are explained",))


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def accepted(firm: Company, now: datetime) -> Handoff:
    """A warm lead that Ben has accepted: a touch within 4 h, three within three days, qualified within six."""
    return firm.accepted(now=now)


def call(handoff: Handoff, *, at: datetime) -> Handoff:
    """Its rep calls."""
    touches.record(
        handoff.episode.lead_id,
        means="call",
        outcome="reached",
        performed_by=handoff.user,
        recorded_by=handoff.user,
        occurred_at=at,
        now=at,
    )
    return Handoff.objects.get(pk=handoff.pk)


def step_of(handoff: Handoff) -> tuple[str, datetime | None]:
    handoff.refresh_from_db()
    return handoff.next_step, handoff.next_step_at


class TestCadence:
    def test_begins_with_the_first_touch_that_is_owed(self, accepted: Handoff, now: datetime) -> None:
        assert step_of(accepted) == ("First touch", now + 4 * HOUR)
        assert_sound()

    def test_spreads_the_touches_over_the_follow_up(self, accepted: Handoff, now: datetime) -> None:
        call(accepted, at=now + HOUR)
        assert step_of(accepted) == ("Touch 2 of 3", now + 2 * DAY)
        call(accepted, at=now + 50 * HOUR)  # later than its turn
        assert step_of(accepted) == ("Touch 3 of 3", now + 3 * DAY)

    def test_then_asks_for_a_decision_before_it_is_due(self, accepted: Handoff, now: datetime) -> None:
        Organization.objects.update(next_step_days=30)
        for hours in (1, 2, 3):
            call(accepted, at=now + hours * HOUR)
        assert step_of(accepted) == ("Convert or return", clock_of(accepted, Target.QUALIFY).due_at)

    def test_knows_the_usual_number_of_business_days_where_nothing_is_promised(
        self, firm: Company, accepted: Handoff
    ) -> None:
        Organization.objects.update(next_step_days=2)
        friday = datetime.fromisoformat("2026-03-13T15:00:00+00:00")
        for clock in Clock.objects.filter(handoff=accepted):
            clocks.void(clock, why="test", now=friday)
        call(accepted, at=max(friday, accepted.accepted_at or friday))
        assert step_of(accepted) == ("Follow up", datetime.fromisoformat("2026-03-17T15:00:00+00:00"))

    def test_goes_with_a_promise_that_is_timed_anew(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        pausing.extend(
            clock_of(accepted, Target.FIRST_TOUCH).pk, seconds=7200, reason="She is ill", by=firm.manager, now=now
        )
        assert step_of(accepted) == ("First touch", now + 6 * HOUR)

    def test_is_there_in_the_fast_lane_and_after_reopening(self, firm: Company, now: datetime) -> None:
        fast = firm.offer(firm.episode(firm.lead(now=now), now=now, fast=True), now=now)
        assert step_of(fast) == ("First touch", now + 15 * MINUTE)
        handoffs.convert(fast.pk, by=firm.ben.user, now=now)
        again = handoffs.reopen(fast.pk, by=firm.manager, why="Too early", now=now + DAY)
        assert step_of(again) == ("First touch", now + DAY + 15 * MINUTE)
        assert_sound()

    def test_leaves_what_a_person_set_alone_until_its_day(
        self, firm: Company, accepted: Handoff, now: datetime
    ) -> None:
        later = now + 5 * DAY
        changing.set_step(accepted.pk, at=later, what="Call after the fair", by=firm.ben.user, now=now)
        call(accepted, at=now + HOUR)
        assert step_of(accepted) == ("Call after the fair", later)
        call(accepted, at=later - MINUTE)
        assert step_of(accepted)[0] != "Call after the fair"


class TestAdrift:
    def test_is_who_has_no_step_or_one_that_has_passed(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        def adrift(at: datetime) -> bool:
            return Handoff.objects.of_teams([firm.team]).adrift(at).exists()

        firm.offered(now=now)
        assert not adrift(now + 4 * HOUR)
        assert adrift(now + 4 * HOUR + MINUTE)
        call(accepted, at=now + 5 * HOUR)
        assert not adrift(now + 5 * HOUR)
        Handoff.objects.filter(pk=accepted.pk).update(next_step_at=None)
        assert adrift(now)


class TestSetStep:
    def test_keeps_who_said_what_and_when(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        changing.set_step(accepted.pk, at=now + DAY, what="  Send\nthe deck ", by=firm.manager, now=now)
        assert step_of(accepted) == ("Send the deck", now + DAY)
        last = accepted.next_steps.latest("pk")
        assert (last.why, last.by, last.step, last.is_own) == ("set", firm.manager, "Send the deck", True)
        assert_sound()

    def test_stops_no_clock(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        before = list(Clock.objects.order_by("pk").values_list("due_at", "next_step_at", "verdict"))
        changing.set_step(accepted.pk, at=now + DAY, hide=True, by=firm.ben.user, now=now)
        assert list(Clock.objects.order_by("pk").values_list("due_at", "next_step_at", "verdict")) == before

    def test_is_refused(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        for at in (now, now - DAY, now + 400 * DAY, (now + DAY).replace(tzinfo=None)):
            with pytest.raises(Invalid):
                changing.set_step(accepted.pk, at=at, by=firm.ben.user, now=now)
        with pytest.raises(NotYours):
            changing.set_step(accepted.pk, at=now + DAY, by=person(Role.REP, "Stan Other"), now=now)
        with pytest.raises(AlreadyDecided):
            changing.set_step(firm.offered(now=now).pk, at=now + DAY, by=firm.ben.user, now=now)
        with pytest.raises(AlreadyDecided):
            changing.set_step(accepted.pk, at=now + DAY, by=firm.ben.user, now=now, seen_version=1)
        with pytest.raises(NotYours):
            changing.wake(0, by=firm.ben.user, now=now)

    def test_is_erased_with_the_person(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        changing.set_step(accepted.pk, at=now + DAY, what="Call Iris at home", by=firm.ben.user, now=now)
        erasing.erase(accepted.episode.lead_id, now=now, by=None)
        assert step_of(accepted)[0] == ""
        assert not NextStepChange.objects.exclude(step="").exists()
        assert_sound()

    def test_leaves_history_that_nobody_changes(self, accepted: Handoff) -> None:
        row = accepted.next_steps.get()
        for change in (
            lambda: NextStepChange.objects.filter(pk=row.pk).update(step="Something else"),
            lambda: NextStepChange.objects.filter(pk=row.pk).update(step_at=None),
            lambda: NextStepChange.objects.filter(pk=row.pk).delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()


class TestSnooze:
    def test_hides_until_then_and_comes_back_by_itself(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now)
        changing.snooze(offered.pk, until=now + HOUR, by=firm.ben.user, now=now)
        rows = Handoff.objects.of_user(firm.ben.user)
        assert list(rows.snoozed(now + HOUR - MINUTE)) == [offered]
        assert not rows.in_sight(now + HOUR - MINUTE).exists()
        assert list(rows.in_sight(now + HOUR)) == [offered]
        assert not rows.snoozed(now + HOUR).exists()

    def test_never_outlasts_the_next_warning(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now)  # to be answered within two hours
        cut = changing.snooze(offered.pk, until=now + DAY, by=firm.ben.user, now=now)
        assert cut.snoozed_until == now + 2 * HOUR
        late = firm.offered(now=now - 3 * HOUR)
        with pytest.raises(NotSnoozed):
            changing.snooze(late.pk, until=now + DAY, by=firm.ben.user, now=now)
        assert_sound()

    def test_warns_before_the_due_time_where_the_ladder_does(self, firm: Company, now: datetime) -> None:
        assert LadderStep.objects.filter(version=firm.policy, share=100).exists()
        accepted = firm.accepted(now=now)
        answer = changing.set_step(accepted.pk, at=now + 9 * DAY, hide=True, by=firm.ben.user, now=now)
        assert (answer.next_step_at, answer.snoozed_until) == (now + 9 * DAY, now + 4 * HOUR)

    def test_ends_where_a_deadline_comes_closer(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now, tier=Tier.COOL)
        changing.snooze(offered.pk, until=now + 3 * HOUR, by=firm.ben.user, now=now)
        lead = offered.episode.lead
        for name in ("Visited Pricing Page", "Started Free Trial", "Visited Pricing Page", "Started Free Trial"):
            act(lead, name, at=now + MINUTE)
        judge(now=now + 2 * MINUTE)
        offered.refresh_from_db()
        nearest = min(clock.next_step_at for clock in offered.clocks.filter(verdict=""))
        assert offered.tier == Tier.HOT
        assert offered.snoozed_until == nearest < now + 3 * HOUR
        assert_sound()

    def test_ends_with_a_raised_hand(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now)
        changing.snooze(offered.pk, until=now + HOUR, by=firm.ben.user, now=now)
        act(offered.episode.lead, "Requested Demo", at=now + MINUTE)
        judge(now=now + 2 * MINUTE)
        offered.refresh_from_db()
        assert (offered.state, offered.snoozed_until, offered.next_step) == (State.ACCEPTED, None, "First touch")
        assert_sound()

    def test_belongs_to_the_hop(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now)
        changing.snooze(offered.pk, until=now + HOUR, by=firm.ben.user, now=now)
        handoffs.move_on(offered, why="reassigned", now=now + MINUTE, by=firm.manager)
        offered.episode.refresh_from_db()
        hop = firm.offer(offered.episode, now=now + 2 * MINUTE, rep=firm.ada)
        assert hop.snoozed_until is None
        assert not Handoff.objects.of_user(firm.ben.user).snoozed(now + 3 * MINUTE).exists()
        assert_sound()

    def test_ends_by_hand(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        changing.snooze(accepted.pk, until=now + HOUR, by=firm.ben.user, now=now)
        assert changing.wake(accepted.pk, by=firm.ben.user, now=now).snoozed_until is None
        assert [row.why for row in accepted.next_steps.all()] == ["accepted", "snoozed", "woken"]


class TestUndo:
    def test_puts_back_what_stood_before(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        before = step_of(accepted)
        changing.set_step(accepted.pk, at=now + 2 * HOUR, what="Chat", hide=True, by=firm.ben.user, now=now)
        back = changing.undo(accepted.pk, by=firm.ben.user, now=now + timedelta(seconds=15))
        assert (step_of(accepted), back.snoozed_until, back.next_step_is_own) == (before, None, False)
        with pytest.raises(NothingToUndo):
            changing.undo(accepted.pk, by=firm.ben.user, now=now + timedelta(seconds=15))
        assert_sound()

    def test_ends_with_its_seconds_and_with_a_verdict(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        changing.snooze(accepted.pk, until=now + HOUR, by=firm.ben.user, now=now)
        with pytest.raises(NothingToUndo):
            changing.undo(accepted.pk, by=firm.ben.user, now=now + timedelta(seconds=16))
        handoffs.convert(accepted.pk, by=firm.ben.user, now=now + timedelta(seconds=1))
        with pytest.raises(NothingToUndo):
            changing.undo(accepted.pk, by=firm.ben.user, now=now + timedelta(seconds=2))

    def test_of_a_verdict_puts_step_and_snooze_back(self, firm: Company, now: datetime) -> None:
        offered = firm.offered(now=now)
        changing.snooze(offered.pk, until=now + HOUR, by=firm.ben.user, now=now)
        handoffs.accept(offered.pk, by=firm.ben.user, now=now + MINUTE)
        assert step_of(offered)[0] == "First touch"
        assert Handoff.objects.get(pk=offered.pk).snoozed_until is None
        back = handoffs.undo(offered.pk, by=firm.ben.user, now=now + MINUTE)
        assert (back.next_step_at, back.next_step, back.snoozed_until) == (None, "", now + HOUR)
        assert_sound()

    def test_of_a_conversion_puts_the_own_step_back(self, firm: Company, accepted: Handoff, now: datetime) -> None:
        changing.set_step(accepted.pk, at=now + DAY, what="Demo", by=firm.ben.user, now=now)
        handoffs.convert(accepted.pk, by=firm.ben.user, now=now)
        handoffs.undo(accepted.pk, by=firm.ben.user, now=now)
        assert step_of(accepted) == ("Demo", now + DAY)
        assert_sound()


class TestChoices:
    def test_are_said_as_people_say_them(self, firm: Company) -> None:
        friday = datetime.fromisoformat("2026-03-13T15:20:33+00:00")
        offered = firm.offered(now=friday)
        offered.user.time_zone = "UTC"
        told = [(each.label, f"{each.at:%a %H:%M}") for each in choices.moments(offered, now=friday)]
        assert told == [("In an hour", "Fri 16:20"), ("Tomorrow", "Mon 09:00")]
        tuesday = datetime.fromisoformat("2026-03-10T15:20:00+00:00")
        told = [(each.label, f"{each.at:%a %H:%M}") for each in choices.moments(offered, now=tuesday)]
        assert told == [
            ("In an hour", "Tue 16:20"),
            ("Tomorrow", "Wed 09:00"),
            ("In 3 days", "Fri 09:00"),
            ("Next week", "Mon 09:00"),
        ]

"""What a rep who is away leaves behind: re-offered after the grace, covered, or decided by their manager."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads.models import Notification, Role, User
from sla import clockwork, handoffs, routing, sweeps, touches
from sla.models import Absence, CapacityOverride, Handoff, LeftBehind, Rep, State
from sla.people import absences, beginning, keeping, leaving, left_behind
from sla.routing import standins
from tests.desk import Company, company, person, rep_in

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    """A Monday, 9:00: the team is open until 17:00, and the grace is 4 hours of it."""
    return datetime.fromisoformat("2026-03-09T09:00:00+00:00")


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def touch(handoff: Handoff, *, now: datetime) -> None:
    touches.record(
        handoff.episode.lead_id,
        means="call",
        outcome="reached",
        performed_by=handoff.user,
        recorded_by=handoff.user,
        occurred_at=now,
        now=now,
    )


def away(rep: Rep, now: datetime, until: timedelta = 5 * DAY, **fields: Rep) -> Absence:
    absence = Absence.objects.create(rep=rep, starts_at=now, ends_at=now + until, **fields)
    beginning.begin(absence.pk, now=now)
    return absence


def left(handoff: Handoff) -> LeftBehind:
    return LeftBehind.objects.get(handoff=handoff)


def open_one(handoff: Handoff) -> Handoff | None:
    return Handoff.objects.open().filter(episode=handoff.episode).first()


class TestGrace:
    def test_counts_in_the_working_time_of_the_team(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now + 6 * HOUR)
        # 15:00 to 17:00 on Monday, 9:00 to 11:00 on Tuesday.
        assert left(accepted).due_at == now + 26 * HOUR

    def test_moves_nothing_before_it_ends(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now)
        clockwork.fire_due(lambda: now + 4 * HOUR - timedelta(seconds=1))
        assert open_one(accepted) == accepted

    def test_over_re_offers_what_is_untouched(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now)
        later = now + 4 * HOUR
        clockwork.fire_due(lambda: later)
        assert (left(accepted).settled_as, left(accepted).settled_at) == ("reoffered", later)
        again = routing.route(accepted.episode_id, now=later)
        assert again is not None
        assert again.user == house.ada.user
        assert accepted.changes.last().why == "absence"

    def test_moves_nothing_where_the_rep_is_back_before(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now, 3 * HOUR)
        clockwork.fire_due(lambda: now + 4 * HOUR)
        assert open_one(accepted) == accepted
        assert left(accepted).settled_as == "back"

    def test_moves_nothing_where_the_absence_ends_early(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        absence = away(house.ben, now)
        absences.end_early(absence.pk, now=now + HOUR, by=None)
        clockwork.fire_due(lambda: now + 4 * HOUR)
        assert left(accepted).settled_as == "back"

    def test_noticed_late_looks_at_now_as_well(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now, 5 * HOUR)
        clockwork.fire_due(lambda: now + 6 * HOUR)
        assert left(accepted).settled_as == "back"

    def test_may_be_acted_on_any_number_of_times(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now)
        pk, later = left(accepted).pk, now + 4 * HOUR
        assert [left_behind.act(pk, now=later) for _ in range(3)] == ["reoffered", "", ""]
        assert Handoff.objects.get(pk=accepted.pk).changes.filter(to_state=State.MOVED).count() == 1

    def test_is_settled_by_an_answer(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        away(house.ben, now)
        handoffs.convert(accepted.pk, by=house.ben.user, now=now + HOUR)
        sweeps.sweep(lambda: now + HOUR)
        assert left(accepted).settled_as == "ended"


class TestARaisedHand:
    """Baton accepted it for the rep: who is away before they touched it never took it in hand."""

    def raised(self, house: Company, now: datetime) -> Handoff:
        return house.offer(house.episode(house.lead(now=now), now=now, fast=True), now=now)

    def test_goes_on_at_once_and_counts_against_nobody(self, house: Company, now: datetime) -> None:
        raised = self.raised(house, now)
        Absence.objects.create(rep=house.ben, starts_at=now + MINUTE, ends_at=now + DAY)
        for seconds in (0, 1):
            clockwork.fire_due(lambda seconds=seconds: now + MINUTE + timedelta(seconds=seconds))
        assert left(raised).settled_as == "reoffered"
        again = routing.route(raised.episode_id, now=now + 2 * MINUTE)
        assert (again is not None and again.user, again and again.state) == (house.ada.user, State.ACCEPTED)
        assert not raised.clocks.exclude(breached_at=None).exists()

    def test_stays_for_the_grace_once_they_touched_it_or_took_it_back(self, house: Company, now: datetime) -> None:
        touched, reopened = self.raised(house, now), self.raised(house, now)
        touch(touched, now=now + MINUTE)
        handoffs.return_(reopened.pk, reason="outside_market", by=house.manager, now=now + MINUTE)
        reopened = handoffs.reopen(reopened.pk, by=house.manager, why="Again.", now=now + 2 * MINUTE)
        away(house.ben, now + HOUR)
        assert [left(each).due_at for each in (touched, reopened)] == [now + 5 * HOUR] * 2


class TestTouched:
    def touched(self, house: Company, now: datetime) -> Handoff:
        accepted = house.accepted(now=now)
        touch(accepted, now=now)
        return Handoff.objects.get(pk=accepted.pk)

    def test_goes_to_the_covering_rep_though_full(self, house: Company, now: datetime) -> None:
        Rep.objects.filter(pk=house.ben.pk).update(cover=house.ada)
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        handoff = self.touched(house, now)
        away(house.ben, now)
        clockwork.fire_due(lambda: now + 4 * HOUR)
        covering = open_one(handoff)
        assert covering is not None
        assert (covering.user, left(handoff).settled_as) == (house.ada.user, "covered")
        assert CapacityOverride.objects.get(handoff=covering).why == "covering"

    def test_goes_to_the_cover_of_this_absence_first(self, house: Company, now: datetime) -> None:
        cleo = rep_in(house.team, "Cleo Far")
        Rep.objects.filter(pk=house.ben.pk).update(cover=house.ada)
        handoff = self.touched(house, now)
        away(house.ben, now, cover=cleo)
        clockwork.fire_due(lambda: now + 4 * HOUR)
        covering = open_one(handoff)
        assert covering is not None
        assert covering.user == cleo.user

    @pytest.mark.parametrize(
        ("cover", "why"),
        [("nobody", "Nobody covers for Ben Keller."), ("away", "Ada Brook is away."), ("none", "is in no team")],
    )
    def test_waits_for_the_manager_where_nobody_can(self, house: Company, now: datetime, cover: str, why: str) -> None:
        if cover == "away":
            away(house.ada, now)
        elif cover == "none":
            house.ada.user.memberships.all().delete()
        if cover != "nobody":
            Rep.objects.filter(pk=house.ben.pk).update(cover=house.ada)
        handoff = self.touched(house, now)
        away(house.ben, now)
        clockwork.fire_due(lambda: now + 4 * HOUR)
        row = left(handoff)
        assert (row.settled_at, row.due_at) == (None, None)
        assert why in row.note
        assert open_one(handoff) == handoff
        told = Notification.objects.get(kind="to decide")
        assert told.recipient == house.manager
        assert list(left_behind.to_decide(house.manager)) == [row]


class TestDecide:
    @pytest.fixture
    def row(self, house: Company, now: datetime) -> LeftBehind:
        handoff = TestTouched().touched(house, now)
        away(house.ben, now)
        clockwork.fire_due(lambda: now + 4 * HOUR)
        return left(handoff)

    @pytest.fixture
    def later(self, now: datetime) -> datetime:
        return now + 5 * HOUR

    def test_gives_it_to_another_rep(self, house: Company, row: LeftBehind, later: datetime) -> None:
        given = left_behind.give(row.pk, rep=house.ada.user, by=house.manager, now=later)
        row.refresh_from_db()
        assert (given.user, given.state) == (house.ada.user, State.OFFERED)
        assert (row.settled_as, row.settled_by) == ("given", house.manager)
        with pytest.raises(left_behind.AlreadySettled):
            left_behind.keep(row.pk, by=house.manager, now=later)

    def test_keeps_it_with_the_rep(self, house: Company, row: LeftBehind, later: datetime) -> None:
        left_behind.keep(row.pk, by=house.manager, now=later)
        row.refresh_from_db()
        assert row.settled_as == "kept"
        assert open_one(row.handoff) == row.handoff

    def test_lets_the_rules_decide(self, house: Company, row: LeftBehind, later: datetime) -> None:
        left_behind.route(row.pk, by=house.manager, now=later)
        again = routing.route(row.handoff.episode_id, now=later)
        assert again is not None
        assert again.user == house.ada.user

    def test_refuses_a_rep_who_is_away_and_leaves_it_as_it_was(
        self, house: Company, row: LeftBehind, later: datetime
    ) -> None:
        with pytest.raises(standins.NotAble, match="is away"):
            left_behind.give(row.pk, rep=house.ben.user, by=house.manager, now=later)
        assert open_one(row.handoff) == row.handoff

    def test_is_the_managers(self, house: Company, row: LeftBehind, later: datetime) -> None:
        other: User = person(Role.MANAGER, "Olga Other")
        for stranger in (other, house.ada.user, house.ben.user):
            with pytest.raises(keeping.NotYourRep):
                left_behind.keep(row.pk, by=stranger, now=later)
            assert not left_behind.to_decide(stranger).exists()


class TestLeavingToAManager:
    def test_holds_it_until_somebody_decides(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        leaving.leave(house.ben.pk, next_owner="manager", now=now, by=house.manager)
        assert routing.route(accepted.episode_id, now=now + HOUR) is None
        accepted.episode.refresh_from_db()
        told = routing.why_waiting(accepted.episode, now=now)
        assert told is not None
        assert told.code == "decision"
        row = left_behind.to_decide(house.manager).get()
        with pytest.raises(left_behind.AlreadySettled, match="is gone"):
            left_behind.keep(row.pk, by=house.manager, now=now)
        left_behind.route(row.pk, by=house.manager, now=now)
        again = routing.route(accepted.episode_id, now=now + HOUR)
        assert again is not None
        assert again.user == house.ada.user

    def test_gives_way_to_a_manager_who_gives_it(self, house: Company, now: datetime) -> None:
        house.accepted(now=now)
        leaving.leave(house.ben.pk, next_owner="manager", now=now, by=house.manager)
        row = left_behind.to_decide(house.manager).get()
        assert left_behind.give(row.pk, rep=house.ada.user, by=house.manager, now=now).user == house.ada.user

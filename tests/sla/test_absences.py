"""Absences: what was on offer moves on, what was accepted stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from sla import handoffs, routing
from sla.models import Absence, Handoff, Rep, State
from sla.people import absences
from tests.desk import Company, company

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def away(rep: Rep, since: datetime, until: datetime) -> Absence:
    return Absence.objects.create(rep=rep, starts_at=since, ends_at=until)


class TestBegin:
    def test_moves_offers_on_and_keeps_what_was_accepted(self, house: Company, now: datetime) -> None:
        offered, accepted = house.offered(now=now), house.accepted(now=now)
        others = house.offered(now=now, rep=house.ada)
        absence = away(house.ben, now, now + DAY)
        later = now + timedelta(seconds=30)

        assert absences.due_page(now=later, limit=9) == [absence.pk]
        assert absences.begin(absence.pk, now=later) == 1
        states = {handoff.pk: handoff.state for handoff in Handoff.objects.all()}
        assert states == {offered.pk: State.MOVED, accepted.pk: State.ACCEPTED, others.pk: State.OFFERED}
        assert offered.changes.get(to_state=State.MOVED).why == "absence"
        absence.refresh_from_db()
        assert absence.begun_at == later
        assert absences.due_page(now=later, limit=9) == []
        assert absences.begin(absence.pk, now=later) == 0

    def test_goes_to_another_rep(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        absences.begin(away(house.ben, now, now + DAY).pk, now=now)
        handoff = routing.route(offered.episode_id, now=now)

        assert handoff is not None
        assert handoff.user == house.ada.user

    def test_is_not_due_before_it_begins(self, house: Company, now: datetime) -> None:
        away(house.ben, now + DAY, now + 2 * DAY)

        assert absences.due_page(now=now, limit=9) == []
        assert absences.away(now=now) == set()
        assert absences.away(now=now + DAY) == {house.ben.pk}
        assert absences.away(now=now + 2 * DAY) == set()

    def test_moves_nothing_where_it_is_over_by_now(self, house: Company, now: datetime) -> None:
        offered = house.offered(now=now)
        absence = away(house.ben, now - 2 * DAY, now - DAY)

        assert absences.begin(absence.pk, now=now) == 0
        assert Handoff.objects.get(pk=offered.pk).state == State.OFFERED
        assert absences.due_page(now=now, limit=9) == []


class TestLeave:
    def test_moves_everything_on_and_ends_the_reps_work(self, house: Company, now: datetime) -> None:
        offered, accepted = house.offered(now=now), house.accepted(now=now)
        with pytest.raises(IntegrityError, match="open hand-offs"), transaction.atomic():
            Rep.objects.filter(pk=house.ben.pk).update(is_active=False)

        assert absences.leave(house.ben.pk, now=now, by=house.manager) == 2
        assert not Rep.objects.get(pk=house.ben.pk).is_active
        for handoff in (offered, accepted):
            change = handoff.changes.get(to_state=State.MOVED)
            assert (change.why, change.by) == ("gone", house.manager)
            again = routing.route(handoff.episode_id, now=now)
            assert again is not None
            assert again.user == house.ada.user

    def test_leaves_alone_what_was_answered(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        handoffs.convert(accepted.pk, by=house.ben.user, now=now)

        assert absences.leave(house.ben.pk, now=now, by=None) == 0

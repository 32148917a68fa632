"""Reps who leave: what is open goes where was chosen, as the preview said; nothing stays with them."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import IntegrityError, transaction

from leads.errors import Invalid
from leads.models import Team, TeamMembership
from sla import handoffs, routing
from sla.models import Desk, Handoff, Rep, RepChange, State
from sla.people import leaving
from tests.desk import Company, company

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


class TestLeave:
    def test_moves_everything_on_and_ends_the_reps_work(self, house: Company, now: datetime) -> None:
        offered, accepted = house.offered(now=now), house.accepted(now=now)
        with pytest.raises(IntegrityError, match="open hand-offs"), transaction.atomic():
            Rep.objects.filter(pk=house.ben.pk).update(is_active=False)

        assert leaving.leave(house.ben.pk, why="New job", now=now, by=house.manager) == 2
        assert not Rep.objects.get(pk=house.ben.pk).is_active
        for handoff in (offered, accepted):
            change = handoff.changes.get(to_state=State.MOVED)
            assert (change.why, change.by) == ("gone", house.manager)
            again = routing.route(handoff.episode_id, now=now)
            assert again is not None
            assert again.user == house.ada.user
        row = RepChange.objects.get(rep=house.ben)
        assert (row.what, row.by, row.why, row.detail["moved"]) == ("taken_out", house.manager, "New job", 2)

    def test_leaves_alone_what_was_answered(self, house: Company, now: datetime) -> None:
        accepted = house.accepted(now=now)
        handoffs.convert(accepted.pk, by=house.ben.user, now=now)

        assert leaving.leave(house.ben.pk, now=now, by=None) == 0

    def test_hands_everything_to_who_takes_over(self, house: Company, now: datetime) -> None:
        held = [house.offered(now=now), house.accepted(now=now)]
        leaving.leave(house.ben.pk, next_owner="cover", cover=house.ada, now=now, by=house.manager)
        taken = Handoff.objects.open().filter(episode__in=[each.episode_id for each in held])
        assert {each.user for each in taken} == {house.ada.user}
        assert taken.count() == 2

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"next_owner": "nowhere"}, "next_owner"),
            ({"next_owner": "cover"}, "cover"),
            ({"next_owner": "cover", "cover": "ben"}, "cover"),
        ],
    )
    def test_names_what_is_missing(self, house: Company, now: datetime, fields: dict[str, str], field: str) -> None:
        cover = house.ben if fields.get("cover") else None
        with pytest.raises(Invalid) as refusal:
            leaving.leave(house.ben.pk, next_owner=fields["next_owner"], cover=cover, now=now, by=None)
        assert refusal.value.state["field"] == field
        assert Rep.objects.get(pk=house.ben.pk).is_active

    def test_happens_once(self, house: Company, now: datetime) -> None:
        leaving.leave(house.ben.pk, now=now, by=None)
        with pytest.raises(leaving.NotActive):
            leaving.leave(house.ben.pk, now=now, by=None)


class TestPreview:
    @pytest.mark.parametrize("next_owner", list(leaving.NextOwner))
    def test_is_what_then_happens_and_changes_nothing(self, house: Company, now: datetime, next_owner: str) -> None:
        cover = house.ada if next_owner == "cover" else None
        held = [house.offered(now=now), house.accepted(now=now)]
        choice = {"next_owner": next_owner, "cover": cover, "now": now, "by": house.manager}
        seen = leaving.preview(house.ben, **choice)
        house.ben.refresh_from_db()
        assert house.ben.is_active
        assert Handoff.objects.open().of_user(house.ben.user).count() == 2
        assert {move.handoff for move in seen.moves} == set(held)

        leaving.leave(house.ben.pk, **choice)
        for move in seen.moves:
            if next_owner == "route":
                routing.route(move.handoff.episode_id, now=now)
            there = Handoff.objects.open().filter(episode=move.handoff.episode).first()
            assert move.to == (str(there.user) if there else "a manager decides")

    def test_says_where_nobody_can(self, house: Company, now: datetime) -> None:
        house.offered(now=now)
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        seen = leaving.preview(house.ben, next_owner="route", cover=None, now=now, by=None)
        assert [move.to for move in seen.moves] == ["nobody can take it now; it waits"]


class TestComeBack:
    def test_receives_again_and_gets_nothing_back(self, house: Company, now: datetime) -> None:
        house.offered(now=now)
        leaving.leave(house.ben.pk, now=now, by=None)
        leaving.come_back(house.ben.pk, now=now, by=house.manager)
        assert Rep.objects.get(pk=house.ben.pk).is_active
        assert not Handoff.objects.open().of_user(house.ben.user).exists()
        assert [row.what for row in RepChange.objects.filter(rep=house.ben)] == ["taken_out", "brought_back"]
        with pytest.raises(leaving.NotActive):
            leaving.come_back(house.ben.pk, now=now, by=None)

    def test_needs_a_log_in(self, house: Company, now: datetime) -> None:
        leaving.leave(house.ben.pk, now=now, by=None)
        house.ben.user.is_active = False
        house.ben.user.save()
        with pytest.raises(Invalid, match="Open their log-in first"):
            leaving.come_back(house.ben.pk, now=now, by=None)


class TestLeaveTeam:
    def test_moves_on_what_is_of_that_team(self, house: Company, now: datetime) -> None:
        here = house.offered(now=now)
        east = Team.objects.create(name="East")
        Desk.objects.create(team=east, calendar=house.team.desk.calendar)
        TeamMembership.objects.create(team=east, user=house.ben.user)
        there = house.offered(now=now)
        Handoff.objects.filter(pk=there.pk).update(team=east)

        assert leaving.leave_team(house.ben.pk, east, now=now, by=house.manager) == 1
        assert Handoff.objects.get(pk=here.pk).state == State.OFFERED
        assert there.changes.last().why == "left team"
        assert Rep.objects.get(pk=house.ben.pk).is_active

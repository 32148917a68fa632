"""Log-ins closed and opened again, and people who leave a team."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from leads import logins
from leads.errors import Invalid
from leads.models import Role, TeamMembership
from sla.models import Handoff, Rep, RepChange
from tests.desk import Company, company, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


class TestClose:
    def test_takes_everything_open_from_a_rep_in_the_same_act(self, house: Company, now: datetime) -> None:
        house.offered(now=now), house.accepted(now=now)
        logins.close(house.ben.user_id, now=now, by=house.manager)
        assert not Handoff.objects.open().of_user(house.ben.user).exists()
        assert not Rep.objects.get(pk=house.ben.pk).is_active
        assert RepChange.objects.get(rep=house.ben).by == house.manager
        client = Client()
        client.force_login(house.ben.user)
        assert client.get("/inbox/").status_code == 302

    def test_is_undone_as_a_log_in_alone(self, house: Company, now: datetime) -> None:
        logins.close(house.ben.user_id, now=now, by=house.manager)
        assert logins.reopen(house.ben.user_id, now=now, by=house.manager).is_active
        assert not Rep.objects.get(pk=house.ben.pk).is_active
        with pytest.raises(logins.NotClosed):
            logins.reopen(house.ben.user_id, now=now, by=house.manager)

    def test_refuses_ones_own_and_the_last_admins(self, house: Company, now: datetime) -> None:
        admin = person(Role.ADMIN, "Sam Root")
        with pytest.raises(Invalid, match="Nobody closes their own"):
            logins.close(admin.pk, now=now, by=admin)
        with pytest.raises(Invalid, match="is the only admin"):
            logins.close(admin.pk, now=now, by=house.manager)
        person(Role.ADMIN, "Una Root")
        logins.close(admin.pk, now=now, by=house.manager)
        with pytest.raises(logins.NotClosed):
            logins.close(admin.pk, now=now, by=house.manager)


class TestLeaveTeam:
    def test_keeps_nothing_of_its_leads(self, house: Company, now: datetime) -> None:
        house.offered(now=now)
        logins.leave_team(house.ben.user_id, house.team, now=now, by=house.manager)
        assert not Handoff.objects.open().of_user(house.ben.user).exists()
        assert not TeamMembership.objects.filter(user=house.ben.user).exists()
        assert Rep.objects.get(pk=house.ben.pk).is_active
        with pytest.raises(logins.NotClosed):
            logins.leave_team(house.ben.user_id, house.team, now=now, by=None)

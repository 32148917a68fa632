"""Who may what in the admin."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.contrib import admin
from django.test import Client

from leads.models import ApiKey, Lead, TeamMembership, User
from sla.models import Calendar, Handoff, Rep
from tests import desk
from tests.admin.pages import REGISTERED, address, errors_of, post, signed_in

pytestmark = pytest.mark.django_db

MATRIX: dict[str, set[str]] = {
    # model: who may change it; the rest of the roles may not. Reps open nothing at all.
    "leads.User": set(),
    "leads.Team": {"revops"},
    "leads.Source": {"revops"},
    "leads.WebForm": {"revops", "marketing"},
    "leads.Endpoint": {"revops"},
    "leads.ActivityType": {"marketing"},
    "leads.StageRule": {"marketing"},
    "leads.MailDomain": {"marketing"},
    "leads.TitleWord": {"marketing"},
    "leads.Lead": set(),
    "scoring.Definition": {"marketing"},
    "sla.Calendar": {"revops"},
    "sla.RoutingRule": {"revops"},
    "sla.Reason": {"revops"},
    "sla.Policy": {"revops"},
    "sla.Rep": {"revops", "manager"},
    "sla.Absence": {"revops", "manager"},
    "sla.Handoff": set(),
    "sla.Clock": set(),
    "sla.DraftTemplate": {"manager", "marketing", "revops"},
    "sla.Checklist": {"manager", "revops"},
}


class TestRoles:
    @pytest.mark.parametrize("label", MATRIX)
    @pytest.mark.parametrize("role", ["rep", "manager", "marketing", "revops"])
    def test_may_change_what_is_theirs(self, label: str, role: str) -> None:
        client = signed_in(role)
        request = type("Request", (), {"user": client.user})  # type: ignore[attr-defined]
        model_admin = next(each for model, each in admin.site._registry.items() if model._meta.label == label)
        assert model_admin.has_change_permission(request) is (role in MATRIX[label])

    def test_gives_reps_nothing(self, shop: desk.Company) -> None:
        client = signed_in("rep")
        for model in REGISTERED:
            assert client.get(address(model, "changelist")).status_code == 403, model
        client.user.is_staff = False  # type: ignore[attr-defined]
        client.user.save()  # type: ignore[attr-defined]
        assert client.get("/admin/").status_code == 302

    def test_shows_readers_calendars_and_policies_without_a_way_to_save(self, shop: desk.Company) -> None:
        client = signed_in("manager")
        calendar = Calendar.objects.latest("pk")
        assert client.get(address(Calendar, "change", calendar.pk)).status_code == 200
        assert client.post(address(Calendar, "change", calendar.pk), {"name": "Mine"}).status_code == 403

    def test_lets_a_manager_set_the_capacity_of_their_own_reps_only(self, shop: desk.Company) -> None:
        client = signed_in("manager")
        assert client.get(address(Rep, "change", shop.ben.pk)).status_code == 302  # not theirs: not there
        TeamMembership.objects.create(team=shop.team, user=client.user, is_manager=True)  # type: ignore[attr-defined]
        response = post(client, address(Rep, "change", shop.ben.pk), capacity="7", is_active="", calendar="99")
        assert response.status_code == 302
        shop.ben.refresh_from_db()
        assert (shop.ben.capacity, shop.ben.is_active, shop.ben.calendar_id) == (7, True, None)

    def test_keeps_revops_from_making_themselves_an_admins_key(self, shop: desk.Company) -> None:
        client, chief = signed_in("revops"), desk.person("admin", "Sam Chief")
        refused = client.post(address(ApiKey, "add"), {"name": "Mine", "user": chief.pk})
        assert "user" in errors_of(refused)

    def test_shows_managers_the_leads_they_may_read(self, shop: desk.Company, now: datetime) -> None:
        shop.accepted(now=now)
        stranger, own = signed_in("manager"), Client()
        own.force_login(shop.manager)
        User.objects.filter(pk=shop.manager.pk).update(is_staff=True)
        for model in (Handoff, Lead):
            held = "Ben" if model is Handoff else "@brightforge"
            assert held in own.get(address(model, "changelist")).content.decode()
        assert stranger.get(address(Handoff, "changelist")).context["cl"].result_count == 0

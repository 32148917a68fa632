"""What is done to leads and letters in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from leads.models import IdentityConflict, Lead, MailDomain, Notification
from scoring.models import Criterion
from tests import desk
from tests.admin.pages import Page, address, post, signed_in

pytestmark = pytest.mark.django_db


class TestOperations:
    def test_sends_a_dead_notification_again(self, boss: Client, shop: desk.Company) -> None:
        dead = Notification.objects.get(effect_key="k")
        boss.post(address(Notification, "changelist"), {"action": "send_again", "_selected_action": [dead.pk]})
        dead.refresh_from_db()
        assert (dead.state, dead.attempts, dead.settled_at) == ("queued", 0, None)

    def test_asks_before_it_erases_and_then_does(self, boss: Client, shop: desk.Company) -> None:
        lead = shop.lead(now=datetime(2026, 3, 10, 15, tzinfo=UTC))
        chosen = {"action": "erase_selected", "_selected_action": [lead.pk]}
        page = boss.post(address(Lead, "changelist"), chosen)
        assert lead.email in page.content.decode()
        lead.refresh_from_db()
        assert lead.erased_at is None
        confirmed = Page(page.content.decode()).fields
        boss.post(address(Lead, "changelist"), confirmed)
        lead.refresh_from_db()
        assert lead.erased_at is not None
        assert lead.email == ""

    def test_merges_exactly_two(self, boss: Client, shop: desk.Company, now: datetime) -> None:
        one, two = shop.lead(now=now), shop.lead(now=now)
        chosen = {"action": "merge_selected", "_selected_action": [one.pk, two.pk]}
        boss.post(address(Lead, "changelist"), chosen | {"confirmed": "yes"})
        assert Lead.objects.filter(pk__in=[one.pk, two.pk], merged_into__isnull=True).count() == 1
        alone = {"action": "erase_selected", "_selected_action": [one.pk]}
        signed_in("marketing").post(address(Lead, "changelist"), alone | {"confirmed": "yes"})
        one.refresh_from_db()
        assert one.erased_at is None

    def test_settles_a_conflict(self, boss: Client, shop: desk.Company) -> None:
        conflict = IdentityConflict.objects.get()
        boss.post(address(IdentityConflict, "changelist"), {"action": "settle", "_selected_action": [conflict.pk]})
        conflict.refresh_from_db()
        assert conflict.settled_by == boss.user  # type: ignore[attr-defined]

    def test_derives_every_lead_anew_when_a_list_changes(
        self, boss: Client, shop: desk.Company, now: datetime, django_capture_on_commit_callbacks: Any
    ) -> None:
        lead = shop.lead(now=now, email="iris@uni.example")
        with django_capture_on_commit_callbacks(execute=True):
            post(boss, address(MailDomain, "add"), domain="uni.example", kind="student")
        lead.refresh_from_db()
        assert lead.domain_kind == "student"

    def test_reads_a_criterion_back(self) -> None:
        from scoring.admin.forms import reads

        criterion = Criterion(
            axis="engagement", activities=["Visited Pricing Page"], points=15_000, at_least=Decimal(3)
        )
        assert reads(criterion) == "Visited Pricing Page, 3 times or more: +15 once"


class TestMoments:
    def test_are_said_as_whoever_looks_has_chosen(self, boss: Client, shop: desk.Company) -> None:
        lead = shop.lead(now=datetime(2026, 3, 10, 15, 4, tzinfo=UTC))
        Lead.objects.filter(pk=lead.pk).update(created_at=datetime(2026, 3, 10, 15, 4, tzinfo=UTC))
        paths = address(Lead, "changelist"), address(Lead, "change", lead.pk)
        for chosen, said in (
            ({"clock": "24", "date_order": "day"}, "10 Mar 2026, 15:04"),
            ({"clock": "12", "date_order": "month"}, "Mar 10, 2026, 3:04 PM"),
            ({"clock": "24", "date_order": "year"}, "2026-03-10, 15:04"),
        ):
            boss.post("/preferences/", chosen)
            for path in paths:
                page = boss.get(path).content.decode()
                assert said in page
                assert " p.m." not in page

    def test_are_told_to_scripts_as_the_house_says_them(self, boss: Client) -> None:
        boss.post("/preferences/", {"clock": "12", "date_order": "month"})
        catalog = boss.get("/admin/jsi18n/")
        assert catalog.status_code == 200
        assert '"DATETIME_FORMAT": "j M Y, H:i"' in catalog.content.decode()

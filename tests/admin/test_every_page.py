"""Every page of the admin."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.models import Account, Lead
from sla.models import Absence
from tests import desk
from tests.admin.pages import NASTY, REGISTERED, address

pytestmark = pytest.mark.django_db


class TestEveryPage:
    """Each registered model, also one that is registered tomorrow."""

    @pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
    def test_lists_adds_and_shows_for_an_admin(self, model: Any, boss: Client, shop: desk.Company) -> None:
        shown = model._default_manager.order_by("-pk").first()
        assert shown is not None, "give the company of this test a row of it"
        model_admin = admin.site._registry[model]
        assert model_admin.about.endswith(".")
        listed = boss.get(address(model, "changelist"), follow=True)
        changed = boss.get(address(model, "change", shown.pk))
        added = boss.get(address(model, "add"))
        assert (listed.status_code, changed.status_code) == (200, 200)
        assert added.status_code == (200 if model_admin.addable else 403)
        for response in (listed, changed, *([added] if model_admin.addable else [])):
            html = response.content.decode()
            assert NASTY not in html
            assert "<img src=x" not in html
            assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", html)
            assert "url(http" not in html

    @pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
    def test_asks_the_database_as_often_for_many_rows_as_for_one(
        self, model: Any, boss: Client, shop: desk.Company, now: datetime
    ) -> None:
        url = address(model, "changelist")
        boss.get(url)
        with CaptureQueriesContext(connection) as few:
            boss.get(url)
        for _ in range(3):
            handoff = shop.accepted(now=now)
            person = desk.rep_in(shop.team, "Cleo Ray")
            Absence.objects.create(rep=person, starts_at=now, ends_at=now + timedelta(days=1))
            made = desk.company(now)
            account = Account.objects.create(name="A", created_at=now, owner=made.manager)
            Lead.objects.filter(pk=handoff.episode.lead_id).update(account=account, holder=made.ben.user)
        with CaptureQueriesContext(connection) as many:
            boss.get(url)
        assert len(many) <= len(few), [query["sql"][:160] for query in many.captured_queries]

    def test_needs_no_more_than_the_policy_allows(self, boss: Client) -> None:
        policy = boss.get("/admin/")["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval'" in policy
        assert "style-src 'self' 'unsafe-inline'" in policy
        assert "default-src 'self'" in policy
        elsewhere = boss.get("/accounts/login/", follow=False)["Content-Security-Policy"]
        assert "unsafe" not in elsewhere

    def test_an_empty_list_says_so_and_what_comes_next(self, boss: Client) -> None:
        url = address(Absence, "changelist")
        assert "Nothing here yet." in boss.get(url).content.decode()
        asked = boss.get(url, {"q": "nobody"}).content.decode()
        assert ("Nothing matches what is asked for." in asked, 'href="?"' in asked) == (True, True)

    def test_sends_a_stranger_to_the_one_log_in(self) -> None:
        response = Client().get("/admin/login/")
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))

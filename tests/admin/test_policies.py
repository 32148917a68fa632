"""How policies and rules change in the admin, and how their versions are kept apart."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from leads import clock
from leads.models import Job, Team
from sla import publishing
from sla.models import Calendar, Clock, PolicyTarget, Reason, RoutingRule
from tests import desk
from tests.admin.pages import Page, address, errors_of, post, signed_in

pytestmark = pytest.mark.django_db


class TestPolicies:
    def test_publishes_lengths_typed_with_their_unit(self, shop: desk.Company) -> None:
        client = signed_in("revops")
        policy = shop.policy.policy
        client.get(address(type(policy), "change", policy.pk).replace("change/", "draft/"))
        draft = policy.versions.get(state="draft")
        url = address(type(draft), "change", draft.pk)
        fields = Page(client.get(url).content.decode()).fields
        place = next(name for name, value in fields.items() if name.startswith("targets-") and value == ["depth"])
        place = place.removesuffix("-target")
        heat = fields[f"{place}-heat"][0]
        response = post(client, url, grace="20 min", **{f"{place}-length": "1 business day"})
        assert response.status_code == 302, response.context["errors"]
        changed = PolicyTarget.objects.get(version=draft, target="depth", heat=heat)
        assert (changed.seconds, changed.business_days) == (None, 1)
        draft.refresh_from_db()
        assert draft.grace == 1200
        days = post(client, url, **{f"{place}-length": "2 days"})
        assert "Say which days are meant" in days.content.decode()
        publish = url.replace("change/", "publish/")
        assert "Version 1 retires" in client.get(publish, follow=True).content.decode()
        client.post(publish)
        draft.refresh_from_db()
        assert draft.state == "published"
        assert client.post(url, {"grace": "1 min"}).status_code == 403

    def test_reads_a_routing_rule_back_and_names_an_unknown_field(self, boss: Client, shop: desk.Company) -> None:
        given = {"name": "France", "team": shop.team.pk, "strategy": "round_robin", "condition_2": "France"}
        wrong = post(boss, address(RoutingRule, "add"), condition_0="lead.land", condition_1="is", **given)
        assert "no field “lead.land”" in errors_of(wrong)["condition"][0]
        post(boss, address(RoutingRule, "add"), condition_0="lead.country", condition_1="is", **given)
        assert "country is france" in boss.get(address(RoutingRule, "changelist")).content.decode()

    def test_tells_who_only_reads_a_rule_or_a_reason_no_more_than_there_is(self, shop: desk.Company) -> None:
        rule = RoutingRule.objects.latest("pk")
        post(
            signed_in("revops"),
            address(RoutingRule, "change", rule.pk),
            condition_0="lead.country",
            condition_1="is",
            condition_2="France",
        )
        reader, editor = signed_in("manager"), signed_in("revops")
        page = reader.get(address(RoutingRule, "change", rule.pk)).content.decode()
        assert "country is france" in page
        assert "lead.country" not in page
        for row in (rule, Reason.objects.latest("pk")):
            url = address(type(row), "change", row.pk)
            assert "field-why" not in reader.get(url).content.decode()
            assert "field-why" in editor.get(url).content.decode()

    def test_refuses_a_rule_that_could_not_work(self, boss: Client, shop: desk.Company) -> None:
        nowhere = Team.objects.create(name="Nowhere")
        given = {"name": "All", "team": shop.team.pk, "strategy": "round_robin", "if_nobody": "fallback"}
        url = address(RoutingRule, "add")
        assert "Name the fallback team" in errors_of(post(boss, url, **given))["fallback_team"][0]
        itself = errors_of(post(boss, url, **given, fallback_team=shop.team.pk))
        assert "can't fall back to itself" in itself["fallback_team"][0]
        assert "has no desk" in errors_of(post(boss, url, **given, fallback_team=nowhere.pk))["fallback_team"][0]
        assert "no field" in errors_of(post(boss, url, **given, language_of="lead.tongue"))["language_of"][0]


class TestVersions:
    def history(self, row: Any) -> str:
        return address(type(row), "history", row.pk)

    def test_are_compared_and_brought_back_from_the_page(self, shop: desk.Company) -> None:
        client, calendar = signed_in("revops"), Calendar.objects.latest("pk")
        assert (
            post(client, address(Calendar, "change", calendar.pk), mon="09:00-18:00", why="Mondays").status_code == 302
        )
        page = client.get(self.history(calendar), {"from": "1", "to": "2"}).content.decode()
        assert "Mon 09:00–17:00 → 09:00–18:00" in page
        assert "Mondays" in page
        asked = client.get(self.history(calendar), {"back": "1"}).content.decode()
        assert "Mon 09:00–18:00 → 09:00–17:00" in asked
        client.post(f"{self.history(calendar)}?back=1", {"why": "Too long"})
        assert calendar.current().why == "Back to version 1: Too long"
        assert calendar.current().spec["weekly"]["mon"] == [["09:00", "17:00"]]

    def test_are_read_by_managers_and_brought_back_by_revops(self, shop: desk.Company) -> None:
        reason = Reason.objects.get(code="bad_contact")
        post(signed_in("revops"), address(Reason, "change", reason.pk), rest_days="120", why="Longer")
        manager = signed_in("manager")
        page = manager.get(self.history(reason)).content.decode()
        assert "Rest days: 90 → 120" in page
        assert "?back=" not in page
        assert manager.post(f"{self.history(reason)}?back=1").status_code == 404
        assert signed_in("rep").get(self.history(reason)).status_code in (302, 403, 404)

    @pytest.mark.parametrize("model", [RoutingRule, Calendar])
    def test_refuse_who_saves_over_another(self, model: type, shop: desk.Company) -> None:
        row = model._default_manager.latest("pk")  # type: ignore[attr-defined]
        url = address(model, "change", row.pk)
        mine, theirs = signed_in("revops"), signed_in("revops")
        opened = Page(mine.get(url).content.decode()).fields
        change = {"mon": "10:00-16:00"} if model is Calendar else {"name": "Everyone"}
        assert post(theirs, url, **change).status_code == 302
        late = mine.post(url, opened | {"why": ["Mine"]} | {name: [f"{value}"] for name, value in change.items()})
        told = errors_of(late)["__all__"][0]
        assert "has made version 2 since you opened this page" in told
        assert "→" in told

    def test_refuse_who_saves_over_anothers_draft(self, shop: desk.Company) -> None:
        draft = publishing.draft_policy(shop.policy.policy)
        url = address(type(draft), "change", draft.pk)
        mine = signed_in("revops")
        opened = Page(mine.get(url).content.decode()).fields
        opened = {name: value for name, value in opened.items() if "__prefix__" not in name}
        assert post(signed_in("revops"), url, grace="20 min").status_code == 302
        late = mine.post(url, opened)
        assert "Somebody else has changed this draft" in errors_of(late)["__all__"][0]

    def test_ask_for_the_reason_of_a_change(self, shop: desk.Company) -> None:
        rule = RoutingRule.objects.latest("pk")
        refused = post(signed_in("revops"), address(RoutingRule, "change", rule.pk), name="Anyone", why="")
        assert "why" in errors_of(refused)

    def test_offer_to_retime_what_runs_and_do_it_when_told(self, shop: desk.Company, now: datetime) -> None:
        client = signed_in("revops")
        shop.offered(now=clock.now())
        draft = publishing.draft_policy(shop.policy.policy)
        PolicyTarget.objects.filter(version=draft, target="accept", heat="warm").update(seconds=3600)
        url = address(type(draft), "change", draft.pk)
        told = client.post(url.replace("change/", "publish/"), {"why": "Quicker"}, follow=True).content.decode()
        running = Clock.objects.filter(verdict="").count()
        assert f"{running} running clocks keep the former version" in told
        retime = url.replace("change/", "retime/")
        page = client.get(retime).content.decode()
        assert f"Re-time {running} clocks" in page
        assert "earlier" in page
        assert not Job.objects.filter(kind="retime").exists()
        job_page = client.post(retime)
        job = Job.objects.get(kind="retime")
        assert job_page["Location"] == address(Job, "change", job.pk)
        client.post(address(Job, "change", job.pk).replace("change/", "stop/"))
        job.refresh_from_db()
        assert job.cancel_requested_at is not None
        assert signed_in("manager").get(retime).status_code == 403

    def test_keep_an_order_that_was_dragged(self, shop: desk.Company) -> None:
        client, rule = signed_in("revops"), RoutingRule.objects.latest("pk")
        url = address(RoutingRule, "changelist")
        fields = Page(client.get(url).content.decode()).fields
        place = next(name for name, value in fields.items() if name.endswith("-id") and value == [str(rule.pk)])
        typed = {name: value for name, value in fields.items() if name.startswith("form-")}
        client.post(url, typed | {place.replace("-id", "-position"): ["77"], "_save": "Save"})
        rule.refresh_from_db()
        assert rule.position == 77
        assert rule.versions.latest("number").why == "Moved in the order"

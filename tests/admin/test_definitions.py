"""How definitions change in the admin."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.test import Client

from leads.models import Lead, User
from scoring import publishing
from scoring.models import Definition, DefinitionVersion, Qualification
from tests import desk
from tests.admin.pages import Page, address, errors_of, post, signed_in

pytestmark = pytest.mark.django_db


class TestDefinitions:
    def test_publishes_a_draft_after_telling_its_effect(self, shop: desk.Company, now: datetime) -> None:
        client = signed_in("marketing")
        lead = shop.lead(now=now)
        for at in range(2):
            desk.act(lead, ["Visited Pricing Page", "Started Free Trial"][at], at=now - timedelta(hours=1))
        opened = client.get(
            address(DefinitionVersion, "change", shop.version.pk).replace("change/", "new-draft/"), follow=True
        )
        draft = shop.definition.versions.get(state="draft")
        assert opened.redirect_chain[-1][0] == address(DefinitionVersion, "change", draft.pk)
        url = address(DefinitionVersion, "change", draft.pk).replace("change/", "publish/")
        told = client.get(url).content.decode()
        assert "1 would meet this version now" in told
        assert "0 are gained, 0 lost" in told
        draft.refresh_from_db()
        assert draft.state == "draft", "looking publishes nothing"
        assert client.post(url).status_code == 302
        draft.refresh_from_db()
        shop.version.refresh_from_db()
        assert (draft.state, shop.version.state) == ("published", "retired")
        assert draft.published_by == client.user  # type: ignore[attr-defined]

    def test_names_who_would_come_and_go(self, shop: desk.Company, now: datetime) -> None:
        theo = signed_in("marketing")
        hot, cold = shop.lead(now=now), Lead.objects.earliest("pk")
        for at in range(2):
            desk.act(hot, ["Visited Pricing Page", "Started Free Trial"][at], at=now - timedelta(hours=1))
        for minimum, heading in ((1, "Gained"), (900_000, "Lost")):
            draft = publishing.draft(shop.definition, now=now, by=None)
            thresholds = dict.fromkeys(("fit_min", "engagement_min"), 0) | {"total_min": minimum}
            leaving = dict.fromkeys(("fit_leave", "engagement_leave", "total_leave"))
            DefinitionVersion.objects.filter(pk=draft.pk).update(**thresholds, **leaving)
            url = address(DefinitionVersion, "change", draft.pk).replace("change/", "publish/")
            told = theo.get(url).content.decode()
            named, other = (cold, hot) if heading == "Gained" else (hot, cold)
            assert f">{heading}</h2>" in told
            assert f'href="/leads/{named.public_id}/"' in told
            assert f'href="/leads/{other.public_id}/"' not in told
            draft.delete()

    def test_refuses_to_publish_for_those_who_may_only_look(self, shop: desk.Company) -> None:
        draft = DefinitionVersion.objects.create(definition=shop.definition, number=2)
        url = address(DefinitionVersion, "change", draft.pk).replace("change/", "publish/")
        assert signed_in("manager").post(url).status_code == 403
        draft.refresh_from_db()
        assert draft.state == "draft"

    def test_asks_of_no_version_that_is_in_force_whether_to_publish_it(self, shop: desk.Company) -> None:
        theo = signed_in("marketing")
        shown = address(DefinitionVersion, "change", shop.version.pk)
        answer = theo.get(shown.replace("change/", "publish/"), follow=True)
        assert "This version is already published. Make a new draft to change it." in answer.content.decode()
        assert answer.redirect_chain == [(shown, 302)]

    def test_names_who_published_it_without_a_way_to_their_account(self, shop: desk.Company, now: datetime) -> None:
        theo = signed_in("marketing")
        draft = publishing.draft(shop.definition, now=now, by=shop.manager)
        publishing.publish(draft, now=now, by=shop.manager)
        page = theo.get(address(DefinitionVersion, "change", draft.pk)).content.decode()
        assert "Maya Lund" in page
        assert address(User, "change", shop.manager.pk) not in page

    def test_says_what_keeps_a_draft_from_being_published(self, boss: Client, shop: desk.Company) -> None:
        draft = DefinitionVersion.objects.create(definition=shop.definition, number=2)
        url = address(DefinitionVersion, "change", draft.pk).replace("change/", "publish/")
        assert "needs at least one criterion" in boss.get(url, follow=True).content.decode()

    def test_shows_a_published_version_in_plain_points_and_takes_no_change(
        self, boss: Client, shop: desk.Company
    ) -> None:
        url = address(DefinitionVersion, "change", shop.version.pk)
        html = boss.get(url).content.decode()
        assert "Visited Pricing Page: +30 once" in html
        assert "30000" not in html
        assert boss.post(url, {"fit_min": "1"}).status_code == 403

    def test_takes_points_and_lengths_as_people_write_them(self, boss: Client, shop: desk.Company) -> None:
        boss.get(address(Definition, "change", shop.definition.pk).replace("change/", "draft/"))
        draft = shop.definition.versions.get(state="draft")
        url = address(DefinitionVersion, "change", draft.pk)
        fields = Page(boss.get(url).content.decode()).fields
        place = next(name for name, value in fields.items() if value == ["pricing"]).removesuffix("-key")
        assert fields[f"{place}-points"] == ["30"]
        changes = {
            "fit_min": "12.5", "group_caps": "web: 20", "grid": "hot: fit 20, engagement 40", "fresh_within": "2 days",
            "audience_0": "lead.country", "audience_1": "in", "audience_2": "France, Spain",
            f"{place}-points": "-0.5", f"{place}-within": "30 days", f"{place}-at_least": "3",
        }  # fmt: skip
        response = post(boss, url, **changes)
        assert response.status_code == 302, response.context["errors"]
        draft.refresh_from_db()
        assert (draft.fit_min, draft.fresh_within, draft.group_caps) == (12_500, 172_800, {"web": 20_000})
        assert draft.grid == [{"tier": "hot", "fit_min": 20_000, "engagement_min": 40_000}]
        assert draft.audience == {"field": "lead.country", "op": "in", "value": ["France", "Spain"]}
        pricing = draft.criteria.get(key="pricing")
        assert (pricing.points, pricing.within, pricing.at_least) == (-500, 30 * 86_400, 3)
        assert draft.criteria.get(key="senior").condition["value"] == ["owner", "c_level", "vp", "director"]
        again = Page(boss.get(url).content.decode()).fields
        assert (again["fit_min"], again[f"{place}-points"]) == (["12.5"], ["-0.5"])
        assert "3 times or more within 30 d: −0.5 once" in boss.get(url).content.decode()

    def test_puts_a_new_criterion_last(self, boss: Client, shop: desk.Company) -> None:
        boss.get(address(Definition, "change", shop.definition.pk).replace("change/", "draft/"))
        draft = shop.definition.versions.get(state="draft")
        url = address(DefinitionVersion, "change", draft.pk)
        html = boss.get(url).content.decode()
        number = draft.criteria.count()
        blank = {name: value for name, value in Page(html).fields.items() if "__prefix__" in name}
        new = {name.replace("__prefix__", str(number)): value for name, value in blank.items()}
        new |= {
            f"criteria-{number}-label": "In France", f"criteria-{number}-key": "france",
            f"criteria-{number}-axis": "fit", f"criteria-{number}-points": "7.5",
            f"criteria-{number}-condition_0": "lead.country", f"criteria-{number}-condition_1": "is",
            f"criteria-{number}-condition_2": "France", "criteria-TOTAL_FORMS": str(number + 1),
        }  # fmt: skip
        response = post(boss, url, **new)
        assert response.status_code == 302, response.context["errors"]
        last = draft.criteria.last()
        assert (last.key, last.points) == ("france", 7500)

    def test_saves_what_it_shows_without_changing_anything(self, boss: Client, shop: desk.Company) -> None:
        boss.get(address(Definition, "change", shop.definition.pk).replace("change/", "draft/"))
        draft = shop.definition.versions.get(state="draft")
        before = (DefinitionVersion.objects.filter(pk=draft.pk).values().get(), list(draft.criteria.values()))
        assert post(boss, address(DefinitionVersion, "change", draft.pk)).status_code == 302
        assert before == (DefinitionVersion.objects.filter(pk=draft.pk).values().get(), list(draft.criteria.values()))

    @pytest.mark.parametrize(
        ("boxes", "told"),
        [
            (("lead.contry", "is", "FR"), "no field “lead.contry”. Did you mean lead.country"),
            (("account.employees", "gte", "many"), "takes a number"),
            (("lead.country", "", "FR"), "choose how it is compared"),
            (("", "is", "FR"), "Name the field"),
        ],
    )
    def test_names_the_field_of_a_condition_that_cannot_be_meant(
        self, boxes: tuple[str, str, str], told: str, boss: Client, shop: desk.Company
    ) -> None:
        draft = DefinitionVersion.objects.create(definition=shop.definition, number=2)
        given = {f"audience_{place}": text for place, text in enumerate(boxes)}
        response = post(boss, address(DefinitionVersion, "change", draft.pk), **given)
        assert told in errors_of(response)["audience"][0]

    def test_shows_several_comparisons_as_json_and_takes_them_back(self, boss: Client, shop: desk.Company) -> None:
        condition = {"any": [{"field": "lead.country", "op": "is", "value": "FR"}, {"not": {}}]}
        draft = DefinitionVersion.objects.create(definition=shop.definition, number=2, audience=condition)
        url = address(DefinitionVersion, "change", draft.pk)
        assert json.loads(Page(boss.get(url).content.decode()).fields["audience_3"][0]) == condition
        assert post(boss, url).status_code == 302
        draft.refresh_from_db()
        assert draft.audience == condition

    def test_leads_a_new_definition_to_its_first_draft(self, boss: Client) -> None:
        response = post(boss, address(Definition, "add"), name="PQL", kind="pql")
        draft = Definition.objects.get(name="PQL").versions.get()
        assert response["Location"] == address(DefinitionVersion, "change", draft.pk)

    def test_releases_and_dismisses_standing_leads(self, shop: desk.Company, now: datetime) -> None:
        waiting = Qualification.objects.get(waiting=True)
        chosen = {"_selected_action": [waiting.pk]}
        client = signed_in("marketing")
        client.post(address(Qualification, "changelist"), {"action": "dismiss", **chosen})
        waiting.refresh_from_db()
        assert (waiting.waiting, waiting.settled_as) == (False, "dismissed")
        onlooker = signed_in("manager")
        Qualification.objects.filter(pk=waiting.pk).update(waiting=True, settled_as="", settled_at=None)
        onlooker.post(address(Qualification, "changelist"), {"action": "dismiss", **chosen})
        waiting.refresh_from_db()
        assert waiting.waiting

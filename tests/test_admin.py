"""The admin of all floors: every page, who may what, and how definitions, calendars and policies change."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads import clock
from leads.delivering import reaching
from leads.delivering.secrets import secret_of
from leads.keys import digest
from leads.models import (
    Account,
    ApiKey,
    Endpoint,
    IdentityConflict,
    Job,
    Lead,
    MailDomain,
    Notification,
    RefusedItem,
    Role,
    Source,
    Team,
    TeamMembership,
    User,
)
from scoring.models import Criterion, Definition, DefinitionVersion, Qualification, Score
from sla import publishing
from sla.models import Absence, AbsenceChange, Calendar, Clock, Handoff, PolicyTarget, Reason, Rep, RoutingRule
from tests import desk

pytestmark = pytest.mark.django_db

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>"
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


class Page(HTMLParser):
    """What a browser would post of a page's forms, as it stands."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._select: str | None = None
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name and "disabled" not in given:
            kind = given.get("type", "text")
            if kind in ("submit", "button") or (kind in ("checkbox", "radio") and "checked" not in given):
                return
            self.fields.setdefault(name, []).append(given.get("value", "on" if kind == "checkbox" else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self.fields.setdefault(self._select, []).append(given.get("value", ""))
        elif tag == "textarea":
            self._area = name
            self.fields[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        self._select = None if tag == "select" else self._select
        self._area = None if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area][0] += data.removeprefix("\n") if not self.fields[self._area][0] else data


def signed_in(*roles: str, superuser: bool = False) -> Client:
    user = desk.person(roles[0] if roles else Role.ADMIN, "Robin Page")
    user.groups.set(Group.objects.filter(name__in=roles))
    user.is_staff, user.is_superuser = True, superuser
    user.save()
    client = Client()
    client.force_login(user)
    client.user = user  # type: ignore[attr-defined]
    return client


def address(model: Any, name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def post(client: Client, url: str, **changes: Any) -> Any:
    """Open a page, change some of its boxes, and send it, as a browser would."""
    fields = Page(client.get(url).content.decode()).fields
    fields = {name: value for name, value in fields.items() if "__prefix__" not in name and name != "action"}
    if fields.get("why") == [""]:
        fields["why"] = ["As agreed on Monday"]
    return client.post(url, fields | changes)


def errors_of(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, "it was saved"
    return {name: list(told) for name, told in response.context["adminform"].form.errors.items()}


@pytest.fixture
def boss() -> Client:
    return signed_in(Role.ADMIN)


@pytest.fixture
def shop(now: datetime) -> desk.Company:
    """A company in which every kind of row exists, with names that try to break out."""
    made = desk.company(now)
    handoff = made.accepted(now=now)
    lead = handoff.episode.lead
    account = Account.objects.create(name=NASTY, domain="nasty.example", created_at=now)
    Lead.objects.filter(pk=lead.pk).update(first_name=NASTY, title=NASTY, account=account, traits={NASTY: NASTY})
    source = Source.objects.create(name=NASTY, kind="import")
    RefusedItem.objects.create(
        source=source, received_at=now, code="bad", sentence=NASTY, body=NASTY.encode() + b"\xff\x00"
    )
    other = made.lead(now=now)
    IdentityConflict.objects.create(lead=lead, other=other, kind="email", noticed_at=now)
    ApiKey.objects.create(user=made.manager, name=NASTY, prefix="ak_12345", key_hash=digest("x"))
    Job.objects.create(kind="import", title=NASTY, started_at=now, report={"why": NASTY})
    Absence.objects.create(rep=made.ada, starts_at=now + timedelta(days=3), ends_at=now + timedelta(days=4), why=NASTY)
    Notification.objects.create(
        effect_key="k", kind="breach", recipient=made.manager, to_address="m@x.example", subject=NASTY, text=NASTY,
        lead=lead, state="dead", created_at=now, not_before=now, settled_at=now, last_error=NASTY,
    )  # fmt: skip
    listens = {"kind": "slack", "url": "https://hooks.example/in", "events": ["clock.breached"]}
    Endpoint.objects.create(name=NASTY, created_at=now, created_by=made.manager, last_error=NASTY, **listens)
    sums = {"fit": 20_000, "engagement": 60_500, "total": 80_500}
    Score.objects.create(
        lead=lead, definition=made.definition, version=made.version, as_of=now, engagement_ever=60_500, tier="hot",
        shares={NASTY: 1500}, meets=True, is_cooled=False, **sums,
    )  # fmt: skip
    Qualification.objects.create(
        lead=other, definition=made.definition, version=made.version, at=now, kind="standing", waiting=True, tier="hot",
        sentence=NASTY, reasons=[{"label": NASTY}], deciding={}, received_at=now, **sums,
    )  # fmt: skip
    desk.act(lead, NASTY, at=now)
    return made


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

    def test_sends_a_stranger_to_the_one_log_in(self) -> None:
        response = Client().get("/admin/login/")
        assert response.status_code == 302
        assert response["Location"].startswith(reverse("account_login"))


MATRIX: dict[str, set[str]] = {
    # model: who may change it; the rest of the roles may not. Reps open nothing at all.
    "leads.User": set(),
    "leads.Team": {"revops"},
    "leads.Source": {"revops"},
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


class TestUsers:
    def test_makes_a_person_with_roles_who_can_log_in(self, boss: Client) -> None:
        group = Group.objects.get(name="revops")
        response = post(
            boss,
            address(User, "add"),
            full_name="Pia Novak",
            email="Pia@Halyard.example",
            groups=[group.pk],
            password1="a long first password",
            password2="a long first password",
        )
        assert response.status_code == 302, response.context["adminform"].form.errors
        pia = User.objects.get(email="pia@halyard.example")
        assert pia.check_password("a long first password")
        assert pia.roles == {"revops"}
        assert pia.is_staff
        post(boss, address(User, "change", pia.pk), groups=[Group.objects.get(name="rep").pk])
        pia.refresh_from_db()
        assert not pia.is_staff

    def test_refuses_an_address_that_differs_by_case_alone(self, boss: Client) -> None:
        taken = desk.person("rep", "Ann Lee").email
        response = post(boss, address(User, "add"), email=taken.upper(), full_name="X")
        assert "already logs in" in errors_of(response)["email"][0]


class TestKeys:
    def test_shows_an_api_key_once_and_keeps_its_hash(self, boss: Client, shop: desk.Company) -> None:
        page = boss.post(address(ApiKey, "add"), {"name": "Sync", "user": shop.manager.pk}, follow=True)
        (key,) = re.findall(r"ak_[\w-]{40,}", page.content.decode())
        stored = ApiKey.objects.get(name="Sync")
        assert stored.key_hash == digest(key)
        assert key not in boss.get(address(ApiKey, "change", stored.pk)).content.decode()

    def test_shows_a_sources_write_key_once(self, boss: Client) -> None:
        page = boss.post(address(Source, "add"), {"name": "Site", "kind": "server"}, follow=True)
        (key,) = re.findall(r"wk_[\w-]{40,}", page.content.decode())
        assert Source.objects.get(name="Site").write_key_hash == digest(key)


class TestEndpoints:
    GIVEN = {"name": "CRM", "kind": "standard", "events": ["handoff.offered"]}

    def test_shows_a_signing_secret_once(self, boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reaching, "addresses_of", lambda host, port: ["93.184.215.14"])
        page = boss.post(address(Endpoint, "add"), self.GIVEN | {"url": "https://hooks.example/in"}, follow=True)
        (secret,) = re.findall(r"whsec_[\w+/=]{44}", page.content.decode())
        made = Endpoint.objects.get(name="CRM")
        assert secret == secret_of(made)
        shown = address(Endpoint, "change", made.pk)
        assert secret not in boss.get(shown).content.decode()
        boss.post(address(Endpoint, "changelist"), {"action": "renew_secret", "_selected_action": [made.pk]})
        made.refresh_from_db()
        assert secret_of(made) != secret
        assert post(boss, shown, is_active="").status_code == 302
        made.refresh_from_db()
        assert (made.is_active, made.disabled_why) == (False, "Switched off by hand.")

    def test_refuses_an_address_in_a_private_network(self, boss: Client) -> None:
        refused = boss.post(address(Endpoint, "add"), self.GIVEN | {"url": "https://127.0.0.1/in"})
        assert "leads into a private network (127.0.0.1); give a public https address" in errors_of(refused)["url"][0]


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

    def test_refuses_to_publish_for_those_who_may_only_look(self, shop: desk.Company) -> None:
        draft = DefinitionVersion.objects.create(definition=shop.definition, number=2)
        url = address(DefinitionVersion, "change", draft.pk).replace("change/", "publish/")
        assert signed_in("manager").post(url).status_code == 403
        draft.refresh_from_db()
        assert draft.state == "draft"

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


class TestCalendars:
    def test_makes_the_next_version_of_what_was_typed(self, shop: desk.Company) -> None:
        client, calendar = signed_in("revops"), Calendar.objects.latest("pk")
        number = calendar.current().number
        url = address(Calendar, "change", calendar.pk)
        assert post(client, url).status_code == 302
        assert calendar.current().number == number, "the same hours are no new version"
        response = post(
            client,
            url,
            time_zone="Europe/Berlin",
            mon="09:00-12:30, 13:00-17:30",
            fri="9:00 – 13:00",
            break_tue="12:00-12:30",
            holidays="2026-12-25 Christmas Day\n2026-12-26",
            special_dates="2026-12-24 09:00-12:00\n2026-12-31 closed",
        )
        assert response.status_code == 302, errors_of(response)
        version = calendar.current()
        assert (version.number, version.created_by) == (number + 1, client.user)  # type: ignore[attr-defined]
        assert version.spec["time_zone"] == "Europe/Berlin"
        assert version.spec["weekly"]["mon"] == [["09:00", "12:30"], ["13:00", "17:30"]]
        assert version.spec["weekly"]["fri"] == [["09:00", "13:00"]]
        assert version.spec["holidays"] == {"2026-12-25": "Christmas Day", "2026-12-26": ""}
        assert version.spec["date_overrides"]["2026-12-31"] == []
        page = client.get(url).content.decode()
        assert "Berlin time" in page
        assert Page(page).fields["mon"] == ["09:00-12:30, 13:00-17:30"]

    def test_fills_the_holidays_of_a_region(self, boss: Client, shop: desk.Company) -> None:
        calendar = Calendar.objects.latest("pk")
        url = address(Calendar, "change", calendar.pk)
        fill = {"fill_country": "DE", "fill_region": "BY", "fill_year": "2026"}
        assert post(boss, url, holidays="2026-07-01 Founders", **fill).status_code == 302
        closed = calendar.current().spec["holidays"]
        assert closed["2026-07-01"] == "Founders"
        assert closed["2026-01-06"] == "Epiphany"  # in Bavaria, not in all of Germany

    @pytest.mark.parametrize(
        ("box", "text", "told"),
        [
            ("mon", "9-5", "Monday: “9-5” is not a span of time. Write 09:00-17:30"),
            ("tue", "09:00-12:00, 11:00-13:00", "Tuesday"),
            ("wed", "09:00-25:10", "Wednesday"),
            ("thu", "09:00-09:00", "Thursday: 09:00-09:00 starts and ends at the same time"),
            ("holidays", "Christmas", "does not start with a date"),
            ("special_dates", "2026-13-01 09:00-12:00", "is not a date"),
            ("fill_region", "ZZ", "has no region “ZZ”"),
        ],
    )
    def test_names_the_day_and_the_way_out(
        self, box: str, text: str, told: str, boss: Client, shop: desk.Company
    ) -> None:
        calendar = Calendar.objects.latest("pk")
        more = {"fill_country": "DE", "fill_year": "2026"} if box == "fill_region" else {}
        response = post(boss, address(Calendar, "change", calendar.pk), **{box: text}, **more)
        assert told in errors_of(response)[box][0]
        assert calendar.current().number == 1


class TestReps:
    def test_takes_a_rep_out_on_the_page_that_shows_where_everything_goes(
        self, boss: Client, shop: desk.Company
    ) -> None:
        url = address(Rep, "change", shop.ben.pk)
        assert "Take out, and move everything on" in boss.get(url).content.decode()
        leaves = boss.get(url.replace("change/", "take-out/")).url
        assert leaves == f"/team/{shop.ben.user.public_id}/leaving/"
        assert boss.post(leaves, {"next_owner": "route"}).status_code == 302
        shop.ben.refresh_from_db()
        assert not shop.ben.is_active
        assert not Handoff.objects.open().of_user(shop.ben.user).exists()
        assert boss.post(url.replace("change/", "bring-back/")).status_code == 302
        shop.ben.refresh_from_db()
        assert shop.ben.is_active

    def test_closes_a_log_in_and_moves_everything_on(self, boss: Client, shop: desk.Company) -> None:
        user = shop.ben.user
        url = address(User, "change", user.pk)
        assert "by the routing rules" in boss.get(url.replace("change/", "close/")).content.decode()
        assert boss.post(url.replace("change/", "close/")).status_code == 302
        user.refresh_from_db()
        shop.ben.refresh_from_db()
        assert (user.is_active, shop.ben.is_active) == (False, False)
        assert not Handoff.objects.open().of_user(user).exists()
        assert boss.post(url.replace("change/", "reopen/")).status_code == 302
        user.refresh_from_db()
        assert user.is_active

    def test_moves_on_what_somebody_holds_for_a_team_they_are_taken_off(self, boss: Client, shop: desk.Company) -> None:
        url = address(type(shop.team), "change", shop.team.pk)
        fields = Page(boss.get(url).content.decode()).fields
        place = next(
            name.removesuffix("-user")
            for name, value in fields.items()
            if name.endswith("-user") and value == [str(shop.ben.user_id)]
        )
        assert post(boss, url, **{f"{place}-DELETE": "on"}).status_code == 302
        assert not TeamMembership.objects.filter(user=shop.ben.user).exists()
        assert not Handoff.objects.open().of_user(shop.ben.user).exists()

    def test_refuses_overlapping_absences_in_a_sentence(self, boss: Client, shop: desk.Company) -> None:
        since = datetime(2031, 3, 3, tzinfo=UTC)
        standing = Absence.objects.create(rep=shop.ada, starts_at=since, ends_at=since + timedelta(days=1))
        times = {
            "starts_at_0": f"{standing.starts_at:%Y-%m-%d}", "starts_at_1": "09:00",
            "ends_at_0": f"{standing.ends_at + timedelta(days=1):%Y-%m-%d}", "ends_at_1": "09:00",
        }  # fmt: skip
        response = post(boss, address(Absence, "add"), rep=shop.ada.pk, **times)
        assert "already away Mon 3 Mar 2031" in str(errors_of(response))

    def test_tells_an_absence_with_its_history(self, boss: Client, shop: desk.Company) -> None:
        times = {"starts_at_0": "2031-03-03", "starts_at_1": "09:00", "ends_at_0": "2031-03-04", "ends_at_1": "09:00"}
        assert post(boss, address(Absence, "add"), rep=shop.ada.pk, **times).status_code == 302
        told = Absence.objects.get(rep=shop.ada, starts_at__year=2031)
        assert post(boss, address(Absence, "change", told.pk), why="Fair").status_code == 302
        assert boss.post(address(Absence, "delete", told.pk), {"post": "yes"}).status_code == 302
        history = AbsenceChange.objects.filter(absence=told.public_id).values_list("what", flat=True)
        assert list(history) == ["added", "changed", "cancelled"]


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

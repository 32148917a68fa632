"""The guide of the first day: what is done, what each step does, and who may see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leads import clock, handbook, hints, trials
from leads.importing import uploads
from leads.importing.decoding import BadFile
from leads.models import Activity, Job, Lead, Organization, Role, Source, Team, TeamMembership, Upload, User
from scoring import publishing, starting
from scoring.assessment import assess
from scoring.models import Definition, DefinitionVersion, Score
from sla import routing
from sla.models import CalendarVersion, Desk, Handoff, PolicyTarget, PolicyVersion, Rep, RoutingRule
from sla.starting import promises, steps, teams
from tests.desk import company, person

pytestmark = pytest.mark.django_db
PAGES = ("", "organization/", "source/", "import/", "hours/", "people/", "definition/", "promises/", "test/")
HOURS: dict[str, Any] = {
    "team": "Sales",
    "time_zone": "Europe/Berlin",
    "hours": "09:00-17:00",
    "region": "DE-BE",
    "days": ["mon", "tue"],
}


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def boss() -> User:
    return person(Role.ADMIN, "Sam Root")


@pytest.fixture
def guide(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def of(key: str) -> steps.Step:
    return next(step for step in steps.steps() if step.key == key)


def html(response: Any) -> str:
    return str(response.content.decode())


class TestWho:
    @pytest.mark.parametrize("path", PAGES)
    def test_is_there_for_revops_and_admins_alone(self, path: str, guide: Client) -> None:
        assert guide.get(f"/start/{path}").status_code == 200
        for role in (Role.REP, Role.MANAGER, Role.MARKETING):
            client = Client()
            client.force_login(person(role, "Stan Other"))
            assert client.get(f"/start/{path}").status_code == 404
            assert client.post(f"/start/{path}").status_code == 404
        assert Client().get(f"/start/{path}").status_code == 302

    def test_is_where_the_day_starts_while_nothing_is_set_up(self, guide: Client, now: datetime) -> None:
        assert guide.get("/")["Location"] == "/start/"
        guide.post("/start/", {"do": "close"})
        assert guide.get("/")["Location"] != "/start/"
        Organization.objects.update(guide_closed_at=None)
        company(now)
        assert guide.get("/")["Location"] != "/start/"


class TestSteps:
    def test_are_open_at_first_and_may_be_left_out(self, guide: Client) -> None:
        assert [step.key for step in steps.steps() if step.done] == []
        assert guide.post("/start/", {"skip": "source"})["Location"] == "/start/import/"
        assert of("source").skipped
        assert steps.next_of(steps.steps()) == "organization"
        guide.post("/start/", {"skip": "<script>"})
        assert Organization.objects.get().guide_skipped == ["source"]

    def test_know_an_organization_with_a_name(self, guide: Client) -> None:
        answer = guide.post("/start/organization/", {"name": "Acme", "time_zone": "Europe/Berlin", "currency": "eur"})
        assert answer["Location"] == "/start/source/"
        assert of("organization").says == "Acme, Europe/Berlin, EUR"
        for wrong in ({"name": " "}, {"time_zone": "Mars"}, {"currency": "Euro"}):
            given = {"name": "Acme", "time_zone": "UTC", "currency": "EUR"} | wrong
            assert guide.post("/start/organization/", given).status_code == 422

    def test_ask_the_database_as_often_for_many_as_for_few(
        self, guide: Client, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(2):
            company(now)
        with django_assert_max_num_queries(30):
            guide.get("/start/")


class TestSource:
    def test_shows_its_key_once_and_its_snippets_always(self, guide: Client) -> None:
        made = guide.post("/start/source/", {"name": "Web", "kind": "website", "origins": "www.acme.example"})
        source = Source.objects.get()
        assert source.origins == ["https://www.acme.example"]
        assert source.write_key_prefix in html(made)
        assert "no-store" in made["Cache-Control"]
        again = html(guide.get("/start/source/"))
        assert source.write_key_prefix not in again
        assert f"/tag/{source.public_id}.js" in again
        assert of("source").done

    def test_shows_what_arrives_with_what_was_understood(self, guide: Client) -> None:
        guide.post("/start/source/", {"name": "Web", "kind": "website"})
        source = Source.objects.get()
        asked = {"HTTP_HX_REQUEST": "true"}
        assert "Waiting for the first event" in html(guide.get("/start/source/", **asked))
        post = {"email": "<b>ana@acme.example", "first_name": "x"}
        Client().post(f"/f/{source.forms.get().public_id}/", post | {"email": "ana@acme.example", "first_name": "<b>"})
        Client().post(f"/f/{source.forms.get().public_id}/", post | {"fax_number": "1"})
        shown = html(guide.get("/start/source/", **asked))
        assert "It arrives" in shown
        assert "Requested Demo" in shown
        assert "&lt;b&gt;" in shown
        assert "Refused: The field that people do not see" in shown

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"name": ""}, "Give the source a name"),
            ({"kind": "import"}, "Choose where"),
            ({"origins": "nonsense"}, "no website"),
        ],
    )
    def test_says_what_is_wrong(self, guide: Client, given: dict[str, str], said: str) -> None:
        answer = guide.post("/start/source/", {"name": "Web", "kind": "website"} | given)
        assert answer.status_code == 422
        assert said in html(answer)
        assert not Source.objects.exists()

    def test_makes_a_server_source_whose_public_id_is_no_key(self, guide: Client) -> None:
        shown = html(guide.post("/start/source/", {"name": "Product", "kind": "server"}))
        assert "It is a secret" in shown
        assert f'writeKey: "{Source.objects.get().public_id}"' not in html(guide.get("/start/source/"))

    def test_shows_no_way_to_put_a_secret_into_a_page(self, guide: Client) -> None:
        for name, kind, may_stand_in_a_page in (("Web", "website", True), ("Product", "server", False)):
            shown = html(guide.post("/start/source/", {"name": name, "kind": kind}))
            assert ("SDK in the browser" in shown) is may_stand_in_a_page
            assert ("Keep it on your servers" in shown) is not may_stand_in_a_page


class TestImport:
    CSV = "Email,Role,Plan\nmia@globex.example,VP Sales,Pro\nnobody,,\n"

    def upload(self, guide: Client, text: str | bytes = CSV, name: str = "leads.csv") -> Any:
        content = text.encode() if isinstance(text, str) else text
        return guide.post("/import/", {"file": SimpleUploadedFile(name, content)})

    def test_reads_previews_takes_in_and_reports(self, guide: Client) -> None:
        where = self.upload(guide)["Location"]
        page = html(guide.get(where))
        assert "<strong>1</strong> new lead" in page
        assert "Line 3:" in page
        assert not Lead.objects.exists()
        mapped = {"column": ["Email", "Role", "Plan"], "field": ["email", "trait", "ignore"]}
        assert "What would happen" in html(guide.post(where, mapped | {"do": "preview"}))
        report = guide.post(where, mapped | {"do": "import"})
        assert report["Location"].startswith("/import/report/")
        assert "Line 3:" in html(guide.get(report["Location"]))
        assert Lead.objects.get().traits == {"Role": "VP Sales"}
        assert not Upload.objects.exists()
        assert Job.objects.get().by == User.objects.get(full_name="Sam Root")
        assert guide.get(where)["Location"] == "/import/"
        assert of("import").done

    def test_says_what_is_wrong_with_a_file_by_its_name_alone(self, guide: Client) -> None:
        for text, said in (("", "is empty"), (b"PK\x03\x04xx", "Excel"), ("Name\nMia\n", "No column holds an e-mail")):
            answer = self.upload(guide, text, "../../etc/leads <b>.csv")
            shown = html(guide.get(answer["Location"])) if answer.status_code == 302 else html(answer)
            assert said in shown or "empty" in shown
            assert "/tmp" not in shown  # noqa: S108
            assert "<b>.csv" not in shown
        assert guide.post("/import/").status_code == 422

    def test_refuses_what_belongs_to_the_command(self, boss: User, now: datetime) -> None:
        with pytest.raises(BadFile, match="import_leads"):
            uploads.keep("a.csv", b"x" * (uploads.MAX_BYTES + 1), now=now, by=boss)

    def test_shows_nobody_the_file_of_another(self, guide: Client) -> None:
        where, other = self.upload(guide)["Location"], Client()
        other.force_login(person(Role.REVOPS, "Rita Ops"))
        assert other.get(where)["Location"] == "/import/"
        other.force_login(person(Role.REP, "Stan Other"))
        assert other.get("/import/").status_code == 404
        assert other.get(where).status_code == 404


class TestHours:
    def test_gives_a_team_its_hours_and_its_desk(self, guide: Client) -> None:
        assert guide.post("/start/hours/", HOURS)["Location"].startswith("/start/")
        desk = Desk.objects.get()
        version = desk.calendar.current()
        assert version.plan["regions"] == ["DE-BE"]
        assert list(version.spec["weekly"]) == ["mon", "tue"]
        assert of("hours").done

    def test_can_be_done_again_as_the_calendars_next_version(self, guide: Client) -> None:
        for hours in ("09:00-17:00", "08:00-16:00", "08:00-16:00"):
            guide.post("/start/hours/", HOURS | {"hours": hours})
        assert CalendarVersion.objects.filter(calendar=Desk.objects.get().calendar).count() == 2
        assert Team.objects.count() == 1

    def test_shows_the_year_without_keeping_it(self, guide: Client) -> None:
        assert "The next twelve months" in html(guide.post("/start/hours/", HOURS | {"do": "preview"}))
        assert not Desk.objects.exists()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"team": ""},
            {"time_zone": "Mars"},
            {"hours": "9 to 5"},
            {"hours": ""},
            {"hours": "09:00-12:00, 11:00-13:00"},
            {"hours": "09:00-09:00"},
            {"days": []},
            {"region": "ZZ"},
        ],
    )
    @pytest.mark.parametrize("do", ["keep", "preview"])
    def test_says_what_is_wrong(self, guide: Client, wrong: dict[str, Any], do: str) -> None:
        if do == "preview" and "team" in wrong:
            return
        answer = guide.post("/start/hours/", HOURS | wrong | {"do": do})
        assert answer.status_code == 422
        assert 'role="alert"' in html(answer)
        assert not Desk.objects.exists()


class TestDefinition:
    @pytest.mark.parametrize("key", [each.key for each in starting.TEMPLATES])
    def test_can_be_published_as_it_is(self, key: str, boss: User, now: datetime) -> None:
        version = starting.draft_from(key, now=now, by=boss)
        assert starting.would_meet(starting.template(key), now=now) == (0, 0)
        publishing.publish(version, now=now, by=boss)
        assert version.criteria.count() == len(starting.template(key).lines)

    def test_says_how_many_leads_would_meet_it_as_it_then_judges_them(self, boss: User, now: datetime) -> None:
        Lead.objects.create(email="a@b.example", stage_at=now, created_at=now)
        asking = trials.send_test(["Requested Demo"], now=now)
        assert starting.would_meet(starting.template("demo"), now=clock.now()) == (1, 2)
        publishing.publish(starting.draft_from("demo", now=now, by=boss), now=now, by=boss)
        assess(now=clock.now())
        assert [score.lead for score in Score.objects.exclude(hand_raised="")] == [asking]

    def test_is_used_at_once_or_kept_as_a_draft(self, guide: Client) -> None:
        guide.post("/start/definition/", {"template": "pql", "do": "draft"})
        draft = DefinitionVersion.objects.get()
        assert (draft.state, of("definition").done) == ("draft", False)
        assert "chip" in html(guide.get("/start/definition/"))
        guide.post("/start/definition/", {"publish": draft.pk})
        assert of("definition").done
        assert Definition.objects.get().kind == "pql"
        assert guide.post("/start/definition/", {"template": "pql", "do": "draft"}).status_code == 422
        for publish in ("0", "x", "9" * 30, str(draft.pk)):
            assert guide.post("/start/definition/", {"publish": publish}).status_code == 422
        assert guide.post("/start/definition/", {"template": "nonsense"}).status_code == 422


class TestPromises:
    @pytest.fixture
    def desk(self, boss: User, now: datetime) -> Desk:
        spec = teams.spec_of("UTC", ["mon"], [["00:00", "24:00"]])
        return teams.set_up("Sales", spec, region="", now=now, by=boss)

    @pytest.mark.parametrize("pace", [each.key for each in promises.PACES])
    @pytest.mark.parametrize("route", list(promises.ROUTES))
    def test_are_in_force_at_once(self, desk: Desk, guide: Client, pace: str, route: str) -> None:
        guide.post("/start/promises/", {"pace": pace, "route": route, "team": desk.team_id})
        rule = RoutingRule.objects.get()
        assert (rule.team, rule.owner_first) == (desk.team, route == "owner")
        live = PolicyVersion.objects.get(state="published")
        touch = PolicyTarget.objects.get(version=live, target="first_touch", heat="hot")
        assert touch.seconds == next(each for each in promises.PACES if each.key == pace).first_touch["hot"]

    def test_chosen_again_the_same_change_nothing(self, desk: Desk, boss: User, now: datetime) -> None:
        for _ in range(2):
            promises.choose("fast", "turns", desk.team, now=now, by=boss)
        assert PolicyVersion.objects.count() == 2  # shipped, and chosen
        assert RoutingRule.objects.count() == 1

    def test_leave_somebodys_draft_alone(self, desk: Desk, guide: Client) -> None:
        from sla import publishing as promised
        from sla.models import Policy

        promised.draft_policy(Policy.objects.get())
        answer = guide.post("/start/promises/", {"pace": "fast", "route": "turns", "team": desk.team_id})
        assert answer.status_code == 422
        assert not RoutingRule.objects.exists()

    def test_need_a_team_a_pace_and_a_way(self, desk: Desk, guide: Client) -> None:
        good = {"pace": "fast", "route": "turns", "team": desk.team_id}
        for wrong in ({"pace": ""}, {"route": "x"}, {"team": ""}, {"team": "x"}):
            assert guide.post("/start/promises/", good | wrong).status_code == 422


class TestTrial:
    def test_needs_a_definition(self, guide: Client) -> None:
        assert guide.post("/start/test/").status_code == 422

    @pytest.mark.parametrize("key", [each.key for each in starting.TEMPLATES])
    def test_goes_the_whole_way_to_a_rep(self, key: str, boss: User, guide: Client, now: datetime) -> None:
        every = list(teams.DAYS) + list(teams.WEEKEND)
        desk = teams.set_up("Sales", teams.spec_of("UTC", every, [["00:00", "24:00"]]), region="", now=now, by=boss)
        rep = person(Role.REP, "Ana Ortiz")
        TeamMembership.objects.create(team=desk.team, user=rep)
        Rep.objects.create(user=rep)
        publishing.publish(starting.draft_from(key, now=now, by=boss), now=now, by=boss)
        promises.choose("standard", "turns", desk.team, now=now, by=boss)
        guide.post("/start/test/")
        asked = {"HTTP_HX_REQUEST": "true"}
        assert "waits to be scored" in html(guide.get("/start/test/", **asked))
        for _ in range(2):
            assess(now=clock.now())
            routing.route_waiting(clock.now)
        handoff = Handoff.objects.get()
        assert handoff.user == rep
        assert handoff.episode.lead.is_test
        assert Activity.objects.filter(lead=handoff.episode.lead).exists()
        shown = html(guide.get("/start/test/", **asked))
        assert "The way is open" in shown
        assert "every 2s" not in shown
        assert of("trial").done


class TestHints:
    @pytest.fixture
    def visitor(self) -> User:
        user = person(Role.REP, "Ana Ortiz")
        user.hints_closed = []
        user.save()
        return user

    def test_explain_each_page_until_they_are_closed(self, visitor: User, client: Client) -> None:
        client.force_login(visitor)
        assert hints.HINTS["inbox"].sentence in html(client.get("/inbox/"))
        client.post("/hints/close/", {"route": "inbox", "next": "/inbox/"})
        assert "What you see here" not in html(client.get("/inbox/"))
        assert "What you see here" in html(client.get("/leads/"))
        client.post("/hints/close/", {"all": "yes", "route": "leads"})
        assert "What you see here" not in html(client.get("/leads/"))

    def test_are_for_the_demo_alone(self, client: Client) -> None:
        client.force_login(person(Role.REP, "Ben Keller"))
        assert "What you see here" not in html(client.get("/inbox/"))
        client.post("/hints/close/", {"route": "inbox"})
        assert User.objects.get(full_name="Ben Keller").hints_closed is None

    def test_send_nobody_elsewhere_and_keep_no_nonsense(self, visitor: User, client: Client) -> None:
        client.force_login(visitor)
        answer = client.post("/hints/close/", {"route": "<x>" * 50, "next": "https://evil.example/"})
        assert answer["Location"] == "/"
        visitor.refresh_from_db()
        assert visitor.hints_closed == []

    def test_speak_of_routes_and_pages_that_are_there(self) -> None:
        from django.urls import get_resolver

        names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
        assert names >= set(hints.HINTS)
        assert set(handbook.pages()) >= {hint.page for hint in hints.HINTS.values()}

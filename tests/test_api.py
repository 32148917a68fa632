"""The API: each sees what is theirs, verdicts are the desk's verbs, errors say the way out."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from leads import clock, erasing, merging
from leads.keys import digest, new_key
from leads.models import Activity, ActivityType, ApiKey, Identity, Role, Source, Team, TeamMembership, User
from sla import sweeps
from sla.handoffs import verdicts
from sla.handoffs.moves import Matter
from sla.models import AnsweredRequest, Desk, Handoff, Rep, Touch
from tests import desk
from tests.desk import Company, person, rep_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return desk.company(clock.now() - timedelta(days=1))


@pytest.fixture
def stranger(company: Company) -> Rep:
    """A rep of another team."""
    team = Team.objects.create(name="Elsewhere")
    Desk.objects.create(team=team, calendar=company.team.desk.calendar)
    return rep_in(team, "Zoe Other")


@pytest.fixture
def offered(company: Company) -> Handoff:
    now = clock.now()
    lead = company.lead(now=now)
    Identity.objects.create(kind="email", value=lead.email, lead=lead, bound_at=now)
    return company.offer(company.episode(lead, now=now), now=now)


def api(user: User) -> APIClient:
    """A client with a key of this user."""
    key = new_key("ak")
    ApiKey.objects.create(user=user, name="test", prefix=key[:8], key_hash=digest(key))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


class TestWhoIsAsking:
    def test_without_a_key_it_is_401_with_problem_details(self) -> None:
        answer = APIClient().get("/api/v1/leads/")
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == 401

    def test_an_unknown_or_revoked_key_is_401(self, company: Company) -> None:
        client = api(company.manager)
        ApiKey.objects.update(revoked_at=clock.now())
        assert client.get("/api/v1/leads/").status_code == 401

    def test_health_and_schema_need_no_key(self) -> None:
        health = APIClient().get("/healthz/web")
        assert (health.status_code, health.json()["database"]) == (200, "ok")
        assert APIClient().get("/api/schema/").status_code == 200


class TestTheDocument:
    @pytest.fixture
    def document(self) -> Any:
        return APIClient().get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").json()

    def test_takes_a_key_and_tells_how_each_door_says_no(self, document: Any) -> None:
        key = document["components"]["securitySchemes"]["apiKey"]
        assert (key["type"], key["scheme"]) == ("http", "bearer")
        doors = [door for path in document["paths"].values() for door in path.values()]
        assert all({"apiKey": []} in door["security"] and "401" in door["responses"] for door in doors)
        assert all(door["summary"] for door in doors)
        reject = document["paths"]["/api/v1/handoffs/{public_id}/reject/"]["post"]
        assert [*reject["responses"]] == ["200", "400", "401", "404", "409", "422"]
        assert [each["name"] for each in reject["parameters"] if each["in"] == "header"] == ["Idempotency-Key"]
        problem = reject["responses"]["409"]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}

    def test_is_told_whole_in_the_docs(self, document: Any) -> None:
        told = (
            (settings.BASE_DIR / "docs/api.md").read_text().replace("`, `…/resume/", "` `/api/v1/handoffs/<id>/resume/")
        )
        known = {re.sub(r"<\w+>", "", path) for path in re.findall(r"/api/v1/[^ `]*", told)}
        doors = {re.sub(r"\{\w+\}", "", path) for path in document["paths"]}
        alone = {door for door in doors if door.endswith("//")}  # one of a list, whose line tells of both
        assert doors - alone <= known

    def test_leaves_nothing_for_its_reader_to_guess(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("spectacular", file="/dev/null", validate=True, fail_on_warn=True)


class TestWhatIsNotThere:
    @pytest.mark.parametrize("path", ["", "nothing/", "leads/17/", "handoffs/x/accept/"])
    def test_an_address_that_is_none_is_told_to_programs_in_their_way(self, company: Company, path: str) -> None:
        answer = api(company.manager).get(f"/api/v1/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["code"] == "no_such_address"
        assert "/api/docs/" in answer.json()["detail"]

    def test_a_thing_that_is_not_there_is_named(self, company: Company) -> None:
        answer = api(company.manager).get(f"/api/v1/leads/{uuid.uuid4()}/")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "There is no such lead, or it isn’t yours to see."
        assert answer.json()["code"] == "not_found"

    def test_what_is_sent_without_the_last_slash_is_not_lost_in_a_redirect(self, company: Company) -> None:
        client = api(company.manager)
        answer = client.post("/api/v1/touches", {"means": "call"}, format="json")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert "/api/v1/touches/" in answer.json()["detail"]
        assert client.get("/api/v1/touches")["Location"] == "/api/v1/touches/"

    def test_people_still_get_a_page(self, company: Company) -> None:
        assert "text/html" in APIClient().get("/nothing/")["Content-Type"]


class TestWhatIsNotTaken:
    @pytest.mark.parametrize("path", ["leads", "handoffs", "activities", "touches", "absences", "contests"])
    def test_a_filter_that_a_list_does_not_have(self, company: Company, path: str) -> None:
        answer = api(company.manager).get(f"/api/v1/{path}/?emial=dana@quarry.example&page_size=5")
        assert answer.status_code == 400
        assert [*answer.json()["errors"]] == ["emial"]
        assert answer.json()["errors"]["emial"][0].startswith("There is no such filter. This list has the filters ")

    def test_a_list_without_any(self, company: Company) -> None:
        answer = api(company.manager).get("/api/v1/calendars/?name=West")
        assert answer.json()["errors"] == {"name": ["There is no such filter. This list has no filters."]}

    @pytest.mark.parametrize("size", ["0", "-1", "501", "x", "²", ""])
    def test_a_page_of_no_size(self, company: Company, size: str) -> None:
        answer = api(company.manager).get("/api/v1/leads/", {"page_size": size})
        assert (answer.status_code, answer.json()["errors"]) == (400, {"page_size": ["Give a number from 1 to 500."]})

    @pytest.mark.parametrize("told", ["0", "maybe", "True "])
    def test_what_is_neither_yes_nor_no(self, told: str) -> None:
        answer = api(person(Role.REVOPS, "Rex Ops")).get("/api/v1/endpoints/", {"is_active": told})
        assert answer.status_code == 400
        assert "It is one of true, false." in " ".join(answer.json()["errors"]["is_active"])

    def test_a_filter_by_what_is_no_choice(self, company: Company) -> None:
        answer = api(company.manager).get("/api/v1/leads/?stage=mql")
        assert answer.status_code == 400
        assert "It is one of SUBSCRIBER, LEAD, MQL, " in " ".join(answer.json()["errors"]["stage"])

    def test_what_a_verb_refuses_is_told_like_what_could_not_be_read(self, company: Company, offered: Handoff) -> None:
        path = f"/api/v1/handoffs/{offered.public_id}/reject/"
        answer = api(company.ben.user).post(path, {"reason": "no such"}, format="json")
        told = answer.json()
        assert (answer.status_code, told["field"]) == (422, "reason")
        assert told["errors"] == {"reason": [told["detail"]]}

    def test_a_code_that_is_none(self, company: Company, offered: Handoff) -> None:
        body = {"means": "pigeon", "outcome": "reached"}
        answer = api(company.ben.user).post(f"/api/v1/handoffs/{offered.public_id}/touch/", body, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"]["means"][0].startswith("“pigeon” is not one of call, email")


class TestLists:
    def test_each_sees_what_is_theirs(self, company: Company, stranger: Rep, offered: Handoff) -> None:
        lead = str(offered.episode.lead.public_id)
        for path in ("/api/v1/leads/", "/api/v1/handoffs/"):
            assert len(api(company.ben.user).get(path).json()["results"]) == 1
            assert len(api(company.manager).get(path).json()["results"]) == 1
            assert len(api(person(Role.MARKETING, "Theo M")).get(path).json()["results"]) == 1
            assert api(stranger.user).get(path).json()["results"] == []
        assert api(company.ben.user).get(f"/api/v1/leads/{lead}/").status_code == 200
        assert api(stranger.user).get(f"/api/v1/leads/{lead}/").status_code == 404
        assert api(stranger.user).get(f"/api/v1/leads/{lead}/scores/").status_code == 404
        assert api(company.ben.user).get(f"/api/v1/leads/{lead}/scores/").json() == []

    def test_handoffs_are_filtered_by_lead_email_rep_and_state(self, company: Company, offered: Handoff) -> None:
        client = api(company.manager)
        email = offered.episode.lead.email
        for query, count in (
            (f"lead_email={email.upper()}", 1),
            ("lead_email=nobody@example.com", 0),
            (f"rep={company.ben.user.email}", 1),
            (f"rep={company.ada.user.email}", 0),
            ("state=offered", 1),
            ("state=accepted", 0),
        ):
            assert len(client.get(f"/api/v1/handoffs/?{query}").json()["results"]) == count, query

    def test_a_filter_that_makes_no_sense_is_named(self, company: Company) -> None:
        answer = api(company.manager).get("/api/v1/handoffs/?state=lost-and-found")
        assert answer.status_code == 400
        assert "state" in answer.json()["errors"]

    def test_activities_of_a_lead(self, company: Company, offered: Handoff) -> None:
        now = clock.now()
        kind = ActivityType.objects.create(name="Visited Pricing Page", first_seen_at=now)
        source = Source.objects.create(name="Site", kind="server", write_key_hash="h")
        Activity.objects.create(
            lead=offered.episode.lead,
            type=kind,
            source=source,
            message_id="m1",
            occurred_at=now,
            received_at=now,
            known_at=now,
        )
        (row,) = (
            api(company.ben.user).get(f"/api/v1/activities/?lead_email={offered.episode.lead.email}").json()["results"]
        )
        assert (row["name"], row["message_id"]) == ("Visited Pricing Page", "m1")

    def test_definitions_show_the_version_in_force(self, company: Company) -> None:
        (row,) = api(company.ben.user).get("/api/v1/definitions/").json()["results"]
        assert row["name"] == company.definition.name

    def test_a_page_costs_the_same_however_many_rows(
        self, company: Company, offered: Handoff, django_assert_max_num_queries: Any
    ) -> None:
        now = clock.now()
        client = api(company.manager)
        client.get("/api/v1/handoffs/")
        for _ in range(5):
            company.offer(company.episode(company.lead(now=now), now=now), now=now)
        with django_assert_max_num_queries(8):
            assert len(client.get("/api/v1/handoffs/").json()["results"]) == 6
        with django_assert_max_num_queries(6):
            assert len(client.get("/api/v1/leads/").json()["results"]) == 6

    def test_pages_by_cursor(self, company: Company) -> None:
        now = clock.now()
        for _ in range(3):
            company.lead(now=now)
        client = api(company.manager)
        first = client.get("/api/v1/leads/?page_size=2").json()
        second = client.get(first["next"]).json()
        assert (len(first["results"]), len(second["results"]), second["next"]) == (2, 1, None)


class TestVerdicts:
    def test_accept_then_convert(self, company: Company, offered: Handoff) -> None:
        client = api(company.ben.user)
        path = f"/api/v1/handoffs/{offered.public_id}"
        accepted = client.post(f"{path}/accept/", {"version": offered.version}, format="json")
        assert (accepted.status_code, accepted.json()["state"]) == (200, "accepted")
        deadline = next(row for row in accepted.json()["clocks"] if row["target"] == "first_touch")
        assert deadline["counted"]
        converted = client.post(f"{path}/convert/", {"bant": {"need": "Yes"}}, format="json")
        assert converted.json()["state"] == "converted"

    def test_reject_asks_for_a_reason_that_exists(self, company: Company, offered: Handoff) -> None:
        client = api(company.ben.user)
        path = f"/api/v1/handoffs/{offered.public_id}/reject/"
        assert "reason" in client.post(path, {}, format="json").json()["errors"]
        unknown = client.post(path, {"reason": "bored"}, format="json")
        assert (unknown.status_code, unknown["Content-Type"]) == (422, "application/problem+json")
        answer = client.post(path, {"reason": "outside_market", "note": "Too small."}, format="json")
        assert answer.json()["state"] == "rejected", answer.json()

    def test_the_second_of_two_is_told_what_happened(self, company: Company, offered: Handoff) -> None:
        path = f"/api/v1/handoffs/{offered.public_id}"
        api(company.manager).post(f"{path}/reject/", {"reason": "outside_market"}, format="json")
        late = api(company.ben.user).post(f"{path}/accept/", {}, format="json")
        assert late.status_code == 409
        assert late.json()["state"] == "rejected"

    def test_a_stranger_finds_nothing_and_marketing_decides_nothing(
        self, company: Company, stranger: Rep, offered: Handoff
    ) -> None:
        path = f"/api/v1/handoffs/{offered.public_id}/accept/"
        assert api(stranger.user).post(path, {}, format="json").status_code == 404
        assert api(person(Role.MARKETING, "Theo M")).post(path, {}, format="json").status_code == 404
        offered.refresh_from_db()
        assert offered.state == "offered"

    def test_the_manager_acts_for_the_rep(self, company: Company, offered: Handoff) -> None:
        answer = api(company.manager).post(f"/api/v1/handoffs/{offered.public_id}/accept/", {}, format="json")
        assert answer.json()["rep"] == company.ben.user.email
        change = offered.changes.get(to_state="accepted")
        assert (change.by, change.performed_by) == (company.manager, company.ben.user)

    def test_an_idempotency_key_repeats_the_answer(self, company: Company, offered: Handoff) -> None:
        client = api(company.ben.user)
        path = f"/api/v1/handoffs/{offered.public_id}/touch/"
        body = {"means": "call", "outcome": "reached"}
        first = client.post(path, body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        again = client.post(path, body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again["Idempotent-Replayed"] == "true"
        assert Touch.objects.count() == 1
        other = client.post(path, body | {"outcome": "no_answer"}, format="json", HTTP_IDEMPOTENCY_KEY="k1")
        assert other.status_code == 422

    def test_the_repeated_answer_is_the_first_to_the_microsecond(self, company: Company, offered: Handoff) -> None:
        client, path = api(company.ben.user), f"/api/v1/handoffs/{offered.public_id}/accept/"
        first, again = (client.post(path, {}, format="json", HTTP_IDEMPOTENCY_KEY="k1") for _ in range(2))
        assert first.json() == again.json()

    def test_an_answer_is_forgotten_after_a_week_and_with_its_person(self, company: Company, offered: Handoff) -> None:
        client = api(company.ben.user)
        path, kept = f"/api/v1/handoffs/{offered.public_id}", AnsweredRequest.objects.order_by("pk")
        call = {"means": "call", "outcome": "reached", "note": "Dana is at a fair"}
        assert client.post(f"{path}/accept/", {}, format="json", HTTP_IDEMPOTENCY_KEY="k1").status_code == 200
        assert client.post(f"{path}/touch/", call, format="json", HTTP_IDEMPOTENCY_KEY="k2").status_code == 201
        first, second = kept
        AnsweredRequest.objects.filter(pk=first.pk).update(at=second.at - timedelta(seconds=1))
        sweeps.sweep(lambda: second.at + timedelta(days=7))
        assert list(kept.all()) == [second]
        erasing.erase(offered.episode.lead_id, now=clock.now(), by=None)
        assert list(kept.all()) == []

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("key", [{}, {"HTTP_IDEMPOTENCY_KEY": "k1"}])
    def test_a_deadlock_is_tried_again_with_and_without_a_key(
        self, company: Company, offered: Handoff, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take, tries = verdicts.take, []

        def breaks_once(*args: Any, **kwargs: Any) -> Matter:
            tries.append(args)
            if len(tries) == 1:
                with connection.cursor() as cursor:
                    cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$")
            return take(*args, **kwargs)

        monkeypatch.setattr(verdicts, "take", breaks_once)
        answer = api(company.ben.user).post(f"/api/v1/handoffs/{offered.public_id}/accept/", {}, format="json", **key)
        assert (answer.status_code, len(tries)) == (200, 2)


class TestTouches:
    def test_a_dialler_brings_one_once(self, company: Company, offered: Handoff) -> None:
        client = api(company.manager)
        body = {
            "lead_email": offered.episode.lead.email,
            "performed_by": company.ben.user.email,
            "means": "call",
            "outcome": "reached",
            "occurred_at": clock.now().isoformat(),
            "external_id": "call-77",
        }
        first = client.post("/api/v1/touches/", body, format="json")
        assert first.status_code == 201, first.json()
        assert client.post("/api/v1/touches/", body, format="json").json()["public_id"] == first.json()["public_id"]
        offered.refresh_from_db()
        assert (offered.state, Touch.objects.count()) == ("accepted", 1)
        assert len(client.get("/api/v1/touches/").json()["results"]) == 1

    def test_one_told_again_is_answered_whatever_became_of_who_made_it(
        self, company: Company, stranger: Rep, offered: Handoff
    ) -> None:
        client, lead = api(company.manager), offered.episode.lead
        body = {"lead": str(lead.public_id), "performed_by": company.ben.user.email, "means": "call"}
        body |= {"outcome": "reached", "external_id": "call-9", "occurred_at": clock.now().isoformat()}
        first = client.post("/api/v1/touches/", body, format="json")
        assert first.status_code == 201, first.json()
        User.objects.filter(pk=company.ben.user_id).update(is_active=False)
        TeamMembership.objects.filter(user=company.ben.user_id).update(team=stranger.user.teams.get())
        again = client.post("/api/v1/touches/", body, format="json")
        assert (again.status_code, again.json()["public_id"]) == (201, first.json()["public_id"])
        other = client.post("/api/v1/touches/", body | {"outcome": "no_answer"}, format="json")
        assert (other.status_code, other.json()["touch"]) == (409, first.json()["public_id"])
        new = client.post("/api/v1/touches/", body | {"external_id": "call-10"}, format="json")
        assert new.status_code == 422

    def test_a_lead_is_known_by_the_id_of_one_that_was_merged_into_it(self, company: Company, offered: Handoff) -> None:
        now, lead = clock.now(), offered.episode.lead
        loser = company.lead(now=now)
        merging.merge(lead.pk, loser.pk, now=now)
        client, old = api(company.ben.user), str(loser.public_id)
        body = {"lead": old, "means": "call", "outcome": "reached"}
        assert client.post("/api/v1/touches/", body, format="json").json()["lead"] == str(lead.public_id)
        assert client.get(f"/api/v1/leads/{old}/").json()["public_id"] == str(lead.public_id)
        assert client.get(f"/api/v1/leads/{old}/scores/").status_code == 200
        for path in ("touches", "handoffs"):
            assert len(client.get(f"/api/v1/{path}/", {"lead": old}).json()["results"]) == 1

    def test_a_lead_is_known_by_the_user_id_of_the_product(self, company: Company, offered: Handoff) -> None:
        Identity.objects.create(kind="user_id", value="u:17", lead=offered.episode.lead, bound_at=clock.now())
        body = {"lead_external_id": "u:17", "means": "call", "outcome": "reached"}
        assert api(company.ben.user).post("/api/v1/touches/", body, format="json").status_code == 201

    @pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
    def test_one_of_before_all_time_is_refused(self, company: Company, offered: Handoff, at: str) -> None:
        body = {"means": "call", "outcome": "reached", "occurred_at": at}
        told = {"lead_email": offered.episode.lead.email}
        for path, named in (("touches/", told), (f"handoffs/{offered.public_id}/touch/", {})):
            answer = api(company.ben.user).post(f"/api/v1/{path}", body | named, format="json")
            assert (answer.status_code, answer.json()["field"]) == (422, "occurred_at")

    @pytest.mark.parametrize(
        ("span", "field"),
        [
            ({"first_date": "9999-12-31"}, "first_date"),
            ({"first_date": "0001-01-01"}, "first_date"),
            ({"starts_at": "9999-12-30T00:00:00Z", "ends_at": "9999-12-31T23:59:59Z"}, "ends_at"),
        ],
    )
    def test_time_off_at_the_end_of_all_time_is_refused(
        self, company: Company, span: dict[str, str], field: str
    ) -> None:
        answer = api(company.ben.user).post("/api/v1/absences/", span, format="json")
        assert (answer.status_code, answer.json()["field"]) == (422, field)

    def test_a_lead_nobody_knows_is_named(self, company: Company) -> None:
        body = {"lead_email": "nobody@example.com", "means": "call", "outcome": "reached"}
        answer = api(company.manager).post("/api/v1/touches/", body, format="json")
        assert answer.status_code == 422
        assert "Check the address" in answer.json()["detail"]

"""Where a lead would go, and why; without a trace."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock, holding, outcomes
from leads.errors import Invalid
from leads.keys import digest, new_key
from leads.models import Account, ApiKey, Lead, Role, User
from scoring import assessment
from sla import publishing, routing, simulating
from sla.models import Absence, Handoff, PolicyTarget, PolicyVersion, RoutingRule
from tests import desk

pytestmark = pytest.mark.django_db
FRANCE = {"field": "lead.country", "op": "is", "value": "France"}
BIG = {"field": "account.employees", "op": "gte", "value": 50}


@pytest.fixture
def house(now: datetime) -> desk.Company:
    return desk.company(now)


@pytest.fixture
def france(house: desk.Company, now: datetime) -> RoutingRule:
    condition = {"all": [FRANCE, {"any": [BIG, {"field": "trait.plan", "op": "is", "value": "pro"}]}]}
    rule = RoutingRule(name="France", position=-9, condition=condition, team=house.team)
    return publishing.put(rule, why="Paris", now=now, by=None)


@contextmanager
def without_a_trace() -> Iterator[None]:
    """Nothing is written, and nothing is locked."""
    models = [model for model in apps.get_models() if model._meta.managed]
    before = {model: model._default_manager.count() for model in models}
    with CaptureQueriesContext(
        connection,
    ) as asked:
        yield
    told = [query["sql"] for query in asked.captured_queries]
    assert told
    assert [sql for sql in told if not sql.lstrip("( ").upper().startswith(("SELECT", "SAVEPOINT", "RELEASE"))] == []
    assert [sql for sql in told if " FOR UPDATE" in sql.upper() or " FOR SHARE" in sql.upper()] == []
    assert {model: model._default_manager.count() for model in models} == before


class TestStoredLeads:
    def test_go_where_routing_then_sends_them(self, house: desk.Company, now: datetime) -> None:
        lead = house.lead(now=now)
        episode = house.episode(lead, now=now)
        with without_a_trace():
            told = simulating.simulate(simulating.asked_of(lead, at=now))
        handoff = routing.route(episode.pk, now=now)
        assert handoff is not None
        assert told.decision.chosen is not None
        assert told.decision.chosen.rep.user == handoff.user
        assert told.policy == handoff.policy_version
        due = {clock.target: clock.due_at for clock in handoff.clocks.all()}
        assert {each.target: each.deadline.due_at for each in told.promises} == {
            "accept": due["accept"], "first_touch": due["first_touch"],
        }  # fmt: skip

    def test_tell_the_ladder_with_its_instants(self, house: desk.Company, now: datetime) -> None:
        told = simulating.simulate(simulating.asked_of(house.lead(now=now), at=now))
        accept = next(each for each in told.promises if each.target == "accept")
        assert [at for at, _ in accept.ladder] == [
            now + timedelta(hours=2), now + timedelta(hours=2), now + timedelta(hours=3),
        ]  # fmt: skip
        assert accept.ladder[-1][1] == "150 %: Offer to the next rep"
        assert sum(part.seconds for part in accept.deadline.counted) == 7200

    def test_promise_what_arrives_at_night_by_the_budget_for_nights(self, house: desk.Company, now: datetime) -> None:
        draft = publishing.draft_policy(house.policy.policy)
        lines = PolicyTarget.objects.filter(version=draft, target="first_touch")
        lines.update(hours=PolicyTarget.Hours.TEAM, outside_seconds=1800)
        publishing.publish_policy(draft, now=now, by=None)
        night = now + timedelta(hours=8)
        told = simulating.simulate(simulating.asked_of(house.lead(now=now), at=night))
        touch = next(each for each in told.promises if each.target == "first_touch")
        assert touch.deadline.due_at == datetime(2026, 3, 11, 9, 30, tzinfo=now.tzinfo)
        assert "outside hours" in touch.hours

    def test_reckon_with_who_is_away_at_that_instant(self, house: desk.Company, now: datetime) -> None:
        later = now + timedelta(days=2)
        for rep in (house.ben, house.ada):
            Absence.objects.create(rep=rep, starts_at=later - timedelta(hours=1), ends_at=later + timedelta(hours=1))
        lead = house.lead(now=now)
        assert simulating.simulate(simulating.asked_of(lead, at=now)).decision.chosen is not None
        told = simulating.simulate(simulating.asked_of(lead, at=later))
        assert told.decision.chosen is None
        assert all(each.says.startswith("away until ") for each in told.reps)
        assert [each.target.value for each in told.promises] == ["assign"]

    def test_say_that_nothing_is_promised(self, house: desk.Company, now: datetime) -> None:
        PolicyVersion.objects.filter(state="published").update(state="retired")
        told = simulating.simulate(simulating.asked_of(house.lead(now=now), at=now))
        assert (told.policy, told.promises) == (None, [])
        assert "no published policy holds" in told.says


class TestRules:
    @pytest.mark.parametrize(
        ("given", "why"),
        [
            (
                {"lead.country": "Germany", "account.employees": 80},
                ["country is france: it is “Germany”"],
            ),
            (
                {"lead.country": "France", "account.employees": 7},
                ["employees is at least 50: it is “7”", "plan is pro: it is not set"],
            ),
            (
                {"trait.plan": "free"},
                ["country is france: it is not set", "employees is at least 50: it is not set"]
                + ["plan is pro: it is “free”"],
            ),
            ({"lead.country": "France", "trait.plan": "pro"}, []),
        ],
    )
    def test_say_which_part_did_not_hold(
        self, given: dict[str, Any], why: list[str], france: RoutingRule, now: datetime
    ) -> None:
        with without_a_trace():
            told = simulating.simulate(simulating.on_paper(given, at=now))
        seen = next(each for each in told.rules if each.rule == france)
        assert seen.why_not == why
        assert (seen.result == "does not hold") is bool(why)
        assert (seen.result == "chosen") is not bool(why)

    def test_say_a_negation_as_a_whole(self, house: desk.Company, now: datetime) -> None:
        rule = RoutingRule(name="Not France", position=-9, condition={"not": FRANCE}, team=house.team)
        publishing.put(rule, why="", now=now, by=None)
        told = simulating.simulate(simulating.on_paper({"lead.country": "France"}, at=now))
        assert told.rules[0].why_not == ["not (country is france)"]


class TestOnPaper:
    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"lead.land": "x"}, "there is no “lead.land”"),
            ({"lead.public_id": "x"}, "there is no “lead.public_id”"),
            ({"trait.": "x"}, "there is no “trait.”"),
            ({"episode.tier": "boiling"}, "episode.tier: give one of"),
            ({"account.employees": "many"}, "give a whole number"),
            ({"account.employees": True}, "give a whole number"),
            ({"lead.country": ["x"]}, "lead.country: give a text"),
            ({"episode.definition": "Nothing"}, "none of that name is published"),
            ({"trait.a": 1, "trait.a.b": 2}, "has a value of its own already"),
            ([], "give an object"),
            ("{", "this is not JSON"),
        ],
    )
    def test_refuse_what_they_do_not_know(self, given: Any, told: str, house: desk.Company, now: datetime) -> None:
        with pytest.raises(Invalid, match=told):
            simulating.on_paper(given, at=now)

    def test_read_paths_of_traits_and_the_account(self, house: desk.Company, now: datetime) -> None:
        asked = simulating.on_paper({"trait.order.total": 9, "account_trait.tier": "gold"}, at=now)
        assert asked.lead.traits == {"order": {"total": 9}}
        assert isinstance(asked.lead.account, Account)
        assert asked.lead.account.traits == {"tier": "gold"}
        assert asked.lead.pk is None

    @pytest.mark.parametrize(
        ("text", "hour"), [("2026-07-01T15:00", 13), ("2026-07-01T15:00+00:00", 15), ("2026-07-01T15:00Z", 15)]
    )
    def test_read_an_instant_by_the_viewers_clock(self, text: str, hour: int, now: datetime) -> None:
        at = simulating.read_instant(text, now=now, zone="Europe/Berlin")
        assert at.astimezone(now.tzinfo).hour == hour
        assert simulating.read_instant(" ", now=now, zone="UTC") == now

    @pytest.mark.parametrize("text", ["noon", "1066-10-14T09:00", "9999-01-01T00:00"])
    def test_refuse_what_is_no_instant(self, text: str, now: datetime) -> None:
        with pytest.raises(Invalid, match="at: "):
            simulating.read_instant(text, now=now, zone="UTC")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestThePage:
    def test_shows_all_that_led_to_it(self, house: desk.Company, france: RoutingRule) -> None:
        client = signed_in(house.manager)
        lead = house.lead(now=clock.now(), country="Germany", first_name="<b>Eve</b>")
        found = client.get("/simulator/", {"q": lead.last_name}).content.decode()
        assert f"lead={lead.public_id}" in found
        page = client.get("/simulator/", {"lead": str(lead.public_id)}).content.decode()
        for part in ("France", "country is france: it is “Germany”", "Ben Keller", "First touch: due", "next rep"):
            assert part in page
        assert "<b>Eve" not in page

    def test_reads_a_described_lead(self, house: desk.Company, france: RoutingRule) -> None:
        asked = {"go": "yes", "lead.country": "France", "attributes": json.dumps({"trait.plan": "pro"})}
        page = signed_in(house.manager).get("/simulator/", asked)
        assert page.status_code == 200
        assert "chosen" in page.content.decode()
        wrong = signed_in(house.manager).get("/simulator/", {"go": "yes", "attributes": '{"lead.land": 1}'})
        assert wrong.status_code == 422
        assert "there is no “lead.land”" in wrong.content.decode()

    def test_keeps_the_moment_that_was_asked_for_in_the_zone_of_who_asks(self, house: desk.Company) -> None:
        client = signed_in(house.manager)
        zone = ZoneInfo(house.manager.time_zone)
        asked = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
        page = client.get("/simulator/", {"go": "yes", "at": asked.isoformat()}).content.decode()
        assert page.count(f'value="{asked.astimezone(zone):%Y-%m-%dT%H:%M}"') == 2
        assert client.get("/simulator/").content.decode().count('name="at" value=""') == 2
        wrong = client.get("/simulator/", {"go": "yes", "at": "noon"})
        assert wrong.status_code == 422
        assert "“noon” is no instant" in wrong.content.decode()

    def test_is_for_those_who_route(self, house: desk.Company) -> None:
        assert signed_in(house.ben.user).get("/simulator/").status_code == 404
        assert Client().get("/simulator/").status_code == 302
        manager = signed_in(house.manager)
        assert manager.get("/simulator/", {"lead": str(uuid.uuid4())}).status_code == 404
        assert manager.get("/simulator/", {"lead": "x"}).status_code == 404
        elsewhere = desk.company(clock.now())
        held = elsewhere.accepted(now=clock.now()).episode.lead
        assert manager.get("/simulator/", {"lead": str(held.public_id)}).status_code == 404

    def test_asks_as_much_of_many_reps_as_of_few(self, house: desk.Company) -> None:
        client = signed_in(house.manager)
        lead = house.lead(now=clock.now())
        client.get("/simulator/", {"lead": str(lead.public_id)})
        with CaptureQueriesContext(connection) as few:
            client.get("/simulator/", {"lead": str(lead.public_id)})
        for number in range(6):
            desk.rep_in(house.team, f"Rep {number}")
        with CaptureQueriesContext(connection) as many:
            client.get("/simulator/", {"lead": str(lead.public_id)})
        assert len(many) <= len(few)


class TestTheApi:
    def ask(self, user: User, body: Any) -> Any:
        key = new_key("ak")
        ApiKey.objects.create(user=user, name="test", prefix=key[:8], key_hash=digest(key))
        return Client().post(
            "/api/v1/simulate/", body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )

    def test_says_the_same(self, house: desk.Company, now: datetime) -> None:
        lead = house.lead(now=now)
        answer = self.ask(house.manager, {"lead": str(lead.public_id), "at": "2026-03-10T15:00:00Z"})
        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert told["chosen"] in {str(house.ben.user.public_id), str(house.ada.user.public_id)}
        assert told["promises"][0]["due_at"] == "2026-03-10T17:00:00Z"
        assert self.ask(house.manager, {"attributes": {"episode.tier": "hot"}}).json()["ends"] == "offer"

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 422), ({"lead": "x"}, 404), ({"lead": str(uuid.uuid4())}, 404), ({"attributes": {}, "lead": "x"}, 422),
            ({"attributes": {"x": 1}}, 422), ({"attributes": {}, "at": "noon"}, 422), ({"attributes": 3}, 422),
            ([], 422), ({"attributes": {}, "when": "now"}, 422),
        ],
    )  # fmt: skip
    def test_names_what_is_wrong(self, body: Any, status: int, house: desk.Company) -> None:
        answer = self.ask(house.manager, body)
        assert answer.status_code == status, answer.content

    def test_is_for_those_who_route(self, house: desk.Company) -> None:
        assert self.ask(house.ben.user, {"attributes": {}}).status_code == 403
        assert self.ask(desk.person(Role.REVOPS, "Ria Ops"), {"attributes": {}}).status_code == 200


class TestSignals:
    @pytest.fixture
    def customer(self, house: desk.Company, now: datetime) -> Lead:
        lead = house.lead(now=now)
        outcomes.record(lead, "won", at=now, now=now, via="api")
        holding.hold(lead, user=house.ada.user, team=house.team, now=now)
        lead.refresh_from_db()
        return lead

    def test_of_a_customer_go_where_they_then_go(self, house: desk.Company, customer: Lead, now: datetime) -> None:
        later = now + timedelta(hours=1)
        with without_a_trace():
            told = simulating.simulate(simulating.asked_of(customer, at=later))
        desk.act(customer, "Requested Demo", at=later)
        assessment.assess(now=later)
        handoff = Handoff.objects.get(episode__lead=customer, lane="signal")
        assert told.told is not None
        assert (told.told.user, told.told.team) == (handoff.user, handoff.team) == (house.ada.user, house.team)
        assert told.says.startswith("A signal to Ada Brook (West")
        assert "who holds the lead" in told.says
        due = {clock.target: clock.due_at for clock in handoff.clocks.all()}
        assert {each.target: each.deadline.due_at for each in told.promises} == due
        assert {rule.result for rule in told.rules} == {"not asked"}
        answer = simulating.as_json(told)
        assert (answer["lane"], answer["chosen"]) == ("signal", str(house.ada.user.public_id))

    def test_go_to_the_owner_or_a_manager_where_the_holder_is_away(
        self, house: desk.Company, customer: Lead, now: datetime
    ) -> None:
        def goes_to() -> Any:
            return simulating.simulate(simulating.asked_of(customer, at=now + timedelta(hours=1))).told

        desk.away(house.ada, now=now)
        found = goes_to()
        assert found is not None
        assert (found.user, found.why) == (house.manager, "manages the team")
        owner = desk.person(Role.MARKETING, "Olga Hart")
        customer.account = Account.objects.create(name="Brightforge", owner=owner, created_at=now)
        customer.save()
        assert goes_to() == (owner, house.team, "owns the account")

    def test_on_paper_go_to_a_manager_whatever_the_lane(self, house: desk.Company, now: datetime) -> None:
        given = {"lead.stage": "CUSTOMER", "episode.lane": "normal"}
        with without_a_trace():
            told = simulating.simulate(simulating.on_paper(given, at=now))
        assert told.told is not None
        assert (told.told.user, [each.target for each in told.promises]) == (house.manager, ["first_touch"])

    def test_wait_where_nobody_is_there(self, house: desk.Company, now: datetime) -> None:
        User.objects.update(is_active=False)
        told = simulating.simulate(simulating.on_paper({"lead.stage": "CUSTOMER"}, at=now))
        assert (told.told, told.decision.ends.value) == (None, "nobody")
        assert "It would wait: nobody who works here holds the lead" in told.says
        assert [each.target for each in told.promises] == ["assign"]

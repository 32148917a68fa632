"""Why this rep and why not another one: sentences out of the stored trace, for who may ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import clock
from leads.models import Role, User
from sla import publishing, routing, simulating
from sla.models import Absence, Handoff, Rep, RoutingRule
from sla.routing import candidates
from sla.simulating import Asked
from sla.why.sentences import Told, why
from tests.desk import Company, company, person, rep_in

BERLIN = ZoneInfo("Europe/Berlin")
BEN, ADA, CLEO = 1, 2, 3
CHOSEN = {"rep": BEN, "load": 3, "capacity": 20, "position": 1, "owed": 0.67, "weight": 100}


def told(code: str, *, reason: str = "round robin", chosen: Any = None, **numbers: Any) -> str:
    """What is said of Ada, whose line has this code."""
    line = {"rep": ADA, "load": 4, "capacity": 20} | numbers
    trace = {
        "why": reason,
        "rules": [{"name": "Everyone", "result": "chosen", "team": 7}],
        "chosen": CHOSEN | (chosen or {}),
        "next": [line | {"position": 2}] if code == "next" else [],
        "others": [line | {"code": code}] if code != "next" else [],
    }
    return why(ADA, Told.of_trace(trace, got_it="Ben", team="West"), zone=BERLIN)


class TestSentences:
    @pytest.mark.parametrize(
        ("code", "numbers", "says"),
        [
            ("away", {"away_until": "2026-03-10T14:00:00+00:00"}, "away until Tue 10 Mar 15:00"),
            ("away", {}, "away"),  # of a trace that did not keep it yet
            ("closed", {"opens_at": "2026-03-11T08:00:00+00:00"}, "outside their hours until Wed 11 Mar 09:00"),
            ("no_skill", {"lacks": ["enterprise", "hebrew"]}, "lacks a skill that is needed: enterprise, hebrew"),
            ("no_language", {}, "does not speak a language that is needed"),
            ("full", {"load": 20}, "no room, 20 of 20 open"),
            ("day_full", {"today": 5, "daily_cap": 5}, "at the daily cap, 5 of 5 leads that day"),
            ("said_no", {}, "said no to this lead before"),
            ("inactive", {}, "no longer receives leads"),
            (
                "next",
                {"owed": -0.33, "weight": 50},
                "number 2 in line (owed −0.33 leads at weight 50, 4 of 20 open); "
                "Ben was first, by round robin: owed 0.67 leads, weight 100",
            ),
            ("later", {}, "further down the line (4 of 20 open); Ben was first, by round robin: owed 0.67 leads"),
            ("had_it", {}, "had it before, so behind those who had not (4 of 20 open); Ben was first"),
        ],
    )
    def test_say_what_stood_in_the_way_with_the_numbers(self, code: str, numbers: Any, says: str) -> None:
        assert told(code, **numbers).startswith(says)

    def test_compare_what_decided(self) -> None:
        due = {"due_at": "2026-03-10T09:00:00+00:00"}
        assert told("next", chosen=due, due_at="2026-03-10T14:15:00+00:00").endswith(
            "due Tue 10 Mar 10:00 there, Tue 10 Mar 15:15 here"
        )
        assert told("next", reason="least loaded").endswith("by least loaded: 3 of 20 open")
        assert told("next", reason="account owner").endswith("Ben was first, by account owner")

    def test_have_a_word_for_every_code(self) -> None:
        for code in {*candidates.IN_WORDS, candidates.LATER} - {candidates.ELIGIBLE}:
            assert told(code), code

    def test_say_where_nobody_was_compared(self) -> None:
        by_hand = Told.of_trace({"why": "by hand"}, got_it="Ben", team="West")
        assert why(ADA, by_hand, zone=BERLIN) == "nobody was compared; Ben got it by hand"

    def test_say_which_rule_chose_another_team(self) -> None:
        rules = [
            {"name": "Europe", "result": "does not hold", "team": 8},
            {"name": "Asia", "result": "does not hold", "team": 9},
            {"name": "Everyone", "result": "chosen", "team": 7},
        ]
        trace = {"why": "round robin", "rules": rules, "chosen": CHOSEN}
        said = why(CLEO, Told.of_trace(trace, got_it="Ben", team="West"), zone=BERLIN, teams=[(8, "Berlin")])
        assert said == ("not in West, to which the rule “Everyone” sent it; the rule “Europe” to Berlin: does not hold")


@pytest.mark.django_db
class TestOnTheLeadsPage:
    @pytest.fixture
    def now(self) -> datetime:
        return clock.now()

    @pytest.fixture
    def house(self, now: datetime) -> Company:
        made = company(now)
        made.ben.skills, made.ben.capacity = ["enterprise"], 3
        made.ben.save()
        publishing.put(
            RoutingRule(name="<b>Big</b>", position=-1, team=made.team, needs_skills=["Enterprise"]),
            why="Agreed", now=now, by=None,
        )  # fmt: skip
        return made

    @pytest.fixture
    def handoff(self, house: Company, now: datetime) -> Handoff:
        """Ben alone can; Ada lacks a skill, Dan is away."""
        dan = rep_in(house.team, "Dan <i>Reed</i>")
        Absence.objects.create(rep=dan, starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=2))
        episode = house.episode(house.lead(now=now), now=now)
        made = routing.route(episode.pk, now=now)
        assert made is not None
        assert made.user == house.ben.user
        return made

    def page(self, user: User, handoff: Handoff, rep: Any = None, **headers: str) -> Any:
        client = Client()
        client.force_login(user)
        asked = {"rep": str(rep.user.public_id if isinstance(rep, Rep) else rep)} if rep is not None else {}
        return client.get(f"/leads/{handoff.episode.lead.public_id}/why-not/", asked, headers=headers)

    def test_answers_the_rep_who_has_it(self, house: Company, handoff: Handoff) -> None:
        shown = self.page(house.ben.user, handoff).content.decode()
        assert "Ben Keller: first in line, by round robin (owed 0 leads at weight 100, 0 of 3 open)." in shown
        shown = self.page(house.ben.user, handoff, house.ada, **{"HX-Request": "true"}).content.decode()
        assert "Ada Brook: lacks a skill that is needed: enterprise." in shown
        assert "<html" not in shown

    def test_answers_a_manager_of_anybody_even_outside_the_team(
        self, house: Company, handoff: Handoff, now: datetime
    ) -> None:
        other = company(now)
        shown = self.page(house.manager, handoff, other.ada).content.decode()
        assert f"not in {house.team}, to which the rule “&lt;b&gt;Big&lt;/b&gt;” sent it" in shown
        assert self.page(house.ben.user, handoff, other.ada).status_code == 404, "a rep asks about their team"

    def test_shows_hostile_names_as_text(self, house: Company, handoff: Handoff) -> None:
        dan = Rep.objects.get(user__full_name__startswith="Dan")
        shown = self.page(house.manager, handoff, dan).content.decode()
        assert "Dan &lt;i&gt;Reed&lt;/i&gt;: away until" in shown
        assert "<i>Reed" not in shown

    def test_is_closed_to_strangers(self, house: Company, handoff: Handoff, now: datetime) -> None:
        for stranger in (house.ada.user, company(now).ben.user, company(now).manager):
            assert self.page(stranger, handoff).status_code == 404
        assert self.page(house.manager, handoff, "1' OR 1=1").status_code == 404
        assert Client().get(f"/leads/{handoff.episode.lead.public_id}/why-not/").status_code == 302

    def test_is_nothing_before_the_first_offer(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now)
        client = Client()
        client.force_login(person(Role.REVOPS, "Rita Ops"))
        assert client.get(f"/leads/{lead.public_id}/why-not/").status_code == 404

    def test_stays_as_it_was_when_things_change(self, house: Company, handoff: Handoff) -> None:
        before = self.page(house.manager, handoff, house.ada).content.decode()
        Rep.objects.filter(pk=house.ada.pk).update(skills=["enterprise"], capacity=1)
        assert "lacks a skill that is needed: enterprise" in before
        assert (
            "lacks a skill that is needed: enterprise" in self.page(house.manager, handoff, house.ada).content.decode()
        )

    def test_is_reached_from_the_story(self, house: Company, handoff: Handoff) -> None:
        client = Client()
        client.force_login(house.ben.user)
        lead = handoff.episode.lead.public_id
        assert f"/leads/{lead}/why-not/" in client.get(f"/leads/{lead}/story/").content.decode()

    def test_asks_as_often_for_many_reps_as_for_few(
        self, house: Company, handoff: Handoff, now: datetime, django_assert_num_queries: Any
    ) -> None:
        client = Client()
        client.force_login(house.manager)
        url = f"/leads/{handoff.episode.lead.public_id}/why-not/"
        client.get(url)
        with CaptureQueriesContext(connection) as few:
            client.get(url)
        for number in range(15):
            rep_in(house.team, f"Eve {number}")
        with django_assert_num_queries(len(few)):
            client.get(url)

    def test_is_said_by_the_simulator_too(self, house: Company, handoff: Handoff, now: datetime) -> None:
        lead = house.lead(now=now)
        told = simulating.simulate(Asked(lead, house.episode(lead, now=now), now))
        says = {str(each.candidate.rep.user): each.says for each in told.reps}
        assert says["Ada Brook"] == "lacks a skill that is needed: enterprise"
        assert says["Ben Keller"].startswith("first in line, by round robin")
        assert says["Dan <i>Reed</i>"].startswith("away until ")

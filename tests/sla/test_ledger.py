"""The fairness ledger: anyone may open it and count again."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from fractions import Fraction
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads.models import User
from sla import routing
from sla.models import FairnessPool, Handoff
from sla.routing import assigning, ledger
from tests import desk
from tests.desk import Company

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(now: datetime) -> Company:
    """Ben takes two leads where Ada takes one."""
    house = desk.company(now)
    house.ben.weight = 2 * house.ada.weight
    house.ben.save(update_fields=["weight"])
    return house


def route(house: Company, count: int, *, at: datetime) -> list[Handoff]:
    made = []
    for _ in range(count):
        handoff = routing.route(house.episode(house.lead(now=at), now=at).pk, now=at)
        assert handoff is not None
        made.append(handoff)
    return made


def pool_of(house: Company, heat: str = "warm") -> FairnessPool:
    return ledger.pools().get(desk__team=house.team, heat=heat)


class TestTheLedger:
    def test_counts_what_was_due_and_given(self, house: Company, now: datetime) -> None:
        route(house, 4, at=now)
        told = ledger.of(ledger.spans(pool_of(house))[0])
        by_name = {str(line.rep): line for line in told.lines}
        assert (told.turns, told.ends_at, told.is_within_a_lead) == (4, None, True)
        assert by_name["Ben Keller"].quota == Fraction(8, 3)
        assert by_name["Ada Brook"].quota == Fraction(4, 3)
        assert sum(line.given for line in told.lines) == 4
        assert sum(line.difference for line in told.lines) == 0

    def test_begins_a_span_where_the_line_changes(self, house: Company, now: datetime) -> None:
        route(house, 2, at=now)
        house.ada.weight = house.ben.weight
        house.ada.save(update_fields=["weight"])
        route(house, 1, at=now + MINUTE)
        second, first = ledger.spans(pool_of(house))
        assert ledger.of(first).ends_at == second.began_at
        assert (ledger.of(first).turns, ledger.of(second).turns) == (2, 1)
        carried = [line.carried for line in ledger.of(second).lines]
        assert sum(carried) == 0
        assert any(carried), "what was owed is carried on"

    def test_shows_beside_it_what_was_nobodys_turn(self, house: Company, now: datetime) -> None:
        route(house, 1, at=now)
        episode = house.episode(house.lead(now=now), now=now)
        assigning.give(episode.pk, rep=house.ada.user, by=house.manager, now=now)
        told = ledger.of(ledger.spans(pool_of(house))[0])
        by_name = {str(line.rep): line for line in told.lines}
        assert told.turns == 1
        assert told.ways == ["by hand"]
        assert by_name["Ada Brook"].beside["by hand"] == 1
        assert not by_name["Ben Keller"].beside


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestThePage:
    def test_is_open_to_everybody_who_is_signed_in(self, house: Company, now: datetime) -> None:
        route(house, 3, at=now)
        for user in (house.ben.user, house.manager, desk.person("marketing", "Theo Marsh")):
            page = signed_in(user).get("/fairness/")
            assert page.status_code == 200
            assert "Everybody is less than a whole lead from their quota." in page.content.decode()
        assert Client().get("/fairness/").status_code == 302

    def test_draws_what_the_table_says(self, house: Company, now: datetime) -> None:
        route(house, 3, at=now)
        page = signed_in(house.ben.user).get("/fairness/").content.decode()
        assert "Ben Keller: 2 given, 2 due" in page
        assert page.count("picture-bar") == 2
        assert 'style="' not in page

    def test_gives_the_table_as_csv(self, house: Company, now: datetime) -> None:
        User.objects.filter(pk=house.ada.user_id).update(full_name="=1+1")
        route(house, 4, at=now)
        answer = signed_in(house.ben.user).get("/fairness/", {"pool": pool_of(house).pk, "format": "csv"})
        assert answer["Content-Type"].startswith("text/csv")
        rows = list(csv.reader(StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0][:6] == ["Rep", "Weight", "Given", "Quota", "Difference", "Carried in"]
        assert {row[0] for row in rows[1:]} == {"Ben Keller", "'=1+1"}
        assert sum(int(row[2]) for row in rows[1:]) == 4

    @pytest.mark.parametrize("asked", [{"pool": "0"}, {"pool": "x"}, {"span": "99"}, {"span": "x"}])
    def test_knows_no_other(self, asked: dict[str, str], house: Company, now: datetime) -> None:
        route(house, 1, at=now)
        assert signed_in(house.ben.user).get("/fairness/", asked).status_code == 404

    def test_says_what_to_wait_for_where_there_is_nothing(self, house: Company) -> None:
        assert "No turns yet." in signed_in(house.ben.user).get("/fairness/").content.decode()

    def test_asks_as_much_for_many_reps_as_for_few(self, house: Company, now: datetime) -> None:
        route(house, 2, at=now)
        client = signed_in(house.ben.user)
        client.get("/fairness/")
        with CaptureQueriesContext(connection) as few:
            client.get("/fairness/")
        for number in range(5):
            desk.rep_in(house.team, f"Rep {number}")
        route(house, 9, at=now + MINUTE)
        with CaptureQueriesContext(connection) as many:
            client.get("/fairness/")
        assert len(many) == len(few)

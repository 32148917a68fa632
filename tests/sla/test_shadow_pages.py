"""The pages of shadow: begun and ended by those who may, read by those whom it concerns, unknown to everybody else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads import clock
from leads.models import Notification, Role, Team, TeamMembership, User
from scoring.models import Episode, Tier
from sla import routing, simulating, touches
from sla.models import Handoff, PaperOffer, RoutingRule, Shadow
from sla.shadow import reporting, settling, switches
from tests import desk
from tests.desk import Company, person

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Get = Callable[..., Any]


@pytest.fixture
def house(now: datetime, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr(clock, "now", lambda: now)
    return desk.company(now)


@pytest.fixture
def revops(house: Company) -> User:
    return person(Role.REVOPS, "Rea Ops")


@pytest.fixture
def stranger(house: Company) -> User:
    """Manages another team."""
    user = person(Role.MANAGER, "Nora Else")
    TeamMembership.objects.create(team=Team.objects.create(name="Elsewhere"), user=user, is_manager=True)
    return user


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def routed(house: Company, *, now: datetime, tier: str = Tier.WARM) -> Episode:
    episode = house.episode(house.lead(now=now), now=now, tier=tier)
    routing.route(episode.pk, now=now)
    return episode


def of_team(house: Company, *, now: datetime) -> Shadow:
    return switches.begin(team=house.team, why="To try it", now=now, by=house.manager)


class TestSwitches:
    def test_are_for_revops_and_for_managers_of_the_team(
        self, house: Company, revops: User, stranger: User, now: datetime
    ) -> None:
        of = f"team:{house.team.pk}"
        assert as_(house.ben.user).get("/shadow/").status_code == 404
        assert as_(stranger).post("/shadow/", {"of": of}).status_code == 422
        assert as_(house.manager).post("/shadow/", {"of": "everything"}).status_code == 422
        assert not Shadow.objects.exists()

        assert as_(house.manager).post("/shadow/", {"of": of, "why": "=try()"}).status_code == 302
        begun = Shadow.objects.get()
        assert (begun.team, begun.began_by, begun.began_at, begun.why) == (house.team, house.manager, now, "=try()")
        again = as_(revops).post("/shadow/", {"of": of})
        assert again.status_code == 422
        assert "runs in shadow already" in again.content.decode()
        rule = RoutingRule.objects.get()
        assert as_(revops).post("/shadow/", {"of": f"rule:{rule.pk}"}).status_code == 302
        assert as_(revops).post("/shadow/", {"of": "everything"}).status_code == 302
        assert Shadow.objects.filter(ended_at=None).count() == 3

    def test_show_what_stands_on_paper_before_going_live(
        self, house: Company, revops: User, stranger: User, now: datetime
    ) -> None:
        shadow = of_team(house, now=now)
        for _ in range(2):
            routed(house, now=now)
        path = reverse("shadow-live", args=[shadow.public_id])
        for user in (house.ben.user, stranger):
            assert as_(user).get(path).status_code == 404
            assert as_(user).post(path, {"ending": "route"}).status_code == 404
        page = as_(house.manager).get(path).content.decode()
        assert "2 on paper now" in page
        assert as_(house.manager).post(path, {"ending": "flood"}).status_code == 302
        shadow.refresh_from_db()
        assert shadow.ended_at is None
        assert as_(house.manager).post(path, {"ending": "route"}).status_code == 302
        shadow.refresh_from_db()
        assert (shadow.ended_at, shadow.ended_by, shadow.ending) == (now, house.manager, "route")
        assert settling.settle(lambda: now) == 2
        assert "Nothing. Everything is routed for real." in as_(revops).get("/shadow/").content.decode()

    def test_of_everything_are_not_a_managers_to_end(self, house: Company, now: datetime) -> None:
        shadow = switches.begin(why="", now=now, by=None)
        assert as_(house.manager).get(reverse("shadow", args=[shadow.public_id])).status_code == 200
        assert as_(house.manager).get(reverse("shadow-live", args=[shadow.public_id])).status_code == 404

    def test_stand_in_the_admin(self, house: Company, revops: User, now: datetime) -> None:
        revops.is_staff = True
        revops.save()
        client = as_(revops)
        added = client.post(reverse("admin:sla_shadow_add"), {"team": house.team.pk, "rule": "", "why": "Look"})
        assert added.status_code == 302
        begun = Shadow.objects.get()
        assert (begun.team, begun.began_by) == (house.team, revops)
        again = client.post(reverse("admin:sla_shadow_add"), {"team": house.team.pk, "rule": "", "why": ""})
        assert "runs in shadow already" in again.content.decode()
        assert client.get(reverse("admin:sla_shadow_changelist")).status_code == 200
        assert client.get(reverse("admin:sla_shadow_change", args=[begun.pk])).status_code == 200


class TestReport:
    def test_tells_to_whom_how_fast_and_what_truly_happened(self, house: Company, revops: User, now: datetime) -> None:
        shadow = of_team(house, now=now)
        kept, late, open_now = (routed(house, now=now) for _ in range(3))
        for episode, after in ((kept, HOUR), (late, 5 * HOUR)):
            given = {"means": "call", "outcome": "reached", "performed_by": house.manager, "recorded_by": None}
            at = now + after
            touches.record(episode.lead_id, **given, occurred_at=at, now=at, by_machine=True)
        told = reporting.report(shadow, Team.objects.all(), now=now + 3 * HOUR)

        assert told.verdicts == {"met": 1, "missed": 1, "running": 1, "voided": 0}
        later = reporting.report(shadow, Team.objects.all(), now=now + DAY)
        assert later.verdicts == {"met": 1, "missed": 2, "running": 0, "voided": 0}
        by_lead = {line.offer.matter.episode_id: line for line in told.lines}
        assert by_lead[kept.pk].verdicts == {"assign": "met", "accept": "not known", "first_touch": "met"}
        assert (by_lead[kept.pk].reached_in, by_lead[kept.pk].touched_by) == (HOUR, str(house.manager))
        assert by_lead[open_now.pk].touched_at is None
        assert sum(group.count for group in told.groups) == 3
        assert sum(group.share for group in told.groups) == 1
        assert [(float(each.quota), each.given) for each in told.shares if each.rep == house.ben][0][0] == 1.5
        assert all(abs(each.quota - each.given) < 1 for each in told.shares)

    def test_counts_who_passed_capacity_and_when_nobody_could(self, house: Company, now: datetime) -> None:
        for rep in (house.ben, house.ada):
            rep.capacity = 1
            rep.save()
        shadow = of_team(house, now=now)
        for _ in range(3):
            routed(house, now=now)
        routing.route(house.episode(house.lead(now=now), now=now, fast=True).pk, now=now)
        told = reporting.report(shadow, Team.objects.all(), now=now)

        assert sum(group.over_capacity for group in told.groups) == 1
        (nobody,) = told.nobody
        assert (nobody.team, nobody.matters, nobody.still) == (house.team.name, 1, 1)
        assert nobody.why == ["at capacity: 1"]

    def test_is_a_page_and_a_file_for_whom_it_concerns(
        self, house: Company, revops: User, stranger: User, now: datetime
    ) -> None:
        shadow = of_team(house, now=now)
        path = reverse("shadow", args=[shadow.public_id])
        RoutingRule.objects.update(name="=cmd()")
        episode = routed(house, now=now)
        with CaptureQueriesContext(connection) as few:
            assert as_(revops).get(path).status_code == 200
        for _ in range(4):
            routed(house, now=now)
        with CaptureQueriesContext(connection) as many:
            page = as_(house.manager).get(path).content.decode()
        assert len(many) <= len(few) + 2  # the teams of a manager
        assert "Turns that weights decided" in page
        assert "5 offers on paper" in page
        told = list(csv.DictReader(as_(revops).get(f"{path}?format=csv").content.decode().splitlines()))
        assert len(told) == 5
        mine = next(row for row in told if row["lead"] == str(episode.lead.public_id))
        assert (mine["rule"], mine["first_touch"], mine["accept"]) == ("'=cmd()", "running", "not known")
        assert mine["offered_at"] == now.isoformat()
        for user in (house.ben.user, stranger, person(Role.MARKETING, "Mara Ket")):
            assert as_(user).get(path).status_code == 404

    def test_of_everything_shows_a_manager_their_teams_alone(
        self, house: Company, stranger: User, now: datetime
    ) -> None:
        shadow = switches.begin(why="", now=now, by=None)
        routed(house, now=now)
        path = reverse("shadow", args=[shadow.public_id])
        assert "1 offer on paper" in as_(house.manager).get(path).content.decode()
        assert "0 offers on paper" in as_(stranger).get(path).content.decode()


class TestElsewhere:
    def test_the_lead_page_says_so_and_tells_reps_no_name(self, house: Company, revops: User, now: datetime) -> None:
        of_team(house, now=now)
        episode = routed(house, now=now)
        offer = PaperOffer.objects.get()
        told = as_(revops).get(reverse("lead-promise", args=[episode.lead.public_id])).content.decode()
        assert f"would have been offered to {offer.user}" in told
        story = as_(revops).get(reverse("lead-story", args=[episode.lead.public_id])).content.decode()
        assert f"On paper: {offer.user} would have been offered it" in story

        Handoff.objects.all().delete()
        TeamMembership.objects.filter(user=house.ben.user).update(is_manager=False)
        lead = episode.lead
        lead.holder = house.ben.user  # as an owner's lead, which a rep may read
        lead.save()
        seen = as_(house.ben.user).get(reverse("lead-promise", args=[lead.public_id])).content.decode()
        assert "On paper: what would route it runs in shadow." in seen
        assert "would have been offered" not in seen
        story = as_(house.ben.user).get(reverse("lead-story", args=[lead.public_id])).content.decode()
        assert "would have been" not in story

    def test_the_board_lists_none_of_it(self, house: Company, now: datetime) -> None:
        of_team(house, now=now)
        episode = routed(house, now=now)
        page = as_(house.manager).get("/board/").content.decode()
        assert episode.lead.name not in page
        assert "1 on paper, in shadow" in page
        give = reverse("episode-give", args=[episode.public_id])
        assert as_(house.manager).post(give, {"rep": house.ben.user.public_id}).status_code == 404

    def test_the_simulator_says_so(self, house: Company, now: datetime) -> None:
        of_team(house, now=now)
        told = simulating.simulate(simulating.asked_of(house.lead(now=now), at=now))
        assert "All of it on paper" in told.says
        assert simulating.as_json(told)["shadow"] == f"Team {house.team}"
        assert not PaperOffer.objects.exists()

    def test_nobody_is_told_by_anything_of_it(self, house: Company, now: datetime) -> None:
        of_team(house, now=now)
        for tier in Tier:
            routed(house, now=now, tier=tier)
        routing.route_waiting(lambda: now + DAY)
        assert not Notification.objects.exists()

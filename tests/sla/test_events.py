"""What endpoints outside are told of, and when it is kept from them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import erasing
from leads.models import Endpoint, Notification, Team
from sla import clocks, handoffs, publishing
from sla.clocks import escalation
from sla.handoffs import UNDO_FOR
from sla.models import Clock, PolicyTarget
from sla.telling import events, sums
from tests.desk import Company, clock_of, company, promise

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def listen(now: datetime, *of: str, kind: str = "standard", team: Team | None = None, **fields: Any) -> Endpoint:
    return Endpoint.objects.create(
        name=f"{kind} {Endpoint.objects.count()}",
        kind=kind,
        url="https://hooks.example/in",
        events=list(of or events.EVENTS),
        team=team,
        created_at=now,
        **fields,
    )


def told(endpoint: Endpoint, state: str = "queued") -> list[str]:
    rows = Notification.objects.filter(endpoint=endpoint, state=state)
    return list(rows.order_by("pk").values_list("kind", flat=True))


class TestListening:
    def test_hears_the_whole_way_of_a_lead(self, house: Company, now: datetime) -> None:
        ear = listen(now)
        handoff = house.offered(now=now)
        handoffs.accept(handoff.pk, by=house.ben.user, now=now)
        handoffs.convert(handoff.pk, by=house.ben.user, now=now + timedelta(hours=1))
        assert told(ear) == ["episode.waiting", "handoff.offered", "handoff.accepted", "handoff.converted"]

    def test_hears_only_what_it_asked_for(self, house: Company, now: datetime) -> None:
        ear = listen(now, "handoff.accepted")
        house.accepted(now=now)
        assert told(ear) == ["handoff.accepted"]

    def test_hears_nothing_while_it_is_off(self, house: Company, now: datetime) -> None:
        ear = listen(now, is_active=False)
        house.accepted(now=now)
        assert told(ear) == []

    def test_hears_of_its_team_alone(self, house: Company, now: datetime) -> None:
        ours, others = listen(now, team=house.team), listen(now, team=Team.objects.create(name="East"))
        house.offered(now=now)
        assert told(ours) == ["handoff.offered"]
        assert told(others) == []

    def test_refuses_an_event_there_is_not(self, house: Company, now: datetime) -> None:
        with pytest.raises(ValueError, match="no event 'handoff.eaten'"):
            events.tell("handoff.eaten", handoff=house.offered(now=now), now=now)


class TestClocks:
    def test_tell_of_a_breach_once_and_that_the_lead_waits_in_the_pool(self, house: Company, now: datetime) -> None:
        ear = listen(now, "clock.breached", "episode.pooled")
        later, episode = now, house.episode(house.lead(now=now), now=now)
        for _ in range(2):
            episode.refresh_from_db()
            handoff = house.offer(episode, now=later)
            accept = clock_of(handoff, "accept")
            escalation.fire(accept.pk, now=accept.due_at)
            later = accept.due_at + timedelta(hours=2)
            escalation.fire(accept.pk, now=later)
        assert told(ear) == ["clock.breached", "clock.breached", "episode.pooled"]
        body = json.loads(Notification.objects.filter(kind="clock.breached").latest("pk").text)
        assert body["data"]["clock"]["target"] == "accept"
        assert body["data"]["clock"]["due_at"] == accept.due_at.isoformat()
        assert body["data"]["handoff"]["id"] == str(handoff.public_id)


class TestUndo:
    def test_keeps_a_verdict_from_everyone_outside(self, house: Company, now: datetime) -> None:
        ear = listen(now, "handoff.rejected", "handoff.undone", "episode.waiting")
        handoff = house.offered(now=now)
        handoffs.reject(handoff.pk, reason="wrong_territory", by=house.ben.user, now=now)
        row = Notification.objects.get(kind="handoff.rejected")
        assert row.not_before == now + UNDO_FOR
        handoffs.undo(handoff.pk, by=house.ben.user, now=now + timedelta(seconds=5))
        assert told(ear) == ["episode.waiting"]  # that it was opened
        assert told(ear, "cancelled") == ["episode.waiting", "handoff.rejected"]
        row.refresh_from_db()
        assert [step.what for step in row.steps.all()] == ["cancelled"]

    def test_leaves_an_earlier_verdict_alone(self, house: Company, now: datetime) -> None:
        ear = listen(now, "handoff.accepted", "handoff.converted")
        handoff = house.accepted(now=now)
        handoffs.convert(handoff.pk, by=house.ben.user, now=now + timedelta(seconds=4))
        handoffs.undo(handoff.pk, by=house.ben.user, now=now + timedelta(seconds=8))
        assert told(ear) == ["handoff.accepted"]

    def test_is_told_to_whom_was_told_already(self, house: Company, now: datetime) -> None:
        early, off = listen(now, "handoff.accepted"), listen(now, "handoff.accepted")
        handoff = house.accepted(now=now)
        Notification.objects.filter(endpoint=early).update(state="sent", settled_at=now)
        handoffs.undo(handoff.pk, by=house.ben.user, now=now + UNDO_FOR)
        assert told(early) == ["handoff.undone"]
        assert told(off) == []


class TestErasing:
    def test_empties_what_was_told_and_cancels_what_was_not(self, house: Company, now: datetime) -> None:
        ear = listen(now, "handoff.offered")
        handoff = house.offered(now=now)
        erasing.erase(handoff.episode.lead_id, by=None, now=now)
        assert Notification.objects.get(endpoint=ear, kind="handoff.offered").text == ""
        assert told(ear) == []


class TestPayload:
    def test_names_type_time_version_and_its_subjects(self, house: Company, now: datetime) -> None:
        listen(now, "handoff.offered")
        handoff = house.offered(now=now)
        body = json.loads(Notification.objects.get(kind="handoff.offered").text)
        assert {"type", "timestamp", "version", "data"} == set(body)
        assert (body["type"], body["version"]) == ("handoff.offered", 1)
        assert body["data"]["handoff"]["rep"] == {"email": house.ben.user.email, "name": "Ben Keller"}
        assert body["data"]["lead"]["id"] == str(handoff.episode.lead.public_id)
        assert body["data"]["handoff"]["state"] == "offered"

    @pytest.mark.parametrize("kind", ["slack", "teams", "mattermost"])
    def test_calls_nobody_and_links_nowhere_in_a_chat(self, house: Company, now: datetime, kind: str) -> None:
        listen(now, "handoff.offered", kind=kind)
        lead = house.lead(
            now=now,
            first_name="<!channel> @all @channel",
            last_name="[win](http://evil.example) <https://evil.example|x> **b** <at>Ben</at>\u202e\u200b\nhi",
        )
        house.offer(house.episode(lead, now=now), now=now)
        body = Notification.objects.get(kind="handoff.offered").text
        said = json.loads(body)
        assert "evil.example" not in body
        assert "@all" not in body
        assert "@channel" not in body
        assert "\u202e" not in body
        assert "\u200b" not in body
        if kind == "slack":
            plain, link = said["blocks"]
            assert plain["text"]["type"] == "plain_text"
            assert link["text"]["text"].count("<") == 1
            assert "<" not in said["text"]
        if kind == "teams":
            (card,) = (each["content"] for each in said["attachments"])
            runs = [run["type"] for block in card["body"] for run in block["inlines"]]
            assert set(runs) == {"TextRun"}
            assert len(card["actions"]) == 1
        if kind == "mattermost":
            assert "\\[win\\]\\(" in said["text"]
            assert "\\<\\!channel\\>" in said["text"]


class TestSum:
    """Whoever is told a due instant can check it."""

    @pytest.fixture
    def breached(self, house: Company, now: datetime) -> Clock:
        for kind in ("standard", "slack"):
            listen(now, "clock.breached", kind=kind)
        accept = clock_of(house.offered(now=now), "accept")
        escalation.fire(accept.pk, now=accept.due_at)
        return accept

    def test_comes_with_a_programs_event(self, breached: Clock) -> None:
        told = json.loads(Notification.objects.get(endpoint__kind="standard").text)["data"]["clock"]
        deadline = clocks.explain(breached)
        assert told["seconds"] == deadline.budget_seconds == sum(each["seconds"] for each in told["counted"])
        assert (told["counted"][0]["from"], told["counted"][-1]["to"]) == (
            breached.started_at.isoformat(),
            breached.due_at.isoformat(),
        )
        assert told["uncounted"] == []
        assert told["sum_is_cut"] is False

    def test_is_cut_where_it_is_long(self, breached: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sums, "MOST_FOR_PROGRAMS", 0)
        told = sums.for_programs(breached)
        assert (told["counted"], told["sum_is_cut"]) == ([], True)

    def test_comes_with_the_words_of_a_chat_in_the_zone_of_its_hours(self, breached: Clock, now: datetime) -> None:
        text = json.loads(Notification.objects.get(endpoint__kind="slack").text)["blocks"][0]["text"]["text"]
        assert "Due Tue 10 Mar, 17:00 (UTC)" in text
        assert "2 h of working time:\nTue 10 Mar, 15:00 – 17:00: 2 h counted" in text

    def test_is_told_in_the_zone_of_the_calendar(self, house: Company, now: datetime) -> None:
        spec = {"time_zone": "Europe/Berlin", "weekly": {"tue": [["09:00", "17:00"]], "wed": [["09:00", "17:00"]]}}
        publishing.publish_calendar(house.team.desk.calendar, spec, why="We moved", now=now, by=None)
        there = replace(house, policy=promise(now=now, hours=PolicyTarget.Hours.TEAM))
        assert sums.sum_of_hours(clock_of(there.offered(now=now), "accept")) == (
            "Wed 11 Mar, 10:00 (Europe/Berlin)",
            [
                "2 h of working time:",
                "Tue 10 Mar, 16:00 – 17:00: 1 h counted",
                "Tue 10 Mar, 17:00 – Wed 11 Mar, 09:00: not counted: outside hours",
                "Wed 11 Mar, 09:00 – 10:00: 1 h counted",
            ],
        )

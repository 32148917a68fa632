"""The watch is watched: signs of life, canaries, the state of the house, incidents and their two letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.db import IntegrityError, OperationalError
from django.test import Client

from leads import delivery
from leads.models import AwaitingAssessment, Endpoint, MailRelay, Notification, Role
from sla import clockwork
from sla.models import Canary, Clock, Heartbeat, Incident
from sla.watching import beats, canary, health, incidents, rounds, watchman
from sla.watching.health import DEGRADED, OK, RED, Facts, judge
from tests.desk import company, person

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def well(now: datetime) -> Facts:
    """Everything lives, and nothing waits."""
    return Facts(clock_at=now, sweep_at=now, worker_at=now, canary_armed=now)


def ago(now: datetime, seconds: int) -> datetime:
    return now - seconds * SECOND


class TestJudging:
    def test_a_house_that_lives_is_well(self, well: Facts, now: datetime) -> None:
        assert judge(well, has_broker=True, now=now).state == OK

    @pytest.mark.parametrize(
        ("part", "fact", "seconds", "state"),
        [
            ("clock", "clock_at", 30, OK),
            ("clock", "clock_at", 31, RED),
            ("clock", "clock_due", 45, OK),
            ("clock", "clock_due", 46, RED),
            ("clock", "canary_due", 45, OK),
            ("clock", "canary_due", 46, RED),
            ("clock", "canary_armed", 151, RED),
            ("clock", "sweep_at", 121, RED),
            ("worker", "worker_at", 120, OK),
            ("worker", "worker_at", 121, RED),
            ("outbox", "letter_due", 60, OK),
            ("outbox", "letter_due", 61, RED),
            ("outbox", "letter_stuck", 61, RED),
            ("outbox", "canary_queued", 61, RED),
            ("outbox", "refused_since", 600, DEGRADED),
            ("outbox", "refused_since", 601, RED),
            ("assessment", "mark_since", 61, DEGRADED),
            ("assessment", "mark_since", 901, RED),
        ],
    )
    def test_each_fact_has_its_limit(
        self, part: str, fact: str, seconds: int, state: str, well: Facts, now: datetime
    ) -> None:
        known = replace(well, **{fact: ago(now, seconds)})
        found = judge(known, has_broker=True, now=now)
        assert {other.name: other.state for other in found.parts if other.state != OK} == (
            {part: state} if state != OK else {}
        )

    def test_a_worker_that_is_gone_only_degrades_the_whole(self, well: Facts, now: datetime) -> None:
        found = judge(replace(well, worker_at=None), has_broker=True, now=now)
        assert (found.part("worker").state, found.state) == (RED, DEGRADED)  # type: ignore[union-attr]

    def test_without_valkey_nobody_misses_the_worker(self, well: Facts, now: datetime) -> None:
        found = judge(replace(well, worker_at=None), has_broker=False, now=now)
        assert {part.name for part in found.parts if part.state == DEGRADED} == {"worker", "broker"}
        assert found.state == DEGRADED

    def test_a_letter_that_left_meanwhile_says_that_the_mail_server_takes_some(
        self, well: Facts, now: datetime
    ) -> None:
        known = replace(well, refused_since=ago(now, 3600), letter_sent=ago(now, 5))
        assert judge(known, has_broker=True, now=now).state == DEGRADED

    def test_a_relay_on_hold_is_shown_as_what_it_is(self, well: Facts, now: datetime) -> None:
        until = now + 90 * SECOND
        held = replace(well, relay_held_until=until, refused_since=ago(now, 30), endpoints_held=2)
        part = judge(held, has_broker=True, now=now).part("outbox")
        assert part is not None
        assert (part.state, part.numbers["endpoints_held"]) == (DEGRADED, 2)
        hold = f"Mail is on hold and is tried again at {until:%H:%M:%S} UTC; none is lost."
        assert part.says == f"The mail server fails. {hold} 2 endpoints fail and are tried again."
        long = judge(replace(held, refused_since=ago(now, 700)), has_broker=True, now=now).part("outbox")
        assert long is not None
        assert (long.state, hold in long.says) == (RED, True)

    def test_an_endpoint_that_fails_is_told_and_breaks_nothing(self, well: Facts, now: datetime) -> None:
        part = judge(replace(well, endpoints_held=1), has_broker=True, now=now).part("outbox")
        assert part is not None
        assert (part.state, part.says) == (OK, "Delivers. 1 endpoint fails and is tried again.")

    def test_a_house_without_a_clock_names_the_way_out(self, now: datetime) -> None:
        part = judge(Facts(), has_broker=True, now=now).part("clock")
        assert part is not None
        assert (part.state, "manage.py runclock" in part.says) == (RED, True)


@pytest.mark.django_db
class TestFacts:
    def test_know_the_hold_of_the_relay_and_of_endpoints(self, now: datetime) -> None:
        company(now).offered(now=now - MINUTE)
        Notification.objects.update(not_before=now - MINUTE)
        until = now + 2 * MINUTE
        MailRelay.objects.update(failures=3, failing_since=now - MINUTE, held_until=until, last_error="421")
        for held_until, is_active in ((until, True), (now, True), (until, False)):
            Endpoint.objects.create(
                name=f"E{held_until}{is_active}", kind="slack", url="https://x.example/", events=["x"], created_at=now,
                held_until=held_until, is_active=is_active,
            )  # fmt: skip
        known = health.facts(now=now)
        assert (known.relay_held_until, known.endpoints_held) == (until, 1)
        part = health.examine(has_broker=True, now=now).part("outbox")
        assert part is not None
        assert (part.state, part.numbers["behind"]) == (DEGRADED, 0)  # what waits for the hold's end waits for nobody

    def test_miss_whoever_should_deliver_once_the_hold_is_over(self, now: datetime) -> None:
        company(now).offered(now=now - timedelta(hours=1))
        Notification.objects.update(not_before=now - MINUTE * 30)
        MailRelay.objects.update(failures=1, failing_since=now - MINUTE * 9, held_until=now - 61 * SECOND)
        part = health.examine(has_broker=True, now=now).part("outbox")
        assert part is not None
        assert (part.state, part.numbers["behind"]) == (RED, 61)

    def test_of_an_empty_house_are_none(self, now: datetime) -> None:
        assert health.facts(now=now) == Facts()

    def test_tell_what_waits_longest(self, now: datetime) -> None:
        firm = company(now)
        handoff = firm.offered(now=now - timedelta(hours=30))
        Clock.objects.filter(handoff=handoff).update(next_step_at=now - 9 * SECOND)
        held = Clock.objects.filter(handoff=handoff).earliest("id")
        Clock.objects.filter(pk=held.pk).update(held_back_at=now, next_step_at=now - 20 * SECOND)
        Notification.objects.update(not_before=now - 7 * SECOND, attempts=3)
        AwaitingAssessment.objects.all().delete()
        AwaitingAssessment.objects.create(lead=handoff.episode.lead, since=now - 5 * SECOND, known_at=now)
        canary.arm(now=now - MINUTE)
        beats.beat("clock", host="a", pid=1, first=True, now=now - 3 * SECOND)
        beats.beat("clock", host="b", pid=1, first=True, now=now - 2 * SECOND)
        known = health.facts(now=now)
        assert (known.clock_due, known.held_back) == (now - 9 * SECOND, 1)
        assert known.letter_due == now - 7 * SECOND
        assert known.refused_since == Notification.objects.earliest("created_at").created_at
        assert known.mark_since == now - 5 * SECOND
        assert (known.canary_armed, known.canary_due) == (now - MINUTE, now - MINUTE + canary.DUE_AFTER)
        assert (known.clock_at, known.worker_at) == (now - 2 * SECOND, None)


@pytest.mark.django_db
class TestBeats:
    def test_are_one_row_for_each_part_of_a_process(self, now: datetime) -> None:
        for second in range(3):
            beats.beat("clock", host="a", pid=7, first=second == 0, now=now + second * SECOND)
        heart = Heartbeat.objects.get()
        assert (heart.started_at, heart.at) == (now, now + 2 * SECOND)

    def test_are_forgotten_after_a_day_and_at_a_peaceful_end(self, now: datetime) -> None:
        beats.beat("clock", host="a", pid=7, first=True, now=now)
        beats.beat("sweep", host="a", pid=7, first=True, now=now + timedelta(hours=25))
        assert beats.forget(now=now + timedelta(hours=25)) == 1
        beats.end("sweep", host="a", pid=7)
        assert not Heartbeat.objects.exists()


@pytest.mark.django_db
class TestCanaries:
    def test_are_armed_once_a_minute(self, now: datetime) -> None:
        for second in (0, 10, 59, 60):
            canary.arm(now=now + second * SECOND)
        assert list(Canary.objects.order_by("due_at").values_list("due_at", flat=True)) == [
            now + canary.DUE_AFTER,
            now + MINUTE + canary.DUE_AFTER,
        ]

    def test_go_the_whole_way_and_reach_nobody(self, now: datetime) -> None:
        canary.arm(now=now)
        assert clockwork.fire_due(lambda: now + 14 * SECOND) == 0
        assert clockwork.fire_due(lambda: now + 16 * SECOND) == 1
        assert clockwork.fire_due(lambda: now + 17 * SECOND) == 0
        message = Notification.objects.get()
        assert (message.effect_key, message.recipient, message.to_address) == (
            Canary.objects.get().effect_key,
            None,
            "",
        )
        assert delivery.deliver_due(lambda: now + 18 * SECOND) == 1
        message.refresh_from_db()
        assert (message.state, len(mail.outbox)) == ("sent", 0)

    def test_wait_for_whatever_was_due_before_them(self, now: datetime) -> None:
        firm = company(now)
        before = Clock.objects.filter(handoff=firm.offered(now=now)).earliest("due_at")
        Clock.objects.exclude(pk=before.pk).update(next_step_at=None)
        canary.arm(now=now)
        Clock.objects.filter(pk=before.pk).update(next_step_at=now + 10 * SECOND)
        assert canary.fire_due(lambda: now + MINUTE) == 0
        Clock.objects.filter(pk=before.pk).update(next_step_at=now + 20 * SECOND)
        assert canary.fire_due(lambda: now + MINUTE) == 1

    def test_never_fire_early(self, now: datetime) -> None:
        canary.arm(now=now)
        with pytest.raises(IntegrityError, match="no_canary_before_it_is_due"):
            Canary.objects.update(fired_at=now)

    def test_are_forgotten_with_their_messages_after_a_day(self, now: datetime) -> None:
        canary.arm(now=now)
        clockwork.fire_due(lambda: now + MINUTE)
        delivery.deliver_due(lambda: now + MINUTE)
        tomorrow = now + timedelta(hours=24, minutes=1)
        assert canary.forget(now=tomorrow - 2 * MINUTE) == 0
        assert canary.forget(now=tomorrow) == 1
        assert not Canary.objects.exists()
        assert not Notification.objects.exists()


@pytest.mark.django_db
class TestIncidents:
    @pytest.fixture
    def sam(self) -> Any:
        person(Role.MANAGER, "Maya Lindqvist")
        return person(Role.ADMIN, "Sam Okafor")

    def letters(self) -> list[str]:
        return list(Notification.objects.order_by("id").values_list("subject", flat=True))

    def test_are_told_once_and_once_more_when_over(self, sam: Any, well: Facts, now: datetime) -> None:
        sick = replace(well, clock_at=ago(now, 40))
        for second in range(0, 300, 10):
            incidents.note(judge(sick, has_broker=True, now=now), now=now + second * SECOND)
        assert self.letters() == ["Alarm: Baton, clock"]
        assert "heard of for 40 s" in Notification.objects.get().text
        well_again = judge(well, has_broker=True, now=now)
        for second in range(300, 600, 10):
            incidents.note(well_again, now=now + second * SECOND)
        assert self.letters() == ["Alarm: Baton, clock", "Over: Baton, clock"]
        assert set(Notification.objects.values_list("recipient", flat=True)) == {sam.pk}
        incident = Incident.objects.get()
        assert (incident.opened_at, incident.well_since) == (now, now + 300 * SECOND)
        assert incident.closed_at == now + 360 * SECOND

    def test_that_flicker_are_one(self, sam: Any, well: Facts, now: datetime) -> None:
        sick = judge(replace(well, letter_due=ago(now, 70)), has_broker=True, now=now)
        for number in range(10):
            state = sick if number % 2 == 0 else judge(well, has_broker=True, now=now)
            incidents.note(state, now=now + 50 * number * SECOND)
        assert self.letters() == ["Alarm: Baton, outbox"]

    def test_of_what_is_only_degraded_are_none(self, sam: Any, well: Facts, now: datetime) -> None:
        incidents.note(judge(replace(well, worker_at=None), has_broker=False, now=now), now=now)
        assert not Incident.objects.exists()

    def test_are_kept_and_not_told_where_alarms_are_off(
        self, sam: Any, well: Facts, now: datetime, settings: Any
    ) -> None:
        settings.ALARMS = False
        incidents.note(judge(Facts(), has_broker=True, now=now), now=now)
        assert set(Incident.objects.values_list("part", flat=True)) == {"clock", "worker"}
        assert self.letters() == []


@pytest.mark.django_db
class TestHealthz:
    def live(self, monkeypatch: pytest.MonkeyPatch, now: datetime, *parts: str) -> None:
        monkeypatch.setattr("leads.clock.now", lambda: now)
        monkeypatch.setattr(rounds, "broker_answers", lambda: True)
        canary.arm(now=now)
        for part in parts:
            beats.beat(part, host="a", pid=1, first=True, now=now)

    def test_is_well(self, client: Client, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        self.live(monkeypatch, now, "clock", "sweep", "worker")
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["status"]) == (200, OK)
        assert set(answer.json()["parts"]) == {"web", "clock", "worker", "outbox", "assessment", "broker"}

    def test_is_red_with_503_where_the_clock_is_gone_and_the_web_is_not(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, now: datetime
    ) -> None:
        self.live(monkeypatch, now, "worker")
        assert client.get("/healthz").status_code == client.get("/healthz/clock").status_code == 503
        assert client.get("/healthz/web").status_code == client.get("/healthz/outbox").status_code == 200
        assert client.get("/healthz/nothing").status_code == 404

    def test_says_so_where_the_database_is_away(self, client: Client) -> None:
        with mock.patch.object(health, "facts", side_effect=OperationalError("gone")):
            answer = client.get("/healthz")
        assert (answer.status_code, answer.json()) == (503, {"status": RED, "database": "away"})


@pytest.mark.django_db
class TestStatus:
    def test_is_for_those_who_run_the_house(self, client: Client, now: datetime) -> None:
        for role, status in ((Role.REP, 404), (Role.MARKETING, 404), (Role.MANAGER, 200), (Role.REVOPS, 200)):
            client.force_login(person(role, "Some Body"))
            assert client.get("/status/").status_code == status
        client.logout()
        assert client.get("/status/").status_code == 302

    def test_shows_parts_processes_and_incidents(
        self, client: Client, now: datetime, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
    ) -> None:
        monkeypatch.setattr("leads.clock.now", lambda: now)
        beats.beat("clock", host="<b>host-7", pid=4711, first=True, now=now - 200 * SECOND)
        beats.beat("web", host="<b>host-8", pid=4712, first=True, now=now)
        incidents.note(judge(Facts(), has_broker=True, now=now), now=now)
        client.force_login(person(Role.ADMIN, "Sam Okafor"))
        with django_assert_max_num_queries(12):
            shown = client.get("/status/").content.decode()
        assert "&lt;b&gt;host-8" in shown
        assert "host-7" not in shown
        assert "4712" in shown
        assert "No clock process has ever run here." in shown
        assert "goes on" in shown


@pytest.mark.django_db
class TestTheWatchman:
    @pytest.mark.parametrize(("alive", "carried"), [(None, 1), ("worker", 0), ("clock", 0)])
    def test_delivers_only_where_nobody_else_is_left_to(
        self, alive: str | None, carried: int, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("leads.clock.now", lambda: now)
        person(Role.ADMIN, "Sam Okafor")
        if alive:
            beats.beat(alive, host="a", pid=1, first=True, now=now)
        incidents.note(judge(replace(Facts(), letter_due=ago(now, 99)), has_broker=False, now=now), now=now)
        Notification.objects.exclude(subject__contains="outbox").delete()
        assert watchman.carry_if_alone() == carried == len(mail.outbox)

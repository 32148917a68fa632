"""The clock process: everything that is due gets done, by one copy or several, whatever breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction

from leads import clock, forgetting, nurture
from leads.locks import lock_lead
from leads.models import (
    ActivityType,
    AnonymousActivity,
    AwaitingAssessment,
    Lead,
    Notification,
    Source,
    Stage,
)
from scoring import reassessing
from scoring.models import DefinitionVersion, Episode, Score
from sla import clockwork, handoffs, sweeps
from sla.models import Absence, Clock, ClockStep, Handoff, Reason, Rep, State, Target
from tests.desk import Company, clock_of, company
from tests.processes import database_url

ROOT = Path(__file__).resolve().parents[2]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], Callable[[], datetime]]:
    """Set the house's clock."""

    def set_to(instant: datetime) -> Callable[[], datetime]:
        monkeypatch.setattr(clock, "now", lambda: instant)
        return clock.now

    return set_to


@pytest.mark.django_db
class TestOnce:
    def test_fires_hops_routes_and_writes(
        self, house: Company, now: datetime, at: Callable[[datetime], object]
    ) -> None:
        handoff = house.offered(now=now)
        at(now + 4 * HOUR)
        call_command("runclock", once=True)

        handoff.refresh_from_db()
        second = Handoff.objects.get(episode=handoff.episode, hop=2)
        assert (handoff.state, second.state, second.user) == (State.MOVED, State.OFFERED, house.ada.user)
        assert {row.state for row in Notification.objects.all()} == {"sent"}
        assert any(message.subject.startswith("Late:") for message in mail.outbox)

    def test_has_nothing_left_to_do_afterwards(
        self, house: Company, now: datetime, at: Callable[[datetime], Callable[[], datetime]]
    ) -> None:
        house.offered(now=now)
        told = at(now + 4 * HOUR)

        assert clockwork.run_once(told) > 0
        steps, letters = ClockStep.objects.count(), Notification.objects.count()
        assert clockwork.run_once(told) == 0
        assert (ClockStep.objects.count(), Notification.objects.count()) == (steps, letters)

    def test_leaves_a_missed_lead_in_the_pool_in_the_end(
        self, house: Company, now: datetime, at: Callable[[datetime], Callable[[], datetime]]
    ) -> None:
        handoff = house.offered(now=now)
        for hours in (4, 8, 12, 16):
            clockwork.run_once(at(now + hours * HOUR))

        assert Handoff.objects.filter(episode=handoff.episode).count() == house.policy.max_hops == 2
        assert Episode.objects.get(pk=handoff.episode_id).phase == "waiting"
        for missed in Clock.objects.filter(episode=handoff.episode, verdict="missed"):
            assert missed.fired.filter(key="breach").count() == 1

    def test_brings_back_on_the_named_date_to_the_same_rep(
        self, house: Company, now: datetime, at: Callable[[datetime], Callable[[], datetime]]
    ) -> None:
        house.offered(now=now)
        Reason.objects.create(code="test-date", label="Call later", on_return=True, follows=Reason.Follows.DATE)
        accepted = house.accepted(now=now)
        handoffs.return_(accepted.pk, reason="test-date", named_date=now + 7 * DAY, by=house.ben.user, now=now)
        clockwork.run_once(at(now + 6 * DAY))
        assert Episode.objects.filter(lead=accepted.episode.lead).count() == 1
        clockwork.run_once(at(now + 7 * DAY))

        episode = Episode.objects.filter(lead=accepted.episode.lead).latest("pk")
        assert (episode.opened_by, episode.opened_at) == ("date", now + 7 * DAY)
        assert episode.handoffs.get().user == house.ben.user

    def test_acts_on_absences(
        self, house: Company, now: datetime, at: Callable[[datetime], Callable[[], datetime]]
    ) -> None:
        handoff = house.offered(now=now)
        Absence.objects.create(rep=house.ben, starts_at=now + timedelta(minutes=1), ends_at=now + DAY)
        clockwork.run_once(at(now + timedelta(minutes=2)))

        assert Handoff.objects.filter(episode=handoff.episode, user=house.ada.user, state=State.OFFERED).exists()


@pytest.mark.django_db
class TestSweep:
    def test_leaves_to_the_workers_what_is_young(self, house: Company, now: datetime) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        sweeps.sweep(lambda: now + timedelta(seconds=9))
        assert not episode.handoffs.exists()
        assert Notification.objects.filter(state="queued").count() == 0
        sweeps.sweep(lambda: now + timedelta(seconds=10))

        assert episode.handoffs.count() == 1
        assert Notification.objects.filter(state="queued").count() == 1
        sweeps.sweep(lambda: now + timedelta(seconds=20))
        assert Notification.objects.filter(state="queued").count() == 0

    def test_assesses_marks_that_nobody_took(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now)
        AwaitingAssessment.objects.create(lead=lead, since=now, known_at=now)
        sweeps.sweep(lambda: now + timedelta(seconds=9))
        assert AwaitingAssessment.objects.filter(lead=lead).exists()
        sweeps.sweep(lambda: now + timedelta(seconds=10))

        assert not AwaitingAssessment.objects.filter(lead=lead).exists()
        assert Score.objects.filter(lead=lead).exists()

    def test_ends_rests_that_are_over(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now, stage=Stage.NURTURE, rest_until=now + DAY)
        sweeps.sweep(lambda: now + DAY - timedelta(seconds=1))
        assert Lead.objects.get(pk=lead.pk).rest_until == now + DAY
        sweeps.sweep(lambda: now + DAY)

        assert Lead.objects.get(pk=lead.pk).rest_until is None
        assert lead.rest_changes.get().cause == "rest ended"

    def test_goes_on_where_one_of_them_fails(
        self, house: Company, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        episode = house.episode(house.lead(now=now), now=now)

        def fail(*args: object) -> int:
            raise RuntimeError("boom")

        for name in ("_rests", "_assess"):
            monkeypatch.setattr(sweeps, name, fail_named(name, fail))
        sweeps.sweep(lambda: now + timedelta(seconds=30))

        assert episode.handoffs.count() == 1

    def test_ends_early_when_told_to_stop(self, house: Company, now: datetime) -> None:
        episode = house.episode(house.lead(now=now), now=now)

        assert sweeps.sweep(lambda: now + HOUR, stopping=lambda: True) == 0
        assert not episode.handoffs.exists()


def fail_named(name: str, fail: Callable[..., int]) -> Callable[..., int]:
    def failing(*args: object) -> int:
        return fail(*args)

    failing.__name__ = name
    return failing


@pytest.mark.django_db
class TestTime:
    def score(self, house: Company, lead: Lead, now: datetime, **fields: object) -> Score:
        values = {"fit": 0, "engagement": 0, "engagement_ever": 0, "total": 0, "shares": {}, "meets": False}
        return Score.objects.create(
            lead=lead,
            definition=house.definition,
            version=house.version,
            as_of=now,
            is_cooled=False,
            **values | fields,
        )

    def test_marks_the_leads_whose_score_it_changes(self, house: Company, now: datetime) -> None:
        due, later, marked = (house.lead(now=now) for _ in range(3))
        self.score(house, due, now, reassess_at=now)
        self.score(house, later, now, reassess_at=now + HOUR)
        self.score(house, marked, now, reassess_at=now)
        former = AwaitingAssessment.objects.create(lead=marked, since=now, known_at=now).seq

        assert reassessing.mark_due(now=now) == 1
        marks = dict(AwaitingAssessment.objects.values_list("lead", "seq"))
        assert marks.keys() == {due.pk, marked.pk}
        assert marks[marked.pk] == former
        assert reassessing.mark_due(now=now) == 0

    def test_marks_nobody_by_a_definition_that_is_not_in_force(self, house: Company, now: datetime) -> None:
        self.score(house, house.lead(now=now), now, reassess_at=now)
        version = DefinitionVersion.objects.get(pk=house.version.pk)
        version.state, version.retired_at = DefinitionVersion.State.RETIRED, now
        version.save(update_fields=["state", "retired_at"])

        assert reassessing.mark_due(now=now) == 0

    def test_forgets_what_was_never_joined(self, now: datetime) -> None:
        source = Source.objects.create(name="Site", kind="browser", write_key_hash="x")
        kind = ActivityType.objects.create(name="Visited", first_seen_at=now)
        for days in (91, 90, 1):
            AnonymousActivity.objects.create(
                type=kind,
                source=source,
                occurred_at=now,
                received_at=now - timedelta(days=days),
                anonymous_id="a",
                message_id=str(days),
            )

        assert forgetting.forget_unjoined(now=now) == 1
        assert set(AnonymousActivity.objects.values_list("message_id", flat=True)) == {"90", "1"}

    def test_waits_for_the_date_a_person_named(self, house: Company, now: datetime) -> None:
        lead = house.lead(now=now, stage=Stage.NURTURE)
        nurture.promise_callback(lock_lead(lead.pk), at=now + DAY, user=house.ben.user, now=now, by=None)

        assert nurture.due_callbacks(now=now, limit=5) == []
        assert nurture.due_callbacks(now=now + DAY, limit=5) == [lead.pk]


Process = subprocess.Popen[bytes]


def environment(name: str) -> dict[str, str]:
    """What a clock process needs to work on the database of this test."""
    return os.environ | {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "for-a-test-only",
        "BATON_PROCESS": name,
        "EMAIL_URL": "memorymail://",
        "ALARMS": "false",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody there: the clock needs none
    }


def until(holds: Callable[[], bool], *, seconds: float = 120) -> None:
    """Look again until it holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def backends(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        return int(cursor.fetchone()[0])


@pytest.fixture
def running() -> Iterator[Callable[[str], Process]]:
    """Starts clock processes, and ends whatever is left of them."""
    started: list[Process] = []

    def start(name: str) -> Process:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runclock"],
            cwd=ROOT,
            env=environment(name),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.django_db(transaction=True)
class TestProcess:
    def late(self, house: Company) -> Clock:
        """An accept clock that ran out a minute ago; what comes before it is seen by no process that is up already."""
        with transaction.atomic():
            handoff = house.offered(now=clock.now() - timedelta(minutes=121))
        return clock_of(handoff, Target.ACCEPT)

    def test_fires_and_ends_when_told(self, running: Callable[[str], Process]) -> None:
        house = company(clock.now() - DAY)
        accept = self.late(house)
        process = running("test-clock")
        until(lambda: accept.fired.count() == 2)
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=90) == 0

    def test_outlives_the_loss_of_its_database_connections(self, running: Callable[[str], Process]) -> None:
        house = company(clock.now() - DAY)
        first = self.late(house)
        process = running("test-clock-cut")
        until(lambda: first.fired.count() == 2)
        until(lambda: backends("test-clock-cut") == 2)  # one for the clocks, one for the sweeps
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test-clock-cut'"
            )
        second = self.late(house)
        until(lambda: second.fired.count() == 2)
        until(lambda: backends("test-clock-cut") == 2)

        assert process.poll() is None
        assert not Clock.objects.exclude(held_back_at=None).exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0
        assert process.stdout is not None
        assert b"database_away" in process.stdout.read()

    def test_fires_each_step_once_in_several_copies(self, running: Callable[[str], Process]) -> None:
        house = company(clock.now() - DAY)
        Rep.objects.update(capacity=100)
        copies = [running(f"test-clock-{number}") for number in range(2)]
        until(lambda: all(backends(f"test-clock-{number}") for number in range(2)))  # both are there to share it
        due = [self.late(house) for _ in range(12)]
        until(lambda: ClockStep.objects.filter(clock__in=due).count() == 24)
        for process in copies:
            process.send_signal(signal.SIGTERM)

        assert [process.wait(timeout=90) for process in copies] == [0, 0]
        assert ClockStep.objects.filter(clock__in=due).count() == 24
        assert Notification.objects.filter(kind="breach").count() == 12

"""The clock process is killed: the web sees it within a minute, says so to machines, and carries the alarm itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from config.home import demo, valkey
from leads import clock
from leads.models import Notification
from sla.demo import company
from sla.models import Heartbeat, Incident
from tests.processes import Process, Sink, assert_invariants, eventually, running_ahead

pytestmark = pytest.mark.slow

SPEED = 3
ADMIN = "sam@halyard.example"
RUNCLOCK = [sys.executable, "manage.py", "runclock"]


@pytest.fixture
def sink(transactional_db: None) -> Iterator[Sink]:
    with running_ahead(speed=SPEED), Sink() as sink:
        company.found(now=clock.now())
        yield sink


def clock_is(url: str, status: int) -> bool:
    return requests.get(f"{url}/healthz/clock", timeout=30).status_code == status


def subjects(sink: Sink) -> list[str]:
    return [str(mail["Subject"]) for mail in sink.to(ADMIN)]


def red_at(url: str) -> datetime:
    """When the clock turned red, by the house's time."""
    eventually(lambda: clock_is(url, 503), "the clock is red")
    return clock.now()


def test_a_stopped_clock_is_red_within_a_minute_and_told_by_the_web(sink: Sink, tmp_path: Path) -> None:
    port = valkey.free_port()
    url = f"http://127.0.0.1:{port}"
    more = {"EMAIL_URL": sink.url, "BASE_URL": url, "ALARMS": "true"}
    gunicorn = next(child.command for child in demo.processes(port, {}, tmp_path) if child.name == "web")
    with Process("clock", RUNCLOCK, tmp_path / "clock", **more) as runclock:
        eventually(lambda: Heartbeat.objects.filter(part="sweep").exists(), "the clock process lives")
        with Process("web", gunicorn, tmp_path / "web", **more):
            eventually(lambda: demo.answers(url), "the web answers")
            canaries = Notification.objects.filter(kind="canary", state="sent")
            eventually(canaries.exists, "a canary goes the whole way")
            assert clock_is(url, 200)

            runclock.kill()
            killed_at = clock.now()
            assert red_at(url) - killed_at < timedelta(seconds=60)
            assert requests.get(f"{url}/healthz", timeout=30).status_code == 503
            assert requests.get(f"{url}/healthz/web", timeout=30).status_code == 200
            eventually(lambda: "Alarm: Baton, clock" in subjects(sink), "the admin is told by the web", within=120)

            runclock.start()
            eventually(lambda: clock_is(url, 200), "the clock is well again")
            eventually(lambda: "Over: Baton, clock" in subjects(sink), "the admin is told that it is over", within=180)
    incident = Incident.objects.filter(part="clock").earliest("id")
    assert incident.closed_at is not None
    assert subjects(sink).count("Alarm: Baton, clock") == Incident.objects.filter(part="clock").count()
    assert_invariants()

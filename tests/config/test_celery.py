"""How Celery is used."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from kombu.exceptions import OperationalError

from config.celery import BEAT_SCHEDULE, HURRIED, PATIENT, app, be_patient


@pytest.fixture(params=["absent", "silent"])
def broken_broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a broker that refuses connections, or that takes them and never says a word."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        if request.param == "silent":
            door.listen(8)
        yield f"redis://127.0.0.1:{door.getsockname()[1]}/0"


class TestPublishing:
    def test_keeps_nobody_waiting_when_the_broker_is_broken(self, broken_broker: str) -> None:
        app.loader.import_default_modules()
        with app.connection_for_write(broken_broker) as connection:
            began = time.monotonic()
            with pytest.raises(OperationalError):
                app.send_task("baton.route", connection=connection, retry=False)
            assert time.monotonic() - began < 1.0  # 0.2 s, on a machine with something else to do


class TestTheWorker:
    def test_gives_a_message_back_only_after_its_task_must_have_ended(self) -> None:
        assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
        assert app.conf.task_time_limit > app.conf.task_soft_time_limit

    def test_is_more_patient_with_the_broker_than_who_publishes(self) -> None:
        class Conf:
            broker_connection_timeout = 0.2
            broker_transport_options = {"visibility_timeout": 300, **HURRIED}

        be_patient(conf=Conf)
        assert Conf.broker_transport_options == {"visibility_timeout": 300, **PATIENT}


class TestBeat:
    @pytest.mark.parametrize("name", BEAT_SCHEDULE)
    def test_lets_a_wake_up_expire_before_the_next(self, name: str) -> None:
        entry = app.conf.beat_schedule[name]
        assert entry["options"]["expires"] < entry["schedule"]

    @pytest.mark.parametrize("name", BEAT_SCHEDULE)
    def test_asks_for_tasks_that_exist(self, name: str) -> None:
        app.loader.import_default_modules()
        assert app.conf.beat_schedule[name]["task"] in app.tasks

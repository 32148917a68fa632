"""How Celery is used."""

from __future__ import annotations

import pytest

from config.celery import BEAT_SCHEDULE, app


class TestTheBroker:
    def test_gives_a_message_back_only_after_its_task_must_have_ended(self) -> None:
        assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
        assert app.conf.task_time_limit > app.conf.task_soft_time_limit

    def test_keeps_nobody_waiting_long(self) -> None:
        options = app.conf.broker_transport_options
        assert options["socket_timeout"] <= 1
        assert options["socket_connect_timeout"] <= 1


class TestBeat:
    @pytest.mark.parametrize("name", BEAT_SCHEDULE)
    def test_lets_a_wake_up_expire_before_the_next(self, name: str) -> None:
        entry = app.conf.beat_schedule[name]
        assert entry["options"]["expires"] < entry["schedule"]

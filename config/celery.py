"""Celery: what may be late and heavy. Messages are only wake-ups; losing one, or getting one twice, changes nothing."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A worker told to end gives its tasks a moment and then leaves; the plain meaning of SIGTERM waits for them for ever.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

SOFT_LIMIT, HARD_LIMIT, VISIBILITY = 240, 270, 300

# Who publishes has a person waiting for an answer; a worker has nothing better to do than to wait for its broker.
HURRIED = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "connect_retries_timeout": 0.2, "max_retries": 1}
HURRIED |= {"interval_start": 0, "interval_step": 0, "interval_max": 0}
PATIENT = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}

# Late sweeps: they find what a lost wake-up left behind. Each expires before the next is due, so that a worker that was
# away for an hour does not find an hour of them.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "say that the worker lives, and look around": {
        "task": "baton.watch",
        "schedule": 15.0,
        "options": {"expires": 12.0},
    },
    "assess what a wake-up missed": {"task": "baton.assess", "schedule": 10.0, "options": {"expires": 8.0}},
    "route what a wake-up missed": {"task": "baton.route", "schedule": 12.0, "options": {"expires": 10.0}},
    "read the calendars that are due": {"task": "baton.calendars", "schedule": 60.0, "options": {"expires": 50.0}},
    "deliver what a wake-up missed": {"task": "baton.deliver", "schedule": 15.0, "options": {"expires": 12.0}},
}


def hardened() -> dict[str, Any]:
    """How we use the broker: any task may run zero, one or many times, and none may hang."""
    from django.conf import settings

    return {
        "broker_url": settings.REDIS_URL,
        "broker_connection_retry_on_startup": True,
        "broker_connection_timeout": 0.2,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            **HURRIED,
        },
        "beat_schedule": BEAT_SCHEDULE,
        "result_backend": "disabled://",
        "task_acks_late": True,
        "task_ignore_result": True,
        "task_reject_on_worker_lost": True,
        "task_serializer": "json",
        "task_soft_time_limit": SOFT_LIMIT,
        "task_time_limit": HARD_LIMIT,
        "timezone": "UTC",
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_hijack_root_logger": False,
        "worker_prefetch_multiplier": 1,
        "worker_soft_shutdown_timeout": 3.0,
    }


@celeryd_init.connect
def be_patient(conf: Any, **_: Any) -> None:
    """In a worker, give the broker more time."""
    options = conf.broker_transport_options
    conf.broker_connection_timeout = 1.0
    conf.broker_transport_options = {name: options[name] for name in options if name not in HURRIED} | PATIENT


app = Celery("baton")
app.add_defaults(hardened)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

"""One racer: a process with its own connection that does what it is told, when it is told.

It reads a job a line, says `ready`, waits for `go`, does it, and answers with one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from leads import merging, wake  # noqa: E402
from leads.errors import Refused  # noqa: E402
from leads.intake import take_in  # noqa: E402
from leads.models import Source, User  # noqa: E402
from leads.wire import read_item, split_batch  # noqa: E402
from scoring import assessment, qualification  # noqa: E402
from sla import handoffs, routing, touches  # noqa: E402
from sla.clocks import escalation  # noqa: E402

wake._publish = lambda kind: None


def accept(now: datetime, *, handoff: int, by: int) -> str:
    return handoffs.accept(handoff, by=User.objects.get(pk=by), now=now).state


def reject(now: datetime, *, handoff: int, by: int) -> str:
    return handoffs.reject(handoff, reason="bad_contact", by=User.objects.get(pk=by), now=now).state


def touch(now: datetime, *, lead: int, by: int) -> str:
    rep = User.objects.get(pk=by)
    made = touches.record(
        lead, means="call", outcome="reached", performed_by=rep, recorded_by=rep, occurred_at=now, now=now
    )
    return str(made.means)


def fire(now: datetime, *, clock: int) -> bool:
    return escalation.fire(clock, now=now)


def route(now: datetime, *, episode: int) -> bool:
    return routing.route(episode, now=now) is not None


def pull(now: datetime, *, by: int) -> int | None:
    rep = User.objects.get(pk=by)
    handoff = routing.take_next(rep, now=now, by=rep)
    return handoff.episode_id if handoff is not None else None


def route_all(now: datetime) -> int:
    return routing.route_waiting(lambda: now)


def assess(now: datetime) -> int:
    return assessment.assess(now=now)


def qualify(now: datetime, *, lead: int) -> None:
    qualification.qualify(lead, now=now)


def merge(now: datetime, *, winner: int, loser: int) -> int:
    return merging.merge(winner, loser, now=now).pk


def send(now: datetime, *, source: int, body: str) -> list[int]:
    envelope = split_batch(body.encode())
    read = [read_item(None, item, envelope, received_at=now) for item in envelope.items]
    receipted = take_in(read, source=Source.objects.get(pk=source), now=now, bodies=[i.raw for i in envelope.items])
    return [receipted.accepted, receipted.duplicate, len(receipted.refused)]


JOBS: dict[str, Callable[..., Any]] = {
    job.__name__: job for job in (accept, reject, touch, fire, pull, route, route_all, assess, qualify, merge, send)
}


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        do, now, late = JOBS[job.pop("do")], datetime.fromisoformat(job.pop("now")), job.pop("late")
        # Another test may have ended the connections of all that came before it.
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        say("ready")
        sys.stdin.readline()
        time.sleep(late)
        try:
            answer = {"answer": do(now, **job)}
        except Refused as refusal:
            answer = {"refused": refusal.code, **refusal.state}
        except Exception:
            answer = {"error": traceback.format_exc()}
        say(json.dumps(answer))


if __name__ == "__main__":
    main()

"""The sweeps: whatever a lost wake-up left behind is found here by a question to the database, and done.

Each is safe to run anywhere, any number of times; one that fails stops none of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, connection

from leads import forgetting, joining, nurture
from leads.delivery import deliver_due
from leads.models import AwaitingAssessment, Notification
from scoring import reassessing
from scoring.assessment import assess
from scoring.qualification import open_on_date
from sla import answered, routing
from sla.attainment import moments
from sla.clocks import retiming
from sla.holidays import rolling
from sla.people import left_behind
from sla.releasing import run_all
from sla.routing import signaling
from sla.shadow import settling

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

# What is younger is left to the workers, who were woken for it.
LEFT_BEHIND = timedelta(seconds=10)
PAGE = 200


def sweep(clock: Clock, *, older_than: timedelta = LEFT_BEHIND, stopping: Callable[[], bool] = lambda: False) -> int:
    """Do once whatever is due and older than this; returns how much was done. Ends early when told to stop."""
    done = 0
    for one in (
        _join,
        _rests,
        _dates,
        _scores,
        _assess,
        _release,
        _left_behind,
        _signals,
        _paper,
        _route,
        _retime,
        _deliver,
        _forget,
        _answers,
        _holidays,
        _moments,
    ):
        if stopping():
            break
        try:
            done += one(clock, older_than)
        except Exception:
            # Without a database nothing else can be swept either: the clock process asks for a new connection.
            if lost_connection():
                raise
            log.exception("sweep_failed", sweep=one.__name__)
    return done


def lost_connection() -> bool:
    """Whether the database can no longer be reached over this connection."""
    if connection.in_atomic_block:
        return False
    try:
        return not connection.is_usable()
    except (InterfaceError, AttributeError):
        return True


def _join(clock: Clock, older_than: timedelta) -> int:
    """What was written aside at the moment its browser got a name moves to the lead."""
    return joining.join_late(now=clock())


def _rests(clock: Clock, older_than: timedelta) -> int:
    """Rests that are over end, and their leads are judged again."""
    return nurture.mark_ended_rests(now=clock())


def _dates(clock: Clock, older_than: timedelta) -> int:
    """The named date has come: the matter opens again."""
    opened = 0
    for lead_id in nurture.due_callbacks(now=clock(), limit=PAGE):
        try:
            opened += open_on_date(lead_id, now=clock()) is not None
        except Exception:
            if lost_connection():
                raise
            log.exception("named_date_failed", lead=lead_id)
    return opened


def _scores(clock: Clock, older_than: timedelta) -> int:
    """Scores that time alone has changed."""
    return reassessing.mark_due(now=clock())


def _assess(clock: Clock, older_than: timedelta) -> int:
    """Marks that no worker has taken."""
    left = AwaitingAssessment.objects.filter(since__lte=clock() - older_than).exists()
    return assess(now=clock()) if left else 0


def _release(clock: Clock, older_than: timedelta) -> int:
    """Standing leads that a manager ordered to go to sales, a page of each order."""
    return run_all(clock)


def _left_behind(clock: Clock, older_than: timedelta) -> int:
    """What a rep who is away or gone had left behind, and was answered by other ways."""
    return left_behind.settle_ended(now=clock())


def _signals(clock: Clock, older_than: timedelta) -> int:
    """Signals in the hands of people who have left."""
    return signaling.take_back(now=clock())


def _paper(clock: Clock, older_than: timedelta) -> int:
    """What stood on paper when its shadow ended."""
    return settling.settle(clock)


def _route(clock: Clock, older_than: timedelta) -> int:
    """Episodes that no worker has routed, or for whom somebody has room again."""
    return routing.route_waiting(clock, waited_for=older_than)


def _retime(clock: Clock, older_than: timedelta) -> int:
    """A page of each re-timing that no worker goes on with."""
    return retiming.go_on(clock)


def _holidays(clock: Clock, older_than: timedelta) -> int:
    """Calendars whose public holidays end within eighteen months."""
    return rolling.roll_due(now=clock())


def _moments(clock: Clock, older_than: timedelta) -> int:
    """How the floor stands in this quarter of an hour."""
    return moments.keep(now=clock())


def _deliver(clock: Clock, older_than: timedelta) -> int:
    """Letters that no worker has sent, and those a dead one left in the middle."""
    unsettled = [Notification.State.QUEUED, Notification.State.SENDING]
    left = Notification.objects.filter(state__in=unsettled, not_before__lte=clock() - older_than).exists()
    return deliver_due(clock) if left else 0


def _forget(clock: Clock, older_than: timedelta) -> int:
    """Activities that were never joined to anyone."""
    return forgetting.forget_unjoined(now=clock())


def _answers(clock: Clock, older_than: timedelta) -> int:
    """Answers to verdicts that nobody repeats any more."""
    return answered.forget(now=clock())

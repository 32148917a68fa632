"""One offered lead, made by the verbs, and its likes by the thousand: the same rows, each set a little later."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest import mock

from sla import routing
from sla.models import Heat, Rep
from tests import desk, likes

CLOCKS_EACH = 2
BETWEEN = timedelta(seconds=15)  # from the one clock's due time to the other's


def offered(clocks: int, *, first_due: datetime, over: timedelta) -> None:
    """Leads on offer: their accept clocks fall due evenly `over` this time, their first-touch clocks a little later."""
    budget = desk.ACCEPT[Heat.WARM]
    copies = max(0, clocks // CLOCKS_EACH - 1)
    began = first_due - timedelta(seconds=budget)
    with mock.patch.dict(desk.FIRST_TOUCH, {Heat.WARM: budget + int(BETWEEN.total_seconds())}):
        company = desk.company(began - timedelta(seconds=1))
        Rep.objects.update(capacity=1_000_000_000)
        with likes.made(copies, step=over / max(1, copies)):
            handoff = routing.route(company.episode(company.lead(now=began), now=began).pk, now=began)
            assert handoff is not None

"""What came next with a lead, as its story tells it."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from sla import handoffs, touches
from sla.models import Handoff
from sla.nextsteps import changing
from sla.views import planned
from tests.desk import Company, company

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def accepted(firm: Company, now: datetime) -> Handoff:
    return firm.accepted(now=now)


def told(handoff: Handoff) -> list[str]:
    """The lines, the oldest first."""
    return [
        " ".join(part for part in (each.said, each.detail, each.who) if part)
        for each in reversed(planned.entries(handoff.episode.lead, None, 100))
    ]


def call(handoff: Handoff, *, at: datetime) -> None:
    touches.record(
        handoff.episode.lead_id,
        means="call",
        outcome="no_answer",
        performed_by=handoff.user,
        recorded_by=handoff.user,
        occurred_at=at,
        now=at,
    )


class TestTheStoryOfNextSteps:
    def test_says_who_set_what_for_when_and_what_was_done(self, accepted: Handoff, now: datetime) -> None:
        by = accepted.user
        changing.set_step(accepted.pk, at=now + DAY, what="Send the <b>offer</b>", by=by, now=now + MINUTE)
        call(accepted, at=now + DAY)
        lines = told(accepted)
        day = f"{timezone.localtime(now + DAY):%a} "
        assert lines[0].startswith("Next: First touch, ")
        assert lines[0].endswith("by the cadence")
        assert lines[1].startswith(f"Ben Keller set the next step Send the <b>offer</b>, {day}")
        assert lines[2].startswith("Done: Send the <b>offer</b> next: ")
        assert lines[2].endswith("by Ben Keller")

    def test_says_what_was_put_off_until_when_and_brought_back(self, accepted: Handoff, now: datetime) -> None:
        by = accepted.user
        changing.snooze(accepted.pk, until=now + 9 * DAY, by=by, now=now + MINUTE)
        changing.wake(accepted.pk, by=by, now=now + 2 * MINUTE)
        changing.set_step(accepted.pk, at=now + DAY, what="Call", hide=True, by=by, now=now + 3 * MINUTE)
        changing.undo(accepted.pk, by=by, now=now + 3 * MINUTE + timedelta(seconds=5))
        _, snoozed, woken, hidden, back = told(accepted)
        accepted.refresh_from_db()
        assert snoozed.startswith("Ben Keller put it out of sight until ")
        assert "next:" not in snoozed
        assert woken == "Ben Keller brought it back into sight"
        assert hidden.startswith("Ben Keller put it out of sight until ")
        assert "; next: Call, " in hidden
        assert back.startswith("Ben Keller took that back next: First touch, ")

    def test_leaves_what_a_verdict_took_back_to_the_verdict(self, accepted: Handoff, now: datetime) -> None:
        handoffs.undo(accepted.pk, by=accepted.user, now=now + timedelta(seconds=4))
        assert len(told(accepted)) == 1
        assert "took" not in told(accepted)[0]

    def test_is_one_line_where_baton_plans_anew(self, accepted: Handoff, now: datetime) -> None:
        repeats = {each.repeats for each in planned.entries(accepted.episode.lead, None, 100)}
        assert repeats == {planned.PLANNED}

    def test_stands_in_the_story_inert(self, accepted: Handoff, now: datetime) -> None:
        changing.set_step(accepted.pk, at=now + DAY, what="<img src=x>", by=accepted.user, now=now)
        ben = Client()
        ben.force_login(accepted.user)
        shown = ben.get(f"/leads/{accepted.episode.lead.public_id}/story/?only=ours").content.decode()
        assert "Ben Keller set the next step" in shown
        assert "<img src=x>" not in shown
        assert "<img src=x>" in unescape(shown)
        theirs = ben.get(f"/leads/{accepted.episode.lead.public_id}/story/?only=theirs").content.decode()
        assert "set the next step" not in theirs

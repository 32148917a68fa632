"""A booked meeting is the next step of an accepted lead, unless its rep has set a later one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from leads import clock
from leads.errors import Invalid
from sla import touches
from sla.models import Handoff, NextStepChange, State, Touch
from sla.nextsteps import cadence, changing
from tests.desk import Company, company
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


def book(handoff: Handoff, *, at: datetime | None, now: datetime, **fields: Any) -> Handoff:
    touches.record(
        handoff.episode.lead_id,
        performed_by=handoff.user,
        recorded_by=handoff.user,
        now=now,
        meeting_at=at,
        **{"means": "call", "outcome": "booked", "occurred_at": now} | fields,
    )
    return Handoff.objects.get(pk=handoff.pk)


class TestABookedMeeting:
    def test_is_the_next_step_and_in_sight(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        changing.snooze(handoff.pk, until=now + HOUR, by=handoff.user, now=now)
        made = book(handoff, at=now + 5 * DAY, now=now + MINUTE)
        assert (made.next_step, made.next_step_at) == (cadence.MEETING, now + 5 * DAY)
        assert (made.next_step_is_own, made.snoozed_until) == (True, None)
        last = NextStepChange.objects.latest("pk")
        assert (last.why, last.by) == (NextStepChange.Why.MEETING, handoff.user)
        assert_sound(leaving_out=("offers are explained",))

    def test_accepts_an_offer_as_every_touch_does(self, firm: Company, now: datetime) -> None:
        made = book(firm.offered(now=now), at=now + DAY, now=now + MINUTE)
        assert (made.state, made.next_step) == (State.ACCEPTED, cadence.MEETING)

    def test_leaves_a_later_step_of_the_reps_own(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now)
        changing.set_step(handoff.pk, at=now + 9 * DAY, what="Offer", by=handoff.user, now=now)
        assert book(handoff, at=now + 5 * DAY, now=now + MINUTE).next_step == "Offer"
        made = book(handoff, at=now + 10 * DAY, now=now + 2 * MINUTE)
        assert (made.next_step, made.next_step_at) == (cadence.MEETING, now + 10 * DAY)

    def test_stays_until_its_day_whatever_is_touched(self, firm: Company, now: datetime) -> None:
        handoff = book(firm.accepted(now=now), at=now + 3 * DAY, now=now + MINUTE)
        made = book(handoff, at=None, now=now + DAY, means="email", outcome="sent")
        assert made.next_step == cadence.MEETING
        made = book(handoff, at=None, now=now + 3 * DAY + HOUR, means="meeting", outcome="reached")
        assert made.next_step != cadence.MEETING

    def test_without_a_time_leaves_the_step_to_the_cadence(self, firm: Company, now: datetime) -> None:
        assert book(firm.accepted(now=now), at=None, now=now + MINUTE).next_step == "Touch 2 of 3"

    def test_that_is_over_when_it_is_told_of_is_kept_and_no_step(self, firm: Company, now: datetime) -> None:
        handoff = firm.accepted(now=now - 3 * DAY)
        made = book(handoff, at=now - DAY, now=now, occurred_at=now - 2 * DAY)
        assert made.next_step != cadence.MEETING
        assert Touch.objects.get().meeting_at == now - DAY

    @pytest.mark.parametrize(
        ("days", "outcome", "says"),
        [(1, "reached", "Only a booked"), (-1, "booked", "after the touch"), (400, "booked", "within a year")],
    )
    def test_is_refused_where_it_can_be_none(
        self, firm: Company, now: datetime, days: int, outcome: str, says: str
    ) -> None:
        handoff = firm.accepted(now=now)
        with pytest.raises(Invalid, match=says):
            book(handoff, at=now + days * DAY, now=now, outcome=outcome)

    def test_has_no_time_but_one_to_come_in_the_database(self, firm: Company, now: datetime) -> None:
        book(firm.accepted(now=now), at=now + DAY, now=now)
        for fields in ({"outcome": "reached"}, {"meeting_at": now - DAY}):
            with pytest.raises(IntegrityError, match="a_booked_meeting_is_to_come"), transaction.atomic():
                Touch.objects.update(**fields)


class TestThePage:
    @pytest.fixture
    def handoff(self) -> Handoff:
        now = clock.now()
        return company(now).accepted(now=now)

    @pytest.fixture
    def ben(self, handoff: Handoff) -> Client:
        client = Client()
        client.force_login(handoff.user)
        return client

    def test_says_it_before_and_after(self, handoff: Handoff, ben: Client) -> None:
        path = f"/leads/{handoff.episode.lead.public_id}"
        asked = ben.get(f"{path}/next/").content.decode()
        assert "It becomes the next step." in asked
        changing.set_step(handoff.pk, at=clock.now() + 30 * DAY, what="Offer", by=handoff.user, now=clock.now())
        assert "unless it is before the one set by hand: Offer" in ben.get(f"{path}/next/").content.decode()
        htmx = {"HX-Request": "true"}
        at = f"{clock.now() + 40 * DAY:%Y-%m-%dT%H:%M}"
        told = ben.post(f"{path}/log/", {"chip": "booked", "meeting_at": at, "key": "a"}, headers=htmx).content.decode()
        assert f"Meeting booked: {handoff.episode.lead.name}. Next step: the meeting, " in told
        soon = f"{clock.now() + 3 * DAY:%Y-%m-%dT%H:%M}"
        touch = {"means": "call", "outcome": "booked", "meeting_at": soon, "key": "b"}
        assert "The next step stays Meeting, " in ben.post(f"{path}/touch/", touch, headers=htmx).content.decode()

    def test_refuses_what_is_no_time(self, handoff: Handoff, ben: Client) -> None:
        path = f"/leads/{handoff.episode.lead.public_id}/log/"
        answer = ben.post(path, {"chip": "booked", "meeting_at": "soon"}, headers={"HX-Request": "true"})
        assert (answer.status_code, "time of the meeting" in answer.content.decode()) == (422, True)
        assert not Touch.objects.exists()

    def test_is_told_by_machines_too(self, handoff: Handoff, ben: Client) -> None:
        at = (clock.now() + DAY).isoformat()
        answer = ben.post(
            f"/api/v1/handoffs/{handoff.public_id}/touch/",
            {"means": "call", "outcome": "booked", "meeting_at": at},
            content_type="application/json",
        )
        assert answer.status_code == 201, answer.content
        handoff.refresh_from_db()
        assert handoff.next_step == cadence.MEETING

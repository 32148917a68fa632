"""The desk after a touch: a toast that names the lead and takes it back, with scripts and without."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from django.test import Client

from leads import clock
from leads.models import Role
from sla import handoffs
from sla.models import Handoff, NextStepChange, State, Touch
from tests.desk import company, person

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HTMX: Final = {"headers": {"HX-Request": "true"}}


class TestThePage:
    @pytest.fixture
    def offered(self) -> Handoff:
        now = clock.now()
        return company(now).offered(now=now)

    @pytest.fixture
    def ben(self, offered: Handoff) -> Client:
        client = Client()
        client.force_login(offered.user)
        return client

    def test_names_the_lead_and_offers_undo(self, offered: Handoff, ben: Client) -> None:
        lead = offered.episode.lead
        told = ben.post(f"/leads/{lead.public_id}/log/", {"chip": "connected", "key": "a"}, **HTMX).content.decode()
        touch = Touch.objects.get()
        assert f"Reached: {lead.name}</p>" in told
        assert f'hx-post="/touches/{touch.public_id}/undo/"' in told
        at_inbox = HTMX["headers"] | {"HX-Current-URL": "http://testserver/inbox/"}
        undone = ben.post(f"/touches/{touch.public_id}/undo/", headers=at_inbox)
        text = undone.content.decode()
        assert f"Undone: {lead.name}" in text
        assert "data-undo" not in text
        assert 'data-state="offered"' in text
        assert "inbox-changed" in undone["HX-Trigger"]
        again = ben.post(f"/touches/{touch.public_id}/undo/", **HTMX)
        assert (again.status_code, f"Undone: {lead.name}" in again.content.decode()) == (200, True)

    def test_says_when_it_was_logged_late_and_what_a_meeting_did(self, offered: Handoff, ben: Client) -> None:
        lead = offered.episode.lead
        late = f"{clock.now() - 2 * HOUR:%Y-%m-%dT%H:%M}"
        meeting = f"{clock.now() + 2 * DAY:%Y-%m-%dT%H:%M}"
        Handoff.objects.update(offered_at=clock.now() - DAY)
        sheet = {"means": "call", "outcome": "booked", "occurred_at": late, "meeting_at": meeting, "note": "Keen"}
        told = ben.post(f"/leads/{lead.public_id}/touch/", sheet, **HTMX).content.decode()
        assert f"Meeting booked: {lead.name}. It was logged late, so it counts from now. Next step: the mee" in told
        ben.post(f"/touches/{Touch.objects.get().public_id}/undo/", **HTMX)
        fresh = Handoff.objects.get()
        assert (fresh.state, fresh.next_step, Touch.objects.count()) == (State.OFFERED, "", 0)

    def test_works_without_scripts(self, offered: Handoff, ben: Client) -> None:
        lead = offered.episode.lead
        told = ben.post(f"/leads/{lead.public_id}/log/", {"chip": "no_answer"}, follow=True).content.decode()
        undo = f"/touches/{Touch.objects.get().public_id}/undo/"
        assert f"No answer: {lead.name}" in told
        assert f'action="{undo}"' in told
        told = ben.post(undo, follow=True).content.decode()
        assert f"Undone: {lead.name}" in told
        assert f'action="{undo}"' not in told
        told = ben.post(undo, follow=True).content.decode()
        assert f"Undone: {lead.name}" in told

    def test_says_why_it_stays(self, offered: Handoff, ben: Client) -> None:
        lead = offered.episode.lead
        ben.post(f"/leads/{lead.public_id}/log/", {"chip": "connected"})
        touch = Touch.objects.get()
        Touch.objects.update(recorded_at=touch.recorded_at - MINUTE)
        refused = ben.post(f"/touches/{touch.public_id}/undo/", **HTMX)
        assert (refused.status_code, "for 15 seconds" in refused.content.decode()) == (409, True)
        told = ben.get(f"/leads/{lead.public_id}/promise/?touched={touch.public_id}").content.decode()
        assert "data-undo" not in told

    def test_is_not_there_for_others(self, offered: Handoff, ben: Client) -> None:
        ben.post(f"/leads/{offered.episode.lead.public_id}/log/", {"chip": "connected"})
        touch = Touch.objects.get()
        for role in (Role.REP, Role.ADMIN):
            client = Client()
            client.force_login(person(role, "Zoe Hart"))
            assert client.post(f"/touches/{touch.public_id}/undo/", **HTMX).status_code == 404
            told = client.get(f"/inbox/?touched={touch.public_id}").content.decode()
            assert "Reached:" not in told
        assert ben.get("/inbox/?touched=nonsense").status_code == 200

    def test_tells_it_in_the_story(self, offered: Handoff, ben: Client) -> None:
        lead = offered.episode.lead
        for accepts_first in (False, True):
            if accepts_first:
                handoffs.accept(offered.pk, by=offered.user, now=clock.now())
            ben.post(f"/leads/{lead.public_id}/log/", {"chip": "connected"})
            ben.post(f"/touches/{Touch.objects.get().public_id}/undo/")
        told = ben.get(f"/leads/{lead.public_id}/story/").content.decode()
        assert told.count(f"{offered.user} took a touch back") == 2
        assert "Call: reached" in told
        assert "took that back" not in told
        assert NextStepChange.objects.exists()

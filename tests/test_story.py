"""The relay, told once through the front doors.

A real client sends behaviour over HTTP, the clock process does the work, mails go out over SMTP, and the rep answers
in the browser's way: log-in form, pages, forms. The first lead is converted; the second is rejected, rests, and comes
back on new evidence.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from segment.analytics.client import Client as Segment

from leads import clock
from leads.models import AwaitingAssessment, Identity, Lead, Notification, Outcome, Stage
from scoring.models import Episode, Qualification, Score
from sla.demo import company
from sla.models import Clock, Handoff, State, Target
from tests.processes import HouseClock, Process, Sink, assert_invariants, eventually, running_ahead

FORM = re.compile(r"<form\b[^>]*\baction=\"([^\"]*)\".*?</form>", re.DOTALL)
HIDDEN = re.compile(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\">")


class Browser:
    """Somebody at the desk: pages are asked for, and the forms that stand on them are sent."""

    def __init__(self, base: str, email: str) -> None:
        self.base, self.session = base, requests.Session()
        self.page("/accounts/login/")
        self.send("/accounts/login/", login=email, password=company.password())
        assert "account/login" not in self.url

    def page(self, path: str) -> str:
        return self._shown(self.session.get(self.base + path, timeout=60))

    def send(self, action: str, **fields: str) -> str:
        """Fill in the form with this action on the page we are on, and send it."""
        form = next((found[0] for found in FORM.finditer(self.text) if html.unescape(found[1]) == action), None)
        assert form is not None, f"no form for {action} on {self.url}"
        hidden = {name: html.unescape(value) for name, value in HIDDEN.findall(form)}
        headers = {"Referer": self.url}
        return self._shown(self.session.post(self.base + action, hidden | fields, headers=headers, timeout=60))

    def _shown(self, answer: requests.Response) -> str:
        assert answer.status_code == 200, f"{answer.status_code} on {answer.url}: {answer.text[:500]}"
        self.url, self.text = answer.url, answer.text
        return answer.text


@pytest.fixture
def house_clock(transactional_db: None) -> Iterator[HouseClock]:
    with running_ahead(speed=15) as ahead:
        yield ahead


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


class Relay:
    """Everything that runs, and a way to tell a person's story to it."""

    def __init__(self, url: str, sink: Sink) -> None:
        self.url, self.sink = url, sink

    def sends(self, user: str, *names: str, traits: dict[str, Any] | None = None) -> None:
        """What the client's own site reports, by the public SDK."""
        failures: list[Any] = []
        client = Segment(company.write_key(), host=self.url, on_error=lambda error, items: failures.append(error))
        if traits:
            client.identify(user, traits)
        for name in names:
            client.track(user, name)
        client.flush()
        client.shutdown()
        assert failures == []

    def offered(self, user: str, *, episodes: int = 1) -> Handoff:
        """The open hand-off, once it is there."""
        hops = Handoff.objects.filter(episode__lead=self.lead(user)).select_related("episode", "user")
        eventually(lambda: hops.filter(state=State.OFFERED).exists(), f"{user} is offered to a rep")
        assert Episode.objects.filter(lead=self.lead(user)).count() == episodes
        return hops.get(state=State.OFFERED)

    def lead(self, user: str) -> Lead:
        return Identity.objects.get(kind="user_id", value=user).lead

    def told(self, handoff: Handoff) -> None:
        """One mail about this offer has reached the rep, in text and HTML."""
        lead = handoff.episode.lead
        about = [mail for mail in self.sink.to(handoff.user.email) if lead.first_name in str(mail["Subject"])]
        assert about, [str(mail["Subject"]) for mail in self.sink.mails]
        for kind in ("plain", "html"):
            body = about[-1].get_body((kind,))
            assert body is not None
            assert str(lead.public_id) in body.get_content()


DIRECTOR = {
    "title": "Director of Operations",
    "country": "Germany",
    "company": {"name": "Brightforge", "employees": 120},
}
ENOUGH = ("Started Free Trial", "Downloaded Case Study")


@pytest.mark.slow
def test_the_relay_runs_end_to_end(
    house_clock: HouseClock, live_server: LiveServer, sink: Sink, tmp_path: Path
) -> None:
    company.found(now=clock.now())
    relay = Relay(live_server.url, sink)
    mail = {"EMAIL_URL": sink.url, "BASE_URL": live_server.url}
    with Process("clock", [sys.executable, "manage.py", "runclock"], tmp_path / "clock", **mail):
        converts(relay)
        comes_back(relay, house_clock)
        unsettled = Notification.objects.filter(state__in=["queued", "sending"])
        eventually(lambda: not unsettled.exists(), "every mail has left")
    assert_invariants()
    assert len({mail["Message-ID"] for mail in sink.mails}) == len(sink.mails)
    assert len(sink.mails) == Notification.objects.filter(state="sent").exclude(to_address="").count()


def converts(relay: Relay) -> None:
    """Qualified, offered, accepted, touched, converted."""
    traits = {"email": "iris@brightforge.example", "firstName": "Iris", "lastName": "Vale"}
    relay.sends("iris", *ENOUGH, traits=DIRECTOR | traits)
    handoff = relay.offered("iris")
    lead = handoff.episode.lead
    assert (lead.stage, lead.holder, handoff.user.email) == (Stage.MQL, handoff.user, "ben@halyard.example")
    accept = Clock.objects.get(handoff=handoff, target=Target.ACCEPT)
    assert accept.is_running
    assert accept.due_at > handoff.offered_at
    eventually(lambda: relay.sink.to(handoff.user.email), "the rep is told")
    relay.told(handoff)

    ben = Browser(relay.url, handoff.user.email)
    assert "Iris Vale" in ben.page("/inbox/")
    promise = reverse("lead-promise", args=[lead.public_id])
    ben.page(promise)
    ben.send(reverse("handoff-accept", args=[handoff.public_id]))
    assert Lead.objects.get(pk=lead.pk).stage == Stage.SAL
    ben.page(promise)
    ben.send(reverse("lead-touch", args=[lead.public_id]), means="call", outcome="reached")
    ben.page(promise)
    ben.send(reverse("handoff-convert", args=[handoff.public_id]), need="Replaces spreadsheets")

    handoff.refresh_from_db()
    assert (handoff.state, handoff.bant, handoff.touches) == (State.CONVERTED, {"need": "Replaces spreadsheets"}, 1)
    assert Lead.objects.get(pk=lead.pk).stage == Stage.SQL
    assert Episode.objects.get(lead=lead).closed_as == "converted"
    assert set(Clock.objects.filter(handoff=handoff).values_list("target", "verdict")) >= {
        (Target.ACCEPT, "met"),
        (Target.FIRST_TOUCH, "met"),
    }
    assert set(Outcome.objects.filter(lead=lead).values_list("kind", flat=True)) == {"accepted", "converted"}


def comes_back(relay: Relay, house_clock: HouseClock) -> None:
    """Rejected, at rest, and back on new evidence after it."""
    traits = {"email": "otto@brightforge.example", "firstName": "Otto", "lastName": "Frost"}
    relay.sends("otto", *ENOUGH, traits=DIRECTOR | traits)
    first = relay.offered("otto")
    lead = first.episode.lead
    ben = Browser(relay.url, first.user.email)
    ben.page(reverse("lead-promise", args=[lead.public_id]))
    ben.send(reverse("handoff-reject", args=[first.public_id]), reason="bad_contact", note="The number is dead")
    lead.refresh_from_db()
    assert (lead.stage, lead.holder) == (Stage.NURTURE, None)
    assert lead.rest_until is not None
    assert lead.evidence_from is not None

    # What they do during the rest counts, and opens nothing.
    relay.sends("otto", "Downloaded Case Study")
    eventually(lambda: not AwaitingAssessment.objects.filter(lead=lead).exists(), "the lead is judged in its rest")
    score = Score.objects.get(lead=lead)
    assert (score.engagement, score.meets) == (10_000, False)
    assert Episode.objects.filter(lead=lead, closed_at=None).count() == 0

    house_clock.leap(lead.rest_until - clock.now() + timedelta(hours=1))
    eventually(lambda: Lead.objects.get(pk=lead.pk).rest_until is None, "the rest ends")
    relay.sends("otto", "Started Free Trial")
    second = relay.offered("otto", episodes=2)
    relay.told(first)

    assert Qualification.objects.filter(lead=lead).count() == 2
    assert second.episode_id != first.episode_id
    assert second.episode.opened_by == "evidence"
    assert lead.stage_changes.latest("id").to_stage == Stage.MQL
    assert "Otto Frost" in Browser(relay.url, second.user.email).page("/inbox/")

"""The demo company lives through real weeks by the real verbs, and nothing is broken at the end."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count

from leads import clock
from leads.models import Lead, Notification, Stage
from scoring.models import ClosedAs, Episode, Lane, Qualification
from sla.attainment import moments
from sla.demo import weeks
from sla.management.commands import seed_demo
from sla.models import Clock, Contest, Handoff, Leg, State, Touch
from tests.processes import assert_invariants


@pytest.fixture
def short_story(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two weeks and a few visitors up to last Wednesday afternoon: long enough for every verb, alike on every day."""
    latest = clock.now().replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(days=1)
    wednesday = latest - timedelta(days=(latest.weekday() - 2) % 7)
    monkeypatch.setattr(seed_demo, "clock", SimpleNamespace(now=lambda: wednesday))
    for room in (weeks, seed_demo):
        monkeypatch.setattr(room, "WEEKS", timedelta(weeks=2))
    monkeypatch.setattr(weeks, "STRANGERS", 25)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("short_story")
class TestTheDemoCompany:
    def test_lives_without_breaking_a_promise_of_the_design(self) -> None:
        said = StringIO()
        call_command("seed_demo", stdout=said)
        assert f"{Lead.objects.count()} leads" in said.getvalue()
        assert_invariants()

        assert Lead.objects.filter(stage=Stage.LEAD).exists()
        assert set(Handoff.objects.values_list("state", flat=True)) >= {"converted"}
        assert set(Clock.objects.values_list("verdict", flat=True)) >= {"met", "missed"}
        assert ClosedAs.CONVERTED in set(Episode.objects.values_list("closed_as", flat=True))
        assert Qualification.objects.exists()
        assert Touch.objects.exists()
        assert Episode.objects.filter(members__left_at=None, closed_at=None).alias(n=Count("members")).filter(n__gt=1)
        assert Episode.objects.filter(lane=Lane.SIGNAL, closed_at=None).exists()
        legs = Handoff.objects.filter(leg=Leg.CLOSING)
        assert legs.filter(state=State.OFFERED).exists()
        assert Contest.objects.open().exists()
        stood = moments.compared(None, chosen=None, now=seed_demo.clock.now() - timedelta(minutes=1))
        assert stood.now is not None
        assert stood.before is not None
        assert not Notification.objects.filter(state__in=["queued", "sending"]).exists()

        # It moves only into an empty house.
        leads = Lead.objects.count()
        call_command("seed_demo", "--if-empty", stdout=said)
        with pytest.raises(CommandError, match="not empty"):
            call_command("seed_demo", stdout=said)
        assert Lead.objects.count() == leads

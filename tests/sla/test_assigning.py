"""A manager gives what waits to one of theirs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads.models import Role
from sla import handoffs
from sla.models import Absence, CapacityOverride, Clock
from sla.routing import assigning
from tests import desk
from tests.desk import Company, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def company(now: datetime) -> Company:
    return desk.company(now)


class TestGive:
    def test_offers_it_with_a_trace_and_meets_the_assign_clock(self, company: Company, now: datetime) -> None:
        episode = company.episode(company.lead(now=now), now=now)
        handoff = assigning.give(episode.pk, rep=company.ada.user, by=company.manager, now=now)
        assert (handoff.user, handoff.state) == (company.ada.user, "offered")
        assert handoff.trace.trace["why"] == "by hand"
        assert Clock.objects.get(episode=episode, target="assign").verdict == "met"

    def test_brings_back_what_waits_in_the_pool(self, company: Company, now: datetime) -> None:
        episode = company.episode(company.lead(now=now), now=now)
        for _ in range(3):
            handoffs.move_on(company.offer(episode, now=now), why="breach", now=now)
            episode.refresh_from_db()
        assert assigning.give(episode.pk, rep=company.ben.user, by=company.manager, now=now).hop == 4

    def test_passes_capacity_and_says_so(self, company: Company, now: datetime) -> None:
        company.ada.capacity = 0
        company.ada.save()
        episode = company.episode(company.lead(now=now), now=now)
        assigning.give(episode.pk, rep=company.ada.user, by=company.manager, now=now)
        assert CapacityOverride.objects.get().why == "by hand"

    def test_refuses_what_no_longer_waits(self, company: Company, now: datetime) -> None:
        handoff = company.offered(now=now)
        with pytest.raises(assigning.CannotGive, match="no longer waits"):
            assigning.give(handoff.episode_id, rep=company.ada.user, by=company.manager, now=now)

    def test_refuses_a_rep_who_is_away(self, company: Company, now: datetime) -> None:
        Absence.objects.create(rep=company.ada, starts_at=now, ends_at=now + timedelta(hours=4))
        episode = company.episode(company.lead(now=now), now=now)
        with pytest.raises(assigning.CannotGive, match="away"):
            assigning.give(episode.pk, rep=company.ada.user, by=company.manager, now=now)

    def test_refuses_somebody_elses_rep(self, company: Company, now: datetime) -> None:
        episode = company.episode(company.lead(now=now), now=now)
        with pytest.raises(assigning.CannotGive, match="no team that you manage"):
            assigning.give(episode.pk, rep=company.ada.user, by=person(Role.MANAGER, "Olga Far"), now=now)

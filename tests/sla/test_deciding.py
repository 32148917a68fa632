"""The decision that writes nothing: what routing would do, for any lead and any moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads.models import Lead, Stage
from scoring.models import Episode, Lane, OpenedBy, Tier
from sla import handoffs, routing
from sla.models import Absence, Clock, Desk, Handoff, PolicyVersion, Rep, RoutingRule, Target
from sla.routing import Ends, decide
from tests import desk
from tests.desk import Company

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


class TestDecide:
    def test_names_the_rep_whom_routing_then_offers_it_with_the_same_trace_and_due_instants(
        self, house: Company, now: datetime
    ) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        decision = decide(episode, episode.lead, now=now)
        handoff = routing.route(episode.pk, now=now)

        assert handoff is not None
        assert decision.ends == Ends.OFFER
        assert decision.chosen is not None
        assert (decision.chosen.rep.user, decision.team) == (handoff.user, handoff.team)
        assert decision.trace() == handoff.trace.trace
        due = dict(Clock.objects.filter(handoff=handoff).values_list("target", "due_at"))
        assert decision.promised == {target: due[target] for target in (Target.ACCEPT, Target.FIRST_TOUCH)}

    def test_writes_nothing(self, house: Company, now: datetime) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        desks = list(Desk.objects.values())
        decide(episode, episode.lead, now=now)

        assert not Handoff.objects.exists()
        assert list(Desk.objects.values()) == desks

    def test_judges_a_lead_on_paper_at_any_moment(self, house: Company, now: datetime) -> None:
        RoutingRule.objects.update(condition={"field": "lead.country", "op": "is", "value": "Norway"})
        later = now + timedelta(days=30)
        Absence.objects.create(rep=house.ben, starts_at=later, ends_at=later + MINUTE)
        lead = Lead(first_name="Iris", country="Norway", stage=Stage.LEAD)
        episode = Episode(
            lead=lead, tier=Tier.HOT, lane=Lane.FAST, opened_by=OpenedBy.HAND_RAISE, definition=house.definition
        )
        first, then = (decide(episode, lead, now=at).chosen for at in (now, later))
        assert first is not None
        assert then is not None
        assert (first.rep, then.rep) == (house.ben, house.ada)
        assert decide(episode, lead, now=later).promised == {Target.FIRST_TOUCH: later + 15 * MINUTE}

        lead.country = "Chile"
        assert decide(episode, lead, now=now).ends == Ends.NO_RULE

    @pytest.mark.parametrize("ends", [Ends.HELD, Ends.POOL, Ends.NOBODY, Ends.NO_POLICY])
    def test_says_what_happens_instead(self, house: Company, now: datetime, ends: Ends) -> None:
        episode = house.episode(house.lead(now=now), now=now)
        if ends == Ends.HELD:
            episode.route_not_before = now + MINUTE
        elif ends == Ends.POOL:
            for _ in range(2):
                handoffs.move_on(house.offer(episode, now=now), why="breach", now=now)
                episode.refresh_from_db()
        elif ends == Ends.NOBODY:
            Rep.objects.update(capacity=0)
        else:
            PolicyVersion.objects.filter(state="published").update(state="retired")
        decision = decide(episode, episode.lead, now=now)

        assert decision.ends == ends
        assert decision.chosen is None
        assert decision.promised == {}
        assert decision.held_until == (now + MINUTE if ends == Ends.HELD else None)
        if ends == Ends.NOBODY:
            assert decision.roster is not None
            assert decision.roster.counted() == {"full": 2}
            assert [each.result for each in decision.tried] == ["nobody eligible"]

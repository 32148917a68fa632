"""Handing over to a colleague: who may, to whom, and what it writes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client

from leads import clock
from leads.errors import Invalid
from leads.models import Lead, Notification
from sla import handoffs
from sla.models import CapacityOverride, Handoff, State, Target
from sla.routing import standins
from sla.routing.handing_over import colleagues_for, hand_over
from tests.desk import Company, away, clock_of, company, rep_in
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
WHY = "She speaks Portuguese"


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


class TestHandingOver:
    @pytest.mark.parametrize("accepted", [False, True])
    def test_moves_it_and_offers_it_to_the_colleague(self, house: Company, now: datetime, accepted: bool) -> None:
        former = house.accepted(now=now) if accepted else house.offered(now=now)
        made = hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ben.user, now=now + MINUTE)
        former.refresh_from_db()
        assert (former.state, former.note, former.changes.latest("pk").by) == (State.MOVED, WHY, house.ben.user)
        assert (made.user, made.state, made.hop) == (house.ada.user, State.OFFERED, 2)
        assert Lead.objects.get(pk=made.episode.lead_id).holder == house.ada.user
        assert clock_of(made, Target.ACCEPT).started_at == now + MINUTE
        assert Notification.objects.filter(kind="new lead", recipient=house.ada.user).count() == 1
        # Ben was given it past the rules.
        assert_sound(leaving_out=("offers are explained",))

    def test_by_a_manager_tells_the_rep_too(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        hand_over(former.pk, to=house.ada.user, why=WHY, by=house.manager, now=now)
        assert Notification.objects.filter(kind="handed over", recipient=house.ben.user).count() == 1

    def test_passes_capacity_only_for_a_manager(self, house: Company, now: datetime) -> None:
        full = rep_in(house.team, "Cleo Marsh", capacity=0)
        former = house.offered(now=now)
        with pytest.raises(handoffs.OverCapacity, match="has no room"), transaction.atomic():
            hand_over(former.pk, to=full.user, why=WHY, by=house.ben.user, now=now)
        assert Handoff.objects.get(pk=former.pk).state == State.OFFERED
        made = hand_over(former.pk, to=full.user, why=WHY, by=house.manager, now=now)
        assert CapacityOverride.objects.get(handoff=made).why == "handed over"

    def test_is_refused_to_who_cannot_take_it(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        elsewhere = company(now).ben
        away(house.ada, now=now)
        for to, refusal in ((house.ben, Invalid), (house.ada, standins.NotAble), (elsewhere, standins.NotAble)):
            with pytest.raises(refusal):
                hand_over(former.pk, to=to.user, why=WHY, by=house.ben.user, now=now)
        with pytest.raises(Invalid, match="why you hand it over"):
            hand_over(former.pk, to=house.ada.user, why="  ", by=house.ben.user, now=now)

    def test_is_nobody_elses_and_not_from_an_old_page(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        with pytest.raises(handoffs.NotYours):
            hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ada.user, now=now)
        with pytest.raises(handoffs.AlreadyDecided):
            hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ben.user, now=now, seen_version=7)

    def test_names_colleagues_with_what_they_have(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        cleo = rep_in(house.team, "Cleo Marsh", capacity=0)
        away(house.ada, now=now)
        found = [(each.user, each.is_full, each.is_away) for each in colleagues_for(former, house.ben.user, now=now)]
        assert found == [(cleo.user, True, False), (house.ada.user, False, True)]


class TestThePage:
    def test_hands_over_with_a_reason(self, db: None) -> None:
        now = clock.now()
        house = company(now)
        former = house.offered(now=now)
        ben = Client()
        ben.force_login(house.ben.user)
        path = f"/handoffs/{former.public_id}/hand-over/"
        assert "Choose a colleague" in ben.get(f"/leads/{former.episode.lead.public_id}/promise/").content.decode()
        assert ben.post(path, {"to": "nobody", "why": WHY}).status_code == 422
        answer = ben.post(path, {"to": str(house.ada.user.public_id), "why": WHY, "key": "k"})
        assert "Handed over: " in ben.get(answer["Location"]).content.decode()
        assert Handoff.objects.open().get().user == house.ada.user
        again = ben.post(path, {"to": str(house.ada.user.public_id), "why": WHY, "key": "k"})
        assert "moved on to another rep" in ben.get(again["Location"]).content.decode()

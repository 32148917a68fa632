"""Handing over to a colleague: who may, to whom, and what it writes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import Client

from leads import clock
from leads.errors import Invalid
from leads.models import Lead, Notification
from sla import handoffs, touches
from sla.handoffs import taking_back
from sla.models import CapacityOverride, Clock, Handoff, Rep, State, Target
from sla.nextsteps import changing
from sla.routing import standins
from sla.routing.handing_over import colleagues_for, hand_over
from tests.desk import Company, away, clock_of, company, rep_in
from tests.sla.test_undo import picture
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
MINUTE, FIVE = timedelta(minutes=1), timedelta(seconds=5)
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
        told = ben.get(answer["Location"]).content.decode()
        assert "Handed over: " in told
        assert f"/handoffs/{former.public_id}/undo/" in told
        assert Handoff.objects.open().get().user == house.ada.user
        again = ben.post(path, {"to": str(house.ada.user.public_id), "why": WHY, "key": "k"})
        assert "moved on to another rep" in ben.get(again["Location"]).content.decode()
        undone = ben.post(f"/handoffs/{former.public_id}/undo/", {"key": "u"})
        page = ben.get(undone["Location"]).content.decode()
        assert "Undone: " in page
        assert "offered to" in page
        assert Handoff.objects.open().get() == former


class TestTakingItBack:
    """Undo, while the colleague has done nothing with it."""

    @pytest.mark.parametrize("kind", ["offered", "accepted", "fast", "late"])
    def test_leaves_it_as_if_nothing_had_happened(self, house: Company, now: datetime, kind: str) -> None:
        if kind == "fast":
            former = house.offer(house.episode(house.lead(now=now), now=now, fast=True), now=now)
        else:
            former = house.accepted(now=now) if kind == "accepted" else house.offered(now=now)
        at = now + (timedelta(days=2) if kind == "late" else MINUTE)
        before = picture(former)
        made = hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ben.user, now=at)
        assert picture(former) != before
        undone = handoffs.undo(former.pk, by=house.ben.user, now=at + FIVE)
        after = picture(former)
        if kind == "late":  # what had run past due is told by its breach, and runs on
            before["running"] = [each[:3] for each in before["running"]]
            after["running"] = [each[:3] for each in after["running"]]
        assert after == before
        made.refresh_from_db()
        last = undone.changes.last()
        assert (made.state, last.is_undo, last.from_state) == (State.WITHDRAWN, True, State.MOVED)
        assert not Clock.objects.filter(handoff=made, verdict="").exists()
        assert not Notification.objects.filter(effect_key__contains=str(made.public_id), state="queued").exists()
        assert_sound(leaving_out=("offers are explained",))

    def test_is_over_after_its_seconds(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ben.user, now=now)
        with pytest.raises(taking_back.CannotTakeBack, match="for 15 seconds"):
            handoffs.undo(former.pk, by=house.ben.user, now=now + timedelta(seconds=16))

    @pytest.mark.parametrize("act", ["accepts", "rejects", "snoozes", "touches"])
    def test_is_refused_once_the_colleague_has_acted(self, house: Company, now: datetime, act: str) -> None:
        former, ada, soon = house.offered(now=now), house.ada.user, now + timedelta(seconds=3)
        made = hand_over(former.pk, to=ada, why=WHY, by=house.ben.user, now=now)
        if act == "accepts":
            handoffs.accept(made.pk, by=ada, now=soon)
        elif act == "rejects":
            handoffs.reject(made.pk, reason="bad_contact", by=ada, now=soon)
        elif act == "snoozes":
            changing.snooze(made.pk, until=now + MINUTE, by=ada, now=soon)
        else:
            touches.record(
                made.episode.lead_id,
                means="call",
                outcome="reached",
                performed_by=ada,
                recorded_by=ada,
                occurred_at=soon,
                now=soon,
            )
        with pytest.raises(taking_back.CannotTakeBack, match="Ada Brook has acted"):
            handoffs.undo(former.pk, by=house.ben.user, now=now + FIVE)
        former.refresh_from_db()
        assert former.state == State.MOVED

    def test_tells_a_colleague_only_who_was_told_before(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        made = hand_over(former.pk, to=house.ada.user, why=WHY, by=house.manager, now=now)
        letters = Notification.objects.filter(recipient__in=[house.ada.user, house.ben.user], not_before__gt=now)
        assert {each.kind for each in letters} == {"new lead", "handed over"}
        Notification.objects.filter(recipient=house.ada.user).update(state="sent", settled_at=now)
        handoffs.undo(former.pk, by=house.manager, now=now + FIVE)
        assert Notification.objects.get(recipient=house.ada.user, kind="taken back").state == "queued"
        assert Notification.objects.get(recipient=house.ben.user, kind="handed over").state == "cancelled"
        with pytest.raises(handoffs.AlreadyDecided, match="took that back"):
            handoffs.accept(made.pk, by=house.ada.user, now=now + FIVE)

    def test_can_be_handed_over_again_and_goes_on(self, house: Company, now: datetime) -> None:
        former = house.accepted(now=now)
        for second in (0, 10):
            at = now + timedelta(seconds=second)
            hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ben.user, now=at)
            handoffs.undo(former.pk, by=house.ben.user, now=at + FIVE)
        later = now + timedelta(minutes=5)
        handoffs.return_(former.pk, reason="bad_contact", by=house.ben.user, now=later)
        assert handoffs.reopen(former.pk, by=house.manager, why="Try again", now=later + FIVE).hop == 4
        assert_sound(leaving_out=("offers are explained",))

    def test_puts_a_full_rep_past_capacity_with_a_row(self, house: Company, now: datetime) -> None:
        former = house.offered(now=now)
        hand_over(former.pk, to=house.ada.user, why=WHY, by=house.ben.user, now=now)
        Rep.objects.filter(pk=house.ben.pk).update(capacity=0)
        handoffs.undo(former.pk, by=house.ben.user, now=now + FIVE)
        assert CapacityOverride.objects.get(handoff=former).why == "undo"

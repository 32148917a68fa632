"""The closing leg: the next owner is asked; every answer, and everything else that may happen to it meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from leads.errors import Invalid
from leads.models import Lead, Notification, Outcome, Stage, TeamMembership
from scoring.models import ClosedAs, Episode, Lane, Phase, Tier
from sla import handoffs, touches
from sla.handoffs import closers
from sla.models import CapacityOverride, Clock, Handoff, Leg, Rep, State, Target
from tests.desk import HOUR, MINUTE, Company, away, clock_of, company, joined
from tests.sla.test_undo import picture
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=10)
FIVE = timedelta(seconds=5)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def eva(house: Company) -> Rep:
    return house.closer()


def lead_of(handoff: Handoff) -> Lead:
    return Lead.objects.get(pk=handoff.episode.lead_id)


def episode_of(handoff: Handoff) -> Episode:
    return Episode.objects.get(pk=handoff.episode_id)


def kinds(handoff: Handoff) -> list[str]:
    standing = Outcome.objects.filter(matter=handoff.episode.public_id, withdrawn_at=None)
    return list(standing.order_by("pk").values_list("kind", flat=True))


def newest(handoff: Handoff) -> Handoff:
    return Handoff.objects.filter(episode=handoff.episode_id).order_by("-hop")[0]


def letters(kind: str, who: Rep) -> list[Notification]:
    return list(Notification.objects.filter(kind=kind, recipient=who.user).exclude(state="cancelled").order_by("pk"))


def sound() -> None:
    """Ben was given it past the rules."""
    assert_sound(leaving_out=("offers are explained",))


class TestConvertingToTheNextOwner:
    def test_closes_the_sales_leg_and_asks_them(self, house: Company, eva: Rep, now: datetime) -> None:
        sales = house.accepted(now=now)
        got = handoffs.convert(sales.pk, to=eva.user, note="Wants a pilot", by=house.ben.user, now=now + SOON)
        leg = newest(sales)
        assert (got.state, got.leg, got.note) == (State.CONVERTED, Leg.SALES, "Wants a pilot")
        assert (leg.state, leg.leg, leg.hop, leg.user, leg.team) == (
            State.OFFERED, Leg.CLOSING, 2, eva.user, house.closers,
        )  # fmt: skip
        lead, episode = lead_of(sales), episode_of(sales)
        assert (lead.stage, lead.holder, lead.holder_team) == (Stage.SQL, eva.user, house.closers)
        assert (episode.phase, episode.closed_at) == (Phase.OFFERED, None)
        assert kinds(sales) == ["accepted", "converted"]
        sound()

    def test_promises_an_answer_alone(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now, tier=Tier.WARM)
        assert list(leg.clocks.values_list("target", flat=True)) == [Target.ACCEPT]
        assert clock_of(leg, Target.ACCEPT).due_at == now + timedelta(seconds=2 * HOUR)
        assert not Clock.objects.filter(episode=leg.episode, verdict="").exclude(handoff=leg).exists()

    def test_in_the_fast_lane_promises_the_answer_of_the_tier(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now, fast=True)
        assert (leg.lane, leg.episode.lane) == (Lane.NORMAL, Lane.FAST)
        assert clock_of(leg, Target.ACCEPT).due_at == now + timedelta(seconds=30 * MINUTE)
        sound()

    def test_takes_no_room(self, house: Company, eva: Rep, now: datetime) -> None:
        Rep.objects.filter(pk=eva.pk).update(capacity=0, daily_cap=0)
        leg = house.to_close(eva, now=now)
        assert handoffs.open_load(eva) == 0
        assert not CapacityOverride.objects.filter(handoff=leg).exists()
        sound()

    def test_tells_them_whose_lead_it_was_once_undo_is_over(self, house: Company, eva: Rep, now: datetime) -> None:
        house.to_close(eva, now=now)
        (letter,) = letters("new lead", eva)
        assert letter.subject.startswith("To close: Iris Vale")
        assert letter.data["former"] == "Ben Keller"
        assert letter.not_before == now + handoffs.UNDO_FOR

    def test_takes_who_joined_along(self, house: Company, eva: Rep, now: datetime) -> None:
        sales = house.accepted(now=now)
        olaf = joined(house, sales, now=now)
        handoffs.convert(sales.pk, to=eva.user, by=house.ben.user, now=now)
        olaf.refresh_from_db()
        assert (olaf.stage, olaf.holder) == (Stage.SQL, eva.user)
        handoffs.accept(newest(sales).pk, by=eva.user, now=now + SOON)
        assert list(Outcome.objects.filter(lead=olaf, withdrawn_at=None).values_list("kind", flat=True)) == [
            "converted"
        ]
        assert not olaf.memberships.filter(left_at=None).exists()
        sound()

    def test_is_refused_for_who_does_not_close_is_away_or_has_it(self, house: Company, eva: Rep, now: datetime) -> None:
        sales, ben = house.accepted(now=now), house.ben.user
        with pytest.raises(handoffs.NotAbleToClose, match="takes no leads that others have converted"):
            handoffs.convert(sales.pk, to=house.ada.user, by=ben, now=now)
        with pytest.raises(Invalid, match="has it already"):
            handoffs.convert(sales.pk, to=ben, by=ben, now=now)
        away(eva, now=now)
        with pytest.raises(handoffs.NotAbleToClose, match="is away"):
            handoffs.convert(sales.pk, to=eva.user, by=ben, now=now)
        TeamMembership.objects.filter(user=eva.user).delete()
        eva.absences.all().delete()
        with pytest.raises(handoffs.NotAbleToClose, match="no team"):
            handoffs.convert(sales.pk, to=eva.user, by=ben, now=now)
        assert (lead_of(sales).stage, newest(sales)) == (Stage.SAL, sales)

    def test_offers_the_owner_of_the_account_first_and_who_is_away_last(
        self, house: Company, eva: Rep, now: datetime
    ) -> None:
        owner, gone = house.closer("Zoe Hart"), house.closer("Abe Lund")
        away(gone, now=now)
        sales = house.accepted(now=now)
        house.colleague(sales.episode.lead, now=now)
        account = sales.episode.lead.account
        assert account is not None
        account.owner = owner.user
        account.save(update_fields=["owner"])
        sales = Handoff.objects.select_related("episode__lead__account").get(pk=sales.pk)
        found = closers.closers_for(sales, now=now)
        assert [(each.user, each.is_account_owner, each.is_away) for each in found] == [
            (owner.user, True, False), (eva.user, False, False), (gone.user, False, True),
        ]  # fmt: skip
        assert [each.due_at for each in found] == [now + timedelta(seconds=2 * HOUR)] * 2 + [None]

    def test_never_stands_before_a_sales_leg(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        with pytest.raises(IntegrityError, match="closing_follows_sales"), transaction.atomic():
            Handoff.objects.filter(pk=handoff.pk).update(leg=Leg.CLOSING)


class TestTheirAnswer:
    def test_accepting_closes_leg_and_episode_as_converted(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        got = handoffs.accept(leg.pk, by=eva.user, now=now + SOON)
        episode = episode_of(leg)
        assert (got.state, got.accepted_at, got.closed_at) == (State.CONVERTED, now + SOON, now + SOON)
        assert (episode.closed_as, lead_of(leg).stage, lead_of(leg).holder) == (
            ClosedAs.CONVERTED, Stage.SQL, eva.user,
        )  # fmt: skip
        assert kinds(leg) == ["accepted", "converted"]
        assert clock_of(leg, Target.ACCEPT).verdict == "met"
        assert [letter.not_before for letter in letters("taken up", house.ben)] == [now + SOON + handoffs.UNDO_FOR]
        sound()

    def test_accepting_twice_answers_with_the_present_state(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        handoffs.accept(leg.pk, by=eva.user, now=now)
        assert handoffs.accept(leg.pk, by=eva.user, now=now + SOON, seen_version=1).version == 3

    def test_a_touch_accepts(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        touches.record(
            leg.episode.lead_id, means="call", outcome="reached", performed_by=eva.user, recorded_by=eva.user,
            occurred_at=now + SOON, now=now + SOON,
        )  # fmt: skip
        leg.refresh_from_db()
        assert (leg.state, leg.first_touched_at, episode_of(leg).closed_as) == (
            State.CONVERTED, now + SOON, ClosedAs.CONVERTED,
        )  # fmt: skip
        sound()

    def test_rejecting_gives_it_back_accepted(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        got = handoffs.reject(leg.pk, reason="not_ready", note="No budget yet", by=eva.user, now=now + SOON)
        back, lead = newest(leg), lead_of(leg)
        assert (got.state, got.reason and got.reason.code, got.note) == (State.REJECTED, "not_ready", "No budget yet")
        assert (back.state, back.leg, back.user, back.hop) == (State.ACCEPTED, Leg.SALES, house.ben.user, 3)
        assert (lead.stage, lead.holder, lead.rest_until, lead.evidence_from) == (
            Stage.SAL, house.ben.user, None, None,
        )  # fmt: skip
        assert (episode_of(leg).phase, kinds(leg)) == (Phase.ACCEPTED, ["accepted"])
        assert {clock.target for clock in back.clocks.all()} == {Target.FIRST_TOUCH, Target.DEPTH, Target.QUALIFY}
        assert clock_of(leg, Target.ACCEPT).verdict == "met"
        (told,) = letters("given back", house.ben)
        assert "Not ready to buy yet" in told.data["message"]
        sound()

    def test_what_came_back_can_be_converted_again(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        handoffs.reject(leg.pk, reason="other_closer", by=eva.user, now=now + SOON)
        zoe = house.closer("Zoe Hart")
        handoffs.convert(newest(leg).pk, to=zoe.user, by=house.ben.user, now=now + 2 * SOON)
        handoffs.accept(newest(leg).pk, by=zoe.user, now=now + 3 * SOON)
        assert (episode_of(leg).closed_as, kinds(leg)) == (ClosedAs.CONVERTED, ["accepted", "converted"])
        sound()

    def test_rejecting_takes_reasons_of_its_own(self, house: Company, eva: Rep, now: datetime) -> None:
        leg, offered = house.to_close(eva, now=now), house.offered(now=now)
        for reason in ("student", "timing", "wrong_territory"):
            with pytest.raises(Invalid, match="Choose a reason for rejecting"):
                handoffs.reject(leg.pk, reason=reason, by=eva.user, now=now)
        with pytest.raises(Invalid, match="Choose a reason for rejecting"):
            handoffs.reject(offered.pk, reason="not_ready", by=house.ben.user, now=now)

    def test_is_neither_returned_nor_converted_nor_split(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        olaf = joined(house, leg, now=now)
        with pytest.raises(Invalid, match="accepted, or rejected"):
            handoffs.return_(leg.pk, reason="timing", named_date=now + 9 * SOON, by=eva.user, now=now)
        with pytest.raises(handoffs.AlreadyDecided):
            handoffs.convert(leg.pk, by=eva.user, now=now)
        with pytest.raises(handoffs.CannotSplit, match="next owner"):
            handoffs.split(leg.pk, olaf.pk, by=eva.user, now=now)

    def test_is_theirs_and_their_managers_alone(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        for stranger in (house.ben.user, house.ada.user, house.manager):
            with pytest.raises(handoffs.NotYours):
                handoffs.accept(leg.pk, by=stranger, now=now)
        assert Lead.objects.visible_to(house.ben.user).filter(pk=leg.episode.lead_id).exists()

    @pytest.mark.parametrize("why", ["away", "gone", "left the team"])
    def test_rejecting_where_the_former_rep_cannot_have_it_looks_for_the_next(
        self, house: Company, eva: Rep, now: datetime, why: str
    ) -> None:
        leg = house.to_close(eva, now=now)
        if why == "away":
            away(house.ben, now=now)
        elif why == "gone":
            Rep.objects.filter(pk=house.ben.pk).update(is_active=False)
        else:
            TeamMembership.objects.filter(user=house.ben.user).delete()
        handoffs.reject(leg.pk, reason="not_ready", by=eva.user, now=now + SOON)
        episode = episode_of(leg)
        assert (episode.phase, episode.route_not_before) == (Phase.WAITING, now + SOON + handoffs.UNDO_FOR)
        assert (lead_of(leg).stage, lead_of(leg).holder, newest(leg)) == (Stage.SAL, None, leg)
        sound()


class TestTakingItBack:
    def test_undo_of_the_conversion_leaves_it_as_if_nobody_had_been_asked(
        self, house: Company, eva: Rep, now: datetime
    ) -> None:
        sales = house.accepted(now=now)
        before = picture(sales)
        handoffs.convert(sales.pk, to=eva.user, by=house.ben.user, now=now + SOON)
        handoffs.undo(sales.pk, by=house.ben.user, now=now + SOON + FIVE)
        assert picture(sales) == before
        assert newest(sales).state == State.WITHDRAWN
        assert letters("new lead", eva) == []
        sound()

    @pytest.mark.parametrize("answer", ["accept", "reject"])
    def test_undo_of_their_answer_leaves_it_on_offer(
        self, house: Company, eva: Rep, now: datetime, answer: str
    ) -> None:
        leg = house.to_close(eva, now=now)
        before = picture(leg)
        if answer == "accept":
            handoffs.accept(leg.pk, by=eva.user, now=now + SOON)
        else:
            handoffs.reject(leg.pk, reason="not_ready", by=eva.user, now=now + SOON)
        handoffs.undo(leg.pk, by=eva.user, now=now + SOON + FIVE)
        assert picture(leg) == before
        assert letters("given back", house.ben) == letters("taken up", house.ben) == []
        sound()
        handoffs.accept(leg.pk, by=eva.user, now=now + 2 * SOON)
        assert len(letters("taken up", house.ben)) == 1

    def test_undo_is_refused_once_the_other_has_answered(self, house: Company, eva: Rep, now: datetime) -> None:
        leg = house.to_close(eva, now=now)
        sales = Handoff.objects.get(episode=leg.episode, hop=1)
        handoffs.accept(leg.pk, by=eva.user, now=now + FIVE)
        with pytest.raises(handoffs.CannotUndo, match="Something newer"):
            handoffs.undo(sales.pk, by=house.ben.user, now=now + 2 * FIVE)

    def test_reopening_what_they_took_gives_it_to_the_former_rep(self, house: Company, eva: Rep, now: datetime) -> None:
        boss = house.manager
        leg = house.to_close(eva, now=now)
        TeamMembership.objects.create(user=boss, team=leg.team, is_manager=True)
        handoffs.accept(leg.pk, by=eva.user, now=now + SOON)
        hop = handoffs.reopen(leg.pk, by=boss, why="Closed by mistake", now=now + 9 * SOON)
        assert (hop.user, hop.leg, hop.state, lead_of(leg).stage) == (
            house.ben.user, Leg.SALES, State.ACCEPTED, Stage.SAL,
        )  # fmt: skip
        assert kinds(leg) == ["accepted"]
        sound()

"""What happens to a closing leg while its next owner has not answered: time, absences, managers, and the person."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads import erasing, lifecycle, outcomes
from leads.models import Lead, Notification, Outcome, Stage, TeamMembership
from scoring import episodes
from scoring.models import ClosedAs, Episode, Lane, Phase, Tier
from sla import handoffs
from sla.clocks import escalation
from sla.models import ClockStep, Handoff, LadderStep, Leg, ManagerAct, Rep, State, Target
from sla.people import absences, beginning, leaving
from sla.routing import reassigning
from sla.routing.handing_over import colleagues_for, hand_over
from sla.routing.past import Past
from sla.routing.reassigning import CannotReassign
from tests.desk import HOUR, Company, act, clock_of, company, joined, judge, learn
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=10)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def eva(house: Company) -> Rep:
    return house.closer()


@pytest.fixture
def leg(house: Company, eva: Rep, now: datetime) -> Handoff:
    return house.to_close(eva, now=now)


def lead_of(handoff: Handoff) -> Lead:
    return Lead.objects.get(pk=handoff.episode.lead_id)


def episode_of(handoff: Handoff) -> Episode:
    return Episode.objects.get(pk=handoff.episode_id)


def newest(handoff: Handoff) -> Handoff:
    return Handoff.objects.filter(episode=handoff.episode_id).order_by("-hop")[0]


def told(kind: str, who: Rep) -> bool:
    return Notification.objects.filter(kind=kind, recipient=who.user).exists()


def sound() -> None:
    """Ben was given it past the rules."""
    assert_sound(leaving_out=("offers are explained", "qualifications recompute"))


def boss_of(house: Company, leg: Handoff) -> None:
    TeamMembership.objects.create(user=house.manager, team=leg.team, is_manager=True)


class TestTimePasses:
    def test_the_ladder_tells_and_its_hop_leaves_it_to_the_manager(
        self, house: Company, leg: Handoff, now: datetime
    ) -> None:
        boss_of(house, leg)
        due = clock_of(leg, Target.ACCEPT).due_at
        for at in (due, now + 1.5 * (due - now)):
            escalation.fire(clock_of(leg, Target.ACCEPT).pk, now=at)
        leg.refresh_from_db()
        assert (leg.state, newest(leg), episode_of(leg).phase) == (State.OFFERED, leg, Phase.OFFERED)
        hop = ClockStep.objects.get(clock__handoff=leg, step__action=LadderStep.Action.HOP)
        assert hop.detail["instead"] == "tell_manager"
        assert Notification.objects.get(effect_key__in=hop.detail["told"]).recipient == house.manager
        sound()


class TestTheNextOwnerIsAwayOrGone:
    def test_away_gives_it_back(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        at = now + SOON
        absence = absences.add(eva.pk, starts_at=at, ends_at=at + timedelta(days=3), now=now, by=eva.user)
        beginning.begin(absence.pk, now=at)
        self.is_bens_again(house, leg)
        assert clock_of(leg, Target.ACCEPT).verdict == "voided"

    def test_gone_gives_it_back(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        leaving.leave(eva.pk, now=now + SOON, by=house.manager)
        self.is_bens_again(house, leg)

    def test_gone_gives_it_back_whoever_takes_over(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        leaving.leave(eva.pk, next_owner="cover", cover=house.closer("Zoe Hart"), now=now + SOON, by=house.manager)
        self.is_bens_again(house, leg)

    def test_leaving_the_team_gives_it_back(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        leaving.leave_team(eva.pk, leg.team, now=now + SOON, by=house.manager)
        self.is_bens_again(house, leg)

    def is_bens_again(self, house: Company, leg: Handoff) -> None:
        leg.refresh_from_db()
        back = newest(leg)
        assert leg.state == State.MOVED
        assert (back.user, back.leg, back.state, lead_of(leg).stage) == (
            house.ben.user, Leg.SALES, State.ACCEPTED, Stage.SAL,
        )  # fmt: skip
        assert told("given back", house.ben)
        sound()


class TestItIsPassedOn:
    def test_to_another_who_closes(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        zoe = house.closer("Zoe Hart")
        assert [each.user for each in colleagues_for(leg, eva.user, now=now)] == [zoe.user]
        made = hand_over(leg.pk, to=zoe.user, why="Her account", by=eva.user, now=now + SOON)
        leg.refresh_from_db()
        assert (leg.state, made.user, made.leg, made.state) == (State.MOVED, zoe.user, Leg.CLOSING, State.OFFERED)
        assert clock_of(made, Target.ACCEPT).due_at == now + SOON + timedelta(seconds=2 * HOUR)
        assert lead_of(leg).holder == zoe.user
        handoffs.reject(made.pk, reason="not_ready", by=zoe.user, now=now + 2 * SOON)
        assert newest(leg).user == house.ben.user
        sound()

    def test_is_undone_while_the_other_has_not_answered(
        self, house: Company, eva: Rep, leg: Handoff, now: datetime
    ) -> None:
        due_at, zoe = clock_of(leg, Target.ACCEPT).due_at, house.closer("Zoe Hart")
        made = hand_over(leg.pk, to=zoe.user, why="Her account", by=eva.user, now=now + SOON)
        handoffs.undo(leg.pk, by=eva.user, now=now + SOON + timedelta(seconds=5))
        leg.refresh_from_db()
        made.refresh_from_db()
        assert (leg.state, made.state, made.is_undone) == (State.OFFERED, State.WITHDRAWN, True)
        assert (lead_of(leg).holder, lead_of(leg).stage, episode_of(leg).phase) == (eva.user, Stage.SQL, Phase.OFFERED)
        clock = clock_of(leg, Target.ACCEPT)
        assert (clock.due_at, clock.is_running) == (due_at, True)
        assert not Notification.objects.filter(recipient=zoe.user).exclude(state="cancelled").exists()
        sound()

    def test_to_nobody_who_does_not_close(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        with pytest.raises(handoffs.NotAbleToClose):
            hand_over(leg.pk, to=house.ada.user, why="Why not", by=eva.user, now=now)

    def test_by_a_manager_but_never_to_the_rules(self, house: Company, leg: Handoff, now: datetime) -> None:
        boss_of(house, leg)
        zoe = house.closer("Zoe Hart")
        with pytest.raises(CannotReassign, match="No rule says who closes"):
            reassigning.reassign(leg.pk, to=None, reason="Too slow", by=house.manager, now=now)
        made = reassigning.reassign(leg.pk, to=zoe.user, reason="Too slow", by=house.manager, now=now + SOON)
        assert made is not None
        assert (made.leg, made.user, ManagerAct.objects.get().to) == (Leg.CLOSING, zoe.user, zoe.user)
        sound()

    def test_by_taking_it_over_which_accepts(self, house: Company, leg: Handoff, now: datetime) -> None:
        boss_of(house, leg)
        Rep.objects.create(user=house.manager, closes=True)
        taken = reassigning.take_over(leg.pk, reason="Mine", by=house.manager, now=now + SOON)
        assert (taken.state, taken.leg, episode_of(leg).closed_as) == (
            State.CONVERTED, Leg.CLOSING, ClosedAs.CONVERTED,
        )  # fmt: skip
        sound()


class TestRouting:
    def test_remembers_who_had_it_in_sales(self, house: Company, leg: Handoff, now: datetime) -> None:
        handoffs.accept(leg.pk, by=leg.user, now=now)
        other, lead = house.episode(house.lead(now=now), now=now), lead_of(leg)
        assert Past([(other, lead)]).last_of(lead, other) == house.ben.user_id


class TestThePerson:
    def test_does_the_same_and_nothing_moves(self, leg: Handoff, now: datetime) -> None:
        act(lead_of(leg), "Read Article", at=now + SOON)
        judge(now=now + SOON)
        leg.refresh_from_db()
        assert (leg.version, episode_of(leg).phase) == (1, Phase.OFFERED)

    def test_is_hotter_and_the_answer_is_due_earlier(self, eva: Rep, leg: Handoff, now: datetime) -> None:
        episodes.raise_tier(episodes.lock(leg.episode_id), Tier.HOT, now=now + SOON)
        leg.refresh_from_db()
        assert [clock.target for clock in leg.clocks.all()] == [Target.ACCEPT]
        assert clock_of(leg, Target.ACCEPT).due_at == now + SOON + timedelta(minutes=30)
        assert leg.tier == Tier.HOT
        sound()

    def test_raises_a_hand_and_it_stays_on_offer(self, eva: Rep, leg: Handoff, now: datetime) -> None:
        act(lead_of(leg), "Requested Demo", at=now + SOON)
        judge(now=now + SOON)
        leg.refresh_from_db()
        assert (leg.state, leg.lane, episode_of(leg).lane) == (State.OFFERED, Lane.NORMAL, Lane.FAST)
        assert told("hand raised", eva)
        assert not Episode.objects.filter(lane=Lane.SIGNAL).exists()
        sound()

    def test_is_disqualified_and_they_decide(self, eva: Rep, leg: Handoff, now: datetime) -> None:
        learn(lead_of(leg), "domain_kind", "student", at=now + SOON)
        judge(now=now + SOON)
        leg.refresh_from_db()
        assert (leg.state, episode_of(leg).closed_at, lead_of(leg).stage) == (State.OFFERED, None, Stage.SQL)
        assert episode_of(leg).withdrawn_at is not None
        assert told("disqualified", eva)
        sound()

    @pytest.mark.parametrize(
        ("kind", "closed_as", "stage"),
        [
            (Outcome.Kind.OPENED, ClosedAs.CONVERTED, Stage.OPPORTUNITY),
            (Outcome.Kind.WON, ClosedAs.BOUGHT, Stage.CUSTOMER),
        ],
    )
    def test_opens_a_deal_or_buys_and_that_is_their_answer(
        self, house: Company, eva: Rep, leg: Handoff, now: datetime, kind: str, closed_as: str, stage: str
    ) -> None:
        outcomes.record(lead_of(leg), kind, at=now + SOON, now=now + SOON, via=Outcome.Via.API)
        leg.refresh_from_db()
        assert (leg.state, episode_of(leg).closed_as, lead_of(leg).stage) == (State.CONVERTED, closed_as, stage)
        assert lead_of(leg).holder == eva.user
        assert Outcome.objects.filter(kind="converted").count() == 1
        assert clock_of(leg, Target.ACCEPT).verdict == "met"
        sound()

    def test_is_lost_and_it_is_withdrawn(self, eva: Rep, leg: Handoff, now: datetime) -> None:
        outcomes.record(lead_of(leg), Outcome.Kind.LOST, at=now + SOON, now=now + SOON, via=Outcome.Via.API)
        leg.refresh_from_db()
        assert (leg.state, episode_of(leg).closed_as, lead_of(leg).stage) == (
            State.WITHDRAWN, ClosedAs.WITHDRAWN, Stage.NURTURE,
        )  # fmt: skip
        assert told("withdrawn", eva)
        sound()

    def test_stands_elsewhere_by_a_file_and_it_is_withdrawn(self, leg: Handoff, now: datetime) -> None:
        lifecycle.import_stage(lead_of(leg), Stage.NURTURE, now=now + SOON)
        leg.refresh_from_db()
        assert (leg.state, lead_of(leg).stage, lead_of(leg).holder) == (State.WITHDRAWN, Stage.NURTURE, None)
        sound()

    def test_is_erased_and_it_is_withdrawn(self, leg: Handoff, now: datetime) -> None:
        erasing.erase(leg.episode.lead_id, now=now + SOON, by=None)
        leg.refresh_from_db()
        assert (leg.state, episode_of(leg).closed_as) == (State.WITHDRAWN, ClosedAs.ERASED)
        sound()


class TestColleagues:
    def test_who_qualifies_now_stands_where_the_matter_stands(
        self, house: Company, eva: Rep, leg: Handoff, now: datetime
    ) -> None:
        olaf = joined(house, leg, now=now + SOON)
        assert (olaf.stage, olaf.holder) == (Stage.SQL, eva.user)
        sound()
        handoffs.reject(leg.pk, reason="not_ready", by=eva.user, now=now + 2 * SOON)
        olaf.refresh_from_db()
        assert (olaf.stage, olaf.holder) == (Stage.SAL, house.ben.user)
        assert not Outcome.objects.filter(lead=olaf, withdrawn_at=None).exists()
        sound()

    def test_who_raises_a_hand_stays_in_the_matter(self, house: Company, eva: Rep, leg: Handoff, now: datetime) -> None:
        olaf = joined(house, leg, now=now)
        act(olaf, "Requested Demo", at=now + SOON)
        judge(now=now + SOON)
        assert Episode.objects.count() == 1
        assert told("hand raised", eva)
        sound()

    def test_who_is_disqualified_stays_too(self, house: Company, leg: Handoff, now: datetime) -> None:
        olaf = joined(house, leg, now=now)
        learn(olaf, "domain_kind", "student", at=now + SOON)
        judge(now=now + SOON)
        assert olaf.memberships.get().left_at is None
        sound()

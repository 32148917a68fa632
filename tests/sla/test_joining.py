"""Colleagues: leads of one company join the open matter of the first, follow its verdict, or get one of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import erasing, merging, outcomes
from leads.errors import Refused
from leads.models import Lead, MailDomain, Notification, Outcome, Stage
from scoring import assessment, standing
from scoring.models import Episode, EpisodeMember, Lane, OpenedBy, Phase, Qualification, Tier
from sla import handoffs, routing, touches
from sla.models import Clock, Handoff, State, Target
from tests import desk
from tests.desk import Company, act, clock_of, learn
from tests.sound import assert_sound

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


@dataclass
class Pair:
    """Iris, whose matter it is, and her colleague Olaf."""

    house: Company
    iris: Lead
    olaf: Lead
    now: datetime

    def qualifies(self, lead: Lead, name: str = "Visited Pricing Page") -> Episode:
        act(lead, name, at=self.now)
        return self.assess(lead)

    def assess(self, lead: Lead | None = None) -> Episode:
        """Judge whom something happened to; the episode the lead is in now, or was in last."""
        assessment.assess(now=self.now)
        for each in (self.iris, self.olaf):
            each.refresh_from_db()
        return Episode.objects.filter(members__lead=lead or self.iris).latest("members__pk")

    def later(self, by: timedelta = MINUTE) -> datetime:
        self.now += by
        return self.now

    def offered(self) -> Handoff:
        handoff = routing.route(self.matter.pk, now=self.later())
        assert handoff is not None
        return handoff

    def accepted(self) -> Handoff:
        handoff = self.offered()
        return handoffs.accept(handoff.pk, by=handoff.user, now=self.later())

    @property
    def matter(self) -> Episode:
        return Episode.objects.filter(lead=self.iris).latest("pk")

    def stages(self) -> tuple[str, str]:
        for each in (self.iris, self.olaf):
            each.refresh_from_db()
        return self.iris.stage, self.olaf.stage

    def picture(self) -> dict[str, Any]:
        """All that undo puts back."""
        return {
            "leads": list(
                Lead.objects.order_by("pk").values("stage", "rest_until", "evidence_from", "callback_at", "holder")
            ),
            "members": list(EpisodeMember.objects.order_by("pk").values("episode", "lead", "joined_at", "left_at")),
            "outcomes": list(
                Outcome.objects.filter(withdrawn_at=None).order_by("pk").values("lead", "kind", "is_colleague")
            ),
            "clocks": list(Clock.objects.order_by("pk").values("target", "due_at", "verdict")),
            "episodes": list(Episode.objects.order_by("pk").values("lead", "phase", "closed_as")),
        }


@pytest.fixture
def pair(house: Company, now: datetime) -> Pair:
    iris = house.lead(now=now)
    return Pair(house, iris, house.colleague(iris, now=now, first_name="Olaf"), now)


@pytest.fixture
def joined(pair: Pair) -> Pair:
    pair.qualifies(pair.iris)
    pair.later()
    assert pair.qualifies(pair.olaf) == pair.matter
    return pair


class TestJoining:
    def test_shares_the_matter_with_a_qualification_and_a_stage_of_its_own(self, joined: Pair) -> None:
        assert Episode.objects.count() == 1
        own = Qualification.objects.get(lead=joined.olaf)
        assert (own.episode, own.kind) == (joined.matter, "live")
        assert joined.stages() == (Stage.MQL, Stage.MQL)
        assert Clock.objects.count() == 1  # to assign, once
        assert joined.matter.changes.get(what="joined").detail["lead"] == joined.olaf.pk
        handoff = joined.offered()
        assert Handoff.objects.count() == 1
        joined.stages()
        assert (joined.iris.holder, joined.olaf.holder) == (handoff.user, handoff.user)
        assert_sound()

    def test_takes_two_who_qualify_in_one_round(self, pair: Pair) -> None:
        act(pair.iris, "Visited Pricing Page", at=pair.now)
        act(pair.olaf, "Visited Pricing Page", at=pair.now)
        pair.assess()
        assert Episode.objects.get().members.count() == 2

    def test_is_for_colleagues_at_a_real_company(self, pair: Pair) -> None:
        account = pair.iris.account
        assert account is not None
        MailDomain.objects.create(domain=account.domain, kind="free_mail")
        pair.qualifies(pair.iris)
        pair.qualifies(pair.olaf)
        assert Episode.objects.count() == 2

    def test_keeps_tests_apart(self, pair: Pair) -> None:
        Lead.objects.filter(pk=pair.olaf.pk).update(is_test=True)
        pair.qualifies(pair.iris)
        pair.qualifies(pair.olaf)
        assert Episode.objects.count() == 2

    def test_what_was_offered_is_news_to_its_rep(self, pair: Pair) -> None:
        pair.qualifies(pair.iris)
        handoff = pair.offered()
        pair.qualifies(pair.olaf)
        assert pair.olaf.holder == handoff.user
        assert pair.stages() == (Stage.MQL, Stage.MQL)
        assert Notification.objects.filter(kind="joined", recipient=handoff.user).count() == 1

    def test_what_was_accepted_is_accepted_of_it_too(self, pair: Pair) -> None:
        pair.qualifies(pair.iris)
        pair.accepted()
        pair.qualifies(pair.olaf)
        assert pair.stages() == (Stage.SAL, Stage.SAL)
        assert not Outcome.objects.filter(lead=pair.olaf).exists()
        assert_sound()

    def test_is_what_a_standing_lead_does_when_it_is_released(self, pair: Pair) -> None:
        pair.qualifies(pair.iris)
        act(pair.olaf, "Visited Pricing Page", at=pair.now, origin="import")
        pair.assess()
        stands = Qualification.objects.get(lead=pair.olaf, waiting=True)
        assert standing.release(stands.pk, now=pair.later(), by=pair.house.manager) == pair.matter
        stands.refresh_from_db()
        assert (stands.settled_as, stands.episode) == ("released", pair.matter)

    def test_is_not_for_who_comes_back_while_the_first_rests(self, pair: Pair) -> None:
        pair.qualifies(pair.iris)
        handoff = pair.offered()
        handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=pair.later())
        assert pair.qualifies(pair.olaf).lead == pair.olaf


class TestAMatterOfItsOwn:
    @pytest.mark.parametrize(("act_of", "lane"), [("Requested Demo", Lane.FAST), ("Started Free Trial", Lane.NORMAL)])
    def test_opens_with_the_same_rep_for_a_hotter_colleague(self, pair: Pair, act_of: str, lane: str) -> None:
        pair.qualifies(pair.iris)
        handoff = pair.offered()
        handoff.user.rep.capacity = 1
        handoff.user.rep.save()
        act(pair.olaf, "Visited Pricing Page", at=pair.now)
        own = pair.qualifies(pair.olaf, act_of)
        assert (own.lead, own.lane, own.tier, own.split_from) == (pair.olaf, lane, Tier.HOT, pair.matter)
        got = Handoff.objects.get(episode=own)
        assert (got.user, got.trace.trace["why"], got.override.why) == (handoff.user, "same company", "same company")
        assert got.state == (State.ACCEPTED if lane == Lane.FAST else State.OFFERED)
        assert_sound()

    @pytest.mark.parametrize("accepted", [False, True])
    @pytest.mark.parametrize(("act_of", "lane"), [("Requested Demo", Lane.FAST), ("Started Free Trial", Lane.NORMAL)])
    def test_is_split_off_for_who_had_joined(self, joined: Pair, act_of: str, lane: str, accepted: bool) -> None:
        handoff = joined.accepted() if accepted else joined.offered()
        own = joined.qualifies(joined.olaf, act_of)
        assert (own.opened_by, own.lane, own.stage_before) == (OpenedBy.SPLIT, lane, Stage.LEAD)
        assert Handoff.objects.get(episode=own).user == handoff.user
        assert joined.matter.changes.get(what="left").detail == {"lead": joined.olaf.pk, "why": "split"}
        assert joined.matter.phase == (Phase.ACCEPTED if accepted else Phase.OFFERED)
        assert Qualification.objects.filter(lead=joined.olaf).count() == 2
        joined.later()
        joined.assess()
        assert Episode.objects.count() == 2  # one hand is raised once
        assert_sound()

    def test_that_waited_beside_another_follows_it_to_its_rep(self, joined: Pair) -> None:
        own = joined.qualifies(joined.olaf, "Requested Demo")
        first = routing.route(own.pk, now=joined.later())
        assert first is not None
        second = joined.offered()
        assert (second.user, second.trace.trace["why"]) == (first.user, "same company")

    def test_waits_for_the_rules_where_the_rep_is_away(self, joined: Pair) -> None:
        handoff = joined.accepted()
        desk.away(handoff.user.rep, now=joined.now)
        own = joined.qualifies(joined.olaf, "Requested Demo")
        assert own.phase == Phase.WAITING
        assert joined.olaf.holder is None
        assert_sound()


class TestWhatHappensToAColleague:
    def test_a_purchase_takes_out_that_one_alone(self, joined: Pair) -> None:
        handoff = joined.accepted()
        outcomes.record(joined.olaf, "won", at=joined.now, now=joined.later(), via=Outcome.Via.API)
        assert joined.stages() == (Stage.SAL, Stage.CUSTOMER)
        assert (joined.matter.phase, joined.olaf.holder) == (Phase.ACCEPTED, None)
        assert Notification.objects.filter(kind="left", recipient=handoff.user).count() == 1
        assert_sound()

    def test_so_does_a_disqualifier(self, joined: Pair) -> None:
        joined.accepted()
        learn(joined.olaf, "domain_kind", "student", at=joined.later())
        joined.assess()
        assert joined.stages() == (Stage.SAL, Stage.LEAD)
        assert joined.matter.withdrawn_at is None
        assert_sound()

    def test_cooling_takes_out_who_waits(self, joined: Pair) -> None:
        joined.later()
        joined.qualifies(joined.olaf, "Visited Careers Page")
        assert joined.stages() == (Stage.MQL, Stage.LEAD)
        assert joined.matter.changes.last().detail == {"lead": joined.olaf.pk, "why": "cooled"}
        assert_sound()

    def test_cooling_takes_nobody_from_a_rep(self, joined: Pair) -> None:
        joined.offered()
        joined.qualifies(joined.olaf, "Visited Careers Page")
        assert joined.stages() == (Stage.MQL, Stage.MQL)
        assert joined.matter.cooled_at is None
        assert_sound()

    def test_so_does_erasing(self, joined: Pair) -> None:
        joined.accepted()
        erasing.erase(joined.olaf.pk, now=joined.later(), by=joined.house.manager)
        assert joined.matter.phase == Phase.ACCEPTED
        assert joined.matter.members.filter(left_at=None).count() == 1

    @pytest.mark.parametrize("left", ["with the rep", "before it was offered"])
    def test_erasing_empties_what_may_speak_of_them_alone(self, joined: Pair, left: str) -> None:
        if left == "before it was offered":
            joined.later()
            joined.qualifies(joined.olaf, "Visited Careers Page")
        handoff = joined.accepted()
        said = {"next_step": "Send Olaf the quote", "note": "Olaf decides"}
        of_iris = {"source": "webinar", "bant": {"budget": "50k"}}
        Handoff.objects.filter(pk=handoff.pk).update(**said, **of_iris)
        erasing.erase(joined.olaf.pk, now=joined.later(), by=None)
        kept = Handoff.objects.values(*said, *of_iris).get(pk=handoff.pk)
        assert kept == of_iris | (said if left == "before it was offered" else dict.fromkeys(said, ""))

    def test_a_touch_is_kept_and_answers_nothing(self, joined: Pair) -> None:
        handoff = joined.offered()
        touch = touches.record(
            joined.olaf.pk,
            means="call",
            outcome="reached",
            performed_by=handoff.user,
            recorded_by=handoff.user,
            occurred_at=joined.now,
            now=joined.later(),
        )
        handoff.refresh_from_db()
        assert (touch.handoff, handoff.state, handoff.first_touched_at) == (handoff, State.OFFERED, None)
        assert clock_of(handoff, Target.FIRST_TOUCH).is_running

    @pytest.mark.parametrize("stays", ["iris", "olaf"])
    def test_merging_the_two_leaves_one_in_one_matter(self, joined: Pair, stays: str) -> None:
        handoff = joined.accepted()
        winner, loser = (joined.iris, joined.olaf) if stays == "iris" else (joined.olaf, joined.iris)
        merging.merge(winner.pk, loser.pk, now=joined.later(), prefer=winner.pk)
        episode = Episode.objects.get()
        winner.refresh_from_db()
        assert (episode.lead, episode.phase) == (winner, Phase.ACCEPTED)
        assert episode.members.get(left_at=None).lead == winner
        assert (winner.stage, winner.holder) == (Stage.SAL, handoff.user)
        assert_sound()

    @pytest.mark.parametrize("stays", ["other", "olaf"])
    def test_merging_one_with_a_stranger_moves_the_place_or_gives_it_up(self, joined: Pair, stays: str) -> None:
        other = joined.house.lead(now=joined.now - DAY)
        own = joined.house.episode(other, now=joined.now)
        winner, loser = (other, joined.olaf) if stays == "other" else (joined.olaf, other)
        merging.merge(winner.pk, loser.pk, now=joined.later(), prefer=winner.pk)
        own.refresh_from_db()
        assert (own.closed_at, own.lead) == (None, winner)
        assert joined.matter.members.filter(left_at=None).count() == 1
        assert_sound()

    def test_a_stranger_without_a_matter_takes_the_place(self, joined: Pair) -> None:
        other = joined.house.lead(now=joined.now - DAY)
        merging.merge(other.pk, joined.olaf.pk, now=joined.later(), prefer=other.pk)
        assert joined.matter.members.filter(lead=other, left_at=None).exists()
        assert_sound()


class TestTheEndOfTheMatter:
    def test_converts_everyone_and_is_counted_once(self, joined: Pair) -> None:
        handoff = joined.accepted()
        handoffs.convert(handoff.pk, by=handoff.user, now=joined.later())
        assert joined.stages() == (Stage.SQL, Stage.SQL)
        assert joined.olaf.holder == handoff.user
        kinds = Outcome.objects.order_by("pk").values_list("lead", "kind", "is_colleague")
        assert list(kinds) == [
            (joined.iris.pk, "accepted", False),
            (joined.olaf.pk, "accepted", True),
            (joined.iris.pk, "converted", False),
            (joined.olaf.pk, "converted", True),
        ]
        assert_sound()

    def test_a_no_sends_everyone_to_rest_and_spends_their_evidence(self, joined: Pair) -> None:
        handoff = joined.offered()
        handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=joined.later())
        assert joined.stages() == (Stage.NURTURE, Stage.NURTURE)
        assert joined.iris.rest_until == joined.olaf.rest_until is not None
        assert joined.olaf.evidence_from == joined.now
        assert joined.olaf.holder is None
        assert Outcome.objects.filter(kind="rejected", is_colleague=False).count() == 1
        assert_sound()

    def test_the_date_is_the_principals(self, joined: Pair) -> None:
        handoff = joined.accepted()
        date = joined.now + 9 * DAY
        handoffs.return_(handoff.pk, reason="timing", named_date=date, by=handoff.user, now=joined.later())
        assert joined.stages() == (Stage.NURTURE, Stage.NURTURE)
        assert (joined.iris.callback_at, joined.olaf.callback_at) == (date, None)
        assert joined.olaf.rest_until == date

    def test_a_reroute_takes_them_along(self, joined: Pair) -> None:
        handoff = joined.offered()
        handoffs.reject(handoff.pk, reason="wrong_territory", by=handoff.user, now=joined.later())
        assert joined.matter.members.filter(left_at=None).count() == 2
        joined.later()
        second = joined.offered()
        joined.stages()
        assert joined.olaf.holder == second.user != handoff.user

    @pytest.mark.parametrize("end", ["bought", "opened", "disqualified", "erased"])
    def test_otherwise_lets_the_colleague_stand_alone_again(self, joined: Pair, end: str) -> None:
        joined.accepted() if end in ("bought", "opened") else joined.offered()
        joined.later()
        if end == "erased":
            erasing.erase(joined.iris.pk, now=joined.now, by=joined.house.manager)
        elif end == "disqualified":
            learn(joined.iris, "domain_kind", "student", at=joined.now)
            assessment.assess(now=joined.now)
        else:
            outcomes.record(
                joined.iris,
                "won" if end == "bought" else "opened",
                at=joined.now,
                now=joined.now,
                via=Outcome.Via.API,
            )
        joined.olaf.refresh_from_db()
        marked = joined.olaf.memberships.filter(left_at=None).exists() or joined.olaf.stage == Stage.LEAD
        assert marked
        assert joined.olaf.holder is None
        assert not Outcome.objects.filter(lead=joined.olaf).exclude(kind="accepted").exists()
        joined.later()
        own = joined.assess(joined.olaf)
        assert (own.lead, own.phase, own.closed_at) == (joined.olaf, Phase.WAITING, None)
        assert joined.now - own.opened_at <= 2 * MINUTE  # its wait begins now, not when it joined
        assert_sound()


class TestUndo:
    def test_puts_everyone_back(self, joined: Pair) -> None:
        handoff = joined.offered()
        for verdict in (
            lambda: handoffs.accept(handoff.pk, by=handoff.user, now=joined.now),
            lambda: handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=joined.now),
        ):
            joined.later()
            before = joined.picture()
            verdict()
            assert joined.picture() != before
            handoffs.undo(handoff.pk, by=handoff.user, now=joined.now + timedelta(seconds=9))
            after = joined.picture()
            after["clocks"] = [clock for clock in after["clocks"] if clock["verdict"] != "voided"]
            before["clocks"] = [clock for clock in before["clocks"] if clock["verdict"] != "voided"]
            assert after == before
            assert_sound()

    def test_puts_everyone_back_after_a_date(self, joined: Pair) -> None:
        handoff = joined.offered()
        before = joined.picture()
        date = joined.now + 9 * DAY
        handoffs.return_(handoff.pk, reason="timing", named_date=date, by=handoff.user, now=joined.later())
        handoffs.undo(handoff.pk, by=handoff.user, now=joined.now + timedelta(seconds=9))
        after = joined.picture()
        assert after["leads"] == before["leads"]
        assert after["members"] == before["members"]
        assert_sound()

    def test_leaves_out_who_has_moved_on(self, joined: Pair) -> None:
        handoff = joined.accepted()
        handoffs.return_(handoff.pk, reason="bad_contact", by=handoff.user, now=joined.later())
        outcomes.record(joined.olaf, "won", at=joined.now, now=joined.now, via=Outcome.Via.API)
        handoffs.undo(handoff.pk, by=handoff.user, now=joined.now + timedelta(seconds=9))
        assert joined.stages() == (Stage.SAL, Stage.CUSTOMER)
        assert joined.matter.members.filter(left_at=None).count() == 1
        assert_sound()

    def test_is_refused_once_a_colleague_joined_what_was_accepted(self, pair: Pair) -> None:
        pair.qualifies(pair.iris)
        handoff = pair.accepted()
        pair.qualifies(pair.olaf)
        with pytest.raises(handoffs.CannotUndo):
            handoffs.undo(handoff.pk, by=handoff.user, now=pair.now + timedelta(seconds=9))

    @pytest.mark.parametrize("moved_on", [False, True])
    def test_so_does_a_manager_who_reopens(self, joined: Pair, moved_on: bool) -> None:
        handoff = joined.offered()
        handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=joined.later())
        joined.later(HOUR)
        if moved_on:
            joined.qualifies(joined.olaf, "Requested Demo")
        hop = handoffs.reopen(handoff.pk, by=joined.house.manager, why="They wrote back.", now=joined.later())
        assert hop.state == State.ACCEPTED
        if moved_on:
            assert joined.matter.members.filter(left_at=None).count() == 1
        else:
            assert joined.stages() == (Stage.SAL, Stage.SAL)
            assert (joined.olaf.rest_until, joined.olaf.holder) == (None, handoff.user)
            standing_outcomes = Outcome.objects.filter(withdrawn_at=None).values_list("lead", "kind", "is_colleague")
            assert set(standing_outcomes) == {
                (joined.iris.pk, "accepted", False),
                (joined.olaf.pk, "accepted", True),
            }
        assert_sound()


class TestSplitting:
    def test_gives_the_colleague_to_the_same_rep_apart(self, joined: Pair) -> None:
        handoff = joined.accepted()
        own = handoffs.split(handoff.pk, joined.olaf.pk, by=handoff.user, now=joined.later())
        assert (own.lead, own.opened_by, own.tier, own.opened_at) == (
            joined.olaf,
            OpenedBy.SPLIT,
            Tier.WARM,
            joined.now,
        )
        assert own.qualification == Qualification.objects.get(lead=joined.olaf)
        got = Handoff.objects.get(episode=own)
        assert (got.user, got.state) == (handoff.user, State.OFFERED)
        assert (own.changes.first().by, joined.matter.changes.last().by) == (handoff.user, handoff.user)
        handoffs.reject(got.pk, reason="bad_contact", by=handoff.user, now=joined.later())
        assert joined.stages() == (Stage.SAL, Stage.NURTURE)
        assert_sound()

    def test_or_lets_the_rules_choose_anew(self, joined: Pair) -> None:
        handoff = joined.offered()
        own = handoffs.split(handoff.pk, joined.olaf.pk, by=joined.house.manager, now=joined.later(), anew=True)
        joined.stages()
        assert (own.phase, joined.olaf.holder) == (Phase.WAITING, None)
        assert routing.route(own.pk, now=joined.later()) is not None
        assert_sound()

    def test_is_the_reps_and_their_managers(self, joined: Pair) -> None:
        handoff = joined.offered()
        other = desk.person("rep", "Cleo Hart")
        with pytest.raises(handoffs.NotYours):
            handoffs.split(handoff.pk, joined.olaf.pk, by=other, now=joined.now)

    def test_is_refused_for_who_has_not_joined_and_after_the_end(self, joined: Pair) -> None:
        handoff = joined.offered()
        for lead in (joined.iris, joined.house.lead(now=joined.now)):
            with pytest.raises(handoffs.CannotSplit):
                handoffs.split(handoff.pk, lead.pk, by=handoff.user, now=joined.now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=joined.later())
        with pytest.raises(Refused):
            handoffs.split(handoff.pk, joined.olaf.pk, by=handoff.user, now=joined.later())

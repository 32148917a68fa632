"""Accept, reject, convert, return: what each writes, and to whom each is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads.errors import Invalid
from leads.models import Lead, Outcome, Role, Stage, TeamMembership, User
from scoring import episodes
from scoring.models import ClosedAs, Episode, Phase
from sla import handoffs, touches
from sla.models import Handoff, Reason, State, Target
from tests.desk import TOUCHES, Company, assign_clock, clock_of, company, person

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=10)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def lead_of(handoff: Handoff) -> Lead:
    return Lead.objects.get(pk=handoff.episode.lead_id)


def episode_of(handoff: Handoff) -> Episode:
    return Episode.objects.get(pk=handoff.episode_id)


def kinds(handoff: Handoff) -> list[str]:
    standing = Outcome.objects.filter(matter=episode_of(handoff).public_id, withdrawn_at=None)
    return list(standing.order_by("pk").values_list("kind", flat=True))


def call(handoff: Handoff, *, at: datetime, rep: User | None = None, **fields: Any) -> None:
    touches.record(
        handoff.episode.lead_id,
        means="call",
        outcome="reached",
        performed_by=rep or handoff.user,
        recorded_by=rep or handoff.user,
        occurred_at=at,
        now=at,
        **fields,
    )


class TestAccept:
    def test_makes_it_sales_accepted(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        got = handoffs.accept(handoff.pk, by=house.ben.user, now=now + SOON)
        assert (got.state, got.accepted_at, got.version) == (State.ACCEPTED, now + SOON, 2)
        assert lead_of(got).stage == Stage.SAL
        assert episode_of(got).phase == Phase.ACCEPTED
        assert kinds(got) == ["accepted"]
        assert (clock_of(got, Target.ACCEPT).verdict, clock_of(got, Target.ACCEPT).met_at) == ("met", now + SOON)

    def test_asks_only_so_much(self, house: Company, now: datetime, django_assert_num_queries: Any) -> None:
        handoffs.accept(house.offered(now=now).pk, by=house.ben.user, now=now)
        another = house.offered(now=now)
        with django_assert_num_queries(42):
            handoffs.accept(another.pk, by=house.ben.user, now=now + SOON)

    def test_starts_depth_and_qualify_and_never_stops_first_touch(self, house: Company, now: datetime) -> None:
        got = handoffs.accept(house.offered(now=now).pk, by=house.ben.user, now=now + SOON)
        assert clock_of(got, Target.DEPTH).started_at == now + SOON
        assert clock_of(got, Target.QUALIFY).started_at == now + SOON
        assert clock_of(got, Target.FIRST_TOUCH).is_running

    def test_misses_the_clock_by_arithmetic(self, house: Company, now: datetime) -> None:
        due = clock_of(handoff := house.offered(now=now), Target.ACCEPT).due_at
        handoffs.accept(handoff.pk, by=house.ben.user, now=due + timedelta(microseconds=1))
        assert clock_of(handoff, Target.ACCEPT).verdict == "missed"
        on_time = house.offered(now=now)
        handoffs.accept(on_time.pk, by=house.ben.user, now=due)
        assert clock_of(on_time, Target.ACCEPT).verdict == "met"

    def test_twice_by_the_same_rep_answers_with_the_present_state(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.accept(handoff.pk, by=house.ben.user, now=now)
        again = handoffs.accept(handoff.pk, by=house.ben.user, now=now + SOON, seen_version=1)
        assert (again.state, again.accepted_at, again.version) == (State.ACCEPTED, now, 2)
        assert kinds(again) == ["accepted"]
        assert handoff.changes.count() == 2

    def test_by_the_manager_counts_for_the_rep(self, house: Company, now: datetime) -> None:
        got = handoffs.accept(house.offered(now=now).pk, by=house.manager, now=now)
        change = got.changes.last()
        assert (change.by, change.performed_by) == (house.manager, house.ben.user)

    def test_after_a_hop_is_refused_with_the_present_state(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.move_on(handoff, why="breach", now=now)
        with pytest.raises(handoffs.AlreadyDecided) as refused:
            handoffs.accept(handoff.pk, by=house.ben.user, now=now)
        assert refused.value.status == 409
        assert refused.value.state == {"handoff": str(handoff.public_id), "state": "moved", "version": 2}

    def test_from_an_old_page_is_refused(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        with pytest.raises(handoffs.AlreadyDecided, match="changed since you saw it"):
            handoffs.accept(handoff.pk, by=house.ben.user, now=now, seen_version=7)

    def test_is_nobody_elses(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        other_manager = person(Role.MANAGER, "Omar Reyes")
        TeamMembership.objects.create(team=company(now).team, user=other_manager, is_manager=True)
        for stranger in (house.ada.user, other_manager, person(Role.ADMIN, "Sam Okafor"), person(Role.REVOPS, "Pri")):
            with pytest.raises(handoffs.NotYours) as refused:
                handoffs.accept(handoff.pk, by=stranger, now=now)
            assert refused.value.status == 404
        with pytest.raises(handoffs.NotYours):
            handoffs.accept(10**9, by=house.ben.user, now=now)
        with pytest.raises(Invalid):
            handoffs.accept(handoff.pk, by=house.manager, performed_by=house.ada.user, now=now)

    def test_never_writes_before_the_last_history_row(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        got = handoffs.accept(handoff.pk, by=house.ben.user, now=now - timedelta(hours=1))
        assert got.accepted_at == now

    def test_by_a_second_hop_is_no_second_outcome(self, house: Company, now: datetime) -> None:
        first = house.accepted(now=now)
        handoffs.move_on(first, why="absence", now=now)
        second = house.offer(first.episode, now=now, rep=house.ada)
        handoffs.accept(second.pk, by=house.ada.user, now=now)

        assert Outcome.objects.get(kind="accepted").by == house.ben.user
        handoffs.undo(second.pk, by=house.ada.user, now=now)
        assert Outcome.objects.get(kind="accepted").withdrawn_at is None


class TestReject:
    def test_recycles_the_lead_and_spends_its_evidence(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        got = handoffs.reject(handoff.pk, reason="bad_contact", note=" bounced ", by=house.ben.user, now=now + SOON)
        lead = lead_of(got)
        assert (got.state, got.reason.code, got.note) == (State.REJECTED, "bad_contact", "bounced")
        assert (lead.stage, lead.holder) == (Stage.NURTURE, None)
        assert lead.rest_until == now + SOON + timedelta(days=got.reason.rest_days or 0)
        assert lead.evidence_from == now + SOON
        assert (episode_of(got).closed_as, kinds(got)) == (ClosedAs.REJECTED, ["rejected"])
        outcome = Outcome.objects.get(kind="rejected")
        assert (outcome.reason_code, outcome.reason_label) == ("bad_contact", "Bad contact data")

    def test_answers_the_offer_and_voids_the_rest(self, house: Company, now: datetime) -> None:
        got = handoffs.reject(house.offered(now=now).pk, reason="student", by=house.ben.user, now=now + SOON)
        assert (clock_of(got, Target.ACCEPT).verdict, clock_of(got, Target.ACCEPT).met_at) == ("met", now + SOON)
        assert clock_of(got, Target.FIRST_TOUCH).verdict == "voided"

    def test_may_disqualify(self, house: Company, now: datetime) -> None:
        got = handoffs.reject(house.offered(now=now).pk, reason="competitor", by=house.ben.user, now=now)
        lead = lead_of(got)
        assert (lead.stage, lead.evidence_from, lead.rest_until) == (Stage.DISQUALIFIED, now, None)
        assert episode_of(got).closed_as == ClosedAs.REJECTED

    def test_may_reroute_and_then_spends_nothing(self, house: Company, now: datetime) -> None:
        got = handoffs.reject(house.offered(now=now).pk, reason="wrong_territory", by=house.ben.user, now=now)
        lead, episode = lead_of(got), episode_of(got)
        assert got.state == State.REJECTED
        assert (episode.phase, episode.route_not_before) == (Phase.WAITING, now + handoffs.UNDO_FOR)
        assert (lead.stage, lead.rest_until, lead.evidence_from, lead.holder) == (Stage.MQL, None, None, None)
        assert kinds(got) == []
        assert assign_clock(episode).is_running

    def test_takes_only_reasons_that_stand_on_reject(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        for code in ("no_budget", "no such", ""):
            with pytest.raises(Invalid, match="Choose a reason for rejecting"):
                handoffs.reject(handoff.pk, reason=code, by=house.ben.user, now=now)
        Reason.objects.filter(code="student").update(is_active=False)
        with pytest.raises(Invalid):
            handoffs.reject(handoff.pk, reason="student", by=house.ben.user, now=now)

    def test_comes_too_late_after_accepting(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        told = "Ben Keller has accepted it. What is accepted is returned, not rejected."
        with pytest.raises(handoffs.AlreadyDecided, match=told):
            handoffs.reject(handoff.pk, reason="student", by=house.ben.user, now=now)

    def test_tells_by_whom_and_for_whom_it_was_accepted(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        handoffs.accept(handoff.pk, by=house.manager, performed_by=house.ben.user, now=now)
        with pytest.raises(handoffs.AlreadyDecided, match="Maya Lund has accepted it for Ben Keller"):
            handoffs.reject(handoff.pk, reason="student", by=house.ben.user, now=now)

    def test_keeps_notes_short(self, house: Company, now: datetime) -> None:
        with pytest.raises(Invalid, match="2,000"):
            handoffs.reject(house.offered(now=now).pk, reason="student", note="x" * 2001, by=house.ben.user, now=now)


class TestConvert:
    def test_makes_it_sales_qualified_and_the_rep_keeps_it(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        bant = {"budget": " 20k ", "need": "A CRM", "authority": ""}
        got = handoffs.convert(handoff.pk, bant=bant, by=house.ben.user, now=now + SOON)
        lead = lead_of(got)
        assert (got.state, got.bant) == (State.CONVERTED, {"budget": "20k", "need": "A CRM"})
        assert (lead.stage, lead.holder, lead.evidence_from) == (Stage.SQL, house.ben.user, None)
        assert (episode_of(got).closed_as, kinds(got)) == (ClosedAs.CONVERTED, ["accepted", "converted"])
        assert clock_of(got, Target.QUALIFY).verdict == "met"
        assert clock_of(got, Target.DEPTH).verdict == "voided"

    @pytest.mark.parametrize("bant", [{"color": "red"}, {"budget": 5}, {"need": "x" * 501}, ["budget"]])
    def test_takes_only_the_four_short_texts(self, house: Company, now: datetime, bant: Any) -> None:
        with pytest.raises(Invalid):
            handoffs.convert(house.accepted(now=now).pk, bant=bant, by=house.ben.user, now=now)

    def test_needs_accepting_first(self, house: Company, now: datetime) -> None:
        with pytest.raises(handoffs.AlreadyDecided, match="waits for an answer"):
            handoffs.convert(house.offered(now=now).pk, by=house.ben.user, now=now)


class TestReturn:
    def test_needs_the_touch_its_reason_asks_for(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        with pytest.raises(handoffs.NotTouchedYet, match="once first; 0 so far"):
            handoffs.return_(handoff.pk, reason="no_budget", by=house.ben.user, now=now)
        call(handoff, at=now + SOON)
        got = handoffs.return_(handoff.pk, reason="no_budget", by=house.ben.user, now=now + SOON)
        assert (got.state, lead_of(got).stage) == (State.RETURNED, Stage.NURTURE)
        assert lead_of(got).evidence_from == now + SOON
        assert (episode_of(got).closed_as, kinds(got)) == (ClosedAs.RETURNED, ["accepted", "returned"])
        assert clock_of(got, Target.QUALIFY).verdict == "met"

    def test_of_the_unresponsive_needs_the_full_depth(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        for number in range(TOUCHES):
            with pytest.raises(handoffs.NotTouchedYet):
                handoffs.return_(handoff.pk, reason="unresponsive", by=house.ben.user, now=now)
            call(handoff, at=now + number * SOON)
        got = handoffs.return_(handoff.pk, reason="unresponsive", by=house.ben.user, now=now + TOUCHES * SOON)
        assert got.state == State.RETURNED

    def test_on_a_named_date_brings_them_back_to_the_same_rep(self, house: Company, now: datetime) -> None:
        date = now + timedelta(days=20)
        got = handoffs.return_(house.accepted(now=now).pk, reason="timing", named_date=date, by=house.ben.user, now=now)
        lead = lead_of(got)
        assert (lead.stage, lead.callback_at, lead.callback_user) == (Stage.NURTURE, date, house.ben.user)
        assert (lead.rest_until, got.named_date) == (date, date)

    def test_on_a_named_date_accepts_an_offer_first(self, house: Company, now: datetime) -> None:
        handoff = house.offered(now=now)
        date = now + timedelta(days=20)
        got = handoffs.return_(handoff.pk, reason="timing", named_date=date, by=house.ben.user, now=now)
        assert [change.to_state for change in got.changes.all()] == ["offered", "accepted", "returned"]
        assert kinds(got) == ["accepted", "returned"]
        assert clock_of(got, Target.ACCEPT).verdict == "met"

    def test_takes_a_date_that_lies_ahead_and_only_where_one_belongs(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        call(handoff, at=now)
        for date in (None, now, now - timedelta(days=1), now + timedelta(days=2000)):
            with pytest.raises(Invalid):
                handoffs.return_(handoff.pk, reason="timing", named_date=date, by=house.ben.user, now=now)
        with pytest.raises(Invalid, match="Only a reason"):
            handoffs.return_(
                handoff.pk, reason="no_need", named_date=now + timedelta(days=9), by=house.ben.user, now=now
            )

    def test_of_an_offer_is_refused_where_no_date_is_named(self, house: Company, now: datetime) -> None:
        with pytest.raises(handoffs.AlreadyDecided):
            handoffs.return_(house.offered(now=now).pk, reason="student", by=house.ben.user, now=now)

    def test_may_reroute_what_was_accepted(self, house: Company, now: datetime) -> None:
        got = handoffs.return_(house.accepted(now=now).pk, reason="wrong_territory", by=house.ben.user, now=now)
        assert (got.state, episode_of(got).phase, kinds(got)) == (State.RETURNED, Phase.WAITING, ["accepted"])
        assert lead_of(got).stage == Stage.SAL
        second = house.offer(episodes.lock(got.episode_id), now=now + SOON, rep=house.ada)
        again = handoffs.accept(second.pk, by=house.ada.user, now=now + SOON)
        assert (again.state, lead_of(again).stage) == (State.ACCEPTED, Stage.SAL)

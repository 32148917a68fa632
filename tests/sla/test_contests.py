"""Contesting a rejection, once, and what a manager makes of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from leads import erasing, merging, outcomes
from leads.errors import Invalid
from leads.models import (
    AwaitingAssessment,
    Endpoint,
    Lead,
    Notification,
    Organization,
    Outcome,
    RestChange,
    Role,
    Stage,
    Team,
    TeamMembership,
    User,
)
from scoring.models import Episode, Tier
from sla import contests, handoffs, routing
from sla.contests import foresee
from sla.models import Contest, GivenBack, Handoff, Rep, State, Target
from sla.routing import standins
from tests import desk, sound
from tests.desk import Company, act, assign_clock, company, person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def theo() -> User:
    return person(Role.MARKETING, "Theo Marsh")


def rejected(house: Company, *, now: datetime, reason: str = "bad_contact", **fields: Any) -> Handoff:
    handoff = house.offered(now=now, **fields)
    return handoffs.reject(handoff.pk, reason=reason, note="It bounced.", by=handoff.user, now=now)


def contested(house: Company, theo: User, *, now: datetime, **fields: Any) -> Contest:
    handoff = rejected(house, now=now, **fields)
    return contests.contest(handoff.pk, words="The address is right: they wrote from it.", by=theo, now=now + DAY)


def lead_of(contest: Contest) -> Lead:
    return Lead.objects.get(pk=contest.handoff.episode.lead_id)


def assert_sound(*more: str) -> None:
    """Every invariant, save what the company's own offers and matters don't say."""
    sound.assert_sound(leaving_out=("offers are explained", "qualifications recompute", *more))


def letters(kind: str = "contest") -> list[tuple[str, str]]:
    return list(Notification.objects.filter(kind=kind).order_by("pk").values_list("recipient__full_name", "subject"))


class TestContest:
    def test_keeps_who_said_what_and_asks_the_managers(self, house: Company, theo: User, now: datetime) -> None:
        handoff = rejected(house, now=now)
        made = contests.contest(handoff.pk, words=" They wrote\x00 from it. ", by=theo, now=now + DAY)
        assert (made.words, made.by, made.at, made.is_open) == ("They wrote from it.", theo, now + DAY, True)
        assert letters() == [("Maya Lund", f"Rejection contested · {handoff.episode.lead.name}")]
        assert "Ben Keller rejected this lead" in Notification.objects.get(kind="contest").data["message"]

    def test_changes_nothing_yet(self, house: Company, theo: User, now: datetime) -> None:
        lead = lead_of(contested(house, theo, now=now))
        assert (lead.stage, lead.rest_until is not None) == (Stage.NURTURE, True)
        assert Outcome.objects.get(kind="rejected").withdrawn_at is None

    def test_is_made_once(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        with pytest.raises(contests.CannotContest, match=r"Theo Marsh contested this rejection on .* once"):
            contests.contest(made.handoff_id, words="Again", by=person(Role.ADMIN, "Sam"), now=now + 2 * DAY)

    def test_is_for_marketing_and_admins(self, house: Company, now: datetime) -> None:
        handoff = rejected(house, now=now)
        for user in (house.ben.user, house.manager, person(Role.REVOPS, "Rita")):
            with pytest.raises(handoffs.NotYours):
                contests.contest(handoff.pk, words="No", by=user, now=now + DAY)
        assert contests.contest(handoff.pk, words="Yes", by=person(Role.ADMIN, "Sam"), now=now + DAY)

    def test_needs_words(self, house: Company, theo: User, now: datetime) -> None:
        handoff = rejected(house, now=now)
        for words in ("", " \x00 ", "x" * 2001):
            with pytest.raises(Invalid, match="Say why"):
                contests.contest(handoff.pk, words=words, by=theo, now=now + DAY)

    def test_waits_until_it_can_not_be_undone(self, house: Company, theo: User, now: datetime) -> None:
        handoff = rejected(house, now=now)
        with pytest.raises(contests.CannotContest, match="Ben Keller may still take it back"):
            contests.contest(handoff.pk, words="No", by=theo, now=now + timedelta(seconds=14))
        assert contests.contest(handoff.pk, words="No", by=theo, now=now + handoffs.UNDO_FOR)

    def test_has_as_many_days_as_the_organization_gives(self, house: Company, theo: User, now: datetime) -> None:
        first, second, third = (rejected(house, now=now) for _ in range(3))
        assert contests.contest(first.pk, words="No", by=theo, now=now + 14 * DAY)
        with pytest.raises(contests.CannotContest, match=r"for 14 days; this one was given on"):
            contests.contest(second.pk, words="No", by=theo, now=now + 14 * DAY + timedelta(seconds=1))
        Organization.objects.update(contest_days=30)
        assert contests.contest(third.pk, words="No", by=theo, now=now + 30 * DAY)

    def test_is_only_of_a_rejection(self, house: Company, theo: User, now: datetime) -> None:
        returned = house.accepted(now=now)
        handoffs.return_(returned.pk, reason="student", by=house.ben.user, now=now)
        dated = house.offered(now=now)
        handoffs.reject(dated.pk, reason="timing", named_date=now + 9 * DAY, by=house.ben.user, now=now)
        withdrawn = house.offered(now=now)
        outcomes.record(Lead.objects.get(pk=withdrawn.episode.lead_id), "won", at=now, now=now, via="api")
        for handoff in (returned, dated, withdrawn, house.offered(now=now)):
            with pytest.raises(contests.CannotContest, match="Only a rejection can be contested"):
                contests.contest(handoff.pk, words="No", by=theo, now=now + DAY)

    def test_is_only_of_what_counts(self, house: Company, theo: User, now: datetime) -> None:
        """What only sent the lead to another rep, and what a manager took back, stand against nothing."""
        rerouted = rejected(house, now=now, reason="wrong_territory")
        reopened = rejected(house, now=now)
        handoffs.reopen(reopened.pk, by=house.manager, why="Too quick", now=now + DAY)
        for handoff in (rerouted, reopened):
            with pytest.raises(contests.CannotContest, match="counts for nothing"):
                contests.contest(handoff.pk, words="No", by=theo, now=now + DAY)

    def test_is_told_to_who_listens(self, house: Company, theo: User, now: datetime) -> None:
        listening(house, now=now)
        made = contested(house, theo, now=now)
        contests.uphold(made.pk, why="It bounced twice.", by=house.manager, now=now + 2 * DAY)
        asked, decided = events()
        assert (asked["type"], asked["data"]["contest"]["decision"]) == ("rejection.contested", None)
        assert asked["data"]["contest"]["words"] == made.words
        assert asked["data"]["handoff"]["reason"] == "bad_contact"
        assert (decided["type"], decided["data"]["contest"]["decision"]) == ("rejection.decided", "upheld")
        assert decided["data"]["contest"]["decided_by"]["name"] == "Maya Lund"


def listening(house: Company, *, now: datetime) -> None:
    names = ["rejection.contested", "rejection.decided"]
    url = "https://hooks.example/in"
    Endpoint.objects.create(
        name="Hook", kind="standard", url=url, events=names, created_at=now, created_by=house.manager
    )


def events() -> list[dict[str, Any]]:
    return [json.loads(row.text) for row in Notification.objects.filter(endpoint__isnull=False).order_by("pk")]


class TestUphold:
    def test_leaves_everything_and_tells_both(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        before = lead_of(made)
        done = contests.uphold(made.pk, why="It bounced twice.", by=house.manager, now=now + 2 * DAY)
        assert (done.decision, done.why, done.decided_by) == ("upheld", "It bounced twice.", house.manager)
        assert (done.decided_at, done.became, done.hop) == (now + 2 * DAY, "", None)
        after = lead_of(made)
        assert (after.stage, after.rest_until) == (before.stage, before.rest_until)
        assert Outcome.objects.get(kind="rejected").withdrawn_at is None
        subject = f"Rejection upheld · {after.name}"
        assert letters()[1:] == [("Ben Keller", subject), ("Theo Marsh", subject)]
        assert_sound()

    def test_is_final(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        contests.uphold(made.pk, why="It bounced.", by=house.manager, now=now + 2 * DAY)
        with pytest.raises(contests.AlreadyContested, match="Maya Lund has upheld it already"):
            contests.overturn(made.pk, why="Well", to=None, by=house.manager, now=now + 3 * DAY)
        with pytest.raises(IntegrityError), transaction.atomic():
            Contest.objects.filter(pk=made.pk).update(decision="overturned", became="recorded")
        with pytest.raises(IntegrityError), transaction.atomic():
            Contest.objects.filter(pk=made.pk).update(why="Something else")
        with pytest.raises(IntegrityError), transaction.atomic():
            Contest.objects.filter(pk=made.pk).update(words="Something else")
        with pytest.raises(IntegrityError), transaction.atomic():
            Contest.objects.filter(pk=made.pk).delete()

    def test_is_for_the_managers_of_the_team(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        other = person(Role.MANAGER, "Olga East")
        TeamMembership.objects.create(team=Team.objects.create(name="East"), user=other, is_manager=True)
        for user in (theo, house.ben.user, other, person(Role.REVOPS, "Rita"), person(Role.ADMIN, "Sam")):
            with pytest.raises(handoffs.NotYours):
                contests.uphold(made.pk, why="No", by=user, now=now + 2 * DAY)

    def test_falls_to_an_admin_where_the_team_has_no_manager(self, house: Company, theo: User, now: datetime) -> None:
        TeamMembership.objects.filter(team=house.team, is_manager=True).delete()
        sam = person(Role.ADMIN, "Sam Chief")
        made = contested(house, theo, now=now)
        assert letters()[0][0] == "Sam Chief"
        assert contests.uphold(made.pk, why="No", by=sam, now=now + 2 * DAY).decided_by == sam

    def test_needs_a_reason(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        with pytest.raises(Invalid, match="Say why"):
            contests.uphold(made.pk, why=" ", by=house.manager, now=now + 2 * DAY)
        with pytest.raises(Invalid, match="Say why"):
            contests.overturn(made.pk, why=" ", to=None, by=house.manager, now=now + 2 * DAY)


class TestOverturn:
    def overturn(self, house: Company, made: Contest, *, at: datetime, to: User | None = None, **more: Any) -> Contest:
        return contests.overturn(made.pk, why="They did write.", to=to, by=house.manager, now=at, **more)

    def test_back_to_the_same_rep_starts_anew(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        done = self.overturn(house, made, at=at, to=house.ben.user)
        hop, lead = done.hop, lead_of(made)
        assert hop is not None
        assert (done.became, hop.user, hop.state, hop.hop, hop.offered_at) == (
            "offered", house.ben.user, State.OFFERED, 2, at,
        )  # fmt: skip
        assert (lead.stage, lead.rest_until, lead.evidence_from, lead.holder) == (Stage.MQL, None, None, house.ben.user)
        running = dict(hop.clocks.filter(verdict="").values_list("target", "started_at"))
        assert running == {Target.ACCEPT: at, Target.FIRST_TOUCH: at}
        assert assign_clock(hop.episode).met_at == at
        assert Handoff.objects.get(pk=made.handoff_id).state == State.REJECTED
        assert_sound()

    def test_takes_the_rejection_out_of_every_figure(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        AwaitingAssessment.objects.all().delete()
        self.overturn(house, made, at=at, to=house.ben.user)
        assert Outcome.objects.get(kind="rejected").withdrawn_at == at
        assert AwaitingAssessment.objects.filter(lead=made.handoff.episode.lead_id).exists()

    def test_by_the_rules_passes_over_who_rejected_it(self, house: Company, theo: User, now: datetime) -> None:
        for _ in range(3):
            done = self.overturn(house, contested(house, theo, now=now), at=now + 2 * DAY)
            assert (done.became, done.hop.user if done.hop else None) == ("offered", house.ada.user)
        assert_sound()

    def test_by_the_rules_waits_where_nobody_can_take_it(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        desk.away(house.ada, now=at - DAY)
        done = self.overturn(house, made, at=at)
        episode = Episode.objects.get(pk=made.handoff.episode_id)
        assert (done.became, done.hop, episode.phase, episode.waiting_since) == ("waits", None, "waiting", at)
        assert (assign_clock(episode).started_at, assign_clock(episode).verdict) == (at, "")
        assert_sound()

    def test_to_a_named_rep_may_pass_capacity(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        Rep.objects.filter(pk=house.ada.pk).update(capacity=0)
        done = self.overturn(house, made, at=now + 2 * DAY, to=house.ada.user)
        assert done.hop is not None
        assert (done.hop.user, done.hop.override.why) == (house.ada.user, "overturned")
        assert_sound()

    def test_to_who_can_not_take_it_is_refused_whole(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        desk.away(house.ben, now=now + DAY)
        stranger = person(Role.REP, "Dan Lone")
        for to in (house.ben.user, stranger):
            with pytest.raises(standins.NotAble), transaction.atomic():
                self.overturn(house, made, at=now + 2 * DAY, to=to)
        made.refresh_from_db()
        assert (made.is_open, lead_of(made).stage) == (True, Stage.NURTURE)

    def test_lifts_a_disqualification(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now, reason="student")
        assert lead_of(made).stage == Stage.DISQUALIFIED
        self.overturn(house, made, at=now + 2 * DAY, to=house.ben.user)
        assert lead_of(made).stage == Stage.MQL
        assert_sound()

    def test_takes_along_who_had_joined(self, house: Company, theo: User, now: datetime) -> None:
        lead = house.lead(now=now)
        other = house.colleague(lead, now=now)
        lead.refresh_from_db()
        handoff = house.offer(house.episode(lead, now=now), now=now)
        act(other, "Visited Pricing Page", at=now)
        desk.judge(now=now)
        handoffs.reject(handoff.pk, reason="bad_contact", by=house.ben.user, now=now)
        assert Lead.objects.get(pk=other.pk).stage == Stage.NURTURE
        made = contests.contest(handoff.pk, words="No", by=theo, now=now + DAY)
        self.overturn(house, made, at=now + 2 * DAY, to=house.ada.user)
        fresh = Lead.objects.get(pk=other.pk)
        assert (fresh.stage, fresh.rest_until, fresh.holder) == (Stage.MQL, None, house.ada.user)
        assert handoff.episode.members.filter(left_at=None).count() == 2
        assert not Outcome.objects.filter(kind="rejected", withdrawn_at=None).exists()
        assert_sound()

    def test_owes_nobody_a_turn_for_it(self, house: Company, theo: User, now: datetime) -> None:
        handoff = routing.route(house.episode(house.lead(now=now), now=now).pk, now=now)
        assert handoff is not None
        link = "https://crm.example/1"
        handoffs.reject(handoff.pk, reason="duplicate", evidence=link, by=handoff.user, now=now)
        assert GivenBack.objects.count() == 1
        made = contests.contest(handoff.pk, words="No", by=theo, now=now + DAY)
        self.overturn(house, made, at=now + 2 * DAY, to=handoff.user)
        assert GivenBack.objects.count() == 0

    def test_tells_both_what_became_of_it(self, house: Company, theo: User, now: datetime) -> None:
        made = contested(house, theo, now=now)
        self.overturn(house, made, at=now + 2 * DAY, to=house.ada.user)
        said = list(Notification.objects.filter(kind="contest").order_by("pk").values_list("data__message", flat=True))
        assert "Maya Lund has overturned your rejection of this lead: “They did write.”" in said[1]
        assert "overturned Ben Keller’s rejection" in said[2]
        assert said[2].endswith("The lead was offered to Ada Brook.")


class TestOverturnOfWhoHasMovedOn:
    """Only the record is corrected, and that is said before."""

    def correct(self, house: Company, made: Contest, *, at: datetime, says: str) -> None:
        before = lead_of(made)
        foreseen = foresee(made.handoff, now=at)
        assert (foreseen.became, says in str(foreseen)) == ("recorded", True)
        done = contests.overturn(made.pk, why="They did.", to=house.ben.user, by=house.manager, now=at)
        after = lead_of(made)
        assert (done.became, done.hop) == ("recorded", None)
        kept = ("stage", "rest_until", "evidence_from", "holder_id")
        assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
        assert not Outcome.objects.filter(
            kind="rejected", withdrawn_at=None, matter=made.handoff.episode.public_id
        ).exists()
        assert_sound("nobody at rest is handed over")  # the tests open matters by hand

    def test_to_a_newer_matter(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        house.offer(house.episode(lead_of(made), now=at), now=at)
        self.correct(house, made, at=at, says="open in a newer matter")

    def test_out_of_a_newer_matter_again(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        newer = house.offer(house.episode(lead_of(made), now=at), now=at)
        handoffs.reject(newer.pk, reason="bad_contact", by=house.ben.user, now=at)
        self.correct(house, made, at=at, says="a newer matter has ended since")

    def test_to_customer(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        outcomes.record(lead_of(made), "won", at=at, now=at, via="api")
        self.correct(house, made, at=at, says="stands at Customer now")

    def test_because_the_rejection_was_taken_back(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        handoffs.reopen(made.handoff_id, by=house.manager, why="Too quick", now=at)
        self.correct(house, made, at=at, says="taken back already")

    def test_to_another_lead(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        winner = house.lead(now=now - DAY)
        merging.merge(winner.pk, lead_of(made).pk, now=at, prefer=winner.pk)
        self.correct(house, made, at=at, says="goes on as another lead")

    def test_into_being_forgotten(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        erasing.erase(lead_of(made).pk, now=at, by=None)
        made.refresh_from_db()
        assert made.words == ""
        self.correct(house, made, at=at, says="was erased")

    def test_where_nobody_may_reach_them_the_rest_ends_and_no_one_is_offered_them(
        self, house: Company, theo: User, now: datetime
    ) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        Lead.objects.filter(pk=made.handoff.episode.lead_id).update(
            email_permission="refused", phone_permission="refused"
        )
        assert "offered to nobody: they may be reached on no channel" in str(foresee(made.handoff, now=at))
        done = contests.overturn(made.pk, why="Yes", to=house.ben.user, by=house.manager, now=at)
        lead = lead_of(made)
        assert (done.became, done.hop) == ("freed", None)
        assert (lead.stage, lead.rest_until, lead.evidence_from) == (Stage.LEAD, None, None)
        assert RestChange.objects.filter(lead=lead, cause="overturned").count() == 1
        assert_sound()

    def test_since_the_page_was_drawn_is_refused(self, house: Company, theo: User, now: datetime) -> None:
        made, at = contested(house, theo, now=now), now + 2 * DAY
        outcomes.record(lead_of(made), "won", at=at, now=at, via="api")
        with pytest.raises(contests.AlreadyContested, match="Things have changed"):
            contests.overturn(made.pk, why="Yes", to=None, by=house.manager, now=at, seen="offered")
        made.refresh_from_db()
        assert made.is_open


class TestForesee:
    def test_asks_as_much_for_many_as_for_one(
        self, house: Company, theo: User, now: datetime, django_assert_num_queries: Any
    ) -> None:
        for tier in (Tier.HOT, Tier.WARM, Tier.COOL):
            contested(house, theo, now=now, tier=tier)
        found = [each.handoff for each in Contest.objects.with_all()]
        with django_assert_num_queries(4):
            assert len(contests.foresee_all(found, now=now + 2 * DAY)) == 3

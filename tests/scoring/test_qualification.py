"""From marks to scores, and from scores to qualifications and episodes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import nurture
from leads.marking import mark
from leads.models import AwaitingAssessment, Lead, Stage
from scoring import episodes, judging, publishing, qualification, standing
from scoring.assessment import assess
from scoring.models import Episode, Phase, Qualification
from tests.scoring.conftest import Floor

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def evidence(floor: Floor, lead: Lead, at: datetime, **how: object) -> None:
    """Trial, case study and webinar: 50 points of engagement."""
    for name in ("Started Free Trial", "Downloaded Case Study", "Attended Webinar"):
        floor.act(lead, name, at, **how)  # type: ignore[arg-type]


class TestGoldenCases:
    def test_a_ceo_with_one_visit_is_no_mql(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now, seniority="c_level")
        floor.act(lead, "Visited Pricing Page", now)
        floor.judge(now)
        assert (floor.score(lead).fit, floor.score(lead).engagement) == (25_000, 0)
        assert floor.episode(lead) is None

    def test_an_intern_with_everything_is_none(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now, seniority="intern", employees=1000)
        evidence(floor, lead, now)
        floor.act(lead, "Subscribed to Newsletter", now)
        floor.act(lead, "Visited Pricing Page", now, times=3)
        floor.judge(now)
        assert floor.score(lead).total == 70_000
        assert not floor.score(lead).meets
        assert floor.episode(lead) is None

    def test_a_director_who_asks_for_a_demo_is_one_at_once(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        hand = floor.act(lead, "Requested Demo", now)
        floor.judge(now + MINUTE)
        episode = floor.episode(lead)
        assert episode is not None
        assert (episode.lane, episode.tier, episode.opened_by) == ("fast", "hot", "hand_raise")
        assert episode.opened_at == hand.received_at
        lead.refresh_from_db()
        assert lead.stage == Stage.MQL

    def test_a_student_who_asks_for_a_demo_is_none(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now, domain_kind="student")
        floor.act(lead, "Requested Demo", now)
        floor.judge(now)
        assert floor.episode(lead) is None

    def test_a_stranger_who_contacts_us_is_one(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now, seniority="", domain_kind="", employees=None)
        floor.act(lead, "Contacted Us", now)
        floor.judge(now)
        assert floor.episode(lead) is not None

    def test_the_edge_is_sixty(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Started Free Trial", now)
        floor.judge(now)
        assert (floor.score(lead).total, floor.episode(lead)) == (55_000, None)
        floor.act(lead, "Subscribed to Newsletter", now + MINUTE)
        floor.judge(now + MINUTE)
        episode = floor.episode(lead)
        assert floor.score(lead).total == 60_000
        assert episode is not None
        assert episode.tier == "cool"


class TestQualify:
    def test_freezes_why_in_words_without_anything_personal(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now, first_name="Zebulon", last_name="Quark", title="Director of Secrets")
        evidence(floor, lead, now)
        floor.judge(now)
        made = Qualification.objects.get(lead=lead)
        assert made.sentence.startswith("Started a free trial (+30)")
        assert "75 points, fit 25 and engagement 50" in made.sentence
        frozen = f"{made.sentence} {made.reasons} {made.deciding}"
        assert not {"Zebulon", "Quark", "Secrets", lead.email} & set(frozen.split())
        senior = next(reason for reason in made.reasons if reason["key"] == "senior")
        assert senior["observed"] == {"lead.seniority": "director"}

    def test_may_run_again_and_again(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Requested Demo", now)
        floor.judge(now)
        for _ in range(3):
            mark([lead.pk], now=now)
            floor.judge(now + MINUTE)
        assert Qualification.objects.filter(lead=lead).count() == 1
        assert Episode.objects.filter(lead=lead).count() == 1

    def test_lifts_the_tier_of_the_open_episode_and_never_lowers_it(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Started Free Trial", now)
        floor.act(lead, "Subscribed to Newsletter", now)
        floor.judge(now)
        evidence(floor, lead, now + MINUTE)
        floor.judge(now + MINUTE)
        episode = floor.episode(lead)
        assert episode is not None
        assert episode.tier == "hot"
        floor.act(lead, "Visited Careers Page", now + 2 * MINUTE)
        floor.judge(now + 2 * MINUTE)
        episode.refresh_from_db()
        assert (episode.tier, episode.closed_at) == ("hot", None)

    def test_a_raised_hand_counts_once_in_an_open_episode(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now)
        floor.judge(now)
        floor.act(lead, "Contacted Us", now + MINUTE)
        floor.judge(now + MINUTE)
        mark([lead.pk], now=now + HOUR)
        floor.judge(now + HOUR)
        episode = floor.episode(lead)
        assert episode is not None
        assert episode.lane == "fast"
        assert episode.changes.filter(what="hand_raised").count() == 1
        assert Qualification.objects.filter(lead=lead, is_hand_raise=True).count() == 1

    def test_all_channels_closed_opens_nothing(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now, email_permission="refused", phone_permission="refused")
        evidence(floor, lead, now)
        floor.judge(now)
        assert floor.episode(lead) is None

    def test_a_second_look_that_changes_nothing_asks_little(
        self, floor: Floor, now: datetime, django_assert_num_queries: Any
    ) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now)
        floor.judge(now)
        with django_assert_num_queries(11):
            qualification.qualify(lead.pk, now=now + MINUTE)


class TestLeaving:
    def test_waiting_it_cools_below_leave_and_the_stage_goes_back(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Started Free Trial", now)
        floor.act(lead, "Subscribed to Newsletter", now)
        floor.judge(now)
        floor.act(lead, "Visited Careers Page", now + MINUTE)
        floor.judge(now + MINUTE)
        assert Episode.objects.get(lead=lead).closed_as == "cooled"
        lead.refresh_from_db()
        assert lead.stage == Stage.LEAD

    def test_between_leave_and_the_minimum_it_stays(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now)
        floor.judge(now)
        floor.act(lead, "Visited Careers Page", now + MINUTE)
        floor.judge(now + MINUTE)
        assert floor.score(lead).total == 55_000
        assert floor.episode(lead) is not None

    def test_with_a_rep_it_stays_and_is_marked_until_it_is_warm_again(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Started Free Trial", now)
        floor.act(lead, "Subscribed to Newsletter", now)
        floor.judge(now)
        episode = floor.episode(lead)
        assert episode is not None
        episodes.set_phase(episode, Phase.ACCEPTED, now=now)
        floor.act(lead, "Visited Careers Page", now + MINUTE)
        floor.judge(now + MINUTE)
        episode.refresh_from_db()
        assert (episode.closed_at, episode.cooled_at) == (None, now + MINUTE)
        floor.act(lead, "Attended Webinar", now + HOUR)
        floor.judge(now + HOUR)
        episode.refresh_from_db()
        assert episode.cooled_at is None

    def test_a_cooled_lead_may_qualify_again_without_new_positive_evidence(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Started Free Trial", now)
        floor.act(lead, "Subscribed to Newsletter", now)
        careers = floor.act(lead, "Visited Careers Page", now)
        floor.judge(now)
        assert floor.episode(lead) is None
        careers.discounted_at, careers.discount_reason = now + MINUTE, "scanner"
        careers.save()
        mark([lead.pk], now=now + MINUTE)
        floor.judge(now + MINUTE)
        assert floor.episode(lead) is not None


class TestLiveAndStanding:
    def test_an_import_stands(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now, origin="import")
        floor.judge(now)
        assert floor.episode(lead) is None
        assert len(floor.waiting(lead)) == 1

    def test_what_we_heard_too_late_stands(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now - 3 * DAY, late=2 * DAY)
        floor.judge(now)
        assert [made.deciding["kind"] for made in floor.waiting(lead)] == ["activity"]

    def test_a_newly_published_bar_makes_old_evidence_stand(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Started Free Trial", now - HOUR)
        floor.judge(now - HOUR)
        draft = publishing.draft(floor.version.definition, now=now, by=floor.marketer)
        draft.total_min, draft.total_leave = 50_000, 40_000
        draft.save()
        publishing.publish(draft, now=now, by=floor.marketer)
        floor.judge(now + MINUTE)
        assert floor.episode(lead) is None
        assert [made.deciding["kind"] for made in floor.waiting(lead)] == ["publication"]

    def test_takes_nothing_from_who_is_reading_the_former(self, floor: Floor, now: datetime) -> None:
        former = judging.in_force()
        seen_elsewhere = judging._published
        draft = publishing.draft(floor.version.definition, now=now, by=floor.marketer)
        publishing.publish(draft, now=now, by=floor.marketer)
        assert judging.in_force() == [draft]
        assert list(seen_elsewhere.values()) == former == [floor.version]

    def test_at_most_one_stands_and_news_overtakes_it(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now - DAY, origin="import")
        floor.judge(now)
        floor.act(lead, "Subscribed to Newsletter", now - DAY, origin="import")
        floor.judge(now)
        assert len(floor.waiting(lead)) == 1
        floor.act(lead, "Visited Pricing Page", now, times=3)
        floor.judge(now + MINUTE)
        assert floor.waiting(lead) == []
        assert floor.episode(lead) is not None

    def test_the_joining_of_an_old_history_is_news(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now - 20 * DAY)
        lead.activities.update(known_at=now)
        floor.judge(now)
        episode = floor.episode(lead)
        assert episode is not None
        assert episode.opened_at == now

    def test_a_window_edge_is_news_at_that_instant(self, floor: Floor, now: datetime) -> None:
        draft = publishing.draft(floor.version.definition, now=now, by=floor.marketer)
        draft.criteria.filter(key="careers_page").update(within=86400)
        publishing.publish(draft, now=now - 5 * DAY, by=floor.marketer)
        lead = floor.lead(now=now)
        floor.act(lead, "Visited Careers Page", now - DAY)
        floor.act(lead, "Started Free Trial", now - DAY)
        floor.act(lead, "Subscribed to Newsletter", now - DAY)
        floor.judge(now - DAY)
        assert floor.episode(lead) is None
        score = floor.score(lead)
        assert score.reassess_at == now
        mark([lead.pk], now=now)
        floor.judge(now)
        assert floor.episode(lead) is not None


class TestTimeIsACause:
    def test_while_the_episode_waits_it_is_looked_at_within_a_quarter_of_an_hour(
        self, floor: Floor, now: datetime
    ) -> None:
        draft = publishing.draft(floor.version.definition, now=now, by=floor.marketer)
        draft.criteria.filter(key="free_trial").update(decay="half_life", half_life=7 * 86400)
        publishing.publish(draft, now=now - 5 * DAY, by=floor.marketer)
        lead = floor.lead(now=now)
        evidence(floor, lead, now)
        floor.judge(now)
        assert floor.score(lead).reassess_at == now + 15 * MINUTE
        mark([lead.pk], now=now + MINUTE)
        floor.judge(now + MINUTE)
        assert floor.score(lead).reassess_at == now + 16 * MINUTE
        episode = floor.episode(lead)
        assert episode is not None
        episodes.set_phase(episode, Phase.ACCEPTED, now=now + MINUTE)
        mark([lead.pk], now=now + MINUTE)
        floor.judge(now + MINUTE)
        assert floor.score(lead).reassess_at == now + MINUTE + DAY


class TestRelease:
    def test_opens_the_episode_from_now(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now - DAY, origin="import")
        floor.judge(now)
        (waiting,) = floor.waiting(lead)
        episode = standing.release(waiting.pk, now=now + HOUR, by=floor.marketer)
        assert (episode.opened_by, episode.opened_at) == ("release", now + HOUR)
        waiting.refresh_from_db()
        assert (waiting.waiting, waiting.settled_as, waiting.settled_by) == (False, "released", floor.marketer)
        with pytest.raises(standing.NotWaiting):
            standing.release(waiting.pk, now=now + HOUR, by=floor.marketer)

    def test_refuses_who_no_longer_meets_it(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now - DAY, origin="import")
        floor.judge(now)
        (waiting,) = floor.waiting(lead)
        floor.act(lead, "Unsubscribed", now)
        with pytest.raises(standing.NotWaiting, match="no longer meets"):
            standing.release(waiting.pk, now=now + HOUR, by=floor.marketer)

    def test_dismissed_it_leaves_the_list(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now - DAY, origin="import")
        floor.judge(now)
        assert standing.dismiss([made.pk for made in floor.waiting(lead)], now=now, by=floor.marketer) == 1
        assert floor.waiting(lead) == []


class TestSpentEvidence:
    @pytest.fixture
    def recycled(self, floor: Floor, now: datetime) -> Lead:
        """Qualified, rejected, resting for thirty days with its evidence spent."""
        lead = floor.lead(now=now)
        evidence(floor, lead, now)
        floor.judge(now)
        episode = floor.episode(lead)
        assert episode is not None
        lead.refresh_from_db()
        nurture.recycle(lead, rest_until=now + 30 * DAY, spend=True, now=now + HOUR, cause="verdict")
        episodes.close(episode, "rejected", now=now + HOUR)
        floor.judge(now + HOUR)
        return lead

    def test_old_evidence_gives_nothing_and_is_shown_as_ever(self, floor: Floor, recycled: Lead, now: datetime) -> None:
        score = floor.score(recycled)
        assert (score.engagement, score.engagement_ever) == (0, 50_000)

    def test_new_evidence_during_the_rest_waits_for_its_end(self, floor: Floor, recycled: Lead, now: datetime) -> None:
        evidence(floor, recycled, now + 2 * DAY)
        floor.judge(now + 2 * DAY)
        assert floor.episode(recycled) is None
        assert nurture.mark_ended_rests(now=now + 30 * DAY) == 1
        floor.judge(now + 30 * DAY)
        episode = floor.episode(recycled)
        assert episode is not None
        assert Qualification.objects.filter(lead=recycled).order_by("-id")[0].deciding["kind"] == "rest"
        assert episode.opened_at == now + 30 * DAY

    def test_the_end_of_the_rest_alone_brings_nobody_back(self, floor: Floor, recycled: Lead, now: datetime) -> None:
        nurture.mark_ended_rests(now=now + 30 * DAY)
        floor.judge(now + 30 * DAY)
        assert floor.episode(recycled) is None

    def test_a_raised_hand_ends_the_rest(self, floor: Floor, recycled: Lead, now: datetime) -> None:
        floor.act(recycled, "Requested Demo", now + 2 * DAY)
        floor.judge(now + 2 * DAY)
        assert floor.episode(recycled) is not None
        recycled.refresh_from_db()
        assert recycled.rest_until is None

    def test_a_spent_raised_hand_does_not(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Requested Demo", now)
        floor.judge(now)
        episode = floor.episode(lead)
        assert episode is not None
        lead.refresh_from_db()
        nurture.recycle(lead, rest_until=now + DAY, spend=True, now=now + HOUR, cause="verdict")
        episodes.close(episode, "rejected", now=now + HOUR)
        mark([lead.pk], now=now + 2 * HOUR)
        floor.judge(now + 2 * HOUR)
        assert floor.episode(lead) is None


class TestNamedDate:
    def test_opens_again_without_new_evidence_and_without_a_qualification(self, floor: Floor, now: datetime) -> None:
        lead = floor.lead(now=now)
        evidence(floor, lead, now)
        floor.judge(now)
        first = floor.episode(lead)
        assert first is not None
        lead.refresh_from_db()
        nurture.promise_callback(lead, at=now + 5 * DAY, user=floor.marketer, now=now + HOUR)
        episodes.close(first, "returned", now=now + HOUR)
        assert qualification.open_on_date(lead.pk, now=now + 4 * DAY) is None
        second = qualification.open_on_date(lead.pk, now=now + 5 * DAY)
        assert second is not None
        assert (second.opened_by, second.qualification_id) == ("date", first.qualification_id)
        floor.judge(now + 5 * DAY)
        second.refresh_from_db()
        assert second.closed_at is None
        assert Qualification.objects.filter(lead=lead).count() == 1


class TestMarks:
    def test_one_raised_meanwhile_stays(self, floor: Floor, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Requested Demo", now)
        real = qualification.qualify

        def interrupted(lead_id: int, *, now: datetime) -> None:
            real(lead_id, now=now)
            mark([lead_id], now=now)

        monkeypatch.setattr(qualification, "qualify", interrupted)
        assert assess(now=now) == 1
        assert AwaitingAssessment.objects.filter(lead=lead).exists()

    def test_one_taken_down_and_raised_anew_meanwhile_is_another(
        self, floor: Floor, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lead = floor.lead(now=now)
        floor.act(lead, "Requested Demo", now)
        real = qualification.qualify

        def overtaken(lead_id: int, *, now: datetime) -> None:
            monkeypatch.setattr(qualification, "qualify", real)
            assert assess(now=now) == 1
            mark([lead_id], now=now)

        monkeypatch.setattr(qualification, "qualify", overtaken)
        assert assess(now=now) == 1
        assert AwaitingAssessment.objects.filter(lead=lead).exists()

    def test_one_with_a_reason_of_the_next_moment_waits_for_it(self, floor: Floor, now: datetime) -> None:
        """As of the moment at hand that reason is not known yet: the mark would go, and the reason never count."""
        lead = floor.lead(now=now)
        mark([lead.pk], now=now)
        next_moment = now + timedelta(milliseconds=5)
        floor.act(lead, "Requested Demo", next_moment)
        assert assess(now=now) == 0
        assert assess(now=next_moment) == 1
        assert floor.episode(lead) is not None

    def test_a_failing_lead_keeps_its_mark_and_stops_nobody(
        self, floor: Floor, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad, good = floor.lead(now=now), floor.lead(now=now)
        floor.act(bad, "Requested Demo", now)
        floor.act(good, "Requested Demo", now)
        real = qualification.qualify

        def failing(lead_id: int, *, now: datetime) -> None:
            if lead_id == bad.pk:
                raise RuntimeError("broken on purpose")
            real(lead_id, now=now)

        monkeypatch.setattr(qualification, "qualify", failing)
        floor.judge(now)
        assert floor.episode(good) is not None
        waiting = AwaitingAssessment.objects.get()
        assert (waiting.lead_id, waiting.since) == (bad.pk, now + MINUTE)

"""Merging: two leads become one, whole, on every floor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from leads import merging, nurture
from leads.locks import LeadGone
from leads.merging import AlreadyMerged
from leads.models import (
    Account,
    Activity,
    ActivityType,
    AwaitingAssessment,
    ExternalId,
    Identity,
    IdentityConflict,
    Lead,
    Outcome,
    Source,
    Stage,
    User,
)
from scoring.models import ClosedAs, Episode, Qualification
from sla.models import State
from tests import desk

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def make(now: datetime) -> Callable[..., Lead]:
    def one(stage: str = Stage.LEAD, *, user_id: str = "", age: int = 1, **fields: Any) -> Lead:
        lead = Lead.objects.create(stage=stage, stage_at=now - age * DAY, created_at=now - age * DAY, **fields)
        if user_id:
            Identity.objects.create(kind="user_id", value=user_id, lead=lead, bound_at=now)
        return lead

    return one


def fresh(lead: Lead) -> Lead:
    return Lead.objects.get(pk=lead.pk)


class TestMerging:
    def test_moves_behaviour_keys_and_outcomes(self, make: Any, now: datetime) -> None:
        winner, loser = make(user_id="u1"), make()
        source = Source.objects.create(name="Site", kind="server", write_key_hash="h")
        kind = ActivityType.objects.create(name="Visited Pricing Page", first_seen_at=now)
        times = {"occurred_at": now - DAY, "received_at": now - DAY, "known_at": now - DAY}
        done = Activity.objects.create(lead=loser, type=kind, source=source, message_id="m", **times)
        own = Activity.objects.create(lead=winner, type=kind, source=source, message_id="n", **times)
        for key, value in (("email", "a@b.example"), ("anonymous_id", "x-1")):
            Identity.objects.create(kind=key, value=value, lead=loser, bound_at=now)
        ExternalId.objects.create(system="crm", value="9", lead=loser)
        Outcome.objects.create(lead=loser, kind="accepted", at=now, recorded_at=now, via="api")

        assert merging.merge(winner.pk, loser.pk, now=now).pk == winner.pk

        done.refresh_from_db()
        own.refresh_from_db()
        assert (done.lead_id, done.known_at, done.occurred_at) == (winner.pk, now, now - DAY)
        assert own.known_at == now - DAY
        assert winner.identities.count() == 3
        assert (winner.external_ids.count(), winner.outcomes.count()) == (1, 1)
        gone = fresh(loser)
        assert (gone.merged_into_id, gone.merged_at) == (winner.pk, now)
        assert set(AwaitingAssessment.objects.values_list("lead_id", flat=True)) == {winner.pk, loser.pk}

    def test_fills_what_is_empty_and_writes_its_history(self, make: Any, now: datetime) -> None:
        account = Account.objects.create(domain="b.example", created_at=now)
        winner = make(
            user_id="u", first_name="Ann", title="CEO", seniority="c_level", traits={"plan": "pro", "x": None}
        )
        loser = make(
            first_name="Anna",
            last_name="Lind",
            title="Intern",
            seniority="intern",
            email="a@b.example",
            domain_kind="company",
            account=account,
            age=9,
            traits={"plan": "free", "x": 1, "size": 3},
        )
        merging.merge(winner.pk, loser.pk, now=now)

        lead = fresh(winner)
        assert (lead.first_name, lead.last_name, lead.title, lead.seniority) == ("Ann", "Lind", "CEO", "c_level")
        assert (lead.email, lead.domain_kind, lead.account) == ("a@b.example", "company", account)
        assert lead.traits == {"plan": "pro", "x": 1, "size": 3}
        assert lead.created_at == now - 9 * DAY
        rows = {row.attribute: (row.value, row.known_at) for row in lead.attribute_changes.all()}
        assert rows == {
            "last_name": ("Lind", now),
            "email": ("a@b.example", now),
            "domain_kind": ("company", now),
            "account": (account.pk, now),
            "trait.x": (1, now),
            "trait.size": (3, now),
        }

    @pytest.mark.parametrize(
        ("one", "other", "becomes"),
        [
            ("unknown", "granted", "granted"),
            ("granted", "unknown", "granted"),
            ("granted", "refused", "refused"),
            ("refused", "granted", "refused"),
            ("refused", "unknown", "refused"),
        ],
    )
    def test_keeps_the_stricter_permission(self, one: str, other: str, becomes: str, make: Any, now: datetime) -> None:
        winner = merging.merge(make(email_permission=one).pk, make(email_permission=other).pk, now=now)
        assert fresh(winner).email_permission == becomes

    def test_keeps_the_later_rest_and_the_later_spent_evidence(self, make: Any, now: datetime) -> None:
        rep = User.objects.create_user("rep@x.example", full_name="R")
        winner = make(Stage.NURTURE, user_id="u", rest_until=now + DAY, evidence_from=now - DAY)
        loser = make(
            Stage.NURTURE,
            rest_until=now + 5 * DAY,
            evidence_from=now - 5 * DAY,
            callback_at=now + 5 * DAY,
            callback_user=rep,
        )
        merging.merge(winner.pk, loser.pk, now=now)
        lead = fresh(winner)
        assert (lead.rest_until, lead.evidence_from) == (now + 5 * DAY, now - DAY)
        assert (lead.callback_at, lead.callback_user) == (now + 5 * DAY, rep)
        assert lead.rest_changes.get().cause == "merge"

    @pytest.mark.parametrize(
        ("one", "other", "becomes"),
        [
            ("SUBSCRIBER", "LEAD", "LEAD"),
            ("LEAD", "NURTURE", "NURTURE"),
            ("NURTURE", "DISQUALIFIED", "DISQUALIFIED"),
            ("DISQUALIFIED", "SQL", "SQL"),
            ("SQL", "OPPORTUNITY", "OPPORTUNITY"),
            ("OPPORTUNITY", "CUSTOMER", "CUSTOMER"),
        ],
    )
    def test_takes_the_furthest_stage(self, one: str, other: str, becomes: str, make: Any, now: datetime) -> None:
        for first, second in ((one, other), (other, one)):
            winner = merging.merge(make(first).pk, make(second).pk, now=now)
            assert fresh(winner).stage == becomes

    def test_keeps_tombstones_flat(self, make: Any, now: datetime) -> None:
        oldest, older, young = make(age=9), make(age=5), make(age=1)
        merging.merge(older.pk, young.pk, now=now)
        merging.merge(oldest.pk, older.pk, now=now)
        assert {fresh(one).merged_into_id for one in (older, young)} == {oldest.pk}

    def test_follows_a_tombstone_to_whom_it_redirects(self, make: Any, now: datetime) -> None:
        oldest, older, young = make(age=9), make(age=5), make(age=1)
        merging.merge(older.pk, young.pk, now=now)
        assert merging.merge(young.pk, oldest.pk, now=now).pk == oldest.pk
        assert fresh(older).merged_into_id == oldest.pk

    def test_settles_the_conflict_between_them_and_takes_over_the_others(self, make: Any, now: datetime) -> None:
        winner, loser, third = make(age=9), make(), make()
        between = IdentityConflict.objects.create(lead=winner, other=loser, kind="email", noticed_at=now)
        beyond = IdentityConflict.objects.create(lead=loser, other=third, kind="email", noticed_at=now)
        merging.merge(winner.pk, loser.pk, now=now)
        between.refresh_from_db()
        beyond.refresh_from_db()
        assert (between.settled_at, beyond.settled_at) == (now, None)
        assert (beyond.lead_id, beyond.other_id) == (winner.pk, third.pk)

    def test_moves_ten_thousand_activities_in_as_many_statements_as_none(
        self, make: Any, now: datetime, django_assert_num_queries: Any
    ) -> None:
        from django.test.utils import CaptureQueriesContext

        source = Source.objects.create(name="Site", kind="server", write_key_hash="h")
        kind = ActivityType.objects.create(name="Visited", first_seen_at=now)
        counts = []
        for number in (0, 10_000):
            winner, loser = make(age=2), make()
            times = {"occurred_at": now, "received_at": now, "known_at": now, "source": source, "type": kind}
            Activity.objects.bulk_create(Activity(lead=loser, message_id=str(n), **times) for n in range(number))
            with CaptureQueriesContext(connection) as asked:
                merging.merge(winner.pk, loser.pk, now=now)
            counts.append(len(asked))
            assert winner.activities.count() == number
        assert counts[0] == counts[1]


class TestTheWinner:
    def test_is_the_one_with_a_user_id_whoever_is_older_or_named_first(self, make: Any, now: datetime) -> None:
        old, known = make(age=9), make(user_id="u")
        assert merging.merge(old.pk, known.pk, now=now, prefer=old.pk).pk == known.pk

    def test_of_two_user_ids_is_the_preferred(self, make: Any, now: datetime) -> None:
        old, young = make(age=9, user_id="u1"), make(user_id="u2")
        assert merging.merge(old.pk, young.pk, now=now, prefer=young.pk).pk == young.pk

    def test_is_else_the_older(self, make: Any, now: datetime) -> None:
        young, old = make(), make(age=9)
        assert merging.merge(young.pk, old.pk, now=now).pk == old.pk


class TestRefusing:
    def test_what_is_one_already(self, make: Any, now: datetime) -> None:
        winner, loser = make(age=9), make()
        merging.merge(winner.pk, loser.pk, now=now)
        with pytest.raises(AlreadyMerged):
            merging.merge(loser.pk, winner.pk, now=now)
        with pytest.raises(AlreadyMerged):
            merging.merge(winner.pk, winner.pk, now=now)

    def test_the_erased_and_the_unknown(self, make: Any, now: datetime) -> None:
        lead = make()
        with pytest.raises(LeadGone):
            merging.merge(lead.pk, make(erased_at=now).pk, now=now)
        with pytest.raises(LeadGone):
            merging.merge(lead.pk, 987654321, now=now)


class TestEpisodes:
    def test_of_the_two_the_older_goes_on_with_its_rep(self, now: datetime) -> None:
        office = desk.company(now)
        loser_side = office.accepted(now=now)
        old = loser_side.episode
        winner = office.lead(now=now)
        Identity.objects.create(kind="user_id", value="u", lead=winner, bound_at=now)
        young = office.episode(winner, now=now + timedelta(minutes=5))
        withdrawn = office.offer(young, now=now + timedelta(minutes=5), rep=office.ada)
        loser = old.lead

        merging.merge(winner.pk, loser.pk, now=now + timedelta(minutes=9))

        old, young = Episode.objects.get(pk=old.pk), Episode.objects.get(pk=young.pk)
        assert (old.lead_id, old.closed_as, old.phase) == (winner.pk, "", "accepted")
        assert list(old.members.values_list("lead_id", "left_at")) == [(winner.pk, None)]
        assert young.closed_as == ClosedAs.MERGED
        withdrawn.refresh_from_db()
        loser_side.refresh_from_db()
        assert (withdrawn.state, loser_side.state) == (State.WITHDRAWN, State.ACCEPTED)
        lead = fresh(winner)
        assert (lead.stage, lead.holder, lead.holder_team) == (Stage.SAL, office.ben.user, office.team)
        assert fresh(loser).holder is None

    def test_of_the_winner_stays_where_it_is_when_it_is_the_older(self, now: datetime) -> None:
        office = desk.company(now)
        stays, ends = office.offered(now=now), office.accepted(now=now + timedelta(minutes=3))
        winner, loser = stays.episode.lead, ends.episode.lead
        Identity.objects.create(kind="user_id", value="u", lead=winner, bound_at=now)
        merging.merge(winner.pk, loser.pk, now=now + timedelta(minutes=9))
        assert Episode.objects.get(pk=ends.episode_id).closed_as == ClosedAs.MERGED
        lead = fresh(winner)
        assert (lead.stage, lead.holder) == (Stage.MQL, office.ben.user)
        assert Episode.objects.get(pk=stays.episode_id).closed_at is None

    def test_that_is_open_gives_its_stage_whatever_the_other_stood_at(self, now: datetime) -> None:
        office = desk.company(now)
        open_one = office.offered(now=now)
        resting = office.lead(now=now, stage=Stage.NURTURE)
        Identity.objects.create(kind="user_id", value="u", lead=resting, bound_at=now)
        winner = merging.merge(resting.pk, open_one.episode.lead_id, now=now + timedelta(minutes=1))
        assert winner.pk == resting.pk
        assert fresh(winner).stage == Stage.MQL
        assert Episode.objects.get(pk=open_one.episode_id).lead_id == winner.pk

    def test_under_the_other_name_wait_for_release_no_longer(self, make: Any, now: datetime) -> None:
        office = desk.company(now)
        winner, loser = make(user_id="u"), make()
        Qualification.objects.create(
            lead=loser,
            definition=office.definition,
            version=office.version,
            at=now,
            kind="standing",
            tier="warm",
            fit=0,
            engagement=0,
            total=0,
            sentence="",
            reasons=[],
            deciding={},
            received_at=now,
            waiting=True,
        )
        merging.merge(winner.pk, loser.pk, now=now)
        assert not Qualification.objects.filter(waiting=True).exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestRacing:
    def test_one_wins_and_the_other_is_told(self, make: Any, now: datetime) -> None:
        one, other = make(age=3), make()
        nurture.spend(other, now=now, cause="verdict")
        told: list[str] = []
        gate = threading.Barrier(2)

        def run(first: int, second: int) -> None:
            gate.wait()
            try:
                merging.merge(first, second, now=now)
                told.append("merged")
            except AlreadyMerged:
                told.append("told")
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=pair) for pair in ((one.pk, other.pk), (other.pk, one.pk))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(told) == ["merged", "told"]
        assert fresh(other).merged_into_id == one.pk
        assert fresh(one).merged_into_id is None

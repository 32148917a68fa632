"""The bench measures what it says: its leads, its floor, its clients and its percentiles."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from leads import clock
from leads.models import Activity, ActivityType, Lead, Notification, Source
from scoring.models import DefinitionVersion, Episode, Score
from sla.bench import (
    children,
    copies,
    definitions,
    family,
    firing,
    floor,
    many,
    people,
    plain,
    rescoring,
    routing,
    sender,
)
from sla.bench.offers import Delays
from sla.bench.sender import Load
from sla.clocks import escalation
from sla.demo import company
from sla.models import Clock, ClockTiming, FairnessTurn, Handoff, HandoffChange, RoutingTrace
from sla.routing import rounds

N = 200
HOUR = timedelta(hours=1)


@pytest.fixture
def classic(db: None, now: datetime, monkeypatch: pytest.MonkeyPatch) -> DefinitionVersion:
    company.found(now=now)
    # No VACUUM within a test's transaction.
    monkeypatch.setattr(people, "_settle", lambda: None)
    people.populate(N, source=Source.objects.get(), now=now)
    return DefinitionVersion.objects.get()


class TestPopulating:
    def test_makes_each_lead_with_its_activities(self, classic, now):
        assert Lead.objects.count() == N
        assert Activity.objects.count() == N * people.ACTIVITIES_EACH
        assert not Activity.objects.filter(occurred_at__gt=now).exists()

    def test_makes_as_many_where_the_planner_knows_of_few(self, db, now, monkeypatch):
        """It then joins the other way round, and reads what was done once for every kind of activity."""
        company.found(now=now)
        monkeypatch.setattr(people, "_settle", lambda: None)
        few = [
            ActivityType.objects.create(name="Waved", first_seen_at=now),
            Lead.objects.create(stage_at=now, created_at=now),
        ]
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE leads_activitytype, leads_lead")
        for one in few:
            one.delete()
        made = people.populate(N, source=Source.objects.get(), now=now)
        assert (made, Lead.objects.count()) == (N * people.ACTIVITIES_EACH, N)


class TestMatters:
    def test_are_multiplied_with_all_that_was_written_about_them(self, classic, now):
        """Each copy at its own lead, rep and time, with rows that speak of its own."""
        reps = 2
        floor.hire(reps, teams=1, now=now)
        model = many.model(now=now).handoff
        leads = list(Lead.objects.filter(email__startswith="p").order_by("pk")[:6])
        with transaction.atomic():
            copies.trust()
            seats = family.seat(
                f"SELECT id FROM leads_lead WHERE id >= {leads[0].pk} ORDER BY id LIMIT 6", reps, spread="1 hour"
            )
            family.multiply(model, range(seats))
        made = Handoff.objects.exclude(pk=model.pk).select_related("episode__lead")
        assert {each.episode.lead_id for each in made} == {each.pk for each in leads}
        assert all(each.user_id == each.episode.lead.holder_id for each in made)
        assert Counter(each.user_id for each in made).most_common()[0][1] == 6 // reps
        assert all(now - HOUR <= each.offered_at <= now for each in made)
        for each in made:
            assert each.clocks.count() == model.clocks.count()
            assert {row.clock.handoff_id for row in ClockTiming.objects.filter(clock__handoff=each)} == {each.pk}
            assert each.changes.count() == model.changes.count()
            assert each.trace.trace == model.trace.trace


class TestRescoring:
    @pytest.mark.parametrize("more", [(), definitions.COUNTING, definitions.DECAYING])
    def test_stores_a_score_for_everybody(self, classic, more, now, tmp_path):
        version = definitions.widened(classic, "More", more, now=now, by=classic.published_by) if more else classic
        found = rescoring.rescore("one", version, now=now, plans=tmp_path)
        assert Score.objects.filter(version=version).count() == N
        assert found.criteria == version.criteria.count()
        assert found.ratio > 0
        assert {path.name for path in tmp_path.iterdir()} == {"one-floor.txt", "one-computing.txt"}

    def test_has_a_floor_that_counts_the_rows_the_version_counts(self, classic, now):
        sql, params = rescoring.floor(classic, now=now)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*), sum(q.counted) FROM ({sql}) q", params)
            leads, counted = cursor.fetchone()
        names = {name for criterion in classic.criteria.all() for name in criterion.activities}
        assert (leads, counted) == (N, Activity.objects.filter(type__name__in=names).count())


class TestClocks:
    @pytest.fixture
    def due(self, db: None, now: datetime) -> list[int]:
        """Five breaches that tell rep and manager, all alike."""
        company.found(now=now - HOUR)
        many.multiply(many.model(now=now), 4, now=now)
        return list(Clock.objects.filter(target="accept").order_by("pk").values_list("pk", flat=True))

    @pytest.mark.parametrize("together", [1, 3])
    def test_are_written_by_plain_sql_as_the_verb_writes_them(self, due, now, together):
        first, *others = due
        assert escalation.fire(first, now=now + HOUR)
        plain.write(others, plain.statements(first), together=together)
        written = {
            (clock.breached_at, clock.next_step_at, tuple(clock.fired.order_by("pk").values_list("key", flat=True)))
            for clock in Clock.objects.filter(pk__in=due)
        }
        assert len(written) == 1
        told = Notification.objects.filter(kind="breach").values_list("subject", "recipient", "data__what")
        assert sorted(Counter(told).values()) == [5, 5]

    def test_are_fired_with_what_it_takes(self, due, monkeypatch):
        monkeypatch.setattr(clock, "now", lambda: Clock.objects.filter(pk__in=due).latest("due_at").due_at)
        told = firing.fire_all()
        assert told["fired"] == len(due)
        assert told["ours"] > 0
        line = str(firing.Rate(told["fired"], 2.0, told["ours"], None))
        assert line.strip().startswith("2 clocks/s   CPU of each: ours")


class TestClients:
    def test_send_as_many_activities_as_asked_for(self):
        made = sender.bodies(Load("http://127.0.0.1:1", "key", 2_345, "a"))
        events = [event for body, _ in made for event in json.loads(body)["batch"]]
        assert sum(count for _, count in made) == 2_345
        assert sum(event["type"] == "track" for event in events) == 2_345
        assert len({event["messageId"] for event in events}) == len(events)
        assert max(len(json.loads(body)["batch"]) for body, _ in made) == sender.BATCH


class TestDelays:
    def test_are_percentiles_by_nearest_rank(self):
        found = Delays.of(100, [n / 100 for n in range(1, 101)])
        assert (found.p50, found.p95, found.worst, found.offered) == (0.5, 0.95, 1.0, 100)

    def test_count_who_was_never_offered_as_infinitely_late(self):
        found = Delays.of(4, [0.1, 0.2, 0.3])
        assert (found.offered, found.worst) == (3, float("inf"))


class TestRouting:
    @pytest.mark.parametrize("teams", [1, 4])
    def test_routes_everybody_by_the_verbs_and_writes_the_same_rows_by_sql(
        self, db: None, now: datetime, monkeypatch: pytest.MonkeyPatch, teams: int
    ) -> None:
        company.found(now=now)

        def here(command: list[str], processes: int) -> tuple[list[dict[str, float]], float]:
            return [routing.route_all()], 1.0

        def one_by_one(parts: list[list[int]], work: Callable[[list[int]], None]) -> float:
            for part in parts:
                work(part)
            return 1.0

        monkeypatch.setattr(children, "at_once", here)
        monkeypatch.setattr(children, "in_threads", one_by_one)
        monkeypatch.setattr(rounds, "PAGE", 30)
        cost = routing.measure(40, reps=8, teams=teams)

        assert Episode.objects.filter(phase="waiting").count() == 1  # the one that the last were copies of
        made = Handoff.objects.filter(turn__isnull=False)
        assert made.count() == Handoff.objects.count() == 31 + 41 + 40
        assert (
            Clock.objects.filter(handoff__isnull=False).count()
            == ClockTiming.objects.filter(clock__handoff__isnull=False).count()
            == 2 * made.count()
        )
        for row in (HandoffChange, RoutingTrace, FairnessTurn):
            assert row.objects.count() == made.count()
        assert cost.questions_each < 10
        assert any("leads/s" in line for line in cost.lines())

"""Standing leads go to sales by order: best first, so many per rep and working day, exactly, until it is stopped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from leads.errors import Invalid
from leads.models import Lead
from scoring.models import Qualification
from sla import releasing
from sla.models import OrderedRelease, ReleaseDay, ReleaseOrder
from sla.releasing import CannotOrder, Part, invariants, running
from tests.desk import Company, act, away, company

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def firm() -> Company:
    return company(MONDAY - 30 * DAY)


def stands(firm: Company, points: int = 50, *, at: datetime = MONDAY - DAY, **fields: Any) -> Qualification:
    lead = firm.lead(now=MONDAY - 3 * DAY, **fields)
    act(lead, "Visited Pricing Page", at=MONDAY - 2 * DAY)
    return Qualification.objects.create(
        lead=lead,
        version=firm.version,
        definition=firm.definition,
        at=at,
        kind="standing",
        tier="hot" if points >= 80 else "warm",
        fit=20_000,
        engagement=30_000,
        total=points * 1000,
        sentence="Visited Pricing Page (+30).",
        reasons=[],
        deciding={},
        received_at=at,
        waiting=True,
    )


def order(firm: Company, part: Part | None = None, *, a_day: int | None = 1, **more: Any) -> ReleaseOrder:
    said = {"until_date": None, "why": "After the fair", "by": firm.manager, "now": MONDAY} | more
    return releasing.give(part or Part(), team=firm.team, per_rep_and_day=a_day, **said)


def run(now: datetime) -> int:
    return releasing.run_all(lambda: now)


def waiting() -> int:
    return Qualification.objects.filter(waiting=True).count()


class TestPace:
    def test_gives_so_many_per_rep_and_working_day_the_best_first(self, firm: Company) -> None:
        made = [stands(firm, points) for points in (50, 90, 60, 70, 80)]
        order(firm)
        assert run(MONDAY.replace(hour=8)) == 0
        assert run(MONDAY) == 2
        assert run(MONDAY + timedelta(hours=5)) == 0
        best = {made[1].pk, made[4].pk}
        assert set(Qualification.objects.filter(waiting=False).values_list("pk", flat=True)) == best
        assert run(MONDAY + DAY) == 2
        assert run(MONDAY + 5 * DAY) == 0  # Saturday
        assert run(MONDAY + 7 * DAY) == 1
        assert run(MONDAY + 8 * DAY) == 0
        assert ReleaseOrder.objects.get().state == "done"
        assert [told for check in invariants.CHECKS for told in check.find()] == []

    def test_counts_who_is_at_work(self, firm: Company) -> None:
        for _ in range(4):
            stands(firm)
        away(firm.ada, now=MONDAY - timedelta(hours=1))
        order(firm, a_day=1)
        assert run(MONDAY) == 1
        assert ReleaseDay.objects.get().quota == 1

    def test_gives_all_at_once_where_no_pace_is_set(self, firm: Company) -> None:
        for _ in range(3):
            stands(firm)
        order(firm, a_day=None)
        assert run(MONDAY.replace(hour=3)) == 3

    def test_ends_after_its_last_day(self, firm: Company) -> None:
        stands(firm)
        order(firm, until_date=date(2026, 3, 8))
        assert run(MONDAY) == 0
        assert ReleaseOrder.objects.get().ended_why == "Its last day is over"

    def test_takes_no_more_than_the_day_allows_where_two_sweeps_run_at_once(self, firm: Company) -> None:
        one, two = stands(firm), stands(firm)
        given = order(firm)
        assert running._release(given.pk, one.pk, day=MONDAY.date(), quota=1, now=MONDAY) == 1
        with pytest.raises(running._Enough), transaction.atomic():
            running._release(given.pk, two.pk, day=MONDAY.date(), quota=1, now=MONDAY)
        two.refresh_from_db()
        assert two.waiting
        with pytest.raises(IntegrityError), transaction.atomic():
            ReleaseDay.objects.update(released=2)


class TestPart:
    def test_is_what_was_asked_for(self, firm: Company) -> None:
        hot, fair = stands(firm, 90), stands(firm, 60, source="fair")
        old = stands(firm, 55, at=MONDAY - 20 * DAY)

        def found(**asked: Any) -> list[int]:
            part = Part(**asked)
            return list(releasing.standing_in(part, by=firm.manager, now=MONDAY).values_list("pk", flat=True))

        assert found() == [hot.pk, fair.pk, old.pk]
        assert found(tier="hot") == [hot.pk]
        assert found(source="fair") == [fair.pk]
        assert found(total_min=56_000, total_max=60_000) == [fair.pk]
        assert found(within_days=10) == [hot.pk, fair.pk]
        assert found(definition=firm.definition) == [hot.pk, fair.pk, old.pk]

    def test_passes_over_who_may_not_go_and_says_so(self, firm: Company) -> None:
        gone, good = stands(firm, 90), stands(firm, 50)
        Lead.objects.filter(pk=gone.lead_id).update(rest_until=MONDAY + 9 * DAY)
        order(firm, a_day=None)
        assert run(MONDAY) == 1
        assert "is resting" in OrderedRelease.objects.get(qualification=gone).passed_over
        good.refresh_from_db()
        assert not good.waiting
        assert run(MONDAY) == 0


class TestOrder:
    def test_stops_and_goes_on(self, firm: Company) -> None:
        for _ in range(3):
            stands(firm)
        given = order(firm)
        run(MONDAY)
        releasing.stop(given.pk, by=firm.manager, now=MONDAY)
        assert run(MONDAY + DAY) == 0
        with pytest.raises(CannotOrder):
            releasing.stop(given.pk, by=firm.manager, now=MONDAY)
        releasing.resume(given.pk, by=firm.manager, now=MONDAY + DAY)
        assert run(MONDAY + DAY) == 1
        assert [each.what for each in given.changes.all()] == ["given", "stopped", "resumed"]

    def test_ends_when_who_gave_it_no_longer_manages_the_team(self, firm: Company) -> None:
        stands(firm)
        order(firm)
        firm.manager.memberships.all().delete()
        assert run(MONDAY) == 0
        assert "no longer manages" in ReleaseOrder.objects.get().ended_why

    def test_is_refused_to_others_and_without_a_reason(self, firm: Company) -> None:
        with pytest.raises(CannotOrder):
            order(firm, by=firm.ben.user)
        with pytest.raises(Invalid):
            order(firm, why=" ")


class TestPreview:
    def test_tells_the_load_and_when_it_is_done(self, firm: Company) -> None:
        for _ in range(5):
            stands(firm)
        load = releasing.preview(Part(), team=firm.team, per_rep_and_day=1, by=firm.manager, now=MONDAY)
        assert (load.standing, load.reps, load.a_day, load.room, load.days) == (5, 2, 2, 40, 3)
        assert load.ends_on == date(2026, 3, 11)
        assert not load.passes_room


class TestPage:
    def test_previews_orders_stops_and_resumes(self, firm: Company) -> None:
        one = stands(firm)
        client = Client()
        client.force_login(firm.manager)
        page = client.get("/board/standing/", {"team": firm.team.pk, "per_rep_and_day": 1}).content.decode()
        assert "Released a day" in page
        assert one.lead.name in page
        form = {"team": firm.team.pk, "per_rep_and_day": "1", "why": ""}
        assert "Say why" in client.post("/board/standing/", form).content.decode()
        assert client.post("/board/standing/", form | {"why": "After the fair"}).status_code == 302
        given = ReleaseOrder.objects.get()
        path = f"/board/standing/orders/{given.public_id}/"
        rep = Client()
        rep.force_login(firm.ben.user)
        assert rep.get("/board/standing/").status_code == 404
        assert rep.post(f"{path}stop/").status_code == 404
        client.post(f"{path}stop/")
        assert "Stopped by" in client.get("/board/standing/").content.decode()
        client.post(f"{path}resume/")
        given.refresh_from_db()
        assert given.state == "running"

"""What leads did, read off the index: the same as asking for all of it, at the cost of a few probes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from django.db import connection

from leads import doings
from leads.doings import Before
from leads.models import Activity, ActivityType, Lead
from tests.desk import act, company

pytestmark = pytest.mark.django_db
KINDS = ("Visited Pricing Page", "Read Article", "Attended Webinar", "Hidden Act")


@pytest.fixture
def lead(now: datetime) -> Lead:
    """Somebody who did many things, some in one and the same moment; and somebody else beside them."""
    firm = company(now)
    one, other = firm.lead(now=now), firm.lead(now=now)
    chance = random.Random(7)  # noqa: S311
    for each in (one, other):
        for _ in range(60):
            act(each, chance.choice(KINDS), at=now - timedelta(minutes=chance.randint(0, 30)))
    ActivityType.objects.filter(name="Hidden Act").update(is_shown=False)
    ActivityType.objects.filter(name="Visited Pricing Page").update(funnel_stage="bottom")
    return one


def shown(lead: Lead) -> list[Activity]:
    return list(Activity.objects.filter(lead=lead, type__is_shown=True).order_by("-occurred_at", "-pk"))


class TestNewest:
    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_gives_all_of_it_page_by_page(self, lead: Lead, size: int) -> None:
        found: list[Activity] = []
        page = doings.newest(lead, limit=size)
        while page:
            found += page
            page = doings.newest(lead, before=Before(page[-1].occurred_at, page[-1].pk), limit=size)
        assert found == shown(lead)

    def test_a_moment_alone_leaves_that_moment_out(self, lead: Lead) -> None:
        at = shown(lead)[20].occurred_at
        assert doings.newest(lead, before=Before(at), limit=1000) == [
            each for each in shown(lead) if each.occurred_at < at
        ]


class TestCounts:
    def test_what_they_did_most_comes_first(self, lead: Lead) -> None:
        Activity.objects.filter(pk=shown(lead)[0].pk).update(discounted_at=lead.created_at)
        counted: dict[str, int] = {}
        for each in shown(lead):
            if each.discounted_at is None:
                counted[each.type.name] = counted.get(each.type.name, 0) + 1
        told = doings.most_of(lead)
        assert {each.type.name: each.times for each in told} == counted
        assert [each.times for each in told] == sorted(counted.values(), reverse=True)
        assert [each.type.name for each in told if each.is_bottom] == ["Visited Pricing Page"]

    def test_the_last_thing_of_each(self, lead: Lead) -> None:
        other = Lead.objects.exclude(pk=lead.pk).get()
        told = doings.last_of([lead.pk, other.pk])
        assert {pk: each.last_at for pk, each in told.items()} == {
            each.pk: shown(each)[0].occurred_at for each in (lead, other)
        }
        assert doings.last_of([]) == {}

    def test_of_whom_did_nothing_there_is_nothing(self, now: datetime) -> None:
        nobody = company(now).lead(now=now)
        assert doings.newest(nobody, limit=5) == []
        assert doings.most_of(nobody) == []
        assert doings.last_of([nobody.pk]) == {}


class TestCost:
    def test_stays_the_same_however_much_they_did(self, lead: Lead) -> None:
        """Rows read to show one page, as PostgreSQL counts them."""
        few = rows_read(lead)
        pattern = Activity.objects.filter(lead=lead).first()
        assert pattern is not None
        copies = [
            Activity(
                **{f.attname: getattr(pattern, f.attname) for f in Activity._meta.concrete_fields if f.name != "id"}
            )
            for _ in range(5000)
        ]
        for number, each in enumerate(copies):
            each.message_id = f"copy-{number}"
            each.occurred_at = pattern.occurred_at - timedelta(seconds=number)
        Activity.objects.bulk_create(copies)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE leads_activity")
        assert rows_read(lead) <= few + 40


def rows_read(lead: Lead) -> int:
    """How many rows of activities a page of ten takes out of the index or the table."""
    told = {"leads": [lead.pk], "at": doings.FAR, "pk": doings.LAST_KEY, "limit": 10}
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + doings.NEWEST, told)
        plan = cursor.fetchone()[0][0]["Plan"]
    return _rows(plan)


def _rows(plan: dict) -> int:  # type: ignore[type-arg]
    own = 0
    if plan.get("Relation Name") == "leads_activity":
        own = int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])
    return own + sum(_rows(each) for each in plan.get("Plans", []))

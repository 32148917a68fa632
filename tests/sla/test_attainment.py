"""The manager's numbers: a naive recount in Python comes to the same, and every second has one owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from leads import clock as clock_room
from leads.models import Lead, Organization, Role, Team, TeamMembership, User
from scoring.models import Tier
from sla.attainment import counting, reporting
from sla.attainment.asking import Asked
from sla.attainment.counting import Counted
from sla.attainment.weeks import Week, week_of, weeks_until
from sla.models import Clock, Target
from tests.desk import Company, clock_of, company, person
from tests.founding import founded
from tests.numbers import NOW, floor, touch

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TestWeeks:
    @pytest.mark.parametrize(
        ("day", "first_weekday", "begins"),
        [
            (date(2026, 3, 9), 0, date(2026, 3, 9)),
            (date(2026, 3, 15), 0, date(2026, 3, 9)),
            (date(2026, 3, 15), 6, date(2026, 3, 15)),
            (date(2026, 3, 14), 6, date(2026, 3, 8)),
        ],
    )
    def test_begin_on_the_first_weekday(self, day: date, first_weekday: int, begins: date) -> None:
        assert week_of(day, zone="UTC", first_weekday=first_weekday).first == begins

    def test_are_as_long_as_the_zone_says(self) -> None:
        spring, autumn = (
            week_of(day, zone="America/New_York", first_weekday=0) for day in (date(2026, 3, 8), date(2026, 11, 1))
        )
        lengths = [(w.until_at.astimezone(UTC) - w.from_at.astimezone(UTC)) / HOUR for w in (spring, autumn)]
        assert lengths == [167, 169]

    def test_follow_each_other_without_a_gap(self) -> None:
        weeks = weeks_until(week_of(date(2026, 4, 1), zone="Europe/Berlin", first_weekday=0), 12, zone="Europe/Berlin")
        assert [a.until_at for a in weeks[:-1]] == [b.from_at for b in weeks[1:]]


def naively(asked: Asked, week: Week, now: datetime) -> dict[str, Counter[str]]:
    """The same, one clock after the other."""
    found: dict[str, Counter[str]] = {target: Counter() for target in Target.values}
    for each in Clock.objects.select_related("episode__lead", "handoff"):
        if not week.from_at <= each.due_at < week.until_at:
            continue
        if each.episode.lead.is_test or each.episode.closed_as == "merged":
            continue
        of: Any = each.handoff or next(
            (h for h in each.episode.handoffs.order_by("hop") if h.offered_at >= each.started_at), None
        )
        if asked.team is not None and (of is None or of.team_id != asked.team):
            continue
        if asked.rep is not None and (of is None or of.user_id != asked.rep):
            continue
        if asked.tier and (of or each.episode).tier != asked.tier:
            continue
        if asked.source is not None and (of or each.episode.lead).source != asked.source:
            continue
        if asked.definition is not None and each.episode.definition_id != asked.definition:
            continue
        if each.verdict == "voided":
            kind = "out"
        elif each.due_at >= now:
            kind = "early" if each.verdict == "met" else "running"
        else:
            kind = "met" if each.met_at is not None and each.met_at <= each.due_at else "missed"
        found[each.target][kind] += 1
    return found


def same(counted: dict[str, Counted], naive: dict[str, Counter[str]]) -> None:
    told = {target: {name: getattr(each, name) for name in counting.VERDICTS} for target, each in counted.items()}
    assert told == {target: {name: each[name] for name in counting.VERDICTS} for target, each in naive.items()}


@pytest.mark.django_db
class TestCounting:
    @pytest.mark.parametrize("seed", [1])
    def test_comes_to_what_counting_one_by_one_comes_to(self, seed: int) -> None:
        firm = floor(seed, NOW)
        everything = Asked()
        weeks = weeks_until(reporting.this_week(now=NOW), 6, zone="UTC")
        by_week = counting.by_week(everything, weeks, now=NOW)
        for at, week in enumerate(weeks):
            naive = naively(everything, week, NOW)
            same(counting.by_target(everything, week, now=NOW), naive)
            same({target: found[at] for target, found in by_week.items()}, naive)
        values = {
            "team": Team.objects.values_list("pk", flat=True),
            "rep": User.objects.values_list("pk", flat=True),
            "tier": Tier.values,
            "source": ["", "linkedin", "webinar"],
            "definition": [firm.definition.pk, firm.version.definition_id],
        }
        assert sum(each.promised for found in by_week.values() for each in found) > 20
        for week in weeks[-2:]:
            each = counting.by_each(everything, week, target=Target.FIRST_TOUCH, now=NOW)
            for dimension, keys in values.items():
                groups = counting.by(dimension, everything, week, target=Target.FIRST_TOUCH, now=NOW)
                assert each[dimension] == groups
                for key in keys:
                    asked = everything.narrowed(**{dimension: key})
                    naive = naively(asked, week, NOW)
                    same(counting.by_target(asked, week, now=NOW), naive)
                    told = groups.get(key, counting.NONE)
                    assert told.promised == naive[Target.FIRST_TOUCH].total()

    def test_waits_with_the_early_ones_until_they_are_due(self) -> None:
        firm = company(NOW)
        handoff = firm.offered(now=NOW, tier=Tier.HOT)
        touch(handoff, NOW + timedelta(minutes=5))
        week = reporting.this_week(now=NOW)
        due = clock_of(handoff, Target.FIRST_TOUCH).due_at

        def counted(now: datetime) -> Counted:
            return counting.by_target(Asked(), week, now=now)[Target.FIRST_TOUCH]

        assert counted(due) == Counted(early=1)
        assert counted(due).percent is None
        assert counted(due + timedelta(microseconds=1)) == Counted(met=1)

    def test_running_past_due_is_missed(self) -> None:
        handoff = company(NOW).offered(now=NOW, tier=Tier.HOT)
        due = clock_of(handoff, Target.FIRST_TOUCH).due_at
        found = counting.by_target(Asked(), reporting.this_week(now=NOW), now=due + HOUR)[Target.FIRST_TOUCH]
        assert (found, found.percent) == (Counted(missed=1), 0)

    def test_never_rounds_up(self) -> None:
        assert Counted(met=999, missed=1).percent == 99
        assert Counted(met=1000).percent == 100


@pytest.fixture
def at_now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    monkeypatch.setattr(clock_room, "now", lambda: NOW)
    return NOW


@pytest.fixture(scope="class")
def standing(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[], Company]]:
    with founded(django_db_blocker, lambda: floor(1, NOW)) as again:
        yield again


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
class TestPage:
    @pytest.fixture
    def firm(self, standing: Callable[[], Company], at_now: datetime) -> Company:
        return standing()

    def test_shows_people_what_is_theirs(self, firm: Company) -> None:
        zoe = User.objects.get(full_name="Zoe East")
        ida = person(Role.MANAGER, "Ida East")
        TeamMembership.objects.create(team=Team.objects.get(name="East"), user=ida, is_manager=True)
        api = APIClient()

        def told(user: User, query: str = "") -> Any:
            api.force_authenticate(user)
            return api.get(f"/api/v1/attainment/?week=2026-03-04&{query}").json()

        def total(found: Any) -> int:
            return sum(
                each["first_touch"][name]
                for each in (w["targets"] for w in found["weeks"])
                for name in counting.VERDICTS
            )

        ops, marketing = person(Role.REVOPS, "Rita Ops"), person(Role.MARKETING, "Max Marketing")
        everything = total(told(ops))
        assert total(told(firm.manager)) + total(told(ida)) == everything > 4
        assert total(told(zoe)) == total(told(ida)) > 0
        assert total(told(zoe, f"rep={firm.ben.user.public_id}")) == total(told(zoe))
        assert total(told(firm.manager, f"rep={zoe.public_id}")) == total(told(firm.manager))
        assert total(told(ops, f"rep={zoe.public_id}")) == total(told(zoe))
        assert total(told(marketing, f"rep={zoe.public_id}")) == everything
        assert "rep" not in told(marketing)["by"]
        assert (
            signed_in(User.objects.create_user("x@halyard.example", full_name="X")).get("/attainment/").status_code
            == 404
        )

    def test_opens_the_list_behind_each_number(self, firm: Company) -> None:
        Lead.objects.update(first_name="=cmd()")
        client = signed_in(firm.manager)
        api = APIClient()
        api.force_authenticate(firm.manager)
        found = api.get("/api/v1/attainment/?week=2026-03-04").json()["targets"]
        for target, counted in found.items():
            for verdict in counting.VERDICTS:
                query = f"/attainment/leads/?week=2026-03-04&target={target}&verdict={verdict}"
                assert client.get(query).content.decode().count("<tr>") - 1 == (counted[verdict] or -1), (
                    target,
                    verdict,
                )
                assert len(client.get(f"{query}&as=csv").content.decode().splitlines()) == counted[verdict] + 1
        told = client.get("/attainment/leads/?week=2026-03-04&as=csv").content.decode()
        assert "'=cmd()" in told

    def test_pages_by_key(self, firm: Company, monkeypatch: pytest.MonkeyPatch) -> None:
        client = signed_in(person(Role.REVOPS, "Rita Ops"))
        query = "/attainment/leads/?week=2026-03-04&target=qualify"
        whole = client.get(query).context["rows"]
        monkeypatch.setattr("sla.views.attainment.PAGE", 1)
        seen, after = [], ""
        while True:
            page = client.get(query, {"week": "2026-03-04", "target": "qualify", "after": after})
            seen += page.context["rows"]
            after = page.context["after"]
            if not after:
                break
        assert [each.clock.pk for each in seen] == [each.clock.pk for each in whole]
        assert len(seen) > 1
        assert client.get(f"{query}&after=nonsense").status_code == 200

    def test_each_table_is_a_file(self, firm: Company) -> None:
        client = signed_in(person(Role.REVOPS, "Rita Ops"))
        for of in ("targets", "weeks", "owners", "speed", *counting.BY):
            told = [client.get(f"/attainment/?week={week}&as=csv&of={of}") for week in ("2026-02-18", "2026-03-04")]
            assert all(each["Content-Type"].startswith("text/csv") for each in told)
            assert max(len(each.content.decode().splitlines()) for each in told) > 1, of
        assert client.get("/attainment/?as=csv&of=secrets").status_code == 404

    def test_what_cannot_be_read_narrows_nothing(self, firm: Company) -> None:
        client = signed_in(firm.manager)
        for query in (
            "week=9999-12-31",
            "week=0001-01-01",
            "week=1971-01-01",
            "week=x&team=y&rep=z&tier=q&definition=1",
            "source=%00",
        ):
            assert client.get(f"/attainment/?{query}").status_code == 200, query

    def test_costs_the_same_however_much_there_is(self, firm: Company, django_assert_max_num_queries: Any) -> None:
        client = signed_in(firm.manager)
        client.get("/attainment/")  # compiles calendars
        with django_assert_max_num_queries(30):
            client.get("/attainment/")
        with django_assert_max_num_queries(14):
            client.get("/attainment/leads/")

    def test_counts_in_the_organizations_week(self, firm: Company) -> None:
        Organization.objects.filter(pk=1).update(time_zone="America/New_York", first_weekday=6)
        told = signed_in(firm.manager).get("/attainment/").context["told"]
        assert told.week.from_at == datetime(2026, 3, 8, 5, 0, tzinfo=UTC)

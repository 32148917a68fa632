"""Finding leads by words: what is found, of whose leads, and that both ways of asking for them say the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads import finding, querysets
from leads.models import Account, HolderChange, Lead, Role, Team, TeamMembership, User
from tests.desk import person

pytestmark = pytest.mark.django_db


def lead(now: datetime, first: str, last: str, *, days: int = 0, **fields: object) -> Lead:
    since = now - timedelta(days=days)
    values = {"email": f"{first}.{last}@mail.example".lower()} | fields
    return Lead.objects.create(first_name=first, last_name=last, stage_at=since, created_at=since, **values)


def found(viewer: User, text: str) -> list[str]:
    return [each.name for each in finding.newest(viewer, text, most=10)]


@pytest.fixture
def marketer() -> User:
    return person(Role.MARKETING, "Mia Roth")


class TestWords:
    @pytest.fixture(autouse=True)
    def _people(self, now: datetime) -> None:
        forge = Account.objects.create(name="Brightforge Straße", domain="brightforge.example", created_at=now)
        Account.objects.create(name="Hollow", domain="hollow.example", created_at=now)
        lead(now, "Iris", "Vale", days=3, account=forge)
        lead(now, "Oskar", "Öhm", days=2, email="o_hm%40@else.example")
        lead(now, "Iris", "Quist", days=1)

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", ["Iris Quist", "Oskar Öhm", "Iris Vale"]),
            ("iris", ["Iris Quist", "Iris Vale"]),
            ("IRIS vale", ["Iris Vale"]),
            ("vale bright", ["Iris Vale"]),
            ("forge.ex", ["Iris Vale"]),
            ("straße", ["Iris Vale"]),
            ("öhm", ["Oskar Öhm"]),
            ("m%40", ["Oskar Öhm"]),
            ("o_h", ["Oskar Öhm"]),
            ("o_k", []),
            ("i%s", []),
            ("hollow", []),
            ("iris\\", []),
            ("iris hollow", []),
        ],
    )
    @pytest.mark.parametrize("few", [0, 500])
    def test_all_stand_in_name_address_or_company(
        self, marketer: User, text: str, names: list[str], few: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(querysets, "FEW", few)
        assert found(marketer, text) == names

    @pytest.mark.parametrize(("text", "names"), [("vale bright", 1), ("iris", 2), ("o_k", 0)])
    def test_find_the_same_in_the_admin(self, client: Client, text: str, names: int) -> None:
        admin = person(Role.ADMIN, "Ada Min")
        admin.is_staff = True
        admin.save(update_fields=["is_staff"])
        client.force_login(admin)
        page = client.get(reverse("admin:leads_lead_changelist"), {"q": text})
        assert page.context["cl"].result_count == names

    def test_cost_one_question_each_beside_that_for_the_leads(self, marketer: User) -> None:
        assert marketer.has_role(Role.MARKETING)
        with CaptureQueriesContext(connection) as asked:
            found(marketer, "iris vale")
        assert len(asked) == 3

    def test_leave_out_who_was_erased_or_merged(self, marketer: User, now: datetime) -> None:
        Lead.objects.filter(last_name="Vale").update(erased_at=now)
        winner = Lead.objects.get(last_name="Quist")
        Lead.objects.filter(last_name="Öhm").update(merged_into=winner, merged_at=now)
        assert found(marketer, "") == ["Iris Quist"]


class TestIndexes:
    """A table of a few rows is walked whatever its indexes are, unless that is forbidden."""

    def test_serve_words(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        companies = Account.objects.alias(words=querysets.words_of_account()).filter(words__icontains="forge")
        assert "lead_words" in Lead.objects.named("iris").explain()
        assert "account_words" in companies.explain()

    def test_serve_the_newest(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        assert "lead_newest" in Lead.objects.live().order_by("-created_at", "-pk")[:5].explain()


class TestWhose:
    def test_is_the_same_from_the_persons_side(self, now: datetime) -> None:
        team, other = Team.objects.create(name="West"), Team.objects.create(name="East")
        people = {role: person(role, f"{role.title()} Roth") for role in Role.values}
        idle = person(Role.REP, "Ida Idle")
        idle.is_active = False
        nobody = User.objects.create_user("nobody@halyard.example", full_name="No Body")
        owner = User.objects.create_user("owner@halyard.example", full_name="Own Er")
        both = person(Role.REP, "Bo Both")
        TeamMembership.objects.create(team=team, user=people[Role.MANAGER], is_manager=True)
        TeamMembership.objects.create(team=team, user=people[Role.REP])
        company = Account.objects.create(name="Brightforge", domain="brightforge.example", created_at=now)
        owned = Account.objects.create(name="Owned", domain="owned.example", owner=owner, created_at=now)
        also = Account.objects.create(name="Also", domain="also.example", owner=both, created_at=now)
        rep = people[Role.REP]
        lead(now, "Held", "One", holder=rep, holder_team=team, account=company)
        lead(now, "Beside", "One", account=company)
        lead(now, "Of", "Another", holder=idle, holder_team=other)
        lead(now, "Of", "Nobody")
        lead(now, "Of", "Owner", account=owned)
        lead(now, "Of", "Both", account=also, holder=rep, holder_team=other)
        before = lead(now, "Held", "Before", holder_team=other)
        HolderChange.objects.create(lead=before, holder=rep, at=now)
        sizes = set()
        for viewer in (*people.values(), idle, nobody, owner, both):
            visible = set(Lead.objects.visible_to(viewer))
            assert set(Lead.objects.seen_from(viewer)) == visible, viewer
            sizes.add(len(visible))
        assert len(sizes) > 3

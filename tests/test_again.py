"""What is put back is what the verbs leave behind, in every table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction

from leads.models import Team
from sla.models import RoutingRule, RuleVersion
from tests import again, desk
from tests.emptying import Standing

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 7, 9, 0, tzinfo=UTC)  # nobody else founds anything then


def undone() -> tuple[desk.Company, dict[str, str]]:
    """A company, a word for what then stands in each table where something changed, and the end of it."""
    with transaction.atomic():
        before = Standing().prints
        found, after = desk.company(NOW), Standing().prints
        transaction.set_rollback(True)
    return found, {table: word for table, word in after.items() if word != before[table]}


@pytest.fixture
def known() -> None:
    """It has been founded often enough to be put back from now on."""
    again.kept.clear()
    for _ in range(2):
        undone()


class TestACompany:
    def test_is_put_back_as_its_verbs_left_it(self) -> None:
        again.kept.clear()
        by_verbs, read, put_back, once_more = (undone() for _ in range(4))
        assert by_verbs[0].team.pk < read[0].team.pk == put_back[0].team.pk
        assert set(by_verbs[1]) == set(read[1]) >= {"sla_desk", "sla_policytarget", "sla_ruleversion"}
        assert read == put_back == once_more

    def test_is_another_one_beside_the_first(self, known: None) -> None:
        one, two = desk.company(NOW), desk.company(NOW)
        assert one.team.pk < two.team.pk
        assert Team.objects.count() == 2
        assert one.offered(now=NOW).user == one.ben.user

    def test_obeys_its_triggers(self, known: None) -> None:
        rule = RoutingRule.objects.get(team=desk.company(NOW).team)
        versions = RuleVersion.objects.filter(rule=rule)
        assert versions.count() == 1
        rule.name = "Another name"
        rule.save()
        assert versions.count() == 2

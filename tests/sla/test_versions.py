"""Rules, reasons, calendars and policies live in versions: who, why, what changed, and the way back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from leads.errors import Invalid
from leads.models import Team
from sla import publishing, routing
from sla.models import (
    Calendar,
    Handoff,
    LadderStep,
    PolicyTarget,
    PolicyVersion,
    Reason,
    ReasonVersion,
    RoutingRule,
    RuleVersion,
)
from sla.publishing import ChangedMeanwhile, NotPublishable
from tests import desk

pytestmark = pytest.mark.django_db
FRANCE = {"field": "lead.country", "op": "is", "value": "France"}
LATER = timedelta(hours=1)


@pytest.fixture
def house(now: datetime) -> desk.Company:
    return desk.company(now)


@pytest.fixture
def rule(house: desk.Company, now: datetime) -> RoutingRule:
    rule = RoutingRule(name="France", position=-5, condition=FRANCE, team=house.team)
    return publishing.put(rule, why="Paris opens", now=now, by=house.manager)


class TestRules:
    def test_keep_who_why_and_when(self, rule: RoutingRule, house: desk.Company, now: datetime) -> None:
        rule.condition = {"field": "lead.country", "op": "in", "value": ["France", "Belgium"]}
        publishing.put(rule, why="Belgium speaks French, too", now=now + LATER, by=house.manager)
        newest, first = RuleVersion.objects.filter(rule=rule).order_by("-number")
        assert (newest.number, newest.why, newest.by, newest.at) == (
            2, "Belgium speaks French, too", house.manager, now + LATER,
        )  # fmt: skip
        assert (first.why, first.at, rule.version) == ("Paris opens", now, 2)
        told = publishing.editions(rule)
        assert told[0].since(told[1]) == ["Condition: country is france → country is one of france, belgium"]

    def test_keep_every_column_of_the_row(self, rule: RoutingRule) -> None:
        kept = set(RuleVersion.objects.get(rule=rule).content)
        assert kept == {field.column for field in RoutingRule._meta.concrete_fields} - {"id", "version"}

    def test_make_no_version_where_nothing_changed(self, rule: RoutingRule, now: datetime) -> None:
        assert publishing.put(rule, why="Just looking", now=now, by=None).version == 1
        assert RuleVersion.objects.filter(rule=rule).count() == 1

    def test_leave_a_version_by_whatever_door_they_are_changed(self, rule: RoutingRule) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE sla_routingrule SET is_active = false WHERE id = %s", [rule.pk])
        version = RuleVersion.objects.get(rule=rule, number=2)
        assert (version.content["is_active"], version.by) == (False, None)
        assert version.why == "Changed in the database, by hand", "the signature of the verb before does not stick"

    def test_are_never_deleted(self, rule: RoutingRule) -> None:
        RoutingRule.objects.filter(pk=rule.pk)._raw_delete(using="default")
        with pytest.raises(IntegrityError, match="sla_ruleversion"), transaction.atomic():
            connection.check_constraints()
        transaction.set_rollback(True)

    @pytest.mark.parametrize("change", [{"number": 9}, {"why": "Another reason"}, {"content": {}}])
    def test_have_a_history_that_never_changes(self, rule: RoutingRule, change: dict[str, object]) -> None:
        with pytest.raises(IntegrityError, match="history"), transaction.atomic():
            RuleVersion.objects.filter(rule=rule).update(**change)
        with pytest.raises(IntegrityError, match="history"), transaction.atomic():
            RuleVersion.objects.filter(rule=rule).delete()

    def test_refuse_who_saves_over_another(self, rule: RoutingRule, house: desk.Company, now: datetime) -> None:
        mine, theirs = RoutingRule.objects.get(pk=rule.pk), RoutingRule.objects.get(pk=rule.pk)
        theirs.name = "France and Monaco"
        publishing.put(theirs, why="Monaco", now=now, by=house.manager)
        mine.name = "La France"
        with pytest.raises(ChangedMeanwhile, match="Maya Lund has made version 2 of France and Monaco"):
            publishing.put(mine, why="In French", now=now, by=house.ben.user)
        assert RoutingRule.objects.get(pk=rule.pk).name == "France and Monaco"

    @pytest.mark.parametrize(
        ("change", "field", "told"),
        [
            ({"condition": {"field": "lead.land", "op": "is", "value": "x"}}, "condition", "no field “lead.land”"),
            ({"name": ""}, "name", "Name: This field cannot be blank"),
            ({"team_id": 0}, "team", "Team: that one is gone"),
        ],
    )
    def test_name_the_field_that_is_wrong(
        self, change: dict[str, object], field: str, told: str, rule: RoutingRule, now: datetime
    ) -> None:
        for name, value in change.items():
            setattr(rule, name, value)
        with pytest.raises(Invalid, match=told) as refused:
            publishing.put(rule, why="", now=now, by=None)
        assert refused.value.state["field"] == field

    def test_are_kept_by_the_hand_off_as_they_read_then(
        self, rule: RoutingRule, house: desk.Company, now: datetime
    ) -> None:
        rule.name = "France, by Maya"
        publishing.put(rule, why="So", now=now, by=None)
        episode = house.episode(house.lead(now=now, country="France"), now=now)
        handoff = routing.route(episode.pk, now=now)
        assert handoff is not None
        assert (handoff.rule, handoff.rule_version) == (rule, 2)
        with pytest.raises(IntegrityError, match="a_rule_has_its_version"), transaction.atomic():
            Handoff.objects.filter(pk=handoff.pk).update(rule_version=None)


class TestReasons:
    def test_live_in_versions_too(self, house: desk.Company, now: datetime) -> None:
        reason = Reason.objects.get(code="bad_contact")
        reason.rest_days = 120
        publishing.put(reason, why="Ninety days were too few", now=now, by=house.manager)
        newest, first = publishing.editions(reason)
        assert newest.since(first) == ["Rest days: 90 → 120"]
        assert (first.why, newest.by) == ("Shipped with Baton", house.manager)
        assert ReasonVersion.objects.filter(reason=reason).count() == 2

    def test_say_what_a_recycled_lead_lacks(self, now: datetime) -> None:
        reason = Reason.objects.get(code="bad_contact")
        reason.rest_days = None
        with pytest.raises(NotPublishable, match="needs a rest in days"):
            publishing.put(reason, why="", now=now, by=None)


class TestTheWayBack:
    def test_is_a_new_version_that_reads_as_the_old_one(
        self, rule: RoutingRule, house: desk.Company, now: datetime
    ) -> None:
        rule.condition, rule.is_active = {}, False
        publishing.put(rule, why="Paris closes", now=now, by=None)
        number = publishing.back_to(rule, 1, now=now + LATER, by=house.manager, why="Paris stays")
        third, second, first = publishing.editions(rule)
        assert (number, third.number, third.is_in_force) == (3, 3, True)
        assert (third.said, third.why, third.by) == (first.said, "Back to version 1: Paris stays", house.manager)
        assert third.since(second)
        rule.refresh_from_db()
        assert (rule.condition, rule.is_active) == (FRANCE, True)

    def test_is_refused_where_the_old_one_would_not_hold_today(self, rule: RoutingRule, now: datetime) -> None:
        elsewhere = Team.objects.create(name="Elsewhere")
        rule.team = elsewhere
        publishing.put(rule, why="", now=now, by=None)
        rule.team = Team.objects.exclude(pk=elsewhere.pk).earliest("pk")
        publishing.put(rule, why="", now=now, by=None)
        elsewhere.delete()
        with pytest.raises(NotPublishable, match="Version 2 would not hold today. Team: that one is gone"):
            publishing.back_to(rule, 2, now=now, by=None)
        assert RuleVersion.objects.filter(rule=rule).count() == 3
        third, second, _ = publishing.editions(rule)
        assert third.since(second)[0].startswith("Team: number ")

    @pytest.mark.parametrize(("number", "told"), [(1, "in force already"), (7, "no version 7")])
    def test_leads_only_to_what_there_was(self, rule: RoutingRule, number: int, told: str, now: datetime) -> None:
        with pytest.raises(NotPublishable, match=told):
            publishing.back_to(rule, number, now=now, by=None)

    def test_brings_back_a_calendars_hours(self, house: desk.Company, now: datetime) -> None:
        calendar = house.team.desk.calendar
        first = calendar.current()
        longer = first.spec | {"weekly": first.spec["weekly"] | {"mon": [["09:00", "18:00"]]}}
        publishing.publish_calendar(calendar, longer, why="Mondays are busy", now=now, by=house.manager)
        number = publishing.back_to(calendar, 1, now=now + LATER, by=house.manager)
        third, second, _ = publishing.editions(calendar)
        assert (number, calendar.current().spec) == (3, first.spec)
        assert (third.why, second.why) == ("Back to version 1", "Mondays are busy")
        assert third.since(second) == ["Mon 09:00–18:00 → 09:00–17:00"]

    def test_brings_back_a_policy_with_targets_and_ladder(self, house: desk.Company, now: datetime) -> None:
        policy = house.policy.policy
        draft = publishing.draft_policy(policy)
        draft.targets.filter(target="accept", heat="hot").update(seconds=600)
        draft.steps.filter(target="accept", action=LadderStep.Action.HOP).delete()
        publishing.publish_policy(draft, why="Quicker", now=now, by=house.manager)
        second, first = publishing.editions(policy)
        told = second.since(first)
        assert told[0] == "Accept for hot: 30 min → 10 min"
        assert told[1].startswith("− Ladder of accept, 150 %")
        publishing.back_to(policy, 1, now=now + LATER, by=None, why="Too quick")
        third = policy.versions.get(state="published")
        assert (third.number, third.why) == (3, "Back to version 1: Too quick")
        assert publishing.editions(policy)[0].said == first.said
        assert PolicyVersion.objects.filter(policy=policy).count() == 3

    def test_waits_for_a_draft_to_be_settled(self, house: desk.Company, now: datetime) -> None:
        policy = house.policy.policy
        publishing.publish_policy(publishing.draft_policy(policy), now=now, by=None)
        publishing.draft_policy(policy)
        with pytest.raises(NotPublishable, match=r"The draft .* v3 stands in the way"):
            publishing.back_to(policy, 1, now=now, by=None)


class TestCalendars:
    def test_refuse_who_saves_over_another(self, house: desk.Company, now: datetime) -> None:
        calendar = Calendar.objects.get(desks__team=house.team)
        spec = calendar.current().spec
        publishing.publish_calendar(calendar, spec | {"holidays": ["2026-12-24"]}, now=now, by=house.manager, seen=1)
        with pytest.raises(ChangedMeanwhile, match="Maya Lund has made version 2"):
            publishing.publish_calendar(calendar, spec | {"holidays": ["2026-12-31"]}, now=now, by=None, seen=1)


class TestFingerprint:
    def test_changes_with_every_line_of_a_draft(self, house: desk.Company) -> None:
        draft = publishing.draft_policy(house.policy.policy)
        marks = {publishing.fingerprint(draft)}
        PolicyTarget.objects.filter(version=draft, target="accept", heat="hot").update(seconds=61)
        marks.add(publishing.fingerprint(draft))
        LadderStep.objects.filter(version=draft, target="accept").first().delete()  # type: ignore[union-attr]
        marks.add(publishing.fingerprint(draft))
        draft.max_hops = 7
        marks.add(publishing.fingerprint(draft))
        assert len(marks) == 4


class TestTheHouse:
    def test_changes_rules_reasons_and_versions_by_the_verbs_alone(self) -> None:
        """Drafts are typed; what is in force is written in `sla/publishing` and nowhere else."""
        around = re.compile(
            r"\b(?:RoutingRule|Reason|CalendarVersion|RuleVersion|ReasonVersion)(?:\._default_manager|\.objects)"
            r"[^\n]*?\.?(?:create|bulk_create|get_or_create|update_or_create|bulk_update|update|delete)\("
            r"|PolicyVersion\.objects\.(?:create|bulk_create|get_or_create|update_or_create)\("
        )
        found = [
            f"{path}: {match[0]}"
            for floor in ("leads", "scoring", "sla", "config")
            for path in Path(settings.BASE_DIR, floor).rglob("*.py")
            if "migrations" not in path.parts and path.parent.name != "publishing"
            for match in around.finditer(path.read_text())
        ]
        assert found == []

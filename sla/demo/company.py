"""Who works at the demo company, by which hours, rules and definition."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from leads.keys import digest, new_key
from leads.models import ApiKey, Organization, Role, Source, StageRule, Team, TeamMembership, User
from leads.transactions import business
from scoring import publishing
from scoring.models import Axis, Criterion, Definition, DefinitionVersion
from sla import publishing as promises
from sla.models import Calendar, Desk, Rep, RoutingRule

DOMAIN = "halyard.example"
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
CLOSERS = "Closers"  # they take over what the others have converted
AGREED = "Agreed between marketing and sales."


@dataclass(frozen=True)
class Person:
    """One of the company's people."""

    role: Role
    name: str
    time_zone: str
    team: str = ""

    @property
    def email(self) -> str:
        return f"{self.name.split()[0].lower()}@{DOMAIN}"


PEOPLE = (
    Person(Role.REP, "Ana Ortiz", NEW_YORK, "Americas"),
    Person(Role.REP, "Chloe Tan", NEW_YORK, "Americas"),
    Person(Role.REP, "Ben Keller", BERLIN, "Europe"),
    Person(Role.REP, "Eva Stone", NEW_YORK, CLOSERS),
    Person(Role.MANAGER, "Maya Lindqvist", NEW_YORK),
    Person(Role.MARKETING, "Theo Marsh", BERLIN),
    Person(Role.REVOPS, "Priya Nair", NEW_YORK),
    Person(Role.ADMIN, "Sam Okafor", NEW_YORK),
)
EUROPE = ["Germany", "France", "United Kingdom", "Spain", "Italy", "Netherlands", "Sweden", "Poland", "Switzerland"]
WEEK = {
    NEW_YORK: [["09:00", "12:30"], ["13:00", "17:30"]],
    BERLIN: [["08:30", "12:00"], ["12:45", "17:15"]],
}

# The field's classic criteria, in points; every line is counted once.
CRITERIA: tuple[dict[str, Any], ...] = (
    {
        "key": "requested_demo",
        "label": "Requested a demo",
        "activities": ["Requested Demo"],
        "points": 25,
        "hand_raise": True,
    },
    {"key": "contacted_us", "label": "Contacted us", "activities": ["Contacted Us"], "points": 0, "hand_raise": True},
    {
        "key": "pricing_page",
        "label": "Visited pricing three times",
        "activities": ["Visited Pricing Page"],
        "points": 15,
        "at_least": 3,
    },
    {"key": "free_trial", "label": "Started a free trial", "activities": ["Started Free Trial"], "points": 30},
    {"key": "case_study", "label": "Downloaded a case study", "activities": ["Downloaded Case Study"], "points": 10},
    {"key": "webinar", "label": "Attended a webinar", "activities": ["Attended Webinar"], "points": 10},
    {
        "key": "newsletter",
        "label": "Subscribed to the newsletter",
        "activities": ["Subscribed to Newsletter"],
        "points": 5,
    },
    {"key": "careers_page", "label": "Visited careers", "activities": ["Visited Careers Page"], "points": -20},
    {"key": "unsubscribed", "label": "Unsubscribed", "activities": ["Unsubscribed"], "points": -25},
    {
        "key": "senior",
        "label": "Director or higher",
        "points": 15,
        "condition": {"field": "lead.seniority", "op": "in", "value": ["owner", "c_level", "vp", "director"]},
    },
    {
        "key": "mid_size",
        "label": "50 to 250 employees",
        "points": 10,
        "condition": {"field": "account.employees", "op": "between", "value": [50, 250]},
    },
    {
        "key": "student",
        "label": "Student address",
        "points": -50,
        "condition": {"field": "lead.domain_kind", "op": "is", "value": "student"},
    },
)


def secret(purpose: str) -> str:
    """A stable secret of this installation's demo, made from its own SECRET_KEY and stored nowhere."""
    return hmac.new(settings.SECRET_KEY.encode(), f"demo {purpose}".encode(), hashlib.sha256).hexdigest()


def password() -> str:
    """The one password of all demo log-ins."""
    return f"relay-{secret('password')[:12]}"


def write_key() -> str:
    """The write key of the demo's server source."""
    return f"wk_{secret('write key')[:40]}"


@business
def found(*, now: datetime) -> None:
    """Set the company up: people, teams with their hours, routing, and the published definition."""
    Organization.objects.filter(pk=1).update(name="Halyard", time_zone=NEW_YORK)
    hashed = make_password(password())  # on purpose slow, and the same for all of them
    users = {person.name: _hire(person, hashed) for person in PEOPLE}
    manager, revops = users["Maya Lindqvist"], users["Priya Nair"]
    for team_name, zone in (("Americas", NEW_YORK), ("Europe", BERLIN), (CLOSERS, NEW_YORK)):
        team = Team.objects.create(name=team_name)
        calendar = Calendar.objects.create(name=f"{team_name}, office hours")
        promises.publish_calendar(calendar, office_hours(zone, now.year), why=AGREED, now=now, by=revops)
        Desk.objects.create(team=team, calendar=calendar, goal=90)
        TeamMembership.objects.create(team=team, user=manager, is_manager=True)
        for person in PEOPLE:
            if person.team == team_name:
                TeamMembership.objects.create(team=team, user=users[person.name])
                Rep.objects.create(user=users[person.name], capacity=25, closes=person.team == CLOSERS)
    europe, americas = Team.objects.get(name="Europe"), Team.objects.get(name="Americas")
    in_europe = {"field": "lead.country", "op": "in", "value": EUROPE}
    for rule in (
        RoutingRule(name="Europe to Berlin", position=10, condition=in_europe, team=europe),
        RoutingRule(name="Everyone else to New York", position=20, condition={}, team=americas),
    ):
        promises.put(rule, why=AGREED, now=now, by=revops)
    Source.objects.create(
        name="Website and product",
        kind=Source.Kind.SERVER,
        write_key_hash=digest(write_key()),
        write_key_prefix=write_key()[:8],
    )
    StageRule.objects.get_or_create(
        name="A trial makes a lead",
        defaults={"activity": "Started Free Trial", "to_stage": StageRule.To.LEAD, "position": 50},
    )
    define(now=now, by=users["Theo Marsh"])


def define(*, now: datetime, by: User) -> DefinitionVersion:
    """Publish the demo's definition of an MQL."""
    definition = Definition.objects.create(name="Marketing-qualified lead")
    version = publishing.draft(definition, now=now, by=by)
    version.fit_min, version.engagement_min, version.total_min = 10_000, 30_000, 60_000
    version.fit_leave, version.engagement_leave, version.total_leave = 5_000, 20_000, 50_000
    version.hot_min, version.warm_min = 80_000, 70_000
    version.note = "The classic criteria, agreed between marketing and sales."
    version.save()
    for position, line in enumerate(CRITERIA):
        hand_raise = bool(line.get("hand_raise"))
        Criterion.objects.create(
            version=version,
            position=position,
            key=line["key"],
            label=line["label"],
            axis=Axis.ENGAGEMENT if "activities" in line else Axis.FIT,
            points=line["points"] * 1000,
            activities=line.get("activities", []),
            condition=line.get("condition", {}),
            at_least=line.get("at_least", 1),
            is_hand_raise=hand_raise,
            hand_raise_fit_min=0 if hand_raise else None,
        )
    publishing.publish(version, now=now, by=by)
    return version


def office_hours(zone: str, year: int) -> dict[str, Any]:
    """Weekdays with a lunch break, and the days on which both offices are closed."""
    return {
        "time_zone": zone,
        "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), WEEK[zone]),
        "recurring_holidays": ["01-01", "12-25", "12-26"],
    }


@business
def renew_api_key(*, now: datetime) -> str:
    """A new API key with the manager's rights; the one of the last start is revoked."""
    manager = User.objects.get(email=f"maya@{DOMAIN}")
    ApiKey.objects.filter(user=manager, name="Demo", revoked_at=None).update(revoked_at=now)
    key = new_key("ak")
    ApiKey.objects.create(user=manager, name="Demo", prefix=key[:8], key_hash=digest(key))
    return key


def _hire(person: Person, hashed: str) -> User:
    user = User.objects.create(
        email=person.email,
        password=hashed,
        full_name=person.name,
        time_zone=person.time_zone,
        is_staff=person.role in (Role.MARKETING, Role.REVOPS, Role.ADMIN, Role.MANAGER),
        is_superuser=person.role == Role.ADMIN,
        hints_closed=[],
    )
    user.groups.add(Group.objects.get(name=person.role.value))
    return user

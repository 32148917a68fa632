"""Definitions to begin with: three that many companies start from, in words, and how many leads each would find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from leads.errors import Invalid
from leads.models import Lead, Organization, User
from leads.transactions import business
from scoring import judging, publishing
from scoring.compiler import Leads, VersionSpec, compile_version
from scoring.models import Axis, Criterion, Definition, DefinitionVersion
from scoring.words import asks_for

DAY: Final = 86_400
LOOKED_AT: Final = 10_000  # leads, the newest
SENIOR: Final = {"field": "lead.seniority", "op": "in", "value": ["owner", "c_level", "vp", "director"]}
STUDENT: Final = {"field": "lead.domain_kind", "op": "is", "value": "student"}


def _did(key: str, label: str, *activities: str, points: int, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": label, "activities": list(activities), "points": points, **more}


def _is(key: str, label: str, points: int, condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": key, "label": label, "condition": condition, "points": points, **more}


def _employees(least: int, most: int) -> dict[str, Any]:
    return {"field": "account.employees", "op": "between", "value": [least, most]}


HANDS: Final = (
    _did("requested_demo", "Requested a demo", "Requested Demo", points=25, is_hand_raise=True, hand_raise_fit_min=0),
    _did("contacted_us", "Contacted us", "Contacted Us", points=25, is_hand_raise=True, hand_raise_fit_min=0),
)


@dataclass(frozen=True)
class Template:
    """A definition to begin with. Points and thresholds are whole points."""

    key: str
    name: str
    kind: str
    about: str
    lines: tuple[dict[str, Any], ...]
    fit_min: int
    engagement_min: int
    total_min: int
    warm_min: int
    hot_min: int

    def criteria(self) -> list[Criterion]:
        """Its lines, in their order, not stored."""
        return [_criterion(line, position) for position, line in enumerate(self.lines)]

    def thresholds(self) -> dict[str, int]:
        """Its thresholds as a version stores them."""
        names = ("fit_min", "engagement_min", "total_min", "warm_min", "hot_min")
        return {name: getattr(self, name) * 1000 for name in names}


TEMPLATES: Final = (
    Template(
        "demo",
        "B2B SaaS: demo requests",
        Definition.Kind.MQL,
        "Who asks for a demo goes to a rep at once. Others come when they fit and keep coming back.",
        (
            *HANDS,
            _did(
                "pricing", "Looked at pricing twice in a month", "Visited Pricing Page",
                points=20, at_least=Decimal(2), within=30 * DAY,
            ),
            _did("trial", "Started a free trial", "Started Free Trial", points=30, within=60 * DAY),
            _did("case_study", "Read a case study", "Downloaded Case Study", points=10, within=60 * DAY),
            _did("webinar", "Attended a webinar", "Attended Webinar", points=10, within=90 * DAY),
            _did("careers", "Looked at careers", "Visited Careers Page", points=-20),
            _is("senior", "Director or higher", 15, SENIOR),
            _is("mid_size", "50 to 1,000 employees", 10, _employees(50, 1000)),
            _is("student", "Student address", -50, STUDENT),
        ),
        fit_min=10, engagement_min=20, total_min=40, warm_min=50, hot_min=65,
    ),
    Template(
        "pql",
        "Product-led: active trials",
        Definition.Kind.PQL,
        "The product speaks: who works in the trial, invites colleagues and looks at plans is ready for a person.",
        (
            *HANDS,
            _did(
                "active_days", "Signed in on three days of two weeks", "Signed In",
                points=20, at_least=Decimal(3), measure=Criterion.Measure.DAYS, within=14 * DAY,
            ),
            _did("invited", "Invited a colleague", "Invited Teammate", points=20, within=30 * DAY),
            _did("trial", "Started a free trial", "Started Free Trial", points=15, within=30 * DAY),
            _did("plans", "Looked at pricing", "Visited Pricing Page", points=15, within=14 * DAY),
            _did("connected", "Connected an integration", "Connected Integration", points=20, within=30 * DAY),
            _is("company", "Company address", 10, {"field": "lead.domain_kind", "op": "is", "value": "company"}),
            _is("student", "Student address", -50, STUDENT),
        ),
        fit_min=0, engagement_min=40, total_min=45, warm_min=55, hot_min=70,
    ),
    Template(
        "account",
        "Account-based: the right companies",
        Definition.Kind.MQL,
        "Fit first: people who decide, at companies of the right size. One sign of interest is enough.",
        (
            *HANDS,
            _did("pricing", "Looked at pricing", "Visited Pricing Page", points=15, within=60 * DAY),
            _did("case_study", "Read a case study", "Downloaded Case Study", points=15, within=90 * DAY),
            _did("webinar", "Attended a webinar", "Attended Webinar", points=15, within=90 * DAY),
            _is("large", "200 employees or more", 25, {"field": "account.employees", "op": "gte", "value": 200}),
            _is("senior", "Director or higher", 25, SENIOR),
            _is("intent", "Shows intent", 15, {"field": "account.intent", "op": "is_set"}),
            _is("student", "Student address", -50, STUDENT),
        ),
        fit_min=40, engagement_min=15, total_min=55, warm_min=65, hot_min=80,
    ),
)  # fmt: skip


def template(key: str) -> Template:
    """The template of this key. Raises Invalid."""
    found = next((each for each in TEMPLATES if each.key == key), None)
    if found is None:
        raise Invalid("Choose one of the definitions.", field="template")
    return found


def in_words(chosen: Template) -> list[tuple[Criterion, str]]:
    """Each line with what it asks for."""
    return [(criterion, asks_for(criterion)) for criterion in chosen.criteria()]


def would_meet(chosen: Template, *, now: datetime) -> tuple[int, int]:
    """How many of the newest leads would meet it as things stand, and how many were looked at. Writes nothing."""
    ids = list(Lead.objects.live().order_by("-pk").values_list("pk", flat=True)[:LOOKED_AT])
    if not ids:
        return 0, 0
    zone: str = Organization.objects.values_list("time_zone", flat=True).get(pk=1)
    values: dict[str, Any] = dict(chosen.thresholds())
    spec = VersionSpec(criteria=tuple(each.to_spec() for each in chosen.criteria()), time_zone=zone, **values)
    query = compile_version(spec, type_ids=judging.type_ids(spec), leads=Leads.GIVEN)
    found = judging.rows(query, now, sorted(ids))
    return sum(1 for row in found if row["meets"] or row["hand_raised"]), len(ids)


@business
def draft_from(key: str, *, now: datetime, by: User) -> DefinitionVersion:
    """A new definition's first draft, made of this template. Raises Invalid where one of its name stands already."""
    chosen = template(key)
    if Definition.objects.filter(name=chosen.name).exists():
        raise Invalid(f"There is a definition called {chosen.name} already. Change it in the admin.", field="template")
    definition = Definition.objects.create(name=chosen.name, kind=chosen.kind)
    version = publishing.draft(definition, now=now, by=by)
    for name, value in chosen.thresholds().items():
        setattr(version, name, value)
    version.note = "Begun from a template."
    version.save()
    criteria = chosen.criteria()
    for criterion in criteria:
        criterion.version = version
    Criterion.objects.bulk_create(criteria)
    return version


def _criterion(line: dict[str, Any], position: int) -> Criterion:
    axis = Axis.ENGAGEMENT if "activities" in line else Axis.FIT
    rest = {"at_least": Decimal(1)} | line | {"points": line["points"] * 1000}
    return Criterion(position=position, axis=axis, **rest)

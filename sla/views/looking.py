"""One look at the manager's numbers, as the address says it: what may be read, and what it is narrowed by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import Http404

from leads.models import Team, User
from scoring.models import Definition, Tier
from sla.attainment import asking, reporting
from sla.attainment.asking import Asked
from sla.attainment.weeks import Week
from sla.models import Target


class Narrowed(forms.Form):
    """What the address narrows by; what can't be read narrows nothing."""

    week = forms.DateField(required=False)
    team = forms.ModelChoiceField(Team.objects.none(), required=False)
    rep = forms.ModelChoiceField(User.objects.none(), required=False, to_field_name="public_id")
    tier = forms.ChoiceField(choices=[("", ""), *Tier.choices], required=False)
    source = forms.CharField(max_length=120, required=False, strip=False)
    definition = forms.ModelChoiceField(Definition.objects.all(), required=False, to_field_name="public_id")
    target = forms.ChoiceField(choices=[("", ""), *Target.choices], required=False)

    def __init__(self, asked: Asked, data: Any) -> None:
        super().__init__(data)
        teams: Any = self.fields["team"]
        teams.queryset = asking.teams_of(asked)
        reps: Any = self.fields["rep"]
        reps.queryset = people_of(asked)


@dataclass(frozen=True)
class Look:
    """One look: what may be read, what of it is asked for, which week, and which promise is broken down."""

    asked: Asked
    week: Week
    target: str
    values: dict[str, str]
    now: datetime

    @classmethod
    def of(cls, data: Any, viewer: User, *, now: datetime) -> Look:
        """As the address says. Raises 404 for people for whom there are no numbers."""
        asked = Asked.by(viewer)
        if asked is None:
            raise Http404
        form = Narrowed(asked, data)
        form.is_valid()
        found = {name: value for name, value in form.cleaned_data.items() if value}
        if data.get("source") == reporting.UNKNOWN:
            found["source"] = ""
        to: dict[str, Any] = {name: found[name].pk for name in ("team", "rep", "definition") if name in found}
        to |= {name: found[name] for name in ("tier", "source") if name in found}
        week = _week(found.get("week"), now=now)
        values: dict[str, str] = {
            name: str(data[name]) for name in ("team", "rep", "tier", "source", "definition") if name in found
        }
        return cls(asked.narrowed(**to), week, found.get("target", Target.FIRST_TOUCH.value), values, now)

    def address(self, **other: str) -> str:
        """The query of this look, with something else chosen; an empty value takes it out."""
        said = {} if self.week.from_at <= self.now < self.week.until_at else {"week": self.week.first.isoformat()}
        said |= {"target": self.target} if self.target != Target.FIRST_TOUCH else {}
        return urlencode({name: value for name, value in (said | self.values | other).items() if value})

    @property
    def here(self) -> str:
        """The query of this look with its week and promise spelled out, so that a link stays of that week."""
        return self.address(week=self.week.first.isoformat(), target=self.target)


def _week(day: date | None, *, now: datetime) -> Week:
    try:
        return reporting.this_week(now=now) if day is None else reporting.the_week(day)
    except ValueError:
        return reporting.this_week(now=now)


def people_of(asked: Asked) -> QuerySet[User]:
    """Whose numbers one may read one by one."""
    if asked.only is not None or not asked.by_people:
        return User.objects.none()
    people = User.objects.filter(rep__isnull=False)
    if asked.teams is not None:
        people = people.filter(memberships__team__in=asked.teams)
    return people.distinct()

"""What an inbox may be filtered by; each is a field of its address, so that a filter can be linked to and saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

import django_filters
from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property

from leads.models import Lead, Team, User
from leads.words import one_line
from scoring.models import Lane, Tier
from sla.choices import Choice
from sla.models import Handoff
from sla.querysets import HandoffQuerySet

LONGEST_TEXT = 120
SOURCES = 50
ANY = Choice("", "Any")


class InboxFilter(django_filters.FilterSet):
    """Hand-offs by tier, lane, team, source, whether they are adrift or late, and by the words of a name."""

    q = django_filters.CharFilter(method="of_text")
    tier = django_filters.ChoiceFilter(choices=Tier.choices)
    lane = django_filters.ChoiceFilter(choices=Lane.choices)
    team = django_filters.ModelChoiceFilter(queryset=Team.objects.none())
    source = django_filters.CharFilter(lookup_expr="exact")
    late = django_filters.BooleanFilter(method="of_late", widget=forms.CheckboxInput)
    adrift = django_filters.BooleanFilter(method="of_adrift", widget=forms.CheckboxInput)
    longest_text = LONGEST_TEXT

    class Meta:
        model = Handoff
        fields: tuple[str, ...] = ()

    def __init__(self, data: QueryDict, *, viewer: User, now: datetime) -> None:
        self.viewer, self.now, self.given = viewer, now, _of(data)
        self.mine = Handoff.objects.of_user(viewer)
        super().__init__(self.given, queryset=self.mine)
        self.teams = Team.objects.filter(members=viewer)
        self.form.fields["team"].queryset = self.teams  # type: ignore[attr-defined]

    def of_text(self, handoffs: HandoffQuerySet, name: str, value: str) -> HandoffQuerySet:
        """Each word stands in a name, an address or a company."""
        return handoffs.filter(episode__lead__in=Lead.objects.named(one_line(value, at_most=LONGEST_TEXT)))

    def of_late(self, handoffs: HandoffQuerySet, name: str, value: bool) -> HandoffQuerySet:
        """A clock that runs is past due."""
        return handoffs.late(self.now) if value else handoffs

    def of_adrift(self, handoffs: HandoffQuerySet, name: str, value: bool) -> HandoffQuerySet:
        """Accepted, and nothing comes next."""
        return handoffs.adrift(self.now) if value else handoffs

    @cached_property
    def choices(self) -> dict[str, list[Choice]]:
        """What may be chosen: this person's teams, and the sources of what they have open.

        A source that is asked for is a choice also where no lead of it is left.
        """
        known = self.mine.open().order_by().values_list("source", flat=True).distinct()[: SOURCES + 1]
        sources = sorted({*known, self.given.get("source", "")} - {""}, key=str.lower)
        offered = {
            "tier": Tier.choices,
            "lane": Lane.choices,
            "team": [(str(pk), name) for pk, name in self.teams.values_list("pk", "name")],
            "source": [(each, each) for each in sources],
        }
        return {
            name: [ANY, *(Choice(value, label, value == self.given.get(name)) for value, label in values)]
            for name, values in offered.items()
        }

    @cached_property
    def asked(self) -> dict[str, str]:
        """What is filtered by, of what could be read."""
        self.form.is_valid()
        cleaned = self.form.cleaned_data
        return {name: text for name, text in self.given.items() if cleaned.get(name) not in (None, "", False)}

    @property
    def query(self) -> str:
        """The same as an address, always in one order."""
        return urlencode(sorted(self.asked.items()))

    @property
    def chosen(self) -> HandoffQuerySet:
        """What is left of this person's hand-offs; what could not be read filters nothing."""
        found: Any = self.mine
        for name in self.asked:
            found = self.filters[name].filter(found, self.form.cleaned_data[name])
        return cast(HandoffQuerySet, found)


def _of(data: QueryDict) -> dict[str, str]:
    """The fields of the filter alone, without NUL, which no text holds."""
    texts = {name: str(data.get(name, "")).replace("\x00", "")[:LONGEST_TEXT] for name in InboxFilter.base_filters}
    return {name: text for name, text in texts.items() if text}

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
from sla.models import Handoff
from sla.querysets import HandoffQuerySet

LONGEST_TEXT = 120
SOURCES = 50


class InboxFilter(django_filters.FilterSet):
    """Hand-offs by tier, lane, team, source, whether they are adrift or late, and by the words of a name."""

    q = django_filters.CharFilter(
        label="Name, address or company",
        method="of_text",
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "maxlength": LONGEST_TEXT}),
    )
    tier = django_filters.ChoiceFilter(label="Tier", choices=Tier.choices, empty_label="Any")
    lane = django_filters.ChoiceFilter(label="Lane", choices=Lane.choices, empty_label="Any")
    team = django_filters.ModelChoiceFilter(label="Team", queryset=Team.objects.none(), empty_label="Any")
    source = django_filters.ChoiceFilter(label="Source", choices=(), empty_label="Any")
    late = django_filters.BooleanFilter(label="Late", method="of_late", widget=forms.CheckboxInput)
    adrift = django_filters.BooleanFilter(label="Adrift", method="of_adrift", widget=forms.CheckboxInput)

    class Meta:
        model = Handoff
        fields: tuple[str, ...] = ()

    def __init__(self, data: QueryDict, *, viewer: User, now: datetime) -> None:
        self.viewer, self.now, self.given = viewer, now, _of(data)
        self.mine = Handoff.objects.of_user(viewer)
        super().__init__(self.given, queryset=self.mine)
        self.form.fields["team"].queryset = Team.objects.filter(members=viewer)  # type: ignore[attr-defined]
        # A source that is asked for is a choice, also where no lead of it is left.
        self._offer({self.given.get("source", "")})

    def of_text(self, handoffs: HandoffQuerySet, name: str, value: str) -> HandoffQuerySet:
        """Each word stands in a name, an address or a company."""
        return handoffs.filter(episode__lead__in=Lead.objects.named(one_line(value, at_most=LONGEST_TEXT)))

    def of_late(self, handoffs: HandoffQuerySet, name: str, value: bool) -> HandoffQuerySet:
        """A clock that runs is past due."""
        return handoffs.late(self.now) if value else handoffs

    def of_adrift(self, handoffs: HandoffQuerySet, name: str, value: bool) -> HandoffQuerySet:
        """Accepted, and nothing comes next."""
        return handoffs.adrift(self.now) if value else handoffs

    def offer_sources(self) -> None:
        """Let the form offer the sources of what this person has open."""
        known = self.mine.open().exclude(source="").order_by().values_list("source", flat=True).distinct()
        self._offer({*known[:SOURCES], self.given.get("source", "")})

    def _offer(self, sources: set[str]) -> None:
        named = sorted(sources - {""}, key=str.lower)
        self.form.fields["source"].choices = [  # type: ignore[attr-defined]
            ("", "Any"),
            *((each, each) for each in named),
        ]

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

"""How a definition is typed: plain points, lengths with their unit, conditions in boxes, activities one a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Max
from unfold.widgets import UnfoldAdminTextareaWidget

from leads.admin.conditions import ConditionField
from leads.admin.fields import LengthField, NamesField, PointsField, Typed, read_points, say_points
from leads.conditions import ConditionError, validate
from scoring.compiler import FIT_FIELDS
from scoring.models import Axis, Criterion, DefinitionVersion, Tier
from scoring.words import asks_for

PROPERTIES = {"property.*": "A property of the activity"}
_CAP = re.compile(r"\s*([^:]{1,60}?)\s*:\s*(\S+)\s*")
_CELL = re.compile(r"(fit|engagement)\s+(\S+)")


def reads(criterion: Criterion) -> str:
    """The criterion as a sentence: "Visited Pricing Page, 3 times or more: +15 once"."""
    try:
        said = f"{asks_for(criterion)}: {_gives(criterion)}"
    except ConditionError as error:
        return f"{criterion.label}: {error}"
    if criterion.disqualifies:
        said += ", disqualifies"
    if criterion.is_required:
        said += ", required"
    if criterion.is_hand_raise:
        said += ", raises the hand"
    return said[:1].upper() + said[1:]


def _gives(criterion: Criterion) -> str:
    points = say_points(criterion.points)
    said = f"+{points}" if criterion.points > 0 else points.replace("-", "−")
    if criterion.axis == Axis.FIT:
        return said
    said += " each time" if criterion.mode == Criterion.Mode.PER_OCCURRENCE else " once"
    if criterion.cap is not None:
        said += f", {say_points(criterion.cap)} at most"
    if criterion.decay == Criterion.Decay.HALF_LIFE and criterion.half_life:
        said += f", halved every {LengthField().say(criterion.half_life)}"
    elif criterion.decay == Criterion.Decay.LINEAR:
        said += ", fading over the window"
    return said


def read_caps(text: str) -> dict[str, int]:
    """The cap of each group, one a line: "web: 20"."""
    caps = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        match = _CAP.fullmatch(line)
        if match is None:
            raise ValueError(f"“{line}” is not a cap. Write the group, a colon and its points, such as web: 20.")
        caps[match[1]] = read_points(match[2])
        if caps[match[1]] < 0:
            raise ValueError(f"The cap of {match[1]} is zero or more.")
    return caps


def say_caps(caps: dict[str, int] | None) -> str:
    return "\n".join(f"{group}: {say_points(cap)}" for group, cap in (caps or {}).items())


def read_grid(text: str) -> list[dict[str, Any]]:
    """The cells of a grid, one a line: "hot: fit 20, engagement 40"."""
    cells = []
    for line in filter(None, (each.strip() for each in text.splitlines())):
        tier, _, minimums = line.partition(":")
        if tier.strip().lower() not in Tier.values:
            raise ValueError(f"“{line}” names no tier. Write a line such as hot: fit 20, engagement 40.")
        cell: dict[str, Any] = {"tier": tier.strip().lower()}
        for part in filter(None, (each.strip() for each in minimums.lower().split(","))):
            match = _CELL.fullmatch(part)
            if match is None:
                raise ValueError(f"“{part}” is not a minimum. Write fit 20 or engagement 40.")
            cell[f"{match[1]}_min"] = read_points(match[2])
        cells.append(cell)
    return cells


def say_grid(cells: list[dict[str, Any]] | None) -> str:
    lines = []
    for cell in cells or []:
        parts = [f"{axis} {say_points(cell[f'{axis}_min'])}" for axis in ("fit", "engagement") if f"{axis}_min" in cell]
        lines.append(f"{cell.get('tier', '')}: {', '.join(parts)}".strip())
    return "\n".join(lines)


def _lines(read: Callable[[str], Any], say: Callable[[Any], str], empty: Any, **kwargs: Any) -> Typed:
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})
    return Typed(read=read, say=say, empty=empty, widget=widget, required=False, **kwargs)


def _points(label: str, help_text: str = "", *, needed: bool = False) -> PointsField:
    return PointsField(label=label, help_text=help_text, empty=0 if needed else None)


class VersionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A draft of a version."""

    fit_min = _points("Fit, at least", needed=True)
    engagement_min = _points("Engagement, at least", needed=True)
    total_min = _points("Total, at least", needed=True)
    fit_leave = _points("Leaves below fit")
    engagement_leave = _points("Leaves below engagement")
    total_leave = _points("Leaves below total")
    fit_cap = _points("Fit, at most")
    engagement_cap = _points("Engagement, at most")
    total_cap = _points("Total, at most")
    hot_min = _points("Hot from")
    warm_min = _points("Warm from")
    group_caps = _lines(read_caps, say_caps, {}, help_text="One a line: web: 20. Criteria of a group share its cap.")
    grid = _lines(
        read_grid,
        say_grid,
        [],
        help_text="One a line, the first that matches wins: hot: fit 20, engagement 40. None matching is cool.",
    )
    audience = ConditionField(fields=FIT_FIELDS, help_text="Only leads that meet this; empty is everyone.")
    fresh_within = LengthField(
        label="News within",
        required=True,
        help_text="What reached us later than this after it happened is no news and opens nothing by itself.",
    )
    step = _points("Stored anew from", "A score is written again when it moved by more than this.", needed=True)

    class Meta:
        model = DefinitionVersion
        fields = "__all__"  # noqa: DJ007  (the admin names them)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for axis in ("fit", "engagement", "total"):
            least, leave = cleaned.get(f"{axis}_min"), cleaned.get(f"{axis}_leave")
            if leave is not None and least is not None and leave > least:
                self.add_error(
                    f"{axis}_leave", f"Leaving begins above the minimum of {say_points(least)}. Give it fewer points."
                )
        return cleaned


class CriterionForm(forms.ModelForm):  # type: ignore[type-arg]
    """One criterion of a draft; its title reads it back."""

    points = _points("Points", "Such as 25 or -0.5.", needed=True)
    cap = _points("Points at most", "For this line; empty is no limit.")
    hand_raise_fit_min = _points("Fit minimum of its fast lane", "Empty: the version's.")
    condition = ConditionField(
        fields={**FIT_FIELDS, **PROPERTIES},
        help_text="Fit: on the lead, its account or traits. Engagement: on the activity, such as property.plan.",
    )
    activities = NamesField(help_text="Engagement: names of the activities that count, one a line.")
    within = LengthField(help_text="How far back it counts, such as 30 days; empty is ever.")
    half_life = LengthField(label="Half-life", help_text="After which what it gives has halved, such as 14 days.")

    class Meta:
        model = Criterion
        fields = "__all__"  # noqa: DJ007  (the admin names them)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            said = reads(self.instance)
            self.instance.get_inline_title = lambda: said
        for name in ("at_least", "at_most"):
            if self.initial.get(name) is not None:
                self.initial[name] = f"{Decimal(self.initial[name]).normalize():f}"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        axis, condition = cleaned.get("axis"), cleaned.get("condition")
        if not self.instance.pk and not cleaned.get("position"):
            cleaned["position"] = self._last() + 1
        if condition and axis:
            try:
                validate(condition, FIT_FIELDS if axis == Axis.FIT else PROPERTIES)
            except ConditionError as error:
                self.add_error("condition", f"{error} {_where(axis)}")
        if axis == Axis.ENGAGEMENT and not cleaned.get("activities") and "activities" not in self.errors:
            self.add_error("activities", "Name at least one activity that counts.")
        if cleaned.get("decay") == Criterion.Decay.HALF_LIFE and not cleaned.get("half_life"):
            self.add_error("half_life", "Say after how long it has halved, such as 14 days.")
        if cleaned.get("decay") == Criterion.Decay.LINEAR and not cleaned.get("within"):
            self.add_error("within", "Fading needs a window. Say how far back it counts, such as 30 days.")
        measures_values = cleaned.get("measure") in (Criterion.Measure.DISTINCT, Criterion.Measure.SUM)
        if measures_values and not cleaned.get("measured_property"):
            self.add_error("measured_property", "Name the property that is measured, such as order.total.")
        if axis == Axis.FIT and cleaned.get("is_hand_raise"):
            self.add_error("is_hand_raise", "Only something they did raises a hand. Untick it or choose engagement.")
        return cleaned

    def _last(self) -> int:
        """Where the last criterion stands: a new one comes after it."""
        standing = Criterion.objects.filter(version=self.instance.version_id)
        return int(standing.aggregate(last=Max("position"))["last"] or 0)


def _where(axis: str) -> str:
    if axis == Axis.FIT:
        return "Fit reads the lead, its account and traits."
    return "Engagement reads the activity's properties, such as property.plan."

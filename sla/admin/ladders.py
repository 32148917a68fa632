"""Lines of a policy: by when, and what happens on the way there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminTextInputWidget

from leads.admin.fields import LengthField
from leads.admin.roles import History, Lines
from leads.lengths import BUSINESS_EXAMPLES, read_budget, say_budget, say_length
from sla.admin.moments import EXAMPLES as MOMENT_EXAMPLES
from sla.admin.moments import Moment, read_moment, say_moment
from sla.models import LadderStep, PolicyTarget, Target


def name_boxes(form: forms.ModelForm[Any]) -> None:
    """Give each box of a table's line its column's name, for those who do not see the table."""
    for field in form.fields.values():
        field.widget.attrs.setdefault("aria-label", str(field.label))


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]
    """One target; its lengths are typed with their unit."""

    length = forms.CharField(
        label="Within", widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "15 min", "autocomplete": "off"})
    )
    outside = LengthField(
        label="Arrived outside hours: after opening",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "the same", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_boxes(self)
        if self.instance.pk:
            self.initial["length"] = say_budget(self.instance.seconds, self.instance.business_days)
            self.initial["outside"] = say_length(self.instance.outside_seconds)

    def clean_length(self) -> str:
        try:
            self.instance.seconds, self.instance.business_days = read_budget(self.cleaned_data["length"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return str(self.cleaned_data["length"])

    def clean_outside(self) -> int | None:
        seconds: int | None = self.cleaned_data["outside"]
        self.instance.outside_seconds = seconds
        return seconds

    def _get_validation_exclusions(self) -> set[str]:
        """What the lengths are kept as is checked, too."""
        return super()._get_validation_exclusions() - {"outside_seconds"}  # type: ignore[misc,no-any-return]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("target") == Target.DEPTH and not cleaned.get("touches"):
            self.add_error("touches", "Say how many touches the full depth is.")
        return cleaned


class Targets(Lines):
    model = PolicyTarget
    form = TargetForm
    fields = ("target", "heat", "length", "hours", "outside", "touches")
    verbose_name_plural = f"targets: by when, for the hand-raise lane and each tier. {BUSINESS_EXAMPLES}"
    extra = 0


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """One step of a ladder; its moment is typed in words."""

    moment = forms.CharField(
        label="When", widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "75 %", "autocomplete": "off"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_boxes(self)
        if self.instance.pk:
            step = self.instance
            self.initial["moment"] = say_moment(Moment(step.share, step.from_due, step.round_the_clock))

    def clean_moment(self) -> str:
        try:
            moment = read_moment(self.cleaned_data["moment"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        self.instance.share, self.instance.from_due, self.instance.round_the_clock = moment
        return str(self.cleaned_data["moment"])

    def _get_validation_exclusions(self) -> set[str]:
        """What the moment is kept as is checked, too."""
        return super()._get_validation_exclusions() - {"share", "from_due", "round_the_clock"}  # type: ignore[misc,no-any-return]


class Steps(Lines):
    model = LadderStep
    form = StepForm
    fields = ("target", "moment", "action", "team", "endpoint")
    verbose_name_plural = f"ladder: what happens on the way to the due time, at it, and after. {MOMENT_EXAMPLES}"


class TargetsRead(History):
    model = PolicyTarget
    fields = ("target", "heat", "length_said", "hours", "outside_said", "touches")
    verbose_name_plural = "targets"

    @admin.display(description="Arrived outside hours: after opening")
    def outside_said(self, obj: PolicyTarget) -> str:
        return say_length(obj.outside_seconds)

    @admin.display(description="Within")
    def length_said(self, obj: PolicyTarget) -> str:
        return say_budget(obj.seconds, obj.business_days)


class StepsRead(History):
    model = LadderStep
    fields = ("target", "moment_said", "action", "team", "endpoint")
    verbose_name_plural = "ladder"

    @admin.display(description="When")
    def moment_said(self, obj: LadderStep) -> str:
        return say_moment(Moment(obj.share, obj.from_due, obj.round_the_clock))

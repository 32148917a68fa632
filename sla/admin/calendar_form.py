"""A calendar as people type it, one line per weekday and one per date, and the spec that sla.worktime reads of it."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from leads import clock
from leads.admin.people import ZoneField
from sla.admin.versions import WhyForm
from sla.holidays import plans, regions
from sla.holidays.plans import Plan, PlanError
from sla.models import Calendar as StoredCalendar
from sla.worktime import Calendar, WorktimeError

DAYS = {
    "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
    "sun": "Sunday",
}  # fmt: skip
CLOSED = ("closed", "none", "off", "-")
_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–—]\s*([0-9]{1,2}):([0-9]{2})")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[\s:]*(.*)")
_ANY_DATE = re.compile(r"((?:[0-9]{4}-)?[0-9]{2}-[0-9]{2})[\s:]+(?:until )?(.*)")
_MONTH_DAY = re.compile(r"([0-9]{2}-[0-9]{2})[\s:]*(.*)")

# Which box a refusal of a part of the spec belongs to.
BOXES = {"date_overrides": "special_dates", "breaks": "special_breaks"}


def read_spans(text: str, where: str) -> list[list[str]]:
    """The pairs of "09:00-12:30, 13:00-17:30"; none of an empty line or "closed". Raises ValueError naming `where`."""
    if text.strip().lower() in ("", *CLOSED):
        return []
    pairs = []
    for part in re.split(r"[,;]|\band\b", text):
        match = _SPAN.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                f"{where}: “{part.strip()}” is not a span of time. Write 09:00-17:30, several with a comma, "
                "or leave it empty for closed."
            )
        start, end = f"{int(match[1]):02}:{match[2]}", f"{int(match[3]):02}:{match[4]}"
        pairs.append([start, end])
    return pairs


def say_spans(pairs: Any) -> str:
    return ", ".join(f"{start}-{end}" for start, end in pairs or [])


def read_named(text: str, pattern: re.Pattern[str], example: str) -> dict[str, str]:
    """Dates with their names, one a line. Raises ValueError naming the line."""
    found = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        match = pattern.fullmatch(line)
        if match is None:
            raise ValueError(f"“{line}” does not start with a date. Write a line such as {example}.")
        found[match[1]] = match[2].strip()
    return found


def say_named(rows: Any) -> str:
    pairs = rows.items() if isinstance(rows, dict) else ((each, "") for each in rows or [])
    return "\n".join(f"{day} {name}".strip() for day, name in pairs)


def read_dated(text: str) -> dict[str, list[list[str]]]:
    """Dates with their spans, one a line."""
    rows = read_named(text, _DATE, "2026-12-24 09:00-12:00")
    return {day: read_spans(spans, day) for day, spans in rows.items()}


def say_dated(rows: Any) -> str:
    return "\n".join(f"{day} {say_spans(pairs) or 'closed'}" for day, pairs in (rows or {}).items())


def _box(rows: int, **kwargs: Any) -> forms.CharField:
    return forms.CharField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": rows}), **kwargs)


class CalendarForm(WhyForm):
    """A calendar's name, and the hours that its next version will have."""

    time_zone = ZoneField()
    special_dates = _box(
        3, help_text="Other hours than the week's, one date a line: 2026-12-24 09:00-12:00, or closed."
    )
    special_breaks = _box(2, help_text="Cut out of one date, one a line: 2026-06-12 14:00-16:00.")
    holidays = _box(3, label="Own days", help_text="Closed, one a line: 2026-08-03 Company outing.")
    recurring_holidays = _box(
        2, label="Own days, every year", help_text="Closed every year, one a line: 07-01 Founders."
    )
    regions = forms.MultipleChoiceField(
        label="Public holidays of",
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget(),
        error_messages={"invalid_choice": "There are no public holidays for “%(value)s”. Choose from the list."},
        help_text="A country or a part of it; with several, closed where any of them is.",
    )
    worked = _box(
        3,
        label="On which we work",
        help_text="Public holidays that are open as usual, one a line: a date (2026-06-04), a day of every year "
        "(08-15), or a name (Columbus Day).",
    )
    half_days = _box(
        2, label="Half days", help_text="Open until then, one a line: 12-24 13:00 every year, 2026-06-05 14:00 once."
    )

    class Meta:
        model = StoredCalendar
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.MultipleChoiceField, self.fields["regions"]).choices = regions.choices()
        last = self.instance.versions.order_by("-number").first() if self.instance.pk else None
        spec = plans.typed(last.spec, last.plan) if last is not None else {}
        plan = Plan.of(last.plan if last is not None else {})
        self.initial.setdefault("regions", list(plan.regions))
        self.initial.setdefault("worked", "\n".join(plan.worked))
        self.initial.setdefault("half_days", "\n".join(f"{day} {until}" for day, until in plan.half_days))
        self.initial.setdefault("time_zone", spec.get("time_zone", "UTC"))
        for day in DAYS:
            self.initial.setdefault(day, say_spans(spec.get("weekly", {}).get(day)))
            self.initial.setdefault(f"break_{day}", say_spans(spec.get("weekly_breaks", {}).get(day)))
        self.initial.setdefault("special_dates", say_dated(spec.get("date_overrides")))
        self.initial.setdefault("special_breaks", say_dated(spec.get("breaks")))
        self.initial.setdefault("holidays", say_named(spec.get("holidays")))
        self.initial.setdefault("recurring_holidays", say_named(spec.get("recurring_holidays")))

    def newest(self) -> str:
        return str(self.instance.versions.order_by("-number").values_list("number", flat=True).first() or "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        spec = {
            "time_zone": cleaned.get("time_zone"),
            "weekly": self._week("", cleaned),
            "weekly_breaks": self._week("break_", cleaned),
            "date_overrides": self._read("special_dates", read_dated),
            "breaks": self._read("special_breaks", read_dated),
            "holidays": self._read("holidays", lambda text: read_named(text, _DATE, "2026-12-25 Christmas")),
            "recurring_holidays": self._read(
                "recurring_holidays", lambda text: read_named(text, _MONTH_DAY, "12-25 Christmas")
            ),
        }
        halves = self._read("half_days", lambda text: read_named(text, _ANY_DATE, "12-24 13:00"))
        worked = tuple(filter(None, (line.strip() for line in cleaned.get("worked", "").splitlines())))
        plan = Plan(tuple(cleaned.get("regions", ())), worked, tuple(sorted(halves.items())))
        if not self.errors:
            self._check(spec, plan)
        cleaned["spec"], cleaned["plan"] = spec, plan
        return cleaned

    def _week(self, prefix: str, cleaned: dict[str, Any]) -> dict[str, list[list[str]]]:
        week = {}
        for day, name in DAYS.items():
            pairs = self._read(f"{prefix}{day}", lambda text, name=name: read_spans(text, name))
            if pairs:
                week[day] = pairs
        return week

    def _read(self, field: str, read: Any) -> Any:
        try:
            return read(self.cleaned_data.get(field) or "")
        except ValueError as error:
            self.add_error(field, str(error))
            return {}

    def _check(self, spec: dict[str, Any], plan: Plan) -> None:
        """What can't hold stands at the box it belongs to, with the day and the way out."""
        today = clock.now().date()
        try:
            Calendar.from_spec(spec)
            plans.check(plan, today.replace(year=today.year - 1, month=1, day=1), plans.horizon(today))
        except PlanError as error:
            self.add_error(error.field, str(error))
        except WorktimeError as error:
            field, day = error.field, getattr(error, "day", "")
            box = BOXES.get(field, field)
            if field in ("weekly", "weekly_breaks"):
                box = f"{'break_' if field == 'weekly_breaks' else ''}{day}"
            told = str(error).partition(": ")[2] or str(error)
            named = DAYS.get(day, day)
            self.add_error(box if box in self.fields else None, f"{named}: {told}" if named else told)


def _hours(label: str, empty: str) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"placeholder": empty, "autocomplete": "off"})
    return forms.CharField(label=label, required=False, widget=widget)


# Declared after the class: one box a weekday for its hours, one for its breaks.
for _day, _name in DAYS.items():
    CalendarForm.declared_fields[_day] = _hours(_name, "closed")
    CalendarForm.declared_fields[f"break_{_day}"] = _hours(f"{_name}, breaks", "none")

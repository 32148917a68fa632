"""Time off: a rep tells their own, a manager that of their members; each with its history."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from leads import clock
from leads.errors import Refused
from leads.models import User
from leads.viewer import signed_in, viewer_of
from sla.models import Absence, AbsenceChange, CalendarFeed, Rep
from sla.people import absences, keeping, spans

PAST_SHOWN = 10
CHANGES_SHOWN = 20


class AwayForm(forms.Form):
    """From when to when, in the rep's zone. Without times, whole days."""

    first_date = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    from_time = forms.TimeField(
        label="From", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    last_date = forms.DateField(
        label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until_time = forms.TimeField(
        label="Until", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    why = forms.CharField(label="Why (you and your managers read it)", required=False, max_length=120)
    cover = forms.ModelChoiceField(
        label="Who takes over what is in the middle of something",
        queryset=Rep.objects.none(),
        required=False,
        empty_label="The usual cover, else the manager decides",
        to_field_name="pk",
    )

    def __init__(self, rep: Rep, *args: Any, absence: Absence | None = None, **kwargs: Any) -> None:
        self.rep, self.absence = rep, absence
        self.zone = spans.zone_of(rep.user.time_zone)
        if absence is not None:
            kwargs.setdefault("initial", _as_typed(absence, self.zone))
        super().__init__(*args, **kwargs)
        cover: Any = self.fields["cover"]
        cover.queryset = _mates(rep)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        first: date = cleaned["first_date"]
        last: date = cleaned["last_date"] or first
        since: time | None = cleaned["from_time"]
        until: time | None = cleaned["until_time"]
        try:
            if since is None and until is None:
                span = spans.whole_days(first, last, self.zone)
            else:
                span = spans.hours(first, since or spans.MIDNIGHT, last, until or spans.MIDNIGHT, self.zone)
        except Refused as refusal:
            self.add_error(refusal.state.get("field"), str(refusal))
        else:
            cleaned["starts_at"], cleaned["ends_at"] = span
        return cleaned

    def told(self) -> dict[str, Any]:
        """What the verb is told."""
        return {name: self.cleaned_data[name] for name in ("starts_at", "ends_at", "why", "cover")}


class FeedForm(forms.Form):
    """A rep's own calendar elsewhere."""

    address = forms.CharField(
        label="Its secret address in iCal format",
        max_length=2000,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "url"}),
    )
    takes = forms.ChoiceField(label="What counts as time off", choices=CalendarFeed.Takes.choices, initial="out")
    keeps_titles = forms.BooleanField(label="Keep the titles; managers can read them", required=False)

    @classmethod
    def of(cls, feed: CalendarFeed | None) -> FeedForm:
        """The choices as they stand; the address is a secret, and never shown again."""
        return cls(initial={"takes": feed.takes, "keeps_titles": feed.keeps_titles} if feed is not None else None)


@signed_in
@require_http_methods(["GET", "POST"])
def away(request: HttpRequest, public_id: UUID | None = None) -> HttpResponse:
    """A rep's time off, one's own without an id; posting tells a new absence."""
    rep, now = rep_of(request, public_id), clock.now()
    form = AwayForm(rep, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            added = absences.add(rep.pk, **form.told(), now=now, by=viewer_of(request))
        except Refused as refusal:
            _stand_at(form, refusal)
        else:
            late = " It counts from now on: what happened before stays as it was." if added.entered_late else ""
            messages.success(request, f"{rep} is away {absences.said(added)}.{late}")
            return back_to(rep, viewer_of(request))
    return page_of(request, rep, form, now=now)


@signed_in
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, public_id: UUID, absence: UUID) -> HttpResponse:
    """Another time, reason or cover of one absence."""
    rep, now = rep_of(request, public_id), clock.now()
    standing = _absence(rep, absence)
    form = AwayForm(rep, request.POST if request.method == "POST" else None, absence=standing)
    if request.method == "POST" and form.is_valid():
        try:
            changed = absences.change(standing.pk, **form.told(), now=now, by=viewer_of(request))
        except Refused as refusal:
            _stand_at(form, refusal)
        else:
            messages.success(request, f"{rep} is away {absences.said(changed)}.")
            return back_to(rep, viewer_of(request))
    return page_of(request, rep, form, now=now, changing=standing)


@signed_in
@require_POST
def end(request: HttpRequest, public_id: UUID, absence: UUID) -> HttpResponse:
    """Back before time."""
    rep = rep_of(request, public_id)
    standing = _absence(rep, absence)
    try:
        absences.end_early(standing.pk, now=clock.now(), by=viewer_of(request))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"{rep} is back and receives leads again.")
    return back_to(rep, viewer_of(request))


@signed_in
@require_POST
def cancel(request: HttpRequest, public_id: UUID, absence: UUID) -> HttpResponse:
    """It will not take place."""
    rep = rep_of(request, public_id)
    standing = _absence(rep, absence)
    try:
        absences.cancel(standing.pk, now=clock.now(), by=viewer_of(request))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, f"Cancelled: {absences.said(standing)}.")
    return back_to(rep, viewer_of(request))


def rep_of(request: HttpRequest, public_id: UUID | None) -> Rep:
    """The rep whose page it is, if the viewer keeps their time."""
    viewer = viewer_of(request)
    if public_id is None:
        public_id = viewer.public_id
    return get_object_or_404(keeping.kept_by(viewer), user__public_id=public_id)


def _absence(rep: Rep, public_id: UUID) -> Absence:
    absence = get_object_or_404(Absence.objects.select_related("cover"), rep=rep, public_id=public_id)
    absence.rep = rep
    return absence


def page_of(
    request: HttpRequest,
    rep: Rep,
    form: AwayForm,
    *,
    now: datetime,
    changing: Absence | None = None,
    feed_form: FeedForm | None = None,
) -> HttpResponse:
    known = Absence.objects.filter(rep=rep).select_related("rep__user", "cover__user")
    page = {
        "rep": rep,
        "form": form,
        "changing": changing,
        "is_own": rep.user_id == viewer_of(request).pk,
        "ahead": [_line(each) for each in known.filter(ends_at__gt=now).order_by("starts_at")],
        "past": [_line(each) for each in known.filter(ends_at__lte=now).order_by("-starts_at")[:PAST_SHOWN]],
        "changes": _changes(rep),
        "feed": (feed := CalendarFeed.objects.filter(rep=rep).first()),
        "feed_form": feed_form or FeedForm.of(feed),
        "now": now,
    }
    if (form.is_bound and not form.is_valid()) or (feed_form is not None and not feed_form.is_valid()):
        return render(request, "sla/away.html", page, status=422)
    return render(request, "sla/away.html", page)


def _line(absence: Absence) -> dict[str, Any]:
    zone = spans.zone_of(absence.rep.user.time_zone)
    return {"absence": absence, "when": spans.said(absence.starts_at, absence.ends_at, zone)}


def _changes(rep: Rep) -> list[dict[str, Any]]:
    zone = spans.zone_of(rep.user.time_zone)
    rows = AbsenceChange.objects.filter(rep=rep).select_related("by").order_by("-at", "-id")[:CHANGES_SHOWN]
    return [{"row": row, "when": spans.said(row.starts_at, row.ends_at, zone)} for row in rows]


def _as_typed(absence: Absence, zone: Any) -> dict[str, Any]:
    """The absence in the boxes of the form."""
    whole = spans.is_whole_days(absence.starts_at, absence.ends_at, zone)
    since, until = absence.starts_at.astimezone(zone), absence.ends_at.astimezone(zone)
    return {
        "first_date": since.date(),
        "last_date": spans.last_date(absence.ends_at, zone),
        "from_time": None if whole else since.time(),
        "until_time": None if whole else until.time(),
        "why": absence.why,
        "cover": absence.cover,
    }


def _mates(rep: Rep) -> QuerySet[Rep]:
    """Who may cover: the active reps of the same teams."""
    mates = Rep.objects.filter(user__memberships__team__in=rep.user.teams.all(), is_active=True).values("pk")
    found = Rep.objects.filter(pk__in=mates).exclude(pk=rep.pk)
    return found.select_related("user").order_by("user__full_name", "pk")


def _stand_at(form: AwayForm, refusal: Refused) -> None:
    field = {"starts_at": "first_date", "ends_at": "last_date"}.get(refusal.state.get("field", ""))
    field = field or ("cover" if refusal.state.get("field") == "cover" else None)
    form.add_error(field, str(refusal))


def back_to(rep: Rep, viewer: User) -> HttpResponse:
    return redirect("away") if rep.user_id == viewer.pk else redirect("away-of", public_id=rep.user.public_id)

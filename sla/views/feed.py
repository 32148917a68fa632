"""A rep's own calendar elsewhere: given, changed, forgotten."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from leads import clock
from leads.errors import Refused
from leads.viewer import signed_in, viewer_of
from sla.models import CalendarFeed
from sla.people import feeds, fetching
from sla.views.away import AwayForm, FeedForm, back_to, page_of, rep_of


@signed_in
@require_POST
def keep(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Another address, or other choices; without an address the one there is stays."""
    rep, now = rep_of(request, public_id), clock.now()
    form = FeedForm(request.POST)
    if form.is_valid():
        known = CalendarFeed.objects.filter(rep=rep).values_list("address", flat=True).first()
        typed = form.cleaned_data["address"]
        try:
            feeds.give(
                rep.pk,
                address=fetching.check(typed) if typed or known is None else known,
                takes=form.cleaned_data["takes"],
                keeps_titles=form.cleaned_data["keeps_titles"],
                now=now,
                by=viewer_of(request),
            )
        except Refused as refusal:
            field = refusal.state.get("field")
            form.add_error(field if field in form.fields else None, str(refusal))
        else:
            messages.success(request, "The calendar is read within a minute, and every 15 minutes from then on.")
            return back_to(rep, viewer_of(request))
    return page_of(request, rep, AwayForm(rep), now=now, feed_form=form)


@signed_in
@require_POST
def forget(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Stop reading it."""
    rep = rep_of(request, public_id)
    try:
        feeds.forget(rep.pk, now=clock.now(), by=viewer_of(request))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, "The calendar is read no more. What was ahead by it is gone.")
    return back_to(rep, viewer_of(request))

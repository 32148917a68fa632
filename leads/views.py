"""The doors to the facts: finding a lead, the lead page, and one's own preferences."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leads import clock, colleagues, finding, handbook, hints, preferences, timeline
from leads.errors import Invalid
from leads.models import Lead, MailHours, MailPreference, Role
from leads.viewer import is_part, signed_in, viewer_of
from leads.words import one_line

FOUND = 50


@signed_in
@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Leads by name, address or company, the newest first; of what the viewer may read."""
    viewer, asked = viewer_of(request), one_line(request.GET.get("q", ""), at_most=200)
    found = finding.newest(viewer, asked, most=FOUND + 1)
    page = {
        "asked": asked,
        "leads": found[:FOUND],
        "has_more": len(found) > FOUND,
        "sees_all": viewer.has_role(Role.MARKETING, Role.REVOPS, Role.ADMIN),
        "may_connect": viewer.has_role(Role.REVOPS, Role.ADMIN),
    }
    return render(request, "leads/find.html", page)


@signed_in
@require_GET
def lead(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One person: who they are and what they did. Other floors' parts are loaded by their own addresses."""
    viewer = viewer_of(request)
    related = ("account__owner", "holder", "callback_user")
    visible = Lead.objects.visible_to(viewer).select_related(*related)
    person = get_object_or_404(visible, public_id=public_id)
    if person.merged_into_id is not None:
        winner = get_object_or_404(visible, pk=person.merged_into_id)
        return redirect("lead", public_id=winner.public_id)
    now = clock.now()
    page = {"lead": person, "now": now, "is_resting": person.rest_until is not None and person.rest_until > now}
    if request.GET.get("part") != "facts":
        page["colleagues"] = colleagues.of(person, viewer)
    if is_part(request):
        part = "facts" if request.GET.get("part") == "facts" else "lead"
        return render(request, f"leads/lead.html#{part}", page)
    return render(request, "leads/lead.html", page | {"days": timeline.page(timeline.of_lead(person)).days})


@signed_in
@require_POST
def prefer(request: HttpRequest) -> HttpResponse:
    """Keep how the viewer wants their desk, and go back to where they were."""
    theme, keys = request.POST.get("theme"), request.POST.get("single_keys")
    try:
        preferences.choose(
            viewer_of(request),
            theme=theme,
            single_keys=None if keys is None else keys == "on",
            clock=request.POST.get("clock"),
            date_order=request.POST.get("date_order"),
        )
    except Invalid as refusal:
        messages.warning(request, str(refusal))
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else "home")


@signed_in
@require_POST
def close_hint(request: HttpRequest) -> HttpResponse:
    """Show the explanation of this page no more, or of all of them, and go back."""
    route = request.POST.get("route", "")
    hints.close(viewer_of(request), hints.EVERY if request.POST.get("all") else route)
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}) else "home")


@signed_in
@require_GET
def doc(request: HttpRequest, name: str) -> HttpResponse:
    """One page of the handbook that comes with Baton."""
    pages = handbook.pages()
    if name not in pages:
        raise Http404
    return render(request, "leads/doc.html", {"page": pages[name], "pages": pages.values()})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest) -> HttpResponse:
    """How the viewer is told: by topic, in which hours, and when a digest comes."""
    viewer, refused, status = viewer_of(request), None, 200
    if request.method == "POST":
        try:
            preferences.choose_mail(viewer, **_mail_choices(request))
            messages.success(request, "Kept. It holds from the next message on.")
            return redirect("mail-preferences")
        except Invalid as refusal:
            refused, status = refusal, refusal.status
    chosen = dict(viewer.mail_preferences.values_list("topic", "how"))
    given = request.POST if refused is not None else chosen
    topics = [
        (topic, label, given.get(topic, MailPreference.How.AT_ONCE))
        for topic, label in MailPreference._meta.get_field("topic").flatchoices
    ]
    hours = MailHours.objects.filter(user=viewer).first() or MailHours(user=viewer)
    page = {"topics": topics, "ways": MailPreference.How.choices, "hours": hours, "refused": refused, "given": given}
    return render(request, "leads/mail_preferences.html", page, status=status)


def _mail_choices(request: HttpRequest) -> dict[str, Any]:
    """What was chosen on the page, read. Raises Invalid."""
    topics = dict(MailPreference._meta.get_field("topic").flatchoices)
    return {
        "how": {topic: request.POST[topic] for topic in topics if topic in request.POST},
        "quiet_from": _time(request, "quiet_from"),
        "quiet_until": _time(request, "quiet_until"),
        "digest_at": _time(request, "digest_at") or time(8),
    }


def _time(request: HttpRequest, name: str) -> time | None:
    text = request.POST.get(name, "").strip()
    try:
        return time.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError as error:
        raise Invalid("Give a time of day such as 20:00.", field=name) from error

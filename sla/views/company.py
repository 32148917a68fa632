"""Colleagues on the pages: whose matter a lead is part of, who joined it, and splitting one off."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from leads import clock
from leads.doings import Before
from leads.errors import Refused
from leads.models import Lead, User
from leads.timeline import Entry, older_than
from leads.viewer import signed_in, viewer_of
from scoring.models import Episode, EpisodeChange, EpisodeMember
from sla import handoffs
from sla.models import Handoff
from sla.views import answers
from sla.views.naming import key_or_404

WHY_LEFT = {
    "split": "has a matter of its own now",
    "bought": "bought",
    "deal": "a deal was opened",
    "disqualified": "no longer qualifies",
    "cooled": "cooled",
    "merged": "the same person as another lead",
    "erased": "erased",
}


@dataclass(frozen=True)
class Company:
    """One open matter with more than one person in it, as somebody of ours may see it."""

    principal: Lead | None
    colleagues: list[Lead]
    unseen: int


def hosting(lead: Lead) -> Episode | None:
    """The open matter of a colleague that this lead has joined, or None."""
    joined = Episode.objects.filter(members__lead=lead, members__left_at=None, closed_at=None)
    return joined.exclude(lead=lead).select_related("lead").first()


def company_of(episode: Episode, viewer: User) -> Company | None:
    """Who is in this open matter; None where it is about one person alone. Who isn't the viewer's has no name."""
    members = EpisodeMember.objects.filter(episode=episode, left_at=None, episode__closed_at=None)
    ids = set(members.values_list("lead_id", flat=True))
    if len(ids) < 2:
        return None
    seen = list(Lead.objects.visible_to(viewer).filter(pk__in=ids).order_by("pk"))
    principal = next((lead for lead in seen if lead.pk == episode.lead_id), None)
    colleagues = [lead for lead in seen if lead.pk != episode.lead_id]
    return Company(principal, colleagues, unseen=len(ids) - 1 - len(colleagues))


@signed_in
@require_POST
def split(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give a colleague a matter of its own: to the same rep, or to whom the rules choose."""
    viewer, now = viewer_of(request), clock.now()
    handoff = get_object_or_404(Handoff.objects.visible_to(viewer).select_related("episode__lead"), public_id=public_id)
    lead = get_object_or_404(Lead.objects.visible_to(viewer), public_id=key_or_404(request.POST.get("lead", "")))
    try:
        own = handoffs.split(
            handoff.pk, lead.pk, by=viewer, now=now, anew=request.POST.get("to") == "rules", seen_version=None
        )
    except Refused as refusal:
        return answers.refused(request, lead, refusal, now=now, handoff=handoff)
    rep = Handoff.objects.open().filter(episode=own).select_related("user").first()
    told = f"offered to {rep.user}" if rep is not None else "waits for a rep"
    return answers.said(request, lead, f"{lead.name} has a matter of its own: {told}.", now=now)


def entries(lead: Lead, viewer: User, before: Before | None, limit: int) -> list[Entry]:
    """Lines of the timeline: who joined this lead's matters and left them, and whose it joined itself."""
    # Its matters first: what happened in all others is not to be read for these.
    own = list(Episode.objects.filter(lead=lead).values_list("pk", flat=True))
    others = list(EpisodeMember.objects.filter(lead=lead).exclude(episode__in=own).values_list("episode", flat=True))
    of_it = Q(episode__in=own) | Q(episode__in=others, detail__lead=lead.pk)
    changes = EpisodeChange.objects.filter(of_it, what__in=["joined", "left"]).select_related("episode", "by")
    rows = list(older_than(changes, before, at="at", limit=limit))
    ids = {row.episode.lead_id for row in rows} | {row.detail["lead"] for row in rows}
    seen = {each.pk: each.name for each in Lead.objects.visible_to(viewer).filter(pk__in=ids)} if rows else {}
    return [_entry(row, lead, seen) for row in rows]


def _entry(row: EpisodeChange, lead: Lead, seen: dict[int, str]) -> Entry:
    its_own = row.detail["lead"] == lead.pk
    whose = f"the matter of {seen.get(row.episode.lead_id, 'a colleague')}" if its_own else "the matter"
    who = "" if its_own else f"{seen.get(row.detail['lead'], 'A colleague')} "
    verb = row.what if its_own is False else row.what.capitalize()
    return Entry(
        at=row.at,
        icon="user-plus" if row.what == "joined" else "user-minus",
        said=f"{who}{verb} {whose}",
        detail=WHY_LEFT.get(row.detail.get("why", ""), ""),
        who=str(row.by) if row.by else "",
        rank=3,
    )

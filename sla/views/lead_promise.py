"""The promise of a lead page: who has it, what runs out when and how that was counted, and the answers one may give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from leads import clock
from leads.models import Lead, Role, User
from leads.viewer import is_part, signed_in, viewer_of
from scoring.models import Episode, Lane
from sla import checklists, clocks, handoffs, routing, timers
from sla.clocks import pausing
from sla.handoffs import closers, closing
from sla.models import CalendarVersion, Clock, ClockPause, ClockTiming, Handoff, State, Touch
from sla.nextsteps import choices as later
from sla.querysets import managed_teams
from sla.routing import handing_over
from sla.timers import Timer
from sla.views.answers import NOTHING_TYPED
from sla.views.company import company_of, hosting
from sla.views.once import Draft, new_key, unsent
from sla.views.sheets import choices
from sla.views.toasts import Toast, toast_after
from sla.why.next_steps import next_steps
from sla.worktime import Counted, Deadline, Uncounted

SUM_AT_MOST = 60
SIGNED_OUT = "You had been signed out, so nothing was sent. What you typed is still here: look once more and send it."
READS_PAPER = (Role.MANAGER, Role.REVOPS, Role.ADMIN, Role.MARKETING)
VERDICTS = (State.REJECTED, State.RETURNED, State.CONVERTED)


@dataclass(frozen=True)
class ShownClock:
    """One clock with its timer and, where it can be told, its sum."""

    clock: Clock
    timer: Timer
    timing: ClockTiming
    deadline: Deadline
    hours: str
    pause: ClockPause | None = None
    may_pause: bool = False
    may_extend: bool = False

    @property
    def sum(self) -> list[Counted | Uncounted]:
        """What was counted and what was not, gapless from start to due."""
        return self.deadline.parts[:SUM_AT_MOST]


@signed_in
@require_GET
def lead_promise(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The promise, as a part of the lead page or as a page of its own."""
    viewer, now = viewer_of(request), clock.now()
    lead = get_object_or_404(Lead.objects.visible_to(viewer).select_related("account"), public_id=public_id)
    draft = unsent(request, lead)
    toast = Toast(SIGNED_OUT, is_bad=True) if draft.was_signed_out else toast_after(request, now=now)
    page = promise_of(lead, viewer=viewer, now=now, draft=draft) | {"toast": toast}
    return render(request, "sla/promise.html#promise" if is_part(request) else "sla/promise.html", page)


def promise_of(lead: Lead, *, viewer: User, now: datetime, draft: Draft = NOTHING_TYPED) -> dict[str, Any]:
    """All that the promise shows of this lead to this viewer."""
    lead.refresh_from_db()
    hosted = hosting(lead)
    episode = hosted or Episode.objects.filter(lead=lead).order_by("-opened_at", "-pk").first()
    handoff = Handoff.objects.filter(episode=episode).for_rows().last_in_play().first() if episode else None
    waiting = _waiting(episode, viewer, now=now)
    acts = handoff is not None and handoffs.may_act(handoff, viewer)
    sales = closing.sales_leg(handoff.episode) if handoff is not None and handoff.is_closing else None
    shown = list(handoff.all_clocks) if handoff is not None and hosted is None else []
    if waiting is not None and hosted is None:
        shown = list(Clock.objects.filter(episode=episode, handoff=None, verdict="").select_related("extension__by"))
    manages = any(each.is_running for each in shown) and pausing.manages(viewer, shown[0])
    return {
        "lead": lead,
        "episode": episode,
        "handoff": handoff,
        "sales": sales,
        "waiting": waiting,
        "timer": timers.of_handoff(handoff, now=now) if handoff is not None else None,
        "clocks": [_shown(each, acts=acts, manages=manages, now=now) for each in shown],
        "next_steps": next_steps(shown, viewer, now=now),
        "company": company_of(episode, viewer) if episode is not None else None,
        "is_hosted": hosted is not None,
        "may_split": acts and handoff is not None and handoff.is_open,
        "may_act": acts and handoff is not None and handoff.is_open and hosted is None,
        "for_rep": handoff.user if handoff is not None and handoff.user_id != viewer.pk else None,
        "may_reopen": handoff is not None
        and hosted is None
        and handoff.state in VERDICTS
        and managed_teams(viewer).filter(pk=handoff.team_id, memberships__user=viewer).exists(),
        "choices": choices(handoff, draft, now=now) if acts and handoff is not None and handoff.is_open else [],
        "colleagues": handing_over.colleagues_for(handoff, viewer, now=now)
        if acts and handoff is not None and handoff.is_open and handoff.lane != Lane.SIGNAL
        else [],
        "draft": draft,
        "key": new_key(),
        "means": Touch.Means.choices,
        "outcomes": Touch.Outcome.choices,
        "questions": checklists.questions_of(episode, draft.values) if acts and episode is not None else [],
        "touches": Touch.objects.filter(handoff=handoff).select_related("performed_by").order_by("-occurred_at")[:5]
        if handoff is not None
        else [],
        "resting": lead.rest_until is not None and lead.rest_until > now,
        "now": now,
    } | (later_of(handoff, now=now) | (_next_owners(handoff, draft, now=now) if acts and handoff is not None else {}))


def _next_owners(handoff: Handoff, draft: Draft, *, now: datetime) -> dict[str, Any]:
    """Who may take it from here once it is converted; the owner of the account is suggested."""
    if handoff.state != State.ACCEPTED or handoff.lane == Lane.SIGNAL:
        return {}
    found = closers.closers_for(handoff, now=now)
    owner = next((str(each.user.public_id) for each in found if each.is_account_owner and not each.is_away), "")
    return {"closers": found, "next_owner": draft.values.get("to", owner)}


def later_of(handoff: Handoff | None, *, now: datetime) -> dict[str, Any]:
    """What comes next, whether it is out of sight, and the moments that are offered for later."""
    if handoff is None or not handoff.is_open:
        return {}
    adrift = handoff.next_step_at is None or handoff.next_step_at < now
    return {
        "is_adrift": handoff.state == State.ACCEPTED and adrift,
        "is_snoozed": handoff.snoozed_until is not None and handoff.snoozed_until > now,
        "warns_at": min((each.next_step_at for each in handoff.all_clocks if each.next_step_at), default=None),
        "moments": later.moments(handoff, now=now),
    }


def _waiting(episode: Episode | None, viewer: User, *, now: datetime) -> routing.Waiting | None:
    """Why it waits. Of what stands on paper reps don't read whose it would have been: nobody is told."""
    waiting = routing.why_waiting(episode, now=now) if episode is not None else None
    if waiting is not None and waiting.code == routing.PAPER and not viewer.has_role(*READS_PAPER):
        return waiting._replace(sentence="On paper: what would route it runs in shadow.")
    return waiting


def _shown(each: Clock, *, acts: bool, manages: bool, now: datetime) -> ShownClock:
    timing = timers.last_timing(each)
    standing = timers.standing_pause(each, now=now)
    in_time = each.is_running and now <= each.due_at
    return ShownClock(
        each,
        timers.of_clock(each, now=now),
        timing,
        clocks.explain(each),
        _hours(timing),
        pause=standing if acts and each.is_running else None,
        may_pause=acts and in_time and standing is None and each.target in pausing.PAUSABLE,
        may_extend=in_time and manages and not hasattr(each, "extension"),
    )


def _hours(timing: ClockTiming) -> str:
    """Whose hours it was counted in."""
    if not timing.calendar_versions:
        return "round the clock"
    versions = CalendarVersion.objects.filter(pk__in=timing.calendar_versions).select_related("calendar")
    return " and ".join(str(version) for version in versions)

"""One answer to many leads at once: each in a transaction of its own, and of each is told what became of it.

It goes step by step, so that one sees how far it is and may stop. What is left to do stands in the page alone: whoever
leaves it has stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from leads import clock
from leads.errors import Invalid, Refused
from leads.models import Lead, Team, TeamMembership, User
from leads.viewer import is_part, signed_in, viewer_of
from sla import handoffs
from sla.handoffs import effects
from sla.handoffs.answers import reasons_for
from sla.models import Handoff, Reason
from sla.routing import handing_over
from sla.rows import what_happened
from sla.views.naming import person, versions_seen
from sla.views.once import FIELDS_AT_MOST, Draft, SentBefore, draft_of, new_key, once
from sla.views.sheets import Choice, evidence_name

AT_MOST: Final = 200
# In one step, so that the next word of progress comes within about a second.
STEP: Final = 20
ACCEPT, REJECT, HAND_OVER, UNDO = ANSWERS = ("accept", "reject", "hand-over", "undo")
DONE: Final = {ACCEPT: "Accepted", REJECT: "Rejected", HAND_OVER: "Handed over", UNDO: "Undone"}
# What is asked on a page of its own before it is done.
ASKS_FIRST: Final = {REJECT: "reason", HAND_OVER: "to"}
COUNTS: Final = ("of", "done", "lost")

Give = Callable[[Handoff, int | None], Handoff]


@dataclass(frozen=True)
class Line:
    """What became of one lead."""

    handoff: Handoff
    told: str
    is_done: bool

    @property
    def lead(self) -> Lead:
        return self.handoff.episode.lead


@dataclass(frozen=True)
class Run:
    """How far it is: of how many, so many done and so many not; and which are still to come."""

    of: int
    done: int
    lost: int
    rest: list[tuple[Handoff, int | None]]

    @property
    def tried(self) -> int:
        return self.done + self.lost


@signed_in
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """Accept, reject with one reason, hand over, or undo what was just done: asked on a page where more is needed."""
    viewer, now, answer = viewer_of(request), clock.now(), request.POST.get("answer", "")
    try:
        chosen = _chosen(request, viewer)
        if answer not in ANSWERS:
            raise Invalid("Choose what to do with them.", field="answer")
    except Invalid as refused:
        messages.warning(request, str(refused))
        return HttpResponseClientRedirect(reverse("inbox")) if is_part(request) else redirect("inbox")
    asked = ASKS_FIRST.get(answer)
    if asked is not None and not request.POST.get(asked):
        return _ask(request, chosen, answer, now=now)
    try:
        give = _verb(request, answer, by=viewer)
    except Invalid as refused:
        return _ask(request, chosen, answer, now=now, refusal=refused)
    key = request.POST.get("key", "")
    lines = [_one(handoff, seen, give, answer=answer, key=key, by=viewer) for handoff, seen in chosen[:STEP]]
    done, lost = [line for line in lines if line.is_done], [line for line in lines if not line.is_done]
    page = {
        "answer": answer,
        "run": _run(request, chosen, len(done), len(lost)),
        "carried": _carried(request),
        "done": done,
        "lost": lost,
        "said": DONE[answer],
        "may_undo": answer in (ACCEPT, REJECT, HAND_OVER),
        "undo_for": handoffs.UNDO_FOR.seconds,
        "key": new_key(),
    }
    return render(request, "sla/bulk.html#step" if is_part(request) else "sla/bulk.html", page)


def _run(request: HttpRequest, chosen: list[tuple[Handoff, int | None]], done: int, lost: int) -> Run:
    """How far it is with the steps before, as the page tells them; it only shows the numbers."""
    before = {name: min(int(text), AT_MOST) for name in COUNTS if (text := request.POST.get(name, "")[:4]).isdecimal()}
    done, lost = done + before.get("done", 0), lost + before.get("lost", 0)
    rest = chosen[STEP:]
    return Run(max(before.get("of", 0), done + lost + len(rest)), done, lost, rest)


def _carried(request: HttpRequest) -> list[tuple[str, str]]:
    """What was said once for all leads, for the next step."""
    named = [name for name in request.POST if name not in (*COUNTS, "handoff", "csrfmiddlewaretoken")]
    return [(name, request.POST[name]) for name in named[:FIELDS_AT_MOST]]


def _chosen(request: HttpRequest, viewer: User) -> list[tuple[Handoff, int | None]]:
    """The hand-offs that were ticked, each with the version the page saw. What isn't theirs is not there."""
    ticked = versions_seen(request.POST.getlist("handoff"))
    if not ticked:
        raise Invalid("Tick the leads first.", field="handoff")
    if len(ticked) > AT_MOST:
        raise Invalid(f"At most {AT_MOST} at once; {len(ticked)} are ticked.", field="handoff")
    managed = TeamMembership.objects.filter(user=viewer, is_manager=True).values("team")
    rows = Handoff.objects.filter(Q(user=viewer) | Q(team__in=managed), public_id__in=ticked)
    rows = rows.select_related("user", "team", "episode__lead__account").order_by("pk")
    return [(handoff, ticked[handoff.public_id]) for handoff in rows]


def _verb(request: HttpRequest, answer: str, *, by: User) -> Give:
    """The verb of this answer, with all that is said once for all leads. Raises Invalid."""
    if answer == ACCEPT:
        return lambda each, seen: handoffs.accept(each.pk, by=by, now=clock.now(), seen_version=seen)
    if answer == UNDO:
        return lambda each, seen: handoffs.undo(each.pk, by=by, now=clock.now(), seen_version=seen)
    if answer == REJECT:
        code = request.POST["reason"]
        reason = reasons_for(on_reject=True).exclude(follows=Reason.Follows.DATE).filter(code=code[:40]).first()
        if reason is None:
            raise Invalid("Choose one of these reasons.", field="reason")
        evidence = handoffs.given_evidence(reason, request.POST.get(evidence_name(reason.code), ""))
        note = request.POST.get("note", "")
        no: dict[str, Any] = {"reason": reason, "evidence": evidence, "note": note}
        return lambda each, seen: handoffs.reject(each.pk, by=by, now=clock.now(), seen_version=seen, **no)
    to = person(request.POST["to"], otherwise="Choose a colleague.")
    why = handing_over.given_why(request.POST.get("why", ""))
    return lambda each, seen: handing_over.hand_over(each.pk, to=to, why=why, by=by, now=clock.now(), seen_version=seen)


def _one(handoff: Handoff, seen: int | None, give: Give, *, answer: str, key: str, by: User) -> Line:
    """Answer one lead; whoever came too late is told how it stands."""
    key = f"{key}:{handoff.pk}" if key else ""
    try:
        made = once(
            partial(give, handoff, seen),
            form=f"bulk-{answer}",
            key=key,
            by=by,
            now=clock.now(),
        )
    except SentBefore:
        handoff.refresh_from_db()
        return Line(handoff, f"{what_happened(handoff, now=clock.now())}.", is_done=True)
    except Refused as refusal:
        handoff.refresh_from_db()
        late = refusal.code == "already_decided"
        return Line(handoff, f"{what_happened(handoff, now=clock.now())}." if late else str(refusal), is_done=False)
    handoff.refresh_from_db()
    return Line(handoff, f"Offered to {made.user}." if answer == HAND_OVER else "", is_done=True)


def _ask(
    request: HttpRequest,
    chosen: list[tuple[Handoff, int | None]],
    answer: str,
    *,
    now: datetime,
    refusal: Refused | None = None,
) -> HttpResponse:
    """The page on which the one reason, or the one colleague, is chosen for all."""
    draft, viewer = draft_of(request), viewer_of(request)
    page = {
        "answer": answer,
        "chosen": chosen,
        "choices": _choices(draft, now=now) if answer == REJECT else [],
        "colleagues": _colleagues(chosen, viewer, now=now) if answer == HAND_OVER else [],
        "draft": draft,
        "refusal": refusal,
        "key": request.POST.get("key") or new_key(),
    }
    response = render(request, "sla/bulk.html", page, status=refusal.status if refusal is not None else 200)
    # What a step was refused is asked again on the whole page, with the leads that are left.
    return retarget(reswap(response, "innerHTML"), "body") if is_part(request) else response


def _choices(draft: Draft, *, now: datetime) -> list[Choice]:
    """The reasons that may be given for many; a date is one person's, so it is given at their own page."""
    return [
        Choice(
            reason,
            effects.of(reason, now=now, turn_of=None),
            evidence=draft.values.get(evidence_name(reason.code), ""),
            is_chosen=draft.values.get("reason") == reason.code,
        )
        for reason in reasons_for(on_reject=True).exclude(follows=Reason.Follows.DATE)
    ]


def _colleagues(
    chosen: list[tuple[Handoff, int | None]], viewer: User, *, now: datetime
) -> list[handing_over.Colleague]:
    """Reps of the teams these leads are in: whoever can't take one of them is told of with that one."""
    users = {handoff.user_id for handoff, _ in chosen}
    teams = Team.objects.filter(desk__isnull=False, memberships__user__in=users).distinct()
    return handing_over.colleagues_in(teams, but=users.pop() if len(users) == 1 else 0, now=now)

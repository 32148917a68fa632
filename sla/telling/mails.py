"""The letters of this floor: what is written to reps and managers, as text and HTML.

Whatever comes from a lead is inert in them: shown as it was typed, never markup, never a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from leads import outbox
from leads.letters import inert
from leads.models import Lead, Notification, Topic, User
from scoring.models import Lane
from sla.models import Clock, ClockTiming, Handoff, LadderStep, Target
from sla.telling import links
from sla.telling.sums import Sum, sum_of, sum_of_start

WHAT = {
    Target.ASSIGN: "a rep to take it",
    Target.ACCEPT: "accept or reject",
    Target.FIRST_TOUCH: "first touch",
    Target.DEPTH: "follow-up",
    Target.QUALIFY: "convert or return",
}


LETTERS = "sla/mail"
NEW_LEAD, HAND_RAISED = "new lead", "hand raised"

# What a rep reads of a lead they have: headline and sentence.
NEWS = {
    "tier_rose": ("Hotter now", "this lead has become hotter, so its due times may have moved closer."),
    "hand_raised": ("Asked for us", "this lead asked to hear from us. It is yours, no answer needed: reach out."),
    "cooled": ("Cooled", "interest has fallen since this lead came to you. It stays with you; no deadline changes."),
    "disqualified": ("Disqualified", "this lead no longer qualifies. It stays with you: convert it or return it."),
    "joined": (
        "A colleague joined",
        "somebody else at this company qualified. They are part of this lead's matter now.",
    ),
    "left": (
        "A colleague left",
        "a colleague who had joined this lead's matter is out of it: bought, or disqualified.",
    ),
    "reopened": ("Reopened", "your manager has reopened this lead. It is yours again, as accepted."),
    "handed_over": ("Handed over", "your manager has given this lead to a colleague. Nothing is left to do."),
    "routed_anew": (
        "Offered anew",
        "your manager has taken this lead back, to be offered by the rules. Nothing is left to do.",
    ),
    "taken_back": ("Taken back", "whoever handed this lead over to you took that back. Nothing is left to do."),
    "taken_up": ("Taken on", "the next owner has accepted this lead. Nothing is left to do; the credit is yours."),
    "given_back": ("Yours again", "the next owner does not take this lead. It is yours again, as accepted."),
    "hand_raised_closing": ("Asked for us", "this lead asked to hear from us, and waits for your answer: accept it."),
    "disqualified_closing": ("Disqualified", "this lead no longer qualifies. Accept it, or reject it."),
    "handed_over_closing": (
        "Handed over",
        "your manager has asked somebody else to close this. Nothing is left to do.",
    ),
    "credited_bought_closing": ("Bought", "this lead has bought. It counts as accepted by you; nothing is left to do."),
    "credited_converted_closing": ("A deal is open", "a deal was opened for this lead. It counts as accepted by you."),
    "credited_bought": ("Bought", "this lead has bought. It counts as converted by you; nothing is left to do."),
    "credited_converted": ("A deal is open", "a deal was opened for this lead. It counts as converted by you."),
    "bought": ("Withdrawn: bought", "this lead has bought, so the offer was withdrawn."),
    "withdrawn": ("Withdrawn", "this lead no longer qualifies or has a deal already, so it was taken off your desk."),
    "merged": ("Withdrawn: merged", "this was the same person as another lead and goes on there."),
    "erased": ("Withdrawn: erased", "this person was erased, so there is nothing left to do."),
}


def about(lead: Lead, recipient: User) -> dict[str, Any]:
    """What every letter says of a lead: name and company, inert, and where to read on."""
    company = inert(str(lead.account)) if lead.account is not None else ""
    return {
        "lead_name": inert(lead.name),
        "company": company,
        "url": lead_url(lead),
        "to": recipient.get_short_name(),
    }


def lead_url(lead: Lead) -> str:
    """The lead's page, for people of ours."""
    return f"{settings.BASE_URL}/leads/{lead.public_id}/"


def of_step(clock: Clock, step: LadderStep, recipient: User, *, effect_key: str, now: datetime) -> Notification:
    """What is to be written to one person because a due time comes near, or has passed; once per effect key.

    It says what is true now, and is written when it is sent: most of a storm leaves in digests.
    """
    kind, topic = ("warning", Topic.WARNING) if step.warns else ("breach", Topic.BREACH)
    lead, what = clock.episode.lead, WHAT[Target(clock.target)]
    told = sum_of(clock, recipient)
    says = about(lead, recipient) | {
        "what": what,
        "due": told.due,
        "sum": told.lines,
        "rep": str(clock.handoff.user) if clock.handoff is not None else "",
        "is_rep": step.action == LadderStep.Action.TELL_REP,
    }
    return outbox.letter(
        effect_key,
        kind=kind,
        topic=topic,
        is_urgent=asked_for_them(clock.handoff, recipient),
        recipient=recipient,
        subject=f"{'Runs out soon' if step.warns else 'Late'}: {what} · {says['lead_name']}",
        template=f"{LETTERS}/{kind}",
        data=says,
        lead=lead,
        now=now,
    )


def new_leads(handoffs: Sequence[Handoff], promised: Iterable[ClockTiming]) -> None:
    """Tell the rep of each what is theirs since the offer, why, and by when it wants an answer; once per hand-off.

    `promised` is what the clocks that have just started were counted from.
    """
    found: dict[int, list[ClockTiming]] = {}
    for timing in promised:
        found.setdefault(timing.clock.handoff_id or 0, []).append(timing)
    outbox.queue([_new_lead(each, found.get(each.pk, []), now=each.offered_at) for each in handoffs])


def _new_lead(handoff: Handoff, promised: Sequence[ClockTiming], *, now: datetime) -> Notification:
    why, fast = handoff.episode.qualification, handoff.accepted_at is not None
    sums = {each.clock.target: sum_of_start(each, handoff.user)._asdict() for each in promised}
    person = about(handoff.episode.lead, handoff.user)
    whose = f" ({person['company']})" if person["company"] else ""
    return _told(
        handoff,
        NEW_LEAD,
        subject=f"{'Asked for us' if fast else 'New lead'}: {person['lead_name']}{whose}",
        template="new_lead",
        data=person
        | {
            "fast": fast,
            "tier": handoff.get_tier_display(),
            "sentence": why.sentence if why is not None else "",
            "accept": sums.get(Target.ACCEPT),
            "touch": sums.get(Target.FIRST_TOUCH),
            "answer_url": "" if fast else links.link(handoff, handoff.user, now=now),
        },
        effect_key=f"handoff:{handoff.public_id}:new_lead",
        now=now,
    )


def news(
    handoff: Handoff,
    what: str,
    *,
    now: datetime,
    once: str = "",
    not_before: datetime | None = None,
    message: str = "",
) -> None:
    """Tell the rep what has become of a lead they have; once per hand-off, news and `once`.

    Of some things a next owner who is asked reads other words.
    """
    headline, words = NEWS[f"{what}_closing" if handoff.is_closing and f"{what}_closing" in NEWS else what]
    message = message or words
    person = about(handoff.episode.lead, handoff.user)
    if what == "erased":
        person |= {"lead_name": "A lead of yours", "company": ""}
    touch = _sum(handoff, Target.FIRST_TOUCH) if handoff.is_open else None
    made = _told(
        handoff,
        what.replace("_", " "),
        subject=f"{headline} · {person['lead_name']}",
        template="news",
        data=person
        | {"headline": headline, "message": message, "touch": touch._asdict() if touch is not None else None},
        effect_key=":".join(part for part in (_key(handoff), what, once) if part),
        now=now,
        not_before=not_before,
    )
    outbox.queue([made])


def closing(
    handoff: Handoff,
    promised: Iterable[ClockTiming],
    *,
    sales: Handoff | None,
    now: datetime,
    not_before: datetime | None,
) -> None:
    """Tell the next owner what they are asked to take from here, from whom, and by when it wants an answer."""
    sums = {each.clock.target: sum_of_start(each, handoff.user)._asdict() for each in promised}
    person = about(handoff.episode.lead, handoff.user)
    whose = f" ({person['company']})" if person["company"] else ""
    made = _told(
        handoff,
        NEW_LEAD,
        subject=f"To close: {person['lead_name']}{whose}",
        template="closing",
        data=person
        | {
            "former": str(sales.user) if sales is not None else "",
            "tier": handoff.get_tier_display(),
            "accept": sums.get(Target.ACCEPT),
            "answer_url": links.link(handoff, handoff.user, now=now),
        },
        effect_key=f"{_key(handoff)}:closing",
        now=now,
        not_before=not_before,
    )
    outbox.queue([made])


def given_back(handoff: Handoff, *, closer: User, said: str, now: datetime, not_before: datetime | None) -> None:
    """Tell who had converted a lead that they have it again, and why."""
    message = f"{inert(str(closer))} does not take this lead: {inert(said)}. It is yours again, as accepted."
    news(handoff, "given_back", now=now, not_before=not_before, message=message)


def take_back_news(handoff: Handoff, what: str, *, now: datetime) -> None:
    """What was to be told of this hand-off is so no more."""
    outbox.cancel(f"{_key(handoff)}:{what}:", now=now)


def _key(handoff: Handoff) -> str:
    return f"handoff:{handoff.public_id}"


def _told(
    handoff: Handoff,
    kind: str,
    *,
    subject: str,
    template: str,
    data: dict[str, Any],
    effect_key: str,
    now: datetime,
    not_before: datetime | None = None,
) -> Notification:
    """A letter to the rep of a hand-off, to be queued: it says what is true now, and is written when it is sent."""
    return outbox.letter(
        effect_key,
        kind=kind,
        topic=Topic.NEW_LEAD if kind == NEW_LEAD else Topic.NEWS,
        is_urgent=asked_for_them(handoff, handoff.user) and kind in (NEW_LEAD, HAND_RAISED),
        recipient=handoff.user,
        subject=subject,
        template=f"{LETTERS}/{template}",
        data=data,
        lead=handoff.episode.lead,
        now=now,
        not_before=not_before,
    )


def asked_for_them(handoff: Handoff | None, recipient: User) -> bool:
    """Whether the person asked to hear from us, and it is for this rep to reach out: that passes quiet hours."""
    return handoff is not None and handoff.lane == Lane.FAST and handoff.user_id == recipient.pk


def _sum(handoff: Handoff, target: str) -> Sum | None:
    """Until when the target runs, in the rep's zone, and how that was counted; None where it doesn't."""
    clock = handoff.clocks.filter(target=target, verdict="").first()
    return sum_of(clock, handoff.user) if clock is not None else None

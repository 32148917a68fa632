"""What is given with a verdict: reason, evidence, a note, a date; each is checked before anything is written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db.models import Q, QuerySet

from leads.errors import Invalid, Refused
from sla.models import Handoff, PolicyTarget, Reason, Target

LONGEST_NOTE = 2000
LONGEST_EVIDENCE = 500
_is_link: Final = URLValidator(schemes=["http", "https"])
FARTHEST_DATE = timedelta(days=3 * 366)


class NotTouchedYet(Refused):
    """The reason asks for a touch, or for the full follow-up, before the lead may be returned."""

    code = "not_touched_yet"


class Given(NamedTuple):
    """What was said with a no besides its reason."""

    evidence: str
    note: str


def reasons_for(*, on_reject: bool, closing: bool = False) -> QuerySet[Reason]:
    """The reasons that may be given: before accepting also those that come back on a date the person named.

    A closing leg has its own, by which it goes back to the rep who converted it.
    """
    if closing:
        return Reason.objects.filter(follows=Reason.Follows.BACK, on_reject=on_reject, is_active=True)
    dated = Q(on_return=True, follows=Reason.Follows.DATE)
    found = Reason.objects.filter(Q(on_reject=True) | dated if on_reject else Q(on_return=True), is_active=True)
    return found.exclude(follows=Reason.Follows.BACK)


def given_reason(reason: Reason | str, *, on_reject: bool, closing: bool = False) -> Reason:
    """The reason by its code, where it is in use and stands on this verdict."""
    stands = reasons_for(on_reject=on_reject, closing=closing)
    code = reason.code if isinstance(reason, Reason) else reason
    found = stands.filter(code=code).first() if code.isprintable() else None
    if found is None:
        verdict = "rejecting" if on_reject else "returning"
        codes = ", ".join(stands.values_list("code", flat=True))
        raise Invalid(f"Choose a reason for {verdict}; one of {codes or 'none in use'}.", field="reason")
    return found


def check_touched(handoff: Handoff, reason: Reason) -> None:
    """Before a return the reason may ask for a touch, or for as many as the policy promises."""
    needed = 0
    if reason.needs == Reason.Needs.TOUCH:
        needed = 1
    elif reason.needs == Reason.Needs.DEPTH:
        needed = depth_of(handoff)
    if handoff.touches < needed:
        times = "once" if needed == 1 else f"{needed} times"
        raise NotTouchedYet(
            f"“{reason.label}” needs you to have reached out {times} first; {handoff.touches} so far.",
            touches=handoff.touches,
            needed=needed,
        )


def depth_of(handoff: Handoff) -> int:
    """How many touches full follow-up is, by the timing its clock counts by; one where nothing was promised."""
    clock = handoff.clocks.filter(target=Target.DEPTH).order_by("-pk").first()
    timing = clock.timings.order_by("-number").first() if clock is not None else None
    if timing is None:
        return 1
    promised = PolicyTarget.objects.filter(
        version=timing.policy_version_id, target=Target.DEPTH, heat=timing.target_amount_of
    ).first()
    return (promised.touches if promised is not None else None) or 1


def given_date(named_date: datetime | None, *, dated: bool, now: datetime) -> datetime | None:
    """The date the person named, ahead and within three years; None for a reason that takes none."""
    if not dated:
        if named_date is not None:
            raise Invalid("Only a reason that comes back on a named date takes one.", field="named_date")
        return None
    if named_date is None:
        raise Invalid("Give the date the person named.", field="named_date")
    if named_date.tzinfo is None or named_date <= now:
        raise Invalid("The named date must be in the future.", field="named_date")
    if named_date > now + FARTHEST_DATE:
        raise Invalid("The named date must lie within three years.", field="named_date")
    return named_date


def given_note(note: str) -> str:
    """A note as it is kept: without NUL, trimmed. Raises Invalid where it is too long."""
    text = note.replace("\x00", "").strip()
    if len(text) > LONGEST_NOTE:
        raise Invalid(f"A note has at most {LONGEST_NOTE:,} characters.", field="note")
    return text


def given_no(reason: Reason, *, evidence: str, note: str) -> Given:
    """What goes with a no. Raises Invalid where the evidence the reason asks for is missing or can't be that."""
    return Given(given_evidence(reason, evidence), given_note(note))


def given_evidence(reason: Reason, evidence: str) -> str:
    """The evidence as it is kept: on one line, and a web address where the reason asks for a link; none unasked."""
    text = " ".join(evidence.replace("\x00", "").split())
    if reason.evidence == Reason.Evidence.NONE:
        if text:
            raise Invalid(f"“{reason.label}” asks for no evidence: put it into the note.", field="evidence")
        return ""
    if not text:
        raise Invalid(f"“{reason.label}” asks for evidence: {reason.evidence_prompt}", field="evidence")
    if len(text) > LONGEST_EVIDENCE:
        raise Invalid(f"Evidence has at most {LONGEST_EVIDENCE} characters.", field="evidence")
    if reason.evidence == Reason.Evidence.LINK:
        try:
            _is_link(text)
        except ValidationError as error:
            raise Invalid(
                f"{reason.evidence_prompt.rstrip('.')}: give a web address that begins with https://.", field="evidence"
            ) from error
    return text

"""Touches: evidence that a person on our side reached out, and what it keeps of what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from leads.errors import Invalid, Refused
from leads.locks import LeadGone
from leads.models import Lead, Role, TeamMembership, User
from leads.transactions import business
from scoring import episodes
from scoring.models import Episode
from sla.clocks import targets
from sla.handoffs import moves, sheets, verdicts
from sla.handoffs.answers import depth_of, given_note
from sla.models import OPEN_STATES, Handoff, PaperOffer, PolicyVersion, State, Target, Touch
from sla.nextsteps import keeping
from sla.shadow import answering

GRACE = 900  # seconds, where no policy says otherwise
AHEAD_AT_MOST = timedelta(minutes=5)
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
FARTHEST_MEETING = timedelta(days=366)
USED: Final = "This external id was used for another touch. Send each touch under an id of its own."


class NotTheirs(Refused):
    """Someone else's touch can't be recorded by this user, or they don't see the lead; both sound alike."""

    status = 404
    title = "Not found"
    code = "not_found"


class OnlyRead(Refused):
    """They may read this lead because they hold another one of its company; somebody else works it."""

    title = "Yours to read only"
    code = "only_read"


class TouchConflict(Refused):
    """This external id was used for another touch; `touch` tells which."""

    title = "Another touch has this id"
    code = "touch_conflict"


@business
def record(
    lead_id: int,
    *,
    means: str,
    outcome: str,
    performed_by: User,
    recorded_by: User | None,
    occurred_at: datetime | None,
    now: datetime,
    direction: str = Touch.Direction.OUTBOUND,
    automated: bool = False,
    by_machine: bool = False,
    external_id: str = "",
    note: str = "",
    meeting_at: datetime | None = None,
) -> Touch:
    """Record one touch. A person's meets the running first touch and counts to depth; an automated one stops nothing.

    By the rep to whom the lead is offered it accepts as well, at the moment of recording. Brought by a machine it
    counts when it occurred; typed by hand likewise, if within the policy's grace, else now, marked *logged later*.
    A touch of somebody who joined a colleague's matter is kept with that matter and answers none of its promises, which
    are made about its principal. The same external id of the same recorder is taken in once, and answered
    with what was taken in; with another body it is a conflict. Without `occurred_at` it occurred now. `meeting_at` is
    when the meeting is that was booked: it becomes the next step of an accepted lead, unless its rep has set a later
    one. Raises Invalid, NotTheirs, OnlyRead, TouchConflict.
    """
    _check(means=means, direction=direction, outcome=outcome, external_id=external_id)
    if taken_in_before(recorded_by, external_id) is None:
        _allow(lead_id, performed_by=performed_by, recorded_by=recorded_by, by_machine=by_machine)
    lead = episodes.lock_matter(lead_id)
    body = {
        "lead_id": lead.pk,
        "means": means,
        "direction": direction,
        "outcome": outcome,
        "performed_by_id": performed_by.pk,
        "automated": automated,
        "note": given_note(note),
        "meeting_at": meeting_at,
    }
    known = taken_in_before(recorded_by, external_id)
    if known is not None:
        return _same(known, body, occurred_at)
    answered, now = _answered(lead, now=now)
    occurred_at = _moment(occurred_at or now, now=now)
    _check_meeting(meeting_at, outcome=outcome, occurred_at=occurred_at)
    counts_at, later = _counts(answered.policy, occurred_at, by_machine=by_machine, now=now)
    handoff = answered.handoff
    if handoff is not None and counts_at < handoff.offered_at:
        handoff = None  # reached out before this offer: kept, but no answer to it
    touch = Touch(
        **body,
        handoff=handoff,
        recorded_by=recorded_by,
        occurred_at=occurred_at,
        recorded_at=now,
        counts_at=counts_at,
        logged_later=later,
        by_machine=by_machine,
        external_id=external_id,
    )
    _take_in(touch)
    if automated or not answered.is_about(lead):
        return touch
    if handoff is not None:
        handoff.episode.lead = lead
        touch.before = _keep(handoff, touch, lead=lead, by=recorded_by, now=now)
    elif answered.on_paper is not None:
        touch.before = answering.touched(answered.on_paper, touch, now=now)
    if touch.before:
        touch.save(update_fields=["before"])
    return touch


@dataclass(frozen=True)
class _Answered:
    """What a touch may answer: the open episode, and who has it in hand or would have it on paper."""

    episode: Episode | None
    handoff: Handoff | None
    on_paper: PaperOffer | None

    @property
    def policy(self) -> PolicyVersion | None:
        made = self.handoff or self.on_paper
        return made.policy_version if made is not None else None

    def is_about(self, lead: Lead) -> bool:
        """Whether its promises were made about this lead, and not about a colleague whose matter it joined."""
        return self.episode is not None and self.episode.lead_id == lead.pk


def _answered(lead: Lead, *, now: datetime) -> tuple[_Answered, datetime]:
    """With the moment from which on it can be written, after all that was written of it."""
    episode = episodes.open_for(lead.pk)
    handoff = _open_handoff(episode.pk) if episode is not None else None
    if handoff is None or episode is None:
        return _Answered(episode, None, answering.offer_of(episode)), now
    handoff.episode = episode
    return _Answered(episode, handoff, None), max(now, *moves.last_rows(episode, handoff))


def taken_in_before(recorded_by: User | None, external_id: str) -> Touch | None:
    """What this recorder has told under this external id; its answer asks for no right that has been lost since."""
    if not external_id or recorded_by is None:
        return None
    told = Touch.objects.filter(recorded_by=recorded_by, external_id=external_id)
    return told.select_related("lead", "performed_by").first()


def _same(known: Touch, body: dict[str, Any], occurred_at: datetime | None) -> Touch:
    """What was taken in under this id, where it is what is told again."""
    # A moment that lay a little ahead was taken in as the moment of recording.
    moved = occurred_at is not None and min(occurred_at, known.recorded_at) != known.occurred_at
    if moved or any(getattr(known, name) != value for name, value in body.items()):
        raise TouchConflict(USED, field="external_id", touch=str(known.public_id))
    return known


def _take_in(touch: Touch) -> None:
    """Write it, unless somebody has just used its id for another lead."""
    try:
        with transaction.atomic():
            touch.save(force_insert=True)
    except IntegrityError as error:
        if "touch_taken_in_once" not in str(error):
            raise
        known = taken_in_before(touch.recorded_by, touch.external_id)
        raise TouchConflict(USED, field="external_id", **({"touch": str(known.public_id)} if known else {})) from error


def _keep(handoff: Handoff, touch: Touch, *, lead: Lead, by: User | None, now: datetime) -> dict[str, Any]:
    """What a person's touch keeps of the hand-off's promises; told is what taking it back would put back."""
    episode = handoff.episode
    accepts = handoff.state == State.OFFERED and touch.performed_by_id == handoff.user_id
    if accepts:
        matter = moves.Matter.of(lead, episode, handoff, now=now)
        verdicts.take_on(matter, by=by, why=verdicts.TOUCH)
    first, stood = handoff.first_touched_at, sheets.read(lead, episode, [])
    before = {"accepted": accepts, "first_touched_at": first and first.isoformat(), "touches": handoff.touches}
    _count(handoff, touch, by=by, now=now)
    return before | sheets.of_touch(stood, sheets.read(lead, episode, []), handoff)


def _count(handoff: Handoff, touch: Touch, *, by: User | None, now: datetime) -> None:
    """It may be the first one, and counts to depth; what was to come next has been done by it."""
    if handoff.first_touched_at is None or touch.counts_at < handoff.first_touched_at:
        handoff.first_touched_at = touch.counts_at
    targets.meet(handoff, Target.FIRST_TOUCH, at=touch.counts_at, now=now)
    if handoff.state == State.ACCEPTED:
        handoff.touches += 1
    handoff.save(update_fields=["first_touched_at", "touches"])
    if handoff.state == State.ACCEPTED and handoff.touches >= depth_of(handoff):
        # Depth starts with accepting; the touch that accepted may count from a little before.
        targets.meet(handoff, Target.DEPTH, at=max(touch.counts_at, handoff.accepted_at or now), now=now)
    if handoff.state == State.ACCEPTED:
        is_next = touch.meeting_at is not None and keeping.booked(handoff, meeting_at=touch.meeting_at, now=now, by=by)
        if not is_next:
            keeping.touched(handoff, at=touch.counts_at, now=now, by=by)


def _counts(
    version: PolicyVersion | None, occurred_at: datetime, *, by_machine: bool, now: datetime
) -> tuple[datetime, bool]:
    """When the touch counts, and whether it was logged later than the policy's grace allows."""
    grace = timedelta(seconds=version.grace if version is not None else GRACE)
    if by_machine or now - occurred_at <= grace:
        return occurred_at, False
    return now, True


def _moment(occurred_at: datetime, *, now: datetime) -> datetime:
    if occurred_at.tzinfo is None or occurred_at > now + AHEAD_AT_MOST:
        raise Invalid("A touch can't lie in the future.", field="occurred_at")
    if occurred_at < EARLIEST:
        raise Invalid(
            f"A touch can't lie before {EARLIEST.year}. Leave the time out where it is not known.", field="occurred_at"
        )
    return min(occurred_at, now)


def _check_meeting(meeting_at: datetime | None, *, outcome: str, occurred_at: datetime) -> None:
    if meeting_at is None:
        return
    if outcome != Touch.Outcome.BOOKED:
        raise Invalid(
            "Only a booked meeting has a time: choose “Meeting booked”, or leave it empty.", field="meeting_at"
        )
    if meeting_at.tzinfo is None or not occurred_at < meeting_at <= occurred_at + FARTHEST_MEETING:
        raise Invalid("Give the time of the meeting: after the touch, and within a year.", field="meeting_at")


def _open_handoff(episode_id: int) -> Handoff | None:
    return (
        Handoff.objects.select_for_update(of=("self",))
        .select_related("user", "team", "policy_version")
        .filter(episode=episode_id, state__in=OPEN_STATES)
        .first()
    )


def _allow(lead_id: int, *, performed_by: User, recorded_by: User | None, by_machine: bool) -> None:
    """Record may who performed it, a manager for a member of a team of theirs, an integration, and Baton itself.

    An integration is a key of RevOps or an admin that brings what a machine saw.
    """
    if not performed_by.is_active:
        raise Invalid("A touch is performed by someone who works here.", field="performed_by")
    if recorded_by is None:
        return
    if not Lead.objects.visible_to(recorded_by).filter(pk=lead_id).exists():
        raise LeadGone("This lead no longer exists.")
    if not Lead.objects.workable_by(recorded_by).filter(pk=lead_id).exists():
        holder = Lead.objects.values_list("holder__full_name", flat=True).get(pk=lead_id)
        whose = f"{holder} works it, and records" if holder else "whoever gets it records"
        raise OnlyRead(f"You may read this lead, as you hold another one of its company; {whose} its touches.")
    if recorded_by.pk == performed_by.pk:
        return
    if by_machine and recorded_by.has_role(Role.REVOPS, Role.ADMIN):
        return
    managed = TeamMembership.objects.filter(user=recorded_by, is_manager=True).values("team")
    if not TeamMembership.objects.filter(user=performed_by, team__in=managed).exists():
        raise NotTheirs("There is no such person in a team of yours.")


def _check(*, means: str, direction: str, outcome: str, external_id: str) -> None:
    for field, value, choices in (
        ("means", means, Touch.Means),
        ("direction", direction, Touch.Direction),
        ("outcome", outcome, Touch.Outcome),
    ):
        if value not in choices.values:
            raise Invalid(f"{field.capitalize()} is one of {', '.join(choices.values)}.", field=field)
    if len(external_id) > 200 or "\x00" in external_id:
        raise Invalid("An external id has at most 200 characters.", field="external_id")

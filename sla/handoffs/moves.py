"""One move of one hand-off: its locks, who may make it, the row that changes, and the history row that stays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet

from leads import holding
from leads.errors import Invalid, Refused
from leads.models import Lead, Team, TeamMembership, User
from scoring import episodes
from scoring.models import Episode, Lane
from sla.handoffs import sheets
from sla.models import Absence, Handoff, HandoffChange, Rep, State
from sla.telling import events

# Until then a verdict can be undone, and nothing of it leaves the house.
UNDO_FOR = timedelta(seconds=15)
FAST_LANE = "fast lane"  # why Baton itself accepted

MOVE_FIELDS = (
    *("state", "version", "accepted_at", "closed_at", "reason", "evidence", "note", "named_date", "bant"),
    *("first_touched_at", "touches", "tier", "lane", "policy_version", "is_undone"),
)


class NotYours(Refused):
    """There is no such hand-off, or the one who asks may not act on it; both sound alike."""

    status = 404
    title = "Not found"
    code = "not_found"


class AlreadyDecided(Refused):
    """Someone was quicker, or the page was old; `state` tells how things stand."""

    title = "Already decided"
    code = "already_decided"


class InactiveRep(Refused):
    """A rep who works no more can't hold an open hand-off."""

    code = "inactive_rep"


class AwayRep(Refused):
    """A rep who is away is offered nothing."""

    code = "away"


@dataclass
class Matter:
    """A lead, its episode, those who joined it, and one hand-off of it, locked, at one instant."""

    lead: Lead
    episode: Episode
    handoff: Handoff
    now: datetime
    from_state: str
    colleagues: list[Lead]
    before: sheets.Sheet
    # The hop that the move under way has made: taken away again where it is undone.
    made: Handoff | None = None

    @classmethod
    def of(cls, lead: Lead, episode: Episode, handoff: Handoff, *, now: datetime) -> Matter:
        """As things stand before a move; all of it is locked by the caller."""
        handoff.episode, episode.lead = episode, lead
        joined = episodes.colleagues(episode) if episode.closed_at is None else []
        return cls(lead, episode, handoff, now, handoff.state, joined, sheets.read(lead, episode, joined))

    @property
    def is_signal(self) -> bool:
        """Somebody known asked for us: what is answered moves no stage, spends nothing and writes no Outcome."""
        return self.episode.lane == Lane.SIGNAL

    @property
    def is_closing(self) -> bool:
        """Somebody has converted it, and the next owner is asked to take it from here."""
        return self.handoff.is_closing

    @property
    def everyone(self) -> list[Lead]:
        """The principal, and then those who joined and follow the verdict."""
        return [self.lead, *self.colleagues]

    def hold(self, user: User | None, team: Team | None) -> None:
        """Write who holds them all from now on; a signal leaves that as it is."""
        if self.is_signal:
            return
        for lead in self.everyone:
            holding.hold(lead, user=user, team=team, now=self.now)

    def expect(self, *states: str, seen_version: int | None) -> None:
        """Refuse with the present state where the hand-off stands elsewhere, or moved since the page was drawn."""
        if self.handoff.state not in states:
            raise AlreadyDecided(how_it_stands(self.handoff), **present(self.handoff))
        if seen_version is not None and seen_version != self.handoff.version:
            raise AlreadyDecided(
                f"This changed since you saw it. {how_it_stands(self.handoff)}", **present(self.handoff)
            )

    def become(self, state: str, **fields: Any) -> None:
        """Write the hand-off's new state; its history row follows with `record`, when all effects are there."""
        self.handoff.state = state
        self.handoff.version += 1
        for name, value in fields.items():
            setattr(self.handoff, name, value)
        self.handoff.save(update_fields=MOVE_FIELDS)

    def record(
        self, *, by: User | None, why: str, is_undo: bool = False, together: bool = False, performed_by: bool = True
    ) -> HandoffChange:
        """Write the one history row of the move, with what undo would have to put back.

        `together`: this move and the one before it were one act, and are undone as one.
        """
        stands = sheets.read(self.lead, self.episode, self.colleagues)
        made = {"made": self.made.pk if self.made is not None else None, "together": together}
        change = HandoffChange.objects.create(
            handoff=self.handoff,
            from_state=self.from_state,
            to_state=self.handoff.state,
            at=self.now,
            by=by,
            performed_by=self.handoff.user if by is not None and performed_by else None,
            is_undo=is_undo,
            why=why,
            before={} if is_undo else sheets.to_undo(self.before, stands, self.colleagues) | made,
        )
        if not is_undo:
            # What a person did may still be undone, so it is not told before that time is over.
            events.moved(self.handoff, now=self.now, not_before=self.now + UNDO_FOR if by is not None else None)
        self.from_state, self.made, self.before = self.handoff.state, None, stands
        return change


def take(
    handoff_id: int, *, by: User | None, now: datetime, performed_by: User | None = None, ended: bool = False
) -> Matter:
    """Lock lead, episode and hand-off, in that order; refuse whoever may not act on it.

    Act may the rep it is offered to, a manager of its team on the rep's behalf, and Baton (`by=None`). The instant
    is `now`, or that of the newest history row of what was locked, whichever is later. `ended`: the episode may have
    ended and is to open again.
    """
    known = Handoff.objects.filter(pk=handoff_id).select_related("episode").first()
    if known is None or not may_act(known, by):
        raise NotYours("There is no such hand-off, or it isn't yours to decide.")
    lead = episodes.lock_matter(known.episode.lead_id, ended=known.episode_id if ended else None)
    episode = episodes.lock(known.episode_id)
    handoff = Handoff.objects.select_for_update(of=("self",)).select_related("user", "team").get(pk=handoff_id)
    if performed_by is not None and performed_by.pk != handoff.user_id:
        raise Invalid("Only the rep it was offered to can have done this.", **present(handoff))
    now = max(now, lead.stage_at, *last_rows(episode, handoff))
    return Matter.of(lead, episode, handoff, now=now)


def may_act(handoff: Handoff, by: User | None) -> bool:
    """The rep themself, a manager of the hand-off's team, or Baton."""
    return by is None or by.pk == handoff.user_id or manages(handoff, by)


def manages(handoff: Handoff, by: User) -> bool:
    """Whether they manage the hand-off's team."""
    return TeamMembership.objects.filter(user=by, team_id=handoff.team_id, is_manager=True).exists()


def last_rows(episode: Episode, handoff: Handoff | None) -> list[datetime]:
    """When the newest history rows of episode and hand-off were written."""
    newest = [episode.changes.aggregate(at=Max("at"))["at"]]
    if handoff is not None:
        newest.append(handoff.changes.aggregate(at=Max("at"))["at"])
    return [at for at in newest if at is not None]


def lock_rep(user_id: int) -> Rep:
    """The rep's row, locked; raises InactiveRep where the person can't hold an open hand-off."""
    rep = Rep.objects.select_for_update(of=("self",)).select_related("user").filter(user=user_id).first()
    if rep is None or not rep.is_active:
        raise InactiveRep("This person receives no leads any more.")
    return rep


def is_away(rep: Rep, *, now: datetime) -> bool:
    """Whether the rep, who is locked, is away: what begins at this moment counts once its beginning was acted on."""
    return bool(who_is_away([rep.pk], now=now))


def who_is_away(rep_ids: Iterable[int], *, now: datetime) -> set[int]:
    """Which of these reps, who are locked, are."""
    return set(standing_absences(rep_ids, now=now).values_list("rep", flat=True))


def standing_absences(rep_ids: Iterable[int], *, now: datetime) -> QuerySet[Absence]:
    """The absences by which they are."""
    standing = Absence.objects.filter(rep__in=list(rep_ids), ends_at__gt=now)
    return standing.filter(Q(starts_at__lte=now) | Q(begun_at__isnull=False))


def lock_person(user_id: int) -> User:
    """Somebody of ours who need not be a rep, locked; raises InactiveRep where they work here no more."""
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None or not user.is_active:
        raise InactiveRep("This person works here no more.")
    return user


def present(handoff: Handoff) -> dict[str, Any]:
    """How the hand-off stands, for a program that was too late."""
    return {"handoff": str(handoff.public_id), "state": handoff.state, "version": handoff.version}


def how_it_stands(handoff: Handoff) -> str:
    """The present state in a sentence, with who brought it there."""
    last = handoff.changes.select_related("by", "performed_by").last()
    by, rep = (last.by or last.performed_by, last.performed_by) if last is not None else (None, None)
    who, whose = by or "Baton", f" for {rep}" if rep is not None and rep != by else ""
    if handoff.is_closing and handoff.state == State.CONVERTED:
        return f"{who} has accepted it{whose}."
    return {
        State.OFFERED: "It is on offer and waits for an answer.",
        State.ACCEPTED: f"{who} has accepted it{whose}.",
        State.REJECTED: f"{who} has rejected it{whose}.",
        State.RETURNED: f"{who} has returned it{whose}.",
        State.CONVERTED: f"{who} has converted it{whose}.",
        State.MOVED: "It has moved on to another rep.",
        State.WITHDRAWN: "It was withdrawn: the matter has ended, or whoever handed it over took that back.",
    }[State(handoff.state)]

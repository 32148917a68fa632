"""What follows from a no: worked out once, so that what is said before the click is what is done after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from leads import lifecycle, moments, nurture
from leads.models import Lead, Stage, User
from sla.models import FairnessTurn, Handoff, Reason

VERDICT: Final = "verdict"
NAMED_DATE: Final = "named date"
Follows = Reason.Follows


@dataclass(frozen=True)
class Effect:
    """What a no does to the lead. `rest_until` is a moment; a date that is still to be named leaves it empty."""

    follows: str
    label: str
    rest_days: int | None = None
    rest_until: datetime | None = None
    is_signal: bool = False
    owes_turn_to: str = ""
    goes_back_to: str = ""

    @property
    def spends(self) -> bool:
        """Whether what the person did so far gives no points any more."""
        return not self.is_signal and self.follows not in (Follows.REROUTE, Follows.BACK)

    def __str__(self) -> str:
        """The effect in a sentence, in the viewer's dates."""
        return f"{self._what()}.{self._turn()}"

    def _what(self) -> str:
        if self.follows == Follows.BACK:
            who = self.goes_back_to or "the rep who converted it"
            return f"Goes back to {who}, as accepted; nothing is spent"
        if self.follows == Follows.REROUTE:
            return "Goes to another rep at once; nothing is spent"
        if self.is_signal:
            return "The signal ends; the stage stays as it is, nothing is spent"
        if self.follows == Follows.DATE:
            when = f"on {_day(self.rest_until)}" if self.rest_until else "on the date they named"
            return f"Rests, and comes back to the same rep {when} without new evidence"
        if self.follows == Follows.DISQUALIFY:
            return "Disqualified: comes back only by raising a hand or by buying; evidence so far is spent"
        until = _day(self.rest_until) if self.rest_until else ""
        days = f"{self.rest_days} day{'' if self.rest_days == 1 else 's'}"
        return f"Rests {days}, until {until}, then comes back on new evidence; what they did so far is spent"

    def _turn(self) -> str:
        return f" {self.owes_turn_to} is owed another turn." if self.owes_turn_to else ""


def of(
    reason: Reason,
    *,
    now: datetime,
    named_date: datetime | None = None,
    is_signal: bool = False,
    turn_of: User | None,
    back_to: User | None = None,
) -> Effect:
    """What this reason brings about if it is given now; `turn_of` had the lead by turn, where turns decided it."""
    rests = reason.follows == Follows.RECYCLE
    return Effect(
        follows=reason.follows,
        label=reason.label,
        rest_days=reason.rest_days if rests else None,
        rest_until=now + timedelta(days=reason.rest_days or 0) if rests else named_date,
        is_signal=is_signal,
        goes_back_to=str(back_to) if back_to is not None else "",
        owes_turn_to=str(turn_of) if turn_of is not None and reason.gives_turn_back else "",
    )


def turn_of(handoff: Handoff) -> User | None:
    """Who had this lead by turn, and would be owed another one."""
    return handoff.user if FairnessTurn.objects.filter(handoff=handoff).exists() else None


def follow(effect: Effect, lead: Lead, *, calls_back: User | None, now: datetime, by: User | None) -> None:
    """Do to one lead what the effect says, where it ends the episode: a rest, a date, or disqualification.

    `calls_back` is whom the person named a date to; a colleague, who named none, rests as long and then comes back on
    new evidence.
    """
    if effect.follows == Follows.DISQUALIFY:
        nurture.spend(lead, now=now, by=by, cause=VERDICT)
        lifecycle.move(lead, Stage.DISQUALIFIED, cause=VERDICT, now=now, by=by, note=effect.label)
    elif effect.follows == Follows.DATE and calls_back is not None and effect.rest_until is not None:
        nurture.promise_callback(lead, at=effect.rest_until, user=calls_back, now=now, by=by, cause=NAMED_DATE)
    else:
        nurture.recycle(lead, rest_until=effect.rest_until, spend=effect.spends, now=now, by=by, cause=VERDICT)


def _day(at: datetime | None) -> str:
    return moments.said(at, "j M Y") if at is not None else ""

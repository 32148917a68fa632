"""Beside each number of the board its goal, and how it stood a week ago; and the share of promises kept this week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leads.models import Role
from sla.attainment import moments
from sla.attainment.moments import Compared, Stood
from sla.views.board.narrowing import Look

# Nothing should ever be late, adrift or wait; what is due soon is neither good nor bad.
GOALS: Final = {"late": "goal 0", "adrift": "goal 0", "waiting": "goal 0"}


@dataclass(frozen=True)
class Kept:
    """First touches in time this week until the last quarter of an hour: percent of how many, goal and trend."""

    at: datetime
    percent: int | None
    due: int
    note: str
    is_short: bool


def beside(look: Look, numbers: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers with their notes, and what was kept of the week, in one question.

    What is kept of a week before is of teams: narrowed by rep, tier or source a number stands alone.
    """
    if not look.chosen.keys() <= {"team"}:
        return {"numbers": [each | {"note": GOALS.get(each["key"], "")} for each in numbers], "kept": None}
    all_teams = look.viewer.has_role(Role.REVOPS, Role.ADMIN)
    found = moments.compared(None if all_teams else look.teams, chosen=look.chosen.get("team"), now=look.now)
    return {"numbers": [each | {"note": _note(each, found.before)} for each in numbers], "kept": _kept(found)}


def _note(number: dict[str, Any], before: Stood | None) -> str:
    parts = [GOALS.get(number["key"], "")]
    # A number that was counted to a bound can't be compared, nor what nobody kept.
    stood: int | None = getattr(before, number["key"], None)
    if stood is not None and number["count"].isdecimal():
        parts.append(_trend(int(number["count"]) - stood))
    return " · ".join(part for part in parts if part)


def _trend(more: int) -> str:
    if not more:
        return "as a week ago"
    return f"{abs(more)} {'more' if more > 0 else 'fewer'} than a week ago"


def _kept(found: Compared) -> Kept | None:
    if found.now is None:
        return None
    now = found.now.first_touch
    parts = []
    if found.goals:
        least, most = found.goals[0], found.goals[-1]
        parts.append(f"goal {least} %" if least == most else f"goals {least} to {most} %")
    before = found.before.first_touch.percent if found.before is not None else None
    if now.percent is not None and before is not None:
        points = now.percent - before
        said = f"{abs(points)} point{'' if abs(points) == 1 else 's'} {'up' if points > 0 else 'down'}"
        parts.append(said if points else "as last week")
    short = now.percent is not None and bool(found.goals) and now.percent < found.goals[0]
    return Kept(found.now.counted_at, now.percent, now.due, " · ".join(parts), short)

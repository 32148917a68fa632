"""What an order would mean, before it is given: how many, how many a day, against whose room, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from leads.models import Team, User
from sla.handoffs import room
from sla.releasing import working
from sla.releasing.choosing import Part, standing_in


@dataclass(frozen=True)
class Load:
    """The load that an order means as things stand. `ends_on` is None where it takes more than a year."""

    standing: int
    reps: int
    a_day: int
    room: int
    capacity: int
    days: int
    ends_on: date | None

    @property
    def passes_room(self) -> bool:
        """Whether a day gives more than the reps have room for now."""
        return min(self.a_day, self.standing) > self.room


def preview(part: Part, *, team: Team, per_rep_and_day: int | None, by: User, now: datetime) -> Load:
    """Count it. Days are the team's working days, from today on."""
    standing = standing_in(part, by=by, now=now).order_by().count()
    reps = list(working.reps_at_work(team, now=now))
    loads = room.loads([rep.user_id for rep in reps])
    free = sum(max(0, rep.capacity - loads.get(rep.user_id, 0)) for rep in reps)
    a_day = standing if per_rep_and_day is None else per_rep_and_day * len(reps)
    days = -(-standing // a_day) if a_day else 0
    ahead = working.days_from(team, working.today(team, now=now))
    last = next(islice(ahead, days - 1, None), None) if days else None
    return Load(standing, len(reps), a_day, free, sum(rep.capacity for rep in reps), days, last)

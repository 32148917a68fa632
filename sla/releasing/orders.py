"""Orders are given, stopped and resumed by managers of the team; each leaves its row of history."""

from __future__ import annotations

from datetime import date, datetime

from leads.errors import Invalid, Refused
from leads.models import Team, User
from leads.transactions import business
from sla.models import ReleaseOrder, ReleaseOrderChange
from sla.querysets import managed_teams
from sla.releasing.choosing import Part

State = ReleaseOrder.State
LONGEST_WHY = 200


class CannotOrder(Refused):
    """This order can't be given, stopped or resumed; the sentence says why."""

    code = "cannot_order"


@business
def give(
    part: Part,
    *,
    team: Team,
    per_rep_and_day: int | None,
    until_date: date | None,
    why: str,
    by: User,
    now: datetime,
) -> ReleaseOrder:
    """Order the release of a part of the standing leads; the sweep runs it. Raises CannotOrder, Invalid."""
    if not managed_teams(by).filter(pk=team.pk).exists():
        raise CannotOrder("You don’t manage this team.")
    if per_rep_and_day is not None and not 1 <= per_rep_and_day <= 1000:
        raise Invalid("Between 1 and 1000 per rep and day, or none for all at once.", field="per_rep_and_day")
    text = " ".join(why.replace("\x00", "").split())
    if not text or len(text) > LONGEST_WHY:
        raise Invalid(f"Say why, in at most {LONGEST_WHY} characters.", field="why")
    order = ReleaseOrder.objects.create(
        team=team,
        definition=part.definition,
        tier=part.tier,
        source=part.source,
        total_min=part.total_min,
        total_max=part.total_max,
        within_days=part.within_days,
        per_rep_and_day=per_rep_and_day,
        until_date=until_date,
        why=text,
        by=by,
        at=now,
    )
    record(order, "given", by=by, now=now, why=text)
    return order


@business
def stop(order_id: int, *, by: User, now: datetime) -> ReleaseOrder:
    """Release no more; what was released stays so. Raises CannotOrder where it does not run."""
    order = lock(order_id)
    _check_theirs(order, by)
    if order.state != State.RUNNING:
        raise CannotOrder("This order doesn’t run any more.")
    return end(order, State.STOPPED, why=f"Stopped by {by}", by=by, now=now)


@business
def resume(order_id: int, *, by: User, now: datetime) -> ReleaseOrder:
    """Go on with an order that was stopped; the day's releases still count. Raises CannotOrder."""
    order = lock(order_id)
    _check_theirs(order, by)
    if order.state != State.STOPPED:
        raise CannotOrder("Only an order that was stopped can go on.")
    order.state, order.ended_at, order.ended_why, order.by = State.RUNNING, None, "", by
    order.save(update_fields=["state", "ended_at", "ended_why", "by"])
    record(order, "resumed", by=by, now=now)
    return order


def lock(order_id: int) -> ReleaseOrder:
    """The order, locked."""
    return (
        ReleaseOrder.objects.select_for_update(of=("self",)).select_related("team", "by", "definition").get(pk=order_id)
    )


def end(order: ReleaseOrder, state: State, *, why: str, by: User | None, now: datetime) -> ReleaseOrder:
    """An order, locked, comes to its end."""
    order.state, order.ended_at, order.ended_why = state, max(now, order.at), why[:LONGEST_WHY]
    order.save(update_fields=["state", "ended_at", "ended_why"])
    record(order, state.value, by=by, now=now, why=why)
    return order


def record(order: ReleaseOrder, what: str, *, by: User | None, now: datetime, why: str = "") -> None:
    """Write the history row of what became of an order."""
    ReleaseOrderChange.objects.create(order=order, what=what, at=now, by=by, why=why[:LONGEST_WHY])


def _check_theirs(order: ReleaseOrder, by: User) -> None:
    if not managed_teams(by).filter(pk=order.team_id).exists():
        raise CannotOrder("You don’t manage this team.")

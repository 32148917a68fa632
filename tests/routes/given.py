"""What must be so before a row of the table is asked, and what is posted because of it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from leads.models import User
from sla import handoffs
from sla.clocks import pausing
from sla.models import Absence, CalendarFeed, Clock, Handoff, ReleaseOrder, Rep, Target
from sla.nextsteps import changing
from tests.routes.world import HOUR, Thing, World


def began(world: World, thing: Thing) -> dict[str, Any]:
    """The absence has begun, so that it can be ended."""
    known = thing.kwargs.get("absence", thing.kwargs["public_id"])
    span = {"starts_at": world.now - HOUR, "ends_at": world.now + HOUR, "begun_at": world.now - HOUR}
    Absence.objects.filter(public_id=known).update(**span)
    return {}


def until(world: World, thing: Thing) -> dict[str, Any]:
    """A moment until which a promise may stand still."""
    return {"until": (world.now + 2 * HOUR).isoformat()}


def paused(world: World, thing: Thing) -> dict[str, Any]:
    """The promise stands still, so that it can go on."""
    known = thing.kwargs["public_id"]
    promise = Clock.objects.get(
        Q(handoff__public_id=known) | Q(episode__lead__public_id=known), target=Target.DEPTH, verdict=""
    )
    assert promise.handoff is not None
    by, until_at = promise.handoff.user, world.now + 2 * HOUR
    pausing.pause(promise.pk, until_at=until_at, reason="They asked", by=by, now=world.now)
    return {}


def read_elsewhere(world: World, thing: Thing) -> dict[str, Any]:
    """The rep's calendar elsewhere is read, so that another choice can be made."""
    rep = Rep.objects.get(user__public_id=thing.kwargs["public_id"])
    known = {"address": "https://93.184.216.34/x.ics", "takes": "out"}
    CalendarFeed.objects.create(rep=rep, added_at=world.now, next_at=world.now, **known)
    return {"takes": "busy"}


def a_team(world: World, thing: Thing) -> dict[str, Any]:
    """A team that may go into shadow."""
    return {"of": f"team:{world.firm.team.pk}"}


def to_a_mate(world: World, thing: Thing) -> dict[str, Any]:
    """Another rep of the team, as pages name people."""
    return {"to": str(_mate(world, thing).public_id), "why": "They speak Welsh"}


def to_a_mates_address(world: World, thing: Thing) -> dict[str, Any]:
    """The same, as programs name people."""
    return {"to": _mate(world, thing).email, "why": "They speak Welsh"}


def nudge(world: World, thing: Thing) -> dict[str, Any]:
    """What is done from the board, with one lead of Ben's."""
    return {"what": "nudge", "h": str(world.things["offered"]["own"].kwargs["public_id"])}


def an_order(world: World, thing: Thing) -> dict[str, Any]:
    """What stands is to go to a team."""
    return {"team": str(world.firm.team.pk), "why": "They have room"}


def stopped(world: World, thing: Thing) -> dict[str, Any]:
    """The order was stopped, so that it can go on."""
    ReleaseOrder.objects.filter(**thing.kwargs).update(state="stopped", ended_at=world.now)
    return {}


def put_off(world: World, thing: Thing) -> dict[str, Any]:
    """The lead is out of sight until its next step."""
    handoff = Handoff.objects.get(**thing.kwargs)
    changing.set_step(handoff.pk, at=world.now + 2 * HOUR, what="Call", hide=True, by=handoff.user, now=world.now)
    return {}


def converted(world: World, thing: Thing) -> dict[str, Any]:
    """There is a deal to tell of."""
    known = thing.kwargs["public_id"]
    handoff = Handoff.objects.open().get(episode__lead__public_id=known)
    handoffs.convert(handoff.pk, bant={}, by=handoff.user, now=world.now)
    return {}


def rejected_before(world: World, thing: Thing) -> dict[str, Any]:
    """It was rejected long enough ago that nobody takes it back."""
    Handoff.objects.filter(**thing.kwargs).update(closed_at=world.now - HOUR)
    return {}


def _mate(world: World, thing: Thing) -> User:
    has_it = Handoff.objects.get(**thing.kwargs).user
    return world.firm.ben.user if has_it == world.firm.ada.user else world.firm.ada.user

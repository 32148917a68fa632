"""What is known later of a matter on paper: a person reached out, somebody decided elsewhere, the lead became hotter.

Nobody was told, so nothing is asked of anyone: met and missed are arithmetic of these instants and the due ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from leads.models import Outcome
from leads.transactions import business
from scoring.models import Episode
from sla.models import LastLook, PaperMatter, PaperOffer, PaperPromise, Touch
from sla.shadow import standing, timing

ANSWERS: Final = frozenset(
    {Outcome.Kind.ACCEPTED, Outcome.Kind.REJECTED, Outcome.Kind.CONVERTED, Outcome.Kind.RETURNED}
)

# What a touch or an outcome writes of an offer on paper.
ANSWERED: Final = ("first_touched_at", "answered_at", "settled_at")


def offer_of(episode: Episode | None) -> PaperOffer | None:
    """To whom this episode was offered on paper, if it stands there."""
    if episode is None:
        return None
    found = PaperOffer.objects.filter(matter__episode=episode, matter__ended_at=None)
    return found.select_related("user", "team", "policy_version", "matter").first()


@business
def touched(offer: PaperOffer, touch: Touch, *, now: datetime) -> dict[str, Any]:
    """A person reached out: by anybody it answers the first touch, by the rep on paper it accepts as well.

    What lay before the offer answers nothing. The lead is locked by the caller. Told is what `untouched` puts back.
    """
    if touch.counts_at < offer.decided_at:
        return {}
    before = _answers(offer)
    if offer.first_touched_at is None or touch.counts_at < offer.first_touched_at:
        offer.first_touched_at = touch.counts_at
    if offer.answered_at is None and touch.performed_by_id == offer.user_id:
        offer.answered_at = now
    offer.settled_at = offer.settled_at or now
    offer.save(update_fields=ANSWERED)
    _room(offer, now=now)
    return {"paper": offer.pk, "before": before, "after": _answers(offer)}


@business
def untouched(sheet: dict[str, Any]) -> bool:
    """The touch was taken back: on paper it is as if it had not been. False where something newer stands there.

    The lead is locked by the caller.
    """
    offer = PaperOffer.objects.filter(pk=sheet["paper"], matter__ended_at=None).first()
    if offer is None or _answers(offer) != sheet["after"]:
        return False
    for name, text in sheet["before"].items():
        setattr(offer, name, datetime.fromisoformat(text) if text else None)
    offer.save(update_fields=ANSWERED)
    return True


@business
def decided(outcome: Outcome, *, now: datetime) -> None:
    """An outcome that came from elsewhere: a yes or no answers on paper; after any, the lead is nobody's load there.

    The lead is locked by the caller.
    """
    found = PaperOffer.objects.filter(matter__episode__lead=outcome.lead_id, matter__ended_at=None)
    for offer in found.select_related("matter"):
        if outcome.kind in ANSWERS and offer.answered_at is None and outcome.at >= offer.decided_at:
            offer.answered_at = outcome.at
        offer.settled_at = offer.settled_at or now
        offer.save(update_fields=["answered_at", "settled_at"])
        _room(offer, now=now)


@business
def stands_hotter(episode: Episode, *, why: str, now: datetime) -> bool:
    """A hotter tier, or a raised hand: on paper each unanswered promise is due no later than a fresh one would be.

    False where the episode does not stand on paper. Lead and episode are locked by the caller.
    """
    if standing.matter_of(episode.pk) is None:
        return False
    offer = offer_of(episode)
    if offer is None:
        return True
    fresh = timing.promises_of(offer, episode, now=now, arrived_at=now)
    counted = {each.target: each for each in timing.last_of(PaperPromise.objects.filter(offer=offer))}
    answered = {"accept": offer.answered_at, "first_touch": offer.first_touched_at}
    closer = {
        target: promise
        for target, promise in fresh.items()
        if answered.get(target) is None and (target not in counted or promise.due_at < counted[target].due_at)
    }
    timing.keep(offer, closer, why=why, now=now)
    return True


def _answers(offer: PaperOffer) -> dict[str, str | None]:
    """What is known of it by now, as plain data."""
    return {name: at.isoformat() if (at := getattr(offer, name)) is not None else None for name in ANSWERED}


def _room(offer: PaperOffer, *, now: datetime) -> None:
    """Who waits on paper for this team is looked at again."""
    waits = PaperMatter.objects.filter(ended_at=None, offer__isnull=True).values("episode")
    looks = LastLook.objects.filter(Q(team=offer.team_id) | Q(rule=offer.rule_id), episode__in=waits)
    looks.filter(again_at__gt=now).exclude(ends=LastLook.Ends.POOL).update(again_at=now)

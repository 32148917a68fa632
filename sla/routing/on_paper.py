"""Where a decision is in shadow: it is written on paper, under the lock under which it would have been an offer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from leads import holding
from scoring.models import Episode, Lane, OpenedBy
from sla.handoffs import moves, room
from sla.models import Shadow
from sla.routing import deciding, looks, matters, signaling, turns
from sla.routing.books import Books
from sla.routing.deciding import Decision
from sla.routing.matters import Matter
from sla.shadow import paper, standing


def is_live(decision: Decision, matter: Matter) -> bool:
    """Whether this is an offer for real. Else it is written on paper; or left to the next round, which asks anew,
    because the rep's last room on paper was taken in another team, or the turn by another lead of the same page.
    """
    episode = matter.episode
    if decision.shadow is None:
        if matter.books.shadows:
            paper.go_live(episode, ended_as=paper.EndedAs.LIVE, why="live", now=decision.at)
        return True
    chosen, team, _, version = decision.offer
    if not _is_their_turn(decision) or not _can_take(decision, matter.books):
        return False
    made = paper.offer(
        episode,
        decision.shadow,
        to=chosen.rep.user,
        team=team,
        rule=decision.rule,
        policy_version=version,
        now=decision.at,
        why=decision.why,
        trace=decision.trace(),
        override=decision.override,
    )
    turn = decision.turn
    if turn is not None and turn.rotation is not None and turn.span is not None:
        turn.rotation.take(turn.span, chosen.rep, episode_id=episode.pk, now=decision.at)
        turns.write([turn.rotation], {episode.pk: made})
    return False


def _is_their_turn(decision: Decision) -> bool:
    """Whether the rotation on paper stands as it did when it decided; what is on paper is not counted on in a page."""
    turn = decision.turn
    if turn is None or turn.rotation is None or turn.span is None:
        return True
    return turn.rotation.span(turn.span.weights) == turn.span


def _can_take(decision: Decision, books: Books) -> bool:
    """Whether the chosen rep is still there with room on paper, counted again under the lock of a live offer."""
    user, at = decision.offer.chosen.rep.user_id, decision.at
    try:
        rep = moves.lock_rep(user)
    except moves.InactiveRep:
        return False
    if moves.is_away(rep, now=at):
        return False
    here = room.room_of(rep, now=at)
    today = here.today
    if today is not None:
        today += standing.offered_since(books.midnight(at), [user]).get(user, 0)
    load = here.load + standing.loads([user], now=at).get(user, 0)
    return decision.override is not None or not replace(here, load=load, today=today).is_full


def found_nobody(episode: Episode, decision: Decision, *, now: datetime) -> None:
    """Nobody can take it: in shadow it waits on paper; where it stood there and is live now, for real."""
    if decision.shadow is None:
        paper.go_live(episode, ended_as=paper.EndedAs.LIVE, why="live", now=now)
        return
    why = looks.why_of(decision)
    paper.nobody(episode, decision.shadow, ends=decision.ends.value, why=why, team=decision.team, now=now)


def begins(episode: Episode, *, now: datetime) -> bool:
    """Whether a matter that has just opened, or waits and was never handed over, is on paper from now on.

    It is where everything runs in shadow, or the rule or team to which it would go now. Then no assign clock runs.
    """
    shadow = shadow_of(episode, now=now)
    if shadow is None:
        return False
    paper.take(episode, shadow, now=now)
    if episode.lane == Lane.SIGNAL:
        signaling.hand_over(episode, episode.lead, now=now)
    elif episode.opened_by == OpenedBy.SPLIT:
        holding.hold(episode.lead, user=None, team=None, now=now)
    return True


def shadow_of(episode: Episode, *, now: datetime) -> Shadow | None:
    """The shadow in which this episode would be routed now; None where it would go to somebody for real."""
    books = Books(now)
    if not books.shadows or standing.began_live(episode.pk):
        return None
    if books.shadows.whole is not None:
        return books.shadows.whole
    if episode.lane == Lane.SIGNAL:
        person = signaling.next_in_line(episode, episode.lead, now=now)
        return books.shadows.of(None, person.team.pk) if person is not None else None
    (matter,) = matters.read([(episode, episode.lead)], now=now, books=books)
    return deciding.look(matter, now=now).shadow

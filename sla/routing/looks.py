"""Why an episode waits: what came of the last look at it, kept for the board, and told to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from leads.models import Team
from scoring.models import Episode, Phase
from sla.models import LastLook, PaperMatter
from sla.routing import candidates, deciding, waiting
from sla.routing.deciding import Decision, decide
from sla.routing.ends import Ends
from sla.shadow import standing

AGAIN_AFTER: Final = timedelta(minutes=1)
# What waits in the pool waits for a person.
NOT_BY_ITSELF: Final = timedelta(days=366)

Why = Mapping[str, Any]


class Waiting(NamedTuple):
    """Why it waits: held, decision, pool, no_rule, nobody, no_policy, paper or next, and a sentence for people."""

    code: str
    sentence: str


UNDO: Final = "Held for a moment, so that the last verdict can still be undone."
DECISION: Final = "Its rep has left, and a manager decides where it goes."
PAPER: Final = "paper"
NEXT: Final = Waiting("next", "Next in line; it is offered within seconds.")


def keep(decisions: Sequence[tuple[Episode, Decision]], *, now: datetime) -> None:
    """Write why nobody was offered these episodes now, and when to look again."""
    LastLook.objects.bulk_create(
        [
            LastLook(
                episode=episode,
                ends=decision.ends.value,
                why=why_of(decision),
                team=decision.team,
                rule=decision.rule,
                looked_at=now,
                again_at=_again(decision, now=now),
            )
            for episode, decision in decisions
        ],
        update_conflicts=True,
        unique_fields=["episode"],
        update_fields=["ends", "why", "team", "rule", "looked_at", "again_at"],
    )


def _again(decision: Decision, *, now: datetime) -> datetime:
    again = now + (NOT_BY_ITSELF if decision.ends == Ends.POOL else AGAIN_AFTER)
    return again if decision.held_until is None else min(again, decision.held_until)


def look_again(*, now: datetime, episode: Episode | None = None) -> None:
    """Something changed for one episode, or for all (rules, people): they are looked at again in the next round."""
    looks = LastLook.objects.filter(again_at__gt=now)
    (looks if episode is None else looks.filter(episode=episode)).update(again_at=now)


def why_waiting(episode: Episode, *, now: datetime) -> Waiting | None:
    """Why this episode waits, as things stand now; None where it does not."""
    if episode.phase != Phase.WAITING:
        return None
    matter = standing.matter_of(episode.pk)
    if matter is not None:
        return Waiting(PAPER, _on_paper(matter))
    decision = decide(episode, episode.lead, now=now)
    if decision.ends == Ends.OFFER:
        return NEXT
    why = why_of(decision)
    return Waiting(decision.ends.value, _sentence(decision.ends, why, _names([why])))


def why_all_wait(episodes: Iterable[Episode], *, now: datetime) -> dict[int, Waiting]:
    """Why each of these waits, as it was found when routing last looked, in a fixed number of questions."""
    listed = [episode for episode in episodes if episode.phase == Phase.WAITING]
    looks = LastLook.objects.filter(episode__in=listed).in_bulk()
    names = _names(look.why for look in looks.values())
    ids = [episode.pk for episode in listed]
    pooled, left = waiting.pooled(ids), waiting.left(ids)
    found = {}
    for episode in listed:
        look = looks.get(episode.pk)
        if episode.route_not_before is not None and episode.route_not_before > now:
            found[episode.pk] = Waiting(Ends.HELD, UNDO)
        elif episode.pk in left:
            found[episode.pk] = Waiting(Ends.DECISION, DECISION)
        elif episode.pk in pooled:
            why = {"nobody": {}, "unanswered": pooled[episode.pk]}
            found[episode.pk] = Waiting(Ends.POOL, _sentence(Ends.POOL, why, names))
        elif look is not None and episode.waiting_since is not None and look.looked_at >= episode.waiting_since:
            found[episode.pk] = Waiting(look.ends, _sentence(Ends(look.ends), look.why, names))
        else:
            found[episode.pk] = NEXT
    return found


def why_of(decision: Decision) -> dict[str, Any]:
    """What is kept of a look that ended in no offer: codes, counts and keys; no name and no word of the lead's."""
    told = {}
    for each in decision.tried:
        if each.result == "nobody eligible":
            told[str(each.team.pk)] = dict(each.counted) if each.counted is not None else None
    kept: dict[str, Any] = {"nobody": told}
    if decision.held_until is not None:
        kept["held_until"] = decision.held_until.isoformat()
    if decision.ends == Ends.HELD and decision.why == deciding.UNDO:
        kept["undo"] = True
    if decision.unanswered is not None:
        kept["unanswered"] = decision.unanswered
    if decision.ends == Ends.NO_POLICY:
        kept["sentence"] = decision.why
    return kept


def _names(whys: Iterable[Why]) -> dict[str, str]:
    ids = {int(team) for why in whys for team in why.get("nobody", {})}
    return {str(team.pk): str(team) for team in Team.objects.filter(pk__in=ids)} if ids else {}


def _sentence(ends: Ends, why: Why, names: Mapping[str, str]) -> str:
    told = " ".join(_nobody(names.get(team, "A former team"), counted) for team, counted in why["nobody"].items())
    if ends == Ends.POOL:
        if "unanswered" not in why:
            return f"{told} It waits in the pool for whoever asks for the next one."
        offered = why["unanswered"]
        times = "once" if offered == 1 else f"{offered} times"
        said = f"Offered {times} without an answer" if offered else "The ladder of its policy says so"
        return f"{said}. It waits in the pool for whoever asks for the next one."
    if ends == Ends.HELD:
        if why.get("undo"):
            return UNDO
        until = why.get("held_until")
        return f"Held until {f'{datetime.fromisoformat(until):%-d %b, %H:%M} UTC' if until else 'somebody can'}. {told}"
    if ends == Ends.DECISION:
        return DECISION
    if ends == Ends.NO_RULE:
        return "No routing rule holds for this lead. Add one with an empty condition, as the last."
    if ends == Ends.NO_POLICY:
        return str(why["sentence"])
    return f"Nobody can take it now. {told}"


def _on_paper(matter: PaperMatter) -> str:
    """What came of it on paper."""
    of = f"{matter.shadow} runs in shadow"
    offer = getattr(matter, "offer", None)
    if offer is not None:
        return f"On paper: {of}. It would have been offered to {offer.user} of {offer.team}, and nobody was told."
    if not matter.nobody_looks:
        return f"On paper: {of}, and nobody is told."
    why = {"nobody": {}} | matter.nobody_why
    ends = Ends(matter.nobody_ends)
    return f"On paper: {of}, and nobody is told. {_sentence(ends, why, _names([why]))}"


def _nobody(team: str, counted: Mapping[str, int] | None) -> str:
    """Why nobody of a team can take it."""
    if counted is None:
        return f"{team} has no desk, so it takes no leads."
    if not counted:
        return f"{team} has no reps."
    return f"{team}: {', '.join(f'{count} {candidates.IN_WORDS[code]}' for code, count in counted.items())}."

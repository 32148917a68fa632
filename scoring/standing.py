"""Standing leads: who meets a definition by old evidence waits in a list until a person releases or dismisses them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from leads.errors import Refused
from leads.marking import mark
from leads.models import User
from leads.transactions import business
from scoring import episodes, judging
from scoring.deciding import STOOD_DOWN
from scoring.models import ClosedAs, Episode, Lane, OpenedBy, Qualification


class NotWaiting(Refused):
    """This standing lead no longer waits, or no longer meets its definition."""

    code = "not_waiting"


@business
def release(qualification_id: int, *, now: datetime, by: User) -> Episode:
    """Let one standing lead go to sales: its episode opens and its clocks start now, not when it acted.

    Where a colleague's matter is open that is as hot, it joins that one instead, and that one is returned.
    Raises NotWaiting where someone settled it before, it meets the version in force no longer, or an episode is open.
    """
    lead = episodes.lock_to_qualify(Qualification.objects.only("lead_id").get(pk=qualification_id).lead_id)
    standing = (
        Qualification.objects.select_for_update().select_related("version", "definition").get(pk=qualification_id)
    )
    if not standing.waiting:
        raise NotWaiting("Somebody has already settled this one.")
    rows = judging.judge([lead.pk], standing.version, as_of=now, present=True)
    if not rows or not (rows[0]["meets"] or rows[0]["hand_raised"]):
        raise NotWaiting("This lead no longer meets the definition. Dismiss it, or wait for new evidence.")
    if lead.rest_until is not None and lead.rest_until > now:
        raise NotWaiting("This lead is resting and comes back by itself.")
    host = episodes.host_for(lead) if episodes.open_for(lead.pk) is None else None
    if host is not None and not episodes.is_hotter(standing.tier, host.tier):
        episodes.join(host, lead, qualification=standing, now=now, by=by)
        return host
    return episodes.open_episode(
        lead,
        qualification=standing,
        definition=standing.definition,
        version=standing.version,
        tier=standing.tier,
        lane=Lane.NORMAL,
        opened_by=OpenedBy.RELEASE,
        opened_at=now,
        split_from=host,
        now=now,
        by=by,
    )


@business
def stand_down(episode: Episode, *, why: str, now: datetime, by: User | None) -> None:
    """End a waiting matter that nobody was told of: everybody in it is judged anew, and who still meets a bar stands.

    What came before this moment is no news any more, so it waits for release; new evidence opens a matter as ever.
    Lead, colleagues and episode are locked by the caller. Raises EpisodeRefused where it has ended.
    """
    members = list(episode.members.filter(left_at=None).values_list("lead_id", flat=True))
    episodes.close(episode, ClosedAs.WITHDRAWN, now=now, by=by, detail={"why": why, STOOD_DOWN: True})
    mark(members, now=now)


@business
def dismiss(qualification_ids: Iterable[int], *, now: datetime, by: User) -> int:
    """Take standing leads off the list; new evidence may bring them again. Returns how many waited."""
    waiting = Qualification.objects.filter(pk__in=list(qualification_ids), waiting=True)
    return waiting.update(waiting=False, settled_as=Qualification.Settled.DISMISSED, settled_at=now, settled_by=by)

"""What was before: to whom these people were offered, who said no, who has a colleague. Read once for many.

Who was asked to close has no part in it: sales is routed by what sales did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db.models import Q

from leads.models import Lead, RestChange, Team
from scoring.models import Episode, Lane, OpenedBy
from sla.clocks import ladder
from sla.models import Handoff, State


class Offered(NamedTuple):
    """One offer of a person, of this matter or another."""

    lead_id: int
    episode_id: int
    user_id: int
    team_id: int
    state: str
    offered_at: datetime
    pk: int


class Past:
    """The past of some leads and their matters; who is only on paper has none."""

    def __init__(self, matters: Iterable[tuple[Episode, Lead]]) -> None:
        self._matters = list(matters)

    def offers_of(self, episode: Episode) -> list[tuple[int, str]]:
        """To whom this episode was offered before, and how each offer stands."""
        return [(each.user_id, each.state) for each in self._by_episode.get(episode.pk, ())]

    def who_rejected(self, lead: Lead) -> frozenset[int]:
        """The users who rejected this person, in whatever matter."""
        return frozenset(each.user_id for each in self._by_lead.get(lead.pk, ()) if each.state == State.REJECTED)

    def last_of(self, lead: Lead, episode: Episode) -> int | None:
        """Who had this person last in another matter; None where they rejected them, then or at any other time."""
        others = (each for each in self._by_lead.get(lead.pk, ()) if each.episode_id != episode.pk)
        last = max(others, key=lambda each: (each.offered_at, each.pk), default=None)
        return None if last is None or last.user_id in self.who_rejected(lead) else last.user_id

    def team_in(self, lead: Lead, user_id: int) -> int | None:
        """The team in which this person was offered the lead last."""
        teams = [each.team_id for each in self._by_lead.get(lead.pk, ()) if each.user_id == user_id]
        return teams[-1] if teams else None

    def beside(self, episode: Episode, lead: Lead) -> int | None:
        """Who has the matter of a colleague beside which this one opened, or that opened beside this one."""
        user_id = self._beside.get(episode.pk) if episode.pk is not None else None
        return None if user_id in self.who_rejected(lead) else user_id

    def promised_by(self, lead: Lead) -> int | None:
        """Who promised to call on a date the person named."""
        return self._promised.get(lead.pk)

    def asked_teams(self, episode: Episode) -> Sequence[Team]:
        """The teams that a ladder has asked as well since it waits, in the order in which they were asked."""
        return self._asked.get(episode.pk, ())

    def users(self) -> set[int]:
        """Everybody who may be asked for as a person: by what was before, or as the account's owner."""
        found = {self.last_of(lead, episode) for episode, lead in self._matters}
        found |= {self.beside(episode, lead) for episode, lead in self._matters}
        found |= {self.promised_by(lead) for _, lead in self._matters}
        found |= {lead.account.owner_id for _, lead in self._matters if lead.account is not None}
        return {user_id for user_id in found if user_id is not None}

    @cached_property
    def _ids(self) -> list[int]:
        return [episode.pk for episode, _ in self._matters if episode.pk is not None]

    @cached_property
    def _by_lead(self) -> dict[int, list[Offered]]:
        leads = [lead.pk for _, lead in self._matters if lead.pk is not None]
        found: dict[int, list[Offered]] = {}
        if leads:
            rows = Handoff.objects.of_sales().filter(episode__lead__in=leads).order_by("pk")
            fields = ("episode__lead", "episode", "user", "team", "state", "offered_at", "pk")
            for row in rows.values_list(*fields):
                found.setdefault(row[0], []).append(Offered(*row))
        return found

    @cached_property
    def _by_episode(self) -> dict[int, list[Offered]]:
        found: dict[int, list[Offered]] = {}
        for offers in self._by_lead.values():
            for each in offers:
                found.setdefault(each.episode_id, []).append(each)
        return found

    @cached_property
    def _beside(self) -> dict[int, int]:
        """By episode; of several colleagues' matters the oldest hand-off."""
        opened_from = {
            episode.pk: episode.split_from_id for episode, _ in self._matters if episode.split_from_id is not None
        }
        linked = Q(episode__split_from__in=self._ids) | Q(episode__in=list(opened_from.values()))
        found: dict[int, int] = {}
        if not self._ids:
            return found
        held = Handoff.objects.of_sales().open().filter(linked).exclude(lane=Lane.SIGNAL).order_by("pk")
        for of, split_from, user_id in held.values_list("episode", "episode__split_from", "user"):
            for pk in self._ids:
                if pk == split_from or opened_from.get(pk) == of:
                    found.setdefault(pk, user_id)
        return found

    @cached_property
    def _promised(self) -> dict[int, int]:
        dated = [lead.pk for episode, lead in self._matters if episode.opened_by == OpenedBy.DATE and lead.pk]
        rests = RestChange.objects.filter(lead__in=dated, callback_user__isnull=False) if dated else None
        return dict(rests.order_by("pk").values_list("lead", "callback_user")) if rests is not None else {}

    @cached_property
    def _asked(self) -> dict[int, list[Team]]:
        return ladder.teams_asked(self._ids) if self._ids else {}

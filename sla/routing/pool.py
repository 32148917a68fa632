"""What of the pool one rep may take, in the order of the line, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leads.models import Team
from scoring.models import Episode
from sla import matching
from sla.clocks import ladder
from sla.models import Handoff, Rep, RoutingRule, State
from sla.routing import candidates, choosing, deciding, waiting
from sla.routing.books import Books
from sla.routing.candidates import Asked, Numbers
from sla.routing.deciding import Tried

PAGE: Final = 500
NOT_THEIRS: Final = "not theirs"
# Having no room does not change what somebody may take.
THEIRS: Final = frozenset({candidates.ELIGIBLE, candidates.HAD_IT} | candidates.OVER)


@dataclass(frozen=True)
class Way:
    """One matter of the pool, and how it comes to the rep: in which team, by which rule, and what that asks of them."""

    episode_id: int
    lead_id: int
    team: Team
    rule: RoutingRule | None
    asked: Asked
    tried: tuple[Tried, ...]


@dataclass(frozen=True)
class _Known:
    """What is read once for a page: offers made before by episode, teams asked as well, whom the rep rejected."""

    offers: Mapping[int, Sequence[tuple[int, str, int]]]
    asked: Mapping[int, Sequence[Team]]
    rejected: frozenset[int]


def line(rep: Rep, *, now: datetime, only: int | None = None) -> Iterator[Way]:
    """What this rep of `candidates.reps_at` may take, the top first; of one episode only, where that is asked.

    Theirs is what the rules that hold would give to a team of theirs, and what they have the skills and languages for;
    further what a ladder asked their team for, and where no rule holds any more, what their team had last. Never what
    they said no to. Read without locks, in a fixed number of questions for each page.
    """
    teams = {team.pk: team for team in Team.objects.filter(memberships__user=rep.user_id, desk__isnull=False)}
    if not teams:
        return
    found = waiting.pool(now=now)
    found = found if only is None else found.filter(pk=only)
    books = Books(now)
    ids = list(found.values_list("pk", flat=True))
    for start in range(0, len(ids), PAGE):
        yield from _of_page(ids[start : start + PAGE], rep, teams, books.rules)


def _of_page(page: Sequence[int], rep: Rep, teams: Mapping[int, Team], rules: Sequence[RoutingRule]) -> Iterator[Way]:
    rows = Episode.objects.select_related("lead__account", "definition").in_bulk(page)
    episodes = [rows[pk] for pk in page if pk in rows]
    values = [matching.values_of(episode, episode.lead) for episode in episodes]
    held = matching.which_hold_for_each(values, [rule.condition for rule in rules])
    known = _known(episodes, rep)
    for episode, said, holds in zip(episodes, values, held, strict=True):
        way = _way(episode, said, list(zip(rules, holds, strict=True)), rep, teams, known)
        if way is not None:
            yield way


def _known(episodes: Sequence[Episode], rep: Rep) -> _Known:
    offers: dict[int, list[tuple[int, str, int]]] = {}
    made = (
        Handoff.objects.of_sales().filter(episode__in=episodes).only("episode", "user", "state", "team").order_by("hop")
    )
    for offer in made.only("episode", "user", "state", "team"):
        offers.setdefault(offer.episode_id, []).append((offer.user_id, offer.state, offer.team_id))
    leads = [episode.lead_id for episode in episodes]
    rejected = Handoff.objects.of_sales().filter(user=rep.user_id, state=State.REJECTED, episode__lead__in=leads)
    asked = ladder.teams_asked([episode.pk for episode in episodes])
    return _Known(offers, asked, frozenset(rejected.values_list("episode__lead", flat=True)))


def _way(
    episode: Episode,
    values: Mapping[str, Any],
    rules: Sequence[tuple[RoutingRule, bool]],
    rep: Rep,
    teams: Mapping[int, Team],
    known: _Known,
) -> Way | None:
    """The first way on which this matter comes to the rep; None where it is not theirs."""
    offers = known.offers.get(episode.pk, [])
    numbers = Numbers({}, {}, [(user, state) for user, state, _ in offers])
    me = frozenset({rep.user_id}) if episode.lead_id in known.rejected else frozenset()
    tried: list[Tried] = []
    asked = Asked()
    for rule, holds in rules:
        if not holds:
            tried.append(Tried(rule, deciding.DOES_NOT_HOLD, rule.team))
            continue
        guarded = rule.previous != RoutingRule.Previous.ANYONE
        asked = choosing.asks(rule, values, barred=me if guarded else frozenset())
        team = next((teams[each.pk] for each in _teams_of(rule) if each.pk in teams), None)
        if team is not None and candidates.judge(rep, numbers, asked).code in THEIRS:
            return _found(episode, team, rule, asked, (*tried, Tried(rule, deciding.CHOSEN, team)))
        tried.append(Tried(rule, NOT_THEIRS, rule.team))
        if rule.if_nobody != RoutingRule.IfNobody.NEXT_RULE:
            break
    others = [each.pk for each in known.asked.get(episode.pk, [])]
    if offers and not any(holds for _, holds in rules):
        others.append(offers[-1][2])
    team = next((teams[pk] for pk in others if pk in teams), None)
    if team is None or candidates.judge(rep, numbers, Asked()).code not in THEIRS:
        return None
    return _found(episode, team, None, Asked(), tuple(tried))


def _found(episode: Episode, team: Team, rule: RoutingRule | None, asked: Asked, tried: tuple[Tried, ...]) -> Way:
    return Way(episode.pk, episode.lead_id, team, rule, asked, tried)


def _teams_of(rule: RoutingRule) -> list[Team]:
    """The teams whom a rule asks."""
    if rule.if_nobody == RoutingRule.IfNobody.FALLBACK and rule.fallback_team is not None:
        return [rule.team, rule.fallback_team]
    return [rule.team]

"""A floor on which something happened, for those who count it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from leads.models import Lead, Team
from leads.transactions import business
from scoring import episodes
from scoring.models import ClosedAs, Episode, Tier
from sla import handoffs, touches
from sla.attainment.weeks import WEEK
from sla.models import Desk, Handoff, Touch
from sla.routing import reassigning
from tests.desk import Company, company, define, rep_in

NOW = datetime(2026, 3, 11, 15, 0, tzinfo=UTC)  # a Wednesday


def touch(handoff: Handoff, at: datetime) -> None:
    """A person called; a machine told of it."""
    touches.record(
        handoff.episode.lead.pk,
        means=Touch.Means.CALL,
        outcome=Touch.Outcome.REACHED,
        performed_by=handoff.user,
        recorded_by=handoff.user,
        occurred_at=at,
        now=at,
    )


def moved_on(firm: Company, handoff: Handoff, *, at: datetime) -> Handoff:
    """Their manager gave it to Ada."""
    made = reassigning.reassign(handoff.pk, to=firm.ada.user, reason="Ada knows them", by=firm.manager, now=at)
    assert made is not None
    return made


def floor(seed: int, now: datetime) -> Company:
    """Five weeks of what may happen, by chance."""
    dice = random.Random(seed)  # noqa: S311  (dice, not a secret)
    firm = company(now - 6 * WEEK)
    other = Team.objects.create(name="East")
    zoe = rep_in(other, "Zoe East")
    Desk.objects.create(team=other, calendar=Desk.objects.get(team=firm.team).calendar)
    second, version = define(now=now - 6 * WEEK, name="PQL")
    for _ in range(16):
        at = now - timedelta(minutes=dice.randrange(1, 5 * 7 * 1440))
        lead = firm.lead(now=at, source=dice.choice(["", "linkedin", "webinar"]), is_test=dice.random() < 0.15)
        if dice.random() < 0.3:
            firm.definition, firm.version, second, version = second, version, firm.definition, firm.version
        episode = firm.episode(lead, now=at, tier=dice.choice(Tier.values), fast=dice.random() < 0.2)
        at += timedelta(minutes=dice.randrange(0, 40))
        if dice.random() < 0.1:
            continue
        rep = dice.choice([firm.ben, firm.ada, zoe])
        team, firm.team = firm.team, other if rep is zoe else firm.team
        handoff = firm.offer(episode, now=at, rep=rep)
        firm.team = team
        at += timedelta(minutes=dice.randrange(1, 2 * 1440))
        what = dice.choice(["nothing", "touch", "touch", "accept", "reject", "merged"])
        if what == "touch":
            touch(handoff, at)
        elif what == "accept" and handoff.state == "offered":
            handoffs.accept(handoff.pk, by=rep.user, now=at)
        elif what == "reject" and handoff.state == "offered":
            handoffs.reject(handoff.pk, reason="bad_contact", note="", by=rep.user, now=at)
        elif what == "merged":
            close(episode, at)
    return firm


@business
def close(episode: Episode, at: datetime) -> None:
    """As merging does with the matter that does not stay."""
    Lead.objects.select_for_update().get(pk=episode.lead_id)
    episodes.close(Episode.objects.get(pk=episode.pk), ClosedAs.MERGED, now=at)

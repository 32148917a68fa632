"""A company with something of everything in it, for those who only look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from leads.models import Lead, Role, User
from scoring.assessment import assess
from scoring.models import Tier
from sla import contests, handoffs, routing
from sla.attainment import moments
from sla.models import Handoff, RoutingRule, Shadow
from sla.shadow import switches
from sla.telling import links
from tests.desk import Company, act, company, person


@dataclass
class LivedIn:
    """Who and what there is to see."""

    firm: Company
    rep: User
    manager: User
    revops: User
    lead: Lead  # with all there is to see, on offer to the rep
    shadow: Shadow
    answering: str  # the page to which the buttons of the mail about that lead lead


def settle(now: datetime) -> LivedIn:
    """Let it live until now."""
    firm = company(now)
    lead = _busy(firm, now)
    offer = Handoff.objects.get(episode__lead=lead)
    answering = links.link(offer, offer.user, now=now).removeprefix(settings.BASE_URL)
    return LivedIn(
        firm,
        rep=firm.ben.user,
        manager=firm.manager,
        revops=person(Role.REVOPS, "Rita Ops"),
        lead=lead,
        shadow=_on_paper(firm, now),
        answering=answering,
    )


def _busy(firm: Company, now: datetime) -> Lead:
    _weeks_before(firm, now)
    firm.to_close(firm.closer(), now=now)
    firm.accepted(now=now)
    firm.offered(now=now - timedelta(minutes=40), tier=Tier.HOT)
    done = firm.offered(now=now)
    handoffs.reject(done.pk, reason="bad_contact", note="bounced", by=firm.ben.user, now=now)
    _contested(firm, now)
    routing.route(firm.episode(firm.lead(now=now), now=now).pk, now=now)
    firm.episode(firm.lead(now=now), now=now)
    lead = firm.lead(now=now, title="VP Sales", phone="+1 212 555 0142", source="linkedin")
    for name in ("Visited Pricing Page", "Visited Pricing Page", "Visited Careers Page", "Started Free Trial"):
        act(lead, name, at=now)
    assess(now=now)
    firm.offer(lead.episodes.get(), now=now)
    return lead


def _weeks_before(firm: Company, now: datetime) -> None:
    """Answered a week and two ago, and the floor as it was counted a week ago."""
    for weeks in (2, 1):
        then = now - timedelta(weeks=weeks)
        said_no = firm.offered(now=then)
        handoffs.reject(
            said_no.pk, reason="bad_contact", note="bounced", by=firm.ben.user, now=then + timedelta(minutes=5)
        )
    moments.keep(now=now - timedelta(weeks=1))


def _contested(firm: Company, now: datetime) -> None:
    """One rejection that marketing contests, and one that was overturned."""
    theo, before = person(Role.MARKETING, "Theo Marsh"), now - timedelta(minutes=40)
    for is_overturned in (False, True):
        said_no = firm.offered(now=before)
        handoffs.reject(said_no.pk, reason="bad_contact", note="It bounced.", by=firm.ben.user, now=before)
        made = contests.contest(said_no.pk, words="They wrote from that very address.", by=theo, now=now)
        if is_overturned:
            contests.overturn(made.pk, why="They did.", to=firm.ada.user, by=firm.manager, now=now)


def _on_paper(firm: Company, now: datetime) -> Shadow:
    """A rule in shadow for the second time: one lead offered on paper, one that nobody could take."""
    hot = {"field": "episode.tier", "op": "is", "value": "hot"}
    rule = RoutingRule.objects.create(name="Hot ones", team=firm.team, position=-1, condition=hot)
    before = switches.begin(rule=rule, why="", now=now, by=None)
    switches.go_live(before.pk, ending=Shadow.Ending.STAND, now=now, by=None)
    shadow = switches.begin(rule=rule, why="To see whom it hurts", now=now, by=firm.manager)
    routing.route(firm.episode(firm.lead(now=now), now=now, tier=Tier.HOT).pk, now=now)
    RoutingRule.objects.filter(pk=rule.pk).update(needs_skills=["Welsh"])
    routing.route(firm.episode(firm.lead(now=now), now=now, tier=Tier.HOT).pk, now=now)
    return shadow

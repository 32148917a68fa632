"""What happens beside the matter: another definition, a colleague, old news."""

from __future__ import annotations

from leads import nurture
from leads.models import Lead, Outcome, Stage
from scoring import publishing, standing
from scoring.models import Episode, Lane, Phase, Qualification, Tier
from sla import handoffs
from sla.models import Handoff
from tests import desk
from tests.desk import act
from tests.episode.matter import MINUTE, Matter
from tests.episode.table import ACCEPTED, DONE, OFFERED, RESTING, WAITING, case

# ---- definitions, imports


def _second_definition(matter: Matter) -> Qualification | None:
    """A definition by which the same engagement is hot."""
    definition, _ = desk.define(now=matter.now, name="Product", warm_min=10_000, hot_min=40_000)
    matter.act("Started Free Trial")
    return Qualification.objects.filter(lead=matter.lead, definition=definition).first()


@case("a second definition is met", WAITING, OFFERED, ACCEPTED)
def a_second_definition_is_added_and_the_first_rules(matter: Matter) -> None:
    episode = matter.episode
    added = _second_definition(matter)
    assert added is not None
    assert added.episode == episode
    assert Episode.objects.filter(lead=matter.lead).count() == 1
    assert (matter.episode.definition, matter.episode.version) == (matter.house.definition, matter.house.version)
    assert matter.episode.tier == Tier.HOT
    if matter.column != WAITING:
        assert matter.handoff.tier == Tier.HOT


@case("a second definition is met", RESTING, DONE)
def a_second_definition_opens_nothing_in_rest_or_after(matter: Matter) -> None:
    before = matter.picture()
    _second_definition(matter)
    assert matter.picture() == before


# ---- another lead of the account


def _colleague_qualifies(matter: Matter, name: str = "Visited Pricing Page") -> tuple[Lead, Episode]:
    lead = matter.house.colleague(matter.lead, now=matter.now)
    Episode.objects.filter(lead=matter.lead).update(account=lead.account)
    act(lead, name, at=matter.now)
    matter.assess()
    lead.refresh_from_db()
    return lead, Episode.objects.get(members__lead=lead, closed_at=None)


@case("another lead of the account qualifies", WAITING, OFFERED, ACCEPTED)
def a_colleague_joins_and_follows_the_verdict(matter: Matter) -> None:
    before = matter.picture()
    colleague, episode = _colleague_qualifies(matter)
    assert episode == matter.episode
    assert Qualification.objects.get(lead=colleague).episode == episode
    after = matter.picture()
    assert after | {"letters": 0} == before | {"letters": 0}
    assert colleague.stage == matter.lead.stage
    if matter.column == WAITING:
        matter.route()
        colleague.refresh_from_db()
    assert colleague.holder == matter.rep
    hotter, own = _colleague_qualifies(matter, "Requested Demo")
    assert (own.lead, own.lane) == (hotter, Lane.FAST)
    assert Handoff.objects.get(episode=own).user == matter.rep
    if matter.column == ACCEPTED:
        handoffs.convert(matter.handoff.pk, by=matter.rep, now=matter.now)
    else:
        handoffs.reject(matter.handoff.pk, reason="bad_contact", by=matter.rep, now=matter.now)
    colleague.refresh_from_db()
    matter.lead.refresh_from_db()
    assert colleague.stage == matter.lead.stage
    followed = Outcome.objects.filter(lead=colleague, is_colleague=True)
    assert followed.latest("pk").kind == Outcome.objects.filter(lead=matter.lead).latest("pk").kind
    assert Lead.objects.get(pk=hotter.pk).stage == Stage.SAL


@case("another lead of the account qualifies", RESTING, DONE)
def a_colleague_of_who_rests_or_is_done_opens_its_own(matter: Matter) -> None:
    before = matter.picture()
    colleague, episode = _colleague_qualifies(matter)
    assert (episode.lead, episode.split_from) == (colleague, None)
    assert matter.picture() == before


def _publish(matter: Matter) -> None:
    version = publishing.draft(matter.house.definition, now=matter.now, by=None)
    version.engagement_min = version.engagement_leave = 10_000
    version.save()
    publishing.publish(version, now=matter.now, by=None)
    matter.assess()


@case("import, replay, publish", WAITING)
def what_is_imported_stands_until_released(matter: Matter) -> None:
    before = matter.picture()
    _old_news(matter)
    assert matter.picture() == before
    lead = matter.house.lead(now=matter.now)
    act(lead, "Visited Pricing Page", at=matter.now, origin="import")
    matter.assess()
    stands = Qualification.objects.get(lead=lead)
    assert (stands.kind, stands.waiting) == ("standing", True)
    assert not Episode.objects.filter(lead=lead).exists()
    episode = standing.release(stands.pk, now=matter.now, by=matter.house.manager)
    assert (episode.phase, episode.opened_at) == (Phase.WAITING, matter.now)


def _old_news(matter: Matter) -> None:
    for origin in ("import", "replay"):
        matter.act("Started Free Trial", origin=origin)
    _publish(matter)


@case("import, replay, publish", OFFERED, ACCEPTED, DONE)
def old_news_has_no_effect(matter: Matter) -> None:
    before = matter.picture()
    _old_news(matter)
    assert matter.picture() == before


@case("import, replay, publish", RESTING)
def old_news_after_a_rest_stands(matter: Matter) -> None:
    nurture.end_rest(matter.lead, now=matter.now, cause="test")
    matter.pass_time(MINUTE)
    _old_news(matter)
    assert matter.stands == RESTING
    assert Qualification.objects.filter(lead=matter.lead, waiting=True).count() == 1

"""What ends a matter from outside: disqualified, unreachable, merged, erased, bought, a deal."""

from __future__ import annotations

from leads import erasing, merging
from leads.models import Lead, Notification, Outcome, Stage
from scoring.models import ClosedAs, Episode, Phase
from sla import handoffs, touches
from sla.models import Clock, Handoff, State, Target
from tests.desk import clock_of, learn
from tests.episode.matter import DAY, HOUR, Matter
from tests.episode.table import ACCEPTED, DONE, OFFERED, RESTING, WAITING, case

# ---- disqualifier, all channels closed, merged away, erased


def _disqualify(matter: Matter) -> None:
    learn(matter.lead, "domain_kind", "student", at=matter.now)
    matter.assess()


def _close_channels(matter: Matter) -> None:
    learn(matter.lead, "email_permission", "refused", at=matter.now)
    learn(matter.lead, "phone_permission", "refused", at=matter.now)
    matter.assess()


def _is_withdrawn(matter: Matter) -> None:
    assert (matter.episode.closed_as, matter.lead.stage) == (ClosedAs.WITHDRAWN, Stage.LEAD)
    assert not Clock.objects.filter(episode=matter.episode, verdict="").exists()
    if matter.column == OFFERED:
        assert matter.handoff.state == State.WITHDRAWN
        assert matter.lead.holder is None
        assert matter.told("withdrawn") == 1


def _is_for_the_rep_to_decide(matter: Matter) -> None:
    assert (matter.stands, matter.handoff.state) == (ACCEPTED, State.ACCEPTED)
    assert matter.episode.withdrawn_at == matter.now
    assert clock_of(matter.handoff, Target.FIRST_TOUCH).is_running
    assert matter.told("disqualified") == 1


@case("disqualifier", WAITING, OFFERED)
def a_disqualifier_withdraws(matter: Matter) -> None:
    _disqualify(matter)
    _is_withdrawn(matter)


@case("disqualifier", ACCEPTED)
def a_disqualifier_after_accepting_is_told(matter: Matter) -> None:
    _disqualify(matter)
    _is_for_the_rep_to_decide(matter)


@case("disqualifier", RESTING, DONE)
def a_disqualifier_without_an_episode_moves_nothing(matter: Matter) -> None:
    before = matter.picture()
    _disqualify(matter)
    assert matter.picture() == before


@case("all channels closed", WAITING, OFFERED)
def closing_all_channels_withdraws(matter: Matter) -> None:
    learn(matter.lead, "email_permission", "refused", at=matter.now)
    matter.assess()
    assert matter.stands == matter.column  # the phone is still open
    _close_channels(matter)
    _is_withdrawn(matter)


@case("all channels closed", ACCEPTED)
def closing_all_channels_after_accepting_is_told(matter: Matter) -> None:
    _close_channels(matter)
    _is_for_the_rep_to_decide(matter)


@case("all channels closed", RESTING, DONE)
def closing_all_channels_without_an_episode_moves_nothing(matter: Matter) -> None:
    before = matter.picture()
    _close_channels(matter)
    assert matter.picture() == before


def _merge_away(matter: Matter) -> Lead:
    """Into a lead whose own episode is older, so that this one's ends."""
    winner = matter.house.lead(now=matter.now - DAY)
    matter.house.episode(winner, now=matter.now - HOUR)
    merging.merge(winner.pk, matter.lead.pk, now=matter.now, prefer=winner.pk)
    return winner


@case("merged away", WAITING, OFFERED, ACCEPTED)
def merging_away_closes_the_younger_episode(matter: Matter) -> None:
    episode = matter.episode
    touched = matter.column == ACCEPTED
    if touched:
        matter.touch()
    winner = _merge_away(matter)
    episode.refresh_from_db()
    assert episode.closed_as == ClosedAs.MERGED
    assert not Clock.objects.filter(episode=episode, verdict="").exists()
    stays = Episode.objects.get(members__lead=winner, closed_at=None)
    assert stays.phase == Phase.WAITING
    if matter.column != WAITING:
        assert Handoff.objects.get(episode=episode).state == State.WITHDRAWN
        assert Notification.objects.filter(kind="merged").count() == 1
    assert winner.touches.count() == touched


@case("merged away", RESTING, DONE)
def merging_away_without_an_episode_opens_and_closes_none(matter: Matter) -> None:
    handed = list(Handoff.objects.values_list("pk", "state"))
    winner = matter.house.lead(now=matter.now - DAY)
    merging.merge(winner.pk, matter.lead.pk, now=matter.now, prefer=winner.pk)
    assert not Episode.objects.filter(closed_at=None).exists()
    assert list(Handoff.objects.values_list("pk", "state")) == handed


@case("erased", WAITING, OFFERED, ACCEPTED)
def erasing_closes_the_episode(matter: Matter) -> None:
    if matter.column == ACCEPTED:
        touches.record(
            matter.lead.pk,
            means="call",
            outcome="reached",
            performed_by=matter.rep,
            recorded_by=matter.rep,
            occurred_at=matter.now,
            now=matter.now,
            note="Her son plays chess",
        )
    rep = matter.rep if matter.column != WAITING else None
    erasing.erase(matter.lead.pk, now=matter.now, by=matter.house.manager)
    assert matter.episode.closed_as == ClosedAs.ERASED
    assert not Clock.objects.filter(episode=matter.episode, verdict="").exists()
    if rep is not None:
        assert matter.handoff.state == State.WITHDRAWN
        assert Notification.objects.filter(kind="erased", recipient=rep).count() == 1
    assert set(matter.lead.touches.values_list("note", flat=True)) <= {""}


@case("erased", RESTING, DONE)
def erasing_without_an_episode_keeps_what_was(matter: Matter) -> None:
    before = matter.picture()
    erasing.erase(matter.lead.pk, now=matter.now, by=matter.house.manager)
    after = matter.picture()
    for kept in ("episodes", "handoffs", "clocks"):
        assert after[kept] == before[kept]


# ---- purchase, a deal opened elsewhere


@case("purchase", WAITING, OFFERED, ACCEPTED)
def a_purchase_closes_the_episode_as_bought(matter: Matter) -> None:
    matter.deal("won")
    assert (matter.episode.closed_as, matter.lead.stage) == (ClosedAs.BOUGHT, Stage.CUSTOMER)
    assert not Clock.objects.filter(episode=matter.episode, verdict="").exists()
    if matter.column == OFFERED:
        assert (matter.handoff.state, matter.told("bought")) == (State.WITHDRAWN, 1)
    if matter.column == ACCEPTED:
        assert (matter.handoff.state, matter.handoff.changes.last().by) == (State.CONVERTED, None)
        assert matter.lead.holder == matter.rep
        assert clock_of(matter.handoff, Target.QUALIFY).verdict == "met"
        assert matter.told("credited bought") == 1


@case("purchase", RESTING, DONE)
def a_purchase_makes_a_customer_of_anyone(matter: Matter) -> None:
    before = matter.picture()
    matter.deal("won")
    after = matter.picture()
    assert matter.lead.stage == Stage.CUSTOMER
    assert (after["episodes"], after["handoffs"]) == (before["episodes"], before["handoffs"])


@case("a deal is opened elsewhere", WAITING, OFFERED)
def a_deal_withdraws_what_nobody_has_accepted(matter: Matter) -> None:
    matter.deal()
    assert (matter.episode.closed_as, matter.lead.stage) == (ClosedAs.WITHDRAWN, Stage.OPPORTUNITY)
    if matter.column == OFFERED:
        assert (matter.handoff.state, matter.told("withdrawn")) == (State.WITHDRAWN, 1)


@case("a deal is opened elsewhere", ACCEPTED)
def a_deal_converts_what_a_rep_had_accepted(matter: Matter) -> None:
    matter.deal()
    assert (matter.episode.closed_as, matter.lead.stage) == (ClosedAs.CONVERTED, Stage.OPPORTUNITY)
    assert (matter.handoff.state, matter.handoff.changes.last().by) == (State.CONVERTED, None)
    assert Outcome.objects.filter(lead=matter.lead, kind="converted").count() == 1
    assert matter.told("credited converted") == 1


@case("a deal is opened elsewhere", RESTING)
def a_deal_makes_an_opportunity_of_who_rests(matter: Matter) -> None:
    matter.deal()
    assert matter.lead.stage == Stage.OPPORTUNITY


@case("a deal is opened elsewhere", DONE)
def a_deal_changes_nothing_for_who_is_done_save_sales_qualified(matter: Matter) -> None:
    before = matter.picture()
    matter.deal()
    assert matter.picture() == before
    qualified = Matter(matter.house, matter.now, ACCEPTED)
    handoffs.convert(qualified.handoff.pk, by=qualified.rep, now=qualified.now)
    qualified.deal()
    assert qualified.lead.stage == Stage.OPPORTUNITY

"""What the lead does, and what it makes of the tier: activity, a hand raised, a fall."""

from __future__ import annotations

from datetime import timedelta

from leads import nurture
from leads.models import Activity, Outcome, Stage
from scoring.models import ClosedAs, Lane, Phase, Qualification, Tier
from sla import handoffs, routing
from sla.models import Clock, State, Target
from tests import desk
from tests.desk import assign_clock, clock_of
from tests.episode.matter import DAY, HOUR, MINUTE, Matter, let_pass
from tests.episode.table import ACCEPTED, COLUMNS, DONE, OFFERED, RESTING, WAITING, case

# ---- activity, same tier


@case("activity, same tier", *COLUMNS)
def an_activity_of_the_same_tier_is_scored_and_moves_nothing(matter: Matter) -> None:
    before, points = matter.picture(), matter.score.engagement
    matter.act("Read Article")
    assert matter.score.engagement == points + 2_000
    assert matter.picture() == before
    if matter.column == OFFERED:
        # What is new is what was known after the qualification.
        asked = Qualification.objects.get(lead=matter.lead)
        new = Activity.objects.filter(lead=matter.lead, known_at__gt=asked.at)
        assert [activity.type.name for activity in new] == ["Read Article"]
    if matter.column == RESTING:
        assert points == 0  # the spent evidence gives nothing; what comes now counts for the time after
        matter.act("Visited Pricing Page")
        assert matter.stands == RESTING
        matter.pass_time(90 * DAY)
        nurture.mark_ended_rests(now=matter.now)
        matter.assess()
        assert matter.stands == WAITING


# ---- tier rises


@case("tier rises", WAITING)
def a_hotter_tier_is_routed_before_the_others(matter: Matter) -> None:
    other = matter.house.episode(matter.house.lead(now=matter.now), now=matter.now - 30 * MINUTE)
    assert routing.waiting_page(now=matter.now, limit=9)[0] == other.pk
    matter.act("Started Free Trial")
    assert (matter.episode.tier, matter.stands) == (Tier.HOT, WAITING)
    assert routing.waiting_page(now=matter.now, limit=9)[0] == matter.episode.pk
    handoff = matter.route()
    assert handoff is not None
    assert clock_of(handoff, Target.FIRST_TOUCH).due_at == matter.now + HOUR


@case("tier rises", OFFERED, ACCEPTED)
def a_hotter_tier_tightens_each_unmet_target(matter: Matter) -> None:
    before = {clock.target: clock.due_at for clock in Clock.objects.filter(handoff=matter.handoff, verdict="")}
    matter.act("Started Free Trial")
    assert (matter.episode.tier, matter.handoff.tier) == (Tier.HOT, Tier.HOT)
    new = {Target.ACCEPT: desk.ACCEPT, Target.FIRST_TOUCH: desk.FIRST_TOUCH, Target.DEPTH: desk.DEPTH}
    for clock in Clock.objects.filter(handoff=matter.handoff, verdict=""):
        if clock.target in new:
            fresh = matter.now + timedelta(seconds=new[Target(clock.target)]["hot"])
            assert clock.due_at == min(before[clock.target], fresh) < before[clock.target]
            assert clock.timings.count() == 2
    assert matter.told("tier rose") == 1


@case("tier rises", RESTING, DONE)
def a_hotter_tier_moves_nobody_who_rests_or_is_done(matter: Matter) -> None:
    before = matter.picture()
    matter.act("Visited Pricing Page")
    matter.act("Started Free Trial")
    assert matter.score.tier == Tier.HOT
    assert matter.picture() == before


# ---- hand-raise


@case("hand-raise", WAITING)
def a_hand_raise_is_first_in_line_and_passes_capacity(matter: Matter) -> None:
    hot = matter.house.episode(matter.house.lead(now=matter.now), now=matter.now - HOUR, tier=Tier.HOT)
    for rep in (matter.house.ben, matter.house.ada):
        rep.capacity = 0
        rep.save()
    assert matter.route() is None
    due = assign_clock(matter.episode).due_at
    matter.act("Requested Demo")
    assert (matter.episode.lane, matter.stands) == (Lane.FAST, WAITING)
    assert assign_clock(matter.episode).due_at == matter.now + 2 * MINUTE < due
    assert routing.waiting_page(now=matter.now, limit=9) == [matter.episode.pk, hot.pk]
    handoff = matter.route()
    assert handoff is not None
    assert (handoff.override.capacity, handoff.state) == (0, State.ACCEPTED)


@case("hand-raise", OFFERED)
def a_hand_raise_on_offer_is_accepted_by_baton(matter: Matter) -> None:
    matter.act("Requested Demo")
    handoff = matter.handoff
    assert (handoff.state, handoff.accepted_at, handoff.lane) == (State.ACCEPTED, matter.now, Lane.FAST)
    assert (handoff.changes.last().by, handoff.changes.last().why) == (None, "fast lane")
    assert (clock_of(handoff, Target.ACCEPT).verdict, clock_of(handoff, Target.ACCEPT).void_reason) == (
        "voided",
        "hand-raise",
    )
    assert clock_of(handoff, Target.FIRST_TOUCH).due_at == matter.now + 15 * MINUTE
    assert clock_of(handoff, Target.QUALIFY).is_running
    assert (matter.stands, matter.lead.stage) == (ACCEPTED, Stage.SAL)
    assert not Outcome.objects.filter(lead=matter.lead).exists()
    assert matter.told("hand raised") == 1


@case("hand-raise", ACCEPTED)
def a_hand_raise_after_accepting_comes_on_top(matter: Matter) -> None:
    first = clock_of(matter.handoff, Target.FIRST_TOUCH)
    matter.act("Requested Demo")
    tightened = clock_of(matter.handoff, Target.FIRST_TOUCH)
    assert (tightened.pk, tightened.due_at) == (first.pk, matter.now + 15 * MINUTE)
    assert matter.told("hand raised") == 1
    matter.touch()
    matter.pass_time(HOUR)
    again = matter.act("Requested Demo")
    second = clock_of(matter.handoff, Target.FIRST_TOUCH)
    assert (second.cause, second.started_at, second.is_running) == (f"activity:{again.pk}", matter.now, True)
    assert second.due_at == matter.now + 15 * MINUTE
    assert matter.told("hand raised") == 2
    matter.pass_time(MINUTE)
    matter.touch()
    assert clock_of(matter.handoff, Target.FIRST_TOUCH).verdict == "met"


@case("hand-raise", RESTING)
def a_hand_raise_ends_the_rest_and_returns_to_the_previous_rep(matter: Matter) -> None:
    refused_by = matter.rep
    matter.act("Requested Demo")
    assert (matter.stands, matter.lead.rest_until, matter.episode.lane) == (WAITING, None, Lane.FAST)
    assert matter.lead.evidence_from is not None
    rejected_by = matter.route()
    assert rejected_by is not None
    assert rejected_by.user != refused_by  # they rejected the person
    matter.touch()
    handoffs.return_(rejected_by.pk, reason="no_need", by=rejected_by.user, now=matter.now)
    matter.pass_time(DAY)
    matter.act("Requested Demo")
    again = matter.route()
    assert again is not None
    assert again.user == rejected_by.user  # a return is no rejection
    assert again.trace.trace["why"] == "previous rep"


@case("hand-raise", DONE)
def a_hand_raise_of_somebody_known_is_a_signal(matter: Matter) -> None:
    stage = matter.lead.stage
    before = matter.picture()
    matter.act("Requested Demo")
    signal = matter.episode
    assert (signal.lane, signal.opened_by, signal.phase, matter.lead.stage) == (
        Lane.SIGNAL,
        "signal",
        Phase.OFFERED,
        stage,
    )
    handoff = matter.handoff
    assert (handoff.user, handoff.state) == (matter.house.manager, State.OFFERED)  # nobody has them any more
    clock = clock_of(handoff, Target.FIRST_TOUCH)
    assert (clock.is_running, clock.due_at) == (True, matter.now + 15 * MINUTE)
    let_pass(matter, Target.FIRST_TOUCH)
    assert matter.told("breach", matter.house.manager) == 1
    matter.touch()
    assert (matter.handoff.state, clock_of(handoff, Target.FIRST_TOUCH).verdict) == (State.ACCEPTED, "missed")
    handoffs.convert(handoff.pk, by=matter.house.manager, now=matter.now)
    matter.lead.refresh_from_db()
    assert matter.picture()["lead"] == before["lead"]
    assert not Outcome.objects.filter(matter=signal.public_id).exists()
    owned = Matter(matter.house, matter.now, ACCEPTED)
    handoffs.convert(owned.handoff.pk, by=owned.rep, now=owned.now)
    rep = owned.rep
    owned.pass_time(MINUTE)
    owned.act("Requested Demo")
    assert (owned.episode.lane, owned.handoff.user, owned.lead.stage) == (Lane.SIGNAL, rep, Stage.SQL)


# ---- falls below leave


@case("falls below leave", WAITING)
def falling_below_leave_closes_what_waits(matter: Matter) -> None:
    matter.act("Visited Careers Page")
    assert (matter.episode.closed_as, matter.lead.stage) == (ClosedAs.COOLED, Stage.LEAD)
    assert assign_clock(matter.episode).verdict == "voided"
    assert matter.lead.evidence_from is None


@case("falls below leave", OFFERED, ACCEPTED)
def falling_below_leave_marks_what_a_rep_has(matter: Matter) -> None:
    dues = list(Clock.objects.filter(handoff=matter.handoff).values_list("pk", "due_at", "verdict"))
    matter.act("Visited Careers Page")
    assert (matter.stands, matter.episode.cooled_at) == (matter.column, matter.now)
    assert (matter.episode.tier, matter.handoff.tier) == (Tier.WARM, Tier.WARM)
    assert list(Clock.objects.filter(handoff=matter.handoff).values_list("pk", "due_at", "verdict")) == dues
    assert matter.told("cooled") == (matter.column == ACCEPTED)


@case("falls below leave", RESTING, DONE)
def falling_below_leave_is_nothing_to_who_has_no_episode(matter: Matter) -> None:
    before = matter.picture()
    matter.act("Visited Careers Page")
    assert matter.picture() == before

"""What time brings: due times, absences, leavings, named dates."""

from __future__ import annotations

from leads import nurture
from scoring import qualification
from scoring.models import Qualification
from sla import clocks, handoffs, routing
from sla.clocks import escalation
from sla.models import Absence, Clock, State, Target
from sla.people import beginning, leaving
from tests.desk import clock_of
from tests.episode.matter import DAY, HOUR, Matter, let_pass
from tests.episode.table import ACCEPTED, DONE, OFFERED, RESTING, WAITING, case


@case("a due time passes", WAITING)
def a_missed_assign_climbs_its_ladder(matter: Matter) -> None:
    clock = let_pass(matter, Target.ASSIGN)
    assert (clock.breached_at, clock.is_running) == (clock.due_at, True)
    assert matter.told("breach", matter.house.manager) == 1
    assert matter.stands == WAITING


@case("a due time passes", OFFERED)
def a_missed_accept_hops_and_ends_in_the_pool(matter: Matter) -> None:
    first = matter.rep
    clock = let_pass(matter, Target.ACCEPT)
    assert clock.breached_at == clock.due_at
    assert matter.handoff.state == State.OFFERED  # the hop is at half as much again
    matter.pass_time(HOUR)
    assert escalation.fire(clock.pk, now=matter.now)
    assert (matter.handoff.state, matter.stands) == (State.MOVED, WAITING)
    assert Clock.objects.get(pk=clock.pk).verdict == "missed"
    second = matter.route()
    assert second is not None
    assert (second.hop, second.user == first) == (2, False)
    clock = let_pass(matter, Target.ACCEPT)
    matter.pass_time(HOUR)
    assert escalation.fire(clock.pk, now=matter.now)
    assert matter.route() is None
    waits = routing.why_waiting(matter.episode, now=matter.now)
    assert waits is not None
    assert waits.code == "pool"


@case("a due time passes", ACCEPTED)
def missed_first_touch_depth_and_qualify_climb_their_ladders(matter: Matter) -> None:
    for number, target in enumerate((Target.FIRST_TOUCH, Target.DEPTH, Target.QUALIFY), start=1):
        clock = let_pass(matter, target)
        assert (clock.breached_at, clock.is_running) == (clock.due_at, True)
        assert matter.told("breach", matter.house.manager) == number
    assert matter.stands == ACCEPTED


@case("a due time passes", RESTING, DONE)
def no_clock_runs_on_after_the_matter(matter: Matter) -> None:
    before = matter.picture()
    for clock_id in clocks.due_page(now=matter.now + 90 * DAY, limit=99):
        escalation.fire(clock_id, now=matter.now + 90 * DAY)
    assert matter.picture() == before


def _goes_away(matter: Matter) -> None:
    rep = matter.house.ben
    absence = Absence.objects.create(rep=rep, starts_at=matter.now, ends_at=matter.now + 5 * DAY)
    beginning.begin(absence.pk, now=matter.now)


def _leaves(matter: Matter) -> None:
    leaving.leave(matter.house.ben.pk, now=matter.now, by=matter.house.manager)


def _goes_to_ada(matter: Matter) -> None:
    assert (matter.handoff.state, matter.stands) == (State.MOVED, WAITING)
    assert set(Clock.objects.filter(handoff=matter.handoff, target__in=["first_touch"]).values_list("verdict")) == {
        ("voided",)
    }
    second = matter.route()
    assert second is not None
    assert second.user == matter.house.ada.user


@case("the rep is away", OFFERED)
def an_offer_to_who_is_away_moves_on(matter: Matter) -> None:
    _goes_away(matter)
    assert clock_of(matter.handoff, Target.ACCEPT).verdict == "voided"
    _goes_to_ada(matter)


@case("the rep is away", ACCEPTED)
def what_was_accepted_is_covered_while_the_rep_is_away(matter: Matter) -> None:
    before = matter.picture()
    _goes_away(matter)
    assert matter.picture() == before
    handoffs.convert(matter.handoff.pk, by=matter.house.manager, now=matter.now)  # the manager stands in


@case("the rep is gone", OFFERED, ACCEPTED)
def what_who_is_gone_had_is_offered_anew(matter: Matter) -> None:
    _leaves(matter)
    _goes_to_ada(matter)


@case("the rep is away", WAITING, RESTING, DONE)
def being_away_changes_nothing_without_a_handoff(matter: Matter) -> None:
    before = matter.picture()
    _goes_away(matter)
    assert matter.picture() == before


@case("the rep is gone", WAITING, RESTING, DONE)
def leaving_changes_nothing_without_a_handoff(matter: Matter) -> None:
    before = matter.picture()
    _leaves(matter)
    assert matter.picture() == before


@case("the named date arrives", WAITING, OFFERED, ACCEPTED, DONE)
def a_date_arrives_only_for_who_rests(matter: Matter) -> None:
    before = matter.picture()
    matter.pass_time(9 * DAY)
    assert matter.lead.pk not in nurture.due_callbacks(now=matter.now, limit=9)
    assert qualification.open_on_date(matter.lead.pk, now=matter.now) is None
    assert matter.picture() == before


@case("the named date arrives", RESTING)
def a_date_brings_them_back_to_the_same_rep_without_new_evidence(matter: Matter) -> None:
    rep, made = matter.house.ada.user, Qualification.objects.count()
    nurture.promise_callback(matter.lead, at=matter.now + 9 * DAY, user=rep, now=matter.now, by=rep)
    matter.pass_time(9 * DAY)
    assert nurture.due_callbacks(now=matter.now, limit=9) == [matter.lead.pk]
    episode = qualification.open_on_date(matter.lead.pk, now=matter.now)
    assert episode is not None
    assert (episode.opened_by, Qualification.objects.count()) == ("date", made)
    handoff = matter.route()
    assert handoff is not None
    assert handoff.user == rep
    handoffs.return_(handoff.pk, reason="timing", named_date=matter.now + DAY, by=rep, now=matter.now)
    leaving.leave(matter.house.ada.pk, now=matter.now, by=matter.house.manager)
    matter.pass_time(DAY)
    assert qualification.open_on_date(matter.lead.pk, now=matter.now) is not None
    successor = matter.route()
    # Ben rejected this person once, so nobody of this team is left but him, on another matter.
    assert successor is not None
    assert successor.user == matter.house.ben.user

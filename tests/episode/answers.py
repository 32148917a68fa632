"""What the rep does: touches, says no, names a date."""

from __future__ import annotations

import pytest

from leads import nurture
from leads.errors import Refused
from leads.models import RestChange, Stage
from scoring.models import ClosedAs
from sla import handoffs
from sla.models import State, Target
from tests import desk
from tests.desk import clock_of
from tests.episode.matter import DAY, MINUTE, Matter
from tests.episode.table import ACCEPTED, DONE, OFFERED, RESTING, WAITING, case


@case("touch by the rep", WAITING)
def a_touch_while_waiting_answers_nothing(matter: Matter) -> None:
    before = matter.picture()
    matter.touch()
    assert matter.picture() == before


@case("touch by the rep", OFFERED)
def a_touch_accepts_and_meets_first_touch(matter: Matter) -> None:
    matter.touch()
    assert (matter.handoff.state, matter.handoff.accepted_at, matter.lead.stage) == (
        State.ACCEPTED,
        matter.now,
        Stage.SAL,
    )
    assert clock_of(matter.handoff, Target.ACCEPT).verdict == "met"
    assert clock_of(matter.handoff, Target.FIRST_TOUCH).met_at == matter.now


@case("touch by the rep", ACCEPTED)
def a_touch_meets_and_counts_to_depth(matter: Matter) -> None:
    for number in range(1, desk.TOUCHES + 1):
        matter.pass_time(MINUTE)
        matter.touch()
        assert matter.handoff.touches == number
        assert clock_of(matter.handoff, Target.FIRST_TOUCH).verdict == "met"
        assert clock_of(matter.handoff, Target.DEPTH).is_running == (number < desk.TOUCHES)


@case("touch by the rep", RESTING, DONE)
def a_touch_after_the_matter_is_kept(matter: Matter) -> None:
    before = matter.picture()
    matter.touch()
    assert matter.lead.touches.get().handoff is None
    assert matter.picture() == before


@case("the rep says no", WAITING, RESTING, DONE)
def a_no_needs_a_handoff_that_is_open(matter: Matter) -> None:
    before = matter.picture()
    handoff_id = matter.handoff.pk if matter.column != WAITING else 0
    for verb in (handoffs.reject, handoffs.return_):
        with pytest.raises(Refused):
            verb(handoff_id, reason="student", by=matter.house.ben.user, now=matter.now)
    assert matter.picture() == before


@case("the rep says no", OFFERED)
def a_no_to_an_offer_rejects(matter: Matter) -> None:
    handoffs.reject(matter.handoff.pk, reason="bad_contact", by=matter.rep, now=matter.now)
    assert (matter.handoff.state, matter.episode.closed_as) == (State.REJECTED, ClosedAs.REJECTED)
    assert matter.stands == RESTING


@case("the rep says no", ACCEPTED)
def a_no_after_accepting_returns(matter: Matter) -> None:
    handoffs.return_(matter.handoff.pk, reason="bad_contact", by=matter.rep, now=matter.now)
    assert (matter.handoff.state, matter.episode.closed_as) == (State.RETURNED, ClosedAs.RETURNED)
    assert matter.stands == RESTING


@case("call me on 3 March", WAITING, DONE)
def a_date_needs_a_handoff_that_is_open(matter: Matter) -> None:
    before = matter.picture()
    handoff_id = matter.handoff.pk if matter.column != WAITING else 0
    date = matter.now + 9 * DAY
    with pytest.raises(Refused):
        handoffs.return_(handoff_id, reason="timing", named_date=date, by=matter.house.ben.user, now=matter.now)
    assert matter.picture() == before


@case("call me on 3 March", OFFERED, ACCEPTED)
def a_date_returns_and_on_an_offer_accepts_first(matter: Matter) -> None:
    date = matter.now + 9 * DAY
    handoffs.return_(matter.handoff.pk, reason="timing", named_date=date, by=matter.rep, now=matter.now)
    matter.lead.refresh_from_db()
    states = [change.to_state for change in matter.handoff.changes.all()]
    assert states == [State.OFFERED, State.ACCEPTED, State.RETURNED]
    assert (matter.lead.callback_at, matter.lead.callback_user, matter.stands) == (date, matter.rep, RESTING)


@case("call me on 3 March", RESTING)
def a_date_moves_while_they_rest(matter: Matter) -> None:
    for days in (9, 20):
        date = matter.now + days * DAY
        nurture.promise_callback(matter.lead, at=date, user=matter.rep, now=matter.now, by=matter.rep)
        assert (matter.lead.callback_at, matter.lead.rest_until) == (date, date)
    assert RestChange.objects.filter(lead=matter.lead, cause="named date").count() == 2
    assert matter.stands == RESTING

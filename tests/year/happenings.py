"""What people do on the floor: leads arrive and change, reps answer or don't, managers edit, reps are away or leave."""

from __future__ import annotations

from datetime import timedelta

from leads import delivery, nurture, outcomes
from leads.locks import lock_lead
from leads.models import Lead, Outcome, User
from leads.transactions import business
from scoring import reassessing
from scoring.models import Episode
from scoring.qualification import open_on_date
from sla import handoffs, publishing, touches
from sla.models import Handoff, Rep, State, Touch
from sla.people import absences, beginning, leaving, left_behind
from sla.routing import signaling
from tests.year import company
from tests.year.floor import Floor
from tests.year.funnel import CAREERS, COME_BACK, DEMO, OPTS_OUT, TRIAL, Funnel, judge

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SWEEP_EVERY = 12 * HOUR
# What people do while sales has them, and how often.
MEANWHILE = {TRIAL: 0.15, DEMO: 0.1, CAREERS: 0.1, OPTS_OUT: 0.05}
GIVEN_BACK = ("not_ready", "open_questions", "other_closer")
REJECTED = ("outside_market", "bad_contact", "wrong_territory", "duplicate", "student")
RETURNED = ("no_budget", "not_decider", "no_need", "unresponsive", "bad_contact", "wrong_territory")


def let_it_begin(floor: Floor, *, leads: int, mean_it: float, edits: int) -> Funnel:
    """Plan who will be heard of, and the edits; everything else follows from them."""
    funnel = Funnel(floor)
    floor.on_offer.append(lambda handoff: answer(floor, handoff))
    floor.on_opening.append(lambda episode: goes_on(floor, funnel, episode))
    floor.on_no.append(lambda pk: comes_back(floor, funnel, pk))
    funnel.invite(leads=leads, mean_it=mean_it)
    span = (floor.ends_at - floor.now).total_seconds()
    for what, happening in ((each.__name__, each) for each in EDITS for _ in range(edits)):
        at = floor.now + timedelta(seconds=floor.dice.random() * span)
        floor.plan(at, what, lambda happening=happening: happening(floor))
    for time in range(1, int(span // SWEEP_EVERY.total_seconds()) + 1):
        floor.plan(floor.now + time * SWEEP_EVERY, "batch and sweep", lambda: sweep(floor, funnel))
    return funnel


def sweep(floor: Floor, funnel: Funnel) -> None:
    """A tracker's batch, and what the sweeps find then: what fades, rests that are over, dates, who waits, letters."""
    funnel.flush()
    nurture.mark_ended_rests(now=floor.now)
    for lead_id in nurture.due_callbacks(now=floor.now, limit=1_000):
        open_on_date(lead_id, now=floor.now)
    while reassessing.mark_due(now=floor.now):
        judge(floor)
    judge(floor)
    left_behind.settle_ended(now=floor.now)
    signaling.take_back(now=floor.now)
    delivery.deliver_due(lambda: floor.now)
    floor.ask_again()


def goes_on(floor: Floor, funnel: Funnel, episode: Episode) -> None:
    """What they do while sales has them: more of it, something that speaks against it, or they ask, leave, or buy."""
    person = funnel.person_of(episode.lead)
    for name, share in MEANWHILE.items():
        if floor.dice.random() < share:
            funnel.acts(person, [name], since=floor.now, within=DAY)
    if floor.dice.random() < 0.05:
        at, pk = floor.now + timedelta(seconds=floor.dice.expovariate(1 / (12 * 3600))), episode.lead_id
        floor.plan(at, "buys", lambda: buys(floor, pk))


@business
def buys(floor: Floor, lead_id: int) -> None:
    """They buy, whoever has them."""
    lead = lock_lead(lead_id)
    outcomes.record(lead, Outcome.Kind.WON, at=floor.now, now=floor.now, via=Outcome.Via.API)


def answer(floor: Floor, handoff: Handoff) -> None:
    """The rep will answer some time, or not at all."""
    dice = floor.dice
    if dice.random() < 0.2:
        return
    at = floor.now + timedelta(minutes=dice.choice([1, 5, 10, 30, 90, 300]) * dice.uniform(0.5, 2))
    if handoff.is_closing:
        does = dice.choices([takes_on, gives_back, touch], [4, 3, 1])[0]
        floor.plan(at, does.__name__, lambda: does(floor, handoff.pk))
        return
    does = (
        touch if handoff.state == State.ACCEPTED else dice.choices([accept, touch, reject, calls_back], [6, 2, 2, 1])[0]
    )
    floor.plan(at, does.__name__, lambda: does(floor, handoff.pk))


def accept(floor: Floor, pk: int) -> None:
    """A rep takes the lead on, and may think better of it at once."""
    handoff = handoffs.accept(pk, by=rep_of(pk), now=floor.now)
    if not maybe_undo(floor, pk):
        works(floor, handoff.pk)


def takes_on(floor: Floor, pk: int) -> None:
    """The next owner accepts what somebody has converted."""
    handoffs.accept(pk, by=rep_of(pk), now=floor.now)
    maybe_undo(floor, pk)


def gives_back(floor: Floor, pk: int) -> None:
    """The next owner does not: the former rep goes on with it."""
    handoffs.reject(pk, reason=floor.dice.choice(GIVEN_BACK), by=rep_of(pk), now=floor.now)
    maybe_undo(floor, pk)


def works(floor: Floor, pk: int) -> None:
    """What follows upon accepting: touches, and a verdict in the end."""
    at = floor.now
    for _ in range(floor.dice.randint(0, 4)):
        at += timedelta(hours=floor.dice.expovariate(1 / 10))
        floor.plan(at, "touch", lambda: touch(floor, pk))
    if floor.dice.random() < 0.85:
        ends = floor.dice.choices([convert, returns], [4, 6])[0]
        floor.plan(at + timedelta(hours=floor.dice.expovariate(1 / 8)), ends.__name__, lambda: ends(floor, pk))


def touch(floor: Floor, pk: int) -> None:
    """A call or a mail to the lead."""
    handoff = Handoff.objects.select_related("user", "episode").get(pk=pk)
    accepts = handoff.state == State.OFFERED
    touches.record(
        handoff.episode.lead_id,
        means=floor.dice.choice([Touch.Means.CALL, Touch.Means.EMAIL]),
        outcome=Touch.Outcome.NO_ANSWER,
        performed_by=handoff.user,
        recorded_by=handoff.user,
        occurred_at=floor.now - timedelta(minutes=floor.dice.choice([0, 0, 5, 60])),
        now=floor.now,
        automated=floor.dice.random() < 0.1,
    )
    if accepts:
        works(floor, pk)


def reject(floor: Floor, pk: int) -> None:
    """A rep says no before accepting."""
    reason = floor.dice.choice(REJECTED)
    evidence = "https://crm.example/records/7" if reason == "duplicate" else ""
    handoffs.reject(pk, reason=reason, evidence=evidence, by=rep_of(pk), now=floor.now)
    maybe_undo(floor, pk) or floor.has_said_no(pk)


def returns(floor: Floor, pk: int) -> None:
    """A rep gives an accepted lead back."""
    handoffs.return_(pk, reason=floor.dice.choice(RETURNED), by=rep_of(pk), now=floor.now)
    maybe_undo(floor, pk) or floor.has_said_no(pk)


def calls_back(floor: Floor, pk: int) -> None:
    """The person named a date."""
    date = floor.now + timedelta(days=floor.dice.randint(2, 40))
    handoffs.return_(pk, reason="timing", named_date=date, by=rep_of(pk), now=floor.now)


def convert(floor: Floor, pk: int) -> None:
    """Sales-qualified: theirs to go on with, or somebody else's to close."""
    by = rep_of(pk)
    closers = [rep for rep in floor.house.reps if rep.closes and rep.user_id != by.pk]
    to = floor.dice.choice(closers).user if closers and floor.dice.random() < 0.5 else None
    handoffs.convert(pk, bant={"need": "Replaces spreadsheets"}, to=to, by=by, now=floor.now)
    maybe_undo(floor, pk)


def maybe_undo(floor: Floor, pk: int) -> bool:
    """Some verdicts are taken back within their time, some a little too late."""
    if floor.dice.random() > 0.08:
        return False
    at = floor.now + timedelta(seconds=floor.dice.choice([1, 5, 14, 16]))
    floor.plan(at, "undo", lambda: handoffs.undo(pk, by=rep_of(pk), now=floor.now))
    return True


def comes_back(floor: Floor, funnel: Funnel, pk: int) -> None:
    """A lead at rest brings new evidence after it, or raises a hand in the middle of it."""
    lead = Lead.objects.get(episodes__handoffs=pk)
    if lead.rest_until is not None and floor.dice.random() < 0.5:
        fast = floor.dice.random() < 0.3
        since = floor.now + 2 * DAY if fast else lead.rest_until + 2 * DAY
        funnel.acts(funnel.person_of(lead), [DEMO] if fast else COME_BACK, since=since)


def rep_of(pk: int) -> User:
    """Who has this hand-off."""
    return Handoff.objects.select_related("user").get(pk=pk).user


def is_away(floor: Floor) -> None:
    """A holiday, an hour at the doctor's; entered ahead or in the middle of it."""
    rep = floor.dice.choice(floor.house.reps)
    starts_at = floor.now + timedelta(hours=floor.dice.randint(0, 100))
    ends_at = starts_at + timedelta(hours=floor.dice.choice([1, 4, 24, 24 * 5, 24 * 14]))
    absence = absences.add(rep.pk, starts_at=starts_at, ends_at=ends_at, now=floor.now, by=None)
    floor.plan(absence.starts_at, "absence begins", lambda: beginning.begin(absence.pk, now=floor.now))


def leaves(floor: Floor) -> None:
    """A rep leaves, and is there again two weeks later."""
    rep = floor.dice.choice(floor.house.reps)
    leaving.leave(rep.pk, now=floor.now, by=floor.house.manager)
    floor.plan(floor.now + 14 * DAY, "is back", lambda: Rep.objects.filter(pk=rep.pk).update(is_active=True))


def edits_calendar(floor: Floor) -> None:
    """Other hours, another zone, while clocks run."""
    calendar = floor.dice.choice(floor.house.calendars)
    zone = floor.dice.choice(list(company.ZONES.values()))
    spec = company.week(zone, floor.dice, now=floor.now)
    publishing.publish_calendar(calendar, spec, now=floor.now, by=floor.house.manager)


def edits_policy(floor: Floor) -> None:
    """Other promises from now on."""
    company.promise(floor.house, floor.dice, now=floor.now)


def stops_the_clocks(floor: Floor) -> None:
    """The clock process is down for a while, and catches up in the order in which things were due."""
    floor.clocks_down_until = max(floor.clocks_down_until, floor.now + timedelta(hours=floor.dice.choice([1, 8, 60])))


EDITS = (is_away, leaves, edits_calendar, edits_policy, stops_the_clocks)

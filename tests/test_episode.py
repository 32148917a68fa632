"""The life of an episode: one case for each cell of the table that is the contract.

`TABLE` is that table. A case is registered with `@case(row, column)` and runs through the verbs; what stands in the
table as "–" is a case too: the same thing happens, and nothing changes. Left out, as it comes later: the closing leg.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from leads import erasing, merging, nurture, outcomes
from leads.errors import Refused
from leads.models import Activity, Lead, Notification, Outcome, RestChange, Stage
from scoring import assessment, publishing, qualification, standing
from scoring.models import ClosedAs, Episode, Lane, Phase, Qualification, Score, Tier
from sla import clocks, handoffs, routing, touches
from sla.clocks import escalation
from sla.models import Absence, Clock, Handoff, State, Target
from sla.people import beginning, leaving
from tests import desk
from tests.desk import Company, act, assign_clock, clock_of, learn

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

WAITING, OFFERED, ACCEPTED, RESTING, DONE = COLUMNS = ("waiting", "offered", "accepted", "resting", "done")

TABLE: dict[str, tuple[str, str, str, str, str]] = {
    "activity, same tier": (
        "scored",
        "scored; the row says what is new",
        "same",
        "counts towards coming back",
        "scored",
    ),
    "tier rises": ("routed by the new tier", "each unmet target is tightened", "same", "–", "–"),
    "hand-raise": (
        "first in line, passes capacity with an override row",
        "accepted by Baton, accept voided, first touch re-timed if earlier",
        "on top; unmet: re-timed if earlier; met: another first-touch clock",
        "rest ends, new episode, previous rep unless they rejected the person",
        "a signal, to the owner, else the manager; its clock runs, the stage does not move",
    ),
    "falls below leave": ("closes cooled", "stays, marked", "stays", "–", "–"),
    "disqualifier": ("withdrawn", "withdrawn, rep told", "rep told, decides", "–", "–"),
    "all channels closed": ("withdrawn", "withdrawn, rep told", "rep told, decides", "–", "–"),
    "merged away": ("withdrawn", "withdrawn, rep told", "closed", "–", "–"),
    "erased": ("withdrawn", "withdrawn, rep told", "closed", "–", "–"),
    "purchase": ("closes bought", "bought, rep told", "bought, credited", "CUSTOMER", "CUSTOMER"),
    "a deal is opened elsewhere": (
        "withdrawn",
        "withdrawn, rep told",
        "converted by Baton, credited",
        "OPPORTUNITY",
        "unchanged, save SQL → OPPORTUNITY",
    ),
    "touch by the rep": ("–", "accepts, meets first touch", "meets, counts to depth", "kept", "kept"),
    "the rep says no": ("–", "rejected", "returned", "–", "–"),
    "call me on 3 March": (
        "–",
        "accepts, then returned with the date",
        "returned with the date",
        "the date moves",
        "–",
    ),
    "a due time passes": (
        "assign ladder",
        "accept ladder: hop; after the last hop, waiting in the pool",
        "first-touch, depth, qualify ladder",
        "–",
        "–",
    ),
    "the rep is away": ("–", "next hop, not counted against them", "covered: it stays with them", "–", "–"),
    "the rep is gone": ("–", "next hop, not counted against them", "re-offered", "–", "–"),
    "the named date arrives": ("–", "–", "–", "offered to the same rep or successor, no new evidence asked", "–"),
    "a second definition is met": ("added; first rules", "added; re-tiers upward", "same", "–", "–"),
    "another lead of the account qualifies": (
        "joins: own Qualification and stage, no hand-off or clocks of its own, follows the verdict",
        "same; a hand-raise or hotter tier opens its own episode with the same rep",
        "same",
        "opens its own",
        "–",
    ),
    "import, replay, publish": ("standing until released", "no effect", "no effect", "standing", "–"),
}

CASES: dict[tuple[str, str], Callable[[Matter], None]] = {}


def case(row: str, *columns: str) -> Callable[[Callable[[Matter], None]], Callable[[Matter], None]]:
    """Register the case of one cell, or of several that say the same."""

    def register(test: Callable[[Matter], None]) -> Callable[[Matter], None]:
        for column in columns:
            assert row in TABLE, row
            assert (row, column) not in CASES, (row, column)
            CASES[row, column] = test
        return test

    return register


@dataclass
class Matter:
    """One lead that stands in one column of the table."""

    house: Company
    now: datetime
    column: str
    lead: Lead = field(init=False)

    def __post_init__(self) -> None:
        self.lead = self.house.lead(now=self.now)
        act(self.lead, "Visited Pricing Page", at=self.now)
        self.assess()
        if self.column != WAITING:
            self.route()
        if self.column == ACCEPTED:
            handoffs.accept(self.handoff.pk, by=self.rep, now=self.now)
        elif self.column == RESTING:
            handoffs.reject(self.handoff.pk, reason="bad_contact", by=self.rep, now=self.now)
        elif self.column == DONE:
            handoffs.reject(self.handoff.pk, reason="competitor", by=self.rep, now=self.now)
        assert self.stands == self.column
        self.pass_time(MINUTE)
        self.assess()

    def pass_time(self, for_: timedelta) -> None:
        self.now += for_

    def assess(self) -> None:
        assessment.assess(now=self.now)
        self.lead.refresh_from_db()

    def route(self) -> Handoff | None:
        return routing.route(self.episode.pk, now=self.now)

    def act(self, name: str, **fields: Any) -> Activity:
        activity = act(self.lead, name, at=self.now, **fields)
        self.assess()
        return activity

    def touch(self) -> None:
        ben = self.handoff.user if Handoff.objects.filter(episode__lead=self.lead).exists() else self.house.ben.user
        touches.record(
            self.lead.pk,
            means="call",
            outcome="reached",
            performed_by=ben,
            recorded_by=None,
            occurred_at=self.now,
            now=self.now,
        )
        self.lead.refresh_from_db()

    def deal(self, kind: str = "opened") -> None:
        outcomes.record(self.lead, kind, at=self.now, now=self.now, via=Outcome.Via.API)
        self.lead.refresh_from_db()

    @property
    def episode(self) -> Episode:
        """The newest."""
        return Episode.objects.filter(lead=self.lead).latest("pk")

    @property
    def handoff(self) -> Handoff:
        """The newest."""
        return Handoff.objects.filter(episode__lead=self.lead).latest("pk")

    @property
    def rep(self) -> Any:
        return self.handoff.user

    @property
    def score(self) -> Score:
        return Score.objects.get(lead=self.lead, definition=self.house.definition)

    @property
    def stands(self) -> str:
        """In which column the lead stands."""
        episode = Episode.objects.filter(lead=self.lead, closed_at=None).first()
        if episode is not None:
            return str(episode.phase)
        lead = Lead.objects.get(pk=self.lead.pk)
        return RESTING if lead.stage == Stage.NURTURE else DONE

    def told(self, kind: str, user: Any = None) -> int:
        return Notification.objects.filter(kind=kind, recipient=user or self.rep, lead=self.lead).count()

    def picture(self) -> dict[str, Any]:
        """All that a cell with a dash leaves alone."""
        return {
            "lead": Lead.objects.filter(pk=self.lead.pk)
            .values("stage", "rest_until", "evidence_from", "callback_at", "holder")
            .get(),
            "episodes": list(
                Episode.objects.filter(lead=self.lead).order_by("pk").values("pk", "phase", "closed_as", "tier", "lane")
            ),
            "handoffs": list(
                Handoff.objects.filter(episode__lead=self.lead).order_by("pk").values("pk", "state", "version")
            ),
            "clocks": list(
                Clock.objects.filter(episode__lead=self.lead).order_by("pk").values("pk", "due_at", "verdict")
            ),
            "letters": Notification.objects.filter(lead=self.lead).count(),
        }


@pytest.fixture
def house(now: datetime) -> Company:
    return desk.company(now)


def _cells() -> list[tuple[str, str]]:
    return [(row, column) for row in TABLE for column in COLUMNS]


def test_the_table_has_a_case_for_each_cell() -> None:
    assert set(CASES) == set(_cells())


@pytest.mark.parametrize(("row", "column"), [pytest.param(*cell, id=": ".join(cell)) for cell in _cells()])
def test_each_cell_does_what_the_table_says(row: str, column: str, house: Company, now: datetime) -> None:
    matter = Matter(house, now, column)
    CASES[row, column](matter)


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
    _let_pass(matter, Target.FIRST_TOUCH)
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


# ---- what the rep does


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


# ---- time passes


def _let_pass(matter: Matter, target: str) -> Clock:
    clock = Clock.objects.filter(episode=matter.episode, target=target, verdict="").latest("pk")
    matter.now = clock.due_at + timedelta(seconds=1)
    for clock_id in clocks.due_page(now=matter.now, limit=99):
        escalation.fire(clock_id, now=matter.now)
    return Clock.objects.get(pk=clock.pk)


@case("a due time passes", WAITING)
def a_missed_assign_climbs_its_ladder(matter: Matter) -> None:
    clock = _let_pass(matter, Target.ASSIGN)
    assert (clock.breached_at, clock.is_running) == (clock.due_at, True)
    assert matter.told("breach", matter.house.manager) == 1
    assert matter.stands == WAITING


@case("a due time passes", OFFERED)
def a_missed_accept_hops_and_ends_in_the_pool(matter: Matter) -> None:
    first = matter.rep
    clock = _let_pass(matter, Target.ACCEPT)
    assert clock.breached_at == clock.due_at
    assert matter.handoff.state == State.OFFERED  # the hop is at half as much again
    matter.pass_time(HOUR)
    assert escalation.fire(clock.pk, now=matter.now)
    assert (matter.handoff.state, matter.stands) == (State.MOVED, WAITING)
    assert Clock.objects.get(pk=clock.pk).verdict == "missed"
    second = matter.route()
    assert second is not None
    assert (second.hop, second.user == first) == (2, False)
    clock = _let_pass(matter, Target.ACCEPT)
    matter.pass_time(HOUR)
    assert escalation.fire(clock.pk, now=matter.now)
    assert matter.route() is None
    waits = routing.why_waiting(matter.episode, now=matter.now)
    assert waits is not None
    assert waits.code == "pool"


@case("a due time passes", ACCEPTED)
def missed_first_touch_depth_and_qualify_climb_their_ladders(matter: Matter) -> None:
    for number, target in enumerate((Target.FIRST_TOUCH, Target.DEPTH, Target.QUALIFY), start=1):
        clock = _let_pass(matter, target)
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

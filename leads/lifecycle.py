"""Stages: the one place that moves a lead from one to another, and the rules by which an activity does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Final

import structlog

from leads import bulk, conditions, signals
from leads.errors import Refused
from leads.models import Activity, Lead, Stage, StageChange, StageRule, User
from leads.transactions import business

log = structlog.get_logger(__name__)

ANY: Final = frozenset(Stage)
# Where an episode may open, and where one stands.
OPENING: Final = frozenset({Stage.SUBSCRIBER, Stage.LEAD, Stage.NURTURE})
WORKED: Final = frozenset({Stage.MQL, Stage.SAL})
# Neither an open deal, nor a customer, nor a person who is none of ours.
BEFORE_A_DEAL: Final = OPENING | WORKED | {Stage.SQL}

_PUT_BACK: Final = dict.fromkeys(OPENING, WORKED)
_REOPENED: Final = dict.fromkeys(WORKED, BEFORE_A_DEAL | {Stage.DISQUALIFIED})
_IMPORTED: Final = dict.fromkeys(ANY - WORKED, ANY - WORKED) | {
    Stage.OPPORTUNITY: ANY,
    Stage.CUSTOMER: ANY,
}

# cause → stage to → the stages it may come from. What doesn't stand here doesn't happen.
LEGAL: Final[Mapping[str, Mapping[Stage, frozenset[Stage]]]] = {
    # Only these two reach MQL, and only with an episode that opens in the same transaction.
    "qualification": {Stage.MQL: OPENING},
    "date": {Stage.MQL: OPENING},
    "verdict": {
        # From SQL where the next owner gives it back.
        Stage.SAL: frozenset({Stage.MQL, Stage.SQL}),
        Stage.SQL: frozenset({Stage.SAL}),
        Stage.NURTURE: WORKED,
        Stage.DISQUALIFIED: WORKED,
    },
    "named date": {Stage.NURTURE: WORKED},
    # To SQL where it is taken back that the next owner gave it back.
    "undo": _REOPENED | {Stage.SQL: frozenset({Stage.SAL})},
    "reopen": _REOPENED,
    # Before it sales had it, or, where nobody can be offered it again, what it was before its matter opened.
    "overturned": _REOPENED | dict.fromkeys(OPENING, frozenset({Stage.NURTURE, Stage.DISQUALIFIED})),
    "cooled": _PUT_BACK,
    "withdrawn": _PUT_BACK,
    # Out of a colleague's matter that goes on, or ended without a verdict.
    "left": _PUT_BACK,
    "rule": {Stage.LEAD: frozenset({Stage.SUBSCRIBER})},
    "opened": {Stage.OPPORTUNITY: BEFORE_A_DEAL},
    "purchase": {Stage.CUSTOMER: ANY},
    "lost": {Stage.NURTURE: frozenset({Stage.SQL, Stage.OPPORTUNITY})},
    # An open episode is sales' own matter: a file says nothing about it, save that a deal or a purchase overtook it.
    "import": _IMPORTED,
    "merge": dict.fromkeys(ANY, ANY),
}

# What a stage rule's target is called as a cause; the bells' receivers know a purchase and an open deal by it.
RULE_CAUSES: Final = {Stage.LEAD: "rule", Stage.OPPORTUNITY: "opened", Stage.CUSTOMER: "purchase"}
SHIPPED_RULES: Final = (
    ("Signed up", "Signed Up", Stage.LEAD),
    ("Created an account", "Account Created", Stage.LEAD),
    ("A deal is open", "Opportunity Opened", Stage.OPPORTUNITY),
    ("Subscribed", "Subscription Started", Stage.CUSTOMER),
    ("Ordered", "Order Completed", Stage.CUSTOMER),
)


class IllegalMove(Refused):
    """The lead's stage can't be changed so from where it stands."""

    title: ClassVar[str] = "Stage not changed"
    code: ClassVar[str] = "illegal_move"


def may_move(from_stage: str, to_stage: str, *, cause: str) -> bool:
    """True if this cause may move a lead from the one stage to the other. Raises ValueError for an unknown cause."""
    if cause not in LEGAL:
        raise ValueError(f"{cause!r} moves no stage; one of {', '.join(sorted(LEGAL))}.")
    return Stage(from_stage) in LEGAL[cause].get(Stage(to_stage), frozenset())


@business
def move(lead: Lead, to_stage: str, *, cause: str, now: datetime, by: User | None = None, note: str = "") -> bool:
    """Move a lead to another stage, write its history and ring `stage_moved`; False if it already stands there.

    The lead is locked by the caller. The move is dated `now`, or its last move where that lies later.
    Raises IllegalMove where the cause isn't entitled to it.
    """
    to_stage = Stage(to_stage)
    # The caller's copy may be older than what another verb of this transaction wrote.
    lead.refresh_from_db(fields=["stage", "stage_at"])
    from_stage = Stage(lead.stage)
    legal = may_move(from_stage, to_stage, cause=cause)
    if from_stage == to_stage:
        return False
    if not legal:
        raise IllegalMove(
            f"A lead at {from_stage.label} does not move to {to_stage.label} by {cause}.", stage=from_stage.value
        )
    lead.stage, lead.stage_at = to_stage, max(now, lead.stage_at)
    lead.save(update_fields=["stage", "stage_at"])
    StageChange.objects.create(
        lead=lead, from_stage=from_stage, to_stage=to_stage, at=lead.stage_at, by=by, cause=cause, note=note[:300]
    )
    signals.stage_moved.send(
        Lead, lead=lead, from_stage=from_stage.value, to_stage=to_stage.value, cause=cause, by=by, now=now
    )
    return True


@business
def import_stage(lead: Lead, stage: str, *, now: datetime, by: User | None = None, note: str = "") -> bool:
    """Take the stage a file gives, MQL and SAL as LEAD; True if the lead moved.

    A lead with an open episode stays where it is, unless the file says that a deal is open or that they bought.
    """
    wanted = Stage.LEAD if Stage(stage) in WORKED else Stage(stage)
    lead.refresh_from_db(fields=["stage", "stage_at"])
    if not may_move(lead.stage, wanted, cause="import"):
        return False
    return move(lead, wanted, cause="import", now=now, by=by, note=note)


@business
def import_stages(wanted: Sequence[tuple[Lead, str, str]], *, now: datetime, by: User | None = None) -> list[int]:
    """`import_stage` for many: (lead, stage, note), each lead once and just read under its lock. The ids of who moved.

    One statement each for the stages and for their history; the bells ring lead by lead after that.
    """
    moves: list[StageChange] = []
    for lead, stage, note in wanted:
        to_stage = Stage.LEAD if Stage(stage) in WORKED else Stage(stage)
        from_stage = Stage(lead.stage)
        if from_stage == to_stage or not may_move(from_stage, to_stage, cause="import"):
            continue
        lead.stage, lead.stage_at = to_stage, max(now, lead.stage_at)
        moves.append(
            StageChange(
                lead=lead, from_stage=from_stage, to_stage=to_stage, at=lead.stage_at, by=by, cause="import",
                note=note[:300],
            )
        )  # fmt: skip
    bulk.update(
        "leads_lead",
        {
            "id": ("bigint", [move.lead_id for move in moves]),
            "stage": ("text", [move.lead.stage for move in moves]),
            "stage_at": ("timestamptz", [move.at for move in moves]),
        },
    )
    StageChange.objects.bulk_create(moves)
    for one in moves:
        signals.stage_moved.send(
            Lead, lead=one.lead, from_stage=one.from_stage, to_stage=one.to_stage, cause="import", by=by, now=now
        )
    return [move.lead_id for move in moves]


def active_rules() -> list[StageRule]:
    """The stage rules that count, in their order: read once for a whole batch of activities."""
    return list(StageRule.objects.filter(is_active=True))


@business
def apply_stage_rules(
    lead: Lead, activities: Iterable[Activity], *, now: datetime, rules: Sequence[StageRule] | None = None
) -> bool:
    """Move a lead forward by what it just did, as far as the rules that match say; True if it moved.

    Rules never move backwards: a lead that stands further, or with a verdict against it, stays. `rules` spares
    reading them again within a batch (`active_rules()`).
    """
    by_name: dict[str, list[StageRule]] = {}
    for rule in active_rules() if rules is None else rules:
        by_name.setdefault(rule.activity, []).append(rule)
    tried = [(rule, activity) for activity in activities for rule in by_name.get(activity.type.name, ())]
    if not tried:
        return False
    lead.refresh_from_db(fields=["stage", "stage_at"])
    for target in (Stage.CUSTOMER, Stage.OPPORTUNITY, Stage.LEAD):
        cause = RULE_CAUSES[target]
        if not may_move(lead.stage, target, cause=cause):
            continue
        for rule, activity in tried:
            if rule.to_stage == target and _holds(rule, activity):
                return move(lead, target, cause=cause, now=now, note=rule.name)
    return False


def _holds(rule: StageRule, activity: Activity) -> bool:
    """Ask the database whether the rule's condition holds for this activity; an empty one always does.

    A condition that can't be read holds for nothing: what a person mistyped must not refuse what comes in.
    """
    if not rule.condition:
        return True
    try:
        predicate = conditions.compile(rule.condition, conditions.literal_resolver({"property": activity.properties}))
    except conditions.ConditionError as error:
        log.warning("stage_rule_not_readable", rule=rule.pk, error=str(error))
        return False
    return bool(bulk.run(f"SELECT {predicate.text}", predicate.params)[0][0])  # noqa: S608  (values are parameters)


def ship_rules(using: str = "default") -> None:
    """Make sure the shipped stage rules are there; a rule that people changed stays as they left it."""
    rules = StageRule.objects.using(using)
    there = set(rules.filter(is_shipped=True).values_list("activity", flat=True))
    rules.bulk_create(
        [
            StageRule(name=name, position=10 * place, activity=activity, to_stage=stage, is_shipped=True)
            for place, (name, activity, stage) in enumerate(SHIPPED_RULES, start=1)
            if activity not in there
        ],
        ignore_conflicts=True,
    )

"""The nouns of the promises floor."""

from sla.models.checklists import Checklist, ChecklistAnswer, ChecklistItem
from sla.models.clock import Clock, ClockExtension, ClockPause, ClockStep, ClockTiming
from sla.models.contests import Contest
from sla.models.drafts import DraftTemplate
from sla.models.fairness import FairnessPool, FairnessSpan, FairnessTurn, GivenBack
from sla.models.feeds import CalendarFeed
from sla.models.handoff import (
    LEGAL_MOVES,
    OPEN_STATES,
    AnsweredRequest,
    CapacityOverride,
    Handoff,
    HandoffChange,
    Leg,
    RoutingTrace,
    State,
)
from sla.models.inbox import SavedFilter
from sla.models.left_behind import LeftBehind, RepChange
from sla.models.managing import ManagerAct
from sla.models.moments import FloorMoment
from sla.models.next_step import NextStepChange
from sla.models.people import Absence, AbsenceChange, Calendar, CalendarVersion, Desk, Rep
from sla.models.policy import Heat, LadderStep, Policy, PolicyTarget, PolicyVersion, Target
from sla.models.releasing import OrderedRelease, ReleaseDay, ReleaseOrder, ReleaseOrderChange
from sla.models.rules import Reason, ReasonVersion, RoutingRule, RowVersion, RuleVersion
from sla.models.shadow import PaperMatter, PaperOffer, PaperPromise, Shadow
from sla.models.touch import TakenBackTouch, Touch
from sla.models.waiting import LastLook
from sla.models.watch import Canary, Heartbeat, Incident

__all__ = [
    "LEGAL_MOVES",
    "OPEN_STATES",
    "Absence",
    "AbsenceChange",
    "AnsweredRequest",
    "Calendar",
    "CalendarFeed",
    "CalendarVersion",
    "Canary",
    "CapacityOverride",
    "Checklist",
    "ChecklistAnswer",
    "ChecklistItem",
    "Clock",
    "ClockExtension",
    "ClockPause",
    "ClockStep",
    "ClockTiming",
    "Contest",
    "Desk",
    "DraftTemplate",
    "FairnessPool",
    "FairnessSpan",
    "FairnessTurn",
    "FloorMoment",
    "GivenBack",
    "Handoff",
    "HandoffChange",
    "Heartbeat",
    "Heat",
    "Incident",
    "LadderStep",
    "LeftBehind",
    "LastLook",
    "Leg",
    "ManagerAct",
    "OrderedRelease",
    "NextStepChange",
    "PaperMatter",
    "PaperOffer",
    "PaperPromise",
    "Policy",
    "PolicyTarget",
    "PolicyVersion",
    "Reason",
    "ReasonVersion",
    "Rep",
    "ReleaseDay",
    "ReleaseOrder",
    "ReleaseOrderChange",
    "RepChange",
    "RoutingRule",
    "RoutingTrace",
    "RowVersion",
    "RuleVersion",
    "SavedFilter",
    "Shadow",
    "State",
    "TakenBackTouch",
    "Target",
    "Touch",
]

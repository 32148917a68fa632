"""Rows that every installation starts with, upserted after each migration: a calendar, a published policy, the reasons.

What people changed or published since stays as they left it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from leads import clock
from sla import publishing
from sla.checklists import shipped as checklists
from sla.drafting import shipped as drafting
from sla.models import (
    Calendar,
    CalendarVersion,
    Heat,
    LadderStep,
    Policy,
    PolicyTarget,
    PolicyVersion,
    Reason,
    Target,
)

CALENDAR = "Weekdays 9 to 17, UTC"
POLICY = "Standard"
SHIPPED = "Shipped with Baton"
WEEKDAYS = {"time_zone": "UTC", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}

MINUTE, HOUR = 60, 3600
ASSIGN = 5 * MINUTE
# By when a person has reached out; accepting takes at most half of it (half a business day of eight hours is four).
FIRST_TOUCH = {Heat.HAND_RAISE: 15 * MINUTE, Heat.HOT: HOUR, Heat.WARM: 4 * HOUR}
ACCEPT = {Heat.HOT: HOUR // 2, Heat.WARM: 2 * HOUR, Heat.COOL: 4 * HOUR}

Action = LadderStep.Action
LADDER = (
    (Target.ASSIGN, 100, Action.TELL_MANAGER),
    (Target.ACCEPT, 75, Action.TELL_REP),
    (Target.ACCEPT, 100, Action.TELL_REP),
    (Target.ACCEPT, 100, Action.TELL_MANAGER),
    (Target.ACCEPT, 150, Action.HOP),
    (Target.FIRST_TOUCH, 75, Action.TELL_REP),
    (Target.FIRST_TOUCH, 100, Action.TELL_REP),
    (Target.FIRST_TOUCH, 100, Action.TELL_MANAGER),
)

Follows, Needs = Reason.Follows, Reason.Needs
# code, label, on reject, on return, what a return needs first, what follows, days of rest, counts on merit
REASONS = (
    ("outside_market", "Outside our market", True, True, Needs.NOTHING, Follows.DISQUALIFY, None, True),
    ("student", "Student or job seeker", True, True, Needs.NOTHING, Follows.DISQUALIFY, None, True),
    ("competitor", "Competitor or vendor", True, True, Needs.NOTHING, Follows.DISQUALIFY, None, True),
    ("duplicate", "Duplicate", True, True, Needs.NOTHING, Follows.DISQUALIFY, None, False),
    ("customer", "Customer or open deal", True, True, Needs.NOTHING, Follows.DISQUALIFY, None, True),
    ("bad_contact", "Bad contact data", True, True, Needs.NOTHING, Follows.RECYCLE, 90, True),
    ("wrong_territory", "Wrong territory", True, True, Needs.NOTHING, Follows.REROUTE, None, False),
    ("timing", "Timing: asked to be called later", False, True, Needs.NOTHING, Follows.DATE, None, True),
    ("no_budget", "No budget", False, True, Needs.TOUCH, Follows.RECYCLE, 90, True),
    ("not_decider", "Not the decider", False, True, Needs.TOUCH, Follows.RECYCLE, 60, True),
    ("no_need", "No need", False, True, Needs.TOUCH, Follows.RECYCLE, 180, True),
    ("went_elsewhere", "Went elsewhere", False, True, Needs.TOUCH, Follows.RECYCLE, 365, True),
    ("unresponsive", "Unresponsive", False, True, Needs.DEPTH, Follows.RECYCLE, 30, True),
    ("not_ready", "Not ready to buy yet", True, False, Needs.NOTHING, Follows.BACK, None, False),
    ("open_questions", "Handed over with open questions", True, False, Needs.NOTHING, Follows.BACK, None, False),
    ("other_closer", "Somebody else should close this", True, False, Needs.NOTHING, Follows.BACK, None, False),
)
# The lead was none: whoever got it by turn is owed another.
GIVE_TURN_BACK = frozenset({"duplicate", "bad_contact"})
EVIDENCE = {
    "duplicate": (Reason.Evidence.LINK, "Link to the other record"),
    "went_elsewhere": (Reason.Evidence.TEXT, "To whom did they go?"),
}


@transaction.atomic
def ship(**kwargs: Any) -> None:
    """Make sure that a first team can be given hours, and that every lead is promised something."""
    if PolicyVersion._meta.db_table not in connection.introspection.table_names():
        return  # another app was migrated alone
    now = clock.now()
    if not CalendarVersion.objects.exists():
        calendar, _ = Calendar.objects.get_or_create(name=CALENDAR)
        publishing.publish_calendar(calendar, WEEKDAYS, why=SHIPPED, now=now, by=None)
    if not PolicyVersion.objects.exists():
        policy, _ = Policy.objects.get_or_create(name=POLICY, defaults={"position": 1000})
        version = publishing.draft_policy(policy)
        PolicyTarget.objects.bulk_create(_targets(version))
        LadderStep.objects.bulk_create(
            LadderStep(version=version, target=target, share=share, action=action) for target, share, action in LADDER
        )
        publishing.publish_policy(version, why=SHIPPED, now=now, by=None)
    _ship_reasons(now=now)
    drafting.ship()
    checklists.ship()


def _ship_reasons(*, now: datetime) -> None:
    """Each shipped reason once, by its code; one that people changed or took out of use stays as they left it."""
    for position, (code, label, on_reject, on_return, needs, follows, rest_days, merit) in enumerate(REASONS, start=1):
        if Reason.objects.filter(code=code).exists():
            continue
        evidence, prompt = EVIDENCE.get(code, (Reason.Evidence.NONE, ""))
        reason = Reason(
            code=code,
            label=label,
            on_reject=on_reject,
            on_return=on_return,
            needs=needs,
            follows=follows,
            rest_days=rest_days,
            counts_on_merit=merit,
            gives_turn_back=code in GIVE_TURN_BACK,
            evidence=evidence,
            evidence_prompt=prompt,
            position=position * 10,
            is_shipped=True,
        )
        publishing.put(reason, why=SHIPPED, now=now, by=None)


def _targets(version: PolicyVersion) -> list[PolicyTarget]:
    always = PolicyTarget.Hours.ROUND_THE_CLOCK
    targets = [
        PolicyTarget(version=version, target=Target.ASSIGN, heat=heat, seconds=ASSIGN, hours=always) for heat in Heat
    ]
    for target, lengths in ((Target.FIRST_TOUCH, FIRST_TOUCH), (Target.ACCEPT, ACCEPT)):
        targets += [
            PolicyTarget(version=version, target=target, heat=heat, seconds=seconds)
            for heat, seconds in lengths.items()
        ]
    targets.append(PolicyTarget(version=version, target=Target.FIRST_TOUCH, heat=Heat.COOL, business_days=1))
    return targets

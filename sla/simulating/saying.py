"""A simulation as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sla.simulating.run import Promise, Simulation


def as_json(told: Simulation) -> dict[str, Any]:
    """Where it would go and why, for programs: instants in UTC, reps by the public ids of their users."""
    decision, chosen = told.decision, told.decision.chosen
    goes_to = told.told.user if told.told is not None else chosen.rep.user if chosen is not None else None
    return {
        "at": _at(told.asked.at),
        "lane": str(told.asked.episode.lane),
        "ends": str(decision.ends),
        "says": told.says,
        "why": decision.why,
        "team": decision.team.name if decision.team is not None else None,
        "rule": decision.rule.name if decision.rule is not None else None,
        "shadow": str(decision.shadow) if decision.shadow is not None else None,
        "policy": str(told.policy) if told.policy is not None else None,
        "chosen": str(goes_to.public_id) if goes_to is not None else None,
        "rules": [
            {
                "name": each.rule.name,
                "version": each.rule.version,
                "when": each.reads,
                "result": each.result,
                "why_not": each.why_not,
            }
            for each in told.rules
        ],
        "reps": [
            {
                "user": str(each.candidate.rep.user.public_id),
                "name": str(each.candidate.rep.user),
                "code": each.candidate.code,
                "load": each.candidate.load,
                "capacity": each.candidate.rep.capacity,
                "is_chosen": each.is_chosen,
                "why": each.says,
            }
            for each in told.reps
        ],
        "promises": [_promise(each) for each in told.promises],
    }


def _promise(each: Promise) -> dict[str, Any]:
    deadline = each.deadline
    return {
        "target": each.target.value,
        "due_at": _at(deadline.due_at),
        "seconds": deadline.budget_seconds,
        "hours": each.hours,
        "counted": [{"from": _at(a), "to": _at(b), "seconds": seconds} for a, b, seconds in deadline.counted],
        "uncounted": [{"from": _at(a), "to": _at(b), "why": why} for a, b, why in deadline.uncounted],
        "ladder": [{"at": _at(at), "what": what} for at, what in each.ladder],
    }


def _at(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

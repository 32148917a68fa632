"""Histories as database rows, and judgements read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from leads.models import Account, Activity, ActivityType, AttributeChange, Lead, RestChange, Source, StageChange
from scoring.compiler import Facts, Leads, VersionSpec, compile_reasons, compile_version
from tests.scoring.oracle import Change, History, attributes, sorted_by_at

LEAD_COLUMNS = ("title", "seniority", "country", "domain_kind", "email_permission", "phone_permission")


def types(names: Sequence[str], at: datetime) -> dict[str, int]:
    """Catalog rows of these names."""
    return {name: ActivityType.objects.get_or_create(name=name, defaults={"first_seen_at": at})[0].pk for name in names}


def write(histories: Sequence[History], type_ids: dict[str, int], latest: datetime) -> None:
    """Every fact as its history row, and the present rows as they stand after all of them."""
    source = Source.objects.get_or_create(name="test", defaults={"kind": "import"})[0]
    for history in histories:
        _write_lead(history, latest)
    changes = [_change(c, lead_id=h.lead_id) for h in histories for c in h.changes]
    changes += [_change(c, account_id=i) for h in histories for i, listed in h.accounts.items() for c in listed]
    AttributeChange.objects.bulk_create(changes)
    RestChange.objects.bulk_create(
        RestChange(lead_id=h.lead_id, at=r.at, rest_until=r.rest_until, evidence_from=r.evidence_from, cause="test")
        for h in histories
        for r in h.rests
    )
    stages = []
    for h in histories:
        before = "SUBSCRIBER"
        for at, stage in sorted(h.stages):
            stages.append(StageChange(lead_id=h.lead_id, from_stage=before, to_stage=stage, at=at, cause="test"))
            before = stage
    StageChange.objects.bulk_create(stages)
    Activity.objects.bulk_create(
        Activity(
            id=a.id,
            lead_id=h.lead_id,
            type_id=type_ids[a.type],
            occurred_at=a.occurred_at,
            received_at=a.known_at,
            known_at=a.known_at,
            discounted_at=a.discounted_at,
            properties=a.properties,
            source=source,
            message_id=str(a.id),
        )
        for h in histories
        for a in h.acts
    )


def judge(
    version: VersionSpec,
    type_ids: dict[str, int],
    t: datetime,
    facts: Facts,
    leads: Sequence[int] | None = None,
) -> dict[int, dict[str, Any]]:
    """Each lead's judgement by the compiled query, with what each criterion counted."""
    scope = Leads.ALL if leads is None else Leads.GIVEN
    query = compile_version(version, type_ids=type_ids, facts=facts, leads=scope)
    judged = {row["lead_id"]: row for row in rows(query, t, leads)}
    why = compile_reasons(version, type_ids=type_ids, facts=facts)
    for row in judged.values():
        row["counted"] = {}
    for row in rows(why, t, list(judged)):
        judged[row["lead_id"]]["counted"][row["key"]] = row["activity_ids"]
    return judged


def rows(query: Any, t: datetime, leads: Sequence[int] | None) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(*query.bind(t, leads))
        return [_read(dict(zip(query.columns, row, strict=True)), query.keys) for row in cursor.fetchall()]


def _read(row: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    read = {name: json.loads(value) if name in ("missing", "observed") else value for name, value in row.items()}
    return read | ({"shares": dict(zip(keys, read["shares"], strict=True))} if "shares" in read else {})


def _change(change: Change, **subject: int) -> AttributeChange:
    return AttributeChange(attribute=change.attribute, value=change.value, known_at=change.known_at, **subject)


def _write_lead(history: History, latest: datetime) -> None:
    read = attributes(history, latest)
    for account_id, listed in history.accounts.items():
        alone = attributes(
            History(0, latest, changes=[Change("account", account_id, latest)], accounts={account_id: listed}), latest
        )
        Account.objects.create(
            id=account_id,
            employees=alone("account.employees"),
            industry=alone("account.industry") or "",
            traits={"seats": alone("account_trait.seats")},
            created_at=history.created_at,
        )
    rests = sorted_by_at(history.rests)
    account = [c.value for c in sorted(history.changes, key=lambda c: c.known_at) if c.attribute == "account"]
    Lead.objects.create(
        id=history.lead_id,
        account_id=account[-1] if account else None,
        traits={"plan": read("trait.plan")},
        stage=sorted(history.stages)[-1][1] if history.stages else "SUBSCRIBER",
        stage_at=history.created_at,
        rest_until=rests[-1].rest_until if rests else None,
        evidence_from=rests[-1].evidence_from if rests else None,
        created_at=history.created_at - timedelta(days=1),
        **{name: read(f"lead.{name}") or "" for name in LEAD_COLUMNS},
    )

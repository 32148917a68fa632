"""Judging: a version's one compiled query, asked about some leads or all, now or as of a past moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from leads.models import ActivityType, Organization
from scoring.compiler import Facts, Leads, Query, VersionSpec, compile_reasons, compile_version
from scoring.models import DefinitionVersion

JSON_COLUMNS: Final = frozenset({"missing", "observed"})
MEETING: Final = """
WITH judged AS MATERIALIZED ({judged})
SELECT lead_id, total FROM judged WHERE meets OR hand_raised <> ''
UNION ALL SELECT NULL, count(*) FROM judged
"""
KEPT_AT_MOST: Final = 64
_compiled: dict[tuple[Any, ...], Query] = {}
_specs: dict[tuple[Any, ...], VersionSpec] = {}
_type_ids: dict[tuple[Any, ...], dict[str, int]] = {}
_published: dict[tuple[int, datetime | None], DefinitionVersion] = {}


def in_force() -> list[DefinitionVersion]:
    """The published version of each definition, the first to open an episode first.

    Which ones is asked each time; what they say never changes, so it is read once per process.
    """
    global _published  # noqa: PLW0603
    published = DefinitionVersion.objects.filter(state=DefinitionVersion.State.PUBLISHED)
    keys = list(published.order_by("definition__position", "definition_id").values_list("pk", "published_at"))
    known = _published
    if any(key not in known for key in keys):
        # A new one in place of the old, which another thread may just be reading.
        versions = published.select_related("definition").prefetch_related("criteria")
        known = _published = {(version.pk, version.published_at): version for version in versions}
    return [known[key] for key in keys if key in known]


def spec_of(version: DefinitionVersion) -> VersionSpec:
    """The version as the compiler reads it, counting days in the organization's zone."""
    return version.to_spec(_zone())


def _zone() -> str:
    zone: str = Organization.objects.values_list("time_zone", flat=True).get(pk=1)
    return zone


def compiled(version: DefinitionVersion, *, present: bool, everyone: bool) -> Query:
    """The one query of a version, over the present or over history, for given leads or for all."""
    facts, leads = Facts.PRESENT if present else Facts.PAST, Leads.ALL if everyone else Leads.GIVEN
    return _kept(
        version, (facts, leads), lambda spec, ids: compile_version(spec, type_ids=ids, facts=facts, leads=leads)
    )


def compiled_reasons(version: DefinitionVersion, *, present: bool) -> Query:
    """The query that tells why, of a version and for given leads."""
    facts = Facts.PRESENT if present else Facts.PAST
    return _kept(version, ("reasons", facts), lambda spec, ids: compile_reasons(spec, type_ids=ids, facts=facts))


def _kept(version: DefinitionVersion, kind: Any, make: Callable[[VersionSpec, dict[str, int]], Query]) -> Query:
    """What is published never changes, so its SQL changes only with the zone and the activities seen so far."""
    if version.state == DefinitionVersion.State.DRAFT:
        spec = spec_of(version)
        return make(spec, type_ids(spec))
    identity, zone = (version.pk, version.definition.public_id), _zone()
    spec = _specs.get((identity, zone)) or version.to_spec(zone)
    ids = _type_ids.get(identity) or type_ids(spec)
    key = (identity, zone, tuple(sorted(ids.items())), kind)
    query = _compiled.get(key)
    if query is None:
        query = make(spec, ids)
        if len(_compiled) >= KEPT_AT_MOST:
            for kept in (_compiled, _specs, _type_ids):
                kept.clear()
        _compiled[key], _specs[identity, zone] = query, spec
        if len(ids) == len(spec.activity_names):
            _type_ids[identity] = ids  # all have been seen, and a catalog row keeps its id
    return query


def judge(
    lead_ids: Iterable[int] | None, version: DefinitionVersion, *, as_of: datetime, present: bool = True
) -> list[dict[str, Any]]:
    """The judgement of these leads (None: all) as of a moment, one dict a lead, without storing anything.

    `present=False` reads history, and so judges a past moment with what was known then.
    """
    query = compiled(version, present=present, everyone=lead_ids is None)
    if lead_ids is not None:
        return rows(query, as_of, sorted(set(lead_ids)))
    with transaction.atomic(), connection.cursor() as cursor:
        make_room(cursor)
        return rows(query, as_of, None)


def meeting(version: DefinitionVersion, *, as_of: datetime) -> tuple[dict[int, int], int]:
    """The total of each lead that meets this version now or raised a hand, and how many leads were judged.

    In thousandths of a point. Of everybody else nothing leaves the database, so that a million leads fit a web process.
    """
    sql, values = compiled(version, present=True, everyone=True).bind(as_of, None)
    with transaction.atomic(), connection.cursor() as cursor:
        make_room(cursor)
        cursor.execute(MEETING.format(judged=sql), values)
        found = dict(cursor.fetchall())
    return found, found.pop(None)


def rows(query: Query, as_of: datetime, lead_ids: list[int] | None) -> list[dict[str, Any]]:
    """Run a compiled query; one dict per row, JSON read, and each share by its criterion's key."""
    with connection.cursor() as cursor:
        cursor.execute(*query.bind(as_of, lead_ids))
        found = [dict(zip(query.columns, row, strict=True)) for row in cursor.fetchall()]
    for row in found:
        row.update({name: json.loads(row[name]) for name in JSON_COLUMNS & row.keys() if row[name] is not None})
        if "shares" in row:
            row["shares"] = dict(zip(query.keys, row["shares"], strict=True))
    return found


def make_room(cursor: CursorWrapper) -> None:
    """For a judgement of everybody, until the transaction ends: memory enough to keep what is counted in one piece, and
    no machine code, which takes longer to make than it saves."""
    cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")


def type_ids(spec: VersionSpec) -> dict[str, int]:
    """Ids of the activity types that a version names, as far as they have been seen."""
    return dict(ActivityType.objects.filter(name__in=spec.activity_names).values_list("name", "id"))

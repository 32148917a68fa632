"""What must hold of versions on any database: what is in force is what its newest version says."""

from __future__ import annotations

from leads.invariants import Check, ask

ASTRAY = """
SELECT '{name}' AS name, row.id, row.version FROM {row} AS row
LEFT JOIN {version} AS last ON last.{column} = row.id AND last.number = row.version
WHERE last.id IS NULL
   OR EXISTS (SELECT 1 FROM {version} AS newer WHERE newer.{column} = row.id AND newer.number > row.version)
   OR EXISTS (SELECT 1 FROM jsonb_each(last.content) AS kept
              WHERE (to_jsonb(row) -> kept.key) IS DISTINCT FROM kept.value)
"""
RULES = ASTRAY.format(name="Rule", row="sla_routingrule", version="sla_ruleversion", column="rule_id")
REASONS = ASTRAY.format(name="Reason", row="sla_reason", version="sla_reasonversion", column="reason_id")

CHECKS: list[Check] = [
    Check(
        2,
        "what is in force is its newest version",
        "A routing rule or a reason reads as its newest version does.",
        ask(f"{RULES} UNION ALL {REASONS}", "{name} {id} does not read as its version {version} does."),
    ),
]

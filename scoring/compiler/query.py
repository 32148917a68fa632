"""A definition version compiled to one SQL query, level upon level: facts, counts, met, shares, sums, gate."""

from __future__ import annotations

from collections.abc import Mapping

from leads.conditions import Sql, build, compile, fields_of, join, param
from scoring.compiler.arithmetic import bigint, clamped, worth
from scoring.compiler.behavior import Behavior, Line
from scoring.compiler.gate import Columns, Gate, every
from scoring.compiler.rows import Rows
from scoring.compiler.runtime import DAY, Facts, Leads, Query, at
from scoring.compiler.sources import Fields
from scoring.compiler.spec import VersionSpec

COLUMNS = (
    "lead_id",
    "stage",
    "rest_until",
    "resting",
    "evidence_from",
    "fit",
    "engagement",
    "engagement_ever",
    "total",
    "tier",
    "shares",
    "meets",
    "hand_raised",
    "is_cooled",
    "in_audience",
    "disqualified_by",
    "missing",
    "evidence_at",
    "reassess_at",
)
REASON_COLUMNS = ("position", "key", "met", "points", "counted", "last_at", "activity_ids", "observed")


class Compilation:
    """One version on its way to SQL."""

    def __init__(self, version: VersionSpec, type_ids: Mapping[str, int], facts: Facts, leads: Leads) -> None:
        self.version = version
        self.leads = leads
        names = [name for c in version.criteria if c.is_fit for name in fields_of(c.condition)]
        self.fields = Fields([*names, *fields_of(version.audience)], facts)
        self.rows = Rows(type_ids, version.time_zone)
        self.gate = Gate(version, self.fields)
        self.behavior = Behavior(self.gate.engagement, self.rows, facts, leads)
        self.counting = {line.index: line for line in self.behavior.lines}
        self.facts = facts

    def query(self) -> Query:
        """The judgement of each lead, in columns COLUMNS."""
        tables, judged = self._judged()
        columns = [self._output(name) for name in COLUMNS]
        sql = build("{0}SELECT {1} FROM ({2}) p", tables, join(", ", columns), judged)
        return Query(sql.text, sql.params, COLUMNS, tuple(line.criterion.key for line in self.gate.lines))

    def reasons(self) -> Query:
        """One row per lead and criterion, in columns lead_id and REASON_COLUMNS."""
        tables, judged = self._judged()
        lines = [self._reason(line) for line in self.gate.lines]
        if not lines:
            nothing = "NULL::bigint, NULL::int, NULL::text, NULL::boolean, NULL::bigint, NULL::numeric"
            lines = [Sql(f"SELECT {nothing}, NULL::timestamptz, NULL::bigint[], NULL::jsonb WHERE false")]
        word = ", " if tables.text else "WITH "
        head = build(f"{{0}}{word}judged AS MATERIALIZED ({{1}}) ", tables, judged)
        sql = build("{0}{1} ORDER BY 1, 2", head, join(" UNION ALL ", lines))
        return Query(sql.text, sql.params, ("lead_id", *REASON_COLUMNS))

    def _judged(self) -> tuple[Sql, Sql]:
        """The WITH clause, and the topmost level but one: every column a judgement is read from."""
        tables = self.behavior.tables()
        base = self.fields.base(self.leads)
        if self.facts is Facts.PAST:
            tables, base = [("base", base), *tables], Sql("SELECT * FROM base")
        joined = [name for name, _ in tables if name not in ("base", "spent")]
        joins = " ".join(f"LEFT JOIN {name} ON {name}.lead_id = b.lead_id" for name in joined)
        columns = [build(f"{{0}} AS {name}", value) for name, value in self.behavior.columns()]
        # Activities nobody has ever seen: nothing is read for them, and nothing was counted.
        unseen = [line for line in self.gate.engagement if line.index not in self.counting]
        columns += [Sql(f"NULL::timestamptz AS x{line.index}") for line in unseen]
        level = build(f"SELECT {{0}} FROM ({{1}}) b {joins} OFFSET 0", join(", ", [Sql("b.*"), *columns]), base)
        gate = self.gate
        for columns_of in (
            self._met, self._shares, gate.sums, gate.totals, gate.verdict, gate.outcome, gate.best, gate.best_sums
        ):  # fmt: skip
            level = _over(level, columns_of())
        bodies = [build(f"{name} AS {'MATERIALIZED ' if name == 'base' else ''}({{0}})", body) for name, body in tables]
        return (build("WITH {0} ", join(", ", bodies)) if bodies else Sql("")), level

    def _met(self) -> Columns:
        """m<i>: is the criterion met; em<i>: was it, with spent evidence counted in."""
        columns: Columns = []
        for line in self.gate.lines:
            if line.criterion.is_fit:
                columns.append((f"m{line.index}", compile(line.criterion.condition, self.fields.resolver("p"))))
                continue
            columns += [(f"m{line.index}", self._enough(line, "")), (f"em{line.index}", self._enough(line, "e"))]
        return columns

    def _enough(self, line: Line, prefix: str) -> Sql:
        c, i = line.criterion, line.index
        if i not in self.counting:
            return Sql("true" if c.at_least <= 0 and (c.at_most is None or c.at_most >= 0) else "false")
        if line.is_met_by_one:
            return Sql(f"(p.{prefix}x{i} IS NOT NULL)")
        number = Sql(f"coalesce(p.{prefix}n{i}, 0)")
        tests = [build("{0} >= {1}", number, param(c.at_least, "numeric"))]
        if c.at_most is not None:
            tests.append(build("{0} <= {1}", number, param(c.at_most, "numeric")))
        return every(tests)

    def _shares(self) -> Columns:
        """s<i>: the criterion's share under its own cap; es<i> with spent evidence counted in."""
        columns: Columns = []
        for line in self.gate.lines:
            if line.criterion.is_fit:
                columns.append((f"s{line.index}", self._share(line, "", bigint(line.criterion.points))))
                continue
            for prefix, name in (("", "s"), ("e", "e")):
                columns.append((f"{name}{line.index}", self._share(line, prefix, self._worth(line, prefix))))
        return columns

    def _share(self, line: Line, prefix: str, value: Sql) -> Sql:
        return build(f"CASE WHEN p.{prefix}m{line.index} THEN {{0}} ELSE 0 END", clamped(value, line.criterion))

    def _worth(self, line: Line, prefix: str) -> Sql:
        """Once: the last occurrence, or the whole points where none was needed. Per occurrence: their sum."""
        c, i = line.criterion, line.index
        if c.mode == "per_occurrence":
            if i not in self.counting:
                return Sql("0::bigint")
            if "p" in line.columns:
                return Sql(f"coalesce(p.{prefix}p{i}, 0)")
            return build(f"(coalesce(p.{prefix}n{i}, 0) * {{0}})", bigint(c.points))
        if c.decay == "none" or i not in self.counting:
            return bigint(c.points)
        last = Sql(f"p.{prefix}x{i}")
        return build("CASE WHEN {0} IS NULL THEN {1} ELSE {2} END", last, bigint(c.points), worth(c, last))

    def _output(self, name: str) -> Sql:
        if name == "resting":
            return build("coalesce(p.rest_until > {0}, false) AS resting", at())
        if name == "shares":
            # An array in the order of the criteria: naming each share would cost more than all the judging.
            return Sql(f"ARRAY[{', '.join(f'p.s{line.index}' for line in self.gate.lines)}]::bigint[] AS shares")
        if name == "missing":
            return build("{0} AS missing", self.gate.missing())
        if name == "reassess_at":
            return build("{0} AS reassess_at", self._reassess_at())
        return Sql(f"p.{name}")

    def _reassess_at(self) -> Sql:
        """When time alone can change the judgement next: a counted occurrence leaves its window, or points decay."""
        times: list[Sql] = []
        for line in self.behavior.lines:
            c, i = line.criterion, line.index
            if c.within is not None:
                edge = f"p.x{i}" if line.is_simple else f"p.y{i}"
                times.append(build(f"{edge} + {{0}} * interval '1 second'", bigint(c.within)))
            if c.decay != "none":
                times.append(build(f"CASE WHEN p.s{i} <> 0 AND p.x{i} IS NOT NULL THEN {{0}} END", at(DAY)))
        return build("least({0}, NULL::timestamptz)", join(", ", times)) if times else Sql("NULL::timestamptz")

    def _counted_now(self, line: Line) -> Sql:
        """Activities `a` this criterion counts for the lead of row `p`."""
        counted = self.rows.counted(line.criterion, "p")
        if line.criterion.outlives:
            return counted
        return build("{0} AND (p.evidence_from IS NULL OR a.occurred_at > p.evidence_from)", counted)

    def _reason(self, line: Line) -> Sql:
        c, i = line.criterion, line.index
        fixed = build(
            f"p.lead_id, {i} AS position, {{0}} AS key, p.m{i} AS met, p.s{i}::bigint AS points", param(c.key, "text")
        )
        if c.is_fit:
            pairs = [
                build("{0}, {1}", param(name, "text"), self.fields.resolver("p")(name))
                for name in fields_of(c.condition)
            ]
            observed = build("jsonb_build_object({0})", join(", ", pairs)) if pairs else Sql("'{}'::jsonb")
            rest = build("NULL::numeric, NULL::timestamptz, '{}'::bigint[], {0}", observed)
        elif i not in self.counting:
            rest = Sql("0::numeric, NULL::timestamptz, '{}'::bigint[], '{}'::jsonb")
        else:
            ids = build(
                "ARRAY(SELECT a.id FROM leads_activity a WHERE a.lead_id = p.lead_id AND {0} AND {1}"
                " ORDER BY a.occurred_at DESC, a.id DESC)",
                self.rows.known(c.activities, Leads.ALL), self._counted_now(line),
            )  # fmt: skip
            number = f"coalesce(p.n{i}, 0)::numeric" if "n" in line.columns else "NULL::numeric"
            rest = build(f"{number}, p.x{i}, {{0}}, '{{}}'::jsonb", ids)
        return build("(SELECT {0}, {1} FROM judged p)", fixed, rest)


def _over(level: Sql, columns: Columns) -> Sql:
    """One more level: the row below and new columns. OFFSET 0 keeps each column from being computed more than once."""
    added = [build(f"{{0}} AS {name}", value) for name, value in columns]
    return build("SELECT {0} FROM ({1}) p OFFSET 0", join(", ", [Sql("p.*"), *added]), level)

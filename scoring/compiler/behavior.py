"""Behavior in one pass: what each engagement criterion counted, per lead.

Columns, with the criterion's place behind the letter: n (its measure), x (last), y (first), p (points of all).
Most leads have spent nothing, so the pass over all activities counts everything once, and a second one counts again
what is not spent, only for leads that have spent evidence. A criterion that asks just whether it ever happened needs
nothing but its last occurrence: window, undoing and spent evidence are then read off that one time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leads.conditions import Sql, build, join
from scoring.compiler.arithmetic import bigint, worth
from scoring.compiler.rows import Rows
from scoring.compiler.runtime import Facts, Leads, at, given
from scoring.compiler.spec import SESSION_GAP, CriterionSpec

_UNITS = ("days", "sessions", "distinct")
X = Sql("a.occurred_at")


@dataclass(frozen=True)
class Line:
    """One engagement criterion with its place in the version."""

    index: int
    criterion: CriterionSpec

    @property
    def is_met_by_one(self) -> bool:
        """A single occurrence is enough, and none is too many."""
        c = self.criterion
        return c.measure != "sum" and 0 < c.at_least <= 1 and c.at_most is None

    @property
    def is_simple(self) -> bool:
        """Met by a single occurrence, and worth what its last one is worth."""
        return self.is_met_by_one and self.criterion.mode == "once"

    @property
    def columns(self) -> tuple[str, ...]:
        """What must be counted: nothing that can be read off the rest."""
        c = self.criterion
        if self.is_simple:
            return ("x",)
        each = c.mode == "per_occurrence"
        points = each and (c.decay != "none" or c.measure == "sum")
        number = not self.is_met_by_one or c.measure in _UNITS or (each and not points)
        wanted = {"n": number, "x": True, "y": c.within is not None, "p": points}
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)


class Behavior:
    """The counting part of a version's query."""

    def __init__(self, lines: Sequence[Line], rows: Rows, facts: Facts, leads: Leads) -> None:
        self.rows, self.facts, self.leads = rows, facts, leads
        self.lines = [line for line in lines if rows.types(line.criterion.activities)]
        others = {rows.other(line.criterion) for line in self.lines}
        self.others = sorted(other for other in others if other is not None)

    def tables(self) -> list[tuple[str, Sql]]:
        """The parts of the WITH clause: o (undoing), a and v (all, not spent), u<i> and w<i> (counted by unit)."""
        named: list[tuple[str, Sql]] = []
        if self.others:
            named.append(("o", self._others()))
        if any(not line.is_simple and not line.criterion.outlives for line in self.lines):
            named.append(("spent", self._spent()))
        for fresh, whole, unit in ((False, "a", "u"), (True, "v", "w")):
            lines = [line for line in self.lines if not fresh or self._restricted(line)]
            together = [line for line in lines if not self._by_unit(line)]
            if together:
                named.append((whole, self._together(together, fresh)))
            named += [(f"{unit}{line.index}", self._alone(line, fresh)) for line in lines if self._by_unit(line)]
        return named

    def columns(self) -> Iterator[tuple[str, Sql]]:
        """Per criterion what counts now (x0, n0 …) and, with spent evidence in, ever (ex0, en0 …)."""
        for other in self.others:
            yield f"o{other}", Sql(f"o.o{other}")
        for line in self.lines:
            i = line.index
            if line.is_simple:
                yield from self._read_simple(line)
                continue
            whole, fresh = (f"u{i}", f"w{i}") if self._by_unit(line) else ("a", "v")
            for column in line.columns:
                ever = Sql(f"{whole}.{column}{i}")
                if self._restricted(line):
                    now = f"CASE WHEN b.evidence_from IS NULL THEN {whole}.{column}{i} ELSE {fresh}.{column}{i} END"
                    yield f"{column}{i}", Sql(now)
                else:
                    yield f"{column}{i}", ever
                yield f"e{column}{i}", ever

    def _read_simple(self, line: Line) -> Iterator[tuple[str, Sql]]:
        i, c = line.index, line.criterion
        last = Sql(f"a.x{i}")
        tests = [] if c.within is None else [build("{0} > {1}", last, at(-c.within))]
        other = self.rows.other(c)
        if other is not None:
            tests.append(build(f"(o.o{other} IS NULL OR {{0}} > o.o{other})", last))
        ever = build("CASE WHEN {0} THEN {1} END", join(" AND ", tests), last) if tests else last
        if not c.outlives:
            tests.append(build("(b.evidence_from IS NULL OR {0} > b.evidence_from)", last))
        yield f"x{i}", build("CASE WHEN {0} THEN {1} END", join(" AND ", tests), last) if tests else last
        yield f"ex{i}", ever

    @staticmethod
    def _restricted(line: Line) -> bool:
        return not line.is_simple and not line.criterion.outlives

    @staticmethod
    def _by_unit(line: Line) -> bool:
        return line.criterion.measure in _UNITS and not line.is_simple

    def _others(self) -> Sql:
        """The last time of each activity that undoes another."""
        names = [line.criterion.not_since for line in self.lines]
        last = [f"max(a.occurred_at) FILTER (WHERE a.type_id = {other}) AS o{other}" for other in self.others]
        return build(
            f"SELECT a.lead_id, {', '.join(last)} FROM leads_activity a WHERE {{0}} GROUP BY a.lead_id",
            self.rows.known(names, self.leads),
        )

    def _spent(self) -> Sql:
        if self.facts is Facts.PAST:
            return Sql("SELECT b.lead_id, b.evidence_from FROM base b WHERE b.evidence_from IS NOT NULL")
        scope = build(" AND l.id = ANY({0})", given()) if self.leads is Leads.GIVEN else Sql("")
        return build(
            "SELECT l.id AS lead_id, l.evidence_from FROM leads_lead l WHERE l.evidence_from IS NOT NULL{0}", scope
        )

    def _scan(self, lines: Sequence[Line], fresh: bool, undone: bool) -> Sql:
        """FROM and WHERE of a pass over the activities these criteria count."""
        criteria = [line.criterion for line in lines]
        spent = " JOIN spent s ON s.lead_id = a.lead_id" if fresh else ""
        others = " LEFT JOIN o ON o.lead_id = a.lead_id" if undone else ""
        parts = [self.rows.known([name for c in criteria for name in c.activities], self.leads)]
        windows = [c.within for c in criteria if c.within is not None]
        if len(windows) == len(criteria):
            parts.append(build("a.occurred_at > {0}", at(-max(windows))))
        if fresh:
            parts.append(Sql("a.occurred_at > s.evidence_from"))
        return build(f"FROM leads_activity a{spent}{others} WHERE {{0}}", join(" AND ", parts))

    def _together(self, lines: Sequence[Line], fresh: bool) -> Sql:
        """Every criterion that can be counted row by row, in one pass."""
        undone = any(not line.is_simple and self.rows.other(line.criterion) is not None for line in lines)
        columns: list[Sql] = [Sql("a.lead_id")]
        for line in lines:
            columns += [build(f"{{0}} AS {name}{line.index}", value) for name, value in self._aggregates(line)]
        return build("SELECT {0} {1} GROUP BY a.lead_id", join(", ", columns), self._scan(lines, fresh, undone))

    def _aggregates(self, line: Line) -> Iterator[tuple[str, Sql]]:
        c = line.criterion
        rows = self.rows.matching(c) if line.is_simple else self.rows.counted(c, "o")
        where = build("FILTER (WHERE {0})", rows)
        for column in line.columns:
            if column == "n":
                value = build("sum({0})", self.rows.unit(c)) if c.measure == "sum" else Sql("count(*)")
            elif column == "p":
                yield column, self._points(c, where, X)
                continue
            else:
                value = Sql("max(a.occurred_at)" if column == "x" else "min(a.occurred_at)")
            yield column, build("{0} {1}", value, where)

    def _alone(self, line: Line, fresh: bool) -> Sql:
        """A criterion that counts days, sessions or values: each unit with its last occurrence, then the units."""
        c, i = line.criterion, line.index
        rows = build(
            "{0} AND {1}", self._scan([line], fresh, self.rows.other(c) is not None), self.rows.counted(c, "o")
        )
        if c.measure == "sessions":
            following = "lead(a.occurred_at) OVER (PARTITION BY a.lead_id ORDER BY a.occurred_at)"
            ends = f"({following} - a.occurred_at >= interval '{SESSION_GAP} seconds') IS NOT FALSE"
            inner = build(f"SELECT a.lead_id, a.occurred_at AS x, a.occurred_at AS y, {ends} AS is_unit {{0}}", rows)
        else:
            inner = build(
                "SELECT a.lead_id, {0} AS unit, max(a.occurred_at) AS x, min(a.occurred_at) AS y, true AS is_unit"
                " {1} GROUP BY a.lead_id, {0}",
                self.rows.unit(c), rows,
            )  # fmt: skip
        where = Sql("FILTER (WHERE q.is_unit)")
        points = self._points(c, where, Sql("q.x"))
        return build(
            f"SELECT q.lead_id, count(*) FILTER (WHERE q.is_unit) AS n{i}, max(q.x) AS x{i}, min(q.y) AS y{i},"
            f" {{0}} AS p{i} FROM ({{1}}) q GROUP BY q.lead_id",
            points, inner,
        )  # fmt: skip

    @staticmethod
    def _points(c: CriterionSpec, where: Sql, occurred_at: Sql) -> Sql:
        if c.decay == "none":
            return build("(count(*) {0} * {1})", where, bigint(c.points))
        return build("(sum({0}) {1})::bigint", worth(c, occurred_at), where)

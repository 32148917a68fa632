"""From shares to a judgement: sums under their caps, the gate, the fast lane, tiers, leaving, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leads.conditions import Sql, build, certain, compile, fields_of, join, param, possible, unset
from scoring.compiler.arithmetic import axis_sum, bigint, capped
from scoring.compiler.behavior import Line
from scoring.compiler.sources import Fields
from scoring.compiler.spec import VersionSpec

Columns = list[tuple[str, Sql]]
HOTTEST = "hot"
COOLEST = "cool"


def every(parts: Iterable[Sql]) -> Sql:
    listed = list(parts)
    return build("({0})", join(" AND ", listed)) if listed else Sql("true")


def some(parts: Iterable[Sql]) -> Sql:
    listed = list(parts)
    return build("({0})", join(" OR ", listed)) if listed else Sql("false")


class Gate:
    """The judging part of a version's query. Each method gives one level of columns, read off the row `p` below it."""

    def __init__(self, version: VersionSpec, fields: Fields) -> None:
        self.version = version
        self.resolve = fields.resolver("p")
        self.lines = [Line(index, criterion) for index, criterion in enumerate(version.criteria)]
        self.fit = [line for line in self.lines if line.criterion.is_fit]
        self.engagement = [line for line in self.lines if not line.criterion.is_fit]
        self.hands = [line for line in self.engagement if line.criterion.is_hand_raise]
        # Criteria whose outcome may change when an attribute becomes known.
        self.open = [line for line in self.fit if fields_of(line.criterion.condition)]

    def sums(self) -> Columns:
        """fit, engagement (spent evidence left out), engagement_ever (counted in), who is in the audience."""
        return [
            ("fit", self._axis(self.fit, "s", self.version.fit_cap)),
            ("engagement", self._axis(self.engagement, "s", self.version.engagement_cap)),
            ("engagement_ever", self._axis(self.engagement, "e", self.version.engagement_cap)),
            ("in_audience", compile(self.version.audience, self.resolve)),
            ("disqualified_by", self._first((line for line in self.lines if line.criterion.disqualifies), "m")),
            ("has_required", every(Sql(f"p.m{line.index}") for line in self.lines if line.criterion.is_required)),
            ("evidence_at", self._evidence_at()),
        ]

    def totals(self) -> Columns:
        return [
            ("total", capped(Sql("(p.fit + p.engagement)"), self.version.total_cap)),
            ("admitted", Sql(
                "(p.in_audience AND p.disqualified_by = '' AND p.has_required"
                " AND (p.evidence_from IS NULL OR p.evidence_at IS NOT NULL))"
            )),
        ]  # fmt: skip

    def verdict(self) -> Columns:
        """Which hand is raised, and whether the thresholds are reached."""
        hands = [
            build(f"WHEN p.m{line.index} AND p.fit >= {{0}} THEN {{1}}", self._hand_min(line), self._key(line))
            for line in self.hands
        ]
        raised = build("CASE WHEN NOT p.admitted THEN '' {0} ELSE '' END", join(" ", hands)) if hands else Sql("''")
        return [("hand_raised", raised), ("reaches", self._reaches(Sql("p.fit"), Sql("p.total")))]

    def outcome(self) -> Columns:
        v = self.version
        low = [
            build(f"p.{name} < {{0}}", bigint(minimum if leave is None else leave))
            for name, leave, minimum in (
                ("fit", v.fit_leave, v.fit_min),
                ("engagement", v.engagement_leave, v.engagement_min),
                ("total", v.total_leave, v.total_min),
            )
        ]
        return [
            ("meets", Sql("(p.admitted AND (p.reaches OR p.hand_raised <> ''))")),
            ("is_cooled", build(
                "(NOT p.in_audience OR p.disqualified_by <> '' OR (p.hand_raised = '' AND {0}))", some(low)
            )),
            ("near", self._near()),
        ]  # fmt: skip

    def best(self) -> Columns:
        """For leads whose engagement is met: what fit would be at best, if what is not set were known."""
        columns: Columns = [("tier", self._tier())]
        for line in self.open:
            c = line.criterion
            could = (possible if c.points > 0 else certain)(c.condition, self.resolve)
            value = build("CASE WHEN p.near THEN CASE WHEN {0} THEN {1} ELSE 0 END END", could, self._most(line))
            columns.append((f"bs{line.index}", value))
            if c.is_required:
                columns.append((f"br{line.index}", self._when_near(possible(c.condition, self.resolve))))
            if c.disqualifies:
                columns.append((f"bd{line.index}", self._when_near(certain(c.condition, self.resolve))))
        columns.append(("ba", self._when_near(possible(self.version.audience, self.resolve))))
        return columns

    def best_sums(self) -> Columns:
        shares = [(line.criterion, Sql(f"p.{'bs' if line in self.open else 's'}{line.index}")) for line in self.fit]
        return [("bfit", axis_sum(shares, self.version.group_caps, self.version.fit_cap))]

    def missing(self) -> Sql:
        """The attributes that are not set and alone stand in the way, as a sorted JSON list; empty where none do."""
        total = capped(Sql("(p.bfit + p.engagement)"), self.version.total_cap)
        hands = [build(f"(p.m{i.index} AND p.bfit >= {{0}})", self._hand_min(i)) for i in self.hands]
        hopes = [Sql("p.near"), Sql("p.ba"), some([self._reaches(Sql("p.bfit"), total), *hands])]
        lists: list[Sql] = []
        for line in self.fit:
            c, i = line.criterion, line.index
            is_open = line in self.open
            if c.is_required:
                hopes.append(Sql(f"p.br{i}" if is_open else f"p.m{i}"))
            if c.disqualifies:
                hopes.append(Sql(f"NOT p.bd{i}" if is_open else f"NOT p.m{i}"))
            if is_open:
                lists.append(build("CASE WHEN {0} THEN {1} END", self._differs(line), unset(c.condition, self.resolve)))
        if fields_of(self.version.audience):
            listed = unset(self.version.audience, self.resolve)
            lists.append(build("CASE WHEN p.ba <> p.in_audience THEN {0} END", listed))
        if not lists:
            return Sql("'[]'::jsonb")
        names = build("SELECT jsonb_agg(DISTINCT u.name) FROM unnest({0}) AS u(name)", join(" || ", lists))
        return build("coalesce(CASE WHEN {0} THEN ({1}) END, '[]'::jsonb)", every(hopes), names)

    def _differs(self, line: Line) -> Sql:
        c, i = line.criterion, line.index
        tests = [f"p.bs{i} <> p.s{i}"]
        tests += [f"p.br{i} <> p.m{i}"] if c.is_required else []
        tests += [f"p.bd{i} <> p.m{i}"] if c.disqualifies else []
        return some(Sql(test) for test in tests)

    def _near(self) -> Sql:
        """Not met, yet nothing but fit and audience can be in the way."""
        required = (line for line in self.engagement if line.criterion.is_required)
        barred = (line for line in self.engagement if line.criterion.disqualifies)
        met = [build("p.engagement >= {0}", bigint(self.version.engagement_min))]
        met += [Sql(f"p.m{line.index}") for line in self.hands]
        return every([
            Sql("NOT (p.admitted AND (p.reaches OR p.hand_raised <> ''))"),
            Sql("(p.evidence_from IS NULL OR p.evidence_at IS NOT NULL)"),
            some(met),
            *(Sql(f"p.m{line.index}") for line in required),
            *(Sql(f"NOT p.m{line.index}") for line in barred),
        ])  # fmt: skip

    def _reaches(self, fit: Sql, total: Sql) -> Sql:
        v = self.version
        return build(
            "({0} >= {1} AND p.engagement >= {2} AND {3} >= {4})",
            fit, bigint(v.fit_min), bigint(v.engagement_min), total, bigint(v.total_min),
        )  # fmt: skip

    def _tier(self) -> Sql:
        v = self.version
        if v.tier_by == "grid":
            cells = [
                build(
                    "WHEN p.fit >= {0} AND p.engagement >= {1} THEN {2}",
                    bigint(_least(cell.fit_min)), bigint(_least(cell.engagement_min)), param(cell.tier, "text"),
                )
                for cell in v.grid
            ]  # fmt: skip
        else:
            read = "p.engagement" if v.tier_by == "engagement" else "p.total"
            cells = [
                build(f"WHEN {read} >= {{0}} THEN '{tier}'", bigint(minimum))
                for tier, minimum in ((HOTTEST, v.hot_min), ("warm", v.warm_min))
                if minimum is not None
            ]
        hand = f"WHEN NOT p.meets THEN '' WHEN p.hand_raised <> '' THEN '{HOTTEST}'"
        return build(f"CASE {hand} {{0}} ELSE '{COOLEST}' END", join(" ", cells))

    def _axis(self, lines: Sequence[Line], prefix: str, cap: int | None) -> Sql:
        shares = [(line.criterion, Sql(f"p.{prefix}{line.index}")) for line in lines]
        return axis_sum(shares, self.version.group_caps, cap)

    def _evidence_at(self) -> Sql:
        """The newest counted positive activity among criteria that are met."""
        times = [
            f"CASE WHEN p.m{line.index} THEN p.x{line.index} END"
            for line in self.engagement
            if line.criterion.is_evidence
        ]
        return Sql(f"greatest({', '.join(times)}, NULL::timestamptz)" if times else "NULL::timestamptz")

    def _first(self, lines: Iterable[Line], prefix: str) -> Sql:
        cases = [build(f"WHEN p.{prefix}{line.index} THEN {{0}}", self._key(line)) for line in lines]
        return build("CASE {0} ELSE '' END", join(" ", cases)) if cases else Sql("''")

    def _hand_min(self, line: Line) -> Sql:
        own = line.criterion.hand_raise_fit_min
        return bigint(self.version.fit_min if own is None else own)

    def _most(self, line: Line) -> Sql:
        c = line.criterion
        return bigint(c.points if c.cap is None else max(min(c.points, c.cap), -c.cap))

    @staticmethod
    def _key(line: Line) -> Sql:
        return param(line.criterion.key, "text")

    @staticmethod
    def _when_near(predicate: Sql) -> Sql:
        return build("(p.near AND {0})", predicate)


def _least(minimum: int | None) -> int:
    return -(2**62) if minimum is None else minimum

"""Where attributes, stage, rest and spent evidence come from: the present row, or the history as of the moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from leads.conditions import Kind, Resolver, Sql, build, join, param
from leads.conditions.errors import unknown_field
from scoring.compiler.runtime import Facts, Leads, at, given

LEAD_COLUMNS = {
    "title": "Job title",
    "seniority": "Seniority",
    "country": "Country",
    "domain_kind": "E-mail domain kind",
    "email": "E-mail address",
    "email_permission": "E-mail permission",
    "phone_permission": "Phone permission",
    "source": "First-touch source",
    "campaign": "First-touch campaign",
}
ACCOUNT_COLUMNS = {
    "name": "Company",
    "domain": "Company domain",
    "industry": "Industry",
    "employees": "Employees",
    "country": "Company country",
    "intent": "Buying intent",
}
# What a fit condition and an audience may read, with what people call it.
FIT_FIELDS: Mapping[str, str] = {
    **{f"lead.{name}": label for name, label in LEAD_COLUMNS.items()},
    **{f"account.{name}": label for name, label in ACCOUNT_COLUMNS.items()},
    "trait.*": "A trait of the lead",
    "account_trait.*": "A trait of the account",
}

_LIVE = "l.merged_into_id IS NULL AND l.erased_at IS NULL"
_PERMISSIONS = {"email_permission", "phone_permission"}


class Fields:
    """The attributes a version reads, each in a column of its own: f0, f1 …"""

    def __init__(self, names: Iterable[str], facts: Facts) -> None:
        self.names = tuple(dict.fromkeys(names))
        self.facts = facts
        for name in self.names:
            _split(name)

    def resolver(self, alias: str) -> Resolver:
        """Resolves a field to its column in the row `alias`."""

        def resolve(name: str) -> Sql:
            return Sql(f"{alias}.f{self.names.index(name)}", (), self._kind(name))

        return resolve

    def base(self, leads: Leads) -> Sql:
        """One row per lead: lead_id, stage, rest_until, evidence_from and the fields."""
        scope = build(f"{_LIVE} AND l.id = ANY({{0}})", given()) if leads is Leads.GIVEN else Sql(_LIVE)
        return self._past(scope) if self.facts is Facts.PAST else self._present(scope)

    def _kind(self, name: str) -> Kind:
        space, column = _split(name)
        if self.facts is Facts.PAST or space in ("trait", "account_trait"):
            return "jsonb"
        return "numeric" if name == "account.employees" else "text"

    def _uses_account(self) -> bool:
        return any(name.startswith("account") for name in self.names)

    def _present(self, scope: Sql) -> Sql:
        fixed = "l.id AS lead_id, l.stage, l.rest_until, l.evidence_from"
        columns = [Sql(fixed), *(self._named(i, _present_value(name)) for i, name in enumerate(self.names))]
        account = "LEFT JOIN leads_account c ON c.id = l.account_id" if self._uses_account() else ""
        return build(f"SELECT {{0}} FROM leads_lead l {account} WHERE {{1}}", join(", ", columns), scope)

    def _past(self, scope: Sql) -> Sql:
        """Leads of the moment. An attribute is its last change known by then; none is *not set*."""
        stage = build(
            "coalesce((SELECT g.to_stage FROM leads_stagechange g WHERE g.lead_id = l.id AND g.at <= {0}"
            " ORDER BY g.at DESC, g.id DESC LIMIT 1), (SELECT g.from_stage FROM leads_stagechange g"
            " WHERE g.lead_id = l.id AND g.at > {0} ORDER BY g.at, g.id LIMIT 1), l.stage) AS stage",
            at(),
        )
        rest = build(
            "LEFT JOIN LATERAL (SELECT h.rest_until, h.evidence_from FROM leads_restchange h"
            " WHERE h.lead_id = l.id AND h.at <= {0} ORDER BY h.at DESC, h.id DESC LIMIT 1) r ON true",
            at(),
        )
        account = Sql("")
        if self._uses_account():
            known = _known("lead_id", "l.id", "account")
            number = "CASE WHEN q.value #>> '{}' ~ '^[0-9]{1,18}$' THEN (q.value #>> '{}')::bigint END"
            account = build(
                f"LEFT JOIN LATERAL (SELECT {number} AS id FROM (SELECT {{0}} AS value) q) c ON true", known
            )
        fixed = build("l.id AS lead_id, {0}, r.rest_until, r.evidence_from", stage)
        columns = [fixed, *(self._named(i, _past_value(name)) for i, name in enumerate(self.names))]
        return build(
            "SELECT {0} FROM leads_lead l {1} {2} WHERE {3} AND l.created_at <= {4}",
            join(", ", columns), rest, account, scope, at(),
        )  # fmt: skip

    @staticmethod
    def _named(index: int, value: Sql) -> Sql:
        return build(f"{{0}} AS f{index}", value)


def _split(name: str) -> tuple[str, str]:
    space, _, column = name.partition(".")
    known = {"lead": LEAD_COLUMNS, "account": ACCOUNT_COLUMNS}.get(space)
    if not column or (column not in known if known is not None else space not in ("trait", "account_trait")):
        raise unknown_field(name, FIT_FIELDS)
    return space, column


def _present_value(name: str) -> Sql:
    space, column = _split(name)
    if space in ("trait", "account_trait"):
        return build(f"{'l' if space == 'trait' else 'c'}.traits -> {{0}}", param(column, "text"))
    row = "l" if space == "lead" else "c"
    return Sql(f"c.{column}") if column == "employees" else Sql(f"nullif({row}.{column}, '')")


def _past_value(name: str) -> Sql:
    space, column = _split(name)
    subject, key = ("lead_id", "l.id") if space in ("lead", "trait") else ("account_id", "c.id")
    value = _known(subject, key, f"trait.{column}" if space in ("trait", "account_trait") else column)
    if space in ("trait", "account_trait"):
        return value
    if column in _PERMISSIONS and space == "lead":
        return build("coalesce(nullif({0}, '\"\"'::jsonb), '\"unknown\"'::jsonb)", value)
    return build("nullif({0}, '\"\"'::jsonb)", value)


def _known(subject: str, key: str, attribute: str) -> Sql:
    return build(
        f"(SELECT k.value FROM leads_attributechange k WHERE k.{subject} = {key} AND k.attribute = {{0}}"
        " AND k.known_at <= {1} ORDER BY k.known_at DESC, k.id DESC LIMIT 1)",
        param(attribute, "text"),
        at(),
    )

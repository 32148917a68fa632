"""Where the leads of a file stand: since when they are known, who owns them, their stages and what became of deals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from leads import bulk, holding, lifecycle, outcomes
from leads.importing.rows import Deal, Row
from leads.marking import mark
from leads.models import Account, Lead, Outcome, Stage, Team, TeamMembership, User

ENDS: Final = (Outcome.Kind.WON, Outcome.Kind.LOST)
# An outcome as a file tells it apart: its lead, kind, moment and amount.
Told = tuple[int, str, datetime | None, Decimal | None]


def settle(rows: Sequence[tuple[int, Row]], *, owners: Mapping[str, User], file: str, now: datetime) -> None:
    """Give the leads of a batch what their rows say, in the file's order. The leads are locked by the caller.

    A won or lost deal decides the stage over the row's own stage. A stage never enters an open episode, nor does an
    owner: sales has that lead in hand. An outcome that is known already is not recorded again.
    """
    if not any(row.created_at or row.stage or row.owner or row.account_owner or row.deal for _, row in rows):
        return
    leads = {lead.pk: lead for lead in Lead.objects.filter(pk__in={pk for pk, _ in rows}).order_by("pk")}
    _know_since(rows, leads)
    known = _outcomes(pk for pk, row in rows if row.deal)
    teams = _teams(owners.values())
    often = {pk for pk, count in Counter(pk for pk, _ in rows).items() if count > 1}
    alone = [(leads[pk], row.stage, _note(file, row)) for pk, row in rows if row.stage and _is_plain(pk, row, often)]
    mark(lifecycle.import_stages(alone, now=now), now=now)
    for pk, row in rows:
        lead = leads[pk]
        is_told = row.deal is not None and _is_told(pk, row.deal, known)
        is_ended = row.deal is not None and row.deal.kind in ENDS and is_told
        if row.stage and not is_ended and not _is_plain(pk, row, often):
            _stage(lead, row.stage, note=_note(file, row), now=now)
        if row.deal and not is_told:
            _record(lead, row.deal, known, now=now)
        if row.owner:
            _own(lead, owners[row.owner], teams, now=now)
    _own_accounts(rows, leads, owners)


def _know_since(rows: Sequence[tuple[int, Row]], leads: Mapping[int, Lead]) -> None:
    """A file may know a person for longer than we do, never for less long."""
    earlier: dict[int, datetime] = {}
    for pk, row in rows:
        if row.created_at and row.created_at < earlier.get(pk, leads[pk].created_at):
            earlier[pk] = row.created_at
    bulk.update("leads_lead", {"id": ("bigint", list(earlier)), "created_at": ("timestamptz", list(earlier.values()))})


def _is_plain(pk: int, row: Row, often: set[int]) -> bool:
    """True where nothing else in the batch moves this lead's stage, so that the order makes no difference."""
    return pk not in often and row.deal is None


def _note(file: str, row: Row) -> str:
    return f"{file[:200]}, line {row.line}"


def _stage(lead: Lead, stage: Stage, *, note: str, now: datetime) -> None:
    wanted = Stage.LEAD if stage in lifecycle.WORKED else stage
    if lead.stage != wanted and lifecycle.import_stage(lead, wanted, now=now, note=note):
        mark([lead.pk], now=now)


def _outcomes(lead_ids: Iterable[int]) -> set[Told]:
    ids = set(lead_ids)
    if not ids:
        return set()
    rows = Outcome.objects.filter(lead__in=ids, withdrawn_at=None).values_list("lead_id", "kind", "at", "amount")
    known: set[Told] = set()
    for pk, kind, at, amount in rows:
        known |= {(pk, kind, at, amount), (pk, kind, None, amount)}
    return known


def _is_told(pk: int, deal: Deal, known: set[Told]) -> bool:
    return (pk, deal.kind, deal.at, _cents(deal.amount)) in known


def _record(lead: Lead, deal: Deal, known: set[Told], *, now: datetime) -> None:
    outcomes.record(
        lead,
        deal.kind,
        at=deal.at or now,
        now=now,
        via=Outcome.Via.IMPORT,
        amount=deal.amount,
        currency=deal.currency,
    )
    amount = _cents(deal.amount)
    known |= {(lead.pk, deal.kind, deal.at or now, amount), (lead.pk, deal.kind, None, amount)}


def _cents(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else amount.quantize(Decimal("0.01"))


def _teams(users: Iterable[User]) -> dict[int, Team]:
    """The team each of these people works leads in; of several the first by name."""
    memberships = TeamMembership.objects.filter(user__in=list(users)).select_related("team")
    found: dict[int, Team] = {}
    for one in memberships.order_by("is_manager", "team__name"):
        found.setdefault(one.user_id, one.team)
    return found


def _own(lead: Lead, user: User, teams: Mapping[int, Team], *, now: datetime) -> None:
    team = teams.get(user.pk)
    lead.refresh_from_db(fields=["stage", "holder", "holder_team"])
    if lead.stage in lifecycle.WORKED or (lead.holder_id, lead.holder_team_id) == (user.pk, team.pk if team else None):
        return
    holding.hold(lead, user=user, team=team, now=now)


def _own_accounts(rows: Sequence[tuple[int, Row]], leads: Mapping[int, Lead], owners: Mapping[str, User]) -> None:
    """Write the owners of companies; of rows that disagree the last one counts."""
    wanted: dict[int, User] = {}
    for pk, row in rows:
        account_id = leads[pk].account_id
        if row.account_owner and account_id:
            wanted[account_id] = owners[row.account_owner]
    for account in Account.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"):
        if account.owner_id != wanted[account.pk].pk:
            account.owner = wanted[account.pk]
            account.save(update_fields=["owner"])

"""Qualification: the second look at one lead, under its lock, and what follows from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from leads import nurture
from leads.locks import LeadGone, lock_lead
from leads.models import Lead, Stage
from leads.transactions import business
from scoring import episodes, judging
from scoring.deciding import Deciding, deciding_fact, deciding_hand
from scoring.models import (
    DefinitionVersion,
    Episode,
    EpisodeMember,
    Lane,
    OpenedBy,
    Phase,
    Qualification,
    Tier,
)
from scoring.reasons import Why, explain

REFUSED = Lead.Permission.REFUSED
# Where a raised hand opens a signal: there is somebody who has them, or a reason not to take them up as new.
SIGNALS_FROM = frozenset({Stage.SQL, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.DISQUALIFIED})


@business
def qualify(lead_id: int, *, now: datetime) -> None:
    """Look again at one lead under its lock: open an episode, join a colleague's, add to the open one, or leave it.

    Does nothing where nothing changed; may be called any number of times.
    """
    try:
        lead = episodes.lock_to_qualify(lead_id)
    except LeadGone:
        return
    now = max(now, lead.stage_at)
    episode = episodes.open_for(lead.pk)
    judged: dict[int, dict[str, Any]] = {}
    for version in judging.in_force():
        row = judged[version.pk] = _judge(lead, version, now=now)
        episode = _open(lead, version, row, now=now) if episode is None else _add(lead, episode, version, row, now=now)
    if episode is not None:
        _leave(lead, episode, judged.get(_version_id(lead, episode)) or _judge_as(lead, episode, now=now), now=now)


@business
def open_on_date(lead_id: int, *, now: datetime) -> Episode | None:
    """The date the person named has come: the matter opens again with the same rep, and no new evidence is asked.

    It makes no qualification and names the last one. Returns None where the lead has moved on meanwhile.
    """
    lead = lock_lead(lead_id)
    if lead.callback_at is None or lead.callback_at > now:
        return None
    called_at = lead.callback_at
    last = Episode.objects.filter(lead=lead).select_related("definition", "version").order_by("-id").first()
    ready = lead.stage == Stage.NURTURE and last is not None and episodes.open_for(lead.pk) is None
    nurture.end_rest(lead, now=now, cause="named date")
    if not ready or last is None:
        return None
    return episodes.open_episode(
        lead,
        qualification=last.qualification,
        definition=last.definition,
        version=last.version,
        tier=last.tier,
        lane=Lane.NORMAL,
        opened_by=OpenedBy.DATE,
        opened_at=called_at,
        now=max(now, lead.stage_at),
    )


def _judge(lead: Lead, version: DefinitionVersion, *, now: datetime) -> dict[str, Any]:
    (row,) = judging.judge([lead.pk], version, as_of=now)
    return row


def _may_open(lead: Lead, row: dict[str, Any], *, now: datetime) -> bool:
    """The gate beside the judgement, which itself asks for evidence newer than what is spent: stage, channels, rest."""
    if lead.stage not in episodes.OPENS_FROM or not (row["meets"] or row["hand_raised"]) or closed_channels(lead):
        return False
    if row["hand_raised"]:
        return True
    return lead.rest_until is None or lead.rest_until <= now


def closed_channels(lead: Lead) -> bool:
    """True where the person may be reached on no channel at all."""
    return lead.email_permission == REFUSED and lead.phone_permission == REFUSED


def _open(lead: Lead, version: DefinitionVersion, row: dict[str, Any], *, now: datetime) -> Episode | None:
    """Qualify a lead without an open episode: live opens one or joins a colleague's, standing waits for a person.

    Who raised a hand, or is hotter than the colleague's matter, gets a matter of its own beside it.
    """
    if lead.stage in SIGNALS_FROM:
        return _signal(lead, version, row, now=now)
    if not _may_open(lead, row, now=now):
        return None
    why = explain(lead, version, row, as_of=now)
    deciding = deciding_fact(lead, version, why, now=now)
    if not deciding.is_live:
        waits = Qualification.objects.filter(lead=lead, definition=version.definition, waiting=True).exists()
        if not waits:
            _write(lead, version, row, why, deciding, now=now)
        return None
    made = _write(lead, version, row, why, deciding, now=now)
    for standing in Qualification.objects.filter(lead=lead, waiting=True):
        episodes.overtake(standing, now=now)
    if row["hand_raised"] and lead.rest_until is not None:
        nurture.end_rest(lead, now=now, cause="hand-raise")
    host = episodes.host_for(lead)
    if host is not None and not row["hand_raised"] and not episodes.is_hotter(made.tier, host.tier):
        episodes.join(host, lead, qualification=made, now=now)
        return host
    return episodes.open_episode(
        lead,
        qualification=made,
        definition=version.definition,
        version=version,
        tier=made.tier,
        lane=Lane.FAST if row["hand_raised"] else Lane.NORMAL,
        opened_by=OpenedBy.HAND_RAISE if row["hand_raised"] else OpenedBy.EVIDENCE,
        opened_at=deciding.received_at,
        split_from=host,
        now=now,
    )


def _signal(lead: Lead, version: DefinitionVersion, row: dict[str, Any], *, now: datetime) -> Episode | None:
    """A raised hand of somebody known, who has a deal, bought, or was disqualified: a signal for whoever has them."""
    made = _new_hand(lead, version, row, now=now)
    if made is None:
        return None
    return episodes.open_episode(
        lead,
        qualification=made,
        definition=version.definition,
        version=version,
        tier=Tier.HOT,
        lane=Lane.SIGNAL,
        opened_by=OpenedBy.SIGNAL,
        opened_at=made.received_at,
        now=now,
    )


def _raise_again(
    lead: Lead, episode: Episode, version: DefinitionVersion, row: dict[str, Any], *, now: datetime
) -> Episode:
    """Another raised hand while a signal is open: nothing else of the lead is looked at until that is answered."""
    made = _new_hand(lead, version, row, now=now)
    if made is not None:
        episodes.add_qualification(episode, made, now=now)
        hand = made.deciding["hand_raise_activity"]
        episodes.raise_hand(episode, activity_id=hand, now=now, detail={"qualification_id": made.pk})
    return episode


def _new_hand(lead: Lead, version: DefinitionVersion, row: dict[str, Any], *, now: datetime) -> Qualification | None:
    """The qualification by a raised hand that is news and was never answered, of the lead or who was merged into it."""
    if not row["hand_raised"] or closed_channels(lead):
        return None
    why = explain(lead, version, row, as_of=now)
    hand = why.hand_raise_activity
    person = Q(lead=lead) | Q(lead__merged_into=lead)
    if hand is None or Qualification.objects.filter(person, deciding__hand_raise_activity=hand).exists():
        return None
    deciding = deciding_hand(version, hand)
    return _write(lead, version, row, why, deciding, now=now) if deciding is not None and deciding.is_live else None


def _add(lead: Lead, episode: Episode, version: DefinitionVersion, row: dict[str, Any], *, now: datetime) -> Episode:
    """With an episode open: a hotter tier, a raised hand or another definition adds to it. Only what is news does.

    Who had joined a colleague's gets a matter of its own by the first two. Returns the one the lead is in now.
    """
    if episode.lane == Lane.SIGNAL:
        return _raise_again(lead, episode, version, row, now=now)
    if not (row["meets"] or row["hand_raised"]):
        return episode
    tier = _tier(row)
    hotter = episodes.is_hotter(tier, episode.tier)
    other = not _has_met(episode, lead, version)
    if not (hotter or other or row["hand_raised"]):
        return episode
    why = explain(lead, version, row, as_of=now)
    hand = why.hand_raise_activity if row["hand_raised"] else None
    raised = hand is not None and not _known_hand(episode, hand)
    if not (hotter or other or raised):
        return episode
    deciding = deciding_fact(lead, version, why, now=now)
    if not deciding.is_live:
        return episode
    made = _write(lead, version, row, why, deciding, now=now)
    # What sales has converted goes to the next owner together, whoever of them asks.
    if (raised or hotter) and episode.lead_id != lead.pk and lead.stage != Stage.SQL:
        return episodes.split_off(
            episode,
            lead,
            qualification=made,
            tier=made.tier,
            lane=Lane.FAST if raised else Lane.NORMAL,
            opened_at=deciding.received_at,
            now=now,
        )
    episodes.add_qualification(episode, made, now=now)
    if raised and hand is not None:
        episodes.raise_hand(episode, activity_id=hand, now=now, detail={"qualification_id": made.pk})
    elif hotter:
        episodes.raise_tier(episode, tier, now=now, detail={"qualification_id": made.pk})
    return episode


def _has_met(episode: Episode, lead: Lead, version: DefinitionVersion) -> bool:
    """Whether this definition is one of those the lead is in this matter for; also where only a date opened it."""
    if version.definition_id == episode.definition_id:
        if episode.opened_by == OpenedBy.DATE:
            return True
        if episode.lead_id == lead.pk and episode.qualification_id is not None:
            return True  # by which it opened
    return _theirs(episode, lead).filter(definition=version.definition_id).exists()


def _theirs(episode: Episode, lead: Lead) -> QuerySet[Qualification]:
    """The lead's own qualifications in an episode; the principal's are all that no colleague brought."""
    if episode.lead_id != lead.pk:
        return episode.qualifications.filter(lead=lead)
    joined = EpisodeMember.objects.filter(episode=episode).exclude(lead=lead).values("lead")
    return episode.qualifications.exclude(lead__in=joined)


def _version_id(lead: Lead, episode: Episode) -> int:
    """By which version a lead stays: the one the matter opened under, for who joined the one they met."""
    if episode.lead_id == lead.pk:
        return episode.version_id
    last = _theirs(episode, lead).order_by("-at", "-pk").values_list("version_id", flat=True).first()
    return last if last is not None else episode.version_id


def _judge_as(lead: Lead, episode: Episode, *, now: datetime) -> dict[str, Any]:
    """By that version, which has retired."""
    return _judge(lead, DefinitionVersion.objects.get(pk=_version_id(lead, episode)), now=now)


def _known_hand(episode: Episode, activity_id: int) -> bool:
    """True where this raised hand opened the episode or was already answered in it."""
    if episode.changes.filter(what="hand_raised", detail__activity_id=activity_id).exists():
        return True
    return episode.qualifications.filter(is_hand_raise=True, deciding__hand_raise_activity=activity_id).exists()


def _leave(lead: Lead, episode: Episode, row: dict[str, Any], *, now: datetime) -> None:
    """Judge the open episode by the version it opened under: disqualified, cooled, or warm again."""
    if episode.closed_at is not None or episode.lane == Lane.SIGNAL:
        return
    if episode.lead_id != lead.pk:
        _leave_colleague(lead, episode, row, now=now)
    elif closed_channels(lead):
        episodes.disqualify(episode, why="every channel is closed", now=now)
    elif row["disqualified_by"]:
        episodes.disqualify(episode, why=row["disqualified_by"], now=now)
    elif episode.opened_by == OpenedBy.DATE:
        return  # no evidence was asked for, so none can fall away
    elif row["is_cooled"] and episode.lane != Lane.FAST:
        episodes.cool(episode, now=now)
    elif not row["is_cooled"]:
        episodes.warm_again(episode, now=now)


def _leave_colleague(lead: Lead, episode: Episode, row: dict[str, Any], *, now: datetime) -> None:
    """Who joined leaves alone: disqualified at any time, cooled while nobody has the matter. With a rep, they stay.

    What sales has converted with the matter stays in it: the next owner decides.
    """
    if lead.stage == Stage.SQL:
        return
    if closed_channels(lead) or row["disqualified_by"]:
        episodes.leave(episode, lead, why="disqualified", now=now)
    elif row["is_cooled"] and episode.phase == Phase.WAITING:
        episodes.leave(episode, lead, why="cooled", now=now)


def _tier(row: dict[str, Any]) -> str:
    """A hand-raise is of the hottest tier; who meets the version without reaching a threshold is cool."""
    return Tier.HOT if row["hand_raised"] else (row["tier"] or Tier.COOL)


def _write(
    lead: Lead, version: DefinitionVersion, row: dict[str, Any], why: Why, deciding: Deciding, *, now: datetime
) -> Qualification:
    return Qualification.objects.create(
        lead=lead,
        version=version,
        definition=version.definition,
        at=now,
        kind=Qualification.Kind.LIVE if deciding.is_live else Qualification.Kind.STANDING,
        is_hand_raise=bool(row["hand_raised"]),
        tier=_tier(row),
        fit=row["fit"],
        engagement=row["engagement"],
        total=row["total"],
        sentence=why.sentence,
        reasons=why.reasons,
        deciding=deciding.frozen | {"hand_raise_activity": why.hand_raise_activity},
        evidence_at=row["evidence_at"],
        received_at=deciding.received_at,
        waiting=not deciding.is_live,
    )

"""History is not news: which fact decided a qualification, and whether it was news when it reached us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q

from leads.models import Activity, AttributeChange, Lead, RestChange, StageChange
from scoring import episodes, judging
from scoring.models import DefinitionVersion, EpisodeChange, EpisodeMember
from scoring.reasons import Why

STOOD_DOWN: Final = "stood_down"


@dataclass(frozen=True)
class Deciding:
    """The fact that tipped the scale. `received_at` is when the buyer's wait began."""

    kind: str  # activity, joined, attribute, stage, rest, left, stood_down, time, publication
    received_at: datetime
    is_live: bool
    activity_id: int | None = None
    attribute: str = ""

    @property
    def frozen(self) -> dict[str, Any]:
        """What a qualification keeps of it: ids and times, nothing personal."""
        kept = {"kind": self.kind, "received_at": self.received_at.isoformat(), "live": self.is_live}
        return kept | {"activity_id": self.activity_id, "attribute": self.attribute}


def deciding_fact(lead: Lead, version: DefinitionVersion, why: Why, *, now: datetime) -> Deciding:
    """The last fact known before the lead met this version, or time itself where no fact tipped it.

    Live iff it came after publication, not by import or replay, and was fresh when it reached us.
    """
    found = (
        _stood_down(lead),
        _activity(lead, version, why),
        _attribute(lead, why),
        _rest(lead),
        _stage(lead),
        _left(lead),
    )
    facts = [fact for fact in found if fact is not None]
    last = max(facts, key=lambda fact: fact.received_at, default=None)
    published_at = version.published_at or now
    tipped_by = max(last.received_at, published_at) if last else published_at
    if tipped_by < now and not _met(lead, version, at=tipped_by):
        # No fact made it qualify: a window's edge did, at an instant after the last of them.
        return Deciding("time", now, is_live=True)
    if last is None or last.received_at <= published_at:
        return Deciding("publication", now, is_live=False)
    return last


def deciding_hand(version: DefinitionVersion, activity_id: int) -> Deciding | None:
    """A raised hand by itself: live iff it came after publication, not by import or replay, and was fresh."""
    activity = Activity.objects.filter(pk=activity_id).first()
    if activity is None or (version.published_at is not None and activity.known_at <= version.published_at):
        return None
    return _by(activity, version)


def _met(lead: Lead, version: DefinitionVersion, *, at: datetime) -> bool:
    rows = judging.judge([lead.pk], version, as_of=at, present=False)
    return bool(rows) and bool(rows[0]["meets"] or rows[0]["hand_raised"])


def _activity(lead: Lead, version: DefinitionVersion, why: Why) -> Deciding | None:
    """The activity we learned of last, of those counted."""
    last = (
        Activity.objects.filter(lead=lead, pk__in=why.counted_activities).order_by("-known_at", "-id").first()
        if why.counted_activities
        else None
    )
    return _by(last, version) if last is not None else None


def _by(last: Activity, version: DefinitionVersion) -> Deciding:
    joined = last.known_at > last.received_at
    fresh = joined or last.received_at - last.occurred_at <= timedelta(seconds=version.fresh_within)
    kind = "joined" if joined else "activity"
    return Deciding(kind, last.known_at, is_live=last.origin == "api" and fresh, activity_id=last.pk)


def _attribute(lead: Lead, why: Why) -> Deciding | None:
    """The attribute we learned of last, of those the met fit criteria read."""
    if not why.lead_attributes and not why.account_attributes:
        return None
    of_lead = Q(lead=lead, attribute__in=[*why.lead_attributes, *(["account"] if why.account_attributes else [])])
    of_account = Q(account_id=lead.account_id, attribute__in=why.account_attributes)
    wanted = of_lead | of_account if lead.account_id and why.account_attributes else of_lead
    last = AttributeChange.objects.filter(wanted).order_by("-known_at", "-id").first()
    if last is None:
        return None
    return Deciding("attribute", last.known_at, is_live=last.origin == "api", attribute=last.attribute)


def _stage(lead: Lead) -> Deciding | None:
    """A file that moved the lead to where episodes open: what it did before is no news by that."""
    opening = episodes.OPENS_FROM
    moves = StageChange.objects.filter(lead=lead, cause="import", to_stage__in=opening).exclude(from_stage__in=opening)
    last = moves.order_by("-at", "-id").first()
    return None if last is None else Deciding("stage", last.at, is_live=False)


def _rest(lead: Lead) -> Deciding | None:
    """The end of the last rest."""
    ended = RestChange.objects.filter(lead=lead, cause="rest ended").order_by("-at", "-id").first()
    return None if ended is None else Deciding("rest", ended.at, is_live=True)


def _stood_down(lead: Lead) -> Deciding | None:
    """The end of a matter of theirs that nobody was told of: what came before it waits for a person to release it."""
    ended = EpisodeChange.objects.filter(episode__members__lead=lead, what="closed", detail__has_key=STOOD_DOWN)
    last = ended.order_by("-at", "-pk").first()
    return None if last is None else Deciding("stood_down", last.at, is_live=False)


def _left(lead: Lead) -> Deciding | None:
    """The end of a colleague's matter that the lead had joined, or its leaving: it stands on its own since then."""
    joined = EpisodeMember.objects.filter(lead=lead, left_at__isnull=False).exclude(lead=F("episode__lead"))
    last = joined.order_by("-left_at", "-pk").first()
    return None if last is None or last.left_at is None else Deciding("left", last.left_at, is_live=True)

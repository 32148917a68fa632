"""What a shadow would have done, beside what truly happened: counted from what stands; nothing of it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from leads.models import Organization, Outcome, Team
from sla.models import LastLook, PaperMatter, PaperOffer, PaperPromise, Rep, Shadow, Target, Touch
from sla.routing import ledger
from sla.routing.candidates import IN_WORDS
from sla.shadow import timing

AT_MOST: Final = 5000
MET, MISSED, VOIDED, RUNNING, UNKNOWN = "met", "missed", "voided", "running", "not known"
NO_DESK: Final = "no desk"


@dataclass(frozen=True)
class Line:
    """One offer on paper. `verdicts` are by target; `touched_at` and `outcome` are what truly happened."""

    offer: PaperOffer
    week: date
    dues: Mapping[str, datetime]
    verdicts: Mapping[str, str]
    touched_at: datetime | None
    touched_by: str
    outcome: str

    @property
    def waited(self) -> timedelta:
        """How long it stood on paper until somebody was found."""
        return self.offer.decided_at - self.offer.matter.began_at

    @property
    def reached_in(self) -> timedelta | None:
        """How long after the offer a person truly reached out."""
        return self.touched_at - self.offer.decided_at if self.touched_at is not None else None


@dataclass(frozen=True)
class Group:
    """The offers of one week, rule, team and rep. `share` is their part of the team's offers of that week."""

    week: date
    rule: str
    team: str
    rep: str
    share: Fraction
    lines: Sequence[Line]

    @property
    def count(self) -> int:
        return len(self.lines)

    @property
    def percent(self) -> int:
        return round(self.share * 100)

    def first_touch(self, verdict: str) -> int:
        """How many of their first touches ended like this on paper."""
        return sum(line.verdicts.get(Target.FIRST_TOUCH) == verdict for line in self.lines)

    @property
    def met(self) -> int:
        return self.first_touch(MET)

    @property
    def missed(self) -> int:
        return self.first_touch(MISSED)

    @property
    def still_running(self) -> int:
        return self.first_touch(RUNNING)

    @property
    def over_capacity(self) -> int:
        """How many they would have got although they were full."""
        return sum(bool(line.offer.override) for line in self.lines)

    @property
    def waited(self) -> float:
        """Seconds on paper until somebody was found; the median."""
        return median(line.waited.total_seconds() for line in self.lines)

    @property
    def touched(self) -> int:
        """How many a person truly reached out to."""
        return sum(line.touched_at is not None for line in self.lines)

    @property
    def reached_in(self) -> float | None:
        """Seconds from the offer until a person truly reached out; the median of those that were."""
        reached = [line.reached_in.total_seconds() for line in self.lines if line.reached_in is not None]
        return median(reached) if reached else None

    @property
    def outcomes(self) -> str:
        """What became of them, as other systems told it."""
        counted = Counter(line.outcome for line in self.lines if line.outcome)
        return ", ".join(f"{count} {name.lower()}" for name, count in counted.most_common())


@dataclass(frozen=True)
class Share:
    """One rep among the turns that weights decided: how many they got on paper, and how many they were due."""

    team: str
    rep: Rep
    weight: int
    given: int
    quota: Fraction


@dataclass(frozen=True)
class Nobody:
    """Matters that nobody of a team could take when it was asked, and in how many each reason stood in the way."""

    team: str
    ends: str
    matters: int
    looks: int
    still: int
    why: Sequence[str]

    @property
    def in_words(self) -> str:
        """How it ended, as people read it."""
        return LastLook.Ends(self.ends).label


@dataclass(frozen=True)
class Report:
    """One shadow, as far as it may be read."""

    shadow: Shadow
    lines: Sequence[Line]
    groups: Sequence[Group]
    shares: Sequence[Share]
    nobody: Sequence[Nobody]
    is_cut: bool
    verdicts: Mapping[str, int] = field(default_factory=dict)


def report(shadow: Shadow, teams: QuerySet[Team], *, now: datetime) -> Report:
    """What this shadow did on paper within these teams: the newest 5,000 offers, in a fixed number of questions."""
    offers = list(
        PaperOffer.objects.filter(matter__shadow=shadow, team__in=teams)
        .select_related("matter__episode__lead", "user", "team", "rule")
        .order_by("-decided_at", "-pk")[: AT_MOST + 1]
    )
    lines = _lines(offers[:AT_MOST], now=now)
    verdicts = Counter(line.verdicts.get(Target.FIRST_TOUCH, "") for line in lines)
    return Report(
        shadow,
        lines,
        _groups(lines),
        _shares(shadow, teams),
        _nobody(shadow, teams),
        len(offers) > AT_MOST,
        {each: verdicts[each] for each in (MET, MISSED, RUNNING, VOIDED)},
    )


def verdict(promise: PaperPromise, offer: PaperOffer, *, now: datetime) -> str:
    """How a promise stands: met iff it was answered no later than due. Nobody was asked to accept, so no answer to
    that is not known; what ended before it was due is voided.
    """
    answered = {
        Target.ASSIGN: offer.decided_at,
        Target.ACCEPT: offer.answered_at,
        Target.FIRST_TOUCH: offer.first_touched_at,
    }.get(Target(promise.target))
    if answered is not None:
        return MET if answered <= promise.due_at else MISSED
    if promise.target == Target.ACCEPT:
        return UNKNOWN
    ended = offer.matter.ended_at
    if ended is not None and ended <= promise.due_at:
        return VOIDED
    return RUNNING if now <= promise.due_at else MISSED


def _lines(offers: Sequence[PaperOffer], *, now: datetime) -> list[Line]:
    promises: dict[int, dict[str, PaperPromise]] = {}
    for each in timing.last_of(PaperPromise.objects.filter(offer__in=offers)):
        promises.setdefault(each.offer_id, {})[each.target] = each
    touched, became = _touches(offers), _outcomes(offers)
    organization = Organization.objects.get(pk=1)
    zone, first = ZoneInfo(organization.time_zone), organization.first_weekday
    found = []
    for offer in offers:
        made = promises.get(offer.pk, {})
        touch = touched.get(offer.pk)
        found.append(
            Line(
                offer,
                _week(offer.decided_at.astimezone(zone).date(), first),
                {target: promise.due_at for target, promise in made.items()},
                {target: verdict(promise, offer, now=now) for target, promise in made.items()},
                touch.counts_at if touch is not None else None,
                str(touch.performed_by) if touch is not None else "",
                became.get(offer.pk, ""),
            )
        )
    return found


def _touches(offers: Sequence[PaperOffer]) -> dict[int, Touch]:
    """By offer the first touch of its lead by a person from then on, on paper or after it."""
    leads = {offer.matter.episode.lead_id for offer in offers}
    rows = Touch.objects.filter(lead__in=leads, automated=False).select_related("performed_by")
    by_lead: dict[int, list[Touch]] = {}
    for touch in rows.order_by("counts_at", "pk"):
        by_lead.setdefault(touch.lead_id, []).append(touch)
    found = {}
    for offer in offers:
        later = (t for t in by_lead.get(offer.matter.episode.lead_id, ()) if t.counts_at >= offer.decided_at)
        if (first := next(later, None)) is not None:
            found[offer.pk] = first
    return found


def _outcomes(offers: Sequence[PaperOffer]) -> dict[int, str]:
    """By offer the last outcome of its lead since then."""
    leads = {offer.matter.episode.lead_id for offer in offers}
    rows = Outcome.objects.filter(lead__in=leads, withdrawn_at=None).order_by("at", "pk")
    last = {outcome.lead_id: outcome for outcome in rows}
    found = {}
    for offer in offers:
        outcome = last.get(offer.matter.episode.lead_id)
        if outcome is not None and outcome.at >= offer.decided_at:
            found[offer.pk] = str(outcome.get_kind_display())
    return found


def _week(day: date, first_weekday: int) -> date:
    """The day on which the organization's week of this day began."""
    return day - timedelta(days=(day.weekday() - first_weekday) % 7)


def _groups(lines: Iterable[Line]) -> list[Group]:
    by_key: dict[tuple[date, str, str, str], list[Line]] = {}
    of_team: Counter[tuple[date, str]] = Counter()
    for line in lines:
        offer = line.offer
        rule = str(offer.rule) if offer.rule is not None else offer.why
        by_key.setdefault((line.week, rule, str(offer.team), str(offer.user)), []).append(line)
        of_team[line.week, str(offer.team)] += 1
    return [
        Group(week, rule, team, rep, Fraction(len(found), of_team[week, team]), found)
        for (week, rule, team, rep), found in sorted(by_key.items(), key=lambda row: (-row[0][0].toordinal(), row[0]))
    ]


def _shares(shadow: Shadow, teams: QuerySet[Team]) -> list[Share]:
    """By team and rep over every span on paper: turns given, and those due by weight."""
    given: Counter[tuple[str, int]] = Counter()
    due: dict[tuple[str, int], Fraction] = {}
    reps: dict[int, Rep] = {}
    for pool in ledger.pools(shadow).filter(desk__team__in=teams):
        for span in ledger.spans(pool).select_related("pool__desk__team"):
            for line in ledger.of(span).lines:
                key = (str(pool.desk.team), line.rep.pk)
                reps[line.rep.pk] = line.rep
                given[key] += line.given
                due[key] = due.get(key, Fraction(0)) + line.quota - line.carried
    found = [Share(team, reps[who], reps[who].weight, given[team, who], quota) for (team, who), quota in due.items()]
    return sorted(found, key=lambda each: (each.team, str(each.rep), each.rep.pk))


def _nobody(shadow: Shadow, teams: QuerySet[Team]) -> list[Nobody]:
    matters = PaperMatter.objects.filter(shadow=shadow, nobody_looks__gt=0).select_related("nobody_team", "offer")
    by_key: dict[tuple[str, str], list[PaperMatter]] = {}
    for matter in matters.filter(nobody_team__in=teams) | matters.filter(nobody_team=None):
        team = str(matter.nobody_team) if matter.nobody_team is not None else ""
        by_key.setdefault((team, matter.nobody_ends), []).append(matter)
    return [
        Nobody(
            team,
            ends,
            len(found),
            sum(matter.nobody_looks for matter in found),
            sum(matter.ended_at is None and not hasattr(matter, "offer") for matter in found),
            _reasons(found),
        )
        for (team, ends), found in sorted(by_key.items())
    ]


def _reasons(matters: Sequence[PaperMatter]) -> list[str]:
    """In how many of these matters each reason stood in the way, the most frequent first."""
    counted: Counter[str] = Counter()
    for matter in matters:
        told = matter.nobody_why.get("nobody", {}).values()
        counted.update({code for codes in told for code in (codes if codes is not None else [NO_DESK])})
    return [f"{IN_WORDS.get(code, code)}: {count}" for code, count in counted.most_common()]

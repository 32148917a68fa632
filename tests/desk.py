"""A small company to try things on: a team with two reps and their manager, one definition, one policy."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group

from leads import marking
from leads.models import (
    Account,
    Activity,
    ActivityType,
    AttributeChange,
    Lead,
    Role,
    Source,
    Stage,
    Team,
    TeamMembership,
    User,
)
from leads.models.activity import Origin
from scoring import assessment, episodes
from scoring.models import (
    Criterion,
    Definition,
    DefinitionVersion,
    Episode,
    Lane,
    OpenedBy,
    Tier,
)
from sla import handoffs, publishing
from sla.clocks import policies
from sla.models import (
    Absence,
    Calendar,
    Clock,
    Desk,
    Handoff,
    Heat,
    LadderStep,
    Leg,
    Policy,
    PolicyTarget,
    PolicyVersion,
    Rep,
    RoutingRule,
    Target,
)
from tests.again import again

MINUTE, HOUR, DAY = 60, 3600, 86400
ACCEPT = {Heat.HOT: 30 * MINUTE, Heat.WARM: 2 * HOUR, Heat.COOL: 4 * HOUR}
FIRST_TOUCH = {Heat.HAND_RAISE: 15 * MINUTE, Heat.HOT: HOUR, Heat.WARM: 4 * HOUR, Heat.COOL: 8 * HOUR}
DEPTH = {Heat.HAND_RAISE: DAY, Heat.HOT: DAY, Heat.WARM: 3 * DAY, Heat.COOL: 5 * DAY}
TOUCHES = 3

_numbers = itertools.count(1)


def person(role: str, name: str) -> User:
    """A user with one role."""
    user = User.objects.create_user(f"{name.split()[0].lower()}{next(_numbers)}@halyard.example", full_name=name)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def rep_in(team: Team, name: str, *, capacity: int = 20) -> Rep:
    """A rep of a team."""
    user = person(Role.REP, name)
    TeamMembership.objects.create(team=team, user=user)
    return Rep.objects.create(user=user, capacity=capacity)


@dataclass
class Company:
    """Who and what a test needs at hand."""

    team: Team
    manager: User
    ben: Rep
    ada: Rep
    definition: Definition
    version: DefinitionVersion
    policy: PolicyVersion
    closers: Team | None = None

    def lead(self, *, now: datetime, stage: str = Stage.LEAD, **fields: Any) -> Lead:
        """A person nobody has qualified yet."""
        number = next(_numbers)
        values = {"first_name": "Iris", "last_name": f"Vale {number}", "email": f"iris{number}@brightforge.example"}
        values |= {"seniority": "director"}
        since = now - timedelta(days=3)
        lead = Lead.objects.create(stage=stage, stage_at=since, created_at=since, **values | fields)
        AttributeChange.objects.create(lead=lead, attribute="seniority", value=lead.seniority, known_at=since)
        return lead

    def colleague(self, lead: Lead, *, now: datetime, **fields: Any) -> Lead:
        """Another person at the company of this one, which is made where they have none."""
        if lead.account is None:
            number = next(_numbers)
            lead.account = Account.objects.create(
                name=f"Brightforge {number}", domain=f"brightforge{number}.example", created_at=now
            )
            lead.save(update_fields=["account"])
        return self.lead(now=now, account=lead.account, **fields)

    def episode(self, lead: Lead, *, now: datetime, tier: str = Tier.WARM, fast: bool = False) -> Episode:
        """An open matter of this lead, waiting for a rep."""
        return episodes.open_episode(
            lead,
            qualification=None,
            definition=self.definition,
            version=self.version,
            tier=Tier.HOT if fast else tier,
            lane=Lane.FAST if fast else Lane.NORMAL,
            opened_by=OpenedBy.HAND_RAISE if fast else OpenedBy.EVIDENCE,
            opened_at=now,
            now=now,
        )

    def offer(self, episode: Episode, *, now: datetime, rep: Rep | None = None, override: str | None = None) -> Handoff:
        """This episode offered to one rep (Ben)."""
        return handoffs.offer(
            episode,
            rep=rep or self.ben,
            team=self.team,
            rule=None,
            policy_version=policies.choose(episode, episode.lead),
            now=now,
            why="round robin",
            trace={"rules": []},
            override=override,
        )

    def offered(self, *, now: datetime, tier: str = Tier.WARM, rep: Rep | None = None) -> Handoff:
        """A lead on offer."""
        return self.offer(self.episode(self.lead(now=now), now=now, tier=tier), now=now, rep=rep)

    def closer(self, name: str = "Eva Stone") -> Rep:
        """Somebody of another team who takes what sales has converted."""
        if self.closers is None:
            self.closers = Team.objects.create(name=f"Closers {next(_numbers)}")
            Desk.objects.create(team=self.closers, calendar=self.team.desk.calendar)
        rep = rep_in(self.closers, name)
        rep.closes = True
        rep.save(update_fields=["closes"])
        return rep

    def to_close(self, closer: Rep, *, now: datetime, tier: str = Tier.WARM, fast: bool = False) -> Handoff:
        """A lead that Ben has converted, on offer to its next owner."""
        episode = self.episode(self.lead(now=now), now=now, tier=tier, fast=fast)
        sales = self.offer(episode, now=now)
        if not fast:
            sales = handoffs.accept(sales.pk, by=self.ben.user, now=now)
        handoffs.convert(sales.pk, to=closer.user, by=self.ben.user, now=now)
        return Handoff.objects.get(episode=episode, leg=Leg.CLOSING)

    def accepted(self, *, now: datetime, tier: str = Tier.WARM) -> Handoff:
        """A lead that Ben has accepted."""
        handoff = self.offered(now=now, tier=tier)
        return handoffs.accept(handoff.pk, by=self.ben.user, now=now)


@again("leads_team")
def company(now: datetime) -> Company:
    """Set it up; every clock counts round the clock."""
    team = Team.objects.create(name=f"West {next(_numbers)}")
    manager = person(Role.MANAGER, "Maya Lund")
    TeamMembership.objects.create(team=team, user=manager, is_manager=True)
    calendar = Calendar.objects.create(name=f"Always {next(_numbers)}")
    spec = {"time_zone": "UTC", "weekly": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), [["09:00", "17:00"]])}
    publishing.publish_calendar(calendar, spec, why="To try things on", now=now, by=None)
    Desk.objects.create(team=team, calendar=calendar)
    definition, version = define(now=now)
    publishing.put(RoutingRule(name=f"All {next(_numbers)}", team=team), why="Everyone", now=now, by=None)
    return Company(
        team,
        manager,
        ben=rep_in(team, "Ben Keller"),
        ada=rep_in(team, "Ada Brook"),
        definition=definition,
        version=version,
        policy=promise(now=now),
    )


def act(lead: Lead, name: str, *, at: datetime, origin: str = Origin.API) -> Activity:
    """Something the lead did, as intake would write it, with the mark for assessment."""
    kind, _ = ActivityType.objects.get_or_create(name=name, defaults={"first_seen_at": at})
    source, _ = Source.objects.get_or_create(name="Files", kind=Source.Kind.IMPORT)
    activity = Activity.objects.create(
        lead=lead,
        type=kind,
        occurred_at=at,
        received_at=at,
        known_at=at,
        source=source,
        message_id=str(next(_numbers)),
        origin=origin,
    )
    marking.mark([lead.pk], now=at)
    return activity


def away(rep: Rep, *, now: datetime) -> None:
    """This rep is away from now on, for five days."""
    Absence.objects.create(rep=rep, starts_at=now, ends_at=now + timedelta(days=5))


def judge(*, now: datetime) -> None:
    """Assess whoever is marked."""
    assessment.assess(now=now)


def joined(house: Company, handoff: Handoff, *, now: datetime) -> Lead:
    """A colleague of this lead has qualified, and joined its matter."""
    olaf = house.colleague(Lead.objects.get(pk=handoff.episode.lead_id), now=now)
    Episode.objects.filter(pk=handoff.episode_id).update(account=olaf.account)
    act(olaf, "Visited Pricing Page", at=now)
    judge(now=now)
    olaf.refresh_from_db()
    return olaf


def learn(lead: Lead, attribute: str, value: str, *, at: datetime) -> None:
    """Something we came to know of the lead, as intake would write it."""
    setattr(lead, attribute, value)
    lead.save(update_fields=[attribute])
    AttributeChange.objects.create(lead=lead, attribute=attribute, value=value, known_at=at)
    marking.mark([lead.pk], now=at)


def define(*, now: datetime, name: str = "MQL", **fields: Any) -> tuple[Definition, DefinitionVersion]:
    """A published definition: pricing, a trial, a demo request; students are out. Points in whole points."""
    definition = Definition.objects.create(name=f"{name} {next(_numbers)}", position=next(_numbers))
    values = {"engagement_min": 30_000, "total_min": 40_000, "engagement_leave": 20_000, "total_leave": 30_000}
    values |= {"hot_min": 80_000, "warm_min": 50_000}
    version = DefinitionVersion.objects.create(definition=definition, number=1, **values | fields)

    def behavior(key: str, activity: str, points: int, **more: Any) -> Criterion:
        return Criterion(
            version=version, key=key, label=activity, axis="engagement", activities=[activity], points=points, **more
        )

    senior = Criterion(
        version=version,
        key="senior",
        label="Director or higher",
        axis="fit",
        points=20_000,
        condition={"field": "lead.seniority", "op": "in", "value": ["owner", "c_level", "vp", "director"]},
    )
    student = Criterion(
        version=version,
        key="student",
        label="Student address",
        axis="fit",
        disqualifies=True,
        condition={"field": "lead.domain_kind", "op": "is", "value": "student"},
    )
    # At once: most tests found a company.
    Criterion.objects.bulk_create(
        [
            behavior("pricing", "Visited Pricing Page", 30_000),
            behavior("trial", "Started Free Trial", 30_000),
            behavior("article", "Read Article", 2_000),
            behavior("careers", "Visited Careers Page", -25_000),
            behavior("demo", "Requested Demo", 25_000, is_hand_raise=True),
            senior,
            student,
        ]
    )
    version.state, version.published_at = DefinitionVersion.State.PUBLISHED, now - timedelta(days=30)
    version.save()
    return definition, version


def promise(*, now: datetime, hours: str = PolicyTarget.Hours.ROUND_THE_CLOCK) -> PolicyVersion:
    """A published policy that comes before every other; accept and first touch count in these hours."""
    policy = Policy.objects.create(name=f"Promise {next(_numbers)}", position=-next(_numbers))
    version = publishing.draft_policy(policy)
    version.max_hops = 2
    version.save()

    targets: list[PolicyTarget] = []

    def target(kind: str, heat: str, seconds: int, **more: Any) -> None:
        counted = hours if kind in (Target.ACCEPT, Target.FIRST_TOUCH) else PolicyTarget.Hours.ROUND_THE_CLOCK
        targets.append(PolicyTarget(version=version, target=kind, heat=heat, seconds=seconds, hours=counted, **more))

    for heat in Heat:
        target(Target.ASSIGN, heat, 2 * MINUTE if heat == Heat.HAND_RAISE else 10 * MINUTE)
        target(Target.FIRST_TOUCH, heat, FIRST_TOUCH[heat])
        target(Target.DEPTH, heat, DEPTH[heat], touches=TOUCHES)
        target(Target.QUALIFY, heat, 2 * DEPTH[heat])
        if heat in ACCEPT:
            target(Target.ACCEPT, heat, ACCEPT[heat])
    PolicyTarget.objects.bulk_create(targets)
    told = (Target.ASSIGN, Target.ACCEPT, Target.FIRST_TOUCH, Target.DEPTH, Target.QUALIFY)
    steps = [
        LadderStep(version=version, target=kind, share=100, action=LadderStep.Action.TELL_MANAGER) for kind in told
    ]
    steps.append(LadderStep(version=version, target=Target.ACCEPT, share=150, action=LadderStep.Action.HOP))
    LadderStep.objects.bulk_create(steps)
    return publishing.publish_policy(version, why="To try things on", now=now, by=None)


def clock_of(handoff: Handoff, target: str) -> Clock:
    """The newest clock of a hand-off for one target."""
    return Clock.objects.filter(handoff=handoff, target=target).latest("pk")


def assign_clock(episode: Episode) -> Clock:
    """The newest assign clock of an episode."""
    return Clock.objects.filter(episode=episode, target=Target.ASSIGN).latest("pk")

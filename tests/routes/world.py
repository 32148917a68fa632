"""One of everything, each owned in every way: a rep's own, their team's, another team's, nobody's, a colleague's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leads import invitations
from leads.importing import uploads
from leads.keys import digest, new_key
from leads.models import Account, ApiKey, Endpoint, Job, Lead, Notification, Role, Team, TeamMembership, User
from leads.sources import create_source, create_website
from scoring.models import DefinitionVersion, Qualification, Tier
from sla import contests, handoffs, publishing, touches
from sla.clocks import policies
from sla.inbox import saving
from sla.models import (
    Absence,
    CalendarVersion,
    Desk,
    Handoff,
    LeftBehind,
    Leg,
    ReleaseOrder,
    Rep,
    Shadow,
    Target,
)
from sla.telling import links
from tests import desk
from tests.desk import Company, act, company, person, rep_in

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OWN, TEAM, OTHER, NOBODY, COLLEAGUE, ANY = "own", "team", "other", "nobody", "colleague", "any"


@dataclass(frozen=True)
class Thing:
    """What a route is asked about: what stands in its address, and what is posted beside."""

    kwargs: dict[str, object] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


Things = dict[str, Thing]  # by relation


@dataclass
class World:
    """The people by role, their keys, and the things by kind and relation."""

    firm: Company
    people: dict[str, User]
    keys: dict[str, str]
    things: dict[str, Things]
    now: datetime


def build(now: datetime) -> World:
    """Ben and Ada of the West, who is managed by Maya; Cleo of the East; Dan of no team; and one of each other role."""
    firm = company(now - timedelta(days=60))
    people = {
        Role.REP: firm.ben.user,
        Role.MANAGER: firm.manager,
        Role.MARKETING: person(Role.MARKETING, "Theo Marsh"),
        Role.REVOPS: person(Role.REVOPS, "Rita Opal"),
        Role.ADMIN: person(Role.ADMIN, "Sam Chief"),
    }
    builder = _Builder(firm, people[Role.REVOPS], now)
    for role, user in people.items():
        User.objects.filter(pk=user.pk).update(is_staff=role != Role.REP)
    keys = {role: _key(user) for role, user in people.items()}
    keys |= {"revoked": _key(firm.ben.user, revoked_at=now), "of somebody gone": _key(_gone())}
    keys |= {"write": create_source("Backend", kind="server")[1], "browser": create_source("Site", kind="browser")[1]}
    return World(firm, people, keys, builder.things(), now)


def _key(user: User, **fields: Any) -> str:
    key = new_key("ak")
    ApiKey.objects.create(user=user, name="Dialler", prefix=key[:8], key_hash=digest(key), **fields)
    return key


def _gone() -> User:
    user = person(Role.REP, "Gus Gone")
    user.is_active = False
    user.save()
    return user


class _Builder:
    """Makes the things."""

    def __init__(self, firm: Company, revops: User, now: datetime) -> None:
        self.firm, self.revops, self.now = firm, revops, now
        self.east = Team.objects.create(name="East")
        east_manager = person(Role.MANAGER, "Olga East")
        TeamMembership.objects.create(team=self.east, user=east_manager, is_manager=True)
        Desk.objects.create(team=self.east, calendar=Desk.objects.get(team=firm.team).calendar)
        self.cleo = rep_in(self.east, "Cleo Ray")
        self.dan = Rep.objects.create(user=person(Role.REP, "Dan Lone"), capacity=20)
        self.reps = {OWN: firm.ben, TEAM: firm.ada, OTHER: self.cleo}
        self.account = Account.objects.create(name="Brightforge", domain="brightforge.example", created_at=now)

    def things(self) -> dict[str, Things]:
        nothing = {ANY: Thing()}
        return {
            "": nothing,
            **self.matters(),
            **self.waiting(),
            **self.people(),
            **self.shadows(),
            **self.machinery(),
            **self.first_day(),
        }

    # Leads and hand-offs.

    def offer(self, relation: str, *, account: Account | None = None, rep: Rep | None = None) -> Handoff:
        """A lead on offer to whoever stands so to Ben; a colleague's is of a company on which Ben has one, too."""
        shares = account or (self.account if relation in (OWN, COLLEAGUE) else None)
        rep = rep or self.reps.get(relation, self.cleo)
        team = self.firm.team if relation in (OWN, TEAM) else self.east
        lead = self.firm.lead(now=self.now, account=shares, phone="+1 212 555 0142", title="VP Sales")
        episode = self.firm.episode(lead, now=self.now, tier=Tier.WARM)
        promised = policies.choose(episode, lead)
        trace: dict[str, Any] = {"rules": []}
        return handoffs.offer(
            episode, rep=rep, team=team, rule=None, policy_version=promised, now=self.now, why="turn", trace=trace
        )

    def matters(self) -> dict[str, Things]:
        held = (OWN, TEAM, OTHER, COLLEAGUE)
        offered = {relation: self.offer(relation) for relation in held}
        accepted = {relation: self.taken(self.offer(relation)) for relation in held}
        rejected = {relation: self.refused(self.offer(relation)) for relation in held}
        unheld = self.firm.lead(now=self.now)
        act(unheld, "Visited Pricing Page", at=self.now - HOUR)
        desk.judge(now=self.now)
        every = {each: handoff.episode.lead.public_id for each, handoff in accepted.items()}
        every[NOBODY] = unheld.public_id
        closing = {relation: self.closing(relation) for relation in (OWN, TEAM, OTHER)}
        return {
            "closing": {each: Thing({"public_id": handoff.public_id}) for each, handoff in closing.items()},
            "lead": {each: Thing({"public_id": one}) for each, one in every.items()},
            "lead named": {each: Thing({}, {"lead": str(one)}) for each, one in every.items()},
            "promise": {each: Thing({"public_id": every[each], "target": Target.DEPTH.value}) for each in held},
            "offered": {each: Thing({"public_id": handoff.public_id}) for each, handoff in offered.items()},
            "accepted": {each: Thing({"public_id": handoff.public_id}) for each, handoff in accepted.items()},
            "rejected": {each: Thing({"public_id": handoff.public_id}) for each, handoff in rejected.items()},
            "contest": {each: self.contested(self.refused(self.offer(each))) for each in (OWN, TEAM, OTHER)},
            "joined": {each: self.joined(each) for each in (OWN, TEAM, OTHER)},
            "left behind": {each: self.left(accepted[each]) for each in (OWN, TEAM, OTHER)},
            "touch": {each: self.touched(self.taken(self.offer(each))) for each in (OWN, TEAM)},
            "letter": {
                ANY: Thing({"token": links.link(offered[OWN], self.firm.ben.user, now=self.now).split("/")[-2]}),
            },
            "no letter": {ANY: Thing({"token": "nonsense"})},
        }

    def closing(self, relation: str) -> Handoff:
        """Converted by somebody else of the team, and on offer to whoever stands so to Ben, to close."""
        to = self.reps[relation]
        Rep.objects.filter(pk=to.pk).update(closes=True)
        before = self.taken(
            self.offer(relation, rep=rep_in(self.east if relation == OTHER else self.firm.team, "Finn Lowe"))
        )
        handoffs.convert(before.pk, to=to.user, by=before.user, now=self.now)
        return Handoff.objects.get(episode=before.episode_id, leg=Leg.CLOSING)

    def taken(self, handoff: Handoff) -> Handoff:
        return handoffs.accept(handoff.pk, by=handoff.user, now=self.now)

    def touched(self, handoff: Handoff) -> Thing:
        """Whoever has it called, and has just recorded it."""
        given: dict[str, Any] = {"means": "call", "outcome": "reached"} | dict.fromkeys(
            ("performed_by", "recorded_by"), handoff.user
        )
        made = touches.record(handoff.episode.lead_id, **given, occurred_at=self.now, now=self.now)
        return Thing({"public_id": made.public_id})

    def refused(self, handoff: Handoff) -> Handoff:
        return handoffs.reject(handoff.pk, reason="bad_contact", note="It bounced.", by=handoff.user, now=self.now)

    def contested(self, handoff: Handoff) -> Thing:
        """Rejected an hour ago, and contested since."""
        Handoff.objects.filter(pk=handoff.pk).update(closed_at=self.now - HOUR)
        theo = User.objects.filter(groups__name=Role.MARKETING).earliest("pk")
        made = contests.contest(handoff.pk, words="They wrote from it.", by=theo, now=self.now)
        return Thing({"public_id": made.public_id})

    def joined(self, relation: str) -> Thing:
        """With a colleague who joined the matter, and may be given one of their own."""
        alone = Account.objects.create(name=f"Alder {relation}", domain=f"{relation}.example", created_at=self.now)
        handoff = self.offer(relation, account=alone)
        colleague = self.firm.colleague(handoff.episode.lead, now=self.now)
        act(colleague, "Visited Pricing Page", at=self.now)
        desk.judge(now=self.now)
        assert colleague.memberships.get().episode_id == handoff.episode_id
        return Thing({"public_id": handoff.public_id}, {"lead": str(colleague.public_id)})

    def left(self, handoff: Handoff) -> Thing:
        absence = Absence.objects.filter(rep__user=handoff.user).first() or Absence.objects.create(
            rep=handoff.user.rep, starts_at=self.now + DAY, ends_at=self.now + 3 * DAY, why="Holiday"
        )
        left = LeftBehind.objects.create(handoff=handoff, absence=absence, since=self.now, note="Nobody covers.")
        return Thing({"public_id": left.public_id}, {"rep": str(self.firm.ada.user.public_id)})

    def waiting(self) -> dict[str, Things]:
        """What waits for a rep, and what stands until somebody releases it; of the teams, and of nobody."""
        rep = {"rep": str(self.firm.ada.user.public_id)}
        episodes_of: Things = {}
        standing_of: Things = {}
        for relation, team in ((TEAM, self.firm.team), (OTHER, self.east), (NOBODY, None)):
            lead = self.firm.lead(now=self.now)
            opened = self.firm.episode(lead, now=self.now)
            Lead.objects.filter(pk=lead.pk).update(holder_team=team)
            episodes_of[relation] = Thing({"public_id": opened.public_id}, rep)
            bar = self.firm.lead(now=self.now)
            Lead.objects.filter(pk=bar.pk).update(holder_team=team)
            standing_of[relation] = Thing({"public_id": self.standing(bar).public_id})
        return {"waiting": episodes_of, "standing": standing_of}

    def standing(self, lead: Lead) -> Qualification:
        return Qualification.objects.create(
            lead=lead, definition=self.firm.definition, version=self.firm.version, at=self.now, kind="standing",
            waiting=True, tier="hot", sentence="Visited pricing twice.", reasons=[], deciding={}, fit=20_000,
            engagement=60_500, total=80_500, received_at=self.now,
        )  # fmt: skip

    # People and time off.

    def people(self) -> dict[str, Things]:
        every = self.reps | {NOBODY: self.dan}
        return {
            "rep": {each: Thing({"public_id": rep.user.public_id}) for each, rep in every.items()},
            "rep named": {each: Thing({}, {"rep": rep.user.email}) for each, rep in every.items()},
            "saved filter": {each: self.filtered(every[each]) for each in (OWN, TEAM)},
            "absence": (absences := {each: self.absence(rep) for each, rep in every.items()}),
            "absence over the API": {
                each: Thing({"public_id": thing.kwargs["absence"]}) for each, thing in absences.items()
            },
        }

    def filtered(self, rep: Rep) -> Thing:
        saved = saving.save(rep.user, name="Hot ones", query="tier=hot", now=self.now)
        return Thing({"public_id": saved.public_id}, {"name": "Warm ones"})

    def absence(self, rep: Rep) -> Thing:
        made = Absence.objects.create(
            rep=rep, starts_at=self.now + 10 * DAY, ends_at=self.now + 12 * DAY, why="Wedding", told_at=self.now
        )
        return Thing({"public_id": rep.user.public_id, "absence": made.public_id})

    # What runs on paper.

    def shadows(self) -> dict[str, Things]:
        """Of teams that get nothing, so that they move nothing else; and of everything, which has ended."""
        olga = TeamMembership.objects.get(team=self.east, is_manager=True).user
        found: Things = {}
        for relation, name, manager in ((TEAM, "North", self.firm.manager), (OTHER, "South", olga)):
            team = Team.objects.create(name=name)
            TeamMembership.objects.create(team=team, user=manager, is_manager=True)
            Desk.objects.create(team=team, calendar=Desk.objects.get(team=self.firm.team).calendar)
            begun = Shadow.objects.create(team=team, why="To see", began_at=self.now)
            found[relation] = Thing({"public_id": begun.public_id})
        ended = Shadow.objects.create(why="All of it", began_at=self.now - DAY, ended_at=self.now, ending="stand")
        return {"shadow": found | {NOBODY: Thing({"public_id": ended.public_id})}}

    # The first day.

    def first_day(self) -> dict[str, Things]:
        """An invitation, an upload and an import of RevOps, and what managers have ordered."""
        by = self.revops
        asked = invitations.invite(
            "noa@halyard.example", full_name="Noa", role=Role.MARKETING, team=None, capacity=20, now=self.now, by=by
        )
        token = invitations.link(str(asked.public_id), asked.letters).split("/")[-2]
        upload = uploads.keep("leads.csv", b"email\nana@acme.example\n", now=self.now, by=by)
        read_as = {"digest": "0", "delimiter": ",", "columns": ["email"]}
        job = Job.objects.create(
            kind="import", title="leads.csv", started_at=self.now, refused=1, report={"read_as": read_as}
        )
        orders = {
            relation: ReleaseOrder.objects.create(team=team, why="They have room", by=by, at=self.now)
            for relation, team in ((TEAM, self.firm.team), (OTHER, self.east))
        }
        return {
            "invitation": {ANY: Thing({"token": token})},
            "upload": {ANY: Thing({"public_id": upload.public_id})},
            "import": {ANY: Thing({"public_id": job.public_id})},
            "order": {relation: Thing({"public_id": order.public_id}) for relation, order in orders.items()},
            "doc": {ANY: Thing({"name": "api"})},
        }

    # What RevOps sees to.

    def machinery(self) -> dict[str, Things]:
        by = self.firm.manager
        endpoint = Endpoint.objects.create(
            name="Other system", kind="standard", url="https://hooks.example/in", events=["clock.breached"],
            created_at=self.now, created_by=by,
        )  # fmt: skip
        dead = Notification.objects.create(
            effect_key="dead", kind="breach", recipient=by, to_address=by.email, subject="Late", text="It is late.",
            state="dead", created_at=self.now, not_before=self.now, settled_at=self.now, last_error="550",
        )  # fmt: skip
        draft = DefinitionVersion.objects.create(definition=self.firm.definition, number=2)
        promise = publishing.draft_policy(self.firm.policy.policy)
        job = Job.objects.create(kind="import", title="leads.csv", started_at=self.now, report={})
        rule = Shadow.objects.filter(ended_at=None).earliest("pk")
        calendar = CalendarVersion.objects.latest("pk").calendar
        source, _, form = create_website("Website", origins=["https://www.brightforge.example"])
        return {
            "form": {ANY: Thing({"public_id": form.public_id})},
            "site": {ANY: Thing({"public_id": source.public_id})},
            "calendar": {ANY: Thing({"public_id": calendar.public_id})},
            "definition": {ANY: Thing({"public_id": self.firm.definition.public_id})},
            "endpoint": {ANY: Thing({"public_id": endpoint.public_id})},
            "dead letter": {ANY: Thing({"public_id": dead.public_id}, {"ids": [str(dead.public_id)]})},
            "part": {ANY: Thing({"name": "web"})},
            "call": {ANY: Thing({"call": "track"})},
            "sign": {ANY: Thing({"key": "nonsense", "uidb36": "1", "slug": "x"})},
            **{
                f"admin {kind}": {ANY: Thing({"object_id": row.pk})}
                for kind, row in {
                    "job": job,
                    "user": self.dan.user,
                    "definition": self.firm.definition,
                    "draft": draft,
                    "version": self.firm.version,
                    "calendar": calendar,
                    "rep": self.dan,
                    "policy": self.firm.policy.policy,
                    "promise draft": promise,
                    "promise": self.firm.policy,
                    "shadow": rule,
                }.items()
            },
        }

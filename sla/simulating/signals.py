"""A signal on paper: who would be told that somebody known has raised a hand, and by when they would answer."""

from __future__ import annotations

from sla.clocks import NotCountable, policies, promising
from sla.models import Handoff, PolicyVersion, Target
from sla.routing import signaling
from sla.routing.deciding import Decision
from sla.routing.ends import Ends
from sla.routing.signaling import Person
from sla.simulating.paper import Asked

NOBODY = "It would wait: nobody who works here holds the lead or owns the account, and no manager is there."


def recipient(asked: Asked) -> Person | None:
    """Whoever holds the lead, else the account's owner, else a manager; as it stands, at that instant."""
    return signaling.next_in_line(asked.episode, asked.lead, now=asked.at)


def decide(asked: Asked, person: Person | None) -> Decision:
    """What would become of the signal: no rule is asked, and neither turns nor room count."""
    try:
        version = policies.choose(asked.episode, asked.lead)
    except policies.NoPolicy as refused:
        return Decision(asked.at, Ends.NO_POLICY, str(refused))
    if person is None:
        return Decision(asked.at, Ends.NOBODY, NOBODY, policy_version=version)
    return Decision(asked.at, Ends.OFFER, person.why, team=person.team, policy_version=version)


def says(decision: Decision, person: Person | None) -> str:
    """The same in a sentence."""
    if decision.ends != Ends.OFFER or person is None:
        return decision.why
    return f"A signal to {person.user} ({person.team}), who {person.why}: they would be told, and no stage would move."


def promised(asked: Asked, version: PolicyVersion, person: Person) -> dict[str, promising.Promise]:
    """What this person would be promised to answer by. What can't be counted or isn't promised is left out."""
    offer = Handoff(user=person.user, team=person.team)
    made = {}
    for target in (Target.ACCEPT, Target.FIRST_TOUCH):
        line = policies.target_for(version, target, policies.heat_of(asked.episode))
        if line is None:
            continue
        try:
            made[target.value] = promising.promise(offer, line, start_at=asked.at, arrived_at=asked.at)
        except NotCountable:
            continue
    return dict(zip(made, promising.one_by_one(offer, list(made.values()), now=asked.at), strict=True))

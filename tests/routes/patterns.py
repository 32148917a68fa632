"""The ways in which doors answer: who, said once, and what they get."""

from __future__ import annotations

from typing import Any

from tests.routes.answers import ANONYMOUS, Answers

NA = None

# People, with a session.
PUBLIC = Answers("everybody", 200, 200, 200, 200, 200, 200)
SIGNED_IN = Answers("who is signed in", 302, 200, 200, 200, 200, 200)
READS = Answers("who may read the lead", 302, (200, 404, 404, 404, 200), (200, 404, 200), 200, 200, 200)
READS_OFFER = READS.but("the same, once it was offered", manager=(200, 404, 404)).but(
    marketing=(200, 200, 404), revops=(200, 200, 404), admin=(200, 200, 404)
)
ACTS = Answers("whose it is, and their manager", 302, (302, 404, 404, NA, 404), (302, 404, NA), 404, 404, 404)
EXTENDS = ACTS.but("their manager; the rep is told so", rep=(409, 404, 404, NA, 404))
REOPENS = ACTS.but("their manager", rep=404)
TOUCHES = READS.but("who may read it, save along", rep=(200, 404, 404, 404, 409))
DEALS = ACTS.but("whose it was, their manager, RevOps, admins", rep=(302, 404, 404, NA, 409)).but(
    marketing=409, revops=302, admin=302
)
CONTESTS = Answers("marketing, admins", 302, 404, 404, 302, 404, 302)
DECIDES_CONTEST = ACTS.but("managers of the rep’s team", rep=404)
READS_REJECTED = READS.but("who may read the lead, which nobody holds", rep=(200, 404, 404, NA, NA)).but(
    manager=(200, 200, NA)
)
REJECTIONS = Answers("marketing, RevOps, admins", 302, 404, 404, 200, 200, 200)
OWN_ALONE = ACTS.but("whose it is", rep=(302, 404, NA, NA, NA), manager=404)
OVERSEES = Answers("managers, RevOps, admins", 302, 404, 200, 404, 200, 200)
DECIDES = Answers("managers of what is their team's or nobody's", 302, 404, (302, 404, 302), 404, 302, 302)
SHADOWED = OVERSEES.but("managers of their team's and of everything", manager=(200, 404, 200))
SWITCHES = OVERSEES.but("managers of their team's; what has ended leads on", manager=(200, 404, 404)).but(
    revops=(200, 200, 302), admin=(200, 200, 302)
)
KEEPS = Answers("the rep, their manager", 302, (200, 404, 404, 404, NA), (200, 404, 404), 404, 200, 200)
REPS = Answers("reps", 302, 200, 404, 404, 404, 404)
RUNS = Answers("RevOps, admins", 302, 404, 404, 404, 200, 200)
IMPORTS = RUNS.but("marketing, RevOps, admins", marketing=200)
LANED = OVERSEES.but("managers of the team, RevOps, admins", manager=(200, 404, NA))
LANED_REPS = LANED.but(manager=(200, 404, 404), revops=(200, 200, 404), admin=(200, 200, 404))
ORDERS = LANED.but(manager=(302, 404, NA), revops=302, admin=302)

# The admin: reps are led to its log-in; a door for another role is 403.
ADMINS = Answers("admins", 302, 302, 403, 403, 403, 200)
REVOPS = ADMINS.but("RevOps", revops=200)
DESK = ADMINS.but("managers, marketing, RevOps", manager=200, marketing=200, revops=200)
MARKETING = ADMINS.but("marketing", marketing=200)


def done(answers: Answers, status: int = 302) -> Answers:
    """The same people, who are led on once it is done."""
    return _with(answers, lambda cell: status if cell == 200 else cell)


def api(answers: Answers, status: int = 200) -> Answers:
    """The same for programs: without a key 401; what was done is answered."""
    return _with(answers, lambda cell: status if cell in (200, 302) else cell).but(**{ANONYMOUS: 401})


def _with(answers: Answers, told: Any) -> Answers:
    cells = {role: answers.of(role) for role in ("rep", "manager", "marketing", "revops", "admin")}
    return answers.but(**{role: tuple(map(told, c)) if isinstance(c, tuple) else told(c) for role, c in cells.items()})


def named(answers: Answers) -> Answers:
    """For what a body names: who may not read it is told that there is none, as of a wrong name (422)."""
    return _with(answers, lambda cell: 422 if cell == 404 else cell)


KEYED = api(PUBLIC).but("who has a key")
KEYED_RUNS = api(RUNS).but(rep=403, manager=403, marketing=403)

"""How a door answers whom: one status for each role, or one for each way in which the thing is, or is not, theirs.

A rep stands to a thing in five ways: it is their own, their team's, another team's, nobody's, or it is of a company
on which they have a lead, and held by a colleague. The others stand to it in three: their team's, another's, nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from leads.models import Role
from tests.routes.world import ANY, COLLEAGUE, NOBODY, OTHER, OWN, TEAM, Thing, Things, World

Cell = int | tuple[int | None, ...]
ANONYMOUS = "anonymous"
VIEWERS = (ANONYMOUS, Role.REP.value, Role.MANAGER.value, Role.MARKETING.value, Role.REVOPS.value, Role.ADMIN.value)
OF_A_REP = (OWN, TEAM, OTHER, NOBODY, COLLEAGUE)
OF_OTHERS = (TEAM, OTHER, NOBODY)


@dataclass(frozen=True)
class Answers:
    """Who gets which answer, and that in words."""

    says: str
    anonymous: Cell
    rep: Cell
    manager: Cell
    marketing: Cell
    revops: Cell
    admin: Cell

    def of(self, viewer: str) -> Cell:
        return getattr(self, viewer)  # type: ignore[no-any-return]

    def but(self, says: str = "", **cells: Cell) -> Answers:
        """The same with other answers for some."""
        return replace(self, says=says or self.says, **cells)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Row:
    """One method of one route: what it is asked about, and who gets which answer."""

    method: str
    path: str
    thing: str
    answers: Answers
    body: Mapping[str, Any] = field(default_factory=dict)
    given: Callable[[World, Thing], dict[str, Any]] | None = None

    @property
    def is_api(self) -> bool:
        """Whether programs come with a key; else people come with a session."""
        return self.path.startswith("/api/v1/")

    def cells(self, things: Things, *, every: bool) -> Iterator[tuple[str, str, int | None]]:
        """Each viewer with each relation there is a thing for, and the answer.

        Unless `every` one is wanted, a status that stands for all relations is asked of one: the farthest thing that is
        opened, the nearest that is not.
        """
        for viewer in VIEWERS:
            relations, answer = relations_of(viewer, things), self.answers.of(viewer)
            if not isinstance(answer, int):
                order = OF_A_REP if viewer == Role.REP else OF_OTHERS
                for relation in relations:
                    yield viewer, relation, answer[order.index(relation)]
            elif every:
                yield from ((viewer, relation, answer) for relation in relations)
            else:
                yield viewer, OTHER if answer < 400 and OTHER in relations else relations[0], answer


def relations_of(viewer: str, things: Things) -> list[str]:
    """In which ways this viewer stands to the things there are; a stranger stands to all of them alike."""
    if ANY in things:
        return [ANY]
    if viewer == ANONYMOUS:
        return [next(iter(things))]
    return [each for each in (OF_A_REP if viewer == Role.REP else OF_OTHERS) if each in things]

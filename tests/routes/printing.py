"""Prints the table for people to read: `docs/permissions.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from leads.models import Role
from tests.routes.answers import ANONYMOUS, OF_A_REP, OF_OTHERS, VIEWERS, Row
from tests.routes.table import TABLE
from tests.routes.world import ANY, COLLEAGUE, NOBODY, OTHER, OWN, TEAM

PATH = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
SHORT = {OWN: "own", TEAM: "team’s", OTHER: "other’s", NOBODY: "nobody’s", COLLEAGUE: "colleague’s", ANY: ""}
BEFORE = """# Who may what

Every method of every route, with the answer to each role. This page is printed from `tests/routes/table.py`, and the
tests ask every cell; a route without a row fails them. `BATON_PRINT=1 make test ARGS="tests/routes"` prints it anew.

**What is not yours is 404**: not there. 302 leads a stranger to the log-in, and whoever did something back to a page.
401 is a program without a good key; a key is as its user is, and opens no pages. 403 is a whole door that is not for a
role, never one thing. 409 is a thing of yours on which this can’t be done by you; the sentence says by whom. A method
without a line is 405; HEAD is GET.

Where the answer depends on whose it is, it says so. *own*: it is the rep’s. *team’s*: another member’s of their team,
for a manager of a team they manage. *other’s*: another team’s. *nobody’s*: of no team. *colleague’s*: another rep’s, at
a company on which the rep has a lead, and may therefore read along.
"""


def printed() -> str:
    """The whole page."""
    return BEFORE + "".join(f"\n## {title}\n\n" + "\n".join(_lines(rows)) + "\n" for title, rows in TABLE.items())


def _lines(rows: list[Row]) -> Iterator[str]:
    yield "| method | path | for | " + " | ".join(VIEWERS) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(VIEWERS)
    for row in rows:
        cells = " | ".join(_cell(row, viewer) for viewer in VIEWERS)
        yield f"| {row.method} | `{row.path}` | {row.answers.says} | {cells} |"


def _cell(row: Row, viewer: str) -> str:
    """One status, or each with those it is the answer for: `200 own, colleague’s; else 404`."""
    answer = row.answers.of(viewer)
    if isinstance(answer, int) or viewer == ANONYMOUS:
        return str(answer)
    relations = OF_A_REP if viewer == Role.REP else OF_OTHERS
    by_status: dict[int, list[str]] = {}
    for relation, status in zip(relations, answer, strict=True):
        if status is not None:
            by_status.setdefault(status, []).append(SHORT[relation])
    if len(by_status) == 1:
        return str(next(iter(by_status)))
    nos = by_status.pop(404, None)
    said = [f"{status} {', '.join(whose)}" for status, whose in by_status.items()]
    return "; ".join([*said, "else 404"] if nos else said)

"""The table, and the cases that are registered for its cells.

A case is registered with `@case(row, column)` and runs through the verbs; what stands in the table as "–" is a case
too: the same thing happens, and nothing changes. The closing leg has a table of its own: docs/closing.md, and
`tests/sla/test_closing.py` with `test_closing_meanwhile.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.episode.matter import Matter

WAITING, OFFERED, ACCEPTED, RESTING, DONE = COLUMNS = ("waiting", "offered", "accepted", "resting", "done")

TABLE: dict[str, tuple[str, str, str, str, str]] = {
    "activity, same tier": (
        "scored",
        "scored; the row says what is new",
        "same",
        "counts towards coming back",
        "scored",
    ),
    "tier rises": ("routed by the new tier", "each unmet target is tightened", "same", "–", "–"),
    "hand-raise": (
        "first in line, passes capacity with an override row",
        "accepted by Baton, accept voided, first touch re-timed if earlier",
        "on top; unmet: re-timed if earlier; met: another first-touch clock",
        "rest ends, new episode, previous rep unless they rejected the person",
        "a signal, to the owner, else the manager; its clock runs, the stage does not move",
    ),
    "falls below leave": ("closes cooled", "stays, marked", "stays", "–", "–"),
    "disqualifier": ("withdrawn", "withdrawn, rep told", "rep told, decides", "–", "–"),
    "all channels closed": ("withdrawn", "withdrawn, rep told", "rep told, decides", "–", "–"),
    "merged away": ("withdrawn", "withdrawn, rep told", "closed", "–", "–"),
    "erased": ("withdrawn", "withdrawn, rep told", "closed", "–", "–"),
    "purchase": ("closes bought", "bought, rep told", "bought, credited", "CUSTOMER", "CUSTOMER"),
    "a deal is opened elsewhere": (
        "withdrawn",
        "withdrawn, rep told",
        "converted by Baton, credited",
        "OPPORTUNITY",
        "unchanged, save SQL → OPPORTUNITY",
    ),
    "touch by the rep": ("–", "accepts, meets first touch", "meets, counts to depth", "kept", "kept"),
    "the rep says no": ("–", "rejected", "returned", "–", "–"),
    "call me on 3 March": (
        "–",
        "accepts, then returned with the date",
        "returned with the date",
        "the date moves",
        "–",
    ),
    "a due time passes": (
        "assign ladder",
        "accept ladder: hop; after the last hop, waiting in the pool",
        "first-touch, depth, qualify ladder",
        "–",
        "–",
    ),
    "the rep is away": ("–", "next hop, not counted against them", "covered: it stays with them", "–", "–"),
    "the rep is gone": ("–", "next hop, not counted against them", "re-offered", "–", "–"),
    "the named date arrives": ("–", "–", "–", "offered to the same rep or successor, no new evidence asked", "–"),
    "a second definition is met": ("added; first rules", "added; re-tiers upward", "same", "–", "–"),
    "another lead of the account qualifies": (
        "joins: own Qualification and stage, no hand-off or clocks of its own, follows the verdict",
        "same; a hand-raise or hotter tier opens its own episode with the same rep",
        "same",
        "opens its own",
        "–",
    ),
    "import, replay, publish": ("standing until released", "no effect", "no effect", "standing", "–"),
}

CASES: dict[tuple[str, str], Callable[[Matter], None]] = {}


def case(row: str, *columns: str) -> Callable[[Callable[[Matter], None]], Callable[[Matter], None]]:
    """Register the case of one cell, or of several that say the same."""

    def register(test: Callable[[Matter], None]) -> Callable[[Matter], None]:
        for column in columns:
            assert row in TABLE, row
            assert (row, column) not in CASES, (row, column)
            CASES[row, column] = test
        return test

    return register

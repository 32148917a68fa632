"""What you see here: one sentence for each page, for people who look around in the demo."""

from __future__ import annotations

from typing import Final, NamedTuple

from leads.models import User

EVERY: Final = "*"


class Hint(NamedTuple):
    """What a page shows, and where to read on: a page of docs/."""

    sentence: str
    page: str


# By the name of the route; a page without a line explains nothing.
HINTS: Final[dict[str, Hint]] = {
    "inbox": Hint("Your leads, what runs out first on top: a accepts, r rejects with a reason, z undoes.", "desk"),
    "lead": Hint("One person: why they qualified, by when you promised an answer, and all they did.", "desk"),
    "leads": Hint("Everybody you may see, the newest first. Find one by name, address or company.", "import"),
    "board": Hint("The floor: what is late, what runs out next, who has how much, who waits for whom.", "operations"),
    "attainment": Hint("What was promised and kept, week by week, how fast, and whose time it was.", "desk"),
    "last-minute": Hint("What was saved only just: promises kept in the last stretch before they broke.", "operations"),
    "team": Hint("Who works when, today and in the next twelve months, and how much each of them has.", "first-day"),
    "away": Hint(
        "Time off: nothing is offered to who is away, and what was on offer moves on, not counted against them.", "desk"
    ),
    "fairness": Hint("Every turn that was given or taken back, and why. Anybody may check.", "architecture"),
    "simulator": Hint("Ask where a lead would go, and what would be promised. Nothing is written.", "api"),
    "shadows": Hint("Run Baton beside what you have: decisions on paper, compared before you go live.", "shadow"),
    "shadow": Hint("What Baton would have done, beside what was done.", "shadow"),
    "status": Hint("How each part of Baton is, and what went wrong lately. Machines read /healthz.", "operations"),
    "calendar": Hint("A calendar's next twelve months: promises are counted in its open hours alone.", "api"),
    "mail-preferences": Hint("How you are told of what, and when you want to be left alone.", "telling"),
    "imports": Hint("A file of leads comes in as history: it starts no clock and wakes nobody.", "import"),
    "start": Hint("What a new installation is led through, from the first write key to the first lead.", "first-day"),
}


def of(route: str, viewer: User) -> Hint | None:
    """The explanation of this page, if this person is shown explanations and has not closed it."""
    closed = viewer.hints_closed
    if closed is None or EVERY in closed or route in closed:
        return None
    return HINTS.get(route)


def close(viewer: User, route: str) -> None:
    """Explain this page to this person no more; `EVERY` for all pages. A page that explains nothing is ignored."""
    if viewer.hints_closed is None or route in viewer.hints_closed or route not in {EVERY, *HINTS}:
        return
    viewer.hints_closed = [*viewer.hints_closed, route]
    viewer.save(update_fields=["hints_closed"])

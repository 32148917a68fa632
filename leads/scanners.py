"""Machines that click before people do: known agents, and several links within seconds; they count as nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from leads.derived import read_list

LINKS: Final = 3
WITHIN: Final = timedelta(seconds=5)
MANY_LINKS: Final = "Several links within seconds"
_LINK: Final = ("url", "link", "href", "link_url", "linkUrl", "target", "link_id")
_AGENTS: Final = tuple(read_list("scanners"))


class Click(NamedTuple):
    """One link opened by one lead; `ref` is the activity's id."""

    lead_id: int
    at: datetime
    link: str
    ref: int


@lru_cache(maxsize=4096)
def agent_reason(user_agent: str | None) -> str:
    """Why an agent counts as a machine, or "" where it doesn't."""
    text = (user_agent or "").lower()
    # One phone maker's name ends like a robot's.
    found = next((part for part in _AGENTS if part in text.replace("cubot/", "")), None) if text else None
    return f"Known scanner: {found}" if found else ""


def is_click(name: str) -> bool:
    """True for names of activities that may be a link in a mail: those that say click."""
    return "click" in name.lower()


def link_of(name: str, properties: Mapping[str, Any]) -> str | None:
    """Which link was opened; `None` where nothing says that it was one at all."""
    for key in _LINK:
        value = properties.get(key)
        if isinstance(value, str) and value:
            return value
    lower = name.lower()
    return name if "link" in lower or "mail" in lower else None


def bursts(clicks: Iterable[Click]) -> set[int]:
    """The refs of clicks that are part of a burst: three different links or more of one lead within five seconds."""
    of_lead: dict[int, list[Click]] = defaultdict(list)
    for click in clicks:
        of_lead[click.lead_id].append(click)
    found: set[int] = set()
    for each in of_lead.values():
        each.sort(key=lambda click: click.at)
        links: Counter[str] = Counter()
        start, told = 0, 0
        for end, click in enumerate(each):
            links[click.link] += 1
            while click.at - each[start].at > WITHIN:
                first = each[start].link
                links[first] -= 1
                if not links[first]:
                    del links[first]
                start += 1
            if len(links) >= LINKS:
                found.update(one.ref for one in each[max(start, told) : end + 1])
                told = end + 1
    return found

"""How much of what is on the floor: counted to a bound off one index, at the same cost however much is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import connection
from django.db.models import Count

from leads.models import Team, User
from scoring.models import Tier
from sla.choices import Choice
from sla.querysets import HandoffQuerySet
from sla.views.board.narrowing import LANES, NUMBERS, Look, within

MOST: Final = 999
MOST_CHOICES: Final = 200
WANTED: Final = (*LANES, "adrift")


def lane_counts(look: Look) -> dict[str, int]:
    """How much is in each lane of what the narrowing leaves, and how much of all of it is adrift, in one question.

    At most `MOST` and one of each are counted.
    """
    asked = [look.some(lane, MOST + 1) for lane in WANTED]
    counts = [f"(SELECT count(*) FROM ({sql}) AS counted)" for sql, _ in asked]  # noqa: S608  (the ORM's, and words of ours)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(counts)}", [each for _, given in asked for each in given])
        return dict(zip(WANTED, cursor.fetchone() or (), strict=True))


def told(size: int, most: int = MOST) -> str:
    """A number that was counted to a bound."""
    return str(size) if size <= most else f"{most}+"


def numbers(look: Look, lanes: Mapping[str, int], waiting: str) -> list[dict[str, Any]]:
    """The numbers of the board, each a filter. What is due within 15 minutes is also due within the hour."""
    found = {"late": lanes["late"], "soon": lanes["soon"], "hour": lanes["soon"] + lanes["next"]}
    found["adrift"] = lanes["adrift"]
    said = {key: told(size) for key, size in found.items()} | {"waiting": waiting}
    return [
        {
            "key": key,
            "label": label,
            "count": said[key],
            "is_some": said[key] != "0",
            "address": look.address(show="" if look.show == key else key),
        }
        for key, label in NUMBERS.items()
    ]


def choices(look: Look, *, counted: bool) -> dict[str, list[Choice]]:
    """What can be chosen; counted, each with how much it would leave beside what else is chosen."""
    people = User.objects.filter(memberships__team__in=look.teams, rep__is_active=True).distinct()
    named = people.order_by("full_name", "pk").values_list("pk", "public_id", "full_name", "email")[:MOST_CHOICES]
    offered: dict[str, dict[Any, tuple[str, str]]] = {
        "team": {pk: (str(pk), name) for pk, name in look.teams.values_list("pk", "name")[:MOST_CHOICES]},
        "rep": {pk: (str(public), name or email) for pk, public, name, email in named},
        "tier": {value: (value, label) for value, label in Tier.choices},
        "source": {},
    }
    for name, value in look.chosen.items():
        offered[name].setdefault(_key(value), (look.values[name], str(value)))
    sizes = {name: _sizes(look, name) for name in offered} if counted else {}
    if counted:
        offered["source"] |= {each: (each, each) for each in sorted(sizes["source"], key=str.casefold) if each}
    return {
        name: [
            Choice(value, label, look.values.get(name) == value, sizes[name].get(key, 0) if counted else None)
            for key, (value, label) in list(values.items())[:MOST_CHOICES]
        ]
        for name, values in offered.items()
    }


def _sizes(look: Look, name: str) -> dict[Any, int]:
    """How much there is of each value, of what everything else leaves."""
    column = {"rep": "user"}.get(name, name)
    left: HandoffQuerySet = look.narrowed(but=name)
    if look.show not in ("", "waiting"):
        left = left.filter(within(look.show, now=look.now))
    return dict(left.order_by().values_list(column).annotate(size=Count("pk")))


def _key(value: object) -> object:
    return value.pk if isinstance(value, Team | User) else value

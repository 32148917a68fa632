"""The picture of turns: what each rep was given as a bar, and what was due to them by weight as a mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

WIDE: Final = 980


@dataclass(frozen=True)
class Turns:
    """How many leads somebody was given, and how many were due. `of` says where, in words that follow the name."""

    name: str
    given: int
    quota: Fraction
    of: str = ""


@dataclass(frozen=True)
class Bar:
    """One rep in the picture: bar and mark in thousandths of its width."""

    name: str
    says: str
    given: int
    quota: str
    width: float
    mark: float


def bars(rows: Sequence[Turns], *, given: str = "given") -> list[Bar]:
    """The picture of these rows, the longest bar nearly as wide as it."""
    most = max([Fraction(1), *(max(each.quota, Fraction(each.given)) for each in rows)])
    scale = WIDE / float(most)
    return [
        Bar(
            each.name,
            f"{each.name}{each.of}: {each.given} {given}, {leads(each.quota)} due",
            each.given,
            leads(each.quota),
            round(each.given * scale, 1),
            round(max(0.0, float(each.quota)) * scale, 1),
        )
        for each in rows
    ]


def leads(number: Fraction) -> str:
    """A number of leads as people read it: “2”, “1.67”, “−0.33”."""
    text = f"{float(abs(number)):.2f}".rstrip("0").rstrip(".")
    return f"−{text}" if number < 0 and text != "0" else text

"""Whose turn it is: weighted shares of leads, in whole numbers, such that nobody is ever a whole lead from theirs.

A *span* is a time in which those who can take leads, and their weights, do not change. In it everybody is due
`carry + n·weight/total` of the first n leads. Each lead goes to the one of those who may have another whose due number
has to be made good first (earliest deadline first, as in Baruah, Cohen, Plaxton and Varvel's proportionate progress,
1996): a k-th lead may be given once more than k − 1 are due, and must be given by when k are. With nothing carried this
keeps everybody less than one lead from their due number after every single lead, whatever the weights; smooth weighted
round robin does not.

What somebody is owed when a span ends stays owed, at most one lead either way, and is carried into the next span they
are in, as far as the same promise can be kept there. So who was away for a month is owed what they were owed when they
left, and no more; and however often the line-up changes, nobody drifts away from their share.

Balances are counted in millionths of a lead; there is no rounding but that at the end of a span, which adds up to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LEAD: Final = 1_000_000
MOST: Final = LEAD - 1
# A carry that can't be kept is cut in steps of this many parts.
PARTS: Final = 16

Balances = dict[int, int]


@dataclass(frozen=True)
class Span:
    """Weights and carry by person, and how many leads each was given since it began."""

    weights: Mapping[int, int]
    carry: Mapping[int, int]
    given: Mapping[int, int]

    @property
    def turns(self) -> int:
        """How many leads were given in it."""
        return sum(self.given.values())

    def order(self) -> list[int]:
        """Everybody, the one whose turn it is first: by deadline among those who may have another, then the rest."""
        total, turn = sum(self.weights.values()), self.turns + 1

        def place(who: int) -> tuple[bool, int, int, int]:
            weight, given, carry = self.weights[who], self.given.get(who, 0), self.carry.get(who, 0)
            early = carry * total + turn * weight * LEAD <= given * LEAD * total
            wanted = (given + 1) * LEAD - carry
            return early, -(-wanted * total // (weight * LEAD)), wanted // weight, who

        return sorted(self.weights, key=place)

    def next(self) -> int:
        """Who gets the next lead."""
        return self.order()[0]

    def give(self, who: int) -> Span:
        """The span after this one got the next lead."""
        return Span(self.weights, self.carry, {**self.given, who: self.given.get(who, 0) + 1})

    def due(self, who: int) -> tuple[int, int]:
        """How many leads they are due by now, as numerator and denominator."""
        total = sum(self.weights.values())
        return self.carry.get(who, 0) * total + self.turns * self.weights[who] * LEAD, LEAD * total

    def is_within_a_lead(self) -> bool:
        """Whether everybody is less than one whole lead from what they are due."""
        for who in self.weights:
            due, whole = self.due(who)
            if abs(due - self.given.get(who, 0) * whole) >= whole:
                return False
        return True

    def earned(self) -> Balances:
        """How many leads each was due in this span beyond those given, in millionths; it adds up to 0."""
        total, turns = sum(self.weights.values()), self.turns
        found: Balances = {}
        cut: list[tuple[int, int]] = []
        for who in sorted(self.weights):
            share, rest = divmod(turns * self.weights[who] * LEAD, total)
            found[who] = share - self.given.get(who, 0) * LEAD
            cut.append((-rest, who))
        for _, who in sorted(cut)[: -sum(found.values())]:
            found[who] += 1
        return found


def begin(weights: Mapping[int, int], owed: Mapping[int, int]) -> Span:
    """A new span for these people, with what they are owed carried over as far as its promise can be kept."""
    return Span(dict(weights), carried(weights, owed), {})


def settle(owed: Mapping[int, int], span: Span) -> Balances:
    """What everybody is owed after a span, those who were not in it unchanged: at most one lead either way."""
    earned = span.earned()
    return {**owed, **{who: max(-LEAD, min(LEAD, owed.get(who, 0) + more)) for who, more in earned.items()}}


def carried(weights: Mapping[int, int], owed: Mapping[int, int]) -> Balances:
    """What is carried into a span of these weights: adding up to 0, each less than a lead, and possible to keep."""
    fair = _balanced(weights, {who: _cap(owed.get(who, 0)) for who in weights})
    if _can_be_kept(weights, fair):
        return fair
    kept, low, high = dict.fromkeys(weights, 0), 0, PARTS
    while high - low > 1:
        middle = (low + high) // 2
        cut = _evened({who: _part(balance, middle) for who, balance in fair.items()})
        if _can_be_kept(weights, cut):
            kept, low = cut, middle
        else:
            high = middle
    return kept


def give_back(owed: Mapping[int, int], who: int) -> Balances:
    """A turn that turned out to be none is owed again; never more than one lead in all."""
    return {**owed, who: min(LEAD, owed.get(who, 0) + LEAD)}


def _cap(balance: int) -> int:
    return max(-MOST, min(MOST, balance))


def _part(balance: int, parts: int) -> int:
    size = abs(balance) * parts // PARTS
    return size if balance > 0 else -size


def _balanced(weights: Mapping[int, int], owed: Balances) -> Balances:
    """What those who are not here are owed or owe is borne by everybody here, by weight."""
    over = sum(owed.values())
    if not over:
        return owed
    total = sum(weights.values())

    def less(shift: int) -> Balances:
        return {who: _cap(balance - weights[who] * shift // total) for who, balance in owed.items()}

    even = less(over)
    if MOST not in even.values() and -MOST not in even.values():
        return _evened(even)
    # The largest shift after which they are not owed less than nothing.
    low, high = _bracket(lambda shift: sum(less(shift).values()) >= 0, over)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(less(middle).values()) >= 0 else (low, middle)
    return _evened(less(low))


def _bracket(holds: Callable[[int], bool], start: int) -> tuple[int, int]:
    """Two numbers around the place where what holds no longer does; it gives way going up."""
    step, low = 1, start
    while not holds(low):
        low, step = low - step, step * 8
    step, high = 1, start + 1
    while holds(high):
        low, high, step = high, high + step, step * 8
    return low, high


def _evened(balances: Balances) -> Balances:
    """Take off the last millionths, so that it adds up to 0."""
    over = sum(balances.values())
    while over:
        sign = 1 if over > 0 else -1
        for who in sorted(balances):
            if over and abs(balances[who] - sign) <= MOST:
                balances[who] -= sign
                over -= sign
    return balances


def _can_be_kept(weights: Mapping[int, int], carry: Mapping[int, int]) -> bool:
    """Whether the leads due at each moment are never more than there have been by then.

    Only who has had too much can be the cause; once they are ahead by less than a lead in all, it holds for good.
    """
    if sum(balance for balance in carry.values() if balance > 0) < LEAD:
        return True
    total = sum(weights.values())
    until = _first(lambda turns: _ahead(weights, carry, total, turns) < LEAD * total)
    deadlines = sorted(_deadlines(weights, carry, total, until))
    return all(count <= deadline for count, deadline in enumerate(deadlines, start=1))


def _ahead(weights: Mapping[int, int], carry: Mapping[int, int], total: int, turns: int) -> int:
    """By how much those who are ahead still are after so many turns, in parts of a millionth."""
    return sum(max(0, -carry[who] * total - turns * weight * LEAD) for who, weight in weights.items() if carry[who] < 0)


def _first(holds: Callable[[int], bool]) -> int:
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _deadlines(weights: Mapping[int, int], carry: Mapping[int, int], total: int, until: int) -> Iterable[int]:
    """By which turn each lead has to be given, up to this turn."""
    for who, weight in weights.items():
        wanted = LEAD - carry[who]
        while (deadline := -(-wanted * total // (weight * LEAD))) <= until:
            yield deadline
            wanted += LEAD

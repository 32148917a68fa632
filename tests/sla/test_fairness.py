"""Whose turn it is, in pure numbers: nobody is ever a whole lead from their share."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla.routing import fairness
from sla.routing.fairness import LEAD, Span
from tests.thorough import THOROUGH

weights = st.dictionaries(st.integers(1, 40), st.integers(1, 1000), min_size=1, max_size=12)


def played(span: Span, turns: int) -> tuple[Span, list[int]]:
    """The span after so many turns, and who got them."""
    got = []
    for _ in range(turns):
        got.append(span.next())
        span = span.give(got[-1])
    return span, got


def off(span: Span, who: int) -> Fraction:
    """How far this person is from the share of the leads that is theirs, carry left out."""
    share = Fraction(span.turns * span.weights[who], sum(span.weights.values()))
    return abs(share - span.given.get(who, 0))


class TestTurns:
    @pytest.mark.parametrize(
        ("shares", "turns", "expected"),
        [
            ({1: 100, 2: 100, 3: 100}, 6, [1, 2, 3, 1, 2, 3]),  # equals go round
            ({1: 100, 2: 50}, 6, [1, 1, 2, 1, 1, 2]),  # half a share: every third
            ({7: 5}, 3, [7, 7, 7]),  # alone
            ({1: 3, 2: 1, 3: 1}, 5, [1, 1, 2, 1, 3]),
        ],
    )
    def test_go_to_whom_they_are_due(self, shares: dict[int, int], turns: int, expected: list[int]) -> None:
        assert played(fairness.begin(shares, {}), turns)[1] == expected

    def test_keep_a_bound_that_smooth_round_robin_breaks(self) -> None:
        """Smooth weighted round robin leaves somebody more than a lead behind for these; here nobody is."""
        shares = {1: 28, 2: 1, 3: 2, 4: 1, 5: 11, 6: 9, 7: 28}
        current, total, given_, worst = dict.fromkeys(shares, 0), sum(shares.values()), dict.fromkeys(shares, 0), 0.0
        for turn in range(1, total + 1):
            for who, weight in shares.items():
                current[who] += weight
            first = max(current, key=lambda who: (current[who], -who))
            current[first] -= total
            given_[first] += 1
            worst = max(worst, *(abs(given_[who] - turn * shares[who] / total) for who in shares))
        span = fairness.begin(shares, {})
        for _ in range(total):
            span = span.give(span.next())
            assert max(off(span, who) for who in shares) < 1
        assert worst > 1

    @settings(max_examples=2000 if THOROUGH else 100, deadline=None)
    @given(weights, st.integers(1, 400))
    def test_leave_nobody_a_whole_lead_from_their_share_after_any_of_them(
        self, shares: dict[int, int], turns: int
    ) -> None:
        span = fairness.begin(shares, {})
        for _ in range(turns):
            span = span.give(span.next())
            assert max(off(span, who) for who in shares) < 1
            assert span.is_within_a_lead()

    @settings(max_examples=1000 if THOROUGH else 60, deadline=None)
    @given(weights, st.data())
    def test_keep_the_bound_and_the_cap_through_any_change_of_the_line(
        self, shares: dict[int, int], data: st.DataObject
    ) -> None:
        owed: dict[int, int] = {}
        for _ in range(data.draw(st.integers(1, 6))):
            here = data.draw(st.sets(st.sampled_from(sorted(shares)), min_size=1))
            if data.draw(st.booleans()):
                owed = fairness.give_back(owed, data.draw(st.sampled_from(sorted(shares))))
            span = fairness.begin({who: shares[who] for who in here}, owed)
            assert sum(span.carry.values()) == 0
            assert span.is_within_a_lead()
            for _ in range(data.draw(st.integers(1, 40))):
                span = span.give(span.next())
                assert span.is_within_a_lead()
            owed = fairness.settle(owed, span)
            assert all(abs(balance) <= LEAD for balance in owed.values())


class TestCarry:
    def test_of_who_comes_back_from_leave_is_what_they_were_owed_when_they_left(self) -> None:
        shares = dict.fromkeys(range(1, 5), 100)
        span, _ = played(fairness.begin(shares, {}), 2)  # 3 and 4 are owed half a lead
        owed = fairness.settle({}, span)
        without, _ = played(fairness.begin({1: 100, 2: 100, 3: 100}, owed), 100)
        owed = fairness.settle(owed, without)
        assert owed[4] == LEAD // 2
        _, got = played(fairness.begin(shares, owed), 8)
        assert got.count(4) in (2, 3)

    def test_never_forgets_across_many_changes(self) -> None:
        shares, owed, got = {1: 100, 2: 100, 3: 100}, dict[int, int](), dict.fromkeys((1, 2, 3), 0)
        due = dict.fromkeys(shares, Fraction(0))
        for turn in range(300):
            here = {who: weight for who, weight in shares.items() if (turn + who) % 3}
            span = fairness.begin(here, owed)
            first = span.next()
            got[first] += 1
            owed = fairness.settle(owed, span.give(first))
            for who in here:
                due[who] += Fraction(1, len(here))
        assert max(abs(due[who] - got[who]) for who in shares) < 2

    def test_is_cut_where_the_promise_could_not_be_kept_with_it(self) -> None:
        """Two are owed almost a lead each, and only one can have the next."""
        owed = {1: 900_000, 2: 900_000, 3: -900_000, 4: -900_000}
        span = fairness.begin({1: 45, 2: 45, 3: 5, 4: 5}, owed)
        assert 0 < span.carry[1] < 900_000
        _, got = played(span, 2)
        assert set(got) == {1, 2}

    def test_gives_a_turn_back_up_to_one_lead(self) -> None:
        assert fairness.give_back({1: -400_000}, 1) == {1: 600_000}
        assert fairness.give_back({1: 400_000}, 1) == {1: LEAD}
        assert fairness.give_back({}, 2) == {2: LEAD}

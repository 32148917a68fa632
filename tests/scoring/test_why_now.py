"""The first sentence of a call, out of frozen reasons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from scoring.why_now import why_now

PRICING = {"label": "Visited pricing", "axis": "engagement", "points": 15_000, "count": 5.0, "observed": {}}
TRIAL = {"label": "Started a free trial", "axis": "engagement", "points": 30_000, "count": 1.0, "observed": {}}
CAREERS = {"label": "Visited careers", "axis": "engagement", "points": -20_000, "count": 2.0, "observed": {}}
SENIOR = {"label": "Director or higher", "axis": "fit", "points": 15_000, "observed": {"lead.seniority": "director"}}
SIZE = {"label": "50 to 250", "axis": "fit", "points": 10_000, "observed": {"account.employees": 240}}


def hand(now: datetime) -> dict[str, Any]:
    at = (now - timedelta(minutes=12)).isoformat()
    return {"label": "Requested a demo", "axis": "engagement", "points": 0, "last_at": at, "hand_raise": True} | {
        "count": 1.0,
        "observed": {},
    }


class TestWhyNow:
    def test_says_what_they_asked_who_they_are_and_what_else_they_did(self, now: datetime) -> None:
        said = why_now([PRICING, SENIOR, SIZE, hand(now)], title="Head of IT", industry="Software", now=now)
        assert said == "Requested a demo 12 m ago; Head of IT at a 240-person software company; visited pricing 5 ×."

    def test_puts_what_gave_most_first_where_nobody_asked(self, now: datetime) -> None:
        assert why_now([PRICING, TRIAL], now=now) == "Started a free trial; visited pricing 5 ×."

    def test_leaves_out_what_speaks_against(self, now: datetime) -> None:
        assert "careers" not in why_now([TRIAL, CAREERS], now=now)

    @pytest.mark.parametrize(
        ("known", "who"),
        [
            ({}, "a director"),
            ({"title": "Director of IT"}, "Director of IT"),
            ({"employees": 80}, "a director at an 80-person company"),
            ({"employees": 1, "industry": "Energy"}, "a director at a 1-person energy company"),
            ({"industry": "Energy"}, "a director at an energy company"),
            ({"title": "x" * 100}, f"{'x' * 60}…"),
        ],
    )
    def test_knows_the_person_by_title_and_company(self, known: dict[str, Any], who: str, now: datetime) -> None:
        assert why_now([TRIAL, SENIOR], now=now, **known) == f"Started a free trial; {who}."

    def test_says_only_who_they_are_where_they_did_nothing(self, now: datetime) -> None:
        assert why_now([SENIOR], now=now, industry="Retail") == "A director at a retail company."

    def test_counts_what_it_has_no_room_for(self, now: datetime) -> None:
        more = [TRIAL, *({**PRICING, "label": f"Act {number}", "count": 1.0} for number in range(4))]
        assert why_now(more, now=now) == "Started a free trial; act 0, act 1 and 2 more."

    def test_says_nothing_of_nothing(self, now: datetime) -> None:
        assert why_now([], now=now) == ""
        assert why_now([{**SENIOR, "observed": {"lead.title": "set"}}], now=now) == ""

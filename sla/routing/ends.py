"""How a decision ends."""

from __future__ import annotations

from enum import StrEnum


class Ends(StrEnum):
    """An offer, or why there is none."""

    OFFER = "offer"
    HELD = "held"
    DECISION = "decision"
    POOL = "pool"
    NO_RULE = "no_rule"
    NOBODY = "nobody"
    NO_POLICY = "no_policy"

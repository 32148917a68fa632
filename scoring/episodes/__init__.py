"""The life of an episode, as verbs. The lead's row is locked by whoever calls them.

A verb has one file: `opening` (opened, split off, reopened), `living` (phases, tiers, raised hands, marks), `company`
(colleagues join and leave), `ending` (closed, merged, erased). `rows` is what each is made of: locks and history rows.
sla writes the phase through `set_phase` and ends through `close`; scoring itself decides by phase alone.
"""

from scoring.episodes.company import join, leave
from scoring.episodes.ending import close, erase_episode, merge_episodes, overtake
from scoring.episodes.living import (
    PhaseMove,
    add_qualification,
    begin_anew,
    cool,
    disqualify,
    raise_hand,
    raise_tier,
    set_phase,
    set_phases,
    warm_again,
)
from scoring.episodes.opening import open_episode, reopen, split_off
from scoring.episodes.rows import (
    HOTTER,
    OPENS_FROM,
    EpisodeRefused,
    colleagues,
    colleagues_of,
    host_for,
    is_hotter,
    lock,
    lock_matter,
    lock_to_qualify,
    lock_waiting,
    open_for,
)

__all__ = [
    "EpisodeRefused",
    "HOTTER",
    "OPENS_FROM",
    "PhaseMove",
    "add_qualification",
    "begin_anew",
    "close",
    "colleagues",
    "colleagues_of",
    "cool",
    "disqualify",
    "erase_episode",
    "host_for",
    "is_hotter",
    "join",
    "leave",
    "lock",
    "lock_matter",
    "lock_to_qualify",
    "lock_waiting",
    "merge_episodes",
    "open_episode",
    "open_for",
    "overtake",
    "raise_hand",
    "raise_tier",
    "reopen",
    "set_phase",
    "set_phases",
    "split_off",
    "warm_again",
]

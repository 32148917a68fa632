"""Bells of the scoring floor: rung inside the transaction of an episode's verb, answered by sla."""

from django.dispatch import Signal

# Inside the transaction; a receiver that fails undoes the verb.
episode_opened = Signal()  # episode, now
episode_changed = (
    Signal()
)  # episode, what ("tier_rose", "hand_raised", "cooled", "definition_added", "disqualified"), detail, now
episode_closed = Signal()  # episode, closed_as, by, now

"""Bells of the scoring floor: rung inside the transaction of an episode's verb, answered by sla."""

from django.dispatch import Signal

# Inside the transaction; a receiver that fails undoes the verb.
episode_opened = Signal()  # episode, by, now
# episode, what, detail, now. What: tier_rose, hand_raised, cooled, definition_added, disqualified, joined, left; of the
# last two the detail has the lead as `member`.
episode_changed = Signal()
episode_closed = Signal()  # episode, closed_as, by, now

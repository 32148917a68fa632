"""Bells of the ground floor: past tense, rung by its verbs, answered by the floors above."""

from django.dispatch import Signal

# Inside the transaction; a receiver that fails undoes the verb.
stage_moved = Signal()  # lead, from_stage, to_stage, cause, by, now
leads_merged = Signal()  # winner, loser, by, now
lead_erased = Signal()  # lead, by, now
outcome_recorded = Signal()  # outcome, now
login_closed = Signal()  # user, by, now
left_team = Signal()  # user, team, by, now
invitation_accepted = Signal()  # invitation, user, now

# After commit; only wakes work up.
activities_recorded = Signal()  # lead_ids

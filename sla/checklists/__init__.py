"""What is known of a lead before it counts as sales-qualified: answers to a checklist, kept as they come in.

`choosing` says which checklist it is, `answering` keeps an answer, `given` is what a conversion takes along.
"""

from sla.checklists.choosing import Question, items_for, questions_of
from sla.checklists.given import known, taken_along

__all__ = ["Question", "items_for", "known", "questions_of", "taken_along"]

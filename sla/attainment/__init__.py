"""The manager's numbers: what was promised and kept, how fast a person reached out, and whose time it was.

Attainment is met ÷ (met + missed) of the promises that fell due; whoever counts the rows gets the same number.
"""

"""What comes next with an accepted lead: by the cadence, or as its rep says; and rows that are out of sight until then.

`cadence` says what comes next and when, `keeping` writes it where other verbs change things, `changing` holds the verbs
of people, `choices` the moments that are offered to them.
"""

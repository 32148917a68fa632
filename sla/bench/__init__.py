"""Measuring the whole house on a database of its own: intake, scoring, and the way to the offer."""

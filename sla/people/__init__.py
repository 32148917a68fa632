"""The people who receive leads: whose hours count, and who is away."""
